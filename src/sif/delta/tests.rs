use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::metadata::Standard;
use crate::xml::{Version, XmlPlan};

fn plan(object: &str) -> XmlPlan {
    let standard = Standard::sif_2();
    let version: Version = "2.7".parse().unwrap();
    let fields = &standard.resource(object).unwrap().fields;
    XmlPlan::new(object, fields, version, &|_| true)
}

fn told(object: &str, old: &str, new: &str) -> Option<String> {
    delta(plan(object).root(), old, new).unwrap()
}

#[test]
fn attributes_that_changed_alone_are_told() {
    let form = |frame| {
        format!("<TermInfo RefId=\"A\" SchoolYear=\"{frame}\"><TermCode>Q1</TermCode></TermInfo>")
    };
    let change = told("TermInfo", &form("2025"), &form("2026"));
    let wanted = "<TermInfo RefId=\"A\" SchoolYear=\"2026\"></TermInfo>";
    assert_eq!(change.as_deref(), Some(wanted));
    assert_eq!(told("TermInfo", &form("2026"), &form("2026")), None);
}

#[test]
fn only_what_differs_is_told_at_every_depth() {
    let old = "<StudentContactPersonal RefId=\"A\"><PersonInfo><Name Type=\"04\">\
        <LastName>One</LastName><FirstName>Ann &lt;x&gt;</FirstName></Name><PhoneNumberList>\
        <PhoneNumber Type=\"0096\"><Number>1</Number></PhoneNumber>\
        <PhoneNumber Type=\"0350\"><Number>2</Number></PhoneNumber></PhoneNumberList></PersonInfo>\
        <EmployerType>1803</EmployerType></StudentContactPersonal>";
    let new = "<StudentContactPersonal RefId=\"A\"><PersonInfo><Name Type=\"04\">\
        <LastName>Two</LastName><FirstName>Ann &lt;x&gt;</FirstName></Name><PhoneNumberList>\
        <PhoneNumber Type=\"0096\"><Number>1</Number></PhoneNumber></PhoneNumberList></PersonInfo>\
        </StudentContactPersonal>";
    let wanted = format!(
        "<StudentContactPersonal RefId=\"A\"><PersonInfo><Name Type=\"04\"><LastName>Two</LastName>\
         </Name><PhoneNumberList><PhoneNumber SIF_Action=\"Delete\" Type=\"0350\"><Number>2</Number>\
         </PhoneNumber></PhoneNumberList></PersonInfo><EmployerType{NIL}</StudentContactPersonal>"
    );
    assert_eq!(
        told("StudentContactPersonal", old, new).as_deref(),
        Some(&*wanted)
    );
}

#[test]
fn lists_without_keys_are_told_whole() {
    let form = |races: &[&str]| {
        let races: String = races
            .iter()
            .map(|r| format!("<Race><Code>{r}</Code></Race>"))
            .collect();
        let list = match races.as_str() {
            "" => String::new(),
            races => format!("<RaceList>{races}</RaceList>"),
        };
        format!(
            "<StudentPersonal RefId=\"A\"><Demographics>{list}<Gender>F</Gender></Demographics>\
             </StudentPersonal>"
        )
    };
    let change = |inside: &str| {
        Some(format!(
            "<StudentPersonal RefId=\"A\"><Demographics>{inside}</Demographics></StudentPersonal>"
        ))
    };
    let (one, two) = (form(&["0998"]), form(&["0998", "1002"]));
    assert_eq!(
        told("StudentPersonal", &one, &two),
        change("<RaceList><Race><Code>0998</Code></Race><Race><Code>1002</Code></Race></RaceList>")
    );
    assert_eq!(
        told("StudentPersonal", &one, &form(&[])),
        change("<RaceList></RaceList>")
    );
}

/// What a third party keeps of an element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Kept {
    attributes: BTreeMap<String, String>,
    text: String,
    /// By name; the elements of a list by their type, or by their place.
    children: BTreeMap<String, Self>,
}

fn kept(node: Node<'_, '_>) -> Kept {
    let attributes = node.attributes().filter(|a| a.namespace().is_none());
    let mut all = Kept {
        attributes: attributes
            .map(|a| (a.name().to_owned(), a.value().to_owned()))
            .collect(),
        text: node.text().unwrap_or_default().to_owned(),
        children: BTreeMap::new(),
    };
    for (place, child) in node.children().filter(Node::is_element).enumerate() {
        let name = match node.tag_name().name().ends_with("List") {
            true => child
                .attribute("Type")
                .map_or(place.to_string(), str::to_owned),
            false => child.tag_name().name().to_owned(),
        };
        let form = kept(child);
        // An empty list is no list.
        if !(child.tag_name().name().ends_with("List") && form.children.is_empty()) {
            all.children.insert(name, form);
        }
    }
    all
}

