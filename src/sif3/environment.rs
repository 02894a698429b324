//! Environments: what a provider gives an application to work in.

use std::collections::BTreeMap;

use roxmltree::{Document, Node};
use serde::{Deserialize, Serialize};

use super::{Scheme, namespace};
use crate::xml::escape_text;

/// The context that is meant where none is named.
const DEFAULT_CONTEXT: &str = "DEFAULT";

/// What is asked for when an environment is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// The application's key.
    pub application: String,
    /// Who asks, for the provider's listings.
    pub consumer: String,
    /// The solution that the application belongs to, where the provider knows several.
    pub solution: Option<String>,
    /// Which of several installations of the application this is.
    pub instance: Option<String>,
    /// Infrastructure version (`3.3`).
    pub infrastructure: String,
    /// Namespace of the data model.
    pub data_model: String,
}

impl Wish {
    /// The body of the request.
    pub fn to_xml(&self, scheme: Scheme) -> String {
        let mut xml = format!(
            "<environment xmlns=\"{}\">",
            namespace(&self.infrastructure)
        );
        let mut element = |name: &str, value: &str| put(&mut xml, name, value);
        if let Some(solution) = &self.solution {
            element("solutionId", solution);
        }
        element("authenticationMethod", scheme.name());
        if let Some(instance) = &self.instance {
            element("instanceId", instance);
        }
        element("consumerName", &self.consumer);
        xml.push_str("<applicationInfo>");
        let mut element = |name: &str, value: &str| put(&mut xml, name, value);
        element("applicationKey", &self.application);
        element("supportedInfrastructureVersion", &self.infrastructure);
        element("dataModelNamespace", &self.data_model);
        xml.push_str("</applicationInfo></environment>");
        xml
    }
}

/// A right that a load needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// To look.
    Query,
    /// To add objects.
    Create,
    /// To change objects.
    Update,
    /// To remove objects.
    Delete,
}

impl Right {
    /// As environments write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Query => "QUERY",
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// An environment.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// Its id.
    pub id: String,
    /// What calls in it are signed with, instead of the application's key.
    pub session_token: String,
    /// The zone that is meant where none is named.
    pub default_zone: Option<String>,
    /// Where its services are, by name (`requestsConnector`).
    pub services: BTreeMap<String, String>,
    /// Rights by zone, context and service: `CREATE` -> `APPROVED`.
    rights: Vec<Provisioned>,
}

/// One service of one zone and context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Provisioned {
    zone: String,
    context: String,
    service: String,
    rights: BTreeMap<String, String>,
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Environment {
    /// Reads one, of any 3.x version of the infrastructure.
    ///
    /// # Errors
    /// What is wrong or missing.
    pub fn read(xml: &str) -> Result<Self, String> {
        let document = Document::parse(xml).map_err(|e| format!("no XML: {e}"))?;
        let root = document.root_element();
        if root.tag_name().name() != "environment" {
            return Err(format!("<{}> is no environment", root.tag_name().name()));
        }
        let session_token = text(root, "sessionToken").ok_or("it has no sessionToken")?;
        let id = root.attribute("id").unwrap_or_default().to_owned();
        let services = inside(root, "infrastructureServices")
            .filter(|n| is(n, "infrastructureService"))
            .filter_map(|n| {
                let url = n.text().map(str::trim).filter(|url| !url.is_empty());
                Some((n.attribute("name")?.to_owned(), url?.to_owned()))
            })
            .collect();
        let mut rights = Vec::new();
        for zone in inside(root, "provisionedZones") {
            for service in inside(zone, "services") {
                let kind = service.attribute("type").unwrap_or("OBJECT");
                if kind != "OBJECT" {
                    continue;
                }
                let given = inside(service, "rights").filter_map(|right| {
                    let value = right.text().unwrap_or_default().trim().to_owned();
                    Some((right.attribute("type")?.to_owned(), value))
                });
                let context = service.attribute("contextId").unwrap_or(DEFAULT_CONTEXT);
                rights.push(Provisioned {
                    zone: zone.attribute("id").unwrap_or_default().to_owned(),
                    context: context.to_owned(),
                    service: service.attribute("name").unwrap_or_default().to_owned(),
                    rights: given.collect(),
                });
            }
        }
        let zone = child(root, "defaultZone").and_then(|zone| zone.attribute("id"));
        Ok(Self {
            id,
            session_token,
            default_zone: zone.map(str::to_owned),
            services,
            rights,
        })
    }

    /// What of `needed` is not approved for a service, with what is said of it instead (`REJECTED`,
    /// or nothing).
    pub fn lacking(
        &self,
        zone: Option<&str>,
        context: Option<&str>,
        service: &str,
        needed: &[Right],
    ) -> Vec<(Right, String)> {
        let zone = zone.or(self.default_zone.as_deref());
        let context = context.unwrap_or(DEFAULT_CONTEXT);
        let found = self.rights.iter().find(|p| {
            zone.is_none_or(|zone| zone == p.zone) && p.context == context && p.service == service
        });
        let given = |right: &Right| {
            let given = found.and_then(|p| p.rights.get(right.as_str()));
            given.cloned().unwrap_or_default()
        };
        let needed = needed.iter().map(|right| (*right, given(right)));
        needed.filter(|(_, given)| given != "APPROVED").collect()
    }
}

