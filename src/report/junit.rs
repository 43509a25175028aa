//! `junit.xml`: a run as CI systems show tests.
//!
//! Two suites. **Gates**: a case for the run itself, which is in error when it is invalid or was interrupted, and
//! one for each gate: passed when it held, failed when it did not, in error when it could not be decided, as all
//! are of a run that cannot be judged. **Incidents**: a case for each incident, and none of them ever fails. A
//! drill is there to hurt, and what is too much is for its gates to say; a red incident would make a drill red
//! whose gates held. One that went badly (users were hurt, and nobody remedied it) is *skipped*, with a message
//! that says what happened: the one state besides green and red that the format has, and the one that pytest
//! uses for failures that were expected. Viewers list and count it, and no build fails of it. The others passed.
//!
//! The format has no standard. This keeps to the schema by which Jenkins' xUnit plugin refuses files
//! (`tests/data/junit/junit-10.xsd`), and its suites to the one of Maven's Surefire. Written by a template rather
//! than by the crate `quick-junit`: that one says how many were skipped on the root element, too, and Jenkins'
//! schema does not allow it there. No times are given: a run's are simulated, and would be added up with real ones.

use super::account::{Account, Case};
use super::chronicle::FAULTS_KEPT;
use crate::console::figure;
use crate::gate::GateResult;
use crate::result::Verdict;
use askama::Template;

/// Incidents that are told: more than anybody clicks through. Of more the worst are.
const INCIDENTS_MAX: usize = FAULTS_KEPT;

#[derive(Template)]
#[template(path = "junit.xml")]
struct Document {
    name: String,
    suites: Vec<Suite>,
}

pub(super) struct Suite {
    pub name: String,
    pub properties: Vec<(&'static str, String)>,
    pub cases: Vec<TestCase>,
}

pub(super) struct TestCase {
    pub class: String,
    pub name: String,
    pub state: State,
    pub output: Option<String>,
}

pub(super) enum State {
    Passed,
    /// The gate was decided, and did not hold.
    Failed(Complaint),
    /// It could not be decided.
    Error(Complaint),
    Skipped(Complaint),
}

pub(super) struct Complaint {
    pub message: String,
    /// More of it; empty where there is none.
    pub text: String,
}

impl Document {
    fn count(&self, of: impl Fn(&Suite) -> usize) -> usize {
        self.suites.iter().map(of).sum()
    }

    fn tests(&self) -> usize {
        self.count(|suite| suite.cases.len())
    }

    fn failures(&self) -> usize {
        self.count(Suite::failures)
    }

    fn errors(&self) -> usize {
        self.count(Suite::errors)
    }
}

impl Suite {
    fn count(&self, is: impl Fn(&State) -> bool) -> usize {
        self.cases.iter().filter(|case| is(&case.state)).count()
    }

    fn failures(&self) -> usize {
        self.count(|state| matches!(state, State::Failed(_)))
    }

    fn errors(&self) -> usize {
        self.count(|state| matches!(state, State::Error(_)))
    }

