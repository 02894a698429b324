//! `ref_id` in SQL, with RefIds that others hold.

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use parquet::arrow::ArrowWriter;

use super::district::{District, table};
use crate::object::RefIds;
use crate::pipeline::RefIdFile;
use crate::transform::{RefIdSettings, Session};

const SQL: &str = "SELECT ref_id('Enrollment', personID, startDate) AS studentUniqueId, 'Ada' AS \
                   firstName, 'Enrollment' AS _source_table, CAST(enrollmentID AS VARCHAR) AS \
                   _source_key FROM Enrollment";

fn district(held: Option<&std::path::Path>) -> District {
    let mut district = District::new();
    district.inputs.ref_ids = Some(RefIdSettings {
        ids: RefIds::of_district("district"),
        dashed: false,
        held: held.map(|path| RefIdFile {
            path: path.to_owned(),
            loaded: Arc::default(),
        }),
    });
    district
}

fn own(person: u32) -> String {
    let ids = RefIds::of_district("district");
    ids.ref_id("Enrollment", &format!("{person}/2024-08-15"))
        .plain()
}

#[tokio::test]
async fn a_ref_id_is_made_of_the_key_unless_another_is_held() {
    let (_, rows) = district(None).run("students", SQL).await.unwrap();
    assert_eq!(rows[0]["studentUniqueId"], own(1));
    assert_eq!(rows[1]["studentUniqueId"], own(2));

    let folder = tempfile::tempdir().unwrap();
    let held = "0F1E2D3C4B5A69788796A5B4C3D2E1F0";
    let csv = folder.path().join("ids.csv");
    let dashed = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
    let text = format!("object,key,ref_id\nEnrollment,2/2024-08-15,{{{dashed}}}\n");
    fs::write(&csv, text).unwrap();
    let parquet = folder.path().join("ids.parquet");
    let column = |text: &str| Arc::new(StringArray::from(vec![text])) as ArrayRef;
    let rows = table(vec![
        ("ref_id", column(held)),
        ("object", column("Enrollment")),
        ("key", column("2/2024-08-15")),
    ]);
    let file = fs::File::create(&parquet).unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    for file in [csv, parquet] {
        let (_, rows) = district(Some(&file)).run("students", SQL).await.unwrap();
        assert_eq!(rows[0]["studentUniqueId"], own(1));
        assert_eq!(rows[1]["studentUniqueId"], held, "{}", file.display());
    }
}

#[tokio::test]
async fn a_table_of_ref_ids_with_mistakes_stops_before_an_object_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ids.csv");
    let id = |n: u8| format!("{n:032X}");
    let cases = [
        (
            format!("object,key,ref_id\nA,1,{}\nA,,{}\nA,2,xyz\n", id(1), id(2)),
            &[
                "ids.csv:3:1",
                "empty object, key or ref_id",
                "`xyz` is no RefId",
            ][..],
        ),
        ("object,id\n".to_owned(), &["columns object, key, ref_id"]),
        (
            format!("object,key,ref_id\nA,1,{}\nA,1,{}\n", id(1), id(2)),
            &["one object has two RefIds"],
        ),
        (
            format!("object,key,ref_id\nA,1,{}\nB,1,{}\n", id(1), id(1)),
            &["two objects have the RefId"],
        ),
    ];
    for (text, wanted) in cases {
        fs::write(&file, text).unwrap();
        let district = district(Some(&file));
        let session = Session::new(&district.inputs).await.unwrap();
        let told: Vec<String> = session.problems().iter().map(ToString::to_string).collect();
        let told = told.join("\n");
        for wanted in wanted {
            assert!(told.contains(wanted), "{told}");
        }
        // That is all: the function is there, and makes no RefId.
        let made = district.run("students", SQL).await;
        let error = made.err().map(|error| format!("{error:?}")).unwrap();
        assert!(!error.contains("Invalid function"), "{error}");
    }
}

#[tokio::test]
async fn ref_ids_of_sif_3_have_dashes() {
    let mut district = district(None);
    if let Some(settings) = &mut district.inputs.ref_ids {
        settings.dashed = true;
    }
    let (_, rows) = district.run("students", SQL).await.unwrap();
    let id = rows[0]["studentUniqueId"].as_str().unwrap();
    assert_eq!(id.replace('-', "").to_uppercase(), own(1));
    assert_eq!(id.len(), 36);
}
