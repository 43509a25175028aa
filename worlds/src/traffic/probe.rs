//! Probes: single requests that are followed through a world between two rounds.
//!
//! A round's traffic is shares and means; somebody who sends one request wants one answer. A [`Probe`] takes the
//! way that the requests of the round before took: from the server that it is sent to along its calls, to members
//! by their weights, past caches that answer, on to the next member where one failed and the retry budget
//! allows it. At each server it asks that server what becomes of it ([`crate::message::Serve`]), so that there is
//! no answer without somebody who gives it; the rest is drawn here, with the chances that the fold has as shares.
//! So of many probes such a share succeeds as of the round's requests.
//!
//! Probes weigh nothing: they are in no server's load, and in no count of the run, which stays what it would be
//! without them. A retry is told as if it had been the first attempt, as in the fold.
//!
//! ```text
//!  probe -- ProbeStep::Ask(server, Serve) --> driver --> server
//!  probe <-- Option<Served> ----------------- driver <-- server      and so on, until
//!  probe -- ProbeStep::Done(ProbeEnd) ------> driver
//! ```

use super::{Door, Doors, Flow, Folded, Traffic};
use crate::chance::{Draws, Key};
use crate::id::{ServerId, ServiceId};
use crate::message::{Serve, ServeEnd, Served};
use crate::topology::{CallEdge, Member, World};

/// A request on its way.
#[derive(Clone, Debug)]
pub struct Probe {
    dice: VisitDice,
    writes: bool,
    /// From the server that it was sent to, to the one that has it now.
    path: Vec<Visit>,
}

/// The dice of a probe: each visit has its own.
#[derive(Clone, Debug)]
struct VisitDice {
    key: Key,
    number: u64,
    round: u32,
    visits: u64,
}

/// A member of a service that is to be asked.
#[derive(Clone, Debug)]
struct Stop {
    service: ServiceId,
    member: usize,
    draws: Draws,
    /// Who is asked if this member fails, and with which chance.
    second: Option<(usize, f64)>,
}

/// A request at one of them.
#[derive(Clone, Debug)]
struct Visit {
    stop: Stop,
    /// What the member itself takes, and what its calls took so far, seconds.
    own_seconds: f64,
    behind_seconds: f64,
    /// A cache that has answered from memory.
    from_memory: bool,
    /// The call that is next, by position.
    edge: usize,
    /// Of each call before it, whether one behind it is still to be made.
    unanswered: Vec<bool>,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ProbeStep {
    /// Ask a server; then go on with its answer.
    Ask(ServerId, Serve),
    /// It is over.
    Done(ProbeEnd),
}

/// What became of a probe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProbeEnd {
    /// Whether it wrote.
    pub wrote: bool,
    /// From its sending to its answer, simulated seconds.
    pub seconds: f64,
    /// Why it failed; `None` for one that succeeded.
    pub failure: Option<ProbeFailure>,
}

/// Why a probe failed, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeFailure {
    /// The server.
    pub server: ServerId,
    /// What happened there.
    pub trouble: Trouble,
}

/// What can happen to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody answered: the server is cut off, or its process is gone.
    Silence,
    /// Its service does not run.
    Down,
    /// It was dropped at the door, with the flood that was to be.
    Dropped,
    /// It was answered with an error, or turned away.
    Error,
    /// The client that it takes to call another service cannot be used.
    NoClient,
    /// The answer came after the caller had gone.
    Late,
}

/// What decides what becomes of a probe, beside the servers: a round that was observed.
#[derive(Clone, Copy, Debug)]
pub struct ProbeScene<'a> {
    /// Where.
    pub world: &'a World,
    /// What callers and the balancer remembered.
    pub traffic: &'a Traffic,
    /// What decided what reached the servers.
    pub doors: &'a Doors,
    /// What was sent.
    pub flow: &'a Flow,
    /// What came of it.
    pub folded: &'a Folded,
}

/// What a visit came to.
#[derive(Clone, Copy, Debug)]
struct Left {
    seconds: f64,
    from_memory: bool,
    /// With whether the member itself failed: what lies behind it would fail again.
    failure: Option<(ProbeFailure, bool)>,
}

