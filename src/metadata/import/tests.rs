//! The importer as a whole, on small documents; what the shipped file says is tested beside it.

use serde_json::json;

use super::*;
use crate::metadata::{KeyPart, Kind};

/// A Swagger 2 document as an old server answers it: schools, an association that nothing refers
/// to, and an abstract reference.
fn swagger() -> Value {
    let id = |max: u32| json!({"type": "string", "maxLength": max});
    let number = json!({"type": "integer", "format": "int32"});
    json!({
        "swagger": "2.0",
        "info": {"title": "Old", "version": "3"},
        "paths": {
            "/ed-fi/schools": {"post": {"parameters": [
                {"in": "body", "name": "school", "schema": {"$ref": "#/definitions/edFi_school"}}]}},
            "/ed-fi/students": {"post": {"parameters": [
                {"in": "body", "name": "student", "schema": {"$ref": "#/definitions/edFi_student"}}]}},
            "/ed-fi/studentSchoolAssociations": {"post": {"parameters": [
                {"in": "body", "schema": {"$ref": "#/definitions/edFi_studentSchoolAssociation"}}]}}
        },
        "definitions": {
            "edFi_school": {"type": "object", "required": ["schoolId", "categories"], "properties": {
                "id": id(32), "_etag": {"type": "string"}, "_ext": {"$ref": "#/definitions/x"},
                "schoolId": {"type": "integer", "format": "int32", "x-Ed-Fi-isIdentity": true},
                "parentReference": {"$ref": "#/definitions/edFi_educationOrganizationReference"},
                "categories": {"type": "array", "items":
                    {"$ref": "#/definitions/edFi_educationOrganizationCategory"}}}},
            "edFi_educationOrganizationCategory": {"type": "object", "properties": {
                "educationOrganizationCategoryDescriptor": id(306)}},
            "edFi_educationOrganizationReference": {"type": "object",
                "required": ["educationOrganizationId"],
                "properties": {"educationOrganizationId": number}},
            "edFi_schoolReference": {"type": "object", "required": ["schoolId"],
                "properties": {"schoolId": number, "link": {"$ref": "#/definitions/link"}}},
            "edFi_student": {"type": "object", "required": ["studentUniqueId", "firstName"],
                "properties": {"studentUniqueId": id(32), "firstName": id(100), "startTime": {"type": "string"},
                    "tags": {"type": "array", "items": {"type": "string"}}}},
            "edFi_studentReference": {"type": "object", "required": ["studentUniqueId"],
                "properties": {"studentUniqueId": id(32)}},
            "edFi_studentSchoolAssociation": {"type": "object",
                "required": ["entryDate", "schoolReference", "studentReference"],
                "properties": {
                    "entryDate": {"type": "string", "format": "date", "x-Ed-Fi-isIdentity": true},
                    "entryGradeLevelDescriptor": id(306),
                    "schoolReference": {"$ref": "#/definitions/edFi_schoolReference"},
                    "studentReference": {"$ref": "#/definitions/edFi_studentReference"}}}
        }
    })
}

fn documents(openapi: &Value) -> Documents<'_> {
    Documents {
        name: "",
        notice: "",
        openapi,
        dependencies: None,
        descriptors: None,
        ddl: &[],
    }
}

fn key(standard: &Standard, resource: &str) -> Vec<String> {
    let key = &standard.resource(resource).unwrap().key;
    key.iter().map(|p: &KeyPart| p.path.clone()).collect()
}

