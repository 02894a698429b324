//! The tree that resources hang in by their `parent`, and what is selected by it.
//!
//! Reads: a checked pipeline. Writes: nothing. Never: the order of loading (the metadata's
//! references make that).

use super::{Pipeline, Resource};

impl Pipeline {
    /// The resources as a tree in file order, parents before what hangs below them, each with its
    /// depth. What hangs below a resource that is switched off stands in its place.
    pub fn tree(&self) -> Vec<(usize, &Resource)> {
        let mut found = Vec::with_capacity(self.resources.len());
        for resource in &self.resources {
            if self.parent(resource).is_none() {
                self.below(resource, 0, &mut found);
            }
        }
        found
    }

    fn below<'a>(
        &'a self,
        top: &'a Resource,
        depth: usize,
        found: &mut Vec<(usize, &'a Resource)>,
    ) {
        found.push((depth, top));
        for resource in &self.resources {
            if self.parent(resource) == Some(top.name.as_str()) {
                self.below(resource, depth + 1, found);
            }
        }
    }

    /// The parent that is switched on.
    fn parent<'a>(&'a self, resource: &'a Resource) -> Option<&'a str> {
        let parent = resource.parent.as_deref()?;
        self.resources
            .iter()
            .any(|r| r.name == parent)
            .then_some(parent)
    }

    /// `NAME/*` as the names of the resource and of all below it; other patterns as they are.
    pub fn subtrees(&self, patterns: &[String]) -> Vec<String> {
        let tree = self.tree();
        let mut names = Vec::new();
        for pattern in patterns {
            let top = pattern.strip_suffix("/*").and_then(|name| {
                tree.iter()
                    .position(|(_, r)| r.name.eq_ignore_ascii_case(name))
            });
            let Some((top, (depth, _))) = top.and_then(|i| Some((i, tree.get(i)?))) else {
                names.push(pattern.clone());
                continue;
            };
            let rest = tree.iter().skip(top + 1).take_while(|(d, _)| d > depth);
            let all = tree.iter().skip(top).take(1).chain(rest);
            names.extend(all.map(|(_, r)| r.name.clone()));
        }
        names
    }
}
