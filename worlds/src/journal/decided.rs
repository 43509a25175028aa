//! What an SRE decided whose mind is none of ours: an input of the run, so the journal holds it whole.
//!
//! Everything is told by name, so that people can read it, and can be fed back: [`Decided::give`] makes
//! the decision again that [`Decided::of`] wrote down.

use crate::id::Name;
use crate::message::{ActionRequest, AlertId, Decision, Diagnosis, Lapse, RequestId};
use crate::names::Names;
use serde::{Deserialize, Serialize};

/// A decision as the journal has it. What does not exist is told as it was typed, or as `#7` where it was
/// given by a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// The round that it answers.
    pub round: u32,
    /// Whose.
    pub sre: Name,
    /// Why there is less in it than may have been meant.
    pub lapse: Option<Lapse>,
    /// What was said of its reasons.
    pub note: String,
    /// Alerts that somebody looks after now.
    pub acknowledged: Vec<AlertId>,
    /// What is held to be wrong, and where.
    pub diagnoses: Vec<Claimed>,
    /// What is to be done.
    pub actions: Vec<Asked>,
}

/// A claim, by names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimed {
    /// The server whose alerts are explained.
    pub alerting: Name,
    /// The server at fault.
    pub entity: Name,
    /// The kind of fault; `None` when the claim is only the place.
    pub cause: Option<Name>,
}

/// A wish to act, by names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Its number.
    pub request: RequestId,
    /// What to do.
    pub action: Name,
    /// With which server.
    pub target: Name,
    /// A slow hand: acts one round later than it could.
    pub late: bool,
}

impl Decided {
    /// The decision of an SRE, written down.
    pub fn of(sre: Name, decision: &Decision, names: &Names) -> Self {
        // Without `..`: whoever adds a field has to say how it is fed back.
        let Decision { round, acknowledged, diagnoses, actions, lapse, note, unknown } = decision;
        let claimed = |claim: &Diagnosis| Claimed {
            alerting: names.server(claim.alerting, unknown),
            entity: names.server(claim.entity, unknown),
            cause: claim.cause.map(|cause| names.kind(cause, unknown)),
        };
        let asked = |asked: &ActionRequest| Asked {
            request: asked.request,
            action: names.action(asked.action, unknown),
            target: names.server(asked.target, unknown),
            late: asked.late,
        };
        Self {
            round: *round,
            sre,
            lapse: *lapse,
            note: note.clone(),
            acknowledged: acknowledged.clone(),
            diagnoses: diagnoses.iter().map(claimed).collect(),
            actions: actions.iter().map(asked).collect(),
        }
    }

    /// Gives the decision again, to a run of the same world: it writes over `decision`.
    pub fn give(&self, names: &Names, decision: &mut Decision) {
        decision.begin(self.round);
        let Decision { acknowledged, diagnoses, actions, unknown, .. } = decision;
        acknowledged.extend_from_slice(&self.acknowledged);
        diagnoses.extend(self.diagnoses.iter().map(|claim| Diagnosis {
            alerting: names.server_id(&claim.alerting, unknown),
            entity: names.server_id(&claim.entity, unknown),
            cause: claim.cause.as_ref().map(|cause| names.kind_id(cause, unknown)),
        }));
        actions.extend(self.actions.iter().map(|asked| ActionRequest {
            request: asked.request,
            action: names.action_id(&asked.action, unknown),
            target: names.server_id(&asked.target, unknown),
            late: asked.late,
        }));
        decision.lapse = self.lapse;
        decision.say(&self.note);
    }
}
