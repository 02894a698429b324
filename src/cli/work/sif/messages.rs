//! `fullsync sif messages ...`: the history of messages.

use std::collections::{BTreeSet, VecDeque};

use chrono::{SecondsFormat, Utc};

use super::super::pipeline;
use crate::cli::{MessagesCommand, MessagesDelete, MessagesList, MessagesShow, print_line};
use crate::run::zone::{folder, settings};
use crate::sif::log::{self, Note};

pub(super) fn messages(command: MessagesCommand) -> anyhow::Result<u8> {
    match command {
        MessagesCommand::List(args) => list(&args),
        MessagesCommand::Show(args) => show(&args),
        MessagesCommand::Delete(args) => delete(&args),
    }
}

fn folder_of(name: &str) -> anyhow::Result<std::path::PathBuf> {
    let pipeline = pipeline(name)?;
    let sif = settings(&pipeline)?;
    Ok(folder(&pipeline, sif))
}

fn list(args: &MessagesList) -> anyhow::Result<u8> {
    let is = |wanted: &Option<String>, found: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| Some(wanted) == found)
    };
    let wanted = |note: &Note| {
        is(&args.kind, Some(&note.kind))
            && is(&args.agent, note.agent.as_deref())
            && is(&args.object, note.object.as_deref())
            && (!args.failed || failed(note))
    };
    let folder = folder_of(&args.pipeline)?;
    match args.last {
        None => {
            if !args.json {
                print_line(HEAD)?;
            }
            log::read(&folder, |note| match wanted(&note) {
                true => print_note(&note, args.json),
                false => Ok(()),
            })?;
        }
        Some(last) => {
            let mut newest = VecDeque::new();
            log::read(&folder, |note| {
                if wanted(&note) {
                    newest.push_back(note);
                    if newest.len() > last {
                        newest.pop_front();
                    }
                }
                Ok(())
            })?;
            if !args.json {
                print_line(HEAD)?;
            }
            for note in &newest {
                print_note(note, args.json)?;
            }
        }
    }
    Ok(0)
}

/// Whether a message was refused, or never acknowledged.
fn failed(note: &Note) -> bool {
    let fine = note.outcome.parse::<u8>().is_ok() || note.outcome == "received";
    !fine
}

const HEAD: &str = "At                    Way   Kind               Outcome     Bytes  Message                           About";

fn print_note(note: &Note, json: bool) -> std::io::Result<()> {
    if json {
        // The text is for `show`.
        let bare = Note {
            text: None,
            ..note.clone()
        };
        return print_line(&serde_json::to_string(&bare)?);
    }
    let way = if note.sent { "sent" } else { "got" };
    print_line(
        format!(
            "{:20}  {way:4}  {:17}  {:9}  {:>7}  {:32}  {}",
            note.at.to_rfc3339_opts(SecondsFormat::Secs, true),
            note.kind,
            note.outcome,
            note.bytes,
            note.msg_id,
            about(note)
        )
        .trim_end(),
    )
}

/// `StudentPersonal for LibAgent, packet 3, 120 objects`.
fn about(note: &Note) -> String {
    let mut parts = Vec::new();
    match (&note.object, &note.agent) {
        (Some(object), Some(agent)) => parts.push(format!("{object} for {agent}")),
        (Some(one), None) | (None, Some(one)) => parts.push(one.clone()),
        (None, None) => {}
    }
    parts.extend(note.packet.map(|n| format!("packet {n}")));
    parts.extend(note.objects.map(|n| format!("{n} objects")));
    if note.tries > 1 {
        parts.push(format!("{} tries", note.tries));
    }
    parts.join(", ")
}

fn show(args: &MessagesShow) -> anyhow::Result<u8> {
    let mut found = Vec::new();
    log::read(&folder_of(&args.pipeline)?, |note| {
        if note.msg_id == args.msg_id {
            found.push(note);
        }
        Ok(())
    })?;
    anyhow::ensure!(
        !found.is_empty(),
        "no message {} in the history; `fullsync sif messages list {}` tells them",
        args.msg_id,
        args.pipeline
    );
    for note in &found {
        if args.json {
            print_line(&serde_json::to_string_pretty(note)?)?;
            continue;
        }
        print_line(HEAD)?;
        print_note(note, false)?;
        let lines = [("run", &note.run), ("answers request", &note.request)];
        for (what, text) in lines {
            if let Some(text) = text {
                print_line(&format!("{what}: {text}"))?;
            }
        }
        match &note.text {
            Some(text) => print_line(text)?,
            None => print_line(
                "its text was not kept: packets and events are kept with keep_messages = true under \
                 [sif]",
            )?,
        }
    }
    Ok(0)
}

fn delete(args: &MessagesDelete) -> anyhow::Result<u8> {
    let ids: BTreeSet<&str> = args.msg_ids.iter().map(String::as_str).collect();
    let before = args.older_than.as_ref().map(|age| age.before(Utc::now()));
    let mut seen = BTreeSet::new();
    let deleted = log::delete(&folder_of(&args.pipeline)?, |note| {
        let named = ids.contains(note.msg_id.as_str());
        if named {
            seen.insert(note.msg_id.clone());
        }
        args.all || named || before.is_some_and(|before| note.at < before)
    })?;
    print_line(&format!("{deleted} messages deleted from the history"))?;
    let missing: Vec<&str> = ids.into_iter().filter(|id| !seen.contains(*id)).collect();
    anyhow::ensure!(
        missing.is_empty(),
        "not in the history: {}",
        missing.join(", ")
    );
    Ok(0)
}
