//! Configurations that are changed here and there: most are refused, with a reason at a place in them; what is
//! accepted says the same when it is written down and read once more.

use fuzz_bodies::mutation::mutate;
use fuzz_bodies::{config_file, corpus};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

#[test]
fn a_configuration_with_any_bytes_changed_is_answered() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let kept = corpus::of("config_file");
    for (_, text) in kept.iter().cycle().take(2_000) {
        let mut bytes = text.clone();
        mutate(&mut bytes, &mut random);
        config_file::run(String::from_utf8_lossy(&bytes).as_bytes());
    }
}
