//! Reaching a zone: the sandbox or a server, our agent in it, what it may do.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::watch;
use url::Url;

use super::{folder, settings};
use crate::metadata::Standard;
use crate::pipeline::{Connection, Credentials, Pipeline};
use crate::run::{Context, RunError, Selection};
use crate::sif::{
    Agent, Profile, Provided, Rights, SyncError, Zone, ZoneError, ZoneStatus, lacking, log::Log,
};
use crate::xml::Version;

/// Our agent in the pipeline's zone.
#[derive(Debug)]
pub struct Link {
    /// The agent.
    pub agent: Agent,
    /// Whether the zone is the embedded sandbox.
    pub sandbox: bool,
    /// Objects that events may be published of, once it has joined.
    pub publishes: BTreeSet<String>,
    #[cfg(feature = "sandbox")]
    running: Option<crate::sandbox::sif::Sandbox>,
}

impl Link {
    /// Sets the connection up; nothing is sent yet. `sync`: the embedded zone's third party is to
    /// ask for everything.
    ///
    /// # Errors
    /// The pipeline has no zone, or its credentials cannot be used.
    pub async fn open(
        pipeline: &Pipeline,
        standard: &Arc<Standard>,
        cancel: watch::Receiver<bool>,
        sync: bool,
    ) -> Result<Self, RunError> {
        pipeline.must_be_on().map_err(RunError::SwitchedOff)?;
        let sif = settings(pipeline)?;
        #[cfg(feature = "sandbox")]
        let mut running = None;
        let (url, basic, certificate) = match &pipeline.connection {
            #[cfg(feature = "sandbox")]
            Connection::Sandbox => {
                let server = start(pipeline, standard, sync).await?;
                let url = server.zone_url();
                running = Some(server);
                (url, None, None)
            }
            #[cfg(not(feature = "sandbox"))]
            Connection::Sandbox => return Err(RunError::NoSandbox),
            Connection::Server {
                url,
                credentials: Credentials::Zone { basic, certificate },
                ..
            } => (url.clone(), basic.clone(), certificate.clone()),
            Connection::Server { .. } => return Err(RunError::NoZone(pipeline.name.clone())),
        };
        #[cfg(not(feature = "sandbox"))]
        let _ = (standard, sync);
        let http = crate::load::client(&pipeline.load, certificate.as_ref())?;
        let url = Url::parse(&url).map_err(|e| std::io::Error::other(format!("{url}: {e}")))?;
        let version: Version = sif.version.parse().unwrap_or(Version::new(2, 7));
        let zone = Zone::new(
            url,
            http,
            basic,
            pipeline.load.clone(),
            Log::new(&folder(pipeline, sif), sif.zone.keep_messages),
            cancel,
        );
        let profile = Profile {
            source_id: sif.zone.agent.clone(),
            name: sif.zone.name.clone(),
            version,
            max_buffer: sif.zone.max_buffer,
            push_url: sif.zone.push.as_ref().map(|push| push.url.clone()),
            contexts: sif.zone.contexts.clone(),
        };
        Ok(Self {
            agent: Agent::new(Arc::new(zone), profile),
            sandbox: matches!(pipeline.connection, Connection::Sandbox),
            publishes: BTreeSet::new(),
            #[cfg(feature = "sandbox")]
            running,
        })
    }

    /// As [`Self::open`] and [`Self::join`], for a run.
    ///
    /// # Errors
    /// As these.
    pub(in crate::run) async fn join_for(
        context: &Context,
        selection: &Selection,
    ) -> Result<Self, RunError> {
        let standard = &selection.standard;
        let mut link = Self::open(
            &context.pipeline,
            standard,
            context.cancel.clone(),
            !context.options.staying.events,
        )
        .await?;
        let names = selection.resources.iter().map(|p| p.resource.name.clone());
        match link.join(&names.collect::<Vec<_>>()).await {
            Ok(joined) => {
                for object in &joined.without {
                    tracing::warn!(object, "rights are missing; no events of it can be sent");
                }
                link.publishes = joined.events.into_iter().collect();
                Ok(link)
            }
            Err(error) => {
                link.close().await;
                Err(error)
            }
        }
    }

