//! Claims about faults that hit what runs a world: processes, messages, telemetry, the responder.
//!
//! The default world without chance: 1,000 requests a round. Every action succeeds.

mod support;

use std::sync::Arc;
use support::{Drill, Drilled, by_round, certain};
use worlds::definition::{BusEffect, ChaosKind, Definition, Effect, FalseMetrics, Hits, MessageKind};
use worlds::definition::{ProcessEffect, Skill, SkillName, SreKind, parse};
use worlds::id::{AgentId, KindId};
use worlds::inline::Inline;
use worlds::journal::{FaultEnd, Record};
use worlds::message::{ActionOutcome, Failure};
use worlds::outcome::{Outcome, Resolution};
use worlds::plan::{Level, RunPlan, ScriptedFault, SrePlan, Target};
use worlds::topology::World;

fn killed() -> Effect {
    Effect { process: Some(ProcessEffect::Killed), ..Effect::default() }
}

fn paused() -> Effect {
    Effect { process: Some(ProcessEffect::Paused), ..Effect::default() }
}

fn loses(kinds: &[MessageKind]) -> Effect {
    Effect {
        bus: Some(BusEffect { loses: kinds.to_vec(), delays: Vec::new(), delay_rounds: 1 }),
        ..Effect::default()
    }
}

fn delays(kinds: &[MessageKind], delay_rounds: u32) -> Effect {
    Effect {
        bus: Some(BusEffect { loses: Vec::new(), delays: kinds.to_vec(), delay_rounds }),
        ..Effect::default()
    }
}

/// A drill with the kinds of this file, each of three rounds.
fn drill() -> Drill {
    let made_up = FalseMetrics { cpu_usage: Some(99.0), ..FalseMetrics::default() };
    Drill::new()
        .with_kind("kill", 3, killed())
        .with_kind("pause", 3, paused())
        .with_kind("deaf", 3, loses(&[MessageKind::Telemetry]))
        .with_kind("unheard", 3, loses(&[MessageKind::Commands]))
        .with_kind("untold", 3, loses(&[MessageKind::Results]))
        .with_kind("slow", 3, delays(&MessageKind::ALL, 2))
        .with_kind("slow_news", 3, delays(&[MessageKind::Results], 2))
        .with_kind("frozen", 3, Effect { frozen_metrics: true, ..Effect::default() })
        .with_kind("liar", 3, Effect { false_metrics: Some(made_up), ..Effect::default() })
        .with_kind("doze", 3, paused())
        .with(hits_sres)
        .with_kind("crash", 3, killed())
        .with(hits_sres)
}

/// The kind that was added last.
fn hits_sres(definition: &mut Definition) {
    definition.chaos.last_mut().expect("a kind").hits = Hits::Sres;
}

fn memory(drilled: &Drilled, round: u32, server: &str) -> f64 {
    drilled.server(round, server).metrics.memory_usage
}

fn good(drilled: &Drilled) -> Vec<u64> {
    by_round(&drilled.entries).iter().map(|round| round.good).collect()
}

fn outcome_of(drilled: &Drilled, wanted: u32) -> Option<(u32, ActionOutcome)> {
    drilled.entries.iter().find_map(|entry| match entry.record {
        Record::ActionActed { round, request, outcome, .. } if request.0 == wanted * 100 => {
            Some((round, outcome))
        }
        _ => None,
    })
}

// ---- processes --------------------------------------------------------------------------------

/// Down in rounds 4, 5 and 6; back in round 7, where nothing is left of what leaked before.
#[test]
fn a_killed_server_is_gone_and_comes_back_in_its_initial_state() {
    let drilled = drill().fault("memory_leak", 1, "api-1").fault("kill", 4, "api-1").play();
    let initial = memory(&drill().play(), 3, "api-1");
    assert!(memory(&drilled, 3, "api-1") > initial + 20.0);
    for round in 4..=6 {
        assert!(!drilled.server(round, "api-1").reachable, "round {round}");
        assert_eq!(good(&drilled)[round as usize - 1], 0, "nobody else serves the API in round {round}");
    }
    // The leak went on in round 7, as it had before, from nothing.
    assert!(drilled.server(7, "api-1").reachable);
    assert!(memory(&drilled, 7, "api-1") <= initial + 10.5, "{}", memory(&drilled, 7, "api-1"));
}

