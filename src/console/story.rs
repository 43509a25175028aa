//! The story of a run: what happens, as lines.
//!
//! Pure: an event in, lines out. A round is told when it is closed, and what changed is told of it:
//! a rule that says how many users were served, and below it faults, servers, and what the SREs
//! made of them. A round in which nothing changed is its rule alone.

use super::ink::{self, paint};
use super::servers::{Servers, alert_text};
use super::{by_hand, figure, layout};
use crate::config::{Detail, RunConfig};
use crate::event::{Agent, Event};
use anstyle::Style;
use std::collections::BTreeMap;
use worlds::definition::{MessageKind, SreKind};
use worlds::id::Name;
use worlds::journal::{Decided, FaultEnd, Record};
use worlds::message::{ActionOutcome, Failure, Lapse, Metric, Refusal, Severity};
use worlds::outcome::Requests;

/// Width of the word that says what sort of thing happened.
pub(super) const TAG: usize = 11;

/// Of one sort of thing, so many are told of a round; then the rest is counted.
const LINES_MAX: usize = 6;

/// Of more agents than this, types are told.
const AGENTS_MAX: usize = 12;

/// Below this share of users served, percent, a missed promise is a bad one.
const BADLY_SERVED: f64 = 90.0;

/// Tells a run, event by event.
#[derive(Debug)]
pub(super) struct Story {
    width: usize,
    detail: Detail,
    rounds: u32,
    sla_target: f64,
    agents_announced: bool,
    /// Agents that are there and were not told of: of many, only types are told when all are.
    unannounced: Vec<Agent>,
    /// How many agents there will be.
    agents: usize,
    /// Width of the longest name of an agent.
    agent_width: usize,
    servers: Servers,
    alerts: BTreeMap<u32, (Name, Metric)>,
    faults: BTreeMap<u32, (Name, Name)>,
    /// For each program, how it lapsed in the round before.
    lapses: BTreeMap<Name, Option<Lapse>>,
    /// The round so far.
    page: Page,
    /// Whether the line above is one of a round's details.
    is_below_details: bool,
}

/// What there is to tell of one round.
#[derive(Debug, Default)]
struct Page {
    /// What happened to the servers, before they answered.
    before: Vec<Line>,
    /// What was seen of processes that faults hit.
    struck: Vec<Line>,
    /// What the SREs made of it, and single alerts.
    after: Vec<Line>,
}

/// A line, and what sort of thing it is about.
#[derive(Debug)]
struct Line {
    tag: &'static str,
    style: Style,
    text: String,
}

impl Story {
    /// The story of a run that is about to begin.
    pub(super) fn new(config: &RunConfig, width: usize) -> Self {
        let definition = &config.world.definition;
        let names = definition.servers.iter().map(|server| server.name.chars().count());
        let thinking = config.plan.sres.iter().filter(|sre| sre.kind != SreKind::Oracle).count();
        Self {
            width,
            detail: config.output.detail,
            rounds: config.plan.rounds,
            sla_target: definition.sla_target,
            agents_announced: false,
            unannounced: Vec::new(),
            agents: definition.servers.len() + thinking,
            agent_width: names.max().unwrap_or_default() + "server-".len(),
            servers: Servers::of(definition),
            alerts: BTreeMap::new(),
            faults: BTreeMap::new(),
            lapses: BTreeMap::new(),
            page: Page::default(),
            is_below_details: true,
        }
    }

    /// Tells nothing but of agents that are started by hand, and without a heading.
    pub(super) fn of_notices(config: &RunConfig, width: usize) -> Self {
        Self { agents_announced: true, ..Self::new(config, width) }
    }

