//! What is sent to a webhook and with a ping.

use crate::crew::foreman::Notice;
use crate::heartbeat::Beat;
use jiff::Timestamp;
use serde::Serialize;

/// Who says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sender {
    /// The configuration, as it was named.
    pub daemon: String,
    /// Since when it lives: with a message's number it makes its id.
    pub started: Timestamp,
}

/// Whether something begins or is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It has come about.
    Firing,
    /// It is over.
    Resolved,
}

/// How urgent it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody has to look at it.
    Critical,
    /// Somebody should, some time.
    Warning,
    /// It is good to know.
    Info,
}

/// A message for a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// The same for each try of one message, and for no other.
    pub id: String,
    /// What has happened: `cooldown`, `target_missed`, `breach`, `emergency_stop`.
    pub event: &'static str,
    /// Whether it begins or is over.
    pub state: State,
    /// How urgent it is.
    pub severity: Severity,
    /// A sentence for people; chats show it as it is.
    pub text: String,
    /// When.
    pub at: Timestamp,
    /// Who says it.
    #[serde(flatten)]
    pub sender: Sender,
    /// What there is to say by figures.
    pub details: serde_json::Value,
}

impl Message {
    /// Of a notice, the so-manieth of this sender.
    pub fn of(notice: &Notice, sender: &Sender, number: u64, at: Timestamp) -> Self {
        use Severity::{Critical, Info, Warning};
        use State::{Firing, Resolved};
        let name = &sender.daemon;
        let (event, state, severity, text, details) = match notice {
            Notice::Cooldown { failures, because } => (
                "cooldown",
                Firing,
                Critical,
                format!("{name}: {failures} cycles in a row have failed, cooling down: {because}"),
                serde_json::json!({ "failures": failures, "because": because }),
            ),
            Notice::Recovered => {
                ("cooldown", Resolved, Info, format!("{name}: cycles succeed again"), serde_json::json!({}))
            }
            Notice::TargetMissed { date, made, least } => (
                "target_missed",
                Firing,
                Warning,
                format!("{name}: {date} came to {made} requests, of {least} at the least"),
                serde_json::json!({ "date": date, "made": made, "least": least }),
            ),
            Notice::Breach { cycle, breaches } => (
                "breach",
                Firing,
                Critical,
                format!("{name}: {breaches} guardrail tests were let through, the last in cycle {cycle}"),
                serde_json::json!({ "cycle": cycle, "breaches": breaches }),
            ),
            Notice::EmergencyStop(Some(why)) => (
                "emergency_stop",
                Firing,
                Critical,
                format!("{name}: the emergency stop is enabled: {why}"),
                serde_json::json!({ "why": why }),
            ),
            Notice::EmergencyStop(None) => (
                "emergency_stop",
                Resolved,
                Info,
                format!("{name}: the emergency stop is disabled"),
                serde_json::json!({}),
            ),
        };
        let id = format!("{}-{number}", sender.started.as_millisecond());
        Self { id, event, state, severity, text, at, sender: sender.clone(), details }
    }
}

/// What a ping carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ping<'b> {
    /// Who pings.
    #[serde(flatten)]
    pub sender: &'b Sender,
    /// The heartbeat.
    #[serde(flatten)]
    pub beat: &'b Beat,
}

impl<'b> Ping<'b> {
    /// Of a heartbeat.
    pub fn of(beat: &'b Beat, sender: &'b Sender) -> Self {
        Self { sender, beat }
    }
}
