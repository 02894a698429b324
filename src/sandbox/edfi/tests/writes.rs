//! POST, PUT and DELETE: what they answer and what they leave behind.

use super::*;
use crate::sandbox::edfi::{ErrorStyle, Operation};

#[tokio::test]
async fn a_post_creates_updates_and_leaves_alone() {
    let bench = Bench::start(options()).await;
    let created = bench.create("schools", &school(1)).await;
    let base = bench.sandbox.base_url();
    let location = created.header("location").unwrap().to_owned();
    assert_eq!(
        location,
        format!("{base}/data/v3/ed-fi/schools/{}", created.id())
    );
    assert_eq!(created.id().len(), 32);
    assert!(created.text.is_empty());
    let same = bench.post("schools", &school(1)).await;
    assert_eq!(
        (same.status, same.header("etag")),
        (200, created.header("etag"))
    );
    let mut other = school(1);
    other["webSite"] = json!("example.org");
    let changed = bench.post("schools", &other).await;
    assert_eq!(
        (changed.status, changed.header("location")),
        (200, Some(location.as_str()))
    );
    assert_ne!(changed.header("etag"), created.header("etag"));
    bench.post("schools", &school(1)).await;
    assert_eq!(
        bench.sandbox.bodies("schools"),
        [school(1)],
        "absent members are cleared"
    );
    let stats = bench.sandbox.stats();
    assert_eq!(stats.answered("POST", "schools", 201), 1);
    assert_eq!(stats.answered("POST", "schools", 200), 3);
    assert_eq!(stats.asked("POST", "schools"), 4);
}

#[tokio::test]
async fn references_must_exist() {
    let bench = Bench::start(options()).await;
    let reply = bench
        .post("studentSchoolAssociations", &enrolment("1", 1))
        .await;
    assert_eq!(reply.status, 409);
    assert_eq!(reply.kind(), "data-conflict:unresolved-reference");
    assert_eq!(
        reply.json()["detail"],
        "The referenced 'School' item does not exist."
    );
    bench.create("schools", &school(1)).await;
    let reply = bench
        .post("studentSchoolAssociations", &enrolment("1", 1))
        .await;
    assert_eq!(
        reply.json()["detail"],
        "The referenced 'Student' item does not exist."
    );
    bench.create("students", &student("1")).await;
    bench
        .create("studentSchoolAssociations", &enrolment("1", 1))
        .await;
    let mut old = enrolment("1", 1);
    old["schoolYearTypeReference"] = json!({"schoolYear": 1990});
    let reply = bench.post("studentSchoolAssociations", &old).await;
    assert_eq!(
        reply.json()["detail"],
        "The referenced 'SchoolYearType' item does not exist."
    );
}

#[tokio::test]
async fn an_abstract_reference_means_any_of_its_kinds() {
    let bench = Bench::start(options()).await;
    let course = |id: i64| {
        json!({"courseCode": "ALG", "numberOfParts": 1,
               "educationOrganizationReference": {"educationOrganizationId": id}})
    };
    let missing = bench.post("courses", &course(7)).await;
    assert!(
        missing.text.contains("'EducationOrganization'"),
        "{}",
        missing.text
    );
    bench.create("schools", &school(7)).await;
    let agency = json!({"localEducationAgencyId": 8, "nameOfInstitution": "District"});
    let agency = bench.create("localEducationAgencies", &agency).await;
    bench.create("courses", &course(7)).await;
    bench.create("courses", &course(8)).await;
    let kept = bench.delete("localEducationAgencies", &agency.id()).await;
    assert_eq!(kept.status, 409);
}

#[tokio::test]
async fn deletes_respect_those_who_refer() {
    let bench = Bench::start(options()).await;
    let school_id = bench.create("schools", &school(1)).await.id();
    let student_id = bench.create("students", &student("1")).await.id();
    let enrolled = bench
        .create("studentSchoolAssociations", &enrolment("1", 1))
        .await;
    let refused = bench.delete("students", &student_id).await;
    assert_eq!(
        (refused.status, refused.kind().as_str()),
        (409, "data-conflict:dependent-item-exists")
    );
    assert!(
        refused.text.contains("StudentSchoolAssociation"),
        "{}",
        refused.text
    );
    assert_eq!(
        bench
            .delete("studentSchoolAssociations", &enrolled.id())
            .await
            .status,
        204
    );
    assert_eq!(
        bench
            .delete("studentSchoolAssociations", &enrolled.id())
            .await
            .status,
        404
    );
    assert_eq!(bench.delete("students", &student_id).await.status, 204);
    assert_eq!(bench.delete("schools", &school_id).await.status, 204);
    assert_eq!(bench.delete("schools", "abc").await.status, 404);
    let again = bench.create("schools", &school(1)).await;
    assert_ne!(again.id(), school_id, "a new record has a new id");
}

