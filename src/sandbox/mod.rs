//! Embedded targets: servers that check what the real ones check, for demos and tests.
//!
//! Reads and writes: their own state folder. Never: any code of the client; they share only the
//! data standard's metadata, so that a fault of the client is not repeated here.
//!
//! What all have alike stands here: listening and closing , answers (the broken ones,
//! too), faults, the log of a state folder.

mod answer;
pub mod dis;
pub mod edfi;
mod error;
mod fault;
mod fault_plan;
mod log;
mod play;
mod retry_after;
mod server;
pub mod sif;
pub mod sif3;

pub use error::SandboxError;
pub use fault::{Fault, FaultBody, FaultError, FaultKind};
pub use retry_after::RetryAfter;
