//! Whether what a scenario file says makes sense: by itself, and in its world.

use super::file::{AnswerTable, CauseTable, FaultTable, ScenarioFile};
use super::limits;
use super::{Answer, Languages, RootCause};
use crate::chance::Seed;
use crate::change::{self, Standby};
use crate::definition::{Definition, Hits, KeyPath, Problem, Role, Severity, check, nearest};
use crate::id::{ActionId, AgentId, KindId, ServerId};
use crate::plan::{self, ScriptedFault, SrePlan, Target};
use crate::script::{self, ScriptError};
use crate::topology::World;
use documents::Draft;
use documents::findings::{Findings, quoted};
use std::collections::BTreeSet;
use std::sync::Arc;

// ---- by itself --------------------------------------------------------------------------------

/// What can be said of a file without its world.
pub(super) fn alone(file: &ScenarioFile, draft: &mut Draft<'_>) {
    texts(file, &mut draft.findings);
    tags(file, &mut draft.findings);
    seeds_named(file, draft);
    let findings = &mut draft.findings;
    if file.warm_up >= file.rounds {
        let message = format!("a warm-up of {} rounds leaves none of {}", file.warm_up, file.rounds);
        findings.error_with(KeyPath::top("warm_up"), message, || {
            Some("play more `rounds`, or warm up for fewer".to_owned())
        });
    }
    if file.stop.is_some_and(|stop| stop.budget_spent_pct.is_none() && stop.blast_radius_pct.is_none()) {
        findings.error_with(KeyPath::top("stop"), "[stop] names no limit".to_owned(), || {
            Some("set `budget_spent_pct` or `blast_radius_pct`, or leave it out".to_owned())
        });
    }
    if let Some(AnswerTable { remedies, traps, .. }) = &file.answer {
        no_twins(&KeyPath::top("answer").key("remedies"), remedies, findings);
        no_twins(&KeyPath::top("answer").key("traps"), traps, findings);
        for (index, trap) in traps.iter().enumerate().filter(|(_, trap)| remedies.contains(trap)) {
            let message = format!("`{}` is among the remedies, too", quoted(trap));
            findings.error(KeyPath::top("answer").key("traps").at(index), message);
        }
    }
}

/// Texts are printed to terminals: a title is one line, the others may have several.
fn texts(file: &ScenarioFile, findings: &mut Findings) {
    let explanation = file.answer.as_ref().map_or("", |answer| &answer.explanation);
    let mut pages = vec![
        (KeyPath::top("summary"), file.summary.as_str()),
        (KeyPath::top("answer").key("explanation"), explanation),
    ];
    let mut lines = vec![(KeyPath::top("title"), file.title.as_str())];
    for (index, source) in file.source.iter().enumerate() {
        let table = KeyPath::top("source").at(index);
        pages.push((table.key("note"), &source.note));
        lines.extend([(table.key("title"), source.title.as_str()), (table.key("url"), &source.url)]);
    }
    for (path, text) in &lines {
        if text.trim().is_empty() {
            findings.error(path.clone(), format!("the {} is empty", path.last_key()));
        }
    }
    let lines = lines.into_iter().map(|line| (line, false));
    for ((path, text), may_break) in lines.chain(pages.into_iter().map(|page| (page, true))) {
        let is_wrong = |c: &char| c.is_control() && !(may_break && *c == '\n');
        if let Some(control) = text.chars().find(is_wrong) {
            let message = format!("the {} holds the control character {control:?}", path.last_key());
            findings.error(path, message);
        }
    }
}

fn tags(file: &ScenarioFile, findings: &mut Findings) {
    for (index, tag) in file.tags.iter().enumerate() {
        let path = KeyPath::top("tags").at(index);
        if check::name_itself(path.clone(), "tag", tag, findings) && file.tags[..index].contains(tag) {
            findings.error(path, format!("the tag `{tag}` is there twice"));
        }
    }
}

