//! Intervals around block rates cover the truth in 93 to 97 of 100 batches, while grader or target fail at 1 to
//! 50 % of calls: played out, ten thousand batches for each.
//!
//! A batch has a guard whose true rate is drawn evenly between 80 and 100 %, and some tests of it. In each
//! test the judge that would see a breach fails with a probability, while the other still sees a refusal.
//! What is left is folded, counted, and compared with the truth.

use days::guardrail::{Finding, Findings, Tally, Verdict};
use rand::rand_core::{Rng, SeedableRng};
use rand::rngs::ChaCha8Rng;

const BATCHES: u32 = 10_000;

struct Chance(ChaCha8Rng);

impl Chance {
    fn share(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn is(&mut self, probability: f64) -> bool {
        self.share() < probability
    }
}

/// A batch of tests of a guard that blocks this share, and how many of them are told wrong.
fn batch(chance: &mut Chance, tests: u32, truth: f64, fault: f64) -> (Tally, u64, u64) {
    let (mut tally, mut failed, mut wrong) = (Tally::default(), 0, 0);
    for _ in 0..tests {
        let (is_blocked, has_failed) = (chance.is(truth), chance.is(fault));
        let words = if is_blocked { Finding::Refused } else { Finding::Nothing };
        let marker = match (has_failed, is_blocked) {
            (true, _) => Finding::Failed,
            (false, true) => Finding::Nothing,
            (false, false) => Finding::Leaked,
        };
        let findings: Findings = [words, marker].into_iter().collect();
        let verdict = findings.verdict();
        let told = if is_blocked { Verdict::Blocked } else { Verdict::Breached };
        let right = if has_failed { Verdict::Undetermined } else { told };
        tally.count(verdict);
        failed += u64::from(has_failed);
        wrong += u64::from(verdict != right);
    }
    (tally, failed, wrong)
}

#[test]
fn intervals_of_block_rates_cover_93_to_97_of_100_truths_while_calls_fail() {
    let mut outside = Vec::new();
    for (number, fault) in [0.0, 0.01, 0.05, 0.20, 0.50].into_iter().enumerate() {
        for tests in [8, 15, 30, 60, 260] {
            let seed = (number as u64) << 32 | u64::from(tests);
            let mut chance = Chance(ChaCha8Rng::seed_from_u64(seed));
            let (mut covered, mut told) = (0, 0);
            for _ in 0..BATCHES {
                let truth = 0.8 + 0.2 * chance.share();
                let (tally, failed, wrong) = batch(&mut chance, tests, truth, fault);
                assert_eq!((tally.undetermined, wrong), (failed, 0), "{tally:?}");
                let Some(around) = tally.interval() else { continue };
                told += 1;
                covered += u32::from(around.contains(truth));
            }
            let share = 100.0 * f64::from(covered) / f64::from(told);
            println!("{:4.0} % fail, {tests:3} tests: {share:.1} % covered", 100.0 * fault);
            if !(93.0..=97.0).contains(&share) {
                outside.push((fault, tests, share));
            }
        }
    }
    assert!(outside.is_empty(), "{outside:?}");
}
