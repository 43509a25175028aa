//! Changes: the rules of actions, from the asking to what stands afterwards.
//!
//! An action that an SRE asks for is checked at the end of a round and refused with a reason, or
//! accepted; it acts at the start of the next round, or one later if the hand was slow. Whether it
//! succeeds is decided by dice of (action, target, attempt). What it does inside a host travels
//! there as a [`Command`]; what stands for a while afterwards (extra capacity, a limit at the
//! door) is a [`Relief`] here.

use crate::alert::Alerts;
use crate::catalogue::Catalogue;
use crate::chance::Key;
use crate::definition::{Action, Effect, LimitsTraffic, Role};
use crate::id::{ActionId, ServerId, SreId};
use crate::incident::Fault;
use crate::message::{ActionRequest, Command, Cooldown, Refusal};
use crate::topology::World;

/// An action on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Who asked.
    pub sre: SreId,
    /// For what.
    pub request: ActionRequest,
    /// The round at whose start it acts.
    pub acts_round: u32,
    /// Its command was late once, and comes through.
    pub postponed: bool,
    /// Whoever asked has crashed since: nobody is told what became of it.
    pub orphaned: bool,
}

/// What an action leaves standing for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Relief {
    /// Who is answerable for what it costs.
    pub sre: SreId,
    /// Where.
    pub target: ServerId,
    /// First round.
    pub from: u32,
    /// First round without it.
    pub until: u32,
    /// What.
    pub what: Standing,
}

/// The kinds of relief that stand for a while.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// This many times the capacity.
    Capacity(f64),
    /// Requests dropped at the door.
    Limit(LimitsTraffic),
}

impl Relief {
    /// Whether it stands in a round.
    pub fn stands(&self, round: u32) -> bool {
        (self.from..self.until).contains(&round)
    }
}

/// What a server's state allows an action to do, as far as SREs can know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standby {
    /// Its part in a replicated service now.
    pub role: Option<Role>,
    /// Whether a replica of it could be promoted.
    pub replica: bool,
    /// Whether it has a backup link.
    pub link: bool,
}

/// The rules' memory.
#[derive(Clone, Debug)]
pub struct Changes {
    key: Key,
    actions: usize,
    pending: Vec<Pending>,
    reliefs: Vec<Relief>,
    /// For each server, the last round in which an action acted on it.
    last_acted: Vec<Option<u32>>,
    /// For each server and action, the last round in which it acted, and how often it did.
    history: Vec<(Option<u32>, u32)>,
    /// Positions in `history` of what may be cooling down, in order.
    cooling: Vec<usize>,
}

impl Changes {
    /// Nothing was ever asked for.
    pub fn new(world: &World, key: Key) -> Self {
        let (servers, actions) = (world.servers.len(), world.definition.actions.len());
        Self {
            key,
            actions,
            pending: Vec::new(),
            reliefs: Vec::new(),
            last_acted: vec![None; servers],
            history: vec![(None, 0); servers * actions],
            cooling: Vec::new(),
        }
    }

    /// Another run begins.
    pub fn restart(&mut self, key: Key) {
        self.key = key;
        self.pending.clear();
        self.reliefs.clear();
        self.last_acted.fill(None);
        self.history.fill((None, 0));
        self.cooling.clear();
    }

    /// Checks the requests of one round, SRE by SRE; adds a verdict for each, in order.
    pub fn ask(
        &mut self,
        world: &World,
        round: u32,
        requests: &[(SreId, ActionRequest)],
        alerts: &Alerts,
        standby: impl Fn(ServerId) -> Standby,
        verdicts: &mut Vec<Result<Pending, Refusal>>,
    ) {
        let before = self.pending.len();
        let mut asked = (None, 0);
        for (sre, request) in requests {
            asked = if asked.0 == Some(*sre) { (asked.0, asked.1 + 1) } else { (Some(*sre), 1) };
            let verdict = if asked.1 > world.definition.changes.actions_per_round {
                Err(Refusal::TooMany)
            } else {
                self.verdict(world, round, request, alerts, before, &standby)
            };
            verdicts.push(verdict.map(|()| {
                let acts_round = round + 1 + u32::from(request.late);
                let pending =
                    Pending { sre: *sre, request: *request, acts_round, postponed: false, orphaned: false };
                self.pending.push(pending);
                pending
            }));
        }
    }

