//! `world`: a flight simulator for on-call.

mod agent_command;
mod event;
mod exit_code;
mod gate;
mod inline;
mod nearest;
mod reference;
mod result;

fn main() -> std::process::ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if let Some(code) = agent_command::main_if_agent(&arguments) {
        return code;
    }
    std::process::ExitCode::SUCCESS
}
