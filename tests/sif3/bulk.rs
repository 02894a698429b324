//! Objects many at a time: creates, updates, deletes, and a verdict for each.

use fullsync::sandbox::Fault;

use super::Rest;

fn fault(text: &str) -> Vec<Fault> {
    vec![text.parse().expect("a fault")]
}

#[test]
fn item_7_objects_are_created_many_at_a_time_and_once() {
    let rest = Rest::new(40);
    rest.fullsync(&["run", "mini"]).expect(0);
    for object in ["StudentPersonal", "StudentSchoolEnrollment"] {
        assert_eq!(rest.provider().count(object), 40);
        assert_eq!(rest.tally(object, "created"), 40);
    }
    assert_eq!(rest.provider().count("SchoolInfo"), 1);
    // One request for each kind of object.
    assert_eq!(rest.provider().requests(), [3, 0, 0]);
    rest.fullsync(&["run", "mini"]).expect(0);
    assert_eq!(rest.tally("StudentPersonal", "unchanged"), 40);
    assert_eq!(rest.provider().requests(), [3, 0, 0]);
}

#[test]
fn item_7_batches_are_cut_by_count_and_by_bytes() {
    let rest = Rest::new(40);
    rest.pipeline("batch_objects = 7", "");
    rest.fullsync(&["run", "mini"]).expect(0);
    assert_eq!(rest.provider().requests(), [1 + 6 + 6, 0, 0]);
    let rest = Rest::new(40);
    rest.pipeline("batch_bytes = 1024\ngzip = true", "");
    rest.fullsync(&["run", "mini"]).expect(0);
    let [creates, ..] = rest.provider().requests();
    assert!(creates > 13, "{creates} requests");
    assert_eq!(rest.provider().count("StudentPersonal"), 40);
}

#[test]
fn item_7_requests_shrink_when_the_provider_calls_them_too_large() {
    let rest = Rest::with(40, |options| options.objects = 6);
    rest.fullsync(&["run", "mini"]).expect(0);
    assert_eq!(rest.tally("StudentPersonal", "created"), 40);
    assert_eq!(rest.provider().count("StudentSchoolEnrollment"), 40);
}

#[test]
fn item_7_requests_settle_near_a_limit_in_bytes() {
    let rest = Rest::with(1500, |options| options.bytes = 24 << 10);
    rest.fullsync(&["run", "mini", "--set", "load.concurrency_max=1"])
        .expect(0);
    let bytes = |object: &str| -> usize {
        let all = rest.provider().objects(object).into_iter();
        all.map(|(_, xml)| xml.len()).sum()
    };
    let whole = bytes("StudentPersonal") + bytes("StudentSchoolEnrollment");
    let fewest = (whole / (24 << 10)) as u64;
    let [creates, ..] = rest.provider().requests();
    // Refused ones, and those that the limit was found with, are among them.
    assert!(
        creates <= fewest * 13 / 10 + 12,
        "{creates} requests, {fewest} would do"
    );
    assert_eq!(rest.tally("StudentSchoolEnrollment", "created"), 1500);
}

#[test]
fn item_7_requests_grow_again_after_a_shortage() {
    let rest = Rest::new(2000);
    rest.pipeline("batch_objects = 80", "");
    rest.provider().set_faults(fault("413:after=1,limit=4"));
    rest.fullsync(&["run", "mini", "--set", "load.concurrency_max=1"])
        .expect(0);
    let [creates, ..] = rest.provider().requests();
    // Of five objects each, as the provider wanted for a moment, they would be hundreds.
    assert!(creates < 130, "{creates} requests, 51 would do");
    assert_eq!(rest.provider().count("StudentPersonal"), 2000);
}

#[test]
fn item_7_a_change_is_an_update_and_what_is_gone_is_deleted() {
    let rest = Rest::new(3);
    rest.fullsync(&["run", "mini"]).expect(0);
    rest.students(&["1,First1,Changed,1", "2,First2,Last2,1", "4,First4,Last4,1"]);
    rest.fullsync(&["plan", "mini"]).expect(0);
    assert_eq!(
        rest.provider().requests(),
        [3, 0, 0],
        "a plan sends nothing"
    );
    rest.fullsync(&["run", "mini"]).expect(0);
    assert_eq!(rest.tally("StudentPersonal", "created"), 1);
    assert_eq!(rest.tally("StudentPersonal", "updated"), 1);
    assert_eq!(rest.tally("StudentPersonal", "unchanged"), 1);
    assert_eq!(rest.tally("StudentPersonal", "deleted"), 1);
    assert_eq!(rest.tally("StudentSchoolEnrollment", "deleted"), 1);
    assert_eq!(rest.provider().count("StudentPersonal"), 3);
    let all = rest.provider().objects("StudentPersonal");
    let whole: String = all.into_iter().map(|(_, xml)| xml).collect();
    assert!(whole.contains("<LastName>Changed</LastName>"), "{whole}");
    assert!(!whole.contains("Last3"), "{whole}");
    // Creates of a student and an enrollment, one update, two deletes.
    assert_eq!(rest.provider().requests(), [5, 1, 2]);
}

