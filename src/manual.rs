//! What shells and `man` are told of the command line, worked out from the command line itself.

use crate::cli::Cli;
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;
use std::io;

/// A shell's completions.
pub(crate) fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "world", &mut script);
    script
}

/// The manual page of the program, and after it those of its commands.
pub(crate) fn page() -> io::Result<Vec<u8>> {
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        Man::new(sub.clone()).render(&mut page)?;
    }
    Ok(page)
}
