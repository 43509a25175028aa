//! A 95 % interval covers the truth in 95 of 100 experiments: played out, a thousand experiments for
//! each kind of metric and number of seeds.
//!
//! The population is some thousand runs of the built-in world, so what is true of it is known; an
//! experiment draws a few seeds from it. In CI this is done at one level and for a mean and two ratios.
//! All levels and more metrics, among them counts of rare events, with a table of what was covered and
//! on which side the rest lay:
//!
//! ```text
//! STATISTICS_COVERAGE=long cargo test --release -p statistics --test coverage -- --nocapture
//! ```

use rand::rand_core::{Rng, SeedableRng};
use rand::rngs::ChaCha8Rng;
use statistics::{Confidence, Interval, Ratio, Sample};
use std::io::{Write as _, stderr};
use std::sync::{Arc, LazyLock};
use worlds::definition::{SkillName, SreKind, builtin};
use worlds::inline::Inline;
use worlds::outcome::Outcome;
use worlds::plan::{Level, RunPlan, SrePlan};
use worlds::score;
use worlds::topology::World;

/// Experiments of each kind.
const EXPERIMENTS: u32 = 1000;

/// What is measured of each seed: one contestant, and another that met the same.
struct Metric {
    name: &'static str,
    one: Vec<Ratio>,
    other: Vec<Ratio>,
}

fn world() -> Arc<World> {
    let file = builtin::find("systems").expect("it is built in");
    let parsed = worlds::definition::parse("systems.toml", file.text).expect("it is good");
    Arc::new(World::new("systems", parsed.definition))
}

/// What one SRE came to on each seed.
fn runs(
    world: &Arc<World>,
    level: Level,
    kind: SreKind,
    skill: Option<SkillName>,
    seeds: u64,
) -> Vec<Outcome> {
    let sre = SrePlan { skill, ..SrePlan::of("oncall", kind) };
    let rounds = world.definition.rounds;
    let plan = |seed| RunPlan {
        seed,
        level,
        rounds,
        sres: vec![sre.clone()],
        scripted: Vec::new(),
        drill: worlds::plan::Drill::default(),
    };
    let mut run = Inline::unrecorded(Arc::clone(world), plan(0));
    let mut play = |seed| {
        run.restart(plan(seed));
        run.play()
    };
    (0..seeds).map(&mut play).collect()
}

fn availability(run: &Outcome) -> Ratio {
    Ratio::new(100.0 * run.requests.good as f64, run.requests.total as f64)
}

fn time_to_resolution(run: &Outcome) -> Ratio {
    let end = |incident: &worlds::outcome::Incident| incident.resolved_round.unwrap_or(run.rounds);
    let rounds: u32 = run.incidents.iter().map(|one| end(one).saturating_sub(one.onset_round)).sum();
    Ratio::new(f64::from(rounds), run.incidents.len() as f64)
}

fn right_claims(run: &Outcome) -> Ratio {
    let claims = run.sres[0].diagnosis;
    Ratio::new(f64::from(claims.right_kind), f64::from(claims.claims))
}

/// Metrics of a senior, and of a junior as the other.
fn population(world: &Arc<World>, level: Level, seeds: u64) -> Vec<Metric> {
    let play = |kind, skill| runs(world, level, kind, skill, seeds);
    let [junior, senior] =
        [SkillName::Junior, SkillName::Senior].map(|skill| play(SreKind::Rules, Some(skill)));
    let (none, oracle) = (play(SreKind::None, None), play(SreKind::Oracle, None));
    let metric = |name, of: &dyn Fn(&Outcome) -> Ratio| Metric {
        name,
        one: senior.iter().map(of).collect(),
        other: junior.iter().map(of).collect(),
    };
    let scored = |runs: &[Outcome]| -> Vec<Ratio> {
        let references = none.iter().zip(&oracle);
        let score = |(run, (none, oracle)): (&Outcome, (&Outcome, &Outcome))| {
            let winnable = oracle.utility - none.utility;
            score::score(run, none, oracle)
                .map_or(Ratio::NONE, |_| Ratio::new(100.0 * (run.utility - none.utility), winnable))
        };
        runs.iter().zip(references).map(score).collect()
    };
    let mut metrics = vec![
        metric("availability", &availability),
        metric("utility", &|run| Ratio::value(run.utility)),
        metric("time to resolution", &time_to_resolution),
    ];
    let more = || {
        [
            metric("right claims", &right_claims),
            metric("unneeded actions", &|run| Ratio::value(f64::from(run.sres[0].unneeded_actions))),
            metric("harm", &|run| Ratio::value(run.sres[0].harm_requests as f64)),
            Metric { name: "score", one: scored(&senior), other: scored(&junior) },
        ]
    };
    if is_long() {
        metrics.extend(more());
    }
    metrics
}

