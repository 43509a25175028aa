//! The director: runs a world with a process for each agent.
//!
//! Four actors share the work. The round owner carries messages between the model and the bus; the
//! process keeper starts agents and sees to their ends; the console and the recorder tell what
//! happens. The last two may be held up by whoever reads, and never hold up the others' hearing:
//! a signal is heard whatever a terminal or a pipe does.
//!
//! The first SIGINT or SIGTERM ends the run after its round, the second at once. In every case the
//! processes are gone and the run's directory is removed before [`run`] returns. If the director
//! itself is killed, agents notice the end of the bus, and remove the directory.

mod audience;
mod descriptors;
mod evidence;
mod lineup;
mod messages;
mod notice_board;
mod plausible;
mod process_keeper;
mod round_owner;
mod staging;
pub(crate) mod supervision;
mod watching;

use crate::config::{Manual, RunConfig};
use crate::event::Finished;
use crate::exit_code;
use crate::own_file::{self, OwnFileError};
use crate::signal::Signals;
use crate::sre_programs::Programs;
use crate::watchers::{Watcher as _, Watchers};
use audience::Correspondent;
use bus::address::{AddressError, RunDirectory};
use bus::hub::{Counters, HubError};
pub(crate) use evidence::ChaosLife;
use messages::{OwnerMessage, ProbeOrder, WatchMessage};
use ractor::{Actor, ActorRef, SpawnErr};
use round_owner::{Ending, OwnerArguments, RoundOwner};
use serde::Serialize;
use std::io;
use std::sync::{Arc, mpsc as plain};
use std::thread::Builder as Thread;
use std::time::Duration;
use supervision::in_a_row;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot, watch};
use watching::{ConsoleActor, RecorderActor};
use worlds::definition::SreKind;
use worlds::id::{Name, ServerId};
use worlds::plan::RunPlan;
use worlds::topology::World;
use worlds::traffic::ProbeEnd;

/// For an agent's answer: a thousand times what the slowest takes, and short enough that a run
/// with an agent that hangs ends while somebody waits for it.
pub(crate) const ANSWER_TIME: Duration = Duration::from_secs(5);

/// For killed processes to be gone.
const REAP_TIME: Duration = Duration::from_secs(1);

/// For the runtime to stop: nothing in it blocks, but a watcher that is held up is left behind.
const RUNTIME_STOP_TIME: Duration = Duration::from_millis(200);

/// For threads that wait for a round: longer than the slowest pace.
const KEEP_ALIVE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A run with processes.
#[derive(Clone, Debug)]
pub(crate) struct ProcessRun {
    /// The world.
    pub world: Arc<World>,
    /// What decides the run, with the world.
    pub plan: RunPlan,
    /// From one round's beginning to the next's, at least this long.
    pub pace: Option<Duration>,
    /// Threads for the director's actors; 0 for one that is not shared, which is fastest.
    pub worker_threads: usize,
    /// Whose processes are started by hand.
    pub manual: Manual,
    /// How long an agent may take to answer, unless it stands for a program.
    pub answer_time: Duration,
    /// What programs have in common.
    pub programs: Programs,
}

impl ProcessRun {
    /// How long an agent that stands for a program may take: its program's time, and its own.
    pub(crate) fn time_for_program(&self) -> Option<Duration> {
        self.programs.deadline.map(|deadline| deadline + self.answer_time)
    }
}

impl From<&RunConfig> for ProcessRun {
    fn from(config: &RunConfig) -> Self {
        Self {
            world: Arc::clone(&config.world),
            plan: config.plan.clone(),
            pace: config.pace,
            worker_threads: config.worker_threads.map_or(0, usize::from),
            manual: config.manual.clone(),
            answer_time: ANSWER_TIME,
            programs: Programs::of(config),
        }
    }
}

/// What went over the bus, for the part of a recording that is true of this machine only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct BusStats {
    /// Processes that were started while rounds were played, each to follow another one.
    pub respawned: u64,
    /// What the hub counted.
    #[serde(flatten)]
    pub counters: Counters,
}

/// What is true of this machine only, for a recording.
#[derive(Clone, Debug)]
pub(crate) struct OfThisMachine {
    /// What went over the bus.
    pub bus: BusStats,
    /// The lives of faults that hit processes and messages.
    pub chaos: Vec<ChaosLife>,
}

