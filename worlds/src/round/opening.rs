//! How a round opens: faults expire, due actions act, new faults begin, and requests are sent on
//! their way.

use super::{Opening, Phase, Round};
use crate::change::{self, Pending, Standing};
use crate::chaos;
use crate::definition::Role;
use crate::id::{ServerId, SreId};
use crate::incident::Fault;
use crate::journal::{FaultEnd, Record};
use crate::message::{ActionOutcome, Command, Conditions, Failure, Tick};
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
        self.act_on_what_is_due();
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
        self.opening.respawn.clear();
        for tick in &mut self.opening.ticks {
            let tick = tick.get_or_insert_default();
            tick.round = self.number;
            tick.commands.clear();
        }
    }

    fn expire_faults(&mut self) {
        let ended = self.faults.expire(&self.world, self.number, &self.reports);
        self.write_ended(ended, FaultEnd::Expired);
    }

    fn inject_faults(&mut self) {
        let mut planned = std::mem::take(&mut self.scratch.planned);
        self.chaos.faults_of(&self.world, self.number, &mut planned);
        for position in self.faults.inject(&planned) {
            self.write_injected(position);
        }
        self.scratch.planned = planned;
    }

    fn act_on_what_is_due(&mut self) {
        let mut due = std::mem::take(&mut self.scratch.due);
        self.changes.due(self.number, &mut due);
        for pending in &due {
            self.act(pending);
        }
        self.scratch.due = due;
    }

    /// Carries out an action that was decided earlier.
    fn act(&mut self, pending: &Pending) {
        let world = Arc::clone(&self.world);
        let (id, target) = (pending.request.action, pending.request.target);
        let action = &world.definition.actions[id.index()];
        let lucky = self.changes.act(&world, pending);
        let revives = self.servers[target.index()].lost && action.remedy.restarts_services;
        let cut_off = self.is_closed(target) && !action.out_of_band && !revives;
        let outcome = match (cut_off, lucky) {
            (true, _) => ActionOutcome::Failed(Failure::Unreachable),
            (false, false) => ActionOutcome::Failed(Failure::Unlucky),
            (false, true) => ActionOutcome::Succeeded,
        };
        let succeeded = outcome == ActionOutcome::Succeeded;
        self.count_action(pending, succeeded);
        self.faults.acted(self.number, target);
        self.tell(pending.sre, &pending.request, outcome);
        self.write_acted(pending, outcome);
        if cut_off {
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
            if revives {
                self.servers[target.index()].lost = false;
                self.opening.respawn.push(target);
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
        let needed = self.servers[target.index()].lost
            || (down && action.remedy.restarts_services)
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
        };
        let cured = self.faults.cure(round, target, cures);
        self.write_ended(cured, FaultEnd::Remedied);
        if link {
            self.faults.each_in_force(|fault| {
                if fault.planned.target == target && fault.kind(&world).effect.unreachable {
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

    /// Whether nothing reaches a server.
    fn is_closed(&self, server: ServerId) -> bool {
        self.servers[server.index()].lost
            || self.faults.on(server).any(|fault| fault.cuts_off(&self.world, self.number))
    }

    /// Sets what decides what reaches each server; limits are among the costs of actions.
    fn set_doors(&mut self) {
        let Self { world, doors, servers, opening, number, .. } = self;
        let nodes = world.servers.iter().zip(servers.iter()).zip(&opening.ticks);
        for (door, ((node, state), tick)) in doors.servers.iter_mut().zip(nodes) {
            let commands = tick.as_ref().map_or(&[][..], |tick| &tick.commands);
            *door = Door {
                closed: state.lost,
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
            let target = fault.planned.target.index();
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
        let Self { world, doors, flow, opening, servers, faults, changes, number, .. } = self;
        for (server, tick) in world.servers.iter().zip(&mut opening.ticks) {
            let tick = tick.get_or_insert_default();
            tick.arrivals.refill(server.instances.iter().map(|instance| flow.arrivals[*instance]));
            chaos::calm(&mut tick.conditions);
            let held_down = server.instances.iter().map(|instance| doors.held_down[*instance]);
            tick.conditions.held_down.refill(held_down);
        }
        for fault in faults.in_force() {
            if let Some(force) = fault.force(world, *number) {
                force.add_to(conditions(&mut opening.ticks, fault.planned.target));
            }
        }
        for relief in changes.standing(*number) {
            if let Standing::Capacity(factor) = relief.what {
                let held = &mut conditions(&mut opening.ticks, relief.target).workers_factor;
                *held = held.max(factor);
            }
        }
        for (tick, state) in opening.ticks.iter_mut().zip(servers) {
            if state.lost {
                *tick = None;
            }
        }
    }
}

fn conditions(ticks: &mut [Option<Tick>], server: ServerId) -> &mut Conditions {
    &mut ticks[server.index()].as_mut().expect("all ticks were made ready").conditions
}
