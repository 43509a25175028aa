//! The product: `world run --quiet`, with its servers as it starts them.
//!
//! The run waits for its SRE, which is started by hand (`--manual=oncall`), and that is how the
//! bench sets the pace without any door of its own in the program: its SRE thinks what `world agent
//! sre` thinks and says so over the same bus, counts rounds, and keeps its answer to itself while it
//! is another contender's turn.

use crate::contender::{Contender, take_turns};
use crate::measure::Outcome;
use crate::sample::{SRE_NAME, Sample};
use bus::address::{socket_in, token_in};
use bus::client::Client;
use bus::wire::{Brief, FromAgent, Hello, PROTOCOL, Role, ToSre};
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use worlds::message::{ActionResult, Decision, Observation};
use worlds::sre::Mind;

/// Makes this program the SRE: the run's directory, its name.
pub const SRE: &str = "product-sre";

/// More rounds than any bench plays.
const ROUNDS: &str = "10000000";

/// For the run to begin, with a thousand agents on a busy machine; and for these to go.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between looks at what one waits for.
const PAUSE: Duration = Duration::from_millis(5);

/// Starts the director with its servers, and the SRE.
pub fn start(sample: &Sample) -> Outcome<Contender> {
    start_in(sample, place()?)
}

/// A place for a run of one's own.
pub fn place() -> Outcome<TempDir> {
    Ok(tempfile::Builder::new().permissions(PermissionsExt::from_mode(0o700)).tempdir()?)
}

/// Where the run has its bus.
pub fn directory_in(place: &TempDir) -> PathBuf {
    place.path().join("run")
}

/// The same, in this place.
pub fn start_in(sample: &Sample, place: TempDir) -> Outcome<Contender> {
    let directory = directory_in(&place);
    let director = Director::start(sample, &directory)?;
    let mut sre = Command::new(std::env::current_exe()?);
    sre.arg(SRE).arg(&directory).arg(SRE_NAME);
    match Contender::start(sre) {
        Ok(sre) => Ok(sre.keep((director, place) as (Director, TempDir))),
        Err(error) => Err(format!("{error}; the director said: {}", director.said()).into()),
    }
}

/// The process of `world run`.
struct Director {
    process: Child,
    directory: PathBuf,
    /// Where its standard error goes.
    said: PathBuf,
}

impl Director {
    fn start(sample: &Sample, directory: &Path) -> Outcome<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_world"));
        command.arg("run").arg(sample.world_file()).args(["--quiet", "--seed", "42", "--rounds", ROUNDS]);
        command.arg(format!("--manual={SRE_NAME}")).arg("--bus").arg(directory);
        let said = sample.place().join("director");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&said)?);
        Ok(Self { process: command.spawn()?, directory: directory.to_owned(), said })
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.said).unwrap_or_default()
    }
}

impl Drop for Director {
    /// Its agents see the end of the bus, and the last removes the directory.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let began = Instant::now();
        while self.directory.exists() && began.elapsed() < PATIENCE {
            std::thread::sleep(PAUSE);
        }
    }
}

/// The SRE.
pub fn think(directory: &Path, name: &str) -> Outcome<()> {
    let (mut client, brief) = join(directory, name)?;
    let Brief::Sre(brief) = brief else { return Err("the brief of another role".into()) };
    let mut mind = Mind::new(&brief);
    let mut seen = observe(&mut client)?;
    take_turns(|| {
        let mut decision = Decision::default();
        mind.decide(&seen.0, &seen.1, &mut decision);
        client.send(&FromAgent::decision(&decision))?;
        seen = observe(&mut client)?;
        Ok(())
    })
}

/// Joins the run as soon as there is one.
fn join(directory: &Path, name: &str) -> Outcome<(Client, Brief)> {
    let began = Instant::now();
    loop {
        let joined = token_in(directory).map_err(Into::into).and_then(|token| {
            let hello =
                Hello { protocol: PROTOCOL, role: Role::Sre, name: name.to_owned(), skill: None, token };
            Client::connect(&socket_in(directory), &hello).map_err(Into::into)
        });
        match joined {
            Err(_) if began.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
            joined => return joined,
        }
    }
}

fn observe(client: &mut Client) -> Outcome<(Observation, Vec<ActionResult>)> {
    let mut results = Vec::new();
    loop {
        match client.receive()? {
            ToSre::Results(news) => results = news.into_owned(),
            ToSre::Observe(observation) => return Ok((observation.into_owned(), results)),
            other => return Err(format!("the run ended: {other:?}").into()),
        }
    }
}
