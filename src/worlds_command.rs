//! `world worlds`, and where worlds come from: a built-in one by its name, a file by its path.
//!
//! Everything here returns text or an error; who prints it, and on which stream, is decided by the
//! caller. Every [`LoadError`] is a bad file or a wrong name: exit code 2.

use crate::user_file::{self, FileError, UserFile};
use crate::{console, graphviz};
use std::fmt::Write as _;
use thiserror::Error;
use worlds::definition::{Checked, Diagnostic, builtin, parse, schema};
use worlds::topology::World;

/// Why there is no world to run.
#[derive(Debug, Error)]
pub(crate) enum LoadError {
    /// No built-in world has this name.
    #[error("there is no world `{name}`")]
    UnknownWorld {
        /// What was asked for.
        name: String,
    },
    /// There is no such file, or none that can be read.
    #[error("{0}")]
    File(#[from] FileError),
    /// The file does not make sense.
    #[error("{}", told(.0))]
    Invalid(Vec<Diagnostic>),
}

impl LoadError {
    /// What to do about it, where something can be said.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            LoadError::UnknownWorld { name } => Some(unknown_world_hint(name)),
            LoadError::File(error) if error.is_elsewhere() => Some(format!(
                "the worlds that come with the program are named without a path: {}",
                names().join(", ")
            )),
            LoadError::File(error) => error.hint(),
            LoadError::Invalid(_) => None,
        }
    }
}

fn names() -> Vec<&'static str> {
    builtin::ALL.iter().map(|world| world.name).collect()
}

fn unknown_world_hint(name: &str) -> String {
    if std::path::Path::new(name).exists() {
        return format!("what lies here is named with its path: ./{name}");
    }
    let meant = builtin::nearest(name).map_or(String::new(), |near| format!("did you mean `{near}`? "));
    let there = names().join(", ");
    format!("{meant}there is {there}; a file of your own is named with `/` or `.toml`")
}

/// A line each.
pub(crate) fn told(diagnostics: &[Diagnostic]) -> String {
    let lines: Vec<String> = diagnostics.iter().map(Diagnostic::to_string).collect();
    lines.join("\n")
}

/// Loads a world: a file where the name holds `/` or ends in `.toml`, else a built-in one. Gives the
/// world's name (of a file its stem) and what it says.
pub(crate) fn load_world(name_or_path: &str) -> Result<(String, Checked), LoadError> {
    let source = source_of(name_or_path)?;
    let checked = parse(&source.label, &source.text).map_err(LoadError::Invalid)?;
    Ok((source.name, checked))
}

/// `world worlds show --graph`: who calls whom, in lines. `with_hint` says besides how the file itself
/// is had: for those who did not ask for the graph.
pub(crate) fn graph(name_or_path: &str, width: usize, with_hint: bool) -> Result<Vec<String>, LoadError> {
    let mut lines = console::call_graph::lines(&world_of(name_or_path)?, width);
    if with_hint {
        lines.push(String::new());
        lines.push(format!("The file itself: world worlds show {name_or_path} --toml"));
    }
    Ok(lines)
}

/// `world worlds show --dot`: who calls whom, for Graphviz.
pub(crate) fn dot(name_or_path: &str) -> Result<String, LoadError> {
    Ok(graphviz::text(&world_of(name_or_path)?))
}

fn world_of(name_or_path: &str) -> Result<World, LoadError> {
    let (name, checked) = load_world(name_or_path)?;
    Ok(World::new(&name, checked.definition))
}

/// `world worlds show`: the file of a world, as it is.
pub(crate) fn show(name_or_path: &str) -> Result<String, LoadError> {
    source_of(name_or_path).map(|source| source.text)
}

/// `world worlds validate`: what a good world holds, and what in it is worth a warning.
pub(crate) fn validate(name_or_path: &str) -> Result<String, LoadError> {
    let source = source_of(name_or_path)?;
    let Checked { definition, warnings } = parse(&source.label, &source.text).map_err(LoadError::Invalid)?;
    let mut report: String = warnings.iter().map(|warning| format!("{warning}\n")).collect();
    let counts = [
        counted(definition.servers.len(), "server", "servers"),
        counted(definition.services.len(), "service", "services"),
        counted(definition.chaos.len(), "kind of fault", "kinds of faults"),
        counted(definition.actions.len(), "action", "actions"),
        counted(warnings.len(), "warning", "warnings"),
    ];
    let _ = writeln!(report, "{}: ok: {}", source.label, counts.join(", "));
    Ok(report)
}

