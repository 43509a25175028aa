//! Rounds, gathered: as fine as they came in a drill, coarser in a long run.
//!
//! A run begins with a stretch for each round. Whenever there would be more than [`STRETCHES_MAX`] of them, two
//! neighbours each become one of twice the length, so that a run of any length has between half of that
//! number and all of it, and nobody has to know beforehand how long the run will be.

use worlds::outcome::Requests;

/// Stretches of a run: a column of a few pixels for each on the narrowest page. Even, so that it can be halved.
pub(crate) const STRETCHES_MAX: usize = 240;

/// A few rounds that follow each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stretch {
    /// Its first round.
    pub first_round: u32,
    /// How many there are.
    pub rounds: u32,
    /// Users' requests.
    pub requests: Requests,
    /// Good requests over all requests in its worst round, percent.
    pub worst_pct: f64,
    /// The longest p99 of a server in any of its rounds, milliseconds.
    pub slowest_ms: f64,
    /// The p99 of the server in the middle, in the mean of its rounds, milliseconds.
    pub middle_ms: f64,
    /// The most alerts that were open at once.
    pub alerts_open: u32,
    /// Of critical ones.
    pub critical_open: u32,
    /// Actions that acted, and succeeded.
    pub succeeded: u32,
    /// Actions that acted in vain.
    pub failed: u32,
    /// The most faults that were in force at once.
    pub faults: u32,
}

impl Stretch {
    /// With those of another that follows it.
    fn and(self, next: Self) -> Self {
        let rounds = self.rounds + next.rounds;
        let sum = self.middle_ms * f64::from(self.rounds) + next.middle_ms * f64::from(next.rounds);
        Self {
            first_round: self.first_round,
            rounds,
            requests: Requests {
                total: self.requests.total + next.requests.total,
                good: self.requests.good + next.requests.good,
            },
            worst_pct: self.worst_pct.min(next.worst_pct),
            slowest_ms: self.slowest_ms.max(next.slowest_ms),
            middle_ms: sum / f64::from(rounds),
            alerts_open: self.alerts_open.max(next.alerts_open),
            critical_open: self.critical_open.max(next.critical_open),
            succeeded: self.succeeded + next.succeeded,
            failed: self.failed + next.failed,
            faults: self.faults.max(next.faults),
        }
    }

    /// Users' requests that failed.
    pub(crate) fn failed_requests(&self) -> u64 {
        self.requests.total - self.requests.good
    }
}

/// All rounds of a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stretches {
    all: Vec<Stretch>,
    /// Rounds of each but the last.
    length: u32,
    were_halved: bool,
}

impl Default for Stretches {
    fn default() -> Self {
        Self { all: Vec::new(), length: 1, were_halved: false }
    }
}

impl Stretches {
    /// In their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Stretch> {
        self.all.iter()
    }

    /// Rounds of each but the last.
    pub(crate) fn length(&self) -> u32 {
        self.length
    }

    /// Rounds of all of them.
    pub(crate) fn rounds(&self) -> u32 {
        self.all.iter().map(|stretch| stretch.rounds).sum()
    }

    /// Where the round that comes next will be counted.
    pub(super) fn position_of_next(&self) -> usize {
        match self.all.last() {
            Some(last) if last.rounds < self.length => self.all.len() - 1,
            _ => self.all.len(),
        }
    }

    /// Adds the round that comes next.
    pub(super) fn add(&mut self, round: Stretch) {
        let position = self.position_of_next();
        match self.all.get_mut(position) {
            Some(last) => *last = last.and(round),
            None => self.all.push(round),
        }
        self.were_halved = self.all.len() > STRETCHES_MAX;
        if self.were_halved {
            let pairs = self.all.chunks(2);
            self.all = pairs.map(|pair| pair[1..].iter().fold(pair[0], |one, next| one.and(*next))).collect();
            self.length *= 2;
        }
    }

    /// Whether positions have become half of what they were with the last round.
    pub(super) fn were_halved(&self) -> bool {
        self.were_halved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(number: u32) -> Stretch {
        Stretch {
            first_round: number,
            rounds: 1,
            requests: Requests { total: 10, good: u64::from(number % 11) },
            worst_pct: f64::from(number % 11) * 10.0,
            slowest_ms: f64::from(number),
            middle_ms: f64::from(number),
            alerts_open: number % 5,
            critical_open: number % 3,
            succeeded: 1,
            failed: 0,
            faults: number % 7,
        }
    }

    fn played(rounds: u32) -> Stretches {
        let mut stretches = Stretches::default();
        (1..=rounds).for_each(|number| stretches.add(round(number)));
        stretches
    }

    #[test]
    fn a_drill_has_a_stretch_for_each_round() {
        let stretches = played(STRETCHES_MAX as u32);
        assert_eq!((stretches.all.len(), stretches.length), (STRETCHES_MAX, 1));
    }

    #[test]
    fn however_long_a_run_is_no_round_is_lost_and_none_is_counted_twice() {
        for rounds in [1, 239, 240, 241, 242, 480, 481, 999, 5_000, 100_003] {
            let stretches = played(rounds);
            assert!(stretches.all.len() <= STRETCHES_MAX, "{rounds}");
            assert!(rounds < 240 || stretches.all.len() >= STRETCHES_MAX / 2, "{rounds}");
            assert_eq!(stretches.rounds(), rounds);
            let total: u64 = stretches.iter().map(|stretch| stretch.requests.total).sum();
            assert_eq!(total, u64::from(rounds) * 10);
            let mut next = 1;
            for stretch in stretches.iter() {
                assert_eq!(stretch.first_round, next, "{rounds}");
                next += stretch.rounds;
            }
            let (last, whole) = stretches.all.split_last().expect("some");
            assert!(whole.iter().all(|stretch| stretch.rounds == stretches.length), "{rounds}");
            assert!(last.rounds <= stretches.length, "{rounds}");
        }
    }

    #[test]
    fn of_two_stretches_the_worst_and_the_mean_are_kept() {
        let both = round(3).and(round(4));
        assert_eq!((both.worst_pct, both.slowest_ms, both.middle_ms), (30.0, 4.0, 3.5));
        assert_eq!((both.alerts_open, both.critical_open, both.succeeded), (4, 1, 2));
        let four = both.and(round(5).and(round(6)));
        assert_eq!((four.rounds, four.middle_ms, four.failed_requests()), (4, 4.5, 22));
    }
}
