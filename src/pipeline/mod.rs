//! Pipeline files: TOML -> checked values. One pipeline file is one configuration (connection,
//! school year, scope, preferences, crosswalks).
//!
//! Reads: `pipelines/*.toml`, the SQL and crosswalk files they name, the environment (secrets).
//! Writes: nothing. Never: HTTP, DataFusion.

mod additions;
mod check;
mod connection;
mod deletes;
mod dis;
mod document;
mod fail_on;
mod interpolate;
mod kind;
mod layer;
mod limits;
mod listing;
mod merge;
pub mod notify;
mod options;
mod origin;
mod parameters;
mod problem;
mod rate;
mod resources;
mod routing;
mod scope;
mod secret;
mod section;
mod select;
mod shared;
mod sif;
mod sif3;
mod sif_zone;
mod source;
mod tree;
mod window;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use additions::{Addition, Additions};
pub use deletes::{DeleteSettings, LeftOut, MaxDeletes, ResyncMode};
pub use dis::{Dis, Edition};
pub use fail_on::FailOn;
pub use kind::TargetKind;
pub use listing::{Listing, Sort};
pub use origin::Origin;
pub use problem::{Problem, Problems, closest};
pub use rate::Rate;
pub use routing::Routing;
pub use scope::ScopeSettings;
pub use secret::Secret;
pub use select::SelectError;
pub use sif::{RefIdFile, Sif};
pub use sif_zone::{Push, SifZone, ZoneKind};
pub use sif3::{Authentication, Sif3};
pub use window::{Standing, Window, WindowError};

/// A checked pipeline. Every path is absolute or relative to the current directory, and exists.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// The configuration's name: the file's stem (`edfi`).
    pub name: String,
    /// The file that was named; others that it extends are among [`Self::layers`].
    pub file: PathBuf,
    /// All files of the configuration, the named one first, the base last.
    pub layers: Vec<LayerNote>,
    /// `[parameters]`, as `${name}` is filled in.
    pub parameters: BTreeMap<String, String>,
    /// Where `enabled = false` stands, for a configuration that is switched off as a whole: nothing
    /// is read or sent by it (source: the system preference Enable Ed-Fi).
    pub switched_off: Option<String>,
    /// How resources are listed.
    pub listing: Listing,
    /// Every value and the layer that it comes from.
    pub origins: Vec<Origin>,
    /// The kind of target.
    pub target: TargetKind,
    /// The school year by its end year (2026 is 2025-2026). None: the active one of the SIS.
    pub school_year: Option<i32>,
    /// The schools it is for, and how many calendars are worked on at a time.
    pub scope: ScopeSettings,
    /// Folder of everything that is kept between runs: runs, ledger, tokens, sandbox.
    pub state_dir: PathBuf,
    /// Where the SIS rows are.
    pub source: SourceSettings,
    /// What a pipeline to a state edition has beside the others.
    pub dis: Option<Dis>,
    /// What a pipeline to a SIF zone has beside the others.
    pub sif: Option<Sif>,
    /// What a pipeline to a SIF 3 provider has beside the others.
    pub sif3: Option<Sif3>,
    /// How the target is reached.
    pub connection: Connection,
    /// How it is loaded.
    pub load: LoadSettings,
    /// When a finished run counts as failed.
    pub fail_on: FailOn,
    /// How long run folders stay.
    pub keep: Keep,
    /// Who is told when a run is over.
    pub notify: Vec<notify::Notice>,
    /// What may be deleted at the target.
    pub deletes: DeleteSettings,
    /// The modes of a resync beside the plain run that this configuration offers.
    pub resync_modes: Vec<ResyncMode>,
    /// The one-row SQL table `settings`: free names, text / integer / boolean values.
    pub settings: BTreeMap<String, Setting>,
    /// Crosswalks: SQL table name (`xwalk_<file stem>`) -> CSV files, the base's first; a code of a
    /// later one stands for all rows of that code before it. All columns are text.
    pub crosswalks: BTreeMap<String, Vec<PathBuf>>,
    /// SQL views in the order they are made: name -> SQL file (one SELECT each).
    pub views: Vec<(String, PathBuf)>,
    /// The resources that are switched on, in file order.
    pub resources: Vec<Resource>,
    /// Resources with `enabled = false`, in file order.
    pub disabled: Vec<Resource>,
    /// The folder that SQL files of the named file start at.
    pub sql_dir: PathBuf,
    /// The metadata file of the data standard; None = the one shipped in the binary.
    pub metadata: Option<PathBuf>,
    /// The SIS schema file.
    pub sis_schema: PathBuf,
    /// The rights file; None: everyone who can run the program may do everything.
    pub rights: Option<PathBuf>,
    /// What is doubtful and stops nothing: SQL files and crosswalks that nothing uses.
    pub warnings: Vec<Problem>,
}

