//! What is typed: the flags as clap reads them. What they mean together is [`crate::config`]'s.

use crate::duration;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use worlds::definition::SkillName;
use worlds::definition::limits::ROUNDS_MAX;
use worlds::plan::Level;

const EXAMPLES: &str = "\
Examples:
  world run                                    a drill in the default world
  world run --chaos-level high --skill senior  a bad day, a good SRE
  world run --seed 42 --inline --json          one document, in a blink, for programs
  world worlds list                            the worlds there are

Exit codes:
  0  it ran, and its gates held     3  invalid, or a gate could not be decided
  1  a gate failed                  4  an internal error, or runs that differ
  2  wrong usage or a bad file      128+n  ended by signal n";

const RUN_EXAMPLES: &str = "\
Examples:
  world run --seed 42 --chaos-level high
  world run --sre rules:senior --fail-on 'availability_pct < 95'
  world run --sre day=rules:junior --sre night=rules:senior
  world run --sre 'exec:python3 my_sre.py' --sre-deadline 2s
  world run --fault cpu_spike@3:api-1 --chaos-level off --rounds 10
  world run --seed 42 --plan                   what would happen, without running it
  world run --seed 42 --out drill              keep the journal, the result and reports
  world run --seed 1 --seeds 20 --fail-on 'availability_pct < 80'   a gate over twenty seeds
  world run --scenario cache-loss --skill senior
  world run my-world.toml --inline --json -q

Kinds of SREs:
  rules[:SKILL]  reads symptoms and follows the runbook, as a junior, mid or senior
  none           does nothing
  oracle         knows the faults: about the best that the actions allow
  restart_all, limit_all, fail_over_all, roll_back_all, scale_all, everything, acknowledge_all,
  flood_pages    exploits: each tries to win by one trick
  exec:COMMAND   any program, run by a shell: see docs/programs.md, and `world sre check`

The same seed gives the same run, byte for byte, whatever the mode.";

const BENCH_EXAMPLES: &str = "\
Examples:
  world bench                                          none, junior, mid, senior; 200 seeds
  world bench --chaos-level low --chaos-level high --seeds 1000
  world bench --scenario cache-loss --sre old=rules:mid --sre new=rules:senior
  world bench --sre rules:mid --sre exec:./my-agent    a program, beside what it has to beat
  world bench --until-width 0.5                        as many seeds as that takes
  world bench --pass 'availability_pct >= 95' --k 1,4,16
  world bench --out nightly                            documents; typed again, it goes on
  world bench --out now --baseline nightly/bench.json  exit code 1 if it got worse
  world bench --csv -q > bench.csv

Everybody plays the same seeds, alone. Intervals are 95 %. Exit codes:
  0  done                                     3  it cannot be told: see the reasons
  1  worse than --baseline                    4  an internal error
  2  wrong usage or a bad file                128+n  ended by signal n; --out goes on from there";

const COMPARE_EXAMPLES: &str = "\
Examples:
  world compare single replicated                      would a second replica have saved us?
  world compare old.toml new.toml --sre rules:senior --chaos-level high
  world compare old.toml new.toml --until-width 0.5    until the difference is known so well

Both worlds are played on the same seeds by the same SREs; what is told is B less A.";

const WORLDS_EXAMPLES: &str = "\
Examples:
  world worlds list
  world worlds show boutique                     who calls whom, on a terminal
  world worlds show systems > mine.toml          the file, to start your own from
  world worlds show three-tier --dot | dot -Tsvg > three-tier.svg
  world worlds validate mine.toml
  world worlds generate --servers 60 --zones 3 --seed 7 > sixty.toml";

const SCENARIOS_EXAMPLES: &str = "\
Examples:
  world scenarios list
  world scenarios show cache-loss                what it is, on a terminal
  world scenarios show cache-loss > mine.toml    the file, to start your own from
  world scenarios validate mine.toml
  world scenarios prove mine.toml                that it hurts, and that something can be done
  world run --scenario cache-loss";

const SRE_EXAMPLES: &str = "\
Examples:
  world sre check -- python3 my_sre.py
  world sre check --deadline 60s -- ./agent --model small
  world sre check -- 'python3 my_sre.py 2> my.log | tee said'
  world run --sre 'exec:python3 my_sre.py'

docs/programs.md tells how one is written, `world schema decide` what it answers.";