#[test]
fn a_server_that_stands_still_goes_on_with_all_that_it_knew() {
    let leaky = |drill: Drill| drill.fault("memory_leak", 1, "web-1");
    let drilled = leaky(drill()).fault("pause", 4, "web-1").play();
    let without = leaky(drill()).play();
    assert!(!drilled.server(5, "web-1").reachable);
    // Rounds 4 and 5 leak nothing, for they are no rounds to it.
    assert!(memory(&without, 5, "web-1") > memory(&without, 3, "web-1") + 15.0);
    let after = memory(&drilled, 7, "web-1");
    assert!((after - memory(&drilled, 3, "web-1")).abs() < 1.0, "{after}");
}

/// The kernel kills the API's services at the end of round 4, until round 7; a nap in round 5 does not
/// make anybody forget that.
#[test]
fn services_that_the_kernel_killed_stay_down_while_a_server_stands_still() {
    let leak = Effect { memory_growth: Some(60.0), ..Effect::default() };
    let drilled = drill()
        .with_kind("burst", 2, leak)
        .with_kind("nap", 1, paused())
        .fault("burst", 3, "api-1")
        .fault("nap", 5, "api-1")
        .play();
    assert_eq!(drilled.server(4, "api-1").metrics.memory_usage, 100.0);
    let back = drilled.server(6, "api-1");
    assert!(back.reachable);
    assert_eq!((back.metrics.services_down, back.metrics.requests), (2, 0));
}

/// The leak is over in round 6; what leaked is still there when the process goes on in round 8.
#[test]
fn a_leak_stays_in_force_while_its_server_stands_still() {
    let drilled = drill().fault("memory_leak", 1, "web-1").fault("pause", 5, "web-1").play();
    assert!(memory(&drilled, 9, "web-1") > 60.0);
    assert_eq!(drilled.incident(1).resolution, Resolution::Open);
}

#[test]
fn a_process_whose_kill_is_cured_from_outside_is_back_in_that_round() {
    let drilled = drill()
        .with(|world| {
            let failover = world.actions.iter_mut().find(|action| action.out_of_band).expect("a failover");
            failover.remedy.cures.push("kill".to_owned());
        })
        .fault("kill", 4, "web-1")
        .action(4, "failover", "web-1")
        .play();
    assert_eq!(drilled.incident(1).resolved_round, Some(5));
    assert!(drilled.server(5, "web-1").reachable);
}

#[test]
fn a_server_without_a_process_goes_stale_and_that_detects_the_fault() {
    for kind in ["kill", "pause"] {
        let drilled = drill().fault(kind, 4, "web-1").play();
        assert!(!drilled.view(3, "web-1").stale && drilled.view(4, "web-1").stale, "{kind}");
        let incident = drilled.incident(1);
        assert_eq!((incident.detected_round, incident.resolved_round), (Some(4), Some(7)), "{kind}");
        assert_eq!(incident.resolution, Resolution::Expired, "{kind}");
        assert!(!drilled.view(7, "web-1").stale, "{kind}");
    }
}

#[test]
fn a_restart_brings_a_process_back_before_its_time() {
    for kind in ["kill", "pause"] {
        let drilled = drill().fault(kind, 4, "db-primary").action(4, "restart_service", "db-primary").play();
        assert_eq!(outcome_of(&drilled, 4), Some((5, ActionOutcome::Succeeded)), "{kind}");
        assert!(drilled.server(5, "db-primary").reachable, "{kind}");
        assert_eq!(drilled.incident(1).resolution, Resolution::Remedied, "{kind}");
        assert_eq!(drilled.outcome.sres[0].unneeded_actions, 0, "{kind}");
    }
}

#[test]
fn nothing_else_reaches_a_server_without_a_process_and_nothing_but_the_network_keeps_a_restart_out() {
    let drilled = drill().fault("kill", 4, "web-1").action(4, "clear_cache", "web-1").play();
    let unreachable = ActionOutcome::Failed(Failure::Unreachable);
    assert_eq!(outcome_of(&drilled, 4), Some((5, unreachable)));
    let cut_off = drill()
        .fault("kill", 4, "web-1")
        .fault("network_partition", 4, "web-1")
        .action(4, "restart_service", "web-1")
        .play();
    assert_eq!(outcome_of(&cut_off, 4), Some((5, unreachable)));
}

