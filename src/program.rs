//! The program: from arguments to an exit code.

use crate::bench::{self, BenchError};
use crate::cli::{Cli, Command, Document, PsArgs, ScenariosCommand, SreCommand, WorldsCommand};
use crate::config::UsageError;
use crate::daemon::DaemonError;
use crate::determinism::Difference;
use crate::director::DirectorError;
use crate::own_file::OwnFileError;
use crate::recording::RecordingError;
use crate::report::KeepError;
use crate::report::again::{self, AgainError};
use crate::scenario::ScenarioError;
use crate::scenarios_command;
use crate::sre_check;
use crate::stdio::Stdio;
use crate::verify::{self, VerifyError};
use crate::worlds_command::{self, LoadError};
use crate::{console, exit_code, manual, ps, run};
use agents::program::wire;
use clap::Parser;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::Path;
use worlds::definition::generate::{GenerateError, Request, generate};

/// Runs the program; what it says goes to `stdio`.
pub(crate) fn main(arguments: impl IntoIterator<Item = OsString>, stdio: &mut Stdio) -> u8 {
    let ended = match Cli::try_parse_from(arguments) {
        Ok(cli) => dispatch(cli.command, stdio),
        Err(refusal) => answer(&refusal, stdio),
    };
    match ended {
        Ok(code) => code,
        Err(failure) if failure.is_closed_pipe() => exit_code::OK,
        Err(failure) => {
            // Where standard error is closed, too, the exit code has to say it all.
            let _ = stdio.err.print(&failure.lines());
            failure.exit_code()
        }
    }
}

fn dispatch(command: Command, stdio: &mut Stdio) -> Result<u8, Failure> {
    match command {
        Command::Run(args) => run::run(&args, stdio),
        Command::Bench(args) => bench::bench(&args, stdio),
        Command::Compare(args) => bench::compare(&args, stdio),
        Command::Worlds(worlds) => worlds_command(&worlds.command, stdio),
        Command::Scenarios(scenarios) => scenarios_command(&scenarios.command, stdio),
        Command::Sre(sre) => match sre.command {
            SreCommand::Check(args) => sre_check::check(&args, stdio),
        },
        Command::Daemon(args) => crate::daemon::daemon(&args, stdio),
        Command::Ps(args) => list_running(&args, stdio),
        Command::Verify { recording } => verify(&recording, stdio),
        Command::Report { recording, force } => report(&recording, force, stdio),
        Command::Schema { document } => {
            let schema = match document {
                Document::Result => crate::result::json_schema(),
                Document::Drill => crate::drill::result::json_schema(),
                Document::Bench => bench::result::json_schema(),
                Document::Compare => bench::comparison::json_schema(),
                Document::Ps => ps::json_schema(),
                Document::SreCheck => sre_check::result::json_schema(),
                Document::DaemonSummary => schemars::schema_for!(days::summary::Summary),
                Document::DaemonStatus => crate::daemon::status_schema(),
                Document::Greeting => wire::greeting_schema(),
                Document::Observe => wire::observe_schema(),
                Document::Decide => wire::decide_schema(),
            };
            print(&format!("{}\n", serde_json::to_string_pretty(&schema)?), stdio)
        }
        Command::Completions { shell } => print(&manual::completions(shell), stdio),
        Command::Man => print(&manual::page(), stdio),
        // Agents are recognised before the command line is parsed; clap only knows them for --help.
        Command::Agent { .. } => Ok(exit_code::USAGE),
    }
}

fn list_running(args: &PsArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    let worlds = ps::worlds(args).map_err(DirectorError::Address)?;
    if args.json {
        return print(&format!("{}\n", serde_json::to_string_pretty(&worlds)?), stdio);
    }
    stdio.out.print(&console::running::lines(&worlds, args.bus.as_deref(), stdio.out.width, args.verbose))?;
    Ok(exit_code::OK)
}

fn verify(recording: &Path, stdio: &mut Stdio) -> Result<u8, Failure> {
    let told = verify::told(recording)?;
    print(&told.text, stdio)?;
    Ok(if told.is_complete { exit_code::OK } else { exit_code::UNJUDGED })
}

fn report(recording: &Path, force: bool, stdio: &mut Stdio) -> Result<u8, Failure> {
    let files = again::make(recording, force)?;
    let lines: String = files.iter().map(|file| format!("{}\n", file.display())).collect();
    print(&lines, stdio)
}

fn worlds_command(command: &WorldsCommand, stdio: &mut Stdio) -> Result<u8, Failure> {
    let text = match command {
        WorldsCommand::List => {
            stdio.out.print(&console::catalogue::lines(stdio.out.width))?;
            return Ok(exit_code::OK);
        }
        WorldsCommand::Show { dot: true, world, .. } => worlds_command::dot(world)?,
        WorldsCommand::Show { graph, toml, world, .. } => {
            // As `ls` does it: what people look at is laid out for them, what goes on is left as it is.
            if *graph || (!toml && io::stdout().is_terminal()) {
                let lines = worlds_command::graph(world, stdio.out.width, !graph)?;
                stdio.out.print(&lines)?;
                return Ok(exit_code::OK);
            }
            worlds_command::show(world)?
        }
        WorldsCommand::Validate { world } => worlds_command::validate(world)?,
        WorldsCommand::Generate { servers, zones, seed } => {
            generate(Request { servers: *servers, zones: *zones, seed: *seed })?
        }
        WorldsCommand::Schema => worlds_command::schema(),
    };
    print(&text, stdio)
}

