//! What each verb does: arguments to calls of the rooms, results to standard output.

mod audit;
mod check;
mod configure;
mod crosswalk;
mod diff;
mod dis;
mod errors;
mod gate;
mod guest;
mod history;
mod ledger;
mod locks;
mod look;
mod make;
mod removal;
mod runs;
mod scope;
mod sif;
mod target;
mod verify;
#[cfg(feature = "sandbox")]
mod zone;

pub use guest::Ended;
use guest::{Verb, attend};

use super::{Command, Scope, Session, Set};
use crate::pipeline::Pipeline;

/// Does what a command says; the exit code.
///
/// # Errors
/// It could not start, or could not go on.
pub async fn work(session: Session, command: Command) -> anyhow::Result<u8> {
    let passed = gate::pass(&session, &command)?;
    let result = go(session.clone(), command).await;
    passed.end(&session, &result);
    result
}

async fn go(session: Session, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Run(args) => {
            let (pipeline, again) = (args.scope.pipeline.clone(), args.resume.clone());
            let (again, guest) = (again.as_deref(), args.guest.clone());
            let verb = Verb::new("run", &pipeline, again, &guest);
            attend(&session, verb, |session| async move {
                runs::run(&session, args).await
            })
            .await
        }
        Command::Extract(args) => runs::extract(&session, args).await,
        Command::Transform(args) => runs::transform(&session, args).await,
        Command::Load(args) => {
            let (pipeline, again) = (args.scope.pipeline.clone(), args.from.run.clone());
            let guest = args.guest.clone();
            let verb = Verb::new("load", &pipeline, Some(&again), &guest);
            attend(&session, verb, |session| async move {
                runs::load(&session, args).await
            })
            .await
        }
        Command::Plan(args) => runs::plan(&session, args).await,
        Command::Validate(args) => runs::validate(&session, &args).await,
        Command::Check(args) => check::check(&session, args).await,
        Command::List(_) => configure::list(),
        Command::Show(args) => configure::show(&args),
        Command::Resources(args) => configure::resources(&args),
        Command::New(args) => make::resource(&args),
        Command::Crosswalk(args) => crosswalk::crosswalk(&args),
        Command::Wait(args) => guest::wait(&args).await,
        Command::Status(args) => history::status_of(&session, &args),
        Command::History(args) => history::history(&args),
        Command::Errors(args) => errors::errors(&session, args).await,
        Command::Explain(args) => look::explain(&args),
        Command::Diff(args) => diff::diff(&args),
        Command::Verify(args) => target::verify(&args).await,
        Command::Count(args) => target::count(&args).await,
        Command::Fetch(args) => target::fetch(&args).await,
        Command::Delete(args) => {
            let (pipeline, guest) = (args.scope.pipeline.clone(), args.guest.clone());
            let verb = Verb::new("delete", &pipeline, None, &guest);
            attend(&session, verb, |session| async move {
                removal::delete(&session, args).await
            })
            .await
        }
        Command::Truncate(args) => {
            let (pipeline, guest) = (args.scope.pipeline.clone(), args.guest.clone());
            let verb = Verb::new("truncate", &pipeline, None, &guest);
            attend(&session, verb, |session| async move {
                removal::truncate(&session, args).await
            })
            .await
        }
        Command::Schools(args) => scope::list(&args),
        Command::Locks(args) => locks::locks(&args),
        Command::Audit(args) => audit::audit(&args),
        Command::Ledger(args) => ledger::ledger(&session, args).await,
        Command::Generate(args) => make::generate(args),
        Command::Metadata(args) => make::metadata(args),
        Command::Dis(args) => dis::dis(&session, args.command).await,
        Command::Sif(args) => sif::sif(&session, args).await,
        #[cfg(feature = "sandbox")]
        Command::Sandbox(args) => make::sandbox(args).await,
    }
}

/// Reads a pipeline with the process's environment.
fn pipeline(name: &str) -> anyhow::Result<Pipeline> {
    pipeline_with(name, &Set::given())
}

/// As [`pipeline`], with what `--set` says.
fn pipeline_with(name: &str, set: &Set) -> anyhow::Result<Pipeline> {
    let env = |variable: &str| std::env::var(variable).ok();
    Ok(Pipeline::load_with(name, &set.set, &env)?)
}

/// Reads a pipeline and says what is doubtful in it.
fn pipeline_of(scope: &Scope) -> anyhow::Result<Pipeline> {
    let pipeline = pipeline_with(&scope.pipeline, &scope.set)?;
    for warning in &pipeline.warnings {
        tracing::info!(%warning, "pipeline");
    }
    Ok(pipeline)
}
