//! Checks a body against the data standard and puts it into its one canonical form.
//!
//! Reads: JSON. Writes: nothing. Never: stops at the first fault; needs no lock.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};

use super::layout::{Layout, Member, Reference, Resource, Scalar, Shape, key_hash, reference_hash};
use super::scalar::{self, Canonical};
use super::store::Shelves;

/// JSON path -> messages, as `validationErrors` shows them.
pub(super) type Flaws = BTreeMap<String, Vec<String>>;

/// A body that is well-formed by itself; whether its references exist is not known yet.
#[derive(Debug)]
pub(super) struct Checked<'a> {
    /// Hash of the natural key.
    pub(super) key: u128,
    /// Canonical JSON: declared members in order, no nulls, no empty lists.
    pub(super) body: Vec<u8>,
    /// The references found.
    references: Vec<Found<'a>>,
    /// The keys that the references may mean, for all of them.
    options: Vec<(u16, u128)>,
    /// Members that the standard does not have; the server drops them without a word.
    pub(super) ignored: Vec<String>,
}

#[derive(Debug)]
struct Found<'a> {
    reference: &'a Reference,
    options: std::ops::Range<usize>,
}

/// Checks a whole body.
///
/// # Errors
/// Every fault of the body, by path.
pub(super) fn check<'a>(
    layout: &'a Layout,
    resource: &'a Resource,
    body: &Value,
) -> Result<Checked<'a>, Flaws> {
    let mut walk = Walk::new(layout);
    let Value::Object(map) = body else {
        walk.report("The request body must be a JSON object.".to_owned());
        return Err(walk.flaws);
    };
    walk.object(&resource.members, map);
    if walk.flaws.is_empty() {
        for group in &resource.unified {
            group.check(body, |path, message| {
                walk.flaws.entry(path).or_default().push(message.to_owned());
            });
        }
    }
    if !walk.flaws.is_empty() {
        return Err(walk.flaws);
    }
    Ok(Checked {
        key: key_hash(&key_text(resource, body)),
        body: walk.out,
        references: walk.references,
        options: walk.options,
        ignored: walk.ignored,
    })
}

/// The natural key of a checked body, `name=value&name=value`.
pub(super) fn key_text(resource: &Resource, body: &Value) -> String {
    let mut text = String::new();
    for part in &resource.key {
        let value = part.path.iter().fold(body, |value, name| &value[name]);
        push_part(&mut text, &part.name, part.scalar, value);
    }
    text
}

/// The key that a reference means in one of its targets.
pub(super) fn reference_key(
    reference: &Reference,
    parts: &[(String, usize)],
    map: &Map<String, Value>,
) -> String {
    let mut text = String::new();
    for (name, member) in parts {
        let member = &reference.members[*member];
        let scalar = match member.shape {
            Shape::Scalar(scalar) => scalar,
            _ => Scalar::Text(None),
        };
        let value = map.get(&member.name).unwrap_or(&Value::Null);
        push_part(&mut text, name, scalar, value);
    }
    text
}

/// Appends one part of a key whose values are in hand as text (a query).
pub(super) fn push_text(text: &mut String, name: &str, value: &str) {
    if !text.is_empty() {
        text.push('&');
    }
    text.push_str(name);
    text.push('=');
    for c in value.chars() {
        match c {
            '%' => text.push_str("%25"),
            '&' => text.push_str("%26"),
            '=' => text.push_str("%3D"),
            c => text.push(c),
        }
    }
}

fn push_part(text: &mut String, name: &str, kind: Scalar, value: &Value) {
    match scalar::canonical(kind, value, name) {
        Ok(Canonical::Text(value)) => push_text(text, name, &value),
        Ok(value) => {
            let mut plain = String::new();
            value.push_text(&mut plain);
            push_text(text, name, &plain);
        }
        Err(_) => push_text(text, name, ""),
    }
}

impl<'a> Checked<'a> {
    /// The hashes of the references, once each of them leads to a record.
    ///
    /// # Errors
    /// The titles of those that lead nowhere, in the order of the body.
    pub(super) fn resolve(&self, shelves: &Shelves<'_>) -> Result<Box<[u64]>, Vec<&'a str>> {
        let mut hashes = Vec::with_capacity(self.references.len());
        let mut missing = Vec::new();
        for found in &self.references {
            let options = &self.options[found.options.clone()];
            match options
                .iter()
                .find(|(r, key)| shelves.get(*r).holds_key(*key))
            {
                Some((resource, key)) => hashes.push(reference_hash(*resource, *key)),
                None => missing.push(found.reference.title.as_str()),
            }
        }
        if missing.is_empty() {
            hashes.sort_unstable();
            hashes.dedup();
            Ok(hashes.into_boxed_slice())
        } else {
            Err(missing)
        }
    }

    /// The hashes of the references, as far as they lead to a record.
    pub(super) fn resolve_what_is_there(&self, shelves: &Shelves<'_>) -> Box<[u64]> {
        let mut hashes: Vec<_> = self
            .references
            .iter()
            .filter_map(|found| {
                self.options[found.options.clone()]
                    .iter()
                    .find(|(r, key)| shelves.get(*r).holds_key(*key))
            })
            .map(|(resource, key)| reference_hash(*resource, *key))
            .collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes.into_boxed_slice()
    }
}

enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

struct Walk<'a> {
    layout: &'a Layout,
    out: Vec<u8>,
    flaws: Flaws,
    path: Vec<Step<'a>>,
    references: Vec<Found<'a>>,
    options: Vec<(u16, u128)>,
    ignored: Vec<String>,
}

