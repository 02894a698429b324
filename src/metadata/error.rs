//! What can be wrong with metadata files and with the documents they are made from.
//!
//! Reads: nothing. Writes: nothing. Never: I/O.

use std::path::PathBuf;

/// Why metadata could not be read or derived.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// A file could not be read.
    #[error("{}: cannot be read", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// As the file system says.
        source: std::io::Error,
    },
    /// A metadata file is not what [`super::Standard::to_json`] writes.
    #[error(
        "{}: is no metadata file of this version; make it anew with `fullsync metadata import`",
        path.display()
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// Where the JSON fails.
        source: serde_json::Error,
    },
    /// A document is not JSON.
    #[error("{document}: is not JSON; give the document as the server answers it")]
    Json {
        /// Which document: its path or its role.
        document: String,
        /// Where the JSON fails.
        source: serde_json::Error,
    },
    /// A document is not well-formed XML.
    #[error("{document}: is not well-formed XML, near byte {position}")]
    Xml {
        /// Which document: its path or its role.
        document: String,
        /// Byte offset.
        position: u64,
        /// What the parser says.
        source: quick_xml::Error,
    },
    /// A document parses, but is not the kind of document that it is given as.
    #[error("{document}: {problem}")]
    Shape {
        /// Which document: its path or its role.
        document: String,
        /// What is missing or wrong, and what was expected.
        problem: String,
    },
}

impl MetadataError {
    /// A document of the wrong shape.
    pub(super) fn shape(document: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Shape {
            document: document.into(),
            problem: problem.into(),
        }
    }
}
