//! The book: what the conductor decides, written down.
//!
//! It plans days, gives cycles their orders, and keeps the ledger. It is a plain value and blocks; the daemon
//! has a clerk who owns it, a rehearsal has it in hand. Both live through days by the same code.

use crate::ledger::{DayPlanned, DayTotals, Ending, Ledger, LedgerError, Unsent};
use crate::send::Row;
use days::calendar::{Calendar, Slot};
use days::conductor::{Passed, Past, Rules};
use days::config::Config;
use days::config::settings::Pacing;
use days::order::{ByKind, Order};
use days::pace::DayPlan;
use days::profile::Range;
use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// A configuration, with what follows from it.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What it says.
    pub config: Config,
    /// Where slots are.
    pub calendar: Calendar,
    /// The zone's name.
    pub zone: String,
    /// When the daemon ends for good.
    pub until: Option<Timestamp>,
}

impl Setup {
    /// What follows from a configuration. `None` where the machine does not know the time zone.
    pub fn of(config: Config) -> Option<Self> {
        let zone = zone_of(&config.settings.time_zone)?;
        let name = zone.iana_name().unwrap_or("system").to_owned();
        let until = config.until.map(|wall| first_instant(&zone, wall));
        let calendar = Calendar::new(zone, config.settings.interval_seconds());
        Some(Self { config, calendar, zone: name, until })
    }

    /// The conductor's rules.
    pub fn rules(&self) -> Rules {
        let settings = &self.config.settings;
        Rules {
            calendar: self.calendar.clone(),
            late_tolerance: self.late_tolerance(),
            failures_max: settings.error_handling.max_consecutive_failures,
            cooldown: Duration::from_secs(u64::from(settings.error_handling.failure_cooldown_minutes) * 60),
            until: self.until,
        }
    }

    /// From which delay on sends and cycles are late.
    pub fn late_tolerance(&self) -> Duration {
        Duration::from_secs_f64(self.config.settings.late_tolerance_seconds)
    }

    /// The maintenance window in which a slot is.
    pub fn maintenance(&self, slot: &Slot) -> Option<String> {
        match self.config.holding_at(slot.wall).reason {
            days::schedule::Reason::Maintenance(window) => Some(window.to_owned()),
            _ => None,
        }
    }
}

/// The zone of a name: the machine's data where it has any, and the program's own elsewhere.
fn zone_of(name: &str) -> Option<TimeZone> {
    if name == "system" { TimeZone::try_system().ok() } else { TimeZone::get(name).ok() }
}

/// The first instant at which a zone's clock shows a time, or has gone past it.
fn first_instant(zone: &TimeZone, wall: jiff::civil::DateTime) -> Timestamp {
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    let offset = match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { offset } => offset,
        AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => before,
    };
    offset.to_timestamp(wall).unwrap_or(Timestamp::MAX)
}

/// A cycle that has begun.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Its number, for as long as the ledger lives.
    pub number: u64,
    /// What it is to send.
    pub order: Order,
    /// What was made today before it.
    pub made: ByKind<u64>,
    /// How many of each kind today is to have; `None` where profiles alone decide.
    pub quota: Option<ByKind<u64>>,
    /// How many today may still come to, this cycle included.
    pub reach: ByKind<Range<u64>>,
}

impl Begun {
    /// The kinds whose quota cannot be met any longer, whatever is done.
    pub fn is_out_of_reach(&self) -> bool {
        self.quota.is_some_and(|quota| {
            days::order::Kind::ALL.iter().any(|kind| {
                let (quota, reach) = (*quota.get(*kind), self.reach.get(*kind));
                // A hundredth is what the target promises.
                quota > reach.max + quota / 100 || quota + quota / 100 < reach.min
            })
        })
    }
}

/// The book.
#[derive(Debug)]
pub struct Book {
    ledger: Ledger,
    setup: Arc<Setup>,
    /// The plan of the day that was dealt with last.
    plan: Option<DayPlan>,
}