#[test]
fn item_7_conflicts_become_updates_when_the_ledger_is_lost() {
    let rest = Rest::new(5);
    rest.fullsync(&["run", "mini"]).expect(0);
    std::fs::remove_dir_all(rest.path("state/mini/ledger")).expect("a ledger");
    rest.students(&[
        "1,First1,Changed,1",
        "2,First2,Last2,1",
        "3,First3,Last3,1",
        "4,First4,Last4,1",
        "5,First5,Last5,1",
        "6,First6,Last6,1",
    ]);
    rest.fullsync(&["run", "mini"]).expect(0);
    assert_eq!(rest.tally("StudentPersonal", "updated"), 5);
    assert_eq!(rest.tally("StudentPersonal", "created"), 1);
    assert_eq!(rest.tally("StudentPersonal", "failed"), 0);
    // One create and one update for each kind: the conflicts go together.
    assert_eq!(rest.provider().requests(), [6, 3, 0]);
    let all = rest.provider().objects("StudentPersonal");
    assert!(all.iter().any(|(_, xml)| xml.contains("Changed")));
    rest.fullsync(&["run", "mini"]).expect(0);
    assert_eq!(rest.tally("StudentPersonal", "unchanged"), 6);
}

#[test]
fn item_7_an_update_of_what_the_provider_has_lost_becomes_a_create() {
    let rest = Rest::new(2);
    rest.fullsync(&["run", "mini"]).expect(0);
    // Somebody else has emptied the provider.
    rest.provider().forget("StudentPersonal").expect("a state");
    rest.students(&["1,First1,Changed,1", "2,First2,Last2,1"]);
    let stopped = rest.fullsync(&["run", "mini"]).expect(2);
    assert!(
        stopped.stderr.contains("StudentPersonal"),
        "{}",
        stopped.stderr
    );
    rest.fullsync(&["run", "mini", "--resend-all"]).expect(0);
    let all = rest.provider().objects("StudentPersonal");
    assert!(
        all.iter().any(|(_, xml)| xml.contains("Changed")),
        "{all:?}"
    );
    assert_eq!(rest.tally("StudentPersonal", "created"), 2);
    assert_eq!(rest.tally("StudentSchoolEnrollment", "updated"), 2);
}

#[test]
fn item_7_an_object_without_a_status_is_an_error_and_stays_due() {
    let rest = Rest::with(9, |options| options.omit = 4);
    rest.fullsync(&["run", "mini"]).expect(1);
    let failed = rest.tally("StudentPersonal", "failed");
    assert!(failed >= 2, "{failed} have failed");
    assert_eq!(rest.tally("StudentPersonal", "created"), 9 - failed);
    assert!(rest.report().contains("no_status"), "{}", rest.report());
    // It is at the provider all the same: the next run finds it there, and updates it.
    assert_eq!(rest.provider().count("StudentPersonal"), 9);
    rest.fullsync(&["run", "mini"]);
    let sent = rest.tally("StudentPersonal", "updated") + rest.tally("StudentPersonal", "failed");
    assert_eq!(sent, failed);
    let shown = rest.fullsync(&["errors", "mini"]);
    assert!(
        shown.stdout.contains("no_status") || failed == 0,
        "{}",
        shown.stdout
    );
}

#[test]
fn item_7_a_refused_object_does_not_spoil_the_others() {
    let rest = Rest::new(0);
    // The second student's school is not sent.
    rest.students(&["1,First1,Last1,1", "2,First2,Last2,9", "3,First3,Last3,1"]);
    rest.fullsync(&["run", "mini"]).expect(1);
    assert_eq!(rest.tally("StudentSchoolEnrollment", "created"), 2);
    assert_eq!(rest.tally("StudentSchoolEnrollment", "failed"), 1);
    assert!(
        rest.report().contains("invalid_object"),
        "{}",
        rest.report()
    );
    assert_eq!(rest.provider().count("StudentSchoolEnrollment"), 2);
}

#[test]
fn item_7_what_refers_to_a_rejected_object_is_held_back() {
    let rest = Rest::new(0);
    rest.students(&["1,First1,Last1,1", "2,First2,,1"]);
    rest.fullsync(&["run", "mini"]).expect(1);
    assert_eq!(rest.tally("StudentPersonal", "rejected"), 1);
    assert_eq!(rest.tally("StudentSchoolEnrollment", "blocked"), 1);
    assert_eq!(rest.tally("StudentSchoolEnrollment", "created"), 1);
}

#[test]
fn item_7_a_lost_answer_loses_and_doubles_nothing() {
    let rest = Rest::new(6);
    rest.provider()
        .set_faults(fault("reset-after-commit:every=2"));
    rest.fullsync(&["run", "mini"]).expect(0);
    assert_eq!(rest.provider().count("StudentPersonal"), 6);
    let settled =
        rest.tally("StudentPersonal", "created") + rest.tally("StudentPersonal", "updated");
    assert_eq!(settled, 6);
}

#[test]
fn item_7_a_busy_provider_is_asked_again() {
    let rest = Rest::new(6);
    rest.provider().set_faults(fault("503:every=2"));
    rest.fullsync(&["run", "mini"]).expect(0);
    assert_eq!(rest.provider().count("StudentSchoolEnrollment"), 6);
}

#[test]
fn item_7_counts_are_verified() {
    for no_head in [false, true] {
        let rest = Rest::with(4, |options| options.no_head = no_head);
        rest.fullsync(&["run", "mini"]).expect(0);
        let counted = rest.fullsync(&["count", "mini"]).expect(0);
        assert!(
            counted
                .stdout
                .lines()
                .any(|line| line.starts_with("StudentPersonal ") && line.ends_with(" 4")),
            "{}",
            counted.stdout
        );
        let verified = rest.fullsync(&["verify", "mini"]).expect(0);
        assert!(
            verified.stdout.contains("every count agrees"),
            "{}",
            verified.stdout
        );
        rest.provider().forget("StudentPersonal").expect("a state");
        let verified = rest.fullsync(&["verify", "mini"]).expect(1);
        assert!(
            verified.stdout.contains("counts differ"),
            "{}",
            verified.stdout
        );
    }
}