/// Witnessed for a round, and over when there is no process left to stop.
#[test]
fn a_kill_ends_a_pause_and_hides_one_that_comes_later() {
    let drilled = drill().fault("pause", 4, "web-1").fault("kill", 5, "web-1").play();
    assert!(drilled.wrote(|record| matches!(
        record,
        Record::FaultEnded { round: 5, fault: 1, how: FaultEnd::Expired, .. }
    )));
    assert!(!drilled.server(7, "web-1").reachable && drilled.server(8, "web-1").reachable);
    let hidden = drill().fault("kill", 4, "web-1").fault("pause", 5, "web-1").play();
    assert_eq!((hidden.outcome.faults.witnessed, hidden.outcome.faults.masked), (1, 1));
    assert!(hidden.server(7, "web-1").reachable, "the new process was never stopped");
}

#[test]
fn one_kill_follows_another_at_once_and_both_are_seen() {
    let drilled = drill().fault("kill", 4, "web-1").fault("kill", 7, "web-1").play();
    assert_eq!((drilled.outcome.faults.injected, drilled.outcome.faults.witnessed), (2, 2));
    assert!((4..=9).all(|round| !drilled.server(round, "web-1").reachable));
}

/// There is no process left to kill; but none is started either before both are over.
#[test]
fn a_kill_that_comes_to_a_process_that_is_gone_is_masked() {
    let drilled =
        drill().with_kind("other", 3, killed()).fault("kill", 4, "web-1").fault("other", 5, "web-1").play();
    assert_eq!((drilled.outcome.faults.witnessed, drilled.outcome.faults.masked), (1, 1));
    assert!(!drilled.server(7, "web-1").reachable && drilled.server(8, "web-1").reachable);
}

#[test]
fn no_agent_is_lost_that_chaos_took() {
    for kind in ["kill", "pause", "crash"] {
        let target = if kind == "crash" { "sre:" } else { "web-1" };
        let drilled = drill().fault(kind, 4, target).play();
        assert!(drilled.outcome.lost_agents.is_empty(), "{kind}");
        assert_eq!((drilled.outcome.faults.witnessed, drilled.outcome.faults.unseen), (1, 0), "{kind}");
    }
}

// ---- the responder ----------------------------------------------------------------------------

/// web-1 alerts from round 2 on; what is decided in rounds 4 to 6 is not heard.
#[test]
fn a_crashed_responder_decides_nothing_until_its_successor_is_there() {
    let asked = |round| {
        let drilled = drill()
            .fault("service_crash", 2, "web-1")
            .fault("crash", 4, "sre:")
            .action(round, "rollback", "web-1");
        drilled.with(|definition| definition.host.supervisor_rounds = 12).play().outcome.actions.requested
    };
    assert_eq!([3, 4, 5, 6, 7].map(asked), [1, 0, 0, 0, 1]);
}

#[test]
fn a_crashed_responder_acknowledges_nothing() {
    let drilled = drill().fault("service_crash", 5, "web-1").fault("crash", 4, "sre:").acknowledging().play();
    let incident = drilled.outcome.incidents.iter().find(|incident| &*incident.kind == "service_crash");
    assert_eq!(incident.and_then(|incident| incident.acknowledged_round), Some(7));
}

#[test]
fn a_responder_that_crashed_is_told_nothing_of_what_was_done_before() {
    let drilled = drill()
        .fault("service_crash", 3, "web-1")
        .fault("crash", 4, "sre:")
        .action(3, "restart_service", "web-1")
        .play();
    assert_eq!(outcome_of(&drilled, 3), Some((4, ActionOutcome::Succeeded)));
    assert_eq!(drilled.told_in(3), None);
}

/// Whoever reads the journal can tell the requests of an SRE and of its successors apart.
#[test]
fn a_successor_goes_on_with_the_numbers_of_requests() {
    let lab = parse("lab", include_str!("../definitions/fault-lab.toml")).expect("it is valid").definition;
    let lab = Arc::new(World::new("lab", lab));
    let mut crashes = 0;
    for seed in 0..20 {
        let sres = vec![support::rules("oncall", SkillName::Senior)];
        let plan = RunPlan {
            seed,
            level: Level::High,
            rounds: 60,
            sres,
            scripted: Vec::new(),
            drill: Default::default(),
        };
        let mut run = Inline::new(Arc::clone(&lab), plan);
        run.play();
        let mut numbers = Vec::new();
        for entry in run.take_entries() {
            match entry.record {
                Record::ActionAccepted { request, .. } | Record::ActionRefused { request, .. } => {
                    numbers.push(request.0);
                }
                Record::FaultInjected { target, .. } => crashes += u32::from(target.starts_with("sre-")),
                _ => {}
            }
        }
        assert!(numbers.is_sorted_by(|one, other| one < other), "seed {seed}: {numbers:?}");
    }
    assert!(crashes > 20, "{crashes} crashes");
}

