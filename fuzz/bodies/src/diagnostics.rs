//! What holds of the reasons for which any file is refused.

use worlds::definition::Diagnostic;

/// There is one, each is at a place in the text, and none moves a cursor.
pub(crate) fn lie_within(text: &str, reasons: &[Diagnostic]) {
    assert!(!reasons.is_empty(), "refused without a reason");
    for reason in reasons {
        let line = text.split('\n').nth(reason.line - 1);
        let line = line.unwrap_or_else(|| panic!("{reason} is behind the end"));
        assert!((1..=line.chars().count() + 1).contains(&reason.column), "{reason} in {line:?}");
        assert!(!reason.to_string().contains(|c: char| c.is_control()), "{reason:?}");
    }
}
