//! A state edition in one process: docs/dis-contract.md with the checks of a real one.
//!
//! Reads and writes: its state folder. Never: any code of the client; the contract's texts, keys
//! and hashes are made here a second time, so that a fault of the client is not repeated.

mod api;
mod batch;
mod check;
mod listing;
mod requests;
mod server;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use super::server::Server;
use super::{Fault, SandboxError};
use crate::metadata::Standard;
use api::Api;
pub use requests::{Done, ResyncRequest};

/// Everything that a state is started with. [`Options::new`] gives the defaults.
#[derive(Clone)]
pub struct Options {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Folder of the state; `None` keeps everything in memory.
    pub state_dir: Option<PathBuf>,
    /// Name of this instance; empty: one is made on the first start and kept.
    pub instance_id: String,
    /// The objects that are served and checked.
    pub standard: Arc<Standard>,
    /// The token of the district.
    pub token: String,
    /// The token of the state's own operator, who asks for resyncs.
    pub operator_token: String,
    /// The one district that the token is for; `None`: any.
    pub district: Option<String>,
    /// Fields that the state owns, by object: a record may not have them.
    pub state_owned: BTreeMap<String, Vec<String>>,
    /// Most records of one request.
    pub records: usize,
    /// Most bytes of one request, before compression.
    pub bytes: usize,
    /// Faults from the first request on.
    pub faults: Vec<Fault>,
}

impl Options {
    /// A state in memory, on a free loopback port, without faults.
    pub fn new(standard: Arc<Standard>) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            state_dir: None,
            instance_id: String::new(),
            standard,
            token: "sandbox".to_owned(),
            operator_token: "operator".to_owned(),
            district: None,
            state_owned: BTreeMap::new(),
            records: 1000,
            bytes: 4 << 20,
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

/// A running state. Dropping it stops it at once.
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
        let (instance, url) = (&api.instance, server.base_url());
        tracing::info!(url, instance, "DIS sandbox listens");
        Ok(Self { api, server })
    }

    /// The root URL, without a slash at the end.
    pub fn base_url(&self) -> String {
        self.server.base_url()
    }

    /// Replaces the faults; their counters start again.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.api.set_faults(faults);
    }

    /// Requests answered or hit by a fault, batches only.
    pub fn batches(&self) -> u64 {
        self.api.batches()
    }

    /// Asks a district for a resync of some objects (all for none); the request.
    ///
    /// # Errors
    /// The request cannot be kept.
    pub fn request(
        &self,
        district: &str,
        objects: &[&str],
        school_year: Option<i32>,
    ) -> Result<ResyncRequest, SandboxError> {
        let objects = objects.iter().map(|o| (*o).to_owned()).collect();
        self.api.ask(district, objects, school_year, String::new())
    }

    /// A district's requests, carried out or not.
    pub fn requests(&self, district: &str) -> Vec<ResyncRequest> {
        self.api.store().requests.of(district).cloned().collect()
    }

    /// Records of an object in a district and school year.
    pub fn count(&self, district: &str, school_year: i32, object: &str) -> u64 {
        self.records(district, school_year, object).len() as u64
    }

    /// The records of an object, in no order.
    pub fn records(&self, district: &str, school_year: i32, object: &str) -> Vec<Value> {
        let store = self.api.store();
        let shelf = store.shelf(&(district.to_owned(), school_year), object);
        let living = shelf.into_iter().flat_map(|shelf| shelf.values());
        living
            .filter_map(|stored| serde_json::from_str(&stored.content.as_ref()?.record).ok())
            .collect()
    }

    /// Stops listening, lets requests in flight finish, and gives the state folder free.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}
