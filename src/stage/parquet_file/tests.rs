//! Files as they are written, half-written and read back.

use arrow::array::{
    Array as _, ArrayRef, FixedSizeBinaryArray, Int64Array, ListArray, StringArray, StructArray,
};
use arrow::datatypes::{Field, Int64Type, Schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;

fn objects(rows: usize) -> RecordBatch {
    let range = || 0..i64::try_from(rows).unwrap();
    let hashes: Vec<[u8; 16]> = range().map(|i| i128::from(i).to_be_bytes()).collect();
    let hashes = || -> ArrayRef {
        let hashes = hashes.iter().map(|h| h.as_slice());
        Arc::new(FixedSizeBinaryArray::try_from_iter(hashes).unwrap())
    };
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(range()));
    let texts: ArrayRef = Arc::new(StringArray::from_iter(
        range().map(|i| (i % 3 != 0).then(|| format!("text {}", i % 7))),
    ));
    let nested = StructArray::from(vec![(
        Arc::new(Field::new("schoolId", DataType::Int64, true)),
        Arc::clone(&numbers),
    )]);
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(
        range().map(|i| (i % 2 == 0).then(|| vec![Some(i), None])),
    );
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("name", texts),
        ("numbers", Arc::new(lists)),
        ("schoolReference", Arc::new(nested)),
        ("_key_hash", hashes()),
        ("_content_hash", hashes()),
        ("_school_id", numbers),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .map(|(n, c)| Field::new(*n, c.data_type().clone(), true))
        .collect();
    RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns.into_iter().map(|(_, c)| c).collect(),
    )
    .unwrap()
}

#[test]
fn nested_objects_and_hashes_read_back_equal() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("objects/students.parquet");
    let batch = objects(1000);
    let mut file = ParquetFile::create(&path, batch.schema(), &Layout::objects()).unwrap();
    file.write(&batch.slice(0, 400)).unwrap();
    assert!(!path.exists() && files::partial(&path).exists());
    file.write(&batch.slice(400, 600)).unwrap();
    let done = file.finish().unwrap();
    assert!(path.exists() && !files::partial(&path).exists());
    assert_eq!(
        (done.rows, done.bytes),
        (1000, fs::metadata(&path).unwrap().len())
    );
    assert_eq!(done.fingerprint, fingerprint(&path).unwrap());
    assert_eq!(done.columns[3].kind, "FixedSizeBinary(16)");

    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
    let batches: Vec<RecordBatch> = reader
        .with_batch_size(2000)
        .build()
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(batches, [batch]);
}

#[test]
fn the_same_rows_make_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let batch = objects(50);
    let made = |name: &str| {
        let path = dir.path().join(name);
        let mut file = ParquetFile::create(&path, batch.schema(), &Layout::results()).unwrap();
        file.write(&batch).unwrap();
        file.finish().unwrap().fingerprint
    };
    assert_eq!(made("a.parquet"), made("b.parquet"));
}

#[test]
fn a_file_that_is_given_up_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.parquet");
    fs::write(&path, "earlier").unwrap();
    let batch = objects(10);
    let mut file = ParquetFile::create(&path, batch.schema(), &Layout::objects()).unwrap();
    file.write(&batch).unwrap();
    drop(file);
    assert_eq!(fs::read(&path).unwrap(), b"earlier");
    assert!(!files::partial(&path).exists());
}

#[test]
fn a_batch_of_another_schema_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let batch = objects(1);
    let path = dir.path().join("x.parquet");
    let mut file = ParquetFile::create(&path, batch.schema(), &Layout::objects()).unwrap();
    let other = batch.project(&[0]).unwrap();
    let error = file.write(&other).unwrap_err();
    assert!(error.to_string().contains("x.parquet"), "{error}");
}

#[test]
fn row_groups_are_of_one_scan_partition_and_only_scope_columns_have_statistics() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.parquet");
    let rows = ROW_GROUP_ROWS + 10;
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows as i64));
    let batch =
        RecordBatch::try_from_iter([("body", Arc::clone(&numbers)), ("_key_hash", numbers)])
            .unwrap();
    let mut file = ParquetFile::create(&path, batch.schema(), &Layout::objects()).unwrap();
    file.write(&batch).unwrap();
    file.finish().unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
    let groups = reader.metadata().row_groups();
    assert_eq!(groups.len(), 2);
    assert_eq!(groups[0].num_rows(), ROW_GROUP_ROWS as i64);
    let [body, hash] = groups[0].columns() else {
        panic!("two columns")
    };
    assert!(body.statistics().is_none() && hash.statistics().is_some());
    assert!(hash.dictionary_page_offset().is_none());
    assert_eq!(hash.compression(), Compression::ZSTD(ZstdLevel::default()));
}