    /// What there is to say of an event.
    pub(super) fn lines(&mut self, event: &Event) -> Vec<String> {
        let lines = match event {
            Event::Entry(entry) => return self.record(&entry.record),
            // Whom a run waits for is told beside the story.
            Event::Starting { .. } | Event::RoundPlayed { .. } | Event::Thinking { .. } => return Vec::new(),
            Event::Waiting { agents, invitation } => by_hand::waiting(agents, invitation, self.width),
            Event::Spawned { agent, awaited } => self.spawned(agent, awaited.as_deref()),
            Event::Left { agent, how, again } => by_hand::left(agent, how, again.as_deref()),
            Event::Struck { agent, how, .. } => {
                // It is part of the round that is being told, after the fault that did it.
                let text = format!("{agent} {how}");
                self.page.struck.push(Line { tag: "STRUCK", style: ink::CHAOS, text });
                return Vec::new();
            }
            Event::Lost { agent, how, again } => by_hand::lost(agent, how, again.as_deref()),
            Event::GivenUp { agent, how, tries } => by_hand::given_up(agent, how, *tries, self.width),
            Event::Returned { agent, round } => vec![by_hand::returned(agent, *round)],
        };
        self.is_below_details = true;
        lines
    }

    fn spawned(&mut self, agent: &Agent, awaited: Option<&[Name]>) -> Vec<String> {
        if self.agents > AGENTS_MAX && self.detail < Detail::Verbose && awaited.is_none() {
            return self.spawned_among_many(agent);
        }
        let mut lines = self.agents_heading();
        let name_width = self.agent_width;
        let line = format!("  {:<TAG$}{:<name_width$}  PID {}", kind_tag(&agent.kind), agent.name, agent.pid);
        match awaited {
            Some(awaited) if awaited.len() > by_hand::NAMES_MAX => {
                lines.push(format!("{line:<50}  still awaited: {}", awaited.len()));
            }
            Some(awaited) => lines.extend([line, by_hand::still_awaited(awaited, self.width)]),
            None => lines.push(line),
        }
        lines
    }

    fn agents_heading(&mut self) -> Vec<String> {
        if std::mem::replace(&mut self.agents_announced, true) {
            return Vec::new();
        }
        vec![String::new(), layout::rule("Agents", self.width)]
    }

    /// A line a type, when all are there; later ones, which follow lost ones, by themselves.
    fn spawned_among_many(&mut self, agent: &Agent) -> Vec<String> {
        self.unannounced.push(agent.clone());
        let is_due = self.agents_announced || self.unannounced.len() == self.agents;
        if is_due { self.agents_by_type() } else { Vec::new() }
    }

    fn agents_by_type(&mut self) -> Vec<String> {
        if self.unannounced.is_empty() {
            return Vec::new();
        }
        let mut lines = self.agents_heading();
        let agents = std::mem::take(&mut self.unannounced);
        let mut kinds: Vec<&Name> = Vec::new();
        for agent in &agents {
            if !kinds.contains(&&agent.kind) {
                kinds.push(&agent.kind);
            }
        }
        for kind in kinds {
            let of_kind: Vec<&Agent> = agents.iter().filter(|agent| agent.kind == *kind).collect();
            let [first, .., last] = of_kind[..] else {
                let only = of_kind[0];
                lines.push(format!("  {:<TAG$}{}  PID {}", kind_tag(&only.kind), only.name, only.pid));
                continue;
            };
            let count = figure::count(of_kind.len() as u64);
            lines.push(format!(
                "  {:<TAG$}{count} processes, {} ... {}",
                kind_tag(&first.kind),
                first.name,
                last.name
            ));
        }
        lines
    }

    /// Takes a record in; all that there is to tell comes when its round is closed.
    fn record(&mut self, record: &Record) -> Vec<String> {
        if let Record::RoundClosed { round, total, good, burn_rate, .. } = record {
            return self.closed(*round, Requests { total: *total, good: *good }, *burn_rate);
        }
        self.servers.take(record);
        self.take(record);
        Vec::new()
    }

