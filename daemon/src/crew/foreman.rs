//! The foreman: an actor that has done what the conductor decides, one thing after another.
//!
//! It owns the conductor and the one cycle that may be under way. It never waits for either: the clock and
//! cycles tell it by messages, so it hears a stop, an emergency stop or a new configuration at any moment.
//!
//! **What could not be written down has not happened.** When the ledger refuses, the foreman forgets what it
//! decided, waits a while, and goes on from what the ledger holds.

use super::cycle::{Cycle, Kit, Report};
use super::stage::chain;
use crate::board::{Board, Doing, LastCycle};
use crate::book::{Begun, Setup};
use crate::estop::CurrentBrake;
use crate::ledger::{DayTotals, LedgerError};
use crate::sender::{Brake, Pull};
use crate::target::Target;
use days::calendar::Slot;
use days::conductor::{Conductor, CycleEnd, Now, Passed, Step, Waiting};
use days::order::Kind;
use days::profile::Range;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::{AbortHandle, JoinHandle};
use tracing::{error, info, warn};

/// How long to wait for a ledger that refuses: a disk is not emptied sooner.
const LEDGER_WAIT: Duration = Duration::from_secs(10);

/// For what is only to be shown.
const SHOWN_TIME: Duration = Duration::from_secs(2);

/// Of the grace time, what is kept for writing down how everything ended.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Old sends that are forgotten at once: others who want something written wait for less than they would notice.
const FORGOTTEN_AT_ONCE: u32 = 2_000;

/// Why the daemon is to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its planned end has come.
    AsPlanned,
    /// Somebody asked for it.
    Stopped(String),
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ended::AsPlanned => f.write_str("the planned end has come"),
            Ended::Stopped(by) => f.write_str(by),
        }
    }
}

/// What the foreman is told.
#[derive(Debug)]
pub enum ForemanMessage {
    /// To look at the clock.
    Look,
    /// A cycle has ended.
    CycleEnded(Box<Report>),
    /// To end, in good order and within the grace time.
    Stop(String),
    /// To go on by another configuration.
    Reload(Arc<Setup>),
    /// That the emergency stop is enabled, and why; or that it is not.
    EmergencyStop(Option<String>),
    /// That the grace time is nearly over.
    GraceIsOver,
}

/// What others may want to know at any moment.
#[derive(Clone, Debug)]
pub struct Progress {
    /// What is being done.
    pub board: Board,
    /// Today, as far as it had come when the last cycle ended.
    pub today: Option<DayTotals>,
}

/// Something that somebody outside may want to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Too much has failed in a row.
    Cooldown {
        /// How much.
        failures: u32,
        /// What went wrong last.
        because: String,
    },
    /// A cycle has succeeded after a cooldown.
    Recovered,
    /// A day is over, and did not reach its target.
    TargetMissed {
        /// The day.
        date: Date,
        /// What it came to.
        made: u64,
        /// What it was to come to, at the least.
        least: u64,
    },
    /// A guardrail test was let through.
    Breach {
        /// In this cycle.
        cycle: u64,
        /// So many.
        breaches: u64,
    },
    /// The emergency stop was enabled, with why, or disabled.
    EmergencyStop(Option<String>),
}

/// What the foreman is given.
pub struct ForemanArguments<T> {
    /// What cycles have in common.
    pub kit: Kit<T>,
    /// The configuration.
    pub setup: Arc<Setup>,
    /// Where the board is put up; `None` for nowhere.
    pub base: Option<PathBuf>,
    /// The board, as it is at the beginning.
    pub board: Board,
    /// Where progress is shown.
    pub progress: watch::Sender<Progress>,
    /// Whom notices are for.
    pub notices: Box<dyn Fn(Notice) + Send>,
    /// Why sends may not begin from the beginning on.
    pub emergency_stop: Option<String>,
    /// Where the brake of the cycle that is under way can be found.
    pub brake: CurrentBrake,
    /// Who is told of the end.
    pub ended: oneshot::Sender<Ended>,
}

