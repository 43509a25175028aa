//! The lines that make up most of a journal, written without a serializer.
//!
//! serde would spend more on a round's records than the model on the round. What is written here is
//! what serde writes, byte for byte: the tests hold every kind of record and of figure against it.
//! Records that come once a run are left to serde.

use super::{FaultEnd, Record, Status};
use crate::arithmetic::round;
use crate::definition::Role;
use crate::message::{ActionOutcome, Metric, Severity};
use crate::outcome::{Incident, Resolution};

/// Writes the beginning of a record: its kind and its round.
macro_rules! begin {
    ($line:ident, $kind:literal, $round:expr) => {
        $line.extend_from_slice(concat!("{\"kind\":\"", $kind, "\",\"round\":").as_bytes());
        whole($line, *$round);
    };
}

/// Writes a field, its value as `write` does.
macro_rules! field {
    ($line:ident, $key:literal, $write:ident, $value:expr) => {
        $line.extend_from_slice(concat!(",\"", $key, "\":").as_bytes());
        $write($line, $value);
    };
}

/// Appends a record as JSON, without its line end; `false` when that is left to serde.
pub(super) fn write(record: &Record, line: &mut Vec<u8>) -> bool {
    match record {
        Record::RoundOpened { round, requests } => {
            begin!(line, "round_opened", round);
            field!(line, "requests", whole, *requests);
        }
        Record::Server { .. } => server(record, line),
        Record::AlertOpened { round, alert, server, metric, severity, value } => {
            begin!(line, "alert_opened", round);
            alert_fields(line, *alert, server, *metric);
            field!(line, "severity", word, severity_word(*severity));
            field!(line, "value", figure, *value);
        }
        Record::AlertChanged { round, alert, server, metric, severity, value } => {
            begin!(line, "alert_changed", round);
            alert_fields(line, *alert, server, *metric);
            field!(line, "severity", word, severity_word(*severity));
            field!(line, "value", figure, *value);
        }
        Record::AlertClosed { round, alert, server, metric, value } => {
            begin!(line, "alert_closed", round);
            alert_fields(line, *alert, server, *metric);
            field!(line, "value", figure, *value);
        }
        Record::AlertAcknowledged { round, alert, sre } => {
            begin!(line, "alert_acknowledged", round);
            field!(line, "alert", whole, *alert);
            field!(line, "sre", name, sre);
        }
        Record::Diagnosed { round, sre, alerting, entity, cause } => {
            begin!(line, "diagnosed", round);
            field!(line, "sre", name, sre);
            field!(line, "alerting", name, alerting);
            field!(line, "entity", name, entity);
            field!(line, "cause", name_if_any, cause.as_deref());
        }
        Record::ActionActed { round, sre, request, action, target, outcome } => {
            begin!(line, "action_acted", round);
            field!(line, "sre", name, sre);
            field!(line, "request", whole, request.0);
            field!(line, "action", name, action);
            field!(line, "target", name, target);
            field!(line, "outcome", by_serde, outcome);
        }
        Record::ActionAccepted { round, sre, request, action, target, acts_round } => {
            begin!(line, "action_accepted", round);
            field!(line, "sre", name, sre);
            field!(line, "request", whole, request.0);
            field!(line, "action", name, action);
            field!(line, "target", name, target);
            field!(line, "acts_round", whole, *acts_round);
        }
        Record::ActionRefused { round, sre, request, action, target, outcome } => {
            begin!(line, "action_refused", round);
            field!(line, "sre", name, sre);
            field!(line, "request", whole, request.0);
            field!(line, "action", name, action);
            field!(line, "target", name, target);
            field!(line, "outcome", by_serde, outcome);
        }
        Record::FaultInjected { round, fault, fault_kind, target, service, rounds } => {
            begin!(line, "fault_injected", round);
            field!(line, "fault", whole, *fault);
            field!(line, "fault_kind", name, fault_kind);
            field!(line, "target", name, target);
            field!(line, "service", name_if_any, service.as_deref());
            field!(line, "rounds", whole_if_any, *rounds);
        }
        Record::FaultWitnessed { round, fault } => {
            begin!(line, "fault_witnessed", round);
            field!(line, "fault", whole, *fault);
        }
        Record::FaultEnded { round, fault, fault_kind, target, how } => {
            begin!(line, "fault_ended", round);
            field!(line, "fault", whole, *fault);
            field!(line, "fault_kind", name, fault_kind);
            field!(line, "target", name, target);
            field!(line, "how", word, end_word(*how));
        }
        Record::RoundClosed { round, total, good, burn_rate, hash } => {
            begin!(line, "round_closed", round);
            field!(line, "total", whole, *total);
            field!(line, "good", whole, *good);
            field!(line, "burn_rate", figure, *burn_rate);
            field!(line, "hash", quoted, hash);
        }
        Record::Incident { incident: of } => incident(of, line),
        Record::Header { .. }
        | Record::Volley { .. }
        | Record::MessageAstray { .. }
        | Record::Decided(_)
        | Record::AgentLost { .. }
        | Record::SteadyState { .. }
        | Record::RunStopped { .. }
        | Record::AgentReturned { .. }
        | Record::SreAccount { .. }
        | Record::RunEnded { .. } => return false,
    }
    line.push(b'}');
    true
}

