//! Whether the disk is large enough, asked before the start.
//!
//! Reads: free space. Writes: nothing. Never: fails a run for a number that it cannot learn.

use std::path::Path;

use super::StageError;
use crate::files;
use crate::source::Format;

/// What a run may write, in hundredths of the source's bytes: staged tables, objects, results and
/// ledger together. Of text (CSV, SQLite) the staged tables take about a fifth, the objects with
/// their keys and hashes about two fifths, results and ledger the rest; Parquet is small already.
fn hundredths(format: Format) -> u64 {
    match format {
        Format::Csv | Format::Sqlite => 150,
        Format::Parquet => 600,
    }
}

/// Logs, reports and small files.
const FIXED_BYTES: u64 = 64 << 20;

/// What a run may need and what there is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Size of the source's tables.
    pub source: u64,
    /// What the run may write.
    pub needed: u64,
    /// What the disk of the state folder has free for this user.
    pub free: u64,
}

/// Estimates what a run needs and compares it with the free space of the state folder's disk.
///
/// # Errors
/// [`StageError::TooLittleDisk`]; as the file system says.
pub fn check_disk(state_dir: &Path, format: Format, source: u64) -> Result<Estimate, StageError> {
    files::create_dir(state_dir)?;
    let free = fs4::available_space(state_dir).map_err(|e| files::at(state_dir, &e))?;
    estimate(state_dir, format, source, free)
}

fn estimate(
    state_dir: &Path,
    format: Format,
    source: u64,
    free: u64,
) -> Result<Estimate, StageError> {
    let needed = (source / 100)
        .saturating_mul(hundredths(format))
        .saturating_add(FIXED_BYTES);
    if needed > free {
        return Err(StageError::TooLittleDisk {
            path: state_dir.to_owned(),
            needed,
            free,
        });
    }
    Ok(Estimate {
        source,
        needed,
        free,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_is_told_when_the_disk_is_too_small() {
        let dir = Path::new("data");
        let gib = 1 << 30;
        let error = estimate(dir, Format::Csv, 10 * gib, 12 * gib).unwrap_err();
        assert_eq!(
            error.to_string(),
            "data has 12 GiB free and this run may need 15 GiB. Free space, or set state_dir to a \
             larger disk"
        );
        let enough = estimate(dir, Format::Csv, gib, 2 * gib).unwrap();
        assert_eq!(enough.needed, gib / 100 * 150 + FIXED_BYTES);
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_measured_too() {
        let dir = tempfile::tempdir().unwrap();
        let estimate = check_disk(&dir.path().join("new/state"), Format::Parquet, 1000).unwrap();
        assert!(estimate.free > estimate.needed);
    }
}
