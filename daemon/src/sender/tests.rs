//! What is promised of batches, by simulated time where times are promised.

use super::*;
use crate::clock::{SimulatedClock, SystemClock};
use crate::send::{Subject, TRIES_MAX};
use crate::target::scripted::{Move, ScriptedServer, reply};
use crate::target::{Complaint, HttpSettings, HttpTarget, RateCap};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What a target does with a try, by the send's number, the try (from 1) and its instant.
type Behaviour = Box<dyn Fn(u32, u8, Duration) -> (Duration, Answer) + Send + Sync>;

/// A target that answers by a simulated clock.
struct Fake {
    clock: SimulatedClock,
    behaviour: Behaviour,
    cap: Option<Arc<RateCap>>,
    /// Every try: its send, its instant.
    log: Mutex<Vec<(u32, Duration)>>,
}

struct FakeLane(Arc<Fake>);

impl Target for Arc<Fake> {
    type Lane = FakeLane;

    fn lane(&self) -> FakeLane {
        FakeLane(self.clone())
    }

    async fn validate(&self) -> Result<(), Complaint> {
        Ok(())
    }

    fn cap(&self) -> Option<&RateCap> {
        self.cap.as_deref()
    }
}

impl Lane for FakeLane {
    async fn ask(&mut self, ask: &Ask, deadline: Duration) -> Answer {
        let now = self.0.clock.steady();
        let tries = {
            let mut log = self.0.log.lock().unwrap();
            log.push((ask.number, now));
            log.iter().filter(|(number, _)| *number == ask.number).count()
        };
        let (takes, answer) = (self.0.behaviour)(ask.number, tries as u8, now);
        if now + takes > deadline {
            self.0.clock.until_steady(deadline).await;
            return failed(FailureKind::Timeout, String::new());
        }
        self.0.clock.until_steady(now + takes).await;
        answer
    }
}

/// One batch, what it is sent to, and what it met with.
struct Trial {
    clock: SimulatedClock,
    plan: Plan,
    behaviour: Behaviour,
    cap: Option<Arc<RateCap>>,
    /// The process is stopped from the first of these instants to the second.
    stopped: Option<(Duration, Duration)>,
    /// The recorder takes this long for each row.
    recording: Duration,
    brake: Brake,
    /// Which brake is pulled when.
    pulls: Option<(Pull, Duration)>,
}

struct Seen {
    outcome: Outcome,
    rows: Vec<Row>,
    log: Vec<(u32, Duration)>,
}

fn wall() -> Timestamp {
    "2026-03-29T00:30:00Z".parse().unwrap()
}

fn plan(count: u32, threads: u32, delay: Duration) -> Plan {
    Plan {
        slot: wall(),
        kind: Kind::Operations,
        batch: Batch { count, threads, delay },
        begins: Duration::ZERO,
        begins_wall: wall(),
        tolerance: TOLERANCE_DEFAULT,
        begin_by: seconds(900),
        end_by: seconds(930),
        tries_max: TRIES_MAX,
    }
}

fn ask(number: u32) -> Ask {
    let subject = Arc::new(Subject::default());
    Ask { kind: Kind::Operations, number, subject, case: None, query: "how is it going?".into() }
}

fn busy(retry_after: Option<Duration>) -> Answer {
    Answer { retry_after, ..failed(FailureKind::RateLimited, String::new()) }
}

impl Trial {
    fn of(plan: Plan, takes: impl Fn(Duration) -> Duration + Send + Sync + 'static) -> Self {
        Self::with(plan, move |_, _, now| (takes(now), Answer::default()))
    }

    fn with(
        plan: Plan,
        behaviour: impl Fn(u32, u8, Duration) -> (Duration, Answer) + Send + Sync + 'static,
    ) -> Self {
        Self {
            clock: SimulatedClock::at(wall()),
            plan,
            behaviour: Box::new(behaviour),
            cap: None,
            stopped: None,
            recording: Duration::ZERO,
            brake: Brake::default(),
            pulls: None,
        }
    }