fn server(record: &Record, line: &mut Vec<u8>) {
    let Record::Server {
        round,
        server,
        status,
        health,
        cpu_usage,
        memory_usage,
        error_rate,
        latency_p99,
        disk_usage,
        requests,
        services_down,
        reachable,
        in_rotation,
        role,
    } = record
    else {
        unreachable!("only called for servers");
    };
    begin!(line, "server", round);
    field!(line, "server", name, server);
    field!(line, "status", word, status_word(*status));
    field!(line, "health", whole, *health);
    field!(line, "cpu_usage", figure, *cpu_usage);
    field!(line, "memory_usage", figure, *memory_usage);
    field!(line, "error_rate", figure, *error_rate);
    field!(line, "latency_p99", figure, *latency_p99);
    field!(line, "disk_usage", figure, *disk_usage);
    field!(line, "requests", whole, *requests);
    field!(line, "services_down", whole, *services_down);
    field!(line, "reachable", truth, *reachable);
    field!(line, "in_rotation", truth, *in_rotation);
    field!(line, "role", word_if_any, role.map(role_word));
}

/// What the records of an alert begin with.
fn alert_fields(line: &mut Vec<u8>, alert: u32, server: &str, metric: Metric) {
    field!(line, "alert", whole, alert);
    field!(line, "server", name, server);
    field!(line, "metric", word, metric.name());
}

fn incident(incident: &Incident, line: &mut Vec<u8>) {
    line.extend_from_slice(br#"{"kind":"incident","incident":{"id":"#);
    whole(line, incident.id);
    field!(line, "kind", name, &incident.kind);
    field!(line, "target", name, &incident.target);
    field!(line, "onset_round", whole, incident.onset_round);
    field!(line, "detected_round", whole_if_any, incident.detected_round);
    field!(line, "acknowledged_round", whole_if_any, incident.acknowledged_round);
    field!(line, "first_action_round", whole_if_any, incident.first_action_round);
    field!(line, "diagnosed_round", whole_if_any, incident.diagnosed_round);
    field!(line, "mitigated_round", whole_if_any, incident.mitigated_round);
    field!(line, "resolved_round", whole_if_any, incident.resolved_round);
    field!(line, "resolution", word, resolution_word(incident.resolution));
    line.push(b'}');
}

// ---- words ------------------------------------------------------------------------------------

fn status_word(status: Status) -> &'static str {
    match status {
        Status::Ok => "OK",
        Status::Warn => "WARN",
        Status::Crit => "CRIT",
        Status::Down => "DOWN",
    }
}

fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

fn role_word(role: Role) -> &'static str {
    match role {
        Role::Primary => "primary",
        Role::Replica => "replica",
    }
}

fn end_word(how: FaultEnd) -> &'static str {
    match how {
        FaultEnd::Remedied => "remedied",
        FaultEnd::Expired => "expired",
    }
}

fn resolution_word(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::Remedied => "remedied",
        Resolution::Expired => "expired",
        Resolution::Open => "open",
    }
}

// ---- values -----------------------------------------------------------------------------------

fn word(line: &mut Vec<u8>, word: &'static str) {
    quoted(line, word);
}

/// What needs no escapes.
fn quoted(line: &mut Vec<u8>, text: &str) {
    line.push(b'"');
    line.extend_from_slice(text.as_bytes());
    line.push(b'"');
}

fn word_if_any(line: &mut Vec<u8>, text: Option<&'static str>) {
    match text {
        Some(text) => word(line, text),
        None => line.extend_from_slice(b"null"),
    }
}

