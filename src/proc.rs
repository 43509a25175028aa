//! What the system says of a process: whether it runs, and how much memory it takes.

use agents::program::kin::Stat;
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
    match Stat::of(pid) {
        Some(stat) => state_in(&stat),
        // Without `/proc` it runs if it is there.
        None if is_there(pid) => State::Running,
        None => State::Gone,
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
    let own = Stat::of_all().into_iter().filter(|(_, stat)| stat.parent == std::process::id());
    let child = |(pid, stat): (u32, Stat)| {
        Some(Child { pid: i32::try_from(pid).ok()?, state: state_in(&stat), name: stat.name })
    };
    own.filter_map(child).collect()
}

/// Whether there is such a process of this user's, which is all that can be known without `/proc`.
fn is_there(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid).is_ok())
}

fn state_in(stat: &Stat) -> State {
    match stat.state {
        _ if stat.is_dead() => State::Gone,
        'T' | 't' => State::Stopped,
        _ => State::Running,
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
    fn the_state_is_what_the_system_says() {
        let state = |text| Stat::read(text).map(|stat| state_in(&stat));
        assert_eq!(state("12 (a) R (b) T 1 12"), Some(State::Stopped));
        assert_eq!(state("12 (world) S 1 12"), Some(State::Running));
        assert_eq!(state("12 (world) Z 1 12"), Some(State::Gone));
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
