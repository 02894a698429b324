//! Owner-only files and folders, written under a temporary name and renamed.
//!
//! Everything that the tool keeps may hold student data, so every file is 0600 and every folder
//! 0700, whatever the umask says.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Makes a folder and its missing parents, each for the owner only. A folder that is there
/// already keeps its mode.
///
/// # Errors
/// As the file system says; the path is in the message.
pub fn create_dir(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path).map_err(|e| at(path, &e))
}

/// Options that create files for the owner only; add `write`, `append`, `create` as needed.
pub fn options() -> OpenOptions {
    #[allow(unused_mut)]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

/// Creates (or empties) a file for the owner only.
///
/// # Errors
/// As the file system says; the path is in the message.
pub fn create(path: &Path) -> io::Result<File> {
    options()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .map_err(|e| at(path, &e))
}

/// The name that a file is written under before it is complete: `.name.partial` beside it.
pub fn partial(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.partial"))
}

/// Writes a whole file: under a temporary name, synced, then renamed over `path`.
///
/// # Errors
/// As the file system says; the path is in the message.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = partial(path);
    let mut file = create(&partial)?;
    file.write_all(bytes)
        .and_then(|()| file.sync_data())
        .map_err(|e| at(&partial, &e))?;
    fs::rename(&partial, path).map_err(|e| at(path, &e))
}

/// Adds the path to an error's message.
pub fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn files_and_folders_are_for_the_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/b");
        create_dir(&folder).unwrap();
        write(&folder.join("x.json"), b"{}").unwrap();
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(&folder), mode(&folder.join("x.json"))),
            (0o700, 0o600)
        );
        assert!(!partial(&folder.join("x.json")).exists());
    }
}
