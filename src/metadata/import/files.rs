//! The files of an import, as `fullsync metadata import` names them.
//!
//! Reads: OpenAPI, dependency, descriptor and SQL files. Writes: nothing. Never: HTTP.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Descriptors, Documents, Imported, import};
use crate::metadata::{MetadataError, Standard};

/// Where the documents are.
#[derive(Clone, Debug, Default)]
pub struct ImportFiles {
    /// OpenAPI 3 or Swagger 2 of the resources, JSON.
    pub openapi: PathBuf,
    /// GraphML, or the JSON list of levels.
    pub dependencies: Option<PathBuf>,
    /// A folder of descriptor XML files, one such file, or a JSON file of a server's answers.
    pub descriptors: Option<PathBuf>,
    /// SQL files with tables and foreign keys.
    pub ddl: Vec<PathBuf>,
    /// Name of the standard; empty: as [`Documents::name`].
    pub name: String,
    /// Origin and licence; empty: as [`Documents::notice`].
    pub notice: String,
}

/// Reads the files and imports them. With tables the result depends on the files alone; without,
/// the shipped standard tells the keys that the files do not.
///
/// # Errors
/// [`MetadataError`], with the file's path.
pub fn from_files(files: &ImportFiles) -> Result<Imported, MetadataError> {
    let openapi = json(&files.openapi)?;
    let dependencies = files.dependencies.as_deref().map(read).transpose()?;
    let descriptors = files.descriptors.as_deref().map(descriptors).transpose()?;
    let ddl = files
        .ddl
        .iter()
        .map(|p| read(p))
        .collect::<Result<Vec<_>, _>>()?;
    let base = ddl.is_empty().then(Standard::shipped);
    let documents = Documents {
        name: &files.name,
        notice: &files.notice,
        openapi: &openapi,
        dependencies: dependencies.as_deref(),
        descriptors: descriptors.as_ref(),
        ddl: &ddl,
    };
    import(&documents, base.as_deref())
}

fn descriptors(path: &Path) -> Result<Descriptors, MetadataError> {
    let mut found = Descriptors::new();
    if !path.is_dir() {
        one(path, &mut found)?;
        return Ok(found);
    }
    let failed = |source| MetadataError::Read {
        path: path.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if ["xml", "json"].iter().any(|e| has_extension(&file, e)) {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        let problem = "holds no .xml or .json file";
        return Err(MetadataError::shape(path.display().to_string(), problem));
    }
    for file in &files {
        one(file, &mut found)?;
    }
    Ok(found)
}

fn one(path: &Path, into: &mut Descriptors) -> Result<(), MetadataError> {
    if has_extension(path, "xml") {
        into.add_xml(&path.display().to_string(), &read(path)?)
    } else {
        into.add_json(&json(path)?)
    }
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension()
        .is_some_and(|e| e.eq_ignore_ascii_case(wanted))
}

fn json(path: &Path) -> Result<Value, MetadataError> {
    serde_json::from_str(&read(path)?).map_err(|source| MetadataError::Json {
        document: path.display().to_string(),
        source,
    })
}

fn read(path: &Path) -> Result<String, MetadataError> {
    std::fs::read_to_string(path).map_err(|source| MetadataError::Read {
        path: path.to_owned(),
        source,
    })
}
