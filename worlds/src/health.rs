//! Health: one figure for a server, for people who look at a console.

use crate::alert;
use crate::definition::Threshold;
use crate::journal::Status;
use crate::message::{Metrics, Severity};

/// 100, less 10 for each metric at warning, 30 for each that is critical, 50 if a service is down;
/// 0 for a server that is cut off, gone or silent (`None`).
pub fn health(thresholds: [Threshold; 5], metrics: Option<&Metrics>) -> u32 {
    let Some(metrics) = metrics else { return 0 };
    let cost: u32 = thresholds
        .into_iter()
        .zip(alert::values(metrics))
        .map(|(threshold, value)| match alert::severity(threshold, value) {
            Some(Severity::Critical) => 30,
            Some(Severity::Warning) => 10,
            None => 0,
        })
        .sum();
    let down = if metrics.services_down > 0 { 50 } else { 0 };
    100_u32.saturating_sub(cost + down)
}

/// The word for a health.
pub fn status(health: u32, reachable: bool) -> Status {
    match health {
        _ if !reachable => Status::Down,
        81.. => Status::Ok,
        51.. => Status::Warn,
        _ => Status::Crit,
    }
}
