//! The runbook: which action fits a cause, among those that can be taken now.

use crate::alert;
use crate::change::{self, Standby};
use crate::definition::{Action, Role};
use crate::id::{ActionId, KindId, ServerId};
use crate::message::{Metric, MetricSet, Observation};
use crate::sre::study::Study;

/// The best action against a kind of fault on a server on which these alerts are open: a cure rather
/// than a relief, then what works soonest, likeliest and at the least cost. `None` when nothing
/// helps, or nothing can be done now.
pub fn remedy(
    study: &Study,
    seen: &Observation,
    alerts: MetricSet,
    kind: KindId,
    target: ServerId,
) -> Option<ActionId> {
    let standby = standby(study, seen, target);
    let effect = &study.runbook.kinds[kind.index()].effect;
    let worth = |id: ActionId, action: &Action| {
        let cures = study.catalogue.cures(id, kind);
        let relieves = change::relieves(action, effect, standby);
        // A cure outranks any relief; a standby that is healthy outranks more of the same.
        let class = match (cures, relieves) {
            (true, _) => 2.0,
            (false, true) => 1.0 + f64::from(u8::from(change::promotes(action, standby))) / 2.0,
            (false, false) => return None,
        };
        Some(100.0 * class + action.success_rate - price(action))
    };
    let actions = study.runbook.actions.iter().enumerate();
    actions
        .map(|(index, action)| (ActionId::from(index), action))
        .filter_map(|(id, action)| Some((id, action, worth(id, action)?)))
        .filter(|(id, action, _)| {
            // Whoever believes that a process is gone can have a new one started.
            let starts = action.remedy.restarts_services && effect.process.is_some();
            let view = &seen.servers[target.index()];
            let reachable = action.out_of_band || !view.stale || starts;
            reachable && is_possible(study, seen, alerts, standby, *id, action, target)
        })
        // Of equals the first in the world file.
        .rev()
        .max_by(|(.., one), (.., other)| one.total_cmp(other))
        .map(|(id, ..)| id)
}

/// The metrics of a server on which an alert is open.
pub fn alerts_on(seen: &Observation, server: ServerId) -> MetricSet {
    seen.alerts.iter().filter(|alert| alert.server == server).map(|alert| alert.metric).collect()
}

/// What an action takes, in shares of a round: downtime, users turned away, and waiting for it.
fn price(action: &Action) -> f64 {
    let delay = action.remedy.adds_capacity.as_ref().map_or(0.0, |capacity| f64::from(capacity.delay));
    let dropped = action.remedy.limits_traffic.as_ref().map_or(0.0, |limit| limit.users_dropped);
    action.cost.downtime + action.cost.write_downtime + dropped + delay
}

/// Whether the rules would accept an action on a server on which these alerts are open, as far as an
/// SRE can see.
pub fn would_be_accepted(
    study: &Study,
    seen: &Observation,
    alerts: MetricSet,
    id: ActionId,
    target: ServerId,
) -> bool {
    let standby = standby(study, seen, target);
    is_possible(study, seen, alerts, standby, id, &study.runbook.actions[id.index()], target)
}

fn is_possible(
    study: &Study,
    seen: &Observation,
    alerts: MetricSet,
    standby: Standby,
    id: ActionId,
    action: &Action,
    target: ServerId,
) -> bool {
    seen.servers[target.index()].settling_rounds == 0
        && alerts.meets(study.catalogue.alerts(id))
        && change::has_standby(action, standby)
        && !seen.cooldowns.iter().any(|cooldown| cooldown.action == id && cooldown.target == target)
}

/// What could stand in for a server, as telemetry shows it: a replica counts when it looks well.
pub fn standby(study: &Study, seen: &Observation, target: ServerId) -> Standby {
    let role = seen.servers[target.index()].role;
    let replica = study.siblings(target).iter().any(|other| {
        let view = &seen.servers[other.index()];
        *other != target
            && view.role == Some(Role::Replica)
            && view.in_rotation
            && looks_well(study, seen, *other)
    });
    Standby { role, replica, link: study.runbook.servers[target.index()].backup_link }
}

/// Fresh, with nothing of the host itself that would be worth an alert.
fn looks_well(study: &Study, seen: &Observation, server: ServerId) -> bool {
    let view = &seen.servers[server.index()];
    let Some(metrics) = view.metrics.as_ref().filter(|_| !view.stale) else { return false };
    let thresholds = study.runbook.thresholds;
    let measured = Metric::MEASURED.into_iter().zip(alert::values(metrics)).zip(thresholds);
    let mut local = measured.filter(|((metric, _), _)| metric.is_local());
    metrics.services_down == 0 && local.all(|((_, value), threshold)| value < threshold.warning)
}
