//! `[load]`, `[report]`, `[keep]` and `[settings]`: the values that all have a default.
//!
//! Reads: sections. Writes: problems. Never: files.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::de::DeValue;

use super::limits::{self, Limit};
use super::resources::is_sql_name;
use super::section::{Document, Section, integer_of};
use super::{FailOn, Keep, LoadSettings, Rate, Setting, Window, WindowError};

/// Reads `[load]`.
pub(super) fn load_settings(top: &mut Section<'_>, sandbox: bool) -> LoadSettings {
    let mut section = top
        .section("load")
        .unwrap_or_else(|| empty(top.document, "load"));
    let section = &mut section;
    let number = |s: &mut Section<'_>, limit: &Limit| s.number(limit, sandbox);
    let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let concurrency_max = size(number(section, &limits::CONCURRENCY_MAX));
    let stated = section.has(limits::CONCURRENCY_START.key);
    let mut concurrency_start = size(number(section, &limits::CONCURRENCY_START));
    if concurrency_start > concurrency_max {
        if stated {
            let what = format!(
                "`load.concurrency_start` ({concurrency_start}) is above `load.concurrency_max` \
                 ({concurrency_max})"
            );
            section
                .document
                .wrong(&section.place(limits::CONCURRENCY_START.key), what);
        }
        concurrency_start = concurrency_max;
    }
    let rate = section
        .positive("max_requests_per_second", limits::MOST_PER_SECOND)
        .map(Rate::new);
    let window = window(section);
    let backoff_max = Duration::from_millis(number(section, &limits::BACKOFF_MAX));
    let backoff_start = Duration::from_millis(number(section, &limits::BACKOFF_START));
    let settings = LoadSettings {
        concurrency_start,
        concurrency_max,
        rate,
        window,
        max_attempts: count(number(section, &limits::MAX_ATTEMPTS)),
        backoff_start: backoff_start.min(backoff_max),
        backoff_max,
        retry_after_max: Duration::from_secs(number(section, &limits::RETRY_AFTER_MAX)),
        connect_timeout: Duration::from_secs(number(section, &limits::CONNECT_TIMEOUT)),
        request_timeout: Duration::from_secs(number(section, &limits::REQUEST_TIMEOUT)),
        stop_after_same_refusals: count(number(section, &limits::SAME_REFUSALS)),
        local_validation: section.flag("local_validation", true),
    };
    std::mem::replace(section, empty(top.document, "load")).finish();
    settings
}

/// Reads `window` and `time_zone`.
fn window(section: &mut Section<'_>) -> Option<Window> {
    let zone = section.text("time_zone");
    let Some(text) = section.text("window") else {
        if let Some(zone) = zone.filter(|_| !section.has("window")) {
            let what = "`load.time_zone` has no meaning without load.window";
            section.document.wrong(&zone.span, what);
        }
        return None;
    };
    match Window::parse(&text.value, zone.as_ref().map(|z| z.value.as_str())) {
        Ok(window) => Some(window),
        Err(error) => {
            let span = match (&error, &zone) {
                (WindowError::Zone(_), Some(zone)) => &zone.span,
                _ => &text.span,
            };
            section.document.wrong(span, error.to_string());
            None
        }
    }
}

/// A section that the file does not have.
pub(super) fn empty<'a>(document: &'a Document<'a>, name: &str) -> Section<'a> {
    Section {
        document,
        name: name.to_owned(),
        span: 0..0,
        entries: Vec::new(),
        known: Vec::new(),
    }
}

/// Reads `[report]`.
pub(super) fn fail_on(top: &mut Section<'_>) -> FailOn {
    let stated = top.section("report");
    if stated
        .as_ref()
        .is_none_or(|section| !section.has("fail_on"))
    {
        top.document.default("report.fail_on".to_owned(), "\"any\"");
    }
    let Some(mut section) = stated else {
        return FailOn::Any;
    };
    let value = section.take("fail_on");
    let document = section.document;
    let fail_on = value.and_then(|value| {
        let parsed = match value.get_ref() {
            DeValue::String(_) => FailOn::parse(&document.text_of("report.fail_on", value)?.value),
            other => integer_of(other)
                .and_then(|n| u64::try_from(n).ok())
                .map(FailOn::Count),
        };
        if parsed.is_none() {
            section.expected("fail_on", value, FAIL_ON);
        }
        parsed
    });
    section.finish();
    fail_on.unwrap_or(FailOn::Any)
}

const FAIL_ON: &str = "\"any\", \"new\", a number of errors like 25 or a share like \"5%\"";

/// Reads `[keep]`.
pub(super) fn keep(top: &mut Section<'_>) -> Keep {
    let mut section = top
        .section("keep")
        .unwrap_or_else(|| empty(top.document, "keep"));
    let runs = section.number(&limits::KEEP_RUNS, false);
    let failed_days = section.number(&limits::KEEP_FAILED_DAYS, false);
    section.finish();
    Keep {
        runs: usize::try_from(runs).unwrap_or(usize::MAX),
        failed_days: u32::try_from(failed_days).unwrap_or(u32::MAX),
    }
}

/// Reads `[settings]`, the one-row SQL table.
pub(super) fn settings(top: &mut Section<'_>) -> BTreeMap<String, Setting> {
    let mut settings = BTreeMap::new();
    let Some(section) = top.section("settings") else {
        return settings;
    };
    let document = section.document;
    for (name, span, value) in &section.entries {
        if !is_sql_name(name) {
            let what = format!(
                "`settings.{name}` is no column name: letters, digits and `_`, no digit first"
            );
            document.wrong(span, what);
            continue;
        }
        if *name == "school_year" {
            let what = "`settings.school_year` is set by the run; use the top-level `school_year`";
            document.wrong(span, what);
            continue;
        }
        if *name == "all_schools" {
            let what = "`settings.all_schools` is set by the run; use `schools` under [scope]";
            document.wrong(span, what);
            continue;
        }
        let setting = match value.get_ref() {
            DeValue::Boolean(flag) => Some(Setting::Boolean(*flag)),
            DeValue::String(_) => document
                .text_of(&format!("settings.{name}"), value)
                .map(|t| Setting::Text(t.value)),
            other => {
                let number = integer_of(other).map(Setting::Integer);
                if number.is_none() {
                    section.expected(name, value, "a text, a whole number, true or false");
                }
                number
            }
        };
        if let Some(setting) = setting {
            settings.insert((*name).to_owned(), setting);
        }
    }
    settings
}
