//! What is said of a bench: tables that fit the width, and what they come to.
//!
//! Every figure stands with its 95 % interval, or with half of its width after `±` where there is little
//! room.

use super::figure;
use super::ink::{self, paint};
use super::layout::{self, Column, figures, words};
use crate::bench::baseline::{Change, Regression};
use crate::bench::comparison::{CompareResult, LevelResult, Sides};
use crate::bench::figures::{Apart, Figure, PassFigures, PassK};
use crate::bench::plan::{Plan, Player};
use crate::bench::result::{BenchResult, CellResult, LapseFigures, SreFigures};
use crate::bench::tally::Tally;
use crate::metric::{Better, Metric};
use crate::result::Verdict as Said;
use worlds::plan::Level;

/// From this width on there is room for intervals beside a second figure.
const WIDE: usize = 110;

/// How a metric is written: its title, by how much it is multiplied, and with how many decimals.
struct Style {
    title: &'static str,
    factor: f64,
    decimals: usize,
}

fn style(metric: Metric) -> Style {
    let style = |title, factor, decimals| Style { title, factor, decimals };
    match metric {
        Metric::AvailabilityPct => style("Availability, %", 1.0, 2),
        Metric::Utility => style("Utility, %", 1.0, 2),
        Metric::Score => style("Score", 1.0, 1),
        Metric::MttdRounds => style("MTTD", 1.0, 2),
        Metric::MttaRounds => style("MTTA", 1.0, 2),
        Metric::MttmRounds => style("MTTM", 1.0, 2),
        Metric::MttrRounds => style("MTTR", 1.0, 2),
        Metric::RemediedShare => style("Remedied, %", 100.0, 1),
        Metric::AvoidedShare => style("Avoided, %", 100.0, 1),
        Metric::RightEntityShare => style("Right server, %", 100.0, 1),
        Metric::RightKindShare => style("Right kind, %", 100.0, 1),
        Metric::HarmRequests => style("Harm", 1.0, 1),
        Metric::UnneededActions => style("Unneeded", 1.0, 2),
        Metric::FalseAlarms => style("False", 1.0, 2),
        Metric::PassedShare => style("Passed, %", 100.0, 1),
        Metric::LapseShare => style("Unanswered, %", 100.0, 1),
    }
}

impl Style {
    fn number(&self, value: f64) -> String {
        format!("{:.*}", self.decimals, value * self.factor)
    }

    /// With a sign, and never a signed nothing.
    fn signed(&self, value: f64) -> String {
        let number = self.number(value);
        match number.trim_start_matches('-').trim_matches(['0', '.']) {
            "" => self.number(0.0),
            _ if value > 0.0 => format!("+{number}"),
            _ => number,
        }
    }

    /// `12.34 ±0.56`
    fn give_or_take(&self, figure: &Figure) -> String {
        match (figure.estimate, figure.low, figure.high) {
            (Some(value), Some(low), Some(high)) => {
                format!("{} ±{}", self.number(value), self.number((high - low) / 2.0))
            }
            (Some(value), ..) => self.number(value),
            _ => "-".to_owned(),
        }
    }

    fn value(&self, figure: &Figure) -> String {
        figure.estimate.map_or_else(|| "-".to_owned(), |value| self.number(value))
    }

    /// `12.0 to 13.1`
    fn between(&self, figure: &Figure) -> String {
        match (figure.low, figure.high) {
            (Some(low), Some(high)) => format!("{} to {}", self.number(low), self.number(high)),
            _ => "-".to_owned(),
        }
    }

    fn difference(&self, apart: Option<&Apart>) -> [String; 3] {
        match apart {
            None => ["-", "-", "-"].map(str::to_owned),
            Some(apart) => [
                self.signed(apart.estimate),
                format!("{} to {}", self.signed(apart.low), self.signed(apart.high)),
                p_value(apart.p_holm),
            ],
        }
    }
}

