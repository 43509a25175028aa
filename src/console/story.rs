//! The story of a run: what happens, as lines.
//!
//! Pure: an event in, lines out. What it remembers are only the names behind the numbers that
//! later records use, and how many rounds there will be.

use super::ink::{self, paint};
use super::{by_hand, figure, layout};
use crate::config::Detail;
use crate::event::{Agent, Event};
use anstyle::Style;
use std::collections::BTreeMap;
use worlds::definition::Role;
use worlds::id::Name;
use worlds::journal::{FaultEnd, Record};
use worlds::message::{ActionOutcome, Failure, Metric, Refusal, Severity};
use worlds::outcome::Requests;

/// Width of the word that says what sort of thing happened.
pub(super) const TAG: usize = 11;

/// Width of the longest name of a metric.
const METRIC: usize = "services_down".len();

/// Tells a run, event by event.
#[derive(Debug)]
pub(super) struct Story {
    width: usize,
    detail: Detail,
    /// Width of the longest name of a server.
    name_width: usize,
    rounds: u32,
    agents_announced: bool,
    alerts: BTreeMap<u32, (Name, Metric)>,
    faults: BTreeMap<u32, (Name, Name)>,
    /// Alerts of the round so far: they are told below the servers.
    held: Vec<String>,
    /// Each server's part in its service when it was first told.
    first_roles: BTreeMap<Name, Option<Role>>,
}

impl Story {
    /// A story about to begin.
    pub(super) fn new(rounds: u32, name_width: usize, width: usize, detail: Detail) -> Self {
        Self {
            width,
            detail,
            name_width,
            rounds,
            agents_announced: false,
            alerts: BTreeMap::new(),
            faults: BTreeMap::new(),
            held: Vec::new(),
            first_roles: BTreeMap::new(),
        }
    }

    /// Leaves out the heading above the agents.
    pub(super) fn announce_no_agents(&mut self) {
        self.agents_announced = true;
    }

    /// What there is to say of an event.
    pub(super) fn lines(&mut self, event: &Event) -> Vec<String> {
        match event {
            Event::Waiting { agents, invitation } => by_hand::waiting(agents, invitation, self.width),
            Event::Spawned { agent, awaited } => self.spawned(agent, awaited.as_deref()),
            Event::Left { agent, how, again } => by_hand::left(agent, how, again.as_deref()),
            Event::Lost { agent, how, again } => by_hand::lost(agent, how, again.as_deref()),
            Event::Returned { agent, round } => vec![by_hand::returned(agent, *round)],
            Event::Entry(entry) => self.record(&entry.record),
        }
    }

    fn spawned(&mut self, agent: &Agent, awaited: Option<&[Name]>) -> Vec<String> {
        let heading =
            (!self.agents_announced).then(|| vec![String::new(), layout::rule("Agents", self.width)]);
        self.agents_announced = true;
        let kind = format!("[{}]", agent.kind.to_uppercase());
        let name_width = self.name_width + "server-".len();
        let line = format!("  {kind:<TAG$}{:<name_width$}  PID {}", agent.name, agent.pid);
        let awaited = awaited.map(|awaited| by_hand::still_awaited(awaited, self.width));
        heading.into_iter().flatten().chain([line]).chain(awaited).collect()
    }

    /// Servers first, and below them their alerts, which the journal has between them.
    fn record(&mut self, record: &Record) -> Vec<String> {
        let lines = self.told(record);
        match record {
            Record::Server { .. } => lines,
            Record::AlertOpened { .. } | Record::AlertChanged { .. } | Record::AlertClosed { .. } => {
                self.held.extend(lines);
                Vec::new()
            }
            _ => std::mem::take(&mut self.held).into_iter().chain(lines).collect(),
        }
    }

