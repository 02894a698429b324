//! Requests that come to their end: answered, or declined with an error.

use std::sync::Arc;

use chrono::Utc;

use super::answering::Answering;
use super::desk::{Desk, Job, Refusal};
use super::log::Note;
use super::packet::Packed;
use super::session::SyncError;
use super::shelved::{Answered, End};
use super::zone::{Outgoing, Taken, ZoneError};

impl Desk {
    /// Answers a request. In pull mode it is acknowledged after its last packet.
    ///
    /// # Errors
    /// [`SyncError`]: objects or journals cannot be read or written, or the zone cannot be reached.
    pub async fn answer(self: Arc<Self>, job: Job, acknowledge: bool) -> Result<(), SyncError> {
        let label = format!(
            "answer {} for {}",
            job.journal.asked.request.query.object, job.journal.asked.agent
        );
        self.progress.start(&label, None);
        let answered = Answering {
            desk: &self,
            label: &label,
        };
        let result = answered.run(job, acknowledge).await;
        self.progress.finish(&label, "");
        result
    }

    /// Answers a request with an error, and nothing else.
    ///
    /// # Errors
    /// The zone cannot be reached.
    pub async fn decline(&self, refusal: Refusal, acknowledge: bool) -> Result<(), SyncError> {
        let Refusal {
            msg_id,
            agent,
            object,
            contexts,
            error,
        } = refusal;
        tracing::warn!(request = msg_id, agent, object, %error, why = error.description, "refused");
        // An error must get through whatever the buffer of the request is.
        let version = self.agent.profile.version;
        if let Ok(packer) = self.packer(version, &contexts, &agent, &msg_id, 1 << 16) {
            let packed = packer.fail(&error, Utc::now());
            let about = Note::about(&agent, &object);
            match self.send(packed, about, false).await {
                Ok(_) | Err(ZoneError::Refused { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if acknowledge {
            self.settle(&agent, &msg_id).await?;
        }
        self.close(Answered {
            msg_id,
            agent,
            object,
            wanted: 0,
            delivered: 0,
            too_large: 0,
            packets: 0,
            bytes: 0,
            ended: Some(format!(
                "refused: {}/{} {}",
                error.category, error.code, error.description
            )),
            end: End::Declined,
        });
        Ok(())
    }

    pub(super) async fn send(
        &self,
        packed: Packed,
        about: Note,
        unsure: bool,
    ) -> Result<Taken, ZoneError> {
        let about = Note {
            packet: Some(packed.number),
            objects: Some(packed.objects),
            ..about
        };
        let message = Outgoing {
            kind: "SIF_Response",
            msg_id: &packed.msg_id,
            bytes: packed.bytes.into(),
            about,
            unsure,
        };
        self.agent.zone.send(message).await
    }

    /// Acknowledges a request; one that the zone no longer has is over all the same.
    pub(super) async fn settle(&self, agent: &str, msg_id: &str) -> Result<(), ZoneError> {
        match self.agent.acknowledge((agent, msg_id)).await {
            Err(ZoneError::Refused { error, .. }) => {
                tracing::warn!(request = msg_id, %error, "the zone did not take its acknowledgement");
                Ok(())
            }
            other => other,
        }
    }
}
