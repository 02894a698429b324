//! `[dis]`: which edition this installation is, and which fields the state owns.
//!
//! Reads: the section. Writes: nothing. Never: judges whether an object has such a field (the
//! metadata does).

use std::collections::BTreeMap;

use super::check::choice;
use super::problem::Problem;
use super::resources::Queries;
use super::section::{Document, Section};
use super::{Mode, TargetKind};

/// What a pipeline to a state edition has beside the others.
#[derive(Clone, Debug)]
pub struct Dis {
    /// What this installation is: it decides which commands exist.
    pub edition: Edition,
    /// The number that the state knows the district by.
    pub district: String,
    /// Fields that the state owns, by object: left out of every record. Dotted paths.
    pub state_owned: BTreeMap<String, Vec<String>>,
}

/// Editions of an SIS installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edition {
    /// A district that belongs to a state: sends.
    District,
    /// The state: receives, and asks districts for resyncs.
    State,
    /// Between both: sends to the state, and asks its districts.
    Regional,
    /// A district on its own: has none of the commands.
    Standalone,
}

impl Edition {
    /// The word of pipeline files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::District => "district",
            Self::State => "state",
            Self::Regional => "regional",
            Self::Standalone => "standalone",
        }
    }

    /// Whether records are sent to a state from here.
    pub fn sends(self) -> bool {
        matches!(self, Self::District | Self::Regional)
    }

    /// Whether districts are asked for resyncs from here.
    pub fn asks(self) -> bool {
        matches!(self, Self::State | Self::Regional)
    }
}

/// Reads `[dis]`; None for other targets, or with a problem recorded.
pub(super) fn read(top: &mut Section<'_>, target: Option<TargetKind>) -> Option<Dis> {
    if target != Some(TargetKind::Dis) {
        return None;
    }
    let Some(mut section) = top.section("dis") else {
        if !top.has("dis") {
            let what = "[dis] is missing: it needs edition = \"district\" and district = \"...\"";
            top.document
                .problem(&(0..0), Problem::new(top.document.path, what));
        }
        return None;
    };
    let document = section.document;
    let editions = [
        Edition::District,
        Edition::State,
        Edition::Regional,
        Edition::Standalone,
    ]
    .map(|edition| (edition.as_str(), edition));
    let edition = section
        .text("edition")
        .and_then(|text| choice(document, "dis.edition", &text, &editions));
    let district = section.text("district").map(|text| text.value);
    if district.as_deref().is_none_or(|d| d.trim().is_empty()) {
        let what = "[dis] needs district = \"...\": the number that the state knows it by";
        document.wrong(&section.place("district"), what);
    }
    let mut state_owned = BTreeMap::new();
    if let Some(owned) = section.section("state_owned") {
        for (object, span, value) in &owned.entries {
            let Some(list) = value.get_ref().as_array() else {
                let what = format!("`dis.state_owned.{object}` must be a list of fields");
                document.wrong(span, what);
                continue;
            };
            let fields = list
                .iter()
                .filter_map(|field| document.text_of(&format!("dis.state_owned.{object}"), field))
                .map(|text| text.value);
            state_owned.insert((*object).to_owned(), fields.collect());
        }
    }
    section.finish();
    Some(Dis {
        edition: edition.unwrap_or(Edition::District),
        district: district?,
        state_owned,
    })
}

/// The objects that the state owns fields of must be stanzas, and a state does not own what is
/// looked up only.
pub(super) fn check(document: &Document<'_>, dis: &Dis, queries: &Queries) {
    let names = queries.resources.iter().map(|r| r.name.as_str());
    let known: Vec<&str> = names
        .chain(queries.disabled.iter().map(|r| r.name.as_str()))
        .collect();
    for object in dis.state_owned.keys() {
        if !known.contains(&object.as_str()) {
            let what = format!("`dis.state_owned.{object}` is no resource of this pipeline");
            let problem = Problem::new(document.path, what);
            document.problem(&(0..0), problem.choices(object, known.iter().copied()));
        }
    }
    for resource in &queries.resources {
        if resource.mode == Mode::Verify {
            let what = format!(
                "`resources.{}.mode` cannot be \"verify\": a state takes records, `fullsync verify` \
                 compares them",
                resource.name
            );
            document.problem(&(0..0), Problem::new(document.path, what));
        }
    }
}
