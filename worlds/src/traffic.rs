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
use crate::topology::{CallEdge, Member, Route, ServiceNode, World};

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

    /// Of users' requests those that get in.
    fn lets_in(&self, requests: u32) -> u32 {
        if self.users_dropped > 0.0 { share_of(requests, 1.0 - self.users_dropped) } else { requests }
    }

    /// Requests of a flood that get in, at so many of users' requests.
    fn flood(&self, fair: f64) -> u32 {
        if self.traffic_factor > 1.0 {
            nearest(fair * (self.traffic_factor - 1.0) * (1.0 - self.flood_dropped))
        } else {
            0
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
    pub fn learn(&mut self, world: &World, doors: &Doors, flow: &Flow, reported: &Reported) {
        for (service, failed) in world.services.iter().zip(&mut self.failed) {
            let mut asked = 0.0;
            let mut lost = 0.0;
            let range = service.instances();
            let instances = self.memory[range.clone()].iter_mut().zip(&flow.streams[range.clone()]);
            for ((member, report), (memory, Stream { sent, .. })) in
                service.members.iter().zip(&reported.0[range]).zip(instances)
            {
                let up = report.up && !doors.of(member.server).closed;
                let success = if up { [report.read_success, report.write_success] } else { [0.0; 2] };
                asked += f64::from(sent.reads + sent.writes);
                lost +=
                    f64::from(sent.reads) * (1.0 - success[0]) + f64::from(sent.writes) * (1.0 - success[1]);
                memory.believed_up = up;
                // A member that comes back is taken to be well until it reports otherwise.
                memory.success = if up { success } else { [1.0; 2] };
                memory.hit_ratio = if report.up { memory.cache.warmth_after(report.hit_ratio) } else { 0.0 };
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
    /// What flows to each instance.
    streams: Vec<Stream>,
    /// How each service is asked.
    demand: Vec<Demand>,
}

/// What flows to one instance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Stream {
    /// Whether it runs and can be reached.
    serves: bool,
    /// Whether the balancer uses it for reads and for writes.
    chosen: [bool; 2],
    /// What was sent to it, whether or not it arrived.
    sent: Sent,
    /// Of that, what callers on other servers sent.
    pooled: Sent,
    /// And what callers on its own server sent.
    local: Sent,
    /// Its place among those that callers on other servers send to.
    place: Place,
}

/// A member's place among those that callers on other servers send reads and writes to.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    /// Its share; 0 for one that is not sent to.
    weight: Both,
    /// Who is asked when it fails: the next one of them, in a circle, by position.
    next: [Option<u32>; 2],
}

impl Default for Place {
    /// The only one there is.
    fn default() -> Self {
        Self { weight: [1.0; 2], next: [None; 2] }
    }
}

/// What was sent to an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sent {
    reads: u32,
    writes: u32,
}

impl Sent {
    fn and(self, other: Self) -> Self {
        Self { reads: self.reads + other.reads, writes: self.writes + other.writes }
    }

    fn both(self) -> [u32; 2] {
        [self.reads, self.writes]
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
            streams: vec![Stream::default(); instances],
            demand: vec![Demand::default(); world.services.len()],
        }
    }

    /// Begins a round behind these doors.
    fn begin(&mut self, world: &World, doors: &Doors) {
        self.demand.fill(Demand::default());
        for ((stream, instance), held_down) in
            self.streams.iter_mut().zip(&world.instances).zip(&doors.held_down)
        {
            stream.serves = !doors.of(instance.server).closed && !held_down;
            stream.local = Sent::default();
        }
    }
}

impl Traffic {
    /// Sends a round's requests on their way.
    pub fn flow(&self, world: &World, round: u32, users: u32, doors: &Doors, flow: &mut Flow) {
        flow.begin(world, doors);
        flow.total = users;
        flow.writes = share_of(users, world.definition.traffic.write_share);
        for service in &world.call_order {
            self.choose(world, *service, doors, flow);
        }
        flow.demand[world.entry.index()].pooled = Sent { reads: users - flow.writes, writes: flow.writes };
        for service in &world.call_order {
            let node = &world.services[service.index()];
            self.send(world, *service, round, doors, flow);
            for edge in &node.calls {
                self.call(world, node, edge, doors, flow);
            }
        }
    }

