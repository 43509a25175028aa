//! What other parts of the program will provide, until they are plugged in.

/// `world worlds`, and where worlds come from.
pub mod worlds_command {
    use std::io::{self, Write};
    use worlds::definition::Definition;
    use worlds::topology::World;

    /// Loads a built-in world by its name, or a file by its path.
    pub fn load_world(name: &str) -> Result<World, String> {
        if name != "systems" {
            return Err(format!("there is no world `{name}`"));
        }
        let text = include_str!("../worlds/definitions/systems.toml");
        let definition: Definition = toml::from_str(text).map_err(|error| error.to_string())?;
        Ok(World::new(name, definition))
    }

    pub fn list(out: &mut dyn Write) -> io::Result<u8> {
        writeln!(out, "systems")?;
        Ok(0)
    }
}

/// The process driver.
pub mod director {
    use crate::config::RunConfig;
    use crate::event::{Finished, Watch};

    /// Runs a world with a process for each agent.
    pub fn run(_config: &RunConfig, _watch: &mut Watch<'_>) -> Result<Finished, String> {
        Err("agent processes are not built in yet; run with --inline".to_owned())
    }
}
