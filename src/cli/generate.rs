//! Arguments of `fullsync generate`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Makes up a district: SIS tables as CSV, and the tallies to expect of them.
///
/// All people are fictional. Equal numbers and seeds make equal files.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync generate --out district
  fullsync generate --schools 40 --students 25000 --seed 7 --dirty none --out big
  fullsync generate --profile seed-dis --school-year 2024 --out seed")]
pub struct GenerateArgs {
    /// Schools.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub schools: usize,

    /// Students of the whole district.
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub students: usize,

    /// Chooses names, ids, schedules.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,

    /// School year by its end year.
    #[arg(long, value_name = "YEAR", default_value_t = 2026,
        value_parser = clap::value_parser!(i32).range(1990..=2100))]
    pub school_year: i32,

    /// What kind of district: `district` as the options say, or `seed-dis`, the one that the DIS
    /// tool's own screen shows (194 schools, no people), whatever they say.
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = Kind::District)]
    pub profile: Kind,

    /// Which faults are planted among the rows.
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = Planted::Sample)]
    pub dirty: Planted,

    /// The folder to fill; made when it is missing.
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
}

/// Kinds of generated districts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// As the options say.
    District,
    /// The district of the DIS seed.
    SeedDis,
}

/// Which faults are planted among generated rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Planted {
    /// None.
    None,
    /// A few of each kind.
    Sample,
}
