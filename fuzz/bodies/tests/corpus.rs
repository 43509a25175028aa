//! The kept corpus, replayed: what was found once stays found.

use fuzz_bodies::{config_file, corpus, frame, greeting, hub, scenario_file, world_file};
use std::panic::catch_unwind;

fn replay(target: &str, run: fn(&[u8])) {
    let inputs = corpus::of(target);
    assert!(!inputs.is_empty(), "nothing is kept of {target}");
    for (path, bytes) in inputs {
        catch_unwind(|| run(&bytes)).unwrap_or_else(|_| panic!("{} breaks a claim", path.display()));
    }
}

#[test]
fn frames() {
    replay("frame", frame::run);
}

#[test]
fn greetings() {
    replay("greeting", greeting::run);
}

#[test]
fn world_files() {
    replay("world_file", world_file::run);
}

#[test]
fn scenario_files() {
    replay("scenario_file", scenario_file::run);
}

#[test]
fn config_files() {
    replay("config_file", config_file::run);
}

#[test]
fn hubs() {
    replay("hub", hub::run);
}
