//! The agent of a SIF 2.x zone: messages, packets, the answering of requests, events.
//!
//! Reads: objects files, messages of the zone integration server. Writes: messages, the journal of
//! each request. Never: decides what an object looks like (the mappings and the metadata do).
//! Sources: SIF 2.x infrastructure specification (SIF_Message, SIF_Request, SIF_Response, SIF_Ack).

mod ack;
mod agent;
mod answer;
mod answering;
mod changes;
mod code;
mod context;
mod deliver;
mod delta;
mod desk;
mod difference;
mod events;
mod fates;
mod filter;
mod foresee;
mod handover;
mod journal;
pub mod log;
mod message;
mod packet;
mod predicate;
mod push;
mod query;
mod recall;
mod request;
mod session;
mod settle;
mod shelf;
mod shelved;
mod tell;
mod tls;
mod traffic;
mod transition;
mod zone;
mod zone_status;

pub use ack::{Ack, AckError, Received, Status};
pub use agent::{Agent, NEEDED, Profile, Rights, lacking};
pub use answer::{Packet, Part, make};
pub use changes::{Action, Changed};
pub use code::SifError;
pub use context::DEFAULT_CONTEXT;
pub use delta::delta;
pub use desk::{Cancel, Desk, Job, Refusal, Reply};
pub use difference::{Difference, compare};
pub use events::{EventSettings, Told};
pub use fates::{Fate, Fates, RowState};
pub use filter::{Filter, FilterError};
pub use handover::{Exceptions, Handover, Handovers};
pub use journal::{Asked, Journal, Line, PacketLine, Progress};
pub use message::{Header, Messages, NAMESPACE, Provided, Registration};
pub use packet::{Packed, Packer, TooLarge};
pub use predicate::{AnyOf, Predicate};
pub use push::push;
pub use query::{Condition, Conditions, Group, Operator, Query};
pub use request::{Request, RequestError};
pub use session::{Stay, SyncError, pull};
pub use settle::Demand;
pub use shelf::{Shelf, ShelfError, Wanted};
pub use shelved::{Answered, End, Shelved};
pub use traffic::Meter;
pub use transition::{Acked, Move, Transition};
pub use zone::{Outgoing, Taken, Zone, ZoneError};
pub use zone_status::ZoneStatus;

#[cfg(test)]
mod tests;
