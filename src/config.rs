//! What is decided: a run's flags held against its world, and against each other.
//!
//! Everything that can be refused is refused here, before anything runs or is written.

use crate::cli::RunArgs;
use crate::gate::{Gate, GateError};
use crate::result::Mode;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use worlds::definition::limits::{NAME_CHARS_MAX, SRES_MAX};
use worlds::definition::nearest;
use worlds::definition::{Definition, Hits, SkillName, SreKind};
use worlds::id::{AgentId, KindId, Name, ServerId};
use worlds::plan::{Drill, Level, RunPlan, ScriptedFault, SrePlan, Target};
use worlds::scenario::{Misquoted, Scenario};
use worlds::script::{self, ScriptError};
use worlds::topology::World;

/// The world that is run unless another is named.
pub(crate) const DEFAULT_WORLD: &str = "systems";
/// How much chaos there is unless the command line says otherwise.
const DEFAULT_LEVEL: Level = Level::Medium;
/// The SRE of a world that names none.
pub(crate) const DEFAULT_SRE: &str = "oncall";
/// The skill of a rule-based SRE that does not say its own.
pub(crate) const DEFAULT_SKILL: SkillName = SkillName::Mid;

/// A run, decided.
#[derive(Clone, Debug)]
pub(crate) struct RunConfig {
    /// The scenario that is played, which has decided the world and most of the plan.
    pub scenario: Option<Arc<Scenario>>,
    /// The world, its promise replaced if the command line says so.
    pub world: Arc<World>,
    /// What decides the run, with the world.
    pub plan: RunPlan,
    /// The seeds that are played, one after the other; the plan's is the first.
    pub seeds: Vec<u64>,
    /// Whether they are judged together, though it were one alone: `--seeds 1` says the same as more do.
    pub is_drill: bool,
    /// With a process for each agent, or without.
    pub mode: Mode,
    /// From one round's beginning to the next's, at least this long.
    pub pace: Option<Duration>,
    /// How long a program may take for a round.
    pub sre_deadline: Option<Duration>,
    /// Whose processes are started by hand.
    pub manual: Manual,
    /// Where the bus is.
    pub bus: Option<PathBuf>,
    /// Threads of the process keeper.
    pub worker_threads: Option<u16>,
    /// What is shown.
    pub output: Output,
    /// Where the run is recorded.
    pub out: Option<PathBuf>,
    /// Whether it is run twice, and the two compared.
    pub check_determinism: bool,
    /// What the result is held against.
    pub gates: Vec<Gate>,
    /// The command that repeats the run.
    pub repeat: String,
}

/// Whose processes are started by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Manual {
    /// Nobody's.
    Nobody,
    /// Everybody's.
    Everybody,
    /// Those of these servers and SREs, by name.
    Named(Vec<Name>),
}

impl Manual {
    /// Whether the agent of this name is started by hand.
    pub(crate) fn holds(&self, name: &str) -> bool {
        match self {
            Manual::Nobody => false,
            Manual::Everybody => true,
            Manual::Named(names) => names.iter().any(|named| **named == *name),
        }
    }
}

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Output {
    /// The result goes to standard output as JSON, and the story to standard error.
    pub json: bool,
    /// How much of the story is told.
    pub detail: Detail,
}

/// How much of the story is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Detail {
    /// The end.
    Quiet,
    /// Each round.
    Normal,
    /// Each server with its metrics, too, and each alert.
    Verbose,
    /// All that is known: symptoms, acknowledgements, alerts that close.
    Full,
}

