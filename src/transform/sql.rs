//! Parses and plans the SQL of views and resources, and says what is wrong with it and where.
//!
//! Reads: SQL text, the session's tables. Writes: nothing. Never: executes anything.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::{Column, SchemaError, Span};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::{DFParser, Statement as Parsed};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::{self, Expr, visit_expressions_mut};
use datafusion::sql::sqlparser::tokenizer::Span as TokenSpan;

use super::additions;
use super::error::{Problem, did_you_mean};
use super::place::Places;
use super::session::Session;
use crate::pipeline::{Addition, Additions};

/// How many unknown columns of one file are listed before the search stops.
const MOST_COLUMNS: usize = 50;

/// One SELECT of one file.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) file: PathBuf,
    pub(super) places: Places,
    /// What layers have put into it.
    pub(super) additions: Vec<Addition>,
    parsed: Parsed,
}

impl Statement {
    /// Reads and parses a file.
    pub(super) fn read(file: &Path) -> Result<Self, Problem> {
        let text = crate::shipped::read_to_string(file)
            .map_err(|e| Problem::new(file, format!("cannot be read: {e}")))?;
        Self::parse(file, &text)
    }

    /// Reads a resource's SQL and puts in what layers add to it.
    pub(super) fn of(file: &Path, additions: &Additions) -> Result<Self, Vec<Problem>> {
        let mut statement = Self::read(file).map_err(|problem| vec![problem])?;
        additions::put(&mut statement, additions)?;
        Ok(statement)
    }

    /// The query itself.
    pub(super) fn query(&mut self) -> Option<&mut ast::Query> {
        let Parsed::Statement(statement) = &mut self.parsed else {
            return None;
        };
        match &mut **statement {
            ast::Statement::Query(query) => Some(query),
            _ => None,
        }
    }

    /// A problem of this statement, with its place in the file or layer.
    pub(super) fn located(&self, problem: Problem) -> Problem {
        additions::located(&self.additions, problem)
    }

    fn described(&self, error: &DataFusionError) -> Problem {
        self.located(describe(&self.file, error))
    }

    /// Parses the text of a file: exactly one query.
    pub(super) fn parse(file: &Path, text: &str) -> Result<Self, Problem> {
        let mut statements = DFParser::parse_sql(text).map_err(|e| describe(file, &e))?;
        let parsed = statements.pop_front();
        let is_query = |s: &Parsed| match s {
            Parsed::Statement(s) => matches!(**s, ast::Statement::Query(_)),
            _ => false,
        };
        match parsed.filter(is_query) {
            Some(parsed) if statements.is_empty() => Ok(Self {
                file: file.to_owned(),
                places: Places::new(text),
                additions: Vec::new(),
                parsed,
            }),
            Some(_) => Err(Problem::new(file, "has more than one statement")
                .suggest(Some("keep one SELECT; others may become views".to_owned()))),
            None => Err(Problem::new(file, "is not a query")
                .suggest(Some("write one SELECT (or WITH ... SELECT)".to_owned()))),
        }
    }

    /// The tables it names, common table expressions left out.
    fn tables(&self) -> Result<BTreeSet<String>, Problem> {
        let (tables, _) =
            resolve_table_references(&self.parsed, false).map_err(|e| self.described(&e))?;
        Ok(tables.iter().map(|t| t.table().to_owned()).collect())
    }
}

/// What a resource's SQL stands on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// SIS tables, crosswalks, `settings`.
    pub tables: BTreeSet<String>,
    /// Views.
    pub views: BTreeSet<String>,
}

/// The tables that a resource's SQL needs, through views: SIS tables, crosswalks, `settings`.
///
/// # Errors
/// A file cannot be read or parsed, or an addition cannot be put in.
pub fn tables_used(
    sql: &Path,
    additions: &Additions,
    views: &[(String, PathBuf)],
) -> Result<BTreeSet<String>, Vec<Problem>> {
    uses(sql, additions, views).map(|uses| uses.tables)
}

