//! What is said before the first round: the seed first, then what will be run.

use super::kinds::by_kind;
use super::{figure, ink, layout};
use crate::config::{self, RunConfig};
use worlds::chaos;
use worlds::definition::{Definition, SkillName, SreKind};
use worlds::plan::{RunPlan, SrePlan};
use worlds::scenario::Scenario;

/// The lines of the header.
pub(super) fn lines(config: &RunConfig, width: usize) -> Vec<String> {
    let definition = &config.world.definition;
    let plan = &config.plan;
    let mut lines = vec![ink::paint(ink::STRONG, &format!("Seed {}", plan.seed)), String::new()];
    lines.push(layout::rule(&title(&config.world.name, &definition.description), width));
    let mut fact = |label, text: String| lines.extend(layout::fact(label, &text, width));
    if let Some(scenario) = config.scenario.as_deref() {
        fact("Scenario", format!("{}: {}", scenario.name, scenario.title));
        if !config.is_drill {
            fact("Seeds", seeds(scenario, plan));
        }
    }
    fact("Servers", servers(definition));
    fact(
        "Rounds",
        format!("{}, {} each", figure::count(plan.rounds.into()), round_length(definition.round_seconds)),
    );
    if plan.drill.warm_up > 0 {
        fact(
            "Warm-up",
            format!("{}, in which nothing hits the world", figure::plural(plan.drill.warm_up, "round")),
        );
    }
    // What a scenario lets come is not told before it comes.
    let scripted = if config.scenario.is_some() { 0 } else { plan.scripted.len() };
    fact("Chaos level", chaos_level(definition, plan, scripted));
    fact("On call", plan.sres.iter().map(sre).collect::<Vec<_>>().join(", "));
    fact("SLA", format!("{} %", definition.sla_target));
    fact("Mode", config.mode.name().to_owned());
    lines
}

fn title(name: &str, description: &str) -> String {
    if description.is_empty() { name.to_owned() } else { format!("{name}: {description}") }
}

/// How many, and of which types, in the order in which these first appear.
fn servers(definition: &Definition) -> String {
    let kinds = by_kind(&definition.servers, |server| &server.kind);
    let counted: Vec<_> = kinds.iter().map(|(kind, servers)| format!("{} {kind}", servers.len())).collect();
    format!("{} ({})", figure::count(definition.servers.len() as u64), counted.join(", "))
}

fn round_length(seconds: f64) -> String {
    if seconds == 60.0 { "a minute".to_owned() } else { format!("{seconds} s") }
}

/// Of a scenario with several seeds one is played at a time.
fn seeds(scenario: &Scenario, plan: &RunPlan) -> String {
    let seeds = scenario.seeds();
    match (seeds, seeds.iter().position(|seed| *seed == plan.seed)) {
        ([only], Some(_)) => format!("{only} alone"),
        (_, Some(place)) => {
            format!("{}; this run is on number {}", figure::count(seeds.len() as u64), place + 1)
        }
        (_, None) => format!("{}; this run is on another one", figure::count(seeds.len() as u64)),
    }
}

fn chaos_level(definition: &Definition, plan: &RunPlan, scripted: usize) -> String {
    let level =
        format!("{} ({:?}x)", plan.level.name(), chaos::multiplier(&definition.chaos_levels, plan.level));
    match scripted {
        0 => level,
        scripted => format!("{level}, {} scripted", figure::plural(scripted as u32, "fault")),
    }
}

pub(super) fn sre(sre: &SrePlan) -> String {
    format!("{} ({})", sre.name, kind_and_skill(sre.kind, sre.skill))
}

/// `rules, senior`
pub(crate) fn kind_and_skill(kind: SreKind, skill: Option<SkillName>) -> String {
    let kind = kind.name();
    skill.map_or_else(|| kind.to_owned(), |skill| format!("{kind}, {}", config::skill_name(skill)))
}
