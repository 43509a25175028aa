//! `world worlds`: what it lists, shows, draws and generates.

mod support;

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use support::world;

const BUILT_IN: [&str; 6] = ["systems", "three-tier", "boutique", "single", "replicated", "fault-lab"];

fn file_of(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("worlds/definitions/{name}.toml"));
    std::fs::read_to_string(path).expect("a built-in world has a file")
}

/// A generated world in a file that is gone with the directory.
fn generated(directory: &Path, arguments: &str) -> String {
    let text = world(&format!("worlds generate {arguments}")).ends_with(0).out;
    let path = directory.join(format!("world{}.toml", arguments.replace([' ', '-'], "")));
    std::fs::write(&path, text).expect("a world file");
    path.to_str().expect("a plain path").to_owned()
}

#[test]
fn the_list_tells_the_worlds_apart_in_eighty_columns() {
    let list = world("worlds list").ends_with(0).out;
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 1 + BUILT_IN.len(), "{list}");
    assert_eq!(lines[0], "  World       Servers  Services  What it is");
    let mut said = BTreeSet::new();
    for (line, name) in lines[1..].iter().zip(BUILT_IN) {
        assert!(line.starts_with(&format!("  {name} ")) && line.chars().count() <= 80, "{line}");
        said.insert(line.split_at(34).1);
    }
    assert_eq!(said.len(), BUILT_IN.len(), "each has a description of its own: {said:?}");
}

/// What does not go to a terminal is the file, so that `show NAME > mine.toml` is a world.
#[test]
fn shown_into_a_pipe_or_on_request_a_world_is_its_file() {
    for name in BUILT_IN {
        let file = file_of(name);
        assert_eq!(world(&format!("worlds show {name}")).ends_with(0).out, file);
        assert_eq!(world(&format!("worlds show {name} --toml")).ends_with(0).out, file);
    }
}

#[test]
fn a_call_graph_says_who_calls_whom_and_how() {
    let drawn = world("worlds show systems --graph").ends_with(0).out;
    for line in [
        "   1  nginx         2 web: web-1, web-2",
        "        └─ app-frontend",
        "   3  app-api       1 api: api-1",
        "        ├─ redis         reads, via redis-client",
        "        ├─ postgresql    reads, behind redis",
        "        └─ postgresql    writes",
        "   4  redis         1 cache: cache-1",
        "        cache, 90 % hits",
        "      postgresql    2 database: db-primary (primary), db-replica (replica)",
        "      redis-client  1 api: api-1",
    ] {
        assert!(drawn.lines().any(|drawn| drawn == line), "`{line}` is not in\n{drawn}");
    }
}

/// Every call of a world is drawn, in eighty columns, however large it is.
#[test]
fn a_call_graph_is_whole_and_fits_eighty_columns() {
    let directory = tempfile::tempdir().expect("a directory");
    let thousand = generated(directory.path(), "--servers 1000 --zones 3 --seed 1");
    for name in BUILT_IN.into_iter().chain([thousand.as_str()]) {
        let text =
            if name == thousand { std::fs::read_to_string(name).expect("the file") } else { file_of(name) };
        let drawn = world(&format!("worlds show {name} --graph")).ends_with(0).out;
        for line in drawn.lines() {
            assert!(line.chars().count() <= 80, "{name}: {} columns: {line}", line.chars().count());
        }
        let (services, calls) = services_and_calls(&text);
        let branches = drawn.lines().filter(|line| line.contains("├─ ") || line.contains("└─ ")).count();
        assert_eq!(branches, calls, "{name}\n{drawn}");
        for service in services {
            let begins =
                |line: &str| line.get(6..).is_some_and(|line| line.starts_with(&format!("{service} ")));
            assert_eq!(drawn.lines().filter(|line| begins(line)).count(), 1, "{name}: {service}\n{drawn}");
        }
    }
}

#[test]
fn a_long_description_stands_below_the_title() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("long.toml");
    let text = file_of("systems").replace("CloudInfra Production", &"a word ".repeat(28));
    std::fs::write(&path, text).expect("a world file");
    let drawn = world(&format!("worlds show {} --graph", path.display())).ends_with(0).out;
    assert!(drawn.starts_with("── long ──") && drawn.contains("\n  What it is    a word"), "{drawn}");
    assert!(drawn.lines().all(|line| line.chars().count() <= 80), "{drawn}");
}

