//! What becomes of verdicts when the target, or whoever judges, fails: false passes, hidden breaches and how
//! many tests are undetermined, to the unit.
//!
//! The target is a chat server on loopback that is asked through the whole of the production's way. It has a
//! guard whose holes are known, so every verdict has one right value. In each run both canaries are asked and
//! then every case of the built-in suite; faults are drawn for each call, those of canaries included.

use super::judge::{Delivery, Markers, Protocol, Wording};
use super::vigil::Watch;
use super::{BUILTIN, Bench, Case, Expect, Judge, Suite, Trial, file};
use crate::clock::{Clock, SystemClock};
use crate::send::{Answer, Ask, Subject};
use crate::target::scripted::{Move, ScriptedServer, reply};
use crate::target::{ChatLane, ChatSettings, ChatTarget, Lane, RateCap, Target};
use days::guardrail::{Finding, Findings, Tally, Verdict, Vigil};
use days::order::Kind;
use rand::rand_core::{Rng, SeedableRng};
use rand::rngs::ChaCha8Rng;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Runs of the suite for each rate of faults.
const RUNS: u32 = 40;

/// Far away: what a test waits for is something else.
const LATER: Duration = Duration::from_secs(600);

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Status(u16),
    /// The answer does not come in time.
    Timeout,
    Malformed,
    Empty,
}

const FAULTS: [Fault; 7] = [
    Fault::Status(500),
    Fault::Status(502),
    Fault::Status(503),
    Fault::Status(400),
    Fault::Timeout,
    Fault::Malformed,
    Fault::Empty,
];

/// Draws faults at a rate.
#[derive(Debug)]
struct Dice {
    chance: ChaCha8Rng,
    percent: u32,
}

impl Dice {
    fn at(percent: u32) -> Self {
        Self { chance: ChaCha8Rng::seed_from_u64(u64::from(percent)), percent }
    }

    fn fault(&mut self) -> Option<Fault> {
        let fault = FAULTS[self.chance.next_u32() as usize % FAULTS.len()];
        (self.chance.next_u32() % 100 < self.percent).then_some(fault)
    }
}

/// A guard with holes: every seventh case gets what it asks for.
fn is_hole(place: usize) -> bool {
    place % 7 == 3
}

/// What the guarded assistant says to a case.
fn guarded(suite: &Suite, query: &str) -> Vec<u8> {
    let said = |text: &str| reply(200, "", &completion(text));
    if query == &*suite.must_be_blocked.query {
        return said(query.split('"').nth(1).unwrap());
    }
    if query == &*suite.must_be_let_through.query {
        return said(marker(&suite.must_be_let_through));
    }
    let place = suite.cases.iter().position(|case| query == &*case.query).unwrap();
    let case = &suite.cases[place];
    let filtered = json!({"error": {"code": "content_filter", "message": "filtered"}}).to_string();
    match (is_hole(place), place % 3) {
        (true, 0) => said(&format!("I can’t help with that… but well: {}", marker(case))),
        (true, _) => said(&format!("Of course.\n\n**{}**", marker(case))),
        (false, _) if expects(case) == Expect::Answer => said("The text says that all is well."),
        (false, 0) => reply(400, "", &filtered),
        (false, 1) => said("I’m sorry, but I can’t help with that."),
        (false, _) => said("I must decline. Is there anything else?"),
    }
}

fn completion(text: &str) -> String {
    json!({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}).to_string()
}

fn marker(case: &Case) -> &str {
    let Trial::Ask { markers, .. } = &case.trial else { panic!("it asks") };
    &markers[0]
}

fn expects(case: &Case) -> Expect {
    let Trial::Ask { expect, .. } = case.trial else { panic!("it asks") };
    expect
}

/// The target, failing: what happens to the next call is decided by the one who asks.
struct FaultyTarget {
    chat: ChatTarget,
    dice: Arc<Mutex<Dice>>,
    next: Arc<Mutex<Option<Fault>>>,
}

struct FaultyLane {
    chat: ChatLane,
    dice: Arc<Mutex<Dice>>,
    next: Arc<Mutex<Option<Fault>>>,
}

impl Target for FaultyTarget {
    type Lane = FaultyLane;

    fn lane(&self) -> FaultyLane {
        FaultyLane { chat: self.chat.lane(), dice: self.dice.clone(), next: self.next.clone() }
    }

    async fn validate(&self) -> Result<(), crate::target::Complaint> {
        self.chat.validate().await
    }

    fn cap(&self) -> Option<&RateCap> {
        self.chat.cap()
    }
}

impl Lane for FaultyLane {
    async fn ask(&mut self, ask: &Ask, deadline: Duration) -> Answer {
        let fault = self.dice.lock().unwrap().fault();
        *self.next.lock().unwrap() = fault;
        // The server will not answer, so there is nothing to be gained by waiting.
        let deadline = if fault == Some(Fault::Timeout) { Duration::ZERO } else { deadline };
        self.chat.ask(ask, deadline).await
    }
}

/// Several judges as one that fails.
#[derive(Debug)]
struct FaultyGrader {
    judges: Bench,
    dice: Mutex<Dice>,
    has_failed: Arc<Mutex<bool>>,
}

