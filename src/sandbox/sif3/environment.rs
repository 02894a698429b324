//! Environments as XML: what a consumer asks for, what it gets.

use roxmltree::Document;

use super::Options;
use super::store::Held;

/// The namespace of the infrastructure.
pub(super) const NAMESPACE: &str = "http://www.sifassociation.org/infrastructure/3.3";

/// Services, beside the objects.
const SERVICES: [(&str, &str); 3] = [
    ("requestsConnector", "requests"),
    ("provisionRequests", "provision"),
    ("eventsConnector", "eventsConnector"),
];

const RIGHTS: [&str; 4] = ["QUERY", "CREATE", "UPDATE", "DELETE"];

/// What a consumer asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) application: String,
    pub(super) method: String,
    /// Which installation of the application.
    pub(super) instance: String,
}

/// Reads the wish for an environment.
pub(super) fn read(body: &[u8]) -> Result<Asked, String> {
    let text = std::str::from_utf8(body).map_err(|e| e.to_string())?;
    let document = Document::parse(text).map_err(|e| e.to_string())?;
    let of = |name: &str| {
        let found = document
            .descendants()
            .find(|n| n.is_element() && n.tag_name().name() == name);
        let text = found.and_then(|n| n.text()).unwrap_or_default();
        text.trim().to_owned()
    };
    if document.root_element().tag_name().name() != "environment" {
        return Err("this is no environment".to_owned());
    }
    Ok(Asked {
        application: of("applicationKey"),
        method: of("authenticationMethod"),
        instance: of("instanceId"),
    })
}

/// The environment that a consumer gets. `root` is where the provider is.
pub(super) fn write(options: &Options, held: &Held, root: &str) -> String {
    let method = if options.hmac {
        "SIF_HMACSHA256"
    } else {
        "Basic"
    };
    let mut xml = format!(
        "<environment type=\"DIRECT\" id=\"{id}\" xmlns=\"{NAMESPACE}\">\n\
         <fingerprint>{id}</fingerprint>\n<sessionToken>{token}</sessionToken>\n\
         <defaultZone id=\"{zone}\"><description>The district.</description></defaultZone>\n\
         <authenticationMethod>{method}</authenticationMethod>\n\
         <consumerName>{consumer}</consumerName>\n<infrastructureServices>\n\
         <infrastructureService name=\"environment\">{root}/environments/{id}\
         </infrastructureService>\n",
        id = held.id,
        token = held.token,
        zone = escaped(&options.zone),
        consumer = escaped(&held.consumer),
    );
    for (name, path) in SERVICES {
        xml.push_str(&format!(
            "<infrastructureService name=\"{name}\">{root}/{path}</infrastructureService>\n"
        ));
    }
    xml.push_str(&format!(
        "</infrastructureServices>\n<provisionedZones><provisionedZone id=\"{}\"><services>\n",
        escaped(&options.zone)
    ));
    for object in options.standard.resources.keys() {
        let service = format!("{object}s");
        xml.push_str(&format!(
            "<service type=\"OBJECT\" name=\"{service}\" contextId=\"{}\"><rights>",
            escaped(&options.context)
        ));
        for right in RIGHTS {
            let given = match is_rejected(options, &service, right) {
                true => "REJECTED",
                false => "APPROVED",
            };
            xml.push_str(&format!("<right type=\"{right}\">{given}</right>"));
        }
        xml.push_str("</rights></service>\n");
    }
    xml.push_str("</services></provisionedZone></provisionedZones>\n</environment>");
    xml
}

/// Whether the application may not do this with a service.
pub(super) fn is_rejected(options: &Options, service: &str, right: &str) -> bool {
    let mut rejected = options.rejected.iter();
    rejected.any(|(of, what)| (of == service || of == "*") && what == right)
}

/// A text inside an element or attribute.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
