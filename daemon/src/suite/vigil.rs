//! Asking a suite's canaries, before the tests of a run.

use super::{Bench, Case, Suite};
use crate::clock::Clock;
use crate::send::{Ask, Subject};
use crate::sender::caught;
use crate::target::{Lane, Target};
use days::guardrail::vigil::TRIES_MAX;
use days::guardrail::{Canary, Verdict, Vigil};
use days::order::Kind;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// Who asks canaries, whom, and by which way.
#[derive(Debug)]
pub struct Watch<'w, T: Target> {
    /// The target of the run.
    pub target: &'w T,
    /// One of its lanes.
    pub lane: &'w mut T::Lane,
    /// The clock that answers are awaited by.
    pub clock: &'w dyn Clock,
    /// The agent that is asked.
    pub subject: Arc<Subject>,
}

impl<T: Target> Watch<'_, T> {
    /// Asks both canaries, each until it comes to something or has been tried [`TRIES_MAX`] times, within the
    /// target's limits, and in no more time than two answers may take. Before each try `may_send` is asked;
    /// where it says no, nothing is sent any more. A canary that comes to nothing leaves the judges unproven,
    /// whatever the other would show, so that one is not asked.
    pub async fn keep(mut self, suite: &Suite, bench: &Bench, may_send: impl Fn() -> bool + Send) -> Vigil {
        let end = self.clock.steady() + 2 * self.target.timeout();
        let mut verdicts = [Verdict::Undetermined; 2];
        for (verdict, canary) in verdicts.iter_mut().zip(Canary::ALL) {
            *verdict = self.outcome(suite.canary(canary), bench, end, &may_send).await;
            if *verdict == Verdict::Undetermined {
                break;
            }
        }
        let [blocked, let_through] = verdicts;
        Vigil::of(blocked, let_through)
    }

    /// What a canary comes to.
    async fn outcome(
        &mut self,
        case: &Arc<Case>,
        bench: &Bench,
        end: Duration,
        may_send: &(impl Fn() -> bool + Send),
    ) -> Verdict {
        let ask = Ask {
            kind: Kind::Guardrails,
            number: 0,
            subject: self.subject.clone(),
            case: Some(case.clone()),
            query: case.query.clone(),
        };
        let mut wait = Duration::ZERO;
        for _ in 0..TRIES_MAX {
            let Some(deadline) = Self::turn(self.target, self.clock, wait, end).await.filter(|_| may_send())
            else {
                return Verdict::Undetermined;
            };
            // By a bug in how a target is asked its judges are unproven, and nobody else is held up.
            let Ok(answer) = caught(pin!(self.lane.ask(&ask, deadline))).await else {
                return Verdict::Undetermined;
            };
            let verdict = bench.judge(case, &answer).verdict();
            if verdict != Verdict::Undetermined {
                return verdict;
            }
            wait = answer.retry_after.unwrap_or_default();
        }
        Verdict::Undetermined
    }

    /// Waits for the next try, which is not before so long from now, and says until when it may take; `None`
    /// where that would be too late.
    async fn turn(target: &T, clock: &dyn Clock, wait: Duration, end: Duration) -> Option<Duration> {
        let free = clock.steady().saturating_add(wait);
        if free >= end {
            return None;
        }
        if !wait.is_zero() {
            clock.until_steady(free).await;
        }
        let now = clock.steady();
        // Not before it can be used: an instant that is reserved is nobody else's.
        let turn = match target.cap() {
            Some(cap) => cap.reserve_before(now, end)?,
            None => now,
        };
        if turn > now {
            clock.until_steady(turn).await;
        }
        (turn < end).then(|| end.min(turn + target.timeout()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SimulatedClock;
    use crate::send::{Answer, Failure, FailureKind};
    use crate::suite::{BUILTIN, file};
    use crate::target::{Complaint, RateCap};
    use std::sync::Mutex;

    /// Says what is in a list, from its end, and then nothing; its answers take a while.
    struct Listed {
        answers: Arc<Mutex<Vec<Answer>>>,
        asked: Arc<Mutex<Vec<Duration>>>,
        clock: SimulatedClock,
        takes: Duration,
        cap: Option<Arc<RateCap>>,
    }

    struct ListedLane {
        answers: Arc<Mutex<Vec<Answer>>>,
        asked: Arc<Mutex<Vec<Duration>>>,
        clock: SimulatedClock,
        takes: Duration,
    }

    impl Target for Listed {
        type Lane = ListedLane;

        fn lane(&self) -> ListedLane {
            ListedLane {
                answers: self.answers.clone(),
                asked: self.asked.clone(),
                clock: self.clock.clone(),
                takes: self.takes,
            }
        }

        async fn validate(&self) -> Result<(), Complaint> {
            Ok(())
        }

        fn cap(&self) -> Option<&RateCap> {
            self.cap.as_deref()
        }
    }

    impl Lane for ListedLane {
        async fn ask(&mut self, _: &Ask, deadline: Duration) -> Answer {
            self.asked.lock().unwrap().push(self.clock.steady());
            assert!(self.takes < BUG, "a bug, for a test");
            let left = deadline - self.clock.steady();
            self.clock.advance(self.takes.min(left));
            self.answers.lock().unwrap().pop().unwrap_or_else(|| failed(None))
        }
    }

    fn failed(retry_after: Option<Duration>) -> Answer {
        let failure = Failure { kind: FailureKind::RateLimited, error: "429".to_owned() };
        Answer { failure: Some(failure), retry_after, ..Answer::default() }
    }

    fn said(text: &str) -> Answer {
        Answer { text: text.to_owned(), ..Answer::default() }
    }

    /// A lane that takes as long has a bug.
    const BUG: Duration = Duration::MAX;

    const SECOND: Duration = Duration::from_secs(1);

    /// The vigil, and when canaries were asked.
    async fn vigil(
        mut answers: Vec<Answer>,
        takes: Duration,
        cap: Option<Arc<RateCap>>,
    ) -> (Vigil, Vec<Duration>) {
        answers.reverse();
        let clock = SimulatedClock::at("2026-01-06T10:30:00Z".parse().unwrap());
        let target = Listed {
            answers: Arc::new(Mutex::new(answers)),
            asked: Arc::default(),
            clock: clock.clone(),
            takes,
            cap,
        };
        let (name, text) = BUILTIN[0];
        let suite = file::parse(name, text).unwrap();
        let mut lane = target.lane();
        let watch = Watch { target: &target, lane: &mut lane, clock: &clock, subject: Arc::default() };
        let bench = Bench::of(&suite);
        let mut keeping = Box::pin(watch.keep(&suite, &bench, || true));
        let vigil = loop {
            match polled(&mut keeping) {
                Some(vigil) => break vigil,
                None => assert!(clock.jump(), "nobody waits for anything"),
            }
        };
        drop(keeping);
        let asked = target.asked.lock().unwrap().clone();
        (vigil, asked)
    }

    fn polled<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::Pin::new(future).poll(&mut context) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        }
    }

    fn right() -> Vec<Answer> {
        vec![said("I am sorry, but I cannot help with that."), said("north_lighthouse")]
    }

    #[tokio::test]
    async fn a_canary_that_comes_to_nothing_is_tried_again() {
        let answers = [vec![failed(None), failed(None)], right()].concat();
        let (vigil, asked) = vigil(answers, Duration::ZERO, None).await;
        assert_eq!((vigil, asked.len()), (Vigil::Awake, 4));
    }

    #[tokio::test]
    async fn tries_come_to_an_end_and_the_other_canary_is_not_asked() {
        let (vigil, asked) = vigil(Vec::new(), Duration::ZERO, None).await;
        assert_eq!((vigil, asked.len()), (Vigil::Unproven, TRIES_MAX as usize));
    }

    #[tokio::test]
    async fn a_bug_in_asking_leaves_the_judges_unproven_and_nothing_else() {
        let (vigil, asked) = vigil(right(), BUG, None).await;
        assert_eq!((vigil, asked.len()), (Vigil::Unproven, 1));
    }

    #[tokio::test]
    async fn a_target_that_never_answers_takes_the_time_of_two_answers() {
        let (vigil, asked) = vigil(Vec::new(), 1000 * SECOND, None).await;
        assert_eq!((vigil, asked), (Vigil::Unproven, vec![Duration::ZERO, crate::target::TIMEOUT_DEFAULT]));
    }

    #[tokio::test]
    async fn a_target_that_wants_to_be_left_alone_is_left_alone() {
        let answers = [vec![failed(Some(7 * SECOND))], right()].concat();
        let (vigil_soon, asked) = vigil(answers, Duration::ZERO, None).await;
        assert_eq!((vigil_soon, asked), (Vigil::Awake, vec![Duration::ZERO, 7 * SECOND, 7 * SECOND]));
        let answers = [vec![failed(Some(3600 * SECOND))], right()].concat();
        let (vigil_late, asked) = vigil(answers, Duration::ZERO, None).await;
        assert_eq!((vigil_late, asked.len()), (Vigil::Unproven, 1));
    }

    #[tokio::test]
    async fn who_waits_with_a_canary_holds_up_nobody_else() {
        let cap = Arc::new(RateCap::per_second(0.5).unwrap());
        let others = Arc::clone(&cap);
        let answers = vec![failed(Some(7 * SECOND)), failed(Some(3600 * SECOND))];
        let (_, asked) = vigil(answers, Duration::ZERO, Some(cap)).await;
        assert_eq!(asked, [Duration::ZERO, 7 * SECOND]);
        assert_eq!(others.reserve(2 * SECOND), 9 * SECOND);
    }

    #[tokio::test]
    async fn canaries_keep_to_the_targets_rate() {
        let cap = Arc::new(RateCap::per_second(0.5).unwrap());
        let (vigil, asked) = vigil(right(), Duration::ZERO, Some(cap)).await;
        assert_eq!((vigil, asked), (Vigil::Awake, vec![Duration::ZERO, 2 * SECOND]));
    }
}
