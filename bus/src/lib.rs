//! How processes talk: one protocol, written once.
//!
//! The director listens on a local socket in a directory of the run's own ([`address`]); agents
//! connect to it, greet, and from then on answer what they are asked, once a round. Both sides put
//! the messages of [`wire`] into the frames of [`frame`], which does no input or output: the
//! blocking [`client`] of an agent and the [`hub`] of the director are thin loops around it.
//!
//! ```text
//!   agent   --- Hello --------------->   hub      name, role, token
//!           <-- Welcome | Refused ----            the brief, or why not
//!           <-- Tick | Observe -------            each round
//!           --- Report | Decide ----->
//!           <-- Bye | Refused --------            the run is over, or the agent is dropped
//! ```
//!
//! Nothing here knows the model: the hub checks who speaks, in which role and in which frames.

pub mod address;
pub mod client;
mod codec;
pub mod frame;
pub mod hub;
pub mod token;
pub mod wire;
