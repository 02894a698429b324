//! Whole districts: equal bytes, sums, the marker, the committed sample.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

fn options(out: &Path, schools: usize, students: usize, dirty: Dirty) -> Options {
    Options {
        schools,
        students,
        seed: 1,
        out: out.to_owned(),
        year: 2026,
        dirty,
        format: Format::Csv,
        profile: Profile::District,
    }
}

fn district(schools: usize, students: usize, dirty: Dirty) -> (tempfile::TempDir, Summary) {
    let dir = tempfile::tempdir().unwrap();
    let summary = generate(&options(dir.path(), schools, students, dirty)).unwrap();
    (dir, summary)
}

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    entries
        .filter(|p| !p.file_name().unwrap().to_string_lossy().starts_with('.'))
        .map(|p| {
            (
                p.file_name().unwrap().to_string_lossy().into_owned(),
                fs::read(&p).unwrap(),
            )
        })
        .collect()
}

/// Rows of a CSV file as text, with line feeds inside fields; None where a row is not UTF-8.
fn rows(folder: &Path, table: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_path(folder.join(format!("{table}.csv")))
        .unwrap();
    let lossy = |r: csv::ByteRecord| {
        r.iter()
            .map(|f| String::from_utf8_lossy(f).into_owned())
            .collect()
    };
    reader.byte_records().map(|r| lossy(r.unwrap())).collect()
}

fn sample() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/sample-data"))
}

#[test]
fn equal_options_make_equal_bytes() {
    let (one, _) = district(4, 400, Dirty::None);
    let (two, _) = district(4, 400, Dirty::None);
    assert!(contents(one.path()) == contents(two.path()));
    let other = tempfile::tempdir().unwrap();
    let seed = Options {
        seed: 2,
        ..options(other.path(), 4, 400, Dirty::None)
    };
    generate(&seed).unwrap();
    let person = |dir: &Path| fs::read(dir.join("Identity.csv")).unwrap();
    assert!(person(one.path()) != person(other.path()));
}

#[test]
fn the_committed_sample_is_what_the_generator_makes() {
    let dir = tempfile::tempdir().unwrap();
    let out = if std::env::var_os("UPDATE_SAMPLE").is_some() {
        sample()
    } else {
        dir.path().into()
    };
    generate(&options(&out, 3, 300, Dirty::Sample)).unwrap();
    let (made, kept) = (contents(&out), contents(&sample()));
    let names = |m: &BTreeMap<String, Vec<u8>>| m.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&made), names(&kept));
    for (name, bytes) in &made {
        let advice = "run `UPDATE_SAMPLE=1 cargo test committed_sample`";
        assert!(*bytes == kept[name], "sample-data/{name} differs: {advice}");
    }
    let size: usize = kept.values().map(Vec::len).sum();
    assert!(size < 1_500_000, "{size}");
    assert!(is_generated(&sample()));
}

#[test]
fn every_object_and_every_row_is_accounted_for() {
    for (schools, students, dirty) in [
        (1, 40, Dirty::None),
        (2, 90, Dirty::None),
        (3, 300, Dirty::Sample),
        (7, 900, Dirty::Sample),
    ] {
        let (dir, summary) = district(schools, students, dirty);
        for (resource, counts) in &summary.expected.edfi {
            assert_eq!(counts.transformed, counts.accounted(), "{resource}");
            assert!(counts.transformed > 0, "{resource}");
        }
        for (table, counts) in &summary.expected.rows {
            let unreadable: u64 = counts.unreadable.values().sum();
            assert_eq!(counts.read, counts.staged + unreadable, "{table}");
            assert_eq!(rows(dir.path(), table).len() as u64, counts.read, "{table}");
            let mark = &summary.marker.files[&format!("{table}.csv")];
            assert_eq!(mark.rows, counts.read);
        }
        let students = students as u64;
        let held = if dirty == Dirty::Sample { 4 } else { 0 };
        assert_eq!(
            summary.expected.edfi["students"].transformed,
            students - held
        );
    }
}

#[test]
fn a_clean_district_has_nothing_held_back() {
    let (_dir, summary) = district(6, 600, Dirty::None);
    assert!(summary.expected.planted.is_empty());
    for (resource, counts) in &summary.expected.edfi {
        assert_eq!(
            counts.transformed,
            counts.sent + counts.unchanged,
            "{resource}"
        );
    }
    assert!(
        summary
            .expected
            .rows
            .values()
            .all(|r| r.unreadable.is_empty())
    );
}

