//! `world daemon run` and `once`: living through days, in this process.
//!
//! The first SIGINT or SIGTERM ends the daemon within its grace time, the second at once. SIGHUP loads the
//! configuration anew. A clean end is exit code 0, whoever asked for it, so that no supervisor starts again what
//! was ended.

use super::DaemonError;
use super::cli::{RunArgs, Which};
use super::companions::Companions;
use super::resident::Resident;
use super::settings::{self, Place};
use super::target::AnyTarget;
use crate::exit_code;
use crate::program::Failure;
use crate::stdio::Stdio;
use daemon::board::{Board, Doing};
use daemon::book::{self, Book, Setup, Views};
use daemon::clock::{Clock, SystemClock};
use daemon::crew::clerk::Clerk;
use daemon::crew::cycle::{Cycle, Kit, Report};
use daemon::crew::forecaster::{self, Desk, ForecasterMessage};
use daemon::crew::foreman::{self, Ended, ForemanArguments, ForemanMessage, Progress};
use daemon::estop::{CurrentBrake, Latch, Watchman};
use daemon::instance::Instance;
use daemon::ledger::Ledger;
use daemon::log::{self, Stamps};
use daemon::notify::Herald;
use daemon::notify::message::Sender;
use daemon::sender::{Brake, Pull};
use daemon::service_manager::{News, ServiceManager};
use days::config::Config;
use days::config::settings::{Settings, TargetKind};
use days::order::Kind;
use jiff::Timestamp;
use ractor::ActorRef;
use std::convert::Infallible;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tracing::{info, warn};

/// For the runtime to stop: what is left in it waits for nothing that matters.
const RUNTIME_STOP_TIME: Duration = Duration::from_millis(200);

/// A daemon that is about to live: it has its directory for itself, and its ledger open.
struct Crew {
    place: Place,
    setup: Arc<Setup>,
    clock: Arc<dyn Clock>,
    clerk: Clerk,
    thread: JoinHandle<()>,
    _instance: Instance,
}

/// Runs the daemon in the foreground.
pub(super) fn run(args: &RunArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    let mut place = settings::place(&args.which)?;
    let clock = SystemClock::start();
    let typed = match (&args.until, args.lasts) {
        (Some(until), _) => Some(settings::instant(until, &place.setup)?),
        (None, Some(lasts)) => Some(clock.wall().saturating_add(lasts).unwrap_or(Timestamp::MAX)),
        (None, None) => None,
    };
    place.setup.until = typed.or(place.setup.until);
    place.warn(stdio)?;
    if args.detached {
        rustix::process::setsid().map_err(|error| DaemonError::system("begin a session")(error.into()))?;
    }
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        // In the background nobody reads the console, and the log has the same.
        let crew = Crew::gather(place, Arc::new(clock), args.detached)?;
        crew.live(&args.which, typed).await
    });
    runtime.shutdown_timeout(RUNTIME_STOP_TIME);
    Ok(ended.map(|_| exit_code::OK)?)
}

/// Carries out a single cycle.
pub(super) fn once(which: &Which, stdio: &mut Stdio) -> Result<u8, Failure> {
    let place = settings::place(which)?;
    place.warn(stdio)?;
    let runtime = runtime()?;
    let report = runtime.block_on(async {
        // What is printed at the end says it all.
        let crew = Crew::gather(place, Arc::new(SystemClock::start()), true)?;
        crew.once().await
    });
    runtime.shutdown_timeout(RUNTIME_STOP_TIME);
    let report = report?;
    stdio.out.print(&told(&report))?;
    Ok(if report.has_failed() { exit_code::GATE_FAILED } else { exit_code::OK })
}

fn runtime() -> Result<Runtime, DaemonError> {
    Builder::new_multi_thread().enable_all().build().map_err(DaemonError::system("start the runtime"))
}

fn told(report: &Report) -> Vec<String> {
    let mut lines = vec![format!("Cycle {} {}", report.number, report.state.word())];
    for kind in Kind::ALL {
        let account = report.accounts.get(kind);
        if account.planned > 0 {
            let (word, succeeded, planned) = (kind.word(), account.succeeded, account.planned);
            lines.push(format!("  {word:<12}{succeeded} of {planned} succeeded, {} failed", account.failed));
        }
    }
    if report.tally.tests() > 0 {
        let tally = report.tally;
        lines.push(format!(
            "  {:<12}{} blocked, {} breached, {} undetermined",
            "", tally.blocked, tally.breached, tally.undetermined
        ));
    }
    lines.extend(report.error.as_ref().map(|error| format!("  {error}")));
    lines
}

