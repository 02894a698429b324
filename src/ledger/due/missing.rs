//! Which rows of one file have keys that another file lacks.

use std::path::Path;

use super::super::error::LedgerError;
use super::objects::Objects;

/// The rows of `file` (0 = first, ascending) whose keys are not in `other`; both have the columns of
/// an objects file. Memory is one pass over each, and the answer.
///
/// # Errors
/// A file that cannot be read, or lacks a column.
pub fn missing_from(file: &Path, other: &Path) -> Result<Vec<u64>, LedgerError> {
    let (mut file, mut other) = (Objects::open(file)?, Objects::open(other)?);
    let passes = file.passes().max(other.passes());
    file.in_passes(passes);
    other.in_passes(passes);
    let (mut rows, mut keys, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for pass in 0..passes {
        file.read_pass(pass, &mut rows)?;
        other.read_pass(pass, &mut keys)?;
        let lacks = |key: u128| keys.binary_search_by_key(&key, |o| o.key).is_err();
        let found = rows.iter().filter(|row| lacks(row.key));
        missing.extend(found.map(|row| u64::from(row.row)));
    }
    missing.sort_unstable();
    Ok(missing)
}