/// As [`tables_used`], with the views on the way.
///
/// # Errors
/// As [`tables_used`].
pub fn uses(
    sql: &Path,
    additions: &Additions,
    views: &[(String, PathBuf)],
) -> Result<Uses, Vec<Problem>> {
    let one = |problem| vec![problem];
    let mut uses = Uses::default();
    let mut files = Vec::new();
    let mut tables = Statement::of(sql, additions)?.tables().map_err(one)?;
    loop {
        for table in tables {
            match views.iter().find(|(name, _)| *name == table) {
                Some((name, file)) if uses.views.insert(name.clone()) => files.push(file),
                Some(_) => {}
                None => {
                    uses.tables.insert(table);
                }
            }
        }
        let Some(file) = files.pop() else {
            return Ok(uses);
        };
        tables = Statement::read(file)
            .and_then(|s| s.tables())
            .map_err(one)?;
    }
}

/// A statement that can run.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) plan: LogicalPlan,
    /// What it yields, with the types that it has once the plan is analysed.
    pub(super) schema: SchemaRef,
}

/// Plans a statement; all problems at once. An empty list means that only a broken view or
/// crosswalk, reported elsewhere, stands in the way.
pub(super) async fn plan(
    session: &Session,
    statement: &Statement,
) -> Result<Planned, Vec<Problem>> {
    let state = session.context.state();
    let tables = statement.tables().map_err(|p| vec![p])?;
    let known = session.tables();
    let unknown: Vec<&String> = tables.iter().filter(|t| !known.contains(t)).collect();
    if !unknown.is_empty() {
        let unknown = unknown.iter().filter(|t| !session.is_broken(t));
        return Err(unknown
            .map(|table| {
                let problem = Problem::new(&statement.file, format!("no table `{table}`"))
                    .at(statement.places.word(table))
                    .suggest(did_you_mean(table, known.iter().map(String::as_str)));
                statement.located(problem)
            })
            .collect());
    }
    let plan = columns_resolved(&state, statement).await?;
    // Wrong argument types show only when the plan is analysed.
    match analysed(&state, &plan) {
        Ok(analysed) => Ok(Planned {
            schema: Arc::clone(analysed.schema().inner()),
            plan,
        }),
        Err(error) => Err(error.iter().map(|e| statement.described(e)).collect()),
    }
}

/// The plan with all types settled. Optimising it as well would find little more and costs ten
/// times as much where views stand on views.
fn analysed(state: &SessionState, plan: &LogicalPlan) -> Result<LogicalPlan, DataFusionError> {
    let options = state.config_options();
    state
        .analyzer()
        .execute_and_check(plan.clone(), options, |_, _| {})
}

/// The planner stops at the first unknown column. Each one is noted, replaced by NULL, and the
/// planning repeated, so that all of them are found; whatever else goes wrong after a replacement
/// may be caused by it and is not reported.
async fn columns_resolved(
    state: &SessionState,
    statement: &Statement,
) -> Result<LogicalPlan, Vec<Problem>> {
    let mut problems: Vec<Problem> = Vec::new();
    let mut parsed = statement.parsed.clone();
    loop {
        let error = match state.statement_to_plan(parsed.clone()).await {
            Ok(plan) if problems.is_empty() => return Ok(plan),
            Ok(_) => return Err(problems),
            Err(error) => error,
        };
        let mut patched = false;
        for error in error.iter() {
            let column = unknown_column(error);
            if problems.is_empty() || column.is_some() {
                let problem = statement.described(error);
                if problems.contains(&problem) {
                    continue;
                }
                problems.push(problem);
            }
            if let Some(place) = column {
                patched |= replace(&mut parsed, place);
            }
        }
        if !patched || problems.len() >= MOST_COLUMNS {
            return Err(problems);
        }
    }
}

fn unknown_column(error: &DataFusionError) -> Option<Span> {
    match error.find_root() {
        DataFusionError::SchemaError(e, _) if matches!(**e, SchemaError::FieldNotFound { .. }) => {
            error.diagnostic()?.span
        }
        _ => None,
    }
}

