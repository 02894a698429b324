//! Which resources a run is about: names and patterns, steps, exceptions, and what they depend on.
//!
//! Reads: a checked pipeline, the standard's edges. Writes: nothing. Never: takes a resource that is
//! switched off; takes nothing for everything.
//! Sources: Select Dependencies, Resource Preferences and the recommended resync order of the
//! Resync tool.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::RunError;
use crate::metadata::Standard;
use crate::pipeline::Pipeline;

/// What the command line says of resources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Names and patterns; none: all that are switched on.
    pub patterns: Vec<String>,
    /// Names and patterns of what stays out.
    pub except: Vec<String>,
    /// Steps of the recommended order; none: all.
    pub steps: Vec<u8>,
    /// Also everything that these depend on.
    pub dependencies: bool,
    /// Also everything that depends on these.
    pub dependents: bool,
}

/// The resources of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Their names in file order; empty: all of the pipeline.
    pub names: Vec<String>,
    /// What dependencies brought in, and what they asked for in vain, one line each.
    pub remarks: Vec<String>,
}

/// Chooses.
///
/// # Errors
/// Names that are unknown or switched off, all of them; a choice that leaves nothing.
pub fn choose(
    pipeline: &Pipeline,
    choice: &Choice,
    standard: &Standard,
) -> Result<Chosen, RunError> {
    let named = pipeline.select(&choice.patterns);
    let except = pipeline.except(&choice.except);
    let (named, except) = match (named, except) {
        (Ok(named), Ok(except)) => (named, except),
        (named, except) => {
            let errors = [named.err(), except.err()].into_iter().flatten().flatten();
            let lines = errors.map(|e| e.to_string()).collect();
            return Err(RunError::Selection(lines));
        }
    };
    let in_step = |step: Option<u8>| {
        choice.steps.is_empty() || step.is_some_and(|step| choice.steps.contains(&step))
    };
    let mut names: BTreeSet<&str> = named
        .iter()
        .filter(|r| in_step(r.step) && !except.contains(&r.name.as_str()))
        .map(|r| r.name.as_str())
        .collect();
    if names.is_empty() {
        return Err(RunError::Selection(vec![nothing(pipeline, choice)]));
    }
    let mut remarks = Vec::new();
    let edges = edges(pipeline, standard);
    // Both from what was chosen, so that a dependent does not bring in what else it needs unasked.
    let asked = |wanted: bool, edges| match wanted {
        true => reach(&names, edges),
        false => Vec::new(),
    };
    let before = asked(choice.dependencies, &edges.before);
    let after = asked(choice.dependents, &edges.after);
    let found = before
        .into_iter()
        .map(|(name, by)| (name, format!("required by {by}")));
    let found = found.chain(
        after
            .into_iter()
            .map(|(name, by)| (name, format!("depends on {by}"))),
    );
    for (name, why) in found {
        if except.contains(&name) {
            remarks.push(format!("{name} (not added, as --except says: {why})"));
        } else if pipeline.resources.iter().any(|r| r.name == name) {
            if names.insert(name) {
                remarks.push(format!("{name} (added: {why})"));
            }
        } else if pipeline.disabled.iter().any(|r| r.name == name) {
            remarks.push(format!("{name} (not added, it is switched off: {why})"));
        }
    }
    let all = names.len() == pipeline.resources.len();
    let in_order = pipeline.resources.iter().map(|r| &r.name);
    let chosen = in_order.filter(|name| !all && names.contains(name.as_str()));
    Ok(Chosen {
        names: chosen.cloned().collect(),
        remarks,
    })
}

fn nothing(pipeline: &Pipeline, choice: &Choice) -> String {
    let steps: BTreeSet<u8> = pipeline.resources.iter().filter_map(|r| r.step).collect();
    let steps: Vec<String> = steps.iter().map(u8::to_string).collect();
    let hint = match choice.steps.is_empty() {
        true => "leave something out of --except".to_owned(),
        false => format!("the steps of this pipeline are {}", steps.join(", ")),
    };
    format!("no resource is selected, so there is nothing to do; {hint}")
}

struct Edges<'a> {
    /// Dependent -> prerequisites.
    before: BTreeMap<&'a str, Vec<&'a str>>,
    /// Prerequisite -> dependents.
    after: BTreeMap<&'a str, Vec<&'a str>>,
}

/// The standard's edges and those of the pipeline's `depends_on`.
fn edges<'a>(pipeline: &'a Pipeline, standard: &'a Standard) -> Edges<'a> {
    let (mut before, mut after): (BTreeMap<_, Vec<_>>, BTreeMap<_, Vec<_>>) = Default::default();
    let of_standard = standard.edges.iter().map(|(a, b)| (a.as_str(), b.as_str()));
    let own = pipeline.resources.iter().flat_map(|r| {
        let further = r.depends_on.iter();
        further.map(move |name| (name.as_str(), r.name.as_str()))
    });
    for (first, then) in of_standard.chain(own) {
        before.entry(then).or_default().push(first);
        after.entry(first).or_default().push(then);
    }
    Edges { before, after }
}

/// All that edges lead to, nearest first, each with the neighbour that it was reached from. Edges
/// are followed through resources that the pipeline does not have, and is switched off for.
fn reach<'a>(
    from: &BTreeSet<&'a str>,
    edges: &BTreeMap<&'a str, Vec<&'a str>>,
) -> Vec<(&'a str, &'a str)> {
    let mut seen: BTreeSet<&str> = from.clone();
    let mut queue: VecDeque<&str> = from.iter().copied().collect();
    let mut found = Vec::new();
    while let Some(at) = queue.pop_front() {
        for next in edges.get(at).into_iter().flatten() {
            if seen.insert(next) {
                found.push((*next, at));
                queue.push_back(next);
            }
        }
    }
    found
}
