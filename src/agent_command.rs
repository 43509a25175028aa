//! `world agent server|sre`: one agent process.
//!
//! Recognised before the command line is parsed, and before any runtime: hundreds of these are
//! started, and each should be small. The director starts its own with the internal flag
//! `--token-stdin`, and hands each its token on a pipe that it keeps open; an agent that is started
//! by hand finds the run, and its token in the run's directory. An SRE may be a program (`--exec`), which the
//! agent starts, and stands for on the bus; `world agent guard` is started beside that, by nobody else.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | the director said farewell |
//! | 2 | wrong usage, no run to join, or refused |
//! | 3 | the world ended without a farewell, or dropped the agent |
//! | 4 | an internal error |

use crate::by_hand::Invitation;
use crate::own_file::{self, OwnFileError};
use crate::status::RunStatus;
use crate::{console, duration, exit_code, inherited, ps};
use agents::program::Means;
use agents::program::guard::guard;
use agents::program::log::LogTo;
use agents::{AgentError, Membership};
use bus::address::{self, AddressError};
use bus::client::ClientError;
use bus::token::Token;
use bus::wire::Role;
use std::ffi::OsString;
use std::io::{self, BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use worlds::definition::SkillName;
use worlds::definition::nearest::advice;

/// The flag by which the director tells an agent that its token comes on standard input.
pub(crate) const TOKEN_STDIN: &str = "--token-stdin";

/// Runs an agent if that is what the arguments, the program's name first, ask for.
pub(crate) fn main_if_agent(arguments: &[OsString]) -> Option<ExitCode> {
    let [_program, command, rest @ ..] = arguments else { return None };
    if command != "agent" {
        return None;
    }
    let code = match parse(rest) {
        Ok(Command::Help(text)) => show(text),
        Ok(Command::Run(wanted)) => live(wanted),
        Ok(Command::Guard) => stand_guard(),
        Err(error) => complain(&error),
    };
    Some(ExitCode::from(code))
}

fn show(text: &str) -> u8 {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => exit_code::INTERNAL,
        _ => exit_code::OK,
    }
}

fn stand_guard() -> u8 {
    match guard() {
        Ok(()) => exit_code::OK,
        Err(error) => {
            // Where standard error is closed, too, the exit code has to say it all.
            let _ = io::stderr().write_all(format!("error: {error}\n").as_bytes());
            exit_code::USAGE
        }
    }
}

fn live(wanted: Wanted) -> u8 {
    let child = wanted.token_stdin;
    match run(wanted) {
        Ok(()) => {
            if !child {
                tell("The run is over.");
            }
            exit_code::OK
        }
        // Whoever killed the director knows; its children need not say so, each for itself.
        Err(error) if child && error.is_end_of_world() => error.exit_code(),
        Err(error) => complain(&error),
    }
}

/// For whoever started the agent by hand.
fn tell_joined(agent: &str, directory: &Path) {
    let world = RunStatus::read(directory)
        .map(|status| format!("{}, seed {}", status.facts.world.name, status.facts.seed));
    let world = world.unwrap_or_else(|| directory.display().to_string());
    tell(&format!("{agent} has joined {world}. Ctrl-C leaves; the run goes on, and it may join again."));
}

fn tell(text: &str) {
    // An agent that cannot be heard runs all the same.
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}

fn complain(error: &AgentCommandError) -> u8 {
    let hint = error.hint().map(|hint| format!("\n\n  tip: {hint}")).unwrap_or_default();
    // Where standard error is closed, too, the exit code has to say it all.
    let _ = io::stderr().write_all(format!("error: {error}{hint}\n").as_bytes());
    error.exit_code()
}

// ---- what was typed ---------------------------------------------------------------------------

#[derive(Debug, PartialEq, Eq)]
enum Command {
    Help(&'static str),
    Run(Wanted),
    Guard,
}

/// An agent that is wanted.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    role: Role,
    name: String,
    bus: Option<PathBuf>,
    skill: Option<SkillName>,
    program: WantedProgram,
    token_stdin: bool,
}

/// The program that is to be an SRE.
#[derive(Debug, Default, PartialEq, Eq)]
struct WantedProgram {
    /// What a shell runs; `None` for an SRE that thinks by itself.
    command: Option<String>,
    deadline: Option<Duration>,
    log: Option<PathBuf>,
}

const HELP: &str = "\
Run one agent by hand

