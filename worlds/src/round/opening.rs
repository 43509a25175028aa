//! How a round opens: faults expire, due actions act, new faults begin, and requests are sent on
//! their way.

use super::{Astray, Opening, Passage, Phase, Round, result_of};
use crate::change::{self, Pending, Standing};
use crate::chaos;
use crate::definition::{MessageKind, Role};
use crate::id::{AgentId, ServerId, SreId};
use crate::incident::Fault;
use crate::journal::{FaultEnd, Record};
use crate::message::{ActionOutcome, ActionRequest, Command, Conditions, Failure, Tick};
use crate::traffic::Door;
use std::sync::Arc;

impl Round {
    /// Opens the next round.
    pub fn open(&mut self) -> &Opening {
        assert!(matches!(self.phase, Phase::Closed), "a round opens after the last was closed");
        self.number += 1;
        self.changes.tidy(&self.world, self.number);
        // What a fault did may show for as long as a supervisor needs, and a round more.
        self.faults.forget(self.number, self.world.definition.host.supervisor_rounds + 1);
        let users = self.traffic.users(&self.world, self.number);
        self.write(|round| Record::RoundOpened { round: round.number, requests: u64::from(users) });
        self.write_returned();

        self.clear_ticks();
        self.expire_faults();
        self.revive();
        self.act_on_what_is_due();
        // What was cured in another way than by a restart.
        self.revive();
        self.inject_faults();

        self.set_doors();
        self.traffic.flow(&self.world, self.number, users, &self.doors, &mut self.flow);
        self.set_ticks();
        self.phase = Phase::Opened;
        &self.opening
    }

    /// Makes the ticks ready for the commands of this round.
    fn clear_ticks(&mut self) {
        self.costs.clear();
        self.astray.clear();
        self.opening.revivals.clear();
        self.opening.strikes.clear();
        for tick in &mut self.opening.ticks {
            let tick = tick.get_or_insert_default();
            tick.round = self.number;
            tick.commands.clear();
        }
    }

    fn expire_faults(&mut self) {
        let ended = self.faults.expire(&self.world, self.number, &self.reports, &self.server_processes);
        self.write_ended(ended, FaultEnd::Expired);
    }

    fn inject_faults(&mut self) {
        let mut planned = std::mem::take(&mut self.scratch.planned);
        self.chaos.faults_of(&self.world, self.number, &mut planned);
        self.write_volleys();
        let injected = self.faults.inject(&planned);
        for position in injected.clone() {
            self.write_injected(position);
        }
        self.strike(injected);
        self.scratch.planned = planned;
    }

    fn act_on_what_is_due(&mut self) {
        let mut due = std::mem::take(&mut self.scratch.due);
        self.changes.due(self.number, &mut due);
        for pending in &due {
            match self.passage(pending.request.target, MessageKind::Commands) {
                Passage::Late(rounds) if !self.comes_through(pending) => self.postpone(pending, rounds),
                _ => self.act(pending),
            }
        }
        self.scratch.due = due;
    }

    /// Whether the bus can do nothing to the command of an action.
    fn comes_through(&self, pending: &Pending) -> bool {
        pending.postponed || self.is_out_of_band(pending)
    }

    fn is_out_of_band(&self, pending: &Pending) -> bool {
        self.world.definition.actions[pending.request.action.index()].out_of_band
    }

    /// The command of an action is late: it acts when it arrives, whatever becomes of others by then.
    fn postpone(&mut self, pending: &Pending, rounds: u32) {
        let late = self.changes.postpone(pending, rounds);
        self.go_astray(pending, MessageKind::Commands, Some(late.acts_round));
    }

    /// A message about an action goes astray: for good, or until it arrives.
    fn go_astray(&mut self, pending: &Pending, kind: MessageKind, arrives: Option<u32>) {
        let ActionRequest { request, target: server, .. } = pending.request;
        self.astray.push(Astray { kind, server, sre: pending.sre, request });
        self.write_astray(kind, pending.request.target, Some(pending), arrives);
    }

