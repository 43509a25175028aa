//! Scenario files: what they say is what is played, and what makes no sense is refused at its place.

use serde_json::{Map, Value};
use std::collections::BTreeSet;
use worlds::definition::{Definition, Diagnostic, SkillName, SreKind, builtin, parse};
use worlds::id::AgentId;
use worlds::plan::{Level, SrePlan, Target};
use worlds::scenario::schema::json_schema;
use worlds::scenario::{Draft, Languages, Misquoted, Settled, library};
use worlds::script::ScriptError;

const KITCHEN_SINK: &str = include_str!("scenarios/kitchen-sink.toml");

/// The least that a scenario says.
const LEAST: &str = "title = \"t\"\nworld = \"systems\"\nseed = 1\nrounds = 10\nwarm_up = 2\n";

fn definition(name: &str) -> Definition {
    let world = builtin::find(name).expect("it is built in");
    parse(name, world.text).expect("it is good").definition
}

/// Of the languages of the command line as much as tests speak: `NAME=rules` and gates with a `<`.
struct FewWords;

impl Languages for FewWords {
    fn sres(&self, given: &[String]) -> Result<Vec<SrePlan>, Misquoted> {
        let plan = |(position, word): (usize, &String)| match word.split_once('=') {
            Some((name, _)) => Ok(SrePlan::rules(name, SkillName::Mid)),
            None => Err(Misquoted { position, message: format!("`{word}` is nobody"), hint: None }),
        };
        given.iter().enumerate().map(plan).collect()
    }

    fn gate(&self, condition: &str) -> Result<(), Misquoted> {
        let refused =
            || Misquoted { position: 0, message: "no operator".to_owned(), hint: Some("write <".to_owned()) };
        if condition.contains('<') { Ok(()) } else { Err(refused()) }
    }
}

fn settled(text: &str) -> Result<Settled, Vec<Diagnostic>> {
    let draft = Draft::read("test", "test.toml", text)?;
    let world = draft.file().world.clone();
    draft.settle(&world, &definition(&world), &FewWords)
}

/// The errors as they are told.
fn refused(text: &str) -> Vec<String> {
    let errors = settled(text).map(|settled| settled.scenario.hash).expect_err(text);
    errors.iter().map(ToString::to_string).collect()
}

/// What is told of the least scenario with these lines added; its own are five.
fn refused_with(lines: &str) -> Vec<String> {
    refused(&format!("{LEAST}{lines}\n"))
}

// ---- what it says -----------------------------------------------------------------------------

#[test]
fn what_a_file_says_is_what_is_planned() {
    let Settled { scenario, warnings } = settled(KITCHEN_SINK).expect("it is good");
    assert_eq!(warnings, []);
    assert_eq!(scenario.seeds(), [7, 8, 9]);
    let plan = scenario.plan(8, scenario.sres.clone()).expect("everybody is there");
    assert_eq!((plan.seed, plan.rounds, plan.level), (8, 20, Level::Low));
    assert_eq!(plan.drill.warm_up, 2);
    assert_eq!((plan.drill.hypothesis.availability_pct, plan.drill.hypothesis.alerts), (Some(99.0), 1));
    assert_eq!(plan.drill.stop.budget_spent_pct, Some(9000.0));
    assert_eq!(plan.drill.stop.blast_radius_pct, Some(90.0));
    let names: Vec<_> = plan.sres.iter().map(|sre| &*sre.name).collect();
    assert_eq!(names, ["day", "night"]);
    assert_eq!(scenario.fail_on, ["availability_pct < 50", "avoided_share < 0.1"]);
    // Noise and faults, by round.
    let kinds = &scenario.world.catalogue.kinds;
    let script: Vec<_> = plan.scripted.iter().map(|it| (it.round, &*kinds[it.kind.index()])).collect();
    assert_eq!(script, [(3, "metrics_wrong"), (4, "bad_rule"), (4, "stroke")]);
    assert!(matches!(plan.scripted[1].target, Target::Group(_)));
    assert_eq!(plan.scripted[2].target, Target::Agent(AgentId::Sre(1.into())));
}