/// What each draw of a visit is for.
#[derive(Clone, Copy)]
enum Draw {
    Success,
    Seconds,
    Memory,
    Door,
    Retry,
    Member,
    Slot,
    Class,
}

impl Probe {
    /// A request that has not set out yet. `number` sets it apart from all others of the run.
    pub(crate) fn new(key: Key, number: u64, round: u32) -> Self {
        Self { dice: VisitDice { key, number, round, visits: 0 }, writes: false, path: Vec::new() }
    }

    /// Sets out to a server: to one of its services that takes users' requests, if it has such.
    pub(crate) fn send(&mut self, scene: ProbeScene<'_>, to: ServerId) -> ProbeStep {
        let draws = self.dice.next();
        let server = &scene.world.servers[to.index()];
        let of_users = |service: &&ServiceId| scene.world.services[service.index()].called;
        let called = server.services.iter().filter(of_users).count();
        let pick = |count: usize| (draws.unit(Draw::Slot as usize) * count as f64) as usize;
        let service = match called {
            0 => server.services.get(pick(server.services.len())),
            _ => server.services.iter().filter(of_users).nth(pick(called)),
        };
        // A machine without a service answers for itself alone.
        let Some(service) = service.copied() else { return self.done(failed(to, Trouble::Down, 0.0)) };
        let node = &scene.world.services[service.index()];
        let member = node.members.iter().position(|member| member.server == to).unwrap_or_default();
        let takes_writes = scene.flow.takes_writes(node.members[member].instance);
        let share = scene.world.definition.traffic.write_share;
        self.writes = takes_writes && draws.happens(Draw::Class as usize, share);
        self.enter(scene, Stop { service, member, draws, second: None })
    }

    /// Goes on with what the server said that was asked last; `None` if it said nothing.
    pub(crate) fn hear(&mut self, scene: ProbeScene<'_>, said: Option<Served>) -> ProbeStep {
        let visit = self.path.last_mut().expect("somebody was asked");
        let node = &scene.world.services[visit.stop.service.index()];
        let server = node.members[visit.stop.member].server;
        let trouble = match said.map(|served| served.end) {
            Some(ServeEnd::Answered) => None,
            Some(ServeEnd::Failed) => Some(Trouble::Error),
            Some(ServeEnd::Down) => Some(Trouble::Down),
            None => Some(Trouble::Silence),
        };
        visit.own_seconds = said.map_or(node.timeout_seconds, |served| served.seconds);
        visit.from_memory = said.is_some_and(|served| served.from_memory);
        match trouble {
            None => self.go_on(scene),
            Some(trouble) => {
                let seconds = visit.own_seconds.min(node.timeout_seconds);
                self.leave(scene, failed(server, trouble, seconds))
            }
        }
    }

    /// Comes to a member of a service.
    fn enter(&mut self, scene: ProbeScene<'_>, stop: Stop) -> ProbeStep {
        let Stop { service, member, draws, .. } = &stop;
        let node = &scene.world.services[service.index()];
        let Member { server, slot, .. } = node.members[*member];
        let luck = [Draw::Success, Draw::Seconds, Draw::Memory].map(|draw| draws.unit(draw as usize));
        let Door { closed, users_dropped, .. } = *scene.doors.of(server);
        let is_dropped = draws.happens(Draw::Door as usize, users_dropped);
        self.path.push(Visit {
            stop,
            own_seconds: 0.0,
            behind_seconds: 0.0,
            from_memory: false,
            edge: 0,
            unanswered: Vec::new(),
        });
        if closed {
            return self.leave(scene, failed(server, Trouble::Silence, node.timeout_seconds));
        }
        if is_dropped {
            return self.leave(scene, failed(server, Trouble::Dropped, 0.0));
        }
        let slot = u32::try_from(slot).expect("a server runs few services");
        ProbeStep::Ask(server, Serve { probe: self.dice.number, slot, writes: self.writes, luck })
    }

