//! Claims about programs that are SREs, by the real program: whatever they do or leave undone, the run goes on
//! to its end, the same with processes and without, and no process is left of them.

mod support;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::running::{Run, lines_of, said, wait_until};
use support::{large_world, names, skipped};

/// In the environment of whatever a run of a test starts, so that it can be found.
const MARK: &str = "WORLD_TEST_MARK";

/// Rounds of most runs.
const ROUNDS: usize = 6;

/// A place for the programs of one test, what they keep, and what is kept of their runs.
struct Place {
    dir: tempfile::TempDir,
}

/// What came of a run.
struct Played {
    code: Option<i32>,
    /// Standard output, and standard error after it.
    text: String,
    out: PathBuf,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A shell program, as `--sre` has it.
    fn program(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).expect("written");
        format!("exec:exec sh {}", path.display())
    }

    /// `world run` with these flags, kept under a name.
    fn command(&self, out: &str, flags: &[&str]) -> Command {
        let mut command = support::running::world(self.dir.path());
        command.args(["run", "--seed", "3"]).args(flags).arg("--out").arg(self.path(out));
        command.env(MARK, self.dir.path());
        command
    }

    /// Plays it to its end, after which nothing of it is there.
    fn play(&self, out: &str, flags: &[&str]) -> Played {
        let output = self.command(out, flags).output().expect("the program");
        assert_eq!(self.left(), Vec::<i32>::new(), "{flags:?} left processes");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        Played { code: output.status.code(), text, out: self.path(out) }
    }

    /// Plays a program with processes and without: the same run. Gives that.
    fn both(&self, sre: &str, flags: &[&str]) -> Played {
        self.both_of(ROUNDS, sre, flags)
    }

    /// The same over so many rounds.
    fn both_of(&self, rounds: usize, sre: &str, flags: &[&str]) -> Played {
        let usual = ["--chaos-level", "high", "-n", &rounds.to_string(), "--sre", sre];
        let flags = [&usual[..], flags].concat();
        let processes = self.play("processes", &flags);
        let inline = self.play("inline", &[&flags[..], &["--inline"]].concat());
        assert_eq!(processes.code, inline.code, "{}\n{}", processes.text, inline.text);
        assert_eq!(processes.file("journal.jsonl"), inline.file("journal.jsonl"), "{sre}");
        inline
    }

    /// Processes that a run of this place has started and that are there.
    fn left(&self) -> Vec<i32> {
        let mark = format!("{MARK}={}", self.dir.path().display());
        let processes = fs::read_dir("/proc").expect("the process table").flatten();
        let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let is_marked = |pid: &i32| {
            // A zombie has no environment.
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        };
        pids.filter(is_marked).collect()
    }

    /// Waits until nothing is left.
    fn empties(&self) {
        wait_until("all processes are gone", || self.left().is_empty().then_some(()));
    }

    /// The text of a file that a program of this place writes, once there is a whole line of it.
    fn written(&self, name: &str) -> String {
        wait_until("the program has written", || {
            fs::read_to_string(self.path(name)).ok().filter(|text| text.ends_with('\n'))
        })
    }
}

impl Played {
    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.out.join(name))
            .unwrap_or_else(|error| panic!("{name}: {error}\n{}", self.text))
    }

    /// What the only SRE left out: late, malformed, dead.
    fn lapses(&self) -> [u64; 3] {
        let result: Value = serde_json::from_str(&self.file("result.json")).expect("a result");
        let lapses = &result["sres"][0]["lapses"];
        ["late", "malformed", "dead"].map(|kind| lapses[kind].as_u64().expect("a count"))
    }

    /// What was decided in each round, as the journal has it.
    fn decided(&self) -> Vec<Value> {
        let journal = self.file("journal.jsonl");
        let records = journal.lines().map(|line| serde_json::from_str::<Value>(line).expect("a record"));
        records.filter(|record| record["kind"] == "decided").collect()
    }

    fn log(&self) -> String {
        self.file("sre-oncall.log")
    }
}

/// Answers each round with nothing, and does something of its own before.
fn answering(before: &str) -> String {
    format!(
        "round=0\nwhile IFS= read -r line; do case $line in *'\"observe\"'*) round=$((round + 1)); {before}\n\
         echo \"{{\\\"round\\\":$round}}\";; esac; done\n"
    )
}

// ---- whatever it does -------------------------------------------------------------------------

