//! `[sif]`: the zone of a SIF 2.x pipeline, our agent in it, and who is expected to ask for what.
//!
//! Reads: the section. Writes: nothing. Never: reaches the zone (the `sif` room does).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::check::choice;
use super::limits;
use super::problem::Problem;
use super::resources::Queries;
use super::section::{Document, Section};

/// The zone, and our agent in it.
#[derive(Clone, Debug)]
pub struct SifZone {
    /// The zone's id (SIF_ZoneStatus/@ZoneId).
    pub zone: String,
    /// Whose zone it is.
    pub kind: ZoneKind,
    /// SIF_SourceId of our agent.
    pub agent: String,
    /// Its name for people.
    pub name: String,
    /// Where the zone posts messages to us; None: we pull them.
    pub push: Option<Push>,
    /// Largest message that we take, in bytes.
    pub max_buffer: u64,
    /// Time between two polls that bring nothing.
    pub poll_every: Duration,
    /// So many of them in a row end a sync.
    pub idle_polls: u32,
    /// Requests that are answered at the same time.
    pub parallel: usize,
    /// Whether a request is acknowledged after its last packet, or once it is noted down.
    pub acknowledge_after: bool,
    /// The contexts that everything is provided in.
    pub contexts: Vec<String>,
    /// Whether the history of messages keeps the texts of packets and events, too.
    pub keep_messages: bool,
    /// Most events of one SIF_BundledEvents; 1: each in a message of its own.
    pub bundle: usize,
    /// Agent -> objects that it is expected to ask for; `*` = all of the pipeline.
    pub expect: BTreeMap<String, Vec<String>>,
}

/// Whose zone it is. Source: "both methods of configuration (Horizontal and Vertical)".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneKind {
    /// Applications of one district.
    Horizontal,
    /// The district and its state.
    Vertical,
}

impl ZoneKind {
    /// The word of pipeline files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Horizontal => "horizontal",
            Self::Vertical => "vertical",
        }
    }
}

/// A push agent.
#[derive(Clone, Debug)]
pub struct Push {
    /// The URL that the zone posts to.
    pub url: String,
    /// The address that is listened on; TLS is for the proxy before it.
    pub listen: SocketAddr,
}

impl SifZone {
    /// Agents and objects that are expected, among these objects.
    pub fn expected<'a>(&self, objects: &[&'a str]) -> Vec<(String, &'a str)> {
        let mut all = Vec::new();
        for (agent, wanted) in &self.expect {
            let named = |object: &str| wanted.iter().any(|w| w == "*" || w == object);
            let found = objects.iter().filter(|object| named(object));
            all.extend(found.map(|object| (agent.clone(), *object)));
        }
        all
    }
}

/// Reads the keys of the zone.
pub(super) fn read(section: &mut Section<'_>) -> SifZone {
    let document = section.document;
    let kinds = [ZoneKind::Horizontal, ZoneKind::Vertical].map(|kind| (kind.as_str(), kind));
    let kind = section
        .text("zone_kind")
        .and_then(|text| choice(document, "sif.zone_kind", &text, &kinds));
    let agent = name(section, "agent", "FullSyncSIS");
    let push = push(section);
    let acknowledge = [("after", true), ("before", false)];
    let acknowledge_after = section
        .text("acknowledge")
        .and_then(|text| choice(document, "sif.acknowledge", &text, &acknowledge));
    let number = |section: &mut Section<'_>, limit| section.number(limit, false);
    let small = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    SifZone {
        zone: name(section, "zone", "District"),
        kind: kind.unwrap_or(ZoneKind::Horizontal),
        name: match section.text("name") {
            Some(text) => text.value,
            None => agent.clone(),
        },
        agent,
        push,
        max_buffer: number(section, &limits::SIF_MAX_BUFFER),
        poll_every: Duration::from_millis(number(section, &limits::SIF_POLL)),
        idle_polls: u32::try_from(number(section, &limits::SIF_IDLE_POLLS)).unwrap_or(u32::MAX),
        parallel: small(number(section, &limits::SIF_PARALLEL)),
        acknowledge_after: acknowledge_after.unwrap_or(true),
        contexts: contexts(section),
        keep_messages: section.flag("keep_messages", false),
        bundle: small(number(section, &limits::SIF_BUNDLE)),
        expect: expect(section),
    }
}

