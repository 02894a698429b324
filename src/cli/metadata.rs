//! Arguments of `fullsync metadata ...`.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Works on the metadata file of a data standard.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct MetadataArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: MetadataCommand,
}

/// What can be done with metadata.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum MetadataCommand {
    Import(ImportArgs),
}

/// Makes a metadata file from a target's public documents.
///
/// The documents are files; fetch them from the target's metadata endpoint first. A pipeline uses
/// the result with metadata = "FILE".
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Examples:
  fullsync metadata import --openapi swagger.json --dependencies dependencies.graphml \\
    --descriptors descriptors/ --out pipelines/metadata/ours.json")]
pub struct ImportArgs {
    /// OpenAPI 3 or Swagger 2 document of the resources, JSON.
    #[arg(long, value_name = "FILE")]
    pub openapi: PathBuf,

    /// Dependencies: GraphML, or the JSON list of levels.
    #[arg(long, value_name = "FILE")]
    pub dependencies: Option<PathBuf>,

    /// Descriptors: a folder of XML files, one such file, or a JSON file of the target's answers.
    #[arg(long, value_name = "PATH")]
    pub descriptors: Option<PathBuf>,

    /// SQL files with the target's tables, for the natural keys. Can be given several times.
    #[arg(long, value_name = "FILE")]
    pub ddl: Vec<PathBuf>,

    /// Name and version of the standard.
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,

    /// Origin and licence of the documents.
    #[arg(long, value_name = "TEXT")]
    pub notice: Option<String>,

    /// The metadata file to write.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}
