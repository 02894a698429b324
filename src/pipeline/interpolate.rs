//! `${VAR}` and `${VAR:-default}` in a pipeline's texts.
//!
//! Reads: the environment that it is given. Writes: nothing. Never: a value in an error.

/// Why a text cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// A variable that the environment does not have, without a default.
    #[error(
        "environment variable `{0}` is not set; set it, or give a default: `${{{0}:-default}}`"
    )]
    Unset(String),
    /// What stands between the braces is not a name.
    #[error("`${{{0}}}` does not name an environment variable (letters, digits and `_`)")]
    Name(String),
    /// `${` without `}`.
    #[error("`${{` has no closing `}}`; write `$${{` for the two characters themselves")]
    Open,
}

/// A text with its variables filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filled {
    /// The result.
    pub text: String,
    /// Whether any variable stood in it.
    pub changed: bool,
}

/// Fills in `${VAR}` (must be set) and `${VAR:-default}` (the default stands in for an unset or
/// empty variable). `$${` stands for `${`; any other `$` is itself. What a variable holds is not
/// looked at again.
///
/// # Errors
/// Every [`Fault`] of the text, in order.
pub(super) fn interpolate(
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Filled, Vec<Fault>> {
    let mut out = String::with_capacity(text.len());
    let mut faults = Vec::new();
    let mut changed = false;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(escaped) = before.strip_suffix('$') {
            out.push_str(escaped);
            out.push_str("${");
            rest = after;
            continue;
        }
        out.push_str(before);
        let Some((inside, after)) = after.split_once('}') else {
            faults.push(Fault::Open);
            rest = "";
            break;
        };
        changed = true;
        match value(inside, env) {
            Ok(value) => out.push_str(&value),
            Err(fault) => faults.push(fault),
        }
        rest = after;
    }
    out.push_str(rest);
    if faults.is_empty() {
        Ok(Filled { text: out, changed })
    } else {
        Err(faults)
    }
}

fn value(inside: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, Fault> {
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    if !is_name(name) {
        return Err(Fault::Name(inside.to_owned()));
    }
    match (env(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(Fault::Unset(name.to_owned())),
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "SET" => Some("one ${NOT_LOOKED_AT}".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    fn filled(text: &str) -> String {
        interpolate(text, &env).unwrap().text
    }

    #[test]
    fn variables_defaults_and_escapes() {
        assert_eq!(filled("a ${SET} b"), "a one ${NOT_LOOKED_AT} b");
        assert_eq!(
            filled("${EMPTY}|${EMPTY:-d}|${UNSET:-}|${UNSET:-x:-y}"),
            "|d||x:-y"
        );
        assert_eq!(filled("$${SET} $5 $$"), "${SET} $5 $$");
    }

    #[test]
    fn every_fault_is_told_without_a_value() {
        let faults = interpolate("${A} ${SET} ${1x} ${B", &env).unwrap_err();
        let wanted = [
            Fault::Unset("A".into()),
            Fault::Name("1x".into()),
            Fault::Open,
        ];
        assert_eq!(faults, wanted);
        assert_eq!(
            faults[0].to_string(),
            "environment variable `A` is not set; set it, or give a default: `${A:-default}`"
        );
    }

    proptest! {
        #[test]
        fn a_text_without_variables_is_itself(text in "[^$]*(\\$[^${][^$]*)*") {
            let filled = interpolate(&text, &env).unwrap();
            prop_assert_eq!(&filled.text, &text);
            prop_assert!(!filled.changed);
        }

        #[test]
        fn parts_are_filled_in_one_by_one(
            parts in proptest::collection::vec(("[^$]{0,8}", "[A-Z_][A-Z0-9_]{0,6}", "[^}]{0,6}"), 0..6),
            set in any::<bool>(),
        ) {
            let mut text = String::new();
            let mut wanted = String::new();
            for (plain, name, default) in &parts {
                text.push_str(&format!("{plain}${{{name}:-{default}}}"));
                wanted.push_str(plain);
                wanted.push_str(if set { "V" } else { default });
            }
            let env = |_: &str| set.then(|| "V".to_owned());
            prop_assert_eq!(interpolate(&text, &env).unwrap().text, wanted);
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = interpolate(&text, &env);
        }
    }
}
