//! The page that documents the SIS tables, made from the schema.
//!
//! Reads: nothing. Writes: nothing; yields Markdown. Never: says what `sis.toml` does not.

use std::fmt::{self, Write as _};

use super::{ColumnType, SisSchema};

impl SisSchema {
    /// The tables as a page of Markdown: what a source has to contain.
    pub fn markdown(&self) -> String {
        let mut page = String::from(
            "# SIS tables\n\n\
             <!-- Made from pipelines/sis.toml by `UPDATE_DOCS=1 cargo test sis_tables_page`. \
             Do not edit. -->\n\n\
             What a source holds: one file (or SQL table) per table below. Only the tables that \
             the pipeline's\nresources use must be there. A column marked *optional* may be \
             missing and is then NULL; columns\nthat are not listed are not read. Names are \
             compared without regard to case.\n",
        );
        for table in &self.tables {
            // Writing to a String cannot fail.
            let _ = write!(
                page,
                "\n## {}\n\n{}\nKey: `{}`.\n\n| column | type | |\n|---|---|---|\n",
                table.name,
                table.about,
                table.key.join("`, `"),
            );
            for column in &table.columns {
                let note = match (table.key.contains(&column.name), column.optional) {
                    (true, _) => "key",
                    (false, true) => "optional",
                    (false, false) => "",
                };
                let _ = writeln!(page, "| {} | {} | {note} |", column.name, column.kind);
            }
        }
        page
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int => f.write_str("int"),
            Self::Decimal(p, s) => write!(f, "decimal({p},{s})"),
            Self::Text => f.write_str("text"),
            Self::Date => f.write_str("date"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Time => f.write_str("time"),
            Self::Bit => f.write_str("bit"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn sis_tables_page_is_up_to_date() {
        let page = SisSchema::load(Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/pipelines/sis.toml"
        )))
        .unwrap()
        .markdown();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sis-tables.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/docs")).unwrap();
            std::fs::write(path, &page).unwrap();
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            kept == page,
            "docs/sis-tables.md is old: run `UPDATE_DOCS=1 cargo test sis_tables_page`"
        );
    }
}
