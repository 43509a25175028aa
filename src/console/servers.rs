//! What is told of the servers in a round: those that changed, each on a line; where many did, the
//! tiers that they belong to; or, on demand, all of them with all their metrics.

use super::ink::{self, paint};
use super::kinds::by_kind;
use super::story::{TAG, tagged};
use super::{figure, layout};
use crate::config::Detail;
use std::collections::BTreeMap;
use worlds::definition::{ChaosKind, Definition, ProcessEffect, Role};
use worlds::id::Name;
use worlds::journal::{Record, Status};
use worlds::message::{Metric, Severity};

/// When more servers changed in a round, their tiers are told.
const CHANGED_MAX: usize = 8;

/// A blank at which no line ends.
const UNBROKEN: &str = "\u{a0}";

/// From this width on, the row of a server has room for memory and disk.
const ROOM_FOR_ALL: usize = 80;

/// From this width on, there is room for the requests that reached it, too.
const ROOM_FOR_REQUESTS: usize = 92;

/// All servers, as they were told last and as they are.
#[derive(Debug)]
pub(super) struct Servers {
    /// Types, in the order in which they first appear: the tiers.
    tiers: Vec<Name>,
    servers: Vec<Server>,
    positions: BTreeMap<Name, usize>,
    /// For each kind of fault that hits processes, what becomes of them.
    process_kinds: BTreeMap<Name, &'static str>,
    name_width: usize,
}

#[derive(Debug)]
struct Server {
    name: Name,
    tier: usize,
    first_role: Option<Role>,
    /// What faults made of its process, by their numbers.
    process: BTreeMap<u32, &'static str>,
    told: Told,
    /// As this round's record has it.
    now: Option<Now>,
    /// Alerts that opened or became worse in this round.
    symptoms: Vec<(Severity, String)>,
}

/// What whoever reads knows of a server.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    status: Status,
    notes: String,
    /// The round in which the status became this.
    since: u32,
}

#[derive(Clone, Debug)]
struct Now {
    status: Status,
    health: u32,
    metrics: [f64; 5],
    requests: u32,
    notes: String,
}

/// `api-1  latency_p99 2311 ms`
pub(super) fn alert_text(server: &str, metric: Metric, value: f64) -> String {
    format!("{server}  {} {}", metric.name(), figure::metric(metric, value))
}

impl Servers {
    /// Those of a world; nothing is wrong with them yet.
    pub(super) fn of(definition: &Definition) -> Self {
        let kinds = by_kind(&definition.servers, |server| &server.kind);
        let tiers: Vec<Name> = kinds.into_iter().map(|(kind, _)| kind.into()).collect();
        let tier = |kind: &str| tiers.iter().position(|tier| **tier == *kind);
        let servers: Vec<Server> = definition
            .servers
            .iter()
            .map(|server| Server {
                name: server.name.as_str().into(),
                tier: tier(&server.kind).expect("each type is a tier"),
                first_role: server.role,
                process: BTreeMap::new(),
                told: Told { status: Status::Ok, notes: String::new(), since: 1 },
                now: None,
                symptoms: Vec::new(),
            })
            .collect();
        Self {
            positions: servers
                .iter()
                .enumerate()
                .map(|(index, server)| (server.name.clone(), index))
                .collect(),
            process_kinds: definition.chaos.iter().filter_map(process_kind).collect(),
            name_width: servers.iter().map(|server| server.name.chars().count()).max().unwrap_or_default(),
            tiers,
            servers,
        }
    }

    /// Takes in what a record says of a server.
    pub(super) fn take(&mut self, record: &Record) {
        match record {
            Record::Server { server, .. } => {
                if let Some(server) = self.server(server) {
                    server.now = now(record, server);
                }
            }
            Record::FaultInjected { fault, fault_kind, target, .. } => {
                let what = self.process_kinds.get(fault_kind).copied();
                if let (Some(what), Some(server)) = (what, self.server(target)) {
                    server.process.insert(*fault, what);
                }
            }
            Record::FaultEnded { fault, target, .. } => {
                if let Some(server) = self.server(target) {
                    server.process.remove(fault);
                }
            }
            Record::AlertOpened { server, metric, severity, value, .. } => {
                self.symptom(server, *metric, *severity, *value);
            }
            Record::AlertChanged {
                server, metric, severity: severity @ Severity::Critical, value, ..
            } => {
                self.symptom(server, *metric, *severity, *value);
            }
            _ => {}
        }
    }

    fn server(&mut self, name: &Name) -> Option<&mut Server> {
        self.servers.get_mut(*self.positions.get(name)?)
    }

    fn symptom(&mut self, server: &Name, metric: Metric, severity: Severity, value: f64) {
        let text = format!("{} {}", metric.name(), figure::metric(metric, value));
        if let Some(server) = self.server(server) {
            server.symptoms.push((severity, text));
        }
    }

