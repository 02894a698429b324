//! Faults, refusals, kills: nothing is lost, nothing comes twice.

use std::collections::BTreeSet;

use super::objects::{rows, write};
use super::script::{Scripted, Trouble};
use crate::object::Outcome;
use crate::sif::{Demand, Journal, SyncError, ZoneError};

/// RefIds of all objects in the packets, in order.
fn ref_ids(packets: &[String]) -> Vec<String> {
    let all = packets
        .iter()
        .flat_map(|p| p.split("<Thing RefId=\"").skip(1));
    all.map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passing_faults_are_tried_again() {
    for repeats in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let objects = write(dir.path(), &rows(400));
        let zone = Scripted::start().await;
        zone.state().tells_repeats = repeats;
        zone.state().script = vec![
            (1, Trouble::Asleep),
            (2, Trouble::Lost),
            (3, Trouble::Busy),
            (4, Trouble::Fatal),
            (5, Trouble::Refuse(10, 4)),
            (6, Trouble::Refuse(11, 1)),
        ];
        zone.ask_all("R1", 4096);
        let desk = zone.desk(dir.path(), &objects);
        zone.sync(&desk).await.unwrap();
        let ids = ref_ids(&zone.state().packets);
        assert_eq!(ids.len(), 400, "repeats: {repeats}");
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 400);
        assert_eq!(desk.answered()[0].undelivered(), 0);
        assert_eq!(desk.handovers().all().unwrap().len(), 1);
        assert!(Journal::all(&desk.requests()).unwrap().is_empty());
    }
}

