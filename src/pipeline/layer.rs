//! The layers of a configuration: the file that was named, the ones that it extends down to the
//! shipped base, and what the command line sets.
//!
//! Reads: pipeline files, from the working folder or the binary. Writes: nothing. Never: looks at
//! more of a file than its `extends`.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::problem::Problem;
use super::section::join;
use crate::shipped;

/// Where a layer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file on disk.
    File,
    /// A file of the binary.
    Shipped,
    /// One `--set` of the command line.
    Argument,
}

/// One layer. All texts together make one long text, so that a position in it names layer and
/// place; the named file's text is the first.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    /// As messages name it.
    pub(super) shown: PathBuf,
    /// The file itself.
    pub(super) file: PathBuf,
    pub(super) kind: Kind,
    pub(super) text: String,
    /// Where its text begins among all.
    pub(super) start: usize,
    /// 0 for the base; a higher one lies over a lower one.
    pub(super) rank: usize,
}

impl Layer {
    /// Whether a position is in its text (its end included).
    pub(super) fn holds(&self, at: usize) -> bool {
        (self.start..=self.start + self.text.len()).contains(&at)
    }

    /// The folder that its relative paths start at: its own, or the working folder for `--set`.
    pub(super) fn folder(&self) -> &Path {
        match self.kind {
            Kind::Argument => Path::new(""),
            _ => self.file.parent().unwrap_or(Path::new("")),
        }
    }

    /// A problem at a position that it holds.
    pub(super) fn at(&self, at: usize, what: impl Into<String>) -> Problem {
        let problem = Problem::new(&self.shown, what);
        if self.kind == Kind::Argument {
            return problem;
        }
        let (line, column) = self.place(at);
        problem.at(line, column)
    }

    /// Line and column, both from 1, of a position that it holds.
    pub(super) fn place(&self, at: usize) -> (usize, usize) {
        let at = at.saturating_sub(self.start);
        let before = self.text.get(..at).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }

    fn read(file: PathBuf, kind: Kind) -> Result<Self, Problem> {
        let shown = match kind {
            Kind::Shipped => PathBuf::from(format!("shipped:{}", file.display())),
            _ => file.clone(),
        };
        let text = match kind {
            Kind::Shipped => shipped::embedded(&file)
                .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
                .ok_or_else(|| Problem::new(&shown, "is not in this program"))?,
            _ => std::fs::read_to_string(&file)
                .map_err(|e| Problem::new(&shown, format!("cannot be read: {e}")))?,
        };
        Ok(Self {
            shown,
            file,
            kind,
            text,
            start: 0,
            rank: 0,
        })
    }

    /// What `extends` says, and where.
    fn extends(&self) -> Option<(String, Range<usize>)> {
        let (table, _) = DeTable::parse_recoverable(&self.text);
        let value = table.get_ref().get("extends")?;
        Some((value.get_ref().as_str()?.to_owned(), value.span()))
    }
}

/// The named file and all that it extends; the named one first.
///
/// # Errors
/// A file that is not there or cannot be read, or layers that extend each other in a circle.
pub(super) fn chain(name_or_path: &str) -> Result<Vec<Layer>, Problem> {
    let mut layers = vec![locate(name_or_path)?];
    while let Some(top) = layers.last()
        && let Some((name, span)) = top.extends()
    {
        let at = |what: String| {
            Layer {
                start: 0,
                ..top.clone()
            }
            .at(span.start, what)
        };
        let base = base(&name, top, &layers).map_err(|problem| match problem {
            Missing::Nowhere(names) => at(format!("there is no pipeline `{name}` to extend"))
                .choices(&name, names.iter().map(String::as_str)),
            Missing::Circle(first) => {
                let from = layers.iter().position(|l| l.shown == first).unwrap_or(0);
                let mut names: Vec<String> = layers
                    .iter()
                    .skip(from)
                    .map(|l| l.shown.display().to_string())
                    .collect();
                names.push(first.display().to_string());
                at(format!(
                    "extends goes round in a circle: {}",
                    names.join(" -> ")
                ))
            }
            Missing::Unreadable(problem) => problem,
        })?;
        layers.push(base);
    }
    let (mut start, count) = (0, layers.len());
    for (i, layer) in layers.iter_mut().enumerate() {
        layer.start = start;
        layer.rank = count - 1 - i;
        start += layer.text.len() + 1;
    }
    Ok(layers)
}

