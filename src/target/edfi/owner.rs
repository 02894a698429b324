//! Whether a record of an Ed-Fi API belongs to a configuration's school year and schools.
//!
//! Reads: records and their keys. Writes: nothing. Never: takes what it cannot tell for ours.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::object::Key;

/// A configuration's part of a target.
#[derive(Clone, Debug, Default)]
pub struct Owner {
    /// School year by its end year.
    pub school_year: i32,
    /// Ed-Fi schoolIds.
    pub schools: BTreeSet<i64>,
    /// The district's own id, where it is in scope.
    pub district: Option<i64>,
    /// Whether all schools are in scope, so that records of no school are, too.
    pub whole: bool,
}

impl Owner {
    /// Whether a record is of this year and these schools. The year is told by any `schoolYear` in
    /// it; where there is none, by the dates of its key, which must be between the first of July
    /// before and the thirtieth of June.
    pub fn has(&self, key: &str, record: &Value) -> bool {
        let Some(parts) = Key::parts(key) else {
            return false;
        };
        let mut years = Vec::new();
        years_in(record, &mut years);
        let this = i64::from(self.school_year);
        if years.iter().any(|year| *year != this) {
            return false;
        }
        let dates = parts.iter().map(|(_, value)| value).filter(|v| is_date(v));
        let (first, last) = (format!("{}-07-01", this - 1), format!("{this}-06-30"));
        if years.is_empty() && !dates.clone().all(|d| **d >= *first && **d <= *last) {
            return false;
        }
        let mut places = parts
            .iter()
            .filter(|(name, _)| is_place(name))
            .map(|(_, value)| value.parse::<i64>().ok())
            .peekable();
        match places.peek() {
            None => self.whole,
            Some(_) => places.all(|id| {
                id.is_some_and(|id| self.schools.contains(&id) || self.district == Some(id))
            }),
        }
    }
}

/// Whether a part of a key names a school or another organization.
fn is_place(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with("schoolid")
        || name.ends_with("educationorganizationid")
        || name.ends_with("localeducationagencyid")
}

/// Whether a text is a date as Ed-Fi writes them.
fn is_date(text: &str) -> bool {
    chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

/// Every `schoolYear` in a record, however deep.
fn years_in(value: &Value, years: &mut Vec<i64>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_i64() {
                    Some(year) if name == "schoolYear" => years.push(year),
                    _ => years_in(value, years),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| years_in(item, years)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn owner(whole: bool) -> Owner {
        Owner {
            school_year: 2026,
            schools: BTreeSet::from([255_901_001]),
            district: whole.then_some(255_901),
            whole,
        }
    }

    #[test]
    fn a_record_is_ours_by_school_year_and_school() {
        let has = |whole, key: &str, record: Value| owner(whole).has(key, &record);
        let enrollment = "entryDate=2025-08-18&schoolId=255901001&studentUniqueId=1";
        assert!(has(false, enrollment, json!({})));
        assert!(!has(
            false,
            &enrollment.replace("2025-08", "2024-08"),
            json!({})
        ));
        let of_last_year = json!({"calendarReference": {"schoolYear": 2025}});
        assert!(!has(false, enrollment, of_last_year));
        let of_this_year = json!({"calendarReference": {"schoolYear": 2026}});
        assert!(has(
            false,
            &enrollment.replace("2025-08", "2024-08"),
            of_this_year
        ));
        assert!(!has(
            true,
            &enrollment.replace("901001", "901002"),
            json!({})
        ));
        // Of no school: only when all schools are in scope.
        assert!(has(true, "studentUniqueId=1", json!({})));
        assert!(!has(false, "studentUniqueId=1", json!({})));
        let course = "courseCode=A&educationOrganizationId=255901";
        assert!(has(true, course, json!({})) && !has(false, course, json!({})));
        assert!(!has(true, "!Enrollment:7", json!({})));
    }
}
