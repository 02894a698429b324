//! `[sif]`: the version that objects are written in, and what RefIds are made of.
//!
//! Reads: the section. Writes: nothing. Never: opens the table of RefIds (the transform does).

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::TargetKind;
use super::check::existing_file;
use super::problem::Problem;
use super::section::{Document, Section, Text};
use super::sif_zone::{self, SifZone};
use crate::object::HeldIds;

/// Versions of the North American data models that objects can be written in.
const VERSIONS: &[&str] = &[
    "2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7", "4.0",
];

/// The version that is spoken unless a pipeline says otherwise.
const DEFAULT_VERSION: &str = "2.7";

/// What a pipeline to a SIF zone or provider has beside the others.
#[derive(Clone, Debug)]
pub struct Sif {
    /// The district's GUID, which all RefIds are made in. Changing it changes every RefId.
    pub district_guid: String,
    /// The highest version of the data model that is spoken (`2.7`); `2.0r1` and the like count as
    /// their version.
    pub version: String,
    /// RefIds that others already hold: `object,key,ref_id`, as CSV or Parquet.
    pub ref_ids: Option<RefIdFile>,
    /// The zone, and our agent in it (SIF 2.x).
    pub zone: SifZone,
}

/// A table of RefIds, and what was read of it: once, however many sessions use it.
#[derive(Clone, Debug)]
pub struct RefIdFile {
    /// The file.
    pub path: PathBuf,
    /// Its RefIds, once they were needed.
    pub loaded: Arc<OnceLock<Arc<HeldIds>>>,
}

impl Sif {
    /// Whether objects are those of SIF 3 (North American data model 4), whose RefIds have dashes.
    pub fn is_rest(&self) -> bool {
        self.version.starts_with('4')
    }
}

/// Reads `[sif]`; None for other targets, or with a problem recorded.
pub(super) fn read(top: &mut Section<'_>, target: Option<TargetKind>) -> Option<Sif> {
    if target != Some(TargetKind::Sif) {
        return None;
    }
    let Some(mut section) = top.section("sif") else {
        if !top.has("sif") {
            let what = "[sif] is missing: it needs district_guid = \"...\"";
            top.document
                .problem(&(0..0), Problem::new(top.document.path, what));
        }
        return None;
    };
    let document = section.document;
    let guid = district_guid(&mut section, "sif");
    if !section.has("version") {
        document.default(section.full("version"), format!("{DEFAULT_VERSION:?}"));
    }
    let version = match section.text("version") {
        Some(text) => version(document, &text),
        None => Some(DEFAULT_VERSION.to_owned()),
    };
    let ref_ids = ref_ids(&mut section);
    let zone = sif_zone::read(&mut section);
    section.finish();
    Some(Sif {
        district_guid: guid?,
        version: version?,
        ref_ids,
        zone,
    })
}

/// The district's GUID; None with a problem recorded.
pub(super) fn district_guid(section: &mut Section<'_>, name: &str) -> Option<String> {
    let guid = section.text("district_guid").map(|text| text.value);
    let guid = guid.map(|guid| guid.trim().to_owned());
    let guid = guid.filter(|guid| !guid.is_empty());
    if guid.is_none() {
        let what = format!(
            "[{name}] needs district_guid = \"...\": the district's GUID in the SIS, which all RefIds \
             are made of"
        );
        let place = section.place("district_guid");
        section.document.wrong(&place, what);
    }
    guid
}

/// The table of RefIds that others hold.
pub(super) fn ref_ids(section: &mut Section<'_>) -> Option<RefIdFile> {
    let text = section.text("ref_ids")?;
    let path = existing_file(section.document, &text)?;
    Some(RefIdFile {
        path,
        loaded: Arc::default(),
    })
}

/// A version that can be written, without its revision; None with a problem recorded.
fn version(document: &Document<'_>, text: &Text) -> Option<String> {
    let (plain, revision) = match text.value.split_once('r') {
        Some((plain, revision)) => (plain, Some(revision)),
        None => (text.value.as_str(), None),
    };
    let is_number = |r: &str| !r.is_empty() && r.bytes().all(|b| b.is_ascii_digit());
    if VERSIONS.contains(&plain) && revision.is_none_or(is_number) {
        return Some(plain.to_owned());
    }
    let what = format!("`sif.version` cannot be `{}`", text.value);
    let problem = document.at(&text.span, what);
    document.problem(
        &text.span,
        problem.choices(&text.value, VERSIONS.iter().copied()),
    );
    None
}

#[cfg(test)]
mod tests {
    use crate::pipeline::{Pipeline, TargetKind};

    fn load(sif: &str) -> Result<Pipeline, String> {
        let folder = tempfile::tempdir().unwrap();
        let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines/sif.toml");
        let text = format!("extends = \"{shipped}\"\n{sif}");
        let file = folder.path().join("sif.toml");
        std::fs::write(&file, text).unwrap();
        let path = file.to_str().unwrap();
        Pipeline::load(path, &|_| None).map_err(|problems| problems.to_string())
    }

    #[test]
    fn the_section_is_read() {
        let pipeline = load("").unwrap();
        assert_eq!(pipeline.target, TargetKind::Sif);
        let sif = pipeline.sif.unwrap();
        assert_eq!(sif.version, "2.7");
        assert!(!sif.is_rest() && sif.ref_ids.is_none());
        assert_eq!(sif.zone.contexts, ["SIF_Default"]);
        let two = load("[sif]\ncontexts = [\"SIF_Default\", \"Archive\"]").unwrap();
        assert_eq!(two.sif.unwrap().zone.contexts, ["SIF_Default", "Archive"]);
        let older = load("[sif]\nversion = \"2.0r1\"").unwrap();
        assert_eq!(older.sif.unwrap().version, "2.0");
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (sif, wanted) in [
            ("district_guid = \" \"", "district_guid = \"...\""),
            ("version = \"2.9\"", "`sif.version` cannot be `2.9`"),
            ("version = \"2.6rx\"", "cannot be `2.6rx`"),
            ("ref_ids = \"none.csv\"", "no such file"),
            ("guid = \"x\"", "district_guid"),
            ("contexts = []", "must name a context"),
            ("contexts = [\"a b\"]", "letters, digits"),
            ("contexts = [\"A\", \"A\"]", "stands there twice"),
        ] {
            let told = load(&format!("[sif]\n{sif}")).unwrap_err();
            assert!(told.contains(wanted), "{sif}: {told}");
        }
    }
}
