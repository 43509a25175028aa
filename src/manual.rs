//! What shells and `man` are told of the command line, worked out from the command line itself.
//!
//! Agents are recognised before the command line is parsed, and some values are known only to the
//! worlds; so for these purposes the command line is described once more, in full.

use crate::cli::Cli;
use crate::metric::Metric;
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command, CommandFactory, ValueHint};
use clap_complete::Shell;
use std::fmt::Write as _;
use worlds::definition::{SreKind, builtin};

/// A shell's completions.
pub(crate) fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    let mut command = only_files_as_files(with_values(described()));
    clap_complete::generate(shell, &mut command, "world", &mut script);
    script
}

/// Without files where a number, a name or an expression is meant.
fn only_files_as_files(command: Command) -> Command {
    command.mut_args(without_files).mut_subcommands(only_files_as_files)
}

fn without_files(arg: Arg) -> Arg {
    let takes_values = arg.get_action().takes_values();
    if takes_values && arg.get_possible_values().is_empty() && arg.get_value_hint() == ValueHint::Unknown {
        arg.value_hint(ValueHint::Other)
    } else {
        arg
    }
}

const AGENT_EXAMPLES: &str = "\
Examples:
  world run --manual=web-1              in one terminal: waits for web-1
  world agent server --name web-1       in another

`world ps` tells which agents are awaited.";

/// The command line with the commands of agents in full.
fn described() -> Command {
    let name = |about| Arg::new("name").long("name").value_name("NAME").required(true).help(about);
    let bus = || {
        let help = "The directory of the run; needed when several are running";
        Arg::new("bus").long("bus").value_name("DIR").help(help).value_hint(ValueHint::DirPath)
    };
    let skill = Arg::new("skill")
        .long("skill")
        .value_name("SKILL")
        .value_parser(PossibleValuesParser::new(["junior", "mid", "senior"]))
        .help("Refused if the run has planned another");
    let server = Command::new("server")
        .about("Run one server: it joins a world that was started with `world run --manual`")
        .args([name("Which server it is, as the world names it"), bus()]);
    let sre = Command::new("sre")
        .about("Run one SRE: it joins a world that was started with `world run --manual`")
        .args([name("Which SRE it is, as the run names it"), skill, bus()]);
    let agent = Command::new("agent")
        .about("Run one agent by hand")
        .subcommand_required(true)
        .subcommands([server, sre])
        .after_help(AGENT_EXAMPLES);
    Cli::command().mut_subcommand("agent", |_| agent)
}

/// The command line with the values that shells may offer beside files.
fn with_values(command: Command) -> Command {
    let worlds =
        || PossibleValuesParser::new(builtin::ALL.iter().map(|world| world.name).collect::<Vec<_>>());
    let scenarios = || {
        let names = worlds::scenario::library::ALL.iter().map(|scenario| scenario.name);
        PossibleValuesParser::new(names.collect::<Vec<_>>())
    };
    let skills = ["rules:junior", "rules:mid", "rules:senior"];
    let sres = || {
        let kinds = SreKind::ALL.into_iter().map(|(name, _)| name);
        PossibleValuesParser::new(kinds.chain(skills).collect::<Vec<_>>())
    };
    let metrics = Metric::ALL.map(Metric::name);
    let mut kinds: Vec<String> = Vec::new();
    for world in builtin::ALL {
        let Ok(loaded) = worlds::definition::parse(world.name, world.text) else { continue };
        for kind in loaded.definition.chaos {
            if !kinds.contains(&kind.name) {
                kinds.push(kind.name);
            }
        }
    }
    command
        .mut_subcommand("run", |run| {
            // Names of values with brackets and colons mean something to zsh.
            run.mut_arg("world", |arg| arg.value_parser(worlds()))
                .mut_arg("scenario", |arg| arg.value_parser(scenarios()).value_name("SCENARIO"))
                // Its names follow an equals sign: the next word is the world.
                .mut_arg("manual", |arg| arg.require_equals(false).num_args(0).action(ArgAction::SetTrue))
                .mut_arg("sre", |arg| arg.value_parser(sres()).value_name("SRE"))
                .mut_arg("fault", |arg| {
                    arg.value_parser(PossibleValuesParser::new(kinds)).value_name("FAULT")
                })
        })
        .mut_subcommand("bench", |bench| {
            bench
                .mut_arg("worlds", |arg| arg.value_parser(worlds()))
                .mut_arg("scenario", |arg| arg.value_parser(scenarios()).value_name("SCENARIO"))
                .mut_arg("sre", |arg| arg.value_parser(sres()).value_name("SRE"))
                .mut_arg("until_width", |arg| arg.value_parser(PossibleValuesParser::new(metrics)))
        })
        .mut_subcommand("compare", |compare| {
            let compare = ["a", "b"]
                .into_iter()
                .fold(compare, |compare, world| compare.mut_arg(world, |arg| arg.value_parser(worlds())));
            compare
                .mut_arg("sre", |arg| arg.value_parser(sres()).value_name("SRE"))
                .mut_arg("until_width", |arg| arg.value_parser(PossibleValuesParser::new(metrics)))
        })
        .mut_subcommand("worlds", |all| {
            ["show", "validate"].into_iter().fold(all, |all, name| {
                all.mut_subcommand(name, |sub| sub.mut_arg("world", |arg| arg.value_parser(worlds())))
            })
        })
        .mut_subcommand("scenarios", |all| {
            let named = [("show", "scenario"), ("validate", "scenario"), ("prove", "scenarios")];
            named.into_iter().fold(all, |all, (name, arg)| {
                let offered = |arg: Arg| arg.value_parser(scenarios()).value_name("SCENARIO");
                all.mut_subcommand(name, |sub| sub.mut_arg(arg, offered))
            })
        })
}