/// Why a world could not be run with processes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DirectorError {
    /// There is no place for the bus.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// There is no bus.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// An agent did not come.
    #[error("{agent} {how} before it joined the run{}", in_a_row(*tries))]
    NotStarted {
        /// Its name on the bus.
        agent: Name,
        /// What was seen of it last, as a fragment.
        how: String,
        /// Processes that were started for it in vain.
        tries: usize,
    },
    /// A second signal ended the run at once.
    #[error("ended by signal {0}")]
    Signalled(i32),
    /// The operating system does not give enough descriptors.
    #[error("{agents} agents take {needed} open files, and this user may have {}", count(*allowed))]
    Descriptors {
        /// Processes of the run.
        agents: usize,
        /// Descriptors that they take.
        needed: u64,
        /// The limit that cannot be raised from here.
        allowed: Option<u64>,
    },
    /// Agents have no program.
    #[error(transparent)]
    OwnFile(#[from] OwnFileError),
    /// The operating system gave no randomness.
    #[error("no randomness: {0}")]
    Randomness(io::Error),
    /// The operating system refused something else.
    #[error("cannot {verb}: {source}")]
    System {
        /// What was tried.
        verb: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// An actor ended that should not have.
    #[error("internal error: {0}")]
    Actor(String),
}

impl DirectorError {
    /// The exit code that says the same.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Address(error) if error.is_full() => exit_code::INTERNAL,
            Self::Address(_) | Self::Descriptors { .. } => exit_code::USAGE,
            Self::Signalled(signal) => exit_code::signalled(*signal),
            _ => exit_code::INTERNAL,
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Address(error) => error.hint().map(str::to_owned),
            Self::Descriptors { needed, .. } => Some(format!(
                "raise the hard limit to {needed} (`nofile` in limits.conf, `LimitNOFILE=` of a service), or \
                 add --inline"
            )),
            Self::OwnFile(_) => {
                Some("start it by its path, mount /proc, or add --inline, which needs no agents".to_owned())
            }
            Self::NotStarted { .. } => Some("--inline runs the same world without processes".to_owned()),
            _ => None,
        }
    }

    fn actor(error: impl std::fmt::Display) -> Self {
        Self::Actor(error.to_string())
    }

    fn system(verb: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { verb, source }
    }
}

fn count(limit: Option<u64>) -> String {
    limit.map_or_else(|| "no more".to_owned(), |limit| limit.to_string())
}

/// What a run comes to: how it ended, what it did on this machine, and those who watched it.
pub(crate) type Directed = Result<(Finished, OfThisMachine, Watchers), DirectorError>;

/// Takes what a run needs of the system before anything is told: its address, which another run may
/// have, and descriptors enough for its agents.
pub(crate) fn claim(config: &RunConfig) -> Result<RunDirectory, DirectorError> {
    provide(&config.world, &config.plan, &config.manual)?;
    Ok(RunDirectory::create(config.bus.as_deref())?)
}

/// Sees to descriptors enough for the agents of a run.
fn provide(world: &World, plan: &RunPlan, manual: &Manual) -> Result<(), DirectorError> {
    let servers = world.definition.servers.iter().map(|server| &*server.name);
    let minds = plan.sres.iter().filter(|sre| sre.kind != SreKind::Oracle).map(|sre| &*sre.name);
    let (hands, children): (Vec<&str>, Vec<&str>) = servers.chain(minds).partition(|name| manual.holds(name));
    descriptors::provide(children.len(), hands.len())
}

/// Who may end a run before its time. The first time ends it after its round, the second at once; either
/// gives the signal that it stands for.
pub(crate) trait Interruptions: Sync {
    /// Waits for the first time, which may have come already.
    fn first(&self) -> impl Future<Output = i32> + Send;

    /// Waits for the second.
    fn second(&self) -> impl Future<Output = i32> + Send;
}

/// Where single requests to a run are taken.
#[derive(Clone)]
pub(crate) struct FrontDoor(ActorRef<OwnerMessage>);

impl FrontDoor {
    /// Sends a request to a server, and waits for what becomes of it: `None` if the run ends before. Whoever
    /// waits no longer drops this.
    pub(crate) async fn probe(&self, to: ServerId) -> Option<ProbeEnd> {
        let (ended, answer) = oneshot::channel();
        self.0.cast(OwnerMessage::Probe(ProbeOrder { to, ended })).ok()?;
        answer.await.ok()
    }
}

/// Runs a world as [`run`] does, in the runtime of whoever calls it, and opens its front door as soon as there
/// is one.
///
/// # Panics
/// Outside of a tokio runtime.
pub(crate) async fn keep(
    run: ProcessRun,
    interruptions: &impl Interruptions,
    on_open: impl FnOnce(FrontDoor) + Send,
) -> Result<(Finished, OfThisMachine), DirectorError> {
    let directory = RunDirectory::create(None)?;
    let directed = host(run, directory, interruptions, Watchers::unseen(None), on_open).await;
    directed.map(|(finished, here, _)| (finished, here))
}

/// As [`keep`], in a directory that is known to those who are to come, and with watchers. Whoever is called when
/// the front door opens finds the bus and the run's token in the directory.
///
/// # Panics
/// Outside of a tokio runtime.
pub(crate) async fn host(
    run: ProcessRun,
    directory: RunDirectory,
    interruptions: &impl Interruptions,
    watchers: Watchers,
    on_open: impl FnOnce(FrontDoor) + Send,
) -> Directed {
    provide(&run.world, &run.plan, &run.manual)?;
    direct(run, directory, interruptions, watchers, on_open).await
}

