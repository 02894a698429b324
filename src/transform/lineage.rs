//! Which body field a crosswalk feeds, so that an unmapped code is reported with its field.
//!
//! Reads: a logical plan. Writes: nothing. Never: fails; what it cannot follow has no field.

use std::collections::BTreeMap;

use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::scalar::ScalarValue;

use crate::object::is_body_column;

/// Crosswalk name -> dotted path of the first body field that holds the mapped value of an
/// `unmapped(crosswalk, code, mapped)` in `_unmapped`.
pub(super) fn mapped_fields(plan: &LogicalPlan) -> BTreeMap<String, String> {
    let Some(outputs) = outputs(plan) else {
        return BTreeMap::new();
    };
    let body: Vec<(&str, &Expr)> = outputs
        .iter()
        .filter_map(|expr| match expr {
            Expr::Alias(alias) => Some((alias.name.as_str(), alias.expr.as_ref())),
            Expr::Column(column) => Some((column.name.as_str(), expr)),
            _ => None,
        })
        .collect();
    let mut fields = BTreeMap::new();
    for (name, mapped) in outputs.iter().flat_map(unmapped_calls) {
        let found = body
            .iter()
            .filter(|(column, _)| is_body_column(column))
            .find_map(|(column, expr)| path_to(expr, &mapped, column));
        if let Some(path) = found {
            fields.entry(name).or_insert(path);
        }
    }
    fields
}

/// The expressions of the outermost SELECT.
fn outputs(plan: &LogicalPlan) -> Option<&[Expr]> {
    match plan {
        LogicalPlan::Projection(projection) => Some(&projection.expr),
        LogicalPlan::Sort(_) | LogicalPlan::Limit(_) | LogicalPlan::Distinct(_) => {
            outputs(plan.inputs().first()?)
        }
        _ => None,
    }
}

/// `(crosswalk, mapped value)` of each call inside an expression.
fn unmapped_calls(expr: &Expr) -> Vec<(String, Expr)> {
    let mut calls = Vec::new();
    let _ = expr.apply(|e| {
        if let Expr::ScalarFunction(ScalarFunction { func, args }) = e
            && func.name() == "unmapped"
            && let [name, _, mapped] = args.as_slice()
            && let Some(name) = literal(name)
            // A mapping may name the field itself: `'termDescriptor: term'`.
            && !name.contains(':')
        {
            calls.push((name.to_owned(), mapped.clone()));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    calls
}

/// The path of the value inside an expression that stands at `path`.
fn path_to(expr: &Expr, value: &Expr, path: &str) -> Option<String> {
    if expr == value {
        return Some(path.to_owned());
    }
    if let Expr::ScalarFunction(ScalarFunction { func, args }) = expr
        && func.name() == "named_struct"
    {
        return args.chunks(2).find_map(|pair| match pair {
            [name, member] => path_to(member, value, &format!("{path}.{}", literal(name)?)),
            _ => None,
        });
    }
    let mut found = None;
    let _ = expr.apply_children(|child| {
        found = path_to(child, value, path);
        Ok(match found {
            Some(_) => TreeNodeRecursion::Stop,
            None => TreeNodeRecursion::Continue,
        })
    });
    found
}

fn literal(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)), _) => {
            Some(text)
        }
        _ => None,
    }
}
