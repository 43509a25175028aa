//! Traffic: how users' requests flow down the call graph, and how answers fold back up.
//!
//! Two passes a round. [`Traffic::flow`] runs before the servers step: it splits the round's
//! requests over the members that the balancer believes up (from the reports of the round before),
//! adds retries and floods, and gives each server its arrivals. [`Traffic::fold`] runs on their
//! reports, callees first: success multiplies, latency adds, and what comes out at the entry is
//! what users got. Requests are whole numbers; shares of them go by largest remainder.
//!
//! What a caller loses does not reach what it calls. Who is down in this round is known exactly;
//! what an overloaded caller turns away is taken from its last report.

use crate::chance::Key;
use crate::definition::Role;
use crate::id::{ServerId, ServiceId};
use crate::message::{Arrivals, Report, ServiceReport};
use crate::outcome::Requests;
use crate::topology::{CallEdge, Class, World};

/// ln 100, for the tail of a time whose 99th percentile is known.
const LN_100: f64 = 4.605_170_185_988_091;

/// A branch that fewer requests than this share take does not move a 99th percentile.
const P99_SHARE: f64 = 0.01;

/// What of a server's state decides what reaches it.
#[derive(Clone, Debug, PartialEq)]
pub struct Door {
    /// Cut off, or its process is gone: nothing sent there arrives.
    pub closed: bool,
    /// Whether the balancer may use it.
    pub in_rotation: bool,
    /// Its part in a replicated service.
    pub role: Option<Role>,
    /// Arrivals, in times of what they would be.
    pub traffic_factor: f64,
    /// Share of a flood that is dropped at the door.
    pub flood_dropped: f64,
    /// Share of users' requests that is dropped with it.
    pub users_dropped: f64,
    /// Its caches come back empty in this round.
    pub cache_emptied: bool,
    /// For each of its services: held down by a fault, or killed by the kernel.
    pub held_down: Vec<bool>,
}

impl Door {
    /// The door of a server to which nothing happened.
    pub fn open(services: usize, role: Option<Role>) -> Self {
        Self {
            closed: false,
            in_rotation: true,
            role,
            traffic_factor: 1.0,
            flood_dropped: 0.0,
            users_dropped: 0.0,
            cache_emptied: false,
            held_down: vec![false; services],
        }
    }

    fn serves(&self, slot: usize) -> bool {
        !self.closed && !self.held_down[slot]
    }
}

/// What the balancer and the callers remember from one round to the next.
#[derive(Clone, Debug)]
pub struct Traffic {
    key: Key,
    /// For each service and member.
    members: Vec<Vec<Memory>>,
    /// For each service, share of first attempts that failed.
    failed: Vec<f64>,
}

/// What is remembered of a member.
#[derive(Clone, Copy, Debug)]
struct Memory {
    believed_up: bool,
    /// Its own success when it last ran, for reads and writes.
    success: [f64; 2],
    /// Share of reads that it will answer from memory in the next round, and how it comes to that.
    hit_ratio: f64,
    cache: Refill,
}

/// How a cache warms up; of no consequence for others.
#[derive(Clone, Copy, Debug, Default)]
struct Refill {
    hit_ratio: f64,
    refill: f64,
}

impl Refill {
    fn warmth_after(self, now: f64) -> f64 {
        now + (self.hit_ratio - now) * self.refill
    }
}

/// The requests of one round on their way.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// Users' requests.
    pub total: u32,
    /// Of which write.
    pub writes: u32,
    /// What was sent to each service's members, whether or not it arrived.
    sent: Vec<Vec<Sent>>,
    /// Of that, what callers on other servers sent.
    pooled: Vec<Vec<Sent>>,
    /// What arrives at each server's services.
    pub arrivals: Vec<Vec<Arrivals>>,
}

/// What was sent to a member.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sent {
    reads: u32,
    writes: u32,
}

impl Sent {
    fn of(self, class: Class) -> u32 {
        match class {
            Class::Read => self.reads,
            Class::Write => self.writes,
        }
    }
}

