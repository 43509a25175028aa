//! Actions and who asks for them: what they cure exists, they do something, and somewhere they can.

use super::Known;
use crate::definition::{Action, Definition, Hits, Remedy, Role, Server, SreKind};
use documents::findings::Findings;
use documents::key_path::KeyPath;

pub(super) fn check(definition: &Definition, known: &Known<'_>, findings: &mut Findings) {
    for (index, action) in definition.actions.iter().enumerate() {
        let table = KeyPath::top("actions").at(index);
        cures(&table, action, known, findings);
        cures_in_vain(&table, action, definition, findings);
        if does_nothing(&action.remedy) {
            let message = format!("the remedy of `{}` does nothing", action.name);
            findings.error_with(table.key("remedy"), message, || {
                Some("for example `remedy = { restarts_services = true }`".to_owned())
            });
        }
        standby(&table.key("remedy"), action, &definition.servers, findings);
    }
    sres(definition, findings);
}

fn cures(table: &KeyPath, action: &Action, known: &Known<'_>, findings: &mut Findings) {
    for (index, kind) in action.remedy.cures.iter().enumerate() {
        if !known.kinds.contains(kind.as_str()) {
            let path = table.key("remedy").key("cures").at(index);
            findings.unknown(path, "kind of fault", kind, known.kinds.iter().copied());
        }
    }
}

/// Cures that can never act: of what hits SREs, and of processes without reaching their servers.
fn cures_in_vain(table: &KeyPath, action: &Action, definition: &Definition, findings: &mut Findings) {
    let path = table.key("remedy").key("cures");
    for (index, name) in action.remedy.cures.iter().enumerate() {
        let Some(kind) = definition.chaos.iter().find(|kind| kind.name == *name) else { continue };
        let reaches = action.remedy.restarts_services || action.out_of_band;
        if kind.hits == Hits::Sres {
            let message = format!("`{name}` hits SREs, and actions act on servers");
            findings.warning(path.at(index), message, "leave it out: it ends by itself");
        } else if kind.effect.process.is_some() && !reaches {
            let message = format!("`{}` does not reach a server without a process", action.name);
            let hint = "add `restarts_services = true` to the remedy, or `out_of_band = true`";
            findings.warning(path.at(index), message, hint);
        }
    }
}

fn does_nothing(remedy: &Remedy) -> bool {
    remedy.cures.is_empty()
        && !remedy.restarts_services
        && remedy.frees_memory == 0.0
        && remedy.adds_capacity.as_ref().is_none_or(|more| more.factor == 1.0)
        && remedy.limits_traffic.as_ref().is_none_or(|limits| limits.flood_dropped == 0.0)
        && !remedy.promotes_replica
        && !remedy.uses_backup_link
}

/// A failover needs something to fail over to.
fn standby(remedy: &KeyPath, action: &Action, servers: &[Server], findings: &mut Findings) {
    let name = &action.name;
    if action.remedy.promotes_replica && !servers.iter().any(|server| server.role == Some(Role::Replica)) {
        let message = format!("`{name}` promotes a replica, but no server is one");
        findings.warning(remedy.key("promotes_replica"), message, "it will always be refused");
    }
    if action.remedy.uses_backup_link && !servers.iter().any(|server| server.backup_link) {
        let message = format!("`{name}` uses backup links, but no server has one");
        findings.warning(remedy.key("uses_backup_link"), message, "add `backup_link = true` to servers");
    }
    if action.remedy.uses_backup_link && !action.out_of_band {
        let message = format!("`{name}` uses backup links, but cannot reach a server that is cut off");
        findings.warning(remedy.key("uses_backup_link"), message, "add `out_of_band = true` to the action");
    }
}

fn sres(definition: &Definition, findings: &mut Findings) {
    for (index, sre) in definition.sre.iter().enumerate() {
        if sre.kind == SreKind::Exec {
            let path = KeyPath::top("sre").at(index).key("kind");
            let message = format!("SRE `{}` is a program, and a world file names none", sre.name);
            findings.error_with(path, message, || Some(exec_hint(&sre.name)));
        }
        if sre.skill.is_some() && sre.kind != SreKind::Rules {
            let path = KeyPath::top("sre").at(index).key("skill");
            let message = format!("SRE `{}` has a skill, but only the kind `rules` has skills", sre.name);
            findings.error(path, message);
        }
    }
}

/// A world would be another one with another program, and a file that is passed on would run it.
fn exec_hint(name: &str) -> String {
    format!("name it on the command line, as in `--sre '{name}=exec:./my-sre'`, or in a scenario")
}
