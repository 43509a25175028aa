//! The world as the model uses it: names resolved, calls in order, who stands in for whom.
//!
//! Made once from a [`Definition`] that has passed its check; everything here is an index into
//! plain vectors from then on. A service on a server is an *instance*; instances are numbered
//! through, service by service, so that what changes from round to round lies in flat vectors in the
//! order in which requests flow.

use crate::catalogue::Catalogue;
use crate::classes::{Classes, Relation, closure};
use crate::definition::{self, CallOn, Definition, Role};
use crate::group::{self, Group};
use crate::id::{GroupId, KindId, Name, ServerId, ServiceId};
use crate::message::{HostedService, Machine, Runbook, ServerFacts, ServiceFacts};
use crate::names::Names;
use crate::sre::study::Study;
use documents::canonical;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// A world that is ready to run.
#[derive(Clone, Debug)]
pub struct World {
    /// Its name: the built-in's, or the file's stem.
    pub name: Name,
    /// BLAKE3 of the definition as JSON, in hexadecimal: comments, order of keys, white space and keys
    /// that say what their absence says do not count.
    pub hash: String,
    /// What the file says.
    pub definition: Definition,
    /// The machines, in the order of the file.
    pub servers: Vec<ServerNode>,
    /// The services, by name.
    pub services: Vec<ServiceNode>,
    /// Each service of each server, service by service.
    pub instances: Vec<Instance>,
    /// The numbers of those whose services users' requests do not reach, and their servers.
    pub uncalled: Vec<(usize, ServerId)>,
    /// The services that users' requests reach, callers before those they call.
    pub call_order: Vec<ServiceId>,
    /// Where requests enter.
    pub entry: ServiceId,
    /// For each kind of fault the servers that it can hit; none for a kind that hits SREs.
    pub eligible: Vec<Vec<ServerId>>,
    /// Servers that have something in common: zones, services, types.
    pub groups: Vec<Group>,
    /// For each kind of fault the groups of which it hits one.
    pub aims: Vec<Vec<GroupId>>,
    /// Kinds and actions, by number.
    pub catalogue: Catalogue,
    /// What servers, kinds and actions are called.
    pub names: Names,
    /// What each server process is told of its server.
    pub machines: Vec<Arc<Machine>>,
    /// What every SRE is told of the world.
    pub runbook: Arc<Runbook>,
    /// What an SRE of rules makes of it.
    pub study: Arc<Study>,
    classes: Classes,
    reach: Relation,
}

/// A machine.
#[derive(Clone, Debug)]
pub struct ServerNode {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub kind: Name,
    /// What it runs.
    pub services: Vec<ServiceId>,
    /// The numbers of its instances, in the order of `services`.
    pub instances: Vec<usize>,
    /// Its part in a replicated service at the start.
    pub role: Option<Role>,
}

/// A service on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The service.
    pub service: ServiceId,
    /// The server.
    pub server: ServerId,
    /// Position among that server's services.
    pub slot: usize,
}

/// A service.
#[derive(Clone, Debug)]
pub struct ServiceNode {
    /// Its name.
    pub name: Name,
    /// Where it runs, in the order of the servers.
    pub members: Vec<Member>,
    /// The number of its first member's instance; those of the others follow.
    pub first_instance: usize,
    /// What an answer needs, in the order of the file.
    pub calls: Vec<CallEdge>,
    /// Seconds that a caller waits.
    pub timeout_seconds: f64,
    /// Whether it answers from memory.
    pub cache: bool,
    /// Whether it has a primary and replicas.
    pub replicated: bool,
    /// Whether users' requests reach it.
    pub called: bool,
}

/// One of those that run a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The server.
    pub server: ServerId,
    /// Position among that server's services.
    pub slot: usize,
    /// Its number among all instances.
    pub instance: usize,
}

/// A call from one service to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEdge {
    /// The service called.
    pub to: ServiceId,
    /// Whether requests that read make it, and those that write.
    pub serves: [bool; 2],
    /// The call to the cache that is asked first: its position among the caller's calls.
    pub behind: Option<usize>,
    /// The client on the caller's server that it goes through.
    pub via: Option<ServiceId>,
    /// How each member of the caller makes it.
    pub routes: Vec<Route>,
    /// It asks a cache that a later call stands behind: when it fails, that call answers.
    pub has_fallback: bool,
}