impl Pipeline {
    /// Reads and checks a pipeline. `edfi` is `pipelines/edfi.toml` in the current directory; a
    /// name with a `/` or ending in `.toml` is a path. `env` gives environment variables.
    ///
    /// # Errors
    /// All problems of the file, in file order.
    pub fn load(
        name_or_path: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Problems> {
        Self::load_with(name_or_path, &[], env)
    }

    /// As [`Self::load`], with `KEY=VALUE` settings over all files (`--set`).
    ///
    /// # Errors
    /// As [`Self::load`]; settings that cannot be used.
    pub fn load_with(
        name_or_path: &str,
        set: &[String],
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Problems> {
        check::load(name_or_path, set, env)
    }

    /// Names of the pipelines in `pipelines` of the working folder and in the binary.
    pub fn names() -> Vec<String> {
        layer::names_in(std::path::Path::new("pipelines"))
    }

    /// Where a key gets its value: `file:line`, `--set key` or `default`.
    pub fn origin(&self, key: &str) -> Option<&str> {
        let found = self.origins.iter().find(|origin| origin.key == key);
        found.map(|origin| origin.place.as_str())
    }

    /// A configuration that is switched off may be looked at and not used.
    ///
    /// # Errors
    /// It is switched off; the text says where.
    pub fn must_be_on(&self) -> Result<(), String> {
        let Some(place) = &self.switched_off else {
            return Ok(());
        };
        Err(format!(
            "pipeline `{}` is switched off by `enabled = false` at {place}: nothing is read or \
             sent; remove that line to use it",
            self.name
        ))
    }

    /// Every file that the objects depend on: the pipeline and what it extends, the SIS schema, the
    /// metadata, views, SQL and crosswalks. What a run folder keeps a copy of; a shipped file that
    /// one of the same path hides is left out (the values taken from it are in [`Self::origins`]).
    pub fn files(&self) -> Vec<&std::path::Path> {
        let hidden = |layer: &&LayerNote| layer.shipped && layer.file.exists();
        let layers = self.layers.iter().filter(|layer| !hidden(layer));
        let fixed = layers
            .map(|layer| &layer.file)
            .chain([&self.sis_schema])
            .chain(&self.metadata);
        let sql = self
            .views
            .iter()
            .map(|(_, p)| p)
            .chain(self.resources.iter().map(|r| &r.sql));
        fixed
            .chain(sql)
            .chain(self.crosswalks.values().flatten())
            .map(PathBuf::as_path)
            .collect()
    }
}

/// One file of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerNote {
    /// As messages name it: the path, with `shipped:` before one of the binary.
    pub shown: PathBuf,
    /// The file.
    pub file: PathBuf,
    /// Whether it is read from the binary.
    pub shipped: bool,
}

/// One resource of a pipeline: a SQL file whose rows are the objects.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The target's name of it (`students`).
    pub name: String,
    /// The SQL file.
    pub sql: PathBuf,
    /// The namespace of an extension (`tpdm`), which is the first part of the name then; None: the
    /// standard's own.
    pub namespace: Option<String>,
    /// The profile that its bodies are written and read by.
    pub profile: Option<String>,
    /// What becomes of the objects: `post` (upsert) or `verify` (GET, must exist).
    pub mode: Mode,
    /// Category for listings (`Student Information`).
    pub category: Option<String>,
    /// Step of the recommended resync order, 1 to 5.
    pub step: Option<u8>,
    /// Natural key parts (`name` or `name=path.in.body`), overriding the metadata.
    pub key: Option<Vec<String>>,
    /// Further required fields (dotted paths).
    pub required: Vec<String>,
    /// Further prerequisites (resource names), added to the metadata's edges.
    pub depends_on: Vec<String>,
    /// Columns and joins that layers put into the SQL.
    pub additions: Additions,
    /// The resource that it hangs below in the tree of listings and of `NAME/*`.
    pub parent: Option<String>,
    /// What the ids of its records are called, where they can be synced one by one.
    pub selective: Option<String>,
}