/// Puts NULL in place of the identifier that starts at this span.
fn replace(parsed: &mut Parsed, place: Span) -> bool {
    let Parsed::Statement(statement) = parsed else {
        return false;
    };
    let starts = |span: TokenSpan| {
        (span.start.line, span.start.column) == (place.start.line, place.start.column)
    };
    let mut replaced = false;
    let _ = visit_expressions_mut(&mut **statement, |expr: &mut Expr| {
        let hit = match expr {
            Expr::Identifier(ident) => starts(ident.span),
            Expr::CompoundIdentifier(parts) => parts.iter().any(|p| starts(p.span)),
            _ => false,
        };
        if hit {
            *expr = Expr::Value(ast::Value::Null.into());
            replaced = true;
        }
        std::ops::ControlFlow::<()>::Continue(())
    });
    replaced
}

/// An engine's error as a problem: what, where, and what may have been meant.
pub(super) fn describe(file: &Path, error: &DataFusionError) -> Problem {
    let diagnostic = error.diagnostic();
    let place = diagnostic
        .and_then(|d| d.span)
        .map(|s| (s.start.line, s.start.column));
    if let DataFusionError::SchemaError(error, _) = error.find_root() {
        match &**error {
            SchemaError::FieldNotFound {
                field,
                valid_fields,
            } => return unknown_name(file, field, valid_fields).at(place),
            SchemaError::AmbiguousReference { field } => {
                return Problem::new(file, format!("column `{}` is ambiguous", field.name))
                    .at(place)
                    .suggest(Some("put the table's alias before it".to_owned()));
            }
            _ => {}
        }
    }
    let text = match error.find_root() {
        DataFusionError::SQL(parser, _) => parser.to_string(),
        root => root.message().into_owned(),
    };
    let text = text.strip_prefix("sql parser error: ").unwrap_or(&text);
    let (text, place) = match split_place(text) {
        Some((text, found)) => (text, place.or(Some(found))),
        None => (text, place),
    };
    let (message, suggestion) = match text.split_once('\n') {
        Some((first, rest)) if rest.trim().starts_with("Did you mean") => (
            first,
            Some(rest.trim().replacen("Did", "did", 1).replace('\'', "`")),
        ),
        _ => (text, None),
    };
    let helps = diagnostic.and_then(|d| d.helps.first().map(|h| h.message.clone()));
    Problem::new(file, message.trim_end_matches('.').replace('\n', " "))
        .at(place)
        .suggest(suggestion.or(helps))
}

fn unknown_name(file: &Path, field: &Column, valid: &[Column]) -> Problem {
    let Some(relation) = &field.relation else {
        let known = valid.iter().map(|c| c.name.as_str());
        return Problem::new(file, format!("no column `{}`", field.name))
            .suggest(did_you_mean(&field.name, known));
    };
    let own = valid
        .iter()
        .filter(|c| c.relation.as_ref() == Some(relation));
    let own: Vec<&str> = own.map(|c| c.name.as_str()).collect();
    if own.is_empty() {
        let aliases: BTreeSet<&str> = valid
            .iter()
            .filter_map(|c| c.relation.as_ref().map(|r| r.table()))
            .collect();
        let message = format!("no table or alias `{relation}` here, for `{}`", field.name);
        return Problem::new(file, message).suggest(did_you_mean(relation.table(), aliases));
    }
    Problem::new(file, format!("no column `{}` in `{relation}`", field.name))
        .suggest(did_you_mean(&field.name, own))
}

/// Splits ` at Line: 3, Column: 7` off a parser's message.
fn split_place(text: &str) -> Option<(&str, (u64, u64))> {
    let (message, place) = text.rsplit_once(" at Line: ")?;
    let (line, column) = place.trim_end_matches(')').split_once(", Column: ")?;
    Some((message, (line.parse().ok()?, column.trim().parse().ok()?)))
}
