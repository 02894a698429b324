//! Random histories of a district, run by run: rows come, go, change their key, lose their id, cannot
//! be read. Whatever happens, the target holds what the rules say; no more deletes, and no fewer.

use std::collections::{BTreeMap, BTreeSet};

use super::deletes::{deletes, district};
use crate::support::Target;

const STUDENTS: u32 = 12;
const ROUNDS: usize = 4;

/// What becomes of a student's row from one run to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Stays,
    Absent,
    /// Another id: the object's natural key.
    Rekeyed,
    /// No id: the object is skipped.
    Skipped,
    /// A date that is none: the row cannot be read, and is known by its key.
    Unreadable,
}

/// The ids that a resource's records at the target are of.
fn held(target: &Target, resource: &str) -> BTreeSet<String> {
    let id = |body: &serde_json::Value| {
        let of = body.get("studentReference").unwrap_or(body);
        of["studentUniqueId"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    target.bodies(resource).iter().map(id).collect()
}

fn history(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let (district, target) = (district(0), Target::new(&[]));
    // The id of each student's row, and what the target is to hold of it.
    let mut ids: BTreeMap<u32, u32> = (1..=STUDENTS).map(|i| (i, 0)).collect();
    let mut model: BTreeMap<u32, String> = BTreeMap::new();
    for round in 0..ROUNDS {
        let changes: Vec<(u32, Change)> = (1..=STUDENTS)
            .map(|i| match (round, random.u8(..10)) {
                (0, _) | (_, 0..=4) => (i, Change::Stays),
                (_, 5) => (i, Change::Skipped),
                (_, 6) => (i, Change::Unreadable),
                (_, 7) => (i, Change::Rekeyed),
                _ => (i, Change::Absent),
            })
            .collect();
        // Of an unreadable row that has yielded nothing yet nobody knows what it stands for.
        let hides =
            |(i, change): &(u32, Change)| *change == Change::Unreadable && !model.contains_key(i);
        let hidden = changes.iter().any(hides);
        let (mut rows, mut gone) = (Vec::new(), 0);
        for (i, change) in changes {
            let version = ids.entry(i).or_default();
            *version += u32::from(change == Change::Rekeyed);
            let id = format!("U{i:04}v{version}");
            let row = |id: &str, birth: &str| {
                format!("{i},{id},First,Last,{birth},255901001,2025-08-18,9")
            };
            match change {
                Change::Stays | Change::Rekeyed => {
                    rows.push(row(&id, "2010-01-02"));
                    let before = model.insert(i, id.clone());
                    gone += u64::from(before.is_some_and(|before| before != id));
                }
                // What was sent of it stays.
                Change::Skipped => rows.push(row("", "2010-01-02")),
                Change::Unreadable => rows.push(row(&id, "2010-99-99")),
                Change::Absent if hidden => {}
                Change::Absent => gone += u64::from(model.remove(&i).is_some()),
            }
        }
        random.shuffle(&mut rows);
        district.students(rows.into_iter());
        let args = ["run", "mini", "--max-deletes", "100%", "--yes"];
        let ran = district.fullsync(&target.url(), &args);
        let told = format!("seed {seed}, round {round}\n{}{}", ran.stdout, ran.stderr);
        assert!(matches!(ran.code, Some(0 | 1)), "{told}");
        let wanted: BTreeSet<String> = model.values().cloned().collect();
        for resource in ["students", "studentSchoolAssociations"] {
            assert_eq!(held(&target, resource), wanted, "{resource}: {told}");
            assert_eq!(
                deletes(&district, resource, "due"),
                gone,
                "{resource}: {told}"
            );
        }
    }
    // Everything is back, and nothing is due but what is new.
    let row = |(i, v): (&u32, &u32)| {
        format!("{i},U{i:04}v{v},First,Last,2010-01-02,255901001,2025-08-18,9")
    };
    district.students(ids.iter().map(row).collect::<Vec<_>>().into_iter());
    let args = ["run", "mini", "--max-deletes", "100%", "--yes"];
    district.fullsync(&target.url(), &args).expect(0);
    assert_eq!(held(&target, "students").len(), STUDENTS as usize);
}

#[test]
fn item_7_random_histories_end_as_the_rules_say() {
    history(7);
    // A new one each time; its seed is told when it fails.
    history(fastrand::u64(..));
}
