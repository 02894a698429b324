//! GET: by id, by query, by page.
//!
//! Reads: the store. Writes: nothing. Never: holds a shelf's lock while it reads JSON.

use std::fmt::Write as _;
use std::ops::Range;

use chrono::{DateTime, SecondsFormat};
use hyper::header::{self, HeaderName};
use serde_json::json;
use xxhash_rust::xxh3::xxh3_128;

use super::api::Api;
use super::layout::DescriptorType;
use super::options::{ErrorStyle, Operation};
use super::problem::Problem;
use super::query::{Filters, Query, page_token};
use super::scalar::write_string;
use super::store::{Record, Shelf};
use crate::sandbox::answer::Answer;

/// Positions looked at under one lock.
const CHUNK: usize = 1024;

const TOTAL_COUNT: HeaderName = HeaderName::from_static("total-count");
const NEXT_PAGE: HeaderName = HeaderName::from_static("next-page-token");

/// A page of a collection.
#[derive(Default)]
struct Page {
    /// A JSON list, not yet closed.
    json: Vec<u8>,
    taken: usize,
    passed_over: usize,
    matched: u64,
    /// One more than the position of the last record taken.
    next: usize,
}

impl Api {
    /// GET of one record.
    ///
    /// # Errors
    /// 403, 404.
    pub(super) fn item(
        &self,
        number: u16,
        id: &str,
        known: Option<&str>,
    ) -> Result<Answer, Problem> {
        self.allow(number, Operation::Read)?;
        let id = parse_id(id).ok_or_else(Problem::no_item)?;
        let shelf = self.store.read(number);
        let record = shelf.by_id(id).ok_or_else(Problem::no_item)?;
        let version = record.version;
        let mut body = Vec::with_capacity(record.body.len() + 128);
        write_record(record, &mut body);
        drop(shelf);
        if known.is_some_and(|etags| matches_etag(etags, version)) {
            return Ok(self.with_etag(Answer::empty(304), version));
        }
        Ok(self.with_etag(Answer::json(200, body), version))
    }

    /// GET of a collection.
    ///
    /// # Errors
    /// 400 of a parameter, 403.
    pub(super) fn collection(&self, number: u16, query: &str) -> Result<Answer, Problem> {
        self.allow(number, Operation::Read)?;
        let query = Query::parse(query)?;
        let filters = Filters::new(self.layout.resource(number), &query)?;
        let mut page = Page {
            json: b"[".to_vec(),
            ..Page::default()
        };
        let total = match (filters.id, filters.key) {
            (None, None) => self.scan(number, &query, &filters, &mut page),
            _ => self.pick(number, &query, &filters, &mut page),
        };
        page.json.push(b']');
        let mut answer = Answer::json(200, page.json);
        if query.total {
            answer = answer.header(TOTAL_COUNT, total.to_string());
        }
        // Servers before 7.3 have no cursors.
        let cursors = self.style == ErrorStyle::ProblemDetails;
        if cursors && query.offset.is_none() && page.taken > 0 {
            answer = answer.header(NEXT_PAGE, page_token(page.next, query.window.1));
        }
        Ok(answer)
    }

    /// At most one record: the id or the whole key is known.
    fn pick(&self, number: u16, query: &Query, filters: &Filters<'_>, page: &mut Page) -> u64 {
        let shelf = self.store.read(number);
        let found = match (filters.id, filters.key) {
            (Some(id), _) => shelf.by_id(id),
            (None, Some(key)) => shelf.by_key(key),
            (None, None) => None,
        };
        if let Some(record) = found.filter(|r| in_versions(r, query) && filters.pass(&r.body)) {
            page.next = shelf.end();
            page.take(record, query);
        }
        page.matched
    }

    /// All records of the window in turn, a chunk per lock.
    fn scan(&self, number: u16, query: &Query, filters: &Filters<'_>, page: &mut Page) -> u64 {
        let unfiltered = filters.is_empty() && query.versions == (0, u64::MAX);
        let mut at = query.window.0;
        let mut size = CHUNK;
        {
            let shelf = self.store.read(number);
            // Without holes a position is an offset.
            if unfiltered && shelf.len() == shelf.end() {
                let skip = query.offset.unwrap_or(0);
                at = at.saturating_add(skip);
                page.passed_over = skip;
                size = query.limit.max(1);
            }
        }
        loop {
            let chunk = self.chunk(number, at..query.window.1.unwrap_or(usize::MAX), size);
            let Some(last) = chunk.last() else { break };
            at = last.0 + 1;
            for (position, record) in &chunk {
                if in_versions(record, query) && filters.pass(&record.body) {
                    let taken = page.taken;
                    page.take(record, query);
                    if page.taken > taken {
                        page.next = position + 1;
                    }
                }
            }
            let full = page.taken >= query.limit;
            if full && (unfiltered || !query.total) {
                break;
            }
        }
        match unfiltered {
            true => self.store.read(number).len() as u64,
            false => page.matched,
        }
    }

    fn chunk(&self, number: u16, window: Range<usize>, size: usize) -> Vec<(usize, Record)> {
        let shelf = self.store.read(number);
        (window.start..window.end.min(shelf.end()))
            .filter_map(|at| Some((at, light(shelf.at(at)?))))
            .take(size)
            .collect()
    }

    /// Tokens of pages that together cover a collection.
    ///
    /// # Errors
    /// 400 of a parameter, 403.
    pub(super) fn partitions(&self, number: u16, query: &str) -> Result<Answer, Problem> {
        self.allow(number, Operation::Read)?;
        let query = Query::parse(query)?;
        Filters::new(self.layout.resource(number), &query)?;
        let end = Shelf::end(&self.store.read(number));
        Ok(partitions(end, query.partitions))
    }

