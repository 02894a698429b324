//! Ed-Fi ids added and changed, combined persons, keys that change.

use std::collections::BTreeSet;
use std::time::Duration;

use super::deletes::{deletes, district, results, student};
use crate::support::{District, Ran, Target};

const STUDENTS: usize = 30;

fn run(district: &District, target: &Target) -> Ran {
    district.fullsync(&target.url(), &["run", "mini"])
}

fn ids(target: &Target, resource: &str) -> BTreeSet<String> {
    let bodies = target.bodies(resource);
    let id = |body: &serde_json::Value| {
        let own = body["studentUniqueId"].as_str();
        let of = body["studentReference"]["studentUniqueId"].as_str();
        own.or(of).map(str::to_owned)
    };
    bodies.iter().filter_map(id).collect()
}

const BOTH: [&str; 2] = ["students", "studentSchoolAssociations"];

#[test]
fn e05_an_id_that_is_added_makes_everything_of_the_person_due() {
    let (district, target) = (district(STUDENTS), Target::new(&[]));
    let without = student(1).replace("U000001", "");
    district.students(std::iter::once(without).chain((2..=STUDENTS).map(student)));
    run(&district, &target).expect(0);
    for resource in BOTH {
        assert_eq!(district.count(resource, "skipped"), 1);
        assert_eq!(target.count(resource), 29);
    }
    district.students((1..=STUDENTS).map(student));
    run(&district, &target).expect(0);
    for resource in BOTH {
        assert_eq!(district.count(resource, "created"), 1);
        assert_eq!(district.count(resource, "unchanged"), 29);
        assert_eq!(target.count(resource), 30);
    }
}

fn changed(from: &str, to: &str) -> impl Fn(usize) -> String {
    move |i| student(i).replace(from, to)
}

#[test]
fn e05_a_changed_id_is_deleted_first_and_posted_under_the_new_one() {
    let (district, target) = (district(STUDENTS), Target::new(&[]));
    run(&district, &target).expect(0);
    district.students((1..=STUDENTS).map(changed("U000001", "N000001")));
    // Nothing of the student can be posted: what was under the old id has gone before.
    target.faults(&["400:method=POST,resource=students,always"]);
    run(&district, &target).expect(1);
    for resource in BOTH {
        assert_eq!(target.count(resource), 29);
        assert!(!ids(&target, resource).contains("U000001"));
        assert_eq!(deletes(&district, resource, "deleted"), 1);
    }
    // The next run finishes it.
    target.faults(&[]);
    run(&district, &target).expect(0);
    for resource in BOTH {
        assert!(ids(&target, resource).contains("N000001"));
        assert_eq!(target.count(resource), 30);
        assert_eq!(deletes(&district, resource, "due"), 0);
    }
}

#[test]
fn e05_named_persons_are_sent_whole() {
    let (district, target) = (district(STUDENTS), Target::new(&[]));
    run(&district, &target).expect(0);
    district.write("changed.txt", "3, 4\n5");
    let args = ["run", "mini", "--changed-ids", "changed.txt"];
    district.fullsync(&target.url(), &args).expect(0);
    for resource in BOTH {
        assert_eq!(district.count(resource, "updated"), 3);
        assert_eq!(district.count(resource, "unchanged"), 27);
    }
    district.write("changed.txt", "three");
    let ran = district.fullsync(&target.url(), &args).expect(2);
    assert!(ran.stderr.contains("`three`"), "{}", ran.stderr);
}

#[test]
fn e06_combined_persons_leave_nothing_under_the_removed_one() {
    let (district, target) = (district(STUDENTS), Target::new(&[]));
    run(&district, &target).expect(0);
    district.write("pairs.csv", "removed,kept\n1,2\n");
    let args = ["run", "mini", "--pairs", "pairs.csv"];
    // Not combined in the SIS yet: nothing is sent.
    let ran = district.fullsync(&target.url(), &args).expect(2);
    assert!(
        ran.stderr.contains("combine them in the SIS"),
        "{}",
        ran.stderr
    );
    district.students((2..=STUDENTS).map(student));
    target.faults(&["403:method=DELETE,resource=students,always"]);
    district.fullsync(&target.url(), &args).expect(0);
    // The shared person is kept by the target, which is no failure.
    assert_eq!(deletes(&district, "students", "refused"), 1);
    assert_eq!(
        deletes(&district, "studentSchoolAssociations", "deleted"),
        1
    );
    assert!(!ids(&target, "studentSchoolAssociations").contains("U000001"));
    // The kept one was sent once more.
    for resource in BOTH {
        assert_eq!(district.count(resource, "updated"), 1);
        assert_eq!(district.count(resource, "unchanged"), 28);
    }
    let why = results(&district, "studentSchoolAssociations");
    assert!(why.iter().any(|(_, operation, _)| operation == "delete"));
}

