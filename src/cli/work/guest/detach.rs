//! `--detach`: the same command again, in the background, in a process group of its own.
//!
//! Reads: its own arguments. Writes: the background run's log. Never: a copy of what runs do.

use std::process::{Command, Stdio};

use chrono::Utc;

use super::Verb;
use crate::cli::work::pipeline;
use crate::cli::{DETACHED, Session, print_line};
use crate::stage::{RunId, StateDir};

/// Starts the background process and prints the run's id.
///
/// # Errors
/// The pipeline has mistakes, the run is at work already, or the process cannot be started.
pub(super) fn start(session: &Session, verb: &Verb<'_>) -> anyhow::Result<u8> {
    // Mistakes are told here, where somebody reads them.
    let mut pipeline = pipeline(verb.pipeline)?;
    verb.guest.apply(&mut pipeline)?;
    let state = StateDir::new(&pipeline.state_dir, &pipeline.name);
    let now = Utc::now();
    state.prune_detached(pipeline.keep.failed_days, now);
    let id = match verb.again {
        Some(run) => state.open(run)?.id(),
        None => RunId::new(now).to_string(),
    };
    let detached = state.detached(&id);
    let log = detached.start()?;
    let program = std::env::current_exe()?;
    let mut child = Command::new(program);
    child
        .args(std::env::args_os().skip(1))
        .env(DETACHED, &id)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    // Signals of this terminal do not reach another process group.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut child, 0);
    // It is never waited for; the log's lock tells.
    child
        .spawn()
        .map_err(|e| anyhow::anyhow!("the background process cannot be started: {e}"))?;
    print_line(&id)?;
    tracing::info!(run = id, log = %detached.log().display(), "in the background");
    if !session.global.quiet {
        session.progress.note(&format!(
            "in the background; its output: {}; fullsync wait {} {id}",
            detached.log().display(),
            verb.pipeline
        ));
    }
    Ok(0)
}
