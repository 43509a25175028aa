//! The crew: the actors that live through days, and who tells whom what.

pub mod stage;
