//! The screen of the seed, digit for digit.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{Ran, json};

/// Object, Processed, Errors, as the seed's screen has them.
const SCREEN: [(&str, u64, u64); 9] = [
    ("District", 1, 0),
    ("School", 194, 11),
    ("Calendar", 230, 11),
    ("CourseSection", 16_557, 2_031),
    ("SchoolMonth", 2_140, 110),
    ("ScheduleStructure", 264, 11),
    ("TermSchedule", 234, 7),
    ("PeriodSchedule", 302, 10),
    ("Day", 6_534, 2_031),
];

fn fullsync(folder: &Path, args: &[&str]) -> Ran {
    Command::new(env!("CARGO_BIN_EXE_fullsync"))
        .args(args)
        .current_dir(folder)
        .output()
        .expect("the binary runs")
        .into()
}

#[test]
fn d13_processed_and_errors_of_the_seeds_screen() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fullsync(
        folder,
        &[
            "generate",
            "--profile",
            "seed-dis",
            "--school-year",
            "2024",
            "--out",
            "sis",
        ],
    )
    .expect(0);
    // The pipeline as it is shipped, with its embedded state.
    let repository = env!("CARGO_MANIFEST_DIR");
    let shipped = std::fs::read_to_string(format!("{repository}/pipelines/dis.toml")).unwrap();
    let text = shipped
        .replace("\"../sql\"", &format!("\"{repository}/sql\""))
        .replace("\"../sample-data\"", "\"../sis\"")
        .replacen(
            "target = \"dis\"",
            &format!("target = \"dis\"\nsis_schema = \"{repository}/pipelines/sis.toml\""),
            1,
        );
    std::fs::create_dir(folder.join("pipelines")).unwrap();
    std::fs::write(folder.join("pipelines/dis.toml"), text).unwrap();
    fullsync(folder, &["run", "dis", "School/*"]).expect(1);

    let expected = json(&folder.join("sis/expected.json"));
    let ran = fullsync(folder, &["status", "dis"]);
    for (object, processed, errors) in SCREEN {
        let line = ran.stdout.lines().find(|line| {
            let mut words = line.split_whitespace();
            line.contains("Processed:") && words.any(|word| word == object)
        });
        let line = line.unwrap_or_else(|| panic!("no {object} in\n{}", ran.stdout));
        let results = format!("Processed: {processed} Errors: {errors} ");
        assert!(line.contains(&results), "{line}");
        assert_eq!(expected["dis"][object]["processed"], processed);
    }
    // The state refused the schools; what hangs below was not sent.
    let tallies = json(&folder.join("fullsync-data/dis/runs/latest/tallies.json"));
    let resources = tallies["resources"].as_array().unwrap();
    let of =
        |object: &str| -> &Value { resources.iter().find(|r| r["resource"] == object).unwrap() };
    assert_eq!(of("School")["failed"], 11);
    assert_eq!(of("School")["rejected"], 0);
    for (object, _, errors) in &SCREEN[2..] {
        assert_eq!(of(object)["blocked"], *errors, "{object}");
    }
    // The counts stay until the next resync of the object.
    fullsync(folder, &["run", "dis", "District"]).expect(0);
    let ran = fullsync(folder, &["status", "dis"]);
    assert!(
        ran.stdout.contains("Processed: 16557 Errors: 2031"),
        "{}",
        ran.stdout
    );
}
