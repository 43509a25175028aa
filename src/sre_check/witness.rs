//! Somebody who stands where the SRE stands: has the program decide, as a run does, and notes what was said.

use super::result::Start;
use super::scene::{Scene, SceneName};
use crate::signal::Noted;
use agents::program::dialect::Dialect;
use agents::program::hearing::Heard;
use agents::program::talk::{Attendant, Ending, Said};
use agents::program::wire::Decide;
use agents::program::{Exchange, Means, Program};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use worlds::id::{ActionId, Name, ServerId};
use worlds::inline::{Inline, Outside, OutsideMinds};
use worlds::message::{
    ActionOutcome, ActionResult, Decision, Failure, Observation, Refusal, RequestId, SreBrief, UnknownNames,
};
use worlds::names::Names;
use worlds::round::Round;

/// What became of the actions of the SRE before: everything that can.
const INHERITED: [ActionOutcome; 9] = [
    ActionOutcome::Succeeded,
    ActionOutcome::Failed(Failure::Unlucky),
    ActionOutcome::Failed(Failure::Unreachable),
    ActionOutcome::Refused(Refusal::TooMany),
    ActionOutcome::Refused(Refusal::NoAlert),
    ActionOutcome::Refused(Refusal::Settling),
    ActionOutcome::Refused(Refusal::Conflict),
    ActionOutcome::Refused(Refusal::Cooldown),
    ActionOutcome::Refused(Refusal::NoStandby),
];

/// What came of one start.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) scene: SceneName,
    /// The name of the world.
    pub(super) world: String,
    /// Rounds that were to be asked about.
    pub(super) rounds: u32,
    pub(super) exchanges: Vec<Exchange>,
    pub(super) refused: Vec<Refused>,
    /// `None` when it was gone before.
    pub(super) ending: Option<Ending>,
    /// Whom it had started and sent out of its group, by name.
    pub(super) strays: Vec<String>,
    /// The last line that it wrote on standard error.
    pub(super) last_log_line: Option<String>,
}

/// An action that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// The round in which it was asked for.
    pub(super) round: u32,
    pub(super) action: Name,
    pub(super) target: Name,
    pub(super) why: Refusal,
}

impl Account {
    /// What it decided, in the order of the rounds that it answered.
    pub(super) fn answers(&self) -> impl Iterator<Item = &Decide> {
        self.exchanges.iter().filter_map(answer)
    }

    pub(super) fn has_answers(&self) -> bool {
        self.answers().next().is_some()
    }

    /// Whether it was asked about all rounds, and was there to answer.
    pub(super) fn is_whole(&self) -> bool {
        self.exchanges.len() == self.rounds as usize && self.goes_on()
    }

    /// Whether there is any use in asking on.
    fn goes_on(&self) -> bool {
        let last = self.exchanges.last().map(|exchange| &exchange.said);
        !matches!(last, Some(Said::Late | Said::Over | Said::Dead(_)))
    }

    /// Decisions that it made, so many as there were.
    pub(super) fn passed_over(&self) -> u64 {
        let asked = self.exchanges.last().map_or(0, |exchange| exchange.passed_over.earlier);
        asked + self.ending.as_ref().map_or(0, |ending| ending.decisions)
    }

    /// The slowest answer, seconds.
    pub(super) fn slowest_seconds(&self) -> Option<f64> {
        let answered = self.exchanges.iter().filter(|exchange| answer(exchange).is_some());
        answered.map(|exchange| exchange.took.as_secs_f64()).max_by(f64::total_cmp)
    }

    /// What is told of it.
    pub(super) fn start(&self) -> Start {
        Start {
            name: self.scene,
            world: self.world.clone(),
            rounds: self.rounds,
            asked: self.exchanges.len(),
            answered: self.answers().count(),
            slowest_seconds: self.slowest_seconds(),
        }
    }

    fn note(&mut self, noted: Note) {
        match noted {
            Note::Asked { exchange, refused } => {
                self.exchanges.push(exchange);
                self.refused.extend(refused);
            }
            Note::Ended { ending, last_log_line } => {
                self.ending = ending;
                self.last_log_line = last_log_line;
            }
        }
    }
}

/// The answer of an exchange that has one.
pub(super) fn answer(exchange: &Exchange) -> Option<&Decide> {
    match &exchange.said {
        Said::Heard(Heard::Answer(decide)) => Some(decide),
        _ => None,
    }
}