#[test]
fn a_responder_that_stood_still_is_told_when_it_goes_on() {
    let drilled = drill()
        .fault("service_crash", 3, "web-1")
        .fault("doze", 4, "sre:")
        .action(3, "restart_service", "web-1")
        .play();
    assert_eq!(drilled.told_in(3), Some(7));
}

#[test]
fn what_hits_an_sre_is_a_fault_and_no_incident() {
    let drilled = drill().fault("crash", 4, "sre:").play();
    assert_eq!(drilled.outcome.faults.witnessed, 1);
    assert!(drilled.outcome.incidents.is_empty());
    assert_eq!(drilled.outcome.suffered_rounds, [0], "nobody could relieve it");
    assert!(
        drilled.wrote(
            |record| matches!(record, Record::FaultInjected { target, .. } if &**target == "sre-oncall")
        )
    );
    assert_eq!(good(&drilled), good(&drill().play()));
}

// ---- minds --------------------------------------------------------------------------------------

/// One fault in a world without partitions, and somebody who is always right and in time.
fn answered(effect: Effect, sre: SrePlan) -> Outcome {
    let mut definition = certain();
    definition.skills.senior = Skill { accuracy: 1.0, speed: 1.0, panic_threshold: 8 };
    definition.chaos.retain(|kind| !kind.effect.unreachable);
    let kind = definition.chaos[0].clone();
    definition.chaos.push(ChaosKind { name: "odd".into(), rounds: 5, gradual: false, effect, ..kind });
    for action in &mut definition.actions {
        if action.remedy.restarts_services {
            action.remedy.cures.push("odd".into());
        }
    }
    let world = Arc::new(World::new("minds", definition));
    let kind = KindId::from(world.definition.chaos.len() - 1);
    let target = Target::Agent(AgentId::Server(world.server("api-1").expect("a server")));
    let scripted = vec![ScriptedFault { round: 4, kind, target }];
    Inline::outcome(
        world,
        RunPlan {
            seed: 1,
            level: Level::Off,
            rounds: 12,
            sres: vec![sre],
            scripted,
            drill: Default::default(),
        },
    )
}

#[test]
fn minds_restart_a_process_that_is_gone_or_stands_still() {
    for effect in [killed(), paused()] {
        for sre in [support::rules("oncall", SkillName::Senior), support::unskilled(SreKind::Oracle)] {
            let outcome = answered(effect.clone(), sre.clone());
            let [incident] = &outcome.incidents[..] else { panic!("{:?}", outcome.incidents) };
            assert_eq!(
                (incident.diagnosed_round, incident.resolution),
                (Some(4), Resolution::Remedied),
                "{sre:?}"
            );
            assert_eq!(incident.resolved_round, Some(5), "{sre:?}");
        }
    }
}

#[test]
fn a_senior_knows_a_liar_by_its_figures_and_silence_by_the_bus() {
    let liar = FalseMetrics { cpu_usage: Some(99.0), latency_p99: Some(40.0), ..FalseMetrics::default() };
    for effect in
        [Effect { false_metrics: Some(liar), ..Effect::default() }, loses(&[MessageKind::Telemetry])]
    {
        let outcome = answered(effect.clone(), support::rules("oncall", SkillName::Senior));
        assert_eq!(outcome.incidents[0].diagnosed_round, Some(4), "{effect:?}");
    }
}

// ---- the bus ----------------------------------------------------------------------------------

#[test]
fn lost_metrics_leave_users_alone_and_make_a_server_stale() {
    let drilled = drill().fault("deaf", 4, "web-1").play();
    assert_eq!(good(&drilled), good(&drill().play()));
    let ages: Vec<u32> = (3..=7).map(|round| drilled.view(round, "web-1").age_rounds).collect();
    assert_eq!(ages, [0, 1, 2, 3, 0]);
    assert_eq!(drilled.incident(1).detected_round, Some(4));
}

