//! What happened in a run, round by round, as reports tell it.
//!
//! A [`Chronicle`] takes the records of a journal in their order: those of a run that goes on, or the lines of
//! one that was recorded. Both come to the same, so reports can be made again from a recording.
//!
//! Its memory has a bound that neither the rounds nor the faults of a run can move. Rounds are gathered in
//! [`stretch`]es that grow with the run, servers keep a count for each stretch in which they were in trouble,
//! and of faults and of single rounds the worst are kept, [`FAULTS_KEPT`] and [`PAGES_KEPT`] of them. What a run
//! came to as a whole stands in its [`RunResult`](crate::result::RunResult), and is not counted twice.

mod act;
mod alert;
mod claim;
mod fault;
mod page;
mod server;
mod stretch;
mod worst;

pub(crate) use act::Acts;
pub(crate) use alert::Alerts;
pub(crate) use claim::{Claims, Truth};
pub(crate) use fault::{Faults, Life};
pub(crate) use page::{Moment, Page, Sort};
pub(crate) use server::{Server, Servers};
pub(crate) use stretch::{Stretch, Stretches};
pub(crate) use worst::Worst;

use worlds::journal::Record;
use worlds::outcome::Requests;

/// Faults of which the life is kept: more than anybody reads, and a few kilobytes.
pub(crate) const FAULTS_KEPT: usize = 500;

/// Rounds that are kept with what happened in them: all of a drill, the worst of a long run.
pub(crate) const PAGES_KEPT: usize = 120;

/// What happened in a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chronicle {
    /// All rounds, gathered.
    pub stretches: Stretches,
    /// The servers, in the order of the world file.
    pub servers: Servers,
    /// The faults.
    pub faults: Faults,
    /// The alerts.
    pub alerts: Alerts,
    /// The actions.
    pub acts: Acts,
    /// The diagnoses.
    pub claims: Claims,
    /// Rounds with what happened in them: the worst, by requests that failed.
    pub pages: Worst<Page>,
    /// Simulated minutes of the whole run.
    pub simulated_minutes: f64,
    /// The round so far.
    page: Page,
}

impl Chronicle {
    /// Nothing happened yet.
    pub(crate) fn new() -> Self {
        Self {
            stretches: Stretches::default(),
            servers: Servers::default(),
            faults: Faults::default(),
            alerts: Alerts::default(),
            acts: Acts::default(),
            claims: Claims::default(),
            pages: Worst::of(PAGES_KEPT),
            simulated_minutes: 0.0,
            page: Page::default(),
        }
    }

    /// Takes the next record in.
    pub(crate) fn take(&mut self, record: &Record) {
        match record {
            Record::RoundOpened { round, .. } => self.page = Page::of(*round),
            Record::Server { .. } => self.servers.take(record, self.stretches.position_of_next()),
            Record::RoundClosed { total, good, .. } => {
                self.close(Requests { total: *total, good: *good });
            }
            Record::RunEnded { simulated_minutes, .. } => {
                self.simulated_minutes = *simulated_minutes;
            }
            _ => self.note(record),
        }
    }

    /// What happens within a round: the page has it first, for it tells what held until then.
    fn note(&mut self, record: &Record) {
        let truth = claim::truth(record, &self.faults);
        self.page.note(record, truth.as_ref());
        self.claims.take(record, truth);
        self.acts.take(record, &self.faults);
        self.alerts.take(record);
        self.faults.take(record);
    }

    fn close(&mut self, requests: Requests) {
        let mut page = std::mem::take(&mut self.page);
        page.requests = requests;
        let failed = requests.total - requests.good;
        self.faults.bear(failed);
        let (slowest_ms, middle_ms) = self.servers.latencies();
        self.stretches.add(Stretch {
            first_round: page.round,
            rounds: 1,
            requests,
            worst_pct: requests.availability_pct(),
            slowest_ms,
            middle_ms,
            alerts_open: self.alerts.open(),
            critical_open: self.alerts.critical(),
            succeeded: self.acts.take_succeeded(),
            failed: self.acts.take_failed(),
            faults: self.faults.in_force(),
        });
        if self.stretches.were_halved() {
            self.servers.halve();
        }
        if page.tells_something() {
            self.pages.offer(failed, page.round, page);
        }
    }

    /// Simulated seconds of a round; `None` when none was played.
    pub(crate) fn round_seconds(&self) -> Option<f64> {
        let rounds = self.stretches.rounds();
        (rounds > 0).then(|| self.simulated_minutes * 60.0 / f64::from(rounds))
    }
}
