//! Makes a batch's sends at their planned instants, and says what became of each.
//!
//! A batch has lanes, as many as its threads. A lane takes the next send that nobody has taken,
//! waits for its instant, asks, leaves its [`Row`], and takes the next: sends are begun in order, each lane
//! has one under way, and what finds no lane free at its instant is begun when one becomes free. Everything
//! is measured from the planned instant, so whoever had to wait for a lane has waited.
//!
//! A send's instant is met to 1 or 2 ms, as the clock's timers go; a batch that is planned for one
//! instant, or has fallen behind, sets no timers at all. Sends begun later than the plan's tolerance are
//! late. What cannot be begun in time is dropped, and what a pulled [`Brake`] leaves is skipped. There is one row for
//! each planned send: also when the one who asked for the batch is gone, or when a lane panics.
//!
//! Rows go to a bounded channel. While it is full the lanes wait, and so do the sends after them: whoever
//! records too slowly makes sends late, and [`Outcome::held_up`] says so.

mod backoff;
mod brake;
#[cfg(test)]
mod tests;

pub use brake::{Brake, Pull};

use crate::clock::Clock;
use crate::latencies::Latencies;
use crate::send::{Answer, Ask, Failure, FailureKind, Row};
use crate::target::{Lane, Target};
use backoff::backoff;
use brake::Listening;
use days::account::{Account, Fate};
use days::order::{Batch, Kind};
use jiff::Timestamp;
use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::{JoinSet, consume_budget};

/// How long after its instant a send may begin and not be late, where nothing else is said: far above what
/// timers take, far below what anybody who plans a day would notice.
pub const TOLERANCE_DEFAULT: Duration = Duration::from_millis(100);

/// What is to be sent, and when.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The slot of its cycle.
    pub slot: Timestamp,
    /// Which kind of requests these are.
    pub kind: Kind,
    /// How many, by how many lanes, how far apart.
    pub batch: Batch,
    /// The planned instant of the first send, by the steady clock.
    pub begins: Duration,
    /// The same by the wall, for rows.
    pub begins_wall: Timestamp,
    /// How long after its instant a send may begin and not be late.
    pub tolerance: Duration,
    /// From this instant of the steady clock on no try begins.
    pub begin_by: Duration,
    /// At this instant of the steady clock whatever is under way has failed by its time.
    pub end_by: Duration,
    /// Tries of a send, the first included, where the target says that it is busy or not available.
    pub tries_max: u8,
}

/// What is asked in a send, by its place in its batch.
pub trait Asks: Send + Sync + 'static {
    /// The question of a send. Rows of sends that are not made have it, too.
    fn ask(&self, number: u32) -> Ask;
}

impl<F: Fn(u32) -> Ask + Send + Sync + 'static> Asks for F {
    fn ask(&self, number: u32) -> Ask {
        self(number)
    }
}

/// What became of a batch.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Its sends, by how they ended.
    pub account: Account,
    /// From the planned instants to the ends of the last answers, of all sends that were made.
    pub latencies: Latencies,
    /// Tries that were made.
    pub tries: u64,
    /// How often a lane had to wait until its row was taken.
    pub held_up: u64,
    /// Rows that nobody wanted any more.
    pub untold: u64,
}

/// Makes the sends of a plan. Needs a Tokio runtime; lanes are tasks of their own.
///
/// Whoever drops this has cut the batch: what is under way is interrupted, the rest is skipped, and the rows
/// still come. When nobody takes rows any more, nothing more is sent.
pub async fn send<T: Target>(
    target: Arc<T>,
    asks: impl Asks,
    plan: Plan,
    clock: Arc<dyn Clock>,
    brake: Brake,
    rows: mpsc::Sender<Row>,
) -> Outcome {
    let lanes = plan.batch.threads.max(1).min(plan.batch.count);
    let account = Account { planned: plan.batch.count.into(), ..Account::default() };
    let sending = Arc::new(Sending {
        timeout: target.timeout(),
        target,
        asks,
        plan,
        clock,
        brake,
        abandoned: Brake::default(),
        rows,
        taken: AtomicU64::new(0),
        outcome: Mutex::new(Outcome { account, ..Outcome::default() }),
    });
    let _guard = CutOnDrop(sending.abandoned.clone());
    let mut tasks = JoinSet::new();
    for _ in 0..lanes {
        tasks.spawn(sending.clone().run_lane());
    }
    // They outlive this, so that their rows come.
    let mut running = Running(tasks);
    while running.0.join_next().await.is_some() {}
    std::mem::take(&mut *sending.outcome())
}

