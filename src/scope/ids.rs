//! One parser for every list of SIS ids: persons, courses, sections, of every target.
//!
//! Reads: texts, `@file`, standard input. Writes: nothing. Never: takes an empty list for everyone,
//! or passes over a token that is no id.
//! Source: "Each ID should be separated by a line break, comma, or space" (Ed-Fi Resync and DIS
//! Selective Sync).

use std::collections::BTreeSet;
use std::io::Read;

/// Bytes of one list at most: about six million ids.
const MOST_BYTES: u64 = 64 << 20;

/// How many bad tokens of a list are told one by one.
const MOST_TOLD: usize = 10;

/// Why a list of ids cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdsError {
    /// Tokens that are no whole number, the first of them with their places.
    #[error(
        "{list}: {}. Ids are whole numbers, separated by line breaks, commas or spaces",
        tokens.join("; ")
    )]
    NotIds {
        /// The option: `--person`.
        list: String,
        /// What and where: `` `12x` (id 3) in people.txt ``.
        tokens: Vec<String>,
    },
    /// Nothing is named.
    #[error("{list} names nothing; an empty list is not everyone: leave the option out for that")]
    Empty {
        /// The option.
        list: String,
    },
    /// A file or standard input cannot be read.
    #[error("{list}: {place} cannot be read: {why}")]
    Unreadable {
        /// The option.
        list: String,
        /// The file, or `standard input`.
        place: String,
        /// What the system says.
        why: String,
    },
}

/// Parses the values given for an option such as `--person`: each is a list of ids, `@file` (a
/// file that holds such a list) or `-` (standard input does). Doubles are dropped, the order of
/// first mention is kept.
///
/// # Errors
/// All tokens that are no ids, each with its position; a file that cannot be read; no id at all.
pub fn parse_ids(
    list: &str,
    values: &[String],
    stdin: &mut dyn Read,
) -> Result<Vec<i64>, IdsError> {
    let (mut ids, mut seen) = (Vec::new(), BTreeSet::new());
    let mut wrong = Vec::new();
    for value in values {
        let unreadable = |place: &str, why: String| IdsError::Unreadable {
            list: list.to_owned(),
            place: place.to_owned(),
            why,
        };
        let (text, place) = if value == "-" {
            let text = read(stdin).map_err(|why| unreadable("standard input", why))?;
            (text, " in standard input".to_owned())
        } else if let Some(path) = value.strip_prefix('@') {
            let text = std::fs::File::open(path)
                .map_err(|e| e.to_string())
                .and_then(|mut file| read(&mut file))
                .map_err(|why| unreadable(path, why))?;
            (text, format!(" in {path}"))
        } else {
            (value.clone(), String::new())
        };
        // A byte order mark is how some spreadsheets begin a text file.
        let text = text.trim_start_matches('\u{feff}');
        for (number, token) in tokens(text).enumerate() {
            match token.parse::<i64>() {
                Ok(id) if seen.insert(id) => ids.push(id),
                Ok(_) => {}
                Err(_) => wrong.push(format!("`{}` (id {}){place}", shown(token), number + 1)),
            }
        }
    }
    if !wrong.is_empty() {
        let more = wrong.len().saturating_sub(MOST_TOLD);
        wrong.truncate(MOST_TOLD);
        if more > 0 {
            wrong.push(format!("and {more} more"));
        }
        let list = list.to_owned();
        return Err(IdsError::NotIds {
            list,
            tokens: wrong,
        });
    }
    if ids.is_empty() {
        let list = list.to_owned();
        return Err(IdsError::Empty { list });
    }
    Ok(ids)
}

/// The tokens of a list: separated by any mix of line breaks, commas, spaces and tabs.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|token| !token.is_empty())
}

/// A token as a message shows it: no control characters, not longer than a line bears.
fn shown(token: &str) -> String {
    let mut text: String = token
        .chars()
        .take(40)
        .flat_map(char::escape_debug)
        .collect();
    if token.chars().count() > 40 {
        text.push_str("...");
    }
    text
}

fn read(from: &mut dyn Read) -> Result<String, String> {
    let mut text = String::new();
    let read = from.take(MOST_BYTES + 1).read_to_string(&mut text);
    match read {
        Ok(bytes) if bytes as u64 > MOST_BYTES => {
            Err(format!("it is longer than {} MiB", MOST_BYTES >> 20))
        }
        Ok(_) => Ok(text),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids(values: &[&str]) -> Result<Vec<i64>, IdsError> {
        let values: Vec<String> = values.iter().map(|v| (*v).to_owned()).collect();
        parse_ids("--person", &values, &mut "7\n8".as_bytes())
    }

    #[test]
    fn separators_files_and_standard_input() {
        assert_eq!(
            ids(&["1 2,3\r\n4\t5,,\n", "2,9,"]),
            Ok(vec![1, 2, 3, 4, 5, 9])
        );
        assert_eq!(ids(&["-", "1"]), Ok(vec![7, 8, 1]));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ids.txt");
        std::fs::write(&file, "\u{feff}30\r\n20\r\n30\r\n").unwrap();
        let named = format!("@{}", file.display());
        assert_eq!(ids(&[&named]), Ok(vec![30, 20]));
    }

    #[test]
    fn what_is_no_id_is_named_with_its_place() {
        let error = ids(&["1, x2 3;4", "5 6.0"]).unwrap_err().to_string();
        for part in ["`x2` (id 2)", "`3;4` (id 3)", "`6.0` (id 2)", "--person"] {
            assert!(error.contains(part), "{part}: {error}");
        }
        let many = vec!["x"; 25].join(" ");
        assert!(
            ids(&[&many])
                .unwrap_err()
                .to_string()
                .contains("and 15 more")
        );
        assert!(
            ids(&["@/no/such/file"])
                .unwrap_err()
                .to_string()
                .contains("/no/such/file")
        );
    }

    #[test]
    fn an_empty_list_is_an_error_and_never_everyone() {
        for empty in [[""].as_slice(), &[" ,\r\n,"], &[]] {
            assert!(
                matches!(ids(empty), Err(IdsError::Empty { .. })),
                "{empty:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_mix_of_separators_gives_the_same_ids(
            wanted in proptest::collection::vec(any::<i64>(), 1..30),
            gaps in proptest::collection::vec("[ ,\n\t]{0,3}(\r\n|,| |\t|\n)[ ,\n\t]{0,3}", 31),
            ends in any::<(bool, bool)>(),
        ) {
            let mut text = String::new();
            if ends.0 {
                text.push_str(&gaps[30]);
            }
            for (i, id) in wanted.iter().enumerate() {
                text.push_str(&id.to_string());
                if i + 1 < wanted.len() || ends.1 {
                    text.push_str(&gaps[i]);
                }
            }
            let mut distinct = Vec::new();
            for id in wanted {
                if !distinct.contains(&id) {
                    distinct.push(id);
                }
            }
            prop_assert_eq!(ids(&[&text]), Ok(distinct));
        }

        #[test]
        fn no_text_panics_and_none_is_everyone(text in ".*") {
            if let Ok(found) = parse_ids("--person", &[text], &mut std::io::empty()) {
                prop_assert!(!found.is_empty());
            }
        }
    }
}
