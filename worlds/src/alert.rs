//! Alerts: opened where a metric crosses its threshold, closed with hysteresis, one a metric.
//!
//! An alert opens at the warning threshold, is critical from the critical one on, and closes when
//! the metric falls below `close_ratio` of the warning threshold. Services that are down and
//! metrics that are stale are always critical. While a server's metrics are stale its other alerts
//! stay as they are: nobody knows.

use crate::definition::{self, Definition, Threshold};
use crate::id::ServerId;
use crate::message::{AlertId, AlertView, Metric, MetricSet, Metrics, Severity};

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
    /// For each server, the metrics on which one is open.
    on: Vec<MetricSet>,
    /// For each server and metric, the alert that is or was open on it.
    latest: Vec<[AlertId; Metric::ALL.len()]>,
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

/// What is seen of one metric.
struct Look {
    metric: Metric,
    value: f64,
    /// How bad it is, if it is.
    severity: Option<Severity>,
    /// Whether an open alert on it closes.
    calm: bool,
}

impl Alerts {
    /// No alert is open.
    pub fn new(definition: &Definition) -> Self {
        Self {
            thresholds: thresholds(&definition.metrics),
            close_ratio: definition.alerts.close_ratio,
            open: Vec::new(),
            on: vec![MetricSet::default(); definition.servers.len()],
            latest: vec![[AlertId(0); Metric::ALL.len()]; definition.servers.len()],
            opened: 0,
        }
    }

    /// Another run begins.
    pub fn restart(&mut self) {
        self.open.clear();
        self.on.fill(MetricSet::default());
        self.latest.fill([AlertId(0); Metric::ALL.len()]);
        self.opened = 0;
    }

    /// Open alerts, oldest first.
    pub fn open(&self) -> &[AlertView] {
        &self.open
    }

    /// How many were ever opened.
    pub fn opened(&self) -> u32 {
        self.opened
    }

    /// The metrics of a server on which an alert is open.
    pub fn on(&self, server: ServerId) -> MetricSet {
        self.on[server.index()]
    }

    /// Notes that somebody looks after an alert. `false` when it is not open, or was taken before.
    pub fn acknowledge(&mut self, id: AlertId) -> bool {
        match self.position(id) {
            Some(position) => !std::mem::replace(&mut self.open[position].acknowledged, true),
            None => false,
        }
    }

    /// Where an alert is among those that are open; they are in the order of their numbers.
    fn position(&self, id: AlertId) -> Option<usize> {
        self.open.binary_search_by_key(&id, |alert| alert.id).ok()
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
            let severity = Some(Severity::Critical);
            let stale = Look { metric: Metric::Staleness, value: f64::from(age), severity, calm: false };
            self.update(server, stale, round, &mut tell);
            return;
        };
        let open = self.on(server);
        if open.is_empty() && self.is_calm(metrics) {
            return;
        }
        let (thresholds, close_ratio) = (self.thresholds, self.close_ratio);
        let mut see = |look: Look| {
            if look.severity.is_some() || open.contains(look.metric) {
                self.update(server, look, round, &mut tell);
            }
        };
        see(Look { metric: Metric::Staleness, value: 0.0, severity: None, calm: true });
        for ((metric, threshold), value) in Metric::MEASURED.into_iter().zip(thresholds).zip(values(metrics))
        {
            let calm = value < close_ratio * threshold.warning;
            see(Look { metric, value, severity: severity(threshold, value), calm });
        }
        let value = f64::from(metrics.services_down);
        let severity = (metrics.services_down > 0).then_some(Severity::Critical);
        see(Look { metric: Metric::ServicesDown, value, severity, calm: severity.is_none() });
    }

    /// Whether there is nothing in these metrics to open an alert for.
    fn is_calm(&self, metrics: &Metrics) -> bool {
        let thresholds = self.thresholds.iter().zip(values(metrics));
        let mut severities = thresholds.map(|(threshold, value)| severity(*threshold, value));
        metrics.services_down == 0 && severities.all(|severity| severity.is_none())
    }

    fn update(
        &mut self,
        server: ServerId,
        look: Look,
        round: u32,
        tell: &mut impl FnMut(Change, &AlertView),
    ) {
        let Look { metric, value, severity, calm } = look;
        let is_open = self.on(server).contains(metric);
        let latest = self.latest[server.index()][metric as usize];
        let position = is_open.then(|| self.position(latest).expect("it is open"));
        match (position, severity) {
            (Some(position), _) if calm => {
                let mut alert = self.open.remove(position);
                self.on[server.index()].remove(metric);
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
                self.on[server.index()].insert(metric);
                self.latest[server.index()][metric as usize] = id;
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
            on: vec![MetricSet::default()],
            latest: vec![[AlertId(0); Metric::ALL.len()]],
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
