//! What happened to all: users, latency, the budget, alerts and actions, a column or a step for each stretch.

use super::scale::{Axis, Pct, Tick, nice_max};
use crate::console::figure;
use crate::report::account::Account;
use crate::report::chronicle::Stretch;
use crate::report::findings;
use std::fmt::Write as _;

/// Columns this few or fewer are set apart from each other.
pub(super) const APART_MAX: usize = 60;

/// The share of its place that such a column takes.
pub(super) const APART_SHARE: f64 = 0.86;

/// One graph.
#[derive(Debug)]
pub(super) struct Panel {
    pub title: &'static str,
    /// What is to be known of it.
    pub note: String,
    /// What it shows, for those who cannot see it.
    pub summary: String,
    pub tall: bool,
    pub ticks: Vec<Tick>,
    pub columns: Vec<Column>,
    pub lines: Vec<Line>,
    pub rules: Vec<Rule>,
    pub legend: Vec<(&'static str, &'static str)>,
}

/// A rectangle.
#[derive(Debug)]
pub(super) struct Column {
    pub x: Pct,
    pub y: Pct,
    pub width: Pct,
    pub height: Pct,
    pub class: &'static str,
    /// What it says when it is pointed at.
    pub title: String,
}

/// Steps from left to right, in thousandths of the box.
#[derive(Debug)]
pub(super) struct Line {
    pub class: &'static str,
    pub path: String,
}

/// A level that matters.
#[derive(Debug)]
pub(super) struct Rule {
    pub y: Pct,
    pub label: String,
}

/// All of them, from above.
pub(super) fn panels(account: &Account<'_>, axis: &Axis) -> Vec<Panel> {
    let stretches: Vec<Stretch> = account.chronicle.stretches.iter().copied().collect();
    let canvas = Canvas { axis, stretches: &stretches };
    let mut panels = vec![success(account, &canvas), latency(&canvas)];
    panels.extend(budget(account, &canvas));
    panels.extend([alerts(&canvas), actions(&canvas)]);
    panels
}

/// Where columns and steps are drawn.
struct Canvas<'a> {
    axis: &'a Axis,
    stretches: &'a [Stretch],
}

impl Canvas<'_> {
    /// A column for each stretch in which there is something, from `y` on `height` percent down.
    fn columns(
        &self,
        class: &'static str,
        extent: impl Fn(&Stretch) -> (f64, f64),
        title: impl Fn(&Stretch) -> String,
    ) -> Vec<Column> {
        let share = if self.stretches.len() <= APART_MAX { APART_SHARE } else { 1.0 };
        let column = |stretch: &Stretch| {
            let (y, height) = extent(stretch);
            let place = self.axis.width(stretch.rounds).0;
            (height > 0.0).then(|| Column {
                x: Pct(self.axis.left(stretch.first_round).0 + place * (1.0 - share) / 2.0),
                y: Pct(y),
                width: Pct(place * share),
                height: Pct(height),
                class,
                title: format!("{}: {}", rounds(stretch), title(stretch)),
            })
        };
        self.stretches.iter().filter_map(column).collect()
    }

    /// A level for each stretch, 0 at the bottom and 1 at the top.
    fn steps(&self, class: &'static str, level: impl FnMut(&Stretch) -> f64) -> Line {
        const BOX: f64 = 1000.0;
        let mut path = String::new();
        let levels = self.stretches.iter().map(level).collect::<Vec<_>>();
        for (stretch, level) in self.stretches.iter().zip(levels) {
            let from = self.axis.left(stretch.first_round).0 * BOX / 100.0;
            let to = from + self.axis.width(stretch.rounds).0 * BOX / 100.0;
            let y = (1.0 - level.clamp(0.0, 1.0)) * BOX;
            let begin = if path.is_empty() { format!("M{from:.1} {y:.1}") } else { format!("V{y:.1}") };
            let _ = write!(path, "{begin}H{to:.1}");
        }
        Line { class, path }
    }
}

