//! Reports: what `--out` leaves for pipelines and people, whatever a run came to, and `world report`.

mod support;

use rustix::process::{Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::running::Run;
use support::{names, skipped, world};

const REPORTS: [&str; 4] = ["junit.xml", "postmortem.md", "report.html", "summary.md"];

/// A directory for recordings.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Records a run with these flags, which must end with this code.
    fn run(&self, flags: &str, code: i32) -> PathBuf {
        self.run_with(flags, &[], code)
    }

    fn run_with(&self, flags: &str, more: &[&str], code: i32) -> PathBuf {
        let out = self.at("out");
        let typed = ["-q", "--out", out.to_str().expect("text")];
        world(&format!("run {flags}")).and(&typed).and(more).ends_with(code);
        out
    }
}

fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap_or_else(|error| panic!("{}/{name}: {error}", dir.display()))
}

fn result(dir: &Path) -> Value {
    serde_json::from_str(&read(dir, "result.json")).expect("JSON")
}

// ---- junit.xml --------------------------------------------------------------------------------

/// A tag with its attributes as they stand, in the order of the document.
fn tags<'x>(xml: &'x str, name: &str) -> Vec<&'x str> {
    let open = format!("<{name} ");
    let closed = format!("<{name}>");
    xml.split('<')
        .skip(1)
        .map(|rest| &rest[..rest.find('>').expect("a tag ends")])
        .filter(|tag| format!("<{tag} ").starts_with(&open) || format!("<{tag}>") == closed)
        .collect()
}

fn attribute<'x>(tag: &'x str, name: &str) -> Option<&'x str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

fn count(tag: &str, name: &str) -> usize {
    attribute(tag, name).and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{name} of {tag}"))
}

