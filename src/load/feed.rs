//! Reads one resource's objects file and hands its rows on: to the workers what must be sent, to
//! the sink what is not, with the reason.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;

use super::Shared;
use super::contested::{Answers, Contested};
use super::decisions::Decisions;
use super::moved::Moves;
use super::objects::{Columns, Objects, ObjectsError};
use super::settled::SettledRows;
use super::sink::{Held, Message};
use super::withheld::{Withheld, WithheldKeys};
use crate::ledger::Disposition;
use crate::lock::ResourceClaims;
use crate::metadata::ReferenceColumns;
use crate::object::{KeyHash, body_columns};
use crate::target::{Chunk, Operation, Unit};

/// Why a feed could not go on.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The objects file.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// A batch could not be encoded.
    #[error("cannot encode objects of {resource}")]
    Encode {
        /// The resource.
        resource: String,
        /// Why.
        #[source]
        source: ArrowError,
    },
    /// The claims on its district-wide objects.
    #[error("claims on objects of {resource} cannot be made")]
    Claims {
        /// The resource.
        resource: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The run is being torn down.
    #[error("the run has stopped")]
    Closed,
}

/// What of a resource is read.
#[derive(Clone, Debug)]
pub(super) enum Pass {
    /// Every row.
    Whole,
    /// These rows, ascending: they were put aside and are sent once more.
    Rows(Vec<u64>),
    /// What another run had claimed: some it has delivered, the others are sent.
    Contested(Answers),
    /// Every row without an outcome: none is sent any more.
    Leftover(&'static str),
}

/// One resource, ready to be fed.
#[derive(Clone, Debug)]
pub(super) struct Feed {
    pub(super) resource: usize,
    pub(super) objects: Arc<Objects>,
    pub(super) operation: Operation,
    pub(super) due: Arc<Decisions>,
    pub(super) settled: Arc<SettledRows>,
    /// Its references to the resources in `parents`.
    pub(super) references: ReferenceColumns,
    /// Withheld objects of the resources before it, by resource name; empty ones left out.
    pub(super) parents: Vec<(Arc<str>, Arc<WithheldKeys>)>,
    pub(super) shared: Arc<Shared>,
    /// A plan: what is due is reported as pending, nothing is sent.
    pub(super) dry: bool,
    /// For a run beside which others may send the same district-wide objects.
    pub(super) claims: Option<Arc<ResourceClaims>>,
    /// Rows whose objects another run has claimed, as found by the passes so far.
    pub(super) contested: Arc<Mutex<Vec<Contested>>>,
    /// Objects that take over the record of another key.
    pub(super) moves: Arc<Moves>,
    /// Deletes that a guard holds back, and why: nothing is sent.
    pub(super) guarded: Option<&'static str>,
}

impl Pass {
    /// Which kind of pass it is to the book.
    fn kind(&self) -> super::pass::Pass {
        match self {
            Self::Whole | Self::Contested(_) => super::pass::Pass::First,
            Self::Rows(_) | Self::Leftover(_) => super::pass::Pass::Last,
        }
    }
}

/// Of rows in ascending order, those of one row group.
fn within(rows: &[u64], first: u64, count: u64) -> &[u64] {
    let from = rows.partition_point(|row| *row < first);
    let to = rows.partition_point(|row| *row < first + count);
    rows.get(from..to).unwrap_or_default()
}

impl Feed {
    /// Runs a pass to its end, on a thread that may block.
    pub(super) fn run(&self, pass: &Pass) {
        let mut sent = 0;
        let _ = self.shared.sink.send_blocking(Message::Begun {
            resource: self.resource,
            pass: pass.kind(),
        });
        let complete = match self.pass(pass, &mut sent) {
            Ok(complete) => complete,
            Err(FeedError::Closed) => false,
            Err(error) => {
                self.shared.abort(&super::token::chain(&error));
                false
            }
        };
        // A closed sink has its own error to report.
        let _ = self.shared.sink.send_blocking(Message::Fed {
            resource: self.resource,
            sent,
            complete,
        });
    }

