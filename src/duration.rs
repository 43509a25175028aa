//! Spans of time as people type them: `500ms`, `2s`, `1m`.

use std::time::Duration;

/// The longest that may be typed: a day.
const MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads one.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let advice = || "write a number and ms, s or m, as in 500ms or 2s".to_owned();
    let unit_at = text.find(|letter: char| letter.is_ascii_alphabetic()).ok_or_else(advice)?;
    let (number, unit) = text.split_at(unit_at);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        _ => return Err(advice()),
    };
    let number: f64 = number.trim_end().parse().map_err(|_| advice())?;
    let duration = Duration::try_from_secs_f64(number * seconds).map_err(|_| advice())?;
    if duration > MAX { Err("a round may take a day at most".to_owned()) } else { Ok(duration) }
}

/// Reads one in which something has to be done.
pub(crate) fn parse_limit(text: &str) -> Result<Duration, String> {
    match parse(text)? {
        Duration::ZERO => Err("nothing is done in no time".to_owned()),
        limit => Ok(limit),
    }
}

/// Writes one as it is read.
pub(crate) fn written(duration: Duration) -> String {
    let millis = duration.as_secs_f64() * 1e3;
    if duration.subsec_nanos() == 0 { format!("{}s", duration.as_secs()) } else { format!("{millis}ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse("2m"), Ok(Duration::from_secs(120)));
        for bad in ["", "5", "s", "-1s", "1h", "1e30s", "nans", "2 days", "48000m"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse_limit("0s").is_err());
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        for text in ["1ms", "1500ms", "2s", "0.5ms", "90s"] {
            let duration = parse(text).expect("a duration");
            assert_eq!((written(duration), parse(&written(duration))), (text.to_owned(), Ok(duration)));
        }
    }
}
