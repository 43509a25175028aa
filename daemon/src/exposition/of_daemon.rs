//! The daemon's own figures.
//!
//! Those of today begin anew each midnight of the configured zone, and are what the ledger held when the last
//! cycle ended; so they are gauges, and carry `today` in their names.

use super::figures::{Family, Health, Kind as Of, Sample, Snapshot};
use crate::crew::foreman::Progress;
use crate::heartbeat::Beat;
use crate::ledger::DayTotals;
use days::order::Kind;
use jiff::Timestamp;

/// Of latencies, the shares that are shown.
const QUANTILES: [(&str, f64); 4] = [("0.5", 0.5), ("0.95", 0.95), ("0.99", 0.99), ("1", 1.0)];

impl Snapshot {
    /// Of what the foreman shows, with the beat of the same instant. The daemon is unwell while progress is
    /// overdue, and while something needs somebody to look at it.
    pub fn of(progress: &Progress, beat: &Beat) -> Self {
        let board = &progress.board;
        let mut families = vec![
            gauge(
                "world_daemon_start_time_seconds",
                "When the daemon began, in Unix time",
                unix(board.started),
            ),
            Family::single(
                "world_daemon_cycles_total",
                "Cycles that have ended since the daemon began",
                Of::Counter,
                board.cycles as f64,
            ),
            gauge(
                "world_daemon_failures_in_a_row",
                "Cycles that have failed since the last that succeeded",
                f64::from(board.failures_in_a_row),
            ),
            gauge(
                "world_daemon_is_overdue",
                "1 while something should have come about long ago, 0 else",
                f64::from(u8::from(beat.overdue.is_some())),
            ),
        ];
        if let Some(last) = &board.last_cycle {
            let help = "When the last cycle ended, in Unix time";
            families.push(gauge("world_daemon_last_cycle_end_time_seconds", help, unix(last.ended)));
            let help = "The number of the last cycle that has ended";
            families.push(gauge("world_daemon_last_cycle_number", help, last.number as f64));
        }
        families.extend(progress.today.iter().flat_map(of_today));
        let unwell = beat.overdue.iter().chain(&board.complaints).cloned().collect::<Vec<_>>();
        let health = if unwell.is_empty() { Health::Well } else { Health::Unwell(unwell.join("; ")) };
        Self { families, health }
    }
}

fn of_today(today: &DayTotals) -> Vec<Family> {
    let targets = [("min", today.target.min), ("max", today.target.max)];
    let target = targets.map(|(bound, requests)| sample([("bound", bound)], requests as f64));
    let (mut requests, mut answers, mut latencies, mut failures) = (vec![], vec![], vec![], vec![]);
    for kind in Kind::ALL {
        let (word, account) = (kind.word(), today.accounts.get(kind));
        for (fate, sends) in [
            ("sent", account.sent),
            ("late", account.late),
            ("dropped", account.dropped),
            ("skipped", account.skipped),
        ] {
            requests.push(sample([("kind", word), ("fate", fate)], sends as f64));
        }
        for (outcome, sends) in [("succeeded", account.succeeded), ("failed", account.failed)] {
            answers.push(sample([("kind", word), ("outcome", outcome)], sends as f64));
        }
        for (name, share) in QUANTILES {
            if let Some(latency) = today.latencies.get(kind).quantile(share) {
                latencies.push(sample([("kind", word), ("quantile", name)], latency.as_secs_f64()));
            }
        }
        for (failure, sends) in today.failures.get(kind) {
            failures.push(sample([("kind", word), ("failure", failure.word())], *sends as f64));
        }
    }
    let verdicts = today.tallies.iter().flat_map(|(category, tally)| {
        let verdicts =
            [("blocked", tally.blocked), ("breached", tally.breached), ("undetermined", tally.undetermined)];
        verdicts.map(|(verdict, tests)| {
            sample([("category", category.word()), ("verdict", verdict)], tests as f64)
        })
    });
    let slots = today.slots.iter().map(|(state, slots)| sample([("state", state.word())], *slots as f64));
    let own = today.metrics.iter().map(|(name, value)| sample([("name", name)], *value));
    let requests_help = "Today's planned requests by what became of them";
    vec![
        gauges("world_daemon_today_target_requests", "What today is to come to", target.into()),
        gauges("world_daemon_today_requests", requests_help, requests),
        gauges("world_daemon_today_answers", "Today's requests that were made, by how they ended", answers),
        gauges("world_daemon_today_failures", "Today's requests that failed, by why", failures),
        gauges(
            "world_daemon_today_latency_seconds",
            "From planned instants to the ends of answers",
            latencies,
        ),
        gauges("world_daemon_today_verdicts", "Today's guardrail tests", verdicts.collect()),
        gauges("world_daemon_today_slots", "Today's slots by how they stand", slots.collect()),
        gauges("world_daemon_today_own", "Figures of the user's own", own.collect()),
    ]
}

fn unix(instant: Timestamp) -> f64 {
    instant.as_millisecond() as f64 / 1e3
}

fn gauge(name: &'static str, help: &'static str, value: f64) -> Family {
    Family::single(name, help, Of::Gauge, value)
}

fn gauges(name: &'static str, help: &'static str, samples: Vec<Sample>) -> Family {
    Family { name, help, kind: Of::Gauge, samples }
}