#[test]
fn a_lost_command_fails_as_unreachable_and_one_out_of_band_does_not() {
    let crashed = |kind, action| {
        let drilled = drill().fault("service_crash", 3, "db-primary").fault(kind, 3, "db-primary");
        outcome_of(&drilled.action(3, action, "db-primary").play(), 3)
    };
    let unreachable = ActionOutcome::Failed(Failure::Unreachable);
    assert_eq!(crashed("unheard", "restart_service"), Some((4, unreachable)));
    assert_eq!(crashed("unheard", "failover"), Some((4, ActionOutcome::Succeeded)));
    assert_eq!(crashed("untold", "restart_service"), Some((4, ActionOutcome::Succeeded)));
}

#[test]
fn a_lost_result_is_never_told() {
    let drilled = drill()
        .fault("service_crash", 3, "web-1")
        .fault("untold", 3, "web-1")
        .action(3, "restart_service", "web-1")
        .play();
    assert_eq!(drilled.told_in(3), None);
    assert!(drilled.wrote(|record| matches!(
        record,
        Record::MessageAstray { round: 4, message: MessageKind::Results, arrives_round: None, .. }
    )));
}

/// A command that should act in round 4 acts in round 6, though the fault is over by then; a result of
/// round 4 is told in round 6.
#[test]
fn late_commands_act_late_and_late_results_are_told_late() {
    let drilled = |kind| {
        let crashed = drill().fault("service_crash", 3, "web-1").fault(kind, 3, "web-1");
        let drilled = crashed.action(3, "restart_service", "web-1").play();
        (outcome_of(&drilled, 3).map(|(round, _)| round), drilled.told_in(3))
    };
    assert_eq!(drilled("slow"), (Some(6), Some(6)));
    assert_eq!(drilled("slow_news"), (Some(4), Some(6)));
}

#[test]
fn what_is_out_of_band_takes_no_notice_of_the_bus() {
    let drilled = drill()
        .fault("service_crash", 3, "db-primary")
        .fault("slow", 3, "db-primary")
        .action(3, "failover", "db-primary")
        .play();
    assert_eq!(outcome_of(&drilled, 3), Some((4, ActionOutcome::Succeeded)));
    assert_eq!(drilled.told_in(3), Some(4));
}

/// Asked for in round 3, acted in round 4, told in round 6; but who asked was killed in round 5.
#[test]
fn a_late_result_is_not_for_the_successor_of_whoever_asked() {
    let drilled = drill()
        .with_kind("short", 1, killed())
        .with(hits_sres)
        .fault("service_crash", 3, "web-1")
        .fault("slow_news", 3, "web-1")
        .fault("short", 5, "sre:")
        .action(3, "restart_service", "web-1")
        .play();
    assert_eq!(drilled.told_in(3), None);
    let late = drill()
        .with_kind("short", 1, killed())
        .with(hits_sres)
        .fault("service_crash", 3, "web-1")
        .fault("slow", 3, "web-1")
        .fault("short", 5, "sre:")
        .action(3, "restart_service", "web-1")
        .play();
    assert_eq!((outcome_of(&late, 3).map(|(round, _)| round), late.told_in(3)), (Some(6), None));
}

/// Held up from round 4 to round 6, and lost in rounds 5 to 7 if it were sent then.
#[test]
fn a_command_that_is_late_comes_through_whatever_the_bus_does_by_then() {
    let crashed = drill().fault("service_crash", 3, "web-1").fault("slow", 3, "web-1");
    let drilled = crashed.fault("unheard", 5, "web-1").action(3, "restart_service", "web-1").play();
    assert_eq!(outcome_of(&drilled, 3), Some((6, ActionOutcome::Succeeded)));
}

/// Rounds 4, 5 and 6 are measured and arrive in rounds 6, 7 and 8, where round 7 is known already.
#[test]
fn late_metrics_are_as_old_as_they_are_late_and_never_undo_newer_ones() {
    let drilled =
        drill().with(|world| world.alerts.telemetry_ttl_rounds = 3).fault("slow", 4, "web-1").play();
    let ages: Vec<u32> = (3..=9).map(|round| drilled.view(round, "web-1").age_rounds).collect();
    assert_eq!(ages, [0, 1, 2, 2, 0, 0, 0]);
    assert_eq!(drilled.outcome.alerts.opened, 0);
    let arrived = drilled.view(6, "web-1").metrics.expect("they arrived");
    assert_eq!(arrived, drilled.server(4, "web-1").metrics);
}