    /// Makes the next call of the service that has it, or goes back to whom that answers.
    fn go_on(&mut self, scene: ProbeScene<'_>) -> ProbeStep {
        let class = usize::from(self.writes);
        let visit = self.path.last_mut().expect("it is somewhere");
        let node = &scene.world.services[visit.stop.service.index()];
        let caller = node.members[visit.stop.member];
        while let Some(edge) = node.calls.get(visit.edge) {
            let is_asked = edge.behind.is_none_or(|cache| visit.unanswered[cache]);
            if !edge.serves[class] || !is_asked {
                // Who stands behind this call has the same to answer as before it.
                visit.unanswered.push(!edge.has_fallback || !edge.serves[class] || is_asked);
                visit.edge += 1;
                continue;
            }
            let route = edge.routes[visit.stop.member];
            if !scene.doors.has_client(caller, route) {
                if edge.has_fallback {
                    visit.unanswered.push(true);
                    visit.edge += 1;
                    continue;
                }
                let without =
                    Left { failure: Some((fails(caller.server, Trouble::NoClient), false)), ..visit.left() };
                return self.leave(scene, without);
            }
            let called = &scene.world.services[edge.to.index()];
            let local = scene.traffic.local(caller, route, called, scene.doors);
            let draws = self.dice.next();
            let share = draws.unit(Draw::Member as usize);
            let member = local.unwrap_or_else(|| scene.drawn_member(edge, class, share));
            let second = scene.second(edge, class, member, local.is_some());
            return self.enter(scene, Stop { service: edge.to, member, draws, second });
        }
        let mut left = visit.left();
        // The time of calls is gone when the rest is waited for.
        if left.seconds > node.timeout_seconds {
            left.seconds = node.timeout_seconds;
            left.failure = Some((fails(caller.server, Trouble::Late), false));
        }
        self.leave(scene, left)
    }

    /// Goes back from a service to its caller, or to another member if this one failed.
    fn leave(&mut self, scene: ProbeScene<'_>, left: Left) -> ProbeStep {
        let Visit { stop, .. } = self.path.pop().expect("it was somewhere");
        if let (Some((_, true)), Some((next, chance))) = (left.failure, stop.second)
            && stop.draws.happens(Draw::Retry as usize, chance)
        {
            let draws = self.dice.next();
            return self.enter(scene, Stop { service: stop.service, member: next, draws, second: None });
        }
        let Some(caller) = self.path.last_mut() else { return self.done(left) };
        let node = &scene.world.services[caller.stop.service.index()];
        caller.behind_seconds += left.seconds;
        if node.calls[caller.edge].has_fallback {
            caller.unanswered.push(left.failure.is_some() || !left.from_memory);
        } else if let Some((failure, _)) = left.failure {
            let seconds = caller.left().seconds.min(node.timeout_seconds);
            let behind = Left { seconds, from_memory: false, failure: Some((failure, false)) };
            return self.leave(scene, behind);
        } else {
            caller.unanswered.push(true);
        }
        caller.edge += 1;
        self.go_on(scene)
    }

    fn done(&self, left: Left) -> ProbeStep {
        let failure = left.failure.map(|(failure, _)| failure);
        ProbeStep::Done(ProbeEnd { wrote: self.writes, seconds: left.seconds, failure })
    }
}

impl VisitDice {
    /// The dice of the next visit. No path has as many as would be another probe's.
    fn next(&mut self) -> Draws {
        const VISITS_BITS: u32 = 20;
        let entity = (self.number << VISITS_BITS).wrapping_add(self.visits);
        self.visits += 1;
        self.key.draws(entity, self.round)
    }
}

impl Visit {
    /// What it comes to so far.
    fn left(&self) -> Left {
        let seconds = self.own_seconds + self.behind_seconds;
        Left { seconds, from_memory: self.from_memory, failure: None }
    }
}