    /// One arm a record; those that nobody needs to see while it runs say nothing.
    fn take(&mut self, record: &Record) {
        match record {
            Record::FaultInjected { .. } => self.fault(record),
            Record::Volley { fault_kind, group, name, targets, .. } => {
                let together = group.zip(name.as_ref());
                let common =
                    together.map(|(by, name)| format!(" of {} {name}", by.name())).unwrap_or_default();
                let text =
                    format!("{fault_kind} hits {}{common}", figure::plural(targets.len() as u32, "server"));
                self.before("TOGETHER", ink::CHAOS, text);
            }
            Record::MessageAstray { message, server, sre, arrives_round, .. } => {
                let whose = sre.as_ref().map(|sre| format!("{sre}: ")).unwrap_or_default();
                let becomes = match arrives_round {
                    Some(round) => format!("late, until round {round}"),
                    None => "lost".to_owned(),
                };
                let text = format!("{whose}{} {server}, {becomes}", message_text(*message));
                // Metrics go astray every round.
                let detail = if *message == MessageKind::Telemetry { Detail::Full } else { Detail::Normal };
                if self.detail >= detail {
                    self.before("ASTRAY", ink::CHAOS, text);
                }
            }
            Record::FaultEnded { fault, fault_kind, target, how, .. } => {
                self.faults.remove(fault);
                self.before("ENDED", ink::PLAIN, format!("{fault_kind} on {target}, {}", end_text(*how)));
            }
            Record::FaultWitnessed { fault, .. } => self.witnessed(*fault),
            Record::AlertOpened { alert, server, metric, severity, value, .. } => {
                self.alerts.insert(*alert, (server.clone(), *metric));
                self.alert(Detail::Verbose, *severity, server, *metric, *value);
            }
            Record::AlertChanged { server, metric, severity, value, .. } => {
                self.alert(worth_telling(*severity), *severity, server, *metric, *value);
            }
            Record::AlertClosed { server, metric, value, alert, .. } => {
                self.alerts.remove(alert);
                let text = alert_text(server, *metric, *value);
                self.after_from(Detail::Full, "CALM", ink::PLAIN, text);
            }
            Record::AlertAcknowledged { alert, sre, .. } => self.acknowledged(*alert, sre),
            Record::Decided(decided) => self.decided(decided),
            Record::Diagnosed { sre, alerting, entity, cause, .. } => {
                self.after("DIAGNOSIS", ink::PLAIN, diagnosis(sre, alerting, entity, cause.as_ref()));
            }
            Record::ActionAccepted { sre, action, target, acts_round, .. } => {
                self.after(
                    "ACTION",
                    ink::STRONG,
                    format!("{sre}: {action} on {target}, acts in round {acts_round}"),
                );
            }
            Record::ActionRefused { sre, action, target, outcome, .. } => {
                let text = format!("{sre}: {action} on {target}: {}", outcome_text(*outcome));
                self.after("REFUSED", ink::FRAME, text);
            }
            Record::ActionActed { sre, action, target, outcome, .. } => {
                let text = format!("{sre}: {action} on {target} {}", outcome_text(*outcome));
                self.before("ACTED", of_outcome(*outcome), text);
            }
            // The header is told by the opening, the end by the ending, agents by their events.
            _ => {}
        }
    }

    fn before(&mut self, tag: &'static str, style: Style, text: String) {
        self.page.before.push(Line { tag, style, text });
    }

    fn after(&mut self, tag: &'static str, style: Style, text: String) {
        self.page.after.push(Line { tag, style, text });
    }

    fn after_from(&mut self, detail: Detail, tag: &'static str, style: Style, text: String) {
        if self.detail >= detail {
            self.after(tag, style, text);
        }
    }

    fn fault(&mut self, record: &Record) {
        let Record::FaultInjected { fault, fault_kind, target, service, rounds, .. } = record else { return };
        self.faults.insert(*fault, (fault_kind.clone(), target.clone()));
        let service = service.as_ref().map(|service| format!(" ({service})")).unwrap_or_default();
        let length = match rounds {
            Some(rounds) => format!("for {}", figure::plural(*rounds, "round")),
            None => "until it is cured".to_owned(),
        };
        self.before("CHAOS", ink::CHAOS, format!("{fault_kind} on {target}{service} {length}"));
    }

    fn witnessed(&mut self, fault: u32) {
        let Some((kind, target)) = self.faults.get(&fault) else { return };
        let text = format!("{kind} on {target} shows in telemetry");
        self.after_from(Detail::Full, "SYMPTOM", ink::CHAOS, text);
    }

    fn alert(&mut self, from: Detail, severity: Severity, server: &Name, metric: Metric, value: f64) {
        let word = match severity {
            Severity::Warning => "warning ",
            Severity::Critical => "critical",
        };
        let text = format!("{word}  {}", alert_text(server, metric, value));
        self.after_from(from, "ALERT", ink::of_severity(severity), text);
    }

