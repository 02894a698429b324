//! `fullsync wait`: until a run is over, and how it ended.
//!
//! Reads: the locks of runs, their reports. Writes: nothing. Never: a process table.

use std::time::{Duration, Instant};

use crate::cli::WaitArgs;
use crate::cli::work::pipeline;
use crate::stage::{RunState, StateDir};

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(100);
/// It is still at work, as `timeout(1)` says it.
const TIMEOUT: u8 = 124;
/// Its process is gone without a word: what is pending is taken up by the next run.
const STOPPED: u8 = 3;

/// Waits, and exits as the run did.
///
/// # Errors
/// There is no such run.
pub(in crate::cli::work) async fn wait(args: &WaitArgs) -> anyhow::Result<u8> {
    let pipeline = pipeline(&args.pipeline)?;
    let state = StateDir::new(&pipeline.state_dir, &pipeline.name);
    let run = match args.run.as_str() {
        // The newest of both kinds: a background run may not have made its folder yet.
        "latest" => state
            .latest()
            .into_iter()
            .chain(state.detached_ids())
            .max()
            .map_or_else(|| args.run.clone(), |id| id.to_string()),
        run => run.to_owned(),
    };
    let until = args
        .timeout
        .map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let detached = state.detached(&run);
    if !detached.exists() {
        // Names what there is, if there is no such run.
        state.open(&run)?;
    }
    loop {
        let at_work = match detached.exists() {
            true => detached.is_running(),
            false => state.open(&run)?.state() == RunState::Running,
        };
        if !at_work {
            break;
        }
        if until.is_some_and(|until| Instant::now() >= until) {
            return Ok(TIMEOUT);
        }
        tokio::time::sleep(LOOK).await;
    }
    if detached.exists() {
        return Ok(detached.exit_code().unwrap_or(STOPPED));
    }
    let folder = state.open(&run)?;
    Ok(match folder.state() {
        RunState::Failed => 2,
        RunState::Interrupted | RunState::Running => STOPPED,
        _ => crate::report::read(folder.path()).map_or(0, |(report, _)| report.exit_code),
    })
}
