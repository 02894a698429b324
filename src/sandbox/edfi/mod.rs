//! An Ed-Fi ODS/API in one process: discovery, tokens, metadata, and the data routes with the
//! checks, status codes and bodies of the real server.
//!
//! Reads and writes: its state folder. Never: any code of the client.
//!
//! ```text
//! server -> fault plan -> api: oauth | documents | read | write (check -> store -> journal)
//! ```

pub(super) mod answer;
mod api;
mod cascade;
mod check;
mod compile;
mod data_routes;
mod documents;
mod exchange;
mod fault;
pub(super) mod fault_plan;
mod journal;
mod layout;
pub(super) mod oauth;
mod options;
mod problem;
mod query;
mod read;
mod route;
mod scalar;
mod server;
mod stats;
mod store;
#[cfg(test)]
mod tests;
mod unify;
mod write;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::api::Api;
pub use self::fault::{Fault, FaultBody, FaultError, FaultKind};
pub use self::options::{ErrorStyle, Operation, Options, Quirks, RetryAfter};
pub use self::stats::Stats;

/// How long [`Sandbox::stop`] waits for requests in flight.
const GRACE: Duration = Duration::from_secs(2);

/// Why a sandbox could not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}; choose another --port, or 0 for a free one")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The state folder could not be read or written.
    #[error("cannot read or write the sandbox's state; check the folder's owner and free space")]
    State(#[source] io::Error),
    /// Another sandbox uses the state folder.
    #[error("another sandbox uses {}; stop it or choose another folder", .0.display())]
    InUse(PathBuf),
    /// The state folder is of another instance.
    #[error(
        "{} holds the state of the sandbox `{found}`, not of `{wanted}`; \
         choose another folder or empty it", path.display()
    )]
    OtherInstance {
        /// The folder.
        path: PathBuf,
        /// The instance that it belongs to.
        found: String,
        /// The instance that was asked for.
        wanted: String,
    },
    /// A line of the log cannot be read.
    #[error(
        "cannot read {} line {line}: {why}; \
         empty the sandbox's folder to start afresh", path.display()
    )]
    Corrupt {
        /// The log.
        path: PathBuf,
        /// The line's number, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// A seed is refused by the sandbox's own checks.
    #[error("cannot seed `{resource}` (seed {at}, from 0): {why}")]
    Seed {
        /// The resource.
        resource: String,
        /// Position among the seeds.
        at: usize,
        /// What the checks said.
        why: String,
    },
}

/// A running sandbox. Dropping it stops it at once.
#[derive(Debug)]
pub struct Sandbox {
    api: Arc<Api>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Sandbox {
    /// Opens the state, listens, and serves on the current runtime.
    ///
    /// # Errors
    /// The state cannot be read or is in use, the address is taken, or a seed is refused.
    pub async fn start(options: Options) -> Result<Self, SandboxError> {
        let address = options.listen;
        let api = Arc::new(Api::open(options)?);
        let refused = |source| SandboxError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(server::serve(listener, Arc::clone(&api), address, stopped));
        tracing::info!(%address, instance = api.instance_id, "Ed-Fi sandbox listens");
        Ok(Self {
            api,
            address,
            stop,
            serving,
        })
    }

    /// The root URL, without a slash at the end; its document names all others.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The instance that the discovery document names.
    pub fn instance_id(&self) -> &str {
        &self.api.instance_id
    }

    /// Replaces the faults; their counters start again.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.api.set_faults(faults);
    }

    /// Replaces the quirks.
    pub fn set_quirks(&self, quirks: Quirks) {
        self.api.set_quirks(quirks);
    }

    /// The counts since the start.
    pub fn stats(&self) -> Stats {
        self.api.stats()
    }

    /// Records of a resource; 0 for one that the standard does not have.
    pub fn count(&self, resource: &str) -> u64 {
        let number = self.api.layout.number(resource);
        number.map_or(0, |number| self.api.store.read(number).len() as u64)
    }

    /// The bodies of a resource's records in order of creation, without the server's own members.
    pub fn bodies(&self, resource: &str) -> Vec<Value> {
        let Some(number) = self.api.layout.number(resource) else {
            return Vec::new();
        };
        let shelf = self.api.store.read(number);
        shelf
            .records()
            .filter_map(|record| serde_json::from_slice(&record.body).ok())
            .collect()
    }

    /// Stops listening, lets requests in flight finish for up to two seconds, and gives the state
    /// folder free.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(GRACE, &mut self.serving)
            .await
            .is_err()
        {
            self.serving.abort();
            // Only a cancelled task is left to report here.
            let _ = (&mut self.serving).await;
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