/// What a service is asked in a round.
#[derive(Clone, Debug)]
struct Demand {
    /// By callers on other servers, for whichever member.
    pooled: Sent,
    /// By callers on a member's own server.
    local: Vec<Sent>,
}

impl Demand {
    fn new(members: usize) -> Self {
        Self { pooled: Sent::default(), local: vec![Sent::default(); members] }
    }

    fn all(&self) -> Sent {
        self.local.iter().fold(self.pooled, |sum, local| Sent {
            reads: sum.reads + local.reads,
            writes: sum.writes + local.writes,
        })
    }
}

/// What users and telemetry got of a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded {
    /// Users' requests.
    pub requests: Requests,
    /// What each server's telemetry shows of errors and latency.
    pub servers: Vec<Quality>,
}

/// What a server answers, with what lies behind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quality {
    /// Share of requests that failed, 0 to 1.
    pub error_rate: f64,
    /// 99th percentile of the time to answer, seconds.
    pub p99_seconds: f64,
}

/// How a group of members, or a member, answers requests of one class.
#[derive(Clone, Copy, Debug, Default)]
struct Answer {
    success: f64,
    /// The part of `success` that is the member's own; the rest is what lies behind it.
    own: f64,
    mean: f64,
    p99: f64,
}

impl Answer {
    /// Nobody answers: the caller waits for all of its timeout.
    fn silence(timeout_seconds: f64) -> Self {
        Self { success: 0.0, own: 0.0, mean: timeout_seconds, p99: timeout_seconds }
    }
}

impl Traffic {
    /// Nothing remembered: everything is believed up.
    pub fn new(world: &World, key: Key) -> Self {
        let members = world
            .services
            .iter()
            .zip(world.definition.services.values())
            .map(|(service, definition)| {
                let cache = definition.cache.as_ref().map_or(Refill::default(), |cache| Refill {
                    hit_ratio: cache.hit_ratio,
                    refill: cache.refill,
                });
                let hit_ratio = cache.hit_ratio;
                vec![
                    Memory { believed_up: true, success: [1.0, 1.0], hit_ratio, cache };
                    service.members.len()
                ]
            })
            .collect();
        Self { key, members, failed: vec![0.0; world.services.len()] }
    }

    /// How many users' requests come in a round: base times noise. The same for every SRE.
    pub fn users(&self, world: &World, round: u32) -> u32 {
        let traffic = &world.definition.traffic;
        libm::round(traffic.base * self.key.draws(0, round).between(0, traffic.noise)) as u32
    }

    /// Sends a round's requests on their way.
    pub fn flow(&self, world: &World, round: u32, doors: &[Door]) -> Flow {
        let total = self.users(world, round);
        let writes = share_of(total, world.definition.traffic.write_share);
        let mut flow = Flow {
            total,
            writes,
            sent: world.services.iter().map(|s| vec![Sent::default(); s.members.len()]).collect(),
            pooled: world.services.iter().map(|s| vec![Sent::default(); s.members.len()]).collect(),
            arrivals: world.servers.iter().map(|s| vec![Arrivals::default(); s.services.len()]).collect(),
        };
        let mut demand: Vec<Demand> = world.services.iter().map(|s| Demand::new(s.members.len())).collect();
        demand[world.entry.index()].pooled = Sent { reads: total - writes, writes };
        for service in &world.call_order {
            self.send(world, *service, &demand[service.index()], round, doors, &mut flow);
            for edge in &world.services[service.index()].calls {
                self.call(world, *service, edge, doors, &flow, &mut demand[edge.to.index()]);
            }
        }
        flow
    }