impl ProbeScene<'_> {
    /// A member of the service called, by the weights of those that callers send to.
    fn drawn_member(&self, edge: &CallEdge, class: usize, share: f64) -> usize {
        let node = &self.world.services[edge.to.index()];
        let weights = || node.members.iter().map(|member| self.flow.place(member.instance).weight[class]);
        // Where nobody was sent anything, the sum is none and the first is as good as any.
        let mut rest = share * weights().sum::<f64>();
        let is_it = |weight: f64| {
            rest -= weight;
            rest < 0.0 && weight > 0.0
        };
        weights().position(is_it).unwrap_or_default()
    }

    /// Who is asked when a member fails, and with which chance: what fails shares the retry budget.
    fn second(&self, edge: &CallEdge, class: usize, member: usize, is_local: bool) -> Option<(usize, f64)> {
        let node = &self.world.services[edge.to.index()];
        if node.members.len() < 2 {
            return None;
        }
        let next = self.flow.place(node.members[member].instance).next[class]?;
        let lost = |member: &Member| self.folded.lost_at(member.instance)[class];
        let failed = match is_local {
            true => lost(&node.members[member]),
            false => {
                let weight = |member: &Member| self.flow.place(member.instance).weight[class];
                node.members.iter().map(|member| weight(member) * lost(member)).sum()
            }
        };
        let budget = self.world.definition.traffic.retry_budget;
        let chance = if failed > budget { budget / failed } else { 1.0 };
        Some((next as usize, chance))
    }
}

fn fails(server: ServerId, trouble: Trouble) -> ProbeFailure {
    ProbeFailure { server, trouble }
}

