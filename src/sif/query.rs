//! A SIF_Query: object, projection, conditions; and the conditions as SQL over an objects file.
//!
//! Source: SIF 2.x infrastructure, SIF_Query. Paths: `Name/LastName`, `@RefId`,
//! `Name[@Type='04']/FirstName`; predicates hold `and`, `or`, `=` and `/` only, of which one `=` is
//! answered here. What cannot be answered is refused, never passed over: a filter that is ignored
//! would give away more than was asked for.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use roxmltree::Node;
use serde::{Deserialize, Serialize};

use super::SifError;
use super::ack::{child, name, text_of};
use crate::metadata::{Field, Kind};

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

    fn sql(self) -> &'static str {
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

fn unsupported(what: impl Into<String>) -> SifError {
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

    /// The conditions as a SQL predicate over the body columns of the object's file; None = all.
    ///
    /// # Errors
    /// 8/9: a path that the object does not have, or that is inside a list; a value that is none
    /// of the element's type.
    pub fn predicate(&self, fields: &BTreeMap<String, Field>) -> Result<Option<String>, SifError> {
        let Some(group) = &self.group else {
            return Ok(None);
        };
        let sets: Vec<String> = group
            .sets
            .iter()
            .map(|set| {
                let each = set.conditions.iter().map(|c| c.sql(fields));
                Ok(joined(each.collect::<Result<_, SifError>>()?, set.all))
            })
            .collect::<Result<_, SifError>>()?;
        Ok(Some(joined(sets, group.all)))
    }
}

fn joined(parts: Vec<String>, all: bool) -> String {
    format!("({})", parts.join(if all { " AND " } else { " OR " }))
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

impl Condition {
    fn sql(&self, fields: &BTreeMap<String, Field>) -> Result<String, SifError> {
        let (mut column, mut members, mut guards) = (String::new(), fields, Vec::new());
        let steps: Vec<&str> = steps(&self.path);
        let Some((last, parents)) = steps.split_last() else {
            return Err(self.unknown());
        };
        for step in parents {
            let (name, predicate) = self.step(step)?;
            let field = members.get(name).ok_or_else(|| self.unknown())?;
            below(&mut column, name);
            members = match &field.kind {
                Kind::Object { fields } => fields,
                Kind::Array { .. } => {
                    let what = format!("`{}` is in a list: not supported", self.path);
                    return Err(unsupported(what));
                }
                _ => return Err(self.unknown()),
            };
            if let Some((attribute, value)) = predicate {
                if !members.contains_key(attribute) {
                    return Err(self.unknown());
                }
                let mut guard = column.clone();
                below(&mut guard, attribute);
                guards.push(format!("{guard} = {}", quoted(value)));
            }
        }
        let field = members.get(last.trim_start_matches('@'));
        let field = field.ok_or_else(|| self.unknown())?;
        below(&mut column, last.trim_start_matches('@'));
        let mut kind = &field.kind;
        // An element with attributes and text is compared by its text.
        if let Kind::Object { fields } = kind {
            kind = &fields.get("value").ok_or_else(|| self.unknown())?.kind;
            below(&mut column, "value");
        }
        let literal = self.literal(kind)?;
        guards.push(format!("{column} {} {literal}", self.operator.sql()));
        Ok(joined(guards, true))
    }

    /// `Name` or `Name[@Type='04']`.
    fn step<'a>(&self, step: &'a str) -> Result<Step<'a>, SifError> {
        let Some((name, predicate)) = step.split_once('[') else {
            return Ok((step, None));
        };
        let what = || {
            unsupported(format!(
                "`{}`: predicates must be like [@Type='04']",
                self.path
            ))
        };
        let inside = predicate.strip_suffix(']').ok_or_else(what)?;
        let (attribute, value) = inside.split_once('=').ok_or_else(what)?;
        let attribute = attribute.trim().strip_prefix('@').ok_or_else(what)?;
        let value = value.trim();
        let bare = ['\'', '"']
            .iter()
            .find_map(|q| value.strip_prefix(*q)?.strip_suffix(*q))
            .ok_or_else(what)?;
        Ok((name, Some((attribute, bare))))
    }

    fn literal(&self, kind: &Kind) -> Result<String, SifError> {
        let value = self.value.as_str();
        let wrong = || {
            let what = format!("`{}` cannot be compared with the value given", self.path);
            unsupported(what)
        };
        match kind {
            Kind::String { .. }
            | Kind::Code { .. }
            | Kind::RefId
            | Kind::Descriptor { .. }
            | Kind::Time => Ok(quoted(value)),
            Kind::Int32 | Kind::Int64 => match value.parse::<i64>() {
                Ok(number) => Ok(number.to_string()),
                Err(_) => Err(wrong()),
            },
            Kind::Number => match value.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(number.to_string()),
                _ => Err(wrong()),
            },
            Kind::Boolean => match value {
                "true" | "1" => Ok("true".to_owned()),
                "false" | "0" => Ok("false".to_owned()),
                _ => Err(wrong()),
            },
            Kind::Date => match chrono::NaiveDate::parse_from_str(value, "%Y-%m-%d") {
                Ok(date) => Ok(format!("CAST('{date}' AS DATE)")),
                Err(_) => Err(wrong()),
            },
            Kind::DateTime | Kind::Object { .. } | Kind::Array { .. } | Kind::Reference { .. } => {
                Err(wrong())
            }
        }
    }

    fn unknown(&self) -> SifError {
        unsupported(format!("the object has no element `{}`", self.path))
    }
}

/// A name, and attribute and value of its predicate.
type Step<'a> = (&'a str, Option<(&'a str, &'a str)>);

/// The steps of a path; a `/` inside a predicate is none.
fn steps(path: &str) -> Vec<&str> {
    let mut inside = false;
    path.split(move |c| {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            _ => {}
        }
        c == '/' && !inside
    })
    .collect()
}

/// `column` or `column['member']`.
fn below(column: &mut String, name: &str) {
    // Writing to a String cannot fail.
    let _ = match column.is_empty() {
        true => write!(column, "\"{}\"", name.replace('"', "\"\"")),
        false => write!(column, "[{}]", quoted(name)),
    };
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests;
