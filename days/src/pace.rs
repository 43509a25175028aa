//! How many requests a slot's cycle makes.
//!
//! **By the day's target**, the default: a day is to have the middle of `target_daily_requests` (or what a
//! forecast says, within them), prorated where the clock changes, and the mix is each kind's share of it, its
//! *quota*. Every cycle makes both kinds. What is still to be made is spread over the slots that are left by
//! one factor for all of them: from 0, each makes the least of its profile, to 1, each makes the most. So
//! profiles say how a day's requests are spread and the target says how many they are; and whatever a cycle did
//! not make (it failed, was missed, was cut short) is made up for by the others. A draw that moves a count a
//! little up or down keeps days from looking alike; it is never let so far that the quota would be missed.
//! A quota that cannot be reached any longer is told by [`DayPlan::reach`].
//!
//! **By the profile**, to the letter: each cycle draws one kind by the mix, and its count from the range. Then
//! the mix is that of cycles, and the day comes to what it comes to: [`lint`](crate::lint) says with which
//! probability that is the target.
//!
//! All chance is a pure function of the seed, the date and the slot's number: a daemon that was started anew
//! draws what it would have drawn.

use crate::calendar::{Calendar, Slot};
use crate::config::Config;
use crate::config::settings::Pacing;
use crate::order::{Batch, ByKind, Kind, Order};
use crate::profile::{Profile, Range};
use jiff::civil::Date;
use rand::RngExt as _;
use rand::rand_core::SeedableRng as _;
use rand::rngs::ChaCha8Rng;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How far a count may be moved from what the factor says, as a share of its profile's range.
const VARIATION: f64 = 0.25;

/// Words of the random stream that a slot has for itself: more than it draws.
const WORDS_PER_SLOT: u128 = 64;

/// No requests at all.
const NOTHING: Range<u64> = Range { min: 0, max: 0 };

/// A day with what its cycles may make, and what the day is to come to.
#[derive(Clone, Debug, PartialEq)]
pub struct DayPlan {
    /// The date.
    pub date: Date,
    /// How it is paced.
    pub pacing: Pacing,
    /// How many requests it is to have, prorated: the least and the most.
    pub target: Range<u64>,
    /// How many of each kind; `None` where profiles alone decide.
    pub quota: Option<ByKind<u64>>,
    /// Its slots, with the profiles that hold in them.
    pub slots: Vec<(Slot, Arc<Profile>)>,
    pub(crate) weights: ByKind<u32>,
    /// By place, what the slots from there on make at their least and at their most: every cycle asks for it.
    left: ByKind<Vec<Range<u64>>>,
    seed: u64,
}

impl DayPlan {
    /// The plan of a date. `forecast` is how many requests the day is expected to have, where somebody
    /// predicted it.
    pub fn of(config: &Config, calendar: &Calendar, date: Date, forecast: Option<u64>) -> Self {
        let settings = &config.settings;
        let mut profiles: BTreeMap<&str, Arc<Profile>> = BTreeMap::new();
        let day = calendar.day(date);
        let mut held = |slot: Slot| {
            let profile = config.profile_at(slot.wall);
            let known = profiles.entry(&profile.name).or_insert_with(|| Arc::new(profile.clone()));
            (slot, Arc::clone(known))
        };
        let slots: Vec<_> = day.slots.into_iter().map(&mut held).collect();
        let prorated = |requests: u64| {
            let regular = u64::from(calendar.regular_slots());
            (requests * slots.len() as u64 + regular / 2) / regular
        };
        let wanted = settings.target_daily_requests;
        let target = Range { min: prorated(wanted.min), max: prorated(wanted.max) };
        let mix = settings.simulation_mix;
        let weights = ByKind { operations: mix.operations_weight, guardrails: mix.guardrails_weight };
        let aim = forecast.map_or(target.min.midpoint(target.max), |said| said.clamp(target.min, target.max));
        let quota = (settings.pacing == Pacing::Target).then(|| shares(aim, weights));
        let left = ByKind::of(|kind| {
            let counts = slots.iter().map(|(_, profile)| range(kind, profile, weights));
            sums_to_the_end(counts.rev())
        });
        Self { date, pacing: settings.pacing, target, quota, slots, weights, left, seed: settings.seed }
    }

