use super::*;
use crate::clock::{SimulatedClock, SystemClock};
use crate::target::scripted::{Move, ScriptedServer, reply};
use serde_json::{Value, json};

fn sender() -> Sender {
    Sender { daemon: "c.toml".to_owned(), started: "2026-03-29T00:00:00Z".parse().unwrap() }
}

fn ok() -> Move {
    Move::Say(reply(204, "", ""))
}

fn courier_to(server: &ScriptedServer, clock: &Arc<dyn Clock>) -> Courier {
    let url = format!("http://{}/hook", server.address);
    Courier::to(&url, &Reach::default(), clock).unwrap().hurried()
}

fn system_clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::start())
}

fn bodies(server: &ScriptedServer) -> Vec<Value> {
    server.heard().iter().map(|heard| serde_json::from_slice(&heard.body).unwrap()).collect()
}

fn beat(cycle: u64, overdue: Option<&str>) -> Beat {
    Beat {
        at: "2026-03-29T01:00:00Z".parse().unwrap(),
        cycles: cycle,
        last_cycle: Some(cycle),
        last_cycle_ended: Some("2026-03-29T00:59:00Z".parse().unwrap()),
        last_cycle_age_seconds: Some(60),
        overdue: overdue.map(str::to_owned),
    }
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn notices_are_told_in_their_order_once_each_also_when_a_try_fails() {
    let server = ScriptedServer::by(|number, _| if number == 1 { Move::Close } else { ok() }).await;
    let clock = system_clock();
    let (herald, errands) = Herald::by(Some(courier_to(&server, &clock)), None, &sender(), &clock);
    let cooldown = || Notice::Cooldown { failures: 5, because: "refused".to_owned() };
    let missed = Notice::TargetMissed { date: "2026-03-28".parse().unwrap(), made: 2_000, least: 3_000 };
    let notices = [
        cooldown(),
        cooldown(),
        Notice::Recovered,
        missed,
        Notice::Breach { cycle: 7, breaches: 2 },
        Notice::Breach { cycle: 8, breaches: 1 },
        Notice::EmergencyStop(Some("they complain (by ada)".to_owned())),
        Notice::EmergencyStop(None),
    ];
    notices.into_iter().for_each(|notice| herald.tell(notice));
    drop(herald);
    errands.finish(LONG).await;
    let told: Vec<_> = bodies(&server)
        .into_iter()
        .map(|body| {
            [&body["id"], &body["event"], &body["state"]].map(|field| field.as_str().unwrap().to_owned())
        })
        .collect();
    let started = sender().started.as_millisecond();
    let expected = [
        (1, "cooldown", "firing"),
        (2, "cooldown", "resolved"),
        (2, "cooldown", "resolved"),
        (3, "target_missed", "firing"),
        (4, "breach", "firing"),
        (5, "emergency_stop", "firing"),
        (6, "emergency_stop", "resolved"),
        (7, "breach", "firing"),
    ];
    let expected = expected
        .map(|(number, event, state)| [format!("{started}-{number}"), event.to_owned(), state.to_owned()]);
    assert_eq!(told, expected);
    let breach = bodies(&server).swap_remove(4);
    assert_eq!(breach["details"], json!({ "cycle": 7, "breaches": 2 }));
    assert_eq!(breach["text"], "c.toml: 2 guardrail tests were let through, the last in cycle 7");
    assert_eq!((&breach["daemon"], &breach["severity"]), (&json!("c.toml"), &json!("critical")));
}

#[tokio::test]
async fn a_receiver_that_says_nothing_holds_nobody_up() {
    let server = ScriptedServer::start(Vec::new()).await;
    let clock: Arc<dyn Clock> = Arc::new(SimulatedClock::at(sender().started));
    let (herald, errands) = Herald::by(Some(courier_to(&server, &clock)), None, &sender(), &clock);
    let stop = |number: usize| Notice::EmergencyStop(Some(number.to_string()));
    herald.tell(stop(0));
    server.until(|counts| counts.heard == 1).await;
    // More than wait at once: not told, and not waited for.
    (1..WAITING_MAX + 9).for_each(|number| herald.tell(stop(number)));
    assert_eq!(herald.notices.as_ref().unwrap().capacity(), 0);
    drop(herald);
    // No patience at all.
    errands.finish(Duration::ZERO).await;
    assert_eq!(server.heard().len(), 1);
}

#[tokio::test]
async fn a_ping_carries_the_last_cycle_and_does_not_come_without_progress() {
    let server = ScriptedServer::by(|_, _| ok()).await;
    let clock = system_clock();
    let (herald, errands) = Herald::by(None, Some(courier_to(&server, &clock)), &sender(), &clock);
    herald.ping(&beat(7, None));
    server.until(|counts| counts.heard == 1).await;
    herald.ping(&beat(7, Some("cycle 8 has gone on for 1h")));
    drop(herald);
    errands.finish(LONG).await;
    let expected = json!({
        "daemon": "c.toml",
        "started": "2026-03-29T00:00:00Z",
        "at": "2026-03-29T01:00:00Z",
        "cycles": 7,
        "last_cycle": 7,
        "last_cycle_ended": "2026-03-29T00:59:00Z",
        "last_cycle_age_seconds": 60,
        "overdue": null,
    });
    assert_eq!(bodies(&server), [expected]);
}

#[tokio::test]
async fn where_nobody_is_named_nobody_is_told() {
    let (herald, errands) = Herald::of(&Config::default(), &sender(), &system_clock()).unwrap();
    herald.tell(Notice::Recovered);
    herald.ping(&beat(1, None));
    drop(herald);
    errands.finish(LONG).await;
}

#[tokio::test]
async fn urls_come_from_the_configuration_or_a_file_that_it_names() {
    let server = ScriptedServer::by(|_, _| ok()).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let url = |path: &str| format!("http://{}/{path}", server.address);
    std::fs::write(file.path(), url("sesame\n")).unwrap();
    let text =
        format!("[notify]\nwebhook_url = 'file:{}'\nping_url = '{}'", file.path().display(), url("ping"));
    let config = days::config::parse("c.toml", &text).unwrap().config;
    let (herald, errands) = Herald::of(&config, &sender(), &system_clock()).unwrap();
    herald.tell(Notice::EmergencyStop(Some("w".to_owned())));
    herald.ping(&beat(1, None));
    server.until(|counts| counts.heard == 2).await;
    drop(herald);
    errands.finish(LONG).await;
    let mut paths: Vec<_> =
        server.heard().iter().map(|heard| heard.head.split(' ').nth(1).unwrap().to_owned()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/ping", "/sesame"]);
    file.close().unwrap();
    assert!(Herald::of(&config, &sender(), &system_clock()).is_err());
}