#[test]
fn a_program_that_answers_is_journalled_and_acts() {
    let place = Place::new();
    let restarts = answering(
        "echo \"{\\\"round\\\":$round,\\\"note\\\":\\\"look\\\",\\\"diagnoses\\\":[{\\\"alerting\\\":\\\"web-1\\\",\
         \\\"cause\\\":\\\"cpu_spike\\\"}],\\\"acknowledge\\\":[1],\\\"actions\\\":[{\\\"action\\\":\
         \\\"rollback\\\",\\\"target\\\":\\\"web-1\\\"}]}\"; continue",
    );
    let played = place.both(&place.program("restarts", &restarts), &[]);
    assert_eq!((played.code, played.lapses()), (Some(0), [0, 0, 0]), "{}", played.text);
    let decided = played.decided();
    assert_eq!(decided.len(), ROUNDS);
    assert_eq!((&decided[1]["note"], &decided[1]["round"]), (&"look".into(), &2.into()));
    assert_eq!(decided[1]["actions"][0]["request"], 2);
    assert_eq!(decided[1]["diagnoses"][0]["entity"], "web-1");
    let journal = played.file("journal.jsonl");
    assert!(journal.contains("\"kind\":\"action_acted\""), "{journal}");
    assert_eq!(played.log(), "");
}

#[test]
fn a_program_that_is_dead_is_an_sre_that_does_nothing() {
    let place = Place::new();
    for (name, text, rounds, why) in [
        ("at-once", "exit 7", 6, "exited with code 7"),
        ("killed", "kill -9 $$", 6, "killed by signal 9"),
        ("nobody", "exec no-such-program-anywhere", 6, "exited with code 127"),
        ("deaf-and-dumb", "exec <&- >&-; exec sleep 1000", 6, "closed its standard output"),
        ("later", &answering("[ $round = 3 ] && exit 4"), 4, "ended in round 3: exited with code 4"),
        // What is said last needs no end, and counts.
        ("last-words", "read a; read b; printf '{\"round\":1}'", 5, "ended in round 1: exited with code 0"),
        // Its own child has its standard output, and it is dead all the same.
        ("left-behind", "sleep 1000 & exit 5", 6, "exited with code 5"),
    ] {
        let played = place.both(&place.program(name, text), &[]);
        let code = if rounds == 6 { 3 } else { 0 };
        assert_eq!((played.code, played.lapses()), (Some(code), [0, 0, rounds]), "{name}: {}", played.text);
        assert!(played.log().contains(why), "{name}: {}", played.log());
        assert!(played.text.contains("NO ANSWER"), "{name}: {}", played.text);
        let unheard =
            played.text.contains("there was no answer of `oncall`: its figures are those of nobody");
        assert_eq!(unheard, rounds == 6, "{name}: {}", played.text);
        fs::remove_dir_all(place.path("processes")).expect("removed");
        fs::remove_dir_all(place.path("inline")).expect("removed");
    }
}

#[test]
fn a_program_that_cannot_be_started_is_no_sre_that_does_badly() {
    let place = Place::new();
    let sre = place.program("ok", &answering(":"));
    for mode in [&["--inline"][..], &[]] {
        let out = format!("out{}", mode.len());
        let mut command = place.command(&out, &[&["--sre", &sre, "-n", "2"][..], mode].concat());
        // There is no shell.
        command.env("PATH", place.dir.path());
        let (code, told) = said(command);
        assert_eq!(code, Some(3), "{told}");
        let kept = Played { code, text: told.clone(), out: place.path(&out) };
        assert!(kept.file("result.json").contains("\"verdict\": \"invalid\""));
        let told = if mode.is_empty() { told } else { kept.file("result.json") };
        assert!(told.contains("the program of `oncall` could not be started: No such file"), "{told}");
    }
}

#[test]
fn nonsense_costs_its_round_and_no_other() {
    let place = Place::new();
    for (name, text, malformed, why) in [
        (
            "prose",
            answering("[ $round = 2 ] && echo 'I would restart it.' && continue"),
            1,
            "round 2: this is no JSON",
        ),
        (
            "half",
            answering("[ $round = 2 ] && echo '{\"round\":2,\"actions\":[' && continue"),
            1,
            "EOF while parsing",
        ),
        (
            "misspelt",
            answering("[ $round = 2 ] && echo '{\"round\":2,\"action\":[]}' && continue"),
            1,
            "unknown field `action`",
        ),
        (
            "ahead",
            answering("[ $round = 2 ] && echo '{\"round\":3}' && continue"),
            1,
            "a decision on round 3",
        ),
        (
            "too-many",
            answering(
                "[ $round = 2 ] && awk 'BEGIN { printf \"{\\\"round\\\":2,\\\"acknowledge\\\":[1\"; \
             for (i = 0; i < 99; i++) printf \",1\"; print \"]}\" }' && continue",
            ),
            1,
            "100 acknowledgements, 0 diagnoses and 0 actions are more than 6 servers can need",
        ),
        ("flood", "exec yes".to_owned(), 6, "this is no JSON object: y"),
        ("echo", "exec yes '{\"round\":1}'".to_owned(), 5, "more than 1000 lines in one round"),
        ("endless", "exec tr '\\0' x < /dev/zero".to_owned(), 6, "a line of more than 4194304 bytes"),
    ] {
        let played = place.both(&place.program(name, &text), &[]);
        let code = if malformed == 6 { 3 } else { 0 };
        assert_eq!(
            (played.code, played.lapses()),
            (Some(code), [0, malformed, 0]),
            "{name}: {}",
            played.text
        );
        assert!(played.log().contains(why), "{name}: {}", played.log());
        fs::remove_dir_all(place.path("processes")).expect("removed");
        fs::remove_dir_all(place.path("inline")).expect("removed");
    }
}