fn scenarios_command(command: &ScenariosCommand, stdio: &mut Stdio) -> Result<u8, Failure> {
    let text = match command {
        ScenariosCommand::List => {
            stdio.out.print(&console::scenarios::catalogue(stdio.out.width))?;
            return Ok(exit_code::OK);
        }
        ScenariosCommand::Show { scenario, answers, toml } => {
            // As with worlds: what people look at is laid out for them.
            if *answers || (!toml && io::stdout().is_terminal()) {
                let lines = scenarios_command::page(scenario, *answers, stdio.out.width)?;
                stdio.out.print(&lines)?;
                return Ok(exit_code::OK);
            }
            scenarios_command::text(scenario)?
        }
        ScenariosCommand::Validate { scenario } => scenarios_command::validate(scenario)?,
        ScenariosCommand::Schema => scenarios_command::schema(),
        ScenariosCommand::Prove(args) => return scenarios_command::prove(args, stdio),
    };
    print(&text, stdio)
}

fn print(text: &(impl AsRef<[u8]> + ?Sized), stdio: &mut Stdio) -> Result<u8, Failure> {
    stdio.out.out.write_all(text.as_ref())?;
    stdio.out.out.flush()?;
    Ok(exit_code::OK)
}

/// What clap has to say: help on standard output, a refusal on standard error.
fn answer(refusal: &clap::Error, stdio: &mut Stdio) -> Result<u8, Failure> {
    let (paper, code) = if refusal.use_stderr() {
        (&mut stdio.err, exit_code::USAGE)
    } else {
        (&mut stdio.out, exit_code::OK)
    };
    let text = refusal.render().ansi().to_string();
    paper.print(&[text.trim_end().to_owned()])?;
    Ok(code)
}

/// Why the program ended without a verdict.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Flags that do not fit the world, or each other.
    #[error("{0}")]
    Usage(#[from] UsageError),
    /// No world to run.
    #[error("{0}")]
    World(#[from] LoadError),
    /// No scenario to play.
    #[error("{0}")]
    Scenario(#[from] ScenarioError),
    /// A bench that cannot be played, or not be kept.
    #[error("{0}")]
    Bench(#[from] BenchError),
    /// No such world can be generated.
    #[error("{0}")]
    Generate(#[from] GenerateError),
    /// No recording to look at.
    #[error("{0}")]
    Verify(#[from] VerifyError),
    /// The run could not be recorded, and was not begun.
    #[error("{0}")]
    Unrecordable(RecordingError),
    /// The recording broke off.
    #[error("{0}; the recording is incomplete")]
    Recording(RecordingError),
    /// Reports could not be written.
    #[error("{0}")]
    Report(#[from] KeepError),
    /// Reports could not be made again.
    #[error("{0}")]
    ReportAgain(#[from] AgainError),
    /// The process driver could not run the world.
    #[error("{0}")]
    Director(#[from] DirectorError),
    /// Nothing came of it with the daemon.
    #[error("{0}")]
    Daemon(#[from] DaemonError),
    /// Programs cannot be run: nobody would end them.
    #[error("{0}")]
    OwnFile(#[from] OwnFileError),
    /// Two runs that should be the same are not.
    #[error("{0}")]
    Difference(Box<Difference>),
    /// Standard output takes no more.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
    /// A document could not be written down.
    #[error("cannot write the document: {0}")]
    Document(#[from] serde_json::Error),
    /// The system gave no randomness for a seed.
    #[error("cannot draw a seed: {0}")]
    Seed(#[from] getrandom::Error),
    /// The system took no signal handler.
    #[error("cannot handle signals: {0}")]
    Signals(io::Error),
}

impl Failure {
    /// The exit code that says the same.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_)
            | Self::Bench(_)
            | Self::World(_)
            | Self::Scenario(_)
            | Self::Generate(_)
            | Self::Verify(_)
            | Self::Unrecordable(_)
            | Self::ReportAgain(AgainError::Taken { .. } | AgainError::Read(_)) => exit_code::USAGE,
            Self::Director(error) => error.exit_code(),
            Self::Daemon(error) => error.exit_code(),
            Self::Recording(_)
            | Self::Report(_)
            | Self::ReportAgain(AgainError::Keep(_))
            | Self::OwnFile(_)
            | Self::Difference(_)
            | Self::Output(_)
            | Self::Document(_)
            | Self::Seed(_)
            | Self::Signals(_) => exit_code::INTERNAL,
        }
    }

    /// What to do about it.
    fn hint(&self) -> Option<String> {
        match self {
            Self::Usage(error) => error.hint(),
            Self::World(error) => error.hint(),
            Self::Bench(error) => error.hint(),
            Self::Scenario(error) => error.hint(),
            Self::Generate(error) => Some(error.hint()),
            Self::Verify(error) => error.hint(),
            Self::Unrecordable(error) => error.hint(),
            Self::Director(error) => error.hint(),
            Self::Daemon(error) => error.hint(),
            Self::OwnFile(_) => Some("start it by its path, or mount /proc".to_owned()),
            Self::Seed(_) => Some("choose one with --seed".to_owned()),
            Self::ReportAgain(error) => error.hint(),
            Self::Report(_) => Some("`world report DIR --force` makes them again".to_owned()),
            Self::Recording(_)
            | Self::Difference(_)
            | Self::Output(_)
            | Self::Document(_)
            | Self::Signals(_) => None,
        }
    }

    /// Whoever read standard output has had enough.
    fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// As clap writes its own: what happened, and a tip.
    fn lines(&self) -> Vec<String> {
        let error = crate::console::error_line(&self.to_string());
        let tip = self.hint().map(|hint| crate::console::tip_line(&hint));
        [error].into_iter().chain(tip).collect()
    }
}
