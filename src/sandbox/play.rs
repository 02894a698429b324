//! How a fault is played on one request: what of its work is done, and what comes back.
//!
//! Reads, writes: nothing of its own. Never: decides which request is hit (`fault_plan` does).

use std::time::Duration;

use hyper::Response;

use super::FaultKind;
use super::answer::{Answer, AnswerBody};

/// Plays a fault. `work` does the work of the request, `told` makes an answer of a status that was not
/// come by honestly, `expire` is what expired tokens look like here. None resets the connection.
pub(super) async fn play(
    fault: FaultKind,
    work: impl Fn() -> Answer,
    told: impl Fn(u16) -> Answer,
    expire: impl FnOnce() -> Option<Answer>,
) -> Option<Response<AnswerBody>> {
    let (answer, truncated) = match fault {
        FaultKind::TooManyRequests(after) => {
            (told(429).retry_after(after.unwrap_or_default()), false)
        }
        FaultKind::Status {
            status,
            retry_after,
            ..
        } => {
            let after = retry_after.unwrap_or_default();
            (told(status).retry_after(after), false)
        }
        FaultKind::Slow { ms } => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            (work(), false)
        }
        FaultKind::TruncatedBody { stored: true } => (work(), true),
        FaultKind::TruncatedBody { stored: false } => (told(200), true),
        FaultKind::Hang => std::future::pending().await,
        FaultKind::ResetAfterCommit => {
            work();
            return None;
        }
        FaultKind::ExpireTokens => (expire()?, false),
        FaultKind::Reset => return None,
    };
    Some(answer.into_response(truncated))
}
