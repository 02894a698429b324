//! Which resource may be loaded when: edges, not levels.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The prerequisites of each of `names` among `names`: the edges `(prerequisite, dependent)`, also
/// through resources that are not in the run (a section needs a session even when course offerings
/// stay out).
pub fn prerequisites<'a>(
    names: &[&str],
    edges: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Vec<Vec<usize>> {
    let index: BTreeMap<&str, usize> = names.iter().enumerate().map(|(i, n)| (*n, i)).collect();
    let mut before: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (prerequisite, dependent) in edges {
        before.entry(dependent).or_default().push(prerequisite);
    }
    let direct = |name: &str| before.get(name).map(Vec::as_slice).unwrap_or_default();
    names
        .iter()
        .map(|name| {
            let mut found = BTreeSet::new();
            let mut seen = BTreeSet::new();
            let mut queue: VecDeque<&str> = direct(name).iter().copied().collect();
            while let Some(next) = queue.pop_front() {
                if next == *name || !seen.insert(next) {
                    continue;
                }
                match index.get(next) {
                    Some(i) => {
                        found.insert(*i);
                    }
                    None => queue.extend(direct(next)),
                }
            }
            found.into_iter().collect()
        })
        .collect()
}

/// A loop among prerequisites, as indexes in order; `None` when there is none.
pub fn cycle(prerequisites: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut done = vec![false; prerequisites.len()];
    loop {
        let ready: Vec<usize> = (0..done.len())
            .filter(|i| !done[*i] && prerequisites[*i].iter().all(|p| done[*p]))
            .collect();
        if ready.is_empty() {
            break;
        }
        ready.into_iter().for_each(|i| done[i] = true);
    }
    let start = done.iter().position(|d| !d)?;
    let mut path = vec![start];
    let mut at = start;
    loop {
        at = *prerequisites[at].iter().find(|p| !done[**p])?;
        if let Some(from) = path.iter().position(|i| *i == at) {
            let mut found = path.split_off(from);
            found.reverse();
            return Some(found);
        }
        path.push(at);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EDGES: [(&str, &str); 5] = [
        ("schools", "sessions"),
        ("schools", "courses"),
        ("sessions", "courseOfferings"),
        ("courses", "courseOfferings"),
        ("courseOfferings", "sections"),
    ];

    #[test]
    fn edges_reach_through_what_is_left_out() {
        let names = ["sections", "sessions", "schools"];
        assert_eq!(prerequisites(&names, EDGES), [vec![1, 2], vec![2], vec![]]);
    }

    #[test]
    fn a_loop_is_named() {
        let names = ["a", "b", "c", "d"];
        let edges = [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")];
        let found = cycle(&prerequisites(&names, edges)).unwrap();
        assert_eq!(BTreeSet::from_iter(found), BTreeSet::from([1, 2]));
        assert_eq!(cycle(&prerequisites(&names, EDGES)), None);
    }

    proptest! {
        #[test]
        fn edges_from_lower_to_higher_never_loop(
            pairs in proptest::collection::vec((0usize..12, 0usize..12), 0..40)
        ) {
            let names: Vec<String> = (0..12).map(|i| format!("r{i}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let edges: Vec<_> = pairs
                .iter()
                .filter(|(a, b)| a < b)
                .map(|(a, b)| (names[*a], names[*b]))
                .collect();
            let found = prerequisites(&names, edges.iter().copied());
            for (a, b) in &edges {
                let (a, b) = (names.iter().position(|n| n == a), names.iter().position(|n| n == b));
                prop_assert!(found[b.unwrap()].contains(&a.unwrap()));
            }
            prop_assert_eq!(cycle(&found), None);
        }
    }
}
