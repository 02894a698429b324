//! A zone integration server of SIF 2.x in one process, with the checks and codes of a real one, and a
//! third party in it that asks for a full data sync.
//!
//! Reads and writes: its state folder. Never: any code of the client; messages are read and written
//! here a second time, so that a fault of the client is not repeated.
//!
//! ```text
//! server -> fault -> api: register | request (response) | event | control -> state (log)
//!                                                             third party <- queue -> push
//! ```

mod agent;
mod api;
mod control;
mod event;
mod fault;
mod id;
mod message;
mod options;
mod push;
mod refusal;
mod register;
mod request;
mod server;
mod state;
#[cfg(test)]
mod tests;
mod third;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::SandboxError;
use super::server::Server;
pub use agent::{Acl, Right};
use api::Api;
pub use api::Stats;
pub use fault::{Fault, Play, ZoneFaultError};
pub use options::{Ask, Asked, Options, QUIRKS, Quirks, Third};
use third::Party;
pub use third::{Answer, Events};

/// A running zone. Dropping it stops it at once.
#[derive(Debug)]
pub struct Sandbox {
    api: Arc<Api>,
    server: Server,
    third: Option<Arc<Party>>,
    tasks: Tasks,
}

/// What works beside the server.
#[derive(Debug)]
struct Tasks(Vec<JoinHandle<()>>);

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

impl Sandbox {
    /// Opens the state, listens, and serves on the current runtime.
    ///
    /// # Errors
    /// The state cannot be read or is in use, or the address is taken.
    pub async fn start(options: Options) -> Result<Self, SandboxError> {
        let (listen, third) = (options.listen, options.third.clone());
        let api = Arc::new(Api::open(options)?);
        let third = third.map(|third| Party::open(third, Arc::clone(&api)));
        let third = third.transpose()?.map(Arc::new);
        let server = Server::start(listen, Arc::clone(&api)).await?;
        let mut tasks = vec![tokio::spawn(push::deliver(Arc::clone(&api)))];
        tasks.extend(third.as_ref().map(|t| tokio::spawn(Arc::clone(t).live())));
        let sandbox = Self {
            api,
            server,
            third,
            tasks: Tasks(tasks),
        };
        tracing::info!(url = sandbox.zone_url(), "SIF zone listens");
        Ok(sandbox)
    }

    /// The zone's URL.
    pub fn zone_url(&self) -> String {
        format!("{}/zis/{}", self.server.base_url(), self.api.options.zone)
    }

    /// The objects that the third party asks for, or all that the zone knows.
    pub fn objects(&self) -> Vec<String> {
        match &self.third {
            Some(third) => third.objects(),
            None => self
                .api
                .options
                .standard
                .resources
                .keys()
                .cloned()
                .collect(),
        }
    }

    /// Replaces the faults; their counters start again.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.api.set_faults(faults);
    }

    /// What was sent to the zone since its start.
    pub fn stats(&self) -> Stats {
        self.api.stats().clone()
    }

    /// Messages that wait for an agent.
    pub fn waiting(&self, agent: &str) -> usize {
        self.api.state().queue(agent).count()
    }

    /// The agents that are registered.
    pub fn agents(&self) -> Vec<String> {
        self.api.state().agents.keys().cloned().collect()
    }

    /// Lets the third party send a request; its SIF_MsgId. Whether it was refused stands in
    /// [`Sandbox::answers`].
    ///
    /// # Errors
    /// There is no third party, or its folder cannot be written.
    pub fn ask(&self, asked: &Asked) -> Result<String, SandboxError> {
        let Some(third) = &self.third else {
            let why = std::io::Error::other("the zone has no third party");
            return Err(SandboxError::State(why));
        };
        third.work()?;
        let id = third.request(asked)?;
        Ok(id.to_string())
    }

    /// The requests of the third party in the order in which they were sent, with what has come of
    /// each until now.
    pub fn answers(&self) -> Vec<Answer> {
        self.settled().map(Party::answers).unwrap_or_default()
    }

    /// The objects of a kind that the third party holds, as XML by RefId (by all attributes, where
    /// the version has no RefId).
    pub fn held(&self, object: &str) -> BTreeMap<String, String> {
        self.settled().map(|t| t.held(object)).unwrap_or_default()
    }

    /// How many objects of each kind the third party holds.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        self.settled().map(Party::counts).unwrap_or_default()
    }

    /// References between objects that the third party holds which point at nothing: object, key, name of
    /// the reference.
    pub fn dangling(&self) -> Vec<(String, String, String)> {
        self.settled().map(Party::dangling).unwrap_or_default()
    }

    /// The events that the third party has taken.
    pub fn events(&self) -> Events {
        self.settled().map(Party::events).unwrap_or_default()
    }

    /// The third party, when it has taken what waits for it.
    fn settled(&self) -> Option<&Party> {
        let third = self.third.as_deref()?;
        if let Err(error) = third.work() {
            tracing::warn!(%error, "the third party cannot go on");
        }
        Some(third)
    }

    /// Stops listening, lets requests in flight finish, and gives the state folder free.
    pub async fn stop(mut self) {
        self.settled();
        let tasks = std::mem::take(&mut self.tasks.0);
        self.server.stop().await;
        for task in tasks {
            task.abort();
            // Only a cancelled task is left to report here.
            let _ = task.await;
        }
    }
}
