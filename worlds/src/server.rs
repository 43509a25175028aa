//! The physics of one server: what a host and its services make of a round's requests.

use crate::message::{Report, ServerBrief, Tick};

/// A server's state.
#[derive(Debug)]
pub struct Server {}

impl Server {
    /// A server in its initial state, drawn from its own dice.
    pub fn new(_brief: ServerBrief) -> Self {
        todo!()
    }

    /// One round.
    pub fn step(&mut self, _tick: &Tick) -> Report {
        todo!()
    }
}
