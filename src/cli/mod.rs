//! The command line: what can be said, and what is shown.
//!
//! Reads: arguments. Writes: standard output and error, the log. Never: the work itself.

mod audit;
mod check;
mod choice;
mod count;
mod delete;
mod deleting;
mod diff;
mod dis;
mod errors;
mod explain;
mod extract;
mod fetch;
mod filter;
mod generate;
mod guest;
mod history;
mod layers;
mod ledger;
mod load;
mod locks;
pub mod log;
mod metadata;
mod needs;
mod noted;
mod only;
mod plan;
mod print;
mod run;
mod said;
mod sandbox;
mod schools;
mod scope;
mod session;
mod sif;
mod status;
#[cfg(all(test, feature = "sandbox"))]
mod tests;
mod transform;
mod truncate;
mod validate;
mod verify;
mod wait;
mod work;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

pub use audit::AuditArgs;
pub use check::{CheckArgs, CheckWhat};
pub use choice::Choice;
pub use count::CountArgs;
pub use delete::DeleteArgs;
pub use deleting::Deleting;
pub use diff::DiffArgs;
pub use dis::{DisArgs, DisCommand, PollArgs, RequestArgs, Resync};
pub use errors::{ErrorsAction, ErrorsArgs};
pub use explain::ExplainArgs;
pub use extract::ExtractArgs;
pub use fetch::{FetchArgs, FetchFormat, Filters};
pub use filter::Filter;
pub use generate::{GenerateArgs, Kind, Planted};
pub use guest::Guest;
pub use history::{HistoryArgs, HistoryCommand, HistoryDelete, HistoryList, HistoryShow};
pub use layers::{
    CrosswalkArgs, CrosswalkCommand, CrosswalkImportArgs, ListArgs, NewArgs, ResourcesArgs,
    ShowArgs, SortBy,
};
pub use ledger::{LedgerArgs, LedgerCommand, RebuildArgs};
pub use load::{LoadArgs, Sending};
pub use locks::{Locking, LocksArgs};
pub use metadata::{ImportArgs, MetadataArgs, MetadataCommand};
pub use needs::Need;
pub use noted::{Note, Noted};
pub use only::{Age, FailedIn, Only};
pub use plan::PlanArgs;
pub use print::{print, print_line};
pub use run::RunArgs;
pub use sandbox::{
    DisSandboxArgs, EdfiArgs, SandboxArgs, SandboxCommand, Sif3SandboxArgs, SifSandboxArgs,
};
pub use schools::SchoolsArgs;
pub use scope::{Consent, FromRun, Scope, Set, Year};
pub use session::{DETACHED, Session, main};
pub use sif::{
    MessagesArgs, MessagesCommand, MessagesDelete, MessagesList, MessagesShow, OfZone, SifArgs,
    SifCheckArgs, SifCommand, SifEventsArgs, SifRegisterArgs, SifRun, SifServeArgs, SifSleepArgs,
    SifSyncArgs, SifUnregisterArgs, SifWakeupArgs,
};
pub use status::StatusArgs;
pub use transform::TransformArgs;
pub use truncate::TruncateArgs;
pub use validate::ValidateArgs;
pub use verify::VerifyArgs;
pub use wait::WaitArgs;
pub use work::{Ended, work};

/// Exit codes, as `--help` tells them.
const EXIT_CODES: &str = "Exit codes:
  0  accepted
  1  finished with errors beyond the pipeline's fail_on
  2  could not start: usage, configuration, credentials, missing data
  3  stopped with work pending; the next run, or run --resume, carries on

A first run, on the sample district and an embedded Ed-Fi API:
  fullsync run edfi";

/// Full sync of a school district's data from its SIS into Ed-Fi, SIF and state targets.
///
/// Every verb takes a PIPELINE: `edfi` means the file pipelines/edfi.toml, which names the source,
/// the target and the SQL that maps one to the other. A run stages everything in a folder that can
/// be looked at, remembers what the target has acknowledged, and sends only what is due.
#[derive(Clone, Debug, Parser)]
#[command(name = "fullsync", version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    /// Options of every verb.
    #[command(flatten)]
    pub global: Global,

    /// The verb.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every verb.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Every verb")]
pub struct Global {
    /// No progress, and only errors in the log; results are printed all the same.
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// The log on standard error: text, or one JSON object a line (progress included).
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value_t,
        env = "FULLSYNC_LOG_FORMAT"
    )]
    pub log_format: LogFormat,

    /// More in the log: -v what happens, -vv details (may hold student data), -vvv everything.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

/// Formats of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// The verbs.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    Run(RunArgs),

    Extract(ExtractArgs),

    Transform(TransformArgs),

    Load(LoadArgs),

    Plan(PlanArgs),

    Validate(ValidateArgs),

    Check(CheckArgs),

    List(ListArgs),

    Show(ShowArgs),

    Resources(ResourcesArgs),

    New(NewArgs),

    Crosswalk(CrosswalkArgs),

    Status(StatusArgs),

    History(HistoryArgs),

    Wait(WaitArgs),

    Errors(ErrorsArgs),

    Verify(VerifyArgs),

    Explain(ExplainArgs),

    Diff(DiffArgs),

    Count(CountArgs),

    Fetch(FetchArgs),

    Delete(DeleteArgs),

    Truncate(TruncateArgs),

    Schools(SchoolsArgs),

    Locks(LocksArgs),

    Audit(AuditArgs),

    Ledger(LedgerArgs),

    Generate(GenerateArgs),

    Metadata(MetadataArgs),

    Dis(DisArgs),

    Sif(SifArgs),

    #[cfg(feature = "sandbox")]
    Sandbox(SandboxArgs),
}
