//! The verb `locks`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::pipeline;
use crate::cli::{LocksArgs, print_line};
use crate::lock::{self, Lease, Pairs};

/// What `locks --json` prints (docs/schemas/locks.schema.json).
#[derive(Serialize)]
struct Listing {
    version: u32,
    locks: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    lease: Lease,
    /// Whether the holder lives; a lock of one that does not is void.
    alive: bool,
}

pub(super) fn locks(args: &LocksArgs) -> anyhow::Result<u8> {
    let mut locks = Vec::new();
    for folder in folders(args)? {
        for (lease, alive) in lock::leases(&folder)? {
            if asked_for(args, &lease.pairs) {
                locks.push(Listed { lease, alive });
            }
        }
    }
    let held = locks.iter().any(|l| l.alive);
    if args.json {
        let listing = Listing { version: 1, locks };
        print_line(&serde_json::to_string_pretty(&listing)?)?;
    } else {
        for Listed { lease, alive } in &locks {
            let void = if *alive {
                ""
            } else {
                " VOID, its process has ended"
            };
            let configuration = &lease.configuration;
            print_line(&format!("{configuration}: {lease}:{void} {}", lease.pairs))?;
        }
        if locks.is_empty() {
            print_line("no locks")?;
        }
    }
    Ok(u8::from(args.check && held))
}

/// Whether a lock is on a resource and a school of those asked for.
fn asked_for(args: &LocksArgs, pairs: &Pairs) -> bool {
    let wanted = Pairs {
        resources: match args.resource.is_empty() {
            true => pairs.resources.clone(),
            false => args.resource.iter().cloned().collect(),
        },
        schools: (!args.school.is_empty()).then(|| BTreeSet::from_iter(args.school.clone())),
    };
    pairs.overlap(&wanted).is_some()
}

/// The folders of locks of the configurations asked for.
fn folders(args: &LocksArgs) -> anyhow::Result<Vec<PathBuf>> {
    if let Some(name) = &args.pipeline {
        let pipeline = pipeline(name)?;
        for resource in &args.resource {
            pipeline
                .select(std::slice::from_ref(resource))
                .map_err(|e| anyhow::anyhow!("{}", e[0]))?;
        }
        return Ok(vec![lock::folder(&pipeline.state_dir, &pipeline.name)]);
    }
    let entries = std::fs::read_dir(&args.state).map_err(|e| {
        anyhow::anyhow!(
            "{}: {e}; name a pipeline, or the folder with --state",
            args.state.display()
        )
    })?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter_map(|e| Some(lock::folder(&args.state, e.file_name().to_str()?)))
        .filter(|folder: &PathBuf| Path::is_dir(folder))
        .collect();
    found.sort();
    Ok(found)
}
