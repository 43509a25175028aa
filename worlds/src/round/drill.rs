//! What a drill asks of a run: its warm-up is held against the steady-state hypothesis, and the run is
//! stopped where it does more harm than the drill allows.

use super::Round;
use crate::journal::{Record, figure};
use crate::message::Severity;
use crate::outcome::{Requests, SteadyState, StopReason, Stopped};

impl Round {
    /// After a round was booked.
    pub(super) fn look_at_drill(&mut self) {
        let drill = self.plan.drill;
        if self.number == drill.warm_up {
            self.conclude_warm_up();
        } else if self.number > drill.warm_up {
            self.stop_if_too_bad();
        }
    }

    /// Whether the run is over before its time.
    pub(super) fn was_ended_by_drill(&self) -> bool {
        let is_in_order = self.ledger.steady_state.is_none_or(|seen| seen.held);
        !is_in_order || self.ledger.stopped.is_some()
    }

    fn conclude_warm_up(&mut self) {
        let hypothesis = self.plan.drill.hypothesis;
        let (requests, alerts) = (self.ledger.requests(), self.alerts.opened());
        let availability_pct = requests.availability_pct();
        let least = hypothesis.availability_pct.unwrap_or(self.world.definition.sla_target);
        let held = availability_pct >= least && alerts <= hypothesis.alerts;
        let seen = SteadyState { rounds: self.number, requests, availability_pct, alerts, held };
        self.ledger.steady_state = Some(seen);
        self.write(|round| Record::SteadyState {
            round: round.number,
            total: requests.total,
            good: requests.good,
            alerts,
            held,
        });
    }

    fn stop_if_too_bad(&mut self) {
        let stop = self.plan.drill.stop;
        let reached = |reason, limit: Option<f64>, value: fn(&Self) -> f64| {
            let limit_pct = limit?;
            let value_pct = value(self);
            let stopped = Stopped { round: self.number, reason, value_pct, limit_pct };
            (value_pct >= limit_pct).then_some(stopped)
        };
        let stopped = reached(StopReason::BudgetSpent, stop.budget_spent_pct, Self::budget_spent_pct)
            .or_else(|| reached(StopReason::BlastRadius, stop.blast_radius_pct, Self::blast_radius_pct));
        if let Some(Stopped { reason, value_pct, limit_pct, .. }) = stopped {
            self.ledger.stopped = stopped;
            let value_pct = figure(value_pct);
            self.write(|round| Record::RunStopped { round: round.number, reason, value_pct, limit_pct });
        }
    }

    /// Of the error budget of all planned rounds, should users come as they came so far. A budget
    /// below one request counts as one.
    fn budget_spent_pct(&self) -> f64 {
        let Requests { total, good } = self.ledger.requests();
        let planned = total as f64 * f64::from(self.plan.rounds) / f64::from(self.number);
        let budget = planned * (100.0 - self.world.definition.sla_target) / 100.0;
        100.0 * (total - good) as f64 / budget.max(1.0)
    }

    fn blast_radius_pct(&self) -> f64 {
        let critical = self.alerts.open().iter().filter(|alert| alert.severity == Severity::Critical);
        let mut hurt: Vec<_> = critical.map(|alert| alert.server).collect();
        hurt.sort_unstable();
        hurt.dedup();
        100.0 * hurt.len() as f64 / self.servers.len() as f64
    }
}
