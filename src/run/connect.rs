//! Reaching the target: the embedded sandbox or a server, its routes, its own metadata.

use std::path::Path;
use std::sync::Arc;

use super::{Context, RunError, Selection, rest};
use crate::ledger::Ledger;
use crate::load::{Address, Api, Fill, Provider, State, StateKey, Token};
use crate::metadata::Standard;
use crate::pipeline::{Connection, Credentials, Pipeline, Secret, Setting, TargetKind};
use crate::target::dis::{Dis, Encoding};
use crate::target::edfi::{Edfi, Media, Route};
use crate::target::{Packing, Target as Rules};

/// A target that answers.
#[derive(Debug)]
pub struct Target {
    link: Link,
    /// The standard as this target has it.
    pub standard: Arc<Standard>,
    /// Its name in the ledger.
    pub fingerprint: String,
    /// Whether it is the embedded sandbox.
    pub sandbox: bool,
    #[cfg(feature = "sandbox")]
    running: Option<Running>,
}

/// The connection to a target of one kind.
#[derive(Debug)]
enum Link {
    Edfi(Box<Api>),
    Dis(Box<State>),
    Sif3(Box<Provider>),
}

/// An embedded sandbox that runs as long as the connection.
#[cfg(feature = "sandbox")]
#[derive(Debug)]
enum Running {
    Edfi(crate::sandbox::edfi::Sandbox),
    Dis(crate::sandbox::dis::Sandbox),
    Sif3(crate::sandbox::sif3::Sandbox),
}

/// What the loop is given of a target.
pub(super) struct Delivery {
    /// Its rules.
    pub(super) rules: Box<dyn Rules>,
    /// The connection pool.
    pub(super) http: reqwest::Client,
    /// The credentials; None where the connection itself tells who we are.
    pub(super) token: Option<Arc<Token>>,
    /// Most requests at once, where the target has a limit of its own.
    pub(super) at_once: Option<usize>,
}

/// Most records of one batch, and most bytes of them: small enough that several are in flight, and
/// that little is sent again when one is lost; a state may want fewer.
const BATCH: Packing = Packing {
    objects: 1000,
    bytes: 1 << 20,
};

/// The standard that a pipeline names.
///
/// # Errors
/// A metadata file that cannot be read.
pub fn standard(pipeline: &Pipeline) -> Result<Arc<Standard>, RunError> {
    Ok(match (&pipeline.metadata, pipeline.target) {
        (None, TargetKind::Dis) => Standard::dis(),
        (None, TargetKind::Edfi) => Standard::shipped(),
        (None, TargetKind::Sif) => match &pipeline.sif {
            Some(sif) if sif.is_rest() => Standard::sif_4(),
            _ => Standard::sif_2(),
        },
        (None, TargetKind::Sif3) => Standard::sif_4(),
        (Some(path), _) => Arc::new(Standard::load(path)?),
    })
}

impl Target {
    /// Connects: starts the sandbox where the pipeline says so, finds out what the target takes,
    /// and takes over what its own documents say of its resources.
    ///
    /// # Errors
    /// The target cannot be reached or refuses the credentials.
    pub async fn connect(pipeline: &Pipeline, base: &Arc<Standard>) -> Result<Self, RunError> {
        pipeline.must_be_on().map_err(RunError::SwitchedOff)?;
        match pipeline.target {
            TargetKind::Edfi => Self::edfi(pipeline, base).await,
            TargetKind::Dis => Self::dis(pipeline, base).await,
            TargetKind::Sif3 => Self::sif3(pipeline, base).await,
            TargetKind::Sif => Err(RunError::Zone(pipeline.name.clone())),
        }
    }

    async fn edfi(pipeline: &Pipeline, base: &Arc<Standard>) -> Result<Self, RunError> {
        let tokens = pipeline.state_dir.join(&pipeline.name).join("tokens");
        let sandbox = matches!(pipeline.connection, Connection::Sandbox);
        #[cfg(feature = "sandbox")]
        let mut running = None;
        let address = match &pipeline.connection {
            #[cfg(feature = "sandbox")]
            Connection::Sandbox => {
                let server = start(pipeline, base).await?;
                let url = server.base_url();
                running = Some(Running::Edfi(server));
                Address {
                    url,
                    key: Secret::new("sandbox".to_owned()),
                    secret: Secret::new("sandbox".to_owned()),
                    fill: Fill::default(),
                    tokens,
                }
            }
            #[cfg(not(feature = "sandbox"))]
            Connection::Sandbox => return Err(RunError::NoSandbox),
            Connection::Server {
                url,
                credentials: Credentials::OAuth { key, secret },
                tenant,
                route_year,
                routing,
            } => Address {
                url: url.clone(),
                key: key.clone(),
                secret: secret.clone(),
                fill: Fill {
                    tenant: tenant.clone(),
                    year: *route_year,
                    routing: (**routing).clone(),
                },
                tokens,
            },
            Connection::Server { .. } => return Err(RunError::NoSuchTarget(pipeline.target)),
        };
        let api = Api::connect(address, &pipeline.load).await?;
        if let Some(token) = &api.caller.token {
            token.get().await.map_err(crate::load::ApiError::from)?;
        }
        let fingerprint = api.discovered.fingerprint();
        let kept = pipeline.state_dir.join(&pipeline.name).join("metadata");
        let standard = refreshed(&api, base, &kept, &fingerprint).await;
        Ok(Self {
            link: Link::Edfi(Box::new(api)),
            standard,
            fingerprint,
            sandbox,
            #[cfg(feature = "sandbox")]
            running,
        })
    }

