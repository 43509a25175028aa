//! Who looks on while the daemon lives: the heartbeat, whoever is told outside, whoever scrapes figures, and the
//! service manager. None of them can hold it up.

use super::DaemonError;
use daemon::book::Setup;
use daemon::clock::Clock;
use daemon::crew::foreman::Progress;
use daemon::exposition::{self, Snapshot};
use daemon::heartbeat::{self, Beat, HeartbeatArguments, Patience, Tick};
use daemon::notify::{Errands, Herald};
use daemon::service_manager::{News, ServiceManager};
use ractor::ActorRef;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tracing::info;

/// For telling what is still to be told when the daemon ends; of a short grace time a quarter.
const LAST_WORDS_MAX: Duration = Duration::from_secs(3);

/// They, while the daemon lives.
pub(super) struct Companions {
    heartbeat: (ActorRef<Tick>, JoinHandle<()>),
    errands: Errands,
    manager: Arc<ServiceManager>,
    /// Those that are simply ended.
    tasks: JoinSet<()>,
}

impl Companions {
    /// Has them come. `progress` is the foreman's.
    pub(super) async fn gather(
        setup: &Setup,
        clock: &Arc<dyn Clock>,
        progress: &watch::Receiver<Progress>,
        (herald, errands): (Herald, Errands),
    ) -> Result<Self, DaemonError> {
        let patience = Patience::of(setup.calendar.interval());
        let mut tasks = JoinSet::new();
        if let Some(address) = setup.config.metrics {
            let verb = || format!("serve figures at {address}");
            let listener = exposition::listen(address).await.map_err(DaemonError::system(verb()))?;
            let shown = listener.local_addr().map_err(DaemonError::system(verb()))?;
            info!("figures at http://{shown}/metrics, health at http://{shown}/healthz");
            let (clock, progress) = (Arc::clone(clock), progress.clone());
            let wall = Arc::clone(&clock);
            let source = Arc::new(move || {
                let progress = progress.borrow();
                Snapshot::of(&progress, &Beat::of(&progress.board, wall.wall(), patience))
            });
            tasks.spawn(exposition::serve(listener, clock, source));
        }
        let manager = Arc::new(ServiceManager::of_environment());
        let (assuring, seen, ticking) = (Arc::clone(&manager), progress.clone(), Arc::clone(clock));
        tasks.spawn(async move {
            let is_well = || Beat::of(&seen.borrow().board, ticking.wall(), patience).overdue.is_none();
            assuring.keep_assured(&*ticking, is_well).await;
        });
        let arguments = HeartbeatArguments {
            progress: progress.clone(),
            clock: Arc::clone(clock),
            every: Duration::from_secs(u64::from(setup.config.settings.heartbeat_minutes) * 60),
            patience,
            told: Box::new(move |beat| herald.ping(beat)),
        };
        let heartbeat = heartbeat::spawn(arguments);
        let heartbeat = heartbeat.await.map_err(|error| DaemonError::Actor(error.to_string()))?;
        Ok(Self { heartbeat, errands, manager, tasks })
    }

    /// The service manager, who is told by others, too.
    pub(super) fn manager(&self) -> Arc<ServiceManager> {
        Arc::clone(&self.manager)
    }

    /// Has them go. Whoever else has a herald must have gone before.
    pub(super) async fn leave(mut self, grace: Duration) {
        self.manager.tell(&[News::Stopping]);
        self.tasks.abort_all();
        let (heartbeat, gone) = self.heartbeat;
        heartbeat.stop(None);
        drop(heartbeat);
        // How it ended is of no use to anybody.
        let _ = gone.await;
        self.errands.finish(LAST_WORDS_MAX.min(grace / 4)).await;
    }
}