Usage: world agent server --name NAME [--bus DIR]
       world agent sre --name NAME [--skill SKILL] [--bus DIR]
       world agent sre --name NAME --exec COMMAND [--deadline DURATION] [--log FILE] [--bus DIR]

The agent joins a world that was started with `world run --manual`.

Options:
      --name NAME          Which server or SRE it is, as the world names it
      --skill SKILL        junior, mid or senior: refused if the run has planned another
      --exec COMMAND       Have this program decide, run by a shell: see docs/programs.md
      --deadline DURATION  How long it may take for a round, as in 2s; it is waited for otherwise
      --log FILE           Where its standard error goes; to this one's otherwise
      --bus DIR            The directory of the run; needed when several are running
  -h, --help               Print this

Examples:
  world run --manual=web-1              # in one terminal: waits for web-1
  world agent server --name web-1       # in another
  world agent sre --name oncall --exec 'python3 my_sre.py'
  world ps                              # which worlds run, and whom they await
";

fn parse(arguments: &[OsString]) -> Result<Command, AgentCommandError> {
    let mut words = arguments.iter();
    let role = match words.next().map(|word| text(word)).transpose()? {
        Some("server") => Role::Server,
        Some("sre") => Role::Sre,
        Some("guard") if words.len() == 0 => return Ok(Command::Guard),
        Some("-h" | "--help" | "help") => return Ok(Command::Help(HELP)),
        Some(other) => return Err(unknown(other, &["server", "sre"])),
        None => return Err(AgentCommandError::NoRole),
    };
    let (program, name) = (WantedProgram::default(), String::new());
    let mut wanted = Wanted { role, name, bus: None, skill: None, program, token_stdin: false };
    while let Some(word) = words.next() {
        // A directory need not be text, and has no other spelling than its own.
        let (flag, mut value) = match word.to_str().and_then(|word| word.split_once('=')) {
            Some((flag, value)) => (flag, Some(OsString::from(value))),
            None => (text(word)?, None),
        };
        let mut value_of = |flag: &'static str| {
            let given = value.take().or_else(|| words.next().cloned());
            given.ok_or(AgentCommandError::NoValue { flag })
        };
        match flag {
            "--name" => wanted.name = text(&value_of("--name")?)?.to_owned(),
            "--bus" => wanted.bus = Some(value_of("--bus")?.into()),
            "--skill" if role == Role::Sre => wanted.skill = Some(skill(text(&value_of("--skill")?)?)?),
            "--exec" if role == Role::Sre => {
                wanted.program.command = Some(text(&value_of("--exec")?)?.to_owned());
            }
            "--deadline" if role == Role::Sre => {
                wanted.program.deadline = Some(deadline(text(&value_of("--deadline")?)?)?);
            }
            "--log" if role == Role::Sre => wanted.program.log = Some(value_of("--log")?.into()),
            "-h" | "--help" => return Ok(Command::Help(HELP)),
            TOKEN_STDIN => wanted.token_stdin = true,
            other => return Err(unknown(other, flags(role))),
        }
        if value.is_some() {
            return Err(AgentCommandError::UnwantedValue { flag: flag.to_owned() });
        }
    }
    if wanted.name.is_empty() {
        return Err(AgentCommandError::NoName { role });
    }
    let WantedProgram { command, deadline, log } = &wanted.program;
    if command.is_none() && (deadline.is_some() || log.is_some()) {
        return Err(AgentCommandError::NoProgram);
    }
    Ok(Command::Run(wanted))
}

fn flags(role: Role) -> &'static [&'static str] {
    match role {
        Role::Server => &["--name", "--bus", "--help"],
        Role::Sre => &["--name", "--skill", "--exec", "--deadline", "--log", "--bus", "--help"],
    }
}

fn text(word: &OsString) -> Result<&str, AgentCommandError> {
    word.to_str().ok_or_else(|| AgentCommandError::NoText { word: word.to_string_lossy().into_owned() })
}

fn skill(word: &str) -> Result<SkillName, AgentCommandError> {
    match word {
        "junior" => Ok(SkillName::Junior),
        "mid" => Ok(SkillName::Mid),
        "senior" => Ok(SkillName::Senior),
        other => Err(unknown(other, &["junior", "mid", "senior"])),
    }
}

fn deadline(word: &str) -> Result<Duration, AgentCommandError> {
    duration::parse_limit(word).map_err(|why| AgentCommandError::Deadline { word: word.to_owned(), why })
}

