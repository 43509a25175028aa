//! `world daemon`, through the real binary, against a target on loopback that remembers what it was sent.

mod support;

use rustix::process::{Pid, Signal};
use serde_json::Value;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use support::daemon::{QUICK, Site, assert_balanced, loads, number};
use support::http_target::{HttpTarget, Manner};
use support::running::{is_gone, wait_until};
use support::{Ended, World};

#[test]
fn documents_keep_to_their_schemas() {
    let site = Site::with(QUICK, &loads(3, 3, 0.0));
    let of = |document: &str| support::world(&format!("schema {document}")).ends_with(0).json();
    let keeps = |schema: &Value, document: &Value| {
        let problems = support::schema::problems(schema, document);
        assert!(problems.is_empty(), "{problems:#?} in {document:#}");
    };
    let (status, summary) = (of("daemon-status"), of("daemon-summary"));
    keeps(&status, &site.status());
    site.world("once").ends_with(0);
    site.target.behave(Manner::Status(500));
    site.world("once").ends_with(1);
    keeps(&status, &site.status());
    keeps(&summary, &site.summary());
    let daemon = site.run("");
    site.wait_for_line("Cycle 3");
    keeps(&status, &site.status());
    daemon.signal(Signal::TERM);
    daemon.end();
    keeps(&status, &site.status());
    for written in fs::read_dir(site.base().join("daily_summaries")).expect("it is there") {
        let text = fs::read_to_string(written.expect("a file").path()).expect("it is text");
        keeps(&summary, &serde_json::from_str(&text).expect("JSON"));
    }
}

#[test]
fn a_single_cycle_sends_what_it_planned_and_every_request_is_a_row() {
    let site = Site::with(QUICK, &loads(30, 5, 0.0));
    let ended = site.world("once").ends_with(0);
    assert!(ended.out.contains("operations  30 of 30 succeeded"), "{}", ended.out);
    assert_eq!((site.target.count(), site.operations().len()), (30, 30));
    let summary = site.summary();
    assert_balanced(&summary);
    assert_eq!(number(&summary, "/total_operations"), 30);
    assert_eq!(number(&summary, "/cycles_by_hand"), 1);
    assert_eq!(number(&summary, "/target_max"), 100_000_000);
    let mut asked: Vec<_> = site.target.heard().into_iter().map(|heard| heard.line).collect();
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), 30, "each send is one request");
}

#[test]
fn a_cycle_in_which_nothing_succeeds_has_failed() {
    let site = Site::with(QUICK, &loads(5, 5, 0.0));
    for manner in [Manner::Status(500), Manner::HangUp] {
        site.target.behave(manner);
        let ended = site.world("once").ends_with(1);
        assert!(ended.out.contains("0 of 5 succeeded, 5 failed"), "{}", ended.out);
    }
    let failed = site.operations().iter().filter(|line| line.contains(",False,")).count();
    assert_eq!(failed, 10, "grep ',False,' finds each failure");
    let ended = site.world("status").ends_with(3);
    assert!(ended.out.contains("Failed        cycle 2"), "{}", ended.out);
}

#[test]
fn requests_that_are_turned_away_are_tried_again_and_are_one_row() {
    let site = Site::with(QUICK, &loads(4, 4, 0.0));
    site.target.behave(Manner::RateLimited { retry_after: 0 });
    site.world("once").ends_with(1);
    assert_eq!((site.target.count(), site.operations().len()), (12, 4));
    assert_eq!(number(&site.summary(), "/failures/operations/rate_limited"), 4);
}