    /// GET of a descriptor collection.
    ///
    /// # Errors
    /// 400 of a parameter.
    pub(super) fn descriptors(
        &self,
        kind: &DescriptorType,
        query: &str,
    ) -> Result<Answer, Problem> {
        let query = Query::parse(query)?;
        for (name, _) in &query.filters {
            if ![
                "id",
                "namespace",
                "codeValue",
                "shortDescription",
                "description",
            ]
            .contains(&name.as_str())
            {
                let error = format!("'{name}' is not a property of '{}'.", kind.title);
                return Err(Problem::parameter(name, error));
            }
        }
        let pass = |(namespace, code): &(String, String)| {
            query
                .filters
                .iter()
                .all(|(name, value)| match name.as_str() {
                    "namespace" => namespace == value,
                    "id" => descriptor_id(namespace, code) == *value,
                    _ => code == value,
                })
        };
        let (start, end) = (query.window.0, query.window.1.unwrap_or(usize::MAX));
        let matching = kind
            .values
            .iter()
            .enumerate()
            .filter(|(_, value)| pass(value));
        let total = matching.clone().count();
        let mut json = b"[".to_vec();
        let mut next = None;
        for (position, (namespace, code)) in matching
            .filter(|(position, _)| (start..end).contains(position))
            .skip(query.offset.unwrap_or(0))
            .take(query.limit)
        {
            if next.is_some() {
                json.push(b',');
            }
            write_descriptor(namespace, code, &mut json);
            next = Some(position + 1);
        }
        json.push(b']');
        let mut answer = Answer::json(200, json);
        if query.total {
            answer = answer.header(TOTAL_COUNT, total.to_string());
        }
        if let (None, Some(next)) = (query.offset, next) {
            answer = answer.header(NEXT_PAGE, page_token(next, query.window.1));
        }
        Ok(answer)
    }

    /// GET of one descriptor.
    ///
    /// # Errors
    /// 404.
    pub(super) fn descriptor(&self, kind: &DescriptorType, id: &str) -> Result<Answer, Problem> {
        let found = kind.values.iter().find(|(n, c)| descriptor_id(n, c) == id);
        let (namespace, code) = found.ok_or_else(Problem::no_item)?;
        let mut json = Vec::new();
        write_descriptor(namespace, code, &mut json);
        Ok(Answer::json(200, json))
    }

    /// Adds the ETag, unless the quirks leave it out.
    pub(super) fn with_etag(&self, answer: Answer, version: u64) -> Answer {
        match self.quirks().no_etag {
            true => answer,
            false => answer.header(header::ETAG, format!("\"{version}\"")),
        }
    }
}

/// Tokens of pages that together cover positions up to `end`.
pub(super) fn partitions(end: usize, wanted: usize) -> Answer {
    let size = end.div_ceil(wanted).max(1);
    let tokens: Vec<_> = (0..end)
        .step_by(size)
        .map(|start| {
            let last = start + size >= end;
            page_token(start, (!last).then_some(start + size))
        })
        .collect();
    Answer::json(200, json!({ "pageTokens": tokens }).to_string())
}

/// Whether an `If-Match` or `If-None-Match` header names a version.
pub(super) fn matches_etag(etags: &str, version: u64) -> bool {
    etags.split(',').map(str::trim).any(|etag| {
        let bare = etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"');
        bare == "*" || bare.parse() == Ok(version)
    })
}

/// The number of an id, 32 hexadecimal digits.
pub(super) fn parse_id(id: &str) -> Option<u128> {
    let digits = id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
    digits.then(|| u128::from_str_radix(id, 16).ok()).flatten()
}

impl Page {
    fn take(&mut self, record: &Record, query: &Query) {
        self.matched += 1;
        if self.passed_over < query.offset.unwrap_or(0) {
            self.passed_over += 1;
        } else if self.taken < query.limit {
            if self.taken > 0 {
                self.json.push(b',');
            }
            write_record(record, &mut self.json);
            self.taken += 1;
        }
    }
}

fn in_versions(record: &Record, query: &Query) -> bool {
    (query.versions.0..=query.versions.1).contains(&record.version)
}

/// A record without its references, cheap to carry out of the lock.
fn light(record: &Record) -> Record {
    Record {
        references: Box::default(),
        body: record.body.clone(),
        ..*record
    }
}

/// The record as a client sees it: its body between the server's own members.
fn write_record(record: &Record, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{{\"id\":\"{:032x}\"", record.id).as_bytes());
    let inner = record
        .body
        .get(1..record.body.len().saturating_sub(1))
        .unwrap_or_default();
    if !inner.is_empty() {
        out.push(b',');
        out.extend_from_slice(inner);
    }
    let modified = DateTime::from_timestamp_millis(record.modified_ms)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true);
    let tail = format!(
        ",\"_etag\":\"{}\",\"_lastModifiedDate\":\"{modified}\"}}",
        record.version
    );
    out.extend_from_slice(tail.as_bytes());
}

fn descriptor_id(namespace: &str, code: &str) -> String {
    let mut uri = String::with_capacity(namespace.len() + code.len() + 1);
    let _ = write!(uri, "{namespace}#{code}");
    format!("{:032x}", xxh3_128(uri.as_bytes()))
}

fn write_descriptor(namespace: &str, code: &str, out: &mut Vec<u8>) {
    let members = [
        ("id", descriptor_id(namespace, code)),
        ("namespace", namespace.to_owned()),
        ("codeValue", code.to_owned()),
        ("shortDescription", code.chars().take(75).collect()),
        ("description", code.to_owned()),
    ];
    for (i, (name, value)) in members.iter().enumerate() {
        out.push(if i == 0 { b'{' } else { b',' });
        write_string(name, out);
        out.push(b':');
        write_string(value, out);
    }
    out.push(b'}');
}
