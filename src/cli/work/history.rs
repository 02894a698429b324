//! Verbs that look at runs as a whole: status, history.

use std::io::{IsTerminal as _, Write as _};

use chrono::Utc;

use super::look::{folder, names};
use super::{pipeline, pipeline_with};
use crate::cli::{
    HistoryArgs, HistoryCommand, HistoryDelete, HistoryList, HistoryShow, Session, StatusArgs,
    print, print_line,
};
use crate::history::{
    Chosen, Entry, History, HistoryError, Node, Overview, StatusText, list, show, status,
};
use crate::pipeline::{Pipeline, TargetKind};
use crate::stage::StateDir;

fn history_of(pipeline: &Pipeline) -> History {
    History::new(&StateDir::new(&pipeline.state_dir, &pipeline.name))
}

pub(super) fn status_of(session: &Session, args: &StatusArgs) -> anyhow::Result<u8> {
    let pipeline = pipeline_with(&args.scope.pipeline, &args.scope.set)?;
    let names = names(&pipeline, &args.scope.resources)?;
    if let Some(run) = &args.run {
        return report(session, &pipeline, run, args);
    }
    let entries = history_of(&pipeline).entries()?;
    let nodes = nodes(&pipeline, &names);
    let overview = Overview::new(&pipeline.name, nodes, &entries, args.year.school_year);
    if args.json {
        print_line(&serde_json::to_string_pretty(&overview)?)?;
        return Ok(0);
    }
    let colour = colour();
    print(&status(
        &overview,
        match pipeline.target {
            // As on the screen of Resync State Data - Batch, column by column.
            TargetKind::Dis => StatusText {
                objects: "DIS Objects",
                status: "Status Legend",
                screen: true,
                colour,
            },
            _ => StatusText {
                objects: "Resource",
                status: "Status",
                screen: false,
                colour,
            },
        },
    ))?;
    Ok(0)
}

/// The chosen resources as a tree, where they hang below each other.
fn nodes<'a>(pipeline: &'a Pipeline, names: &'a [String]) -> impl Iterator<Item = Node> + 'a {
    let tree = pipeline.tree().into_iter();
    let chosen = tree.filter(|(_, resource)| names.contains(&resource.name));
    chosen.map(|(depth, resource)| Node {
        object: resource.name.clone(),
        depth,
        parent: resource.parent.clone(),
    })
}

fn colour() -> bool {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    wanted && std::io::stdout().is_terminal()
}

/// The report of one run once more; its exit code.
fn report(
    session: &Session,
    pipeline: &Pipeline,
    run: &str,
    args: &StatusArgs,
) -> anyhow::Result<u8> {
    let run = folder(pipeline, run)?;
    let state = run.state();
    let (mut report, errors) = match crate::report::read(run.path()) {
        Ok(read) => read,
        Err(error) => {
            print_line(&format!(
                "run {}: {}; it has no report (was it killed?): {}",
                run.id(),
                state.as_str(),
                run.path().display()
            ))?;
            tracing::info!(%error, "no report");
            return Ok(if state.is_finished() { 0 } else { 3 });
        }
    };
    if !args.scope.resources.is_empty() {
        let names = names(pipeline, &args.scope.resources)?;
        report.resources.retain(|r| names.contains(&r.resource));
    }
    if args.json {
        print_line(&serde_json::to_string_pretty(&report)?)?;
    } else {
        print_line(&format!("state: {}", state.as_str()))?;
        session.print_report(&report, &errors)?;
    }
    Ok(report.exit_code)
}

pub(super) fn history(args: &HistoryArgs) -> anyhow::Result<u8> {
    match &args.command {
        HistoryCommand::List(args) => list_runs(args),
        HistoryCommand::Show(args) => show_run(args),
        HistoryCommand::Delete(args) => delete(args),
    }
}

fn list_runs(args: &HistoryList) -> anyhow::Result<u8> {
    let mut entries = history_of(&pipeline(&args.pipeline)?).entries()?;
    entries.retain(|e| args.which.admits(e));
    let older = entries
        .len()
        .saturating_sub(args.last.unwrap_or(usize::MAX));
    entries.drain(..older);
    match args.json {
        true => print_line(&serde_json::to_string_pretty(&entries)?)?,
        false if entries.is_empty() => print_line("no run yet")?,
        false => print(&list(&entries))?,
    }
    Ok(0)
}

fn show_run(args: &HistoryShow) -> anyhow::Result<u8> {
    let mut entries = history_of(&pipeline(&args.pipeline)?).entries()?;
    entries.retain(|e| args.which.admits(e));
    let newest = entries.last().map(|e| e.run.clone());
    let run = match args.run.as_str() {
        "latest" => newest.unwrap_or_else(|| args.run.clone()),
        run => run.to_owned(),
    };
    // More than one where a run was gone on with.
    let found: Vec<Entry> = entries.into_iter().filter(|e| e.run == run).collect();
    if found.is_empty() {
        return Err(HistoryError::NoRun(run).into());
    }
    if args.json {
        print_line(&serde_json::to_string_pretty(&found)?)?;
        return Ok(0);
    }
    // Ids of persons are for a person at a terminal: a scheduler mails its output on.
    let ids = std::io::stdout().is_terminal();
    let texts: Vec<String> = found.iter().map(|entry| show(entry, ids)).collect();
    print(&texts.join("\n"))?;
    Ok(0)
}

fn delete(args: &HistoryDelete) -> anyhow::Result<u8> {
    let history = history_of(&pipeline(&args.pipeline)?);
    let runs = history.chosen(&Chosen {
        run: args.run.clone(),
        before: args.before.map(|age| age.before(Utc::now())),
        selective: args.which.selective,
    })?;
    if runs.is_empty() {
        print_line("no run is that old; nothing was deleted")?;
        return Ok(0);
    }
    for run in &runs {
        print_line(&format!("delete {run}"))?;
    }
    let question = format!("Delete {} runs, with their folders?", runs.len());
    if !args.consent.yes && !asked(&question)? {
        anyhow::bail!("nothing was deleted; give --yes where nobody can be asked");
    }
    history.delete(&runs)?;
    print_line(&format!("{} runs deleted", runs.len()))?;
    Ok(0)
}

/// Asks at a terminal; without one the answer is no.
fn asked(question: &str) -> std::io::Result<bool> {
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Ok(false);
    }
    let mut screen = std::io::stderr();
    write!(screen, "{question} [y/N] ")?;
    screen.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
