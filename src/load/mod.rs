//! The loop that drives a target: schedule, feed, workers, token, retry, results, ledger.
//!
//! Reads: objects files, what is due, the target's answers. Writes: results files, journal
//! entries. Never: decides what an answer means (the target does).

mod answers;
mod api;
mod book;
mod caller;
mod claimed;
mod contested;
mod coordinator;
mod cut;
mod decisions;
pub mod discovery;
mod feed;
mod fill;
mod grant;
mod http;
mod moved;
mod objects;
mod operations;
mod pace;
mod pages;
mod pass;
mod provider;
mod regroup;
mod results;
mod retry;
mod run;
pub mod schedule;
mod session;
mod settled;
mod sink;
mod state;
mod token;
mod token_file;
mod withheld;
mod worker;

pub use answers::{Answer, Answers, Width};
pub use api::{Address, Api};
pub use book::Book;
pub use caller::{ApiError, Caller};
pub use contested::Claims;
pub use feed::FeedError;
pub use fill::Fill;
pub use http::client;
pub use moved::{Moved, Moves};
pub use objects::{Columns, Objects, ObjectsError, SERVER_ID, Scope};
pub use pages::{Question, Walk};
pub use provider::{Place, Provider};
pub use results::{ResultRow, ResultsError, ResultsWriter, schema as results_schema};
pub(crate) use retry::next_wait;
pub use run::{Deleting, Load, LoadError, LoadResource, Loaded};
pub use session::Login;
pub use sink::SinkError;
pub use state::{About, Limits, SchoolDigest, State, StateKey, Wanted};
pub use token::{Bearer, Token, TokenError};
pub use withheld::{Parents, Withheld, WithheldKeys};

use run::Shared;

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use crate::pipeline::LoadSettings;

    /// Settings for tests: quick, and small.
    pub(crate) fn settings() -> LoadSettings {
        LoadSettings {
            concurrency_start: 4,
            concurrency_max: 16,
            rate: None,
            window: None,
            max_attempts: 5,
            backoff_start: Duration::from_millis(4),
            backoff_max: Duration::from_millis(40),
            retry_after_max: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(2),
            request_timeout: Duration::from_secs(5),
            stop_after_same_refusals: 20,
            local_validation: true,
        }
    }
}
