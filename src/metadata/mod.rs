//! Data standards: resources, fields, keys, references, descriptors, dependency edges.
//!
//! Reads: the shipped metadata file, or a target's OpenAPI, dependency and descriptor documents.
//! Writes: a metadata file (`fullsync metadata import`). Never: HTTP.

mod diff;
mod error;
pub mod import;
mod model;
mod order;
pub mod publish;
mod reference;
mod standard;

pub use diff::diff;
pub use error::MetadataError;
pub use model::{Field, KeyPart, Kind, ResourceMeta, Standard, XmlForm, XmlNode};
pub use reference::{Pointed, ReferenceColumns};
pub use standard::{DESCRIPTOR_MAX, Known};

#[cfg(test)]
mod shipped;
