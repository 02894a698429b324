//! Texts that are values, and texts that are not.

use chrono::{Datelike as _, NaiveDate};
use proptest::prelude::*;

use super::*;

#[test]
fn integers() {
    for (text, value) in [
        ("0", 0),
        ("-7", -7),
        ("+7", 7),
        (" 12 ", 12),
        ("007", 7),
        ("12.0", 12),
        ("9223372036854775807", i64::MAX),
        ("-9223372036854775808", i64::MIN),
    ] {
        assert_eq!(int(text.as_bytes()), Ok(value), "{text}");
    }
    for text in [
        "x",
        "1 2",
        "1,5",
        "12.",
        ".0",
        "12.5",
        "-",
        "1e3",
        "0x10",
        "9223372036854775808",
        "99999999999999999999999",
        "１",
        "12a",
    ] {
        assert_eq!(int(text.as_bytes()), Err(RejectReason::BadNumber), "{text}");
    }
}

#[test]
fn decimals_are_exact_or_refused() {
    for (text, value) in [
        ("1", 1000),
        ("-1.5", -1500),
        (".25", 250),
        ("0.1250000", 125),
        ("999.999", 999_999),
        ("+3.", 3000),
    ] {
        assert_eq!(decimal(text.as_bytes(), 6, 3), Ok(value), "{text}");
    }
    for text in ["1.2345", "1000", "", ".", "1.2.3", "1e2", "a", "--1"] {
        assert_eq!(
            decimal(text.as_bytes(), 6, 3),
            Err(RejectReason::BadNumber),
            "{text}"
        );
    }
    assert!(decimal("9".repeat(50).as_bytes(), 38, 0).is_err());
}

#[test]
fn dates_as_iso_and_as_sql_server_text() {
    let day = date(b"2024-08-15").unwrap();
    assert_eq!(day, 19_950);
    for text in [
        "2024-08-15 00:00:00",
        "2024-08-15 13:45:59.123",
        "2024-08-15T00:00:00Z",
        "2024-08-15 00:00:00.0000000 -05:00",
        "2024-08-15 07:30",
        " 2024-08-15 ",
    ] {
        assert_eq!(date(text.as_bytes()), Ok(day), "{text}");
    }
    for text in [
        "08/15/2024",
        "2024-8-15",
        "20240815",
        "2024-13-01",
        "2024-02-30",
        "2023-02-29",
        "0000-01-01",
        "2024-08-15 25:00:00",
        "2024-08-15x",
        "2024-08-15 noon",
        "1",
    ] {
        assert_eq!(date(text.as_bytes()), Err(RejectReason::BadDate), "{text}");
    }
}

#[test]
fn timestamps_keep_microseconds_and_refuse_zones() {
    let base = 19_950 * DAY_MICROS;
    assert_eq!(timestamp(b"2024-08-15"), Ok(base));
    assert_eq!(timestamp(b"2024-08-15 00:00:01.5"), Ok(base + 1_500_000));
    assert_eq!(
        timestamp(b"2024-08-15T00:00:00.123456789"),
        Ok(base + 123_456)
    );
    assert_eq!(
        timestamp(b"2024-08-15T00:00:00Z"),
        Err(RejectReason::BadDate)
    );
    assert_eq!(
        timestamp(b"2024-08-15 00:00:60"),
        Err(RejectReason::BadDate)
    );
}

#[test]
fn times_of_day() {
    for (text, shown) in [
        ("07:45", "07:45:00"),
        ("7:45", "07:45:00"),
        ("23:59:59.997", "23:59:59"),
        ("1900-01-01 08:05:00", "08:05:00"),
    ] {
        assert_eq!(
            &time_text(time(text.as_bytes()).unwrap()),
            shown.as_bytes(),
            "{text}"
        );
    }
    for text in ["24:00", "7:5", "7:45 AM", "0745", "07:60", "1900-01-01"] {
        assert_eq!(time(text.as_bytes()), Err(RejectReason::BadTime), "{text}");
    }
}

#[test]
fn bits() {
    for text in ["1", "true", "TRUE"] {
        assert_eq!(bit(text.as_bytes()), Ok(true));
    }
    for text in ["0", "False"] {
        assert_eq!(bit(text.as_bytes()), Ok(false));
    }
    for text in ["2", "yes", "Y", "-1", "01"] {
        assert_eq!(bit(text.as_bytes()), Err(RejectReason::BadBoolean));
    }
}

proptest! {
    #[test]
    fn dates_agree_with_chrono(year in 1i32..10_000, ordinal in 1u32..=366) {
        if let Some(day) = NaiveDate::from_yo_opt(year, ordinal) {
            let text = day.format("%Y-%m-%d").to_string();
            // 719163 = days from 0001-01-01 to 1970-01-01, counted from 1.
            prop_assert_eq!(date(text.as_bytes()), Ok(day.num_days_from_ce() - 719_163));
        }
    }

    #[test]
    fn integers_agree_with_the_standard_library(value in any::<i64>()) {
        prop_assert_eq!(int(value.to_string().as_bytes()), Ok(value));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let _ = (int(&bytes), decimal(&bytes, 38, 10), bit(&bytes));
        let _ = (date(&bytes), timestamp(&bytes), time(&bytes));
    }
}
