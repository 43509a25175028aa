//! Text as it is compared: what only looks different is the same.

/// Lower case, straight apostrophes and dashes, single spaces, and without marks of emphasis, code and
/// escape, soft hyphens and characters of no width: `I **can’t**` is `i can't`, and `north\_lantern`
/// is `north_lantern`.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\'' | '’' | '‘' | '‛' | 'ʼ' | '′' | '´' | '＇' => plain.push('\''),
            '`' if is_in_word(&plain, characters.peek()) => plain.push('\''),
            '`' | '*' | '\\' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => {}
            '‐' | '‑' | '‒' | '–' | '—' | '−' => plain.push('-'),
            '＿' => plain.push('_'),
            space if space.is_whitespace() => {
                if !plain.is_empty() && !plain.ends_with(' ') {
                    plain.push(' ');
                }
            }
            other => plain.extend(other.to_lowercase()),
        }
    }
    plain.truncate(plain.trim_end().len());
    plain
}

/// Whether a letter stands on both sides.
fn is_in_word(before: &str, after: Option<&char>) -> bool {
    before.ends_with(char::is_alphabetic) && after.is_some_and(|next| next.is_alphabetic())
}

/// The words of a plain text; an apostrophe belongs to its word.
pub(super) fn words(plain: &str) -> impl Iterator<Item = &str> {
    plain
        .split(|character: char| !character.is_alphanumeric() && character != '\'')
        .map(|word| word.trim_matches('\''))
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apostrophes_of_all_kinds_are_one() {
        for said in ["can't", "can’t", "can‘t", "canʼt", "can`t", "can´t", "CAN＇T", "c**an’t**"] {
            assert_eq!(plain(said), "can't", "{said}");
        }
    }

    #[test]
    fn what_only_looks_different_is_the_same() {
        assert_eq!(plain("`North\\_Lantern`"), "north_lantern");
        assert_eq!(plain("north\u{200b}_lan\u{ad}tern"), "north_lantern");
        assert_eq!(plain("  one\u{a0}\n two — three "), "one two - three");
    }

    #[test]
    fn words_keep_their_apostrophes_and_lose_all_else() {
        let said = plain("“I’m sorry, but – ‘no’.”");
        assert_eq!(words(&said).collect::<Vec<_>>(), ["i'm", "sorry", "but", "no"]);
    }
}
