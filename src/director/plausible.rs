//! What an agent may answer: the answer to this question, in its shape, with figures that are
//! figures. The model takes everything else for granted.

use bus::wire::Refusal;
use worlds::message::{Decision, Met, Report, Served, ServiceReport, Tick};

/// Checks a report against the tick that it answers.
pub(super) fn report(report: &Report, tick: &Tick) -> Result<(), Refusal> {
    if report.round != tick.round {
        return Err(Refusal::OutOfTurn);
    }
    let of_host = [report.cpu_pct, report.memory_pct, report.leaked_points, report.disk_pct];
    let figures = of_host.into_iter().chain(met(&report.met)).chain(report.services.iter().flat_map(service));
    let are_figures = figures.into_iter().all(|figure| (0.0..=FIGURE_MAX).contains(&figure));
    let are_shares = report.services.iter().flat_map(shares).all(|share| SHARES.contains(&share));
    // Nobody lies on its own account.
    let is_as_told = report.exporter == tick.conditions.exporter;
    if report.services.len() == tick.arrivals.len() && is_as_told && are_figures && are_shares {
        Ok(())
    } else {
        Err(Refusal::Malformed)
    }
}

/// Whether the answer to a single request has a time that is one.
pub(super) fn served(served: &Served) -> bool {
    (0.0..=f64::MAX).contains(&served.seconds)
}

/// Checks a decision on a world of so many servers: the model looks at each thing that is decided,
/// and writes most of them down, so nobody decides more than there can be.
pub(super) fn decision(decision: &Decision, round: u32, servers: usize) -> Result<(), Refusal> {
    if decision.round != round {
        return Err(Refusal::OutOfTurn);
    }
    if decision.is_within_reason(servers) && decision.is_well_put() {
        Ok(())
    } else {
        Err(Refusal::Malformed)
    }
}

/// A share, as exact as floating point makes it.
const SHARES: std::ops::RangeInclusive<f64> = -1e-9..=1.0 + 1e-9;

/// No percentage, factor or time of a server is above this.
const FIGURE_MAX: f64 = 1e12;

fn met(met: &Met) -> [f64; 6] {
    [
        met.cpu_floor,
        met.capacity_factor,
        met.memory_growth,
        met.latency_factor,
        met.latency_added_seconds,
        met.error_rate,
    ]
}

fn service(service: &ServiceReport) -> [f64; 2] {
    [service.mean_seconds, service.p99_seconds]
}

fn shares(service: &ServiceReport) -> [f64; 5] {
    [service.read_success, service.write_success, service.read_harm, service.write_harm, service.hit_ratio]
}

#[cfg(test)]
mod tests {
    use super::*;
    use worlds::id::{ActionId, ServerId};
    use worlds::message::{ActionRequest, AlertId, Arrivals, Diagnosis, Exporter, NOTE_CHARS_MAX, RequestId};
    use worlds::per_service::PerService;

    fn sound() -> Report {
        Report {
            round: 3,
            cpu_pct: 20.0,
            memory_pct: 40.0,
            leaked_points: 0.0,
            disk_pct: 30.0,
            killed_until: 0,
            met: Met::default(),
            services: [ServiceReport { up: true, read_success: 1.0, ..ServiceReport::default() }]
                .into_iter()
                .collect(),
            exporter: Exporter::default(),
        }
    }

    /// The tick that it answers.
    fn tick() -> Tick {
        let arrivals = [Arrivals::default()].into_iter().collect();
        Tick { round: 3, arrivals, ..Tick::default() }
    }

    #[test]
    fn a_sound_report_passes() {
        assert_eq!(report(&sound(), &tick()), Ok(()));
    }

    #[test]
    fn an_answer_to_another_round_is_out_of_turn() {
        assert_eq!(report(&sound(), &Tick { round: 4, ..tick() }), Err(Refusal::OutOfTurn));
        assert_eq!(decision(&Decision { round: 2, ..Decision::default() }, 3, 1), Err(Refusal::OutOfTurn));
    }

    #[test]
    fn more_than_there_can_be_to_decide_is_malformed() {
        let claim = Diagnosis { alerting: ServerId(0), entity: ServerId(0), cause: None };
        let request =
            ActionRequest { request: RequestId(1), action: ActionId(0), target: ServerId(0), late: false };
        let most = Decision {
            round: 3,
            acknowledged: vec![AlertId(1); 14],
            diagnoses: vec![claim; 2],
            actions: vec![request; 1_000],
            ..Decision::default()
        };
        assert_eq!(decision(&most, 3, 2), Ok(()));
        let more: [fn(&mut Decision); 4] = [
            |decision| decision.note = "x".repeat(NOTE_CHARS_MAX + 1),
            |decision| decision.acknowledged.push(decision.acknowledged[0]),
            |decision| decision.diagnoses.push(decision.diagnoses[0]),
            |decision| decision.actions.push(decision.actions[0]),
        ];
        for one_more in more {
            let mut answer = most.clone();
            one_more(&mut answer);
            assert_eq!(decision(&answer, 3, 2), Err(Refusal::Malformed));
        }
    }

    #[test]
    fn what_no_server_can_measure_is_malformed() {
        let broken: [fn(&mut Report); 7] = [
            |report| report.exporter.frozen = true,
            |report| report.cpu_pct = f64::NAN,
            |report| report.met.latency_factor = f64::INFINITY,
            |report| report.disk_pct = -1.0,
            |report| report.services[0].p99_seconds = f64::NAN,
            |report| report.services[0].read_success = 1.5,
            |report| report.services = PerService::default(),
        ];
        for breaking in broken {
            let mut answer = sound();
            breaking(&mut answer);
            assert_eq!(super::report(&answer, &tick()), Err(Refusal::Malformed), "{answer:?}");
        }
    }
}
