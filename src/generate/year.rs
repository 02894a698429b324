//! The school year: first and last day, holidays, terms.
//!
//! Reads: nothing. Writes: nothing. Never: the clock.

use chrono::{Datelike as _, Days, NaiveDate, Weekday};

use super::draw::Draw;

/// The dates of one school year.
#[derive(Clone, Debug)]
pub(super) struct Year {
    /// The year it ends in.
    pub(super) end_year: i32,
    /// First day of school: the third Monday of August.
    pub(super) begin: NaiveDate,
    /// Last day: the first Friday of June.
    pub(super) end: NaiveDate,
    weather: [NaiveDate; 2],
}

/// What a weekday is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DayUse {
    /// Whether there is school.
    pub(super) instruction: bool,
    /// Code of its event, if it has one.
    pub(super) event: Option<&'static str>,
}

/// A stretch of dates with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// First day.
    pub(super) begin: NaiveDate,
    /// Last day.
    pub(super) end: NaiveDate,
}

impl Span {
    /// The days of `self` that lie within the bounds; None when there is none.
    pub(super) fn clip(self, begin: Option<NaiveDate>, end: Option<NaiveDate>) -> Option<Self> {
        let begin = begin.map_or(self.begin, |b| b.max(self.begin));
        let end = end.map_or(self.end, |e| e.min(self.end));
        (begin <= end).then_some(Self { begin, end })
    }

    /// Cuts the span into `n` terms of about equal length, from Monday to Friday.
    pub(super) fn terms(self, n: usize) -> Vec<Self> {
        let weeks = (self.end - self.begin).num_weeks().unsigned_abs() + 1;
        let n = n.max(1) as u64;
        let monday = |part: u64| plus(self.begin, weeks * part / n * 7);
        (0..n)
            .map(|part| Self {
                begin: monday(part),
                end: if part + 1 == n {
                    self.end
                } else {
                    minus(monday(part + 1), 3)
                },
            })
            .collect()
    }
}

impl Year {
    /// The school year that ends in `end_year`.
    pub(super) fn new(end_year: i32, draw: Draw) -> Self {
        let lot = draw.of("Weather", u64::from(end_year.unsigned_abs()));
        let storm = |month, week: u64| {
            let tuesday = nth(end_year, month, Weekday::Tue, 2);
            plus(tuesday, week * 7)
        };
        Self {
            end_year,
            begin: nth(end_year - 1, 8, Weekday::Mon, 3),
            end: nth(end_year, 6, Weekday::Fri, 1),
            weather: [
                storm(1, lot.below("january", 3)),
                storm(2, lot.below("february", 3)),
            ],
        }
    }

    /// First day to last day.
    pub(super) fn span(&self) -> Span {
        Span {
            begin: self.begin,
            end: self.end,
        }
    }

    /// The day on which everything that is not older still counts for this year: 1 July.
    pub(super) fn opens(&self) -> NaiveDate {
        date(self.end_year - 1, 7, 1)
    }