/// Why a run is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UsageError {
    #[error("--sre {given}: this is not [NAME=]KIND[:SKILL]")]
    SreSyntax { given: String },
    #[error("--sre {given}: there is no kind `{kind}`")]
    SreKind { given: String, kind: String },
    #[error("--sre {given}: there is no skill `{skill}`")]
    SreSkill { given: String, skill: String },
    #[error("--sre {given}: an SRE of kind `{kind}` has no skill")]
    SreWithoutSkills { given: String, kind: &'static str },
    #[error("--sre {given}: `{name}` is not a name")]
    SreName { given: String, name: String },
    #[error("--sre {given}: which program?")]
    SreProgram { given: String },
    #[error("the SRE `{name}` is a program, and nobody says which")]
    NoProgram { name: String },
    #[error("--sre-deadline is for nobody: no SRE of this run is a program")]
    DeadlineForNobody,
    #[error("there are two SREs named `{name}`")]
    SreTwice { name: String },
    #[error("{given} SREs are more than a run may have, {SRES_MAX}")]
    SreCount { given: usize },
    #[error("--skill {skill} is for nobody: {why}")]
    SkillForNobody { skill: &'static str, why: &'static str },
    #[error("--fault {given}: this is not KIND@ROUND:TARGET")]
    FaultSyntax { given: String },
    #[error("--fault {given}: {error}")]
    Fault { given: String, error: ScriptError },
    #[error("--fault {given} is there twice")]
    FaultTwice { given: String },
    #[error("--seeds {count}: there are not so many seeds from {first} on")]
    SeedRange { first: u64, count: u32 },
    #[error("{flag} is for the scenario `{scenario}` to say")]
    DecidedByScenario { flag: &'static str, scenario: String },
    #[error("the scenario `{scenario}` has several seeds, and {flag} is for one run")]
    ManySeeds { flag: &'static str, scenario: String },
    #[error("the scenario `{scenario}` hits SREs: {error}")]
    ScenarioHits { scenario: String, error: ScriptError },
    #[error("--manual: this run has no agent `{name}`")]
    ManualName { name: String, advice: Option<String> },
    #[error("--manual: `{name}` is an oracle, which runs in the director")]
    ManualOracle { name: String },
    #[error("--manual: `{kind}` may hit the process of `{name}`, and that is not the run's to restart")]
    ManualStruck { name: String, kind: String },
    #[error("--fail-on: {0}")]
    Gate(#[from] GateError),
}

impl UsageError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::SreSyntax { .. } => Some("as in --sre rules:senior or --sre night=rules:junior".to_owned()),
            Self::SreKind { given, .. } if given.starts_with("exec=") => {
                Some(format!("a program is written so: --sre '{}'", given.replacen('=', ":", 1)))
            }
            Self::SreKind { kind, .. } => {
                let known = SreKind::ALL.iter().map(|(name, _)| *name).chain([EXEC]);
                nearest::advice(kind, known)
            }
            Self::SreSkill { skill, .. } => nearest::advice(skill, SKILLS.map(|(name, _)| name)),
            Self::SreWithoutSkills { kind, .. } => Some(format!("write {kind} alone")),
            Self::SreName { .. } => Some(format!(
                "use letters, digits, `-`, `_` and `.`, {NAME_CHARS_MAX} at most, the first a letter or digit"
            )),
            Self::SreProgram { .. } => Some("as in --sre 'exec:python3 my_sre.py'".to_owned()),
            Self::NoProgram { name } => Some(format!(
                "name it, as in --sre '{name}=exec:python3 my_sre.py', or start it by hand: --manual={name}"
            )),
            Self::DeadlineForNobody => {
                Some("leave it out, or put one on call: --sre exec:COMMAND".to_owned())
            }
            Self::SreTwice { .. } => Some("give each a name: --sre day=rules --sre night=rules".to_owned()),
            Self::SreCount { .. } => Some("leave some out".to_owned()),
            Self::SkillForNobody { .. } => {
                Some("leave it out, or put an SRE of kind rules on call".to_owned())
            }
            Self::FaultSyntax { .. } => Some("as in --fault cpu_spike@3:api-1".to_owned()),
            Self::Fault { error: ScriptError::Round { .. }, .. } => {
                Some("choose one of them, or play more with --rounds".to_owned())
            }
            Self::Fault { error, .. } => error.hint(),
            Self::DecidedByScenario { scenario, .. } => {
                Some(format!("leave it out, or play your own: world scenarios show {scenario} > mine.toml"))
            }
            Self::ManySeeds { .. } => Some("choose one with --seed".to_owned()),
            Self::ScenarioHits { error: ScriptError::Target { target, .. }, .. } => {
                Some(format!("give somebody this name: --sre {target}=rules"))
            }
            Self::ScenarioHits { error, .. } => error.hint(),
            Self::ManualName { advice, .. } => advice.clone(),
            Self::FaultTwice { .. } => Some("leave one out".to_owned()),
            Self::SeedRange { .. } => Some(format!("the last seed is {}", u64::MAX)),
            Self::ManualOracle { .. } => Some("leave it out of --manual".to_owned()),
            Self::ManualStruck { .. } => Some(
                "let the run start it, or choose a world or a --chaos-level without such faults".to_owned(),
            ),
            Self::Gate(error) => error.hint.clone(),
        }
    }
}

