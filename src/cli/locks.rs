//! Arguments of `fullsync locks`, and the flag with which a run waits for a lock.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::lock::Wait;

/// What to do when another run is at work on the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub struct Locking {
    /// When another run is at work on some of the same resources of the same schools, wait for it
    /// instead of failing at once: so long (30s, 10m, 2h), or without a DURATION until it is free.
    #[arg(
        long,
        value_name = "DURATION",
        num_args = 0..=1,
        default_missing_value = "forever",
        value_parser = wait
    )]
    pub wait_lock: Option<Wait>,
}

/// Lists the locks of the runs at work: which resources of which schools are read-only now.
///
/// A run locks each resource at each school that it is about, before it sends anything. Other
/// programs that write to the same target should ask first: --check exits 0 when nothing holds
/// what is asked for, and 1 when something does.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync locks                        all configurations below fullsync-data
  fullsync locks edfi --json
  fullsync locks edfi --resource students --school 12 --check   exits 1 while it is read-only")]
pub struct LocksArgs {
    /// The pipeline; without one, every configuration in the folder of --state.
    #[arg(value_name = "PIPELINE")]
    pub pipeline: Option<String>,

    /// Only locks on this resource. Can be given several times.
    #[arg(long, value_name = "RESOURCE")]
    pub resource: Vec<String>,

    /// Only locks on this school, by its SIS schoolID. Can be given several times.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub school: Vec<i64>,

    /// Say by the exit code whether there are any: 0 no, 1 yes.
    #[arg(long)]
    pub check: bool,

    /// Print JSON (docs/schemas/locks.schema.json).
    #[arg(long)]
    pub json: bool,

    /// The folder of everything that is kept, where no pipeline names it.
    #[arg(
        long,
        value_name = "FOLDER",
        default_value = "fullsync-data",
        conflicts_with = "pipeline"
    )]
    pub state: PathBuf,
}

fn wait(text: &str) -> Result<Wait, String> {
    if text == "forever" {
        return Ok(Wait::Forever);
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.strip_prefix(digits) {
        Some("s" | "") => 1,
        Some("m") => 60,
        Some("h") => 3600,
        _ => 0,
    };
    match digits.parse::<u64>().ok().and_then(|n| n.checked_mul(unit)) {
        Some(seconds) if unit > 0 => Ok(Wait::UpTo(Duration::from_secs(seconds))),
        _ => Err("a duration is a number with s, m or h, such as 30s, 10m or 2h".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(wait("10m"), Ok(Wait::UpTo(Duration::from_secs(600))));
        assert_eq!(wait("30"), Ok(Wait::UpTo(Duration::from_secs(30))));
        assert_eq!(wait("forever"), Ok(Wait::Forever));
        for wrong in [
            "",
            "m",
            "10d",
            "edfi",
            "1h30m",
            "-5s",
            "99999999999999999999h",
        ] {
            assert!(wait(wrong).is_err(), "{wrong}");
        }
    }
}
