//! Cuts the objects of one answer into packets: SIF_Response messages that are never larger than
//! the buffer that the request names.
//!
//! Source: SIF 2.x infrastructure, SIF_Response: numbers without a gap, objects never split, one
//! last packet with SIF_MorePackets = No, also when there is no object at all.

use std::io::Write as _;
use std::ops::Range;

use chrono::{DateTime, Utc};

use super::SifError;
use super::message::{Header, Messages, close, element, write_error};

/// A zone may write a message anew, with namespaces where we have none.
const SLACK: usize = 100;
/// Bytes of the widest packet number, and of `Yes`: both are written last.
const NUMBER: usize = 20;

/// Makes the packets of one answer.
#[derive(Debug)]
pub struct Packer {
    messages: Messages,
    destination: String,
    request: String,
    max_buffer: usize,
    number: u64,
    body: Vec<u8>,
    objects: u64,
    first: Option<String>,
    last: Option<String>,
    envelope: usize,
    repeated: Option<String>,
}

/// One packet, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// SIF_PacketNumber, from 1.
    pub number: u64,
    /// SIF_MsgId of this packet; a repeated try has the same.
    pub msg_id: String,
    /// The whole message.
    pub bytes: Vec<u8>,
    /// How many objects are in it.
    pub objects: u64,
    /// RefIds of the first and the last of them.
    pub ref_ids: Option<(String, String)>,
    /// False for the last packet.
    pub more: bool,
}

/// An object that does not fit into a packet of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// Bytes of the message that would hold it alone.
    pub bytes: usize,
    /// Bytes that a message may have.
    pub max_buffer: usize,
}

impl Packer {
    /// Packets for the agent `destination` that asked with message `request`, each at most
    /// `max_buffer` bytes.
    ///
    /// # Errors
    /// 8/8: not even an empty packet fits.
    pub fn new(
        messages: Messages,
        destination: &str,
        request: &str,
        max_buffer: u64,
    ) -> Result<Self, SifError> {
        let max_buffer = usize::try_from(max_buffer).unwrap_or(usize::MAX);
        let mut packer = Self {
            messages,
            destination: destination.to_owned(),
            request: request.to_owned(),
            max_buffer,
            number: 1,
            body: Vec::new(),
            objects: 0,
            first: None,
            last: None,
            envelope: 0,
            repeated: None,
        };
        let empty = packer.message(&packer.header(DateTime::UNIX_EPOCH), true, |_| {});
        packer.envelope = empty.len() + NUMBER + SLACK;
        match packer.envelope < max_buffer {
            true => Ok(packer),
            false => Err(SifError::new(
                SifError::BUFFER_TOO_SMALL,
                format!(
                    "SIF_MaxBufferSize {max_buffer}, at least {} is needed",
                    packer.envelope + 1
                ),
            )),
        }
    }

    /// Goes on with packet `number`, which has this SIF_MsgId where it may have been sent before.
    pub fn resume(&mut self, number: u64, msg_id: Option<String>) {
        self.number = number;
        self.repeated = msg_id;
    }

    /// The number of the packet that is being filled.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Adds an object; gives the packet that was full before it, if there was one.
    ///
    /// # Errors
    /// The object is larger than a packet may be; it is left out.
    pub fn push(
        &mut self,
        ref_id: &str,
        object: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Option<Packed>, TooLarge> {
        let alone = self.envelope + object.len();
        if alone > self.max_buffer {
            return Err(TooLarge {
                bytes: alone,
                max_buffer: self.max_buffer,
            });
        }
        let full = self.objects > 0 && self.body.len() + alone > self.max_buffer;
        let packed = full.then(|| self.pack(true, now));
        self.body.extend_from_slice(object);
        self.objects += 1;
        if self.first.is_none() {
            self.first = Some(ref_id.to_owned());
        }
        match &mut self.last {
            Some(last) => {
                last.clear();
                last.push_str(ref_id);
            }
            None => self.last = Some(ref_id.to_owned()),
        }
        Ok(packed)
    }

    /// The last packet: what is left, or nothing at all.
    pub fn finish(mut self, now: DateTime<Utc>) -> Packed {
        self.pack(false, now)
    }

    /// The last packet in place of objects: an error that ends the answer. Objects that wait for
    /// their packet are dropped with it.
    pub fn fail(self, error: &SifError, now: DateTime<Utc>) -> Packed {
        let header = self.header(now);
        let mut bytes = Vec::with_capacity(1024);
        self.open(&header, false, &mut bytes);
        write_error(error, &mut bytes);
        close("SIF_Response", &mut bytes);
        Packed {
            number: self.number,
            msg_id: header.msg_id,
            bytes,
            objects: 0,
            ref_ids: None,
            more: false,
        }
    }

    fn pack(&mut self, more: bool, now: DateTime<Utc>) -> Packed {
        let mut header = self.header(now);
        if let Some(msg_id) = self.repeated.take() {
            header.msg_id = msg_id;
        }
        let bytes = self.message(&header, more, |out| out.extend_from_slice(&self.body));
        let packed = Packed {
            number: self.number,
            msg_id: header.msg_id,
            bytes,
            objects: std::mem::take(&mut self.objects),
            ref_ids: self.first.take().zip(self.last.take()),
            more,
        };
        self.number += 1;
        self.body.clear();
        packed
    }

    fn header(&self, now: DateTime<Utc>) -> Header {
        Header::new(now, Some(&self.destination))
    }

    fn message(&self, header: &Header, more: bool, body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.envelope + self.body.len());
        self.open(header, more, &mut out);
        out.extend_from_slice(b"<SIF_ObjectData>");
        body(&mut out);
        out.extend_from_slice(b"</SIF_ObjectData>");
        close("SIF_Response", &mut out);
        out
    }

