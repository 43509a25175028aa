//! Up the call graph: the servers' answers are folded, callees first, into what users and telemetry
//! got.

use super::flow::{Sent, Stream};
use super::{Answered, Both, Door, Traffic, share_of};
use crate::arithmetic::{LN_100, larger, smaller};
use crate::id::{ServerId, ServiceId};
use crate::message::{Report, ServiceReport};
use crate::outcome::Requests;
use crate::topology::{CallEdge, Member, Route, ServiceNode, World};

/// A branch that fewer requests than this share take does not move a 99th percentile.
const P99_SHARE: f64 = 0.01;

/// What the servers reported of each instance, by its number. An instance whose server sent no report
/// does not run; its door is closed as well.
#[derive(Clone, Debug, PartialEq)]
pub struct Reported(pub(super) Vec<ServiceReport>);

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

/// What users would have got of a round if the costs of some actions did not count.
#[derive(Clone, Debug, PartialEq)]
pub struct Refolded {
    /// How everybody would have answered; of servers it tells nothing.
    folded: Folded,
    /// For each service whether that changes how it answers.
    touched: Vec<bool>,
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

    /// Of the first attempts at a member of this service, the share that the member itself loses, for reads
    /// and writes.
    pub(super) fn lost_at(&self, instance: usize) -> Both {
        self.answers[instance].own.map(|own| 1.0 - own)
    }

    /// How a request fares that is sent to an instance: shares of reads and writes that succeed.
    #[cfg(test)]
    pub(super) fn success_of(&self, instance: usize) -> Both {
        self.answers[instance].success
    }

    /// Has everybody answer as in another fold of the same world.
    fn answer_as(&mut self, other: &Self) {
        self.answers.copy_from_slice(&other.answers);
        self.groups.copy_from_slice(&other.groups);
        self.hit_ratios.copy_from_slice(&other.hit_ratios);
    }
}

impl Refolded {
    /// Room for a world's answers.
    pub fn new(world: &World) -> Self {
        Self { folded: Folded::new(world), touched: vec![false; world.services.len()] }
    }
}

impl Traffic {
    /// Folds the reports of a round.
    pub fn fold(&self, round: Answered<'_>, folded: &mut Folded) {
        Fold { traffic: self, round, forgiven: &[], folded }.run();
    }

    /// What users would have got of a round, which is `folded` as it was, without the costs of actions
    /// on some servers. What `without` held is gone.
    pub fn fold_without_costs(
        &self,
        round: Answered<'_>,
        folded: &Folded,
        forgiven: &[ServerId],
        without: &mut Refolded,
    ) -> Requests {
        let Refolded { folded: place, touched } = without;
        place.answer_as(folded);
        Fold { traffic: self, round, forgiven, folded: place }.run_again(touched);
        place.requests
    }
}

/// The upward pass over one round.
struct Fold<'a> {
    traffic: &'a Traffic,
    round: Answered<'a>,
    /// Servers whose costs of actions do not count.
    forgiven: &'a [ServerId],
    folded: &'a mut Folded,
}