    async fn dis(pipeline: &Pipeline, base: &Arc<Standard>) -> Result<Self, RunError> {
        let Some(dis) = &pipeline.dis else {
            return Err(RunError::NoSuchTarget(TargetKind::Dis));
        };
        let sandbox = matches!(pipeline.connection, Connection::Sandbox);
        #[cfg(feature = "sandbox")]
        let mut running = None;
        let (url, key) = match &pipeline.connection {
            #[cfg(feature = "sandbox")]
            Connection::Sandbox => {
                let mut options = crate::sandbox::dis::Options::new(Arc::clone(base));
                options.state_dir = Some(pipeline.state_dir.join("sandbox").join(&pipeline.name));
                options.district = Some(dis.district.clone());
                options.state_owned = dis.state_owned.clone();
                let key = StateKey::Token(Secret::new(options.token.clone()));
                let server = crate::sandbox::dis::Sandbox::start(options).await?;
                let url = server.base_url();
                running = Some(Running::Dis(server));
                (url, key)
            }
            #[cfg(not(feature = "sandbox"))]
            Connection::Sandbox => return Err(RunError::NoSandbox),
            Connection::Server {
                url, credentials, ..
            } => {
                let key = match credentials {
                    Credentials::Token(token) => StateKey::Token(token.clone()),
                    Credentials::Certificate(pem) => StateKey::Certificate(pem.clone()),
                    Credentials::OAuth { .. } | Credentials::Zone { .. } => {
                        return Err(RunError::NoSuchTarget(TargetKind::Dis));
                    }
                };
                (url.clone(), key)
            }
        };
        let state = State::connect(&url, &dis.district, &key, &pipeline.load).await?;
        Ok(Self {
            standard: Arc::clone(base),
            fingerprint: state.fingerprint(sandbox),
            link: Link::Dis(Box::new(state)),
            sandbox,
            #[cfg(feature = "sandbox")]
            running,
        })
    }

    async fn sif3(pipeline: &Pipeline, base: &Arc<Standard>) -> Result<Self, RunError> {
        let (provider, embedded) = rest::connect(pipeline, base).await?;
        Ok(Self {
            standard: Arc::clone(base),
            fingerprint: provider.fingerprint(embedded.is_some()),
            link: Link::Sif3(Box::new(provider)),
            sandbox: embedded.is_some(),
            #[cfg(feature = "sandbox")]
            running: embedded.map(Running::Sif3),
        })
    }

    /// The Ed-Fi API.
    ///
    /// # Errors
    /// The target is of another kind.
    pub fn api(&self) -> Result<&Api, RunError> {
        match &self.link {
            Link::Edfi(api) => Ok(api),
            Link::Dis(_) => Err(RunError::NotForTarget(TargetKind::Dis)),
            Link::Sif3(_) => Err(RunError::NotForTarget(TargetKind::Sif3)),
        }
    }

    /// The state edition; None for another kind of target.
    pub fn state(&self) -> Option<&State> {
        match &self.link {
            Link::Dis(state) => Some(state),
            _ => None,
        }
    }

    /// The SIF 3 provider; None for another kind of target.
    pub fn provider(&self) -> Option<&Provider> {
        match &self.link {
            Link::Sif3(provider) => Some(provider),
            _ => None,
        }
    }

