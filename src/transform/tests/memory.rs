//! What happens when a query needs more memory than it may take.

use super::super::*;
use super::district::{District, numbers, table, texts};

#[tokio::test]
async fn a_join_too_large_for_memory_is_done_by_sorting() {
    let mut district = District::new();
    let count = 100_000;
    let ids = || numbers((0..count).map(Some).collect());
    let names: Vec<String> = (0..count).map(|i| format!("S{i:090}")).collect();
    let names = || texts(names.iter().map(|n| Some(n.as_str())).collect());
    for name in ["Left", "Right"] {
        district.stage(
            name,
            &table(vec![("id", ids()), ("name", names()), ("more", names())]),
        );
    }
    let sql = "\
SELECT r.name AS studentUniqueId, l.more AS firstName, 'Left' AS _source_table, l.id AS _source_key
FROM Left l JOIN Right r ON l.name = r.name";
    // Less than one side takes, so that hashing must fail; enough to sort in pieces.
    district.inputs.memory = 20 << 20;
    let out = district.path("students.parquet");
    let spec = district.spec("students", district.write("students.sql", sql));
    let session = Session::new(&district.inputs).await.unwrap();
    let options = Options {
        local_validation: false,
        ..Options::default()
    };
    let done = transform(&session, &spec, &district.standard, &out, &options)
        .await
        .unwrap();
    assert_eq!(done.rows, 100_000);
    // Too little even to sort: an error that says so, not a crash.
    district.inputs.memory = 64 << 10;
    let error = district.run("students", sql).await.unwrap_err().to_string();
    assert!(error.contains("memory"), "{error}");
}
