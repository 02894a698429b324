//! Values from text: numbers, dates, times and bits as the SIS exports write them.
//!
//! Reads: bytes. Writes: nothing. Never: allocates, panics, rounds, or takes a text that has two
//! readings.

use super::RejectReason;

/// Microseconds of a day.
pub(super) const DAY_MICROS: i64 = 86_400_000_000;

/// The text without ASCII spaces and tabs around it (padded exports of numbers and dates).
pub(super) fn trimmed(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

/// A 64-bit integer; a fraction of zeros (`12.0`) is taken, because spreadsheet tools write it.
pub(super) fn int(text: &[u8]) -> Result<i64, RejectReason> {
    let text = trimmed(text);
    let (negative, mut digits) = sign(text);
    if let Some(dot) = digits.iter().position(|b| *b == b'.') {
        let (whole, fraction) = digits.split_at(dot);
        let zeros = fraction.get(1..).unwrap_or_default();
        if zeros.is_empty() || zeros.iter().any(|b| *b != b'0') {
            return Err(RejectReason::BadNumber);
        }
        digits = whole;
    }
    if digits.is_empty() {
        return Err(RejectReason::BadNumber);
    }
    // Summed up as a negative number, whose range is one larger.
    let mut value = 0i64;
    for b in digits {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return Err(RejectReason::BadNumber);
        }
        value = value
            .checked_mul(10)
            .and_then(|v| v.checked_sub(i64::from(digit)))
            .ok_or(RejectReason::BadNumber)?;
    }
    if negative {
        Ok(value)
    } else {
        value.checked_neg().ok_or(RejectReason::BadNumber)
    }
}

/// A decimal with `scale` places, as its unscaled integer. Further places must be zeros: a value
/// is never rounded silently.
pub(super) fn decimal(text: &[u8], precision: u8, scale: i8) -> Result<i128, RejectReason> {
    let text = trimmed(text);
    let (negative, digits) = sign(text);
    let places = usize::try_from(scale).unwrap_or(0);
    let (mut value, mut seen, mut fraction) = (0i128, 0usize, None);
    for b in digits {
        match (b, fraction) {
            (b'.', None) => fraction = Some(0usize),
            (b'0'..=b'9', past) => {
                seen += 1;
                if let Some(past) = past {
                    fraction = Some(past + 1);
                    if past >= places {
                        if *b != b'0' {
                            return Err(RejectReason::BadNumber);
                        }
                        continue;
                    }
                }
                value = value
                    .checked_mul(10)
                    .and_then(|v| v.checked_add(i128::from(b - b'0')))
                    .ok_or(RejectReason::BadNumber)?;
            }
            _ => return Err(RejectReason::BadNumber),
        }
    }
    if seen == 0 {
        return Err(RejectReason::BadNumber);
    }
    for _ in fraction.unwrap_or(0)..places {
        value = value.checked_mul(10).ok_or(RejectReason::BadNumber)?;
    }
    let value = if negative { -value } else { value };
    fits(value, precision)
}

