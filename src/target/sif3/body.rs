//! Bodies of bulk requests: collections of objects, and lists of ids to be deleted.

use super::{IdMap, Route};
use crate::sif3::namespace;
use crate::target::{Operation, Unit};
use crate::xml::escape_attribute;

/// Bytes of the element around a collection.
const ENVELOPE: usize = 128;

/// Bytes of an entry in a list of deletes.
const DELETE: usize = 64;

/// The RefId of an object, from its key (`RefId=...`, which is all there is of a key).
pub(super) fn ref_id(unit: &Unit, i: usize) -> &str {
    let key = unit.chunk.key(i);
    key.split_once('=').map_or(key, |(_, id)| id)
}

/// What the provider calls an object: as the ledger has it, as it was learnt, or its RefId.
pub(super) fn id(unit: &Unit, i: usize, ids: Option<&IdMap>) -> String {
    match (ids, unit.chunk.id(i)) {
        (_, Some(id)) if !id.is_empty() => id.to_owned(),
        (Some(ids), _) => ids.id_of(ref_id(unit, i)),
        (None, _) => ref_id(unit, i).to_owned(),
    }
}

/// `<StudentPersonals xmlns="..."><StudentPersonal RefId="...">...`; where ids are mapped, of the
/// wanted objects only.
pub(super) fn collection(
    unit: &Unit,
    route: &Route,
    data_model: &str,
    ids: Option<&IdMap>,
    wanted: &dyn Fn(usize) -> bool,
) -> Vec<u8> {
    let bodies = &unit.chunk.bodies;
    let first = bodies.range(unit.range.start).start;
    let last = unit.range.clone().next_back().unwrap_or_default();
    let end = bodies.range(last).end;
    let mut xml = Vec::with_capacity(end.saturating_sub(first) + ENVELOPE);
    xml.extend_from_slice(format!("<{} xmlns=\"", route.service).as_bytes());
    escape_attribute(data_model, &mut xml);
    xml.extend_from_slice(b"\">");
    match ids {
        // Bodies follow each other in the buffer.
        None => xml.extend_from_slice(bodies.buffer().get(first..end).unwrap_or_default()),
        Some(ids) => {
            for i in unit.range.clone().filter(|i| wanted(*i)) {
                let own = (unit.operation == Operation::Upsert).then(|| ref_id(unit, i));
                ids.rewrite(bodies.bytes(i), own, &mut xml);
            }
        }
    }
    xml.extend_from_slice(format!("</{}>", route.service).as_bytes());
    xml
}

/// `<deleteRequest xmlns="..."><deletes><delete id="..."/>...`
pub(super) fn deletes(unit: &Unit, infrastructure: &str, ids: Option<&IdMap>) -> Vec<u8> {
    let mut xml = Vec::with_capacity(unit.len() * DELETE + ENVELOPE);
    xml.extend_from_slice(b"<deleteRequest xmlns=\"");
    escape_attribute(&namespace(infrastructure), &mut xml);
    xml.extend_from_slice(b"\"><deletes>");
    for i in unit.range.clone() {
        xml.extend_from_slice(b"<delete id=\"");
        escape_attribute(&id(unit, i, ids), &mut xml);
        xml.extend_from_slice(b"\"/>");
    }
    xml.extend_from_slice(b"</deletes></deleteRequest>");
    xml
}
