//! The `Retry-After` header, as real servers send it.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// More seconds than this are taken for milliseconds: some gateways send those, and nobody asks a
/// client to come back in a quarter of an hour and means it to the second.
const MOST_SECONDS: u64 = 600;

/// How long the server asks to wait: a number of seconds (or milliseconds, see above), or a date,
/// measured against the answer's own `Date` so that clocks need not agree. `retry-after-ms` wins.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .map(str::trim)
    };
    if let Some(ms) = text("retry-after-ms").and_then(|t| t.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(ms / 1000.0).ok();
    }
    let value = text(RETRY_AFTER.as_str())?;
    if let Some(ms) = value.strip_suffix("ms") {
        return ms.trim().parse().ok().map(Duration::from_millis);
    }
    if let Ok(number) = value.trim_end_matches('s').parse::<f64>() {
        let seconds = if number > MOST_SECONDS as f64 {
            number / 1000.0
        } else {
            number
        };
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let now = httpdate::parse_http_date(text(DATE.as_str())?).ok()?;
    Some(until.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&'static str, &'static str)]) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        retry_after(&headers)
    }

    #[test]
    fn seconds_dates_and_milliseconds() {
        let s = Duration::from_secs;
        assert_eq!(of(&[("retry-after", "7")]), Some(s(7)));
        assert_eq!(
            of(&[("retry-after", "0.5")]),
            Some(Duration::from_millis(500))
        );
        assert_eq!(
            of(&[("retry-after", "1500")]),
            Some(Duration::from_millis(1500))
        );
        assert_eq!(
            of(&[("retry-after-ms", "40")]),
            Some(Duration::from_millis(40))
        );
        assert_eq!(
            of(&[("retry-after", "40ms")]),
            Some(Duration::from_millis(40))
        );
        let now = ("date", "Sun, 22 Nov 2026 05:00:00 GMT");
        let later = ("retry-after", "Sun, 22 Nov 2026 05:00:09 GMT");
        let before = ("retry-after", "Sun, 22 Nov 2026 04:00:00 GMT");
        assert_eq!(of(&[now, later]), Some(s(9)));
        assert_eq!(of(&[now, before]), Some(s(0)));
    }

    #[test]
    fn nonsense_is_nothing() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("retry-after", "soon")]), None);
        assert_eq!(of(&[("retry-after", "-3")]), None);
        assert_eq!(of(&[("retry-after", "inf")]), None);
    }
}
