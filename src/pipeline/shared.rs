//! What resources share: the folders of SQL, views, crosswalks.
//!
//! Reads: the folders of SQL and crosswalks. Writes: nothing. Never: plans a query.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::check::similar_file;
use super::problem::Problem;
use super::resources::is_sql_name;
use super::section::{Document, Section, join};
use crate::shipped;

/// The folder that SQL files start at, by layer: its own `sql_dir`, else that of the layer it
/// extends, `../sql` for the base.
pub(super) struct SqlDirs(Vec<PathBuf>);

impl SqlDirs {
    /// Reads `sql_dir`.
    pub(super) fn read(top: &mut Section<'_>) -> Self {
        let document = top.document;
        let stated = top.list("sql_dir").unwrap_or_default();
        let mut layers: Vec<_> = document.layers.iter().collect();
        layers.sort_by_key(|layer| layer.rank);
        let mut dirs: Vec<PathBuf> = Vec::new();
        for layer in layers {
            let own = stated.iter().rfind(|text| layer.holds(text.span.start));
            let (dir, span) = match (own, dirs.last()) {
                (Some(text), _) => (document.path_of(text), text.span.clone()),
                (None, Some(lower)) => (lower.clone(), 0..0),
                (None, None) => {
                    if stated.is_empty() {
                        document.default("sql_dir".to_owned(), "\"../sql\"");
                    }
                    (join(layer.folder(), "../sql"), 0..0)
                }
            };
            // What a layer takes over from a lower one has been told there.
            if dirs.last() != Some(&dir) && !shipped::is_dir(&dir) {
                let what = format!("no such folder of SQL files: {}", dir.display());
                document.wrong(&span, what);
            }
            dirs.push(dir);
        }
        Self(dirs)
    }

    /// The folder for what stands at a place.
    pub(super) fn of(&self, document: &Document<'_>, span: &Range<usize>) -> &Path {
        let rank = document.layer(span).map_or(0, |layer| layer.rank);
        self.0.get(rank).map_or(Path::new(""), PathBuf::as_path)
    }

    /// A SQL file that is there; a problem names a similar one.
    pub(super) fn file(
        &self,
        document: &Document<'_>,
        value: &str,
        span: &Range<usize>,
    ) -> Option<PathBuf> {
        let dir = self.of(document, span);
        let path = join(dir, value);
        if shipped::is_file(&path) {
            return Some(path);
        }
        // A missing folder has been told once; repeating it for each file would bury the rest.
        if shipped::is_dir(dir) {
            let mut problem = document.at(span, format!("no such SQL file: {}", path.display()));
            problem.suggestion = similar_file(&path);
            document.problem(span, problem);
        }
        None
    }
}

/// Reads `views`.
pub(super) fn views(top: &mut Section<'_>, sql_dirs: &SqlDirs) -> Vec<(String, PathBuf)> {
    let document = top.document;
    let mut views: Vec<(String, PathBuf)> = Vec::new();
    for text in top.list("views").unwrap_or_default() {
        let name = Path::new(&text.value)
            .file_stem()
            .and_then(|s| s.to_str())
            .unwrap_or_default();
        if !is_sql_name(name) {
            let what = format!("`{name}` is no name for a view: letters, digits and `_` only");
            document.wrong(&text.span, what);
        } else if views.iter().any(|(known, _)| known == name) {
            document.wrong(&text.span, format!("two views are called `{name}`"));
        } else if let Some(path) = sql_dirs.file(document, &text.value, &text.span) {
            views.push((name.to_owned(), path));
        }
    }
    views
}

/// Reads `crosswalks`: folders, of which each lies over those before it. A file of one name in
/// several of them is one crosswalk.
pub(super) fn crosswalks(
    top: &mut Section<'_>,
    sql_dirs: &SqlDirs,
) -> BTreeMap<String, Vec<PathBuf>> {
    let document = top.document;
    let mut found: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for text in top.list("crosswalks").unwrap_or_default() {
        let folder = document.path_of(&text);
        if !shipped::is_dir(&folder) {
            let what = format!("no such folder of crosswalks: {}", folder.display());
            let mut problem = document.at(&text.span, what);
            // The commonest slip: a path meant from the SQL folder instead of from this file.
            if shipped::is_dir(&join(sql_dirs.of(document, &text.span), &text.value)) {
                problem.what.push_str(", paths start at the pipeline file");
            }
            document.problem(&text.span, problem);
        }
        for path in shipped::list(&folder) {
            if path.extension().is_none_or(|e| e != "csv") {
                continue;
            }
            let stem = path
                .file_stem()
                .and_then(|s| s.to_str())
                .unwrap_or_default();
            if is_sql_name(stem) {
                let files = found.entry(format!("xwalk_{stem}")).or_default();
                files.push(path);
                files.dedup();
            } else {
                let what =
                    "the name of a crosswalk file becomes a table's: letters, digits and `_`";
                document.problem(&text.span, Problem::new(&path, what));
            }
        }
    }
    found
}

/// SQL files beside used ones that nothing uses, and crosswalks that no SQL mentions: left-overs,
/// or a stanza that was forgotten.
pub(super) fn unused(
    document: &Document<'_>,
    used: &BTreeSet<PathBuf>,
    crosswalks: &BTreeMap<String, Vec<PathBuf>>,
) {
    let folders: BTreeSet<&Path> = used.iter().filter_map(|p| p.parent()).collect();
    for folder in folders {
        let mut files: Vec<PathBuf> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|e| e.path())
            .collect();
        files.sort();
        for path in files {
            if path.extension().is_some_and(|e| e == "sql") && !used.contains(&path) {
                document.warn(Problem::new(
                    &path,
                    "no resource and no view uses this SQL file",
                ));
            }
        }
    }
    let mut words = BTreeSet::new();
    for path in used {
        let text = shipped::read_to_string(path).unwrap_or_default();
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let names = text
            .split(|c| !is_word(c))
            .filter(|w| w.starts_with("xwalk_"));
        words.extend(names.map(str::to_owned));
    }
    for (table, files) in crosswalks {
        if let Some(path) = files.first()
            && !words.contains(table)
        {
            let what = format!("no SQL file of this pipeline uses `{table}`");
            document.warn(Problem::new(path, what));
        }
    }
}
