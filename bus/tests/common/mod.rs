//! Values of every message that travels.

#![allow(dead_code, reason = "each test file takes what it needs")]

use bus::token::Token;
use bus::wire::{Hello, PROTOCOL, Role};
use std::sync::Arc;
use worlds::chance::Key;
use worlds::definition::{self, SkillName, SreKind};
use worlds::id::{ActionId, KindId, ServerId, ServiceId};
use worlds::message::*;

pub(crate) fn token() -> Token {
    Token::from_hex(&"5a".repeat(32)).expect("64 digits")
}

pub(crate) fn hello(role: Role, name: &str) -> Hello {
    Hello { protocol: PROTOCOL, role, name: name.to_owned(), skill: None, token: token() }
}

pub(crate) fn server_brief(name: &str) -> ServerBrief {
    ServerBrief { name: name.into(), key: Key::derive(1, "server", name), machine: Arc::new(machine()) }
}

fn machine() -> Machine {
    Machine {
        host: definition::Host {
            supervisor_rounds: 2,
            background_cpu: [5.0, 10.0],
            memory: [30.0, 40.0],
            disk: [20.0, 30.0],
            cpu_per_worker: 50.0,
            memory_slow_from: 75.0,
            memory_slow_factor: 2.0,
            memory_oom_at: 97.0,
            disk_full_at: 98.0,
        },
        cpu_capacity: 100.0,
        memory_capacity: 8192.0,
        round_seconds: 60.0,
        queue_limit_seconds: 0.5,
        services: vec![HostedService {
            work_seconds: 0.029,
            memory_mb: 1.5,
            cache: None,
            apply_seconds: 0.0,
        }],
    }
}

pub(crate) fn sre_brief(name: &str) -> SreBrief {
    SreBrief {
        name: name.into(),
        kind: SreKind::Rules,
        skill: Some(definition::Skill { accuracy: 0.95, speed: 0.9, panic_threshold: 8 }),
        key: Some(Key::derive(1, "sre", name)),
        colleagues: Colleagues { position: 0, count: 1 },
        rounds: 15,
        last_request: RequestId(0),
        runbook: Arc::new(runbook()),
    }
}

fn runbook() -> Runbook {
    let threshold = definition::Threshold { warning: 70.0, critical: 90.0 };
    Runbook {
        servers: vec![ServerFacts {
            name: "web-1".into(),
            kind: "web".into(),
            services: vec![ServiceId(0)],
            backup_link: true,
        }],
        services: vec![ServiceFacts { name: "nginx".into(), calls: vec![ServiceId(1)], cache: false }],
        entry: ServiceId(0),
        thresholds: std::array::from_fn(|_| threshold),
        kinds: vec![definition::ChaosKind {
            name: "cpu_spike".to_owned(),
            description: String::new(),
            probability: 0.15,
            rounds: 3,
            gradual: true,
            hits: definition::Hits::Servers,
            group: Some(definition::Group { by: definition::GroupBy::Zone, name: Some("a".to_owned()) }),
            spread: Some(definition::Spread { servers: Some(2), apart: 1 }),
            types: Vec::new(),
            except_types: vec!["cache".to_owned()],
            effect: definition::Effect {
                cpu_floor: Some(95.0),
                process: Some(definition::ProcessEffect::Killed),
                bus: Some(definition::BusEffect {
                    loses: vec![definition::MessageKind::Telemetry],
                    delays: vec![definition::MessageKind::Results],
                    delay_rounds: 2,
                }),
                false_metrics: Some(false_metrics()),
                ..definition::Effect::default()
            },
        }],
        actions: vec![definition::Action {
            name: "rollback".to_owned(),
            description: String::new(),
            success_rate: 0.8,
            cooldown: 5,
            alerts: Vec::new(),
            out_of_band: false,
            remedy: definition::Remedy {
                cures: vec!["cpu_spike".to_owned()],
                adds_capacity: Some(definition::AddsCapacity { factor: 2.0, delay: 1, rounds: 4 }),
                ..definition::Remedy::default()
            },
            cost: definition::Cost { downtime: 0.01, ..definition::Cost::default() },
        }],
        changes: definition::Changes { actions_per_round: 2, pause_rounds: 1 },
        round_seconds: 60.0,
    }
}

