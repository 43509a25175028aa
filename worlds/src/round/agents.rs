//! Agents that are lost during a run, and that come back.

use super::{Phase, Round};
use crate::id::{AgentId, Name, ServerId, SreId};
use crate::journal::Record;
use crate::process::Process;

impl Round {
    /// Notes that an SRE's process is lost; its decisions are empty from now on.
    pub fn lose_sre(&mut self, sre: SreId) {
        if std::mem::replace(&mut self.sre_processes[sre.index()], Process::Lost) != Process::Lost {
            self.write_lost(self.agent_name(AgentId::Sre(sre)));
        }
    }

    /// A server that was told its tick and has no report is gone from this round on.
    pub(super) fn note_lost_servers(&mut self) {
        for server in 0..self.servers.len() {
            if self.reports[server].is_some() || !self.server_processes[server].runs() {
                continue;
            }
            self.server_processes[server] = Process::Lost;
            self.doors.servers[server].closed = true;
            let name = self.agent_name(AgentId::Server(ServerId::from(server)));
            if !self.was_lost_before(server) {
                self.write_lost(name);
            }
        }
    }

    /// A lost server that should have come back in this round and did not is no other loss.
    fn was_lost_before(&self, server: usize) -> bool {
        let server = ServerId::from(server);
        let mut revivals = self.opening.revivals.iter();
        revivals.any(|revival| revival.agent.is_server(server) && revival.struck_by.is_none())
    }

    /// Between rounds: a lost server has a process again. From the next round on it is there, in
    /// its initial state.
    pub fn return_server(&mut self, server: ServerId) {
        assert!(matches!(self.phase, Phase::Closed), "agents come back between rounds");
        self.let_return(AgentId::Server(server));
    }

    /// Between rounds: a lost SRE has a process again, which knows nothing of what was before.
    pub fn return_sre(&mut self, sre: SreId) {
        assert!(matches!(self.phase, Phase::Closed), "agents come back between rounds");
        self.untold[sre.index()].clear();
        self.let_return(AgentId::Sre(sre));
    }

    fn let_return(&mut self, agent: AgentId) {
        if *self.process(agent) == Process::Lost {
            *self.process(agent) = Process::Runs;
            self.returning.push(self.agent_name(agent));
        }
    }

    /// What an agent is called on the bus.
    pub(super) fn agent_name(&self, agent: AgentId) -> Name {
        match agent {
            AgentId::Server(server) => format!("server-{}", self.world.servers[server.index()].name).into(),
            AgentId::Sre(sre) => format!("sre-{}", self.plan.sres[sre.index()].name).into(),
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
