//! The composite action for GitHub.

use crate::{HOSTILE, archive, can_be_played, path_with, stand_in, support, yaml};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use support::running::wait_until;
use tempfile::TempDir;
use yaml_rust2::Yaml;

const WORLD: &str = env!("CARGO_BIN_EXE_world");

fn action() -> Yaml {
    yaml::document(include_str!("../../deploy/github-action/action.yml"))
}

/// A job that uses the action.
struct Job {
    action: Yaml,
    place: TempDir,
    inputs: BTreeMap<String, String>,
    env: Vec<(String, String)>,
    /// Cancelled by this, when the drill is under way.
    cancelled: Option<Signal>,
}

/// What came of it.
#[derive(Debug, Default)]
struct Used {
    /// The exit code of the first step that failed, 0 if none did.
    code: i32,
    /// The action's outputs.
    outputs: BTreeMap<String, String>,
    /// The files of the artifact that was kept, if one was.
    kept: Option<Vec<String>>,
    /// What was said.
    said: String,
}

impl Job {
    fn with(inputs: &[(&str, &str)]) -> Self {
        let action = action();
        let defaults = yaml::pairs(&action["inputs"]).into_iter();
        let mut all: BTreeMap<_, _> =
            defaults.map(|(name, input)| (name, yaml::text(&input["default"]))).collect();
        for (name, value) in inputs {
            assert!(all.insert((*name).to_owned(), (*value).to_owned()).is_some(), "no input {name}");
        }
        let place = tempfile::tempdir().expect("a directory");
        for dir in ["workspace", "temp", "runtime"] {
            fs::create_dir(place.path().join(dir)).expect("a directory");
        }
        Self { action, place, inputs: all, env: Vec::new(), cancelled: None }
    }

    /// With the program of these tests, and on a seed that comes to the same each time.
    fn of_this_program(inputs: &[(&str, &str)]) -> Self {
        let given = [("program", WORLD), ("seed", "7")];
        Self::with(&given.iter().chain(inputs).copied().collect::<Vec<_>>())
    }

    fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    fn workspace(&self) -> std::path::PathBuf {
        self.place.path().join("workspace")
    }

    /// Goes through the steps as a runner does: after one that failed, only those that always run.
    fn run(&self) -> Used {
        let (mut used, mut steps) = (Used::default(), BTreeMap::new());
        for step in self.action["runs"]["steps"].as_vec().expect("steps") {
            let condition = step["if"].as_str().unwrap_or_default();
            if !self.holds(condition, &steps, used.code == 0) {
                continue;
            }
            if step["uses"].as_str().is_some() {
                self.keep(step, &steps, &mut used);
                continue;
            }
            let id = yaml::text(&step["id"]);
            let (code, said) = self.run_shell(&id, step, &steps);
            if used.code == 0 {
                used.code = code;
            }
            used.said += &said;
            steps.insert(id.clone(), self.written_by(&id));
        }
        for (name, output) in yaml::pairs(&self.action["outputs"]) {
            used.outputs.insert(name, self.value(&yaml::text(&output["value"]), &steps));
        }
        used
    }

