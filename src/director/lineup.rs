//! Who takes part in a run, and where: servers and SREs of the model, seats of the bus.

use super::messages::{Order, ProgramOrder};
use super::{DirectorError, ProcessRun};
use crate::config::Manual;
use crate::event::Agent;
use crate::sre_programs::{Programs, is_program};
use agents::program::log::LogTo;
use bus::hub::{Admits, Hub, SeatId, SeatPlan};
use bus::token::Token;
use bus::wire::{Brief, Role};
use std::collections::BTreeMap;
use std::sync::Arc;
use worlds::definition::SreKind;
use worlds::id::{AgentId, Name};
use worlds::plan::SrePlan;
use worlds::round::Round;
use worlds::sre::oracle::Oracle;

/// Everybody who takes part.
#[derive(Debug)]
pub(super) struct Lineup {
    /// The seat of each server, in the order of the world.
    pub(super) servers: Vec<SeatId>,
    /// Each SRE, by name.
    pub(super) sres: Vec<Sre>,
    /// What each seat is for.
    pub(super) seats: BTreeMap<SeatId, SeatFacts>,
}

/// Where an SRE thinks.
#[derive(Debug)]
pub(super) enum Sre {
    /// In a process.
    Process(SeatId),
    /// In a process that stands for a program, which may take the time it likes.
    Program(SeatId),
    /// Here: what it is told leaves the director for nobody.
    Oracle(Box<Oracle>),
}

impl Sre {
    /// The seat of one that has a process.
    pub(super) fn seat(&self) -> Option<SeatId> {
        match self {
            Sre::Process(seat) | Sre::Program(seat) => Some(*seat),
            Sre::Oracle(_) => None,
        }
    }
}

/// What a seat is for.
#[derive(Debug)]
pub(super) struct SeatFacts {
    pub(super) role: Role,
    /// The name without the role.
    pub(super) name: Name,
    /// The name on the bus.
    pub(super) agent: Name,
    /// The server's type, or `sre`.
    pub(super) kind: Name,
    /// Started by hand.
    pub(super) manual: bool,
    /// For an SRE that is a program.
    pub(super) program: Option<Arc<ProgramOrder>>,
    /// How many processes took the seat before.
    pub(super) generation: u64,
}

impl SeatFacts {
    /// The agent that took the seat.
    pub(super) fn seen(&self, pid: u32) -> Agent {
        Agent { name: self.agent.clone(), kind: self.kind.clone(), pid }
    }

    /// The order for a process to take the seat.
    fn order(&self, seat: SeatId, token: Token) -> Order {
        let (name, program) = (self.name.to_string(), self.program.clone());
        Order { seat, generation: self.generation, role: self.role, name, token, program }
    }
}

impl Lineup {
    /// Opens a seat for everybody; gives the processes that the director has to start.
    pub(super) fn take_seats(
        hub: &mut Hub,
        run: &ProcessRun,
        round: &Round,
    ) -> Result<(Self, Vec<Order>), DirectorError> {
        let ProcessRun { world, plan, manual, programs, .. } = run;
        let mut lineup = Self { servers: Vec::new(), sres: Vec::new(), seats: BTreeMap::new() };
        let mut orders = Vec::new();
        for (server, brief) in world.definition.servers.iter().zip(round.server_briefs()) {
            let facts = facts(Role::Server, &server.name, &server.kind, manual);
            let seat = lineup.seat(hub, facts, None, Brief::Server(Box::new(brief)), &mut orders)?;
            lineup.servers.push(seat);
        }
        for (sre, brief) in plan.sres.iter().zip(round.sre_briefs()) {
            if sre.kind == SreKind::Oracle {
                let oracle = Oracle::new(Arc::clone(&world.study), brief.last_request);
                lineup.sres.push(Sre::Oracle(Box::new(oracle)));
                continue;
            }
            let program = program_order(sre, programs).map(Arc::new);
            let facts = SeatFacts { program, ..facts(Role::Sre, &sre.name, "sre", manual) };
            let seat = lineup.seat(hub, facts, sre.skill, Brief::Sre(Box::new(brief)), &mut orders)?;
            lineup.sres.push(if is_program(sre) { Sre::Program(seat) } else { Sre::Process(seat) });
        }
        Ok((lineup, orders))
    }

    /// The seat of somebody who has a process.
    pub(super) fn seat_of(&self, agent: AgentId) -> Option<SeatId> {
        match agent {
            AgentId::Server(server) => Some(self.servers[server.index()]),
            AgentId::Sre(sre) => self.sres[sre.index()].seat(),
        }
    }

    /// The order for a process to follow one that was lost.
    pub(super) fn successor(&mut self, seat: SeatId, token: Token) -> Option<Order> {
        let facts = self.seats.get_mut(&seat)?;
        facts.generation += 1;
        Some(facts.order(seat, token))
    }

    fn seat(
        &mut self,
        hub: &mut Hub,
        facts: SeatFacts,
        skill: Option<worlds::definition::SkillName>,
        brief: Brief,
        orders: &mut Vec<Order>,
    ) -> Result<SeatId, DirectorError> {
        let own = Token::random().map_err(DirectorError::Randomness)?;
        let admits = if facts.manual { Admits::Anyone } else { Admits::Holder(own.clone()) };
        let seat = hub.add_seat(SeatPlan { name: facts.name.to_string(), skill, brief, admits })?;
        if !facts.manual {
            orders.push(facts.order(seat, own));
        }
        self.seats.insert(seat, facts);
        Ok(seat)
    }
}

fn facts(role: Role, name: &str, kind: &str, manual: &Manual) -> SeatFacts {
    let manual = manual.holds(name);
    SeatFacts {
        role,
        name: name.into(),
        agent: role.agent_name(name).into(),
        kind: kind.into(),
        manual,
        program: None,
        generation: 0,
    }
}

fn program_order(sre: &SrePlan, programs: &Programs) -> Option<ProgramOrder> {
    let log = match programs.log(&sre.name) {
        LogTo::File(path) => Some(path),
        LogTo::StandardError | LogTo::Nowhere | LogTo::Memory => None,
    };
    Some(ProgramOrder { command: sre.command.clone()?, deadline: programs.deadline, log })
}
