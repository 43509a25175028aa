//! What is exchanged: a world of N servers, and real messages of its rounds.
//!
//! The messages are those of a run of the model, so that every contender moves as many bytes in
//! each frame as the product does: the mean over rounds in which things happen.

use crate::measure::Outcome;
use bus::frame;
use bus::wire::{FromAgent, ToServer, ToSre};
use serde::Serialize;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;
use worlds::definition::parse;
use worlds::id::SreId;
use worlds::message::{Decision, Observation, Report, Tick};
use worlds::plan::{Level, RunPlan, sres_of};
use worlds::round::Round;
use worlds::server::Server;
use worlds::sre::Mind;
use worlds::topology::World;

/// The SRE of the default world.
pub const SRE_NAME: &str = "oncall";

/// Servers of the default world.
const SMALLEST: usize = 6;

/// Rounds that sizes are the mean of.
const ROUNDS: u32 = 100;

/// Bytes of frames: what an agent is asked, and what it answers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exchange {
    /// To the agent.
    pub asked: usize,
    /// From the agent.
    pub answered: usize,
}

/// A world, and what its agents are told and tell.
pub struct Sample {
    servers: Vec<Exchange>,
    sre: Exchange,
    place: TempDir,
}

/// The messages of one round, for contenders that send values rather than bytes.
#[derive(Serialize)]
struct Content {
    ticks: Vec<Tick>,
    reports: Vec<Report>,
    observation: Observation,
    decision: Decision,
}

impl Sample {
    /// The default world, or one of so many servers.
    pub fn of(size: usize) -> Outcome<Self> {
        let text = world_of(size)?;
        let checked = parse("bench", &text).map_err(|errors| format!("{errors:?}"))?;
        let (servers, sre, content) = play(World::new("bench", checked.definition))?;
        let sample = Self { servers, sre, place: TempDir::new()? };
        std::fs::write(sample.world_file(), text)?;
        std::fs::write(sample.sizes_file(), sample.table()?)?;
        std::fs::write(sample.content_file(), serde_json::to_vec(&content)?)?;
        Ok(sample)
    }

    /// Where all that belongs to it lies.
    pub fn place(&self) -> &Path {
        self.place.path()
    }

    /// The world.
    pub fn world_file(&self) -> PathBuf {
        self.place.path().join("world.toml")
    }

    /// Bytes to and from each agent: a line for each server, the last for the SRE.
    pub fn sizes_file(&self) -> PathBuf {
        self.place.path().join("sizes")
    }

    /// The messages of a round, as JSON.
    pub fn content_file(&self) -> PathBuf {
        self.place.path().join("content.json")
    }

    /// How many servers.
    pub fn size(&self) -> usize {
        self.servers.len()
    }

    /// The sizes, told.
    pub fn sizes(&self) -> String {
        let mean =
            |bytes: fn(&Exchange) -> usize| self.servers.iter().map(bytes).sum::<usize>() / self.size();
        let (asked, answered) = (mean(|server| server.asked), mean(|server| server.answered));
        let sre = self.sre;
        format!("{asked} + {answered} bytes a server, {} + {} the SRE", sre.asked, sre.answered)
    }

    fn table(&self) -> Outcome<String> {
        let mut table = String::new();
        for Exchange { asked, answered } in self.servers.iter().chain([&self.sre]) {
            writeln!(table, "{asked} {answered}")?;
        }
        Ok(table)
    }
}

/// The sizes of each server's frames, and of the SRE's.
pub fn read_sizes(path: &Path) -> Outcome<(Vec<Exchange>, Exchange)> {
    let text = std::fs::read_to_string(path)?;
    let mut agents = text.lines().map(exchange).collect::<Outcome<Vec<_>>>()?;
    let sre = agents.pop().ok_or("no sizes")?;
    Ok((agents, sre))
}

fn exchange(line: &str) -> Outcome<Exchange> {
    let (asked, answered) = line.split_once(' ').ok_or("a line has two sizes")?;
    Ok(Exchange { asked: asked.parse()?, answered: answered.parse()? })
}

/// Plays rounds, and gives the mean sizes of what was said, with the last of it.
fn play(world: World) -> Outcome<(Vec<Exchange>, Exchange, Content)> {
    let sres = sres_of(&world.definition);
    let plan = RunPlan {
        seed: 42,
        level: Level::Medium,
        rounds: ROUNDS,
        sres,
        scripted: Vec::new(),
        drill: Default::default(),
    };
    let mut round = Round::unrecorded(Arc::new(world), plan);
    let mut servers: Vec<Server> = round.server_briefs().map(Server::new).collect();
    let mut mind = Mind::new(&round.sre_brief(SreId(0)));
    let mut sums = vec![Exchange::default(); servers.len()];
    let mut sre = Exchange::default();
    loop {
        let ticks: Vec<Tick> = round.open().ticks.iter().flatten().cloned().collect();
        let mut reports = vec![Report::default(); servers.len()];
        for ((server, tick), report) in servers.iter_mut().zip(&ticks).zip(&mut reports) {
            server.step(tick, report);
        }
        for ((sum, tick), report) in sums.iter_mut().zip(&ticks).zip(&reports) {
            sum.asked += bytes(&ToServer::Tick(Cow::Borrowed(tick)))?;
            sum.answered += bytes(&FromAgent::report(report))?;
        }
        round.observe(&mut reports.iter().cloned().map(Some).collect());
        let (observation, results) = (round.observation().clone(), round.results(SreId(0)).to_vec());
        let mut decision = Decision::default();
        mind.decide(&observation, &results, &mut decision);
        sre.asked += bytes(&ToSre::Observe(Cow::Borrowed(&observation)))?;
        if !results.is_empty() {
            sre.asked += bytes(&ToSre::Results(Cow::Borrowed(&results)))?;
        }
        sre.answered += bytes(&FromAgent::decision(&decision))?;
        round.close(std::slice::from_ref(&decision));
        if round.is_over() {
            let mean = |sum: Exchange| {
                let rounds = ROUNDS as usize;
                Exchange { asked: sum.asked / rounds, answered: sum.answered / rounds }
            };
            let content = Content { ticks, reports, observation, decision };
            return Ok((sums.into_iter().map(mean).collect(), mean(sre), content));
        }
    }
}

fn bytes(message: &impl Serialize) -> Outcome<usize> {
    let mut bytes = Vec::new();
    frame::encode(message, &mut bytes)?;
    Ok(bytes.len())
}

/// The default world, or one that the program generates.
fn world_of(size: usize) -> Outcome<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_world"));
    command.arg("worlds");
    match size {
        SMALLEST => command.args(["show", "systems"]),
        size => command.args(["generate", "--servers", &size.to_string()]),
    };
    let output = command.output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into())
    }
}
