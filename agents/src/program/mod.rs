//! Anybody's SRE: any program, which is told of each round on standard input and answers on standard output.
//!
//! | module | what it owns |
//! |---|---|
//! | [`wire`] | what is told and answered, as types, with their schemas |
//! | [`translation`](self) | the way between the model's numbers and the wire's names |
//! | [`dialect`] | how lines are put |
//! | `lines`, [`hearing`] | what is made of the bytes that a program writes; pure |
//! | [`talk`] | bytes in and out, deadlines, a program that is gone |
//! | [`running`], [`kin`], [`guard`](mod@guard) | its processes, none of which is left |
//! | [`log`] | what it says on standard error |
//!
//! [`Program`] is the same for agents behind a bus ([`crate::relay()`]) and for runs in one process, which is
//! why a program that answers the same gives the same journal in both.

pub mod dialect;
pub mod guard;
pub mod hearing;
pub mod kin;
mod lines;
pub mod log;
pub mod running;
pub mod talk;
mod translation;
pub mod wire;

pub use translation::greeting;

use dialect::Dialect;
use hearing::{Heard, PassedOver};
use log::{Log, LogTo};
use serde::Serialize;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use talk::{Attendant, END_GRACE, Ending, Said, Talk};
use translation::Translation;
use worlds::id::Name;
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
    sre: Name,
    talk: Talk,
    translation: Translation,
    dialect: Dialect,
    deadline: Option<Duration>,
    attendant: Box<dyn Attendant>,
    /// The last that it was asked about.
    round: u32,
    /// Nobody waited for the last answer any longer.
    was_left: bool,
}

/// What came of one question, for whoever wants to know more than what is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The round.
    pub round: u32,
    /// What it said.
    pub said: Said,
    /// What is wrong with an answer: names of what does not exist, with advice.
    pub wrong: Vec<String>,
    /// Why an answer decides nothing: it is more than there can be to decide.
    pub excess: Option<String>,
    /// How long it took.
    pub took: Duration,
    /// Bytes that it was told and had not read by then.
    pub unread: u64,
    /// Decisions that were passed over until then, in all rounds.
    pub passed_over: PassedOver,
}

impl Program {
    /// Starts a program and greets it. One that cannot be started, or ends, decides nothing from then on.
    pub fn start(means: &Means, brief: &SreBrief, attendant: Box<dyn Attendant>) -> Self {
        Self::start_in(Dialect::Today, means, brief, attendant)
    }

    /// The same, spoken to as somebody else might.
    pub fn start_in(
        dialect: Dialect,
        means: &Means,
        brief: &SreBrief,
        attendant: Box<dyn Attendant>,
    ) -> Self {
        let mut talk = Talk::start(&means.world, &means.command, Log::open(&means.log, &brief.name));
        talk.tell(&dialect.put(line(&greeting(brief, means.deadline))));
        let translation = Translation::of(brief);
        let (sre, deadline) = (brief.name.clone(), means.deadline);
        Self { sre, talk, translation, dialect, deadline, attendant, round: 0, was_left: false }
    }

    /// The last line that it wrote on standard error, where that is kept in memory.
    pub fn last_log_line(&self) -> Option<String> {
        self.talk.last_log_line()
    }

    /// Takes its log down until there is something else to do.
    pub fn rest(&mut self) {
        if let Some(wake) = self.attendant.wake() {
            self.talk.rest_until(wake);
        }
    }

    /// Ends it: its standard input ends, and it has [`END_GRACE`] to do the same.
    pub fn end(&mut self) {
        self.talk.end(END_GRACE);
    }

    /// The same, and tells how it went; `None` when it had ended before.
    pub fn end_and_tell(&mut self) -> Option<Ending> {
        self.talk.is_alive().then(|| self.talk.end_and_tell(self.round, END_GRACE))
    }

    /// Says what is wrong, at once to its log and with the next observation to itself.
    pub fn tell(&mut self, problem: String) {
        self.talk.remark(&problem);
        self.translation.note_problem(problem);
    }

    /// Asks about a round, which decides it as [`Outside::decide`] does, and tells what came of that.
    pub fn ask(&mut self, seen: &Observation, results: &[ActionResult], decision: &mut Decision) -> Exchange {
        let began = Instant::now();
        decision.begin(seen.round);
        self.round = seen.round;
        let said = if self.talk.is_alive() {
            self.translation.take_results(results);
            let line = self.dialect.put(line(&self.translation.observe(seen)));
            let said = self.talk.ask(seen.round, line, self.deadline, &mut *self.attendant);
            if self.talk.has_begun() {
                self.translation.has_told();
            }
            said
        } else {
            Said::Dead(self.talk.why_dead().to_owned())
        };
        let (took, unread, passed_over) = (began.elapsed(), self.talk.unread(), self.talk.passed_over());
        let mut exchange =
            Exchange { round: seen.round, said, wrong: Vec::new(), excess: None, took, unread, passed_over };
        self.take(&mut exchange, decision);
        exchange
    }

    fn take(&mut self, exchange: &mut Exchange, decision: &mut Decision) {
        let round = exchange.round;
        match &exchange.said {
            Said::Heard(Heard::Answer(decide)) => match self.translation.decide(decide, decision) {
                Ok(wrong) => {
                    wrong.iter().for_each(|wrong| self.tell(format!("round {round}: {wrong}")));
                    exchange.wrong = wrong;
                }
                Err(why) => {
                    self.lapse(Lapse::Malformed, format!("round {round}: {why}"), decision);
                    exchange.excess = Some(why);
                }
            },
            Said::Heard(Heard::Nonsense(nonsense)) => {
                self.lapse(Lapse::Malformed, format!("round {round}: {}", nonsense.why), decision);
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

    /// It gave no answer that could be used.
    fn lapse(&mut self, lapse: Lapse, problem: String, decision: &mut Decision) {
        decision.lapse = Some(lapse);
        self.tell(problem);
    }
}

impl Outside for Program {
    fn decide(&mut self, seen: &Observation, results: &[ActionResult], decision: &mut Decision) {
        self.ask(seen, results, decision);
    }

    fn was_left(&self) -> bool {
        self.was_left
    }

    fn trouble(&self) -> Option<String> {
        self.talk.why_not_started().map(|why| format!("the program of `{}` {why}", self.sre))
    }

    fn bid_farewell(&mut self) {
        self.talk.bid_farewell();
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
