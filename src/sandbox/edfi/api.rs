//! The sandbox's inside, shared by all connections: what it knows and how it is set.
//!
//! Reads: the journal at the start. Writes: nothing by itself. Never: HTTP.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde_json::{Value, json};

use super::capacity::Workers;
use super::check::{self, Checked};
use super::journal;
use super::journal::{Journal, Line};
use super::layout::{self, Layout, SCHOOL_YEAR_TYPES};
use super::oauth::Tokens;
use super::options::{ErrorStyle, Operation, Options, Quirks};
use super::problem::Problem;
use super::profile::Profiles;
use super::route::RouteContext;
use super::stats::{Counters, Stats, Topic};
use super::store::{Record, Store};
use crate::metadata::Standard;
use crate::sandbox::fault_plan::FaultPlan;
use crate::sandbox::log::new_instance;
use crate::sandbox::{Fault, SandboxError};

/// Everything that requests are answered from.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) standard: Arc<Standard>,
    pub(super) layout: Layout,
    pub(super) store: Store,
    pub(super) tokens: Tokens,
    pub(super) context: RouteContext,
    pub(super) profiles: Profiles,
    pub(super) workers: Option<Workers>,
    pub(super) counters: Counters,
    pub(super) instance_id: String,
    pub(super) style: ErrorStyle,
    faults: RwLock<Arc<FaultPlan>>,
    quirks: RwLock<Quirks>,
    denied: HashSet<(u16, Operation)>,
}

impl Api {
    /// Reads the state folder, if there is one, and puts the seed in.
    ///
    /// # Errors
    /// The state cannot be read or written, or a seed is refused.
    pub(super) fn open(options: Options) -> Result<Self, SandboxError> {
        let layout = Layout::new(&options.standard);
        let (mut instance_id, mut journal) = (options.instance_id.clone(), None);
        let mut replayed = Replay::default();
        if let Some(dir) = &options.state_dir {
            let mut shelves = Store::new(layout.resources.len());
            let opened = replay(&layout, dir, &instance_id, &mut shelves, &mut replayed)?;
            opened.instance_id().clone_into(&mut instance_id);
            journal = Some((opened, shelves));
        }
        if instance_id.is_empty() {
            instance_id = new_instance();
        }
        let (state_dir, key, secret) = (options.state_dir.as_deref(), options.key, options.secret);
        let denied = denied(&layout, &options.denied);
        let store = match journal {
            Some((journal, shelves)) => shelves.with_journal(journal),
            None => Store::new(layout.resources.len()),
        };
        let api = Self {
            tokens: Tokens::open(key, secret, state_dir)?,
            standard: options.standard,
            layout,
            store,
            context: RouteContext {
                tenant: options.tenant,
                district: options.district,
                year: options.school_year_route.map(|year| year.to_string()),
                shape: options.routes,
            },
            workers: options.capacity.map(Workers::new),
            profiles: Profiles {
                known: options.profiles,
                assigned: options.assigned_profiles,
            },
            counters: Counters::default(),
            instance_id,
            style: options.error_style,
            faults: RwLock::new(Arc::new(FaultPlan::new(options.faults))),
            quirks: RwLock::new(options.quirks),
            denied,
        };
        api.preload_school_years();
        api.seed(&options.seed)?;
        api.refer_replayed();
        api.compact(&replayed)?;
        Ok(api)
    }

