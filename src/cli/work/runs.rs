//! Verbs that move rows: run, extract, transform, load, plan; and validate, which moves none.

use chrono::Utc;
use tokio::sync::watch;

use super::pipeline_of;
use crate::cli::{
    ExtractArgs, LoadArgs, PlanArgs, RunArgs, Scope, Session, TransformArgs, ValidateArgs,
    print_line,
};
use crate::pipeline::TargetKind;
use crate::report::RunReport;
use crate::run::{Context, Depth, Options, Selection, Start, Until, connect};
use crate::source::SisSchema;

pub(super) async fn run(session: &Session, args: RunArgs) -> anyhow::Result<u8> {
    let until = if args.sending.dry_run {
        Until::Planned
    } else {
        Until::Loaded
    };
    let options = Options {
        start: args.resume.map_or(Start::Source, Start::Staging),
        resend_all: args.sending.resend_all,
        delta: args.resync.delta,
        unchecked: args.resync.no_check_dependencies,
        allow_partial: args.sending.allow_partial,
        only: args.only.options(Utc::now()),
        school_year: args.year.school_year,
        demo: args.sending.demo,
        wait_lock: args.locking.wait_lock.unwrap_or_default(),
        yes: args.consent.yes,
        max_deletes: args.deleting.max_deletes,
        mode: args.deleting.mode,
        people: args.deleting.people()?,
        ..Options::default()
    };
    go(session, args.scope, options, until).await
}

pub(super) async fn extract(session: &Session, args: ExtractArgs) -> anyhow::Result<u8> {
    // Nothing is sent: the source may be a real one.
    let options = Options {
        demo: true,
        ..Options::default()
    };
    go(session, args.scope, options, Until::Extracted).await
}

pub(super) async fn transform(session: &Session, args: TransformArgs) -> anyhow::Result<u8> {
    let options = Options {
        start: args.run.map_or(Start::Source, Start::Staging),
        school_year: args.year.school_year,
        demo: true,
        ..Options::default()
    };
    go(session, args.scope, options, Until::Transformed).await
}

pub(super) async fn load(session: &Session, args: LoadArgs) -> anyhow::Result<u8> {
    let until = if args.sending.dry_run {
        Until::Planned
    } else {
        Until::Loaded
    };
    let options = Options {
        start: Start::Objects(args.from.run),
        wait_lock: args.locking.wait_lock.unwrap_or_default(),
        resend_all: args.sending.resend_all,
        allow_partial: args.sending.allow_partial,
        only: args.only.options(Utc::now()),
        demo: args.sending.demo,
        ..Options::default()
    };
    go(session, args.scope, options, until).await
}

pub(super) async fn plan(session: &Session, args: PlanArgs) -> anyhow::Result<u8> {
    let options = Options {
        start: args.run.map_or(Start::Source, Start::Staging),
        resend_all: args.resend_all,
        only: args.only.options(Utc::now()),
        school_year: args.year.school_year,
        demo: true,
        max_deletes: args.deleting.max_deletes,
        mode: args.deleting.mode,
        people: args.deleting.people()?,
        ..Options::default()
    };
    go(session, args.scope, options, Until::Planned).await
}

/// What a verb works with that runs a pipeline or a part of one.
pub(super) fn context(
    session: &Session,
    scope: Scope,
    options: Options,
) -> anyhow::Result<Context> {
    let pipeline = pipeline_of(&scope)?;
    if (options.delta || options.unchecked) && pipeline.target != TargetKind::Dis {
        anyhow::bail!(
            "--delta and --no-check-dependencies are for a resync to a state edition, and pipeline \
             `{}` says target = \"{}\", which is sent what is due anyway",
            pipeline.name,
            pipeline.target.as_str()
        );
    }
    let log = session.run_log.clone();
    Ok(Context {
        pipeline,
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
    })
}

async fn go(session: &Session, scope: Scope, options: Options, until: Until) -> anyhow::Result<u8> {
    let report = match finished(session, scope, options, until).await {
        Err(error) if error.is::<Stopped>() => return Ok(3),
        report => report?,
    };
    Ok(report.exit_code)
}

/// A run that was stopped before anything was sent.
#[derive(Debug, thiserror::Error)]
#[error("stopped before anything was sent; the next run carries on")]
pub(super) struct Stopped;

/// Runs, prints the report, and gives it back.
pub(super) async fn finished(
    session: &Session,
    scope: Scope,
    options: Options,
    until: Until,
) -> anyhow::Result<RunReport> {
    let context = context(session, scope, options)?;
    let finished = match crate::run::run(&context, until, &session.progress).await {
        Err(error) if *context.cancel.borrow() => {
            tracing::warn!(%error, "stopped before anything was sent; the next run carries on");
            return Err(Stopped.into());
        }
        finished => finished?,
    };
    session.print_report(&finished.report, &finished.errors)?;
    if let Some(cause) = finished.stopped {
        tracing::error!(
            cause,
            "the load stopped itself; what is left is due in the next run"
        );
    }
    Ok(finished.report)
}

/// Turns true at the first SIGINT or SIGTERM; the second ends the process at once.
pub(super) fn signals() -> watch::Receiver<bool> {
    let (cancel, cancelled) = watch::channel(false);
    tokio::spawn(async move {
        for count in 0.. {
            if signal().await.is_err() {
                // Without a handler the system's default holds.
                return;
            }
            if count > 0 {
                std::process::exit(130);
            }
            tracing::warn!("stopping: requests in flight are finished; once more ends at once");
            cancel.send_replace(true);
        }
    });
    cancelled
}

#[cfg(unix)]
async fn signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

pub(super) async fn validate(args: &ValidateArgs) -> anyhow::Result<u8> {
    let pipeline = pipeline_of(&args.scope)?;
    let standard = connect::standard(&pipeline)?;
    let sis = SisSchema::load(&pipeline.sis_schema)?;
    let selection = Selection::new(&pipeline, &args.scope.resources, &standard, &sis)?;
    crate::run::validate(&pipeline, &selection, &sis, Depth::Full).await?;
    for warning in &pipeline.warnings {
        print_line(&format!("warning: {warning}"))?;
    }
    print_line(&format!(
        "{}: {} resources over {} SIS tables, {} views, {} crosswalks: no mistakes found",
        pipeline.file.display(),
        selection.resources.len(),
        selection.tables.len(),
        pipeline.views.len(),
        pipeline.crosswalks.len(),
    ))?;
    Ok(0)
}