#[test]
fn every_kind_of_fault_is_planted_on_the_line_it_is_noted_for() {
    let (dir, summary) = district(3, 300, Dirty::Sample);
    let kinds: HashSet<&str> = summary
        .expected
        .planted
        .iter()
        .map(|p| p.kind.as_str())
        .collect();
    for kind in [
        "wrong_column_count",
        "bad_date",
        "bad_number",
        "bad_boolean",
        "invalid_utf8",
        "duplicate_key",
        "empty_key",
        "unmapped_code",
        "missing_required",
        "too_long",
        "section_without_placement",
        "orphan_row",
        "no_edfi_id",
        "no_show",
        "state_exclude",
        "collapsed",
    ] {
        assert!(kinds.contains(kind), "{kind}");
    }
    let line = |table: &str, line: u64| {
        let bytes = fs::read(dir.path().join(format!("{table}.csv"))).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        text.lines()
            .nth(usize::try_from(line).unwrap() - 1)
            .unwrap()
            .to_owned()
    };
    for planted in &summary.expected.planted {
        let text = line(&planted.table, planted.line);
        let sign = match (planted.kind.as_str(), planted.table.as_str()) {
            ("bad_date", _) => "2025-02-30",
            ("bad_number", _) => "12x7",
            ("bad_boolean", _) => "maybe",
            ("invalid_utf8", _) => "\u{fffd}",
            ("too_long", "Identity") => "Featherstonehaugh-Featherstonehaugh-",
            ("too_long", "Course") => "Interdisciplinary",
            ("duplicate_key", _) => "99999999",
            ("unmapped_code", "Enrollment") => ",XX,",
            ("unmapped_code", "EmploymentAssignment") => "Mascot",
            ("unmapped_code", "Identity") => ",7,",
            ("collapsed", _) => "Media center lead",
            ("no_edfi_id", _) => ",",
            _ => "",
        };
        assert!(text.contains(sign), "{planted:?}: {text}");
        if planted.kind == "no_edfi_id" {
            assert!(text.ends_with(','), "{text}");
        }
    }
}

#[test]
fn the_sample_holds_what_it_must() {
    let (_dir, summary) = district(3, 300, Dirty::Sample);
    let of = |resource: &str| &summary.expected.edfi[resource];
    let map = |pairs: &[(&str, u64)]| -> BTreeMap<String, u64> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect()
    };
    assert_eq!((of("schools").sent, of("calendars").sent), (3, 4));
    assert_eq!((of("sessions").sent, of("gradingPeriods").sent), (9, 9));
    assert_eq!((of("bellSchedules").sent, of("classPeriods").sent), (6, 30));
    assert_eq!(of("localEducationAgencies").unchanged, 1);
    let students = of("students");
    assert_eq!(students.skipped, map(&[("no_edfi_id", 2)]));
    let rejected = [
        ("duplicate_key", 2),
        ("missing_required", 2),
        ("too_long", 1),
    ];
    assert_eq!(students.rejected, map(&rejected));
    let ed_org = of("studentEducationOrganizationAssociations");
    assert_eq!(
        ed_org.rejected,
        map(&[("duplicate_key", 2), ("unmapped_code", 2)])
    );
    assert_eq!(
        ed_org.blocked,
        map(&[("missing_required", 2), ("too_long", 1)])
    );
    let school = of("studentSchoolAssociations");
    assert_eq!(school.rejected, map(&[("unmapped_code", 2)]));
    assert_eq!(
        school.skipped,
        map(&[("no_edfi_id", 2), ("no_show", 2), ("state_exclude", 2)])
    );
    assert_eq!(of("courses").rejected, map(&[("too_long", 1)]));
    assert_eq!(of("courseOfferings").blocked, map(&[("too_long", 2)]));
    assert_eq!(of("sections").blocked, map(&[("too_long", 2)]));
    assert_eq!(
        of("sections").rejected,
        map(&[("section_without_placement", 1)])
    );
    assert!(of("studentSectionAssociations").blocked["too_long"] > 10);
    assert_eq!(
        of("studentSectionAssociations").rejected,
        map(&[("orphan_row", 2)])
    );
    let assignments = of("staffEducationOrganizationAssignmentAssociations");
    assert_eq!(
        (assignments.collapsed, assignments.rejected["unmapped_code"]),
        (1, 1)
    );
    assert!(of("staffSectionAssociations").skipped["no_edfi_id"] > 0);
}

