//! Primary keys and single-column foreign keys out of `CREATE TABLE` and `ALTER TABLE` statements
//! (the table definitions of the Ed-Fi ODS, PostgreSQL or SQL Server).
//!
//! Reads: SQL text. Writes: nothing. Never: anything else of SQL; other statements are passed over.

use std::collections::{BTreeMap, BTreeSet};

/// What the tables tell. All names of tables and columns are in lower case as map keys.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// Table -> primary key columns, in the spelling of the file.
    keys: BTreeMap<String, Vec<String>>,
    /// Column -> table -> the descriptor type that the column refers to.
    descriptors: BTreeMap<String, BTreeMap<String, String>>,
    /// Abstract table -> tables whose whole primary key refers to its whole primary key.
    kinds: BTreeMap<String, BTreeSet<String>>,
}

impl Tables {
    /// Reads every given text, tables before foreign keys.
    pub(super) fn parse(texts: &[String]) -> Self {
        let mut tables = Self::default();
        let statements: Vec<Vec<String>> = texts.iter().flat_map(|t| statements(t)).collect();
        for s in &statements {
            tables.create(s);
        }
        for s in &statements {
            tables.alter(s);
        }
        tables
    }

    /// Whether nothing was found.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Primary key columns of a table, its name in any case.
    pub(super) fn key(&self, table: &str) -> Option<&[String]> {
        self.keys.get(&table.to_lowercase()).map(Vec::as_slice)
    }

    /// The descriptor type that a property refers to (`entryGradeLevelDescriptor`): by the
    /// property's own table, else by the column's name in any table if all agree.
    pub(super) fn descriptor(&self, table: &str, property: &str) -> Option<&str> {
        let by_table = self
            .descriptors
            .get(&format!("{}id", property.to_lowercase()))?;
        if let Some(found) = by_table.get(&table.to_lowercase()) {
            return Some(found);
        }
        let mut all = by_table.values();
        let first = all.next()?;
        all.all(|d| d == first).then_some(first)
    }

    /// Names of all descriptor tables (`GradeLevelDescriptor`).
    pub(super) fn descriptor_types(&self) -> impl Iterator<Item = &str> {
        self.keys
            .values()
            .filter_map(|key| match key.as_slice() {
                [only] => only.strip_suffix("Id"),
                _ => None,
            })
            .filter(|name| {
                // The table that all types share is none.
                let typed = name.ends_with("Descriptor") && *name != "Descriptor";
                typed && self.keys.contains_key(&name.to_lowercase())
            })
    }

    /// Whether `table` is one kind of the abstract table.
    pub(super) fn is_kind_of(&self, table: &str, of: &str) -> bool {
        self.kinds
            .get(&of.to_lowercase())
            .is_some_and(|kinds| kinds.contains(&table.to_lowercase()))
    }

    /// `CREATE TABLE schema.Name ( ... PRIMARY KEY (a, b) ... )`.
    fn create(&mut self, statement: &[String]) {
        if !starts(statement, &["create", "table"]) {
            return;
        }
        let Some(open) = statement.iter().position(|t| t == "(") else {
            return;
        };
        let Some(table) = open.checked_sub(1).and_then(|i| statement.get(i)) else {
            return;
        };
        if let Some(at) = find(statement, &["primary", "key"]) {
            let key = list(statement.get(at..).unwrap_or_default());
            self.keys.insert(table.to_lowercase(), key);
        }
    }

    /// `ALTER TABLE schema.Name ADD CONSTRAINT x FOREIGN KEY (a) REFERENCES schema.Other (b)`, and
    /// primary keys that are added later.
    fn alter(&mut self, statement: &[String]) {
        if !starts(statement, &["alter", "table"]) {
            return;
        }
        // Only the first words name the table: `schema . Name ADD ...`.
        let Some(add) = find(statement, &["add"]) else {
            return;
        };
        // SQL Server writes `WITH CHECK` between the name and ADD.
        let after = find(statement, &["with"])
            .filter(|w| *w < add)
            .unwrap_or(add);
        let Some(table) = after.checked_sub(2).and_then(|i| statement.get(i)) else {
            return;
        };
        let table = table.to_lowercase();
        if let Some(at) = find(statement, &["primary", "key"]) {
            let key = list(statement.get(at..).unwrap_or_default());
            self.keys.insert(table, key);
            return;
        }
        let Some(at) = find(statement, &["foreign", "key"]) else {
            return;
        };
        let columns = list(statement.get(at..).unwrap_or_default());
        let Some(references) = find(statement, &["references"]) else {
            return;
        };
        let rest = statement.get(references..).unwrap_or_default();
        let Some(open) = rest.iter().position(|t| t == "(") else {
            return;
        };
        let Some(other) = open.checked_sub(1).and_then(|i| rest.get(i)) else {
            return;
        };
        self.foreign(table, &columns, other, &list(rest));
    }

