//! Every key counts: each key of a world file is moved, and the run must show it.
//!
//! The worlds are the built-in ones and a fixture that uses every key there is. A key counts when
//! a journal record other than the header differs on some seed and level, or when every other
//! value is refused. `description` keys are for people and are exempt.

mod support;

use std::sync::Arc;
use toml::Value;
use worlds::definition::{self, Definition, SkillName, SreKind};
use worlds::id::{ActionId, ServerId, SreId};
use worlds::journal::Record;
use worlds::message::{ActionRequest, Decision, Observation, RequestId, SreBrief};
use worlds::plan::{Level, RunPlan, SrePlan, sres_of};
use worlds::round::Round;
use worlds::server::Server;
use worlds::sre::Mind;
use worlds::topology::World;

/// One step on the way to a key.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Index(usize),
}

type Path = Vec<Step>;

fn name(path: &Path) -> String {
    let steps = path.iter().map(|step| match step {
        Step::Key(key) => key.clone(),
        Step::Index(index) => index.to_string(),
    });
    steps.collect::<Vec<_>>().join(".")
}

/// The places of all values that hold no others.
fn leaves(value: &Value, path: &Path, found: &mut Vec<Path>) {
    let mut visit = |step: Step, value: &Value| {
        let mut path = path.clone();
        path.push(step);
        leaves(value, &path, found);
    };
    match value {
        Value::Table(table) => table.iter().for_each(|(key, value)| visit(Step::Key(key.clone()), value)),
        Value::Array(array) => {
            array.iter().enumerate().for_each(|(index, value)| visit(Step::Index(index), value))
        }
        _ => found.push(path.clone()),
    }
}

fn at<'v>(value: &'v mut Value, path: &[Step]) -> &'v mut Value {
    path.iter().fold(value, |value, step| match step {
        Step::Key(key) => &mut value[key.as_str()],
        Step::Index(index) => &mut value[*index],
    })
}

/// Other values for a key, the telling ones first.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Float(figure) => [
            figure * 0.5,
            figure * 1.5,
            figure * 5.0,
            figure / 10.0,
            figure * 1.015,
            figure * 1.04,
            figure * 1.09,
            0.5,
            0.0,
            1.0,
            60.0,
        ]
        .into_iter()
        .filter(|other| other != figure)
        .map(Value::Float)
        .collect(),
        Value::Integer(count) => [count + 1, count + 3, (count - 1).max(1), 0]
            .into_iter()
            .filter(|other| other != count)
            .map(Value::Integer)
            .collect(),
        Value::Boolean(flag) => vec![Value::Boolean(!flag)],
        Value::String(text) => vec![Value::String(format!("{text}x"))],
        other => panic!("a world file has no {}", other.type_str()),
    }
}

/// What a run may show a key on.
#[derive(Clone, Copy, Debug)]
struct Stage {
    seed: u64,
    level: Level,
    on_call: OnCall,
}

/// Who is on call.
#[derive(Clone, Copy, Debug)]
enum OnCall {
    /// Those of the world file.
    Own,
    /// One who follows rules.
    Rules(SkillName),
    /// One who takes the actions in turn, so that each is tried on everything that alerts.
    Busy,
}

/// Stages, the likeliest to show something first.
fn stages() -> impl Iterator<Item = Stage> {
    let levels = [Level::Extreme, Level::High, Level::Medium, Level::Low, Level::Off];
    let skills = [SkillName::Junior, SkillName::Mid, SkillName::Senior].map(OnCall::Rules);
    let everybody = [OnCall::Own, OnCall::Busy].into_iter().chain(skills);
    let everybody: Vec<OnCall> = everybody.collect();
    (0..SEEDS).flat_map(move |seed| {
        let everybody = everybody.clone();
        levels.into_iter().flat_map(move |level| {
            everybody.clone().into_iter().map(move |on_call| Stage { seed, level, on_call })
        })
    })
}

const SEEDS: u64 = 60;

fn sres(definition: &Definition, on_call: OnCall) -> Vec<SrePlan> {
    match on_call {
        OnCall::Own => sres_of(definition),
        OnCall::Rules(skill) => vec![support::rules("oncall", skill)],
        OnCall::Busy => vec![support::unskilled(SreKind::None)],
    }
}

/// The actions in turn, on the first servers with open alerts.
fn busy(seen: &Observation, actions: usize) -> Decision {
    let mut servers: Vec<ServerId> = seen.alerts.iter().map(|alert| alert.server).collect();
    servers.dedup();
    let requests = servers.into_iter().take(3).enumerate().map(|(index, target)| ActionRequest {
        request: RequestId(seen.round),
        action: ActionId::from((seen.round as usize + index) % actions),
        target,
        late: false,
    });
    Decision { round: seen.round, actions: requests.collect(), ..Decision::default() }
}

