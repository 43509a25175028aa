//! `bench.csv`: the figures of a bench as a table, a row for each figure.

use super::figures::{Figure, PassK};
use super::plan::Player;
use super::result::{BenchResult, CellResult, SreFigures};
use crate::config;

const HEADER: &str = "world,scenario,chaos_level,rounds,first_seed,seeds,sre,kind,skill,metric,n,estimate,\
                      standard_error,low,high,difference,difference_low,difference_high,p,p_holm";

/// The table of a bench. Fields that hold a comma, a quotation mark or a line break are quoted (RFC
/// 4180); where there is no value there is nothing.
pub(crate) fn of_bench(bench: &BenchResult) -> String {
    let mut text = format!("{HEADER}\n");
    for cell in &bench.cells {
        for (player, figures) in bench.sres.iter().zip(&cell.results) {
            for row in rows(figures) {
                let place = place(bench, cell, player);
                text.push_str(&line(place.into_iter().chain(row)));
            }
        }
    }
    text
}

fn place(bench: &BenchResult, cell: &CellResult, player: &Player) -> [String; 9] {
    let scenario = cell.case.scenario.as_ref();
    [
        cell.case.world.name.clone(),
        scenario.map_or_else(String::new, |scenario| scenario.name.clone()),
        cell.chaos_level.clone(),
        cell.case.rounds.to_string(),
        bench.first_seed.to_string(),
        cell.seeds.to_string(),
        player.name.clone(),
        player.kind.name().to_owned(),
        player.skill.map_or("", config::skill_name).to_owned(),
    ]
}

fn rows(figures: &SreFigures) -> Vec<Vec<String>> {
    let metrics = figures.metrics.iter().map(|(metric, figure)| of_metric(metric.name(), figure));
    let passes = figures.pass.pass_k.iter().map(|pass| of_pass(pass, figures.pass.runs));
    metrics.chain(passes).collect()
}

fn of_metric(name: &str, figure: &Figure) -> Vec<String> {
    let apart = figure.difference.as_ref();
    let values = [
        figure.estimate,
        figure.standard_error,
        figure.low,
        figure.high,
        apart.map(|apart| apart.estimate),
        apart.map(|apart| apart.low),
        apart.map(|apart| apart.high),
        apart.map(|apart| apart.p),
        apart.map(|apart| apart.p_holm),
    ];
    [name.to_owned(), figure.n.to_string()].into_iter().chain(values.map(or_nothing)).collect()
}

fn of_pass(pass: &PassK, runs: u64) -> Vec<String> {
    let values = [pass.estimate, None, pass.low, pass.high, None, None, None, None, None];
    [format!("pass^{}", pass.k), runs.to_string()].into_iter().chain(values.map(or_nothing)).collect()
}

/// A figure as it is, or nothing.
pub(super) fn or_nothing(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// A row; fields are quoted where they must be.
pub(super) fn line(fields: impl Iterator<Item = String>) -> String {
    let fields: Vec<String> = fields.map(|field| quoted(&field)).collect();
    format!("{}\n", fields.join(","))
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_break_a_table_is_quoted() {
        assert_eq!(quoted("systems"), "systems");
        assert_eq!(quoted("a,b"), "\"a,b\"");
        assert_eq!(quoted("say \"no\""), "\"say \"\"no\"\"\"");
    }
}
