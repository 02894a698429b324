//! The ways of telling, each with a limit on time and tries.
//!
//! Reads: a message. Writes: to a program's standard input, or over HTTP. Never: a shell; an answer
//! into a log.

use std::process::Stdio;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::Message;
use crate::pipeline::Secret;
use crate::pipeline::notify::{Channel, Notice};

/// Tries of a webhook.
const TRIES: u32 = 3;
/// Time between them, doubling.
const PAUSE: Duration = Duration::from_secs(1);
/// What a detached run is told its id by; not for the programs that it starts.
const DETACHED: &str = "FULLSYNC_DETACHED";

/// Tells one channel.
///
/// # Errors
/// Why it could not be told, without anything secret.
pub(super) async fn tell(notice: &Notice, message: &Message<'_>) -> Result<(), String> {
    match &notice.channel {
        Channel::Command(words) => {
            let mut words = words.iter();
            let program = words.next().map(String::as_str).unwrap_or_default();
            let arguments: Vec<&str> = words.map(String::as_str).collect();
            let input = format!("{}\n", message.json());
            run(program, &arguments, &input, notice.timeout).await
        }
        Channel::Webhook { url, header } => {
            let body = message.json().to_string();
            post(url, header.as_ref(), &body, notice.timeout).await
        }
        Channel::Mail { to, from, sendmail } => {
            let mail = mail(to, from.as_deref(), message);
            let program = sendmail.display().to_string();
            run(&program, &["-t", "-i"], &mail, notice.timeout).await
        }
    }
}

/// Starts a program, hands it `input`, and waits for it.
async fn run(
    program: &str,
    arguments: &[&str],
    input: &str,
    timeout: Duration,
) -> Result<(), String> {
    let started = Command::new(program)
        .args(arguments)
        .env_remove(DETACHED)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut child = started.map_err(|e| format!("{program} cannot be started: {e}"))?;
    let work = async {
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read is judged by its exit code alone.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        child.wait().await
    };
    match tokio::time::timeout(timeout, work).await {
        Err(_) => Err(format!(
            "{program} did not end within {} seconds",
            timeout.as_secs()
        )),
        Ok(Err(error)) => Err(format!("{program}: {error}")),
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("{program} ended with {status}")),
    }
}

/// Posts JSON; repeats what may pass.
async fn post(
    url: &Secret,
    header: Option<&(String, Secret)>,
    body: &str,
    timeout: Duration,
) -> Result<(), String> {
    let client = reqwest::Client::builder()
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("fullsync/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|e| e.without_url().to_string())?;
    let mut pause = PAUSE;
    let mut tries = 0;
    loop {
        tries += 1;
        let mut request = client
            .post(url.expose())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body.to_owned());
        if let Some((name, secret)) = header {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|e| e.to_string())?;
            let mut value =
                HeaderValue::from_str(secret.expose()).map_err(|_| "a bad header".to_owned())?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        let (why, passes) = match request.send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => {
                let status = answer.status();
                let passes = status.is_server_error()
                    || status == StatusCode::TOO_MANY_REQUESTS
                    || status == StatusCode::REQUEST_TIMEOUT;
                (format!("answered {status}"), passes)
            }
            // The URL may be a secret.
            Err(error) => (error.without_url().to_string(), true),
        };
        if !passes || tries >= TRIES {
            return Err(format!("{why}, after {tries} tries"));
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}

/// A message with its headers. Addresses were checked to hold nothing that a header minds.
fn mail(to: &[String], from: Option<&str>, message: &Message<'_>) -> String {
    let mut mail = format!("To: {}\n", to.join(", "));
    if let Some(from) = from {
        mail.push_str(&format!("From: {from}\n"));
    }
    let subject: String = message
        .subject()
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() || c == ' ' {
                c
            } else {
                '?'
            }
        })
        .collect();
    mail.push_str(&format!("Subject: {subject}\n"));
    mail.push_str(
        "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\
         Content-Transfer-Encoding: 8bit\nAuto-Submitted: auto-generated\n\n",
    );
    mail.push_str(&message.text());
    mail
}
