//! Which requests the faults hit: counted per object, so that a retry is no new object.
//!
//! Reads: nothing. Writes: nothing. Never: remembers more of an object than a hash.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::fault::{Fault, FaultKind};

/// The faults in force, with their counters.
#[derive(Debug, Default)]
pub(super) struct FaultPlan {
    faults: Vec<Armed>,
    struck: AtomicU64,
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Objects (or requests) that matched.
    matched: u64,
    /// Objects chosen.
    chosen: u64,
    /// Object -> hits left; `None`: without end. Objects that pass stand with 0.
    objects: HashMap<u64, Option<u32>>,
}

/// What a fault may choose a request by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aim<'a> {
    /// Method.
    pub(super) method: &'a str,
    /// Resource, or `oauth`, `metadata`, `discovery`.
    pub(super) resource: &'a str,
    /// Whether it is a data request.
    pub(super) data: bool,
    /// Method, path and body.
    pub(super) object: u64,
}

impl FaultPlan {
    /// Arms faults.
    pub(super) fn new(faults: Vec<Fault>) -> Self {
        Self {
            faults: faults
                .into_iter()
                .map(|fault| Armed {
                    fault,
                    state: Mutex::default(),
                })
                .collect(),
            struck: AtomicU64::new(0),
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// The faults in force.
    pub(super) fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter().map(|armed| &armed.fault)
    }

    /// Requests hit.
    pub(super) fn struck(&self) -> u64 {
        self.struck.load(Ordering::Relaxed)
    }

    /// The first fault that hits a request. Later faults do not count a request that is hit.
    pub(super) fn strike(&self, aim: Aim<'_>) -> Option<FaultKind> {
        let hit = self.faults.iter().find(|armed| armed.hits(aim))?;
        self.struck.fetch_add(1, Ordering::Relaxed);
        Some(hit.fault.kind)
    }
}

impl Armed {
    fn hits(&self, aim: Aim<'_>) -> bool {
        let fault = &self.fault;
        let wanted = match &fault.resource {
            Some(resource) => resource.eq_ignore_ascii_case(aim.resource),
            None => aim.data,
        };
        if !wanted || fault.method.as_deref().is_some_and(|m| m != aim.method) {
            return false;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if fault.kind == FaultKind::ExpireTokens {
            return state.choose(fault, aim.object);
        }
        let left = match state.objects.get(&aim.object) {
            Some(left) => *left,
            None => match state.choose(fault, aim.object) {
                true => fault.times,
                false => Some(0),
            },
        };
        let next = left.map(|left| left.saturating_sub(1));
        state.objects.insert(aim.object, next);
        left != Some(0)
    }
}

impl State {
    fn choose(&mut self, fault: &Fault, object: u64) -> bool {
        self.matched += 1;
        let Some(place) = self.matched.checked_sub(fault.after + 1) else {
            return false;
        };
        let chosen = match fault.seed {
            None => (place + 1).is_multiple_of(fault.every),
            Some(seed) => {
                xxh3_64_with_seed(&object.to_le_bytes(), seed).is_multiple_of(fault.every)
            }
        };
        let chosen = chosen && fault.limit.is_none_or(|limit| self.chosen < limit);
        self.chosen += u64::from(chosen);
        chosen
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn aim(object: u64) -> Aim<'static> {
        Aim {
            method: "POST",
            resource: "students",
            data: true,
            object,
        }
    }

    fn plan(text: &str) -> FaultPlan {
        FaultPlan::new(vec![text.parse().unwrap()])
    }

    fn hits(plan: &FaultPlan, objects: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let hit = |o: &u64| plan.strike(aim(*o)).is_some();
        objects.into_iter().filter(hit).collect()
    }

    #[test]
    fn every_third_object_once() {
        let plan = plan("503:every=3");
        assert_eq!(hits(&plan, 1..=9), [3, 6, 9]);
        assert_eq!(hits(&plan, 1..=9), [0u64; 0], "a retry passes");
        assert_eq!(plan.struck(), 3);
    }

    #[test]
    fn retries_do_not_move_the_choice() {
        let plan = plan("503:every=3,times=2,after=1,limit=2");
        assert_eq!(
            hits(&plan, [1, 2, 3, 4, 4, 4, 5, 6, 7, 8, 9, 10]),
            [4, 4, 7]
        );
    }

    #[test]
    fn always_is_always() {
        let plan = plan("500:every=2,always");
        assert_eq!(hits(&plan, [1, 2, 2, 2, 1, 2]), [2, 2, 2, 2]);
    }

    #[test]
    fn method_and_resource_limit_a_fault() {
        let other = plan("500:method=GET,always");
        assert!(hits(&other, 1..5).is_empty());
        let other = plan("500:resource=oauth,always");
        assert!(hits(&other, 1..5).is_empty());
        let own = plan("500:resource=Students,method=post");
        assert_eq!(hits(&own, 1..3), [1, 2]);
    }

    #[test]
    fn tokens_expire_by_requests() {
        let plan = plan("expire-tokens:every=3");
        assert_eq!(hits(&plan, [1, 1, 1, 1, 1, 2, 3]).len(), 2);
    }

    proptest! {
        #[test]
        fn a_seed_chooses_the_same_objects_in_any_order(mut objects in proptest::collection::hash_set(any::<u64>(), 0..60)
            .prop_map(|set| set.into_iter().collect::<Vec<_>>())) {
            let mut first = hits(&plan("503:every=4,seed=7"), objects.clone());
            objects.reverse();
            let mut second = hits(&plan("503:every=4,seed=7"), objects);
            first.sort_unstable();
            second.sort_unstable();
            prop_assert_eq!(first, second);
        }
    }
}
