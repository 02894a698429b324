//! The answer to one request, made packet by packet from the staged objects. Blocking: whoever
//! calls it sends the packets meanwhile, so that memory holds a few of them and not the answer.

use chrono::Utc;

use super::packet::{Packed, Packer, TooLarge};
use super::shelf::{Shelf, ShelfError, Wanted, ref_ids};
use crate::xml::XmlBatch;

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A packet.
    Packet(Box<Packet>),
    /// An object that does not fit into the buffer of the request.
    TooLarge {
        /// Its row in the objects file.
        row: u64,
        /// Its RefId.
        ref_id: String,
        /// Bytes of the message that would hold it alone.
        bytes: u64,
    },
}

/// A packet, and where in the objects file its objects are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The message.
    pub packed: Packed,
    /// The row that its making began at.
    pub from: u64,
    /// The row that the next packet begins at.
    pub next: u64,
    /// The rows of its objects.
    pub rows: Vec<u64>,
}

/// Makes the packets from row `from` on. `out` takes each part; false ends the making.
///
/// # Errors
/// [`ShelfError`]: the objects cannot be read.
pub fn make(
    shelf: &Shelf,
    wanted: &Wanted,
    mut packer: Packer,
    from: u64,
    out: &mut dyn FnMut(Part) -> bool,
) -> Result<(), ShelfError> {
    let (mut begin, mut rows, mut going) = (from, Vec::new(), true);
    let mut object = Vec::with_capacity(4096);
    shelf.read(wanted, from, |numbers, batch| {
        let ids = ref_ids(batch);
        let encoder = XmlBatch::new(&wanted.plan, batch);
        let now = Utc::now();
        for (i, row) in numbers.iter().enumerate() {
            object.clear();
            encoder.write(i, &mut object)?;
            let id = ids.as_ref().map_or("", |ids| ids.value(i));
            match packer.push(id, &object, now) {
                Ok(None) => rows.push(*row),
                Ok(Some(packed)) => {
                    let packet = Packet {
                        packed,
                        from: std::mem::replace(&mut begin, *row),
                        next: *row,
                        rows: std::mem::replace(&mut rows, vec![*row]),
                    };
                    going = out(Part::Packet(Box::new(packet)));
                }
                Err(TooLarge { bytes, .. }) => {
                    going = out(Part::TooLarge {
                        row: *row,
                        ref_id: id.to_owned(),
                        bytes: bytes as u64,
                    });
                }
            }
            if !going {
                return Ok(false);
            }
        }
        Ok::<_, ShelfError>(true)
    })?;
    if going {
        let packet = Packet {
            packed: packer.finish(Utc::now()),
            from: begin,
            next: shelf.objects.rows(),
            rows,
        };
        out(Part::Packet(Box::new(packet)));
    }
    Ok(())
}
