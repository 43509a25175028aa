//! The process keeper: starts agent processes, knows how they ended, and leaves none behind.
//!
//! Agents are direct children, each in a process group of its own, so that a terminal's signals
//! reach the director alone. Each child is waited for by a small task that holds the pipe on which
//! the child was handed its token; when the keeper goes, however it goes, the tasks end their
//! children. Whatever is done to a process is done by the task that waits for it, so that its number
//! cannot have become another's. Chaos kills and stops processes in earnest, and what the system
//! then says of them, an exit status or a stopped state, is what witnesses it.

use super::messages::{KeeperMessage, Order, OwnerMessage, Sighting};
use crate::agent_command::TOKEN_STDIN;
use crate::duration;
use agents::program::kin::Kin;
use agents::program::running::{how_it_ended, nowhere};
use agents::program::talk::END_GRACE;
use bus::hub::SeatId;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process, waitid};
use std::collections::BTreeMap;
use std::convert::Infallible;

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use worlds::definition::ProcessEffect;

/// From the farewell to the end of an agent that does not go by itself.
const FAREWELL_TIME: Duration = Duration::from_millis(300);

/// For the system to say that a process has stopped, or goes on: it does so at once, unless the
/// machine is overloaded.
const CHANGE_TIME: Duration = Duration::from_secs(2);

