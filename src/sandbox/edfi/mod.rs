//! An Ed-Fi ODS/API in one process: discovery, tokens, metadata, and the data routes with the
//! checks, status codes and bodies of the real server.
//!
//! Reads and writes: its state folder. Never: any code of the client.
//!
//! ```text
//! exchange -> fault plan -> api: oauth | documents | read | write (check -> store -> journal)
//! ```

mod api;
mod capacity;
mod cascade;
mod check;
mod compile;
mod data_routes;
mod documents;
mod exchange;
mod journal;
mod layout;
pub(super) mod oauth;
mod options;
mod problem;
mod profile;
mod query;
mod read;
mod route;
mod scalar;
mod stats;
mod store;
#[cfg(test)]
mod tests;
mod unify;
mod write;

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Request, Response};
use serde_json::Value;

use self::api::Api;
pub use self::capacity::Capacity;
use self::exchange::Exchange;
pub use self::options::{ErrorStyle, Operation, Options, Profile, Quirks, RouteShape};
pub use self::stats::Stats;
use super::answer::AnswerBody;
use super::server::{Caller, Server, Service};
use super::{Fault, SandboxError};

/// A running sandbox. Dropping it stops it at once.
#[derive(Debug)]
pub struct Sandbox {
    api: Arc<Api>,
    server: Server,
}

impl Service for Api {
    async fn answer(
        &self,
        request: Request<Incoming>,
        caller: Caller,
    ) -> Option<Response<AnswerBody>> {
        let _in_flight = self.counters.enter();
        Exchange::new(self, request, caller).run().await
    }
}

impl Sandbox {
    /// Opens the state, listens, and serves on the current runtime.
    ///
    /// # Errors
    /// The state cannot be read or is in use, the address is taken, or a seed is refused.
    pub async fn start(options: Options) -> Result<Self, SandboxError> {
        let listen = options.listen;
        let api = Arc::new(Api::open(options)?);
        let server = Server::start(listen, Arc::clone(&api)).await?;
        let (instance, url) = (&api.instance_id, server.base_url());
        tracing::info!(url, instance, "Ed-Fi sandbox listens");
        Ok(Self { api, server })
    }

    /// The root URL, without a slash at the end; its document names all others.
    pub fn base_url(&self) -> String {
        self.server.base_url()
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
    pub async fn stop(self) {
        self.server.stop().await;
    }
}
