//! Who acts: the server process, the SRE process, and programs that think for an SRE.
//!
//! Each agent is one blocking loop around a value of the model: what the bus brings goes in, what comes
//! out goes back. An agent knows what its brief and the messages tell it and nothing else; it has
//! no seed, and no clock but for the deadline of a [program], and it lives as long as the bus does.

mod membership;
pub mod program;
mod relay;
mod server;
mod sre;

pub use membership::{AgentError, Membership};
pub use relay::relay;
pub use server::serve;
pub use sre::think;
