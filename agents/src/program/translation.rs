//! Between the model and the wire: numbers on one side, names on the other.

use super::hearing::excerpt;
use super::wire::{
    ActionFacts, AlertSeen, AsWritten, CooldownSeen, Decide, Greeting, GreetingTag, MetricFacts, Observe,
    ObserveTag, Outcome, Reason, ResultTold, Rules, SCHEMA, ServerFacts, ServerSeen, ServiceFacts, Unit,
};
use std::time::Duration;
use worlds::change::{Standby, relieves};
use worlds::definition::nearest;
use worlds::definition::{Action, Role};
use worlds::id::{Name, ServerId, ServiceId};
use worlds::message::{
    ActionOutcome, ActionRequest, ActionResult, AlertId, Decision, Diagnosis, Failure, Metric, Observation,
    Refusal, RequestId, Runbook, SreBrief, UnknownNames, are_within_reason,
};
use worlds::names::Names;

/// Results that wait to be told: those of two rounds in which as much was asked for as may be. A program that
/// does not read misses the oldest.
const RESULTS_MAX: usize = 2 * worlds::definition::limits::ACTIONS_PER_ROUND_MAX as usize;

/// Problems that wait to be told: whoever has more reads these first.
const PROBLEMS_MAX: usize = 10;

/// What one SRE's program is told and says, translated.
#[derive(Debug)]
pub(crate) struct Translation {
    names: Names,
    /// The last number that a request had.
    last_request: u32,
    /// What was asked for in the last decision and does not exist, as it was typed.
    typed: Vec<(RequestId, Name, Name)>,
    /// What is to be told with the next observation.
    results: Vec<ResultTold>,
    problems: Vec<String>,
}