    fn run_shell(&self, id: &str, step: &Yaml, steps: &Steps) -> (i32, String) {
        assert_eq!(step["shell"].as_str(), Some("bash"));
        let script = self.place.path().join(format!("{id}.sh"));
        fs::write(&script, yaml::text(&step["run"])).expect("a script");
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-eo", "pipefail"]).arg(script).current_dir(self.workspace());
        command
            .env("GITHUB_OUTPUT", self.place.path().join(format!("{id}.outputs")))
            .env("GITHUB_STEP_SUMMARY", self.place.path().join("summary"))
            .env("RUNNER_TEMP", self.place.path().join("temp"))
            .env("WORLD_RUNTIME_DIR", self.place.path().join("runtime/world"));
        for (name, value) in yaml::pairs(&step["env"]) {
            command.env(name, self.value(&yaml::text(&value), steps));
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = child.expect("bash");
        if let Some(signal) = self.cancelled.filter(|_| id == "drill") {
            self.cancel(&child, signal);
        }
        let output = child.wait_with_output().expect("its output");
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        (output.status.code().expect("an exit code"), said.concat())
    }

    /// Signals the shell of a step, and nobody else, when its drill is under way.
    fn cancel(&self, shell: &Child, signal: Signal) {
        let journal = self.workspace().join("world-drill/journal.jsonl");
        wait_until("a round is written down", || {
            fs::metadata(&journal).is_ok_and(|journal| journal.len() > 0).then_some(())
        });
        kill_process(Pid::from_child(shell), signal).expect("the shell is there");
    }

    fn written_by(&self, id: &str) -> BTreeMap<String, String> {
        let text = fs::read_to_string(self.place.path().join(format!("{id}.outputs"))).unwrap_or_default();
        let lines =
            text.lines().map(|line| line.split_once('=').unwrap_or_else(|| panic!("output `{line}`")));
        lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The upload of an artifact.
    fn keep(&self, step: &Yaml, steps: &Steps, used: &mut Used) {
        let dir = self.workspace().join(self.value(&yaml::text(&step["with"]["path"]), steps));
        assert_ne!(self.value(&yaml::text(&step["with"]["name"]), steps), "");
        used.kept = Some(support::names(&dir));
    }

    /// A value with at most one expression in it, which is all of it.
    fn value(&self, text: &str, steps: &Steps) -> String {
        let Some(expression) = text.strip_prefix("${{ ").and_then(|rest| rest.strip_suffix(" }}")) else {
            assert!(!text.contains("${{"), "`{text}`");
            return text.to_owned();
        };
        self.look_up(expression, steps)
    }

    fn look_up(&self, expression: &str, steps: &Steps) -> String {
        match expression.split('.').collect::<Vec<_>>()[..] {
            ["inputs", name] => self.inputs.get(name).unwrap_or_else(|| panic!("no input {name}")).clone(),
            ["steps", id, "outputs", name] => {
                steps.get(id).and_then(|outputs| outputs.get(name)).cloned().unwrap_or_default()
            }
            ["github", "action_path"] => {
                concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/github-action").to_owned()
            }
            _ => panic!("`{expression}` is more than this reader knows"),
        }
    }

    /// A condition that does not say `always()` holds only while no step has failed.
    fn holds(&self, condition: &str, steps: &Steps, no_step_failed: bool) -> bool {
        let mut terms = condition.split(" && ").filter(|term| !term.is_empty());
        (no_step_failed || condition.contains("always()"))
            && terms.all(|term| match term {
                "always()" => true,
                term => {
                    let field = term.strip_suffix(" != ''").unwrap_or_else(|| panic!("`{term}`"));
                    !self.look_up(field, steps).is_empty()
                }
            })
    }
}

/// Outputs of the steps so far, by their ids.
type Steps = BTreeMap<String, BTreeMap<String, String>>;

fn document(dir: &Path, name: &str) -> Value {
    let text = fs::read_to_string(dir.join(name)).expect("a document");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn the_action_says_of_itself_what_github_asks_and_uses_all_that_it_asks_for() {
    let action = action();
    assert_eq!(action["runs"]["using"].as_str(), Some("composite"));
    for field in ["name", "description"] {
        assert!(action[field].as_str().is_some_and(|text| text.len() > 8), "{field}");
    }
    let text = include_str!("../../deploy/github-action/action.yml");
    for (name, input) in yaml::pairs(&action["inputs"]) {
        assert_eq!(yaml::keys(&input), ["description", "default"], "{name}");
        assert!(text.contains(&format!("inputs.{name} ")), "nothing uses the input {name}");
    }
    for (name, output) in yaml::pairs(&action["outputs"]) {
        assert_eq!(yaml::keys(&output), ["description", "value"], "{name}");
    }
    let known = ["id", "name", "if", "shell", "env", "run", "uses", "with"];
    for step in action["runs"]["steps"].as_vec().expect("steps") {
        for key in yaml::keys(step) {
            assert!(known.contains(&&*key), "a step of a composite action has no `{key}`");
        }
    }
}

#[test]
fn nothing_that_is_given_to_the_action_becomes_a_part_of_a_script_and_what_it_uses_is_pinned() {
    let action = action();
    for step in action["runs"]["steps"].as_vec().expect("steps") {
        match (step["run"].as_str(), step["uses"].as_str()) {
            (Some(script), None) => assert!(!script.contains("${{"), "{script}"),
            (None, Some(used)) => {
                let commit = used.split_once('@').expect("a version").1;
                assert!(commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{used}");
            }
            _ => panic!("a step runs a script or uses an action: {step:?}"),
        }
    }
}

#[test]
fn a_drill_whose_gates_hold_passes_and_tells_its_verdict_and_availability() {
    if !can_be_played("a drill passes in GitHub's pipeline") {
        return;
    }
    let job = Job::of_this_program(&[("world", "single"), ("chaos-level", "low"), ("rounds", "10")]);
    let used = job.run();
    assert_eq!(used.code, 0, "{}", used.said);
    let result = document(&job.workspace().join("world-drill"), "result.json");
    assert_eq!((&result["world"]["name"], &result["rounds"]), (&"single".into(), &10.into()));
    assert_eq!((&result["seed"], &result["chaos_level"]), (&7.into(), &"low".into()));
    assert_eq!(used.outputs["verdict"], "ok");
    assert_eq!(used.outputs["exit-code"], "0");
    assert_eq!(used.outputs["out"], "world-drill");
    let availability: f64 = used.outputs["availability"].parse().expect("a number");
    assert_eq!(Some(availability), result["availability_pct"].as_f64());
    for file in ["journal.jsonl", "result.json", "runtime.json"] {
        assert!(
            used.kept.as_ref().is_some_and(|kept| kept.iter().any(|name| name == file)),
            "{:?}",
            used.kept
        );
    }
}

#[test]
fn a_drill_whose_gate_fails_fails_its_step_and_is_kept_all_the_same() {
    if !can_be_played("a drill fails in GitHub's pipeline, and is kept") {
        return;
    }
    let gates = "availability_pct < 1\n\n  availability_pct <= 100  \n";
    let sres = "day=rules:junior\nnight=rules:senior";
    let used =
        Job::of_this_program(&[("fail-on", gates), ("sre", sres), ("out", "a place/of its own")]).run();
    assert_eq!(used.code, 1, "{}", used.said);
    assert_eq!(used.outputs["verdict"], "gate_failed");
    assert_eq!(used.outputs["exit-code"], "1");
    assert_eq!(used.outputs["out"], "a place/of its own");
    assert!(used.kept.is_some_and(|kept| kept.contains(&"result.json".to_owned())));
    for part in ["day", "night", "availability_pct <= 100"] {
        assert!(used.said.contains(part), "no `{part}` in:\n{}", used.said);
    }
}

#[test]
fn a_drill_over_seeds_tells_the_mean_availability() {
    if !can_be_played("a drill over seeds in GitHub's pipeline") {
        return;
    }
    let given = [("scenario", "cache-loss"), ("seeds", "4"), ("arguments", "--inline\n--quiet")];
    let job = Job::of_this_program(&given);
    let used = job.run();
    // The scenario has a gate of its own, which four seeds need not decide.
    assert!([0, 3].contains(&used.code), "{}", used.said);
    let drill = document(&job.workspace().join("world-drill"), "drill.json");
    assert_eq!((&drill["scenario"]["name"], &drill["seeds_planned"]), (&"cache-loss".into(), &4.into()));
    let metrics = drill["metrics"].as_array().expect("metrics");
    let mean = metrics.iter().find(|metric| metric["metric"] == "availability_pct").expect("it");
    assert_eq!(used.outputs["availability"].parse().ok(), mean["mean"].as_f64());
    assert_eq!(drill["mode"], "inline");
    assert_eq!(drill["verdict"], *used.outputs["verdict"]);
}

#[test]
fn a_drill_that_is_refused_keeps_nothing_and_tells_nothing_of_an_earlier_one() {
    if !can_be_played("a drill is refused in GitHub's pipeline") {
        return;
    }
    let job = Job::of_this_program(&[]);
    assert_eq!(job.run().code, 0);
    // The directory holds a run now.
    for output in ["program.outputs", "drill.outputs"] {
        fs::remove_file(job.place.path().join(output)).expect("outputs");
    }
    let again = job.run();
    assert_eq!(again.code, 2, "{}", again.said);
    assert_eq!((&*again.outputs["exit-code"], &*again.outputs["verdict"]), ("2", ""));
    assert_eq!((&*again.outputs["availability"], again.kept), ("", None));
    assert!(again.said.contains("already holds a run"), "{}", again.said);
}

#[test]
fn what_is_given_to_any_input_runs_nothing() {
    if !can_be_played("nothing that is given to GitHub's action runs") {
        return;
    }
    for name in yaml::keys(&action()["inputs"]) {
        for hostile in HOSTILE {
            let job = Job::of_this_program(&[("arguments", "--inline"), (&name, hostile)]);
            let used = job.run();
            let left = support::names(&job.workspace());
            assert!(!left.contains(&"pwned".to_owned()), "{name}: {hostile}\n{}", used.said);
            // A directory and an artifact may be called anything that is one line.
            let may_be_so = ["out", "artifact", "sha256"].contains(&&*name);
            assert!(used.code != 0 || may_be_so, "{name}: {hostile}\n{}", used.said);
        }
    }
}

#[test]
fn an_archive_with_the_right_checksum_is_unpacked_and_any_other_is_refused() {
    if !can_be_played("GitHub's action checks the archive") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (archive, sha256) = archive(dir.path());
    let path = archive.to_str().expect("text");
    let used = Job::with(&[("archive", path), ("sha256", &sha256)]).run();
    assert_eq!(used.code, 0, "{}", used.said);
    assert_eq!(used.outputs["verdict"], "ok");
    let other = "0".repeat(64);
    for (sha256, says) in [(&*other, "another checksum"), ("", "needs its checksum"), ("abc", "of 64 digits")]
    {
        let used = Job::with(&[("archive", path), ("sha256", sha256)]).run();
        assert_eq!((used.code, used.outputs["exit-code"].as_str()), (2, ""), "{}", used.said);
        assert!(used.said.contains("::error") && used.said.contains(says), "no `{says}` in:\n{}", used.said);
    }
}

#[test]
fn an_archive_with_a_url_is_fetched() {
    if !can_be_played("GitHub's action fetches the archive") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (archive, sha256) = archive(dir.path());
    // Stands for a download: the last two arguments are the URL's, the two before them the file's.
    let fetch =
        format!("echo \"$@\" >&2\nwhile [ $# -gt 4 ]; do shift; done\ncp {} \"$2\"", archive.display());
    stand_in(&dir.path().join("bin"), "curl", &fetch);
    let url = "https://releases.example/world.tar.gz?token=$(touch pwned)";
    let job =
        Job::with(&[("archive", url), ("sha256", &sha256)]).env("PATH", path_with(&dir.path().join("bin")));
    let used = job.run();
    assert_eq!(used.code, 0, "{}", used.said);
    assert!(used.said.contains(&format!("--url {url}")) && used.said.contains("--fail "), "{}", used.said);
}

#[test]
fn the_program_is_built_when_that_is_asked_for_and_never_from_two_sources() {
    if !can_be_played("GitHub's action builds the program") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let build = format!("echo \"$@\" >&2\nmkdir \"$6/bin\" && cp {WORLD} \"$6/bin\"");
    stand_in(dir.path(), "cargo", &build);
    let used = Job::with(&[("build", "true")]).env("PATH", path_with(dir.path())).run();
    assert_eq!(used.code, 0, "{}", used.said);
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/github-action/../..");
    assert!(used.said.contains(&format!("install --locked --path {sources} --root ")), "{}", used.said);
    let two = [("build", "true"), ("program", WORLD)];
    for inputs in [&[][..], &two, &[("program", WORLD), ("archive", "x")], &[("build", "yes")]] {
        let used = Job::with(inputs).run();
        assert_eq!(used.code, 2, "{inputs:?}: {}", used.said);
        assert!(used.said.contains("give one of"), "{}", used.said);
    }
}

#[test]
fn a_program_whose_name_would_write_outputs_of_its_own_is_refused() {
    if !can_be_played("a program's name writes no outputs in GitHub's pipeline") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let program = dir.path().join("world\nverdict=ok");
    std::os::unix::fs::symlink(WORLD, &program).expect("a link");
    let used = Job::with(&[("program", program.to_str().expect("text"))]).run();
    assert_eq!((used.code, &*used.outputs["verdict"]), (2, ""), "{}", used.said);
    assert!(used.said.contains("is one line"), "{}", used.said);
}

#[test]
fn a_drill_that_is_cancelled_ends_after_its_round_and_is_kept() {
    if !can_be_played("a drill is cancelled in GitHub's pipeline") {
        return;
    }
    for signal in [Signal::INT, Signal::TERM] {
        let mut job = Job::of_this_program(&[("rounds", "3000"), ("arguments", "--pace=10ms\n--quiet")]);
        job.cancelled = Some(signal);
        let used = job.run();
        assert_eq!(used.code, 143, "{}", used.said);
        assert_eq!((&*used.outputs["verdict"], &*used.outputs["exit-code"]), ("interrupted", "143"));
        assert!(used.kept.is_some_and(|kept| kept.contains(&"result.json".to_owned())));
    }
}