    /// Carries out an action that was decided earlier.
    fn act(&mut self, pending: &Pending) {
        let world = Arc::clone(&self.world);
        let (id, target) = (pending.request.action, pending.request.target);
        let action = &world.definition.actions[id.index()];
        let lucky = self.changes.act(&world, pending);
        let is_gone = !self.server_processes[target.index()].runs();
        let is_lost =
            !self.comes_through(pending) && self.passage(target, MessageKind::Commands) == Passage::Lost;
        let is_in_the_way =
            is_lost || self.is_cut_off(target) || (is_gone && !action.remedy.restarts_services);
        let unreachable = is_in_the_way && !action.out_of_band;
        let outcome = match (unreachable, lucky) {
            (true, _) => ActionOutcome::Failed(Failure::Unreachable),
            (false, false) => ActionOutcome::Failed(Failure::Unlucky),
            (false, true) => ActionOutcome::Succeeded,
        };
        let succeeded = outcome == ActionOutcome::Succeeded;
        self.count_action(pending, succeeded);
        self.faults.acted(self.number, target);
        if is_lost && unreachable {
            self.go_astray(pending, MessageKind::Commands, None);
        }
        self.tell_by_bus(pending, outcome);
        self.write_acted(pending, outcome);
        if unreachable {
            return;
        }
        let standby = self.standby(target);
        let promotes = change::promotes(action, standby);
        let pays = if promotes && succeeded { self.promote(target) } else { target };
        let link = action.remedy.uses_backup_link && standby.link && !promotes;
        let command = change::command(&world.catalogue, id, action, succeeded, promotes || link);
        self.charge(pending.sre, pays, command);
        if succeeded {
            self.remedy(pending, link);
            if action.remedy.restarts_services {
                self.servers[target.index()].killed_until = 0;
            }
            if is_gone && action.remedy.restarts_services {
                self.start(AgentId::Server(target));
            }
        }
    }

    /// Tells an SRE what became of its action, if the bus lets it.
    fn tell_by_bus(&mut self, pending: &Pending, outcome: ActionOutcome) {
        match self.passage(pending.request.target, MessageKind::Results) {
            _ if pending.orphaned => {}
            _ if self.is_out_of_band(pending) => self.tell(pending.sre, &pending.request, outcome),
            Passage::Arrives => self.tell(pending.sre, &pending.request, outcome),
            Passage::Lost => self.go_astray(pending, MessageKind::Results, None),
            Passage::Late(rounds) => {
                let arrives = self.number.saturating_add(rounds);
                self.late_results.push((arrives, pending.sre, result_of(&pending.request, outcome)));
                self.go_astray(pending, MessageKind::Results, Some(arrives));
            }
        }
    }

    fn count_action(&mut self, pending: &Pending, succeeded: bool) {
        if succeeded {
            self.ledger.actions.succeeded += 1;
        } else {
            self.ledger.actions.failed += 1;
        }
        let (id, target) = (pending.request.action, pending.request.target);
        let action = &self.world.definition.actions[id.index()];
        let standby = self.standby(target);
        let down = self.reports[target.index()]
            .as_ref()
            .is_some_and(|report| report.services.iter().any(|service| !service.up));
        let is_gone = !self.server_processes[target.index()].runs();
        let needed = ((is_gone || down) && action.remedy.restarts_services)
            || self.faults.on(target).any(|fault| {
                self.world.catalogue.cures(id, fault.planned.kind)
                    || change::relieves(action, &fault.kind(&self.world).effect, standby)
            });
        if !needed {
            self.ledger.unneeded(pending.sre);
        }
    }

    /// Sends what an action does inside a host on its way, and notes who answers for its cost.
    fn charge(&mut self, sre: SreId, server: ServerId, command: Command) {
        if command == Command::default() {
            return;
        }
        let tick = self.opening.ticks[server.index()].as_mut();
        tick.expect("all ticks were made ready").commands.push(command);
        if command.downtime > 0.0 || command.write_downtime > 0.0 {
            self.costs.push((sre, server));
        }
    }

    /// Ends what a successful action cures, and lets stand what it leaves.
    fn remedy(&mut self, pending: &Pending, link: bool) {
        let world = Arc::clone(&self.world);
        let (round, id, target) = (self.number, pending.request.action, pending.request.target);
        let action = &world.definition.actions[id.index()];
        let leaked = self.reports[target.index()].as_ref().map_or(0.0, |report| report.leaked_points);
        let cures = |fault: &Fault| {
            world.catalogue.cures(id, fault.planned.kind)
                || change::clears_traces(&world, action, fault, round, leaked)
                || (action.remedy.restarts_services && fault.process(&world, round).is_some())
        };
        let cured = self.faults.cure(round, target, cures);
        self.write_ended(cured, FaultEnd::Remedied);
        if link {
            self.faults.each_in_force(|fault| {
                let effect = &fault.kind(&world).effect;
                if fault.planned.target.is_server(target) && (effect.unreachable || effect.bus.is_some()) {
                    fault.linked = true;
                }
            });
        }
        self.changes.stand(&world, pending);
    }