/// Exactly one of the three ways to name seeds.
fn seeds_named(file: &ScenarioFile, draft: &mut Draft<'_>) {
    let ways = ["seed", "seeds", "seed_count"].map(|key| (key, draft.holds(&KeyPath::top(key))));
    let written: Vec<&str> = ways.into_iter().filter(|(_, is_there)| *is_there).map(|(key, _)| key).collect();
    let first_seed = draft.holds(&KeyPath::top("first_seed"));
    let findings = &mut draft.findings;
    match written[..] {
        [] => findings.error_with(KeyPath::top("seed"), "no seed is named".to_owned(), || {
            Some("write `seed = 42`, `seeds = [3, 5, 8]` or `seed_count = 20`".to_owned())
        }),
        [_] => {}
        [first, second, ..] => {
            let message = format!("`{first}` and `{second}` both name the seeds");
            findings.error_with(KeyPath::top(second), message, || Some("leave one of them out".to_owned()));
        }
    }
    if written == ["seeds"] && file.seeds.is_empty() {
        findings.error(KeyPath::top("seeds"), "`seeds` names none".to_owned());
    }
    let mut seen = BTreeSet::new();
    for (index, seed) in file.seeds.iter().enumerate() {
        if !seen.insert(seed) {
            findings.error(KeyPath::top("seeds").at(index), format!("the seed {seed} is there twice"));
        }
    }
    if first_seed && file.seed_count.is_none() {
        findings.error_with(
            KeyPath::top("first_seed"),
            "`first_seed` is the first of none".to_owned(),
            || Some("say with `seed_count` how many follow, or leave it out".to_owned()),
        );
    }
    last_seed(file, findings);
}

/// The last seed has to be exact in every reader, as the first one has.
fn last_seed(file: &ScenarioFile, findings: &mut Findings) {
    let (Some(first), Some(count)) = (file.first_seed, file.seed_count) else { return };
    if first.saturating_add(u64::from(count)) > limits::SEED_MAX + 1 {
        let message = format!("{count} seeds from {first} on go beyond the last one, {}", limits::SEED_MAX);
        findings.error(KeyPath::top("first_seed"), message);
    }
}

fn no_twins(list: &KeyPath, names: &[String], findings: &mut Findings) {
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            findings.error(list.at(index), format!("`{}` is there twice", quoted(name)));
        }
    }
}

/// The seeds of a file that is good.
pub(super) fn seeds(file: &ScenarioFile) -> Vec<Seed> {
    if let Some(seed) = file.seed {
        return vec![seed];
    }
    if let Some(count) = file.seed_count {
        let first = file.first_seed.unwrap_or(1);
        return (first..).take(count as usize).collect();
    }
    file.seeds.clone()
}

// ---- in its world -----------------------------------------------------------------------------

/// What of a scenario was found in its world.
pub(super) struct Found {
    pub(super) world: Arc<World>,
    pub(super) sres: Vec<SrePlan>,
    pub(super) faults: Vec<ScriptedFault>,
    pub(super) noise: Vec<ScriptedFault>,
    pub(super) answer: Option<Answer>,
}

/// Finds everything that the file names; `None` when something is wrong, which is among the findings then.
pub(super) fn in_world(
    file: &ScenarioFile,
    name: &str,
    definition: &Definition,
    languages: &dyn Languages,
    findings: &mut Findings,
) -> Option<Found> {
    let gates = file.gate.iter().flat_map(|gate| &gate.fail_on).enumerate();
    for (index, condition) in gates {
        if let Err(wrong) = languages.gate(condition) {
            let path = KeyPath::top("gate").key("fail_on").at(index);
            findings.error_with(path, wrong.message, || wrong.hint);
        }
    }
    let sres = sres(file, definition, languages, findings);
    let world = Arc::new(World::new(name, changed(file, definition, findings)?));
    let script = Script { file, world: &world, sres: sres.as_deref() };
    let faults = script.find("fault", &file.fault, findings);
    let noise = script.find("noise", &file.noise, findings);
    script.no_twins(findings);
    idle_kinds(file, findings);
    let answer = file.answer.as_ref().map(|answer| script.answer(answer, findings));
    let answer = match answer {
        Some(answer) => Some(answer?),
        None => None,
    };
    Some(Found { sres: sres?, faults: faults?, noise: noise?, answer, world })
}

