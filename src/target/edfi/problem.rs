//! What an Ed-Fi server says about a refusal: problem details (ODS 7.2 and later, Ed-Fi API 8) or
//! `message` / `modelState` (before). Told apart by the body's shape, never by the version.

use serde_json::Value;

/// Longest text of a server that is kept.
const LONGEST: usize = 500;

/// A refusal's body, read as far as it can be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// The part of `type` after `urn:ed-fi:api:`; empty where there is none.
    pub kind: String,
    /// `detail` or `message`, then validation errors, one line, at most 500 characters.
    pub text: String,
    /// Whether the body held nothing at all.
    pub empty: bool,
}

impl Problem {
    /// Reads a body. Anything that is not JSON (a gateway's HTML page) becomes text.
    pub fn read(body: &[u8]) -> Self {
        let body = body.trim_ascii();
        if body.is_empty() {
            return Self {
                empty: true,
                ..Self::default()
            };
        }
        match serde_json::from_slice::<Value>(body) {
            Ok(Value::Object(members)) => {
                let text = |name: &str| members.get(name).and_then(Value::as_str);
                let kind = text("type").unwrap_or_default();
                let mut parts: Vec<String> = Vec::new();
                for name in ["detail", "message", "error_description", "error"] {
                    parts.extend(text(name).map(str::to_owned));
                }
                for name in ["validationErrors", "modelState", "errors"] {
                    if let Some(errors) = members.get(name) {
                        collect(errors, "", &mut parts);
                    }
                }
                Self {
                    kind: kind
                        .strip_prefix("urn:ed-fi:api:")
                        .unwrap_or(kind)
                        .to_owned(),
                    text: shorten(&parts.join(" | ")),
                    empty: false,
                }
            }
            Ok(other) => Self {
                text: shorten(&other.to_string()),
                ..Self::default()
            },
            Err(_) => Self {
                text: shorten(&plain(body)),
                ..Self::default()
            },
        }
    }

    /// Whether the text says, in any letter case, one of these phrases.
    pub fn says(&self, phrases: &[&str]) -> bool {
        let text = self.text.to_lowercase();
        phrases.iter().any(|phrase| text.contains(phrase))
    }
}

/// Lists `{path: [text, ..]}` or `[text, ..]` as `path: text`.
fn collect(errors: &Value, path: &str, into: &mut Vec<String>) {
    match errors {
        Value::Object(members) => members.iter().for_each(|(path, v)| collect(v, path, into)),
        Value::Array(items) => items.iter().for_each(|v| collect(v, path, into)),
        Value::String(text) if path.is_empty() => into.push(text.clone()),
        Value::String(text) => into.push(format!("{path}: {text}")),
        _ => {}
    }
}

/// An HTML page or other text as one line of words: tags and repeated white space dropped.
fn plain(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(8 * LONGEST)]);
    let mut out = String::new();
    let mut tag = false;
    for c in text.chars() {
        match c {
            '<' => tag = true,
            '>' if tag => {
                tag = false;
                out.push(' ');
            }
            _ if tag => {}
            c => out.push(c),
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shorten(text: &str) -> String {
    let one_line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    match one_line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", one_line.get(..end).unwrap_or_default()),
        None => one_line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problem_details() {
        let body = br#"{"detail":"Data validation failed. See 'validationErrors' for details.",
            "type":"urn:ed-fi:api:bad-request:data-validation-failed","status":400,
            "validationErrors":{"$.codeValue":["CodeValue is required."],"$.x":["a","b"]}}"#;
        let problem = Problem::read(body);
        assert_eq!(problem.kind, "bad-request:data-validation-failed");
        assert_eq!(
            problem.text,
            "Data validation failed. See 'validationErrors' for details. | \
             $.codeValue: CodeValue is required. | $.x: a | $.x: b"
        );
    }

    #[test]
    fn message_and_model_state() {
        let body = br#"{"message":"The request is invalid.",
            "modelState":{"request.beginDate":["BeginDate is required."]}}"#;
        let problem = Problem::read(body);
        assert_eq!(problem.kind, "");
        assert!(problem.says(&["begindate is required"]));
    }

    #[test]
    fn html_pages_and_nothing() {
        let page = b"<html><head><title>502 Bad Gateway</title></head>\n<body>nginx</body></html>";
        assert_eq!(Problem::read(page).text, "502 Bad Gateway nginx");
        assert!(Problem::read(b" \n").empty);
        assert_eq!(Problem::read(b"[1]").text, "[1]");
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let body = format!("{{\"message\":\"{}\"}}", "é".repeat(600));
        assert_eq!(
            Problem::read(body.as_bytes()).text.chars().count(),
            LONGEST + 1
        );
    }
}
