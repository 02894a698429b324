//! Environments, signatures and rights.

use fullsync::sandbox::Fault;

use super::Rest;
use crate::support::json;

#[test]
fn item_7_an_environment_is_made_once_and_found_again() {
    let rest = Rest::new(2);
    rest.fullsync(&["run", "mini"]).expect(0);
    rest.fullsync(&["run", "mini"]).expect(0);
    assert_eq!(rest.provider().environments_made(), 1);
    let file = rest.path("state/mini/tokens/session.json");
    let kept = json(&file);
    assert!(kept["environment"]["session_token"].is_string(), "{kept}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&file)
            .expect("a file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // Without the file the provider answers 409 with the same environment.
    std::fs::remove_file(&file).expect("a file");
    rest.students(&["1,First1,Changed,1", "2,First2,Last2,1"]);
    rest.fullsync(&["run", "mini"]).expect(0);
    assert_eq!(rest.provider().environments_made(), 1);
    assert_eq!(rest.tally("StudentPersonal", "updated"), 1);
}

#[test]
fn item_7_a_session_that_has_ended_is_begun_anew() {
    let rest = Rest::new(3);
    rest.fullsync(&["run", "mini"]).expect(0);
    rest.provider().end_environments().expect("a state");
    rest.students(&["1,First1,Changed,1", "2,First2,Last2,1", "3,First3,Last3,1"]);
    rest.fullsync(&["run", "mini"]).expect(0);
    assert_eq!(rest.provider().environments_made(), 2);
    assert_eq!(rest.tally("StudentPersonal", "updated"), 1);
}

#[test]
fn item_7_a_session_that_ends_while_it_is_used_is_renewed() {
    let rest = Rest::new(3);
    let fault: Fault = "expire-tokens:after=1,limit=1".parse().expect("a fault");
    rest.provider().set_faults(vec![fault]);
    rest.fullsync(&["run", "mini"]).expect(0);
    assert_eq!(rest.provider().environments_made(), 2);
    assert_eq!(rest.provider().count("StudentSchoolEnrollment"), 3);
}

#[test]
fn item_7_calls_are_signed_as_the_provider_wants() {
    let rest = Rest::with(2, |options| options.hmac = false);
    // Each application has one method; the other one is refused, before anything is read.
    let refused = rest.fullsync(&["run", "mini"]).expect(2);
    assert!(
        refused.stderr.contains("authentication"),
        "{}",
        refused.stderr
    );
    rest.pipeline("authentication = \"basic\"", "");
    rest.fullsync(&["run", "mini"]).expect(0);
    assert_eq!(rest.provider().count("StudentPersonal"), 2);
}

#[test]
fn item_7_a_wrong_password_stops_before_anything_is_sent() {
    let rest = Rest::new(2);
    let refused = rest.fullsync_as("hush-9a7", &["run", "mini"]).expect(2);
    assert!(
        refused.stderr.contains("secret_env") && refused.stderr.contains("401"),
        "{}",
        refused.stderr
    );
    assert!(!refused.stderr.contains("hush-9a7"), "{}", refused.stderr);
    assert_eq!(rest.provider().requests(), [0, 0, 0]);
    assert!(!rest.path("state/mini/runs").exists());
}

#[test]
fn item_7_a_clock_that_is_off_is_named() {
    for (minutes, told) in [(20, "20 minutes behind"), (-40, "40 minutes ahead of")] {
        let rest = Rest::with(2, |options| {
            options.ahead = chrono::TimeDelta::minutes(minutes);
        });
        let refused = rest.fullsync(&["run", "mini"]).expect(2).stderr;
        assert!(refused.contains(told), "{refused}");
        assert!(refused.contains("set the clock"), "{refused}");
        assert_eq!(rest.provider().requests(), [0, 0, 0]);
    }
    let agreed = Rest::with(2, |options| options.ahead = chrono::TimeDelta::minutes(4));
    agreed.fullsync(&["run", "mini"]).expect(0);
    let other = agreed.fullsync_as("hush-9a7", &["run", "mini"]).expect(2);
    assert!(
        other.stderr.contains("4 minutes behind"),
        "{}",
        other.stderr
    );
}

#[test]
fn item_7_calls_that_are_refused_again_and_again_end() {
    let rest = Rest::new(3);
    let fault: Fault = "401:resource=StudentPersonals,always"
        .parse()
        .expect("a fault");
    rest.provider().set_faults(vec![fault]);
    rest.fullsync(&["run", "mini"]).expect(1);
    // The session is renewed once, not for ever.
    assert!(rest.provider().environments_made() <= 2);
    assert_eq!(rest.tally("StudentPersonal", "failed"), 3);
    assert_eq!(rest.tally("SchoolInfo", "created"), 1);
    rest.provider().set_faults(Vec::new());
    rest.fullsync(&["run", "mini"]).expect(0);
    assert_eq!(rest.provider().count("StudentSchoolEnrollment"), 3);
}

#[test]
fn item_7_missing_rights_stop_before_anything_is_sent() {
    let rest = Rest::with(2, |options| {
        options.rejected = vec![
            ("StudentPersonals".to_owned(), "CREATE".to_owned()),
            ("SchoolInfos".to_owned(), "DELETE".to_owned()),
        ];
    });
    let refused = rest.fullsync(&["run", "mini"]).expect(2);
    for text in [
        "StudentPersonals: CREATE (REJECTED)",
        "SchoolInfos: DELETE (REJECTED)",
        "zone `District`",
    ] {
        assert!(refused.stderr.contains(text), "{}", refused.stderr);
    }
    assert_eq!(rest.provider().requests(), [0, 0, 0]);
    let checked = rest.fullsync(&["check", "connection", "mini"]).expect(1);
    assert!(
        checked.stdout.contains("StudentPersonal"),
        "{}",
        checked.stdout
    );
}

#[test]
fn item_7_a_right_that_is_not_used_need_not_be_there() {
    let rest = Rest::with(2, |options| {
        options.rejected = vec![("*".to_owned(), "DELETE".to_owned())];
    });
    rest.fullsync(&["run", "mini"]).expect(2);
    let path = rest.path("pipelines/mini.toml");
    let text = std::fs::read_to_string(&path).expect("a pipeline");
    rest.write(
        "pipelines/mini.toml",
        &text.replace("max = \"100%\"", "enabled = false"),
    );
    rest.fullsync(&["run", "mini"]).expect(0);
    assert_eq!(rest.provider().count("StudentPersonal"), 2);
}

#[test]
fn item_7_zone_and_context_go_with_each_call() {
    let rest = Rest::with(2, |options| {
        options.zone = "North & South".to_owned();
        options.context = "SUMMER".to_owned();
    });
    // The default context is not the provider's.
    rest.fullsync(&["run", "mini"]).expect(2);
    rest.pipeline("zone = \"North & South\"\ncontext = \"SUMMER\"", "");
    rest.fullsync(&["run", "mini"]).expect(0);
    assert_eq!(rest.provider().count("StudentPersonal"), 2);
    rest.pipeline("zone = \"Elsewhere\"\ncontext = \"SUMMER\"", "");
    let refused = rest.fullsync(&["run", "mini"]).expect(2);
    assert!(refused.stderr.contains("Elsewhere"), "{}", refused.stderr);
}

#[test]
fn item_7_a_provider_that_has_lost_its_objects_is_filled_again() {
    let rest = Rest::new(3);
    rest.fullsync(&["run", "mini"]).expect(0);
    rest.provider().forget("StudentPersonal").expect("a state");
    // What is told to do is what this kind of target can do.
    let stopped = rest.fullsync(&["run", "mini"]).expect(2).stderr;
    assert!(stopped.contains("run mini --resend-all"), "{stopped}");
    assert!(!stopped.contains("rebuild"), "{stopped}");
    let refused = rest.fullsync(&["ledger", "rebuild", "mini"]).expect(2);
    assert!(
        refused.stderr.contains("SIF 3 provider `count`") && !refused.stderr.contains("edition"),
        "{}",
        refused.stderr
    );
    rest.fullsync(&["run", "mini", "--resend-all"]).expect(0);
    assert_eq!(rest.provider().count("StudentPersonal"), 3);
}
