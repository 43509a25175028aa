//! Scenarios as users meet them: what is listed, shown, checked, proved and played.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use support::{Ended, world, world_with};

/// A scenario of one's own in a file that is gone with its directory.
fn file(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).expect("a scenario file");
    path.to_str().expect("a plain path").to_owned()
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

const LEAST: &str = "title = \"Mine\"\nworld = \"systems\"\nseeds = [5, 6, 7]\nrounds = 8\nwarm_up = 2\n\
                     [gate]\nfail_on = [\"availability_pct < 1\"]\n\
                     [[fault]]\nkind = \"network_partition\"\nround = 4\ntarget = \"api-1\"\n";

fn recorded(ended: &Ended, out: &Path) -> String {
    std::fs::read_to_string(out.join("journal.jsonl")).unwrap_or_else(|_| panic!("{}", ended.err))
}

// ---- run --------------------------------------------------------------------------------------

#[test]
fn a_run_of_a_scenario_says_so_in_its_result_and_holds_its_gates() {
    let directory = directory();
    let path = file(directory.path(), "mine.toml", LEAST);
    let extra = ["--fail-on", "rounds > 100"];
    let result =
        world(&format!("run --scenario {path} --seed 5 --inline -q --json")).and(&extra).ends_with(0).json();
    assert_eq!(result["scenario"]["name"], "mine");
    assert_eq!(result["scenario"]["title"], "Mine");
    assert_eq!(result["scenario"]["hash"].as_str().map(str::len), Some(64));
    assert_eq!((&result["seed"], &result["rounds"]), (&5.into(), &8.into()));
    assert_eq!(result["steady_state"]["rounds"], 2);
    let gates: Vec<_> = result["gates"].as_array().expect("gates").iter().map(|it| &it["expr"]).collect();
    assert_eq!(gates, ["availability_pct < 1", "rounds > 100"]);
    assert!(result["answer"].is_null(), "it has no key");
    assert!(world("run --inline -q --json --seed 1").ends_with(0).json()["scenario"].is_null());
    let strict = LEAST.replace("availability_pct < 1", "availability_pct < 100");
    let strict = file(directory.path(), "strict.toml", &strict);
    world(&format!("run --scenario {strict} --seed 5 --inline -q --sre none")).ends_with(1);
}

#[test]
fn a_scenario_with_several_seeds_is_a_drill_over_them() {
    let directory = directory();
    let path = file(directory.path(), "mine.toml", LEAST);
    let drill = world(&format!("run --scenario {path} --inline -q --json")).ends_with(0).json();
    let seeds = |drill: &serde_json::Value| {
        let runs = drill["runs"].as_array().expect("runs");
        runs.iter().map(|run| run["seed"].as_u64().expect("a seed")).collect::<Vec<_>>()
    };
    assert_eq!(seeds(&drill), [5, 6, 7]);
    assert_eq!(drill["scenario"]["name"], "mine");
    assert_eq!(
        (&drill["gates"][0]["expr"], &drill["gates"][0]["n"]),
        (&"availability_pct < 1".into(), &3.into())
    );
    let typed = world(&format!("run --scenario {path} --inline -q --json --seed 9 --seeds 2")).ends_with(0);
    assert_eq!(seeds(&typed.json()), [9, 10]);
    // The command of the whole, and that of one of its runs.
    let repeat = drill["repeat"].as_str().expect("a command").to_owned();
    assert_eq!(repeat, format!("world run --scenario {path} --inline"));
    let out = directory.path().join("out");
    let out = out.to_str().expect("a plain path");
    world(&format!("run --scenario {path} --inline -q --out {out}")).ends_with(0);
    let result = std::fs::read_to_string(format!("{out}/seed-6/result.json")).expect("a result");
    let result: serde_json::Value = serde_json::from_str(&result).expect("JSON");
    assert_eq!(result["repeat"], format!("world run --scenario {path} --seed 6 --inline"));
    assert_eq!(result["journal_hash"], drill["runs"][1]["journal_hash"]);
    for flag in ["--plan", "--manual", "--check-determinism", "-v"] {
        world(&format!("run --scenario {path} {flag}"))
            .refused_with(&["several seeds", "choose one with --seed"]);
    }
    world(&format!("run --scenario {path} --plan --seed 6")).ends_with(0);
}

