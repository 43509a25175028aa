//! What an HTTP server replied, and what of it is the same for all who are asked by HTTP.

use crate::send::{ANSWER_BYTES_KEPT, Answer, Failure, FailureKind};
use hyper::body::Bytes;
use hyper::header::HeaderValue;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use std::time::Duration;

/// Bytes of a body that are read; a longer one is no answer.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The longest that a target's wish to be left alone is taken to be.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// A whole reply.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Bytes,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl Reply {
    /// The answer with its status and the text of its body. That the server is busy (429) or not available
    /// (503) is a failure, whatever was expected otherwise; for the rest the caller judges.
    pub fn answer(&self) -> Answer {
        let failure = match self.status {
            429 => Some((FailureKind::RateLimited, "429: too many requests")),
            503 => Some((FailureKind::Unavailable, "503: the service is not available")),
            _ => None,
        };
        Answer {
            status: Some(self.status),
            text: beginning(&self.body),
            length: characters(&self.body),
            is_cut: self.body.len() > ANSWER_BYTES_KEPT,
            retry_after: failure.and(self.retry_after),
            failure: failure.map(|(kind, error)| Failure { kind, error: error.to_string() }),
            ..Answer::default()
        }
    }
}

impl Failure {
    /// An answer that is nothing but this.
    pub(super) fn answer(self) -> Answer {
        Answer { failure: Some(self), ..Answer::default() }
    }
}

/// As much of a text as is kept of an answer, to a whole character.
pub(super) fn beginning(body: &[u8]) -> String {
    let mut kept = body.len().min(ANSWER_BYTES_KEPT);
    while kept > 0 && body.get(kept).is_some_and(|byte| is_within_character(*byte)) {
        kept -= 1;
    }
    String::from_utf8_lossy(&body[..kept]).into_owned()
}

/// Characters of a text in UTF-8.
pub(super) fn characters(body: &[u8]) -> u64 {
    body.iter().filter(|byte| !is_within_character(**byte)).count() as u64
}

fn is_within_character(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

/// How long from now a server asks to be left alone: in seconds, or until an instant of the wall (RFC 9110,
/// 10.2.3). What is neither is no wish.
pub(super) fn retry_after(value: &HeaderValue, wall: Timestamp) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    let wish = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_or(RETRY_AFTER_MAX, Duration::from_secs)
    } else {
        let instant = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        Duration::try_from(instant.duration_since(wall)).unwrap_or_default()
    };
    Some(wish.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(text: &'static str) -> Option<Duration> {
        let wall = "2026-10-25T01:00:00Z".parse().unwrap();
        retry_after(&HeaderValue::from_static(text), wall)
    }

    #[test]
    fn the_wish_to_be_left_alone_is_read_in_both_forms() {
        assert_eq!(wish("120"), Some(Duration::from_secs(120)));
        assert_eq!(wish("0"), Some(Duration::ZERO));
        assert_eq!(wish("Sun, 25 Oct 2026 01:00:07 GMT"), Some(Duration::from_secs(7)));
        assert_eq!(wish("Sun, 25 Oct 2026 00:59:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wish("99999999999999999999999"), Some(RETRY_AFTER_MAX));
        for nothing in ["", "-1", "soon", "1.5", "Sun, 32 Oct 2026 01:00:07 GMT"] {
            assert_eq!(wish(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn the_beginning_of_a_long_text_is_kept_and_all_of_it_counted() {
        let text = "ä".repeat(ANSWER_BYTES_KEPT);
        let body = Bytes::from(format!("x{text}"));
        let answer = Reply { status: 200, body, retry_after: None }.answer();
        assert_eq!(answer.text.len(), ANSWER_BYTES_KEPT - 1);
        assert_eq!(answer.length, 1 + ANSWER_BYTES_KEPT as u64);
        assert!(answer.is_cut);
        assert_eq!(answer.failure, None);
    }

    #[test]
    fn a_busy_server_is_a_failure_with_its_wish() {
        for (status, kind) in [(429, FailureKind::RateLimited), (503, FailureKind::Unavailable)] {
            let retry_after = Some(Duration::from_secs(3));
            let answer = Reply { status, body: Bytes::new(), retry_after }.answer();
            assert_eq!(answer.failure.unwrap().kind, kind);
            assert_eq!(answer.retry_after, retry_after);
        }
        let answer =
            Reply { status: 200, body: Bytes::new(), retry_after: Some(Duration::from_secs(3)) }.answer();
        assert_eq!(answer.retry_after, None);
    }
}
