//! Our agent in a zone: registration, rights, what it provides, sleep; and the queue that the zone
//! keeps for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::Utc;

use super::ack::{Received, Status};
use super::code::SifError;
use super::log::Note;
use super::message::{Header, Messages, Provided, Registration};
use super::zone::{Outgoing, Taken, Zone, ZoneError};
use super::zone_status::ZoneStatus;
use crate::xml::Version;

/// The rights that an agent has, by access (`SIF_ProvideAccess`).
pub type Rights = BTreeMap<String, BTreeSet<String>>;

/// What providing an object takes: access in the zone's words, and in ours.
pub const NEEDED: [(&str, &str); 5] = [
    ("SIF_ProvideAccess", "provide"),
    ("SIF_RespondAccess", "respond"),
    ("SIF_PublishAddAccess", "publish Add"),
    ("SIF_PublishChangeAccess", "publish Change"),
    ("SIF_PublishDeleteAccess", "publish Delete"),
];

/// What the agent says of itself.
#[derive(Clone, Debug)]
pub struct Profile {
    /// SIF_SourceId.
    pub source_id: String,
    /// Name for people.
    pub name: String,
    /// Highest version that is spoken.
    pub version: Version,
    /// Largest message that it takes, in bytes.
    pub max_buffer: u64,
    /// URL of a push agent; None: pull.
    pub push_url: Option<String>,
    /// The contexts that everything is provided in.
    pub contexts: Vec<String>,
}

/// Our agent.
#[derive(Clone, Debug)]
pub struct Agent {
    /// The zone.
    pub zone: Arc<Zone>,
    /// What it says of itself.
    pub profile: Profile,
    /// Makes its messages.
    pub messages: Messages,
}

impl Agent {
    /// An agent in a zone.
    pub fn new(zone: Arc<Zone>, profile: Profile) -> Self {
        let messages = Messages::new(profile.version, &profile.source_id);
        Self {
            zone,
            profile,
            messages,
        }
    }

    /// Versions that requests are answered in, the configured one being the highest.
    pub fn versions(&self) -> Vec<Version> {
        let revised = Version {
            revision: 1,
            ..Version::new(2, 0)
        };
        let plain = (0..=9).map(|minor| Version::new(2, minor));
        plain
            .chain([revised])
            .filter(|version| *version <= self.profile.version)
            .collect()
    }

    /// SIF_Register; the rights that the zone tells with it. Registering again is allowed.
    ///
    /// # Errors
    /// [`ZoneError`].
    pub async fn register(&self) -> Result<Rights, ZoneError> {
        let versions = ["2.*".to_owned()];
        let registration = Registration {
            name: &self.profile.name,
            versions: &versions,
            max_buffer: self.profile.max_buffer,
            push_url: self.profile.push_url.as_deref(),
        };
        let header = self.header();
        let bytes = self.messages.register(&header, &registration);
        Ok(self
            .say("SIF_Register", &header, bytes)
            .await?
            .status
            .access)
    }

    /// SIF_Provision: these objects are provided, and events of these are published.
    ///
    /// # Errors
    /// [`ZoneError`].
    pub async fn provision(&self, provided: Provided<'_>) -> Result<(), ZoneError> {
        let header = self.header();
        let bytes = self.messages.provision(&header, provided);
        self.say("SIF_Provision", &header, bytes).await.map(|_| ())
    }

    /// SIF_Unregister: the zone drops what we provide, and our queue.
    ///
    /// # Errors
    /// [`ZoneError`].
    pub async fn unregister(&self) -> Result<(), ZoneError> {
        let header = self.header();
        let bytes = self.messages.unregister(&header);
        self.say("SIF_Unregister", &header, bytes).await.map(|_| ())
    }

    /// SIF_SystemControl with an empty command (`SIF_Wakeup`, `SIF_Sleep`, `SIF_Ping`, ...).
    ///
    /// # Errors
    /// [`ZoneError`].
    pub async fn control(&self, command: &str) -> Result<Status, ZoneError> {
        let header = self.header();
        let bytes = self.messages.control(&header, command);
        Ok(self.say(command, &header, bytes).await?.status)
    }