/// What any JUnit reader relies on, whether there is a validator on this machine or not.
fn assert_sound(xml: &str) {
    assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites "), "{xml}");
    let mut open = Vec::new();
    for rest in xml.split('<').skip(2) {
        let tag = &rest[..rest.find('>').expect("a tag ends")];
        let name = tag.split([' ', '/']).find(|part| !part.is_empty()).expect("a name");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    let root = tags(xml, "testsuites")[0];
    let (mut tests, mut failures, mut errors) = (0, 0, 0);
    for suite in xml.split("<testsuite ").skip(1) {
        let cases = tags(suite, "testcase");
        let head = format!("testsuite {}", &suite[..suite.find('>').expect("a tag")]);
        assert_eq!(count(&head, "tests"), cases.len(), "{head}");
        assert_eq!(count(&head, "failures"), tags(suite, "failure").len(), "{head}");
        assert_eq!(count(&head, "errors"), tags(suite, "error").len(), "{head}");
        assert_eq!(count(&head, "skipped"), tags(suite, "skipped").len(), "{head}");
        assert!(
            cases
                .iter()
                .all(|case| attribute(case, "classname").is_some() && attribute(case, "name").is_some())
        );
        tests += cases.len();
        failures += count(&head, "failures");
        errors += count(&head, "errors");
    }
    assert_eq!(
        (count(root, "tests"), count(root, "failures"), count(root, "errors")),
        (tests, failures, errors)
    );
}

/// Holds documents against the schema, where there is a validator.
fn assert_valid(documents: &[PathBuf]) {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/junit/junit-10.xsd");
    let xmllint = Command::new("xmllint").args(["--noout", "--schema"]).arg(&schema).args(documents).output();
    let checked = match xmllint {
        Ok(output) => output,
        Err(_) => {
            let script = "import sys\nfrom lxml import etree\nschema = etree.XMLSchema(etree.parse(sys.argv[1]))\n\
                          for path in sys.argv[2:]: schema.assertValid(etree.parse(path))";
            let there = Command::new("python3").args(["-c", "import lxml"]).output();
            if !there.is_ok_and(|output| output.status.success()) {
                skipped("no xmllint and no lxml here", "junit.xml validates against Jenkins' schema");
                return;
            }
            let python = Command::new("python3").args(["-c", script]).arg(&schema).args(documents).output();
            python.expect("it was there")
        }
    };
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn a_run_whose_gates_held_has_no_red_case_however_badly_incidents_went() {
    let place = Place::new();
    let out = place.run_with("--inline --seed 42", &["--fail-on", "availability_pct < 1"], 0);
    let xml = read(&out, "junit.xml");
    assert_sound(&xml);
    assert_valid(&[out.join("junit.xml")]);
    let incidents = result(&out)["incidents"].as_array().expect("incidents").clone();
    let badly =
        incidents.iter().filter(|one| one["hurt_users"] == true && one["resolution"] != "remedied").count();
    assert!(badly > 0, "nothing went badly");
    assert_eq!(tags(&xml, "skipped").len(), badly);
    // A case for the run, one for the gate, and one for each incident.
    assert_eq!(tags(&xml, "testcase").len(), 2 + incidents.len());
    assert!(tags(&xml, "failure").is_empty() && tags(&xml, "error").is_empty(), "{xml}");
    assert!(xml.contains("fails if availability_pct &#60; 1"), "{xml}");
}

#[test]
fn a_failed_gate_is_a_failure_and_an_undecided_one_an_error() {
    let place = Place::new();
    let gates = ["--fail-on", "availability_pct < 99.99", "--fail-on", "incidents.900.onset_round > 3"];
    let out = place.run_with("--inline --seed 42", &gates, 1);
    let xml = read(&out, "junit.xml");
    assert_sound(&xml);
    assert_valid(&[out.join("junit.xml")]);
    assert_eq!((tags(&xml, "failure").len(), tags(&xml, "error").len()), (1, 1));
    assert!(xml.contains("To repeat the run: world run systems --seed 42"), "{xml}");
    assert!(
        read(&out, "summary.md").contains("| `availability_pct < 99.99` |"),
        "{}",
        read(&out, "summary.md")
    );
}

// ---- whatever a run came to -------------------------------------------------------------------

#[test]
fn a_run_that_lost_an_agent_has_all_reports_and_they_say_that_it_is_invalid() {
    let place = Place::new();
    let out = place.at("out");
    let mut run =
        Run::start(&format!("--seed 42 -n 12 --pace 20ms --fail-on rounds<0 --out {}", out.display()));
    run.line_with("Round 2 of");
    kill_process(run.pid_of("server-web-1"), Signal::KILL).expect("it runs");
    assert_eq!(run.end().code, Some(3));
    assert_eq!(result(&out)["verdict"], "invalid");
    let xml = read(&out, "junit.xml");
    assert_sound(&xml);
    assert_valid(&[out.join("junit.xml")]);
    // The run, and the gate that cannot be decided of it.
    assert_eq!((tags(&xml, "failure").len(), tags(&xml, "error").len()), (0, 2), "{xml}");
    for name in ["report.html", "summary.md", "postmortem.md", "junit.xml"] {
        let text = read(&out, name);
        assert!(text.contains("the process of server-web-1 was lost"), "{name}: {text}");
    }
    assert_made_again(&out);
}

#[test]
fn a_run_that_was_interrupted_has_all_reports() {
    let place = Place::new();
    let out = place.at("out");
    let mut run = Run::start(&format!("--inline --seed 42 -n 5000 --pace 10ms --out {}", out.display()));
    run.line_with("Round 3 of");
    run.signal(Signal::TERM);
    assert_eq!(run.end().code, Some(143));
    assert_eq!(result(&out)["verdict"], "interrupted");
    let xml = read(&out, "junit.xml");
    assert_sound(&xml);
    assert_eq!(tags(&xml, "error").len(), 1, "{xml}");
    assert!(read(&out, "summary.md").contains("interrupted after"), "{}", read(&out, "summary.md"));
    assert_self_contained(&read(&out, "report.html"));
    assert_made_again(&out);
}

#[test]
fn a_run_without_chaos_and_one_of_a_single_round_have_all_reports() {
    for flags in
        ["--inline --seed 3 --chaos-level off", "--inline --seed 3 -n 1", "--inline --seed 9 --sre none"]
    {
        let place = Place::new();
        let out = place.run(flags, 0);
        assert_sound(&read(&out, "junit.xml"));
        assert_valid(&[out.join("junit.xml")]);
        assert_self_contained(&read(&out, "report.html"));
        for name in ["summary.md", "postmortem.md"] {
            assert!(!read(&out, name).contains("NaN"), "{flags}: {name}");
        }
        assert_made_again(&out);
    }
}

#[test]
fn a_stopped_run_and_its_warm_up_are_told() {
    let place = Place::new();
    let file = place.at("harm.toml");
    let text = "title = \"Much chaos & a limit\"\nsummary = \"Stops at the limit of harm.\"\nworld = \"systems\"\n\
                seed = 7\nrounds = 20\nchaos_level = \"extreme\"\nwarm_up = 2\n[stop]\nbudget_spent_pct = 500.0\n";
    fs::write(&file, text).expect("written");
    let out = place.at("out");
    let flags = ["--scenario", file.to_str().expect("text"), "--out", out.to_str().expect("text")];
    world("run --inline -q").and(&flags).ends_with(1);
    let xml = read(&out, "junit.xml");
    assert_sound(&xml);
    assert!(xml.contains("the run kept within its limit of harm"), "{xml}");
    assert_eq!(tags(&xml, "failure").len(), 1);
    let page = read(&out, "report.html");
    for words in
        ["warm-up of 2 rounds: 100.00 % served, in order", "stopped after round", "Much chaos &#38; a limit"]
    {
        assert!(page.contains(words), "no `{words}`");
    }
    assert_made_again(&out);
}

// ---- report.html ------------------------------------------------------------------------------

/// Nothing is fetched, nothing is executed: links within the recording are all that leads elsewhere.
fn assert_self_contained(page: &str) {
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    let lower = page.to_lowercase();
    for bad in [
        "<script",
        "http:",
        "https:",
        "@import",
        "<img",
        "<iframe",
        "javascript:",
        "<form",
        "src=",
        "@font-face",
    ] {
        assert!(!lower.contains(bad), "`{bad}` in the page");
    }
    for handler in lower.match_indices(" on") {
        let word: String = lower[handler.0 + 1..].chars().take_while(char::is_ascii_alphabetic).collect();
        assert!(!lower[handler.0 + 1 + word.len()..].starts_with("=\""), "a handler, {word}");
    }
    for part in lower.split("url(").skip(1) {
        assert!(part.starts_with('#'), "url({}", &part[..part.len().min(40)]);
    }
    for part in lower.split("href=\"").skip(1) {
        let address = &part[..part.find('"').expect("it ends")];
        let is_of_seed = address.starts_with("seed-") && address.ends_with("/report.html");
        assert!(address.starts_with('#') || address == "data:," || is_of_seed, "{address}");
    }
    assert!(lower.contains("prefers-color-scheme: dark") && lower.contains("@media print"));
}

#[test]
fn the_page_needs_no_network_and_no_script() {
    let place = Place::new();
    let out = place.run("--inline --seed 7 --chaos-level extreme", 0);
    let page = read(&out, "report.html");
    assert_self_contained(&page);
    for heading in
        ["Over the rounds", "Requests served", "Latency, p99", "Error budget spent", "Alerts open", "Servers"]
    {
        assert!(page.contains(heading), "no `{heading}`");
    }
}

#[test]
fn what_a_users_file_says_is_text_and_no_markup() {
    let place = Place::new();
    let title = "<script>alert(1)</script> & [link](http://example.org) `x` @octocat | a";
    let file = place.at("x.toml");
    let text = format!(
        "title = '{title}'\nsummary = \"Names that would be markup.\"\nworld = \"systems\"\nseed = 1\nrounds = 3\nwarm_up = 1\n"
    );
    fs::write(&file, text).expect("written");
    let out = place.at("out");
    let flags = ["--scenario", file.to_str().expect("text"), "--out", out.to_str().expect("text")];
    world("run --inline -q").and(&flags).ends_with(0);
    let page = read(&out, "report.html");
    assert!(!page.contains("<script") && page.contains("&#60;script&#62;alert(1)"), "{page}");
    for name in ["summary.md", "postmortem.md"] {
        let text = read(&out, name);
        assert!(text.contains("&lt;script&gt;"), "{text}");
        assert!(!text.contains("[link](") && !text.contains("@octocat"), "{text}");
    }
    assert_sound(&read(&out, "junit.xml"));
    assert_valid(&[out.join("junit.xml")]);
}

#[test]
fn a_long_run_and_a_large_world_have_pages_of_bounded_size() {
    const MOST: u64 = 1_500_000;
    let place = Place::new();
    let out = place.run("--inline --seed 7 -n 5000 --chaos-level high", 0);
    let sizes = |out: &Path| REPORTS.map(|name| fs::metadata(out.join(name)).expect("a file").len());
    assert!(sizes(&out).iter().all(|size| *size < MOST), "{:?}", sizes(&out));
    assert_sound(&read(&out, "junit.xml"));
    let page = read(&out, "report.html");
    assert!(page.contains("Each column is 32 rounds."), "rounds are not gathered");
    assert!(page.contains("incidents in whose time most requests failed"), "nothing says what is left out");

    let large = place.at("large.toml");
    fs::write(&large, support::large_world(400)).expect("written");
    let out = place.at("large");
    let typed = ["-q", "--out", out.to_str().expect("text"), large.to_str().expect("text")];
    world("run --inline --seed 7 -n 8 --chaos-level high").and(&typed).ends_with(0);
    assert!(sizes(&out).iter().all(|size| *size < MOST), "{:?}", sizes(&out));
    assert!(
        read(&out, "report.html").contains("with most trouble"),
        "nothing says that servers are left out"
    );
}

// ---- the summary of a job ---------------------------------------------------------------------

#[test]
fn the_summary_is_added_to_that_of_the_job() {
    let place = Place::new();
    let job = place.at("job.md");
    fs::write(&job, "before\n").expect("written");
    let out = place.at("out");
    let mut command = world("run --inline --seed 42 -q --out").and(&[out.to_str().expect("text")]).command();
    command.env("GITHUB_STEP_SUMMARY", &job);
    support::World::of(command).ends_with(0);
    assert_eq!(
        fs::read_to_string(&job).expect("a summary"),
        format!("before\n{}\n", read(&out, "summary.md"))
    );
}

#[test]
fn a_job_whose_summary_cannot_be_written_is_warned_and_nothing_else() {
    let place = Place::new();
    let out = place.at("out");
    let mut command = world("run --inline --seed 42 -q --out").and(&[out.to_str().expect("text")]).command();
    command.env("GITHUB_STEP_SUMMARY", place.at("no/such/file"));
    let ended = support::World::of(command).ends_with(0);
    assert!(ended.err.contains("warning: cannot add the summary to"), "{}", ended.err);
    assert!(REPORTS.iter().all(|name| out.join(name).exists()), "{:?}", names(&out));
}

// ---- world report -----------------------------------------------------------------------------

/// Reports that are made again are the same bytes.
fn assert_made_again(out: &Path) {
    let before = REPORTS.map(|name| read(out, name));
    for name in REPORTS {
        fs::remove_file(out.join(name)).expect("removed");
    }
    world("report").and(&[out.to_str().expect("text")]).ends_with(0);
    for (name, before) in REPORTS.iter().zip(before) {
        assert_eq!(read(out, name), before, "{name}");
    }
}

#[test]
fn reports_are_made_again_the_same_and_replace_none_unless_asked() {
    let place = Place::new();
    let out = place.run("--inline --seed 7 -n 300 --chaos-level high", 0);
    assert_made_again(&out);
    let dir = out.to_str().expect("text");
    fs::write(out.join("postmortem.md"), "what we think").expect("written");
    world("report").and(&[dir]).refused_with(&["is there already", "--force"]);
    assert_eq!(read(&out, "postmortem.md"), "what we think");
    world("report --force").and(&[dir]).ends_with(0);
    assert!(read(&out, "postmortem.md").starts_with("# Post-mortem"));
}

#[test]
fn nothing_is_reported_of_what_is_no_whole_recording() {
    let place = Place::new();
    let empty = place.0.path().to_str().expect("text").to_owned();
    world("report").and(&[&empty]).refused_with(&["holds no recording"]);
    let out = place.run("--inline --seed 7", 0);
    let journal = read(&out, "journal.jsonl");
    fs::write(out.join("journal.jsonl"), journal.replacen("web-1", "web-9", 1)).expect("written");
    world("report --force").and(&[out.to_str().expect("text")]).refused_with(&["not complete", "altered"]);
    fs::write(out.join("journal.jsonl"), &journal[..journal.len() / 2]).expect("written");
    world("report --force").and(&[out.to_str().expect("text")]).refused_with(&["not complete"]);
}

#[test]
fn a_directory_with_a_report_is_taken() {
    for name in REPORTS {
        let place = Place::new();
        fs::write(place.at(name), "mine").expect("written");
        let dir = place.0.path().to_str().expect("text").to_owned();
        world("run --inline --seed 1 -q --out").and(&[&dir]).refused_with(&["already holds"]);
        assert_eq!(names(place.0.path()), [name]);
    }
}

/// Where one report cannot be written, the others are, and so are journal and result.
#[test]
fn a_report_that_cannot_be_written_is_told_and_costs_nothing_else() {
    let place = Place::new();
    let out = place.at("out");
    let mut run = Run::start(&format!("--inline --seed 42 -n 30 --pace 20ms --out {}", out.display()));
    run.line_with("Round 2 of");
    // In the way of the page: a file cannot be renamed onto a directory.
    fs::create_dir(out.join("report.html")).expect("made");
    let ended = run.end();
    assert_eq!(ended.code, Some(4), "{}", ended.text);
    assert!(ended.text.contains("Verdict       ok"), "{}", ended.text);
    assert_eq!(result(&out)["verdict"], "ok");
    world("verify").and(&[out.to_str().expect("text")]).ends_with(0);
    for name in ["junit.xml", "summary.md", "postmortem.md"] {
        assert!(out.join(name).is_file(), "{name}");
    }
    fs::remove_dir(out.join("report.html")).expect("removed");
    world("report --force").and(&[out.to_str().expect("text")]).ends_with(0);
    assert_self_contained(&read(&out, "report.html"));
}

// ---- drills -----------------------------------------------------------------------------------

#[test]
fn a_drill_has_reports_of_its_own_and_each_seed_has_its_own() {
    let place = Place::new();
    let (out, job) = (place.at("out"), place.at("job.md"));
    let flags = ["--fail-on", "availability_pct < 99.99", "--out", out.to_str().expect("text")];
    let mut command = world("run --inline --seed 8 --seeds 6 -q").and(&flags).command();
    command.env("GITHUB_STEP_SUMMARY", &job);
    support::World::of(command).ends_with(1);
    let xml = read(&out, "junit.xml");
    assert_sound(&xml);
    assert_valid(&[out.join("junit.xml"), out.join("seed-8/junit.xml")]);
    assert_eq!((tags(&xml, "testcase").len(), tags(&xml, "failure").len()), (2 + 6, 1), "{xml}");
    let page = read(&out, "report.html");
    assert_self_contained(&page);
    let summary = read(&out, "summary.md");
    for seed in 8..14 {
        assert!(page.contains(&format!("href=\"seed-{seed}/report.html\"")), "seed {seed}");
        assert!(summary.contains(&format!("| {seed} | ")), "{summary}");
        for name in REPORTS {
            assert!(out.join(format!("seed-{seed}/{name}")).is_file(), "{seed}: {name}");
        }
    }
    assert_eq!(fs::read_to_string(&job).expect("a summary"), format!("{summary}\n"), "the drill's alone");

    // All of them once more.
    let files = |dir: &Path| ["junit.xml", "summary.md", "report.html"].map(|name| read(dir, name));
    let (before, of_seed) = (files(&out), files(&out.join("seed-10")));
    world("report").and(&[out.to_str().expect("text")]).refused_with(&["is there already"]);
    fs::write(out.join("report.html"), "").expect("written");
    fs::write(out.join("seed-10/report.html"), "").expect("written");
    world("report --force").and(&[out.to_str().expect("text")]).ends_with(0);
    assert_eq!((files(&out), files(&out.join("seed-10"))), (before, of_seed));
}

#[test]
fn a_drill_of_very_many_seeds_tells_the_worst() {
    let place = Place::new();
    let out = place.at("out");
    world("run --inline --seed 1 --seeds 1100 -n 1 -q --out")
        .and(&[out.to_str().expect("text")])
        .ends_with(0);
    let (page, xml) = (read(&out, "report.html"), read(&out, "junit.xml"));
    assert_sound(&xml);
    assert!(page.contains("The 1,000 of 1,100 seeds"), "nothing says what is left out");
    assert_eq!((page.matches("/report.html\"").count(), tags(&xml, "testcase").len()), (1_000, 1_001));
}

#[test]
fn reports_can_be_read_by_those_who_may_read_the_recording() {
    let place = Place::new();
    let out = place.run("--inline --seed 1", 0);
    let mode = |name: &str| fs::metadata(out.join(name)).expect("a file").permissions().mode();
    assert!(REPORTS.iter().all(|name| mode(name) == mode("result.json")));
}
