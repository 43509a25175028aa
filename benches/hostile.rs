//! What hostile peers at the bus cost: rounds of one run while nobody comes, and while they do.
//!
//! The run is that of the lockstep bench: `world run --quiet` with a process for each server, whose SRE sets
//! the pace. Quiet slices and slices under each attack take turns with the same processes, and a
//! ratio is taken within one turn. The peers are threads of this program: what they take of the
//! processors themselves is part of what an attack costs, and nothing that a director could spare.
//!
//! ```text
//! cargo bench --bench hostile -- [--size 6] [--turns 12] [--fleets 2]
//! ```

#![allow(unreachable_pub, reason = "the modules of one program")]
#![allow(clippy::print_stdout, reason = "what a bench prints is what it is for")]

#[path = "lockstep/contender.rs"]
mod contender;
mod measure;
#[path = "lockstep/product.rs"]
#[allow(dead_code, reason = "each bench uses its part")]
mod product;
#[path = "lockstep/sample.rs"]
#[allow(dead_code, reason = "each bench uses its part")]
mod sample;

use bus::address::socket_in;
use bus::frame;
use bus::token::Token;
use bus::wire::{Hello, PROTOCOL, Role};
use contender::Contender;
use measure::{Comparison, Outcome, Slice};
use sample::Sample;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Counted time of a slice.
const SLICE: Duration = Duration::from_millis(400);

/// Threads of each sort of peer: most of them wait for what the bus says.
const THREADS: usize = 16;

/// Silent peers of a thread at once: together more than the bus has places for.
const SILENT: usize = 20;

/// What a peer does again and again, with what it keeps.
type Deed = fn(&Path, &mut VecDeque<UnixStream>) -> std::io::Result<()>;

/// The attacks.
const ATTACKS: [(&str, &[Deed]); 5] = [
    ("connects and hang-ups", &[hang_up]),
    ("silent peers that come again", &[be_silent]),
    ("garbage without end", &[flood]),
    ("wrong tokens", &[guess]),
    ("all of these at once", &[hang_up, be_silent, flood, guess]),
];

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [product::SRE, directory, name] => product::think(directory.as_ref(), name),
        _ => compare(&Options::read(&words)?),
    }
}

/// What to measure.
struct Options {
    size: usize,
    turns: usize,
    /// Fresh processes: where the kernel happens to place them is part of the noise.
    fleets: usize,
}

impl Options {
    fn read(words: &[&str]) -> Outcome<Self> {
        let mut options = Self { size: 6, turns: 12, fleets: 2 };
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word {
                "--size" => options.size = value()?.parse()?,
                "--turns" => options.turns = value()?.parse()?,
                "--fleets" => options.fleets = value()?.parse()?,
                // Cargo's own.
                "--bench" => {}
                other => return Err(format!("there is no option {other}").into()),
            }
        }
        Ok(options)
    }
}

fn compare(options: &Options) -> Outcome<()> {
    let sample = Sample::of(options.size)?;
    let names = ["nobody comes"].into_iter().chain(ATTACKS.map(|(name, _)| name));
    let mut comparison = Comparison::of(names);
    let came = ATTACKS.map(|_| Cell::new(0));
    for _ in 0..options.fleets {
        let place = product::place()?;
        let directory = product::directory_in(&place);
        let run = RefCell::new(product::start_in(&sample, place)?);
        take(&mut comparison, options.turns, &run, &directory, &came)?;
        run.into_inner().end()?;
    }
    comparison.print(&format!("N = {}", sample.size()), "rounds/s");
    let slices = (options.turns * options.fleets) as u64;
    for ((name, _), came) in ATTACKS.iter().zip(came) {
        println!("{name:34} {:>18} peers a slice", came.get() / slices.max(1));
    }
    Ok(())
}

fn take(
    comparison: &mut Comparison,
    turns: usize,
    run: &RefCell<Contender>,
    directory: &Path,
    came: &[Cell<u64>],
) -> Outcome<()> {
    let nobody = Cell::new(0);
    let attacks =
        [(&[][..], &nobody)].into_iter().chain(ATTACKS.map(|(_, deeds)| deeds).into_iter().zip(came));
    let mut slices: Vec<_> = attacks
        .map(|(deeds, came)| {
            move || {
                let attack = Attack::begin(deeds, directory);
                let rate = run.borrow_mut().slice(SLICE);
                came.set(came.get() + attack.end()?);
                rate
            }
        })
        .collect();
    let mut slices: Vec<Slice<'_>> = slices.iter_mut().map(|slice| slice as Slice<'_>).collect();
    comparison.take(turns, &mut slices)
}

/// Peers that are at it.
struct Attack {
    over: Arc<AtomicBool>,
    /// Each gives how often it came.
    peers: Vec<JoinHandle<u64>>,
    socket: PathBuf,
}

impl Attack {
    fn begin(deeds: &[Deed], directory: &Path) -> Self {
        let (over, socket) = (Arc::new(AtomicBool::new(false)), socket_in(directory));
        let peer = |deed: &Deed| {
            let (deed, over, socket) = (*deed, over.clone(), socket.clone());
            std::thread::spawn(move || {
                let (mut kept, mut came) = (VecDeque::new(), 0);
                while !over.load(Ordering::Relaxed) {
                    // Being hung up on is what it is about.
                    let _ = deed(&socket, &mut kept);
                    came += 1;
                }
                came
            })
        };
        let peers = deeds.iter().cycle().take(THREADS * deeds.len()).map(peer).collect();
        Self { over, peers, socket }
    }

    /// Has all go, and waits until the bus has dealt with whoever was still in its queue. Gives how many
    /// came.
    fn end(self) -> Outcome<u64> {
        self.over.store(true, Ordering::Relaxed);
        let mut came = 0;
        for peer in self.peers {
            came += peer.join().map_err(|_| "a peer panicked")?;
        }
        let mut last = UnixStream::connect(&self.socket)?;
        last.write_all(&[0xff; 4])?;
        last.read_to_end(&mut Vec::new())?;
        Ok(came)
    }
}

fn hang_up(socket: &Path, _: &mut VecDeque<UnixStream>) -> std::io::Result<()> {
    UnixStream::connect(socket).map(drop)
}

fn be_silent(socket: &Path, kept: &mut VecDeque<UnixStream>) -> std::io::Result<()> {
    kept.push_back(UnixStream::connect(socket)?);
    if kept.len() > SILENT
        && let Some(mut oldest) = kept.pop_front()
    {
        // It comes again as soon as it is sent away.
        oldest.read_to_end(&mut Vec::new())?;
    }
    Ok(())
}

fn flood(socket: &Path, _: &mut VecDeque<UnixStream>) -> std::io::Result<()> {
    let mut peer = UnixStream::connect(socket)?;
    loop {
        peer.write_all(&[0x41; 4096])?;
    }
}

fn guess(socket: &Path, _: &mut VecDeque<UnixStream>) -> std::io::Result<()> {
    let token = Token::random()?;
    let hello =
        Hello { protocol: PROTOCOL, role: Role::Server, name: "web-1".to_owned(), skill: None, token };
    let mut greeting = Vec::new();
    frame::encode(&hello, &mut greeting).map_err(std::io::Error::other)?;
    let mut peer = UnixStream::connect(socket)?;
    peer.write_all(&greeting)?;
    peer.read_to_end(&mut Vec::new()).map(drop)
}