    fn verdict(
        &self,
        world: &World,
        round: u32,
        request: &ActionRequest,
        alerts: &Alerts,
        before: usize,
        standby: &impl Fn(ServerId) -> Standby,
    ) -> Result<(), Refusal> {
        let target = request.target;
        let action = world.definition.actions.get(request.action.index()).ok_or(Refusal::Unknown)?;
        if target.index() >= world.servers.len() {
            return Err(Refusal::Unknown);
        }
        if !alerts.on(target).meets(world.catalogue.alerts(request.action)) {
            return Err(Refusal::NoAlert);
        }
        let accepted_now = &self.pending[before..];
        if accepted_now.iter().any(|pending| pending.request.target == target) {
            return Err(Refusal::Conflict);
        }
        if self.settling_rounds(world, round, target) > 0 {
            return Err(Refusal::Settling);
        }
        if self.cooldown_rounds(world, round, request.action, target) > 0 {
            return Err(Refusal::Cooldown);
        }
        if !has_standby(action, standby(target)) {
            return Err(Refusal::NoStandby);
        }
        Ok(())
    }

    /// Rounds, this one included, in which a target takes no further action.
    pub fn settling_rounds(&self, world: &World, round: u32, target: ServerId) -> u32 {
        let pause = world.definition.changes.pause_rounds;
        let busy = self.pending.iter().find(|pending| pending.request.target == target);
        let acts = busy.map(|pending| pending.acts_round).or(self.last_acted[target.index()]);
        acts.map_or(0, |acts| (acts + pause).saturating_sub(round))
    }

    /// Rounds, this one included, in which an action cannot be asked for a target again.
    pub fn cooldown_rounds(&self, world: &World, round: u32, action: ActionId, target: ServerId) -> u32 {
        let cooldown = world.definition.actions[action.index()].cooldown;
        // Asked in this round, it would act in the next.
        let (acted, _) = self.history[self.slot(action, target)];
        acted.map_or(0, |acted| (acted + cooldown).saturating_sub(round))
    }

    /// All that is cooling down, by target and action.
    pub fn cooldowns(&self, world: &World, round: u32, cooldowns: &mut Vec<Cooldown>) {
        cooldowns.clear();
        cooldowns.extend(self.cooling.iter().map(|slot| {
            let (target, action) = (ServerId::from(slot / self.actions), ActionId::from(slot % self.actions));
            let rounds_left = self.cooldown_rounds(world, round, action, target);
            Cooldown { action, target, rounds_left }
        }));
        cooldowns.retain(|cooldown| cooldown.rounds_left > 0);
    }

    /// Takes those that act at the start of a round, in the order in which they were accepted.
    pub fn due(&mut self, round: u32, due: &mut Vec<Pending>) {
        due.clear();
        due.extend(self.pending.extract_if(.., |pending| pending.acts_round <= round));
    }

    /// Has an action that is due act so many rounds later; gives it as it is then.
    pub fn postpone(&mut self, pending: &Pending, rounds: u32) -> Pending {
        let acts_round = pending.acts_round.saturating_add(rounds);
        let late = Pending { acts_round, postponed: true, ..*pending };
        self.pending.push(late);
        late
    }

    /// An SRE has crashed: nobody waits for the results of what it asked for.
    pub fn orphan(&mut self, sre: SreId) {
        let own = self.pending.iter_mut().filter(|pending| pending.sre == sre);
        own.for_each(|pending| pending.orphaned = true);
    }

    /// Notes that an action acts, and throws its dice.
    pub fn act(&mut self, world: &World, pending: &Pending) -> bool {
        let ActionRequest { action, target, .. } = pending.request;
        let slot = self.slot(action, target);
        let (acted, attempts) = &mut self.history[slot];
        *acted = Some(pending.acts_round);
        *attempts += 1;
        if let Err(place) = self.cooling.binary_search(&slot) {
            self.cooling.insert(place, slot);
        }
        self.last_acted[target.index()] = Some(pending.acts_round);
        let entity = u64::from(target.0) << 16 | u64::from(action.0);
        let draws = self.key.draws(entity, self.history[slot].1);
        draws.happens(0, world.definition.actions[action.index()].success_rate)
    }

