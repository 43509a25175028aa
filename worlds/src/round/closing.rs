//! How a round closes: decisions are taken in, requests checked, and the round is booked; and how the
//! run ends.

use super::{Phase, Round};
use crate::change::Pending;
use crate::definition::SreKind;
use crate::id::{KindId, ServerId, SreId};
use crate::incident::Fault;
use crate::journal::{Record, figure};
use crate::message::{ActionOutcome, ActionRequest, Decision, Diagnosis, Refusal, UnknownNames};
use crate::outcome::{FaultCounts, Outcome, Requests};

impl Round {
    /// Takes the decisions of all SREs, in order (an empty one for whoever is silent), and closes
    /// the round. What an SRE decides whose process does not run is not heard.
    pub fn close(&mut self, decisions: &[Decision]) {
        let Phase::Observed(requests) = self.phase else { panic!("a round is closed after it was observed") };
        for (sre, decision) in
            decisions.iter().enumerate().map(|(sre, decision)| (SreId::from(sre), decision))
        {
            if self.is_present(sre) {
                self.note_decided(sre, decision);
                self.acknowledge(sre, decision);
                self.take_claims(sre, decision);
            }
        }
        self.take_requests(decisions);
        self.book(requests);
        self.phase = Phase::Closed;
    }

    /// Books what users got of the round.
    fn book(&mut self, requests: Requests) {
        let target_pct = self.world.definition.sla_target;
        self.ledger.close_round(requests);
        if requests.availability_pct() < target_pct {
            self.faults.users_were_hurt(self.number);
        }
        let hash = self.journal_hash();
        self.write(|round| Record::RoundClosed {
            round: round.number,
            total: requests.total,
            good: requests.good,
            burn_rate: figure(burn_rate(requests, target_pct)),
            hash,
        });
        self.look_at_drill();
    }

    /// Takes a decision down that follows from nothing that the run knows, and counts one that is missing.
    fn note_decided(&mut self, sre: SreId, decision: &Decision) {
        if let Some(lapse) = decision.lapse {
            self.ledger.lapse(sre, lapse);
        }
        if self.plan.sres[sre.index()].kind == SreKind::Exec {
            self.write_decided(sre, decision);
        }
    }

    fn acknowledge(&mut self, sre: SreId, decision: &Decision) {
        for alert in &decision.acknowledged {
            if self.alerts.acknowledge(*alert) {
                self.write(|round| Record::AlertAcknowledged {
                    round: round.number,
                    alert: alert.0,
                    sre: round.sre_name(sre),
                });
            }
        }
        if !decision.acknowledged.is_empty() {
            self.detect();
        }
    }

    fn take_claims(&mut self, sre: SreId, decision: &Decision) {
        let mut claims = std::mem::take(&mut self.scratch.claims);
        claims.clear();
        for claim in &decision.diagnoses {
            // One explanation for a server that alerts: who names everything knows nothing.
            let explained = claims.iter().any(|other: &Diagnosis| other.alerting == claim.alerting);
            if self.makes_sense(claim) && !explained {
                claims.push(*claim);
            }
        }
        for claim in &claims {
            let right = self.faults.claimed(self.number, claim.entity, claim.cause);
            if self.ledger.is_new_claim(sre, claim) {
                self.ledger.claim(sre, right);
                self.write_claim(sre, claim);
            }
        }
        self.ledger.remember_claims(sre, &claims);
        self.scratch.claims = claims;
    }

    /// Whether a claim is about what exists, and explains a server that alerts.
    fn makes_sense(&self, claim: &Diagnosis) -> bool {
        let exists = |server: ServerId| server.index() < self.servers.len();
        let is_kind = |cause: KindId| cause.index() < self.world.definition.chaos.len();
        exists(claim.alerting)
            && exists(claim.entity)
            && claim.cause.is_none_or(is_kind)
            && !self.alerts.on(claim.alerting).is_empty()
    }

