//! Runs that are played one after another in the same room: that must not show in any of them.

mod support;

use std::sync::Arc;
use worlds::definition::{SkillName, SreKind, parse};
use worlds::id::{AgentId, GroupId, KindId, ServerId, SreId};
use worlds::inline::Inline;
use worlds::message::{Decision, Observation};
use worlds::outcome::{Outcome, Requests};
use worlds::plan::{Drill, Hypothesis, Level, RunPlan, ScriptedFault, Stop, Target};
use worlds::round::Round;
use worlds::server::Server;
use worlds::topology::World;

/// Runs that differ in all that a plan says: none may leave anything to the next.
fn plans() -> Vec<RunPlan> {
    let lineups = [
        vec![support::rules("oncall", SkillName::Senior)],
        vec![support::rules("ann", SkillName::Junior), support::rules("bob", SkillName::Mid)],
        vec![support::unskilled(SreKind::Oracle)],
        vec![support::unskilled(SreKind::None)],
        Vec::new(),
    ];
    // The last two come after the end of most runs.
    let scripted = |round, target| ScriptedFault { round, kind: KindId(1), target };
    let server = Target::Agent(AgentId::Server(ServerId(0)));
    let script = [scripted(2, server), scripted(20, server), scripted(25, Target::Group(GroupId(0)))];
    let stop = Stop { budget_spent_pct: Some(5_000.0), blast_radius_pct: Some(50.0) };
    let strict = Hypothesis { availability_pct: None, alerts: 0 };
    let drills = [
        Drill::default(),
        Drill { warm_up: 2, stop, ..Drill::default() },
        // Scripted faults come in its warm-up: some end it.
        Drill { warm_up: 5, hypothesis: strict, ..Drill::default() },
    ];
    let plan = |number: usize| {
        let by_turns = |count: usize| number % count;
        RunPlan {
            seed: number as u64,
            level: Level::ALL[by_turns(Level::ALL.len())],
            rounds: [3, 15, 40][by_turns(3)],
            // Each comes twice in a row: who has the same SREs as before keeps them.
            sres: lineups[number / 2 % lineups.len()].clone(),
            scripted: script[..number / 3 % 4].to_vec(),
            drill: drills[by_turns(3)],
        }
    };
    (0..400).map(plan).collect()
}

fn worlds() -> [Arc<World>; 2] {
    let text = include_str!("worlds/kitchen-sink.toml");
    let kitchen_sink = parse("kitchen-sink", text).unwrap_or_else(|errors| panic!("{errors:?}"));
    let systems = World::new("systems", support::systems());
    [Arc::new(systems), Arc::new(World::new("kitchen-sink", kitchen_sink.definition))]
}

fn played(mut run: Inline) -> (Outcome, String) {
    let outcome = run.play();
    (outcome, run.journal_hash())
}

#[test]
fn a_run_in_the_room_of_others_is_the_run_that_it_is_alone() {
    for world in worlds() {
        let mut plans = plans().into_iter();
        let mut run = Inline::hashed(Arc::clone(&world), plans.next().expect("there are plans"));
        for plan in plans {
            let alone = played(Inline::hashed(Arc::clone(&world), plan.clone()));
            run.restart(plan.clone());
            assert_eq!((run.play(), run.journal_hash()), alone, "{}: {plan:?}", world.name);
        }
    }
}

#[test]
fn a_run_that_was_broken_off_leaves_nothing_to_the_next() {
    for world in worlds() {
        let mut run = Inline::new(Arc::clone(&world), plans().swap_remove(4));
        for plan in plans() {
            run.step();
            run.step();
            run.restart(plan.clone());
            let mut alone = Inline::new(Arc::clone(&world), plan);
            alone.step();
            run.step();
            assert_eq!(run.take_entries(), alone.take_entries());
        }
    }
}

/// One round of a driver: the first server sends no report if it is `lost`.
fn carry(round: &mut Round, servers: &mut [Server], lost: bool) {
    let mut reports = support::step(servers, &round.open().ticks);
    if lost {
        reports[0] = None;
    }
    round.observe(&mut reports);
    let nothing = Decision { round: round.number(), ..Decision::default() };
    round.close(&[nothing]);
}

#[test]
fn agents_that_were_lost_in_one_run_are_there_in_the_next() {
    let [world, _] = worlds();
    let sres = vec![support::rules("oncall", SkillName::Mid)];
    let plan = RunPlan {
        seed: 8,
        level: Level::Medium,
        rounds: 3,
        sres,
        scripted: Vec::new(),
        drill: Default::default(),
    };
    let servers = |round: &Round| -> Vec<Server> { round.server_briefs().map(Server::new).collect() };

    let mut round = Round::new(Arc::clone(&world), plan.clone());
    let mut physics = servers(&round);
    round.lose_sre(SreId::from(0));
    carry(&mut round, &mut physics, true);
    carry(&mut round, &mut physics, true);
    round.return_server(ServerId(0));
    round.restart(plan.clone());
    assert_eq!((round.requests(), round.observation()), (Requests::default(), &Observation::default()));

    let mut alone = Round::new(world, plan);
    for round in [&mut round, &mut alone] {
        let mut physics = servers(round);
        (0..3).for_each(|_| carry(round, &mut physics, false));
        round.lose_sre(SreId::from(0));
    }
    assert_eq!(round.finish(), alone.finish());
    assert_eq!(round.take_entries(), alone.take_entries());
}