    /// What a successful action leaves standing.
    pub fn stand(&mut self, world: &World, pending: &Pending) {
        let remedy = &world.definition.actions[pending.request.action.index()].remedy;
        let (sre, target, acts) = (pending.sre, pending.request.target, pending.acts_round);
        if let Some(capacity) = &remedy.adds_capacity {
            let from = acts + capacity.delay;
            let what = Standing::Capacity(capacity.factor);
            self.reliefs.push(Relief { sre, target, from, until: from + capacity.rounds, what });
        }
        if let Some(limit) = &remedy.limits_traffic {
            let what = Standing::Limit(limit.clone());
            self.reliefs.push(Relief { sre, target, from: acts, until: acts + limit.rounds, what });
        }
    }

    /// Forgets what no longer stands, and what has cooled down.
    pub fn tidy(&mut self, world: &World, round: u32) {
        self.reliefs.retain(|relief| relief.until > round);
        let (history, actions) = (&self.history, &world.definition.actions);
        self.cooling.retain(|slot| {
            let cooldown = actions[slot % actions.len()].cooldown;
            history[*slot].0.is_some_and(|acted| acted + cooldown > round)
        });
    }

    /// What stands on any server in a round.
    pub fn standing(&self, round: u32) -> impl Iterator<Item = &Relief> {
        self.reliefs.iter().filter(move |relief| relief.stands(round))
    }

    fn slot(&self, action: ActionId, target: ServerId) -> usize {
        target.index() * self.actions + action.index()
    }
}

/// Whether a failover has something to fail over to. Other remedies need nothing.
pub fn has_standby(action: &Action, standby: Standby) -> bool {
    let remedy = &action.remedy;
    if !(remedy.promotes_replica || remedy.uses_backup_link) {
        return true;
    }
    promotes(action, standby) || (remedy.uses_backup_link && standby.link) || does_more(action)
}

/// Whether an action would promote a replica in this target's place.
pub fn promotes(action: &Action, standby: Standby) -> bool {
    action.remedy.promotes_replica && standby.role == Some(Role::Primary) && standby.replica
}

/// Whether a remedy has parts that need no standby.
fn does_more(action: &Action) -> bool {
    let remedy = &action.remedy;
    !remedy.cures.is_empty()
        || remedy.restarts_services
        || remedy.frees_memory > 0.0
        || remedy.adds_capacity.is_some()
        || remedy.limits_traffic.is_some()
}

/// Whether an action relieves what has this effect, without ending it.
pub fn relieves(action: &Action, effect: &Effect, standby: Standby) -> bool {
    let remedy = &action.remedy;
    let busy = effect.cpu_floor.is_some()
        || effect.capacity_factor.is_some()
        || effect.traffic_factor.is_some()
        || effect.latency_factor.is_some();
    (remedy.adds_capacity.is_some() && busy)
        || (remedy.limits_traffic.is_some() && effect.traffic_factor.is_some())
        || (remedy.uses_backup_link && standby.link && (effect.unreachable || effect.bus.is_some()))
        || (remedy.restarts_services
            && (effect.service_down || effect.memory_growth.is_some() || effect.process.is_some()))
        || (remedy.frees_memory > 0.0 && effect.memory_growth.is_some())
        || promotes(action, standby)
}

/// Whether a successful action ends a fault whose time is over by removing what it left behind.
pub fn clears_traces(world: &World, action: &Action, fault: &Fault, round: u32, leaked_points: f64) -> bool {
    let kind = fault.kind(world);
    let rounds_over = round >= fault.planned.round.saturating_add(kind.rounds);
    let remedy = &action.remedy;
    let frees_all = remedy.restarts_services || remedy.frees_memory >= leaked_points;
    rounds_over
        && ((kind.effect.memory_growth.is_some() && frees_all)
            || (kind.effect.service_down && remedy.restarts_services))
}

/// What an action does inside the target's host.
pub fn command(
    catalogue: &Catalogue,
    id: ActionId,
    action: &Action,
    succeeded: bool,
    write_downtime: bool,
) -> Command {
    let remedy = &action.remedy;
    Command {
        restarts_services: succeeded && remedy.restarts_services,
        frees_leak: succeeded && catalogue.cures_leaks(id),
        frees_memory: if succeeded { remedy.frees_memory } else { 0.0 },
        empties_cache: action.cost.empties_cache,
        downtime: action.cost.downtime,
        write_downtime: if write_downtime { action.cost.write_downtime } else { 0.0 },
    }
}
