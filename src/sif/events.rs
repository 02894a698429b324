//! Sends an event for every object that has changed since agents were given theirs.
//!
//! All Adds and Changes go first, prerequisites before what refers to them; Deletes the other way
//! round. Within one object and action they have nothing to do with each other, and several are in
//! flight.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::Utc;

use super::desk::{Desk, same_file};
use super::difference::{Difference, compare};
use super::fates::Fate;
use super::handover::{Exceptions, Handover};
use super::query::Query;
use super::session::SyncError;
use super::shelf::{Shelf, Wanted};
use super::shelved::Shelved;
use super::transition::{Move, Transition};
use crate::object::{Outcome, Reason};
use crate::xml::Version;

/// How events are sent.
#[derive(Clone, Debug)]
pub struct EventSettings {
    /// Messages in flight.
    pub parallel: usize,
    /// Most events of one message.
    pub bundle: usize,
    /// Objects that may be published.
    pub may: BTreeSet<String>,
}

/// What agents were told of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// ObjectName.
    pub object: String,
    /// The agents whose hand-over point it is about.
    pub agents: Vec<String>,
    /// Events acknowledged: Add, Change, Delete.
    pub acked: [u64; 3],
    /// Events refused for good; they are due again with the next change of their object.
    pub refused: u64,
    /// Events that are still to be sent.
    pub pending: u64,
}

/// One object on its way.
pub(super) struct Way {
    pub(super) transition: Transition,
    pub(super) old: Arc<Shelf>,
    pub(super) new: Arc<Shelf>,
    pub(super) wanted: (Arc<Wanted>, Arc<Wanted>),
    pub(super) difference: Difference,
    /// The rows of this run, where the way leads to them.
    pub(super) shelved: Option<Arc<Shelved>>,
    pub(super) told: Told,
}

impl Desk {
    /// Brings all hand-over points to the objects of this run. `order`: objects, prerequisites
    /// first.
    /// Gives what was told, and why it ended early: what was acknowledged is noted, the rest is sent
    /// by the next run.
    pub async fn events(
        &self,
        order: &[String],
        settings: &EventSettings,
    ) -> (Vec<Told>, Result<(), SyncError>) {
        let mut told = Vec::new();
        let result = self.all_events(order, settings, &mut told).await;
        (told, result)
    }

    async fn all_events(
        &self,
        order: &[String],
        settings: &EventSettings,
        told: &mut Vec<Told>,
    ) -> Result<(), SyncError> {
        // What an earlier process has begun comes first: points move one step at a time.
        let mut left = Transition::all(&self.folder)?;
        left.retain(|way| self.shelves.contains_key(&way.about.object));
        let place = |object: &str| order.iter().position(|o| o == object);
        left.sort_by_key(|way| place(&way.about.object));
        self.go(left, settings, told).await?;
        let mut ways = Vec::new();
        for object in order.iter().filter(|object| settings.may.contains(*object)) {
            ways.extend(self.begin(object)?);
        }
        self.go(ways, settings, told).await
    }

    /// The ways that an object is to go: one for all agents that stand at the same point.
    fn begin(&self, object: &str) -> Result<Vec<Transition>, SyncError> {
        let Some(shelved) = self.shelves.get(object) else {
            return Ok(Vec::new());
        };
        let handovers = self.handovers();
        let groups = handovers.groups(object)?;
        let directed = groups.len() > 1;
        let mut ways = Vec::new();
        for group in groups {
            let Some(first) = group.first() else { continue };
            let from = handovers.objects(first);
            let about = Move {
                id: format!("{:032x}", fastrand::u128(..)),
                object: object.to_owned(),
                agents: group.iter().map(|point| point.agent.clone()).collect(),
                directed,
                version: first.version.clone(),
                except: first.except.clone(),
                run: self.run.clone(),
            };
            ways.push(Transition::create(
                &self.folder,
                about,
                &from,
                &shelved.shelf.path,
            )?);
        }
        Ok(ways)
    }

    /// Goes these ways to their ends.
    async fn go(
        &self,
        ways: Vec<Transition>,
        settings: &EventSettings,
        told: &mut Vec<Told>,
    ) -> Result<(), SyncError> {
        let mut open = Vec::new();
        for transition in ways {
            open.push(tokio::task::block_in_place(|| self.open_way(transition))?);
        }
        let mut result = Ok(());
        for way in &mut open {
            if result.is_ok() {
                result = self.send_all(way, false, settings).await;
            }
        }
        for way in open.iter_mut().rev() {
            if result.is_ok() {
                result = self.send_all(way, true, settings).await;
            }
        }
        for way in open {
            told.push(self.arrive(way, result.is_ok())?);
        }
        result
    }

    fn open_way(&self, transition: Transition) -> Result<Way, SyncError> {
        let object = &transition.about.object;
        let current = self.shelves.get(object).ok_or(SyncError::Task)?;
        let meta = &current.shelf.meta;
        let old = Shelf::open(object, &transition.from(), meta, None)?;
        let new = Shelf::open(object, &transition.to(), meta, None)?;
        let version = transition
            .about
            .version
            .parse()
            .unwrap_or(Version::new(2, 0));
        let all = Query {
            object: object.clone(),
            elements: Vec::new(),
            group: None,
        };
        let wanted = |shelf: &Shelf| {
            let wanted = shelf.wanted(&all, version);
            wanted
                .map(Arc::new)
                .map_err(|error| std::io::Error::other(error.description))
        };
        let both = (wanted(&old)?, wanted(&new)?);
        let shelved = same_file(&new.path, &current.shelf.path).then(|| Arc::clone(current));
        let difference = compare(&old, &new, &transition.about.except, |row| {
            if let Some(shelved) = &shelved {
                shelved.fates().same(row);
            }
        })?;
        let told = Told {
            object: object.clone(),
            agents: transition.about.agents.clone(),
            pending: difference.events(),
            ..Told::default()
        };
        Ok(Way {
            transition,
            old: Arc::new(old),
            new: Arc::new(new),
            wanted: both,
            difference,
            shelved,
            told,
        })
    }

    /// Moves the hand-over points, once everything was told; else they are where they were.
    fn arrive(&self, way: Way, arrived: bool) -> Result<Told, SyncError> {
        let Way {
            transition,
            difference,
            shelved,
            told,
            ..
        } = way;
        if !arrived {
            if let Some(shelved) = shelved {
                let fate = Fate {
                    outcome: Outcome::Pending,
                    reason: Reason::fixed("event_not_sent"),
                    detail: String::new(),
                };
                let mut fates = shelved.fates();
                let changed = difference.changes.iter().map(|(row, _)| *row);
                let rows = difference.adds.iter().copied().chain(changed);
                let open = rows.filter(|row| {
                    use super::fates::RowState::{Same, Untouched};
                    matches!(fates.of(*row), Untouched | Same)
                });
                let open: Vec<u64> = open.collect();
                fates.tell(open, &fate);
            }
            return Ok(told);
        }
        let handovers = self.handovers();
        for agent in &transition.about.agents {
            let Some(point) = handovers.of(agent, &transition.about.object)? else {
                continue;
            };
            let except = Exceptions {
                held: difference.held.clone(),
                ..transition.exceptions()
            };
            let moved = Handover {
                run: transition.about.run.clone(),
                events: Some(Utc::now()),
                except,
                ..point
            };
            handovers.set(moved, &transition.to())?;
        }
        transition.remove()?;
        Ok(told)
    }
}