    /// What the loop needs to deliver: `of` names for each station its resource in the selection;
    /// after a run that was cut short (`unclean`) a target may have more than the ledger knows.
    ///
    /// # Errors
    /// The ledger of a provider that assigns ids cannot be read.
    pub(super) async fn delivery(
        &self,
        context: &Context,
        selection: &Selection,
        of: &[usize],
        (school_year, unclean): (i32, bool),
        ledger: Option<&Ledger>,
    ) -> Result<Delivery, RunError> {
        let (caller, rules, at_once): (_, Box<dyn Rules>, _) = match &self.link {
            Link::Edfi(api) => {
                let resources = of.iter().map(|i| &selection.resources[*i]);
                let routes = resources.map(|p| Route {
                    url: api.discovered.resource(&p.meta.path),
                    media: Media::of(&p.meta.path, p.resource.profile.as_deref()),
                    deferrable: selection.standard.retries.contains_key(&p.resource.name),
                });
                (&api.caller, Box::new(Edfi::new(routes.collect())), None)
            }
            Link::Dis(state) => {
                let limits = state.about.limits;
                let packing = Packing {
                    objects: limits.records.min(BATCH.objects),
                    // The limit is on whole lines, which hold keys and hashes beside the records.
                    bytes: limits.bytes.min(BATCH.bytes) / 4 * 3,
                };
                let names = of.iter().map(|i| &selection.resources[*i].resource.name);
                let routes = names.map(|name| state.route(school_year, name)).collect();
                let encodings = state.about.encodings.iter().map(String::as_str);
                let rules = Dis::new(
                    routes,
                    state.sequence(context.now.timestamp_micros()),
                    Encoding::choose(encodings),
                    packing,
                );
                (&state.caller, Box::new(rules), Some(limits.concurrency))
            }
            Link::Sif3(provider) => {
                let pipeline = &context.pipeline;
                let names = of.iter().map(|i| &*selection.resources[*i].resource.name);
                let names: Vec<&str> = names.collect();
                let known = rest::known(provider, pipeline, &names, ledger, unclean).await?;
                return rest::delivery(provider, pipeline, selection, of, known);
            }
        };
        Ok(Delivery {
            rules,
            http: caller.http.clone(),
            token: caller.token.clone(),
            at_once,
        })
    }

    /// Ends the embedded sandbox, if there is one.
    pub async fn disconnect(self) {
        #[cfg(feature = "sandbox")]
        match self.running {
            Some(Running::Edfi(server)) => server.stop().await,
            Some(Running::Dis(server)) => server.stop().await,
            Some(Running::Sif3(server)) => server.stop().await,
            None => {}
        }
    }
}

/// The standard as the target's own documents have it. A target without documents, or with ones
/// that cannot be read, is met with what we know.
async fn refreshed(
    api: &Api,
    base: &Arc<Standard>,
    folder: &Path,
    fingerprint: &str,
) -> Arc<Standard> {
    let openapi = match api.openapi().await {
        Ok(Some(document)) => document,
        Ok(None) => return Arc::clone(base),
        Err(error) => {
            tracing::warn!(%error, "the target's own metadata cannot be had; using the shipped one");
            return Arc::clone(base);
        }
    };
    let graph = api.dependencies().await.unwrap_or_else(|error| {
        tracing::warn!(%error, "the target's dependency graph cannot be had; using the shipped one");
        None
    });
    match crate::metadata::import::refresh(base, &openapi, graph.as_deref(), None) {
        Ok(imported) => {
            for warning in &imported.warnings {
                tracing::debug!(%warning, "target metadata");
            }
            for change in crate::metadata::diff(base, &imported.standard) {
                tracing::info!(%change, "the target differs from the shipped metadata");
            }
            let file = folder.join(format!("{fingerprint}.json"));
            let kept = crate::files::create_dir(folder)
                .and_then(|()| crate::files::write(&file, imported.standard.to_json().as_bytes()));
            if let Err(error) = kept {
                tracing::warn!(%error, "the target's metadata could not be kept");
            }
            Arc::new(imported.standard)
        }
        Err(error) => {
            tracing::warn!(%error, "the target's own metadata cannot be read; using the shipped one");
            Arc::clone(base)
        }
    }
}

/// Starts the embedded sandbox with its kept state and the district's agency in it, which a state
/// has loaded before a district starts.
#[cfg(feature = "sandbox")]
async fn start(
    pipeline: &Pipeline,
    standard: &Arc<Standard>,
) -> Result<crate::sandbox::edfi::Sandbox, RunError> {
    let mut options = crate::sandbox::edfi::Options::new(Arc::clone(standard));
    options.state_dir = Some(pipeline.state_dir.join("sandbox").join(&pipeline.name));
    options.seed = agency(pipeline).into_iter().collect();
    Ok(crate::sandbox::edfi::Sandbox::start(options).await?)
}

/// The body of the district's own agency, where the pipeline names its id.
pub fn agency(pipeline: &Pipeline) -> Option<(String, serde_json::Value)> {
    let Some(Setting::Integer(id)) = pipeline.settings.get("local_education_agency_id") else {
        return None;
    };
    let body = serde_json::json!({
        "localEducationAgencyId": id,
        "nameOfInstitution": "Sandbox district",
        "localEducationAgencyCategoryDescriptor":
            "uri://ed-fi.org/LocalEducationAgencyCategoryDescriptor#Independent",
        "categories": [{
            "educationOrganizationCategoryDescriptor":
                "uri://ed-fi.org/EducationOrganizationCategoryDescriptor#Local Education Agency"
        }],
    });
    Some(("localEducationAgencies".to_owned(), body))
}
