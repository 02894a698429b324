//! Arguments of `fullsync sif ...`: the agent of a SIF 2.x zone.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::choice::Choice;
use super::filter::Filter;
use super::guest::Guest;
use super::locks::Locking;
use super::only::Age;
use super::scope::{Consent, Scope, Set, Year};
use crate::run::zone::Staying;

/// The agent of a SIF zone: registers, answers requests with complete sets of data, sends events.
///
/// A zone pulls: nothing is loaded into it. A third party's agent requests the objects that it wants
/// (its own "sync" or "request data"); this agent finds the requests in its queue and answers them
/// from freshly staged objects, packet by packet. From then on it sends an event for each object that
/// has changed. docs/sif.md is the guide.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "In the order of a setup:
  fullsync sif check sif        the seven steps of a SIF setup; stops at the first that is missing
  fullsync sif register sif     register the agent, say what it provides
  fullsync sif sync sif         answer what is requested, until all is done
  fullsync sif events sif       what has changed since, as events (cron: every hour)
  fullsync sif serve sif        stay, and answer whenever somebody asks")]
pub struct SifArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: SifCommand,
}

/// The parts of `fullsync sif`.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum SifCommand {
    Check(SifCheckArgs),
    Register(SifRegisterArgs),
    Sync(Box<SifSyncArgs>),
    Serve(Box<SifServeArgs>),
    Events(Box<SifEventsArgs>),
    Messages(MessagesArgs),
    Sleep(SifSleepArgs),
    Wakeup(SifWakeupArgs),
    Unregister(SifUnregisterArgs),
}

/// Goes through the seven steps of a SIF setup, and stops at the first that is missing.
///
/// School SIF codes, SIF grade levels, the zone, the agent, data access rights, registration, data
/// sync: in this order, as each needs those before it. Tells what is missing and what to do. Sends no
/// object. Exit code 0: all in order; 1: a step is missing.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync sif check sif
  fullsync sif check sif --json")]
pub struct SifCheckArgs {
    /// The pipeline, and objects (none = all).
    #[command(flatten)]
    pub scope: Scope,

    #[command(flatten)]
    pub year: Year,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Registers the agent with the zone, and tells it which objects are provided.
///
/// Sends SIF_Register, checks the rights that the zone answers with, then SIF_Provision and
/// SIF_Wakeup. Safe to repeat; a sync does the same at its beginning.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Example:
  fullsync sif register sif")]
pub struct SifRegisterArgs {
    /// The pipeline, and objects (none = all).
    #[command(flatten)]
    pub scope: Scope,
}

/// Answers what is requested with complete sets of data, until all is done.
///
/// Extracts, transforms, then polls the zone for requests and answers each in packets of at most the
/// size that it names. Ends when everything under sif.expect was requested and answered to the end,
/// or after so many polls in a row that bring nothing; what was expected and not requested is reported
/// as not_requested, with exit code 3. A sync that was killed carries on with the next one, or with
/// --resume, without repeating or losing a packet. `fullsync run` does the same.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync sif sync sif                    everything that is requested
  fullsync sif sync sif StudentPersonal    provide and answer this object only
  fullsync sif sync sif --idle-polls 300   wait longer for somebody to ask
  fullsync sif sync sif --resume latest    on with the staging of the last run")]
pub struct SifSyncArgs {
    #[command(flatten)]
    pub run: SifRun,

    /// So many polls in a row that bring nothing end the sync, before the pipeline's sif.idle_polls.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub idle_polls: Option<u32>,
}

/// Stays in the zone and answers requests until it is stopped.
///
/// Stages the objects once, and anew after --refresh, each time as a run of its own: with a report,
/// and with events for what has changed since agents were given their objects. Ends with SIGTERM or
/// Ctrl-C after the packets in flight; what is left is carried on by the next start.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync sif serve sif
  fullsync sif serve sif --refresh 4h")]
pub struct SifServeArgs {
    #[command(flatten)]
    pub run: SifRun,

    /// Time after which the objects are staged anew: 30m, 4h, 1d.
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration)]
    pub refresh: Duration,
}

/// Sends an event for every object that has changed since an agent was given it.
///
/// Extracts, transforms, compares with what each agent was given (the hand-over point of its last
/// sync, or of the events since), and sends Add, Change (only what has changed) and Delete. The point
/// moves for what was acknowledged; what was not is sent by the next run. A sync sends them, too.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync sif events sif
  fullsync sif events sif --dry-run        count them, send nothing
In a crontab:
  5 * * * *  cd /srv/fullsync && fullsync sif events sif --quiet")]
pub struct SifEventsArgs {
    #[command(flatten)]
    pub run: SifRun,

    /// Tell what is ready and how many events are due, as `plan` does; the zone is told nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// What the runs of an agent take.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct SifRun {
    #[command(flatten)]
    pub scope: Scope,

    #[command(flatten)]
    pub choice: Choice,

