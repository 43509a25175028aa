//! The command that repeats a bench: everything that decides its figures, spelt out.

use super::plan::{DEFAULT_KS, Plan, Player};
use crate::cli::{BenchArgs, CompareArgs};
use crate::config;
use crate::duration;
use crate::repeat::quoted;

/// The command line of a bench, quoted for a shell. What only decides how it is shown or kept is left
/// out, and so is an earlier bench that it was compared with.
pub(super) fn of_bench(args: &BenchArgs, plan: &Plan) -> String {
    let mut words = vec!["world".to_owned(), "bench".to_owned()];
    let (worlds, scenarios): (Vec<_>, Vec<_>) = plan.cases.iter().partition(|case| case.scenario.is_none());
    words.extend(worlds.iter().map(|case| quoted(&case.typed)));
    for case in scenarios {
        words.extend(["--scenario".to_owned(), quoted(&case.typed)]);
    }
    words.extend(["--baseline-sre".to_owned(), quoted(&plan.players[plan.baseline].name)]);
    add_flags(&mut words, args.worlds.is_empty() && !args.scenario.is_empty(), plan);
    words.join(" ")
}

/// The same of a comparison.
pub(super) fn of_comparison(args: &CompareArgs, plan: &Plan) -> String {
    let mut words = vec!["world".to_owned(), "compare".to_owned(), quoted(&args.a), quoted(&args.b)];
    add_flags(&mut words, false, plan);
    words.join(" ")
}

fn add_flags(words: &mut Vec<String>, only_scenarios: bool, plan: &Plan) {
    let mut add = |flag: &str, value: String| words.extend([flag.to_owned(), quoted(&value)]);
    for player in plan.players.iter().filter(|player| !player.is_reference) {
        add("--sre", sre(player));
    }
    if let Some(deadline) = plan.sre_deadline {
        add("--sre-deadline", duration::written(deadline));
    }
    if !only_scenarios {
        for level in &plan.levels {
            add("--chaos-level", level.name().to_owned());
        }
        if let Some(rounds) = plan.rounds_asked {
            add("--rounds", rounds.to_string());
        }
    }
    add("--first-seed", plan.first_seed.to_string());
    add("--seeds", plan.seeds.to_string());
    for gate in &plan.pass {
        add("--pass", gate.expr().to_owned());
    }
    if plan.ks != DEFAULT_KS {
        let ks: Vec<String> = plan.ks.iter().map(u64::to_string).collect();
        add("--k", ks.join(","));
    }
    if let Some(until) = plan.until {
        add("--max-seeds", until.seeds_max.to_string());
        // Last, since it takes two values.
        add("--until-width", until.width.to_string());
        words.push(until.metric.name().to_owned());
    }
}

fn sre(player: &Player) -> String {
    let kind = player.kind.name();
    match player.skill.map(config::skill_name).or(player.command.as_deref()) {
        Some(more) => format!("{}={kind}:{more}", player.name),
        None => format!("{}={kind}", player.name),
    }
}
