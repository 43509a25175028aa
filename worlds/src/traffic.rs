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
//!
//! Both passes write into buffers that are kept from round to round. What belongs to a service on a
//! server is found by the number of that instance.

use crate::chance::{Dice, Key};
use crate::definition::Role;
use crate::id::{ServerId, ServiceId};
use crate::message::{Arrivals, Report, ServiceReport};
use crate::outcome::Requests;
use crate::topology::{CallEdge, Class, Member, Route, ServiceNode, World};

/// ln 100, for the tail of a time whose 99th percentile is known.
const LN_100: f64 = 4.605_170_185_988_091;

/// A branch that fewer requests than this share take does not move a 99th percentile.
const P99_SHARE: f64 = 0.01;

// ---- doors ------------------------------------------------------------------------------------

/// What of a server's state decides what reaches it.
#[derive(Clone, Copy, Debug, PartialEq)]
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
}

impl Door {
    /// The door of a server to which nothing happened.
    pub fn open(role: Option<Role>) -> Self {
        Self {
            closed: false,
            in_rotation: true,
            role,
            traffic_factor: 1.0,
            flood_dropped: 0.0,
            users_dropped: 0.0,
            cache_emptied: false,
        }
    }
}

/// The doors of a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Doors {
    /// Of each server.
    pub servers: Vec<Door>,
    /// For each instance: held down by a fault, or killed by the kernel.
    pub held_down: Vec<bool>,
}

impl Doors {
    /// Those of a world in which nothing happened.
    pub fn new(world: &World) -> Self {
        Self {
            servers: world.servers.iter().map(|server| Door::open(server.role)).collect(),
            held_down: vec![false; world.instances.len()],
        }
    }

    fn of(&self, server: ServerId) -> &Door {
        &self.servers[server.index()]
    }

    fn serves(&self, member: Member) -> bool {
        !self.of(member.server).closed && !self.held_down[member.instance]
    }

    /// Whether the client that a member needs for a call can be used.
    fn has_client(&self, member: Member, route: Route) -> bool {
        route.client.is_none_or(|client| !self.of(member.server).closed && !self.held_down[client])
    }
}

// ---- what is remembered -----------------------------------------------------------------------

/// What the balancer and the callers remember from one round to the next.
#[derive(Debug)]
pub struct Traffic {
    dice: Dice,
    /// For each instance.
    memory: Vec<Memory>,
    /// For each service, share of first attempts that failed.
    failed: Vec<f64>,
}

/// What is remembered of an instance.
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

impl Traffic {
    /// Nothing remembered: everything is believed up.
    pub fn new(world: &World, key: Key) -> Self {
        let refills: Vec<Refill> = world
            .definition
            .services
            .values()
            .map(|service| {
                service.cache.as_ref().map_or(Refill::default(), |cache| Refill {
                    hit_ratio: cache.hit_ratio,
                    refill: cache.refill,
                })
            })
            .collect();
        let memory = |cache: Refill| Memory {
            believed_up: true,
            success: [1.0, 1.0],
            hit_ratio: cache.hit_ratio,
            cache,
        };
        let instances = world.instances.iter();
        Self {
            dice: key.dice(0),
            memory: instances.map(|instance| memory(refills[instance.service.index()])).collect(),
            failed: vec![0.0; world.services.len()],
        }
    }

    /// How many users' requests come in a round: base times noise. The same for every SRE.
    pub fn users(&mut self, world: &World, round: u32) -> u32 {
        let traffic = &world.definition.traffic;
        nearest(traffic.base * self.dice.draws(round).between(0, traffic.noise))
    }

    /// The member that a route asks first, while it is believed up.
    fn local(&self, member: Member, route: Route, called: &ServiceNode, doors: &Doors) -> Option<usize> {
        let local = route.local.filter(|_| doors.of(member.server).in_rotation)?;
        self.memory[called.members[local].instance].believed_up.then_some(local)
    }

