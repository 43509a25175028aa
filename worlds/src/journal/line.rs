//! The lines that make up most of a journal, written without a serializer.
//!
//! A server's record comes once a server and round; serde would spend more on it than the model on
//! the round. What is written here is what serde writes, byte for byte: the tests hold every kind of
//! figure against it. All other records are left to serde.

use super::{Record, Status, round};
use crate::definition::Role;

/// Appends a record as JSON, without its line end; `false` when that is left to serde.
pub(super) fn write(record: &Record, line: &mut Vec<u8>) -> bool {
    match record {
        Record::RoundOpened { round, requests } => {
            line.extend_from_slice(br#"{"kind":"round_opened","round":"#);
            whole(line, *round);
            line.extend_from_slice(br#","requests":"#);
            whole(line, *requests);
        }
        Record::Server {
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
        } => {
            line.extend_from_slice(br#"{"kind":"server","round":"#);
            whole(line, *round);
            line.extend_from_slice(br#","server":"#);
            text(line, server);
            line.extend_from_slice(match status {
                Status::Ok => br#","status":"OK","health":"#,
                Status::Warn => br#","status":"WARN","health":"#,
                Status::Crit => br#","status":"CRIT","health":"#,
                Status::Down => br#","status":"DOWN","health":"#,
            });
            whole(line, *health);
            line.extend_from_slice(br#","cpu_usage":"#);
            figure(line, *cpu_usage);
            line.extend_from_slice(br#","memory_usage":"#);
            figure(line, *memory_usage);
            line.extend_from_slice(br#","error_rate":"#);
            figure(line, *error_rate);
            line.extend_from_slice(br#","latency_p99":"#);
            figure(line, *latency_p99);
            line.extend_from_slice(br#","disk_usage":"#);
            figure(line, *disk_usage);
            line.extend_from_slice(br#","requests":"#);
            whole(line, *requests);
            line.extend_from_slice(br#","services_down":"#);
            whole(line, *services_down);
            line.extend_from_slice(if *reachable {
                br#","reachable":true"#
            } else {
                br#","reachable":false"#
            });
            line.extend_from_slice(if *in_rotation {
                br#","in_rotation":true"#
            } else {
                br#","in_rotation":false"#
            });
            line.extend_from_slice(match role {
                None => br#","role":null"#,
                Some(Role::Primary) => br#","role":"primary""#,
                Some(Role::Replica) => br#","role":"replica""#,
            });
        }
        _ => return false,
    }
    line.push(b'}');
    true
}

fn whole(line: &mut Vec<u8>, number: impl itoa::Integer) {
    line.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A name in quotes. Those of checked worlds need no escapes.
fn text(line: &mut Vec<u8>, name: &str) {
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        line.push(b'"');
        line.extend_from_slice(name.as_bytes());
        line.push(b'"');
    } else {
        serde_json::to_writer(line, name).expect("text is written to memory");
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
    whole(line, thousandths / 1000);
    line.push(b'.');
    let digits = [rest / 100, rest / 10 % 10, rest % 10].map(|digit| b'0' + digit as u8);
    line.extend_from_slice(&digits[..decimals]);
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_round_is_opened_as_serde_writes_it() {
        for requests in [0, 7, u64::MAX] {
            let record = Record::RoundOpened { round: 12, requests };
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
