//! Finds names in SQL text, so that a problem with an output column has a line and a column.
//!
//! Reads: SQL text. Writes: nothing. Never: fails; a name that is not found has no place.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

/// The names and string literals of a SQL text with their places.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// `(line, column, text, whether it is a literal)`, in order.
    names: Vec<(u64, u64, String, bool)>,
}

impl Places {
    /// Reads the tokens of a text; none when it cannot be read.
    pub(super) fn new(text: &str) -> Self {
        let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location();
        let names = tokens.unwrap_or_default().into_iter().filter_map(|t| {
            let (text, literal) = match t.token {
                Token::Word(word) => (word.value, false),
                Token::SingleQuotedString(text) => (text, true),
                _ => return None,
            };
            Some((t.span.start.line, t.span.start.column, text, literal))
        });
        Self {
            names: names.collect(),
        }
    }

    /// Adds an output column that an addition of this line yields, with the members on its path.
    pub(super) fn add(&mut self, path: &[String], line: u64) {
        if let Some((column, members)) = path.split_first() {
            let members = members.iter().map(|m| (line, 1, m.clone(), true));
            self.names.extend(members);
            self.names.push((line, 1, column.clone(), false));
        }
    }

    /// The first use of a word (a table's name).
    pub(super) fn word(&self, name: &str) -> Option<(u64, u64)> {
        let mut words = self.names.iter().filter(|n| !n.3);
        words.find(|n| n.2 == name).map(|n| (n.0, n.1))
    }

    /// Where an output column, or a member inside of one, gets its name: the last word of that
    /// name for a column; for a member the nearest literal of its name before that word, else
    /// after it.
    pub(super) fn output(&self, path: &[&str]) -> Option<(u64, u64)> {
        let (column, members) = path.split_first()?;
        let alias = self.names.iter().rposition(|n| !n.3 && n.2 == *column);
        let Some(member) = members.last() else {
            return alias.and_then(|i| self.names.get(i)).map(|n| (n.0, n.1));
        };
        let end = alias.unwrap_or(self.names.len());
        let is_member = |n: &&(u64, u64, String, bool)| n.3 && n.2 == *member;
        let before = self.names.iter().take(end).rfind(is_member);
        let found = before.or_else(|| self.names.iter().skip(end).find(is_member));
        found.map(|n| (n.0, n.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_names_are_found_where_they_are_given() {
        let places = Places::new(
            "SELECT e.entryDate,\n  named_struct('schoolId', 1) AS schoolReference\nFROM Enrollment e",
        );
        assert_eq!(places.output(&["entryDate"]), Some((1, 10)));
        assert_eq!(places.output(&["schoolReference"]), Some((2, 34)));
        assert_eq!(
            places.output(&["schoolReference", "schoolId"]),
            Some((2, 16))
        );
        assert_eq!(places.word("Enrollment"), Some((3, 6)));
        assert_eq!(places.output(&["nothing"]), None);
        assert_eq!(Places::new("SELECT 'unfinished").output(&["x"]), None);
    }
}
