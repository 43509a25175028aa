//! What a drill asks of a run: a warm-up without chaos, a steady state, and limits of harm.

mod support;

use std::sync::Arc;
use support::{Drill, Drilled, unskilled};
use worlds::chaos;
use worlds::definition::SreKind;
use worlds::inline::Inline;
use worlds::journal::Record;
use worlds::outcome::{Outcome, StopReason};
use worlds::plan::{Drill as Asked, Hypothesis, Level, RunPlan, Stop};
use worlds::topology::World;

fn plan(level: Level, rounds: u32, drill: Asked) -> RunPlan {
    RunPlan { seed: 3, level, rounds, sres: vec![unskilled(SreKind::None)], scripted: Vec::new(), drill }
}

fn warm_up(rounds: u32) -> Asked {
    Asked { warm_up: rounds, ..Asked::default() }
}

fn systems() -> Arc<World> {
    Arc::new(World::new("systems", support::systems()))
}

fn records(drilled: &Drilled) -> impl Iterator<Item = &Record> {
    drilled.entries.iter().map(|entry| &entry.record)
}

#[test]
fn chaos_rolls_nothing_in_the_warm_up_and_the_same_as_ever_afterwards() {
    let world = systems();
    let of = |drill| chaos::schedule(&world, &plan(Level::Extreme, 60, drill), || ());
    let (plain, warmed) = (of(Asked::default()), of(warm_up(10)));
    assert!(plain.iter().any(|fault| fault.round <= 10), "there is something to leave out: {plain:?}");
    assert!(warmed.iter().all(|fault| fault.round > 10), "{warmed:?}");
    // What hits in the warm-up keeps its kind off its target for some rounds more, and no longer.
    let later = |faults: &[chaos::PlannedFault]| {
        faults.iter().filter(|fault| fault.round > 20).copied().collect::<Vec<_>>()
    };
    assert!(!later(&plain).is_empty());
    assert_eq!(later(&plain), later(&warmed));
}

#[test]
fn the_steady_state_of_a_world_in_order_is_recorded_and_the_run_goes_on() {
    let outcome = Inline::outcome(systems(), plan(Level::High, 20, warm_up(4)));
    let seen = outcome.steady_state.expect("there was a warm-up");
    assert_eq!((seen.rounds, seen.alerts, seen.held), (4, 0, true));
    assert_eq!(seen.availability_pct, seen.requests.availability_pct());
    assert!(seen.requests.total > 0 && seen.requests.total < outcome.requests.total);
    assert_eq!(outcome.rounds, 20);
    let plain = Inline::outcome(systems(), plan(Level::High, 20, Asked::default()));
    assert_eq!(plain.steady_state, None);
}

/// A crash of a database while nothing should hit the world.
fn disturbed(hypothesis: Hypothesis) -> Drilled {
    let drill = Drill::new().fault("service_crash", 2, "db-primary");
    drill.asks(Asked { warm_up: 3, hypothesis, ..Asked::default() }).play()
}

#[test]
fn a_world_that_is_not_in_order_is_not_played_beyond_its_warm_up() {
    let drilled = disturbed(Hypothesis { availability_pct: None, alerts: u32::MAX });
    assert!(!drilled.outcome.steady_state.expect("there was a warm-up").held);
    assert_eq!((drilled.outcome.rounds, drilled.outcome.stopped), (3, None));
    let told = |record: &&Record| matches!(record, Record::SteadyState { round: 3, held: false, .. });
    assert_eq!(records(&drilled).filter(told).count(), 1);
}

#[test]
fn the_hypothesis_says_what_users_get_and_how_many_alerts_are_in_order() {
    let held = |availability_pct, alerts| {
        let drilled = disturbed(Hypothesis { availability_pct, alerts });
        drilled.outcome.steady_state.expect("there was a warm-up").held
    };
    assert!(held(Some(1.0), u32::MAX), "hardly anything is asked of it");
    assert!(!held(Some(100.0), u32::MAX), "users were hurt");
    assert!(!held(Some(1.0), 0), "alerts opened");
}

fn stopped(stop: Stop, rounds: u32) -> (Outcome, usize) {
    let mut run = Inline::new(systems(), plan(Level::Extreme, rounds, Asked { stop, ..warm_up(2) }));
    let outcome = run.play();
    let told = run.take_entries();
    let told = told.iter().filter(|entry| matches!(entry.record, Record::RunStopped { .. })).count();
    (outcome, told)
}

