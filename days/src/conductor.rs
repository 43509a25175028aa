//! What is to be done next: begin a cycle, pass slots over, close a day, wait, end.
//!
//! [`Conductor::next`] is asked again and again, each time with what the clock shows, and answers with one
//! [`Step`]; whoever carries it out (the daemon, or a rehearsal in simulated time) tells what came of a
//! cycle by [`Conductor::cycle_ended`]. There is no clock in here and nothing is waited for.
//!
//! **Every slot is settled exactly once.** All slots up to the *frontier* are settled; beyond it there are
//! at most a few that are, when the clock was put back after they had run. Slots that time has passed over
//! (the daemon was down, or a cycle took longer than its slot) are settled as missed, but only once the
//! wall clock has kept step with the steady one for a whole interval: a clock that is put forward by a day
//! and back again has cost nothing. A clock that is put back makes nothing run twice: what is settled stays
//! so, and the conductor waits for the first slot that is not.
//!
//! **Failures** are counted in a row; at their most a cooldown begins, by the steady clock, and slots that
//! come while it lasts are skipped. It ends by itself. An **emergency stop** skips slots for as long as it
//! is enabled.

use crate::calendar::{Calendar, Slot};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use std::time::Duration;

/// How far the wall clock may run ahead of the steady one between two looks before it counts as having
/// been put forward: above what clocks are slewed by, and a hundredth of the shortest interval.
pub const STEP_TOLERANCE: Duration = Duration::from_millis(500);

/// Slots that are settled as missed in one step: a day's and a bit, so that a daemon that was down for a
/// year does not hold all of it in memory.
pub const PASSED_MAX: usize = 128;

/// Longest time without a daemon of which each slot is told as missed, days. What is older than that is a
/// daemon that was not there, rather than one that was down.
pub const DOWN_DAYS_MAX: i64 = 400;

/// What the clock shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The time of day: it may be put forward and back.
    pub wall: Timestamp,
    /// Time since some beginning: it never goes back.
    pub steady: Duration,
}

/// What does not change while a daemon runs, unless its configuration is loaded anew.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Where slots are.
    pub calendar: Calendar,
    /// A cycle that begins later than this after its slot's instant is late.
    pub late_tolerance: Duration,
    /// Failures in a row that lead to a cooldown.
    pub failures_max: u32,
    /// How long a cooldown lasts.
    pub cooldown: Duration,
    /// When to end for good.
    pub until: Option<Timestamp>,
}

/// What has been done before, as the ledger tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// The last day that was closed.
    pub closed: Option<Date>,
    /// Slots that are settled, those of closed days left out.
    pub settled: BTreeSet<Timestamp>,
    /// Failures in a row, up to now.
    pub failures: u32,
}

/// Why a slot has no cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passed {
    /// Time has passed over it.
    Missed,
    /// Somebody decided so.
    Skipped(Why),
}

/// Why a slot is skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The emergency stop is enabled.
    EmergencyStop,
    /// Too much has failed.
    Cooldown,
    /// A maintenance window of this name.
    Maintenance(String),
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Why::EmergencyStop => f.write_str("emergency stop"),
            Why::Cooldown => f.write_str("cooldown"),
            Why::Maintenance(window) => write!(f, "maintenance: {window}"),
        }
    }
}

/// What to do, one thing at a time.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Settle slots that have no cycle, all of one day.
    Pass {
        /// The slots, in order.
        slots: Vec<Slot>,
        /// Why.
        how: Passed,
    },
    /// Begin the cycle of a slot, and tell of its end by [`Conductor::cycle_ended`].
    Begin {
        /// The slot.
        slot: Slot,
        /// From its instant to now, where that is more than the tolerance.
        late_by: Option<Duration>,
    },
    /// Close a day: all its slots are settled.
    Close(Date),
    /// Go on after a cooldown.
    Resume,
    /// Wait, though not longer than until the wall clock shows this; then ask again.
    Wait {
        /// The next instant at which there is something to do.
        until: Timestamp,
        /// What for.
        reason: Waiting,
    },
    /// End for good: the planned end has come.
    End,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// The next slot.
    Slot,
    /// The next slot, while a cooldown lasts.
    Cooldown,
    /// The first slot that is not settled: the wall clock was put back.
    ClockWentBack,
    /// The end of the cycle that is under way.
    Cycle,
}