/// The names of the services, and how many calls they make.
fn services_and_calls(text: &str) -> (Vec<String>, usize) {
    let services = worlds::definition::parse("world", text).expect("a world is valid").definition.services;
    let calls = services.values().map(|service| service.calls.len()).sum();
    (services.into_keys().collect(), calls)
}

/// A small reader of the DOT that is written: one statement a line, in a digraph, in frames.
#[derive(Default)]
struct Dot {
    nodes: BTreeSet<String>,
    edges: Vec<(String, String)>,
    frames: usize,
}

impl Dot {
    fn read(text: &str) -> Self {
        let mut dot = Dot::default();
        let mut depth = 0;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match line {
                "}" => depth -= 1,
                _ if line.ends_with(" {") => {
                    assert!(line.starts_with(if depth == 0 { "digraph \"" } else { "subgraph cluster_" }));
                    dot.frames += usize::from(depth > 0);
                    depth += 1;
                }
                _ => dot.statement(line),
            }
            assert!(depth >= 0, "{text}");
        }
        assert_eq!(depth, 0, "every brace is closed:\n{text}");
        dot
    }

    fn statement(&mut self, line: &str) {
        let (what, attributes) = match line.split_once(" [") {
            Some((what, attributes)) => (what, attributes.strip_suffix(']').expect("a bracket is closed")),
            None => (line, ""),
        };
        assert!(attributes.replace("\\\"", "").matches('"').count() % 2 == 0, "quotes in {line}");
        match what.split_once(" -> ") {
            Some((from, to)) => self.edges.push((unquoted(from), unquoted(to))),
            None if matches!(what, "graph" | "node" | "edge") => {}
            None => assert!(self.nodes.insert(unquoted(what)), "{what} is there twice"),
        }
    }
}

fn unquoted(name: &str) -> String {
    let inner = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    inner.unwrap_or_else(|| panic!("{name} is not quoted")).to_owned()
}

#[test]
fn the_graph_for_graphviz_is_well_formed_and_whole() {
    let directory = tempfile::tempdir().expect("a directory");
    let large = generated(directory.path(), "--servers 300 --zones 3 --seed 2");
    for name in BUILT_IN.into_iter().chain([large.as_str()]) {
        let text = world(&format!("worlds show {name} --dot")).ends_with(0).out;
        let dot = Dot::read(&text);
        let file = world(&format!("worlds show {name} --toml")).ends_with(0).out;
        let (services, calls) = services_and_calls(&file);
        let drawn: Vec<String> = services.into_iter().filter(|service| service != "redis-client").collect();
        for service in &drawn {
            assert!(dot.nodes.contains(service), "{name}: {service} is not drawn");
        }
        // The users come on top, with their way in.
        assert_eq!((dot.nodes.len(), dot.edges.len()), (drawn.len() + 1, calls + 1), "{name}");
        for (from, to) in &dot.edges {
            assert!(dot.nodes.contains(from) && dot.nodes.contains(to), "{name}: {from} -> {to}");
        }
        assert!(dot.frames > 0, "{name}");
    }
}