    /// Remembers a round: who is believed up, and what was lost.
    pub fn learn(&mut self, world: &World, doors: &Doors, flow: &Flow, reports: &[Option<Report>]) {
        for (service, failed) in world.services.iter().zip(&mut self.failed) {
            let mut asked = 0.0;
            let mut lost = 0.0;
            for member in &service.members {
                let report = service_report(reports, *member);
                let up = !doors.of(member.server).closed && report.is_some_and(|report| report.up);
                let memory = &mut self.memory[member.instance];
                memory.believed_up = up;
                let sent = flow.sent[member.instance];
                let success = match report {
                    Some(report) if up => [report.read_success, report.write_success],
                    _ => [0.0, 0.0],
                };
                asked += f64::from(sent.reads + sent.writes);
                lost +=
                    f64::from(sent.reads) * (1.0 - success[0]) + f64::from(sent.writes) * (1.0 - success[1]);
                // A member that comes back is taken to be well until it reports otherwise.
                memory.success = if up { success } else { [1.0, 1.0] };
                let running = report.filter(|report| report.up);
                memory.hit_ratio = running.map_or(0.0, |report| memory.cache.warmth_after(report.hit_ratio));
            }
            *failed = if asked > 0.0 { lost / asked } else { 0.0 };
        }
    }
}

// ---- down the call graph ----------------------------------------------------------------------

/// The requests of one round on their way.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// Users' requests.
    pub total: u32,
    /// Of which write.
    pub writes: u32,
    /// What arrives at each instance.
    pub arrivals: Vec<Arrivals>,
    /// What was sent to each instance, whether or not it arrived.
    sent: Vec<Sent>,
    /// Of that, what callers on other servers sent.
    pooled: Vec<Sent>,
    /// And what callers on its own server sent.
    local: Vec<Sent>,
    /// Of each instance, whether the balancer uses it for reads and for writes.
    chosen: Vec<[bool; 2]>,
    /// How each service is asked.
    demand: Vec<Demand>,
}

/// What was sent to an instance.
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

/// How a service is asked in a round.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Demand {
    /// By callers on other servers, for whichever member.
    pooled: Sent,
    /// How many members take reads, and how many writes.
    members: [u32; 2],
    /// Of a cache: share of what it is asked that it answers from memory.
    answered: f64,
}

impl Flow {
    /// Room for a world's requests.
    pub fn new(world: &World) -> Self {
        let instances = world.instances.len();
        Self {
            total: 0,
            writes: 0,
            arrivals: vec![Arrivals::default(); instances],
            sent: vec![Sent::default(); instances],
            pooled: vec![Sent::default(); instances],
            local: vec![Sent::default(); instances],
            chosen: vec![[true; 2]; instances],
            demand: vec![Demand::default(); world.services.len()],
        }
    }

    fn clear(&mut self) {
        self.arrivals.fill(Arrivals::default());
        self.sent.fill(Sent::default());
        self.pooled.fill(Sent::default());
        self.local.fill(Sent::default());
        self.demand.fill(Demand::default());
    }
}

impl Traffic {
    /// Sends a round's requests on their way.
    pub fn flow(&self, world: &World, round: u32, users: u32, doors: &Doors, flow: &mut Flow) {
        flow.clear();
        flow.total = users;
        flow.writes = share_of(users, world.definition.traffic.write_share);
        for service in &world.call_order {
            self.choose(world, *service, doors, flow);
        }
        flow.demand[world.entry.index()].pooled = Sent { reads: users - flow.writes, writes: flow.writes };
        for service in &world.call_order {
            self.send(world, *service, round, doors, flow);
            for position in 0..world.services[service.index()].calls.len() {
                self.call(world, *service, position, doors, flow);
            }
        }
    }

