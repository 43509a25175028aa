//! What a world **is**: its definition, its physics, its chaos and its accounting.
//!
//! Values in, values out. There is no runtime here, no clock, no randomness of the operating
//! system and no unordered map, so that a run is a pure function of the world file, the seed and
//! what the SREs decide. The heart is [`round::Round`]; a driver only carries the messages of
//! [`message`] between it and the agents, as plain calls or over a bus.

pub mod alert;
mod arithmetic;
pub mod catalogue;
pub mod chance;
pub mod change;
pub mod chaos;
pub mod classes;
pub mod definition;
pub mod group;
pub mod health;
pub mod id;
pub mod incident;
pub mod inline;
pub mod journal;
pub mod ledger;
pub mod message;
pub mod names;
pub mod outcome;
pub mod per_service;
pub mod plan;
pub mod process;
pub mod queue;
pub mod round;
pub mod scenario;
pub mod score;
pub mod script;
pub mod server;
pub mod sre;
pub mod telemetry;
pub mod times;
pub mod topology;
pub mod traffic;
