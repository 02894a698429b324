//! A standard in the documents that Ed-Fi servers publish: OpenAPI 3, dependencies.
//!
//! Reads: a standard. Writes: nothing. Never: HTTP (the sandbox serves what stands here).

use serde_json::Value;

use super::Standard;

/// x
pub fn openapi(_standard: &Standard, _base_url: &str) -> Value {
    Value::Null
}
/// x
pub fn dependencies_json(_standard: &Standard) -> Value {
    Value::Null
}
/// x
pub fn dependencies_graphml(_standard: &Standard) -> String {
    String::new()
}