    /// What a weekday is for; None on a Saturday or Sunday.
    pub(super) fn day(&self, day: NaiveDate) -> Option<DayUse> {
        if matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
            return None;
        }
        let off = |event| DayUse {
            instruction: false,
            event,
        };
        let on = |event| DayUse {
            instruction: true,
            event,
        };
        let spring = nth(self.end_year, 3, Weekday::Mon, 2);
        Some(if self.is_holiday(day) {
            off(Some("H"))
        } else if self.weather.contains(&day) {
            off(Some("W"))
        } else if day == nth(self.end_year - 1, 11, Weekday::Mon, 1) {
            off(Some("T"))
        } else if day == spring {
            off(Some(super::codes::UNMAPPED_EVENT))
        } else if self.is_break(day) || (day > spring && day < plus(spring, 5)) {
            off(None)
        } else if day.weekday() == Weekday::Wed && (10..17).contains(&day.day()) {
            on(Some("L"))
        } else if day == nth(self.end_year, 5, Weekday::Thu, 2) {
            on(Some(super::codes::UNMAPPED_EVENT))
        } else {
            on(None)
        })
    }

    fn is_holiday(&self, day: NaiveDate) -> bool {
        let (first, second) = (self.end_year - 1, self.end_year);
        let memorial = minus(date(second, 6, 1), {
            let after = date(second, 6, 1).weekday().num_days_from_monday();
            if after == 0 { 7 } else { u64::from(after) }
        });
        let movable = [
            nth(first, 9, Weekday::Mon, 1),
            nth(first, 11, Weekday::Thu, 4),
            nth(second, 1, Weekday::Mon, 3),
            nth(second, 2, Weekday::Mon, 3),
            memorial,
        ];
        let fixed = [(12, 24), (12, 25), (12, 26), (1, 1)];
        movable.contains(&day) || fixed.contains(&(day.month(), day.day()))
    }

    fn is_break(&self, day: NaiveDate) -> bool {
        let winter = day >= date(self.end_year - 1, 12, 22) && day <= date(self.end_year, 1, 2);
        winter || day == plus(nth(self.end_year - 1, 11, Weekday::Thu, 4), 1)
    }
}

/// A date; the epoch when there is no such date, which the ranges used here exclude.
pub(super) fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}

fn nth(year: i32, month: u32, weekday: Weekday, n: u8) -> NaiveDate {
    NaiveDate::from_weekday_of_month_opt(year, month, weekday, n).unwrap_or_default()
}

/// The date some days later.
pub(super) fn plus(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_add_days(Days::new(days)).unwrap_or(day)
}

/// The date some days earlier.
pub(super) fn minus(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_has_about_180_days_of_school() {
        for end_year in 2001..2080 {
            let year = Year::new(end_year, Draw::new(1));
            let days = (0..400)
                .map(|n| plus(year.begin, n))
                .take_while(|d| *d <= year.end);
            let school = days
                .filter(|d| year.day(*d).is_some_and(|d| d.instruction))
                .count();
            assert!((176..=194).contains(&school), "{end_year}: {school}");
        }
    }

    #[test]
    fn the_year_2026_begins_on_18_august_2025() {
        let year = Year::new(2026, Draw::new(1));
        assert_eq!(
            (year.begin, year.end),
            (date(2025, 8, 18), date(2026, 6, 5))
        );
        let use_of = |y, m, d| year.day(date(y, m, d)).map(|d| (d.instruction, d.event));
        assert_eq!(use_of(2025, 9, 1), Some((false, Some("H"))));
        assert_eq!(use_of(2025, 11, 28), Some((false, None)));
        assert_eq!(use_of(2026, 5, 25), Some((false, Some("H"))));
        assert_eq!(use_of(2025, 9, 10), Some((true, Some("L"))));
        assert_eq!(use_of(2025, 9, 6), None);
    }

    #[test]
    fn terms_follow_each_other_and_fill_the_year() {
        let span = Year::new(2026, Draw::new(1)).span();
        for n in 1..=4 {
            let terms = span.terms(n);
            assert_eq!(terms.len(), n);
            assert_eq!((terms[0].begin, terms[n - 1].end), (span.begin, span.end));
            for pair in terms.windows(2) {
                assert!(pair[0].begin < pair[0].end && pair[0].end < pair[1].begin);
            }
        }
    }

    #[test]
    fn clipping_keeps_what_is_inside() {
        let span = Span {
            begin: date(2026, 1, 5),
            end: date(2026, 1, 9),
        };
        assert_eq!(span.clip(None, None), Some(span));
        let late = span
            .clip(Some(date(2026, 1, 8)), Some(date(2026, 2, 1)))
            .unwrap();
        assert_eq!((late.begin, late.end), (date(2026, 1, 8), span.end));
        assert_eq!(span.clip(Some(date(2026, 1, 10)), None), None);
    }
}