    /// One arm a record; those that nobody needs to see while it runs say nothing.
    fn told(&mut self, record: &Record) -> Vec<String> {
        let line = match record {
            Record::RoundOpened { round, .. } => return self.round(*round),
            Record::Server { .. } => self.server(record),
            Record::FaultInjected { .. } => self.fault(record),
            Record::FaultEnded { fault_kind, target, how, .. } => Some(ended(fault_kind, target, *how)),
            Record::FaultWitnessed { fault, .. } => self.witnessed(*fault),
            Record::AlertOpened { alert, server, metric, severity, value, .. } => {
                self.alerts.insert(*alert, (server.clone(), *metric));
                Some(self.alert(*severity, server, *metric, *value))
            }
            Record::AlertChanged { server, metric, severity, value, .. } => self
                .seen_from(worth_telling(*severity))
                .then(|| self.alert(*severity, server, *metric, *value)),
            Record::AlertClosed { server, metric, value, alert, .. } => {
                self.alerts.remove(alert);
                self.seen_from(Detail::Verbose).then(|| self.calm(server, *metric, *value))
            }
            Record::AlertAcknowledged { alert, sre, .. } => self.acknowledged(*alert, sre),
            Record::Diagnosed { sre, alerting, entity, cause, .. } => {
                Some(tagged("DIAGNOSIS", ink::SRE, &diagnosis(sre, alerting, entity, cause.as_ref())))
            }
            Record::ActionAccepted { sre, action, target, acts_round, .. } => {
                let text = format!("{sre}: {action} on {target}, acts in round {acts_round}");
                Some(tagged("ACTION", ink::SRE, &text))
            }
            Record::ActionRefused { sre, action, target, outcome, .. } => {
                let text = format!("{sre}: {action} on {target}: {}", outcome_text(*outcome));
                Some(tagged("REFUSED", ink::FRAME, &text))
            }
            Record::ActionActed { sre, action, target, outcome, .. } => {
                let text = format!("{sre}: {action} on {target} {}", outcome_text(*outcome));
                Some(tagged("ACTED", of_outcome(*outcome), &text))
            }
            Record::RoundClosed { total, good, burn_rate, .. } => {
                Some(self.closed(Requests { total: *total, good: *good }, *burn_rate))
            }
            // The header is told by the opening, the end by the ending, a lost agent by its event.
            Record::Header { .. }
            | Record::AgentLost { .. }
            | Record::AgentReturned { .. }
            | Record::Incident { .. }
            | Record::SreAccount { .. }
            | Record::RunEnded { .. } => None,
        };
        line.into_iter().collect()
    }

    fn seen_from(&self, detail: Detail) -> bool {
        self.detail >= detail
    }

    fn round(&self, round: u32) -> Vec<String> {
        vec![String::new(), layout::rule(&format!("Round {round} of {}", self.rounds), self.width)]
    }

    fn server(&mut self, record: &Record) -> Option<String> {
        let Record::Server { server, status, health, cpu_usage: cpu, role, .. } = record else {
            return None;
        };
        let shown = paint(ink::of_status(*status), &format!("{:<4}", status_text(*status)));
        let name_width = self.name_width;
        let figures = match self.detail {
            Detail::Verbose => format!("{health:>3}{}", all_metrics(record)),
            _ => format!("health {health:>3}   cpu {cpu:>3.0} %"),
        };
        let first_role = *self.first_roles.entry(server.clone()).or_insert(*role);
        let notes = server_notes(record, role.filter(|role| Some(*role) != first_role));
        let notes = if notes.is_empty() { notes } else { format!("   {notes}") };
        Some(format!("  {server:<name_width$}  {shown}  {figures}{notes}"))
    }

    fn fault(&mut self, record: &Record) -> Option<String> {
        let Record::FaultInjected { fault, fault_kind, target, service, rounds, .. } = record else {
            return None;
        };
        self.faults.insert(*fault, (fault_kind.clone(), target.clone()));
        let service = service.as_ref().map(|service| format!(" ({service})")).unwrap_or_default();
        let length = match rounds {
            Some(rounds) => format!("for {}", figure::plural(*rounds, "round")),
            None => "until it is cured".to_owned(),
        };
        Some(tagged("CHAOS", ink::CHAOS, &format!("{fault_kind} on {target}{service} {length}")))
    }

    fn witnessed(&self, fault: u32) -> Option<String> {
        let (kind, target) = self.faults.get(&fault)?;
        let text = format!("{kind} on {target} shows in telemetry");
        self.seen_from(Detail::Verbose).then(|| tagged("SYMPTOM", ink::CHAOS, &text))
    }

    fn alert(&self, severity: Severity, server: &str, metric: Metric, value: f64) -> String {
        let word = match severity {
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        };
        tagged("ALERT", ink::of_severity(severity), &self.measured(word, server, metric, value))
    }

    fn calm(&self, server: &str, metric: Metric, value: f64) -> String {
        tagged("CALM", ink::GOOD, &self.measured("", server, metric, value))
    }

    fn measured(&self, word: &str, server: &str, metric: Metric, value: f64) -> String {
        let (name_width, value) = (self.name_width, figure::metric(metric, value));
        format!("{word:<8}  {server:<name_width$}  {:<METRIC$}  {value:>8}", metric.name())
    }

    fn acknowledged(&self, alert: u32, sre: &str) -> Option<String> {
        let (server, metric) = self.alerts.get(&alert)?;
        let text = format!("{sre}: {server}  {}", metric.name());
        self.seen_from(Detail::Verbose).then(|| tagged("ACK", ink::SRE, &text))
    }

