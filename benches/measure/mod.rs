//! How benches measure: everybody in turn, and ratios rather than figures.
//!
//! The speed of a machine drifts by half within minutes, so a figure by itself says little. Each
//! contender runs for a short slice, then the next; a ratio is taken within one turn, and the
//! median over all turns is what counts. The quartiles say how far to trust it.

#![allow(dead_code, unreachable_pub, reason = "each bench uses its part")]
#![allow(clippy::print_stdout, reason = "what a bench prints is what it is for")]

use std::error::Error;
use std::time::{Duration, Instant};

/// What a bench comes to: a machine that refuses something ends it.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// Runs for one slice and gives its figure.
pub type Slice<'a> = &'a mut dyn FnMut() -> Outcome<f64>;

/// Figures of several contenders, turn by turn; the first is the reference.
#[derive(Debug)]
pub struct Comparison<const N: usize> {
    names: [&'static str; N],
    turns: Vec<[f64; N]>,
}

impl<const N: usize> Comparison<N> {
    /// Of these contenders, the reference first.
    pub fn of(names: [&'static str; N]) -> Self {
        Self { names, turns: Vec::new() }
    }

    /// Takes so many more turns. Each begins with another contender, so that none always follows
    /// the same one.
    pub fn take(&mut self, turns: usize, slices: &mut [Slice<'_>; N]) -> Outcome<()> {
        for turn in 0..turns {
            let mut figures = [0.0; N];
            for place in 0..N {
                let contender = (turn + place) % N;
                figures[contender] = slices[contender]()?;
            }
            self.turns.push(figures);
        }
        Ok(())
    }

    /// Shows each contender's median, and the median and quartiles of its ratios to the reference.
    pub fn print(&self, title: &str, unit: &str) {
        println!("\n{title}, median of {} turns", self.turns.len());
        println!("{:34} {unit:>18} {:>10} {:>18}", "", "ratio", "quartiles");
        for (contender, name) in self.names.iter().enumerate() {
            let figures = Quartiles::of(self.turns.iter().map(|turn| turn[contender]));
            let ratios = Quartiles::of(self.turns.iter().map(|turn| turn[contender] / turn[0]));
            println!(
                "{name:34} {:>18} {:>10} {:>9}{:>9}",
                readable(figures.median),
                readable(ratios.median),
                readable(ratios.lower),
                readable(ratios.upper)
            );
        }
    }
}

/// The middle of many figures, and the middles of the halves.
#[derive(Clone, Copy, Debug)]
struct Quartiles {
    lower: f64,
    median: f64,
    upper: f64,
}

impl Quartiles {
    fn of(figures: impl Iterator<Item = f64>) -> Self {
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

/// As many decimals as count.
fn readable(figure: f64) -> String {
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
