//! The agent against a zone that does as it is told.

mod answers;
mod events;
mod objects;
mod script;
mod trouble;
