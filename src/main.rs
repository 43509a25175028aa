//! `world`: a flight simulator for on-call.

mod event;
mod exit_code;
mod gate;
mod inline;
mod nearest;
mod reference;
mod result;

fn main() {}
