//! SIF 3 over REST: what both sides write to each other beside the objects themselves.
//!
//! Reads: environments, answers to bulk requests, errors. Writes: the wish for an environment,
//! signatures. Never: I/O, clocks.
//! Source: SIF infrastructure 3.3; recorded conversations of a provider.

mod environment;
mod outcome;
mod signature;

pub use environment::{Environment, Right, Wish};
pub use outcome::{Bulk, ObjectStatus, canonical, refusal};
pub use signature::Scheme;

/// The namespace of an infrastructure version (`3.3`).
pub fn namespace(version: &str) -> String {
    format!("http://www.sifassociation.org/infrastructure/{version}")
}

/// The service, and the element around many, of an object: always with an `s` (`xStaffs`,
/// `CalendarSummarys`).
pub fn plural(object: &str) -> String {
    format!("{object}s")
}
