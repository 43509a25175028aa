//! Minds from outside: their decisions are inputs of the run, which its journal holds and takes back.

mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use worlds::definition::{SreKind, builtin, parse};
use worlds::id::{AgentId, KindId, SreId};
use worlds::inline::{Inline, Outside, OutsideMinds};
use worlds::journal::{Decided, Record};
use worlds::message::{
    ActionOutcome, ActionRequest, ActionResult, Decision, Diagnosis, Lapse, NOTE_CHARS_MAX, Observation,
    Refusal, RequestId, SreBrief,
};
use worlds::names::Names;
use worlds::outcome::LapseCounts;
use worlds::plan::{Level, RunPlan, ScriptedFault, Target};
use worlds::round::{Entry, Round};
use worlds::topology::World;

fn world(name: &str) -> Arc<World> {
    let text = builtin::find(name).expect("it is built in").text;
    Arc::new(World::new(name, parse(name, text).expect("it is good").definition))
}

fn plan(seed: u64) -> RunPlan {
    let sres = vec![support::unskilled(SreKind::Exec)];
    RunPlan { seed, level: Level::High, rounds: 15, sres, scripted: Vec::new(), drill: Default::default() }
}

/// A mind that is one function.
struct Fake<F>(F);

impl<F> std::fmt::Debug for Fake<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a fake")
    }
}

impl<F: FnMut(&Observation, &[ActionResult], &mut Decision) + Send> Outside for Fake<F> {
    fn decide(&mut self, seen: &Observation, results: &[ActionResult], decision: &mut Decision) {
        (self.0)(seen, results, decision);
    }
}

/// The same function for whoever is wanted.
fn minds<F>(mind: F) -> OutsideMinds
where
    F: FnMut(&Observation, &[ActionResult], &mut Decision) + Clone + Send + 'static,
{
    Box::new(move |_| Box::new(Fake(mind.clone())))
}

fn played(world: &Arc<World>, plan: RunPlan, minds: OutsideMinds) -> (Inline, Vec<Entry>, String) {
    let mut run = Inline::with(Round::new(Arc::clone(world), plan), minds);
    while !run.is_over() {
        run.step();
    }
    let hash = {
        run.finish();
        run.journal_hash()
    };
    let entries = run.take_entries();
    (run, entries, hash)
}

/// Does some of everything, well and badly.
fn busy(names: &Names, seen: &Observation, decision: &mut Decision) {
    decision.acknowledged.extend(seen.alerts.iter().map(|alert| alert.id));
    decision.lapse = seen.round.is_multiple_of(5).then_some(Lapse::Malformed);
    decision.say(&format!("round {}, \"{}\" alerts\n", seen.round, seen.alerts.len()));
    let Decision { unknown, diagnoses, actions, .. } = decision;
    for (index, alert) in seen.alerts.iter().enumerate() {
        let cause = ["cpu_spike", "gremlins"][index % 2];
        let cause = (index % 3 > 0).then(|| names.kind_id(cause, unknown));
        diagnoses.push(Diagnosis { alerting: alert.server, entity: alert.server, cause });
        let action = ["restart_service", "rollback", "turn_off_and_on"][index % 3];
        let target = if index % 4 == 3 { names.server_id("web-9", unknown) } else { alert.server };
        actions.push(ActionRequest {
            request: RequestId(seen.round * 100 + index as u32),
            action: names.action_id(action, unknown),
            target,
            late: index % 5 == 4,
        });
    }
}

fn decided(entries: &[Entry]) -> Vec<Decided> {
    let of = |entry: &Entry| match &entry.record {
        Record::Decided(decided) => Some(decided.clone()),
        _ => None,
    };
    entries.iter().filter_map(of).collect()
}

#[test]
fn decisions_are_in_the_journal_and_fed_back_give_the_same_journal() {
    for name in ["systems", "fault-lab"] {
        let world = world(name);
        let played_by = Arc::clone(&world);
        let mind = move |seen: &Observation, _: &[ActionResult], decision: &mut Decision| {
            busy(&played_by.names, seen, decision);
        };
        let (_, entries, hash) = played(&world, plan(3), minds(mind));
        // As a replay would read them.
        let lines: Vec<&Entry> =
            entries.iter().filter(|entry| matches!(entry.record, Record::Decided(_))).collect();
        let read = |entry: &&Entry| -> Decided { serde_json::from_slice(&entry.line).expect("a decision") };
        let decisions: BTreeMap<u32, Decided> =
            lines.iter().map(read).map(|decided| (decided.round, decided)).collect();
        assert!(decisions.values().any(|decided| !decided.actions.is_empty()), "something was asked for");
        assert_eq!(decisions.values().cloned().collect::<Vec<_>>(), decided(&entries));

        let names = world.names.clone();
        let again = move |seen: &Observation, _: &[ActionResult], decision: &mut Decision| {
            decisions[&seen.round].give(&names, decision);
        };
        let (_, replayed, again) = played(&world, plan(3), minds(again));
        assert_eq!(replayed, entries, "{name}");
        assert_eq!(again, hash, "{name}");
    }
}

#[test]
fn only_minds_from_outside_are_written_down() {
    let world = world("systems");
    let (_, entries) = support::recorded(&world, 3, Level::High, &support::unskilled(SreKind::None));
    assert_eq!(decided(&entries), []);
}

