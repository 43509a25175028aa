//! The one clock: wall and steady time, and waiting for either.
//!
//! The **wall** says which slot it is; it may be set, forward and back. The **steady** clock only goes on:
//! spans, timeouts and the instants of a batch's sends are taken by it. Nothing else in this crate asks the
//! system for the time, so a rehearsal or a test plays the same code by a [`SimulatedClock`].

use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::fmt::{self, Debug, Formatter};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

/// The longest sleep of one that waits for the wall: how long it may take until it notices that the wall
/// was set.
const WALL_LOOK: Duration = Duration::from_secs(1);

/// A wait for an instant; whoever drops it waits no longer.
pub type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Wall and steady time.
pub trait Clock: Debug + Send + Sync {
    /// What people's clocks show. Nothing follows from the difference of two of these but what is told.
    fn wall(&self) -> Timestamp;

    /// Since this clock's own beginning; never less than before.
    fn steady(&self) -> Duration;

    /// Until the steady clock shows this, or at once. By the system's clock within 1 to 2 ms after it,
    /// which is how finely the runtime's timers go; nobody spins for the rest.
    fn until_steady(&self, instant: Duration) -> Wait;

    /// Until the wall shows this or more, or at once; a wall that is set meanwhile is taken as it then is.
    fn until_wall(&self, instant: Timestamp) -> Wait;
}

/// The system's clock, for use in a Tokio runtime with timers.
///
/// Its steady time stands still while the machine is suspended.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// Its steady time begins now.
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    fn steady(&self) -> Duration {
        self.origin.elapsed()
    }

    fn until_steady(&self, instant: Duration) -> Wait {
        match self.origin.checked_add(instant) {
            Some(instant) => Box::pin(tokio::time::sleep_until(instant.into())),
            None => Box::pin(std::future::pending()),
        }
    }

    fn until_wall(&self, instant: Timestamp) -> Wait {
        let clock = *self;
        Box::pin(async move {
            while let Ok(left) = Duration::try_from(instant.duration_since(clock.wall()))
                && !left.is_zero()
            {
                tokio::time::sleep(left.min(WALL_LOOK)).await;
            }
        })
    }
}

/// Ends what takes too long, at little cost for what does not: a timer is set once in a while, however many
/// futures are raced against it.
pub struct Alarm {
    clock: Arc<dyn Clock>,
    /// What the timer waits for, which may be an instant before the deadline that holds now.
    set: Option<(Duration, Wait)>,
}

impl Debug for Alarm {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarm").field("clock", &self.clock).finish_non_exhaustive()
    }
}

impl Alarm {
    /// By this clock.
    pub fn by(clock: Arc<dyn Clock>) -> Self {
        Self { clock, set: None }
    }

    /// What a future gives, or `None` if it has not ended at an instant of the steady clock. The future stays
    /// where it is, for moving a large one costs more than all else here.
    pub async fn race<F: Future>(
        &mut self,
        deadline: Duration,
        mut future: Pin<&mut F>,
    ) -> Option<F::Output> {
        poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => self.poll_due(deadline, context).map(|()| None),
        })
        .await
    }

    fn poll_due(&mut self, deadline: Duration, context: &mut Context<'_>) -> Poll<()> {
        // One that is set for later than this deadline would miss it.
        self.set.take_if(|(instant, _)| *instant > deadline);
        loop {
            let (instant, wait) =
                self.set.get_or_insert_with(|| (deadline, self.clock.until_steady(deadline)));
            let instant = *instant;
            ready!(wait.as_mut().poll(context));
            self.set = None;
            if instant >= deadline {
                return Poll::Ready(());
            }
        }
    }
}

/// A clock that stands still until it is told to go on: for rehearsals and tests.
///
/// Clones are one clock. A rehearsal's runtime runs in one thread and is built with
/// `on_thread_park(move || { clock.jump(); })`: whenever all that there is to do is to wait, the time jumps
/// to the next instant for which somebody does.
#[derive(Clone, Debug)]
pub struct SimulatedClock {
    state: Arc<Mutex<Simulated>>,
}

