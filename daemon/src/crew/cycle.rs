//! A cycle: validate, prepare, send, judge, record.
//!
//! Each stage has its own boundary (`stage`). Sending, judging and recording go on side by side: what has ended
//! is judged and written down while the rest is sent, a bunch at a time. When the ledger takes no more, no more
//! is sent: there is nothing that was sent and is not written down but what was under way.

use super::clerk::{Clerk, Gone};
use super::materials::Materials;
use super::stage::{self, Stage, StageError};
use crate::book::{Begun, Setup};
use crate::clock::Clock;
use crate::ledger::{Ending, LedgerError, Unsent};
use crate::send::Row;
use crate::sender::{self, Brake, Plan, Pull};
use crate::subjects::Subjects;
use crate::suite::Watch;
use crate::target::{Complaint, Target};
use days::account::{Account, Fate};
use days::calendar::Slot;
use days::conductor::CycleEnd;
use days::guardrail::{Tally, Verdict, Vigil};
use days::order::{Batch, ByKind, Kind};
use days::slot_state::SlotState;
use jiff::Timestamp;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tracing::{error, info, warn};

/// For looking at the target, at files and at what they hold.
const VALIDATE_TIME: Duration = Duration::from_secs(30);

/// For making up what is asked.
const PREPARE_TIME: Duration = Duration::from_secs(30);

/// For ending what was sent and writing it down, after the time for sending is over.
const RECORD_TIME: Duration = Duration::from_secs(60);

/// Rows that wait to be written, and rows of one bunch.
const ROWS_WAITING: usize = 8 * 1024;
const BUNCH_MAX: usize = 2 * 1024;

/// The longest that a row waits for others to be written with.
const BUNCH_TIME: Duration = Duration::from_millis(100);

/// What all cycles have in common.
pub struct Kit<T> {
    /// What is asked.
    pub target: Arc<T>,
    /// Whom the target has of its own to be asked; without any they are read from their file.
    pub subjects: Option<Subjects>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Who writes down.
    pub clerk: Clerk,
}

impl<T> Clone for Kit<T> {
    fn clone(&self) -> Self {
        Self {
            target: Arc::clone(&self.target),
            subjects: self.subjects.clone(),
            clock: Arc::clone(&self.clock),
            clerk: self.clerk.clone(),
        }
    }
}

/// A cycle that is to be carried out.
pub struct Cycle<T> {
    /// What all have in common.
    pub kit: Kit<T>,
    /// The configuration by which it was begun.
    pub setup: Arc<Setup>,
    /// Its slot.
    pub slot: Slot,
    /// Whether it began late.
    pub is_late: bool,
    /// What the book says of it.
    pub begun: Begun,
    /// What ends it before its time.
    pub brake: Brake,
}

/// What came of a cycle.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its number.
    pub number: u64,
    /// Its slot.
    pub slot: Slot,
    /// How its slot was settled.
    pub state: SlotState,
    /// When it ended.
    pub ended: Timestamp,
    /// What became of its planned sends.
    pub accounts: ByKind<Account>,
    /// What its guardrail tests came to.
    pub tally: Tally,
    /// The judges of its suites.
    pub vigil: Option<Vigil>,
    /// What went wrong, with what mends it where that is known.
    pub error: Option<StageError>,
    /// How the end of the cycle could not be written down.
    pub unwritten: Option<String>,
}

impl Report {
    /// Of a cycle that came to an end by a bug, of which nobody knows more than the ledger.
    pub(super) fn broken(number: u64, slot: Slot, ended: Timestamp, how: &str) -> Self {
        Self {
            number,
            slot,
            state: SlotState::Failed,
            ended,
            accounts: ByKind::default(),
            tally: Tally::default(),
            vigil: None,
            error: None,
            unwritten: Some(format!("internal error: {how}")),
        }
    }

    /// Whether it counts as a failure: nothing succeeded.
    pub fn has_failed(&self) -> bool {
        self.state == SlotState::Failed
    }

    /// How it ended, for whoever counts failures.
    pub fn end(&self) -> CycleEnd {
        match self.state {
            SlotState::Failed => CycleEnd::Failed,
            SlotState::Interrupted => CycleEnd::Interrupted,
            _ => CycleEnd::Succeeded,
        }
    }

