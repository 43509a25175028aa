//! The physics, held against theory, against an independent simulation, and against what an
//! operator would expect of such a system.

mod support;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use support::{Drill, certain, systems};
use worlds::definition::Effect;
use worlds::outcome::Outcome;
use worlds::queue;

// ---- queueing ---------------------------------------------------------------------------------

/// What an event-by-event simulation of a station saw.
struct Simulated {
    turned_away: f64,
    mean_wait: f64,
    p99_wait: f64,
    p99_time: f64,
}

fn exponential(generator: &mut ChaCha8Rng, mean: f64) -> f64 {
    -mean * libm::log(1.0 - generator.random::<f64>())
}

/// Poisson arrivals, exponential service, `workers` servers, first come first served; who would
/// wait longer than `limit` leaves at once. Knows nothing of the formulas.
fn simulate(arrivals: f64, service: f64, workers: usize, limit: f64, customers: usize) -> Simulated {
    let mut generator = ChaCha8Rng::seed_from_u64(7);
    // When each worker is free next, in microseconds as integers so that they can be ordered.
    let mut free: BinaryHeap<Reverse<u64>> = (0..workers).map(|_| Reverse(0)).collect();
    let (mut now, mut turned_away) = (0.0, 0_usize);
    let (mut waits, mut times) = (Vec::new(), Vec::new());
    for _ in 0..customers {
        now += exponential(&mut generator, 1.0 / arrivals);
        let Reverse(next) = free.pop().expect("there are workers");
        let next = next as f64 / 1e9;
        let wait = (next - now).max(0.0);
        if wait > limit {
            turned_away += 1;
            free.push(Reverse((next * 1e9) as u64));
            continue;
        }
        let takes = exponential(&mut generator, service);
        free.push(Reverse(((now + wait + takes) * 1e9) as u64));
        waits.push(wait);
        times.push(wait + takes);
    }
    let p99 = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() * 99 / 100]
    };
    Simulated {
        turned_away: turned_away as f64 / customers as f64,
        mean_wait: waits.iter().sum::<f64>() / waits.len() as f64,
        p99_wait: p99(&mut waits),
        p99_time: p99(&mut times),
    }
}

fn within(ours: f64, theirs: f64, share: f64, what: &str) {
    let apart = (ours - theirs).abs() / theirs.max(1e-9);
    assert!(apart < share, "{what}: {ours} against {theirs}, {:.1} % apart", 100.0 * apart);
}

#[test]
fn waiting_agrees_with_an_event_simulation_within_two_percent() {
    for workers in [1_u32, 2] {
        for utilisation in [0.3, 0.6, 0.9] {
            for limit in [0.5, 30.0] {
                let service = 0.029;
                let arrivals = utilisation * f64::from(workers) / service;
                let ours = queue::waiting(arrivals, service, workers, limit);
                let seen = simulate(arrivals, service, workers as usize, limit, 3_000_000);
                let what = format!("{workers} workers at {utilisation}, limit {limit}");
                within(ours.mean_seconds, seen.mean_wait, 0.02, &what);
                assert!((ours.turned_away - seen.turned_away).abs() < 0.001, "{what}");
            }
        }
    }
}

#[test]
fn overload_agrees_with_an_event_simulation() {
    let (arrivals, service, limit) = (120.0, 0.029, 0.5);
    let ours = queue::waiting(arrivals, service, 2, limit);
    let seen = simulate(arrivals, service, 2, limit, 1_000_000);
    within(ours.turned_away, seen.turned_away, 0.02, "turned away");
    within(ours.mean_seconds, seen.mean_wait, 0.02, "mean wait");
    within(ours.p99_seconds, seen.p99_wait, 0.02, "p99 wait");
}

/// The percentile of waiting and service together is an approximation; this is how good it is.
#[test]
fn a_hops_percentile_is_within_a_fifth_of_the_simulated_one() {
    for utilisation in [0.15, 0.3, 0.6, 0.9, 1.2] {
        let (service, workers) = (0.029, 2);
        let arrivals = utilisation * f64::from(workers) / service;
        let waiting = queue::waiting(arrivals, service, workers, 0.5);
        let ours = (waiting.mean_seconds + service * libm::log(100.0)).max(waiting.p99_seconds + service);
        let seen = simulate(arrivals, service, workers as usize, 0.5, 1_000_000);
        within(ours, seen.p99_time, 0.2, &format!("p99 at {utilisation}"));
    }
}

// ---- the default world ------------------------------------------------------------------------

