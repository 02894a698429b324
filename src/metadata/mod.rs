//! Data standards: resources, fields, keys, references, descriptors, dependency edges.
//!
//! Reads: the shipped metadata file, or a target's OpenAPI, dependency and descriptor documents.
//! Writes: a metadata file (`fullsync metadata import`). Never: HTTP.

mod model;
mod reference;

pub use model::{Field, KeyPart, Kind, ResourceMeta, Standard};
pub use reference::ReferenceColumns;
