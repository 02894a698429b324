//! What the provider refuses an object for: elements, order, mandatory content, values.
//!
//! Reads: the standard's metadata, an object's XML. Writes: nothing. Never: looks at other objects;
//! it says which ones must be there.

use std::collections::BTreeMap;

use roxmltree::Node;

use crate::metadata::{Field, Kind, Standard, XmlForm, XmlNode};

/// An object that another one refers to: its kind and id.
pub(super) type Needed = (String, String);

/// What holds for the objects of one kind.
pub(super) struct Rules<'a> {
    pub(super) standard: &'a Standard,
    /// The kind (`StudentPersonal`).
    pub(super) object: &'a str,
}

impl Rules<'_> {
    /// The name of the attribute that holds the object's id.
    pub(super) fn id_attribute(&self) -> &'static str {
        match self.object.starts_with('x') {
            true => "refId",
            false => "RefId",
        }
    }

    /// Checks an object by itself; what it refers to.
    ///
    /// # Errors
    /// What is wrong.
    pub(super) fn check(&self, node: Node<'_, '_>) -> Result<Vec<Needed>, String> {
        let Some(meta) = self.standard.resource(self.object) else {
            return Err(format!("{} is no object of this provider", self.object));
        };
        let mut needed = Vec::new();
        self.content(node, &meta.fields, self.object, &mut needed)?;
        Ok(needed)
    }

    fn content(
        &self,
        node: Node<'_, '_>,
        fields: &BTreeMap<String, Field>,
        at: &str,
        needed: &mut Vec<Needed>,
    ) -> Result<(), String> {
        let form = |field: &Field| field.xml.clone().unwrap_or_default();
        for attribute in node.attributes() {
            let known = fields.get(attribute.name());
            let Some(field) = known.filter(|f| form(f).form == XmlNode::Attribute) else {
                return Err(format!("{at}/@{} is not allowed", attribute.name()));
            };
            let at = format!("{at}/@{}", attribute.name());
            self.value(
                attribute.name(),
                &field.kind,
                attribute.value(),
                &at,
                needed,
            )?;
        }
        let mut last = 0;
        let mut seen: Vec<&str> = Vec::new();
        for child in node.children().filter(Node::is_element) {
            let name = child.tag_name().name();
            let found = fields.iter().find(|(field, meta)| {
                let form = form(meta);
                // A list without an element around it: its elements stand here by themselves.
                form.form == XmlNode::Element && *field == name
            });
            let Some((_, field)) = found else {
                return Err(format!("{at}/{name} is not allowed"));
            };
            let order = form(field).order;
            if order < last {
                return Err(format!("{at}/{name} stands in the wrong place"));
            }
            let repeats = matches!(field.kind, Kind::Array { .. }) && form(field).item.is_none();
            if seen.contains(&name) && !repeats {
                return Err(format!("{at}/{name} is there twice"));
            }
            last = order;
            seen.push(name);
            self.element(child, field, &form(field), &format!("{at}/{name}"), needed)?;
        }
        for (name, field) in fields.iter().filter(|(_, field)| field.required) {
            let there = match form(field).form {
                XmlNode::Attribute => node.has_attribute(name.as_str()),
                XmlNode::Text => node.text().is_some_and(|text| !text.trim().is_empty()),
                XmlNode::Element => seen.contains(&name.as_str()),
            };
            if !there {
                return Err(format!("{at}/{name} is missing"));
            }
        }
        let text = fields.iter().find(|(_, f)| form(f).form == XmlNode::Text);
        if let Some((name, field)) = text {
            self.value(
                name,
                &field.kind,
                node.text().unwrap_or_default(),
                at,
                needed,
            )?;
        }
        Ok(())
    }

    fn element(
        &self,
        node: Node<'_, '_>,
        field: &Field,
        form: &XmlForm,
        at: &str,
        needed: &mut Vec<Needed>,
    ) -> Result<(), String> {
        match (&field.kind, &form.item) {
            (Kind::Array { fields }, Some(item)) => {
                for child in node.children().filter(Node::is_element) {
                    if child.tag_name().name() != item {
                        return Err(format!("{at} holds <{}>", child.tag_name().name()));
                    }
                    self.content(child, fields, &format!("{at}/{item}"), needed)?;
                }
                Ok(())
            }
            (
                Kind::Array { fields } | Kind::Object { fields } | Kind::Reference { fields, .. },
                _,
            ) => self.content(node, fields, at, needed),
            (kind, _) => {
                let name = node.tag_name().name();
                self.value(name, kind, node.text().unwrap_or_default(), at, needed)
            }
        }
    }

    fn value(
        &self,
        name: &str,
        kind: &Kind,
        text: &str,
        at: &str,
        needed: &mut Vec<Needed>,
    ) -> Result<(), String> {
        let fits = match kind {
            Kind::RefId => {
                let digits: String = text.chars().filter(|c| *c != '-').collect();
                // An id that a provider has given is its own affair.
                if let Some(object) = self.refers(name, at) {
                    needed.push((object, text.to_owned()));
                }
                !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_alphanumeric())
            }
            Kind::String { max: Some(max) } => text.chars().count() <= *max as usize,
            Kind::Int32 => text.parse::<i32>().is_ok(),
            Kind::Int64 => text.parse::<i64>().is_ok(),
            Kind::Number => text.parse::<f64>().is_ok(),
            Kind::Boolean => matches!(text, "true" | "false" | "0" | "1"),
            Kind::Date => chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok(),
            Kind::Time => chrono::NaiveTime::parse_from_str(text, "%H:%M:%S").is_ok(),
            Kind::Code { name } => {
                let codes = self.standard.descriptors.get(name);
                let codes: Vec<&String> = codes
                    .into_iter()
                    .flat_map(BTreeMap::values)
                    .flatten()
                    .collect();
                codes.is_empty() || codes.iter().any(|code| *code == text)
            }
            _ => true,
        };
        match fits {
            true => Ok(()),
            // The value may be a person's: it is not repeated.
            false => Err(format!("{at} has a value that is not allowed")),
        }
    }

    /// The kind of object that a field refers to, where its name tells: `SchoolInfoRefId`,
    /// `schoolRefId` in xPress Roster.
    fn refers(&self, field: &str, at: &str) -> Option<String> {
        let name = field
            .strip_suffix("RefId")
            .filter(|name| !name.is_empty())?;
        let name = match (self.object.strip_prefix('x'), name) {
            (Some(own), name) => {
                let mut letters = name.chars();
                let name: String = letters
                    .next()
                    .into_iter()
                    .flat_map(char::to_uppercase)
                    .chain(letters)
                    .collect();
                // An agency above the agency is another's.
                if name == own || at.contains("/lea/") {
                    return None;
                }
                format!("x{name}")
            }
            (None, name) => name.to_owned(),
        };
        self.standard.resource(&name).is_some().then_some(name)
    }
}
