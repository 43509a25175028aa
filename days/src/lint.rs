//! What a day would come to, said before it begins.
//!
//! **Paced by the target**, a day lands on its quota if that lies between what its slots make at their least
//! and at their most: the [`Margin`] says how far from either.
//!
//! **Paced by profiles**, it comes to a sum of draws: each cycle one kind by the mix, and a count of it from its
//! range. The distribution of that sum is computed, not sampled: the cycles' distributions, each a mixture of
//! two uniform ones, are convolved. Only where that would be too much work (counts by the thousand, cycles by
//! the second) the normal distribution of the same mean and variance is taken, which such sums are close to.

use crate::order::{ByKind, Kind};
use crate::pace::DayPlan;
use crate::profile::Range;
use std::fmt;

/// Steps that a convolution may take: well under a second.
const STEPS_MAX: u64 = 1 << 26;

/// Below this probability a target that profiles alone decide on is likely missed.
const LIKELY: f64 = 0.95;

/// What a day would come to.
#[derive(Clone, Debug, PartialEq)]
pub enum Lint {
    /// Paced by the target: how its quotas lie in what is possible.
    Target(ByKind<Margin>),
    /// Paced by profiles.
    Profile(Outlook),
}

/// How a quota lies in what is possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Margin {
    /// Requests of the kind that the day is to have.
    pub quota: u64,
    /// What all its slots make at their least, and at their most.
    pub possible: Range<u64>,
}

/// What a day comes to where profiles alone decide, requests of both kinds together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlook {
    /// The least and the most that is possible at all.
    pub possible: Range<u64>,
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub deviation: f64,
    /// The mean if each cycle made the most of the kind that it draws.
    pub mean_of_most: f64,
    /// The mean if each cycle made both kinds.
    pub mean_of_both: f64,
    /// The day's target, prorated.
    pub target: Range<u64>,
    /// The probability that the day lands in it.
    pub probability: f64,
    /// Whether the probability is exact, and not the normal distribution's.
    pub is_exact: bool,
}

impl Lint {
    /// Of a day.
    pub fn of(plan: &DayPlan) -> Self {
        match plan.quota {
            Some(quota) => Lint::Target(ByKind::of(|kind| Margin {
                quota: *quota.get(kind),
                possible: plan.left(kind, 0),
            })),
            None => Lint::Profile(Outlook::of(plan)),
        }
    }

    /// Whether the day meets its target, as likely as can be said.
    pub fn is_met(&self) -> bool {
        match self {
            Lint::Target(margins) => Kind::ALL.iter().all(|kind| margins.get(*kind).is_within()),
            Lint::Profile(outlook) => outlook.probability >= LIKELY,
        }
    }

    /// What is to be done about it, if anything.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            _ if self.is_met() => None,
            Lint::Profile(_) => Some("with `pacing = \"target\"` each cycle makes its share of the target"),
            Lint::Target(margins) if Kind::ALL.iter().any(|kind| margins.get(*kind).missing() > 0) => {
                Some("raise the `max` of counts in [load_profiles], or lower `target_daily_requests`")
            }
            Lint::Target(_) => {
                Some("lower the `min` of counts in [load_profiles], or raise `target_daily_requests`")
            }
        }
    }
}

impl Margin {
    /// Whether the quota can be met.
    pub fn is_within(&self) -> bool {
        (self.possible.min..=self.possible.max).contains(&self.quota)
    }

    /// Requests by which the most that is possible falls short of the quota.
    pub fn missing(&self) -> u64 {
        self.quota.saturating_sub(self.possible.max)
    }

    /// Requests that may be lost, to cycles that fail, before the quota is out of reach.
    pub fn to_spare(&self) -> u64 {
        self.possible.max.saturating_sub(self.quota)
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lint::Target(ByKind { operations, guardrails }) => {
                write!(f, "{operations} operations and {guardrails} guardrail tests")
            }
            Lint::Profile(outlook) => outlook.fmt(f),
        }
    }
}

