//! A SIF_Query: object, projection, conditions.
//!
//! Source: SIF 2.x infrastructure, SIF_Query.

use roxmltree::Node;
use serde::{Deserialize, Serialize};

use super::SifError;
use super::ack::{child, name, text_of};

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// ObjectName.
    pub object: String,
    /// SIF_Element: paths of wanted elements; empty = the whole object.
    pub elements: Vec<String>,
    /// Conditions; None = all objects.
    pub group: Option<Group>,
}

/// A SIF_ConditionGroup: sets of conditions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Whether all sets must hold, or one is enough.
    pub all: bool,
    /// The sets.
    pub sets: Vec<Conditions>,
    /// Whether it is made of a SIF_Example, whose values belong together.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub example: bool,
}

/// A SIF_Conditions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// Whether all conditions must hold, or one is enough.
    pub all: bool,
    /// The conditions.
    pub conditions: Vec<Condition>,
}

/// A SIF_Condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Path of an element or attribute.
    pub path: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    pub value: String,
}

/// The six operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operator {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Operator {
    fn read(text: &str) -> Option<Self> {
        Some(match text {
            "EQ" => Self::Eq,
            "NE" => Self::Ne,
            "LT" => Self::Lt,
            "LE" => Self::Le,
            "GT" => Self::Gt,
            "GE" => Self::Ge,
            _ => return None,
        })
    }

    pub(super) fn sql(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "<>",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }
}

pub(super) fn unsupported(what: impl Into<String>) -> SifError {
    SifError::new(SifError::UNSUPPORTED_QUERY, what)
}

impl Query {
    /// Reads a SIF_Query.
    pub(super) fn read(node: Node<'_, '_>) -> Result<Self, SifError> {
        let target = child(node, "SIF_QueryObject");
        let object = target.and_then(|t| t.attribute("ObjectName"));
        let (Some(target), Some(object)) = (target, object) else {
            return Err(SifError::new((1, 6), "SIF_QueryObject names no object"));
        };
        let elements = target.children().filter(|n| name(*n) == "SIF_Element");
        let group = match (
            child(node, "SIF_ConditionGroup"),
            child(node, "SIF_Example"),
        ) {
            (Some(group), _) => Some(read_group(group)?),
            (None, Some(example)) => Some(read_example(example, object)?),
            (None, None) => None,
        };
        Ok(Self {
            object: object.to_owned(),
            elements: elements
                .filter_map(|e| e.text().map(|t| t.trim().to_owned()))
                .collect(),
            group,
        })
    }

    /// Whether an element or attribute is wanted: named itself, or inside one that is named.
    pub fn keeps(&self, path: &str) -> bool {
        self.elements.is_empty()
            || self.elements.iter().any(|e| {
                path.strip_prefix(e.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    }

    /// Whether all objects are wanted, whole.
    pub fn is_whole(&self) -> bool {
        self.elements.is_empty() && self.group.is_none()
    }

    /// The columns of the objects file that the conditions look at.
    pub fn columns(&self) -> Vec<&str> {
        let sets = self.group.iter().flat_map(|group| &group.sets);
        let paths = sets.flat_map(|set| set.conditions.iter().map(|c| c.path.as_str()));
        let first = |path: &str| path.find(['/', '[']).unwrap_or(path.len());
        paths
            .filter_map(|path| path.get(..first(path)))
            .map(|name| name.trim_start_matches('@'))
            .collect()
    }
}

fn read_group(node: Node<'_, '_>) -> Result<Group, SifError> {
    let sets = node.children().filter(|n| name(*n) == "SIF_Conditions");
    let sets: Vec<Conditions> = sets
        .map(|set| {
            let each = set.children().filter(|n| name(*n) == "SIF_Condition");
            let conditions = each.map(read_condition).collect::<Result<Vec<_>, _>>()?;
            if conditions.is_empty() {
                return Err(unsupported("SIF_Conditions holds no condition"));
            }
            Ok(Conditions {
                all: is_all(set)?,
                conditions,
            })
        })
        .collect::<Result<_, _>>()?;
    if sets.is_empty() {
        return Err(unsupported("SIF_ConditionGroup holds no conditions"));
    }
    Ok(Group {
        all: is_all(node)?,
        sets,
        example: false,
    })
}

/// Type is And, Or, or None (where there is one part only).
fn is_all(node: Node<'_, '_>) -> Result<bool, SifError> {
    match node.attribute("Type") {
        Some("Or") => Ok(false),
        Some("And" | "None") | None => Ok(true),
        Some(_) => Err(unsupported("Type must be And, Or or None")),
    }
}

fn read_condition(node: Node<'_, '_>) -> Result<Condition, SifError> {
    let part = |name| text_of(node, name);
    let operator = part("SIF_Operator").and_then(|o| Operator::read(&o));
    match (part("SIF_Element"), operator, part("SIF_Value")) {
        (Some(path), Some(operator), Some(value)) => Ok(Condition {
            path,
            operator,
            value,
        }),
        (_, None, _) => Err(unsupported("SIF_Operator must be EQ, NE, LT, LE, GT or GE")),
        _ => Err(unsupported("a condition needs SIF_Element and SIF_Value")),
    }
}

/// A SIF_Example: every attribute and text of the object in it must be equal.
fn read_example(node: Node<'_, '_>, object: &str) -> Result<Group, SifError> {
    let example = child(node, object)
        .ok_or_else(|| unsupported("SIF_Example holds another object than the query names"))?;
    let mut conditions = Vec::new();
    examples(example, "", &mut conditions);
    if conditions.is_empty() {
        return Err(unsupported("SIF_Example holds no value"));
    }
    Ok(Group {
        all: true,
        sets: vec![Conditions {
            all: true,
            conditions,
        }],
        example: true,
    })
}

fn examples(node: Node<'_, '_>, path: &str, found: &mut Vec<Condition>) {
    let below = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}/{name}"),
    };
    let mut equal = |path: String, value: &str| {
        found.push(Condition {
            path,
            operator: Operator::Eq,
            value: value.trim().to_owned(),
        });
    };
    for attribute in node.attributes() {
        equal(below(&format!("@{}", attribute.name())), attribute.value());
    }
    let text = node.text().map(str::trim).filter(|t| !t.is_empty());
    if let (Some(text), false) = (text, path.is_empty()) {
        equal(path.to_owned(), text);
    }
    for child in node.children().filter(Node::is_element) {
        examples(child, &below(name(child)), found);
    }
}

#[cfg(test)]
mod tests;