#[test]
fn a_hundred_megabytes_and_what_is_no_text_are_nonsense_and_no_more() {
    let place = Place::new();
    let large = answering("[ $round = 2 ] && { head -c 100000000 /dev/zero | tr '\\0' x; echo; continue; }");
    // The line goes on while other rounds are asked about: it takes answers to these with it.
    let played = place.both(&place.program("large", &large), &[]);
    assert_eq!(played.code, Some(0), "{}", played.text);
    let [late, malformed, dead] = played.lapses();
    assert!(malformed >= 1 && late == 0 && dead == 0, "{:?}", played.lapses());
    let binary = answering("[ $round = 2 ] && printf '\\377\\376\\000\\001{\\n' && continue");
    let played = place.play("binary", &["-n", "6", "--sre", &place.program("binary.sh", &binary)]);
    assert_eq!((played.code, played.lapses()), (Some(0), [0, 1, 0]), "{}", played.text);
    // What is shown of it does nothing to a terminal.
    assert!(played.log().contains("round 2: this is no JSON object: \u{fffd}"), "{}", played.log());
    assert!(!played.log().contains('\u{1}'));
}

#[test]
fn an_answer_may_come_in_halves() {
    let place = Place::new();
    let fifo = place.path("fifo");
    // The second half is written by another process, after the first is out.
    let halves = answering(&format!(
        "printf '{{\"rou'; mkfifo {0}.$round; (cat {0}.$round; echo \"nd\\\":$round}}\") & \
         echo -n > {0}.$round; wait; rm {0}.$round; continue",
        fifo.display()
    ));
    let played = place.both(&place.program("halves", &halves), &[]);
    assert_eq!((played.code, played.lapses()), (Some(0), [0, 0, 0]), "{}", played.log());
}

#[test]
fn what_does_not_exist_is_refused_under_its_name_and_the_rest_is_done() {
    let place = Place::new();
    let wrong = answering(
        "[ $round = 2 ] && echo '{\"round\":2,\"acknowledge\":[4000000000],\"diagnoses\":[{\"alerting\":\"wbe-1\",\
         \"cause\":\"gremlins\"}],\"actions\":[{\"action\":\"reboot\",\"target\":\"web-1\"},\
         {\"action\":\"rollback\",\"target\":\"the moon\"},{\"action\":\"rollback\",\"target\":\"web-1\"}]}' \
         && continue",
    );
    let tee = format!("tee {} | {{ {wrong} }}", place.path("heard").display());
    let played = place.both(&place.program("wrong", &tee), &[]);
    assert_eq!((played.code, played.lapses()), (Some(0), [0, 0, 0]), "{}", played.text);
    let log = played.log();
    assert!(log.contains("there is no server `wbe-1`; did you mean `web-1`?"), "{log}");
    assert!(log.contains("there is no kind of fault `gremlins`"), "{log}");
    assert!(log.contains("there is no action `reboot`"), "{log}");
    // It is told with the next observation, by the words that it used.
    let heard = place.written("heard");
    let third: Value = serde_json::from_str(heard.lines().nth(3).expect("round 3")).expect("JSON");
    let results = &third["results"];
    assert_eq!((&results[0]["action"], &results[0]["reason"]), (&"reboot".into(), &"unknown".into()));
    assert_eq!((&results[1]["target"], &results[1]["outcome"]), (&"the moon".into(), &"refused".into()));
    assert_eq!(results[2]["action"], "rollback");
    assert_ne!(results[2]["reason"], "unknown");
    assert!(third["problems"].as_array().is_some_and(|problems| problems.len() == 4), "{third}");
}