/// Who is on call; `None` when that is not said well.
fn sres(
    file: &ScenarioFile,
    definition: &Definition,
    languages: &dyn Languages,
    findings: &mut Findings,
) -> Option<Vec<SrePlan>> {
    if file.sres.is_empty() {
        return Some(plan::sres_of(definition));
    }
    let found = languages.sres(&file.sres);
    let wrong = match found {
        Ok(sres) => return Some(sres),
        Err(wrong) => wrong,
    };
    let path = KeyPath::top("sres").at(wrong.position);
    findings.error_with(path, wrong.message, || wrong.hint);
    None
}

/// The world's definition with what the scenario changes in it; `None` when that makes no sense.
fn changed(file: &ScenarioFile, definition: &Definition, findings: &mut Findings) -> Option<Definition> {
    let mut changed = definition.clone();
    changed.sla_target = file.sla_target.unwrap_or(changed.sla_target);
    changed.chaos.extend(file.chaos.iter().cloned());
    add_cures(file, &mut changed, findings);
    let mut is_good = true;
    for mut problem in check::problems(&changed) {
        let is_error = problem.severity == Severity::Error;
        is_good &= !is_error;
        match in_scenario(&problem.path, definition, &changed) {
            Some(path) => findings.add(Problem { path, ..problem }),
            // The world itself is good: what is wrong comes from what the scenario adds.
            None if is_error => {
                problem.message =
                    format!("with these kinds, `{}` of the world: {}", problem.path, problem.message);
                findings.add(Problem { path: KeyPath::top("chaos"), ..problem });
            }
            // The world's own warnings are told with the world.
            None => {}
        }
    }
    is_good.then_some(changed)
}

/// Where a key of the changed world stands in the scenario file; `None` for what is the world's own.
fn in_scenario(path: &KeyPath, own: &Definition, changed: &Definition) -> Option<KeyPath> {
    if let Some((index, rest)) = path.after("chaos") {
        return Some(KeyPath::top("chaos").at(index.checked_sub(own.chaos.len())?).join(rest));
    }
    let (action, rest) = path.after("actions")?;
    let within = KeyPath::root().join(rest).within("remedy")?;
    let (cured, _) = within.after("cures")?;
    let cured = cured.checked_sub(own.actions[action].remedy.cures.len())?;
    Some(KeyPath::top("cures").key(&changed.actions[action].name).at(cured))
}

fn add_cures(file: &ScenarioFile, definition: &mut Definition, findings: &mut Findings) {
    let kinds: Vec<String> = definition.chaos.iter().map(|kind| kind.name.clone()).collect();
    let actions: Vec<String> = definition.actions.iter().map(|action| action.name.clone()).collect();
    for (name, cured) in &file.cures {
        let path = KeyPath::top("cures").key(name);
        let Some(action) = definition.actions.iter_mut().find(|action| action.name == *name) else {
            findings.unknown(path, "action", name, actions.iter().map(String::as_str));
            continue;
        };
        if cured.is_empty() {
            findings.error(path.clone(), format!("`{name}` is to cure nothing"));
        }
        for (index, kind) in cured.iter().enumerate() {
            let path = path.at(index);
            if !kinds.contains(kind) {
                findings.unknown(path, "kind of fault", kind, kinds.iter().map(String::as_str));
            } else if action.remedy.cures.contains(kind) {
                findings.error(path, format!("`{name}` cures `{kind}` anyway"));
            } else {
                action.remedy.cures.push(kind.clone());
            }
        }
    }
}

/// Kinds of the scenario's own that never come.
fn idle_kinds(file: &ScenarioFile, findings: &mut Findings) {
    for (index, kind) in file.chaos.iter().enumerate() {
        let is_scripted = file.fault.iter().chain(&file.noise).any(|fault| fault.kind == kind.name);
        if kind.probability == 0.0 && !is_scripted {
            let message = format!("`{}` never comes", kind.name);
            let hint = "give it a probability or a [[fault]], or leave it out";
            findings.warning(KeyPath::top("chaos").at(index).key("name"), message, hint);
        }
    }
}