impl RunConfig {
    /// Decides a run of the world of this name and definition. `draw_seed` is asked only if no
    /// seed was typed.
    ///
    /// The promise is part of the definition, since incidents are held against it; so with another
    /// promise it is another world, with another hash.
    pub(crate) fn decide(
        args: &RunArgs,
        name: &str,
        mut definition: Definition,
        draw_seed: impl FnOnce() -> u64,
    ) -> Result<Self, UsageError> {
        definition.sla_target = args.sla_target.unwrap_or(definition.sla_target);
        let world = Arc::new(World::new(name, definition));
        let definition = &world.definition;
        let rounds = args.rounds.unwrap_or(definition.rounds);
        let sres = sres(args, definition)?;
        let scripted = scripted_faults(&args.fault, &world, rounds, &sres)?;
        let seed = args.seed.unwrap_or_else(draw_seed);
        let level = args.chaos_level.map_or(DEFAULT_LEVEL, Level::from);
        let plan = RunPlan { seed, level, rounds, sres, scripted, drill: Drill::default() };
        let repeat = crate::repeat::command(args, &world, &plan);
        let seeds = seeds(seed, args.seeds)?;
        Self::decided(args, Scene { scenario: None, world: Arc::clone(&world), plan, seeds, repeat })
    }

    /// Decides a run of a scenario, on the seeds that were typed or on its own.
    pub(crate) fn of_scenario(args: &RunArgs, scenario: Scenario) -> Result<Self, UsageError> {
        if let Some(flag) = decided_already(args) {
            return Err(UsageError::DecidedByScenario { flag, scenario: scenario.name });
        }
        let typed = args.skill.map(SkillName::from);
        let sres = if args.sre.is_empty() {
            with_skill(scenario.sres.clone(), typed)?
        } else {
            from_flags(&args.sre, typed)?
        };
        let first = args.seed.unwrap_or_else(|| scenario.seeds()[0]);
        let seeds = match (args.seed, args.seeds) {
            (None, None) => scenario.seeds().to_vec(),
            (_, count) => seeds(first, count)?,
        };
        if seeds.len() > 1
            && let Some(flag) = needs_one_seed(args)
        {
            return Err(UsageError::ManySeeds { flag, scenario: scenario.name });
        }
        let hit = |error| UsageError::ScenarioHits { scenario: scenario.name.clone(), error };
        let plan = scenario.plan(first, sres).map_err(hit)?;
        let repeat = crate::repeat::of_scenario(args, &plan, seeds.len() == 1);
        let world = Arc::clone(&scenario.world);
        Self::decided(args, Scene { scenario: Some(Arc::new(scenario)), world, plan, seeds, repeat })
    }

    /// What is left to say when the world and the plan are there.
    fn decided(args: &RunArgs, scene: Scene) -> Result<Self, UsageError> {
        let Scene { scenario, world, plan, seeds, repeat } = scene;
        let manual = manual(args.manual.as_deref(), &world.definition, &plan.sres)?;
        refuse_unknown_programs(&plan.sres, &manual, args.sre_deadline)?;
        let quoted = scenario.iter().flat_map(|scenario| &scenario.fail_on);
        let gates = quoted.chain(&args.fail_on).map(|expr| Gate::parse(expr)).collect::<Result<_, _>>()?;
        refuse_struck_hands(&manual, &world, &plan)?;
        let mode = if args.inline { Mode::Inline } else { Mode::Processes };
        Ok(Self {
            repeat,
            scenario,
            is_drill: seeds.len() > 1 || args.seeds.is_some(),
            seeds,
            mode,
            pace: args.pace,
            sre_deadline: args.sre_deadline,
            manual,
            bus: args.bus.clone(),
            worker_threads: args.worker_threads,
            output: Output { json: args.json, detail: detail(args) },
            out: args.out.clone(),
            check_determinism: args.check_determinism,
            gates,
            plan,
            world,
        })
    }
}

/// What is played.
struct Scene {
    scenario: Option<Arc<Scenario>>,
    world: Arc<World>,
    plan: RunPlan,
    seeds: Vec<u64>,
    repeat: String,
}

/// The first flag that asks for something of which a drill over several seeds has many.
fn needs_one_seed(args: &RunArgs) -> Option<&'static str> {
    let flags = [
        ("--plan", args.plan),
        ("--manual", args.manual.is_some()),
        ("--check-determinism", args.check_determinism),
        ("--verbose", args.verbose > 0),
    ];
    flags.into_iter().find_map(|(flag, is_there)| is_there.then_some(flag))
}

/// So many seeds, from this one on.
fn seeds(first: u64, count: Option<u32>) -> Result<Vec<u64>, UsageError> {
    let count = count.unwrap_or(1);
    let last = first.checked_add(u64::from(count) - 1);
    last.map(|last| (first..=last).collect()).ok_or(UsageError::SeedRange { first, count })
}