/// A description may hold what ends a text in DOT.
#[test]
fn quotes_in_a_description_do_not_end_the_graph() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("quoted.toml");
    let text = file_of("systems").replace("\"CloudInfra Production\"", r#"'a "quoted" \ world'"#);
    std::fs::write(&path, text).expect("a world file");
    let dot = world(&format!("worlds show {} --dot", path.display())).ends_with(0).out;
    Dot::read(&dot);
    assert!(dot.contains(r#"label="quoted: a \"quoted\" \\ world""#), "{dot}");
}

#[test]
fn one_way_to_show_a_world_at_a_time() {
    world("worlds show systems --graph --dot").refused_with(&["--graph", "--dot"]);
    world("worlds show systems --toml --graph").refused_with(&["--toml", "--graph"]);
    world("worlds show sytems --dot").refused_with(&["sytems", "did you mean `systems`?"]);
}

#[test]
fn a_generated_world_is_valid_runs_and_comes_out_the_same_again() {
    let directory = tempfile::tempdir().expect("a directory");
    for arguments in ["--servers 10", "--servers 24 --zones 2 --seed 3", "--servers 120 --zones 4 --seed 9"] {
        let command = format!("worlds generate {arguments}");
        assert_eq!(world(&command).ends_with(0).out, world(&command).ends_with(0).out);
        let path = generated(directory.path(), arguments);
        let ended = world(&format!("worlds validate {path}")).ends_with(0);
        assert!(ended.out.ends_with("6 actions, 0 warnings\n"), "{}", ended.out);
        world(&format!("run {path} --inline -q --seed 1 --chaos-level extreme")).ends_with(0);
    }
}

#[test]
fn five_thousand_servers_are_generated_checked_and_run() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = generated(directory.path(), "--servers 5000 --zones 3 --seed 1");
    let ended = world(&format!("worlds validate {path}")).ends_with(0);
    assert!(ended.out.contains("ok: 5000 servers") && ended.out.contains("0 warnings"), "{}", ended.out);
    let ended = world(&format!("run {path} --inline --json -q --seed 1 --rounds 2 --sre none")).ends_with(0);
    assert_eq!(ended.json()["servers"].as_array().map(Vec::len), Some(5000));
}

#[test]
fn too_few_servers_or_too_many_are_refused_with_what_would_do() {
    world("worlds generate --servers 3 --zones 1").refused_with(&["too few", "4 are the least for one zone"]);
    world("worlds generate --servers 9 --zones 3").refused_with(&["10 are the least for 3 zones"]);
    world("worlds generate --servers 99 --zones 0").refused_with(&["1 to 26 zones"]);
    world("worlds generate --servers 10001").refused_with(&["at most 10000 servers"]);
    world("worlds generate").refused_with(&["--servers"]);
}

const DOCS: &str = include_str!("../docs/worlds.md");

/// The blocks between fences.
fn blocks() -> impl Iterator<Item = &'static str> {
    DOCS.split("```\n").skip(1).step_by(2)
}

#[test]
fn the_drawings_in_the_docs_are_those_that_are_drawn() {
    let mut drawn = BTreeSet::new();
    for block in blocks().filter(|block| block.starts_with("── ")) {
        let (_, rest) = block.split_once("── ").expect("a title");
        let (name, _) = rest.split_once(':').expect("a name");
        assert_eq!(world(&format!("worlds show {name} --graph")).ends_with(0).out, block, "{name}");
        drawn.insert(name);
    }
    assert_eq!(drawn, BTreeSet::from(["three-tier", "boutique", "single", "replicated", "fault-lab"]));
}

/// The two commands that answer whether a second replica would have saved us.
#[test]
fn the_comparison_in_the_docs_is_what_its_two_commands_say() {
    for (name, served) in [("single", "78.63"), ("replicated", "97.14")] {
        let command = format!("run {name} --seed 7");
        assert!(DOCS.contains(&format!("world {command}\n")) && DOCS.contains(&format!("{served} %")));
        let ended = world(&format!("{command} --inline")).ends_with(0);
        assert!(ended.out.contains(&format!("Availability  {served} %")), "{}", ended.out);
    }
}

/// Good and all requests of a round, as the journal has them.
fn round(command: &str, number: u32) -> (u64, u64) {
    let directory = tempfile::tempdir().expect("a directory");
    let out = directory.path().join("run");
    world(command).and(&["--out", out.to_str().expect("a plain path")]).ends_with(0);
    let journal = std::fs::read_to_string(out.join("journal.jsonl")).expect("a journal");
    let records = journal.lines().map(|line| serde_json::from_str::<Value>(line).expect("a record"));
    let mut closed = records.filter(|record| record["kind"] == "round_closed");
    let record = closed.find(|record| record["round"] == number).expect("the round was played");
    let figure = |key: &str| record[key].as_u64().expect("a figure");
    (figure("good"), figure("total"))
}

/// A zone is lost in round 3: what the docs say of the rounds after it.
#[test]
fn the_loss_of_a_zone_goes_as_the_docs_say() {
    let senior = blocks().find(|block| block.contains("--fault")).expect("the command");
    let senior = senior.replace("\\\n", " ").replace("world run", "run --inline -q");
    let nobody = senior.replace("--skill senior", "--sre none");
    assert_eq!(round(&senior, 3), (315, 2_170));
    assert_eq!(round(&nobody, 4), (1_855, 2_319));
    assert_eq!(round(&senior, 4), (2_310, 2_319));
    assert_eq!(round(&nobody, 5).0, round(&nobody, 5).1);
    for figure in ["315 of 2,170", "1,855 of 2,319", "serves 2,310"] {
        assert!(DOCS.contains(figure), "{figure}");
    }
}