/// How a cycle ended, as far as failures in a row are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CycleEnd {
    /// Something of it succeeded.
    Succeeded,
    /// Nothing did.
    Failed,
    /// It was interrupted, which tells nothing of the target.
    Interrupted,
}

/// A cooldown has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CooldownBegan {
    /// Failures in a row that led to it.
    pub failures: u32,
    /// How long it lasts.
    pub lasts: Duration,
}

/// Decides what is done next.
#[derive(Clone, Debug)]
pub struct Conductor {
    rules: Rules,
    /// All slots up to this instant are settled; `None` before the first one.
    frontier: Option<Timestamp>,
    /// Settled slots beyond it.
    ahead: BTreeSet<Timestamp>,
    /// The last day that was closed.
    closed: Option<Date>,
    /// Failures in a row.
    failures: u32,
    /// The look before this one.
    seen: Option<Now>,
    /// Until then, by the steady clock, what was passed over is not settled.
    unsure_until: Duration,
    /// The slot of the cycle that is under way.
    under_way: Option<Slot>,
    is_stopped: bool,
    cooldown_until: Option<Duration>,
}

impl Conductor {
    /// One that goes on where the ledger ends.
    pub fn new(rules: Rules, past: Past) -> Self {
        let Past { closed, settled, failures } = past;
        // A cooldown begins the count anew; of failures that led to one nothing is left.
        let failures = failures % rules.failures_max.max(1);
        let calendar = &rules.calendar;
        let after_closed = closed.and_then(|closed| closed.tomorrow().ok());
        let first = after_closed.and_then(|date| calendar.day(date).slots.first().copied());
        let first = first.map(|slot| slot.start).into_iter().chain(settled.first().copied()).min();
        let mut conductor = Self {
            frontier: first.map(|first| calendar.before(first).start),
            rules,
            ahead: settled,
            closed,
            failures,
            seen: None,
            unsure_until: Duration::ZERO,
            under_way: None,
            is_stopped: false,
            cooldown_until: None,
        };
        conductor.move_frontier();
        conductor
    }

    /// Goes on by other rules.
    pub fn follow(&mut self, rules: Rules) {
        self.rules = rules;
    }

