//! What is to be played: worlds, levels, contestants and seeds, decided and found good.
//!
//! A **case** is a world or a scenario; a **cell** is a world at a level of chaos, or a scenario at its
//! own. In every cell each **player** is alone on call, on the same seeds as all others: the contestants,
//! and as references doing nothing and the oracle, which scores and avoided shares are made from. Each
//! plays under the same name, so that dice which belong to an SRE fall alike for all, and so that
//! `world run` repeats any run.
//!
//! What a scenario says about when a run is stopped is for drills that somebody waits for; here every run
//! is played to its end, or those of bad SREs would be compared over fewer rounds.

use super::comparison;
use crate::cli::{BenchArgs, BenchFlags, CompareArgs};
use crate::config::{self, UsageError};
use crate::duration;
use crate::gate::{Gate, GateError};
use crate::metric::Metric;
use crate::result::{Build, ScenarioName, WorldName};
use crate::scenario::{self, ScenarioError};
use crate::worlds_command::{self, LoadError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use worlds::definition::limits::NAME_CHARS_MAX;
use worlds::definition::{Diagnostic, SkillName, SreKind, nearest};
use worlds::id::Name;
use worlds::plan::{Drill, Level, RunPlan, ScriptedFault, SrePlan};
use worlds::scenario::{Scenario, Settled};
use worlds::script::ScriptError;
use worlds::topology::World;

/// Seeds that are played unless it is said how many: enough to tell junior, mid and senior apart.
pub(crate) const DEFAULT_SEEDS: u64 = 200;

/// The first of them unless it is said which: a bench that is typed twice is the same bench.
pub(crate) const DEFAULT_FIRST_SEED: u64 = 1;

/// Where `--until-width` gives up unless it is said when.
pub(crate) const DEFAULT_SEEDS_MAX: u64 = 100_000;

/// For which k pass^k is told unless it is said for which.
pub(crate) const DEFAULT_KS: [u64; 4] = [1, 2, 4, 8];

/// Who plays unless it is said who.
const DEFAULT_CONTESTANTS: [&str; 4] = ["none", "rules:junior", "rules:mid", "rules:senior"];

/// A bench, decided.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The worlds.
    pub cases: Vec<Case>,
    /// Each world at each level.
    pub cells: Vec<Cell>,
    /// Cells that are played together, seed by seed, and so are always of the same seeds.
    pub groups: Vec<Vec<usize>>,
    /// Everybody who plays: contestants as they were named, then references that none of them is.
    pub players: Vec<Player>,
    /// How long a program may take for a round; without it an answer is waited for.
    pub sre_deadline: Option<Duration>,
    /// The levels at which worlds are played.
    pub levels: Vec<Level>,
    /// Rounds of the worlds, where they are not their own.
    pub rounds_asked: Option<u32>,
    /// Whom the others are compared with, by position among the players.
    pub baseline: usize,
    /// The first seed; the others follow it.
    pub first_seed: u64,
    /// Seeds of each cell, or the first of more.
    pub seeds: u64,
    /// How long seeds are added.
    pub until: Option<Until>,
    /// What a run must fulfil to pass; where nothing is asked, its promise.
    pub pass: Vec<Gate>,
    /// For which k pass^k is told.
    pub ks: Vec<u64>,
    /// How many play at a time.
    pub threads: usize,
    /// What in the files is hardly as it was meant.
    pub warnings: Vec<String>,
}

/// A world to play in, or a scenario to play.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// The world; of a scenario its own.
    pub world: Arc<World>,
    /// The scenario, where it is one.
    pub scenario: Option<Arc<Scenario>>,
    /// As it was typed.
    pub typed: String,
    /// Rounds of a run.
    pub rounds: u32,
    /// The name under which everybody is on call.
    on_call: Name,
    /// What comes for certain.
    scripted: Vec<ScriptedFault>,
    /// Conditions under which a run does not pass.
    pub gates: Vec<Gate>,
    /// What in its files is hardly as it was meant.
    warnings: Vec<String>,
}

impl Case {
    /// A world. The SREs that its file lists are not on call.
    fn of_world(typed: &str, flags: &BenchFlags) -> Result<Self, PlanError> {
        let (name, checked) = worlds_command::load_world(typed)?;
        let rounds = flags.rounds.unwrap_or(checked.definition.rounds);
        let world = Arc::new(World::new(&name, checked.definition));
        Ok(Self {
            world,
            scenario: None,
            typed: typed.to_owned(),
            rounds,
            on_call: config::DEFAULT_SRE.into(),
            scripted: Vec::new(),
            gates: Vec::new(),
            warnings: told(&checked.warnings),
        })
    }

