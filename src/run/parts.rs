//! Objects of some schools at a time: parts, noted in the manifest as checkpoints, put together at
//! the end.
//!
//! Reads and writes: `objects/parts/`. Never: takes up a part that was made from something else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use xxhash_rust::xxh3::Xxh3;

use super::making::Done;
use super::{Context, RunError, Staged};
use crate::files;
use crate::scope::Scope;
use crate::stage::{FileNote, Layout, ParquetFile, PartNote};
use crate::transform::Seen;

/// The parts of one transform.
pub(super) struct Parts {
    made_from: String,
}

impl Parts {
    /// Finds the parts of an earlier attempt that can be used, and forgets the others.
    pub(super) fn open(
        staged: &Staged,
        context: &Context,
        scope: &Scope,
        batches: &[BTreeSet<i64>],
    ) -> Result<Self, RunError> {
        let parts = Self {
            made_from: made_from(staged, context, scope, batches)?,
        };
        let folder = folder(staged);
        files::create_dir(&folder)?;
        let usable = |part: &PartNote| {
            let path = parts.path(staged, &part.file.resource, part.batch);
            part.made_from == parts.made_from
                && std::fs::metadata(path).is_ok_and(|m| m.len() == part.file.bytes)
        };
        staged
            .folder
            .update(|manifest| manifest.parts.retain(usable))?;
        let kept = staged.folder.manifest().parts.len();
        if kept > 0 {
            tracing::info!(parts = kept, "carrying on with the parts that are there");
        }
        Ok(parts)
    }

    /// The file of a part.
    pub(super) fn path(&self, staged: &Staged, resource: &str, batch: usize) -> PathBuf {
        let whole = staged.folder.objects(resource);
        let stem = whole.file_stem().unwrap_or_default().to_string_lossy();
        folder(staged).join(format!("{stem}.{batch:05}.parquet"))
    }

    /// Whether a part is there.
    pub(super) fn has(&self, staged: &Staged, resource: &str, batch: usize) -> bool {
        let parts = staged.folder.manifest().parts;
        parts
            .iter()
            .any(|p| p.batch == batch && p.file.resource == resource)
    }

    /// Notes a part that is complete: a checkpoint.
    pub(super) fn note(&self, staged: &Staged, batch: usize, done: Done) -> Result<(), RunError> {
        let mut held: BTreeMap<_, BTreeMap<_, u64>> = BTreeMap::new();
        for ((outcome, reason), count) in done.held {
            held.entry(outcome).or_default().insert(reason, count);
        }
        let part = PartNote {
            batch,
            made_from: self.made_from.clone(),
            file: done.file,
            held,
            seen: [done.seen.persons, done.seen.courses, done.seen.sections],
        };
        Ok(staged.folder.update(|manifest| manifest.parts.push(part))?)
    }

    /// Puts the parts of a resource together, in the order of the batches.
    pub(super) fn join(
        &self,
        staged: &Staged,
        resource: &str,
        batches: usize,
    ) -> Result<Done, RunError> {
        let manifest = staged.folder.manifest();
        let mut done = Done {
            file: FileNote::default(),
            held: BTreeMap::new(),
            seen: Seen::default(),
        };
        let mut file: Option<ParquetFile> = None;
        for batch in 0..batches {
            let path = self.path(staged, resource, batch);
            let unreadable = |e: String| std::io::Error::other(format!("{}: {e}", path.display()));
            let opened = File::open(&path).map_err(|e| files::at(&path, &e))?;
            let builder = ParquetRecordBatchReaderBuilder::try_new(opened)
                .map_err(|e| unreadable(e.to_string()))?;
            let target = match &mut file {
                Some(file) => file,
                None => file.insert(ParquetFile::create(
                    &staged.folder.objects(resource),
                    std::sync::Arc::clone(builder.schema()),
                    &Layout::objects(),
                )?),
            };
            for rows in builder.build().map_err(|e| unreadable(e.to_string()))? {
                target.write(&rows.map_err(|e| unreadable(e.to_string()))?)?;
            }
            let note = |p: &&PartNote| p.batch == batch && p.file.resource == resource;
            for part in manifest.parts.iter().filter(note) {
                for (outcome, reasons) in &part.held {
                    for (reason, count) in reasons {
                        *done.held.entry((*outcome, reason.clone())).or_default() += count;
                    }
                }
                let [persons, courses, sections] = part.seen.clone();
                done.seen.merge(Seen {
                    persons,
                    courses,
                    sections,
                });
            }
        }
        if let Some(file) = file {
            done.file = file.finish()?.note(resource);
        }
        Ok(done)
    }

    /// Removes the parts; the objects files hold everything.
    pub(super) fn remove(&self, staged: &Staged) -> Result<(), RunError> {
        staged.folder.update(|manifest| manifest.parts.clear())?;
        let folder = folder(staged);
        std::fs::remove_dir_all(&folder).map_err(|e| files::at(&folder, &e))?;
        Ok(())
    }
}

fn folder(staged: &Staged) -> PathBuf {
    staged.folder.path().join("objects").join("parts")
}

/// A fingerprint of all that parts are made from: the staged tables, the scope, the batches, every
/// file of the pipeline, this program. A mended mapping takes effect when a run is carried on.
fn made_from(
    staged: &Staged,
    context: &Context,
    scope: &Scope,
    batches: &[BTreeSet<i64>],
) -> Result<String, RunError> {
    let mut hash = Xxh3::new();
    let mut add = |text: &[u8]| {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    add(env!("CARGO_PKG_VERSION").as_bytes());
    add(format!("{scope:?} {} {batches:?}", staged.school_year).as_bytes());
    for table in staged.folder.manifest().tables {
        add(table.fingerprint.as_bytes());
    }
    let pipeline = &context.pipeline;
    // What layers change is in no file of its own.
    let layered = (
        &pipeline.settings,
        &pipeline.crosswalks,
        &pipeline.resources,
    );
    add(format!("{layered:?}").as_bytes());
    let mut used = pipeline.files();
    used.sort_unstable();
    for path in used {
        add(&crate::shipped::read(path).map_err(|e| files::at(path, &e))?);
    }
    Ok(format!("{:032x}", hash.digest128()))
}
