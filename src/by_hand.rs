//! Agents that people start by hand: the commands that they type.
//!
//! A command is told as it has to be typed, ready to be copied: with the path of this program where
//! it was started by a path, and with `--bus` only where an agent would not find the run without.

use crate::repeat::quoted;
use bus::address;
use std::path::{Path, PathBuf};

/// How the agents of one run are started by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invitation {
    /// How this program is called.
    program: String,
    /// The run's directory, where it has to be named.
    bus: Option<PathBuf>,
}

impl Invitation {
    /// To the run in this directory, as things are now: other runs may begin and end.
    pub(crate) fn to(directory: &Path) -> Self {
        let is_found = address::find(None).is_ok_and(|found| found == directory);
        Self { program: program(), bus: (!is_found).then(|| directory.to_owned()) }
    }

    /// The command that starts an agent; its name on the bus says which.
    pub(crate) fn command(&self, agent: &str) -> String {
        let (role, name) = agent.split_once('-').unwrap_or((agent, ""));
        self.command_for(role, name)
    }

    /// The command that starts an agent of a role.
    pub(crate) fn command_for(&self, role: &str, name: &str) -> String {
        let bus = self.bus.as_ref().map(|bus| format!(" --bus {}", quoted(&bus.to_string_lossy())));
        format!("{} agent {role} --name {name}{}", self.program, bus.unwrap_or_default())
    }
}

/// How this program is called from any directory.
pub(crate) fn program() -> String {
    let typed = std::env::args_os().next().map(PathBuf::from);
    let path = typed.filter(|typed| typed.components().count() > 1);
    let path = path.and_then(|path| std::path::absolute(path).ok());
    path.map_or_else(|| "world".to_owned(), |path| quoted(&path.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_the_bus_only_where_it_has_to() {
        let mut invitation = Invitation { program: "world".to_owned(), bus: None };
        assert_eq!(invitation.command("server-web-1"), "world agent server --name web-1");
        assert_eq!(invitation.command("sre-on-call"), "world agent sre --name on-call");
        invitation.bus = Some("/run/my worlds/x".into());
        let command = invitation.command("server-web-1");
        assert_eq!(command, "world agent server --name web-1 --bus '/run/my worlds/x'");
    }
}