/// The unscaled value, if it has at most `precision` digits.
pub(super) fn fits(value: i128, precision: u8) -> Result<i128, RejectReason> {
    let limit = 10u128.checked_pow(u32::from(precision));
    if limit.is_some_and(|limit| value.unsigned_abs() < limit) {
        Ok(value)
    } else {
        Err(RejectReason::BadNumber)
    }
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

/// `0`, `1`, `true` or `false`, in any case.
pub(super) fn bit(text: &[u8]) -> Result<bool, RejectReason> {
    match trimmed(text) {
        b"1" => Ok(true),
        b"0" => Ok(false),
        word if word.eq_ignore_ascii_case(b"true") => Ok(true),
        word if word.eq_ignore_ascii_case(b"false") => Ok(false),
        _ => Err(RejectReason::BadBoolean),
    }
}

/// Days since 1970-01-01 from `YYYY-MM-DD`; a time behind it (after a space or `T`, with or without
/// a zone) must be a time and is cut off.
pub(super) fn date(text: &[u8]) -> Result<i32, RejectReason> {
    let text = trimmed(text);
    let (day, rest) = day(text).ok_or(RejectReason::BadDate)?;
    match rest {
        [] => Ok(day),
        [b' ' | b'T' | b't', time @ ..] => {
            let (_, zone) = clock(time).ok_or(RejectReason::BadDate)?;
            is_zone(zone).then_some(day).ok_or(RejectReason::BadDate)
        }
        _ => Err(RejectReason::BadDate),
    }
}

/// Microseconds since 1970-01-01 00:00 from `YYYY-MM-DD[ hh:mm[:ss[.fffffffff]]]`, without zone;
/// places behind the microsecond are cut off.
pub(super) fn timestamp(text: &[u8]) -> Result<i64, RejectReason> {
    let text = trimmed(text);
    let (day, rest) = day(text).ok_or(RejectReason::BadDate)?;
    let micros = match rest {
        [] => 0,
        [b' ' | b'T' | b't', time @ ..] => match clock(time) {
            Some((micros, [])) => micros,
            _ => return Err(RejectReason::BadDate),
        },
        _ => return Err(RejectReason::BadDate),
    };
    Ok(i64::from(day) * DAY_MICROS + micros)
}

/// Microseconds since midnight from `hh:mm[:ss[.fff]]`; a date before it is cut off, because SQL
/// Server exports a time kept as a date and time as `1900-01-01 07:45:00`.
pub(super) fn time(text: &[u8]) -> Result<i64, RejectReason> {
    let text = trimmed(text);
    let text = match day(text) {
        Some((_, [b' ' | b'T' | b't', time @ ..])) => time,
        _ => text,
    };
    match clock(text) {
        Some((micros, [])) => Ok(micros),
        _ => Err(RejectReason::BadTime),
    }
}

/// `HH:MM:SS` of a time of day.
pub(super) fn time_text(micros: i64) -> [u8; 8] {
    let seconds = micros.rem_euclid(DAY_MICROS) / 1_000_000;
    let mut text = *b"00:00:00";
    for (at, part) in [
        (0, seconds / 3600),
        (3, seconds / 60 % 60),
        (6, seconds % 60),
    ] {
        for (slot, digit) in [(at, part / 10), (at + 1, part % 10)] {
            text[slot] = b'0' + u8::try_from(digit).unwrap_or(0);
        }
    }
    text
}

/// A leading `YYYY-MM-DD` and what follows it.
fn day(text: &[u8]) -> Option<(i32, &[u8])> {
    let (head, rest) = text.split_at_checked(10)?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = head else {
        return None;
    };
    let year = two(*y1, *y2)? * 100 + two(*y3, *y4)?;
    let (month, day) = (two(*m1, *m2)?, two(*d1, *d2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    (year >= 1 && (1..=length).contains(&day)).then(|| (days_from_civil(year, month, day), rest))
}

/// Days since 1970-01-01 in the Gregorian calendar, counted in years that begin in March.
fn days_from_civil(year: i32, month: i32, day: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// A leading `hh:mm[:ss[.f..]]` as microseconds, and what follows it. The hour may have one digit.
fn clock(text: &[u8]) -> Option<(i64, &[u8])> {
    let (hour, rest) = match text {
        [h1, h2, b':', rest @ ..] => (two(*h1, *h2)?, rest),
        [h, b':', rest @ ..] => (two(b'0', *h)?, rest),
        _ => return None,
    };
    let [m1, m2, after @ ..] = rest else {
        return None;
    };
    let mut rest = after;
    let minute = two(*m1, *m2)?;
    let (mut second, mut micros) = (0, 0);
    if let [b':', s1, s2, more @ ..] = rest {
        second = two(*s1, *s2)?;
        rest = more;
        if let [b'.', more @ ..] = rest {
            let places = more.iter().take_while(|b| b.is_ascii_digit()).count();
            if places == 0 || places > 9 {
                return None;
            }
            let (digits, more) = more.split_at(places);
            for place in 0..6 {
                let digit = digits.get(place).map_or(0, |b| b - b'0');
                micros = micros * 10 + i64::from(digit);
            }
            rest = more;
        }
    }
    let valid = hour < 24 && minute < 60 && second < 60;
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    valid.then_some((seconds * 1_000_000 + micros, rest))
}

/// Nothing, `Z`, or an offset `+hh:mm` or `+hhmm` (SQL Server puts a space before it).
fn is_zone(text: &[u8]) -> bool {
    match text.trim_ascii_start() {
        [] | [b'Z' | b'z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] | [b'+' | b'-', h1, h2, m1, m2] => {
            two(*h1, *h2).is_some_and(|h| h < 15) && two(*m1, *m2).is_some_and(|m| m < 60)
        }
        _ => false,
    }
}

fn two(tens: u8, ones: u8) -> Option<i32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i32::from(tens) * 10 + i32::from(ones))
}

#[cfg(test)]
mod tests;