/// `2800 (1760 to 3660 are possible)`.
impl fmt::Display for Margin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { min, max } = self.possible;
        match self.is_within() {
            true => write!(f, "{} ({min} to {max} are possible)", self.quota),
            false => write!(f, "{} (out of reach: {min} to {max} are possible)", self.quota),
        }
    }
}

impl fmt::Display for Outlook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { possible, mean, deviation, target, .. } = self;
        write!(f, "{mean:.0} requests on average, give or take {deviation:.0}")?;
        write!(f, " ({} to {} are possible); ", possible.min, possible.max)?;
        let probability = match self.probability * 100.0 {
            percent if percent < 0.05 => "less than 0.1 %".to_owned(),
            percent if percent > 99.95 => "more than 99.9 %".to_owned(),
            percent => format!("{percent:.1} %"),
        };
        write!(f, "the target of {} to {} is met with a probability of {probability}", target.min, target.max)
    }
}

impl Outlook {
    fn of(plan: &DayPlan) -> Self {
        let draws: Vec<Draw> = (0..plan.slots.len()).map(|place| Draw::of(plan, place)).collect();
        let sum = |of: fn(&Draw) -> f64| draws.iter().map(of).sum::<f64>();
        let mut possible = Range { min: 0, max: 0 };
        for draw in &draws {
            possible.min += draw.possible().min;
            possible.max += draw.possible().max;
        }
        let (mean, deviation) = (sum(Draw::mean), libm::sqrt(sum(Draw::variance)));
        let is_exact = (possible.max - possible.min + 1).saturating_mul(draws.len() as u64) <= STEPS_MAX;
        let probability = match is_exact {
            true => Distribution::of(&draws).share_of(plan.target),
            false => normal_share(mean, deviation, plan.target),
        };
        Self {
            possible,
            mean,
            deviation,
            mean_of_most: sum(Draw::mean_of_most),
            mean_of_both: sum(Draw::mean_of_both),
            target: plan.target,
            probability,
            is_exact,
        }
    }
}

/// What a cycle draws from: of each kind, with which probability it is the one, and the range of its counts.
struct Draw(Vec<(f64, Range<u32>)>);

impl Draw {
    fn of(plan: &DayPlan, place: usize) -> Self {
        let (_, profile) = &plan.slots[place];
        let all = f64::from(plan.weights.operations) + f64::from(plan.weights.guardrails);
        let kinds = Kind::ALL.into_iter().filter(|kind| *plan.weights.get(*kind) > 0);
        let of = |kind: Kind| (f64::from(*plan.weights.get(kind)) / all, plan.range(kind, profile));
        Self(kinds.map(of).collect())
    }

    fn possible(&self) -> Range<u64> {
        let counts = || self.0.iter().map(|(_, count)| count);
        Range {
            min: counts().map(|count| count.min.into()).min().unwrap_or(0),
            max: counts().map(|count| count.max.into()).max().unwrap_or(0),
        }
    }

    fn mean_by(&self, value: impl Fn(&Range<u32>) -> f64) -> f64 {
        self.0.iter().map(|(share, count)| share * value(count)).sum()
    }

    fn mean(&self) -> f64 {
        self.mean_by(middle)
    }

    fn mean_of_most(&self) -> f64 {
        self.mean_by(|count| f64::from(count.max))
    }

    fn mean_of_both(&self) -> f64 {
        self.0.iter().map(|(_, count)| middle(count)).sum()
    }

    /// Around the mean of all: within each kind, and between them.
    fn variance(&self) -> f64 {
        let mean = self.mean();
        self.mean_by(|count| {
            let values = f64::from(count.max - count.min) + 1.0;
            let apart = middle(count) - mean;
            (values * values - 1.0) / 12.0 + apart * apart
        })
    }
}

fn middle(count: &Range<u32>) -> f64 {
    (f64::from(count.min) + f64::from(count.max)) / 2.0
}

/// How probable each sum is.
struct Distribution {
    /// The least sum.
    least: u64,
    /// The probability of it and of each after it.
    shares: Vec<f64>,
}