#[derive(Debug)]
struct Simulated {
    wall: Timestamp,
    steady: Duration,
    /// Who waits, by the order in which they came.
    waiters: BTreeMap<u64, (Goal, Waker)>,
    waits_made: u64,
}

/// The instant that somebody waits for.
#[derive(Clone, Copy, Debug)]
enum Goal {
    Steady(Duration),
    Wall(Timestamp),
}

impl SimulatedClock {
    /// At this wall time, and at the beginning of its steady time.
    pub fn at(wall: Timestamp) -> Self {
        let state = Simulated { wall, steady: Duration::ZERO, waiters: BTreeMap::new(), waits_made: 0 };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Lets both go on in one go, as they do for a process that was stopped meanwhile.
    pub fn advance(&self, by: Duration) {
        self.state().advance(by);
    }

    /// Sets the wall, forward or back, as a time server or an operator does; the steady clock stays.
    pub fn set_wall(&self, by: SignedDuration) {
        let mut state = self.state();
        state.wall = state.wall.saturating_add(by).unwrap_or(Timestamp::MAX);
        state.wake_due();
    }

    /// Goes on to the next instant for which somebody waits. Says whether anybody did.
    pub fn jump(&self) -> bool {
        let mut state = self.state();
        let next = state.waiters.values().map(|(goal, _)| state.until(*goal)).min();
        next.inspect(|by| state.advance(*by)).is_some()
    }

    fn wait(&self, goal: Goal) -> Wait {
        Box::pin(SimulatedWait { clock: self.clone(), goal, key: None })
    }

    fn state(&self) -> MutexGuard<'_, Simulated> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for SimulatedClock {
    fn wall(&self) -> Timestamp {
        self.state().wall
    }

    fn steady(&self) -> Duration {
        self.state().steady
    }

    fn until_steady(&self, instant: Duration) -> Wait {
        self.wait(Goal::Steady(instant))
    }

    fn until_wall(&self, instant: Timestamp) -> Wait {
        self.wait(Goal::Wall(instant))
    }
}

impl Simulated {
    fn advance(&mut self, by: Duration) {
        self.steady = self.steady.saturating_add(by);
        self.wall = self.wall.saturating_add(by).unwrap_or(Timestamp::MAX);
        self.wake_due();
    }

    /// From now to what somebody waits for; zero when it is there.
    fn until(&self, goal: Goal) -> Duration {
        match goal {
            Goal::Steady(instant) => instant.saturating_sub(self.steady),
            Goal::Wall(instant) => Duration::try_from(instant.duration_since(self.wall)).unwrap_or_default(),
        }
    }

