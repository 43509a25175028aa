//! `report.html` of a drill over several seeds: gates with their intervals, the seeds from the worst to the best,
//! and the way to the page of each.

use super::panels::{Column as Bar, Panel, Rule};
use super::scale::{Pct, Tick, nice_max};
use super::tables::{Cell, Table, count, figures, words};
use super::{Card, VerdictMark, mark};
use crate::console::figure;
use crate::drill::result::{DrillResult, Mean};
use crate::metric::Metric;
use crate::report::drill as told;
use askama::Template;

/// Columns of the graph of seeds: of more seeds, some share one.
const COLUMNS_MAX: usize = 240;

/// The page of a drill.
#[derive(Template)]
#[template(path = "html/drill.html")]
struct Page<'a> {
    title: String,
    heading: &'a str,
    scenario_title: Option<&'a str>,
    which: Vec<String>,
    verdict: VerdictMark,
    verdict_sentence: String,
    reasons: &'a [String],
    cards: Vec<Card>,
    gates: Table,
    panel: Option<Panel>,
    means: Table,
    seeds: Table,
    repeat: &'a str,
    provenance: Vec<(&'static str, String)>,
}

/// The page.
pub(crate) fn page(result: &DrillResult) -> String {
    let name = told::name(result);
    let page = Page {
        title: format!("{name}, {}: {}", told::seeds(result), result.verdict.name()),
        heading: name,
        scenario_title: result.scenario.as_ref().map(|scenario| &*scenario.title),
        which: which(result),
        verdict: mark(result.verdict),
        verdict_sentence: told::verdict(result),
        reasons: &result.reasons,
        cards: cards(result),
        gates: gates(result),
        panel: panel(result),
        means: means(result),
        seeds: seeds(result),
        repeat: &result.repeat,
        provenance: vec![
            ("World", result.world.hash.clone()),
            ("Mode", result.mode.name().to_owned()),
            ("Made by", format!("world {} ({})", result.build.version, result.build.commit)),
        ],
    };
    page.render().expect("a template is written to memory")
}

fn which(result: &DrillResult) -> Vec<String> {
    let world = result.scenario.as_ref().map(|_| format!("world {}", result.world.name));
    let facts = [
        told::seeds(result),
        format!("chaos {}", result.chaos_level),
        format!("{} each", figure::plural(result.rounds, "round")),
        format!("on call: {}", told::sres(result)),
    ];
    world.into_iter().chain(facts).collect()
}

// ---- figures that matter most -----------------------------------------------------------------

fn cards(result: &DrillResult) -> Vec<Card> {
    if result.runs.is_empty() {
        return Vec::new();
    }
    let of = result.runs.len();
    let kept = Card {
        label: "SLA kept",
        value: format!("{} of {of}", result.sla_met_seeds),
        notes: vec![format!("seeds; the target is {} %", figure::plain(result.sla_target_pct))],
    };
    // Rounded, as in the table of means below.
    let percent = |value: f64| format!("{value:.2} %");
    let share = |value: f64| format!("{:.0} %", value * 100.0);
    let decimal = |value: f64| format!("{value:.1}");
    let rounds = |value: f64| format!("{value:.2} rounds");
    let cards = [
        card(result, "Availability", Metric::AvailabilityPct, &percent),
        card(result, "Score", Metric::Score, &decimal),
        card(result, "Time to resolve", Metric::MttrRounds, &rounds),
        card(result, "Incidents remedied", Metric::RemediedShare, &share),
        card(result, "Fault-rounds avoided", Metric::AvoidedShare, &share),
    ];
    let mut cards: Vec<_> = cards.into_iter().flatten().collect();
    cards.insert(cards.len().min(1), kept);
    cards
}

/// A metric, and its interval.
fn card(result: &DrillResult, label: &'static str, of: Metric, told: &dyn Fn(f64) -> String) -> Option<Card> {
    let mean = metric(result, of)?;
    let between = mean.low.zip(mean.high);
    let between = between.map(|(low, high)| format!("95 % interval {} to {}", told(low), told(high)));
    let seeds = format!("over {}", figure::plural(mean.n, "seed"));
    let notes = [Some(seeds), between].into_iter().flatten().collect();
    Some(Card { label, value: mean.mean.map_or_else(|| "-".to_owned(), told), notes })
}

fn metric(result: &DrillResult, of: Metric) -> Option<&Mean> {
    result.metrics.iter().find(|metric| metric.metric == of)
}

// ---- gates, means and seeds -------------------------------------------------------------------