    /// False when it was cut short.
    fn pass(&self, pass: &Pass, sent: &mut u64) -> Result<bool, FeedError> {
        for group in self.objects.groups() {
            let (_, first, rows) = group;
            match pass {
                Pass::Whole => {
                    self.hold(group, None)?;
                    let due = |row| !self.settled.get(row) && self.is_due(row);
                    if !self.send(group, due, Some(&HashMap::new()), sent)? {
                        return Ok(false);
                    }
                }
                Pass::Rows(wanted) => {
                    // Claimed when they were first read.
                    let here = within(wanted, first, rows);
                    if !self.send(group, |row| here.binary_search(&row).is_ok(), None, sent)? {
                        return Ok(false);
                    }
                }
                Pass::Contested(answers) => {
                    self.delivered_elsewhere(group, within(&answers.delivered, first, rows))?;
                    let here = within(&answers.ours, first, rows);
                    let ours = |row: u64| here.binary_search(&row).is_ok();
                    if !self.send(group, ours, Some(&answers.over), sent)? {
                        return Ok(false);
                    }
                }
                Pass::Leftover(reason) => self.hold(group, Some(reason))?,
            }
            if self.shared.stopped(self.resource) && !matches!(pass, Pass::Leftover(_)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_due(&self, row: u64) -> bool {
        self.due.is_due(row)
    }

    /// Reports the rows without an outcome that are not due; and with a reason, those that are.
    fn hold(
        &self,
        group: (usize, u64, u64),
        pending: Option<&'static str>,
    ) -> Result<(), FeedError> {
        let wanted = |row| !self.settled.get(row) && (pending.is_some() || !self.is_due(row));
        self.objects
            .read(group, Columns::Scope, wanted, |rows, batch| {
                let scope = Box::new(self.objects.scope(&batch)?);
                let why = rows
                    .iter()
                    .map(|row| match pending {
                        Some(reason) if self.is_due(*row) => Held::Pending(reason),
                        _ => Held::Decided,
                    })
                    .collect();
                self.to_sink(Message::Held {
                    resource: self.resource,
                    rows,
                    scope,
                    why,
                })?;
                Ok(true)
            })
    }

    /// Hands rows to the workers, but for those whose parents are withheld, and (with `over`, the
    /// claims that no longer count) those that another run has claimed. False when cut short.
    fn send(
        &self,
        group: (usize, u64, u64),
        wanted: impl Fn(u64) -> bool,
        over: Option<&HashMap<KeyHash, u64>>,
        sent: &mut u64,
    ) -> Result<bool, FeedError> {
        let mut complete = true;
        self.objects
            .read(group, Columns::All, wanted, |rows, batch| {
                let (mut rows, mut batch) = self.without_withheld(rows, batch)?;
                if let (Some(claims), Some(over)) = (&self.claims, over) {
                    (rows, batch) = self.claimed(claims, over, rows, batch)?;
                }
                if let Some(reason) = self.guarded {
                    let why = vec![Held::Guarded(reason); rows.len()];
                    self.report(rows, &batch, why)?;
                } else if self.dry {
                    self.planned(rows, &batch)?;
                } else {
                    for (rows, batch) in self.alike(rows, batch)? {
                        let chunk = Arc::new(self.encode(rows, &batch)?);
                        complete = complete && self.cut(&chunk, sent)?;
                    }
                }
                Ok::<bool, FeedError>(complete)
            })?;
        Ok(complete)
    }

    /// Reports rows that a run would send.
    fn planned(&self, rows: Vec<u64>, batch: &RecordBatch) -> Result<(), FeedError> {
        let why = rows.iter().map(|row| {
            Held::Pending(match self.due.disposition(*row) {
                _ if self.operation == Operation::Verify => "would_verify",
                _ if self.operation == Operation::Delete => "would_delete",
                _ if self.operation == Operation::Check => "would_check",
                _ if self.moves.contains_key(row) => "would_replace",
                Disposition::SendChanged => "would_update",
                Disposition::SendAgain => "would_send_again",
                _ => "would_create",
            })
        });
        let why = why.collect();
        self.report(rows, batch, why)
    }

    fn report(&self, rows: Vec<u64>, batch: &RecordBatch, why: Vec<Held>) -> Result<(), FeedError> {
        let scope = Box::new(self.objects.scope(batch)?);
        self.to_sink(Message::Held {
            resource: self.resource,
            rows,
            scope,
            why,
        })
    }

    fn without_withheld(
        &self,
        rows: Vec<u64>,
        batch: RecordBatch,
    ) -> Result<(Vec<u64>, RecordBatch), FeedError> {
        if self.parents.is_empty() {
            return Ok((rows, batch));
        }
        let mut cause: Vec<Option<&Arc<Withheld>>> = vec![None; rows.len()];
        let follow = |row: usize, target: &str, hash: KeyHash| {
            for (name, keys) in &self.parents {
                if **name == *target
                    && let Some(withheld) = keys.get(&hash)
                {
                    cause[row] = Some(Withheld::graver(cause[row], withheld));
                }
            }
        };
        self.references
            .parents(&batch, 0..rows.len(), follow)
            .map_err(|e| self.encode_error(e))?;
        if cause.iter().all(Option::is_none) {
            return Ok((rows, batch));
        }
        let (mut held, mut kept, mut why) = (Vec::new(), Vec::new(), Vec::new());
        for (row, cause) in rows.iter().zip(&cause) {
            match cause {
                Some(withheld) => {
                    held.push(*row);
                    why.push(Held::Parent(Arc::clone(withheld)));
                }
                None => kept.push(*row),
            }
        }
        let split = |keep: bool| {
            let mask: BooleanArray = cause.iter().map(|c| Some(c.is_none() == keep)).collect();
            filter_record_batch(&batch, &mask).map_err(|e| self.encode_error(e))
        };
        let scope = Box::new(self.objects.scope(&split(false)?)?);
        self.to_sink(Message::Held {
            resource: self.resource,
            rows: held,
            scope,
            why,
        })?;
        Ok((kept, split(true)?))
    }

    fn encode(&self, rows: Vec<u64>, batch: &RecordBatch) -> Result<Chunk, FeedError> {
        let body = batch.project(&body_columns(&batch.schema()));
        let bodies = body
            .and_then(|body| self.shared.target.encode(self.resource, &body))
            .map_err(|e| self.encode_error(e))?;
        let scope = self.objects.scope(batch)?;
        let ids = match self.moves.is_empty() {
            true => scope.server_id,
            false => {
                let id = |row| self.moves.get(row).map(|moved| moved.id.as_str());
                Some(rows.iter().map(id).collect())
            }
        };
        Ok(Chunk {
            resource: self.resource,
            why: self.operation.is_delete().then_some(scope.reason),
            rows,
            keys: scope.key,
            key_hashes: scope.key_hash,
            content_hashes: scope.content_hash,
            source_tables: scope.source_table,
            source_keys: scope.source_key,
            scope: scope.ids,
            bodies,
            ids,
        })
    }

    /// Cuts a chunk into units as large as one request may be. False when the resource stops.
    fn cut(&self, chunk: &Arc<Chunk>, sent: &mut u64) -> Result<bool, FeedError> {
        let mut start = 0;
        while start < chunk.len() {
            if self.shared.stopped(self.resource) {
                return Ok(false);
            }
            let packing = self.shared.target.packing();
            let from = chunk.bodies.range(start).start;
            let fits = |i: &usize| chunk.bodies.range(*i).end - from <= packing.bytes;
            let operation = self.operation_of(chunk.rows[start]);
            let alike = |i: &usize| self.operation_of(chunk.rows[*i]) == operation;
            let room = (start..chunk.len())
                .take(packing.objects)
                .take_while(|i| fits(i) && alike(i));
            let end = start + room.count().max(1);
            let unit = Unit {
                chunk: Arc::clone(chunk),
                range: start..end,
                operation,
            };
            self.shared
                .feed
                .send_blocking(unit)
                .map_err(|_| FeedError::Closed)?;
            *sent += (end - start) as u64;
            start = end;
        }
        Ok(true)
    }

    pub(super) fn encode_error(&self, source: ArrowError) -> FeedError {
        FeedError::Encode {
            resource: self.shared.names[self.resource].to_string(),
            source,
        }
    }

    pub(super) fn to_sink(&self, message: Message) -> Result<(), FeedError> {
        if matches!(message, Message::Held { .. }) && !self.shared.held.wait() {
            return Err(FeedError::Closed);
        }
        self.shared
            .sink
            .send_blocking(message)
            .map_err(|_| FeedError::Closed)
    }
}