#[test]
fn the_world_of_a_scenario_has_its_kinds_its_cures_and_its_promise() {
    let scenario = settled(KITCHEN_SINK).expect("it is good").scenario;
    let plain = definition("fault-lab");
    let its = &scenario.world.definition;
    assert_eq!(its.sla_target, 99.5);
    assert_eq!(its.chaos.len(), plain.chaos.len() + 3);
    assert_eq!(its.chaos[..plain.chaos.len()], plain.chaos[..]);
    let rollback = |definition: &Definition| {
        let action = definition.actions.iter().find(|action| action.name == "rollback");
        action.expect("it is there").remedy.cures.clone()
    };
    assert_eq!(rollback(its), [rollback(&plain), vec!["bad_rule".into(), "slow_drip".into()]].concat());
    // SREs find the kinds in their runbook, and nothing else of the scenario.
    let runbook = serde_json::to_string(&*scenario.world.runbook).expect("it is plain data");
    assert!(runbook.contains("bad_rule"));
    assert!(!runbook.contains("costs more than it brings") && !runbook.contains("Every key"));
}

#[test]
fn the_answer_key_is_looked_up() {
    let scenario = settled(KITCHEN_SINK).expect("it is good").scenario;
    let answer = scenario.answer.clone().expect("there is a key");
    let [cause] = &answer.root_causes[..] else { panic!("one cause: {answer:?}") };
    assert_eq!((cause.written.as_str(), &cause.rounds[..]), ("type:web", &[4][..]));
    assert_eq!(scenario.servers_hit(cause).len(), 2);
    let name = |action: worlds::id::ActionId| &*scenario.world.catalogue.actions[action.index()];
    assert_eq!(answer.remedies.iter().map(|it| name(*it)).collect::<Vec<_>>(), ["rollback"]);
    assert_eq!(answer.traps.iter().map(|it| name(*it)).collect::<Vec<_>>(), ["restart_service"]);
    assert_eq!(settled(LEAST).expect("it is good").scenario.answer, None);
}

#[test]
fn seeds_are_named_in_three_ways() {
    let seeds =
        |line: &str| settled(&LEAST.replace("seed = 1", line)).expect("it is good").scenario.seeds().to_vec();
    assert_eq!(seeds("seed = 0"), [0]);
    assert_eq!(seeds("seeds = [5, 3, 8]"), [5, 3, 8]);
    assert_eq!(seeds("seed_count = 4"), [1, 2, 3, 4]);
    assert_eq!(seeds("seed_count = 2\nfirst_seed = 9007199254740991"), [(1 << 53) - 1, 1 << 53]);
    let beyond = settled(&LEAST.replace("seed = 1", "seed_count = 3\nfirst_seed = 9007199254740991"));
    let told = beyond.expect_err("the last of them is not exact everywhere")[0].to_string();
    assert!(told.contains("3 seeds from 9007199254740991 on go beyond the last one"), "{told}");
}

#[test]
fn what_is_left_out_is_nothing() {
    let scenario = settled(LEAST).expect("it is good").scenario;
    let plan = scenario.plan(1, scenario.sres.clone()).expect("nobody is hit");
    assert_eq!((plan.level, plan.scripted.len(), scenario.fail_on.len()), (Level::Off, 0, 0));
    assert_eq!((plan.sres.len(), &*plan.sres[0].name), (1, "oncall"));
    assert_eq!(scenario.world.hash, worlds::topology::World::new("systems", definition("systems")).hash);
}

#[test]
fn the_hash_follows_what_is_said_and_not_how() {
    let hash = |text: &str| settled(text).expect("it is good").scenario.hash;
    let least = hash(LEAST);
    let turned: String = LEAST.lines().rev().map(|line| format!("{line} # said otherwise\n")).collect();
    assert_eq!(hash(&turned), least);
    assert_eq!(hash(&format!("{LEAST}sres = []\nsummary = \"\"\n")), least);
    for other in [
        LEAST.replace("rounds = 10", "rounds = 11"),
        LEAST.replace("seed = 1", "seed = 2"),
        LEAST.replace("systems", "single"),
        format!("{LEAST}sla_target = 99.0\n"),
        format!("{LEAST}[[fault]]\nkind = \"cpu_spike\"\nround = 4\ntarget = \"web-1\"\n"),
        format!("{LEAST}[[noise]]\nkind = \"cpu_spike\"\nround = 4\ntarget = \"web-1\"\n"),
    ] {
        assert_ne!(hash(&other), least, "{other}");
    }
}