/// The actor.
pub struct Foreman<T>(PhantomData<fn() -> T>);

impl<T> Default for Foreman<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// What the foreman owns.
pub struct ForemanState<T> {
    kit: Kit<T>,
    setup: Arc<Setup>,
    base: Option<PathBuf>,
    progress: watch::Sender<Progress>,
    notices: Box<dyn Fn(Notice) + Send>,
    /// The instant at which more is to be done than was done so far.
    instant: Option<Now>,
    conductor: Conductor,
    /// The next look at the clock.
    look: Option<AbortHandle>,
    under_way: Option<UnderWay>,
    emergency_stop: Option<String>,
    brake: CurrentBrake,
    /// Whether the ledger holds all that was decided.
    is_trusted: bool,
    /// The last day of which it was told that its target is out of reach.
    out_of_reach_told: Option<Date>,
    /// Whether the last cycles led to a cooldown, and none has succeeded since.
    is_in_trouble: bool,
    ending: Option<Ended>,
    ended: Option<oneshot::Sender<Ended>>,
}

/// The cycle that is under way.
struct UnderWay {
    brake: Brake,
    task: JoinHandle<()>,
}

impl<T: Target> Actor for Foreman<T> {
    type Msg = ForemanMessage;
    type State = ForemanState<T>;
    type Arguments = ForemanArguments<T>;

    async fn pre_start(
        &self,
        myself: ActorRef<ForemanMessage>,
        arguments: ForemanArguments<T>,
    ) -> Result<ForemanState<T>, ActorProcessingErr> {
        let ForemanArguments { kit, setup, base, board, progress, notices, emergency_stop, brake, ended } =
            arguments;
        let past = kit.clerk.ask(|book| book.past()).await??;
        let mut conductor = Conductor::new(setup.rules(), past);
        conductor.stop_in_emergency(emergency_stop.is_some());
        progress.send_replace(Progress { board, today: None });
        myself.cast(ForemanMessage::Look)?;
        Ok(ForemanState {
            kit,
            setup,
            base,
            progress,
            notices,
            instant: None,
            out_of_reach_told: None,
            conductor,
            look: None,
            under_way: None,
            emergency_stop,
            brake,
            is_trusted: true,
            is_in_trouble: false,
            ending: None,
            ended: Some(ended),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<ForemanMessage>,
        message: ForemanMessage,
        state: &mut ForemanState<T>,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ForemanMessage::Look => {}
            ForemanMessage::CycleEnded(report) => state.hear_of_end(*report).await,
            ForemanMessage::Stop(by) => state.stop(by, &myself),
            ForemanMessage::Reload(setup) => state.reload(setup).await,
            ForemanMessage::EmergencyStop(why) => state.stop_in_emergency(why),
            ForemanMessage::GraceIsOver => state.cut(),
        }
        state.go_on(&myself).await;
        Ok(())
    }
}

impl<T: Target> ForemanState<T> {
    /// Does the next that is to be done, and sees to it that the clock is looked at again. One thing at a time, for
    /// a stop has to be heard in between; and all that is due at one instant before the next, for where passing
    /// slots over takes as long as a slot no cycle would ever begin.
    async fn go_on(&mut self, myself: &ActorRef<ForemanMessage>) {
        if let Some(ending) = self.ending.clone() {
            if self.under_way.is_none() {
                self.end(ending, myself);
            }
            return;
        }
        if self.under_way.is_none()
            && !self.is_trusted
            && let Err(error) = self.trust_again().await
        {
            self.distrust(&error, myself);
            return;
        }
        let setup = Arc::clone(&self.setup);
        let now = self.instant.unwrap_or_else(|| self.now());
        let step = self.conductor.next(now, |slot| setup.maintenance(slot));
        let is_all = matches!(step, Step::Begin { .. } | Step::Wait { .. } | Step::End);
        self.instant = (!is_all).then_some(now);
        let done = match step {
            Step::Pass { slots, how } => self.pass(slots, how).await,
            Step::Begin { slot, late_by } => self.begin(slot, late_by, myself).await,
            Step::Close(date) => self.close(date).await,
            Step::Resume => {
                info!("the cooldown is over: going on with the next slot");
                Ok(())
            }
            Step::Wait { until, reason } => return self.wait(until, reason, myself),
            Step::End => return self.end(Ended::AsPlanned, myself),
        };
        match done {
            // Behind whatever else is to be heard.
            Ok(()) => self.look_after(myself, std::future::ready(())),
            Err(error) => self.distrust(&error, myself),
        }
    }

