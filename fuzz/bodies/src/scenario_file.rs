//! A scenario file of any text.
//!
//! Claims: it is answered, with reasons that name a place in it when it is refused; and a file that is
//! accepted makes a plan for each of its seeds that can be played, whatever is in it.

use crate::diagnostics;
use std::sync::Arc;
use worlds::definition::{Diagnostic, builtin, parse};
use worlds::inline::Inline;
use worlds::plan::{RunPlan, SrePlan, sres_of};
use worlds::scenario::{Draft, Languages, Misquoted, Scenario};

/// Rounds that are played: whatever more there are, are the same.
const ROUNDS: u32 = 6;

/// A file of these bytes.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match settle(text) {
        Err(reasons) => diagnostics::lie_within(text, &reasons),
        Ok(scenario) => play(&scenario),
    }
}

fn settle(text: &str) -> Result<Scenario, Vec<Diagnostic>> {
    let draft = Draft::read("fuzz", "fuzz.toml", text)?;
    let Some(world) = builtin::find(&draft.file().world) else {
        return Err(draft.without_world("there is no such world".to_owned(), None));
    };
    let definition = parse(world.name, world.text)?.definition;
    draft.settle(world.name, &definition, &AnyWords).map(|settled| settled.scenario)
}

fn play(scenario: &Scenario) {
    for seed in scenario.seeds().iter().take(2) {
        let plan = scenario.plan(*seed, scenario.sres.clone()).expect("its own SREs are there");
        let rounds = plan.rounds.min(ROUNDS);
        let mut run = Inline::new(Arc::clone(&scenario.world), RunPlan { rounds, ..plan });
        let outcome = run.play();
        assert!(outcome.requests.good <= outcome.requests.total, "{:?}", outcome.requests);
    }
}

/// Takes any gate for one, and anybody for those who are on call in the world itself.
struct AnyWords;

impl Languages for AnyWords {
    fn sres(&self, given: &[String]) -> Result<Vec<SrePlan>, Misquoted> {
        let world = builtin::ALL[0];
        let definition = parse(world.name, world.text).expect("it is good").definition;
        let mut sres = sres_of(&definition);
        for (position, sre) in sres.iter_mut().zip(given).enumerate() {
            let (sre, word) = sre;
            if word.is_empty() {
                return Err(Misquoted { position, message: "nobody".to_owned(), hint: None });
            }
            sre.name = word.as_str().into();
        }
        Ok(sres)
    }

    fn gate(&self, condition: &str) -> Result<(), Misquoted> {
        let refusal = Misquoted { position: 0, message: "nothing".to_owned(), hint: None };
        if condition.is_empty() { Err(refusal) } else { Ok(()) }
    }
}