#[test]
fn an_sre_that_is_hit_must_be_among_those_who_are_called() {
    let scenario = settled(KITCHEN_SINK).expect("it is good").scenario;
    let alone = vec![scenario.sres[0].clone()];
    let error = scenario.plan(7, alone).expect_err("`night` is hit");
    assert_eq!(error.to_string(), "this world has no SRE `night`");
    // Who else is there decides which of them it is.
    let mut three = scenario.sres.clone();
    three.insert(0, SrePlan::of("another", SreKind::None));
    let plan = scenario.plan(7, three).expect("`night` is there");
    assert_eq!(plan.scripted[2].target, Target::Agent(AgentId::Sre(2.into())));
    assert!(matches!(error, ScriptError::Target { what: "SRE", .. }));
}

// ---- what is refused --------------------------------------------------------------------------

#[test]
fn unknown_keys_are_told_with_their_place_and_the_nearest_known_one() {
    let told = refused_with("warmup = 3\n[gates]\nfail_on = []\n[steady_state]\nalert = 1\nx = 2");
    assert_eq!(
        told,
        [
            "test.toml:6:1: unknown key `warmup` in the scenario file: did you mean `warm_up`?",
            "test.toml:7:2: unknown key `gates` in the scenario file: did you mean `gate`?",
            "test.toml:10:1: unknown key `alert` in [steady_state]: did you mean `alerts`?",
            "test.toml:11:1: unknown key `x` in [steady_state]: there is alerts, availability_pct",
        ]
    );
}

#[test]
fn a_file_that_is_empty_or_no_toml_is_told_so() {
    let empty = "the scenario file is empty: start from a copy of `world scenarios show cache-loss`";
    assert_eq!(refused(""), [format!("test.toml:1:1: {empty}")]);
    assert!(refused("title = ")[0].starts_with("test.toml:1:"));
}

#[test]
fn missing_keys_are_told() {
    let told = refused("seed = 1\n");
    let missing = |key: &str| format!("test.toml:1:1: missing key `{key}` in the scenario file");
    assert_eq!(told, ["title", "world", "rounds", "warm_up"].map(missing));
}