#[test]
fn keys_are_unique_and_ids_lead_somewhere() {
    let (dir, _) = district(6, 600, Dirty::None);
    let folder = dir.path();
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines/sis.toml");
    let schema = crate::source::SisSchema::load(Path::new(schema)).unwrap();
    let column = |table: &str, name: &str| -> Vec<String> {
        let layout = columns::ALL.iter().find(|l| l.name == table).unwrap();
        let at = layout.columns.iter().position(|c| *c == name).unwrap();
        rows(folder, table)
            .into_iter()
            .map(|r| r[at].clone())
            .collect()
    };
    // Transcripts are declared and not generated: their resources are shipped switched off.
    let made = |name: &str| columns::ALL.iter().any(|l| l.name == name);
    for table in schema.tables.iter().filter(|t| made(&t.name)) {
        let parts: Vec<Vec<String>> = table.key.iter().map(|k| column(&table.name, k)).collect();
        let mut seen = HashSet::new();
        for row in 0..parts[0].len() {
            let key: Vec<&String> = parts.iter().map(|p| &p[row]).collect();
            assert!(key.iter().all(|k| !k.is_empty()), "{}", table.name);
            assert!(seen.insert(key.clone()), "{} {key:?}", table.name);
        }
    }
    let set = |table: &str, name: &str| column(table, name).into_iter().collect::<HashSet<_>>();
    for (table, name, parent) in [
        ("Roster", "personID", "Person"),
        ("Roster", "sectionID", "Section"),
        ("Roster", "trialID", "Trial"),
        ("Enrollment", "calendarID", "Calendar"),
        ("Enrollment", "structureID", "ScheduleStructure"),
        ("SectionPlacement", "termID", "Term"),
        ("SectionPlacement", "periodID", "Period"),
        ("Section", "courseID", "Course"),
        ("Day", "periodScheduleID", "PeriodSchedule"),
        ("HouseholdMember", "personID", "Person"),
    ] {
        let known = set(parent, if name == "trialID" { "trialID" } else { name });
        let missing: Vec<String> = set(table, name).difference(&known).cloned().collect();
        assert!(missing.is_empty(), "{table}.{name}: {missing:?}");
    }
    let ids = column("Person", "edFiID");
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
}

#[test]
fn the_marker_holds_for_untouched_folders_only() {
    let (dir, _) = district(3, 120, Dirty::None);
    let folder = dir.path();
    assert!(is_generated(folder));
    assert!(!is_generated(&folder.join("nowhere")));
    let extra = folder.join("GradingScore.csv");
    fs::write(&extra, "scoreID\n1\n").unwrap();
    assert!(!is_generated(folder), "a further table");
    fs::remove_file(&extra).unwrap();
    assert!(is_generated(folder));
    let room = folder.join("Room.csv");
    let mut bytes = fs::read(&room).unwrap();
    *bytes.last_mut().unwrap() = b' ';
    fs::write(&room, &bytes).unwrap();
    assert!(!is_generated(folder), "a changed table");
    fs::remove_file(&room).unwrap();
    assert!(!is_generated(folder), "a missing table");
    fs::remove_file(folder.join(marker::FILE)).unwrap();
    assert!(!is_generated(folder), "no marker");
}

#[test]
fn files_of_others_are_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("Person.csv"), "personID\n1\n").unwrap();
    let error = generate(&options(dir.path(), 3, 120, Dirty::None)).unwrap_err();
    assert!(
        matches!(error, GenerateError::FolderInUse { .. }),
        "{error}"
    );
    assert_eq!(
        fs::read_to_string(dir.path().join("Person.csv")).unwrap(),
        "personID\n1\n"
    );
    // A district may be generated over an older one.
    let (again, _) = district(3, 150, Dirty::None);
    generate(&options(again.path(), 3, 120, Dirty::None)).unwrap();
    assert!(is_generated(again.path()));
}

#[test]
fn options_that_cannot_be_met_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (schools, students, dirty) in [
        (0, 10, Dirty::None),
        (999, 1000, Dirty::None),
        (5, 4, Dirty::None),
        (2, 300, Dirty::Sample),
        (3, 50, Dirty::Sample),
    ] {
        let error = generate(&options(dir.path(), schools, students, dirty)).unwrap_err();
        assert!(matches!(error, GenerateError::Options(_)), "{error}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(12))]
    #[test]
    fn any_clean_district_adds_up(
        schools in 1usize..8,
        more in 0usize..60,
        seed in proptest::prelude::any::<u64>(),
        year in 1990i32..=2100,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let students = schools + more;
        let options = Options { seed, year, ..options(dir.path(), schools, students, Dirty::None) };
        let summary = generate(&options).unwrap();
        for counts in summary.expected.edfi.values() {
            proptest::prop_assert_eq!(counts.transformed, counts.sent + counts.unchanged);
        }
        let edfi = &summary.expected.edfi;
        proptest::prop_assert_eq!(edfi["students"].sent, students as u64);
        proptest::prop_assert_eq!(edfi["schools"].sent, schools as u64);
        proptest::prop_assert!(edfi["studentSectionAssociations"].sent > 0);
        proptest::prop_assert!(is_generated(dir.path()));
    }
}
