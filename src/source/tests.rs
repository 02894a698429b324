//! The three sources against one another and against hand-made faults.

mod equal;
mod faults;
mod missing;

use std::path::Path;

use super::*;

/// Keeps what a source yields.
#[derive(Default)]
struct Kept {
    batches: Vec<RecordBatch>,
    rejects: Vec<Reject>,
}

impl Sink for Kept {
    fn batch(&mut self, batch: RecordBatch) -> Result<(), SinkError> {
        self.batches.push(batch);
        Ok(())
    }

    fn reject(&mut self, reject: Reject) -> Result<(), SinkError> {
        self.rejects.push(reject);
        Ok(())
    }
}

fn read(source: &dyn Source, table: &TableSchema) -> (TableCount, RecordBatch, Vec<Reject>) {
    let mut kept = Kept::default();
    let count = source.read(table, &mut kept).unwrap();
    assert_eq!(count.read, count.staged + count.unreadable);
    assert_eq!(count.unreadable, kept.rejects.len() as u64);
    let batch = arrow::compute::concat_batches(&table.arrow(), &kept.batches).unwrap();
    assert_eq!(count.staged, batch.num_rows() as u64);
    (count, batch, kept.rejects)
}

/// A table from `name type` texts; the first column is the key unless `key` names others.
fn table(name: &str, key: &[&str], columns: &[(&str, ColumnType)]) -> TableSchema {
    TableSchema {
        name: name.to_owned(),
        about: String::new(),
        key: key.iter().map(|k| (*k).to_owned()).collect(),
        columns: columns
            .iter()
            .map(|(name, kind)| Column {
                name: (*name).to_owned(),
                kind: *kind,
                optional: false,
            })
            .collect(),
    }
}

fn enrollment() -> TableSchema {
    table(
        "Enrollment",
        &["enrollmentID"],
        &[
            ("enrollmentID", ColumnType::Int),
            ("grade", ColumnType::Text),
            ("startDate", ColumnType::Date),
            ("noShow", ColumnType::Bit),
            ("percentEnrolled", ColumnType::Decimal(5, 2)),
        ],
    )
}

fn csv_folder(files: &[(&str, &[u8])]) -> (tempfile::TempDir, CsvFolder) {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    let folder = CsvFolder::open(dir.path()).unwrap();
    (dir, folder)
}

fn rows_as_text(batch: &RecordBatch) -> Vec<String> {
    let options = arrow::util::display::FormatOptions::default().with_null("-");
    let columns: Vec<_> = batch
        .columns()
        .iter()
        .map(|c| arrow::util::display::ArrayFormatter::try_new(c.as_ref(), &options).unwrap())
        .collect();
    (0..batch.num_rows())
        .map(|row| {
            let cells: Vec<String> = columns.iter().map(|c| c.value(row).to_string()).collect();
            cells.join("|")
        })
        .collect()
}

#[test]
fn formats_open_by_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.sqlite");
    rusqlite::Connection::open(&file)
        .unwrap()
        .execute("CREATE TABLE T (a)", [])
        .unwrap();
    assert!(
        open(dir.path(), Format::Csv)
            .unwrap()
            .describe()
            .starts_with("CSV folder")
    );
    assert!(
        open(dir.path(), Format::Parquet)
            .unwrap()
            .describe()
            .starts_with("Parquet folder")
    );
    let sqlite = open(&file, Format::Sqlite).unwrap();
    assert_eq!(sqlite.tables().unwrap()[0].name, "T");
    assert!(sqlite.total_bytes(&["T"]) > 0);

    for (path, format) in [
        (file.as_path(), Format::Csv),
        (dir.path(), Format::Sqlite),
        (Path::new("no/such/folder"), Format::Parquet),
        (Path::new("no/such/file"), Format::Sqlite),
    ] {
        let error = open(path, format).unwrap_err().to_string();
        assert!(error.contains("[source]"), "{error}");
    }
    std::fs::write(
        dir.path().join("text"),
        "this is no database, it is a text of some length",
    )
    .unwrap();
    assert!(open(&dir.path().join("text"), Format::Sqlite).is_err());
}