    /// Chooses the members that the balancer uses. For reads those believed up; if there are none,
    /// all in rotation (a balancer with nobody left tries everybody); if there are none, all. For
    /// writes the primary where there is one, otherwise those that take reads.
    fn choose(&self, world: &World, service: ServiceId, doors: &Doors, flow: &mut Flow) {
        let node = &world.services[service.index()];
        let (memory, streams) = (&self.memory[node.instances()], &mut flow.streams[node.instances()]);
        let demand = &mut flow.demand[service.index()];
        if let [stream] = streams {
            stream.chosen = [true; 2];
            demand.members = [1; 2];
        } else {
            let rank = |member: &Member, memory: &Memory| {
                if doors.of(member.server).in_rotation { 1 + u8::from(memory.believed_up) } else { 0 }
            };
            let ranks = node.members.iter().zip(memory).map(|(member, memory)| rank(member, memory));
            let best = ranks.max().unwrap_or_default();
            for ((member, memory), stream) in node.members.iter().zip(memory).zip(&mut *streams) {
                let reads = rank(member, memory) == best;
                let is_primary = doors.of(member.server).role == Some(Role::Primary);
                let writes = if node.replicated { is_primary } else { reads };
                stream.chosen = [reads, writes];
                demand.members[0] += u32::from(reads);
                demand.members[1] += u32::from(writes);
            }
        }
        if node.cache {
            let asked = node.members.iter().zip(memory).zip(streams);
            let answers = |((member, memory), stream): ((&Member, &Memory), &mut Stream)| {
                let answers = stream.chosen[0] && stream.serves && !doors.of(member.server).cache_emptied;
                if answers { memory.hit_ratio * memory.success[0] } else { 0.0 }
            };
            // The members of a cache are asked alike.
            demand.answered = asked.map(answers).sum::<f64>() / f64::from(demand.members[0].max(1));
        }
    }

    /// Splits what a service is asked over its members, and works out what arrives.
    fn send(&self, world: &World, service: ServiceId, round: u32, doors: &Doors, flow: &mut Flow) {
        let node = &world.services[service.index()];
        let (streams, arrivals) = (&mut flow.streams[node.instances()], &mut flow.arrivals[node.instances()]);
        let Demand { pooled, members: [readers, writers], .. } = flow.demand[service.index()];
        let all = streams.iter().fold(pooled, |sum, stream| sum.and(stream.local));
        let failed = self.failed[service.index()].min(world.definition.traffic.retry_budget);
        let retries = |count, members| if members > 1 && failed > 0.0 { share_of(count, failed) } else { 0 };
        let mut reads = Split::of(pooled.reads + retries(all.reads, readers), readers, round);
        let mut writes = Split::of(pooled.writes + retries(all.writes, writers), writers, round);
        let mut written = false;
        for stream in &mut *streams {
            let [takes_reads, takes_writes] = stream.chosen;
            stream.pooled = Sent {
                reads: if takes_reads { reads.next() } else { 0 },
                writes: if takes_writes { writes.next() } else { 0 },
            };
            stream.sent = stream.pooled.and(stream.local);
            written |= takes_writes && stream.serves;
        }
        place(streams, [readers, writers]);
        let fair = f64::from(all.reads + all.writes) / node.members.len() as f64;
        for ((member, stream), arrivals) in node.members.iter().zip(streams).zip(arrivals) {
            if !stream.serves {
                *arrivals = Arrivals::default();
                continue;
            }
            let door = doors.of(member.server);
            let applies = node.replicated && written && !stream.chosen[1];
            *arrivals = Arrivals {
                reads: door.lets_in(stream.sent.reads),
                writes: door.lets_in(stream.sent.writes),
                applies: if applies { all.writes } else { 0 },
                flood: door.flood(fair),
            };
        }
    }