    /// What a program said: that it did not answer, when that begins, and its reasons.
    fn decided(&mut self, decided: &Decided) {
        let Decided { sre, lapse, note, .. } = decided;
        let is_new = self.lapses.insert(sre.clone(), *lapse).flatten() != *lapse;
        if let Some(lapse) = lapse {
            let detail = if is_new { Detail::Normal } else { Detail::Verbose };
            self.after_from(detail, "NO ANSWER", ink::POOR, format!("{sre}: {}", lapse_text(*lapse)));
        }
        if !note.trim().is_empty() {
            let note = note.split_whitespace().collect::<Vec<_>>().join(" ");
            self.after_from(Detail::Verbose, "NOTE", ink::PLAIN, format!("{sre}: {note}"));
        }
    }

    fn acknowledged(&mut self, alert: u32, sre: &Name) {
        let Some((server, metric)) = self.alerts.get(&alert) else { return };
        let text = format!("{sre}: {server}  {}", metric.name());
        self.after_from(Detail::Full, "ACK", ink::PLAIN, text);
    }

    // ---- the round as a whole -----------------------------------------------------------------

    fn closed(&mut self, round: u32, requests: Requests, burn_rate: f64) -> Vec<String> {
        let page = std::mem::take(&mut self.page);
        let mut details = self.capped(page.before);
        details.extend(self.capped(page.struck));
        details.extend(self.servers.lines(self.detail, self.width));
        details.extend(self.capped(page.after));
        let rule = self.rule(round, requests, burn_rate);
        self.servers.turn_the_page();
        // Rules of quiet rounds follow each other; details are set apart.
        let blank = std::mem::replace(&mut self.is_below_details, !details.is_empty()).then(String::new);
        self.agents_by_type().into_iter().chain(blank).chain([rule]).chain(details).collect()
    }

    /// `── Round 4 of 15 ── 2 WARN, 1 DOWN ──────────── 876 of 1,171 served   74.80 %`
    fn rule(&self, round: u32, requests: Requests, burn_rate: f64) -> String {
        let title = format!("Round {round} of {}", self.rounds);
        let share = requests.availability_pct();
        let percent = format!("{:>8}", figure::percent(share));
        let style = match share {
            share if share >= self.sla_target => ink::PLAIN,
            share if share >= BADLY_SERVED => ink::POOR,
            _ => ink::BAD,
        };
        let burn =
            if self.detail >= Detail::Full { format!(", burn rate {burn_rate:.1}") } else { String::new() };
        let served = format!("{} of {}", figure::count(requests.good), figure::count(requests.total));
        let ends = [format!("{served} served{burn}  "), format!("{served}  "), String::new()]
            .map(|served| format!("{served}{}", paint(style, &percent)));
        // Where it is narrow, what comes first goes last.
        let middle = self.servers.counts();
        ends.iter()
            .find_map(|end| layout::rule_between(&title, &middle, end, self.width))
            .or_else(|| layout::rule_between(&title, "", &ends[2], self.width))
            .unwrap_or_else(|| format!("{title} {percent}"))
    }

    /// Of each sort of thing as many as one can follow.
    fn capped(&self, lines: Vec<Line>) -> Vec<String> {
        let mut told = Vec::with_capacity(lines.len());
        for sort in lines.chunk_by(|one, other| one.tag == other.tag) {
            let fits = sort.len() <= LINES_MAX || self.detail > Detail::Normal;
            let shown = if fits { sort.len() } else { LINES_MAX - 1 };
            for line in &sort[..shown] {
                told.extend(tagged_lines(line.tag, line.style, &line.text, self.width));
            }
            if shown < sort.len() {
                told.push(tagged("", ink::PLAIN, &format!("and {} more; -v tells them", sort.len() - shown)));
            }
        }
        told
    }
}

/// An alert that became worse is told to those who want single alerts, one that became better to
/// those who want all.
fn worth_telling(severity: Severity) -> Detail {
    match severity {
        Severity::Critical => Detail::Verbose,
        Severity::Warning => Detail::Full,
    }
}

