//! Reading a state's answers: results record by record, and what a refusal says.

use std::borrow::Cow;

use serde::Deserialize;

use crate::object::{KeyHash, Reason, Refusal};
use crate::target::{Operation, Unit, Verdict};

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    results: Vec<Record<'a>>,
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    result: Result,
    change: Option<Change>,
    #[serde(borrow)]
    code: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Result {
    Accepted,
    Unchanged,
    Rejected,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Change {
    Created,
    Updated,
    Deleted,
    Absent,
}

/// The verdicts of an answer, one per record in the order sent.
///
/// # Errors
/// Why the answer is not complete: it cannot be read, has results left out or too many, or names
/// another record at some place. Nothing of it counts then.
pub(super) fn read(
    body: &[u8],
    unit: &Unit,
) -> std::result::Result<Vec<(Option<KeyHash>, Verdict)>, String> {
    let answer: Answer<'_> = serde_json::from_slice(body)
        .map_err(|e| format!("the answer cannot be read as results: {e}"))?;
    let (sent, answered) = (unit.len(), answer.results.len());
    if sent != answered {
        return Err(format!("{sent} records were sent, {answered} are answered"));
    }
    let mut verdicts = Vec::with_capacity(sent);
    for (place, (i, record)) in unit.range.clone().zip(answer.results).enumerate() {
        if record.key != unit.chunk.key(i) {
            return Err(format!("result {place} (from 0) names another record"));
        }
        verdicts.push((Some(unit.chunk.key_hash(i)), verdict(unit, record)));
    }
    Ok(verdicts)
}

fn verdict(unit: &Unit, record: Record<'_>) -> Verdict {
    let id = String::new();
    match (record.result, record.change) {
        (Result::Rejected, _) => Verdict::Failed(Refusal {
            reason: record
                .code
                .and_then(|code| Reason::parse(&code))
                .unwrap_or(Reason::fixed("refused")),
            status: 200,
            message: record.message.unwrap_or_default().into_owned(),
        }),
        (_, Some(Change::Absent)) => Verdict::AlreadyGone,
        _ if unit.operation == Operation::Delete => Verdict::Deleted,
        (Result::Unchanged, _) => Verdict::Unchanged { id },
        (Result::Accepted, Some(Change::Created)) => Verdict::Created { id },
        (Result::Accepted, _) => Verdict::Updated { id },
    }
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// What a refusal of the whole request says: its code and message, or nothing.
pub(super) fn message(body: &[u8]) -> String {
    match serde_json::from_slice::<Told>(body) {
        Ok(told) if told.code.is_empty() => told.message,
        Ok(told) => format!("{}: {}", told.code, told.message),
        Err(_) => String::new(),
    }
}
