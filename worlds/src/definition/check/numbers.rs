//! Numbers that bound each other: ends of ranges, thresholds, levels.

use crate::definition::{Definition, Host, Metrics, Threshold, Traffic};
use documents::findings::Findings;
use documents::key_path::KeyPath;

pub(super) fn check(definition: &Definition, findings: &mut Findings) {
    traffic(&definition.traffic, findings);
    host(&definition.host, findings);
    metrics(&definition.metrics, findings);
    levels(definition, findings);
}

fn traffic(traffic: &Traffic, findings: &mut Findings) {
    let table = KeyPath::top("traffic");
    ordered(table.key("noise"), traffic.noise, findings);
    let fewest = traffic.base * traffic.noise[0];
    if fewest < 1.0 {
        let message = format!("with `base` = {} a round may have no request", traffic.base);
        findings.error_with(table.key("noise"), message, || {
            Some("`base` times the low end of `noise` must be at least 1".to_owned())
        });
    }
}

fn host(host: &Host, findings: &mut Findings) {
    let table = KeyPath::top("host");
    ordered(table.key("background_cpu"), host.background_cpu, findings);
    ordered(table.key("memory"), host.memory, findings);
    ordered(table.key("disk"), host.disk, findings);
    let below = [
        ("memory_slow_from", host.memory_slow_from, "memory_oom_at", host.memory_oom_at),
        ("memory", host.memory[1], "memory_oom_at", host.memory_oom_at),
        ("disk", host.disk[1], "disk_full_at", host.disk_full_at),
    ];
    for (key, value, limit_key, limit) in below {
        if value >= limit {
            let message = format!("`{key}` reaches {value}, but must stay below `{limit_key}`, {limit}");
            findings.error(table.key(key), message);
        }
    }
}

/// `[low, high]`.
fn ordered(path: KeyPath, [low, high]: [f64; 2], findings: &mut Findings) {
    if low > high {
        let message = format!("`{}` is a range from {low} down to {high}", path.last_key());
        findings.error_with(path, message, || Some("write the lower end first".to_owned()));
    }
}

fn metrics(metrics: &Metrics, findings: &mut Findings) {
    percent("cpu_usage", metrics.cpu_usage, findings);
    percent("memory_usage", metrics.memory_usage, findings);
    percent("error_rate", metrics.error_rate, findings);
    threshold("latency_p99", metrics.latency_p99, findings);
    percent("disk_usage", metrics.disk_usage, findings);
}

fn percent(metric: &str, limits: Threshold, findings: &mut Findings) {
    threshold(metric, limits, findings);
    for (key, value) in [("warning", limits.warning), ("critical", limits.critical)] {
        if value > 100.0 {
            let message = format!("`{key}` of {metric} is {value}, but is a percentage: at most 100");
            findings.error(KeyPath::top("metrics").key(metric).key(key), message);
        }
    }
}

fn threshold(metric: &str, Threshold { warning, critical }: Threshold, findings: &mut Findings) {
    if warning > critical {
        let message = format!("the warning of {metric} opens at {warning}, above its critical {critical}");
        findings.error(KeyPath::top("metrics").key(metric).key("warning"), message);
    }
}

/// A higher level is not a calmer one.
fn levels(definition: &Definition, findings: &mut Findings) {
    let levels = &definition.chaos_levels;
    let rising = [
        ("off", levels.off),
        ("low", levels.low),
        ("medium", levels.medium),
        ("high", levels.high),
        ("extreme", levels.extreme),
    ];
    for pair in rising.windows(2) {
        let [(calmer, less), (level, more)] = [pair[0], pair[1]];
        if less > more {
            let message = format!("`{level}` multiplies chaos by {more}, less than `{calmer}`, {less}");
            findings.error(KeyPath::top("chaos_levels").key(level), message);
        }
    }
}
