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

/// Counts that a [`Bootstrap`] keeps: 16 MiB of them, enough for four different numbers of parts.
const KEPT_MAX: usize = 8 << 20;

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
        let mut weights = vec![0.0; parts];
        let mut replicate = |counts: &[u16]| {
            weights.iter_mut().zip(counts).for_each(|(weight, &count)| *weight = f64::from(count));
            contrast.replicate(&weights)
        };
        self.counts(parts).chunks_exact(parts).filter_map(&mut replicate).collect()
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
        // Multiply and shift: the bias is below one in eight million for five hundred parts.
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
    /// The one denominator that all parts have, as those of a mean.
    even_size: Option<f64>,
    /// Numerators, less the ratio times the denominators: they add up to 0.
    residuals: Vec<f64>,
    /// The squares of the residuals, the products of both, and the squares of the denominators.
    residual_squares: Vec<f64>,
    products: Vec<f64>,
    size_squares: Vec<f64>,
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
        let once = vec![1.0; contrast.parts()];
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
    fn replicate(&self, weights: &[f64]) -> Option<Replicate> {
        let (shift, squares) = match &self.baseline {
            None => self.arm.drawn_alone(weights)?,
            Some(baseline) => drawn_together(&self.arm, baseline, weights)?,
        };
        let parts = weights.len() as f64;
        let standard_error = if parts < 2.0 { 0.0 } else { (squares / (parts * (parts - 1.0))).sqrt() };
        Some(Replicate { shift, standard_error })
    }
}

/// Of the difference of two arms with each part drawn so often: the shift, and the sum of the squares
/// of how far each part moves the difference.
fn drawn_together(arm: &Arm, baseline: &Arm, weights: &[f64]) -> Option<(f64, f64)> {
    let [one, other] = [arm, baseline].map(|arm| arm.drawn(weights));
    let (one, other) = (one?, other?);
    let columns = [&arm.residuals, &arm.sizes, &baseline.residuals, &baseline.sizes];
    let columns = columns.map(|column| column.as_chunks::<LANES>());
    let apart = |[residual, size, base_residual, base_size]: [f64; 4]| {
        (residual - one.shift * size) * one.scale - (base_residual - other.shift * base_size) * other.scale
    };
    let mut sums = [0.0; LANES];
    let (chunks, last) = weights.as_chunks::<LANES>();
    for (chunk, weights) in chunks.iter().enumerate() {
        let rows = columns.map(|(chunks, _)| chunks[chunk]);
        for lane in 0..LANES {
            let apart = apart(rows.map(|row| row[lane]));
            sums[lane] += weights[lane] * apart * apart;
        }
    }
    for (lane, weight) in last.iter().enumerate() {
        let apart = apart(columns.map(|(_, last)| last[lane]));
        sums[lane] += weight * apart * apart;
    }
    Some((one.shift - other.shift, sums.iter().sum()))
}

impl Arm {
    fn of(parts: &[Ratio]) -> Option<Self> {
        let sizes: Vec<f64> = parts.iter().map(|part| part.denominator).collect();
        let size: f64 = sizes.iter().sum();
        if size <= 0.0 {
            return None;
        }
        let ratio = parts.iter().map(|part| part.numerator).sum::<f64>() / size;
        let residuals: Vec<f64> =
            parts.iter().map(|part| part.numerator - ratio * part.denominator).collect();
        let magnitude = parts.iter().map(|part| part.numerator.abs()).sum::<f64>() / size;
        let times = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(a, b)| a * b).collect();
        Some(Self {
            even_size: sizes.first().copied().filter(|first| sizes.iter().all(|size| size == first)),
            residual_squares: times(&residuals, &residuals),
            products: times(&residuals, &sizes),
            size_squares: times(&sizes, &sizes),
            sizes,
            residuals,
            ratio,
            size,
            magnitude,
        })
    }

    /// This arm with each part drawn so often.
    fn drawn(&self, weights: &[f64]) -> Option<Drawn> {
        let parts = weights.len() as f64;
        let size = match self.even_size {
            Some(each) => parts * each,
            None => dot(weights, &self.sizes),
        };
        (size > 0.0).then(|| Drawn { shift: dot(weights, &self.residuals) / size, scale: parts / size })
    }

    /// Of this arm alone with each part drawn so often: the shift, and the sum of the squares of how
    /// far each part moves the ratio.
    ///
    /// With r the residuals, d the sizes and s the shift, sum((r - s d)^2) is taken apart into
    /// sum(r^2) - 2 s sum(r d) + s^2 sum(d^2), whose columns are the same for all resamples. Residuals
    /// are centred, so little is lost.
    fn drawn_alone(&self, weights: &[f64]) -> Option<(f64, f64)> {
        let Drawn { shift, scale } = self.drawn(weights)?;
        let of_residuals = dot(weights, &self.residual_squares);
        let [of_both, of_sizes] = match self.even_size {
            Some(each) => {
                let size = weights.len() as f64 * each;
                [shift * size * each, size * each]
            }
            None => [&self.products, &self.size_squares].map(|column| dot(weights, column)),
        };
        let squares = of_residuals - 2.0 * shift * of_both + shift * shift * of_sizes;
        Some((shift, squares.max(0.0) * scale * scale))
    }
}

/// An arm in one resample.
struct Drawn {
    /// Its ratio less the sample's.
    shift: f64,
    /// One over the mean size of the parts drawn.
    scale: f64,
}

/// How many sums a processor may carry on at a time. Which parts go together is part of the
/// definition of a sum, for rounding follows from it.
const LANES: usize = 8;

/// The sum of a column over all parts, each as often as it was drawn.
fn dot(weights: &[f64], column: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (weights, last_weights) = weights.as_chunks::<LANES>();
    let (values, last_values) = column.as_chunks::<LANES>();
    for (weights, values) in weights.iter().zip(values) {
        for lane in 0..LANES {
            sums[lane] += weights[lane] * values[lane];
        }
    }
    for (sum, (weight, value)) in sums.iter_mut().zip(last_weights.iter().zip(last_values)) {
        *sum += weight * value;
    }
    sums.iter().sum()
}
