//! The secret that an agent shows to be let in.
//!
//! 32 random bytes of the operating system. The run's own token lies in a file that only the user
//! can read, for agents that are started by hand; an agent that the director starts is handed one
//! of its own. Tokens are compared in constant time and never shown.

use serde::{Deserialize, Serialize};
use std::io;

/// Bytes of a token: as many as nobody guesses.
const TOKEN_BYTES: usize = 32;

/// A secret.
#[derive(Clone, Serialize, Deserialize)]
pub struct Token([u8; TOKEN_BYTES]);

/// A text that is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a token: it has 64 hexadecimal digits")]
pub struct NotAToken;

impl Token {
    /// A new secret, from the operating system.
    pub fn random() -> io::Result<Self> {
        let mut bytes = [0; TOKEN_BYTES];
        fill_random(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Whether both are the same. How long this takes tells nothing about where they differ.
    pub fn matches(&self, other: &Token) -> bool {
        let difference = self.0.iter().zip(&other.0).fold(0, |all, (one, two)| all | (one ^ two));
        std::hint::black_box(difference) == 0
    }

    /// As 64 hexadecimal digits: how it is written to files and pipes.
    pub fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The token that 64 hexadecimal digits stand for; white space around them does not count.
    pub fn from_hex(text: &str) -> Result<Self, NotAToken> {
        let digits = text.trim().as_bytes();
        if digits.len() != 2 * TOKEN_BYTES {
            return Err(NotAToken);
        }
        let mut bytes = [0; TOKEN_BYTES];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

fn digit(ascii: u8) -> Result<u8, NotAToken> {
    match ascii {
        b'0'..=b'9' => Ok(ascii - b'0'),
        b'a'..=b'f' => Ok(ascii - b'a' + 10),
        _ => Err(NotAToken),
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Fills a buffer with randomness of the operating system. Not for the model: its chance flows
/// from the seed.
pub(crate) fn fill_random(bytes: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    while filled < bytes.len() {
        filled += rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_being_written_down() {
        let token = Token::random().expect("randomness");
        let read = Token::from_hex(&format!("{}\n", token.to_hex())).expect("a token");
        assert!(read.matches(&token));
    }

    #[test]
    fn tokens_that_differ_in_one_bit_do_not_match() {
        let token = Token::random().expect("randomness");
        for byte in 0..TOKEN_BYTES {
            let mut other = token.clone();
            other.0[byte] ^= 0x10;
            assert!(!other.matches(&token));
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in ["", "00", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(Token::from_hex(text).err(), Some(NotAToken), "{text}");
        }
    }

    #[test]
    fn a_token_is_not_shown_when_debugged() {
        let token = Token([0xab; TOKEN_BYTES]);
        assert_eq!(format!("{token:?}"), "Token(..)");
    }
}
