//! What programs are told and what they answer: JSON Lines, by names.
//!
//! | line | to or from the program | when |
//! |---|---|---|
//! | [`Greeting`] | to | once, before the first round |
//! | [`Observe`] | to | at the end of each round |
//! | [`Decide`] | from | once for each [`Observe`] |
//!
//! The same messages serve whoever else thinks from outside. What travels here and what is true in the model
//! are kept apart, and meet in `super::translation`; only what a world file says of kinds and actions is
//! told as it stands there. New fields may come at any time, and programs pass over those that they do not
//! know; a field that goes or changes its meaning counts [`SCHEMA`] up. What programs say is held to the
//! letter, for a misspelt `actions` would otherwise be a program that never acts and never learns why.

use schemars::{JsonSchema, Schema, SchemaGenerator, schema_for};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use worlds::definition::{self, Role};
use worlds::id::Name;
use worlds::message::{Metric, Metrics, Severity};

/// The version of these messages.
pub const SCHEMA: u32 = 1;

// ---- to a program -----------------------------------------------------------------------------

/// The first line: the architecture, the runbook, and the rules.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "The first line that a program is told as an SRE of the flight simulator `world`")]
pub struct Greeting {
    /// Which line this is.
    #[serde(rename = "type")]
    pub tag: GreetingTag,
    /// The version of these messages.
    pub schema: u32,
    /// The SRE's name.
    #[schemars(with = "String")]
    pub name: Name,
    /// Rounds of the run.
    pub rounds: u32,
    /// Simulated seconds of a round.
    pub round_seconds: f64,
    /// Seconds for an answer: one that comes later counts as none. `null`: it is waited for.
    pub deadline_seconds: Option<f64>,
    /// What holds for all actions.
    pub rules: Rules,
    /// The service at which users' requests arrive.
    #[schemars(with = "String")]
    pub entry: Name,
    /// What alerts are about.
    pub metrics: Vec<MetricFacts>,
    /// The services.
    pub services: Vec<ServiceFacts>,
    /// The servers.
    pub servers: Vec<ServerFacts>,
    /// What can go wrong, as a runbook lists it: the catalogue, not what happened.
    pub kinds: Vec<AsWritten<definition::ChaosKind>>,
    /// What can be done.
    pub actions: Vec<ActionFacts>,
}

/// What holds for all actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Rules {
    /// Actions that may be asked for in one round; those after them are refused as `too_many`.
    pub actions_per_round: u32,
    /// Rounds of rest for a target after an action acted on it.
    pub pause_rounds: u32,
}

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MetricFacts {
    /// Its name.
    pub name: Metric,
    /// The unit of its values.
    pub unit: Unit,
    /// A warning opens here; `null` for those that are critical at once.
    pub warning: Option<f64>,
    /// A critical alert opens here.
    pub critical: Option<f64>,
}

/// The unit of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "they are what they say")]
pub enum Unit {
    Percent,
    Milliseconds,
    Services,
    Rounds,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ServiceFacts {
    /// Its name.
    #[schemars(with = "String")]
    pub name: Name,
    /// The services that it calls.
    #[schemars(with = "Vec<String>")]
    pub calls: Vec<Name>,
    /// Whether it answers from memory.
    pub cache: bool,
    /// The servers that run it.
    #[schemars(with = "Vec<String>")]
    pub servers: Vec<Name>,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ServerFacts {
    /// Its name.
    #[schemars(with = "String")]
    pub name: Name,
    /// Its type.
    #[serde(rename = "type")]
    #[schemars(with = "String")]
    pub kind: Name,
    /// What it runs.
    #[schemars(with = "Vec<String>")]
    pub services: Vec<Name>,
    /// Whether a second network path exists that a failover can switch to.
    pub backup_link: bool,
}

/// An action: what the world file says of it, and what follows.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ActionFacts {
    /// As the world file has it; `remedy.cures` are the kinds of faults that it ends.
    #[serde(flatten)]
    pub action: AsWritten<definition::Action>,
    /// Kinds of faults that it relieves without ending them, where its target has what that takes (a replica
    /// to promote, a backup link).
    #[schemars(with = "Vec<String>")]
    pub relieves: Vec<Name>,
}

/// A round's line: what telemetry shows, and what became of the program's own actions.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "What a program is told of a round as an SRE of the flight simulator `world`")]
pub struct Observe {
    /// Which line this is.
    #[serde(rename = "type")]
    pub tag: ObserveTag,
    /// The round, from 1. The answer repeats it.
    pub round: u32,
    /// Each server, in the order of the greeting.
    pub servers: Vec<ServerSeen>,
    /// Alerts that are open, oldest first.
    pub alerts: Vec<AlertSeen>,
    /// What cannot be asked for again yet.
    pub cooldowns: Vec<CooldownSeen>,
    /// What became of its own actions, since it was told the last time.
    pub results: Vec<ResultTold>,
    /// What was wrong with its last answers, for people and for those who read as people do.
    pub problems: Vec<String>,
}

/// A server as telemetry shows it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ServerSeen {
    /// Its name.
    #[schemars(with = "String")]
    pub name: Name,
    /// The last metrics that arrived; `null` before any did.
    pub metrics: Option<Metrics>,
    /// Rounds since they arrived; 0: this round's.
    pub age_rounds: u32,
    /// Whether they are too old to be trusted.
    pub stale: bool,
    /// Its part in a replicated service now.
    pub role: Option<Role>,
    /// Whether the balancer may send it traffic.
    pub in_rotation: bool,
    /// Rounds for which it takes no further action, because one is under way or just acted.
    pub settling_rounds: u32,
}