    /// Tells of it in the log.
    pub fn tell(&self) {
        for kind in Kind::ALL {
            let account = self.accounts.get(kind);
            if account.planned > 0 {
                info!(
                    "{}: {} of {} succeeded ({} sent, {} late, {} dropped, {} skipped; {} failed)",
                    kind.word(),
                    account.succeeded,
                    account.planned,
                    account.sent,
                    account.late,
                    account.dropped,
                    account.skipped,
                    account.failed
                );
            }
        }
        let tally = &self.tally;
        if tally.tests() > 0 {
            let judges = self.vigil.map_or("not asked", Vigil::word);
            let line = format!(
                "guardrails: {} blocked, {} breached, {} undetermined; judges {judges}",
                tally.blocked, tally.breached, tally.undetermined
            );
            if tally.breached > 0 { warn!("{line}") } else { info!("{line}") }
        }
        match (&self.error, self.state.word()) {
            (Some(error), state) => error!("cycle {} {state}: {error}", self.number),
            (None, "failed") => error!("cycle {} failed: nothing succeeded", self.number),
            (None, state) => info!("cycle {} {state}", self.number),
        }
    }
}

/// What is wrong before anything is sent, with what mends it.
#[derive(Debug, thiserror::Error)]
#[error("{}; {}", .0.what, .0.cure)]
struct Wrong(Complaint);

/// Why rows could not be written down.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordError {
    /// The ledger took none.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// There is no ledger.
    #[error(transparent)]
    Gone(#[from] Gone),
}

/// What sending came to.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    accounts: ByKind<Account>,
    tally: Tally,
    vigil: Option<Vigil>,
}

impl<T: Target> Cycle<T> {
    /// Carries it out, and ends its slot.
    pub async fn carry_out(self) -> Report {
        let planned = self.begun.order.batches;
        let materials = tokio::select! {
            materials = self.materials() => Some(materials),
            // Nothing was sent yet.
            () = self.brake.until(Pull::Stop) => None,
        };
        let (mut sent, error) = match materials {
            Some(Ok(materials)) => self.send_all(materials).await,
            Some(Err(error)) => (Sent::default(), Some(error)),
            None => (Sent::default(), None),
        };
        let unsent = self.book_the_rest(&planned, &mut sent);
        self.end(sent, unsent, error).await
    }

    /// Looks whether all that it takes is there, and makes up what is asked.
    async fn materials(&self) -> Result<Arc<Materials>, StageError> {
        let clock = &*self.kit.clock;
        let target = Arc::clone(&self.kit.target);
        let validate = async move { target.validate().await.map_err(Wrong) };
        stage::carry_out(clock, Stage::Validate, VALIDATE_TIME, validate).await?;
        let (setup, subjects) = (Arc::clone(&self.setup), self.kit.subjects.clone());
        let read = move || Materials::read(&setup, subjects).map_err(Wrong);
        let prepare = async move {
            // Files may lie on disks that hang.
            let read = tokio::task::spawn_blocking(read).await;
            read.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
        };
        stage::carry_out(clock, Stage::Prepare, PREPARE_TIME, prepare).await.map(Arc::new)
    }

    /// Sends both batches, and writes down what comes of them.
    async fn send_all(&self, materials: Arc<Materials>) -> (Sent, Option<StageError>) {
        let now = self.kit.clock.steady();
        let slot_end = self.setup.calendar.next_after(self.slot.start).start;
        // By the steady clock: a wall that is set meanwhile moves nothing.
        let left = Duration::try_from(slot_end.duration_since(self.kit.clock.wall())).unwrap_or_default();
        // A cycle that begins at the end of its slot has as long as its batches take.
        let spans = Kind::ALL.iter().filter_map(|kind| self.begun.order.batches.get(*kind).as_ref());
        let span = spans.map(Batch::span).max().unwrap_or_default() + Duration::from_secs(1);
        let begin_by = now + left.max(span);
        let end_by = begin_by + self.kit.target.timeout();
        let work = Sending {
            kit: self.kit.clone(),
            slot: self.slot,
            materials,
            brake: self.brake.clone(),
            tolerance: self.setup.late_tolerance(),
            begin_by,
            end_by,
            tries_max: match self.setup.config.settings.error_handling.retry_on_rate_limit {
                true => crate::send::TRIES_MAX,
                false => 1,
            },
        };
        let batches = self.begun.order.batches;
        let limit = end_by.saturating_sub(now) + RECORD_TIME;
        let told = Arc::new(Mutex::new(Sent::default()));
        let work = work.both(batches, Arc::clone(&told));
        let ended = stage::carry_out(&*self.kit.clock, Stage::Send, limit, work).await;
        let sent = *locked(&told);
        (sent, ended.err())
    }