#[test]
fn one_that_never_answers_is_late_and_one_that_comes_from_behind_is_heard_again() {
    let place = Place::new();
    let silent = place.program("silent", "exec sleep 1000");
    let played = place.both(&silent, &["--sre-deadline", "20ms"]);
    assert_eq!((played.code, played.lapses()), (Some(3), [6, 0, 0]), "{}", played.text);
    assert!(played.log().contains("round 1: no answer within 20ms"), "{}", played.log());
    // It answers the second round when it is asked about the third.
    let behind = answering("[ $round = 2 ] && continue; [ $round = 3 ] && echo '{\"round\":2}'");
    let played =
        place.play("behind", &["-n", "4", "--sre-deadline", "2s", "--sre", &place.program("b", &behind)]);
    assert_eq!((played.code, played.lapses()), (Some(0), [1, 0, 0]), "{}", played.log());
}

#[test]
fn one_that_never_reads_is_not_written_to_for_ever() {
    let place = Place::new();
    let world = place.path("large.toml");
    fs::write(&world, large_world(200)).expect("written");
    let world = world.to_str().expect("text");
    let flags = ["--sre-deadline", "20ms", world];
    let played = place.both(&place.program("deaf", "exec sleep 1000"), &flags);
    assert_eq!((played.code, played.lapses()), (Some(3), [6, 0, 0]), "{}", played.text);
    // It may still decide: without looking, ahead of time.
    let blind =
        "exec <&-; for round in 1 2 3 4 5 6; do echo \"{\\\"round\\\":$round}\"; done; exec sleep 1000";
    let played = place.play("blind", &["-n", "6", "--sre", &place.program("blind.sh", blind), world]);
    assert_eq!((played.code, played.lapses()), (Some(0), [0, 0, 0]), "{}", played.text);
}

#[test]
fn several_programs_are_on_call_at_once() {
    let place = Place::new();
    let ok = place.program("ok", &answering(":"));
    let dead = place.program("dead", "exit 1");
    let flags = ["--sre", &format!("b={ok}"), "--sre", "c=rules:senior", "--sre", &format!("d={dead}")];
    let played = place.both(&format!("a={ok}"), &flags);
    assert_eq!(played.code, Some(3), "{}", played.text);
    assert!(played.text.contains("there was no answer of `d`"), "{}", played.text);
    let by_whom: Vec<_> = played.decided().iter().take(3).map(|decided| decided["sre"].clone()).collect();
    assert_eq!(by_whom, ["a", "b", "d"]);
    let logs: Vec<_> = names(&played.out).into_iter().filter(|name| name.ends_with(".log")).collect();
    assert_eq!(logs, ["sre-a.log", "sre-b.log", "sre-d.log"]);
}

#[test]
fn a_program_whose_sre_chaos_kills_begins_anew() {
    let place = Place::new();
    let begins = format!(
        "echo begins >> {0}\necho begins >&2\n{1}",
        place.path("begun").display(),
        answering(
            "case $line in *'\"observe\",\"round\":'*) round=${line#*'\"round\":'}; round=${round%%,*};; esac",
        )
    );
    let sre = place.program("begins", &begins);
    let flags = ["--scenario", "responder-down", "--sre", &sre];
    let mut command = support::running::world(place.dir.path());
    let scenario = |out: &str, more: &[&str], command: &mut Command| {
        let output = command
            .arg("run")
            .args(flags)
            .args(more)
            .arg("--out")
            .arg(place.path(out))
            .env(MARK, place.dir.path())
            .output()
            .expect("the program");
        assert_eq!(place.left(), Vec::<i32>::new());
        Played {
            code: output.status.code(),
            text: String::from_utf8_lossy(&output.stdout).into_owned(),
            out: place.path(out),
        }
    };
    let processes = scenario("a", &[], &mut command);
    let inline = scenario("b", &["--inline"], &mut support::running::world(place.dir.path()));
    assert_eq!(processes.file("journal.jsonl"), inline.file("journal.jsonl"), "{}", processes.text);
    assert_eq!(processes.lapses(), [0, 0, 0], "{}", processes.log());
    assert_eq!(processes.log(), "begins\nbegins\n");
    assert_eq!(inline.log(), "begins\nbegins\n");
    assert_eq!(place.written("begun").lines().count(), 4);
}

