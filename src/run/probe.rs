//! A few questions to the target: does it still have what the ledger says it acknowledged?
//!
//! Reads: the ledger's narrow columns, at most [`COUNTS`] counts and [`IDS`] records of the target.
//! Writes: nothing. Never: takes more than the ledger knows for a fault; others may write, too.

use arrow::array::{Array, AsArray as _};
use arrow::datatypes::TimestampMicrosecondType;

use super::RunError;
use super::connect::Target;
use crate::ledger::{Columns, Ledger};
use crate::load::{Api, ApiError, State};
use crate::metadata::Standard;
use crate::object::KeyHash;
use crate::report::ProbeReport;

/// Resources whose records are counted.
const COUNTS: usize = 3;

/// Records that are asked for by their id.
const IDS: usize = 4;

/// What the target was asked before a delta run, and what it answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Probe {
    /// Requests sent.
    pub(super) requests: u64,
    /// `(resource, objects that the ledger knows, records at the target)`.
    pub(super) counts: Vec<(String, u64, u64)>,
    /// `(resource, whether the record is there)`, one per id.
    pub(super) ids: Vec<(String, bool)>,
    /// What the target did not let us see, and why.
    pub(super) unchecked: Vec<String>,
}

/// What the ledger knows of one resource.
#[derive(Clone, Debug)]
struct Known {
    resource: String,
    path: String,
    delivered: u64,
    /// Time and key of the newest acknowledgement: what a restored state lacks first.
    newest: (i64, KeyHash),
    /// Key hashes are evenly spread, so the first is as good as any.
    first: KeyHash,
    /// Whether a key may see fewer of these than it has written: persons without an association.
    hidden: bool,
}

impl Probe {
    /// Asks; `None` when the ledger knows of nothing delivered.
    ///
    /// # Errors
    /// The ledger cannot be read. A target that does not answer is a thing not checked.
    pub(super) async fn ask(
        target: &Target,
        ledger: &Ledger,
        school_year: i32,
    ) -> Result<Option<Self>, RunError> {
        let mut known = known(ledger, &target.standard)?;
        if known.is_empty() {
            return Ok(None);
        }
        let mut probe = Self::default();
        known.sort_by_key(|k| std::cmp::Reverse((k.delivered, k.newest)));
        if let Some(state) = target.state() {
            for k in known.iter().take(COUNTS) {
                probe.sum(state, k, school_year).await;
            }
            return Ok(Some(probe));
        }
        if let Some(provider) = target.provider() {
            for k in known.iter().take(COUNTS) {
                let count = super::rest::one(provider, &k.resource).await;
                probe.counted(k, count);
            }
            return Ok(Some(probe));
        }
        let api = target.api()?;
        for k in known.iter().filter(|k| !k.hidden).take(COUNTS) {
            probe.count(api, k).await;
        }
        let largest = known.first().map(|k| (k.clone(), k.first));
        known.sort_by_key(|k| std::cmp::Reverse(k.newest));
        let newest = known.into_iter().map(|k| {
            let key = k.newest.1;
            (k, key)
        });
        let mut asked = Vec::new();
        for (k, key) in newest.take(IDS - 1).chain(largest) {
            if !asked.contains(&(k.resource.clone(), key)) {
                probe.id(api, ledger, &k, key).await?;
                asked.push((k.resource, key));
            }
        }
        probe.unchecked.sort();
        probe.unchecked.dedup();
        Ok(Some(probe))
    }

    async fn count(&mut self, api: &Api, known: &Known) {
        let count = api.count(&known.path).await;
        self.counted(known, count);
    }

    fn counted(&mut self, known: &Known, count: Result<u64, ApiError>) {
        self.requests += 1;
        match count {
            Ok(target) => self
                .counts
                .push((known.resource.clone(), known.delivered, target)),
            Err(error) => self.not_seen(&known.resource, &error),
        }
    }

    /// A state edition says how many records it has of an object by school.
    async fn sum(&mut self, state: &State, known: &Known, school_year: i32) {
        self.requests += 1;
        match state.digests(school_year, &known.resource).await {
            Ok(schools) => {
                let target = schools.iter().map(|school| school.records).sum();
                let count = (known.resource.clone(), known.delivered, target);
                self.counts.push(count);
            }
            Err(error) => self.not_seen(&known.resource, &error),
        }
    }

