//! What a process that was killed finds again.

use super::*;
use crate::sif::packet::Packed;
use crate::sif::query::Query;

fn asked() -> Asked {
    Asked {
        msg_id: "A".repeat(32),
        agent: "LIB".to_owned(),
        request: Request {
            versions: vec!["2.*".to_owned()],
            max_buffer: 4096,
            query: Query {
                object: "StudentPersonal".to_owned(),
                elements: Vec::new(),
                group: None,
            },
        },
        version: "2.7".to_owned(),
        context: "SIF_Default".to_owned(),
        run: "run-1".to_owned(),
        at: DateTime::UNIX_EPOCH,
    }
}

fn packet(number: u64, more: bool) -> Packet {
    Packet {
        packed: Packed {
            number,
            msg_id: format!("M{number}"),
            bytes: vec![0; 100],
            objects: 10,
            ref_ids: Some(("first".to_owned(), "last".to_owned())),
            more,
        },
        from: (number - 1) * 10,
        next: number * 10,
        rows: ((number - 1) * 10..number * 10).collect(),
    }
}

#[test]
fn a_killed_answer_goes_on_with_the_packet_that_is_unsure() {
    let dir = tempfile::tempdir().unwrap();
    let objects = dir.path().join("objects.parquet");
    std::fs::write(&objects, b"rows").unwrap();
    let requests = dir.path().join("requests");
    let mut journal = Journal::create(&requests, asked(), Some(&objects)).unwrap();
    journal.sending(&packet(1, true)).unwrap();
    journal
        .add(&Line::Acked {
            number: 1,
            status: 0,
        })
        .unwrap();
    let large = |row| Line::TooLarge {
        row,
        ref_id: "X".to_owned(),
        bytes: 9999,
    };
    journal.add(&large(5)).unwrap();
    journal.add(&large(12)).unwrap();
    journal.sending(&packet(2, true)).unwrap();
    drop(journal);
    // A line that was cut off.
    let file = requests.join("A".repeat(32)).join("packets.jsonl");
    let mut torn = std::fs::OpenOptions::new()
        .append(true)
        .open(&file)
        .unwrap();
    torn.write_all(b"{\"acked\":{\"num").unwrap();
    // The staging may be made again, or pruned.
    std::fs::remove_file(&objects).unwrap();

    let (mut journal, far) = Journal::open(&requests, &"A".repeat(32)).unwrap().unwrap();
    assert_eq!(journal.asked, asked());
    assert_eq!(
        (far.packets, far.objects, far.bytes, far.row),
        (1, 10, 100, 10)
    );
    assert_eq!(far.unsure.as_deref(), Some("M2"));
    assert_eq!(
        far.too_large,
        [(5, "X".to_owned())],
        "row 12 is found again"
    );
    assert!(!far.complete);
    assert_eq!(std::fs::read(journal.objects()).unwrap(), b"rows");

    journal.sending(&packet(2, false)).unwrap();
    journal
        .add(&Line::Acked {
            number: 2,
            status: 7,
        })
        .unwrap();
    drop(journal);
    let (journal, far) = Journal::open(&requests, &"A".repeat(32)).unwrap().unwrap();
    assert!(far.complete && far.unsure.is_none() && !far.closed);
    assert_eq!(far.next(), 3);
    assert_eq!(Journal::all(&requests).unwrap(), ["A".repeat(32)]);
    journal.remove().unwrap();
    assert!(Journal::all(&requests).unwrap().is_empty());
}

#[test]
fn an_id_from_outside_cannot_leave_the_folder() {
    let requests = Path::new("requests");
    assert_eq!(folder(requests, "../../etc"), requests.join("______etc"));
    assert_eq!(folder(requests, ""), requests.join("_"));
}

#[cfg(unix)]
#[test]
fn journals_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let requests = dir.path().join("requests");
    let journal = Journal::create(&requests, asked(), None).unwrap();
    for file in ["request.json", "packets.jsonl"] {
        let mode = std::fs::metadata(journal.folder.join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{file}");
    }
}
