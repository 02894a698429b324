//! What the checks of a setup found: connection, ids, mappings. Counts and codes, no names.
//!
//! Reads: nothing. Writes: text and JSON. Never: a person's id in either; those go to a list that
//! is asked for.
//! Sources: E11 (Test Connection), E12 (persons without an id), E13 (mappings for codes in use).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::rights::Lacking;
use crate::transform::Effect;

/// The result of `fullsync check`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SetupReport {
    /// The pipeline.
    pub configuration: String,
    /// Whether nothing is wrong.
    pub ok: bool,
    /// The target and the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionReport>,
    /// Persons without an id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<IdsReport>,
    /// Codes without a mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mappings: Option<MappingsReport>,
}

/// The target and the key.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ConnectionReport {
    /// Where the resources are.
    pub url: String,
    /// The server's version.
    pub version: String,
    /// Data models that it serves.
    pub data_models: Vec<String>,
    /// The standard that the pipeline maps to.
    pub metadata: String,
    /// What stops a load.
    pub problems: Vec<String>,
    /// What does not.
    pub notes: Vec<String>,
    /// Resources whose rights are not all there.
    pub rights: Vec<Lacking>,
}

/// Persons without an id.
#[derive(Clone, Debug, Default, Serialize)]
pub struct IdsReport {
    /// The settings that choose the ids.
    pub settings: BTreeMap<String, String>,
    /// By resource.
    pub without: Vec<WithoutId>,
    /// Distinct persons of all kinds.
    pub persons: u64,
    /// Their SIS personIDs; never printed with the rest.
    #[serde(skip)]
    pub list: BTreeSet<i64>,
}

/// Objects of one resource that are skipped because a person has no id.
#[derive(Clone, Debug, Serialize)]
pub struct WithoutId {
    /// `student`, `staff`, `contact`, or `other` for what hangs on them.
    pub kind: &'static str,
    /// The resource.
    pub resource: String,
    /// Reason as in the report of a run.
    pub reason: String,
    /// Distinct persons.
    pub persons: u64,
    /// Objects skipped.
    pub objects: u64,
}

/// Codes without a mapping.
#[derive(Clone, Debug, Default, Serialize)]
pub struct MappingsReport {
    /// Crosswalk by crosswalk.
    pub codes: Vec<Code>,
}

/// One source code in use that a crosswalk does not have.
#[derive(Clone, Debug, Serialize)]
pub struct Code {
    /// The crosswalk (`grade_level` is `grade_level.csv`).
    pub crosswalk: String,
    /// The code.
    pub code: String,
    /// What becomes of the rows.
    pub effect: Effect,
    /// Rows that have it, over all resources.
    pub rows: u64,
    /// Those of them that are left out for another reason anyway.
    pub left_out: u64,
    /// The resources that it hits: rows of each.
    pub resources: BTreeMap<String, u64>,
}

/// The kind of person that a resource is about.
pub fn kind(resource: &str) -> &'static str {
    match resource {
        "students" => "student",
        "staffs" => "staff",
        "contacts" | "parents" => "contact",
        _ => "other",
    }
}

impl ConnectionReport {
    fn ok(&self) -> bool {
        self.problems.is_empty() && !self.rights.iter().any(|r| r.blocks)
    }
}

impl SetupReport {
    /// Whether each part that was looked at is in order. Optional codes are.
    #[must_use]
    pub fn judged(mut self) -> Self {
        let rejects = |m: &MappingsReport| m.codes.iter().any(|c| c.effect == Effect::Rejects);
        self.ok = self.connection.as_ref().is_none_or(ConnectionReport::ok)
            && self.ids.as_ref().is_none_or(|ids| ids.without.is_empty())
            && !self.mappings.as_ref().is_some_and(rejects);
        self
    }

    /// As text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        if let Some(connection) = &self.connection {
            connection.write(out)?;
        }
        if let Some(ids) = &self.ids {
            ids.write(out, &self.configuration)?;
        }
        if let Some(mappings) = &self.mappings {
            mappings.write(out)?;
        }
        match self.ok {
            true => writeln!(out, "in order"),
            false => writeln!(out, "not in order"),
        }
    }
}

impl ConnectionReport {
    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "connection: {}", self.url)?;
        if !self.version.is_empty() {
            writeln!(
                out,
                "  version {}, data models {}; mapped to {}",
                self.version,
                self.data_models.join(", "),
                self.metadata
            )?;
        }
        for problem in &self.problems {
            writeln!(out, "  PROBLEM: {problem}")?;
        }
        for lacking in &self.rights {
            let what = lacking.missing.join(", ");
            match lacking.blocks {
                true => writeln!(
                    out,
                    "  PROBLEM: {}: the key lacks {what}; a load will be refused (403)",
                    lacking.resource
                )?,
                false => writeln!(out, "  {}: the key lacks {what}", lacking.resource)?,
            }
        }
        for note in &self.notes {
            writeln!(out, "  {note}")?;
        }
        Ok(())
    }
}

impl IdsReport {
    fn write(&self, out: &mut String, pipeline: &str) -> std::fmt::Result {
        writeln!(out, "ids: {} persons without an id", self.persons)?;
        for (name, value) in &self.settings {
            writeln!(out, "  {name} = {value}")?;
        }
        let width = self.without.iter().map(|w| w.resource.len()).max();
        let width = width.unwrap_or(0);
        for w in &self.without {
            writeln!(
                out,
                "  {:7}  {:width$}  {:>8} persons  {:>8} objects  {}",
                w.kind, w.resource, w.persons, w.objects, w.reason
            )?;
        }
        if !self.list.is_empty() {
            writeln!(
                out,
                "  their personIDs: fullsync check ids {pipeline} --list=FILE; once they have \
                 ids: fullsync run {pipeline} --person @FILE"
            )?;
        }
        Ok(())
    }
}

impl MappingsReport {
    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "mappings: {} codes without one", self.codes.len())?;
        for code in &self.codes {
            let effect = match code.effect {
                Effect::Rejects => "rejects",
                Effect::Optional => "optional, is left out of",
            };
            let hit: Vec<String> = code
                .resources
                .iter()
                .map(|(resource, rows)| format!("{resource} {rows}"))
                .collect();
            write!(
                out,
                "  {}: {:?} {effect} {} rows ({})",
                code.crosswalk,
                code.code,
                code.rows,
                hit.join(", ")
            )?;
            match code.left_out {
                0 => writeln!(out)?,
                n => writeln!(out, "; {n} of them are left out anyway")?,
            }
        }
        Ok(())
    }
}