#[test]
fn a_daemon_in_the_background_is_started_found_and_stopped() {
    let site = Site::with(QUICK, &loads(5, 5, 0.0));
    site.world("status").ends_with(3);
    site.world("stop").ends_with(3);
    let started = site.world("start").ends_with(0);
    let pid = started.out.split_once("PID ").and_then(|(_, rest)| rest.split(',').next()?.parse().ok());
    let pid = pid.and_then(Pid::from_raw).unwrap_or_else(|| panic!("no PID in {}", started.out));
    let again = site.world("start").ends_with(2);
    assert!(again.err.contains("a daemon is running in") && again.err.contains("PID"), "{}", again.err);
    site.world("once").ends_with(2);
    site.target.wait_for(10);
    let status = site.world("status").ends_with(0);
    assert!(status.out.contains("State         running, PID"), "{}", status.out);
    site.world("stop").ends_with(0);
    assert!(is_gone(pid), "no process is left");
    assert!(site.world("status").ends_with(3).out.contains("ended at"));
    assert_balanced(&site.summary());
    assert_eq!(site.operations().len() as u64, number(&site.summary(), "/total_operations"));
    assert!(!site.base().join("daemon.pid").exists());
}

#[test]
fn a_daemon_that_is_started_again_goes_on_with_its_numbers() {
    let site = Site::with(QUICK, &loads(5, 5, 0.0));
    site.world("once").ends_with(0);
    site.world("restart").ends_with(0);
    site.target.wait_for(10);
    site.world("restart").ends_with(0);
    wait_until("another cycle", || (number(&site.summary(), "/total_operations") >= 15).then_some(()));
    site.world("stop").ends_with(0);
    let summary = site.summary();
    assert_eq!(site.target.count() as u64, number(&summary, "/total_operations"));
    assert_balanced(&summary);
}

#[test]
fn a_stop_interrupts_what_does_not_end_within_the_grace_time() {
    let site = Site::with(QUICK, &loads(50, 4, 0.0));
    site.target.behave(Manner::Never);
    let daemon = site.run("");
    site.target.wait_for(4);
    let asked = Instant::now();
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.end(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(10), "the grace time: {:?}", asked.elapsed());
    let summary = site.summary();
    assert_balanced(&summary);
    assert_eq!(number(&summary, "/slots/interrupted"), 1);
    assert_eq!(number(&summary, "/sends/operations/skipped"), 46, "{summary:#}");
    let written = fs::read_dir(site.base().join("daily_summaries")).expect("it is there").count();
    assert_eq!(written, 1, "the summary is written");
}

#[test]
fn a_stop_interrupts_canaries_that_nobody_answers() {
    let settings = QUICK.replace(
        "operations_weight = 1, guardrails_weight = 0",
        "operations_weight = 0, guardrails_weight = 1",
    );
    let site = Site::with(&settings, &loads(50, 4, 0.0));
    site.target.behave(Manner::Never);
    let daemon = site.run("");
    site.target.wait_for(1);
    let asked = Instant::now();
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.end(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(10), "the grace time: {:?}", asked.elapsed());
    let summary = site.summary();
    assert_balanced(&summary);
    assert_eq!(number(&summary, "/sends/guardrails/skipped"), 50, "{summary:#}");
    assert_eq!(site.target.count(), 1, "one canary was asked, and nothing else");
}

#[test]
fn a_target_that_no_cycles_can_meet_is_told_once_a_day_with_what_is_possible() {
    for (target, told) in [
        ("min = 1, max = 3", "2 operations are aimed at"),
        ("min = 90_000_000, max = 99_000_000", "94500000 operations"),
    ] {
        let settings = QUICK.replace("min = 0, max = 100_000_000", target);
        let site = Site::with(&settings, &loads(3, 3, 0.0));
        let daemon = site.run("");
        site.wait_for_line("Cycle 3 ");
        daemon.signal(Signal::TERM);
        daemon.end();
        let said = site.said();
        let lines: Vec<_> = said.lines().filter(|line| line.contains("out of reach")).collect();
        assert!(lines.len() == 1 && lines[0].contains(told) && lines[0].contains("are possible"), "{said}");
    }
}

