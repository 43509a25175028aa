//! `world daemon estop`: the emergency stop.

use super::cli::{EstopArgs, EstopCommand};
use super::status::now;
use super::{DaemonError, STOPPED, settings};
use crate::exit_code;
use crate::program::Failure;
use crate::stdio::Stdio;
use daemon::estop::{self, EmergencyStop, Latch};
use std::env;
use std::io;
use std::path::Path;

/// Enables it, tells of it, or disables it.
pub(super) fn estop(args: &EstopArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    let which = match &args.command {
        EstopCommand::Enable { which, .. }
        | EstopCommand::Status(which)
        | EstopCommand::Disable { which, .. } => which,
    };
    let base = settings::place(which)?.base;
    let (line, code) = match &args.command {
        EstopCommand::Enable { why, .. } => (enable(&base, why)?, exit_code::OK),
        EstopCommand::Disable { why, .. } => (disable(&base, why)?, exit_code::OK),
        EstopCommand::Status(_) => match Latch::look(&base) {
            Latch::Free => ("Not enabled".to_owned(), STOPPED),
            latch => (format!("Enabled: {}", told(&latch)), exit_code::OK),
        },
    };
    stdio.out.print(&[line, format!("  in {}", base.display())])?;
    Ok(code)
}

fn enable(base: &Path, why: &str) -> Result<String, Failure> {
    // A directory that is not there yet has none.
    let was_free = !base.exists() || Latch::look(base) == Latch::Free;
    let latch = told(&estop::enable(base, &by(why)).map_err(cannot(base))?);
    Ok(match was_free {
        true => format!("Enabled: {latch}"),
        false => format!("It was enabled before, and that reason stays: {latch}"),
    })
}

fn disable(base: &Path, why: &str) -> Result<String, Failure> {
    Ok(match estop::disable(base, &by(why)).map_err(cannot(base))? {
        Latch::Free => "It was not enabled".to_owned(),
        latch => format!("Disabled; it was enabled: {}", told(&latch)),
    })
}

fn cannot(base: &Path) -> impl FnOnce(io::Error) -> DaemonError {
    DaemonError::system(format!("change the emergency stop in {}", base.display()))
}

fn told(latch: &Latch) -> String {
    match latch {
        Latch::Enabled(stop) => format!("{} (by {}, {})", stop.why, stop.who, stop.when),
        other => other.reason().unwrap_or_default(),
    }
}

/// Who does it, as the environment has it: for people, and no proof.
fn by(why: &str) -> EmergencyStop {
    let user = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| env::var(name).ok());
    let who = user.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()));
    EmergencyStop { who, when: now(), why: why.to_owned() }
}