/// A line that is added or changed, and what is told of it.
#[test]
fn each_thing_that_makes_no_sense_is_refused_at_its_place() {
    for (lines, told) in [
        ("tags = [\"a b\"]", "6:9: the tag name `a b` holds a ' ': names are letters, digits"),
        ("tags = [\"a\", \"a\"]", "6:14: the tag `a` is there twice"),
        ("seeds = [1]", "6:1: `seed` and `seeds` both name the seeds: leave one of them out"),
        ("first_seed = 3", "6:1: `first_seed` is the first of none: say with `seed_count`"),
        ("chaos_level = \"hihg\"", "6:1: unknown value for `chaos_level`: `hihg`: did you mean `high`?"),
        ("sla_target = 0", "6:1: `sla_target` is 0, but must be above 0 and at most 100"),
        ("sres = [\"a=rules\", \"b\"]", "6:20: `b` is nobody"),
        ("summary = \"a\\u001b[2J\"", "6:1: the summary holds the control character '\\u{1b}'"),
        ("[steady_state]\navailability_pct = 101", "7:1: `availability_pct` in [steady_state] is 101"),
        ("[stop]", "6:2: [stop] names no limit: set `budget_spent_pct` or `blast_radius_pct`"),
        ("[stop]\nbudget_spent_pct = 0", "7:1: `budget_spent_pct` in [stop] is 0, but must be above 0"),
        ("[gate]\nfail_on = []", "7:1: `fail_on` in [gate] holds 0, but must hold at least 1"),
        ("[gate]\nfail_on = [\"a < 1\", \"a\"]", "7:21: no operator: write <"),
        ("[cures]\nroll = [\"x\"]", "7:1: unknown action `roll`: there is restart_service,"),
        ("[cures]\nrollback = []", "7:1: `rollback` is to cure nothing"),
        ("[cures]\nrollback = [\"x\"]", "7:13: unknown kind of fault `x`: there is cpu_spike,"),
        ("[cures]\nrollback = [\"cpu_spike\"]", "7:13: `rollback` cures `cpu_spike` anyway"),
        (
            "[cures]\nrate_limit = [\"disk_full\", \"disk_full\"]",
            "7:28: `rate_limit` cures `disk_full` anyway",
        ),
        (
            "[[fault]]\nkind = \"cpu_spik\"\nround = 4\ntarget = \"web-1\"",
            "7:1: this world has no kind of fault `cpu_spik`: did you mean `cpu_spike`?",
        ),
        (
            "[[fault]]\nkind = \"cpu_spike\"\nround = 4\ntarget = \"web1\"",
            "9:1: this world has no server `web1`: did you mean `web-1`?",
        ),
        (
            "[[noise]]\nkind = \"database_slowdown\"\nround = 4\ntarget = \"web-1\"",
            "9:1: `database_slowdown` cannot hit `web-1`: it can hit db-primary, db-replica",
        ),
        (
            "[[fault]]\nkind = \"cpu_spike\"\nround = 4\ntarget = \"zone:a\"",
            "9:1: this world has no group `zone:a`: there is service:app-api,",
        ),
        (
            "[[fault]]\nkind = \"cpu_spike\"\nround = 2\ntarget = \"web-1\"",
            "8:1: round 2 is in the warm-up: choose a round from 3 on",
        ),
        (
            "[[fault]]\nkind = \"cpu_spike\"\nround = 11\ntarget = \"web-1\"",
            "8:1: the run has rounds 1 to 10",
        ),
        (
            "[[fault]]\nkind = \"cpu_spike\"\nround = 0\ntarget = \"web-1\"",
            "8:1: `round` in [[fault]] is 0, but must be at least 1",
        ),
        (
            "[[fault]]\nkind = \"cpu_spike\"\nround = 4\ntarget = \"web-1\"\n\
             [[noise]]\nkind = \"cpu_spike\"\nround = 4\ntarget = \"web-1\"",
            "10:1: `cpu_spike` comes to `web-1` in round 4 already",
        ),
        ("[answer]\nremedies = []", "6:2: missing key `root_causes` in [answer]"),
        (
            "[answer]\nroot_causes = [{ kind = \"cpu_spike\", target = \"web-1\" }]",
            "7:16: no [[fault]] is `cpu_spike` at `web-1`",
        ),
        (
            "[answer]\nroot_causes = []\nremedies = [\"rollbck\"]",
            "8:13: unknown action `rollbck`: did you mean",
        ),
        (
            "[answer]\nroot_causes = []\nremedies = [\"rollback\"]",
            "8:13: `rollback` neither cures nor relieves any of the root causes",
        ),
        (
            "[answer]\nroot_causes = []\ntraps = [\"rollback\", \"rollback\"]",
            "8:22: `rollback` is there twice",
        ),
        ("[[source]]\ntitle = \"\"\nurl = \"u\"", "7:1: the title is empty"),
        (
            "[[chaos]]\nname = \"cpu_spike\"\nprobability = 0\nrounds = 1\neffect = { error_rate = 0.1 }",
            "7:1: a second kind of fault is named `cpu_spike`",
        ),
        (
            "[[chaos]]\nname = \"x\"\nprobability = 0\nrounds = 1\ntypes = [\"wbe\"]\neffect = { error_rate = 0.1 }",
            "10:10: unknown server type `wbe`: did you mean `web`?",
        ),
        (
            "[[chaos]]\nname = \"x\"\nprobability = 0\nrounds = 1\neffect = {}",
            "10:1: the effect of `x` does nothing",
        ),
        (
            "[[chaos]]\nname = \"x\"\nprobability = 2\nrounds = 1\neffect = { error_rat = 0.1 }",
            "8:1: `probability` in [[chaos]] is 2, but must be at least 0 and at most 1",
        ),
    ] {
        let errors = refused_with(lines);
        assert!(errors[0].starts_with(&format!("test.toml:{told}")), "{lines}\n{errors:#?}");
    }
}

#[test]
fn a_file_without_a_seed_or_with_too_long_a_warm_up_is_refused() {
    let told = refused(&LEAST.replace("seed = 1\n", "").replace("warm_up = 2", "warm_up = 10"));
    assert_eq!(
        told,
        [
            "test.toml:1:1: no seed is named: write `seed = 42`, `seeds = [3, 5, 8]` or `seed_count = 20`",
            "test.toml:4:1: a warm-up of 10 rounds leaves none of 10: play more `rounds`, or warm up for fewer",
        ]
    );
    for (seeds, told) in [
        ("seeds = []", "test.toml:3:1: `seeds` names none"),
        ("seeds = [4, 4]", "test.toml:3:13: the seed 4 is there twice"),
        ("seed_count = 0", "test.toml:3:1: `seed_count` is 0, but must be at least 1 and at most 10000"),
        ("seed = -1", "test.toml:3:1: `seed` is -1, but must be at least 0 and at most 9007199254740992"),
    ] {
        assert_eq!(refused(&LEAST.replace("seed = 1", seeds)), [told]);
    }
}