fn availability(outcome: &Outcome) -> f64 {
    outcome.requests.availability_pct()
}

#[test]
fn a_calm_world_meets_its_promise_at_12_to_30_percent_cpu() {
    use std::sync::Arc;
    use worlds::inline::Inline;
    use worlds::journal::Record;
    use worlds::plan::{Level, RunPlan};
    use worlds::topology::World;
    let world = Arc::new(World::new("systems", systems()));
    for seed in 0..50 {
        let sres = vec![support::unskilled(worlds::definition::SreKind::None)];
        let plan = RunPlan {
            seed,
            level: Level::Off,
            rounds: 15,
            sres,
            scripted: vec![],
            drill: Default::default(),
        };
        let mut run = Inline::new(Arc::clone(&world), plan);
        while !run.is_over() {
            run.step();
        }
        let outcome = run.finish();
        assert_eq!(availability(&outcome), 100.0, "seed {seed}");
        assert_eq!(outcome.alerts.opened, 0, "seed {seed}");
        for entry in run.take_entries() {
            if let Record::Server { server, cpu_usage, health, .. } = entry.record {
                assert!((12.0..=30.0).contains(&cpu_usage), "seed {seed}: {server} at {cpu_usage} %");
                assert_eq!(health, 100);
            }
        }
    }
}

#[test]
fn ten_times_the_traffic_overloads() {
    let drilled = Drill::new().with(|definition| definition.traffic.base *= 10.0).play();
    assert!(availability(&drilled.outcome) < 85.0, "{}", availability(&drilled.outcome));
    let web = drilled.server(3, "web-1").metrics;
    assert!(web.cpu_usage > 90.0, "{web:?}");
    assert!(web.latency_p99 > 500.0, "{web:?}");
}

#[test]
fn losing_the_cache_loads_the_databases() {
    let drilled = Drill::new().fault("network_partition", 5, "cache-1").play();
    for database in ["db-primary", "db-replica"] {
        let before = drilled.server(4, database).metrics;
        let during = drilled.server(5, database).metrics;
        assert!(during.cpu_usage > before.cpu_usage + 15.0, "{database}: {before:?} {during:?}");
    }
    assert!(availability(&drilled.outcome) > 99.9, "the databases answer in its place");
}

#[test]
fn a_cache_that_comes_back_is_cold_and_warms_up() {
    let drilled = Drill::new().fault("service_crash", 4, "cache-1").play();
    // Down in rounds 4 to 6; from 7 on half of what is missing comes back each round. Reads of the
    // databases: what 800 reads miss, and 200 writes to apply.
    let reads = |round| drilled.server(round, "db-replica").metrics.requests - 200;
    assert_eq!([reads(3), reads(4), reads(7), reads(8), reads(9)], [40, 400, 400, 220, 130]);
}

#[test]
fn a_partitioned_server_serves_nothing_and_its_metrics_go_stale() {
    let drilled = Drill::new().fault("network_partition", 5, "web-1").play();
    let record = drilled.server(5, "web-1");
    assert!(!record.reachable);
    assert_eq!(record.metrics.requests, 0);
    let stale = |round: u32| {
        drilled.wrote(|written| {
            matches!(written, worlds::journal::Record::AlertOpened {
                round: at, server, metric: worlds::message::Metric::Staleness, ..
            } if *at == round && &**server == "web-1")
        })
    };
    assert!(stale(5));
    let uptime = drilled.outcome.servers.iter().find(|server| &*server.name == "web-1");
    assert_eq!(uptime.map(|server| server.up_rounds), Some(13));
}

#[test]
fn losing_one_web_server_does_not_lose_the_site() {
    let drilled = Drill::new().fault("network_partition", 5, "web-1").play();
    // Its share of the first round is lost but for the retries; then its sibling takes over.
    assert_eq!(drilled.good(5), 600);
    assert_eq!(drilled.good(6), 1000);
    let sibling = drilled.server(6, "web-2").metrics;
    assert!((25.0..=35.0).contains(&sibling.cpu_usage), "{sibling:?}");
}

#[test]
fn a_spike_is_half_as_strong_in_its_first_round() {
    let drilled = Drill::new().fault("cpu_spike", 5, "web-1").play();
    let (first, second) = (drilled.server(5, "web-1").metrics, drilled.server(6, "web-1").metrics);
    assert_eq!((first.cpu_usage, second.cpu_usage), (47.5, 95.0));
    assert!(first.latency_p99 < second.latency_p99);
}

