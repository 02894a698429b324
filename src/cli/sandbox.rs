//! Arguments of `fullsync sandbox ...`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Runs an embedded target, for trying things out.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct SandboxArgs {
    /// Which one.
    #[command(subcommand)]
    pub command: SandboxCommand,
}

/// The embedded targets.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum SandboxCommand {
    Edfi(EdfiArgs),
    Dis(DisSandboxArgs),
    Sif(Box<SifSandboxArgs>),
    Sif3(Box<Sif3SandboxArgs>),
}

/// A SIF 3 provider (NA 4.x objects, xPress Roster), with the checks and oddities of a real one.
///
/// Listens on this machine only, and prints its URL, application key and password. Ends with Ctrl-C.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync sandbox sif3 --port 8003 --state provider
  fullsync sandbox sif3 --port 8003 --reject StudentPersonals=CREATE --omit-status 100")]
pub struct Sif3SandboxArgs {
    /// The port; 0 = a free one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port: u16,

    /// Keep the state in this folder; without, it is gone at the end.
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<PathBuf>,

    /// Expect HTTP Basic instead of SIF_HMACSHA256.
    #[arg(long)]
    pub basic: bool,

    /// The zone.
    #[arg(long, value_name = "ID", default_value = "District")]
    pub zone: String,

    /// A right that is not approved, SERVICE=RIGHT; `*` = all services. Can be given several times.
    #[arg(long, value_name = "SERVICE=RIGHT")]
    pub reject: Vec<String>,

    /// Most objects of one request.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub objects: usize,

    /// Most bytes of one request.
    #[arg(long, value_name = "N", default_value_t = 4_194_304)]
    pub bytes: usize,

    /// Leave the status of every Nth object out of the answers; 0 = of none.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub omit_status: u64,

    /// Take objects that refer to what is not there.
    #[arg(long)]
    pub unchecked_references: bool,

    /// A fault to play, KIND[:NAME=VALUE,...]. Can be given several times; docs/sandbox.md lists
    /// them.
    #[arg(long, value_name = "FAULT")]
    pub fault: Vec<String>,

    /// The metadata file of another set of objects.
    #[arg(long, value_name = "FILE")]
    pub metadata: Option<PathBuf>,
}

/// A state edition that takes DIS batches (docs/dis-contract.md), with the checks of a real one.
///
/// Listens on this machine only, and prints its URL and token. Ends with Ctrl-C. With --request it
/// does not listen: it leaves a request for a resync in its state folder, and ends.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync sandbox dis --port 8002 --state state
  fullsync sandbox dis --state fullsync-data/sandbox/dis --district 0042 --request 'Calendar/*'")]
pub struct DisSandboxArgs {
    /// The port; 0 = a free one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port: u16,

    /// Keep the state in this folder; without, it is gone at the end.
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<PathBuf>,

    /// The one district that is served, by its number; without, any.
    #[arg(long, value_name = "NUMBER")]
    pub district: Option<String>,

    /// Ask the district for a resync of this object, by name or subtree; `all` = everything. Can be
    /// given several times.
    #[arg(long, value_name = "OBJECT", requires = "state", requires = "district")]
    pub request: Vec<String>,

    /// Most records of one request.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub records: usize,

    /// A fault to play, KIND[:NAME=VALUE,...]. Can be given several times; docs/sandbox.md lists
    /// them.
    #[arg(long, value_name = "FAULT")]
    pub fault: Vec<String>,

    /// The metadata file of another set of objects.
    #[arg(long, value_name = "FILE")]
    pub metadata: Option<PathBuf>,
}

/// A zone of SIF 2.x with a third party in it that asks for a full data sync (docs/sif-sandbox.md).
///
/// Listens on this machine only, and prints its URL. Ends with Ctrl-C. With --request or --holds it
/// does not listen: it works on its state folder, and ends.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync sandbox sif --port 7080 --state zone
  fullsync sandbox sif --port 7080 --object SchoolInfo --object StudentPersonal --buffer 4096
  fullsync sandbox sif --port 7080 --fault 8:every=3 --fault drop-after:packet=5
  fullsync sandbox sif --state zone --request StudentPersonal --where LocalId:EQ:10000041
  fullsync sandbox sif --state zone --holds")]
pub struct SifSandboxArgs {
    /// The port; 0 = a free one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port: u16,

    /// Keep registrations, queues and what the third party holds in this folder; without, they are
    /// gone at the end.
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<PathBuf>,

    /// The zone's id, the last part of its URL.
    #[arg(long, value_name = "ID", default_value = "sandbox")]
    pub zone: String,

