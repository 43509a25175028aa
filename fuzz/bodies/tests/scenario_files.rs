//! Scenario files that are changed here and there: most are refused, with a reason at a place in them; what
//! is accepted can be played.

use fuzz_bodies::mutation::mutate;
use fuzz_bodies::scenario_file;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use worlds::scenario::library;

#[test]
fn a_scenario_with_any_bytes_changed_is_answered() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for round in 0..3_000 {
        let mut bytes = library::ALL[round % library::ALL.len()].text.as_bytes().to_vec();
        mutate(&mut bytes, &mut random);
        scenario_file::run(String::from_utf8_lossy(&bytes).as_bytes());
    }
}

/// Lines shuffled, doubled and dropped: mostly valid TOML with another meaning.
#[test]
fn a_scenario_with_its_lines_shuffled_is_answered() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    for round in 0..2_000 {
        let mut lines: Vec<&str> = library::ALL[round % library::ALL.len()].text.lines().collect();
        for _ in 0..random.random_range(1..6_u32) {
            let at = random.random_range(0..lines.len() as u32) as usize;
            let line = lines.remove(at);
            for _ in 0..random.random_range(0..3_u32) {
                lines.insert(random.random_range(0..lines.len() as u32 + 1) as usize, line);
            }
        }
        scenario_file::run(lines.join("\n").as_bytes());
    }
}
