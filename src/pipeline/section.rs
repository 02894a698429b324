//! Reading a TOML document key by key, so that every mistake in it is told, not just the first.
//!
//! Reads: the parsed text and the environment. Writes: problems. Never: a default of its own.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub(super) use super::document::{Document, Text, join};
use super::limits::Limit;

impl Text {
    /// A text that stands for one of the file.
    pub(super) fn new(value: &str, span: Range<usize>) -> Self {
        Self {
            value: value.to_owned(),
            span,
            filled: false,
        }
    }
}

/// One table of the file. Keys that nobody asked for are unknown.
pub(super) struct Section<'a> {
    pub(super) document: &'a Document<'a>,
    /// Dotted name, empty for the top level.
    pub(super) name: String,
    /// Where it begins.
    pub(super) span: Range<usize>,
    /// In file order: name, its place, value.
    pub(super) entries: Vec<(&'a str, Range<usize>, &'a Spanned<DeValue<'a>>)>,
    /// Keys that were asked for.
    pub(super) known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    pub(super) fn new(
        document: &'a Document<'a>,
        name: String,
        span: Range<usize>,
        table: &'a DeTable<'a>,
    ) -> Self {
        let mut entries: Vec<_> = table
            .iter()
            .map(|(k, v)| (k.get_ref().as_ref(), k.span(), v))
            .collect();
        entries.sort_by_key(|(_, span, _)| document.rank(span));
        Self {
            document,
            name,
            span,
            entries,
            known: Vec::new(),
        }
    }

    /// The value under a key, which from now on is a known one.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.push(key);
        self.entries
            .iter()
            .find(|(name, ..)| *name == key)
            .map(|(.., value)| *value)
    }

    /// Whether the file has the key at all, good or bad.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, ..)| *name == key)
    }

    /// The place of a key's name, or of the section when it is absent.
    pub(super) fn place(&self, key: &str) -> Range<usize> {
        self.entries
            .iter()
            .find(|(name, ..)| *name == key)
            .map_or_else(|| self.span.clone(), |(_, span, _)| span.clone())
    }

    /// A text.
    pub(super) fn text(&mut self, key: &'static str) -> Option<Text> {
        let value = self.take(key)?;
        self.text_of(&self.full(key), value)
    }

    /// A list of texts; a lone text counts as a list of one.
    pub(super) fn list(&mut self, key: &'static str) -> Option<Vec<Text>> {
        let value = self.take(key)?;
        let name = self.full(key);
        match value.get_ref() {
            DeValue::Array(items) => Some(
                items
                    .iter()
                    .filter_map(|item| self.text_of(&name, item))
                    .collect(),
            ),
            _ => self.text_of(&name, value).map(|text| vec![text]),
        }
    }

    /// true or false.
    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        let Some(value) = self.take(key) else {
            self.document.default(self.full(key), default);
            return default;
        };
        if let Some(flag) = value.get_ref().as_bool() {
            return flag;
        }
        match self
            .filled(key, value, "true or false")
            .map(|t| t.value.parse())
        {
            Some(Ok(flag)) => return flag,
            Some(Err(_)) => self.expected(key, value, "true or false"),
            None => {}
        }
        default
    }

    /// A whole number within the limit's range, or its default.
    pub(super) fn number(&mut self, limit: &Limit, sandbox: bool) -> u64 {
        let range = (limit.min as i64, limit.max as i64);
        let default = if sandbox {
            limit.sandbox
        } else {
            limit.default
        };
        if !self.has(limit.key) {
            self.document.default(self.full(limit.key), default);
        }
        self.integer(limit.key, range)
            .and_then(|n| u64::try_from(n).ok())
            .unwrap_or(default)
    }

    /// A whole number within a range, both ends included.
    pub(super) fn integer(&mut self, key: &'static str, range: (i64, i64)) -> Option<i64> {
        let value = self.take(key)?;
        let wanted = format!("a whole number from {} to {}", range.0, range.1);
        let number = match integer_of(value.get_ref()) {
            Some(number) => Some(number),
            None if value.get_ref().is_integer() => None,
            None => self.filled(key, value, &wanted)?.value.parse().ok(),
        };
        let number = number.filter(|n| (range.0..=range.1).contains(n));
        if number.is_none() {
            self.expected(key, value, &wanted);
        }
        number
    }

    /// A number above 0, with or without a fraction.
    pub(super) fn positive(&mut self, key: &'static str, most: f64) -> Option<f64> {
        let value = self.take(key)?;
        let wanted = format!("a number above 0, up to {most}");
        let number = match value.get_ref() {
            DeValue::Float(number) => number.as_str().replace('_', "").parse().ok(),
            DeValue::Integer(_) => integer_of(value.get_ref()).map(|n| n as f64),
            _ => self.filled(key, value, &wanted)?.value.parse().ok(),
        };
        let number = number.filter(|n| *n > 0.0 && *n <= most);
        if number.is_none() {
            self.expected(key, value, &wanted);
        }
        number
    }

    /// A table.
    pub(super) fn section(&mut self, key: &'static str) -> Option<Self> {
        let value = self.take(key)?;
        let at = self.place(key);
        let name = self.full(key);
        self.document.section_of(name, at, value)
    }

    /// Every key that was not asked for is a problem.
    pub(super) fn finish(self) {
        for (name, span, _) in &self.entries {
            if self.known.contains(name) {
                continue;
            }
            let place = if self.name.is_empty() {
                String::new()
            } else {
                format!(" in [{}]", self.name)
            };
            let problem = self
                .document
                .at(span, format!("unknown key `{name}`{place}"))
                .choices(name, self.known.iter().copied());
            self.document.problem(span, problem);
        }
    }

    /// The key's dotted name.
    pub(super) fn full(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }

    /// Records that a value has the wrong type or range.
    pub(super) fn expected(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) {
        let got = match value.get_ref() {
            DeValue::Integer(n) => n.to_string(),
            // As it stands in the file: what the environment put in may be a secret.
            DeValue::String(text) => format!("\"{text}\""),
            other => kind(other).to_owned(),
        };
        let what = format!("`{}` must be {wanted}, not {got}", self.full(key));
        self.document.wrong(&value.span(), what);
    }

    fn text_of(&self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<Text> {
        self.document.text_of(name, value)
    }

    /// A text that the environment had a part in; any other value is a problem.
    fn filled(&self, key: &str, value: &'a Spanned<DeValue<'a>>, wanted: &str) -> Option<Text> {
        if value.get_ref().is_str() {
            let text = self.text_of(&self.full(key), value)?;
            if text.filled {
                return Some(text);
            }
        }
        self.expected(key, value, wanted);
        None
    }
}

/// A TOML integer of any radix that fits 64 bits.
pub(super) fn integer_of(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// What a value is, for a person.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
