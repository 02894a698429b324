//! `[notify]` and `--notify`: who is told when a run is over, and by what way.
//!
//! Reads: a section or a flag, secrets from the environment or owner-only files. Writes: nothing.
//! Never: tells anyone (the room `notify` does).

use std::path::PathBuf;
use std::time::Duration;

use super::Secret;
use super::check::choice;
use super::connection::{SecretKeys, optional_secret};
use super::limits;
use super::section::{Section, Text};

/// One way of telling, and of what.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The ends that are told of.
    pub on: Vec<On>,
    /// How.
    pub channel: Channel,
    /// Longest time for one try.
    pub timeout: Duration,
}

/// Ends of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Any.
    Completion,
    /// Exit code 0.
    Success,
    /// Any exit code but 0.
    Failure,
    /// Exit code 1.
    Errors,
    /// Exit code 2: it could not start, or could not go on.
    FailedStart,
    /// Exit code 3.
    Stopped,
}

impl On {
    const ALL: [(&'static str, Self); 6] = [
        ("completion", Self::Completion),
        ("success", Self::Success),
        ("failure", Self::Failure),
        ("errors", Self::Errors),
        ("failed_start", Self::FailedStart),
        ("stopped", Self::Stopped),
    ];

    /// Whether an exit code is one of these ends.
    pub fn covers(self, exit: u8) -> bool {
        match self {
            Self::Completion => true,
            Self::Success => exit == 0,
            Self::Failure => exit != 0,
            Self::Errors => exit == 1,
            Self::FailedStart => exit == 2,
            Self::Stopped => exit == 3,
        }
    }
}

/// Ways of telling.
#[derive(Clone, Debug)]
pub enum Channel {
    /// A program with its arguments; the summary stands on its standard input as JSON.
    Command(Vec<String>),
    /// The summary is posted as JSON.
    Webhook {
        /// Where to. Often a secret by itself.
        url: Secret,
        /// A header with a secret value.
        header: Option<(String, Secret)>,
    },
    /// A mail, handed to a program like `sendmail`.
    Mail {
        /// Who reads it.
        to: Vec<String>,
        /// Who it is from; None: as the mail program has it.
        from: Option<String>,
        /// The program: it reads a message with its headers from standard input (`-t -i`).
        sendmail: PathBuf,
    },
}

impl Channel {
    /// A name for messages, without anything secret.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Command(_) => "command",
            Self::Webhook { .. } => "webhook",
            Self::Mail { .. } => "mail",
        }
    }
}

const SENDMAIL: &str = "/usr/sbin/sendmail";
const HEADER: SecretKeys = SecretKeys {
    name: "secret",
    env: "secret_env",
    file: "secret_file",
};
const URL: SecretKeys = SecretKeys {
    name: "url_secret",
    env: "url_env",
    file: "url_file",
};
const FORMS: &str = "write command:PROGRAM, webhook:https://HOST/PATH, mail:NAME@HOST, or none";

/// Reads `--notify`: `command:./tell.sh`, `webhook:https://..`, `mail:ops@example.org`. The word
/// `none` gives None.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str) -> Result<Option<Notice>, String> {
    if text == "none" {
        return Ok(None);
    }
    let wrong = || format!("`{text}` is no notification: {FORMS}");
    let (kind, what) = text.split_once(':').ok_or_else(wrong)?;
    let channel = match kind {
        _ if what.trim().is_empty() => return Err(wrong()),
        "command" => Channel::Command(what.split_whitespace().map(str::to_owned).collect()),
        "webhook" => {
            hook(what)?;
            Channel::Webhook {
                url: Secret::new(what.to_owned()),
                header: None,
            }
        }
        "mail" => {
            let to: Vec<String> = what.split(',').map(|t| t.trim().to_owned()).collect();
            to.iter().try_for_each(|t| address(t))?;
            Channel::Mail {
                to,
                from: None,
                sendmail: SENDMAIL.into(),
            }
        }
        _ => return Err(wrong()),
    };
    Ok(Some(Notice {
        on: vec![On::Completion],
        channel,
        timeout: Duration::from_secs(limits::NOTIFY_TIMEOUT.default),
    }))
}

/// Reads `[notify]`.
pub(super) fn read(top: &mut Section<'_>) -> Vec<Notice> {
    let Some(mut section) = top.section("notify") else {
        return Vec::new();
    };
    let document = section.document;
    let on = match section.list("on") {
        None => vec![On::Completion],
        Some(texts) => {
            if texts.is_empty() {
                let what = "`notify.on = []` tells of nothing: leave [notify] out";
                document.wrong(&section.place("on"), what);
            }
            texts
                .iter()
                .filter_map(|text| choice(document, "notify.on", text, &On::ALL))
                .collect()
        }
    };
    let timeout = Duration::from_secs(section.number(&limits::NOTIFY_TIMEOUT, false));
    let mut channels = Vec::new();
    channels.extend(command(&mut section));
    channels.extend(section.section("webhook").and_then(webhook));
    channels.extend(section.section("mail").and_then(mail));
    if !["command", "webhook", "mail"]
        .iter()
        .any(|key| section.has(key))
    {
        let what = "[notify] needs command = [\"...\"], [notify.webhook] or [notify.mail]";
        document.wrong(&section.span, what);
    }
    section.finish();
    let notice = |channel| Notice {
        on: on.clone(),
        channel,
        timeout,
    };
    channels.into_iter().map(notice).collect()
}