const SRE_CHECK_EXAMPLES: &str = "\
Examples:
  world sre check -- python3 my_sre.py
  world sre check --deadline 60s -- ./agent --model small
  world sre check --json -- ./agent | jq -r '.claims[] | select(.status == \"failed\") | .why'
  world sre check -- 'python3 my_sre.py 2> my.log | tee said'

It is started six times, for 44 rounds in all, as `world run --sre exec:COMMAND` starts it: by a
shell, with a greeting, a line for each round, and an end. Several words are the words of a command;
a single one is a command line, as in the last example. Exit codes:
  0  every claim holds; warnings are no more than that
  1  a claim failed
  2  wrong usage
  4  an internal error
  128+n  ended by signal n";

const PS_EXAMPLES: &str = "\
Examples:
  world ps
  world ps --json | jq -r '.[].agents[] | select(.state == \"awaited\") | .name'

Memory is the proportional set size (PSS): what a process has for itself, and its share of what it
has in common with others.";

const VERIFY_EXAMPLES: &str = "\
Examples:
  world run --seed 42 --out drill
  world verify drill

A journal is bound together by hashes: one that was cut off or changed is told. Exit codes:
  0  complete: the run came to its end, and nothing was changed since
  2  there is no recording
  3  broken off, under way, or altered";

const REPORT_EXAMPLES: &str = "\
Examples:
  world run --seed 42 --out drill
  world report drill --force

`world run --out` makes them when a run is over: junit.xml, summary.md, report.html and postmortem.md.
They follow from the journal and the result alone, so they come out the same, byte for byte. Of a drill over
several seeds those of each run are made again, too.";

const SCHEMA_EXAMPLES: &str = "\
Examples:
  world schema result > result.schema.json
  world schema ps | jq '.\"$defs\" | keys'
  world schema decide                          what a program answers as an SRE

`world worlds schema` prints that of world files, `world scenarios schema` that of scenarios.";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  source <(world completions bash)                               for this shell
  world completions bash > ~/.local/share/bash-completion/completions/world
  world completions zsh > \"${fpath[1]}/_world\"
  world completions fish > ~/.config/fish/completions/world.fish";

const MAN_EXAMPLES: &str = "\
Examples:
  world man | man -l -
  world man > ~/.local/share/man/man1/world.1";

/// A flight simulator for on-call: servers, chaos, an SRE, and a score that can be defended.
#[derive(Clone, Debug, Parser)]
#[command(name = "world", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a world: chaos hits it, SREs answer, users are counted
    #[command(after_help = RUN_EXAMPLES)]
    Run(Box<RunArgs>),
    /// Measure SREs: many seeds, everybody on the same ones, figures with intervals
    #[command(after_help = BENCH_EXAMPLES)]
    Bench(Box<BenchArgs>),
    /// Measure what a change of a world is worth: the same SREs on the same seeds in two worlds
    #[command(after_help = COMPARE_EXAMPLES)]
    Compare(Box<CompareArgs>),
    /// List, show, check and generate worlds
    #[command(after_help = WORLDS_EXAMPLES)]
    Worlds(WorldsArgs),
    /// List, show, check and prove scenarios: drills that are declared in files
    #[command(after_help = SCENARIOS_EXAMPLES)]
    Scenarios(ScenariosArgs),
    /// Check programs that are to be SREs
    #[command(after_help = SRE_EXAMPLES)]
    Sre(SreArgs),
    /// Load by the hour, around the clock: a daemon that lives for months
    Daemon(Box<crate::daemon::cli::DaemonArgs>),
    /// List the worlds that are running, and their agents
    #[command(after_help = PS_EXAMPLES)]
    Ps(PsArgs),
    /// Tell whether a recording is complete: killed runs from finished ones
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify {
        /// The directory of `world run --out`
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        recording: PathBuf,
    },
    /// Make the reports of a recording again: report.html and its like
    #[command(after_help = REPORT_EXAMPLES)]
    Report {
        /// The directory of `world run --out`
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        recording: PathBuf,
        /// Replace reports that are there
        #[arg(long)]
        force: bool,
    },
    /// Print the JSON Schema of a document, or of a program's lines
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema {
        /// Which document
        document: Document,
    },
    /// Print a shell's completions, to be sourced
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page: `world man | man -l -`
    #[command(after_help = MAN_EXAMPLES)]
    Man,
    /// Run one agent by hand: `world agent server|sre --help`
    #[command(disable_help_flag = true)]
    Agent {
        /// Arguments of the agent
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        arguments: Vec<OsString>,
    },
}

