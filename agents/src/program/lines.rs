//! How a stream of bytes from a program is cut into lines. No input or output happens here.
//!
//! A line ends with a line feed, the last one with the stream. Of a line that is too long nothing is kept:
//! it is told once, and passed over to its end, however far that is. Bytes are taken out as far as there is
//! room, to the byte, so that whoever counts them counts the same however they arrived.

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
    /// Nothing before more arrives.
    Nothing,
    /// Nothing within the room that there was, however much arrives.
    NoRoom,
}

impl Lines {
    /// Of up to so many bytes each.
    pub(crate) fn of_up_to(limit: usize) -> Self {
        Self { bytes: Vec::new(), start: 0, searched: 0, passing_over: false, limit }
    }

    /// Takes bytes in. Whoever takes all out in between keeps no more than the room that there was, and what
    /// arrived since.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next line, out of no more bytes than there is room for, which shrinks by those that are taken out.
    /// What comes depends on the bytes in their order, and not on how they arrived.
    pub(crate) fn take(&mut self, room: &mut usize) -> Cut<'_> {
        if self.passing_over && !self.pass_over(room) {
            return self.wait_for_more(*room);
        }
        let most = self.limit + 1;
        let window = self.start + (*room).min(most).min(self.bytes.len() - self.start);
        let Some(length) =
            self.bytes[self.searched.min(window)..window].iter().position(|byte| *byte == b'\n')
        else {
            self.searched = self.searched.max(window);
            if window - self.start < most {
                return self.wait_for_more(*room);
            }
            self.passing_over = true;
            self.take_out(most, room);
            return Cut::TooLong;
        };
        let (start, end) = (self.start, self.searched + length);
        self.take_out(end + 1 - start, room);
        Cut::Line(&self.bytes[start..end])
    }

    /// What is left when the stream has ended, after all whole lines: a last line without an end.
    pub(crate) fn take_rest(&mut self) -> Option<&[u8]> {
        let (start, end) = (self.start, self.bytes.len());
        (self.start, self.searched) = (end, end);
        let is_there = start < end && !std::mem::take(&mut self.passing_over);
        is_there.then(|| &self.bytes[start..end])
    }

    /// Passes over the rest of a line that is too long; whether that came to its end.
    fn pass_over(&mut self, room: &mut usize) -> bool {
        let there = (*room).min(self.bytes.len() - self.start);
        let end = self.bytes[self.start..self.start + there].iter().position(|byte| *byte == b'\n');
        self.take_out(end.map_or(there, |end| end + 1), room);
        self.passing_over = end.is_none();
        end.is_some()
    }

    fn take_out(&mut self, bytes: usize, room: &mut usize) {
        *room -= bytes;
        self.start += bytes;
        self.searched = self.start;
    }

    fn wait_for_more(&self, room: usize) -> Cut<'static> {
        if self.bytes.len() - self.start > room { Cut::NoRoom } else { Cut::Nothing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out, a word a cut, however the bytes are cut.
    fn cuts(text: &str, step: usize) -> Vec<String> {
        let (mut lines, mut cuts) = (Lines::of_up_to(4), Vec::new());
        for piece in text.as_bytes().chunks(step) {
            lines.push(piece);
            loop {
                let mut room = usize::MAX;
                match lines.take(&mut room) {
                    Cut::Line(line) => cuts.push(text_of(line)),
                    Cut::TooLong => cuts.push("TOO LONG".to_owned()),
                    Cut::Nothing => break,
                    Cut::NoRoom => panic!("there is room"),
                }
            }
            assert!(lines.bytes.len() <= 5 + 2 * step, "{} bytes are kept", lines.bytes.len());
        }
        cuts.extend(lines.take_rest().map(text_of));
        cuts
    }

    fn text_of(line: &[u8]) -> String {
        String::from_utf8_lossy(line).into_owned()
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
