//! Providers that give objects ids of their own.

use fullsync::sandbox::Fault;

use super::Rest;

#[test]
fn item_7_ids_that_the_provider_assigns_are_kept_and_references_follow_them() {
    let rest = Rest::new(3);
    rest.pipeline("must_use_advisory = false", "");
    rest.fullsync(&["run", "mini"]).expect(0);
    let students = rest.provider().objects("StudentPersonal");
    assert_eq!(students.len(), 3);
    let enrollments = rest.provider().objects("StudentSchoolEnrollment");
    // The sandbox gives ids without dashes, in upper case; it checks that what is referred to is
    // there.
    for (id, _) in &students {
        assert!(!id.contains('-'), "{id}");
        assert!(
            enrollments.iter().any(|(_, xml)| xml.contains(id.as_str())),
            "{id} in {enrollments:?}"
        );
    }
    // The next run knows them from the ledger.
    rest.students(&["1,First1,Changed,1", "3,First3,Last3,1", "4,First4,Last4,1"]);
    rest.fullsync(&["run", "mini"]).expect(0);
    assert_eq!(rest.tally("StudentPersonal", "updated"), 1);
    assert_eq!(rest.tally("StudentPersonal", "created"), 1);
    assert_eq!(rest.tally("StudentPersonal", "deleted"), 1);
    let after = rest.provider().objects("StudentPersonal");
    assert_eq!(after.len(), 3);
    let changed = after.iter().find(|(_, xml)| xml.contains("Changed"));
    let (id, xml) = changed.expect("the changed student");
    assert!(students.iter().any(|(before, _)| before == id), "{id}");
    assert!(xml.contains(id.as_str()), "{xml}");
    rest.fullsync(&["run", "mini"]).expect(0);
    assert_eq!(rest.tally("StudentPersonal", "unchanged"), 3);
}

/// A district at a provider that assigns ids.
fn assigning(students: usize, change: impl FnOnce(&mut fullsync::sandbox::sif3::Options)) -> Rest {
    let rest = Rest::with(students, change);
    rest.pipeline("must_use_advisory = false", "");
    rest
}

fn faults(rest: &Rest, text: &str) {
    let fault: Fault = text.parse().expect("a fault");
    rest.provider().set_faults(vec![fault]);
}

#[test]
fn item_7_a_create_whose_answer_is_lost_is_looked_up_and_not_made_twice() {
    for fault in ["reset-after-commit", "truncated"] {
        let rest = assigning(6, |_| {});
        faults(&rest, fault);
        rest.fullsync(&["run", "mini"]).expect(0);
        for object in ["SchoolInfo", "StudentPersonal", "StudentSchoolEnrollment"] {
            let wanted = if object == "SchoolInfo" { 1 } else { 6 };
            assert_eq!(rest.provider().count(object), wanted, "{fault}: {object}");
            assert_eq!(rest.tally(object, "updated"), wanted, "{fault}: {object}");
        }
        // The ids that were found are kept.
        rest.provider().set_faults(Vec::new());
        rest.students(&["1,First1,Changed,1", "2,First2,Last2,1"]);
        rest.fullsync(&["run", "mini"]).expect(0);
        assert_eq!(rest.tally("StudentPersonal", "updated"), 1);
        assert_eq!(rest.tally("StudentPersonal", "deleted"), 4);
        assert_eq!(rest.provider().count("StudentPersonal"), 2);
    }
}

#[test]
fn item_7_what_the_provider_has_not_taken_is_created_after_a_look() {
    let rest = assigning(6, |_| {});
    faults(&rest, "reset");
    rest.fullsync(&["run", "mini"]).expect(0);
    assert_eq!(rest.tally("StudentPersonal", "created"), 6);
    assert_eq!(rest.provider().count("StudentPersonal"), 6);
}

#[test]
fn item_7_what_cannot_be_looked_up_is_told_and_not_made_twice() {
    let rest = assigning(4, |options| options.no_example = true);
    faults(&rest, "reset-after-commit:resource=StudentPersonals");
    rest.fullsync(&["run", "mini"]).expect(1);
    assert_eq!(rest.tally("StudentPersonal", "failed"), 4);
    assert!(rest.report().contains("in_doubt"), "{}", rest.report());
    assert_eq!(rest.provider().count("StudentPersonal"), 4);
    // Nor in the next run, which knows of it from the ledger.
    rest.provider().set_faults(Vec::new());
    rest.fullsync(&["run", "mini"]).expect(1);
    assert_eq!(rest.tally("StudentPersonal", "failed"), 4);
    assert_eq!(rest.provider().count("StudentPersonal"), 4);
    // Somebody has looked, and taken them away.
    rest.provider().forget("StudentPersonal").expect("a state");
    rest.pipeline("must_use_advisory = false\nlook_up = false", "");
    rest.fullsync(&["run", "mini"]).expect(0);
    assert_eq!(rest.tally("StudentPersonal", "created"), 4);
}

#[test]
fn item_7_a_status_that_was_left_out_makes_no_second_object() {
    let rest = assigning(9, |options| options.omit = 4);
    rest.fullsync(&["run", "mini"]).expect(1);
    assert!(rest.tally("StudentPersonal", "failed") > 0);
    rest.fullsync(&["run", "mini"]);
    rest.fullsync(&["run", "mini"]);
    assert_eq!(rest.provider().count("StudentPersonal"), 9);
}

#[test]
fn item_7_creates_after_a_killed_run_make_no_second_object() {
    let rest = assigning(5, |_| {});
    rest.fullsync(&["run", "mini"]).expect(0);
    // As a run leaves things that is killed before it has read an answer.
    std::fs::remove_dir_all(rest.path("state/mini/ledger")).expect("a ledger");
    let manifest = rest.path("state/mini/runs/latest/manifest.json");
    let text = std::fs::read_to_string(&manifest).expect("a manifest");
    assert!(text.contains("\"state\": \"done\""), "{text}");
    std::fs::write(&manifest, text.replace("\"done\"", "\"running\"")).expect("a file");
    rest.students(&[
        "1,First1,Last1,1",
        "2,First2,Last2,1",
        "3,First3,Last3,1",
        "4,First4,Last4,1",
        "5,First5,Last5,1",
        "6,First6,Last6,1",
    ]);
    rest.fullsync(&["run", "mini"]).expect(0);
    assert_eq!(rest.tally("StudentPersonal", "updated"), 5);
    assert_eq!(rest.tally("StudentPersonal", "created"), 1);
    assert_eq!(rest.provider().count("StudentPersonal"), 6);
    assert_eq!(rest.provider().count("StudentSchoolEnrollment"), 6);
}
