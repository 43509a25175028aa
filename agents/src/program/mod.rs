//! Anybody's SRE: any program, which is told of each round on standard input and answers on standard output.
//!
//! | module | what it owns |
//! |---|---|
//! | [`wire`] | what is told and answered, as types, with their schemas |
//! | [`translation`](self) | the way between the model's numbers and the wire's names |
//! | `lines`, [`hearing`] | what is made of the bytes that a program writes; pure |
//! | [`talk`] | bytes in and out, deadlines, a program that is gone |
//! | `running`, [`guard`](mod@guard) | its processes, none of which is left |
//! | [`log`] | what it says on standard error |
//!
//! [`Program`] is the same for agents behind a bus ([`crate::relay`]) and for runs in one process, which is
//! why a program that answers the same gives the same journal in both.

pub mod guard;
pub mod hearing;
mod lines;
pub mod log;
mod running;
pub mod talk;
mod translation;
pub mod wire;

pub use translation::greeting;

use hearing::Heard;
use log::{Log, LogTo};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;
use talk::{Attendant, END_GRACE, Ending, Said, Talk};
use translation::Translation;
use worlds::inline::Outside;
use worlds::message::{ActionResult, Decision, Lapse, Observation, SreBrief};

/// What a program is run with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Means {
    /// The file of this program, whose guard ends the other's processes.
    pub world: PathBuf,
    /// What a shell runs: `sh -c COMMAND`.
    pub command: String,
    /// For an answer; without it one is waited for.
    pub deadline: Option<Duration>,
    /// Where its log goes.
    pub log: LogTo,
}

/// An SRE that is a program.
#[derive(Debug)]
pub struct Program {
    talk: Talk,
    translation: Translation,
    deadline: Option<Duration>,
    attendant: Box<dyn Attendant>,
    /// Nobody waited for the last answer any longer.
    was_left: bool,
}

impl Program {
    /// Starts a program and greets it. One that cannot be started, or ends, decides nothing from then on.
    pub fn start(means: &Means, brief: &SreBrief, attendant: Box<dyn Attendant>) -> Self {
        let mut talk = Talk::start(&means.world, &means.command, Log::open(&means.log, &brief.name));
        talk.tell(&line(&greeting(brief, means.deadline)));
        let translation = Translation::of(brief);
        Self { talk, translation, deadline: means.deadline, attendant, was_left: false }
    }

    /// Whether nobody waited for the last answer any longer.
    pub fn was_left(&self) -> bool {
        self.was_left
    }

    /// Whoever waits for its answers.
    pub fn attendant(&self) -> &dyn Attendant {
        &*self.attendant
    }

    /// Takes its log down until there is something else to do.
    pub fn rest(&mut self) {
        if let Some(wake) = self.attendant.wake() {
            self.talk.rest_until(wake);
        }
    }

    /// Ends it: its standard input ends, and it has [`END_GRACE`] to do the same.
    pub fn end(&mut self) -> Ending {
        self.talk.end(END_GRACE)
    }

    /// It gave no answer that could be used.
    fn lapse(&mut self, lapse: Lapse, problem: String, decision: &mut Decision) {
        decision.lapse = Some(lapse);
        self.tell(problem);
    }

    /// Says what is wrong, at once to its log and with the next observation to itself.
    fn tell(&mut self, problem: String) {
        self.talk.remark(&problem);
        self.translation.note_problem(problem);
    }

    fn take(&mut self, said: Said, decision: &mut Decision) {
        let round = decision.round;
        match said {
            Said::Heard(Heard::Answer(decide)) => match self.translation.decide(&decide, decision) {
                Ok(wrong) => wrong.into_iter().for_each(|wrong| self.tell(format!("round {round}: {wrong}"))),
                Err(why) => self.lapse(Lapse::Malformed, format!("round {round}: {why}"), decision),
            },
            Said::Heard(Heard::Nonsense(why)) => {
                self.lapse(Lapse::Malformed, format!("round {round}: {why}"), decision);
            }
            Said::Late => {
                let limit = self.deadline.unwrap_or_default();
                self.lapse(Lapse::Late, format!("round {round}: no answer within {limit:?}"), decision);
            }
            Said::Over => {
                self.was_left = true;
                decision.lapse = Some(Lapse::Late);
            }
            Said::Dead(_) => decision.lapse = Some(Lapse::Dead),
        }
    }
}

impl Outside for Program {
    fn decide(&mut self, seen: &Observation, results: &[ActionResult], decision: &mut Decision) {
        decision.begin(seen.round);
        if !self.talk.is_alive() {
            decision.lapse = Some(Lapse::Dead);
            return;
        }
        self.translation.take_results(results);
        let line = line(&self.translation.observe(seen));
        let said = self.talk.ask(seen.round, line, self.deadline, &mut *self.attendant);
        if self.talk.has_begun() {
            self.translation.has_told();
        }
        self.take(said, decision);
    }

    fn was_left(&self) -> bool {
        self.was_left
    }

    fn dismiss(&mut self) {
        self.end();
    }
}

/// A message as a line.
pub(crate) fn line(message: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).expect("a message has only string keys");
    line.push(b'\n');
    line
}
