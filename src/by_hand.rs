//! Agents that people start by hand: the commands that they type.
//!
//! A command is told as it has to be typed, ready to be copied: with the path of this program where
//! it was started by a path, with `--bus` only where an agent would not find the run without, and with
//! `--exec` where a program is on call.

use crate::duration;
use crate::repeat::quoted;
use crate::sre_programs::is_program;
use bus::address;
use std::path::{Path, PathBuf};
use std::time::Duration;
use worlds::id::Name;
use worlds::plan::SrePlan;

/// How the agents of one run are started by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invitation {
    /// How this program is called.
    program: String,
    /// The run's directory, where it has to be named.
    bus: Option<PathBuf>,
    /// SREs that are programs, with the flags that say which.
    programs: Vec<(Name, String)>,
}

impl Invitation {
    /// To the run in this directory, as things are now: other runs may begin and end.
    pub(crate) fn to(directory: &Path) -> Self {
        let is_found = address::find(None).is_ok_and(|found| found == directory);
        let bus = (!is_found).then(|| directory.to_owned());
        Self { program: program(), bus, programs: Vec::new() }
    }

    /// With what is known of SREs that are programs, all with this deadline.
    pub(crate) fn with_programs(mut self, sres: &[SrePlan], deadline: Option<Duration>) -> Self {
        let limit = deadline.map(|deadline| format!(" --deadline {}", duration::written(deadline)));
        let limit = limit.unwrap_or_default();
        let flags = |sre: &SrePlan| {
            let command = sre.command.as_deref().map_or_else(|| "COMMAND".to_owned(), quoted);
            (sre.name.clone(), format!(" --exec {command}{limit}"))
        };
        self.programs.extend(sres.iter().filter(|sre| is_program(sre)).map(flags));
        self
    }

    /// The command that starts an agent; its name on the bus says which.
    pub(crate) fn command(&self, agent: &str) -> String {
        let (role, name) = agent.split_once('-').unwrap_or((agent, ""));
        self.command_for(role, name)
    }

    /// The command that starts an agent of a role.
    pub(crate) fn command_for(&self, role: &str, name: &str) -> String {
        let bus = self.bus.as_ref().map(|bus| format!(" --bus {}", quoted(&bus.to_string_lossy())));
        let is_it = |(program, _): &&(Name, String)| role == "sre" && **program == *name;
        let exec = self.programs.iter().find(is_it).map_or("", |(_, flags)| flags.as_str());
        format!("{} agent {role} --name {name}{exec}{}", self.program, bus.unwrap_or_default())
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
    use worlds::definition::SreKind;

    #[test]
    fn a_command_names_the_bus_only_where_it_has_to() {
        let mut invitation = Invitation { program: "world".to_owned(), bus: None, programs: Vec::new() };
        assert_eq!(invitation.command("server-web-1"), "world agent server --name web-1");
        assert_eq!(invitation.command("sre-on-call"), "world agent sre --name on-call");
        invitation.bus = Some("/run/my worlds/x".into());
        let command = invitation.command("server-web-1");
        assert_eq!(command, "world agent server --name web-1 --bus '/run/my worlds/x'");
    }

    #[test]
    fn a_command_says_which_program_is_on_call() {
        let invitation = Invitation { program: "world".to_owned(), bus: None, programs: Vec::new() };
        let named = SrePlan { command: Some("./my sre".into()), ..SrePlan::of("a", SreKind::Exec) };
        let sres = [named, SrePlan::of("b", SreKind::Exec), SrePlan::of("c", SreKind::Rules)];
        let invitation = invitation.with_programs(&sres, Some(Duration::from_secs(2)));
        let command = |agent| invitation.command(agent);
        assert_eq!(command("sre-a"), "world agent sre --name a --exec './my sre' --deadline 2s");
        assert_eq!(command("sre-b"), "world agent sre --name b --exec COMMAND --deadline 2s");
        assert_eq!(command("sre-c"), "world agent sre --name c");
        assert_eq!(command("server-a"), "world agent server --name a");
    }
}