    fn run(self) -> Seen {
        let (parked, mut stopped) = (self.clock.clone(), self.stopped);
        let parked = Mutex::new(move || match stopped.take_if(|(from, _)| parked.steady() >= *from) {
            Some((from, to)) => parked.advance(to - from),
            None => drop(parked.jump()),
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .on_thread_park(move || parked.lock().unwrap()())
            .build()
            .unwrap();
        let seen = runtime.block_on(self.play());
        assert_eq!(runtime.metrics().num_alive_tasks(), 0);
        seen
    }

    async fn play(self) -> Seen {
        let (rows, mut taken) = mpsc::channel(4);
        let count = self.plan.batch.count;
        let fake = Arc::new(Fake {
            clock: self.clock.clone(),
            behaviour: self.behaviour,
            cap: self.cap,
            log: Mutex::default(),
        });
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let sending = send(Arc::new(fake.clone()), ask, self.plan, clock.clone(), self.brake.clone(), rows);
        let recording = async {
            let mut rows = Vec::new();
            while let Some(row) = taken.recv().await {
                rows.push(row);
                if !self.recording.is_zero() {
                    clock.until_steady(clock.steady() + self.recording).await;
                }
            }
            rows
        };
        let pulling = async {
            if let Some((pull, at)) = self.pulls {
                clock.until_steady(at).await;
                self.brake.pull(pull);
            }
        };
        let (outcome, mut rows, ()) = tokio::join!(sending, recording, pulling);
        assert_eq!(self.brake.listening(), 0);
        assert!(outcome.account.is_balanced(), "{:?}", outcome.account);
        assert_eq!(outcome.account.planned, u64::from(count));
        rows.sort_by_key(|row| row.ask.number);
        assert!(rows.iter().map(|row| row.ask.number).eq(0..count), "one row for each planned send");
        assert_eq!(outcome.account, account_of(&rows));
        let log = std::mem::take(&mut *fake.log.lock().unwrap());
        Seen { outcome, rows, log }
    }
}

/// What rows come to, added up one by one.
fn account_of(rows: &[Row]) -> Account {
    let mut account = Account { planned: rows.len() as u64, ..Account::default() };
    for row in rows {
        match row.fate {
            Fate::Sent => account.sent += 1,
            Fate::Late => account.late += 1,
            Fate::Dropped => account.dropped += 1,
            Fate::Skipped => account.skipped += 1,
        }
        match &row.answer {
            Some(Answer { failure: None, .. }) => account.succeeded += 1,
            Some(_) => account.failed += 1,
            None => {}
        }
    }
    account
}

/// The lag and latency of each send, as a queue before some lanes gives them.
fn queued(plan: &Plan, takes: impl Fn(Duration) -> Duration) -> Vec<(Duration, Duration)> {
    let mut free: BinaryHeap<_> = (0..plan.batch.threads).map(|_| Reverse(Duration::ZERO)).collect();
    (0..plan.batch.count)
        .map(|number| {
            let planned = plan.batch.planned(number);
            let begun = free.pop().unwrap().0.max(planned);
            let ended = begun + takes(begun);
            free.push(Reverse(ended));
            (begun - planned, ended - planned)
        })
        .collect()
}

fn lags_and_latencies(rows: &[Row]) -> Vec<(Duration, Duration)> {
    rows.iter().map(|row| (row.lag, row.latency)).collect()
}

/// The percentiles of the histogram against those of the rows, computed exactly.
fn assert_percentiles_agree(seen: &Seen) {
    let mut exact: Vec<_> = seen.rows.iter().filter(|row| row.tries > 0).map(|row| row.latency).collect();
    exact.sort();
    assert_eq!(seen.outcome.latencies.len(), exact.len() as u64);
    for percent in [10.0, 50.0, 90.0, 95.0, 99.0, 99.9, 100.0] {
        let rank = (percent / 100.0 * exact.len() as f64).ceil() as usize;
        let (exact, told) = (exact[rank - 1], seen.outcome.latencies.quantile(percent / 100.0).unwrap());
        let error = told.as_secs_f64() / exact.as_secs_f64() - 1.0;
        assert!(error.abs() < 0.02, "p{percent}: {told:?}, exactly {exact:?}");
    }
}

#[test]
fn sends_are_made_at_their_instants() {
    let plan = plan(45, 7, ms(500));
    let batch = plan.batch;
    let seen = Trial::of(plan, |_| ms(20)).run();
    assert_eq!((seen.outcome.account.sent, seen.outcome.account.succeeded), (45, 45));
    assert!(seen.log.into_iter().eq((0..45).map(|number| (number, batch.planned(number)))));
    assert_eq!(seen.rows[44].planned, wall() + batch.planned(44));
}

#[test]
fn a_target_that_is_stopped_for_ten_seconds_is_seen_as_its_users_would_see_it() {
    let takes = |now: Duration| {
        if (seconds(5)..seconds(15)).contains(&now) { seconds(15) - now + ms(5) } else { ms(5) }
    };
    let plan = plan(6_000, 20, ms(100));
    let expected = queued(&plan, takes);
    let seen = Trial::of(plan, takes).run();
    assert_eq!(lags_and_latencies(&seen.rows), expected);
    assert_percentiles_agree(&seen);
    // A third of all fell into the ten seconds, and waited for 5 of them on average.
    assert!(seen.outcome.account.late > 1_900, "{:?}", seen.outcome.account);
    assert!(seen.outcome.latencies.quantile(0.9) > Some(seconds(6)));
}

#[test]
fn a_slow_target_makes_sends_late_and_at_last_drops_them() {
    let mut plan = plan(1_000, 4, ms(40));
    plan.begin_by = seconds(12);
    let takes = |_| ms(100);
    let expected = queued(&plan, takes);
    let seen = Trial::of(plan, takes).run();
    let made = seen.rows.iter().take_while(|row| row.tries > 0).count();
    assert_eq!(lags_and_latencies(&seen.rows[..made]), expected[..made]);
    assert_percentiles_agree(&seen);
    // Four lanes make 40 a second.
    assert_eq!((made, seen.outcome.account.dropped), (480, 520));
    assert!(seen.rows[made..].iter().all(|row| row.fate == Fate::Dropped && row.answer.is_none()));
}

#[test]
fn a_generator_that_is_stopped_for_three_seconds_owns_up_to_it() {
    let mut trial = Trial::of(plan(1_000, 10, ms(100)), |_| ms(5));
    trial.stopped = Some((seconds(2), seconds(5)));
    let seen = trial.run();
    assert_percentiles_agree(&seen);
    let late: Vec<_> = seen.rows.iter().filter(|row| row.fate == Fate::Late).map(|row| row.planned).collect();
    let (first, last) = (*late.first().unwrap(), *late.last().unwrap());
    // Of what is planned after it, some wait until the 300 before them are made, which takes 150 ms.
    assert!(first > wall() + ms(2_000) && last <= wall() + ms(5_150), "{first} {last}");
    assert!((295..=315).contains(&late.len()), "{}", late.len());
    let worst = seen.rows.iter().map(|row| row.lag).max().unwrap();
    assert!((ms(2_980)..=ms(3_100)).contains(&worst), "{worst:?}");
}

#[test]
fn a_batch_that_is_planned_for_one_instant_is_made_as_fast_as_its_lanes_can() {
    let seen = Trial::of(plan(1_000, 8, Duration::ZERO), |_| ms(2)).run();
    assert_eq!(seen.log.last().unwrap().1, ms(248));
    assert!(seen.log.iter().map(|(number, _)| *number).eq(0..1_000), "in order");
    assert_percentiles_agree(&seen);
}

#[test]
fn a_target_that_never_answers_fails_every_send_by_its_time() {
    let mut plan = plan(10, 5, seconds(1));
    (plan.begin_by, plan.end_by) = (seconds(40), seconds(45));
    let seen = Trial::of(plan, |_| seconds(10_000)).run();
    let ends: Vec<_> = seen.rows.iter().map(|row| row.lag + row.latency).collect();
    assert_eq!(seen.outcome.account.failed, 10);
    assert_eq!(seen.rows[0].latency, seconds(30), "the target's own time limit");
    assert_eq!(seen.rows[9].latency, seconds(45) - ms(1_800), "the end of the plan: {ends:?}");
}

#[test]
fn a_busy_target_is_left_alone_as_long_as_it_asks() {
    let answers =
        |_: u32, tries: u8, _| (ms(10), if tries < 3 { busy(Some(seconds(7))) } else { Answer::default() });
    let seen = Trial::with(plan(1, 1, Duration::ZERO), answers).run();
    assert_eq!(seen.log, [(0, ms(0)), (0, ms(7_010)), (0, ms(14_020))]);
    let row = &seen.rows[0];
    assert_eq!((row.tries, row.fate, row.latency), (3, Fate::Sent, ms(14_030)));
    assert_eq!((seen.outcome.tries, seen.outcome.account.succeeded), (3, 1));
}

#[test]
fn a_busy_target_is_tried_three_times_at_the_most_and_not_out_of_time() {
    let seen = Trial::with(plan(20, 20, Duration::ZERO), |_, _, _| (ms(10), busy(None))).run();
    assert_eq!((seen.log.len(), seen.outcome.tries, seen.outcome.account.failed), (60, 60, 20));
    let second: Vec<_> = seen.log[20..40].iter().map(|(_, at)| *at).collect();
    assert!(second.iter().all(|at| (ms(510)..=ms(1_010)).contains(at)), "{second:?}");
    assert!(second[19] - second[0] > ms(100), "they are spread");
    let mut short = plan(1, 1, Duration::ZERO);
    short.begin_by = seconds(7);
    let seen = Trial::with(short, |_, _, _| (ms(10), busy(Some(seconds(7))))).run();
    assert_eq!((seen.log.len(), seen.outcome.account.sent, seen.outcome.account.failed), (1, 1, 1));
    let mut once = plan(5, 1, Duration::ZERO);
    once.tries_max = 1;
    let seen = Trial::with(once, |_, _, _| (ms(10), busy(Some(seconds(7))))).run();
    assert_eq!(seen.log.len(), 5);
}

#[test]
fn other_failures_are_not_tried_again() {
    let fails = |_: u32, _: u8, _| (ms(10), failed(FailureKind::Status, String::new()));
    let seen = Trial::with(plan(5, 2, Duration::ZERO), fails).run();
    assert_eq!((seen.log.len(), seen.outcome.account.failed), (5, 5));
}

#[test]
fn a_stop_lets_what_is_under_way_end_and_a_cut_does_not() {
    for (pull, succeeded, latency) in [(Pull::Stop, 3, ms(400)), (Pull::Cut, 2, ms(150))] {
        let mut trial = Trial::of(plan(100, 1, ms(400)), |_| ms(400));
        trial.pulls = Some((pull, ms(950)));
        let seen = trial.run();
        let account = seen.outcome.account;
        assert_eq!((account.made(), account.succeeded, account.skipped), (3, succeeded, 97));
        assert_eq!((seen.log.len(), seen.rows[2].latency), (3, latency));
    }
}

#[test]
fn a_stop_ends_a_wait_to_try_again() {
    let mut trial = Trial::with(plan(1, 1, Duration::ZERO), |_, _, _| (ms(10), busy(Some(seconds(600)))));
    let clock = trial.clock.clone();
    trial.pulls = Some((Pull::Stop, seconds(1)));
    let seen = trial.run();
    assert_eq!((seen.log.len(), seen.rows[0].latency, clock.steady()), (1, ms(10), seconds(1)));
}

#[test]
fn sends_for_which_there_is_no_time_under_the_cap_take_none_of_the_next_cycles() {
    let mut trial = Trial::of(Plan { begin_by: seconds(9), ..plan(5_000, 20, Duration::ZERO) }, |_| ms(10));
    let cap = Arc::new(RateCap::per_second(10.0).unwrap());
    trial.cap = Some(cap.clone());
    let seen = trial.run();
    assert_eq!((seen.outcome.account.made(), seen.outcome.account.dropped), (90, 4_910));
    assert_eq!(cap.reserve(seconds(9)), seconds(9));
}

#[test]
fn a_cap_holds_whatever_is_planned() {
    let mut plan = plan(100, 10, Duration::ZERO);
    plan.begin_by = seconds(5);
    let mut trial = Trial::of(plan, |_| ms(1));
    trial.cap = Some(Arc::new(RateCap::per_second(10.0).unwrap()));
    let seen = trial.run();
    let instants: Vec<_> = seen.log.iter().map(|(_, at)| *at).collect();
    assert!(instants.windows(2).all(|pair| pair[1] - pair[0] >= ms(100)), "{instants:?}");
    assert_eq!((instants.len(), seen.outcome.account.dropped), (50, 50));
}

#[test]
fn who_records_too_slowly_makes_sends_late_and_is_told_so() {
    let mut trial = Trial::of(plan(50, 5, ms(50)), |_| ms(1));
    trial.recording = seconds(1);
    let seen = trial.run();
    assert!(seen.outcome.held_up > 30 && seen.outcome.account.late > 30, "{:?}", seen.outcome);
    let mut trial = Trial::of(plan(50, 5, ms(50)), |_| ms(1));
    trial.recording = ms(1);
    assert_eq!(trial.run().outcome.held_up, 0);
}

#[test]
fn a_lane_that_panics_costs_one_send() {
    let panics = |number: u32, _: u8, _| {
        assert!(number % 10 != 3, "three");
        (ms(1), Answer::default())
    };
    let seen = Trial::with(plan(100, 4, ms(4)), panics).run();
    assert_eq!((seen.outcome.account.succeeded, seen.outcome.account.failed), (90, 10));
    let failure = seen.rows[13].answer.as_ref().unwrap().failure.as_ref().unwrap();
    assert_eq!((failure.kind, failure.error.as_str()), (FailureKind::Broken, "asking panicked: three"));
}

/// A batch of real requests, at full speed.
struct Live {
    server: ScriptedServer,
    target: Arc<HttpTarget>,
    clock: Arc<dyn Clock>,
    plan: Plan,
    brake: Brake,
}

impl Live {
    async fn with(count: u32, threads: u32, script: impl Fn(usize) -> Move + Send + Sync + 'static) -> Self {
        let server = ScriptedServer::by(move |number, _| script(number)).await;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let settings = HttpSettings { url: format!("http://{}/", server.address), ..HttpSettings::default() };
        let target = Arc::new(HttpTarget::new(&settings, clock.clone()).unwrap());
        let plan = plan(count, threads, Duration::ZERO);
        Self { server, target, clock, plan, brake: Brake::default() }
    }

    fn send<A: Asks>(&self, asks: A, rows: mpsc::Sender<Row>) -> impl Future<Output = Outcome> + use<A> {
        send(self.target.clone(), asks, self.plan.clone(), self.clock.clone(), self.brake.clone(), rows)
    }

    /// Waits until nothing of it is there any more.
    async fn until_gone(&self) {
        self.server.until(|counts| counts.open == 0).await;
        assert_eq!(self.brake.listening(), 0);
    }
}

async fn all(mut taken: mpsc::Receiver<Row>) -> Vec<Row> {
    let mut rows = Vec::new();
    while let Some(row) = taken.recv().await {
        rows.push(row);
    }
    rows
}

fn yes(_: usize) -> Move {
    Move::Say(reply(200, "", "yes"))
}

#[tokio::test]
async fn lanes_bound_what_is_under_way() {
    let live = Live::with(200, 7, yes).await;
    let (rows, taken) = mpsc::channel(16);
    let (outcome, rows) = tokio::join!(live.send(ask, rows), all(taken));
    assert_eq!((outcome.account.succeeded, outcome.account), (200, account_of(&rows)));
    live.server.until(|counts| counts.accepted <= 7).await;
    live.until_gone().await;
}

#[tokio::test]
async fn an_emergency_stop_under_full_load_stops_at_once() {
    const LANES: u32 = 16;
    let live = Live::with(100_000, LANES, yes).await;
    let (rows, taken) = mpsc::channel(16);
    let heard = async {
        live.server.until(|counts| counts.heard >= 500).await;
        live.brake.pull(Pull::Cut);
        live.server.heard().len()
    };
    let (outcome, rows, heard) = tokio::join!(live.send(ask, rows), all(taken), heard);
    live.until_gone().await;
    // Those that were under way were sent already, and are read by the server now.
    assert!(live.server.heard().len() <= heard + LANES as usize);
    assert!(live.server.heard().len() as u64 <= outcome.tries);
    assert!(outcome.account.is_balanced() && outcome.account == account_of(&rows));
    assert!(outcome.account.skipped > 99_000, "{:?}", outcome.account);
}

#[tokio::test]
async fn whatever_a_server_does_every_send_ends_once() {
    let live = Live::with(600, 8, |number| match number % 6 {
        0 => Move::Reset,
        1 => Move::Close,
        2 => Move::SayAndClose(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec()),
        3 => Move::SayAndClose(b"\x16\x03\x01 nonsense\r\n\r\n".to_vec()),
        4 => Move::Say(reply(503, "Retry-After: 0\r\n", "busy")),
        _ => Move::Say(reply(200, "", "yes")),
    })
    .await;
    let (rows, taken) = mpsc::channel(16);
    let (outcome, rows) = tokio::join!(live.send(ask, rows), all(taken));
    assert!(outcome.account.is_balanced() && outcome.account.made() == 600, "{:?}", outcome.account);
    assert_eq!(outcome.account, account_of(&rows));
    assert_eq!(outcome.tries, live.server.heard().len() as u64);
    assert!(rows.iter().all(|row| (1..=3).contains(&row.tries)));
    live.until_gone().await;
}

#[tokio::test]
async fn a_busy_server_hears_three_tries_of_one_send() {
    let live = Live::with(1, 1, |_| Move::Say(reply(429, "Retry-After: 0\r\n", "busy"))).await;
    let (rows, taken) = mpsc::channel(16);
    let (outcome, rows) = tokio::join!(live.send(ask, rows), all(taken));
    assert_eq!((live.server.heard().len(), rows.len(), rows[0].tries), (3, 1, 3));
    assert_eq!(outcome.account.failed, 1);
}

#[tokio::test]
async fn who_is_cancelled_still_leaves_a_row_for_each_send() {
    let live = Live::with(1_000, 4, |number| if number < 100 { yes(number) } else { Move::Hold }).await;
    let (rows, taken) = mpsc::channel(16);
    let sending = tokio::spawn(live.send(ask, rows));
    let recording = tokio::spawn(all(taken));
    live.server.until(|counts| counts.heard == 104).await;
    sending.abort();
    let account = account_of(&recording.await.unwrap());
    assert!(account.is_balanced(), "{account:?}");
    assert_eq!((account.succeeded, account.failed, account.skipped), (100, 4, 896));
    live.until_gone().await;
}

#[tokio::test]
async fn nothing_more_is_sent_when_nobody_records() {
    let live = Live::with(10_000, 4, yes).await;
    let (rows, mut taken) = mpsc::channel(16);
    let sending = tokio::spawn(live.send(ask, rows));
    taken.recv().await.unwrap();
    drop(taken);
    let outcome = sending.await.unwrap();
    assert!(outcome.account.is_balanced() && outcome.account.dropped > 9_000, "{:?}", outcome.account);
    assert!(outcome.untold >= outcome.account.dropped);
    live.until_gone().await;
}

#[tokio::test]
async fn a_question_that_cannot_be_made_up_is_dropped() {
    let live = Live::with(10, 2, yes).await;
    let (rows, taken) = mpsc::channel(16);
    let asks = |number| if number == 4 { panic!("nothing to ask") } else { ask(number) };
    let (outcome, rows) = tokio::join!(live.send(asks, rows), all(taken));
    assert_eq!((outcome.account.succeeded, outcome.account.dropped, rows.len()), (9, 1, 10));
}
