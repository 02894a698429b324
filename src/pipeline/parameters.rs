//! `[parameters]`, and `--set KEY=VALUE` of the command line.
//!
//! Reads: the merged layers. Writes: problems. Never: a value in a message (somebody may have put
//! a secret there).

use std::collections::BTreeMap;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Problem;
use super::resources::is_sql_name;
use super::section::{Document, Section};

/// Reads `[parameters]`: names for `${name}` in the texts of this pipeline. Their own texts are
/// filled in from the environment.
pub(super) fn read(top: &mut Section<'_>) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    let Some(section) = top.section("parameters") else {
        return parameters;
    };
    let document = section.document;
    for (name, span, value) in &section.entries {
        if !is_sql_name(name) {
            let what = format!("`{name}` cannot be a parameter: letters, digits and `_` only");
            document.wrong(span, what);
        } else if is_secret(name) {
            document.wrong(span, secret_elsewhere(name));
        } else if let Some(text) = value_of(document, name, value) {
            parameters.insert((*name).to_owned(), text);
        }
    }
    parameters
}

fn value_of(document: &Document<'_>, name: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
    match value.get_ref() {
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        _ => Some(
            document
                .text_of(&format!("parameters.{name}"), value)?
                .value,
        ),
    }
}

/// Names that say themselves that they are secret.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "key"
        || ["secret", "password", "token"]
            .iter()
            .any(|word| name.contains(word))
}

fn secret_elsewhere(name: &str) -> String {
    format!(
        "`{name}` looks like a secret, which may stand neither in a pipeline nor on a command \
         line: name an environment variable or a file by the `_env` and `_file` keys of \
         [connection]"
    )
}

/// Checks what `--set` gives against the merged files, and writes each as a line of TOML: `(key,
/// text)`.
///
/// # Errors
/// All arguments that cannot be used.
pub(super) fn arguments(
    set: &[String],
    files: &DeTable<'_>,
) -> Result<Vec<(String, String)>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut arguments = Vec::new();
    for argument in set {
        match line(argument, files) {
            Ok(done) => arguments.push(done),
            Err(problem) => problems.push(problem),
        }
    }
    match problems.is_empty() {
        true => Ok(arguments),
        false => Err(problems),
    }
}

fn line(argument: &str, files: &DeTable<'_>) -> Result<(String, String), Problem> {
    let Some((key, value)) = argument.split_once('=') else {
        let what = "needs a key and a value: --set load.concurrency_max=8";
        return Err(Problem::new(Path::new("--set"), what));
    };
    let key = key.trim();
    let wrong = |what: String| Problem::new(Path::new(&format!("--set {key}")), what);
    let mut path: Vec<&str> = key.split('.').collect();
    let bare = |part: &&str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    };
    if !path.iter().all(bare) {
        let what = "is no key: names of letters, digits, `_` and `-` with dots between them";
        return Err(wrong(what.to_owned()));
    }
    // `resources.NAME.key` is a natural key, no secret.
    let table_of_secrets = matches!(path.first(), Some(&"connection" | &"parameters"));
    let secret = |part: &&str| {
        let place = table_of_secrets && (*part == "key" || part.starts_with("key_"));
        place || (*part != "key" && is_secret(part))
    };
    if path.iter().any(secret) {
        return Err(wrong(secret_elsewhere(key)));
    }
    if path.as_slice() == ["extends"] {
        return Err(wrong("what a file extends stands in the file".to_owned()));
    }
    let parameters = table_of(files, "parameters");
    if let [name] = path.as_slice()
        && parameters.is_some_and(|t| t.contains_key(*name))
    {
        path.insert(0, "parameters");
    }
    // Tables with names of their own: only what a file has can be set.
    if let [table @ ("parameters" | "settings" | "resources"), name, ..] = path.as_slice() {
        let known: Vec<&str> = table_of(files, table)
            .into_iter()
            .flat_map(|t| t.keys().map(|k| k.get_ref().as_ref()))
            .collect();
        if !known.contains(name) {
            let what = format!("no file of this pipeline has `{table}.{name}`");
            return Err(wrong(what).choices(name, known));
        }
    }
    let value = literal(value, lookup(files, &path));
    Ok((key.to_owned(), format!("{} = {value}", path.join("."))))
}

fn table_of<'t, 'a>(table: &'t DeTable<'a>, name: &str) -> Option<&'t DeTable<'a>> {
    table.get(name)?.get_ref().as_table()
}

fn lookup<'t, 'a>(files: &'t DeTable<'a>, path: &[&str]) -> Option<&'t DeValue<'a>> {
    let (last, tables) = path.split_last()?;
    let mut table = files;
    for name in tables {
        table = table_of(table, name)?;
    }
    Some(table.get(*last)?.get_ref())
}

/// A value as TOML. What stands in the place of a text is a text; else it is what it looks like:
/// a number, true or false, a list, and a text when it is none of these.
fn literal(value: &str, before: Option<&DeValue<'_>>) -> String {
    let value = value.trim();
    let is_text = before.is_some_and(DeValue::is_str);
    match DeValue::parse(value) {
        Ok(parsed) if !is_text || parsed.get_ref().is_str() => value.to_owned(),
        _ => toml::Value::String(value.to_owned()).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(set: &[&str]) -> Result<Vec<String>, Vec<String>> {
        let files = "
            school_year = 2026
            [parameters]
            year = '26'
            [settings]
            id = 'edfi_id'
            lea = 1
            [resources.students]
            [load]
            concurrency_max = 4";
        let table = DeTable::parse(files).unwrap();
        let set: Vec<String> = set.iter().map(|s| (*s).to_owned()).collect();
        arguments(&set, table.get_ref())
            .map(|all| all.into_iter().map(|(_, text)| text).collect())
            .map_err(|all| all.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn values_take_the_type_of_what_they_stand_for() {
        let found = lines(&[
            "load.concurrency_max=8",
            "settings.id=12",
            "settings.lea=12",
            "year=27",
            "report.fail_on=5%",
            "load.local_validation=false",
            "resources.students.required=[\"a\"]",
        ]);
        let wanted = [
            "load.concurrency_max = 8",
            "settings.id = \"12\"",
            "settings.lea = 12",
            "parameters.year = \"27\"",
            "report.fail_on = \"5%\"",
            "load.local_validation = false",
            "resources.students.required = [\"a\"]",
        ];
        assert_eq!(found.unwrap(), wanted);
    }

    #[test]
    fn what_cannot_be_set_is_told_without_its_value() {
        let found = lines(&[
            "concurrency",
            "settings.idd=xyzzy",
            "resources.student.enabled=xyzzy",
            "connection.secret=xyzzy",
            "connection.key_env=xyzzy",
            "a..b=xyzzy",
            "extends=xyzzy",
        ])
        .unwrap_err();
        assert_eq!(found.len(), 7, "{found:#?}");
        assert!(!found.concat().contains("xyzzy"), "{found:#?}");
        assert!(found[1].contains("did you mean `id`"), "{found:#?}");
        assert!(found[2].contains("did you mean `students`"), "{found:#?}");
    }
}