impl Book {
    /// Opens the book of a ledger.
    pub fn of(ledger: Ledger, setup: Arc<Setup>) -> Self {
        Self { ledger, setup, plan: None }
    }

    /// Goes on by another configuration.
    pub fn follow(&mut self, setup: Arc<Setup>) {
        self.setup = setup;
        self.plan = None;
    }

    /// What has been done, for the conductor.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn past(&self) -> Result<Past, LedgerError> {
        self.ledger.past()
    }

    /// Ends what a daemon that was killed has left under way: gives those slots.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn recover(&mut self, at: Timestamp) -> Result<Vec<Timestamp>, LedgerError> {
        self.ledger.recover(at)
    }

    /// Plans the day on which an instant is.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn plan_day(&mut self, at: Timestamp) -> Result<&DayPlan, LedgerError> {
        self.planned(self.setup.calendar.date_of(at))
    }

    /// Settles slots without a cycle, all of one day.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn pass(&mut self, slots: &[Slot], how: &Passed, at: Timestamp) -> Result<(), LedgerError> {
        if let Some(slot) = slots.first() {
            self.planned(slot.date())?;
        }
        self.ledger.pass(slots, how, at)
    }

    /// Begins the cycle of a slot.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn begin(
        &mut self,
        slot: &Slot,
        late_by: Option<Duration>,
        at: Timestamp,
    ) -> Result<Begun, LedgerError> {
        let made = self.ledger.made(slot.date())?;
        let plan = self.planned(slot.date())?;
        let (order, quota, reach) = (plan.order(slot, made), plan.quota, plan.reach(slot, made));
        let number = self.ledger.begin(slot, &order, at, late_by)?;
        Ok(Begun { number, order, made, quota, reach })
    }

    /// Writes down sends that have ended.
    ///
    /// # Errors
    /// If they cannot be written; then none is.
    pub fn append(&mut self, rows: &[Row]) -> Result<(), LedgerError> {
        self.ledger.append(rows)
    }

    /// Ends the cycle of a slot.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn end(&mut self, slot: Timestamp, ending: &Ending, unsent: &[Unsent]) -> Result<(), LedgerError> {
        self.ledger.end(slot, ending, unsent)
    }

    /// Closes a day: gives what it came to. `None` where nothing is known of it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn close(&mut self, date: Date, at: Timestamp) -> Result<Option<DayTotals>, LedgerError> {
        self.ledger.close_day(date, at)?;
        self.ledger.day(date)
    }

    /// A day, as far as it has come. `None` where nothing is known of it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn day(&self, date: Date) -> Result<Option<DayTotals>, LedgerError> {
        self.ledger.day(date)
    }

    /// The plan of a day, which is written down when it is first asked for.
    fn planned(&mut self, date: Date) -> Result<&DayPlan, LedgerError> {
        if self.plan.as_ref().is_none_or(|plan| plan.date != date) {
            let plan = DayPlan::of(&self.setup.config, &self.setup.calendar, date, None);
            self.ledger.open_day(&DayPlanned {
                date,
                zone: self.setup.zone.clone(),
                pacing: match plan.pacing {
                    Pacing::Target => "target".to_owned(),
                    Pacing::Profile => "profile".to_owned(),
                },
                target: plan.target,
                quota: plan.quota,
                slots: plan.slots.iter().map(|(slot, _)| *slot).collect(),
            })?;
            self.plan = Some(plan);
        }
        Ok(self.plan.as_ref().expect("it was planned above"))
    }
}

/// The instant of a cycle by hand: no slot has it, for slots are at whole seconds.
pub fn by_hand(calendar: &Calendar, at: Timestamp) -> Slot {
    let at = if at.subsec_nanosecond() == 0 { at + SignedDuration::from_micros(1) } else { at };
    Slot { start: at, wall: calendar.zone().to_datetime(at), number: 0 }
}
