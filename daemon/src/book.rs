//! The book: what the conductor decides, written down.
//!
//! It plans days, gives cycles their orders, and keeps the ledger. It is a plain value and blocks; the daemon
//! has a clerk who owns it, a rehearsal has it in hand. Both live through days by the same code.

use crate::csv::Csv;
use crate::ledger::{DayPlanned, DayTotals, Ending, ForecastRow, Ledger, LedgerError, Unsent};
use crate::send::Row;
use crate::summaries;
use days::calendar::{Calendar, Slot};
use days::conductor::{Passed, Past, Rules};
use days::config::Config;
use days::config::settings::Pacing;
use days::order::{ByKind, Kind, Order};
use days::pace::DayPlan;
use days::profile::Range;
use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;

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
    /// The kinds whose quota cannot be met any longer, whatever is done: with it, and with what is possible.
    pub fn out_of_reach(&self) -> impl Iterator<Item = (Kind, u64, Range<u64>)> {
        let kinds = self.quota.into_iter().flat_map(|quota| Kind::ALL.map(|kind| (kind, *quota.get(kind))));
        let kinds = kinds.map(|(kind, quota)| (kind, quota, *self.reach.get(kind)));
        // A hundredth is what the target promises.
        kinds.filter(|(_, quota, reach)| *quota > reach.max + quota / 100 || quota + quota / 100 < reach.min)
    }
}

/// Files that are drawn from the ledger. They follow it: what cannot be written to them now is made up for the
/// next time, and keeps nobody from going on.
#[derive(Debug)]
pub struct Views {
    csvs: Vec<Csv>,
    summaries: PathBuf,
}

impl Views {
    /// The CSVs and the summaries of a configuration, in a base directory.
    pub fn of(setup: &Setup, base: &Path) -> Self {
        let output = &setup.config.settings.output;
        let csv = |kind: Kind| {
            let name = match kind {
                Kind::Operations => &output.operations_csv,
                Kind::Guardrails => &output.guardrails_csv,
            };
            Csv::new(kind, base.join(name))
        };
        Self { csvs: Kind::ALL.map(csv).into(), summaries: base.join(&output.daily_summary_dir) }
    }

    /// Summaries alone, in a directory.
    pub fn summaries(directory: &Path) -> Self {
        Self { csvs: Vec::new(), summaries: directory.to_owned() }
    }

    fn catch_up(&mut self, ledger: &mut Ledger) {
        for csv in &mut self.csvs {
            if let Err(error) = csv.catch_up(ledger) {
                let hint = error.hint().map(|hint| format!(": {hint}")).unwrap_or_default();
                warn!("{error}{hint}");
            }
        }
    }

    fn sum_up(&self, ledger: &Ledger, date: Date) {
        if let Err(error) = summaries::write(ledger, &self.summaries, date) {
            warn!("{error}");
        }
    }
}

/// The book.
#[derive(Debug)]
pub struct Book {
    ledger: Ledger,
    views: Option<Views>,
    setup: Arc<Setup>,
    /// The plan of the day that was dealt with last.
    plan: Option<DayPlan>,
    /// The day that was written down last.
    opened: Option<Date>,
}

impl Book {
    /// Opens the book of a ledger. Its views are brought up to date.
    pub fn of(mut ledger: Ledger, setup: Arc<Setup>, mut views: Option<Views>) -> Self {
        if let Some(views) = &mut views {
            views.catch_up(&mut ledger);
        }
        Self { ledger, views, setup, plan: None, opened: None }
    }

    /// Goes on by another configuration.
    pub fn follow(&mut self, setup: Arc<Setup>) {
        self.setup = setup;
        self.plan = None;
        self.opened = None;
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
        let slots = self.ledger.recover(at)?;
        slots.iter().for_each(|slot| self.sum_up(self.setup.calendar.date_of(*slot)));
        Ok(slots)
    }