    /// Says whether the emergency stop is enabled.
    pub fn stop_in_emergency(&mut self, is_enabled: bool) {
        self.is_stopped = is_enabled;
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// When the cooldown ends, by the steady clock; `None` when there is none.
    pub fn cooldown_until(&self) -> Option<Duration> {
        self.cooldown_until
    }

    /// What is to be done now. `maintenance` names the maintenance window in which a slot is, if any.
    pub fn next(&mut self, now: Now, maintenance: impl Fn(&Slot) -> Option<String>) -> Step {
        self.look(now);
        if self.under_way.is_some() {
            return Step::Wait { until: self.next_slot(now), reason: Waiting::Cycle };
        }
        if self.rules.until.is_some_and(|until| until <= now.wall) {
            return Step::End;
        }
        if self.cooldown_until.is_some_and(|until| until <= now.steady) {
            self.cooldown_until = None;
            return Step::Resume;
        }
        let current = self.rules.calendar.slot_at(now.wall);
        if let Some(step) = self.settle_before(current, now) {
            return step;
        }
        if self.is_settled(current.start) {
            return self.wait(now);
        }
        self.deal_with(current, now, maintenance)
    }

    /// Tells what came of the cycle under way; gives the cooldown that begins with it, if one does.
    ///
    /// # Panics
    /// If no cycle is under way.
    pub fn cycle_ended(&mut self, now: Now, how: CycleEnd) -> Option<CooldownBegan> {
        let slot = self.under_way.take().expect("only a cycle that was begun ends");
        self.settled(slot.start);
        self.failures = match how {
            CycleEnd::Succeeded => 0,
            CycleEnd::Failed => self.failures + 1,
            CycleEnd::Interrupted => self.failures,
        };
        let failures = self.failures;
        (how == CycleEnd::Failed && failures >= self.rules.failures_max).then(|| {
            self.failures = 0;
            self.cooldown_until = Some(now.steady + self.rules.cooldown);
            CooldownBegan { failures, lasts: self.rules.cooldown }
        })
    }

    /// Notices when the wall clock was put forward, or nothing was seen of it before.
    fn look(&mut self, now: Now) {
        let has_stepped = self.seen.is_none_or(|seen| {
            let steady = SignedDuration::try_from(now.steady.saturating_sub(seen.steady));
            let ahead = now.wall.duration_since(seen.wall) - steady.unwrap_or(SignedDuration::MAX);
            ahead > SignedDuration::try_from(STEP_TOLERANCE).unwrap_or(SignedDuration::MAX)
        });
        if has_stepped {
            self.unsure_until = now.steady + self.rules.calendar.interval();
        }
        self.seen = Some(now);
    }

    /// Settles what lies before the current slot, and closes days, as far as can be done now.
    fn settle_before(&mut self, current: Slot, now: Now) -> Option<Step> {
        let frontier = self.frontier_before(current, now);
        if frontier >= current.start {
            return None;
        }
        if let Some(date) = self.day_to_close(current) {
            self.closed = Some(date);
            return Some(Step::Close(date));
        }
        let passed = self.passed(frontier, current);
        let first = passed.first().filter(|_| now.steady >= self.unsure_until)?;
        let date = first.date();
        let slots: Vec<_> = passed.iter().copied().take_while(|slot| slot.date() == date).collect();
        slots.iter().for_each(|slot| self.settled(slot.start));
        Some(Step::Pass { slots, how: Passed::Missed })
    }

    /// The frontier; where there is none, or one from longer ago than anybody wants to read of, it begins
    /// before the first slot that is told of, with the days before that one closed.
    fn frontier_before(&mut self, current: Slot, now: Now) -> Timestamp {
        let days_ago = |days| now.wall - SignedDuration::from_hours(24 * days);
        let first = match self.frontier {
            // A day more, so that it is not cut again with every slot that goes by.
            Some(frontier) if frontier >= days_ago(DOWN_DAYS_MAX + 1) => return frontier,
            Some(_) => self.rules.calendar.slot_at(days_ago(DOWN_DAYS_MAX)),
            None => current,
        };
        let frontier = self.rules.calendar.before(first.start);
        self.closed = self.closed.max(first.date().yesterday().ok());
        self.frontier = Some(frontier.start);
        frontier.start
    }

    /// The day at whose end the frontier stands, if the current slot is past it.
    fn day_to_close(&self, current: Slot) -> Option<Date> {
        let date = self.day_that_ends_at_frontier()?;
        (date < current.date()).then_some(date)
    }

    /// The day whose last slot the frontier is, unless it is closed.
    fn day_that_ends_at_frontier(&self) -> Option<Date> {
        let frontier = self.frontier?;
        let date = self.rules.calendar.slot_at(frontier).date();
        let is_last = self.rules.calendar.next_after(frontier).date() != date;
        (is_last && self.closed.is_none_or(|closed| closed < date)).then_some(date)
    }

    /// Slots after the frontier and before the current one that are not settled, the first few.
    fn passed(&self, frontier: Timestamp, current: Slot) -> Vec<Slot> {
        let mut slots = Vec::new();
        let mut slot = self.rules.calendar.next_after(frontier);
        while slot.start < current.start && slots.len() < PASSED_MAX {
            if !self.ahead.contains(&slot.start) {
                slots.push(slot);
            }
            slot = self.rules.calendar.next_after(slot.start);
        }
        slots
    }

    fn deal_with(&mut self, slot: Slot, now: Now, maintenance: impl Fn(&Slot) -> Option<String>) -> Step {
        let why = if self.is_stopped {
            Some(Why::EmergencyStop)
        } else if self.cooldown_until.is_some() {
            Some(Why::Cooldown)
        } else {
            maintenance(&slot).map(Why::Maintenance)
        };
        if let Some(why) = why {
            self.settled(slot.start);
            return Step::Pass { slots: vec![slot], how: Passed::Skipped(why) };
        }
        self.under_way = Some(slot);
        let late_by = Duration::try_from(now.wall.duration_since(slot.start)).unwrap_or_default();
        Step::Begin { slot, late_by: (late_by > self.rules.late_tolerance).then_some(late_by) }
    }

    fn wait(&self, now: Now) -> Step {
        let slot = self.next_slot(now);
        let until = self.rules.until.map_or(slot, |until| until.min(slot));
        let after = self.rules.calendar.next_after(now.wall).start;
        let reason = if self.cooldown_until.is_some() {
            Waiting::Cooldown
        } else if after < slot {
            Waiting::ClockWentBack
        } else {
            Waiting::Slot
        };
        Step::Wait { until, reason }
    }

    /// The first slot after now that is not settled.
    fn next_slot(&self, now: Now) -> Timestamp {
        let frontier = self.frontier.unwrap_or(now.wall);
        let mut slot = self.rules.calendar.next_after(now.wall.max(frontier)).start;
        while self.ahead.contains(&slot) {
            slot = self.rules.calendar.next_after(slot).start;
        }
        slot
    }

    fn is_settled(&self, slot: Timestamp) -> bool {
        self.frontier.is_some_and(|frontier| slot <= frontier) || self.ahead.contains(&slot)
    }

    /// Notes that a slot is settled.
    fn settled(&mut self, slot: Timestamp) {
        self.ahead.insert(slot);
        self.move_frontier();
    }

    /// Moves the frontier as far as all slots are settled, but not past a day that is still to be closed.
    fn move_frontier(&mut self) {
        while let Some(frontier) = self.frontier
            && self.day_that_ends_at_frontier().is_none()
        {
            let next = self.rules.calendar.next_after(frontier).start;
            if !self.ahead.contains(&next) {
                break;
            }
            self.frontier = Some(next);
            // With it go slots of a calendar that no longer holds.
            self.ahead = self.ahead.split_off(&next);
            self.ahead.remove(&next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan as _;
    use jiff::tz::TimeZone;
    use std::collections::BTreeMap;

    /// How a slot was settled.
    #[derive(Clone, Debug, PartialEq, Eq)]
    enum Settled {
        Done,
        Late,
        Missed,
        Skipped(String),
    }

    /// Carries out steps in simulated time, and holds that no slot is settled twice.
    struct Stage {
        conductor: Conductor,
        now: Now,
        slots: BTreeMap<Timestamp, Settled>,
        closed: Vec<Date>,
        resumed: usize,
        /// How long a cycle takes.
        cycle: Duration,
        /// How cycles end.
        ends: CycleEnd,
        maintenance: Option<&'static str>,
        has_ended: bool,
        waiting: Option<Waiting>,
    }

    fn instant(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn rules() -> Rules {
        Rules {
            calendar: Calendar::new(TimeZone::UTC, 900),
            late_tolerance: Duration::from_secs(5),
            failures_max: 5,
            cooldown: Duration::from_secs(600),
            until: None,
        }
    }

    impl Stage {
        fn new(rules: Rules, start: &str) -> Self {
            Self::after(rules, Past::default(), instant(start))
        }

        fn after(rules: Rules, past: Past, start: Timestamp) -> Self {
            Self {
                conductor: Conductor::new(rules, past),
                now: Now { wall: start, steady: Duration::from_secs(1_000) },
                slots: BTreeMap::new(),
                closed: Vec::new(),
                resumed: 0,
                cycle: Duration::from_secs(30),
                ends: CycleEnd::Succeeded,
                maintenance: None,
                has_ended: false,
                waiting: None,
            }
        }

        fn pass_time(&mut self, time: Duration) {
            self.now.wall += time;
            self.now.steady += time;
        }

        /// Puts the wall clock forward, or back.
        fn step(&mut self, seconds: i64) {
            self.now.wall += SignedDuration::from_secs(seconds);
        }

        fn settle(&mut self, slot: Timestamp, how: Settled) {
            let before = self.slots.insert(slot, how);
            assert_eq!(before, None, "{slot} was settled twice");
        }

        /// Lives for a while of steady time.
        fn live(&mut self, time: Duration) {
            let end = self.now.steady + time;
            while !self.has_ended && self.now.steady < end {
                self.take_step(end);
            }
        }

        fn take_step(&mut self, end: Duration) {
            let maintenance = self.maintenance;
            match self.conductor.next(self.now, |_| maintenance.map(str::to_owned)) {
                Step::Pass { slots, how } => {
                    let how = match how {
                        Passed::Missed => Settled::Missed,
                        Passed::Skipped(why) => Settled::Skipped(why.to_string()),
                    };
                    slots.iter().for_each(|slot| self.settle(slot.start, how.clone()));
                }
                Step::Begin { slot, late_by } => {
                    self.settle(slot.start, if late_by.is_some() { Settled::Late } else { Settled::Done });
                    self.pass_time(self.cycle);
                    self.conductor.cycle_ended(self.now, self.ends);
                }
                Step::Close(date) => self.closed.push(date),
                Step::Resume => self.resumed += 1,
                Step::Wait { until, reason } => {
                    self.waiting = Some(reason);
                    // As the daemon does, which looks at the clock now and then.
                    let wait = Duration::try_from(until.duration_since(self.now.wall)).unwrap_or_default();
                    let left = end.saturating_sub(self.now.steady).max(Duration::from_millis(1));
                    self.pass_time(wait.min(left).clamp(Duration::from_millis(1), Duration::from_secs(5)));
                }
                Step::End => self.has_ended = true,
            }
        }

        fn count(&self, how: &Settled) -> usize {
            self.slots.values().filter(|settled| *settled == how).count()
        }
    }

    const HOUR: Duration = Duration::from_secs(3_600);
    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn a_day_has_its_cycles_and_is_closed_after_them() {
        let mut stage = Stage::new(rules(), "2026-03-02T00:00:00Z");
        stage.live(DAY + HOUR);
        assert_eq!((stage.slots.len(), stage.count(&Settled::Done)), (100, 100));
        assert_eq!(stage.closed, ["2026-03-02".parse().expect("a date")]);
    }

    #[test]
    fn a_daemon_that_comes_within_a_slot_begins_with_that_one_late() {
        let mut stage = Stage::new(rules(), "2026-03-02T10:07:00Z");
        stage.live(HOUR);
        assert_eq!(stage.slots.get(&instant("2026-03-02T10:00:00Z")), Some(&Settled::Late));
        assert_eq!((stage.slots.len(), stage.count(&Settled::Missed)), (5, 0));
    }

    #[test]
    fn slots_that_a_long_cycle_passes_over_are_missed() {
        let mut stage = Stage::new(rules(), "2026-03-02T10:00:00Z");
        stage.live(HOUR);
        stage.cycle = Duration::from_secs(40 * 60);
        stage.live(Duration::from_secs(60));
        stage.cycle = Duration::from_secs(30);
        stage.live(HOUR);
        let missed: Vec<_> = stage.slots.iter().filter(|(_, how)| **how == Settled::Missed).collect();
        assert_eq!(missed.len(), 1, "{missed:?}");
        assert_eq!(stage.slots.get(&instant("2026-03-02T11:15:00Z")), Some(&Settled::Missed));
        assert_eq!(stage.slots.get(&instant("2026-03-02T11:30:00Z")), Some(&Settled::Late));
    }

    #[test]
    fn days_without_a_daemon_are_missed_and_closed_one_after_another() {
        let settled = [instant("2026-03-02T10:00:00Z")].into();
        let past = Past { closed: Some("2026-03-01".parse().expect("a date")), settled, failures: 0 };
        let mut stage = Stage::after(rules(), past, instant("2026-03-05T10:00:00Z"));
        stage.live(HOUR);
        let dates: Vec<Date> =
            ["2026-03-02", "2026-03-03", "2026-03-04"].map(|date| date.parse().expect("a date")).into();
        assert_eq!(stage.closed, dates);
        // Three days and ten hours, but for the one slot that the ledger has.
        assert_eq!(stage.count(&Settled::Missed), 3 * 96 + 40 - 1);
    }

    #[test]
    fn of_a_ledger_from_years_ago_only_the_last_year_is_told() {
        let past = Past { closed: Some("2020-03-01".parse().expect("a date")), ..Past::default() };
        let mut stage = Stage::after(rules(), past, instant("2026-03-05T10:00:00Z"));
        stage.live(HOUR);
        assert_eq!(stage.closed.len(), 400);
        assert_eq!(stage.count(&Settled::Missed), 400 * 96);
    }

    #[test]
    fn a_clock_that_is_stepped_settles_every_slot_once() {
        for step in [1, -1, 2, -2, 3_600, -3_600, 86_400, -86_400] {
            let mut stage = Stage::new(rules(), "2026-03-02T10:00:00Z");
            stage.live(3 * HOUR);
            stage.step(step);
            stage.live(2 * DAY);
            // From the first to the last every slot is there: settling one twice fails at once.
            let (first, last) = (stage.slots.keys().next(), stage.slots.keys().last());
            let (first, last) = (*first.expect("slots"), *last.expect("slots"));
            let span = last.duration_since(first).as_secs() / 900 + 1;
            assert_eq!(stage.slots.len(), usize::try_from(span).expect("it is small"), "{step}");
            let passed = usize::try_from((step / 900).max(0)).expect("it is small");
            let missed = stage.count(&Settled::Missed);
            assert!(missed.abs_diff(passed) <= 1, "{step}: {missed} missed");
        }
    }

    #[test]
    fn a_clock_that_is_put_forward_by_mistake_costs_nothing() {
        let mut stage = Stage::new(rules(), "2026-03-02T10:00:00Z");
        stage.live(HOUR);
        stage.step(86_400);
        stage.live(Duration::from_secs(10 * 60));
        stage.step(-86_400);
        stage.live(2 * DAY);
        assert_eq!(stage.count(&Settled::Missed), 0);
    }

    #[test]
    fn while_the_clock_shows_what_has_been_it_is_said_so() {
        let mut stage = Stage::new(rules(), "2026-03-02T10:00:00Z");
        stage.live(3 * HOUR);
        stage.step(-3_600);
        let before = stage.slots.len();
        stage.live(Duration::from_secs(30 * 60));
        assert_eq!((stage.slots.len(), stage.waiting), (before, Some(Waiting::ClockWentBack)));
        stage.live(HOUR);
        assert!(stage.slots.len() > before);
    }

    #[test]
    fn failures_in_a_row_lead_to_a_cooldown_that_ends_by_itself() {
        let cooldown = 40 * 60;
        let rules = Rules { cooldown: Duration::from_secs(cooldown), ..rules() };
        let mut stage = Stage::new(rules, "2026-03-02T10:00:00Z");
        stage.ends = CycleEnd::Failed;
        stage.live(Duration::from_secs(61 * 60));
        assert_eq!(stage.conductor.failures(), 0);
        assert!(stage.conductor.cooldown_until().is_some());
        assert_eq!(stage.waiting, Some(Waiting::Cooldown));
        stage.ends = CycleEnd::Succeeded;
        stage.live(2 * HOUR);
        assert_eq!(stage.count(&Settled::Skipped("cooldown".to_owned())), 2);
        assert_eq!((stage.resumed, stage.conductor.cooldown_until()), (1, None));
    }

    #[test]
    fn a_success_starts_the_count_of_failures_anew() {
        let mut stage = Stage::new(rules(), "2026-03-02T10:00:00Z");
        for _ in 0..3 {
            stage.ends = CycleEnd::Failed;
            stage.live(HOUR);
            stage.ends = CycleEnd::Succeeded;
            stage.live(Duration::from_secs(15 * 60));
        }
        assert_eq!((stage.count(&Settled::Skipped("cooldown".to_owned())), stage.resumed), (0, 0));
    }

    #[test]
    fn an_interrupted_cycle_tells_nothing_of_failures() {
        let mut stage = Stage::new(rules(), "2026-03-02T10:00:00Z");
        stage.ends = CycleEnd::Failed;
        stage.live(Duration::from_secs(50 * 60));
        assert_eq!(stage.conductor.failures(), 4);
        stage.ends = CycleEnd::Interrupted;
        stage.live(Duration::from_secs(15 * 60));
        assert_eq!((stage.conductor.failures(), stage.conductor.cooldown_until()), (4, None));
        stage.ends = CycleEnd::Failed;
        stage.live(Duration::from_secs(15 * 60));
        assert!(stage.conductor.cooldown_until().is_some());
    }

    #[test]
    fn failures_that_led_to_a_cooldown_before_a_restart_count_no_more() {
        for (failures, left) in [(4, 4), (5, 0), (7, 2)] {
            let conductor = Conductor::new(rules(), Past { failures, ..Past::default() });
            assert_eq!(conductor.failures(), left, "of {failures}");
        }
    }

    #[test]
    fn failures_before_a_restart_count() {
        let past = Past { failures: 4, ..Past::default() };
        let mut stage = Stage::after(rules(), past, instant("2026-03-02T10:00:00Z"));
        stage.ends = CycleEnd::Failed;
        stage.live(Duration::from_secs(60));
        assert!(stage.conductor.cooldown_until().is_some());
    }

    #[test]
    fn slots_are_skipped_while_the_emergency_stop_or_a_maintenance_window_lasts() {
        let mut stage = Stage::new(rules(), "2026-03-02T10:00:00Z");
        stage.conductor.stop_in_emergency(true);
        stage.live(HOUR);
        stage.conductor.stop_in_emergency(false);
        stage.maintenance = Some("patches");
        stage.live(HOUR);
        stage.maintenance = None;
        stage.live(HOUR);
        assert_eq!(stage.count(&Settled::Skipped("emergency stop".to_owned())), 4);
        assert_eq!(stage.count(&Settled::Skipped("maintenance: patches".to_owned())), 4);
        assert_eq!(stage.count(&Settled::Done), 4);
    }

    #[test]
    fn a_planned_end_ends_it_at_its_instant() {
        let until = instant("2026-03-02T11:07:30Z");
        let rules = Rules { until: Some(until), ..rules() };
        let mut stage = Stage::new(rules, "2026-03-02T10:00:00Z");
        stage.live(DAY);
        assert_eq!((stage.has_ended, stage.now.wall, stage.slots.len()), (true, until, 5));
    }

    #[test]
    fn another_interval_goes_on_from_the_last_slot() {
        let mut stage = Stage::new(rules(), "2026-03-02T10:00:00Z");
        stage.live(Duration::from_secs(10 * 60));
        stage.conductor.follow(Rules { calendar: Calendar::new(TimeZone::UTC, 120), ..rules() });
        stage.live(HOUR);
        // 10:00, then every two minutes: from 10:02, of which those before 10:10 are passed over.
        assert_eq!(stage.slots.len(), 1 + 34, "{:?}", stage.slots);
        assert_eq!(stage.count(&Settled::Missed), 4);
    }

    #[test]
    fn while_a_cycle_is_under_way_nothing_else_begins() {
        let mut conductor = Conductor::new(rules(), Past::default());
        let wall = instant("2026-03-02T10:00:00Z");
        let now = Now { wall, steady: Duration::ZERO };
        assert!(matches!(conductor.next(now, |_| None), Step::Begin { late_by: None, .. }));
        let later = Now { wall: instant("2026-03-02T10:20:00Z"), steady: Duration::from_secs(1_200) };
        assert!(matches!(conductor.next(later, |_| None), Step::Wait { reason: Waiting::Cycle, .. }));
    }

    /// A number below a bound, of a sequence that its seed decides.
    fn dice(seed: &mut u64, below: u64) -> u64 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % below
    }

    impl Stage {
        /// Ends the daemon and starts another one, which knows what the ledger knows.
        fn restart(self, down: Duration) -> Self {
            let closed = self.closed.last().copied();
            let is_of_open_day =
                |slot: &&Timestamp| closed.is_none_or(|closed| slot.to_zoned(TimeZone::UTC).date() > closed);
            let settled = self.slots.keys().filter(is_of_open_day).copied().collect();
            let past = Past { closed, settled, failures: self.conductor.failures() };
            let conductor = Conductor::new(rules(), past);
            let mut next = Self { conductor, ..self };
            next.pass_time(down);
            next
        }
    }

    #[test]
    fn whatever_the_clock_and_the_daemon_do_every_slot_is_settled_once() {
        for seed in 0..60 {
            let mut chance = seed;
            let mut stage = Stage::new(rules(), "2026-03-02T10:00:00Z");
            for _ in 0..40 {
                stage.live(Duration::from_secs(dice(&mut chance, 6 * 3_600)));
                let sign = if dice(&mut chance, 2) == 0 { 1 } else { -1 };
                let step =
                    [1, 90, 3_600, 86_400][usize::try_from(dice(&mut chance, 4)).expect("it is small")];
                match dice(&mut chance, 5) {
                    0 => stage.step(sign * step),
                    1 => stage = stage.restart(Duration::from_secs(dice(&mut chance, 7_200))),
                    2 => stage.cycle = Duration::from_secs(dice(&mut chance, 3_600)),
                    3 => {
                        let ends = [CycleEnd::Succeeded, CycleEnd::Failed, CycleEnd::Interrupted];
                        stage.ends = ends[usize::try_from(dice(&mut chance, 3)).expect("it is small")];
                    }
                    _ => stage.conductor.stop_in_emergency(dice(&mut chance, 2) == 0),
                }
            }
            // Until the wall is past all that it has ever shown, and nothing is in doubt.
            stage.cycle = Duration::from_secs(30);
            let last = *stage.slots.keys().last().expect("slots");
            while stage.now.wall < last + SignedDuration::from_hours(25) {
                stage.live(HOUR);
            }
            let (first, last) = (stage.slots.keys().next(), stage.slots.keys().last());
            let span = last.expect("slots").duration_since(*first.expect("slots")).as_secs() / 900 + 1;
            assert_eq!(stage.slots.len(), usize::try_from(span).expect("it is small"), "seed {seed}");
            let dates: Vec<_> = stage
                .closed
                .first()
                .into_iter()
                .flat_map(|date| date.series(1.day()))
                .take(stage.closed.len())
                .collect();
            assert_eq!(stage.closed, dates, "seed {seed}: each day is closed, in order");
        }
    }
}
