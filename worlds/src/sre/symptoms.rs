//! Symptoms: which causes would explain what telemetry shows of a server, and how well.
//!
//! Every kind of fault in the runbook's catalogue is held against the telemetry, part by part of
//! its effect, so that a kind that a user adds is recognised by what it does. "Elsewhere" is a
//! cause like others: an error or a slow answer may come from a server that this one depends on.

use crate::alert;
use crate::arithmetic::larger;
use crate::definition::{Effect, FalseMetrics, MessageKind};
use crate::id::{KindId, ServerId};
use crate::message::{Metric, MetricSet, Metrics, Observation, ServerView};
use crate::sre::study::Study;

/// A cause that would explain a server's alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A fault of this kind, here.
    Kind(KindId),
    /// Something on another server.
    Elsewhere(ServerId),
}

/// A cause and how well it explains what shows. Weights are of the author's choosing; only their
/// order matters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The cause.
    pub cause: Cause,
    /// How well it explains; above 0.
    pub weight: f64,
}

/// It would look exactly like this.
const TELLING: f64 = 10.0;
/// It would look like this, and so would others.
const LIKELY: f64 = 6.0;
/// It could look like this.
const POSSIBLE: f64 = 2.0;
/// It does not contradict what shows.
const REMOTE: f64 = 1.0;
/// Nothing speaks for it, but such things happen to servers of this type.
const IMAGINABLE: f64 = 0.1;

/// Arrivals of this many times the usual are a surge.
const SURGE: f64 = 2.5;
/// Memory in use, percent, from which a kill is likely to have been the kernel's.
const NEARLY_FULL_PCT: f64 = 80.0;
/// Memory that grew by this many points since the last look is growing.
const GROWTH_POINTS: f64 = 3.0;

/// Alerts about the host itself.
const LOCAL: MetricSet = MetricSet::of(&[
    Metric::CpuUsage,
    Metric::MemoryUsage,
    Metric::DiskUsage,
    Metric::ServicesDown,
    Metric::Staleness,
]);
/// Alerts about its answers.
const ANSWERS: MetricSet = MetricSet::of(&[Metric::ErrorRate, Metric::LatencyP99]);

/// What is remembered of a server from earlier rounds.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// Mean arrivals of calm rounds.
    pub usual_requests: Option<f64>,
    /// The memory of the last fresh metrics, percent.
    pub memory_usage: Option<f64>,
}

impl Past {
    /// Looks at a round and remembers it.
    pub fn remember(&mut self, view: &ServerView, alerting: bool) {
        let Some(metrics) = view.metrics.as_ref().filter(|_| !view.stale) else { return };
        self.memory_usage = Some(metrics.memory_usage);
        if !alerting && metrics.requests > 0 {
            let requests = f64::from(metrics.requests);
            self.usual_requests =
                Some(self.usual_requests.map_or(requests, |usual| (usual + requests) / 2.0));
        }
    }
}

/// How well the parts of an effect would explain what shows of a server; 0: not at all.
struct Worths {
    service_down: f64,
    memory_growth: f64,
    disk_level: f64,
    traffic_factor: f64,
    latency_factor: f64,
    latency_added: f64,
    capacity_factor: f64,
    error_rate: f64,
}

/// What shows of one server.
struct Symptoms<'a> {
    alerts: MetricSet,
    stale: bool,
    metrics: Option<&'a Metrics>,
    past: &'a Past,
}