    async fn id(
        &mut self,
        api: &Api,
        ledger: &Ledger,
        known: &Known,
        key: KeyHash,
    ) -> Result<(), RunError> {
        let row = ledger.lookup(&known.resource, key)?;
        // Not every target says what it calls a record.
        let Some(id) = row.and_then(|row| row.server_id) else {
            return Ok(());
        };
        let mut url = api.discovered.resource(&known.path);
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(&id);
        }
        self.requests += 1;
        match api.get(url, None).await {
            Ok(_) => self.ids.push((known.resource.clone(), true)),
            Err(ApiError::Refused { status: 404, .. }) => {
                self.ids.push((known.resource.clone(), false));
            }
            Err(error) => self.not_seen(&known.resource, &error),
        }
        Ok(())
    }

    /// No body of the answer is kept: it may hold student data.
    fn not_seen(&mut self, resource: &str, error: &ApiError) {
        let why = match error {
            ApiError::Refused { status: 403, .. } => "the key may not read it".to_owned(),
            ApiError::Refused { status, .. } => format!("HTTP {status}"),
            ApiError::Unreadable { wanted, .. } => format!("no {wanted}"),
            _ => "no answer".to_owned(),
        };
        self.unchecked.push(format!("{resource} ({why})"));
    }

    /// For the report of the run.
    pub(super) fn report(self) -> ProbeReport {
        ProbeReport {
            requests: self.requests,
            counts: self.counts.len() as u64,
            ids: self.ids.len() as u64,
            unchecked: self.unchecked,
        }
    }

    /// What the target lacks, in words. So many records of a resource may be missing: after a run
    /// that was killed, those that were being deleted.
    pub(super) fn missing(&self, slack: u64) -> Vec<String> {
        let fewer = self
            .counts
            .iter()
            .filter(|(_, ledger, target)| target.saturating_add(slack) < *ledger);
        let mut missing: Vec<String> = fewer
            .map(|(resource, ledger, target)| {
                format!("{resource}: {target} records, the ledger knows of {ledger}")
            })
            .collect();
        let gone = self.ids.iter().filter(|(_, found)| !found);
        let alarming = slack == 0 || self.ids.iter().all(|(_, found)| !found);
        missing.extend(gone.filter(|_| alarming).map(|(resource, _)| {
            format!("{resource}: a record that was acknowledged is not there any more")
        }));
        missing
    }
}

fn known(ledger: &Ledger, standard: &Standard) -> Result<Vec<Known>, RunError> {
    let mut all = Vec::new();
    for resource in ledger.resources()? {
        let Some(meta) = standard.resource(&resource) else {
            continue;
        };
        let (mut delivered, mut first, mut newest) = (0, None, None);
        for batch in ledger.snapshot(&resource)?.rows(Columns::Narrow)? {
            let batch = batch?;
            let column = |name: &str| batch.column_by_name(name);
            let (Some(keys), Some(contents), Some(times)) = (
                column("key_hash").and_then(|c| c.as_fixed_size_binary_opt()),
                column("content_hash"),
                column("delivered_at")
                    .and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>()),
            ) else {
                continue;
            };
            for i in (0..batch.num_rows()).filter(|i| contents.is_valid(*i)) {
                delivered += 1;
                if let Some(key) = KeyHash::from_bytes(keys.value(i)) {
                    first.get_or_insert(key);
                    newest = newest.max(Some((times.value(i), key)));
                }
            }
        }
        if let (Some(first), Some(newest)) = (first, newest) {
            all.push(Known {
                path: meta.path.clone(),
                hidden: standard.retries.contains_key(&resource),
                resource,
                delivered,
                newest,
                first,
            });
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(counts: &[(u64, u64)], ids: &[bool]) -> Probe {
        let name = || "students".to_owned();
        Probe {
            counts: counts.iter().map(|(l, t)| (name(), *l, *t)).collect(),
            ids: ids.iter().map(|found| (name(), *found)).collect(),
            ..Probe::default()
        }
    }

    #[test]
    fn less_than_the_ledger_is_the_alarm_and_more_is_not() {
        assert!(probe(&[(5, 5), (5, 9)], &[true]).missing(0).is_empty());
        assert_eq!(probe(&[(5, 4), (5, 9)], &[true]).missing(0).len(), 1);
        assert_eq!(probe(&[(5, 5)], &[true, false]).missing(0).len(), 1);
    }

    #[test]
    fn after_a_kill_what_was_on_its_way_may_be_missing() {
        assert!(probe(&[(100, 92)], &[true, false]).missing(8).is_empty());
        assert_eq!(probe(&[(100, 91)], &[true, true]).missing(8).len(), 1);
        assert_eq!(probe(&[(3, 0)], &[false, false]).missing(8).len(), 2);
    }
}