fn unknown(word: &str, known: &[&str]) -> AgentCommandError {
    AgentCommandError::Unknown { word: word.to_owned(), advice: advice(word, known.iter().copied()) }
}

// ---- what is done about it --------------------------------------------------------------------

fn run(wanted: Wanted) -> Result<(), AgentCommandError> {
    let (directory, token) = if wanted.token_stdin { invited(wanted.bus)? } else { found(&wanted)? };
    let on_joined = if wanted.token_stdin { |_: &str, _: &Path| () } else { tell_joined };
    let membership = Membership { directory, name: wanted.name, skill: wanted.skill, token, on_joined };
    match (wanted.role, wanted.program.command) {
        (Role::Server, _) => agents::serve(membership)?,
        (Role::Sre, None) => agents::think(membership)?,
        (Role::Sre, Some(command)) => {
            let WantedProgram { deadline, log, .. } = wanted.program;
            // What a shell had left open is no business of the program's either.
            inherited::keep_to_ourselves();
            let log = log.map_or(LogTo::StandardError, LogTo::File);
            agents::relay(membership, Means { world: own_file::path()?, command, deadline, log })?;
        }
    }
    Ok(())
}

/// As a child of the director: told where, and handed a token of its own.
fn invited(bus: Option<PathBuf>) -> Result<(PathBuf, Token), AgentCommandError> {
    // An agent that runs notices the end of the bus when its parent is killed, and tidies up; one
    // that was stopped has to be continued for that. A deadlier signal would leave the tidying to
    // nobody.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::CONT))
        .map_err(|error| AgentCommandError::Parent(error.into()))?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(AgentCommandError::Parent)?;
    if line.is_empty() {
        // Its parent was gone before it had said anything.
        return Err(AgentError::DirectorGone.into());
    }
    let token = Token::from_hex(&line).map_err(|error| AgentCommandError::Parent(io::Error::other(error)))?;
    let directory = bus.ok_or(AgentCommandError::NoValue { flag: "--bus" })?;
    Ok((directory, token))
}

/// By hand: finds the run and its token.
fn found(wanted: &Wanted) -> Result<(PathBuf, Token), AgentCommandError> {
    let directory = address::find(wanted.bus.as_deref()).map_err(|error| match error {
        AddressError::SeveralRunning { paths } => several(wanted, &paths),
        other => other.into(),
    })?;
    let token = address::token_in(&directory)?;
    Ok((directory, token))
}

/// What tells the worlds apart, and the command to join each.
fn several(wanted: &Wanted, paths: &[PathBuf]) -> AgentCommandError {
    let choice = |path: &PathBuf| {
        let about = RunStatus::read(path).map_or_else(
            || "one that is only starting".to_owned(),
            |status| {
                let age = console::figure::duration(ps::seconds_since(status.facts.started_unix_seconds));
                format!("{}, for {age}", status.in_short())
            },
        );
        let command = Invitation::to(path).command_for(wanted.role.word(), &wanted.name);
        format!("\n  {about}:\n    {command}")
    };
    AgentCommandError::Several { choices: paths.iter().map(choice).collect() }
}

/// Why an agent did not run, or did not run to a good end.
#[derive(Debug, thiserror::Error)]
enum AgentCommandError {
    #[error("an agent is a server or an SRE: `world agent server` or `world agent sre`")]
    NoRole,
    #[error("`{word}` is not known here{}", told(advice))]
    Unknown { word: String, advice: Option<String> },
    #[error("`{word}` is not text")]
    NoText { word: String },
    #[error("{flag} needs a value")]
    NoValue { flag: &'static str },
    #[error("{flag} takes no value")]
    UnwantedValue { flag: String },
    #[error("--deadline {word}: {why}")]
    Deadline { word: String, why: String },
    #[error("--deadline and --log are for a program: --exec COMMAND")]
    NoProgram,
    #[error(transparent)]
    OwnFile(#[from] OwnFileError),
    #[error("which {}? --name says it", role.word())]
    NoName { role: Role },
    #[error("the director's invitation cannot be read: {0}")]
    Parent(io::Error),
    #[error("several worlds are running; name the directory of the one that is meant:{choices}")]
    Several { choices: String },
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error(transparent)]
    Agent(#[from] AgentError),
}

fn told(advice: &Option<String>) -> String {
    advice.as_ref().map(|advice| format!(": {advice}")).unwrap_or_default()
}

impl AgentCommandError {
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoRole
            | Self::Unknown { .. }
            | Self::NoValue { .. }
            | Self::NoName { .. }
            | Self::NoProgram => Some("`world agent --help` shows how it is written"),
            Self::Several { .. } => Some("`world ps` lists them, and whom each of them awaits"),
            Self::Address(error) => error.hint(),
            Self::Agent(AgentError::Join { source, .. }) => join_hint(source),
            _ => None,
        }
    }