    /// Splits what a service is asked over its members, and works out what arrives.
    fn send(
        &self,
        world: &World,
        service: ServiceId,
        demand: &Demand,
        round: u32,
        doors: &[Door],
        flow: &mut Flow,
    ) {
        let node = &world.services[service.index()];
        let readers = self.readers(world, service, doors);
        let writers = writers(world, service, doors, &readers);
        let all = demand.all();
        let budget = world.definition.traffic.retry_budget;
        let retries = |count: u32, members: &[usize]| {
            if members.len() < 2 { 0 } else { share_of(count, self.failed[service.index()].min(budget)) }
        };
        let pooled = &mut flow.pooled[service.index()];
        let reads = split(demand.pooled.reads + retries(all.reads, &readers), &readers, round);
        for (member, reads) in readers.iter().zip(reads) {
            pooled[*member].reads = reads;
        }
        let writes = split(demand.pooled.writes + retries(all.writes, &writers), &writers, round);
        for (member, writes) in writers.iter().zip(writes) {
            pooled[*member].writes = writes;
        }
        for ((sent, pooled), local) in flow.sent[service.index()].iter_mut().zip(pooled).zip(&demand.local) {
            *sent = Sent { reads: pooled.reads + local.reads, writes: pooled.writes + local.writes };
        }
        let fair = f64::from(all.reads + all.writes) / node.members.len() as f64;
        let written = writers.iter().any(|index| {
            let member = node.members[*index];
            doors[member.server.index()].serves(member.slot)
        });
        for (index, member) in node.members.iter().enumerate() {
            let door = &doors[member.server.index()];
            if !door.serves(member.slot) {
                continue;
            }
            let sent = flow.sent[service.index()][index];
            let applies = node.replicated && written && !writers.contains(&index);
            flow.arrivals[member.server.index()][member.slot] = Arrivals {
                reads: share_of(sent.reads, 1.0 - door.users_dropped),
                writes: share_of(sent.writes, 1.0 - door.users_dropped),
                applies: if applies { all.writes } else { 0 },
                flood: libm::round(fair * (door.traffic_factor - 1.0) * (1.0 - door.flood_dropped)) as u32,
            };
        }
    }

    /// The member of a service on a caller's own server, which is asked before all others while it
    /// is believed up. A service with a primary has no such short cut.
    fn local(&self, world: &World, server: ServerId, service: ServiceId, doors: &[Door]) -> Option<usize> {
        let node = &world.services[service.index()];
        if node.replicated || !doors[server.index()].in_rotation {
            return None;
        }
        let index = node.members.iter().position(|member| member.server == server)?;
        self.members[service.index()][index].believed_up.then_some(index)
    }

    /// Members that the balancer uses for reads: those believed up; if there are none, all in
    /// rotation (a balancer with nobody left tries everybody); if there are none, all.
    fn readers(&self, world: &World, service: ServiceId, doors: &[Door]) -> Vec<usize> {
        let members = &world.services[service.index()].members;
        let memory = &self.members[service.index()];
        let in_rotation = |index: &usize| doors[members[*index].server.index()].in_rotation;
        let mut chosen: Vec<usize> =
            (0..members.len()).filter(in_rotation).filter(|index| memory[*index].believed_up).collect();
        if chosen.is_empty() {
            chosen = (0..members.len()).filter(in_rotation).collect();
        }
        if chosen.is_empty() {
            chosen = (0..members.len()).collect();
        }
        chosen
    }

    /// Adds to the demand on a service what the members of a caller ask it along one call.
    fn call(
        &self,
        world: &World,
        caller: ServiceId,
        edge: &CallEdge,
        doors: &[Door],
        flow: &Flow,
        demand: &mut Demand,
    ) {
        let (mut reads, mut writes) = (0.0, 0.0);
        for (index, member) in world.services[caller.index()].members.iter().enumerate() {
            let door = &doors[member.server.index()];
            let client = edge.via.is_none_or(|client| serves_client(world, member.server, client, door));
            if !door.serves(member.slot) || !client {
                continue;
            }
            let sent = flow.sent[caller.index()][index];
            let asked = self.unanswered(world, caller, edge, member.server, doors);
            let [read_success, write_success] = self.members[caller.index()][index].success;
            let reading = if edge.reads { f64::from(sent.reads) * read_success * asked } else { 0.0 };
            let writing = if edge.writes { f64::from(sent.writes) * write_success * asked } else { 0.0 };
            match self.local(world, member.server, edge.to, doors) {
                Some(local) => {
                    demand.local[local].reads += libm::round(reading) as u32;
                    demand.local[local].writes += libm::round(writing) as u32;
                }
                None => {
                    reads += reading;
                    writes += writing;
                }
            }
        }
        demand.pooled.reads += libm::round(reads) as u32;
        demand.pooled.writes += libm::round(writes) as u32;
    }