/// The contexts; the zone's default one, where none are given.
fn contexts(section: &mut Section<'_>) -> Vec<String> {
    const DEFAULT: &str = "SIF_Default";
    let (document, place) = (section.document, section.place("contexts"));
    let Some(texts) = section.list("contexts") else {
        document.default(section.full("contexts"), format!("[{DEFAULT:?}]"));
        return vec![DEFAULT.to_owned()];
    };
    if texts.is_empty() {
        let what = "`sif.contexts` must name a context, such as \"SIF_Default\"";
        document.wrong(&place, what);
    }
    let mut contexts: Vec<String> = Vec::new();
    for text in texts {
        let token = |c: char| c.is_ascii_alphanumeric() || "_-.:/".contains(c);
        let value = text.value.trim();
        if !(1..=64).contains(&value.len()) || !value.chars().all(token) {
            let what =
                format!("`sif.contexts`: `{value}` must be 1 to 64 letters, digits and _ - . : /");
            document.wrong(&text.span, what);
        }
        if contexts.iter().any(|c| c == value) {
            document.wrong(
                &text.span,
                format!("`sif.contexts`: `{value}` stands there twice"),
            );
        }
        contexts.push(value.to_owned());
    }
    contexts
}

/// An id of the zone: at most 64 characters.
fn name(section: &mut Section<'_>, key: &'static str, default: &str) -> String {
    let Some(text) = section.text(key) else {
        section
            .document
            .default(section.full(key), format!("{default:?}"));
        return default.to_owned();
    };
    let value = text.value.trim();
    if value.is_empty() || value.chars().count() > 64 {
        let what = format!("`sif.{key}` must be 1 to 64 characters");
        section.document.wrong(&text.span, what);
    }
    value.to_owned()
}

fn push(section: &mut Section<'_>) -> Option<Push> {
    let document = section.document;
    let modes = [("pull", false), ("push", true)];
    let mode = section
        .text("mode")
        .and_then(|text| choice(document, "sif.mode", &text, &modes));
    let (url, listen) = (section.text("push_url"), section.text("push_listen"));
    if mode != Some(true) {
        for text in [&url, &listen].into_iter().flatten() {
            let what = "push_url and push_listen have no meaning without mode = \"push\"";
            document.wrong(&text.span, what);
        }
        return None;
    }
    let (Some(url), Some(listen)) = (url, listen) else {
        let what = "mode = \"push\" needs push_url = \"https://...\", which the zone posts to, and \
                    push_listen = \"127.0.0.1:8443\", which is listened on";
        document.wrong(&section.place("mode"), what);
        return None;
    };
    if url::Url::parse(&url.value).is_err() {
        document.wrong(&url.span, "`sif.push_url` is no URL");
    }
    let Ok(address) = listen.value.parse() else {
        document.wrong(
            &listen.span,
            "`sif.push_listen` must be like 127.0.0.1:8443",
        );
        return None;
    };
    Some(Push {
        url: url.value,
        listen: address,
    })
}

fn expect(section: &mut Section<'_>) -> BTreeMap<String, Vec<String>> {
    let mut expect = BTreeMap::new();
    let Some(listed) = section.section("expect") else {
        return expect;
    };
    for (agent, span, value) in &listed.entries {
        let Some(list) = value.get_ref().as_array() else {
            let what = format!("`sif.expect.{agent}` must be a list of objects, or [\"*\"]");
            listed.document.wrong(span, what);
            continue;
        };
        let name = format!("sif.expect.{agent}");
        let objects = list
            .iter()
            .filter_map(|object| listed.document.text_of(&name, object));
        expect.insert(
            (*agent).to_owned(),
            objects.map(|text| text.value).collect(),
        );
    }
    expect
}

/// What is expected must be provided.
pub(super) fn check(document: &Document<'_>, zone: &SifZone, queries: &Queries) {
    let all = queries.resources.iter().chain(&queries.disabled);
    let known: Vec<&str> = all.map(|r| r.name.as_str()).collect();
    for (agent, objects) in &zone.expect {
        for object in objects.iter().filter(|o| *o != "*") {
            if !known.contains(&object.as_str()) {
                let what =
                    format!("`sif.expect.{agent}`: `{object}` is no resource of this pipeline");
                let problem = Problem::new(document.path, what);
                document.problem(&(0..0), problem.choices(object, known.iter().copied()));
            }
        }
    }
}