#[test]
fn of_a_program_there_is_one_at_a_time() {
    let place = Place::new();
    let looks = format!(
        "if read -r old < {0}; then case $(cut -d ' ' -f 3 /proc/$old/stat 2>&-) in ''|Z|X) ;; *) echo $old >> {1}\n\
         esac; fi; echo $$ > {0}\n{2}",
        place.path("pid").display(),
        place.path("clash").display(),
        answering(
            "case $line in *'\"observe\",\"round\":'*) round=${line#*'\"round\":'}; round=${round%%,*};; esac"
        )
    );
    let sre = place.program("looks", &looks);
    let faults = (1..=10).flat_map(|time| ["--fault".to_owned(), format!("sre_crash@{}:oncall", 4 * time)]);
    let faults: Vec<String> = faults.collect();
    let flags = ["fault-lab", "--chaos-level", "off", "-n", "44", "--sre", &sre];
    let flags: Vec<&str> = flags.into_iter().chain(faults.iter().map(String::as_str)).collect();
    for mode in [&["--inline"][..], &[]] {
        let played = place.play(&format!("out{}", mode.len()), &[&flags[..], mode].concat());
        assert_eq!((played.code, played.lapses()), (Some(0), [0, 0, 0]), "{}", played.log());
        assert!(!place.path("clash").exists(), "{}", place.written("clash"));
    }
}

#[test]
fn a_program_whose_sre_chaos_stops_is_not_asked_and_goes_on() {
    let place = Place::new();
    let world = place.path("stops.toml");
    let kind = "[[chaos]]\nname = \"sre_pause\"\nprobability = 0.0\nrounds = 2\nhits = \"sres\"\n\
                effect = { process = \"paused\" }\n";
    let systems = include_str!("../worlds/definitions/systems.toml");
    fs::write(&world, format!("{systems}\n{kind}")).expect("written");
    let asked = format!("echo ${{line%%,\\\"servers*}} >> {}", place.path("asked").display());
    let answers = "round=${line#*'\"round\":'}; round=${round%%,*}";
    let sre = place.program("answers", &answering(&format!("{answers}; {asked}")));
    let played = place.both(&sre, &["--fault", "sre_pause@3:oncall", world.to_str().expect("text")]);
    assert_eq!((played.code, played.lapses()), (Some(0), [0, 0, 0]), "{}", played.text);
    let decided: Vec<_> = played.decided().iter().map(|decided| decided["round"].clone()).collect();
    assert_eq!(decided, [1, 2, 5, 6], "{}", played.text);
    // With processes first, and then inline: the same program goes on, and has missed nothing that it was told.
    let asked = place.written("asked");
    let rounds: Vec<_> = asked.lines().filter_map(|line| line.rsplit(':').next()).collect();
    assert_eq!(rounds, ["1", "2", "5", "6", "1", "2", "5", "6"], "{asked}");
}

// ---- kills and signals ------------------------------------------------------------------------

/// A program that has a child in the background, says so, and then answers nothing.
fn hanging(place: &Place) -> String {
    let text =
        format!("sleep 1000 & read greeting; read round; echo up > {}; wait", place.path("up").display());
    place.program("hanging", &text)
}

#[test]
fn a_director_or_an_agent_that_is_killed_takes_the_program_along() {
    for inline in [true, false] {
        let place = Place::new();
        let sre = hanging(&place);
        let flags = ["--sre", &sre, "--inline"];
        let flags = if inline { &flags[..] } else { &flags[..2] };
        let mut command = place.command("killed", flags);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program");
        place.written("up");
        assert!(place.left().len() >= 4, "{:?}", place.left());
        child.kill().expect("it is there");
        child.wait().expect("it ends");
        place.empties();
    }
    // The guard, and then the agent: the program had to go with its guard.
    let place = Place::new();
    let sre = hanging(&place);
    let mut child = place.command("guard", &["--sre", &sre]);
    let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program");
    place.written("up");
    let guard = place.left().into_iter().find(|pid| {
        let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.contains("agent\0guard")
    });
    let guard = guard.and_then(Pid::from_raw).expect("a guard");
    kill_process(guard, Signal::KILL).expect("it is there");
    assert_eq!(child.wait().expect("it ends").code(), Some(3));
    place.empties();
    // The agent alone: the run goes on without it.
    let place = Place::new();
    let sre = hanging(&place);
    let mut run =
        Run::spawn(tempfile::tempdir().expect("a directory"), place.command("agent", &["--sre", &sre]));
    run.line_with("sre-oncall ");
    place.written("up");
    kill_process(run.pid_of("sre-oncall"), Signal::KILL).expect("it is there");
    run.line_with("LOST       sre-oncall: killed by signal 9");
    assert_eq!(run.end().code, Some(3));
    place.empties();
}

