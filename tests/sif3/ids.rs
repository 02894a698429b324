//! Providers that give objects ids of their own.

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
