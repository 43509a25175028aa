//! What one would otherwise take for the job: Python's pipes, ZeroMQ, NATS.
//!
//! Small programs of their own, in `benches/peers/`, whose README says what they need. Those whose
//! needs are not met are left out, and that is said.

use crate::contender::Contender;
use crate::measure::Outcome;
use crate::sample::Sample;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// For a server to say where it listens.
const SERVER_TIME: Duration = Duration::from_secs(10);

/// A peer that can be started here.
pub enum Peer {
    /// `multiprocessing.Pipe`, pickled dictionaries.
    PythonPipes,
    /// libzmq, ROUTER and DEALER over `ipc://`.
    ZeroMq(Built),
    /// NATS with its C client, a subject for each agent.
    Nats(Built),
}

/// A program that was built for the occasion.
pub struct Built {
    program: PathBuf,
    _place: TempDir,
}

/// The peers that can be started here; says which cannot, and why.
pub fn find() -> Outcome<Vec<Peer>> {
    let found = [
        needs("python3").map(|()| Peer::PythonPipes),
        build("zeromq.c", "libzmq").map(Peer::ZeroMq),
        needs("nats-server").and_then(|()| build("nats.c", "libnats")).map(Peer::Nats),
    ];
    let names = ["Python pipes", "ZeroMQ", "NATS"];
    let mut peers = Vec::new();
    for (name, found) in names.into_iter().zip(found) {
        match found {
            Ok(peer) => peers.push(peer),
            Err(why) => println!("without {name}: {why} (see benches/peers/README.md)"),
        }
    }
    Ok(peers)
}

impl Peer {
    /// What it is called.
    pub fn name(&self) -> &'static str {
        match self {
            Self::PythonPipes => "Python pipes, pickled dicts",
            Self::ZeroMq(_) => "ZeroMQ, ipc",
            Self::Nats(_) => "NATS, C client",
        }
    }

    /// Starts it with as many processes as the product has.
    pub fn start(&self, sample: &Sample) -> Outcome<Contender> {
        match self {
            Self::PythonPipes => {
                let mut command = Command::new("python3");
                command.arg(source("pipes.py")).arg(sample.content_file());
                Contender::start(command)
            }
            Self::ZeroMq(built) => {
                let place = TempDir::new()?;
                let mut command = Command::new(&built.program);
                command.arg(format!("ipc://{}/zeromq", place.path().display())).arg(sample.sizes_file());
                Ok(Contender::start(command)?.keep(place))
            }
            Self::Nats(built) => {
                let server = NatsServer::start()?;
                let mut command = Command::new(&built.program);
                command.arg(&server.url).arg(sample.sizes_file());
                Ok(Contender::start(command)?.keep(server))
            }
        }
    }
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers").join(name)
}

fn needs(program: &str) -> Result<(), String> {
    let asked = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match asked {
        Ok(status) if status.success() => Ok(()),
        _ => Err(format!("there is no {program}")),
    }
}

/// Builds a program against a library.
fn build(name: &str, library: &str) -> Result<Built, String> {
    let asked = Command::new("pkg-config").args(["--cflags", "--libs", library]).output();
    let flags = match asked {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        _ => return Err(format!("pkg-config finds no {library}")),
    };
    let place = TempDir::new().map_err(|error| error.to_string())?;
    let program = place.path().join("peer");
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-std=gnu11", "-o"]).arg(&program).arg(source(name));
    let built = compiler.args(flags.split_whitespace()).status();
    match built {
        Ok(status) if status.success() => Ok(Built { program, _place: place }),
        _ => Err(format!("{name} cannot be built with cc")),
    }
}

/// A server of its own on a free port of the loopback.
struct NatsServer {
    process: Child,
    url: String,
    _place: TempDir,
}

impl NatsServer {
    fn start() -> Outcome<Self> {
        let place = TempDir::new()?;
        let mut command = Command::new("nats-server");
        command.args(["--addr", "127.0.0.1", "--port", "-1", "--ports_file_dir"]).arg(place.path());
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut server = Self { process, url: String::new(), _place: place };
        server.url = server.told()?;
        Ok(server)
    }

    /// Where it listens, as it writes it down when it does.
    fn told(&self) -> Outcome<String> {
        let began = Instant::now();
        loop {
            for file in std::fs::read_dir(self._place.path())? {
                let text = std::fs::read_to_string(file?.path())?;
                if let Some(url) = text.split('"').find(|word| word.starts_with("nats://")) {
                    return Ok(url.to_owned());
                }
            }
            if began.elapsed() > SERVER_TIME {
                return Err("nats-server does not say where it listens".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
