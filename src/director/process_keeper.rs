//! The process keeper: starts agent processes, knows how they ended, and leaves none behind.
//!
//! Agents are direct children, each in a process group of its own, so that a terminal's signals
//! reach the director alone. Each child is waited for by a small task that holds the pipe on which
//! the child was handed its token; when the keeper goes, however it goes, the tasks end their
//! children. A process that is told to end is reached through its own handle, never by number.

use super::messages::{KeeperMessage, Order, OwnerMessage};
use crate::agent_command::TOKEN_STDIN;
use bus::hub::SeatId;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};

/// From the farewell to the end of an agent that does not go by itself.
const FAREWELL_TIME: Duration = Duration::from_millis(300);

/// The actor.
pub(super) struct ProcessKeeper;

/// What the keeper is started with.
pub(super) struct KeeperArguments {
    /// The program whose `agent` command runs an agent.
    pub program: PathBuf,
    /// The run's directory.
    pub directory: PathBuf,
    /// Who is told of ends.
    pub owner: ActorRef<OwnerMessage>,
    /// Held by whoever waits for a child: when all are dropped, no process is left.
    pub alive: mpsc::Sender<Infallible>,
}

/// What the keeper knows.
pub(super) struct Keeper {
    given: KeeperArguments,
    /// The processes that were started, by the seat that they were started for.
    processes: BTreeMap<SeatId, Process>,
    /// Processes that are not reaped yet, those of earlier generations included.
    unreaped: usize,
    leaving: Option<RpcReplyPort<()>>,
}

/// A seat's latest process.
struct Process {
    generation: u64,
    /// Ends it when sent to or dropped.
    kill: Option<oneshot::Sender<()>>,
    /// How it ended, when it has.
    ended: Option<String>,
    /// Who wants to know.
    curious: Vec<RpcReplyPort<String>>,
}

impl Actor for ProcessKeeper {
    type Msg = KeeperMessage;
    type State = Keeper;
    type Arguments = KeeperArguments;

    async fn pre_start(
        &self,
        _myself: ActorRef<KeeperMessage>,
        given: KeeperArguments,
    ) -> Result<Keeper, ActorProcessingErr> {
        Ok(Keeper { given, processes: BTreeMap::new(), unreaped: 0, leaving: None })
    }

    async fn handle(
        &self,
        myself: ActorRef<KeeperMessage>,
        message: KeeperMessage,
        keeper: &mut Keeper,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            KeeperMessage::Spawn(order) => keeper.spawn(&myself, order),
            KeeperMessage::Kill(seat) => keeper.kill(seat),
            KeeperMessage::HowEnded(seat, reply) => keeper.tell_how_ended(seat, reply),
            KeeperMessage::Leave(reply) => keeper.leave(&myself, reply),
            KeeperMessage::KillAll => keeper.kill_all(),
            KeeperMessage::Reaped { seat, generation, how } => keeper.reaped(seat, generation, how),
        }
        Ok(())
    }
}

impl Keeper {
    fn spawn(&mut self, myself: &ActorRef<KeeperMessage>, order: Order) {
        let (seat, generation) = (order.seat, order.generation);
        match self.command(&order).spawn() {
            Ok(child) => self.watch(myself, order, child),
            Err(error) => self.report(seat, generation, format!("could not be started: {error}")),
        }
    }

    fn command(&self, order: &Order) -> Command {
        let mut command = Command::new(&self.given.program);
        command
            .args(["agent", order.role.word(), "--name", &order.name, "--bus"])
            .arg(&self.given.directory)
            .arg(TOKEN_STDIN)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        command
    }

    /// Has a task hand over the token, and wait.
    fn watch(&mut self, myself: &ActorRef<KeeperMessage>, order: Order, mut child: Child) {
        self.unreaped += 1;
        let (generation, seat) = (order.generation, order.seat);
        let (kill, killed) = oneshot::channel();
        let process = Process { generation, kill: Some(kill), ended: None, curious: Vec::new() };
        // An earlier process of the seat is told to end by this, if it has not.
        self.processes.insert(seat, process);
        let (myself, alive) = (myself.clone(), self.given.alive.clone());
        tokio::spawn(async move {
            let how = live(&mut child, &order, killed).await;
            // A keeper that is gone needs no report.
            let _ = myself.cast(KeeperMessage::Reaped { seat, generation, how });
            drop(alive);
        });
    }

    fn kill(&mut self, seat: SeatId) {
        if let Some(process) = self.processes.get_mut(&seat) {
            process.kill = None;
        }
    }

    fn kill_all(&mut self) {
        self.processes.values_mut().for_each(|process| process.kill = None);
    }

    fn tell_how_ended(&mut self, seat: SeatId, reply: RpcReplyPort<String>) {
        match self.processes.get_mut(&seat) {
            Some(Process { ended: None, curious, .. }) => curious.push(reply),
            Some(Process { ended: Some(how), .. }) => answer(reply, how.clone()),
            // Started by hand: nobody here knows. Dropping the port says so.
            None => {}
        }
    }

    fn leave(&mut self, myself: &ActorRef<KeeperMessage>, reply: RpcReplyPort<()>) {
        self.leaving = Some(reply);
        drop(myself.send_after(FAREWELL_TIME, || KeeperMessage::KillAll));
        self.let_go();
    }

    fn reaped(&mut self, seat: SeatId, generation: u64, how: String) {
        self.unreaped -= 1;
        if let Some(process) = self.processes.get_mut(&seat)
            && process.generation == generation
        {
            process.kill = None;
            process.ended = Some(how.clone());
            process.curious.drain(..).for_each(|reply| answer(reply, how.clone()));
            self.report(seat, generation, how);
        }
        self.let_go();
    }

    fn let_go(&mut self) {
        if self.unreaped == 0
            && let Some(reply) = self.leaving.take()
        {
            answer(reply, ());
        }
    }

    fn report(&self, seat: SeatId, generation: u64, how: String) {
        // An owner that is gone needs no report.
        let _ = self.given.owner.cast(OwnerMessage::Exited { seat, generation, how });
    }
}

/// Answers; whoever asked may have given up waiting.
fn answer<T: Send + 'static>(reply: RpcReplyPort<T>, value: T) {
    let _ = reply.send(value);
}

/// A child's whole life: hands over the token, keeps the pipe open, waits. Gives how it ended.
async fn live(child: &mut Child, order: &Order, killed: oneshot::Receiver<()>) -> String {
    let mut pipe = child.stdin.take();
    if let Some(pipe) = &mut pipe {
        // A child that is gone already is found so below.
        let _ = pipe.write_all(format!("{}\n", order.token.to_hex()).as_bytes()).await;
    }
    let ended = tokio::select! {
        ended = child.wait() => ended,
        _ = killed => end(child).await,
    };
    ended.map_or_else(|error| format!("could not be waited for: {error}"), told)
}

async fn end(child: &mut Child) -> io::Result<ExitStatus> {
    child.start_kill()?;
    child.wait().await
}

fn told(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("killed by signal {signal}"),
        (None, Some(code)) => format!("exited with code {code}"),
        (None, None) => "ended".to_owned(),
    }
}
