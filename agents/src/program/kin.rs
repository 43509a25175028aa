//! Processes as the system tells of them, and who descends from a program: also those that left its group, as `timeout`
//! and shells with job control have theirs do.
//!
//! They are found by their parents, so whoever is to be found must not be orphaned yet: one that was started by
//! a process that is gone, and left the group, is out of reach.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs;
use std::os::fd::OwnedFd;

/// More than any program has.
const MAX: usize = 10_000;

/// What the system says of a process in `/proc/PID/stat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its name.
    pub name: String,
    /// What it does: `R`, `S`, `D`, `T` stopped, `Z` dead and not waited for, and others.
    pub state: char,
    /// Its parent.
    pub parent: u32,
    /// Its process group.
    pub group: u32,
}

impl Stat {
    /// Of a process; `None` where there is none, or the system does not tell.
    pub fn of(pid: u32) -> Option<Self> {
        Self::read(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Of each process that there is, with its number.
    pub fn of_all() -> Vec<(u32, Self)> {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter_map(|pid| Some((pid, Self::of(pid)?))).collect()
    }

    /// From the file's text. The name stands in parentheses, and may hold any.
    pub fn read(text: &str) -> Option<Self> {
        let (before, after) = text.rsplit_once(')')?;
        let name = before.split_once('(')?.1.to_owned();
        let mut fields = after.split_whitespace();
        let state = fields.next()?.chars().next()?;
        let [parent, group] = [fields.next()?.parse().ok()?, fields.next()?.parse().ok()?];
        Some(Self { name, state, parent, group })
    }

    /// Whether nothing of it is left but what its parent has not asked for.
    pub fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }
}

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
    fn a_name_with_parentheses_hides_nothing() {
        let read = |text| Stat::read(text).map(|stat| (stat.name, stat.state, stat.parent, stat.group));
        assert_eq!(read("12 (a) R (b) S 7 9 1"), Some(("a) R (b".to_owned(), 'S', 7, 9)));
        assert_eq!(read("12 (world) Z 77 7 0 -1"), Some(("world".to_owned(), 'Z', 77, 7)));
        for none in ["", "12 (world)", "12 (world) S", "12 (world) S x 7", "12 world S 1 7"] {
            assert_eq!(read(none), None, "{none}");
        }
        let me = Stat::of(std::process::id()).expect("this process is there");
        assert!(!me.is_dead());
    }

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
