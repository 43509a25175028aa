//! Who descends from a program: also those that left its group, as `timeout` and shells with job control have
//! theirs do.
//!
//! They are found by their parents, so whoever is to be found must not be orphaned yet: one that was started by
//! a process that is gone, and left the group, is out of reach.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs;
use std::os::fd::OwnedFd;

/// More than any program has.
const MAX: usize = 10_000;

/// Handles on processes: their numbers may become others'.
#[derive(Debug)]
pub struct Kin(Vec<OwnedFd>);

impl Kin {
    /// All that descend from these. Where the system does not tell there are none.
    pub fn of(ancestors: impl IntoIterator<Item = i32>) -> Self {
        let mut found: Vec<i32> = ancestors.into_iter().collect();
        let (mut handles, mut next) = (Vec::new(), 0);
        while let Some(parent) = found.get(next).copied().filter(|_| next < MAX) {
            next += 1;
            for child in children(parent) {
                if !found.contains(&child) {
                    handles.extend(handle(child));
                    found.push(child);
                }
            }
        }
        Self(handles)
    }

    /// Kills them.
    pub fn kill(&self) {
        for process in &self.0 {
            kill(process);
        }
    }

    /// Whether none of them is there any more.
    pub fn have_ended(&self) -> bool {
        self.0.iter().all(has_ended)
    }
}

/// Kills one.
pub(crate) fn kill(process: &OwnedFd) {
    // One that has ended needs no signal.
    let _ = pidfd_send_signal(process, Signal::KILL);
}

/// Whether a process has ended: then its handle can be read, whether or not somebody has waited for it.
pub(crate) fn has_ended(process: &OwnedFd) -> bool {
    let mut ends = [PollFd::new(process, PollFlags::IN)];
    // What cannot be asked is not waited for.
    poll(&mut ends, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) != Ok(0)
}

/// A handle on a process that is there.
pub(crate) fn handle(pid: i32) -> Option<OwnedFd> {
    pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()
}

fn children(parent: i32) -> Vec<i32> {
    let threads = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::process::{Command, Stdio};

    #[test]
    fn descendants_are_found_whatever_group_they_are_in_and_killed() {
        // The inner shell is a grandchild, its child one generation more.
        let mut command = Command::new("sh");
        command.args(["-c", "sh -c 'echo up; sleep 1000; echo' ; echo"]).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a shell");
        child.stdout.as_mut().expect("a pipe").read_exact(&mut [0; 3]).expect("it is up");
        let me = i32::try_from(std::process::id()).expect("a number");
        let kin = Kin::of([me]);
        assert!(kin.0.len() >= 2 && !kin.have_ended(), "{kin:?}");
        kin.kill();
        child.wait().expect("it ends");
        // Whoever adopts the others need not wait for them for this.
        while !kin.have_ended() {
            std::thread::yield_now();
        }
    }
}