impl Fold<'_> {
    fn run(&mut self) {
        self.folded.servers.fill(Quality::default());
        let world = self.round.world;
        for service in world.call_order.iter().rev() {
            self.service(*service);
        }
        self.uncalled();
        self.folded.requests = self.users();
    }

    /// Only what is answered otherwise because some servers are forgiven: their services, and those
    /// that call them.
    fn run_again(&mut self, touched: &mut [bool]) {
        let world = self.round.world;
        touched.fill(false);
        for server in self.forgiven {
            for service in &world.servers[server.index()].services {
                touched[service.index()] = true;
            }
        }
        for service in world.call_order.iter().rev() {
            let calls = &world.services[service.index()].calls;
            if touched[service.index()] || calls.iter().any(|edge| touched[edge.to.index()]) {
                touched[service.index()] = true;
                self.service(*service);
            }
        }
        self.folded.requests = self.users();
    }

    fn users(&self) -> Requests {
        let [reads, writes] = self.folded.groups[self.round.world.entry.index()].success;
        let good = share_of(self.round.flow.total - self.round.flow.writes, reads)
            + share_of(self.round.flow.writes, writes);
        Requests { total: u64::from(self.round.flow.total), good: u64::from(good) }
    }

    /// Works out how the members of a service answer, each and all together.
    fn service(&mut self, service: ServiceId) {
        let node = &self.round.world.services[service.index()];
        for (index, member) in node.members.iter().enumerate() {
            self.member(node, index, *member);
        }
        self.folded.groups[service.index()] = self.group(node);
        if node.cache {
            self.folded.hit_ratios[service.index()] = self.hit_ratio(node);
        }
    }

    /// Works out how one member answers, with what lies behind it; its server's telemetry shows that.
    fn member(&mut self, node: &ServiceNode, index: usize, member: Member) {
        let door = self.round.doors.of(member.server);
        let report = &self.round.reported.0[member.instance];
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
            let p99 = mean + larger(spread, behind.p99[class] - behind.mean[class]);
            answer.success[class] = own[class] * behind.success[class] * in_time[class];
            answer.mean[class] = smaller(mean, node.timeout_seconds);
            answer.p99[class] = smaller(p99, node.timeout_seconds);
        }
        worsen(
            &mut self.folded.servers[member.server.index()],
            self.round.flow.streams[member.instance].sent,
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
                    spread[class] = larger(spread[class], group.p99[class] - mean);
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
        if !self.round.doors.has_client(caller, route) {
            return Callee::Nobody;
        }
        let called = &self.round.world.services[edge.to.index()];
        let Some(local) = self.traffic.local(caller, route, called, self.round.doors) else {
            return Callee::All;
        };
        let range = called.instances();
        let mut group = Group::default();
        let next = self.round.flow.streams[range.clone()][local].place.next;
        group.ask(&self.folded.answers[range], local, [1.0; 2], next);
        Callee::Local(group.with_retries(self.round.world.definition.traffic.retry_budget))
    }

    /// How the members that requests are sent to answer together.
    fn group(&self, node: &ServiceNode) -> Answer {
        let (answers, streams) =
            (&self.folded.answers[node.instances()], &self.round.flow.streams[node.instances()]);
        if let [alone] = answers {
            return Answer {
                success: alone.success.map(|success| smaller(success, 1.0)),
                own: [0.0; 2],
                ..*alone
            };
        }
        let mut group = Group::default();
        for (index, Stream { place, .. }) in streams.iter().enumerate() {
            group.ask(answers, index, place.weight, place.next);
        }
        group.with_retries(self.round.world.definition.traffic.retry_budget)
    }

    /// Share of what a cache's members answer that they answer from memory.
    fn hit_ratio(&self, cache: &ServiceNode) -> f64 {
        let mut answered = 0.0;
        let mut hits = 0.0;
        for member in cache.members.iter().filter(|member| !self.round.doors.of(member.server).closed) {
            let report = &self.round.reported.0[member.instance];
            let sent = self.round.flow.streams[member.instance].sent;
            let answers = f64::from(sent.reads + sent.writes) * report.read_success;
            answered += answers;
            hits += answers * report.hit_ratio;
        }
        if answered > 0.0 { hits / answered } else { 0.0 }
    }

    /// Services that no request can reach still show their own health.
    fn uncalled(&mut self) {
        for (instance, server) in &self.round.world.uncalled {
            let report = &self.round.reported.0[*instance];
            if report.up {
                let quality = &mut self.folded.servers[server.index()];
                quality.error_rate = larger(quality.error_rate, 1.0 - report.read_success);
                quality.p99_seconds = larger(quality.p99_seconds, report.p99_seconds);
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
    quality.error_rate = larger(quality.error_rate, error_rate);
    quality.p99_seconds = larger(quality.p99_seconds, answer.p99[0]);
    if writes > 0.0 {
        quality.p99_seconds = larger(quality.p99_seconds, answer.p99[1]);
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
                self.all.p99[class] = larger(self.all.p99[class], first.p99[class]);
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
                all.success[class] += second_chance[class] * smaller(budget / failed[class], 1.0);
            }
            all.success[class] = smaller(all.success[class], 1.0);
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
    use crate::chance::Key;
    use crate::definition::generate::{Request, generate};
    use crate::definition::parse;
    use crate::message::{Command, Conditions, ServerBrief, Tick};
    use crate::server::Server;
    use crate::traffic::{Doors, Flow};
    use std::sync::Arc;

    /// A round of a world in which each third server was restarted.
    fn restarted(world: &World) -> (Traffic, Doors, Flow, Reported) {
        let mut traffic = Traffic::new(world, Key::derive(1, "traffic", ""));
        let (doors, mut flow, mut reported) = (Doors::new(world), Flow::new(world), Reported::new(world));
        let users = traffic.users(world, 1);
        traffic.flow(world, 1, users, &doors, &mut flow);
        let report = |(index, node): (usize, &crate::topology::ServerNode)| {
            let mut conditions = Conditions::default();
            crate::chaos::calm(&mut conditions);
            conditions.held_down.refill(node.instances.iter().map(|_| false));
            let arrivals = node.instances.iter().map(|instance| flow.arrivals[*instance]).collect();
            let cost = Command { downtime: 0.3, ..Command::default() };
            let commands = if index % 3 == 0 { vec![cost] } else { Vec::new() };
            let machine = Arc::clone(&world.machines[index]);
            let key = Key::derive(1, "server", &node.name);
            let mut server = Server::new(ServerBrief { name: node.name.clone(), key, machine });
            let mut report = Report::default();
            server.step(&Tick { round: 1, arrivals, conditions, commands }, &mut report);
            Some(report)
        };
        let reports: Vec<_> = world.servers.iter().enumerate().map(report).collect();
        reported.take(world, &reports);
        (traffic, doors, flow, reported)
    }

    #[test]
    fn a_second_look_at_a_part_of_a_round_is_a_look_at_all_of_it() {
        let text = generate(Request { servers: 40, zones: 2, seed: 3 }).expect("a world");
        let world = World::new("generated", parse("generated", &text).expect("it is good").definition);
        let (traffic, doors, flow, reported) = restarted(&world);
        let round = Answered { world: &world, doors: &doors, flow: &flow, reported: &reported };
        let (mut folded, mut part) = (Folded::new(&world), Refolded::new(&world));
        traffic.fold(round, &mut folded);
        let mut better = 0;
        for server in (0..world.servers.len()).map(ServerId::from) {
            let mut all = Folded::new(&world);
            Fold { traffic: &traffic, round, forgiven: &[server], folded: &mut all }.run();
            traffic.fold_without_costs(round, &folded, &[server], &mut part);
            assert_eq!((part.folded.requests, &part.folded.groups), (all.requests, &all.groups));
            better += usize::from(all.requests.good > folded.requests.good);
        }
        assert!(better > 3, "forgiving helps: {better}");
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
