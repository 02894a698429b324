//! A few objects against a large ledger: looked up by key, not walked.

use super::{Given, row};
use crate::ledger::Event;
use crate::ledger::due::{Disposition, DueOptions};
use crate::ledger::tests::{RESOURCE, delivered, entry};

#[test]
fn a_few_objects_of_a_large_ledger_are_looked_up_and_decided_alike() {
    let keys: Vec<String> = (0..200).map(|i| format!("k={i}")).collect();
    let mut events: Vec<(&str, Event<'_>)> =
        keys.iter().map(|k| (k.as_str(), delivered(7))).collect();
    events.push((&keys[5], Event::Deleted));
    let given = Given::events(&events);
    // Some in a generation, the rest in a journal.
    given.ledger.compact(1).unwrap();
    let mut journal = given.ledger.journal("later", 500).unwrap();
    let later = entry(RESOURCE, &keys[6], delivered(8), 501);
    journal.append([later]).unwrap();
    journal.close().unwrap();
    let objects = [
        row(&keys[3], 7),
        row(&keys[4], 9),
        row(&keys[5], 7),
        row(&keys[6], 8),
        row("k=new", 1),
        row("k=new", 1),
    ];
    let options = DueOptions {
        complete: false,
        ..DueOptions::default()
    };
    let found = given.due(&objects, options);
    let all: Vec<Disposition> = found.rows.iter().map(|d| d.disposition()).collect();
    use Disposition::{Collapsed, Send, SendChanged, Unchanged};
    let wanted = [Unchanged, SendChanged, Send, Unchanged, Send, Collapsed];
    assert_eq!(all, wanted);
    // Walking the whole ledger decides alike.
    let walked = given.due(&objects, DueOptions::default());
    assert_eq!(walked.rows, found.rows);
}
