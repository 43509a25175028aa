//! What is measured of runs over many seeds, in drills and in benches: the metrics, and what one run says
//! about each.
//!
//! Every metric is a ratio of sums over seeds ([`statistics::Ratio`]). What stands in the numerator and
//! the denominator is the definition, and `docs/bench.md` has the same table in words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statistics::{Interval, Ratio};
use worlds::definition::{SreKind, nearest};
use worlds::outcome::Outcome;
use worlds::score;
use worlds::times::{TimeStatistic, Times};

/// Something that is measured of every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Metric {
    /// Good requests of all seeds over all requests of all seeds, percent.
    AvailabilityPct,
    /// Availability of a run less the price of extra capacity held: mean over seeds, percent.
    Utility,
    /// What was won of what the oracle won over doing nothing, over the seeds on which there was
    /// something to win; 100 is the oracle.
    Score,
    /// Time to detection: the restricted means of the runs, each weighted by its incidents, rounds.
    MttdRounds,
    /// Time to acknowledgement, likewise.
    MttaRounds,
    /// Time to mitigation, likewise, of incidents that hurt users.
    MttmRounds,
    /// Time to resolution, likewise.
    MttrRounds,
    /// Incidents that were remedied, 0 to 1: the cumulative incidences of the runs, each weighted by
    /// its incidents.
    RemediedShare,
    /// Avoidable fault-rounds that were avoided over those that could be, 0 to 1.
    AvoidedShare,
    /// Claims that named the right server over all claims, 0 to 1.
    RightEntityShare,
    /// Claims that named the right server and the right kind of fault over all claims, 0 to 1.
    RightKindShare,
    /// Requests lost to the SRE's own actions: mean over seeds.
    HarmRequests,
    /// Actions on a target that had no fault which they cure or relieve: mean over seeds.
    UnneededActions,
    /// Alerts without a fault behind them: mean over seeds.
    FalseAlarms,
    /// Runs that passed over all runs, 0 to 1: pass^1.
    PassedShare,
    /// Rounds in which a program gave no decision that counts over all rounds, 0 to 1; of SREs of other
    /// kinds it has no value.
    LapseShare,
}

/// What a metric is called, and between which values it lies.
struct Facts {
    metric: Metric,
    name: &'static str,
    lowest: f64,
    highest: f64,
    better: Better,
}

/// Which values of a metric one wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    Higher,
    Lower,
}

impl Metric {
    /// How many there are.
    pub(crate) const COUNT: usize = 16;

    /// All of them, in the order of every table; each stands at its own position.
    pub(crate) const ALL: [Self; Self::COUNT] = {
        let mut all = [Self::AvailabilityPct; Self::COUNT];
        let mut position = 0;
        while position < Self::COUNT {
            all[position] = FACTS[position].metric;
            position += 1;
        }
        all
    };

    /// Its position among all.
    pub(crate) fn position(self) -> usize {
        self as usize
    }

    fn facts(self) -> &'static Facts {
        &FACTS[self.position()]
    }

    /// As it is called on the command line and in documents.
    pub(crate) fn name(self) -> &'static str {
        self.facts().name
    }

    /// Which values of it one wants.
    pub(crate) fn better(self) -> Better {
        self.facts().better
    }

    /// The metric of this name; else what to do about it.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        let names = || FACTS.iter().map(|facts| facts.name);
        let known = FACTS.iter().find(|facts| facts.name == name);
        known.map(|facts| facts.metric).ok_or_else(|| {
            let there = names().collect::<Vec<_>>().join(", ");
            match nearest::nearest(name, names()) {
                Some(near) => format!("did you mean `{near}`? there is {there}"),
                None => format!("there is {there}"),
            }
        })
    }

    /// An interval of it, no further than it can go.
    pub(crate) fn within_range(self, interval: Interval) -> Interval {
        let Facts { lowest, highest, .. } = *self.facts();
        interval.within(lowest, highest)
    }
}

const FACTS: [Facts; Metric::COUNT] = {
    use Better::{Higher, Lower};
    use Metric as M;
    const fn facts(metric: Metric, name: &'static str, range: [f64; 2], better: Better) -> Facts {
        Facts { metric, name, lowest: range[0], highest: range[1], better }
    }
    const PCT: [f64; 2] = [0.0, 100.0];
    const SHARE: [f64; 2] = [0.0, 1.0];
    const SIZE: [f64; 2] = [0.0, f64::INFINITY];
    const ANY: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];
    [
        facts(M::AvailabilityPct, "availability_pct", PCT, Higher),
        facts(M::Utility, "utility", [f64::NEG_INFINITY, 100.0], Higher),
        facts(M::Score, "score", ANY, Higher),
        facts(M::MttdRounds, "mttd_rounds", SIZE, Lower),
        facts(M::MttaRounds, "mtta_rounds", SIZE, Lower),
        facts(M::MttmRounds, "mttm_rounds", SIZE, Lower),
        facts(M::MttrRounds, "mttr_rounds", SIZE, Lower),
        facts(M::RemediedShare, "remedied_share", SHARE, Higher),
        facts(M::AvoidedShare, "avoided_share", SHARE, Higher),
        facts(M::RightEntityShare, "right_entity_share", SHARE, Higher),
        facts(M::RightKindShare, "right_kind_share", SHARE, Higher),
        facts(M::HarmRequests, "harm_requests", SIZE, Lower),
        facts(M::UnneededActions, "unneeded_actions", SIZE, Lower),
        facts(M::FalseAlarms, "false_alarms", SIZE, Lower),
        facts(M::PassedShare, "passed_share", SHARE, Higher),
        facts(M::LapseShare, "lapse_share", SHARE, Lower),
    ]
};

