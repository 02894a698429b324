//! Changes of natural keys.

use super::*;

fn session(name: &str) -> Value {
    json!({"sessionName": name, "schoolReference": {"schoolId": 1},
           "schoolYearTypeReference": {"schoolYear": 2026}, "beginDate": "2025-08-20"})
}

fn offering(session: &str) -> Value {
    json!({"localCourseCode": "ALG", "schoolReference": {"schoolId": 1},
           "sessionReference": {"schoolId": 1, "schoolYear": 2026, "sessionName": session}})
}

fn section(session: &str) -> Value {
    json!({"sectionIdentifier": "ALG-1", "courseOfferingReference": {"localCourseCode": "ALG",
           "schoolId": 1, "schoolYear": 2026, "sessionName": session}})
}

async fn with_sessions(options: Options) -> (Bench, String) {
    let bench = Bench::start(options).await;
    bench.create("schools", &school(1)).await;
    let id = bench.create("sessions", &session("Fall")).await.id();
    bench.create("courseOfferings", &offering("Fall")).await;
    bench.create("sections", &section("Fall")).await;
    (bench, id)
}

#[tokio::test]
async fn a_new_key_reaches_everything_that_refers_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let kept = || Options {
        state_dir: Some(dir.path().to_owned()),
        ..options()
    };
    let (bench, id) = with_sessions(kept()).await;
    let reply = bench.put("sessions", &id, &session("Autumn")).await;
    assert_eq!(reply.status, 204, "{}", reply.text);
    let check = async |bench: &Bench| {
        assert_eq!(bench.sandbox.bodies("sessions"), [session("Autumn")]);
        assert_eq!(
            bench.sandbox.bodies("courseOfferings"),
            [offering("Autumn")]
        );
        assert_eq!(bench.sandbox.bodies("sections"), [section("Autumn")]);
        let same = bench.post("sections", &section("Autumn")).await;
        assert_eq!(same.status, 200, "the child is found under its new key");
        let old = bench.post("sections", &section("Fall")).await;
        assert_eq!(old.status, 409, "the old key is gone");
        let refused = bench.delete("sessions", &id).await;
        assert_eq!(refused.status, 409, "the references follow");
    };
    check(&bench).await;
    bench.sandbox.stop().await;
    check(&Bench::start(kept()).await).await;
}

#[tokio::test]
async fn a_taken_key_is_refused() {
    let (bench, id) = with_sessions(options()).await;
    bench.create("sessions", &session("Spring")).await;
    let reply = bench.put("sessions", &id, &session("Spring")).await;
    assert_eq!(
        (reply.status, reply.kind().as_str()),
        (409, "data-conflict:non-unique-identity")
    );
    assert_eq!(bench.sandbox.bodies("sections"), [section("Fall")]);
    let mut elsewhere = session("Fall");
    elsewhere["schoolReference"] = json!({"schoolId": 2});
    assert_eq!(bench.put("sessions", &id, &elsewhere).await.status, 409);
}
