//! The runs of a proof: a scenario with other people on call, or with parts of it left out, each played
//! once on every seed and remembered.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use worlds::chance::Seed;
use worlds::definition::{Hits, SkillName, SreKind};
use worlds::id::{ActionId, AgentId, ServerId};
use worlds::inline::Inline;
use worlds::message::{ActionRequest, Decision, Report, RequestId};
use worlds::outcome::Outcome;
use worlds::plan::{Level, RunPlan, ScriptedFault, SrePlan, Target};
use worlds::process::Reviving;
use worlds::round::Round;
use worlds::scenario::{Answer, RootCause, Scenario};
use worlds::server::Server;
use worlds::sre::runbook;

/// Who is on call, and what of the scenario is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cast {
    /// Nothing hits the world.
    Calm,
    /// The disturbances alone.
    NoiseAlone,
    /// All of it, and nobody acts.
    Nobody,
    /// The first is told the faults.
    Oracle,
    /// All are of this skill.
    Junior,
    Mid,
    Senior,
    /// As the senior, without the faults that hit SREs.
    SeniorUnharmed,
    /// Somebody who takes the answer key's remedies on what its root causes hit, and nothing else.
    Remedies,
    /// Somebody who takes what the answer key calls traps.
    Traps,
}

/// Plays, and remembers.
pub(super) struct Player<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) seeds: &'a [Seed],
    go_on: &'a mut dyn FnMut() -> ControlFlow<()>,
    played: BTreeMap<Cast, Vec<Outcome>>,
}

impl<'a> Player<'a> {
    pub(super) fn new(
        scenario: &'a Scenario,
        seeds: &'a [Seed],
        go_on: &'a mut dyn FnMut() -> ControlFlow<()>,
    ) -> Self {
        Self { scenario, seeds, go_on, played: BTreeMap::new() }
    }

    /// What came of it on each seed; `None` when that was broken off.
    pub(super) fn outcomes(&mut self, cast: Cast) -> Option<&[Outcome]> {
        if !self.played.contains_key(&cast) {
            let mut outcomes = Vec::with_capacity(self.seeds.len());
            for seed in self.seeds {
                if (self.go_on)().is_break() {
                    return None;
                }
                outcomes.push(self.play(cast, *seed));
            }
            self.played.insert(cast, outcomes);
        }
        self.played.get(&cast).map(Vec::as_slice)
    }

    /// Availability on each seed, percent.
    pub(super) fn availability(&mut self, cast: Cast) -> Option<Vec<f64>> {
        let outcomes = self.outcomes(cast)?;
        Some(outcomes.iter().map(|outcome| outcome.requests.availability_pct()).collect())
    }

    /// Utility on each seed, percent.
    pub(super) fn utility(&mut self, cast: Cast) -> Option<Vec<f64>> {
        Some(self.outcomes(cast)?.iter().map(|outcome| outcome.utility).collect())
    }

    fn play(&self, cast: Cast, seed: Seed) -> Outcome {
        let (world, plan) = (Arc::clone(&self.scenario.world), self.plan(cast, seed));
        let answer = self.scenario.answer.as_ref();
        match (cast, answer) {
            (Cast::Remedies, Some(answer)) => {
                self.by_the_book(plan, answer, &answer.remedies, |action, cause| {
                    self.scenario.helps(action, cause)
                })
            }
            (Cast::Traps, Some(answer)) => self.by_the_book(plan, answer, &answer.traps, |_, _| true),
            _ => Inline::outcome(world, plan),
        }
    }

    fn plan(&self, cast: Cast, seed: Seed) -> RunPlan {
        let scenario = self.scenario;
        let names = || scenario.sres.iter().map(|sre| sre.name.clone());
        let all = |kind, skill| {
            names().map(|name| SrePlan { skill, ..SrePlan::of(&name, kind) }).collect::<Vec<_>>()
        };
        let sres = match cast {
            Cast::Junior => all(SreKind::Rules, Some(SkillName::Junior)),
            Cast::Mid => all(SreKind::Rules, Some(SkillName::Mid)),
            Cast::Senior | Cast::SeniorUnharmed => all(SreKind::Rules, Some(SkillName::Senior)),
            Cast::Oracle => {
                let mut sres = all(SreKind::None, None);
                if let Some(first) = sres.first_mut() {
                    first.kind = SreKind::Oracle;
                }
                sres
            }
            _ => all(SreKind::None, None),
        };
        let mut scripted = match cast {
            Cast::Calm => Vec::new(),
            Cast::NoiseAlone => scenario.noise.clone(),
            _ => scenario.faults.iter().chain(&scenario.noise).copied().collect(),
        };
        if cast == Cast::SeniorUnharmed {
            scripted.retain(|fault| !hits_sre(fault));
        }
        scripted.sort_unstable();
        let level = match cast {
            Cast::Calm | Cast::NoiseAlone => Level::Off,
            _ => scenario.level,
        };
        let drill = scenario.drill.to_its_end();
        RunPlan { seed, level, rounds: scenario.rounds, sres, scripted, drill }
    }

