//! The sample district with further rows.

use std::fs;

use super::root;

/// A calendar of the sample, with trimesters.
pub(super) const CALENDAR: &str = "1012";
/// A section of that calendar, placed in all its terms.
pub(super) const SECTION: &str = "50005";
/// The section's trial.
const TRIAL: &str = "101212";
/// A student of the section.
pub(super) const STUDENT: &str = "10000051";

/// A copy of the sample with further rows.
pub(super) struct Changed {
    pub(super) folder: tempfile::TempDir,
}

impl Changed {
    pub(super) fn sample() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(root().join("sample-data")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
        Self { folder }
    }

    /// Adds a row; columns that are not given are empty.
    pub(super) fn add(&self, table: &str, values: &[(&str, &str)]) {
        let file = self.folder.path().join(format!("{table}.csv"));
        let mut bytes = fs::read(&file).unwrap();
        let end = bytes.iter().position(|b| *b == b'\n').unwrap();
        let header = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let header = header
            .trim_start_matches('\u{feff}')
            .trim_end()
            .to_lowercase();
        let names: Vec<&str> = header.split(',').collect();
        for (name, _) in values {
            let known = names.contains(&name.to_lowercase().as_str());
            assert!(known, "{table} has no column {name}: {names:?}");
        }
        let of = |n: &&str| {
            let value = values.iter().find(|(name, _)| name.eq_ignore_ascii_case(n));
            value.map_or("", |v| v.1)
        };
        let row: Vec<&str> = names.iter().map(of).collect();
        bytes.extend_from_slice((row.join(",") + "\n").as_bytes());
        fs::write(&file, bytes).unwrap();
    }

    pub(super) fn person(&self, id: &str, fed_race: &str) {
        self.add(
            "Person",
            &[("personID", id), ("currentIdentityID", id), ("edFiID", id)],
        );
        let names = [
            ("lastName", "Rule"),
            ("firstName", "Example"),
            ("gender", "F"),
        ];
        let facts = [
            ("identityID", id),
            ("personID", id),
            ("birthdate", "2015-01-02"),
            ("raceEthnicityFed", fed_race),
        ];
        self.add("Identity", &[names.as_slice(), facts.as_slice()].concat());
    }

    pub(super) fn enrollment(&self, id: &str, person: &str, begin: &str, end: &str) {
        self.add(
            "Enrollment",
            &[
                ("enrollmentID", id),
                ("personID", person),
                ("calendarID", CALENDAR),
                ("structureID", "10121"),
                ("grade", "3"),
                ("serviceType", "P"),
                ("startDate", begin),
                ("startStatus", "N"),
                ("endDate", end),
                ("endStatus", if end.is_empty() { "" } else { "W" }),
            ],
        );
    }

    pub(super) fn roster(&self, id: &str, person: &str, section: &str, begin: &str, end: &str) {
        self.add(
            "Roster",
            &[
                ("rosterID", id),
                ("personID", person),
                ("sectionID", section),
                ("trialID", TRIAL),
                ("startDate", begin),
                ("endDate", end),
            ],
        );
    }
}
