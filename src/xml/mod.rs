//! Objects as XML, for the standards that are written in it: element order, attributes, versions
//! and lists come from the metadata, values from record batches.
//!
//! Reads: record batches, metadata. Writes: bytes. Never: I/O, or an allocation per value.

mod batch;
mod plan;
mod text;
mod version;

pub use batch::XmlBatch;
pub use plan::{Element, XmlPlan};
pub use text::{escape_attribute, escape_text};
pub use version::Version;