    /// The order of a slot's cycle, after so many sends were made on the day. A cycle at an instant that is no
    /// slot, by hand, has the order of the slot in which it is.
    pub fn order(&self, slot: &Slot, made: ByKind<u64>) -> Order {
        let place = self.place_of(slot);
        let Some((planned, profile)) = self.slots.get(place) else {
            return Order { slot: slot.start, profile: String::new(), batches: ByKind::of(|_| None) };
        };
        let mut chance = self.chance(planned);
        let counts = match self.quota {
            Some(quota) => {
                ByKind::of(|kind| self.share(kind, place, *quota.get(kind), *made.get(kind), &mut chance))
            }
            None => self.drawn(profile, &mut chance),
        };
        let batch = |kind: Kind| {
            let (load, count) = (profile.loads.get(kind).as_ref()?, *counts.get(kind));
            let threads = chance.random_range(load.threads.min..=load.threads.max);
            let delay = drawn_delay(load.delay, &mut chance);
            (count > 0).then_some(Batch { count, threads, delay })
        };
        Order { slot: slot.start, profile: profile.name.clone(), batches: ByKind::of(batch) }
    }

    /// How many requests of each kind the day may still come to: the slot and all after it at their least, and
    /// at their most.
    pub fn reach(&self, slot: &Slot, made: ByKind<u64>) -> ByKind<Range<u64>> {
        let place = self.place_of(slot);
        ByKind::of(|kind| {
            let (left, made) = (self.left(kind, place), *made.get(kind));
            Range { min: made + left.min, max: made + left.max }
        })
    }

    /// The slot in which an instant is, by its place.
    fn place_of(&self, slot: &Slot) -> usize {
        self.slots.partition_point(|(planned, _)| planned.start <= slot.start).saturating_sub(1)
    }

    /// What the slots from a place on make of a kind at their least and at their most.
    pub(crate) fn left(&self, kind: Kind, place: usize) -> Range<u64> {
        self.left.get(kind).get(place).copied().unwrap_or(NOTHING)
    }

    /// What a profile makes of a kind: nothing where it has no weight.
    pub(crate) fn range(&self, kind: Kind, profile: &Profile) -> Range<u32> {
        range(kind, profile, self.weights)
    }

    /// A slot's share of what is still to be made of a kind.
    fn share(&self, kind: Kind, place: usize, quota: u64, made: u64, chance: &mut ChaCha8Rng) -> u32 {
        let own = self.range(kind, &self.slots[place].1);
        let (left, after) = (self.left(kind, place), self.left(kind, place + 1));
        let wanted = quota.saturating_sub(made);
        let factor = match left.max - left.min {
            0 => 0.0,
            room => (wanted.saturating_sub(left.min) as f64 / room as f64).min(1.0),
        };
        let room = f64::from(own.max - own.min);
        let count = f64::from(own.min) + factor * room;
        let moved = (chance.random::<f64>() * 2.0 - 1.0) * VARIATION * room;
        // As far up as down, so that it evens out over the day.
        let most = (count - f64::from(own.min)).min(f64::from(own.max) - count);
        let count = (count + moved.clamp(-most, most)).round() as u64;
        // What the slots after this one can still make up for, or leave out.
        let count = count.min(wanted.saturating_sub(after.min)).max(wanted.saturating_sub(after.max));
        u32::try_from(count).unwrap_or(u32::MAX).clamp(own.min, own.max)
    }

    /// One kind, drawn by the mix, and how many of it.
    fn drawn(&self, profile: &Profile, chance: &mut ChaCha8Rng) -> ByKind<u32> {
        let ByKind { operations, guardrails } = self.weights;
        let drawn = match chance.random_range(0..(operations + guardrails).max(1)) < operations {
            true => Kind::Operations,
            false => Kind::Guardrails,
        };
        let count = self.range(drawn, profile);
        let count = chance.random_range(count.min..=count.max);
        ByKind::of(|kind| if kind == drawn { count } else { 0 })
    }

    /// The dice of a slot.
    fn chance(&self, slot: &Slot) -> ChaCha8Rng {
        let mut chance = ChaCha8Rng::seed_from_u64(self.seed);
        let epoch = Date::constant(1970, 1, 1);
        chance.set_stream(self.date.duration_since(epoch).as_hours().unsigned_abs() / 24);
        chance.set_word_pos(u128::from(slot.number) * WORDS_PER_SLOT);
        chance
    }
}

fn range(kind: Kind, profile: &Profile, weights: ByKind<u32>) -> Range<u32> {
    let load = profile.loads.get(kind).as_ref().filter(|_| *weights.get(kind) > 0);
    load.map_or(Range { min: 0, max: 0 }, |load| load.count)
}