    /// Share of a caller's requests that make a call: all, or behind a cache what that leaves.
    fn unanswered(
        &self,
        world: &World,
        caller: ServiceId,
        edge: &CallEdge,
        server: ServerId,
        doors: &[Door],
    ) -> f64 {
        let Some(cache) = edge.behind else { return 1.0 };
        let cache = &world.services[caller.index()].calls[cache];
        // What stands behind two caches is asked for what both leave.
        let asked = self.unanswered(world, caller, cache, server, doors);
        let door = &doors[server.index()];
        let asks = cache.via.is_none_or(|client| serves_client(world, server, client, door));
        if asks { asked * (1.0 - self.answered(world, cache.to, doors)) } else { asked }
    }

    /// Share of what a cache is asked that it answers from memory: its members are asked alike.
    fn answered(&self, world: &World, cache: ServiceId, doors: &[Door]) -> f64 {
        let node = &world.services[cache.index()];
        let readers = self.readers(world, cache, doors);
        let answers = |index: &usize| {
            let (member, memory) = (node.members[*index], self.members[cache.index()][*index]);
            let door = &doors[member.server.index()];
            if door.serves(member.slot) && !door.cache_emptied {
                memory.hit_ratio * memory.success[0]
            } else {
                0.0
            }
        };
        readers.iter().map(answers).sum::<f64>() / readers.len().max(1) as f64
    }

    /// Folds the reports of a round. `None` is a server whose process is gone.
    pub fn fold(&self, world: &World, doors: &[Door], flow: &Flow, reports: &[Option<Report>]) -> Folded {
        Fold { traffic: self, world, doors, flow, reports, forgiven: &[] }.run()
    }

    /// What users would have got of a round without the costs of actions on some servers.
    pub fn fold_without_costs(
        &self,
        world: &World,
        doors: &[Door],
        flow: &Flow,
        reports: &[Option<Report>],
        servers: &[ServerId],
    ) -> Requests {
        Fold { traffic: self, world, doors, flow, reports, forgiven: servers }.run().requests
    }

    /// Remembers a round: who is believed up, and what was lost.
    pub fn learn(&mut self, world: &World, doors: &[Door], flow: &Flow, reports: &[Option<Report>]) {
        for (index, service) in world.services.iter().enumerate() {
            let mut asked = 0.0;
            let mut failed = 0.0;
            for (position, member) in service.members.iter().enumerate() {
                let door = &doors[member.server.index()];
                let report = service_report(reports, member.server, member.slot);
                let up = !door.closed && report.is_some_and(|report| report.up);
                let memory = &mut self.members[index][position];
                memory.believed_up = up;
                let sent = flow.sent[index][position];
                let success = match report {
                    Some(report) if up => [report.read_success, report.write_success],
                    _ => [0.0, 0.0],
                };
                asked += f64::from(sent.reads + sent.writes);
                failed +=
                    f64::from(sent.reads) * (1.0 - success[0]) + f64::from(sent.writes) * (1.0 - success[1]);
                // A member that comes back is taken to be well until it reports otherwise.
                memory.success = if up { success } else { [1.0, 1.0] };
                let running = report.filter(|report| report.up);
                memory.hit_ratio = running.map_or(0.0, |report| memory.cache.warmth_after(report.hit_ratio));
            }
            self.failed[index] = if asked > 0.0 { failed / asked } else { 0.0 };
        }
    }
}

