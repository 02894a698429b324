//! From a sync on, events: what has changed, once, whatever happens in between.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::objects::{ref_id, rows, write};
use super::script::{Scripted, Trouble};
use crate::object::{DeleteOutcome, Outcome};
use crate::sif::{Demand, Desk, EventSettings, Told};

fn settings(bundle: usize) -> EventSettings {
    EventSettings {
        parallel: 4,
        bundle,
        may: BTreeSet::from(["Thing".to_owned()]),
    }
}

async fn send(desk: &Arc<Desk>, bundle: usize) -> Vec<Told> {
    let (told, result) = desk.events(&["Thing".to_owned()], &settings(bundle)).await;
    result.unwrap();
    told
}

/// An agent is given `count` things; the zone has forgotten the packets then.
async fn given(zone: &Scripted, folder: &Path, count: usize) {
    let objects = write(folder, &rows(count));
    zone.ask_all("R1", 65_536);
    let desk = zone.desk(folder, &objects);
    zone.sync(&desk).await.unwrap();
    zone.state().packets.clear();
    std::fs::remove_file(objects).unwrap();
}

fn objects_of(events: &[String], action: &str) -> Vec<String> {
    let action = format!("Action=\"{action}\">");
    let all = events.iter().flat_map(|e| e.split(&action).skip(1));
    all.map(|rest| rest.split("</SIF_EventObject>").next().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_has_changed_is_told_and_only_once() {
    for bundle in [1, 10] {
        let dir = tempfile::tempdir().unwrap();
        let zone = Scripted::start().await;
        given(&zone, dir.path(), 50).await;
        // 3 has another name, 49 is gone, 50 to 52 are new; 7 is rejected now, which is no Delete.
        let mut now = rows(53);
        now[3].0 = "Other".to_owned();
        now[7].1 = Some("rejected");
        now[49].1 = Some("skipped");
        let objects = write(dir.path(), &now);
        let desk = zone.desk_of(dir.path(), &objects, "run-2");
        let told = send(&desk, bundle).await;
        assert_eq!(
            (told[0].acked, told[0].refused, told[0].pending),
            ([3, 1, 1], 0, 0)
        );
        let events = std::mem::take(&mut zone.state().packets);
        let adds = objects_of(&events, "Add");
        assert_eq!(adds.len(), 3);
        assert!(adds[0].contains("<LastName>") && adds[0].contains("<Size>"));
        let change = format!(
            "<Thing RefId=\"{}\"><Name><LastName>Other</LastName></Name></Thing>",
            ref_id(3)
        );
        assert_eq!(
            objects_of(&events, "Change"),
            [change],
            "only what is different"
        );
        let gone = |i| format!("<Thing RefId=\"{}\"></Thing>", ref_id(i));
        assert_eq!(objects_of(&events, "Delete"), [gone(49)]);
        assert_eq!(events.len(), if bundle == 1 { 5 } else { 2 });
        assert!(events.iter().all(|e| !e.contains("SIF_DestinationId")));

        let results = dir.path().join("results.parquet");
        let (tally, _) = desk.shelves["Thing"]
            .settle(&results, Demand::None, None)
            .unwrap();
        assert_eq!(tally.of(Outcome::Created), 3);
        assert_eq!(
            (tally.of(Outcome::Updated), tally.of(Outcome::Unchanged)),
            (1, 47)
        );
        assert_eq!(tally.deletes_of(DeleteOutcome::Deleted), 1);
        tally.check("Thing", 53).unwrap();

        // Nothing has changed since.
        let desk = zone.desk_of(dir.path(), &objects, "run-3");
        let told = send(&desk, bundle).await;
        assert_eq!(
            told.iter()
                .map(|t| t.acked.iter().sum::<u64>())
                .sum::<u64>(),
            0
        );
        assert!(zone.state().packets.is_empty());
    }
}

/// An object that is rejected for a while: the agent keeps what it has, and is told what has become
/// of it once that can be said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_is_rejected_is_not_gone() {
    let dir = tempfile::tempdir().unwrap();
    let zone = Scripted::start().await;
    given(&zone, dir.path(), 9).await;
    let mut told = Vec::new();
    let rejected = [Some("rejected"); 2];
    let steps = [
        rejected,
        rejected,
        [None, Some("skipped")],
        [None, Some("skipped")],
    ];
    for (run, held) in steps.into_iter().enumerate() {
        let mut now = rows(9);
        (now[7].1, now[8].1) = (held[0], held[1]);
        let objects = write(dir.path(), &now);
        let desk = zone.desk_of(dir.path(), &objects, &format!("run-{}", run + 2));
        send(&desk, 1).await;
        let events = std::mem::take(&mut zone.state().packets);
        told.push(["Add", "Change", "Delete"].map(|action| objects_of(&events, action)));
        std::fs::remove_file(objects).unwrap();
    }
    let none: [Vec<String>; 3] = Default::default();
    assert_eq!([&told[0], &told[1], &told[3]], [&none; 3]);
    let [adds, changes, deletes] = &told[2];
    assert!(adds.is_empty(), "{adds:?}");
    assert!(
        changes.len() == 1 && changes[0].contains("<Size>7</Size>"),
        "whole: {changes:?}"
    );
    assert!(
        deletes.len() == 1 && deletes[0].contains(&ref_id(8)),
        "{deletes:?}"
    );
}

/// The run is stopped in the middle of its events; another staging follows; nothing is lost, and
/// nothing is told twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_were_cut_short_are_carried_on() {
    let dir = tempfile::tempdir().unwrap();
    let zone = Scripted::start().await;
    given(&zone, dir.path(), 20).await;
    let objects = write(dir.path(), &rows(60));
    zone.state().stop_at = Some(15);
    let desk = zone.desk_of(dir.path(), &objects, "run-2");
    let (told, result) = desk.events(&["Thing".to_owned()], &settings(1)).await;
    assert!(result.is_err() && told[0].pending > 0);
    zone.state().stop_at = None;
    zone.stop.send_replace(false);
    std::fs::remove_file(&objects).unwrap();
    // One of those that were told is gone again.
    let objects = write(dir.path(), &rows(59));
    let desk = zone.desk_of(dir.path(), &objects, "run-3");
    let told = send(&desk, 1).await;
    assert_eq!(told.len(), 2, "the first way to its end, then the second");
    let events = zone.state().packets.clone();
    let adds = objects_of(&events, "Add");
    assert_eq!(
        (adds.len(), adds.iter().collect::<BTreeSet<_>>().len()),
        (40, 40)
    );
    assert_eq!(objects_of(&events, "Delete").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_was_refused_is_due_again() {
    let dir = tempfile::tempdir().unwrap();
    let zone = Scripted::start().await;
    given(&zone, dir.path(), 10).await;
    let mut now = rows(10);
    now[4].0 = "Other".to_owned();
    let objects = write(dir.path(), &now);
    // Events have no number: 0.
    zone.state().script = vec![(0, Trouble::Refuse(9, 3))];
    let desk = zone.desk_of(dir.path(), &objects, "run-2");
    let told = send(&desk, 1).await;
    assert_eq!((told[0].acked, told[0].refused), ([0, 0, 0], 1));
    let results = dir.path().join("results.parquet");
    let (tally, _) = desk.shelves["Thing"]
        .settle(&results, Demand::None, None)
        .unwrap();
    let (reason, group) = tally.groups(Outcome::Failed).next().unwrap();
    assert_eq!((reason.as_str(), group.count), ("sif_9_3", 1));
    let desk = zone.desk_of(dir.path(), &objects, "run-3");
    let told = send(&desk, 1).await;
    assert_eq!(told[0].acked, [0, 1, 0]);
    let change = &objects_of(&zone.state().packets, "Change")[0];
    assert!(
        change.contains("<Size>4</Size>"),
        "all of it, as the agent may have either form"
    );
}

/// Two agents stand at different points: each is told its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_at_different_points_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let zone = Scripted::start().await;
    given(&zone, dir.path(), 10).await;
    let handovers = zone
        .desk(dir.path(), &write(dir.path(), &rows(12)))
        .handovers();
    let mut other = handovers.all().unwrap().remove(0);
    other.agent = "BUS".to_owned();
    handovers
        .set(other, &dir.path().join("Thing.parquet"))
        .unwrap();
    std::fs::remove_file(dir.path().join("Thing.parquet")).unwrap();
    let objects = write(dir.path(), &rows(13));
    let desk = zone.desk_of(dir.path(), &objects, "run-2");
    send(&desk, 1).await;
    let events = zone.state().packets.clone();
    let to = |agent: &str| {
        let to = format!("<SIF_DestinationId>{agent}</SIF_DestinationId>");
        events.iter().filter(|e| e.contains(&to)).count()
    };
    assert_eq!((to("LIB"), to("BUS"), events.len()), (3, 1, 4));
}