fn truth(line: &mut Vec<u8>, truth: bool) {
    line.extend_from_slice(if truth { b"true" } else { b"false" });
}

fn by_serde(line: &mut Vec<u8>, outcome: &ActionOutcome) {
    match outcome {
        ActionOutcome::Succeeded => word(line, "succeeded"),
        other => serde_json::to_writer(line, other).expect("an outcome is written to memory"),
    }
}

fn whole(line: &mut Vec<u8>, number: impl itoa::Integer) {
    line.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn whole_if_any(line: &mut Vec<u8>, number: Option<u32>) {
    match number {
        Some(number) => whole(line, number),
        None => line.extend_from_slice(b"null"),
    }
}

/// A name in quotes. Those of checked worlds need no escapes.
fn name(line: &mut Vec<u8>, name: &str) {
    let is_escaped = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    if name.bytes().fold(false, |any, byte| any | is_escaped(byte)) {
        serde_json::to_writer(line, name).expect("text is written to memory");
    } else {
        quoted(line, name);
    }
}

fn name_if_any(line: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => name(line, text),
        None => line.extend_from_slice(b"null"),
    }
}

/// Above this a double has not three decimals to spare.
const THOUSANDTHS_MAX: f64 = 1e15;

/// A figure of at most three decimals, as all in these records are; others are left to serde. A
/// double has one shortest decimal of up to fifteen digits, which is the one written here.
fn figure(line: &mut Vec<u8>, value: f64) {
    let thousandths = round(value * 1000.0);
    let is_plain = value.is_sign_positive() && thousandths < THOUSANDTHS_MAX && thousandths / 1000.0 == value;
    if !is_plain {
        serde_json::to_writer(line, &value).expect("a figure is written to memory");
        return;
    }
    let thousandths = thousandths as u64;
    let rest = (thousandths % 1000) as u16;
    let decimals = match (rest % 100, rest % 10) {
        (0, _) => 1,
        (_, 0) => 2,
        _ => 3,
    };
    // From the right: decimals that are always there at first, then the point, then the rest.
    let mut text = [b'0'; FIGURE_BYTES_MAX];
    let point = FIGURE_BYTES_MAX - 4;
    text[point + 1] += (rest / 100) as u8;
    text[point + 2] += (rest / 10 % 10) as u8;
    text[point + 3] += (rest % 10) as u8;
    text[point] = b'.';
    let (mut start, mut left) = (point, thousandths / 1000);
    loop {
        start -= 1;
        text[start] += (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    line.extend_from_slice(&text[start..=point + decimals]);
}

/// Digits of [`THOUSANDTHS_MAX`], and a point.
const FIGURE_BYTES_MAX: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Failure, Refusal, RequestId};

    fn by_serde(record: &Record) -> String {
        serde_json::to_string(record).expect("a record")
    }

    fn by_hand(record: &Record) -> String {
        let mut line = Vec::new();
        assert!(write(record, &mut line));
        String::from_utf8(line).expect("text")
    }

    fn server(name: &str, status: Status, role: Option<Role>, flag: bool, figure: f64) -> Record {
        Record::Server {
            round: 4_000_000,
            server: name.into(),
            status,
            health: 100,
            cpu_usage: figure,
            memory_usage: 0.0,
            error_rate: figure,
            latency_p99: figure * 2.0,
            disk_usage: 44.5,
            requests: u32::MAX,
            services_down: 3,
            reachable: flag,
            in_rotation: !flag,
            role,
        }
    }

    #[test]
    fn a_server_is_written_as_serde_writes_it() {
        let roles = [None, Some(Role::Primary), Some(Role::Replica)];
        for status in [Status::Ok, Status::Warn, Status::Crit, Status::Down] {
            for (role, flag) in roles.into_iter().flat_map(|role| [(role, true), (role, false)]) {
                for name in ["web-1", "a.b_c", "\u{e4}\"\\\n"] {
                    let record = server(name, status, role, flag, 12.345);
                    assert_eq!(by_hand(&record), by_serde(&record));
                }
            }
        }
    }

    const OUTCOMES: [ActionOutcome; 10] = [
        ActionOutcome::Succeeded,
        ActionOutcome::Failed(Failure::Unlucky),
        ActionOutcome::Failed(Failure::Unreachable),
        ActionOutcome::Refused(Refusal::Unknown),
        ActionOutcome::Refused(Refusal::TooMany),
        ActionOutcome::Refused(Refusal::NoAlert),
        ActionOutcome::Refused(Refusal::Settling),
        ActionOutcome::Refused(Refusal::Conflict),
        ActionOutcome::Refused(Refusal::Cooldown),
        ActionOutcome::Refused(Refusal::NoStandby),
    ];

    /// Every kind of record that is not left to serde, but for servers.
    fn records() -> Vec<Record> {
        let (round, alert, fault) = (12, 7, 3);
        let name = |name: &str| crate::id::Name::from(name);
        let (sre, server, target, action) = (name("oncall"), name("web-1"), name("#7"), name("scale_up"));
        let mut records = vec![
            Record::RoundOpened { round, requests: u64::MAX },
            Record::AlertAcknowledged { round, alert, sre: sre.clone() },
            Record::FaultWitnessed { round, fault },
            Record::RoundClosed { round, total: 9, good: 8, burn_rate: 12.5, hash: "ab01".to_owned() },
        ];
        for metric in Metric::ALL {
            for severity in [Severity::Warning, Severity::Critical] {
                let (server, value) = (server.clone(), 99.25);
                records.extend([
                    Record::AlertOpened { round, alert, server: server.clone(), metric, severity, value },
                    Record::AlertChanged { round, alert, server: server.clone(), metric, severity, value },
                    Record::AlertClosed { round, alert, server, metric, value },
                ]);
            }
        }
        for outcome in OUTCOMES {
            let (sre, request) = (sre.clone(), RequestId(5));
            let (action, target) = (action.clone(), target.clone());
            records.extend([
                Record::ActionActed {
                    round,
                    sre: sre.clone(),
                    request,
                    action: action.clone(),
                    target: target.clone(),
                    outcome,
                },
                Record::ActionAccepted {
                    round,
                    sre: sre.clone(),
                    request,
                    action: action.clone(),
                    target: target.clone(),
                    acts_round: 13,
                },
                Record::ActionRefused { round, sre, request, action, target, outcome },
            ]);
        }
        for (some, how, resolution) in [
            (None, FaultEnd::Expired, Resolution::Open),
            (Some(4), FaultEnd::Remedied, Resolution::Remedied),
            (Some(u32::MAX), FaultEnd::Expired, Resolution::Expired),
        ] {
            let (kind, service) = (name("memory_leak"), some.map(|_| name("app-api")));
            records.extend([
                Record::FaultInjected {
                    round,
                    fault,
                    fault_kind: kind.clone(),
                    target: target.clone(),
                    service: service.clone(),
                    rounds: some,
                },
                Record::FaultEnded { round, fault, fault_kind: kind.clone(), target: target.clone(), how },
                Record::Diagnosed {
                    round,
                    sre: sre.clone(),
                    alerting: server.clone(),
                    entity: target.clone(),
                    cause: service,
                },
                Record::Incident {
                    incident: Incident {
                        id: fault,
                        kind,
                        target: target.clone(),
                        onset_round: round,
                        detected_round: some,
                        acknowledged_round: some,
                        first_action_round: some,
                        diagnosed_round: some,
                        mitigated_round: some,
                        hurt_users: some.is_some(),
                        resolved_round: some,
                        resolution,
                    },
                },
            ]);
        }
        records
    }

    #[test]
    fn every_record_is_written_as_serde_writes_it() {
        for record in records() {
            assert_eq!(by_hand(&record), by_serde(&record));
        }
    }

    #[test]
    fn every_figure_is_written_as_serde_writes_it() {
        let thousandths =
            (0..200_000_u64).chain((0..500).map(|k| k * k * k * 7_919)).map(|k| k as f64 / 1000.0);
        let others = [
            -0.0,
            -1.5,
            0.1 + 0.2,
            1e-7,
            1e15,
            1e16,
            9_007_199_254_740_993.0,
            1e300,
            f64::MIN_POSITIVE,
            999_999_999_999.999,
            123_456_789.123_4,
            f64::NAN,
            f64::INFINITY,
        ];
        for value in thousandths.chain(others) {
            let mut line = Vec::new();
            figure(&mut line, value);
            let by_serde = serde_json::to_string(&value).expect("a figure");
            assert_eq!(String::from_utf8(line).expect("text"), by_serde, "{value:e}");
        }
    }
}
