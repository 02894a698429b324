//! Telling people and programs how a run ended: a command, a webhook, a mail.
//!
//! Reads: the end of a run. Writes: to the channels that the pipeline names. Never: student data,
//! a server's words, an exit code of its own; a notification that fails is a warning.

mod channel;
mod message;

pub use message::Message;

use crate::pipeline::notify::Notice;

/// Tells every channel that wants to know of this end; returns what went wrong, one text each.
pub async fn tell(notices: &[Notice], message: &Message<'_>) -> Vec<String> {
    let mut failures = Vec::new();
    for notice in notices {
        if !notice.on.iter().any(|on| on.covers(message.exit)) {
            continue;
        }
        let name = notice.channel.name();
        match channel::tell(notice, message).await {
            Ok(()) => tracing::info!(channel = name, "told of the end of the run"),
            Err(error) => failures.push(format!("notification by {name} failed: {error}")),
        }
    }
    failures
}
