//! What the system says of a process: whether it runs, and how much memory it takes.

use rustix::process::{Pid, test_kill_process};
use std::fs;

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It runs, or waits for something to do.
    Running,
    /// Somebody stopped it (SIGSTOP, Ctrl-Z, a debugger).
    Stopped,
    /// There is no such process any more.
    Gone,
}

/// The state of a process.
pub(crate) fn state(pid: u32) -> State {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => state_in(&stat),
        Err(_) if is_there(pid) => State::Running,
        Err(_) => State::Gone,
    }
}

/// A child of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Child {
    /// Its number.
    pub pid: i32,
    /// Its name, as the system has it.
    pub name: String,
    /// What it does.
    pub state: State,
}

/// The children of this process, adopted ones among them; none where the system does not tell.
pub(crate) fn children() -> Vec<Child> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let stats =
        pids.filter_map(|pid: i32| Some((pid, fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)));
    stats.filter_map(|(pid, stat)| child_in(&stat, pid, std::process::id())).collect()
}

fn child_in(stat: &str, pid: i32, parent: u32) -> Option<Child> {
    let (before, after) = stat.rsplit_once(") ")?;
    let its_parent = after.split_whitespace().nth(1)?.parse();
    let name = before.split_once('(')?.1.to_owned();
    (its_parent == Ok(parent)).then(|| Child { pid, name, state: state_in(stat) })
}

/// Whether there is such a process of this user's, which is all that can be known without `/proc`.
fn is_there(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid).is_ok())
}

/// The state comes after the name, which stands in parentheses and may hold anything.
fn state_in(stat: &str) -> State {
    match stat.rsplit(") ").next().and_then(|rest| rest.chars().next()) {
        Some('T' | 't') => State::Stopped,
        Some('Z' | 'X' | 'x') | None => State::Gone,
        Some(_) => State::Running,
    }
}

/// Proportional set size in KiB: what is its own, and its share of what it has in common with
/// others. `None` where the system does not tell.
pub(crate) fn pss_kib(pid: u32) -> Option<u64> {
    pss_in(&fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?)
}

fn pss_in(rollup: &str) -> Option<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_hide_the_state() {
        assert_eq!(state_in("12 (a) R (b) T 1 12"), State::Stopped);
        assert_eq!(state_in("12 (world) S 1 12"), State::Running);
        assert_eq!(state_in("12 (world) Z 1 12"), State::Gone);
        assert_eq!(state_in(""), State::Gone);
    }

    #[test]
    fn children_are_those_of_one_parent() {
        let child = |stat| child_in(stat, 12, 7).map(|child| (child.name, child.state));
        assert_eq!(child("12 (a) R (b) S 7 1"), Some(("a) R (b".to_owned(), State::Running)));
        assert_eq!(child("12 (world) Z 7 12"), Some(("world".to_owned(), State::Gone)));
        assert_eq!(child("12 (world) S 77 7"), None);
        assert_eq!(child(""), None);
    }

    #[test]
    fn this_process_runs_and_has_memory() {
        let me = std::process::id();
        assert_eq!(state(me), State::Running);
        assert!(pss_kib(me).is_some_and(|kib| kib > 0));
    }

    #[test]
    fn the_proportional_set_size_is_the_total() {
        assert_eq!(
            pss_in("00400000-7fff [rollup]\nRss:  900 kB\nPss:   512 kB\nPss_Dirty: 3 kB\n"),
            Some(512)
        );
        assert_eq!(pss_in("Rss: 900 kB\n"), None);
    }
}
