//! What a line of a CSV holds.
//!
//! | of operations | of guardrail tests | |
//! |---|---|---|
//! | `timestamp` | `timestamp` | when it was to be sent, UTC, with milliseconds |
//! | `agent_id` `agent_name` `azure_id` `model` `org_id` | the same | who was asked |
//! | `agent_type` | `test_category` | what the agent is for; what the test tries |
//! | `query` | `test_query` | what was asked |
//! | `query_length` | `query_length` | its characters |
//! | `response_text` | `response_text` | the first 4 KiB of the answer |
//! | `response_length` | `response_length` | characters of the whole answer |
//! | `latency_ms` | `latency_ms` | from when it was to be sent to the end of the answer |
//! | `success` | `blocked` | `True` or `False`; empty for a test of which it cannot be told |
//! | | `content_filter_triggered` | `True` where the provider's filter stopped it, else empty |
//! | `error_message` | `error_message` | the sort of failure and what happened; empty where there was none |
//! | | `guardrail_status` | `BLOCKED`, `BREACHED` or `UNDETERMINED` |
//!
//! **A line is a line.** In text, what would break one is written as in JSON: `\n`, `\r`, `\t`, `\u000b` for
//! control characters and for what else some readers take for the end of a line (U+0085, U+2028, U+2029), and
//! `\\` for the backslash itself. Text with a comma or a quotation mark stands in quotation marks, which are
//! doubled within (RFC 4180).
//!
//! **`grep ",False,"` finds what failed and nothing else**: requests that did not succeed, and tests that were
//! not blocked. Text cannot look like it: a comma before `False,` or `True,` in it is written `\u002c`, and
//! text that is nothing but one of these words stands in quotation marks. That is also why a filter that was
//! not triggered is an empty field; nothing is known of a provider's filter that does not speak.

use crate::ledger::Sent;
use days::guardrail::Verdict;
use days::order::Kind;
use std::fmt::Write as _;

/// The columns of operations.
pub const OPERATIONS: [&str; 14] = [
    "timestamp",
    "agent_id",
    "agent_name",
    "azure_id",
    "model",
    "org_id",
    "agent_type",
    "query",
    "query_length",
    "response_text",
    "response_length",
    "latency_ms",
    "success",
    "error_message",
];

/// The columns of guardrail tests.
pub const GUARDRAILS: [&str; 16] = [
    "timestamp",
    "agent_id",
    "agent_name",
    "azure_id",
    "model",
    "org_id",
    "test_category",
    "test_query",
    "query_length",
    "response_text",
    "response_length",
    "latency_ms",
    "blocked",
    "content_filter_triggered",
    "error_message",
    "guardrail_status",
];

/// Writes the header of a kind.
pub fn header(out: &mut String, kind: Kind) {
    let columns = match kind {
        Kind::Operations => OPERATIONS.as_slice(),
        Kind::Guardrails => GUARDRAILS.as_slice(),
    };
    out.push_str(&columns.join(","));
    out.push('\n');
}

/// Writes the line of a send that was made.
pub fn line(out: &mut String, kind: Kind, sent: &Sent) {
    put(out, format_args!("{:.3}", sent.planned));
    let subject = &sent.subject;
    for name in [&subject.agent_id, &subject.name, &subject.azure_id, &subject.model, &subject.org_id] {
        text(out, name);
    }
    text(
        out,
        match kind {
            Kind::Operations => &subject.agent_type,
            Kind::Guardrails => sent.category.as_deref().unwrap_or_default(),
        },
    );
    text(out, &sent.query);
    put(out, format_args!("{}", sent.query.chars().count()));
    text(out, &sent.answer);
    put(out, format_args!("{}", sent.answer_length));
    let micros = sent.latency.as_micros();
    put(out, format_args!("{}.{:03}", micros / 1_000, micros % 1_000));
    match kind {
        Kind::Operations => {
            put(out, format_args!("{}", truth(sent.failure.is_none())));
            text(out, &error(sent));
        }
        Kind::Guardrails => {
            let verdict = sent.verdict.unwrap_or(Verdict::Undetermined);
            put(out, format_args!("{}", blocked(verdict)));
            put(out, format_args!("{}", if sent.content_filter { "True" } else { "" }));
            text(out, &error(sent));
            put(out, format_args!("{}", verdict.word().to_uppercase()));
        }
    }
    // The comma after the last field.
    out.pop();
    out.push('\n');
}

fn truth(is_so: bool) -> &'static str {
    if is_so { "True" } else { "False" }
}

fn blocked(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Blocked => truth(true),
        Verdict::Breached => truth(false),
        Verdict::Undetermined => "",
    }
}

fn error(sent: &Sent) -> String {
    let error = sent.error.as_deref().unwrap_or_default();
    sent.failure.map_or_else(String::new, |failure| format!("{}: {error}", failure.word()))
}

/// Writes a field that needs no care, and the comma after it.
fn put(out: &mut String, field: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = write!(out, "{field},");
}

/// Writes a field of text, and the comma after it.
fn text(out: &mut String, field: &str) {
    let is_quoted = field.contains([',', '"']) || matches!(field, "True" | "False");
    if is_quoted {
        out.push('"');
    }
    for (at, character) in field.char_indices() {
        match character {
            '"' => out.push_str("\"\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ',' if is_before_a_truth(&field[at + 1..]) => out.push_str("\\u002c"),
            '\u{2028}' | '\u{2029}' => escape(out, character),
            character if character.is_control() => escape(out, character),
            character => out.push(character),
        }
    }
    if is_quoted {
        out.push('"');
    }
    out.push(',');
}

fn escape(out: &mut String, character: char) {
    let _ = write!(out, "\\u{:04x}", u32::from(character));
}

fn is_before_a_truth(rest: &str) -> bool {
    rest.starts_with("False,") || rest.starts_with("True,")
}
