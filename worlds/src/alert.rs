//! Alerts: opened where a metric crosses its threshold, closed with hysteresis, one a metric.
//!
//! An alert opens at the warning threshold, is critical from the critical one on, and closes when
//! the metric falls below `close_ratio` of the warning threshold. Services that are down and
//! metrics that are stale are always critical. While a server's metrics are stale its other alerts
//! stay as they are: nobody knows.

use crate::definition::{self, Definition, Threshold};
use crate::id::ServerId;
use crate::message::{AlertId, AlertView, Metric, Metrics, Severity};

/// What happened to an alert.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// It opened.
    Opened,
    /// It became better or worse.
    Changed,
    /// It closed.
    Closed,
}

/// All open alerts.
#[derive(Clone, Debug)]
pub struct Alerts {
    thresholds: [Threshold; 5],
    close_ratio: f64,
    /// Open ones, oldest first.
    open: Vec<AlertView>,
    opened: u32,
}

/// The thresholds in the order of [`Metric::MEASURED`].
pub fn thresholds(metrics: &definition::Metrics) -> [Threshold; 5] {
    let definition::Metrics { cpu_usage, memory_usage, error_rate, latency_p99, disk_usage } = metrics;
    [*cpu_usage, *memory_usage, *error_rate, *latency_p99, *disk_usage]
}

/// The values in the order of [`Metric::MEASURED`].
pub fn values(metrics: &Metrics) -> [f64; 5] {
    let Metrics { cpu_usage, memory_usage, error_rate, latency_p99, disk_usage, .. } = metrics;
    [*cpu_usage, *memory_usage, *error_rate, *latency_p99, *disk_usage]
}

/// How bad a value is.
pub fn severity(threshold: Threshold, value: f64) -> Option<Severity> {
    if value >= threshold.critical {
        Some(Severity::Critical)
    } else if value >= threshold.warning {
        Some(Severity::Warning)
    } else {
        None
    }
}

impl Alerts {
    /// No alert is open.
    pub fn new(definition: &Definition) -> Self {
        Self {
            thresholds: thresholds(&definition.metrics),
            close_ratio: definition.alerts.close_ratio,
            open: Vec::new(),
            opened: 0,
        }
    }

    /// Open alerts, oldest first.
    pub fn open(&self) -> &[AlertView] {
        &self.open
    }

    /// How many were ever opened.
    pub fn opened(&self) -> u32 {
        self.opened
    }

    /// Whether a server has an open alert on one of these metrics (any, when none are named).
    pub fn on(&self, server: ServerId, metrics: &[String]) -> bool {
        self.open.iter().any(|alert| {
            alert.server == server
                && (metrics.is_empty() || metrics.iter().any(|name| name == alert.metric.name()))
        })
    }

    /// Notes that somebody looks after an alert. `false` when it is not open, or was taken before.
    pub fn acknowledge(&mut self, id: AlertId) -> bool {
        match self.open.iter_mut().find(|alert| alert.id == id) {
            Some(alert) => !std::mem::replace(&mut alert.acknowledged, true),
            None => false,
        }
    }

    /// Looks at a server's metrics (`None`: stale for `age` rounds) and tells what changed.
    pub fn look(
        &mut self,
        server: ServerId,
        metrics: Option<&Metrics>,
        age: u32,
        round: u32,
        mut tell: impl FnMut(Change, &AlertView),
    ) {
        let Some(metrics) = metrics else {
            let stale = Some(Severity::Critical);
            self.update(server, Metric::Staleness, f64::from(age), stale, false, round, &mut tell);
            return;
        };
        self.update(server, Metric::Staleness, 0.0, None, true, round, &mut tell);
        for ((metric, threshold), value) in
            Metric::MEASURED.into_iter().zip(self.thresholds).zip(values(metrics))
        {
            let calm = value < self.close_ratio * threshold.warning;
            self.update(server, metric, value, severity(threshold, value), calm, round, &mut tell);
        }
        let down = f64::from(metrics.services_down);
        let severity = (metrics.services_down > 0).then_some(Severity::Critical);
        self.update(server, Metric::ServicesDown, down, severity, severity.is_none(), round, &mut tell);
    }

