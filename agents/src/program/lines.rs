//! How a stream of bytes from a program is cut into lines. No input or output happens here.
//!
//! A line ends with a line feed, the last one with the stream. Of a line that is too long nothing is kept:
//! it is told once, and passed over to its end, however far that is.

/// The bytes that arrived and were not taken yet.
#[derive(Debug)]
pub(crate) struct Lines {
    bytes: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Up to where there is no line feed.
    searched: usize,
    /// Within a line that is too long.
    passing_over: bool,
    /// Bytes that a line may have, without its end.
    limit: usize,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cut<'a> {
    /// A line, without its end.
    Line(&'a [u8]),
    /// One that is too long.
    TooLong,
}

impl Lines {
    /// Of up to so many bytes each.
    pub(crate) fn of_up_to(limit: usize) -> Self {
        Self { bytes: Vec::new(), start: 0, searched: 0, passing_over: false, limit }
    }

    /// Takes bytes in. Whoever takes all lines out in between keeps no more than one of the longest kind, and
    /// what arrived since.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole line.
    pub(crate) fn take(&mut self) -> Option<Cut<'_>> {
        loop {
            let Some(length) = self.bytes[self.searched..].iter().position(|byte| *byte == b'\n') else {
                return self.look_at_half();
            };
            let (start, end) = (self.start, self.searched + length);
            self.start = end + 1;
            self.searched = self.start;
            if std::mem::take(&mut self.passing_over) {
                continue;
            }
            let is_too_long = end - start > self.limit;
            return Some(if is_too_long { Cut::TooLong } else { Cut::Line(&self.bytes[start..end]) });
        }
    }

    /// What is left when the stream has ended, after all whole lines: a last line without an end.
    pub(crate) fn take_rest(&mut self) -> Option<Cut<'_>> {
        let (start, end) = (self.start, self.bytes.len());
        (self.start, self.searched) = (end, end);
        let is_there = start < end && !std::mem::take(&mut self.passing_over);
        is_there.then(|| Cut::Line(&self.bytes[start..end]))
    }

    fn look_at_half(&mut self) -> Option<Cut<'_>> {
        self.searched = self.bytes.len();
        let is_too_long = self.searched - self.start > self.limit;
        if self.passing_over || is_too_long {
            self.start = self.searched;
        }
        let is_new = is_too_long && !std::mem::replace(&mut self.passing_over, true);
        is_new.then_some(Cut::TooLong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out, a word a cut, however the bytes are cut.
    fn cuts(text: &str, step: usize) -> Vec<String> {
        let (mut lines, mut cuts) = (Lines::of_up_to(4), Vec::new());
        let shown = |cut: Cut<'_>| match cut {
            Cut::Line(line) => String::from_utf8_lossy(line).into_owned(),
            Cut::TooLong => "TOO LONG".to_owned(),
        };
        for piece in text.as_bytes().chunks(step) {
            lines.push(piece);
            while let Some(cut) = lines.take() {
                cuts.push(shown(cut));
            }
            assert!(lines.bytes.len() <= 5 + 2 * step, "{} bytes are kept", lines.bytes.len());
        }
        cuts.extend(lines.take_rest().map(shown));
        cuts
    }

    #[test]
    fn lines_come_out_the_same_however_they_arrive() {
        for step in 1..20 {
            assert_eq!(cuts("a\n\nabcd\nb", step), ["a", "", "abcd", "b"], "{step}");
            assert_eq!(cuts("a\n", step), ["a"], "{step}");
            assert_eq!(cuts("", step), [""; 0]);
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_told_once_and_passed_over_to_its_end() {
        for step in 1..20 {
            assert_eq!(cuts("abcde\nb\n", step), ["TOO LONG", "b"], "{step}");
            assert_eq!(cuts("abcdefghijklmnopqrstuvwxyz", step), ["TOO LONG"], "{step}");
            assert_eq!(
                cuts("abcdefghijklm\n\nabcdefgh\nc", step),
                ["TOO LONG", "", "TOO LONG", "c"],
                "{step}"
            );
        }
    }
}
