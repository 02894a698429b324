//! Which commands an installation has: sending to a state, asking districts for resyncs.
//!
//! Reads: the pipeline. Writes: nothing. Never: asks the target.
//! Source: the Resync State Data tool does not appear in all districts; state users have their own.

use super::RunError;
use crate::pipeline::{Edition, Pipeline};

/// Whether records may be sent from here.
///
/// # Errors
/// The edition has no such command; what it has instead.
pub fn may_send(pipeline: &Pipeline) -> Result<(), RunError> {
    let Some(dis) = &pipeline.dis else {
        return Ok(());
    };
    let instead = match dis.edition {
        edition if edition.sends() => return Ok(()),
        Edition::State => {
            "a state receives; ask a district for a resync with `fullsync dis request`"
        }
        _ => "it belongs to no state; set edition = \"district\" when it does",
    };
    Err(refused(pipeline, dis.edition, instead))
}

/// Whether districts may be asked for resyncs from here.
///
/// # Errors
/// The edition has no such command; what it has instead.
pub fn may_ask(pipeline: &Pipeline) -> Result<(), RunError> {
    let Some(dis) = &pipeline.dis else {
        let what = format!(
            "pipeline `{}` has no state edition as its target",
            pipeline.name
        );
        return Err(RunError::Edition(what));
    };
    let instead = match dis.edition {
        edition if edition.asks() => return Ok(()),
        Edition::District => "a district resyncs by itself, with `fullsync run`",
        _ => "it belongs to no state; set edition = \"state\" where the state is",
    };
    Err(refused(pipeline, dis.edition, instead))
}

fn refused(pipeline: &Pipeline, edition: Edition, instead: &str) -> RunError {
    RunError::Edition(format!(
        "pipeline `{}` says edition = \"{}\", which has no such command: {instead}",
        pipeline.name,
        edition.as_str()
    ))
}
