//! The order of loading: direct edges, and what they mean among a selection of resources.
//!
//! Reads: a standard's edges. Writes: nothing. Never: I/O.

use std::collections::{BTreeMap, BTreeSet};

use super::Standard;

impl Standard {
    /// The resources that must be loaded before this one, by direct edges, sorted.
    pub fn prerequisites(&self, name: &str) -> Vec<&str> {
        let mut found: Vec<&str> = self
            .edges
            .iter()
            .filter(|(_, to)| to == name)
            .map(|(from, _)| from.as_str())
            .collect();
        found.sort_unstable();
        found
    }

    /// Whether a record of this resource may get another natural key without being sent anew: its
    /// own key can be changed by a PUT, or that of a resource that it depends on, which takes it
    /// along.
    pub fn keys_may_move(&self, name: &str) -> bool {
        let updatable = |name: &str| self.resource(name).is_some_and(|r| r.key_updatable);
        let edges = self.edge_map();
        let mut seen = BTreeSet::new();
        let mut next = vec![name];
        while let Some(name) = next.pop() {
            if updatable(name) {
                return true;
            }
            if seen.insert(name) {
                next.extend(edges.get(name).into_iter().flatten());
            }
        }
        false
    }

    /// The resources that wait for this one, by direct edges, sorted.
    pub fn dependents(&self, name: &str) -> Vec<&str> {
        self.edges
            .iter()
            .filter(|(from, _)| from == name)
            .map(|(_, to)| to.as_str())
            .collect()
    }

    /// Which of `names` must be loaded before `name`: edges are followed through resources that
    /// are not among `names`, and end at those that are. Sorted as `names` is.
    pub fn prerequisites_among<'a>(&self, name: &str, names: &[&'a str]) -> Vec<&'a str> {
        among(&self.edge_map(), name, names)
    }

    /// `names` in an order in which each follows its prerequisites; ties stay as given. If the
    /// edges run in a circle, the circle's members keep the given order.
    pub fn order<'a>(&self, names: &[&'a str]) -> Vec<&'a str> {
        let edges = self.edge_map();
        let mut waiting: Vec<(&str, BTreeSet<&str>)> = names
            .iter()
            .map(|n| (*n, among(&edges, n, names).into_iter().collect()))
            .collect();
        let mut ordered = Vec::with_capacity(names.len());
        while !waiting.is_empty() {
            let ready = waiting.iter().position(|(_, before)| before.is_empty());
            let (name, _) = waiting.remove(ready.unwrap_or(0));
            ordered.push(name);
            for (_, before) in &mut waiting {
                before.remove(name);
            }
        }
        ordered
    }

    /// Dependent -> its direct prerequisites.
    fn edge_map(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut map: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (from, to) in &self.edges {
            map.entry(to).or_default().push(from);
        }
        map
    }
}

fn among<'a>(edges: &BTreeMap<&str, Vec<&str>>, name: &str, names: &[&'a str]) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    let mut found = BTreeSet::new();
    let mut open = vec![name];
    while let Some(at) = open.pop() {
        for before in edges.get(at).into_iter().flatten() {
            if *before == name || !seen.insert(*before) {
                continue;
            }
            if names.contains(before) {
                found.insert(*before);
            } else {
                open.push(before);
            }
        }
    }
    names
        .iter()
        .filter(|n| found.contains(**n))
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn standard(edges: &[(&str, &str)]) -> Standard {
        let mut edges: Vec<_> = edges
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect();
        edges.sort();
        Standard {
            edges,
            ..Standard::default()
        }
    }

    #[test]
    fn a_left_out_resource_still_orders_those_around_it() {
        let s = standard(&[("schools", "sessions"), ("sessions", "courseOfferings")]);
        let names = ["courseOfferings", "schools"];
        assert_eq!(s.order(&names), ["schools", "courseOfferings"]);
        assert_eq!(
            s.prerequisites_among("courseOfferings", &names),
            ["schools"]
        );
        assert_eq!(s.prerequisites("courseOfferings"), ["sessions"]);
        assert_eq!(s.dependents("schools"), ["sessions"]);
    }

    #[test]
    fn ties_stay_as_given_and_a_circle_ends() {
        let s = standard(&[("a", "b"), ("b", "a"), ("a", "c")]);
        assert_eq!(s.order(&["z", "y", "x"]), ["z", "y", "x"]);
        assert_eq!(s.order(&["c", "b", "a"]).len(), 3);
    }

    proptest! {
        #[test]
        fn every_edge_is_kept(pairs in proptest::collection::vec((0usize..12, 0usize..12), 0..40)) {
            let all: Vec<String> = (0..12).map(|i| format!("r{i}")).collect();
            // Edges from smaller to larger numbers only: no circle.
            let edges: Vec<(&str, &str)> = pairs
                .iter()
                .filter(|(a, b)| a < b)
                .map(|(a, b)| (all[*a].as_str(), all[*b].as_str()))
                .collect();
            let names: Vec<&str> = all.iter().rev().map(String::as_str).collect();
            let ordered = standard(&edges).order(&names);
            prop_assert_eq!(ordered.len(), names.len());
            let at = |n: &str| ordered.iter().position(|o| *o == n);
            for (a, b) in edges {
                prop_assert!(at(a) < at(b));
            }
        }
    }
}