impl Crew {
    /// Takes the base directory, opens the ledger, and ends what a killed daemon has left in it.
    fn gather(place: Place, clock: Arc<dyn Clock>, is_console_quiet: bool) -> Result<Self, DaemonError> {
        let instance = Instance::take(&place.base)?;
        let stamps = Stamps { clock: Arc::clone(&clock), zone: place.setup.calendar.zone().clone() };
        log::install(&place.setup.config.settings.log, &place.log(), stamps, is_console_quiet)?;
        let setup = Arc::new(place.setup.clone());
        let views = Views::of(&setup, &place.base);
        let mut book = Book::of(Ledger::open(&place.ledger())?, Arc::clone(&setup), Some(views));
        for slot in book.recover(clock.wall())? {
            warn!("the cycle of {slot} was cut off by the end of the daemon before this one");
        }
        let (clerk, thread) = Clerk::hire(book).map_err(DaemonError::system("start a thread"))?;
        Ok(Self { place, setup, clock, clerk, thread, _instance: instance })
    }

    /// The resident world, if that is what is asked.
    fn resident(&self) -> Result<Option<Resident>, DaemonError> {
        let config = &self.setup.config;
        let begin = || Resident::begin(config, Arc::clone(&self.clock)).map_err(DaemonError::Target);
        (config.settings.target.kind == TargetKind::World).then(begin).transpose()
    }

    fn kit(&self, resident: Option<&Resident>) -> Result<Kit<AnyTarget>, DaemonError> {
        let target = AnyTarget::of(&self.setup.config, Arc::clone(&self.clock), resident);
        Ok(Kit {
            target: Arc::new(target.map_err(DaemonError::Target)?),
            subjects: resident.map(|resident| resident.target().subjects()),
            clock: Arc::clone(&self.clock),
            clerk: self.clerk.clone(),
        })
    }

    async fn once(self) -> Result<Report, DaemonError> {
        let (mut signals, resident) = (Signals::install()?, self.resident()?);
        let report = self.once_with(resident.as_ref(), &mut signals).await;
        if let Some(resident) = resident {
            resident.leave().await;
        }
        self.close();
        report
    }

    async fn once_with(
        &self,
        resident: Option<&Resident>,
        signals: &mut Signals,
    ) -> Result<Report, DaemonError> {
        let kit = self.kit(resident)?;
        let latch = Latch::look(&self.place.base);
        if let Some(why) = latch.reason() {
            return Err(DaemonError::EmergencyStop(why));
        }
        if let Some(by) = come_up(resident, signals).await? {
            return Err(DaemonError::Interrupted(by));
        }
        let at = self.clock.wall();
        let slot = book::by_hand(&self.setup.calendar, at);
        let begun = self.clerk.ask(move |book| book.begin(&slot, None, at)).await;
        let begun = begun.map_err(|gone| DaemonError::Actor(gone.to_string()))??;
        let (setup, brake, current) = (Arc::clone(&self.setup), Brake::default(), CurrentBrake::default());
        current.set(brake.clone());
        let watching = tokio::spawn(self.watchman(current).watch(latch, |_| {}));
        let cycle = Cycle { kit, setup, slot, is_late: false, begun, brake: brake.clone() };
        let report = tokio::select! {
            report = cycle.carry_out() => report,
            never = stop_by_signal(signals, &brake) => match never {},
        };
        report.tell();
        watching.abort();
        Ok(report)
    }

    fn watchman(&self, brake: CurrentBrake) -> Watchman {
        Watchman { base: self.place.base.clone(), clock: Arc::clone(&self.clock), brake }
    }

    async fn live(self, which: &Which, until: Option<Timestamp>) -> Result<Ended, DaemonError> {
        // Before anything is begun: a signal that comes then ends it in good order, too.
        let signals = Signals::install()?;
        self.announce();
        let resident = self.resident()?;
        let ended = self.live_with(resident.as_ref(), signals, which, until).await;
        if let Some(resident) = resident {
            resident.leave().await;
        }
        if let Ok(ended) = &ended {
            info!("ended: {ended}");
        }
        self.close();
        ended
    }

