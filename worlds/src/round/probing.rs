//! Single requests, followed by the state that the last round left.

use super::{Phase, Round};
use crate::chance::Key;
use crate::id::ServerId;
use crate::message::Served;
use crate::traffic::{Probe, ProbeScene, ProbeStep};

impl Round {
    /// Sends a single request to a server, between two rounds; `number` sets it apart from all others of the
    /// run. Nothing of the run is changed by it. `None` before the first round is closed, and while one is open.
    pub fn probe(&self, number: u64, to: ServerId) -> Option<(Probe, ProbeStep)> {
        let is_between = matches!(self.phase, Phase::Closed | Phase::Finished) && self.number > 0;
        is_between.then(|| {
            let mut probe = Probe::new(Key::derive(self.plan.seed, "probes", ""), number, self.number);
            let step = probe.send(self.scene(), to);
            (probe, step)
        })
    }

    /// Follows it on, with what the server said that was asked last; `None` if it said nothing.
    ///
    /// # Panics
    /// When nobody was asked: the last step said that it is over.
    pub fn follow(&self, probe: &mut Probe, said: Option<Served>) -> ProbeStep {
        probe.hear(self.scene(), said)
    }

    fn scene(&self) -> ProbeScene<'_> {
        let Self { world, traffic, doors, flow, folded, .. } = self;
        ProbeScene { world, traffic, doors, flow, folded }
    }
}
