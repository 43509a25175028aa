//! Chance: every draw is a pure function of (seed, domain, entity, round, purpose).
//!
//! There is no generator that is passed around and advances, so nobody's extra draw moves anybody
//! else's: an SRE that rolls its dice twice cannot move chaos, and a world with one more server
//! keeps the luck of the others. A [`Key`] belongs to a domain (chaos, traffic, one server, one
//! SRE) and is derived from the seed with BLAKE3, so that whoever holds one key learns nothing of
//! the others but by trying all seeds, which a drawn seed of 32 bits does not resist for long:
//! keys keep honest agents from peeking by accident, they are no secret from a determined one.
//! Under a key, ChaCha8 is addressed by position: the stream is the entity, the block is the round,
//! and each purpose has its fixed words in it.
//!
//! ChaCha makes several blocks at once. Whoever needs the same entity round after round keeps a
//! [`Dice`], which uses them all; the draws are those of [`Key::draws`], whatever was asked before.

use blake3::hazmat::{ContextKey, HasherExt as _, hash_derive_key_context};
use rand::rand_core::{Rng, SeedableRng};
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// What sets these keys apart from all other uses of BLAKE3.
static CONTEXT: LazyLock<ContextKey> =
    LazyLock::new(|| hash_derive_key_context("world 2026 chance: key of a domain"));

/// The one number from which all chance of a run flows.
pub type Seed = u64;

/// The dice of one domain.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key([u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// The key of a domain: `kind` is what it is for, `name` whose it is.
    pub fn derive(seed: Seed, kind: &str, name: &str) -> Self {
        let mut hasher = blake3::Hasher::new_from_context_key(&CONTEXT);
        hasher.update(&seed.to_le_bytes());
        hasher.update(&(kind.len() as u64).to_le_bytes());
        hasher.update(kind.as_bytes());
        hasher.update(name.as_bytes());
        Self(*hasher.finalize().as_bytes())
    }

    /// The draws of one entity in one round.
    pub fn draws(&self, entity: u64, round: u32) -> Draws {
        self.dice(entity).draws(round)
    }

    /// The dice of one entity, to be thrown in many rounds.
    pub fn dice(&self, entity: u64) -> Dice {
        let mut generator = ChaCha8Rng::from_seed(self.0);
        generator.set_stream(entity);
        Dice { generator, next_round: 0 }
    }
}

/// The dice of one entity under one key.
pub struct Dice {
    generator: ChaCha8Rng,
    /// The round whose block the generator comes to next.
    next_round: u64,
}

impl std::fmt::Debug for Dice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dice(..)")
    }
}

impl Dice {
    /// The draws of a round. Cheapest when rounds are asked for one after another.
    pub fn draws(&mut self, round: u32) -> Draws {
        let round = u64::from(round);
        if round != self.next_round {
            self.generator.set_word_pos(u128::from(round) * Draws::WORDS);
        }
        self.next_round = round + 1;
        let mut bytes = [0; Draws::COUNT * size_of::<u64>()];
        self.generator.fill_bytes(&mut bytes);
        let (words, _) = bytes.as_chunks();
        Draws { values: std::array::from_fn(|index| u64::from_le_bytes(words[index])) }
    }
}

/// What one entity may draw in one round: a fixed number of values, taken by position.
#[derive(Clone, Debug)]
pub struct Draws {
    values: [u64; Draws::COUNT],
}

impl Draws {
    /// Values an entity has in a round.
    pub const COUNT: usize = 8;
    /// 32-bit words of the stream that these take: one block of ChaCha.
    const WORDS: u128 = 16;

    /// A uniform draw from 0 (included) to 1 (excluded), in steps of 2^-53.
    ///
    /// # Panics
    /// When `position` is not below [`Draws::COUNT`]: positions are constants of the code.
    pub fn unit(&self, position: usize) -> f64 {
        (self.values[position] >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Whether something of this probability happens.
    pub fn happens(&self, position: usize, probability: f64) -> bool {
        self.unit(position) < probability
    }

    /// A uniform draw from a range.
    pub fn between(&self, position: usize, [low, high]: [f64; 2]) -> f64 {
        low + (high - low) * self.unit(position)
    }

    /// A uniform draw of one of `count` things. The bias of the multiply-shift is below
    /// `count` / 2^64.
    ///
    /// # Panics
    /// When `count` is 0.
    pub fn pick(&self, position: usize, count: usize) -> usize {
        assert!(count > 0, "there is nothing to pick from");
        ((u128::from(self.values[position]) * count as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_the_same_on_every_platform_and_version() {
        let draws = Key::derive(42, "chaos", "").draws(3, 7);
        assert_eq!(draws.values[..2], GOLDEN);
    }

    const GOLDEN: [u64; 2] = [5575534235240151338, 10492930691051710289];

    #[test]
    fn dice_fall_the_same_in_whichever_order_rounds_are_asked_for() {
        let key = Key::derive(9, "chaos", "cpu_spike");
        let mut dice = key.dice(4);
        for round in [0, 1, 2, 3, 4, 5, 9, 8, 8, 2, u32::MAX, 0, 1] {
            assert_eq!(dice.draws(round).values, key.draws(4, round).values, "round {round}");
        }
    }

    #[test]
    fn another_seed_domain_name_entity_or_round_draws_otherwise() {
        let first = |key: Key, entity, round| key.draws(entity, round).values[0];
        let key = Key::derive(1, "a", "b");
        let all = [
            first(key, 0, 1),
            first(key, 1, 1),
            first(key, 0, 2),
            first(Key::derive(2, "a", "b"), 0, 1),
            first(Key::derive(1, "c", "b"), 0, 1),
            first(Key::derive(1, "a", "c"), 0, 1),
            first(Key::derive(1, "ab", ""), 0, 1),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn rounds_do_not_overlap() {
        let key = Key::derive(1, "a", "b");
        let (one, two) = (key.draws(0, 1), key.draws(0, 2));
        assert!(one.values.iter().all(|value| !two.values.contains(value)));
    }

    #[test]
    fn picks_are_uniform() {
        let key = Key::derive(5, "a", "");
        let mut counts = [0_u32; 6];
        for round in 0..60_000 {
            counts[key.draws(0, round).pick(0, 6)] += 1;
        }
        for count in counts {
            assert!((9_700..10_300).contains(&count), "{counts:?}");
        }
    }
}