fn gates(result: &DrillResult) -> Table {
    let rows = result.gates.iter().map(|gate| {
        let held = match (gate.held, gate.seeds_needed) {
            (Some(true), _) => Cell::Text("✓ held".to_owned()),
            (Some(false), _) => Cell::Strong("✗ failed".to_owned()),
            (None, Some(seeds)) => {
                Cell::Strong(format!("! undecided: about {} seeds would do", figure::count(seeds)))
            }
            (None, None) => Cell::Strong("! undecided".to_owned()),
        };
        let [mean, interval] = told::gate(gate);
        let expr = Cell::Head(gate.expr.clone());
        vec![expr, count(gate.n), mean.into(), interval.into(), count(gate.failed_seeds), held]
    });
    Table {
        id: "gates",
        title: "Gates",
        note: Some("Held where the condition is false at both ends of the interval.".to_owned()),
        columns: vec![
            words("The drill fails if"),
            figures("Seeds"),
            figures("Mean"),
            figures("95 % interval"),
            figures("True on seeds"),
            words("Gate"),
        ],
        rows: rows.collect(),
    }
}

fn means(result: &DrillResult) -> Table {
    let rows = result.metrics.iter().filter(|metric| metric.n > 0).map(|metric| {
        let [name, seeds, mean, interval] = told::mean(metric);
        vec![Cell::Head(name), seeds.into(), mean.into(), interval.into()]
    });
    Table {
        id: "means",
        title: "Over all seeds",
        note: None,
        columns: vec![words("Metric"), figures("Seeds"), figures("Value"), figures("95 % interval")],
        rows: rows.collect(),
    }
}

fn seeds(result: &DrillResult) -> Table {
    let (runs, note) = told::told_on_page(result);
    let rows = runs.into_iter().map(|run| {
        let link = Cell::Link(told::address(run), run.seed.to_string());
        let [served, sla, score, resolved, incidents, remedied, verdict] = told::seed(run);
        let verdict =
            if run.reasons.is_empty() { verdict } else { format!("{verdict}: {}", run.reasons.join("; ")) };
        let cells = [served, sla, score, resolved, incidents, remedied, verdict].map(Cell::Text);
        [link].into_iter().chain(cells).collect()
    });
    let columns = told::SEED_COLUMNS.map(|title| match title {
        "SLA" | "Verdict" => words(title),
        _ => figures(title),
    });
    Table {
        id: "seeds",
        title: "Seeds",
        note,
        columns: [figures("Seed")].into_iter().chain(columns).collect(),
        rows: rows.collect(),
    }
}

// ---- the seeds beside each other --------------------------------------------------------------

/// What failed on each seed, from the worst to the best. It hangs down from 100 %, as on the page of a run.
fn panel(result: &DrillResult) -> Option<Panel> {
    let mut served: Vec<(f64, u64)> =
        result.runs.iter().filter_map(|run| Some((run.availability_pct?, run.seed))).collect();
    served.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (worst, best) = (served.first()?.0, served.last()?.0);
    let target = result.sla_target_pct;
    let max = nice_max(100.0 - worst, (2.0 * (100.0 - target)).max(0.1)).min(100.0);
    let depth = |pct: f64| (100.0 - pct) / max * 100.0;
    let together = served.len().div_ceil(COLUMNS_MAX);
    let place = 100.0 / served.len() as f64;
    let share = if served.len() <= super::panels::APART_MAX { super::panels::APART_SHARE } else { 1.0 };
    let columns = served.chunks(together).enumerate().map(|(index, seeds)| {
        let width = place * seeds.len() as f64;
        let (pct, seed) = seeds[0];
        let others = if seeds.len() > 1 {
            format!(", and {} that served more", seeds.len() - 1)
        } else {
            String::new()
        };
        Bar {
            x: Pct(place * (index * together) as f64 + width * (1.0 - share) / 2.0),
            y: Pct(0.0),
            width: Pct(width * share),
            height: Pct(depth(pct)),
            class: "failed",
            title: format!("seed {seed}: {} served{others}", figure::percent(pct)),
        }
    });
    let label = |pct: f64| format!("{} %", figure::plain(pct));
    let mean = metric(result, Metric::AvailabilityPct).and_then(|mean| mean.mean);
    let mean = mean.map(|mean| Rule { y: Pct(depth(mean)), label: format!("mean {mean:.2} %") });
    let sla = Rule { y: Pct(depth(target)), label: format!("SLA {}", label(target)) };
    let [worst, best] = [worst, best].map(figure::percent);
    Some(Panel {
        title: "Requests served",
        note: format!("{worst} to {best}"),
        summary: format!("Share of users' requests served on each seed, from {worst} to {best}"),
        tall: true,
        ticks: [(0.0, 100.0), (50.0, 100.0 - max / 2.0), (100.0, 100.0 - max)]
            .map(|(at, pct)| Tick { at: Pct(at), label: label(pct) })
            .into(),
        columns: columns.collect(),
        lines: Vec::new(),
        rules: [sla].into_iter().chain(mean).collect(),
        legend: vec![("failed", "failed; a column for each seed, from the worst to the best")],
    })
}
