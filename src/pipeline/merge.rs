//! Layers laid over each other: one table in which a higher layer's values stand in the place of a
//! lower one's, each still knowing where it stands.
//!
//! Rules (docs/layers.md): tables are merged key by key; any other value is replaced; `views` are
//! merged by name; `crosswalks` and `sql_dir` add up, the base's first; `[connection]` of a file is
//! taken as a whole, so that one server's secrets never go to another; `schools = "all"` is consent,
//! and consent is not inherited.
//!
//! Reads: texts. Writes: problems. Never: files.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::layer::{Kind, Layer};
use super::problem::Problem;

/// Keys of the top level whose values of all layers are kept, the base's first.
const ADDED_UP: [&str; 2] = ["crosswalks", "sql_dir"];

/// All layers as one table, and what is no TOML in them.
pub(super) fn merged(layers: &[Layer]) -> (DeTable<'_>, Vec<(usize, Problem)>) {
    let mut all = DeTable::new();
    let mut problems = Vec::new();
    let mut order: Vec<&Layer> = layers.iter().collect();
    order.sort_by_key(|layer| layer.rank);
    for layer in order {
        let (table, errors) = DeTable::parse_recoverable(&layer.text);
        for error in &errors {
            let at = layer.start + error.span().unwrap_or(0..0).start;
            problems.push((at, layer.at(at, error.message().trim_end())));
        }
        if layer.kind != Kind::Argument {
            withdraw_consent(&mut all);
        }
        for (key, value) in shifted_table(table.into_inner(), layer.start) {
            top(&mut all, key, value, layer.kind);
        }
    }
    (all, problems)
}

/// Takes away what a lower file says for itself alone: that all schools may be sent (E17).
fn withdraw_consent(all: &mut DeTable<'_>) {
    let scope = all.get_mut("scope").map(Spanned::get_mut);
    if let Some(DeValue::Table(scope)) = scope
        && let Some(schools) = scope.get("schools")
        && schools.get_ref().as_str() == Some("all")
    {
        scope.remove("schools");
    }
}

type Key<'a> = Spanned<std::borrow::Cow<'a, str>>;

/// Lays one key of the top level over what is there.
fn top<'a>(all: &mut DeTable<'a>, key: Key<'a>, value: Spanned<DeValue<'a>>, kind: Kind) {
    let name = key.get_ref().clone();
    let lower = all.get_mut(name.as_ref());
    let Some(lower) = lower else {
        all.insert(key, value);
        return;
    };
    match name.as_ref() {
        "connection" if kind != Kind::Argument => replace(all, key, value),
        "views" => {
            let views = views(items(lower.clone()), items(value));
            *lower = array(views, lower.span());
        }
        name if ADDED_UP.contains(&name) => {
            let mut both = items(lower.clone());
            both.extend(items(value));
            *lower = array(both, lower.span());
        }
        _ => over(all, key, value),
    }
}

/// Lays a value over what is there: tables key by key, anything else in its place.
fn over<'a>(table: &mut DeTable<'a>, key: Key<'a>, value: Spanned<DeValue<'a>>) {
    let name = key.get_ref().clone();
    match (
        table.get_mut(name.as_ref()).map(Spanned::get_mut),
        value.get_ref(),
    ) {
        (Some(DeValue::Table(lower)), DeValue::Table(_)) => {
            if let DeValue::Table(higher) = value.into_inner() {
                for (key, value) in higher {
                    over(lower, key, value);
                }
            }
        }
        _ => replace(table, key, value),
    }
}

/// The key's own place is the new one, too.
fn replace<'a>(table: &mut DeTable<'a>, key: Key<'a>, value: Spanned<DeValue<'a>>) {
    let name = key.get_ref().clone();
    table.remove(name.as_ref());
    table.insert(key, value);
}

/// A higher layer's views among the base's: one of a name that is there takes its place; a new one
/// stands before the next one of the list that is there, else at the end. So a layer can put a
/// view before one that uses it.
fn views<'a>(
    base: Vec<Spanned<DeValue<'a>>>,
    layer: Vec<Spanned<DeValue<'a>>>,
) -> Vec<Spanned<DeValue<'a>>> {
    let mut all = base;
    let mut waiting = Vec::new();
    for view in layer {
        let stem = stem(&view);
        match all
            .iter()
            .position(|known| stem.is_some() && self::stem(known) == stem)
        {
            Some(at) => {
                all[at] = view;
                let new = std::mem::take(&mut waiting);
                all.splice(at..at, new);
            }
            None => waiting.push(view),
        }
    }
    all.extend(waiting);
    all
}

fn stem(view: &Spanned<DeValue<'_>>) -> Option<String> {
    let stem = Path::new(view.get_ref().as_str()?).file_stem()?;
    Some(stem.to_str()?.to_owned())
}

/// The elements of a list; anything else is a list of one.
fn items<'a>(value: Spanned<DeValue<'a>>) -> Vec<Spanned<DeValue<'a>>> {
    match value.get_ref() {
        DeValue::Array(_) => match value.into_inner() {
            DeValue::Array(items) => items.into_iter().collect(),
            _ => Vec::new(),
        },
        _ => vec![value],
    }
}

fn array<'a>(items: Vec<Spanned<DeValue<'a>>>, span: Range<usize>) -> Spanned<DeValue<'a>> {
    let mut all = DeArray::new();
    for item in items {
        all.push(item);
    }
    Spanned::new(span, DeValue::Array(all))
}

/// The same values with their places moved by `by`.
fn shifted<'a>(value: Spanned<DeValue<'a>>, by: usize) -> Spanned<DeValue<'a>> {
    let span = moved(value.span(), by);
    let value = match value.into_inner() {
        DeValue::Array(items) => {
            let items = items.into_iter().map(|item| shifted(item, by)).collect();
            return array(items, span);
        }
        DeValue::Table(table) => DeValue::Table(shifted_table(table, by)),
        other => other,
    };
    Spanned::new(span, value)
}

fn shifted_table(table: DeTable<'_>, by: usize) -> DeTable<'_> {
    table
        .into_iter()
        .map(|(key, value)| {
            let span = moved(key.span(), by);
            (Spanned::new(span, key.into_inner()), shifted(value, by))
        })
        .collect()
}

fn moved(span: Range<usize>, by: usize) -> Range<usize> {
    span.start + by..span.end + by
}