    fn closed(&self, requests: Requests, burn_rate: f64) -> String {
        let served = format!(
            "{} of {} served, {}",
            figure::count(requests.good),
            figure::count(requests.total),
            figure::percent(requests.availability_pct())
        );
        let burn = if self.seen_from(Detail::Verbose) {
            format!(", burn rate {burn_rate:.1}")
        } else {
            String::new()
        };
        tagged("USERS", ink::FRAME, &format!("{served}{burn}"))
    }
}

/// An alert that became worse is told to everybody, one that became better to those who want all.
fn worth_telling(severity: Severity) -> Detail {
    match severity {
        Severity::Critical => Detail::Normal,
        Severity::Warning => Detail::Verbose,
    }
}

pub(super) fn tagged(tag: &str, style: Style, text: &str) -> String {
    format!("  {}{text}", paint(style, &format!("{tag:<TAG$}")))
}

fn status_text(status: worlds::journal::Status) -> &'static str {
    use worlds::journal::Status;
    match status {
        Status::Ok => "OK",
        Status::Warn => "WARN",
        Status::Crit => "CRIT",
        Status::Down => "DOWN",
    }
}

/// The five metrics, narrow enough for 80 columns.
fn all_metrics(record: &Record) -> String {
    let Record::Server { cpu_usage, memory_usage, error_rate, latency_p99, disk_usage, .. } = record else {
        return String::new();
    };
    format!(
        "  cpu {cpu_usage:>3.0}%  mem {memory_usage:>3.0}%  err {error_rate:>5.1}%  \
         p99 {latency_p99:>5.0}ms  disk {disk_usage:>3.0}%"
    )
}