/// In a world that is not in order before anything hits it there is nothing to be learnt.
#[test]
fn a_run_whose_steady_state_does_not_hold_is_invalid_and_one_at_its_limit_of_harm_fails() {
    let directory = directory();
    let text = LEAST
        .replace("[gate]", "[steady_state]\navailability_pct = 99.0\n[stop]\nbudget_spent_pct = 100\n[gate]");
    let path = file(directory.path(), "mine.toml", &text);
    let result = world(&format!("run --scenario {path} --seed 5 --inline -q --json --sre none")).ends_with(1);
    let result = result.json();
    assert_eq!(result["stopped"]["reason"], "budget_spent");
    assert!(result["rounds"].as_u64() < Some(8), "{result}");
    // A world that loses requests while nothing hits it: its servers are too slow for its users.
    let systems = world("worlds show systems").ends_with(0).out;
    let slow = systems.replacen("base = 1000.0", "base = 9000.0", 1);
    assert_ne!(slow, systems);
    file(directory.path(), "slow.toml", &slow);
    let text = LEAST.replace("\"systems\"", "\"slow.toml\"");
    let path = file(directory.path(), "slow-mine.toml", &text);
    let result = world(&format!("run --scenario {path} --seed 5 --inline -q --json")).ends_with(3).json();
    assert_eq!((&result["verdict"], &result["rounds"]), (&"invalid".into(), &2.into()));
    let drill = world(&format!("run --scenario {path} --inline -q --json")).ends_with(3).json();
    assert_eq!(drill["verdict"], "invalid");
}

#[test]
fn the_command_that_repeats_a_scenario_repeats_it() {
    for flags in ["", "--seed 99 --skill junior", "--sre night=none"] {
        let typed = format!("run --scenario cache-loss --inline -q --json {flags}");
        let first = world(&typed).run().json();
        let repeat = first["repeat"].as_str().expect("a command");
        let again = repeat.strip_prefix("world ").expect("a command of the program");
        let second = world(&format!("{again} -q --json")).run().json();
        assert_eq!(first, second, "{repeat}");
    }
}

#[test]
fn what_the_scenario_decides_is_refused_on_the_command_line() {
    for (flag, named) in [
        ("systems", "the world is for the scenario `cache-loss` to say"),
        ("--rounds 3", "--rounds is for"),
        ("--chaos-level high", "--chaos-level is for"),
        ("--fault cpu_spike@5:web-1", "--fault is for"),
        ("--sla-target 99", "--sla-target is for"),
    ] {
        let tip = "world scenarios show cache-loss > mine.toml";
        world(&format!("run {flag} --scenario cache-loss")).refused_with(&[named, tip]);
    }
}