#[test]
fn swagger_2_alone_gives_fields_and_a_guess_at_keys() {
    let document = swagger();
    let imported = import(&documents(&document), None).unwrap();
    let standard = &imported.standard;
    assert_eq!(standard.name, "Old 3");
    let school = standard.resource("schools").unwrap();
    let names: Vec<&str> = school.fields.keys().map(String::as_str).collect();
    assert_eq!(names, ["categories", "parentReference", "schoolId"]);
    assert_eq!(school.fields["schoolId"].kind, Kind::Int32);
    assert!(school.fields["categories"].required);
    // The schools' body uses a schema of the abstract one, so schools are of its kind.
    let Kind::Reference { targets, fields } = &school.fields["parentReference"].kind else {
        panic!("no reference");
    };
    assert_eq!(targets, &["schools"]);
    assert_eq!(fields.len(), 1);
    let student = standard.resource("students").unwrap();
    assert_eq!(
        student.fields["firstName"].kind,
        Kind::String { max: Some(100) }
    );
    assert_eq!(student.fields["startTime"].kind, Kind::Time);
    assert!(!student.fields.contains_key("tags"));
    assert_eq!(key(standard, "students"), ["studentUniqueId"]);
    assert_eq!(
        key(standard, "studentSchoolAssociations"),
        [
            "entryDate",
            "schoolReference.schoolId",
            "studentReference.studentUniqueId"
        ]
    );
    let association = "studentSchoolAssociations".to_owned();
    assert_eq!(
        standard.edges,
        [
            ("schools".to_owned(), association.clone()),
            ("students".to_owned(), association)
        ]
    );
    let warned = |text: &str| imported.warnings.iter().any(|w| w.contains(text));
    assert!(warned(
        "studentSchoolAssociations: nothing tells the natural key"
    ));
    assert!(warned("edFi_student.tags: a list of plain values"));
    assert!(warned("no dependency document"));
    assert_eq!(imported.warnings.len(), 3, "{:#?}", imported.warnings);
}

#[test]
fn tables_tell_keys_and_descriptor_types() {
    let document = swagger();
    let ddl = ["CREATE TABLE edfi.StudentSchoolAssociation (EntryDate DATE NOT NULL,
            PRIMARY KEY (EntryDate, SchoolId, StudentUSI));
        CREATE TABLE edfi.GradeLevelDescriptor (PRIMARY KEY (GradeLevelDescriptorId));
        ALTER TABLE edfi.StudentSchoolAssociation ADD CONSTRAINT F
            FOREIGN KEY (EntryGradeLevelDescriptorId) REFERENCES edfi.GradeLevelDescriptor (GradeLevelDescriptorId);"
        .to_owned()];
    let documents = Documents {
        ddl: &ddl,
        ..documents(&document)
    };
    let imported = import(&documents, None).unwrap();
    let association = imported
        .standard
        .resource("studentSchoolAssociations")
        .unwrap();
    let wanted = Kind::Descriptor {
        name: "GradeLevelDescriptor".to_owned(),
    };
    assert_eq!(association.fields["entryGradeLevelDescriptor"].kind, wanted);
    assert_eq!(association.key.len(), 3);
    assert!(imported.standard.descriptors["GradeLevelDescriptor"].is_empty());
    assert!(!imported.warnings.iter().any(|w| w.contains("natural key")));
}

#[test]
fn a_refresh_takes_the_targets_fields_and_keeps_the_bases_keys() {
    let base = Standard::shipped();
    let document = swagger();
    let mut values = Descriptors::new();
    values.add("TermDescriptor", "uri://state.gov/TermDescriptor", "T1");
    let imported = refresh(&base, &document, None, Some(&values)).unwrap();
    let new = &imported.standard;
    assert_eq!(new.name, base.name);
    assert_eq!(new.resources.len(), 3);
    let first = &new.resource("students").unwrap().fields["firstName"].kind;
    assert_eq!(*first, Kind::String { max: Some(100) });
    for name in ["schools", "students", "studentSchoolAssociations"] {
        assert_eq!(
            new.resource(name).unwrap().key,
            base.resource(name).unwrap().key
        );
    }
    let association = new.resource("studentSchoolAssociations").unwrap();
    let wanted = Kind::Descriptor {
        name: "GradeLevelDescriptor".to_owned(),
    };
    assert_eq!(association.fields["entryGradeLevelDescriptor"].kind, wanted);
    // The base's order among what the target has; the target's values where it lists a type.
    assert!(
        new.prerequisites("studentSchoolAssociations")
            .contains(&"schools")
    );
    assert_eq!(new.retries["students"], ["studentSchoolAssociations"]);
    assert_eq!(new.descriptors["TermDescriptor"].len(), 1);
    assert_eq!(
        new.descriptors["GradeLevelDescriptor"],
        base.descriptors["GradeLevelDescriptor"]
    );
}

