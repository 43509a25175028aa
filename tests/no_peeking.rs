//! Nobody peeks: what an SRE process is sent holds no fault and no seed.
//!
//! A test joins a run by hand as its SRE and keeps every frame that it is sent, as bytes. Faults
//! that look alike must then look alike to the byte, and nothing of the seed or of the dice of
//! others may be found in them.

use bus::address::{socket_in, token_in};
use bus::wire::{FromAgent, Hello, PROTOCOL, Role};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use worlds::chance::Key;
use worlds::message::Decision;

/// A seed that does not occur by chance.
const SEED: u64 = 0x5EED_0BAD_C0DE_F00D;

/// The built-in world and two kinds of faults that do the same.
fn world_with_twins(directory: &Path) -> PathBuf {
    let twin = |(name, effect): (&str, &str)| {
        format!("\n[[chaos]]\nname = \"{name}\"\nprobability = 0.0\nrounds = 3\neffect = {{ {effect} }}\n")
    };
    let twins = [("castor", "error_rate = 0.4"), ("pollux", "error_rate = 0.4")];
    let silent = [("cut_off", "unreachable = true"), ("paused", "process = \"paused\"")];
    let twins: String = twins.into_iter().chain(silent).map(twin).collect();
    let text = format!("{}{twins}", include_str!("../worlds/definitions/systems.toml"));
    let path = directory.join("twins.toml");
    std::fs::write(&path, text).expect("a world file");
    path
}

/// What an SRE that only listens was sent, frame by frame, without the length.
fn overheard(world: &Path, runtime_dir: &Path, fault: &str) -> Vec<Vec<u8>> {
    let world = world.to_str().expect("a plain path");
    overheard_in(runtime_dir, &["--chaos-level", "off", "--fault", fault, world])
}

/// The same, of any run of fifteen rounds.
fn overheard_in(runtime_dir: &Path, flags: &[&str]) -> Vec<Vec<u8>> {
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(runtime_dir, private).expect("its mode");
    let mut child = Command::new(env!("CARGO_BIN_EXE_world"))
        .args(["run", "--manual=oncall", "--seed", &SEED.to_string()])
        .args(flags)
        .env("XDG_RUNTIME_DIR", runtime_dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    let directory = run_directory(&mut child, runtime_dir);
    let token = token_in(&directory).expect("the run's token");
    let mut stream = UnixStream::connect(socket_in(&directory)).expect("the bus");
    let hello = Hello { protocol: PROTOCOL, role: Role::Sre, name: "oncall".into(), skill: None, token };
    say(&mut stream, &hello);
    let mut frames = vec![hear(&mut stream).expect("a welcome")];
    let mut round = 0;
    while let Some(frame) = hear(&mut stream) {
        frames.push(frame);
        round += 1;
        let decision = Decision { round, ..Decision::default() };
        if round <= 15 {
            say(&mut stream, &FromAgent::decision(&decision));
        }
    }
    assert!(child.wait().expect("the run ends").success());
    frames
}

/// Reads the console until it tells that the run waits; by then its directory is there.
fn run_directory(child: &mut Child, runtime_dir: &Path) -> PathBuf {
    let console = BufReader::new(child.stdout.take().expect("a console"));
    let mut lines = console.lines();
    let waits = |line: &std::io::Result<String>| line.as_ref().is_ok_and(|line| line.contains("agent sre"));
    assert!(lines.any(|line| waits(&line)), "the run never waited for its SRE");
    std::thread::spawn(move || lines.for_each(drop));
    let mut entries = std::fs::read_dir(runtime_dir.join("world")).expect("a runtime directory");
    entries.next().expect("one run").expect("its directory").path()
}

fn say<M: serde::Serialize>(stream: &mut UnixStream, message: &M) {
    let mut frame = Vec::new();
    bus::frame::encode(message, &mut frame).expect("a frame");
    // The run may be over already, and its farewell on the way.
    let _ = stream.write_all(&frame);
}

/// The next frame; `None` when the bus ended.
fn hear(stream: &mut UnixStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}

fn holds(frames: &[Vec<u8>], what: &[u8]) -> bool {
    frames.iter().any(|frame| frame.windows(what.len()).any(|window| window == what))
}

fn bytes_of(key: &Key) -> Vec<u8> {
    let mut frame = Vec::new();
    bus::frame::encode(key, &mut frame).expect("a frame");
    // Behind the length and the version.
    frame[5..].to_vec()
}

#[test]
fn faults_that_look_alike_are_sent_alike() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = world_with_twins(directory.path());
    let castor = overheard(&world, directory.path(), "castor@3:api-1");
    let pollux = overheard(&world, directory.path(), "pollux@3:api-1");
    assert_eq!(castor.len(), 17, "a welcome, fifteen observations and a farewell");
    assert_eq!(castor, pollux);
    // The ear is not deaf: a fault elsewhere sounds otherwise.
    let elsewhere = overheard(&world, directory.path(), "castor@3:web-1");
    assert_ne!(castor, elsewhere);
}

