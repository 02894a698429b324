//! Embedded targets: servers that check what the real ones check, for demos and tests.
//!
//! Reads and writes: their own state folder. Never: any code of the client; they share only the
//! data standard's metadata, so that a fault of the client is not repeated here.

pub mod dis;
pub mod edfi;
mod log;
