//! The configurations that come with the program.

/// The defaults, in the original's format.
pub const DEFAULT_JSON: &str = include_str!("../../data/simulation_daemon_config.json");

/// The defaults, with everything that may be said beside them in comments.
pub const DEFAULT_TOML: &str = include_str!("../../data/simulation_daemon_config.toml");

/// A cycle every two minutes, small and fast: to try things out.
pub const TEST_JSON: &str = include_str!("../../data/simulation_daemon_config.test.json");

/// A configuration that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// The name of its file.
    pub file_name: &'static str,
    /// What it says.
    pub text: &'static str,
}

/// All of them.
pub const ALL: [Shipped; 3] = [
    Shipped { file_name: "simulation_daemon_config.json", text: DEFAULT_JSON },
    Shipped { file_name: "simulation_daemon_config.toml", text: DEFAULT_TOML },
    Shipped { file_name: "simulation_daemon_config.test.json", text: TEST_JSON },
];