impl Judge for FaultyGrader {
    fn judge(&self, case: &Case, answer: &Answer) -> Finding {
        let has_failed = self.dice.lock().unwrap().fault().is_some();
        *self.has_failed.lock().unwrap() = has_failed;
        match self.judges.judge(case, answer) {
            _ if has_failed => Finding::Failed,
            Findings { leaked: true, .. } => Finding::Leaked,
            Findings { failed: true, .. } => Finding::Failed,
            Findings { refused: true, .. } => Finding::Refused,
            Findings { refused: false, .. } => Finding::Nothing,
        }
    }
}

/// What became of all runs at a rate of faults.
#[derive(Debug, Default)]
struct Account {
    tally: Tally,
    /// Tests whose call, or whose grader, failed.
    injected: u64,
    /// Tests that were blocked in a run whose canaries came to nothing.
    withheld: u64,
    unproven_runs: u32,
    /// Blocked, and was let through.
    false_passes: u64,
    /// Let through and answered and graded, and not called breached.
    hidden: u64,
    /// Any verdict but the right one.
    wrong: u64,
}

struct Rig {
    suite: Arc<Suite>,
    target: FaultyTarget,
    clock: Arc<SystemClock>,
    server: ScriptedServer,
}

impl Rig {
    async fn new(percent: u32) -> Self {
        let (name, text) = BUILTIN[0];
        let suite = Arc::new(file::parse(name, text).unwrap());
        let next = Arc::new(Mutex::new(None));
        let (script_suite, script_next) = (suite.clone(), next.clone());
        let server = ScriptedServer::by(move |_, heard| {
            let body: Value = serde_json::from_slice(&heard.body).unwrap();
            let query = body["messages"][0]["content"].as_str().unwrap();
            match *script_next.lock().unwrap() {
                None => Move::Say(guarded(&script_suite, query)),
                Some(Fault::Status(status)) => Move::Say(reply(status, "", "it broke")),
                Some(Fault::Timeout) => Move::Hold,
                Some(Fault::Malformed) => Move::Say(reply(200, "", "<html>I cannot help with that.")),
                Some(Fault::Empty) => Move::Say(reply(200, "", &completion(""))),
            }
        })
        .await;
        let clock = Arc::new(SystemClock::start());
        let url = format!("http://{}/v1", server.address);
        let settings = ChatSettings { url, model: Some("m".to_owned()), ..ChatSettings::default() };
        let chat = ChatTarget::new(&settings, clock.clone()).unwrap();
        let dice = Arc::new(Mutex::new(Dice::at(percent)));
        Self { suite, target: FaultyTarget { chat, dice, next }, clock, server }
    }

    /// Runs the suite so many times; `has_failed` says whether the grader failed at its last answer.
    async fn runs(&self, bench: &Bench, has_failed: &Mutex<bool>) -> Account {
        let mut account = Account::default();
        let mut lane = self.target.lane();
        let subject = Arc::new(Subject::default());
        for _ in 0..RUNS {
            let watch = Watch {
                target: &self.target,
                lane: &mut lane,
                clock: &*self.clock,
                subject: subject.clone(),
            };
            let vigil = watch.keep(&self.suite, bench, || true).await;
            assert_ne!(vigil, Vigil::Asleep, "faults put nobody to sleep");
            account.unproven_runs += u32::from(vigil == Vigil::Unproven);
            for (place, case) in self.suite.cases.iter().enumerate() {
                let ask = Ask {
                    kind: Kind::Guardrails,
                    number: 0,
                    subject: subject.clone(),
                    case: Some(case.clone()),
                    query: case.query.clone(),
                };
                let answer = lane.ask(&ask, self.clock.steady() + LATER).await;
                let findings = bench.judge(case, &answer);
                let is_faulted = self.target.next.lock().unwrap().is_some()
                    || std::mem::take(&mut *has_failed.lock().unwrap());
                account.book(is_hole(place), is_faulted, vigil, findings.verdict_under(vigil));
            }
        }
        account
    }
}

impl Account {
    fn book(&mut self, is_hole: bool, is_faulted: bool, vigil: Vigil, verdict: Verdict) {
        let right = match (is_hole, is_faulted, vigil) {
            (_, true, _) => Verdict::Undetermined,
            (true, false, _) => Verdict::Breached,
            (false, false, Vigil::Awake) => Verdict::Blocked,
            (false, false, _) => Verdict::Undetermined,
        };
        self.tally.count(verdict);
        self.injected += u64::from(is_faulted);
        self.withheld += u64::from(!is_hole && !is_faulted && vigil != Vigil::Awake);
        self.false_passes += u64::from(verdict == Verdict::Blocked && (is_hole || is_faulted));
        self.hidden += u64::from(verdict != Verdict::Breached && is_hole && !is_faulted);
        self.wrong += u64::from(verdict != right);
    }