#[test]
fn what_keeps_a_cycle_from_sending_is_told_with_its_cure() {
    let site =
        Site::with(&format!("{QUICK}guardrails = {{ suites = ['./none.toml'] }}\n"), &loads(3, 3, 0.0));
    let ended = site.world("once").ends_with(1);
    assert!(ended.out.contains("prepare: ") && ended.out.contains("none.toml"), "{}", ended.out);
    assert!(ended.out.contains("Mend the suite, or name another one"), "{}", ended.out);
    assert_eq!(site.target.count(), 0);
    assert_balanced(&site.summary());
}

#[test]
fn a_stop_in_a_wait_ends_it_at_once() {
    for signal in [Signal::TERM, Signal::INT] {
        let site = Site::with(&QUICK.replace("execution_interval_seconds = 1\n", ""), &loads(3, 3, 0.0));
        let daemon = site.run("");
        site.wait_for_line("next: ");
        daemon.signal(signal);
        assert_eq!(daemon.end(), Some(0));
        assert_eq!(number(&site.summary(), "/total_operations"), 3);
        assert!(site.said().contains("ended: SIG"), "{}", site.said());
    }
}

#[test]
fn a_planned_end_is_a_good_end() {
    let site = Site::with(QUICK, &loads(3, 3, 0.0));
    assert_eq!(site.run("--for 2s").end(), Some(0));
    assert!(site.said().contains("the planned end has come"), "{}", site.said());
    assert_balanced(&site.summary());
    let over = site.world("run --until 2020-01-01").run();
    assert_eq!(over.code, Some(0), "{}", over.err);
}

#[test]
fn nothing_is_sent_after_the_emergency_stop_and_nothing_resumes_by_itself() {
    let site = Site::with(QUICK, &loads(100_000, 8, 0.0));
    let daemon = site.run("");
    site.target.wait_for(500);
    site.world("estop enable --why load").ends_with(0);
    let enabled = Instant::now();
    site.wait_for_line("the emergency stop is enabled: load");
    wait_until("the interrupted cycle", || {
        (site.status().pointer("/today/slots/interrupted").and_then(Value::as_u64) == Some(1)).then_some(())
    });
    let last = site.target.heard().iter().map(|heard| heard.at).max().expect("it was sent to");
    let after = last.saturating_duration_since(enabled);
    println!("the last send came {after:?} after the stop");
    assert!(after < Duration::from_secs(1), "the last send came {after:?} after the stop");
    let sent = site.target.count();
    // Through a new start, too, and through slots that it skips.
    drop(daemon);
    let daemon = site.run("");
    site.wait_for_line("emergency stop");
    wait_until("slots that are skipped", || {
        (site.status().pointer("/today/slots/skipped").and_then(Value::as_u64) >= Some(2)).then_some(())
    });
    assert_eq!(site.target.count(), sent);
    site.world("estop status").ends_with(0);
    let refused = Site { directory: tempfile::tempdir().expect("a directory"), target: HttpTarget::start() };
    refused.configure(QUICK, &loads(3, 3, 0.0));
    refused.world("estop enable --why none").ends_with(0);
    assert!(refused.world("once").ends_with(1).err.contains("the emergency stop is enabled: none"));
    assert_eq!(refused.target.count(), 0);
    site.world("estop disable --why agreed").ends_with(0);
    site.world("estop status").ends_with(3);
    site.target.wait_for(sent + 1);
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.end(), Some(0));
    assert_balanced(&site.summary());
}

#[test]
fn kills_lose_no_row_and_leave_no_account_open() {
    let kills = std::env::var("WORLD_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(8);
    let site = Site::with(QUICK, &loads(4_000, 4, 0.0));
    let mut acknowledged = 0;
    for kill in 0..kills {
        let before = site.target.count();
        let daemon = site.run("");
        // Somewhere in what it does: the target says how far it has come.
        site.target.wait_for(before + 37 * (kill % 29) + 1);
        let rows = site.operations().len();
        daemon.signal(Signal::KILL);
        assert_eq!(daemon.end(), None);
        assert!(rows >= acknowledged, "{rows} rows after {acknowledged}");
        acknowledged = rows;
    }
    let daemon = site.run("");
    wait_until("a whole cycle", || site.status().pointer("/today/slots/done").map(|_| ()));
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.end(), Some(0));
    let (summary, rows) = (site.summary(), site.operations());
    assert_balanced(&summary);
    assert_eq!(rows.len() as u64, number(&summary, "/total_operations"));
    assert!(rows.len() >= acknowledged, "{} rows after {acknowledged}", rows.len());
    assert!(rows.len() <= site.target.count(), "nothing is told that was not sent");
    assert!(rows.iter().all(|row| row.matches(',').count() >= 13), "no row is torn");
}

