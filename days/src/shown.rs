//! Others' words in a line of ours.
//!
//! What was asked, answered or logged comes from elsewhere. It is shown in one line, cut to what fits, with all
//! that a terminal would obey or that would reorder what is read written as an escape.

use std::fmt::{self, Display, Write as _};

/// Others' words, in a part of a line.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'w> {
    /// The words, as they came.
    pub words: &'w str,
    /// Characters of them that are shown; the rest is an ellipsis.
    pub chars_max: usize,
}

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.chars_max;
        for letter in self.words.trim().chars() {
            if left == 0 {
                return f.write_char('…');
            }
            left -= 1;
            match letter {
                '\n' => f.write_str("\\n")?,
                '\t' | '\r' => f.write_char(' ')?,
                obeyed if obeyed.is_control() || is_reordering(obeyed) => {
                    write!(f, "\\u{{{:x}}}", u32::from(obeyed))?;
                }
                '\\' => f.write_str("\\\\")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// Marks that change the direction of what follows, or are not seen at all.
fn is_reordering(letter: char) -> bool {
    matches!(
        letter,
        '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_others_words_moves_a_terminal_or_a_line() {
        let words = "\u{1b}[2Jred\u{202e}der\rx\u{7}\\\nend";
        let shown = Shown { words, chars_max: 100 }.to_string();
        assert_eq!(shown, "\\u{1b}[2Jred\\u{202e}der x\\u{7}\\\\\\nend");
    }
}
