//! Whatever the loader accepts, the model runs: no panic, no figure that is none, no more good
//! requests than there were.

use std::sync::Arc;
use worlds::definition::{SreKind, builtin, parse};
use worlds::inline::Inline;
use worlds::journal::Record;
use worlds::outcome::{Outcome, Requests};
use worlds::plan::{Level, RunPlan, SrePlan};
use worlds::topology::World;

const KITCHEN_SINK: &str = include_str!("worlds/kitchen-sink.toml");

/// Plays a world at its worst, with an SRE that uses all its actions.
fn play(text: &str) -> Option<(Outcome, Vec<Requests>)> {
    let definition = parse("w.toml", text).ok()?.definition;
    let sre = SrePlan::of("oncall", SreKind::Oracle);
    let plan = RunPlan {
        seed: 7,
        level: Level::Extreme,
        rounds: 12,
        sres: vec![sre],
        scripted: vec![],
        drill: Default::default(),
    };
    let mut run = Inline::new(Arc::new(World::new("w", definition)), plan);
    while !run.is_over() {
        run.step();
    }
    let outcome = run.finish();
    let closed = run.take_entries().into_iter().filter_map(|entry| match entry.record {
        Record::RoundClosed { total, good, .. } => Some(Requests { total, good }),
        _ => None,
    });
    Some((outcome, closed.collect()))
}

fn assert_is_sound((outcome, by_round): &(Outcome, Vec<Requests>), what: &str) {
    assert!(outcome.utility.is_finite(), "{what}: utility is {}", outcome.utility);
    assert!(outcome.capacity_held.is_finite(), "{what}: capacity held is {}", outcome.capacity_held);
    for requests in by_round.iter().chain([&outcome.requests]) {
        assert!(requests.total > 0, "{what}: a round without requests");
        assert!(requests.good <= requests.total, "{what}: {requests:?}");
    }
}

/// Offsets and texts of the numbers of a world.
fn numbers_of(text: &str) -> Vec<(usize, &str)> {
    let starts = text.match_indices([' ', '[']).map(|(at, _)| at + 1);
    let number = |start: usize| {
        let length = text[start..].find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(0);
        (start, &text[start..start + length])
    };
    let in_comment = |at: usize| text[..at].rsplit('\n').next().is_some_and(|line| line.starts_with('#'));
    starts.map(number).filter(|(at, digits)| !digits.is_empty() && !in_comment(*at)).collect()
}

/// One number at a time goes to the ends of what it may be, and to ordinary values between.
fn each_number_to_its_ends(name: &str, text: &str) {
    let values = [
        "0",
        "0.001",
        "0.5",
        "1",
        "2",
        "49",
        "100",
        "1000",
        "1024",
        "10_000",
        "51_200",
        "1_000_000",
        "3_600_000",
        "10_000_000",
        "1_000_000_000",
    ];
    let mut played = 0;
    for (at, number) in numbers_of(text) {
        for value in values {
            let what = format!("{name}: ...{}{value}", &text[at.saturating_sub(60)..at]);
            let changed = format!("{}{value}{}", &text[..at], &text[at + number.len()..]);
            match std::panic::catch_unwind(|| play(&changed)) {
                Ok(Some(outcome)) => assert_is_sound(&outcome, &what),
                Ok(None) => continue,
                Err(_) => panic!("{what}"),
            }
            played += 1;
        }
    }
    assert!(played > 300, "only {played} worlds were accepted");
}

#[test]
fn the_built_in_world_runs_with_any_number_at_its_ends() {
    each_number_to_its_ends("systems", builtin::ALL[0].text);
}

#[test]
fn the_kitchen_sink_runs_with_any_number_at_its_ends() {
    each_number_to_its_ends("kitchen-sink", KITCHEN_SINK);
}

#[test]
fn the_customised_world_runs() {
    let outcome = play(include_str!("worlds/customised.toml")).expect("it is accepted");
    assert_is_sound(&outcome, "customised");
    assert!(outcome.0.faults.injected > 0);
}