    #[expect(clippy::too_many_arguments, reason = "one fact each, and private")]
    fn update(
        &mut self,
        server: ServerId,
        metric: Metric,
        value: f64,
        severity: Option<Severity>,
        calm: bool,
        round: u32,
        tell: &mut impl FnMut(Change, &AlertView),
    ) {
        let position = self.open.iter().position(|alert| alert.server == server && alert.metric == metric);
        match (position, severity) {
            (Some(position), _) if calm => {
                let mut alert = self.open.remove(position);
                alert.value = value;
                tell(Change::Closed, &alert);
            }
            (Some(position), severity) => {
                let alert = &mut self.open[position];
                alert.value = value;
                // Between the closing ratio and the threshold an alert stays, as a warning.
                let severity = severity.unwrap_or(Severity::Warning);
                let before = std::mem::replace(&mut alert.severity, severity);
                if severity > before {
                    alert.since_round = round;
                }
                if severity != before {
                    tell(Change::Changed, alert);
                }
            }
            (None, Some(severity)) => {
                self.opened += 1;
                let id = AlertId(self.opened);
                let acknowledged = false;
                let (opened_round, since_round) = (round, round);
                let alert = AlertView {
                    id,
                    server,
                    metric,
                    severity,
                    value,
                    opened_round,
                    since_round,
                    acknowledged,
                };
                self.open.push(alert);
                tell(Change::Opened, self.open.last().expect("it was just pushed"));
            }
            (None, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alerts() -> Alerts {
        let threshold = |warning, critical| Threshold { warning, critical };
        Alerts {
            thresholds: [
                threshold(70.0, 90.0),
                threshold(75.0, 95.0),
                threshold(1.0, 5.0),
                threshold(500.0, 2000.0),
                threshold(80.0, 95.0),
            ],
            close_ratio: 0.9,
            open: Vec::new(),
            opened: 0,
        }
    }

    fn metrics(cpu_usage: f64) -> Metrics {
        Metrics {
            cpu_usage,
            memory_usage: 30.0,
            error_rate: 0.0,
            latency_p99: 100.0,
            disk_usage: 40.0,
            requests: 100,
            services_down: 0,
        }
    }

    fn look(alerts: &mut Alerts, metrics: Option<&Metrics>, round: u32) -> Vec<(Change, Metric, Severity)> {
        let mut told = Vec::new();
        alerts.look(ServerId(0), metrics, 1, round, |change, alert| {
            told.push((change, alert.metric, alert.severity));
        });
        told
    }

    #[test]
    fn an_alert_opens_at_the_threshold_once_and_closes_below_nine_tenths_of_it() {
        let mut alerts = alerts();
        assert_eq!(look(&mut alerts, Some(&metrics(69.9)), 1), []);
        let opened = (Change::Opened, Metric::CpuUsage, Severity::Warning);
        assert_eq!(look(&mut alerts, Some(&metrics(70.0)), 2), [opened]);
        assert_eq!(look(&mut alerts, Some(&metrics(75.0)), 3), []);
        assert_eq!(look(&mut alerts, Some(&metrics(63.0)), 4), []);
        let closed = (Change::Closed, Metric::CpuUsage, Severity::Warning);
        assert_eq!(look(&mut alerts, Some(&metrics(62.9)), 5), [closed]);
        assert_eq!(alerts.opened(), 1);
    }

    #[test]
    fn an_alert_that_worsens_is_the_same_alert() {
        let mut alerts = alerts();
        look(&mut alerts, Some(&metrics(75.0)), 1);
        let changed = (Change::Changed, Metric::CpuUsage, Severity::Critical);
        assert_eq!(look(&mut alerts, Some(&metrics(90.0)), 2), [changed]);
        assert_eq!(alerts.open()[0].opened_round, 1);
    }

    #[test]
    fn staleness_is_critical_and_keeps_what_was_open() {
        let mut alerts = alerts();
        look(&mut alerts, Some(&metrics(75.0)), 1);
        let stale = (Change::Opened, Metric::Staleness, Severity::Critical);
        assert_eq!(look(&mut alerts, None, 2), [stale]);
        assert_eq!(alerts.open().len(), 2);
    }

    #[test]
    fn an_alert_is_acknowledged_once() {
        let mut alerts = alerts();
        look(&mut alerts, Some(&metrics(75.0)), 1);
        assert!(alerts.acknowledge(AlertId(1)));
        assert!(!alerts.acknowledge(AlertId(1)));
        assert!(!alerts.acknowledge(AlertId(9)));
    }
}
