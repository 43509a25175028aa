//! The heartbeat: that the daemon lives, and whether it gets on.
//!
//! An actor beats by the clock, each hour if nothing else is said, and looks at the progress that the foreman
//! shows. It asks nobody: a foreman who is stuck cannot keep it from saying so. What a daemon waits for (the
//! next slot, the end of a cooldown) is no standstill, however long it takes; that it still waits when that
//! has come is one, and so is a cycle without end.

use crate::board::{Board, Doing};
use crate::clock::Clock;
use crate::crew::foreman::Progress;
use jiff::{SignedDuration, Timestamp};
use ractor::{Actor, ActorProcessingErr, ActorRef, SpawnErr};
use serde::Serialize;
use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};
use tracing::{error, info};

/// How long something may go on after it was to have ended.
const WAIT_MAX: Duration = Duration::from_secs(5 * 60);

/// What a cycle may take beyond twice the interval: tries again, answers that are waited for, a slow disk.
const CYCLE_MARGIN: Duration = Duration::from_secs(10 * 60);

/// How long things may take before they are a standstill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Beginning, and doing what was waited for.
    pub wait: Duration,
    /// A cycle.
    pub cycle: Duration,
}

impl Patience {
    /// For cycles that follow each other at this interval.
    pub fn of(interval: Duration) -> Self {
        Self { wait: WAIT_MAX, cycle: 2 * interval + CYCLE_MARGIN }
    }
}

/// A beat: how it stands at an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Beat {
    /// The instant.
    pub at: Timestamp,
    /// Cycles since the daemon lives.
    pub cycles: u64,
    /// The number of the last that has ended.
    pub last_cycle: Option<u64>,
    /// When it ended.
    pub last_cycle_ended: Option<Timestamp>,
    /// Seconds since then.
    pub last_cycle_age_seconds: Option<u64>,
    /// What should have come about long ago; `None` where all is well.
    pub overdue: Option<String>,
}

impl Beat {
    /// Of what the board says at an instant.
    pub fn of(board: &Board, at: Timestamp, patience: Patience) -> Self {
        let last = board.last_cycle.as_ref();
        Self {
            at,
            cycles: board.cycles,
            last_cycle: last.map(|last| last.number),
            last_cycle_ended: last.map(|last| last.ended),
            last_cycle_age_seconds: last.map(|last| since(last.ended, at).as_secs()),
            overdue: overdue(board, at, patience),
        }
    }
}

impl Display for Beat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.last_cycle, self.last_cycle_age_seconds) {
            (Some(number), Some(age)) => {
                let age = told(Duration::from_secs(age));
                write!(f, "{} cycles, the last, cycle {number}, ended {age} ago", self.cycles)?;
            }
            _ => f.write_str("no cycle has ended yet")?,
        }
        match &self.overdue {
            Some(overdue) => write!(f, "; no progress: {overdue}"),
            None => Ok(()),
        }
    }
}

fn overdue(board: &Board, at: Timestamp, patience: Patience) -> Option<String> {
    let (since_when, may_take) = match &board.doing {
        Doing::Starting => (board.started, patience.wait),
        Doing::Waiting { until, .. } => (*until, patience.wait),
        Doing::Cycle { since, .. } => (*since, patience.cycle),
        // Whoever ended it waits for it, with a time limit.
        Doing::Ending | Doing::Ended { .. } => return None,
    };
    let lasts = since(since_when, at);
    let what = match &board.doing {
        Doing::Cycle { number, .. } => format!("cycle {number} has gone on for"),
        Doing::Waiting { .. } => "what is waited for came about, unheeded, before".to_owned(),
        _ => "it has been starting for".to_owned(),
    };
    (lasts > may_take).then(|| format!("{what} {}", told(lasts)))
}

/// From one instant to another; a wall that was put back makes no span of less than none.
fn since(earlier: Timestamp, at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(earlier)).unwrap_or_default()
}