    /// Chooses the members that the balancer uses. For reads those believed up; if there are none,
    /// all in rotation (a balancer with nobody left tries everybody); if there are none, all. For
    /// writes the primary where there is one, otherwise those that take reads.
    fn choose(&self, world: &World, service: ServiceId, doors: &Doors, flow: &mut Flow) {
        let node = &world.services[service.index()];
        let rank = |member: &Member| {
            let in_rotation = doors.of(member.server).in_rotation;
            if in_rotation { 1 + u8::from(self.memory[member.instance].believed_up) } else { 0 }
        };
        let best = node.members.iter().map(rank).max();
        let one_writes = node.replicated && node.members.len() > 1;
        let demand = &mut flow.demand[service.index()];
        let mut answered = 0.0;
        for member in &node.members {
            let door = doors.of(member.server);
            let reads = Some(rank(member)) == best;
            let writes = if one_writes { door.role == Some(Role::Primary) } else { reads };
            flow.chosen[member.instance] = [reads, writes];
            demand.members[0] += u32::from(reads);
            demand.members[1] += u32::from(writes);
            if reads && doors.serves(*member) && !door.cache_emptied {
                let memory = &self.memory[member.instance];
                answered += memory.hit_ratio * memory.success[0];
            }
        }
        // The members of a cache are asked alike.
        demand.answered = answered / f64::from(demand.members[0].max(1));
    }

    /// Splits what a service is asked over its members, and works out what arrives.
    fn send(&self, world: &World, service: ServiceId, round: u32, doors: &Doors, flow: &mut Flow) {
        let node = &world.services[service.index()];
        let Demand { pooled, members: [readers, writers], .. } = flow.demand[service.index()];
        let all = node.members.iter().fold(pooled, |sum, member| {
            let local = flow.local[member.instance];
            Sent { reads: sum.reads + local.reads, writes: sum.writes + local.writes }
        });
        let failed = self.failed[service.index()].min(world.definition.traffic.retry_budget);
        let retries = |count: u32, members: u32| if members < 2 { 0 } else { share_of(count, failed) };
        let mut reads = Split::of(pooled.reads + retries(all.reads, readers), readers, round);
        let mut writes = Split::of(pooled.writes + retries(all.writes, writers), writers, round);
        let mut written = false;
        for member in &node.members {
            let instance = member.instance;
            let [takes_reads, takes_writes] = flow.chosen[instance];
            let pooled = Sent {
                reads: if takes_reads { reads.next() } else { 0 },
                writes: if takes_writes { writes.next() } else { 0 },
            };
            let local = flow.local[instance];
            flow.pooled[instance] = pooled;
            flow.sent[instance] =
                Sent { reads: pooled.reads + local.reads, writes: pooled.writes + local.writes };
            written |= takes_writes && doors.serves(*member);
        }
        let fair = f64::from(all.reads + all.writes) / node.members.len() as f64;
        for member in node.members.iter().filter(|member| doors.serves(**member)) {
            let door = doors.of(member.server);
            let sent = flow.sent[member.instance];
            let applies = node.replicated && written && !flow.chosen[member.instance][1];
            flow.arrivals[member.instance] = Arrivals {
                reads: share_of(sent.reads, 1.0 - door.users_dropped),
                writes: share_of(sent.writes, 1.0 - door.users_dropped),
                applies: if applies { all.writes } else { 0 },
                flood: nearest(fair * (door.traffic_factor - 1.0) * (1.0 - door.flood_dropped)),
            };
        }
    }

    /// Adds to the demand on a service what the members of a caller ask it along one call.
    fn call(&self, world: &World, caller: ServiceId, position: usize, doors: &Doors, flow: &mut Flow) {
        let node = &world.services[caller.index()];
        let edge = &node.calls[position];
        let called = &world.services[edge.to.index()];
        let (mut reads, mut writes) = (0.0, 0.0);
        for (index, member) in node.members.iter().enumerate() {
            let route = edge.routes[index];
            if !doors.serves(*member) || !doors.has_client(*member, route) {
                continue;
            }
            let sent = flow.sent[member.instance];
            let asked = unanswered(node, edge, index, doors, &flow.demand);
            let [read_success, write_success] = self.memory[member.instance].success;
            let reading = if edge.reads { f64::from(sent.reads) * read_success * asked } else { 0.0 };
            let writing = if edge.writes { f64::from(sent.writes) * write_success * asked } else { 0.0 };
            match self.local(*member, route, called, doors) {
                Some(local) => {
                    let local = &mut flow.local[called.members[local].instance];
                    local.reads += nearest(reading);
                    local.writes += nearest(writing);
                }
                None => {
                    reads += reading;
                    writes += writing;
                }
            }
        }
        let demand = &mut flow.demand[edge.to.index()].pooled;
        demand.reads += nearest(reads);
        demand.writes += nearest(writes);
    }
}

