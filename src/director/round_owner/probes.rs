//! Single requests: served between two rounds, one after the other, as the last round has left the world.
//!
//! Who comes while agents start or a round is open waits for the end of that round. A server that does not
//! answer, or answers what is no answer, is dropped by the bus; the next round finds it gone, and the run goes on
//! as if it had been found then. Nothing else of a run can follow from a request.

use super::{Phase, State};
use crate::director::DirectorError;
use crate::director::messages::ProbeOrder;
use crate::director::plausible;
use bus::wire::Refusal;
use worlds::id::ServerId;
use worlds::message::{Serve, Served};
use worlds::traffic::ProbeStep;

/// Single requests of a run.
#[derive(Default)]
pub(super) struct Probes {
    /// Those that were served.
    served: u64,
    /// Those that wait for the end of a round.
    waiting: Vec<ProbeOrder>,
}

impl State {
    /// Serves a request, now or after the round that is open.
    pub(super) async fn take_probe(&mut self, order: ProbeOrder) -> Result<(), DirectorError> {
        match self.phase {
            Phase::Between if self.round.number() > 0 => self.serve(order).await,
            // Whoever sent it hears that it is dropped.
            Phase::Over => Ok(()),
            _ => {
                self.probes.waiting.push(order);
                Ok(())
            }
        }
    }

    /// Serves those that waited for the end of the round.
    pub(super) async fn serve_waiting(&mut self) -> Result<(), DirectorError> {
        for order in std::mem::take(&mut self.probes.waiting) {
            self.serve(order).await?;
        }
        Ok(())
    }

    async fn serve(&mut self, ProbeOrder { to, ended }: ProbeOrder) -> Result<(), DirectorError> {
        // Who waits no longer needs no answer.
        if ended.is_closed() {
            return Ok(());
        }
        let Some((mut probe, mut step)) = self.round.probe(self.probes.served, to) else { return Ok(()) };
        self.probes.served += 1;
        loop {
            match step {
                ProbeStep::Ask(server, request) => {
                    let said = self.ask_one(server, request).await?;
                    step = self.round.follow(&mut probe, said);
                }
                ProbeStep::Done(end) => {
                    let _ = ended.send(end);
                    return Ok(());
                }
            }
        }
    }

    /// What a server says to a request; `None` if nothing comes of it.
    async fn ask_one(&mut self, server: ServerId, request: Serve) -> Result<Option<Served>, DirectorError> {
        let (seat, limit) = (self.lineup.servers[server.index()], self.run.answer_time);
        let hub = self.hub()?;
        let Ok(served) = hub.ask_server(seat, &request, limit).await else { return Ok(None) };
        if plausible::served(&served) {
            return Ok(Some(served));
        }
        hub.expel(seat, Refusal::Malformed);
        Ok(None)
    }
}
