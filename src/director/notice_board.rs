//! What the director says of the run in its directory, for `world ps` and for agents that look for
//! a world. It costs a round nothing but a comparison: a status is written at most every so often,
//! and the last one is never left out.

use super::lineup::{Lineup, SeatFacts};
use super::messages::OwnerMessage;
use crate::event::Event;
use crate::status::{AgentStatus, Phase, Presence, RunFacts, RunStatus, Standing, WorldStatus};
use crate::wall_clock;
use bus::address::RunDirectory;
use ractor::ActorRef;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use worlds::id::Name;
use worlds::plan::RunPlan;
use worlds::topology::World;

/// From one status to the next: as often as somebody who looks again would notice.
const STATUS_PAUSE: Duration = Duration::from_millis(250);

/// Says how a run stands.
#[derive(Debug)]
pub(super) struct NoticeBoard {
    directory: Arc<RunDirectory>,
    standing: Standing,
    /// When the last status was written.
    written: Option<Instant>,
    /// Whether another is to be written already.
    is_due: bool,
}

impl NoticeBoard {
    /// The board of a run that is about to begin; its first status is written.
    pub(super) fn put_up(
        directory: Arc<RunDirectory>,
        world: &World,
        plan: &RunPlan,
        lineup: &Lineup,
    ) -> Self {
        let facts = RunFacts {
            world: WorldStatus { name: world.name.to_string(), hash: world.hash.clone() },
            seed: plan.seed,
            mode: crate::result::Mode::Processes.name().to_owned(),
            phase: Phase::Starting,
            round: 0,
            rounds: plan.rounds,
            started_unix_seconds: wall_clock::unix_seconds(),
        };
        let agents = lineup.seats.values().map(agent).collect();
        let standing = Standing::new(RunStatus { facts, agents });
        let mut board = Self { directory, standing, written: None, is_due: false };
        board.write();
        board
    }

    /// Takes in who comes and goes, and has it written: at once, or when the last status is old enough.
    pub(super) fn tell(&mut self, owner: &ActorRef<OwnerMessage>, events: &[Event]) {
        events.iter().for_each(|event| self.standing.tell(event));
        self.have_written(owner);
    }

    /// A round begins.
    pub(super) fn opened(&mut self, owner: &ActorRef<OwnerMessage>, round: u32) {
        self.standing.opened(round);
        self.have_written(owner);
    }

    /// An agent takes part again, from the round on that begins next.
    pub(super) fn let_in(&mut self, agent: &Name) {
        self.standing.let_in(agent);
    }

    fn have_written(&mut self, owner: &ActorRef<OwnerMessage>) {
        if self.is_due {
            return;
        }
        let age = self.written.map_or(STATUS_PAUSE, |written| written.elapsed());
        match STATUS_PAUSE.checked_sub(age).filter(|rest| !rest.is_zero()) {
            None => self.write(),
            Some(rest) => {
                self.is_due = true;
                drop(owner.send_after(rest, || OwnerMessage::StatusDue));
            }
        }
    }

    /// Writes the status.
    pub(super) fn write(&mut self) {
        self.is_due = false;
        self.written = Some(Instant::now());
        let Ok(status) = serde_json::to_vec(self.standing.status()) else { return };
        // A run goes on that cannot say how it stands: nothing in it depends on that.
        let _ = self.directory.write_status(&status);
    }
}

fn agent(facts: &SeatFacts) -> AgentStatus {
    AgentStatus {
        name: facts.agent.clone(),
        kind: facts.kind.clone(),
        by_hand: facts.manual,
        presence: Presence::Awaited,
        pid: None,
    }
}
