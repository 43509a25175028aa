//! `--plan`: the faults that will come, without running anything.

use crate::config::RunConfig;
use bus::wire::Role;
use serde::Serialize;
use worlds::chaos::{self, PlannedFault};
use worlds::id::AgentId;

/// The schedule as a document.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Schedule {
    /// Version of this document's shape.
    pub schema: u32,
    /// Which world.
    pub world: String,
    /// The hash of its definition.
    pub world_hash: String,
    /// The number from which all chance flows.
    pub seed: u64,
    /// How much chaos there is.
    pub chaos_level: &'static str,
    /// Rounds of the run.
    pub rounds: u32,
    /// By round, then by kind and target.
    pub faults: Vec<ScheduledFault>,
}

/// A fault that will come.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ScheduledFault {
    /// Its first round.
    pub round: u32,
    /// What happens.
    pub kind: String,
    /// To which server, or to which SRE, as on the bus: `sre-oncall`.
    pub target: String,
    /// How long it works at least, if nobody acts.
    pub rounds: u32,
}

impl Schedule {
    /// The faults of a run; `planned` is called after each round.
    pub(crate) fn of(config: &RunConfig, planned: impl FnMut()) -> Self {
        let (world, plan) = (&config.world, &config.plan);
        let faults = chaos::schedule(world, plan, planned);
        let named = |fault: PlannedFault| ScheduledFault {
            round: fault.round,
            kind: world.definition.chaos[fault.kind.index()].name.clone(),
            target: target_name(config, fault.target),
            rounds: fault.rounds,
        };
        Self {
            schema: 1,
            world: world.name.to_string(),
            world_hash: world.hash.clone(),
            seed: plan.seed,
            chaos_level: plan.level.name(),
            rounds: plan.rounds,
            faults: faults.into_iter().map(named).collect(),
        }
    }
}

/// A server by its own name, an SRE by the one on the bus.
fn target_name(config: &RunConfig, target: AgentId) -> String {
    match target {
        AgentId::Server(server) => config.world.servers[server.index()].name.to_string(),
        AgentId::Sre(sre) => Role::Sre.agent_name(&config.plan.sres[sre.index()].name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    #[test]
    fn each_round_is_told_of_when_it_is_planned() {
        let arguments = ["world", "run", "--plan", "-n", "300", "--chaos-level", "high"];
        let Command::Run(args) = Cli::try_parse_from(arguments).expect("good flags").command else {
            panic!("not a run");
        };
        let systems = worlds::definition::builtin::find("systems").expect("it is built in");
        let parsed = worlds::definition::parse("systems.toml", systems.text).expect("it is good");
        let config = RunConfig::decide(&args, "systems", parsed.definition, || 42).expect("it fits");
        let mut rounds = 0;
        let schedule = Schedule::of(&config, || rounds += 1);
        assert_eq!((rounds, schedule.rounds), (300, 300));
        let onsets = schedule.faults.iter().map(|fault| fault.round);
        assert!(onsets.clone().is_sorted() && onsets.max() > Some(200), "{schedule:?}");
    }
}