    fn open(&self, header: &Header, more: bool, out: &mut Vec<u8>) {
        self.messages.open("SIF_Response", header, out);
        element("SIF_RequestMsgId", &self.request, out);
        // Writing to a Vec cannot fail.
        let _ = write!(out, "<SIF_PacketNumber>{}</SIF_PacketNumber>", self.number);
        element("SIF_MorePackets", if more { "Yes" } else { "No" }, out);
    }
}

impl Packed {
    /// Where the objects stand in the message; for tests and message histories.
    pub fn object_data(&self) -> Range<usize> {
        let find = |needle: &[u8]| self.bytes.windows(needle.len()).position(|w| w == needle);
        let (open, close) = (&b"<SIF_ObjectData>"[..], &b"</SIF_ObjectData>"[..]);
        match (find(open), find(close)) {
            (Some(from), Some(to)) => from + open.len()..to,
            _ => 0..0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::xml::Version;

    fn packer(max_buffer: u64) -> Result<Packer, SifError> {
        let messages = Messages::new(Version::new(2, 6), "SIS");
        Packer::new(messages, "LIB", &"A".repeat(32), max_buffer)
    }

    fn object(i: usize, size: usize) -> Vec<u8> {
        format!("<A RefId=\"{i:032X}\">{}</A>", "x".repeat(size)).into_bytes()
    }

    proptest! {
        /// Whatever the sizes: no packet is larger than the buffer, numbers have no gap, the last
        /// one says so, and every object is in one packet or named as too large, in order.
        #[test]
        fn packets_hold_everything_in_order(
            sizes in proptest::collection::vec(0_usize..900, 0..60),
            max_buffer in 1_000_u64..4_000,
        ) {
            let now = DateTime::UNIX_EPOCH;
            let mut packer = packer(max_buffer).unwrap();
            let (mut packets, mut wanted, mut refused) = (Vec::new(), Vec::new(), 0);
            for (i, size) in sizes.iter().enumerate() {
                let object = object(i, *size);
                match packer.push(&format!("{i:032X}"), &object, now) {
                    Ok(packed) => {
                        packets.extend(packed);
                        wanted.extend(object);
                    }
                    Err(TooLarge { bytes, .. }) => {
                        prop_assert!(bytes as u64 > max_buffer);
                        refused += 1;
                    }
                }
            }
            packets.push(packer.finish(now));
            let mut found = Vec::new();
            for (i, packet) in packets.iter().enumerate() {
                prop_assert!(packet.bytes.len() as u64 + 80 <= max_buffer);
                prop_assert_eq!(packet.number, i as u64 + 1);
                prop_assert_eq!(packet.more, i + 1 < packets.len());
                found.extend_from_slice(&packet.bytes[packet.object_data()]);
            }
            prop_assert_eq!(found, wanted);
            let objects: u64 = packets.iter().map(|p| p.objects).sum();
            prop_assert_eq!(objects + refused, sizes.len() as u64);
        }
    }

    #[test]
    fn no_object_is_one_empty_packet() {
        let packed = packer(4096).unwrap().finish(DateTime::UNIX_EPOCH);
        assert_eq!((packed.number, packed.objects, packed.more), (1, 0, false));
        let text = String::from_utf8(packed.bytes).unwrap();
        assert!(text.contains(
            "<SIF_PacketNumber>1</SIF_PacketNumber><SIF_MorePackets>No</SIF_MorePackets>\
             <SIF_ObjectData></SIF_ObjectData>"
        ));
    }

    #[test]
    fn first_and_last_are_named() {
        let now = DateTime::UNIX_EPOCH;
        let mut packer = packer(1200).unwrap();
        let mut packets = Vec::new();
        for i in 0..5 {
            let id = i.to_string();
            packets.extend(packer.push(&id, &object(i, 150), now).unwrap());
        }
        packets.push(packer.finish(now));
        let ids: Vec<_> = packets.iter().filter_map(|p| p.ref_ids.clone()).collect();
        assert_eq!(ids.first().unwrap().0, "0");
        assert_eq!(ids.last().unwrap().1, "4");
    }

    #[test]
    fn a_buffer_without_room_is_refused() {
        let error = packer(300).unwrap_err();
        assert_eq!((error.category, error.code), SifError::BUFFER_TOO_SMALL);
    }

    #[test]
    fn an_error_ends_the_answer() {
        let error = SifError::new(SifError::INVALID_OBJECT, "no such object");
        let packed = packer(4096).unwrap().fail(&error, DateTime::UNIX_EPOCH);
        let text = String::from_utf8(packed.bytes.clone()).unwrap();
        assert!(!packed.more && !text.contains("SIF_ObjectData"));
        assert!(text.contains("<SIF_MorePackets>No</SIF_MorePackets><SIF_Error><SIF_Category>8"));
    }
}
