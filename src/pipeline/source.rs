//! `[source]`: where the SIS rows are, and in which format.
//!
//! Reads: the names in the source's folder. Writes: nothing. Never: a row.

use std::fs;
use std::path::Path;

use super::check::choice;
use super::layer::Kind;
use super::section::Section;
use super::{SourceFormat, SourceSettings};

/// Reads `[source]`; None with a problem recorded.
pub(super) fn read(top: &mut Section<'_>) -> Option<SourceSettings> {
    let Some(mut section) = top.section("source") else {
        if !top.has("source") {
            top.document
                .wrong(&(0..0), "[source] is missing: it needs path = \"...\"");
        }
        return None;
    };
    let document = section.document;
    let path = section.text("path");
    let legal = [
        ("csv", SourceFormat::Csv),
        ("parquet", SourceFormat::Parquet),
        ("sqlite", SourceFormat::Sqlite),
    ];
    let stated = section.text("format");
    let format = stated
        .as_ref()
        .and_then(|t| choice(document, "source.format", t, &legal));
    let at = section.span.clone();
    let has_path = section.has("path");
    section.finish();
    let Some(path) = path else {
        if !has_path {
            document.wrong(
                &at,
                "[source] needs path = \"...\", the folder or file of SIS tables",
            );
        }
        return None;
    };
    let place = document.path_of(&path);
    if !place.exists() {
        let mut what = format!("no such file or folder: {}", place.display());
        let layer = document.layer(&path.span).map(|layer| layer.kind);
        if layer == Some(Kind::Shipped) {
            what.push_str(
                ", the sample of the shipped pipeline; write [source] path = \"...\" into a file of \
                 your own that extends it",
            );
            return Some(SourceSettings {
                missing: Some(document.at(&path.span, what)),
                path: place,
                format: format.unwrap_or(SourceFormat::Csv),
            });
        }
        document.wrong(&path.span, what);
        return None;
    }
    let format = match (format, stated) {
        (Some(format), _) => format,
        (None, Some(_)) => return None,
        (None, None) => match guess(&place) {
            Ok(format) => format,
            Err(why) => {
                let problem = document
                    .at(&path.span, why)
                    .choices("", legal.map(|(n, _)| n));
                document.problem(&path.span, problem);
                return None;
            }
        },
    };
    if place.is_dir() == (format == SourceFormat::Sqlite) {
        let wanted = if place.is_dir() { "a file" } else { "a folder" };
        let what = format!("this format needs {wanted}: {}", place.display());
        document.wrong(&path.span, what);
        return None;
    }
    Some(SourceSettings {
        path: place,
        format,
        missing: None,
    })
}

/// The format of a source by what is there.
fn guess(place: &Path) -> Result<SourceFormat, String> {
    if place.is_file() {
        return Ok(SourceFormat::Sqlite);
    }
    let has = |wanted: &str| {
        let mut entries = fs::read_dir(place).into_iter().flatten().flatten();
        entries.any(|e| {
            e.path()
                .extension()
                .is_some_and(|x| x.eq_ignore_ascii_case(wanted))
        })
    };
    match (has("csv"), has("parquet")) {
        (true, false) => Ok(SourceFormat::Csv),
        (false, true) => Ok(SourceFormat::Parquet),
        (true, true) => Err(format!(
            "{} holds CSV and Parquet files: say which by source.format",
            place.display()
        )),
        (false, false) => Err(format!(
            "{} holds no CSV and no Parquet file: wrong folder, or say source.format",
            place.display()
        )),
    }
}