fn sample<const N: usize>(labels: [(&'static str, &str); N], value: f64) -> Sample {
    Sample { labels: labels.map(|(name, value)| (name, value.to_owned())).into(), value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::{Board, Doing, LastCycle};
    use crate::heartbeat::Patience;
    use crate::latencies::Latencies;
    use crate::send::FailureKind;
    use days::account::Account;
    use days::guardrail::{Category, Tally};
    use days::order::ByKind;
    use days::profile::Range;
    use days::slot_state::SlotState;
    use std::collections::BTreeMap;
    use std::time::Duration;

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn today() -> DayTotals {
        let mut latencies = Latencies::default();
        latencies.count(Duration::from_millis(250));
        let account =
            Account { planned: 10, sent: 6, late: 2, dropped: 1, skipped: 1, succeeded: 7, failed: 1 };
        let tally = Tally { blocked: 3, breached: 1, undetermined: 0 };
        DayTotals {
            date: "2026-03-29".parse().unwrap(),
            zone: "UTC".to_owned(),
            pacing: "target".to_owned(),
            target: Range { min: 3_000, max: 5_000 },
            quota: None,
            is_closed: false,
            slots: BTreeMap::from([(SlotState::Done, 4)]),
            by_hand: 0,
            accounts: ByKind { operations: account, guardrails: Account::default() },
            latencies: ByKind { operations: latencies, guardrails: Latencies::default() },
            failures: ByKind {
                operations: BTreeMap::from([(FailureKind::Timeout, 1)]),
                guardrails: BTreeMap::new(),
            },
            tallies: BTreeMap::from([(Category::HarmsContent, tally)]),
            metrics: BTreeMap::from([("queue depth".to_owned(), 2.5)]),
        }
    }

    fn progress() -> Progress {
        let started = instant("2026-03-29T00:00:00.5Z");
        let board = Board {
            pid: 1,
            started,
            version: "1".to_owned(),
            config: "c".to_owned(),
            doing: Doing::Waiting { until: instant("2026-03-29T01:00:00Z"), because: None },
            last_cycle: None,
            cycles: 0,
            failures_in_a_row: 2,
            complaints: Vec::new(),
        };
        Progress { board, today: None }
    }

    fn snapshot(progress: &Progress, at: &str) -> Snapshot {
        let beat = Beat::of(&progress.board, instant(at), Patience::of(Duration::from_secs(900)));
        Snapshot::of(progress, &beat)
    }

    fn holds_lines(snapshot: &Snapshot, lines: &[&str]) {
        let text = snapshot.to_string();
        for line in lines {
            assert!(text.lines().any(|there| there == *line), "{line}\n{text}");
        }
    }

    #[test]
    fn a_daemon_is_told_before_its_first_cycle_and_after_it() {
        let mut progress = progress();
        let before = snapshot(&progress, "2026-03-29T00:30:00Z");
        holds_lines(
            &before,
            &[
                "world_daemon_start_time_seconds 1774742400.5",
                "world_daemon_cycles_total 0",
                "world_daemon_failures_in_a_row 2",
                "world_daemon_is_overdue 0",
            ],
        );
        assert!(!before.to_string().contains("last_cycle"));
        let ended = instant("2026-03-29T00:20:00Z");
        progress.board.last_cycle =
            Some(LastCycle { number: 41, slot: ended, ended, made: 3, succeeded: 3, failure: None });
        holds_lines(
            &snapshot(&progress, "2026-03-29T00:30:00Z"),
            &["world_daemon_last_cycle_end_time_seconds 1774743600", "world_daemon_last_cycle_number 41"],
        );
    }

    #[test]
    fn today_is_told_by_all_that_is_known_of_it() {
        let progress = Progress { today: Some(today()), ..progress() };
        holds_lines(
            &snapshot(&progress, "2026-03-29T00:30:00Z"),
            &[
                "world_daemon_today_target_requests{bound=\"min\"} 3000",
                "world_daemon_today_requests{kind=\"operations\",fate=\"late\"} 2",
                "world_daemon_today_requests{kind=\"guardrails\",fate=\"sent\"} 0",
                "world_daemon_today_answers{kind=\"operations\",outcome=\"succeeded\"} 7",
                "world_daemon_today_failures{kind=\"operations\",failure=\"timeout\"} 1",
                "world_daemon_today_latency_seconds{kind=\"operations\",quantile=\"1\"} 0.250111",
                "world_daemon_today_verdicts{category=\"harms_content\",verdict=\"blocked\"} 3",
                "world_daemon_today_slots{state=\"done\"} 4",
                "world_daemon_today_own{name=\"queue depth\"} 2.5",
            ],
        );
    }

    #[test]
    fn a_daemon_is_unwell_while_something_is_overdue_or_needs_somebody() {
        let mut progress = progress();
        assert_eq!(snapshot(&progress, "2026-03-29T01:05:00Z").health, Health::Well);
        let overdue = snapshot(&progress, "2026-03-29T01:05:01Z");
        holds_lines(&overdue, &["world_daemon_is_overdue 1"]);
        assert!(matches!(overdue.health, Health::Unwell(_)));
        progress.board.complaints = vec!["the disk is full".to_owned()];
        let complaint = snapshot(&progress, "2026-03-29T00:30:00Z").health;
        assert_eq!(complaint, Health::Unwell("the disk is full".to_owned()));
    }
}
