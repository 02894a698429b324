//! How a journal's bytes are framed: a file header, then blocks with checksums.
//!
//! Reads and writes byte slices. Never: files, Arrow.
//!
//! A file header is `FSJ1`, format (u32), id (u64), start (i64, microseconds), length of the run's
//! name (u16), the name, xxh3-64 of all before. A block is `FSJB`, payload length (u32), rows
//! (u32), length of the resource's name (u16), zero (u16), newest event (i64, microseconds),
//! xxh3-64 of the payload, the name, xxh3-64 of the head so far, the payload. Little-endian. The
//! head has a checksum of its own, so that a reader of one resource passes over the others' blocks
//! unread.

use xxhash_rust::xxh3::xxh3_64;

/// The journal format that is written.
pub(super) const FORMAT: u32 = 1;

const FILE_MAGIC: [u8; 4] = *b"FSJ1";
const BLOCK_MAGIC: [u8; 4] = *b"FSJB";
const FILE_FIXED: usize = 26;
const BLOCK_FIXED: usize = 32;
const CHECKSUM: usize = 8;

/// Most bytes that a block's head can take: what a reader must look at.
pub(super) const HEAD_MAX: usize = BLOCK_FIXED + u16::MAX as usize + CHECKSUM;

/// What stands at the start of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileHeader {
    /// Drawn at random: a journal of an old name is told from an old journal.
    pub(super) id: u64,
    /// When it was made, microseconds since 1970.
    pub(super) started_at: i64,
    /// Name of the run that writes it.
    pub(super) run: String,
}

/// Whether a file header could be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ReadHeader {
    /// Yes; the first block follows after so many bytes.
    Whole(FileHeader, usize),
    /// Cut off or damaged.
    Torn,
    /// Of another format.
    Other(u32),
}

impl FileHeader {
    /// The header's bytes. A run's name is cut at 65,535 bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let run = self.run.as_bytes();
        let len = u16::try_from(run.len()).unwrap_or(u16::MAX);
        let mut out = Vec::with_capacity(FILE_FIXED + run.len() + CHECKSUM);
        out.extend_from_slice(&FILE_MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&self.id.to_le_bytes());
        out.extend_from_slice(&self.started_at.to_le_bytes());
        out.extend_from_slice(&len.to_le_bytes());
        out.extend(run.iter().take(usize::from(len)));
        out.extend_from_slice(&xxh3_64(&out).to_le_bytes());
        out
    }

    /// Reads the start of a file.
    pub(super) fn decode(bytes: &[u8]) -> ReadHeader {
        let read = || {
            let mut head = Head(bytes);
            (head.take::<4>()? == FILE_MAGIC).then_some(())?;
            let format = u32::from_le_bytes(head.take()?);
            let id = u64::from_le_bytes(head.take()?);
            let started_at = i64::from_le_bytes(head.take()?);
            let len = usize::from(u16::from_le_bytes(head.take()?));
            let run = head.slice(len)?;
            let sum = u64::from_le_bytes(head.take()?);
            let covered = FILE_FIXED + len;
            if format != FORMAT {
                return Some(ReadHeader::Other(format));
            }
            (xxh3_64(bytes.get(..covered)?) == sum).then_some(())?;
            let run = String::from_utf8(run.to_vec()).ok()?;
            Some(ReadHeader::Whole(
                Self {
                    id,
                    started_at,
                    run,
                },
                covered + CHECKSUM,
            ))
        };
        read().unwrap_or(ReadHeader::Torn)
    }
}

/// What stands before a block's payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BlockHead {
    /// The resource of all its rows.
    pub(super) resource: String,
    /// Its rows.
    pub(super) rows: u32,
    /// Time of its newest event, microseconds since 1970.
    pub(super) newest: i64,
    /// Bytes of the payload.
    pub(super) payload_len: u32,
    /// xxh3-64 of the payload.
    pub(super) payload_sum: u64,
}

