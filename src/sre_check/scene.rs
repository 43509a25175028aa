//! The starts of a check: each in a world of its own, which the model plays.

use agents::program::dialect::Dialect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use worlds::chance::Seed;
use worlds::definition::generate::{Request, generate};
use worlds::definition::{SreKind, builtin, parse};
use worlds::id::{AgentId, KindId, ServerId};
use worlds::plan::{Drill, Level, RunPlan, ScriptedFault, SrePlan, Target};
use worlds::topology::World;

/// Servers of the large world: more than anybody's list of them is likely to have been tried with.
pub(super) const LARGE_SERVERS: usize = 1_000;

/// A day with much to do in each of the worlds.
const SEED: Seed = 7;

/// Which start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SceneName {
    /// A hard day in the default world.
    Drill,
    /// The same once more.
    Again,
    /// A day on which nothing happens.
    Quiet,
    /// The first once more, told as a later version of `world` may tell it.
    NewFields,
    /// The first once more, as the successor of an SRE that had asked for actions.
    Handover,
    /// A world of a thousand servers, each of which is hit.
    Large,
}

impl SceneName {
    /// All of them, in their order.
    pub(crate) const ALL: [Self; 6] =
        [Self::Drill, Self::Again, Self::Quiet, Self::NewFields, Self::Handover, Self::Large];

    /// Rounds of each.
    pub(super) fn rounds(self) -> u32 {
        match self {
            Self::Drill | Self::Again => 15,
            Self::NewFields => 5,
            Self::Quiet | Self::Handover | Self::Large => 3,
        }
    }
}

/// A start that is about to be.
pub(super) struct Scene {
    pub(super) name: SceneName,
    pub(super) world: Arc<World>,
    pub(super) plan: RunPlan,
    pub(super) dialect: Dialect,
}

impl Scene {
    pub(super) fn of(name: SceneName) -> Self {
        let world = Arc::new(if name == SceneName::Large { large_world() } else { default_world() });
        let level = match name {
            SceneName::Quiet => Level::Off,
            SceneName::Large => Level::Extreme,
            _ => Level::High,
        };
        let scripted = if name == SceneName::Large { one_each(&world) } else { Vec::new() };
        let sres = vec![SrePlan::of(crate::config::DEFAULT_SRE, SreKind::Exec)];
        let plan =
            RunPlan { seed: SEED, level, rounds: name.rounds(), sres, scripted, drill: Drill::default() };
        let dialect = if name == SceneName::NewFields { Dialect::Tomorrow } else { Dialect::Today };
        Self { name, world, plan, dialect }
    }
}

fn default_world() -> World {
    let name = crate::config::DEFAULT_WORLD;
    let text = builtin::find(name).expect("the default world comes with the program").text;
    world(name, text)
}

fn large_world() -> World {
    let request = Request { servers: LARGE_SERVERS, zones: 10, seed: SEED };
    world("large", &generate(request).expect("a world may have so many servers"))
}

fn world(name: &str, text: &str) -> World {
    let checked = parse(name, text).expect("what the program itself wrote is a world");
    World::new(name, checked.definition)
}

/// A fault on each server from the first round on: the first of those that can hit it.
fn one_each(world: &World) -> Vec<ScriptedFault> {
    let kinds = &world.definition.chaos;
    let fault = |(index, server): (usize, &worlds::definition::Server)| {
        let kind =
            kinds.iter().position(|kind| kind.effect.process.is_none() && kind.can_hit(&server.kind))?;
        let target = Target::Agent(AgentId::Server(ServerId::from(index)));
        Some(ScriptedFault { round: 1, kind: KindId::from(kind), target })
    };
    let mut faults: Vec<_> = world.definition.servers.iter().enumerate().filter_map(fault).collect();
    faults.sort_unstable();
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{self, Sender};
    use worlds::inline::{Inline, Outside};
    use worlds::message::{ActionResult, Decision, Observation};
    use worlds::round::Round;

    /// Counts the alerts that it is shown.
    #[derive(Debug)]
    struct Counting(Sender<usize>);

    impl Outside for Counting {
        fn decide(&mut self, seen: &Observation, _: &[ActionResult], _: &mut Decision) {
            self.0.send(seen.alerts.len()).expect("somebody hears it");
        }
    }

    fn alerts(name: SceneName) -> Vec<usize> {
        let Scene { world, plan, .. } = Scene::of(name);
        let (counts, heard) = mpsc::channel();
        let minds = Box::new(move |_: &_| Box::new(Counting(counts.clone())) as Box<dyn Outside>);
        Inline::with(Round::unrecorded(world, plan), minds).play();
        heard.try_iter().collect()
    }

    #[test]
    fn there_is_much_to_do_on_a_hard_day_and_nothing_on_a_quiet_one() {
        assert!(alerts(SceneName::Quiet).iter().all(|count| *count == 0));
        let drill = alerts(SceneName::Drill);
        assert!(drill[..3].iter().any(|count| *count > 0), "{drill:?}");
        let large = alerts(SceneName::Large);
        assert!(large[1..].iter().all(|count| *count >= 2 * LARGE_SERVERS), "{large:?}");
    }
}