/// A process is killed at any packet, before or after its acknowledgement was noted; the next one
/// goes on from the objects of the first, though its own are others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_packet_resumes() {
    let mut whole = None;
    for stop_at in 1..12 {
        let dir = tempfile::tempdir().unwrap();
        let objects = write(dir.path(), &rows(200));
        let zone = Scripted::start().await;
        zone.ask_all("R1", 4096);
        zone.state().stop_at = Some(stop_at);
        let desk = zone.desk(dir.path(), &objects);
        zone.sync(&desk).await.unwrap();
        let requests = desk.requests();
        let complete = zone.state().taken == ["R1"];
        if !complete {
            // As if it were killed: the acknowledgement of the last packet is not noted.
            let file = requests.join("R1/packets.jsonl");
            let text = std::fs::read_to_string(&file).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            let kept = lines.iter().rposition(|l| l.contains("acked")).unwrap();
            let unsure = stop_at % 2 == 0;
            let kept = if unsure { kept } else { kept + 1 };
            std::fs::write(&file, lines[..kept].join("\n") + "\n").unwrap();
        }
        drop(desk);
        zone.stop.send_replace(false);
        zone.state().stop_at = None;
        // The next run stages the same objects in another order, and one is gone.
        std::fs::remove_file(&objects).unwrap();
        let other = dir.path().join("other");
        std::fs::create_dir(&other).unwrap();
        let objects = write(&other, &rows(199));
        let desk = zone.desk_of(dir.path(), &objects, "run-2");
        zone.sync(&desk).await.unwrap();
        let ids = ref_ids(&zone.state().packets);
        assert_eq!(ids.len(), 200, "killed at packet {stop_at}");
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 200);
        let whole = whole.get_or_insert_with(|| ids.clone());
        assert_eq!(ids, *whole);
        assert_eq!(zone.state().taken, ["R1"]);
        let handover = &desk.handovers().all().unwrap()[0];
        assert_eq!(
            handover.run, "run-1",
            "what the agent has is of the first run"
        );
        if !complete {
            let results = dir.path().join("Thing-results.parquet");
            let (tally, _) = desk.shelves["Thing"]
                .settle(&results, Demand::Asked, None)
                .unwrap();
            assert_eq!(tally.of(Outcome::Created), 199);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_that_stands_ends_the_answer_and_names_its_objects() {
    let dir = tempfile::tempdir().unwrap();
    let objects = write(dir.path(), &rows(200));
    let zone = Scripted::start().await;
    zone.state().script = vec![(3, Trouble::Refuse(8, 11))];
    zone.ask_all("R1", 4096);
    let desk = zone.desk(dir.path(), &objects);
    zone.sync(&desk).await.unwrap();
    let state = zone.state();
    assert_eq!(
        state.packets.len(),
        3,
        "two packets, and one that says that no more will come"
    );
    assert!(state.packets[2].contains("<SIF_MorePackets>No</SIF_MorePackets><SIF_Error>"));
    let delivered = ref_ids(&state.packets).len() as u64;
    let answered = &desk.answered()[0];
    assert_eq!(
        (answered.delivered, answered.undelivered()),
        (delivered, 200 - delivered)
    );
    let results = dir.path().join("results.parquet");
    let (tally, _) = desk.shelves["Thing"]
        .settle(&results, Demand::Asked, None)
        .unwrap();
    assert_eq!(tally.of(Outcome::Failed), 200 - delivered);
    let (reason, group) = tally.groups(Outcome::Failed).next().unwrap();
    assert_eq!(
        (reason.as_str(), group.count),
        ("sif_8_11", 200 - delivered)
    );
    assert!(desk.handovers().all().unwrap().is_empty());
    assert_eq!(state.taken, ["R1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_larger_than_the_buffer_is_told_and_the_rest_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut all = rows(100);
    all[3].0 = "x".repeat(5000);
    all[50].0 = "x".repeat(5000);
    let objects = write(dir.path(), &all);
    let zone = Scripted::start().await;
    zone.ask_all("R1", 4096);
    let desk = zone.desk(dir.path(), &objects);
    zone.sync(&desk).await.unwrap();
    assert_eq!(ref_ids(&zone.state().packets).len(), 98);
    let answered = &desk.answered()[0];
    assert_eq!((answered.too_large, answered.undelivered()), (2, 0));
    let results = dir.path().join("results.parquet");
    let (tally, _) = desk.shelves["Thing"]
        .settle(&results, Demand::Asked, None)
        .unwrap();
    let (reason, group) = tally.groups(Outcome::Rejected).next().unwrap();
    assert_eq!((reason.as_str(), group.count), ("too_large_for_buffer", 2));
    assert_eq!(desk.handovers().all().unwrap()[0].except.without.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zone_that_is_lost_leaves_the_answer_to_the_next_run() {
    let dir = tempfile::tempdir().unwrap();
    let objects = write(dir.path(), &rows(200));
    let zone = Scripted::start().await;
    zone.state().script = (0..20).map(|_| (3, Trouble::Busy)).collect();
    zone.ask_all("R1", 4096);
    let desk = zone.desk(dir.path(), &objects);
    let lost = zone.sync(&desk).await.unwrap_err();
    assert!(matches!(
        lost,
        SyncError::Zone(ZoneError::Unanswered { tries: 5, .. })
    ));
    let results = dir.path().join("results.parquet");
    let (tally, _) = desk.shelves["Thing"]
        .settle(&results, Demand::Asked, None)
        .unwrap();
    assert!(tally.of(Outcome::Pending) > 0);
    tally.check("Thing", 200).unwrap();
    zone.state().script.clear();
    let desk = zone.desk(dir.path(), &objects);
    zone.sync(&desk).await.unwrap();
    assert_eq!(ref_ids(&zone.state().packets).len(), 200);
    let (tally, _) = desk.shelves["Thing"]
        .settle(&results, Demand::Asked, None)
        .unwrap();
    assert_eq!(tally.of(Outcome::Created), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_can_be_cancelled() {
    let dir = tempfile::tempdir().unwrap();
    let objects = write(dir.path(), &rows(400));
    let zone = Scripted::start().await;
    zone.ask_all("R1", 4096);
    let desk = zone.desk(dir.path(), &objects);
    let request = crate::sif::Received::read(zone.state().queue[0].1.as_bytes()).unwrap();
    let crate::sif::Reply::Answer(job) = desk.receive(request).unwrap() else {
        panic!("a request is answered");
    };
    let cancel = "<SIF_Message><SIF_SystemControl><SIF_Header><SIF_MsgId>C</SIF_MsgId>\
        <SIF_SourceId>Z</SIF_SourceId></SIF_Header><SIF_SystemControlData><SIF_CancelRequests>\
        <SIF_NotificationType>Standard</SIF_NotificationType><SIF_RequestMsgIds><SIF_RequestMsgId>\
        R1</SIF_RequestMsgId></SIF_RequestMsgIds></SIF_CancelRequests></SIF_SystemControlData>\
        </SIF_SystemControl></SIF_Message>";
    let cancel = crate::sif::Received::read(cancel.as_bytes()).unwrap();
    assert!(matches!(
        desk.receive(cancel).unwrap(),
        crate::sif::Reply::Taken
    ));
    std::sync::Arc::clone(&desk)
        .answer(*job, true)
        .await
        .unwrap();
    let state = zone.state();
    assert_eq!(state.packets.len(), 1);
    assert!(state.packets[0].contains("<SIF_Category>8</SIF_Category><SIF_Code>18</SIF_Code>"));
    assert_eq!(desk.answered()[0].ended.as_deref(), Some("cancelled"));
}
