//! How a run compares with two others of the same seed: one in which nobody acted, and the
//! oracle's, about the best that the actions allow.
//!
//! The same seed brings the same faults and the same users, so the comparison is paired: luck is
//! on neither side.

use crate::outcome::Outcome;

/// Points of utility between the oracle and doing nothing below which there was nothing to win.
///
/// 0.1 is the error budget of a promise of 99.9 %: what a good on-call could save is then less than
/// what users were told to expect, and the score would be made of single requests. It also covers
/// the seeds on which the oracle is no better than nothing.
pub const LEAST_GAIN: f64 = 0.1;

/// What a run is worth, from 0 (as if nobody had acted) to 100 (as the oracle). One seed may pass
/// either end. `None` when there was nothing to win.
pub fn score(run: &Outcome, none: &Outcome, oracle: &Outcome) -> Option<f64> {
    let gain = oracle.utility - none.utility;
    (gain >= LEAST_GAIN).then(|| 100.0 * ((run.utility - none.utility) / gain))
}

/// The share of avoidable fault-rounds that a run avoided, 0 to 1; the clearest sign of skill.
///
/// `None` when none were avoidable.
pub fn avoided_share(run: &Outcome, none: &Outcome) -> Option<f64> {
    let Avoided { avoided, avoidable } = avoided(run, none);
    (avoidable > 0).then(|| f64::from(avoided) / f64::from(avoidable))
}

/// Rounds in which faults were not suffered although they would have been, had nobody acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avoided {
    /// Rounds that the run avoided.
    pub avoided: u32,
    /// Rounds that could be avoided.
    pub avoidable: u32,
}

/// The avoidable fault-rounds of a run, and how many of them it avoided.
///
/// Nobody can act on a fault in its first round, so of the rounds that a fault is suffered when
/// nobody acts, all but one are avoidable.
pub fn avoided(run: &Outcome, none: &Outcome) -> Avoided {
    let pairs = || none.suffered_rounds.iter().zip(&run.suffered_rounds);
    Avoided {
        avoided: pairs().map(|(&none, &run)| none.saturating_sub(run).min(avoidable(none))).sum(),
        avoidable: pairs().map(|(&none, _)| avoidable(none)).sum(),
    }
}

fn avoidable(suffered: u32) -> u32 {
    suffered.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{ActionCounts, AlertCounts, FaultCounts, Requests};

    fn run(utility: f64, suffered_rounds: &[u32]) -> Outcome {
        Outcome {
            rounds: 10,
            round_seconds: 60.0,
            requests: Requests::default(),
            availability_mean_of_rounds_pct: 100.0,
            sla_target_pct: 99.9,
            servers: Vec::new(),
            faults: FaultCounts::default(),
            alerts: AlertCounts::default(),
            incidents: Vec::new(),
            actions: ActionCounts::default(),
            sres: Vec::new(),
            suffered_rounds: suffered_rounds.to_vec(),
            capacity_held: 0.0,
            utility,
            lost_agents: Vec::new(),
            steady_state: None,
            stopped: None,
        }
    }

    fn score_of(utility: f64, none: f64, oracle: f64) -> Option<f64> {
        score(&run(utility, &[]), &run(none, &[]), &run(oracle, &[]))
    }

    #[test]
    fn the_score_is_the_share_of_what_could_be_won() {
        assert_eq!(score_of(80.0, 80.0, 96.0), Some(0.0));
        assert_eq!(score_of(92.0, 80.0, 96.0), Some(75.0));
        assert_eq!(score_of(96.0, 80.0, 96.0), Some(100.0));
    }

    #[test]
    fn one_seed_may_pass_either_end() {
        assert_eq!(score_of(98.0, 80.0, 96.0), Some(112.5));
        assert_eq!(score_of(72.0, 80.0, 96.0), Some(-50.0));
    }

    #[test]
    fn without_anything_to_win_there_is_no_score() {
        assert_eq!(score_of(99.0, 99.0, 99.05), None);
        assert_eq!(score_of(99.0, 99.0, 97.0), None);
    }

    #[test]
    fn the_first_round_of_a_fault_cannot_be_avoided() {
        let none = run(0.0, &[3, 1, 5]);
        assert_eq!(avoided_share(&run(0.0, &[1, 1, 1]), &none), Some(1.0));
        assert_eq!(avoided_share(&run(0.0, &[0, 0, 0]), &none), Some(1.0));
        assert_eq!(avoided_share(&run(0.0, &[3, 1, 2]), &none), Some(0.5));
        assert_eq!(avoided_share(&none, &none), Some(0.0));
    }

    #[test]
    fn what_an_action_prolonged_does_not_eat_up_what_others_saved() {
        let none = run(0.0, &[3, 3]);
        assert_eq!(avoided_share(&run(0.0, &[9, 1]), &none), Some(0.5));
    }

    #[test]
    fn without_avoidable_rounds_nothing_was_avoided() {
        assert_eq!(avoided_share(&run(0.0, &[1, 0]), &run(0.0, &[1, 0])), None);
    }
}
