//! The bootstrap: what the estimate would have been, had other seeds been drawn.
//!
//! A resample draws as many of the parts of a sample (seeds, or blocks of them) as there are, with
//! replacement (Efron 1979, *Bootstrap Methods: Another Look at the Jackknife*, Annals of Statistics
//! 7:1-26). All that it says is how often each part was drawn. Resample number b flows from the
//! key and b alone: neither the order of the work nor the number of threads changes it, and samples
//! with equally many parts are resampled alike, so that the arms of a comparison stay paired.

use crate::sample::{Ratio, Sample};
use rand::rand_core::{Rng, SeedableRng};
use rand::rngs::ChaCha8Rng;
use std::collections::BTreeMap;

/// Resamples of an interval. 3,999, because the 100th from either end is then the exact share of
/// 2.5 %; the ends of an interval wobble by 2 % of its half width from key to key.
pub(crate) const RESAMPLES: usize = 3_999;

/// Counts that a [`Bootstrap`] keeps: 32 MiB of them, enough for four different numbers of parts.
const KEPT_MAX: usize = 16 << 20;

/// Draws resamples, and keeps them for the next sample with as many parts: most of the work.
#[derive(Debug)]
pub struct Bootstrap {
    key: u64,
    resamples: usize,
    /// By number of parts: how often each is drawn, resample after resample.
    kept: BTreeMap<usize, Vec<u16>>,
}

impl Bootstrap {
    /// Whose chance flows from this key.
    pub fn new(key: u64) -> Self {
        Self::with_resamples(key, RESAMPLES)
    }

    /// The same with another number of resamples.
    pub(crate) fn with_resamples(key: u64, resamples: usize) -> Self {
        Self { key, resamples, kept: BTreeMap::new() }
    }

    /// What came of each resample, in no particular order; those of which no part had a value are
    /// left out.
    pub(crate) fn replicates(&mut self, contrast: &Contrast) -> Vec<Replicate> {
        let parts = contrast.parts();
        if parts == 0 {
            return Vec::new();
        }
        let counts = self.counts(parts);
        counts.chunks_exact(parts).filter_map(|counts| contrast.replicate(counts)).collect()
    }

    fn counts(&mut self, parts: usize) -> &[u16] {
        let kept: usize = self.kept.values().map(Vec::len).sum();
        if kept > KEPT_MAX {
            self.kept.clear();
        }
        let (key, resamples) = (self.key, self.resamples);
        self.kept.entry(parts).or_insert_with(|| {
            let mut counts = vec![0; parts * resamples];
            for (resample, counts) in counts.chunks_exact_mut(parts).enumerate() {
                draw(key, resample as u64, counts);
            }
            counts
        })
    }
}

/// Draws as many parts as there are, and counts how often each came.
fn draw(key: u64, resample: u64, counts: &mut [u16]) {
    let mut generator = ChaCha8Rng::seed_from_u64(key);
    generator.set_stream(resample);
    let parts = counts.len() as u64;
    for _ in 0..parts {
        // Multiply and shift: the bias is below one in four million for a thousand parts.
        let part = (u64::from(generator.next_u32()) * parts) >> 32;
        counts[part as usize] += 1;
    }
}

/// A ratio of sums, or the difference of two, as a resample needs it.
#[derive(Debug)]
pub(crate) struct Contrast {
    arm: Arm,
    /// What is taken off.
    baseline: Option<Arm>,
    /// The ratio, or the difference.
    pub estimate: f64,
    /// Its standard error.
    pub standard_error: f64,
}

/// What came of one resample.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replicate {
    /// Its estimate less the sample's.
    pub shift: f64,
    /// Its standard error.
    pub standard_error: f64,
}

/// One ratio of sums.
#[derive(Debug)]
struct Arm {
    /// Denominators of the parts.
    sizes: Vec<f64>,
    /// Numerators, less the ratio times the denominators: they add up to 0.
    residuals: Vec<f64>,
    /// The ratio.
    ratio: f64,
    /// The sum of the denominators.
    size: f64,
    /// The sum of the numerators' absolute values over the sum of the denominators.
    magnitude: f64,
}

/// Spread below this share of the values themselves is what rounding made.
const ROUNDING: f64 = 1e-12;

impl Contrast {
    /// Of one sample. `None` without a value. Parts without one say nothing, and are left out.
    pub(crate) fn of(sample: &Sample) -> Option<Self> {
        let parts: Vec<Ratio> = sample.parts().filter(|part| part.denominator > 0.0).collect();
        Some(Self::between(Arm::of(&parts)?, None))
    }

    /// Of two samples whose parts are paired, the first less the second. `None` if either has no
    /// value.
    ///
    /// # Panics
    /// When they do not line up.
    pub(crate) fn paired(sample: &Sample, baseline: &Sample) -> Option<Self> {
        assert!(sample.lines_up_with(baseline), "only samples of the same seeds can be paired");
        let pairs = || sample.parts().zip(baseline.parts());
        if pairs().all(|(one, other)| one.denominator.total_cmp(&other.denominator).is_eq()) {
            return Self::of_differences(pairs());
        }
        let (parts, base): (Vec<_>, Vec<_>) =
            pairs().filter(|(one, other)| one.denominator > 0.0 || other.denominator > 0.0).unzip();
        Some(Self::between(Arm::of(&parts)?, Some(Arm::of(&base)?)))
    }

