//! From arguments to an exit code: parse, set up log and progress, hand over, tell what failed.
//!
//! Reads: arguments. Writes: standard error. Never: the work itself.

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory as _, FromArgMatches as _};

use super::log::{Log, RunLog};
use super::said::said;
use super::{Cli, Command, Ended, Global, Guest, LogFormat, Noted, print};
use crate::account::Process;
use crate::progress::{self, Progress, Screen};
use crate::report::{ErrorsReport, PlanReport, RunReport, TextOptions, text};

/// What every verb works with.
#[derive(Clone, Debug)]
pub struct Session {
    /// Options of every verb.
    pub global: Global,
    /// Where to tell how far it is.
    pub progress: Arc<dyn Progress>,
    /// The log file of the run, to be opened once its folder exists.
    pub run_log: RunLog,
    /// The command line, as the audit log keeps it.
    pub said: String,
    /// What the verb tells the audit log.
    pub noted: Noted,
    /// How the verb treats the target; as nothing was said, unless the verb has such flags.
    pub guest: Guest,
    /// The run's id, in a background process.
    pub detached: Option<String>,
    /// How the verb ended, for those who are told.
    pub ended: Ended,
}

/// The environment variable by which a background process is told the run's id.
pub const DETACHED: &str = "FULLSYNC_DETACHED";

impl Session {
    /// Log and progress as the options want them.
    fn new(global: Global, said: String) -> Self {
        let screen = Screen::stderr();
        let json = global.log_format == LogFormat::Json;
        let run_log = Log {
            global,
            screen: screen.clone(),
        }
        .start();
        let progress = progress::choose(&screen, global.quiet, json);
        Self {
            global,
            progress,
            run_log,
            said,
            noted: Noted::default(),
            guest: Guest::default(),
            detached: detached(),
            ended: Ended::default(),
        }
    }

    /// Prints the report of a run on standard output. What servers said is shown to a person at a
    /// terminal only: a scheduler mails its output on.
    ///
    /// # Errors
    /// As standard output says.
    pub fn print_report(&self, report: &RunReport, errors: &ErrorsReport) -> std::io::Result<()> {
        print(&text(report, errors, options()))
    }

    /// Prints a plan, likewise.
    ///
    /// # Errors
    /// As standard output says.
    pub fn print_plan(&self, plan: &PlanReport, errors: &ErrorsReport) -> std::io::Result<()> {
        print(&plan.text(errors, options()))
    }
}

/// How a report is to look on standard output.
fn options() -> TextOptions {
    let terminal = std::io::stdout().is_terminal();
    let width = terminal_size::terminal_size().filter(|_| terminal);
    TextOptions {
        width: width.map(|(columns, _)| usize::from(columns.0)),
        examples: terminal,
    }
}

/// The program: parses `args`, and has `work` do what they say. What `work` returns is the exit
/// code; an error means that it could not start (2), and is printed with its whole chain.
pub async fn main<F>(args: impl IntoIterator<Item = OsString>, work: F) -> ExitCode
where
    F: AsyncFnOnce(Session, Command) -> anyhow::Result<u8>,
{
    // Fixes when this process began.
    let _ = Process::current();
    let mut definition = Cli::command();
    let parsed = definition
        .try_get_matches_from_mut(args)
        .and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)))
        .map_err(|error| error.format(&mut definition));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            // --help and --version come this way, too. Nothing can be done about a closed stream.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let session = Session::new(cli.global, said(&definition, &matches));
    let mut run_log = session.run_log.clone();
    match work(session, cli.command).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let text = chain(&error);
            if cli.global.log_format == LogFormat::Json {
                tracing::error!("{text}");
            } else {
                // Once, without a time stamp, and in the run's log as well. When both streams are
                // closed, the exit code still tells.
                let line = format!("error: {text}\n");
                let _ = Screen::stderr().print(line.as_bytes());
                let _ = run_log.write_all(line.as_bytes());
            }
            ExitCode::from(2)
        }
    }
}

/// The run's id of a background process. It was started in a process group of its own, and it
/// takes no notice of a hang-up: a log-out does not end it.
fn detached() -> Option<String> {
    let id = std::env::var(DETACHED).ok()?;
    crate::stage::RunId::parse(&id)?;
    #[cfg(unix)]
    tokio::spawn(async {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut hang_up) = signal(SignalKind::hangup()) {
            while hang_up.recv().await.is_some() {}
        }
    });
    Some(id)
}

/// An error and its causes, each once.
fn chain(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str("\n  because: ");
            text.push_str(&cause);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_tells_each_cause_once() {
        let error = anyhow::anyhow!("connection refused")
            .context("cannot reach https://api.example.org: connection refused")
            .context("cannot get a token");
        assert_eq!(
            chain(&error),
            "cannot get a token\n  because: cannot reach https://api.example.org: connection refused"
        );
    }
}
