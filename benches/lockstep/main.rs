//! How fast rounds go with a process for each agent: the whole product against bare sockets.
//!
//! A round has two phases: something to each of N servers and an answer back from each; then the
//! SRE's observation out and its decision back. Measured is `world run --quiet` as it is: director,
//! model, ledger, hashed journal, and N processes of `world agent server`. It is held against the
//! least that any program with as many processes can do ([`bare`]), and against what one would
//! otherwise take for the job ([`peers`]).
//!
//! Every contender is a program of its own that keeps its processes alive and plays when it is
//! told to ([`contender`]), so that they take turns of a fraction of a second. All move the
//! same bytes, those of the product ([`sample`]).
//!
//! ```text
//! cargo bench --bench lockstep -- [--sizes 6,50,200,1000] [--turns 12] [--fleets 2] [--no-peers]
//! ```

#![allow(unreachable_pub, reason = "the modules of one program")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what a bench prints is what it is for")]

mod bare;
mod contender;
#[path = "../measure/mod.rs"]
mod measure;
mod peers;
mod product;
mod sample;

use contender::Contender;
use measure::{Comparison, Outcome, Slice};
use peers::{Peer, find};
use sample::Sample;
use std::time::Duration;

/// Counted time of a slice: some twenty rounds of a thousand processes.
const SLICE: Duration = Duration::from_millis(400);

/// Where the product stands among the contenders; the reference is the first.
const PRODUCT: usize = 1;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [bare::COORDINATOR, sizes] => bare::coordinate(sizes.as_ref()),
        [bare::CHILD, socket, asked, answered] => {
            bare::answer(socket.as_ref(), asked.parse()?, answered.parse()?)
        }
        [product::SRE, directory, name] => product::think(directory.as_ref(), name),
        _ => compare(&Options::read(&words)?),
    }
}

/// What to measure.
struct Options {
    sizes: Vec<usize>,
    turns: usize,
    /// Fresh processes for each size: where the kernel happens to place them is part of the noise.
    fleets: usize,
    peers: bool,
}

impl Options {
    fn read(words: &[&str]) -> Outcome<Self> {
        let mut options = Self { sizes: vec![6, 50, 200, 1000], turns: 12, fleets: 2, peers: true };
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word {
                "--sizes" => {
                    options.sizes = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?;
                }
                "--turns" => options.turns = value()?.parse()?,
                "--fleets" => options.fleets = value()?.parse()?,
                "--no-peers" => options.peers = false,
                // Cargo's own.
                "--bench" => {}
                other => return Err(format!("there is no option {other}").into()),
            }
        }
        Ok(options)
    }
}

fn compare(options: &Options) -> Outcome<()> {
    let peers = if options.peers { find()? } else { Vec::new() };
    options.sizes.iter().try_for_each(|&size| compare_at(size, options, &peers))
}

fn compare_at(size: usize, options: &Options, peers: &[Peer]) -> Outcome<()> {
    let sample = Sample::of(size)?;
    let names = ["bare std sockets", "world run --quiet"].into_iter().chain(peers.iter().map(Peer::name));
    let mut comparison = Comparison::of(names);
    for _ in 0..options.fleets {
        let mut contenders = vec![bare::start(&sample)?, product::start(&sample)?];
        for peer in peers {
            contenders.push(peer.start(&sample)?);
        }
        take(&mut comparison, options.turns, &mut contenders)?;
        contenders.into_iter().try_for_each(Contender::end)?;
    }
    comparison.print(&format!("N = {size}, {}", sample.sizes()), "rounds/s");
    for (place, peer) in peers.iter().enumerate() {
        println!(
            "{:53} {}",
            format!("world / {}", peer.name()),
            comparison.ratio(PRODUCT, PRODUCT + 1 + place)
        );
    }
    Ok(())
}

fn take(comparison: &mut Comparison, turns: usize, contenders: &mut [Contender]) -> Outcome<()> {
    let mut slices: Vec<_> = contenders.iter_mut().map(|contender| move || contender.slice(SLICE)).collect();
    let mut slices: Vec<Slice<'_>> = slices.iter_mut().map(|slice| slice as Slice<'_>).collect();
    comparison.take(turns, &mut slices)
}