/// A span for people, to the second.
fn told(span: Duration) -> String {
    let whole = SignedDuration::from_secs(i64::try_from(span.as_secs()).unwrap_or(i64::MAX));
    format!("{whole:#}")
}

/// What the heartbeat is given.
pub struct HeartbeatArguments {
    /// The foreman's progress.
    pub progress: watch::Receiver<Progress>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// From one beat to the next.
    pub every: Duration,
    /// How long things may take.
    pub patience: Patience,
    /// Who is told of each beat besides the log.
    pub told: Box<dyn Fn(&Beat) + Send>,
}

/// The actor.
#[derive(Debug)]
pub struct Heartbeat;

/// What it is told: that the time has come.
#[derive(Clone, Copy, Debug)]
pub struct Tick;

/// What the actor owns.
pub struct HeartbeatState {
    arguments: HeartbeatArguments,
    /// The next beat, by the steady clock.
    due: Duration,
    timer: AbortHandle,
}

impl Actor for Heartbeat {
    type Msg = Tick;
    type State = HeartbeatState;
    type Arguments = HeartbeatArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<Tick>,
        arguments: HeartbeatArguments,
    ) -> Result<HeartbeatState, ActorProcessingErr> {
        let due = arguments.clock.steady() + arguments.every;
        let timer = tick_at(due, &arguments.clock, myself);
        Ok(HeartbeatState { arguments, due, timer })
    }

    async fn handle(
        &self,
        myself: ActorRef<Tick>,
        _: Tick,
        state: &mut HeartbeatState,
    ) -> Result<(), ActorProcessingErr> {
        if state.arguments.progress.has_changed().is_err() {
            myself.stop(Some("there is no foreman any more".to_owned()));
            return Ok(());
        }
        state.beat();
        state.timer = tick_at(state.next(), &state.arguments.clock, myself);
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<Tick>,
        state: &mut HeartbeatState,
    ) -> Result<(), ActorProcessingErr> {
        state.timer.abort();
        Ok(())
    }
}

impl HeartbeatState {
    fn beat(&self) {
        let HeartbeatArguments { progress, clock, patience, told, .. } = &self.arguments;
        let beat = Beat::of(&progress.borrow().board, clock.wall(), *patience);
        if beat.overdue.is_some() {
            error!("heartbeat: {beat}")
        } else {
            info!("heartbeat: {beat}")
        }
        told(&beat);
    }

    /// Beats keep their distance from the first; those that a standstill of the machine left out stay so.
    fn next(&mut self) -> Duration {
        let now = self.arguments.clock.steady();
        while self.due <= now {
            self.due += self.arguments.every.max(Duration::from_secs(1));
        }
        self.due
    }
}

fn tick_at(due: Duration, clock: &Arc<dyn Clock>, heartbeat: ActorRef<Tick>) -> AbortHandle {
    let wait = clock.until_steady(due);
    let timer = tokio::spawn(async move {
        wait.await;
        // One that is gone needs none.
        let _ = heartbeat.cast(Tick);
    });
    timer.abort_handle()
}