fn detail(args: &RunArgs) -> Detail {
    match (args.quiet, args.verbose) {
        (true, _) => Detail::Quiet,
        (false, 0) => Detail::Normal,
        (false, 1) => Detail::Verbose,
        (false, _) => Detail::Full,
    }
}

/// The first flag that the scenario has decided already.
fn decided_already(args: &RunArgs) -> Option<&'static str> {
    [
        ("the world", args.world.is_some()),
        ("--rounds", args.rounds.is_some()),
        ("--chaos-level", args.chaos_level.is_some()),
        ("--fault", !args.fault.is_empty()),
        ("--sla-target", args.sla_target.is_some()),
    ]
    .into_iter()
    .find_map(|(flag, is_there)| is_there.then_some(flag))
}

// ---- SREs -------------------------------------------------------------------------------------

/// The kind of SRE that is a program.
const EXEC: &str = "exec";

const SKILLS: [(&str, SkillName); 3] =
    [("junior", SkillName::Junior), ("mid", SkillName::Mid), ("senior", SkillName::Senior)];

/// The name of a skill on the command line.
pub(crate) fn skill_name(skill: SkillName) -> &'static str {
    SKILLS.iter().find(|(_, other)| *other == skill).map_or("?", |(name, _)| name)
}

/// Who is on call: whom the command line names, else whom the world names, else one of kind rules.
///
/// `--skill` is for the SREs that do not say their own on the command line, and outranks what the
/// world file says. It is refused when it is for nobody.
fn sres(args: &RunArgs, definition: &Definition) -> Result<Vec<SrePlan>, UsageError> {
    let typed = args.skill.map(SkillName::from);
    if args.sre.is_empty() { from_world(definition, typed) } else { from_flags(&args.sre, typed) }
}

fn from_world(definition: &Definition, typed: Option<SkillName>) -> Result<Vec<SrePlan>, UsageError> {
    with_skill(worlds::plan::sres_of(definition), typed)
}

/// Those whom a file names; a skill that was typed outranks theirs.
fn with_skill(mut plans: Vec<SrePlan>, typed: Option<SkillName>) -> Result<Vec<SrePlan>, UsageError> {
    if let Some(skill) = typed {
        refuse_idle_skill(skill, plans.iter().map(|plan| (plan.kind, None)))?;
        plans.iter_mut().for_each(|plan| plan.skill = plan.skill.map(|_| skill));
    }
    Ok(plans)
}

fn from_flags(flags: &[String], typed: Option<SkillName>) -> Result<Vec<SrePlan>, UsageError> {
    if flags.len() > SRES_MAX {
        return Err(UsageError::SreCount { given: flags.len() });
    }
    let sres = flags.iter().map(|given| sre(given)).collect::<Result<Vec<_>, _>>()?;
    if let Some(skill) = typed {
        refuse_idle_skill(skill, sres.iter().map(|sre| (sre.kind, sre.skill)))?;
    }
    let plan = |sre: SrePlan| SrePlan {
        skill: (sre.kind == SreKind::Rules).then(|| sre.skill.or(typed).unwrap_or(DEFAULT_SKILL)),
        ..sre
    };
    let mut plans: Vec<_> = sres.into_iter().map(plan).collect();
    plans.sort_by(|one, other| one.name.cmp(&other.name));
    match plans.windows(2).find(|pair| pair[0].name == pair[1].name) {
        Some(pair) => Err(UsageError::SreTwice { name: pair[0].name.to_string() }),
        None => Ok(plans),
    }
}

/// Who is on call in a scenario file, which quotes the flags.
pub(crate) fn quoted_sres(given: &[String]) -> Result<Vec<SrePlan>, Misquoted> {
    let misquoted = |position: usize, error: &UsageError| {
        let flag = format!("--sre {}: ", given[position]);
        let told = error.to_string();
        let message =
            told.strip_prefix(&flag).map_or(told.clone(), |why| format!("`{}`: {why}", given[position]));
        Misquoted { position, message, hint: error.hint() }
    };
    for (position, word) in given.iter().enumerate() {
        let plan = sre(word).map_err(|error| misquoted(position, &error))?;
        // Whoever plays a scenario should need nothing beside it.
        refuse_unknown_programs(&[plan], &Manual::Nobody, None)
            .map_err(|error| misquoted(position, &error))?;
    }
    from_flags(given, None).map_err(|error| misquoted(given.len() - 1, &error))
}

