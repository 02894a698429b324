//! The contract under bad weather, and against its published schema.

use serde_json::{Value, json};

use super::Dis;

#[test]
fn every_weather_delivers_the_same() {
    for faults in [
        &["503:every=2", "reset:every=3"][..],
        &["truncated:times=2"],
        &["reset-after-commit"],
        &["429:retry-after=1ms"],
        &["413:resource=School,limit=1"],
    ] {
        let dis = Dis::with(|options| {
            options.faults = faults.iter().map(|f| f.parse().unwrap()).collect();
        });
        dis.fullsync(&["run", "dis", "Calendar"]).expect(1);
        assert_eq!(
            (dis.count("School"), dis.count("Calendar")),
            (2, 2),
            "{faults:?}"
        );
        assert_eq!(dis.tally("School", "failed"), 1, "{faults:?}");
        assert_eq!(dis.tally("Calendar", "errors"), 1, "{faults:?}");
    }
}

#[test]
fn batches_are_as_small_as_the_state_wants() {
    let dis = Dis::with(|options| options.records = 1);
    dis.fullsync(&["run", "dis", "School"]).expect(1);
    assert_eq!(dis.state().batches(), 4, "one district, three schools");
}

#[test]
fn an_answer_that_is_never_complete_leaves_the_records_due() {
    let dis = Dis::with(|options| options.faults = vec!["truncated:always".parse().unwrap()]);
    let places = (
        "[report]",
        "[load]\nmax_attempts = 2\nbackoff_start_ms = 5\n[report]",
    );
    dis.pipeline("dis", &[places]);
    dis.fullsync(&["run", "dis", "District"]).expect(1);
    assert_eq!(dis.tally("District", "failed"), 1);
    dis.state().set_faults(Vec::new());
    dis.fullsync(&["run", "dis", "District", "--delta"])
        .expect(0);
    assert_eq!(
        dis.tally("District", "unchanged"),
        1,
        "it was stored, and is told so now"
    );
}

#[test]
fn the_schema_fits_what_is_said() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/docs/schemas/dis-contract.schema.json"
    );
    let schema: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let hash = "8c0b7d1e8c0b7d1e8c0b7d1e8c0b7d1e";
    for good in [
        json!({"key": "schoolID=1", "hash": hash, "school": 1, "record": {"schoolID": 1}}),
        json!({"results": [{"key": "schoolID=1", "result": "accepted", "change": "created"}]}),
        json!({"code": "older_sequence", "message": "newer"}),
    ] {
        assert!(validator.is_valid(&good), "{good}");
    }
    for bad in [
        json!({"key": "schoolID=1", "hash": "8c0b", "record": {}}),
        json!({"results": [{"key": "schoolID=1", "result": "rejected"}]}),
        json!({"results": [{"key": "schoolID=1", "result": "perhaps"}]}),
    ] {
        assert!(!validator.is_valid(&bad), "{bad}");
    }
}
