//! What many processes cost: until all agents are there, what they take of the memory, and until
//! they are gone.
//!
//! `world run --quiet` with N servers, as `lockstep` has it: the run is there when its SRE, this
//! program, is shown the first round. The reference starts and ends as many processes that do
//! nothing but connect, each waited for before the next.

#![allow(clippy::print_stdout, reason = "what a bench prints is what it is for")]

mod measure;

use bus::address::{socket_in, token_in};
use bus::client::Client;
use bus::wire::{Hello, PROTOCOL, Role, ToSre};
use measure::{Comparison, Outcome, Quartiles};
use rustix::process::{Pid, Signal, kill_process};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Numbers of servers.
const SIZES: [usize; 3] = [50, 200, 1000];

/// Runs of each size.
const TURNS: usize = 5;

/// Makes this program connect and wait for the end.
const NOTHING: &str = "connect-and-wait";

const WORLD: &str = env!("CARGO_BIN_EXE_world");

/// For anything to happen at all.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, socket] = &arguments[..]
        && word == NOTHING
    {
        // Nothing ever comes but the end.
        UnixStream::connect(socket)?.read_to_end(&mut Vec::new())?;
        return Ok(());
    }
    SIZES.into_iter().try_for_each(measure_size)
}

fn measure_size(size: usize) -> Outcome<()> {
    let place = tempfile::Builder::new().permissions(PermissionsExt::from_mode(0o700)).tempdir()?;
    let world = place.path().join("world.toml");
    let generated =
        Command::new(WORLD).args(["worlds", "generate", "--servers", &size.to_string()]).output()?;
    std::fs::write(&world, generated.stdout)?;
    let mut start = Comparison::of(["processes that connect", "world run --quiet"]);
    let (mut ends, mut agents, mut directors) = (Vec::new(), Vec::new(), Vec::new());
    start.take(
        TURNS,
        &mut [&mut || connect(size), &mut || {
            let run = Run::start(&world, place.path())?;
            directors.push(pss_kib(run.director.id())?);
            let servers = run.servers()?;
            assert_eq!(servers.len(), size, "a process for each server");
            for server in servers {
                agents.push(pss_kib(server)?);
            }
            let there = run.there.as_secs_f64() * 1e3;
            ends.push(run.end()?.as_secs_f64() * 1e3);
            Ok(there)
        }],
    )?;
    start.print(&format!("N = {size}, until all are there"), "ms");
    for (what, figures) in [
        ("until all are gone, ms", ends),
        ("PSS of a server agent, KiB", agents),
        ("PSS of the director, KiB", directors),
    ] {
        println!("{what:53} {}", Quartiles::of(figures.into_iter()));
    }
    Ok(())
}

fn connect(size: usize) -> Outcome<f64> {
    let directory = TempDir::new()?;
    let socket = directory.path().join("socket");
    let listener = UnixListener::bind(&socket)?;
    let this = std::env::current_exe()?;
    let began = Instant::now();
    let mut connected = Vec::new();
    for _ in 0..size {
        let child = Command::new(&this).arg(NOTHING).arg(&socket).stdin(Stdio::null()).spawn()?;
        connected.push((child, listener.accept()?));
    }
    let took = began.elapsed();
    for (mut child, connection) in connected {
        drop(connection);
        child.wait()?;
    }
    Ok(took.as_secs_f64() * 1e3)
}

/// A run with all its agents.
struct Run {
    director: Child,
    /// The SRE's connection.
    sre: Client,
    /// How long it took until all were there.
    there: Duration,
}

impl Run {
    fn start(world: &Path, place: &Path) -> Outcome<Self> {
        let directory = place.join("run");
        let mut command = Command::new(WORLD);
        command.arg("run").arg(world).args(["--quiet", "--seed", "42", "--manual=oncall", "--bus"]);
        command.arg(&directory).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let began = Instant::now();
        let director = command.spawn()?;
        let mut sre = join(&directory, began)?;
        // The first round is shown when every server has taken part in it.
        while !matches!(sre.receive()?, ToSre::Observe(_)) {}
        Ok(Self { director, sre, there: began.elapsed() })
    }

    /// The processes of its servers.
    fn servers(&self) -> Outcome<Vec<u32>> {
        let mut servers = Vec::new();
        for task in std::fs::read_dir(format!("/proc/{}/task", self.director.id()))? {
            let children = std::fs::read_to_string(task?.path().join("children"))?;
            for child in children.split_whitespace() {
                servers.push(child.parse()?);
            }
        }
        Ok(servers)
    }

    /// Ends it as a user would who has had enough: after its round, with a farewell to all. Gives how
    /// long that took.
    fn end(self) -> Outcome<Duration> {
        let servers = self.servers()?;
        let Self { mut director, sre, .. } = self;
        let began = Instant::now();
        kill_process(Pid::from_child(&director), Signal::INT)?;
        // Nobody waits for the decision of an SRE that is gone.
        drop(sre);
        director.wait()?;
        let took = began.elapsed();
        match servers.into_iter().find(|server| Path::new(&format!("/proc/{server}")).exists()) {
            Some(server) => Err(format!("{server} is left behind").into()),
            None => Ok(took),
        }
    }
}

/// Joins the run as its SRE, as soon as there is one.
fn join(directory: &Path, began: Instant) -> Outcome<Client> {
    loop {
        let joined = token_in(directory).map_err(Into::into).and_then(|token| {
            let (role, name) = (Role::Sre, "oncall".to_owned());
            let hello = Hello { protocol: PROTOCOL, role, name, skill: None, token };
            Client::connect(&socket_in(directory), &hello).map_err(Into::into)
        });
        match joined {
            Err(_) if began.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(1)),
            joined => return joined.map(|(client, _)| client),
        }
    }
}

/// What a process takes of the memory, with its share of what it has in common with others.
fn pss_kib(process: u32) -> Outcome<f64> {
    let rollup = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).ok_or("no PSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
