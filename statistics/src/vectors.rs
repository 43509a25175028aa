//! What independent packages say to the same data: `tests/vectors`, where `make.py` tells which.

use crate::comparison::{difference, unpaired_difference};
use crate::distribution::{normal_quantile, student_quantile, student_two_sided};
use crate::family::holm;
use crate::interval::{Confidence, quantile, studentised};
use crate::pass::Passes;
use crate::proportion::proportion;
use crate::resampling::{Bootstrap, Contrast};
use crate::sample::{Ratio, Sample};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Equal but for the last digits.
#[track_caller]
fn same(ours: f64, theirs: f64, relative: f64, what: &str) {
    let apart = (ours - theirs).abs();
    assert!(apart <= relative * theirs.abs() + 1e-300, "{what}: we say {ours}, they say {theirs}");
}

fn read<Row: DeserializeOwned>(text: &str) -> Vec<Row> {
    serde_json::from_str(text).expect("make.py wrote it")
}

#[derive(Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
enum Distribution {
    Student { freedom: f64, t: f64, two_sided: f64 },
    Quantile { freedom: f64, tail: f64, t: f64 },
    Proportion { passed: u64, runs: u64, alpha: f64, low: f64, high: f64 },
}

#[test]
fn distributions_are_those_of_scipy_and_statsmodels() {
    for row in read(include_str!("../tests/vectors/distributions.json")) {
        match row {
            Distribution::Student { freedom, t, two_sided } => {
                same(student_two_sided(t, freedom), two_sided, 1e-9, &format!("p of t {t}, {freedom} df"));
                same(student_two_sided(-t, freedom), two_sided, 1e-9, &format!("p of t -{t}, {freedom} df"));
            }
            Distribution::Quantile { freedom, tail, t } => {
                same(student_quantile(tail, freedom), t, 1e-9, &format!("t of tail {tail}, {freedom} df"));
            }
            Distribution::Proportion { passed, runs, alpha, low, high } => {
                let confidence = Confidence::two_sided(1.0 - alpha);
                let ours = Passes::new(passed, runs).interval(1, confidence).expect("runs");
                same(ours.low, low, 1e-9, &format!("lower end of {passed} of {runs}"));
                same(ours.high, high, 1e-9, &format!("upper end of {passed} of {runs}"));
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
enum Share {
    Normal { tail: f64, z: f64 },
    Wilson { successes: u64, trials: u64, alpha: f64, low: f64, high: f64 },
}

#[test]
fn intervals_of_shares_are_those_of_statsmodels() {
    for row in read(include_str!("../tests/vectors/proportions.json")) {
        match row {
            Share::Normal { tail, z } => same(normal_quantile(tail), z, 1e-12, &format!("z of tail {tail}")),
            Share::Wilson { successes, trials, alpha, low, high } => {
                let confidence = Confidence::two_sided(1.0 - alpha);
                let ours = proportion(successes, trials, confidence).expect("trials");
                let what = format!("{successes} of {trials}");
                assert!((ours.low - low).abs() < 1e-12, "lower end of {what}: {ours:?}, they say {low}");
                assert!((ours.high - high).abs() < 1e-12, "upper end of {what}: {ours:?}, they say {high}");
            }
        }
    }
}

#[derive(Deserialize)]
struct Means {
    name: String,
    one: Vec<f64>,
    other: Vec<f64>,
    difference: f64,
    paired_p: f64,
    paired_student: [f64; 2],
    standard_error: f64,
    welch_p: f64,
    welch: [f64; 2],
    /// Welch's p with only so many of the other.
    third: usize,
    third_p: f64,
}

#[test]
fn differences_of_means_are_those_of_the_paired_t_test_and_of_welch() {
    for Means { name, one, other, difference: apart, .. } in &means() {
        let ours = difference(&sample(one), &sample(other), Confidence::DEFAULT, 1).expect("seeds");
        same(ours.estimate, *apart, 1e-11, name);
    }
    for row in means() {
        let (one, other) = (sample(&row.one), sample(&row.other));
        let paired = difference(&one, &other, Confidence::DEFAULT, 1).expect("seeds");
        same(paired.p_value, row.paired_p, 1e-9, &row.name);
        let contrast = Contrast::paired(&one, &other).expect("values");
        let half = student_quantile(0.025, (contrast.parts() - 1) as f64) * contrast.standard_error;
        let [low, high] = row.paired_student;
        same(half, (high - low) / 2.0, 1e-9, &row.name);
        let [one, other] = [&one, &other].map(|arm| arm.summary().expect("seeds"));
        same(one.standard_error, row.standard_error, 1e-11, &row.name);
        let welch = unpaired_difference(one, other, Confidence::DEFAULT).expect("seeds");
        same(welch.p_value, row.welch_p, 1e-9, &row.name);
        same(welch.interval.low, row.welch[0], 1e-9, &row.name);
        same(welch.interval.high, row.welch[1], 1e-9, &row.name);
        let fewer = sample(&row.other[..row.third]).summary().expect("seeds");
        let unequal = unpaired_difference(one, fewer, Confidence::DEFAULT).expect("seeds");
        same(unequal.p_value, row.third_p, 1e-9, &row.name);
    }
}

fn means() -> Vec<Means> {
    read(include_str!("../tests/vectors/means.json"))
}

fn sample(values: &[f64]) -> Sample {
    values.iter().copied().map(Ratio::value).collect()
}

#[test]
fn adjusted_p_values_are_those_of_statsmodels() {
    #[derive(Deserialize)]
    struct Family {
        p: Vec<f64>,
        adjusted: Vec<f64>,
    }
    for Family { p, adjusted } in read(include_str!("../tests/vectors/holm.json")) {
        for (ours, theirs) in holm(&p).into_iter().zip(adjusted) {
            same(ours, theirs, 1e-13, "Holm");
        }
    }
}

#[derive(Deserialize)]
struct Ratios {
    name: String,
    x: Vec<f64>,
    y: Vec<f64>,
    /// The other arm's.
    #[serde(default)]
    u: Vec<f64>,
    #[serde(default)]
    v: Vec<f64>,
    estimate: f64,
    standard_error: f64,
    p: Option<f64>,
    studentised: [f64; 2],
    percentile: [f64; 2],
}

impl Ratios {
    fn all() -> Vec<Self> {
        read(include_str!("../tests/vectors/bootstraps.json"))
    }

    fn arms(&self) -> [Sample; 2] {
        let arm = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(&x, &y)| Ratio::new(x, y)).collect();
        [arm(&self.x, &self.y), arm(&self.u, &self.v)]
    }

    fn contrast(&self) -> Contrast {
        let [one, other] = self.arms();
        let contrast = if self.u.is_empty() { Contrast::of(&one) } else { Contrast::paired(&one, &other) };
        contrast.expect("it has values")
    }
}

#[test]
fn ratios_their_standard_errors_and_paired_p_values_are_those_of_statsmodels() {
    for row in Ratios::all() {
        let contrast = row.contrast();
        same(contrast.estimate, row.estimate, 1e-10, &row.name);
        same(contrast.standard_error, row.standard_error, 1e-10, &row.name);
        if let Some(p) = row.p {
            let [one, other] = row.arms();
            let ours = difference(&one, &other, Confidence::DEFAULT, 1).expect("seeds");
            same(ours.p_value, p, 1e-8, &row.name);
        }
    }
}

/// Both sides draw 100,000 resamples. An end of an interval at the 2.5 % quantile then has a standard
/// error of sqrt(0.025 * 0.975 / 100,000) / density = 0.009 standard errors of the estimate where the
/// density is the normal one, and of 0.02 in the long tail of skewed values. Five times that.
#[test]
fn bootstrap_intervals_are_those_of_scipy_and_arch() {
    for row in Ratios::all() {
        let contrast = row.contrast();
        let (estimate, error) = (contrast.estimate, contrast.standard_error);
        let replicates = Bootstrap::with_resamples(5, 100_000).replicates(&contrast);
        let close = |ours: f64, theirs: f64, tolerance: f64, what: &str| {
            let apart = (ours - theirs).abs() / error;
            assert!(apart < tolerance, "{what} of {}: {apart} standard errors apart", row.name);
        };
        let mut shifts: Vec<f64> = replicates.iter().map(|one| one.shift).collect();
        close(estimate + quantile(&mut shifts, 0.025), row.percentile[0], 0.05, "lower percentile");
        close(estimate + quantile(&mut shifts, 0.975), row.percentile[1], 0.05, "upper percentile");
        let mut in_errors = studentised(&replicates, 0.0);
        close(estimate - error * quantile(&mut in_errors, 0.975), row.studentised[0], 0.1, "lower end");
        close(estimate - error * quantile(&mut in_errors, 0.025), row.studentised[1], 0.1, "upper end");
    }
}