/// An open alert.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AlertSeen {
    /// Its number.
    pub id: u32,
    /// The server that it is about.
    #[schemars(with = "String")]
    pub server: Name,
    /// What crossed its threshold.
    pub metric: Metric,
    /// How bad it is now.
    pub severity: Severity,
    /// The value now, in the metric's unit.
    pub value: f64,
    /// When it opened.
    pub opened_round: u32,
    /// When it opened or last became worse.
    pub since_round: u32,
    /// Whether an SRE acknowledged it.
    pub acknowledged: bool,
}

/// An action that cannot be asked for again yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CooldownSeen {
    /// The action.
    #[schemars(with = "String")]
    pub action: Name,
    /// Of this server.
    #[schemars(with = "String")]
    pub target: Name,
    /// Rounds left; 1: from the next round on.
    pub rounds_left: u32,
}

/// What became of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ResultTold {
    /// The number of the request: they are counted from 1, in the order in which they were asked.
    pub request: u32,
    /// What was asked for, as it was written.
    #[schemars(with = "String")]
    pub action: Name,
    /// Of which server.
    #[schemars(with = "String")]
    pub target: Name,
    /// What came of it.
    pub outcome: Outcome,
    /// Why, unless it succeeded.
    pub reason: Option<Reason>,
}

/// What came of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Carried out.
    Succeeded,
    /// Carried out in vain, at full cost.
    Failed,
    /// Not carried out, at no cost.
    Refused,
}

/// Why an action did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Failed: its success rate is below 1.
    Unlucky,
    /// Failed: the target was cut off when it should have acted, or its process was gone.
    Unreachable,
    /// Refused: no such action or server.
    Unknown,
    /// Refused: more than `rules.actions_per_round`.
    TooMany,
    /// Refused: the target has no open alert, or none of those that the action needs.
    NoAlert,
    /// Refused: an action on the target is under way or just acted.
    Settling,
    /// Refused: another action on the same target was asked for in the same round.
    Conflict,
    /// Refused: too soon after the same action on the same target.
    Cooldown,
    /// Refused: nothing to fail over to.
    NoStandby,
}

// ---- from a program ---------------------------------------------------------------------------

/// A program's line: what it thinks and wants. Everything but the round may be left out, or be `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "What a program answers as an SRE of the flight simulator `world`")]
pub struct Decide {
    /// Which line this is; there is no other.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<DecideTag>,
    /// The round that it answers.
    pub round: u32,
    /// Numbers of alerts that somebody looks after now.
    #[serde(default, deserialize_with = "or_default")]
    #[schemars(with = "Option<Vec<u32>>")]
    pub acknowledge: Vec<u32>,
    /// What it holds to be wrong, and where; one for each server that alerts.
    #[serde(default, deserialize_with = "or_default")]
    #[schemars(with = "Option<Vec<Diagnosis>>")]
    pub diagnoses: Vec<Diagnosis>,
    /// What it wants done, the most important first.
    #[serde(default, deserialize_with = "or_default")]
    #[schemars(with = "Option<Vec<Action>>")]
    pub actions: Vec<Action>,
    /// What it says of its reasons, for people; cut at 1,000 characters.
    #[serde(default, deserialize_with = "or_default")]
    #[schemars(with = "Option<String>")]
    pub note: String,
}

