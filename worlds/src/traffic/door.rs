//! Doors: what of a server's state decides what reaches it.

use super::share_of;
use crate::arithmetic::nearest;
use crate::definition::Role;
use crate::id::ServerId;
use crate::topology::{Member, Route, World};

/// What of a server's state decides what reaches it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Door {
    /// Cut off, or its process is gone: nothing sent there arrives.
    pub closed: bool,
    /// Whether the balancer may use it.
    pub in_rotation: bool,
    /// Its part in a replicated service.
    pub role: Option<Role>,
    /// Arrivals, in times of what they would be.
    pub traffic_factor: f64,
    /// Share of a flood that is dropped at the door.
    pub flood_dropped: f64,
    /// Share of users' requests that is dropped with it.
    pub users_dropped: f64,
    /// Its caches come back empty in this round.
    pub cache_emptied: bool,
}

impl Door {
    /// The door of a server to which nothing happened.
    pub fn open(role: Option<Role>) -> Self {
        Self {
            closed: false,
            in_rotation: true,
            role,
            traffic_factor: 1.0,
            flood_dropped: 0.0,
            users_dropped: 0.0,
            cache_emptied: false,
        }
    }

    /// Of users' requests those that get in.
    pub(super) fn lets_in(&self, requests: u32) -> u32 {
        if self.users_dropped > 0.0 { share_of(requests, 1.0 - self.users_dropped) } else { requests }
    }

    /// Requests of a flood that get in, at so many of users' requests.
    pub(super) fn flood(&self, fair: f64) -> u32 {
        if self.traffic_factor > 1.0 {
            nearest(fair * (self.traffic_factor - 1.0) * (1.0 - self.flood_dropped))
        } else {
            0
        }
    }
}

/// The doors of a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Doors {
    /// Of each server.
    pub servers: Vec<Door>,
    /// For each instance: held down by a fault, or killed by the kernel.
    pub held_down: Vec<bool>,
}

impl Doors {
    /// Those of a world in which nothing happened.
    pub fn new(world: &World) -> Self {
        Self {
            servers: world.servers.iter().map(|server| Door::open(server.role)).collect(),
            held_down: vec![false; world.instances.len()],
        }
    }

    pub(super) fn of(&self, server: ServerId) -> &Door {
        &self.servers[server.index()]
    }

    /// Whether the client that a member needs for a call can be used.
    pub(super) fn has_client(&self, member: Member, route: Route) -> bool {
        route.client.is_none_or(|client| !self.of(member.server).closed && !self.held_down[client])
    }
}
