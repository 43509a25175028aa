//! Small changes of a file that somebody wrote: most make it one that is no good.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

/// What files are written with, in TOML and in JSON.
const LETTERS: &[u8] = b"[]{}=.,\"'#\n\n\r\t _-+019eainft\\u";

/// Changes a few bytes of a text here and there.
pub fn mutate(bytes: &mut Vec<u8>, random: &mut ChaCha8Rng) {
    for _ in 0..random.random_range(1..5_u32) {
        change(bytes, random);
    }
}

fn change(bytes: &mut Vec<u8>, random: &mut ChaCha8Rng) {
    let length = bytes.len() as u32;
    let at = random.random_range(0..length) as usize;
    let letter = LETTERS[random.random_range(0..LETTERS.len() as u32) as usize];
    match random.random_range(0..5_u32) {
        0 => bytes[at] = random.random(),
        1 => bytes[at] = letter,
        2 => bytes.insert(at, letter),
        3 => drop(bytes.drain(at..(at + 20).min(length as usize))),
        _ => bytes.truncate(at.max(1)),
    }
}
