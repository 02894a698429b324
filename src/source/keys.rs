//! Which keys of a table were met already.
//!
//! Reads: integers and 128-bit hashes. Writes: nothing. Never: forgets a key.
//!
//! Cost per row: a key of one integer column is kept as one bit in a word of 64 neighbours. Ids that
//! a database has counted up cost 0.3 to 0.6 bytes a row, ids scattered at random at most 39 bytes.
//! Any other key is kept as its 128-bit hash: 19 to 39 bytes a row, and among 10 million rows the
//! chance that two different keys are taken for one is below 1 in 10^24.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// Integer keys: by `id / 64`, the low bits as a set.
#[derive(Debug)]
pub(super) struct IntSet {
    words: HashMap<i64, u64, Mixing>,
    /// The word that is being filled, newer than the one in `words`: neighbours follow each other.
    last: (i64, u64),
}

/// All other keys, by their 128-bit hashes.
pub(super) type KeyHashSet = HashSet<u128, Mixing>;

impl IntSet {
    /// An empty set.
    pub(super) fn new() -> Self {
        Self {
            words: HashMap::default(),
            last: (0, 0),
        }
    }

    /// Adds a key; false when it was there.
    #[inline]
    pub(super) fn insert(&mut self, id: i64) -> bool {
        let (at, bit) = (id >> 6, 1u64 << (id & 63));
        if self.last.0 != at {
            self.words.insert(self.last.0, self.last.1);
            self.last = (at, self.words.get(&at).copied().unwrap_or(0));
        }
        let new = self.last.1 & bit == 0;
        self.last.1 |= bit;
        new
    }
}

/// One multiplication: ids and hashes need no more, and no stranger chooses them to collide.
#[derive(Debug, Default)]
pub(super) struct Multiply(u64);

/// Hash maps with [`Multiply`].
pub(super) type Mixing = BuildHasherDefault<Multiply>;

impl Hasher for Multiply {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.write_u64(u64::from(*b));
        }
    }

    fn write_u64(&mut self, value: u64) {
        let mixed = (self.0 ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn write_i64(&mut self, value: i64) {
        self.write_u64(value.cast_unsigned());
    }

    fn write_u128(&mut self, value: u128) {
        // The value is a hash already: its low half is enough.
        #[allow(clippy::cast_possible_truncation)]
        self.write_u64(value as u64);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_a_plain_set(ids in proptest::collection::vec(-300i64..300, 0..500)) {
            let (mut keys, mut plain) = (IntSet::new(), HashSet::new());
            for id in ids {
                prop_assert_eq!(keys.insert(id), plain.insert(id));
            }
        }
    }

    #[test]
    fn the_ends_of_the_range_are_keys_too() {
        let mut keys = IntSet::new();
        for id in [i64::MIN, i64::MAX, -1, 0, 63, 64] {
            assert!(keys.insert(id), "{id}");
        }
        for id in [i64::MIN, i64::MAX, -1, 0, 63, 64] {
            assert!(!keys.insert(id), "{id}");
        }
    }
}