    /// A scenario. Who plays stands where the first of its SREs would.
    fn of_scenario(typed: &str) -> Result<Self, PlanError> {
        let Settled { scenario, warnings } = scenario::load(typed)?;
        let on_call = scenario.sres[0].name.clone();
        let alone = SrePlan::of(&on_call, SreKind::None);
        let hit = |error| PlanError::ScenarioHits { scenario: scenario.name.clone(), error };
        Ok(Self {
            scripted: scenario.scripted(&[alone]).map_err(hit)?,
            gates: gates(&scenario.fail_on)?,
            warnings: told(&warnings),
            world: Arc::clone(&scenario.world),
            typed: typed.to_owned(),
            rounds: scenario.rounds,
            on_call,
            scenario: Some(Arc::new(scenario)),
        })
    }

    /// As it is called in tables.
    pub(crate) fn label(&self) -> &str {
        self.scenario.as_ref().map_or(&self.world.name, |scenario| &scenario.name)
    }

    /// Its name and what it holds.
    pub(crate) fn name(&self) -> CaseName {
        CaseName {
            world: WorldName { name: self.world.name.to_string(), hash: self.world.hash.clone() },
            scenario: self.scenario.as_deref().map(ScenarioName::of),
            rounds: self.rounds,
        }
    }
}

/// What a case is called, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct CaseName {
    /// The world.
    pub world: WorldName,
    /// The scenario; `null` for a world.
    pub scenario: Option<ScenarioName>,
    /// Rounds of a run.
    pub rounds: u32,
}

/// A world at a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    /// Which world.
    pub case: usize,
    /// How much chaos.
    pub level: Level,
}

/// Somebody who is put on call, alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Player {
    /// Its name in this bench.
    pub name: String,
    /// How it decides.
    pub kind: SreKind,
    /// How well; `null` for kinds without skills.
    pub skill: Option<SkillName>,
    /// What a program is run by; `null` for other kinds.
    pub command: Option<String>,
    /// Whether it only plays because the others are compared with it.
    pub is_reference: bool,
}

impl Player {
    fn reference(kind: SreKind) -> Self {
        Self { name: kind.name().to_owned(), kind, skill: None, command: None, is_reference: true }
    }

    /// As it is on call, under a name.
    fn on_call(&self, name: &Name) -> SrePlan {
        let command = self.command.as_deref().map(Name::from);
        SrePlan { name: name.clone(), kind: self.kind, skill: self.skill, command }
    }

    /// Whether it is a program.
    pub(crate) fn is_program(&self) -> bool {
        self.kind == SreKind::Exec
    }
}

/// When there are seeds enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Until {
    /// The metric whose intervals are looked at.
    pub metric: Metric,
    /// None is wider than this.
    pub width: f64,
    /// Or there are so many seeds.
    pub seeds_max: u64,
}

/// What decides the figures of a bench, but for how many seeds there are: a checkpoint of another
/// identity is none of this bench.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    /// The program.
    pub build: Build,
    /// The worlds and scenarios.
    pub cases: Vec<CaseName>,
    /// The cells, as position of the case and level.
    pub cells: Vec<(usize, String)>,
    /// Who plays.
    pub players: Vec<Player>,
    /// How long a program may take for a round.
    pub sre_deadline: Option<String>,
    /// The first seed.
    pub first_seed: u64,
    /// What a run must fulfil to pass.
    pub pass: Vec<String>,
}