#[test]
fn an_answer_with_what_helps_nothing_or_names_an_sre_is_refused() {
    let of = |answer: &str| {
        let sink = KITCHEN_SINK.split("[answer]").next().expect("what stands before");
        let line = sink.lines().count();
        let told = refused(&format!("{sink}[answer]\n{answer}\n")).remove(0);
        told.replace(&format!("test.toml:{}:", line + 2), "FIRST:")
            .replace(&format!("test.toml:{}:", line + 3), "SECOND:")
    };
    let cause = "root_causes = [{ kind = \"bad_rule\", target = \"type:web\" }]\n";
    assert_eq!(
        of(&format!("{cause}remedies = [\"rollback\", \"clear_cache\"]")),
        "SECOND:25: `clear_cache` neither cures nor relieves any of the root causes: \
         see [[actions]] of its world, and [cures] of this file"
    );
    // What takes capacity is relieved by more of it.
    settled(&KITCHEN_SINK.replace("remedies = [\"rollback\"]", "remedies = [\"rollback\", \"scale_up\"]"))
        .expect("both help");
    assert_eq!(
        of(&format!("{cause}remedies = [\"rollback\"]\ntraps = [\"rollback\"]")).split(": ").nth(1),
        Some("`rollback` is among the remedies, too")
    );
    assert_eq!(
        of("root_causes = [{ kind = \"stroke\", target = \"night\" }]"),
        "FIRST:16: `stroke` hits an SRE, and no diagnosis can name that: name the faults that hit servers"
    );
    assert_eq!(
        of("root_causes = [{ kind = \"bad_rule\", target = \"type:wbe\" }]"),
        "FIRST:16: no [[fault]] is `bad_rule` at `type:wbe`: did you mean `bad_rule at type:web`?"
    );
}

#[test]
fn what_is_wrong_all_over_is_told_at_once() {
    let text = KITCHEN_SINK
        .replace("\"avoided_share < 0.1\"", "\"avoided_share\"")
        .replace("round = 3", "round = 1")
        .replace("target = \"night\"", "target = \"nigth\"")
        .replace("types = [\"web\"]", "types = [\"wbe\"]")
        .replace("warm_up = 2", "warm_up = 20");
    let told = refused(&text);
    for part in ["a warm-up of 20 rounds", "no operator", "unknown server type `wbe`"] {
        assert!(told.iter().any(|line| line.contains(part)), "{part}: {told:#?}");
    }
    let told = refused(&text.replace("\"wbe\"", "\"web\""));
    for part in ["is in the warm-up", "no SRE `nigth`: did you mean `night`?"] {
        assert!(told.iter().any(|line| line.contains(part)), "{part}: {told:#?}");
    }
}

/// Whom a fault hits is not known where it is not known who is there.
#[test]
fn an_sre_that_is_not_said_well_does_not_make_its_faults_wrong() {
    let told = refused(&KITCHEN_SINK.replace("\"night=rules:junior\"", "\"night\""));
    assert_eq!(told, ["test.toml:14:29: `night` is nobody"]);
}

#[test]
fn a_world_that_is_not_there_is_told_beside_the_rest() {
    let text = LEAST.replace("warm_up = 2", "warm_up = 12").replace("systems", "sytems");
    let draft = Draft::read("test", "test.toml", &text).expect("it has its shape");
    let told = draft.without_world("there is no world `sytems`".to_owned(), Some("look".to_owned()));
    let told: Vec<_> = told.iter().map(ToString::to_string).collect();
    assert_eq!(told[0], "test.toml:2:1: there is no world `sytems`: look");
    assert!(told[1].starts_with("test.toml:5:1: a warm-up of 12 rounds"), "{told:?}");
}

/// Kinds of a scenario may be good by themselves, and too much together with those of the world.
#[test]
fn kinds_that_come_to_too_much_with_those_of_the_world_are_refused() {
    let flood = |n: u32| {
        format!(
            "[[chaos]]\nname = \"flood{n}\"\nprobability = 0\nrounds = 1\n\
             effect = {{ traffic_factor = 1000.0 }}\n"
        )
    };
    let told = refused_with(&(1..=3).map(flood).collect::<String>());
    assert!(told.iter().any(|line| line.contains("`traffic_factor` comes to")), "{told:#?}");
}

