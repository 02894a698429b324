//! The verb `audit`.

use super::pipeline;
use crate::audit::{self, Entry, Event};
use crate::cli::{AuditArgs, print_line};

pub(super) fn audit(args: &AuditArgs) -> anyhow::Result<u8> {
    let pipeline = args.pipeline.as_deref().map(pipeline).transpose()?;
    let path = match &pipeline {
        Some(pipeline) => audit::file(&pipeline.state_dir),
        None => audit::file(&args.state),
    };
    if !path.is_file() {
        anyhow::bail!(
            "{}: nothing is recorded there; name a pipeline, or the folder with --state",
            path.display()
        );
    }
    if args.verify {
        return verify(args, &path);
    }
    let mut lines = Vec::new();
    audit::read(&path, |number, line| {
        let Ok(entry) = serde_json::from_slice::<Entry>(line) else {
            tracing::warn!(number, "a line of the audit log is no entry");
            return;
        };
        let here = pipeline
            .as_ref()
            .is_none_or(|p| p.name == entry.configuration);
        if here && args.since.is_none_or(|since| entry.at >= since) {
            lines.push(match args.json {
                true => String::from_utf8_lossy(line).into_owned(),
                false => told(&entry),
            });
        }
    })?;
    for line in lines {
        print_line(&line)?;
    }
    Ok(0)
}

/// An entry on a line.
fn told(entry: &Entry) -> String {
    let event = match entry.event {
        Event::Started => "started",
        Event::Ended => "ended",
        Event::Viewed => "viewed",
        Event::Refused => "REFUSED",
    };
    let mut text = format!(
        "{}  {event:7}  {}",
        entry.at.format("%Y-%m-%d %H:%M:%S UTC"),
        entry.user
    );
    if let Some(through) = &entry.through {
        text.push_str(&format!(" (as {through})"));
    }
    text.push_str(&format!(" on {}: fullsync {}", entry.host, entry.command));
    if let Some(run) = &entry.run {
        text.push_str(&format!("; run {run}"));
    }
    if let Some(exit) = entry.exit {
        text.push_str(&format!("; exit {exit}"));
    }
    for (name, count) in &entry.counts {
        text.push_str(&format!(", {count} {name}"));
    }
    if let Some(refusal) = &entry.refusal {
        let first = refusal.lines().next().unwrap_or_default();
        text.push_str(&format!("; {first}"));
    }
    text
}

fn verify(args: &AuditArgs, path: &std::path::Path) -> anyhow::Result<u8> {
    let chain = audit::verify(path, args.head.as_deref())?;
    for problem in &chain.problems {
        print_line(&format!("{}: {problem}", path.display()))?;
    }
    let cut = args.head.is_some() && !chain.has_expected;
    if cut {
        print_line(
            "the line with that hash is gone: the end was cut off, or all was written anew",
        )?;
    }
    let broken = chain
        .problems
        .iter()
        .any(|p| matches!(p, audit::Problem::Broken(_)))
        || cut;
    print_line(&format!(
        "{}: {} lines, {}; hash of the last: {}",
        path.display(),
        chain.lines,
        if broken {
            "BROKEN"
        } else {
            "the chain is whole"
        },
        chain.head
    ))?;
    Ok(u8::from(broken))
}