/// Members that take writes: the primary where there is one, otherwise those that take reads.
fn writers(world: &World, service: ServiceId, doors: &[Door], readers: &[usize]) -> Vec<usize> {
    let node = &world.services[service.index()];
    if !node.replicated || node.members.len() < 2 {
        return readers.to_vec();
    }
    (0..node.members.len())
        .filter(|index| doors[node.members[*index].server.index()].role == Some(Role::Primary))
        .collect()
}

fn serves_client(world: &World, server: ServerId, client: ServiceId, door: &Door) -> bool {
    let slot = world.servers[server.index()].services.iter().position(|hosted| *hosted == client);
    slot.is_some_and(|slot| door.serves(slot))
}

fn service_report(reports: &[Option<Report>], server: ServerId, slot: usize) -> Option<&ServiceReport> {
    reports[server.index()].as_ref().map(|report| &report.services[slot])
}

/// The nearest whole number to a share of a count.
fn share_of(count: u32, share: f64) -> u32 {
    libm::round(f64::from(count) * share) as u32
}

/// Splits a count evenly over members; who gets one more moves on from round to round.
fn split(count: u32, members: &[usize], round: u32) -> impl Iterator<Item = u32> {
    let parts = u32::try_from(members.len()).expect("fewer members than requests can be counted");
    (0..parts).map(move |part| {
        let turn = (part + round) % parts;
        count / parts + u32::from(turn < count % parts)
    })
}

/// What is known of the services that were folded already: all that a service calls.
struct Done {
    /// For each service and member.
    members: Vec<Vec<[Answer; 2]>>,
    /// For each service, all its members together.
    groups: Vec<[Answer; 2]>,
}

/// The upward pass over one round.
struct Fold<'a> {
    traffic: &'a Traffic,
    world: &'a World,
    doors: &'a [Door],
    flow: &'a Flow,
    reports: &'a [Option<Report>],
    /// Servers whose costs of actions do not count.
    forgiven: &'a [ServerId],
}

