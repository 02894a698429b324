//! What a provider says became of the objects of a bulk request, and errors of whole requests.

use roxmltree::{Document, Node};

/// What became of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectStatus {
    /// The RefId that it was sent under, in its canonical form.
    pub sent: String,
    /// What the provider calls it; empty where it does not say.
    pub id: String,
    /// HTTP status; None where the provider does not say, which is no success.
    pub status: Option<u16>,
    /// The provider's text.
    pub message: String,
}

/// The answer to a bulk request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bulk {
    /// One for each object that the answer names, in its order.
    pub objects: Vec<ObjectStatus>,
}

impl Bulk {
    /// Reads a `createResponse`, `updateResponse` or `deleteResponse`. An answer without any status
    /// is read as one that names no object.
    ///
    /// # Errors
    /// It is none of these.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(body).map_err(|_| "the answer is not UTF-8".to_owned())?;
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let document = Document::parse(text.trim_start_matches('\u{feff}'))
            .map_err(|e| format!("the answer cannot be read as XML: {e}"))?;
        let root = document.root_element();
        let (list, item) = match root.tag_name().name() {
            "createResponse" => ("creates", "create"),
            "updateResponse" => ("updates", "update"),
            "deleteResponse" => ("deletes", "delete"),
            other => {
                return Err(format!(
                    "the answer is <{other}>, not the objects' statuses"
                ));
            }
        };
        let lists = root.children().filter(|n| is(n, list));
        let items = lists.flat_map(|l| l.children().filter(|n| is(n, item)));
        Ok(Self {
            objects: items.map(object).collect(),
        })
    }
}

fn is(node: &Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

fn object(node: Node<'_, '_>) -> ObjectStatus {
    let attribute = |name| node.attribute(name).unwrap_or_default().trim();
    let id = attribute("id");
    // Updates and deletes have no advisory id: they go by the provider's own.
    let sent = match attribute("advisoryId") {
        "" => id,
        advisory => advisory,
    };
    let error = node.children().find(|n| is(n, "error"));
    ObjectStatus {
        sent: canonical(sent),
        id: id.to_owned(),
        status: attribute("statusCode").parse().ok(),
        message: error.map(error_text).unwrap_or_default(),
    }
}

/// Code, scope, message and description in one line.
fn error_text(error: Node<'_, '_>) -> String {
    let parts = ["scope", "message", "description"].map(|name| {
        let part = error.children().find(|n| is(n, name));
        part.and_then(|n| n.text()).unwrap_or_default().trim()
    });
    let mut text = String::new();
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(part.trim_end_matches(['.', ':']));
    }
    text
}

/// What an error of a whole request says; empty where it cannot be read.
pub fn refusal(body: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(body) else {
        return String::new();
    };
    let Ok(document) = Document::parse(text.trim()) else {
        return String::new();
    };
    let root = document.root_element();
    match is(&root, "error") {
        true => error_text(root),
        false => String::new(),
    }
}

/// An id as it is compared: dashes, braces and the case of letters do not count.
pub fn canonical(id: &str) -> String {
    id.chars()
        .filter(|c| !matches!(c, '-' | '{' | '}'))
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_read_by_the_ids_that_were_sent() {
        let bulk = Bulk::read(
            br#"<createResponse xmlns="http://www.sifassociation.org/infrastructure/3.3"><creates>
              <create id="D5753735394E4D35BF600B265CE5ED28" advisoryId="CAC67E42-720f" statusCode="201"/>
              <create advisoryId="a2" statusCode="404"><error id="e"><code>400</code>
                <scope>Store.</scope><message>Bad.</message></error></create>
              <create id="a3" advisoryId="a3"/>
            </creates></createResponse>"#,
        )
        .unwrap();
        let seen: Vec<_> = bulk
            .objects
            .iter()
            .map(|o| (&*o.sent, &*o.id, o.status, &*o.message))
            .collect();
        assert_eq!(
            seen,
            [
                (
                    "cac67e42720f",
                    "D5753735394E4D35BF600B265CE5ED28",
                    Some(201),
                    ""
                ),
                ("a2", "", Some(404), "Store: Bad"),
                ("a3", "a3", None, ""),
            ]
        );
    }

    #[test]
    fn an_answer_without_statuses_names_no_object() {
        for body in [
            "<createResponse><creates/></createResponse>",
            "<createResponse/>",
            "",
        ] {
            assert_eq!(Bulk::read(body.as_bytes()).unwrap(), Bulk::default());
        }
    }

    #[test]
    fn what_is_no_answer_is_told() {
        for body in [
            &br#"{"createResponse":{"creates":""}}"#[..],
            b"<StudentPersonals/>",
            b"\xff",
        ] {
            assert!(Bulk::read(body).is_err());
        }
    }

    #[test]
    fn the_text_of_a_refusal() {
        let body = br#"<error id="x" xmlns="http://www.sifassociation.org/infrastructure/3.3">
            <code>403</code><scope>Provider side check.</scope><message>Not authorized.</message>
            <description>CREATE is not APPROVED</description></error>"#;
        assert_eq!(
            refusal(body),
            "Provider side check: Not authorized: CREATE is not APPROVED"
        );
        assert_eq!(refusal(b"<html/>"), "");
        assert_eq!(refusal(b"nothing"), "");
    }
}
