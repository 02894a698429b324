//! Copying the target's records into files, a page at a time.
//!
//! Reads: the target. Writes: one file per resource, for the owner only. Never: holds more than a
//! page.

mod columns;
mod keys;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow_json::ReaderBuilder;
use serde_json::Value;

pub use keys::Keys;

use super::{Prepared, RunError, Selection};
use crate::files;
use crate::load::{Api, Question};
use crate::stage::{Layout, ParquetFile, file_name};
use crate::target::edfi::Media;

/// Formats of the copies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line, as the target gave it.
    #[default]
    Jsonl,
    /// Columns as the metadata has them.
    Parquet,
}

/// What is copied, and how.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// Folder of the files.
    pub out: PathBuf,
    /// Their format.
    pub format: Format,
    /// Filters that the target applies.
    pub filters: Vec<(String, String)>,
    /// Members that are kept or dropped.
    pub keys: Keys,
    /// Records of a page.
    pub page: usize,
}

/// A copy that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The file.
    pub path: PathBuf,
    /// Its records.
    pub records: u64,
}

/// Copies each resource's records; a file has its name once it is complete.
///
/// # Errors
/// The target refuses or does not answer, or a file cannot be written.
pub async fn fetch(
    api: &Api,
    selection: &Selection,
    wanted: &Fetch,
) -> Result<Vec<Fetched>, RunError> {
    files::create_dir(&wanted.out)?;
    let mut copies = Vec::new();
    for p in &selection.resources {
        let extension = match wanted.format {
            Format::Jsonl => "jsonl",
            Format::Parquet => "parquet",
        };
        let name = format!("{}.{extension}", file_name(&p.resource.name));
        let path = wanted.out.join(name);
        let mut copy = match wanted.format {
            Format::Jsonl => Copy::lines(&path)?,
            Format::Parquet => Copy::columns(&path, p, &wanted.keys)?,
        };
        let mut walk = api.walk(question(p, &wanted.filters), wanted.page);
        let mut records = 0;
        while let Some(mut page) = walk.next().await? {
            records += page.len() as u64;
            page.iter_mut().for_each(|record| wanted.keys.apply(record));
            copy.write(page)?;
        }
        copy.finish(&path)?;
        copies.push(Fetched { path, records });
    }
    Ok(copies)
}

/// What is asked of a resource of a selection.
pub fn question<'a>(p: &'a Prepared, filters: &'a [(String, String)]) -> Question<'a> {
    Question {
        path: &p.meta.path,
        filters,
        accept: Media::of(&p.meta.path, p.resource.profile.as_deref()).readable,
    }
}

/// A file being written.
enum Copy {
    Lines(BufWriter<File>, PathBuf),
    Columns(Box<ParquetFile>, SchemaRef),
}

impl Copy {
    fn lines(path: &Path) -> Result<Self, RunError> {
        let partial = files::partial(path);
        let file = BufWriter::new(files::create(&partial)?);
        Ok(Self::Lines(file, partial))
    }

    fn columns(path: &Path, p: &Prepared, keys: &Keys) -> Result<Self, RunError> {
        let schema = columns::schema(&p.meta, keys);
        let file = ParquetFile::create(path, Arc::clone(&schema), &Layout::records())?;
        Ok(Self::Columns(Box::new(file), schema))
    }

    fn write(&mut self, mut page: Vec<Value>) -> Result<(), RunError> {
        match self {
            Self::Lines(file, _) => {
                for record in page {
                    serde_json::to_writer(&mut *file, &record).map_err(std::io::Error::from)?;
                    file.write_all(b"\n")?;
                }
            }
            Self::Columns(file, schema) => {
                page.iter_mut()
                    .for_each(|record| columns::fit(schema, record));
                let unreadable = |e: arrow::error::ArrowError| std::io::Error::other(e);
                let mut decoder = ReaderBuilder::new(Arc::clone(schema))
                    .with_batch_size(page.len().max(1))
                    .build_decoder()
                    .map_err(unreadable)?;
                decoder.serialize(&page).map_err(unreadable)?;
                if let Some(batch) = decoder.flush().map_err(unreadable)? {
                    file.write(&batch)?;
                }
            }
        }
        Ok(())
    }

    fn finish(self, path: &Path) -> Result<(), RunError> {
        match self {
            Self::Lines(mut file, partial) => {
                file.flush()?;
                std::fs::rename(&partial, path)?;
            }
            Self::Columns(file, _) => {
                file.finish()?;
            }
        }
        Ok(())
    }
}
