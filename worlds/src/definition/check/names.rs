//! Names: there is one, it is fit for a command line, nothing else has it.

use crate::definition::Definition;
use crate::definition::limits;
use documents::findings::{Findings, quoted};
use documents::key_path::KeyPath;
use std::collections::BTreeSet;

pub(super) fn check(definition: &Definition, findings: &mut Findings) {
    for name in definition.services.keys() {
        name_itself(KeyPath::top("services").key(name), "service", name, findings);
    }
    let servers = definition.servers.iter().map(|server| server.name.as_str());
    list("servers", "server", servers, findings);
    for (index, server) in definition.servers.iter().enumerate() {
        let path = KeyPath::top("servers").at(index).key("type");
        name_itself(path, "server type", &server.kind, findings);
        if let Some(zone) = &server.zone {
            name_itself(KeyPath::top("servers").at(index).key("zone"), "zone", zone, findings);
        }
    }
    list("chaos", "kind of fault", definition.chaos.iter().map(|kind| kind.name.as_str()), findings);
    list("actions", "action", definition.actions.iter().map(|action| action.name.as_str()), findings);
    list("sre", "SRE", definition.sre.iter().map(|sre| sre.name.as_str()), findings);
    descriptions(definition, findings);
}

/// The names of the tables of one array.
fn list<'d>(table: &str, what: &str, names: impl Iterator<Item = &'d str>, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for (index, name) in names.enumerate() {
        let path = KeyPath::top(table).at(index).key("name");
        if name_itself(path.clone(), what, name, findings) && !seen.insert(name) {
            findings.error(path, format!("a second {what} is named `{name}`"));
        }
    }
}

/// Whether a name is fit to be one; what is wrong with it is told.
pub(crate) fn name_itself(path: KeyPath, what: &str, name: &str, findings: &mut Findings) -> bool {
    let Some(fault) = fault_of(name) else {
        return true;
    };
    let hint = "names are letters, digits, `-`, `_` and `.`, and begin with a letter or digit";
    let message = format!("the {what} name `{}` {fault}", quoted(name));
    findings.error_with(path, message, || Some(hint.to_owned()));
    false
}

/// What is wrong with a name; [`limits::NAME_PATTERN`] in words.
fn fault_of(name: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let length = name.chars().count();
    if name.is_empty() {
        return Some("is empty".to_owned());
    }
    if length > limits::NAME_CHARS_MAX {
        return Some(format!("has {length} characters, more than {}", limits::NAME_CHARS_MAX));
    }
    if let Some(other) = name.chars().find(|c| !allowed(*c)) {
        return Some(format!("holds a {other:?}"));
    }
    let first = name.chars().next().filter(|first| !first.is_ascii_alphanumeric());
    first.map(|first| format!("begins with {first:?}"))
}

/// Descriptions are printed to terminals as they are.
fn descriptions(definition: &Definition, findings: &mut Findings) {
    let kinds = definition.chaos.iter().map(|kind| kind.description.as_str()).enumerate();
    let actions = definition.actions.iter().map(|action| action.description.as_str()).enumerate();
    let kinds = kinds.map(|(index, text)| (KeyPath::top("chaos").at(index), text));
    let actions = actions.map(|(index, text)| (KeyPath::top("actions").at(index), text));
    let world = std::iter::once((KeyPath::root(), definition.description.as_str()));
    for (table, text) in world.chain(kinds).chain(actions) {
        if let Some(control) = text.chars().find(|c| c.is_control()) {
            let message = format!("the description holds the control character {control:?}");
            findings.error(table.key("description"), message);
        }
    }
}
