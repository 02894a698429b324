//! Many objects at a time: created, updated, deleted, each with a status of its own.

use std::collections::HashSet;

use roxmltree::{Document, Node};

use super::api::{Api, Call, refuse};
use super::check::Rules;
use super::environment::{NAMESPACE, escaped};
use super::store::{Change, Store, Stored, canonical, uuid};
use crate::sandbox::answer::Answer;

/// What is to become of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Create,
    Update,
    Delete,
}

impl What {
    pub(super) fn right(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }

    /// The word of the answer.
    fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// The status of one object.
struct Line {
    id: String,
    sent: String,
    status: u16,
    why: String,
}

impl Api {
    /// Works on a bulk request.
    pub(super) fn bulk(&self, call: &Call<'_>, object: &str, what: What) -> Answer {
        let word = what.word();
        // As seen: JSON in another notation than expected is taken, and nothing is said of it.
        if call.content_type.contains("json") {
            return self.told(format!(
                "<{word}Response xmlns=\"{NAMESPACE}\"><{word}s/></{word}Response>"
            ));
        }
        if !call.content_type.contains("xml") {
            return refuse(415, "The media type is not supported.", call.content_type);
        }
        let body = match self.unpacked(call) {
            Ok(body) => body,
            Err(answer) => return answer,
        };
        let unmarshalled = |why: &str| {
            refuse(
                400,
                &format!("Could not unmarshal the given data to {object}s."),
                why,
            )
        };
        let Ok(text) = std::str::from_utf8(&body) else {
            return unmarshalled("no UTF-8");
        };
        let document = match Document::parse(text) {
            Ok(document) => document,
            Err(error) => return unmarshalled(&error.to_string()),
        };
        let root = document.root_element();
        let nodes: Vec<Node<'_, '_>> = match what {
            What::Delete => {
                let lists = root.children().filter(Node::is_element);
                lists
                    .flat_map(|list| list.children().filter(Node::is_element))
                    .collect()
            }
            _ => {
                let name = root.tag_name();
                let wanted = self.options().data_model.as_str();
                if name.name() != format!("{object}s") || name.namespace() != Some(wanted) {
                    return unmarshalled("another element or namespace is expected");
                }
                root.children().filter(Node::is_element).collect()
            }
        };
        if nodes.len() > self.options().objects {
            return self.too_large();
        }
        let mut store = self.store();
        let (lines, changes) = match what {
            What::Delete => deletes(&store, object, &nodes),
            _ => self.puts(&store, object, what, call.must_use_advisory, text, &nodes),
        };
        if let Err(error) = store.commit(object, changes) {
            return refuse(
                500,
                "The provider's state cannot be written.",
                &error.to_string(),
            );
        }
        drop(store);
        let mut xml = format!("<{word}Response xmlns=\"{NAMESPACE}\">\n<{word}s>\n");
        for line in &lines {
            if self.omitted() {
                continue;
            }
            let sent = match what {
                What::Create => format!(" advisoryId=\"{}\"", escaped(&line.sent)),
                _ => String::new(),
            };
            let (id, status) = (escaped(&line.id), line.status);
            xml.push_str(&format!(
                "<{word} id=\"{id}\"{sent} statusCode=\"{status}\""
            ));
            match line.why.is_empty() {
                true => xml.push_str("/>\n"),
                false => xml.push_str(&format!(
                    "><error id=\"{}\"><code>{status}</code><scope>{object}</scope>\
                     <message>{}</message></error></{word}>\n",
                    uuid(),
                    escaped(&line.why)
                )),
            }
        }
        xml.push_str(&format!("</{word}s>\n</{word}Response>"));
        self.told(xml)
    }

    fn told(&self, xml: String) -> Answer {
        Answer::text(200, "application/xml", xml)
    }

    fn puts(
        &self,
        store: &Store,
        object: &str,
        what: What,
        must_use_advisory: bool,
        text: &str,
        nodes: &[Node<'_, '_>],
    ) -> (Vec<Line>, Vec<Change>) {
        let rules = Rules {
            standard: &self.options().standard,
            object,
        };
        let mut made: HashSet<String> = HashSet::new();
        let (mut lines, mut changes) = (Vec::new(), Vec::new());
        for node in nodes {
            let sent = node.attribute(rules.id_attribute()).unwrap_or_default();
            let mut line = Line {
                id: sent.to_owned(),
                sent: sent.to_owned(),
                status: 0,
                why: String::new(),
            };
            let there = store.get(object, sent).is_some() || made.contains(&canonical(sent));
            let checked = rules.check(*node).and_then(|needed| {
                let missing = needed.iter().find(|(of, id)| {
                    let itself = of == object && made.contains(&canonical(id));
                    self.options().references && !itself && store.get(of, id).is_none()
                });
                match missing {
                    Some((of, _)) => Err(format!("the {of} that it refers to is not there")),
                    None => Ok(()),
                }
            });
            (line.status, line.why) = match (what, there, checked) {
                (What::Create, true, _) => (409, "Already exists".to_owned()),
                (What::Update, false, _) => (404, format!("{object} does not exist")),
                (_, _, Err(why)) => (400, format!("Invalid object: {why}")),
                (What::Create, ..) => (201, String::new()),
                _ => (200, String::new()),
            };
            if line.status < 300 {
                if what == What::Create && !must_use_advisory {
                    line.id = uuid().replace('-', "").to_uppercase();
                }
                made.insert(canonical(&line.id));
                let xml = text.get(node.range()).unwrap_or_default();
                // It is given out under the id that it is kept under.
                let xml = match line.id == sent {
                    true => xml.into(),
                    false => xml.replacen(sent, &line.id, 1).into(),
                };
                changes.push(Change::Put(Stored {
                    id: line.id.as_str().into(),
                    xml,
                }));
            }
            lines.push(line);
        }
        (lines, changes)
    }
}

fn deletes(store: &Store, object: &str, nodes: &[Node<'_, '_>]) -> (Vec<Line>, Vec<Change>) {
    let (mut lines, mut changes) = (Vec::new(), Vec::new());
    for node in nodes {
        let id = node.attribute("id").unwrap_or_default();
        let there = store.get(object, id).is_some();
        if there {
            changes.push(Change::Delete(id.to_owned()));
        }
        lines.push(Line {
            id: id.to_owned(),
            sent: String::new(),
            status: if there { 200 } else { 404 },
            why: match there {
                true => String::new(),
                false => format!("{object} does not exist"),
            },
        });
    }
    (lines, changes)
}
