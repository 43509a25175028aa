//! The worlds that come with the program, as text in it.

use super::nearest;

/// A world that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Builtin {
    /// What it is called on the command line.
    pub name: &'static str,
    /// Its file.
    pub text: &'static str,
}

/// All of them, the default first.
pub const ALL: &[Builtin] = &[
    Builtin { name: "systems", text: include_str!("../../definitions/systems.toml") },
    Builtin { name: "three-tier", text: include_str!("../../definitions/three-tier.toml") },
    Builtin { name: "boutique", text: include_str!("../../definitions/boutique.toml") },
    Builtin { name: "single", text: include_str!("../../definitions/single.toml") },
    Builtin { name: "replicated", text: include_str!("../../definitions/replicated.toml") },
    Builtin { name: "fault-lab", text: include_str!("../../definitions/fault-lab.toml") },
];

/// The world of this name.
pub fn find(name: &str) -> Option<&'static Builtin> {
    ALL.iter().find(|builtin| builtin.name == name)
}

/// The world that was meant by a name that there is none of.
pub fn nearest(name: &str) -> Option<&'static str> {
    nearest::nearest(name, ALL.iter().map(|builtin| builtin.name))
}
