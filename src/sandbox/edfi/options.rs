//! How a sandbox is set up.
//!
//! Reads: nothing. Writes: nothing. Never: prints the secret.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::Value;

use super::capacity::Capacity;
use crate::metadata::Standard;
use crate::sandbox::{Fault, RetryAfter};

/// Everything that a sandbox is started with. [`Options::new`] gives the defaults.
#[derive(Clone)]
pub struct Options {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Folder of the state; `None` keeps everything in memory.
    pub state_dir: Option<PathBuf>,
    /// Name of this instance in the discovery document. Empty: one is made on the first start and
    /// kept in the state folder, so that an emptied folder is another instance.
    pub instance_id: String,
    /// The data standard that is served and checked.
    pub standard: Arc<Standard>,
    /// OAuth key of the one client.
    pub key: String,
    /// OAuth secret of the one client.
    pub secret: String,
    /// `(resource, body)` that are there from the start, checked like a POST; later ones may refer
    /// to earlier ones. A seed whose key the state folder holds already is left alone.
    pub seed: Vec<(String, Value)>,
    /// Faults from the first request on; see [`super::Sandbox::set_faults`].
    pub faults: Vec<Fault>,
    /// Deviations from the textbook that real servers show.
    pub quirks: Quirks,
    /// School year that data routes must name, as `/2026/data/v3/..` or `/data/v3/2026/..`.
    pub school_year_route: Option<i32>,
    /// Tenant that every route must start with.
    pub tenant: Option<String>,
    /// A district (or another context) that data routes must name after the tenant.
    pub district: Option<String>,
    /// Shape of the addresses.
    pub routes: RouteShape,
    /// Profiles that resources may be written and read by.
    pub profiles: Vec<Profile>,
    /// Names of the profiles that the client is bound to.
    pub assigned_profiles: Vec<String>,
    /// How strong the server is; None: as strong as the machine.
    pub capacity: Option<Capacity>,
    /// Shape of error bodies.
    pub error_style: ErrorStyle,
    /// What the client's claim set lacks: `(resource, operation)` answers 403.
    pub denied: Vec<(String, Operation)>,
}

impl Options {
    /// A sandbox in memory, on a free loopback port, without faults.
    pub fn new(standard: Arc<Standard>) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            state_dir: None,
            instance_id: String::new(),
            standard,
            key: "sandbox".to_owned(),
            secret: "sandbox".to_owned(),
            seed: Vec::new(),
            faults: Vec::new(),
            quirks: Quirks::default(),
            school_year_route: None,
            tenant: None,
            district: None,
            routes: RouteShape::default(),
            profiles: Vec::new(),
            assigned_profiles: Vec::new(),
            capacity: None,
            error_style: ErrorStyle::default(),
            denied: Vec::new(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("listen", &self.listen)
            .field("state_dir", &self.state_dir)
            .field("instance_id", &self.instance_id)
            .field("standard", &self.standard.name)
            .field("key", &self.key)
            .field("faults", &self.faults)
            .field("quirks", &self.quirks)
            .finish_non_exhaustive()
    }
}

/// The shape of the addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RouteShape {
    /// ODS/API 5 to 7: `/data/v3/..`, `/metadata/data/v3/..`.
    #[default]
    Ods,
    /// The API of version 8: `/data/..`, `/metadata/specifications`.
    V8,
}

/// One resource of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The profile's name.
    pub name: String,
    /// The resource that it is about.
    pub resource: String,
    /// Whether it may be read by it.
    pub readable: bool,
    /// Whether it may be written by it.
    pub writable: bool,
    /// Top-level members that it hides.
    pub hidden: Vec<String>,
}

/// What real servers do against the letter of the documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quirks {
    /// `expires_in` holds the second of the epoch at which the token ends.
    pub expires_in_epoch: bool,
    /// `Location` holds a path only.
    pub relative_location: bool,
    /// No `ETag` header.
    pub no_etag: bool,
    /// A request without a token gets 400 instead of 401.
    pub missing_token_400: bool,
    /// `Retry-After` of the sandbox's own 429 (too many tokens) and of 429 faults that name none.
    pub retry_after: RetryAfter,
}

/// The shape of error bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorStyle {
    /// ODS/API 7.2 and later: problem details, all validation errors at once; an unresolved
    /// reference is 409.
    #[default]
    ProblemDetails,
    /// ODS/API 5 to 7.1: `message` and `modelState`; an unresolved reference is 400.
    MessageModelState,
}

/// What a claim set grants or denies on a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// POST of a new key.
    Create,
    /// GET.
    Read,
    /// POST of an existing key, or PUT.
    Update,
    /// DELETE.
    Delete,
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 4] = [Self::Create, Self::Read, Self::Update, Self::Delete];

    /// The word that `token_info` uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Read => "Read",
            Self::Update => "Update",
            Self::Delete => "Delete",
        }
    }
}

impl FromStr for Operation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|o| o.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("`{text}` is no operation: create, read, update or delete"))
    }
}
