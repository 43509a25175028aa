//! File descriptors: a run takes some for each of its agents, and a system gives only so many.

use super::DirectorError;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Of a process that the director starts: its connection, the pipe that holds its token, and a
/// handle on the process itself.
const OF_A_CHILD: u64 = 3;

/// Of an agent that is started by hand: its connection, and a second descriptor that tells when it
/// hangs up.
const OF_A_HAND: u64 = 2;

/// Of everything else: standard streams, the runtime, signals, the socket, peers that have not
/// greeted, recordings.
const OF_THE_REST: u64 = 128;

/// What a run with so many agents takes.
fn needed(children: usize, hands: usize) -> u64 {
    OF_A_CHILD * children as u64 + OF_A_HAND * hands as u64 + OF_THE_REST
}

/// Sees to it that there are enough descriptors for a run with so many agents.
pub(super) fn provide(children: usize, hands: usize) -> Result<(), DirectorError> {
    let needed = needed(children, hands);
    let limit = getrlimit(Resource::Nofile);
    // Without a limit there is enough.
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let too_few = DirectorError::Descriptors { agents: children + hands, needed, allowed: limit.maximum };
    if limit.maximum.is_some_and(|maximum| maximum < needed) {
        return Err(too_few);
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(needed), ..limit }).map_err(|_| too_few)
}
