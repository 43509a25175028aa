//! How benches measure: everybody in turn, and ratios rather than figures.
//!
//! The speed of a machine drifts by half within minutes, so a figure by itself says little. Each
//! contender runs for a short slice, then the next; a ratio is taken within one turn, and the
//! median over all turns is what counts. The quartiles say how far to trust it.

#![allow(dead_code, unreachable_pub, reason = "each bench uses its part")]
#![allow(clippy::print_stdout, reason = "what a bench prints is what it is for")]

use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

/// What a bench comes to: a machine that refuses something ends it.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// Runs for one slice and gives its figure.
pub type Slice<'a> = &'a mut dyn FnMut() -> Outcome<f64>;

/// Figures of several contenders, turn by turn; the first is the reference.
#[derive(Debug)]
pub struct Comparison {
    names: Vec<String>,
    turns: Vec<Vec<f64>>,
}

impl Comparison {
    /// Of these contenders, the reference first.
    pub fn of<Name: Into<String>>(names: impl IntoIterator<Item = Name>) -> Self {
        Self { names: names.into_iter().map(Into::into).collect(), turns: Vec::new() }
    }

    /// Takes so many more turns. Each begins with another contender, so that none always follows
    /// the same one.
    pub fn take(&mut self, turns: usize, slices: &mut [Slice<'_>]) -> Outcome<()> {
        let contenders = self.names.len();
        assert_eq!(slices.len(), contenders, "each contender has its slice");
        for turn in 0..turns {
            let mut figures = vec![0.0; contenders];
            for place in 0..contenders {
                let contender = (turn + place) % contenders;
                figures[contender] = slices[contender]()?;
            }
            self.turns.push(figures);
        }
        Ok(())
    }

    /// A contender's figures, each divided by another's of the same turn.
    pub fn ratio(&self, contender: usize, reference: usize) -> Quartiles {
        Quartiles::of(self.turns.iter().map(|turn| turn[contender] / turn[reference]))
    }

    /// Shows each contender's median, and the median and quartiles of its ratios to the reference.
    pub fn print(&self, title: &str, unit: &str) {
        println!("\n{title}, median of {} turns", self.turns.len());
        println!("{:34} {unit:>18} {:>10} {:>18}", "", "ratio", "quartiles");
        for (contender, name) in self.names.iter().enumerate() {
            let figures = Quartiles::of(self.turns.iter().map(|turn| turn[contender]));
            let ratios = self.ratio(contender, 0);
            println!("{name:34} {:>18} {ratios}", readable(figures.median));
        }
    }
}

/// The middle of many figures, and the middles of the halves.
#[derive(Clone, Copy, Debug)]
pub struct Quartiles {
    /// A quarter of the figures is below.
    pub lower: f64,
    /// Half of the figures are below.
    pub median: f64,
    /// Three quarters of the figures are below.
    pub upper: f64,
}

impl Quartiles {
    /// Of these figures.
    pub fn of(figures: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = figures.collect();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * sorted.len().saturating_sub(1) as f64;
            let [below, above] = [place.floor(), place.ceil()].map(|place| sorted[place as usize]);
            below + (above - below) * place.fract()
        };
        Self { lower: at(0.25), median: at(0.5), upper: at(0.75) }
    }
}

/// The median, and the quartiles in two columns of their own.
impl fmt::Display for Quartiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, lower, upper] = [self.median, self.lower, self.upper].map(readable);
        write!(f, "{median:>10} {lower:>9}{upper:>9}")
    }
}

/// As many decimals as count.
pub fn readable(figure: f64) -> String {
    match figure.abs() {
        100.0.. => format!("{figure:.0}"),
        10.0.. => format!("{figure:.1}"),
        1.0.. => format!("{figure:.2}"),
        0.1.. => format!("{figure:.3}"),
        _ => format!("{figure:.5}"),
    }
}

/// How often a second a piece of work is done; `work` says how much of it one call does.
pub fn rate(slice: Duration, mut work: impl FnMut() -> Outcome<u32>) -> Outcome<f64> {
    let began = Instant::now();
    let mut done = 0.0;
    loop {
        done += f64::from(work()?);
        let passed = began.elapsed();
        if passed >= slice {
            return Ok(done / passed.as_secs_f64());
        }
    }
}
