//! A SIF 3 provider as a target: its environment, what it allows, how its objects are routed,
//! counted and known.

use std::sync::Arc;

use super::connect::{Delivery, Target};
use super::{Context, RunError, Selection};
use crate::ledger::{Ledger, RowView};
use crate::load::{ApiError, Login, Place, Provider};
use crate::metadata::Standard;
use crate::pipeline::{
    Authentication, Connection, Credentials, Pipeline, Secret, Sif3, TargetKind,
};
use crate::sif3::{Right, Scheme, Wish, plural};
use crate::target::Packing;
use crate::target::sif3::{Doubts, IdMap, Route, Rules, Sif3 as Conversation};
use crate::xml::{Version, XmlPlan};

/// The version of the data model that objects are written in.
const VERSION: Version = Version::new(4, 0);

/// Services that are named when rights are missing; more are counted.
const NAMED: usize = 12;

/// Rights that a load needs.
fn needed(pipeline: &Pipeline) -> Vec<Right> {
    let mut needed = vec![Right::Create, Right::Update];
    if pipeline.deletes.enabled {
        needed.push(Right::Delete);
    }
    needed
}

/// What a pipeline says of its provider.
fn settings(pipeline: &Pipeline) -> Result<&Sif3, RunError> {
    let rest = pipeline.sif3.as_ref();
    rest.ok_or(RunError::NoSuchTarget(TargetKind::Sif3))
}

/// Starts the sandbox where the pipeline says so, and begins a session.
pub(super) async fn connect(
    pipeline: &Pipeline,
    base: &Arc<Standard>,
) -> Result<(Provider, Embedded), RunError> {
    let rest = settings(pipeline)?;
    let tokens = pipeline.state_dir.join(&pipeline.name).join("tokens");
    let (url, application, password, embedded) = match &pipeline.connection {
        Connection::Sandbox => {
            let server = start(pipeline, base, rest).await?;
            let (url, user, password) = address(&server);
            (url, user, Secret::new(password), Some(server))
        }
        Connection::Server {
            url,
            credentials: Credentials::OAuth { key, secret },
            ..
        } => (url.clone(), key.expose().to_owned(), secret.clone(), None),
        Connection::Server { .. } => return Err(RunError::NoSuchTarget(TargetKind::Sif3)),
    };
    let login = Login {
        url,
        password,
        scheme: match rest.authentication {
            Authentication::Basic => Scheme::Basic,
            Authentication::Hmac => Scheme::Hmac,
        },
        wish: Wish {
            application,
            consumer: rest.consumer.clone(),
            solution: rest.solution.clone(),
            instance: rest.instance.clone(),
            infrastructure: rest.infrastructure.clone(),
            data_model: rest.data_model.clone(),
        },
        file: tokens.join("session.json"),
    };
    let place = Place {
        zone: rest.zone.clone(),
        context: rest.context.clone(),
    };
    let provider = Provider::connect(login, place, &pipeline.load).await?;
    Ok((provider, embedded))
}

/// The embedded sandbox, where there is one.
#[cfg(feature = "sandbox")]
pub(super) type Embedded = Option<crate::sandbox::sif3::Sandbox>;
/// There is none.
#[cfg(not(feature = "sandbox"))]
pub(super) type Embedded = Option<std::convert::Infallible>;

#[cfg(feature = "sandbox")]
fn address(server: &crate::sandbox::sif3::Sandbox) -> (String, String, String) {
    let (user, password) = server.application();
    (server.base_url(), user.to_owned(), password.to_owned())
}

#[cfg(not(feature = "sandbox"))]
fn address(server: &std::convert::Infallible) -> (String, String, String) {
    match *server {}
}

#[cfg(feature = "sandbox")]
async fn start(
    pipeline: &Pipeline,
    base: &Arc<Standard>,
    rest: &Sif3,
) -> Result<crate::sandbox::sif3::Sandbox, RunError> {
    let mut options = crate::sandbox::sif3::Options::new(Arc::clone(base));
    options.state_dir = Some(pipeline.state_dir.join("sandbox").join(&pipeline.name));
    options.hmac = rest.authentication == Authentication::Hmac;
    options.data_model.clone_from(&rest.data_model);
    if let Some(zone) = &rest.zone {
        options.zone.clone_from(zone);
    }
    if let Some(context) = &rest.context {
        options.context.clone_from(context);
    }
    Ok(crate::sandbox::sif3::Sandbox::start(options).await?)
}

#[cfg(not(feature = "sandbox"))]
async fn start(
    _: &Pipeline,
    _: &Arc<Standard>,
    _: &Sif3,
) -> Result<std::convert::Infallible, RunError> {
    Err(RunError::NoSandbox)
}

