//! Who acts: the server process and the SRE process.
//!
//! Each is one blocking loop around a value of the model: what the bus brings goes in, what comes
//! out goes back. An agent knows what its brief and the messages tell it and nothing else; it has
//! no seed and no clock, and it lives as long as the bus does.

mod membership;
mod server;
mod sre;

pub use membership::{AgentError, Membership};
pub use server::serve;
pub use sre::think;
