//! Units in two: what one request cannot carry goes out in several.
//!
//! Reads: units, what the target takes. Writes: units. Never: settles anything.

use crate::target::{Operation, Packing, Unit};

/// The unit in two; None when it holds one object only.
pub(super) fn halves(unit: &Unit) -> Option<(Unit, Unit)> {
    at(unit, unit.len() / 2)
}

/// As much as the target takes now, and the rest; None where it takes all of it. A unit may have
/// been cut when the target took more.
pub(super) fn fitting(unit: &Unit, most: Packing) -> Option<(Unit, Unit)> {
    let bodies = &unit.chunk.bodies;
    let from = bodies.range(unit.range.start).start;
    let deletes = unit.operation == Operation::Delete;
    let fits = |i: &usize| deletes || bodies.range(*i).end.saturating_sub(from) <= most.bytes;
    let places = unit.range.clone().take(most.objects);
    let first = places.take_while(fits).count().max(1);
    (first < unit.len()).then(|| at(unit, first)).flatten()
}

/// So many objects, and the others; None where one part would be empty.
fn at(unit: &Unit, first: usize) -> Option<(Unit, Unit)> {
    let (start, end) = (unit.range.start, unit.range.end);
    let middle = start + first;
    let part = |range| Unit {
        range,
        ..unit.clone()
    };
    (middle > start && middle < end).then(|| (part(start..middle), part(middle..end)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::regroup::tests::unit;

    fn ranges(parts: Option<(Unit, Unit)>) -> Option<[std::ops::Range<usize>; 2]> {
        parts.map(|(first, second)| [first.range, second.range])
    }

    #[test]
    fn what_is_too_much_by_now_goes_out_in_two() {
        let of = |objects, bytes| ranges(fitting(&unit(), Packing { objects, bytes }));
        assert_eq!(of(3, 15), None);
        assert_eq!(of(2, 15), Some([1..3, 3..4]));
        assert_eq!(of(3, 14), Some([1..3, 3..4]));
        // One object may be larger than allowed, alone.
        assert_eq!(of(3, 1), Some([1..2, 2..4]));
        let mut deletes = unit();
        deletes.operation = Operation::Delete;
        let packing = Packing {
            objects: 3,
            bytes: 1,
        };
        assert_eq!(ranges(fitting(&deletes, packing)), None);
    }

    #[test]
    fn halves_are_none_of_one() {
        assert_eq!(ranges(halves(&unit())), Some([1..2, 2..4]));
        let mut one = unit();
        one.range = 2..3;
        assert_eq!(ranges(halves(&one)), None);
    }
}
