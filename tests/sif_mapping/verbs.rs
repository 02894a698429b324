//! The mappings as the binary runs them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use arrow::array::AsArray as _;
use arrow::record_batch::RecordBatch;

use super::{AS_OF, read, root, sample, text};

/// A folder with one pipeline, a layer over the shipped one.
struct Zone {
    folder: tempfile::TempDir,
}

impl Zone {
    fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pipelines = folder.path().join("pipelines");
        std::fs::create_dir(&pipelines).unwrap();
        let source = root().join("sample-data");
        let layer = format!(
            "extends = \"sif\"\nstate_dir = \"../state\"\n[scope]\nschools = \"all\"\n[source]\npath = {source:?}\n\
             [settings]\nas_of = \"{AS_OF}\"\n{more}"
        );
        std::fs::write(pipelines.join("zone.toml"), layer).unwrap();
        Self { folder }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Exit code and everything said.
    fn fullsync(&self, args: &[&str]) -> (Option<i32>, String) {
        let out = Command::new(env!("CARGO_BIN_EXE_fullsync"))
            .args(args)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let said = [out.stdout, out.stderr].concat();
        (
            out.status.code(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    }

    fn objects(&self, object: &str) -> RecordBatch {
        read(&self.path(&format!("state/zone/runs/latest/objects/{object}.parquet")))
    }
}

fn contents(objects: &RecordBatch) -> BTreeSet<(String, Vec<u8>)> {
    let hashes = objects.column_by_name("_content_hash").unwrap();
    let hashes = hashes.as_fixed_size_binary();
    let ids = text(objects, "RefId").iter().flatten();
    ids.enumerate()
        .map(|(row, id)| (id.to_owned(), hashes.value(row).to_vec()))
        .collect()
}

#[test]
fn item_4_a_zone_is_not_loaded() {
    let zone = Zone::new("");
    for verb in ["load", "verify"] {
        let (code, said) = zone.fullsync(&[verb, "zone", "LEAInfo"]);
        assert_eq!(code, Some(2), "{verb}: {said}");
        assert!(
            said.contains("fullsync sif sync zone") || said.contains("no run"),
            "{verb}: {said}"
        );
    }
}

/// The persons' other schools count for these, so that a batch of one school sees too little.
#[test]
fn item_4_objects_do_not_depend_on_the_batches_that_they_are_made_in() {
    let zone = Zone::new("");
    let objects = ["StaffAssignment", "StudentParticipation", "RoomInfo"];
    let (code, said) = zone.fullsync(
        &[
            &["transform", "zone", "--calendar-batch", "1"][..],
            &objects,
        ]
        .concat(),
    );
    assert_eq!(code, Some(0), "{said}");
    for object in objects {
        let made = contents(&zone.objects(object));
        assert_eq!(made, contents(&sample()[object]), "{object}");
    }
}

#[test]
fn item_4_ref_ids_that_a_third_party_holds_stand_everywhere() {
    let zone = Zone::new("[sif]\nref_ids = \"../ids.csv\"\n");
    let held = "0F1E2D3C4B5A69788796A5B4C3D2E1F0";
    let table = format!("object,key,ref_id\nLEAInfo,1,{held}\nSchoolInfo,4711,{held:.31}1\n");
    std::fs::write(zone.path("ids.csv"), table).unwrap();
    let (code, said) = zone.fullsync(&["transform", "zone", "LEAInfo", "SchoolInfo"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(text(&zone.objects("LEAInfo"), "RefId").value(0), held);
    let schools = zone.objects("SchoolInfo");
    assert!(
        text(&schools, "LEAInfoRefId")
            .iter()
            .all(|id| id == Some(held))
    );
    let own = |objects: &RecordBatch| -> BTreeSet<String> {
        let ids = text(objects, "RefId").iter().flatten();
        ids.map(str::to_owned).collect()
    };
    assert_eq!(
        own(&schools),
        own(&sample()["SchoolInfo"]),
        "no other changes"
    );

    std::fs::write(zone.path("ids.csv"), "object,key,ref_id\nLEAInfo,1,0F1E\n").unwrap();
    let (code, said) = zone.fullsync(&["transform", "zone", "LEAInfo"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("ids.csv:2:1") && said.contains("is no RefId"),
        "{said}"
    );
    assert!(
        !said.contains("Invalid function"),
        "no error but the real one: {said}"
    );
}
