//! From the statuses of a bulk request to one verdict per object.

use std::collections::HashMap;

use super::{IdMap, Rules, body};
use crate::object::{KeyHash, Reason, Refusal};
use crate::sif3::{Bulk, ObjectStatus, canonical};
use crate::target::{Operation, Unit, Verdict};

/// The verdicts, in the order sent. An object that the answer does not name has failed
/// (`no_status`): a provider that takes a request as a whole may still have dropped it.
pub(super) fn verdicts(
    unit: &Unit,
    bulk: &Bulk,
    http: u16,
    rules: &Rules,
    ids: Option<&IdMap>,
) -> Vec<(Option<KeyHash>, Verdict)> {
    let mut named: HashMap<&str, &ObjectStatus> = HashMap::with_capacity(bulk.objects.len());
    for object in &bulk.objects {
        // Named twice: the worse counts.
        let place = named.entry(&object.sent).or_insert(object);
        if succeeded(place) && !succeeded(object) {
            *place = object;
        }
    }
    let one = |i: usize| {
        let ref_id = body::ref_id(unit, i);
        let sent_as = match unit.operation {
            Operation::Upsert => ref_id.to_owned(),
            _ => body::id(unit, i, ids),
        };
        let verdict = match named.get(&*canonical(&sent_as)) {
            Some(object) => verdict(unit.operation, ref_id, &sent_as, object, rules),
            None => failed(
                "no_status",
                http,
                "the answer has no status for this object".to_owned(),
            ),
        };
        if let Some(ids) = ids {
            match &verdict {
                Verdict::Created { id } => ids.learn(ref_id, id),
                Verdict::Deleted | Verdict::AlreadyGone => ids.forget(ref_id),
                _ => {}
            }
        }
        (Some(unit.chunk.key_hash(i)), verdict)
    };
    unit.range.clone().map(one).collect()
}

fn succeeded(object: &ObjectStatus) -> bool {
    matches!(object.status, Some(200..=299))
}

fn verdict(
    operation: Operation,
    ref_id: &str,
    sent_as: &str,
    object: &ObjectStatus,
    rules: &Rules,
) -> Verdict {
    let told = |reason, status| failed_refusal(reason, status, object.message.clone());
    let Some(status) = object.status else {
        return Verdict::Failed(told("no_status", 0));
    };
    let id = match &*object.id {
        "" => sent_as.to_owned(),
        id => id.to_owned(),
    };
    let delete = operation == Operation::Delete;
    match (operation, status) {
        (_, 200..=299) if delete => Verdict::Deleted,
        (Operation::Upsert, 200..=299) => {
            if rules.must_use_advisory && canonical(&id) != canonical(ref_id) {
                let message = "the provider was told to keep the RefId, and has given another id";
                return Verdict::Failed(failed_refusal("other_id", status, message.to_owned()));
            }
            match status {
                200 => Verdict::Updated { id },
                _ => Verdict::Created { id },
            }
        }
        (_, 200..=299) => Verdict::Updated { id },
        (_, 404 | 410) if delete => Verdict::AlreadyGone,
        (Operation::Upsert, 409) => Verdict::Again(Operation::Replace, told("conflict", status)),
        (Operation::Replace, 404 | 410) => {
            Verdict::Again(Operation::Upsert, told("not_at_target", status))
        }
        // Its time may come when the rest is through.
        (_, 408 | 429 | 500..=599) => Verdict::Park(told("server_error", status)),
        (_, 401 | 403) => Verdict::Failed(told("access_denied", status)),
        (_, 404) => Verdict::Failed(told("not_found", status)),
        (_, 409) => Verdict::Failed(told("conflict", status)),
        (_, 413) => Verdict::Failed(told("too_large", status)),
        _ => Verdict::Failed(told("invalid_object", status)),
    }
}

fn failed(reason: &'static str, status: u16, message: String) -> Verdict {
    Verdict::Failed(failed_refusal(reason, status, message))
}

pub(super) fn failed_refusal(reason: &'static str, status: u16, message: String) -> Refusal {
    Refusal {
        reason: Reason::fixed(reason),
        status,
        message,
    }
}
