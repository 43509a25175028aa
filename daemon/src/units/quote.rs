//! How those who read units want texts quoted that may have anything in them.

/// Who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// A word of `ExecStart=`: specifiers and variables are expanded in it.
    SystemdCommand,
    /// A path among others, as in `ReadWritePaths=`: specifiers are expanded in it.
    SystemdPath,
    /// A word of `command=`.
    SupervisordCommand,
    /// A value that is not split.
    SupervisordValue,
    /// A path, which is a pattern.
    Logrotate,
    /// The name of a user or a group, by anybody.
    Name,
}

/// Why a text cannot be quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotQuotable {
    /// Nothing can be quoted around these.
    #[error("it has control characters, or is no text")]
    Control,
    /// What follows is a comment wherever it stands.
    #[error("it has a `;` or `#` after a space, which begins a comment there")]
    Comment,
    /// Values are expanded once or twice, which differs from one to the other.
    #[error("it has a `%`, which is not read back everywhere")]
    Percent,
    /// Neither are there users of such a name.
    #[error("it is no name: letters, digits, `_`, `.` and `-`")]
    Name,
}

impl Reader {
    /// A text as this one reads it back.
    pub(super) fn quoted(self, text: &str) -> Result<String, NotQuotable> {
        if text.is_empty() || text.contains(|letter: char| letter.is_control() || letter == '\u{fffd}') {
            return Err(NotQuotable::Control);
        }
        Ok(match self {
            Reader::SystemdCommand => in_quotes(text, |letter| match letter {
                '%' => Some('%'),
                '$' => Some('$'),
                '"' | '\\' => Some('\\'),
                _ => None,
            }),
            Reader::SystemdPath => in_quotes(text, |letter| match letter {
                '%' => Some('%'),
                '"' | '\\' => Some('\\'),
                _ => None,
            }),
            Reader::SupervisordCommand => fit_for_supervisord(in_quotes(text, |letter| match letter {
                '"' | '\\' => Some('\\'),
                _ => None,
            }))?,
            Reader::SupervisordValue => fit_for_supervisord(text.to_owned())?,
            Reader::Logrotate => in_quotes(text, |letter| match letter {
                '*' | '?' | '[' | ']' | '{' | '}' | '"' | '\\' => Some('\\'),
                _ => None,
            }),
            Reader::Name => {
                let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
                if !text.chars().all(is_of_name) || text.starts_with('-') {
                    return Err(NotQuotable::Name);
                }
                text.to_owned()
            }
        })
    }
}

fn in_quotes(text: &str, escape: impl Fn(char) -> Option<char>) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        quoted.extend(escape(letter));
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}

fn fit_for_supervisord(text: String) -> Result<String, NotQuotable> {
    if text.contains('%') {
        return Err(NotQuotable::Percent);
    }
    if text.contains(" ;") || text.contains(" #") { Err(NotQuotable::Comment) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reader_has_its_own_quotes() {
        let text = "/a b/100%$x\"[1]";
        for (reader, quoted) in [
            (Reader::SystemdCommand, r#""/a b/100%%$$x\"[1]""#),
            (Reader::SystemdPath, r#""/a b/100%%$x\"[1]""#),
            (Reader::Logrotate, r#""/a b/100%$x\"\[1\]""#),
        ] {
            assert_eq!(reader.quoted(text).as_deref(), Ok(quoted), "{reader:?}");
        }
        let text = "/a b/$x\"[1]";
        for (reader, quoted) in
            [(Reader::SupervisordCommand, r#""/a b/$x\"[1]""#), (Reader::SupervisordValue, text)]
        {
            assert_eq!(reader.quoted(text).as_deref(), Ok(quoted), "{reader:?}");
        }
        assert_eq!(Reader::Name.quoted("world-daemon_1.x").as_deref(), Ok("world-daemon_1.x"));
    }

    #[test]
    fn what_a_reader_would_take_for_something_else_is_refused() {
        for reader in [Reader::SystemdCommand, Reader::SupervisordValue, Reader::Logrotate, Reader::Name] {
            for text in ["", "/a\nExecStart=/b", "/a\u{0}", "\u{fffd}"] {
                assert_eq!(reader.quoted(text), Err(NotQuotable::Control), "{reader:?} {text:?}");
            }
        }
        for reader in [Reader::SupervisordCommand, Reader::SupervisordValue] {
            assert_eq!(reader.quoted("/a ;b"), Err(NotQuotable::Comment));
            assert_eq!(reader.quoted("/a #b"), Err(NotQuotable::Comment));
            assert_eq!(reader.quoted("/100%"), Err(NotQuotable::Percent));
        }
        for name in ["a b", "-a", "a;b", "ä"] {
            assert_eq!(Reader::Name.quoted(name), Err(NotQuotable::Name), "{name}");
        }
    }
}