    fn foreign(&mut self, table: String, columns: &[String], other: &str, theirs: &[String]) {
        if let ([column], true) = (columns, other.ends_with("Descriptor")) {
            self.descriptors
                .entry(column.to_lowercase())
                .or_default()
                .insert(table, other.to_owned());
            return;
        }
        let whole = |table: &str, columns: &[String]| {
            self.key(table).is_some_and(|key| {
                let key: BTreeSet<String> = key.iter().map(|c| c.to_lowercase()).collect();
                key == columns.iter().map(|c| c.to_lowercase()).collect()
            })
        };
        if whole(&table, columns) && whole(other, theirs) {
            self.kinds
                .entry(other.to_lowercase())
                .or_default()
                .insert(table);
        }
    }
}

fn starts(statement: &[String], words: &[&str]) -> bool {
    statement.len() > words.len()
        && statement
            .iter()
            .zip(words)
            .all(|(t, w)| t.eq_ignore_ascii_case(w))
}

/// Index just after the first occurrence of these words.
fn find(statement: &[String], words: &[&str]) -> Option<usize> {
    statement
        .windows(words.len())
        .position(|w| w.iter().zip(words).all(|(t, w)| t.eq_ignore_ascii_case(w)))
        .map(|at| at + words.len())
}

/// The column names of the first parenthesis: of each item its first word (`[A] ASC` is `A`).
fn list(tokens: &[String]) -> Vec<String> {
    let mut names = Vec::new();
    let mut first = false;
    for token in tokens.iter().skip_while(|t| *t != "(") {
        match token.as_str() {
            "(" | "," => first = true,
            ")" => break,
            name if first => {
                names.push(name.to_owned());
                first = false;
            }
            _ => {}
        }
    }
    names
}

/// Splits SQL into statements of words; comments, quotes around names and the dots of qualified
/// names are dropped (of `edfi.School` both words stay).
fn statements(text: &str) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    let mut statement = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let comment = match (c, chars.peek()) {
            ('-', Some('-')) => "\n",
            ('/', Some('*')) => "*/",
            _ => "",
        };
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        end_word(&mut word, &mut statement, &mut all);
        match c {
            '-' | '/' if !comment.is_empty() => skip_to(&mut chars, comment),
            '\'' => skip_to(&mut chars, "'"),
            ';' => end_statement(&mut statement, &mut all),
            '(' | ')' | ',' => statement.push(c.to_string()),
            _ => {}
        }
    }
    end_word(&mut word, &mut statement, &mut all);
    end_statement(&mut statement, &mut all);
    all
}

/// SQL Server's files end statements with `GO` or not at all, so `CREATE` and `ALTER` begin a new
/// one. `ALTER COLUMN` stays inside its statement.
fn end_word(word: &mut String, statement: &mut Vec<String>, all: &mut Vec<Vec<String>>) {
    if word.is_empty() {
        return;
    }
    let word = std::mem::take(word);
    if word.eq_ignore_ascii_case("table")
        && let Some(begin) = statement.pop()
    {
        end_statement(statement, all);
        statement.push(begin);
    }
    if word.eq_ignore_ascii_case("go") {
        end_statement(statement, all);
    } else {
        statement.push(word);
    }
}

fn end_statement(statement: &mut Vec<String>, all: &mut Vec<Vec<String>>) {
    if !statement.is_empty() {
        all.push(std::mem::take(statement));
    }
}

