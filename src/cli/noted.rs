//! What a verb tells the audit log: the run, and sums.
//!
//! Reads: reports. Writes: nothing. Never: anything of a single object.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::report::RunReport;

/// A run's id, and sums by name.
pub type Note = (Option<String>, BTreeMap<String, u64>);

/// Noted by the verb, taken by the audit log at its end. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Noted(Arc<Mutex<Note>>);

impl Noted {
    fn lock(&self) -> MutexGuard<'_, Note> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run that the verb made or works on.
    pub fn run(&self, run: &str) {
        self.lock().0 = Some(run.to_owned());
    }

    /// Adds to a sum.
    pub fn count(&self, name: &str, count: u64) {
        *self.lock().1.entry(name.to_owned()).or_default() += count;
    }

    /// All sums of a report: of objects by their outcomes, of deletes as `deletes.NAME`.
    pub fn report(&self, report: &RunReport) {
        self.run(&report.run);
        let sums = [
            ("", serde_json::to_value(report.total)),
            ("deletes.", serde_json::to_value(report.deletes)),
        ];
        for (prefix, sums) in sums {
            let Ok(serde_json::Value::Object(sums)) = sums else {
                continue;
            };
            for (name, count) in sums {
                if let Some(count) = count.as_u64().filter(|count| *count > 0) {
                    self.count(&format!("{prefix}{name}"), count);
                }
            }
        }
    }

    /// What was noted.
    pub(super) fn take(&self) -> Note {
        std::mem::take(&mut *self.lock())
    }
}
