//! Figures as people read them.

use worlds::message::Metric;

/// A count with its thousands apart: `15,972`.
pub(crate) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share in percent, cut off rather than rounded, so that a missed 99.9 never reads 99.90.
pub(crate) fn percent(pct: f64) -> String {
    const ROUNDING_NOISE: f64 = 1e-9;
    format!("{:.2} %", ((pct + ROUNDING_NOISE) * 100.0).floor() / 100.0)
}

/// A gap in points, with as many decimals as it takes to see it.
pub(crate) fn points(gap: f64) -> String {
    let decimals = (2..=6).find(|&decimals| gap >= 0.5 * 0.1_f64.powi(decimals)).unwrap_or(6);
    format!("{gap:.*} points", usize::try_from(decimals).unwrap_or(2))
}

/// A value that may not be there.
pub(crate) fn or_dash(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
}

/// A figure of any kind, with six decimals at most.
pub(crate) fn plain(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A span of time in its two largest units: `12 s`, `3 min 5 s`, `2 h 4 min`.
pub(crate) fn duration(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let first = UNITS.iter().position(|(size, _)| seconds >= *size).unwrap_or(UNITS.len() - 1);
    let parts = UNITS[first..].iter().take(2).scan(seconds, |left, (size, unit)| {
        let count = *left / size;
        *left %= size;
        Some((count, unit))
    });
    let told = parts.enumerate().filter(|(index, (count, _))| *index == 0 || *count > 0);
    told.map(|(_, (count, unit))| format!("{count} {unit}")).collect::<Vec<_>>().join(" ")
}

/// Memory, given in KiB.
pub(crate) fn memory(kib: Option<u64>) -> String {
    match kib {
        None => "-".to_owned(),
        Some(kib) if kib < 10 * 1024 => format!("{} KiB", count(kib)),
        Some(kib) => format!("{:.1} MiB", kib as f64 / 1024.0),
    }
}

/// Decisions that are missing, by how: `2 late, 1 dead`.
pub(crate) fn lapses(late: u64, malformed: u64, dead: u64) -> String {
    let counts = [(late, "late"), (malformed, "malformed"), (dead, "dead")];
    let told = counts.into_iter().filter(|(number, _)| *number > 0);
    told.map(|(number, how)| format!("{} {how}", count(number))).collect::<Vec<_>>().join(", ")
}

/// A count and what is counted: `1 round`, `2 rounds`.
pub(crate) fn plural(number: u32, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The value of a metric with its unit.
pub(crate) fn metric(metric: Metric, value: f64) -> String {
    match metric {
        Metric::CpuUsage | Metric::MemoryUsage | Metric::DiskUsage => format!("{value:.0} %"),
        Metric::ErrorRate => format!("{value:.1} %"),
        Metric::LatencyP99 => format!("{value:.0} ms"),
        Metric::ServicesDown => format!("{value:.0}"),
        Metric::Staleness => format!("{value:.0} {}", if value == 1.0 { "round" } else { "rounds" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        let counts = [0, 7, 999, 1_000, 15_972, 1_234_567].map(count);
        assert_eq!(counts, ["0", "7", "999", "1,000", "15,972", "1,234,567"]);
    }

    #[test]
    fn a_missed_promise_never_reads_as_kept() {
        assert_eq!(percent(99.8999), "99.89 %");
        assert_eq!(percent(99.9), "99.90 %");
        assert_eq!(percent(100.0), "100.00 %");
        assert_eq!(percent(94.67), "94.67 %");
    }

    #[test]
    fn a_small_gap_is_still_seen() {
        assert_eq!(points(5.234), "5.23 points");
        assert_eq!(points(0.004), "0.004 points");
        assert_eq!(points(0.00003), "0.00003 points");
    }

    #[test]
    fn a_span_of_time_has_two_units_at_most() {
        let told = [0, 12, 60, 185, 7_500, 86_400, 100_000].map(duration);
        assert_eq!(told, ["0 s", "12 s", "1 min", "3 min 5 s", "2 h 5 min", "1 d", "1 d 3 h"]);
    }

    #[test]
    fn memory_has_a_unit_that_fits() {
        let told = [None, Some(512), Some(9_000), Some(20_480)].map(memory);
        assert_eq!(told, ["-", "512 KiB", "9,000 KiB", "20.0 MiB"]);
    }

    #[test]
    fn a_plain_figure_has_no_needless_decimals() {
        let figures = [70.38940276350348, 15.0, 100.0, 0.5, 99.89996].map(plain);
        assert_eq!(figures, ["70.389403", "15", "100", "0.5", "99.89996"]);
    }

    #[test]
    fn metrics_have_their_units() {
        assert_eq!(metric(Metric::LatencyP99, 2310.4), "2310 ms");
        assert_eq!(metric(Metric::Staleness, 1.0), "1 round");
        assert_eq!(metric(Metric::ErrorRate, 5.25), "5.2 %");
    }
}
