//! What is wrong with the objects of a run, all at once, before any is sent.
//!
//! Reads: nothing. Writes: text, JSON. Never: keys or values of persons in either but the file for
//! the owner.

use std::fmt::Write as _;

use serde::Serialize;

/// The result of `fullsync validate --data`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DataReport {
    /// The run whose objects were looked at.
    pub run: String,
    /// Objects looked at.
    pub objects: u64,
    /// Groups of problems, by resource in loading order.
    pub problems: Vec<DataProblem>,
    /// What could not be checked, and why.
    pub unchecked: Vec<String>,
    /// Where the examples are.
    pub examples_in: String,
}

/// Objects of one resource with one problem.
#[derive(Clone, Debug, Serialize)]
pub struct DataProblem {
    /// The resource.
    pub resource: String,
    /// Which check found it.
    pub check: Check,
    /// What is wrong: a reason, a descriptor value, the place of a reference.
    pub what: String,
    /// Objects.
    pub objects: u64,
    /// The first of them; empty but in the owner's file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<DataExample>,
}

/// One object with a problem.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DataExample {
    /// Its natural key.
    pub key: String,
    /// The SIS row it comes from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Field and fault, or what it points at.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// Checks of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Required fields, types, lengths, descriptors that the metadata knows, codes without a
    /// mapping.
    Schema,
    /// One natural key with different bodies.
    Uniqueness,
    /// A descriptor value that the target does not have.
    Descriptor,
    /// A reference to nothing that is staged, in the ledger, or at the target.
    Reference,
    /// A reference to an object that is held back.
    HeldParent,
}

impl Check {
    fn as_str(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Uniqueness => "uniqueness",
            Self::Descriptor => "descriptor",
            Self::Reference => "reference",
            Self::HeldParent => "held parent",
        }
    }
}

impl DataReport {
    /// The report without examples, for any output.
    #[must_use]
    pub fn without_examples(&self) -> Self {
        let mut report = self.clone();
        for problem in &mut report.problems {
            problem.examples.clear();
        }
        report
    }

    /// As text; with an example of each group for a terminal.
    pub fn text(&self, examples: bool) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut out, examples);
        out
    }

    fn write(&self, out: &mut String, examples: bool) -> std::fmt::Result {
        let width = |text: fn(&DataProblem) -> &str| {
            let widths = self.problems.iter().map(|p| text(p).len());
            widths.max().unwrap_or(0)
        };
        let (resource, check) = (width(|p| &p.resource), width(|p| p.check.as_str()));
        for p in &self.problems {
            writeln!(
                out,
                "{:>9}  {:resource$}  {:check$}  {}",
                p.objects,
                p.resource,
                p.check.as_str(),
                p.what
            )?;
            if let Some(example) = p.examples.first().filter(|_| examples) {
                write!(out, "           e.g. {}", example.key)?;
                if !example.source.is_empty() {
                    write!(out, " ({})", example.source)?;
                }
                if !example.detail.is_empty() {
                    write!(out, ": {}", example.detail)?;
                }
                writeln!(out)?;
            }
        }
        for what in &self.unchecked {
            writeln!(out, "not checked: {what}")?;
        }
        let found = self.problems.len();
        match found {
            0 => writeln!(out, "{} objects: no problem found", self.objects),
            _ => writeln!(
                out,
                "{} objects: {found} kinds of problems; examples of each are in {}",
                self.objects, self.examples_in
            ),
        }
    }
}
