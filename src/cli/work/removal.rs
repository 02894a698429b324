//! Verbs that delete at the target: delete, truncate.

use super::guest::Stop;
use super::pipeline_of;
use super::runs::context_of;
use crate::cli::{DeleteArgs, Locking, Scope, Session, TruncateArgs, print_line};
use crate::run::{Options, Removal, Until};

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
    let mut pipeline = pipeline_of(&scope)?;
    pipeline.must_be_on().map_err(anyhow::Error::msg)?;
    session.guest.apply(&mut pipeline)?;
    let stop = Stop::listen();
    if until == Until::Loaded && !stop.heed(session, pipeline.load.window).await? {
        return Ok(3);
    }
    let context = context_of(session, pipeline, scope, options, &stop)?;
    let wait = locking.wait_lock.unwrap_or_default();
    let finished = crate::run::remove(&context, &what, until, wait, &session.progress).await?;
    session.noted.report(&finished.report);
    session.ended.note(&finished);
    session.print_report(&finished.report, &finished.errors)?;
    Ok(finished.report.exit_code)
}
