//! How long incidents took: MTTD, MTTA, MTTM and MTTR, with nothing dropped and nothing infinite.
//!
//! A time runs from an incident's onset, in rounds: something that happens in the round of onset
//! took 0. When it never happened, what is known is a lower bound, and the time is *censored*
//! there: at the last round in which the incident was still on. A mean over those where it did
//! happen would flatter whoever leaves the hard ones open, so beside it stands the restricted mean
//! of the Kaplan-Meier estimate: the expected time within the horizon, the longest time observed.
//!
//! | time | event | population | censored by |
//! |---|---|---|---|
//! | MTTD | first alert | all incidents | the resolution, or the run's end |
//! | MTTA | first acknowledgement | all incidents | the resolution, or the run's end |
//! | MTTM | users served to the objective again | incidents that hurt users | the run's end (a resolution mitigates) |
//! | MTTR | resolution, remedied or expired | all incidents | the run's end only |
//!
//! Resolution has two causes that compete: a remedy, and expiry. What share of incidents is
//! remedied within the horizon is the cumulative incidence of "remedied" (Aalen-Johansen), which
//! counts an expired incident as one that can no longer be remedied.

use crate::outcome::{Incident, Outcome, Resolution};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The times of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Times {
    /// To detection.
    pub mttd: TimeStatistic,
    /// To acknowledgement.
    pub mtta: TimeStatistic,
    /// To mitigation, of incidents that hurt users.
    pub mttm: TimeStatistic,
    /// To resolution, whichever way.
    pub mttr: TimeStatistic,
    /// Share of incidents remedied within the horizon, 0 to 1; `None` when there was nothing to see.
    pub remedied_share: Option<f64>,
}

/// The time from onset to one kind of event, over many incidents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimeStatistic {
    /// Incidents that it is about.
    pub n: u32,
    /// Of which it did not happen while it could.
    pub censored: u32,
    /// Mean over those where it happened, rounds.
    pub mean_rounds: Option<f64>,
    /// The same in simulated minutes.
    pub mean_minutes: Option<f64>,
    /// Mean over all of them, within the longest time observed (Kaplan-Meier), rounds.
    pub restricted_mean_rounds: Option<f64>,
    /// First time by which it had happened to half of them (Kaplan-Meier), rounds.
    pub median_rounds: Option<u32>,
}

impl Times {
    /// The times of a run.
    pub fn of(outcome: &Outcome) -> Self {
        let incidents = || outcome.incidents.iter();
        let seconds = outcome.round_seconds;
        let until = |event: fn(&Incident) -> Option<u32>, incident: &Incident| {
            Observed::until(event(incident), incident, outcome.rounds)
        };
        let resolutions: Vec<_> =
            incidents().map(|incident| Observed::resolution(incident, outcome.rounds)).collect();
        Self {
            mttd: Observed::statistic(
                incidents().map(|incident| until(|it| it.detected_round, incident)),
                seconds,
            ),
            mtta: Observed::statistic(
                incidents().map(|incident| until(|it| it.acknowledged_round, incident)),
                seconds,
            ),
            mttm: Observed::statistic(
                incidents()
                    .filter(|incident| incident.hurt_users)
                    .map(|incident| until(|it| it.mitigated_round, incident)),
                seconds,
            ),
            mttr: Observed::statistic(resolutions.iter().copied(), seconds),
            remedied_share: cumulative_incidence(&resolutions, Ending::Remedied),
        }
    }
}

/// The last round in which an incident was seen to be on.
fn last_round(incident: &Incident, rounds: u32) -> u32 {
    incident.resolved_round.map_or(rounds, |resolved| resolved.saturating_sub(1)).max(incident.onset_round)
}

/// What is known of one incident's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Observed {
    /// Rounds from onset to the event, or to the last round in which it had not happened.
    time: u32,
    /// What ended the wait.
    ending: Ending,
}

/// What ended the wait for an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// Nothing: it is only known to have lasted longer.
    Censored,
    /// The event; of resolutions, the one by a remedy.
    Remedied,
    /// The other way to be resolved.
    Expired,
}

impl Observed {
    fn until(event: Option<u32>, incident: &Incident, rounds: u32) -> Self {
        let (round, ending) = match event {
            Some(round) => (round, Ending::Remedied),
            None => (last_round(incident, rounds), Ending::Censored),
        };
        Self { time: round.saturating_sub(incident.onset_round), ending }
    }

