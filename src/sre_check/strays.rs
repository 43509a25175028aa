//! Whoever a program starts and sends out of its group, which ends with it: a daemon, a browser. In a run nobody
//! can find these; here they become children of this process when their own parent ends.

use crate::proc::{self, Child};
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid};
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// From one look at them to the next.
const STEP: Duration = Duration::from_millis(2);

/// The children that this process had before: these are nobody's strays.
#[derive(Debug)]
pub(super) struct Strays {
    known: BTreeSet<i32>,
}

impl Strays {
    /// From now on this process is the parent of all orphans among those that it starts. Where the system does
    /// not allow it, none are found.
    pub(super) fn adopt() -> Self {
        let _ = set_child_subreaper(Some(getpid()));
        Self { known: proc::children().into_iter().map(|child| child.pid).collect() }
    }

    /// Ends those that are still there after so long, and tells their names. To be called when no program is
    /// there.
    pub(super) fn end(&self, grace: Duration) -> Vec<String> {
        let began = Instant::now();
        while !self.there().is_empty() {
            if began.elapsed() >= grace {
                return self.kill();
            }
            sleep(STEP);
        }
        Vec::new()
    }

    /// Those that are alive; of the others nothing is left.
    fn there(&self) -> Vec<Child> {
        let (dead, alive): (Vec<Child>, Vec<Child>) = proc::children()
            .into_iter()
            .filter(|child| !self.known.contains(&child.pid))
            .partition(|child| child.state == proc::State::Gone);
        for child in dead {
            let _ = waitpid(Pid::from_raw(child.pid), WaitOptions::NOHANG);
        }
        alive
    }

    /// Whoever is killed may leave children of its own, which come here as well.
    fn kill(&self) -> Vec<String> {
        let mut names = Vec::new();
        loop {
            let there = self.there();
            if there.is_empty() {
                return names;
            }
            for child in there {
                if let Some(pid) = Pid::from_raw(child.pid) {
                    let _ = kill_process(pid, Signal::KILL);
                    let _ = waitpid(Some(pid), WaitOptions::empty());
                }
                names.push(child.name);
            }
        }
    }
}