    /// What was planned and left no row.
    fn book_the_rest(&self, planned: &ByKind<Option<Batch>>, sent: &mut Sent) -> Vec<Unsent> {
        let fate = if self.brake.pulled() == Pull::Free { Fate::Dropped } else { Fate::Skipped };
        let rest = |kind: Kind| {
            let account = sent.accounts.get_mut(kind);
            account.planned = planned.get(kind).map_or(0, |batch| batch.count.into());
            let count = account.open();
            account.book_unsent(fate, count);
            (count > 0).then_some(Unsent { kind, fate, count })
        };
        Kind::ALL.into_iter().filter_map(rest).collect()
    }

    async fn end(&self, sent: Sent, unsent: Vec<Unsent>, error: Option<StageError>) -> Report {
        let mut all = sent.accounts.operations;
        all += sent.accounts.guardrails;
        let is_interrupted = match self.brake.pulled() {
            Pull::Free => false,
            // A stop that came when all was sent has interrupted nothing.
            Pull::Stop => all.skipped > 0,
            Pull::Cut => true,
        };
        let state = match &error {
            _ if is_interrupted => SlotState::Interrupted,
            Some(_) => SlotState::Failed,
            None if all.planned > 0 && all.succeeded == 0 => SlotState::Failed,
            None if self.is_late => SlotState::Late,
            None => SlotState::Done,
        };
        let ended = self.kit.clock.wall();
        let reason = match (&error, state) {
            (Some(error), _) => Some(error.to_string()),
            (None, SlotState::Failed) => Some("nothing succeeded".to_owned()),
            (None, SlotState::Interrupted) => Some("stopped".to_owned()),
            (None, _) => None,
        };
        let ending = Ending { state, at: ended, reason };
        let (slot, clerk) = (self.slot.start, self.kit.clerk.clone());
        let record = async move {
            Ok::<_, RecordError>(clerk.ask(move |book| book.end(slot, &ending, &unsent)).await??)
        };
        let recorded = stage::carry_out(&*self.kit.clock, Stage::Record, RECORD_TIME, record).await;
        Report {
            number: self.begun.number,
            slot: self.slot,
            state,
            ended,
            accounts: sent.accounts,
            tally: sent.tally,
            vigil: sent.vigil,
            error,
            unwritten: recorded.err().map(|error| error.to_string()),
        }
    }
}

/// Both batches of a cycle while they are sent.
struct Sending<T> {
    kit: Kit<T>,
    slot: Slot,
    materials: Arc<Materials>,
    brake: Brake,
    tolerance: Duration,
    begin_by: Duration,
    end_by: Duration,
    tries_max: u8,
}

impl<T: Target> Sending<T> {
    async fn both(self, batches: ByKind<Option<Batch>>, told: Arc<Mutex<Sent>>) -> Result<(), RecordError> {
        let (rows, coming) = mpsc::channel(ROWS_WAITING);
        let rows_of_operations = rows.clone();
        let operations = async {
            let Some(batch) = batches.operations else { return };
            let (materials, slot) = (Arc::clone(&self.materials), self.slot);
            let ask = move |number| materials.asks.ask(slot.start, Kind::Operations, number);
            self.batch(Kind::Operations, batch, ask, rows_of_operations).await;
        };
        let told = &told;
        let this = &self;
        let tests = async move {
            let Some(batch) = batches.guardrails else { return };
            let vigils = tokio::select! {
                vigils = this.vigils() => vigils,
                // Judges of which nothing is known prove nothing.
                () = this.brake.until(Pull::Cut) => Vec::new(),
            };
            locked(told).vigil = vigils.iter().copied().max();
            let (materials, slot) = (Arc::clone(&this.materials), this.slot);
            let (raw, unjudged) = mpsc::channel(ROWS_WAITING);
            let judge = this.judge(vigils, unjudged, rows);
            let ask = move |number| materials.asks.ask(slot.start, Kind::Guardrails, number);
            tokio::join!(this.batch(Kind::Guardrails, batch, ask, raw), judge);
        };
        let (_, _, recorded) = tokio::join!(operations, tests, self.record(coming, told));
        recorded
    }

