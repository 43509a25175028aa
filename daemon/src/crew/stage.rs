//! A stage of a cycle: what may go wrong in it ends it, and nothing else.
//!
//! Each stage runs as a task of its own, with a time limit. Whatever it does, whoever waits for it learns in
//! time what came of it: a value, an error with all that led to it, a panic, or that it took too long. A
//! stage that took too long is cut off where it next waits.

use crate::clock::Clock;
use std::error::Error;
use std::fmt;
use std::time::Duration;
use tokio::task::{JoinError, JoinHandle};

/// The stages, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Whether there is anything to be sent to, and all that it takes.
    Validate,
    /// What is to be asked, and of whom.
    Prepare,
    /// The sends themselves.
    Send,
    /// What guardrail tests came to.
    Judge,
    /// Writing down how the cycle ended.
    Record,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Validate => "validate",
            Stage::Prepare => "prepare",
            Stage::Send => "send",
            Stage::Judge => "judge",
            Stage::Record => "record",
        })
    }
}

/// A stage that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{stage}: {how}")]
pub struct StageError {
    /// Which one.
    pub stage: Stage,
    /// How it ended.
    pub how: Broken,
}

/// How a stage came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// With an error, told with all that led to it.
    #[error("{0}")]
    Error(String),
    /// With a panic: a bug.
    #[error("internal error: {0}")]
    Panic(String),
    /// It took longer than it may.
    #[error("not done within {} s", .0.as_secs_f64())]
    Timeout(Duration),
}

/// An error with all that led to it, in one line: `cannot do this: because of that: and that`.
pub fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Errors that are told by their causes repeat them.
        if !line.ends_with(&cause_text) {
            line.push_str(": ");
            line.push_str(&cause_text);
        }
        source = cause.source();
    }
    line
}

/// Carries out a stage.
///
/// # Errors
/// What came of it, if it was not a value.
pub async fn carry_out<T, E>(
    clock: &dyn Clock,
    stage: Stage,
    limit: Duration,
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, StageError>
where
    T: Send + 'static,
    E: Error + Send + 'static,
{
    let broken = |how| StageError { stage, how };
    let mut task = CutOff(tokio::spawn(work));
    let end = clock.steady().saturating_add(limit);
    tokio::select! {
        // What is done in time counts, even if nobody looked before the time was over.
        biased;
        ended = &mut task.0 => match ended {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(broken(Broken::Error(chain(&error)))),
            Err(panic) => Err(broken(Broken::Panic(told(panic)))),
        },
        () = clock.until_steady(end) => Err(broken(Broken::Timeout(limit))),
    }
}

/// A task that does not outlive whoever waits for it.
struct CutOff<T>(JoinHandle<T>);

impl<T> Drop for CutOff<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn told(ended: JoinError) -> String {
    match ended.try_into_panic() {
        Ok(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned())
        }
        Err(cancelled) => cancelled.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SimulatedClock;
    use std::future::pending;
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("the target does not answer")]
    struct Deep(#[source] io::Error);

    fn clock() -> SimulatedClock {
        SimulatedClock::at("2026-03-29T00:30:00Z".parse().expect("an instant"))
    }

    const LIMIT: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn what_a_stage_comes_to_is_told() {
        let clock = clock();
        let done = carry_out(&clock, Stage::Prepare, LIMIT, async { Ok::<_, io::Error>(7) }).await;
        assert_eq!(done, Ok(7));
        let refused = Deep(io::Error::other("refused"));
        let failed = carry_out(&clock, Stage::Send, LIMIT, async { Err::<(), _>(refused) }).await;
        let told = failed.expect_err("it failed").to_string();
        assert_eq!(told, "send: the target does not answer: refused");
    }

    #[tokio::test]
    async fn a_panic_ends_its_stage_and_nothing_else() {
        let work = async {
            if clock().steady().is_zero() {
                panic!("index out of bounds");
            }
            Ok::<_, io::Error>(())
        };
        let failed = carry_out(&clock(), Stage::Judge, LIMIT, work).await.expect_err("it panicked");
        assert_eq!(failed.how, Broken::Panic("index out of bounds".to_owned()));
    }

    #[tokio::test]
    async fn a_stage_that_takes_too_long_is_cut_off() {
        let clock = clock();
        let (alive, mut gone) = tokio::sync::mpsc::channel::<()>(1);
        let work = async move {
            let _alive = alive;
            pending::<Result<(), io::Error>>().await
        };
        let other = clock.clone();
        let waiting = tokio::spawn(async move { carry_out(&other, Stage::Record, LIMIT, work).await });
        while !clock.jump() {
            tokio::task::yield_now().await;
        }
        let failed = waiting.await.expect("it does not panic").expect_err("it took too long");
        assert_eq!(failed.to_string(), "record: not done within 30 s");
        assert_eq!(gone.recv().await, None, "the work is dropped");
    }

    #[tokio::test]
    async fn a_stage_that_nobody_waits_for_any_longer_is_cut_off() {
        let clock = clock();
        let (alive, mut gone) = tokio::sync::mpsc::channel::<()>(1);
        let work = async move {
            let _alive = alive;
            pending::<Result<(), io::Error>>().await
        };
        let mut stage = Box::pin(carry_out(&clock, Stage::Send, LIMIT, work));
        assert!(futures_poll(stage.as_mut()).is_pending());
        drop(stage);
        assert_eq!(gone.recv().await, None);
    }

    fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> std::task::Poll<F::Output> {
        future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
    }
}
