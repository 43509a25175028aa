//! `world worlds list`: the worlds that come with the program.

use super::layout::{self, figures, words};
use worlds::definition::{builtin, parse};

/// A world a line.
pub(crate) fn lines(width: usize) -> Vec<String> {
    let columns = [words("World"), figures("Servers"), figures("Services"), words("What it is")];
    layout::table(&columns, builtin::ALL.iter().filter_map(row), width)
}

/// A built-in world that did not load would be refused where it is asked for, and by a test.
fn row(world: &builtin::Builtin) -> Option<Vec<String>> {
    let definition = parse(world.name, world.text).ok()?.definition;
    let (servers, services) = (definition.servers.len().to_string(), definition.services.len().to_string());
    Some(vec![world.name.to_owned(), servers, services, definition.description])
}