/// From one look to the next.
const CHANGE_STEP: Duration = Duration::from_micros(200);

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
    /// Agents among them stand for programs, and go when these have.
    pub has_programs: bool,
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
    /// What is to be done to it; it ends when this is dropped.
    hand: Option<mpsc::UnboundedSender<Deed>>,
    /// It was stopped, and was not continued since.
    stands_still: bool,
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
            KeeperMessage::Strike { seat, effect, seen } => keeper.lay_hand(seat, Deed::Strike(effect, seen)),
            KeeperMessage::Resume(seat, seen) => keeper.lay_hand(seat, Deed::Resume(seen)),
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
            .stdout(nowhere())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(program) = &order.program {
            command.args(["--exec", &*program.command]);
            if let Some(deadline) = program.deadline {
                command.args(["--deadline", &duration::written(deadline)]);
            }
            if let Some(log) = &program.log {
                command.arg("--log").arg(log);
            }
        }
        command
    }

    /// Has a task hand over the token, and wait.
    fn watch(&mut self, myself: &ActorRef<KeeperMessage>, order: Order, mut child: Child) {
        self.unreaped += 1;
        let (generation, seat) = (order.generation, order.seat);
        let (hand, deeds) = mpsc::unbounded_channel();
        let process =
            Process { generation, hand: Some(hand), stands_still: false, ended: None, curious: Vec::new() };
        // An earlier process of the seat is told to end by this, if it has not.
        self.processes.insert(seat, process);
        let (myself, alive) = (myself.clone(), self.given.alive.clone());
        tokio::spawn(async move {
            let how = live(&mut child, &order, deeds).await;
            // A keeper that is gone needs no report.
            let _ = myself.cast(KeeperMessage::Reaped { seat, generation, how });
            drop(alive);
        });
    }

    /// Has something done to a process; whoever asked is told nothing when it is not there.
    fn lay_hand(&mut self, seat: SeatId, deed: Deed) {
        let Some(process) = self.processes.get_mut(&seat) else { return };
        process.stands_still = matches!(deed, Deed::Strike(ProcessEffect::Paused, _));
        if let Some(hand) = &process.hand {
            // A process that is just gone has nothing done to it.
            let _ = hand.send(deed);
        }
    }

    fn kill(&mut self, seat: SeatId) {
        if let Some(process) = self.processes.get_mut(&seat) {
            process.hand = None;
        }
    }

    fn kill_all(&mut self) {
        self.processes.values_mut().for_each(|process| process.hand = None);
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
        // One that stands still does not hear the farewell.
        let still = self.processes.iter().filter(|(_, process)| process.stands_still);
        let still: Vec<SeatId> = still.map(|(seat, _)| *seat).collect();
        still.into_iter().for_each(|seat| self.lay_hand(seat, Deed::LetGo));
        let more = if self.given.has_programs { END_GRACE } else { Duration::ZERO };
        drop(myself.send_after(FAREWELL_TIME + more, || KeeperMessage::KillAll));
        self.let_go();
    }

    fn reaped(&mut self, seat: SeatId, generation: u64, how: String) {
        self.unreaped -= 1;
        if let Some(process) = self.processes.get_mut(&seat)
            && process.generation == generation
        {
            process.hand = None;
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

/// Something to be done to a process, and who wants to know what was seen of it.
enum Deed {
    /// Chaos hits it.
    Strike(ProcessEffect, RpcReplyPort<Sighting>),
    /// It goes on where it stands.
    Resume(RpcReplyPort<Sighting>),
    /// It goes on to hear the farewell, and nobody waits for that.
    LetGo,
}

/// A child's whole life: hands over the token, keeps the pipe open, does to it what is to be done, and
/// waits. Gives how it ended.
///
/// Nobody else waits for the child, so its number is its own as long as this has not seen its end.
async fn live(child: &mut Child, order: &Order, mut deeds: mpsc::UnboundedReceiver<Deed>) -> String {
    let mut pipe = child.stdin.take();
    if let Some(pipe) = &mut pipe {
        // A child that is gone already is found so below.
        let _ = pipe.write_all(format!("{}\n", order.token.to_hex()).as_bytes()).await;
    }
    loop {
        let deed = tokio::select! {
            ended = child.wait() => return told_of(ended),
            deed = deeds.recv() => deed,
        };
        match deed {
            None => return told_of(end_with_program(child, order).await),
            Some(Deed::Strike(ProcessEffect::Killed, seen)) => {
                let ended = end_with_program(child, order).await;
                let is_so = ended.as_ref().is_ok_and(|status| status.signal() == Some(Signal::KILL.as_raw()));
                let how = told_of(ended);
                answer(seen, Sighting { is_so, how: how.clone() });
                return how;
            }
            Some(Deed::Strike(ProcessEffect::Paused, seen)) => {
                answer(seen, signalled(child, Signal::STOP, WaitIdOptions::STOPPED).await);
            }
            Some(Deed::Resume(seen)) => {
                answer(seen, signalled(child, Signal::CONT, WaitIdOptions::CONTINUED).await);
            }
            // Whether it goes on is seen by whether it goes.
            Some(Deed::LetGo) => drop(send(child, Signal::CONT)),
        }
    }
}

/// Sends a signal, and waits until the system says that the process has stopped, or goes on.
async fn signalled(child: &Child, signal: Signal, change: WaitIdOptions) -> Sighting {
    let unseen = |how: String| Sighting { is_so: false, how };
    let pid = match send(child, signal) {
        Ok(pid) => pid,
        Err(how) => return unseen(how),
    };
    let deadline = Instant::now() + CHANGE_TIME;
    loop {
        match waitid(WaitId::Pid(pid), change | WaitIdOptions::NOHANG) {
            Ok(Some(status)) => return Sighting { is_so: true, how: changed(&status) },
            Ok(None) if Instant::now() < deadline => sleep(CHANGE_STEP).await,
            Ok(None) => return unseen("no change was seen of it".to_owned()),
            Err(error) => return unseen(format!("it could not be looked at: {error}")),
        }
    }
}

/// Sends a signal to a child that nobody has waited for; gives its number, or why that failed.
fn send(child: &Child, signal: Signal) -> Result<Pid, String> {
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let pid = pid.ok_or_else(|| "it had ended".to_owned())?;
    match kill_process(pid, signal) {
        Ok(()) => Ok(pid),
        Err(error) => Err(format!("the signal could not be sent: {error}")),
    }
}

fn changed(status: &WaitIdStatus) -> String {
    match status.stopping_signal() {
        Some(signal) => format!("stopped by signal {signal}"),
        None => "continued".to_owned(),
    }
}

/// Ends a child, and waits for what it has started for a program: that goes with it, a moment later, since its
/// guard sees to it. Of a program there is one at a time, and somebody else may be given its SRE next.
async fn end_with_program(child: &mut Child, order: &Order) -> io::Result<ExitStatus> {
    let parent = child.id().and_then(|pid| i32::try_from(pid).ok()).filter(|_| order.program.is_some());
    let kin = Kin::of(parent);
    let ended = end(child).await;
    let deadline = Instant::now() + CHANGE_TIME;
    while !kin.have_ended() && Instant::now() < deadline {
        sleep(CHANGE_STEP).await;
    }
    ended
}

async fn end(child: &mut Child) -> io::Result<ExitStatus> {
    child.start_kill()?;
    child.wait().await
}

fn told_of(ended: io::Result<ExitStatus>) -> String {
    ended.map_or_else(|error| format!("could not be waited for: {error}"), how_it_ended)
}
