//! Random draws that depend on nothing but the seed and what they are for.
//!
//! Reads: nothing. Writes: nothing. Never: keeps state, so no draw can shift another one.

use xxhash_rust::xxh3::xxh3_64;

/// The source of all draws of one district.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw {
    seed: u64,
}

/// The draws of one thing: a table's or topic's row by its ordinal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lot {
    state: u64,
}

impl Draw {
    /// Draws keyed by this seed.
    pub(super) fn new(seed: u64) -> Self {
        Self { seed: mix(seed) }
    }

    /// The draws of row `ordinal` of `topic`.
    pub(super) fn of(self, topic: &str, ordinal: u64) -> Lot {
        Lot {
            state: mix(mix(self.seed ^ xxh3_64(topic.as_bytes())) ^ ordinal),
        }
    }
}

impl Lot {
    /// 64 random bits for a field.
    pub(super) fn bits(self, field: &str) -> u64 {
        mix(self.state ^ xxh3_64(field.as_bytes()))
    }

    /// A number from 0 to `n - 1`; 0 when `n` is 0.
    pub(super) fn below(self, field: &str, n: u64) -> u64 {
        let wide = u128::from(self.bits(field)) * u128::from(n);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// [`Self::below`] for indices.
    pub(super) fn index(self, field: &str, n: usize) -> usize {
        usize::try_from(self.below(field, n as u64)).unwrap_or(0)
    }

    /// True for this share of ordinals, in thousandths.
    pub(super) fn chance(self, field: &str, per_mille: u64) -> bool {
        self.below(field, 1000) < per_mille
    }

    /// One of the items.
    pub(super) fn pick<'a>(self, field: &str, items: &[&'a str]) -> &'a str {
        items
            .get(self.index(field, items.len()))
            .copied()
            .unwrap_or("")
    }
}

/// The finalizer of SplitMix64: a bijection that spreads every input bit over all output bits.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_seed_topic_ordinal_and_field() {
        let bits = |seed, topic, n, field| Draw::new(seed).of(topic, n).bits(field);
        let base = bits(1, "Student", 7, "grade");
        assert_eq!(base, bits(1, "Student", 7, "grade"));
        for other in [
            bits(2, "Student", 7, "grade"),
            bits(1, "Staff", 7, "grade"),
            bits(1, "Student", 8, "grade"),
            bits(1, "Student", 7, "sex"),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn draws_are_spread_evenly() {
        let draw = Draw::new(42);
        let mut counts = [0u32; 10];
        for n in 0..10_000 {
            counts[draw.of("x", n).index("y", 10)] += 1;
        }
        assert!(counts.iter().all(|c| (850..1150).contains(c)), "{counts:?}");
    }
}
