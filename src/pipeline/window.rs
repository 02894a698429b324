//! The off-peak window: when a target may be loaded, by the wall clock of a time zone.
//!
//! Reads: the time that it is asked about. Writes: nothing. Never: a clock of its own.

use std::fmt;
use std::str::FromStr as _;

use chrono::{DateTime, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// `22:00-05:00`: from the first to the second time of each day, also across midnight.
///
/// Where a clock change makes a time occur twice, the window opens at the later and closes at the
/// earlier of the two; where it leaves one out, at the first time after the gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    opens: NaiveTime,
    closes: NaiveTime,
    zone: Zone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zone {
    /// This machine's.
    Local,
    /// By its IANA name.
    Named(Tz),
}

/// How a time stands to a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Inside; it closes then.
    Open {
        /// The end.
        until: DateTime<Utc>,
    },
    /// Outside; it opens then.
    Shut {
        /// The next beginning.
        until: DateTime<Utc>,
    },
}

/// Why a text is no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// Not two times.
    #[error("`{0}` is no window: write two times of day, like 22:00-05:00")]
    Times(String),
    /// From one time to the same.
    #[error("`{0}` opens and closes at one time: leave the window out to load at any time")]
    Empty(String),
    /// Not an IANA name.
    #[error(
        "`{0}` is no time zone: write a name like America/Chicago, or leave it out for this machine's"
    )]
    Zone(String),
}

impl Window {
    /// Reads a window; `zone` is an IANA name, None is this machine's zone.
    ///
    /// # Errors
    /// [`WindowError`].
    pub fn parse(text: &str, zone: Option<&str>) -> Result<Self, WindowError> {
        let times = text.split_once(['-', '–']);
        let times = times.and_then(|(a, b)| Some((time(a)?, time(b)?)));
        let (opens, closes) = times.ok_or_else(|| WindowError::Times(text.to_owned()))?;
        if opens == closes {
            return Err(WindowError::Empty(text.to_owned()));
        }
        let zone = match zone {
            None => Zone::Local,
            Some(name) => {
                let named = Tz::from_str(name.trim());
                Zone::Named(named.map_err(|_| WindowError::Zone(name.to_owned()))?)
            }
        };
        Ok(Self {
            opens,
            closes,
            zone,
        })
    }

    /// Reads the times anew, keeping the zone.
    ///
    /// # Errors
    /// [`WindowError`].
    pub fn with_times(self, text: &str) -> Result<Self, WindowError> {
        let times = Self::parse(text, None)?;
        Ok(Self {
            zone: self.zone,
            ..times
        })
    }

    /// Whether the window is open at a time, and until when it stays as it is.
    pub fn standing(&self, now: DateTime<Utc>) -> Standing {
        match self.zone {
            Zone::Local => self.standing_in(&chrono::Local, now),
            Zone::Named(zone) => self.standing_in(&zone, now),
        }
    }

    fn standing_in<Z: TimeZone>(&self, zone: &Z, now: DateTime<Utc>) -> Standing {
        let today = now.with_timezone(zone).date_naive();
        let mut next = None;
        // Yesterday's may still be open; around a clock change tomorrow's may be the next one.
        for days in -1..=2 {
            let date = today + TimeDelta::days(days);
            let ends = match self.closes <= self.opens {
                true => date + TimeDelta::days(1),
                false => date,
            };
            let opens = instant(zone, date, self.opens, Twice::Later);
            let closes = instant(zone, ends, self.closes, Twice::Earlier);
            if opens <= now && now < closes {
                return Standing::Open { until: closes };
            }
            if opens > now && opens < closes {
                next = Some(next.map_or(opens, |next: DateTime<Utc>| next.min(opens)));
            }
        }
        Standing::Shut {
            until: next.unwrap_or(now + TimeDelta::days(1)),
        }
    }

