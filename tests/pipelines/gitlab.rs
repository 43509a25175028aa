//! The job for GitLab.

use crate::{HOSTILE, archive, can_be_played, path_with, stand_in, support, yaml};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;
use yaml_rust2::Yaml;

const WORLD: &str = env!("CARGO_BIN_EXE_world");

/// The variables that the file tells of.
const VARIABLES: [&str; 13] = [
    "WORLD_PROGRAM",
    "WORLD_ARCHIVE",
    "WORLD_SHA256",
    "DRILL_SCENARIO",
    "DRILL_WORLD",
    "DRILL_SEED",
    "DRILL_SEEDS",
    "DRILL_ROUNDS",
    "DRILL_CHAOS_LEVEL",
    "DRILL_SRE",
    "DRILL_FAULT",
    "DRILL_FAIL_ON",
    "DRILL_ARGUMENTS",
];

const FILE: &str = include_str!("../../deploy/gitlab/drill.gitlab-ci.yml");

fn template() -> Yaml {
    yaml::document(FILE)[".world-drill"].clone()
}

/// A job that extends the template.
struct Job {
    place: TempDir,
    variables: Vec<(String, String)>,
    shell: &'static str,
}

/// What came of it.
#[derive(Debug)]
struct Ended {
    code: i32,
    /// The variables that later jobs get.
    dotenv: BTreeMap<String, String>,
    said: String,
}

impl Job {
    fn with(shell: &'static str, variables: &[(&str, &str)]) -> Self {
        let place = tempfile::tempdir().expect("a directory");
        for dir in ["project", "runtime"] {
            fs::create_dir(place.path().join(dir)).expect("a directory");
        }
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self { place, variables: variables.collect(), shell }
    }

    fn of_this_program(shell: &'static str, variables: &[(&str, &str)]) -> Self {
        let given = [("WORLD_PROGRAM", WORLD), ("DRILL_SEED", "7")];
        Self::with(shell, &given.iter().chain(variables).copied().collect::<Vec<_>>())
    }

    fn project(&self) -> PathBuf {
        self.place.path().join("project")
    }

    /// Each entry of the script after the other, as a runner does, until one fails.
    fn run(&self) -> Ended {
        let template = template();
        let entries = template["script"].as_vec().expect("a script").iter().map(yaml::text);
        let mut command = Command::new(self.shell);
        command.arg("-ec").arg(entries.collect::<Vec<_>>().join("\n")).current_dir(self.project());
        command.env("WORLD_RUNTIME_DIR", self.place.path().join("runtime/world"));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let output = command.stdin(Stdio::null()).output().expect("a shell");
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        let dotenv = fs::read_to_string(self.project().join("world-drill.env")).unwrap_or_default();
        let pairs = dotenv.lines().map(|line| line.split_once('=').expect("a variable"));
        Ended {
            code: output.status.code().expect("an exit code"),
            dotenv: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            said: said.concat(),
        }
    }
}

/// The shells that images have: any that is there beside `bash` is `sh`.
const SHELLS: [&str; 2] = ["sh", "bash"];

#[test]
fn the_file_offers_one_job_to_extend_that_keeps_what_it_wrote_whatever_came_of_it() {
    assert_eq!(yaml::keys(&yaml::document(FILE)), [".world-drill"]);
    let template = template();
    assert_eq!(yaml::keys(&template), ["script", "artifacts"]);
    let artifacts = &template["artifacts"];
    assert_eq!(artifacts["when"].as_str(), Some("always"));
    assert_eq!(artifacts["paths"][0].as_str(), Some("world-drill"));
    assert_eq!(artifacts["reports"]["junit"].as_str(), Some("world-drill/junit.xml"));
    assert_eq!(artifacts["reports"]["dotenv"].as_str(), Some("world-drill.env"));
}

#[test]
fn every_variable_that_is_told_of_is_used_and_none_is_put_together_by_gitlab() {
    let script = yaml::text(&template()["script"][0]);
    let (told, _) = FILE.split_once(".world-drill:\n").expect("the template");
    for variable in VARIABLES {
        assert!(told.contains(variable) && script.contains(variable), "{variable}");
    }
    // `$[[ ]]` would be spliced into the script before a shell sees it.
    assert!(!script.contains("$[["));
}

#[test]
fn a_drill_whose_gates_hold_passes_and_tells_later_jobs() {
    if !can_be_played("a drill passes in GitLab's pipeline") {
        return;
    }
    for shell in SHELLS {
        let job = Job::of_this_program(
            shell,
            &[
                ("DRILL_WORLD", "single"),
                ("DRILL_CHAOS_LEVEL", "low"),
                ("DRILL_FAIL_ON", "availability_pct < 1"),
            ],
        );
        let ended = job.run();
        assert_eq!(ended.code, 0, "{shell}: {}", ended.said);
        let result = fs::read_to_string(job.project().join("world-drill/result.json")).expect("a result");
        let result: serde_json::Value = serde_json::from_str(&result).expect("JSON");
        assert_eq!((&result["world"]["name"], &result["chaos_level"]), (&"single".into(), &"low".into()));
        assert_eq!((&*ended.dotenv["WORLD_VERDICT"], &*ended.dotenv["WORLD_EXIT_CODE"]), ("ok", "0"));
        let availability = ended.dotenv["WORLD_AVAILABILITY"].parse::<f64>().ok();
        assert_eq!(availability, result["availability_pct"].as_f64());
    }
}

