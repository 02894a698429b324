//! The SIS tables: each column's type is declared once, in `pipelines/sis.toml`, and used for
//! reading, checking and documenting.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// All declared tables, in file order.
#[derive(Clone, Debug, Default)]
pub struct SisSchema {
    /// The tables.
    pub tables: Vec<TableSchema>,
}

/// One SIS table.
#[derive(Clone, Debug)]
pub struct TableSchema {
    /// Name as in the SIS (`Enrollment`): also the file's name and the SQL table's name.
    pub name: String,
    /// One line on what a row is.
    pub about: String,
    /// Names of the key columns; together unique and never NULL.
    pub key: Vec<String>,
    /// The columns, in file order.
    pub columns: Vec<Column>,
}

/// One column of a SIS table.
#[derive(Clone, Debug)]
pub struct Column {
    /// Name as in the SIS (`personID`).
    pub name: String,
    /// Declared type.
    pub kind: ColumnType,
    /// The extraction stops when a required column is missing from the source. An optional one is
    /// then staged as NULLs.
    pub optional: bool,
}

/// The types a SIS column can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// 64-bit integer (`int`).
    Int,
    /// `decimal(p,s)`.
    Decimal(u8, i8),
    /// Text (`text`).
    Text,
    /// Calendar date (`date`); a time of day in the source text is cut off.
    Date,
    /// Date and time without zone, microseconds (`timestamp`).
    Timestamp,
    /// Time of day, staged as text `HH:MM:SS` (`time`).
    Time,
    /// 0/1, true/false, staged as Boolean (`bit`).
    Bit,
}

impl ColumnType {
    /// The Arrow type that it is staged as.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Int => DataType::Int64,
            Self::Decimal(p, s) => DataType::Decimal128(p, s),
            Self::Text | Self::Time => DataType::Utf8,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Bit => DataType::Boolean,
        }
    }
}

impl SisSchema {
    /// The table of this name (case-sensitive).
    pub fn table(&self, name: &str) -> Option<&TableSchema> {
        self.tables.iter().find(|t| t.name == name)
    }
}

impl TableSchema {
    /// The Arrow schema that the table is staged with: all declared columns, in file order, and
    /// last `_source_row`, the row's number in its source file (1 = first row after the header).
    pub fn arrow(&self) -> SchemaRef {
        let mut fields: Vec<Field> = self
            .columns
            .iter()
            .map(|c| Field::new(&c.name, c.kind.arrow(), !self.key.contains(&c.name)))
            .collect();
        fields.push(Field::new("_source_row", DataType::Int64, false));
        Arc::new(Schema::new(fields))
    }
}
