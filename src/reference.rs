//! The two runs that a run is compared with: the same seed, faults and users, with nobody acting,
//! and with the oracle on call. As many are on call as in the run itself, for faults may hit them.
//!
//! They take as long as the run itself would inline. Whoever ends a long run by a signal does not
//! want to wait for that: then they are given up, and the run has no score.

use std::sync::Arc;
use std::time::{Duration, Instant};
use worlds::definition::SreKind;
use worlds::inline::Inline;
use worlds::outcome::Outcome;
use worlds::plan::{RunPlan, SrePlan};
use worlds::topology::World;

/// How long both may go on in spite of a signal: enough for any run that somebody watches, and
/// short for somebody who waits.
const GRACE: Duration = Duration::from_millis(250);

/// What the reference runs came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct References {
    /// Nobody acted.
    pub none: Outcome,
    /// The oracle was on call.
    pub oracle: Outcome,
}

/// Why a run is compared with nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreferenced {
    /// It has no rounds to compare.
    #[error("no round was played")]
    Unplayed,
    /// The reference runs were given up.
    #[error("signal {0} ended the reference runs")]
    Signalled(i32),
}

impl References {
    /// Plays both for the `rounds` that the run itself was played; soon after a signal, which
    /// `interrupt` tells of, no further. `played` hears of each round.
    pub(crate) fn play(
        world: &Arc<World>,
        plan: &RunPlan,
        rounds: u32,
        interrupt: &dyn Fn() -> Option<i32>,
        mut played: impl FnMut(),
    ) -> Result<Self, Unreferenced> {
        if rounds == 0 {
            return Err(Unreferenced::Unplayed);
        }
        let mut grace = Grace { interrupt, since: None };
        let drill = plan.drill.to_its_end();
        let on_call = |first| with_first(first, RunPlan { rounds, drill, ..plan.clone() });
        let mut play = |run: &mut Inline| {
            let go_on = || {
                played();
                grace.lasts()
            };
            run.play_while(go_on).ok_or_else(|| Unreferenced::Signalled(interrupt().unwrap_or_default()))
        };
        let mut run = Inline::unrecorded(Arc::clone(world), on_call(SreKind::None));
        let none = play(&mut run)?;
        run.restart(on_call(SreKind::Oracle));
        Ok(Self { none, oracle: play(&mut run)? })
    }
}

/// The same plan with this one first on call, and others who do nothing.
fn with_first(first: SreKind, plan: RunPlan) -> RunPlan {
    let kinds = std::iter::once(first).chain(std::iter::repeat(SreKind::None));
    let sre = |(sre, kind): (&SrePlan, SreKind)| SrePlan::of(&sre.name, kind);
    RunPlan { sres: plan.sres.iter().zip(kinds).map(sre).collect(), ..plan }
}

/// The time that is left after a signal.
struct Grace<'a> {
    interrupt: &'a dyn Fn() -> Option<i32>,
    /// When the signal was noticed.
    since: Option<Instant>,
}

impl Grace<'_> {
    fn lasts(&mut self) -> bool {
        (self.interrupt)().is_none() || self.since.get_or_insert_with(Instant::now).elapsed() < GRACE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use worlds::plan::{Drill, Level, Stop};

    fn played(rounds: u32, interrupt: &dyn Fn() -> Option<i32>) -> Result<u32, Unreferenced> {
        played_at(Level::Off, Drill::default(), rounds, interrupt)
    }

    fn played_at(
        level: Level,
        drill: Drill,
        rounds: u32,
        interrupt: &dyn Fn() -> Option<i32>,
    ) -> Result<u32, Unreferenced> {
        let systems = worlds::definition::builtin::find("systems").expect("it is built in");
        let definition =
            worlds::definition::parse("systems.toml", systems.text).expect("it is good").definition;
        let sres = worlds::plan::sres_of(&definition);
        let world = Arc::new(World::new("systems", definition));
        let plan = RunPlan { seed: 1, level, rounds, sres, scripted: Vec::new(), drill };
        References::play(&world, &plan, rounds, interrupt, || ()).map(|references| references.oracle.rounds)
    }

    #[test]
    fn references_are_not_stopped_where_the_run_would_be() {
        let stop = Stop { budget_spent_pct: Some(1.0), blast_radius_pct: Some(1.0) };
        let drill = Drill { stop, ..Drill::default() };
        assert_eq!(played_at(Level::Extreme, drill, 12, &|| None), Ok(12));
    }

    #[test]
    fn short_references_are_played_in_spite_of_a_signal() {
        assert_eq!(played(5, &|| Some(2)), Ok(5));
    }

    #[test]
    fn long_references_end_soon_after_a_signal() {
        assert_eq!(played(200_000, &|| Some(2)), Err(Unreferenced::Signalled(2)));
    }
}
