//! What a run teaches: what went well, what went badly, where luck was, and what to do about it.
//!
//! Each finding follows from facts by a rule that stands here, and is left out where the facts do not say it.
//! Sentences are plain text; whoever writes them down escapes them.

use super::account::{Account, Case};
use super::chronicle::Truth;
use crate::console::figure;
use std::collections::BTreeMap;
use worlds::outcome::{DiagnosisCounts, Resolution};

/// So many incidents are named in one sentence.
const NAMED_MAX: usize = 6;

/// So many confusions of causes are told.
const CONFUSIONS_MAX: usize = 8;

/// An action acts a round after it was decided, and two if it is slow: from this many rounds on, from detection to
/// the first action, somebody waited.
const LATE_ROUNDS: u32 = 3;

/// Of diagnoses that were right, this share is worth praise.
const WELL_DIAGNOSED: f64 = 0.8;

/// What a run teaches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// What went well.
    pub well: Vec<String>,
    /// What went badly.
    pub badly: Vec<String>,
    /// Where luck was.
    pub luck: Vec<String>,
    /// What to do about it, and why.
    pub items: Vec<Item>,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// What.
    pub what: String,
    /// The facts that ask for it.
    pub why: String,
}

impl Findings {
    /// Those of a run; of more incidents than `max` the worst are looked at.
    pub(crate) fn of(account: &Account<'_>, max: usize) -> Self {
        let mut findings = Self::default();
        if account.result.rounds == 0 {
            return findings;
        }
        let cases = account.cases(max);
        findings.of_users(account);
        findings.of_detection(account, &cases);
        findings.of_response(account, &cases);
        findings.of_diagnosis(account);
        findings.of_actions(account);
        findings.of_run(account);
        findings
    }

    fn item(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.items.push(Item { what: what.into(), why: why.into() });
    }

    // ---- users ------------------------------------------------------------------------------------

    fn of_users(&mut self, account: &Account<'_>) {
        let result = account.result;
        let promise = format!("{}.", account.promise());
        if result.sla.met {
            self.well.push(promise)
        } else {
            self.badly.push(promise)
        }
        if let (Some(stretch), Some(_)) = (account.budget_used_up(), result.sla.burn_rate) {
            let when = rounds(stretch.first_round, stretch.rounds);
            self.badly.push(format!("The error budget of the whole run was used up in {when}."));
        }
        let Some(references) = &result.references else { return };
        let Some(availability) = result.availability_pct else { return };
        let gain = availability - references.none.availability_pct;
        let none = figure::percent(references.none.availability_pct);
        if gain > 0.0 {
            let gain = figure::points(gain);
            self.well
                .push(format!("Acting was worth {gain} of availability: with nobody on call it was {none}."));
        } else if gain < 0.0 {
            let loss = figure::points(-gain);
            self.badly
                .push(format!("Acting cost {loss} of availability: with nobody on call it was {none}."));
            self.item("Do less harm than good", format!("{loss} of availability below doing nothing"));
        }
    }

    // ---- detection --------------------------------------------------------------------------------

