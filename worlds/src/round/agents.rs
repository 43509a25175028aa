//! Agents that are lost during a run, and that come back.

use super::{Phase, Round};
use crate::id::{Name, ServerId, SreId};
use crate::journal::Record;

impl Round {
    /// Notes that an SRE's process is lost; its decisions are empty from now on.
    pub fn lose_sre(&mut self, sre: SreId) {
        if !std::mem::replace(&mut self.lost_sres[sre.index()], true) {
            self.write_lost(sre_agent(&self.plan.sres[sre.index()].name));
        }
    }

    /// A server without a report is gone from this round on. One that should have come back in this
    /// round and did not was lost before: that is no other loss.
    pub(super) fn note_lost_servers(&mut self) {
        for server in 0..self.servers.len() {
            if self.reports[server].is_some() || std::mem::replace(&mut self.servers[server].lost, true) {
                continue;
            }
            self.doors.servers[server].closed = true;
            if self.opening.respawn.contains(&ServerId::from(server)) {
                continue;
            }
            self.write_lost(server_agent(&self.world.servers[server].name));
        }
    }

    /// Between rounds: a lost server has a process again. From the next round on it is there, in
    /// its initial state.
    pub fn return_server(&mut self, server: ServerId) {
        assert!(matches!(self.phase, Phase::Closed), "agents come back between rounds");
        if std::mem::take(&mut self.servers[server.index()].lost) {
            self.returning.push(server_agent(&self.world.servers[server.index()].name));
        }
    }

    /// Between rounds: a lost SRE has a process again, which knows nothing of what was before.
    pub fn return_sre(&mut self, sre: SreId) {
        assert!(matches!(self.phase, Phase::Closed), "agents come back between rounds");
        if std::mem::take(&mut self.lost_sres[sre.index()]) {
            self.untold[sre.index()].clear();
            self.returning.push(sre_agent(&self.plan.sres[sre.index()].name));
        }
    }

    fn write_lost(&mut self, agent: Name) {
        self.ledger.lost_agents.push(agent.clone());
        self.write(|round| Record::AgentLost { round: round.number, agent });
    }

    pub(super) fn write_returned(&mut self) {
        for agent in std::mem::take(&mut self.returning) {
            self.write(|round| Record::AgentReturned { round: round.number, agent });
        }
    }
}

fn server_agent(name: &str) -> Name {
    format!("server-{name}").into()
}

fn sre_agent(name: &str) -> Name {
    format!("sre-{name}").into()
}
