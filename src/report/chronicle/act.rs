//! Actions, counted for each SRE and action.

use super::Faults;
use crate::console::outcome_text;
use std::collections::BTreeMap;
use worlds::id::Name;
use worlds::journal::Record;
use worlds::message::{ActionOutcome, Failure};

/// What became of one sort of action of one SRE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ActTally {
    /// Asked for.
    pub asked: u32,
    /// Not carried out.
    pub refused: u32,
    /// Carried out.
    pub succeeded: u32,
    /// Carried out in vain: the dice.
    pub unlucky: u32,
    /// Carried out in vain: the target was out of reach.
    pub unreachable: u32,
    /// Carried out, or in vain, on a target on which no fault was in force.
    pub on_healthy: u32,
}

/// All actions.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Acts {
    tallies: BTreeMap<(Name, Name), ActTally>,
    /// Why actions were not carried out, and how often.
    refusals: BTreeMap<&'static str, u32>,
    /// Since they were last asked for.
    succeeded: u32,
    failed: u32,
}

impl Acts {
    pub(super) fn take(&mut self, record: &Record, faults: &Faults) {
        match record {
            Record::ActionAccepted { sre, action, .. } => self.tally(sre, action).asked += 1,
            Record::ActionRefused { sre, action, outcome, .. } => {
                *self.refusals.entry(outcome_text(*outcome)).or_default() += 1;
                let tally = self.tally(sre, action);
                tally.asked += 1;
                tally.refused += 1;
            }
            Record::ActionActed { sre, action, target, outcome, .. } => {
                let is_healthy = faults.on(target).next().is_none();
                let tally = self.tally(sre, action);
                tally.on_healthy += u32::from(is_healthy);
                match outcome {
                    ActionOutcome::Succeeded => tally.succeeded += 1,
                    ActionOutcome::Failed(Failure::Unlucky) => tally.unlucky += 1,
                    ActionOutcome::Failed(Failure::Unreachable) => tally.unreachable += 1,
                    ActionOutcome::Refused(_) => tally.refused += 1,
                }
                match outcome {
                    ActionOutcome::Succeeded => self.succeeded += 1,
                    _ => self.failed += 1,
                }
            }
            _ => {}
        }
    }

    fn tally(&mut self, sre: &Name, action: &Name) -> &mut ActTally {
        self.tallies.entry((sre.clone(), action.clone())).or_default()
    }

    /// Those that succeeded since this was last asked.
    pub(super) fn take_succeeded(&mut self) -> u32 {
        std::mem::take(&mut self.succeeded)
    }

    /// Those that came to nothing since this was last asked.
    pub(super) fn take_failed(&mut self) -> u32 {
        std::mem::take(&mut self.failed)
    }

    /// Why actions were not carried out, and how often; the most frequent first.
    pub(crate) fn refusals(&self) -> Vec<(&'static str, u32)> {
        let mut refusals: Vec<_> = self.refusals.iter().map(|(why, times)| (*why, *times)).collect();
        refusals.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
        refusals
    }

    /// By SRE and action.
    pub(crate) fn tallies(&self) -> &BTreeMap<(Name, Name), ActTally> {
        &self.tallies
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use worlds::message::{Refusal, RequestId};

    #[test]
    fn what_becomes_of_an_action_is_counted_once() {
        let (mut acts, faults) = (Acts::default(), Faults::default());
        let (sre, action, target): (Name, Name, Name) = ("oncall".into(), "rollback".into(), "web-1".into());
        let request = RequestId(1);
        let acted = |outcome| Record::ActionActed {
            round: 2,
            sre: sre.clone(),
            request,
            action: action.clone(),
            target: target.clone(),
            outcome,
        };
        let (named, on) = ((sre.clone(), action.clone()), target.clone());
        let asked = Record::ActionAccepted {
            round: 1,
            sre: named.0.clone(),
            request,
            action: named.1.clone(),
            target: on.clone(),
            acts_round: 2,
        };
        let refused = Record::ActionRefused {
            round: 1,
            sre: named.0.clone(),
            request,
            action: named.1.clone(),
            target: on,
            outcome: ActionOutcome::Refused(Refusal::Cooldown),
        };
        for record in [
            asked.clone(),
            asked,
            refused,
            acted(ActionOutcome::Succeeded),
            acted(ActionOutcome::Failed(Failure::Unreachable)),
        ] {
            acts.take(&record, &faults);
        }
        let told = ActTally { asked: 3, refused: 1, succeeded: 1, unlucky: 0, unreachable: 1, on_healthy: 2 };
        assert_eq!(acts.tallies()[&named], told);
        assert_eq!(acts.refusals(), [("too soon after the last one", 1)]);
        assert_eq!((acts.take_succeeded(), acts.take_failed(), acts.take_failed()), (1, 1, 0));
    }
}