fn skip_to(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, end: &str) {
    let mut matched = String::new();
    for c in chars.by_ref() {
        matched.push(c);
        if matched.ends_with(end) {
            return;
        }
        if matched.len() > 64 {
            matched = matched
                .chars()
                .rev()
                .take(2)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POSTGRES: &str = "
        -- Table edfi.School --
        CREATE TABLE edfi.EducationOrganization (EducationOrganizationId BIGINT NOT NULL,
            CONSTRAINT EducationOrganization_PK PRIMARY KEY (EducationOrganizationId));
        CREATE TABLE edfi.School (
            SchoolId BIGINT NOT NULL, /* ; CREATE TABLE x ( */
            Credits DECIMAL(9, 3) NULL,
            CONSTRAINT School_PK PRIMARY KEY (SchoolId)
        );
        ALTER TABLE edfi.School ALTER COLUMN CreateDate SET DEFAULT current_timestamp AT TIME ZONE 'U;TC';
        CREATE TABLE edfi.GradeLevelDescriptor (GradeLevelDescriptorId INT NOT NULL,
            CONSTRAINT GradeLevelDescriptor_PK PRIMARY KEY (GradeLevelDescriptorId));
        CREATE TABLE edfi.StudentSchoolAssociation (EntryDate DATE NOT NULL, SchoolId BIGINT NOT NULL,
            StudentUSI INT NOT NULL, EntryGradeLevelDescriptorId INT NOT NULL,
            CONSTRAINT X_PK PRIMARY KEY (EntryDate, SchoolId, StudentUSI));
        ALTER TABLE edfi.School ADD CONSTRAINT FK_1 FOREIGN KEY (SchoolId)
        REFERENCES edfi.EducationOrganization (EducationOrganizationId)
        ON DELETE CASCADE
        ;
        ALTER TABLE edfi.StudentSchoolAssociation ADD CONSTRAINT FK_2
        FOREIGN KEY (EntryGradeLevelDescriptorId) REFERENCES edfi.GradeLevelDescriptor (GradeLevelDescriptorId)
        ;";

    #[test]
    fn postgres_tables() {
        let tables = Tables::parse(&[POSTGRES.to_owned()]);
        assert_eq!(
            tables.key("studentSchoolAssociation").unwrap(),
            ["EntryDate", "SchoolId", "StudentUSI"]
        );
        assert_eq!(tables.key("School").unwrap(), ["SchoolId"]);
        assert!(tables.is_kind_of("school", "educationOrganization"));
        assert!(!tables.is_kind_of("StudentSchoolAssociation", "School"));
        let wanted = Some("GradeLevelDescriptor");
        let property = "entryGradeLevelDescriptor";
        assert_eq!(
            tables.descriptor("studentSchoolAssociation", property),
            wanted
        );
        assert_eq!(tables.descriptor("elsewhere", property), wanted);
        assert_eq!(
            tables.descriptor_types().collect::<Vec<_>>(),
            ["GradeLevelDescriptor"]
        );
    }

    #[test]
    fn sql_server_tables() {
        let text = "CREATE TABLE [edfi].[Cohort] (
            [CohortIdentifier] [nvarchar](36) NOT NULL,
            CONSTRAINT [Cohort_PK] PRIMARY KEY CLUSTERED (
                [CohortIdentifier] ASC, [EducationOrganizationId] ASC) ON [PRIMARY]
        ) ON [PRIMARY]
        GO
        ALTER TABLE [edfi].[Cohort] WITH CHECK ADD CONSTRAINT [FK_3] FOREIGN KEY ([CohortTypeDescriptorId])
        REFERENCES [edfi].[CohortTypeDescriptor] ([CohortTypeDescriptorId])
        GO";
        let tables = Tables::parse(&[text.to_owned()]);
        assert_eq!(
            tables.key("cohort").unwrap(),
            ["CohortIdentifier", "EducationOrganizationId"]
        );
        assert_eq!(
            tables.descriptor("cohort", "cohortTypeDescriptor"),
            Some("CohortTypeDescriptor")
        );
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in "(CREATE TABLE|ALTER TABLE|PRIMARY KEY|FOREIGN KEY|ADD|WITH|REFERENCES|[a-z( ),;'/*-]){0,30}") {
            let _ = Tables::parse(&[text]);
        }
    }
}
