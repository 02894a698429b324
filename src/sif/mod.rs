//! The agent of a SIF 2.x zone: messages, packets, the answering of requests, events.
//!
//! Reads: objects files, messages of the zone integration server. Writes: messages, the journal of
//! each request. Never: decides what an object looks like (the mappings and the metadata do).
//! Sources: SIF 2.x infrastructure specification (SIF_Message, SIF_Request, SIF_Response, SIF_Ack).

mod ack;
mod code;
mod message;
mod packet;
mod query;
mod request;
pub mod rest;

pub use ack::{Ack, AckError, Received, Status};
pub use code::{Delivery, SifError};
pub use message::{Header, Messages, NAMESPACE, Provided, Registration};
pub use packet::{Packed, Packer, TooLarge};
pub use query::{Condition, Conditions, Group, Operator, Query};
pub use request::{Request, RequestError};
