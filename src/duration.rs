//! Spans of time as people type them: `500ms`, `2s`, `1m`, and for what lasts longer than a round `10m`, `36h`, `7d`.

use std::time::Duration;

/// The longest that may be typed: a day.
const MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest span that something may last or lie in the past: ten years.
const SPAN_MAX: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);

/// Reads one.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0)];
    let duration = read(text, &units).ok_or("write a number and ms, s or m, as in 500ms or 2s")?;
    if duration > MAX { Err("a round may take a day at most".to_owned()) } else { Ok(duration) }
}

/// Reads one of what lasts for long, or is long ago.
pub(crate) fn parse_span(text: &str) -> Result<Duration, String> {
    let units = [("s", 1.0), ("m", 60.0), ("h", 3_600.0), ("d", 86_400.0)];
    match read(text, &units).ok_or("write a number and s, m, h or d, as in 10m or 7d")? {
        Duration::ZERO => Err("nothing is done in no time".to_owned()),
        span if span > SPAN_MAX => Err("ten years at most".to_owned()),
        span => Ok(span),
    }
}

/// A number and a unit.
fn read(text: &str, units: &[(&str, f64)]) -> Option<Duration> {
    let unit_at = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit_at);
    let (_, seconds) = units.iter().find(|(name, _)| *name == unit)?;
    let number: f64 = number.trim_end().parse().ok()?;
    Duration::try_from_secs_f64(number * seconds).ok()
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
    fn what_lasts_for_long_may_be_typed_in_days() {
        assert_eq!(parse_span("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(parse_span("1.5h"), Ok(Duration::from_secs(5_400)));
        assert_eq!(parse_span("7d"), Ok(Duration::from_secs(7 * 86_400)));
        for bad in ["", "7", "d", "0s", "-1d", "1w", "500ms", "4000d"] {
            assert!(parse_span(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        for text in ["1ms", "1500ms", "2s", "0.5ms", "90s"] {
            let duration = parse(text).expect("a duration");
            assert_eq!((written(duration), parse(&written(duration))), (text.to_owned(), Ok(duration)));
        }
    }
}