fn rounds(stretch: &Stretch) -> String {
    findings::rounds(stretch.first_round, stretch.rounds)
}

/// Ticks at the bottom, in the middle and at the top, of a scale that begins at 0.
fn ticks(max: f64, label: impl Fn(f64) -> String) -> Vec<Tick> {
    [(100.0, 0.0), (50.0, max / 2.0), (0.0, max)]
        .map(|(at, value)| Tick { at: Pct(at), label: label(value) })
        .into()
}

// ---- users ------------------------------------------------------------------------------------

/// What failed hangs down from 100 %, so that its length is its share wherever the scale ends.
fn success(account: &Account<'_>, canvas: &Canvas<'_>) -> Panel {
    let failed = |stretch: &Stretch| 100.0 - stretch.requests.availability_pct();
    let worst = canvas.stretches.iter().map(|stretch| 100.0 - stretch.worst_pct).fold(0.0, f64::max);
    let target = account.result.sla.target_pct;
    let max = nice_max(worst, (2.0 * (100.0 - target)).max(0.1)).min(100.0);
    let served = |stretch: &Stretch| {
        let requests = stretch.requests;
        let share = figure::percent(requests.availability_pct());
        let worst = match stretch.rounds {
            1 => String::new(),
            _ => format!(", {} in the worst round", figure::percent(stretch.worst_pct)),
        };
        format!(
            "{} of {} served, {share}{worst}",
            figure::count(requests.good),
            figure::count(requests.total)
        )
    };
    let mut columns = Vec::new();
    if canvas.stretches.iter().any(|stretch| stretch.rounds > 1) {
        columns = canvas.columns("worst", |stretch| (0.0, (100.0 - stretch.worst_pct) / max * 100.0), served);
    }
    columns.extend(canvas.columns("failed", |stretch| (0.0, failed(stretch) / max * 100.0), served));
    let legend = if canvas.stretches.iter().any(|stretch| stretch.rounds > 1) {
        vec![("failed", "failed"), ("worst", "failed in the worst round")]
    } else {
        vec![("failed", "failed")]
    };
    let ticks = [(0.0, 100.0), (50.0, 100.0 - max / 2.0), (100.0, 100.0 - max)];
    let label = |pct: f64| format!("{} %", figure::plain(pct));
    Panel {
        title: "Requests served",
        note: format!("{} over the run; {}", availability(account), account.promise()),
        summary: format!("Share of users' requests served, {}", availability(account)),
        tall: true,
        ticks: ticks.map(|(at, pct)| Tick { at: Pct(at), label: label(pct) }).into(),
        columns,
        lines: Vec::new(),
        rules: vec![Rule { y: Pct((100.0 - target) / max * 100.0), label: format!("SLA {}", label(target)) }],
        legend,
    }
}

fn availability(account: &Account<'_>) -> String {
    account.result.availability_pct.map_or_else(|| "-".to_owned(), figure::percent)
}

// ---- latency ----------------------------------------------------------------------------------

fn latency(canvas: &Canvas<'_>) -> Panel {
    let slowest = canvas.stretches.iter().map(|stretch| stretch.slowest_ms).fold(0.0, f64::max);
    let max = nice_max(slowest, 1.0);
    let label = |ms: f64| {
        if max >= 10_000.0 {
            format!("{} s", figure::plain(ms / 1e3))
        } else {
            format!("{} ms", figure::plain(ms))
        }
    };
    Panel {
        title: "Latency, p99",
        note: format!("at most {}", label(slowest.round())),
        summary: format!("99th percentile of latency, at most {}", label(slowest.round())),
        tall: false,
        ticks: ticks(max, label),
        columns: Vec::new(),
        lines: vec![
            canvas.steps("middle", |stretch| stretch.middle_ms / max),
            canvas.steps("slowest", |stretch| stretch.slowest_ms / max),
        ],
        rules: Vec::new(),
        legend: vec![
            ("slowest", "slowest server, with all that it waits for"),
            ("middle", "server in the middle"),
        ],
    }
}

