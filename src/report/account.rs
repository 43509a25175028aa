//! What reports are made from, and the figures that more than one of them gives.

use super::chronicle::{Chronicle, Life, Page, Stretch};
use crate::console::{self, figure};
use crate::result::{RunResult, SreResult, Verdict};
use worlds::outcome::{Incident, Resolution};

/// A run that is to be reported.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account<'a> {
    /// What happened.
    pub chronicle: &'a Chronicle,
    /// What it came to.
    pub result: &'a RunResult,
}

/// An incident, and what is known of its fault; nothing where the faults of the run are too many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case<'a> {
    /// The incident.
    pub incident: &'a Incident,
    /// Its fault.
    pub life: Option<&'a Life>,
}

impl<'a> Account<'a> {
    /// The incidents of the run; of more than `max` the worst, by users' requests that failed while they were on.
    pub(crate) fn cases(&self, max: usize) -> Vec<Case<'a>> {
        let incidents = &self.result.incidents;
        let kept = self.chronicle.faults.kept();
        let mut cases: Vec<_> = if incidents.len() <= max {
            incidents
                .iter()
                .map(|incident| Case { incident, life: kept.get(&incident.id).copied() })
                .collect()
        } else {
            let find = |id: u32| incidents.binary_search_by_key(&id, |incident| incident.id).ok();
            let case = |life: &'a Life| Some(Case { incident: &incidents[find(life.id)?], life: Some(life) });
            kept.values().filter_map(|life| case(life)).collect()
        };
        if cases.len() > max {
            cases.sort_by_key(|case| std::cmp::Reverse(case.failed_requests()));
            cases.truncate(max);
            cases.sort_by_key(|case| case.incident.id);
        }
        cases
    }

    /// When a round began, in simulated time: `0:02:00`.
    pub(crate) fn clock(&self, round: u32) -> String {
        let seconds = self.chronicle.round_seconds().unwrap_or_default() * f64::from(round.saturating_sub(1));
        let seconds = seconds.round() as u64;
        let (minutes, hours) = (seconds / 60, seconds / 3_600);
        format!("{hours}:{:02}:{:02}", minutes % 60, seconds % 60)
    }

    /// How long a round is: `a minute`, `30 s`.
    pub(crate) fn round_length(&self) -> Option<String> {
        self.chronicle.round_seconds().map(|seconds| match seconds {
            seconds if (seconds - 60.0).abs() < 1e-6 => "a minute".to_owned(),
            seconds => format!("{} s", figure::plain((seconds * 1e3).round() / 1e3)),
        })
    }

    /// Simulated time of the whole run: `15 min`.
    pub(crate) fn simulated(&self) -> String {
        figure::duration((self.chronicle.simulated_minutes * 60.0).round() as u64)
    }

    /// The rounds in which the error budget of the run was used up.
    pub(crate) fn budget_used_up(&self) -> Option<&'a Stretch> {
        let budget = self.result.sla.budget_requests;
        let mut failed = 0;
        self.chronicle.stretches.iter().find(|stretch| {
            failed += stretch.failed_requests();
            failed as f64 > budget
        })
    }

    /// The round in which most requests failed, if any did.
    pub(crate) fn worst_round(&self) -> Option<&'a Page> {
        let pages = self.chronicle.pages.in_order().into_iter();
        let failed = |page: &&Page| page.requests.total - page.requests.good;
        pages.filter(|page| failed(page) > 0).max_by_key(|page| (failed(page), std::cmp::Reverse(page.round)))
    }

    /// How many incidents ended so.
    pub(crate) fn resolved(&self, how: Resolution) -> usize {
        self.result.incidents.iter().filter(|incident| incident.resolution == how).count()
    }

    /// What the run is called: its scenario, or its world.
    pub(crate) fn name(&self) -> &'a str {
        self.result.scenario.as_ref().map_or(&self.result.world.name, |scenario| &scenario.name)
    }

    // ---- in words ---------------------------------------------------------------------------------

    /// What the verdict means, as a sentence.
    pub(crate) fn verdict(&self) -> String {
        let RunResult { rounds, rounds_planned, gates, .. } = self.result;
        match self.result.verdict {
            Verdict::Ok if gates.is_empty() => "The run came to its end. No gate was set.".to_owned(),
            Verdict::Ok => {
                let gates = figure::plural(gates.len() as u32, "gate");
                format!("The run came to its end, and held against {gates}.")
            }
            Verdict::Inconclusive => "A gate could not be decided.".to_owned(),
            Verdict::GateFailed if self.result.stopped.is_some() => {
                "The run was stopped at its limit of harm.".to_owned()
            }
            Verdict::GateFailed => "A gate failed.".to_owned(),
            Verdict::Invalid => "The run is invalid: its figures mean nothing.".to_owned(),
            Verdict::Interrupted => {
                format!("The run was interrupted after {rounds} of {rounds_planned} rounds.")
            }
        }
    }

    /// `15,428 of 17,514 requests`
    pub(crate) fn served(&self) -> String {
        let requests = self.result.requests;
        format!("{} of {} requests", figure::count(requests.good), figure::count(requests.total))
    }

    /// What became of the promise: `SLA 99.9 % missed by 11.81 points`.
    pub(crate) fn promise(&self) -> String {
        let sla = &self.result.sla;
        let target = format!("SLA {} %", figure::plain(sla.target_pct));
        match self.result.availability_pct {
            None => target,
            Some(_) if sla.met => format!("{target} kept"),
            Some(availability) => {
                format!("{target} missed by {}", figure::points(sla.target_pct - availability))
            }
        }
    }

    /// `17.5 requests, 2,086 spent: 119.1 times as many`
    pub(crate) fn budget(&self) -> String {
        let sla = &self.result.sla;
        let spent = figure::count(sla.budget_spent_requests);
        match sla.burn_rate {
            Some(rate) => {
                format!("{:.1} requests, {spent} spent: {rate:.1} times as many", sla.budget_requests)
            }
            None => format!("none, {spent} requests failed"),
        }
    }

    /// What the score compares: `0: nobody acts, 81.44 %; 100: the oracle, 87.86 %`.
    pub(crate) fn references(&self) -> Option<String> {
        let references = self.result.references.as_ref()?;
        let [none, oracle] =
            [&references.none, &references.oracle].map(|one| figure::percent(one.availability_pct));
        Some(format!("0: nobody acts, {none}; 100: the oracle, {oracle}"))
    }

    /// What the warm-up showed: `warm-up of 5 rounds: 100.00 % served, in order`
    pub(crate) fn warm_up(&self) -> Option<String> {
        let seen = self.result.steady_state.as_ref()?;
        let order = if seen.held { "in order" } else { "not in order" };
        let served = figure::percent(seen.availability_pct);
        Some(format!("warm-up of {}: {served} served, {order}", figure::plural(seen.rounds, "round")))
    }

    /// What of the answer key was found: `1 of 2 root causes named`
    pub(crate) fn answer(&self) -> Option<String> {
        let causes = &self.result.answer.as_ref()?.root_causes;
        let named = causes.iter().filter(|cause| cause.named_round.is_some()).count();
        let all = figure::plural(causes.len() as u32, "root cause");
        Some(if causes.is_empty() {
            "nothing is wrong".to_owned()
        } else {
            format!("{named} of {all} named")
        })
    }

    /// Decisions that were missing: `3: 2 late, 1 malformed, 0 dead`; nothing where none was.
    pub(crate) fn lapses(&self) -> Option<String> {
        let sum = |of: fn(&SreResult) -> u32| self.result.sres.iter().map(of).sum::<u32>();
        let all = sum(|sre| sre.lapses.all());
        let [late, malformed, dead] =
            [sum(|sre| sre.lapses.late), sum(|sre| sre.lapses.malformed), sum(|sre| sre.lapses.dead)];
        (all > 0).then(|| format!("{all}: {late} late, {malformed} malformed, {dead} dead"))
    }

    /// `12: 6 remedied, 2 expired, 4 open`
    pub(crate) fn incidents(&self) -> String {
        let all = self.result.incidents.len();
        if all == 0 {
            "none".to_owned()
        } else {
            format!("{}: {}", figure::count(all as u64), self.endings())
        }
    }

    /// `6 remedied, 2 expired, 4 open`
    pub(crate) fn endings(&self) -> String {
        let [remedied, expired, open] = [Resolution::Remedied, Resolution::Expired, Resolution::Open]
            .map(|how| figure::count(self.resolved(how) as u64));
        format!("{remedied} remedied, {expired} expired, {open} open")
    }

    /// `10 requested: 0 refused, 0 failed, 8 succeeded`
    pub(crate) fn actions(&self) -> String {
        let actions = self.result.actions;
        let [requested, refused, failed, succeeded] =
            [actions.requested, actions.refused, actions.failed, actions.succeeded]
                .map(|count| figure::count(count.into()));
        format!("{requested} requested: {refused} refused, {failed} failed, {succeeded} succeeded")
    }
}