    fn of_detection(&mut self, account: &Account<'_>, cases: &[Case<'_>]) {
        let mttd = &account.result.mttd;
        if mttd.n > 0 && mttd.censored == 0 && mttd.mean_rounds == Some(0.0) {
            self.well.push("Every incident was detected in the round in which it began.".to_owned());
        }
        let undetected: Vec<_> = cases.iter().filter(|case| case.incident.detected_round.is_none()).collect();
        for (kind, of_kind) in by_kind(&undetected) {
            let were = were(&named_of(kind, &of_kind), of_kind.len());
            self.badly.push(format!("{were} never detected."));
            self.item(format!("Alert on what {kind} does"), format!("{were} never detected"));
        }
        let delay = |case: &&&Case<'_>| {
            case.incident.detected_round.map_or(0, |round| round - case.incident.onset_round)
        };
        let all: Vec<_> = cases.iter().collect();
        let late: Vec<_> = all.iter().filter(|case| delay(case) > 0).copied().collect();
        for (kind, of_kind) in by_kind(&late) {
            let longest = of_kind.iter().map(|case| delay(&case)).max().unwrap_or_default();
            let were = were(&named_of(kind, &of_kind), of_kind.len());
            let longest = figure::plural(longest, "round");
            self.badly.push(format!("{were} detected late, up to {longest} after onset."));
            self.item(
                format!("Detect {kind} sooner"),
                format!("{were} detected up to {longest} after onset"),
            );
        }
        let false_alarms = account.result.alerts.false_alarms;
        let opened = account.result.alerts.opened;
        if false_alarms > 0 {
            let of_all = format!("{false_alarms} of {opened} alerts had no fault behind them");
            self.badly.push(format!("{of_all}."));
            self.item("Keep alerts quiet where nothing is wrong", of_all);
        }
    }

    // ---- response ---------------------------------------------------------------------------------

    fn of_response(&mut self, account: &Account<'_>, cases: &[Case<'_>]) {
        let all = account.result.incidents.len();
        let remedied = account.resolved(Resolution::Remedied);
        if remedied > 0 {
            self.well.push(format!("{remedied} of {} remedied.", figure::plural(all as u32, "incident")));
        }
        let harmless = account.result.incidents.iter().filter(|incident| !incident.hurt_users).count();
        if harmless > 0 {
            let incidents = figure::plural(harmless as u32, "incident");
            self.well.push(format!("{incidents} did not push users below the objective."));
        }
        let which = |is: &dyn Fn(&Case<'_>) -> bool| cases.iter().filter(|case| is(case)).collect::<Vec<_>>();
        self.unanswered(&which(&|case| {
            case.went_badly()
                && case.incident.detected_round.is_some()
                && case.incident.first_action_round.is_none()
        }));
        self.in_vain(&which(&|case| case.went_badly() && case.incident.first_action_round.is_some()));
        self.late(&which(&|case| waited(case) >= LATE_ROUNDS));
        self.lucky(&which(&|case| {
            case.incident.resolution == Resolution::Expired && case.incident.first_action_round.is_none()
        }));
        let unnamed = which(&|case| {
            case.incident.resolution == Resolution::Remedied && case.incident.diagnosed_round.is_none()
        });
        if !unnamed.is_empty() {
            let named = named(&unnamed);
            self.luck.push(format!(
                "{} remedied without its cause having been named.",
                were(&named, unnamed.len())
            ));
        }
        let masked = account.result.faults.masked;
        if masked > 0 {
            let faults = figure::plural(masked, "fault");
            let them = if masked == 1 { "it" } else { "them" };
            self.luck.push(format!("{faults} never showed, because another one hid {them} throughout."));
        }
    }

    fn unanswered(&mut self, cases: &[&Case<'_>]) {
        for (kind, of_kind) in by_kind(cases) {
            let were = were(&named_of(kind, &of_kind), of_kind.len());
            self.badly.push(format!("{were} detected and hurt users, and nobody acted on the target."));
            self.item(format!("Have an answer to {kind}"), format!("{were} detected, and nobody acted"));
        }
    }

    fn in_vain(&mut self, cases: &[&Case<'_>]) {
        for (kind, of_kind) in by_kind(cases) {
            let were = were(&named_of(kind, &of_kind), of_kind.len());
            self.badly.push(format!("{were} acted on and not remedied, and users were hurt."));
            self.item(format!("Find what cures {kind} in time"), format!("{were} acted on and not remedied"));
        }
    }

    fn late(&mut self, cases: &[&Case<'_>]) {
        if cases.is_empty() {
            return;
        }
        let longest = cases.iter().map(|case| waited(case)).max().unwrap_or_default();
        let (were, longest) = (were(&named(cases), cases.len()), figure::plural(longest, "round"));
        self.badly.push(format!("{were} acted on late, up to {longest} after detection."));
        self.item(
            "Act sooner on what was detected",
            format!("{were} acted on up to {longest} after detection"),
        );
    }

    fn lucky(&mut self, cases: &[&Case<'_>]) {
        if !cases.is_empty() {
            let named = named(cases);
            self.luck.push(format!("{} over before anybody acted on the target.", were(&named, cases.len())));
        }
    }

    // ---- diagnosis --------------------------------------------------------------------------------

    fn of_diagnosis(&mut self, account: &Account<'_>) {
        let sum = account.result.sres.iter().fold(DiagnosisCounts::default(), |mut sum, sre| {
            sum.claims += sre.diagnosis.claims;
            sum.right_entity += sre.diagnosis.right_entity;
            sum.right_kind += sre.diagnosis.right_kind;
            sum
        });
        let share = f64::from(sum.right_kind) / f64::from(sum.claims.max(1));
        if sum.claims > 0 && share >= WELL_DIAGNOSED {
            let (right, all) = (sum.right_kind, sum.claims);
            self.well.push(format!("{right} of {all} diagnoses named the right cause."));
        }
        for (claimed, truth, times) in account.chronicle.claims.wrong().into_iter().take(CONFUSIONS_MAX) {
            let claimed = claimed.map_or("a cause elsewhere", |kind| kind);
            let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
            match truth {
                Truth::OtherKind(kind) => {
                    self.badly.push(format!("{kind} was taken for {claimed}, {times}."));
                    self.item(
                        format!("Tell {kind} from {claimed}"),
                        format!("one was taken for the other {times}"),
                    );
                }
                _ => {
                    self.badly.push(format!("{claimed} was seen on a server without a fault, {times}."));
                    self.item(
                        format!("Check a server before naming it: {claimed}"),
                        format!("seen {times} where nothing was wrong"),
                    );
                }
            }
        }
    }

    // ---- actions ----------------------------------------------------------------------------------

    fn of_actions(&mut self, account: &Account<'_>) {
        let result = account.result;
        let acted = result.actions.succeeded + result.actions.failed;
        let unneeded: u32 = result.sres.iter().map(|sre| sre.unneeded_actions).sum();
        let harm: u64 = result.sres.iter().map(|sre| sre.harm_requests).sum();
        if acted > 0 && unneeded == 0 {
            self.well.push("No action was unneeded.".to_owned());
        }
        if unneeded > 0 {
            let healthy: u32 = account.chronicle.acts.tallies().values().map(|tally| tally.on_healthy).sum();
            let where_ = match healthy {
                0 => String::new(),
                healthy => format!(", {healthy} of them on a server without any fault"),
            };
            let told = format!("{unneeded} of {acted} actions cured nothing and relieved nothing{where_}");
            self.badly.push(format!("{told}."));
            self.item("Act only on what the action is for", told);
        }
        if harm > 0 {
            let requests = figure::count(harm);
            self.badly.push(format!("Actions themselves cost users {requests} good requests."));
            self.item(
                "Choose cheaper actions, or calmer moments for them",
                format!("{requests} requests harmed"),
            );
        }
        if result.actions.refused > 0 {
            let why = account.chronicle.acts.refusals();
            let why: Vec<_> = why.iter().map(|(why, times)| format!("{why} ({times})")).collect();
            let refused = figure::count(result.actions.refused.into());
            self.badly.push(format!("{refused} actions were refused: {}.", why.join(", ")));
            self.item("Ask for what can be done", format!("{refused} actions refused: {}", why.join(", ")));
        }
        let unreachable: u32 = account.chronicle.acts.tallies().values().map(|tally| tally.unreachable).sum();
        if unreachable > 0 {
            let actions = figure::plural(unreachable, "action");
            self.badly.push(format!("{actions} did not reach the target."));
            self.item(
                "Reach servers that are cut off by another way",
                format!("{actions} failed out of reach"),
            );
        }
    }

    // ---- the run ----------------------------------------------------------------------------------

    fn of_run(&mut self, account: &Account<'_>) {
        for gate in account.result.gates.iter().filter_map(crate::gate::GateResult::complaint) {
            self.badly.push(format!("{}.", capitalised(&gate)));
        }
        for agent in &account.result.lost_agents {
            self.item(
                format!("Find out why the process of {agent} was lost"),
                "nobody meant it to happen, and the run is invalid for it",
            );
        }
    }
}

/// Rounds from detection to the first action; 0 when nobody acted, or it was not detected before.
fn waited(case: &Case<'_>) -> u32 {
    let from = case.incident.detected_round;
    let until = case.incident.first_action_round;
    from.zip(until).map_or(0, |(from, until)| until.saturating_sub(from))
}

fn by_kind<'c>(cases: &[&'c Case<'c>]) -> BTreeMap<&'c str, Vec<&'c Case<'c>>> {
    let mut kinds: BTreeMap<&str, Vec<&Case<'_>>> = BTreeMap::new();
    for case in cases {
        kinds.entry(&case.incident.kind).or_default().push(case);
    }
    kinds
}

/// `incidents #1, #4 and 3 more`
fn named(cases: &[&Case<'_>]) -> String {
    let numbers: Vec<_> = cases.iter().take(NAMED_MAX).map(|case| format!("#{}", case.incident.id)).collect();
    let more = match cases.len() - numbers.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{} {}{more}", if cases.len() == 1 { "incident" } else { "incidents" }, numbers.join(", "))
}

/// `incidents #1, #4 (memory_leak)`
fn named_of(kind: &str, cases: &[&Case<'_>]) -> String {
    format!("{} ({kind})", named(cases))
}

/// As the beginning of a sentence.
fn were(named: &str, count: usize) -> String {
    format!("{} {}", capitalised(named), if count == 1 { "was" } else { "were" })
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `round 3`, `rounds 17 to 32`
pub(crate) fn rounds(first: u32, count: u32) -> String {
    let figure = |round: u32| figure::count(round.into());
    match count {
        1 => format!("round {}", figure(first)),
        count => format!("rounds {} to {}", figure(first), figure(first + count - 1)),
    }
}
