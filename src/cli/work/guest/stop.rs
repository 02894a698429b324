//! What ends a run early: signals, and the end of the off-peak window.
//!
//! Reads: signals, the clock. Writes: the log. Never: ends a request in flight.

use std::io::IsTerminal as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::cli::{Session, print_line};
use crate::pipeline::{Standing, Window};

/// Longest sleep towards a time of day: a machine that was suspended, or whose clock was set, must
/// not be late by more.
const LOOK: Duration = Duration::from_secs(20);

/// Whether and why a run shall end.
#[derive(Clone, Debug)]
pub(in crate::cli::work) struct Stop {
    cancel: Arc<watch::Sender<bool>>,
    cause: Arc<OnceLock<String>>,
}

impl Stop {
    /// Listens for SIGINT and SIGTERM; the second one ends the process at once.
    pub(in crate::cli::work) fn listen() -> Self {
        let stop = Self {
            cancel: Arc::new(watch::Sender::new(false)),
            cause: Arc::default(),
        };
        let signalled = stop.clone();
        tokio::spawn(async move {
            for count in 0.. {
                if signal().await.is_err() {
                    // Without a handler the system's default holds.
                    return;
                }
                if count > 0 {
                    std::process::exit(130);
                }
                tracing::warn!("stopping: requests in flight are finished; once more ends at once");
                signalled.cancel.send_replace(true);
            }
        });
        stop
    }

    /// True once the run shall end.
    pub(in crate::cli::work) fn cancelled(&self) -> watch::Receiver<bool> {
        self.cancel.subscribe()
    }

    /// Why, where it was not a signal.
    pub(in crate::cli::work) fn cause(&self) -> Option<&str> {
        self.cause.get().map(String::as_str)
    }

    /// Heeds the window: waits for it where that was asked for, and ends the run with it. False:
    /// the run shall not begin.
    ///
    /// # Errors
    /// Standard output is closed.
    pub(in crate::cli::work) async fn heed(
        &self,
        session: &Session,
        window: Option<Window>,
    ) -> anyhow::Result<bool> {
        let Some(window) = window else {
            return Ok(true);
        };
        let typed = session.guest.window.is_some();
        let unattended = session.detached.is_some() || !std::io::stderr().is_terminal();
        loop {
            match window.standing(Utc::now()) {
                Standing::Open { until } if typed || unattended => {
                    self.end_at(window, until);
                    return Ok(true);
                }
                Standing::Open { .. } => return Ok(true),
                Standing::Shut { until } if session.guest.wait_window => {
                    let at = window.shown(until);
                    session
                        .progress
                        .note(&format!("waiting for the window {window}, until {at}"));
                    tracing::info!(%window, until = at, "waiting for the window");
                    let mut cancelled = self.cancelled();
                    tokio::select! {
                        () = sleep_until(until) => {}
                        _ = cancelled.wait_for(|c| *c) => {
                            print_line("stopped while waiting for the window; nothing was sent")?;
                            return Ok(false);
                        }
                    }
                }
                Standing::Shut { until } if typed || unattended => {
                    print_line(&format!(
                        "outside of the window {window}, which opens at {}: nothing was done; \
                         --wait-window waits for it, --window any loads at any time",
                        window.shown(until)
                    ))?;
                    return Ok(false);
                }
                Standing::Shut { .. } => {
                    let note = format!("outside of the window {window}: others may be at work");
                    session.progress.note(&format!("warning: {note}"));
                    tracing::warn!("{note}");
                    return Ok(true);
                }
            }
        }
    }

    fn end_at(&self, window: Window, until: DateTime<Utc>) {
        let stop = self.clone();
        tokio::spawn(async move {
            sleep_until(until).await;
            let cause = format!("the window {window} closed at {}", window.shown(until));
            tracing::warn!("{cause}: requests in flight are finished, the rest stays due");
            let _ = stop.cause.set(cause);
            stop.cancel.send_replace(true);
        });
    }
}

async fn sleep_until(until: DateTime<Utc>) {
    while let Ok(left) = (until - Utc::now()).to_std() {
        tokio::time::sleep(left.min(LOOK)).await;
    }
}

#[cfg(unix)]
async fn signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