/// What figures do not say.
fn server_notes(record: &Record, new_role: Option<Role>) -> String {
    let Record::Server { services_down, reachable, in_rotation, .. } = record else {
        return String::new();
    };
    let role = new_role.map(|role| match role {
        Role::Primary => "now primary".to_owned(),
        Role::Replica => "now replica".to_owned(),
    });
    let cut_off = (!reachable).then(|| "cut off".to_owned());
    let down = (*services_down > 0).then(|| format!("{} down", figure::plural(*services_down, "service")));
    let resting = (!in_rotation).then(|| "out of rotation".to_owned());
    [cut_off, down, resting, role].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn ended(kind: &str, target: &str, how: FaultEnd) -> String {
    let (style, how) = match how {
        FaultEnd::Remedied => (ink::GOOD, "remedied"),
        FaultEnd::Expired => (ink::FRAME, "expired"),
    };
    tagged("ENDED", style, &format!("{kind} on {target}, {how}"))
}

fn diagnosis(sre: &str, alerting: &str, entity: &str, cause: Option<&Name>) -> String {
    let symptom = if alerting == entity { String::new() } else { format!("{alerting} suffers from ") };
    let cause = cause.map(|cause| format!("{cause} on ")).unwrap_or_default();
    format!("{sre}: {symptom}{cause}{entity}")
}

fn of_outcome(outcome: ActionOutcome) -> Style {
    match outcome {
        ActionOutcome::Succeeded => ink::GOOD,
        ActionOutcome::Failed(_) => ink::BAD,
        ActionOutcome::Refused(_) => ink::FRAME,
    }
}

fn outcome_text(outcome: ActionOutcome) -> &'static str {
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
    use worlds::journal::Status;
    use worlds::message::RequestId;
    use worlds::round::Entry;

    fn story(detail: Detail) -> Story {
        Story::new(15, "db-primary".len(), 80, detail)
    }

    fn tell(story: &mut Story, record: Record) -> Vec<String> {
        let lines = story.lines(&Event::Entry(Entry { record, line: Vec::new() }));
        lines.iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect()
    }

    fn server(status: Status, health: u32, reachable: bool) -> Record {
        Record::Server {
            round: 4,
            server: "api-1".into(),
            status,
            health,
            cpu_usage: 95.4,
            memory_usage: 31.2,
            error_rate: 12.25,
            latency_p99: 2310.7,
            disk_usage: 41.0,
            requests: 1034,
            services_down: 0,
            reachable,
            in_rotation: true,
            role: None,
        }
    }

    #[test]
    fn a_server_shows_status_health_and_cpu() {
        let lines = tell(&mut story(Detail::Normal), server(Status::Crit, 40, true));
        assert_eq!(lines, ["  api-1       CRIT  health  40   cpu  95 %"]);
    }

    #[test]
    fn a_server_that_is_cut_off_says_so() {
        let lines = tell(&mut story(Detail::Normal), server(Status::Down, 0, false));
        assert_eq!(lines, ["  api-1       DOWN  health   0   cpu  95 %   cut off"]);
    }

    #[test]
    fn in_detail_every_metric_fits_eighty_columns() {
        let lines = tell(&mut story(Detail::Verbose), server(Status::Crit, 40, true));
        assert_eq!(
            lines,
            ["  api-1       CRIT   40  cpu  95%  mem  31%  err  12.2%  p99  2311ms  disk  41%"]
        );
        assert!(lines[0].chars().count() <= 80);
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
        let mut story = story(Detail::Normal);
        let crash = tell(&mut story, fault(Some("nginx"), Some(1)));
        assert_eq!(crash, ["  CHAOS      service_crash on web-1 (nginx) for 1 round"]);
        assert_eq!(
            tell(&mut story, fault(None, None)),
            ["  CHAOS      service_crash on web-1 until it is cured"]
        );
    }

    #[test]
    fn an_alert_shows_its_value_and_unit() {
        let opened = Record::AlertOpened {
            round: 4,
            alert: 1,
            server: "api-1".into(),
            metric: Metric::LatencyP99,
            severity: Severity::Critical,
            value: 2310.7,
        };
        let mut story = story(Detail::Normal);
        assert!(tell(&mut story, opened).is_empty(), "it waits for the servers below it");
        assert_eq!(tell(&mut story, server(Status::Ok, 100, true)).len(), 1);
        let closed = Record::RoundClosed { round: 4, total: 1, good: 1, burn_rate: 0.0, hash: String::new() };
        assert_eq!(tell(&mut story, closed)[0], "  ALERT      critical  api-1       latency_p99     2311 ms");
    }

    #[test]
    fn an_alert_that_got_better_is_only_a_detail() {
        let changed = |severity| Record::AlertChanged {
            round: 5,
            alert: 1,
            server: "api-1".into(),
            metric: Metric::CpuUsage,
            severity,
            value: 80.0,
        };
        let told = |detail, severity| story(detail).told(&changed(severity)).len();
        assert_eq!(told(Detail::Normal, Severity::Warning), 0);
        assert_eq!(told(Detail::Normal, Severity::Critical), 1);
        assert_eq!(told(Detail::Verbose, Severity::Warning), 1);
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
        let mut story = story(Detail::Normal);
        let mut told = |record| tell(&mut story, record).remove(0);
        assert_eq!(told(claim("web-1", Some("cpu_spike"))), "  DIAGNOSIS  oncall: cpu_spike on web-1");
        assert_eq!(told(claim("api-1", None)), "  DIAGNOSIS  oncall: web-1 suffers from api-1");
        assert_eq!(
            told(claim("api-1", Some("cpu_spike"))),
            "  DIAGNOSIS  oncall: web-1 suffers from cpu_spike on api-1"
        );
    }

    #[test]
    fn an_action_is_told_when_asked_refused_and_carried_out() {
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
        let mut story = story(Detail::Normal);
        let mut told = |record| tell(&mut story, record).remove(0);
        assert_eq!(told(refused), "  REFUSED    oncall: rollback on api-1: too soon after the last one");
        assert_eq!(told(acted(ActionOutcome::Succeeded)), "  ACTED      oncall: rollback on api-1 succeeded");
        assert_eq!(
            told(acted(ActionOutcome::Failed(Failure::Unreachable))),
            "  ACTED      oncall: rollback on api-1 failed: the target is out of reach"
        );
    }

    #[test]
    fn a_round_begins_with_a_rule_and_ends_with_its_users() {
        let mut story = story(Detail::Normal);
        let opened = tell(&mut story, Record::RoundOpened { round: 4, requests: 1034 });
        assert!(opened[1].starts_with("── Round 4 of 15 ──"), "{opened:?}");
        let hash = String::new();
        let closed = Record::RoundClosed { round: 4, total: 1034, good: 1012, burn_rate: 21.3, hash };
        assert_eq!(tell(&mut story, closed), ["  USERS      1,012 of 1,034 served, 97.87 %"]);
    }

    #[test]
    fn agents_are_told_with_type_and_process_id() {
        let mut story = story(Detail::Normal);
        let agent = |name: &str, kind: &str, pid| Agent { name: name.into(), kind: kind.into(), pid };
        let spawned = |agent| Event::Spawned { agent, awaited: None };
        let first = story.lines(&spawned(agent("server-web-1", "web", 12345)));
        assert_eq!(first[2], "  [WEB]      server-web-1       PID 12345");
        let second = story.lines(&spawned(agent("sre-oncall", "sre", 12346)));
        assert_eq!(second, ["  [SRE]      sre-oncall         PID 12346"]);
    }

    #[test]
    fn a_lost_agent_is_told_with_how_it_ended() {
        let lost =
            Event::Lost { agent: "server-web-1".into(), how: "killed by signal 9".to_owned(), again: None };
        let lines = story(Detail::Normal).lines(&lost);
        assert_eq!(
            anstream::adapter::strip_str(&lines[0]).to_string(),
            "  LOST       server-web-1: killed by signal 9"
        );
    }
}