/// Appends an element that holds a text.
fn put(xml: &mut String, name: &str, value: &str) {
    let mut text = Vec::with_capacity(value.len());
    escape_text(value, &mut text);
    let text = String::from_utf8_lossy(&text);
    xml.push_str(&format!("<{name}>{text}</{name}>"));
}

/// Whether it is an element of this name, whatever the namespace: that differs by version.
fn is(node: &Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|n| is(n, name))
}

/// The elements inside a child element.
fn inside<'a, 'i>(node: Node<'a, 'i>, name: &str) -> impl Iterator<Item = Node<'a, 'i>> {
    let list = child(node, name);
    list.into_iter()
        .flat_map(|list| list.children().filter(Node::is_element))
}

fn text(node: Node<'_, '_>, name: &str) -> Option<String> {
    let text = child(node, name)?.text()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = r#"<environment type="DIRECT" id="e1" xmlns="http://www.sifassociation.org/infrastructure/3.2.1">
        <sessionToken>t1</sessionToken><defaultZone id="District"><description>x</description></defaultZone>
        <infrastructureServices>
          <infrastructureService name="requestsConnector">http://h/requests</infrastructureService>
          <infrastructureService name="queues"/>
        </infrastructureServices>
        <provisionedZones><provisionedZone id="District"><services>
          <service type="OBJECT" name="xStudents" contextId="DEFAULT"><rights>
            <right type="CREATE">APPROVED</right><right type="UPDATE">SUPPORTED</right>
            <right type="DELETE">REJECTED</right></rights></service>
          <service type="FUNCTIONAL" name="xSchools"><rights><right type="CREATE">APPROVED</right></rights></service>
        </services></provisionedZone></provisionedZones></environment>"#;

    #[test]
    fn an_environment_names_its_services_and_rights() {
        let environment = Environment::read(XML).unwrap();
        assert_eq!(
            (&*environment.id, &*environment.session_token),
            ("e1", "t1")
        );
        assert_eq!(
            environment.services["requestsConnector"],
            "http://h/requests"
        );
        let needed = [Right::Create, Right::Update, Right::Delete];
        let lacking = |zone, context, service| {
            let lacking = environment.lacking(zone, context, service, &needed);
            lacking.into_iter().map(|(r, _)| r).collect::<Vec<_>>()
        };
        assert_eq!(
            lacking(None, None, "xStudents"),
            [Right::Update, Right::Delete],
            "supported is not approved"
        );
        assert_eq!(lacking(Some("Other"), None, "xStudents").len(), 3);
        assert_eq!(lacking(None, Some("SUMMER"), "xStudents").len(), 3);
        assert_eq!(lacking(None, None, "xSchools").len(), 3, "not an object");
    }

    #[test]
    fn what_is_no_environment_is_told() {
        for (xml, why) in [
            ("<error/>", "<error> is no environment"),
            ("<environment/>", "it has no sessionToken"),
            ("{}", "no XML"),
        ] {
            let told = Environment::read(xml).unwrap_err();
            assert!(told.contains(why), "{told}");
        }
    }

    #[test]
    fn a_wish_is_escaped_and_in_order() {
        let wish = Wish {
            application: "A&B".to_owned(),
            consumer: "FullSync".to_owned(),
            infrastructure: "3.3".to_owned(),
            data_model: "urn:d".to_owned(),
            solution: Some("test".to_owned()),
            instance: None,
        };
        assert_eq!(
            wish.to_xml(Scheme::Hmac),
            "<environment xmlns=\"http://www.sifassociation.org/infrastructure/3.3\">\
             <solutionId>test</solutionId>\
             <authenticationMethod>SIF_HMACSHA256</authenticationMethod>\
             <consumerName>FullSync</consumerName><applicationInfo>\
             <applicationKey>A&amp;B</applicationKey>\
             <supportedInfrastructureVersion>3.3</supportedInfrastructureVersion>\
             <dataModelNamespace>urn:d</dataModelNamespace></applicationInfo></environment>"
        );
    }
}