fn kind_tag(kind: &str) -> String {
    format!("[{}]", kind.to_uppercase())
}

pub(super) fn tagged(tag: &str, style: Style, text: &str) -> String {
    let blanks = " ".repeat(TAG.saturating_sub(tag.chars().count()));
    format!("  {}{blanks}{text}", paint(style, tag))
}

/// A tag and its text, which goes on below itself where it is too long.
pub(super) fn tagged_lines(tag: &str, style: Style, text: &str, width: usize) -> Vec<String> {
    let lines = layout::wrapped(text, width.saturating_sub(TAG + 2));
    let line = |(index, line): (usize, &String)| {
        if index == 0 { tagged(tag, style, line) } else { tagged("", style, &format!("  {line}")) }
    };
    lines.iter().enumerate().map(line).collect()
}

/// What an SRE from outside failed at.
pub(crate) fn lapse_text(lapse: Lapse) -> &'static str {
    match lapse {
        Lapse::Late => "late",
        Lapse::Malformed => "malformed: no decision on this round",
        Lapse::Dead => "dead",
    }
}

/// What a message is, before the name of its server.
pub(crate) fn message_text(message: MessageKind) -> &'static str {
    match message {
        MessageKind::Telemetry => "metrics of",
        MessageKind::Commands => "command to",
        MessageKind::Results => "result from",
    }
}

/// How a fault ended.
pub(crate) fn end_text(how: FaultEnd) -> &'static str {
    match how {
        FaultEnd::Remedied => "remedied",
        FaultEnd::Expired => "expired",
    }
}

/// What an SRE said.
pub(crate) fn diagnosis(sre: &str, alerting: &str, entity: &str, cause: Option<&Name>) -> String {
    let symptom = if alerting == entity { String::new() } else { format!("{alerting} suffers from ") };
    let cause = cause.map(|cause| format!("{cause} on ")).unwrap_or_default();
    format!("{sre}: {symptom}{cause}{entity}")
}

fn of_outcome(outcome: ActionOutcome) -> Style {
    match outcome {
        ActionOutcome::Succeeded => ink::STRONG,
        ActionOutcome::Failed(_) => ink::BAD,
        ActionOutcome::Refused(_) => ink::FRAME,
    }
}

/// What came of an action.
pub(crate) fn outcome_text(outcome: ActionOutcome) -> &'static str {
    match outcome {
        ActionOutcome::Succeeded => "succeeded",
        ActionOutcome::Failed(Failure::Unlucky) => "failed",
        ActionOutcome::Failed(Failure::Unreachable) => "failed: the target is out of reach",
        ActionOutcome::Refused(refusal) => refusal_text(refusal),
    }
}

