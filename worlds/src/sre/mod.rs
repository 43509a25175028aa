//! Minds that are pure: what an SRE makes of an observation.
//!
//! [`rules`] reads symptoms and follows the runbook, with the skill that its brief says; `none`
//! does nothing. Both see only what telemetry shows. [`oracle`] is told the truth beside it, by a
//! type of its own, and never runs behind a bus.
//!
//! [`exploit`] holds those that try to win without thinking.
//!
//! What all of them share: [`study`] is what they make of their runbook before the first round,
//! [`impact`] says how much hangs on a server, and [`runbook`] which action fits a cause.

pub mod exploit;
pub mod impact;
pub mod oracle;
pub mod rules;
pub mod runbook;
pub mod study;
pub mod symptoms;

use crate::definition::SreKind;
use crate::message::{ActionResult, Decision, Observation, SreBrief};
use std::sync::Arc;
use study::Study;

/// A mind that needs nothing but what telemetry shows.
#[derive(Debug)]
pub enum Mind {
    /// Does nothing.
    None,
    /// Follows the rules.
    Rules(Box<rules::Rules>),
    /// Tries a trick.
    Exploit(Box<exploit::Exploit>),
}

impl Mind {
    /// A mind at the start of its shift.
    ///
    /// # Panics
    /// When the brief is the oracle's, which does not run behind a bus, that of a program, which thinks
    /// for itself, or one of rules without a skill, which no plan makes.
    pub fn new(brief: &SreBrief) -> Self {
        Self::after(Arc::new(Study::of(Arc::clone(&brief.runbook))), brief)
    }

    /// As [`Mind::new`], by somebody who has studied the brief's runbook before.
    pub fn after(study: Arc<Study>, brief: &SreBrief) -> Self {
        match brief.kind {
            SreKind::None => Mind::None,
            SreKind::Rules => Mind::Rules(Box::new(rules::Rules::new(study, brief))),
            SreKind::Oracle => panic!("the oracle is told the truth: see `oracle`"),
            SreKind::Exec => panic!("a program thinks for itself: see `inline::Outside`"),
            _ => Mind::Exploit(Box::new(exploit::Exploit::new(study, brief))),
        }
    }

    /// Begins its shift in another run of the same world; whoever has the rules keeps them.
    pub fn restart(&mut self, study: &Arc<Study>, brief: &SreBrief) {
        match (&mut *self, brief.kind) {
            (Mind::Rules(rules), SreKind::Rules) => rules.restart(brief),
            _ => *self = Self::after(Arc::clone(study), brief),
        }
    }

    /// What it makes of one round, and of what became of its actions. It writes over `decision`.
    pub fn decide(&mut self, seen: &Observation, results: &[ActionResult], decision: &mut Decision) {
        decision.begin(seen.round);
        match self {
            Mind::None => {}
            Mind::Rules(rules) => rules.decide(seen, results, decision),
            Mind::Exploit(exploit) => exploit.decide(seen, decision),
        }
    }
}