    /// How many are not well: `2 WARN, 1 DOWN`; nothing when all are.
    pub(super) fn counts(&self) -> String {
        let of = |status| self.now().filter(|(_, now)| now.status == status).count();
        let told = ALL[1..].iter().map(|status| (*status, of(*status))).filter(|(_, count)| *count > 0);
        told.map(|(status, count)| counted(status, count)).collect::<Vec<_>>().join(", ")
    }

    /// What is told of the round.
    pub(super) fn lines(&self, detail: Detail, width: usize) -> Vec<String> {
        if detail >= Detail::Verbose {
            return self.now().map(|(server, now)| self.all_metrics(server, now, detail, width)).collect();
        }
        let changed: Vec<_> = self.now().filter(|(server, now)| server.is_news(now)).collect();
        if changed.len() > CHANGED_MAX {
            return self.tiers(|tier| changed.iter().any(|(server, _)| server.tier == tier), width);
        }
        changed.into_iter().flat_map(|(server, now)| self.changed(server, now, width)).collect()
    }

    /// The round was told: from here on, what is as it was is no news.
    pub(super) fn turn_the_page(&mut self) {
        for server in &mut self.servers {
            server.symptoms.clear();
            let Some(now) = server.now.take() else { continue };
            server.told.notes = now.notes;
            server.told.since = if now.status == server.told.status { server.told.since + 1 } else { 1 };
            server.told.status = now.status;
        }
    }

    fn now(&self) -> impl Iterator<Item = (&Server, &Now)> {
        self.servers.iter().filter_map(|server| Some((server, server.now.as_ref()?)))
    }

    /// `  CRIT       api-1       health  40   cpu_usage 100 %, latency_p99 2311 ms`
    fn changed(&self, server: &Server, now: &Now, width: usize) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        if now.status != server.told.status && now.status == Status::Ok {
            let rounds = figure::plural(server.told.since, "round");
            words.push(format!("was {} for {rounds}", status_text(server.told.status)));
        }
        words.extend(server.symptoms.iter().map(|(_, text)| text.clone()));
        words.extend(now.notes.split(", ").filter(|note| !note.is_empty()).map(str::to_owned));
        let name_width = self.name_width;
        let start = format!("{:<name_width$}  health {:>3}   ", server.name, now.health);
        let indent = " ".repeat(start.chars().count());
        // A line ends between two of them, and not within one.
        let words: Vec<String> = words.iter().map(|word| word.replace(' ', UNBROKEN)).collect();
        let lines = layout::wrapped(&words.join(", "), width.saturating_sub(TAG + 2 + indent.len()));
        let lines: Vec<String> = lines.iter().map(|line| line.replace(UNBROKEN, " ")).collect();
        let (status, tag) = (now.status, status_text(now.status));
        let line = |(index, line): (usize, &String)| match index {
            0 => tagged(tag, ink::of_status(status), &format!("{start}{line}")).trim_end().to_owned(),
            _ => tagged("", ink::PLAIN, &format!("{indent}{line}")),
        };
        lines.iter().enumerate().map(line).collect()
    }

    /// The five metrics, narrow enough for 80 columns.
    fn all_metrics(&self, server: &Server, now: &Now, detail: Detail, width: usize) -> String {
        let [cpu, memory, error, latency, disk] = now.metrics;
        let (name_width, health) = (self.name_width, now.health);
        let shown = paint(ink::of_status(now.status), status_text(now.status));
        let blanks = " ".repeat(4 - status_text(now.status).len());
        let requests = if detail >= Detail::Full && width >= ROOM_FOR_REQUESTS {
            format!("  req {:>6}", figure::count(now.requests.into()))
        } else {
            String::new()
        };
        let notes = if now.notes.is_empty() { String::new() } else { format!("   {}", now.notes) };
        let [memory, disk] = if width < ROOM_FOR_ALL {
            [String::new(), String::new()]
        } else {
            [format!("  mem {memory:>3.0}%"), format!("  disk {disk:>3.0}%")]
        };
        format!(
            "  {:<name_width$}  {shown}{blanks}  {health:>3}  cpu {cpu:>3.0}%{memory}  err {error:>5.1}%  p99 \
             {latency:>5.0}ms{disk}{requests}{notes}",
            server.name
        )
    }

    /// `  web        12 OK  3 WARN  1 CRIT    91.30 % served   worst web-7, health 40`
    fn tiers(&self, is_news: impl Fn(usize) -> bool, width: usize) -> Vec<String> {
        let tiers: Vec<Tier> =
            (0..self.tiers.len()).filter(|tier| is_news(*tier)).map(|tier| self.tier(tier)).collect();
        let count_widths = [0, 1, 2, 3].map(|status| {
            let widths = tiers.iter().map(|tier| layout::width_of(&tier.counts[status]));
            widths.max().unwrap_or_default()
        });
        let names = tiers.iter().map(|tier| tier.name.chars().count());
        let name_width = names.max().unwrap_or_default().max(TAG - 2);
        tiers.iter().flat_map(|tier| tier.lines(name_width, count_widths, width)).collect()
    }

    fn tier(&self, tier: usize) -> Tier<'_> {
        let of_tier = || self.now().filter(|(server, _)| server.tier == tier);
        let counts = ALL.map(|status| {
            let count = of_tier().filter(|(_, now)| now.status == status).count();
            if count == 0 { String::new() } else { counted(status, count) }
        });
        let requests: f64 = of_tier().map(|(_, now)| f64::from(now.requests)).sum();
        let failed: f64 = of_tier().map(|(_, now)| f64::from(now.requests) * now.metrics[2] / 100.0).sum();
        let worst = of_tier().min_by_key(|(_, now)| now.health).filter(|(_, now)| now.status != Status::Ok);
        Tier {
            name: &self.tiers[tier],
            counts,
            served: (requests > 0.0).then(|| figure::percent(100.0 * (1.0 - failed / requests))),
            worst: worst.map(|(server, now)| format!("worst {}, health {}", server.name, now.health)),
        }
    }
}