/// Share of a caller's requests that make a call: all, or behind a cache what that leaves.
fn unanswered(node: &ServiceNode, edge: &CallEdge, index: usize, doors: &Doors, demand: &[Demand]) -> f64 {
    let Some(cache) = edge.behind else { return 1.0 };
    let cache = &node.calls[cache];
    // What stands behind two caches is asked for what both leave.
    let asked = unanswered(node, cache, index, doors, demand);
    let asks = doors.has_client(node.members[index], cache.routes[index]);
    if asks { asked * (1.0 - demand[cache.to.index()].answered) } else { asked }
}

/// A count split evenly over members; who gets one more moves on from round to round.
struct Split {
    each: u32,
    more: u32,
    turn: u32,
    members: u32,
}

impl Split {
    fn of(count: u32, members: u32, round: u32) -> Self {
        let members = members.max(1);
        Self { each: count / members, more: count % members, turn: round % members, members }
    }

    /// The next member's part.
    fn next(&mut self) -> u32 {
        let part = self.each + u32::from(self.turn < self.more);
        self.turn = if self.turn + 1 == self.members { 0 } else { self.turn + 1 };
        part
    }
}

/// The nearest whole number, halves away from zero; 0 for what is below.
fn nearest(figure: f64) -> u32 {
    let below = figure as u32;
    below.saturating_add(u32::from(figure - f64::from(below) >= 0.5))
}

/// The nearest whole number to a share of a count.
fn share_of(count: u32, share: f64) -> u32 {
    nearest(f64::from(count) * share)
}

fn service_report(reports: &[Option<Report>], member: Member) -> Option<&ServiceReport> {
    reports[member.server.index()].as_ref().map(|report| &report.services[member.slot])
}

// ---- up the call graph ------------------------------------------------------------------------

/// What users and telemetry got of a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded {
    /// Users' requests.
    pub requests: Requests,
    /// What each server's telemetry shows of errors and latency.
    pub servers: Vec<Quality>,
    /// How each instance answers, reads and writes.
    answers: Vec<[Answer; 2]>,
    /// For each instance its place in what is pooled, reads and writes.
    places: Vec<[Place; 2]>,
    /// How all members of a service together answer callers on other servers.
    groups: Vec<[Answer; 2]>,
    /// Of each cache, share of its answers that came from memory.
    hit_ratios: Vec<f64>,
    /// What each call of a service leaves unanswered to the one behind it.
    unanswered: Vec<f64>,
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
#[derive(Clone, Copy, Debug, Default, PartialEq)]
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

/// A member's place among those that callers on other servers send a class to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Place {
    /// Its share; 0 for one that is not sent to.
    weight: f64,
    /// Who is asked when it fails: the next one of them, in a circle, by position.
    next: Option<usize>,
}

impl Folded {
    /// Room for a world's answers.
    pub fn new(world: &World) -> Self {
        let (instances, services) = (world.instances.len(), world.services.len());
        Self {
            requests: Requests::default(),
            servers: vec![Quality::default(); world.servers.len()],
            answers: vec![[Answer::default(); 2]; instances],
            places: vec![[Place::default(); 2]; instances],
            groups: vec![[Answer::default(); 2]; services],
            hit_ratios: vec![0.0; services],
            unanswered: Vec::new(),
        }
    }
}

