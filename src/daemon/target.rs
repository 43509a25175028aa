//! What the daemon's configuration says is asked.

use super::resident::{Resident, WorldLane, WorldTarget};
use daemon::clock::Clock;
use daemon::send::{Answer, Ask};
use daemon::target::{
    ChatLane, ChatSettings, ChatTarget, Complaint, HttpLane, HttpSettings, HttpTarget, Lane, RateCap, Target,
};
use days::config::Config;
use days::config::settings::TargetKind;
use std::sync::Arc;
use std::time::Duration;

/// A target of any kind.
pub(super) enum AnyTarget {
    /// An HTTP endpoint.
    Http(HttpTarget),
    /// A chat endpoint.
    Chat(ChatTarget),
    /// The resident world.
    World(WorldTarget),
}

/// A lane of one.
pub(super) enum AnyLane {
    Http(HttpLane),
    Chat(ChatLane),
    World(WorldLane),
}

impl AnyTarget {
    /// The target of a configuration; `resident` is there where it is the world.
    pub(super) fn of(
        config: &Config,
        clock: Arc<dyn Clock>,
        resident: Option<&Resident>,
    ) -> Result<Self, Complaint> {
        let none = || Complaint::new("the configuration names no target", "Name one in `target`.");
        match config.settings.target.kind {
            TargetKind::Http => {
                let settings = HttpSettings::of(config).ok_or_else(none)?;
                HttpTarget::new(&settings, clock).map(Self::Http)
            }
            TargetKind::Chat => {
                let settings = ChatSettings::of(config).ok_or_else(none)?;
                ChatTarget::new(&settings, clock).map(Self::Chat)
            }
            TargetKind::World => resident.map(|resident| Self::World(resident.target())).ok_or_else(none),
        }
    }
}

impl Target for AnyTarget {
    type Lane = AnyLane;

    fn lane(&self) -> AnyLane {
        match self {
            Self::Http(target) => AnyLane::Http(target.lane()),
            Self::Chat(target) => AnyLane::Chat(target.lane()),
            Self::World(target) => AnyLane::World(target.lane()),
        }
    }

    async fn validate(&self) -> Result<(), Complaint> {
        match self {
            Self::Http(target) => target.validate().await,
            Self::Chat(target) => target.validate().await,
            Self::World(target) => target.validate().await,
        }
    }

    fn timeout(&self) -> Duration {
        match self {
            Self::Http(target) => target.timeout(),
            Self::Chat(target) => target.timeout(),
            Self::World(target) => target.timeout(),
        }
    }

    fn cap(&self) -> Option<&RateCap> {
        match self {
            Self::Http(target) => target.cap(),
            Self::Chat(target) => target.cap(),
            Self::World(target) => target.cap(),
        }
    }
}

impl Lane for AnyLane {
    async fn ask(&mut self, ask: &Ask, deadline: Duration) -> Answer {
        match self {
            Self::Http(lane) => lane.ask(ask, deadline).await,
            Self::Chat(lane) => lane.ask(ask, deadline).await,
            Self::World(lane) => lane.ask(ask, deadline).await,
        }
    }
}