/// What is told of the servers of one type.
struct Tier<'a> {
    name: &'a str,
    /// How many have each status; nothing for none.
    counts: [String; 4],
    /// The share of requests that it answered well, with what lies behind it.
    served: Option<String>,
    worst: Option<String>,
}

impl Tier<'_> {
    fn lines(&self, name_width: usize, count_widths: [usize; 4], width: usize) -> Vec<String> {
        let counts = self.counts.iter().zip(count_widths).filter(|(_, width)| *width > 0);
        let counts = counts.map(|(count, width)| {
            format!("  {}{count}", " ".repeat(width.saturating_sub(layout::width_of(count))))
        });
        let served = self.served.as_ref().map_or_else(String::new, |share| format!("{share} served"));
        let name = self.name;
        let line = format!("  {name:<name_width$}{}   {served:>15}", counts.collect::<String>());
        match &self.worst {
            None => vec![line],
            Some(worst) if layout::width_of(&line) + 3 + worst.len() <= width => {
                vec![format!("{line}   {worst}")]
            }
            Some(worst) => vec![line, tagged("", ink::PLAIN, worst)],
        }
    }
}

const ALL: [Status; 4] = [Status::Ok, Status::Warn, Status::Crit, Status::Down];

fn counted(status: Status, count: usize) -> String {
    let text = format!("{count} {}", status_text(status));
    if status == Status::Ok { text } else { paint(ink::of_status(status), &text) }
}

impl Server {
    /// Whether there is something to tell.
    fn is_news(&self, now: &Now) -> bool {
        now.status != self.told.status || now.notes != self.told.notes || !self.symptoms.is_empty()
    }
}

fn now(record: &Record, server: &Server) -> Option<Now> {
    let Record::Server {
        status,
        health,
        cpu_usage,
        memory_usage,
        error_rate,
        latency_p99,
        disk_usage,
        requests,
        role,
        ..
    } = record
    else {
        return None;
    };
    Some(Now {
        status: *status,
        health: *health,
        metrics: [*cpu_usage, *memory_usage, *error_rate, *latency_p99, *disk_usage],
        requests: *requests,
        notes: notes(record, role.filter(|role| Some(*role) != server.first_role), &server.process),
    })
}

/// What figures do not say.
fn notes(record: &Record, new_role: Option<Role>, process: &BTreeMap<u32, &'static str>) -> String {
    let Record::Server { services_down, reachable, in_rotation, .. } = record else {
        return String::new();
    };
    let role = new_role.map(|role| match role {
        Role::Primary => "now primary".to_owned(),
        Role::Replica => "now replica".to_owned(),
    });
    let why = process.first_key_value().map_or("cut off", |(_, what)| what);
    let cut_off = (!reachable).then(|| why.to_owned());
    let down = (*services_down > 0).then(|| format!("{} down", figure::plural(*services_down, "service")));
    let resting = (!in_rotation).then(|| "out of rotation".to_owned());
    [cut_off, down, resting, role].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What a kind makes of a process, if it hits any.
fn process_kind(kind: &ChaosKind) -> Option<(Name, &'static str)> {
    let what = match kind.effect.process? {
        ProcessEffect::Killed => "no process",
        ProcessEffect::Paused => "standing still",
    };
    Some((kind.name.as_str().into(), what))
}

fn status_text(status: Status) -> &'static str {
    match status {
        Status::Ok => "OK",
        Status::Warn => "WARN",
        Status::Crit => "CRIT",
        Status::Down => "DOWN",
    }
}
