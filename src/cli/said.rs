//! A command line as it may be kept: verb, flags, and the values that identify nobody.
//!
//! Values are shown only of arguments that are listed here. Of all others, ids of persons and
//! whatever a later version adds among them, it is told how many there were: so nothing slips in.

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

/// Arguments whose values are names and numbers of the configuration, never a person's.
const SHOWN: [&str; 19] = [
    "max_deletes",
    "window",
    "concurrency",
    "objects",
    "district",
    "pipeline",
    "resources",
    "resource",
    "school",
    "school_year",
    "run",
    "resume",
    "from",
    "to",
    "reason",
    "outcome",
    "wait_lock",
    "limit",
    "since",
];

/// The command that was given.
pub(super) fn said(command: &Command, matches: &ArgMatches) -> String {
    let mut text = String::new();
    add(command, matches, &mut text);
    text
}

fn add(command: &Command, matches: &ArgMatches, text: &mut String) {
    for arg in command.get_arguments() {
        let id = arg.get_id().as_str();
        // Options of every verb are told once.
        let told = !text.is_empty() && arg.is_global_set();
        if told
            || matches.try_contains_id(id).is_err()
            || matches.value_source(id) != Some(ValueSource::CommandLine)
        {
            continue;
        }
        if let Some(long) = arg.get_long() {
            push(text, &format!("--{long}"));
        }
        if !arg.get_action().takes_values() {
            continue;
        }
        let values = matches.get_raw(id).into_iter().flatten();
        let values: Vec<String> = values.map(|v| v.to_string_lossy().into_owned()).collect();
        if SHOWN.contains(&id) {
            values.iter().for_each(|value| push(text, value));
        } else {
            push(text, &hidden(&values));
        }
    }
    if let Some((name, sub)) = matches.subcommand()
        && let Some(command) = command.find_subcommand(name)
    {
        push(text, name);
        add(command, sub, text);
    }
}

/// How many values there were, or where they came from.
fn hidden(values: &[String]) -> String {
    if values.iter().any(|v| v.starts_with('@')) {
        return "(from a file)".to_owned();
    }
    if values.iter().any(|v| v == "-") {
        return "(from standard input)".to_owned();
    }
    let single = values
        .iter()
        .flat_map(|v| v.split(|c: char| c.is_whitespace() || c == ','))
        .filter(|v| !v.is_empty());
    match single.count() {
        1 => "(1 value)".to_owned(),
        count => format!("({count} values)"),
    }
}

fn push(text: &mut String, word: &str) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(word);
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn of(line: &str) -> String {
        let mut command = super::super::Cli::command();
        let words = std::iter::once("fullsync").chain(line.split(' '));
        let matches = command.try_get_matches_from_mut(words).unwrap();
        said(&command, &matches)
    }

    #[test]
    fn ids_of_persons_are_counted_and_names_of_the_configuration_shown() {
        assert_eq!(
            of("run edfi students studentSchool* --resend-all --school-year 2026 --wait-lock 10m"),
            "run edfi students studentSchool* --resend-all --school-year 2026 --wait-lock 10m"
        );
        assert_eq!(
            of("-q explain edfi students 910000676"),
            "--quiet explain edfi students (1 value)"
        );
        assert_eq!(
            of("explain edfi students --source-key 12,13"),
            "explain edfi students --source-key (2 values)"
        );
        let made = of("generate --out secret-place --schools 2");
        assert!(
            made.starts_with("generate --") && !made.contains("secret"),
            "{made}"
        );
    }

    /// Whatever is added later is hidden until it is listed; what is listed exists.
    #[test]
    fn what_is_shown_exists() {
        let command = super::super::Cli::command();
        let mut known = std::collections::BTreeSet::new();
        let mut all: Vec<&Command> = command.get_subcommands().collect();
        while let Some(sub) = all.pop() {
            all.extend(sub.get_subcommands());
            known.extend(sub.get_arguments().map(|a| a.get_id().as_str().to_owned()));
        }
        for id in SHOWN {
            assert!(known.contains(id), "{id}");
        }
    }
}