    /// What the zone tells of itself. When it takes compressed messages, it gets them from now on.
    ///
    /// # Errors
    /// [`ZoneError`].
    pub async fn zone_status(&self) -> Result<ZoneStatus, ZoneError> {
        let status = self.control("SIF_GetZoneStatus").await?;
        let zone = status.zone.unwrap_or_default();
        if zone.takes_gzip() {
            self.zone.compress();
        }
        Ok(zone)
    }

    /// The rights that we have.
    ///
    /// # Errors
    /// [`ZoneError`]; 4/9 or category 5 where the zone does not know us.
    pub async fn rights(&self) -> Result<Rights, ZoneError> {
        Ok(self.control("SIF_GetAgentACL").await?.access)
    }

    /// The next message of our queue, if there is one.
    ///
    /// # Errors
    /// [`ZoneError`].
    pub async fn next_message(&self) -> Result<Option<Received>, ZoneError> {
        let received = self.control("SIF_GetMessage").await?.received;
        if let Some(received) = &received {
            let object = match &received.request {
                Some(Ok(request)) => request.query.object.as_str(),
                _ => "",
            };
            let note = Note {
                at: Utc::now(),
                kind: received
                    .command
                    .clone()
                    .unwrap_or_else(|| received.kind.clone()),
                msg_id: received.msg_id.clone(),
                bytes: received.text.len() as u64,
                outcome: "received".to_owned(),
                ..Note::about(&received.source_id, object)
            };
            self.zone.log().add(note, received.text.as_bytes());
        }
        Ok(received)
    }

    /// Tells the zone that a message of our queue is taken (1): it is not handed out again.
    ///
    /// # Errors
    /// [`ZoneError`].
    pub async fn acknowledge(&self, of: (&str, &str)) -> Result<(), ZoneError> {
        let header = self.header();
        let bytes = self.messages.status(&header, of, 1);
        self.say("SIF_Ack", &header, bytes).await.map(|_| ())
    }

    /// Tells the zone that a message of our queue is of no use to us.
    ///
    /// # Errors
    /// [`ZoneError`].
    pub async fn refuse(&self, of: (&str, &str), error: &SifError) -> Result<(), ZoneError> {
        let header = self.header();
        let bytes = self.messages.refusal(&header, of, error);
        self.say("SIF_Ack", &header, bytes).await.map(|_| ())
    }

    fn header(&self) -> Header {
        Header::new(Utc::now(), None)
    }

    async fn say(&self, kind: &str, header: &Header, bytes: Vec<u8>) -> Result<Taken, ZoneError> {
        let message = Outgoing {
            kind,
            msg_id: &header.msg_id,
            bytes: bytes.into(),
            about: Note::default(),
            unsure: false,
        };
        self.zone.send(message).await
    }
}

/// Objects that lack a right, each with the rights that it lacks.
pub fn lacking<'a>(rights: &Rights, objects: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut lacking = Vec::new();
    for object in objects {
        let missing: Vec<&str> = NEEDED
            .iter()
            .filter(|(access, _)| !rights.get(*access).is_some_and(|o| o.contains(object)))
            .map(|(_, word)| *word)
            .collect();
        if !missing.is_empty() {
            lacking.push(format!("{object} ({})", missing.join(", ")));
        }
    }
    lacking
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_rights_are_named() {
        let all = |objects: &[&str]| {
            let set: BTreeSet<String> = objects.iter().map(|o| (*o).to_owned()).collect();
            NEEDED
                .iter()
                .map(|(access, _)| ((*access).to_owned(), set.clone()))
                .collect()
        };
        let mut rights: Rights = all(&["A", "B"]);
        assert_eq!(
            lacking(&rights, ["A", "B"].into_iter()),
            Vec::<String>::new()
        );
        rights.get_mut("SIF_RespondAccess").unwrap().remove("B");
        assert_eq!(lacking(&rights, ["A", "B"].into_iter()), ["B (respond)"]);
        assert_eq!(lacking(&rights, ["C"].into_iter()).len(), 1);
    }
}
