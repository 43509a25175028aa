//! What was observed over many seeds, in little room.
//!
//! A metric is a ratio of sums over seeds. That one form covers what a bench tells: availability is
//! the good requests of all seeds over the requests of all seeds; a time is the rounds of all
//! incidents over their number; a mean is the case where every denominator is 1. Seeds are drawn
//! independently of each other and what happens within one is not, so seeds are the clusters: they
//! are resampled whole.
//!
//! **Blocks.** A sample keeps the sums of blocks of 2^k neighbouring seeds. With up to
//! [`MAX_BLOCKS`] seeds k is 0, and nothing is lost. When there are more, neighbours are merged and
//! k grows. Sums of equally many independent seeds are again independent and alike, so all that is
//! done with seeds may be done with blocks of them (the method of batch means; for instance Law,
//! *Simulation Modeling and Analysis*, 5th ed. 2015, section 9.5.3), and for a mean or a ratio of
//! some hundreds of blocks nothing is gained by knowing more.
//!
//! **Sums are trees.** The sum of a block is the sum of its two halves, all the way down to single
//! seeds, whether the block was summed up seed by seed or merged later, here or in another sample.
//! So the last bit does not depend on how the work was cut into pieces, and rounding errors grow
//! with the logarithm of the number of seeds only (pairwise summation; Higham, *Accuracy and
//! Stability of Numerical Algorithms*, 2nd ed. 2002, section 4.2).

use serde::{Deserialize, Serialize};
use std::ops::Add;

/// Most blocks that a sample keeps: 512, so that there are 256 at least once seeds are more than that.
/// A bootstrap over them takes a millisecond; the quantiles of Student's t with 255 degrees of freedom
/// are within half a percent of the normal ones.
pub const MAX_BLOCKS: usize = 512;

/// What one seed says about a metric: a part of a numerator and a part of a denominator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// Added up over seeds.
    pub numerator: f64,
    /// Added up over seeds; not below 0, and 0 where the seed has no value.
    pub denominator: f64,
}

impl Ratio {
    /// Of a seed that says nothing about the metric.
    pub const NONE: Self = Self { numerator: 0.0, denominator: 0.0 };

    /// So much of so much.
    ///
    /// # Panics
    /// When either is not a finite number, or the denominator is below 0.
    pub fn new(numerator: f64, denominator: f64) -> Self {
        assert!(numerator.is_finite() && denominator.is_finite(), "a ratio is of numbers");
        assert!(denominator >= 0.0, "a denominator is a size");
        Self { numerator, denominator }
    }

    /// A value that counts as much as every other seed's: of a mean.
    ///
    /// # Panics
    /// When it is not a finite number.
    pub fn value(value: f64) -> Self {
        Self::new(value, 1.0)
    }
}

impl From<Option<f64>> for Ratio {
    /// A value of a mean, where there is one.
    fn from(value: Option<f64>) -> Self {
        value.map_or(Self::NONE, Self::value)
    }
}

impl Add for Ratio {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            numerator: self.numerator + other.numerator,
            denominator: self.denominator + other.denominator,
        }
    }
}

/// What was observed of one metric, seed after seed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Seeds so far.
    seeds: u64,
    /// Of which had a value.
    with_value: u64,
    /// A block is of 2 to the power of this many seeds.
    exponent: u32,
    /// Sums of whole blocks, in order.
    blocks: Vec<Ratio>,
    /// Sums of the seeds after them: one for each binary digit of their number, the largest first.
    rest: Vec<Ratio>,
}

/// Why a sample cannot be appended to another: their blocks do not line up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misaligned {
    /// Seeds of the sample that something was to be appended to.
    pub seeds: u64,
    /// Seeds in a block of the one that was to be appended; it does not divide them.
    pub block: u64,
}

impl std::fmt::Display for Misaligned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "blocks of {} seeds cannot follow {} seeds", self.block, self.seeds)
    }
}

impl std::error::Error for Misaligned {}

impl Sample {
    /// Of no seed.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next seed.
    pub fn push(&mut self, seed: Ratio) {
        self.with_value += u64::from(seed.denominator > 0.0);
        self.push_sum(seed, 0);
    }

