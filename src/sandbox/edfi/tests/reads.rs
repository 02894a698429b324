//! GET by id, by query, by page.

use std::collections::BTreeSet;

use super::*;

const STUDENTS: &str = "/data/v3/ed-fi/students";

async fn with_students(n: usize) -> Bench {
    let seed = (0..n)
        .map(|i| ("students".to_owned(), student(&format!("{i:04}"))))
        .collect();
    Bench::start(Options { seed, ..options() }).await
}

fn ids(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, 200, "{}", reply.text);
    let list = reply.json();
    let ids = list.as_array().unwrap().iter();
    ids.map(|s| s["studentUniqueId"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_record_is_read_by_its_id() {
    let bench = Bench::start(options()).await;
    let created = bench.create("schools", &school(1)).await;
    let path = format!("/data/v3/ed-fi/schools/{}", created.id());
    let reply = bench.get(&path).await;
    let body = reply.json();
    assert_eq!(body["id"], created.id());
    assert_eq!(body["schoolId"], 1);
    let etag = created.header("etag").unwrap();
    assert_eq!(body["_etag"], etag.trim_matches('"'));
    assert!(body["_lastModifiedDate"].as_str().unwrap().ends_with('Z'));
    let headers = [("if-none-match", etag)];
    let known = bench
        .try_send(Method::GET, &path, None, &headers)
        .await
        .unwrap();
    assert_eq!((known.status, known.text.as_str()), (304, ""));
    assert_eq!(bench.get("/data/v3/ed-fi/schools/xyz").await.status, 404);
    assert_eq!(bench.get("/data/v3/ed-fi/nothings").await.status, 404);
}

#[tokio::test]
async fn offset_paging_and_counting() {
    let bench = with_students(60).await;
    let first = bench.get(&format!("{STUDENTS}?totalCount=true")).await;
    assert_eq!(
        (ids(&first).len(), first.header("total-count")),
        (25, Some("60"))
    );
    let page = bench.get(&format!("{STUDENTS}?offset=50&limit=20")).await;
    assert_eq!(
        ids(&page),
        (50..60).map(|i| format!("{i:04}")).collect::<Vec<_>>()
    );
    let count = bench
        .get(&format!("{STUDENTS}?totalCount=true&limit=0"))
        .await;
    assert_eq!(
        (count.text.as_str(), count.header("total-count")),
        ("[]", Some("60"))
    );
    let hole = bench
        .get(&format!("{STUDENTS}?studentUniqueId=0010"))
        .await
        .json();
    let gone = bench
        .delete("students", hole[0]["id"].as_str().unwrap())
        .await;
    assert_eq!(gone.status, 204);
    let page = bench
        .get(&format!("{STUDENTS}?offset=9&limit=2&totalCount=true"))
        .await;
    assert_eq!(ids(&page), ["0009", "0011"]);
    assert_eq!(page.header("total-count"), Some("59"));
    let refused = bench.get(&format!("{STUDENTS}?limit=501")).await;
    assert_eq!(refused.kind(), "bad-request:parameter-validation-failed");
    assert!(
        refused.text.contains("between 0 and 500"),
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn cursor_paging_and_partitions_cover_everything_once() {
    let bench = with_students(57).await;
    let (mut seen, mut pages) = (Vec::new(), 0);
    let mut url = format!("{STUDENTS}?pageSize=10");
    loop {
        let page = bench.get(&url).await;
        let Some(next) = page.header("next-page-token") else {
            assert!(ids(&page).is_empty());
            break;
        };
        pages += 1;
        seen.extend(ids(&page));
        url = format!("{STUDENTS}?pageToken={next}&pageSize=10");
    }
    assert_eq!((pages, seen.len()), (6, 57));
    let parts = bench
        .get(&format!("{STUDENTS}/partitions?number=4"))
        .await
        .json();
    let mut all = BTreeSet::new();
    for token in parts["pageTokens"].as_array().unwrap() {
        let url = format!(
            "{STUDENTS}?pageToken={}&pageSize=500",
            token.as_str().unwrap()
        );
        for id in ids(&bench.get(&url).await) {
            assert!(all.insert(id), "once");
        }
    }
    assert_eq!(all.len(), 57);
    let mixed = bench.get(&format!("{STUDENTS}?pageSize=5&offset=1")).await;
    assert_eq!(mixed.status, 400);
}

#[tokio::test]
async fn filters_by_scalars_and_reference_members() {
    let bench = with_students(3).await;
    for id in [1, 2] {
        bench.create("schools", &school(id)).await;
    }
    for (student, school) in [("0000", 1), ("0001", 1), ("0002", 2)] {
        let body = enrolment(student, school);
        bench.create("studentSchoolAssociations", &body).await;
    }
    let count = async |query: &str| {
        let url = format!("/data/v3/ed-fi/studentSchoolAssociations?{query}&totalCount=true");
        let reply = bench.get(&url).await;
        assert_eq!(reply.status, 200, "{query}: {}", reply.text);
        let list = reply.json().as_array().unwrap().len();
        assert_eq!(reply.header("total-count").unwrap(), list.to_string());
        list
    };
    assert_eq!(count("schoolId=1").await, 2);
    assert_eq!(count("schoolId=01&entryDate=2025-08-20").await, 2);
    assert_eq!(
        count("studentUniqueId=0002&schoolId=2&entryDate=2025-08-20").await,
        1
    );
    assert_eq!(
        count("studentUniqueId=0002&schoolId=1&entryDate=2025-08-20").await,
        0
    );
    let grade = "entryGradeLevelDescriptor=uri%3A%2F%2Fed-fi.org%2FGradeLevelDescriptor%23";
    assert_eq!(count(&format!("{grade}First%20grade")).await, 3);
    assert_eq!(count(&format!("{grade}Second%20grade")).await, 0);
    let path = "/data/v3/ed-fi/studentSchoolAssociations";
    for bad in ["nothing=1", "schoolId=x", "entryDate=today"] {
        assert_eq!(
            bench.get(&format!("{path}?{bad}")).await.status,
            400,
            "{bad}"
        );
    }
    let newest = bench.get(&format!("{path}?minChangeVersion=100000")).await;
    assert_eq!(newest.text, "[]");
}

#[tokio::test]
async fn descriptors_and_school_years_are_there() {
    let bench = Bench::start(options()).await;
    let path = "/data/v3/ed-fi/gradeLevelDescriptors";
    let all = bench.get(&format!("{path}?limit=2&totalCount=true")).await;
    assert_eq!(all.header("total-count"), Some("3"));
    let one = &all.json()[1];
    assert_eq!(one["codeValue"], "Second grade");
    assert_eq!(one["namespace"], "uri://ed-fi.org/GradeLevelDescriptor");
    let again = bench
        .get(&format!("{path}/{}", one["id"].as_str().unwrap()))
        .await;
    assert_eq!(&again.json(), one);
    let next = all.header("next-page-token").unwrap();
    let rest = bench.get(&format!("{path}?pageToken={next}")).await.json();
    assert_eq!(rest.as_array().unwrap().len(), 1);
    let third = bench
        .get(&format!("{path}?codeValue=Third%20grade"))
        .await
        .json();
    assert_eq!(third.as_array().unwrap().len(), 1);
    let years = bench
        .get("/data/v3/ed-fi/schoolYearTypes?totalCount=true")
        .await;
    assert_eq!(years.header("total-count"), Some("60"));
    assert_eq!(years.json()[0]["schoolYear"], 1991);
}