    async fn live_with(
        &self,
        resident: Option<&Resident>,
        mut signals: Signals,
        which: &Which,
        until: Option<Timestamp>,
    ) -> Result<Ended, DaemonError> {
        let kit = self.kit(resident)?;
        if let Some(by) = come_up(resident, &mut signals).await? {
            return Ok(Ended::Stopped(by.to_owned()));
        }
        let (progress, seen) = watch::channel(Progress { board: self.board(), today: None });
        let (told, ended) = oneshot::channel();
        let (latch, brake) = (Latch::look(&self.place.base), CurrentBrake::default());
        let sender = Sender { daemon: self.place.name.clone(), started: self.clock.wall() };
        let (herald, errands) =
            Herald::of(&self.setup.config, &sender, &self.clock).map_err(DaemonError::Target)?;
        let companions =
            Companions::gather(&self.setup, &self.clock, &seen, (herald.clone(), errands)).await?;
        let arguments = ForemanArguments {
            kit,
            setup: Arc::clone(&self.setup),
            base: Some(self.place.base.clone()),
            board: self.board(),
            progress,
            notices: Box::new(move |notice| herald.tell(notice)),
            emergency_stop: latch.reason(),
            brake: brake.clone(),
            ended: told,
        };
        let (foreman, gone) =
            foreman::spawn(arguments).await.map_err(|error| DaemonError::Actor(error.to_string()))?;
        let desk = Desk {
            clerk: self.clerk.clone(),
            clock: Arc::clone(&self.clock),
            setup: Arc::clone(&self.setup),
        };
        let (forecaster, done) =
            forecaster::spawn(desk).await.map_err(|error| DaemonError::Actor(error.to_string()))?;
        let manager = companions.manager();
        manager.tell(&[News::Ready]);
        let ears = Ears {
            foreman: foreman.clone(),
            forecaster: forecaster.clone(),
            manager,
            which: which.clone(),
            until,
            followed: self.setup.config.clone(),
        };
        let listening = tokio::spawn(ears.listen(signals));
        let latched = foreman.clone();
        let watch = self.watchman(brake.clone()).watch(latch, move |why| {
            let _ = latched.cast(ForemanMessage::EmergencyStop(why));
        });
        let watching = tokio::spawn(watched(watch, brake, foreman.clone()));
        let ended = ended.await.map_err(|_| DaemonError::Actor("the foreman is gone".to_owned()));
        listening.abort();
        watching.abort();
        forecaster.stop(None);
        drop((foreman, forecaster));
        let _ = done.await;
        // How it ended was told before.
        let _ = gone.await;
        companions.leave(self.grace()).await;
        ended
    }

    fn grace(&self) -> Duration {
        Duration::from_secs(self.setup.config.settings.grace_seconds.into())
    }

    fn board(&self) -> Board {
        Board {
            pid: std::process::id(),
            started: self.clock.wall(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            config: self.place.name.clone(),
            doing: Doing::Starting,
            last_cycle: None,
            cycles: 0,
            failures_in_a_row: 0,
            complaints: Vec::new(),
        }
    }

    fn announce(&self) {
        let settings = &self.setup.config.settings;
        info!("── world daemon {} ── PID {}", env!("CARGO_PKG_VERSION"), std::process::id());
        info!("configuration {}, files in {}", self.place.name, self.place.base.display());
        info!(
            "a cycle every {} s, {} to {} requests a day, time zone {}",
            settings.interval_seconds(),
            settings.target_daily_requests.min,
            settings.target_daily_requests.max,
            self.setup.zone
        );
        match self.setup.until {
            Some(until) => info!("ends for good at {until}"),
            None => info!("ends when it is stopped"),
        }
    }

    /// Waits until everything is written.
    fn close(self) {
        let Self { clerk, thread, _instance, .. } = self;
        drop(clerk);
        // A clerk that panicked has told so on the way.
        let _ = thread.join();
    }
}

/// Waits until the world answers, if there is one; gives the signal that came before.
async fn come_up(
    resident: Option<&Resident>,
    signals: &mut Signals,
) -> Result<Option<&'static str>, DaemonError> {
    let Some(resident) = resident else { return Ok(None) };
    tokio::select! {
        up = resident.comes_up() => up.map(|()| None).map_err(DaemonError::Target),
        by = signals.end() => Ok(Some(by)),
    }
}