    fn resolution(incident: &Incident, rounds: u32) -> Self {
        let ending = match incident.resolution {
            Resolution::Remedied => Ending::Remedied,
            Resolution::Expired => Ending::Expired,
            Resolution::Open => Ending::Censored,
        };
        Self { ending, ..Self::until(incident.resolved_round, incident, rounds) }
    }

    fn happened(&self) -> bool {
        self.ending != Ending::Censored
    }

    fn statistic(all: impl Iterator<Item = Self>, round_seconds: f64) -> TimeStatistic {
        let all: Vec<_> = all.collect();
        let happened: Vec<_> = all.iter().filter(|one| one.happened()).map(|one| one.time).collect();
        let mean = mean(&happened);
        TimeStatistic {
            n: all.len() as u32,
            censored: (all.len() - happened.len()) as u32,
            mean_rounds: mean,
            mean_minutes: mean.map(|rounds| rounds * round_seconds / 60.0),
            restricted_mean_rounds: restricted_mean(&all),
            median_rounds: median(&all),
        }
    }
}

fn mean(times: &[u32]) -> Option<f64> {
    let sum: u64 = times.iter().map(|&time| u64::from(time)).sum();
    (!times.is_empty()).then(|| sum as f64 / times.len() as f64)
}

/// One time at which something happened to somebody.
#[derive(Clone, Copy, Debug)]
struct Step {
    time: u32,
    /// To whom nothing had happened just before, and who were still watched.
    at_risk: usize,
    /// To whom it happened now, whichever way.
    happened: usize,
    /// Share to whom nothing had happened just before (Kaplan-Meier).
    survival_before: f64,
}

impl Step {
    fn survival_after(&self) -> f64 {
        self.survival_before * (1.0 - self.happened as f64 / self.at_risk as f64)
    }
}

/// The Kaplan-Meier estimate. Whoever is censored at a time is still at risk at that time.
fn kaplan_meier(all: &[Observed]) -> Vec<Step> {
    let mut times: Vec<_> = all.iter().filter(|one| one.happened()).map(|one| one.time).collect();
    times.sort_unstable();
    times.dedup();
    let mut survival_before = 1.0;
    let step = |time| {
        let at_risk = all.iter().filter(|one| one.time >= time).count();
        let happened = all.iter().filter(|one| one.time == time && one.happened()).count();
        let step = Step { time, at_risk, happened, survival_before };
        survival_before = step.survival_after();
        step
    };
    times.into_iter().map(step).collect()
}

/// The area under the survival curve up to the horizon; `None` when nothing was observed at all.
fn restricted_mean(all: &[Observed]) -> Option<f64> {
    let horizon = horizon(all)?;
    let (mut area, mut since, mut survival) = (0.0, 0, 1.0);
    for step in kaplan_meier(all) {
        area += survival * f64::from(step.time - since);
        (since, survival) = (step.time, step.survival_after());
    }
    Some(area + survival * f64::from(horizon - since))
}

fn median(all: &[Observed]) -> Option<u32> {
    let half_done = |step: &Step| step.survival_after() <= 0.5 + 1e-12;
    kaplan_meier(all).into_iter().find(half_done).map(|step| step.time)
}

/// The share to whom `cause` happens within the horizon (Aalen-Johansen).
fn cumulative_incidence(all: &[Observed], cause: Ending) -> Option<f64> {
    horizon(all)?;
    let of_cause = |time| all.iter().filter(|one| one.time == time && one.ending == cause).count();
    let share = |step: Step| step.survival_before * of_cause(step.time) as f64 / step.at_risk as f64;
    Some(kaplan_meier(all).into_iter().map(share).fold(0.0, |sum, share| sum + share))
}