#[test]
fn a_run_is_stopped_when_the_budget_is_spent_to_the_limit() {
    let stop = Stop { budget_spent_pct: Some(1_000.0), blast_radius_pct: None };
    let (outcome, told) = stopped(stop, 40);
    let why = outcome.stopped.expect("extreme chaos spends ten budgets");
    assert_eq!((why.reason, why.round, told), (StopReason::BudgetSpent, outcome.rounds, 1));
    assert!(outcome.rounds < 40 && why.value_pct >= 1_000.0 && why.limit_pct == 1_000.0, "{why:?}");
    // By hand: what was lost, of what the promise leaves of forty rounds like these.
    let lost = (outcome.requests.total - outcome.requests.good) as f64;
    let budget = outcome.requests.total as f64 / f64::from(outcome.rounds) * 40.0 * 0.001;
    assert!((why.value_pct - 100.0 * lost / budget).abs() < 1e-6, "{why:?}");
}

#[test]
fn a_run_is_stopped_when_too_many_servers_are_hurt_at_once() {
    let stop = Stop { budget_spent_pct: None, blast_radius_pct: Some(50.0) };
    let (outcome, told) = stopped(stop, 60);
    let why = outcome.stopped.expect("extreme chaos hurts three of six servers at once");
    assert_eq!((why.reason, told), (StopReason::BlastRadius, 1));
    assert!(why.value_pct >= 50.0 && outcome.rounds < 60, "{why:?}");
    // Shares of six servers.
    assert!((why.value_pct * 6.0 / 100.0).fract() < 1e-9, "{why:?}");
}

#[test]
fn harm_beyond_the_limit_in_the_last_round_counts_as_in_any_other() {
    let stop = Stop { budget_spent_pct: None, blast_radius_pct: Some(50.0) };
    let last = stopped(stop, 60).0.rounds;
    let (outcome, told) = stopped(stop, last);
    assert_eq!((outcome.rounds, outcome.stopped.map(|why| why.round), told), (last, Some(last), 1));
}

#[test]
fn nothing_is_stopped_in_its_warm_up() {
    let stop = Stop { budget_spent_pct: Some(0.001), blast_radius_pct: Some(1.0) };
    let hypothesis = Hypothesis { availability_pct: Some(0.0), alerts: u32::MAX };
    let drill = Drill::new().fault("service_crash", 2, "db-primary");
    let drilled = drill.asks(Asked { warm_up: 6, hypothesis, stop }).play();
    assert_eq!(drilled.outcome.stopped.expect("users were hurt").round, 7);
}

#[test]
fn a_warning_is_no_hurt() {
    let stop = Stop { budget_spent_pct: None, blast_radius_pct: Some(1.0) };
    let busy = worlds::definition::Effect { cpu_floor: Some(80.0), ..Default::default() };
    let drill = Drill::new().with_kind("busy", 3, busy).fault("busy", 4, "web-1");
    let drilled = drill.asks(Asked { stop, ..Asked::default() }).play();
    assert!(drilled.outcome.alerts.opened > 0, "there was a warning");
    assert_eq!(drilled.outcome.stopped, None);
}

#[test]
fn a_promise_that_leaves_no_budget_counts_as_one_that_leaves_a_request() {
    let stop = Stop { budget_spent_pct: Some(1.0), blast_radius_pct: None };
    let drill = Drill::new().with(|world| world.sla_target = 100.0).fault("service_crash", 4, "db-primary");
    let drilled = drill.asks(Asked { stop, ..Asked::default() }).play();
    let why = drilled.outcome.stopped.expect("requests were lost");
    let lost = drilled.outcome.requests.total - drilled.outcome.requests.good;
    assert_eq!(why.value_pct, 100.0 * lost as f64);
}

#[test]
fn what_holds_to_the_end_is_not_stopped() {
    let stop = Stop { budget_spent_pct: Some(1e9), blast_radius_pct: Some(100.1) };
    let (outcome, told) = stopped(stop, 40);
    assert_eq!((outcome.rounds, outcome.stopped, told), (40, None, 0));
}

#[test]
fn runs_that_others_are_compared_with_are_played_to_their_end() {
    let stop = Stop { budget_spent_pct: Some(1.0), blast_radius_pct: Some(1.0) };
    let drill = Asked { stop, ..warm_up(2) };
    assert_eq!(drill.to_its_end(), warm_up(2));
    assert_eq!(Inline::outcome(systems(), plan(Level::Extreme, 30, drill.to_its_end())).rounds, 30);
}
