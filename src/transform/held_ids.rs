//! Reads the table of RefIds that others hold: `object,key,ref_id`, as CSV or Parquet.
//!
//! Reads: the file, once per process and pipeline. Writes: nothing. Never: keeps the keys.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::error::Problem;
use super::ref_id::RefIdSettings;
use crate::object::{Clash, HeldIds, RefId};

/// The columns, in the order of [`Pairs::add`].
const COLUMNS: [&str; 3] = ["object", "key", "ref_id"];

/// Most wrong rows that are told one by one.
const TOLD: usize = 20;

/// The RefIds that others hold; none where the settings name no file.
///
/// # Errors
/// What is wrong with the file, row by row.
pub(super) fn held(settings: &RefIdSettings) -> Result<Arc<HeldIds>, Vec<Problem>> {
    let Some(file) = &settings.held else {
        return Ok(Arc::default());
    };
    if let Some(loaded) = file.loaded.get() {
        return Ok(Arc::clone(loaded));
    }
    let mut pairs = Pairs {
        settings,
        file: &file.path,
        pairs: Vec::new(),
        problems: Vec::new(),
        wrong: 0,
    };
    let is_parquet = file.path.extension().is_some_and(|e| e == "parquet");
    let read = match is_parquet {
        true => pairs.parquet(),
        false => pairs.csv(),
    };
    if let Err(what) = read {
        let what = format!("cannot be read: {what}");
        pairs.problems.push(Problem::new(&file.path, what));
    }
    let table = pairs.finish()?;
    Ok(Arc::clone(file.loaded.get_or_init(|| Arc::new(table))))
}

struct Pairs<'a> {
    settings: &'a RefIdSettings,
    file: &'a Path,
    pairs: Vec<(RefId, RefId)>,
    problems: Vec<Problem>,
    wrong: usize,
}

impl Pairs<'_> {
    fn csv(&mut self) -> Result<(), String> {
        let mut reader = csv::Reader::from_path(self.file).map_err(|e| e.to_string())?;
        let header = reader.headers().map_err(|e| e.to_string())?.clone();
        let places = places(
            header
                .iter()
                .map(|name| name.trim_start_matches('\u{feff}')),
        )?;
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(|e| e.to_string())? {
            let line = record.position().map_or(0, csv::Position::line);
            let values = places.map(|at| record.get(at));
            self.add(values, Some((line, 1)), &format!("line {line}"));
        }
        Ok(())
    }

    fn parquet(&mut self) -> Result<(), String> {
        let file = File::open(self.file).map_err(|e| e.to_string())?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .and_then(ParquetRecordBatchReaderBuilder::build)
            .map_err(|e| e.to_string())?;
        let mut before = 0;
        for batch in reader {
            let batch: RecordBatch = batch.map_err(|e| e.to_string())?;
            let schema = batch.schema();
            let places = places(schema.fields().iter().map(|f| f.name().as_str()))?;
            let mut columns = Vec::with_capacity(places.len());
            for at in places {
                let text = cast(batch.column(at), &DataType::Utf8).map_err(|e| e.to_string())?;
                columns.push(text);
            }
            for row in 0..batch.num_rows() {
                let value = |i: usize| {
                    let column = columns.get(i)?.as_string::<i32>();
                    column.is_valid(row).then(|| column.value(row))
                };
                let values = [value(0), value(1), value(2)];
                self.add(values, None, &format!("row {}", before + row + 1));
            }
            before += batch.num_rows();
        }
        Ok(())
    }

    fn add(&mut self, values: [Option<&str>; 3], at: Option<(u64, u64)>, place: &str) {
        let [object, key, held] = values.map(|v| v.map(str::trim).filter(|v| !v.is_empty()));
        let (Some(object), Some(key), Some(text)) = (object, key, held) else {
            return self.wrong(at, format!("{place} has an empty object, key or ref_id"));
        };
        let Some(held) = RefId::parse(text) else {
            let what = format!("{place}: `{text}` is no RefId: 32 hexadecimal digits");
            return self.wrong(at, what);
        };
        self.pairs
            .push((self.settings.ids.ref_id(object, key), held));
    }

    fn wrong(&mut self, at: Option<(u64, u64)>, what: String) {
        self.wrong += 1;
        if self.wrong <= TOLD {
            self.problems.push(Problem::new(self.file, what).at(at));
        }
    }

    fn finish(mut self) -> Result<HeldIds, Vec<Problem>> {
        if self.wrong > TOLD {
            let what = format!("{} more rows are wrong", self.wrong - TOLD);
            self.problems.push(Problem::new(self.file, what));
        }
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        HeldIds::new(self.pairs).map_err(|clash| {
            let what = match clash {
                Clash::TwoForOne(_, a, b) => {
                    format!("one object has two RefIds: {} and {}", a.plain(), b.plain())
                }
                Clash::OneForTwo(id) => format!("two objects have the RefId {}", id.plain()),
            };
            vec![Problem::new(self.file, what)]
        })
    }
}

fn places<'a>(names: impl Iterator<Item = &'a str>) -> Result<[usize; 3], String> {
    let names: Vec<&str> = names.map(str::trim).collect();
    let place = |wanted: &str| names.iter().position(|n| n.eq_ignore_ascii_case(wanted));
    match COLUMNS.map(place) {
        [Some(object), Some(key), Some(id)] => Ok([object, key, id]),
        _ => Err(format!("it needs the columns {}", COLUMNS.join(", "))),
    }
}