fn command(section: &mut Section<'_>) -> Option<Channel> {
    let document = section.document;
    let mut words = section.list("command")?;
    let Some(program) = words.first_mut().filter(|w| !w.value.trim().is_empty()) else {
        document.wrong(
            &section.place("command"),
            "`notify.command` names no program",
        );
        return None;
    };
    if program.value.contains('/') {
        let path = document.path_of(program);
        if !path.is_file() {
            document.wrong(&program.span, format!("no such file: {}", path.display()));
            return None;
        }
        program.value = std::path::absolute(&path)
            .unwrap_or(path)
            .display()
            .to_string();
    }
    Some(Channel::Command(
        words.into_iter().map(|w| w.value).collect(),
    ))
}

fn webhook(mut section: Section<'_>) -> Option<Channel> {
    let document = section.document;
    let place = section.span.clone();
    let plain = section.text("url");
    let hidden = optional_secret(&mut section, &URL);
    let url = match (plain, hidden) {
        (Some(text), None) => Some((text.value, text.span)),
        (None, Some(secret)) => Some((secret.expose().to_owned(), place.clone())),
        (Some(text), Some(_)) => {
            document.wrong(
                &text.span,
                "both a plain and a secret url are given: keep one",
            );
            None
        }
        (None, None) => {
            if !["url", URL.env, URL.file]
                .iter()
                .any(|key| section.has(key))
            {
                document.wrong(&place, "[notify.webhook] needs url, url_env or url_file");
            }
            None
        }
    };
    let header = section.text("header");
    let secret = optional_secret(&mut section, &HEADER);
    let header = match (header, secret) {
        (Some(name), Some(secret)) => Some((name, secret)),
        (None, Some(secret)) => {
            let name = Text::new("Authorization", place.clone());
            Some((name, secret))
        }
        (Some(name), None) => {
            if !section.has(HEADER.env) && !section.has(HEADER.file) {
                let what = "`header` needs its value: secret_env or secret_file";
                document.wrong(&name.span, what);
            }
            None
        }
        (None, None) => None,
    };
    section.finish();
    if let Some((name, secret)) = &header {
        let fits = reqwest::header::HeaderName::from_bytes(name.value.as_bytes()).is_ok()
            && reqwest::header::HeaderValue::from_str(secret.expose()).is_ok();
        if !fits {
            document.wrong(
                &name.span,
                "name or value is nothing that an HTTP header can hold",
            );
            return None;
        }
    }
    let (url, span) = url?;
    if let Err(what) = hook(&url) {
        document.wrong(&span, what);
        return None;
    }
    Some(Channel::Webhook {
        url: Secret::new(url),
        header: header.map(|(name, secret)| (name.value, secret)),
    })
}

fn mail(mut section: Section<'_>) -> Option<Channel> {
    let document = section.document;
    let to = section.list("to").unwrap_or_default();
    if to.is_empty() && !section.has("to") {
        document.wrong(&section.span, "[notify.mail] needs to = [\"...\"]");
    }
    let from = section.text("from");
    let mut fine = !to.is_empty();
    for text in to.iter().chain(&from) {
        if let Err(what) = address(&text.value) {
            document.wrong(&text.span, what);
            fine = false;
        }
    }
    let sendmail = match section.text("sendmail") {
        None => PathBuf::from(SENDMAIL),
        Some(text) => document.path_of(&text),
    };
    if !sendmail.is_file() {
        let what = format!(
            "no mail program at {}: install one that sendmail is a name of (postfix, msmtp, \
             nullmailer), or name it with sendmail = \"...\"",
            sendmail.display()
        );
        document.wrong(&section.span, what);
        fine = false;
    }
    section.finish();
    fine.then(|| Channel::Mail {
        to: to.into_iter().map(|t| t.value).collect(),
        from: from.map(|t| t.value),
        sendmail: std::path::absolute(&sendmail).unwrap_or(sendmail),
    })
}

/// Whether tallies may be posted there.
fn hook(url: &str) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("the webhook's URL {what}"));
    let Ok(parsed) = url::Url::parse(url) else {
        return wrong("is not one like https://chat.example.org/hook");
    };
    match parsed.scheme() {
        "https" => Ok(()),
        "http" if super::connection::is_here(&parsed) => Ok(()),
        _ => wrong("must begin with https:// (http:// only to this machine)"),
    }
}

/// One address, without anything that a mail header would take for its own.
fn address(text: &str) -> Result<(), String> {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>,;:\"()".contains(c);
    let fine = text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && !host.is_empty() && !name.starts_with('-') && !host.contains('@')
    });
    match fine && text.chars().all(plain) {
        true => Ok(()),
        false => Err(format!("`{text}` is no mail address: write NAME@HOST")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn item_11_flags_name_a_channel() {
        let name = |text: &str| parse(text).map(|n| n.map(|n| n.channel.name()));
        assert_eq!(name("none"), Ok(None));
        assert_eq!(name("command:./tell.sh now"), Ok(Some("command")));
        assert_eq!(
            name("webhook:https://chat.example.org/x"),
            Ok(Some("webhook"))
        );
        assert_eq!(name("webhook:http://127.0.0.1:9/x"), Ok(Some("webhook")));
        assert_eq!(
            name("mail:ops@example.org,sis@example.org"),
            Ok(Some("mail"))
        );
        for wrong in [
            "tell.sh",
            "command:",
            "webhook:http://chat.example.org/x",
            "webhook:chat",
            "mail:ops",
            "mail:a@b\nBcc: c@d",
            "sms:1",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn item_11_ends_are_told_by_exit_code() {
        let covered = |on: On| (0..4).filter(|exit| on.covers(*exit)).collect::<Vec<u8>>();
        assert_eq!(covered(On::Completion), [0, 1, 2, 3]);
        assert_eq!(covered(On::Failure), [1, 2, 3]);
        assert_eq!(covered(On::FailedStart), [2]);
        assert_eq!(covered(On::Success), [0]);
    }
}
