//! What is said before the first round: the seed first, then what will be run.

use super::kinds::by_kind;
use super::{figure, ink, layout};
use crate::config::{self, RunConfig};
use worlds::chaos;
use worlds::definition::{Definition, SkillName, SreKind};
use worlds::plan::{RunPlan, SrePlan};

/// The lines of the header.
pub(super) fn lines(config: &RunConfig, width: usize) -> Vec<String> {
    let definition = &config.world.definition;
    let plan = &config.plan;
    let mut lines = vec![ink::paint(ink::STRONG, &format!("Seed {}", plan.seed)), String::new()];
    lines.push(layout::rule(&title(&config.world.name, &definition.description), width));
    let mut fact = |label, text: String| lines.extend(layout::fact(label, &text, width));
    fact("Servers", servers(definition));
    fact(
        "Rounds",
        format!("{}, {} each", figure::count(plan.rounds.into()), round_length(definition.round_seconds)),
    );
    fact("Chaos level", chaos_level(definition, plan));
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

fn chaos_level(definition: &Definition, plan: &RunPlan) -> String {
    let level =
        format!("{} ({:?}x)", plan.level.name(), chaos::multiplier(&definition.chaos_levels, plan.level));
    match plan.scripted.len() {
        0 => level,
        scripted => format!("{level}, {} scripted", figure::plural(scripted as u32, "fault")),
    }
}

fn sre(sre: &SrePlan) -> String {
    format!("{} ({})", sre.name, kind_and_skill(sre.kind, sre.skill))
}

/// `rules, senior`
pub(super) fn kind_and_skill(kind: SreKind, skill: Option<SkillName>) -> String {
    let kind = kind.name();
    skill.map_or_else(|| kind.to_owned(), |skill| format!("{kind}, {}", config::skill_name(skill)))
}
