//! The fictional district: SIS tables as CSV, and what a first load of them has to report.
//!
//! Reads: nothing. Writes: one CSV file per SIS table, `expected.json`, `generated.json` and a
//! README into the folder it is given. Never: real people, the clock, or a result of the pipeline.
//!
//! Schools come in clusters of an elementary, a middle and a high school. A cluster's families
//! are made one after the other and forgotten, so memory does not grow with the students. Every
//! draw is keyed by seed, topic, ordinal and field (`draw`), every object that a row leads to
//! is told to the tally in the same place (`expect`).

mod catalog;
mod codes;
mod columns;
mod course;
mod decoy;
mod draw;
mod enrollment;
mod expect;
mod family;
mod fault;
mod maker;
mod marker;
mod month;
mod names;
mod person;
mod readme;
mod record;
mod roster;
mod school;
mod seed_dis;
mod staff;
mod student;
mod table;
#[cfg(test)]
mod tests;
mod year;

use std::io;
use std::path::{Path, PathBuf};

use crate::files;
use maker::Maker;

pub use expect::{Expected, ObjectCounts, Planted, ResyncCounts};
pub use marker::{Marker, is_generated};
pub use table::{FileMark, RowCounts};

/// Most schools of a district: numbers have three digits, and one is taken.
pub const MAX_SCHOOLS: usize = 998;

/// Fewest students of a district with planted faults.
pub const MIN_STUDENTS_WITH_FAULTS: usize = 100;

/// What is to be generated.
#[derive(Clone, Debug)]
pub struct Options {
    /// Number of schools, 1 to [`MAX_SCHOOLS`].
    pub schools: usize,
    /// Number of students in the whole district, at least one per school.
    pub students: usize,
    /// Equal options and seeds make equal bytes.
    pub seed: u64,
    /// The folder that is filled; made when it is missing.
    pub out: PathBuf,
    /// The school year by its end year, 1990 to 2100 (2026 is 2025-2026).
    pub year: i32,
    /// Which faults are planted.
    pub dirty: Dirty,
    /// The format of the tables.
    pub format: Format,
    /// What kind of district.
    pub profile: Profile,
}

/// Kinds of district.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// As many schools and students as are asked for, with people and all.
    #[default]
    District,
    /// The district of the DIS seed: 194 schools with their schedules, and no people.
    SeedDis,
}

/// Which faults are planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dirty {
    /// None: every object is sent (what is out of scope is there all the same).
    None,
    /// A few of each kind; needs three schools and [`MIN_STUDENTS_WITH_FAULTS`] students.
    Sample,
}

/// The format of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `Table.csv`, RFC 4180.
    Csv,
}

/// What was generated.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The folder.
    pub folder: PathBuf,
    /// Rows of all tables.
    pub rows: u64,
    /// As written to `generated.json`.
    pub marker: Marker,
    /// As written to `expected.json`.
    pub expected: Expected,
}

/// Why nothing was generated.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The options contradict themselves.
    #[error("cannot generate a district: {0}")]
    Options(String),
    /// The folder holds CSV files that did not come from here.
    #[error(
        "{} holds CSV files that were not generated; name another folder, nothing was written",
        folder.display()
    )]
    FolderInUse {
        /// The folder.
        folder: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write the generated district into {}", folder.display())]
    Write {
        /// The folder.
        folder: PathBuf,
        /// What the file system says, with the file.
        #[source]
        source: io::Error,
    },
}

/// Generates a district into `options.out`. Equal options make equal bytes, whatever the machine.
/// Flat memory: rows are written as they are made.
///
/// # Errors
/// [`GenerateError`]; when a write fails, the folder is left without a marker.
pub fn generate(options: &Options) -> Result<Summary, GenerateError> {
    check(options)?;
    let folder = options.out.as_path();
    let marker = folder.join(marker::FILE);
    if has_csv(folder) && Marker::read(folder).is_none() {
        return Err(GenerateError::FolderInUse {
            folder: folder.to_owned(),
        });
    }
    let failed = |source| GenerateError::Write {
        folder: folder.to_owned(),
        source,
    };
    files::create_dir(folder).map_err(failed)?;
    match std::fs::remove_file(&marker) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            return Err(failed(files::at(&marker, &e)));
        }
        _ => {}
    }
    write(options, folder).map_err(failed)
}

fn write(options: &Options, folder: &Path) -> io::Result<Summary> {
    let (expected, files) = match options.profile {
        Profile::District => {
            let mut maker = Maker::new(options, folder)?;
            maker.district();
            maker.finish()?
        }
        Profile::SeedDis => seed_dis::make(options, folder)?,
    };
    let marker = Marker::new(options, files);
    files::write(&folder.join("expected.json"), &marker::json(&expected)?)?;
    let page = match options.profile {
        Profile::District => readme::page(&marker, &expected),
        Profile::SeedDis => readme::SEED_DIS.to_owned(),
    };
    files::write(&folder.join("README.md"), page.as_bytes())?;
    files::write(&folder.join(marker::FILE), &marker::json(&marker)?)?;
    Ok(Summary {
        folder: folder.to_owned(),
        rows: marker.files.values().map(|f| f.rows).sum(),
        marker,
        expected,
    })
}

fn check(options: &Options) -> Result<(), GenerateError> {
    let wrong = |text: String| Err(GenerateError::Options(text));
    if !(1..=MAX_SCHOOLS).contains(&options.schools) {
        return wrong(format!(
            "--schools is {}, not 1 to {MAX_SCHOOLS}",
            options.schools
        ));
    }
    if options.students < options.schools {
        return wrong(format!(
            "--students is {}, fewer than the {} schools",
            options.students, options.schools
        ));
    }
    if !(1990..=2100).contains(&options.year) {
        return wrong(format!(
            "--school-year is {}, not 1990 to 2100",
            options.year
        ));
    }
    let first_cluster = options.students / options.schools.div_ceil(3);
    if options.dirty == Dirty::Sample
        && (options.schools < 3 || first_cluster < MIN_STUDENTS_WITH_FAULTS)
    {
        return wrong(format!(
            "planted faults need 3 schools and {MIN_STUDENTS_WITH_FAULTS} students per 3 schools"
        ));
    }
    Ok(())
}

/// Whether the folder holds a finished CSV file.
fn has_csv(folder: &Path) -> bool {
    marker::tables_in(folder).next().is_some()
}