// ---- the budget -------------------------------------------------------------------------------

/// What was spent of the budget of the whole run so far; no panel when the promise leaves none.
fn budget(account: &Account<'_>, canvas: &Canvas<'_>) -> Option<Panel> {
    let sla = &account.result.sla;
    let rate = sla.burn_rate?;
    let max = nice_max(rate, 1.0);
    let mut failed = 0;
    let spent = canvas.steps("spent", |stretch| {
        failed += stretch.failed_requests();
        failed as f64 / sla.budget_requests / max
    });
    let used_up = account.budget_used_up().map(|stretch| format!("used up in {}", rounds(stretch)));
    let note = used_up.unwrap_or_else(|| "not used up".to_owned());
    Some(Panel {
        title: "Error budget spent",
        note: note.clone(),
        summary: format!("Error budget spent so far, {rate:.1} times the budget in the end, {note}"),
        tall: false,
        ticks: ticks(max, |value| format!("{}×", figure::plain(value))),
        columns: Vec::new(),
        lines: vec![spent],
        rules: vec![Rule { y: Pct(100.0 - 100.0 / max), label: "all of it".to_owned() }],
        legend: vec![("spent", "spent so far, as a multiple of the budget of the whole run")],
    })
}

// ---- alerts and actions -----------------------------------------------------------------------

fn alerts(canvas: &Canvas<'_>) -> Panel {
    let most = canvas.stretches.iter().map(|stretch| stretch.alerts_open).max().unwrap_or_default();
    let max = even(most);
    let part = |count: u32| f64::from(count) / max * 100.0;
    let title =
        |stretch: &Stretch| format!("{} open, {} critical", stretch.alerts_open, stretch.critical_open);
    let mut columns = canvas.columns(
        "alert",
        |stretch| (100.0 - part(stretch.alerts_open), part(stretch.alerts_open)),
        title,
    );
    columns.extend(canvas.columns(
        "critical",
        |stretch| (100.0 - part(stretch.critical_open), part(stretch.critical_open)),
        title,
    ));
    Panel {
        title: "Alerts open",
        note: format!("at most {most} at once"),
        summary: format!("Alerts open at the end of rounds, at most {most}"),
        tall: false,
        ticks: ticks(max, figure::plain),
        columns,
        lines: Vec::new(),
        rules: Vec::new(),
        legend: vec![("alert", "warnings"), ("critical", "critical")],
    }
}

fn actions(canvas: &Canvas<'_>) -> Panel {
    let all = |stretch: &Stretch| stretch.succeeded + stretch.failed;
    let most = canvas.stretches.iter().map(all).max().unwrap_or_default();
    let max = even(most);
    let part = |count: u32| f64::from(count) / max * 100.0;
    let title = |stretch: &Stretch| format!("{} succeeded, {} failed", stretch.succeeded, stretch.failed);
    let mut columns = canvas.columns(
        "succeeded",
        |stretch| (100.0 - part(stretch.succeeded), part(stretch.succeeded)),
        title,
    );
    columns.extend(canvas.columns(
        "in-vain",
        |stretch| (100.0 - part(all(stretch)), part(stretch.failed)),
        title,
    ));
    let sum =
        |of: fn(&Stretch) -> u32| figure::count(canvas.stretches.iter().map(|one| u64::from(of(one))).sum());
    let note = format!("{} succeeded, {} failed", sum(|one| one.succeeded), sum(|one| one.failed));
    Panel {
        title: "Actions",
        note: note.clone(),
        summary: format!("Actions carried out: {note}"),
        tall: false,
        ticks: ticks(max, figure::plain),
        columns,
        lines: Vec::new(),
        rules: Vec::new(),
        legend: vec![("succeeded", "succeeded"), ("in-vain", "failed")],
    }
}

/// The end of a scale of counts: even, so that the middle is a count as well.
fn even(most: u32) -> f64 {
    let max = most.max(2).next_multiple_of(2);
    if max <= 10 { f64::from(max) } else { nice_max(f64::from(max), 2.0) }
}
