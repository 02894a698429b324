//! What is told: who, what, how it ended, the tallies. No student data, no server's words.
//!
//! Reads: a report. Writes: JSON and text. Never: examples, messages of servers, keys.

use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::report::{ErrorsReport, RunReport, TextOptions, text};

/// Version of the JSON.
const FORMAT: u32 = 1;

/// The end of a run.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The exit code.
    pub exit: u8,
    /// The verb: `run`, `load`, `truncate`.
    pub verb: &'a str,
    /// The pipeline's name.
    pub configuration: &'a str,
    /// The run's id, as far as there is one.
    pub run: Option<&'a str>,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When it ended.
    pub ended: DateTime<Utc>,
    /// Its report; None when it could not start, or makes none.
    pub report: Option<(&'a RunReport, &'a ErrorsReport)>,
    /// What it failed at, as a bounded word: `configuration`, `source`, `target`...
    pub cause: Option<&'a str>,
    /// Where more stands.
    pub log: Option<&'a Path>,
}

impl Message<'_> {
    /// How it ended, in a word for programs.
    fn outcome(&self) -> &'static str {
        match self.exit {
            0 => "accepted",
            1 => "errors",
            2 => "failed_start",
            _ => "stopped",
        }
    }

    /// How it ended, in a line for people.
    pub(super) fn subject(&self) -> String {
        let said = match self.exit {
            0 => "accepted",
            1 => "finished with errors",
            2 => "could not start, or could not go on",
            _ => "stopped with work pending",
        };
        let mut line = format!("fullsync {} {}: {said}", self.verb, self.configuration);
        if let Some((report, _)) = self.report {
            let total = &report.total;
            line.push_str(&format!(
                ", {} sent, {} errors, {} pending",
                total.sent, total.errors, total.pending
            ));
            if report.sandbox {
                line.push_str(" (SANDBOX)");
            }
        }
        line
    }

    /// The summary for programs.
    pub(super) fn json(&self) -> Value {
        let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let mut all = json!({
            "format": FORMAT,
            "tool": concat!("fullsync ", env!("CARGO_PKG_VERSION")),
            "text": self.subject(),
            "outcome": self.outcome(),
            "exit_code": self.exit,
            "verb": self.verb,
            "configuration": self.configuration,
            "run": self.run,
            "started": time(self.started),
            "ended": time(self.ended),
            "cause": self.cause,
            "log": self.log.map(|path| path.display().to_string()),
        });
        if let (Some((report, _)), Some(all)) = (self.report, all.as_object_mut()) {
            all.extend(tallies(report));
        }
        all
    }

    /// The text for people.
    pub(super) fn text(&self) -> String {
        let mut out = format!("{}\n", self.subject());
        if let Some(run) = self.run {
            out.push_str(&format!("run {run}, exit code {}\n", self.exit));
        }
        if let Some(cause) = self.cause {
            out.push_str(&format!("cause: {cause}\n"));
        }
        if let Some(log) = self.log {
            out.push_str(&format!("more in {}\n", log.display()));
        }
        if let Some((report, errors)) = self.report {
            out.push('\n');
            // Without examples it has neither keys nor texts of servers.
            let options = TextOptions {
                width: None,
                examples: false,
            };
            out.push_str(&text(report, errors, options));
        }
        out
    }
}

fn tallies(report: &RunReport) -> Map<String, Value> {
    let resources: Vec<Value> = report
        .resources
        .iter()
        .map(|r| json!({"resource": r.resource, "counts": r.counts, "deletes": r.deletes}))
        .collect();
    let all = json!({
        "target": report.target,
        "sandbox": report.sandbox,
        "dry_run": report.dry_run,
        "state": report.state,
        "total": report.total,
        "deletes": report.deletes,
        "traffic": report.traffic,
        "resources": resources,
        "mismatches": report.mismatches.len(),
        "warnings": report.warnings,
    });
    match all {
        Value::Object(all) => all,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_start_is_told_without_a_report() {
        let now = DateTime::from_timestamp(1_795_324_222, 0).unwrap();
        let message = Message {
            exit: 2,
            verb: "run",
            configuration: "edfi",
            run: None,
            started: now,
            ended: now,
            report: None,
            cause: Some("target"),
            log: Some(Path::new("x.log")),
        };
        let json = message.json();
        assert_eq!(json["outcome"], "failed_start");
        assert_eq!(json["started"], "2026-11-22T05:10:22Z");
        assert_eq!(json.get("total"), None);
        assert_eq!(
            message.text(),
            "fullsync run edfi: could not start, or could not go on\ncause: target\nmore in x.log\n"
        );
    }
}
