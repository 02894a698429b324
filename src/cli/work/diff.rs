//! `fullsync diff`: the objects of two runs, by key and content.
//!
//! Memory is that of [`AT_ONCE`] objects, however many there are: each pass over the two files is about
//! one share of the key hashes. With `--keys`, also of the keys that differ.

use std::collections::HashMap;

use super::look::{folder, names};
use super::pipeline_with;
use crate::cli::{DiffArgs, print_line};
use crate::load::{Columns, Objects, ObjectsError};
use crate::object::{ContentHash, KeyHash};

/// Objects of a file that one pass holds: about 100 MB of two files.
const AT_ONCE: u64 = 1_000_000;

/// How an object differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Added,
    Changed,
    Gone,
}

impl Mark {
    fn as_str(self) -> &'static str {
        match self {
            Self::Added => "+",
            Self::Changed => "~",
            Self::Gone => "-",
        }
    }
}

pub(super) fn diff(args: &DiffArgs) -> anyhow::Result<u8> {
    let pipeline = pipeline_with(&args.scope.pipeline, &args.scope.set)?;
    let names = names(&pipeline, &args.scope.resources)?;
    let (from, to) = (folder(&pipeline, &args.from)?, folder(&pipeline, &args.to)?);
    for name in names {
        let (before, after) = (from.objects(&name), to.objects(&name));
        if !before.exists() || !after.exists() {
            print_line(&format!("{name}: not in both runs"))?;
            continue;
        }
        let (before, after) = (Objects::open(&before)?, Objects::open(&after)?);
        let marked = marked(&before, &after, args.keys)?;
        let Marked { counts, equal, .. } = marked;
        let [added, changed, gone] = counts;
        print_line(&format!(
            "{name}: {added} added, {changed} changed, {gone} gone, {equal} equal"
        ))?;
        for (mark, key) in marked.keys(&before, &after)? {
            print_line(&format!("  {} {key}", mark.as_str()))?;
        }
    }
    Ok(0)
}

/// What differs between two files.
#[derive(Debug, Default)]
struct Marked {
    /// Added, changed, gone.
    counts: [u64; 3],
    equal: u64,
    /// The objects themselves, where they are asked for.
    objects: HashMap<KeyHash, Mark>,
}

fn marked(before: &Objects, after: &Objects, keep: bool) -> anyhow::Result<Marked> {
    let mut marked = Marked::default();
    let shares = before.rows().max(after.rows()).div_ceil(AT_ONCE).max(1);
    for share in 0..shares {
        let ours = |hash: KeyHash| hash.0 % u128::from(shares) == u128::from(share);
        let mut new = contents(after, &ours)?;
        for (hash, content) in contents(before, &ours)? {
            match new.remove(&hash) {
                None => marked.note(hash, Mark::Gone, keep),
                Some(now) if now != content => marked.note(hash, Mark::Changed, keep),
                Some(_) => marked.equal += 1,
            }
        }
        for hash in new.into_keys() {
            marked.note(hash, Mark::Added, keep);
        }
    }
    Ok(marked)
}

impl Marked {
    fn note(&mut self, hash: KeyHash, mark: Mark, keep: bool) {
        let [added, changed, gone] = &mut self.counts;
        *match mark {
            Mark::Added => added,
            Mark::Changed => changed,
            Mark::Gone => gone,
        } += 1;
        if keep {
            self.objects.insert(hash, mark);
        }
    }

    /// The natural keys of the objects that are kept, by mark and key.
    fn keys(mut self, before: &Objects, after: &Objects) -> anyhow::Result<Vec<(Mark, String)>> {
        let mut keys = Vec::with_capacity(self.objects.len());
        for objects in [after, before] {
            if self.objects.is_empty() {
                break;
            }
            visit(objects, &mut |hash, _, key| {
                // What is gone stands in the older file only; each once, however many rows it has.
                if let Some(mark) = self.objects.remove(&hash) {
                    keys.push((mark, key.to_owned()));
                }
            })?;
        }
        keys.sort();
        Ok(keys)
    }
}

/// The content of each object of a share, by key hash; of several rows of one key the last.
fn contents(
    objects: &Objects,
    ours: &dyn Fn(KeyHash) -> bool,
) -> anyhow::Result<HashMap<KeyHash, ContentHash>> {
    let mut all = HashMap::new();
    visit(objects, &mut |hash, content, _| {
        if ours(hash) {
            all.insert(hash, content);
        }
    })?;
    Ok(all)
}

fn visit(
    objects: &Objects,
    visit: &mut dyn FnMut(KeyHash, ContentHash, &str),
) -> Result<(), ObjectsError> {
    for group in objects.groups() {
        objects.read(
            group,
            Columns::Scope,
            |_| true,
            |_, batch| {
                let scope = objects.scope(&batch)?;
                for i in 0..batch.num_rows() {
                    let hash = KeyHash::from_bytes(scope.key_hash.value(i));
                    let content = ContentHash::from_bytes(scope.content_hash.value(i));
                    if let (Some(hash), Some(content)) = (hash, content) {
                        visit(hash, content, scope.key.value(i));
                    }
                }
                Ok::<bool, ObjectsError>(true)
            },
        )?;
    }
    Ok(())
}
