//! Faults that a sandbox plays, and their text form: `429:every=10,retry-after=1s`.
//!
//! Reads: nothing. Writes: nothing. Never: randomness that a second run would not repeat.

use std::fmt;
use std::str::FromStr;

use super::RetryAfter;

/// One fault: what happens, and to which requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// Only this method (`POST`).
    pub method: Option<String>,
    /// Only this resource (`students`); `oauth`, `metadata` and `discovery` name the other
    /// routes. `None`: every data request and no other.
    pub resource: Option<String>,
    /// Every how many objects (a retry is the same object) one is hit; for `expire-tokens`, every
    /// how many requests.
    pub every: u64,
    /// How often a hit object is hit before it passes; `None`: always.
    pub times: Option<u32>,
    /// The first objects that pass.
    pub after: u64,
    /// At most this many objects are hit.
    pub limit: Option<u64>,
    /// Chooses objects by their own hash instead of by their order of arrival: the same ones
    /// whatever the concurrency, `every` being their average distance.
    pub seed: Option<u64>,
}

/// What happens to a request that a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// 429. `None`: the `Retry-After` of the quirks.
    TooManyRequests(Option<RetryAfter>),
    /// Any other status, with a body of the stated kind. 400, 403, 409 with a problem body are
    /// what the real server says for bad data, a missing relationship and an unresolved reference.
    Status {
        /// HTTP status, 400 to 599.
        status: u16,
        /// What stands in the body.
        body: FaultBody,
        /// `Retry-After`, if any.
        retry_after: Option<RetryAfter>,
    },
    /// The answer comes this many milliseconds later.
    Slow {
        /// Milliseconds.
        ms: u64,
    },
    /// The answer never comes.
    Hang,
    /// The connection is reset; nothing was stored.
    Reset,
    /// The change is stored and then the connection is reset.
    ResetAfterCommit,
    /// The answer announces more bytes than it sends, then the connection closes.
    TruncatedBody {
        /// Whether the change is stored.
        stored: bool,
    },
    /// Every token is revoked before the request is looked at.
    ExpireTokens,
}

/// What stands in the body of a faulty status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultBody {
    /// What the real server says.
    Problem,
    /// Nothing.
    Empty,
    /// A gateway's HTML page.
    Html,
}

impl Fault {
    /// A fault that hits every data request once per object.
    pub fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            method: None,
            resource: None,
            every: 1,
            times: Some(1),
            after: 0,
            limit: None,
            seed: None,
        }
    }
}

/// Why a fault's text was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot read the fault `{text}`: {why}; \
     write KIND[:name=value,..], for example `429:every=10,retry-after=1s`"
)]
pub struct FaultError {
    text: String,
    why: String,
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        parse(text).map_err(|why| FaultError {
            text: text.to_owned(),
            why,
        })
    }
}

fn parse(text: &str) -> Result<Fault, String> {
    let (name, settings) = text.trim().split_once(':').unwrap_or((text.trim(), ""));
    let mut fault = Fault::new(kind(name)?);
    for setting in settings.split(',').map(str::trim).filter(|s| !s.is_empty()) {
        let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
        set(&mut fault, name.trim(), value.trim())?;
    }
    Ok(fault)
}

fn kind(name: &str) -> Result<FaultKind, String> {
    Ok(match name {
        "429" => FaultKind::TooManyRequests(None),
        "slow" => FaultKind::Slow { ms: 1000 },
        "hang" => FaultKind::Hang,
        "reset" => FaultKind::Reset,
        "reset-after-commit" => FaultKind::ResetAfterCommit,
        "truncated" => FaultKind::TruncatedBody { stored: true },
        "expire-tokens" => FaultKind::ExpireTokens,
        "empty-conflict" => FaultKind::Status {
            status: 409,
            body: FaultBody::Empty,
            retry_after: None,
        },
        status => match status.parse() {
            Ok(status @ 400..=599) => FaultKind::Status {
                status,
                body: FaultBody::Problem,
                retry_after: None,
            },
            _ => {
                return Err(format!(
                    "`{status}` is no kind: a status from 400 to 599, slow, hang, reset, \
                     reset-after-commit, truncated, expire-tokens, empty-conflict"
                ));
            }
        },
    })
}