/// What the loop needs to deliver: `of` names for each station its resource in the selection.
pub(super) fn delivery(
    provider: &Provider,
    pipeline: &Pipeline,
    selection: &Selection,
    of: &[usize],
    known: (IdMap, Option<Doubts>),
) -> Result<Delivery, RunError> {
    let rest = settings(pipeline)?;
    let resources = of.iter().map(|i| &selection.resources[*i]);
    let routes = resources.map(|p| {
        let service = plural(&p.resource.name);
        Route {
            url: provider.route(&service),
            plan: XmlPlan::new(&p.resource.name, &p.meta.fields, VERSION, &|_| true),
            service,
        }
    });
    let rules = Rules {
        infrastructure: rest.infrastructure.clone(),
        data_model: rest.data_model.clone(),
        must_use_advisory: rest.must_use_advisory,
        gzip: rest.gzip,
    };
    let packing = Packing {
        objects: rest.batch_objects,
        bytes: rest.batch_bytes,
    };
    Ok(Delivery {
        rules: Box::new(Conversation::new(routes.collect(), rules, known, packing)),
        http: provider.caller.http.clone(),
        token: provider.caller.token.clone(),
        at_once: None,
    })
}

/// The ids that the provider has given objects, as the ledger knows them, and the creates that are in
/// doubt: whose answer was lost in an earlier run, and after a run that was cut short (`unclean`) those
/// of objects that the provider has more of than the ledger knows. Nothing where the provider must
/// keep our RefIds.
pub(super) async fn known(
    provider: &Provider,
    pipeline: &Pipeline,
    names: &[&str],
    ledger: Option<&Ledger>,
    unclean: bool,
) -> Result<(IdMap, Option<Doubts>), RunError> {
    let (ids, mut doubts) = (IdMap::default(), Doubts::default());
    let rest = settings(pipeline)?;
    let Some(ledger) = ledger.filter(|_| !rest.must_use_advisory) else {
        return Ok((ids, None));
    };
    for resource in ledger.resources()? {
        for batch in ledger.iter(&resource)? {
            let batch = batch?;
            let view = RowView::new(&batch).map_err(super::DeletesError::from)?;
            for row in view.iter() {
                match (row.content_hash, row.server_id, row.refusal) {
                    (Some(_), Some(id), _) => {
                        if let Some((_, ref_id)) = row.key.split_once('=') {
                            ids.learn(ref_id, id);
                        }
                    }
                    (None, _, Some((reason, _))) => doubts.note(row.key_hash, reason),
                    _ => {}
                }
            }
        }
    }
    if !rest.look_up {
        return Ok((ids, None));
    }
    for (i, name) in names.iter().enumerate().filter(|_| unclean) {
        let ours = ledger.counts(name)?.delivered;
        // What cannot be counted may be more.
        if provider
            .count(&plural(name))
            .await
            .ok()
            .is_none_or(|there| there > ours)
        {
            doubts.kind(i);
        }
    }
    Ok((ids, Some(doubts)))
}

/// Whether the application may do what a load does, before anything is sent. Other targets tell it
/// with each answer.
///
/// # Errors
/// [`RunError::Rights`]: services and the rights that are not approved.
pub(super) fn may_send(
    context: &Context,
    target: &Target,
    selection: &Selection,
) -> Result<(), RunError> {
    let Some(provider) = target.provider() else {
        return Ok(());
    };
    let needed = needed(&context.pipeline);
    let mut lines: Vec<String> = Vec::new();
    for p in &selection.resources {
        let service = plural(&p.resource.name);
        let lacking = provider.lacking(&service, &needed);
        if !lacking.is_empty() {
            let rights = lacking.iter().map(|(right, said)| match &**said {
                "" => format!("{} (not listed)", right.as_str()),
                said => format!("{} ({said})", right.as_str()),
            });
            lines.push(format!(
                "{service}: {}",
                rights.collect::<Vec<_>>().join(", ")
            ));
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    let more = lines.len().saturating_sub(NAMED);
    lines.truncate(NAMED);
    if more > 0 {
        lines.push(format!("and {more} more services"));
    }
    Err(RunError::Rights {
        zone: provider.zone().to_owned(),
        lines,
    })
}

/// What of the rights is missing, by resource: for `fullsync check`.
pub(super) fn lacking(
    provider: &Provider,
    selection: &Selection,
    pipeline: &Pipeline,
) -> Vec<crate::checks::Lacking> {
    let mut needed = needed(pipeline);
    needed.push(Right::Query);
    let all = selection.resources.iter().filter_map(|p| {
        let lacking = provider.lacking(&plural(&p.resource.name), &needed);
        let missing: Vec<&'static str> = lacking.iter().map(|(right, _)| right.as_str()).collect();
        (!missing.is_empty()).then(|| crate::checks::Lacking {
            resource: p.resource.name.clone(),
            blocks: missing.iter().any(|right| *right != "QUERY"),
            missing,
        })
    });
    all.collect()
}

/// How many objects of a resource the provider has.
pub(super) async fn one(provider: &Provider, resource: &str) -> Result<u64, ApiError> {
    provider.count(&plural(resource)).await
}
