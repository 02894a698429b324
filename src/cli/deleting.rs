//! Arguments about deletes, of `run` and `plan`: the guard, the mode, persons who have changed.
//!
//! Reads: arguments, the files they name. Writes: nothing. Never: a name; a person is a SIS personID.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::pipeline::{MaxDeletes, ResyncMode};
use crate::run::People;
use crate::scope::parse_ids;

/// What may be deleted.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "Deletes and cleanup")]
pub struct Deleting {
    /// Most deletes of one resource: a number (25) or a share of what the ledger knows of it (5%);
    /// more are held back until --yes. Goes before `deletes` max, which is 10% by default.
    #[arg(long, value_name = "N|P%", value_parser = max_deletes)]
    pub max_deletes: Option<MaxDeletes>,

    /// Another mode, where the pipeline's profile offers it. resync: send everything, and forget in
    /// the ledger what the target does not have. cleanup: send nothing, delete at the target what
    /// the SIS does not have, and forget what the target does not have.
    #[arg(long, value_name = "MODE", value_parser = mode)]
    pub mode: Option<ResyncMode>,

    /// Persons whose Ed-Fi id has changed, a file of SIS personIDs: what stands under the old id is
    /// deleted first, then everything of them is sent.
    #[arg(long, value_name = "FILE")]
    pub changed_ids: Option<PathBuf>,

    /// Combined persons, a CSV file of SIS personIDs: removed,kept. What was sent of the removed
    /// person is deleted first, then everything of the kept one is sent.
    #[arg(long, value_name = "FILE")]
    pub pairs: Option<PathBuf>,
}

// A share is never NaN: it is parsed from 0 to 100.
impl Eq for Deleting {}

impl Deleting {
    /// Reads the files of persons.
    ///
    /// # Errors
    /// A file that cannot be read, and every line of it that is no id or pair.
    pub fn people(&self) -> anyhow::Result<People> {
        let mut people = People::default();
        if let Some(path) = &self.changed_ids {
            let list = format!("@{}", path.display());
            let ids = parse_ids("--changed-ids", &[list], &mut std::io::empty())?;
            people.changed = ids.into_iter().collect();
        }
        if let Some(path) = &self.pairs {
            people.pairs = pairs(path, &read(path)?)?;
        }
        Ok(people)
    }
}

fn max_deletes(text: &str) -> Result<MaxDeletes, String> {
    MaxDeletes::parse(text).ok_or_else(|| "a number like 25 or a share like 5%".to_owned())
}

fn mode(text: &str) -> Result<ResyncMode, String> {
    [ResyncMode::Resync, ResyncMode::Cleanup]
        .into_iter()
        .find(|mode| mode.as_str() == text)
        .ok_or_else(|| "resync or cleanup".to_owned())
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).map_err(|e| crate::files::at(path, &e).into())
}

/// `removed,kept` lines; a header is passed over.
fn pairs(path: &Path, text: &str) -> anyhow::Result<BTreeSet<(i64, i64)>> {
    let (mut pairs, mut wrong) = (BTreeSet::new(), Vec::new());
    let mut removed = BTreeSet::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        let header = number == 1 && line.eq_ignore_ascii_case("removed,kept");
        if line.is_empty() || header {
            continue;
        }
        let pair = line.split_once(',').and_then(|(removed, kept)| {
            Some((removed.trim().parse().ok()?, kept.trim().parse().ok()?))
        });
        match pair {
            None => wrong.push(format!("line {number}: `{line}` is not removed,kept")),
            Some((from, to)) if from == to => {
                wrong.push(format!(
                    "line {number}: {from} cannot be combined with itself"
                ));
            }
            Some((from, _)) if !removed.insert(from) => {
                wrong.push(format!("line {number}: {from} is removed twice"));
            }
            Some(pair) => {
                pairs.insert(pair);
            }
        }
    }
    let both = pairs.iter().filter(|(_, kept)| removed.contains(kept));
    wrong
        .extend(both.map(|(_, kept)| format!("{kept} is kept in one pair and removed in another")));
    told(path, wrong, pairs.is_empty())?;
    Ok(pairs)
}

fn told(path: &Path, wrong: Vec<String>, empty: bool) -> anyhow::Result<()> {
    let path = path.display();
    if !wrong.is_empty() {
        anyhow::bail!("{path}: {}", wrong.join("\n"));
    }
    if empty {
        anyhow::bail!("{path} names nobody; leave the option out for that");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_persons_are_told_all_their_mistakes() {
        let path = Path::new("pairs.csv");
        let good = pairs(path, "removed,kept\n1,2\n3, 2\n").unwrap();
        assert_eq!(good, BTreeSet::from([(1, 2), (3, 2)]));
        let error = pairs(path, "1,2\n1,3\n2,4\n5,5\nsix,7")
            .unwrap_err()
            .to_string();
        for part in [
            "1 is removed twice",
            "with itself",
            "`six,7`",
            "2 is kept in one pair",
        ] {
            assert!(error.contains(part), "{part} in {error}");
        }
        assert!(pairs(path, "removed,kept\n").is_err());
    }
}
