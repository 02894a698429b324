//! Every check of a body, one planted fault at a time.

use super::*;

/// The validation errors that a body gets.
async fn flaws(bench: &Bench, resource: &str, body: &Value) -> Value {
    let reply = bench.post(resource, body).await;
    assert_eq!(reply.status, 400, "{body}: {}", reply.text);
    assert_eq!(reply.kind(), "bad-request:data-validation-failed");
    reply.json()["validationErrors"].clone()
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

#[tokio::test]
async fn every_kind_of_bad_value_is_named_by_its_path() {
    let bench = Bench::start(options()).await;
    for (name, value, path, message) in [
        (
            "nameOfInstitution",
            Value::Null,
            "$.nameOfInstitution",
            "NameOfInstitution is required.",
        ),
        (
            "nameOfInstitution",
            json!(""),
            "$.nameOfInstitution",
            "NameOfInstitution is required.",
        ),
        (
            "nameOfInstitution",
            json!("x".repeat(76)),
            "$.nameOfInstitution",
            "NameOfInstitution must be at most 75 characters in length.",
        ),
        (
            "nameOfInstitution",
            json!("<b>A</b>"),
            "$.nameOfInstitution",
            "could be dangerous",
        ),
        (
            "nameOfInstitution",
            json!({}),
            "$.nameOfInstitution",
            "single value",
        ),
        ("schoolId", json!("twelve"), "$.schoolId", "'System.Int64'"),
        ("schoolId", json!(1e30), "$.schoolId", "'System.Int64'"),
        ("isOpen", json!("maybe"), "$.isOpen", "'System.Boolean'"),
        (
            "gradeLevels",
            json!([]),
            "$.gradeLevels",
            "GradeLevels must have at least one item.",
        ),
        (
            "gradeLevels",
            Value::Null,
            "$.gradeLevels",
            "GradeLevels is required.",
        ),
        (
            "gradeLevels",
            json!({}),
            "$.gradeLevels",
            "must be an array",
        ),
        (
            "gradeLevels",
            json!(["x"]),
            "$.gradeLevels[0]",
            "must hold objects",
        ),
        (
            "gradeLevels",
            json!([{}]),
            "$.gradeLevels[0].gradeLevelDescriptor",
            "is required.",
        ),
        (
            "gradeLevels",
            json!([{"gradeLevelDescriptor": grade("Ninetieth grade")}]),
            "$.gradeLevels[0].gradeLevelDescriptor",
            "GradeLevelDescriptor value 'uri://ed-fi.org/GradeLevelDescriptor#Ninetieth grade' \
          does not exist.",
        ),
        (
            "gradeLevels",
            json!([{"gradeLevelDescriptor": grade("First grade")},
                               {"gradeLevelDescriptor": grade("First grade")}]),
            "$.gradeLevels",
            "Item 2 of the GradeLevels",
        ),
    ] {
        let found = flaws(&bench, "schools", &with(school(1), name, value)).await;
        let said = found[path][0].as_str().unwrap_or_default();
        assert!(said.contains(message), "{path}: {found}");
    }
    assert_eq!(bench.sandbox.count("schools"), 0);
}

#[tokio::test]
async fn all_faults_come_at_once() {
    let bench = Bench::start(options()).await;
    let body = json!({"schoolId": "x", "webSite": "<script>".repeat(40),
                      "gradeLevels": [{"gradeLevelDescriptor": "none"}]});
    let found = flaws(&bench, "schools", &body).await;
    let paths: Vec<_> = found.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        paths,
        [
            "$.gradeLevels[0].gradeLevelDescriptor",
            "$.nameOfInstitution",
            "$.schoolId",
            "$.webSite"
        ]
    );
    assert_eq!(found["$.webSite"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn dates_times_and_small_integers_are_checked() {
    let bench = Bench::start(options()).await;
    bench.create("schools", &school(1)).await;
    let bad = with(student("1"), "birthDate", json!("2015-02-29"));
    assert!(flaws(&bench, "students", &bad).await["$.birthDate"].is_array());
    let bad = with(student("1"), "birthDate", json!("2015-02-28T00:00:00"));
    assert!(flaws(&bench, "students", &bad).await["$.birthDate"].is_array());
    let period = json!({"classPeriodName": "A", "schoolReference": {"schoolId": 1},
                        "meetingTimes": [{"startTime": "8:00", "endTime": "09:00:00"}]});
    let found = flaws(&bench, "classPeriods", &period).await;
    assert!(found["$.meetingTimes[0].startTime"].is_array());
    let course = json!({"courseCode": "C", "numberOfParts": 2_147_483_648_i64,
                        "educationOrganizationReference": {"educationOrganizationId": 1}});
    assert!(flaws(&bench, "courses", &course).await["$.numberOfParts"].is_array());
    let enrolled = with(enrolment("1", 1), "updatedAt", json!("yesterday"));
    assert!(flaws(&bench, "studentSchoolAssociations", &enrolled).await["$.updatedAt"].is_array());
}

#[tokio::test]
async fn key_texts_have_no_spaces_around_them() {
    let bench = Bench::start(options()).await;
    let found = flaws(&bench, "students", &student(" 604821 ")).await;
    assert_eq!(
        found["$.studentUniqueId"][0],
        "StudentUniqueId cannot contain leading or trailing spaces."
    );
    let body = with(student("1"), "firstName", json!(" Ada "));
    bench.create("students", &body).await;
    let found = flaws(&bench, "studentSchoolAssociations", &enrolment("1 ", 1)).await;
    assert!(found["$.studentReference.studentUniqueId"].is_array());
}

#[tokio::test]
async fn unified_members_must_agree_and_roles_need_not() {
    let bench = Bench::start(options()).await;
    for id in [1, 2] {
        bench.create("schools", &school(id)).await;
    }
    let offering = json!({"localCourseCode": "ALG", "schoolReference": {"schoolId": 1},
        "sessionReference": {"schoolId": 2, "schoolYear": 2026, "sessionName": "Fall"}});
    let found = flaws(&bench, "courseOfferings", &offering).await;
    let message = "All values supplied for 'schoolId' must match. Review all references and align \
                   the following conflicting values: '1', '2'";
    assert_eq!(found["$.schoolReference.schoolId"][0], message);
    assert_eq!(found["$.sessionReference.schoolId"][0], message);
    let bells = json!({"bellScheduleName": "Day", "schoolReference": {"schoolId": 1},
        "classPeriods": [{"classPeriodReference": {"classPeriodName": "A", "schoolId": 2}}]});
    let found = flaws(&bench, "bellSchedules", &bells).await;
    assert!(found["$.classPeriods[0].classPeriodReference.schoolId"].is_array());
    bench.create("students", &student("1")).await;
    let mut enrolled = enrolment("1", 1);
    enrolled["schoolYearTypeReference"] = json!({"schoolYear": 2026});
    enrolled["classOfSchoolYearTypeReference"] = json!({"schoolYear": 2031});
    bench.create("studentSchoolAssociations", &enrolled).await;
}

#[tokio::test]
async fn values_are_coerced_and_stored_in_one_form() {
    let bench = Bench::start(options()).await;
    let body = json!({"schoolId": "17", "nameOfInstitution": 12, "isOpen": "True",
        "unknownMember": 1, "webSite": null, "_etag": "5", "_ext": {"tx": {"campus": "01"}},
        "gradeLevels": [{"gradeLevelDescriptor": grade("First grade")}]});
    bench.create("schools", &body).await;
    assert_eq!(
        bench.sandbox.bodies("schools"),
        [
            json!({"schoolId": 17, "nameOfInstitution": "12", "isOpen": true,
                "_ext": {"tx": {"campus": "01"}},
                "gradeLevels": [{"gradeLevelDescriptor": grade("First grade")}]})
        ]
    );
    let ignored = bench.sandbox.stats().ignored_members;
    let member = ("schools".to_owned(), "unknownMember".to_owned());
    assert_eq!(ignored, [(member, 1)].into());
}

#[tokio::test]
async fn a_body_must_be_a_json_object_without_an_id() {
    let bench = Bench::start(options()).await;
    let send = |body: &str, kind: &'static str| {
        let body = Some(body.to_owned());
        let path = "/data/v3/ed-fi/schools";
        let bench = &bench;
        async move {
            let headers = [("content-type", kind)];
            bench
                .try_send(Method::POST, path, body, &headers)
                .await
                .unwrap()
        }
    };
    let json = "application/json";
    let broken = send("{\"schoolId\": 1,, }", json).await;
    assert_eq!(
        (broken.status, broken.kind().as_str()),
        (400, "bad-request:data-validation-failed")
    );
    let empty = send(" ", json).await;
    assert_eq!((empty.status, empty.kind().as_str()), (400, "bad-request"));
    assert_eq!(send("[]", json).await.status, 400);
    let with_id = send("{\"id\": \"a\"}", json).await;
    assert!(
        with_id
            .text
            .contains("Resource identifiers cannot be assigned"),
        "{}",
        with_id.text
    );
    assert_eq!(send("{}", "text/plain").await.status, 415);
    let profile = "application/vnd.ed-fi.school.x.writable+json";
    // A profile that this server does not have.
    assert_eq!(send(&school(1).to_string(), profile).await.status, 400);
    let large = send(&" ".repeat(10 * 1024 * 1024 + 1), json).await;
    assert_eq!(large.status, 413);
}