    /// Registers, checks the rights, says what is provided, and wakes the queue.
    ///
    /// # Errors
    /// The zone cannot be reached or refuses us, or rights are missing: nothing is provided then.
    pub async fn join(&self, objects: &[String]) -> Result<Joined, RunError> {
        let mut rights = self.agent.register().await.map_err(SyncError::from)?;
        if rights.is_empty() {
            rights = known(self.agent.rights().await)?.unwrap_or_default();
        }
        let names = objects.iter().map(String::as_str);
        let without = lacking(&rights, names);
        let may = |access: &str, object: &String| {
            rights.is_empty() || rights.get(access).is_some_and(|o| o.contains(object))
        };
        let refused: Vec<String> = objects
            .iter()
            .filter(|o| !may("SIF_ProvideAccess", o) || !may("SIF_RespondAccess", o))
            .cloned()
            .collect();
        if !refused.is_empty() {
            return Err(RunError::NoRights {
                zone: self.agent.zone.url.to_string(),
                agent: self.agent.profile.source_id.clone(),
                objects: refused,
            });
        }
        let publishes = |object: &&String| {
            let mut all = crate::sif::NEEDED
                .iter()
                .filter(|(a, _)| a.contains("Publish"));
            all.all(|(access, _)| may(access, object))
        };
        let events: Vec<String> = objects.iter().filter(publishes).cloned().collect();
        self.agent
            .provision(Provided {
                contexts: &self.agent.profile.contexts,
                objects,
                events: &events,
            })
            .await
            .map_err(SyncError::from)?;
        let status = known(self.agent.zone_status().await)?;
        self.agent
            .control("SIF_Wakeup")
            .await
            .map_err(SyncError::from)?;
        Ok(Joined {
            rights,
            without,
            events,
            status,
        })
    }

    /// Ends the embedded zone, if there is one.
    pub async fn close(self) {
        #[cfg(feature = "sandbox")]
        if let Some(server) = self.running {
            server.stop().await;
        }
    }
}

/// What joining a zone came to.
#[derive(Clone, Debug)]
pub struct Joined {
    /// Our rights, as far as the zone tells.
    pub rights: Rights,
    /// Objects that lack one, with what they lack.
    pub without: Vec<String>,
    /// Objects that events may be published of.
    pub events: Vec<String>,
    /// What the zone tells of itself.
    pub status: Option<ZoneStatus>,
}

/// None where the zone refuses to tell, which is its right.
fn known<T>(answer: Result<T, ZoneError>) -> Result<Option<T>, RunError> {
    match answer {
        Ok(told) => Ok(Some(told)),
        Err(ZoneError::Refused { error, .. }) => {
            tracing::debug!(%error, "the zone does not tell");
            Ok(None)
        }
        Err(error) => Err(SyncError::from(error).into()),
    }
}

/// Starts the embedded zone with its kept state and a third party in it.
#[cfg(feature = "sandbox")]
async fn start(
    pipeline: &Pipeline,
    standard: &Arc<Standard>,
    sync: bool,
) -> Result<crate::sandbox::sif::Sandbox, RunError> {
    use crate::sandbox::sif::{Ask, Options, Sandbox, Third};
    let mut options = Options::new(Arc::clone(standard));
    options.state_dir = Some(pipeline.state_dir.join("sandbox").join(&pipeline.name));
    options.zone.clone_from(&settings(pipeline)?.zone.zone);
    let mut third = Third::new();
    third.ask = if sync { Ask::Always } else { Ask::Manual };
    let contexts = &settings(pipeline)?.zone.contexts;
    options.contexts.clone_from(contexts);
    if let Some(first) = contexts
        .first()
        .filter(|_| !contexts.contains(&third.context))
    {
        third.context.clone_from(first);
    }
    options.third = Some(third);
    Ok(Sandbox::start(options).await?)
}