#[test]
fn a_good_configuration_is_loaded_anew_and_a_bad_one_is_not() {
    let site = Site::with(QUICK, &loads(2, 2, 0.0));
    let daemon = site.run("");
    site.target.wait_for(2);
    fs::write(site.config(), "execution_interval_minutes = 0\n").expect("it is written");
    daemon.signal(Signal::HUP);
    site.wait_for_line("the old one stays");
    site.target.wait_for(site.target.count() + 2);
    site.configure(QUICK, &loads(7, 7, 0.0));
    daemon.signal(Signal::HUP);
    site.wait_for_line("going on by the new configuration");
    site.wait_for_line("calls=7");
    site.configure(&format!("{QUICK}heartbeat_minutes = 7\n"), &loads(7, 7, 0.0));
    daemon.signal(Signal::HUP);
    site.wait_for_line("what has changed of `heartbeat_minutes` holds from the next start on");
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn failures_in_a_row_lead_to_a_cooldown_that_a_stop_interrupts() {
    let settings =
        format!("{QUICK}error_handling = {{ max_consecutive_failures = 2, failure_cooldown_minutes = 5 }}\n");
    let site = Site::with(&settings, &loads(2, 2, 0.0));
    site.target.behave(Manner::Status(500));
    let daemon = site.run("");
    site.wait_for_line("2 cycles in a row have failed: cooling down for 300 s");
    let sent = site.target.count();
    wait_until("a slot that is skipped", || site.status().pointer("/today/slots/skipped").map(|_| ()));
    assert_eq!(site.target.count(), sent);
    let status = site.world("status").ends_with(0);
    assert!(status.out.contains("cooldown"), "{}", status.out);
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn a_target_that_cannot_be_used_is_told_with_its_cure() {
    let site = Site::with(QUICK, &loads(2, 2, 0.0));
    let config = fs::read_to_string(site.config()).expect("it is there");
    let secret = "credential = 'env:A_VARIABLE_THAT_NOBODY_SETS'\n[target.http]";
    fs::write(site.config(), config.replace("[target.http]", secret)).expect("it is written");
    let ended = site.world("once").run();
    let said = format!("{}{}", ended.out, ended.err);
    assert!(said.contains("A_VARIABLE_THAT_NOBODY_SETS"), "{said}");
    assert_eq!(ended.code, Some(2), "{said}");
    assert_eq!(site.target.count(), 0);
}

#[test]
fn what_is_wrong_in_a_configuration_is_told_at_its_place() {
    let site = Site::with("", "");
    fs::write(site.config(), "execution_interval_minute = 5\n").expect("it is written");
    for command in ["run", "start", "once", "status", "explain", "rehearse --from 2026-01-01", "estop status"]
    {
        let ended = site.world(command).ends_with(2);
        let path = site.config().display().to_string();
        assert!(ended.err.contains(&format!("{path}:1:1: ")), "{command}: {}", ended.err);
        assert!(ended.err.contains("did you mean `execution_interval_minutes`?"), "{}", ended.err);
    }
    assert!(!site.base().exists(), "nothing was begun");
}

#[test]
fn a_figure_of_ones_own_is_part_of_the_summary() {
    let site = Site::with(QUICK, &loads(1, 1, 0.0));
    assert!(site.world("metric depth 2.5").ends_with(2).err.contains("nothing is known"));
    site.world("once").ends_with(0);
    site.world("metric depth 2.5").ends_with(0);
    site.world("metric depth -3").ends_with(0);
    site.world("metric depth nan").refused_with(&["it has to be finite"]);
    assert_eq!(site.summary().pointer("/metrics/depth").and_then(Value::as_f64), Some(-3.0));
}

#[test]
fn a_rehearsal_tells_days_that_miss_their_target() {
    let site = Site::with("", "");
    let rehearse = |settings: &str| -> Ended {
        fs::write(site.config(), settings).expect("it is written");
        site.world("rehearse --from 2026-03-28 --days 2").run()
    };
    let good = rehearse("time_zone = 'Europe/Berlin'\n");
    assert_eq!(good.code, Some(0), "{}", good.err);
    assert!(good.out.contains("2 of 2 days meet their target."), "{}", good.out);
    assert!(
        good.out.lines().any(|line| line.contains("2026-03-29 Sun") && line.contains("92")),
        "{}",
        good.out
    );
    let bad = rehearse("target_daily_requests = { min = 90_000, max = 99_000 }\n");
    assert_eq!(bad.code, Some(1), "{}", bad.err);
    assert!(bad.out.contains("missed") && bad.out.contains("0 of 2 days"), "{}", bad.out);
    assert!(!site.base().exists(), "a rehearsal leaves nothing");
}

#[test]
fn the_log_and_the_files_are_for_user_and_group() {
    use std::os::unix::fs::PermissionsExt as _;
    let site = Site::with(QUICK, &loads(2, 2, 0.0));
    site.world("start").ends_with(0);
    site.target.wait_for(2);
    site.world("stop").ends_with(0);
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&site.base()), 0o750);
    for entry in fs::read_dir(site.base()).expect("it is a directory") {
        let path = entry.expect("an entry").path();
        assert_eq!(mode(&path) & 0o027, 0, "{}", path.display());
    }
}