// ---- the manual page --------------------------------------------------------------------------

const FILES: &[(&str, &str)] = &[
    (
        "$XDG_RUNTIME_DIR/world/ID, /tmp/world-UID/ID",
        "The directory of a run with processes, for as long as it goes on.",
    ),
    (
        "journal.jsonl, result.json, runtime.json",
        "What --out DIR writes: `world schema result` describes the result.",
    ),
    (
        "bench.json, bench.csv, compare.json, compare.csv, checkpoint.json",
        "What --out DIR writes of a bench and of a comparison, and what they go on from.",
    ),
];

const ENVIRONMENT: &[(&str, &str)] = &[
    ("NO_COLOR", "Set to anything: no colours."),
    ("WORLD_RUNTIME_DIR", "The only directory in which runs have theirs, instead of the usual places."),
];

/// The manual page: the program, and each of its commands.
pub(crate) fn page() -> String {
    let mut command = described();
    command.build();
    let mut page = format!(".TH WORLD 1 \"\" \"world {}\"\n", env!("CARGO_PKG_VERSION"));
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    page += &format!(".SH NAME\nworld \\- {}\n.SH SYNOPSIS\n", escaped(about.trim_end_matches('.')));
    let leaves = leaves(&command, "world");
    for (usage, _) in &leaves {
        page += &format!(".B {}\n.br\n", escaped(usage));
    }
    page += ".SH COMMANDS\n";
    for (usage, leaf) in &leaves {
        page += &format!(".SS {}\n", escaped(usage));
        page += &of_command(leaf);
    }
    section(&mut page, "FILES", FILES);
    section(&mut page, "ENVIRONMENT", ENVIRONMENT);
    let text = |text: String| format!(".nf\n{}\n.fi\n", escaped(&text));
    if let Some(help) = command.get_after_help() {
        page += &format!(".SH EXAMPLES AND EXIT STATUS\n{}", text(help.to_string()));
    }
    for (path, help) in helps(&command, "") {
        page += &format!(".SS {}\n{}", escaped(&path), text(help));
    }
    page
}

/// What is told below the help of each command, with the words that it is typed with.
fn helps(command: &Command, path: &str) -> Vec<(String, String)> {
    let mut helps = Vec::new();
    for sub in command.get_subcommands() {
        let path = format!("{path} {}", sub.get_name()).trim_start().to_owned();
        helps.extend(sub.get_after_help().map(|help| (path.clone(), help.to_string())));
        helps.extend(self::helps(sub, &path));
    }
    helps
}