    /// Makes the first replica in rotation the primary in a server's place, which rests until it
    /// is calm. Gives the new primary.
    fn promote(&mut self, target: ServerId) -> ServerId {
        let replica = self.replica_of(target).expect("a promotion was only possible with a replica");
        self.servers[replica.index()].role = Some(Role::Primary);
        let old = &mut self.servers[target.index()];
        old.role = Some(Role::Replica);
        old.in_rotation = false;
        replica
    }

    /// Whether the network does not reach a server.
    fn is_cut_off(&self, server: ServerId) -> bool {
        self.faults.on(server).any(|fault| fault.cuts_off(&self.world, self.number))
    }

    /// Sets what decides what reaches each server; limits are among the costs of actions.
    fn set_doors(&mut self) {
        let Self { world, doors, servers, server_processes, opening, number, .. } = self;
        let states = servers.iter().zip(server_processes.iter());
        let nodes = world.servers.iter().zip(states).zip(&opening.ticks);
        for (door, ((node, (state, process)), tick)) in doors.servers.iter_mut().zip(nodes) {
            let commands = tick.as_ref().map_or(&[][..], |tick| &tick.commands);
            *door = Door {
                closed: !process.runs(),
                in_rotation: state.in_rotation,
                cache_emptied: commands.iter().any(|command| command.empties_cache),
                ..Door::open(state.role)
            };
            for instance in &node.instances {
                doors.held_down[*instance] = *number < state.killed_until;
            }
        }
        self.bar_doors();
        self.limit_doors();
    }

    /// What faults in force do to the doors.
    fn bar_doors(&mut self) {
        let Self { world, doors, faults, number, .. } = self;
        for fault in faults.in_force() {
            let Some(target) = fault.planned.target.server().map(ServerId::index) else { continue };
            let door = &mut doors.servers[target];
            door.closed |= fault.cuts_off(world, *number);
            if let Some(slot) = fault.holds_down(*number) {
                doors.held_down[world.servers[target].instances[slot]] = true;
            }
            door.traffic_factor *= fault.traffic_factor(world, *number);
        }
    }

    /// What standing limits do to them.
    fn limit_doors(&mut self) {
        let Self { doors, changes, costs, number, .. } = self;
        for relief in changes.standing(*number) {
            if let Standing::Limit(limit) = &relief.what {
                let door = &mut doors.servers[relief.target.index()];
                door.flood_dropped = door.flood_dropped.max(limit.flood_dropped);
                door.users_dropped = door.users_dropped.max(limit.users_dropped);
                costs.push((relief.sre, relief.target));
            }
        }
    }

    /// Tells each server what reaches it and what holds for it; lost ones are told nothing.
    fn set_ticks(&mut self) {
        let Self { world, doors, flow, opening, server_processes, faults, changes, number, .. } = self;
        for (server, tick) in world.servers.iter().zip(&mut opening.ticks) {
            let tick = tick.get_or_insert_default();
            tick.arrivals.refill(server.instances.iter().map(|instance| flow.arrivals[*instance]));
            chaos::calm(&mut tick.conditions);
            let held_down = server.instances.iter().map(|instance| doors.held_down[*instance]);
            tick.conditions.held_down.refill(held_down);
        }
        for fault in faults.in_force() {
            if let (Some(force), Some(target)) = (fault.force(world, *number), fault.planned.target.server())
            {
                let conditions = conditions(&mut opening.ticks, target);
                force.add_to(conditions);
                chaos::tamper(&fault.kind(world).effect, &mut conditions.exporter);
            }
        }
        for relief in changes.standing(*number) {
            if let Standing::Capacity(factor) = relief.what {
                let held = &mut conditions(&mut opening.ticks, relief.target).workers_factor;
                *held = held.max(factor);
            }
        }
        for (tick, process) in opening.ticks.iter_mut().zip(server_processes) {
            if !process.runs() {
                *tick = None;
            }
        }
    }
}

fn conditions(ticks: &mut [Option<Tick>], server: ServerId) -> &mut Conditions {
    &mut ticks[server.index()].as_mut().expect("all ticks were made ready").conditions
}