    /// A context that the zone has beside SIF_Default. Can be given several times.
    #[arg(long, value_name = "ID")]
    pub context: Vec<String>,

    /// User and password that agents must give (HTTP Basic).
    #[arg(long, value_name = "USER:PASSWORD")]
    pub basic: Option<String>,

    /// Let agents register over a secure channel only (5/7): the header X-Forwarded-Proto of a proxy in
    /// front, which ends TLS, must say https.
    #[arg(long)]
    pub secure: bool,

    /// What an agent may not do, AGENT:RIGHT:OBJECT; the rights are provide, subscribe, add, change,
    /// delete, request and respond. Can be given several times.
    #[arg(long, value_name = "DENIAL")]
    pub deny: Vec<String>,

    /// SIF_SourceId of the third party; `none` = the zone has none.
    #[arg(long, value_name = "ID", default_value = "LibAgent")]
    pub third_party: String,

    /// An object that the third party asks for, in this order; without, all. Can be given several
    /// times.
    #[arg(long, value_name = "OBJECT")]
    pub object: Vec<String>,

    /// SIF_MaxBufferSize of the third party, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 65_536)]
    pub buffer: u64,

    /// SIF_Version of its requests.
    #[arg(long, value_name = "VERSION", default_value = "2.*")]
    pub version: String,

    /// The context that it asks and subscribes in.
    #[arg(long, value_name = "ID", default_value = "SIF_Default")]
    pub third_context: String,

    /// When it asks: with every start of the zone, for what it has never asked for, or only by
    /// --request.
    #[arg(long, value_name = "WHEN", default_value = "always",
        value_parser = ["always", "once", "manual"])]
    pub ask: String,

    /// Let the third party ask for this object; `all` = every one. The request waits in the state
    /// folder. Can be given several times.
    #[arg(long, value_name = "OBJECT", requires = "state")]
    pub request: Vec<String>,

    /// A condition of --request, PATH:OPERATOR:VALUE with EQ, NE, LT, LE, GT or GE. All must hold.
    #[arg(long = "where", value_name = "CONDITION", requires = "request")]
    pub condition: Vec<String>,

    /// Ask with a SIF_ExtendedQuery of the elements, or of the keys.
    #[arg(long, requires = "request", conflicts_with = "condition")]
    pub extended: bool,

    /// An element that --request is about; without, whole objects. Can be given several times.
    #[arg(long, value_name = "PATH", requires = "request")]
    pub element: Vec<String>,

    /// Print what the third party holds, and how its requests were answered.
    #[arg(long, requires = "state")]
    pub holds: bool,

    /// A fault to play, KIND[:NAME=VALUE,...]. Can be given several times; docs/sif-sandbox.md lists
    /// them.
    #[arg(long, value_name = "FAULT")]
    pub fault: Vec<String>,

    /// An oddity of real servers. Can be given several times.
    #[arg(long, value_name = "QUIRK", value_parser = [
        "fatal-error", "bare-inner", "bare-timestamps", "exact-version", "after-last",
        "rejects-empty", "drops-large-buffer", "takes-repeats", "any-context",
    ])]
    pub quirk: Vec<String>,

    /// The metadata file of another data model.
    #[arg(long, value_name = "FILE")]
    pub metadata: Option<PathBuf>,
}

/// An Ed-Fi API that checks what a real one checks.
///
/// Listens on this machine only, and prints its URL, key and secret. Ends with Ctrl-C.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync sandbox edfi --port 8001
  fullsync sandbox edfi --port 8001 --fault 429:every=10,retry-after=1s --quirk relative-location")]
pub struct EdfiArgs {
    /// The port; 0 = a free one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port: u16,

    /// Keep the state in this folder; without, it is gone at the end.
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<PathBuf>,

    /// A fault to play, KIND[:NAME=VALUE,...]. Can be given several times; docs/sandbox.md lists
    /// them.
    #[arg(long, value_name = "FAULT")]
    pub fault: Vec<String>,

    /// A server of limited strength: 16x20ms works on 16 requests at once, 20 ms each, and lets
    /// others wait; 16x20ms:64 lets 64 wait and refuses more (429).
    #[arg(long, value_name = "CAPACITY")]
    pub capacity: Option<String>,

    /// An oddity of real servers. Can be given several times.
    #[arg(long, value_name = "QUIRK", value_parser = [
        "expires-in-epoch", "relative-location", "no-etag", "missing-token-400",
        "message-model-state",
    ])]
    pub quirk: Vec<String>,

    /// The metadata file of another data standard.
    #[arg(long, value_name = "FILE")]
    pub metadata: Option<PathBuf>,
}
