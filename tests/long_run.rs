//! Claims about runs that go on for long: no process grows, no descriptor is left open, the journal
//! grows evenly.
//!
//! The SRE of the run is this test: it thinks what any SRE of its skill thinks, and holds its answer
//! back while it looks at the other processes, so that these are seen between two rounds, and not at
//! some time. As many rounds as `WORLD_LONG_RUN_ROUNDS` says:
//!
//! ```text
//! WORLD_LONG_RUN_ROUNDS=100000 cargo test --release --test long_run -- --nocapture
//! ```

mod support;

use bus::address::{socket_in, token_in};
use bus::client::Client;
use bus::wire::{Brief, FromAgent, Hello, PROTOCOL, Role, ToSre};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use support::running::{Run, make_private, wait_until};
use worlds::message::Decision;
use worlds::sre::Mind;

/// Rounds of the run, where nobody asks for more.
const ROUNDS: u32 = 3000;

/// What a director may keep of an incident, bytes.
const OF_AN_INCIDENT: u64 = 200;

/// Descriptors of the connection of an agent by hand, while the runtime waits for it: to read and
/// write, to see its end, to wait.
const OF_AN_AWAITED_HAND: usize = 3;

/// What allocators may come to hold without anything growing, KiB.
const SLACK_KIB: u64 = 512;

/// What an agent may, KiB: a few pages that it had not touched before.
const AGENT_SLACK_KIB: u64 = 32;

#[test]
fn in_a_long_run_no_process_grows_and_the_journal_grows_evenly() {
    let rounds = std::env::var("WORLD_LONG_RUN_ROUNDS").map_or(ROUNDS, |text| text.parse().expect("rounds"));
    let place = tempfile::tempdir().expect("a directory");
    make_private(place.path());
    let (bus, out) = (place.path().join("bus"), place.path().join("out"));
    let run = Run::start_in(tempfile::tempdir().expect("a directory"), |command| {
        command.args([
            "--quiet",
            "--json",
            "--seed",
            "42",
            "--manual=oncall",
            "--rounds",
            &rounds.to_string(),
        ]);
        command.arg("--bus").arg(&bus).arg("--out").arg(&out);
    });
    let mut looks = Vec::new();
    let director = run.child.id();
    think(&bus, |round| {
        if [rounds / 2, rounds].contains(&round) {
            looks.push(Look::at(director));
        }
    });
    let result: serde_json::Value = serde_json::from_str(&run.end().text).expect("a result");
    let [half, whole] = &looks[..] else { panic!("{} looks", looks.len()) };
    let journal = halves(&out, rounds / 2);
    println!("after {} rounds: {half:?}\nafter {rounds}: {whole:?}\njournal: {journal:?} bytes", rounds / 2);

    assert_eq!(half.descriptors, whole.descriptors, "descriptors of the director");
    let resolved =
        |incident: &&serde_json::Value| incident["onset_round"].as_u64() > Some(u64::from(rounds / 2));
    let incidents = result["incidents"].as_array().expect("incidents").iter().filter(resolved).count() as u64;
    assert!(incidents > u64::from(rounds / 20), "{incidents} incidents are too few to say anything");
    let grown = whole.director_kib.saturating_sub(half.director_kib);
    assert!(grown <= OF_AN_INCIDENT * incidents / 1024 + SLACK_KIB, "{incidents} incidents, {grown} KiB");
    for (agent, before) in &half.agents_kib {
        let now = whole.agents_kib.get(agent).expect("the same processes");
        assert!(*now <= before + AGENT_SLACK_KIB, "agent {agent} grew from {before} to {now} KiB");
    }
    let second_half = journal[1] as f64 / journal[0] as f64;
    assert!(
        (0.9..1.1).contains(&second_half),
        "the second half of the journal is {second_half} of the first"
    );
}

/// Bytes of the journal up to the end of this round, and of the rounds after it. What stands at the
/// end, a record of each incident, belongs to neither.
fn halves(out: &Path, half: u32) -> [usize; 2] {
    let journal = BufReader::new(File::open(out.join("journal.jsonl")).expect("a journal"));
    let next = format!("{{\"kind\":\"round_opened\",\"round\":{},", half + 1);
    let (mut bytes, mut place) = ([0, 0], 0);
    let lines = journal.lines().map(|line| line.expect("a line"));
    for line in lines.take_while(|line| !line.starts_with("{\"kind\":\"incident\"")) {
        place |= usize::from(line.starts_with(&next));
        bytes[place] += line.len();
    }
    bytes
}

/// The processes of a run at one moment.
#[derive(Debug)]
struct Look {
    director_kib: u64,
    descriptors: usize,
    /// By process.
    agents_kib: BTreeMap<u32, u64>,
}

impl Look {
    fn at(director: u32) -> Self {
        Self {
            director_kib: resident_kib(director),
            descriptors: descriptors(director),
            agents_kib: children(director).into_iter().map(|child| (child, resident_kib(child))).collect(),
        }
    }
}

/// Descriptors of a director that waits for this test. It waits on the spot at first, then has the
/// runtime wait, which takes another descriptor of the connection: looked at is the second.
fn descriptors(director: u32) -> usize {
    wait_until("the runtime waits for this test", || {
        let entries = std::fs::read_dir(format!("/proc/{director}/fd")).expect("its descriptors");
        let targets = entries.flatten().map(|entry| std::fs::read_link(entry.path()).unwrap_or_default());
        let mut of_target = BTreeMap::<PathBuf, usize>::new();
        targets.for_each(|target| *of_target.entry(target).or_default() += 1);
        let waits = of_target.iter().any(|(target, count)| {
            target.to_string_lossy().starts_with("socket:") && *count >= OF_AN_AWAITED_HAND
        });
        waits.then(|| of_target.values().sum())
    })
}

/// Memory that is a process's own and in use.
fn resident_kib(process: u32) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).expect("its memory");
    let line = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:")).expect("a figure");
    line.trim().trim_end_matches(" kB").parse().expect("kilobytes")
}

fn children(process: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).expect("its threads");
    let children = threads.map(|thread| {
        let path = thread.expect("a thread").path().join("children");
        std::fs::read_to_string(path).expect("its children")
    });
    let numbers: Vec<String> = children.collect();
    let numbers = numbers.iter().flat_map(|text| text.split_whitespace());
    numbers.map(|number| number.parse().expect("a number")).collect()
}

/// Is the run's SRE until the run says farewell. `before` is called with each round before it is
/// answered.
fn think(bus: &Path, mut before: impl FnMut(u32)) {
    let token = wait_until("there is a token", || token_in(bus).ok());
    let hello = Hello { protocol: PROTOCOL, role: Role::Sre, name: "oncall".to_owned(), skill: None, token };
    // A socket is there a moment before anybody listens.
    let (mut client, brief) =
        wait_until("somebody listens", || Client::connect(&socket_in(bus), &hello).ok());
    let Brief::Sre(brief) = brief else { panic!("another's brief") };
    let mut mind = Mind::new(&brief);
    let (mut results, mut decision) = (Vec::new(), Decision::default());
    loop {
        match client.receive().expect("a bus that does not break") {
            ToSre::Results(news) => results = news.into_owned(),
            ToSre::Observe(observation) => {
                before(observation.round);
                mind.decide(&observation, &results, &mut decision);
                client.send(&FromAgent::decision(&decision)).expect("sent");
                results.clear();
            }
            ToSre::Bye => return,
            ToSre::Refused(why) => panic!("{why}"),
        }
    }
}
