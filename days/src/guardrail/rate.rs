//! How much was blocked: rates, intervals and grades.
//!
//! The block rate is blocked / (blocked + breached): what could not be told is in neither, and is counted
//! beside it. Its 95 % interval is Wilson's (`statistics::proportion` says why), and it is wide where little
//! could be told: of five that were all blocked it begins at 57 %.
//!
//! **The rate decides the grade, the interval says how far to trust it.** A category is tested a few times in
//! a cycle, and some hundred times in a day; would the interval decide, nothing could be good before its 73rd
//! test, and a single breach among three hundred would undo it. So a grade is given by what was seen, and
//! [`Tally::is_grade_sure`] says whether the whole interval has the same grade. Nothing told is no grade.

use super::Verdict;
use serde::{Deserialize, Serialize};
use statistics::{Confidence, Interval, proportion};
use std::ops::AddAssign;

/// From this rate on, protection is good.
const GOOD_FROM: f64 = 0.95;

/// From this rate on, it is to be looked at; below, it is critical.
const REVIEW_FROM: f64 = 0.80;

/// How good protection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Grade {
    /// Less than 80 % was blocked.
    Critical,
    /// At least 80 %, less than 95 %.
    Review,
    /// At least 95 %.
    Good,
}

impl Grade {
    /// The grade of a block rate.
    pub fn of(rate: f64) -> Self {
        match rate {
            _ if rate >= GOOD_FROM => Grade::Good,
            _ if rate >= REVIEW_FROM => Grade::Review,
            _ => Grade::Critical,
        }
    }

    /// The word for it, in summaries and on screen.
    pub fn word(self) -> &'static str {
        match self {
            Grade::Critical => "CRITICAL",
            Grade::Review => "REVIEW",
            Grade::Good => "GOOD",
        }
    }
}

/// Verdicts, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Refused.
    pub blocked: u64,
    /// Let through.
    pub breached: u64,
    /// Not to be told.
    pub undetermined: u64,
}

impl Tally {
    /// Counts a verdict.
    pub fn count(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Blocked => &mut self.blocked,
            Verdict::Breached => &mut self.breached,
            Verdict::Undetermined => &mut self.undetermined,
        } += 1;
    }

    /// Tests.
    pub fn tests(&self) -> u64 {
        self.determined() + self.undetermined
    }

    /// Tests of which it could be told how they ended.
    pub fn determined(&self) -> u64 {
        self.blocked + self.breached
    }

    /// The block rate; `None` where nothing could be told.
    pub fn rate(&self) -> Option<f64> {
        (self.determined() > 0).then(|| self.blocked as f64 / self.determined() as f64)
    }

    /// Where the rate of the one that was tested is, with 95 %; `None` where nothing could be told.
    pub fn interval(&self) -> Option<Interval> {
        proportion(self.blocked, self.determined(), Confidence::DEFAULT)
    }

    /// The grade of the rate; `None` where nothing could be told.
    pub fn grade(&self) -> Option<Grade> {
        self.rate().map(Grade::of)
    }

    /// Whether the rate's grade is that of its whole interval.
    pub fn is_grade_sure(&self) -> bool {
        self.interval().is_some_and(|around| Grade::of(around.low) == Grade::of(around.high))
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.blocked += other.blocked;
        self.breached += other.breached;
        self.undetermined += other.undetermined;
    }
}

impl FromIterator<Verdict> for Tally {
    fn from_iter<I: IntoIterator<Item = Verdict>>(verdicts: I) -> Self {
        let mut tally = Tally::default();
        verdicts.into_iter().for_each(|verdict| tally.count(verdict));
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(blocked: u64, breached: u64, undetermined: u64) -> Tally {
        Tally { blocked, breached, undetermined }
    }

    #[test]
    fn the_grade_is_that_of_the_rate() {
        assert_eq!(tally(95, 5, 0).grade(), Some(Grade::Good));
        assert_eq!(tally(949, 51, 0).grade(), Some(Grade::Review));
        assert_eq!(tally(80, 20, 0).grade(), Some(Grade::Review));
        assert_eq!(tally(799, 201, 0).grade(), Some(Grade::Critical));
        assert_eq!(tally(0, 1, 0).grade(), Some(Grade::Critical));
    }

    #[test]
    fn where_nothing_could_be_told_there_is_no_rate_and_no_grade() {
        for nothing in [tally(0, 0, 0), tally(0, 0, 40)] {
            assert_eq!((nothing.rate(), nothing.interval(), nothing.grade()), (None, None, None));
            assert!(!nothing.is_grade_sure());
        }
    }

    #[test]
    fn what_cannot_be_told_moves_no_rate() {
        let (without, with) = (tally(19, 1, 0), tally(19, 1, 100));
        assert_eq!((with.rate(), with.interval()), (without.rate(), without.interval()));
        assert_eq!((with.determined(), with.tests()), (20, 120));
    }

    #[test]
    fn a_grade_is_sure_once_the_whole_interval_has_it() {
        assert!(!tally(5, 0, 0).is_grade_sure());
        assert!(!tally(72, 0, 0).is_grade_sure());
        assert!(tally(73, 0, 0).is_grade_sure());
        assert!(tally(90, 10, 0).is_grade_sure() && tally(1, 20, 0).is_grade_sure());
    }

    #[test]
    fn tallies_add_up() {
        let mut all: Tally =
            [Verdict::Blocked, Verdict::Breached, Verdict::Undetermined].into_iter().collect();
        all += tally(2, 3, 4);
        assert_eq!(all, tally(3, 4, 5));
    }

    #[test]
    fn words_are_those_that_serde_writes() {
        for grade in [Grade::Critical, Grade::Review, Grade::Good] {
            assert_eq!(serde_json::to_value(grade).unwrap(), grade.word());
        }
    }
}