    /// Adds to the demand on a service what the members of a caller ask it along one call.
    fn call(&self, world: &World, node: &ServiceNode, edge: &CallEdge, doors: &Doors, flow: &mut Flow) {
        let called = &world.services[edge.to.index()];
        let (mut reads, mut writes) = (0.0, 0.0);
        for ((index, member), route) in node.members.iter().enumerate().zip(&edge.routes) {
            let Stream { serves, sent, .. } = flow.streams[member.instance];
            if !serves || !route.client.is_none_or(|client| flow.streams[client].serves) {
                continue;
            }
            let asked = if edge.behind.is_some() { unanswered(node, edge, index, flow) } else { 1.0 };
            let [read_success, write_success] = self.memory[member.instance].success;
            let reading = if edge.serves[0] { f64::from(sent.reads) * read_success * asked } else { 0.0 };
            let writing = if edge.serves[1] { f64::from(sent.writes) * write_success * asked } else { 0.0 };
            match self.local(*member, *route, called, doors) {
                Some(local) => {
                    let local = &mut flow.streams[called.first_instance + local].local;
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

/// Works out the members that callers on other servers sent to, and their shares; where nothing was
/// sent, those that it would have been sent to, alike.
fn place(streams: &mut [Stream], members: [u32; 2]) {
    if streams.len() < 2 {
        return;
    }
    for class in 0..2 {
        let total: u32 = streams.iter().map(|stream| stream.pooled.both()[class]).sum();
        let mut first = None;
        for (index, stream) in streams.iter_mut().enumerate() {
            let weight = match (total, stream.chosen[class]) {
                (1.., _) => f64::from(stream.pooled.both()[class]) / f64::from(total),
                (0, true) => 1.0 / f64::from(members[class]),
                (0, false) => 0.0,
            };
            if weight > 0.0 && first.is_none() {
                first = Some(index as u32);
            }
            stream.place.weight[class] = weight;
        }
        let mut following = None;
        for (index, stream) in streams.iter_mut().enumerate().rev() {
            let index = index as u32;
            stream.place.next[class] = following.or(first.filter(|first| *first != index));
            if stream.place.weight[class] > 0.0 {
                following = Some(index);
            }
        }
    }
}

/// Share of a caller's requests that make a call: all, or behind a cache what that leaves.
fn unanswered(node: &ServiceNode, edge: &CallEdge, index: usize, flow: &Flow) -> f64 {
    let Some(cache) = edge.behind else { return 1.0 };
    let cache = &node.calls[cache];
    // What stands behind two caches is asked for what both leave.
    let asked = unanswered(node, cache, index, flow);
    let serves = flow.streams[node.members[index].instance].serves;
    let asks = serves && cache.routes[index].client.is_none_or(|client| flow.streams[client].serves);
    if asks { asked * (1.0 - flow.demand[cache.to.index()].answered) } else { asked }
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
        if members < 2 {
            return Self { each: count, more: 0, turn: 0, members: 1 };
        }
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

// ---- what was reported ------------------------------------------------------------------------

/// What the servers reported of each instance, by its number. An instance whose server sent no report
/// does not run; its door is closed as well.
#[derive(Clone, Debug, PartialEq)]
pub struct Reported(Vec<ServiceReport>);

impl Reported {
    /// Room for a world's reports.
    pub fn new(world: &World) -> Self {
        Self(vec![ServiceReport::default(); world.instances.len()])
    }

    /// Takes the reports of a round apart. `None` is a server whose process is gone.
    pub fn take(&mut self, world: &World, reports: &[Option<Report>]) {
        for (instance, place) in world.instances.iter().zip(&mut self.0) {
            *place = match &reports[instance.server.index()] {
                Some(report) => report.services[instance.slot],
                None => ServiceReport::default(),
            };
        }
    }
}

// ---- up the call graph ------------------------------------------------------------------------

/// A figure for reads, and one for writes.
type Both = [f64; 2];

/// What users and telemetry got of a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded {
    /// Users' requests.
    pub requests: Requests,
    /// What each server's telemetry shows of errors and latency.
    pub servers: Vec<Quality>,
    /// How each instance answers.
    answers: Vec<Answer>,
    /// How all members of a service together answer callers on other servers.
    groups: Vec<Answer>,
    /// Of each cache, share of its answers that came from memory.
    hit_ratios: Vec<f64>,
    /// What each call of a service leaves unanswered to the one behind it.
    unanswered: Vec<Both>,
}

/// What a server answers, with what lies behind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quality {
    /// Share of requests that failed, 0 to 1.
    pub error_rate: f64,
    /// 99th percentile of the time to answer, seconds.
    pub p99_seconds: f64,
}

/// How a group of members, or a member, answers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Answer {
    success: Both,
    /// The part of `success` that is the member's own; the rest is what lies behind it.
    own: Both,
    mean: Both,
    p99: Both,
}

/// What the calls of a member come to.
struct Behind {
    success: Both,
    mean: Both,
    p99: Both,
}

impl Behind {
    /// It makes none.
    const NOTHING: Self = Self { success: [1.0; 2], mean: [0.0; 2], p99: [0.0; 2] };
}

/// Who answers a call.
enum Callee {
    Nobody,
    All,
    Local(Answer),
}

impl Answer {
    /// No answer at all.
    const NONE: Self = Self { success: [0.0; 2], own: [0.0; 2], mean: [0.0; 2], p99: [0.0; 2] };

    /// Nobody answers: the caller waits for all of its timeout.
    fn silence(timeout_seconds: f64) -> Self {
        Self { success: [0.0; 2], own: [0.0; 2], mean: [timeout_seconds; 2], p99: [timeout_seconds; 2] }
    }
}

impl Folded {
    /// Room for a world's answers.
    pub fn new(world: &World) -> Self {
        let (instances, services) = (world.instances.len(), world.services.len());
        Self {
            requests: Requests::default(),
            servers: vec![Quality::default(); world.servers.len()],
            answers: vec![Answer::default(); instances],
            groups: vec![Answer::default(); services],
            hit_ratios: vec![0.0; services],
            unanswered: Vec::new(),
        }
    }
}

impl Traffic {
    /// Folds the reports of a round.
    pub fn fold(&self, world: &World, doors: &Doors, flow: &Flow, reported: &Reported, folded: &mut Folded) {
        Fold { traffic: self, world, doors, flow, reported, forgiven: &[], folded }.run();
    }

    /// What users would have got of a round without the costs of actions on some servers. What
    /// `folded` held is gone.
    pub fn fold_without_costs(
        &self,
        world: &World,
        doors: &Doors,
        flow: &Flow,
        reported: &Reported,
        forgiven: &[ServerId],
        folded: &mut Folded,
    ) -> Requests {
        Fold { traffic: self, world, doors, flow, reported, forgiven, folded }.run();
        folded.requests
    }
}

/// The upward pass over one round.
struct Fold<'a> {
    traffic: &'a Traffic,
    world: &'a World,
    doors: &'a Doors,
    flow: &'a Flow,
    reported: &'a Reported,
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
                self.member(node, index, *member);
            }
            self.folded.groups[service.index()] = self.group(node);
            if node.cache {
                self.folded.hit_ratios[service.index()] = self.hit_ratio(node);
            }
        }
        self.uncalled();
        self.folded.requests = self.users(self.folded.groups[world.entry.index()].success);
    }

    fn users(&self, [reads, writes]: Both) -> Requests {
        let good = share_of(self.flow.total - self.flow.writes, reads) + share_of(self.flow.writes, writes);
        Requests { total: u64::from(self.flow.total), good: u64::from(good) }
    }

    /// Works out how one member answers, with what lies behind it; its server's telemetry shows that.
    fn member(&mut self, node: &ServiceNode, index: usize, member: Member) {
        let door = self.doors.of(member.server);
        let report = &self.reported.0[member.instance];
        if door.closed {
            self.folded.answers[member.instance] = Answer::silence(node.timeout_seconds);
            return;
        }
        if !report.up {
            self.folded.answers[member.instance] = Answer::default();
            return;
        }
        let own = self.own_success(report, door, member.server);
        let behind = if node.calls.is_empty() { Behind::NOTHING } else { self.behind(node, index, member) };
        let spread = report.p99_seconds - report.mean_seconds;
        let in_time = in_time_of_both(report.p99_seconds, node.timeout_seconds, behind.mean);
        let answer = &mut self.folded.answers[member.instance];
        answer.own = own;
        for class in 0..2 {
            let mean = report.mean_seconds + behind.mean[class];
            let p99 = mean + spread.max(behind.p99[class] - behind.mean[class]);
            answer.success[class] = own[class] * behind.success[class] * in_time[class];
            answer.mean[class] = mean.min(node.timeout_seconds);
            answer.p99[class] = p99.min(node.timeout_seconds);
        }
        worsen(
            &mut self.folded.servers[member.server.index()],
            self.flow.streams[member.instance].sent,
            answer,
        );
    }

    /// What a member does not lose itself.
    fn own_success(&self, report: &ServiceReport, door: &Door, server: ServerId) -> Both {
        let own = [report.read_success, report.write_success];
        if !self.forgiven.is_empty() && self.forgiven.contains(&server) {
            [own[0] + report.read_harm, own[1] + report.write_harm]
        } else {
            own.map(|own| own * (1.0 - door.users_dropped))
        }
    }

    /// What the calls of a service on one server come to, one after another. `p99` is the mean of
    /// all plus the widest spread of one.
    fn behind(&mut self, node: &ServiceNode, index: usize, member: Member) -> Behind {
        let mut all = Behind::NOTHING;
        let mut spread = [0.0_f64; 2];
        let mut unanswered = std::mem::take(&mut self.folded.unanswered);
        unanswered.clear();
        for edge in &node.calls {
            let own;
            let group = match self.callee(member, edge, edge.routes[index]) {
                Callee::Nobody => &Answer::NONE,
                Callee::All => &self.folded.groups[edge.to.index()],
                Callee::Local(answer) => {
                    own = answer;
                    &own
                }
            };
            let asked = edge.behind.map_or([1.0; 2], |cache| unanswered[cache]);
            let mut left = [1.0; 2];
            for class in (0..2).filter(|class| edge.serves[*class]) {
                let (success, mean) = (group.success[class], asked[class] * group.mean[class]);
                if edge.has_fallback {
                    let hits = self.folded.hit_ratios[edge.to.index()];
                    left[class] = asked[class] * (1.0 - success * hits);
                } else {
                    all.success[class] *= 1.0 - asked[class] * (1.0 - success);
                }
                all.mean[class] += mean;
                if asked[class] >= P99_SHARE {
                    spread[class] = spread[class].max(group.p99[class] - mean);
                }
            }
            unanswered.push(left);
        }
        self.folded.unanswered = unanswered;
        all.p99 = [all.mean[0] + spread[0], all.mean[1] + spread[1]];
        all
    }

    /// Who answers one caller: the member on its own server if that is asked first, else all members
    /// together. Without its client a caller gets no answer at all.
    fn callee(&self, caller: Member, edge: &CallEdge, route: Route) -> Callee {
        if !self.doors.has_client(caller, route) {
            return Callee::Nobody;
        }
        let called = &self.world.services[edge.to.index()];
        let Some(local) = self.traffic.local(caller, route, called, self.doors) else { return Callee::All };
        let range = called.instances();
        let mut group = Group::default();
        let next = self.flow.streams[range.clone()][local].place.next;
        group.ask(&self.folded.answers[range], local, [1.0; 2], next);
        Callee::Local(group.with_retries(self.world.definition.traffic.retry_budget))
    }

    /// How the members that requests are sent to answer together.
    fn group(&self, node: &ServiceNode) -> Answer {
        let (answers, streams) =
            (&self.folded.answers[node.instances()], &self.flow.streams[node.instances()]);
        if let [alone] = answers {
            return Answer {
                success: alone.success.map(|success| success.min(1.0)),
                own: [0.0; 2],
                ..*alone
            };
        }
        let mut group = Group::default();
        for (index, Stream { place, .. }) in streams.iter().enumerate() {
            group.ask(answers, index, place.weight, place.next);
        }
        group.with_retries(self.world.definition.traffic.retry_budget)
    }

    /// Share of what a cache's members answer that they answer from memory.
    fn hit_ratio(&self, cache: &ServiceNode) -> f64 {
        let mut answered = 0.0;
        let mut hits = 0.0;
        for member in cache.members.iter().filter(|member| !self.doors.of(member.server).closed) {
            let report = &self.reported.0[member.instance];
            let sent = self.flow.streams[member.instance].sent;
            let answers = f64::from(sent.reads + sent.writes) * report.read_success;
            answered += answers;
            hits += answers * report.hit_ratio;
        }
        if answered > 0.0 { hits / answered } else { 0.0 }
    }

    /// Services that no request can reach still show their own health.
    fn uncalled(&mut self) {
        for (instance, server) in &self.world.uncalled {
            let report = &self.reported.0[*instance];
            if report.up {
                let quality = &mut self.folded.servers[server.index()];
                quality.error_rate = quality.error_rate.max(1.0 - report.read_success);
                quality.p99_seconds = quality.p99_seconds.max(report.p99_seconds);
            }
        }
    }
}

