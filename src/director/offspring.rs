//! What an SRE's process has started for a program: it goes with that process, a moment later, since its guard
//! sees to it. Whoever gives the SRE another process waits for that moment, for of a program there is one at a
//! time.

use super::process_keeper::CHANGE_STEP;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::fs;
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Handles on the children of a process.
#[derive(Debug)]
pub(super) struct Offspring(Vec<OwnedFd>);

impl Offspring {
    /// Of a process that is there. Where the system does not tell of them there are none.
    pub(super) fn of(parent: u32) -> Self {
        let threads = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
        let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
        let children = lists.flat_map(|list| list.split_whitespace().map(str::parse).collect::<Vec<_>>());
        let pids = children.filter_map(|pid| Pid::from_raw(pid.ok()?));
        Self(pids.filter_map(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()).collect())
    }

    /// Waits for their end, for so long at most.
    pub(super) async fn gone(self, limit: Duration) {
        let deadline = Instant::now() + limit;
        while !self.0.iter().all(has_ended) && Instant::now() < deadline {
            sleep(CHANGE_STEP).await;
        }
    }
}

/// A handle on a process can be read once that has ended, whether or not somebody has waited for it.
fn has_ended(process: &OwnedFd) -> bool {
    let mut ends = [PollFd::new(process, PollFlags::IN)];
    // What cannot be asked is not waited for.
    poll(&mut ends, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) != Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[tokio::test]
    async fn children_are_waited_for_until_they_have_ended() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().expect("a child");
        let offspring = Offspring::of(std::process::id());
        assert!(offspring.0.iter().any(|process| !has_ended(process)));
        let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).expect("a handle");
        let waits = tokio::spawn(Offspring(vec![pidfd]).gone(Duration::from_secs(30)));
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        drop(child.stdin.take());
        waits.await.expect("it waits");
        child.wait().expect("it ends");
    }
}
