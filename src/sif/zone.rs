//! One zone, as its agent reaches it: a message out, an acknowledgement back, tried again where
//! that may help.
//!
//! Source: SIF 2.x infrastructure, transport; status 8 and faults of the transport and the system
//! pass, every other refusal stands.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::Utc;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use tokio::sync::watch;
use url::Url;

use super::ack::{Ack, AckError, Status};
use super::code::SifError;
use super::log::{Log, Note};
use super::tls;
use super::traffic::Meter;
use crate::load::next_wait;
use crate::pipeline::{LoadSettings, Secret};
use crate::target::{Wait, retry_after};

/// Messages below this many bytes are sent as they are.
const WORTH_GZIP: usize = 1024;

/// A zone.
#[derive(Debug)]
pub struct Zone {
    /// Its URL.
    pub url: Url,
    http: reqwest::Client,
    basic: Option<(String, Secret)>,
    settings: LoadSettings,
    gzip: AtomicBool,
    log: Log,
    /// What went over the wire so far.
    pub meter: Arc<Meter>,
    cancel: watch::Receiver<bool>,
}

/// A message on its way out.
#[derive(Clone, Debug)]
pub struct Outgoing<'a> {
    /// `SIF_Response`, `SIF_GetMessage`, ...
    pub kind: &'a str,
    /// SIF_MsgId; a repeated try has the same.
    pub msg_id: &'a str,
    /// The whole message.
    pub bytes: Bytes,
    /// What the history of messages tells of it.
    pub about: Note,
    /// Whether the zone may have it already: a try of a process that was killed.
    pub unsure: bool,
}

/// An acknowledgement without an error.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Its status: 0, 1, 7, 9 and the like.
    pub status: Status,
    /// Requests sent for it.
    pub tries: u32,
    /// From the first request to the answer.
    pub took: Duration,
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ZoneError {
    /// A SIF_Error that stands.
    #[error("{kind} was refused: {error}{}", error.advice())]
    Refused {
        /// The message.
        kind: String,
        /// The error.
        error: SifError,
        /// Whether an earlier try of the same message may have been taken.
        unsure: bool,
    },
    /// An HTTP status that says no.
    #[error("{url} answered {kind} with HTTP {status}{}", hint(*status))]
    Http {
        /// The message.
        kind: String,
        /// The zone.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// A certificate that is not taken, on either side.
    #[error("{url} cannot be spoken to over TLS: {what}")]
    Tls {
        /// The zone.
        url: String,
        /// Which one, and what to do.
        what: String,
    },
    /// No answer that could be used, within the allowed tries.
    #[error("{url} did not acknowledge {kind} in {tries} tries: {last}")]
    Unanswered {
        /// The message.
        kind: String,
        /// The zone.
        url: String,
        /// Requests sent.
        tries: u32,
        /// The last thing that happened.
        last: String,
    },
    /// The run was told to stop.
    #[error("stopped")]
    Stopped,
}

fn hint(status: u16) -> &'static str {
    match status {
        401 | 403 => {
            ": check user and password_env, or certificate_file, of the pipeline's [connection]"
        }
        404 => ": check url of the pipeline's [connection]",
        _ => "",
    }
}

/// What one try came to, where it was not taken.
enum Failed {
    /// It may pass.
    Passing(Fault),
    /// An HTTP status that stands.
    Status(u16),
    /// A certificate.
    Tls(String),
}

/// What may pass.
struct Fault {
    wait: Wait,
    /// In words without texts of the server.
    what: String,
    /// Whether the zone may have the message all the same.
    unsure: bool,
}

impl Zone {
    /// A zone at `url`, which knows us by user and password, by the client's certificate, or not.
    pub fn new(
        url: Url,
        http: reqwest::Client,
        basic: Option<(String, Secret)>,
        settings: LoadSettings,
        log: Log,
        cancel: watch::Receiver<bool>,
    ) -> Self {
        Self {
            url,
            http,
            basic,
            settings,
            gzip: AtomicBool::new(false),
            log,
            meter: Arc::default(),
            cancel,
        }
    }

    /// From now on messages are compressed: the zone has said that it takes them so.
    pub fn compress(&self) {
        self.gzip.store(true, Ordering::Relaxed);
    }

    /// Whether the run was told to stop.
    pub fn stopped(&self) -> bool {
        *self.cancel.borrow()
    }

    /// The history of messages.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Waits, unless the run is told to stop meanwhile. False: it was.
    pub async fn pause(&self, time: Duration) -> bool {
        let mut cancel = self.cancel.clone();
        // A sender that is gone can stop nothing.
        let stop = async {
            if cancel.wait_for(|stop| *stop).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = stop => {}
        }
        !self.stopped()
    }

