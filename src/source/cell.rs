//! A value as a source has it, and what it is in each declared type.
//!
//! Reads: cells. Writes: nothing. Never: rounds, wraps or guesses; what does not fit is a reason.

use std::io::Write as _;

use super::RejectReason;
use super::text::{self, DAY_MICROS};

/// A value as a source has it, before it is read in the declared type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    /// No value.
    Null,
    /// Bytes of a text (or blob), not known to be UTF-8; empty = NULL.
    Text(&'a [u8]),
    /// 64-bit integer.
    Int(i64),
    /// Floating point number.
    Real(f64),
    /// Unscaled decimal and its scale.
    Decimal(i128, i8),
    /// true or false.
    Bit(bool),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01 00:00.
    Timestamp(i64),
    /// Microseconds since midnight.
    Time(i64),
}

pub(super) fn int(cell: Cell<'_>) -> Result<i64, RejectReason> {
    match cell {
        Cell::Text(text) => text::int(text),
        Cell::Int(value) => Ok(value),
        Cell::Bit(value) => Ok(i64::from(value)),
        // Every integer up to 2^53 is exact as a float; beyond, the float does not say which.
        #[allow(clippy::cast_possible_truncation)]
        Cell::Real(value) if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 => {
            Ok(value as i64)
        }
        Cell::Decimal(..) => {
            let whole = decimal(cell, 19, 0)?;
            i64::try_from(whole).map_err(|_| RejectReason::BadNumber)
        }
        _ => Err(RejectReason::BadNumber),
    }
}

pub(super) fn decimal(cell: Cell<'_>, precision: u8, scale: i8) -> Result<i128, RejectReason> {
    let scaled = |value: i128, from: i8| {
        let places = u32::try_from(scale.saturating_sub(from)).ok()?;
        value.checked_mul(10i128.checked_pow(places)?)
    };
    match cell {
        Cell::Text(text) => text::decimal(text, precision, scale),
        Cell::Int(value) => {
            let value = scaled(i128::from(value), 0).ok_or(RejectReason::BadNumber)?;
            text::fits(value, precision)
        }
        Cell::Decimal(value, from) if from <= scale => {
            let value = scaled(value, from).ok_or(RejectReason::BadNumber)?;
            text::fits(value, precision)
        }
        Cell::Decimal(value, from) => {
            let places = u32::try_from(from.saturating_sub(scale)).unwrap_or(u32::MAX);
            let unit = 10i128.checked_pow(places).ok_or(RejectReason::BadNumber)?;
            if value % unit != 0 {
                return Err(RejectReason::BadNumber);
            }
            text::fits(value / unit, precision)
        }
        // A float has no exact decimals: it is rounded to the declared scale when it is that close
        // to it, so that 0.1 is 0.1 and 0.12 is no decimal(2,1).
        #[allow(clippy::cast_possible_truncation)]
        Cell::Real(value) => {
            let unscaled = value * 10f64.powi(i32::from(scale));
            let rounded = unscaled.round();
            let close = (unscaled - rounded).abs() <= 1e-9 * unscaled.abs().max(1.0);
            if !close || rounded.abs() > 9_007_199_254_740_992.0 {
                return Err(RejectReason::BadNumber);
            }
            text::fits(rounded as i128, precision)
        }
        _ => Err(RejectReason::BadNumber),
    }
}

pub(super) fn date(cell: Cell<'_>) -> Result<i32, RejectReason> {
    match cell {
        Cell::Text(text) => text::date(text),
        Cell::Date(day) => Ok(day),
        Cell::Timestamp(micros) => {
            i32::try_from(micros.div_euclid(DAY_MICROS)).map_err(|_| RejectReason::BadDate)
        }
        _ => Err(RejectReason::BadDate),
    }
}

pub(super) fn timestamp(cell: Cell<'_>) -> Result<i64, RejectReason> {
    match cell {
        Cell::Text(text) => text::timestamp(text),
        Cell::Date(day) => Ok(i64::from(day) * DAY_MICROS),
        Cell::Timestamp(micros) => Ok(micros),
        _ => Err(RejectReason::BadDate),
    }
}

pub(super) fn time(cell: Cell<'_>) -> Result<i64, RejectReason> {
    match cell {
        Cell::Text(text) => text::time(text),
        Cell::Time(micros) => Ok(micros),
        Cell::Timestamp(micros) => Ok(micros.rem_euclid(DAY_MICROS)),
        _ => Err(RejectReason::BadTime),
    }
}

pub(super) fn bit(cell: Cell<'_>) -> Result<bool, RejectReason> {
    match cell {
        Cell::Text(text) => text::bit(text),
        Cell::Bit(value) => Ok(value),
        Cell::Int(value @ (0 | 1)) => Ok(value == 1),
        _ => Err(RejectReason::BadBoolean),
    }
}

/// Appends the cell as text: numbers as they are written, bits as 0/1, dates as ISO.
pub(super) fn write_text(cell: Cell<'_>, bytes: &mut Vec<u8>) -> Result<(), RejectReason> {
    // Writing to a vector cannot fail.
    let _ = match cell {
        Cell::Text(text) => {
            if std::str::from_utf8(text).is_err() {
                return Err(RejectReason::InvalidUtf8);
            }
            bytes.extend_from_slice(text);
            Ok(())
        }
        Cell::Int(value) => write!(bytes, "{value}"),
        Cell::Real(value) => write!(bytes, "{value}"),
        Cell::Decimal(value, scale) => {
            let places = usize::try_from(scale).unwrap_or(0);
            let unit = 10u128
                .checked_pow(u32::try_from(places).unwrap_or(0))
                .unwrap_or(1);
            let sign = if value < 0 { "-" } else { "" };
            let (whole, fraction) = (value.unsigned_abs() / unit, value.unsigned_abs() % unit);
            if places == 0 {
                write!(bytes, "{sign}{whole}")
            } else {
                write!(bytes, "{sign}{whole}.{fraction:0places$}")
            }
        }
        Cell::Bit(value) => write!(bytes, "{}", u8::from(value)),
        Cell::Date(day) => write!(bytes, "{}", iso_date(i64::from(day))),
        Cell::Timestamp(micros) => {
            let time = text::time_text(micros);
            let time = String::from_utf8_lossy(&time);
            write!(bytes, "{} {time}", iso_date(micros.div_euclid(DAY_MICROS)))
        }
        Cell::Time(micros) => bytes.write_all(&text::time_text(micros)),
        Cell::Null => Ok(()),
    };
    Ok(())
}

fn iso_date(days: i64) -> String {
    chrono::DateTime::from_timestamp(days.saturating_mul(86_400), 0)
        .map(|at| at.format("%Y-%m-%d").to_string())
        .unwrap_or_default()
}
