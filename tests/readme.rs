//! What the README shows works as it stands.

mod support;

use support::world;

const README: &str = include_str!("../README.md");

/// The blocks of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    README.split(&fence).skip(1).map(|rest| rest.split("```").next().expect("a block ends")).collect()
}

#[test]
fn the_extension_of_a_world_is_accepted_with_the_warning_that_is_promised() {
    let systems = include_str!("../worlds/definitions/systems.toml");
    let directory = tempfile::tempdir().expect("a directory");
    let [extension] = blocks("toml")[..] else { panic!("one block of TOML") };
    let mine = format!("{systems}\n{extension}");
    let calls = "{ to = \"postgresql\", on = \"writes\" },";
    let called = mine.replace(calls, &format!("{calls}\n    {{ to = \"rabbitmq\", on = \"writes\" }},"));
    for (name, text, says) in [("mine", &mine, "queue-1"), ("called", &called, "0 warnings")] {
        let path = directory.path().join(format!("{name}.toml"));
        std::fs::write(&path, text).expect("a world file");
        let path = path.to_str().expect("a plain path");
        let ended = world(&format!("worlds validate {path}")).ends_with(0);
        assert!(ended.out.contains(says) || ended.err.contains(says), "{}{}", ended.out, ended.err);
        world(&format!("run {path} --inline -q --seed 1 --chaos-level extreme")).ends_with(0);
    }
}

#[test]
fn the_run_that_is_shown_is_the_run_that_is_made() {
    let shown = README.split("## What you see").nth(1).expect("a chapter");
    let shown = shown.split("```").nth(1).expect("a block");
    let ended = world("run --seed 23 --rounds 6 --skill senior").ends_with(0);
    for line in shown.lines().filter(|line| !line.contains("PID") && line.trim() != "...") {
        assert!(ended.out.contains(line), "`{line}` is not in\n{}", ended.out);
    }
}

/// The commands of the table, but for those that wait for somebody.
#[test]
fn every_command_that_is_shown_is_understood() {
    let directory = tempfile::tempdir().expect("a directory");
    let rows = README.lines().filter(|line| line.starts_with("| ") && line.contains("`world run"));
    let mut tried = 0;
    for row in rows.filter(|row| !row.contains("--manual") && !row.contains("--pace")) {
        let command = row.split('`').nth(1).expect("a command");
        let arguments = shell_words(command.trim_start_matches("world "));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ended = support::world_with(&arguments).inside(directory.path()).run();
        assert!(matches!(ended.code, Some(0 | 1 | 3)), "{command}: {:?} {}", ended.code, ended.err);
        tried += 1;
    }
    assert!(tried >= 8, "{tried} commands");
}

/// Splits at blanks outside of single quotes.
fn shell_words(command: &str) -> Vec<String> {
    let parts = command.split('\'').enumerate();
    parts
        .flat_map(|(index, part)| match index % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
            _ => vec![part.to_owned()],
        })
        .collect()
}
