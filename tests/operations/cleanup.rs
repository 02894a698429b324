//! The modes that a state's profile may offer: resync and cleanup.

use super::deletes::{deletes, district, results, student};
use crate::support::{District, Target};

const STUDENTS: usize = 30;
const MODES: &str = "[resync]\nmodes = [\"resync\", \"cleanup\"]";

fn loaded() -> (District, Target) {
    let (district, target) = (district(STUDENTS), Target::new(&[]));
    district.pipeline(MODES);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    (district, target)
}

/// A second sender of the same key: student 99, enrolled at the same school.
fn stranger(target: &Target) {
    let other = district(0);
    other.students(std::iter::once(student(99)));
    other.fullsync(&target.url(), &["run", "mini"]).expect(0);
}

#[test]
fn e27_a_mode_that_the_profile_does_not_have_is_explained() {
    let (district, target) = (district(1), Target::new(&[]));
    for mode in ["resync", "cleanup"] {
        let ran = district.fullsync(&target.url(), &["run", "mini", "--mode", mode]);
        let ran = ran.expect(2);
        assert!(
            ran.stderr.contains("does not offer --mode"),
            "{}",
            ran.stderr
        );
    }
    assert_eq!(target.count("schools"), 0);
}

#[test]
fn e25_resync_posts_all_and_forgets_what_the_target_does_not_have() {
    let (district, target) = loaded();
    // Gone from the SIS, and taken out of the target by somebody else.
    let other = [["studentSchoolAssociations"], ["students"]];
    for [resource] in other {
        delete_at(&target, resource, "U000001");
    }
    district.students((2..=STUDENTS).map(student));
    district
        .fullsync(&target.url(), &["run", "mini", "--mode", "resync"])
        .expect(0);
    for resource in ["students", "studentSchoolAssociations"] {
        assert_eq!(district.count(resource, "updated"), 29);
        assert_eq!(deletes(&district, resource, "already_gone"), 1);
    }
    // The ledger has forgotten it: it is not gone once more.
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(deletes(&district, "students", "due"), 0);
}

#[test]
fn e26_cleanup_deletes_what_the_sis_does_not_have_and_posts_nothing() {
    let (district, target) = loaded();
    stranger(&target);
    assert_eq!(target.count("students"), 31);
    // One is gone from the SIS, one has lost its enrollment at the target.
    district.students((2..=STUDENTS).map(student));
    delete_at(&target, "studentSchoolAssociations", "U000005");
    let args = ["run", "mini", "--mode", "cleanup"];
    let plan = ["run", "mini", "--mode", "cleanup", "--dry-run"];
    district.fullsync(&target.url(), &plan).expect(0);
    assert_eq!(target.count("students"), 31);
    district.fullsync(&target.url(), &args).expect(0);
    assert_eq!(target.count("students"), 29);
    assert_eq!(target.count("studentSchoolAssociations"), 28);
    for resource in ["students", "studentSchoolAssociations"] {
        assert_eq!(district.count(resource, "transformed"), 0);
        assert_eq!(deletes(&district, resource, "deleted"), 2);
    }
    let forgotten = results(&district, "studentSchoolAssociations");
    assert!(forgotten.iter().any(|(key, operation, outcome)| {
        key.contains("U000005") && operation == "forget" && outcome == "already_gone"
    }));
    // So the plain run sends it again.
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(district.count("studentSchoolAssociations", "created"), 1);
    assert_eq!(target.count("studentSchoolAssociations"), 29);
}

#[test]
fn e26_cleanup_is_refused_after_errors_of_the_extract() {
    let (district, target) = loaded();
    stranger(&target);
    let bad = student(1).replace("2010-01-02", "nonsense");
    district.students(std::iter::once(bad).chain((2..=STUDENTS).map(student)));
    let ran = district.fullsync(&target.url(), &["run", "mini", "--mode", "cleanup"]);
    let ran = ran.expect(1);
    assert!(ran.stdout.contains("is refused"), "{}", ran.stdout);
    assert_eq!(target.count("students"), 31);
}

