//! Incidents and servers, a row for each over the rounds.

use super::scale::{Axis, Pct};
use crate::console::figure;
use crate::report::account::{Account, Case};
use crate::report::chronicle::Server;
use worlds::outcome::{Incident, Resolution};

/// Incidents that are drawn: of more, the worst.
pub(super) const INCIDENTS_MAX: usize = 40;

/// Servers that are drawn: of more, those with most trouble.
const SERVERS_MAX: usize = 40;

/// Up to so many rounds single moments have room in a row.
const MARKED_ROUNDS_MAX: u32 = 40;

/// Beyond this, percent, what stands beside a bar stands before it.
const FAR_RIGHT: f64 = 84.0;

/// Before this, percent, nothing has room before a bar.
const FAR_LEFT: f64 = 14.0;

/// An incident.
#[derive(Debug)]
pub(super) struct IncidentRow<'a> {
    pub id: u32,
    pub kind: &'a str,
    pub target: &'a str,
    pub bars: Vec<Bar>,
    /// Where it was acknowledged.
    pub acknowledged: Option<Pct>,
    /// How it ended, where there is room to write it.
    pub ending: Option<Ending>,
    /// All of it, for those who cannot see it.
    pub summary: String,
}

/// Some rounds of it.
#[derive(Debug)]
pub(super) struct Bar {
    pub x: Pct,
    pub width: Pct,
    pub class: &'static str,
    /// Whether users were served below the objective.
    pub hurts: bool,
    pub title: String,
}

/// A word beside a bar.
#[derive(Debug)]
pub(super) struct Ending {
    pub x: Pct,
    pub word: &'static str,
    pub anchor: &'static str,
    /// Pixels that it stands off the bar.
    pub shift: i8,
}

/// All that are drawn.
pub(super) fn incidents<'a>(account: &Account<'a>, axis: &Axis) -> Vec<IncidentRow<'a>> {
    account.cases(INCIDENTS_MAX).iter().map(|case| incident(case, axis)).collect()
}

/// What is to be said where some are not.
pub(super) fn incidents_note(account: &Account<'_>) -> Option<String> {
    let (told, all) = (account.cases(INCIDENTS_MAX).len(), account.result.incidents.len());
    (told < all).then(|| {
        let [told, all] = [told, all].map(|count| figure::count(count as u64));
        format!("The {told} of {all} incidents in whose time most requests failed.")
    })
}

fn incident<'a>(case: &Case<'a>, axis: &Axis) -> IncidentRow<'a> {
    let it = case.incident;
    let end = it.resolved_round.unwrap_or(axis.rounds + 1).max(it.onset_round + 1);
    let bars = phases(it, end).into_iter().map(|phase| phase.bar(axis)).collect();
    let acknowledged = it.acknowledged_round.filter(|_| axis.rounds <= MARKED_ROUNDS_MAX);
    let course: Vec<_> = case
        .course()
        .into_iter()
        .map(|(event, round)| match round {
            Some(round) => format!("{event} round {round}"),
            None => format!("{event} never"),
        })
        .collect();
    IncidentRow {
        id: it.id,
        kind: &it.kind,
        target: &it.target,
        bars,
        acknowledged: acknowledged.map(|round| axis.middle(round)),
        ending: ending(it, end, axis),
        summary: format!("Incident {}: {}; {}", it.id, course.join(", "), case.ending()),
    }
}

/// Rounds of an incident in which the same was true.
struct Phase {
    from: u32,
    to: u32,
    class: &'static str,
    state: &'static str,
    hurts: bool,
}

impl Phase {
    fn bar(self, axis: &Axis) -> Bar {
        let Self { from, to, class, state, hurts } = self;
        let users = if hurts { "users below the objective" } else { "users served" };
        let rounds = crate::report::findings::rounds(from, to - from);
        Bar {
            x: axis.left(from),
            width: axis.width(to - from),
            class,
            hurts,
            title: format!("{rounds}: {state}, {users}"),
        }
    }
}

/// From its onset until before `end`.
fn phases(it: &Incident, end: u32) -> Vec<Phase> {
    let within = |round: Option<u32>| round.map_or(end, |round| round.clamp(it.onset_round, end));
    let (noticed, acted) = (within(it.detected_round), within(it.first_action_round));
    let served = if it.hurt_users { within(it.mitigated_round) } else { it.onset_round };
    let mut cuts = [it.onset_round, noticed, acted, served, end];
    cuts.sort_unstable();
    let spans = cuts.windows(2).filter(|span| span[0] < span[1]);
    let phase = |span: &[u32]| {
        let from = span[0];
        let (class, state) = match () {
            () if from >= acted => ("acted", "acted on"),
            () if from >= noticed => ("noticed", "detected, not acted on"),
            () => ("unnoticed", "not detected"),
        };
        Phase { from, to: span[1], class, state, hurts: from < served }
    };
    spans.map(phase).collect()
}

