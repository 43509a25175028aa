//! The scenarios that come with the program, as text in it.

use crate::definition::nearest;

/// A scenario that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Builtin {
    /// What it is called on the command line: the stem of its file.
    pub name: &'static str,
    /// Its file.
    pub text: &'static str,
}

/// The files of `scenarios/` by their stems.
macro_rules! library {
    ($($name:literal),* $(,)?) => {
        &[$(Builtin {
            name: $name,
            text: include_str!(concat!("../../../scenarios/", $name, ".toml")),
        }),*]
    };
}

/// All of them, from one fault to what is told of real outages.
pub const ALL: &[Builtin] = library![
    "control-quiet",
    "control-noise",
    "cpu-hog",
    "slow-leak",
    "cut-off",
    "full-disk",
    "crash-loop",
    "flood",
    "slow-queries",
    "cache-loss",
    "retry-storm",
    "leak-everywhere",
    "bad-config",
    "rolling-release",
    "zone-loss",
    "promote-it",
    "failover-trap",
    "frozen-gauges",
    "false-alarm",
    "needle-in-noise",
    "two-at-once",
    "wave-after-wave",
    "responder-down",
    "bad-week",
    "retold-s3-2017",
    "retold-cloudflare-2019",
];

/// The scenario of this name.
pub fn find(name: &str) -> Option<&'static Builtin> {
    ALL.iter().find(|builtin| builtin.name == name)
}

/// The scenario that was meant by a name that there is none of.
pub fn nearest(name: &str) -> Option<&'static str> {
    nearest::nearest(name, ALL.iter().map(|builtin| builtin.name))
}
