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
//! Between rounds a single request can be followed the same way, a service at a time: see [`Probe`].
//!
//! Both passes write into buffers that are kept from round to round. What belongs to a service on a
//! server is found by the number of that instance.

mod door;
mod flow;
mod fold;
mod probe;

pub use door::{Door, Doors};
pub use flow::Flow;
pub use fold::{Folded, Quality, Refolded, Reported};
pub use probe::{Probe, ProbeEnd, ProbeFailure, ProbeScene, ProbeStep, Trouble};

use crate::arithmetic::nearest;
use crate::chance::{Dice, Key};
use crate::topology::{Instance, Member, Route, ServiceNode, World};
use flow::Stream;

/// A round that went down the call graph, and what the servers made of it.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// Where.
    pub world: &'a World,
    /// What decided what reached the servers.
    pub doors: &'a Doors,
    /// What was sent.
    pub flow: &'a Flow,
    /// What came back.
    pub reported: &'a Reported,
}

/// A figure for reads, and one for writes.
type Both = [f64; 2];

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

impl Memory {
    /// Nothing remembered: it is believed up.
    fn at_first(cache: Refill) -> Self {
        Self { believed_up: true, success: [1.0, 1.0], hit_ratio: cache.hit_ratio, cache }
    }
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
        let memory = |instance: &Instance| Memory::at_first(refills[instance.service.index()]);
        Self {
            dice: key.dice(0),
            memory: world.instances.iter().map(memory).collect(),
            failed: vec![0.0; world.services.len()],
        }
    }

    /// Another run begins.
    pub fn restart(&mut self, key: Key) {
        self.dice = key.dice(0);
        self.failed.fill(0.0);
        for memory in &mut self.memory {
            *memory = Memory::at_first(memory.cache);
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
    pub fn learn(&mut self, Answered { world, doors, flow, reported }: Answered<'_>) {
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

/// The nearest whole number to a share of a count.
fn share_of(count: u32, share: f64) -> u32 {
    nearest(f64::from(count) * share)
}
