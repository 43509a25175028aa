//! What the program's exit codes mean; scripts rely on them.

/// It ran, and its gates held.
pub(crate) const OK: u8 = 0;
/// A gate failed.
pub(crate) const GATE_FAILED: u8 = 1;
/// Wrong usage, or a file that is no good. Nothing was run.
pub(crate) const USAGE: u8 = 2;
/// The run cannot be judged: it is invalid, or a gate asks for what was not observed.
pub(crate) const UNJUDGED: u8 = 3;
/// An error of the program or of the machine, or a determinism check that found a difference.
pub(crate) const INTERNAL: u8 = 4;

/// Ended by a signal.
pub(crate) fn signalled(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_signal_is_told_as_shells_tell_it() {
        assert_eq!(super::signalled(2), 130);
        assert_eq!(super::signalled(15), 143);
    }
}
