//! Arguments of `fullsync fetch`, and what it shares with `count`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::scope::{Scope, Year};

/// Filters that the target applies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct Filters {
    /// Only records with this value of a member, as the target's own queries name it. Can be given
    /// several times; all must hold.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub query: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            let paging = ["offset", "limit", "totalcount", "pagetoken", "pagesize"];
            match paging.contains(&name.trim().to_ascii_lowercase().as_str()) {
                true => Err(format!("`{name}` is what the paging itself asks")),
                false => Ok((name.trim().to_owned(), value.to_owned())),
            }
        }
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

/// Formats of `fetch`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FetchFormat {
    /// One JSON object a line.
    #[default]
    Jsonl,
    /// Columns as the metadata has them; what it does not know stands in `_other`.
    Parquet,
}

/// Copies the target's records into files.
///
/// Writes OUT/RESOURCE.jsonl (or .parquet) for each resource, readable by the owner only, a page at a
/// time: memory does not grow with the number of records.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync fetch edfi --out before
  fullsync fetch edfi students --query lastSurname=Smith --out smiths --keep studentUniqueId,birthDate
  fullsync fetch edfi schools --format parquet --drop addresses,_etag --out before")]
pub struct FetchArgs {
    #[command(flatten)]
    pub scope: Scope,

    /// The folder to write to; made when it is missing.
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,

    /// One JSON object a line, or Parquet.
    #[arg(long, value_enum, default_value_t)]
    pub format: FetchFormat,

    #[command(flatten)]
    pub filters: Filters,

    /// Keep only these members; dots lead into references, objects and lists: addresses.city.
    #[arg(long, value_name = "PATH,...", value_delimiter = ',')]
    pub keep: Vec<String>,

    /// Leave these members out.
    #[arg(long, value_name = "PATH,...", value_delimiter = ',')]
    pub drop: Vec<String>,

    /// Records of a page.
    #[arg(long, value_name = "N", default_value_t = 500,
        value_parser = clap::value_parser!(u16).range(1..=500))]
    pub page_size: u16,

    #[command(flatten)]
    pub year: Year,
}
