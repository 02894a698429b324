//! Descriptor values out of the standard's XML files or a server's answers.
//!
//! Reads: XML and JSON texts. Writes: nothing. Never: descriptions (only what makes a URI).

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use crate::metadata::MetadataError;

/// Descriptor type -> namespace -> code values, sorted and unique.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Descriptors(pub BTreeMap<String, BTreeMap<String, Vec<String>>>);

impl Descriptors {
    /// No values yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one value.
    pub fn add(&mut self, descriptor: &str, namespace: &str, code: &str) {
        let namespaces = self.0.entry(descriptor.to_owned()).or_default();
        let values = namespaces.entry(namespace.to_owned()).or_default();
        if let Err(at) = values.binary_search_by(|v| v.as_str().cmp(code)) {
            values.insert(at, code.to_owned());
        }
    }

    /// Adds a descriptor type without values, unless it is there.
    pub fn add_type(&mut self, descriptor: &str) {
        self.0.entry(descriptor.to_owned()).or_default();
    }

    /// Adds one page of a server's answer to `GET /ed-fi/gradeLevelDescriptors`: a list of objects
    /// with `namespace` and `codeValue`. The type is `descriptor`, or where that is `None`, the
    /// last part of each namespace.
    ///
    /// # Errors
    /// [`MetadataError::Shape`] when it is not such a list.
    pub fn add_answer(
        &mut self,
        descriptor: Option<&str>,
        answer: &Value,
    ) -> Result<(), MetadataError> {
        let problem = "is no list of objects with `namespace` and `codeValue`";
        let wrong = || MetadataError::shape(descriptor.unwrap_or("descriptors"), problem);
        for value in answer.as_array().ok_or_else(wrong)? {
            let text = |name: &str| value.get(name).and_then(Value::as_str);
            let (Some(namespace), Some(code)) = (text("namespace"), text("codeValue")) else {
                return Err(wrong());
            };
            let named = descriptor.or_else(|| namespace.rsplit('/').next());
            self.add(named.ok_or_else(wrong)?, namespace, code);
        }
        Ok(())
    }

    /// Adds a JSON file: such a list, or an object of lists by descriptor type.
    ///
    /// # Errors
    /// As [`Self::add_answer`].
    pub fn add_json(&mut self, document: &Value) -> Result<(), MetadataError> {
        match document {
            Value::Object(by_type) => by_type
                .iter()
                .try_for_each(|(name, answer)| self.add_answer(Some(name), answer)),
            list => self.add_answer(None, list),
        }
    }

    /// Adds one XML file of descriptors (`InterchangeDescriptors`); `document` names it in errors.
    ///
    /// # Errors
    /// [`MetadataError::Xml`] when it is not well-formed.
    pub fn add_xml(&mut self, document: &str, text: &str) -> Result<(), MetadataError> {
        let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
        let mut open: Vec<String> = Vec::new();
        let (mut namespace, mut code, mut words) = (String::new(), String::new(), String::new());
        loop {
            let event = reader.read_event().map_err(|source| MetadataError::Xml {
                document: document.to_owned(),
                position: reader.error_position(),
                source,
            })?;
            match event {
                Event::Start(tag) => {
                    open.push(tag.local_name().as_ref().to_owned());
                    words.clear();
                }
                Event::Text(text) => words.push_str(&text.xml10_content()),
                Event::CData(text) => words.push_str(&text.xml10_content()),
                Event::GeneralRef(entity) => words.push_str(&character(&entity)),
                Event::End(_) => {
                    let name = open.pop().unwrap_or_default();
                    match (name.as_str(), open.len()) {
                        ("CodeValue", 2) => words.trim().clone_into(&mut code),
                        ("Namespace", 2) => words.trim().clone_into(&mut namespace),
                        (descriptor, 1) if descriptor.ends_with("Descriptor") => {
                            if !namespace.is_empty() && !code.is_empty() {
                                self.add(descriptor, &namespace, &code);
                            }
                            namespace.clear();
                            code.clear();
                        }
                        _ => {}
                    }
                    words.clear();
                }
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }
}

/// The text of `&amp;` or `&#233;`; an unknown entity stays as it is written.
fn character(entity: &quick_xml::events::BytesRef<'_>) -> String {
    if let Ok(Some(c)) = entity.resolve_char_ref() {
        return c.to_string();
    }
    let name: &str = entity;
    quick_xml::escape::resolve_predefined_entity(name)
        .map_or_else(|| format!("&{name};"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn xml_values_with_entities() {
        let xml = "<?xml version='1.0'?><InterchangeDescriptors xmlns='http://ed-fi.org/5.2.0'>
            <TermDescriptor id='x'><CodeValue>Fall &amp; Winter &#233; </CodeValue>
              <ShortDescription>no</ShortDescription>
              <Namespace>uri://ed-fi.org/TermDescriptor</Namespace></TermDescriptor>
            <TermDescriptor><CodeValue>A</CodeValue>
              <Namespace>uri://ed-fi.org/TermDescriptor</Namespace></TermDescriptor>
            </InterchangeDescriptors>";
        let mut found = Descriptors::new();
        found.add_xml("x", xml).unwrap();
        let values = &found.0["TermDescriptor"]["uri://ed-fi.org/TermDescriptor"];
        assert_eq!(values, &["A", "Fall & Winter \u{e9}"]);
        assert!(found.add_xml("x", "<a><b></a>").is_err());
    }

    #[test]
    fn answers_with_and_without_a_type() {
        let page =
            json!([{"id": "1", "namespace": "uri://state.gov/TermDescriptor", "codeValue": "T1"}]);
        let (mut a, mut b) = (Descriptors::new(), Descriptors::new());
        a.add_json(&page).unwrap();
        b.add_json(&json!({"TermDescriptor": page})).unwrap();
        assert_eq!(a, b);
        assert!(a.add_json(&json!([{"codeValue": "T1"}])).is_err());
        assert!(a.add_json(&json!("no")).is_err());
    }

    proptest! {
        #[test]
        fn values_are_sorted_and_unique(codes in proptest::collection::vec("[a-d]{1,2}", 0..20)) {
            let mut found = Descriptors::new();
            found.add_type("XDescriptor");
            for code in &codes {
                found.add("XDescriptor", "n", code);
            }
            let mut wanted = codes.clone();
            wanted.sort();
            wanted.dedup();
            let values = found.0["XDescriptor"].get("n").cloned().unwrap_or_default();
            prop_assert_eq!(values, wanted);
        }
    }
}
