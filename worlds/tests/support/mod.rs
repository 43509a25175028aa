//! A drill for the model's tests: a world, scripted faults, scripted decisions, played inline.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::sync::Arc;
use worlds::definition::{ChaosKind, Definition, Effect, GroupBy, Hits, SkillName, SreKind};
use worlds::id::{ActionId, AgentId, KindId, SreId};
use worlds::inline::Inline;
use worlds::journal::Record;
use worlds::message::{
    ActionRequest, ActionResult, Decision, Metrics, Observation, Report, RequestId, ServerView, Tick,
};
use worlds::outcome::{Incident, Outcome, Requests};
use worlds::plan::{Level, RunPlan, ScriptedFault, SrePlan, Target};
use worlds::process::Reviving;
use worlds::round::{Entry, Round};
use worlds::server::Server;
use worlds::topology::World;

/// The default world as its file has it.
pub fn systems() -> Definition {
    toml::from_str(include_str!("../../definitions/systems.toml")).expect("the built-in world parses")
}

/// The default world without chance: 1000 requests in each round, and actions never fail.
pub fn certain() -> Definition {
    let mut definition = systems();
    definition.traffic.noise = [1.0, 1.0];
    for action in &mut definition.actions {
        action.success_rate = 1.0;
    }
    definition
}

/// An SRE of rules.
pub fn rules(name: &str, skill: SkillName) -> SrePlan {
    SrePlan::rules(name, skill)
}

/// An SRE that has no skill.
pub fn unskilled(kind: SreKind) -> SrePlan {
    SrePlan::of("oncall", kind)
}

/// Every SRE that can be compared, in the order in which they should come.
pub fn all_sres() -> [SrePlan; 5] {
    [
        unskilled(SreKind::None),
        rules("oncall", SkillName::Junior),
        rules("oncall", SkillName::Mid),
        rules("oncall", SkillName::Senior),
        unskilled(SreKind::Oracle),
    ]
}

/// A run of the world's own length with one SRE.
pub fn run(world: &Arc<World>, seed: u64, level: Level, sre: &SrePlan) -> Outcome {
    let rounds = world.definition.rounds;
    let plan = RunPlan {
        seed,
        level,
        rounds,
        sres: vec![sre.clone()],
        scripted: Vec::new(),
        drill: Default::default(),
    };
    Inline::outcome(Arc::clone(world), plan)
}

/// All servers step; `None` from those that are told nothing.
pub fn step(servers: &mut [Server], ticks: &[Option<Tick>]) -> Vec<Option<Report>> {
    let step = |(server, tick): (&mut Server, &Option<Tick>)| {
        tick.as_ref().map(|tick| {
            let mut report = Report::default();
            server.step(tick, &mut report);
            report
        })
    };
    servers.iter_mut().zip(ticks).map(step).collect()
}

/// The same, with its journal.
pub fn recorded(world: &Arc<World>, seed: u64, level: Level, sre: &SrePlan) -> (Outcome, Vec<Entry>) {
    let rounds = world.definition.rounds;
    let plan = RunPlan {
        seed,
        level,
        rounds,
        sres: vec![sre.clone()],
        scripted: Vec::new(),
        drill: Default::default(),
    };
    let mut run = Inline::new(Arc::clone(world), plan);
    while !run.is_over() {
        run.step();
    }
    (run.finish(), run.take_entries())
}

/// Users' requests, round by round.
pub fn by_round(entries: &[Entry]) -> Vec<Requests> {
    let closed = |entry: &Entry| match entry.record {
        Record::RoundClosed { total, good, .. } => Some(Requests { total, good }),
        _ => None,
    };
    entries.iter().filter_map(closed).collect()
}

/// A run that is scripted in faults and in decisions, without any other chance.
pub struct Drill {
    definition: Definition,
    rounds: u32,
    faults: Vec<(String, u32, String)>,
    decisions: BTreeMap<u32, Vec<(String, String)>>,
    acknowledging: bool,
    claims: bool,
    asked: worlds::plan::Drill,
}

