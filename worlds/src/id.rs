//! What things of a world are called inside: small numbers, in the order of the world file.
//!
//! Names appear where people read (journal, console, result); everywhere else an entity is its
//! position in the definition, so that the model iterates over plain vectors in a written order.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A name, shared rather than copied.
pub type Name = Arc<str>;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name(pub u16);

        impl $name {
            /// The position in the definition.
            pub fn index(self) -> usize {
                usize::from(self.0)
            }
        }

        impl From<usize> for $name {
            /// # Panics
            /// When `index` does not fit: a definition is refused long before it is that large.
            fn from(index: usize) -> Self {
                Self(u16::try_from(index).expect("a definition has at most 65,535 of a thing"))
            }
        }
    };
}

id!(
    /// A server: its position in `servers`.
    ServerId
);
id!(
    /// A service: its position among `services`, by name.
    ServiceId
);
id!(
    /// A kind of fault: its position in `chaos`.
    KindId
);
id!(
    /// An action: its position in `actions`.
    ActionId
);
id!(
    /// An SRE: its position among the run's SREs, by name.
    SreId
);
id!(
    /// A group of servers: its position in [`World::groups`](crate::topology::World::groups).
    GroupId
);

/// Somebody with a process: whom a fault can hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgentId {
    /// A server.
    Server(ServerId),
    /// An SRE.
    Sre(SreId),
}

impl AgentId {
    /// The server, if it is one.
    pub fn server(self) -> Option<ServerId> {
        match self {
            AgentId::Server(server) => Some(server),
            AgentId::Sre(_) => None,
        }
    }

    /// Whether it is this server.
    pub fn is_server(self, server: ServerId) -> bool {
        self == AgentId::Server(server)
    }
}
