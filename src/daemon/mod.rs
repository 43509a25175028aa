//! `world daemon`: load by the hour, around the clock.
//!
//! What a day is, is `days/`; what carries it out is `daemon/`; here is the command line, and what needs the
//! rest of the program: signals, and the resident world. One command is one file.

mod arena;
pub(crate) mod cli;
mod collect;
mod companions;
mod estop;
mod explain;
mod live;
mod logs;
mod rehearse;
mod resident;
mod review;
mod settings;
mod start;
mod status;
mod summary;
mod target;
mod units;

use crate::exit_code;
use crate::program::Failure;
use crate::stdio::Stdio;
pub(crate) use status::json_schema as status_schema;

use cli::{ConfigArgs, DaemonArgs, DaemonCommand, MetricArgs, Sample};
use daemon::instance::InstanceError;
use daemon::ledger::{Ledger, LedgerError};
use daemon::log::LogError;
use daemon::target::Complaint;
use daemon::units::UnitError;
use days::config::{schema, shipped};
use settings::{Place, SettingsError};
use std::io;
use std::path::PathBuf;

/// Nobody is running.
const STOPPED: u8 = 3;

/// What the daemon has to say to itself: not what was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DaemonError {
    /// There is no good configuration.
    #[error("{0}")]
    Settings(#[from] SettingsError),
    /// The base directory cannot be had.
    #[error("{0}")]
    Instance(#[from] InstanceError),
    /// The ledger cannot be used.
    #[error("{0}")]
    Ledger(#[from] LedgerError),
    /// There is no log.
    #[error("{0}")]
    Log(#[from] LogError),
    /// There is no such unit.
    #[error("{0}")]
    Unit(#[from] UnitError),
    /// There is nothing to be read yet.
    #[error("nothing is known in {}", base.display())]
    NothingYet {
        /// The base directory.
        base: PathBuf,
    },
    /// Nothing is known of a day.
    #[error("nothing is known of {0}")]
    NoDay(jiff::civil::Date),
    /// A file is there that would be overwritten.
    #[error("{} is there already", .0.display())]
    Taken(PathBuf),
    /// The system refused.
    #[error("cannot {verb}: {source}")]
    System {
        /// What was tried.
        verb: String,
        /// Why it failed.
        source: io::Error,
    },
    /// Nothing may be sent.
    #[error("the emergency stop is enabled: {0}")]
    EmergencyStop(String),
    /// There is nothing that could be asked.
    #[error("{}", .0.what)]
    Target(Complaint),
    /// The daemon did not come up.
    #[error("the daemon did not start: {0}")]
    NotStarted(String),
    /// The daemon did not end.
    #[error("the daemon{} has not ended within {seconds} s", .pid.map(|pid| format!(", PID {pid},")).unwrap_or_default())]
    NotStopped {
        /// Its process, where that is known.
        pid: Option<i32>,
        /// How long was waited.
        seconds: u64,
    },
    /// Somebody asked for the end before anything was begun.
    #[error("ended by {0} before anything was sent")]
    Interrupted(&'static str),
    /// A time that is none.
    #[error("`{0}` is no time")]
    Time(String),
    /// An actor ended that should not have.
    #[error("internal error: {0}")]
    Actor(String),
}

impl DaemonError {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Settings(_)
            | Self::Target(_)
            | Self::Time(_)
            | Self::NothingYet { .. }
            | Self::NoDay(_)
            | Self::Unit(_)
            | Self::Taken(_) => exit_code::USAGE,
            Self::Instance(InstanceError::Running { .. }) => exit_code::USAGE,
            Self::Ledger(LedgerError::Foreign { .. } | LedgerError::TooNew { .. }) => exit_code::USAGE,
            Self::NotStarted(_) | Self::EmergencyStop(_) | Self::Interrupted(_) => exit_code::GATE_FAILED,
            _ => exit_code::INTERNAL,
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Settings(error) => error.hint(),
            Self::Ledger(error) => error.hint(),
            Self::Target(complaint) => Some(complaint.cure.clone()),
            Self::Instance(InstanceError::Running { .. }) => Some(
                "`world daemon stop` ends it; `--base-dir DIR` gives another one its own files".to_owned(),
            ),
            Self::NothingYet { .. } => {
                Some("`world daemon start` starts one; --config or --base-dir say where".to_owned())
            }
            Self::Time(_) => {
                Some("write a date, or a date with a time, as in 2026-12-15 or 2026-12-15T18:30".to_owned())
            }
            Self::EmergencyStop(_) => {
                Some("`world daemon estop disable --why ...` lets sends begin again".to_owned())
            }
            Self::NotStopped { .. } => Some("`world daemon logs` tells what it is doing".to_owned()),
            _ => None,
        }
    }

    fn system(verb: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let verb = verb.into();
        move |source| Self::System { verb, source }
    }
}

/// Does what was typed.
pub(crate) fn daemon(args: &DaemonArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    match &args.command {
        DaemonCommand::Run(args) => live::run(args, stdio),
        DaemonCommand::Once(which) => live::once(which, stdio),
        DaemonCommand::Start(args) => start::start(args, stdio),
        DaemonCommand::Stop(which) => start::stop(which, stdio),
        DaemonCommand::Restart(args) => start::restart(args, stdio),
        DaemonCommand::Status(args) => status::status(args, stdio),
        DaemonCommand::Logs(args) => logs::logs(args, stdio),
        DaemonCommand::Explain(args) => explain::explain(args, stdio),
        DaemonCommand::Summary(args) => summary::summary(args, stdio),
        DaemonCommand::Review(args) => review::review(args, stdio),
        DaemonCommand::Estop(args) => estop::estop(args, stdio),
        DaemonCommand::Rehearse(args) => rehearse::rehearse(args, stdio),
        DaemonCommand::Units(args) => units::units(args, stdio),
        DaemonCommand::Collect(args) => collect::collect(args, stdio),
        DaemonCommand::Metric(args) => metric(args),
        DaemonCommand::Config(args) => config(args, stdio),
    }
}

/// What the wall clock shows at an instant, for people.
fn told(instant: jiff::Timestamp, calendar: &days::calendar::Calendar) -> String {
    instant.to_zoned(calendar.zone().clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Opens a ledger to look at it.
fn look(place: &Place) -> Result<Ledger, DaemonError> {
    let path = place.ledger();
    if !path.exists() {
        return Err(DaemonError::NothingYet { base: place.base.clone() });
    }
    Ok(Ledger::look(&path)?)
}

fn metric(args: &MetricArgs) -> Result<u8, Failure> {
    let place = settings::place(&args.which)?;
    look(&place)?;
    let now = jiff::Timestamp::from_second(crate::wall_clock::unix_seconds() as i64).unwrap_or_default();
    let date = place.setup.calendar.date_of(now);
    let mut ledger = Ledger::open(&place.ledger()).map_err(DaemonError::from)?;
    ledger.note_metric(date, &args.name, args.value, now).map_err(DaemonError::from)?;
    Ok(exit_code::OK)
}

fn config(args: &ConfigArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    let text = match (args.sample, args.toml) {
        (Sample::Default, false) => shipped::DEFAULT_JSON.to_owned(),
        (Sample::Default, true) => shipped::DEFAULT_TOML.to_owned(),
        (Sample::Test, _) => shipped::TEST_JSON.to_owned(),
        (Sample::Schema, _) => format!("{:#}\n", schema::json_schema()),
    };
    stdio.out.print(&[text.trim_end().to_owned()])?;
    Ok(exit_code::OK)
}
