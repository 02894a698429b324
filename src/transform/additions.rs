//! Puts the columns and joins that a layer adds into the outermost SELECT of a resource's SQL, so
//! that a district changes one expression and keeps the shipped SQL.
//!
//! Reads: parsed SQL, additions. Writes: parsed SQL. Never: files.

use std::ops::ControlFlow;

use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::ast::{
    self, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Select,
    SelectItem, SetExpr, Value, visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::error::Problem;
use super::sql::{Statement, describe};
use crate::pipeline::{Addition, Additions};

/// Lines of the n-th addition are counted from `n * STRIDE`, so that every place in the SQL tells
/// which text it is in.
const STRIDE: u64 = 1 << 24;

/// The word that stands for the SQL's own expression in one that takes its place.
const BASE: &str = "base_value";

/// Puts all additions in.
///
/// # Errors
/// An addition that cannot be parsed or has no place in this SQL; all of them.
pub(super) fn put(statement: &mut Statement, additions: &Additions) -> Result<(), Vec<Problem>> {
    let all = additions.columns.iter().chain(&additions.joins);
    statement.additions = all.cloned().collect();
    let columns = additions.columns.len();
    let mut problems = Vec::new();
    for at in 0..statement.additions.len() {
        let addition = statement.additions[at].clone();
        let done = match at < columns {
            true => column(statement, &addition, at),
            false => join(statement, &addition, at),
        };
        if let Err(problem) = done {
            problems.push(problem);
        }
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(problems),
    }
}

/// The problem with its place in the layer, when it is in an addition.
pub(super) fn located(additions: &[Addition], mut problem: Problem) -> Problem {
    let Some(line) = problem.line.filter(|line| *line >= STRIDE) else {
        return problem;
    };
    let at = usize::try_from(line / STRIDE - 1).unwrap_or(usize::MAX);
    if let Some(addition) = additions.get(at) {
        let line = line % STRIDE;
        let first = line <= 1;
        problem.file.clone_from(&addition.file);
        problem.line = Some(addition.line as u64 + line.saturating_sub(1));
        problem.column = problem.column.map(|column| {
            if first {
                column + addition.column as u64
            } else {
                column
            }
        });
    }
    problem
}

fn stride(at: usize) -> u64 {
    (at as u64 + 1) * STRIDE
}

fn wrong(addition: &Addition, message: String) -> Problem {
    let place = (addition.line as u64, addition.column as u64);
    Problem::new(&addition.file, message).at(Some(place))
}

fn unreadable(statement: &Statement, addition: &Addition, error: ParserError) -> Problem {
    let error = DataFusionError::SQL(Box::new(error), None);
    let problem = describe(&statement.file, &error);
    match problem.line.is_some_and(|line| line >= STRIDE) {
        true => located(&statement.additions, problem),
        // At its end: as the whole of it.
        false => wrong(addition, problem.message),
    }
}

/// The tokens of an addition, behind those of `before`, with places of its own.
fn tokens(before: &str, sql: &str, at: usize) -> Result<Vec<TokenWithSpan>, ParserError> {
    let read = |text: &str| Tokenizer::new(&GenericDialect {}, text).tokenize_with_location();
    let mut all = read(before)?;
    for mut token in read(sql)? {
        token.span.start.line += stride(at);
        token.span.end.line += stride(at);
        all.push(token);
    }
    Ok(all)
}

fn select(statement: &mut Statement) -> Option<&mut Select> {
    match &mut *statement.query()?.body {
        SetExpr::Select(select) => Some(select),
        _ => None,
    }
}

const NO_SELECT: &str = "this SQL is no plain SELECT (a UNION?), so nothing can be added: give the resource an SQL file \
     of its own";

fn column(statement: &mut Statement, addition: &Addition, at: usize) -> Result<(), Problem> {
    let new = match &addition.sql {
        None => None,
        Some(sql) => {
            let parsed = tokens("", sql, at).and_then(|tokens| {
                let dialect = GenericDialect {};
                let mut parser = Parser::new(&dialect).with_tokens_with_locations(tokens);
                let expr = parser.parse_expr()?;
                parser.expect_token(&Token::EOF)?;
                Ok(expr)
            });
            Some(parsed.map_err(|error| unreadable(statement, addition, error))?)
        }
    };
    let Some((name, members)) = addition.path.split_first() else {
        return Ok(());
    };
    let full = addition.path.join(".");
    let file = statement.file.display().to_string();
    let Some(select) = select(statement) else {
        return Err(wrong(addition, NO_SELECT.to_owned()));
    };
    let found = select
        .projection
        .iter()
        .position(|item| named(item) == Some(name));
    let missing = |what: &str| wrong(addition, format!("{file} yields no `{full}` {what}"));
    match (found, new) {
        (None, None) => return Err(missing("to leave out")),
        (None, Some(new)) => {
            if uses_base(&new) {
                return Err(missing("that `base_value` could stand for"));
            }
            let expr = nested(members, new).map_err(|e| wrong(addition, e))?;
            let alias = Ident::new(name);
            select
                .projection
                .push(SelectItem::ExprWithAlias { expr, alias });
        }
        (Some(item), None) if members.is_empty() => {
            select.projection.remove(item);
        }
        (Some(item), new) => {
            let item = &mut select.projection[item];
            let mut expr = match item {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                    expr.clone()
                }
                _ => return Err(missing("with an expression")),
            };
            member(&mut expr, members, new)
                .map_err(|e| wrong(addition, format!("`{full}`: {e}")))?;
            let alias = Ident::new(name);
            *item = SelectItem::ExprWithAlias { expr, alias };
        }
    }
    statement.places.add(&addition.path, stride(at) + 1);
    Ok(())
}