impl Symptoms<'_> {
    fn has(&self, metric: Metric) -> bool {
        self.alerts.contains(metric)
    }

    fn surging(&self) -> bool {
        let requests = self.metrics.map_or(0.0, |metrics| f64::from(metrics.requests));
        self.past.usual_requests.is_some_and(|usual| requests >= SURGE * usual)
    }

    fn memory_grew(&self) -> bool {
        match (self.metrics, self.past.memory_usage) {
            (Some(now), Some(before)) => now.memory_usage >= before + GROWTH_POINTS,
            _ => false,
        }
    }

    /// Whether something of the host itself is wrong, rather than only its answers.
    fn local(&self) -> bool {
        self.alerts.meets(LOCAL)
    }

    /// Whether its answers are bad.
    fn answers(&self) -> bool {
        self.alerts.meets(ANSWERS)
    }

    /// How well silence would be explained: cut off, without a process, unheard, or everything on it died.
    fn weight_of_silence(effect: &Effect) -> f64 {
        let bus = effect.bus.as_ref();
        let muffles = bus.is_some_and(|bus| {
            bus.loses.iter().chain(&bus.delays).any(|kind| *kind == MessageKind::Telemetry)
        });
        if effect.unreachable || effect.process.is_some() {
            TELLING
        } else if muffles {
            LIKELY
        } else if effect.service_down {
            REMOTE
        } else {
            IMAGINABLE
        }
    }

    /// How well each part of an effect would explain what shows.
    fn worths(&self) -> Worths {
        let if_has = |metric, worth| if self.has(metric) { worth } else { 0.0 };
        Worths {
            service_down: if_has(Metric::ServicesDown, TELLING).max(if_has(Metric::ErrorRate, REMOTE)),
            memory_growth: self.memory_weight(),
            disk_level: if_has(Metric::DiskUsage, TELLING),
            traffic_factor: self.traffic_weight(),
            latency_factor: self.slow_weight(),
            latency_added: if_has(Metric::LatencyP99, POSSIBLE),
            capacity_factor: if_has(Metric::LatencyP99, REMOTE),
            error_rate: if_has(Metric::ErrorRate, POSSIBLE),
        }
    }

    /// How well a kind explains what shows: as well as the most telling part of its effect.
    fn weight(&self, effect: &Effect, worths: &Worths) -> f64 {
        let parts = [
            (effect.service_down, worths.service_down),
            (effect.memory_growth.is_some(), worths.memory_growth),
            (effect.disk_level.is_some(), worths.disk_level),
            (effect.traffic_factor.is_some(), worths.traffic_factor),
            (effect.latency_factor.is_some(), worths.latency_factor),
            (effect.latency_added_ms.is_some(), worths.latency_added),
            (effect.capacity_factor.is_some(), worths.capacity_factor),
            (effect.error_rate.is_some(), worths.error_rate),
        ];
        let cpu = effect.cpu_floor.map_or(0.0, |floor| self.cpu_weight(floor));
        let lie = effect.false_metrics.as_ref().map_or(0.0, |made_up| self.lie_weight(made_up));
        let worth = |(has, worth): &(bool, f64)| if *has { *worth } else { 0.0 };
        parts.iter().map(worth).fold(larger(larger(cpu, lie), IMAGINABLE), larger)
    }

    /// Figures that are to the last digit those which the runbook knows as made up.
    fn lie_weight(&self, made_up: &FalseMetrics) -> f64 {
        let Some(metrics) = self.metrics else { return 0.0 };
        let told = made_up.values().into_iter().zip(alert::values(metrics));
        let mut told = told.filter_map(|(made_up, shown)| Some((made_up?, shown))).peekable();
        let is_it = told.peek().is_some() && told.all(|(made_up, shown)| made_up == shown);
        if is_it { TELLING } else { 0.0 }
    }

    fn memory_weight(&self) -> f64 {
        let killed = self.has(Metric::ServicesDown)
            && self.past.memory_usage.is_some_and(|memory| memory >= NEARLY_FULL_PCT);
        if self.has(Metric::MemoryUsage) {
            TELLING
        } else if killed {
            LIKELY
        } else if self.memory_grew() {
            POSSIBLE
        } else {
            0.0
        }
    }

    fn traffic_weight(&self) -> f64 {
        match (self.surging(), self.has(Metric::CpuUsage)) {
            (true, _) => TELLING,
            (false, true) => REMOTE,
            (false, false) => 0.0,
        }
    }

    fn cpu_weight(&self, floor: f64) -> f64 {
        let cpu = self.metrics.map_or(0.0, |metrics| metrics.cpu_usage);
        match (self.has(Metric::CpuUsage), self.surging(), cpu >= floor) {
            (false, ..) if self.has(Metric::LatencyP99) => REMOTE,
            (false, ..) => 0.0,
            (true, false, true) => LIKELY,
            (true, ..) => REMOTE,
        }
    }

    fn slow_weight(&self) -> f64 {
        match (self.has(Metric::LatencyP99), self.surging()) {
            (true, false) => LIKELY - 1.0,
            (true, true) => REMOTE,
            (false, _) if self.has(Metric::CpuUsage) => POSSIBLE,
            (false, _) => 0.0,
        }
    }
}

