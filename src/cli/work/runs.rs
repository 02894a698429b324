//! Verbs that move rows: run, extract, transform, load, plan; and validate, which moves none.

use chrono::Utc;

use super::guest::{Stop, told_id};
use super::pipeline_of;
use super::scope::{asked, schools_are_known, scoped};
use crate::cli::{
    Choice, ExtractArgs, LoadArgs, PlanArgs, RunArgs, Scope, Session, TransformArgs, ValidateArgs,
    print, print_line,
};
use crate::pipeline::{Pipeline, TargetKind};
use crate::report::RunReport;
use crate::run::validate_data::{Asking, validate_data as run_validate_data};
use crate::run::{Asked, Context, Depth, Options, Selection, Start, Until, connect};
use crate::source::SisSchema;
use crate::stage::StateDir;

pub(super) async fn run(session: &Session, args: RunArgs) -> anyhow::Result<u8> {
    let until = if args.sending.dry_run {
        Until::Planned
    } else {
        Until::Loaded
    };
    let options = Options {
        stepwise: args.choice.is_stepwise(&args.scope.resources),
        start: args.resume.map_or(Start::Source, Start::Staging),
        resend_all: args.sending.resend_all,
        delta: args.resync.delta,
        selective: args.resync.selective()?,
        unchecked: args.resync.no_check_dependencies,
        allow_partial: args.sending.allow_partial,
        only: args.only.options(Utc::now()),
        school_year: args.year.school_year,
        demo: args.sending.demo,
        wait_lock: args.locking.wait_lock.unwrap_or_default(),
        yes: args.consent.yes,
        asked: asked(&args.filter)?,
        max_deletes: args.deleting.max_deletes,
        mode: args.deleting.mode,
        people: args.deleting.people()?,
        ..Options::default()
    };
    let scope = chosen(args.scope, args.choice, &options, until, true)?;
    go(session, scope, options, until).await
}

pub(super) async fn extract(session: &Session, args: ExtractArgs) -> anyhow::Result<u8> {
    // Nothing is sent: the source may be a real one.
    let options = Options {
        demo: true,
        ..Options::default()
    };
    let scope = chosen(args.scope, args.choice, &options, Until::Extracted, true)?;
    go(session, scope, options, Until::Extracted).await
}

pub(super) async fn transform(session: &Session, args: TransformArgs) -> anyhow::Result<u8> {
    let options = Options {
        start: args.run.map_or(Start::Source, Start::Staging),
        school_year: args.year.school_year,
        demo: true,
        asked: asked(&args.filter)?,
        ..Options::default()
    };
    let scope = chosen(args.scope, args.choice, &options, Until::Transformed, true)?;
    go(session, scope, options, Until::Transformed).await
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
    let scope = chosen(args.scope, args.choice, &options, until, true)?;
    go(session, scope, options, until).await
}

pub(super) async fn plan(session: &Session, args: PlanArgs) -> anyhow::Result<u8> {
    let options = Options {
        stepwise: args.choice.is_stepwise(&args.scope.resources),
        start: args.run.map_or(Start::Source, Start::Staging),
        resend_all: args.resend_all,
        only: args.only.options(Utc::now()),
        school_year: args.year.school_year,
        demo: true,
        max_deletes: args.deleting.max_deletes,
        mode: args.deleting.mode,
        people: args.deleting.people()?,
        asked: asked(&args.filter)?,
        ..Options::default()
    };
    let scope = chosen(
        args.scope,
        args.choice,
        &options,
        Until::Planned,
        !args.json,
    )?;
    if args.json {
        let options = scoped(&pipeline_of(&scope)?, options, Until::Planned)?;
        let context = context(session, scope, options)?;
        let finished = crate::run::run(&context, Until::Planned, &session.progress).await?;
        print_line(&serde_json::to_string_pretty(&finished.plan)?)?;
        return Ok(finished.report.exit_code);
    }
    go(session, scope, options, Until::Planned).await
}

/// A run with these options, for verbs that send in their own way.
pub(super) async fn send(
    session: &Session,
    scope: Scope,
    options: Options,
    dry_run: bool,
) -> anyhow::Result<u8> {
    let until = if dry_run {
        Until::Planned
    } else {
        Until::Loaded
    };
    go(session, scope, options, until).await
}

/// What a verb works with that runs a pipeline or a part of one.
pub(super) fn context(
    session: &Session,
    scope: Scope,
    options: Options,
) -> anyhow::Result<Context> {
    context_of(
        session,
        pipeline_of(&scope)?,
        scope,
        options,
        &Stop::listen(),
    )
}