/// Tasks that are left to themselves instead of being ended when nobody waits for them any more.
struct Running(JoinSet<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.detach_all();
    }
}

struct CutOnDrop(Brake);

impl Drop for CutOnDrop {
    fn drop(&mut self) {
        self.0.pull(Pull::Cut);
    }
}

/// A batch while it is made: what its lanes share.
struct Sending<T, A> {
    target: Arc<T>,
    asks: A,
    plan: Plan,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    /// The caller's.
    brake: Brake,
    /// Pulled when there is no caller any more.
    abandoned: Brake,
    rows: mpsc::Sender<Row>,
    /// Sends that a lane has taken.
    taken: AtomicU64,
    outcome: Mutex<Outcome>,
}

/// What was made of a send.
#[derive(Debug, Default)]
struct Made {
    begun: Duration,
    ended: Duration,
    tries: u8,
    answer: Answer,
}

impl<T: Target, A: Asks> Sending<T, A> {
    async fn run_lane(self: Arc<Self>) {
        let _listening = self.listen().await;
        let mut lane = None;
        while let Some(number) = self.take() {
            let row = self.carry_out(number, &mut lane).await;
            self.tell(row).await;
        }
    }

    /// Has this task woken by both brakes: wherever it waits, it then looks.
    async fn listen(&self) -> [Listening; 2] {
        poll_fn(|context| {
            let listen = |brake: &Brake| brake.listen(context.waker().clone());
            Poll::Ready([listen(&self.brake), listen(&self.abandoned)])
        })
        .await
    }

    fn take(&self) -> Option<u32> {
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        u32::try_from(number).ok().filter(|number| *number < self.plan.batch.count)
    }

    /// Makes a send, or finds out that it is not to be made.
    async fn carry_out(&self, number: u32, lane: &mut Option<T::Lane>) -> Row {
        let offset = self.plan.batch.planned(number);
        let planned = self.plan.begins.saturating_add(offset);
        // A question that cannot be made up is not asked, and the others are.
        let asked = catch_unwind(AssertUnwindSafe(|| self.asks.ask(number))).ok();
        let turn = if asked.is_some() { self.turn(planned).await } else { Err(Fate::Dropped) };
        let mut row = Row {
            slot: self.plan.slot,
            ask: asked.unwrap_or_else(|| self.nothing_to_ask(number)),
            fate: Fate::Dropped,
            planned: self.plan.begins_wall.saturating_add(offset).unwrap_or(Timestamp::MAX),
            lag: Duration::ZERO,
            latency: Duration::ZERO,
            tries: 0,
            answer: None,
            verdict: None,
        };
        match turn {
            Err(fate) => row.fate = fate,
            Ok(begun) => {
                let made = self.make(&row.ask, begun, lane).await;
                row.lag = made.begun.saturating_sub(planned);
                row.fate = if row.lag > self.plan.tolerance { Fate::Late } else { Fate::Sent };
                row.latency = made.ended.saturating_sub(planned);
                row.tries = made.tries;
                row.answer = Some(made.answer);
            }
        }
        row
    }

    fn nothing_to_ask(&self, number: u32) -> Ask {
        let subject = Arc::default();
        Ask { kind: self.plan.kind, number, subject, case: None, query: "".into() }
    }

