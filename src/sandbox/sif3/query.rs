//! Reading: one object, pages, counts.

use hyper::header::HeaderName;
use roxmltree::{Document, Node};

use super::api::{Api, Call, refuse};
use crate::sandbox::answer::Answer;

const COUNT: HeaderName = HeaderName::from_static("navigationcount");
const PAGE: HeaderName = HeaderName::from_static("navigationpage");
const PAGE_SIZE: HeaderName = HeaderName::from_static("navigationpagesize");
const LAST_PAGE: HeaderName = HeaderName::from_static("navigationlastpage");

impl Api {
    /// How many objects there are.
    pub(super) fn head(&self, object: &str) -> Answer {
        if self.options().no_head {
            return Answer::empty(405);
        }
        let count = self.store().count(object);
        Answer::empty(200).header(COUNT, count.to_string())
    }

    /// One object.
    pub(super) fn one(&self, object: &str, id: &str) -> Answer {
        match self.store().get(object, id) {
            Some(stored) => Answer::text(200, "application/xml", self.alone(&stored.xml)),
            None => refuse(404, &format!("{object} does not exist."), ""),
        }
    }

    /// The objects that have all of an example.
    pub(super) fn example(&self, call: &Call<'_>, object: &str) -> Answer {
        if self.options().no_example {
            return refuse(405, "Queries by example are not supported.", "");
        }
        let text = std::str::from_utf8(call.body).unwrap_or_default();
        let example = match Document::parse(text) {
            Ok(example) if example.root_element().tag_name().name() == object => example,
            _ => return refuse(400, &format!("Could not unmarshal the {object}."), ""),
        };
        let store = self.store();
        let shown: Vec<_> = store
            .list(object)
            .into_iter()
            .filter(|stored| {
                let document = Document::parse(&stored.xml);
                document.is_ok_and(|d| has(d.root_element(), example.root_element()))
            })
            .collect();
        if shown.is_empty() {
            return Answer::empty(204).header(COUNT, "0");
        }
        let all: String = shown.iter().map(|stored| &*stored.xml).collect();
        let model = &self.options().data_model;
        let xml = format!("<{object}s xmlns=\"{model}\">{all}</{object}s>");
        Answer::text(200, "application/xml", xml).header(COUNT, shown.len().to_string())
    }

    /// A page of objects; without paging all of them, unless there are too many.
    pub(super) fn page(&self, call: &Call<'_>, object: &str) -> Answer {
        let store = self.store();
        let (count, all) = (store.count(object), store.list(object));
        let numbers = (call.page.parse::<usize>(), call.page_size.parse::<usize>());
        let (page, size) = match numbers {
            (Ok(page), Ok(size)) if page > 0 && size > 0 => (page, size),
            _ if count > self.options().page => {
                return refuse(
                    413,
                    "There are too many objects for one page.",
                    "Use paging.",
                );
            }
            _ => (1, count.max(1)),
        };
        let shown: Vec<_> = all.into_iter().skip((page - 1) * size).take(size).collect();
        let headers = |answer: Answer| {
            answer
                .header(COUNT, count.to_string())
                .header(PAGE, page.to_string())
                .header(PAGE_SIZE, size.to_string())
                .header(LAST_PAGE, count.div_ceil(size).to_string())
        };
        if shown.is_empty() {
            return headers(Answer::empty(204));
        }
        let mut xml = format!("<{object}s xmlns=\"{}\">", self.options().data_model);
        for stored in shown {
            xml.push_str(&stored.xml);
        }
        xml.push_str(&format!("</{object}s>"));
        headers(Answer::text(200, "application/xml", xml))
    }

    /// An object with the namespace that its collection had.
    fn alone(&self, xml: &str) -> String {
        let end = xml.find([' ', '>', '/']).unwrap_or(xml.len());
        let (name, rest) = xml.split_at(end);
        match rest.contains("xmlns=") {
            true => xml.to_owned(),
            false => format!("{name} xmlns=\"{}\"{rest}", self.options().data_model),
        }
    }
}

/// Whether an element has all that an example has.
fn has(node: Node<'_, '_>, example: Node<'_, '_>) -> bool {
    let id = |name: &str| name.eq_ignore_ascii_case("refid");
    let mut attributes = example.attributes().filter(|a| !id(a.name()));
    if !attributes.all(|a| node.attribute(a.name()) == Some(a.value())) {
        return false;
    }
    let elements = |node: Node<'_, '_>| node.children().any(|child| child.is_element());
    if !elements(example) {
        if elements(node) {
            return example.text().unwrap_or_default().trim().is_empty();
        }
        let text = |node: Node<'_, '_>| node.text().unwrap_or_default().trim().to_owned();
        return text(node) == text(example);
    }
    let mut wanted = example.children().filter(Node::is_element);
    wanted.all(|wanted| {
        let mut there = node
            .children()
            .filter(|child| child.tag_name().name() == wanted.tag_name().name());
        there.any(|child| has(child, wanted))
    })
}
