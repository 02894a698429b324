//! `target/RESOURCE.parquet`: what the target lists of a resource, with keys and ids.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::file::{DeletesFile, Doomed};
use crate::ledger::{Columns, Ledger, RowView};
use crate::load::{Api, Question};
use crate::object::Key;
use crate::pipeline::{Pipeline, Setting};
use crate::run::inspect::key_of;
use crate::run::{DeletesError, Prepared, RunError};
use crate::target::edfi::Owner;

/// A record that may be deleted when the SIS has it not.
pub(super) const OURS: &str = "not_in_sis";
/// A record of another year, school or district.
const ELSEWHERE: &str = "elsewhere";

/// What is this configuration's at a target: its school year, its schools, its district.
#[derive(Clone, Debug)]
pub(super) struct Ours {
    owner: Owner,
}

impl Ours {
    /// Looks the schools up in the ledger.
    pub(super) fn new(
        pipeline: &Pipeline,
        wanted: Option<&BTreeSet<i64>>,
        ledger: &Ledger,
        school_year: i32,
    ) -> Result<Self, RunError> {
        let mut schools = BTreeMap::new();
        for batch in ledger.snapshot("schools")?.rows(Columns::Wide)? {
            let batch = batch?;
            let view = RowView::new(&batch).map_err(DeletesError::from)?;
            for row in view.iter() {
                let parts = Key::parts(row.key).unwrap_or_default();
                let id = parts.iter().find(|(name, _)| name == "schoolId");
                if let Some(id) = id.and_then(|(_, value)| value.parse().ok()) {
                    schools.insert(id, row.school_id);
                }
            }
        }
        if let Some(wanted) = wanted {
            schools.retain(|_, school| school.is_some_and(|school| wanted.contains(&school)));
        }
        let district = match pipeline.settings.get("local_education_agency_id") {
            Some(Setting::Integer(id)) => Some(*id),
            _ => None,
        };
        Ok(Self {
            owner: Owner {
                school_year,
                schools: schools.into_keys().collect(),
                district: district.filter(|_| wanted.is_none()),
                whole: wanted.is_none(),
            },
        })
    }
}

/// Lists a resource at the target.
///
/// # Errors
/// The target refuses or does not answer, or the file cannot be written.
pub(super) async fn list(
    api: &Api,
    p: &Prepared,
    ours: &Ours,
    path: &Path,
) -> Result<PathBuf, RunError> {
    let mut file = DeletesFile::create(path)?;
    let mut pages = api.walk(Question::all(&p.meta.path), usize::MAX);
    while let Some(page) = pages.next().await? {
        for record in page {
            let Some(key) = key_of(&p.meta, &record) else {
                continue;
            };
            file.push(&Doomed {
                key: &key,
                server_id: record.get("id").and_then(Value::as_str),
                why: match ours.owner.has(&key, &record) {
                    true => OURS,
                    false => ELSEWHERE,
                },
                ..Doomed::default()
            })?;
        }
    }
    file.finish()?;
    Ok(path.to_owned())
}