/// A document, or a line, with a published schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Document {
    /// result.json, what a run came to
    Result,
    /// drill.json, what a drill over several seeds came to
    Drill,
    /// bench.json, what a bench came to
    Bench,
    /// compare.json, what a comparison of two worlds came to
    Compare,
    /// What `world ps --json` prints
    Ps,
    /// What `world sre check --json` prints
    SreCheck,
    /// summary_DATE.json, what a day of the daemon came to, and what `world daemon summary --json` prints
    DaemonSummary,
    /// What `world daemon status --json` prints
    DaemonStatus,
    /// The first line that a program is told as an SRE
    Greeting,
    /// The line that it is told of a round
    Observe,
    /// The line that it answers
    Decide,
}

/// `world ps`.
#[derive(Clone, Debug, Args)]
pub(crate) struct PsArgs {
    /// Look in this directory, which a run was given by --bus [default: where runs are by themselves]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub bus: Option<PathBuf>,

    /// A line for each agent, however many there are
    #[arg(short, long)]
    pub verbose: bool,

    /// Print the list as JSON: `world schema ps` describes it
    #[arg(long)]
    pub json: bool,
}

/// `world bench`, as typed.
#[derive(Clone, Debug, Args)]
pub(crate) struct BenchArgs {
    /// Built-in worlds, or paths (with `/` or `.toml`) [default: systems]
    #[arg(value_name = "WORLD")]
    pub worlds: Vec<String>,

    /// Play a scenario, too: a built-in one, or a path; repeats. Without a world only scenarios are played
    #[arg(long, value_name = "NAME|FILE")]
    pub scenario: Vec<String>,

    /// Whom the others are compared with [default: the first --sre]
    #[arg(long, value_name = "NAME")]
    pub baseline_sre: Option<String>,

    /// Compare with an earlier bench.json: exit code 1 if availability or score got worse
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub baseline: Option<PathBuf>,

    /// Let them get worse by so many points [default: 0]
    #[arg(long, value_name = "PCT", requires = "baseline", value_parser = allowance, allow_negative_numbers = true)]
    pub max_regression: Option<f64>,

    #[command(flatten)]
    pub flags: BenchFlags,
}

/// `world compare`, as typed.
#[derive(Clone, Debug, Args)]
pub(crate) struct CompareArgs {
    /// A world: a built-in one, or a path (with `/` or `.toml`)
    pub a: String,

    /// Another one
    pub b: String,

    #[command(flatten)]
    pub flags: BenchFlags,
}

/// What `world bench` and `world compare` have in common.
#[derive(Clone, Debug, Args)]
pub(crate) struct BenchFlags {
    /// Somebody to put on call, alone; repeats
    #[arg(
        long,
        value_name = "[NAME=]KIND[:SKILL]",
        help = "Somebody to put on call, alone: as in `world run`, exec:COMMAND, too; repeats [default: none, and \
                rules of each skill]"
    )]
    pub sre: Vec<String>,

    /// How long a program may take for a round, in wall time; it decides nothing in rounds that it misses
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_limit, allow_hyphen_values = true)]
    pub sre_deadline: Option<Duration>,

    /// How much chaos; repeats [default: medium]
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub chaos_level: Vec<LevelArg>,

    /// Seeds to play [default: 200]
    #[arg(long, value_name = "N", value_parser = many, allow_negative_numbers = true)]
    pub seeds: Option<u64>,

    /// The first of them [default: 1]
    #[arg(long, value_name = "S", value_parser = seed, allow_negative_numbers = true)]
    pub first_seed: Option<u64>,

    /// Rounds of a run [default: the world's]
    #[arg(short = 'n', long, value_name = "N", value_parser = rounds, allow_negative_numbers = true)]
    pub rounds: Option<u32>,

    /// Add seeds until no 95 % interval is wider than this: of availability_pct, or of another metric
    #[arg(
        long,
        value_names = ["W", "METRIC"],
        num_args = 1..=2,
        action = ArgAction::Set,
        allow_negative_numbers = true
    )]
    pub until_width: Vec<String>,

    /// Add no more seeds than up to this many [default: 100000]
    #[arg(long, value_name = "N", requires = "until_width", value_parser = many, allow_negative_numbers = true)]
    pub max_seeds: Option<u64>,

    /// A run passes if this is true of its result; repeats [default: its promise is kept]
    #[arg(long, value_name = "FIELD OP NUMBER", allow_hyphen_values = true)]
    pub pass: Vec<String>,

    /// How many runs are to pass in a row, for pass^k [default: 1,2,4,8]
    #[arg(long, value_name = "K", value_delimiter = ',', value_parser = many, allow_negative_numbers = true)]
    pub k: Vec<u64>,

    /// Play so many runs at a time [default: one for each core]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// Keep it in this directory; the same command goes on from there, also with more seeds
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,

    /// Print the result as one JSON document; the tables go to standard error
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,

    /// Print the result as CSV; the tables go to standard error
    #[arg(long)]
    pub csv: bool,

    /// No tables
    #[arg(short, long)]
    pub quiet: bool,
}

