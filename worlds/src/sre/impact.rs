//! Impact: how much of users' requests hangs on a server, as its architecture shows.

use crate::id::ServiceId;
use crate::message::Runbook;

/// What a cache is worth to users, as a share of what a service without a fallback is worth: the
/// services behind it answer in its place, only slower.
const CACHE_SHARE: f64 = 0.3;

/// For each server the largest share, over its services, of requests that it carries: 1 for the
/// only member of a service that every request needs.
pub fn of_servers(runbook: &Runbook) -> Vec<f64> {
    let needed = of_services(runbook);
    let mut members = vec![0_u32; runbook.services.len()];
    for server in &runbook.servers {
        for service in &server.services {
            members[service.index()] += 1;
        }
    }
    let share = |service: &ServiceId| needed[service.index()] / f64::from(members[service.index()].max(1));
    runbook.servers.iter().map(|server| server.services.iter().map(share).fold(0.0, f64::max)).collect()
}

/// For each service what it is worth to users: 1 where every request needs it, [`CACHE_SHARE`] for a
/// cache, 0 where no request gets.
fn of_services(runbook: &Runbook) -> Vec<f64> {
    let mut needed = vec![0.0; runbook.services.len()];
    let mut open = vec![runbook.entry];
    while let Some(service) = open.pop() {
        let facts = &runbook.services[service.index()];
        if needed[service.index()] > 0.0 {
            continue;
        }
        needed[service.index()] = if facts.cache { CACHE_SHARE } else { 1.0 };
        open.extend(&facts.calls);
    }
    needed
}
