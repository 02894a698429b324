//! `fullsync sif ...`: the agent of a zone, by hand, for once, or for good.

mod check;
mod messages;

use tokio::sync::watch;

use super::guest::{Verb, attend};
use super::runs::{chosen, send};
use super::scope::asked;
use super::{pipeline_of, pipeline_with};
use crate::cli::{
    OfZone, Session, SifArgs, SifCommand, SifEventsArgs, SifRegisterArgs, SifRun, SifServeArgs,
    SifSyncArgs, SifUnregisterArgs, print_line,
};
use crate::run::zone::{Link, Staying, settings};
use crate::run::{Options, Start, Until, connect};
use crate::sif::{Agent, SyncError};

pub(super) async fn sif(session: &Session, args: SifArgs) -> anyhow::Result<u8> {
    match args.command {
        SifCommand::Check(args) => check::check(session, args).await,
        SifCommand::Register(args) => register(&args).await,
        SifCommand::Sync(args) => sync(session, *args).await,
        SifCommand::Serve(args) => serve(session, *args).await,
        SifCommand::Events(args) => events(session, *args).await,
        SifCommand::Messages(args) => messages::messages(args.command),
        SifCommand::Sleep(args) => {
            control(&args.of, "SIF_Sleep", "asleep: the zone keeps its messages").await
        }
        SifCommand::Wakeup(args) => {
            control(
                &args.of,
                "SIF_Wakeup",
                "awake: the zone hands out what it has kept",
            )
            .await
        }
        SifCommand::Unregister(args) => unregister(&args).await,
    }
}

async fn sync(session: &Session, args: SifSyncArgs) -> anyhow::Result<u8> {
    let staying = args.staying();
    of_run(session, "sif sync", args.run, staying, false).await
}

async fn events(session: &Session, args: SifEventsArgs) -> anyhow::Result<u8> {
    let staying = Staying {
        events: true,
        ..Staying::default()
    };
    of_run(session, "sif events", args.run, staying, args.dry_run).await
}

/// Run after run, each with objects that are staged anew.
async fn serve(session: &Session, args: SifServeArgs) -> anyhow::Result<u8> {
    let staying = Staying {
        serve: true,
        refresh: Some(args.refresh),
        ..Staying::default()
    };
    let mut run = args.run;
    loop {
        let code = of_run(session, "sif serve", run.clone(), staying, false).await?;
        // Stopped, or without its zone: whoever watches over this process starts it again.
        if code == 3 {
            return Ok(code);
        }
        run.resume = None;
    }
}

/// One run of the agent, as `fullsync run` would do it.
async fn of_run(
    session: &Session,
    name: &'static str,
    run: SifRun,
    staying: Staying,
    dry_run: bool,
) -> anyhow::Result<u8> {
    settings(&pipeline_of(&run.scope)?)?;
    let (pipeline, again) = (run.scope.pipeline.clone(), run.resume.clone());
    let guest = run.guest.clone();
    let verb = Verb::new(name, &pipeline, again.as_deref(), &guest);
    attend(session, verb, |session| async move {
        let options = Options {
            start: run.resume.map_or(Start::Source, Start::Staging),
            school_year: run.year.school_year,
            // What is only counted goes nowhere.
            demo: run.demo || dry_run,
            wait_lock: run.locking.wait_lock.unwrap_or_default(),
            yes: run.consent.yes,
            asked: asked(&run.filter)?,
            verb: Some(name),
            staying,
            ..Options::default()
        };
        let until = match dry_run {
            true => Until::Planned,
            false => Until::Loaded,
        };
        let scope = chosen(run.scope, run.choice, &options, until, true)?;
        send(&session, scope, options, dry_run).await
    })
    .await
}

async fn register(args: &SifRegisterArgs) -> anyhow::Result<u8> {
    let pipeline = pipeline_of(&args.scope)?;
    let chosen = pipeline.select(&args.scope.resources).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })?;
    let objects: Vec<String> = chosen.into_iter().map(|r| r.name.clone()).collect();
    let link = open(&pipeline).await?;
    let joined = link.join(&objects).await;
    let (url, id) = (
        link.agent.zone.url.clone(),
        link.agent.profile.source_id.clone(),
    );
    link.close().await;
    let joined = joined?;
    print_line(&format!("agent {id} is registered with {url}"))?;
    print_line(&format!("provided: {}", objects.join(", ")))?;
    for object in &joined.without {
        print_line(&format!("rights are missing: {object}"))?;
    }
    Ok(0)
}

async fn unregister(args: &SifUnregisterArgs) -> anyhow::Result<u8> {
    anyhow::ensure!(
        args.consent.yes,
        "unregistering drops what the agent provides and all requests that wait for it; give --yes"
    );
    say(&args.of, async |agent| Ok(agent.unregister().await?)).await?;
    print_line("the agent is out of the zone; `fullsync sif register` brings it back")?;
    Ok(0)
}

async fn control(of: &OfZone, command: &str, done: &str) -> anyhow::Result<u8> {
    say(of, async |agent| {
        agent.control(command).await.map(|_| ()).map_err(Into::into)
    })
    .await?;
    print_line(done)?;
    Ok(0)
}

/// Says one word to the zone.
async fn say(
    of: &OfZone,
    word: impl AsyncFnOnce(&Agent) -> Result<(), SyncError>,
) -> anyhow::Result<()> {
    let pipeline = pipeline_with(&of.pipeline, &of.set)?;
    let link = open(&pipeline).await?;
    let said = word(&link.agent).await;
    link.close().await;
    Ok(said?)
}

async fn open(pipeline: &crate::pipeline::Pipeline) -> anyhow::Result<Link> {
    let standard = connect::standard(pipeline)?;
    // A verb of one word is not worth stopping.
    let (_, cancel) = watch::channel(false);
    Ok(Link::open(pipeline, &standard, cancel, false).await?)
}
