//! What a round does to processes: those that faults hit, and those that run again.

use super::Round;
use crate::id::{AgentId, SreId};
use crate::journal::FaultEnd;
use crate::process::{Process, Revival, Reviving, Strike};
use std::ops::Range;

impl Round {
    /// Whether an SRE has a process that runs, so that it can be asked.
    pub fn is_present(&self, sre: SreId) -> bool {
        self.sre_processes[sre.index()].runs()
    }

    pub(super) fn process(&mut self, agent: AgentId) -> &mut Process {
        match agent {
            AgentId::Server(server) => &mut self.server_processes[server.index()],
            AgentId::Sre(sre) => &mut self.sre_processes[sre.index()],
        }
    }

    /// Has those run again on whose process no fault is at work any more.
    pub(super) fn revive(&mut self) {
        let mut away = std::mem::take(&mut self.away);
        away.retain(|agent| {
            let still = self.is_held(*agent);
            if !still {
                self.revive_one(*agent);
            }
            still
        });
        self.away = away;
    }

    fn is_held(&self, agent: AgentId) -> bool {
        let mut faults = self.faults.in_force().filter(|fault| fault.planned.target == agent);
        faults.any(|fault| fault.process(&self.world, self.number).is_some())
    }

    fn revive_one(&mut self, agent: AgentId) {
        match self.process(agent) {
            Process::Killed { .. } => self.run_again(agent, Reviving::Start),
            Process::Paused { .. } => self.run_again(agent, Reviving::Resume),
            Process::Runs | Process::Lost => {}
        }
    }

    /// An action gives an agent a new process.
    pub(super) fn start(&mut self, agent: AgentId) {
        self.away.retain(|other| *other != agent);
        self.run_again(agent, Reviving::Start);
    }

    fn run_again(&mut self, agent: AgentId, how: Reviving) {
        let struck_by = std::mem::take(self.process(agent)).struck_by();
        if let (AgentId::Sre(sre), Reviving::Start) = (agent, how) {
            self.untold[sre.index()].clear();
            self.late_results.retain(|(_, whose, _)| *whose != sre);
            self.changes.orphan(sre);
        }
        self.opening.revivals.push(Revival { agent, how, struck_by });
    }

    /// Has the faults that begin hit processes.
    pub(super) fn strike(&mut self, injected: Range<usize>) {
        for position in injected {
            let fault = &self.faults.injected()[position];
            if let Some(effect) = fault.kind(&self.world).effect.process {
                let strike = Strike { fault: fault.id, agent: fault.planned.target, effect };
                self.strike_one(strike);
            }
        }
    }

    fn strike_one(&mut self, strike: Strike) {
        let Strike { fault, agent, effect } = strike;
        let process = self.process(agent);
        if let Some(struck) = process.struck(fault, effect) {
            *process = struck;
            if !self.away.contains(&agent) {
                self.away.push(agent);
            }
            self.opening.strikes.push(strike);
        }
        if matches!(self.process(agent), Process::Killed { .. }) {
            let ended = self.faults.end_pauses(&self.world, self.number, agent);
            self.write_ended(ended, FaultEnd::Expired);
        }
    }
}
