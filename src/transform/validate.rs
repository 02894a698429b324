//! `fullsync validate` for SQL: every mistake of every file, before any row moves.
//!
//! Reads: SQL files, a session (of empty tables, usually). Writes: nothing. Never: executes.

use datafusion::error::DataFusionError;

use super::error::Problem;
use super::rules::{ResourceSpec, effective_meta};
use super::session::Session;
use super::sql::{self, Statement};
use super::yields::{Yields, check};

/// All problems of one resource: its stanza's fields, its SQL, and what the SQL yields.
pub async fn validate(session: &Session, resource: &ResourceSpec<'_>) -> Vec<Problem> {
    let (rules, mut problems) = match effective_meta(resource) {
        Ok(rules) => (rules, Vec::new()),
        Err(problems) => (resource.meta.clone(), problems),
    };
    let statement = match Statement::of(&resource.sql, resource.additions) {
        Ok(statement) => statement,
        Err(found) => {
            problems.extend(found);
            return problems;
        }
    };
    match sql::plan(session, &statement).await {
        Err(found) => problems.extend(found),
        Ok(planned) => problems.extend(check(&Yields {
            resource: resource.name,
            statement: &statement,
            schema: &planned.schema,
            rules: &rules,
        })),
    }
    problems
}

/// All problems of a pipeline's SQL: crosswalks, views, resources; sorted by file and place.
pub async fn validate_all(session: &Session, resources: &[ResourceSpec<'_>]) -> Vec<Problem> {
    let mut problems = session.problems().to_vec();
    for resource in resources {
        problems.extend(validate(session, resource).await);
    }
    problems.sort();
    problems.dedup();
    problems
}

/// As [`validate_all`], and has the engine make its plan of execution for what has no problem
/// otherwise: finds the rare query that it understands and cannot run (some correlated
/// subqueries). Several times slower; for `fullsync validate`, not for the start of each run.
pub async fn validate_fully(session: &Session, resources: &[ResourceSpec<'_>]) -> Vec<Problem> {
    let mut problems = validate_all(session, resources).await;
    for resource in resources {
        if problems.iter().any(|p| p.file == resource.sql) {
            continue;
        }
        if let Some(Err(error)) = executable(session, resource).await {
            problems.push(sql::describe(&resource.sql, &error));
        }
    }
    problems
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
