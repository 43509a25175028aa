//! One seed of one cell: everybody plays it, and what is measured of each run is kept.

use super::plan::Plan;
use super::programs::Programs;
use super::work::Word;
use crate::event::Finished;
use crate::gate::Gate;
use crate::metric::{Ratios, Seen, ratios};
use crate::reference::References;
use crate::result::{Facts, Mode, RunResult};
use std::sync::mpsc::Sender;
use worlds::inline::Inline;
use worlds::outcome::{LapseCounts, Outcome};
use worlds::plan::RunPlan;
use worlds::round::Round;

/// What is kept of one player's run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// What it says about each metric.
    pub ratios: Ratios,
    /// Whether its figures mean anything.
    pub is_valid: bool,
    /// Rounds that were played.
    pub rounds: u32,
    /// Those of them to which there was no answer.
    pub lapses: LapseCounts,
}

/// Plays seed after seed, each world in the room of its last run.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    plan: &'a Plan,
    /// With what programs are run, where there are any.
    programs: Option<&'a Programs>,
    /// Who is told how they get on.
    tell: Sender<Word>,
    /// By case.
    runs: Vec<Option<Inline>>,
    /// Of the seed that is played, by player.
    outcomes: Vec<Outcome>,
    /// Whether something kept a program from thinking that was not its own fault.
    troubled: Vec<bool>,
}

impl<'a> Stage<'a> {
    /// For the runs of a plan.
    pub(crate) fn new(plan: &'a Plan, programs: Option<&'a Programs>, tell: Sender<Word>) -> Self {
        let runs = plan.cases.iter().map(|_| None).collect();
        Self { plan, programs, tell, runs, outcomes: Vec::new(), troubled: Vec::new() }
    }

    /// Plays one seed; adds what came of it to `figures`, player by player. `None`, and nothing added, when a
    /// signal ended the wait for a program.
    pub(crate) fn play(&mut self, cell: usize, seed: u64, figures: &mut Vec<Figures>) -> Option<()> {
        let plan = self.plan;
        let case = plan.cells[cell].case;
        self.outcomes.clear();
        self.troubled.clear();
        for player in 0..plan.players.len() {
            let run = plan.run(cell, player, seed);
            let (outcome, is_troubled) = match self.programs.filter(|_| plan.players[player].is_program()) {
                Some(programs) => self.play_program(programs, [cell, player], run)?,
                None => (self.play_built_in(case, run), false),
            };
            self.outcomes.push(outcome);
            self.troubled.push(is_troubled);
        }
        let (none, oracle) = (&self.outcomes[plan.none()], &self.outcomes[plan.oracle()]);
        let is_asked = !(plan.pass.is_empty() && plan.cases[case].gates.is_empty());
        let references = is_asked.then(|| References { none: none.clone(), oracle: oracle.clone() });
        for (player, outcome) in self.outcomes.iter().enumerate() {
            let passed = match &references {
                None => outcome.requests.availability_pct() >= outcome.sla_target_pct,
                Some(references) => passes(plan, cell, plan.run(cell, player, seed), outcome, references),
            };
            figures.push(Figures {
                ratios: ratios(outcome, &Seen { none, oracle, passed }),
                is_valid: is_valid(outcome) && !self.troubled[player],
                rounds: outcome.rounds,
                lapses: outcome.sres[0].lapses,
            });
        }
        Some(())
    }

    /// A run in the room of the last one.
    fn play_built_in(&mut self, case: usize, run: RunPlan) -> Outcome {
        let inline = match &mut self.runs[case] {
            Some(inline) => {
                inline.restart(run);
                inline
            }
            empty => empty.insert(Inline::unrecorded(self.plan.cases[case].world.clone(), run)),
        };
        inline.play()
    }

    /// A run with a process of its own, and whether that could not even be started; nothing when a signal came
    /// before its end.
    fn play_program(&self, programs: &Programs, place: [usize; 2], run: RunPlan) -> Option<(Outcome, bool)> {
        let minds = programs.minds(self.plan, place[1], &run, &self.tell);
        let world = self.plan.case_of(place[0]).world.clone();
        let mut inline = Inline::with(Round::unrecorded(world, run), minds);
        while !inline.is_over() {
            inline.step();
            if programs.is_over() {
                return None;
            }
            // Whoever put the bench together is gone only when all is over.
            let _ = self.tell.send(Word::RoundPlayed);
        }
        let is_troubled = !inline.troubles().is_empty();
        Some((inline.finish(), is_troubled))
    }
}

/// Whether the figures of a run mean anything: as for a single run, faults took effect, and the
/// world was in order before the first.
fn is_valid(outcome: &Outcome) -> bool {
    outcome.lost_agents.is_empty()
        && outcome.faults.unseen == 0
        && outcome.steady_state.is_none_or(|seen| seen.held)
}

/// Whether a run fulfils all that is asked, as its `result.json` would have it. What was not
/// observed is not fulfilled.
fn passes(plan: &Plan, cell: usize, run: RunPlan, outcome: &Outcome, references: &References) -> bool {
    let (case, outcome) = (plan.case_of(cell), outcome.clone());
    let finished =
        Finished { outcome, journal_hash: String::new(), interrupted_by: None, troubles: Vec::new() };
    let result = RunResult::of(Facts {
        world: &case.world,
        scenario: case.scenario.as_deref(),
        plan: &run,
        mode: Mode::Inline,
        finished: &finished,
        references: Ok(references),
        gates: &[],
        repeat: "",
    });
    let document = serde_json::to_value(result).unwrap_or_default();
    let is = |truth, gate: &Gate| gate.value_in(&document).is_some_and(|it| gate.is_true_of(it) == truth);
    plan.pass.iter().all(|gate| is(true, gate)) && case.gates.iter().all(|gate| is(false, gate))
}