/// For each place what the counts from there on come to, from those that are given from the last to the first.
fn sums_to_the_end(counts_backwards: impl Iterator<Item = Range<u32>>) -> Vec<Range<u64>> {
    let mut sums: Vec<_> = counts_backwards
        .scan(NOTHING, |sum, count| {
            *sum = Range { min: sum.min + u64::from(count.min), max: sum.max + u64::from(count.max) };
            Some(*sum)
        })
        .collect();
    sums.reverse();
    sums
}

/// A number of requests, shared by weights; the rest of a division is an operation.
fn shares(requests: u64, weights: ByKind<u32>) -> ByKind<u64> {
    let ByKind { operations, guardrails } = weights;
    let all = u64::from(operations) + u64::from(guardrails);
    let guardrails = (requests * u64::from(guardrails)).checked_div(all).unwrap_or(0);
    let operations = if operations == 0 { 0 } else { requests - guardrails };
    ByKind { operations, guardrails }
}

fn drawn_delay(delay: Range<Duration>, chance: &mut ChaCha8Rng) -> Duration {
    let room = delay.max.saturating_sub(delay.min);
    delay.min + room.mul_f64(chance.random::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use jiff::ToSpan as _;
    use jiff::tz::TimeZoneDatabase;

    fn config(text: &str) -> Config {
        config::parse("test.toml", text).expect("it makes sense").config
    }

    fn calendar(zone: &str) -> Calendar {
        Calendar::new(TimeZoneDatabase::bundled().get(zone).expect("a zone"), 900)
    }

    fn date(text: &str) -> Date {
        text.parse().expect("a date")
    }

    fn plan(text: &str, zone: &str, day: &str) -> DayPlan {
        DayPlan::of(&config(text), &calendar(zone), date(day), None)
    }

    /// Lives through a day; `cycle` says what a slot's cycle makes of its order.
    fn lived(plan: &DayPlan, mut cycle: impl FnMut(usize, Order) -> ByKind<u64>) -> ByKind<u64> {
        let mut made = ByKind::<u64>::default();
        for (place, (slot, profile)) in plan.slots.iter().enumerate() {
            let order = plan.order(slot, made);
            for kind in Kind::ALL {
                let count = order.batches.get(kind).map_or(0, |batch| batch.count);
                let range = plan.range(kind, profile);
                let is_within = (range.min..=range.max).contains(&count);
                assert!(is_within || plan.quota.is_none() && count == 0, "{count} of {range:?}");
            }
            let cycle = cycle(place, order);
            made.operations += cycle.operations;
            made.guardrails += cycle.guardrails;
        }
        made
    }

    fn all(order: &Order) -> ByKind<u64> {
        ByKind::of(|kind| order.batches.get(kind).map_or(0, |batch| batch.count.into()))
    }

    #[test]
    fn four_hundred_days_land_on_their_targets() {
        for zone in ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"] {
            let (config, calendar) = (Config::default(), calendar(zone));
            for date in date("2026-01-01").series(1.day()).take(400) {
                let plan = DayPlan::of(&config, &calendar, date, None);
                let made = lived(&plan, |_, order| all(&order));
                let slots = plan.slots.len() as u64;
                let aim = (4_000 * slots + 48) / 96;
                assert_eq!(Some(made), plan.quota, "{zone} {date}");
                assert!((made.operations + made.guardrails).abs_diff(aim) <= 1, "{zone} {date}: {made:?}");
                assert!((made.operations * 10).abs_diff(aim * 7) <= 20, "{zone} {date}: {made:?}");
            }
        }
    }

    #[test]
    fn days_do_not_look_alike_and_busy_hours_are_the_busiest() {
        let orders = |day| {
            let mut counts = Vec::new();
            lived(&plan("", "UTC", day), |_, order| {
                counts.push(order.count());
                all(&order)
            });
            counts
        };
        let (monday, tuesday) = (orders("2026-03-02"), orders("2026-03-03"));
        let different = monday.iter().zip(&tuesday).filter(|(monday, tuesday)| monday != tuesday).count();
        assert!(different > 60, "{different} of 96 slots differ");
        assert_eq!(monday, orders("2026-03-02"), "the same day is drawn the same");
        let hour = |hour: usize| monday[hour * 4..][..4].iter().sum::<u32>();
        assert!(hour(3) < hour(7) && hour(7) < hour(12), "{} {} {}", hour(3), hour(7), hour(12));
    }

    #[test]
    fn what_cycles_do_not_make_is_made_up_for() {
        let plan = plan("", "UTC", "2026-03-02");
        // Two hours of the morning lost, and every ninth cycle cut to a half.
        let made = lived(&plan, |place, order| {
            let made = all(&order);
            match place {
                32..40 => ByKind::default(),
                place if place % 9 == 0 && place < 80 => ByKind::of(|kind| made.get(kind) / 2),
                _ => made,
            }
        });
        assert!(made.operations.abs_diff(2_800) <= 28 && made.guardrails.abs_diff(1_200) <= 12, "{made:?}");
    }

    #[test]
    fn a_target_that_is_out_of_reach_is_told_and_neared() {
        let plan = plan("", "UTC", "2026-03-02");
        let afternoon = plan.slots[60].0;
        let reach = plan.reach(&afternoon, ByKind::default());
        assert!(reach.operations.max < 2_800, "{reach:?}");
        let made = lived(&plan, |place, order| if place < 60 { ByKind::default() } else { all(&order) });
        assert_eq!(made.operations, reach.operations.max);
        assert_eq!(made.guardrails, reach.guardrails.max);
        let first = plan.slots[0].0;
        let whole = plan.reach(&first, ByKind::default());
        assert_eq!(whole.operations, Range { min: 1_760, max: 3_660 });
        assert_eq!(whole.guardrails, Range { min: 908, max: 1_844 });
    }

    #[test]
    fn a_kind_without_weight_is_not_made() {
        let text = "simulation_mix = { operations_weight = 0, guardrails_weight = 1 }\n\
                    target_daily_requests = { min = 1_000, max = 1_200 }";
        let plan = plan(text, "UTC", "2026-03-02");
        let made = lived(&plan, |_, order| all(&order));
        assert_eq!(made, ByKind { operations: 0, guardrails: 1_100 });
    }

    #[test]
    fn nothing_is_made_in_maintenance_and_the_rest_of_the_day_makes_up_for_it() {
        let text = "windows = [{ name = 'patches', maintenance = true, from = '10:00', to = '12:00' }]";
        let plan = plan(text, "UTC", "2026-03-02");
        let made = lived(&plan, |place, order| {
            assert_eq!(order.count() == 0, (40..48).contains(&place), "{place}");
            all(&order)
        });
        assert_eq!(Some(made), plan.quota);
    }

    #[test]
    fn a_forecast_moves_the_target_within_its_bounds() {
        let (config, calendar) = (Config::default(), calendar("UTC"));
        for (said, aim) in [(3_500, 3_500), (100, 3_000), (9_000, 5_000)] {
            let plan = DayPlan::of(&config, &calendar, date("2026-03-02"), Some(said));
            let quota = plan.quota.expect("it is paced by the target");
            assert_eq!(quota.operations + quota.guardrails, aim);
        }
    }

    #[test]
    fn to_the_letter_a_cycle_makes_one_kind() {
        let config = config("pacing = 'profile'");
        let (mut operations, mut cycles) = (0, 0);
        for date in date("2026-01-01").series(1.day()).take(100) {
            let plan = DayPlan::of(&config, &calendar("UTC"), date, None);
            lived(&plan, |_, order| {
                let made = all(&order);
                assert!((made.operations == 0) != (made.guardrails == 0), "{order:?}");
                operations += u32::from(made.operations > 0);
                cycles += 1;
                made
            });
        }
        // The standard deviation of the share is half a percent.
        let share = f64::from(operations) / f64::from(cycles);
        assert!((share - 0.7).abs() < 0.02, "{share}");
    }

    #[test]
    fn threads_and_delays_are_drawn_from_their_ranges() {
        let plan = plan("", "UTC", "2026-03-02");
        let mut threads = BTreeMap::new();
        lived(&plan, |place, order| {
            let load = plan.slots[place].1.loads.operations.as_ref().expect("there is a load");
            let batch = order.batches.operations.expect("there is a batch");
            assert!((load.threads.min..=load.threads.max).contains(&batch.threads));
            assert!((load.delay.min..=load.delay.max).contains(&batch.delay));
            *threads.entry(batch.threads).or_insert(0) += 1;
            all(&order)
        });
        assert_eq!(threads.keys().copied().collect::<Vec<_>>(), (2..=10).collect::<Vec<_>>());
    }
}