    /// Where the denominators are the same, as those of means are, the difference of the ratios is
    /// the ratio of the differences.
    fn of_differences(pairs: impl Iterator<Item = (Ratio, Ratio)>) -> Option<Self> {
        let pairs = pairs.filter(|(one, _)| one.denominator > 0.0);
        let (mut parts, mut magnitude) = (Vec::new(), 0.0);
        for (one, other) in pairs {
            parts.push(Ratio { numerator: one.numerator - other.numerator, ..one });
            magnitude += one.numerator.abs() + other.numerator.abs();
        }
        let arm = Arm::of(&parts)?;
        Some(Self::between(Arm { magnitude: magnitude / arm.size, ..arm }, None))
    }

    fn between(arm: Arm, baseline: Option<Arm>) -> Self {
        let difference = arm.ratio - baseline.as_ref().map_or(0.0, |baseline| baseline.ratio);
        let mut contrast = Self { arm, baseline, estimate: difference, standard_error: 0.0 };
        let once = vec![1; contrast.parts()];
        let spread = contrast.replicate(&once).map_or(0.0, |all| all.standard_error);
        contrast.standard_error = if contrast.is_rounding(spread) { 0.0 } else { spread };
        contrast
    }

    /// How many independent parts there are.
    pub(crate) fn parts(&self) -> usize {
        self.arm.sizes.len()
    }

    /// Whether a figure of this contrast is 0 but for what rounding made.
    pub(crate) fn is_rounding(&self, figure: f64) -> bool {
        let base = self.baseline.as_ref().map_or(0.0, |baseline| baseline.magnitude);
        figure.abs() <= ROUNDING * (self.arm.magnitude + base)
    }

    /// What came of drawing each part so often. `None` if an arm has no value then.
    ///
    /// The standard error is that of the linearised ratio (delta method; Cochran, *Sampling
    /// Techniques*, 3rd ed. 1977, section 2.11): with u = (numerator - ratio * denominator) / mean
    /// denominator of each part, of two arms the difference of their u, it is
    /// sqrt(sum(u^2) / (n (n - 1))). Of a mean it is the usual one.
    fn replicate(&self, counts: &[u16]) -> Option<Replicate> {
        let arm = self.arm.drawn(counts)?;
        let (shift, squares) = match &self.baseline {
            None => (
                arm.shift,
                weighted_sum(counts, [arm.residuals(), arm.sizes()], |[residual, size]| {
                    square(arm.influence(residual, size))
                }),
            ),
            Some(baseline) => {
                let base = baseline.drawn(counts)?;
                let columns = [arm.residuals(), arm.sizes(), base.residuals(), base.sizes()];
                let squares = weighted_sum(counts, columns, |[residual, size, base_residual, base_size]| {
                    square(arm.influence(residual, size) - base.influence(base_residual, base_size))
                });
                (arm.shift - base.shift, squares)
            }
        };
        let parts = counts.len() as f64;
        let standard_error = if parts < 2.0 { 0.0 } else { (squares / (parts * (parts - 1.0))).sqrt() };
        Some(Replicate { shift, standard_error })
    }
}

impl Arm {
    fn of(parts: &[Ratio]) -> Option<Self> {
        let sizes: Vec<f64> = parts.iter().map(|part| part.denominator).collect();
        let size: f64 = sizes.iter().sum();
        if size <= 0.0 {
            return None;
        }
        let ratio = parts.iter().map(|part| part.numerator).sum::<f64>() / size;
        let residuals = parts.iter().map(|part| part.numerator - ratio * part.denominator).collect();
        let magnitude = parts.iter().map(|part| part.numerator.abs()).sum::<f64>() / size;
        Some(Self { sizes, residuals, ratio, size, magnitude })
    }

    /// This arm with each part drawn so often.
    fn drawn(&self, counts: &[u16]) -> Option<Drawn<'_>> {
        let size = weighted_sum(counts, [&self.sizes], |[size]| size);
        if size <= 0.0 {
            return None;
        }
        let shift = weighted_sum(counts, [&self.residuals], |[residual]| residual) / size;
        Some(Drawn { arm: self, shift, scale: counts.len() as f64 / size })
    }
}

/// An arm in one resample.
struct Drawn<'a> {
    arm: &'a Arm,
    /// Its ratio less the sample's.
    shift: f64,
    /// One over the mean size of the parts drawn.
    scale: f64,
}

impl Drawn<'_> {
    fn residuals(&self) -> &[f64] {
        &self.arm.residuals
    }

    fn sizes(&self) -> &[f64] {
        &self.arm.sizes
    }

    /// How far a part moves the ratio.
    #[inline]
    fn influence(&self, residual: f64, size: f64) -> f64 {
        (residual - self.shift * size) * self.scale
    }
}

#[inline]
fn square(value: f64) -> f64 {
    value * value
}

/// The sum over all parts of a value, made of what each column says of the part, times how often the
/// part was drawn. In lanes, so that the processor may add several at a time; which go together is
/// part of the definition of the sum.
#[inline]
fn weighted_sum<const N: usize>(
    counts: &[u16],
    columns: [&[f64]; N],
    value: impl Fn([f64; N]) -> f64,
) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (chunks, last) = counts.as_chunks::<LANES>();
    let columns = columns.map(|column| column.as_chunks::<LANES>());
    for (chunk, counts) in chunks.iter().enumerate() {
        let rows = columns.map(|(chunks, _)| chunks[chunk]);
        for lane in 0..LANES {
            sums[lane] += f64::from(counts[lane]) * value(rows.map(|row| row[lane]));
        }
    }
    for (lane, &count) in last.iter().enumerate() {
        sums[lane] += f64::from(count) * value(columns.map(|(_, last)| last[lane]));
    }
    sums.iter().sum()
}
