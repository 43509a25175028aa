//! The runbook: which action fits a cause, among those that can be taken now.

use crate::alert;
use crate::change::{self, Standby};
use crate::definition::{Action, ChaosKind, Role};
use crate::id::{ActionId, ServerId};
use crate::message::{Metric, Observation, SreBrief};

/// The best action against a kind of fault on a server: a cure rather than a relief, then what
/// works soonest, likeliest and at the least cost. `None` when nothing helps, or nothing can be
/// done now.
pub fn remedy(brief: &SreBrief, seen: &Observation, kind: &ChaosKind, target: ServerId) -> Option<ActionId> {
    let standby = standby(brief, seen, target);
    let worth = |action: &Action| {
        let cures = change::cures(action, &kind.name);
        let relieves = change::relieves(action, &kind.effect, standby);
        // A cure outranks any relief; a standby that is healthy outranks more of the same.
        let class = match (cures, relieves) {
            (true, _) => 2.0,
            (false, true) => 1.0 + f64::from(u8::from(change::promotes(action, standby))) / 2.0,
            (false, false) => return None,
        };
        Some(100.0 * class + action.success_rate - price(action))
    };
    brief
        .actions
        .iter()
        .enumerate()
        .filter(|(index, action)| is_possible(brief, seen, ActionId::from(*index), action, target))
        .filter_map(|(index, action)| Some((index, worth(action)?)))
        // Of equals the first in the world file.
        .rev()
        .max_by(|(_, one), (_, other)| one.total_cmp(other))
        .map(|(index, _)| ActionId::from(index))
}

/// What an action takes, in shares of a round: downtime, users turned away, and waiting for it.
fn price(action: &Action) -> f64 {
    let delay = action.remedy.adds_capacity.as_ref().map_or(0.0, |capacity| f64::from(capacity.delay));
    let dropped = action.remedy.limits_traffic.as_ref().map_or(0.0, |limit| limit.users_dropped);
    action.cost.downtime + action.cost.write_downtime + dropped + delay
}

/// Whether the rules would accept an action now, as far as an SRE can see.
fn is_possible(
    brief: &SreBrief,
    seen: &Observation,
    id: ActionId,
    action: &Action,
    target: ServerId,
) -> bool {
    let view = &seen.servers[target.index()];
    let cooling = seen.cooldowns.iter().any(|cooldown| cooldown.action == id && cooldown.target == target);
    let alerted = seen.alerts.iter().any(|alert| {
        alert.server == target
            && (action.alerts.is_empty() || action.alerts.iter().any(|name| name == alert.metric.name()))
    });
    let reachable = action.out_of_band || !view.stale;
    let standby = standby(brief, seen, target);
    view.settling_rounds == 0 && !cooling && alerted && reachable && change::has_standby(action, standby)
}

/// What could stand in for a server, as telemetry shows it: a replica counts when it looks well.
pub fn standby(brief: &SreBrief, seen: &Observation, target: ServerId) -> Standby {
    let facts = &brief.servers[target.index()];
    let role = seen.servers[target.index()].role;
    let replica = brief.servers.iter().enumerate().any(|(index, other)| {
        let view = &seen.servers[index];
        index != target.index()
            && view.role == Some(Role::Replica)
            && view.in_rotation
            && looks_well(brief, seen, index)
            && other.services.iter().any(|service| facts.services.contains(service))
    });
    Standby { role, replica, link: facts.backup_link }
}

/// Fresh, with nothing of the host itself that would be worth an alert.
fn looks_well(brief: &SreBrief, seen: &Observation, server: usize) -> bool {
    let view = &seen.servers[server];
    let Some(metrics) = view.metrics.as_ref().filter(|_| !view.stale) else { return false };
    let measured = Metric::MEASURED.into_iter().zip(alert::values(metrics)).zip(brief.thresholds);
    let mut local = measured.filter(|((metric, _), _)| metric.is_local());
    metrics.services_down == 0 && local.all(|((_, value), threshold)| value < threshold.warning)
}