impl BlockHead {
    /// Appends a block to `out`; `None` when the payload or the name is too long.
    pub(super) fn encode(
        resource: &str,
        rows: usize,
        newest: i64,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let start = out.len();
        let payload_len = u32::try_from(payload.len()).ok()?;
        let rows = u32::try_from(rows).ok()?;
        let name_len = u16::try_from(resource.len()).ok()?;
        out.extend_from_slice(&BLOCK_MAGIC);
        out.extend_from_slice(&payload_len.to_le_bytes());
        out.extend_from_slice(&rows.to_le_bytes());
        out.extend_from_slice(&name_len.to_le_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&newest.to_le_bytes());
        out.extend_from_slice(&xxh3_64(payload).to_le_bytes());
        out.extend_from_slice(resource.as_bytes());
        let sum = xxh3_64(out.get(start..)?);
        out.extend_from_slice(&sum.to_le_bytes());
        out.extend_from_slice(payload);
        Some(())
    }

    /// Reads a head and how many bytes it takes; `None` when it is cut off or damaged.
    pub(super) fn decode(bytes: &[u8]) -> Option<(Self, usize)> {
        let mut head = Head(bytes);
        (head.take::<4>()? == BLOCK_MAGIC).then_some(())?;
        let payload_len = u32::from_le_bytes(head.take()?);
        let rows = u32::from_le_bytes(head.take()?);
        let name_len = usize::from(u16::from_le_bytes(head.take()?));
        (head.take::<2>()? == [0, 0]).then_some(())?;
        let newest = i64::from_le_bytes(head.take()?);
        let payload_sum = u64::from_le_bytes(head.take()?);
        let name = head.slice(name_len)?;
        let sum = u64::from_le_bytes(head.take()?);
        let covered = BLOCK_FIXED + name_len;
        (xxh3_64(bytes.get(..covered)?) == sum).then_some(())?;
        let resource = String::from_utf8(name.to_vec()).ok()?;
        let block = Self {
            resource,
            rows,
            newest,
            payload_len,
            payload_sum,
        };
        Some((block, covered + CHECKSUM))
    }

    /// Whether these are the payload's bytes.
    pub(super) fn matches(&self, payload: &[u8]) -> bool {
        payload.len() == self.payload_len as usize && xxh3_64(payload) == self.payload_sum
    }
}

/// The rest of a head.
struct Head<'a>(&'a [u8]);

impl<'a> Head<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.slice(N)?.try_into().ok()
    }

    fn slice(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_damaged_block_head_is_refused(
            resource in "[a-zA-Z]{0,30}",
            payload in proptest::collection::vec(any::<u8>(), 0..200),
            newest in any::<i64>(),
            flip in any::<proptest::sample::Index>(),
            bit in 0u8..8,
        ) {
            let mut bytes = Vec::new();
            BlockHead::encode(&resource, 3, newest, &payload, &mut bytes).unwrap();
            let (head, len) = BlockHead::decode(&bytes).unwrap();
            prop_assert_eq!(&head.resource, &resource);
            prop_assert_eq!((head.rows, head.newest), (3, newest));
            prop_assert!(head.matches(&bytes[len..]));

            let at = flip.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let found = BlockHead::decode(&bytes);
            prop_assert!(found.is_none_or(|(head, len)| !head.matches(&bytes[len..])));
        }

        #[test]
        fn a_file_header_survives_only_whole(run in ".{0,40}", id in any::<u64>(), cut in any::<proptest::sample::Index>()) {
            let header = FileHeader { id, started_at: 7, run };
            let bytes = header.encode();
            prop_assert_eq!(FileHeader::decode(&bytes), ReadHeader::Whole(header, bytes.len()));
            let cut = cut.index(bytes.len());
            prop_assert_eq!(FileHeader::decode(&bytes[..cut]), ReadHeader::Torn);
        }
    }

    #[test]
    fn another_format_is_named() {
        let mut bytes = FileHeader {
            id: 1,
            started_at: 2,
            run: "r".into(),
        }
        .encode();
        bytes[4] = 9;
        assert_eq!(FileHeader::decode(&bytes), ReadHeader::Other(9));
    }
}