/// The commands that do something, with their usage.
fn leaves<'a>(command: &'a Command, path: &str) -> Vec<(String, &'a Command)> {
    let subs = command.get_subcommands().filter(|sub| sub.get_name() != "help" && !sub.is_hide_set());
    let mut leaves = Vec::new();
    for sub in subs {
        let path = format!("{path} {}", sub.get_name());
        if sub.has_subcommands() {
            leaves.extend(self::leaves(sub, &path));
        } else {
            leaves.push((usage(sub, &path), sub));
        }
    }
    leaves
}

fn usage(command: &Command, path: &str) -> String {
    let mut usage = path.to_owned();
    let shown = |arg: &&Arg| !arg.is_hide_set() && arg.get_id() != "help";
    for option in command.get_opts().filter(shown).filter(|option| option.is_required_set()) {
        let _ = write!(usage, " {}", names_of(option));
    }
    if command.get_arguments().filter(shown).any(|arg| !arg.is_positional() && !arg.is_required_set()) {
        usage += " [OPTIONS]";
    }
    for positional in command.get_positionals().filter(shown) {
        let name = value_name(positional);
        let _ =
            if positional.is_required_set() { write!(usage, " {name}") } else { write!(usage, " [{name}]") };
    }
    usage
}

fn of_command(command: &Command) -> String {
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string);
    let mut text = format!("{}\n", escaped(&about.unwrap_or_default()));
    let shown = |arg: &&Arg| !arg.is_hide_set() && arg.get_id() != "help";
    for arg in command.get_arguments().filter(shown) {
        let name = if arg.is_positional() { value_name(arg) } else { names_of(arg) };
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let takes_values = arg.get_action().takes_values();
        let values = arg.get_possible_values();
        let values: Vec<&str> = values.iter().map(|value| value.get_name()).collect();
        let values = if takes_values && !values.is_empty() {
            format!(": {}", values.join(", "))
        } else {
            String::new()
        };
        let default: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        let default = if takes_values && !default.is_empty() {
            format!(" [default: {}]", default.join(", "))
        } else {
            String::new()
        };
        let _ =
            writeln!(text, ".TP\n.B {}\n{}", escaped(&name), escaped(&format!("{help}{values}{default}")));
    }
    text
}

/// `-n, --rounds N`
fn names_of(arg: &Arg) -> String {
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let names: Vec<_> = short.into_iter().chain(long).collect();
    let names = names.join(", ");
    match (arg.get_action().takes_values(), arg.is_require_equals_set()) {
        (false, _) => names,
        (true, false) => format!("{names} {}", value_name(arg)),
        (true, true) => format!("{names}[={},...]", value_name(arg)),
    }
}

fn value_name(arg: &Arg) -> String {
    let names = arg.get_value_names().and_then(<[_]>::first).map(ToString::to_string);
    names.unwrap_or_else(|| arg.get_id().as_str().to_uppercase())
}

fn section(page: &mut String, title: &str, entries: &[(&str, &str)]) {
    let _ = writeln!(page, ".SH {title}");
    for (name, text) in entries {
        let _ = writeln!(page, ".TP\n.B {}\n{}", escaped(name), escaped(text));
    }
}

/// Text as roff takes it literally.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    let line =
        |line: &str| if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_is_consistent() {
        with_values(described()).debug_assert();
    }

    #[test]
    fn the_page_tells_of_every_command_and_flag() {
        let page = page();
        let mut command = described();
        command.build();
        for (usage, leaf) in leaves(&command, "world") {
            assert!(page.contains(&format!(".SS {}", escaped(&usage))), "{usage}");
            let shown = |arg: &&Arg| !arg.is_hide_set() && arg.get_id() != "help";
            for long in leaf.get_arguments().filter(shown).filter_map(Arg::get_long) {
                assert!(page.contains(&escaped(&format!("--{long}"))), "{usage}: --{long}");
            }
        }
        assert!(page.contains("world agent sre"));
    }

    #[test]
    fn what_roff_would_take_for_a_request_is_shown_as_it_is() {
        assert_eq!(escaped(".a\n'b\nc -d \\e"), "\\&.a\n\\&'b\nc \\-d \\ee");
    }
}
