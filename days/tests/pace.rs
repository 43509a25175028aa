//! Pacing through days that go wrong: whatever was lost, what is left of a day comes exactly as near to the
//! quota as it can.

use days::calendar::Calendar;
use days::config::Config;
use days::order::{ByKind, Kind};
use days::pace::DayPlan;
use jiff::ToSpan as _;
use jiff::civil::date;
use jiff::tz::TimeZoneDatabase;

/// Numbers that look random, and are the same each time (Knuth's constants).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[test]
fn after_any_losses_the_rest_of_the_day_comes_as_near_to_the_quota_as_its_profiles_let_it() {
    let (config, mut numbers) = (Config::default(), Numbers(1));
    let (mut met, mut missed) = (0, 0);
    for zone in ["UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe"] {
        let calendar = Calendar::new(TimeZoneDatabase::bundled().get(zone).expect("a zone"), 900);
        for date in date(2026, 1, 1).series(1.day()).take(400) {
            let plan = DayPlan::of(&config, &calendar, date, None);
            let quota = plan.quota.expect("it is paced by the target");
            // Started late, then each cycle whole, lost, or in part; from some time on all is well.
            let begun = numbers.below(20) as usize;
            let well = begun + numbers.below(76) as usize;
            let mut made = ByKind::<u64>::default();
            let mut reach = plan.reach(&plan.slots[0].0, made);
            for (place, (slot, profile)) in plan.slots.iter().enumerate().skip(begun) {
                if place <= well {
                    reach = plan.reach(slot, made);
                }
                let order = plan.order(slot, made);
                for kind in Kind::ALL {
                    let count = order.batches.get(kind).map_or(0, |batch| batch.count);
                    let range = profile.loads.get(kind).as_ref().expect("it has a load").count;
                    assert!((range.min..=range.max).contains(&count), "{zone} {date} {count} of {range:?}");
                    let count = u64::from(count);
                    *made.get_mut(kind) += match numbers.below(3) {
                        _ if place >= well => count,
                        0 => count,
                        1 => 0,
                        _ => numbers.below(count + 1),
                    };
                }
            }
            for kind in Kind::ALL {
                let (reach, quota) = (reach.get(kind), *quota.get(kind));
                assert_eq!(*made.get(kind), quota.clamp(reach.min, reach.max), "{zone} {date} {kind:?}");
                *(if *made.get(kind) == quota { &mut met } else { &mut missed }) += 1;
            }
        }
    }
    assert!(met > 500 && missed > 500, "{met} {missed}");
}

/// What is left of a day is not summed up anew by each of its cycles: that would take minutes here.
#[test]
fn a_day_with_a_slot_every_second_is_paced_like_any_other() {
    let (config, utc) = (Config::default(), TimeZoneDatabase::bundled().get("UTC").expect("a zone"));
    let plan = DayPlan::of(&config, &Calendar::new(utc, 1), date(2026, 3, 2), None);
    let mut made = ByKind::<u64>::default();
    let reach = plan.reach(&plan.slots[0].0, made);
    for (slot, _) in &plan.slots {
        let order = plan.order(slot, made);
        for kind in Kind::ALL {
            *made.get_mut(kind) += order.batches.get(kind).map_or(0, |batch| u64::from(batch.count));
        }
    }
    let quota = plan.quota.expect("it is paced by the target");
    for kind in Kind::ALL {
        let (reach, quota) = (reach.get(kind), *quota.get(kind));
        assert_eq!(*made.get(kind), quota.clamp(reach.min, reach.max), "{kind:?}");
    }
}
