//! Groups: servers that have something in common, and can fail together.

use crate::definition::{Definition, GroupBy};
use crate::id::{Name, ServerId, ServiceId};
use crate::topology::ServerNode;
use std::collections::BTreeSet;

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
    let zone = |server: usize| definition.servers[server].zone.as_deref();
    let zones: BTreeSet<&str> = (0..servers.len()).filter_map(zone).collect();
    let types: BTreeSet<&str> = servers.iter().map(|server| &*server.kind).collect();
    let with = |holds: &dyn Fn(usize) -> bool| -> Vec<ServerId> {
        (0..servers.len()).filter(|server| holds(*server)).map(ServerId::from).collect()
    };
    let group = |by, name: &str, servers| Group { by, name: name.into(), servers, service: None };
    let zones =
        zones.iter().map(|name| group(GroupBy::Zone, name, with(&|server| zone(server) == Some(*name))));
    let by_service = services.iter().enumerate().map(|(index, name)| {
        let service = ServiceId::from(index);
        let runs = |server: usize| servers[server].services.contains(&service);
        Group { service: Some(service), ..group(GroupBy::Service, name, with(&runs)) }
    });
    let types =
        types.iter().map(|name| group(GroupBy::Type, name, with(&|server| &*servers[server].kind == *name)));
    zones.chain(by_service).chain(types).collect()
}