#[test]
fn who_is_on_call_is_for_the_command_line_as_well() {
    let kinds = |flags: &str| {
        let result = world(&format!("run --scenario cache-loss --inline -q --json {flags}")).run().json();
        result["sres"]
            .as_array()
            .expect("SREs")
            .iter()
            .map(|sre| format!("{} {} {}", sre["name"], sre["kind"], sre["skill"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(""), ["\"oncall\" \"rules\" \"senior\""]);
    assert_eq!(kinds("--skill junior"), ["\"oncall\" \"rules\" \"junior\""]);
    assert_eq!(kinds("--sre a=none --sre b=rules"), ["\"a\" \"none\" null", "\"b\" \"rules\" \"mid\""]);
}

/// A fault that hits an SRE names it: somebody has to have that name.
#[test]
fn an_sre_that_the_scenario_hits_has_to_be_on_call() {
    let directory = directory();
    let text = LEAST
        .replace("systems", "fault-lab")
        .replace("network_partition", "sre_crash")
        .replace("api-1", "oncall");
    let path = file(directory.path(), "mine.toml", &text);
    world(&format!("run --scenario {path} --seed 5 --inline -q")).ends_with(0);
    world(&format!("run --scenario {path} --seed 5 --inline -q --sre night=rules")).refused_with(&[
        "the scenario `mine` hits SREs",
        "no SRE `oncall`",
        "--sre oncall=rules",
    ]);
}

#[test]
fn the_console_tells_which_scenario_it_is_and_not_what_will_come() {
    let directory = directory();
    let path = file(directory.path(), "mine.toml", LEAST);
    let told = world(&format!("run --scenario {path} --seed 5 --inline")).ends_with(0).out;
    let opening = told.split("Round 1 of").next().expect("an opening");
    for part in ["Seed 5", "Scenario      mine: Mine", "3; this run is on number 1", "Warm-up       2 rounds"]
    {
        assert!(opening.contains(part), "{part}: {opening}");
    }
    for part in ["network_partition", "api-1", "scripted"] {
        assert!(!opening.contains(part), "{part}: {opening}");
    }
    let planned = world(&format!("run --scenario {path} --seed 5 --plan")).ends_with(0).out;
    assert!(planned.contains("network_partition  api-1"), "{planned}");
}

#[test]
fn a_scenario_that_is_not_there_or_no_good_is_refused_with_its_places() {
    let directory = directory();
    world("run --scenario cache-lost")
        .refused_with(&["no scenario `cache-lost`", "did you mean `cache-loss`?"]);
    world("run --scenario ./none.toml").refused_with(&["there is no file `./none.toml`"]);
    let text = LEAST.replace("api-1", "api1").replace("warm_up = 2", "warm_up = 4");
    let path = file(directory.path(), "wrong.toml", &text);
    world(&format!("run --scenario {path}")).refused_with(&[
        &format!("{path}:10:1: round 4 is in the warm-up"),
        &format!("{path}:11:1: this world has no server `api1`: did you mean `api-1`?"),
    ]);
    let gate = file(directory.path(), "gate.toml", &LEAST.replace("availability_pct", "availabilty_pct"));
    let field = "`availabilty_pct < 1`: result.json has no field `availabilty_pct`: did you mean";
    world(&format!("run --scenario {gate}")).refused_with(&[&format!("{gate}:7:12: {field}")]);
    let sre = file(directory.path(), "sre.toml", &LEAST.replace("[gate]", "sres = [\"rulez\"]\n[gate]"));
    let kind = "`rulez`: there is no kind `rulez`: did you mean `rules`?";
    world(&format!("run --scenario {sre}")).refused_with(&[&format!("{sre}:6:9: {kind}")]);
}

#[test]
fn the_world_of_a_scenario_lies_beside_its_file() {
    let directory = directory();
    let systems = world("worlds show systems").ends_with(0).out;
    file(directory.path(), "own.toml", &systems);
    let path = file(directory.path(), "mine.toml", &LEAST.replace("\"systems\"", "\"own.toml\""));
    let result = world(&format!("run --scenario {path} --seed 5 --inline -q --json")).ends_with(0).json();
    assert_eq!(result["world"]["name"], "own");
    // Also from where it is, and where it is not.
    let here = world_with(&["run", "--scenario", "mine.toml", "--seed=5", "--inline", "-q", "--json"]);
    let here = here.inside(directory.path()).ends_with(0).json();
    assert_eq!(
        (&here["scenario"]["hash"], &here["journal_hash"]),
        (&result["scenario"]["hash"], &result["journal_hash"])
    );
    std::fs::remove_file(directory.path().join("own.toml")).expect("it was there");
    world(&format!("run --scenario {path}"))
        .refused_with(&[&format!("{path}:2:1: there is no file"), "own.toml"]);
}

#[test]
fn a_scenario_gives_the_same_journal_inline_and_with_processes() {
    let directory = directory();
    let mine = file(directory.path(), "mine.toml", LEAST);
    for name in ["cache-loss", mine.as_str()] {
        let mut journals = Vec::new();
        for (mode, flag) in [("inline", "--inline"), ("processes", "--sre=oncall=rules")] {
            let out: PathBuf = directory.path().join(format!("{}-{mode}", journals.len() + name.len()));
            let out_flag = out.to_str().expect("a plain path").to_owned();
            let mut command =
                world_with(&["run", "--scenario", name, "--seed=5", "-q", "--out", &out_flag, flag]);
            if mode == "inline" {
                command = command.and(&["--sre=oncall=rules"]);
            }
            let ended = command.run();
            journals.push(recorded(&ended, &out));
        }
        assert_eq!(journals[0], journals[1], "{name}");
    }
}

// ---- list, show, validate, schema -------------------------------------------------------------

#[test]
fn the_library_is_listed_and_each_of_it_is_shown_as_its_file() {
    let listed = world("scenarios list").ends_with(0).out;
    assert!(listed.lines().all(|line| line.chars().count() <= 80), "{listed}");
    let files = support::names(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios")));
    for name in files.iter().filter_map(|file| file.strip_suffix(".toml")) {
        assert!(listed.contains(&format!("  {name} ")), "{name} is not in\n{listed}");
        let shown = world(&format!("scenarios show {name}")).ends_with(0).out;
        let path = format!("{}/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(shown, std::fs::read_to_string(path).expect("its file"));
        world(&format!("scenarios validate {name}")).ends_with(0);
    }
    world("scenarios show cache-lost").refused_with(&["did you mean `cache-loss`?"]);
}

#[test]
fn a_page_tells_the_answers_only_when_asked_for() {
    let directory = directory();
    let answers = "\n[answer]\nroot_causes = [{ kind = \"network_partition\", target = \"api-1\" }]\n\
                   remedies = [\"failover\"]\nexplanation = \"It is cut off.\"\n";
    let path = file(directory.path(), "mine.toml", &format!("{LEAST}{answers}"));
    let told = world(&format!("scenarios show {path} --answers")).ends_with(0).out;
    for part in
        ["Mine", "3, from 5 to 7", "availability_pct < 1", "network_partition", "It is cut off.", "failover"]
    {
        assert!(told.contains(part), "no `{part}` in:\n{told}");
    }
    assert!(told.lines().all(|line| line.chars().count() <= 80 || line.contains(&path)), "{told}");
}

#[test]
fn a_file_is_validated_with_counts_or_with_places() {
    let directory = directory();
    let path = file(directory.path(), "mine.toml", LEAST);
    let told = world(&format!("scenarios validate {path}")).ends_with(0).out;
    assert!(told.contains("ok: 3 seeds, 1 fault, 0 disturbances, 1 gate, 0 warnings"), "{told}");
    let wrong = file(directory.path(), "wrong.toml", &LEAST.replace("rounds = 8", "round = 8"));
    world(&format!("scenarios validate {wrong}")).refused_with(&[&format!("{wrong}:4:1"), "`rounds`"]);
    let schema = world("scenarios schema").ends_with(0).json();
    assert!(schema["properties"]["warm_up"].is_object(), "{schema}");
}

// ---- prove ------------------------------------------------------------------------------------

/// What is said of each claim about a file: `true` where it holds.
fn proved(path: &str, code: i32) -> Vec<(String, bool)> {
    let told = world(&format!("scenarios prove {path} --json")).ends_with(code).json();
    let claims = told["proofs"][0]["claims"].as_array().expect("claims").clone();
    let claim = |claim: &serde_json::Value| {
        (claim["claim"].as_str().expect("a text").to_owned(), claim["holds"].as_bool().expect("yes or no"))
    };
    claims.iter().map(claim).collect()
}

fn holds(claims: &[(String, bool)], part: &str) -> bool {
    let found = claims.iter().find(|(claim, _)| claim.contains(part));
    found.unwrap_or_else(|| panic!("no claim about `{part}` among {claims:?}")).1
}

const BUSY: &str = "title = \"Mine\"\nworld = \"systems\"\nseed = 1\nrounds = 12\nwarm_up = 2\n\
                    [[fault]]\nkind = \"cpu_spike\"\nround = 4\ntarget = \"api-1\"\n\
                    [answer]\nroot_causes = [{ kind = \"cpu_spike\", target = \"api-1\" }]\n\
                    remedies = [\"rollback\"]\nexplanation = \"It is busy.\"\n";

#[test]
fn a_scenario_that_hurts_and_can_be_remedied_is_proved() {
    let directory = directory();
    let path = file(directory.path(), "mine.toml", BUSY);
    let claims = proved(&path, 0);
    for part in ["in order before", "hurt users", "can be done", "remedies help"] {
        assert!(holds(&claims, part), "{part}: {claims:?}");
    }
    let told = world(&format!("scenarios prove {path}")).ends_with(0).out;
    assert!(
        told.contains("mine, 20 seeds") && told.contains("share of the harm that is avoided: junior"),
        "{told}"
    );
}

#[test]
fn a_claim_that_does_not_hold_is_told_and_ends_with_one() {
    let directory = directory();
    // A cache that is not missed as long as the databases have room.
    let harmless = BUSY.replace("cpu_spike", "service_crash").replace("api-1", "cache-1");
    let path = file(directory.path(), "harmless.toml", &harmless.replace("rollback", "restart_service"));
    let claims = proved(&path, 1);
    assert!(holds(&claims, "in order before") && !holds(&claims, "hurt users"), "{claims:?}");
    assert!(world(&format!("scenarios prove {path}")).ends_with(1).out.contains("FAILS"));
    // A remedy that is one by the catalogue, and relieves too little.
    let vain = BUSY.replace("rollback", "scale_up");
    let claims = proved(&file(directory.path(), "vain.toml", &vain), 1);
    assert!(holds(&claims, "can be done") && !holds(&claims, "remedies help"), "{claims:?}");
    // Noise that is none.
    let noise = format!("{BUSY}[[noise]]\nkind = \"service_crash\"\nround = 9\ntarget = \"api-1\"\n");
    let claims = proved(&file(directory.path(), "noise.toml", &noise), 1);
    assert!(!holds(&claims, "noise alone is harmless"), "{claims:?}");
    // Users who are not served before anything hits them.
    let systems = world("worlds show systems").ends_with(0).out;
    file(directory.path(), "slow.toml", &systems.replacen("base = 1000.0", "base = 9000.0", 1));
    let slow = BUSY.replace("\"systems\"", "\"slow.toml\"");
    let claims = proved(&file(directory.path(), "slow-mine.toml", &slow), 1);
    assert!(!holds(&claims, "in order before"), "{claims:?}");
    // A trap that is the better remedy.
    let trapped = vain.replace("explanation", "traps = [\"rollback\"]\nexplanation");
    let claims = proved(&file(directory.path(), "trapped.toml", &trapped), 1);
    assert!(!holds(&claims, "traps help less"), "{claims:?}");
    // A responder who is not missed.
    let crash = "[[fault]]\nkind = \"sre_crash\"\nround = 11\ntarget = \"oncall\"\n";
    let missed = format!("{}{crash}", BUSY.replace("systems", "fault-lab"));
    let claims = proved(&file(directory.path(), "missed.toml", &missed), 1);
    assert!(!holds(&claims, "that SREs are hit costs users"), "{claims:?}");
}

#[test]
fn one_seed_proves_nothing() {
    let directory = directory();
    let path = file(directory.path(), "mine.toml", BUSY);
    let claims = proved(&format!("{path} --seeds 1"), 1);
    assert!(holds(&claims, "in order before") && !holds(&claims, "hurt users"), "{claims:?}");
}

#[test]
fn whoever_reads_no_further_ends_a_proof_without_a_complaint() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = world("scenarios prove cache-loss --json").command();
    let output = command.stdout(writer).stderr(Stdio::piped()).spawn().and_then(Child::wait_with_output);
    let output = output.expect("the program");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn a_control_is_proved_to_hurt_nobody() {
    let directory = directory();
    let calm = "title = \"Calm\"\nworld = \"systems\"\nseeds = [1, 2, 3]\nrounds = 8\nwarm_up = 2\n";
    let path = file(directory.path(), "calm.toml", calm);
    let claims = proved(&path, 0);
    assert!(holds(&claims, "nobody is hurt, and nothing can be won"), "{claims:?}");
    assert_eq!(claims.len(), 2, "{claims:?}");
    // Something to win, though all is as promised without anybody.
    let noise = "sla_target = 50.0\n[[noise]]\nkind = \"cpu_spike\"\nround = 3\ntarget = \"api-1\"\n";
    let claims = proved(&file(directory.path(), "noisy.toml", &format!("{calm}{noise}")), 1);
    assert!(holds(&claims, "noise alone is harmless") && !holds(&claims, "nobody is hurt"), "{claims:?}");
}

#[test]
fn every_scenario_of_the_library_is_proved_and_as_hard_as_is_written_down() {
    let told = world("scenarios prove --json").run();
    let proofs = told.json();
    let failed: Vec<_> = proofs["proofs"]
        .as_array()
        .expect("proofs")
        .iter()
        .flat_map(|proof| {
            let claims = proof["claims"].as_array().expect("claims").iter();
            let failed = claims.filter(|claim| claim["holds"] == false);
            failed.map(move |claim| format!("{}: {} ({})", proof["scenario"], claim["claim"], claim["seen"]))
        })
        .collect();
    assert!(failed.is_empty() && told.code == Some(0), "{failed:#?}");
    let measured: serde_json::Map<_, _> = proofs["proofs"]
        .as_array()
        .expect("proofs")
        .iter()
        .filter(|proof| !proof["difficulty"].is_null())
        .map(|proof| (proof["scenario"].as_str().expect("a name").to_owned(), proof["difficulty"].clone()))
        .collect();
    let text = serde_json::to_string_pretty(&measured).expect("JSON") + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/difficulty.json");
    if std::env::var_os("WORLD_BLESS").is_some() {
        std::fs::write(path, &text).expect("it can be written");
    }
    let stored = std::fs::read_to_string(path).expect("what was measured");
    assert!(stored == text, "WORLD_BLESS=1 stores what is measured now:\n{text}");
}

/// A gate that nobody can fail, or that a good SRE cannot hold, decides nothing.
#[test]
fn nobody_acting_fails_the_gates_of_the_library_and_a_senior_holds_them() {
    let files = support::names(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios")));
    let names: Vec<_> = files.iter().filter_map(|file| file.strip_suffix(".toml")).collect();
    assert!(names.len() >= 20, "{names:?}");
    for name in names {
        let told = world(&format!("scenarios validate {name}")).ends_with(0).out;
        assert!(told.contains(" 0 warnings"), "{told}");
        let played =
            |sre: &str| world(&format!("run --scenario {name} --inline -q --sre oncall={sre}")).run();
        let (none, senior) = (played("none"), played("rules:senior"));
        let fails = i32::from(!name.starts_with("control-"));
        assert_eq!(none.code, Some(fails), "{name}, nobody acting:\n{}", none.out);
        assert_eq!(senior.code, Some(0), "{name}, a senior:\n{}", senior.out);
    }
}

/// One scenario whose answer is one action can be won by whoever takes that action blindly. Over the
/// library nobody wins by a trick: agents are compared over many scenarios.
#[test]
fn over_the_whole_library_every_exploit_avoids_less_harm_than_the_junior() {
    const TRICKS: [&str; 6] =
        ["restart_all", "limit_all", "fail_over_all", "roll_back_all", "scale_all", "everything"];
    let files = support::names(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios")));
    let names = files.iter().filter_map(|file| file.strip_suffix(".toml"));
    let names: Vec<_> = names.filter(|name| !name.starts_with("control-")).collect();
    let scenarios = names.iter().flat_map(|name| ["--scenario", name]);
    let sres = ["none", "rules:junior"].into_iter().chain(TRICKS).flat_map(|sre| ["--sre", sre]);
    let flags: Vec<_> = scenarios.chain(sres).collect();
    let bench = world("bench --seeds 20 --json -q").and(&flags).ends_with(0).json();
    let cells = bench["cells"].as_array().expect("cells");
    assert_eq!(cells.len(), names.len());
    // The share of the harm that somebody avoids, the mean over scenarios, each counting alike.
    let avoided = |sre: usize| {
        let of = |cell: &serde_json::Value| {
            let availability = |sre: usize| {
                let metrics = &cell["results"][sre]["metrics"];
                metrics["availability_pct"]["estimate"].as_f64().expect("a figure")
            };
            (availability(sre) - availability(0)) / (100.0 - availability(0))
        };
        cells.iter().map(of).sum::<f64>() / cells.len() as f64
    };
    let junior = avoided(1);
    for (place, trick) in TRICKS.iter().enumerate() {
        let reached = avoided(2 + place);
        eprintln!("{trick}: {:.1} % of the harm, the junior {:.1} %", 100.0 * reached, 100.0 * junior);
        assert!(reached < junior, "{trick} avoids {reached:.3} of the harm, the junior {junior:.3}");
    }
}
