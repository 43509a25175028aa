//! A world's call graph, in the order in which it is drawn: who is how far from the users.
//!
//! What the two drawings share, [`crate::console::call_graph`] for terminals and
//! [`crate::graphviz`].

use crate::console::figure;
use std::collections::BTreeMap;
use worlds::definition::Role;
use worlds::id::ServiceId;
use worlds::topology::{CallEdge, ServiceNode, World};

/// The services by their distance from the users, and those that no request comes to.
pub(crate) struct Layers {
    /// The services at each depth, the entry's first; in the order of calls.
    pub depths: Vec<Vec<ServiceId>>,
    /// Clients, which calls go through, and services that nothing calls.
    pub beside: Vec<ServiceId>,
}

impl Layers {
    /// A service is one deeper than the deepest of those that call it. Those of one depth come in
    /// the order in which they are called.
    pub(crate) fn of(world: &World) -> Self {
        let depth_of = depths(world);
        let mut placed = vec![false; world.services.len()];
        let mut depths: Vec<Vec<ServiceId>> = vec![vec![world.entry]];
        for depth in 1..=depth_of.values().copied().max().unwrap_or_default() {
            let callers = depths.iter().flatten().flat_map(|caller| &node(world, *caller).calls);
            let called: Vec<ServiceId> = callers
                .map(|edge| edge.to)
                .filter(|to| depth_of.get(to) == Some(&depth))
                .filter(|to| !std::mem::replace(&mut placed[to.index()], true))
                .collect();
            depths.push(called);
        }
        let all = (0..world.services.len()).map(ServiceId::from);
        let beside = all.filter(|service| !world.call_order.contains(service)).collect();
        Self { depths, beside }
    }
}

/// How far each service is from the entry, by the longest way.
fn depths(world: &World) -> BTreeMap<ServiceId, usize> {
    let mut depth_of = BTreeMap::from([(world.entry, 0)]);
    // Callers come before those they call, so that a depth is known when it is needed.
    for service in &world.call_order {
        let depth = depth_of.get(service).copied().unwrap_or_default();
        for edge in &node(world, *service).calls {
            let below = depth_of.entry(edge.to).or_default();
            *below = (*below).max(depth + 1);
        }
    }
    depth_of
}

/// A service.
pub(crate) fn node(world: &World, service: ServiceId) -> &ServiceNode {
    &world.services[service.index()]
}

/// Whether calls go through this service rather than to it.
pub(crate) fn is_client(world: &World, service: ServiceId) -> bool {
    world.services.iter().flat_map(|caller| &caller.calls).any(|edge| edge.via == Some(service))
}

/// What is said of a call, as the world file says it: `reads, behind redis, via redis-client`.
pub(crate) fn terms(world: &World, caller: ServiceId, edge: &CallEdge) -> Vec<String> {
    let class = match (edge.serves[0], edge.serves[1]) {
        (true, false) => Some("reads".to_owned()),
        (false, true) => Some("writes".to_owned()),
        _ => None,
    };
    let behind = edge.behind.map(|cache| {
        let cache = node(world, caller).calls[cache].to;
        format!("behind {}", node(world, cache).name)
    });
    let via = edge.via.map(|client| format!("via {}", node(world, client).name));
    [class, behind, via].into_iter().flatten().collect()
}

/// What is said of a service itself.
pub(crate) fn nature(world: &World, service: ServiceId) -> Option<String> {
    let definition = world.definition.services.get(&*node(world, service).name)?;
    let cache = definition
        .cache
        .as_ref()
        .map(|cache| format!("cache, {} % hits", figure::plain(100.0 * cache.hit_ratio)));
    let replicated = node(world, service).replicated && node(world, service).members.len() > 1;
    cache.or(replicated.then(|| "writes to the primary, reads to all".to_owned()))
}

/// What stands after the name of a primary.
const PRIMARY: &str = " (primary)";

/// Where a service runs: its servers' types with their numbers, and its servers' names with their
/// parts, the primary first.
pub(crate) struct Members {
    /// `2 web`, in the order of the file.
    pub kinds: Vec<(String, usize)>,
    /// `db-1 (primary)`.
    pub names: Vec<String>,
}

impl Members {
    /// Of a service.
    pub(crate) fn of(world: &World, service: ServiceId) -> Self {
        let node = node(world, service);
        let mut members = Self { kinds: Vec::new(), names: Vec::new() };
        let mut servers: Vec<_> =
            node.members.iter().map(|member| &world.servers[member.server.index()]).collect();
        if node.replicated {
            servers.sort_by_key(|server| server.role != Some(Role::Primary));
        }
        for server in servers {
            match members.kinds.iter_mut().find(|(kind, _)| **kind == *server.kind) {
                Some((_, count)) => *count += 1,
                None => members.kinds.push((server.kind.to_string(), 1)),
            }
            let role = server.role.filter(|_| node.replicated).map(|role| match role {
                Role::Primary => PRIMARY,
                Role::Replica => " (replica)",
            });
            members.names.push(format!("{}{}", server.name, role.unwrap_or_default()));
        }
        members
    }

    /// `2 web, 1 api`.
    pub(crate) fn counted(&self) -> String {
        let kinds = self.kinds.iter().map(|(kind, count)| format!("{count} {kind}"));
        kinds.collect::<Vec<_>>().join(", ")
    }

    /// The names, as many as fit: `web-1, web-2`, or `web-1, web-2, ... web-300`.
    pub(crate) fn shown(&self, width: usize) -> String {
        let all = self.names.join(", ");
        if all.chars().count() <= width {
            return all;
        }
        let (Some(first), Some(last)) = (self.names.first(), self.names.last()) else { return all };
        let replicas = figure::plural(self.names.len().saturating_sub(1) as u32, "replica");
        if first.ends_with(PRIMARY) {
            return format!("{first}, {replicas}");
        }
        if first.chars().count() + last.chars().count() + 6 > width {
            return format!("{first}, ...");
        }
        let mut shown = String::new();
        for name in &self.names {
            let longer = format!("{shown}{name}, ");
            if longer.chars().count() + 4 + last.chars().count() > width && !shown.is_empty() {
                break;
            }
            shown = longer;
        }
        format!("{shown}... {last}")
    }
}
