//! How fast rounds go over the bus: a tick to each of N servers, a report back from each.
//!
//! The director's hub and processes of `world agent server`, against the least that any program
//! with N processes can do: blocking sockets of the standard library, and children that read and
//! write the same number of bytes without looking at them. Between the two stands the hub with
//! children that speak the protocol and leave out the physics.
//!
//! Children of the reference and those without physics are this program, started again.

mod measure;

use bus::address::{self, RunDirectory};
use bus::client::Client;
use bus::frame;
use bus::hub::{Admits, Arrival, Hub, HubLimits, SeatId, SeatPlan};
use bus::token::Token;
use bus::wire::{Brief, FromAgent, FromServer, Hello, PROTOCOL, Role, ToServer};
use measure::{Comparison, Outcome, rate};
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use worlds::definition::{builtin, parse};
use worlds::message::{Report, ServerBrief, Tick};
use worlds::plan::{Level, RunPlan, sres_of};
use worlds::round::Round;
use worlds::server::Server;
use worlds::topology::World;

/// Numbers of servers: the default world, and one that a large team might draw.
const SIZES: [usize; 2] = [6, 50];

/// Long enough for a hundred exchanges of the largest fleet.
const SLICE: Duration = Duration::from_millis(200);

/// Turns of one set of fleets.
const TURNS: usize = 12;

/// Fresh fleets for each size: where the kernel happens to place processes is part of the noise.
const FLEETS: usize = 2;

/// For an answer of an agent; none takes a thousandth of it.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// For agents to arrive, all of them, on a loaded machine.
const ARRIVAL_TIME: Duration = Duration::from_secs(30);

/// Makes this program a child of the reference: the socket, bytes in, bytes out.
const SOCKET_CHILD: &str = "socket-child";

/// Makes this program an agent without physics: the run's directory, its name.
const BUS_CHILD: &str = "bus-child";

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [SOCKET_CHILD, socket, asked, answered] => answer_bytes(socket, asked.parse()?, answered.parse()?),
        [BUS_CHILD, directory, name] => answer_at_once(Path::new(directory), name),
        _ => SIZES.into_iter().try_for_each(measure_size),
    }
}

fn measure_size(size: usize) -> Outcome<()> {
    let parts = parts(size)?;
    let mut comparison =
        Comparison::of(["std sockets, same bytes", "hub, agents without physics", "hub, world agent server"]);
    for _ in 0..FLEETS {
        let mut sockets = SocketFleet::start(&parts)?;
        let mut plain = HubFleet::start(&parts, |directory, name| {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg(BUS_CHILD).arg(directory).arg(name);
            Ok(command)
        })?;
        let mut agents = HubFleet::start(&parts, |directory, name| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_world"));
            command.args(["agent", "server", "--name", name, "--bus"]).arg(directory);
            Ok(command)
        })?;
        comparison.take(
            TURNS,
            &mut [&mut || rate(SLICE, || sockets.exchange()), &mut || plain.exchanges(), &mut || {
                agents.exchanges()
            }],
        )?;
        plain.end()?;
        agents.end()?;
    }
    let bytes = |count: fn(&Part) -> usize| parts.iter().map(count).sum::<usize>() / size;
    let title = format!(
        "N = {size}, {} bytes to a server and {} back",
        bytes(|part| part.asked),
        bytes(|part| part.answered)
    );
    comparison.print(&title, "exchanges/s");
    Ok(())
}

// ---- what is exchanged ------------------------------------------------------------------------

/// One server of a fleet, and what it is told each round.
struct Part {
    name: String,
    brief: ServerBrief,
    tick: Tick,
    /// Bytes of the tick's frame.
    asked: usize,
    /// Bytes of the report's frame.
    answered: usize,
}

/// The servers of the default world in its first round, again and again until there are `size`.
fn parts(size: usize) -> Outcome<Vec<Part>> {
    let text = builtin::find("systems").ok_or("there is no world `systems`")?.text;
    let checked = parse("systems", text).map_err(|errors| format!("{errors:?}"))?;
    let world = Arc::new(World::new("systems", checked.definition));
    let sres = sres_of(&world.definition);
    let plan = RunPlan { seed: 42, level: Level::Off, rounds: 1, sres, scripted: Vec::new() };
    let mut round = Round::new(world, plan);
    let briefs: Vec<ServerBrief> = round.server_briefs().collect();
    let ticks: Vec<Tick> = round.open().ticks.iter().flatten().cloned().collect();
    let servers = briefs.into_iter().zip(ticks).collect::<Vec<_>>();
    (0..size).map(|number| part(number, servers[number % servers.len()].clone())).collect()
}

fn part(number: usize, (brief, tick): (ServerBrief, Tick)) -> Outcome<Part> {
    let mut report = Report::default();
    Server::new(brief.clone()).step(&tick, &mut report);
    let asked = frame_bytes(&ToServer::Tick(tick.clone()))?;
    let answered = frame_bytes(&FromAgent::Server(FromServer::Report(report)))?;
    Ok(Part { name: format!("server-{number}"), brief, tick, asked, answered })
}

fn frame_bytes(message: &impl serde::Serialize) -> Outcome<usize> {
    let mut bytes = Vec::new();
    frame::encode(message, &mut bytes)?;
    Ok(bytes.len())
}

// ---- processes --------------------------------------------------------------------------------

/// Child processes, which do not outlive this value.
#[derive(Default)]
struct Children(Vec<Child>);

impl Children {
    fn start(&mut self, mut command: Command) -> Outcome<()> {
        self.0.push(command.stdin(Stdio::null()).spawn()?);
        Ok(())
    }