/// The causes that would explain a server's alerts, in the order of the catalogue, elsewhere last.
/// Writes over `candidates`.
pub fn candidates(
    study: &Study,
    seen: &Observation,
    past: &Past,
    server: ServerId,
    alerts: MetricSet,
    candidates: &mut Vec<Candidate>,
) {
    let view = &seen.servers[server.index()];
    let symptoms = Symptoms { alerts, stale: view.stale, metrics: view.metrics.as_ref(), past };
    candidates.clear();
    let worths = symptoms.worths();
    candidates.extend(study.kinds_of(server).iter().map(|kind| {
        let effect = &study.runbook.kinds[kind.index()].effect;
        let weight =
            if view.stale { Symptoms::weight_of_silence(effect) } else { symptoms.weight(effect, &worths) };
        Candidate { cause: Cause::Kind(*kind), weight }
    }));
    let weight = match (symptoms.answers(), symptoms.local()) {
        (true, false) => LIKELY + 2.0,
        (true, true) => REMOTE,
        (false, _) => 0.0,
    };
    if weight > 0.0
        && !symptoms.stale
        && let Some(source) = elsewhere(study, seen, server)
    {
        candidates.push(Candidate { cause: Cause::Elsewhere(source), weight });
    }
}

/// The cause that explains best; of equals the first.
pub fn best(candidates: &[Candidate]) -> Option<Cause> {
    let (first, others) = candidates.split_first()?;
    Some(others.iter().fold(first, heavier).cause)
}

/// All but the best one, by how well they explain; of equals the first first. Puts them in order.
pub fn others(candidates: &mut [Candidate]) -> &[Candidate] {
    candidates.sort_by(|one, other| other.weight.total_cmp(&one.weight));
    candidates.split_first().map_or(&[], |(_best, others)| others)
}

fn heavier<'a>(one: &'a Candidate, other: &'a Candidate) -> &'a Candidate {
    if other.weight.total_cmp(&one.weight).is_gt() { other } else { one }
}

/// A server that this one depends on and that looks ill itself: with local symptoms rather than
/// with bad answers alone, and of those the one furthest down, where the trouble would start.
fn elsewhere(study: &Study, seen: &Observation, server: ServerId) -> Option<ServerId> {
    let own = study.depth(server);
    seen.alerts
        .iter()
        .filter(|alert| alert.server != server && study.depends(server, alert.server))
        .map(|alert| (!alert.metric.is_local(), study.depth(alert.server), alert.server))
        // A sibling that depends on as much is no better an explanation, unless it is ill itself.
        .filter(|(answers_only, depth, _)| !answers_only || *depth < own)
        .min()
        .map(|(_, _, other)| other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_not_among_the_others_and_of_equals_it_is_the_first() {
        let candidate = |(kind, weight)| Candidate { cause: Cause::Kind(KindId(kind)), weight };
        let mut candidates: Vec<_> =
            [(0, REMOTE), (1, LIKELY), (2, POSSIBLE), (3, LIKELY)].map(candidate).into();
        assert_eq!(best(&candidates), Some(Cause::Kind(KindId(1))));
        let others: Vec<_> = others(&mut candidates).iter().map(|other| other.cause).collect();
        assert_eq!(others, [3, 2, 0].map(|kind| Cause::Kind(KindId(kind))));
        assert_eq!(best(&[]), None);
    }
}