// ---- what is warned of ------------------------------------------------------------------------

#[test]
fn what_is_hardly_meant_is_warned_of() {
    let warned = |lines: &str| {
        let warnings = settled(&format!("{LEAST}{lines}\n")).expect("it is good").warnings;
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let kind = |name: &str| {
        format!(
            "[[chaos]]\nname = \"{name}\"\nprobability = 0\nrounds = 1\neffect = {{ process = \"killed\" }}\n"
        )
    };
    let idle = warned(&kind("idle"));
    assert_eq!(idle.len(), 1, "{idle:?}");
    assert!(idle[0].starts_with("test.toml:7:1: warning: `idle` never comes: give it a probability"));
    let late = warned("[[fault]]\nkind = \"cpu_spike\"\nround = 10\ntarget = \"web-1\"");
    assert!(late[0].starts_with("test.toml:8:1: warning: it comes in the last round"), "{late:?}");
    let vain = "[cures]\nclear_cache = [\"x\"]\n[[fault]]\nkind = \"x\"\nround = 4\ntarget = \"web-1\"\n";
    let vain = warned(&format!("{vain}{}", kind("x")));
    let told = "test.toml:7:16: warning: `clear_cache` does not reach a server without a process";
    assert!(vain[0].starts_with(told), "{vain:?}");
}

// ---- the schema -------------------------------------------------------------------------------

fn resolved(schema: &'static Value) -> &'static Value {
    let name = schema["$ref"].as_str().and_then(|name| name.strip_prefix("#/$defs/"));
    name.map_or(schema, |name| &json_schema()["$defs"][name])
}

/// The keys that a schema knows, and those that a value has, by path.
fn keys(
    path: &str,
    schema: &'static Value,
    value: &Value,
    known: &mut BTreeSet<String>,
    used: &mut BTreeSet<String>,
) {
    let schema = resolved(schema);
    match value {
        Value::Object(table) => {
            let properties = schema["properties"].as_object();
            known.extend(properties.into_iter().flat_map(Map::keys).map(|key| format!("{path}.{key}")));
            for (key, value) in table {
                match properties.and_then(|properties| properties.get(key)) {
                    Some(schema) => {
                        used.insert(format!("{path}.{key}"));
                        keys(&format!("{path}.{key}"), schema, value, known, used);
                    }
                    None => assert!(schema["additionalProperties"].is_object(), "{path}.{key}"),
                }
            }
        }
        Value::Array(values) => {
            values.iter().for_each(|value| keys(&format!("{path}[]"), &schema["items"], value, known, used))
        }
        _ => {}
    }
}

/// Of the three ways to name seeds one is enough, and a kind has a process or the rest.
const ELSEWHERE: [&str; 2] = [".seed", ".seeds"];

#[test]
fn the_kitchen_sink_uses_every_key_of_the_schema() {
    let (mut known, mut used) = (BTreeSet::new(), BTreeSet::new());
    let value: Value = toml::from_str(KITCHEN_SINK).expect("it is TOML");
    keys("", json_schema(), &value, &mut known, &mut used);
    let unused: Vec<_> = known.difference(&used).filter(|key| !ELSEWHERE.contains(&key.as_str())).collect();
    assert_eq!(unused, Vec::<&String>::new());
    assert!(known.len() > 60, "{known:?}");
}

#[test]
fn the_schema_says_what_it_is_and_knows_no_null() {
    let schema = json_schema();
    assert_eq!(schema["title"], "A scenario of the flight simulator `world`");
    assert_eq!(schema["additionalProperties"], false);
    assert!(!worlds::scenario::schema::text().contains("null"));
}

// ---- the library ------------------------------------------------------------------------------

#[test]
fn the_library_is_what_lies_in_its_directory() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios");
    let files = std::fs::read_dir(directory).expect("the library's directory");
    let stems: BTreeSet<String> = files
        .filter_map(|file| file.expect("an entry").file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
        .collect();
    let known: BTreeSet<String> = library::ALL.iter().map(|it| it.name.to_owned()).collect();
    assert_eq!(stems, known);
    assert_eq!(known.len(), library::ALL.len(), "each is there once");
}
