//! `fullsync validate` for SQL: every mistake of every file, before any row moves.
//!
//! Reads: SQL files, a session (of empty tables, usually). Writes: nothing. Never: executes.

use std::collections::BTreeMap;

use datafusion::error::DataFusionError;

use super::error::Problem;
use super::narrow::ScopeColumns;
use super::rules::{ResourceSpec, effective_meta};
use super::session::Session;
use super::sql::{self, Statement};
use super::yields::{Yields, check};

/// What checking the SQL of a pipeline came to.
#[derive(Clone, Debug, Default)]
pub struct Validated {
    /// Everything that is wrong, sorted by file and place.
    pub problems: Vec<Problem>,
    /// What each resource can be narrowed by; those whose SQL has mistakes are left out.
    pub columns: BTreeMap<String, ScopeColumns>,
}

/// All problems of one resource: its stanza's fields, its SQL, and what the SQL yields.
pub async fn validate(session: &Session, resource: &ResourceSpec<'_>) -> Vec<Problem> {
    let mut validated = Validated::default();
    validated.add(session, resource).await;
    validated.problems
}

impl Validated {
    async fn add(&mut self, session: &Session, resource: &ResourceSpec<'_>) {
        let rules = match effective_meta(resource) {
            Ok(rules) => rules,
            Err(problems) => {
                self.problems.extend(problems);
                resource.meta.clone()
            }
        };
        let statement = match Statement::of(&resource.sql, resource.additions) {
            Ok(statement) => statement,
            Err(found) => {
                self.problems.extend(found);
                return;
            }
        };
        match sql::plan(session, &statement).await {
            Err(found) => self.problems.extend(found),
            Ok(planned) => {
                self.problems.extend(check(&Yields {
                    resource: resource.name,
                    statement: &statement,
                    schema: &planned.schema,
                    rules: &rules,
                }));
                let columns = ScopeColumns::of(&planned.schema);
                self.columns.insert(resource.name.to_owned(), columns);
            }
        }
    }
}

/// Checks a pipeline's SQL: crosswalks, views, resources.
pub async fn validate_all(session: &Session, resources: &[ResourceSpec<'_>]) -> Validated {
    let mut validated = Validated {
        problems: session.problems().to_vec(),
        ..Validated::default()
    };
    for resource in resources {
        validated.add(session, resource).await;
    }
    validated.problems.sort();
    validated.problems.dedup();
    validated
}

/// As [`validate_all`], and has the engine make its plan of execution for what has no problem
/// otherwise: finds the rare query that it understands and cannot run (some correlated
/// subqueries). Several times slower; for `fullsync validate`, not for the start of each run.
pub async fn validate_fully(session: &Session, resources: &[ResourceSpec<'_>]) -> Validated {
    let mut validated = validate_all(session, resources).await;
    for resource in resources {
        if validated.problems.iter().any(|p| p.file == resource.sql) {
            continue;
        }
        if let Some(Err(error)) = executable(session, resource).await {
            let problem = sql::describe(&resource.sql, &error);
            validated.problems.push(problem);
        }
    }
    validated
}

async fn executable(
    session: &Session,
    resource: &ResourceSpec<'_>,
) -> Option<Result<(), DataFusionError>> {
    let statement = Statement::of(&resource.sql, resource.additions).ok()?;
    let planned = sql::plan(session, &statement).await.ok()?;
    let state = session.context.state();
    Some(state.create_physical_plan(&planned.plan).await.map(|_| ()))
}
