//! `world worlds`, and where worlds come from: a built-in one by its name, a file by its path.
//!
//! Everything here returns text or an error; who prints it, and on which stream, is decided by the
//! caller. Every [`LoadError`] is a bad file or a wrong name: exit code 2.

use crate::{console, graphviz};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use thiserror::Error;
use worlds::definition::{Checked, Diagnostic, builtin, parse, schema};
use worlds::topology::World;

/// Bytes of a world file. A server takes some 150 of them, so that as many as a world may have fit
/// twice over; what is larger is no world.
const FILE_BYTES_MAX: usize = 4 << 20;

/// Why there is no world to run.
#[derive(Debug, Error)]
pub(crate) enum LoadError {
    /// No built-in world has this name.
    #[error("there is no world `{name}`")]
    UnknownWorld {
        /// What was asked for.
        name: String,
    },
    /// Nothing is at the path.
    #[error("there is no file `{path}`")]
    NoFile {
        /// As the user wrote it.
        path: String,
    },
    /// A directory is at the path.
    #[error("`{path}` is a directory, not a world file")]
    Directory {
        /// As the user wrote it.
        path: String,
    },
    /// The file is not for this user.
    #[error("`{path}` may not be read: permission denied")]
    Permission {
        /// As the user wrote it.
        path: String,
    },
    /// Reading failed otherwise.
    #[error("`{path}` cannot be read: {source}")]
    Read {
        /// As the user wrote it.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The file is too large for a world.
    #[error("`{path}` is larger than a world file may be, {FILE_BYTES_MAX} bytes")]
    TooLarge {
        /// As the user wrote it.
        path: String,
    },
    /// The file is no text.
    #[error("{path}:{line}: this is no text: a byte is not UTF-8")]
    NotUtf8 {
        /// As the user wrote it.
        path: String,
        /// The line of the byte, from 1.
        line: usize,
    },
    /// The file does not make sense.
    #[error("{}", told(.0))]
    Invalid(Vec<Diagnostic>),
}

impl LoadError {
    /// What to do about it, where something can be said.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            LoadError::UnknownWorld { name } => Some(unknown_world_hint(name)),
            LoadError::Directory { .. } | LoadError::NoFile { .. } => Some(format!(
                "the worlds that come with the program are named without a path: {}",
                names().join(", ")
            )),
            LoadError::NotUtf8 { .. } => Some("save it as UTF-8".to_owned()),
            LoadError::Permission { path } => Some(format!("make it readable for you: chmod u+r {path}")),
            _ => None,
        }
    }

    fn of_io(path: &str, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => LoadError::NoFile { path },
            io::ErrorKind::PermissionDenied => LoadError::Permission { path },
            io::ErrorKind::IsADirectory => LoadError::Directory { path },
            _ => LoadError::Read { path, source },
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

fn told(diagnostics: &[Diagnostic]) -> String {
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

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// `world worlds schema`: the JSON Schema of world files.
pub(crate) fn schema() -> String {
    schema::text()
}

/// The text of a world and what to call it.
struct Source {
    name: String,
    label: String,
    text: String,
}

fn source_of(name_or_path: &str) -> Result<Source, LoadError> {
    if is_path(name_or_path) {
        return read(name_or_path);
    }
    let unknown = || LoadError::UnknownWorld { name: name_or_path.to_owned() };
    let world = builtin::find(name_or_path).ok_or_else(unknown)?;
    let (name, label) = (world.name.to_owned(), format!("{}.toml", world.name));
    Ok(Source { name, label, text: world.text.to_owned() })
}

fn is_path(name: &str) -> bool {
    name.contains('/') || name.ends_with(".toml")
}

fn read(path: &str) -> Result<Source, LoadError> {
    let io_error = |source| LoadError::of_io(path, source);
    let file = File::open(path).map_err(io_error)?;
    // One byte more than is allowed tells a file that is too large, also one without a length.
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(io_error)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(LoadError::TooLarge { path: path.to_owned() });
    }
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(path, &error))?;
    let stem = Path::new(path).file_stem().unwrap_or_default();
    Ok(Source { name: stem.to_string_lossy().into_owned(), label: path.to_owned(), text })
}

fn not_utf8(path: &str, error: &std::string::FromUtf8Error) -> LoadError {
    let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
    let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
    LoadError::NotUtf8 { path: path.to_owned(), line }
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
    fn files_that_cannot_be_worlds_are_told_apart() {
        let (directory, large) = file("large.toml", &vec![b'\n'; FILE_BYTES_MAX + 1]);
        let (_kept, latin) = file("latin.toml", b"rounds = 15\n# caf\xe9\n");
        let in_directory = |name: &str| format!("{}/{name}", directory.path().display());
        for (path, message) in [
            (in_directory("none.toml"), "there is no file `PATH`".to_owned()),
            (in_directory(""), "`PATH` is a directory, not a world file".to_owned()),
            (large, "`PATH` is larger than a world file may be, 4194304 bytes".to_owned()),
            ("/dev/zero".to_owned(), "`PATH` is larger than a world file may be, 4194304 bytes".to_owned()),
            (latin, "PATH:2: this is no text: a byte is not UTF-8".to_owned()),
        ] {
            let error = load_world(&path).expect_err("it is no world");
            assert_eq!(error.to_string(), message.replace("PATH", &path));
        }
    }

    #[test]
    fn a_file_of_the_largest_size_is_read() {
        let mut text = systems().to_owned();
        text.push_str(&"\n".repeat(FILE_BYTES_MAX - text.len()));
        let (_directory, path) = file("full.toml", text.as_bytes());
        load_world(&path).expect("it is as large as it may be");
    }

    #[test]
    fn a_file_of_somebody_else_is_told_as_such() {
        let error = LoadError::of_io("x.toml", io::ErrorKind::PermissionDenied.into());
        assert_eq!(error.to_string(), "`x.toml` may not be read: permission denied");
        let error = LoadError::of_io("x.toml", io::Error::other("the disk is on fire"));
        assert_eq!(error.to_string(), "`x.toml` cannot be read: the disk is on fire");
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