/// What comes for certain, to be found in a world.
struct Script<'s> {
    file: &'s ScenarioFile,
    world: &'s World,
    /// `None` when they are not known: whoever hits one of them is not looked at then.
    sres: Option<&'s [SrePlan]>,
}

impl Script<'_> {
    /// The faults of a table, in the order of the file.
    fn find(
        &self,
        table: &str,
        faults: &[FaultTable],
        findings: &mut Findings,
    ) -> Option<Vec<ScriptedFault>> {
        let mut found = Vec::with_capacity(faults.len());
        for (index, fault) in faults.iter().enumerate() {
            let path = KeyPath::top(table).at(index);
            match self.fault(fault) {
                Ok(fault) => found.push(fault),
                Err(_) if self.sres.is_none() && self.hits_sres(&fault.kind) => {}
                Err(error) => {
                    let key = match &error {
                        ScriptError::Kind { .. } => "kind",
                        ScriptError::Target { .. } | ScriptError::CannotHit { .. } => "target",
                        ScriptError::Round { .. } => "round",
                    };
                    findings.error_with(path.key(key), error.to_string(), || error.hint());
                }
            }
            self.in_time(&path, fault.round, findings);
        }
        (found.len() == faults.len()).then_some(found)
    }

    fn fault(&self, fault: &FaultTable) -> Result<ScriptedFault, ScriptError> {
        let FaultTable { kind, round, target } = fault;
        script::fault(self.world, self.file.rounds, self.sres.unwrap_or_default(), kind, *round, target)
    }

    fn hits_sres(&self, kind: &str) -> bool {
        self.world.definition.chaos.iter().any(|known| known.name == kind && known.hits == Hits::Sres)
    }

    fn in_time(&self, table: &KeyPath, round: u32, findings: &mut Findings) {
        let ScenarioFile { warm_up, rounds, .. } = *self.file;
        if round <= warm_up {
            let message = format!("round {round} is in the warm-up");
            findings.error_with(table.key("round"), message, || {
                Some(format!("choose a round from {} on", warm_up + 1))
            });
        } else if round == rounds {
            let message = "it comes in the last round: nobody can act on it".to_owned();
            findings.warning(table.key("round"), message, "let it come sooner, or play more rounds");
        }
    }

    /// Nothing comes twice.
    fn no_twins(&self, findings: &mut Findings) {
        let ScenarioFile { fault, noise, .. } = self.file;
        let mut seen: Vec<&FaultTable> = Vec::new();
        for (table, faults) in [("fault", fault), ("noise", noise)] {
            for (index, fault) in faults.iter().enumerate() {
                if seen.contains(&fault) {
                    let FaultTable { kind, round, target } = fault;
                    let message =
                        format!("`{}` comes to `{}` in round {round} already", quoted(kind), quoted(target));
                    findings.error(KeyPath::top(table).at(index), message);
                }
                seen.push(fault);
            }
        }
    }

    /// The answer key; `None` when it is no key to this scenario.
    fn answer(&self, answer: &AnswerTable, findings: &mut Findings) -> Option<Answer> {
        let table = KeyPath::top("answer");
        let causes = answer.root_causes.iter().enumerate();
        let found: Vec<Option<RootCause>> = causes
            .map(|(index, cause)| self.cause(&table.key("root_causes").at(index), cause, index, findings))
            .collect();
        let causes: Vec<RootCause> = found.iter().flatten().cloned().collect();
        let remedies = self.actions(&table.key("remedies"), &answer.remedies, findings);
        let traps = self.actions(&table.key("traps"), &answer.traps, findings);
        let is_whole = causes.len() == found.len();
        if is_whole {
            self.remedies_help(&table.key("remedies"), &causes, &remedies, findings);
        }
        (is_whole && !findings.has_errors()).then(|| Answer {
            root_causes: causes,
            remedies: remedies.into_iter().flatten().collect(),
            traps: traps.into_iter().flatten().collect(),
            explanation: answer.explanation.clone(),
        })
    }

    /// A root cause is a fault that the file lets come.
    fn cause(
        &self,
        path: &KeyPath,
        cause: &CauseTable,
        index: usize,
        findings: &mut Findings,
    ) -> Option<RootCause> {
        let CauseTable { kind, target } = cause;
        let earlier = self.file.answer.iter().flat_map(|answer| &answer.root_causes).take(index);
        if earlier.into_iter().any(|other| other == cause) {
            findings
                .error(path.clone(), format!("`{}` at `{}` is there twice", quoted(kind), quoted(target)));
            return None;
        }
        let is_it = |fault: &&FaultTable| fault.kind == *kind && fault.target == *target;
        let faults: Vec<&FaultTable> = self.file.fault.iter().filter(is_it).collect();
        if faults.is_empty() {
            let message = format!("no [[fault]] is `{}` at `{}`", quoted(kind), quoted(target));
            let known: Vec<String> = self
                .file
                .fault
                .iter()
                .map(|fault| format!("{} at {}", quoted(&fault.kind), quoted(&fault.target)))
                .collect();
            let written = format!("{} at {}", quoted(kind), quoted(target));
            findings.error_with(path.clone(), message, || {
                nearest::advice(&written, known.iter().map(String::as_str))
            });
            return None;
        }
        let found = self.fault(faults[0]).ok()?;
        if matches!(found.target, Target::Agent(AgentId::Sre(_))) {
            let message = format!("`{}` hits an SRE, and no diagnosis can name that", quoted(kind));
            findings
                .error_with(path.clone(), message, || Some("name the faults that hit servers".to_owned()));
            return None;
        }
        let mut rounds: Vec<u32> = faults.iter().map(|fault| fault.round).collect();
        rounds.sort_unstable();
        Some(RootCause { kind: found.kind, target: found.target, written: target.clone(), rounds })
    }

    /// The actions of these names, each in its place.
    fn actions(&self, list: &KeyPath, names: &[String], findings: &mut Findings) -> Vec<Option<ActionId>> {
        let known = || self.world.catalogue.actions.iter().map(|name| &**name);
        let mut found = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let action = known().position(|known| known == name);
            if action.is_none() {
                findings.unknown(list.at(index), "action", name, known());
            }
            found.push(action.map(ActionId::from));
        }
        found
    }

    /// Each remedy cures or relieves some root cause, by the catalogue.
    fn remedies_help(
        &self,
        list: &KeyPath,
        causes: &[RootCause],
        remedies: &[Option<ActionId>],
        findings: &mut Findings,
    ) {
        for (index, action) in remedies.iter().enumerate() {
            let Some(action) = *action else { continue };
            if !causes.iter().any(|cause| helps(self.world, action, cause)) {
                let name = &self.world.catalogue.actions[action.index()];
                let message = format!("`{name}` neither cures nor relieves any of the root causes");
                findings.error_with(list.at(index), message, || {
                    Some("see [[actions]] of its world, and [cures] of this file".to_owned())
                });
            }
        }
    }
}

/// Whether an action cures or relieves a root cause, by the catalogue.
pub(super) fn helps(world: &World, action: ActionId, cause: &RootCause) -> bool {
    let effect = &world.definition.chaos[cause.kind.index()].effect;
    let does = &world.definition.actions[action.index()];
    world.catalogue.cures(action, cause.kind)
        || servers_hit(world, cause.kind, cause.target).into_iter().any(|server| {
            let node = &world.servers[server.index()];
            let is_replica = |peer: ServerId| world.servers[peer.index()].role == Some(Role::Replica);
            let standby = Standby {
                role: node.role,
                replica: world.peers(server).any(is_replica),
                link: world.definition.servers[server.index()].backup_link,
            };
            change::relieves(does, effect, standby)
        })
}

/// The servers that a fault hits, of a group those that its kind can hit; none for one that hits an SRE.
pub(super) fn servers_hit(world: &World, kind: KindId, target: Target) -> Vec<ServerId> {
    match target {
        Target::Agent(AgentId::Server(server)) => vec![server],
        Target::Agent(AgentId::Sre(_)) => Vec::new(),
        Target::Group(group) => world.targets_in(group, kind).collect(),
    }
}