/// A server is as bad as the worst of its services that run: what is down measures nothing, its
/// callers see the errors. Where no users' requests went, probes show how a service would answer.
fn worsen(quality: &mut Quality, sent: Sent, answer: &Answer) {
    let (reads, writes) = (f64::from(sent.reads), f64::from(sent.writes));
    let [read, write] = answer.success;
    let error_rate = if reads + writes > 0.0 {
        (reads * (1.0 - read) + writes * (1.0 - write)) / (reads + writes)
    } else {
        1.0 - read
    };
    quality.error_rate = quality.error_rate.max(error_rate);
    quality.p99_seconds = quality.p99_seconds.max(answer.p99[0]);
    if writes > 0.0 {
        quality.p99_seconds = quality.p99_seconds.max(answer.p99[1]);
    }
}

/// How members answer: first attempts by their weights, and for what a member itself failed one retry
/// on the next of them, within the budget. What failed behind it would fail again, and is not
/// retried.
#[derive(Default)]
struct Group {
    all: Answer,
    failed: Both,
    second_chance: Both,
}

impl Group {
    /// Shares of requests ask one member, and where that fails the next.
    fn ask(&mut self, answers: &[Answer], index: usize, weights: Both, next: [Option<u32>; 2]) {
        let first = &answers[index];
        for class in 0..2 {
            let weight = weights[class];
            self.all.success[class] += weight * first.success[class];
            self.all.mean[class] += weight * first.mean[class];
            if weight >= P99_SHARE {
                self.all.p99[class] = self.all.p99[class].max(first.p99[class]);
            }
            let failed = weight * (1.0 - first.own[class]);
            self.failed[class] += failed;
            if let Some(next) = next[class] {
                self.second_chance[class] += failed * answers[next as usize].success[class];
            }
        }
    }

    fn with_retries(self, budget: f64) -> Answer {
        let Self { mut all, failed, second_chance } = self;
        for class in 0..2 {
            if failed[class] > 0.0 {
                all.success[class] += second_chance[class] * (budget / failed[class]).min(1.0);
            }
            all.success[class] = all.success[class].min(1.0);
        }
        all
    }
}

/// From here on `1 - e^-x` is 1 to the last bit: `e^-x` is less than half of what a double near 1
/// can tell apart.
const CERTAIN: f64 = 38.0;

/// Share of reads and writes answered within a timeout of which a part has gone.
fn in_time_of_both(p99_seconds: f64, timeout_seconds: f64, gone: Both) -> Both {
    let reads = in_time(p99_seconds, timeout_seconds - gone[0]);
    if gone[0] == gone[1] { [reads; 2] } else { [reads, in_time(p99_seconds, timeout_seconds - gone[1])] }
}

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
