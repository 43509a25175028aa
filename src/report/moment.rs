//! What happened in a round, in words.

use super::chronicle::{Moment, Truth};
use crate::console::{self, figure};
use worlds::message::Severity;

/// What sort of thing happened: one word, as on the console.
pub(crate) fn tag(moment: &Moment) -> &'static str {
    match moment {
        Moment::Together { .. } => "together",
        Moment::FaultBegan { .. } => "chaos",
        Moment::FaultEnded { .. } => "ended",
        Moment::Astray { .. } => "astray",
        Moment::Alert { severity: Severity::Critical, .. } => "critical",
        Moment::Alert { severity: Severity::Warning, .. } => "warning",
        Moment::Diagnosed { .. } => "diagnosis",
        Moment::Asked { .. } => "action",
        Moment::Refused { .. } => "refused",
        Moment::Acted { .. } => "acted",
        Moment::AgentLost { .. } => "lost",
        Moment::AgentReturned { .. } => "back",
    }
}

/// What happened.
pub(crate) fn text(moment: &Moment) -> String {
    match moment {
        Moment::Together { kind, group, targets } => {
            let group =
                group.as_ref().map(|(by, name)| format!(" of {} {name}", by.name())).unwrap_or_default();
            format!("{kind} hits {}{group}", figure::plural(*targets as u32, "server"))
        }
        Moment::FaultBegan { fault, kind, target, service, rounds } => {
            let service = service.as_ref().map(|service| format!(" ({service})")).unwrap_or_default();
            let length = match rounds {
                Some(rounds) => format!("for {}", figure::plural(*rounds, "round")),
                None => "until it is cured".to_owned(),
            };
            format!("#{fault} {kind} on {target}{service} {length}")
        }
        Moment::FaultEnded { fault, kind, target, how } => {
            format!("#{fault} {kind} on {target}, {}", console::end_text(*how))
        }
        Moment::Astray { message, server, sre, arrives_round } => {
            let whose = sre.as_ref().map(|sre| format!("{sre}: ")).unwrap_or_default();
            let becomes = match arrives_round {
                Some(round) => format!("late, until round {round}"),
                None => "lost".to_owned(),
            };
            format!("{whose}{} {server}, {becomes}", console::message_text(*message))
        }
        Moment::Alert { server, metric, value, .. } => {
            format!("{server} {} {}", metric.name(), figure::metric(*metric, *value))
        }
        Moment::Diagnosed { sre, alerting, entity, cause, truth } => {
            format!("{}{}", console::diagnosis(sre, alerting, entity, cause.as_ref()), aside(truth))
        }
        Moment::Asked { sre, action, target, acts_round } => {
            format!("{sre}: {action} on {target}, acts in round {acts_round}")
        }
        Moment::Refused { sre, action, target, outcome } => {
            format!("{sre}: {action} on {target}: {}", console::outcome_text(*outcome))
        }
        Moment::Acted { sre, action, target, outcome } => {
            format!("{sre}: {action} on {target} {}", console::outcome_text(*outcome))
        }
        Moment::AgentLost { agent } => format!("the process of {agent} is gone"),
        Moment::AgentReturned { agent } => format!("{agent} has a process again"),
    }
}

/// What was true, where a diagnosis was wrong.
fn aside(truth: &Truth) -> String {
    match truth {
        Truth::Right | Truth::Place => String::new(),
        Truth::OtherKind(kind) => format!(" (wrong: it had {kind})"),
        Truth::NoFault => " (wrong: it had no fault)".to_owned(),
    }
}
