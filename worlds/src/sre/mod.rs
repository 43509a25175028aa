//! Minds that are pure: what an SRE makes of an observation.

pub mod oracle;

use crate::message::{Decision, Observation, SreBrief};

/// A mind that needs nothing but what telemetry shows: `rules` and `none`.
#[derive(Debug)]
pub struct Mind {}

impl Mind {
    /// A mind at the start of its shift.
    ///
    /// # Panics
    /// When the brief is the oracle's: that one does not run behind a bus.
    pub fn new(_brief: SreBrief) -> Self {
        todo!()
    }

    /// What it makes of one round.
    pub fn decide(&mut self, _observation: &Observation) -> Decision {
        todo!()
    }
}