#[test]
fn files_are_found_and_faults_name_them() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("openapi.json"), swagger().to_string()).unwrap();
    std::fs::create_dir(at("descriptors")).unwrap();
    std::fs::write(
        at("descriptors/TermDescriptor.xml"),
        "<I><TermDescriptor><CodeValue>Fall</CodeValue>\
         <Namespace>uri://ed-fi.org/TermDescriptor</Namespace></TermDescriptor></I>",
    )
    .unwrap();
    std::fs::write(
        at("levels.json"),
        r#"[{"resource": "/ed-fi/students", "order": 1, "operations": ["Create"]},
            {"resource": "/ed-fi/schools", "order": 2, "operations": ["Create"]},
            {"resource": "/ed-fi/studentSchoolAssociations", "order": 3, "operations": ["Create"]},
            {"resource": "/ed-fi/students", "order": 4, "operations": ["Update"]}]"#,
    )
    .unwrap();
    let mut files = ImportFiles {
        openapi: at("openapi.json"),
        dependencies: Some(at("levels.json")),
        descriptors: Some(at("descriptors")),
        name: "Mine".to_owned(),
        ..ImportFiles::default()
    };
    let standard = from_files(&files).unwrap().standard;
    assert_eq!(standard.name, "Mine");
    assert_eq!(standard.retries["students"], ["studentSchoolAssociations"]);
    assert_eq!(
        standard.prerequisites("studentSchoolAssociations"),
        ["schools"]
    );
    assert_eq!(
        standard.descriptors["TermDescriptor"]["uri://ed-fi.org/TermDescriptor"],
        ["Fall"]
    );
    std::fs::write(at("levels.json"), "nonsense").unwrap();
    let error = from_files(&files).unwrap_err().to_string();
    assert!(error.contains("is not JSON"), "{error}");
    files.openapi = at("gone.json");
    let error = from_files(&files).unwrap_err().to_string();
    assert!(error.contains("gone.json"), "{error}");
}

#[test]
fn a_document_of_another_kind_is_refused() {
    for document in [
        json!([]),
        json!({"paths": {}}),
        json!({"paths": {}, "definitions": {}}),
    ] {
        assert!(import(&documents(&document), None).is_err());
    }
}

/// Run by hand when the importer changes: `FULLSYNC_EDFI_DOCUMENTS=folder cargo test --lib
/// shipped_file -- --ignored`; docs/metadata.md names the documents.
#[test]
#[ignore = "needs the public Ed-Fi documents in the folder FULLSYNC_EDFI_DOCUMENTS"]
fn the_shipped_file_is_what_the_documents_give() {
    let folder = std::path::PathBuf::from(std::env::var("FULLSYNC_EDFI_DOCUMENTS").unwrap());
    let shipped = Standard::shipped();
    let imported = from_files(&ImportFiles {
        openapi: folder.join("resources.json"),
        dependencies: Some(folder.join("dependencies.graphml")),
        descriptors: Some(folder.join("descriptors")),
        ddl: vec![folder.join("tables.sql"), folder.join("foreign-keys.sql")],
        name: shipped.name.clone(),
        notice: shipped.notice.clone(),
    })
    .unwrap();
    assert_eq!(
        crate::metadata::diff(&shipped, &imported.standard),
        Vec::<String>::new()
    );
    assert_eq!(imported.standard, *shipped);
    assert_eq!(imported.warnings, Vec::<String>::new());
}
