//! The details of records, from the run folders that are still there: what became of the object,
//! its body, its source row.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::filter::Filter;
use super::record::{Record, Request, Side, time};
use super::search::{Depth, ErrorsError, Search};
use super::source_row;
use crate::load::{Answer, Answers, Objects, ObjectsError, Width};
use crate::object::{KeyHash, body_columns, encode};
use crate::stage::RunFolder;

/// Where the details of one resource's records are looked up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Details<'a> {
    pub(super) search: &'a Search,
    pub(super) resource: &'a str,
    /// Runs with results, newest first.
    pub(super) runs: &'a [RunFolder],
    pub(super) depth: Depth,
}

impl Details<'_> {
    /// Looks the records of a chunk up and shows the visitor those that the filter admits. False:
    /// the visitor has ended the search.
    pub(super) fn tell<E: From<ErrorsError>>(
        &self,
        mut chunk: Vec<Record>,
        filter: &Filter,
        visit: &mut dyn FnMut(Record) -> Result<bool, E>,
    ) -> Result<bool, E> {
        self.outcomes(&mut chunk)?;
        chunk.retain(|record| filter.admits(record));
        if self.depth == Depth::Full {
            self.requests(&mut chunk)?;
            self.source_rows(&mut chunk)?;
        }
        for record in chunk {
            if !visit(record)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What became of each object, in the newest run whose results have it as an error.
    fn outcomes(&self, chunk: &mut [Record]) -> Result<(), ErrorsError> {
        let mut open: HashMap<KeyHash, usize> = HashMap::new();
        for (i, record) in chunk.iter().enumerate() {
            if record.outcome == "unknown" {
                open.insert(record.key_hash, i);
            }
        }
        for run in self.runs {
            let path = run.results(self.resource);
            if open.is_empty() {
                break;
            }
            if !path.exists() {
                continue;
            }
            let keys = sorted(open.keys().copied());
            let id = run.id();
            Answers::open(&path)?.read(Width::Wide, Some(&keys), |answer| {
                let error = matches!(answer.outcome, "rejected" | "blocked" | "failed");
                if let Some(record) = open.get(&answer.key_hash).and_then(|i| chunk.get_mut(*i))
                    && error
                    && (record.outcome == "unknown" || record.reason == answer.reason)
                {
                    record.answer(answer, &id);
                }
                Ok::<(), ObjectsError>(())
            })?;
            open.retain(|_, i| chunk.get(*i).is_some_and(|r| r.outcome == "unknown"));
        }
        Ok(())
    }

    /// The bodies, as the run had them.
    fn requests(&self, chunk: &mut [Record]) -> Result<(), ErrorsError> {
        let meta = self.search.standard.resource(self.resource);
        let path = meta.map_or_else(|| format!("/{}", self.resource), |meta| meta.path.clone());
        for run in self.runs {
            let id = run.id();
            let of_run = chunk.iter().filter(|r| r.run == id).map(|r| r.key_hash);
            let keys = sorted(of_run);
            let file = run.objects(self.resource);
            if keys.is_empty() || !file.exists() {
                continue;
            }
            // Several rows may have one key: each record gets the body of its own source row.
            let mut bodies: BTreeMap<(KeyHash, String), serde_json::Value> = BTreeMap::new();
            let objects = Objects::open(&file)?;
            objects.find(&keys, |batch| {
                let scope = objects.scope(&batch)?;
                let body = batch.project(&body_columns(&batch.schema()));
                let encoded =
                    body.and_then(|body| encode(&body))
                        .map_err(|source| ObjectsError::Arrow {
                            path: file.clone(),
                            source,
                        })?;
                for i in 0..batch.num_rows() {
                    let hash = KeyHash::from_bytes(scope.key_hash.value(i));
                    let body = serde_json::from_slice(encoded.bytes(i)).unwrap_or_default();
                    if let Some(hash) = hash {
                        bodies.insert((hash, scope.source_key.value(i).to_owned()), body);
                    }
                }
                Ok::<(), ObjectsError>(())
            })?;
            for record in chunk.iter_mut().filter(|r| r.run == id) {
                let own = (record.key_hash, record.source_key.clone());
                let any = (record.key_hash, String::new());
                let body = bodies.get(&own).or_else(|| {
                    let (key, body) = bodies.range(any..).next()?;
                    (key.0 == record.key_hash).then_some(body)
                });
                record.request = body.map(|body| Request {
                    method: method(&record.operation),
                    path: path.clone(),
                    body: body.clone(),
                });
            }
        }
        Ok(())
    }

    /// The staged rows, as the run had them.
    fn source_rows(&self, chunk: &mut [Record]) -> Result<(), ErrorsError> {
        for run in self.runs {
            let id = run.id();
            let of_run = |r: &&Record| r.run == id;
            let tables: BTreeSet<String> = (chunk.iter().filter(of_run))
                .map(|r| r.source_table.clone())
                .collect();
            for table in tables {
                let file = run.stage(&table);
                let Some(schema) = self.search.sis.table(&table).filter(|_| file.exists()) else {
                    continue;
                };
                let of_table = |r: &&Record| r.run == id && r.source_table == table;
                let wanted: BTreeSet<&str> = (chunk.iter().filter(of_table))
                    .map(|r| r.source_key.as_str())
                    .collect();
                let rows = source_row::find(&file, &schema.key, &wanted)?;
                for record in chunk.iter_mut().filter(|r| of_table(&&**r)) {
                    record.source_row = rows.get(&record.source_key).cloned();
                }
            }
        }
        Ok(())
    }
}

impl Record {
    /// Takes over what a run's results say.
    pub(super) fn answer(&mut self, answer: &Answer<'_>, run: &str) {
        self.outcome = answer.outcome.to_owned();
        self.side = Self::side_of(answer.outcome);
        self.message = match answer.message.is_empty() {
            true => answer.detail.to_owned(),
            false => answer.message.to_owned(),
        };
        self.root = answer
            .root
            .map(|(resource, key)| format!("{resource} {key}"));
        self.attempts = answer.attempts;
        self.operation = answer.operation.to_owned();
        self.run = run.to_owned();
        self.at = time(answer.at);
    }

    /// A row of a run's results, without what stands in its objects file.
    pub(super) fn of_answer(resource: &str, answer: &Answer<'_>, run: &str) -> Self {
        let mut record = Self {
            resource: resource.to_owned(),
            outcome: String::new(),
            reason: answer.reason.to_owned(),
            side: Side::Ours,
            status: answer.status,
            archived: false,
            school_id: None,
            run: String::new(),
            at: time(answer.at),
            key: answer.key.to_owned(),
            source_table: String::new(),
            source_key: String::new(),
            person_id: None,
            course_id: None,
            section_id: None,
            message: String::new(),
            root: None,
            attempts: 0,
            request: None,
            source_row: None,
            key_hash: answer.key_hash,
            operation: String::new(),
        };
        record.answer(answer, run);
        record
    }
}

fn method(operation: &str) -> &'static str {
    match operation {
        "verify" => "GET",
        "delete" => "DELETE",
        "replace" => "PUT",
        _ => "POST",
    }
}

/// Keys in ascending order, each once.
pub(super) fn sorted(keys: impl Iterator<Item = KeyHash>) -> Arc<[KeyHash]> {
    let keys: BTreeSet<KeyHash> = keys.collect();
    keys.into_iter().collect()
}
