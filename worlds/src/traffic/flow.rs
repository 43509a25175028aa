//! Down the call graph: a round's requests are split over members, and each instance is told what
//! arrives.

use super::{Both, Doors, Memory, Traffic, share_of};
use crate::arithmetic::nearest;
use crate::definition::Role;
use crate::id::ServiceId;
use crate::message::Arrivals;
use crate::topology::{CallEdge, Member, ServiceNode, World};

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
    pub(super) streams: Vec<Stream>,
    /// How each service is asked.
    demand: Vec<Demand>,
}

/// What flows to one instance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Stream {
    /// Whether it runs and can be reached.
    pub(super) serves: bool,
    /// Whether the balancer uses it for reads and for writes.
    pub(super) chosen: [bool; 2],
    /// What was sent to it, whether or not it arrived.
    pub(super) sent: Sent,
    /// Of that, what callers on other servers sent.
    pub(super) pooled: Sent,
    /// And what callers on its own server sent.
    pub(super) local: Sent,
    /// Its place among those that callers on other servers send to.
    pub(super) place: Place,
}

/// A member's place among those that callers on other servers send reads and writes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    /// Its share; 0 for one that is not sent to.
    pub(super) weight: Both,
    /// Who is asked when it fails: the next one of them, in a circle, by position.
    pub(super) next: [Option<u32>; 2],
}

impl Default for Place {
    /// The only one there is.
    fn default() -> Self {
        Self { weight: [1.0; 2], next: [None; 2] }
    }
}

/// What was sent to an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sent {
    pub(super) reads: u32,
    pub(super) writes: u32,
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

    /// An instance's place among those that callers on other servers send to.
    pub(super) fn place(&self, instance: usize) -> Place {
        self.streams[instance].place
    }

    /// Whether the balancer uses an instance for writes.
    pub(super) fn takes_writes(&self, instance: usize) -> bool {
        self.streams[instance].chosen[1]
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
    for (class, members) in members.into_iter().enumerate() {
        let total: u32 = streams.iter().map(|stream| stream.pooled.both()[class]).sum();
        let mut first = None;
        for (index, stream) in streams.iter_mut().enumerate() {
            let weight = match (total, stream.chosen[class]) {
                (1.., _) => f64::from(stream.pooled.both()[class]) / f64::from(total),
                (0, true) => 1.0 / f64::from(members),
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
}