/// How one member of a caller makes a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// The member of the service called, by position, that is on the caller's own server and asked
    /// before all others. A service with a primary has no such short cut.
    pub local: Option<usize>,
    /// The instance of the client that it goes through.
    pub client: Option<usize>,
}

impl ServiceNode {
    /// The numbers of its instances.
    pub fn instances(&self) -> Range<usize> {
        self.first_instance..self.first_instance + self.members.len()
    }
}

impl World {
    /// Resolves a definition.
    ///
    /// # Panics
    /// When the definition has not passed [`crate::definition::check`]: then a name may be missing.
    pub fn new(name: &str, definition: Definition) -> Self {
        let ids: BTreeMap<&str, ServiceId> = definition
            .services
            .keys()
            .enumerate()
            .map(|(index, name)| (name.as_str(), ServiceId::from(index)))
            .collect();
        let id = |name: &String| *ids.get(name.as_str()).expect("checked: the service exists");

        let server = |server: &definition::Server| ServerNode {
            name: Name::from(server.name.as_str()),
            kind: Name::from(server.kind.as_str()),
            services: server.services.iter().map(id).collect(),
            instances: vec![0; server.services.len()],
            role: server.role,
        };
        let mut servers: Vec<ServerNode> = definition.servers.iter().map(server).collect();
        let service = |(name, service): (&String, &definition::Service)| ServiceNode {
            name: Name::from(name.as_str()),
            members: Vec::new(),
            first_instance: 0,
            calls: edges(service, &id),
            timeout_seconds: service.timeout_ms / 1000.0,
            cache: service.cache.is_some(),
            replicated: service.replication.is_some(),
            called: false,
        };
        let mut services: Vec<ServiceNode> = definition.services.iter().map(service).collect();
        let instances = number_instances(&mut servers, &mut services);
        find_routes(&servers, &mut services);
        let entry = id(&definition.traffic.entry);
        let call_order = call_order(&services, entry);
        for service in &call_order {
            services[service.index()].called = true;
        }
        let classes = Classes::of(servers.iter().map(|server| &server.services[..]));
        let runbook = Arc::new(runbook(&definition, &servers, &services, entry));
        let names: Vec<Name> = services.iter().map(|service| service.name.clone()).collect();
        let groups = group::of_world(&definition, &servers, &names);
        Self {
            name: Name::from(name),
            hash: canonical::hash(&definition),
            call_order,
            entry,
            eligible: definition.chaos.iter().map(|kind| eligible(&servers, kind)).collect(),
            aims: definition.chaos.iter().map(|kind| aims(&groups, &servers, kind)).collect(),
            groups,
            catalogue: Catalogue::of(&definition.chaos, &definition.actions),
            names: Names::of(&runbook),
            machines: machines(&definition),
            study: Arc::new(Study::of(Arc::clone(&runbook))),
            runbook,
            reach: reach(&classes, &services),
            uncalled: instances
                .iter()
                .enumerate()
                .filter(|(_, instance)| !services[instance.service.index()].called)
                .map(|(number, instance)| (number, instance.server))
                .collect(),
            classes,
            servers,
            services,
            instances,
            definition,
        }
    }

    /// Whether the harm of one server can reach another: one that calls it, directly or not, one that
    /// stands behind a cache on it, or a sibling that has to take over its load.
    pub fn reaches(&self, from: ServerId, to: ServerId) -> bool {
        from != to && self.reach.holds(&self.classes, from, to)
    }

    /// The group of this name among those by zone, service or type.
    pub fn group(&self, by: definition::GroupBy, name: &str) -> Option<GroupId> {
        let is_meant = |group: &Group| group.by == by && &*group.name == name;
        self.groups.iter().position(is_meant).map(GroupId::from)
    }

    /// Of a group those servers that a kind of fault can hit.
    pub fn targets_in(&self, group: GroupId, kind: KindId) -> impl Iterator<Item = ServerId> {
        let kind = &self.definition.chaos[kind.index()];
        let servers = self.groups[group.index()].servers.iter().copied();
        servers.filter(|server| kind.can_hit(&self.servers[server.index()].kind))
    }

    /// The server of this name.
    pub fn server(&self, name: &str) -> Option<ServerId> {
        self.servers.iter().position(|server| &*server.name == name).map(ServerId::from)
    }

    /// The other members of the replicated services of a server.
    pub fn peers(&self, server: ServerId) -> impl Iterator<Item = ServerId> {
        self.servers[server.index()]
            .services
            .iter()
            .map(|service| &self.services[service.index()])
            .filter(|service| service.replicated)
            .flat_map(|service| service.members.iter().map(|member| member.server))
            .filter(move |peer| *peer != server)
    }
}

