use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::lease::{alive_file, lease_file};
use super::*;
use crate::object::KeyHash;

fn request(folder: &Path, resources: &[&str], schools: Option<&[i64]>) -> Request {
    Request {
        folder: folder.join("locks"),
        configuration: "mini".into(),
        verb: "run".into(),
        pairs: Pairs {
            resources: resources.iter().map(ToString::to_string).collect(),
            schools: schools.map(|s| s.iter().copied().collect()),
        },
    }
}

async fn get(request: &Request, wait: Wait) -> Result<Held, LockError> {
    claim(request, wait, watch::channel(false).1).await
}

#[tokio::test]
async fn overlapping_claims_exclude_each_other_and_disjoint_ones_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let one = request(dir.path(), &["students", "sections"], Some(&[1, 2]));
    let mut held = get(&one, Wait::No).await.unwrap();
    held.named("2026-11-22T051022Z-7f3a").unwrap();
    let two = request(dir.path(), &["students"], Some(&[2, 3]));
    let error = get(&two, Wait::No).await.unwrap_err().to_string();
    assert!(error.contains("run 2026-11-22T051022Z-7f3a"), "{error}");
    assert!(error.contains("students of school 2"), "{error}");
    assert!(
        error.contains(&format!("pid {}", std::process::id())),
        "{error}"
    );
    let other_school = get(&request(dir.path(), &["students"], Some(&[3])), Wait::No).await;
    let other_resource = get(&request(dir.path(), &["staffs"], None), Wait::No).await;
    assert!(other_school.is_ok() && other_resource.is_ok());
    assert!(
        get(&request(dir.path(), &["students"], None), Wait::No)
            .await
            .is_err()
    );
    assert_eq!(leases(&one.folder).unwrap().len(), 3);
    drop(held);
    drop(other_school);
    assert!(get(&two, Wait::No).await.is_ok());
}

#[tokio::test]
async fn a_waiting_claim_gets_what_is_released_and_holds_nothing_until_then() {
    let dir = tempfile::tempdir().unwrap();
    let first = get(&request(dir.path(), &["students"], None), Wait::No)
        .await
        .unwrap();
    let both = request(dir.path(), &["students", "staffs"], None);
    let waiting = tokio::spawn({
        let both = both.clone();
        async move {
            get(&both, Wait::UpTo(Duration::from_secs(20)))
                .await
                .map(drop)
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    // All or nothing: what is free is not taken meanwhile.
    let staffs = get(&request(dir.path(), &["staffs"], None), Wait::No).await;
    drop(staffs.unwrap());
    drop(first);
    waiting.await.unwrap().unwrap();
    let first = get(&both, Wait::No).await.unwrap();
    let error = get(&both, Wait::UpTo(Duration::from_millis(1)))
        .await
        .unwrap_err();
    assert!(
        error.to_string().starts_with("still locked after"),
        "{error}"
    );
    let (stop, stopped) = watch::channel(false);
    stop.send_replace(true);
    let error = claim(&both, Wait::Forever, stopped).await.unwrap_err();
    assert!(matches!(error, LockError::Stopped));
    drop(first);
}

/// A lease as another machine would have left it, its heartbeat so long ago.
fn of_another_machine(request: &Request, held: Held, beat: Duration) {
    let mut lease = held.lease().clone();
    drop(held);
    lease.process.host = "elsewhere".into();
    lease.process.machine = Some("another boot".into());
    let text = serde_json::to_vec(&lease).unwrap();
    std::fs::write(lease_file(&request.folder, lease.id), text).unwrap();
    let alive = std::fs::File::create(alive_file(&request.folder, lease.id)).unwrap();
    alive.set_modified(SystemTime::now() - beat).unwrap();
}

#[tokio::test]
async fn another_machines_lock_is_honoured_until_its_heartbeat_is_old() {
    let dir = tempfile::tempdir().unwrap();
    let asked = request(dir.path(), &["students"], None);
    let held = get(&asked, Wait::No).await.unwrap();
    of_another_machine(&asked, held, STALE / 2);
    let error = get(&asked, Wait::No).await.unwrap_err().to_string();
    assert!(error.contains("on elsewhere"), "{error}");
    let (lease, lives) = leases(&asked.folder).unwrap().remove(0);
    assert!(lives);
    let alive = alive_file(&asked.folder, lease.id);
    let alive = std::fs::OpenOptions::new().write(true).open(alive).unwrap();
    alive.set_modified(SystemTime::now() - STALE * 2).unwrap();
    assert!(get(&asked, Wait::No).await.is_ok(), "taken over");
}

#[tokio::test]
async fn who_loses_its_lock_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let asked = request(dir.path(), &["students"], None);
    let held = get(&asked, Wait::No).await.unwrap();
    let (_outside, outside) = watch::channel(false);
    let mut cancel = held.cancel(&outside);
    assert!(!*cancel.borrow());
    std::fs::remove_file(lease_file(&asked.folder, held.lease().id)).unwrap();
    cancel.wait_for(|on| *on).await.unwrap();
}

#[tokio::test]
async fn the_first_to_claim_an_object_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let a = get(&request(dir.path(), &["students"], Some(&[1])), Wait::No)
        .await
        .unwrap();
    let b = get(&request(dir.path(), &["students"], Some(&[2])), Wait::No)
        .await
        .unwrap();
    let ours = a.objects().unwrap().resource("students");
    let theirs = b.objects().unwrap().resource("students");
    let none = HashMap::new();
    let keys = |range: std::ops::Range<u128>| -> Vec<KeyHash> { range.map(KeyHash).collect() };
    assert_eq!(ours.claim(&keys(1..4), &none).unwrap(), [None; 3]);
    let (of_a, of_b) = (Some(a.lease().id), Some(b.lease().id));
    assert_eq!(theirs.claim(&keys(3..5), &none).unwrap(), [of_a, None]);
    // What is ours stays ours, and the other's is seen.
    assert_eq!(ours.claim(&keys(3..6), &none).unwrap(), [None, of_b, None]);
    let holders = [a.lease().id, b.lease().id];
    assert!(theirs.ended(&holders).unwrap().is_empty());
    ours.end().unwrap();
    assert_eq!(theirs.ended(&holders).unwrap(), [a.lease().id]);
    // A torn record, as a killed writer leaves it.
    let path = dir.path().join("locks/objects/students.claims");
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    std::io::Write::write_all(&mut file, &[7; 11]).unwrap();
    let over = HashMap::from([(KeyHash(3), a.lease().id)]);
    assert_eq!(theirs.claim(&keys(3..4), &over).unwrap(), [None]);
    assert_eq!(ours.claim(&keys(3..4), &none).unwrap(), [of_b]);
    drop(a);
    assert_eq!(
        theirs.claim(&keys(1..2), &none).unwrap(),
        [of_a],
        "who waits must look"
    );
    drop(b);
    assert!(
        !dir.path().join("locks/objects").exists(),
        "the last one sweeps"
    );
}