/// A process that was stopped looks like a server that is cut off: silent, with users' requests lost.
#[test]
fn a_process_that_stands_still_is_sent_as_a_partition_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = world_with_twins(directory.path());
    let cut_off = overheard(&world, directory.path(), "cut_off@3:web-1");
    let paused = overheard(&world, directory.path(), "paused@3:web-1");
    assert_eq!(cut_off.len(), 17);
    assert_eq!(cut_off, paused);
}

#[test]
fn neither_the_seed_nor_anybody_elses_dice_are_sent() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = world_with_twins(directory.path());
    let frames = overheard(&world, directory.path(), "castor@3:api-1");
    assert!(holds(&frames, &bytes_of(&Key::derive(SEED, "sre", "oncall"))), "its own dice are");
    assert!(!holds(&frames, &SEED.to_le_bytes()));
    assert!(!holds(&frames, &SEED.to_be_bytes()));
    assert!(!holds(&frames, SEED.to_string().as_bytes()));
    for (kind, name) in [("traffic", ""), ("actions", ""), ("chaos", "castor"), ("chaos", "cpu_spike")] {
        assert!(!holds(&frames, &bytes_of(&Key::derive(SEED, kind, name))), "{kind} {name}");
    }
    for server in ["web-1", "web-2", "api-1", "db-primary", "db-replica", "cache-1"] {
        assert!(!holds(&frames, &bytes_of(&Key::derive(SEED, "server", server))), "{server}");
    }
}

/// Everything that an SRE was sent, decoded: the types have no place for a fault, and what is in
/// them is telemetry.
#[test]
fn what_is_sent_decodes_to_telemetry_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = world_with_twins(directory.path());
    let frames = overheard(&world, directory.path(), "castor@3:api-1");
    for frame in &frames[1..16] {
        let message: bus::wire::ToSre = bus::frame::decode(frame).expect("a message");
        let text = serde_json::to_string(&message).expect("it is plain data");
        assert!(text.starts_with("{\"Observe\""), "{text}");
        for word in ["fault", "castor", "pollux", "chaos", "seed", "inject", "truth", "witness"] {
            assert!(!text.contains(word), "`{word}` in {text}");
        }
    }
}

/// What a scenario says to people, its answer key above all, is in nothing that an SRE is sent.
#[test]
fn neither_the_story_of_a_scenario_nor_its_answer_key_is_sent() {
    let directory = tempfile::tempdir().expect("a directory");
    let scenario = directory.path().join("tell-tale.toml");
    let text = "title = \"Titular\"\nsummary = \"Summarily\"\ntags = [\"taggish\"]\nworld = \"systems\"\nseed = 1\n\
                rounds = 15\nwarm_up = 2\n[gate]\nfail_on = [\"availability_pct < 1.25\"]\n\
                [[fault]]\nkind = \"cpu_spike\"\nround = 4\ntarget = \"api-1\"\n\
                [[noise]]\nkind = \"memory_leak\"\nround = 6\ntarget = \"web-2\"\n\
                [answer]\nroot_causes = [{ kind = \"cpu_spike\", target = \"api-1\" }]\nremedies = [\"rollback\"]\n\
                explanation = \"Explainable\"\n[[source]]\ntitle = \"Sourced\"\nurl = \"Url\"\nnote = \"Noted\"\n";
    std::fs::write(&scenario, text).expect("a scenario file");
    let scenario = scenario.to_str().expect("a plain path");
    let frames = overheard_in(directory.path(), &["--scenario", scenario]);
    assert_eq!(frames.len(), 17);
    for word in
        ["Titular", "Summarily", "taggish", "tell-tale", "1.25", "Explainable", "Sourced", "Url", "Noted"]
    {
        assert!(!holds(&frames, word.as_bytes()), "{word}");
    }
    // What is sent is what the same faults without a scenario would be, with the warm-up and all.
    let faults = ["--fault", "cpu_spike@4:api-1", "--fault", "memory_leak@6:web-2", "--chaos-level", "off"];
    assert_eq!(frames, overheard_in(directory.path(), &faults));
}