impl Translation {
    pub(crate) fn of(brief: &SreBrief) -> Self {
        Self {
            names: Names::of(&brief.runbook),
            last_request: brief.last_request.0,
            typed: Vec::new(),
            results: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// An observation, with all that was not told before.
    pub(crate) fn observe(&self, seen: &Observation) -> Observe {
        let names = self.names.servers();
        let server = |id: ServerId| names[id.index()].clone();
        let views = seen.servers.iter().zip(names).map(|(view, name)| ServerSeen {
            name: name.clone(),
            metrics: view.metrics,
            age_rounds: view.age_rounds,
            stale: view.stale,
            role: view.role,
            in_rotation: view.in_rotation,
            settling_rounds: view.settling_rounds,
        });
        let alerts = seen.alerts.iter().map(|alert| AlertSeen {
            id: alert.id.0,
            server: server(alert.server),
            metric: alert.metric,
            severity: alert.severity,
            value: alert.value,
            opened_round: alert.opened_round,
            since_round: alert.since_round,
            acknowledged: alert.acknowledged,
        });
        let cooldowns = seen.cooldowns.iter().map(|cooldown| CooldownSeen {
            action: self.names.actions()[cooldown.action.index()].clone(),
            target: server(cooldown.target),
            rounds_left: cooldown.rounds_left,
        });
        Observe {
            tag: ObserveTag::Observe,
            round: seen.round,
            servers: views.collect(),
            alerts: alerts.collect(),
            cooldowns: cooldowns.collect(),
            results: self.results.clone(),
            problems: self.problems.clone(),
        }
    }

    /// Takes results in that are to be told.
    pub(crate) fn take_results(&mut self, results: &[ActionResult]) {
        let told = results.iter().map(|result| self.result(result)).collect::<Vec<_>>();
        self.results.extend(told);
        let too_many = self.results.len().saturating_sub(RESULTS_MAX);
        self.results.drain(..too_many);
        // What was asked for and does not exist was refused in the round in which it was asked for.
        self.typed.clear();
    }

    fn result(&self, result: &ActionResult) -> ResultTold {
        let typed = self.typed.iter().find(|(request, ..)| *request == result.request);
        let nothing = UnknownNames::default();
        let (action, target) = match typed {
            Some((_, action, target)) => (action.clone(), target.clone()),
            None => (self.names.action(result.action, &nothing), self.names.server(result.target, &nothing)),
        };
        let (outcome, reason) = outcome(result.outcome);
        ResultTold { request: result.request.0, action, target, outcome, reason }
    }

    /// Has a problem told with the next observation.
    pub(crate) fn note_problem(&mut self, problem: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }

    /// What waited to be told was told.
    pub(crate) fn has_told(&mut self) {
        self.results.clear();
        self.problems.clear();
    }

    /// What a program decided. Fails, and leaves nothing decided, where that is more than there can be; gives
    /// what is wrong with the rest.
    pub(crate) fn decide(&mut self, decide: &Decide, decision: &mut Decision) -> Result<Vec<String>, String> {
        let (names, servers) = (&self.names, self.names.servers().len());
        let sizes = [decide.acknowledge.len(), decide.diagnoses.len(), decide.actions.len()];
        if !are_within_reason(sizes, servers) {
            let [acknowledged, diagnoses, actions] = sizes;
            return Err(format!(
                "{acknowledged} acknowledgements, {diagnoses} diagnoses and {actions} actions are more than \
                 {servers} servers can need"
            ));
        }
        let mut wrong = Wrong(Vec::new());
        let Decision { acknowledged, diagnoses, actions, unknown, .. } = &mut *decision;
        acknowledged.extend(decide.acknowledge.iter().map(|id| AlertId(*id)));
        for claim in &decide.diagnoses {
            let entity = claim.entity.as_ref().unwrap_or(&claim.alerting);
            wrong.server(names, &claim.alerting);
            wrong.server(names, entity);
            if let Some(cause) = &claim.cause {
                wrong.kind(names, cause);
            }
            diagnoses.push(Diagnosis {
                alerting: names.server_id(&claim.alerting, unknown),
                entity: names.server_id(entity, unknown),
                cause: claim.cause.as_ref().map(|cause| names.kind_id(cause, unknown)),
            });
        }
        for asked in &decide.actions {
            let is_known = wrong.action(names, &asked.action) & wrong.server(names, &asked.target);
            self.last_request = self.last_request.saturating_add(1);
            let request = RequestId(self.last_request);
            let action = names.action_id(&asked.action, unknown);
            let target = names.server_id(&asked.target, unknown);
            actions.push(ActionRequest { request, action, target, late: false });
            if !is_known {
                self.typed.push((request, names.action(action, unknown), names.server(target, unknown)));
            }
        }
        decision.say(&decide.note);
        Ok(wrong.0)
    }
}

/// Names that do not exist, with advice.
struct Wrong(Vec<String>);

impl Wrong {
    fn server(&mut self, names: &Names, name: &str) -> bool {
        names.is_server(name) || self.note("server", name, names.servers())
    }

    fn kind(&mut self, names: &Names, name: &str) -> bool {
        names.is_kind(name) || self.note("kind of fault", name, names.kinds())
    }

    fn action(&mut self, names: &Names, name: &str) -> bool {
        names.is_action(name) || self.note("action", name, names.actions())
    }

    fn note(&mut self, what: &str, name: &str, known: &[Name]) -> bool {
        let problem = format!("there is no {what} `{}`", excerpt(name.as_bytes()));
        let is_told = self.0.iter().any(|told| told.starts_with(&problem));
        // Advice is dear in a large world.
        if !is_told && self.0.len() < PROBLEMS_MAX {
            let advice = nearest::advice(name, known.iter().map(|name| &**name));
            let advice = advice.map(|advice| format!("; {advice}")).unwrap_or_default();
            self.0.push(problem + &advice);
        }
        false
    }
}

fn outcome(outcome: ActionOutcome) -> (Outcome, Option<Reason>) {
    match outcome {
        ActionOutcome::Succeeded => (Outcome::Succeeded, None),
        ActionOutcome::Failed(failure) => (
            Outcome::Failed,
            Some(match failure {
                Failure::Unlucky => Reason::Unlucky,
                Failure::Unreachable => Reason::Unreachable,
            }),
        ),
        ActionOutcome::Refused(refusal) => (
            Outcome::Refused,
            Some(match refusal {
                Refusal::Unknown => Reason::Unknown,
                Refusal::TooMany => Reason::TooMany,
                Refusal::NoAlert => Reason::NoAlert,
                Refusal::Settling => Reason::Settling,
                Refusal::Conflict => Reason::Conflict,
                Refusal::Cooldown => Reason::Cooldown,
                Refusal::NoStandby => Reason::NoStandby,
            }),
        ),
    }
}

// ---- the greeting -----------------------------------------------------------------------------

/// All that an SRE knows before the first round, by names.
pub fn greeting(brief: &SreBrief, deadline: Option<Duration>) -> Greeting {
    let book = &*brief.runbook;
    let service = |id: &ServiceId| book.services[id.index()].name.clone();
    let services = book.services.iter().enumerate().map(|(index, facts)| ServiceFacts {
        name: facts.name.clone(),
        calls: facts.calls.iter().map(service).collect(),
        cache: facts.cache,
        servers: book
            .servers
            .iter()
            .filter(|server| server.services.contains(&ServiceId::from(index)))
            .map(|server| server.name.clone())
            .collect(),
    });
    let servers = book.servers.iter().map(|facts| ServerFacts {
        name: facts.name.clone(),
        kind: facts.kind.clone(),
        services: facts.services.iter().map(service).collect(),
        backup_link: facts.backup_link,
    });
    Greeting {
        tag: GreetingTag::Greeting,
        schema: SCHEMA,
        name: brief.name.clone(),
        rounds: brief.rounds,
        round_seconds: book.round_seconds,
        deadline_seconds: deadline.map(|deadline| deadline.as_secs_f64()),
        rules: Rules {
            actions_per_round: book.changes.actions_per_round,
            pause_rounds: book.changes.pause_rounds,
        },
        entry: service(&book.entry),
        metrics: Metric::ALL.iter().enumerate().map(|(index, metric)| facts(book, index, *metric)).collect(),
        services: services.collect(),
        servers: servers.collect(),
        kinds: book.kinds.iter().cloned().map(AsWritten).collect(),
        actions: book.actions.iter().map(|action| action_facts(book, action)).collect(),
    }
}

fn facts(book: &Runbook, index: usize, metric: Metric) -> MetricFacts {
    let unit = match metric {
        Metric::CpuUsage | Metric::MemoryUsage | Metric::ErrorRate | Metric::DiskUsage => Unit::Percent,
        Metric::LatencyP99 => Unit::Milliseconds,
        Metric::ServicesDown => Unit::Services,
        Metric::Staleness => Unit::Rounds,
    };
    // Those with thresholds come first.
    let threshold = book.thresholds.get(index);
    MetricFacts {
        name: metric,
        unit,
        warning: threshold.map(|threshold| threshold.warning),
        critical: threshold.map(|threshold| threshold.critical),
    }
}

fn action_facts(book: &Runbook, action: &Action) -> ActionFacts {
    // Whatever a target may have.
    let standby = Standby { role: Some(Role::Primary), replica: true, link: true };
    let relieved = |kind: &&worlds::definition::ChaosKind| {
        !action.remedy.cures.contains(&kind.name) && relieves(action, &kind.effect, standby)
    };
    ActionFacts {
        action: AsWritten(action.clone()),
        relieves: book.kinds.iter().filter(relieved).map(|kind| kind.name.as_str().into()).collect(),
    }
}