/// `[NAME=]KIND[:SKILL]`, or `[NAME=]exec:COMMAND`. A command may hold all signs that these do; a name does
/// not, so what stands before the first `=` is one unless there is a `:` in it.
pub(crate) fn sre(given: &str) -> Result<SrePlan, UsageError> {
    let owned = || given.to_owned();
    let (name, rest) = named(given).unwrap_or((DEFAULT_SRE, given));
    let (kind, more) = match rest.split_once(':') {
        Some((kind, more)) => (kind, Some(more)),
        None => (rest, None),
    };
    if !is_name(name) {
        return Err(UsageError::SreName { given: owned(), name: name.to_owned() });
    }
    if kind == EXEC {
        return program(given, name, more);
    }
    if kind.is_empty() || more == Some("") {
        return Err(UsageError::SreSyntax { given: owned() });
    }
    let kind = find(&SreKind::ALL, kind)
        .ok_or_else(|| UsageError::SreKind { given: owned(), kind: kind.to_owned() })?;
    let skill = match more {
        Some(_) if kind != SreKind::Rules => {
            return Err(UsageError::SreWithoutSkills { given: owned(), kind: kind.name() });
        }
        Some(skill) => Some(
            find(&SKILLS, skill)
                .ok_or_else(|| UsageError::SreSkill { given: owned(), skill: skill.to_owned() })?,
        ),
        None => None,
    };
    Ok(SrePlan { skill, ..SrePlan::of(name, kind) })
}

/// The name of an SRE and what it is, where it has a name.
pub(crate) fn named(given: &str) -> Option<(&str, &str)> {
    given.split_once('=').filter(|(name, _)| !name.starts_with("exec:"))
}

/// An SRE that is a program; without a command it is started by hand.
fn program(given: &str, name: &str, command: Option<&str>) -> Result<SrePlan, UsageError> {
    if command.is_some_and(|command| command.trim().is_empty()) {
        return Err(UsageError::SreProgram { given: given.to_owned() });
    }
    Ok(SrePlan { command: command.map(Name::from), ..SrePlan::of(name, SreKind::Exec) })
}

/// Refuses programs of which nobody knows what they are, and a deadline that is for none.
fn refuse_unknown_programs(
    sres: &[SrePlan],
    manual: &Manual,
    deadline: Option<Duration>,
) -> Result<(), UsageError> {
    let mut programs = sres.iter().filter(|sre| sre.kind == SreKind::Exec);
    if deadline.is_some() && programs.clone().next().is_none() {
        return Err(UsageError::DeadlineForNobody);
    }
    match programs.find(|sre| sre.command.is_none() && !manual.holds(&sre.name)) {
        Some(sre) => Err(UsageError::NoProgram { name: sre.name.to_string() }),
        None => Ok(()),
    }
}

fn find<T: Copy>(known: &[(&str, T)], name: &str) -> Option<T> {
    known.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

fn is_name(name: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&name.len())
        && name.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && name.chars().all(is_of_name)
}

/// Whether a name may hold a sign.
pub(crate) fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.')
}

/// Refuses a skill that none of these kinds of SREs, with the skills that they say, would take.
fn refuse_idle_skill(
    skill: SkillName,
    sres: impl Iterator<Item = (SreKind, Option<SkillName>)>,
) -> Result<(), UsageError> {
    let skill = skill_name(skill);
    let mut rules = sres.filter(|(kind, _)| *kind == SreKind::Rules).peekable();
    if rules.peek().is_none() {
        return Err(UsageError::SkillForNobody { skill, why: "no SRE of this run has skills" });
    }
    if rules.all(|(_, own)| own.is_some()) {
        return Err(UsageError::SkillForNobody { skill, why: "each SRE of kind rules says its own" });
    }
    Ok(())
}

// ---- faults -----------------------------------------------------------------------------------

fn scripted_faults(
    flags: &[String],
    world: &World,
    rounds: u32,
    sres: &[SrePlan],
) -> Result<Vec<ScriptedFault>, UsageError> {
    let mut faults = Vec::with_capacity(flags.len());
    for given in flags {
        let fault = scripted_fault(given, world, rounds, sres)?;
        if faults.contains(&fault) {
            return Err(UsageError::FaultTwice { given: given.clone() });
        }
        faults.push(fault);
    }
    faults.sort_unstable();
    Ok(faults)
}