impl Fold<'_> {
    fn run(&self) -> Folded {
        let services = self.world.services.len();
        let mut done =
            Done { members: vec![Vec::new(); services], groups: vec![[Answer::default(); 2]; services] };
        let mut servers = vec![Quality::default(); self.world.servers.len()];
        for service in self.world.call_order.iter().rev() {
            let node = &self.world.services[service.index()];
            let mut answers = vec![[Answer::default(); 2]; node.members.len()];
            for (index, member) in node.members.iter().enumerate() {
                for class in Class::BOTH {
                    answers[index][class as usize] = self.member(*service, index, class, &done);
                }
                let sent = self.flow.sent[service.index()][index];
                worsen(
                    &mut servers[member.server.index()],
                    sent,
                    answers[index],
                    self.is_up(*service, index),
                );
            }
            for class in Class::BOTH {
                let weights = self.weights(*service, class);
                done.groups[service.index()][class as usize] =
                    self.group(&weights, &weights, class, &answers);
            }
            done.members[service.index()] = answers;
        }
        self.uncalled(&mut servers);
        Folded { requests: self.users(done.groups[self.world.entry.index()]), servers }
    }

    fn users(&self, [reads, writes]: [Answer; 2]) -> Requests {
        let good = share_of(self.flow.total - self.flow.writes, reads.success)
            + share_of(self.flow.writes, writes.success);
        Requests { total: u64::from(self.flow.total), good: u64::from(good) }
    }

    fn is_up(&self, service: ServiceId, index: usize) -> bool {
        let member = self.world.services[service.index()].members[index];
        let report = service_report(self.reports, member.server, member.slot);
        !self.doors[member.server.index()].closed && report.is_some_and(|report| report.up)
    }

    /// How one member answers, with what lies behind it.
    fn member(&self, service: ServiceId, index: usize, class: Class, done: &Done) -> Answer {
        let node = &self.world.services[service.index()];
        let member = node.members[index];
        let door = &self.doors[member.server.index()];
        if door.closed {
            return Answer::silence(node.timeout_seconds);
        }
        let Some(report) = service_report(self.reports, member.server, member.slot) else {
            return Answer::silence(node.timeout_seconds);
        };
        if !report.up {
            return Answer::default();
        }
        let behind = self.behind(service, member.server, class, done);
        let in_time = in_time(report.p99_seconds, node.timeout_seconds - behind.mean);
        let forgiven = self.forgiven.contains(&member.server);
        let (own, harm) = match class {
            Class::Read => (report.read_success, report.read_harm),
            Class::Write => (report.write_success, report.write_harm),
        };
        let own = if forgiven { own + harm } else { own * (1.0 - door.users_dropped) };
        let mean = report.mean_seconds + behind.mean;
        let p99 = mean + (report.p99_seconds - report.mean_seconds).max(behind.p99 - behind.mean);
        Answer {
            success: own * behind.success * in_time,
            own,
            mean: mean.min(node.timeout_seconds),
            p99: p99.min(node.timeout_seconds),
        }
    }

    /// What the calls of a service on one server come to, one after another. `p99` is the mean of
    /// all plus the widest spread of one.
    fn behind(&self, service: ServiceId, server: ServerId, class: Class, done: &Done) -> Answer {
        let mut all = Answer { success: 1.0, ..Answer::default() };
        let mut spread: f64 = 0.0;
        let calls = &self.world.services[service.index()].calls;
        // What each call leaves unanswered to the one behind it.
        let mut unanswered = vec![1.0; calls.len()];
        for (position, edge) in calls.iter().enumerate().filter(|(_, edge)| edge.serves(class)) {
            let client = edge
                .via
                .is_none_or(|client| serves_client(self.world, server, client, &self.doors[server.index()]));
            let group = if client { self.callee(edge.to, server, class, done) } else { Answer::default() };
            let asked = edge.behind.map_or(1.0, |cache| unanswered[cache]);
            if edge.has_fallback {
                unanswered[position] = asked * (1.0 - group.success * self.hit_ratio(edge.to));
            } else {
                all.success *= 1.0 - asked * (1.0 - group.success);
            }
            all.mean += asked * group.mean;
            if asked >= P99_SHARE {
                spread = spread.max(group.p99 - asked * group.mean);
            }
        }
        all.p99 = all.mean + spread;
        all
    }

    /// Share of what a cache's members answer that they answer from memory.
    fn hit_ratio(&self, cache: ServiceId) -> f64 {
        let members = &self.world.services[cache.index()].members;
        let mut answered = 0.0;
        let mut hits = 0.0;
        for (index, member) in members.iter().enumerate() {
            let Some(report) = service_report(self.reports, member.server, member.slot) else { continue };
            if self.doors[member.server.index()].closed {
                continue;
            }
            let sent = self.flow.sent[cache.index()][index];
            let answers = f64::from(sent.reads + sent.writes) * report.read_success;
            answered += answers;
            hits += answers * report.hit_ratio;
        }
        if answered > 0.0 { hits / answered } else { 0.0 }
    }

    /// How a service answers callers on one server: the member there if it is asked first, else
    /// all members together.
    fn callee(&self, service: ServiceId, server: ServerId, class: Class, done: &Done) -> Answer {
        match self.traffic.local(self.world, server, service, self.doors) {
            Some(local) => {
                let others = self.weights(service, class);
                self.group(&[(local, 1.0)], &others, class, &done.members[service.index()])
            }
            None => done.groups[service.index()][class as usize],
        }
    }

    /// How members answer a class: first attempts by their weights, and for what a member itself
    /// failed one retry on the next of `others`, within the budget. What failed behind it would
    /// fail again, and is not retried.
    fn group(
        &self,
        first: &[(usize, f64)],
        others: &[(usize, f64)],
        class: Class,
        answers: &[[Answer; 2]],
    ) -> Answer {
        let of = |index: usize| answers[index][class as usize];
        let mut group = Answer::default();
        let mut failed = 0.0;
        let mut second_chance = 0.0;
        for (index, weight) in first {
            let answer = of(*index);
            group.success += weight * answer.success;
            group.mean += weight * answer.mean;
            if *weight >= P99_SHARE {
                group.p99 = group.p99.max(answer.p99);
            }
            failed += weight * (1.0 - answer.own);
            if let Some(next) = next_after(*index, others) {
                second_chance += weight * (1.0 - answer.own) * of(next).success;
            }
        }
        let budget = self.world.definition.traffic.retry_budget;
        if failed > 0.0 {
            group.success += second_chance * (budget / failed).min(1.0);
        }
        group.success = group.success.min(1.0);
        group
    }

    /// The members that callers on other servers sent a class to, with their shares; where nothing
    /// was sent, those that it would have been sent to, alike.
    fn weights(&self, service: ServiceId, class: Class) -> Vec<(usize, f64)> {
        let sent = &self.flow.pooled[service.index()];
        let total: u32 = sent.iter().map(|sent| sent.of(class)).sum();
        if total > 0 {
            return sent
                .iter()
                .enumerate()
                .filter(|(_, sent)| sent.of(class) > 0)
                .map(|(index, sent)| (index, f64::from(sent.of(class)) / f64::from(total)))
                .collect();
        }
        let readers = self.traffic.readers(self.world, service, self.doors);
        let chosen = match class {
            Class::Read => readers,
            Class::Write => writers(self.world, service, self.doors, &readers),
        };
        let share = 1.0 / chosen.len() as f64;
        chosen.into_iter().map(|index| (index, share)).collect()
    }

    /// Services that no request can reach still show their own health.
    fn uncalled(&self, servers: &mut [Quality]) {
        for (server, node) in self.world.servers.iter().enumerate() {
            for (slot, service) in node.services.iter().enumerate() {
                let Some(report) = service_report(self.reports, ServerId::from(server), slot) else {
                    continue;
                };
                if self.world.call_order.contains(service) || !report.up {
                    continue;
                }
                let quality = &mut servers[server];
                quality.error_rate = quality.error_rate.max(1.0 - report.read_success);
                quality.p99_seconds = quality.p99_seconds.max(report.p99_seconds);
            }
        }
    }
}

