//! `world`: a flight simulator for on-call.

mod cli;
mod config;
mod console;
mod determinism;
mod event;
mod exit_code;
mod gate;
mod inline;
mod interrupt;
mod manual;
mod pending;
mod program;
mod recording;
mod reference;
mod repeat;
mod result;
mod run;
mod stdio;
mod worlds_command;

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(program::main(std::env::args_os(), &mut stdio::Stdio::of_process()))
}