    fn is_end_of_world(&self) -> bool {
        match self {
            Self::Agent(AgentError::DirectorGone) => true,
            Self::Agent(AgentError::Join { source, .. }) => is_end_of_bus(source),
            _ => false,
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Parent(_) | Self::Agent(AgentError::Bus(_) | AgentError::WrongBrief) => exit_code::INTERNAL,
            Self::Agent(AgentError::Dropped(_) | AgentError::DirectorGone) => exit_code::UNJUDGED,
            _ => exit_code::USAGE,
        }
    }
}

/// Whether the bus was there when the agent was told of it, and is no longer.
fn is_end_of_bus(error: &ClientError) -> bool {
    match error {
        ClientError::Ended => true,
        ClientError::Connect { source, .. } => {
            matches!(source.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound)
        }
        _ => false,
    }
}

fn join_hint(error: &ClientError) -> Option<&'static str> {
    match error {
        ClientError::Connect { .. } => Some("start one with `world run --manual`"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        parse(&words).map_err(|error| error.to_string())
    }

    fn wanted(role: Role, name: &str) -> Wanted {
        let program = WantedProgram::default();
        Wanted { role, name: name.to_owned(), bus: None, skill: None, program, token_stdin: false }
    }

    #[test]
    fn an_agent_is_asked_for_by_role_and_name() {
        assert_eq!(parsed("server --name web-1"), Ok(Command::Run(wanted(Role::Server, "web-1"))));
        let oncall = Wanted {
            skill: Some(SkillName::Senior),
            bus: Some("/run/x".into()),
            ..wanted(Role::Sre, "oncall")
        };
        let asked = parsed("sre --skill=senior --bus /run/x --name=oncall");
        assert_eq!(asked, Ok(Command::Run(oncall)));
        let child = Wanted { token_stdin: true, ..wanted(Role::Server, "db") };
        assert_eq!(parsed("server --name db --token-stdin"), Ok(Command::Run(child)));
    }

    #[test]
    fn an_sre_may_be_a_program() {
        let words = ["sre", "--name", "a", "--exec", "X=y ./z --w", "--deadline=2s", "--log", "/tmp/l"];
        let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
        let program = WantedProgram {
            command: Some("X=y ./z --w".to_owned()),
            deadline: Some(Duration::from_secs(2)),
            log: Some("/tmp/l".into()),
        };
        let wanted = Wanted { program, ..wanted(Role::Sre, "a") };
        assert_eq!(parse(&words).ok(), Some(Command::Run(wanted)));
        assert_eq!(parsed("guard"), Ok(Command::Guard));
    }

    #[test]
    fn what_is_wrong_is_told_with_the_right_word() {
        for (line, said) in [
            ("", "an agent is a server or an SRE"),
            ("sever --name x", "did you mean `server`?"),
            ("server", "which server?"),
            ("sre --name", "--name needs a value"),
            ("sre --name x --skil mid", "did you mean `--skill`?"),
            ("sre --name x --skill sinior", "did you mean `senior`?"),
            ("server --name x --skill mid", "`--skill` is not known here"),
            ("server --name x --exec y", "`--exec` is not known here"),
            ("sre --name x --log y", "are for a program"),
            ("sre --name x --exec y --deadline 0s", "--deadline 0s: nothing is done in no time"),
            ("server --name x --token-stdin=yes", "--token-stdin takes no value"),
        ] {
            let error = parsed(line).expect_err(line);
            assert!(error.contains(said), "{line}: {error}");
        }
    }

    #[test]
    fn help_is_given_wherever_it_is_asked_for() {
        for line in ["--help", "-h", "server --help", "sre --name x -h"] {
            assert_eq!(parsed(line), Ok(Command::Help(HELP)), "{line}");
        }
    }

    #[test]
    fn other_commands_are_left_alone() {
        assert!(main_if_agent(&["world".into(), "run".into()]).is_none());
        assert!(main_if_agent(&["world".into()]).is_none());
    }
}