#[test]
fn item_8_a_combine_that_was_killed_is_finished_by_the_next_run() {
    let (district, target) = (district(300), Target::new(&[]));
    run(&district, &target).expect(0);
    // 1 to 60 are combined into 61 to 120; 121 to 140 get other ids.
    let pairs: String = (1..=60).map(|i| format!("{i},{}\n", i + 60)).collect();
    district.write("pairs.csv", &pairs);
    let row = |i: usize| match i {
        121..=140 => student(i).replace(&format!("U{i:06}"), &format!("N{i:06}")),
        i => student(i),
    };
    district.students((61..=300).map(row));
    target.faults(&["slow:ms=3", "503:every=13,times=1,retry-after=0s"]);
    let mut random = fastrand::Rng::with_seed(5);
    let args = ["run", "mini", "--pairs", "pairs.csv", "--yes", "--quiet"];
    for _ in 0..4 {
        let mut killed = district.start(&target.url(), &args);
        std::thread::sleep(Duration::from_millis(random.u64(300..1800)));
        let _ = killed.kill();
        let _ = killed.wait();
    }
    target.faults(&[]);
    // Without --pairs: what was asked for is remembered.
    district
        .fullsync(&target.url(), &["run", "mini", "--yes"])
        .expect(0);
    let wanted: BTreeSet<String> = (61..=300)
        .map(|i| match i {
            121..=140 => format!("N{i:06}"),
            i => format!("U{i:06}"),
        })
        .collect();
    for resource in BOTH {
        assert_eq!(ids(&target, resource), wanted, "{resource}");
    }
    run(&district, &target).expect(0);
    for resource in BOTH {
        assert_eq!(district.count(resource, "unchanged"), 240);
        assert_eq!(deletes(&district, resource, "due"), 0);
    }
}

#[test]
fn item_7_a_key_that_may_change_keeps_its_record() {
    let (district, target) = (district(STUDENTS), Target::new(&[]));
    run(&district, &target).expect(0);
    let id = |target: &Target| {
        let path = "studentSchoolAssociations?studentUniqueId=U000007";
        let found = target.ask("GET", path);
        (found[0]["id"].clone(), found[0]["entryDate"].clone())
    };
    let (before, _) = id(&target);
    district.students((1..=STUDENTS).map(|i| match i {
        7 => student(7).replace("2025-08-18", "2025-09-01"),
        i => student(i),
    }));
    run(&district, &target).expect(0);
    let (after, date) = id(&target);
    assert_eq!((after, date), (before, "2025-09-01".into()));
    assert_eq!(target.count("studentSchoolAssociations"), 30);
    assert_eq!(district.count("studentSchoolAssociations", "updated"), 1);
    assert_eq!(deletes(&district, "studentSchoolAssociations", "due"), 0);
    let replaced = results(&district, "studentSchoolAssociations");
    assert!(
        replaced
            .iter()
            .any(|(_, operation, _)| operation == "replace")
    );
    run(&district, &target).expect(0);
    assert_eq!(district.count("studentSchoolAssociations", "unchanged"), 30);
    // A refused change keeps the record as it was, and stays due.
    district.students((1..=STUDENTS).map(student));
    target.faults(&["400:method=PUT,always"]);
    run(&district, &target).expect(1);
    assert_eq!(id(&target).1, "2025-09-01");
    target.faults(&[]);
    run(&district, &target).expect(0);
    assert_eq!(id(&target).1, "2025-08-18");
    assert_eq!(target.count("studentSchoolAssociations"), 30);
}