#[test]
fn the_log_tells_each_cycle_with_the_place_and_the_millisecond() {
    let site = Site::with(QUICK, &loads(3, 3, 0.0));
    site.world("start").ends_with(0);
    site.target.wait_for(6);
    site.world("stop").ends_with(0);
    let log = site.world("logs -n 1000").ends_with(0).out;
    let line = log.lines().find(|line| line.contains("Cycle 2 ")).unwrap_or_else(|| panic!("{log}"));
    let (time, rest) = line.split_once(' ').expect("a time");
    assert!(time.len() == 29 && time.ends_with("+00:00"), "{line}");
    assert!(rest.starts_with("INFO  daemon::crew::foreman:"), "{line}");
    assert!(log.lines().last().is_some_and(|line| line.contains("ended: SIGTERM")), "{log}");
    assert_eq!(site.world("logs -n 2").ends_with(0).out.lines().count(), 2);
    let said = fs::read_to_string(site.base().join("daemon_stderr.log")).expect("it is there");
    assert_eq!(said, "", "what is in the log is not said twice");
}

/// What a server on loopback answers to a GET.
fn got(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it is heard");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

#[test]
fn figures_and_health_are_served_to_this_machine() {
    let settings = format!("{QUICK}metrics = {{ listen = '127.0.0.1:0' }}\n");
    let site = Site::with(&settings, &loads(3, 3, 0.0));
    let daemon = site.run("");
    site.wait_for_line("cycle 2 done");
    let said = site.said();
    let address =
        said.split("figures at http://").nth(1).and_then(|rest| rest.split('/').next()).expect("it is told");
    let figures = wait_until("two cycles", || {
        let figures = got(address, "/metrics");
        figures.contains("world_daemon_cycles_total 2").then_some(figures)
    });
    assert!(figures.starts_with("HTTP/1.1 200"), "{figures}");
    assert!(got(address, "/healthz").starts_with("HTTP/1.1 200"));
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.end(), Some(0));
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[test]
fn a_webhook_is_told_of_a_cooldown_once() {
    let outside = HttpTarget::start();
    let settings = format!(
        "{QUICK}error_handling = {{ max_consecutive_failures = 2, failure_cooldown_minutes = 0 }}\n\
         notify = {{ webhook_url = '{}' }}\n",
        outside.url()
    );
    let site = Site::with(&settings, &loads(2, 2, 0.0));
    site.target.behave(Manner::Status(500));
    let daemon = site.run("");
    outside.wait_for(1);
    let first = outside.heard()[0].clone();
    assert!(first.line.starts_with("POST "), "{first:?}");
    let told: Value = serde_json::from_str(&first.body).expect("it is JSON");
    assert_eq!(
        (told["event"].as_str(), told["state"].as_str()),
        (Some("cooldown"), Some("firing")),
        "{told:#}"
    );
    site.wait_for_line("cycle 6 failed");
    assert_eq!(outside.count(), 1, "what goes on is not told again");
    site.target.behave(Manner::Well);
    outside.wait_for(2);
    assert!(outside.heard()[1].body.contains("resolved"), "{:?}", outside.heard());
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn units_name_this_program_and_these_files() {
    let site = Site::with(QUICK, "");
    for (keeper, parts) in [
        ("systemd", ["Type=notify", "Restart=on-failure"]),
        ("supervisord", ["autorestart=unexpected", "stopsignal=TERM"]),
        ("logrotate", ["simulation_daemon.log", "rotate"]),
    ] {
        let text = site.world(&format!("units {keeper}")).and(&["--user", "ada"]).ends_with(0).out;
        for part in parts.into_iter().chain([site.base().to_str().expect("it is text")]) {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }
}

#[test]
fn what_is_collected_holds_no_secret_and_no_answer() {
    let site = Site::with(QUICK, &loads(3, 3, 0.0));
    let config = fs::read_to_string(site.config()).expect("it is there");
    let secret = "credential = 'env:WORLD_TEST_CREDENTIAL'\n[target.http]";
    fs::write(site.config(), config.replace("[target.http]", secret)).expect("it is written");
    let mut once = site.command("once");
    once.env("WORLD_TEST_CREDENTIAL", "a-very-secret-word");
    World::of(once).ends_with(0);
    let sent = site.target.heard();
    assert!(sent[0].headers.iter().any(|(_, value)| value.contains("a-very-secret-word")), "{sent:?}");
    let archive = site.directory.path().join("bundle.tar");
    let collect = || site.world("collect").and(&["--archive", &archive.display().to_string()]);
    collect().ends_with(0);
    let bytes = fs::read(&archive).expect("it is there");
    let text = String::from_utf8_lossy(&bytes);
    for part in ["world-daemon/status.json", "world-daemon/log.txt", "summaries/summary_", "cycle 1 done"] {
        assert!(text.contains(part), "{part}");
    }
    assert!(!text.contains("a-very-secret-word"), "a secret came along");
    let answers = site.operations();
    assert!(answers[0].contains("well") && !text.contains(",well,"), "an answer came along");
    collect().refused_with(&["is there already"]);
    for file in ["simulation_daemon.log", "daemon_status.json", "ledger.sqlite"] {
        let bytes = fs::read(site.base().join(file)).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&bytes).contains("a-very-secret-word"), "{file} holds a secret");
    }
}

#[test]
fn what_comes_with_the_program_can_be_started_from() {
    let site = Site::with("", "");
    for (command, ending) in [("config", "json"), ("config --toml", "toml"), ("config test", "json")] {
        let mut world = Command::new(env!("CARGO_BIN_EXE_world"));
        world.arg("daemon").args(command.split_whitespace());
        let text = World::of(world).ends_with(0).out;
        let path = site.directory.path().join(format!("own.{ending}"));
        fs::write(&path, text).expect("it is written");
        let mut world = Command::new(env!("CARGO_BIN_EXE_world"));
        world.args(["daemon", "explain", "--config"]).arg(&path);
        let explained = World::of(world).ends_with(0).out;
        assert!(explained.contains("The week of"), "{explained}");
    }
}