    /// The faults in force.
    pub(super) fn faults(&self) -> Arc<FaultPlan> {
        let faults = self.faults.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&faults)
    }

    /// Replaces the faults; their counters start again.
    pub(super) fn set_faults(&self, faults: Vec<Fault>) {
        let plan = Arc::new(FaultPlan::new(faults));
        *self.faults.write().unwrap_or_else(PoisonError::into_inner) = plan;
    }

    /// The quirks in force.
    pub(super) fn quirks(&self) -> Quirks {
        *self.quirks.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the quirks.
    pub(super) fn set_quirks(&self, quirks: Quirks) {
        *self.quirks.write().unwrap_or_else(PoisonError::into_inner) = quirks;
    }

    /// Whether the claim set grants an operation.
    pub(super) fn grants(&self, number: u16, operation: Operation) -> bool {
        let read_only = self.layout.resource(number).name == SCHOOL_YEAR_TYPES;
        !self.denied.contains(&(number, operation)) && (!read_only || operation == Operation::Read)
    }

    /// Refuses an operation that the claim set does not grant.
    ///
    /// # Errors
    /// 403.
    pub(super) fn allow(&self, number: u16, operation: Operation) -> Result<(), Problem> {
        match self.grants(number, operation) {
            true => Ok(()),
            false => Err(Problem::action_denied(
                &self.layout.resource(number).title,
                operation,
            )),
        }
    }

    /// The counts so far.
    pub(super) fn stats(&self) -> Stats {
        let stats = self
            .counters
            .snapshot(|topic| self.topic_name(topic).to_owned());
        Stats {
            tokens_issued: self.tokens.issued(),
            tokens_live: self.tokens.live(now_ms()),
            faults: self.faults().struck(),
            ..stats
        }
    }

    /// The name of a topic.
    pub(super) fn topic_name(&self, topic: Topic) -> &str {
        match topic {
            Topic::Resource(number) => &self.layout.resource(number).name,
            Topic::Descriptor(number) => &self.layout.descriptors[usize::from(number)].name,
            Topic::Route(name) => name,
        }
    }

    fn preload_school_years(&self) {
        let Some(number) = self.layout.number(SCHOOL_YEAR_TYPES) else {
            return;
        };
        let resource = self.layout.resource(number);
        for year in 1991..=2050 {
            let body = json!({
                "schoolYear": year,
                "currentSchoolYear": false,
                "schoolYearDescription": format!("{}-{year}", year - 1),
            });
            if let Ok(checked) = check::check(&self.layout, resource, &body) {
                let mut shelves = self.store.lock(&[number], number);
                if let Some(shelf) = shelves.get_mut(number) {
                    let id = layout::record_id(&self.instance_id, resource, checked.key, 0);
                    shelf.put(new_record(checked, id, 0, 0));
                }
            }
        }
    }

    fn seed(&self, seeds: &[(String, Value)]) -> Result<(), SandboxError> {
        for (at, (resource, body)) in seeds.iter().enumerate() {
            let refuse = |why: String| SandboxError::Seed {
                resource: resource.clone(),
                at,
                why,
            };
            let number = self
                .layout
                .number(resource)
                .ok_or_else(|| refuse("the standard has no such resource".to_owned()))?;
            let checked = check::check(&self.layout, self.layout.resource(number), body)
                .map_err(|flaws| refuse(format!("{flaws:?}")))?;
            if self.store.read(number).holds_key(checked.key) {
                continue;
            }
            self.upsert(number, checked, None, false)
                .map_err(|problem| refuse(format!("{problem:?}")))?;
        }
        Ok(())
    }

    /// References are found only once every record is there.
    fn refer_replayed(&self) {
        if !self.store.is_kept() {
            return;
        }
        let mut shelves = self.store.lock_all();
        for (number, resource) in (0u16..).zip(&self.layout.resources) {
            let found: Vec<_> = shelves
                .get(number)
                .records()
                .filter(|record| record.references.is_empty())
                .filter_map(|record| {
                    let body = serde_json::from_slice(&record.body).ok()?;
                    let checked = check::check(&self.layout, resource, &body).ok()?;
                    Some((record.id, checked.resolve_what_is_there(&shelves)))
                })
                .collect();
            if let Some(shelf) = shelves.get_mut(number) {
                for (id, references) in found {
                    shelf.refer(id, references);
                }
            }
        }
    }

    fn compact(&self, replayed: &Replay) -> Result<(), SandboxError> {
        if replayed.lines <= 1000 + 2 * replayed.living {
            return Ok(());
        }
        let shelves = self.store.lock_all();
        let records = (0u16..)
            .zip(&self.layout.resources)
            .flat_map(|(number, resource)| {
                let kept = resource.name != SCHOOL_YEAR_TYPES;
                let records = shelves.get(number).records().filter(move |_| kept);
                records.map(|record| (resource.name.as_str(), record))
            });
        tracing::info!(lines = replayed.lines, "compacting the sandbox's log");
        self.store.rewrite(records)
    }
}

/// What a replay went through.
#[derive(Debug, Default)]
struct Replay {
    lines: u64,
    living: u64,
}

fn replay(
    layout: &Layout,
    dir: &Path,
    instance_id: &str,
    store: &mut Store,
    seen: &mut Replay,
) -> Result<Journal, SandboxError> {
    let journal = Journal::open(dir, instance_id, |line| {
        seen.lines += 1;
        let (name, version) = match &line {
            Line::Put {
                resource, version, ..
            }
            | Line::Remove {
                resource, version, ..
            } => (*resource, *version),
        };
        store.seen_version(version);
        let Some(number) = layout.number(name) else {
            return Err(format!("the data standard has no resource `{name}`"));
        };
        let shelf = store.shelf_mut(number);
        match line {
            Line::Remove { id, .. } => shelf.remove(id),
            Line::Put {
                id,
                version,
                modified_ms,
                body,
                ..
            } => {
                let json = serde_json::from_slice(body).map_err(|e| e.to_string())?;
                shelf.put(Record {
                    key: layout::key_hash(&check::key_text(layout.resource(number), &json)),
                    id,
                    version,
                    modified_ms,
                    body: Bytes::copy_from_slice(body),
                    references: Box::default(),
                });
            }
        }
        Ok(())
    })?;
    seen.living = store.len();
    Ok(journal)
}

fn denied(layout: &Layout, denied: &[(String, Operation)]) -> HashSet<(u16, Operation)> {
    denied
        .iter()
        .filter_map(|(resource, operation)| match layout.number(resource) {
            Some(number) => Some((number, *operation)),
            None => {
                tracing::warn!(resource, "a denied resource is not in the data standard");
                None
            }
        })
        .collect()
}

/// A record of a checked body, its references still to be found.
pub(super) fn new_record(checked: Checked<'_>, id: u128, version: u64, modified_ms: i64) -> Record {
    Record {
        key: checked.key,
        id,
        version,
        modified_ms,
        body: Bytes::from(checked.body),
        references: Box::default(),
    }
}

/// The journal's line of a record.
pub(super) fn line(resource: &str, record: &Record) -> Vec<u8> {
    let mut line = Vec::with_capacity(record.body.len() + 128);
    journal::put_line(&mut line, resource, record);
    line
}

/// Milliseconds of the epoch.
pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
