//! What whoever writes a program for an SRE is given: the schemas of its lines, and a check that tells what is
//! wrong with it.

mod support;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use support::running::{is_gone, wait_until};
use support::schema::problems;
use support::{World, world, world_with};

/// A shell that answers each round, having called `see` with each line that it reads and `line` for what it
/// says on a round.
fn shell(see: &str, line: &str) -> String {
    format!(
        r#"see() {{ {see}; }}; line() {{ {line}; }}
        while read -r told; do
            see
            case $told in *'"type":"observe"'*) ;; *) continue ;; esac
            round=${{told#*'"round":'}}; round=${{round%%[!0-9]*}}
            line
        done"#
    )
}

// ---- schemas ----------------------------------------------------------------------------------

/// Each line of a file holds to a published schema, whose name says of which sort it is.
fn hold_to_schema(lines: &[Value], sort: &str) {
    let schema = world(&format!("schema {sort}")).ends_with(0).json();
    let of_sort: Vec<_> = lines.iter().filter(|line| line["type"] == sort).collect();
    assert!(!of_sort.is_empty(), "no {sort}");
    for line in of_sort {
        let problems = problems(&schema, line);
        assert!(problems.is_empty(), "{sort}: {problems:#?}");
    }
}

fn json_lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("lines");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn real_lines_keep_to_the_published_schemas() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("lines");
    let say = r#"echo "{\"type\":\"decide\",\"round\":$round,\"acknowledge\":[1,2],\"note\":\"I look\",
        \"diagnoses\":[{\"alerting\":\"web-1\",\"entity\":\"api-1\",\"cause\":\"cpu_spike\"},{\"alerting\":\"api-1\"}],
        \"actions\":[{\"action\":\"restart_service\",\"target\":\"api-1\"},{\"action\":\"dance\",\"target\":\"x\"}]}""#;
    let say = say.replace("\n        ", "");
    let keep = format!(r#"printf '%s\n' "$told" >> '{}'"#, file.display());
    let command = shell(&keep, &format!("{say} | tee -a '{}'", file.display()));
    let sre = format!("--sre=exec:{command}");
    for flags in [
        "run systems --inline -q --json --seed 7 --chaos-level extreme",
        "run boutique --inline -q --json --seed 7 --chaos-level high --sre-deadline 60s",
    ] {
        let result = world(flags).and(&[&sre]).ends_with(0).json();
        assert_eq!(result["sres"][0]["lapses"]["malformed"], 0, "{result}");
    }
    let lines = json_lines(&file);
    for sort in ["greeting", "observe", "decide"] {
        hold_to_schema(&lines, sort);
    }
    // They hold what there is to hold.
    let some = |pointer| lines.iter().any(|line| line.pointer(pointer).is_some_and(|value| !value.is_null()));
    for pointer in ["/alerts/0", "/cooldowns/0", "/results/0/reason", "/problems/0", "/deadline_seconds"] {
        assert!(some(pointer), "{pointer}");
    }
}