    /// Waits until all have ended by themselves.
    fn wait(mut self) -> Outcome<()> {
        for child in &mut self.0 {
            let status = child.wait()?;
            if !status.success() {
                return Err(format!("a child ended with {status}").into());
            }
        }
        Ok(())
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // Those that have ended need neither.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

// ---- the reference ----------------------------------------------------------------------------

/// Blocking sockets: write to all, then read from each in turn.
struct SocketFleet {
    connections: Vec<UnixStream>,
    asked: Vec<Vec<u8>>,
    answered: Vec<Vec<u8>>,
    _children: Children,
}

impl SocketFleet {
    fn start(parts: &[Part]) -> Outcome<Self> {
        let directory = TempDir::new()?;
        let socket = directory.path().join("bus.sock");
        let listener = UnixListener::bind(&socket)?;
        let mut children = Children::default();
        // One at a time: so they come in order.
        let mut connections = Vec::new();
        for part in parts {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg(SOCKET_CHILD).arg(&socket);
            command.args([part.asked, part.answered].map(|figure| figure.to_string()));
            children.start(command)?;
            connections.push(listener.accept()?.0);
        }
        Ok(Self {
            connections,
            asked: parts.iter().map(|part| vec![1; part.asked]).collect(),
            answered: parts.iter().map(|part| vec![0; part.answered]).collect(),
            _children: children,
        })
    }

    fn exchange(&mut self) -> Outcome<u32> {
        for (connection, asked) in self.connections.iter_mut().zip(&self.asked) {
            connection.write_all(asked)?;
        }
        for (connection, answered) in self.connections.iter_mut().zip(&mut self.answered) {
            connection.read_exact(answered)?;
        }
        Ok(1)
    }
}

/// A child of the reference: so many bytes in, so many out, until the connection ends.
fn answer_bytes(socket: &str, asked: usize, answered: usize) -> Outcome<()> {
    let mut connection = UnixStream::connect(socket)?;
    let (mut question, answer) = (vec![0; asked], vec![1; answered]);
    while connection.read_exact(&mut question).is_ok() {
        connection.write_all(&answer)?;
    }
    Ok(())
}

// ---- the bus ----------------------------------------------------------------------------------

/// The hub, on a runtime such as the director's, and agents that are processes.
struct HubFleet {
    hub: Hub,
    seats: Vec<(SeatId, Tick)>,
    children: Children,
    runtime: Runtime,
    _directory: RunDirectory,
    _place: TempDir,
}

impl HubFleet {
    fn start(parts: &[Part], program: impl Fn(&Path, &str) -> Outcome<Command>) -> Outcome<Self> {
        let place = TempDir::new()?;
        let directory = RunDirectory::create(Some(&place.path().join("run")))?;
        let token = Token::random()?;
        directory.write_token(&token)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (arrived, mut arrivals) = mpsc::unbounded_channel();
        let mut children = Children::default();
        let (hub, seats) = runtime.block_on(async {
            let on_arrival = Box::new(move |arrival: Arrival| drop(arrived.send(arrival)));
            let mut hub = Hub::open(&directory, token, HubLimits::default(), on_arrival)?;
            let mut seats = Vec::new();
            for part in parts {
                seats.push((hub.add_seat(seat(part))?, part.tick.clone()));
                children.start(program(directory.path(), &part.name)?)?;
            }
            for _ in parts {
                let arrival = tokio::time::timeout(ARRIVAL_TIME, arrivals.recv()).await?;
                hub.admit(arrival.ok_or("the bus ended")?);
            }
            Outcome::Ok((hub, seats))
        })?;
        Ok(Self { hub, seats, children, runtime, _directory: directory, _place: place })
    }

    /// Exchanges a second, for a slice.
    fn exchanges(&mut self) -> Outcome<f64> {
        let Self { hub, seats, runtime, .. } = self;
        rate(SLICE, || runtime.block_on(exchange(hub, seats)))
    }

    fn end(self) -> Outcome<()> {
        let Self { hub, children, runtime, .. } = self;
        runtime.block_on(hub.farewell());
        children.wait()
    }
}

fn seat(part: &Part) -> SeatPlan {
    SeatPlan {
        name: part.name.clone(),
        skill: None,
        brief: Brief::Server(Box::new(part.brief.clone())),
        admits: Admits::Anyone,
    }
}

async fn exchange(hub: &mut Hub, seats: &[(SeatId, Tick)]) -> Outcome<u32> {
    let ticks = seats.iter().cloned();
    for answer in hub.ask_servers(ticks, ANSWER_TIME).await {
        answer?;
    }
    Ok(1)
}

/// An agent without physics: the report on the first tick is the answer to all of them.
fn answer_at_once(directory: &Path, name: &str) -> Outcome<()> {
    let hello = Hello {
        protocol: PROTOCOL,
        role: Role::Server,
        name: name.to_owned(),
        skill: None,
        token: address::token_in(directory)?,
    };
    let (mut client, brief) = Client::connect(&address::socket_in(directory), &hello)?;
    let Brief::Server(brief) = brief else { return Err("the brief of another role".into()) };
    let mut server = Server::new(*brief);
    let mut answer = None;
    while let ToServer::Tick(tick) = client.receive()? {
        let answer = answer.get_or_insert_with(|| {
            let mut report = Report::default();
            server.step(&tick, &mut report);
            FromAgent::Server(FromServer::Report(report))
        });
        client.send(answer)?;
    }
    Ok(())
}