/// Terms as sessions, and two course offerings in each.
fn terms(district: &District) {
    let sis = std::fs::read_to_string(district.path("pipelines/sis.toml")).unwrap();
    let table = "\n[table.Term]\nabout = \"A term.\"\nkey = [\"termID\"]\n\
        columns = [\"termID int\", \"name text\", \"school int\"]\n";
    district.write("pipelines/sis.toml", &(sis + table));
    district.write(
        "sql/sessions.sql",
        "SELECT name AS sessionName, named_struct('schoolId', school) AS schoolReference,
            named_struct('schoolYear', 2026) AS schoolYearTypeReference,
            '2025-08-18' AS beginDate, '2026-01-16' AS endDate, 90 AS totalInstructionalDays,
            'uri://ed-fi.org/TermDescriptor#Fall Semester' AS termDescriptor,
            school AS _school_id,
            'Term' AS _source_table, cast(termID AS varchar) AS _source_key FROM Term",
    );
    district.write(
        "sql/courses.sql",
        "SELECT 'ART' AS courseCode, 'Art' AS courseTitle, 1 AS numberOfParts,
            named_struct('educationOrganizationId', schoolID) AS educationOrganizationReference,
            make_array(named_struct('identificationCode', 'ART',
                'courseIdentificationSystemDescriptor',
                'uri://ed-fi.org/CourseIdentificationSystemDescriptor#LEA course code'))
                AS identificationCodes,
            schoolID AS _school_id,
            'School' AS _source_table, cast(schoolID AS varchar) AS _source_key FROM School",
    );
    district.write(
        "sql/offerings.sql",
        "SELECT 'ART-1' AS localCourseCode,
            named_struct('courseCode', 'ART', 'educationOrganizationId', school) AS courseReference,
            named_struct('schoolId', school) AS schoolReference,
            named_struct('schoolId', school, 'schoolYear', 2026, 'sessionName', name)
                AS sessionReference,
            school AS _school_id,
            'Term' AS _source_table, concat(termID, '/1') AS _source_key FROM Term",
    );
    let pipeline = std::fs::read_to_string(district.path("pipelines/mini.toml")).unwrap();
    let more = "\n[resources.sessions]\nsql = \"sessions.sql\"\n\
        [resources.courses]\nsql = \"courses.sql\"\n\
        [resources.courseOfferings]\nsql = \"offerings.sql\"\n";
    district.write("pipelines/mini.toml", &(pipeline + more));
}

#[test]
fn item_7_a_changed_key_takes_its_dependants_along() {
    let (district, target) = (district(2), Target::new(&[]));
    terms(&district);
    district.write(
        "sis/Term.csv",
        "termID,name,school\n1,Fall,255901001\n2,Spring,255901001\n",
    );
    run(&district, &target).expect(0);
    assert_eq!(target.count("courseOfferings"), 2);
    district.write(
        "sis/Term.csv",
        "termID,name,school\n1,Autumn,255901001\n2,Spring,255901001\n",
    );
    let ran = run(&district, &target).expect(0);
    let names = |resource: &str, member: &str| -> BTreeSet<String> {
        let bodies = target.bodies(resource);
        let name = |body: &serde_json::Value| match member {
            "" => body["sessionName"].as_str().map(str::to_owned),
            m => body[m]["sessionName"].as_str().map(str::to_owned),
        };
        bodies.iter().filter_map(name).collect()
    };
    let wanted = BTreeSet::from(["Autumn".to_owned(), "Spring".to_owned()]);
    assert_eq!(names("sessions", ""), wanted, "{}", ran.stdout);
    assert_eq!(names("courseOfferings", "sessionReference"), wanted);
    assert_eq!(district.count("sessions", "updated"), 1);
    // It went along: under its old key there is nothing.
    assert_eq!(district.count("courseOfferings", "updated"), 1);
    assert_eq!(deletes(&district, "courseOfferings", "already_gone"), 1);
    run(&district, &target).expect(0);
    assert_eq!(district.count("courseOfferings", "unchanged"), 2);
    assert_eq!(deletes(&district, "courseOfferings", "due"), 0);
}
