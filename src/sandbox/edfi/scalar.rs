//! Single values: what the server takes, how it coerces it, and the one form it is kept in.
//!
//! Reads: JSON values. Writes: canonical JSON and text. Never: trusts a value's JSON type.

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};
use serde_json::Value;

use super::layout::{Layout, Scalar};

/// A value in the form that is stored and compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Canonical<'a> {
    /// Text, dates and times included.
    Text(Cow<'a, str>),
    /// An integer.
    Integer(i64),
    /// A decimal number.
    Number(f64),
    /// true or false.
    Boolean(bool),
}

/// Coerces a value to its declared type.
///
/// # Errors
/// The server's sentence about it; `title` is the member's name in it.
pub(super) fn canonical<'a>(
    scalar: Scalar,
    value: &'a Value,
    title: &str,
) -> Result<Canonical<'a>, String> {
    let text: Cow<'a, str> = match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Number(number) => Cow::Owned(number.to_string()),
        Value::Bool(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            return Err(format!("{title} must be a single value."));
        }
    };
    match scalar {
        Scalar::Text(_) | Scalar::Descriptor(_) => Ok(Canonical::Text(text)),
        Scalar::Int32 => integer(&text, "Int32", title).and_then(|i| match i32::try_from(i) {
            Ok(_) => Ok(Canonical::Integer(i)),
            Err(_) => Err(not_a(&text, "Int32", title)),
        }),
        Scalar::Int64 => integer(&text, "Int64", title).map(Canonical::Integer),
        Scalar::Number => match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() && !value.is_boolean() => {
                Ok(Canonical::Number(number))
            }
            _ => Err(not_a(&text, "Decimal", title)),
        },
        Scalar::Boolean => match text.as_ref() {
            t if t.eq_ignore_ascii_case("true") => Ok(Canonical::Boolean(true)),
            t if t.eq_ignore_ascii_case("false") => Ok(Canonical::Boolean(false)),
            _ => Err(not_a(&text, "Boolean", title)),
        },
        Scalar::Date => match exact_date(&text) {
            true => Ok(Canonical::Text(text)),
            false => Err(not_a(&text, "DateTime", title)),
        },
        Scalar::Time => match exact_time(&text) {
            true => Ok(Canonical::Text(text)),
            false => Err(not_a(&text, "TimeSpan", title)),
        },
        Scalar::DateTime => match date_time(&text) {
            Some(at) => Ok(Canonical::Text(Cow::Owned(
                at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            ))),
            None => Err(not_a(&text, "DateTime", title)),
        },
    }
}

/// Coerces a value of a query string; `None` when the type does not take it.
pub(super) fn from_query(scalar: Scalar, text: &str) -> Option<String> {
    let value = Value::String(text.to_owned());
    let mut out = String::new();
    canonical(scalar, &value, "").ok()?.push_text(&mut out);
    Some(out)
}

fn integer(text: &str, kind: &str, title: &str) -> Result<i64, String> {
    text.trim().parse().map_err(|_| not_a(text, kind, title))
}

fn not_a(text: &str, kind: &str, title: &str) -> String {
    format!("Error converting value {text} to type 'System.{kind}'. Path '{title}'.")
}

fn exact_date(text: &str) -> bool {
    text.len() == 10 && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

fn exact_time(text: &str) -> bool {
    text.len() == 8 && NaiveTime::parse_from_str(text, "%H:%M:%S").is_ok()
}

fn date_time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
        .ok()
        .or_else(|| {
            exact_date(text)
                .then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
                .flatten()
                .and_then(|date| date.and_hms_opt(0, 0, 0))
        })
        .map(|at| at.and_utc())
}

/// What is wrong with a text beyond its type: length, markup, spaces, an unknown descriptor.
pub(super) fn flaws(
    layout: &Layout,
    scalar: Scalar,
    text: &str,
    title: &str,
    key: bool,
    mut report: impl FnMut(String),
) {
    let max = match scalar {
        Scalar::Text(max) => max,
        Scalar::Descriptor(_) => Some(306),
        _ => return,
    };
    if let Some(max) = max {
        // The server counts UTF-16 units; there are never more of them than bytes.
        let long = text.len() > max as usize && text.encode_utf16().count() > max as usize;
        if long {
            report(format!(
                "{title} must be at most {max} characters in length."
            ));
        }
    }
    if let Scalar::Descriptor(number) = scalar {
        let known = match number {
            Some(number) => layout.descriptors[usize::from(number)].uris.contains(text),
            None => text.starts_with("uri://") && text.contains("Descriptor#"),
        };
        if !known {
            report(format!("{title} value '{text}' does not exist."));
        }
        return;
    }
    if dangerous(text) {
        report(format!(
            "{title} contains a value that could be dangerous for downstream systems using this \
             data. Try to avoid the use of special symbols like '<', '>' or '&' without \
             surrounding spaces."
        ));
    }
    if key && (text.starts_with(' ') || text.ends_with(' ')) {
        report(format!(
            "{title} cannot contain leading or trailing spaces."
        ));
    }
}

