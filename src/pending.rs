//! What other parts of the program will provide, until they are plugged in.

/// The process driver.
pub(crate) mod director {
    use crate::config::RunConfig;
    use crate::event::{Finished, Watch};

    /// Why a world could not be run with processes.
    #[derive(Debug, thiserror::Error)]
    #[error("agent processes are not built in yet")]
    pub(crate) struct DirectorError;

    impl DirectorError {
        /// The exit code that says the same.
        pub(crate) fn exit_code(&self) -> u8 {
            crate::exit_code::INTERNAL
        }

        /// What to do about it.
        pub(crate) fn hint(&self) -> Option<String> {
            Some("run the world in this one process, with --inline".to_owned())
        }
    }

    /// Runs a world with a process for each agent.
    pub(crate) fn run(config: &RunConfig, _watch: &mut Watch<'_>) -> Result<Finished, DirectorError> {
        // What it will need, beside the plan.
        let _ = (&config.manual, &config.bus, config.worker_threads, config.pace);
        Err(DirectorError)
    }
}