/// As many of one thing.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// `world worlds schema`: the JSON Schema of world files.
pub(crate) fn schema() -> String {
    schema::text()
}

fn source_of(name_or_path: &str) -> Result<UserFile, LoadError> {
    if user_file::is_path(name_or_path) {
        return Ok(user_file::read("a world file", name_or_path)?);
    }
    let unknown = || LoadError::UnknownWorld { name: name_or_path.to_owned() };
    let world = builtin::find(name_or_path).ok_or_else(unknown)?;
    let (name, label) = (world.name.to_owned(), format!("{}.toml", world.name));
    Ok(UserFile { name, label, text: world.text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A file that is gone with the test.
    fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, String) {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let path = directory.path().join(name);
        fs::write(&path, bytes).expect("a file can be written");
        let path = path.to_str().expect("the path is text").to_owned();
        (directory, path)
    }

    fn systems() -> &'static str {
        builtin::find("systems").expect("systems is built in").text
    }

    #[test]
    fn a_built_in_world_goes_by_its_name_and_a_file_by_its_stem() {
        let (name, built_in) = load_world("systems").expect("systems loads");
        assert_eq!(name, "systems");
        let (_directory, path) = file("mine.toml", systems().as_bytes());
        let (name, own) = load_world(&path).expect("the file loads");
        assert_eq!(name, "mine");
        assert_eq!(own, built_in);
    }

    #[test]
    fn a_path_with_a_slash_is_a_file_whatever_it_ends_in() {
        let (_directory, path) = file("world.txt", systems().as_bytes());
        assert_eq!(load_world(&path).expect("the file loads").0, "world");
    }

    #[test]
    fn an_unknown_world_names_the_nearest_and_what_there_is() {
        let error = load_world("sytems").expect_err("there is none");
        assert_eq!(error.to_string(), "there is no world `sytems`");
        assert_eq!(
            error.hint().as_deref(),
            Some(
                "did you mean `systems`? there is systems, three-tier, boutique, single, replicated, fault-lab; \
                 a file of your own is named with `/` or `.toml`"
            )
        );
        let hint = load_world("mainframe").expect_err("there is none").hint().expect("there is advice");
        assert!(hint.starts_with("there is systems, three-tier,"), "{hint}");
    }

    #[test]
    fn an_empty_file_is_told_so() {
        let (_directory, path) = file("empty.toml", b"");
        let told = load_world(&path).expect_err("it is empty").to_string();
        let message = "the world file is empty: start from a copy of `world worlds show systems`";
        assert_eq!(told, format!("{path}:1:1: {message}"));
    }

    #[test]
    fn all_problems_of_a_file_are_told_a_line_each() {
        let text = systems().replace("probability", "probabilty");
        let (_directory, path) = file("typo.toml", text.as_bytes());
        let told = validate(&path).expect_err("it is no good").to_string();
        assert_eq!(told.lines().count(), 7, "one for each kind:\n{told}");
        assert!(told.lines().all(|line| line.starts_with(&path)), "{told}");
        assert!(
            told.contains("unknown key `probabilty` in [[chaos]]: did you mean `probability`?"),
            "{told}"
        );
    }

    #[test]
    fn a_good_world_is_counted_and_its_warnings_are_shown() {
        assert_eq!(
            validate("systems").expect("systems is good"),
            "systems.toml: ok: 6 servers, 6 services, 7 kinds of faults, 6 actions, 0 warnings\n"
        );
        let (_directory, path) =
            file("alone.toml", format!("{}\n[services.alone]\nwork_ms = 1.0", systems()).as_bytes());
        let report = validate(&path).expect("a warning is no error");
        let lines: Vec<&str> = report.lines().collect();
        assert!(lines[0].ends_with("warning: service `alone` runs nowhere: no server lists it"), "{report}");
        assert!(lines[1].ends_with("7 kinds of faults, 6 actions, 1 warning"), "{report}");
    }

    #[test]
    fn worlds_are_shown_and_described() {
        assert_eq!(show("systems").expect("systems is there"), systems());
        assert!(schema().starts_with("{\n") && schema().ends_with("}\n"));
    }
}