/// What comes of a member that fails by itself.
fn failed(server: ServerId, trouble: Trouble, seconds: f64) -> Left {
    Left { seconds, from_memory: false, failure: Some((fails(server, trouble), true)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::generate::{Request, generate};
    use crate::definition::parse;
    use crate::message::{Conditions, Report, ServerBrief, Tick};
    use crate::server::Server;
    use crate::traffic::{Answered, Reported};
    use std::collections::BTreeSet;
    use std::sync::Arc;

    /// A world in its first round, in which much goes wrong.
    struct Scenery {
        world: World,
        traffic: Traffic,
        doors: Doors,
        flow: Flow,
        folded: Folded,
        reports: Vec<Option<Report>>,
    }

    impl Scenery {
        fn of(text: &str) -> Self {
            let world = World::new("test", parse("test", text).expect("it is good").definition);
            let mut traffic = Traffic::new(&world, Key::derive(1, "traffic", ""));
            let mut doors = Doors::new(&world);
            for (index, door) in doors.servers.iter_mut().enumerate() {
                door.closed = index % 11 == 3;
                door.users_dropped = if index % 7 == 2 { 0.15 } else { 0.0 };
            }
            let mut flow = Flow::new(&world);
            let users = traffic.users(&world, 1);
            traffic.flow(&world, 1, users, &doors, &mut flow);
            let reports: Vec<_> = (0..world.servers.len())
                .map(|index| (!doors.servers[index].closed).then(|| report(&world, &flow, index)))
                .collect();
            let mut reported = Reported::new(&world);
            reported.take(&world, &reports);
            let mut folded = Folded::new(&world);
            let answered = Answered { world: &world, doors: &doors, flow: &flow, reported: &reported };
            traffic.fold(answered, &mut folded);
            Self { world, traffic, doors, flow, folded, reports }
        }

        fn scene(&self) -> ProbeScene<'_> {
            let Self { world, traffic, doors, flow, folded, .. } = self;
            ProbeScene { world, traffic, doors, flow, folded }
        }

        /// Sends one, and has the servers answer it.
        fn probe(&self, number: u64, to: ServerId, asked: &mut BTreeSet<ServerId>) -> ProbeEnd {
            let mut probe = Probe::new(Key::derive(1, "probes", ""), number, 1);
            let mut step = probe.send(self.scene(), to);
            loop {
                match step {
                    ProbeStep::Done(end) => return end,
                    ProbeStep::Ask(server, serve) => {
                        asked.insert(server);
                        let report = self.reports[server.index()].as_ref().expect("nobody asks who is gone");
                        let said = report.serve(&serve);
                        step = probe.hear(self.scene(), Some(said));
                    }
                }
            }
        }
    }

    fn report(world: &World, flow: &Flow, index: usize) -> Report {
        let node = &world.servers[index];
        let mut conditions = Conditions::default();
        crate::chaos::calm(&mut conditions);
        conditions.error_rate = [0.0, 0.1, 0.0, 0.3][index % 4];
        conditions.latency_factor = [1.0, 1.0, 30.0][index % 3];
        conditions.held_down.refill(node.instances.iter().map(|_| index % 13 == 5));
        let arrivals = node.instances.iter().map(|instance| flow.arrivals[*instance]).collect();
        let key = Key::derive(1, "server", &node.name);
        let machine = Arc::clone(&world.machines[index]);
        let mut server = Server::new(ServerBrief { name: node.name.clone(), key, machine });
        let mut report = Report::default();
        server.step(&Tick { round: 1, arrivals, conditions, commands: Vec::new() }, &mut report);
        report
    }

    #[test]
    fn of_many_probes_such_a_share_succeeds_as_of_a_rounds_requests() {
        const PROBES: u64 = 4_000;
        let text = generate(Request { servers: 60, zones: 2, seed: 3 }).expect("a world");
        let scenery = Scenery::of(&text);
        let world = &scenery.world;
        let (mut compared, mut spoilt) = (0, 0);
        let mut asked = BTreeSet::new();
        for to in (0..world.servers.len()).map(ServerId::from) {
            // Of several services it would be a mean over them.
            let node = &world.servers[to.index()];
            let [instance] = node.instances[..] else { continue };
            let ends: Vec<_> = (0..PROBES).map(|number| scenery.probe(number, to, &mut asked)).collect();
            for class in 0..2 {
                let of_class = ends.iter().filter(|end| usize::from(end.wrote) == class);
                let (count, good) = of_class
                    .fold((0, 0), |(count, good), end| (count + 1, good + u32::from(end.failure.is_none())));
                if count < 500 {
                    continue;
                }
                let share = f64::from(good) / f64::from(count);
                let expected = scenery.folded.success_of(instance)[class];
                // Four standard deviations, and what the fold rounds off: it takes means of times.
                let bound = 4.0 * (expected * (1.0 - expected) / f64::from(count)).sqrt() + 0.015;
                assert!((share - expected).abs() < bound, "{}: {share} of {expected}", node.name);
                compared += 1;
                spoilt += usize::from((0.02..0.98).contains(&expected));
            }
        }
        assert!(compared > 40 && spoilt > 15, "{compared} compared, {spoilt} of them in trouble");
        assert!(asked.len() >= 40, "{} servers were asked", asked.len());
    }

    #[test]
    fn a_probe_is_the_same_whatever_others_there_are() {
        let text = generate(Request { servers: 20, zones: 1, seed: 5 }).expect("a world");
        let scenery = Scenery::of(&text);
        let to = ServerId::from(0);
        let mut asked = BTreeSet::new();
        let alone = scenery.probe(7, to, &mut asked);
        for number in 0..7 {
            scenery.probe(number, to, &mut asked);
        }
        assert_eq!(scenery.probe(7, to, &mut asked), alone);
    }

    #[test]
    fn whoever_says_nothing_is_waited_for_as_long_as_a_caller_waits() {
        let text = generate(Request { servers: 20, zones: 1, seed: 5 }).expect("a world");
        let scenery = Scenery::of(&text);
        let open = |server: &ServerId| !scenery.doors.of(*server).closed;
        let to = (0..20).map(ServerId::from).find(open).expect("one is open");
        let mut probe = Probe::new(Key::derive(1, "probes", ""), 0, 1);
        let ProbeStep::Ask(server, _) = probe.send(scenery.scene(), to) else { panic!("nobody is asked") };
        let ProbeStep::Done(end) = probe.hear(scenery.scene(), None) else { panic!("somebody is asked") };
        let timeout =
            scenery.world.services[scenery.world.servers[to.index()].services[0].index()].timeout_seconds;
        let failure = ProbeFailure { server, trouble: Trouble::Silence };
        assert_eq!((end.failure, end.seconds), (Some(failure), timeout));
        let closed = (0..20).map(ServerId::from).find(|server| !open(server)).expect("one is closed");
        let mut asked = BTreeSet::new();
        let end = scenery.probe(1, closed, &mut asked);
        assert_eq!(end.failure, Some(ProbeFailure { server: closed, trouble: Trouble::Silence }));
        assert_eq!(asked.len(), 0, "there is nobody to be asked");
    }
}