pub(super) fn context_of(
    session: &Session,
    pipeline: Pipeline,
    scope: Scope,
    options: Options,
    stop: &Stop,
) -> anyhow::Result<Context> {
    let resync = options.delta || options.unchecked || options.selective.is_some();
    if resync && pipeline.target != TargetKind::Dis {
        anyhow::bail!(
            "--delta, --no-check-dependencies, --object and --ids are for a resync to a state edition, \
             and pipeline `{}` says target = \"{}\"",
            pipeline.name,
            pipeline.target.as_str()
        );
    }
    let log = session.run_log.clone();
    let detached = session
        .detached
        .as_ref()
        .map(|id| StateDir::new(&pipeline.state_dir, &pipeline.name).detached(id));
    Ok(Context {
        pipeline,
        options: Options {
            resources: scope.resources,
            run: told_id(session),
            ..options
        },
        now: Utc::now(),
        cancel: stop.cancelled(),
        opened: Box::new(move |folder| {
            if let Err(error) = log.open(&folder.join("run.log")) {
                tracing::warn!(%error, "the run's log cannot be written");
            }
            if let Some(detached) = &detached {
                detached.show_in(folder);
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
    let mut pipeline = pipeline_of(&scope)?;
    // Before a window is waited for.
    pipeline.must_be_on().map_err(anyhow::Error::msg)?;
    session.guest.apply(&mut pipeline)?;
    let options = scoped(&pipeline, options, until)?;
    let stop = Stop::listen();
    if until == Until::Loaded && !stop.heed(session, pipeline.load.window).await? {
        return Err(Stopped.into());
    }
    let context = context_of(session, pipeline, scope, options, &stop)?;
    let mut finished = match crate::run::run(&context, until, &session.progress).await {
        Err(error) if *context.cancel.borrow() => {
            tracing::warn!(%error, "stopped before anything was sent; the next run carries on");
            return Err(Stopped.into());
        }
        finished => finished?,
    };
    session.noted.report(&finished.report);
    if let Some(cause) = stop.cause() {
        let cause = cause.to_owned();
        crate::report::warn(&finished.folder, std::slice::from_ref(&cause))?;
        finished.report.warnings.push(cause);
    }
    session.ended.note(&finished);
    match &finished.plan {
        Some(plan) if finished.report.exit_code == 0 => {
            session.print_plan(plan, &finished.errors)?;
        }
        _ => session.print_report(&finished.report, &finished.errors)?,
    }
    if let Some(selective) = &context.options.selective {
        let label = selective.label(&context.pipeline)?;
        let (object, count) = (&selective.object, selective.ids.len());
        print_line(&format!("selective sync of {object}, {label}: {count}"))?;
    }
    if let Some(cause) = finished.stopped {
        tracing::error!(
            cause,
            "the load stopped itself; what is left is due in the next run"
        );
    }
    Ok(finished.report)
}

/// The pipeline with the resources that the arguments mean; what dependencies bring in is printed,
/// if it is to be shown. The configuration is checked first, then the schools, then the resources.
pub(super) fn chosen(
    mut scope: Scope,
    choice: Choice,
    options: &Options,
    until: Until,
    show: bool,
) -> anyhow::Result<Scope> {
    let pipeline = pipeline_of(&scope)?;
    pipeline.must_be_on().map_err(anyhow::Error::msg)?;
    schools_are_known(&pipeline, options, until)?;
    let standard = connect::standard(&pipeline)?;
    scope.resources.extend(choice.also);
    let choice = crate::run::Choice {
        patterns: scope.resources,
        except: choice.except,
        steps: choice.step,
        dependencies: choice.with_dependencies,
        dependents: choice.with_dependents,
    };
    let chosen = crate::run::choose(&pipeline, &choice, &standard)?;
    for remark in chosen.remarks.iter().filter(|_| show) {
        print_line(remark)?;
    }
    scope.resources = chosen.names;
    Ok(scope)
}

/// `validate --data`, after the pipeline and its SQL were found in order.
async fn validate_data(
    session: &Session,
    args: &ValidateArgs,
    scope: Scope,
    options: Options,
) -> anyhow::Result<u8> {
    let options = scoped(&pipeline_of(&scope)?, options, Until::Transformed)?;
    let mut context = context(session, scope, options)?;
    // That is what is asked for, whatever a run does.
    context.pipeline.load.local_validation = true;
    let asking = Asking {
        offline: args.offline,
        refresh: args.refresh,
    };
    let report = match run_validate_data(&context, asking, &session.progress).await {
        Err(error) if *context.cancel.borrow() => {
            tracing::warn!(%error, "stopped");
            return Ok(3);
        }
        report => report?,
    };
    if args.json {
        print_line(&serde_json::to_string_pretty(&report.without_examples())?)?;
    } else {
        let terminal = std::io::IsTerminal::is_terminal(&std::io::stdout());
        print(&report.text(terminal))?;
    }
    Ok(u8::from(!report.problems.is_empty()))
}

pub(super) async fn validate(session: &Session, args: &ValidateArgs) -> anyhow::Result<u8> {
    let options = Options {
        start: args.run.clone().map_or(Start::Source, Start::Staging),
        school_year: args.year.school_year,
        demo: true,
        asked: asked(&args.filter)?,
        ..Options::default()
    };
    let until = match args.data {
        true => Until::Transformed,
        false if options.asked != Asked::default() => anyhow::bail!(
            "schools, persons, courses and sections narrow the objects: add --data to check these"
        ),
        false => Until::Extracted,
    };
    let scope = args.scope.clone();
    let scope = chosen(scope, args.choice.clone(), &options, until, !args.json)?;
    let pipeline = pipeline_of(&scope)?;
    let standard = connect::standard(&pipeline)?;
    let sis = SisSchema::load(&pipeline.sis_schema)?;
    let selection = Selection::new(&pipeline, &scope.resources, &standard, &sis)?;
    crate::run::validate(&pipeline, &selection, &sis, Depth::Full).await?;
    if args.data {
        return validate_data(session, args, scope, options).await;
    }
    if let Some(missing) = &pipeline.source.missing {
        anyhow::bail!("{missing}");
    }
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
