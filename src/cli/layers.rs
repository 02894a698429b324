//! Arguments of the verbs that look at configurations: list, show, resources, new, crosswalk.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::{Args, Subcommand, ValueEnum};

use super::scope::Set;

/// Lists the pipelines: those of the working folder and those in this program.
///
/// One line per configuration: whether it is switched on, its target, school year, profile and
/// connection, and what it extends. One with mistakes is listed with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync list")]
pub struct ListArgs {}

/// Prints a pipeline as it is in effect, all layers together.
///
/// A pipeline may extend another (`extends = \"edfi\"`), which may extend a third; --origin says of
/// each value which layer it comes from. Secrets are not shown, only where they are kept.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync show edfi
  fullsync show edfi students --origin
  fullsync show edfi --origin --set load.concurrency_max=8")]
pub struct ShowArgs {
    /// The pipeline, as for `run`.
    #[arg(value_name = "PIPELINE")]
    pub pipeline: String,

    /// One resource: its stanza, its SQL file, its columns and crosswalks.
    #[arg(value_name = "RESOURCE")]
    pub resource: Option<String>,

    /// Add the layer of each value: file and line, `shipped:` before files of this program,
    /// `--set`, or `default`.
    #[arg(long)]
    pub origin: bool,

    #[command(flatten)]
    pub set: Set,
}

/// Lists the resources of a pipeline: step, category, on or off, mode.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync resources edfi
  fullsync resources edfi --sort dependency")]
pub struct ResourcesArgs {
    /// The pipeline, as for `run`.
    #[arg(value_name = "PIPELINE")]
    pub pipeline: String,

    /// The order: by step of the recommended order, by category, or prerequisites first (the order
    /// of execution). Without it the pipeline's `sort`, else by step.
    #[arg(long, value_enum, value_name = "ORDER")]
    pub sort: Option<SortBy>,

    /// Print JSON, one object per resource.
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub set: Set,
}

/// Orders of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SortBy {
    /// Step of the recommended order.
    Step,
    /// Category.
    Category,
    /// Prerequisites first.
    Dependency,
}

/// Begins a resource: writes its SQL and its stanza from the data standard's metadata.
///
/// The SQL has every required field with its type and length, the others as comments, and yields no
/// row until its author says where from. The stanza is put at the end of the pipeline's file.
/// Nothing that is there is overwritten.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync new edfi cohorts")]
pub struct NewArgs {
    /// The pipeline that shall have it; a file of the working folder.
    #[arg(value_name = "PIPELINE")]
    pub pipeline: String,

    /// The resource, by the data standard's name.
    #[arg(value_name = "RESOURCE")]
    pub resource: String,
}

/// Crosswalks: which SIS code means which descriptor.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct CrosswalkArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: CrosswalkCommand,
}

/// What can be done with crosswalks.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum CrosswalkCommand {
    /// Takes over crosswalk rows of another configuration, such as last year's.
    ///
    /// Only rows that the new configuration does not have the same way are written, into its own
    /// crosswalk folder; codes that it has there already stay as they are. Crosswalks that only
    /// yearly resources use (calendars, classPeriods, grades, graduationPlans, gradingPeriods,
    /// sessions, studentAssessments) are left out: these are mapped anew each year.
    #[command(after_help = "Examples:
  fullsync crosswalk import --from edfi-2025 --to edfi-2026 --dry-run
  fullsync crosswalk import --from edfi-2025 --to edfi-2026")]
    Import(CrosswalkImportArgs),
}

/// Arguments of `fullsync crosswalk import`.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct CrosswalkImportArgs {
    /// The configuration that has the rows.
    #[arg(long, value_name = "PIPELINE")]
    pub from: String,

    /// The configuration that shall have them.
    #[arg(long, value_name = "PIPELINE")]
    pub to: String,

    /// Say what would be written, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
}
