//! Groups: servers that have something in common, and can fail together.

use crate::definition::{Definition, GroupBy};
use crate::id::{Name, ServerId, ServiceId};
use crate::topology::ServerNode;
use std::collections::BTreeMap;

/// Servers that have something in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What.
    pub by: GroupBy,
    /// Which zone, service or type.
    pub name: Name,
    /// The servers, in the order of the file.
    pub servers: Vec<ServerId>,
    /// The service that all of them run, for a group by service.
    pub service: Option<ServiceId>,
}

impl Group {
    /// As it is typed: `zone:eu-1`.
    pub fn typed(&self) -> String {
        format!("{}:{}", self.by.name(), self.name)
    }
}

/// All groups of a world: zones, services, types, each by name.
pub fn of_world(definition: &Definition, servers: &[ServerNode], services: &[Name]) -> Vec<Group> {
    let mut groups: BTreeMap<(GroupBy, &str), Vec<ServerId>> = BTreeMap::new();
    for (index, node) in servers.iter().enumerate() {
        let zone = definition.servers[index].zone.as_deref().map(|zone| (GroupBy::Zone, zone));
        let hosted = node.services.iter().map(|service| (GroupBy::Service, &*services[service.index()]));
        for key in zone.into_iter().chain(hosted).chain([(GroupBy::Type, &*node.kind)]) {
            groups.entry(key).or_default().push(ServerId::from(index));
        }
    }
    let service = |by, name: &str| {
        let position = services.iter().position(|service| &**service == name);
        position.filter(|_| by == GroupBy::Service).map(ServiceId::from)
    };
    let all = groups.into_iter();
    all.map(|((by, name), servers)| Group { by, name: name.into(), servers, service: service(by, name) })
        .collect()
}