/// What a drill came to.
pub struct Drilled {
    /// The outcome.
    pub outcome: Outcome,
    /// The journal.
    pub entries: Vec<Entry>,
    /// The world.
    pub world: Arc<World>,
    /// What SREs were shown, round by round.
    pub seen: Vec<Observation>,
    /// The results that the SRE was told, round by round.
    pub told: Vec<Vec<ActionResult>>,
}

impl Drill {
    /// In the default world without chance.
    pub fn new() -> Self {
        Self::of(certain())
    }

    /// In a world of one's own.
    pub fn of(definition: Definition) -> Self {
        Self {
            definition,
            rounds: 15,
            faults: Vec::new(),
            decisions: BTreeMap::new(),
            acknowledging: false,
            claims: false,
            asked: worlds::plan::Drill::default(),
        }
    }

    /// Changes the world.
    pub fn with(mut self, change: impl FnOnce(&mut Definition)) -> Self {
        change(&mut self.definition);
        self
    }

    /// Adds a kind of fault that never comes by itself.
    pub fn with_kind(self, name: &str, rounds: u32, effect: Effect) -> Self {
        self.with(|definition| {
            definition.chaos.push(ChaosKind {
                name: name.into(),
                description: String::new(),
                probability: 0.0,
                rounds,
                gradual: false,
                hits: Hits::Servers,
                types: Vec::new(),
                except_types: Vec::new(),
                group: None,
                spread: None,
                effect,
            });
        })
    }

    /// What a drill asks of the run beside its faults.
    pub fn asks(mut self, asked: worlds::plan::Drill) -> Self {
        self.asked = asked;
        self
    }

    /// A fault that comes for certain.
    pub fn fault(mut self, kind: &str, round: u32, target: &str) -> Self {
        self.faults.push((kind.into(), round, target.into()));
        self
    }

    /// The SRE decides for an action at the end of a round.
    pub fn action(mut self, round: u32, action: &str, target: &str) -> Self {
        self.decisions.entry(round).or_default().push((action.into(), target.into()));
        self
    }

    /// The SRE acknowledges every alert in the round in which it sees it.
    pub fn acknowledging(mut self) -> Self {
        self.acknowledging = true;
        self
    }

    /// Plays it.
    pub fn play(self) -> Drilled {
        let world = Arc::new(World::new("drill", self.definition.clone()));
        let mut scripted: Vec<ScriptedFault> =
            self.faults.iter().map(|(kind, round, target)| scripted(&world, kind, *round, target)).collect();
        scripted.sort();
        let sres = vec![unskilled(SreKind::None)];
        let plan =
            RunPlan { seed: 1, level: Level::Off, rounds: self.rounds, sres, scripted, drill: self.asked };
        let mut round = Round::new(Arc::clone(&world), plan);
        let mut servers: Vec<Server> = round.server_briefs().map(Server::new).collect();
        let (mut seen, mut told) = (Vec::new(), Vec::new());
        while !round.is_over() {
            round.open();
            revive(&round, &mut servers);
            let mut reports = step(&mut servers, &round.opening().ticks);
            round.observe(&mut reports);
            let decision = self.decide(&world, round.observation());
            seen.push(round.observation().clone());
            told.push(round.results(SreId(0)).to_vec());
            round.close(&[decision]);
        }
        let outcome = round.finish();
        Drilled { outcome, entries: round.take_entries(), world, seen, told }
    }

    fn decide(&self, world: &World, seen: &Observation) -> Decision {
        let wanted = self.decisions.get(&seen.round).into_iter().flatten();
        let actions = wanted
            .enumerate()
            .map(|(index, (action, target))| ActionRequest {
                request: RequestId(seen.round * 100 + index as u32),
                action: action_id(world, action),
                target: world.server(target).expect("the drill names a server"),
                late: false,
            })
            .collect();
        let acknowledged = seen.alerts.iter().filter(|_| self.acknowledging).map(|alert| alert.id).collect();
        Decision { round: seen.round, acknowledged, actions, ..Decision::default() }
    }
}