/// Adds what `--set` says as the highest layers, the last one the highest.
pub(super) fn add_arguments(layers: &mut Vec<Layer>, arguments: Vec<(String, String)>) {
    for (key, text) in arguments {
        let start = layers.last().map_or(0, |l| l.start + l.text.len() + 1);
        layers.push(Layer {
            shown: PathBuf::from(format!("--set {key}")),
            file: PathBuf::new(),
            kind: Kind::Argument,
            text,
            start,
            rank: layers.len(),
        });
    }
}

/// Finds the file of a pipeline: `edfi` is `pipelines/edfi.toml` in the current directory, or the
/// shipped one; anything with a `/` or ending in `.toml` is a path.
fn locate(name_or_path: &str) -> Result<Layer, Problem> {
    if is_path(name_or_path) {
        let path = PathBuf::from(name_or_path);
        return match (path.is_file(), shipped::is_embedded(&path)) {
            (true, _) => Layer::read(path, Kind::File),
            (false, true) => Layer::read(join(Path::new(""), name_or_path), Kind::Shipped),
            (false, false) => Err(Problem::new(&path, "no such file")),
        };
    }
    let folder = Path::new("pipelines");
    let path = folder.join(format!("{name_or_path}.toml"));
    if path.is_file() {
        return Layer::read(path, Kind::File);
    }
    if shipped::is_embedded(&path) {
        return Layer::read(path, Kind::Shipped);
    }
    let known = names_in(folder);
    let known = known.iter().map(String::as_str);
    Err(
        Problem::new(&path, "no such pipeline in the current directory")
            .choices(name_or_path, known),
    )
}

fn is_path(name: &str) -> bool {
    name.contains(std::path::MAIN_SEPARATOR)
        || Path::new(name).extension().is_some_and(|e| e == "toml")
}

/// Why there is no base.
enum Missing {
    Nowhere(Vec<String>),
    /// It is this layer of the chain.
    Circle(PathBuf),
    Unreadable(Problem),
}

/// The file that a layer extends. A name is looked for beside the layer, in `pipelines` and
/// `pipelines/profiles` of the working folder, and then in the binary; a file that is in the chain
/// already is passed over when the binary has one of its name, so that `pipelines/edfi.toml` may
/// extend the shipped `edfi`.
fn base(name: &str, layer: &Layer, chain: &[Layer]) -> Result<Layer, Missing> {
    let own = layer.folder();
    let candidates: Vec<PathBuf> = if is_path(name) {
        vec![join(own, name)]
    } else {
        let file = format!("{name}.toml");
        let folders = [own, Path::new("pipelines")];
        let mut places: Vec<PathBuf> = folders
            .iter()
            .flat_map(|f| [f.join(&file), f.join("profiles").join(&file)])
            .collect();
        places.dedup();
        places
    };
    let used = |path: &Path, kind: Kind| {
        let same = |l: &&Layer| match (kind, l.kind) {
            (Kind::File, Kind::File) => same_file(&l.file, path),
            (Kind::Shipped, Kind::Shipped) => l.file == path,
            _ => false,
        };
        chain.iter().find(same).map(|l| l.shown.clone())
    };
    let mut circle = None;
    for (kind, path) in [Kind::File, Kind::Shipped]
        .into_iter()
        .flat_map(|kind| candidates.iter().map(move |path| (kind, path)))
    {
        let there = match kind {
            Kind::Shipped => shipped::embedded(path).is_some(),
            _ => path.is_file(),
        };
        match there.then(|| used(path, kind)) {
            None => {}
            Some(Some(shown)) => circle = circle.or(Some(shown)),
            Some(None) => return Layer::read(path.clone(), kind).map_err(Missing::Unreadable),
        }
    }
    Err(match circle {
        Some(shown) => Missing::Circle(shown),
        None => {
            let mut names = names_in(Path::new("pipelines"));
            names.extend(names_in(Path::new("pipelines/profiles")));
            Missing::Nowhere(names)
        }
    })
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

/// Names of the pipelines in a folder, the shipped ones included. `sis.toml` is the SIS schema, not
/// a pipeline.
pub(super) fn names_in(folder: &Path) -> Vec<String> {
    let files = shipped::list(folder);
    let mut names: Vec<String> = files
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|name| name != "sis")
        .collect();
    names.sort();
    names
}

/// What the pipeline remembers of a layer.
pub(super) fn note(layer: &Layer) -> super::LayerNote {
    super::LayerNote {
        shown: layer.shown.clone(),
        file: layer.file.clone(),
        shipped: layer.kind == Kind::Shipped,
    }
}
