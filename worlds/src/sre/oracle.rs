//! The oracle: knows the faults, and so shows about the best that the actions allow.

use crate::message::{Decision, Observation, SreBrief};

/// What only the oracle is told: its own input type, which no process is ever sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {}

/// The mind that is told.
#[derive(Debug)]
pub struct Oracle {}

impl Oracle {
    /// An oracle at the start of its shift.
    pub fn new(_brief: SreBrief) -> Self {
        todo!()
    }

    /// The best next actions.
    pub fn decide(&mut self, _observation: &Observation, _truth: &Truth) -> Decision {
        todo!()
    }
}
