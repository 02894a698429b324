//! A SIF 3 provider in one process: environments, rights, and objects many at a time, with the
//! checks and the oddities of a real one.
//!
//! Reads and writes: its state folder. Never: any code of the client; signatures, statuses and
//! checks are made here a second time, so that a fault of the client is not repeated.
//! Source: SIF infrastructure 3.3; recorded conversations of a provider.

mod api;
mod auth;
mod bulk;
mod check;
mod environment;
mod query;
mod server;
mod store;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use super::server::Server;
use super::{Fault, SandboxError};
use crate::metadata::Standard;
use api::Api;
use store::Change;

/// Everything that a provider is started with. [`Options::new`] gives the defaults.
#[derive(Clone)]
pub struct Options {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Folder of the state; `None` keeps everything in memory.
    pub state_dir: Option<PathBuf>,
    /// The objects that are served and checked.
    pub standard: Arc<Standard>,
    /// The application's key.
    pub application: String,
    /// Its password.
    pub password: String,
    /// Whether the application signs with an HMAC; else Basic.
    pub hmac: bool,
    /// How far the provider's clock is ahead of this machine's.
    pub ahead: chrono::TimeDelta,
    /// The one zone.
    pub zone: String,
    /// The one context.
    pub context: String,
    /// Namespace of the data model.
    pub data_model: String,
    /// Rights that are not approved: service (`StudentPersonals`), right (`CREATE`).
    pub rejected: Vec<(String, String)>,
    /// Most objects of one request.
    pub objects: usize,
    /// Most bytes of one request, before compression.
    pub bytes: usize,
    /// Most objects that are given without paging.
    pub page: usize,
    /// Every so many objects the status is left out of an answer; 0: never.
    pub omit: u64,
    /// Whether HEAD is not known, as with some providers.
    pub no_head: bool,
    /// Whether queries by example are not known, as with some providers.
    pub no_example: bool,
    /// Whether objects are refused that refer to what is not there.
    pub references: bool,
    /// Faults from the first request on.
    pub faults: Vec<Fault>,
}

impl Options {
    /// A provider in memory, on a free loopback port, without faults.
    pub fn new(standard: Arc<Standard>) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            state_dir: None,
            standard,
            application: "sandbox".to_owned(),
            password: "sandbox".to_owned(),
            hmac: true,
            ahead: chrono::TimeDelta::zero(),
            zone: "District".to_owned(),
            context: "DEFAULT".to_owned(),
            data_model: "http://www.sifassociation.org/datamodel/na/4.x".to_owned(),
            rejected: Vec::new(),
            objects: 1000,
            bytes: 4 << 20,
            page: 1000,
            omit: 0,
            no_head: false,
            no_example: false,
            references: true,
            faults: Vec::new(),
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("listen", &self.listen)
            .field("state_dir", &self.state_dir)
            .finish_non_exhaustive()
    }
}

/// A running provider. Dropping it stops it at once.
#[derive(Debug)]
pub struct Sandbox {
    api: Arc<Api>,
    server: Server,
}

impl Sandbox {
    /// Opens the state, listens, and serves on the current runtime.
    ///
    /// # Errors
    /// The state cannot be read or is in use, or the address is taken.
    pub async fn start(options: Options) -> Result<Self, SandboxError> {
        let listen = options.listen;
        let api = Arc::new(Api::open(options)?);
        let server = Server::start(listen, Arc::clone(&api)).await?;
        let url = server.base_url();
        tracing::info!(url, "SIF 3 sandbox listens");
        Ok(Self { api, server })
    }

    /// The root URL of the infrastructure, without a slash at the end.
    pub fn base_url(&self) -> String {
        self.server.base_url()
    }

    /// The application's key and password.
    pub fn application(&self) -> (&str, &str) {
        let options = self.api.options();
        (&options.application, &options.password)
    }

    /// Replaces the faults; their counters start again.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.api.set_faults(faults);
    }

    /// Bulk requests answered or hit by a fault: creates, updates, deletes.
    pub fn requests(&self) -> [u64; 3] {
        self.api.requests()
    }

    /// How many environments have been made since the start.
    pub fn environments_made(&self) -> u64 {
        self.api.environments_made()
    }

    /// Ends all environments, as an operator does: every session is refused from then on.
    ///
    /// # Errors
    /// The state cannot be written.
    pub fn end_environments(&self) -> Result<(), SandboxError> {
        self.api.end_environments()
    }

    /// Forgets all objects of a kind, as when another consumer has deleted them.
    ///
    /// # Errors
    /// The state cannot be written.
    pub fn forget(&self, object: &str) -> Result<(), SandboxError> {
        let mut store = self.api.store();
        let all = store.list(object).into_iter();
        let changes = all.map(|o| Change::Delete(o.id.to_string())).collect();
        store.commit(object, changes)
    }

    /// How many objects of a kind there are.
    pub fn count(&self, object: &str) -> u64 {
        self.api.store().count(object) as u64
    }

    /// The objects of a kind as XML with their ids, by id.
    pub fn objects(&self, object: &str) -> Vec<(String, String)> {
        let store = self.api.store();
        let all = store.list(object).into_iter();
        all.map(|o| (o.id.to_string(), o.xml.to_string())).collect()
    }

    /// Stops listening, lets requests in flight finish, and gives the state folder free.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}
