//! A SIF_Request, as far as it can be answered.
//!
//! Source: SIF 2.x infrastructure, SIF_Request.

use roxmltree::Node;
use serde::{Deserialize, Serialize};

use super::ack::{child, name, text_of};
use super::{Query, SifError};
use crate::xml::Version;

/// A request of another agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// SIF_Version, once or more: `2.6`, `2.*`, `*`, `2.1r*`.
    pub versions: Vec<String>,
    /// SIF_MaxBufferSize: the largest message that the agent takes, in bytes.
    pub max_buffer: u64,
    /// What is asked for.
    pub query: Query,
}

/// Why a request cannot be answered, in the words of the standard.
pub type RequestError = SifError;

impl Request {
    /// Reads a SIF_Request.
    ///
    /// # Errors
    /// The category and code to refuse it with.
    pub(super) fn read(node: Node<'_, '_>) -> Result<Self, RequestError> {
        if child(node, "SIF_ExtendedQuery").is_some() {
            let what = "SIF_ExtendedQuery is not supported";
            return Err(SifError::new(SifError::NO_EXTENDED_QUERY, what));
        }
        let versions = node.children().filter(|n| name(*n) == "SIF_Version");
        let max_buffer = text_of(node, "SIF_MaxBufferSize").and_then(|t| t.parse().ok());
        let (Some(max_buffer), Some(query)) = (max_buffer, child(node, "SIF_Query")) else {
            let what = "a request needs SIF_MaxBufferSize and SIF_Query";
            return Err(SifError::new((1, 6), what));
        };
        Ok(Self {
            versions: versions
                .filter_map(|v| v.text().map(|t| t.trim().to_owned()))
                .collect(),
            max_buffer,
            query: Query::read(query)?,
        })
    }

    /// The highest of our versions that the request takes.
    ///
    /// # Errors
    /// 8/7: none of them.
    pub fn version(&self, ours: &[Version]) -> Result<Version, SifError> {
        let taken = |version: &Version| {
            self.versions.is_empty() || self.versions.iter().any(|p| matches(p, *version))
        };
        let best = ours.iter().copied().filter(taken).max();
        best.ok_or_else(|| {
            let what = format!("no version in common with {}", self.versions.join(", "));
            SifError::new(SifError::UNSUPPORTED_VERSION, what)
        })
    }
}

/// Whether a version fits `2.6`, `2.*`, `*` or `2.1r*`.
pub(super) fn matches(pattern: &str, version: Version) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => true,
        Some(start) => {
            let text = version.to_string();
            // `2.1r*` is every revision of 2.1, also none.
            text.starts_with(start) || start.strip_suffix('r').is_some_and(|s| s == text)
        }
        None => pattern.parse::<Version>().is_ok_and(|v| v == version),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sif::ack::parse;

    fn request(inside: &str) -> Result<Request, RequestError> {
        let text = format!("<SIF_Request>{inside}</SIF_Request>");
        let document = parse(&text).unwrap();
        Request::read(document.root_element())
    }

    const QUERY: &str = "<SIF_Query><SIF_QueryObject ObjectName=\"A\"/></SIF_Query>";

    #[test]
    fn patterns_of_versions() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        for (pattern, text, fits) in [
            ("*", "2.6", true),
            ("2.*", "2.0r1", true),
            ("2.*", "1.5r1", false),
            ("2.0r*", "2.0r1", true),
            ("2.0r*", "2.0", true),
            ("2.1r*", "2.0r1", false),
            ("2.6", "2.6", true),
            ("2.6", "2.5", false),
            ("nonsense", "2.6", false),
        ] {
            assert_eq!(matches(pattern, version(text)), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn the_highest_common_version_is_taken() {
        let ours: Vec<Version> = ["2.0r1", "2.6", "2.7"].map(|v| v.parse().unwrap()).to_vec();
        let asked = |versions: &str| {
            request(&format!(
                "{versions}<SIF_MaxBufferSize>4096</SIF_MaxBufferSize>{QUERY}"
            ))
            .unwrap()
            .version(&ours)
        };
        let one = |v: &str| format!("<SIF_Version>{v}</SIF_Version>");
        assert_eq!(asked(&one("2.*")).unwrap(), Version::new(2, 7));
        assert_eq!(
            asked(&(one("2.6") + &one("2.0r1"))).unwrap(),
            Version::new(2, 6)
        );
        let error = asked(&one("1.5r1")).unwrap_err();
        assert_eq!((error.category, error.code), SifError::UNSUPPORTED_VERSION);
    }

    #[test]
    fn what_is_not_supported_is_refused_with_its_code() {
        let code = |inside: &str| {
            request(inside)
                .map_err(|e| (e.category, e.code))
                .unwrap_err()
        };
        assert_eq!(code("<SIF_ExtendedQuery/>"), SifError::NO_EXTENDED_QUERY);
        assert_eq!(code(QUERY), (1, 6));
    }
}