    fn take_requests(&mut self, decisions: &[Decision]) {
        let mut requests = std::mem::take(&mut self.scratch.requests);
        let mut verdicts = std::mem::take(&mut self.scratch.verdicts);
        requests.clear();
        verdicts.clear();
        for (sre, decision) in
            decisions.iter().enumerate().map(|(sre, decision)| (SreId::from(sre), decision))
        {
            if self.is_present(sre) {
                let numbers = decision.actions.iter().map(|action| action.request.0);
                let last = &mut self.last_requests[sre.index()];
                *last = numbers.fold(*last, u32::max);
                requests.extend(decision.actions.iter().map(|request| (sre, *request)));
            }
        }
        self.check(&requests, &mut verdicts);
        for ((sre, request), verdict) in requests.iter().zip(&verdicts) {
            self.ledger.actions.requested += 1;
            match verdict {
                Ok(pending) => self.write_accepted(pending),
                Err(refusal) => self.refuse(*sre, request, *refusal, &decisions[sre.index()].unknown),
            }
        }
        self.scratch.requests = requests;
        self.scratch.verdicts = verdicts;
    }

    fn check(&mut self, requests: &[(SreId, ActionRequest)], verdicts: &mut Vec<Result<Pending, Refusal>>) {
        let mut standbys = std::mem::take(&mut self.scratch.standbys);
        standbys.clear();
        let exist = requests.iter().map(|(_, request)| request.target);
        let exist = exist.filter(|target| target.index() < self.servers.len());
        standbys.extend(exist.map(|target| (target, self.standby(target))));
        let standby = |target: ServerId| {
            let found = standbys.iter().find(|(server, _)| *server == target);
            found.expect("the standby of every target was looked up").1
        };
        self.changes.ask(&self.world, self.number, requests, &self.alerts, standby, verdicts);
        self.scratch.standbys = standbys;
    }

    fn refuse(&mut self, sre: SreId, request: &ActionRequest, refusal: Refusal, unknown: &UnknownNames) {
        self.ledger.actions.refused += 1;
        let outcome = ActionOutcome::Refused(refusal);
        self.tell(sre, request, outcome);
        self.write_refused(sre, request, outcome, unknown);
    }

    // ---- the end ------------------------------------------------------------------------------

    /// Ends the run, whether or not all planned rounds were played: writes the last records
    /// (fetch them with [`Round::take_entries`] afterwards) and gives the outcome.
    pub fn finish(&mut self) -> Outcome {
        assert!(
            matches!(self.phase, Phase::Closed),
            "a run is finished once, after its last round was closed"
        );
        self.phase = Phase::Finished;
        let mut outcome = self.ledger.outcome(&self.world, &self.plan, self.alerts.opened());
        let injected = self.faults.injected();
        outcome.faults = fault_counts(injected);
        outcome.suffered_rounds = injected.iter().map(|fault| fault.suffered_rounds).collect();
        outcome.incidents =
            injected.iter().filter_map(|fault| fault.incident(&self.world, outcome.rounds)).collect();
        self.write_end(&outcome);
        outcome
    }
}

/// How many times faster than allowed a round spent the error budget; the objective leaves none
/// at 100 %, then any failure burns at the rate of all.
fn burn_rate(requests: Requests, target_pct: f64) -> f64 {
    let bad = 100.0 - requests.availability_pct();
    let allowed = 100.0 - target_pct;
    if allowed > 0.0 { bad / allowed } else { bad }
}

fn fault_counts(injected: &[Fault]) -> FaultCounts {
    let count = |which: fn(&Fault) -> bool| {
        u32::try_from(injected.iter().filter(|fault| which(fault)).count()).expect("faults fit 32 bits")
    };
    let (witnessed, masked) = (count(|fault| fault.witnessed), count(|fault| fault.is_masked()));
    let injected = count(|_| true);
    FaultCounts { injected, witnessed, masked, unseen: injected - witnessed - masked }
}