/// Runs a world with a process for each agent, and tells the watchers what happens.
pub(crate) fn run(
    run: impl Into<ProcessRun>,
    directory: RunDirectory,
    signals: &Signals,
    watchers: Watchers,
) -> Directed {
    let run = run.into();
    let runtime = runtime(run.worker_threads).map_err(DirectorError::system("start a runtime"))?;
    start_threads(&runtime).map_err(DirectorError::system("start threads"))?;
    let attention = signals.attend();
    let directed = runtime.block_on(direct(run, directory, &attention, watchers, |_| ()));
    runtime.shutdown_timeout(RUNTIME_STOP_TIME);
    match attention.end() {
        Some(signal) => Err(DirectorError::Signalled(signal)),
        None => directed,
    }
}

/// Starts the watchers' threads, before agents take what processes a user may have. The runtime takes it
/// for a bug if it cannot start one later, and panics.
fn start_threads(runtime: &Runtime) -> io::Result<()> {
    // Others that end at once tell whether there is room.
    let room = [Thread::new().spawn(|| ())?, Thread::new().spawn(|| ())?];
    // They did nothing that could fail.
    room.into_iter().for_each(|thread| drop(thread.join()));
    // Each is busy until both are there, so that they are two.
    let (first, second) = (plain::channel::<()>(), plain::channel::<()>());
    for busy in [first.1, second.1] {
        drop(runtime.spawn_blocking(move || busy.recv().is_ok()));
    }
    Ok(())
}

fn runtime(worker_threads: usize) -> io::Result<Runtime> {
    let mut builder = match worker_threads {
        0 => Builder::new_current_thread(),
        threads => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
    };
    // The watchers' threads stay: a thread that is gone might not be had again.
    builder.thread_keep_alive(KEEP_ALIVE).enable_all().build()
}

async fn direct(
    run: ProcessRun,
    directory: RunDirectory,
    interruptions: &impl Interruptions,
    watchers: Watchers,
    on_open: impl FnOnce(FrontDoor) + Send,
) -> Directed {
    let Watchers { screen, records } = watchers;
    let interest = (screen.interest(), records.interest());
    let (console, recorder) = (ConsoleActor::spawn(screen).await?, RecorderActor::spawn(records).await?);
    let directory = Arc::new(directory);
    let program = own_file::path()?;
    let (alive, mut all_gone) = mpsc::channel(1);
    let (ending, ended) = oneshot::channel();
    let (interruption, interrupted) = watch::channel(None);
    let given = OwnerArguments {
        run,
        directory: Arc::clone(&directory),
        program,
        console: Correspondent::new(console.clone(), interest.0),
        recorder: Correspondent::new(recorder.clone(), interest.1),
        alive,
        ending,
        interrupted,
    };
    let (owner, owner_task) = Actor::spawn(None, RoundOwner, given).await.map_err(not_begun)?;
    on_open(FrontDoor(owner.clone()));
    let whole_run = async {
        let (finished, here) = conduct(&owner, ended, &interruption, interruptions).await?;
        let watchers = Watchers { screen: back(&console).await?, records: back(&recorder).await? };
        Ok((finished, here, watchers))
    };
    let directed = tokio::select! {
        directed = whole_run => directed,
        signal = interruptions.second() => Err(DirectorError::Signalled(signal)),
    };
    // Whatever still runs ends with the owner: its keeper, and with that the processes.
    owner.kill();
    let _ = owner_task.await;
    // A process that is not gone by then cannot be killed by anybody.
    let _ = tokio::time::timeout(REAP_TIME, all_gone.recv()).await;
    drop(directory);
    directed
}

/// Why the round owner did not even begin.
fn not_begun(error: SpawnErr) -> DirectorError {
    match error {
        SpawnErr::StartupFailed(error) => error.downcast().map_or_else(DirectorError::actor, |error| *error),
        other => DirectorError::actor(other),
    }
}

/// Sees the run through; the first signal ends it after its round.
async fn conduct(
    owner: &ActorRef<OwnerMessage>,
    mut ended: oneshot::Receiver<Ending>,
    interruption: &watch::Sender<Option<i32>>,
    interruptions: &impl Interruptions,
) -> Ending {
    owner.cast(OwnerMessage::Begin).map_err(DirectorError::actor)?;
    let ending = tokio::select! {
        ending = &mut ended => ending,
        signal = interruptions.first() => {
            // It hears this while it waits for a program, and its message in between.
            interruption.send_replace(Some(signal));
            // An owner that is gone has left its ending.
            let _ = owner.cast(OwnerMessage::Interrupt(signal));
            ended.await
        }
    };
    ending.unwrap_or_else(|_| Err(DirectorError::Actor("the round owner ended".to_owned())))
}

/// Takes back what a watcher watches with, once it is done.
async fn back<W: Send + 'static>(watcher: &ActorRef<WatchMessage<W>>) -> Result<W, DirectorError> {
    let given = watcher.call(WatchMessage::GiveBack, None).await.map_err(DirectorError::actor)?;
    given.success_or(()).map_err(|()| DirectorError::Actor("a watcher gave nothing back".to_owned()))
}
