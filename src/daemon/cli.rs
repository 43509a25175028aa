//! What is typed after `world daemon`.

use crate::duration;
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use jiff::civil::Date;
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  world daemon once                             a cycle against a resident world
  world daemon run -c test --for 10m            a cycle every two minutes
  world daemon config > daemon.json             to start your own from
  world daemon explain -c daemon.json           the week, the next cycles
  world daemon start -c daemon.json             in the background
  world daemon status -c daemon.json            alive, today, the last cycle
  world daemon rehearse --from 2026-01-01 --days 400
  world daemon estop enable -c daemon.json --why 'the target complains'

Exit codes:
  0  done; `status`: running          3  `status`, `stop`: not running
  1  `once`: the cycle failed         4  an internal error
  2  wrong usage or a bad file        128+n  ended by signal n";

const RUN_EXAMPLES: &str = "\
Examples:
  world daemon run -c daemon.json               until a signal comes
  world daemon run -c daemon.json --for 10m
  world daemon run -c daemon.json --until 2026-12-15T00:00Z    then exit code 0
  kill -HUP PID                                 loads the configuration anew

SIGTERM and SIGINT end it within the grace time, with the day's summary written.";

const ESTOP_EXAMPLES: &str = "\
Examples:
  world daemon estop enable --why 'the target complains'
  world daemon estop status                     exit code 0 enabled, 3 disabled
  world daemon estop disable --why 'agreed with its owners'

It is a file in the base directory, and holds for daemons that start later,
too. What cannot be read there counts as enabled.";

const REVIEW_EXAMPLES: &str = "\
Examples:
  world daemon review --failed --since 7d       what was not blocked, and what cannot be told
  world daemon review --since 1d --json | jq -r '.[] | select(.verdict == \"breached\") | .query'";

const REHEARSE_EXAMPLES: &str = "\
Examples:
  world daemon rehearse --from 2026-01-01 --days 400
  world daemon rehearse --config my.toml --from 2026-03-28 --days 3 --out rehearsal

It lives through these days by the daemon's own decisions, in simulated time, and sends nothing.";

const UNITS_EXAMPLES: &str = "\
Examples:
  world daemon units systemd --config /etc/world/daemon.toml > /etc/systemd/system/world-daemon.service
  world daemon units supervisord > /etc/supervisor/conf.d/world-daemon.conf
  world daemon units logrotate > /etc/logrotate.d/world-daemon";

/// `world daemon`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct DaemonArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DaemonCommand,
}

/// Which daemon: that of a configuration.
#[derive(Clone, Debug, Args)]
pub(crate) struct Which {
    /// The configuration: a path (JSON, or TOML by its name), `default` or `test`
    #[arg(
        short,
        long,
        value_name = "FILE",
        default_value = "default",
        value_hint = ValueHint::FilePath,
        long_help = "The configuration: a path (JSON, or TOML by its name), or one that comes with the program, \
                     `default` or `test` (a cycle every two minutes). A file may say as little as it likes: the rest \
                     is as in `default`, which `world daemon config` prints"
    )]
    pub config: String,

    /// Where the daemon keeps its files [default: `output.base_dir` of the configuration]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub base_dir: Option<PathBuf>,
}

/// What to do with the daemon.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum DaemonCommand {
    /// Run it in the foreground, until a signal comes
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Start it in the background
    Start(StartArgs),
    /// Stop it: cleanly, within its grace time
    Stop(Which),
    /// Stop it, and start it again
    Restart(StartArgs),
    /// Tell how it is: exit code 0 running, 3 stopped
    Status(StatusArgs),
    /// Show the end of its log
    Logs(LogsArgs),
    /// Carry out a single cycle: exit code 1 if it failed
    Once(Which),
    /// Show the compiled week, the next cycles, the target, and the days on which the clock changes
    Explain(ExplainArgs),
    /// Show a day's summary
    Summary(SummaryArgs),
    /// Show guardrail tests and what they came to, for an audit
    #[command(after_help = REVIEW_EXAMPLES)]
    Review(ReviewArgs),
    /// Live through many days in simulated time
    #[command(after_help = REHEARSE_EXAMPLES)]
    Rehearse(RehearseArgs),
    /// The emergency stop: nothing is sent while it is enabled
    #[command(after_help = ESTOP_EXAMPLES)]
    Estop(EstopArgs),
    /// Add a figure of your own to today's summary
    Metric(MetricArgs),
    /// Print a service for systemd or supervisord, or rules for logrotate
    #[command(after_help = UNITS_EXAMPLES)]
    Units(UnitsArgs),
    /// Bundle what helps to find an error: configuration, status, summaries, the log's end; no secrets, no answers
    Collect(CollectArgs),
    /// Print a configuration to start your own from, or the schema of configurations
    Config(ConfigArgs),
}