impl Distribution {
    fn of(draws: &[Draw]) -> Self {
        let nothing = Self { least: 0, shares: vec![1.0] };
        draws.iter().fold(nothing, |sum, draw| sum.and(draw))
    }

    /// With one more draw. A uniform draw makes each new share the mean of a stretch of the old ones, which is
    /// the difference of two running sums.
    fn and(self, draw: &Draw) -> Self {
        let possible = draw.possible();
        let mut until = vec![0.0];
        until.extend(self.shares.iter().scan(0.0, |sum, share| {
            *sum += share;
            Some(*sum)
        }));
        let last = self.shares.len();
        let mut shares = vec![0.0; last + (possible.max - possible.min) as usize];
        for (probability, count) in &draw.0 {
            let offset = (u64::from(count.min) - possible.min) as usize;
            let values = (count.max - count.min) as usize + 1;
            let each = probability / values as f64;
            for place in 0..last + values - 1 {
                let stretch = until[last.min(place + 1)] - until[(place + 1).saturating_sub(values)];
                shares[place + offset] += each * stretch.max(0.0);
            }
        }
        Self { least: self.least + possible.min, shares }
    }

    /// The probability that the sum lies in a range.
    fn share_of(&self, range: Range<u64>) -> f64 {
        let sums = (self.least..).zip(&self.shares);
        let within = sums.filter(|(sum, _)| (range.min..=range.max).contains(sum));
        within.map(|(_, share)| share).sum::<f64>().min(1.0)
    }
}

