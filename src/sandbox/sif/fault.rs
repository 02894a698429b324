//! Faults that a zone plays, and their text form: `drop-after:packet=3`, `error:code=8/11,object=LEAInfo`.
//!
//! Reads: nothing. Writes: nothing. Never: randomness that a second run would not repeat.
//! Which messages are hit is counted as the other sandboxes count it: per message, so that a repeated
//! try (the same SIF_MsgId) is no new one.

use std::str::FromStr;

use super::id::Id;
use crate::sandbox::fault_plan::{Aim, FaultPlan};
use crate::sandbox::{Fault as Pick, FaultError};

/// One fault: what happens, and to which messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What happens.
    pub play: Play,
    /// Only packets of this number.
    pub packet: Option<u64>,
    /// How messages are chosen; `method` is the kind of message, `resource` the object.
    pick: Pick,
}

/// What happens to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Play {
    /// The connection is closed; the zone has not seen the message.
    Drop,
    /// The zone has taken the message, and then the connection is closed.
    DropAfter,
    /// SIF_Ack with status 8: the receiver is asleep.
    Asleep,
    /// SIF_Ack with an error; the zone has not taken the message.
    Error(u8, u8),
    /// `<FATAL_ERROR>` with HTTP 200.
    Fatal,
    /// The zone has taken the message, and acknowledges another one.
    OtherAck,
    /// This HTTP status without a body.
    Status(u16),
    /// The zone has taken the message, and the answer is cut off.
    Truncated,
    /// The answer comes this many milliseconds later.
    Slow(u64),
    /// The answer never comes; the zone has not taken the message.
    Hang,
    /// The zone has taken the message, and the answer never comes.
    HangAfter,
}

/// What a fault may choose a message by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark<'a> {
    /// `SIF_Response`.
    pub(super) kind: &'a str,
    /// The object that it is about, where there is one.
    pub(super) object: &'a str,
    /// SIF_PacketNumber.
    pub(super) packet: Option<u64>,
    pub(super) id: Id,
}

/// A fault with its counters.
#[derive(Debug)]
pub(super) struct Armed {
    fault: Fault,
    plan: FaultPlan,
}

impl Armed {
    pub(super) fn new(fault: Fault) -> Self {
        let plan = FaultPlan::new(vec![fault.pick.clone()]);
        Self { fault, plan }
    }

    /// What it does to a message, if it hits it.
    pub(super) fn strike(&self, mark: &Mark<'_>) -> Option<Play> {
        if self.fault.packet.is_some() && self.fault.packet != mark.packet {
            return None;
        }
        let aim = Aim {
            method: &mark.kind.to_ascii_uppercase(),
            resource: mark.object,
            data: mark.kind == "SIF_Response" || self.fault.pick.method.is_some(),
            object: mark.id.low(),
        };
        self.plan.strike(aim).map(|_| self.fault.play)
    }
}

/// Why a fault's text was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZoneFaultError {
    /// A kind that there is not.
    #[error(
        "`{0}` is no fault of a zone: drop, drop-after, 8, error:code=8/11, fatal, other-ack, \
         truncated, slow, hang, hang-after, or an HTTP status from 400 to 599"
    )]
    Kind(String),
    /// A value that is none.
    #[error("`{0}` is no value for `{1}`")]
    Value(String, &'static str),
    /// Another setting.
    #[error(transparent)]
    Pick(#[from] FaultError),
}

impl FromStr for Fault {
    type Err = ZoneFaultError;

    fn from_str(text: &str) -> Result<Self, ZoneFaultError> {
        let (kind, settings) = text.trim().split_once(':').unwrap_or((text.trim(), ""));
        let (mut play, mut packet) = (play(kind)?, None);
        // What is left is how the other sandboxes choose, and read by them.
        let mut rest = "reset:".to_owned();
        for setting in settings.split(',').map(str::trim).filter(|s| !s.is_empty()) {
            let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
            let wrong = |name| ZoneFaultError::Value(value.to_owned(), name);
            match (name, &mut play) {
                ("packet", _) => packet = Some(value.parse().map_err(|_| wrong("packet"))?),
                ("ms", Play::Slow(ms)) => *ms = value.parse().map_err(|_| wrong("ms"))?,
                ("code", Play::Error(category, code)) => {
                    let (a, b) = value.split_once('/').ok_or_else(|| wrong("code"))?;
                    *category = a.parse().map_err(|_| wrong("code"))?;
                    *code = b.parse().map_err(|_| wrong("code"))?;
                }
                ("message", _) => rest.push_str(&format!("method={value},")),
                ("object", _) => rest.push_str(&format!("resource={value},")),
                _ => rest.push_str(&format!("{setting},")),
            }
        }
        let pick = rest.parse()?;
        Ok(Self { play, packet, pick })
    }
}

fn play(kind: &str) -> Result<Play, ZoneFaultError> {
    Ok(match kind {
        "drop" => Play::Drop,
        "drop-after" => Play::DropAfter,
        "8" => Play::Asleep,
        "error" => Play::Error(11, 1),
        "fatal" => Play::Fatal,
        "other-ack" => Play::OtherAck,
        "truncated" => Play::Truncated,
        "slow" => Play::Slow(1000),
        "hang" => Play::Hang,
        "hang-after" => Play::HangAfter,
        status => match status.parse() {
            Ok(status @ 400..=599) => Play::Status(status),
            _ => return Err(ZoneFaultError::Kind(kind.to_owned())),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(text: &str, packets: &[(u64, u8)]) -> Vec<bool> {
        let armed = Armed::new(text.parse().unwrap());
        let hit = |(packet, id): &(u64, u8)| {
            let id = format!("{id:032X}").parse().unwrap();
            let mark = Mark {
                kind: "SIF_Response",
                object: "LEAInfo",
                packet: Some(*packet),
                id,
            };
            armed.strike(&mark).is_some()
        };
        packets.iter().map(hit).collect()
    }

    #[test]
    fn faults_choose_packets_and_not_their_repetition() {
        let sent = [(1, 1), (2, 2), (2, 2), (3, 3)];
        assert_eq!(hits("drop:packet=2", &sent), [false, true, false, false]);
        assert_eq!(hits("8:every=2,always", &sent), [false, true, true, false]);
        assert_eq!(hits("drop:message=SIF_Event", &sent), [false; 4]);
        assert_eq!(hits("error:object=SchoolInfo", &sent), [false; 4]);
        assert_eq!(
            hits("error:object=leainfo,limit=1", &sent),
            [true, false, false, false]
        );
    }

    #[test]
    fn texts_are_read_or_refused() {
        let play = |text: &str| text.parse::<Fault>().map(|f| f.play);
        assert_eq!(play("error:code=8/11"), Ok(Play::Error(8, 11)));
        assert_eq!(play("503:always"), Ok(Play::Status(503)));
        assert_eq!(play("slow:ms=20"), Ok(Play::Slow(20)));
        assert!(matches!(play("boom"), Err(ZoneFaultError::Kind(_))));
        assert!(matches!(
            play("error:code=8"),
            Err(ZoneFaultError::Value(..))
        ));
        assert!(matches!(play("drop:every=x"), Err(ZoneFaultError::Pick(_))));
    }
}