    fn wake_due(&mut self) {
        for (goal, waker) in self.waiters.values() {
            if self.until(*goal).is_zero() {
                waker.wake_by_ref();
            }
        }
    }
}

/// A wait by a simulated clock. It is among the waiters from its first poll to its end.
struct SimulatedWait {
    clock: SimulatedClock,
    goal: Goal,
    key: Option<u64>,
}

impl Future for SimulatedWait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let clock = self.clock.clone();
        let mut state = clock.state();
        if state.until(self.goal).is_zero() {
            if let Some(key) = self.key.take() {
                state.waiters.remove(&key);
            }
            return Poll::Ready(());
        }
        let key = *self.key.get_or_insert_with(|| {
            state.waits_made += 1;
            state.waits_made
        });
        state.waiters.insert(key, (self.goal, context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for SimulatedWait {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.clock.state().waiters.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;

    fn clock() -> SimulatedClock {
        SimulatedClock::at("2026-03-29T00:30:00Z".parse().unwrap())
    }

    fn is_over(wait: &mut Wait) -> bool {
        wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn both_go_on_together() {
        let clock = clock();
        clock.advance(Duration::from_millis(1_500));
        assert_eq!(clock.steady(), Duration::from_millis(1_500));
        assert_eq!(clock.wall().to_string(), "2026-03-29T00:30:01.5Z");
    }

    #[test]
    fn a_wall_that_is_set_leaves_the_steady_clock_alone() {
        for by in [1, 3_600, 86_400].into_iter().flat_map(|by| [by, -by]).map(SignedDuration::from_secs) {
            let clock = clock();
            let before = clock.wall();
            let mut steady = clock.until_steady(Duration::from_secs(1));
            let mut wall = clock.until_wall(before + Duration::from_secs(60));
            assert!(!is_over(&mut steady) && !is_over(&mut wall));
            clock.set_wall(by);
            assert_eq!((clock.wall().duration_since(before), clock.steady()), (by, Duration::ZERO));
            assert!(!is_over(&mut steady));
            assert_eq!(is_over(&mut wall), by >= SignedDuration::from_secs(60));
        }
    }

    #[test]
    fn a_jump_goes_to_the_next_instant_that_is_waited_for() {
        let clock = clock();
        let mut late = clock.until_steady(Duration::from_secs(9));
        let mut soon = clock.until_wall(clock.wall() + Duration::from_secs(5));
        assert!(!is_over(&mut late) && !is_over(&mut soon));
        assert!(clock.jump());
        assert_eq!(clock.steady(), Duration::from_secs(5));
        assert!(is_over(&mut soon) && !is_over(&mut late));
        drop(late);
        assert!(!clock.jump());
        assert_eq!(clock.steady(), Duration::from_secs(5));
    }

    #[test]
    fn a_parked_runtime_jumps_from_wait_to_wait() {
        let clock = clock();
        let parked = clock.clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .on_thread_park(move || {
                parked.jump();
            })
            .build()
            .unwrap();
        let beginning = clock.wall();
        runtime.block_on(async {
            let other = clock.clone();
            let hours = tokio::spawn(async move {
                for hour in 1..=24 * 400 {
                    other.until_steady(Duration::from_secs(3_600 * hour)).await;
                }
            });
            clock.until_wall(beginning + Duration::from_secs(86_400)).await;
            assert_eq!(clock.steady(), Duration::from_secs(86_400));
            hours.await.unwrap();
        });
        assert_eq!(clock.steady(), Duration::from_secs(86_400 * 400));
    }

    #[test]
    fn an_alarm_holds_the_deadline_of_each_race() {
        let clock = clock();
        let mut alarm = Alarm::by(Arc::new(clock.clone()));
        let ms = Duration::from_millis;
        let mut race = |deadline, advance| {
            let never = pin!(std::future::pending::<()>());
            let mut race = pin!(alarm.race(deadline, never));
            let mut poll = || race.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(poll().is_pending());
            clock.advance(advance);
            poll().is_ready()
        };
        assert!(!race(ms(100), ms(50)));
        assert!(!race(ms(200), ms(100)), "the timer of the race before is set to an earlier instant");
        assert!(race(ms(200), ms(50)));
        assert!(!race(ms(900), ms(50)));
        assert!(race(ms(300), ms(50)), "the timer of the race before is set to a later instant");
        assert_eq!(clock.steady(), ms(300));
    }

    #[tokio::test]
    async fn the_systems_clock_is_waited_for() {
        let clock = SystemClock::start();
        let (steady, wall) = (clock.steady(), clock.wall());
        let short = Duration::from_millis(3);
        clock.until_steady(steady + short).await;
        assert!(clock.steady() >= steady + short);
        clock.until_wall(wall + short).await;
        clock.until_wall(wall - Duration::from_secs(5)).await;
    }

    #[tokio::test]
    async fn a_wait_may_be_moved_to_another_task() {
        let clock = clock();
        let mut wait = clock.until_steady(Duration::from_secs(1));
        assert!(!is_over(&mut wait));
        let moved = tokio::spawn(std::future::poll_fn(move |context| {
            ready!(wait.as_mut().poll(context));
            Poll::Ready(())
        }));
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(1));
        moved.await.unwrap();
    }
}