fn set(fault: &mut Fault, name: &str, value: &str) -> Result<(), String> {
    match (name, &mut fault.kind) {
        ("method", _) => fault.method = Some(value.to_ascii_uppercase()),
        ("resource", _) => fault.resource = Some(value.to_owned()),
        ("every", _) => fault.every = number(name, value)?.max(1),
        ("times", _) => {
            let times = number(name, value)?;
            fault.times = Some(u32::try_from(times).map_err(|_| "`times` is too large")?);
        }
        ("always", _) => fault.times = None,
        ("after", _) => fault.after = number(name, value)?,
        ("limit", _) => fault.limit = Some(number(name, value)?),
        ("seed", _) => fault.seed = Some(number(name, value)?),
        ("ms", FaultKind::Slow { ms }) => *ms = number(name, value)?,
        ("stored", FaultKind::TruncatedBody { stored }) => {
            *stored = value
                .parse()
                .map_err(|_| "`stored` is true or false".to_owned())?;
        }
        (
            "retry-after",
            FaultKind::TooManyRequests(retry_after) | FaultKind::Status { retry_after, .. },
        ) => *retry_after = Some(value.parse()?),
        ("body", FaultKind::Status { body, .. }) => {
            *body = match value {
                "problem" => FaultBody::Problem,
                "empty" => FaultBody::Empty,
                "html" => FaultBody::Html,
                _ => return Err("`body` is problem, empty or html".to_owned()),
            }
        }
        _ => return Err(format!("`{name}` is no setting of this kind")),
    }
    Ok(())
}

pub(super) fn number(name: &str, value: &str) -> Result<u64, String> {
    value
        .parse()
        .map_err(|_| format!("`{name}` needs a whole number, not `{value}`"))
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            FaultKind::TooManyRequests(_) => f.write_str("429")?,
            FaultKind::Status { status, .. } => write!(f, "{status}")?,
            FaultKind::Slow { .. } => f.write_str("slow")?,
            FaultKind::Hang => f.write_str("hang")?,
            FaultKind::Reset => f.write_str("reset")?,
            FaultKind::ResetAfterCommit => f.write_str("reset-after-commit")?,
            FaultKind::TruncatedBody { .. } => f.write_str("truncated")?,
            FaultKind::ExpireTokens => f.write_str("expire-tokens")?,
        }
        write!(f, ":every={}", self.every)?;
        match self.times {
            Some(times) => write!(f, ",times={times}")?,
            None => f.write_str(",always")?,
        }
        if self.after > 0 {
            write!(f, ",after={}", self.after)?;
        }
        if let Some(limit) = self.limit {
            write!(f, ",limit={limit}")?;
        }
        if let Some(seed) = self.seed {
            write!(f, ",seed={seed}")?;
        }
        if let Some(method) = &self.method {
            write!(f, ",method={method}")?;
        }
        if let Some(resource) = &self.resource {
            write!(f, ",resource={resource}")?;
        }
        match self.kind {
            FaultKind::TooManyRequests(Some(after)) => write!(f, ",retry-after={after}"),
            FaultKind::Status {
                body, retry_after, ..
            } => {
                match body {
                    FaultBody::Problem => {}
                    FaultBody::Empty => f.write_str(",body=empty")?,
                    FaultBody::Html => f.write_str(",body=html")?,
                }
                match retry_after {
                    Some(after) => write!(f, ",retry-after={after}"),
                    None => Ok(()),
                }
            }
            FaultKind::Slow { ms } => write!(f, ",ms={ms}"),
            FaultKind::TruncatedBody { stored: false } => f.write_str(",stored=false"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_as_it_is_written() {
        for text in [
            "429:every=10,times=1,retry-after=1s",
            "503:every=3,always,body=html,retry-after=2s-date",
            "slow:every=1,times=1,after=5,limit=7,seed=42,method=POST,resource=students,ms=20",
            "truncated:every=2,times=3,stored=false",
            "409:every=1,times=1,body=empty",
            "reset-after-commit:every=1,times=1",
            "429:every=1,times=1,retry-after=500ms-header",
            "expire-tokens:every=100,times=1",
        ] {
            let fault: Fault = text.parse().unwrap();
            assert_eq!(fault.to_string(), text);
        }
        assert_eq!("hang".parse(), Ok(Fault::new(FaultKind::Hang)));
        let short: Fault = "empty-conflict".parse().unwrap();
        assert_eq!(short.to_string(), "409:every=1,times=1,body=empty");
    }

    #[test]
    fn a_wrong_fault_says_why() {
        for (text, why) in [
            ("boom", "is no kind"),
            ("200", "is no kind"),
            ("429:every=x", "whole number"),
            ("429:ms=3", "no setting of this kind"),
            ("503:body=xml", "problem, empty or html"),
            ("429:retry-after=soon", "retry-after"),
            ("429:retry-after=\u{e4}s", "whole number"),
        ] {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