/// `world worlds`.
#[derive(Clone, Debug, Args)]
pub(crate) struct WorldsArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: WorldsCommand,
}

/// What to do with world files.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum WorldsCommand {
    /// The worlds that come with the program
    List,
    /// Draw a world's call graph, or print its file to start your own from
    ///
    /// On a terminal the call graph is drawn; into a file or a pipe the world file is written as it
    /// is. A flag decides it in both cases.
    Show {
        /// A built-in world, or a path (with `/` or `.toml`)
        #[arg(default_value = "systems")]
        world: String,
        /// Draw the call graph as text
        #[arg(long)]
        graph: bool,
        /// Print the call graph for Graphviz: `... --dot | dot -Tsvg > world.svg`
        #[arg(long, conflicts_with = "graph")]
        dot: bool,
        /// Print the world file as it is
        #[arg(long, conflicts_with_all = ["graph", "dot"])]
        toml: bool,
    },
    /// Check a world file, and say where it is wrong
    Validate {
        /// A path, or a built-in world
        #[arg(value_name = "FILE")]
        world: String,
    },
    /// Write a world file of any size: a shop of many tiers in several zones
    Generate {
        /// Servers in all; three for each zone and one more at least
        #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
        servers: usize,
        /// Zones to spread them over
        #[arg(long, value_name = "Z", default_value_t = 3, value_parser = count, allow_negative_numbers = true)]
        zones: usize,
        /// The number from which the rest follows: the same arguments give the same file
        #[arg(long, value_name = "S", default_value_t = 0, value_parser = seed, allow_negative_numbers = true)]
        seed: u64,
    },
    /// Print the JSON Schema of world files
    Schema,
}

/// `world scenarios`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ScenariosArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: ScenariosCommand,
}

/// What to do with scenarios.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ScenariosCommand {
    /// The scenarios that come with the program, and how hard they are
    List,
    /// Tell what a scenario is, or print its file to start your own from
    ///
    /// On a terminal a page is shown, which leaves out what will come; into a file or a pipe the file is
    /// written as it is.
    Show {
        /// A built-in scenario, or a path (with `/` or `.toml`)
        #[arg(value_name = "NAME|FILE")]
        scenario: String,
        /// What will come, too, and the answer key
        #[arg(long)]
        answers: bool,
        /// Print the file as it is
        #[arg(long, conflicts_with = "answers")]
        toml: bool,
    },
    /// Check a scenario file, and say where it is wrong
    Validate {
        /// A path, or a built-in scenario
        #[arg(value_name = "FILE")]
        scenario: String,
    },
    /// Print the JSON Schema of scenario files
    Schema,
    /// Show that scenarios are what they say: in order before, hurt by the faults, better with a good SRE
    Prove(ProveArgs),
}

/// `world scenarios prove`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ProveArgs {
    /// Built-in scenarios, or paths [default: all built-in ones]
    #[arg(value_name = "NAME|FILE")]
    pub scenarios: Vec<String>,
    /// Play so many seeds, from 1 on [default: the scenario's, or 20 if it names one]
    #[arg(long, value_name = "N", value_parser = seeds, allow_negative_numbers = true)]
    pub seeds: Option<u32>,
    /// Print what was shown as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `world sre`.
