//! `fullsync ledger rebuild`: what the target holds of ours, read back into the ledger.
//!
//! Reads: the source (or an earlier run's staging), pages of the target. Writes: the ledger.
//! Never: sends anything but GET.

use std::sync::Arc;

use chrono::Utc;

use super::connect::{self, Target};
use super::inspect::key_of;
use super::prepare::Prepared;
use super::{Context, Lock, RunError, Selection, Until, guard, lock};
use crate::checks::{Engine, ReadBack, Records};
use crate::ledger::{Journal, Ledger};
use crate::load::ApiError;
use crate::pipeline::{Mode, TargetKind};
use crate::progress::Progress;
use crate::source::SisSchema;
use crate::stage::StateDir;

/// Rebuilds the ledger's rows of the resources that the context names. The objects of a transform
/// tell which records are ours, beside the ledger as it is.
///
/// # Errors
/// [`RunError`]. A resource that the key may not read is no error; the ledger keeps what it knows
/// of it.
pub async fn rebuild(
    context: &Context,
    progress: &Arc<dyn Progress>,
) -> Result<Vec<ReadBack>, RunError> {
    let pipeline = &context.pipeline;
    if pipeline.target != TargetKind::Edfi {
        return Err(RunError::NotForTarget(pipeline.target));
    }
    let base = connect::standard(pipeline)?;
    let sis = SisSchema::load(&pipeline.sis_schema)?;
    let selection = Selection::new(pipeline, &context.options.resources, &base, &sis)?;
    // A run at work would change at the target what is being read.
    let wanted = Lock {
        verb: "ledger rebuild",
        schools: None,
        wait: context.options.wait_lock,
        cancel: context.cancel.clone(),
    };
    let mut held = lock(pipeline, &selection, wanted).await?;
    let staged = super::run(context, Until::Transformed, progress).await?;
    held.named(&staged.report.run)?;
    let target = Target::connect(pipeline, &base).await?;
    let selection = Selection::new(pipeline, &context.options.resources, &target.standard, &sis)?;
    let state = StateDir::new(&pipeline.state_dir, &pipeline.name);
    let run = state.open(&staged.report.run)?;
    let year = run.manifest().school_year.unwrap_or_default();
    let folder = guard::folder(context, &target, year);
    let ledger = Ledger::open(&folder)?;
    ledger.compact(Utc::now().timestamp_micros())?;
    let mut journal = ledger.journal(&run.id(), Utc::now().timestamp_micros())?;
    let engine = Engine::new(&run.path().join("readback"))?;
    let mut done = Vec::new();
    let ours = |p: &&Prepared| p.resource.mode == Mode::Post;
    for p in selection.resources.iter().filter(ours) {
        if *context.cancel.borrow() {
            return Err(RunError::Stopped);
        }
        progress.start(&p.resource.name, None);
        let objects = run.objects(&p.resource.name);
        let read = resource(&target, p, &objects, (&ledger, &mut journal), &engine).await?;
        progress.finish(&p.resource.name, "read back");
        done.push(read);
    }
    journal.close()?;
    ledger.compact(Utc::now().timestamp_micros())?;
    if done.iter().any(|d| d.lost > 0) {
        ledger.forget_whole(guard::origin(&target, year))?;
    }
    target.disconnect().await;
    Ok(done)
}

async fn resource(
    target: &Target,
    p: &Prepared,
    objects: &std::path::Path,
    (ledger, journal): (&Ledger, &mut Journal),
    engine: &Engine,
) -> Result<ReadBack, RunError> {
    let name = &p.resource.name;
    let mut records = Records::create(engine)?;
    let mut offset = 0;
    loop {
        let page = match target.api()?.page(&p.meta.path, offset).await {
            Ok(page) => page,
            Err(ApiError::Refused { status, .. }) => {
                return Ok(ReadBack {
                    resource: name.clone(),
                    unread: Some(format!("HTTP {status}")),
                    ..ReadBack::default()
                });
            }
            Err(error) => return Err(error.into()),
        };
        let Some(page) = page else { break };
        offset += page.len();
        let page = page.into_iter().map(|r| (key_of(&p.meta, &r), r));
        records.push(&page.collect::<Vec<_>>())?;
    }
    let now = Utc::now().timestamp_micros();
    let done = records
        .settle(engine, (name, objects), ledger, journal, now)
        .await?;
    journal.flush()?;
    Ok(done)
}