    /// The seeds of another sample come after those of this one. It gives what pushing them one by
    /// one would have given, to the last bit.
    ///
    /// # Errors
    /// When the other's blocks are larger than one seed and this one's number of seeds is not a
    /// multiple of them. Pieces of up to [`MAX_BLOCKS`] seeds can always be appended, and so can
    /// pieces of one power of two.
    pub fn append(&mut self, other: &Self) -> Result<(), Misaligned> {
        let block = 1_u64 << other.exponent;
        if !self.seeds.is_multiple_of(block) {
            return Err(Misaligned { seeds: self.seeds, block });
        }
        self.with_value += other.with_value;
        while self.exponent < other.exponent {
            self.merge_neighbours();
        }
        for &sum in &other.blocks {
            self.push_sum(sum, other.exponent);
        }
        let digits = (0..other.exponent).rev().filter(|digit| other.seeds >> digit & 1 == 1);
        for (digit, &sum) in digits.zip(&other.rest) {
            self.push_sum(sum, digit);
        }
        Ok(())
    }

    /// The sum of the next 2^`exponent` seeds, of which a multiple is there already.
    fn push_sum(&mut self, mut sum: Ratio, exponent: u32) {
        let whole = (exponent..self.exponent).find(|digit| self.seeds >> digit & 1 == 0);
        for digit in exponent..whole.unwrap_or(self.exponent) {
            debug_assert!(self.seeds >> digit & 1 == 1, "two halves make a whole");
            if let Some(earlier) = self.rest.pop() {
                sum = earlier + sum;
            }
        }
        self.seeds += 1 << exponent;
        match whole {
            Some(_) => self.rest.push(sum),
            None => self.blocks.push(sum),
        }
        if self.blocks.len() == MAX_BLOCKS {
            self.merge_neighbours();
        }
    }

    /// Blocks of twice as many seeds. There is an even number of them: either there are
    /// [`MAX_BLOCKS`], or something follows that takes whole blocks of the new size.
    fn merge_neighbours(&mut self) {
        let (pairs, odd) = self.blocks.as_chunks();
        debug_assert!(odd.is_empty(), "two halves make a whole");
        self.blocks = pairs.iter().map(|&[earlier, later]| earlier + later).collect();
        self.exponent += 1;
    }

    /// Seeds so far.
    pub fn seeds(&self) -> u64 {
        self.seeds
    }

    /// Seeds that had a value: a denominator above 0.
    pub fn seeds_with_value(&self) -> u64 {
        self.with_value
    }

    /// Whether seeds of both are in the same blocks, so that the two can be compared in pairs.
    pub fn lines_up_with(&self, other: &Self) -> bool {
        self.seeds == other.seeds && self.exponent == other.exponent
    }

    /// The independent parts: the blocks, and as one part the seeds after them.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Ratio> {
        let rest = self.rest.iter().copied().reduce(Ratio::add);
        self.blocks.iter().copied().chain(rest)
    }

    /// The sums over all seeds.
    pub fn total(&self) -> Ratio {
        self.parts().fold(Ratio::NONE, Ratio::add)
    }

    /// The metric: the sum of the numerators over the sum of the denominators. `None` when no seed
    /// had a value.
    pub fn estimate(&self) -> Option<f64> {
        let total = self.total();
        (total.denominator > 0.0).then(|| total.numerator / total.denominator)
    }
}

impl FromIterator<Ratio> for Sample {
    fn from_iter<I: IntoIterator<Item = Ratio>>(seeds: I) -> Self {
        let mut sample = Self::new();
        sample.extend(seeds);
        sample
    }
}

