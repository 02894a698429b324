//! The conditions of a query as SQL over an objects file, and over the elements of its lists.
//!
//! Source: SIF 2.x infrastructure, SIF_Query. Paths: `Name/LastName`, `@RefId`,
//! `Name[@Type='04']/FirstName`, `PhoneNumberList/PhoneNumber[@Type='0096']/Number` (any element of the
//! list that is so); predicates hold `and`, `or`, `=` and `/` only, of which one `=` is answered here.
//! What cannot be answered is refused, never passed over: a filter that is ignored would give away more
//! than was asked for.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::SifError;
use super::query::{Condition, Query, unsupported};
use crate::metadata::{Field, Kind};

/// What rows, or elements of a list, must be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predicate {
    /// Over the columns, or the members of an element; `_any0` and so on stand for the lists.
    pub sql: String,
    /// The lists that it looks into, in that order.
    pub lists: Vec<AnyOf>,
}

/// Whether any element of a list is as wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnyOf {
    /// The column, and the members that lead from it to the list.
    pub path: Vec<String>,
    /// What one of the elements must be like.
    pub element: Predicate,
}

/// The name that stands for a list in SQL.
pub(super) fn any_of(number: usize) -> String {
    format!("_any{number}")
}

impl Query {
    /// The conditions as a predicate over the body columns of the object's file; None = all.
    ///
    /// # Errors
    /// 8/9: a path that the object does not have, a value that is none of the element's type, or an
    /// example with a list in it: its values would have to be of one element.
    pub fn predicate(
        &self,
        fields: &BTreeMap<String, Field>,
    ) -> Result<Option<Predicate>, SifError> {
        let Some(group) = &self.group else {
            return Ok(None);
        };
        let mut lists = Vec::new();
        let mut sets = Vec::new();
        for set in &group.sets {
            let mut each = Vec::new();
            for condition in &set.conditions {
                each.push(condition.sql(fields, &steps(&condition.path), &mut lists)?);
            }
            sets.push(joined(each, set.all));
        }
        if group.example && !lists.is_empty() {
            return Err(unsupported("SIF_Example holds a list: not supported"));
        }
        let sql = joined(sets, group.all);
        Ok(Some(Predicate { sql, lists }))
    }
}

fn joined(parts: Vec<String>, all: bool) -> String {
    format!("({})", parts.join(if all { " AND " } else { " OR " }))
}

impl Condition {
    /// The condition on what the steps lead to; lists on the way are added to `lists`.
    fn sql(
        &self,
        fields: &BTreeMap<String, Field>,
        steps: &[&str],
        lists: &mut Vec<AnyOf>,
    ) -> Result<String, SifError> {
        let (mut column, mut path, mut guards) = (String::new(), Vec::new(), Vec::new());
        let (mut members, mut rest) = (fields, steps);
        while let Some((step, after)) = rest.split_first() {
            let (name, wanted) = self.step(step)?;
            let name = match after.is_empty() {
                true => name.trim_start_matches('@'),
                false => name,
            };
            let field = members.get(name).ok_or_else(|| self.unknown())?;
            below(&mut column, name);
            path.push(name.to_owned());
            match &field.kind {
                Kind::Array { fields } => {
                    guards.push(format!("\"{}\"", any_of(lists.len())));
                    let element = self.element(field, fields, wanted, after)?;
                    lists.push(AnyOf { path, element });
                    return Ok(joined(guards, true));
                }
                Kind::Object { fields } => {
                    guards.extend(self.guard(&column, fields, wanted)?);
                    if after.is_empty() {
                        // An element with attributes and text is compared by its text.
                        below(&mut column, "value");
                        guards.push(self.comparison(&column, self.text(fields)?)?);
                        return Ok(joined(guards, true));
                    }
                    members = fields;
                }
                kind if after.is_empty() && wanted.is_none() => {
                    guards.push(self.comparison(&column, kind)?);
                    return Ok(joined(guards, true));
                }
                _ => return Err(self.unknown()),
            }
            rest = after;
        }
        Err(self.unknown())
    }

    /// The condition on one element of a list. `wanted`: the predicate of the step to the list;
    /// `after`: the steps behind it, the first of which names the elements where they have a name of
    /// their own.
    fn element<'a>(
        &'a self,
        list: &Field,
        fields: &BTreeMap<String, Field>,
        mut wanted: Option<(&'a str, &'a str)>,
        mut after: &[&'a str],
    ) -> Result<Predicate, SifError> {
        let item = list.xml.as_ref().and_then(|xml| xml.item.as_deref());
        if let Some(item) = item {
            let Some((step, inside)) = after.split_first().filter(|_| wanted.is_none()) else {
                return Err(self.unknown());
            };
            let (name, predicate) = self.step(step)?;
            if name != item {
                return Err(self.unknown());
            }
            (wanted, after) = (predicate, inside);
        }
        let mut lists = Vec::new();
        let mut parts: Vec<String> = self.guard("", fields, wanted)?.into_iter().collect();
        parts.push(match after {
            [] => self.comparison("\"value\"", self.text(fields)?)?,
            after => self.sql(fields, after, &mut lists)?,
        });
        let sql = joined(parts, true);
        Ok(Predicate { sql, lists })
    }

    /// What the predicate of a step comes to; `column` is empty for an element of a list.
    fn guard(
        &self,
        column: &str,
        members: &BTreeMap<String, Field>,
        wanted: Option<(&str, &str)>,
    ) -> Result<Option<String>, SifError> {
        let Some((attribute, value)) = wanted else {
            return Ok(None);
        };
        if !members.contains_key(attribute) {
            return Err(self.unknown());
        }
        let mut guard = column.to_owned();
        below(&mut guard, attribute);
        Ok(Some(format!("{guard} = {}", quoted(value))))
    }

    fn comparison(&self, column: &str, kind: &Kind) -> Result<String, SifError> {
        let literal = self.literal(kind)?;
        Ok(format!("{column} {} {literal}", self.operator.sql()))
    }

    /// The text of an element that has attributes, too.
    fn text<'f>(&self, fields: &'f BTreeMap<String, Field>) -> Result<&'f Kind, SifError> {
        let field = fields.get("value").ok_or_else(|| self.unknown())?;
        Ok(&field.kind)
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