#[test]
fn a_leak_stays_until_a_restart_and_grows_to_a_kill() {
    let leak = |rounds| {
        Drill::new().with(move |definition| {
            definition.host.memory = [30.0, 30.0];
            definition.chaos.iter_mut().filter(|k| k.name == "memory_leak").for_each(|k| k.rounds = rounds);
        })
    };
    let left = leak(5).fault("memory_leak", 2, "api-1").play();
    // Half of 10 in the first of its five rounds, all of it in the others.
    for round in [6, 10, 15] {
        let memory = left.server(round, "api-1").metrics.memory_usage;
        assert!((memory - 75.0).abs() < 0.5, "round {round}: {memory}");
    }
    let restarted = leak(5).fault("memory_leak", 2, "api-1").action(6, "restart_service", "api-1").play();
    assert!(restarted.server(7, "api-1").metrics.memory_usage < 31.0);

    let killed = leak(8).fault("memory_leak", 2, "api-1").play();
    // 30 + 5 + 7 x 10 = 105 in round 9; the last below 97 is 95 in round 8.
    assert_eq!(killed.server(9, "api-1").metrics.services_down, 0);
    for (round, down) in [(10, 2), (11, 2), (12, 0)] {
        assert_eq!(killed.server(round, "api-1").metrics.services_down, down, "round {round}");
    }
    assert_eq!((killed.good(8), killed.good(10), killed.good(12)), (1000, 0, 1000));
}

#[test]
fn a_flood_drowns_its_target_and_a_limit_drains_it() {
    let flooded = Drill::new().fault("traffic_surge", 5, "api-1").play();
    assert!(flooded.good(6) < 900, "{}", flooded.good(6));
    let limited = Drill::new().fault("traffic_surge", 5, "api-1").action(6, "rate_limit", "api-1").play();
    // 95 % of the flood and 0.2 % of the users, two reads in 800 and no write in 200.
    assert_eq!((limited.good(7), limited.good(8), limited.good(9)), (998, 998, 1000));
    // The limit outlasts the flood by a round, and is charged for both of its own.
    assert_eq!(limited.outcome.sres[0].harm_requests, 4);
}

#[test]
fn a_slow_database_is_slow_for_everybody_in_front_of_it() {
    let drilled = Drill::new().fault("database_slowdown", 5, "db-primary").play();
    for server in ["db-primary", "api-1", "web-1", "web-2"] {
        let p99 = drilled.server(6, server).metrics.latency_p99;
        assert!(p99 > 1000.0, "{server}: {p99}");
    }
    assert!(drilled.server(6, "cache-1").metrics.latency_p99 < 100.0);
}

#[test]
fn more_instances_carry_more_and_are_charged() {
    let spike =
        || {
            Drill::new()
                .with(|definition| definition.chaos.iter_mut().for_each(|kind| kind.rounds = 8))
                .fault("cpu_spike", 5, "api-1")
        };
    let alone = spike().play();
    let scaled = spike().action(6, "scale_up", "api-1").play();
    // Decided in 6, it acts in 7, and the instances are there from 8 on.
    assert_eq!(scaled.good(7), alone.good(7));
    assert!(scaled.good(8) > alone.good(8), "{} {}", scaled.good(8), alone.good(8));
    // Four rounds of one more api-1 of 100 points, in a world of 550 points and 15 rounds.
    assert!((scaled.outcome.capacity_held - 4.0 * 100.0 / (550.0 * 15.0)).abs() < 1e-9);
}

#[test]
fn every_part_of_the_vocabulary_shows_in_the_world() {
    let effects = [
        ("cpu_floor", Effect { cpu_floor: Some(99.0), ..Effect::default() }),
        ("capacity_factor", Effect { capacity_factor: Some(0.05), ..Effect::default() }),
        ("memory_growth", Effect { memory_growth: Some(9.0), ..Effect::default() }),
        ("disk_level", Effect { disk_level: Some(99.0), ..Effect::default() }),
        ("unreachable", Effect { unreachable: true, ..Effect::default() }),
        ("service_down", Effect { service_down: true, ..Effect::default() }),
        ("traffic_factor", Effect { traffic_factor: Some(20.0), ..Effect::default() }),
        ("latency_factor", Effect { latency_factor: Some(9.0), ..Effect::default() }),
        ("latency_added_ms", Effect { latency_added_ms: Some(900.0), ..Effect::default() }),
        ("error_rate", Effect { error_rate: Some(0.3), ..Effect::default() }),
    ];
    let calm = Drill::of(certain()).play();
    for (name, effect) in effects {
        let drilled = Drill::of(certain()).with_kind("mine", 4, effect).fault("mine", 5, "api-1").play();
        let (before, after) = (calm.server(6, "api-1"), drilled.server(6, "api-1"));
        assert!(
            before.metrics != after.metrics || before.reachable != after.reachable,
            "{name} leaves no trace"
        );
        assert_eq!(drilled.outcome.faults.witnessed, 1, "{name}");
    }
}

