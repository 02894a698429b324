//! The other side: what the sandbox refuses by itself, what odd servers do, how a run is stopped.

use std::process::Command;
use std::time::Duration;

use fullsync::sandbox::RetryAfter;
use fullsync::sandbox::edfi::{ErrorStyle, Quirks};

use crate::support::{District, Target};

/// One student of each kind of fault that the local checks would hold back.
fn faulty() -> District {
    let district = District::new(0);
    let long = "x".repeat(80);
    district.students(
        [
            "1,U1,Ann,Ok,2010-01-02,255901001,2025-08-18,9".to_owned(),
            format!("2,U2,Ann,{long},2010-01-02,255901001,2025-08-18,9"),
            "3,U3,Ann,NoBirthDate,,255901001,2025-08-18,9".to_owned(),
            "4,U4,Ann,<script>x</script>,2010-01-02,255901001,2025-08-18,9".to_owned(),
            "5,U5,Ann,UnknownGrade,2010-01-02,255901001,2025-08-18,8".to_owned(),
            "6,U6,Ann,UnknownSchool,2010-01-02,999,2025-08-18,9".to_owned(),
        ]
        .into_iter(),
    );
    district.write(
        "crosswalk/grade.csv",
        "code,descriptor\n9,uri://ed-fi.org/GradeLevelDescriptor#Ninth grade\n\
         8,uri://ed-fi.org/GradeLevelDescriptor#Eigth grade\n",
    );
    district
}

#[test]
fn with_local_validation_the_faults_are_held_back() {
    let (district, target) = (faulty(), Target::new(&[]));
    district.fullsync(&target.url(), &["run", "mini"]).expect(1);
    assert_eq!(district.count("students", "rejected"), 3);
    assert_eq!(district.count("students", "failed"), 0);
    assert_eq!(district.count("studentSchoolAssociations", "rejected"), 1);
    assert_eq!(district.count("studentSchoolAssociations", "blocked"), 3);
    // A school that nobody knows of may be the state's own: only the target can tell.
    assert_eq!(district.count("studentSchoolAssociations", "failed"), 1);
    assert_eq!(district.count("studentSchoolAssociations", "created"), 1);
}

#[test]
fn without_it_the_sandbox_refuses_each_of_them() {
    for style in [ErrorStyle::ProblemDetails, ErrorStyle::MessageModelState] {
        let district = faulty();
        district.pipeline("local_validation = false");
        let target = Target::with(|options| options.error_style = style);
        let ran = district.fullsync(&target.url(), &["run", "mini"]).expect(1);
        assert_eq!(district.count("students", "rejected"), 0, "{style:?}");
        assert_eq!(
            district.count("students", "failed"),
            3,
            "{style:?} {}",
            ran.stdout
        );
        assert_eq!(
            district.count("studentSchoolAssociations", "failed"),
            2,
            "{style:?}"
        );
        assert_eq!(
            district.count("studentSchoolAssociations", "blocked"),
            3,
            "{style:?}"
        );
        assert_eq!(target.count("students"), 3);
        assert_eq!(target.count("studentSchoolAssociations"), 1);
        for reason in [
            "validation_failed",
            "unknown_descriptor",
            "unresolved_reference",
        ] {
            assert!(
                ran.stdout.contains(reason),
                "{style:?} {reason}: {}",
                ran.stdout
            );
        }
    }
}

#[test]
fn odd_servers_are_survived() {
    let quirks = Quirks {
        expires_in_epoch: true,
        relative_location: true,
        no_etag: true,
        missing_token_400: true,
        retry_after: RetryAfter::HttpDate(0),
    };
    for style in [ErrorStyle::ProblemDetails, ErrorStyle::MessageModelState] {
        let district = District::new(60);
        let target = Target::with(|options| {
            options.quirks = quirks;
            options.error_style = style;
            options.faults = ["429:every=7", "expire-tokens:every=40"]
                .map(|f| f.parse().expect("a fault"))
                .to_vec();
        });
        district.fullsync(&target.url(), &["run", "mini"]).expect(0);
        assert_eq!(target.count("studentSchoolAssociations"), 60);
        district.fullsync(&target.url(), &["run", "mini"]).expect(0);
        assert_eq!(district.count("students", "unchanged"), 60);
    }
}

#[test]
fn tenants_and_school_years_in_the_route() {
    let district = District::new(5);
    let target = Target::with(|options| {
        options.tenant = Some("d1".to_owned());
        options.school_year_route = Some(2026);
    });
    let pipeline = std::fs::read_to_string(district.path("pipelines/mini.toml")).unwrap();
    let settings = "[connection]\ntenant = \"d1\"\nroute_year = 2026";
    district.write(
        "pipelines/mini.toml",
        &pipeline.replace("[connection]", settings),
    );
    district.fullsync(&target.url(), &["run", "mini"]).expect(0);
    assert_eq!(target.count("students"), 5);
}

#[test]
fn a_plan_sends_nothing_and_a_dry_run_neither() {
    let (district, target) = (faulty(), Target::new(&[]));
    for args in [["plan", "mini"].as_slice(), &["run", "mini", "--dry-run"]] {
        district.fullsync(&target.url(), args);
        assert_eq!(district.count("students", "pending"), 3);
        assert_eq!(district.count("students", "rejected"), 3);
        assert_eq!(district.count("studentSchoolAssociations", "blocked"), 3);
        assert_eq!(district.count("studentSchoolAssociations", "sent"), 0);
        assert_eq!(target.count("schools") + target.count("students"), 0);
    }
}

#[cfg(unix)]
#[test]
fn a_stopped_run_accounts_for_everything_and_is_resumed() {
    let district = District::new(1000);
    district.pipeline("concurrency_start = 4\nconcurrency_max = 4");
    let target = Target::new(&["slow:ms=20,every=1,always"]);
    let mut run = district.start(&target.url(), &["run", "mini"]);
    while target.count("students") < 50 {
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(
            run.try_wait().expect("a status"),
            None,
            "it ended too early"
        );
    }
    let id = run.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .expect("kill runs")
            .success()
    );
    assert_eq!(run.wait().expect("it ends").code(), Some(3));
    let tallies = district.tallies();
    assert_eq!(tallies["state"], "interrupted");
    assert_eq!(tallies["mismatches"].as_array().map(Vec::len), Some(0));
    let sent = district.count("students", "created");
    assert_eq!(
        sent,
        target.count("students"),
        "what was acknowledged is what is there"
    );
    assert_eq!(sent + district.count("students", "pending"), 1000);
    target.faults(&[]);
    district
        .fullsync(&target.url(), &["run", "mini", "--resume", "latest"])
        .expect(0);
    assert_eq!(district.count("students", "unchanged"), sent);
    assert_eq!(target.count("studentSchoolAssociations"), 1000);
}