/// What a resource's objects are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Upsert each object.
    #[default]
    Post,
    /// The target owns them: each must exist there (GET by key); nothing is written.
    Verify,
}

/// Where the SIS rows are.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// Folder or file.
    pub path: PathBuf,
    /// Its format.
    pub format: SourceFormat,
    /// The sample of a shipped pipeline that is not there: nothing can be extracted, but the
    /// pipeline can be looked at.
    pub missing: Option<Problem>,
}

/// Formats of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceFormat {
    /// A folder of `Table.csv`.
    Csv,
    /// A folder of `Table.parquet`.
    Parquet,
    /// A SQLite file.
    Sqlite,
}

/// How the target is reached.
#[derive(Clone, Debug)]
pub enum Connection {
    /// The embedded sandbox, started on a free port for the run; its state is kept in
    /// `state_dir/sandbox`.
    Sandbox,
    /// A server.
    Server {
        /// The root URL, whose document names all others.
        url: String,
        /// How the target knows us.
        credentials: Credentials,
        /// Tenant to put into `{tenantIdentifier}` placeholders.
        tenant: Option<String>,
        /// School year to put into `{schoolYearFromRoute}` placeholders; for 5.x/6.x year
        /// specific routes discovery names it already.
        route_year: Option<i32>,
        /// The rest of its addresses, and the profile of all resources.
        routing: Box<Routing>,
    },
}

/// How a target knows who sends.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// OAuth key and secret, exchanged for a token.
    OAuth {
        /// OAuth key.
        key: Secret,
        /// OAuth secret.
        secret: Secret,
    },
    /// A bearer token that the target's operator has handed out.
    Token(Secret),
    /// A client certificate and its private key, as PEM.
    Certificate(Secret),
    /// A SIF zone: HTTP Basic, a client certificate, both or neither.
    Zone {
        /// User and password.
        basic: Option<(String, Secret)>,
        /// A client certificate and its private key, as PEM.
        certificate: Option<Secret>,
    },
}

/// How the target is loaded.
#[derive(Clone, Debug)]
pub struct LoadSettings {
    /// Requests in flight at the start.
    pub concurrency_start: usize,
    /// Most requests in flight.
    pub concurrency_max: usize,
    /// Most requests per second, repeats included; None: as many as the target takes.
    pub rate: Option<Rate>,
    /// When the target may be loaded; None: at any time.
    pub window: Option<Window>,
    /// Tries per request for transient faults, the first one included.
    pub max_attempts: u32,
    /// First delay between tries; doubles, with jitter.
    pub backoff_start: Duration,
    /// Longest delay that we choose; a `Retry-After` may be longer (up to `retry_after_max`).
    pub backoff_max: Duration,
    /// Longest `Retry-After` that is honoured; a longer one is cut to this.
    pub retry_after_max: Duration,
    /// Time to connect.
    pub connect_timeout: Duration,
    /// Time for a whole request and answer.
    pub request_timeout: Duration,
    /// A resource stops after this many equal refusals with no success between; 0 = never.
    pub stop_after_same_refusals: u32,
    /// Whether objects are checked against the metadata before they are sent.
    pub local_validation: bool,
}

/// How long run folders stay.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// Newest finished runs kept.
    pub runs: usize,
    /// Failed and interrupted runs stay this many days.
    pub failed_days: u32,
}

/// One value of the `settings` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// true or false.
    Boolean(bool),
    /// 64-bit integer.
    Integer(i64),
    /// Text.
    Text(String),
}
