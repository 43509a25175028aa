//! What servers, kinds of faults and actions are called, where people and programs speak of them: from
//! names to numbers and back.
//!
//! A name that does not exist has a number, too, so that whoever asks for it is refused like anybody
//! else: a decision keeps it as it was given ([`UnknownNames`]), and the numbers beyond those of what
//! exists stand for what is kept. A number beyond these has no name, and is told as `#7`.

use crate::id::{ActionId, KindId, Name, ServerId};
use crate::message::{Runbook, UnknownNames};

/// The number of what there was no room to keep the name of.
const NAMELESS: u16 = u16::MAX;

/// The names of a world.
#[derive(Clone, Debug)]
pub struct Names {
    servers: Index,
    kinds: Index,
    actions: Index,
}

/// The names of one sort of thing.
#[derive(Clone, Debug)]
struct Index {
    /// In the order of the definition.
    names: Vec<Name>,
    /// Their positions, in the order of the names.
    sorted: Vec<u16>,
}

macro_rules! named {
    ($id:ident, $names:ident, $is_one:ident, $number_of:ident, $name_of:ident) => {
        /// Whether one is called so.
        pub fn $is_one(&self, name: &str) -> bool {
            self.$names.place(name).is_ok()
        }

        /// The number of what is called so; for what does not exist, one that stands for the name among
        /// those that are kept.
        pub fn $number_of(&self, name: &str, unknown: &mut UnknownNames) -> $id {
            $id(self.$names.number_of(name, unknown))
        }

        /// The name of a number.
        pub fn $name_of(&self, id: $id, unknown: &UnknownNames) -> Name {
            self.$names.name_of(id.0, unknown)
        }
    };
}

impl Names {
    /// Those that a runbook lists.
    pub fn of(runbook: &Runbook) -> Self {
        Self {
            servers: Index::of(runbook.servers.iter().map(|server| server.name.clone())),
            kinds: Index::of(runbook.kinds.iter().map(|kind| kind.name.as_str().into())),
            actions: Index::of(runbook.actions.iter().map(|action| action.name.as_str().into())),
        }
    }

    named!(ServerId, servers, is_server, server_id, server);
    named!(KindId, kinds, is_kind, kind_id, kind);
    named!(ActionId, actions, is_action, action_id, action);

    /// The servers, in their order.
    pub fn servers(&self) -> &[Name] {
        &self.servers.names
    }

    /// The kinds of faults, in their order.
    pub fn kinds(&self) -> &[Name] {
        &self.kinds.names
    }

    /// The actions, in their order.
    pub fn actions(&self) -> &[Name] {
        &self.actions.names
    }
}

impl Index {
    fn of(names: impl Iterator<Item = Name>) -> Self {
        let names: Vec<Name> = names.collect();
        let mut sorted: Vec<u16> =
            (0..u16::try_from(names.len()).expect("things of a world fit 16 bits")).collect();
        sorted.sort_by(|one, other| names[usize::from(*one)].cmp(&names[usize::from(*other)]));
        Self { names, sorted }
    }

    /// Where a name stands among those that are sorted.
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.sorted.binary_search_by(|position| (*self.names[usize::from(*position)]).cmp(name))
    }

    fn number_of(&self, name: &str, unknown: &mut UnknownNames) -> u16 {
        match self.place(name) {
            Ok(place) => self.sorted[place],
            Err(_) => {
                let beyond = unknown.keep(name).map(|position| self.names.len() + position);
                beyond.and_then(|number| u16::try_from(number).ok()).unwrap_or(NAMELESS)
            }
        }
    }

    fn name_of(&self, number: u16, unknown: &UnknownNames) -> Name {
        let position = usize::from(number);
        if let Some(name) = self.names.get(position) {
            return name.clone();
        }
        let kept = unknown.get(position - self.names.len());
        kept.map_or_else(|| format!("#{number}").into(), Name::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::UNKNOWN_NAMES_MAX;

    fn index() -> Index {
        Index::of(["web-2", "web-1", "api-1"].into_iter().map(Name::from))
    }

    #[test]
    fn what_exists_has_the_number_of_its_place_in_the_definition() {
        let (index, mut unknown) = (index(), UnknownNames::default());
        for (number, name) in ["web-2", "web-1", "api-1"].into_iter().enumerate() {
            assert_eq!(usize::from(index.number_of(name, &mut unknown)), number);
            assert_eq!(&*index.name_of(number as u16, &unknown), name);
        }
        assert_eq!(unknown, UnknownNames::default());
    }

    #[test]
    fn what_does_not_exist_is_told_as_it_was_typed() {
        let (index, mut unknown) = (index(), UnknownNames::default());
        let numbers = ["web-3", "", "#1", "web-3"].map(|name| index.number_of(name, &mut unknown));
        assert_eq!(numbers, [3, 4, 5, 3]);
        let told = numbers.map(|number| index.name_of(number, &unknown).to_string());
        assert_eq!(told, ["web-3", "", "#1", "web-3"]);
        assert_eq!(&*index.name_of(9, &unknown), "#9");
    }

    #[test]
    fn a_name_that_is_too_long_does_not_become_one_that_exists() {
        let long = "x".repeat(crate::definition::limits::NAME_CHARS_MAX);
        let index = Index::of([Name::from(long.as_str())].into_iter());
        let mut unknown = UnknownNames::default();
        let number = index.number_of(&format!("{long}yz"), &mut unknown);
        assert_eq!(&*index.name_of(number, &unknown), format!("{long}y"));
        // Read again, it still is none.
        assert_eq!(index.number_of(&format!("{long}y"), &mut unknown), number);
    }

    #[test]
    fn names_that_are_kept_are_few_and_cannot_move_a_cursor() {
        let (index, mut unknown) = (index(), UnknownNames::default());
        let number = index.number_of("\u{1b}[2J", &mut unknown);
        assert_eq!(&*index.name_of(number, &unknown), "\u{fffd}[2J");
        let numbers: Vec<u16> =
            (0..2 * UNKNOWN_NAMES_MAX).map(|n| index.number_of(&format!("x{n}"), &mut unknown)).collect();
        assert_eq!(numbers.iter().filter(|number| **number == NAMELESS).count(), UNKNOWN_NAMES_MAX + 1);
        assert_eq!(&*index.name_of(NAMELESS, &unknown), "#65535");
    }
}
