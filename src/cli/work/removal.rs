//! Verbs that delete at the target: delete, truncate.

use chrono::Utc;

use super::pipeline_of;
use super::runs::signals;
use crate::cli::{DeleteArgs, Locking, Scope, Session, TruncateArgs, print_line};
use crate::run::{Context, Options, Removal, Until};

pub(super) async fn delete(session: &Session, args: DeleteArgs) -> anyhow::Result<u8> {
    let what = Removal::Payloads(args.from);
    let until = match args.yes {
        true => Until::Loaded,
        false => Until::Planned,
    };
    let options = Options {
        school_year: args.year.school_year,
        verb: Some("delete"),
        ..Options::default()
    };
    let code = go(session, args.scope, args.locking, options, what, until).await?;
    if !args.yes {
        print_line("nothing was deleted; give --yes to delete these")?;
    }
    Ok(code)
}

pub(super) async fn truncate(session: &Session, args: TruncateArgs) -> anyhow::Result<u8> {
    if !args.yes {
        return super::target::would_truncate(&args).await;
    }
    let options = Options {
        school_year: args.year.school_year,
        verb: Some("truncate"),
        ..Options::default()
    };
    let what = Removal::Everything;
    go(
        session,
        args.scope,
        args.locking,
        options,
        what,
        Until::Loaded,
    )
    .await
}

async fn go(
    session: &Session,
    scope: Scope,
    locking: Locking,
    options: Options,
    what: Removal,
    until: Until,
) -> anyhow::Result<u8> {
    let log = session.run_log.clone();
    let context = Context {
        pipeline: pipeline_of(&scope)?,
        options: Options {
            resources: scope.resources,
            ..options
        },
        now: Utc::now(),
        cancel: signals(),
        opened: Box::new(move |folder| {
            if let Err(error) = log.open(&folder.join("run.log")) {
                tracing::warn!(%error, "the run's log cannot be written");
            }
        }),
    };
    let wait = locking.wait_lock.unwrap_or_default();
    let finished = crate::run::remove(&context, &what, until, wait, &session.progress).await?;
    session.print_report(&finished.report, &finished.errors)?;
    Ok(finished.report.exit_code)
}