    /// Carry on with the tables that an earlier run has staged: its id, or `latest`.
    #[arg(long, value_name = "RUN")]
    pub resume: Option<String>,

    /// Let rows that are neither the sample nor generated into the embedded sandbox.
    #[arg(long)]
    pub demo: bool,

    #[command(flatten)]
    pub filter: Filter,

    #[command(flatten)]
    pub year: Year,

    #[command(flatten)]
    pub locking: Locking,

    #[command(flatten)]
    pub consent: Consent,

    #[command(flatten)]
    pub guest: Guest,
}

impl SifSyncArgs {
    /// How long the agent stays.
    pub fn staying(&self) -> Staying {
        Staying {
            idle_polls: self.idle_polls,
            ..Staying::default()
        }
    }
}

/// The history of messages: every message sent and received, kept for its owner only.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct MessagesArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: MessagesCommand,
}

/// What to do with the history of messages.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum MessagesCommand {
    List(MessagesList),
    Show(MessagesShow),
    Delete(MessagesDelete),
}

/// Lists messages, oldest first. Polls that brought nothing are not among them.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync sif messages list sif --last 50
  fullsync sif messages list sif --failed
  fullsync sif messages list sif --kind SIF_Response --object StudentPersonal --json")]
pub struct MessagesList {
    /// The pipeline.
    #[arg(value_name = "PIPELINE")]
    pub pipeline: String,

    /// Only of this kind: SIF_Response, SIF_Event, SIF_Request, SIF_Register, ...
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,

    /// Only between us and this agent.
    #[arg(long, value_name = "AGENT")]
    pub agent: Option<String>,

    /// Only about this object.
    #[arg(long, value_name = "OBJECT")]
    pub object: Option<String>,

    /// Only those that were not taken: refused, or never acknowledged.
    #[arg(long)]
    pub failed: bool,

    /// Only the newest so many.
    #[arg(long, value_name = "N")]
    pub last: Option<usize>,

    /// Print JSON, one message a line.
    #[arg(long)]
    pub json: bool,
}

/// Shows one message: when, what about, what became of it, and its text where it was kept.
///
/// Texts of packets and events are kept only with sif.keep_messages = true, as they hold the
/// data of persons.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Example:
  fullsync sif messages show sif 83B476BB98774BB18955B9C432EEE8D3")]
pub struct MessagesShow {
    /// The pipeline.
    #[arg(value_name = "PIPELINE")]
    pub pipeline: String,

    /// SIF_MsgId.
    #[arg(value_name = "MSGID")]
    pub msg_id: String,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Deletes messages from the history. What was sent stays sent.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync sif messages delete sif 83B476BB98774BB18955B9C432EEE8D3
  fullsync sif messages delete sif --older-than 90d
  fullsync sif messages delete sif --all --yes")]
pub struct MessagesDelete {
    /// The pipeline.
    #[arg(value_name = "PIPELINE")]
    pub pipeline: String,

    /// SIF_MsgIds.
    #[arg(value_name = "MSGID", required_unless_present_any = ["older_than", "all"])]
    pub msg_ids: Vec<String>,

    /// All that are older than this: 12h, 90d, 52w.
    #[arg(long, value_name = "AGE|DATE", value_parser = Age::parse)]
    pub older_than: Option<Age>,

    /// All of them; needs --yes.
    #[arg(long, requires = "yes")]
    pub all: bool,

    #[command(flatten)]
    pub consent: Consent,
}

/// A pipeline, for verbs that say one word to its zone.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct OfZone {
    /// The pipeline.
    #[arg(value_name = "PIPELINE")]
    pub pipeline: String,

    #[command(flatten)]
    pub set: Set,
}

/// Puts the agent to sleep: the zone keeps messages for it, and hands none out.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Example, before maintenance:
  fullsync sif sleep sif")]
pub struct SifSleepArgs {
    #[command(flatten)]
    pub of: OfZone,
}

/// Wakes the agent: the zone hands out what it has kept.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Example, after maintenance:
  fullsync sif wakeup sif")]
pub struct SifWakeupArgs {
    #[command(flatten)]
    pub of: OfZone,
}

/// Takes the agent out of the zone: what it provides, and all messages that wait for it, are dropped.
///
/// Never needed between runs. Requests that were not answered are lost, and hand-over points are
/// forgotten by the zone: have the third parties request a sync again after the next registration.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Example:
  fullsync sif unregister sif --yes")]
pub struct SifUnregisterArgs {
    #[command(flatten)]
    pub of: OfZone,

    #[command(flatten)]
    pub consent: Consent,
}

fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.strip_prefix(digits) {
        Some("s") => 1,
        Some("m") => 60,
        Some("h") => 3600,
        Some("d") => 86_400,
        _ => 0,
    };
    match digits.parse::<u64>() {
        Ok(n) if n > 0 && unit > 0 => Ok(Duration::from_secs(n.saturating_mul(unit))),
        _ => Err("write it like 30m, 4h or 1d".to_owned()),
    }
}
