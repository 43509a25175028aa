//! The world as the model uses it: names resolved, calls in order, who stands in for whom.
//!
//! Made once from a [`Definition`] that has passed its check; everything here is an index into
//! plain vectors from then on.

use crate::definition::{self, CallOn, Definition, Role};
use crate::id::{Name, ServerId, ServiceId};
use std::collections::BTreeMap;

/// A world that is ready to run.
#[derive(Clone, Debug)]
pub struct World {
    /// Its name: the built-in's, or the file's stem.
    pub name: Name,
    /// BLAKE3 of the definition as JSON, in hexadecimal: comments, order of tables and white space
    /// do not count.
    pub hash: String,
    /// What the file says.
    pub definition: Definition,
    /// The machines, in the order of the file.
    pub servers: Vec<ServerNode>,
    /// The services, by name.
    pub services: Vec<ServiceNode>,
    /// The services that users' requests reach, callers before those they call.
    pub call_order: Vec<ServiceId>,
    /// Where requests enter.
    pub entry: ServiceId,
    /// For each kind of fault the servers that it can hit.
    pub eligible: Vec<Vec<ServerId>>,
    /// Which other servers the harm of each can reach.
    pub reach: Reach,
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
    /// Its part in a replicated service at the start.
    pub role: Option<Role>,
}

/// A service.
#[derive(Clone, Debug)]
pub struct ServiceNode {
    /// Its name.
    pub name: Name,
    /// Where it runs.
    pub members: Vec<Member>,
    /// What an answer needs, in the order of the file.
    pub calls: Vec<CallEdge>,
    /// Seconds that a caller waits.
    pub timeout_seconds: f64,
    /// Whether it answers from memory.
    pub cache: bool,
    /// Whether it has a primary and replicas.
    pub replicated: bool,
}

/// A service on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The server.
    pub server: ServerId,
    /// Position among that server's services.
    pub slot: usize,
}

/// A call from one service to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallEdge {
    /// The service called.
    pub to: ServiceId,
    /// Whether requests that read make it.
    pub reads: bool,
    /// Whether requests that write make it.
    pub writes: bool,
    /// The call to the cache that is asked first: its position among the caller's calls.
    pub behind: Option<usize>,
    /// The client on the caller's server that it goes through.
    pub via: Option<ServiceId>,
    /// It asks a cache that a later call stands behind: when it fails, that call answers.
    pub has_fallback: bool,
}

impl CallEdge {
    /// Whether requests of a class make this call.
    pub fn serves(&self, class: Class) -> bool {
        match class {
            Class::Read => self.reads,
            Class::Write => self.writes,
        }
    }
}

/// The two classes of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Class {
    Read,
    Write,
}

impl Class {
    /// Both.
    pub const BOTH: [Class; 2] = [Class::Read, Class::Write];
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

        let servers: Vec<ServerNode> = definition
            .servers
            .iter()
            .map(|server| ServerNode {
                name: Name::from(server.name.as_str()),
                kind: Name::from(server.kind.as_str()),
                services: server.services.iter().map(id).collect(),
                role: server.role,
            })
            .collect();
        let services: Vec<ServiceNode> = definition
            .services
            .iter()
            .zip(members(&servers, definition.services.len()))
            .map(|((name, service), members)| ServiceNode {
                name: Name::from(name.as_str()),
                members,
                calls: edges(service, &id),
                timeout_seconds: service.timeout_ms / 1000.0,
                cache: service.cache.is_some(),
                replicated: service.replication.is_some(),
            })
            .collect();
        let entry = id(&definition.traffic.entry);
        let eligible = definition.chaos.iter().map(|kind| eligible(&servers, kind)).collect();
        let reach = Reach::of(&servers, &services);
        Self {
            name: Name::from(name),
            hash: hash(&definition),
            call_order: call_order(&services, entry),
            entry,
            eligible,
            reach,
            servers,
            services,
            definition,
        }
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

fn hash(definition: &Definition) -> String {
    let json = serde_json::to_vec(definition).expect("a checked definition has finite figures");
    blake3::hash(&json).to_hex().to_string()
}

/// Where each service runs.
fn members(servers: &[ServerNode], services: usize) -> Vec<Vec<Member>> {
    let mut members = vec![Vec::new(); services];
    for (index, server) in servers.iter().enumerate() {
        for (slot, service) in server.services.iter().enumerate() {
            members[service.index()].push(Member { server: ServerId::from(index), slot });
        }
    }
    members
}

fn edges(service: &definition::Service, id: &impl Fn(&String) -> ServiceId) -> Vec<CallEdge> {
    let mut edges: Vec<CallEdge> = service
        .calls
        .iter()
        .map(|call| CallEdge {
            to: id(&call.to),
            reads: matches!(call.on, CallOn::All | CallOn::Reads),
            writes: matches!(call.on, CallOn::All | CallOn::Writes),
            behind: call.behind.as_ref().and_then(|cache| {
                service.calls.iter().position(|other| other.to == *cache && other.on == call.on)
            }),
            via: call.via.as_ref().map(id),
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

/// Which servers feel the loss of a server: those that call it, directly or not, those that stand
/// behind a cache on it, and its siblings, which take over its load.
///
/// Servers that run the same reach the same, so it is kept once for each set of services: a list
/// for each server would grow with the square of the world.
#[derive(Clone, Debug)]
pub struct Reach {
    /// For each server the set that it belongs to.
    set_of: Vec<usize>,
    /// For each set of services whether a server is reached.
    reached: Vec<Vec<bool>>,
}

impl Reach {
    fn of(servers: &[ServerNode], services: &[ServiceNode]) -> Self {
        let feels = feels(services);
        let mut sets: BTreeMap<&[ServiceId], usize> = BTreeMap::new();
        let mut reach = Self { set_of: Vec::with_capacity(servers.len()), reached: Vec::new() };
        for server in servers {
            let set = *sets.entry(&server.services).or_insert_with(|| {
                reach.reached.push(hosts(servers.len(), services, &closure(&feels, &server.services)));
                reach.reached.len() - 1
            });
            reach.set_of.push(set);
        }
        reach
    }

    /// Whether the harm of a server reaches another one.
    pub fn includes(&self, server: ServerId, other: ServerId) -> bool {
        server != other && self.reached[self.set_of[server.index()]][other.index()]
    }
}

/// Which services feel the loss of a service: its callers, and what stands behind it.
fn feels(services: &[ServiceNode]) -> Vec<Vec<ServiceId>> {
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
    feels
}

/// Some services, and all that feel their loss.
fn closure(feels: &[Vec<ServiceId>], start: &[ServiceId]) -> Vec<bool> {
    let mut seen = vec![false; feels.len()];
    let mut open = start.to_vec();
    while let Some(service) = open.pop() {
        if !std::mem::replace(&mut seen[service.index()], true) {
            open.extend(&feels[service.index()]);
        }
    }
    seen
}

/// Which servers host one of the services.
fn hosts(servers: usize, services: &[ServiceNode], wanted: &[bool]) -> Vec<bool> {
    let mut hosts = vec![false; servers];
    for (service, _) in services.iter().zip(wanted).filter(|(_, wanted)| **wanted) {
        for member in &service.members {
            hosts[member.server.index()] = true;
        }
    }
    hosts
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
            all.filter(|(index, _)| world.reach.includes(from, ServerId::from(*index)))
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
        let member = Member { server: world.server("api-1").expect("a server"), slot: 1 };
        assert_eq!(client.expect("the client").members, [member]);
    }
}