/// Cut off in round 8, the server is known by its metrics of round 7, whatever arrives of round 6.
#[test]
fn what_is_late_does_not_replace_what_is_newer() {
    let drilled = drill()
        .with(|world| world.alerts.telemetry_ttl_rounds = 3)
        .fault("slow", 4, "web-1")
        .fault("network_partition", 8, "web-1")
        .play();
    assert_eq!(drilled.view(8, "web-1").age_rounds, 1);
}

/// The link carries everything from round 5 on, before anything could be lost by the bus alone.
#[test]
fn a_server_that_is_cut_off_has_nothing_that_the_bus_could_lose() {
    let cut = Effect { unreachable: true, ..Effect::default() };
    let hidden = drill().with_kind("cut", 3, cut).fault("cut", 4, "web-1").fault("deaf", 4, "web-1");
    assert_eq!(hidden.play().outcome.faults.masked, 1);
    let cut = Effect { unreachable: true, ..Effect::default() };
    let linked = drill().with_kind("cut", 3, cut).fault("cut", 4, "web-1").fault("deaf", 4, "web-1");
    assert_eq!(linked.action(4, "failover", "web-1").play().outcome.faults.masked, 1);
}

#[test]
fn the_backup_link_carries_what_the_bus_loses() {
    let drilled = drill().fault("deaf", 4, "web-1").action(4, "failover", "web-1").play();
    assert_eq!(outcome_of(&drilled, 4), Some((5, ActionOutcome::Succeeded)));
    let ages: Vec<u32> = (4..=6).map(|round| drilled.view(round, "web-1").age_rounds).collect();
    assert_eq!(ages, [1, 0, 0]);
    assert_eq!(drilled.outcome.suffered_rounds, [1]);
}

/// Nothing is asked of web-1, so there is no command that could be lost.
#[test]
fn a_fault_that_met_no_message_is_masked() {
    let drilled = drill().fault("unheard", 4, "web-1").play();
    assert_eq!((drilled.outcome.faults.masked, drilled.outcome.faults.unseen), (1, 0));
}

// ---- telemetry --------------------------------------------------------------------------------

#[test]
fn a_frozen_exporter_shows_the_world_as_it_was_and_hides_what_came_since() {
    let drilled = drill().fault("frozen", 4, "db-primary").fault("cpu_spike", 4, "db-primary").play();
    let before = drilled.view(3, "db-primary").metrics;
    for round in 4..=6 {
        let view = drilled.view(round, "db-primary");
        assert_eq!((view.metrics, view.age_rounds), (before, 0), "round {round}");
    }
    assert!(drilled.server(5, "db-primary").metrics.cpu_usage >= 95.0, "the journal tells the truth");
    let own = |alert: &worlds::message::AlertView| drilled.world.server("db-primary") == Some(alert.server);
    assert!(!drilled.seen[4].alerts.iter().any(own));
}

#[test]
fn a_liar_raises_alerts_that_are_no_false_alarms_and_hurts_nobody() {
    let drilled = drill().fault("liar", 4, "web-1").play();
    assert_eq!(drilled.view(4, "web-1").metrics.map(|metrics| metrics.cpu_usage), Some(99.0));
    assert!(drilled.server(4, "web-1").metrics.cpu_usage < 50.0, "the journal tells the truth");
    assert_eq!(
        drilled.view(4, "web-1").metrics.map(|it| it.memory_usage),
        Some(memory(&drilled, 4, "web-1"))
    );
    assert_eq!((drilled.outcome.alerts.opened, drilled.outcome.alerts.false_alarms), (1, 0));
    assert_eq!(good(&drilled), good(&drill().play()));
    assert_eq!(drilled.incident(1).detected_round, Some(4));
    assert!(drilled.view(7, "web-1").metrics.is_some_and(|metrics| metrics.cpu_usage < 50.0));
}

#[test]
fn of_two_liars_the_one_that_came_last_is_heard() {
    let other = FalseMetrics { cpu_usage: Some(75.0), error_rate: Some(2.0), ..FalseMetrics::default() };
    let drilled = drill()
        .with_kind("other", 3, Effect { false_metrics: Some(other), ..Effect::default() })
        .fault("liar", 4, "web-1")
        .fault("other", 5, "web-1")
        .play();
    let shown = |round| drilled.view(round, "web-1").metrics.map(|it| (it.cpu_usage, it.error_rate));
    assert_eq!([4, 5, 6].map(shown), [Some((99.0, 0.0)), Some((75.0, 2.0)), Some((75.0, 2.0))]);
    assert_eq!(drilled.outcome.faults.witnessed, 2);
}