/// Text that the server takes for markup: `<` before a letter, `!`, `/` or `?`; `&` before `#`.
fn dangerous(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| match pair[0] {
        b'<' => pair[1].is_ascii_alphabetic() || matches!(pair[1], b'!' | b'/' | b'?'),
        b'&' => pair[1] == b'#',
        _ => false,
    })
}

impl Canonical<'_> {
    /// Appends the value as JSON.
    pub(super) fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => write_string(text, out),
            Self::Integer(i) => out.extend_from_slice(i.to_string().as_bytes()),
            Self::Number(n) => out.extend_from_slice(number(*n).as_bytes()),
            Self::Boolean(flag) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
        }
    }

    /// Appends the value as plain text.
    pub(super) fn push_text(&self, out: &mut String) {
        match self {
            Self::Text(text) => out.push_str(text),
            Self::Integer(i) => {
                let _ = write!(out, "{i}");
            }
            Self::Number(n) => out.push_str(&number(*n)),
            Self::Boolean(flag) => out.push_str(if *flag { "true" } else { "false" }),
        }
    }
}

/// 4 and 4.0 are one number.
fn number(n: f64) -> String {
    if n.fract() == 0.0 && n.abs() < 1e15 {
        format!("{n:.0}")
    } else {
        n.to_string()
    }
}

/// Appends a JSON string.
pub(super) fn write_string(text: &str, out: &mut Vec<u8>) {
    let plain = |b: u8| b >= 0x20 && b != b'"' && b != b'\\';
    if text.bytes().all(plain) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else if serde_json::to_writer(&mut *out, text).is_err() {
        // Writing a str into memory does not fail; an empty string keeps the JSON whole.
        out.extend_from_slice(b"\"\"");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn text(scalar: Scalar, value: &Value) -> Result<String, String> {
        let mut out = String::new();
        canonical(scalar, value, "X")?.push_text(&mut out);
        Ok(out)
    }

    #[test]
    fn values_are_coerced_like_the_real_server_does() {
        for (scalar, value, wanted) in [
            (Scalar::Int32, json!("1"), "1"),
            (Scalar::Int64, json!("0255901"), "255901"),
            (Scalar::Boolean, json!("True"), "true"),
            (Scalar::Text(None), json!(17), "17"),
            (Scalar::Number, json!("4.0"), "4"),
            (Scalar::Number, json!(3.8571), "3.8571"),
            (Scalar::Date, json!("2024-02-29"), "2024-02-29"),
            (
                Scalar::DateTime,
                json!("2025-08-01T10:00:00+02:00"),
                "2025-08-01T08:00:00Z",
            ),
            (
                Scalar::DateTime,
                json!("2025-08-01T10:00:00"),
                "2025-08-01T10:00:00Z",
            ),
        ] {
            assert_eq!(text(scalar, &value).as_deref(), Ok(wanted), "{value}");
        }
    }

    #[test]
    fn wrong_values_are_refused() {
        for (scalar, value) in [
            (Scalar::Int32, json!(2_147_483_648_i64)),
            (Scalar::Int32, json!(1.5)),
            (Scalar::Int64, json!(25_590_111_111_122_222_222_222_f64)),
            (Scalar::Boolean, json!("yes")),
            (Scalar::Number, json!("abc")),
            (Scalar::Number, json!("inf")),
            (Scalar::Number, json!(true)),
            (Scalar::Date, json!("2025-02-29")),
            (Scalar::Date, json!("2025-02-01T00:00:00")),
            (Scalar::Date, json!("02/01/2025")),
            (Scalar::Time, json!("25:00:00")),
            (Scalar::Time, json!("8:00:00")),
            (Scalar::DateTime, json!("noon")),
            (Scalar::Text(None), json!(["a"])),
            (Scalar::Text(None), json!({})),
        ] {
            assert!(text(scalar, &value).is_err(), "{value}");
        }
    }

    #[test]
    fn markup_is_dangerous_and_an_ampersand_is_not() {
        for bad in ["<script>", "</b>", "<!--", "a <b", "&#60;"] {
            assert!(dangerous(bad), "{bad}");
        }
        for good in ["AT&T", "a < b", "5 <6", "&amp;", "<"] {
            assert!(!dangerous(good), "{good}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_written_as_json(value in ".*") {
            let mut out = Vec::new();
            write_string(&value, &mut out);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), value);
        }

        #[test]
        fn numbers_survive(n in -1e12f64..1e12) {
            prop_assert_eq!(number(n).parse::<f64>().unwrap(), n);
        }
    }
}
