//! (in progress)
use crate::object::*;
#[derive(Debug)]
pub struct Example {
    pub key: String,
    pub source: String,
    pub status: u16,
    pub message: String,
    pub root: Option<String>,
}
#[derive(Debug)]
pub struct ResourceTally;
impl ResourceTally {
    pub fn new(_n: &str) -> Self {
        Self
    }
    pub fn record(
        &mut self,
        _o: Outcome,
        _r: Option<&Reason>,
        _k: bool,
        _e: impl FnOnce() -> Example,
    ) {
    }
    pub fn latency(&mut self, _us: u32, _a: u16) {}
}
