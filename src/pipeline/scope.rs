//! `[scope]`: the schools that a configuration is for, and how many calendars are worked on at a
//! time.
//!
//! Reads: the section. Writes: nothing. Never: looks a school up; the SIS has them (E15, E16, E17).

use toml::de::DeValue;

use super::layer::Kind;
use super::limits;
use super::options::empty;
use super::section::{Section, integer_of};
use crate::scope::SchoolsWanted;

const SCHOOLS: &str = "\"all\", or a list of schools like [12, \"Washington High\"]";

/// What `[scope]` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeSettings {
    /// The schools; `None`: the command line must say.
    pub schools: Option<SchoolsWanted>,
    /// Calendars that are transformed at a time; a school is never split.
    pub calendar_batch: usize,
}

/// Reads `[scope]`.
pub(super) fn read(top: &mut Section<'_>) -> ScopeSettings {
    let mut section = top
        .section("scope")
        .unwrap_or_else(|| empty(top.document, "scope"));
    let batch = section.number(&limits::CALENDAR_BATCH, false);
    let schools = schools(&mut section);
    section.finish();
    ScopeSettings {
        schools,
        calendar_batch: usize::try_from(batch).unwrap_or(usize::MAX),
    }
}

fn schools(section: &mut Section<'_>) -> Option<SchoolsWanted> {
    let value = section.take("schools")?;
    let document = section.document;
    if value.get_ref().is_str() {
        let text = document.text_of(&section.full("schools"), value)?;
        if text.value == "all" {
            let layer = document.layer(&text.span);
            if layer.is_some_and(|layer| layer.kind == Kind::Argument) {
                let what = "`scope.schools`: \"all\" is consent in a file only; on the command line \
                            say --all-schools";
                document.wrong(&text.span, what);
                return None;
            }
            return Some(SchoolsWanted::All);
        }
        // One school needs no brackets.
        if !text.value.trim().is_empty() {
            return Some(SchoolsWanted::Named(vec![text.value]));
        }
        section.expected("schools", value, SCHOOLS);
        return None;
    }
    if let Some(id) = integer_of(value.get_ref()) {
        return Some(SchoolsWanted::Named(vec![id.to_string()]));
    }
    let DeValue::Array(items) = value.get_ref() else {
        section.expected("schools", value, SCHOOLS);
        return None;
    };
    let mut named = Vec::new();
    for item in items {
        match integer_of(item.get_ref()) {
            Some(id) => named.push(id.to_string()),
            None if !item.get_ref().is_str() => {
                section.expected("schools", item, "an id, a number or a name of a school");
            }
            None => match document.text_of("scope.schools", item) {
                Some(text) if text.value == "all" => {
                    let what = "`scope.schools`: \"all\" stands alone: schools = \"all\"";
                    document.wrong(&item.span(), what);
                }
                Some(text) if text.value.trim().is_empty() => {
                    document.wrong(
                        &item.span(),
                        "`scope.schools`: an empty text names no school",
                    );
                }
                Some(text) => named.push(text.value),
                None => {}
            },
        }
    }
    if items.is_empty() {
        let what = "`scope.schools` names no school; for all of them write schools = \"all\"";
        document.wrong(&value.span(), what);
    }
    Some(SchoolsWanted::Named(named))
}