/// A p-value as far as it says anything.
fn p_value(p: f64) -> String {
    if p < 0.0001 { "<0.0001".to_owned() } else { format!("{p:.4}") }
}

/// Before the first run.
pub(crate) fn opening(plan: &Plan, tally: &Tally) -> Vec<String> {
    let threads = figure::plural(plan.threads as u32, "thread");
    let seeds = match plan.until {
        None => format!("seeds {} to {}", plan.first_seed, plan.first_seed + (plan.seeds - 1)),
        Some(until) => format!(
            "seeds from {} on, until no interval of {} is wider than {}",
            plan.first_seed,
            until.metric.name(),
            figure::plain(until.width)
        ),
    };
    let mut lines = vec![paint(ink::STRONG, &format!("{}, {threads}", capital(&seeds)))];
    let played = tally.runs();
    if played > 0 {
        lines.push(format!("Going on after {} runs that are kept already", figure::count(played)));
    }
    lines
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// In the place of tables about nothing.
const NO_SEED: &str = "  No seed was played to its end.";

// ---- tables of a bench ------------------------------------------------------------------------

/// All tables of a bench.
pub(crate) fn of_bench(bench: &BenchResult, width: usize) -> Vec<String> {
    let cells = bench.cells.iter().flat_map(|cell| of_cell(bench, cell, width));
    let changes = bench.regression.iter().flat_map(|regression| of_regression(regression, width));
    cells.chain(changes).collect()
}

fn of_cell(bench: &BenchResult, cell: &CellResult, width: usize) -> Vec<String> {
    let rounds = figure::plural(cell.case.rounds, "round");
    let seeds = format!("{} seeds", figure::count(cell.seeds));
    let title = format!("{}, {}, {rounds}, {seeds}", cell.label(), chaos(&cell.chaos_level));
    let rows: Vec<(&Player, &SreFigures)> = bench.sres.iter().zip(&cell.results).collect();
    let mut lines = vec![String::new(), layout::rule(&title, width)];
    if cell.seeds == 0 {
        lines.push(NO_SEED.to_owned());
        return lines;
    }
    lines.extend(users(&bench.baseline_sre, &rows, width));
    lines.push(String::new());
    lines.extend(times(&rows, width));
    lines.push(String::new());
    lines.extend(skill(&rows, width));
    lines.push(String::new());
    lines.extend(passes(&rows, width));
    if rows.iter().any(|(player, _)| player.is_program()) {
        lines.push(String::new());
        lines.extend(unanswered(&rows, width));
    }
    lines
}

fn chaos(level: &str) -> String {
    if level == Level::Off.name() { "no chaos".to_owned() } else { format!("{level} chaos") }
}

/// A contestant's name; those who only play for comparison are pale.
fn name(player: &Player) -> String {
    if player.is_reference { paint(ink::FRAME, &player.name) } else { player.name.clone() }
}

fn figure_of(figures: &SreFigures, metric: Metric) -> Option<&Figure> {
    figures.metrics.get(&metric)
}

/// What users got, and what that is beside the baseline.
fn users(baseline: &str, rows: &[(&Player, &SreFigures)], width: usize) -> Vec<String> {
    let metric = Metric::AvailabilityPct;
    let style = style(metric);
    let is_wide = width >= WIDE;
    let mut columns = vec![words("SRE"), figures("Availability, %"), figures("95 % interval")];
    columns.extend([figures("Gain"), figures("95 % interval"), figures("p (Holm)")]);
    if is_wide {
        columns.extend([figures("Score"), figures("95 % interval")]);
    }
    let row = |(player, them): &(&Player, &SreFigures)| {
        let Some(figure) = figure_of(them, metric) else { return vec![name(player)] };
        let mut row = vec![name(player), style.value(figure), style.between(figure)];
        row.extend(match player.name == baseline {
            true => [String::new(), paint(ink::FRAME, "baseline"), String::new()],
            false => style.difference(figure.difference.as_ref()),
        });
        if let Some(score) = figure_of(them, Metric::Score).filter(|_| is_wide) {
            let style = self::style(Metric::Score);
            row.extend([style.value(score), style.between(score)]);
        }
        row
    };
    layout::table(&columns, rows.iter().map(row), width)
}

/// A table of several metrics, each with `±`.
fn many(rows: &[(&Player, &SreFigures)], metrics: &[Metric], width: usize) -> Vec<String> {
    let titles = metrics.iter().map(|&metric| figures(style(metric).title));
    let columns: Vec<Column<'_>> = std::iter::once(words("SRE")).chain(titles).collect();
    let row = |(player, them): &(&Player, &SreFigures)| {
        let cell = |&metric: &Metric| {
            figure_of(them, metric).map_or_else(String::new, |figure| style(metric).give_or_take(figure))
        };
        std::iter::once(name(player)).chain(metrics.iter().map(cell)).collect()
    };
    layout::table(&columns, rows.iter().map(row), width)
}

fn times(rows: &[(&Player, &SreFigures)], width: usize) -> Vec<String> {
    use Metric::{MttaRounds, MttdRounds, MttmRounds, MttrRounds, Score};
    many(rows, &[Score, MttdRounds, MttaRounds, MttmRounds, MttrRounds], width)
}

fn skill(rows: &[(&Player, &SreFigures)], width: usize) -> Vec<String> {
    use Metric::{AvoidedShare, HarmRequests, RemediedShare, RightKindShare, UnneededActions};
    many(rows, &[RemediedShare, AvoidedShare, RightKindShare, HarmRequests, UnneededActions], width)
}

fn passes(rows: &[(&Player, &SreFigures)], width: usize) -> Vec<String> {
    let ks = rows.first().map_or(&[][..], |(_, them)| &them.pass.pass_k);
    let titles: Vec<String> = ks.iter().map(|pass| format!("pass^{}", pass.k)).collect();
    let columns: Vec<Column<'_>> = [words("SRE"), figures("Passed")]
        .into_iter()
        .chain(titles.iter().map(|title| figures(title)))
        .collect();
    let row = |(player, them): &(&Player, &SreFigures)| {
        let PassFigures { runs, passed, pass_k } = &them.pass;
        let share = format!("{} of {}", figure::count(*passed), figure::count(*runs));
        [name(player), share].into_iter().chain(pass_k.iter().map(pass)).collect()
    };
    layout::table(&columns, rows.iter().map(row), width)
}

/// What programs left unanswered: whoever says nothing is not bad but not there.
fn unanswered(rows: &[(&Player, &SreFigures)], width: usize) -> Vec<String> {
    let titles = ["Rounds", "Unanswered", "Late", "Malformed", "Dead", "Runs", "First seed"];
    let columns: Vec<Column<'_>> = std::iter::once(words("SRE")).chain(titles.map(figures)).collect();
    let row = |(player, them): &(&Player, &SreFigures)| {
        let lapses = &them.lapses;
        let counts = [lapses.rounds, lapses.all(), lapses.late, lapses.malformed, lapses.dead, lapses.runs];
        let mut row = vec![name(player)];
        row.extend(counts.map(figure::count));
        row.push(lapses.first_seed.map_or_else(|| "-".to_owned(), |seed| seed.to_string()));
        if lapses.all() > 0 {
            row[2] = paint(ink::BAD, &row[2]);
        }
        row
    };
    let programs = rows.iter().filter(|(player, _)| player.is_program());
    layout::table(&columns, programs.map(row), width)
}

/// The same in a sentence; nothing where everything was answered.
fn unanswered_note(sre: &str, place: &str, lapses: &LapseFigures) -> Option<String> {
    let LapseFigures { rounds, late, malformed, dead, first_seed, .. } = *lapses;
    let first_seed = first_seed?;
    let (all, rounds) = (figure::count(lapses.all()), figure::count(rounds));
    let how = figure::lapses(late, malformed, dead);
    Some(format!(
        "{sre} in {place}: {all} of {rounds} rounds unanswered ({how}), the first on seed {first_seed}"
    ))
}

/// `12.3 ±4.5 %`
fn pass(pass: &PassK) -> String {
    match (pass.estimate, pass.low, pass.high) {
        (Some(value), Some(low), Some(high)) => {
            format!("{:.1} ±{:.1} %", 100.0 * value, 50.0 * (high - low))
        }
        _ => "-".to_owned(),
    }
}

// ---- an earlier bench -------------------------------------------------------------------------

fn of_regression(regression: &Regression, width: usize) -> Vec<String> {
    let title = format!("Compared with {}", regression.file);
    let is_told = |change: &&Change| change.is_gate() || change.direction().is_some();
    let told: Vec<&Change> = regression.changes.iter().filter(is_told).collect();
    let columns = [
        words("Where"),
        words("SRE"),
        words("Metric"),
        figures("Before"),
        figures("Now"),
        figures("Change"),
        figures("p"),
    ];
    let row = |change: &&Change| {
        let style = style(change.metric);
        vec![
            format!("{}, {}", change.case, change.chaos_level),
            change.sre.clone(),
            style.title.to_owned(),
            style.number(change.before),
            style.number(change.after),
            changed(change, &style),
            p_value(change.p),
        ]
    };
    let mut lines = vec![String::new(), layout::rule(&title, width)];
    if told.is_empty() {
        lines.push("  There is nothing to compare.".to_owned());
        return lines;
    }
    lines.extend(layout::table(&columns, told.iter().map(row), width));
    if regression.changes.iter().any(|change| change.same_seeds) {
        let note = "The seeds are the same, but of the earlier bench only summaries are left, so they are not \
                    paired: small changes may be missed.";
        lines.extend(layout::fact("", note, width));
    }
    lines
}

fn changed(change: &Change, style: &Style) -> String {
    let text = style.signed(change.difference);
    match change.direction() {
        _ if change.is_worse => paint(ink::LOST, &text),
        Some(true) => paint(ink::GOOD, &text),
        Some(false) => paint(ink::BAD, &text),
        None => text,
    }
}

// ---- tables of a comparison -------------------------------------------------------------------

/// All tables of a comparison.
pub(crate) fn of_comparison(comparison: &CompareResult, width: usize) -> Vec<String> {
    let CompareResult { a, b, levels, sres, .. } = comparison;
    let level = |level: &LevelResult| {
        let seeds = figure::count(level.seeds);
        let (a, b) = (&a.world.name, &b.world.name);
        let title = format!("{b} less {a}, {}, {seeds} seeds", chaos(&level.chaos_level));
        let mut lines = vec![String::new(), layout::rule(&title, width)];
        if level.seeds == 0 {
            lines.push(NO_SEED.to_owned());
            return lines;
        }
        for (player, sides) in sres.iter().zip(&level.results) {
            lines.extend(of_sides(player, sides, width));
        }
        lines
    };
    levels.iter().flat_map(level).collect()
}

/// One player in both worlds, a row for each metric of which there is something to tell.
fn of_sides(player: &Player, sides: &Sides, width: usize) -> Vec<String> {
    let columns = [
        words(&player.name),
        figures("A"),
        figures("B"),
        figures("B - A"),
        figures("95 % interval"),
        figures("p (Holm)"),
    ];
    let row = |metric: Metric| {
        let (style, [a, b]) = (style(metric), [&sides.a, &sides.b].map(|side| side.get(&metric)));
        let (a, b) = (a?, b?);
        if is_plain(a, b) && !(metric == Metric::LapseShare && a.estimate > Some(0.0)) {
            return None;
        }
        let [by, between, p] = style.difference(sides.difference(metric));
        let by = match sides.difference(metric).and_then(|apart| is_better(metric, apart)) {
            Some(true) => paint(ink::GOOD, &by),
            Some(false) => paint(ink::BAD, &by),
            None => by,
        };
        Some(vec![style.title.to_owned(), style.value(a), style.value(b), by, between, p])
    };
    let rows: Vec<Vec<String>> = Metric::ALL.into_iter().filter_map(row).collect();
    std::iter::once(String::new()).chain(layout::table(&columns, rows, width)).collect()
}

/// Whether a metric is unknown in both worlds, or the same on every seed of both, as a reference's score.
fn is_plain(a: &Figure, b: &Figure) -> bool {
    let is_point = |figure: &Figure| figure.low == figure.high && figure.low == figure.estimate;
    is_point(a) && is_point(b) && a.estimate == b.estimate
}

/// Whether a difference that is hardly chance is one for the better.
fn is_better(metric: Metric, apart: &Apart) -> Option<bool> {
    (apart.p_holm < 0.05).then_some((apart.estimate > 0.0) == (metric.better() == Better::Higher))
}

// ---- the end ----------------------------------------------------------------------------------

/// What stands below the tables.
#[derive(Clone, Debug)]
pub(crate) struct Verdict<'a> {
    said: Said,
    reasons: &'a [String],
    /// What programs left unanswered, where no table tells it.
    unanswered: Vec<String>,
    repeat: &'a str,
}

