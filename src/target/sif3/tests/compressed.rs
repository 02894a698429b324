//! What a provider that takes gzip is sent.

use std::io::Read as _;

use super::*;

#[test]
fn bodies_are_compressed_where_it_is_wanted() {
    for operation in [Operation::Upsert, Operation::Replace, Operation::Delete] {
        let mut target = provider(true);
        let (_, plain) = target.start(&unit(operation));
        assert_eq!(plain.content_encoding, None);
        target.rules.gzip = true;
        let (_, request) = target.start(&unit(operation));
        assert_eq!(request.content_encoding.unwrap(), "gzip");
        let body = request.body.unwrap();
        let mut unpacked = String::new();
        let mut gzip = flate2::read::GzDecoder::new(&body[..]);
        gzip.read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, text(&plain));
    }
}