/// The longest time observed. `None` when that is nothing: nobody, or only incidents that began in
/// the last round and were still on.
fn horizon(all: &[Observed]) -> Option<u32> {
    let longest = all.iter().map(|one| one.time).max()?;
    (longest > 0 || all.iter().any(Observed::happened)).then_some(longest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{ActionCounts, AlertCounts, FaultCounts, Requests};

    /// A run of ten rounds of which each serves every request.
    fn calm_run(incidents: Vec<Incident>) -> Outcome {
        Outcome {
            rounds: 10,
            round_seconds: 120.0,
            requests: Requests { total: 10_000, good: 10_000 },
            availability_mean_of_rounds_pct: 100.0,
            sla_target_pct: 99.9,
            servers: Vec::new(),
            faults: FaultCounts::default(),
            alerts: AlertCounts::default(),
            incidents,
            actions: ActionCounts::default(),
            sres: Vec::new(),
            suffered_rounds: Vec::new(),
            capacity_held: 0.0,
            utility: 100.0,
            lost_agents: Vec::new(),
            steady_state: None,
            stopped: None,
        }
    }

    fn open(onset: u32) -> Incident {
        Incident {
            id: 1,
            kind: "cpu_spike".into(),
            target: "web-1".into(),
            onset_round: onset,
            detected_round: None,
            acknowledged_round: None,
            first_action_round: None,
            diagnosed_round: None,
            mitigated_round: None,
            hurt_users: false,
            resolved_round: None,
            resolution: Resolution::Open,
        }
    }

    fn resolved(onset: u32, round: u32, resolution: Resolution) -> Incident {
        Incident { resolved_round: Some(round), resolution, ..open(onset) }
    }

    fn close(left: Option<f64>, right: f64) -> bool {
        left.is_some_and(|left| (left - right).abs() < 1e-12)
    }

    #[test]
    fn a_run_without_incidents_has_no_times() {
        let times = Times::of(&calm_run(Vec::new()));
        assert_eq!(times.mttr, TimeStatistic::default());
        assert_eq!(times.remedied_share, None);
    }

    #[test]
    fn without_censoring_the_restricted_mean_is_the_mean() {
        let times = Times::of(&calm_run(vec![
            resolved(1, 2, Resolution::Remedied),
            resolved(2, 6, Resolution::Expired),
            resolved(3, 7, Resolution::Remedied),
        ]));
        assert_eq!((times.mttr.n, times.mttr.censored), (3, 0));
        assert_eq!(times.mttr.mean_rounds, Some(3.0));
        assert_eq!(times.mttr.mean_minutes, Some(6.0));
        assert!(close(times.mttr.restricted_mean_rounds, 3.0));
        assert_eq!(times.mttr.median_rounds, Some(4));
        assert!(close(times.remedied_share, 2.0 / 3.0));
    }

    /// Times 1 (remedied), 2+ (censored), 3 (expired), 4+ (censored). By hand:
    /// S = 1 before 1; 3/4 from 1; two are at risk at 3, so 3/8 from 3, to the horizon 4.
    /// Area = 1*1 + 3/4*2 + 3/8*1 = 2.875. Incidence of remedied = 1 * 1/4.
    #[test]
    fn censored_incidents_stay_in_the_restricted_mean() {
        let times = Times::of(&calm_run(vec![
            resolved(4, 5, Resolution::Remedied),
            open(8),
            resolved(4, 7, Resolution::Expired),
            open(6),
        ]));
        assert_eq!((times.mttr.n, times.mttr.censored), (4, 2));
        assert_eq!(times.mttr.mean_rounds, Some(2.0));
        assert!(close(times.mttr.restricted_mean_rounds, 2.875));
        assert_eq!(times.mttr.median_rounds, Some(3));
        assert!(close(times.remedied_share, 0.25));
    }

    /// Times 1 (expired), 2+ (censored), 3 (remedied), 4 (remedied). By hand: S before 3 is 3/4 and
    /// two are at risk: 3/8; S before 4 is 3/8 and one is at risk: 3/8. Together 3/4.
    #[test]
    fn an_expired_incident_can_no_longer_be_remedied() {
        let times = Times::of(&calm_run(vec![
            resolved(1, 2, Resolution::Expired),
            open(8),
            resolved(1, 4, Resolution::Remedied),
            resolved(1, 5, Resolution::Remedied),
        ]));
        assert!(close(times.remedied_share, 0.75));
    }

    #[test]
    fn when_all_expire_nothing_is_remedied_but_everything_is_resolved() {
        let times = Times::of(&calm_run(vec![resolved(1, 4, Resolution::Expired)]));
        assert_eq!(times.remedied_share, Some(0.0));
        assert_eq!(times.mttr.mean_rounds, Some(3.0));
    }

    #[test]
    fn an_incident_of_the_last_round_says_nothing_about_its_length() {
        let times = Times::of(&calm_run(vec![open(10)]));
        assert_eq!((times.mttr.n, times.mttr.censored), (1, 1));
        assert_eq!(times.mttr.restricted_mean_rounds, None);
        assert_eq!(times.mttr.median_rounds, None);
        assert_eq!(times.remedied_share, None);
    }

    #[test]
    fn detection_in_the_round_of_onset_takes_no_time() {
        let incident = Incident { detected_round: Some(3), ..resolved(3, 6, Resolution::Expired) };
        let times = Times::of(&calm_run(vec![incident]));
        assert_eq!(times.mttd.mean_rounds, Some(0.0));
        assert_eq!(times.mttd.restricted_mean_rounds, Some(0.0));
        assert_eq!(times.mttd.median_rounds, Some(0));
    }

    /// Detected after 1; never detected while it was on in rounds 3, 4 and 5, so 2+.
    /// Area = 1*1 + 1/2*1 = 1.5.
    #[test]
    fn an_undetected_incident_is_censored_when_it_resolves() {
        let seen = Incident { detected_round: Some(4), ..resolved(3, 6, Resolution::Expired) };
        let times = Times::of(&calm_run(vec![seen, resolved(3, 6, Resolution::Expired)]));
        assert_eq!((times.mttd.n, times.mttd.censored), (2, 1));
        assert!(close(times.mttd.restricted_mean_rounds, 1.5));
        assert_eq!(times.mtta.censored, 2);
        assert_eq!(times.mtta.mean_rounds, None);
        assert!(close(times.mtta.restricted_mean_rounds, 2.0));
        assert_eq!(times.mtta.median_rounds, None);
    }

    #[test]
    fn mitigation_is_about_incidents_that_hurt_users() {
        let hurt =
            Incident { mitigated_round: Some(4), hurt_users: true, ..resolved(2, 6, Resolution::Remedied) };
        let harmless = resolved(7, 9, Resolution::Expired);
        let times = Times::of(&calm_run(vec![hurt, harmless]));
        assert_eq!((times.mttm.n, times.mttm.censored), (1, 0));
        assert_eq!(times.mttm.mean_rounds, Some(2.0));
    }

    #[test]
    fn an_incident_that_hurts_to_the_end_of_the_run_is_not_mitigated() {
        let times = Times::of(&calm_run(vec![Incident { hurt_users: true, ..open(9) }]));
        assert_eq!((times.mttm.n, times.mttm.censored), (1, 1));
        assert_eq!(times.mttm.mean_rounds, None);
    }

    /// Times to resolution, and what lifelines and statsmodels make of them: `make.py` beside the
    /// file tells how.
    #[derive(Deserialize)]
    struct Vector {
        name: String,
        time: Vec<u32>,
        /// 0 censored, 1 remedied, 2 expired.
        cause: Vec<u8>,
        restricted_mean: f64,
        median: Option<u32>,
        remedied: f64,
    }

    impl Vector {
        fn observed(&self) -> Vec<Observed> {
            let ending = |cause: &u8| match cause {
                0 => Ending::Censored,
                1 => Ending::Remedied,
                _ => Ending::Expired,
            };
            let observed = |(&time, cause)| Observed { time, ending: ending(cause) };
            self.time.iter().zip(&self.cause).map(observed).collect()
        }
    }

    #[test]
    fn restricted_means_and_cumulative_incidences_are_those_of_lifelines_and_statsmodels() {
        let text =
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../statistics/tests/vectors/times.json"));
        let vectors: Vec<Vector> = serde_json::from_str(text).expect("make.py wrote it");
        for vector in &vectors {
            let (name, all) = (&vector.name, vector.observed());
            let statistic = Observed::statistic(all.iter().copied(), 60.0);
            let close = |ours: Option<f64>, theirs: f64| {
                assert!(ours.is_some_and(|ours| (ours - theirs).abs() < 1e-11), "{name}: {ours:?} {theirs}");
            };
            close(statistic.restricted_mean_rounds, vector.restricted_mean);
            assert_eq!(statistic.median_rounds, vector.median, "{name}");
            close(cumulative_incidence(&all, Ending::Remedied), vector.remedied);
        }
        assert_eq!(vectors.len(), 8);
    }
}
