//! Addresses, namespaces and profiles of real servers; count and fetch.

use std::sync::Arc;

use fullsync::metadata::{Field, KeyPart, Kind, ResourceMeta, Standard};
use fullsync::sandbox::edfi::{ErrorStyle, Options, Profile, RouteShape};
use serde_json::Value;

use crate::support::{District, Target};

/// Puts keys into a section of the pipeline.
fn with(district: &District, section: &str, keys: &str) {
    let path = "pipelines/mini.toml";
    let pipeline = std::fs::read_to_string(district.path(path)).unwrap();
    let head = format!("[{section}]");
    assert!(pipeline.contains(&head));
    district.write(path, &pipeline.replace(&head, &format!("{head}\n{keys}")));
}

#[test]
fn item_13_every_shape_of_address_is_reached() {
    type Change = fn(&mut Options);
    let cases: &[(&str, Change, &str, &str)] = &[
        ("single", |_| {}, "", ""),
        (
            "year, placeholder",
            |o| o.school_year_route = Some(2026),
            "route_year = 2026",
            "",
        ),
        (
            "year, in the root",
            |o| o.school_year_route = Some(2026),
            "",
            "/2026",
        ),
        (
            "year after the data route",
            |o| {
                o.school_year_route = Some(2026);
                o.error_style = ErrorStyle::MessageModelState;
            },
            "",
            "",
        ),
        (
            "tenant",
            |o| o.tenant = Some("d1".to_owned()),
            "tenant = \"d1\"",
            "",
        ),
        (
            "district and year",
            |o| {
                o.district = Some("255901".to_owned());
                o.school_year_route = Some(2026);
            },
            "route_year = 2026\nroute = { districtIdFromRoute = \"255901\" }",
            "",
        ),
        (
            "tenant, district and year, in the root",
            |o| {
                o.tenant = Some("d1".to_owned());
                o.district = Some("255901".to_owned());
                o.school_year_route = Some(2026);
            },
            "",
            "/d1/255901/2026",
        ),
        ("version 8", |o| o.routes = RouteShape::V8, "", ""),
        (
            "version 8 with a tenant",
            |o| {
                o.routes = RouteShape::V8;
                o.tenant = Some("d1".to_owned());
            },
            "tenant = \"d1\"",
            "",
        ),
        (
            "addresses of the pipeline, no root document",
            |o| o.school_year_route = Some(2026),
            "route_year = 2026\ndata_url = \"${TARGET}/data/v3/{schoolYearFromRoute}\"\n\
             oauth_url = \"${TARGET}/oauth/token\"",
            "",
        ),
    ];
    for (name, change, keys, root) in cases {
        let district = District::new(2);
        let target = Target::with(change);
        with(&district, "connection", keys);
        let ran = district.fullsync(&format!("{}{root}", target.url()), &["run", "mini"]);
        assert_eq!(ran.code, Some(0), "{name}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(target.count("studentSchoolAssociations"), 2, "{name}");
        let ran = district.fullsync(
            &format!("{}{root}", target.url()),
            &["count", "mini", "--tsv"],
        );
        assert!(
            ran.stdout.contains("students\t2\n"),
            "{name}: {}{}",
            ran.stdout,
            ran.stderr
        );
    }
    let district = District::new(2);
    let target = Target::with(|o| o.district = Some("255901".to_owned()));
    let ran = district.fullsync(&target.url(), &["run", "mini"]).expect(2);
    assert!(
        ran.stderr
            .contains("set route.districtIdFromRoute in [connection]"),
        "{}",
        ran.stderr
    );
}

/// The shipped standard and an extension's resource that refers to a core one.
fn extended() -> Standard {
    let mut standard = (*Standard::shipped()).clone();
    let field = |kind| Field {
        required: true,
        ..field_of(kind)
    };
    let school = Kind::Reference {
        targets: vec!["schools".to_owned()],
        fields: [("schoolId".to_owned(), field(Kind::Int64))].into(),
    };
    let key = |name: &str, path: &str| KeyPart {
        name: name.to_owned(),
        path: path.to_owned(),
    };
    standard.resources.insert(
        "candidates".to_owned(),
        ResourceMeta {
            path: "/tpdm/candidates".to_owned(),
            key: vec![
                key("candidateIdentifier", "candidateIdentifier"),
                key("schoolId", "schoolReference.schoolId"),
            ],
            fields: [
                (
                    "candidateIdentifier".to_owned(),
                    field(Kind::String { max: Some(32) }),
                ),
                ("schoolReference".to_owned(), field(school)),
            ]
            .into(),
            ..ResourceMeta::default()
        },
    );
    standard
        .edges
        .push(("schools".to_owned(), "candidates".to_owned()));
    standard.edges.sort();
    standard
}

fn field_of(kind: Kind) -> Field {
    let value = serde_json::json!({"type": "boolean"});
    Field {
        kind,
        ..serde_json::from_value(value).unwrap()
    }
}

const CANDIDATES: &str = "
SELECT uniqueID AS candidateIdentifier, named_struct('schoolId', school) AS schoolReference,
    'Student' AS _source_table, cast(studentID AS varchar) AS _source_key
FROM Student";

#[test]
fn item_13_namespaces_other_than_ed_fi() {
    for stanza in [
        "[resources.\"tpdm/candidates\"]",
        "[resources.candidates]\nnamespace = \"tpdm\"",
    ] {
        let district = District::new(3);
        let standard = extended();
        district.write("standard.json", &standard.to_json());
        district.write("sql/candidates.sql", CANDIDATES);
        let path = "pipelines/mini.toml";
        let pipeline = std::fs::read_to_string(district.path(path)).unwrap();
        let pipeline = pipeline.replace(
            "target = \"edfi\"",
            "target = \"edfi\"\nmetadata = \"../standard.json\"",
        );
        let more = format!("{stanza}\nsql = \"candidates.sql\"\n");
        district.write(path, &format!("{pipeline}\n{more}"));
        let target = Target::with(|options| options.standard = Arc::new(standard));
        district.fullsync(&target.url(), &["run", "mini"]).expect(0);
        assert_eq!(target.count("candidates"), 3, "{stanza}");
        assert_eq!(district.count("tpdm/candidates", "created"), 3);
        assert!(
            district
                .latest()
                .join("results/tpdm.candidates.parquet")
                .is_file()
        );
        // By its whole name, or without the namespace.
        for name in ["tpdm/candidates", "candidates", "tpdm/*"] {
            let ran = district
                .fullsync(&target.url(), &["count", "mini", name, "--tsv"])
                .expect(0);
            assert_eq!(ran.stdout, "tpdm/candidates\t3\n");
        }
        district.fullsync(&target.url(), &["run", "mini"]).expect(0);
        assert_eq!(district.count("tpdm/candidates", "unchanged"), 3);
    }
}

#[test]
fn item_13_a_namespace_that_the_standard_does_not_have_says_so() {
    let (district, target) = (District::new(1), Target::new(&[]));
    with(&district, "resources.students", "namespace = \"tpdm\"");
    let ran = district.fullsync(&target.url(), &["run", "mini"]).expect(2);
    assert!(
        ran.stderr.contains("has no resource `tpdm/students`"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("metadata import"), "{}", ran.stderr);
}

fn profile(name: &str, resource: &str, hidden: &[&str]) -> Profile {
    Profile {
        name: name.to_owned(),
        resource: resource.to_owned(),
        readable: true,
        writable: true,
        hidden: hidden.iter().map(|h| (*h).to_owned()).collect(),
    }
}

#[test]
fn item_13_profiles_are_named_in_headers_and_refused_as_a_real_server_does() {
    let assigned = |options: &mut Options| {
        options.profiles = vec![
            profile("Roster", "students", &["birthCity"]),
            profile("Other", "students", &[]),
            profile("NoBirth", "students", &["birthDate"]),
        ];
        options.assigned_profiles = ["Roster", "Other", "NoBirth"].map(str::to_owned).to_vec();
    };
    let run = |keys: &str| {
        let district = District::new(2);
        if !keys.is_empty() {
            with(&district, "resources.students", keys);
        }
        let target = Target::with(assigned);
        let ran = district.fullsync(&target.url(), &["run", "mini"]);
        (ran, target.count("students"), district, target)
    };
    // Several are assigned: one must be named.
    let (ran, count, district, _target) = run("");
    assert_eq!((ran.code, count), (Some(1), 0), "{}", ran.stdout);
    assert_eq!(district.count("students", "failed"), 2);
    let (ran, count, district, target) = run("profile = \"Roster\"");
    assert_eq!(
        (ran.code, count),
        (Some(0), 2),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    // Reading names it, too.
    let out = district
        .fullsync(&target.url(), &["count", "mini", "students", "--json"])
        .expect(0);
    assert_eq!(
        serde_json::from_str::<Value>(&out.stdout).unwrap()["students"],
        2
    );
    // One that nobody knows; one that hides what is required.
    for (name, count) in [("Nobody", 0), ("NoBirth", 0)] {
        let (ran, found, district, _target) = run(&format!("profile = \"{name}\""));
        assert_eq!(
            (ran.code, found),
            (Some(1), count),
            "{name}: {}",
            ran.stdout
        );
        assert_eq!(district.count("students", "failed"), 2, "{name}");
    }
    // For the whole connection, and taken away from one resource that no profile is about.
    let district = District::new(2);
    let target = Target::with(|options| {
        options.profiles = vec![
            profile("All", "students", &[]),
            profile("All", "schools", &[]),
        ];
    });
    with(&district, "connection", "profile = \"All\"");
    with(
        &district,
        "resources.studentSchoolAssociations",
        "profile = \"none\"",
    );
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(target.count("studentSchoolAssociations"), 2);
}