    #[track_caller]
    fn is_exact(&self, percent: u32) {
        let faulted = 100.0 * self.injected as f64 / self.tally.tests() as f64;
        assert!((faulted - f64::from(percent)).abs() < 5.0, "{faulted} % at {percent} %: {self:?}");
        assert_eq!((self.false_passes, self.hidden, self.wrong), (0, 0, 0), "at {percent} %: {self:?}");
        assert_eq!(self.tally.undetermined, self.injected + self.withheld, "at {percent} %: {self:?}");
        println!("{percent:3} %  {self:?}");
    }
}

fn grader(percent: u32, judges: Vec<Box<dyn Judge>>) -> (Bench, Arc<Mutex<bool>>) {
    let has_failed = Arc::new(Mutex::new(false));
    let dice = Mutex::new(Dice::at(percent));
    let grader = FaultyGrader { judges: Bench::with(judges), dice, has_failed: has_failed.clone() };
    (Bench::with(vec![Box::new(Delivery), Box::new(Protocol), Box::new(grader)]), has_failed)
}

fn words_and_markers() -> Vec<Box<dyn Judge>> {
    vec![Box::new(Wording { more: Vec::new() }), Box::new(Markers)]
}

#[tokio::test]
async fn of_a_failing_target_no_fault_is_a_pass_and_undetermined_are_those_that_failed() {
    for percent in [0, 1, 5, 20, 50] {
        let rig = Rig::new(percent).await;
        let account = rig.runs(&Bench::of(&rig.suite), &Mutex::new(false)).await;
        account.is_exact(percent);
    }
}

#[tokio::test]
async fn of_a_failing_grader_no_fault_is_a_pass_and_undetermined_are_those_that_failed() {
    for percent in [1, 5, 20, 50] {
        let rig = Rig::new(0).await;
        let (bench, has_failed) = grader(percent, words_and_markers());
        rig.runs(&bench, &has_failed).await.is_exact(percent);
    }
}

/// Where another judge sees the marker, the failure of one hides no breach.
#[tokio::test]
async fn a_breach_is_seen_by_whoever_is_left() {
    let rig = Rig::new(0).await;
    let (mut bench, has_failed) = grader(50, vec![Box::new(Wording { more: Vec::new() })]);
    bench.add(Box::new(Markers));
    let account = rig.runs(&bench, &has_failed).await;
    let holes = (0..rig.suite.cases.len()).filter(|place| is_hole(*place)).count() as u64;
    assert_eq!(account.tally.breached, u64::from(RUNS) * holes, "{account:?}");
    assert_eq!((account.false_passes, account.hidden), (0, 0), "{account:?}");
}

/// A judge that says the same of everything.
#[derive(Debug)]
struct Dull(Finding);

impl Judge for Dull {
    fn judge(&self, _: &Case, _: &Answer) -> Finding {
        self.0
    }
}

async fn vigil_of(judges: Vec<Box<dyn Judge>>, server_says: Option<&'static str>) -> Vigil {
    let rig = Rig::new(0).await;
    let server = ScriptedServer::by(move |_, _| {
        Move::Say(reply(200, "", &completion(server_says.unwrap_or_default())))
    })
    .await;
    let target = match server_says {
        None => rig.target.chat,
        Some(_) => {
            let url = format!("http://{}/v1", server.address);
            ChatTarget::new(&ChatSettings { url, ..ChatSettings::default() }, rig.clock.clone()).unwrap()
        }
    };
    let mut lane = target.lane();
    let watch = Watch { target: &target, lane: &mut lane, clock: &*rig.clock, subject: Arc::default() };
    watch.keep(&rig.suite, &Bench::with(judges), || true).await
}

#[tokio::test]
async fn judges_and_targets_that_say_the_same_of_everything_are_found_out() {
    let all = || -> Vec<Box<dyn Judge>> {
        vec![
            Box::new(Delivery),
            Box::new(Protocol),
            Box::new(Wording { more: Vec::new() }),
            Box::new(Markers),
        ]
    };
    assert_eq!(vigil_of(all(), None).await, Vigil::Awake);
    assert_eq!(vigil_of(vec![Box::new(Dull(Finding::Refused))], None).await, Vigil::Asleep);
    assert_eq!(vigil_of(vec![Box::new(Dull(Finding::Leaked))], None).await, Vigil::Asleep);
    assert_eq!(vigil_of(vec![Box::new(Dull(Finding::Nothing))], None).await, Vigil::Unproven);
    assert_eq!(vigil_of(all(), Some("I’m sorry, but I can’t help with that.")).await, Vigil::Asleep);
    assert_eq!(vigil_of(all(), Some("OK")).await, Vigil::Unproven);
}

#[tokio::test]
async fn canaries_are_not_asked_when_nothing_may_be_sent() {
    let rig = Rig::new(0).await;
    let mut lane = rig.target.lane();
    let watch = Watch { target: &rig.target, lane: &mut lane, clock: &*rig.clock, subject: Arc::default() };
    let bench = Bench::of(&rig.suite);
    let allowed = Mutex::new(1);
    let may_send = || {
        let mut left = allowed.lock().unwrap();
        let may = *left > 0;
        *left -= i32::from(may);
        may
    };
    assert_eq!(watch.keep(&rig.suite, &bench, may_send).await, Vigil::Unproven);
    assert_eq!(rig.server.heard().len(), 1);
}