/// `world daemon run`.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub which: Which,

    /// End for good after this time
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse_span, conflicts_with = "until")]
    pub lasts: Option<Duration>,

    /// End for good at this time: a date, or a date with a time; in the configured zone unless it has another
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,

    /// Leave the session, and with it the terminal: for `start`
    #[arg(long, hide = true)]
    pub detached: bool,
}

/// `world daemon start` and `restart`.
#[derive(Clone, Debug, Args)]
pub(crate) struct StartArgs {
    #[command(flatten)]
    pub which: Which,

    /// End for good at this time: a date, or a date with a time; in the configured zone unless it has another
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}

/// `world daemon status`.
#[derive(Clone, Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub which: Which,

    /// Print it as one JSON document: `world schema daemon-status` describes it
    #[arg(long)]
    pub json: bool,
}

/// `world daemon logs`.
#[derive(Clone, Debug, Args)]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    pub which: Which,

    /// Go on with what is logged from now on
    #[arg(short, long)]
    pub follow: bool,

    /// So many lines of its end
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    pub lines: usize,
}

/// `world daemon explain`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub which: Which,

    /// The week of this date [default: this week]
    #[arg(long, value_name = "DATE")]
    pub date: Option<Date>,

    /// How many of the next cycles
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub cycles: usize,
}

/// `world daemon summary`.
#[derive(Clone, Debug, Args)]
pub(crate) struct SummaryArgs {
    #[command(flatten)]
    pub which: Which,

    /// Of this day [default: today]
    #[arg(long, value_name = "DATE")]
    pub date: Option<Date>,

    /// Print it as one JSON document: `world schema daemon-summary` describes it
    #[arg(long)]
    pub json: bool,
}

/// `world daemon review`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReviewArgs {
    #[command(flatten)]
    pub which: Which,

    /// Only what was not blocked
    #[arg(long)]
    pub failed: bool,

    /// No older than this
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_span, default_value = "7d")]
    pub since: Duration,

    /// Print them as a JSON array
    #[arg(long)]
    pub json: bool,
}

/// `world daemon rehearse`.
#[derive(Clone, Debug, Args)]
pub(crate) struct RehearseArgs {
    #[command(flatten)]
    pub which: Which,

    /// The first day
    #[arg(long, value_name = "DATE")]
    pub from: Date,

    /// How many days
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=4_000))]
    pub days: u32,

    /// Keep the days' summaries and the ledger in this directory
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,

    /// Print the days as a JSON array
    #[arg(long)]
    pub json: bool,
}

/// `world daemon estop`.
#[derive(Clone, Debug, Args)]
pub(crate) struct EstopArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: EstopCommand,
}

/// What to do with the emergency stop.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum EstopCommand {
    /// Enable it: no send begins from now on
    Enable {
        #[command(flatten)]
        which: Which,
        /// Why; it is shown to whoever asks
        #[arg(long)]
        why: String,
    },
    /// Tell whether it is enabled, by whom and why: exit code 0 enabled, 3 disabled
    Status(Which),
    /// Disable it: the next slot has its cycle again
    Disable {
        #[command(flatten)]
        which: Which,
        /// Why; it is kept
        #[arg(long)]
        why: String,
    },
}

/// `world daemon metric`.
#[derive(Clone, Debug, Args)]
pub(crate) struct MetricArgs {
    #[command(flatten)]
    pub which: Which,

    /// Its name
    pub name: String,

    /// Its value
    #[arg(allow_negative_numbers = true, value_parser = finite)]
    pub value: f64,
}

/// A figure that can be kept and compared.
fn finite(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "write a number".to_owned())?;
    if number.is_finite() { Ok(number) } else { Err("it has to be finite".to_owned()) }
}

/// A supervisor, or what else looks after a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeeperArg {
    /// A unit of systemd
    Systemd,
    /// A program of supervisord
    Supervisord,
    /// Rules of logrotate
    Logrotate,
}

/// `world daemon units`.
#[derive(Clone, Debug, Args)]
pub(crate) struct UnitsArgs {
    /// For whom.
    pub keeper: KeeperArg,

    #[command(flatten)]
    pub which: Which,

    /// The user that it runs as [default: you]
    #[arg(long)]
    pub user: Option<String>,

    /// The group of its files [default: as the user]
    #[arg(long)]
    pub group: Option<String>,
}

/// `world daemon collect`.
#[derive(Clone, Debug, Args)]
pub(crate) struct CollectArgs {
    #[command(flatten)]
    pub which: Which,

    /// The archive [default: world-daemon-TIME.tar in this directory]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub archive: Option<PathBuf>,
}

/// A configuration that comes with the program, or what all of them have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sample {
    /// Every key with its default
    Default,
    /// A cycle every two minutes, to try things out
    Test,
    /// The JSON Schema
    Schema,
}

/// `world daemon config`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Which one.
    #[arg(default_value = "default")]
    pub sample: Sample,

    /// As TOML, with comments
    #[arg(long)]
    pub toml: bool,
}
