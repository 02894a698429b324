//! Descriptor values that staged objects use, and which of them a target does not have.
//!
//! Reads: objects files, a target's descriptor resources. Writes: a cache of the target's values.
//! Never: one entry per object.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::engine::CheckError;
use crate::files;
use crate::load::{Api, ApiError, Columns, Objects};
use crate::metadata::{Field, Kind};
use crate::object::member;

/// How long the target's values are believed.
const FRESH: TimeDelta = TimeDelta::hours(12);

/// Distinct values of one descriptor type that are looked at; a mapping that makes more of them is
/// wrong in another way.
const MOST: usize = 10_000;

/// `(descriptor type, value)` -> objects' uses of it.
pub type Used = BTreeMap<(String, String), u64>;

/// Counts the descriptor values of the objects that would be sent.
///
/// # Errors
/// The file cannot be read.
pub fn used(objects: &Path, fields: &BTreeMap<String, Field>) -> Result<Used, CheckError> {
    let objects = Objects::open(objects)?;
    let mut used = Used::new();
    for group in objects.groups() {
        objects.read(
            group,
            Columns::All,
            |_| true,
            |_, batch| {
                let held = batch.column_by_name("_held").cloned();
                let free: arrow::array::BooleanArray = (0..batch.num_rows())
                    .map(|i| Some(held.as_ref().is_none_or(|h| h.is_null(i))))
                    .collect();
                let batch = arrow::compute::filter_record_batch(&batch, &free)?;
                for (name, field) in fields {
                    if let Some(column) = batch.column_by_name(name) {
                        count(&field.kind, column, &mut used);
                    }
                }
                Ok::<bool, CheckError>(true)
            },
        )?;
    }
    Ok(used)
}

fn count(kind: &Kind, array: &ArrayRef, used: &mut Used) {
    match kind {
        Kind::Descriptor { name } => {
            let Some(texts) = array.as_string_opt::<i32>() else {
                return;
            };
            for text in texts.iter().flatten() {
                let key = (name.clone(), text.to_owned());
                if used.len() < MOST || used.contains_key(&key) {
                    *used.entry(key).or_default() += 1;
                }
            }
        }
        Kind::Object { fields } | Kind::Reference { fields, .. } => {
            let Some(parent) = array.as_struct_opt() else {
                return;
            };
            for (name, field) in fields {
                if let Some(column) = member(parent, name) {
                    count(&field.kind, &column, used);
                }
            }
        }
        Kind::Array { fields } => {
            let Some(list) = array.as_list_opt::<i32>() else {
                return;
            };
            // The elements of this slice only.
            let (from, to) = match (list.value_offsets().first(), list.value_offsets().last()) {
                (Some(from), Some(to)) => (*from, *to),
                _ => return,
            };
            let size = |n: i32| usize::try_from(n).unwrap_or_default();
            let elements = list.values().slice(size(from), size(to - from));
            let Some(parent) = elements.as_struct_opt() else {
                return;
            };
            for (name, field) in fields {
                if let Some(column) = member(parent, name) {
                    count(&field.kind, &column, used);
                }
            }
        }
        _ => {}
    }
}

/// The values that a target has, by descriptor type, in lower case; kept in a file between runs.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Remote {
    types: BTreeMap<String, Fetched>,
    /// Types that could not be fetched by this process, and why.
    #[serde(skip)]
    pub unread: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Fetched {
    at: DateTime<Utc>,
    values: BTreeSet<String>,
}

impl Remote {
    /// What an earlier process has fetched; nothing with `refresh`.
    pub fn open(cache: &Path, refresh: bool) -> Self {
        let text = (!refresh).then(|| std::fs::read(cache).ok()).flatten();
        // A cache that cannot be read is fetched again.
        text.and_then(|t| serde_json::from_slice(&t).ok())
            .unwrap_or_default()
    }

    /// Keeps it for the next process.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&self, cache: &Path) -> Result<(), CheckError> {
        if let Some(folder) = cache.parent() {
            files::create_dir(folder)?;
        }
        let text = serde_json::to_vec(self).map_err(std::io::Error::from)?;
        Ok(files::write(cache, &text)?)
    }

    /// Whether the target has a value; `None` where it cannot be told.
    ///
    /// # Errors
    /// The target does not answer.
    pub async fn has(
        &mut self,
        api: &Api,
        descriptor: &str,
        value: &str,
    ) -> Result<Option<bool>, CheckError> {
        let stale = |f: &Fetched| Utc::now() - f.at > FRESH;
        if self.types.get(descriptor).is_none_or(stale) && !self.unread.contains_key(descriptor) {
            self.fetch(api, descriptor).await?;
        }
        let fetched = self.types.get(descriptor);
        Ok(fetched.map(|f| f.values.contains(&value.to_lowercase())))
    }

    async fn fetch(&mut self, api: &Api, descriptor: &str) -> Result<(), CheckError> {
        let mut chars = descriptor.chars();
        let first = chars.next().map(|c| c.to_ascii_lowercase());
        let path: String = first.into_iter().chain(chars).collect();
        let path = format!("/ed-fi/{path}s");
        let mut values = BTreeSet::new();
        let mut read = 0;
        loop {
            let page = match api.page(&path, read).await {
                Ok(Some(page)) => page,
                Ok(None) => break,
                Err(ApiError::Refused { status, .. }) => {
                    self.types.remove(descriptor);
                    let why = format!("HTTP {status}");
                    self.unread.insert(descriptor.to_owned(), why);
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            };
            read += page.len();
            for record in page {
                let text = |name: &str| record.get(name).and_then(serde_json::Value::as_str);
                if let (Some(namespace), Some(code)) = (text("namespace"), text("codeValue")) {
                    values.insert(format!("{namespace}#{code}").to_lowercase());
                }
            }
        }
        let at = Utc::now();
        self.types
            .insert(descriptor.to_owned(), Fetched { at, values });
        Ok(())
    }
}