#[derive(Clone, Debug, Args)]
pub(crate) struct SreArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: SreCommand,
}

/// What to do with programs that are to be SREs.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum SreCommand {
    /// Hold a program against what is asked of one: each claim by name, with what to do about it
    #[command(after_help = SRE_CHECK_EXAMPLES)]
    Check(SreCheckArgs),
}

/// `world sre check`, as typed.
#[derive(Clone, Debug, Args)]
pub(crate) struct SreCheckArgs {
    /// How long it may take for a round, its start included; as --sre-deadline of a run
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "5s",
        value_parser = duration::parse_limit,
        allow_hyphen_values = true
    )]
    pub deadline: Duration,

    /// Print what was found as one JSON document: `world schema sre-check` describes it
    #[arg(long)]
    pub json: bool,

    /// The program and its arguments, or one command line for a shell
    #[arg(last = true, required = true, num_args = 1.., value_name = "COMMAND", value_hint = ValueHint::AnyPath)]
    pub command: Vec<String>,
}

/// Flags about running, which a plan does not do.
const NOT_WITH_PLAN: [&str; 9] =
    ["out", "check_determinism", "fail_on", "pace", "quiet", "verbose", "manual", "bus", "worker_threads"];

/// `world run`, as typed.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    /// A built-in world, or a path (with `/` or `.toml`) [default: systems]
    pub world: Option<String>,

    /// Rounds to play [default: the world's]
    #[arg(short = 'n', long, value_name = "N", value_parser = rounds, allow_negative_numbers = true)]
    pub rounds: Option<u32>,

    /// How much chaos [default: medium]
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub chaos_level: Option<LevelArg>,

    /// Play a scenario: a built-in one, or a path (with `/` or `.toml`)
    ///
    /// It decides the world, the rounds, the chaos level, the faults and the promise; its gates hold beside
    /// those of --fail-on.
    #[arg(long, value_name = "NAME|FILE")]
    pub scenario: Option<String>,

    /// The number from which all chance flows [default: one is drawn and printed]
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    pub seed: Option<u64>,

    /// Play so many seeds, from --seed on, and judge them together
    #[arg(
        long,
        value_name = "N",
        value_parser = seeds,
        allow_negative_numbers = true,
        conflicts_with_all = ["plan", "manual", "check_determinism", "verbose"]
    )]
    pub seeds: Option<u32>,

    /// Skill of the SREs that do not say their own [default: mid]
    #[arg(long, value_enum)]
    pub skill: Option<SkillArg>,

    /// Who is on call.
    #[arg(
        long,
        value_name = "[NAME=]KIND[:SKILL]",
        help = "Who is on call: rules, none, oracle, an exploit, or exec:COMMAND; repeats [default: oncall=rules]"
    )]
    pub sre: Vec<String>,

    /// How long a program may take for a round, in wall time; it decides nothing in rounds that it misses
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_limit, allow_hyphen_values = true)]
    pub sre_deadline: Option<Duration>,

    /// A fault that comes for certain, on a server, an SRE, or a group as in zone:a; repeats
    #[arg(long, value_name = "KIND@ROUND:TARGET")]
    pub fault: Vec<String>,

    /// Print the faults that will come, and run nothing
    #[arg(long, conflicts_with_all = NOT_WITH_PLAN)]
    pub plan: bool,

    /// The promise, instead of the world's: above 0, up to 100
    #[arg(long, value_name = "PCT", value_parser = percentage, allow_negative_numbers = true)]
    pub sla_target: Option<f64>,

    /// Run in this one process, without agent processes: the same run, sooner
    #[arg(long, conflicts_with_all = ["bus", "manual"])]
    pub inline: bool,

    /// Take at least this long for a round: 500ms, 2s, 1m
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, allow_hyphen_values = true)]
    pub pace: Option<Duration>,

    /// The directory of the bus [default: one of its own]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub bus: Option<PathBuf>,

    /// Start these agents by hand, with `world agent`; all of them without names
    #[arg(long, value_name = "NAME", num_args = 0.., require_equals = true, value_delimiter = ',')]
    pub manual: Option<Vec<String>>,

    /// Only the end; a progress bar on a terminal
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Each server with its metrics in each round; -vv: all that is known
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,

    /// Print the result as one JSON document; the story goes to standard error
    #[arg(long)]
    pub json: bool,

    /// Write journal, result and reports into this directory: report.html, junit.xml and others
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,

    /// Run it twice, and fail if the two differ
    #[arg(long, conflicts_with = "manual")]
    pub check_determinism: bool,

    /// Fail if this is true of the result, as in 'availability_pct < 99.9'; repeats
    #[arg(long, value_name = "FIELD OP NUMBER", allow_hyphen_values = true)]
    pub fail_on: Vec<String>,

    /// Threads for the director's actors
    #[arg(long, value_name = "N", hide = true, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub worker_threads: Option<u16>,
}

