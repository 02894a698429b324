//! What a run of all schools will come to: from the last run that sent something, else from the
//! size of the source.
//!
//! Reads: tallies of earlier runs, sizes of source files. Writes: nothing. Never: the source's rows.

use std::fmt;

use crate::pipeline::Pipeline;
use crate::report::RunReport;
use crate::run::{RunError, Start};
use crate::source::SisSchema;
use crate::stage::StateDir;

/// Earlier runs that are looked at, newest first.
const LOOKED_AT: usize = 50;

/// An estimate of a whole run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Schools of the SIS.
    pub schools: usize,
    /// Bytes of the source's tables.
    pub source_bytes: u64,
    /// The largest of the earlier runs.
    pub earlier: Option<Earlier>,
}

/// What an earlier run came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Earlier {
    /// Its id.
    pub run: String,
    /// Rows read.
    pub rows: u64,
    /// Objects made.
    pub objects: u64,
    /// Requests sent.
    pub requests: u64,
    /// Requests per second, over the whole run.
    pub per_second: f64,
}

impl Estimate {
    /// Estimates a run of this pipeline.
    ///
    /// # Errors
    /// The source cannot be opened.
    pub fn of(pipeline: &Pipeline, start: &Start) -> Result<Self, RunError> {
        let sis = SisSchema::load(&pipeline.sis_schema)?;
        let source = crate::run::check::source(pipeline)?;
        let names: Vec<&str> = sis.tables.iter().map(|t| t.name.as_str()).collect();
        Ok(Self {
            schools: super::schools(pipeline, start)?.0.len(),
            source_bytes: source.total_bytes(&names),
            earlier: earlier(pipeline),
        })
    }
}

/// Of the recent runs that sent something, the one with the most objects: partial runs say little
/// of a whole one.
fn earlier(pipeline: &Pipeline) -> Option<Earlier> {
    let state = StateDir::new(&pipeline.state_dir, &pipeline.name);
    let mut ids = state.ids().ok()?;
    ids.sort();
    ids.iter()
        .rev()
        .take(LOOKED_AT)
        .filter_map(|id| {
            let folder = state.runs().join(id.to_string());
            crate::report::read(&folder).ok().map(|(report, _)| report)
        })
        .filter(|report| report.command == "run" && !report.dry_run && report.traffic.requests > 0)
        .max_by_key(|report| report.total.transformed)
        .map(|report| Earlier::of(&report))
}

impl Earlier {
    fn of(report: &RunReport) -> Self {
        let took = (report.ended - report.started).num_milliseconds().max(1);
        Self {
            run: report.run.clone(),
            rows: report.tables.iter().map(|t| t.read).sum(),
            objects: report.total.transformed,
            requests: report.traffic.requests,
            per_second: report.traffic.requests as f64 * 1000.0 / took as f64,
        }
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = self.source_bytes.div_ceil(1 << 20);
        write!(f, "{} schools, {mib} MiB of SIS tables; ", self.schools)?;
        let Some(earlier) = &self.earlier else {
            return f.write_str(
                "no earlier run tells the rows, objects, requests and time (`fullsync plan` counts \
                 them and sends nothing)",
            );
        };
        // If everything is due again.
        let seconds = earlier.objects as f64 / earlier.per_second.max(0.001);
        write!(
            f,
            "by run {}: {} rows, {} objects, at most about {} requests, {} at its {:.0} requests \
             per second",
            earlier.run,
            earlier.rows,
            earlier.objects,
            earlier.objects.max(earlier.requests),
            time(seconds),
            earlier.per_second
        )
    }
}

fn time(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{:.0} s", s.max(1.0)),
        s if s < 5400.0 => format!("{:.0} minutes", s / 60.0),
        s => format!("{:.1} hours", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_tells_time_by_the_earlier_rate() {
        let mut estimate = Estimate {
            schools: 3,
            source_bytes: 5 << 20,
            earlier: None,
        };
        assert!(estimate.to_string().starts_with("3 schools, 5 MiB"));
        estimate.earlier = Some(Earlier {
            run: "r1".to_owned(),
            rows: 10,
            objects: 72_000,
            requests: 70_000,
            per_second: 10.0,
        });
        let text = estimate.to_string();
        assert!(
            text.contains("72000 objects") && text.contains("2.0 hours"),
            "{text}"
        );
    }
}
