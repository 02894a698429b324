//! How the bodies of batches are compressed. In memory, no I/O.

use std::io::Write as _;

use flate2::write::GzEncoder;
use reqwest::header::HeaderValue;

/// zstd's level: the fastest of the usual ones, because the client should not wait for itself
/// (`cargo bench dis` tells what it costs).
const ZSTD_LEVEL: i32 = 1;

/// A content encoding of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// RFC 8878.
    Zstd,
    /// RFC 1952.
    Gzip,
    /// As it is.
    Identity,
}

impl Encoding {
    /// The best one of those that a state offers, by their names in `Content-Encoding`.
    pub fn choose<'a>(offered: impl IntoIterator<Item = &'a str>) -> Self {
        let mut best = Self::Identity;
        for name in offered {
            best = match name {
                "zstd" => return Self::Zstd,
                "gzip" => Self::Gzip,
                _ => best,
            };
        }
        best
    }

    /// The value of `Content-Encoding`; none for bytes as they are.
    pub fn header(self) -> Option<HeaderValue> {
        match self {
            Self::Zstd => Some(HeaderValue::from_static("zstd")),
            Self::Gzip => Some(HeaderValue::from_static("gzip")),
            Self::Identity => None,
        }
    }

    /// Compresses; what cannot be compressed goes as it is.
    pub fn apply(self, bytes: Vec<u8>) -> (Vec<u8>, Self) {
        let packed = match self {
            Self::Zstd => zstd::bulk::compress(&bytes, ZSTD_LEVEL),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(&bytes).and_then(|()| encoder.finish())
            }
            Self::Identity => return (bytes, self),
        };
        match packed {
            Ok(packed) => (packed, self),
            Err(_) => (bytes, Self::Identity),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_offer_is_taken() {
        for (offered, chosen) in [
            (&["gzip", "zstd"][..], Encoding::Zstd),
            (&["gzip", "br"], Encoding::Gzip),
            (&["br"], Encoding::Identity),
            (&[], Encoding::Identity),
        ] {
            assert_eq!(Encoding::choose(offered.iter().copied()), chosen);
        }
    }

    #[test]
    fn what_is_packed_unpacks_to_itself() {
        let bytes = b"{\"key\":\"schoolID=1\"}\n".repeat(500);
        let (zstd, _) = Encoding::Zstd.apply(bytes.clone());
        assert!(zstd.len() < bytes.len() / 10);
        assert_eq!(zstd::bulk::decompress(&zstd, 1 << 20).unwrap(), bytes);
        let (gzip, encoding) = Encoding::Gzip.apply(bytes.clone());
        assert_eq!(encoding.header().unwrap(), "gzip");
        let mut plain = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&gzip[..]), &mut plain)
            .unwrap();
        assert_eq!(plain, bytes);
        assert_eq!(
            Encoding::Identity.apply(bytes.clone()),
            (bytes, Encoding::Identity)
        );
    }
}
