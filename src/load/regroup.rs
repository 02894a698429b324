//! Objects of one request that must go out again under another operation, apart from the others.
//!
//! Reads: verdicts. Writes: units. Never: settles anything.

use std::sync::Arc;

use crate::target::{Operation, Unit, Verdict};

/// A unit taken apart by its verdicts.
#[derive(Debug)]
pub(super) struct Regrouped {
    /// What goes out again: one unit for each operation.
    pub(super) again: Vec<Unit>,
    /// The others, with their verdicts; None where there are none.
    pub(super) rest: Option<(Unit, Vec<Verdict>)>,
}

/// Takes apart what has verdicts [`Verdict::Again`] for another operation than its own; None where
/// nothing has.
pub(super) fn regroup(unit: &Unit, verdicts: &[Verdict]) -> Option<Regrouped> {
    let (mut places, mut kept) = (Vec::new(), Vec::new());
    let mut groups: Vec<(Operation, Vec<usize>)> = Vec::new();
    for (i, verdict) in unit.range.clone().zip(verdicts) {
        match verdict {
            Verdict::Again(operation, _) if *operation != unit.operation => {
                match groups.iter_mut().find(|(of, _)| of == operation) {
                    Some((_, group)) => group.push(i),
                    None => groups.push((*operation, vec![i])),
                }
            }
            verdict => {
                places.push(i);
                kept.push(verdict.clone());
            }
        }
    }
    if groups.is_empty() {
        return None;
    }
    // Places are within the chunk, so that nothing can fail here.
    let of = |places: &[usize], operation| {
        let chunk = unit.chunk.pick(places).ok()?;
        Some(Unit {
            range: 0..chunk.len(),
            chunk: Arc::new(chunk),
            operation,
        })
    };
    let again = groups
        .iter()
        .map(|(operation, group)| of(group, *operation));
    let again: Vec<Unit> = again.collect::<Option<_>>()?;
    let rest = match places.is_empty() {
        true => None,
        false => Some((of(&places, unit.operation)?, kept)),
    };
    Some(Regrouped { again, rest })
}

#[cfg(test)]
pub(super) mod tests {
    use arrow::array::{FixedSizeBinaryArray, Int64Array, StringArray};

    use super::*;
    use crate::object::{Encoded, KeyHash, Reason, Refusal};
    use crate::target::Chunk;

    pub(in crate::load) fn unit() -> Unit {
        let keys = ["a", "b", "c", "d"];
        let hashes = || {
            let each = keys.iter().map(|key| KeyHash::of(key).to_bytes());
            FixedSizeBinaryArray::try_from_iter(each).unwrap()
        };
        let texts = || StringArray::from(keys.to_vec());
        let chunk = Chunk {
            resource: 7,
            rows: vec![10, 11, 12, 13],
            keys: texts(),
            key_hashes: hashes(),
            content_hashes: hashes(),
            source_tables: texts(),
            source_keys: texts(),
            scope: std::array::from_fn(|_| Int64Array::from(vec![Some(1), None, Some(3), None])),
            bodies: Encoded::from_parts("<a/><bb/><ccc/><d/>".into(), vec![4, 9, 15, 19]),
            ids: None,
            why: None,
        };
        Unit {
            chunk: Arc::new(chunk),
            range: 1..4,
            operation: Operation::Upsert,
        }
    }

    fn again() -> Verdict {
        let refusal = Refusal {
            reason: Reason::fixed("conflict"),
            status: 409,
            message: String::new(),
        };
        Verdict::Again(Operation::Replace, refusal)
    }

    #[test]
    fn what_goes_out_again_goes_together_and_keeps_its_rows_and_bodies() {
        let created = Verdict::Created { id: "c".to_owned() };
        let parts = regroup(&unit(), &[again(), created.clone(), again()]).unwrap();
        let [replace] = &parts.again[..] else {
            panic!("{:?}", parts.again)
        };
        assert_eq!(replace.operation, Operation::Replace);
        assert_eq!((replace.range.clone(), replace.chunk.resource), (0..2, 7));
        assert_eq!(replace.chunk.rows, [11, 13]);
        assert_eq!(replace.chunk.key(1), "d");
        assert_eq!(replace.chunk.key_hash(1), KeyHash::of("d"));
        assert_eq!(replace.chunk.body(0), "<bb/>");
        assert_eq!(replace.chunk.body(1), "<d/>");
        assert_eq!(replace.chunk.scope(0, 0), None);
        let (rest, verdicts) = parts.rest.unwrap();
        assert_eq!(
            (rest.chunk.rows.as_slice(), verdicts),
            (&[12][..], vec![created])
        );
        assert_eq!(rest.operation, Operation::Upsert);
    }

    #[test]
    fn all_or_nothing_may_go_out_again() {
        let parts = regroup(&unit(), &vec![again(); 3]).unwrap();
        assert!(parts.rest.is_none());
        assert_eq!(parts.again[0].len(), 3);
        assert!(regroup(&unit(), &vec![Verdict::Deleted; 3]).is_none());
        // What is to go out as it was would go round for ever.
        let mut replaced = unit();
        replaced.operation = Operation::Replace;
        assert!(regroup(&replaced, &vec![again(); 3]).is_none());
    }
}