/// Numbers the instances through, service by service.
fn number_instances(servers: &mut [ServerNode], services: &mut [ServiceNode]) -> Vec<Instance> {
    for (index, node) in servers.iter().enumerate() {
        for (slot, service) in node.services.iter().enumerate() {
            let server = ServerId::from(index);
            services[service.index()].members.push(Member { server, slot, instance: 0 });
        }
    }
    let mut instances = Vec::new();
    for (index, node) in services.iter_mut().enumerate() {
        node.first_instance = instances.len();
        for member in &mut node.members {
            let Member { server, slot, .. } = *member;
            member.instance = instances.len();
            servers[server.index()].instances[slot] = member.instance;
            instances.push(Instance { service: ServiceId::from(index), server, slot });
        }
    }
    instances
}

/// Works out how each member makes each call.
fn find_routes(servers: &[ServerNode], services: &mut [ServiceNode]) {
    let client = |server: ServerId, service: ServiceId| {
        let node = &servers[server.index()];
        let slot = node.services.iter().position(|hosted| *hosted == service);
        node.instances[slot.expect("checked: the client is on every server that the call starts from")]
    };
    let all: Vec<Vec<Vec<Route>>> = services
        .iter()
        .map(|caller| {
            let routes = |edge: &CallEdge| {
                let called = &services[edge.to.index()];
                let route = |member: &Member| Route {
                    local: called
                        .members
                        .binary_search_by_key(&member.server, |other| other.server)
                        .ok()
                        .filter(|_| !called.replicated),
                    client: edge.via.map(|service| client(member.server, service)),
                };
                caller.members.iter().map(route).collect()
            };
            caller.calls.iter().map(routes).collect()
        })
        .collect();
    for (service, routes) in services.iter_mut().zip(all) {
        for (edge, routes) in service.calls.iter_mut().zip(routes) {
            edge.routes = routes;
        }
    }
}

fn machines(definition: &Definition) -> Vec<Arc<Machine>> {
    let hosted = |name: &String| {
        let service = &definition.services[name];
        let work_seconds = service.work_ms / 1000.0;
        HostedService {
            work_seconds,
            memory_mb: service.memory_mb,
            cache: service.cache.clone(),
            apply_seconds: service.replication.as_ref().map_or(0.0, |r| work_seconds * r.apply_cost),
        }
    };
    let machine = |server: &definition::Server| Machine {
        host: definition.host.clone(),
        cpu_capacity: server.cpu_capacity,
        memory_capacity: server.memory_capacity,
        round_seconds: definition.round_seconds,
        queue_limit_seconds: definition.traffic.queue_limit_ms / 1000.0,
        services: server.services.iter().map(hosted).collect(),
    };
    definition.servers.iter().map(|server| Arc::new(machine(server))).collect()
}

fn runbook(
    definition: &Definition,
    servers: &[ServerNode],
    services: &[ServiceNode],
    entry: ServiceId,
) -> Runbook {
    let server = |(node, server): (&ServerNode, &definition::Server)| ServerFacts {
        name: node.name.clone(),
        kind: node.kind.clone(),
        services: node.services.clone(),
        backup_link: server.backup_link,
    };
    let service = |node: &ServiceNode| {
        let mut calls: Vec<ServiceId> = node.calls.iter().map(|edge| edge.to).collect();
        calls.dedup();
        ServiceFacts { name: node.name.clone(), calls, cache: node.cache }
    };
    Runbook {
        servers: servers.iter().zip(&definition.servers).map(server).collect(),
        services: services.iter().map(service).collect(),
        entry,
        thresholds: crate::alert::thresholds(&definition.metrics),
        kinds: definition.chaos.clone(),
        actions: definition.actions.clone(),
        changes: definition.changes.clone(),
        round_seconds: definition.round_seconds,
    }
}

fn edges(service: &definition::Service, id: &impl Fn(&String) -> ServiceId) -> Vec<CallEdge> {
    let mut edges: Vec<CallEdge> = service
        .calls
        .iter()
        .map(|call| CallEdge {
            to: id(&call.to),
            serves: [
                matches!(call.on, CallOn::All | CallOn::Reads),
                matches!(call.on, CallOn::All | CallOn::Writes),
            ],
            behind: call.behind.as_ref().and_then(|cache| {
                service.calls.iter().position(|other| other.to == *cache && other.on == call.on)
            }),
            via: call.via.as_ref().map(id),
            routes: Vec::new(),
            has_fallback: false,
        })
        .collect();
    let backed: Vec<usize> = edges.iter().filter_map(|edge| edge.behind).collect();
    for position in backed {
        edges[position].has_fallback = true;
    }
    edges
}

