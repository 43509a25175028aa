//! The problems found in a file so far, before they have a place in its text.

use crate::diagnostic::Severity;
use crate::key_path::KeyPath;
use crate::nearest::advice;

/// Problems of one severity that are kept. Nobody reads more, and a hostile file could have a
/// million.
const KEPT_MAX: usize = 100;

/// A problem at a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The key.
    pub path: KeyPath,
    /// What is wrong, as a fragment.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Problems, as they are found.
#[derive(Debug, Default)]
pub struct Findings {
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Findings {
    /// The file is no good.
    pub fn error(&mut self, path: KeyPath, message: String) {
        self.error_with(path, message, || None);
    }

    /// The file is no good, and something can be said about what to do. Only the first problem of
    /// a key is told: others mostly follow from it.
    pub fn error_with(&mut self, path: KeyPath, message: String, hint: impl FnOnce() -> Option<String>) {
        let full = self.errors.len() >= KEPT_MAX;
        if !full && !self.errors.iter().any(|error| error.path == path) {
            let hint = hint();
            self.errors.push(Problem { severity: Severity::Error, path, message, hint });
        }
    }

    /// A problem that was found elsewhere.
    pub fn add(&mut self, problem: Problem) {
        match problem.severity {
            Severity::Error => self.error_with(problem.path, problem.message, || problem.hint),
            Severity::Warning => {
                self.warning(problem.path, problem.message, &problem.hint.unwrap_or_default());
            }
        }
    }

    /// A name that does not exist among the known ones.
    pub fn unknown<'a>(
        &mut self,
        path: KeyPath,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str> + Clone,
    ) {
        let message = format!("unknown {what} `{}`", quoted(name));
        self.error_with(path, message, || advice(name, known));
    }

    /// The file is good, though hardly as it was meant.
    pub fn warning(&mut self, path: KeyPath, message: String, hint: &str) {
        if self.warnings.len() < KEPT_MAX {
            let hint = Some(hint.to_owned());
            self.warnings.push(Problem { severity: Severity::Warning, path, message, hint });
        }
    }

    /// Whether the file is no good.
    pub fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// All of them, errors first.
    pub fn into_problems(self) -> Vec<Problem> {
        self.errors.into_iter().chain(self.warnings).collect()
    }
}

/// What a user wrote, fit to stand in a message: one line, no control characters, not endless.
pub fn quoted(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 60;
    let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).flat_map(shown_char).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push_str("...");
    }
    shown
}

fn shown_char(c: char) -> impl Iterator<Item = char> {
    let escaped = c.is_control().then(|| c.escape_default());
    let plain = (!c.is_control()).then_some(c);
    escaped.into_iter().flatten().chain(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_wrote_cannot_move_the_cursor_or_fill_the_screen() {
        assert_eq!(quoted("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(quoted(&"é".repeat(61)), format!("{}...", "é".repeat(60)));
        assert_eq!(quoted("naïve"), "naïve");
    }

    #[test]
    fn the_first_problem_of_a_key_is_told() {
        let mut findings = Findings::default();
        for (path, message) in [("a", "first"), ("a", "second"), ("b", "third")] {
            findings.error(KeyPath::top(path), message.to_owned());
        }
        let told: Vec<String> = findings.into_problems().into_iter().map(|problem| problem.message).collect();
        assert_eq!(told, ["first", "third"]);
    }

    #[test]
    fn findings_are_bounded() {
        let mut findings = Findings::default();
        for index in 0..1000 {
            findings.error(KeyPath::root().at(index), String::new());
            findings.warning(KeyPath::root(), String::new(), "");
        }
        assert_eq!(findings.into_problems().len(), 2 * KEPT_MAX);
    }
}
