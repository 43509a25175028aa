//! `world`: a flight simulator for on-call.

mod agent_command;
mod answer;
mod bench;
mod by_hand;
mod call_graph;
mod cli;
mod config;
mod console;
mod daemon;
mod determinism;
mod director;
mod drill;
mod duration;
mod event;
mod exit_code;
mod gate;
mod graphviz;
mod inherited;
mod inline;
mod manual;
mod metric;
mod own_file;
mod proc;
mod program;
mod prove;
mod ps;
mod recording;
mod reference;
mod repeat;
mod report;
mod result;
mod run;
mod scenario;
mod scenarios_command;
mod schedule;
mod signal;
mod sre_check;
mod sre_programs;
mod status;
mod stdio;
mod user_file;
mod verify;
mod wall_clock;
mod watchers;
mod worlds_command;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    if let Some(code) = agent_command::main_if_agent(&arguments) {
        return code;
    }
    inherited::keep_to_ourselves();
    ExitCode::from(program::main(arguments, &mut stdio::Stdio::of_process()))
}
