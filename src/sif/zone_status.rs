//! SIF_ZoneStatus: what a zone tells of itself.

use std::collections::{BTreeMap, BTreeSet};

use roxmltree::Node;

use super::ack::{child, name, text_of};
use super::request::matches;
use crate::xml::Version;

/// A zone, as far as an agent wants to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZoneStatus {
    /// Its id.
    pub zone: String,
    /// Versions of messages that it takes, as patterns.
    pub versions: Vec<String>,
    /// Provider by object: who answers requests for it.
    pub providers: BTreeMap<String, String>,
    /// SIF_SourceIds of the agents that are registered, and whether they sleep.
    pub agents: BTreeMap<String, bool>,
    /// How messages may be compressed (`gzip`), in lower case.
    pub encodings: BTreeSet<String>,
}

impl ZoneStatus {
    /// Reads a SIF_ZoneStatus; what is not there is left empty.
    pub(super) fn read(node: Node<'_, '_>) -> Self {
        let all = |name: &'static str| {
            node.descendants()
                .filter(move |n| n.tag_name().name() == name)
        };
        let mut providers = BTreeMap::new();
        for provider in all("SIF_Provider") {
            let source = provider.attribute("SourceId").unwrap_or_default();
            let objects = provider.descendants().filter(|n| name(*n) == "SIF_Object");
            for object in objects.filter_map(|o| o.attribute("ObjectName")) {
                providers.insert(object.to_owned(), source.to_owned());
            }
        }
        let agents = all("SIF_SIFNode").filter_map(|node| {
            let sleeps = text_of(node, "SIF_Sleeping").is_some_and(|s| s == "Yes");
            Some((text_of(node, "SIF_SourceId")?, sleeps))
        });
        let versions = child(node, "SIF_SupportedVersions");
        let versions = versions.into_iter().flat_map(|v| v.children());
        let properties = all("SIF_Property")
            .filter(|p| text_of(*p, "SIF_Name").is_some_and(|n| n == "Accept-Encoding"));
        let encodings = properties.filter_map(|p| text_of(p, "SIF_Value"));
        Self {
            zone: node.attribute("ZoneId").unwrap_or_default().to_owned(),
            versions: versions
                .filter(|v| name(*v) == "SIF_Version")
                .filter_map(|v| v.text().map(|t| t.trim().to_owned()))
                .collect(),
            providers,
            agents: agents.collect(),
            encodings: encodings.flat_map(|text| encodings_of(&text)).collect(),
        }
    }

    /// Whether it takes messages of a version; true where it does not tell.
    pub fn speaks(&self, version: Version) -> bool {
        self.versions.is_empty() || self.versions.iter().any(|p| matches(p, version))
    }

    /// Whether messages may be sent compressed with gzip.
    pub fn takes_gzip(&self) -> bool {
        self.encodings.contains("gzip")
    }
}

/// `gzip;q=1.0, deflate` -> gzip, deflate.
fn encodings_of(text: &str) -> Vec<String> {
    text.split(',')
        .filter_map(|part| part.split(';').next())
        .map(|part| part.trim().to_ascii_lowercase())
        .filter(|part| !part.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sif::ack::parse;

    #[test]
    fn a_zone_tells_of_itself() {
        let text = "<SIF_ZoneStatus ZoneId=\"Z\"><SIF_Providers><SIF_Provider SourceId=\"SIS\">\
            <SIF_ObjectList><SIF_Object ObjectName=\"SchoolInfo\"/></SIF_ObjectList></SIF_Provider>\
            </SIF_Providers><SIF_SIFNodes><SIF_SIFNode Type=\"Agent\"><SIF_SourceId>LIB\
            </SIF_SourceId><SIF_Sleeping>Yes</SIF_Sleeping></SIF_SIFNode></SIF_SIFNodes>\
            <SIF_SupportedProtocols><SIF_Protocol Type=\"HTTP\" Secure=\"No\"><SIF_URL>x</SIF_URL>\
            <SIF_Property><SIF_Name>Accept-Encoding</SIF_Name><SIF_Value>GZIP;q=1.0, deflate\
            </SIF_Value></SIF_Property></SIF_Protocol></SIF_SupportedProtocols>\
            <SIF_SupportedVersions><SIF_Version>2.6</SIF_Version></SIF_SupportedVersions>\
            </SIF_ZoneStatus>";
        let status = ZoneStatus::read(parse(text).unwrap().root_element());
        assert_eq!(status.zone, "Z");
        assert!(status.speaks(Version::new(2, 6)) && !status.speaks(Version::new(2, 7)));
        assert_eq!(status.providers["SchoolInfo"], "SIS");
        assert!(status.agents["LIB"] && status.takes_gzip());
    }
}
