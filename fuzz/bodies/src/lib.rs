//! What the fuzzers do with the bytes that they are given.
//!
//! Each module has a `run` that takes any bytes and panics if a claim does not hold. The targets of
//! `fuzz/` call it under libFuzzer; the tests of this crate call it for every file of the kept corpus
//! (`fuzz/corpus`), and [`hub`] also for random bytes, so that what was found once stays found.
//! What is a claim and how a run is lengthened is told in `docs/bus.md`.

pub mod config_file;
pub mod corpus;
mod diagnostics;
pub mod frame;
pub mod greeting;
pub mod hub;
pub mod memory;
mod messages;
pub mod mutation;
pub mod scenario_file;
mod stage;
pub mod world_file;