/// Spawns a heartbeat, which first beats after its interval.
///
/// # Errors
/// If no actor can be spawned.
pub async fn spawn(arguments: HeartbeatArguments) -> Result<(ActorRef<Tick>, JoinHandle<()>), SpawnErr> {
    Actor::spawn(None, Heartbeat, arguments).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::LastCycle;
    use crate::clock::SimulatedClock;
    use tokio::sync::mpsc;

    const STARTED: &str = "2026-03-29T00:00:00Z";

    fn after(minutes: i64) -> Timestamp {
        STARTED.parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
    }

    fn board(doing: Doing) -> Board {
        Board {
            pid: 1,
            started: after(0),
            version: "1".to_owned(),
            config: "c".to_owned(),
            doing,
            last_cycle: None,
            cycles: 0,
            failures_in_a_row: 0,
            complaints: Vec::new(),
        }
    }

    fn last_cycle(number: u64, ended: Timestamp) -> Option<LastCycle> {
        Some(LastCycle { number, slot: ended, ended, made: 3, succeeded: 3, failure: None })
    }

    fn patience() -> Patience {
        Patience::of(Duration::from_secs(900))
    }

    #[test]
    fn a_beat_tells_the_last_cycle_and_its_age() {
        let mut board = board(Doing::Waiting { until: after(75), because: None });
        assert_eq!(Beat::of(&board, after(60), patience()).to_string(), "no cycle has ended yet");
        board.last_cycle = last_cycle(412, after(-3));
        board.cycles = 4;
        let beat = Beat::of(&board, after(60), patience());
        assert_eq!(beat.to_string(), "4 cycles, the last, cycle 412, ended 1h 3m ago");
        assert_eq!((beat.last_cycle, beat.last_cycle_age_seconds), (Some(412), Some(3_780)));
        let put_back = Beat::of(&board, after(-60), patience());
        assert_eq!(put_back.last_cycle_age_seconds, Some(0));
    }

    #[test]
    fn waiting_is_no_standstill_until_what_is_waited_for_has_long_come() {
        let waiting = Doing::Waiting { until: after(600), because: Some("cooldown".to_owned()) };
        let cycle = Doing::Cycle { number: 7, slot: after(0), since: after(0) };
        let ended = Doing::Ended { at: after(0), why: "SIGTERM".to_owned() };
        for (doing, last_well, overdue) in [
            (Doing::Starting, 5, Some("it has been starting for 6m")),
            (waiting, 605, Some("what is waited for came about, unheeded, before 6m")),
            (cycle, 40, Some("cycle 7 has gone on for 41m")),
            (Doing::Ending, 9_000, None),
            (ended, 9_000, None),
        ] {
            let board = board(doing);
            let at = |minutes| Beat::of(&board, after(minutes), patience());
            assert_eq!(at(last_well).overdue, None, "{board:?}");
            assert_eq!(at(last_well + 1).overdue.as_deref(), overdue, "{board:?}");
        }
        let stuck = Beat::of(&board(Doing::Starting), after(6), patience());
        assert_eq!(stuck.to_string(), "no cycle has ended yet; no progress: it has been starting for 6m");
    }

    #[tokio::test]
    async fn the_heart_beats_by_the_clock_and_ends_with_the_foreman() {
        let clock = SimulatedClock::at(after(0));
        let shown =
            Progress { board: board(Doing::Waiting { until: after(15), because: None }), today: None };
        let (foreman, progress) = watch::channel(shown);
        let (told, mut beats) = mpsc::unbounded_channel();
        let told = Box::new(move |beat: &Beat| {
            let _ = told.send(beat.clone());
        });
        let every = Duration::from_secs(3_600);
        let clock_of_it: Arc<dyn Clock> = Arc::new(clock.clone());
        let arguments =
            HeartbeatArguments { progress, clock: clock_of_it, every, patience: patience(), told };
        let (_heartbeat, ended) = spawn(arguments).await.unwrap();
        let mut next = async |clock: &SimulatedClock| loop {
            match beats.try_recv() {
                Ok(beat) => return beat,
                Err(_) => {
                    tokio::task::yield_now().await;
                    clock.jump();
                }
            }
        };
        // Nobody changes anything: the foreman is stuck.
        let beat = next(&clock).await;
        assert_eq!((beat.at, beat.overdue.is_some()), (after(60), true));
        foreman.send_modify(|progress| {
            progress.board.doing = Doing::Waiting { until: after(120), because: None };
            progress.board.last_cycle = last_cycle(1, after(61));
        });
        let beat = next(&clock).await;
        assert_eq!((beat.at, beat.last_cycle, beat.overdue), (after(120), Some(1), None));
        drop(foreman);
        while !ended.is_finished() {
            assert!(clock.wall() <= after(180), "it goes on without a foreman");
            tokio::task::yield_now().await;
            clock.jump();
        }
        assert_eq!(clock.wall(), after(180), "no timer is left");
    }
}