/// What became of the experiments of one kind.
#[derive(Default)]
struct Tally {
    below: u32,
    above: u32,
    width: f64,
}

impl Tally {
    fn count(&mut self, truth: f64, interval: Interval) {
        self.below += u32::from(truth < interval.low);
        self.above += u32::from(truth > interval.high);
        self.width += interval.width();
    }

    fn covered_pct(&self) -> f64 {
        100.0 * f64::from(EXPERIMENTS - self.below - self.above) / f64::from(EXPERIMENTS)
    }
}

/// Draws seeds from a population.
struct Draws(ChaCha8Rng);

impl Draws {
    fn below(&mut self, end: usize) -> usize {
        ((u64::from(self.0.next_u32()) * end as u64) >> 32) as usize
    }

    fn seeds(&mut self, population: usize, count: usize) -> Vec<usize> {
        (0..count).map(|_| self.below(population)).collect()
    }
}

fn sample(of: &[Ratio], seeds: &[usize]) -> Sample {
    seeds.iter().map(|&seed| of[seed]).collect()
}

fn estimate(of: &[Ratio]) -> f64 {
    of.iter().copied().collect::<Sample>().estimate().expect("the population has values")
}

/// Plays the experiments of one metric: of the metric, and of its difference from the other.
fn experiments(metric: &Metric, seeds: usize) -> [(String, Tally); 2] {
    let mut draws = Draws(ChaCha8Rng::seed_from_u64(seeds as u64));
    let mut bootstrap = statistics::Bootstrap::new(1);
    let (mut alone, mut paired) = (Tally::default(), Tally::default());
    let (one, other) = (estimate(&metric.one), estimate(&metric.other));
    for _ in 0..EXPERIMENTS {
        let drawn = draws.seeds(metric.one.len(), seeds);
        let samples = [sample(&metric.one, &drawn), sample(&metric.other, &drawn)];
        let around = bootstrap.interval(&samples[0], Confidence::DEFAULT).expect("seeds with values");
        alone.count(one, around);
        let apart = bootstrap.difference(&samples[0], &samples[1], Confidence::DEFAULT);
        paired.count(one - other, apart.expect("seeds with values").interval);
    }
    [(metric.name.to_owned(), alone), (format!("{}, difference", metric.name), paired)]
}

fn is_long() -> bool {
    #[expect(clippy::disallowed_methods, reason = "how long to play is no figure")]
    std::env::var("STATISTICS_COVERAGE").is_ok_and(|how| how == "long")
}

/// Each level, and what there is to measure at it.
static POPULATIONS: LazyLock<Vec<(Level, Vec<Metric>)>> = LazyLock::new(|| {
    let (levels, seeds): (&[Level], _) =
        if is_long() { (&Level::ALL[1..], 10_000) } else { (&[Level::Medium], 2_000) };
    let world = world();
    levels.iter().map(|&level| (level, population(&world, level, seeds))).collect()
});

/// Of a thousand experiments, how far the share that covers may be off by chance is 0.7 % (one
/// standard error); the long form has so many kinds of experiments that some are off by two.
fn covers(seeds: usize) {
    let slack = if is_long() { 0.5 } else { 0.0 };
    let mut outside = Vec::new();
    for (level, metrics) in POPULATIONS.iter() {
        for (name, tally) in metrics.iter().flat_map(|metric| experiments(metric, seeds)) {
            let (covered, width) = (tally.covered_pct(), tally.width / f64::from(EXPERIMENTS));
            let line = format!(
                "{:8} {seeds:4} seeds  {name:30} {covered:5.1} %  below {:2} above {:2}  width {width:.3}",
                level.name(),
                tally.below,
                tally.above,
            );
            let _ = writeln!(stderr(), "{line}");
            if !(93.0 - slack..=97.0 + slack).contains(&covered) {
                outside.push(line);
            }
        }
    }
    assert!(outside.is_empty(), "outside of 93 to 97 %:\n{}", outside.join("\n"));
}

#[test]
fn with_20_seeds_intervals_of_means_ratios_and_paired_differences_cover_93_to_97_of_100_truths() {
    covers(20);
}

#[test]
fn with_50_seeds_intervals_of_means_ratios_and_paired_differences_cover_93_to_97_of_100_truths() {
    covers(50);
}

#[test]
fn with_200_seeds_intervals_of_means_ratios_and_paired_differences_cover_93_to_97_of_100_truths() {
    covers(200);
}