impl Extend<Ratio> for Sample {
    fn extend<I: IntoIterator<Item = Ratio>>(&mut self, seeds: I) {
        seeds.into_iter().for_each(|seed| self.push(seed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values whose sums are rounded, now and then none.
    fn observed(seed: u64) -> Ratio {
        let value = libm::sin(seed as f64) / 3.0;
        if seed.is_multiple_of(7) { Ratio::NONE } else { Ratio::new(value, 1.0 + value.abs()) }
    }

    fn sample(seeds: std::ops::Range<u64>) -> Sample {
        seeds.map(observed).collect()
    }

    #[test]
    fn the_estimate_is_the_ratio_of_the_sums() {
        let sample: Sample = [Ratio::new(1.0, 2.0), Ratio::NONE, Ratio::new(5.0, 6.0)].into_iter().collect();
        assert_eq!(sample.estimate(), Some(0.75));
        assert_eq!((sample.seeds(), sample.seeds_with_value()), (3, 2));
        assert_eq!(Sample::new().estimate(), None);
        assert_eq!(Sample::from_iter([Ratio::NONE]).estimate(), None);
    }

    #[test]
    fn few_seeds_are_kept_one_by_one() {
        let seeds = MAX_BLOCKS as u64 - 1;
        let kept: Vec<Ratio> = sample(0..seeds).parts().collect();
        assert_eq!(kept, (0..seeds).map(observed).collect::<Vec<_>>());
    }

    #[test]
    fn many_seeds_take_no_more_room_and_none_is_lost() {
        let mut sample = Sample::new();
        for seed in 0..200_000_u64 {
            sample.push(Ratio::new(seed as f64, 1.0));
            assert!(sample.blocks.len() < MAX_BLOCKS && sample.rest.len() < 64);
        }
        assert_eq!(sample.total(), Ratio::new(19_999_900_000.0, 200_000.0));
        assert_eq!(sample.seeds_with_value(), 200_000);
        assert!(sample.blocks.len() >= MAX_BLOCKS / 2);
    }

    #[test]
    fn blocks_are_of_equally_many_neighbours() {
        let sample: Sample = (0..5_000).map(|seed| Ratio::new(f64::from(seed), 1.0)).collect();
        assert_eq!(sample.exponent, 4);
        for (block, sum) in sample.blocks.iter().enumerate() {
            let first = 16.0 * block as f64;
            assert_eq!(*sum, Ratio::new(16.0 * first + 120.0, 16.0), "block {block}");
        }
        assert_eq!(sample.parts().map(|part| part.denominator).sum::<f64>(), 5_000.0);
    }

    /// The sum of a block as it is defined.
    fn tree(first: u64, exponent: u32) -> Ratio {
        if exponent == 0 {
            return observed(first);
        }
        tree(first, exponent - 1) + tree(first + (1 << (exponent - 1)), exponent - 1)
    }

    #[test]
    fn the_sum_of_a_block_is_a_tree_however_it_came_about() {
        let sample = sample(0..10_007);
        assert_eq!(sample.exponent, 5);
        for (block, sum) in sample.blocks.iter().enumerate() {
            assert_eq!(*sum, tree(32 * block as u64, 5), "block {block}");
        }
        // 10,007 = 312 * 32 + 16 + 4 + 2 + 1
        let rest =
            [(9_984, 4), (10_000, 2), (10_004, 1), (10_006, 0)].map(|(first, digit)| tree(first, digit));
        assert_eq!(sample.rest, rest);
    }

    #[test]
    fn pieces_that_are_appended_give_what_one_sample_gives_to_the_last_bit() {
        for piece in [1, 3, 64, 100, 500, 511] {
            for seeds in [0, 1, 300, 512, 513, 4_097, 9_999] {
                let mut whole = Sample::new();
                let mut first = 0;
                while first < seeds {
                    let end = seeds.min(first + piece);
                    whole.append(&sample(first..end)).expect("pieces of single seeds can be appended");
                    first = end;
                }
                assert_eq!(whole, sample(0..seeds), "{seeds} seeds in pieces of {piece}");
            }
        }
        let mut large = sample(0..8192);
        large.append(&sample(8192..20_000)).expect("they line up");
        assert_eq!(large, sample(0..20_000));
        // A sample of larger blocks may follow few seeds, too.
        let mut small = sample(0..32);
        small.append(&sample(32..32 + 10_000)).expect("they line up");
        assert_eq!(small, sample(0..10_032));
    }

    #[test]
    fn what_does_not_line_up_is_refused_and_changes_nothing() {
        let mut odd = sample(0..3);
        let before = odd.clone();
        let refused = odd.append(&sample(3..1_000)).expect_err("blocks of two after three seeds");
        assert_eq!(refused.to_string(), "blocks of 2 seeds cannot follow 3 seeds");
        assert_eq!(odd, before);
    }

    #[test]
    fn a_sample_that_was_written_and_read_goes_on_as_if_it_had_not_been() {
        for seeds in [0, 1, 512, 3_333] {
            let text = serde_json::to_string(&sample(0..seeds)).expect("it is plain");
            let mut read: Sample = serde_json::from_str(&text).expect("it was written so");
            read.extend((seeds..5_000).map(observed));
            assert_eq!(read, sample(0..5_000));
        }
    }

    #[test]
    #[should_panic(expected = "a ratio is of numbers")]
    fn what_is_no_number_is_not_taken_in() {
        let _ = Ratio::value(f64::NAN);
    }
}