#[test]
fn e26_cleanup_is_guarded() {
    let (district, target) = loaded();
    stranger(&target);
    district.students((16..=STUDENTS).map(student));
    let args = ["run", "mini", "--mode", "cleanup"];
    district.fullsync(&target.url(), &args).expect(1);
    assert_eq!(target.count("students"), 31);
    assert_eq!(deletes(&district, "students", "held"), 16);
    district
        .fullsync(&target.url(), &[&args[..], &["--yes"]].concat())
        .expect(0);
    assert_eq!(target.count("students"), 15);
}

#[test]
fn e26_a_person_who_is_not_visible_is_not_taken_for_missing() {
    let (district, target) = loaded();
    // As a target does that shows only associated persons: not listed, and 403 by id.
    delete_at(&target, "studentSchoolAssociations", "U000003");
    delete_at(&target, "students", "U000003");
    target.faults(&["403:method=GET,resource=students,after=2,always"]);
    let ran = district.fullsync(&target.url(), &["run", "mini", "--mode", "cleanup"]);
    ran.expect(0);
    assert_eq!(deletes(&district, "students", "already_gone"), 0);
    assert_eq!(deletes(&district, "students", "refused"), 1);
    // The association, which any key may see, is forgotten.
    assert_eq!(
        deletes(&district, "studentSchoolAssociations", "already_gone"),
        1
    );
}

/// Somebody else deletes a student's record.
fn delete_at(target: &Target, resource: &str, unique: &str) {
    let found = target.ask("GET", &format!("{resource}?studentUniqueId={unique}"));
    let id = found[0]["id"].as_str().unwrap();
    target.ask("DELETE", &format!("{resource}/{id}"));
}

#[test]
fn item_13_delete_takes_the_records_of_a_file() {
    let (district, target) = loaded();
    let line = |i: usize| {
        format!(
            "{{\"entryDate\":\"2025-08-18\",\"schoolReference\":{{\"schoolId\":255901001}},\
             \"studentReference\":{{\"studentUniqueId\":\"U{i:06}\"}}}}\n"
        )
    };
    let resource = "studentSchoolAssociations";
    district.write("wrong.ndjson", &[line(1), line(2), line(99)].concat());
    let args = ["delete", "mini", resource, "--from", "wrong.ndjson"];
    let shown = district.fullsync(&target.url(), &args).expect(0);
    assert!(
        shown.stdout.contains("3 would be deleted"),
        "{}",
        shown.stdout
    );
    assert_eq!(target.count(resource), 30);
    district
        .fullsync(&target.url(), &[&args[..], &["--yes"]].concat())
        .expect(0);
    assert_eq!(target.count(resource), 28);
    assert_eq!(deletes(&district, resource, "deleted"), 2);
    assert_eq!(deletes(&district, resource, "already_gone"), 1);
    // The ledger knows: the next run sends them again.
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(district.count(resource, "created"), 2);
    district.write("wrong.ndjson", "{\"entryDate\":\"2025-08-18\"}\nnonsense\n");
    let refused = district.fullsync(&target.url(), &args).expect(2);
    for said in ["wrong.ndjson:1: no key", "wrong.ndjson:2: no JSON"] {
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
}

#[test]
fn item_13_truncate_counts_first_and_empties_dependants_first() {
    let (district, target) = loaded();
    let args = ["truncate", "mini", "student*"];
    let shown = district.fullsync(&target.url(), &args).expect(0);
    assert!(
        shown.stdout.contains("nothing was deleted"),
        "{}",
        shown.stdout
    );
    assert_eq!(target.count("students"), 30);
    target.faults(&["503:method=DELETE,every=7,times=1,retry-after=0s"]);
    district
        .fullsync(&target.url(), &[&args[..], &["--yes"]].concat())
        .expect(0);
    for resource in ["students", "studentSchoolAssociations"] {
        assert_eq!(target.count(resource), 0);
        assert_eq!(deletes(&district, resource, "deleted"), 30);
    }
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(district.count("students", "created"), 30);
}
