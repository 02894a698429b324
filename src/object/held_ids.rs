//! RefIds that others already hold, from an earlier agent: they stand for those that we would make.
//!
//! Reads, writes: nothing. Never: more than 32 bytes per RefId.

use super::RefId;

/// RefIds by those that they stand for. Sorted: a look-up is a binary search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldIds(Vec<(RefId, RefId)>);

/// Why pairs cannot be used together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clash {
    /// One object has two RefIds: the one that we would make of it, and both.
    TwoForOne(RefId, RefId, RefId),
    /// Two objects have one RefId.
    OneForTwo(RefId),
}

impl HeldIds {
    /// Of pairs (the RefId that we would make, the one that is held).
    ///
    /// # Errors
    /// Pairs that contradict each other; a pair that is there twice is none of them.
    pub fn new(mut pairs: Vec<(RefId, RefId)>) -> Result<Self, Clash> {
        pairs.sort_unstable_by_key(|(own, held)| (*held, *own));
        pairs.dedup();
        let clash = pairs.windows(2).find_map(|pair| match pair {
            [(_, a), (_, b)] if a == b => Some(Clash::OneForTwo(*a)),
            _ => None,
        });
        if let Some(clash) = clash {
            return Err(clash);
        }
        pairs.sort_unstable();
        let clash = pairs.windows(2).find_map(|pair| match pair {
            [(a, first), (b, second)] if a == b => Some(Clash::TwoForOne(*a, *first, *second)),
            _ => None,
        });
        match clash {
            Some(clash) => Err(clash),
            None => {
                pairs.shrink_to_fit();
                Ok(Self(pairs))
            }
        }
    }

    /// The RefId of an object: the one that is held, or else our own.
    pub fn of(&self, own: RefId) -> RefId {
        let found = self.0.binary_search_by(|(known, _)| known.cmp(&own));
        let held = found.ok().and_then(|at| self.0.get(at));
        held.map_or(own, |(_, held)| *held)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::RefIds;

    #[test]
    fn a_held_one_stands_for_ours() {
        let ids = RefIds::of_district("district");
        let own = |key: &str| ids.ref_id("StudentPersonal", key);
        let held = |key: &str| ids.ref_id("an earlier agent", key);
        let pairs: Vec<_> = (0..100).map(|n| n.to_string()).collect();
        let pairs = pairs.iter().map(|n| (own(n), held(n)));
        let twice: Vec<_> = pairs.clone().chain(pairs).collect();
        let table = HeldIds::new(twice).unwrap();
        assert_eq!(table.len(), 100);
        assert_eq!(table.of(own("7")), held("7"));
        assert_eq!(table.of(own("100")), own("100"));
        let two = vec![(own("1"), held("1")), (own("1"), held("2"))];
        let clash = Clash::TwoForOne(own("1"), held("1").min(held("2")), held("1").max(held("2")));
        assert_eq!(HeldIds::new(two), Err(clash));
        let one = vec![(own("1"), held("1")), (own("2"), held("1"))];
        assert_eq!(HeldIds::new(one), Err(Clash::OneForTwo(held("1"))));
    }
}