fn ending(it: &Incident, end: u32, axis: &Axis) -> Option<Ending> {
    let word = match it.resolution {
        Resolution::Remedied => "remedied",
        Resolution::Expired => "expired",
        Resolution::Open => "open",
    };
    let (left, right) = (axis.left(it.onset_round), axis.left(end));
    if right.0 <= FAR_RIGHT {
        Some(Ending { x: right, word, anchor: "start", shift: 5 })
    } else if left.0 >= FAR_LEFT {
        Some(Ending { x: left, word, anchor: "end", shift: -5 })
    } else {
        None
    }
}

// ---- servers ----------------------------------------------------------------------------------

/// A server.
#[derive(Debug)]
pub(super) struct ServerRow<'a> {
    pub name: &'a str,
    pub uptime: String,
    /// Rectangles by what they say, the worst last.
    pub marks: Vec<(&'static str, Vec<Mark>)>,
    pub summary: String,
}

/// Stretches in which the same was true, to this share of their rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mark {
    pub x: Pct,
    pub width: Pct,
    pub y: Pct,
    pub height: Pct,
}

/// All that are drawn.
pub(super) fn servers<'a>(account: &Account<'a>, axis: &Axis) -> Vec<ServerRow<'a>> {
    drawn(account).into_iter().map(|(position, server)| row(account, axis, position, server)).collect()
}

/// What is to be said where some are not.
pub(super) fn servers_note(account: &Account<'_>) -> Option<String> {
    let servers = &account.chronicle.servers;
    let drawn = drawn(account);
    if drawn.len() == servers.len() {
        return None;
    }
    let rest = servers.iter().enumerate().filter(|(at, _)| drawn.iter().all(|(position, _)| position != at));
    let troubled = rest.filter(|(_, server)| !server.cells.is_empty()).count();
    let [drawn, all, troubled] =
        [drawn.len(), servers.len(), troubled].map(|count| figure::count(count as u64));
    Some(format!("The {drawn} of {all} servers with most trouble; of the others {troubled} had any."))
}

/// With their positions in the world, in that order.
fn drawn<'a>(account: &Account<'a>) -> Vec<(usize, &'a Server)> {
    let mut servers: Vec<_> = account.chronicle.servers.iter().enumerate().collect();
    if servers.len() > SERVERS_MAX {
        servers.sort_by_key(|(_, server)| std::cmp::Reverse(server.badness()));
        servers.truncate(SERVERS_MAX);
        servers.sort_by_key(|(position, _)| *position);
    }
    servers
}

fn row<'a>(account: &Account<'a>, axis: &Axis, position: usize, server: &'a Server) -> ServerRow<'a> {
    let result = account.result.servers.get(position).filter(|result| *result.name == *server.name);
    let uptime = result.and_then(|result| result.uptime_pct);
    let trouble = server.trouble();
    let summary = format!(
        "{}: {} with a warning, {} critical, {} down",
        server.name,
        figure::plural(trouble.warn, "round"),
        trouble.crit,
        trouble.down
    );
    ServerRow {
        name: &server.name,
        uptime: uptime.map_or_else(|| "-".to_owned(), figure::percent),
        marks: marks(account, axis, server),
        summary,
    }
}

/// Down stands at the bottom, above it critical, above it warnings, each as high as its share of the rounds.
fn marks(account: &Account<'_>, axis: &Axis, server: &Server) -> Vec<(&'static str, Vec<Mark>)> {
    let stretches: Vec<_> = account.chronicle.stretches.iter().collect();
    let mut by_class = [("warn", Vec::new()), ("crit", Vec::new()), ("down", Vec::new())];
    for cell in &server.cells {
        let Some(stretch) = stretches.get(cell.stretch) else { continue };
        let (x, width) = (axis.left(stretch.first_round), axis.width(stretch.rounds));
        let share = |rounds: u32| 100.0 * f64::from(rounds) / f64::from(stretch.rounds.max(1));
        let [warn, crit, down] = [cell.warn, cell.crit, cell.down].map(share);
        let levels = [(warn, crit + down), (crit, down), (down, 0.0)];
        for ((_, marks), (height, below)) in by_class.iter_mut().zip(levels) {
            if height > 0.0 {
                let mark = Mark { x, width, y: Pct(100.0 - below - height), height: Pct(height) };
                join(marks, mark);
            }
        }
    }
    by_class.into_iter().filter(|(_, marks)| !marks.is_empty()).collect()
}

/// Adds a mark; one that goes on where the last ended, and as high, makes that one wider.
#[expect(clippy::float_cmp, reason = "heights of the same counts are the same bits")]
fn join(marks: &mut Vec<Mark>, mark: Mark) {
    const ROUNDING: f64 = 1e-6;
    match marks.last_mut() {
        Some(last)
            if last.y.0 == mark.y.0
                && last.height.0 == mark.height.0
                && (last.x.0 + last.width.0 - mark.x.0).abs() < ROUNDING =>
        {
            last.width = Pct(mark.x.0 + mark.width.0 - last.x.0);
        }
        _ => marks.push(mark),
    }
}
