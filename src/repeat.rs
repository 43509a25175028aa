//! The command that repeats a run: everything that decides it, spelt out, so that no default and
//! no world file's list of SREs can change it behind one's back.

use crate::cli::RunArgs;
use crate::config;
use crate::duration;
use worlds::definition::{Definition, SkillName, SreKind};
use worlds::plan::{RunPlan, SrePlan};
use worlds::script;
use worlds::topology::World;

/// The command line, quoted for a shell. What only decides how a run is shown or recorded is left
/// out.
pub(crate) fn command(args: &RunArgs, world: &World, plan: &RunPlan) -> String {
    let definition = &world.definition;
    let mut words = vec!["world".to_owned(), "run".to_owned()];
    let mut add = |words_of_flag: &[&str]| words.extend(words_of_flag.iter().map(|word| quoted(word)));
    add(&[args.world.as_deref().unwrap_or(config::DEFAULT_WORLD)]);
    add(&["--seed", &plan.seed.to_string()]);
    if let Some(seeds) = args.seeds {
        add(&["--seeds", &seeds.to_string()]);
    }
    add(&["--rounds", &plan.rounds.to_string()]);
    add(&["--chaos-level", plan.level.name()]);
    match only_default_sre(definition, plan) {
        Some(skill) => add(&["--skill", config::skill_name(skill)]),
        None => plan.sres.iter().for_each(|sre| add(&["--sre", &sre_flag(sre)])),
    }
    if let Some(deadline) = args.sre_deadline {
        add(&["--sre-deadline", &duration::written(deadline)]);
    }
    for fault in &plan.scripted {
        let kind = &definition.chaos[fault.kind.index()].name;
        let target = script::written(fault.target, world, &plan.sres);
        add(&["--fault", &format!("{kind}@{}:{target}", fault.round)]);
    }
    if let Some(target) = args.sla_target {
        add(&["--sla-target", &target.to_string()]);
    }
    for expr in &args.fail_on {
        add(&["--fail-on", expr.trim()]);
    }
    if args.inline {
        add(&["--inline"]);
    }
    words.join(" ")
}

/// The same for a run of a scenario, whose file says the rest; or for one of several runs, whose seeds it
/// says, too, unless they were typed.
pub(crate) fn of_scenario(args: &RunArgs, plan: &RunPlan, is_alone: bool) -> String {
    let mut words = vec!["world".to_owned(), "run".to_owned()];
    let mut add = |words_of_flag: &[&str]| words.extend(words_of_flag.iter().map(|word| quoted(word)));
    add(&["--scenario", args.scenario.as_deref().unwrap_or_default()]);
    if is_alone || args.seed.is_some() {
        add(&["--seed", &plan.seed.to_string()]);
    }
    if let Some(seeds) = args.seeds {
        add(&["--seeds", &seeds.to_string()]);
    }
    if !args.sre.is_empty() || args.skill.is_some() {
        plan.sres.iter().for_each(|sre| add(&["--sre", &sre_flag(sre)]));
    }
    if let Some(deadline) = args.sre_deadline {
        add(&["--sre-deadline", &duration::written(deadline)]);
    }
    for expr in &args.fail_on {
        add(&["--fail-on", expr.trim()]);
    }
    if args.inline {
        add(&["--inline"]);
    }
    words.join(" ")
}

/// The skill of the SRE that is on call when nobody is named, if that is who is on call.
fn only_default_sre(definition: &Definition, plan: &RunPlan) -> Option<SkillName> {
    match plan.sres.as_slice() {
        [sre] if definition.sre.is_empty() && &*sre.name == config::DEFAULT_SRE => {
            sre.skill.filter(|_| sre.kind == SreKind::Rules)
        }
        _ => None,
    }
}

fn sre_flag(sre: &SrePlan) -> String {
    let kind = sre.kind.name();
    let more = sre.skill.map(config::skill_name).or(sre.command.as_deref());
    match more {
        Some(more) => format!("{}={kind}:{more}", sre.name),
        None => format!("{}={kind}", sre.name),
    }
}

/// A word as a shell reads it back.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_@%+=:,./-".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_blanks_or_signs_are_quoted() {
        assert_eq!(quoted("db-primary"), "db-primary");
        assert_eq!(quoted("score < 3"), "'score < 3'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