    /// Settles slots without a cycle, all of one day.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn pass(&mut self, slots: &[Slot], how: &Passed, at: Timestamp) -> Result<(), LedgerError> {
        if let Some(slot) = slots.first() {
            self.open(slot)?;
        }
        self.ledger.pass(slots, how, at)?;
        if let Some(slot) = slots.first() {
            self.sum_up(slot.date());
        }
        Ok(())
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
        self.open(slot)?;
        let plan = self.plan_of(slot.date())?;
        let (order, quota, reach) = (plan.order(slot, made), plan.quota, plan.reach(slot, made));
        let number = self.ledger.begin(slot, &order, at, late_by)?;
        Ok(Begun { number, order, made, quota, reach })
    }

    /// Writes down sends that have ended.
    ///
    /// # Errors
    /// If they cannot be written; then none is.
    pub fn append(&mut self, rows: &[Row]) -> Result<(), LedgerError> {
        self.ledger.append(rows)?;
        if let Some(views) = &mut self.views {
            views.catch_up(&mut self.ledger);
        }
        Ok(())
    }

    /// Ends the cycle of a slot.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn end(&mut self, slot: Timestamp, ending: &Ending, unsent: &[Unsent]) -> Result<(), LedgerError> {
        self.ledger.end(slot, ending, unsent)?;
        self.sum_up(self.setup.calendar.date_of(slot));
        Ok(())
    }

    /// Writes the summary of a day anew.
    pub fn sum_up(&self, date: Date) {
        if let Some(views) = &self.views {
            views.sum_up(&self.ledger, date);
        }
    }

    /// Forgets sends that are older than an instant, so many at the most; gives how many these were.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn forget(&mut self, before: Timestamp, most: u32) -> Result<usize, LedgerError> {
        self.ledger.forget(before, most)
    }

    /// Closes a day: gives what it came to. `None` where nothing is known of it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn close(&mut self, date: Date, at: Timestamp) -> Result<Option<DayTotals>, LedgerError> {
        self.ledger.close_day(date, at)?;
        self.sum_up(date);
        let totals = self.ledger.day(date)?;
        if let Some(totals) = &totals {
            let made = Kind::ALL.iter().map(|kind| totals.accounts.get(*kind).made()).sum();
            self.ledger.score_forecasts(date, made)?;
        }
        Ok(totals)
    }

    /// What was made in a time; `None` where no daemon dealt with a slot of it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn made_in(&self, from: Timestamp, to: Timestamp) -> Result<Option<u64>, LedgerError> {
        self.ledger.made_in(from, to)
    }

    /// Publishes a forecast: the day that it is about is planned by it, unless it has begun.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn publish(&mut self, forecast: &ForecastRow) -> Result<(), LedgerError> {
        self.ledger.note_forecast(forecast)
    }

    /// The last forecast that was made or tried.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn last_forecast(&self) -> Result<Option<ForecastRow>, LedgerError> {
        self.ledger.last_forecast()
    }

    /// A day, as far as it has come. `None` where nothing is known of it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn day(&self, date: Date) -> Result<Option<DayTotals>, LedgerError> {
        self.ledger.day(date)
    }

    /// Writes down the day of a slot, when it is the first of its day that is dealt with. What lies before it
    /// is not planned any more; a cycle by hand plans no slots.
    fn open(&mut self, slot: &Slot) -> Result<(), LedgerError> {
        let is_by_hand = slot.number == 0;
        let is_open = self.opened == Some(slot.date());
        if is_open || is_by_hand && self.ledger.day(slot.date())?.is_some() {
            return Ok(());
        }
        let zone = self.setup.zone.clone();
        let plan = self.plan_of(slot.date())?;
        let is_left = |planned: &Slot| !is_by_hand && planned.start >= slot.start;
        let day = DayPlanned {
            date: plan.date,
            zone,
            pacing: match plan.pacing {
                Pacing::Target => "target".to_owned(),
                Pacing::Profile => "profile".to_owned(),
            },
            target: plan.target,
            quota: plan.quota,
            slots: plan.slots.iter().map(|(planned, _)| *planned).filter(is_left).collect(),
        };
        self.ledger.open_day(&day)?;
        self.opened = Some(slot.date()).filter(|_| !is_by_hand);
        Ok(())
    }

    /// The plan of a day: by what was predicted of it before it began, if anything was.
    ///
    /// # Errors
    /// If that cannot be read.
    pub fn plan_of(&mut self, date: Date) -> Result<&DayPlan, LedgerError> {
        let plan = match self.plan.take().filter(|plan| plan.date == date) {
            Some(plan) => plan,
            None => {
                let said = self.ledger.forecast_of(date)?.and_then(|forecast| forecast.prediction);
                let said = said.filter(|_| self.setup.config.settings.forecast.enabled);
                let requests = said.map(|requests| requests.round().max(0.0) as u64);
                DayPlan::of(&self.setup.config, &self.setup.calendar, date, requests)
            }
        };
        Ok(self.plan.insert(plan))
    }
}

/// The instant of a cycle by hand: no slot has it, for slots are at whole seconds. The ledger has instants to the
/// microsecond, and so has this.
pub fn by_hand(calendar: &Calendar, at: Timestamp) -> Slot {
    let is_whole = at.subsec_nanosecond() / 1_000 == 0;
    let at = if is_whole { at + SignedDuration::from_micros(1) } else { at };
    Slot { start: at, wall: calendar.zone().to_datetime(at), number: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    #[test]
    fn no_cycle_by_hand_has_the_instant_of_a_slot_as_the_ledger_knows_it() {
        let calendar = Calendar::new(TimeZone::UTC, 60);
        let minute: Timestamp = "2026-03-28T00:20:00Z".parse().expect("an instant");
        for nanoseconds in [0, 1, 999, 1_000, 500_000_000] {
            let at = by_hand(&calendar, minute + SignedDuration::from_nanos(nanoseconds)).start;
            assert_ne!(at.as_microsecond(), minute.as_microsecond(), "{nanoseconds} ns");
        }
    }
}
