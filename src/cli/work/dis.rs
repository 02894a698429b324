//! `fullsync dis ...`: what the state asks for, and asking for it.

use super::guest::{Place, Verb, attend};
use super::{pipeline, runs};
use crate::cli::{DisCommand, PollArgs, RequestArgs, Scope, Session, Set, print_line};
use crate::load::Wanted;
use crate::pipeline::Pipeline;
use crate::run::connect::{self, Target};
use crate::run::{Options, Until, may_ask, may_send};

pub(super) async fn dis(session: &Session, command: DisCommand) -> anyhow::Result<u8> {
    match command {
        DisCommand::Poll(args) => {
            let verb = Verb::new("dis poll", &args.pipeline, None, &args.guest);
            attend(session, verb.placed(Place::Frame), |session| async {
                poll(session, &args).await
            })
            .await
        }
        DisCommand::Request(args) => request(&args).await,
    }
}

async fn poll(mut session: Session, args: &PollArgs) -> anyhow::Result<u8> {
    let pipeline = pipeline(&args.pipeline)?;
    may_send(&pipeline)?;
    let wanted = ask(&pipeline, async |target| Ok(requests(target)?.to_vec())).await?;
    if wanted.is_empty() {
        print_line("the state asks for nothing")?;
        return Ok(0);
    }
    let mut worst = 0;
    for request in wanted {
        let what = match request.objects.is_empty() {
            true => "everything".to_owned(),
            false => request.objects.join(", "),
        };
        let (id, note) = (&request.id, &request.note);
        let why = if note.is_empty() { "" } else { ": " };
        print_line(&format!("request {id} of the state: {what}{why}{note}"))?;
        let verb = Verb::new("run", &args.pipeline, None, &args.guest).placed(Place::Part);
        let code = attend(&session, verb, |session| async {
            carry_out(session, &args.pipeline, &pipeline, request).await
        })
        .await;
        // Only the first one has the id that the background was started with.
        session.detached = None;
        match code {
            Ok(code) => worst = worst.max(code),
            // The request stays open; the others are not held up by it.
            Err(error) => {
                tracing::error!("{error:#}");
                worst = worst.max(2);
            }
        }
        if worst == 3 {
            break;
        }
    }
    Ok(worst)
}

/// One request: runs it, and tells the state what it came to.
async fn carry_out(
    session: Session,
    name: &str,
    pipeline: &Pipeline,
    request: Wanted,
) -> anyhow::Result<u8> {
    let scope = Scope {
        pipeline: name.to_owned(),
        resources: request.objects,
        set: Set::default(),
    };
    let options = Options {
        school_year: request.school_year,
        ..Options::default()
    };
    let report = match runs::finished(&session, scope, options, Until::Loaded).await {
        Err(error) if error.is::<runs::Stopped>() => return Ok(3),
        report => report?,
    };
    // One that was stopped stays open: the next poll carries it out.
    if report.exit_code != 3 {
        let total = report.total;
        ask(pipeline, async |target| {
            let state = target.state().ok_or_else(|| no_state(pipeline))?;
            let (run, id) = (&report.run, &request.id);
            Ok(state.done(id, run, total.processed, total.errors).await?)
        })
        .await?;
    }
    Ok(report.exit_code)
}

fn requests(target: &Target) -> anyhow::Result<&[Wanted]> {
    let state = target
        .state()
        .ok_or_else(|| anyhow::anyhow!("only a state edition asks for resyncs"))?;
    Ok(&state.about.requests)
}

fn no_state(pipeline: &Pipeline) -> anyhow::Error {
    anyhow::anyhow!(
        "pipeline `{}` has no state edition as its target",
        pipeline.name
    )
}

/// Connects for one question.
async fn ask<T>(
    pipeline: &Pipeline,
    question: impl AsyncFnOnce(&Target) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let target = Target::connect(pipeline, &connect::standard(pipeline)?).await?;
    let answer = question(&target).await;
    target.disconnect().await;
    answer
}

async fn request(args: &RequestArgs) -> anyhow::Result<u8> {
    let mut pipeline = pipeline(&args.pipeline)?;
    may_ask(&pipeline)?;
    pipeline.select(&args.objects).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })?;
    if let Some(dis) = &mut pipeline.dis {
        dis.district.clone_from(&args.district);
    }
    let id = ask(&pipeline, async |target| {
        let state = target.state().ok_or_else(|| no_state(&pipeline))?;
        Ok(state
            .request(&args.objects, args.school_year, &args.note)
            .await?)
    })
    .await?;
    print_line(&format!(
        "request {id}: district {} resyncs with its next poll",
        args.district
    ))?;
    Ok(0)
}