#[test]
fn a_fault_of_any_strength_is_witnessed() {
    for percent in 1..=100 {
        let error_rate = Some(f64::from(percent) / 100.0);
        for effect in [
            Effect { error_rate, ..Effect::default() },
            Effect { capacity_factor: error_rate, ..Effect::default() },
            Effect { latency_factor: Some(1.0 + f64::from(percent) / 7.0), ..Effect::default() },
        ] {
            let drilled = Drill::new()
                .with_kind("one", 3, effect.clone())
                .with_kind("other", 3, effect)
                .fault("one", 5, "api-1")
                .fault("other", 5, "api-1")
                .play();
            assert_eq!(drilled.outcome.faults.witnessed, 2, "{percent} %");
        }
    }
}

#[test]
fn a_cache_that_an_action_empties_loads_the_databases_in_the_same_round() {
    let drilled = Drill::new()
        .with(|definition| definition.host.disk = [85.0, 85.0])
        .action(4, "clear_cache", "cache-1")
        .play();
    let reads = |round| drilled.server(round, "db-replica").metrics.requests - 200;
    assert_eq!([reads(4), reads(5), reads(6), reads(7)], [40, 400, 220, 130]);
}

#[test]
fn a_cache_that_the_kernel_killed_loads_the_databases_at_once() {
    let drilled = Drill::new()
        .with(|definition| {
            definition.host.memory = [30.0, 30.0];
            definition.chaos.iter_mut().filter(|k| k.name == "memory_leak").for_each(|k| k.rounds = 8);
        })
        .fault("memory_leak", 2, "cache-1")
        .play();
    let reads = |round| drilled.server(round, "db-replica").metrics.requests - 200;
    assert_eq!(drilled.server(10, "cache-1").metrics.services_down, 1);
    assert_eq!([reads(9), reads(10)], [40, 400]);
}

#[test]
fn more_instances_twice_are_not_more_than_once() {
    let twice = Drill::new()
        .with(|definition| {
            definition.host.disk = [85.0, 85.0];
            let scale_up = definition.actions.iter_mut().find(|action| action.name == "scale_up");
            let scale_up = scale_up.expect("it is there");
            scale_up.alerts.clear();
            scale_up.cooldown = 0;
        })
        .action(2, "scale_up", "api-1")
        .action(4, "scale_up", "api-1")
        .play();
    assert_eq!(twice.outcome.actions.succeeded, 2);
    // There in rounds 4 to 7 and 6 to 9: six rounds of twice the capacity.
    assert!((twice.outcome.capacity_held - 6.0 * 100.0 / (550.0 * 15.0)).abs() < 1e-9);
}

#[test]
fn a_cache_answers_in_the_place_of_what_is_lost_behind_it_for_writes_too() {
    use worlds::definition::{Call, CallOn};
    let drilled = Drill::new()
        .with(|definition| {
            definition.traffic.write_share = 1.0;
            definition.services.get_mut("app-api").expect("it is there").calls = vec![
                Call { to: "redis".into(), on: CallOn::Writes, behind: None, via: None },
                Call { to: "postgresql".into(), on: CallOn::Writes, behind: Some("redis".into()), via: None },
            ];
        })
        .fault("network_partition", 5, "db-primary")
        .play();
    assert_eq!((drilled.good(5), drilled.good(6)), (900, 900));
}

/// The cache is asked by reads, which the database stands behind, and by writes, which nothing does.
#[test]
fn a_fallback_serves_only_the_calls_that_have_one() {
    use worlds::definition::{Call, CallOn};
    let drilled = Drill::new()
        .with(|definition| {
            let calls = &mut definition.services.get_mut("app-api").expect("it is there").calls;
            calls.push(Call { to: "redis".into(), on: CallOn::Writes, behind: None, via: None });
        })
        .fault("network_partition", 5, "cache-1")
        .play();
    assert_eq!((drilled.good(5), drilled.good(6)), (800, 800));
}