/// `oncall (rules, mid)`
pub(crate) fn sre(sre: &SreResult) -> String {
    format!("{} ({})", sre.name, console::kind_and_skill(sre.kind, sre.skill))
}

impl Case<'_> {
    /// Users' requests that failed while it was on, whatever they failed of.
    pub(crate) fn failed_requests(&self) -> u64 {
        self.life.map_or(0, |life| life.failed_requests)
    }

    /// How it went: `remedied in round 4`.
    pub(crate) fn ending(&self) -> String {
        let Incident { resolution, resolved_round, .. } = self.incident;
        let round = resolved_round.map(|round| format!(" in round {round}")).unwrap_or_default();
        match resolution {
            Resolution::Remedied => format!("remedied{round}"),
            Resolution::Expired => format!("expired by itself{round}"),
            Resolution::Open => "open when the run ended".to_owned(),
        }
    }

    /// Whether users had to bear it until it ended by itself, or to the end of the run.
    pub(crate) fn went_badly(&self) -> bool {
        self.incident.hurt_users && self.incident.resolution != Resolution::Remedied
    }

    /// What became of it, round by round.
    pub(crate) fn course(&self) -> Vec<(&'static str, Option<u32>)> {
        let Incident {
            onset_round,
            detected_round,
            acknowledged_round,
            diagnosed_round,
            first_action_round,
            mitigated_round,
            resolved_round,
            ..
        } = *self.incident;
        vec![
            ("onset", Some(onset_round)),
            ("detected", detected_round),
            ("acknowledged", acknowledged_round),
            ("diagnosed", diagnosed_round),
            ("first action", first_action_round),
            ("mitigated", mitigated_round),
            ("resolved", resolved_round),
        ]
    }
}
