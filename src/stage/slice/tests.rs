use std::fs::File;

use arrow::array::{ArrayRef, AsArray as _, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::sync::Arc;

use super::*;
use crate::source::{Column, ColumnType};

/// A district of three schools and two years; each table by its columns and rows.
struct District {
    folder: tempfile::TempDir,
    tables: Vec<(TableSchema, PathBuf)>,
}

impl District {
    fn new() -> Self {
        let mut district = Self {
            folder: tempfile::tempdir().unwrap(),
            tables: Vec::new(),
        };
        district.table("School", &["schoolID"], &[&[1], &[2], &[3]]);
        // Calendar 12 is of last year, 40 of a school that is missing.
        let calendars: &[&[i64]] = &[
            &[11, 1, 2026],
            &[12, 1, 2025],
            &[21, 2, 2026],
            &[31, 3, 2026],
            &[40, 9, 2026],
        ];
        district.table(
            "Calendar",
            &["calendarID", "schoolID", "endYear"],
            calendars,
        );
        district.table(
            "Room",
            &["roomID", "schoolID"],
            &[&[100, 1], &[200, 2], &[300, 3]],
        );
        let sections: &[&[i64]] = &[
            // In school 1, in a room of school 2.
            &[1000, 11, 200],
            &[1001, 12, 100],
            &[2000, 21, 200],
            &[3000, 31, 300],
            &[4000, 99, 100],
        ];
        district.table("Section", &["sectionID", "calendarID", "roomID"], sections);
        let rosters: &[&[i64]] = &[
            &[1, 7, 1000],
            &[2, 8, 1000],
            &[3, 7, 2000],
            &[4, 9, 3000],
            &[5, 7, 1001],
            &[6, 7, 4000],
        ];
        district.table("Roster", &["rosterID", "personID", "sectionID"], rosters);
        district.table(
            "Person",
            &["personID"],
            &[&[7], &[8], &[9], &[70], &[71], &[90]],
        );
        district.table(
            "RelatedPair",
            &["personID1", "personID2"],
            &[&[7, 70], &[9, 90]],
        );
        let members: &[&[i64]] = &[&[1, 500, 70], &[2, 500, 71], &[3, 600, 90]];
        district.table(
            "HouseholdMember",
            &["memberID", "householdID", "personID"],
            members,
        );
        district.table(
            "HouseholdLocation",
            &["householdID", "addressID"],
            &[&[500, 5], &[600, 6]],
        );
        district.table("Address", &["addressID"], &[&[5], &[6]]);
        district
    }

    fn table(&mut self, name: &str, columns: &[&str], rows: &[&[i64]]) {
        let composite = ["RelatedPair", "HouseholdLocation"].contains(&name);
        let schema = TableSchema {
            name: name.to_owned(),
            about: String::new(),
            key: columns
                .iter()
                .take(1 + usize::from(composite))
                .map(|c| (*c).to_owned())
                .collect(),
            columns: columns
                .iter()
                .map(|c| Column {
                    name: (*c).to_owned(),
                    kind: ColumnType::Int,
                    optional: false,
                })
                .collect(),
        };
        let column = |i: usize| Arc::new(rows.iter().map(|r| r[i]).collect::<Int64Array>());
        let mut arrays: Vec<ArrayRef> = (0..columns.len()).map(|i| column(i) as ArrayRef).collect();
        arrays.push(Arc::new((1..=rows.len() as i64).collect::<Int64Array>()));
        let batch = RecordBatch::try_new(schema.arrow(), arrays).unwrap();
        let path = self.folder.path().join(format!("{name}.parquet"));
        let mut file = ParquetFile::create(&path, schema.arrow(), &Layout::table(&schema)).unwrap();
        file.write(&batch).unwrap();
        file.finish().unwrap();
        self.tables.push((schema, path));
    }

    fn slicer(&self) -> Slicer {
        Slicer::new(self.tables.clone(), 2026).unwrap()
    }

    /// The first column of a table of a slice.
    fn cut(&self, cut: &Cut) -> impl Fn(&str) -> Vec<i64> + use<> {
        let names = self.tables.iter().map(|(t, _)| t.name.clone()).collect();
        let out = self
            .folder
            .path()
            .join(format!("slice-{}", fastrand::u64(..)));
        let files = self.slicer().slice(cut, &names, &out).unwrap();
        move |table: &str| {
            let file = File::open(&files[table]).unwrap();
            let reader = ParquetRecordBatchReaderBuilder::try_new(file)
                .unwrap()
                .build()
                .unwrap();
            reader
                .flat_map(|b| {
                    let batch = b.unwrap();
                    batch
                        .column(0)
                        .as_primitive::<Int64Type>()
                        .values()
                        .to_vec()
                })
                .collect()
        }
    }
}

fn schools(ids: &[i64]) -> Option<BTreeSet<i64>> {
    Some(ids.iter().copied().collect())
}

#[test]
fn a_school_has_its_rows_of_the_year_and_what_they_refer_to() {
    let district = District::new();
    let of = district.cut(&Cut {
        schools: schools(&[1]),
        nowhere: false,
        persons: Persons::OfSchools,
    });
    assert_eq!(
        of("Roster"),
        [1, 2],
        "last year's, others' and nobody's are gone"
    );
    assert_eq!(of("Section"), [1000]);
    assert_eq!(
        of("Room"),
        [100, 200],
        "the room in the other school is there to look at"
    );
    assert_eq!(of("School"), [1, 2], "and what the room refers to");
    assert_eq!(of("Calendar"), [11]);
    assert_eq!(
        of("Person"),
        [7, 8, 70, 71],
        "students, the contact, the contact's household"
    );
    assert_eq!(of("HouseholdLocation"), [500]);
    assert_eq!(of("Address"), [5]);
}

#[test]
fn the_whole_district_loses_other_years_only() {
    let district = District::new();
    let of = district.cut(&Cut {
        nowhere: true,
        ..Cut::default()
    });
    assert_eq!(
        of("Roster"),
        [1, 2, 3, 4, 6],
        "a row of nobody's stays, to be rejected and seen"
    );
    assert_eq!(of("Calendar"), [11, 21, 31, 40]);
    assert_eq!(of("Person").len(), 6);
    let slicer = Slicer::new(district.tables.clone(), 2027).unwrap();
    assert!(!slicer.is_whole(&Cut {
        nowhere: true,
        ..Cut::default()
    }));
}

#[test]
fn batches_share_out_every_row_once() {
    let district = District::new();
    let slicer = district.slicer();
    let batches = slicer.batches(None, 1);
    assert_eq!(
        batches,
        [
            schools(&[1]).unwrap(),
            schools(&[2]).unwrap(),
            schools(&[3]).unwrap()
        ]
    );
    assert_eq!(slicer.batches(None, 2).len(), 2);
    assert_eq!(slicer.batches(schools(&[2]).as_ref(), 1).len(), 1);
    let mut rosters = Vec::new();
    for (i, batch) in batches.into_iter().enumerate() {
        let of = district.cut(&Cut {
            schools: Some(batch),
            nowhere: i == 0,
            persons: Persons::All,
        });
        rosters.extend(of("Roster"));
    }
    rosters.sort_unstable();
    assert_eq!(rosters, [1, 2, 3, 4, 6]);
}

#[test]
fn a_person_comes_with_the_family_and_its_schools() {
    let district = District::new();
    let slicer = district.slicer();
    let seven = BTreeSet::from([7]);
    let found = slicer.schools_of(Some(&seven), None, None).unwrap();
    assert_eq!(found, BTreeSet::from([1, 2]));
    let of = district.cut(&Cut {
        schools: Some(found),
        nowhere: true,
        persons: Persons::These(seven),
    });
    assert_eq!(of("Roster"), [1, 3, 6]);
    assert_eq!(of("Person"), [7, 70, 71]);
    assert_eq!(of("RelatedPair"), [7]);
    assert_eq!(
        of("Section"),
        [1000, 2000, 4000],
        "sections are not narrowed by persons"
    );
    let sections = BTreeSet::from([3000, 77]);
    let found = slicer.schools_of(None, None, Some(&sections)).unwrap();
    assert_eq!(found, BTreeSet::from([3]));
}