/// Without somebody who watches the emergency stop nothing is sent.
async fn watched(
    watch: impl Future<Output = ()> + Send + 'static,
    brake: CurrentBrake,
    foreman: ActorRef<ForemanMessage>,
) {
    let mut watching = JoinSet::new();
    watching.spawn(watch);
    while let Some(ended) = watching.join_next().await {
        brake.cut();
        let how = ended.err().map(|panic| format!(": {panic}")).unwrap_or_default();
        let why = format!("internal error: nobody watches the emergency stop any more{how}");
        let _ = foreman.cast(ForemanMessage::EmergencyStop(Some(why)));
    }
}

/// The signals that a daemon hears.
struct Signals {
    interrupts: Signal,
    terminations: Signal,
    hangups: Signal,
}

/// What a signal asks for.
enum Asked {
    /// To end: the signal's name.
    End(&'static str),
    /// To load the configuration anew.
    Reload,
}

impl Signals {
    fn install() -> Result<Self, DaemonError> {
        let of = |kind| signal(kind).map_err(DaemonError::system("handle signals"));
        Ok(Self {
            interrupts: of(SignalKind::interrupt())?,
            terminations: of(SignalKind::terminate())?,
            hangups: of(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupts.recv() => Asked::End("SIGINT"),
            _ = self.terminations.recv() => Asked::End("SIGTERM"),
            _ = self.hangups.recv() => Asked::Reload,
        }
    }

    /// The next that asks to end, where there is nothing to reload.
    async fn end(&mut self) -> &'static str {
        loop {
            if let Asked::End(by) = self.next().await {
                return by;
            }
        }
    }
}

/// The first SIGINT or SIGTERM lets what is under way end, the second interrupts it.
async fn stop_by_signal(signals: &mut Signals, brake: &Brake) -> Infallible {
    let mut pull = Pull::Stop;
    loop {
        signals.end().await;
        brake.pull(pull);
        pull = Pull::Cut;
    }
}

/// Who hears signals, and for whom.
struct Ears {
    foreman: ActorRef<ForemanMessage>,
    forecaster: ActorRef<ForecasterMessage>,
    manager: Arc<ServiceManager>,
    which: Which,
    /// The planned end of the command line, which counts before that of a file.
    until: Option<Timestamp>,
    /// The configuration by which those were begun who do not follow a new one.
    followed: Config,
}

impl Ears {
    async fn listen(self, mut signals: Signals) {
        let mut asked = false;
        loop {
            match signals.next().await {
                Asked::Reload => self.reload(),
                Asked::End(by) => {
                    self.manager.tell(&[News::Stopping]);
                    let stop = ForemanMessage::Stop(by.to_owned());
                    // A foreman that is gone has ended.
                    let _ = self.foreman.cast(if asked { ForemanMessage::GraceIsOver } else { stop });
                    asked = true;
                }
            }
        }
    }

    fn reload(&self) {
        self.manager.tell(&[News::Reloading]);
        match settings::place(&self.which) {
            Ok(mut place) => {
                let waiting = left_as_they_are(&self.followed.settings, &place.setup.config.settings);
                if !waiting.is_empty() {
                    warn!("what has changed of {} holds from the next start on", waiting.join(", "));
                }
                place.setup.until = self.until.or(place.setup.until);
                let setup = Arc::new(place.setup);
                let _ = self.forecaster.cast(ForecasterMessage::Reload(Arc::clone(&setup)));
                let _ = self.foreman.cast(ForemanMessage::Reload(setup));
            }
            Err(error) => warn!("the configuration is not loaded anew, the old one stays: {error}"),
        }
        self.manager.tell(&[News::Ready]);
    }
}

/// The tables and keys that differ, of those that are looked at when the daemon begins.
fn left_as_they_are(before: &Settings, after: &Settings) -> Vec<&'static str> {
    let differing = [
        ("`target`", before.target != after.target),
        ("`output`", before.output != after.output),
        ("`log`", before.log != after.log),
        ("`notify`", before.notify != after.notify),
        ("`metrics`", before.metrics != after.metrics),
        ("`heartbeat_minutes`", before.heartbeat_minutes != after.heartbeat_minutes),
    ];
    differing.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
