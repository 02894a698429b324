//! Before anything is sent: has this target ever had all of it, and does it still have what the
//! ledger says?
//!
//! Reads: the ledger, a few counts and ids of the target. Writes: which resources were loaded
//! whole. Never: sends an object.
//! Sources: "resync all data when a new ODS is connected"; "a mismatch stops".

use std::path::{Path, PathBuf};

use chrono::Utc;

use super::connect::Target;
use super::deliver::Delivered;
use super::probe::Probe;
use super::{Context, RunError, Selection, Staged, Until};
use crate::ledger::{Ledger, Origin, Whole};
use crate::object::Outcome;
use crate::pipeline::TargetKind;
use crate::stage::{RunState, StateDir};

/// What was found out about the target before the load.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    /// For the report: a new target, what could not be checked, what a run would be refused for.
    pub(super) notes: Vec<String>,
    /// What the target was asked.
    pub(super) probe: Option<Probe>,
}

/// The target of a ledger as it shows itself now.
pub(super) fn origin(target: &Target, school_year: i32) -> Origin {
    let discovered = target.api().ok().map(|api| &api.discovered);
    let url = match discovered {
        _ if target.sandbox => "embedded sandbox".to_owned(),
        Some(discovered) => discovered.data.to_string(),
        None => target.fingerprint.clone(),
    };
    Origin {
        url,
        school_year,
        data_model: discovered.map(|d| d.data_model()).unwrap_or_default(),
        instance: discovered.and_then(|d| d.instance.clone()),
        ..Origin::default()
    }
}

/// What a run leaves out of the configuration, in words; `None` for a full one.
pub(super) fn part(context: &Context, selection: &Selection) -> Option<String> {
    let mut parts = Vec::new();
    let all = context.pipeline.resources.len();
    if selection.resources.len() < all {
        let names = selection.resources.iter().map(|p| p.resource.name.as_str());
        let names: Vec<&str> = names.collect();
        let shown = names.get(..4.min(names.len())).unwrap_or_default();
        let more = if names.len() > shown.len() {
            ", ..."
        } else {
            ""
        };
        parts.push(format!(
            "{} of {all} resources ({}{more})",
            names.len(),
            shown.join(", ")
        ));
    }
    let scope = &context.options.scope;
    for (narrowed, what) in [
        (context.options.some_schools, "some schools"),
        (scope.persons.is_some(), "some persons"),
        (scope.courses.is_some(), "some courses"),
        (scope.sections.is_some(), "some sections"),
    ] {
        if narrowed {
            parts.push(what.to_owned());
        }
    }
    let only = context.options.only.words();
    if !only.is_empty() {
        parts.push(format!("objects by their history ({})", only.join("; ")));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Refuses objects that a state edition does not take, before anything is sent.
///
/// # Errors
/// [`RunError::NotTaken`].
pub(super) fn taken(target: &Target, selection: &Selection) -> Result<(), RunError> {
    let Some(state) = target.state() else {
        return Ok(());
    };
    let names = selection.resources.iter().map(|p| &p.resource.name);
    let not = names.filter(|name| !state.about.objects.contains(name));
    let not: Vec<String> = not.cloned().collect();
    match not.is_empty() {
        true => Ok(()),
        false => Err(RunError::NotTaken(not)),
    }
}

/// Refuses a part of the load to a target that never had a full one; a plan is only told.
///
/// # Errors
/// [`RunError::NeverFull`].
pub(super) fn full_first(
    context: &Context,
    selection: &Selection,
    folder: &Path,
    about: &Origin,
    until: Until,
) -> Result<Vec<String>, RunError> {
    let known = Ledger::origin(folder)?;
    if known.as_ref().is_some_and(|known| known.full.is_some()) {
        return Ok(Vec::new());
    }
    let mut notes = vec![new_target(context, about)];
    // A state checks each record's parents itself, and its objects are chosen one by one.
    let chosen = context.pipeline.target == TargetKind::Dis;
    let Some(mut part) = part(context, selection).filter(|_| !chosen) else {
        return Ok(notes);
    };
    // E32: the first load step by step, in the recommended order, is a full one.
    if let Some(earlier) = steps_before(context, selection, known.as_ref()) {
        if earlier.is_empty() {
            notes.push("a step of the first full load".to_owned());
            return Ok(notes);
        }
        part.push_str(&format!(
            "; steps before it were not loaded: {}",
            earlier.join(", ")
        ));
    }
    let refused = RunError::NeverFull {
        target: name(about),
        part,
        pipeline: context.pipeline.name.clone(),
        changes: changes(context, about),
    };
    match (context.options.allow_partial, until) {
        (true, _) => {
            notes.push("a part of the load all the same, by --allow-partial".to_owned());
            Ok(notes)
        }
        (false, Until::Loaded) => Err(refused),
        (false, _) => Ok(vec![format!("a run would stop here: {refused}")]),
    }
}

/// Of a run that is narrowed to steps of the recommended order and to nothing else, the resources of
/// earlier steps that this target never had whole; `None` for any other run.
fn steps_before<'a>(
    context: &'a Context,
    selection: &Selection,
    known: Option<&Origin>,
) -> Option<Vec<&'a str>> {
    let options = &context.options;
    let others = options.some_schools
        || options.scope.names_ids()
        || !options.only.is_everything()
        || options.mode.is_some();
    if !options.stepwise || others {
        return None;
    }
    let steps = selection.resources.iter();
    let first = steps.filter_map(|p| p.resource.step).min()?;
    let earlier = context.pipeline.resources.iter().filter(|r| {
        let had = known.is_some_and(|known| known.whole.contains_key(&r.name));
        r.step.is_some_and(|step| step < first) && !had
    });
    Some(earlier.map(|r| r.name.as_str()).collect())
}

