//! What an SRE is told of the largest worlds fits a frame, and so does what it may answer.

use bus::frame::{FRAME_BYTES_MAX, decode, encode};
use bus::wire::{ANSWER_BYTES_MAX, FromAgent, ToSre};
use std::borrow::Cow;
use std::sync::Arc;
use worlds::definition::generate::{Request, generate};
use worlds::definition::limits::{ACTIONS_PER_ROUND_MAX, SERVERS_MAX, SERVICES_MAX};
use worlds::definition::{Role, SreKind, parse};
use worlds::id::{ActionId, KindId, ServerId, SreId};
use worlds::message::{
    ActionRequest, AlertId, AlertView, Decision, Diagnosis, Lapse, Metric, Metrics, NOTE_CHARS_MAX,
    Observation, Report, RequestId, ServerView, ServiceReport, Severity, SreBrief, UNKNOWN_NAME_CHARS_MAX,
    UNKNOWN_NAMES_MAX,
};
use worlds::plan::{Level, RunPlan, SrePlan};
use worlds::round::Round;
use worlds::topology::World;

/// The brief and an observation of a generated world with these alerts on each server.
fn told(servers: usize, alerts: &[Metric]) -> (SreBrief, Observation) {
    let text = generate(Request { servers, zones: 3, seed: 1 }).expect("a world");
    let definition = parse("large", &text).expect("it is valid").definition;
    let sre = SrePlan::of("oncall", SreKind::None);
    let plan = RunPlan {
        seed: 1,
        level: Level::Off,
        rounds: 15,
        sres: vec![sre],
        scripted: Vec::new(),
        drill: Default::default(),
    };
    let round = Round::new(Arc::new(World::new("large", definition)), plan);
    let brief = round.sre_brief(SreId(0));
    let mut seen = round.observation().clone();
    // Figures that take as many bytes as figures can.
    let view = ServerView {
        metrics: Some(Metrics {
            cpu_usage: 99.999,
            memory_usage: 99.999,
            error_rate: 99.999,
            latency_p99: 2999.999,
            disk_usage: 99.999,
            requests: u32::MAX,
            services_down: 2,
        }),
        age_rounds: 100_000,
        stale: true,
        role: Some(Role::Replica),
        in_rotation: true,
        settling_rounds: 1,
    };
    seen.servers = vec![view; servers];
    let every = (0..servers).flat_map(|server| alerts.iter().map(move |metric| (server, *metric)));
    seen.alerts = every
        .enumerate()
        .map(|(index, (server, metric))| AlertView {
            id: AlertId(index as u32 + 1_000_000),
            server: ServerId::from(server),
            metric,
            severity: Severity::Critical,
            value: 99.999,
            opened_round: 100_000,
            since_round: 100_000,
            acknowledged: true,
        })
        .collect();
    (brief, seen)
}

fn frame_bytes(message: &impl serde::Serialize) -> usize {
    let mut frame = Vec::new();
    encode(message, &mut frame).expect("it fits a frame");
    frame.len()
}

/// As many servers as a world may have, and whatever can be wrong is wrong with each of them.
#[test]
fn the_largest_world_fits_with_every_alert_on_each_server() {
    let (brief, seen) = told(SERVERS_MAX, &Metric::ALL);
    assert_eq!(seen.alerts.len(), SERVERS_MAX * Metric::ALL.len());
    let bytes = [frame_bytes(&brief), frame_bytes(&seen)];
    println!("brief and observation: {bytes:?} bytes of {FRAME_BYTES_MAX}");
    // Cooldowns come on top.
    assert!(bytes.iter().all(|bytes| *bytes < FRAME_BYTES_MAX * 3 / 4), "{bytes:?}");
    let mut frame = Vec::new();
    encode(&ToSre::Observe(Cow::Borrowed(&seen)), &mut frame).expect("it fits");
    let ToSre::Observe(read) = decode(&frame[4..]).expect("what was encoded") else { panic!("another") };
    assert!(*read == seen, "it is read as it was written");
}

/// Everything acknowledged, everything explained, as many actions as any world allows.
#[test]
fn the_largest_answers_fit_what_an_agent_may_send() {
    let far = |index: usize| ServerId::from(index.max(300));
    let mut decision = Decision {
        round: u32::MAX,
        acknowledged: (0..SERVERS_MAX * Metric::ALL.len()).map(|n| AlertId(n as u32 + 1_000_000)).collect(),
        diagnoses: (0..SERVERS_MAX)
            .map(|n| Diagnosis { alerting: far(n), entity: far(n), cause: Some(KindId(300)) })
            .collect(),
        actions: (0..ACTIONS_PER_ROUND_MAX)
            .map(|_| ActionRequest {
                request: RequestId(u32::MAX),
                action: ActionId(300),
                target: far(0),
                late: true,
            })
            .collect(),
        lapse: Some(Lapse::Late),
        ..Decision::default()
    };
    decision.say(&"\u{1f6a8}".repeat(NOTE_CHARS_MAX));
    for number in 0..UNKNOWN_NAMES_MAX {
        let name = "\u{1f6a8}".repeat(UNKNOWN_NAME_CHARS_MAX - 2);
        decision.unknown.keep(&format!("{number:02}{name}")).expect("there is room");
    }
    let service = ServiceReport { up: true, read_success: 0.1, ..ServiceReport::default() };
    let report =
        Report { services: std::iter::repeat_n(service, SERVICES_MAX).collect(), ..Report::default() };
    let bytes = [frame_bytes(&FromAgent::decision(&decision)), frame_bytes(&FromAgent::report(&report))];
    println!("decision and report: {bytes:?} bytes of {ANSWER_BYTES_MAX}");
    assert!(bytes.iter().all(|bytes| *bytes < ANSWER_BYTES_MAX), "{bytes:?}");
}