impl<'a> Walk<'a> {
    fn new(layout: &'a Layout) -> Self {
        Self {
            layout,
            out: Vec::with_capacity(512),
            flaws: Flaws::new(),
            path: Vec::with_capacity(4),
            references: Vec::new(),
            options: Vec::new(),
            ignored: Vec::new(),
        }
    }

    fn at(&self) -> String {
        let mut at = "$".to_owned();
        for step in &self.path {
            match step {
                Step::Name(name) => {
                    at.push('.');
                    at.push_str(name);
                }
                Step::Index(i) => at.push_str(&format!("[{i}]")),
            }
        }
        at
    }

    fn report(&mut self, message: String) {
        let at = self.at();
        self.flaws.entry(at).or_default().push(message);
    }

    fn object(&mut self, members: &'a [Member], map: &Map<String, Value>) {
        self.out.push(b'{');
        let mut known = 0;
        let mut first = true;
        for member in members {
            let value = map.get(&member.name);
            known += usize::from(value.is_some());
            self.path.push(Step::Name(&member.name));
            self.member(member, value.filter(|v| !v.is_null()), &mut first);
            self.path.pop();
        }
        if known < map.len() {
            self.others(members, map, first);
        }
        self.out.push(b'}');
    }

    fn member(&mut self, member: &'a Member, value: Option<&Value>, first: &mut bool) {
        let empty_list = matches!(value, Some(Value::Array(list)) if list.is_empty());
        let blank = matches!(value, Some(Value::String(text)) if text.is_empty());
        let Some(value) = value.filter(|_| !empty_list) else {
            if member.required {
                self.report(match member.shape {
                    Shape::Array(_) if empty_list => {
                        format!("{} must have at least one item.", member.title)
                    }
                    _ => format!("{} is required.", member.title),
                });
            }
            return;
        };
        if blank && member.required {
            self.report(format!("{} is required.", member.title));
            return;
        }
        if !std::mem::replace(first, false) {
            self.out.push(b',');
        }
        self.out.extend_from_slice(member.prefix.as_bytes());
        match (&member.shape, value) {
            (Shape::Scalar(scalar), _) => self.scalar(*scalar, member, value),
            (Shape::Object(members), Value::Object(map)) => self.object(members, map),
            (Shape::Reference(reference), Value::Object(map)) => self.reference(reference, map),
            (Shape::Array(members), Value::Array(list)) => self.array(member, members, list),
            (Shape::Array(_), _) => self.report(format!("{} must be an array.", member.title)),
            _ => self.report(format!("{} must be an object.", member.title)),
        }
    }

    fn scalar(&mut self, kind: Scalar, member: &'a Member, value: &Value) {
        match scalar::canonical(kind, value, &member.title) {
            Ok(value) => {
                value.write_json(&mut self.out);
                if let Canonical::Text(text) = &value {
                    let mut found = Vec::new();
                    scalar::flaws(self.layout, kind, text, &member.title, member.key, |flaw| {
                        found.push(flaw);
                    });
                    found.into_iter().for_each(|flaw| self.report(flaw));
                }
            }
            Err(flaw) => self.report(flaw),
        }
    }

    fn reference(&mut self, reference: &'a Reference, map: &Map<String, Value>) {
        let flaws = self.flaws.len();
        self.object(&reference.members, map);
        if self.flaws.len() > flaws || reference.targets.is_empty() {
            return;
        }
        let start = self.options.len();
        for target in &reference.targets {
            let key = reference_key(reference, &target.parts, map);
            self.options.push((target.resource, key_hash(&key)));
        }
        self.references.push(Found {
            reference,
            options: start..self.options.len(),
        });
    }

    fn array(&mut self, member: &'a Member, members: &'a [Member], list: &[Value]) {
        self.out.push(b'[');
        let mut spans = Vec::with_capacity(list.len());
        for (i, element) in list.iter().enumerate() {
            if i > 0 {
                self.out.push(b',');
            }
            self.path.push(Step::Index(i));
            let start = self.out.len();
            match element {
                Value::Object(map) => self.object(members, map),
                _ => self.report(format!("{} must hold objects.", member.title)),
            }
            spans.push(start..self.out.len());
            self.path.pop();
        }
        self.out.push(b']');
        let mut seen = HashSet::with_capacity(spans.len());
        let twice = spans
            .into_iter()
            .position(|span| !seen.insert(&self.out[span]));
        if let Some(i) = twice {
            self.report(format!(
                "Item {} of the {} has the same identifying values as another item earlier in the \
                 list.",
                i + 1,
                member.title
            ));
        }
    }

    /// Members beyond the standard: extensions are kept as they are, the server's own and unknown
    /// ones are dropped.
    fn others(&mut self, members: &[Member], map: &Map<String, Value>, mut first: bool) {
        for (name, value) in map {
            if members.iter().any(|m| m.name == *name) {
                continue;
            }
            match name.as_str() {
                "_ext" if value.is_object() => {
                    if !std::mem::replace(&mut first, false) {
                        self.out.push(b',');
                    }
                    self.out.extend_from_slice(b"\"_ext\":");
                    if serde_json::to_writer(&mut self.out, value).is_err() {
                        self.out.extend_from_slice(b"null");
                    }
                }
                "id" | "_etag" | "_lastModifiedDate" | "link" => {}
                _ => self.ignored.push(name.clone()),
            }
        }
    }
}