    /// Whether the scenario scripts a fault that hits an SRE.
    pub(super) fn hits_sres(&self) -> bool {
        self.scenario.faults.iter().any(hits_sre)
    }

    /// Whether anything hits the world: scripted, or by itself.
    pub(super) fn has_faults(&self) -> bool {
        !self.scenario.faults.is_empty() || self.scenario.level != Level::Off
    }

    /// Whether a fault hits a server.
    pub(super) fn hits_servers(&self) -> bool {
        let kinds = &self.scenario.world.definition.chaos;
        let scripted = self.scenario.faults.iter();
        self.scenario.level != Level::Off
            || scripted.into_iter().any(|fault| kinds[fault.kind.index()].hits == Hits::Servers)
    }

    /// Somebody who takes actions on what the root causes hit, whenever the rules allow it: those of
    /// these that `fit` a cause.
    fn by_the_book(
        &self,
        plan: RunPlan,
        answer: &Answer,
        actions: &[ActionId],
        fit: impl Fn(ActionId, &RootCause) -> bool,
    ) -> Outcome {
        let mut deeds: Vec<Deed> = Vec::new();
        for cause in &answer.root_causes {
            let from_round = cause.rounds.first().copied().unwrap_or_default();
            for target in self.scenario.servers_hit(cause) {
                let fitting = actions.iter().copied().filter(|action| fit(*action, cause));
                deeds.extend(fitting.map(|action| Deed { from_round, action, target }));
            }
        }
        let study = &self.scenario.world.study;
        // As everybody does: first what most hangs on.
        deeds.sort_by(|one, other| {
            study.impact[other.target.index()].total_cmp(&study.impact[one.target.index()])
        });
        let mut requests = 0;
        drive(Arc::clone(&self.scenario.world), plan, |round, decision| {
            let seen = round.observation();
            for Deed { from_round, action, target } in deeds.iter().copied() {
                let alerts = runbook::alerts_on(seen, target);
                let is_taken = decision.actions.iter().any(|other| other.target == target);
                let is_due = seen.round >= from_round && !is_taken;
                if is_due && runbook::would_be_accepted(study, seen, alerts, action, target) {
                    requests += 1;
                    let request = RequestId(requests);
                    decision.actions.push(ActionRequest { request, action, target, late: false });
                }
            }
        })
    }
}

/// What somebody does who goes by the answer key.
#[derive(Clone, Copy, Debug)]
struct Deed {
    from_round: u32,
    action: ActionId,
    target: ServerId,
}

fn hits_sre(fault: &ScriptedFault) -> bool {
    matches!(fault.target, Target::Agent(AgentId::Sre(_)))
}

/// A run whose first SRE decides by a function.
fn drive(
    world: Arc<worlds::topology::World>,
    plan: RunPlan,
    mut decide: impl FnMut(&Round, &mut Decision),
) -> Outcome {
    let mut round = Round::unrecorded(world, plan);
    let mut servers: Vec<Server> = round.server_briefs().map(Server::new).collect();
    let mut reports: Vec<Option<Report>> = vec![None; servers.len()];
    let mut decisions = vec![Decision::default(); round.sre_briefs().len()];
    while !round.is_over() {
        round.open();
        for revival in &round.opening().revivals {
            if let (Reviving::Start, Some(server)) = (revival.how, revival.agent.server()) {
                servers[server.index()] = Server::new(round.server_brief(server));
            }
        }
        for ((server, tick), report) in servers.iter_mut().zip(&round.opening().ticks).zip(&mut reports) {
            match tick {
                Some(tick) => server.step(tick, report.get_or_insert_default()),
                None => *report = None,
            }
        }
        round.observe(&mut reports);
        decisions.iter_mut().for_each(|decision| decision.begin(round.number()));
        if let Some(first) = decisions.first_mut() {
            decide(&round, first);
        }
        round.close(&decisions);
    }
    round.finish()
}