fn refusal_text(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Unknown => "no such action or server",
        Refusal::TooMany => "too many actions in one round",
        Refusal::NoAlert => "no open alert that it is for",
        Refusal::Settling => "the target is still settling",
        Refusal::Conflict => "another action on the target comes first",
        Refusal::Cooldown => "too soon after the last one",
        Refusal::NoStandby => "nothing to fail over to",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;
    use worlds::journal::Status;
    use worlds::message::RequestId;
    use worlds::round::Entry;

    /// A story of the default world, or of one with so many times its servers.
    fn story(flags: &str, times: usize) -> Story {
        let arguments = ["world", "run", "-n", "15"].into_iter().chain(flags.split_whitespace());
        let Command::Run(args) = Cli::try_parse_from(arguments).expect("good flags").command else {
            panic!("not a run");
        };
        let systems = worlds::definition::builtin::find("systems").expect("it is built in");
        let mut definition =
            worlds::definition::parse("systems.toml", systems.text).expect("it is good").definition;
        let servers = definition.servers.clone();
        for copy in 1..times {
            definition.servers.extend(servers.iter().cloned().map(|mut server| {
                server.name = format!("{}-{copy}", server.name);
                server
            }));
        }
        let config = RunConfig::decide(&args, "systems", definition, || 42).expect("it fits");
        Story::new(&config, 80)
    }

    fn plain(lines: Vec<String>) -> Vec<String> {
        lines.iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect()
    }

    /// What is told of a round with these records.
    fn round(story: &mut Story, records: impl IntoIterator<Item = Record>) -> Vec<String> {
        for record in records {
            let lines = story.lines(&Event::Entry(Entry { record, line: Vec::new() }));
            assert_eq!(lines, Vec::<String>::new(), "a round is told when it is closed");
        }
        let closed =
            Record::RoundClosed { round: 4, total: 1034, good: 1012, burn_rate: 21.3, hash: String::new() };
        plain(story.lines(&Event::Entry(Entry { record: closed, line: Vec::new() })))
    }

    /// The details of a round, below its rule.
    fn details(story: &mut Story, records: impl IntoIterator<Item = Record>) -> Vec<String> {
        let lines = round(story, records);
        lines.into_iter().skip_while(|line| line.is_empty()).skip(1).collect()
    }

    fn server(name: &str, status: Status, health: u32) -> Record {
        Record::Server {
            round: 4,
            server: name.into(),
            status,
            health,
            cpu_usage: 95.4,
            memory_usage: 31.2,
            error_rate: 12.25,
            latency_p99: 2310.7,
            disk_usage: 41.0,
            requests: 1034,
            services_down: 0,
            reachable: status != Status::Down,
            in_rotation: true,
            role: None,
        }
    }

    fn opened(server: &str, metric: Metric, value: f64) -> Record {
        let severity = Severity::Critical;
        Record::AlertOpened { round: 4, alert: 1, server: server.into(), metric, severity, value }
    }

    #[test]
    fn a_quiet_round_is_one_line() {
        let mut story = story("", 1);
        let calm = || [server("web-1", Status::Ok, 100), server("api-1", Status::Ok, 100)];
        let first = round(&mut story, calm());
        assert_eq!(
            first,
            ["", "── Round 4 of 15 ─────────────────────────────── 1,012 of 1,034 served   97.87 %"]
        );
        assert_eq!(round(&mut story, calm()).len(), 1, "quiet rounds follow each other");
    }

    #[test]
    fn a_server_is_told_when_it_changes_and_not_when_it_stays() {
        let mut story = story("", 1);
        let broken = || server("api-1", Status::Crit, 40);
        let alerts = [opened("api-1", Metric::CpuUsage, 95.4), opened("api-1", Metric::LatencyP99, 2310.7)];
        assert_eq!(
            details(&mut story, [broken()].into_iter().chain(alerts)),
            ["  CRIT       api-1       health  40   cpu_usage 95 %, latency_p99 2311 ms"]
        );
        assert_eq!(details(&mut story, [broken()]), [""; 0]);
        assert_eq!(
            details(&mut story, [server("api-1", Status::Ok, 100)]),
            ["  OK         api-1       health 100   was CRIT for 2 rounds"]
        );
        assert_eq!(
            details(&mut story, [server("api-1", Status::Down, 0)]),
            ["  DOWN       api-1       health   0   cut off"]
        );
    }

    #[test]
    fn the_rule_counts_servers_that_are_not_well() {
        let mut story = story("", 1);
        let told = round(&mut story, [server("web-1", Status::Ok, 100), server("api-1", Status::Crit, 40)]);
        assert_eq!(
            told[1],
            "── Round 4 of 15 ── 1 CRIT ───────────────────── 1,012 of 1,034 served   97.87 %"
        );
    }

    #[test]
    fn where_many_servers_change_their_tiers_are_told() {
        let mut story = story("", 4);
        let names: Vec<_> = (1..4)
            .flat_map(|copy| ["web-1", "web-2", "api-1"].map(|name| format!("{name}-{copy}")))
            .collect();
        let told = details(&mut story, names.iter().map(|name| server(name, Status::Crit, 40)));
        assert_eq!(
            told,
            [
                "  web        6 CRIT    87.75 % served   worst web-1-1, health 40",
                "  api        3 CRIT    87.75 % served   worst api-1-1, health 40",
            ]
        );
    }

    #[test]
    fn on_demand_every_server_has_its_metrics_within_eighty_columns() {
        let told = details(&mut story("-v", 1), [server("api-1", Status::Crit, 40)]);
        assert_eq!(told, ["  api-1       CRIT   40  cpu  95%  mem  31%  err  12.2%  p99  2311ms  disk  41%"]);
        assert!(told[0].chars().count() <= 80);
    }

    #[test]
    fn more_of_one_sort_than_one_can_follow_is_counted() {
        let diagnosis = |number: usize| Record::Diagnosed {
            round: 4,
            sre: "oncall".into(),
            alerting: format!("web-{number}").as_str().into(),
            entity: format!("web-{number}").as_str().into(),
            cause: None,
        };
        let told = details(&mut story("", 1), (0..6).map(diagnosis));
        assert_eq!(told.len(), 6);
        let told = details(&mut story("", 1), (0..20).map(diagnosis));
        assert_eq!((told.len(), &*told[5]), (6, "             and 15 more; -v tells them"));
        assert_eq!(details(&mut story("-v", 1), (0..20).map(diagnosis)).len(), 20);
    }

    #[test]
    fn a_fault_is_told_with_its_length() {
        let fault = |service: Option<&str>, rounds| Record::FaultInjected {
            round: 4,
            fault: 1,
            fault_kind: "service_crash".into(),
            target: "web-1".into(),
            service: service.map(Into::into),
            rounds,
        };
        assert_eq!(
            details(&mut story("", 1), [fault(Some("nginx"), Some(1)), fault(None, None)]),
            [
                "  CHAOS      service_crash on web-1 (nginx) for 1 round",
                "  CHAOS      service_crash on web-1 until it is cured"
            ]
        );
    }

    #[test]
    fn a_fault_that_ended_is_forgotten() {
        let mut story = story("", 1);
        let injected = |fault| Record::FaultInjected {
            round: 4,
            fault,
            fault_kind: "cpu_spike".into(),
            target: "web-1".into(),
            service: None,
            rounds: Some(1),
        };
        let ended = |fault| Record::FaultEnded {
            round: 5,
            fault,
            fault_kind: "cpu_spike".into(),
            target: "web-1".into(),
            how: FaultEnd::Expired,
        };
        round(&mut story, [injected(1), injected(2)]);
        round(&mut story, [ended(1)]);
        assert_eq!(story.faults.keys().collect::<Vec<_>>(), [&2]);
    }

    #[test]
    fn single_alerts_are_told_to_those_who_want_them() {
        let changed = |severity| Record::AlertChanged {
            round: 5,
            alert: 1,
            server: "api-1".into(),
            metric: Metric::CpuUsage,
            severity,
            value: 80.0,
        };
        let told = |flags, record: Record| details(&mut story(flags, 1), [record]);
        let open = || opened("api-1", Metric::LatencyP99, 2310.7);
        assert_eq!(told("", open()), [""; 0]);
        assert_eq!(told("-v", open()), ["  ALERT      critical  api-1  latency_p99 2311 ms"]);
        for (flags, severity, lines) in [
            ("", Severity::Critical, 0),
            ("-v", Severity::Critical, 1),
            ("-v", Severity::Warning, 0),
            ("-vv", Severity::Warning, 1),
        ] {
            assert_eq!(told(flags, changed(severity)).len(), lines, "{flags} {severity:?}");
        }
    }

    #[test]
    fn a_diagnosis_names_the_place_and_the_cause() {
        let claim = |entity: &str, cause: Option<&str>| Record::Diagnosed {
            round: 4,
            sre: "oncall".into(),
            alerting: "web-1".into(),
            entity: entity.into(),
            cause: cause.map(Into::into),
        };
        let claims =
            [claim("web-1", Some("cpu_spike")), claim("api-1", None), claim("api-1", Some("cpu_spike"))];
        assert_eq!(
            details(&mut story("", 1), claims),
            [
                "  DIAGNOSIS  oncall: cpu_spike on web-1",
                "  DIAGNOSIS  oncall: web-1 suffers from api-1",
                "  DIAGNOSIS  oncall: web-1 suffers from cpu_spike on api-1"
            ]
        );
    }

    #[test]
    fn a_program_that_does_not_answer_is_told_once_and_its_reasons_to_those_who_want_all() {
        let decided = |lapse, note: &str| {
            Record::Decided(Decided {
                round: 4,
                sre: "oncall".into(),
                lapse,
                note: note.to_owned(),
                acknowledged: Vec::new(),
                diagnoses: Vec::new(),
                actions: Vec::new(),
            })
        };
        let mut quiet = story("", 1);
        let late = || [decided(Some(Lapse::Late), "too much to read")];
        assert_eq!(details(&mut quiet, late()), ["  NO ANSWER  oncall: late"]);
        assert_eq!(details(&mut quiet, late()), [""; 0]);
        assert_eq!(details(&mut quiet, [decided(None, "")]), [""; 0]);
        assert_eq!(details(&mut quiet, late()), ["  NO ANSWER  oncall: late"]);
        let mut full = story("-vv", 1);
        let told = details(&mut full, [decided(None, "web-1 is\nhot")]);
        assert_eq!(told, ["  NOTE       oncall: web-1 is hot"]);
    }

    #[test]
    fn an_action_is_told_when_refused_and_carried_out() {
        let (sre, action, target): (Name, Name, Name) = ("oncall".into(), "rollback".into(), "api-1".into());
        let request = RequestId(1);
        let refused = Record::ActionRefused {
            round: 4,
            sre: sre.clone(),
            request,
            action: action.clone(),
            target: target.clone(),
            outcome: ActionOutcome::Refused(Refusal::Cooldown),
        };
        let acted = |outcome| Record::ActionActed {
            round: 5,
            sre: sre.clone(),
            request,
            action: action.clone(),
            target: target.clone(),
            outcome,
        };
        let unreachable = acted(ActionOutcome::Failed(Failure::Unreachable));
        assert_eq!(
            details(&mut story("", 1), [acted(ActionOutcome::Succeeded), unreachable, refused]),
            [
                "  ACTED      oncall: rollback on api-1 succeeded",
                "  ACTED      oncall: rollback on api-1 failed: the target is out of reach",
                "  REFUSED    oncall: rollback on api-1: too soon after the last one"
            ]
        );
    }

    #[test]
    fn agents_are_told_with_type_and_process_id() {
        let mut story = story("", 1);
        let agent = |name: &str, kind: &str, pid| Agent { name: name.into(), kind: kind.into(), pid };
        let spawned = |agent| Event::Spawned { agent, awaited: None };
        let first = story.lines(&spawned(agent("server-web-1", "web", 12345)));
        assert_eq!(first[2], "  [WEB]      server-web-1       PID 12345");
        let second = story.lines(&spawned(agent("sre-oncall", "sre", 12346)));
        assert_eq!(second, ["  [SRE]      sre-oncall         PID 12346"]);
    }

    #[test]
    fn many_agents_are_told_type_by_type_wherever_their_servers_stand() {
        let mut story = story("", 3);
        let kinds = ["web", "api", "web", "database", "api", "web"].into_iter().cycle();
        let servers = kinds.take(18).zip(1..).map(|(kind, pid)| (format!("server-{kind}-{pid}"), kind, pid));
        let agents = servers.chain([("sre-oncall".to_owned(), "sre", 19)]);
        let spawned = |(name, kind, pid): (String, &str, u32)| Event::Spawned {
            agent: Agent { name: name.into(), kind: kind.into(), pid },
            awaited: None,
        };
        let lines: Vec<String> = agents.flat_map(|agent| story.lines(&spawned(agent))).collect();
        assert_eq!(
            lines[2..],
            [
                "  [WEB]      9 processes, server-web-1 ... server-web-18",
                "  [API]      6 processes, server-api-2 ... server-api-17",
                "  [DATABASE] 3 processes, server-database-4 ... server-database-16",
                "  [SRE]      sre-oncall  PID 19",
            ]
        );
    }

    #[test]
    fn a_lost_agent_is_told_with_how_it_ended() {
        let lost =
            Event::Lost { agent: "server-web-1".into(), how: "killed by signal 9".to_owned(), again: None };
        let lines = plain(story("", 1).lines(&lost));
        assert_eq!(lines, ["  LOST       server-web-1: killed by signal 9"]);
    }
}
