//! A folder with one file per table: `Enrollment.csv`, in any case.
//!
//! Reads: the folder's listing. Writes: nothing. Never: opens a file, guesses between two files.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::SourceError;

/// The folder and the extension of its files.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
    extension: &'static str,
}

impl Folder {
    /// Opens a folder.
    pub(super) fn open(path: &Path, extension: &'static str) -> Result<Self, SourceError> {
        let not = |what: String| SourceError::NotASource {
            path: path.to_owned(),
            what,
        };
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => Ok(Self {
                path: path.to_owned(),
                extension,
            }),
            Ok(_) => Err(not(format!(
                "a folder of .{extension} files is expected, this is a file"
            ))),
            Err(e) => Err(not(e.to_string())),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Table names (file names without extension) and files, sorted by name.
    pub(super) fn files(&self) -> Result<Vec<(String, PathBuf)>, SourceError> {
        let failed = |source: io::Error| SourceError::Io {
            path: self.path.clone(),
            source,
        };
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let wanted = path
                .extension()
                .and_then(OsStr::to_str)
                .is_some_and(|e| e.eq_ignore_ascii_case(self.extension));
            if let (true, Some(stem)) = (wanted && path.is_file(), path.file_stem()) {
                let stem = stem.to_string_lossy();
                // Files being written (`.Enrollment.csv.partial` has another extension) and hidden ones.
                if !stem.starts_with('.') {
                    files.push((stem.into_owned(), path));
                }
            }
        }
        files.sort();
        Ok(files)
    }

    /// The file of a table, whatever the case of its name.
    pub(super) fn file(&self, table: &str) -> Result<PathBuf, SourceError> {
        let mut found = self
            .files()?
            .into_iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(table))
            .map(|(_, path)| path);
        let wrong = |path: PathBuf, what: String| SourceError::Table {
            table: table.to_owned(),
            path,
            what,
        };
        match (found.next(), found.next()) {
            (Some(path), None) => Ok(path),
            (Some(path), Some(other)) => Err(wrong(
                path,
                format!(
                    "{} holds the same table; remove one of them",
                    other.display()
                ),
            )),
            (None, _) => Err(wrong(
                self.path.join(format!("{table}.{}", self.extension)),
                String::from("there is no such file"),
            )),
        }
    }

    /// Opens the file of a table: its path, its name for rejects, and the file.
    pub(super) fn open_table(&self, table: &str) -> Result<(PathBuf, String, File), SourceError> {
        let path = self.file(table)?;
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match File::open(&path) {
            Ok(file) => Ok((path, name, file)),
            Err(source) => Err(SourceError::Io { path, source }),
        }
    }

    /// Size of a table's file in bytes.
    pub(super) fn size_bytes(&self, table: &str) -> Option<u64> {
        let path = self.file(table).ok()?;
        Some(fs::metadata(path).ok()?.len())
    }
}

/// Where each declared column stands among the source's columns (compared without regard to case);
/// `None` for an optional one that is not there.
///
/// # Errors
/// The text of what is wrong: a column that stands twice, or required ones that are missing.
pub(super) fn positions<'n>(
    table: &super::TableSchema,
    names: impl Iterator<Item = &'n str> + Clone,
) -> Result<Vec<Option<usize>>, String> {
    let mut positions = Vec::with_capacity(table.columns.len());
    for column in &table.columns {
        let mut found = names
            .clone()
            .enumerate()
            .filter(|(_, name)| name.eq_ignore_ascii_case(&column.name))
            .map(|(at, _)| at);
        match (found.next(), found.next()) {
            (_, Some(_)) => return Err(format!("column {} stands there twice", column.name)),
            (None, _) if !column.optional => {
                return Err(format!("column {} is missing", column.name));
            }
            (at, None) => positions.push(at),
        }
    }
    Ok(positions)
}