/// Plays a scene to its end, or until there is no use in asking on; `step` is called after each round.
pub(super) fn play(scene: &Scene, means: &Means, noted: &Noted, step: &mut dyn FnMut()) -> Account {
    let (notes, heard) = mpsc::channel();
    let (means, noted, dialect) = (means.clone(), noted.clone(), scene.dialect);
    let is_successor = scene.name == SceneName::Handover;
    let minds: OutsideMinds = Box::new(move |brief| {
        let attendant = Box::new(UntilSignal(noted.clone()));
        Box::new(Witness::start(dialect, is_successor, &means, brief, attendant, notes.clone()))
    });
    let mut account = Account {
        scene: scene.name,
        world: scene.world.name.to_string(),
        rounds: scene.plan.rounds,
        exchanges: Vec::new(),
        refused: Vec::new(),
        ending: None,
        strays: Vec::new(),
        last_log_line: None,
    };
    let mut run = Inline::with(Round::unrecorded(Arc::clone(&scene.world), scene.plan.clone()), minds);
    while !run.is_over() && account.goes_on() {
        run.step();
        heard.try_iter().for_each(|note| account.note(note));
        step();
    }
    run.finish();
    heard.try_iter().for_each(|note| account.note(note));
    account
}

/// Waits for an answer until a signal comes.
#[derive(Debug)]
struct UntilSignal(Noted);

impl Attendant for UntilSignal {
    fn is_over(&self) -> bool {
        self.0.signal().is_some()
    }
}

/// What a witness says.
enum Note {
    Asked { exchange: Exchange, refused: Vec<Refused> },
    Ended { ending: Option<Ending>, last_log_line: Option<String> },
}

#[derive(Debug)]
struct Witness {
    program: Program,
    names: Names,
    /// What is to be told as if the SRE before had asked for it.
    inherited: Vec<ActionResult>,
    /// The last request of the SRE before.
    last_inherited: RequestId,
    notes: Sender<Note>,
}

impl Witness {
    fn start(
        dialect: Dialect,
        is_successor: bool,
        means: &Means,
        brief: &SreBrief,
        attendant: Box<dyn Attendant>,
        notes: Sender<Note>,
    ) -> Self {
        let mut brief = brief.clone();
        let inherited = if is_successor { inherited(&brief) } else { Vec::new() };
        brief.last_request = inherited.last().map_or(brief.last_request, |result| result.request);
        let mut program = Program::start_in(dialect, means, &brief, attendant);
        if is_successor {
            program.tell("round 1: this is a problem that it is told of, and need not understand".to_owned());
        }
        let last_inherited = brief.last_request;
        Self { program, names: Names::of(&brief.runbook), inherited, last_inherited, notes }
    }

    /// Those of these results that say that a request of the program's own was refused.
    fn refused(&self, round: u32, results: &[ActionResult]) -> Vec<Refused> {
        let nothing = UnknownNames::default();
        let own = results.iter().filter(|result| result.request > self.last_inherited);
        let refused = own.filter_map(|result| match result.outcome {
            ActionOutcome::Refused(why) => Some(Refused {
                round,
                action: self.names.action(result.action, &nothing),
                target: self.names.server(result.target, &nothing),
                why,
            }),
            ActionOutcome::Succeeded | ActionOutcome::Failed(_) => None,
        });
        refused.collect()
    }
}

/// A result of each sort, of actions and servers in turn.
fn inherited(brief: &SreBrief) -> Vec<ActionResult> {
    let (actions, servers) = (brief.runbook.actions.len().max(1), brief.runbook.servers.len().max(1));
    let requests = (0..).zip(brief.last_request.0 + 1..).zip(INHERITED);
    let results = requests.map(|((index, request), outcome)| ActionResult {
        request: RequestId(request),
        action: ActionId::from(index % actions),
        target: ServerId::from(index % servers),
        outcome,
    });
    results.collect()
}

impl Outside for Witness {
    fn decide(&mut self, seen: &Observation, results: &[ActionResult], decision: &mut Decision) {
        let mut told = std::mem::take(&mut self.inherited);
        told.extend_from_slice(results);
        // What is refused is told in the round after.
        let refused = self.refused(seen.round - 1, &told);
        let exchange = self.program.ask(seen, &told, decision);
        // Whoever plays the scene hears it.
        let _ = self.notes.send(Note::Asked { exchange, refused });
    }

    fn dismiss(&mut self) {
        let ending = self.program.end_and_tell();
        let last_log_line = self.program.last_log_line();
        let _ = self.notes.send(Note::Ended { ending, last_log_line });
    }
}