/// `KIND@ROUND:TARGET`
fn scripted_fault(
    given: &str,
    world: &World,
    rounds: u32,
    sres: &[SrePlan],
) -> Result<ScriptedFault, UsageError> {
    let owned = || given.to_owned();
    let parts = given.split_once('@').and_then(|(kind, rest)| {
        let (round, target) = rest.split_once(':')?;
        // A number that is too large for any run, or below 0, is out of range rather than no number.
        let round = round.parse::<i128>().ok()?;
        Some((kind, u32::try_from(round).unwrap_or_default(), target))
    });
    let (kind_name, round, target_name) = parts.ok_or_else(|| UsageError::FaultSyntax { given: owned() })?;
    script::fault(world, rounds, sres, kind_name, round, target_name)
        .map_err(|error| UsageError::Fault { given: owned(), error })
}

// ---- agents started by hand -------------------------------------------------------------------

/// Chaos hits the processes of agents that the run starts itself: only those it can start again.
fn refuse_struck_hands(manual: &Manual, world: &World, plan: &RunPlan) -> Result<(), UsageError> {
    let factor = worlds::chaos::multiplier(&world.definition.chaos_levels, plan.level);
    for (index, kind) in world.definition.chaos.iter().enumerate() {
        if kind.effect.process.is_none() {
            continue;
        }
        let id = KindId::from(index);
        let of_kind = plan.scripted.iter().filter(|fault| fault.kind == id);
        let scripted = of_kind.flat_map(|fault| struck_by(fault, world, plan));
        let rolled =
            if kind.probability * factor > 0.0 { everybody_hit(id, world, plan) } else { Vec::new() };
        if let Some(name) = scripted.chain(rolled).find(|name| manual.holds(name)) {
            return Err(UsageError::ManualStruck { name: name.to_string(), kind: kind.name.clone() });
        }
    }
    Ok(())
}

/// Whom a scripted fault hits.
fn struck_by(fault: &ScriptedFault, world: &World, plan: &RunPlan) -> Vec<Name> {
    let server = |server: ServerId| world.servers[server.index()].name.clone();
    match fault.target {
        Target::Agent(AgentId::Server(target)) => vec![server(target)],
        Target::Agent(AgentId::Sre(sre)) => vec![plan.sres[sre.index()].name.clone()],
        Target::Group(group) => world.targets_in(group, fault.kind).map(server).collect(),
    }
}

/// Whom a kind may hit when it is rolled.
fn everybody_hit(kind: KindId, world: &World, plan: &RunPlan) -> Vec<Name> {
    match world.definition.chaos[kind.index()].hits {
        Hits::Sres => plan.sres.iter().map(|sre| sre.name.clone()).collect(),
        Hits::Servers => {
            let eligible = world.eligible[kind.index()].iter();
            eligible.map(|server| world.servers[server.index()].name.clone()).collect()
        }
    }
}