impl Traffic {
    /// Folds the reports of a round. `None` is a server whose process is gone.
    pub fn fold(
        &self,
        world: &World,
        doors: &Doors,
        flow: &Flow,
        reports: &[Option<Report>],
        folded: &mut Folded,
    ) {
        Fold { traffic: self, world, doors, flow, reports, forgiven: &[], folded }.run();
    }

    /// What users would have got of a round without the costs of actions on some servers. What
    /// `folded` held is gone.
    pub fn fold_without_costs(
        &self,
        world: &World,
        doors: &Doors,
        flow: &Flow,
        reports: &[Option<Report>],
        forgiven: &[ServerId],
        folded: &mut Folded,
    ) -> Requests {
        Fold { traffic: self, world, doors, flow, reports, forgiven, folded }.run();
        folded.requests
    }
}

/// The upward pass over one round.
struct Fold<'a> {
    traffic: &'a Traffic,
    world: &'a World,
    doors: &'a Doors,
    flow: &'a Flow,
    reports: &'a [Option<Report>],
    /// Servers whose costs of actions do not count.
    forgiven: &'a [ServerId],
    folded: &'a mut Folded,
}

impl Fold<'_> {
    fn run(&mut self) {
        self.folded.servers.fill(Quality::default());
        let world = self.world;
        for service in world.call_order.iter().rev() {
            let node = &world.services[service.index()];
            for (index, member) in node.members.iter().enumerate() {
                let answers = Class::BOTH.map(|class| self.member(node, index, class));
                self.folded.answers[member.instance] = answers;
                self.worsen(*member, answers);
            }
            for class in Class::BOTH {
                self.place(node, *service, class);
                self.folded.groups[service.index()][class as usize] = self.group(node, class);
            }
            if node.cache {
                self.folded.hit_ratios[service.index()] = self.hit_ratio(node);
            }
        }
        self.uncalled();
        self.folded.requests = self.users(self.folded.groups[world.entry.index()]);
    }

    fn users(&self, [reads, writes]: [Answer; 2]) -> Requests {
        let good = share_of(self.flow.total - self.flow.writes, reads.success)
            + share_of(self.flow.writes, writes.success);
        Requests { total: u64::from(self.flow.total), good: u64::from(good) }
    }

    /// How one member answers, with what lies behind it.
    fn member(&mut self, node: &ServiceNode, index: usize, class: Class) -> Answer {
        let member = node.members[index];
        let door = self.doors.of(member.server);
        let (false, Some(report)) = (door.closed, service_report(self.reports, member)) else {
            return Answer::silence(node.timeout_seconds);
        };
        if !report.up {
            return Answer::default();
        }
        let behind = self.behind(node, index, class);
        let in_time = in_time(report.p99_seconds, node.timeout_seconds - behind.mean);
        let (own, harm) = match class {
            Class::Read => (report.read_success, report.read_harm),
            Class::Write => (report.write_success, report.write_harm),
        };
        let forgiven = self.forgiven.contains(&member.server);
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
    fn behind(&mut self, node: &ServiceNode, index: usize, class: Class) -> Answer {
        let mut all = Answer { success: 1.0, ..Answer::default() };
        let mut spread: f64 = 0.0;
        self.folded.unanswered.clear();
        self.folded.unanswered.resize(node.calls.len(), 1.0);
        for (position, edge) in node.calls.iter().enumerate().filter(|(_, edge)| edge.serves(class)) {
            let group = self.callee(node.members[index], edge, edge.routes[index], class);
            let asked = edge.behind.map_or(1.0, |cache| self.folded.unanswered[cache]);
            if edge.has_fallback {
                let hits = self.folded.hit_ratios[edge.to.index()];
                self.folded.unanswered[position] = asked * (1.0 - group.success * hits);
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

    /// How a service answers one caller: the member there if it is asked first, else all members
    /// together. Without its client a caller gets no answer at all.
    fn callee(&self, caller: Member, edge: &CallEdge, route: Route, class: Class) -> Answer {
        if !self.doors.has_client(caller, route) {
            return Answer::default();
        }
        let called = &self.world.services[edge.to.index()];
        match self.traffic.local(caller, route, called, self.doors) {
            Some(local) => {
                let mut group = Group::default();
                group.ask(self.answer(called, local, class), 1.0, self.second(called, local, class));
                self.with_retries(group)
            }
            None => self.folded.groups[edge.to.index()][class as usize],
        }
    }

    fn answer(&self, node: &ServiceNode, index: usize, class: Class) -> Answer {
        self.folded.answers[node.members[index].instance][class as usize]
    }

    /// How the member answers that is asked when this one fails.
    fn second(&self, node: &ServiceNode, index: usize, class: Class) -> Option<Answer> {
        let place = self.folded.places[node.members[index].instance][class as usize];
        place.next.map(|next| self.answer(node, next, class))
    }

    /// How the members that a class is sent to answer together.
    fn group(&self, node: &ServiceNode, class: Class) -> Answer {
        let mut group = Group::default();
        for (index, member) in node.members.iter().enumerate() {
            let weight = self.folded.places[member.instance][class as usize].weight;
            if weight > 0.0 {
                group.ask(self.answer(node, index, class), weight, self.second(node, index, class));
            }
        }
        self.with_retries(group)
    }

    fn with_retries(&self, group: Group) -> Answer {
        group.with_retries(self.world.definition.traffic.retry_budget)
    }

    /// Works out the members that callers on other servers sent a class to, and their shares; where
    /// nothing was sent, those that it would have been sent to, alike.
    fn place(&mut self, node: &ServiceNode, service: ServiceId, class: Class) {
        let flow = self.flow;
        let sent = |member: &Member| flow.pooled[member.instance].of(class);
        let total: u32 = node.members.iter().map(sent).sum();
        let alike = 1.0 / f64::from(flow.demand[service.index()].members[class as usize]);
        let weight = |member: &Member| match (total, flow.chosen[member.instance][class as usize]) {
            (1.., _) => f64::from(sent(member)) / f64::from(total),
            (0, true) => alike,
            (0, false) => 0.0,
        };
        let mut first = None;
        for (index, member) in node.members.iter().enumerate() {
            let weight = weight(member);
            if weight > 0.0 {
                first.get_or_insert(index);
            }
            self.folded.places[member.instance][class as usize].weight = weight;
        }
        let mut following = None;
        for (index, member) in node.members.iter().enumerate().rev() {
            let place = &mut self.folded.places[member.instance][class as usize];
            place.next = following.or(first.filter(|first| *first != index));
            if place.weight > 0.0 {
                following = Some(index);
            }
        }
    }

    /// Share of what a cache's members answer that they answer from memory.
    fn hit_ratio(&self, cache: &ServiceNode) -> f64 {
        let mut answered = 0.0;
        let mut hits = 0.0;
        for member in &cache.members {
            let Some(report) = service_report(self.reports, *member) else { continue };
            if self.doors.of(member.server).closed {
                continue;
            }
            let sent = self.flow.sent[member.instance];
            let answers = f64::from(sent.reads + sent.writes) * report.read_success;
            answered += answers;
            hits += answers * report.hit_ratio;
        }
        if answered > 0.0 { hits / answered } else { 0.0 }
    }

    /// A server is as bad as the worst of its services that run: what is down measures nothing, its
    /// callers see the errors. Where no users' requests went, probes show how a service would answer.
    fn worsen(&mut self, member: Member, [read, write]: [Answer; 2]) {
        let report = service_report(self.reports, member);
        if self.doors.of(member.server).closed || !report.is_some_and(|report| report.up) {
            return;
        }
        let sent = self.flow.sent[member.instance];
        let (reads, writes) = (f64::from(sent.reads), f64::from(sent.writes));
        let error_rate = if reads + writes > 0.0 {
            (reads * (1.0 - read.success) + writes * (1.0 - write.success)) / (reads + writes)
        } else {
            1.0 - read.success
        };
        let quality = &mut self.folded.servers[member.server.index()];
        quality.error_rate = quality.error_rate.max(error_rate);
        quality.p99_seconds = quality.p99_seconds.max(read.p99);
        if writes > 0.0 {
            quality.p99_seconds = quality.p99_seconds.max(write.p99);
        }
    }

    /// Services that no request can reach still show their own health.
    fn uncalled(&mut self) {
        for instance in &self.world.instances {
            if self.world.services[instance.service.index()].called {
                continue;
            }
            let Some(report) = &self.reports[instance.server.index()] else { continue };
            let report = &report.services[instance.slot];
            if report.up {
                let quality = &mut self.folded.servers[instance.server.index()];
                quality.error_rate = quality.error_rate.max(1.0 - report.read_success);
                quality.p99_seconds = quality.p99_seconds.max(report.p99_seconds);
            }
        }
    }
}

/// How members answer a class: first attempts by their weights, and for what a member itself failed
/// one retry on the next of them, within the budget. What failed behind it would fail again, and is
/// not retried.
#[derive(Default)]
struct Group {
    all: Answer,
    failed: f64,
    second_chance: f64,
}

impl Group {
    /// A share of requests asks one member, and where that fails another one.
    fn ask(&mut self, first: Answer, weight: f64, second: Option<Answer>) {
        self.all.success += weight * first.success;
        self.all.mean += weight * first.mean;
        if weight >= P99_SHARE {
            self.all.p99 = self.all.p99.max(first.p99);
        }
        self.failed += weight * (1.0 - first.own);
        if let Some(second) = second {
            self.second_chance += weight * (1.0 - first.own) * second.success;
        }
    }

    fn with_retries(self, budget: f64) -> Answer {
        let Self { mut all, failed, second_chance } = self;
        if failed > 0.0 {
            all.success += second_chance * (budget / failed).min(1.0);
        }
        all.success = all.success.min(1.0);
        all
    }
}

/// From here on `1 - e^-x` is 1 to the last bit: `e^-x` is less than half of what a double near 1
/// can tell apart.
const CERTAIN: f64 = 38.0;

/// Share of requests answered within the time left, for a time that is exponential above its
/// median with a known 99th percentile.
fn in_time(p99_seconds: f64, left_seconds: f64) -> f64 {
    if left_seconds <= 0.0 {
        return 0.0;
    }
    if p99_seconds <= 0.0 {
        return 1.0;
    }
    let times = LN_100 * left_seconds / p99_seconds;
    if times > CERTAIN { 1.0 } else { 1.0 - libm::exp(-times) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_loses_no_request() {
        for count in [0, 1, 7, 1000] {
            for round in 1..5 {
                let mut split = Split::of(count, 3, round);
                assert_eq!((0..3).map(|_| split.next()).sum::<u32>(), count);
            }
        }
    }

    #[test]
    fn who_gets_one_more_moves_on() {
        let shares = |round| {
            let mut split = Split::of(4, 3, round);
            [split.next(), split.next(), split.next()]
        };
        assert_eq!([shares(3), shares(4), shares(5)], [[2, 1, 1], [1, 1, 2], [1, 2, 1]]);
    }

    #[test]
    fn halves_are_rounded_up_and_nothing_is_below_zero() {
        let figures = [0.0, 0.5, 0.499_999_999_999_999_94, 1.5, 2.5, 1e9 + 0.5, -0.5, -3.0, 1e12];
        for figure in figures {
            assert_eq!(nearest(figure), libm::round(figure) as u32, "{figure}");
        }
    }

    #[test]
    fn in_time_is_exact_at_the_percentile() {
        assert!((in_time(2.0, 2.0) - 0.99).abs() < 1e-12);
        assert_eq!(in_time(2.0, 0.0), 0.0);
        assert_eq!(in_time(0.0, 1.0), 1.0);
    }

    #[test]
    fn what_is_certain_is_certain_to_the_last_bit() {
        assert_eq!(1.0 - libm::exp(-CERTAIN), 1.0);
        assert!(1.0 - libm::exp(-CERTAIN + 1.5) < 1.0);
    }
}
