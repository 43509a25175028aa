//! The telemetry store: the last metrics of each server, each with a time to live.
//!
//! Metrics of a server that is cut off do not arrive; what is here then grows old, and once it is
//! older than the world's `telemetry_ttl_rounds` it counts as stale, which is a symptom itself.
//! Nothing that is stale ever counts as up.

use crate::message::Metrics;

/// The last metrics of each server.
#[derive(Clone, Debug)]
pub struct Store {
    ttl_rounds: u32,
    servers: Vec<Option<Stored>>,
    /// On their way: when they arrive, whose they are, and what.
    late: Vec<(u32, usize, Stored)>,
}

#[derive(Clone, Copy, Debug)]
struct Stored {
    metrics: Metrics,
    measured: u32,
}

impl Store {
    /// A store in which nothing arrived yet.
    pub fn new(servers: usize, ttl_rounds: u32) -> Self {
        Self { ttl_rounds, servers: vec![None; servers], late: Vec::new() }
    }

    /// Another run begins.
    pub fn restart(&mut self) {
        self.servers.fill(None);
        self.late.clear();
    }

    /// Metrics arrived in the round in which they were measured.
    pub fn put(&mut self, server: usize, metrics: Metrics, round: u32) {
        self.servers[server] = Some(Stored { metrics, measured: round });
    }

    /// Metrics are on their way, and arrive in a later round than they were measured in.
    pub fn put_late(&mut self, server: usize, metrics: Metrics, measured: u32, arrives: u32) {
        self.late.push((arrives, server, Stored { metrics, measured }));
    }

    /// What arrives by a round is there, unless newer metrics are.
    pub fn deliver(&mut self, round: u32) {
        let Self { servers, late, .. } = self;
        for (_, server, arrived) in late.extract_if(.., |(arrives, ..)| *arrives <= round) {
            let is_news = |stored: &Stored| stored.measured < arrived.measured;
            if servers[server].as_ref().is_none_or(is_news) {
                servers[server] = Some(arrived);
            }
        }
    }

    /// The last metrics that arrived, if any did.
    pub fn metrics(&self, server: usize) -> Option<&Metrics> {
        self.servers[server].as_ref().map(|stored| &stored.metrics)
    }

    /// The metrics that are still to be trusted.
    pub fn fresh(&self, server: usize, round: u32) -> Option<&Metrics> {
        if self.is_stale(server, round) { None } else { self.metrics(server) }
    }

    /// Rounds since the metrics were measured; all rounds there were if none ever arrived.
    pub fn age(&self, server: usize, round: u32) -> u32 {
        round - self.servers[server].as_ref().map_or(0, |stored| stored.measured)
    }

    /// Whether what is stored is too old to be trusted.
    pub fn is_stale(&self, server: usize, round: u32) -> bool {
        self.age(server, round) >= self.ttl_rounds
    }
}
