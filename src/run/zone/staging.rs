//! The steps of a setup that the staged objects tell of: schools, grade levels; and the zone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arrow::array::Array as _;

use super::check::Found;
use crate::load::{Columns, Objects, ObjectsError};
use crate::pipeline::{Connection, Pipeline, Sif, ZoneKind};
use crate::run::RunError;
use crate::sif::{ZoneError, ZoneStatus};

/// The object that schools are given as.
const SCHOOLS: &str = "SchoolInfo";
/// The crosswalk of grade levels, as details of rejects name it.
const GRADES: &str = "grade_level=";
/// Most things of one kind that are named.
const NAMED: usize = 10;

/// The objects that the check has made.
pub(super) struct Staging<'a> {
    pub(super) objects: PathBuf,
    pub(super) names: &'a [String],
    pub(super) year: Option<i32>,
}

impl Staging<'_> {
    fn file(&self, name: &str) -> PathBuf {
        self.objects.join(format!("{name}.parquet"))
    }

    pub(super) fn schools(&self, pipeline: &Pipeline) -> Result<Found, RunError> {
        if !self.names.iter().any(|n| n == SCHOOLS) {
            return Ok(Ok(format!("{SCHOOLS} is not provided")));
        }
        let (mut without, mut schools) = (Vec::new(), 0_u64);
        held(&self.file(SCHOOLS), |key, reason, detail| {
            schools += 1;
            if !reason.is_empty() && !detail.contains(GRADES) {
                without.push(format!("school {key} ({detail})"));
            }
        })?;
        Ok(match (schools, without.is_empty()) {
            (0, _) => Err((
                "no school is in scope".to_owned(),
                format!(
                    "schools need a calendar of the school year, and must not be excluded; look at \
                     [scope] schools: fullsync schools {}",
                    pipeline.name
                ),
            )),
            (n, true) => Ok(format!("{n} schools, each with its code")),
            (n, false) => Err((
                format!("{} of {n} schools: {}", without.len(), some(&without)),
                "give each school its number (and state standard code) in the SIS".to_owned(),
            )),
        })
    }

    pub(super) fn grades(&self, pipeline: &Pipeline) -> Result<Found, RunError> {
        let (mut codes, mut objects) = (BTreeSet::new(), 0_u64);
        for name in self.names {
            held(&self.file(name), |_, _, detail| {
                let named = detail
                    .split([';', ' '])
                    .filter_map(|part| part.strip_prefix(GRADES));
                let before = codes.len();
                codes.extend(named.map(str::to_owned));
                objects += u64::from(codes.len() > before || detail.contains(GRADES));
            })?;
        }
        if codes.is_empty() {
            return Ok(Ok("every grade level in use has a SIF code".to_owned()));
        }
        let codes: Vec<String> = codes.into_iter().collect();
        let file = pipeline.crosswalks.get("xwalk_grade_level");
        let file = file
            .and_then(|files| files.last())
            .map(|path| path.display().to_string());
        Ok(Err((
            format!(
                "no SIF grade level for {}; {objects} objects are rejected for it",
                some(&codes)
            ),
            format!(
                "add a line for each to the crosswalk {}",
                file.unwrap_or_else(|| "grade_level".to_owned())
            ),
        )))
    }

    pub(super) fn zone(
        &self,
        pipeline: &Pipeline,
        sif: &Sif,
        status: &Result<Option<ZoneStatus>, ZoneError>,
    ) -> Found {
        let settings = &sif.zone;
        let (sandbox, url) = match &pipeline.connection {
            Connection::Sandbox => (true, "the embedded sandbox"),
            Connection::Server { url, .. } => (false, url.as_str()),
        };
        if settings.kind == ZoneKind::Vertical && !sandbox && !url.starts_with("https://") {
            return Err((
                format!("{url} of a vertical zone is not encrypted"),
                "student data leaves the district: use the https:// URL of the state's zone"
                    .to_owned(),
            ));
        }
        let told = match status {
            Err(error) => {
                return Err((
                    error.to_string(),
                    "check url and credentials under [connection], and that the zone is up"
                        .to_owned(),
                ));
            }
            Ok(told) => told.as_ref().map(|status| status.zone.as_str()),
        };
        // The embedded zone bears the name that it likes.
        match told.filter(|id| !id.is_empty() && *id != settings.zone && !sandbox) {
            Some(id) => Err((
                format!(
                    "the zone at {url} is `{id}`, the pipeline says `{}`",
                    settings.zone
                ),
                format!("write zone = \"{id}\" under [sif], or mend url under [connection]"),
            )),
            None => Ok(format!(
                "{} zone {} at {url}, school year {}",
                settings.kind.as_str(),
                settings.zone,
                self.year.map_or("unknown".to_owned(), |y| y.to_string()),
            )),
        }
    }
}

/// Source key, reason and detail of each row of an objects file; the latter two empty where nothing
/// holds it back.
fn held(path: &Path, mut visit: impl FnMut(&str, &str, &str)) -> Result<(), ObjectsError> {
    let objects = Objects::open(path)?;
    for group in objects.groups() {
        objects.read(
            group,
            Columns::Scope,
            |_| true,
            |_, batch| {
                let scope = objects.scope(&batch)?;
                for i in 0..batch.num_rows() {
                    let text = |column: &arrow::array::StringArray| match column.is_valid(i) {
                        true => column.value(i).to_owned(),
                        false => String::new(),
                    };
                    visit(
                        scope.source_key.value(i),
                        &text(&scope.reason),
                        &text(&scope.detail),
                    );
                }
                Ok::<_, ObjectsError>(true)
            },
        )?;
    }
    Ok(())
}

/// The first few, and how many more.
pub(super) fn some(all: &[String]) -> String {
    let named = all
        .get(..NAMED.min(all.len()))
        .unwrap_or_default()
        .join(", ");
    match all.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
