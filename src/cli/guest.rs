//! Arguments of a good guest: how fast, when, in the background, and who is told.
//!
//! Reads: arguments. Writes: nothing. Never: a clock.

use clap::Args;

use crate::pipeline::notify::{self, Notice};
use crate::pipeline::{Pipeline, Rate, Window};

/// How a run treats the target and those who wait for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "A good guest, unattended")]
pub struct Guest {
    /// Most requests per second, repeats included; before the pipeline's own.
    #[arg(long, value_name = "N", value_parser = per_second)]
    pub max_requests_per_second: Option<PerSecond>,

    /// Most requests in flight; the run finds out by itself how many below that are best.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub concurrency: Option<u16>,

    /// Load between these times of day only ('22:00-05:00'), before the pipeline's own window; at
    /// the end the run stops with exit code 3. `any`: at any time.
    #[arg(long, value_name = "WINDOW")]
    pub window: Option<String>,

    /// Started outside of the window: wait until it opens, instead of ending with exit code 3.
    #[arg(long)]
    pub wait_window: bool,

    /// Go on in the background: prints the run's id and returns at once. `fullsync wait` waits for
    /// the end.
    #[arg(long)]
    pub detach: bool,

    /// Tell of the end: command:PROGRAM, webhook:https://.., mail:NAME@HOST, or none; instead of
    /// the pipeline's [notify]. Can be given several times.
    #[arg(long, value_name = "HOW")]
    pub notify: Vec<String>,
}

/// A number of requests per second, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerSecond(u64);

fn per_second(text: &str) -> Result<PerSecond, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    match number > 0.0 && number <= 100_000.0 {
        true => Ok(PerSecond((number * 1e6).round().max(1.0) as u64)),
        false => Err("above 0, up to 100000".to_owned()),
    }
}

impl Guest {
    /// Lets the flags win over the pipeline.
    ///
    /// # Errors
    /// A window or notification that cannot be read.
    pub fn apply(&self, pipeline: &mut Pipeline) -> anyhow::Result<()> {
        let load = &mut pipeline.load;
        if let Some(PerSecond(micros)) = self.max_requests_per_second {
            load.rate = Some(Rate::new(micros as f64 / 1e6));
        }
        if let Some(most) = self.concurrency {
            load.concurrency_max = usize::from(most);
            load.concurrency_start = load.concurrency_start.min(load.concurrency_max);
        }
        match self.window.as_deref() {
            None => {}
            Some("any") => load.window = None,
            Some(text) => {
                load.window = Some(match load.window {
                    // The zone of the pipeline's window stays.
                    Some(window) => window.with_times(text)?,
                    None => Window::parse(text, None)?,
                });
            }
        }
        if let Some(notices) = self.notices()? {
            pipeline.notify = notices;
        }
        Ok(())
    }

    /// The notifications that the flags name; None: no flag.
    ///
    /// # Errors
    /// One that cannot be read.
    pub fn notices(&self) -> anyhow::Result<Option<Vec<Notice>>> {
        if self.notify.is_empty() {
            return Ok(None);
        }
        let mut notices = Vec::new();
        for text in &self.notify {
            notices.extend(notify::parse(text).map_err(|e| anyhow::anyhow!("--notify: {e}"))?);
        }
        Ok(Some(notices))
    }
}