/// [`Level`], as clap lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LevelArg {
    Off,
    Low,
    Medium,
    High,
    Extreme,
}

impl From<LevelArg> for Level {
    fn from(level: LevelArg) -> Self {
        match level {
            LevelArg::Off => Self::Off,
            LevelArg::Low => Self::Low,
            LevelArg::Medium => Self::Medium,
            LevelArg::High => Self::High,
            LevelArg::Extreme => Self::Extreme,
        }
    }
}

/// [`SkillName`], as clap lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SkillArg {
    Junior,
    Mid,
    Senior,
}

impl From<SkillArg> for SkillName {
    fn from(skill: SkillArg) -> Self {
        match skill {
            SkillArg::Junior => Self::Junior,
            SkillArg::Mid => Self::Mid,
            SkillArg::Senior => Self::Senior,
        }
    }
}

fn rounds(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|rounds| (1..=ROUNDS_MAX).contains(rounds));
    number.ok_or_else(|| format!("a run has 1 to {ROUNDS_MAX} rounds"))
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("a seed is a whole number from 0 to {}", u64::MAX))
}

/// Seeds that one drill may play: `world bench` is for more.
const SEEDS_MAX: u32 = 100_000;

fn seeds(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|seeds| (1..=SEEDS_MAX).contains(seeds));
    number.ok_or_else(|| format!("a drill plays 1 to {SEEDS_MAX} seeds"))
}

fn many(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number: &u64| *number > 0);
    number.ok_or_else(|| "this is a whole number from 1 on".to_owned())
}

fn allowance(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').trim_end().parse().ok();
    let number = number.filter(|number: &f64| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "this is a number of points from 0 on, as in 0.5".to_owned())
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "this is a whole number, as in 60".to_owned())
}

fn percentage(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.trim_end_matches('%').trim_end().parse().ok();
    let number = number.filter(|number| *number > 0.0 && *number <= 100.0);
    number.ok_or_else(|| "a promise is a percentage above 0 and up to 100, as in 99.9".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_promise_is_a_percentage() {
        assert_eq!(percentage("99.9"), Ok(99.9));
        assert_eq!(percentage("99.9%"), Ok(99.9));
        for bad in ["0", "-1", "100.1", "nan", "inf", "much", ""] {
            assert!(percentage(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn manual_means_all_agents_or_those_named() {
        let manual = |arguments: &[&str]| {
            let arguments = ["world", "run"].iter().chain(arguments);
            match Cli::try_parse_from(arguments).map(|cli| cli.command) {
                Ok(Command::Run(run)) => (run.manual, run.world),
                other => panic!("not a run: {other:?}"),
            }
        };
        let names = |names: &[&str]| Some(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        assert_eq!(manual(&[]), (None, None));
        assert_eq!(manual(&["--manual", "systems"]), (names(&[]), Some("systems".to_owned())));
        assert_eq!(manual(&["--manual=web-1,oncall"]), (names(&["web-1", "oncall"]), None));
    }

    #[test]
    fn a_plan_takes_no_flag_about_running() {
        let planned = |flags: &[&str]| Cli::try_parse_from([&["world", "run", "--plan"], flags].concat());
        for flag in [
            "--manual",
            "--manual=web-1",
            "--bus=x",
            "--pace=1s",
            "--out=x",
            "--fail-on=rounds<1",
            "--check-determinism",
            "-q",
            "-v",
            "--worker-threads=2",
        ] {
            let refused = planned(&[flag]).expect_err(flag);
            assert_eq!(refused.kind(), clap::error::ErrorKind::ArgumentConflict, "{flag}");
        }
        planned(&["--json", "--inline", "--seed=1", "--sre=none", "-n", "3"]).expect("a plan");
    }
}