#[test]
fn an_agent_that_hangs_is_dropped_where_its_program_has_a_deadline() {
    let place = Place::new();
    let sre = place.program("ok", &answering(":"));
    let flags = ["--sre", &sre, "--sre-deadline", "100ms", "-n", "20", "--pace", "20ms"];
    let mut run = Run::spawn(tempfile::tempdir().expect("a directory"), place.command("hangs", &flags));
    run.line_with("Round 2 of");
    kill_process(run.pid_of("sre-oncall"), Signal::STOP).expect("it is there");
    run.line_with("LOST       sre-oncall: no answer within 5.1s");
    assert_eq!(run.end().code, Some(3));
    place.empties();
}

/// Interrupts a run of so many rounds that waits for a program, in its first round.
fn interrupted_in_its_first_round(rounds: &str, mode: &[&str]) {
    let place = Place::new();
    let sre = hanging(&place);
    let flags = [&["--sre", &sre, "-n", rounds][..], mode].concat();
    let mut command = place.command("signalled", &flags);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program");
    let told = lines_of(child.stderr.take().expect("a pipe"));
    let line = told.recv_timeout(support::running::PATIENCE).expect("a word about the wait");
    assert_eq!(line, "Waiting for sre-oncall to answer: Ctrl-C ends this, --sre-deadline limits it.");
    kill_process(Pid::from_child(&child), Signal::INT).expect("it is there");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    place.empties();
    let played = Played { code: None, text: String::new(), out: place.path("signalled") };
    // The round is whole, and says that nobody answered; the run is not, whatever there was left to play.
    assert_eq!(played.lapses(), [1, 0, 0]);
    assert_eq!(played.decided().len(), 1);
    assert!(played.file("result.json").contains("\"verdict\": \"interrupted\""));
}

#[test]
fn the_first_signal_ends_the_wait_for_a_program_and_the_run_after_its_round() {
    interrupted_in_its_first_round("15", &["--inline"]);
    interrupted_in_its_first_round("15", &[]);
}

#[test]
fn a_run_whose_last_answer_was_not_waited_for_is_interrupted() {
    interrupted_in_its_first_round("1", &["--inline"]);
    interrupted_in_its_first_round("1", &[]);
}

#[test]
fn a_program_that_stays_when_its_input_ends_is_ended_with_all_that_it_started() {
    let place = Place::new();
    let stays = format!("trap '' TERM HUP INT; (trap '' TERM; sleep 1000) & {}\nwait", answering(":"));
    let played = place.both(&place.program("stays", &stays), &[]);
    assert_eq!((played.code, played.lapses()), (Some(0), [0, 0, 0]), "{}", played.text);
    // One that cleans up has the time for it.
    let tidy = format!("{}\necho tidied up >&2", answering(":"));
    let played = place.play("tidy", &["-n", "2", "--sre", &place.program("tidy.sh", &tidy)]);
    assert_eq!(played.log(), "tidied up\n");
    // `kill 0` means its own group, in which nobody else is.
    let played =
        place.play("all", &["-n", "2", "--sre", &place.program("all.sh", "kill 0; exec sleep 1000")]);
    assert_eq!((played.code, played.lapses()), (Some(3), [0, 0, 2]), "{}", played.text);
}

#[test]
fn a_program_whose_processes_left_its_group_is_ended_with_them() {
    if Command::new("timeout").args(["1", "true"]).output().is_err() {
        return skipped("there is no timeout", "a program whose processes left its group is ended with them");
    }
    let place = Place::new();
    let answers = place.program("answers", &answering(":"));
    let stays = place.program("stays", &format!("{}\nexec sleep 1000", answering(":")));
    for program in [&answers, &stays] {
        let command = program.replace("exec:exec", "exec:exec timeout 900");
        let played = place.both_of(2, &command, &[]);
        assert_eq!((played.code, played.lapses()), (Some(0), [0, 0, 0]), "{}", played.text);
        fs::remove_dir_all(place.path("processes")).expect("removed");
        fs::remove_dir_all(place.path("inline")).expect("removed");
    }
    // Killed while it waits, with or without an agent between.
    let hangs = hanging(&place).replace("exec:exec", "exec:exec timeout 900");
    for mode in [&["--inline"][..], &[]] {
        let flags = [&["--sre", &hangs][..], mode].concat();
        let mut command = place.command("killed", &flags);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program");
        place.written("up");
        fs::remove_file(place.path("up")).expect("it is there");
        child.kill().expect("it is there");
        child.wait().expect("it ends");
        place.empties();
        fs::remove_dir_all(place.path("killed")).expect("removed");
    }
}