/// What a run is held against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    /// The run of the same seed in which nobody acted.
    pub none: &'a Outcome,
    /// The oracle's.
    pub oracle: &'a Outcome,
    /// Whether the run passed.
    pub passed: bool,
}

/// What one run says about each metric, by position.
pub(crate) type Ratios = [Ratio; Metric::COUNT];

/// What one run says about each metric, beside two others of its seed.
pub(crate) fn ratios(run: &Outcome, seen: &Seen<'_>) -> Ratios {
    let times = Times::of(run);
    Metric::ALL.map(|metric| match metric {
        Metric::AvailabilityPct => Ratio::new(100.0 * run.requests.good as f64, run.requests.total as f64),
        Metric::Utility => Ratio::value(run.utility),
        Metric::Score => score_of(run, seen),
        Metric::MttdRounds => restricted(&times.mttd),
        Metric::MttaRounds => restricted(&times.mtta),
        Metric::MttmRounds => restricted(&times.mttm),
        Metric::MttrRounds => restricted(&times.mttr),
        Metric::RemediedShare => weighted(times.remedied_share, times.mttr.n),
        Metric::AvoidedShare => {
            let score::Avoided { avoided, avoidable } = score::avoided(run, seen.none);
            share(avoided, avoidable)
        }
        Metric::RightEntityShare => claims(run, |sre| sre.diagnosis.right_entity),
        Metric::RightKindShare => claims(run, |sre| sre.diagnosis.right_kind),
        Metric::HarmRequests => Ratio::value(run.sres.iter().map(|sre| sre.harm_requests as f64).sum()),
        Metric::UnneededActions => {
            Ratio::value(run.sres.iter().map(|sre| f64::from(sre.unneeded_actions)).sum())
        }
        Metric::FalseAlarms => Ratio::value(f64::from(run.alerts.false_alarms)),
        Metric::PassedShare => Ratio::value(if seen.passed { 1.0 } else { 0.0 }),
        Metric::LapseShare => {
            let programs = || run.sres.iter().filter(|sre| sre.kind == SreKind::Exec);
            share(programs().map(|sre| sre.lapses.all()).sum(), run.rounds * programs().count() as u32)
        }
    })
}

/// What was won and what could be, on seeds where `result.json` has a score.
fn score_of(run: &Outcome, seen: &Seen<'_>) -> Ratio {
    let Seen { none, oracle, .. } = seen;
    score::score(run, none, oracle).map_or(Ratio::NONE, |_| {
        Ratio::new(100.0 * (run.utility - none.utility), oracle.utility - none.utility)
    })
}

fn restricted(times: &TimeStatistic) -> Ratio {
    weighted(times.restricted_mean_rounds, times.n)
}

/// A mean over so many incidents, as the sum that it was.
fn weighted(mean: Option<f64>, incidents: u32) -> Ratio {
    mean.map_or(Ratio::NONE, |mean| Ratio::new(mean * f64::from(incidents), f64::from(incidents)))
}

fn share(part: u32, of: u32) -> Ratio {
    Ratio::new(f64::from(part), f64::from(of))
}

fn claims(run: &Outcome, right: impl Fn(&worlds::outcome::SreOutcome) -> u32) -> Ratio {
    let claims = run.sres.iter().map(|sre| sre.diagnosis.claims).sum();
    share(run.sres.iter().map(right).sum(), claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_stands_at_its_own_position() {
        for (position, metric) in Metric::ALL.into_iter().enumerate() {
            assert_eq!(metric.position(), position, "{}", metric.name());
            assert_eq!(Metric::named(metric.name()), Ok(metric));
            assert_eq!(serde_json::to_value(metric).expect("a name"), metric.name());
        }
    }

    #[test]
    fn a_misspelt_metric_is_told_the_nearest() {
        let told = Metric::named("availabilty_pct").expect_err("a misspelt name");
        assert!(told.starts_with("did you mean `availability_pct`? there is availability_pct, "), "{told}");
    }
}
