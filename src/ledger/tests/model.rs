//! Random histories of runs, crashes and compactions, against a map in memory.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::{Event, Journal, Ledger, LedgerError, compact};
use super::{Facts, delivered, entry, facts, key, small};
use crate::object::{KeyHash, Reason};

const RESOURCES: [&str; 2] = ["students", "!odd/name"];
const REASONS: [Reason; 2] = [Reason::TOO_LONG, Reason::INVALID_VALUE];

#[derive(Clone, Debug)]
enum Op {
    Tell {
        run: usize,
        resource: usize,
        key: u32,
        what: What,
    },
    Flush(usize),
    Close(usize),
    Crash(usize),
    Compact,
    /// A compaction that dies after so many steps.
    CompactPart(usize),
    Check,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Deliver(u128),
    Refuse(usize),
    Clear,
    Delete,
}

fn op() -> impl Strategy<Value = Op> {
    let what = prop_oneof![
        4 => (0u128..5).prop_map(What::Deliver),
        2 => (0usize..2).prop_map(What::Refuse),
        1 => Just(What::Clear),
        2 => Just(What::Delete),
    ];
    let tell = (0usize..3, 0usize..2, 0u32..24, what);
    prop_oneof![
        20 => tell.prop_map(|(run, resource, key, what)| Op::Tell { run, resource, key, what }),
        4 => (0usize..3).prop_map(Op::Flush),
        1 => (0usize..3).prop_map(Op::Close),
        1 => (0usize..3).prop_map(Op::Crash),
        2 => Just(Op::Compact),
        2 => (1usize..6).prop_map(Op::CompactPart),
        1 => Just(Op::Check),
    ]
}

/// What the target has acknowledged, kept simply.
#[derive(Default)]
struct Model {
    delivery: BTreeMap<(usize, String), (i64, Option<u128>)>,
    refusal: BTreeMap<(usize, String), (i64, Option<usize>)>,
}

impl Model {
    fn apply(&mut self, told: &Told) {
        let place = (told.resource, told.key.clone());
        let delivery = match told.what {
            What::Deliver(content) => Some(Some(content)),
            What::Delete => Some(None),
            What::Refuse(_) | What::Clear => None,
        };
        if let Some(delivery) = delivery {
            let slot = self
                .delivery
                .entry(place.clone())
                .or_insert((i64::MIN, None));
            *slot = (*slot).max((told.at, delivery));
        }
        let refusal = match told.what {
            What::Refuse(reason) => Some(reason),
            _ => None,
        };
        let slot = self.refusal.entry(place).or_insert((i64::MIN, None));
        *slot = (*slot).max((told.at, refusal));
    }

    fn facts(&self, resource: usize) -> BTreeMap<String, Facts> {
        let mut facts = BTreeMap::<String, Facts>::new();
        for ((of, key), (_, content)) in &self.delivery {
            if *of == resource
                && let Some(content) = content
            {
                facts.entry(key.clone()).or_default().0 = Some((*content, "id".to_owned()));
            }
        }
        for ((of, key), (_, reason)) in &self.refusal {
            if *of == resource
                && let Some(reason) = reason
            {
                let reason = REASONS[*reason].as_str().to_owned();
                facts.entry(key.clone()).or_default().1 = Some(reason);
            }
        }
        facts
    }
}

struct Told {
    resource: usize,
    key: String,
    what: What,
    at: i64,
}

#[derive(Default)]
struct Run {
    journal: Option<Journal>,
    pending: Vec<Told>,
}

struct World {
    ledger: Ledger,
    folder: std::path::PathBuf,
    model: Model,
    runs: [Run; 3],
    now: i64,
}

impl World {
    fn apply(&mut self, op: Op) {
        self.now += 10;
        match op {
            Op::Tell {
                run,
                resource,
                key: n,
                what,
            } => self.tell(run, resource, n, what),
            Op::Flush(run) => {
                if let Some(journal) = &mut self.runs[run].journal {
                    journal.flush().unwrap();
                    self.runs[run]
                        .pending
                        .drain(..)
                        .for_each(|t| self.model.apply(&t));
                }
            }
            Op::Close(run) => {
                if let Some(journal) = self.runs[run].journal.take() {
                    journal.close().unwrap();
                    self.runs[run]
                        .pending
                        .drain(..)
                        .for_each(|t| self.model.apply(&t));
                }
            }
            Op::Crash(run) => {
                self.runs[run].pending.clear();
                if let Some(journal) = self.runs[run].journal.take() {
                    journal.crash();
                }
            }
            Op::Compact => {
                self.ledger.compact(self.now).unwrap();
            }
            Op::CompactPart(steps) => {
                let mut left = steps;
                let mut die = |_| {
                    left -= 1;
                    let dead = LedgerError::Moving {
                        path: "killed".into(),
                    };
                    if left == 0 { Err(dead) } else { Ok(()) }
                };
                let _ = compact::compact(&self.folder, self.ledger.sizes, self.now, &mut die);
            }
            Op::Check => self.check(),
        }
    }

    fn tell(&mut self, run: usize, resource: usize, n: u32, what: What) {
        let event = match what {
            What::Deliver(content) => delivered(content),
            What::Refuse(reason) => Event::Refused {
                reason: &REASONS[reason],
                status: 400,
            },
            What::Clear => Event::Cleared,
            What::Delete => Event::Deleted,
        };
        let (ledger, now) = (&self.ledger, self.now);
        let name = format!("run{run}");
        let Run { journal, pending } = &mut self.runs[run];
        let journal = journal.get_or_insert_with(|| ledger.journal(&name, now).unwrap());
        let key = key(n);
        journal
            .append([entry(RESOURCES[resource], &key, event, now)])
            .unwrap();
        pending.push(Told {
            resource,
            key,
            what,
            at: now,
        });
    }

    fn check(&self) {
        let known = self.ledger.resources().unwrap();
        for (n, name) in RESOURCES.into_iter().enumerate() {
            let wanted = self.model.facts(n);
            assert_eq!(facts(&self.ledger, name), wanted, "{name}");
            assert!(wanted.is_empty() || known.iter().any(|k| k == name));
            let counts = self.ledger.counts(name).unwrap();
            let delivered = wanted.values().filter(|f| f.0.is_some()).count() as u64;
            let refused = wanted.values().filter(|f| f.1.is_some()).count() as u64;
            assert_eq!((counts.delivered, counts.refused), (delivered, refused));
            let found = self.ledger.lookup(name, KeyHash::of(&key(3))).unwrap();
            assert_eq!(found.is_some(), wanted.contains_key(&key(3)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_history_reads_as_the_model_does(ops in proptest::collection::vec(op(), 1..120)) {
        let dir = tempfile::tempdir().unwrap();
        let mut world = World {
            ledger: small(dir.path()),
            folder: dir.path().to_owned(),
            model: Model::default(),
            runs: Default::default(),
            now: 0,
        };
        for op in ops {
            world.apply(op);
        }
        world.check();
        for run in 0..3 {
            world.apply(Op::Close(run));
        }
        let done = world.ledger.compact(world.now).unwrap();
        prop_assert_eq!(done.alive, 0);
        world.check();
        let journals = std::fs::read_dir(dir.path().join("journals")).unwrap().count();
        prop_assert_eq!(journals, 0);
    }
}
