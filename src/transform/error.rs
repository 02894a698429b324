//! What can go wrong in the transform: mistakes in the mapping, and failures while it runs.
//!
//! Reads: nothing. Writes: nothing. Never: values of rows, apart from what the engine itself says.

use std::fmt;
use std::io;
use std::path::PathBuf;

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;

use crate::stage::StageError;

/// A mistake in a mapping (SQL, crosswalk, stanza), found before any row moves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file to correct.
    pub file: PathBuf,
    /// Line, 1 = first; None where the problem has no place in the file.
    pub line: Option<u64>,
    /// Column in characters, 1 = first.
    pub column: Option<u64>,
    /// What is wrong.
    pub message: String,
    /// What may have been meant, or what to do.
    pub suggestion: Option<String>,
}

impl Problem {
    /// A problem that has no place in the file yet.
    pub fn new(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: None,
            column: None,
            message: message.into(),
            suggestion: None,
        }
    }

    /// Adds the place, if known.
    #[must_use]
    pub fn at(mut self, place: Option<(u64, u64)>) -> Self {
        (self.line, self.column) = (place.map(|p| p.0), place.map(|p| p.1));
        self
    }

    /// Adds a suggestion, if there is one.
    #[must_use]
    pub fn suggest(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        for number in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        write!(f, ": {}", self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; {suggestion}"),
            None => Ok(()),
        }
    }
}

/// Why a transform could not run, or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransformError {
    /// The engine could not be set up (memory pool, temporary folder, a staged file).
    #[error("cannot prepare the SQL engine: {what}")]
    Session {
        /// The step or file.
        what: String,
        /// The engine's own error.
        source: Box<DataFusionError>,
    },
    /// The mapping has mistakes; `fullsync validate` lists the same.
    #[error("{}", lines(.0))]
    Problems(Vec<Problem>),
    /// The SQL failed on the data: only this resource is stopped.
    #[error("resource `{resource}`: {} failed: {message}{hint}", file.display())]
    Execute {
        /// The resource.
        resource: String,
        /// Its SQL file.
        file: PathBuf,
        /// What the engine says.
        message: String,
        /// What to do, with a leading space, or empty.
        hint: &'static str,
        /// The engine's own error.
        source: Box<DataFusionError>,
    },
    /// A batch could not be turned into objects.
    #[error("resource `{resource}`: cannot build objects: {message}")]
    Shape {
        /// The resource.
        resource: String,
        /// What does not fit.
        message: String,
    },
    /// The objects file could not be written.
    #[error("cannot write objects of `{resource}` to {}", file.display())]
    Write {
        /// The resource.
        resource: String,
        /// The objects file.
        file: PathBuf,
        /// The writer's own error.
        source: Box<StageError>,
    },
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl TransformError {
    /// An error of the engine while a resource's SQL runs.
    pub(super) fn execute(resource: &str, file: &std::path::Path, source: DataFusionError) -> Self {
        let root = source.find_root();
        let hint = match root {
            DataFusionError::ArrowError(error, _) => match **error {
                ArrowError::CastError(_) | ArrowError::ParseError(_) => {
                    " (use `try_cast` or `CASE` where a value may not convert)"
                }
                ArrowError::DivideByZero => " (use `nullif(divisor, 0)`)",
                ArrowError::ArithmeticOverflow(_) => " (cast to a wider type first)",
                _ => "",
            },
            DataFusionError::ResourcesExhausted(_) => {
                " (raise the memory limit, or join fewer wide columns)"
            }
            _ => "",
        };
        Self::Execute {
            resource: resource.to_owned(),
            file: file.to_owned(),
            message: root.strip_backtrace(),
            hint,
            source: Box::new(source),
        }
    }
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    lines.join("\n")
}

/// `did you mean ..?` for a name that is not among `known`: the same name in another case, else
/// the most similar one if it is similar at all.
pub(super) fn did_you_mean<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    const SIMILAR: f64 = 0.75;
    let rank = |k: &str| match k.eq_ignore_ascii_case(name) {
        true => 2.0,
        false => strsim::jaro_winkler(&k.to_ascii_lowercase(), &name.to_ascii_lowercase()),
    };
    let best = known
        .into_iter()
        .map(|k| (rank(k), k))
        .filter(|(score, _)| *score >= SIMILAR)
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))?;
    Some(format!("did you mean `{}`?", best.1))
}
