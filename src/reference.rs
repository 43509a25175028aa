//! The two runs that a run is compared with: the same seed, faults and users, with nobody acting,
//! and with the oracle on call.

use std::sync::Arc;
use worlds::definition::SreKind;
use worlds::inline::Inline;
use worlds::outcome::Outcome;
use worlds::plan::{RunPlan, SrePlan};
use worlds::topology::World;

/// What the reference runs came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct References {
    /// Nobody acted.
    pub none: Outcome,
    /// The oracle was on call.
    pub oracle: Outcome,
}

impl References {
    /// Plays both for the `rounds` that the run itself was played; `None` if it was not.
    pub(crate) fn play(world: &Arc<World>, plan: &RunPlan, rounds: u32) -> Option<Self> {
        let play =
            |kind| Inline::outcome(Arc::clone(world), with_only(kind, RunPlan { rounds, ..plan.clone() }));
        (rounds > 0).then(|| Self { none: play(SreKind::None), oracle: play(SreKind::Oracle) })
    }
}

fn with_only(kind: SreKind, plan: RunPlan) -> RunPlan {
    RunPlan { sres: vec![SrePlan { name: "reference".into(), kind, skill: None }], ..plan }
}
