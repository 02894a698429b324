//! Random objects and ledgers against a plain reading of the rules.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Disposition, DueOptions, Event, Given, Object, SKIP};
use super::{delivered, dispositions, held, refused, row};
use crate::object::{KeyHash, Reason};
use Disposition::{Collapsed, Rejected, RejectedDuplicate, Send, SendChanged, Skipped, Unchanged};

/// The rules, read plainly: every row against all rows of its key.
fn plainly(objects: &[Object], known: &BTreeMap<String, (Option<u128>, bool)>) -> Vec<Disposition> {
    let of_key = |key: &str| {
        objects
            .iter()
            .filter(|o| o.key == key)
            .cloned()
            .collect::<Vec<_>>()
    };
    let mut decided = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        let mut bodies: Vec<u128> = of_key(&object.key)
            .iter()
            .filter(|o| o.held.is_none())
            .map(|o| o.content)
            .collect();
        bodies.sort_unstable();
        bodies.dedup();
        let content = known.get(&object.key).and_then(|k| k.0);
        decided.push(match &object.held {
            _ if objects[..i].contains(object) => Collapsed,
            Some(("skipped", _)) => Skipped,
            Some(_) => Rejected,
            None if bodies.len() > 1 => RejectedDuplicate,
            None if content.is_none() => Send,
            None if content == Some(object.content) => Unchanged,
            None => SendChanged,
        });
    }
    decided
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_rows_are_decided_as_the_rules_read(
        rows in proptest::collection::vec((0u8..12, 0u128..3, 0u8..6), 0..60),
        told in proptest::collection::vec((0u8..16, 0u128..3, 0u8..4), 0..30),
    ) {
        let objects: Vec<Object> = rows
            .iter()
            .map(|(key, content, what)| match what {
                0 => held(&format!("k{key}"), *content, "skipped", SKIP),
                1 => held(&format!("k{key}"), *content, "rejected", Reason::TOO_LONG),
                _ => row(&format!("k{key}"), *content),
            })
            .collect();
        let keys: Vec<String> = told.iter().map(|(key, ..)| format!("k{key}")).collect();
        let mut known = BTreeMap::<String, (Option<u128>, bool)>::new();
        let mut events = Vec::new();
        for (key, (_, content, what)) in keys.iter().zip(&told) {
            let slot = known.entry(key.clone()).or_default();
            let event = match what {
                0 => refused(&Reason::TOO_LONG, 400),
                1 => Event::Deleted,
                _ => delivered(*content),
            };
            match event {
                Event::Refused { .. } => slot.1 = true,
                Event::Deleted => *slot = (None, false),
                _ => *slot = (Some(*content), false),
            }
            events.push((key.as_str(), event));
        }
        let given = Given::events(&events);
        if told.len() % 2 == 0 {
            given.ledger.compact(100).unwrap();
        }
        let found = given.due(&objects, DueOptions::default());
        prop_assert_eq!(dispositions(&found), plainly(&objects, &known));
        prop_assert_eq!(found.counts.total(), objects.len() as u64);
        for (object, decision) in objects.iter().zip(&found.rows) {
            let (content, refused) = known.get(&object.key).copied().unwrap_or_default();
            prop_assert_eq!(decision.delivered_before(), content.is_some());
            prop_assert_eq!(decision.refused_before(), refused);
            let of_key = || {
                let same = objects.iter().zip(&found.rows).filter(|(o, _)| o.key == object.key);
                same.map(|(_, d)| d.disposition())
            };
            let sendable = of_key().any(|d| d.is_send() || d == Unchanged);
            let withheld = found.withheld.get(KeyHash::of(&object.key));
            prop_assert_eq!(withheld.is_some(), !sendable && content.is_none());
        }
        let mut gone: Vec<KeyHash> = known
            .iter()
            .filter(|(key, known)| known.0.is_some() && !objects.iter().any(|o| o.key == **key))
            .map(|(key, _)| KeyHash::of(key))
            .collect();
        gone.sort();
        prop_assert_eq!(found.gone, gone);
    }
}