    /// A time as the window's zone shows it: `2026-03-08 05:00`.
    pub fn shown(&self, at: DateTime<Utc>) -> String {
        const FORMAT: &str = "%Y-%m-%d %H:%M";
        match self.zone {
            Zone::Local => at.with_timezone(&chrono::Local).format(FORMAT).to_string(),
            Zone::Named(zone) => at.with_timezone(&zone).format(FORMAT).to_string(),
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |time: NaiveTime| {
            let text = time.format("%H:%M:%S").to_string();
            text.strip_suffix(":00").map_or(text.clone(), str::to_owned)
        };
        write!(f, "{}-{}", part(self.opens), part(self.closes))?;
        match self.zone {
            Zone::Local => Ok(()),
            Zone::Named(zone) => write!(f, " {zone}"),
        }
    }
}

/// `22:00` or `22:00:30`.
fn time(text: &str) -> Option<NaiveTime> {
    let text = text.trim();
    ["%H:%M", "%H:%M:%S"]
        .iter()
        .find_map(|format| NaiveTime::parse_from_str(text, format).ok())
}

#[derive(Clone, Copy)]
enum Twice {
    Earlier,
    Later,
}

/// The instant of a wall-clock time on a date.
fn instant<Z: TimeZone>(zone: &Z, date: NaiveDate, time: NaiveTime, twice: Twice) -> DateTime<Utc> {
    let wall = date.and_time(time);
    // A gap is an hour or two; a zone that skipped a whole day did so once, in the Pacific.
    for minutes in 0..=25 * 60 {
        match zone.from_local_datetime(&(wall + TimeDelta::minutes(minutes))) {
            LocalResult::Single(at) => return at.with_timezone(&Utc),
            LocalResult::Ambiguous(earlier, later) => {
                let at = match twice {
                    Twice::Earlier => earlier,
                    Twice::Later => later,
                };
                return at.with_timezone(&Utc);
            }
            LocalResult::None => {}
        }
    }
    wall.and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn chicago(text: &str) -> Window {
        Window::parse(text, Some("America/Chicago")).unwrap()
    }

    #[test]
    fn e14_a_window_crosses_midnight() {
        let window = chicago("22:00-05:00");
        // Chicago is 6 hours behind in winter.
        for (now, wanted) in [
            (
                "2026-01-10T03:59:59Z",
                Standing::Shut {
                    until: at("2026-01-10T04:00:00Z"),
                },
            ),
            (
                "2026-01-10T04:00:00Z",
                Standing::Open {
                    until: at("2026-01-10T11:00:00Z"),
                },
            ),
            (
                "2026-01-10T10:59:59Z",
                Standing::Open {
                    until: at("2026-01-10T11:00:00Z"),
                },
            ),
            (
                "2026-01-10T11:00:00Z",
                Standing::Shut {
                    until: at("2026-01-11T04:00:00Z"),
                },
            ),
        ] {
            assert_eq!(window.standing(at(now)), wanted, "{now}");
        }
        assert_eq!(window.to_string(), "22:00-05:00 America/Chicago");
        assert_eq!(window.shown(at("2026-01-10T11:00:00Z")), "2026-01-10 05:00");
    }

    #[test]
    fn e14_a_window_within_a_day() {
        let window = Window::parse("09:30 - 17:00", Some("UTC")).unwrap();
        let open = Standing::Open {
            until: at("2026-05-04T17:00:00Z"),
        };
        assert_eq!(window.standing(at("2026-05-04T09:30:00Z")), open);
        let shut = Standing::Shut {
            until: at("2026-05-05T09:30:00Z"),
        };
        assert_eq!(window.standing(at("2026-05-04T17:00:00Z")), shut);
    }

    #[test]
    fn e14_clocks_that_change_shorten_a_night_and_never_lose_it() {
        // 2026-03-08: 02:00 becomes 03:00 (08:00 UTC). The night is an hour shorter.
        let night = chicago("22:00-05:00");
        let open = Standing::Open {
            until: at("2026-03-08T10:00:00Z"),
        };
        assert_eq!(night.standing(at("2026-03-08T04:00:00Z")), open);
        // A beginning that does not exist: the first time after the gap.
        let gap = chicago("02:30-04:00");
        let shut = Standing::Shut {
            until: at("2026-03-08T08:00:00Z"),
        };
        assert_eq!(gap.standing(at("2026-03-08T07:59:00Z")), shut);
        let open = Standing::Open {
            until: at("2026-03-08T09:00:00Z"),
        };
        assert_eq!(gap.standing(at("2026-03-08T08:00:00Z")), open);
        // 2026-11-01: 02:00 becomes 01:00 (07:00 UTC), so that 01:30 comes twice: open at the later.
        let twice = chicago("01:30-03:00");
        let shut = Standing::Shut {
            until: at("2026-11-01T07:30:00Z"),
        };
        assert_eq!(twice.standing(at("2026-11-01T06:40:00Z")), shut);
        // Close at the earlier.
        let until = chicago("22:00-01:30");
        let open = Standing::Open {
            until: at("2026-11-01T06:30:00Z"),
        };
        assert_eq!(until.standing(at("2026-11-01T05:00:00Z")), open);
        assert!(matches!(
            until.standing(at("2026-11-01T07:10:00Z")),
            Standing::Shut { .. }
        ));
    }

    #[test]
    fn what_is_no_window_says_so() {
        for text in [
            "",
            "22",
            "22:00",
            "22:00-",
            "25:00-05:00",
            "a-b",
            "22:00-05:00-06:00",
        ] {
            assert!(
                matches!(Window::parse(text, None), Err(WindowError::Times(_))),
                "{text}"
            );
        }
        assert!(matches!(
            Window::parse("05:00-05:00", None),
            Err(WindowError::Empty(_))
        ));
        assert!(matches!(
            Window::parse("22:00-05:00", Some("Chicago")),
            Err(WindowError::Zone(_))
        ));
    }
}
