//! Alerts, counted for each server and metric.

use std::collections::BTreeMap;
use worlds::id::Name;
use worlds::journal::Record;
use worlds::message::{Metric, Severity};

/// What became of the alerts of one metric of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AlertTally {
    /// How often one opened.
    pub opened: u32,
    /// How often one was critical, from the beginning or later.
    pub critical: u32,
    /// How often an SRE acknowledged one.
    pub acknowledged: u32,
    /// The round in which the first one opened.
    pub first_round: u32,
    /// Rounds at whose end one was open.
    pub rounds_open: u32,
}

#[derive(Clone, Debug, PartialEq)]
struct Open {
    server: Name,
    metric: Metric,
    severity: Severity,
    since: u32,
    was_critical: bool,
}

/// All alerts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Alerts {
    open: BTreeMap<u32, Open>,
    critical: u32,
    tallies: BTreeMap<(Name, Metric), AlertTally>,
}

impl Alerts {
    pub(super) fn take(&mut self, record: &Record) {
        match record {
            Record::AlertOpened { round, alert, server, metric, severity, .. } => {
                let open = Open {
                    server: server.clone(),
                    metric: *metric,
                    severity: Severity::Warning,
                    since: *round,
                    was_critical: false,
                };
                let tally = self.tallies.entry((server.clone(), *metric)).or_default();
                tally.opened += 1;
                if tally.opened == 1 {
                    tally.first_round = *round;
                }
                self.open.insert(*alert, open);
                self.becomes(*alert, *severity);
            }
            Record::AlertChanged { alert, severity, .. } => self.becomes(*alert, *severity),
            Record::AlertClosed { round, alert, .. } => {
                self.becomes(*alert, Severity::Warning);
                if let Some(open) = self.open.remove(alert) {
                    self.tally(&open).rounds_open += round - open.since;
                }
            }
            Record::AlertAcknowledged { alert, .. } => {
                if let Some(open) = self.open.get(alert).cloned() {
                    self.tally(&open).acknowledged += 1;
                }
            }
            _ => {}
        }
    }

    fn becomes(&mut self, alert: u32, severity: Severity) {
        let Some(open) = self.open.get_mut(&alert) else { return };
        let before = std::mem::replace(&mut open.severity, severity);
        self.critical -= u32::from(before == Severity::Critical);
        self.critical += u32::from(severity == Severity::Critical);
        if severity == Severity::Critical && !std::mem::replace(&mut open.was_critical, true) {
            let open = open.clone();
            self.tally(&open).critical += 1;
        }
    }

    fn tally(&mut self, open: &Open) -> &mut AlertTally {
        self.tallies.entry((open.server.clone(), open.metric)).or_default()
    }

    /// How many are open.
    pub(super) fn open(&self) -> u32 {
        u32::try_from(self.open.len()).unwrap_or(u32::MAX)
    }

    /// How many of them are critical.
    pub(super) fn critical(&self) -> u32 {
        self.critical
    }

    /// For each server and metric that had an alert, what became of them until after the last of so many rounds.
    pub(crate) fn tallies(&self, rounds: u32) -> BTreeMap<(Name, Metric), AlertTally> {
        let mut tallies = self.tallies.clone();
        for open in self.open.values() {
            if let Some(tally) = tallies.get_mut(&(open.server.clone(), open.metric)) {
                tally.rounds_open += (rounds + 1).saturating_sub(open.since);
            }
        }
        tallies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRIC: Metric = Metric::CpuUsage;

    fn opened(round: u32, alert: u32, severity: Severity) -> Record {
        Record::AlertOpened { round, alert, server: "web-1".into(), metric: METRIC, severity, value: 1.0 }
    }

    fn changed(round: u32, alert: u32, severity: Severity) -> Record {
        Record::AlertChanged { round, alert, server: "web-1".into(), metric: METRIC, severity, value: 1.0 }
    }

    fn closed(round: u32, alert: u32) -> Record {
        Record::AlertClosed { round, alert, server: "web-1".into(), metric: METRIC, value: 1.0 }
    }

    #[test]
    fn an_alert_is_counted_once_however_often_it_changes() {
        let mut alerts = Alerts::default();
        let seen = |alerts: &Alerts| (alerts.open(), alerts.critical());
        alerts.take(&opened(2, 1, Severity::Warning));
        assert_eq!(seen(&alerts), (1, 0));
        alerts.take(&changed(3, 1, Severity::Critical));
        alerts.take(&opened(3, 2, Severity::Critical));
        assert_eq!(seen(&alerts), (2, 2));
        alerts.take(&changed(4, 1, Severity::Warning));
        alerts.take(&changed(5, 1, Severity::Critical));
        alerts.take(&Record::AlertAcknowledged { round: 5, alert: 1, sre: "oncall".into() });
        alerts.take(&closed(6, 1));
        assert_eq!(seen(&alerts), (1, 1));
        let tally =
            AlertTally { opened: 2, critical: 2, acknowledged: 1, first_round: 2, rounds_open: 4 + 8 };
        assert_eq!(alerts.tallies(10)[&("web-1".into(), METRIC)], tally);
    }
}
