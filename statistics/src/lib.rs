//! What numbers are defended with: intervals, paired differences, and how many seeds would do.
//!
//! Every metric is a ratio of sums over seeds ([`Ratio`], [`Sample`]), every interval a bootstrap
//! over seeds ([`interval()`]), every comparison paired by seeds ([`difference`]). A million seeds
//! take the room of a thousand, for their sums are merged into blocks of neighbours.
//!
//! Values in, values out: no clock, no I/O, no threads, and no chance but what flows from a key, so
//! the same samples give the same figures to the last bit, on every platform. The crate knows
//! nothing of worlds. Formulas stand where they are used, with their sources, and
//! `tests/coverage.rs` measures how often intervals cover the truth.
//!
//! ```
//! use statistics::{Confidence, Ratio, Sample, difference, interval};
//!
//! // Requests served and sent, on four seeds, by two that met the same chaos.
//! let served = |good: [u32; 4]| good.map(|good| Ratio::new(f64::from(good), 1000.0));
//! let junior: Sample = served([981, 875, 930, 990]).into_iter().collect();
//! let senior: Sample = served([990, 940, 950, 995]).into_iter().collect();
//!
//! assert_eq!(senior.estimate(), Some(0.96875));
//! let around = interval(&senior, Confidence::DEFAULT, 7).expect("four seeds have a spread");
//! assert!(around.low < 0.96875 && 0.96875 < around.high);
//! let gain = difference(&senior, &junior, Confidence::DEFAULT, 7).expect("the same");
//! assert!((gain.estimate - 0.02475).abs() < 1e-12 && gain.p_value > 0.1);
//! ```

mod comparison;
mod distribution;
mod family;
mod interval;
mod pass;
mod planning;
mod proportion;
mod resampling;
mod sample;
#[cfg(test)]
mod vectors;

pub use comparison::{Difference, Summary, difference, unpaired_difference};
pub use family::holm;
pub use interval::{Confidence, Interval, interval};
pub use pass::Passes;
pub use planning::{seeds_for_width, seeds_to_clear};
pub use proportion::proportion;
pub use resampling::Bootstrap;
pub use sample::{MAX_BLOCKS, Misaligned, Ratio, Sample};