impl<'a> Verdict<'a> {
    /// Of a bench.
    pub(crate) fn of_bench(bench: &'a BenchResult, is_quiet: bool) -> Self {
        let of_cell = |cell: &'a CellResult| {
            let place = format!("{}, {}", cell.label(), cell.chaos_level);
            let note = move |them: &SreFigures| unanswered_note(&them.sre, &place, &them.lapses);
            cell.results.iter().filter_map(note)
        };
        let cells: &[CellResult] = if is_quiet { &bench.cells } else { &[] };
        let unanswered = cells.iter().flat_map(of_cell).collect();
        Self { said: bench.verdict, reasons: &bench.reasons, unanswered, repeat: &bench.repeat }
    }

    /// Of a comparison.
    pub(crate) fn of_comparison(comparison: &'a CompareResult) -> Self {
        let CompareResult { a, b, levels, .. } = comparison;
        let of_level = |level: &'a LevelResult| {
            let of_sides = move |sides: &'a Sides| {
                let worlds = [(&a.world.name, &sides.lapses_a), (&b.world.name, &sides.lapses_b)];
                worlds.into_iter().filter_map(move |(world, lapses)| {
                    unanswered_note(&sides.sre, &format!("{world}, {}", level.chaos_level), lapses)
                })
            };
            level.results.iter().flat_map(of_sides)
        };
        let unanswered = levels.iter().flat_map(of_level).collect();
        let CompareResult { verdict, reasons, repeat, .. } = comparison;
        Self { said: *verdict, reasons, unanswered, repeat }
    }

    /// Its lines; when nothing else is told, only of what is not as it should be.
    pub(crate) fn lines(&self, width: usize, is_quiet: bool) -> Vec<String> {
        let mut lines = Vec::new();
        if !is_quiet {
            lines.push(String::new());
            let note = "Intervals are 95 %, ± half of one; gains are paired by seeds. Times are in rounds.";
            lines.extend(layout::wrapped(note, width).iter().map(|line| paint(ink::FRAME, line)));
        }
        if self.said != Said::Ok {
            let style = if self.said == Said::GateFailed { ink::BAD } else { ink::POOR };
            lines.push(String::new());
            lines.push(format!("  {:<14}{}", "Verdict", paint(style, self.said.name())));
            lines.extend(self.reasons.iter().flat_map(|reason| layout::fact("", reason, width)));
        }
        if !self.unanswered.is_empty() {
            lines.push(String::new());
        }
        for (place, note) in self.unanswered.iter().enumerate() {
            lines.extend(layout::fact(if place == 0 { "Unanswered" } else { "" }, note, width));
        }
        if !is_quiet {
            lines.push(String::new());
            lines.push("To repeat it:".to_owned());
            lines.push(format!("  {}", paint(ink::STRONG, self.repeat)));
        }
        lines
    }
}
