//! The documents that a client starts from: discovery, OpenAPI, dependencies, what a token may do.
//!
//! Reads: the metadata. Writes: nothing. Never: names a record's data.

use crate::metadata::publish;
use serde_json::{Map, Value, json};

use super::api::Api;
use super::options::{ErrorStyle, Operation, RouteShape};
use super::route::Named;
use crate::sandbox::answer::Answer;

impl Api {
    /// The discovery document. What the path did not name stands as a placeholder, as at a real
    /// server.
    pub(super) fn discovery(&self, root: &str, named: Named) -> Answer {
        let mut base = root.to_owned();
        if let Some(tenant) = &self.context.tenant {
            base.push('/');
            base.push_str(if named.tenant {
                tenant
            } else {
                "{tenantIdentifier}"
            });
        }
        if let Some(district) = &self.context.district {
            base.push('/');
            base.push_str(if named.district {
                district
            } else {
                "{districtIdFromRoute}"
            });
        }
        let mut after = String::new();
        if let Some(year) = &self.context.year {
            match self.style {
                // Servers before 7 put the year after the data route, and name it.
                ErrorStyle::MessageModelState => after = format!("/{year}"),
                ErrorStyle::ProblemDetails => {
                    base.push('/');
                    base.push_str(if named.year {
                        year
                    } else {
                        "{schoolYearFromRoute}"
                    });
                }
            }
        }
        let slash = if after.is_empty() { "/" } else { "" };
        let (version, build) = match (self.context.shape, self.style) {
            (RouteShape::V8, _) => ("8.0", "8.0.0"),
            (_, ErrorStyle::ProblemDetails) => ("7.3", "7.3.0.0"),
            (_, ErrorStyle::MessageModelState) => ("6.1", "6.1.0.0"),
        };
        let model = self.standard.name.strip_prefix("Ed-Fi ").unwrap_or("5.2.0");
        let urls = match self.context.shape {
            RouteShape::Ods => json!({
                "dependencies": format!("{base}/metadata/data/v3{after}/dependencies"),
                "openApiMetadata": format!("{base}/metadata{after}{slash}"),
                "oauth": format!("{base}/oauth/token"),
                "oauthTokenIntrospection": format!("{base}/oauth/token_info"),
                "dataManagementApi": format!("{base}/data/v3{after}{slash}"),
            }),
            RouteShape::V8 => json!({
                "dependencies": format!("{base}/metadata/dependencies"),
                "openApiMetadata": format!("{base}/metadata/specifications"),
                "oauth": format!("{base}/oauth/token"),
                "tokenInfo": format!("{base}/oauth/token_info"),
                "dataManagementApi": format!("{base}/data"),
            }),
        };
        let document = json!({
            "version": version,
            "applicationName": "fullsync sandbox of an Ed-Fi ODS / API (no real server)",
            "informationalVersion": version,
            "suite": "3",
            "build": build,
            "instanceId": self.instance_id,
            "dataModels": [{
                "name": "Ed-Fi",
                "version": model,
                "informationalVersion": self.standard.name,
            }],
            "urls": urls,
        });
        Answer::json(200, document.to_string())
    }
    /// The list of OpenAPI documents. `root` includes tenant and year, as the request named them.
    pub(super) fn document_list(&self, root: &str) -> Answer {
        let v8 = self.context.shape == RouteShape::V8;
        let entry = |name: &str, path: &str| {
            let address = match v8 {
                true => format!("{root}/metadata/specifications/{path}-spec.json"),
                false => format!("{root}/metadata/data/v3/{path}/swagger.json"),
            };
            json!({
                "name": name,
                "endpointUri": address,
                "prefix": "",
            })
        };
        let list = json!([
            entry("Resources", "resources"),
            entry("Descriptors", "descriptors"),
        ]);
        Answer::json(200, list.to_string())
    }

    /// The OpenAPI document of the resources.
    pub(super) fn resources_spec(&self, data_url: &str) -> Answer {
        Answer::json(200, publish::openapi(&self.standard, data_url).to_string())
    }

    /// The OpenAPI document of the descriptors.
    pub(super) fn descriptors_spec(&self, data_url: &str) -> Answer {
        let text = |max: u32| json!({ "type": "string", "maxLength": max });
        let (mut paths, mut schemas) = (Map::new(), Map::new());
        for kind in &self.layout.descriptors {
            let schema = format!("edFi_{}", kind.name.strip_suffix('s').unwrap_or(&kind.name));
            let list = json!({
                "type": "array",
                "items": { "$ref": format!("#/components/schemas/{schema}") },
            });
            let answers = json!({ "200": {
                "description": "The requested descriptors.",
                "content": { "application/json": { "schema": list } },
            } });
            paths.insert(
                format!("/ed-fi/{}", kind.name),
                json!({ "get": { "tags": [kind.name], "responses": answers } }),
            );
            schemas.insert(
                schema,
                json!({
                    "type": "object",
                    "required": ["codeValue", "namespace", "shortDescription"],
                    "properties": {
                        "id": { "type": "string" },
                        "codeValue": text(50),
                        "namespace": text(255),
                        "shortDescription": text(75),
                        "description": text(1024),
                    },
                }),
            );
        }
        let spec = json!({
            "openapi": "3.0.1",
            "info": { "title": "Ed-Fi Operational Data Store API: descriptors", "version": "3" },
            "servers": [{ "url": data_url }],
            "paths": paths,
            "components": { "schemas": schemas },
        });
        Answer::json(200, spec.to_string())
    }

    /// The order of loading, as JSON levels or as GraphML.
    pub(super) fn dependencies(&self, accept: &str) -> Answer {
        if accept.contains("graphml") {
            let graph = publish::dependencies_graphml(&self.standard);
            return Answer::text(200, "application/graphml", graph);
        }
        Answer::json(200, publish::dependencies_json(&self.standard).to_string())
    }

    /// What the caller's token may do.
    pub(super) fn token_info(&self) -> Answer {
        let resources: Vec<Value> = (0u16..)
            .zip(&self.layout.resources)
            .map(|(number, resource)| {
                let granted = Operation::ALL
                    .into_iter()
                    .filter(|operation| self.grants(number, *operation));
                let operations: Vec<_> = granted.map(Operation::as_str).collect();
                json!({ "resource": resource.path, "operations": operations })
            })
            .collect();
        let info = json!({
            "active": true,
            "client_id": self.tokens.client(),
            "namespace_prefixes": ["uri://ed-fi.org"],
            "education_organizations": [],
            "student_identification_system": null,
            "assigned_profiles": [],
            "claim_set": { "name": "Sandbox" },
            "resources": resources,
            "services": [],
        });
        Answer::json(200, info.to_string())
    }
}
