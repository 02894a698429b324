//! What a calendar has beside its schedules: months, and excuses for absences.
//!
//! Reads: nothing. Writes: SchoolMonth, AttendanceExcuse. Never: people.

use chrono::Datelike as _;

use super::Maker;
use super::columns::Id;
use super::year::{minus, plus};

/// excuseID of a calendar's excuse: 1 = excused absence, 2 = excused lateness.
pub(super) fn excuse_id(calendar: i64, which: i64) -> i64 {
    calendar * 10 + which
}

/// Months of school: August or September to the last one, ten or eleven.
pub(super) fn rows(maker: &mut Maker, calendar: i64) {
    let span = maker.year.span();
    let mut begin = span.begin;
    let mut number = 0;
    while begin <= span.end {
        number += 1;
        let mut end = begin;
        let mut days = 0;
        while end.month() == begin.month() && end <= span.end {
            days += i64::from(maker.year.day(end).is_some_and(|day| day.instruction));
            end = plus(end, 1);
        }
        maker
            .tables
            .row(Id::SchoolMonth)
            .int(calendar * 100 + number)
            .int(calendar)
            .int(number)
            .made(|t| t.push_str(&begin.format("%B").to_string()))
            .date(begin)
            .date(minus(end, 1))
            .int(days)
            .end();
        begin = end;
    }
}

/// The excuses of a calendar.
pub(super) fn excuses(maker: &mut Maker, calendar: i64) {
    let excuses = [("ILL", "Illness", "A"), ("BUS", "Bus was late", "T")];
    for (which, (code, description, status)) in excuses.into_iter().enumerate() {
        maker
            .tables
            .row(Id::AttendanceExcuse)
            .int(excuse_id(calendar, which as i64 + 1))
            .int(calendar)
            .text(code)
            .text(description)
            .text(status)
            .text("E")
            .end();
    }
}
