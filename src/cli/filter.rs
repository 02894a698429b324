//! Arguments that narrow a run: schools, persons, courses, sections.
//!
//! Reads: arguments, `@file` and standard input. Writes: nothing. Never: looks an id up.

use std::io::Read;

use clap::Args;

use crate::run::Asked;
use crate::scope::{IdsError, parse_ids};

// Of each argument: a heading of the whole would go on behind it.
const HEADING: &str = "Scope";

/// The schools that a verb is about. Flags go before the pipeline's own scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct Places {
    /// Only these schools, each by schoolID, number or a part of its name that no other school has
    /// (`fullsync schools` finds them); separated by commas, or the option again.
    #[arg(long, help_heading = HEADING, value_name = "SCHOOL", value_delimiter = ',')]
    pub school: Vec<String>,

    /// All schools of the district. A heavy load for the target: asks first, or needs --yes.
    #[arg(long, help_heading = HEADING, conflicts_with = "school")]
    pub all_schools: bool,
}

impl Places {
    /// What is asked for.
    pub fn asked(&self) -> Asked {
        Asked {
            schools: self.school.clone(),
            all_schools: self.all_schools,
            ..Asked::default()
        }
    }
}

/// What a run is narrowed to. Flags go before the pipeline's own scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct Filter {
    #[command(flatten)]
    pub places: Places,

    /// Only these persons: personIDs separated by commas, spaces or line breaks, @FILE, or - for
    /// standard input. Resources that are not about persons still go for the chosen schools.
    #[arg(long, help_heading = HEADING, value_name = "IDS", allow_hyphen_values = true)]
    pub person: Vec<String>,

    /// Course-related resources of these courses only: courseIDs, like --person.
    #[arg(long, help_heading = HEADING, value_name = "IDS", allow_hyphen_values = true)]
    pub course: Vec<String>,

    /// Course-related resources of these sections only: sectionIDs; with --course, of either.
    #[arg(long, help_heading = HEADING, value_name = "IDS", allow_hyphen_values = true)]
    pub section: Vec<String>,

    /// With --person: refuse resources that are not about persons.
    #[arg(long, help_heading = HEADING, requires = "person")]
    pub strict_person_filter: bool,

    /// Calendars that are transformed at a time, as whole schools, before the pipeline's own.
    #[arg(long, help_heading = HEADING, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub calendar_batch: Option<u32>,
}

impl Filter {
    /// What is asked for, with lists of ids read.
    ///
    /// # Errors
    /// All lists that are no lists of ids, one to a line; standard input asked for twice.
    pub fn asked(&self, stdin: &mut dyn Read) -> anyhow::Result<Asked> {
        let mut wrong = Vec::new();
        let lists = [&self.person, &self.course, &self.section];
        let dashes = lists.iter().flat_map(|l| l.iter()).filter(|v| *v == "-");
        if dashes.count() > 1 {
            wrong.push("standard input (-) can be read once only".to_owned());
        }
        let mut ids = |option: &str, values: &[String]| {
            if values.is_empty() {
                return None;
            }
            let parsed: Result<_, IdsError> = parse_ids(option, values, stdin);
            parsed.map_err(|e| wrong.push(e.to_string())).ok()
        };
        let persons = ids("--person", &self.person);
        let courses = ids("--course", &self.course);
        let sections = ids("--section", &self.section);
        if !wrong.is_empty() {
            anyhow::bail!("{}", wrong.join("\n"));
        }
        Ok(Asked {
            persons,
            courses,
            sections,
            strict_persons: self.strict_person_filter,
            calendar_batch: self.calendar_batch.and_then(|n| usize::try_from(n).ok()),
            ..self.places.asked()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bad_lists_are_told_at_once() {
        let list = |text: &str| vec![text.to_owned()];
        let filter = Filter {
            person: list("1;2"),
            course: list(" , "),
            section: list("7"),
            ..Filter::default()
        };
        let error = filter.asked(&mut std::io::empty()).unwrap_err().to_string();
        assert!(
            error.contains("--person: `1;2` (id 1)") && error.contains("--course names nothing")
        );
        let twice = Filter {
            person: list("-"),
            course: list("-"),
            ..Filter::default()
        };
        assert!(twice.asked(&mut "1".as_bytes()).is_err());
    }
}
