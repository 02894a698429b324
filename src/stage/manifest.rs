//! `manifest.json`: what a run folder holds. A public contract, described in `docs/staging.md`.
//!
//! Reads and writes: nothing; the types only. Never: values of rows.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::object::{Outcome, Reason};
use crate::scope::Scope;

/// The manifest. Readers take fields that they do not know, and files that lack some.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Manifest {
    /// Version of this format; changes when a reader of the old one would be misled.
    pub format: u32,
    /// Tool and version: `fullsync 0.1.0`.
    pub tool: String,
    /// The run's id.
    pub run: String,
    /// Name of the configuration (the pipeline file's stem).
    pub configuration: String,
    /// Where the objects go.
    pub target: TargetNote,
    /// School year by its end year, once it is known.
    pub school_year: Option<i32>,
    /// What the objects were made for; none before that is known.
    pub scope: Option<Scope>,
    /// When the run started.
    pub started: DateTime<Utc>,
    /// When it ended; none while it runs or when it was killed.
    pub ended: Option<DateTime<Utc>>,
    /// How it stands.
    pub state: RunState,
    /// Where the rows come from.
    pub source: Option<SourceNote>,
    /// Staged tables, in the order of the SIS schema.
    pub tables: Vec<TableNote>,
    /// Finished objects, one file per resource.
    pub objects: Vec<FileNote>,
    /// Objects of some schools, while the transform is at work: where it carries on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartNote>,
    /// Results, one file per resource.
    pub results: Vec<FileNote>,
    /// Copies of the files that were used.
    pub files: Vec<KeptFile>,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// At work: its process holds the lock on `run.lock`. Without that lock: interrupted.
    #[default]
    Running,
    /// Finished, all accepted.
    Done,
    /// Finished; some rows or objects have errors.
    DoneWithErrors,
    /// Stopped with work pending, or killed.
    Interrupted,
    /// Could not do its work.
    Failed,
}

impl RunState {
    /// The word used in JSON and listings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::DoneWithErrors => "done_with_errors",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }

    /// Whether the run did all of its work.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Done | Self::DoneWithErrors)
    }
}

/// Where the objects of a run go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetNote {
    /// Kind: `edfi`, `sif`, `dis`.
    pub kind: String,
    /// Root URL; none for an embedded sandbox.
    pub url: Option<String>,
    /// Whether it is an embedded sandbox.
    pub sandbox: bool,
}

/// Where the rows of a run come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceNote {
    /// Format: `csv`, `parquet`, `sqlite`.
    pub format: String,
    /// Folder or file as configured.
    pub path: String,
    /// Whether it is the sample or generated data.
    pub generated: bool,
}

/// One staged table: `read = staged + unreadable`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableNote {
    /// Its declared name; the file is `stage/NAME.parquet`.
    pub name: String,
    /// Rows met in the source.
    pub read: u64,
    /// Rows in the file.
    pub staged: u64,
    /// Rows in `rejects.csv`.
    pub unreadable: u64,
    /// The same by reason.
    pub reasons: BTreeMap<String, u64>,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// xxh3-128 of the file, 32 hex digits.
    pub fingerprint: String,
    /// Its columns.
    pub columns: Vec<ColumnNote>,
}

/// One objects or results file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileNote {
    /// The resource; the file is `objects/NAME.parquet` or `results/NAME.parquet`.
    pub resource: String,
    /// Rows in the file.
    pub rows: u64,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// xxh3-128 of the file, 32 hex digits.
    pub fingerprint: String,
    /// Its columns.
    pub columns: Vec<ColumnNote>,
}

/// The objects of one resource and one batch of schools.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PartNote {
    /// Number of the batch, 0 = first.
    pub batch: usize,
    /// What it was made from: scope, batch, SQL, crosswalks; 32 hex digits.
    pub made_from: String,
    /// The file, `objects/parts/RESOURCE.BATCH.parquet`.
    pub file: FileNote,
    /// Objects held back, by outcome and reason.
    pub held: BTreeMap<Outcome, BTreeMap<Reason, u64>>,
    /// Ids named in the scope that objects were made of: persons, courses, sections.
    pub seen: [BTreeSet<i64>; 3],
}

/// A column of a Parquet file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ColumnNote {
    /// Its name.
    pub name: String,
    /// Its Arrow type as text.
    #[serde(rename = "type")]
    pub kind: String,
}

impl ColumnNote {
    /// The columns of a schema.
    pub fn of(schema: &arrow::datatypes::Schema) -> Vec<Self> {
        let note = |field: &arrow::datatypes::FieldRef| Self {
            name: field.name().clone(),
            kind: field.data_type().to_string(),
        };
        schema.fields().iter().map(note).collect()
    }
}

/// A copy of a file that the run used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptFile {
    /// Where the copy is, below the run folder: `pipeline/sql/edfi/students.sql`.
    pub copy: String,
    /// Where the file was.
    pub from: String,
    /// Size in bytes.
    pub bytes: u64,
    /// xxh3-128 of the file, 32 hex digits.
    pub fingerprint: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_tolerate_what_they_do_not_know_and_what_is_not_there() {
        let text = r#"{"run": "r", "colour": 1, "tables": [{"name": "T", "read": 2, "new": []}]}"#;
        let manifest: Manifest = serde_json::from_str(text).unwrap();
        assert_eq!((manifest.run.as_str(), manifest.tables[0].read), ("r", 2));
        assert_eq!(manifest.state, RunState::Running);
    }

    #[test]
    fn words_in_json_and_in_listings_are_the_same() {
        for state in [
            RunState::Running,
            RunState::Done,
            RunState::DoneWithErrors,
            RunState::Interrupted,
            RunState::Failed,
        ] {
            let json = serde_json::to_string(&state).unwrap();
            assert_eq!(json, format!("\"{}\"", state.as_str()));
        }
    }
}
