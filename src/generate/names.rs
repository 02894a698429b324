//! Fictional names, streets and addresses, put together from syllables.
//!
//! Reads: nothing. Writes: nothing. Never: uses a list of real people.

use super::draw::Lot;

const LAST_START: [&str; 24] = [
    "Bar", "Cal", "Dor", "Fen", "Gar", "Hol", "Ira", "Jor", "Kes", "Lan", "Mor", "Nel", "Orm",
    "Pel", "Quin", "Ros", "Sav", "Tor", "Ulm", "Ver", "Wil", "Yar", "Zel", "Söl",
];
const LAST_END: [&str; 24] = [
    "wick", "stad", "mere", "brook", "dale", "field", "gate", "hurst", "kin", "lund", "man", "ner",
    "owski", "quist", "ridge", "sen", "ton", "vale", "worth", "yama", "ñez", "erro", "akis", "oye",
];
const FIRST_START: [&str; 20] = [
    "Al", "Be", "Ca", "Da", "E", "Fi", "Ga", "Ha", "I", "Jo", "Ka", "Le", "Ma", "No", "O", "Pa",
    "Ra", "Sa", "Ti", "Zé",
];
const FIRST_END: [&str; 20] = [
    "bin", "cia", "dan", "fra", "gan", "la", "len", "lio", "mir", "na", "nis", "ra", "ren", "ria",
    "ron", "sha", "tan", "via", "vin", "xa",
];
const STREETS: [&str; 16] = [
    "Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fern", "Grove", "Heron", "Juniper", "Linden",
    "Maple", "Meadow", "Oak", "Prairie", "Quarry", "Willow",
];

/// Kinds of street, as in `Address.tag`.
pub(super) const TAGS: [&str; 5] = ["St", "Ave", "Ln", "Rd", "Ct"];
/// The district's towns.
pub(super) const TOWNS: [&str; 4] = ["Fernhollow", "Grand Bend", "Millbrook", "East Larch"];

/// Appends a last name; some have an apostrophe, a hyphen or a diacritic.
pub(super) fn last(lot: Lot, out: &mut String) {
    match lot.below("last.kind", 40) {
        0 => out.push_str("O'"),
        1 => {
            out.push_str(lot.pick("last.first", &LAST_START));
            out.push_str(lot.pick("last.second", &LAST_END));
            out.push('-');
        }
        _ => {}
    }
    out.push_str(lot.pick("last.start", &LAST_START));
    out.push_str(lot.pick("last.end", &LAST_END));
}

/// Appends a first name; `field` tells first from middle names.
pub(super) fn first(lot: Lot, field: &str, out: &mut String) {
    let bits = lot.bits(field);
    let part = |bits: u64| usize::try_from(bits % 20).unwrap_or(0);
    out.push_str(FIRST_START.get(part(bits)).copied().unwrap_or(""));
    out.push_str(FIRST_END.get(part(bits >> 32)).copied().unwrap_or(""));
}

/// A street's name.
pub(super) fn street(lot: Lot) -> &'static str {
    lot.pick("street", &STREETS)
}