    fn skipped(&self) -> usize {
        self.count(|state| matches!(state, State::Skipped(_)))
    }
}

/// The document.
pub(super) fn document(account: &Account<'_>) -> String {
    written(format!("world {}", account.name()), vec![gates(account), incidents(account)])
}

/// Suites, written down.
pub(super) fn written(name: String, suites: Vec<Suite>) -> String {
    printable(&Document { name, suites }.render().expect("a template is written to memory"))
}

/// Without characters that XML does not know, not even escaped.
fn printable(text: &str) -> String {
    let is_known = |letter: char| match letter {
        '\t' | '\n' | '\r' => true,
        letter => letter >= ' ' && !matches!(letter, '\u{fffe}' | '\u{ffff}'),
    };
    text.chars().map(|letter| if is_known(letter) { letter } else { char::REPLACEMENT_CHARACTER }).collect()
}

// ---- gates ------------------------------------------------------------------------------------

fn gates(account: &Account<'_>) -> Suite {
    let result = account.result;
    let class = class(account, "gates");
    let case = |name: String, state| TestCase { class: class.clone(), name, state, output: None };
    let mut cases = vec![case("the run came to its end and is valid".to_owned(), of_run(account))];
    if result.stopped.is_some() {
        let complaint = complaint(account.verdict(), account);
        cases.push(case("the run kept within its limit of harm".to_owned(), State::Failed(complaint)));
    }
    let gates = result.gates.iter();
    cases.extend(gates.map(|gate| case(format!("fails if {}", gate.expr), of_gate(gate, account))));
    Suite { name: "gates".to_owned(), properties: properties(account), cases }
}

fn of_run(account: &Account<'_>) -> State {
    match account.result.verdict {
        Verdict::Ok | Verdict::Inconclusive | Verdict::GateFailed => State::Passed,
        Verdict::Invalid | Verdict::Interrupted => State::Error(complaint(account.verdict(), account)),
    }
}

fn of_gate(gate: &GateResult, account: &Account<'_>) -> State {
    let is = gate.value.map(figure::plain);
    match (account.result.verdict, gate.held, is) {
        (Verdict::Invalid | Verdict::Interrupted, ..) => {
            let message = format!("Not decided. {}", account.verdict());
            State::Error(complaint(message, account))
        }
        (_, Some(true), _) => State::Passed,
        (_, Some(false), is) => {
            let is = is.unwrap_or_default();
            State::Failed(complaint(format!("It is {is}: the run fails if {}.", gate.expr), account))
        }
        (_, None, _) => {
            let message = format!("Not decided: this run has no value for {}.", gate.expr);
            State::Error(complaint(message, account))
        }
    }
}

/// What was wrong, and below it all that whoever reads it in a pipeline wants to know next.
fn complaint(message: String, account: &Account<'_>) -> Complaint {
    let result = account.result;
    let mut lines = vec![message.clone()];
    lines.extend(result.reasons.iter().cloned());
    if let Some(availability) = result.availability_pct {
        let served =
            format!("{} ({}), {}", figure::percent(availability), account.served(), account.promise());
        lines.push(format!("Availability: {served}"));
        lines.push(format!("Incidents: {}", account.incidents()));
    }
    lines.push(format!("To repeat the run: {}", result.repeat));
    Complaint { message, text: lines.join("\n") }
}

fn properties(account: &Account<'_>) -> Vec<(&'static str, String)> {
    let result = account.result;
    let mut properties = vec![
        ("world", result.world.name.clone()),
        ("world_hash", result.world.hash.clone()),
        ("seed", result.seed.to_string()),
        ("chaos_level", result.chaos_level.clone()),
        ("rounds", result.rounds.to_string()),
        ("rounds_planned", result.rounds_planned.to_string()),
        ("sres", result.sres.iter().map(super::account::sre).collect::<Vec<_>>().join(", ")),
        ("verdict", result.verdict.name().to_owned()),
    ];
    properties.extend(result.scenario.as_ref().map(|scenario| ("scenario", scenario.name.clone())));
    let mut figure_of = |name, value: Option<f64>| {
        properties.extend(value.map(|value| (name, figure::plain(value))));
    };
    figure_of("availability_pct", result.availability_pct);
    figure_of("score", result.score);
    properties.push(("journal_hash", result.journal_hash.clone()));
    properties.push(("build", format!("{} ({})", result.build.version, result.build.commit)));
    properties.push(("repeat", result.repeat.clone()));
    properties
}

// ---- incidents --------------------------------------------------------------------------------

fn incidents(account: &Account<'_>) -> Suite {
    let all = account.result.incidents.len();
    let cases = account.cases(INCIDENTS_MAX);
    let told = (cases.len() < all).then(|| {
        let [told, all] = [cases.len(), all].map(|count| figure::count(count as u64));
        let text = format!("the {told} of {all} in whose time most requests failed; all are in result.json");
        ("incidents_told", text)
    });
    let class = class(account, "incidents");
    let cases = cases.iter().map(|case| incident(case, class.clone(), account)).collect();
    Suite { name: "incidents".to_owned(), properties: told.into_iter().collect(), cases }
}

fn incident(case: &Case<'_>, class: String, account: &Account<'_>) -> TestCase {
    let it = case.incident;
    let course = course(case, account);
    let state = if case.went_badly() {
        let message = format!("Users were hurt, and nobody remedied it: {}.", case.ending());
        State::Skipped(Complaint { message, text: String::new() })
    } else {
        State::Passed
    };
    let name = format!("#{} {} on {} in round {}", it.id, it.kind, it.target, it.onset_round);
    TestCase { class, name, state, output: Some(course) }
}

/// What became of it, a line for each of its times.
fn course(case: &Case<'_>, account: &Account<'_>) -> String {
    let at = |(event, round): (&str, Option<u32>)| match round {
        Some(round) => format!("{event}: round {round} ({})", account.clock(round)),
        None => format!("{event}: never"),
    };
    let mut lines: Vec<_> = case.course().into_iter().map(at).collect();
    lines.push(format!("how it ended: {}", case.ending()));
    lines.push(format!("users hurt: {}", if case.incident.hurt_users { "yes" } else { "no" }));
    if let Some(life) = case.life {
        lines.push(format!("requests that failed meanwhile: {}", figure::count(life.failed_requests)));
    }
    lines.join("\n")
}

/// What viewers group cases by: dots part packages from classes, so a name has none.
fn class(account: &Account<'_>, suite: &str) -> String {
    class_of(account.name(), suite)
}

pub(super) fn class_of(name: &str, suite: &str) -> String {
    format!("world.{}.{suite}", name.replace('.', "_"))
}
