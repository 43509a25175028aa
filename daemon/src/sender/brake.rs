//! What ends a batch before its time: an emergency stop, or the daemon's own.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// How far a brake is pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Pull {
    /// Not at all.
    Free,
    /// No try begins any more; what is under way may end.
    Stop,
    /// What is under way is interrupted, too.
    Cut,
}

/// A brake, looked at before every try. Whoever stops in good order pulls it to [`Pull::Stop`]; an emergency
/// stop cuts, for a try that is still connecting has not been sent yet. It can be pulled further, and is never released: who wants to send
/// again does so with another one. Clones are one brake.
#[derive(Clone, Debug, Default)]
pub struct Brake {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    pull: AtomicU8,
    listeners: Mutex<Listeners>,
}

/// Tasks that look at the brake whenever they are woken.
#[derive(Debug, Default)]
struct Listeners {
    wakers: BTreeMap<u64, Waker>,
    came: u64,
}

impl Brake {
    /// How far it is pulled.
    pub fn pulled(&self) -> Pull {
        match self.state.pull.load(Ordering::SeqCst) {
            0 => Pull::Free,
            1 => Pull::Stop,
            _ => Pull::Cut,
        }
    }

    /// Pulls it so far, if it is not pulled further already.
    pub fn pull(&self, pull: Pull) {
        self.state.pull.fetch_max(pull as u8, Ordering::SeqCst);
        for waker in self.state.listeners().wakers.values() {
            waker.wake_by_ref();
        }
    }

    /// Waits until it is pulled so far.
    pub async fn until(&self, pull: Pull) {
        let listen = |context: &mut Context<'_>| Poll::Ready(self.listen(context.waker().clone()));
        let _listening = poll_fn(listen).await;
        poll_fn(|_| if self.pulled() >= pull { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// Tasks that it would wake.
    #[cfg(test)]
    pub(super) fn listening(&self) -> usize {
        self.state.listeners().wakers.len()
    }

    /// Has a task woken when the brake is pulled, until the return value is dropped.
    pub(super) fn listen(&self, waker: Waker) -> Listening {
        let mut listeners = self.state.listeners();
        listeners.came += 1;
        let key = listeners.came;
        listeners.wakers.insert(key, waker);
        Listening { brake: self.clone(), key }
    }
}

impl State {
    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task that is woken when a brake is pulled.
#[derive(Debug)]
pub(super) struct Listening {
    brake: Brake,
    key: u64,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.brake.state.listeners().wakers.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_for_a_brake_goes_on_when_it_is_pulled_far_enough() {
        let brake = Brake::default();
        let waits = brake.clone();
        let waiting = tokio::spawn(async move { waits.until(Pull::Cut).await });
        while brake.listening() == 0 {
            tokio::task::yield_now().await;
        }
        brake.pull(Pull::Stop);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        brake.pull(Pull::Cut);
        waiting.await.expect("it does not panic");
        assert_eq!(brake.listening(), 0);
        brake.until(Pull::Stop).await;
    }

    #[test]
    fn a_brake_is_pulled_further_and_never_released() {
        let brake = Brake::default();
        assert_eq!(brake.pulled(), Pull::Free);
        brake.clone().pull(Pull::Cut);
        brake.pull(Pull::Stop);
        assert_eq!(brake.pulled(), Pull::Cut);
    }
}
