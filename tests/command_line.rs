//! What people and shells are told of the command line.

mod support;

use std::io::Write as _;
use std::process::{Command, Stdio};
use support::world;

/// What a shell offers for the last of these words.
fn completed(words: &[&str]) -> Vec<String> {
    let script = world("completions bash").ends_with(0).out;
    // As bash calls the function that is registered for the command.
    let ask = "complete -p world >/dev/null || exit 1
        COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1))
        _world world \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"
        printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-s", "--"]).args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut bash = bash.spawn().expect("bash is there");
    let mut input = bash.stdin.take().expect("its input");
    input.write_all(format!("{script}\n{ask}\n").as_bytes()).expect("it reads");
    drop(input);
    let output = bash.wait_with_output().expect("a child");
    assert!(output.status.success(), "{words:?}");
    String::from_utf8(output.stdout).expect("text").split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_shell_completes_commands_worlds_kinds_and_skills() {
    for (words, offered) in [
        (&["world", "ru"][..], &["run"][..]),
        (&["world", "run", "sys"], &["systems"]),
        (&["world", "run", "--manual", "sys"], &["systems"]),
        (&["world", "run", "--chaos-level", "ex"], &["extreme"]),
        (&["world", "run", "--skill", ""], &["junior", "mid", "senior"]),
        (&["world", "run", "--sre", "or"], &["oracle"]),
        (&["world", "run", "--fault", "cpu"], &["cpu_spike"]),
        (&["world", "worlds", "show", "sys"], &["systems"]),
        (&["world", "agent", "sre", "--skill", "se"], &["senior"]),
        (&["world", "schema", "p"], &["ps"]),
        (&["world", "schema", "sre"], &["sre-check"]),
        (&["world", "sre", "check", "--dead"], &["--deadline"]),
        // A path is no world that is built in: the shell goes on with files.
        (&["world", "run", "./mine"], &[]),
    ] {
        assert_eq!(completed(words), offered, "{words:?}");
    }
}

#[test]
fn a_shell_offers_directories_where_one_is_meant_and_nothing_where_a_number_is() {
    let zsh = world("completions zsh").ends_with(0).out;
    for option in ["--out", "--bus"] {
        // In the directory of the tests there is a Cargo.toml. Directories bash adds by itself.
        assert!(completed(&["world", "run", option, "Carg"]).is_empty(), "{option}");
        let offers = |line: &&str| line.starts_with(&format!("'{option}=["));
        let offers: Vec<&str> = zsh.lines().filter(offers).collect();
        assert!(!offers.is_empty() && offers.iter().all(|line| line.contains(":_files -/'")), "{offers:?}");
    }
    for option in ["--seed", "--pace", "--fail-on"] {
        assert_eq!(completed(&["world", "run", option, "Carg"]), ["Carg"], "{option}");
    }
}

#[test]
fn every_shell_has_completions() {
    // Not all of them are told of values.
    for (shell, word) in [
        ("bash", "senior"),
        ("fish", "senior"),
        ("zsh", "senior"),
        ("elvish", "agent"),
        ("powershell", "agent"),
    ] {
        let script = world(&format!("completions {shell}")).ends_with(0).out;
        assert!(script.contains("chaos-level") && script.contains(word), "{shell}: no {word}");
    }
}

/// zsh takes a bracket or a second colon in the name of a value for an instruction.
#[test]
fn no_name_of_a_value_misleads_zsh() {
    let script = world("completions zsh").ends_with(0).out;
    for name in [":[NAME=]", ":KIND@ROUND:TARGET"] {
        assert!(!script.contains(name), "{name}");
    }
    assert!(script.contains(":SRE:(rules ") && script.contains(":FAULT:("));
}

#[test]
fn every_help_has_examples() {
    for command in [
        "",
        "run",
        "bench",
        "compare",
        "worlds",
        "sre",
        "sre check",
        "ps",
        "schema",
        "completions",
        "man",
        "agent",
        "agent server",
        "agent sre",
    ] {
        let help = world(&format!("{command} --help")).ends_with(0).out;
        assert!(help.contains("Examples:"), "{command}: {help}");
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{command}: {help}");
    }
}

#[test]
fn the_manual_page_is_one_page_with_every_command() {
    let page = world("man").ends_with(0).out;
    assert_eq!(page.matches("\n.TH ").count() + usize::from(page.starts_with(".TH ")), 1);
    for command in [
        "world run ",
        "world bench ",
        "world compare ",
        "world sre check ",
        "world ps ",
        "world agent server ",
        "world agent sre ",
        "world worlds show ",
    ] {
        assert!(page.contains(&format!(".SS {command}")), "{command}");
    }
    // Of commands below others what is told at the end of their help, too.
    assert!(page.contains(".SS sre check\n.nf\nExamples:"));
}