fn join(statement: &mut Statement, addition: &Addition, at: usize) -> Result<(), Problem> {
    let Some(sql) = &addition.sql else {
        return Ok(());
    };
    let parsed = tokens("SELECT 1 FROM x ", sql, at).and_then(|tokens| {
        let dialect = GenericDialect {};
        let mut parser = Parser::new(&dialect).with_tokens_with_locations(tokens);
        let query = parser.parse_query()?;
        parser.expect_token(&Token::EOF)?;
        Ok(query)
    });
    let query = parsed.map_err(|error| unreadable(statement, addition, error))?;
    let plain = query.order_by.is_none() && query.limit_clause.is_none();
    let joins = match *query.body {
        SetExpr::Select(mut select)
            if plain && select.selection.is_none() && select.from.len() == 1 =>
        {
            select
                .from
                .pop()
                .map(|table| table.joins)
                .unwrap_or_default()
        }
        _ => Vec::new(),
    };
    if joins.is_empty() {
        let what = "is no join: write LEFT JOIN table alias ON ...";
        return Err(wrong(addition, what.to_owned()));
    }
    let Some(table) = select(statement).and_then(|select| select.from.last_mut()) else {
        return Err(wrong(addition, NO_SELECT.to_owned()));
    };
    table.joins.extend(joins);
    Ok(())
}

/// The name of an output column.
fn named(item: &SelectItem) -> Option<&String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(&alias.value),
        SelectItem::UnnamedExpr(Expr::Identifier(ident)) => Some(&ident.value),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last().map(|p| &p.value),
        _ => None,
    }
}

/// Replaces, adds or (without `new`) takes out the member at a path inside of an expression.
fn member(expr: &mut Expr, path: &[String], new: Option<Expr>) -> Result<(), String> {
    let Some((name, rest)) = path.split_first() else {
        if let Some(mut new) = new {
            fill(&mut new, expr);
            *expr = new;
        }
        return Ok(());
    };
    let Some(args) = struct_args(expr) else {
        return Err(
            "the SQL does not make this object by named_struct here; give the whole column"
                .to_owned(),
        );
    };
    let at = args
        .chunks(2)
        .position(|pair| pair.first().and_then(literal) == Some(name));
    let Some(at) = at.map(|pair| pair * 2) else {
        let new = new.ok_or_else(|| format!("there is no `{name}` to leave out"))?;
        if uses_base(&new) {
            return Err("there is no value that `base_value` could stand for".to_owned());
        }
        args.push(text(name));
        args.push(argument(nested(rest, new)?));
        return Ok(());
    };
    if rest.is_empty() && new.is_none() {
        args.drain(at..(at + 2).min(args.len()));
        return Ok(());
    }
    match args.get_mut(at + 1) {
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(value))) => member(value, rest, new),
        _ => Err("the SQL makes this object in a way that cannot be added to".to_owned()),
    }
}

/// The arguments of a named_struct, also of the only one that a CASE yields.
fn struct_args(expr: &mut Expr) -> Option<&mut Vec<FunctionArg>> {
    match expr {
        Expr::Nested(inner) => struct_args(inner),
        Expr::Case {
            conditions,
            else_result: None,
            ..
        } => match conditions.as_mut_slice() {
            [only] => struct_args(&mut only.result),
            _ => None,
        },
        Expr::Function(Function {
            name,
            args: FunctionArguments::List(list),
            ..
        }) if name.to_string() == "named_struct" => Some(&mut list.args),
        _ => None,
    }
}

/// The expression inside of new objects: `named_struct('tn', named_struct('homeroom', expr))`.
fn nested(path: &[String], expr: Expr) -> Result<Expr, String> {
    let mut expr = expr;
    for name in path.iter().rev() {
        let dialect = GenericDialect {};
        let made = Parser::new(&dialect).try_with_sql("named_struct('', NULL)");
        let mut made = made
            .and_then(|mut p| p.parse_expr())
            .map_err(|e| e.to_string())?;
        if let Some(args) = struct_args(&mut made) {
            *args = vec![text(name), argument(expr)];
        }
        expr = made;
    }
    Ok(expr)
}

fn literal(arg: &FunctionArg) -> Option<&String> {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn text(name: &str) -> FunctionArg {
    argument(Expr::Value(
        Value::SingleQuotedString(name.to_owned()).into(),
    ))
}

fn argument(expr: Expr) -> FunctionArg {
    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))
}

fn is_base(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(ident) if ident.value == BASE)
}

fn uses_base(expr: &Expr) -> bool {
    let mut found = false;
    let _ = ast::visit_expressions(expr, |e: &Expr| {
        found |= is_base(e);
        ControlFlow::<()>::Continue(())
    });
    found
}

/// Puts the SQL's own expression where `base_value` stands.
fn fill(new: &mut Expr, base: &Expr) {
    let _ = visit_expressions_mut(new, |e: &mut Expr| {
        if is_base(e) {
            *e = Expr::Nested(Box::new(base.clone()));
        }
        ControlFlow::<()>::Continue(())
    });
}

#[cfg(test)]
mod tests;