fn eligible(servers: &[ServerNode], kind: &definition::ChaosKind) -> Vec<ServerId> {
    servers
        .iter()
        .enumerate()
        .filter(|(_, server)| kind.can_hit(&server.kind))
        .map(|(index, _)| ServerId::from(index))
        .collect()
}

/// The groups of which a kind hits one: those in which there is something to hit.
fn aims(groups: &[Group], servers: &[ServerNode], kind: &definition::ChaosKind) -> Vec<GroupId> {
    let Some(wanted) = &kind.group else { return Vec::new() };
    let is_meant = |group: &Group| {
        group.by == wanted.by
            && wanted.name.as_ref().is_none_or(|name| *name == *group.name)
            && group.servers.iter().any(|server| kind.can_hit(&servers[server.index()].kind))
    };
    let all = groups.iter().enumerate();
    all.filter(|(_, group)| is_meant(group)).map(|(index, _)| GroupId::from(index)).collect()
}

/// Depth-first, callees before callers, then turned round.
fn call_order(services: &[ServiceNode], entry: ServiceId) -> Vec<ServiceId> {
    fn visit(services: &[ServiceNode], service: ServiceId, seen: &mut [bool], order: &mut Vec<ServiceId>) {
        if std::mem::replace(&mut seen[service.index()], true) {
            return;
        }
        for edge in &services[service.index()].calls {
            visit(services, edge.to, seen, order);
        }
        order.push(service);
    }
    let mut order = Vec::new();
    visit(services, entry, &mut vec![false; services.len()], &mut order);
    order.reverse();
    order
}

fn reach(classes: &Classes, services: &[ServiceNode]) -> Relation {
    // Which services feel the loss of a service: its callers, and what stands behind it.
    let mut feels: Vec<Vec<ServiceId>> = vec![Vec::new(); services.len()];
    for (index, service) in services.iter().enumerate() {
        for edge in &service.calls {
            feels[edge.to.index()].push(ServiceId::from(index));
            if let Some(client) = edge.via {
                feels[client.index()].push(ServiceId::from(index));
            }
            if let Some(cache) = edge.behind {
                feels[service.calls[cache].to.index()].push(edge.to);
            }
        }
    }
    Relation::of(classes, |runs| {
        let mut reached = closure(services.len(), runs, |service| feels[service.index()].iter().copied());
        // Siblings take over the load of a member that is lost.
        for service in runs {
            reached[service.index()] = true;
        }
        classes.running(&reached)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{builtin, parse};

    fn systems() -> World {
        let text = builtin::find("systems").expect("it is built in").text;
        World::new("systems", parse("systems", text).expect("it is valid").definition)
    }

    #[test]
    fn harm_reaches_callers_siblings_and_what_stands_behind_a_cache() {
        let world = systems();
        let reached = |from: &str| -> Vec<&str> {
            let from = world.server(from).expect("a server of systems");
            let all = world.servers.iter().enumerate();
            all.filter(|(index, _)| world.reaches(from, ServerId::from(*index)))
                .map(|(_, server)| &*server.name)
                .collect()
        };
        assert_eq!(reached("web-1"), ["web-2"]);
        assert_eq!(reached("api-1"), ["web-1", "web-2"]);
        assert_eq!(reached("db-primary"), ["web-1", "web-2", "api-1", "db-replica"]);
        assert_eq!(reached("cache-1"), ["web-1", "web-2", "api-1", "db-primary", "db-replica"]);
    }

    #[test]
    fn services_know_their_members_and_are_called_after_their_callers() {
        let world = systems();
        let names = |services: &[ServiceId]| -> Vec<&str> {
            services.iter().map(|service| &*world.services[service.index()].name).collect()
        };
        assert_eq!(names(&world.call_order)[..3], ["nginx", "app-frontend", "app-api"]);
        let client = world.services.iter().find(|service| &*service.name == "redis-client");
        let [member] = client.expect("the client").members[..] else { panic!("it runs on one server") };
        assert_eq!((Some(member.server), member.slot), (world.server("api-1"), 1));
    }
}