#[tokio::test]
async fn a_put_replaces_by_id() {
    let bench = Bench::start(options()).await;
    let id = bench.create("schools", &school(1)).await.id();
    let mut body = school(1);
    body["nameOfInstitution"] = json!("New name");
    body["id"] = json!(id);
    let reply = bench.put("schools", &id, &body).await;
    assert_eq!((reply.status, reply.text.as_str()), (204, ""));
    assert!(reply.header("etag").is_some());
    assert_eq!(
        bench.sandbox.bodies("schools")[0]["nameOfInstitution"],
        "New name"
    );
    let unknown = "0".repeat(32);
    assert_eq!(bench.put("schools", &unknown, &school(1)).await.status, 404);
    let moved = bench.put("schools", &id, &school(2)).await;
    assert_eq!(moved.status, 400);
    assert_eq!(
        moved.kind(),
        "bad-request:data-validation-failed:key-change-not-supported"
    );
}

#[tokio::test]
async fn stale_writes_are_refused() {
    let bench = Bench::start(options()).await;
    let created = bench.create("schools", &school(1)).await;
    let path = format!("/data/v3/ed-fi/schools/{}", created.id());
    let etag = created.header("etag").unwrap();
    let mut body = school(1);
    body["webSite"] = json!("a");
    let send = |method: Method, body: Option<String>, etag: String| {
        let (bench, path) = (&bench, path.as_str());
        async move {
            let headers = [("if-match", etag.as_str())];
            bench
                .try_send(method, path, body, &headers)
                .await
                .unwrap()
                .status
        }
    };
    assert_eq!(
        send(Method::PUT, Some(body.to_string()), etag.to_owned()).await,
        204
    );
    assert_eq!(
        send(Method::PUT, Some(school(1).to_string()), etag.to_owned()).await,
        412
    );
    assert_eq!(send(Method::DELETE, None, etag.to_owned()).await, 412);
    assert_eq!(send(Method::DELETE, None, "*".to_owned()).await, 204);
}

#[tokio::test]
async fn a_person_is_updated_only_when_an_association_makes_it_ours() {
    let bench = Bench::start(options()).await;
    bench.create("schools", &school(1)).await;
    bench.create("students", &student("1")).await;
    bench.create("contacts", &contact("9")).await;
    let early = bench.post("students", &student("1")).await;
    assert_eq!(
        (early.status, early.kind().as_str()),
        (403, "security:authorization")
    );
    assert!(
        early.text.contains("'StudentSchoolAssociation'"),
        "{}",
        early.text
    );
    let tied = json!({"contactReference": {"contactUniqueId": "9"},
                      "studentReference": {"studentUniqueId": "1"}});
    bench.create("studentContactAssociations", &tied).await;
    assert_eq!(
        bench.post("contacts", &contact("9")).await.status,
        403,
        "student not enrolled"
    );
    bench
        .create("studentSchoolAssociations", &enrolment("1", 1))
        .await;
    assert_eq!(bench.post("students", &student("1")).await.status, 200);
    assert_eq!(bench.post("contacts", &contact("9")).await.status, 200);
}

#[tokio::test]
async fn the_claim_set_denies() {
    let bench = Bench::start(Options {
        denied: vec![
            ("students".to_owned(), Operation::Create),
            ("schools".to_owned(), Operation::Delete),
            ("contacts".to_owned(), Operation::Read),
        ],
        ..options()
    })
    .await;
    let refused = bench.post("students", &student("1")).await;
    assert_eq!(
        (refused.status, refused.kind().as_str()),
        (403, "security:authorization:access-denied:action")
    );
    let id = bench.create("schools", &school(1)).await.id();
    assert_eq!(bench.delete("schools", &id).await.status, 403);
    assert_eq!(bench.get("/data/v3/ed-fi/contacts").await.status, 403);
    let year = json!({"schoolYear": 2060, "currentSchoolYear": false,
                      "schoolYearDescription": "x"});
    assert_eq!(bench.post("schoolYearTypes", &year).await.status, 403);
    assert_eq!(
        bench.post("gradeLevelDescriptors", &json!({})).await.status,
        403
    );
}

#[tokio::test]
async fn older_servers_word_it_differently() {
    let bench = Bench::start(Options {
        error_style: ErrorStyle::MessageModelState,
        ..options()
    })
    .await;
    let reply = bench
        .post("studentSchoolAssociations", &enrolment("1", 1))
        .await;
    assert_eq!(reply.status, 400);
    let message = reply.json()["message"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("Validation of 'StudentSchoolAssociation' failed."),
        "{message}"
    );
    assert!(
        message.contains("Student reference could not be resolved."),
        "{message}"
    );
    let reply = bench.post("schools", &json!({})).await.json();
    assert_eq!(
        reply["modelState"]["request.schoolId"][0],
        "SchoolId is required."
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_posts_of_one_key_make_one_record() {
    let bench = Bench::start(options()).await;
    bench
        .sandbox
        .set_faults(vec!["slow:ms=20".parse().unwrap()]);
    let bodies: Vec<_> = (0..40)
        .map(|i| {
            let mut body = school(1 + i % 4);
            body["webSite"] = json!(format!("{i}.org"));
            body
        })
        .collect();
    let replies = futures::future::join_all(bodies.iter().map(|b| bench.post("schools", b))).await;
    let created = replies.iter().filter(|r| r.status == 201).count();
    let updated = replies.iter().filter(|r| r.status == 200).count();
    assert_eq!(
        (created, updated, bench.sandbox.count("schools")),
        (4, 36, 4)
    );
    assert!(bench.sandbox.stats().max_in_flight > 1);
}
