//! What a zone is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use super::agent::Acl;
use super::fault::Fault;
use super::message::DEFAULT_CONTEXT;
use super::write::element;
use crate::metadata::Standard;

/// Everything that a zone is started with. [`Options::new`] gives the defaults.
#[derive(Clone)]
pub struct Options {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Folder of the state: registrations, queues, and what the third party holds; `None` keeps
    /// everything in memory.
    pub state_dir: Option<PathBuf>,
    /// The zone's id, part of its URL.
    pub zone: String,
    /// The objects that the zone knows.
    pub standard: Arc<Standard>,
    /// The contexts that the zone has.
    pub contexts: Vec<String>,
    /// Versions of messages that the zone takes, the highest last.
    pub versions: Vec<String>,
    /// The smallest SIF_MaxBufferSize that an agent may register with, in bytes.
    pub min_buffer: u64,
    /// The largest message that the zone reads, in bytes.
    pub max_message: usize,
    /// User and password of HTTP Basic authentication; `None`: nobody is asked.
    pub basic: Option<(String, String)>,
    /// Whether agents may only register over a secure channel: by HTTPS, which a proxy in front tells
    /// of (`X-Forwarded-Proto`), and in push mode with an https URL.
    pub secure: bool,
    /// Whether messages may come compressed (announced in the zone's status).
    pub gzip: bool,
    /// Who may do what.
    pub acl: Acl,
    /// What real servers were seen to do.
    pub quirks: Quirks,
    /// Faults from the first message on.
    pub faults: Vec<Fault>,
    /// The agent that asks for a full data sync; `None`: there is none.
    pub third: Option<Third>,
}

/// The built-in third party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Third {
    /// Its SIF_SourceId.
    pub source_id: String,
    /// What it asks for and subscribes to, in this order; none: every object that the zone knows.
    pub objects: Vec<String>,
    /// SIF_MaxBufferSize of its registration and requests, in bytes.
    pub max_buffer: u64,
    /// SIF_Version of its requests.
    pub version: String,
    /// The context that it asks and subscribes in.
    pub context: String,
    /// When it asks.
    pub ask: Ask,
    /// Whether it goes through its requests at once, or one after the other.
    pub at_once: bool,
}

/// When the third party asks for a full data sync.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ask {
    /// As soon as somebody provides an object, with every start of the zone; not while an earlier
    /// request for the object is open.
    #[default]
    Always,
    /// As soon as somebody provides an object that it has never asked for.
    Once,
    /// Only when it is told to.
    Manual,
}

/// One request that the third party is told to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The object.
    pub object: String,
    /// SIF_Version, once or more.
    pub versions: Vec<String>,
    /// SIF_MaxBufferSize in bytes.
    pub max_buffer: u64,
    /// The context that it is about.
    pub context: String,
    /// SIF_Element: the elements that are wanted; none: all.
    pub elements: Vec<String>,
    /// A SIF_ConditionGroup or SIF_Example, as XML.
    pub condition: Option<String>,
    /// Whether it is a SIF_ExtendedQuery, of the elements or of `@RefId`; without conditions.
    pub extended: bool,
}

impl Asked {
    /// Adds conditions, each written as `PATH:OPERATOR:VALUE`; all must hold.
    ///
    /// # Errors
    /// A text is not of that form.
    pub fn conditions(&mut self, texts: &[String]) -> Result<(), String> {
        if texts.is_empty() {
            return Ok(());
        }
        let mut all = String::new();
        for text in texts {
            let mut parts = text.splitn(3, ':');
            let (Some(path), Some(operator), Some(value)) =
                (parts.next(), parts.next(), parts.next())
            else {
                return Err(format!("`{text}` is not PATH:OPERATOR:VALUE"));
            };
            if !["EQ", "NE", "LT", "LE", "GT", "GE"].contains(&operator) {
                return Err(format!("`{operator}` is none of EQ, NE, LT, LE, GT, GE"));
            }
            all.push_str("<SIF_Condition>");
            element("SIF_Element", path, &mut all);
            element("SIF_Operator", operator, &mut all);
            element("SIF_Value", value, &mut all);
            all.push_str("</SIF_Condition>");
        }
        self.condition = Some(format!(
            "<SIF_ConditionGroup Type=\"None\"><SIF_Conditions Type=\"And\">{all}\
             </SIF_Conditions></SIF_ConditionGroup>"
        ));
        Ok(())
    }
}

