//! What a run came to: the counts and times from which every report is made.
//!
//! Plain values, filled in by the ledger when the run is over. Definitions (what is good, what an
//! incident is, when it counts as mitigated) are in `docs/model.md`, section Accounting.

use crate::definition::{SkillName, SreKind};
use crate::id::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a run came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Rounds that were played to their end; fewer than planned when the run was interrupted.
    pub rounds: u32,
    /// Simulated seconds of a round.
    pub round_seconds: f64,
    /// Users' requests of the whole run.
    pub requests: Requests,
    /// Mean over rounds of the share of good requests, each round counting alike, percent; 100 when
    /// there was none.
    pub availability_mean_of_rounds_pct: f64,
    /// The promise, percent.
    pub sla_target_pct: f64,
    /// Each server, in the order of the world file.
    pub servers: Vec<ServerOutcome>,
    /// What became of the faults.
    pub faults: FaultCounts,
    /// Alerts.
    pub alerts: AlertCounts,
    /// Faults that were witnessed, by onset.
    pub incidents: Vec<Incident>,
    /// Actions of all SREs.
    pub actions: ActionCounts,
    /// Each SRE, by name.
    pub sres: Vec<SreOutcome>,
    /// For each injected fault, in the order of injection: rounds in which it was suffered, that
    /// is, in force and neither cured nor relieved. The same faults come in every run of a seed.
    pub suffered_rounds: Vec<u32>,
    /// Extra capacity held, as a share of the world's capacity over the whole run.
    pub capacity_held: f64,
    /// Availability in percent, less the price of `capacity_held`: what the score compares.
    pub utility: f64,
    /// Processes that were lost without chaos having done it.
    pub lost_agents: Vec<Name>,
    /// The steady state, when a warm-up was asked for and played to its end.
    pub steady_state: Option<SteadyState>,
    /// Why the run ended before its time, if the drill asked for that.
    pub stopped: Option<Stopped>,
}

/// What a world showed in its warm-up, while nothing hit it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SteadyState {
    /// Rounds of the warm-up.
    pub rounds: u32,
    /// Users' requests of these rounds.
    pub requests: Requests,
    /// Good requests over all requests of these rounds, percent.
    pub availability_pct: f64,
    /// Alerts that opened.
    pub alerts: u32,
    /// Whether this is what the drill expects of a world in order; else the run is invalid.
    pub held: bool,
}

/// Why a run ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stopped {
    /// The last round.
    pub round: u32,
    /// Which limit was reached.
    pub reason: StopReason,
    /// What it was then, percent.
    pub value_pct: f64,
    /// The limit, percent.
    pub limit_pct: f64,
}

/// Which limit of harm was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The error budget of all planned rounds was spent to this share.
    BudgetSpent,
    /// A critical alert was open on this share of the servers.
    BlastRadius,
}

/// A count of users' requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Requests {
    /// First attempts at the entry.
    pub total: u64,
    /// Answered without error within the timeout.
    pub good: u64,
}

impl Requests {
    /// Good requests over all requests, percent; 100 when there were none.
    pub fn availability_pct(self) -> f64 {
        if self.total == 0 { 100.0 } else { 100.0 * self.good as f64 / self.total as f64 }
    }
}

/// A server over the whole run.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerOutcome {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub kind: Name,
    /// Rounds in which it was reachable with all its services running.
    pub up_rounds: u32,
    /// Rounds that it was in the world.
    pub rounds: u32,
}

/// What became of the faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FaultCounts {
    /// Injected by chaos or script.
    pub injected: u32,
    /// Seen to take effect.
    pub witnessed: u32,
    /// Hidden from their first round to their last by another fault.
    pub masked: u32,
    /// Neither: chaos did not land, and the run is invalid.
    #[serde(skip)]
    pub unseen: u32,
}

/// Alerts over the whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertCounts {
    /// Opened.
    pub opened: u32,
    /// Opened without a fault behind them.
    #[serde(rename = "false")]
    pub false_alarms: u32,
}

/// Actions over the whole run. `requested` = `refused` + `failed` + `succeeded` + those that had
/// not acted yet when the run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActionCounts {
    /// Asked for.
    pub requested: u32,
    /// Not carried out.
    pub refused: u32,
    /// Carried out in vain.
    pub failed: u32,
    /// Carried out.
    pub succeeded: u32,
}

/// An SRE over the whole run.
#[derive(Clone, Debug, PartialEq)]
pub struct SreOutcome {
    /// Its name.
    pub name: Name,
    /// How it decides.
    pub kind: SreKind,
    /// How well.
    pub skill: Option<SkillName>,
    /// Requests that would have been good but for its actions.
    pub harm_requests: u64,
    /// Actions carried out on a target that had no fault which they cure or relieve.
    pub unneeded_actions: u32,
    /// Its claims.
    pub diagnosis: DiagnosisCounts,
    /// Its decisions that were missing.
    pub lapses: LapseCounts,
}

/// Rounds in which an SRE decided nothing, because it did not answer as it should.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LapseCounts {
    /// There was no answer in time, or nobody waited for it any longer.
    pub late: u32,
    /// What was said was no answer to the round.
    pub malformed: u32,
    /// Whoever should have answered was no longer there.
    pub dead: u32,
}

impl LapseCounts {
    /// All of them.
    pub fn all(self) -> u32 {
        self.late + self.malformed + self.dead
    }
}

/// Claims about incidents, held against the truth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiagnosisCounts {
    /// Claims made; the same claim in a row counts once.
    pub claims: u32,
    /// Of which named a server that had a fault.
    pub right_entity: u32,
    /// Of which named that fault's kind, too.
    pub right_kind: u32,
}

/// A witnessed fault and its times, in rounds; `null` where it did not happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// Number of the fault, from 1 in the order of injection.
    pub id: u32,
    /// Kind of the fault.
    #[schemars(with = "String")]
    pub kind: Name,
    /// The server it hit.
    #[schemars(with = "String")]
    pub target: Name,
    /// First round of the fault.
    pub onset_round: u32,
    /// First alert on the target, or on a server that its harm reaches.
    pub detected_round: Option<u32>,
    /// First acknowledgement of such an alert.
    pub acknowledged_round: Option<u32>,
    /// First round in which an action acted on the target.
    pub first_action_round: Option<u32>,
    /// First right claim of entity and kind.
    pub diagnosed_round: Option<u32>,
    /// First round from which the entry's success kept to the objective until the resolution;
    /// `null` if users were never hurt (`hurt_users`), or hurt to the end.
    pub mitigated_round: Option<u32>,
    /// Whether users were served below the objective in a round in which the fault was in force.
    pub hurt_users: bool,
    /// First round without the fault.
    pub resolved_round: Option<u32>,
    /// How it came to its end.
    pub resolution: Resolution,
}

/// How an incident came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// An action cured the fault.
    Remedied,
    /// The fault ended by itself.
    Expired,
    /// The run ended first.
    Open,
}