#[test]
fn a_program_can_be_put_on_call_by_hand() {
    let place = Place::new();
    let sre = place.program("ok", &answering("echo seen >&2"));
    let flags = ["--sre", &sre, "-n", "4"];
    let inline = place.play("inline", &[&flags[..], &["--inline"]].concat());
    let command = place.command("by-hand", &[&flags[..], &["--manual=oncall"]].concat());
    let mut run = Run::spawn(tempfile::tempdir().expect("a directory"), command);
    let line = run.line_with("agent sre --name oncall");
    // The line is what is to be typed.
    assert!(line.contains("--exec 'exec sh "), "{line}");
    let mut agent = Command::new("sh");
    agent.arg("-c").arg(line.trim());
    agent.env("WORLD_RUNTIME_DIR", place.path("world")).env(MARK, place.dir.path());
    let (code, told) = said(agent);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(told.matches("seen").count(), 4, "{told}");
    run.line_with("Journal");
    assert_eq!(run.end().code, Some(0));
    place.empties();
    let by_hand = Played { code: None, text: String::new(), out: place.path("by-hand") };
    assert_eq!(by_hand.file("journal.jsonl"), inline.file("journal.jsonl"));
}

// ---- what it can know -------------------------------------------------------------------------

/// What a program is told, in a run of the built-in world with twins that look alike.
fn heard(place: &Place, seed: &str, fault: &str) -> String {
    let twin = |name: &str| {
        format!(
            "\n[[chaos]]\nname = \"{name}\"\nprobability = 0.0\nrounds = 3\neffect = {{ error_rate = 0.4 }}\n"
        )
    };
    let systems = include_str!("../worlds/definitions/systems.toml");
    let world = place.path("twins.toml");
    fs::write(&world, format!("{systems}{}{}", twin("castor"), twin("pollux"))).expect("written");
    let tee = format!("tee {} | {{ {} }}", place.path("heard").display(), answering(":"));
    let sre = place.program("tee", &tee);
    let flags = ["--sre", &sre, "--chaos-level", "off", "--fault", fault, "--inline", "-n", "8"];
    let mut command = support::running::world(place.dir.path());
    command.args(["run", "--seed", seed]).args(flags).arg(world);
    let (code, told) = said(command);
    assert_eq!(code, Some(0), "{told}");
    place.written("heard")
}

#[test]
fn a_program_is_told_no_seed_and_of_faults_that_look_alike_the_same() {
    let place = Place::new();
    let seed = 0x5EED_0BAD_C0DE_F00D_u64.to_string();
    let castor = heard(&place, &seed, "castor@3:api-1");
    let pollux = heard(&place, &seed, "pollux@3:api-1");
    assert_eq!(castor.lines().count(), 9, "a greeting and eight observations");
    assert_eq!(castor, pollux);
    assert!(!castor.contains(&seed));
    // The ear is not deaf.
    assert_ne!(castor, heard(&place, &seed, "castor@3:web-1"));
}

#[test]
fn a_program_has_the_three_streams_and_no_other() {
    let place = Place::new();
    let looks = format!(
        "for descriptor in /proc/$$/fd/*; do echo ${{descriptor##*/}}; done > {0}; tr '\\0' '\\n' \
         < /proc/$$/environ > {1}\n{2}",
        place.path("descriptors").display(),
        place.path("environment").display(),
        answering(":")
    );
    for mode in [&["--inline"][..], &[]] {
        let out = format!("looks{}", mode.len());
        let sre = place.program("looks", &looks);
        let flags = [&["-n", "2", "--seed", "5550000555", "--sre", &sre][..], mode].concat();
        let mut command = support::running::world(place.dir.path());
        command.arg("run").args(flags).arg("--out").arg(place.path(&out));
        let (code, told) = said(command);
        assert_eq!(code, Some(0), "{told}");
        let descriptors = fs::read_to_string(place.path("descriptors")).expect("written");
        // A shell keeps the script that it reads under a number of its own, and the one it writes to.
        let low: Vec<_> =
            descriptors.lines().filter(|line| line.parse().is_ok_and(|fd: u32| fd < 10)).collect();
        assert!(low.starts_with(&["0", "1", "2"]) && low.len() <= 4, "{descriptors}");
        let environment = fs::read_to_string(place.path("environment")).expect("written");
        assert!(!environment.contains("5550000555"), "{environment}");
    }
}