    /// Sends a message until it is taken, refused for good, or the tries are used up.
    ///
    /// # Errors
    /// [`ZoneError`].
    pub async fn send(&self, message: Outgoing<'_>) -> Result<Taken, ZoneError> {
        let began = Instant::now();
        let (mut tries, mut unsure) = (0, message.unsure);
        let result = loop {
            tries += 1;
            if let Some(rate) = &self.settings.rate {
                rate.wait().await;
            }
            let fault = match self.try_once(&message, tries).await {
                Ok(ack) => match ack.result {
                    Ok(status) if status.code == 8 && message.kind != "SIF_Sleep" => Fault {
                        wait: Wait::Backoff,
                        what: "the receiver sleeps (status 8)".to_owned(),
                        unsure: false,
                    },
                    Ok(status) => {
                        let took = began.elapsed();
                        break Ok(Taken {
                            status,
                            tries,
                            took,
                        });
                    }
                    Err(error) if error.is_passing() => Fault {
                        wait: Wait::Backoff,
                        what: error.to_string(),
                        unsure: false,
                    },
                    Err(error) => {
                        let kind = message.kind.to_owned();
                        break Err(ZoneError::Refused {
                            kind,
                            error,
                            unsure,
                        });
                    }
                },
                Err(Failed::Status(status)) => {
                    break Err(ZoneError::Http {
                        kind: message.kind.to_owned(),
                        url: self.url.to_string(),
                        status,
                    });
                }
                Err(Failed::Tls(what)) => {
                    let url = self.url.to_string();
                    break Err(ZoneError::Tls { url, what });
                }
                Err(Failed::Passing(fault)) => fault,
            };
            unsure |= fault.unsure;
            tracing::debug!(kind = message.kind, msg_id = message.msg_id, tries, fault = %fault.what, "not taken");
            let pause = next_wait(&self.settings, fault.wait, tries, 0, fastrand::f64());
            match pause {
                Some(pause) if self.pause(pause).await => {}
                Some(_) => break Err(ZoneError::Stopped),
                None => {
                    break Err(ZoneError::Unanswered {
                        kind: message.kind.to_owned(),
                        url: self.url.to_string(),
                        tries,
                        last: fault.what,
                    });
                }
            }
        };
        self.log_sent(message, &result, tries, began.elapsed());
        result
    }

    /// One request: an acknowledgement, an HTTP status that stands, or a fault that may pass.
    async fn try_once(&self, message: &Outgoing<'_>, tries: u32) -> Result<Ack, Failed> {
        let compress = self.gzip.load(Ordering::Relaxed) && message.bytes.len() >= WORTH_GZIP;
        let body = match compress {
            true => gzip(&message.bytes),
            false => message.bytes.clone(),
        };
        let sent = body.len() as u64;
        let mut request = self.http.post(self.url.clone()).header(
            CONTENT_TYPE,
            HeaderValue::from_static("application/xml;charset=\"utf-8\""),
        );
        if compress {
            request = request.header(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Some((user, password)) = &self.basic {
            request = request.basic_auth(user, Some(password.expose()));
        }
        let began = Instant::now();
        let fault = |wait, what: String, unsure| Err(Failed::Passing(Fault { wait, what, unsure }));
        let response = match request.body(body).send().await {
            Ok(response) => response,
            Err(error) => {
                self.meter.add(sent, 0, began.elapsed(), tries > 1);
                if let Some(what) = tls::fault(&error) {
                    return Err(Failed::Tls(what));
                }
                let unsure = !error.is_connect();
                let what = match (error.is_connect(), error.is_timeout()) {
                    (true, _) => "no connection",
                    (false, true) => "no answer in time",
                    (false, false) if self.url.scheme() == "https" => {
                        "the connection broke (a zone that wants another client certificate may \
                         end it so: certificate_file)"
                    }
                    (false, false) => "the connection broke",
                };
                return fault(Wait::Backoff, what.to_owned(), unsure);
            }
        };
        let status = response.status().as_u16();
        let after = retry_after(response.headers());
        let body = response.bytes().await;
        let received = body.as_ref().map_or(0, |body| body.len() as u64);
        self.meter.add(sent, received, began.elapsed(), tries > 1);
        match (status, body) {
            (200..=299, Ok(body)) => match Ack::read(&body, message.msg_id) {
                Ok(ack) => Ok(ack),
                // Not in the words of the standard: it may be a hiccup, once.
                Err(error @ AckError::NotAnAck(_)) => fault(Wait::Once, error.to_string(), true),
                Err(error) => fault(Wait::Backoff, error.to_string(), true),
            },
            (200..=299, Err(_)) => fault(Wait::Backoff, "the answer was cut off".into(), true),
            (408 | 425 | 429, _) => fault(Wait::SlowDown(after), format!("HTTP {status}"), false),
            (500.., _) => fault(Wait::SlowDown(after), format!("HTTP {status}"), true),
            _ => Err(Failed::Status(status)),
        }
    }

    fn log_sent(
        &self,
        message: Outgoing<'_>,
        result: &Result<Taken, ZoneError>,
        tries: u32,
        took: Duration,
    ) {
        let outcome = match result {
            // A poll that brings nothing is no news.
            Ok(taken) if taken.status.code == 9 => return,
            Ok(taken) => taken.status.code.to_string(),
            Err(ZoneError::Refused { error, .. }) => format!("{}/{}", error.category, error.code),
            Err(ZoneError::Http { status, .. }) => format!("HTTP {status}"),
            Err(ZoneError::Tls { .. }) => "TLS".to_owned(),
            Err(ZoneError::Unanswered { .. }) => "unanswered".to_owned(),
            Err(ZoneError::Stopped) => "stopped".to_owned(),
        };
        let bytes = message.bytes.len() as u64;
        let note = Note {
            at: Utc::now(),
            sent: true,
            kind: message.kind.to_owned(),
            msg_id: message.msg_id.to_owned(),
            bytes,
            tries,
            ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            outcome,
            ..message.about
        };
        self.log.add(note, &message.bytes);
    }
}

fn gzip(bytes: &[u8]) -> Bytes {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(
        Vec::with_capacity(bytes.len() / 4),
        flate2::Compression::fast(),
    );
    // Writing to a Vec cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default().into()
}