/// What real servers do against the letter of the standard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quirks {
    /// A message that cannot be parsed is answered by `<FATAL_ERROR>`, not by a SIF_Ack.
    pub fatal_error: bool,
    /// Messages in acknowledgements lack their namespace declaration.
    pub bare_inner: bool,
    /// Time stamps lack their zone.
    pub bare_timestamps: bool,
    /// Only messages of the zone's highest version are taken (12/3).
    pub exact_version: bool,
    /// Packets after the last one are taken.
    pub after_last: bool,
    /// A response without objects, or with an error, is refused (11/1).
    pub rejects_empty: bool,
    /// A request with a larger buffer than the registered one is acknowledged, and dropped.
    pub drops_large_buffer: bool,
    /// The same message is taken twice.
    pub takes_repeats: bool,
    /// A request goes to who provides the object, whatever context it is about.
    pub any_context: bool,
}

/// The names of quirks on a command line, in the order of the fields.
pub const QUIRKS: [&str; 9] = [
    "fatal-error",
    "bare-inner",
    "bare-timestamps",
    "exact-version",
    "after-last",
    "rejects-empty",
    "drops-large-buffer",
    "takes-repeats",
    "any-context",
];

impl Quirks {
    /// Switches a quirk on by its name.
    ///
    /// # Errors
    /// No such quirk.
    pub fn set(&mut self, name: &str) -> Result<(), String> {
        let flag = match name {
            "fatal-error" => &mut self.fatal_error,
            "bare-inner" => &mut self.bare_inner,
            "bare-timestamps" => &mut self.bare_timestamps,
            "exact-version" => &mut self.exact_version,
            "after-last" => &mut self.after_last,
            "rejects-empty" => &mut self.rejects_empty,
            "drops-large-buffer" => &mut self.drops_large_buffer,
            "takes-repeats" => &mut self.takes_repeats,
            "any-context" => &mut self.any_context,
            _ => return Err(format!("`{name}` is no quirk: {}", QUIRKS.join(", "))),
        };
        *flag = true;
        Ok(())
    }
}

impl FromStr for Ask {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "always" => Ok(Self::Always),
            "once" => Ok(Self::Once),
            "manual" => Ok(Self::Manual),
            _ => Err(format!("`{text}` is none of always, once, manual")),
        }
    }
}

impl Third {
    /// A library that asks for everything, with a buffer of 64 KB.
    pub fn new() -> Self {
        Self {
            source_id: "LibAgent".to_owned(),
            objects: Vec::new(),
            max_buffer: 65_536,
            version: "2.*".to_owned(),
            context: DEFAULT_CONTEXT.to_owned(),
            ask: Ask::default(),
            at_once: true,
        }
    }

    /// A request for the whole of an object.
    pub fn asks(&self, object: &str) -> Asked {
        Asked {
            object: object.to_owned(),
            versions: vec![self.version.clone()],
            max_buffer: self.max_buffer,
            context: self.context.clone(),
            elements: Vec::new(),
            condition: None,
            extended: false,
        }
    }
}

impl Default for Third {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// A zone in memory, on a free loopback port, without faults and without a third party.
    pub fn new(standard: Arc<Standard>) -> Self {
        let versions = [
            "2.0", "2.0r1", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7",
        ];
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            state_dir: None,
            zone: "sandbox".to_owned(),
            standard,
            contexts: vec![DEFAULT_CONTEXT.to_owned()],
            versions: versions.map(str::to_owned).to_vec(),
            min_buffer: 4096,
            max_message: 64 << 20,
            basic: None,
            secure: false,
            gzip: true,
            acl: Acl::default(),
            quirks: Quirks::default(),
            faults: Vec::new(),
            third: None,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("listen", &self.listen)
            .field("state_dir", &self.state_dir)
            .field("zone", &self.zone)
            .finish_non_exhaustive()
    }
}