/// A third party takes up a Change.
fn apply(kept_before: &mut Kept, node: Node<'_, '_>) {
    let now = kept(node);
    kept_before.attributes.extend(now.attributes);
    kept_before.text = now.text;
    for child in node.children().filter(Node::is_element) {
        let name = child.tag_name().name();
        let is_nil = child.attributes().any(|a| a.name() == "nil");
        let form = kept(child);
        match name {
            "PhoneNumberList" | "EmailList" => {
                let list = kept_before.children.entry(name.to_owned()).or_default();
                for item in child.children().filter(Node::is_element) {
                    let id = item.attribute("Type").unwrap().to_owned();
                    match item.attribute("SIF_Action") {
                        Some("Delete") => {
                            assert!(list.children.remove(&id).is_some(), "deleted twice");
                        }
                        _ => {
                            list.children.insert(id, kept(item));
                        }
                    }
                }
                if list.children.is_empty() {
                    kept_before.children.remove(name);
                }
            }
            _ if is_nil || (name.ends_with("List") && form.children.is_empty()) => {
                kept_before.children.remove(name);
            }
            _ if name.ends_with("List") || !child.children().any(|c| c.is_element()) => {
                kept_before.children.insert(name.to_owned(), form);
            }
            _ => apply(
                kept_before.children.entry(name.to_owned()).or_default(),
                child,
            ),
        }
    }
}

/// A contact: last name, sequence of races, gender, telephones and mails by type.
fn contact() -> impl Strategy<Value = String> {
    let word = || "[a-c<&]{1,2}";
    let types = |types: &'static [&'static str]| {
        let one = move |i: usize| types[i % types.len()];
        proptest::collection::btree_map((0..types.len()).prop_map(one), word(), 0..3)
    };
    (
        word(),
        proptest::collection::vec("[AB]", 0..3),
        proptest::option::of("[FM]"),
        types(&["0096", "0350", "0400"]),
        types(&["Primary", "Alternate1"]),
        proptest::option::of("[12]"),
    )
        .prop_map(|(last, races, gender, phones, mails, employer)| {
            let text = |text: &str| {
                let mut out = Vec::new();
                crate::xml::escape_text(text, &mut out);
                String::from_utf8(out).unwrap()
            };
            let list = |name: &str, items: String| match items.as_str() {
                "" => String::new(),
                items => format!("<{name}>{items}</{name}>"),
            };
            let races = races
                .iter()
                .map(|r| format!("<Race><Code>{r}</Code></Race>"));
            let gender = gender.map_or(String::new(), |g| format!("<Gender>{g}</Gender>"));
            let phones = phones.iter().map(|(t, n)| {
                let n = text(n);
                format!("<PhoneNumber Type=\"{t}\"><Number>{n}</Number></PhoneNumber>")
            });
            let mails = mails
                .iter()
                .map(|(t, m)| format!("<Email Type=\"{t}\">{}</Email>", text(m)));
            format!(
                "<StudentContactPersonal RefId=\"A\"><PersonInfo><Name Type=\"04\"><LastName>{}\
                 </LastName></Name>{}{}{}</PersonInfo>{}</StudentContactPersonal>",
                text(&last),
                list("Demographics", list("RaceList", races.collect()) + &gender),
                list("PhoneNumberList", phones.collect()),
                list("EmailList", mails.collect()),
                employer.map_or(String::new(), |e| format!(
                    "<EmployerType>{e}</EmployerType>"
                )),
            )
        })
}

proptest! {
    /// Who applies what is told has what there is now; what has not changed is not told.
    #[test]
    fn no_change_is_lost(old in contact(), new in contact()) {
        let plan = plan("StudentContactPersonal");
        let change = delta(plan.root(), &old, &new).unwrap();
        prop_assert_eq!(change.is_none(), old == new);
        let parse = |text: &str| kept(Document::parse(text).unwrap().root_element());
        let mut third_party = parse(&old);
        if let Some(change) = &change {
            let change = Document::parse(change).unwrap();
            apply(&mut third_party, change.root_element());
        }
        prop_assert_eq!(third_party, parse(&new));
    }
}
