//! What each verb does: arguments to calls of the rooms, results to standard output.

mod dis;
mod ledger;
mod locks;
mod look;
mod make;
mod removal;
mod runs;
mod target;
mod tree;

use super::{Command, Scope, Session};
use crate::pipeline::Pipeline;

/// Does what a command says; the exit code.
///
/// # Errors
/// It could not start, or could not go on.
pub async fn work(session: Session, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Run(args) => runs::run(&session, args).await,
        Command::Extract(args) => runs::extract(&session, args).await,
        Command::Transform(args) => runs::transform(&session, args).await,
        Command::Load(args) => runs::load(&session, args).await,
        Command::Plan(args) => runs::plan(&session, args).await,
        Command::Validate(args) => runs::validate(&args).await,
        Command::Status(args) => look::status(&session, &args),
        Command::Errors(args) => look::errors(&args),
        Command::Explain(args) => look::explain(&args),
        Command::Diff(args) => look::diff(&args),
        Command::Verify(args) => target::verify(&args).await,
        Command::Count(args) => target::count(&args).await,
        Command::Fetch(args) => target::fetch(&args).await,
        Command::Delete(args) => removal::delete(&session, args).await,
        Command::Truncate(args) => removal::truncate(&session, args).await,
        Command::Locks(args) => locks::locks(&args),
        Command::Ledger(args) => ledger::ledger(&session, args).await,
        Command::Generate(args) => make::generate(args),
        Command::Metadata(args) => make::metadata(args),
        Command::Dis(args) => dis::dis(&session, args.command).await,
        #[cfg(feature = "sandbox")]
        Command::Sandbox(args) => make::sandbox(args).await,
    }
}

/// Reads a pipeline with the process's environment.
fn pipeline(name: &str) -> anyhow::Result<Pipeline> {
    Ok(Pipeline::load(name, &|variable| {
        std::env::var(variable).ok()
    })?)
}

/// Reads a pipeline and says what is doubtful in it.
fn pipeline_of(scope: &Scope) -> anyhow::Result<Pipeline> {
    let pipeline = pipeline(&scope.pipeline)?;
    for warning in &pipeline.warnings {
        tracing::info!(%warning, "pipeline");
    }
    Ok(pipeline)
}