/// What a world shows on a stage: its records but for the header and the hashes that follow from
/// it. `None` when the file is refused.
fn records(text: &str, stage: Stage) -> Option<Vec<Record>> {
    let definition = definition::parse("perturbed.toml", text).ok()?.definition;
    let (sres, rounds, actions) =
        (sres(&definition, stage.on_call), definition.rounds, definition.actions.len());
    let plan = RunPlan {
        seed: stage.seed,
        level: stage.level,
        rounds,
        sres,
        scripted: Vec::new(),
        drill: Default::default(),
    };
    let mut round = Round::new(Arc::new(World::new("perturbed", definition)), plan);
    let mut servers: Vec<Server> = round.server_briefs().map(Server::new).collect();
    let is_mind = |brief: &SreBrief| brief.kind != SreKind::Oracle;
    let mut minds: Vec<Option<Mind>> =
        round.sre_briefs().map(|brief| is_mind(&brief).then(|| Mind::new(&brief))).collect();
    while !round.is_over() {
        round.open();
        support::revive(&round, &mut servers);
        let mut reports = support::step(&mut servers, &round.opening().ticks);
        round.observe(&mut reports);
        let mut decisions = vec![Decision::default(); minds.len()];
        for (sre, (mind, decision)) in minds.iter_mut().zip(&mut decisions).enumerate() {
            match (stage.on_call, mind) {
                _ if !round.is_present(SreId::from(sre)) => {}
                (OnCall::Busy, _) => *decision = busy(round.observation(), actions.max(1)),
                (_, Some(mind)) => {
                    mind.decide(round.observation(), round.results(SreId::from(sre)), decision);
                }
                (_, None) => {}
            }
        }
        round.close(&decisions);
    }
    round.finish();
    let mut records: Vec<Record> = round.take_entries().into_iter().map(|entry| entry.record).collect();
    records.remove(0);
    for record in &mut records {
        if let Record::RoundClosed { hash, .. } | Record::RunEnded { hash, .. } = record {
            hash.clear();
        }
    }
    Some(records)
}

/// Whether some other value of a key shows itself, or every other value is refused.
fn counts(base: &str, document: &Value, path: &Path, known: &mut Vec<Vec<Record>>) -> bool {
    let texts = others(at(&mut document.clone(), path)).into_iter().map(|other| {
        let mut changed = document.clone();
        *at(&mut changed, path) = other;
        toml::to_string(&changed).expect("a document is written")
    });
    let valid: Vec<String> = texts.filter(|text| definition::parse("perturbed.toml", text).is_ok()).collect();
    valid.is_empty()
        || stages().enumerate().any(|(number, stage)| {
            if known.len() == number {
                known.push(records(base, stage).expect("the world itself is valid"));
            }
            valid.iter().any(|text| records(text, stage).is_some_and(|shown| shown != known[number]))
        })
}

fn idle_keys(base: &str) -> Vec<String> {
    idle_keys_besides(base, &[])
}

/// The same, where some keys are known to wait for something that the world does not have.
fn idle_keys_besides(base: &str, waiting: &[&str]) -> Vec<String> {
    let document: Value = toml::from_str(base).expect("the world parses");
    let mut paths = Vec::new();
    leaves(&document, &Vec::new(), &mut paths);
    let is_description = |path: &Path| matches!(path.last(), Some(Step::Key(key)) if key == "description");
    let mut known = Vec::new();
    paths
        .into_iter()
        .filter(|path| !is_description(path) && !waiting.contains(&name(path).as_str()))
        .filter(|path| !counts(base, &document, path, &mut known))
        .map(|path| name(&path))
        .collect()
}

#[test]
fn every_key_of_the_default_world_counts() {
    assert_eq!(idle_keys(include_str!("../definitions/systems.toml")), Vec::<String>::new());
}

/// Nothing that comes by itself hits a zone here; `--fault KIND@ROUND:zone:a` does.
#[test]
fn every_key_of_the_three_tiers_counts_but_for_zones() {
    let zones: Vec<String> = (0..10).map(|server| format!("servers.{server}.zone")).collect();
    let waiting: Vec<&str> = zones.iter().map(String::as_str).collect();
    let three_tier = include_str!("../definitions/three-tier.toml");
    assert_eq!(idle_keys_besides(three_tier, &waiting), Vec::<String>::new());
}

/// One instance of each service: there is no other to retry on.
#[test]
fn every_key_of_the_boutique_counts_but_for_retries() {
    let boutique = include_str!("../definitions/boutique.toml");
    assert_eq!(idle_keys_besides(boutique, &["traffic.retry_budget"]), Vec::<String>::new());
}

/// Its twin has the same keys, and there all of them count.
#[test]
fn every_key_of_the_single_shop_counts_but_for_those_that_wait_for_a_second_server() {
    let waiting = ["traffic.retry_budget", "services.postgresql.replication.apply_cost"];
    assert_eq!(idle_keys_besides(include_str!("../definitions/single.toml"), &waiting), Vec::<String>::new());
}

#[test]
fn every_key_of_the_replicated_shop_counts() {
    assert_eq!(idle_keys(include_str!("../definitions/replicated.toml")), Vec::<String>::new());
}

#[test]
fn every_key_of_the_fault_lab_counts() {
    assert_eq!(idle_keys(include_str!("../definitions/fault-lab.toml")), Vec::<String>::new());
}

#[test]
fn every_key_of_a_world_that_uses_them_all_counts() {
    assert_eq!(idle_keys(include_str!("worlds/kitchen-sink.toml")), Vec::<String>::new());
}

/// The test of the test: a key that nothing reads is found.
#[test]
fn a_description_would_be_found_idle() {
    let base = include_str!("../definitions/systems.toml");
    let document: Value = toml::from_str(base).expect("the world parses");
    let path = vec![Step::Key("description".into())];
    assert!(!counts(base, &document, &path, &mut Vec::new()));
}
