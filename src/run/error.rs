//! Why a run could not start or go on. Exit code 2 when nothing was sent yet.

use crate::ledger::LedgerError;
use crate::load::{ApiError, LoadError, ObjectsError};
use crate::lock::LockError;
use crate::metadata::MetadataError;
use crate::pipeline::TargetKind;
use crate::source::{SchemaError, SourceError};
use crate::stage::StageError;
use crate::transform::{Problem, TransformError};

/// Why a run could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Resources named on the command line.
    #[error("{}", .0.join("\n"))]
    Selection(Vec<String>),
    /// The source is not there; the text says where it is named.
    #[error("{0}")]
    NoSource(String),
    /// Schools that are unknown or ambiguous.
    #[error(transparent)]
    Schools(crate::scope::UnknownSchools),
    /// Neither flags nor the configuration name schools.
    #[error(
        "which schools? Give --school (id, number or part of the name) or --all-schools, or write \
         schools = [...] or \"all\" under [scope] in the pipeline's own file (\"all\" of a pipeline \
         that it extends does not count); {0}"
    )]
    WhichSchools(String),
    /// Objects that are not in scope: a fault of the program or of a mapping.
    #[error(
        "nothing was sent: {} (a mapping must take its schools and years from the SIS tables; \
         otherwise it is a fault of this program, please report it)",
        .0.join("; ")
    )]
    OutOfScope(Vec<String>),
    /// Resources that a strict person filter refuses.
    #[error(
        "--strict-person-filter: {} {} not about persons; leave them out or the option",
        .0.join(", "),
        if .0.len() == 1 { "is" } else { "are" }
    )]
    NotPersons(Vec<String>),
    /// The pipeline is switched off.
    #[error("{0}")]
    SwitchedOff(String),
    /// Mistakes in SQL, crosswalks or stanzas.
    #[error("{}", lines(.0))]
    Problems(Vec<Problem>),
    /// Prerequisites that go round in a circle.
    #[error("the resources {} wait for each other; look at their depends_on", .0.join(" -> "))]
    Cycle(Vec<String>),
    /// A real district's data for a toy target.
    #[error(
        "{source_name} is not the sample and was not made by `fullsync generate`, and the \
         embedded sandbox is no place for real student data; give --demo if it is made up, or set \
         [connection] url"
    )]
    RealDataInSandbox {
        /// The source.
        source_name: String,
    },
    /// A run that has done all of its work.
    #[error("run {0} has finished, there is nothing to resume; `fullsync run` starts another")]
    NothingToResume(String),
    /// A run whose failed objects are asked for, and that sent nothing.
    #[error("run {0} was a plan or a dry run: it has sent nothing, so nothing in it has failed")]
    NothingSent(String),
    /// A run whose failed objects are asked for, and that was killed.
    #[error(
        "run {0} has no results (was it killed?); all that it had not delivered is still due: \
         `fullsync run` sends it, `--resume {0}` from the tables that it had staged"
    )]
    NoResults(String),
    /// Staging of an earlier run that covers less than what is asked for.
    #[error(
        "run {run} has not staged {missing}; name the resources that it was started with, or \
         start from the source"
    )]
    NotStaged {
        /// The earlier run.
        run: String,
        /// Tables, or resources.
        missing: String,
    },
    /// A part of the load for a target that never had all of it.
    #[error(
        "{target} has never had a full load{changes}, and this run is a part of one: {part}.\n\
         Load everything first:\n  fullsync run {pipeline}\nor give --allow-partial to load the \
         part all the same"
    )]
    NeverFull {
        /// The target.
        target: String,
        /// What the run is narrowed to.
        part: String,
        /// The pipeline's name.
        pipeline: String,
        /// What stands there otherwise than before.
        changes: String,
    },
    /// The target has lost what it acknowledged: it was emptied, or an older state restored.
    #[error(
        "the target no longer has what the ledger knows it acknowledged; was it emptied, or an \
         older state restored?\n  {}\nNothing was sent. {ways}",
        missing.join("\n  ")
    )]
    Changed {
        /// What is missing.
        missing: Vec<String>,
        /// What to do.
        ways: String,
    },
    /// A signal, before anything was sent.
    #[error("stopped before anything was sent")]
    Stopped,
    /// A kind of target, or a way to log in to it, that this version cannot load.
    #[error("target = \"{}\" cannot be loaded with these credentials by this version", .0.as_str())]
    NoSuchTarget(TargetKind),
    /// A verb of a zone, and a pipeline that has none.
    #[error(
        "pipeline `{0}` has no SIF 2.x zone as its target: it needs target = \"sif\", and \
         sif.version below 4"
    )]
    NoZone(String),
    /// The zone gives our agent too few rights.
    #[error(
        "{zone} gives agent {agent} no right to provide and respond to {}; have the zone's \
         administrator grant it, or switch these objects off (enabled = false), and run again. \
         Nothing was sent",
        objects.join(", ")
    )]
    NoRights {
        /// The zone.
        zone: String,
        /// Our agent.
        agent: String,
        /// What it may not provide.
        objects: Vec<String>,
    },
    /// The agent in a zone.
    #[error(transparent)]
    Sync(#[from] crate::sif::SyncError),
    /// A verb that loads or asks a target, and a SIF zone, whose requests are answered instead.
    #[error(
        "pipeline `{0}` has a SIF zone as its target: nothing is loaded into a zone or asked of \
         it, its requests are answered; use `fullsync sif sync {0}` (all verbs of a zone: \
         `fullsync sif --help`)"
    )]
    Zone(String),
    /// A verb that asks an Ed-Fi API, and another kind of target.
    #[error(
        "this verb asks an Ed-Fi API, and the pipeline says target = \"{}\"; {}",
        .0.as_str(),
        instead(*.0)
    )]
    NotForTarget(TargetKind),
    /// Objects that a state edition does not take.
    #[error(
        "the state does not take {}; leave out what it does not want: [resources.NAME] enabled = \
         false", .0.join(", ")
    )]
    NotTaken(Vec<String>),
    /// An edition that has no such command.
    #[error("{0}")]
    Edition(String),
    /// A SIF 3 provider that does not allow what a load does.
    #[error(
        "nothing was sent: the provider does not allow this application, in the zone `{zone}`, what \
         a load does:\n  {}\nask its operator for these rights, or leave the resources out \
         (enabled = false); DELETE is needed unless [deletes] enabled = false",
        .lines.join("\n  ")
    )]
    Rights {
        /// The zone.
        zone: String,
        /// Services, and the rights that are not approved.
        lines: Vec<String>,
    },
    /// Another run has locked what this one is about.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The binary has no sandbox.
    #[error(
        "the pipeline says [connection] sandbox = true, but this binary was built without the \
         feature `sandbox`"
    )]
    NoSandbox,
    /// No school year.
    #[error(
        "which school year? The table SchoolYear has {0} active rows; set school_year in the \
         pipeline or give --school-year"
    )]
    SchoolYear(usize),
    /// The SIS schema file.
    #[error("the SIS schema cannot be used")]
    Schema(#[from] SchemaError),
    /// The source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The run folder.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// SQL that failed on the data.
    #[error(transparent)]
    Transform(#[from] TransformError),
    /// The metadata file.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// An objects file.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// The target.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A mode that is not offered, or not for this scope.
    #[error("{0}")]
    Mode(String),
    /// The list of deletes.
    #[error(transparent)]
    Deletes(#[from] super::DeletesError),
    /// A check or a comparison.
    #[error(transparent)]
    Check(#[from] crate::checks::CheckError),
    /// The load.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The sandbox.
    #[cfg(feature = "sandbox")]
    #[error(transparent)]
    Sandbox(#[from] crate::sandbox::SandboxError),
    /// A file.
    #[error("a file cannot be read or written")]
    Io(#[from] std::io::Error),
}

fn lines(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// What a target has instead of the verbs that ask an Ed-Fi API.
fn instead(target: TargetKind) -> &'static str {
    match target {
        TargetKind::Sif3 => {
            "of a SIF 3 provider `count` tells what it has, and `run --resend-all` sends everything \
             again"
        }
        _ => {
            "of a state edition `count` and `verify` tell what it has, and a plain `run` sends \
             everything again"
        }
    }
}