/// The member after one, in a circle; `None` when there is no other.
fn next_after(index: usize, members: &[(usize, f64)]) -> Option<usize> {
    let others = || members.iter().map(|(other, _)| *other);
    others().find(|other| *other > index).or_else(|| others().find(|other| *other != index))
}

/// Share of requests answered within the time left, for a time that is exponential above its
/// median with a known 99th percentile.
fn in_time(p99_seconds: f64, left_seconds: f64) -> f64 {
    if left_seconds <= 0.0 {
        return 0.0;
    }
    if p99_seconds <= 0.0 { 1.0 } else { 1.0 - libm::exp(-LN_100 * left_seconds / p99_seconds) }
}

/// A server is as bad as the worst of its services that run: what is down measures nothing, its
/// callers see the errors. Where no users' requests went, probes show how a service would answer.
fn worsen(quality: &mut Quality, sent: Sent, [read, write]: [Answer; 2], up: bool) {
    if !up {
        return;
    }
    let (reads, writes) = (f64::from(sent.reads), f64::from(sent.writes));
    let error_rate = if reads + writes > 0.0 {
        (reads * (1.0 - read.success) + writes * (1.0 - write.success)) / (reads + writes)
    } else {
        1.0 - read.success
    };
    quality.error_rate = quality.error_rate.max(error_rate);
    quality.p99_seconds = quality.p99_seconds.max(read.p99);
    if writes > 0.0 {
        quality.p99_seconds = quality.p99_seconds.max(write.p99);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_loses_no_request() {
        for count in [0, 1, 7, 1000] {
            for round in 1..5 {
                assert_eq!(split(count, &[0, 1, 2], round).sum::<u32>(), count);
            }
        }
    }

    #[test]
    fn in_time_is_exact_at_the_percentile() {
        assert!((in_time(2.0, 2.0) - 0.99).abs() < 1e-12);
        assert_eq!(in_time(2.0, 0.0), 0.0);
        assert_eq!(in_time(0.0, 1.0), 1.0);
    }
}