fn manual(names: Option<&[String]>, definition: &Definition, sres: &[SrePlan]) -> Result<Manual, UsageError> {
    let names = match names {
        None => return Ok(Manual::Nobody),
        Some([]) => return Ok(Manual::Everybody),
        Some(names) => names,
    };
    let servers = definition.servers.iter().map(|server| server.name.as_str());
    let known: Vec<&str> = servers.chain(sres.iter().map(|sre| &*sre.name)).collect();
    for name in names {
        if !known.contains(&name.as_str()) {
            let advice = nearest::advice(name, known.iter().copied());
            return Err(UsageError::ManualName { name: name.clone(), advice });
        }
        if sres.iter().any(|sre| &*sre.name == name && sre.kind == SreKind::Oracle) {
            return Err(UsageError::ManualOracle { name: name.clone() });
        }
    }
    Ok(Manual::Named(names.iter().map(|name| name.as_str().into()).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn systems() -> Definition {
        let systems = worlds::definition::builtin::find("systems").expect("it is built in");
        worlds::definition::parse("systems.toml", systems.text).expect("it is good").definition
    }

    fn decided_in(definition: Definition, flags: &[&str]) -> Result<RunConfig, UsageError> {
        let arguments = ["world", "run", "--inline"].iter().chain(flags);
        match Cli::try_parse_from(arguments).map(|cli| cli.command) {
            Ok(Command::Run(args)) => RunConfig::decide(&args, "systems", definition, || 7),
            other => panic!("not a run: {other:?}"),
        }
    }

    fn decided(flags: &[&str]) -> Result<RunConfig, UsageError> {
        decided_in(systems(), flags)
    }

    fn on_call(flags: &[&str]) -> Vec<(String, SreKind, Option<SkillName>)> {
        let config = decided(flags).expect("a run");
        config.plan.sres.iter().map(|sre| (sre.name.to_string(), sre.kind, sre.skill)).collect()
    }

    fn refused(flags: &[&str]) -> String {
        let error = decided(flags).expect_err("refused");
        let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
        format!("{error}{hint}")
    }

    #[test]
    fn without_flags_a_mid_of_kind_rules_is_on_call() {
        assert_eq!(on_call(&[]), [("oncall".to_owned(), SreKind::Rules, Some(SkillName::Mid))]);
    }

    #[test]
    fn a_command_may_hold_whatever_a_name_may_not() {
        let command = |given: &str| {
            let config = decided(&["--sre", given]).expect("a run");
            let [sre] = &config.plan.sres[..] else { panic!("one SRE") };
            assert_eq!((sre.kind, sre.skill), (SreKind::Exec, None));
            (sre.name.to_string(), sre.command.as_deref().expect("a command").to_owned())
        };
        let of = |name: &str, command: &str| (name.to_owned(), command.to_owned());
        assert_eq!(command("exec:./my-sre"), of("oncall", "./my-sre"));
        assert_eq!(command("exec:A=b ./x --at 10:30"), of("oncall", "A=b ./x --at 10:30"));
        assert_eq!(command("ann=exec:A=b ./x:y"), of("ann", "A=b ./x:y"));
        for (flags, message) in [
            (
                &["--sre", "exec"][..],
                "nobody says which; name it, as in --sre 'oncall=exec:python3 my_sre.py'",
            ),
            (&["--sre", "a=exec: "], "--sre a=exec: : which program?; as in --sre 'exec:python3 my_sre.py'"),
            (&["--sre", "exce:x"], "there is no kind `exce`; did you mean `exec`?"),
            (&["--sre", "exec=x"], "a program is written so: --sre 'exec:x'"),
            (&["--sre", "a:b=exec:x"], "`a:b` is not a name"),
            (&["--sre-deadline", "2s"], "no SRE of this run is a program"),
        ] {
            let told = refused(flags);
            assert!(told.contains(message), "{flags:?}: {told}");
        }
        let config = decided(&["--sre", "exec:x", "--sre-deadline", "2s"]).expect("a run");
        assert_eq!(config.sre_deadline, Some(Duration::from_secs(2)));
        let repeat = config.repeat;
        assert!(repeat.contains("--sre oncall=exec:x --sre-deadline 2s"), "{repeat}");
        let repeat = decided(&["--sre", "exec:it's A=b"]).expect("a run").repeat;
        assert!(repeat.contains(r"--sre 'oncall=exec:it'\''s A=b'"), "{repeat}");
    }

    #[test]
    fn sres_stand_in_order_of_their_names() {
        let both = on_call(&["--sre", "night=rules:senior", "--sre", "day=none"]);
        let expected = [
            ("day".to_owned(), SreKind::None, None),
            ("night".to_owned(), SreKind::Rules, Some(SkillName::Senior)),
        ];
        assert_eq!(both, expected);
    }

    #[test]
    fn a_skill_is_for_those_that_do_not_say_their_own() {
        let both = on_call(&["--sre", "a=rules:junior", "--sre", "b=rules", "--skill", "senior"]);
        assert_eq!([both[0].2, both[1].2], [Some(SkillName::Junior), Some(SkillName::Senior)]);
    }

    #[test]
    fn a_skill_outranks_the_world_file() {
        use worlds::definition::Sre;
        let mut world = systems();
        let sre = |name: &str, kind, skill| Sre { name: name.to_owned(), kind, skill };
        world.sre = vec![sre("b", SreKind::Rules, Some(SkillName::Junior)), sre("a", SreKind::None, None)];
        let config = decided_in(world.clone(), &["--skill", "senior"]).expect("a run");
        assert_eq!(config.plan.sres[1].skill, Some(SkillName::Senior));
        assert_eq!(config.plan.sres[0].skill, None);
        assert!(config.repeat.contains("--sre a=none --sre b=rules:senior"), "{}", config.repeat);
        world.sre.remove(0);
        assert!(decided_in(world, &["--skill", "senior"]).is_err(), "nobody has skills");
    }

    #[test]
    fn a_skill_for_nobody_is_refused() {
        assert!(refused(&["--sre", "none", "--skill", "mid"]).contains("no SRE of this run has skills"));
        assert!(refused(&["--sre", "rules:mid", "--skill", "mid"]).contains("says its own"));
    }

    #[test]
    fn sres_that_make_no_sense_are_refused_with_advice() {
        for (flags, message) in [
            (&["--sre", "rulez"][..], "there is no kind `rulez`; did you mean `rules`?"),
            (&["--sre", "rules:seniro"], "there is no skill `seniro`; did you mean `senior`?"),
            (&["--sre", "none:mid"], "an SRE of kind `none` has no skill; write none alone"),
            (&["--sre", ""], "this is not [NAME=]KIND[:SKILL]"),
            (&["--sre", "rules:"], "this is not [NAME=]KIND[:SKILL]"),
            (&["--sre", "a b=rules"], "`a b` is not a name"),
            (&["--sre", "=rules"], "`` is not a name"),
            (&["--sre", "rules", "--sre", "none"], "there are two SREs named `oncall`; give each a name"),
        ] {
            let told = refused(flags);
            assert!(told.contains(message), "{flags:?}: {told}");
        }
    }

    #[test]
    fn faults_that_make_no_sense_are_refused_with_advice() {
        for (fault, message) in [
            ("cpu_spike", "this is not KIND@ROUND:TARGET"),
            ("cpu_spike@x:web-1", "this is not KIND@ROUND:TARGET"),
            ("cpu_spik@1:web-1", "no kind of fault `cpu_spik`; did you mean `cpu_spike`?"),
            ("cpu_spike@1:web1", "no server `web1`; did you mean `web-1`?"),
            ("cpu_spike@0:web-1", "the run has rounds 1 to 15"),
            ("cpu_spike@16:web-1", "the run has rounds 1 to 15"),
            ("cpu_spike@-1:web-1", "the run has rounds 1 to 15"),
            ("cpu_spike@99999999999:web-1", "the run has rounds 1 to 15"),
            ("database_slowdown@1:web-1", "cannot hit `web-1`; it can hit db-primary, db-replica"),
        ] {
            let told = refused(&["--fault", fault]);
            assert!(told.contains(message), "{fault}: {told}");
        }
        assert!(refused(&["--fault", "cpu_spike@1:web-1", "--fault", "cpu_spike@1:web-1"]).contains("twice"));
    }

    #[test]
    fn only_agents_of_the_run_can_be_started_by_hand() {
        let manual = |value: &str, flags: &[&str]| {
            let args = [&[value], flags].concat();
            let arguments = ["world", "run"].iter().chain(&args);
            match Cli::try_parse_from(arguments).map(|cli| cli.command) {
                Ok(Command::Run(args)) => {
                    RunConfig::decide(&args, "systems", systems(), || 7).map(|config| config.manual)
                }
                other => panic!("not a run: {other:?}"),
            }
        };
        assert_eq!(manual("--manual", &[]), Ok(Manual::Everybody));
        assert_eq!(manual("--manual=web-1", &[]), Ok(Manual::Named(vec!["web-1".into()])));
        let error = manual("--manual=wbe-1", &[]).expect_err("refused");
        assert_eq!(error.hint().as_deref(), Some("did you mean `web-1`?"));
        let oracle = manual("--manual=oncall", &["--sre", "oracle"]).expect_err("refused");
        assert_eq!(oracle, UsageError::ManualOracle { name: "oncall".to_owned() });
    }

    #[test]
    fn another_promise_is_another_world() {
        let (ours, other) = (decided(&[]).expect("a run"), decided(&["--sla-target", "99"]).expect("a run"));
        assert_eq!(other.world.definition.sla_target, 99.0);
        assert_ne!(ours.world.hash, other.world.hash);
    }

    #[test]
    fn the_seed_is_drawn_only_when_none_was_typed() {
        assert_eq!(decided(&[]).expect("a run").plan.seed, 7);
        assert_eq!(decided(&["--seed", "42"]).expect("a run").plan.seed, 42);
    }

    #[test]
    fn the_command_that_repeats_spells_everything_out() {
        let repeat = |flags: &[&str]| decided(flags).expect("a run").repeat;
        assert_eq!(
            repeat(&[]),
            "world run systems --seed 7 --rounds 15 --chaos-level medium --skill mid --inline"
        );
        let flags = [
            "--seed=42",
            "-n9",
            "--chaos-level=off",
            "--sre=a=rules",
            "--fault=cpu_spike@3:api-1",
            "--sla-target=99.5",
            "--fail-on=score < 5",
            "--out=never-shown",
            "-q",
        ];
        assert_eq!(
            repeat(&flags),
            "world run systems --seed 42 --rounds 9 --chaos-level off --sre a=rules:mid \
             --fault cpu_spike@3:api-1 --sla-target 99.5 --fail-on 'score < 5' --inline"
        );
    }
}
