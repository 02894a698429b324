//! What most verbs take: a pipeline, some of its resources, a school year.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

/// A pipeline and some of its resources.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct Scope {
    /// The pipeline: `edfi` is pipelines/edfi.toml, anything with a `/` or ending in .toml a path.
    #[arg(value_name = "PIPELINE")]
    pub pipeline: String,

    /// Only these resources, by name or pattern ('student*'); none = all that are switched on.
    #[arg(value_name = "RESOURCE")]
    pub resources: Vec<String>,

    #[command(flatten)]
    pub set: Set,
}

/// Values over those of the pipeline's files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct Set {
    /// A parameter or key of the pipeline for this once: --set load.concurrency_max=8. `fullsync
    /// show PIPELINE --origin` tells the keys. No secrets.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl Set {
    /// What `--set` says on this process's command line: whoever reads the pipeline beside the verb
    /// itself (rights, audit, notifications) must see the same values.
    pub fn given() -> Self {
        Self::among(std::env::args().skip(1))
    }

    fn among(arguments: impl Iterator<Item = String>) -> Self {
        let mut arguments = arguments.take_while(|a| a != "--");
        let mut set = Vec::new();
        while let Some(argument) = arguments.next() {
            match argument.strip_prefix("--set=") {
                Some(value) => set.push(value.to_owned()),
                None if argument == "--set" => set.extend(arguments.next()),
                None => {}
            }
        }
        Self { set }
    }
}

/// The school year of verbs that compute or send something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub struct Year {
    /// School year by its end year (2026 is 2025-2026), before the pipeline's own.
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i32).range(1990..=2100))]
    pub school_year: Option<i32>,
}

/// Which run's folder a verb reads.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct FromRun {
    /// The run whose folder is read: its id, or `latest`.
    #[arg(long, value_name = "RUN", default_value = "latest")]
    pub run: String,
}

/// Consent to what is asked about at a terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub struct Consent {
    /// Say yes to what would be asked at a terminal: all schools, many deletes. Where nobody is
    /// there to be asked, it must be said here.
    #[arg(long)]
    pub yes: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_found_in_both_forms() {
        let line = [
            "run",
            "mini",
            "--set",
            "a=1",
            "--set=b=2",
            "--",
            "--set",
            "c=3",
        ];
        let set = Set::among(line.map(str::to_owned).into_iter());
        assert_eq!(set.set, ["a=1", "b=2"]);
    }
}
