//! The reference: blocking sockets of the standard library, and processes that read and write so
//! many bytes and look at none of them.
//!
//! Nothing that plays rounds with a process for each agent can do with less: a write and a read for
//! each of them on either side.

use crate::contender::{Contender, take_turns};
use crate::measure::Outcome;
use crate::sample::{Exchange, Sample, read_sizes};
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Makes this program the coordinator: the file of sizes.
pub const COORDINATOR: &str = "bare-coordinator";

/// Makes this program an agent: the socket, bytes in, bytes out.
pub const CHILD: &str = "bare-agent";

/// Starts the coordinator with its agents.
pub fn start(sample: &Sample) -> Outcome<Contender> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(COORDINATOR).arg(sample.sizes_file());
    Contender::start(command)
}

/// The coordinator.
pub fn coordinate(sizes: &Path) -> Outcome<()> {
    let directory = TempDir::new()?;
    let socket = directory.path().join("bus.sock");
    let listener = UnixListener::bind(&socket)?;
    let (servers, sre) = read_sizes(sizes)?;
    let mut servers: Vec<Agent> =
        servers.into_iter().map(|sizes| Agent::start(&listener, &socket, sizes)).collect::<Outcome<_>>()?;
    let mut sre = [Agent::start(&listener, &socket, sre)?];
    take_turns(|| {
        exchange(&mut servers)?;
        exchange(&mut sre)
    })
}

/// Writes to all, then reads from each in turn.
fn exchange(agents: &mut [Agent]) -> Outcome<()> {
    for agent in &mut *agents {
        agent.connection.write_all(&agent.asked)?;
    }
    for agent in agents {
        agent.connection.read_exact(&mut agent.answered)?;
    }
    Ok(())
}

/// An agent as the coordinator sees it.
struct Agent {
    connection: UnixStream,
    asked: Vec<u8>,
    answered: Vec<u8>,
    process: Child,
}

impl Agent {
    /// One at a time, so that connections come in order.
    fn start(listener: &UnixListener, socket: &Path, sizes: Exchange) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(CHILD).arg(socket).args([sizes.asked.to_string(), sizes.answered.to_string()]);
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let (connection, _) = listener.accept()?;
        Ok(Self { connection, asked: vec![1; sizes.asked], answered: vec![0; sizes.answered], process })
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // One that has ended needs neither.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An agent: so many bytes in, so many out, until the connection ends.
pub fn answer(socket: &Path, asked: usize, answered: usize) -> Outcome<()> {
    let mut connection = UnixStream::connect(socket)?;
    let (mut question, answer) = (vec![0; asked], vec![1; answered]);
    while connection.read_exact(&mut question).is_ok() && connection.write_all(&answer).is_ok() {}
    Ok(())
}