/// Why a bench is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    #[error("{0}")]
    Sre(#[from] UsageError),
    #[error("{0}")]
    World(#[from] LoadError),
    #[error("{0}")]
    Scenario(#[from] ScenarioError),
    #[error("the scenario `{scenario}` hits SREs: {error}")]
    ScenarioHits { scenario: String, error: ScriptError },
    #[error("{flag} is for scenarios to say, and no world is played")]
    DecidedByScenario { flag: &'static str },
    #[error("--pass: {0}")]
    Pass(#[from] GateError),
    #[error("two contestants are named `{name}`")]
    ContestantTwice { name: String },
    #[error("--sre {name}: `{name}` is the name of the reference of that kind")]
    ReferenceName { name: String },
    #[error("{what} `{name}` is there twice")]
    Twice { what: &'static str, name: String },
    #[error("--baseline-sre: there is no contestant `{name}`")]
    BaselineSre { name: String, advice: Option<String> },
    #[error("--until-width: `{given}` is no width: a number above 0")]
    Width { given: String },
    #[error("--until-width: there is no metric `{name}`")]
    Metric { name: String, advice: String },
    #[error("--max-seeds {max} is less than --seeds {seeds}")]
    SeedsMax { max: u64, seeds: u64 },
    #[error("there are not {count} seeds from {first} on")]
    SeedRange { first: u64, count: u64 },
}

impl PlanError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Sre(error) => error.hint(),
            Self::World(error) => error.hint(),
            Self::Scenario(error) => error.hint(),
            Self::ScenarioHits { .. } => {
                Some("in a bench one SRE is on call, under the first name of the scenario's".to_owned())
            }
            Self::DecidedByScenario { .. } => Some("leave it out, or name a world, too".to_owned()),
            Self::Pass(error) => error.hint.clone(),
            Self::ContestantTwice { .. } => {
                Some("give each a name: --sre old=rules:mid --sre new=rules:mid".to_owned())
            }
            Self::ReferenceName { .. } => Some("give it another name: --sre NAME=KIND".to_owned()),
            Self::Twice { .. } => Some("leave one out".to_owned()),
            Self::BaselineSre { advice, .. } => advice.clone(),
            Self::Width { .. } => Some("as in --until-width 0.5, or --until-width 5 score".to_owned()),
            Self::Metric { advice, .. } => Some(format!("{advice}; worlds stand before the flags")),
            Self::SeedsMax { .. } => Some("raise the one or lower the other".to_owned()),
            Self::SeedRange { .. } => Some(format!("the last seed is {}", u64::MAX)),
        }
    }
}

impl Plan {
    /// Decides `world bench`: worlds, then scenarios; without either the default world.
    pub(crate) fn of_bench(args: &BenchArgs) -> Result<Self, PlanError> {
        let flags = &args.flags;
        let default = [config::DEFAULT_WORLD.to_owned()];
        let is_default = args.worlds.is_empty() && args.scenario.is_empty();
        let worlds = if is_default { &default } else { args.worlds.as_slice() };
        if worlds.is_empty() {
            refuse_decided(flags)?;
        }
        let worlds = worlds.iter().map(|typed| Case::of_world(typed, flags));
        let scenarios = args.scenario.iter().map(|typed| Case::of_scenario(typed));
        let cases = worlds.chain(scenarios).collect::<Result<Vec<_>, _>>()?;
        refuse_twice("the world or scenario", cases.iter().map(|case| case.label().to_owned()))?;
        let mut plan = Self::of(cases, flags)?;
        plan.groups = (0..plan.cells.len()).map(|cell| vec![cell]).collect();
        plan.baseline = baseline(args.baseline_sre.as_deref(), &plan.players)?;
        Ok(plan)
    }

    /// Decides `world compare`: the two worlds are the two cases.
    pub(crate) fn of_comparison(args: &CompareArgs) -> Result<Self, PlanError> {
        let case = |typed| Case::of_world(typed, &args.flags);
        let mut plan = Self::of(vec![case(&args.a)?, case(&args.b)?], &args.flags)?;
        plan.groups = comparison::pairs(&plan).into_iter().map(Vec::from).collect();
        Ok(plan)
    }

    fn of(cases: Vec<Case>, flags: &BenchFlags) -> Result<Self, PlanError> {
        let levels = levels(flags)?;
        let of_case = |(place, case): (usize, &Case)| {
            let own = case.scenario.as_ref().map(|scenario| vec![scenario.level]);
            let here = own.unwrap_or_else(|| levels.clone());
            here.into_iter().map(move |level| Cell { case: place, level })
        };
        let cells = cases.iter().enumerate().flat_map(of_case).collect();
        let players = players(&flags.sre)?;
        if flags.sre_deadline.is_some() && !players.iter().any(Player::is_program) {
            return Err(UsageError::DeadlineForNobody.into());
        }
        let first_seed = flags.first_seed.unwrap_or(DEFAULT_FIRST_SEED);
        let seeds = flags.seeds.unwrap_or(DEFAULT_SEEDS);
        let until = until(flags, seeds)?;
        let most = until.map_or(seeds, |until| until.seeds_max);
        if first_seed.checked_add(most - 1).is_none() {
            return Err(PlanError::SeedRange { first: first_seed, count: most });
        }
        Ok(Self {
            baseline: 0,
            pass: gates(&flags.pass)?,
            ks: ks(&flags.k),
            threads: flags.threads.map_or_else(all_cores, usize::from),
            warnings: cases.iter().flat_map(|case| case.warnings.clone()).collect(),
            rounds_asked: flags.rounds,
            sre_deadline: flags.sre_deadline,
            cases,
            cells,
            groups: Vec::new(),
            players,
            levels,
            first_seed,
            seeds,
            until,
        })
    }

    /// The case of a cell.
    pub(crate) fn case_of(&self, cell: usize) -> &Case {
        &self.cases[self.cells[cell].case]
    }

    /// Where doing nothing is among the players.
    pub(crate) fn none(&self) -> usize {
        self.of_kind(SreKind::None)
    }

    /// Where the oracle is among the players.
    pub(crate) fn oracle(&self) -> usize {
        self.of_kind(SreKind::Oracle)
    }

    /// Those who are programs, by position.
    pub(crate) fn programs(&self) -> impl Iterator<Item = usize> {
        (0..self.players.len()).filter(|&player| self.players[player].is_program())
    }

    fn of_kind(&self, kind: SreKind) -> usize {
        let place = self.players.iter().position(|player| player.kind == kind);
        place.expect("both references play in every bench")
    }

    /// The run of a player in a cell.
    pub(crate) fn run(&self, cell: usize, player: usize, seed: u64) -> RunPlan {
        let Cell { case, level } = self.cells[cell];
        let Case { rounds, on_call, scripted, scenario, .. } = &self.cases[case];
        RunPlan {
            seed,
            level,
            rounds: *rounds,
            sres: vec![self.players[player].on_call(on_call)],
            scripted: scripted.clone(),
            drill: scenario.as_ref().map_or_else(Drill::default, |scenario| scenario.drill.to_its_end()),
        }
    }

    /// What decides the figures.
    pub(crate) fn identity(&self) -> Identity {
        Identity {
            build: Build::this(),
            cases: self.cases.iter().map(Case::name).collect(),
            cells: self.cells.iter().map(|cell| (cell.case, cell.level.name().to_owned())).collect(),
            players: self.players.clone(),
            sre_deadline: self.sre_deadline.map(duration::written),
            first_seed: self.first_seed,
            pass: self.pass.iter().map(|gate| gate.expr().to_owned()).collect(),
        }
    }
}

/// Flags about what scenarios decide for themselves.
fn refuse_decided(flags: &BenchFlags) -> Result<(), PlanError> {
    if flags.rounds.is_some() {
        return Err(PlanError::DecidedByScenario { flag: "--rounds" });
    }
    if !flags.chaos_level.is_empty() {
        return Err(PlanError::DecidedByScenario { flag: "--chaos-level" });
    }
    Ok(())
}

fn told(warnings: &[Diagnostic]) -> Vec<String> {
    warnings.iter().map(Diagnostic::to_string).collect()
}

fn gates(expressions: &[String]) -> Result<Vec<Gate>, GateError> {
    expressions.iter().map(|expr| Gate::parse(expr)).collect()
}

fn levels(flags: &BenchFlags) -> Result<Vec<Level>, PlanError> {
    let levels: Vec<Level> = flags.chaos_level.iter().map(|&level| level.into()).collect();
    refuse_twice("the level", levels.iter().map(|level| level.name().to_owned()))?;
    Ok(if levels.is_empty() { vec![Level::Medium] } else { levels })
}

fn refuse_twice(what: &'static str, names: impl Iterator<Item = String>) -> Result<(), PlanError> {
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(PlanError::Twice { what, name: pair[0].clone() }),
        None => Ok(()),
    }
}

/// Those who were named, and the references that are not among them.
fn players(named: &[String]) -> Result<Vec<Player>, PlanError> {
    let default = DEFAULT_CONTESTANTS.map(str::to_owned);
    let named = if named.is_empty() { &default } else { named };
    let mut players = named.iter().map(|given| contestant(given)).collect::<Result<Vec<_>, _>>()?;
    let mut names: Vec<&str> = players.iter().map(|player| player.name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(PlanError::ContestantTwice { name: pair[0].to_owned() });
    }
    for kind in [SreKind::None, SreKind::Oracle] {
        let name = kind.name();
        if players.iter().any(|player| player.name == name && player.kind != kind) {
            return Err(PlanError::ReferenceName { name: name.to_owned() });
        }
        if players.iter().all(|player| player.kind != kind) {
            players.push(Player::reference(kind));
        }
    }
    Ok(players)
}

/// `[NAME=]KIND[:SKILL]` or `[NAME=]exec:COMMAND`; without a name it is called by its skill, by the file that a
/// command runs, or by its kind.
fn contestant(given: &str) -> Result<Player, PlanError> {
    let sre = config::sre(given)?;
    if sre.kind == SreKind::Exec && sre.command.is_none() {
        return Err(UsageError::SreProgram { given: given.to_owned() }.into());
    }
    let skill = (sre.kind == SreKind::Rules).then(|| sre.skill.unwrap_or(config::DEFAULT_SKILL));
    let command = sre.command.as_deref().map(str::to_owned);
    let name = match (skill, &command) {
        _ if config::named(given).is_some() => sre.name.to_string(),
        (Some(skill), _) => config::skill_name(skill).to_owned(),
        (None, Some(command)) => name_of_program(command),
        (None, None) => sre.kind.name().to_owned(),
    };
    Ok(Player { name, kind: sre.kind, skill, command, is_reference: false })
}

/// What stands before the name of a script, with versions and flags.
const INTERPRETERS: [&str; 12] =
    ["exec", "env", "sh", "bash", "dash", "zsh", "python", "node", "deno", "ruby", "perl", "php"];

/// What a command is called: as the file that it runs, without what runs that and without its extension.
fn name_of_program(command: &str) -> String {
    let stem = |word: &str| {
        let file = Path::new(word).file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        match file.rsplit_once('.') {
            Some((stem, extension)) if extension.chars().all(|it| it.is_ascii_alphabetic()) => {
                stem.to_owned()
            }
            _ => file,
        }
    };
    let is_interpreter = |word: &str| {
        let plain = stem(word);
        INTERPRETERS.contains(&plain.trim_end_matches(|it: char| it.is_ascii_digit() || it == '.'))
    };
    let is_beside = |word: &&str| word.starts_with('-') || word.contains('=') || is_interpreter(word);
    let word = command.split_whitespace().find(|word| !is_beside(word)).unwrap_or_default();
    let signs: String = stem(word).chars().filter(|it| config::is_of_name(*it)).collect();
    let name = signs.trim_start_matches(|it: char| !it.is_ascii_alphanumeric());
    let name = &name[..name.len().min(NAME_CHARS_MAX)];
    if name.is_empty() { SreKind::Exec.name().to_owned() } else { name.to_owned() }
}

/// Whom the others are compared with: who was named, else the first contestant.
fn baseline(name: Option<&str>, players: &[Player]) -> Result<usize, PlanError> {
    let Some(name) = name else { return Ok(0) };
    players.iter().position(|player| player.name == name).ok_or_else(|| PlanError::BaselineSre {
        name: name.to_owned(),
        advice: nearest::advice(name, players.iter().map(|player| player.name.as_str())),
    })
}

/// `--until-width W [METRIC]`
fn until(flags: &BenchFlags, seeds: u64) -> Result<Option<Until>, PlanError> {
    let Some(given) = flags.until_width.first() else { return Ok(None) };
    let width = given.parse().ok().filter(|width: &f64| *width > 0.0 && width.is_finite());
    let width = width.ok_or_else(|| PlanError::Width { given: given.clone() })?;
    let metric = match flags.until_width.get(1) {
        None => Metric::AvailabilityPct,
        Some(name) => {
            Metric::named(name).map_err(|advice| PlanError::Metric { name: name.clone(), advice })?
        }
    };
    let seeds_max = flags.max_seeds.unwrap_or(DEFAULT_SEEDS_MAX.max(seeds));
    if seeds_max < seeds {
        return Err(PlanError::SeedsMax { max: seeds_max, seeds });
    }
    Ok(Some(Until { metric, width, seeds_max }))
}

fn ks(typed: &[u64]) -> Vec<u64> {
    let mut ks = if typed.is_empty() { DEFAULT_KS.to_vec() } else { typed.to_vec() };
    ks.sort_unstable();
    ks.dedup();
    ks
}

fn all_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_a_name_is_called_as_the_file_that_it_runs() {
        for (command, name) in [
            ("./my-agent --config conf.yaml", "my-agent"),
            ("python3 examples/sre/runbook.py", "runbook"),
            ("exec /usr/bin/python3.12 -u runbook.v2.py", "runbook.v2"),
            ("KEY=x env OTHER=y sh minimal.sh", "minimal"),
            ("docker run -i --rm their/agent", "docker"),
            ("agent-1.5", "agent-1.5"),
            ("sh -c 'true'", "true"),
            ("\"$HOME/my agent\"", "my"),
            ("...", "exec"),
            ("python3", "exec"),
        ] {
            let player = contestant(&format!("exec:{command}")).expect("a program");
            assert_eq!(player.name, name, "{command}");
            assert_eq!(player.command.as_deref(), Some(command));
        }
        let long = contestant(&format!("exec:./{}", "x".repeat(500))).expect("a program");
        assert_eq!(long.name.len(), NAME_CHARS_MAX);
        assert_eq!(contestant("a=exec:X=1 ./b").expect("a program").name, "a");
    }
}
