//! Records against the `csv` crate on well-formed files, and stray quotes by hand.

use proptest::prelude::*;

use super::*;

/// A reader that gives its bytes in small pieces, so that every record is cut somewhere.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.1.min(into.len()).min(self.0.len());
        into[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

type Row = (u64, Vec<String>);

/// All records with their lines, and the faults as one value in angle brackets.
fn all(bytes: &[u8], piece: usize) -> Vec<Row> {
    let mut records = Records::new(Pieces(bytes, piece)).unwrap();
    let mut rows = Vec::new();
    loop {
        match records.next().unwrap() {
            Found::Record { line, .. } => {
                let text = |at| String::from_utf8_lossy(records.value(at)).into_owned();
                rows.push((line, (0..records.len()).map(text).collect()));
            }
            Found::Fault { line, fault } => {
                let first = String::from_utf8_lossy(records.first_line()).into_owned();
                rows.push((line, vec![format!("<{fault:?}> {first}")]));
            }
            Found::End => return rows,
        }
    }
}

fn row(line: u64, values: &[&str]) -> Row {
    (line, values.iter().map(|v| (*v).to_owned()).collect())
}

#[test]
fn quotes_line_ends_and_the_mark_are_read_as_rfc_4180_says() {
    let text =
        "\u{feff}a,\"b \"\"x\"\"\",c\r\n1,\"two\r\nlines\",\r\n\r\n,,\"\"\n\"last, one\",é,z";
    for piece in [1, 2, 3, 7, 1000] {
        assert_eq!(
            all(text.as_bytes(), piece),
            [
                row(1, &["a", "b \"x\"", "c"]),
                row(2, &["1", "two\r\nlines", ""]),
                row(5, &["", "", ""]),
                row(6, &["last, one", "é", "z"]),
            ]
        );
    }
}

#[test]
fn a_quote_in_the_middle_of_an_unquoted_value_is_a_character() {
    assert_eq!(all(b"5\" pipe,6\"\n", 4), [row(1, &["5\" pipe", "6\""])]);
}

#[test]
fn a_stray_quote_costs_its_own_line_only() {
    // Never closed: a lenient reader would take the rest of the file for one value.
    let open = b"1,\"Smith\n2,Jones\n3,Brown\n";
    // Closed by a quote that opens another value: not followed by a comma.
    let met = b"1,\"Smith\n2,\"Jones\"\n3,Brown\n";
    // Closed in the middle of its own value.
    let inner = b"1,\"5\" pipe\"\n2,Jones\n3,Brown\n";
    for (bytes, found) in [
        (open.as_slice(), "<BadQuote> 1,\"Smith"),
        (met.as_slice(), "<BadQuote> 1,\"Smith"),
        (inner.as_slice(), "<BadQuote> 1,\"5\" pipe\""),
    ] {
        for piece in [1, 5, 1000] {
            let rows = all(bytes, piece);
            // Of a line that is cut off in the buffer, the beginning is shown.
            assert!(
                rows[0].0 == 1 && found.starts_with(&rows[0].1[0]),
                "{rows:?}"
            );
            assert!(piece < 1000 || found == rows[0].1[0]);
            assert_eq!(
                rows[1..],
                [row(2, &["2", "Jones"]), row(3, &["3", "Brown"])]
            );
        }
    }
}

#[test]
fn a_record_can_be_taken_back_to_its_second_line() {
    let mut records = Records::new(Pieces(b"a,\"x\nb,\"\nc,d\n", 3)).unwrap();
    assert_eq!(records.next().unwrap(), Found::Record { line: 1, lines: 2 });
    records.back_to_second_line();
    // The second line alone opens a quote that is never closed.
    assert_eq!(
        records.next().unwrap(),
        Found::Fault {
            line: 2,
            fault: Fault::BadQuote
        }
    );
    assert_eq!(records.next().unwrap(), Found::Record { line: 3, lines: 1 });
    assert_eq!(records.next().unwrap(), Found::End);
}

#[test]
fn a_record_without_end_does_not_fill_the_memory() {
    let mut text = b"1,\"".to_vec();
    text.resize(5 << 20, b'x');
    text.extend_from_slice(b"\n2,ok\n");
    let mut records = Records::new(text.as_slice()).unwrap();
    assert_eq!(
        records.next().unwrap(),
        Found::Fault {
            line: 1,
            fault: Fault::BadQuote
        }
    );
    assert!(records.buffer.len() <= 4 * MAX_RECORD_BYTES);
    assert_eq!(records.next().unwrap(), Found::Record { line: 2, lines: 1 });

    text[2] = b'x';
    let mut records = Records::new(text.as_slice()).unwrap();
    assert_eq!(
        records.next().unwrap(),
        Found::Fault {
            line: 1,
            fault: Fault::TooLarge
        }
    );
    assert_eq!(records.next().unwrap(), Found::Record { line: 2, lines: 1 });
    assert_eq!(records.value(1), b"ok");
}

#[test]
fn utf_16_is_recognised() {
    assert!(
        Records::new([0xFF, 0xFE, b'a', 0].as_slice())
            .unwrap()
            .is_utf16()
    );
    assert!(!Records::new(b"a".as_slice()).unwrap().is_utf16());
}

proptest! {
    #[test]
    fn well_formed_files_read_as_the_csv_crate_reads_them(
        rows in proptest::collection::vec(
            proptest::collection::vec("[a-c,\"\\r\\n é]{0,6}", 2..5), 0..12),
        crlf in any::<bool>(),
        piece in 1usize..40,
    ) {
        let mut writer = csv::WriterBuilder::new()
            .flexible(true)
            .terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
            .from_writer(Vec::new());
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let found: Vec<Vec<String>> = all(&bytes, piece).into_iter().map(|(_, v)| v).collect();
        prop_assert_eq!(found, rows);
    }

    #[test]
    fn every_line_of_any_file_is_met_once(
        text in "[a,\"\\n]{0,80}",
        piece in 1usize..9,
    ) {
        // Lines never go back, and no bytes panic or loop for ever.
        let rows = all(text.as_bytes(), piece);
        prop_assert!(rows.windows(2).all(|w| w[0].0 < w[1].0), "{rows:?}");
        prop_assert!(rows.len() <= text.matches('\n').count() + 1);
    }
}
