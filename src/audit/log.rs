//! Appending whole lines, also when several processes do it at once; and reading them.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::Entry;
use super::chain::hash;
use crate::files;

/// Appends an entry, with the hash of the line before it, and puts it on disk.
///
/// # Errors
/// As the file system says; the path is in the message.
pub fn append(path: &Path, entry: &Entry) -> io::Result<()> {
    let fail = |e: io::Error| files::at(path, &e);
    if let Some(folder) = path.parent() {
        files::create_dir(folder)?;
    }
    let options = files::options()
        .create(true)
        .read(true)
        .append(true)
        .open(path);
    let mut file = options.map_err(fail)?;
    file.lock().map_err(fail)?;
    let (last, torn) = last_line(&mut file).map_err(fail)?;
    let mut line = Vec::new();
    if torn {
        // A write that was cut off stays as it is, on a line of its own: nothing is removed here.
        line.push(b'\n');
    }
    let chained = Entry {
        prev: last.map(|last| hash(&last)).unwrap_or_default(),
        ..entry.clone()
    };
    serde_json::to_writer(&mut line, &chained)?;
    line.push(b'\n');
    file.write_all(&line)
        .and_then(|()| file.sync_data())
        .map_err(fail)
}

/// The last line without its end, None in an empty file; and whether the end is missing.
fn last_line(file: &mut File) -> io::Result<(Option<Vec<u8>>, bool)> {
    let len = file.metadata()?.len();
    if len == 0 {
        return Ok((None, false));
    }
    let mut take = 1u64 << 12;
    loop {
        let from = len.saturating_sub(take);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        io::Read::take(&mut *file, len - from).read_to_end(&mut bytes)?;
        let torn = bytes.last() != Some(&b'\n');
        let end = bytes.len() - usize::from(!torn);
        let before = bytes.get(..end).unwrap_or_default();
        match before.iter().rposition(|b| *b == b'\n') {
            Some(at) => return Ok((before.get(at + 1..).map(<[u8]>::to_vec), torn)),
            None if from == 0 => return Ok((Some(before.to_vec()), torn)),
            None => take *= 4,
        }
    }
}

/// Visits the lines of a log, oldest first, with their numbers (from 1); without a file there are
/// none.
///
/// # Errors
/// As the file system says; the path is in the message.
pub fn read(path: &Path, mut visit: impl FnMut(usize, &[u8])) -> io::Result<()> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file.map_err(|e| files::at(path, &e))?,
    };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line);
        if read.map_err(|e| files::at(path, &e))? == 0 {
            return Ok(());
        }
        number += 1;
        visit(number, line.strip_suffix(b"\n").unwrap_or(&line));
    }
}
