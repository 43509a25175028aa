//! A world file of any text.
//!
//! Claims: it is answered, with reasons when it is refused; and a file that is accepted makes a world that
//! can be run, whatever is in it.

use std::sync::Arc;
use worlds::definition::{Checked, Definition, parse};
use worlds::inline::Inline;
use worlds::plan::{Level, RunPlan, sres_of};
use worlds::topology::World;

/// Rounds that are played: a fault begins, is seen, and what is done about it acts.
const ROUNDS: u32 = 3;

/// Servers, services and requests of a world that is played: larger ones take long, and are the same.
const PLAYED_MAX: usize = 64;

/// A file of these bytes.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match parse("fuzz.toml", text) {
        Err(reasons) => assert!(!reasons.is_empty(), "refused without a reason"),
        Ok(Checked { definition, .. }) => play(definition),
    }
}

fn play(definition: Definition) {
    if definition.servers.len() > PLAYED_MAX || definition.services.len() > PLAYED_MAX {
        return;
    }
    let sres = sres_of(&definition);
    let plan = RunPlan {
        seed: 1,
        level: Level::Extreme,
        rounds: ROUNDS,
        sres,
        scripted: Vec::new(),
        drill: Default::default(),
    };
    let world = Arc::new(World::new("fuzz", definition));
    let mut run = Inline::new(world, plan);
    let outcome = run.play();
    assert!(outcome.requests.good <= outcome.requests.total, "{:?}", outcome.requests);
}
