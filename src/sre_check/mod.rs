//! `world sre check`: holds a program that is to be an SRE against what the door for programs asks.
//!
//! The program is started some times ([`scene`]), each time as a run starts it, in a world that the model
//! plays; a [`witness`] stands where the SRE stands and notes what is said. What came of that is held
//! against claims ([`claims`]), each with a name, a reason and advice ([`result`]).
//!
//! The first start decides: of a program that answers no round of it nothing else is asked.

mod claims;
pub(crate) mod result;
mod scene;
mod strays;
mod witness;

use crate::cli::SreCheckArgs;
use crate::console::{self, Progress};
use crate::program::Failure;
use crate::repeat::quoted;
use crate::result::Build;
use crate::signal::Signals;
use crate::stdio::Stdio;
use crate::{exit_code, own_file};
use agents::program::Means;
use agents::program::log::LogTo;
use agents::program::talk::END_GRACE;
use result::{SCHEMA_VERSION, SreCheckResult, Verdict};
use scene::{Scene, SceneName};
use std::io::{self, Write as _};
use strays::Strays;
use witness::Account;

/// Checks a program; exit code 1 if a claim failed.
pub(crate) fn check(args: &SreCheckArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    let means = Means {
        world: own_file::path()?,
        command: shell_line(&args.command),
        deadline: Some(args.deadline),
        log: LogTo::Memory,
    };
    let signals = Signals::install().map_err(Failure::Signals)?;
    let accounts = accounts(&means, &signals);
    let signal = signals.signal();
    let claims = claims::of(&accounts, args.deadline);
    let result = SreCheckResult {
        schema: SCHEMA_VERSION,
        build: Build::this(),
        verdict: Verdict::of(&claims, signal),
        interrupted_by: signal,
        command: means.command,
        deadline_seconds: args.deadline.as_secs_f64(),
        starts: accounts.iter().map(Account::start).collect(),
        claims,
    };
    if args.json {
        serde_json::to_writer_pretty(&mut stdio.out.out, &result).map_err(io::Error::from)?;
        writeln!(stdio.out.out)?;
        stdio.out.out.flush()?;
    } else {
        stdio.out.print(&console::sre_check::lines(&result, stdio.out.width))?;
    }
    Ok(match (signal, result.verdict) {
        (Some(signal), _) => exit_code::signalled(signal),
        (None, Verdict::Failed) => exit_code::GATE_FAILED,
        (None, Verdict::Passed | Verdict::Undecided) => exit_code::OK,
    })
}

/// Plays all scenes, or as many as it makes sense to.
fn accounts(means: &Means, signals: &Signals) -> Vec<Account> {
    let mut bar = Progress::of("round", SceneName::ALL.iter().map(|name| u64::from(name.rounds())).sum());
    let (mut accounts, mut rounds) = (Vec::<Account>::new(), 0);
    let strays = Strays::adopt();
    for name in SceneName::ALL {
        if signals.signal().is_some() || accounts.first().is_some_and(|first| !first.has_answers()) {
            break;
        }
        let mut account = witness::play(&Scene::of(name), means, &signals.noted(), &mut || bar.step());
        account.strays = strays.end(END_GRACE);
        accounts.push(account);
        rounds += u64::from(name.rounds());
        bar.reach(rounds);
    }
    accounts
}

/// What a shell is given to run: one word as it is, for it may be a command line; several quoted, for they are
/// the words of one.
fn shell_line(words: &[String]) -> String {
    match words {
        [line] => line.clone(),
        words => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_is_a_command_line_and_several_are_its_words() {
        let line =
            |words: &[&str]| shell_line(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        assert_eq!(line(&["python3 my_sre.py | tee log"]), "python3 my_sre.py | tee log");
        assert_eq!(line(&["python3", "my sre.py", "$x"]), "python3 'my sre.py' '$x'");
    }
}