    /// Tries until there is an answer that is not to be tried again, or no more to be tried for.
    async fn make(&self, ask: &Ask, begun: Duration, lane: &mut Option<T::Lane>) -> Made {
        let mut made = Made { begun, ended: begun, ..Made::default() };
        let mut next = Ok(begun);
        while let Ok(now) = next {
            made.tries += 1;
            made.answer = self.try_once(ask, now, lane).await;
            made.ended = self.clock.steady();
            let is_busy = made.answer.failure.as_ref().is_some_and(|it| it.kind.is_to_be_tried_again());
            if !is_busy || made.tries >= self.plan.tries_max {
                break;
            }
            let chance = made.ended.as_nanos() as u64 ^ u64::from(ask.number) << 32;
            let wait = made.answer.retry_after.unwrap_or_else(|| backoff(made.tries, chance));
            next = self.turn(made.ended.saturating_add(wait)).await;
        }
        made
    }

    async fn try_once(&self, ask: &Ask, now: Duration, slot: &mut Option<T::Lane>) -> Answer {
        let deadline = now.saturating_add(self.timeout).min(self.plan.end_by);
        // Outside of its place meanwhile: a lane that panicked is not asked by again.
        let mut lane = slot.take().unwrap_or_else(|| self.target.lane());
        let outcome = self.unless(Pull::Cut, pin!(caught(pin!(lane.ask(ask, deadline))))).await;
        match outcome {
            Some(Ok(answer)) => {
                *slot = Some(lane);
                answer
            }
            Some(Err(panic)) => failed(FailureKind::Broken, format!("asking panicked: {panic}")),
            None => {
                *slot = Some(lane);
                failed(FailureKind::Timeout, "interrupted by a stop before there was an answer".to_string())
            }
        }
    }

    /// Waits until a try may begin, at this instant or later; or finds that none may.
    async fn turn(&self, instant: Duration) -> Result<Duration, Fate> {
        let now = self.until(instant).await?;
        match self.target.cap() {
            None => Ok(now),
            Some(cap) => {
                let turn = cap.reserve_before(now, self.plan.begin_by).ok_or(Fate::Dropped)?;
                self.until(turn).await
            }
        }
    }

    async fn until(&self, instant: Duration) -> Result<Duration, Fate> {
        loop {
            if self.pulled() != Pull::Free {
                return Err(Fate::Skipped);
            }
            let now = self.clock.steady();
            if now.max(instant) >= self.plan.begin_by || self.rows.is_closed() {
                return Err(Fate::Dropped);
            }
            if now >= instant {
                return Ok(now);
            }
            self.unless(Pull::Stop, pin!(self.clock.until_steady(instant))).await;
        }
    }

    fn pulled(&self) -> Pull {
        self.brake.pulled().max(self.abandoned.pulled())
    }

    /// What a future gives, or `None` when a brake is pulled that far. The task is woken by both.
    async fn unless<F: Future>(&self, pull: Pull, mut future: Pin<&mut F>) -> Option<F::Output> {
        poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if self.pulled() >= pull => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// Books a row and hands it over.
    async fn tell(&self, row: Row) {
        self.outcome().book(&row);
        if row.tries == 0 {
            // There was nothing to wait for, and others want the thread.
            consume_budget().await;
        }
        let is_told = match self.rows.try_send(row) {
            Err(TrySendError::Full(row)) => {
                self.outcome().held_up += 1;
                self.rows.send(row).await.is_ok()
            }
            outcome => outcome.is_ok(),
        };
        if !is_told {
            self.outcome().untold += 1;
        }
    }

    fn outcome(&self) -> MutexGuard<'_, Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outcome {
    fn book(&mut self, row: &Row) {
        self.tries += u64::from(row.tries);
        match &row.answer {
            None => self.account.book_unsent(row.fate, 1),
            Some(answer) => {
                self.account.book_made(row.fate == Fate::Late, answer.failure.is_none());
                self.latencies.count(row.latency);
            }
        }
    }
}

fn failed(kind: FailureKind, error: String) -> Answer {
    Answer { failure: Some(Failure { kind, error }), ..Answer::default() }
}

/// What a future gives, or the words with which it panicked.
pub(crate) async fn caught<F: Future>(mut future: Pin<&mut F>) -> Result<F::Output, String> {
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(words(&*panic))),
    })
    .await
}

fn words(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().map(ToString::to_string);
    words.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a word".to_string())
}