/// The normal distribution's share of a range of whole numbers.
fn normal_share(mean: f64, deviation: f64, range: Range<u64>) -> f64 {
    if deviation == 0.0 {
        return f64::from(u8::from((range.min as f64..=range.max as f64).contains(&mean)));
    }
    let above = |value: f64| libm::erfc((value - mean) / deviation * std::f64::consts::FRAC_1_SQRT_2) / 2.0;
    (above(range.min as f64 - 0.5) - above(range.max as f64 + 0.5)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Calendar;
    use crate::config;
    use jiff::ToSpan as _;
    use jiff::civil::{Date, date};
    use jiff::tz::TimeZone;

    const MONDAY: Date = date(2026, 3, 2);
    const SATURDAY: Date = date(2026, 3, 7);

    fn plan(text: &str, date: Date) -> DayPlan {
        let config = config::parse("test.toml", text).expect("it makes sense").config;
        let interval = config.settings.interval_seconds();
        DayPlan::of(&config, &Calendar::new(TimeZone::UTC, interval), date, None)
    }

    fn outlook(text: &str, date: Date) -> Outlook {
        match Lint::of(&plan(text, date)) {
            Lint::Profile(outlook) => outlook,
            target @ Lint::Target(_) => panic!("{target:?}"),
        }
    }

    fn draw(kinds: &[(f64, u32, u32)]) -> Draw {
        Draw(kinds.iter().map(|(share, min, max)| (*share, Range { min: *min, max: *max })).collect())
    }

    #[test]
    fn the_documents_own_defaults_miss_their_target_by_profiles_alone() {
        let figures = |date| {
            let outlook = outlook("pacing = 'profile'", date);
            assert!(outlook.is_exact && outlook.probability < 1e-6, "{outlook:?}");
            [outlook.mean, outlook.mean_of_most, outlook.mean_of_both].map(libm::round)
        };
        assert_eq!(figures(MONDAY), [2_310.0, 3_115.0, 4_086.0]);
        assert_eq!(figures(SATURDAY)[0], 2_005.0);
        assert_eq!(figures(SATURDAY)[2], 3_550.0);
        let outlook = outlook("pacing = 'profile'", MONDAY);
        assert_eq!(outlook.possible, Range { min: 908, max: 3_660 });
        let lint = Lint::Profile(outlook);
        assert!(lint.to_string().contains("less than 0.1 %"), "{lint}");
        assert!(!lint.is_met() && lint.hint().is_some_and(|hint| hint.contains("pacing")));
    }

    #[test]
    fn sums_are_as_probable_as_counting_all_cases_says() {
        let draws = [
            draw(&[(0.7, 3, 6), (0.3, 1, 2)]),
            draw(&[(0.5, 0, 0), (0.5, 2, 2)]),
            draw(&[(0.2, 5, 9), (0.8, 6, 7)]),
        ];
        let mut cases = vec![(0, 1.0)];
        for Draw(kinds) in &draws {
            let mut more = Vec::new();
            for (sum, probability) in cases {
                for (share, count) in kinds {
                    let each = probability * share / f64::from(count.max - count.min + 1);
                    more.extend((count.min..=count.max).map(|count| (sum + u64::from(count), each)));
                }
            }
            cases = more;
        }
        let distribution = Distribution::of(&draws);
        for sum in 0..=18 {
            let counted: f64 = cases.iter().filter(|case| case.0 == sum).map(|case| case.1).sum();
            let found = distribution.share_of(Range { min: sum, max: sum });
            assert!((found - counted).abs() < 1e-15, "{sum}: {found}, {counted}");
        }
        assert!((distribution.share_of(Range { min: 6, max: 17 }) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn days_that_are_lived_through_come_to_what_was_said() {
        let text = "pacing = 'profile'\ntarget_daily_requests = { min = 2_250, max = 2_400 }";
        let outlook = outlook(text, MONDAY);
        let (mut inside, mut sum) = (0_u32, 0);
        let mondays = 2_000;
        for date in MONDAY.series(7.days()).take(mondays) {
            let plan = plan(text, date);
            let made: u32 =
                plan.slots.iter().map(|(slot, _)| plan.order(slot, ByKind::default()).count()).sum();
            inside += u32::from((2_250..=2_400).contains(&made));
            sum += made;
        }
        let (share, mean) = (f64::from(inside) / mondays as f64, f64::from(sum) / mondays as f64);
        // Four standard errors: of the share 0.011 each, of the mean `deviation` / 45.
        assert!((share - outlook.probability).abs() < 0.044, "{share} of {outlook:?}");
        assert!((mean - outlook.mean).abs() < 4.0 * outlook.deviation / 44.7, "{mean} of {outlook:?}");
    }

    #[test]
    fn where_convolving_is_too_much_work_the_normal_distribution_says_the_same() {
        let text = "pacing = 'profile'\ntarget_daily_requests = { min = 2_250, max = 2_400 }";
        let exact = outlook(text, MONDAY);
        let normal = normal_share(exact.mean, exact.deviation, exact.target);
        assert!((normal - exact.probability).abs() < 0.005, "{normal} of {exact:?}");
        let many = "pacing = 'profile'\nexecution_interval_seconds = 1\n\
                    target_daily_requests = { min = 1_000_000, max = 3_000_000 }";
        let outlook = outlook(many, MONDAY);
        assert!(!outlook.is_exact && outlook.probability > 0.999, "{outlook:?}");
    }

    #[test]
    fn a_target_is_told_with_its_margin_and_what_to_do_where_there_is_none() {
        let lint = Lint::of(&plan("", MONDAY));
        let Lint::Target(margins) = &lint else { panic!("{lint:?}") };
        assert_eq!(margins.operations, Margin { quota: 2_800, possible: Range { min: 1_760, max: 3_660 } });
        assert_eq!((margins.operations.to_spare(), margins.guardrails.to_spare()), (860, 644));
        assert!(lint.is_met() && lint.hint().is_none());
        for (bounds, is_low) in [("{ min = 9_000, max = 9_000 }", true), ("{ min = 10, max = 20 }", false)] {
            let lint = Lint::of(&plan(&format!("target_daily_requests = {bounds}"), MONDAY));
            let hint = lint.hint().expect("it is out of reach");
            assert_eq!(hint.starts_with("raise the `max`"), is_low, "{hint}");
            assert!(lint.to_string().contains("out of reach"), "{lint}");
        }
    }
}
