//! RefIds: identifiers that are the same in every run, made of what the SIS knows an object by.
//!
//! Source: RFC 9562 section 5.5 (UUID version 5); SIF RefIdType. (The `uuid` crate is not used:
//! switching its `v5` on would change the build of DataFusion, which has it without.)

use std::fmt::Write as _;

use sha1_smol::Sha1;

/// What the RefIds of one district are made in: its GUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefIds {
    namespace: [u8; 16],
}

/// One RefId; written in two forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefId([u8; 16]);

impl RefIds {
    /// RefIds of the district with this GUID, with or without dashes and braces. Any other text is
    /// made a namespace itself, by UUID version 5 in the null namespace.
    pub fn of_district(guid: &str) -> Self {
        let namespace = match digits(guid) {
            Some(bytes) => bytes,
            None => version_5(&[0; 16], guid.as_bytes()),
        };
        Self { namespace }
    }

    /// The RefId of an object of this kind (`StudentPersonal`) with this SIS key.
    pub fn ref_id(&self, object: &str, key: &str) -> RefId {
        let mut name = String::with_capacity(object.len() + 1 + key.len());
        name.push_str(object);
        name.push('/');
        name.push_str(key);
        RefId(version_5(&self.namespace, name.as_bytes()))
    }
}

impl RefId {
    /// Reads one in any form: with or without dashes and braces, in either letter case.
    pub fn parse(text: &str) -> Option<Self> {
        digits(text).map(Self)
    }

    /// 32 digits in upper case without dashes: SIF 2.x.
    pub fn plain(&self) -> String {
        self.0
            .iter()
            .fold(String::with_capacity(32), |mut text, byte| {
                // Writing to a String cannot fail.
                let _ = write!(text, "{byte:02X}");
                text
            })
    }

    /// Lower case with dashes: SIF 3.
    pub fn dashed(&self) -> String {
        let mut text = String::with_capacity(36);
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

fn digits(text: &str) -> Option<[u8; 16]> {
    let digits: String = text
        .chars()
        .filter(|c| !matches!(c, '-' | '{' | '}'))
        .collect();
    hex(&digits)
}

fn hex(text: &str) -> Option<[u8; 16]> {
    let number = u128::from_str_radix(text, 16).ok()?;
    (text.len() == 32).then(|| number.to_be_bytes())
}

fn version_5(namespace: &[u8; 16], name: &[u8]) -> [u8; 16] {
    let mut sha1 = Sha1::new();
    sha1.update(namespace);
    sha1.update(name);
    let digest = sha1.digest().bytes();
    let mut id = [0; 16];
    id.copy_from_slice(digest.first_chunk::<16>().unwrap_or(&[0; 16]));
    id[6] = (id[6] & 0x0f) | 0x50;
    id[8] = (id[8] & 0x3f) | 0x80;
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python: uuid.uuid5(uuid.NAMESPACE_DNS, 'www.example.com').
    #[test]
    fn version_5_is_that_of_the_rfc() {
        let dns = hex("6ba7b8109dad11d180b400c04fd430c8").unwrap();
        let id = RefId(version_5(&dns, b"www.example.com"));
        assert_eq!(id.dashed(), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
        assert_eq!(id.plain(), "2ED6657DE927568B95E12665A8AEA6A2");
    }

    #[test]
    fn a_guid_may_be_written_in_any_form() {
        let forms = [
            "6BA7B810-9DAD-11D1-80B4-00C04FD430C8",
            "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}",
            "6ba7b8109dad11d180b400c04fd430c8",
        ];
        let all = forms.map(|guid| RefIds::of_district(guid).ref_id("StudentPersonal", "17"));
        assert!(all.iter().all(|id| *id == all[0]));
        let other = RefIds::of_district("district 12");
        assert_ne!(other.ref_id("StudentPersonal", "17"), all[0]);
        assert_ne!(
            other.ref_id("StaffPersonal", "17"),
            other.ref_id("StudentPersonal", "17")
        );
        assert_eq!(other, RefIds::of_district("district 12"));
    }
}