pub(crate) fn tick(round: u32) -> Tick {
    Tick {
        round,
        arrivals: [Arrivals { reads: 800, writes: 200, applies: 0, flood: 9000 }].into_iter().collect(),
        conditions: Conditions {
            cpu_floor: 95.0,
            capacity_factor: 0.1,
            workers_factor: 2.0,
            memory_growth: 10.0,
            disk_level: 98.0,
            latency_factor: 5.0,
            latency_added_seconds: 0.25,
            error_rate: 0.5,
            held_down: [true, false].into_iter().collect(),
            exporter: exporter(),
        },
        commands: vec![Command { restarts_services: true, downtime: 0.01, ..Command::default() }],
    }
}

/// A single request to the service of a server that [`report`]s.
pub(crate) fn request(probe: u64) -> Serve {
    Serve { probe, slot: 0, writes: false, luck: [0.25, 0.5, 0.75] }
}

pub(crate) fn report(round: u32) -> Report {
    Report {
        round,
        cpu_pct: 95.0,
        memory_pct: 40.0,
        leaked_points: 10.0,
        disk_pct: 30.0,
        killed_until: 0,
        met: Met { cpu_floor: 95.0, capacity_factor: 0.1, ..Met::default() },
        services: [ServiceReport { up: true, read_success: 0.75, ..ServiceReport::default() }]
            .into_iter()
            .collect(),
        exporter: exporter(),
    }
}

fn exporter() -> Exporter {
    Exporter { frozen: true, made_up: Some(Box::new(false_metrics())) }
}

fn false_metrics() -> definition::FalseMetrics {
    definition::FalseMetrics { cpu_usage: Some(99.0), ..definition::FalseMetrics::default() }
}

pub(crate) fn observation(round: u32) -> Observation {
    Observation {
        round,
        servers: vec![ServerView {
            metrics: Some(Metrics {
                cpu_usage: 95.0,
                memory_usage: 40.0,
                error_rate: 25.0,
                latency_p99: 2500.0,
                disk_usage: 30.0,
                requests: 1000,
                services_down: 1,
            }),
            age_rounds: 0,
            stale: false,
            role: Some(definition::Role::Primary),
            in_rotation: true,
            settling_rounds: 1,
        }],
        alerts: vec![AlertView {
            id: AlertId(7),
            server: ServerId(0),
            metric: Metric::CpuUsage,
            severity: Severity::Critical,
            value: 95.0,
            opened_round: 2,
            since_round: 3,
            acknowledged: true,
        }],
        cooldowns: vec![Cooldown { action: ActionId(1), target: ServerId(0), rounds_left: 2 }],
    }
}

pub(crate) fn results() -> Vec<ActionResult> {
    vec![ActionResult {
        request: RequestId(3),
        action: ActionId(1),
        target: ServerId(0),
        outcome: ActionOutcome::Refused(Refusal::Cooldown),
    }]
}

pub(crate) fn decision(round: u32) -> Decision {
    Decision {
        round,
        acknowledged: vec![AlertId(7)],
        diagnoses: vec![Diagnosis { alerting: ServerId(0), entity: ServerId(1), cause: Some(KindId(2)) }],
        actions: vec![ActionRequest {
            request: RequestId(4),
            action: ActionId(0),
            target: ServerId(1),
            late: true,
        }],
        lapse: Some(Lapse::Malformed),
        note: "why not".to_owned(),
        unknown: unknown_names(),
    }
}

fn unknown_names() -> UnknownNames {
    let mut names = UnknownNames::default();
    names.keep("web-9").expect("there is room");
    names
}

pub(crate) fn refusals() -> Vec<bus::wire::Refusal> {
    use bus::wire::Refusal as Why;
    let name = || "web-3".to_owned();
    vec![
        Why::Protocol { ours: 1 },
        Why::ForeignUser,
        Why::TooLong,
        Why::Malformed,
        Why::Silent,
        Why::Token,
        Why::UnknownName { role: Role::Server, name: name(), nearest: Some("web-2".to_owned()) },
        Why::NameTaken { name: name() },
        Why::NotByHand { name: name() },
        Why::NotAwaited { name: name() },
        Why::Skill { planned: Some(SkillName::Mid) },
        Why::Late,
        Why::OutOfRole { role: Role::Sre },
        Why::OutOfTurn,
        Why::Crowded,
    ]
}