/// A claim: this is what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Diagnosis {
    /// The server whose alerts are explained.
    pub alerting: String,
    /// The server at fault; left out when it is the same.
    #[serde(default)]
    pub entity: Option<String>,
    /// The kind of fault; left out when the claim is only the place.
    #[serde(default)]
    pub cause: Option<String>,
}

/// A wish to act.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// What to do.
    pub action: String,
    /// With which server.
    pub target: String,
}

/// `null` stands for nothing, as in languages whose empty list is written so.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

// ---- what lines are called --------------------------------------------------------------------

macro_rules! tag {
    ($(#[$doc:meta])* $tag:ident, $variant:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        #[expect(missing_docs, reason = "there is one")]
        pub enum $tag {
            #[default]
            $variant,
        }
    };
}

tag!(
    /// `"greeting"`
    GreetingTag,
    Greeting
);
tag!(
    /// `"observe"`
    ObserveTag,
    Observe
);
tag!(
    /// `"decide"`
    DecideTag,
    Decide
);

/// Something as a world file writes it: what is left out has its default there, and here.
#[derive(Clone, Debug, PartialEq)]
pub struct AsWritten<T>(pub T);

impl<T: Serialize> Serialize for AsWritten<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut value = serde_json::to_value(&self.0).map_err(serde::ser::Error::custom)?;
        leave_out_defaults(&mut value);
        value.serialize(serializer)
    }
}

impl<T: JsonSchema> JsonSchema for AsWritten<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

fn leave_out_defaults(value: &mut Value) {
    let Value::Object(fields) = value else { return };
    fields.values_mut().for_each(leave_out_defaults);
    fields.retain(|_, value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    });
}

// ---- schemas ----------------------------------------------------------------------------------

/// The JSON Schema of [`Greeting`].
pub fn greeting_schema() -> Schema {
    schema_for!(Greeting)
}

/// The JSON Schema of [`Observe`].
pub fn observe_schema() -> Schema {
    schema_for!(Observe)
}

/// The JSON Schema of [`Decide`].
pub fn decide_schema() -> Schema {
    schema_for!(Decide)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Decide, String> {
        serde_json::from_str(line).map_err(|error| error.to_string())
    }

    #[test]
    fn everything_but_the_round_may_be_left_out_or_be_null() {
        let bare = Decide { round: 3, ..Decide::default() };
        for line in [
            r#"{"round":3}"#,
            r#"{"round":3,"acknowledge":[],"diagnoses":[],"actions":[],"note":""}"#,
            r#"{"round":3,"acknowledge":null,"diagnoses":null,"actions":null,"note":null,"type":null}"#,
        ] {
            assert_eq!(read(line), Ok(bare.clone()), "{line}");
        }
        let said = Decide { tag: Some(DecideTag::Decide), ..bare };
        assert_eq!(read(r#"{"type":"decide","round":3}"#), Ok(said));
    }

    #[test]
    fn what_is_misspelt_is_told_and_not_passed_over() {
        for (line, said) in [
            (r#"{"round":3,"action":[]}"#, "unknown field `action`"),
            (
                r#"{"round":3,"actions":[{"action":"rollback","target":"a","why":"x"}]}"#,
                "unknown field `why`",
            ),
            (r#"{"round":3,"actions":[{"action":"rollback"}]}"#, "missing field `target`"),
            (r#"{"round":3,"diagnoses":[{"entity":"a"}]}"#, "missing field `alerting`"),
            (r#"{"actions":[]}"#, "missing field `round`"),
            (r#"{"round":-1}"#, "invalid value"),
            (r#"{"round":3}{"round":4}"#, "trailing characters"),
            (r#"{"round":3,"round":4}"#, "duplicate field"),
            (r#"{"type":"observe","round":3}"#, "unknown variant"),
            ("null", "invalid type"),
        ] {
            let error = read(line).expect_err(line);
            assert!(error.contains(said), "{line}: {error}");
        }
    }

    #[test]
    fn a_world_files_defaults_are_left_out_and_its_figures_are_not() {
        let mut value = serde_json::json!({
            "name": "x", "probability": 0.0, "gradual": false, "types": [], "description": "",
            "effect": { "cpu_floor": 95.0, "process": null, "unreachable": true, "bus": {} },
        });
        leave_out_defaults(&mut value);
        let left = serde_json::json!({
            "name": "x", "probability": 0.0, "effect": { "cpu_floor": 95.0, "unreachable": true },
        });
        assert_eq!(value, left);
    }
}
