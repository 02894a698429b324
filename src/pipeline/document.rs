//! The layers of a pipeline while they are read: places, problems, texts filled in.
//!
//! Reads: the layers and the environment. Writes: problems. Never: a default of its own.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeValue;

use super::interpolate::{Fault, interpolate};
use super::layer::{self, Layer};
use super::problem::{Problem, closest};
use super::section::{Section, kind};

/// The layers being read: their texts for positions, and the problems found so far.
pub(super) struct Document<'a> {
    /// The file that was named.
    pub(super) path: &'a Path,
    /// That file and all others, as [`super::layer::chain`] orders them.
    pub(super) layers: &'a [Layer],
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
    /// Names that `${..}` looks up before the environment.
    pub(super) parameters: RefCell<BTreeMap<String, String>>,
    problems: RefCell<Vec<(usize, Problem)>>,
    warnings: RefCell<Vec<Problem>>,
    /// Keys that no layer has, with the value that holds instead.
    defaults: RefCell<Vec<(String, String)>>,
}

/// A text value, filled in from the environment, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) value: String,
    pub(super) span: Range<usize>,
    /// Whether the environment took part: only then may the text stand for a number.
    pub(super) filled: bool,
}

impl<'a> Document<'a> {
    /// `layers` begins with the file that was named.
    pub(super) fn new(
        path: &'a Path,
        layers: &'a [Layer],
        env: &'a dyn Fn(&str) -> Option<String>,
    ) -> Self {
        Self {
            path,
            layers,
            env,
            parameters: RefCell::default(),
            problems: RefCell::default(),
            warnings: RefCell::default(),
            defaults: RefCell::default(),
        }
    }

    /// The layer that a place is in.
    pub(super) fn layer(&self, span: &Range<usize>) -> Option<&'a Layer> {
        self.layers.iter().find(|layer| layer.holds(span.start))
    }

    /// A problem at a place of a layer, not yet recorded.
    pub(super) fn at(&self, span: &Range<usize>, what: impl Into<String>) -> Problem {
        match self.layer(span) {
            Some(layer) => layer.at(span.start, what),
            None => Problem::new(self.path, what),
        }
    }

    /// Where a place comes in the order of the layers, the base first.
    pub(super) fn rank(&self, span: &Range<usize>) -> (usize, usize) {
        (self.layer(span).map_or(0, |layer| layer.rank), span.start)
    }

    /// Notes what holds where no layer has a key.
    pub(super) fn default(&self, key: String, value: impl std::fmt::Display) {
        self.defaults.borrow_mut().push((key, value.to_string()));
    }

    /// The noted defaults.
    pub(super) fn defaults(&self) -> Vec<(String, String)> {
        self.defaults.borrow().clone()
    }

    /// Records a problem; `span` gives its order among the others.
    pub(super) fn problem(&self, span: &Range<usize>, problem: Problem) {
        self.problems.borrow_mut().push((span.start, problem));
    }

    /// Records a problem at a place of this file.
    pub(super) fn wrong(&self, span: &Range<usize>, what: impl Into<String>) {
        self.problem(span, self.at(span, what));
    }

    /// Records a warning.
    pub(super) fn warn(&self, problem: Problem) {
        self.warnings.borrow_mut().push(problem);
    }

    /// Problems in file order, and warnings.
    pub(super) fn finish(self) -> (Vec<Problem>, Vec<Problem>) {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|(at, _)| *at);
        (
            problems.into_iter().map(|(_, p)| p).collect(),
            self.warnings.into_inner(),
        )
    }

    /// A path: relative ones start at the folder of the layer that they stand in.
    pub(super) fn path_of(&self, text: &Text) -> PathBuf {
        let folder = self.layer(&text.span).map(Layer::folder);
        join(folder.unwrap_or(Path::new("")), &text.value)
    }

    /// The layers' files, the highest first.
    pub(super) fn files(&self) -> impl Iterator<Item = &'a Layer> + use<'a> {
        let is_file = |layer: &&Layer| layer.kind != layer::Kind::Argument;
        self.layers.iter().filter(is_file)
    }
}

/// `base/value` with `x/..` taken out, so that messages and listings stay readable.
pub(super) fn join(base: &Path, value: &str) -> PathBuf {
    use std::path::Component;
    let mut path = PathBuf::new();
    for part in base.join(value).components() {
        let at_name = matches!(path.components().next_back(), Some(Component::Normal(_)));
        match part {
            Component::CurDir => {}
            Component::ParentDir if at_name => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    if path.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        path
    }
}

impl<'a> Document<'a> {
    /// The table that a value holds.
    pub(super) fn section_of(
        &'a self,
        name: String,
        at: Range<usize>,
        value: &'a Spanned<DeValue<'a>>,
    ) -> Option<Section<'a>> {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(&value.span(), format!("`{name}` must be a table: [{name}]"));
            return None;
        };
        Some(Section::new(self, name, at, table))
    }

    /// The text that a value holds, filled in.
    pub(super) fn text_of(&self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<Text> {
        let span = value.span();
        let Some(text) = value.get_ref().as_str() else {
            let got = kind(value.get_ref());
            self.wrong(&span, format!("`{name}` must be a text, not {got}"));
            return None;
        };
        let parameters = self.parameters.borrow();
        let value = |name: &str| parameters.get(name).cloned().or_else(|| (self.env)(name));
        match interpolate(text, &value) {
            Ok(filled) => Some(Text {
                value: filled.text,
                span,
                filled: filled.changed,
            }),
            Err(faults) => {
                for fault in faults {
                    let mut problem = self.at(&span, fault.to_string());
                    if let Fault::Unset(name) = &fault {
                        let known = parameters.keys().map(String::as_str);
                        problem.suggestion = closest(name, known).map(str::to_owned);
                    }
                    self.problem(&span, problem);
                }
                None
            }
        }
    }
}