/// Servers whose process is to be a new one begin anew.
pub fn revive(round: &Round, servers: &mut [Server]) {
    for revival in &round.opening().revivals {
        if let (Reviving::Start, Some(server)) = (revival.how, revival.agent.server()) {
            servers[server.index()] = Server::new(round.server_brief(server));
        }
    }
}

impl Drilled {
    /// How telemetry shows a server in a round.
    pub fn view(&self, round: u32, name: &str) -> ServerView {
        let server = self.world.server(name).expect("the drill names a server");
        self.seen[round as usize - 1].servers[server.index()]
    }

    /// The round in which the SRE was told what became of its first request of a round.
    pub fn told_in(&self, asked: u32) -> Option<u32> {
        let is_it =
            |results: &Vec<ActionResult>| results.iter().any(|it| it.request == RequestId(asked * 100));
        self.told.iter().position(is_it).map(|index| index as u32 + 1)
    }

    /// The incident of a fault, by number.
    pub fn incident(&self, id: u32) -> &Incident {
        let found = self.outcome.incidents.iter().find(|incident| incident.id == id);
        found.unwrap_or_else(|| panic!("fault {id} became no incident: {:?}", self.outcome.incidents))
    }

    /// Good requests of a round.
    pub fn good(&self, round: u32) -> u64 {
        by_round(&self.entries)[round as usize - 1].good
    }

    /// A server's record of a round.
    pub fn server(&self, round: u32, name: &str) -> ServerRecord {
        self.entries
            .iter()
            .find_map(|entry| match &entry.record {
                Record::Server {
                    round: at,
                    server,
                    cpu_usage,
                    memory_usage,
                    error_rate,
                    latency_p99,
                    disk_usage,
                    requests,
                    services_down,
                    reachable,
                    in_rotation,
                    ..
                } if *at == round && &**server == name => Some(ServerRecord {
                    metrics: Metrics {
                        cpu_usage: *cpu_usage,
                        memory_usage: *memory_usage,
                        error_rate: *error_rate,
                        latency_p99: *latency_p99,
                        disk_usage: *disk_usage,
                        requests: *requests,
                        services_down: *services_down,
                    },
                    reachable: *reachable,
                    in_rotation: *in_rotation,
                }),
                _ => None,
            })
            .unwrap_or_else(|| panic!("no record of {name} in round {round}"))
    }

    /// Whether a record of this sort was written.
    pub fn wrote(&self, what: impl Fn(&Record) -> bool) -> bool {
        self.entries.iter().any(|entry| what(&entry.record))
    }
}

/// What the journal says of a server in a round.
pub struct ServerRecord {
    /// Its metrics.
    pub metrics: Metrics,
    /// Not cut off.
    pub reachable: bool,
    /// The balancer may use it.
    pub in_rotation: bool,
}

fn action_id(world: &World, name: &str) -> ActionId {
    let position = world.definition.actions.iter().position(|action| action.name == name);
    ActionId::from(position.expect("the drill names an action"))
}

fn scripted(world: &World, kind: &str, round: u32, target: &str) -> ScriptedFault {
    let position = world.definition.chaos.iter().position(|known| known.name == kind);
    let kind = KindId::from(position.expect("the drill names a kind"));
    let target = match target.split_once(':') {
        Some(("sre", _)) => Target::Agent(AgentId::Sre(SreId(0))),
        Some((by, name)) => {
            let by = GroupBy::ALL.into_iter().find(|known| known.name() == by).expect("a sort of group");
            Target::Group(world.group(by, name).expect("the drill names a group"))
        }
        None => Target::Agent(AgentId::Server(world.server(target).expect("the drill names a server"))),
    };
    ScriptedFault { round, kind, target }
}
