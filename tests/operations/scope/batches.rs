//! All schools: consent, batches of calendars, checkpoints (E17).

use std::collections::BTreeSet;

use super::{PEOPLE, district, pipeline};
use crate::support::{District, Target, json as read};

#[test]
fn e17_all_schools_needs_consent() {
    let district = district("", &["schools"]);
    let target = Target::new(&[]);
    let all = ["run", "mini", "--all-schools"];
    let ran = district.fullsync(&target.url(), &all).expect(2);
    assert!(ran.stderr.contains("needs --yes"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("3 schools") && ran.stderr.contains("no earlier run"),
        "{}",
        ran.stderr
    );
    assert_eq!(target.count("schools"), 0);
    let yes = [all.as_slice(), &["--yes"]].concat();
    district.fullsync(&target.url(), &yes).expect(0);
    assert_eq!(target.count("schools"), 3);
    // Now there is a run to estimate by.
    let ran = district.fullsync(&target.url(), &all).expect(2);
    assert!(ran.stderr.contains("3 objects"), "{}", ran.stderr);
    // What sends nothing needs no consent; written into the file it is consent.
    district
        .fullsync(&target.url(), &["plan", "mini", "--all-schools"])
        .expect(0);
    pipeline(&district, "schools = \"all\"", &["schools"]);
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    let clash = ["run", "mini", "--all-schools", "--school", "1"];
    district.fullsync(&target.url(), &clash).expect(2);
}

/// Key and content hash of every object of the newest run.
pub(super) fn hashes(district: &District, resources: &[&str]) -> BTreeSet<(String, Vec<u8>)> {
    use arrow::array::AsArray as _;
    let mut found = BTreeSet::new();
    for resource in resources {
        let path = district
            .latest()
            .join(format!("objects/{resource}.parquet"));
        let file = std::fs::File::open(path).unwrap();
        let reader =
            parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        for batch in reader.build().unwrap() {
            let batch = batch.unwrap();
            let keys = batch
                .column_by_name("_key")
                .unwrap()
                .as_string::<i32>()
                .clone();
            let contents = batch
                .column_by_name("_content_hash")
                .unwrap()
                .as_fixed_size_binary();
            for (row, key) in keys.iter().enumerate() {
                let key = format!("{resource} {}", key.unwrap());
                assert!(found.insert((key, contents.value(row).to_vec())), "twice");
            }
        }
    }
    found
}

#[test]
fn e17_batches_of_calendars_make_the_same_objects() {
    let mut all = PEOPLE.to_vec();
    all.extend(["courses", "studentSectionAssociations"]);
    let district = district("schools = \"all\"", &all);
    // An enrollment whose calendar is missing belongs to no school: it is seen once all the same.
    let path = district.path("sis/Enrollment.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text + "9,30,999,2025-10-01\n").unwrap();
    district
        .fullsync("http://127.0.0.1:1", &["transform", "mini"])
        .expect(0);
    let whole = hashes(&district, &all);
    assert_eq!(district.tallies()["scope"]["batches"], 1);
    let batched = ["transform", "mini", "--calendar-batch", "1"];
    district.fullsync("http://127.0.0.1:1", &batched).expect(0);
    assert_eq!(district.tallies()["scope"]["batches"], 3);
    assert_eq!(hashes(&district, &all), whole);
    assert!(
        !district.latest().join("objects/parts").exists(),
        "the parts are gone"
    );
}

#[test]
fn e17_a_transform_that_stopped_carries_on_at_its_checkpoint() {
    let district = district(
        "schools = \"all\"\ncalendar_batch = 1",
        &["schools", "students", "studentSectionAssociations"],
    );
    let target = Target::new(&[]);
    let path = district.path("sql/edfi/studentSectionAssociations.sql");
    let good = std::fs::read_to_string(&path).unwrap();
    // Fails on the rows of school 3, the last batch.
    let bad = "cast(CASE WHEN k.schoolID = 3 THEN 'x' ELSE '1' END AS bigint) * r.rosterID AS _source_key";
    std::fs::write(&path, good.replace("r.rosterID AS _source_key", bad)).unwrap();
    district
        .fullsync(&target.url(), &["transform", "mini"])
        .expect(2);
    let manifest = read(&district.latest().join("manifest.json"));
    let parts = manifest["parts"].as_array().expect("checkpoints");
    // schools of three batches and rosters of two.
    assert_eq!(parts.len(), 5, "{parts:#?}");
    let made: Vec<_> = parts.iter().map(|p| p["made_from"].clone()).collect();
    let stamp = |batch: &str| {
        let file = format!("objects/parts/schools.{batch}.parquet");
        let meta = std::fs::metadata(district.latest().join(file)).unwrap();
        meta.modified().unwrap()
    };
    let before = stamp("00000");
    // The same again: what is there is used, and the same part fails.
    district
        .fullsync(&target.url(), &["transform", "mini", "--run", "latest"])
        .expect(2);
    assert_eq!(stamp("00000"), before, "the part was not made again");
    // Mended: parts of other SQL are not used.
    std::fs::write(&path, &good).unwrap();
    district
        .fullsync(&target.url(), &["transform", "mini", "--run", "latest"])
        .expect(0);
    let manifest = read(&district.latest().join("manifest.json"));
    assert!(manifest.get("parts").is_none(), "{made:?}");
    assert_eq!(
        district.count("studentSectionAssociations", "transformed"),
        4
    );
}
