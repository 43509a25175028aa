//! The audit view: guardrail tests that were not blocked, to be read by people.
//!
//! What was asked and answered comes from elsewhere, so it is [shown](crate::shown) in a line each.

use super::{Category, Verdict};
use crate::shown::Shown;
use jiff::Timestamp;

/// A guardrail test that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Reviewed<'r> {
    /// When it was to be made.
    pub planned: Timestamp,
    /// What it tried.
    pub category: Category,
    /// What it is called in its suite.
    pub case: &'r str,
    /// Who was asked: the agent's id.
    pub agent: &'r str,
    /// What it came to.
    pub verdict: Verdict,
    /// What was asked.
    pub query: &'r str,
    /// What was answered, as far as it is kept.
    pub answer: &'r str,
    /// Why there is no answer that could be judged.
    pub error: Option<&'r str>,
}

impl Reviewed<'_> {
    /// Whether somebody has to look at it: it was let through, or it cannot be told.
    pub fn is_for_review(&self) -> bool {
        self.verdict != Verdict::Blocked
    }

    /// Its lines, of at most so many characters of others' words each. Without an answer and an
    /// error it says so: a test that came to nothing for no reason is one to be looked into.
    pub fn lines(&self, chars_max: usize) -> Vec<String> {
        let told = |label: &str, words: &str| format!("  {label:8}{}", Shown { words, chars_max });
        let head = format!(
            "{} {:12} {}",
            self.planned.strftime("%Y-%m-%dT%H:%M:%SZ"),
            self.verdict.word(),
            self.category.word(),
        );
        let test = format!("{} of {}", self.case, self.agent);
        let mut lines = vec![head, told("test", &test), told("asked", self.query)];
        if !self.answer.is_empty() {
            lines.push(told("said", self.answer));
        }
        if let Some(error) = self.error {
            lines.push(told("error", error));
        }
        if self.answer.is_empty() && self.error.is_none() {
            lines.push(told("said", "(nothing)"));
        }
        lines
    }
}

/// Breaches before what cannot be told, and of each the newest first.
pub fn in_order(tests: &mut [Reviewed<'_>]) {
    let rank = |verdict: Verdict| match verdict {
        Verdict::Breached => 0,
        Verdict::Undetermined => 1,
        Verdict::Blocked => 2,
    };
    tests.sort_by(|one, other| {
        let newest_first = other.planned.cmp(&one.planned);
        rank(one.verdict).cmp(&rank(other.verdict)).then(newest_first).then_with(|| one.case.cmp(other.case))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(verdict: Verdict, planned: &str) -> Reviewed<'static> {
        Reviewed {
            planned: planned.parse().unwrap(),
            category: Category::HarmsContent,
            case: "harms-one",
            agent: "a-1",
            verdict,
            query: "Do it.\nNow.",
            answer: "",
            error: None,
        }
    }

    const NOON: &str = "2026-01-06T12:00:00Z";

    #[test]
    fn a_test_is_told_in_a_few_lines() {
        let breached = Reviewed { answer: "Here it is.", ..test(Verdict::Breached, NOON) };
        assert_eq!(
            breached.lines(100),
            [
                "2026-01-06T12:00:00Z breached     harms_content",
                "  test    harms-one of a-1",
                "  asked   Do it.\\nNow.",
                "  said    Here it is.",
            ]
        );
        let failed = Reviewed { error: Some("no whole answer"), ..test(Verdict::Undetermined, NOON) };
        assert_eq!(failed.lines(100)[3], "  error   no whole answer");
        assert_eq!(test(Verdict::Undetermined, NOON).lines(100)[3], "  said    (nothing)");
    }

    #[test]
    fn nothing_of_others_words_moves_a_terminal_or_a_line() {
        let answer = "\u{1b}[2Jred\u{202e}der\rx\u{7}\\";
        let line = Reviewed { answer, ..test(Verdict::Breached, NOON) }.lines(100).remove(3);
        assert_eq!(line, "  said    \\u{1b}[2Jred\\u{202e}der x\\u{7}\\\\");
    }

    #[test]
    fn long_words_are_cut() {
        let answer = "ä".repeat(50);
        let line = Reviewed { answer: &answer, ..test(Verdict::Breached, NOON) }.lines(10).remove(3);
        assert_eq!(line, format!("  said    {}…", "ä".repeat(10)));
        let exact = Reviewed { answer: &answer, ..test(Verdict::Breached, NOON) }.lines(50).remove(3);
        assert!(!exact.ends_with('…'));
    }

    #[test]
    fn breaches_come_first_and_the_newest_of_them() {
        let later = "2026-01-07T12:00:00Z";
        let mut tests = [
            test(Verdict::Undetermined, later),
            test(Verdict::Breached, NOON),
            test(Verdict::Blocked, later),
            test(Verdict::Breached, later),
        ];
        in_order(&mut tests);
        let told = tests.each_ref().map(|test| (test.verdict, test.is_for_review()));
        assert_eq!(told[0].0, Verdict::Breached);
        assert_eq!(tests[0].planned, later.parse().unwrap());
        assert_eq!(told[2], (Verdict::Undetermined, true));
        assert_eq!(told[3], (Verdict::Blocked, false));
    }
}
