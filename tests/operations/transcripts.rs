//! Resources that are switched off until a configuration turns them on: transcripts.

use std::path::Path;
use std::process::Command;

use super::super::support::Ran;

/// A folder with a pipeline that extends the shipped one, over the sample and a transcript.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(stanzas: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data");
        std::fs::create_dir(folder.0.path().join("sis")).unwrap();
        for entry in std::fs::read_dir(sample).unwrap() {
            let from = entry.unwrap().path();
            let to = folder.0.path().join("sis").join(from.file_name().unwrap());
            std::fs::copy(from, to).unwrap();
        }
        folder.write(
            "sis/TranscriptCourse.csv",
            "transcriptID,personID,courseNumber,courseName,endYear,schoolNumber,grade,score,percent,actualTerm\n\
                 1,10000676,MA101,Algebra,2026,1,9,A,95.5,S1\n\
                 2,10000676,MA101,Algebra,2026,1,09,B,85,S1\n\
                 3,10000676,EN101,English,2026,1,09,F,40,S1\n\
                 4,10000676,EN101,English,2026,1,09,C,70,\n\
                 5,10000676,EN101,English,2026,1,09,C,70,X9\n\
                 6,10000676,EN100,English,2025,1,08,C,70,S1\n\
                 7,999999,EN101,English,2026,1,09,C,70,S1\n",
        );
        folder.write(
            "sis/TranscriptCredit.csv",
            "creditID,transcriptID,creditsEarned,creditsAttempted\n\
             1,1,0.5,0.5\n2,2,0.25,0.5\n3,2,0.25,\n4,3,0,0.5\n5,4,1,1\n6,6,1,1\n",
        );
        let text = format!(
            "extends = \"edfi\"\n[scope]\nschools = \"all\"\n[source]\npath = \"../sis\"\n{stanzas}"
        );
        folder.write("pipelines/district.toml", &text);
        folder
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn fullsync(&self, args: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fullsync"));
        command.args(args).current_dir(self.0.path());
        command.output().unwrap().into()
    }
}

const ON: &str = "
[resources.courseTranscripts]
enabled = true
[resources.studentAcademicRecords]
enabled = true
";

#[test]
fn e23_a_resource_that_is_off_cannot_be_selected() {
    let folder = Folder::new("");
    let refused = |args: &[&str]| {
        let args = [&["run", "district", "--demo"], args].concat();
        folder.fullsync(&args).expect(2).stderr
    };
    let stderr = refused(&["courseTranscripts"]);
    let wanted = "resource `courseTranscripts` is switched off in pipeline `district` at \
                  shipped:pipelines/edfi.toml:";
    assert!(stderr.contains(wanted), "{stderr}");
    let stderr = refused(&["--resources", "*AcademicRecord*"]);
    assert!(
        stderr.contains("`studentAcademicRecords` is switched off"),
        "{stderr}"
    );
    let list = folder.fullsync(&["resources", "district"]).expect(0).stdout;
    let line = list
        .lines()
        .find(|l| l.contains(" courseTranscripts "))
        .unwrap();
    assert!(line.contains(" off "), "{line}");
    let runs = folder.0.path().join("fullsync-data/district/runs");
    assert!(!runs.exists());
}

#[test]
fn e24_transcripts_and_academic_records_can_be_turned_on() {
    let folder = Folder::new(ON);
    let list = folder.fullsync(&["resources", "district"]).expect(0).stdout;
    for name in ["courseTranscripts", "studentAcademicRecords"] {
        let line = list
            .lines()
            .find(|l| l.contains(&format!(" {name} ")))
            .unwrap();
        assert!(line.contains(" on "), "{line}");
    }
    let args = [
        "transform",
        "district",
        "studentAcademicRecords",
        "courseTranscripts",
    ];
    folder.fullsync(&args).expect(0);
    let explain = |resource: &str, source: &str| {
        let args = ["explain", "district", resource, "--source-key", source];
        folder.fullsync(&args).stdout
    };
    // Rows 1 to 3 are one term's record: the credits of all its rows.
    let record = explain("studentAcademicRecords", "1");
    assert!(record.contains("\"sessionEarnedCredits\":1"), "{record}");
    assert!(
        record.contains("\"sessionAttemptedCredits\":1.5"),
        "{record}"
    );
    assert!(record.contains("TermDescriptor#Fall Semester"), "{record}");
    let record = explain("studentAcademicRecords", "4");
    assert!(record.contains("TermDescriptor#Year Round"), "{record}");
    assert!(explain("studentAcademicRecords", "5").contains("unmapped_code"));
    // The repeated course stands with its last row; another year and unknown persons stay away.
    assert!(explain("courseTranscripts", "1").contains("no such object"));
    let course = explain("courseTranscripts", "2");
    for part in [
        "\"courseAttemptResultDescriptor\":\"uri://ed-fi.org/CourseAttemptResultDescriptor#Pass\"",
        "\"courseReference\":{\"courseCode\":\"MA101\",\"educationOrganizationId\":255901}",
        "\"finalLetterGradeEarned\":\"B\"",
        "\"earnedCredits\":0.5",
        "GradeLevelDescriptor#Ninth grade",
    ] {
        assert!(course.contains(part), "{part} in {course}");
    }
    assert!(explain("courseTranscripts", "3").contains("CourseAttemptResultDescriptor#Fail"));
    for gone in ["6", "7"] {
        assert!(
            explain("courseTranscripts", gone).contains("no such object"),
            "{gone}"
        );
    }
}