    fn now(&self) -> Now {
        Now { wall: self.kit.clock.wall(), steady: self.kit.clock.steady() }
    }

    /// What an instant is on the wall clock of the zone, for people.
    fn told(&self, instant: Timestamp) -> String {
        let zoned = instant.to_zoned(self.setup.calendar.zone().clone());
        zoned.strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    async fn pass(&mut self, slots: Vec<Slot>, how: Passed) -> Result<(), Refused> {
        let (first, count) = (self.told(slots[0].start), slots.len());
        match &how {
            Passed::Missed => warn!("missed {count} slots from {first} on"),
            Passed::Skipped(why) => info!("skipped the slot of {first}: {why}"),
        }
        let at = self.kit.clock.wall();
        Ok(self.kit.clerk.ask(move |book| book.pass(&slots, &how, at)).await??)
    }

    async fn begin(
        &mut self,
        slot: Slot,
        late_by: Option<Duration>,
        myself: &ActorRef<ForemanMessage>,
    ) -> Result<(), Refused> {
        let at = self.kit.clock.wall();
        let begun = self.kit.clerk.ask(move |book| book.begin(&slot, late_by, at)).await??;
        self.announce(&slot, late_by, &begun);
        let (number, brake) = (begun.number, Brake::default());
        self.brake.set(brake.clone());
        let cycle = Cycle {
            kit: self.kit.clone(),
            setup: Arc::clone(&self.setup),
            slot,
            is_late: late_by.is_some(),
            begun,
            brake: brake.clone(),
        };
        let (foreman, clock) = (myself.clone(), Arc::clone(&self.kit.clock));
        let task = tokio::spawn(async move {
            let ended = tokio::spawn(cycle.carry_out()).await;
            let report =
                ended.unwrap_or_else(|panic| Report::broken(number, slot, clock.wall(), &panic.to_string()));
            // A foreman that is gone has no use for it.
            let _ = foreman.cast(ForemanMessage::CycleEnded(Box::new(report)));
        });
        self.under_way = Some(UnderWay { brake, task });
        self.show(|board| board.doing = Doing::Cycle { number, slot: slot.start, since: at });
        Ok(())
    }

    fn announce(&mut self, slot: &Slot, late_by: Option<Duration>, begun: &Begun) {
        let order = &begun.order;
        let late = late_by.map(|late| format!(", {:.0} s late", late.as_secs_f64())).unwrap_or_default();
        info!(
            "── Cycle {} ── slot {}{late} ── profile {}",
            begun.number,
            self.told(slot.start),
            order.profile
        );
        let of = |kind: Kind| match begun.quota {
            Some(quota) => format!("{} of {}", begun.made.get(kind), quota.get(kind)),
            None => begun.made.get(kind).to_string(),
        };
        info!("today so far: {} operations, {} guardrail tests", of(Kind::Operations), of(Kind::Guardrails));
        for kind in Kind::ALL {
            if let Some(batch) = order.batches.get(kind) {
                let (count, threads, delay) = (batch.count, batch.threads, batch.delay.as_secs_f64());
                info!("{}: calls={count}, threads={threads}, delay={delay:.2}", kind.word());
            }
        }
        // Once a day: it seldom changes, and a day has many cycles.
        let is_new = self.out_of_reach_told != Some(slot.date());
        for (kind, quota, Range { min, max }) in begun.out_of_reach().filter(|_| is_new) {
            let kind = kind.word();
            warn!("today's target is out of reach: {quota} {kind} are aimed at, {min} to {max} are possible");
            self.out_of_reach_told = Some(slot.date());
        }
    }

    /// Takes in how a cycle ended.
    async fn hear_of_end(&mut self, report: Report) {
        self.under_way = None;
        report.tell();
        if let Some(error) = &report.unwritten {
            error!("cycle {}: its end could not be written down: {error}", report.number);
            self.is_trusted = false;
        }
        let because = report.error.as_ref().map_or("nothing succeeded".to_owned(), ToString::to_string);
        let how = report.end();
        let cooldown = self.conductor.cycle_ended(self.now(), how);
        if let Some(began) = cooldown {
            warn!(
                "{} cycles in a row have failed: cooling down for {:.0} s",
                began.failures,
                began.lasts.as_secs_f64()
            );
            self.is_in_trouble = true;
            (self.notices)(Notice::Cooldown { failures: began.failures, because: because.clone() });
        } else if how == CycleEnd::Succeeded && std::mem::take(&mut self.is_in_trouble) {
            (self.notices)(Notice::Recovered);
        }
        if report.tally.breached > 0 {
            (self.notices)(Notice::Breach { cycle: report.number, breaches: report.tally.breached });
        }
        let date = report.slot.date();
        let clock = Arc::clone(&self.kit.clock);
        let today = tokio::select! {
            today = self.kit.clerk.ask(move |book| book.day(date)) => {
                today.ok().and_then(Result::ok).flatten()
            }
            // A disk that hangs holds up no stop for what is only to be shown.
            () = clock.until_steady(clock.steady() + SHOWN_TIME) => None,
        };
        let failures = self.conductor.failures();
        let last = LastCycle {
            number: report.number,
            slot: report.slot.start,
            ended: report.ended,
            made: Kind::ALL.iter().map(|kind| report.accounts.get(*kind).made()).sum(),
            succeeded: Kind::ALL.iter().map(|kind| report.accounts.get(*kind).succeeded).sum(),
            failure: report.has_failed().then_some(because),
        };
        self.progress.send_modify(|progress| progress.today = today);
        self.show(|board| {
            board.last_cycle = Some(last);
            board.cycles += 1;
            board.failures_in_a_row = failures;
        });
    }

    async fn close(&mut self, date: Date) -> Result<(), Refused> {
        let at = self.kit.clock.wall();
        let Some(totals) = self.kit.clerk.ask(move |book| book.close(date, at)).await?? else {
            return Ok(());
        };
        self.forget(at);
        let made: u64 = Kind::ALL.iter().map(|kind| totals.accounts.get(*kind).made()).sum();
        let target = totals.target;
        if made < target.min {
            warn!("{date} is over: {made} requests, of a target of {} to {}", target.min, target.max);
            (self.notices)(Notice::TargetMissed { date, made, least: target.min });
        } else {
            info!("{date} is over: {made} requests, of a target of {} to {}", target.min, target.max);
        }
        Ok(())
    }

    /// Has sends forgotten that are older than they are to be kept, a few at a time, beside all else.
    fn forget(&self, now: Timestamp) {
        let days = i64::from(self.setup.config.settings.retention_days);
        let before = now.saturating_sub(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MIN);
        if days == 0 {
            return;
        }
        let clerk = self.kit.clerk.clone();
        tokio::spawn(async move {
            loop {
                match clerk.ask(move |book| book.forget(before, FORGOTTEN_AT_ONCE)).await {
                    Ok(Ok(forgotten)) if forgotten >= FORGOTTEN_AT_ONCE as usize => {}
                    Ok(Ok(_)) | Err(_) => return,
                    Ok(Err(error)) => return warn!("old sends could not be forgotten: {}", chain(&error)),
                }
            }
        });
    }

    fn wait(&mut self, until: Timestamp, reason: Waiting, myself: &ActorRef<ForemanMessage>) {
        let because = match reason {
            Waiting::Cycle => None,
            Waiting::Slot => self.emergency_stop.as_ref().map(|why| format!("emergency stop: {why}")),
            Waiting::Cooldown => Some("cooldown".to_owned()),
            Waiting::ClockWentBack => {
                Some("the clock was put back: what it shows has been dealt with".to_owned())
            }
        };
        if reason != Waiting::Cycle {
            let doing = Doing::Waiting { until, because };
            if self.progress.borrow().board.doing != doing {
                info!("next: {}", self.told(until));
                self.show(|board| board.doing = doing);
            }
        }
        let cooldown = self.conductor.cooldown_until();
        let clock = Arc::clone(&self.kit.clock);
        self.look_after(myself, async move {
            let cooldown = async {
                match cooldown {
                    Some(until) => clock.until_steady(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = clock.until_wall(until) => {}
                () = cooldown => {}
            }
        });
    }

    /// Looks at the clock when something has come about, and no longer when it was to be looked at before.
    fn look_after(
        &mut self,
        myself: &ActorRef<ForemanMessage>,
        wait: impl Future<Output = ()> + Send + 'static,
    ) {
        let foreman = myself.clone();
        let look = tokio::spawn(async move {
            wait.await;
            let _ = foreman.cast(ForemanMessage::Look);
        });
        if let Some(before) = self.look.replace(look.abort_handle()) {
            before.abort();
        }
    }

    /// The ledger has refused: nothing is decided until it can be read and written again.
    fn distrust(&mut self, error: &Refused, myself: &ActorRef<ForemanMessage>) {
        let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
        error!("{}{hint}; trying again in {:.0} s", chain(error), LEDGER_WAIT.as_secs_f64());
        let complaint = error.to_string();
        self.show(|board| board.complaints = vec![complaint]);
        self.is_trusted = false;
        let clock = Arc::clone(&self.kit.clock);
        let wait = clock.until_steady(clock.steady() + LEDGER_WAIT);
        self.look_after(myself, wait);
    }

    /// Goes on from what the ledger holds, in which a cycle may have been left without its end.
    async fn trust_again(&mut self) -> Result<(), Refused> {
        let at = self.kit.clock.wall();
        let past = self.kit.clerk.ask(move |book| book.recover(at).and_then(|_| book.past())).await??;
        self.conductor = Conductor::new(self.setup.rules(), past);
        self.conductor.stop_in_emergency(self.emergency_stop.is_some());
        self.instant = None;
        self.is_trusted = true;
        self.show(|board| board.complaints.clear());
        info!("the ledger can be written again");
        Ok(())
    }

    async fn reload(&mut self, setup: Arc<Setup>) {
        let followed = Arc::clone(&setup);
        let told = self.kit.clerk.ask(move |book| book.follow(followed)).await;
        if told.is_ok() {
            self.conductor.follow(setup.rules());
            self.setup = setup;
            info!("going on by the new configuration");
        }
    }

    fn stop_in_emergency(&mut self, why: Option<String>) {
        match &why {
            Some(why) => warn!("the emergency stop is enabled: {why}"),
            None => warn!("the emergency stop is disabled: going on with the next slot"),
        }
        self.conductor.stop_in_emergency(why.is_some());
        if let (Some(cycle), Some(_)) = (&self.under_way, &why) {
            cycle.brake.pull(Pull::Cut);
        }
        (self.notices)(Notice::EmergencyStop(why.clone()));
        self.emergency_stop = why;
    }

    fn stop(&mut self, by: String, myself: &ActorRef<ForemanMessage>) {
        if self.ending.is_some() {
            return;
        }
        info!("ending: {by}");
        self.ending = Some(Ended::Stopped(by));
        self.show(|board| board.doing = Doing::Ending);
        if let Some(cycle) = &self.under_way {
            cycle.brake.pull(Pull::Stop);
            let grace = Duration::from_secs(self.setup.config.settings.grace_seconds.into());
            let patience = grace.saturating_sub(LAST_WORDS.min(grace / 2));
            let (clock, foreman) = (Arc::clone(&self.kit.clock), myself.clone());
            tokio::spawn(async move {
                clock.until_steady(clock.steady() + patience).await;
                let _ = foreman.cast(ForemanMessage::GraceIsOver);
            });
        }
    }

    /// Interrupts what is still in flight.
    fn cut(&mut self) {
        if let Some(cycle) = &self.under_way {
            warn!("the grace time is over: interrupting what is in flight");
            cycle.brake.pull(Pull::Cut);
        }
    }

    fn end(&mut self, ended: Ended, myself: &ActorRef<ForemanMessage>) {
        if let Some(look) = self.look.take() {
            look.abort();
        }
        let (at, why) = (self.kit.clock.wall(), ended.to_string());
        self.show(|board| board.doing = Doing::Ended { at, why });
        if let Some(told) = self.ended.take() {
            // Whoever waited may be gone.
            let _ = told.send(ended);
        }
        myself.stop(None);
    }

    /// Changes the board, and puts it up.
    fn show(&self, change: impl FnOnce(&mut Board)) {
        self.progress.send_modify(|progress| change(&mut progress.board));
        if let Some(base) = &self.base
            && let Err(error) = self.progress.borrow().board.put_up(base)
        {
            warn!("the board could not be put up in {}: {error}", base.display());
        }
    }
}

impl Drop for UnderWay {
    /// A cycle does not outlive its foreman.
    fn drop(&mut self) {
        if !self.task.is_finished() {
            self.brake.pull(Pull::Cut);
        }
    }
}

/// Why something could not be written down.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Gone(#[from] super::clerk::Gone),
}

impl Refused {
    fn hint(&self) -> Option<String> {
        match self {
            Refused::Ledger(error) => error.hint(),
            Refused::Gone(_) => None,
        }
    }
}

/// Spawns a foreman, who begins at once. Whoever awaits the handle knows that it has let go of everything.
///
/// # Errors
/// If the ledger cannot be read.
pub async fn spawn<T: Target>(
    arguments: ForemanArguments<T>,
) -> Result<(ActorRef<ForemanMessage>, JoinHandle<()>), ractor::SpawnErr> {
    Actor::spawn(None, Foreman::<T>::default(), arguments).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::Book;
    use crate::clock::{Clock, Wait};
    use crate::crew::clerk::Clerk;
    use crate::ledger::Ledger;
    use crate::send::{Answer, Ask};
    use crate::target::{Complaint, Lane};
    use days::config;
    use std::sync::atomic::{AtomicI64, Ordering};

    /// A target with a bug, where no stage looks for one.
    struct Broken;

    impl Target for Broken {
        type Lane = NoLane;

        fn lane(&self) -> NoLane {
            NoLane
        }

        async fn validate(&self) -> Result<(), Complaint> {
            Ok(())
        }

        fn timeout(&self) -> Duration {
            panic!("a bug, for a test")
        }
    }

    struct NoLane;

    impl Lane for NoLane {
        async fn ask(&mut self, _: &Ask, _: Duration) -> Answer {
            std::future::pending().await
        }
    }

    /// A clock that moves on by a slot whenever somebody looks at the wall, as on a machine that is slower than the
    /// slots are long. Whoever waits waits no longer than that.
    #[derive(Debug, Default)]
    struct Hasty {
        looks: Arc<AtomicI64>,
    }

    impl Clock for Hasty {
        fn wall(&self) -> Timestamp {
            let looks = self.looks.fetch_add(1, Ordering::Relaxed);
            let start: Timestamp = "2026-03-28T00:00:00Z".parse().expect("an instant");
            start + SignedDuration::from_secs(60 * looks)
        }

        fn steady(&self) -> Duration {
            Duration::from_secs(60) * u32::try_from(self.looks.load(Ordering::Relaxed)).expect("not so many")
        }

        fn until_steady(&self, instant: Duration) -> Wait {
            let looks = Arc::clone(&self.looks);
            Box::pin(async move {
                // Who does something meanwhile is not hurried.
                tokio::time::sleep(Duration::from_millis(100)).await;
                let minutes = i64::try_from(instant.as_secs().div_ceil(60)).expect("not so many");
                looks.fetch_max(minutes, Ordering::Relaxed);
            })
        }

        fn until_wall(&self, _: Timestamp) -> Wait {
            self.until_steady(self.steady() + Duration::from_secs(60))
        }
    }

    struct Stage {
        foreman: ActorRef<ForemanMessage>,
        progress: watch::Receiver<Progress>,
        ended: oneshot::Receiver<Ended>,
        gone: JoinHandle<()>,
    }

    /// A foreman by this clock, with a cycle each minute.
    async fn hired(clock: Arc<dyn Clock>) -> Stage {
        let config = config::parse("test.toml", "execution_interval_seconds = 60\ntime_zone = 'UTC'\n");
        let setup =
            Arc::new(Setup::of(config.expect("it makes sense").config).expect("there is such a zone"));
        let ledger = Ledger::in_memory().expect("there is memory");
        let (clerk, _thread) = Clerk::hire(Book::of(ledger, Arc::clone(&setup), None)).expect("a thread");
        let board = Board {
            pid: 1,
            started: Timestamp::UNIX_EPOCH,
            version: String::new(),
            config: String::new(),
            doing: Doing::Starting,
            last_cycle: None,
            cycles: 0,
            failures_in_a_row: 0,
            complaints: Vec::new(),
        };
        let (progress, seen) = watch::channel(Progress { board: board.clone(), today: None });
        let (told, ended) = oneshot::channel();
        let arguments = ForemanArguments {
            kit: Kit { target: Arc::new(Broken), subjects: None, clock, clerk },
            setup,
            base: None,
            board,
            progress,
            notices: Box::new(|_| ()),
            emergency_stop: None,
            brake: CurrentBrake::default(),
            ended: told,
        };
        let (foreman, gone) = spawn(arguments).await.expect("it can be hired");
        Stage { foreman, progress: seen, ended, gone }
    }

    /// Waits until the board says this.
    async fn until(progress: &mut watch::Receiver<Progress>, is_so: impl Fn(&Board) -> bool) {
        let seen = progress.wait_for(|progress| is_so(&progress.board));
        let seen = tokio::time::timeout(Duration::from_secs(10), seen).await;
        assert!(seen.is_ok_and(|seen| seen.is_ok()), "{:?}", progress.borrow().board);
    }

    #[tokio::test]
    async fn a_cycle_begins_though_slots_pass_faster_than_they_are_settled() {
        let mut stage = hired(Arc::new(Hasty::default())).await;
        // The second: before the first nothing was missed.
        until(&mut stage.progress, |board| matches!(board.doing, Doing::Cycle { number: 2, .. })).await;
        stage.foreman.stop(None);
    }

    #[tokio::test]
    async fn a_cycle_that_a_bug_ends_has_failed_and_the_next_one_comes() {
        let mut stage = hired(Arc::new(Hasty::default())).await;
        until(&mut stage.progress, |board| board.last_cycle.as_ref().is_some_and(|last| last.number == 2))
            .await;
        let failure = stage.progress.borrow().board.last_cycle.as_ref().and_then(|last| last.failure.clone());
        assert!(failure.is_some(), "it has failed");
        stage.foreman.stop(None);
    }

    #[tokio::test]
    async fn a_stop_is_heard_while_slots_pass_faster_than_they_are_settled() {
        let Stage { foreman, mut progress, ended, gone } = hired(Arc::new(Hasty::default())).await;
        // From then on there is always a slot that was missed.
        until(&mut progress, |board| board.last_cycle.is_some()).await;
        foreman.cast(ForemanMessage::Stop("a test".to_owned())).expect("it is there");
        let ended = tokio::time::timeout(Duration::from_secs(10), ended).await.expect("in time");
        assert_eq!(ended, Ok(Ended::Stopped("a test".to_owned())));
        gone.await.expect("it goes in good order");
    }
}
