//! Text as XML 1.0 allows it.

/// Appends a text as element content. `\r` is kept from being taken for a line end; characters
/// that XML 1.0 has no form for become U+FFFD.
pub fn escape_text(text: &str, out: &mut Vec<u8>) {
    escape(text, out, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'\r' => Some("&#xD;"),
        b'\t' | b'\n' => None,
        0..0x20 => Some("\u{fffd}"),
        _ => None,
    });
}

/// Appends a text as an attribute's value, which is to stand in double quotes.
pub fn escape_attribute(text: &str, out: &mut Vec<u8>) {
    escape(text, out, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'"' => Some("&quot;"),
        b'\r' => Some("&#xD;"),
        b'\n' => Some("&#xA;"),
        b'\t' => Some("&#x9;"),
        0..0x20 => Some("\u{fffd}"),
        _ => None,
    });
}

fn escape(text: &str, out: &mut Vec<u8>, replace: impl Fn(u8) -> Option<&'static str>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        // U+FFFE and U+FFFF are EF BF BE and EF BF BF.
        let (replacement, taken) = match *byte {
            0xEF if matches!(bytes.get(at..at + 3), Some([_, 0xBF, 0xBE | 0xBF])) => {
                (Some("\u{fffd}"), 3)
            }
            byte => (replace(byte), 1),
        };
        if let Some(replacement) = replacement {
            out.extend_from_slice(bytes.get(from..at).unwrap_or_default());
            out.extend_from_slice(replacement.as_bytes());
            from = at + taken;
        }
    }
    out.extend_from_slice(bytes.get(from..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quick_xml::escape::unescape;

    use super::*;

    fn is_xml(c: char) -> bool {
        matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(text in any::<String>()) {
            let wanted: String =
                text.chars().map(|c| if is_xml(c) { c } else { '\u{fffd}' }).collect();
            for escape in [escape_text, escape_attribute] {
                let mut out = Vec::new();
                escape(&text, &mut out);
                let written = String::from_utf8(out).unwrap();
                prop_assert!(!written.contains(['<', '\r']));
                prop_assert_eq!(unescape(&written).unwrap(), wanted.as_str());
            }
        }
    }

    #[test]
    fn attributes_keep_their_white_space() {
        let mut out = Vec::new();
        escape_attribute("a\t\"b\"\nc", &mut out);
        assert_eq!(out, b"a&#x9;&quot;b&quot;&#xA;c");
        out.clear();
        escape_text("a\u{ffff}b\u{1}c", &mut out);
        assert_eq!(out, "a\u{fffd}b\u{fffd}c".as_bytes());
    }
}