#[test]
fn a_scenario_of_somebody_else_starts_a_program_only_when_it_is_run() {
    let place = Place::new();
    let mine = include_str!("../scenarios/cache-loss.toml");
    let program = place.program("theirs", &format!("echo began > {}", place.path("began").display()));
    let given = mine.lines().find(|line| line.starts_with("sres = ")).expect("somebody is on call");
    let scenario = place.path("theirs.toml");
    fs::write(&scenario, mine.replace(given, &format!("sres = [\"{program}\"]"))).expect("written");
    for command in ["show", "validate", "prove"] {
        let (code, told) = said({
            let mut command_line = support::running::world(place.dir.path());
            command_line.args(["scenarios", command]).arg(&scenario);
            command_line
        });
        assert_eq!(code, Some(0), "{command}: {told}");
        assert!(!place.path("began").exists(), "{command}");
    }
    let scenario = scenario.to_str().expect("text");
    let mut command = support::running::world(place.dir.path());
    command.args(["run", "--inline", "-q", "--scenario", scenario]);
    // It says nothing more than that.
    assert_eq!(said(command).0, Some(3));
    assert!(place.path("began").exists());
}

// ---- how it is seen ---------------------------------------------------------------------------

#[test]
fn a_program_that_is_chance_is_told_from_one_that_is_not() {
    let place = Place::new();
    let steady = place.program("steady", &answering("echo seen >&2"));
    let same = place.play("steady.out", &["-n", "3", "--sre", &steady, "--check-determinism"]);
    assert_eq!(same.code, Some(0), "{}", same.text);
    // What is only repeated is not written down again.
    assert_eq!(same.log(), "seen\nseen\nseen\n");
    // It decides otherwise when it is started for the second time.
    let counts = format!(
        "echo x >> {0}; n=$(wc -l < {0})\n{1}",
        place.path("count").display(),
        answering("[ $n -gt 1 ] && echo \"{\\\"round\\\":$round,\\\"note\\\":\\\"$n\\\"}\" && continue"),
    );
    let other = place
        .play("counts.out", &["-n", "3", "--sre", &place.program("counts", &counts), "--check-determinism"]);
    assert_eq!(other.code, Some(4), "{}", other.text);
    assert!(other.text.contains("decided"), "{}", other.text);
}

#[test]
fn what_a_program_says_on_standard_error_is_its_log_up_to_a_limit() {
    let place = Place::new();
    let talks = format!(
        "echo started >&2; head -c 20000000 /dev/zero | tr '\\0' 'x' >&2\n{}",
        answering("echo $round >&2")
    );
    let sre = place.program("talks", &talks);
    for mode in [&["--inline"][..], &[]] {
        let out = format!("talks{}", mode.len());
        let played = place.play(&out, &[&["-n", "3", "--sre", &sre][..], mode].concat());
        assert_eq!((played.code, played.lapses()), (Some(0), [0, 0, 0]));
        let log = played.log();
        assert!(log.starts_with("started\nxxx"), "{}", &log[..40]);
        assert!(
            log.ends_with("x\nworld: what the program says is kept up to 16777216 bytes\n"),
            "{}",
            log.len()
        );
    }
    // Without a recording it is on standard error, with all else that is said there.
    let mut command = support::running::world(place.dir.path());
    let sre = place.program("says", &answering("echo round $round >&2"));
    command.args(["run", "--seed", "3", "-n", "2", "--inline", "--sre", &sre]);
    let (code, told) = said(command);
    assert_eq!(code, Some(0));
    assert!(told.contains("round 1\nround 2\n"), "{told}");
}

// ---- the examples -----------------------------------------------------------------------------

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sre").join(name)
}

/// The score of a run with an example on call, which has to answer in every round.
fn score_of(command: &str) -> f64 {
    let place = Place::new();
    let played = place.both_of(15, &format!("exec:{command}"), &[]);
    assert_eq!(
        (played.code, played.lapses(), played.log()),
        (Some(0), [0, 0, 0], String::new()),
        "{}",
        played.text
    );
    let result: Value = serde_json::from_str(&played.file("result.json")).expect("a result");
    result["score"].as_f64().expect("a score")
}

#[test]
fn the_example_in_shell_does_better_than_nobody() {
    let path = example("minimal.sh");
    let score = score_of(&format!("sh {}", path.display()));
    assert!(score > 0.0, "{score}");
}

#[test]
fn the_example_in_python_does_better_than_nobody_and_is_short() {
    let path = example("runbook.py");
    let text = fs::read_to_string(&path).expect("the example");
    let code = text.split("\"\"\"").nth(2).expect("code after its description");
    let lines = code.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    assert!(lines.clone().count() <= 30, "{}", lines.count());
    if Command::new("python3").arg("--version").output().is_err() {
        return skipped("there is no python3", "the example in Python does better than nobody");
    }
    let score = score_of(&format!("python3 {}", path.display()));
    assert!(score > 0.0, "{score}");
}