#[test]
fn what_a_program_says_is_held_to_the_letter_by_the_schema_as_well() {
    let schema = world("schema decide").ends_with(0).json();
    let fits = |line: &str| problems(&schema, &serde_json::from_str(line).expect("JSON")).is_empty();
    assert!(fits(r#"{"round":3}"#));
    assert!(fits(r#"{"round":3,"actions":null,"note":null}"#));
    for wrong in [
        r#"{"actions":[]}"#,
        r#"{"round":3,"action":[]}"#,
        r#"{"round":"3"}"#,
        r#"{"round":3,"actions":[{"action":"rollback"}]}"#,
        r#"{"type":"observe","round":3}"#,
    ] {
        assert!(!fits(wrong), "{wrong}");
    }
}

// ---- the check --------------------------------------------------------------------------------

/// As a program that answers each round with nothing says it.
const ANSWER: &str = r#"echo "{\"round\":$round}""#;

/// What `world sre check` finds out about a command line.
struct Checked {
    code: Option<i32>,
    document: Value,
}

/// Checks it with so long for an answer.
fn check_within(deadline: &str, command: &str) -> Checked {
    let ended = world_with(&["sre", "check", "--json", "--deadline", deadline, "--", command]).run();
    Checked { code: ended.code, document: ended.json() }
}

/// Checks one that has all the time that it needs, however busy the machine is.
fn check(command: &str) -> Checked {
    check_within("60s", command)
}

impl Checked {
    fn claims(&self) -> &[Value] {
        self.document["claims"].as_array().expect("claims")
    }

    /// The names of those that came out so.
    fn that(&self, status: &str) -> Vec<&str> {
        let claims = self.claims().iter().filter(|claim| claim["status"] == status);
        claims.map(|claim| claim["name"].as_str().expect("a name")).collect()
    }

    /// Why, and what to do about it.
    fn told(&self, name: &str) -> String {
        let claim = self.claims().iter().find(|claim| claim["name"] == name).expect(name);
        format!("{} {}", claim["why"], claim["advice"])
    }

    /// A line a claim, for messages.
    fn summary(&self) -> String {
        let lines = self.claims().iter().map(|claim| {
            format!("{} {}: {} {}", claim["status"], claim["name"], claim["why"], claim["advice"])
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// These claims failed and no others, and each of these words is said of the first.
    #[track_caller]
    fn fails(&self, names: &[&str], words: &[&str]) {
        assert_eq!(self.that("failed"), names, "{}", self.summary());
        assert_eq!((self.code, &self.document["verdict"]), (Some(1), &"failed".into()));
        let told = self.told(names[0]);
        for word in words {
            assert!(told.contains(word), "no `{word}`: {told}");
        }
    }

    /// This claim is no more than warned of, with this word.
    #[track_caller]
    fn warns(&self, name: &str, word: &str) {
        assert_eq!((self.that("failed"), self.that("warned")), (vec![], vec![name]), "{}", self.summary());
        assert_eq!((self.code, &self.document["verdict"]), (Some(0), &"passed".into()));
        let told = self.told(name);
        assert!(told.contains(word), "no `{word}`: {told}");
    }
}

/// Waits until a process is gone.
fn goes(pid: &str) {
    let pid = Pid::from_raw(pid.trim().parse().expect("a number")).expect("a process");
    wait_until("it is gone", || is_gone(pid).then_some(()));
}

#[test]
fn a_good_program_passes_and_every_claim_is_tried() {
    let checked = check(&shell(":", ANSWER));
    assert_eq!(checked.that("passed").len(), checked.claims().len(), "{}", checked.summary());
    assert_eq!((checked.code, &checked.document["verdict"]), (Some(0), &"passed".into()));
    let starts = checked.document["starts"].as_array().expect("starts");
    assert_eq!(starts.len(), 6);
    assert!(starts.iter().all(|start| start["answered"] == start["rounds"]), "{starts:?}");
}

#[test]
fn who_says_nothing_is_told_what_is_the_matter() {
    check_within("300ms", "cat > /dev/null").fails(&["answers"], &["has read all", "flush after each line"]);
    let reads_nothing = check_within("300ms", "exec sleep 1000");
    reads_nothing
        .fails(&["starts", "answers", "ends"], &["it has not read", "read standard input line by line"]);
}

#[test]
fn who_keeps_answers_back_is_told_to_flush() {
    let kept = shell(":", r#"said="$said{\"round\":$round}@""#);
    let checked = check_within("300ms", &format!("{kept}; echo \"$said\" | tr @ '\\n'"));
    checked.fails(&["answers"], &["came when its standard input ended", "flush=True"]);
}

#[test]
fn who_answers_on_another_round_is_told_so() {
    let later = shell(":", r#"echo "{\"round\":$((round + 1))}""#);
    check(&later)
        .fails(&["right_round"], &["a decision on round 2, and this is round 1", "repeat the `round`"]);
    let earlier = shell(":", r#"echo "{\"round\":0}""#);
    let earlier = check_within("300ms", &earlier);
    earlier.fails(&["answers", "right_round"], &["no answer within"]);
    assert!(earlier.told("right_round").contains("round 1: it answered on round 0"));
}

#[test]
fn who_answers_twice_is_told_so() {
    check(&shell(":", &format!("{ANSWER}; {ANSWER}")))
        .fails(&["one_answer"], &["15 answers too many in 15 rounds"]);
}

#[test]
fn what_is_misspelt_is_told_with_its_place_and_what_was_meant() {
    let misspelt = shell(":", r#"echo "{\"round\":$round,\"action\":[]}""#);
    check(&misspelt).fails(
        &["valid_json"],
        &[
            "unknown field `action`",
            "at column 19",
            "did you mean `actions`?",
            r#"{\"round\":1,\"action\":[]}"#,
        ],
    );
}

#[test]
fn names_of_what_does_not_exist_are_told_with_those_that_do() {
    let actions = r#"[{\"action\":\"restart-service\",\"target\":\"web1\"}]"#;
    let diagnoses = r#"[{\"alerting\":\"web-1\",\"cause\":\"cpu_spoke\"}]"#;
    // What is right in the default world is unknown in a large one.
    let line = format!(r#"echo "{{\"round\":$round,\"actions\":{actions},\"diagnoses\":{diagnoses}}}""#);
    let checked = check(&shell(":", &line));
    checked.fails(
        &["known_names"],
        &["did you mean `cpu_spike`?", "did you mean `restart_service`?", "did you mean `web-1`?"],
    );
}

#[test]
fn what_else_is_written_on_standard_output_is_told() {
    let banner = format!("echo 'my SRE 1.0'; {}", shell(":", ANSWER));
    check(&banner)
        .fails(&["only_answers"], &["round 1: this is no JSON object: my SRE 1.0", "standard error"]);
    let farewell = format!("{}; echo bye", shell(":", ANSWER));
    check(&farewell).fails(&["only_answers"], &["after the last round: this is no JSON object: bye"]);
    let binary = shell(":", r"printf '\377\376\001\033[2J\n'");
    check(&binary).fails(&["only_answers"], &["round 1: this is no JSON object: \u{fffd}"]);
}

#[test]
fn a_hundred_megabytes_without_a_line_are_told_and_not_kept() {
    let endless = shell(":", "head -c 100000000 /dev/zero | tr '\\0' x; echo");
    let checked = check(&endless);
    assert_eq!((checked.code, checked.that("failed")[0]), (Some(1), "limits"), "{}", checked.summary());
    let told = checked.told("limits");
    assert!(
        told.contains("round 1: a line of more than 4194304 bytes") && told.contains("line feed"),
        "{told}"
    );
}

#[test]
fn who_dies_is_told_with_its_last_words() {
    let later =
        shell(":", &format!("[ $round -lt 4 ] || {{ echo 'ValueError: no' >&2; exit 3; }}; {ANSWER}"));
    let words = ["round 4: exited with code 3", "on standard error: ValueError: no"];
    check(&later).fails(&["answers", "new_fields"], &words);
    check("kill -9 $$").fails(&["starts"], &["killed by signal 9 before its first answer"]);
    check("there-is-no-such-program").fails(&["starts"], &["127", "is the path right"]);
}

#[test]
fn each_start_has_a_claim_of_its_own() {
    for (name, condition) in [
        ("quiet_rounds", r#"case $told in *'"alerts":[]'*) [ $round -ne 3 ] || exit 1 ;; esac"#),
        ("new_fields", "case $told in *tomorrow*) exit 1 ;; esac"),
        ("handover", r#"case $told in *'"results":[{'*) exit 1 ;; esac"#),
        ("large_world", "[ ${#told} -lt 100000 ] || exit 1"),
    ] {
        check(&shell(":", &format!("{condition}; {ANSWER}"))).fails(&[name], &["exited with code 1"]);
    }
}

#[test]
fn who_does_not_end_is_told_so() {
    let stays = format!("{}; exec sleep 1000", shell(":", ANSWER));
    check(&stays).fails(&["ends"], &["was killed", "end when reading finds no further line"]);
}

#[test]
fn who_leaves_others_behind_is_told_whom_and_they_are_gone() {
    let dir = tempfile::tempdir().expect("a directory");
    let pids = dir.path().join("pids");
    let pids = pids.display();
    for leaves in ["sleep 1000 &", "setsid sleep 1000 > /dev/null & "] {
        let program = format!("{leaves} echo $! >> '{pids}'; {}", shell(":", ANSWER));
        check(&program).fails(&["leaves_nothing"], &["sleep", "end what it starts"]);
    }
    let pids = fs::read_to_string(pids.to_string()).expect("numbers");
    assert_eq!(pids.lines().count(), 12);
    pids.lines().for_each(goes);
    // Whoever was there before is nobody's to end.
    let mut shell = Command::new("sh");
    let check = format!("exec {} sre check -- true", env!("CARGO_BIN_EXE_world"));
    shell.args(["-c", &format!("sleep 1000 > /dev/null 2>&1 & echo $! >&2; {check}")]).stdin(Stdio::null());
    let ended = World::of(shell).ends_with(1);
    let other = Pid::from_raw(ended.err.trim().parse().expect("a number")).expect("a process");
    assert!(!is_gone(other));
    kill_process(other, Signal::KILL).expect("it runs");
}

#[test]
fn what_may_be_meant_is_warned_of() {
    let restarts =
        r#"echo "{\"round\":$round,\"actions\":[{\"action\":\"rollback\",\"target\":\"$server\"}]}""#;
    let first = r#"server=${told#*'"name":"'}; server=${server%%'"'*}"#;
    check(&shell(":", &format!("{first}; {restarts}"))).warns("within_rules", "refused; the first: round ");
    let random = r#"echo "{\"round\":$round,\"note\":\"I am $$\"}""#;
    check(&shell(":", random)).warns("same_again", "otherwise in round 1");
}

#[test]
fn several_words_are_a_command_and_one_is_a_command_line() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("my 'own' $SRE");
    fs::write(&file, shell(":", ANSWER)).expect("written");
    let file = file.display().to_string();
    world_with(&["sre", "check", "--", "sh", &file]).ends_with(0);
    world_with(&["sre", "check", "--deadline=60s", "--", &format!("sh \"{}\"", file.replace('$', "\\$"))])
        .ends_with(0);
    world("sre check").refused_with(&["<COMMAND>"]);
    world("sre check --").refused_with(&["<COMMAND>"]);
    world("sre check --deadline 0s -- true").refused_with(&["nothing is done in no time"]);
}

#[test]
fn what_people_read_fits_eighty_columns_and_tells_the_same() {
    for (command, code, words) in [
        (shell(":", ANSWER), 0, &["Passed: 16 passed", "asked about 44 rounds"][..]),
        ("echo".to_owned(), 1, &["FAILED     starts", "not tried  it answered no round: answers,", "tip: "]),
    ] {
        let ended = world_with(&["sre", "check", "--", &command]).ends_with(code);
        let told = ended.out.split("Started").nth(1).expect("what it was held against");
        assert!(told.lines().all(|line| line.chars().count() <= 80), "{}", ended.out);
        for word in words {
            assert!(ended.out.contains(word), "{word}: {}", ended.out);
        }
    }
}

#[test]
fn documents_keep_to_their_schema() {
    let schema = world("schema sre-check").ends_with(0).json();
    for command in [shell(":", ANSWER), "false".to_owned()] {
        let problems = problems(&schema, &check(&command).document);
        assert!(problems.is_empty(), "{problems:#?}");
    }
}

#[test]
fn a_signal_ends_it_and_what_it_had_started() {
    let dir = tempfile::tempdir().expect("a directory");
    let pid = dir.path().join("pid");
    let waits = format!("echo $$ > '{0}.new'; mv '{0}.new' '{0}'; exec sleep 1000", pid.display());
    let mut command = world_with(&["sre", "check", "--json", "--deadline=1000s", "--", &waits]).command();
    let child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
    let pid = wait_until("it is started", || fs::read_to_string(&pid).ok());
    kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
    let output = child.wait_with_output().expect("a child");
    assert_eq!(output.status.code(), Some(130));
    let document: Value = serde_json::from_slice(&output.stdout).expect("a document");
    assert_eq!((&document["interrupted_by"], &document["verdict"]), (&2.into(), &"undecided".into()));
    goes(&pid);
}
