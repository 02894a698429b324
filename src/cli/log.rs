//! The log: standard error while the program runs, and `run.log` in the run's folder.
//!
//! Reads: nothing. Writes: standard error, `run.log`. Never: secrets; student data only at debug
//! and below. WARN means that something was mended, ERROR that an object or the run was lost.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::{Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer, Registry};

use super::{Global, LogFormat};
use crate::files;
use crate::progress::Screen;

/// What is kept for a `run.log` that does not exist yet; later lines are dropped beyond it.
const KEPT_BYTES: usize = 256 * 1024;

/// How the log is to look.
#[derive(Clone, Debug)]
pub(super) struct Log {
    pub(super) global: Global,
    pub(super) screen: Screen,
}

impl Log {
    /// Sends all events to the screen and to the returned file log. A second call in one process
    /// changes nothing.
    pub(super) fn start(self) -> RunLog {
        let run_log = RunLog::default();
        let Self { global, screen } = self;
        let screen = move || screen.clone();
        // Only fails when a log was set up before, which then stays in use.
        let _ =
            tracing::subscriber::set_global_default(subscriber(global, screen, run_log.clone()));
        run_log
    }
}

/// The subscriber: the same events to the screen and, from info on at least, to the file.
fn subscriber<W>(global: Global, screen: W, run_log: RunLog) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let shown = level(global);
    let kept = shown.max(LevelFilter::INFO);
    // Colours would find their way into the file: both layers share the spans' formatted fields.
    match global.log_format {
        LogFormat::Text => {
            let screen = fmt::layer()
                .with_ansi(false)
                .with_target(false)
                .with_writer(screen);
            let file = fmt::layer().with_ansi(false).with_writer(run_log);
            let layers = Registry::default().with(screen.with_filter(targets(shown)));
            Box::new(layers.with(file.with_filter(targets(kept))))
        }
        LogFormat::Json => {
            let screen = fmt::layer().json().flatten_event(true).with_writer(screen);
            let file = fmt::layer().json().flatten_event(true).with_writer(run_log);
            let layers = Registry::default().with(screen.with_filter(targets(shown)));
            Box::new(layers.with(file.with_filter(targets(kept))))
        }
    }
}

/// Our own events from `level` on; those of libraries from WARN on, for theirs may hold requests.
fn targets(level: LevelFilter) -> Targets {
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(env!("CARGO_CRATE_NAME"), level)
}

fn level(global: Global) -> LevelFilter {
    // In JSON the log carries the progress, too.
    let json = u8::from(global.log_format == LogFormat::Json);
    let level = match (global.quiet, global.verbose.max(json)) {
        (true, _) => Level::ERROR,
        (false, 0) => Level::WARN,
        (false, 1) => Level::INFO,
        (false, 2) => Level::DEBUG,
        (false, _) => Level::TRACE,
    };
    LevelFilter::from_level(level)
}

/// The log file of a run. Lines that come before it is opened are kept for it.
#[derive(Clone, Debug, Default)]
pub struct RunLog(Arc<Mutex<Sink>>);

#[derive(Debug)]
enum Sink {
    Waiting(Vec<u8>),
    Open(File),
}

impl Default for Sink {
    fn default() -> Self {
        Self::Waiting(Vec::new())
    }
}

impl RunLog {
    /// Opens the file, for the owner only, and writes what was kept for it. An existing file (of a
    /// run that is resumed) is continued.
    ///
    /// # Errors
    /// As the file system says; the path is in the message.
    pub fn open(&self, path: &Path) -> io::Result<()> {
        let file = files::options().append(true).create(true).open(path);
        let mut file = file.map_err(|e| files::at(path, &e))?;
        let mut sink = self.lock();
        if let Sink::Waiting(kept) = &*sink {
            file.write_all(kept).map_err(|e| files::at(path, &e))?;
        }
        *sink = Sink::Open(file);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Sink> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for RunLog {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match &mut *self.lock() {
            Sink::Open(file) => file.write_all(line)?,
            Sink::Waiting(kept) if kept.len() + line.len() <= KEPT_BYTES => {
                kept.extend_from_slice(line);
            }
            Sink::Waiting(_) => {}
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for RunLog {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the screen shows and the file keeps of four events.
    fn written(global: Global) -> (String, String) {
        let (screen, run_log) = (RunLog::default(), RunLog::default());
        let dir = tempfile::tempdir().unwrap();
        let (shown, kept) = (dir.path().join("screen"), dir.path().join("run.log"));
        let subscriber = subscriber(global, screen.clone(), run_log.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(resource = "students", "before the folder");
            run_log.open(&kept).unwrap();
            screen.open(&shown).unwrap();
            tracing::info!(resource = "students", objects = 7, "told");
            tracing::debug!("detail");
            tracing::info!(target: "hyper", "chatter of a library");
        });
        let read = |path| std::fs::read_to_string(path).unwrap();
        (read(shown), read(kept))
    }

    #[test]
    fn the_file_keeps_more_than_the_screen_shows() {
        let (screen, file) = written(Global::default());
        assert!(
            screen.contains("before the folder") && !screen.contains("told"),
            "{screen}"
        );
        assert!(
            file.contains("before the folder") && file.contains("told"),
            "{file}"
        );
        assert!(
            !file.contains("detail") && !file.contains("chatter"),
            "{file}"
        );
        let (screen, file) = written(Global {
            verbose: 2,
            ..Global::default()
        });
        assert!(screen.contains("detail") && file.contains("detail"));
        let (screen, _) = written(Global {
            quiet: true,
            ..Global::default()
        });
        assert_eq!(screen, "");
    }

    #[test]
    fn json_is_one_object_a_line() {
        let (screen, file) = written(Global {
            log_format: LogFormat::Json,
            ..Global::default()
        });
        assert_eq!(screen.lines().count(), 2);
        for line in screen.lines().chain(file.lines()) {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(value["resource"], "students", "{line}");
        }
        let last: serde_json::Value = serde_json::from_str(screen.lines().last().unwrap()).unwrap();
        assert_eq!(
            (&last["level"], &last["objects"]),
            (&"INFO".into(), &7.into())
        );
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_the_owner_and_is_continued() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.log");
        for line in ["one\n", "two\n"] {
            let mut log = RunLog::default();
            log.write_all(line.as_bytes()).unwrap();
            log.open(&path).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn what_waits_for_a_file_is_bounded() {
        let mut log = RunLog::default();
        for _ in 0..10_000 {
            log.write_all(&[b'x'; 100]).unwrap();
        }
        let Sink::Waiting(kept) = &*log.lock() else {
            panic!()
        };
        assert!(kept.len() <= KEPT_BYTES);
    }
}