    async fn batch(
        &self,
        kind: Kind,
        batch: Batch,
        asks: impl Fn(u32) -> crate::send::Ask + Send + Sync + 'static,
        rows: mpsc::Sender<Row>,
    ) {
        let clock = &self.kit.clock;
        let plan = Plan {
            slot: self.slot.start,
            kind,
            batch,
            begins: clock.steady(),
            begins_wall: clock.wall(),
            tolerance: self.tolerance,
            begin_by: self.begin_by,
            end_by: self.end_by,
            tries_max: self.tries_max,
        };
        sender::send(Arc::clone(&self.kit.target), asks, plan, Arc::clone(clock), self.brake.clone(), rows)
            .await;
    }

    /// Asks the canaries of each suite: whether its judges are awake.
    async fn vigils(&self) -> Vec<Vigil> {
        let mut vigils = Vec::new();
        for (suite, bench) in self.materials.suites.iter() {
            let mut lane = self.kit.target.lane();
            let watch = Watch {
                target: &*self.kit.target,
                lane: &mut lane,
                clock: &*self.kit.clock,
                subject: Arc::clone(&self.materials.subjects.all()[0]),
            };
            vigils.push(watch.keep(suite, bench, || self.brake.pulled() == Pull::Free).await);
        }
        vigils
    }

    /// Gives guardrail tests their verdicts. A judge that panics has found nothing out.
    async fn judge(&self, vigils: Vec<Vigil>, mut coming: mpsc::Receiver<Row>, rows: mpsc::Sender<Row>) {
        while let Some(mut row) = coming.recv().await {
            if let (Some(answer), Some(case)) = (&row.answer, &row.ask.case) {
                let judge = || self.materials.suites.verdict(case, answer, &vigils);
                let judged = catch_unwind(AssertUnwindSafe(judge));
                row.verdict = Some(judged.unwrap_or(Verdict::Undetermined));
            }
            if rows.send(row).await.is_err() {
                return;
            }
        }
    }

    /// Writes down what has ended, until all has. When that fails nothing more is sent.
    async fn record(&self, mut coming: mpsc::Receiver<Row>, told: &Mutex<Sent>) -> Result<(), RecordError> {
        let mut bunch = Vec::new();
        while coming.recv_many(&mut bunch, BUNCH_MAX).await > 0 {
            // Each bunch costs a write that waits for the disk: those who come soon come with it.
            let more = async {
                while bunch.len() < BUNCH_MAX && coming.recv_many(&mut bunch, BUNCH_MAX).await > 0 {}
            };
            let end = self.kit.clock.until_steady(self.kit.clock.steady() + BUNCH_TIME);
            tokio::select! {
                () = more => {}
                () = end => {}
            }
            let rows = std::mem::take(&mut bunch);
            let counted = count(&rows);
            self.kit.clerk.ask(move |book| book.append(&rows)).await??;
            let mut told = locked(told);
            for kind in Kind::ALL {
                *told.accounts.get_mut(kind) += *counted.accounts.get(kind);
            }
            told.tally += counted.tally;
        }
        Ok(())
    }
}

/// What was told by whoever holds it; one who panicked has told what he had.
fn locked(sent: &Mutex<Sent>) -> MutexGuard<'_, Sent> {
    sent.lock().unwrap_or_else(PoisonError::into_inner)
}

fn count(rows: &[Row]) -> Sent {
    let mut sent = Sent::default();
    for row in rows {
        let account = sent.accounts.get_mut(row.ask.kind);
        match row.fate {
            Fate::Sent | Fate::Late => {
                let has_failed = row.answer.as_ref().is_some_and(|answer| answer.failure.is_some());
                account.book_made(row.fate == Fate::Late, !has_failed);
            }
            unsent => account.book_unsent(unsent, 1),
        }
        if let (Some(verdict), Some(_)) = (row.verdict, row.ask.category()) {
            sent.tally.count(verdict);
        }
    }
    sent
}