fn name(about: &Origin) -> String {
    let year = about.school_year;
    format!("{} (school year {}-{year})", about.url, year - 1)
}

fn new_target(context: &Context, about: &Origin) -> String {
    format!(
        "{} has had no full load yet: everything is due{}",
        name(about),
        changes(context, about)
    )
}

/// What stands at the same address otherwise than before.
fn changes(context: &Context, about: &Origin) -> String {
    let pipeline = &context.pipeline;
    let ledgers = pipeline.state_dir.join(&pipeline.name).join("ledger");
    let mut found: Vec<String> = Vec::new();
    for before in Ledger::predecessors(&ledgers, about) {
        let shown = |i: &Option<String>| i.clone().unwrap_or_else(|| "none".to_owned());
        if before.data_model != about.data_model {
            found.push(format!(
                "data model {} before, now {}",
                before.data_model, about.data_model
            ));
        }
        if before.instance != about.instance {
            found.push(format!(
                "instance {} before, now {}",
                shown(&before.instance),
                shown(&about.instance)
            ));
        }
    }
    found.sort();
    found.dedup();
    match found.is_empty() {
        true => String::new(),
        false => format!("; another target than before: {}", found.join(", ")),
    }
}

/// Compares the target with the ledger before a delta run.
///
/// # Errors
/// [`RunError::Changed`] when the target has less than the ledger says.
pub(super) async fn compare(
    context: &Context,
    target: &Target,
    ledger: &Ledger,
    staged: &Staged,
    until: Until,
) -> Result<Admitted, RunError> {
    let mut admitted = Admitted::default();
    if context.resends() || context.options.mode.is_some() {
        return Ok(admitted);
    }
    let Some(probe) = Probe::ask(target, ledger, staged.school_year).await? else {
        return Ok(admitted);
    };
    // What was on its way when a run was killed may be gone without the ledger knowing.
    let slack = match staged.unclean {
        true => context.pipeline.load.concurrency_max as u64,
        false => 0,
    };
    let missing = probe.missing(slack);
    if !missing.is_empty() {
        let changed = RunError::Changed {
            missing,
            ways: ways(context),
        };
        match until {
            Until::Loaded => return Err(changed),
            _ => admitted
                .notes
                .push(format!("a run would stop here: {changed}")),
        }
    }
    if !probe.unchecked.is_empty() {
        admitted.notes.push(format!(
            "whether the target still has what the ledger knows could not be checked for {}",
            probe.unchecked.join("; ")
        ));
    }
    admitted.probe = Some(probe);
    Ok(admitted)
}

/// How to go on with a target that has less than it had.
fn ways(context: &Context) -> String {
    let name = &context.pipeline.name;
    match context.pipeline.target {
        TargetKind::Dis => format!("Send everything in scope again:\n  fullsync run {name}"),
        // What a provider has cannot be told by our keys: its ledger is not read back.
        TargetKind::Sif3 => {
            format!("Send everything in scope again:\n  fullsync run {name} --resend-all")
        }
        _ => format!(
            "Have the ledger read back what is there:\n  fullsync ledger rebuild {name}\n\
             or send everything in scope again:\n  fullsync run {name} --resend-all"
        ),
    }
}

/// Notes in the ledger which resources this run has loaded whole.
///
/// # Errors
/// The ledger's folder cannot be written.
pub(super) fn note(
    context: &Context,
    about: Origin,
    ledger: &Ledger,
    run: &str,
    delivered: &Delivered,
) -> Result<(), RunError> {
    let options = &context.options;
    let whole = !options.some_schools && !options.scope.names_ids() && !delivered.interrupted;
    let tallies = delivered.tally.resources.iter();
    let loaded: Vec<String> = tallies
        .filter(|(_, tally)| whole && tally.of(Outcome::Pending) == 0)
        .map(|(name, _)| name.clone())
        .collect();
    let resources = context.pipeline.resources.iter();
    let all: Vec<String> = resources.map(|r| r.name.clone()).collect();
    let by = Whole {
        run: run.to_owned(),
        at: Utc::now(),
    };
    Ok(ledger.note_origin(about, &loaded, &all, &by)?)
}

/// The folder of a target's ledger.
pub(super) fn folder(context: &Context, target: &Target, school_year: i32) -> PathBuf {
    let pipeline = &context.pipeline;
    let ledgers = pipeline.state_dir.join(&pipeline.name).join("ledger");
    Ledger::folder(&ledgers, &target.fingerprint, school_year)
}

/// Whether a run was cut short since the last one that went through its load.
///
/// # Errors
/// The runs cannot be listed.
pub(super) fn cut_short(state: &StateDir) -> Result<bool, RunError> {
    for id in state.ids()?.iter().rev() {
        // One that cannot be read may have been cut short in its first moment.
        let Ok(run) = state.open(id.as_str()) else {
            return Ok(true);
        };
        match run.state() {
            RunState::Interrupted | RunState::Running => return Ok(true),
            _ if !run.manifest().results.is_empty() => return Ok(false),
            _ => {}
        }
    }
    Ok(false)
}
