//! The ids that a provider has given objects instead of the RefIds they were sent under.
//!
//! Only for providers that assign ids (`must_use_advisory = false`): 32 bytes and an id for each
//! object whose id differs, known from the ledger or learnt from an answer.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use crate::sif3::canonical;

/// Length of a RefId as this tool writes it: 32 digits and 4 dashes.
const LENGTH: usize = 36;

/// RefId as sent -> the provider's id.
#[derive(Debug, Default)]
pub struct IdMap {
    ids: RwLock<HashMap<u128, Box<str>>>,
}

impl IdMap {
    /// Notes what the provider calls an object, unless it took the RefId.
    pub fn learn(&self, ref_id: &str, id: &str) {
        let Some(number) = number(ref_id) else {
            return;
        };
        if id.is_empty() || canonical(id) == canonical(ref_id) {
            return;
        }
        let mut ids = self.ids.write().unwrap_or_else(PoisonError::into_inner);
        ids.insert(number, id.into());
    }

    /// The object is gone.
    pub fn forget(&self, ref_id: &str) {
        if let Some(number) = number(ref_id) {
            let mut ids = self.ids.write().unwrap_or_else(PoisonError::into_inner);
            ids.remove(&number);
        }
    }

    /// What the provider calls an object.
    pub fn id_of(&self, ref_id: &str) -> String {
        let ids = self.ids.read().unwrap_or_else(PoisonError::into_inner);
        let known = number(ref_id).and_then(|number| ids.get(&number));
        known.map_or(ref_id, |id| &**id).to_owned()
    }

    /// Appends a body with the provider's ids in place of RefIds; `own`, the RefId of an object
    /// that is to be created, stays.
    pub(super) fn rewrite(&self, body: &[u8], own: Option<&str>, out: &mut Vec<u8>) {
        let ids = self.ids.read().unwrap_or_else(PoisonError::into_inner);
        let own = own.and_then(number);
        let mut rest = body;
        while let Some(first) = rest.first() {
            let found = ref_id_at(rest).filter(|number| Some(*number) != own);
            match found.and_then(|number| ids.get(&number)) {
                Some(id) => {
                    out.extend_from_slice(id.as_bytes());
                    rest = rest.get(LENGTH..).unwrap_or_default();
                }
                None => {
                    out.push(*first);
                    rest = rest.get(1..).unwrap_or_default();
                }
            }
        }
    }
}

/// The RefId that bytes begin with.
fn ref_id_at(bytes: &[u8]) -> Option<u128> {
    // Looked at first, because few places have it.
    if bytes.get(8) != Some(&b'-') || bytes.get(13) != Some(&b'-') {
        return None;
    }
    let text = std::str::from_utf8(bytes.get(..LENGTH)?).ok()?;
    number(text)
}

fn number(ref_id: &str) -> Option<u128> {
    let digits = canonical(ref_id);
    (digits.len() == 32).then(|| u128::from_str_radix(&digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "6cf96eb0-d436-58d8-a8d8-e9142c5d348f";
    const B: &str = "cac67e42-720f-5729-ab9a-9b1be0770531";

    #[test]
    fn references_are_rewritten_and_an_object_to_be_created_keeps_its_own() {
        let ids = IdMap::default();
        ids.learn(A, "17");
        ids.learn(B, "D5753735394E4D35BF600B265CE5ED28");
        let write = |own| {
            let mut out = Vec::new();
            let body = format!("<x RefId=\"{A}\"><y>{B}</y><z>not-{B}</z></x>");
            ids.rewrite(body.as_bytes(), own, &mut out);
            String::from_utf8(out).unwrap()
        };
        let b = "D5753735394E4D35BF600B265CE5ED28";
        assert_eq!(
            write(None),
            format!("<x RefId=\"17\"><y>{b}</y><z>not-{b}</z></x>")
        );
        assert_eq!(
            write(Some(A)),
            format!("<x RefId=\"{A}\"><y>{b}</y><z>not-{b}</z></x>")
        );
        ids.forget(B);
        assert_eq!(ids.id_of(B), B);
        assert_eq!(ids.id_of(A), "17");
    }

    #[test]
    fn an_id_that_is_the_ref_id_is_not_kept() {
        let ids = IdMap::default();
        ids.learn(A, "6CF96EB0D43658D8A8D8E9142C5D348F");
        assert_eq!(ids.id_of(A), A);
    }
}
