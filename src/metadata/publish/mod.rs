//! A standard in the documents that Ed-Fi servers publish: OpenAPI 3, dependencies.
//!
//! Reads: a standard. Writes: nothing. Never: HTTP (the sandbox serves what stands here).

mod dependencies;
mod openapi;

pub use dependencies::{dependencies_graphml, dependencies_json, descriptor_path};
pub use openapi::{openapi, singular};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Standard;
    use crate::metadata::import::{Descriptors, refresh};

    #[test]
    fn what_is_published_is_imported_again() {
        let shipped = Standard::shipped();
        let document = openapi(&shipped, "http://localhost/data/v3");
        let graph = dependencies_graphml(&shipped);
        let values = Descriptors(shipped.descriptors.clone());
        let again = refresh(&shipped, &document, Some(&graph), Some(&values)).unwrap();
        let lines = crate::metadata::diff(&shipped, &again.standard);
        assert_eq!(lines, Vec::<String>::new());
        assert_eq!(again.standard, *shipped);
        assert_eq!(again.warnings, Vec::<String>::new());
    }

    #[test]
    fn levels_carry_persons_twice() {
        let shipped = Standard::shipped();
        let levels = dependencies_json(&shipped);
        let of = |path: &str| -> Vec<(i64, String)> {
            let entries = levels.as_array().unwrap().iter();
            entries
                .filter(|e| e["resource"] == path)
                .map(|e| (e["order"].as_i64().unwrap(), e["operations"].to_string()))
                .collect()
        };
        let students = of("/ed-fi/students");
        let associations = of("/ed-fi/studentSchoolAssociations");
        assert_eq!(students.len(), 2);
        assert_eq!(associations.len(), 1);
        assert!(students[0].0 < associations[0].0 && associations[0].0 < students[1].0);
        assert_eq!(students[0].1, "[\"Create\"]");
        assert_eq!(of("/ed-fi/gradeLevelDescriptors")[0].0, 1);
    }
}
