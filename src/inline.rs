//! The inline driver: a whole run in this thread, its messages carried by plain calls.
//!
//! [`worlds::inline`] carries them; here are the things of the outside world that it knows nothing
//! of: who watches, how long a round should take, and when to stop early.

use crate::event::{Event, Finished, Interest, Watch};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};
use worlds::inline::{Inline, OutsideMinds};
use worlds::plan::RunPlan;
use worlds::round::Round;
use worlds::topology::World;

/// While it waits for the next round, the driver looks this often whether it should stop.
const INTERRUPT_LATENCY: Duration = Duration::from_millis(20);

/// What may hold a run up or end it.
pub(crate) struct Controls<'a> {
    /// From one round's beginning to the next's, at least this long.
    pub pace: Option<Duration>,
    /// The signal on which to stop, once it has come.
    pub interrupt: &'a dyn Fn() -> Option<i32>,
}

/// Runs a world to its end; or to the end of the round in which it is interrupted, or in which
/// `watch` has seen enough. Records are only made for somebody whose `interest` they are. `minds` are
/// those of programs.
pub(crate) fn run(
    world: &Arc<World>,
    plan: RunPlan,
    controls: &Controls<'_>,
    interest: Interest,
    minds: OutsideMinds,
    watch: &mut Watch<'_>,
) -> Finished {
    let begin = if interest >= Interest::Records { Round::new } else { Round::hashed };
    let mut run = Inline::with(begin(Arc::clone(world), plan), minds);
    // One that never began may be gone before the end.
    let mut troubles = run.troubles();
    let mut flow = tell(&mut run, watch);
    let mut interrupted_by = (controls.interrupt)();
    while !run.is_over() && flow.is_continue() && interrupted_by.is_none() {
        let began = Instant::now();
        run.step();
        flow = tell(&mut run, watch);
        if flow.is_continue() {
            flow = watch(&Event::RoundPlayed { requests: run.requests() });
        }
        // What came during the last round ended nothing early, unless somebody was still to answer.
        let is_whole = run.is_over() && !run.was_left();
        interrupted_by = if is_whole { None } else { controls.rest(began) };
    }
    troubles.extend(run.troubles());
    troubles.dedup();
    let outcome = run.finish();
    if flow.is_continue() {
        // The run is over: nothing is left that a break could stop.
        let _ = tell(&mut run, watch);
    }
    Finished { outcome, journal_hash: run.journal_hash(), interrupted_by, troubles }
}

fn tell(run: &mut Inline, watch: &mut Watch<'_>) -> ControlFlow<()> {
    run.take_entries().into_iter().try_for_each(|entry| watch(&Event::Entry(entry)))
}

impl Controls<'_> {
    /// Waits until the next round is due; gives the signal that came meanwhile.
    fn rest(&self, began: Instant) -> Option<i32> {
        loop {
            if let Some(signal) = (self.interrupt)() {
                return Some(signal);
            }
            let left = self.pace?.checked_sub(began.elapsed()).filter(|left| !left.is_zero())?;
            std::thread::sleep(left.min(INTERRUPT_LATENCY));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use worlds::inline::nobody;
    use worlds::outcome::Requests;
    use worlds::plan::Level;

    #[test]
    fn whoever_follows_rounds_alone_is_told_what_users_got_and_no_records() {
        let systems = worlds::definition::builtin::find("systems").expect("it is built in");
        let parsed = worlds::definition::parse("systems.toml", systems.text).expect("it is good");
        let world = Arc::new(World::new("systems", parsed.definition));
        let plan = RunPlan {
            seed: 7,
            level: Level::High,
            rounds: 20,
            sres: Vec::new(),
            scripted: Vec::new(),
            drill: Default::default(),
        };
        let controls = Controls { pace: None, interrupt: &|| None };
        let (mut rounds, mut told) = (0, Requests::default());
        let finished = run(&world, plan.clone(), &controls, Interest::Rounds, nobody(), &mut |event| {
            let Event::RoundPlayed { requests } = event else { panic!("{event:?}") };
            rounds += 1;
            told.total += requests.total;
            told.good += requests.good;
            ControlFlow::Continue(())
        });
        assert_eq!((rounds, told), (20, finished.outcome.requests));
        let nothing = &mut |_: &Event| ControlFlow::Continue(());
        let followed = run(&world, plan, &controls, Interest::Records, nobody(), nothing);
        assert_eq!(finished.journal_hash, followed.journal_hash);
    }
}
