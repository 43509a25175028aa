//! Whatever peers and owner do, agents that keep the rules are served: the stateful model of
//! `fuzz/bodies/src/hub.rs`, played with random operations.
//!
//! `WORLD_HUB_PLAYS=N` plays so many instead of a few hundred, `WORLD_HUB_SEED=N` others.

use fuzz_bodies::hub;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::env::VarError;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Plays where no others are asked for: some seconds.
const PLAYS: u64 = 300;

/// Bytes of a play: as many as all of its operations take.
const BYTES_MAX: u32 = 400;

/// A number from the environment; a word that is none must not pass for a check.
fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")),
        Err(VarError::NotPresent) => default,
        Err(error) => panic!("{variable}: {error}"),
    }
}

/// The operations of a play.
fn script(seed: u64) -> Vec<u8> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..random.random_range(0..BYTES_MAX)).map(|_| random.random()).collect()
}

#[test]
fn agents_that_keep_the_rules_are_served_whatever_others_do() {
    let (first, plays) = (number("WORLD_HUB_SEED", 1), number("WORLD_HUB_PLAYS", PLAYS));
    println!("{plays} plays from seed {first} on");
    for seed in first..first + plays {
        let script = script(seed);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| hub::run(&script))) {
            let (end, bytes) = shortest(&script);
            println!("repeat with WORLD_HUB_SEED={seed} WORLD_HUB_PLAYS=1; {end} bytes are enough:");
            println!("{}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
            resume_unwind(panic);
        }
    }
}

/// The shortest beginning of a script that fails, too.
fn shortest(script: &[u8]) -> (usize, &[u8]) {
    let fails = |end: &usize| catch_unwind(AssertUnwindSafe(|| hub::run(&script[..*end]))).is_err();
    let end = (0..script.len()).find(fails).unwrap_or(script.len());
    (end, &script[..end])
}