#[test]
fn what_does_not_exist_is_refused_and_told_as_it_was_typed() {
    let world = world("systems");
    let told = Arc::new(Mutex::new(Vec::new()));
    let (names, results) = (world.names.clone(), Arc::clone(&told));
    let mind = move |seen: &Observation, news: &[ActionResult], decision: &mut Decision| {
        results.lock().expect("a lock").extend_from_slice(news);
        if seen.round == 1 {
            let unknown = &mut decision.unknown;
            decision.actions.push(ActionRequest {
                request: RequestId(1),
                action: names.action_id("restart_servce", unknown),
                target: names.server_id("web-9", unknown),
                late: false,
            });
        }
    };
    let (_, entries, _) = played(&world, plan(1), minds(mind));
    let refused = entries.iter().find_map(|entry| match &entry.record {
        Record::ActionRefused { action, target, outcome, .. } => {
            Some((action.to_string(), target.to_string(), *outcome))
        }
        _ => None,
    });
    let unknown = ActionOutcome::Refused(Refusal::Unknown);
    assert_eq!(refused, Some(("restart_servce".to_owned(), "web-9".to_owned(), unknown)));
    let outcomes: Vec<_> = told.lock().expect("a lock").iter().map(|result| result.outcome).collect();
    assert_eq!(outcomes, [unknown]);
}

#[test]
fn lapses_are_counted_and_make_no_run_invalid() {
    let world = world("systems");
    let lapses = [None, Some(Lapse::Late), Some(Lapse::Malformed), Some(Lapse::Late), Some(Lapse::Dead)];
    let mind = move |seen: &Observation, _: &[ActionResult], decision: &mut Decision| {
        decision.lapse = lapses[seen.round as usize % 5];
    };
    let mut run = Inline::with(Round::new(world, plan(1)), minds(mind));
    let outcome = run.play();
    assert_eq!(outcome.sres[0].lapses, LapseCounts { late: 6, malformed: 3, dead: 3 });
    assert_eq!(outcome.lost_agents, []);
    let said: Vec<_> = decided(&run.take_entries()).iter().map(|decided| decided.lapse).collect();
    assert_eq!(said, (1..=15).map(|round| lapses[round % 5]).collect::<Vec<_>>());
}

#[test]
fn a_note_is_cut_and_cannot_move_a_cursor() {
    let mut decision = Decision::default();
    decision.say(&format!("\u{1b}[2J\ta\nb{}", "ü".repeat(2 * NOTE_CHARS_MAX)));
    assert_eq!(decision.note.chars().count(), NOTE_CHARS_MAX);
    assert!(decision.note.starts_with(" [2J a\nbü"), "{}", decision.note);
    assert!(decision.is_well_put());
    decision.note.push('x');
    assert!(!decision.is_well_put());
    decision.say("");
    decision.note.push('\u{7}');
    assert!(!decision.is_well_put());
}

/// Counts those that are there.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Outside for Counted {
    fn decide(&mut self, _: &Observation, _: &[ActionResult], _: &mut Decision) {}
}

/// Makes minds that are counted, and notes after which request each follows.
fn counted(there: &Arc<AtomicUsize>, made: &Arc<AtomicUsize>) -> OutsideMinds {
    let (there, made) = (Arc::clone(there), Arc::clone(made));
    Box::new(move |brief: &SreBrief| {
        assert_eq!((brief.kind, &brief.key), (SreKind::Exec, &None));
        made.fetch_add(1, Ordering::Relaxed);
        assert_eq!(there.fetch_add(1, Ordering::Relaxed), 0, "one at a time");
        Box::new(Counted(Arc::clone(&there)))
    })
}

#[test]
fn a_mind_ends_with_its_process_and_another_follows() {
    let world = world("fault-lab");
    let kinds = world.definition.chaos.iter();
    let crash = kinds.clone().position(|kind| kind.name == "sre_crash").expect("the lab has it");
    let rounds = world.definition.chaos[crash].rounds;
    let target = Target::Agent(AgentId::Sre(SreId(0)));
    let scripted = vec![ScriptedFault { round: 3, kind: KindId::from(crash), target }];
    let plan = RunPlan { level: Level::Off, scripted, ..plan(1) };
    let (there, made) = (Arc::default(), Arc::default());
    let now = |counter: &Arc<AtomicUsize>| counter.load(Ordering::Relaxed);
    let mut run = Inline::with(Round::new(Arc::clone(&world), plan.clone()), counted(&there, &made));
    for round in 1..=15 {
        run.step();
        let is_away = (3..3 + rounds).contains(&round);
        assert_eq!(now(&there), usize::from(!is_away), "round {round}");
    }
    assert_eq!(now(&made), 2);
    run.finish();
    assert_eq!(now(&there), 0, "nothing outlives a run that is finished");
    // What it would have decided while it was away was not asked for.
    let answered: Vec<u32> = decided(&run.take_entries()).iter().map(|decided| decided.round).collect();
    let expected: Vec<u32> = (1..=15).filter(|round| !(3..3 + rounds).contains(round)).collect();
    assert_eq!(answered, expected);

    run.restart(plan);
    assert_eq!((now(&there), now(&made)), (1, 3));
    run.step();
    drop(run);
    assert_eq!(now(&there), 0);
}

#[test]
#[should_panic(expected = "nobody brought a mind for `oncall`")]
fn a_run_without_the_minds_that_it_needs_does_not_begin() {
    Inline::new(world("systems"), plan(1));
}