#[test]
fn a_drill_whose_gate_fails_fails_its_job_with_one_and_leaves_what_is_kept() {
    if !can_be_played("a drill fails in GitLab's pipeline, and is kept") {
        return;
    }
    for shell in SHELLS {
        let gates = "availability_pct < 1\n\n  availability_pct > 1\n";
        let job = Job::of_this_program(
            shell,
            &[("DRILL_FAIL_ON", gates), ("DRILL_SEEDS", "4"), ("DRILL_ARGUMENTS", "--inline\n--quiet")],
        );
        let ended = job.run();
        assert_eq!(ended.code, 1, "{shell}: {}", ended.said);
        assert_eq!(
            (&*ended.dotenv["WORLD_VERDICT"], &*ended.dotenv["WORLD_EXIT_CODE"]),
            ("gate_failed", "1")
        );
        let availability: f64 = ended.dotenv["WORLD_AVAILABILITY"].parse().expect("a mean");
        assert!((0.0..=100.0).contains(&availability));
        assert!(support::names(&job.project().join("world-drill")).contains(&"drill.json".to_owned()));
    }
}

#[test]
fn what_an_earlier_job_left_is_not_taken_for_this_ones() {
    if !can_be_played("what an earlier job left is not taken for this one's in GitLab's pipeline") {
        return;
    }
    let mut job = Job::of_this_program("sh", &[]);
    assert_eq!(job.run().dotenv["WORLD_VERDICT"], "ok");
    let again = job.run();
    assert_eq!(again.code, 0, "the directory of a job of an earlier stage is replaced: {}", again.said);
    job.variables.push(("DRILL_ROUNDS".to_owned(), "none".to_owned()));
    let refused = job.run();
    assert_eq!((refused.code, &*refused.dotenv["WORLD_EXIT_CODE"]), (2, "2"), "{}", refused.said);
    assert!(!refused.dotenv.contains_key("WORLD_VERDICT"));
    assert!(!job.project().join("world-drill").exists());
}

#[test]
fn what_is_given_to_any_variable_runs_nothing() {
    if !can_be_played("nothing that is given to GitLab's job runs") {
        return;
    }
    for (shell, variable) in SHELLS.into_iter().flat_map(|shell| VARIABLES.map(|variable| (shell, variable)))
    {
        for hostile in HOSTILE {
            let job = Job::of_this_program(shell, &[("DRILL_ARGUMENTS", "--inline"), (variable, hostile)]);
            let ended = job.run();
            let left = support::names(&job.project());
            assert!(!left.contains(&"pwned".to_owned()), "{shell} {variable}: {hostile}\n{}", ended.said);
            let may_be_so = variable == "WORLD_SHA256";
            assert!(ended.code != 0 || may_be_so, "{shell} {variable}: {hostile}\n{}", ended.said);
        }
    }
}

#[test]
fn an_archive_is_fetched_and_unpacked_if_its_checksum_is_right() {
    if !can_be_played("GitLab's job checks the archive") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (archive, sha256) = archive(dir.path());
    // Stands for a download: the last two arguments are the URL's, the two before them the file's.
    let fetch = format!("while [ $# -gt 4 ]; do shift; done\ncp {} \"$2\"", archive.display());
    stand_in(&dir.path().join("bin"), "curl", &fetch);
    let path = path_with(&dir.path().join("bin"));
    let (file, other) = (archive.to_str().expect("text"), "0".repeat(64));
    for (shell, source) in [("sh", file), ("bash", file), ("sh", "https://releases.example/world.tar.gz")] {
        let job = |sha256: &str| {
            Job::with(shell, &[("WORLD_ARCHIVE", source), ("WORLD_SHA256", sha256), ("PATH", &path)]).run()
        };
        let ended = job(&sha256);
        assert_eq!(ended.code, 0, "{}", ended.said);
        assert_eq!(ended.dotenv["WORLD_VERDICT"], "ok");
        for (sha256, says) in [(&*other, "another checksum"), ("", "needs its checksum")] {
            let ended = job(sha256);
            assert!(ended.code == 2 && ended.said.contains(says), "{}", ended.said);
        }
    }
    let ended = Job::with("sh", &[]).run();
    assert!(ended.code == 2 && ended.said.contains("WORLD_ARCHIVE"), "{}", ended.said);
}
