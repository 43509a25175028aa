//! From what was said to what holds: claims by name. No input or output happens here.
//!
//! What is asked of every answer is held against the first two starts, which are the same; each of the others
//! has a claim of its own. What was found in the first two is not told once more of those.

use super::result::{Claim, ClaimName, Status};
use super::scene::SceneName;
use super::witness::{Account, Refused, answer};
use crate::console::figure;
use crate::duration;
use crate::worlds_command::counted;
use agents::program::Exchange;
use agents::program::hearing::{Heard, Nonsense, NonsenseSort};
use agents::program::talk::{END_GRACE, Ending, Said};
use std::time::Duration;
use worlds::message::Refusal;

const FLUSH: &str = "flush after each line: print(..., flush=True) in Python, fflush(stdout) in C, $| = 1 in \
                     Perl, sed -u, grep --line-buffered";

/// Why something was not tried.
const INTERRUPTED: &str = "the check was interrupted";

/// Something that was found, and the claim that it is held against.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    claim: ClaimName,
    why: String,
    advice: Option<String>,
}

/// What holds of a program, so far as it was started.
pub(super) fn of(accounts: &[Account], deadline: Duration) -> Vec<Claim> {
    let found: Vec<Vec<Finding>> = accounts.iter().map(|account| findings(account, deadline)).collect();
    let of_each = |account: &Account| !is_scene_of_its_own(account.scene);
    let general: Vec<Finding> = accounts
        .iter()
        .zip(&found)
        .filter(|(account, _)| of_each(account))
        .flat_map(|(_, f)| f.clone())
        .collect();
    let case = Case { accounts, found: &found, general: &general };
    ClaimName::ALL.iter().map(|name| case.claim(*name)).collect()
}

fn is_scene_of_its_own(scene: SceneName) -> bool {
    !matches!(scene, SceneName::Drill | SceneName::Again)
}

/// All that is known.
struct Case<'a> {
    accounts: &'a [Account],
    /// What was found in each of them.
    found: &'a [Vec<Finding>],
    /// What was found in the first two.
    general: &'a [Finding],
}

impl Case<'_> {
    fn claim(&self, name: ClaimName) -> Claim {
        match name {
            ClaimName::Starts => self.general(name, !self.accounts.iter().all(was_interrupted)),
            ClaimName::Answers
            | ClaimName::RightRound
            | ClaimName::ValidJson
            | ClaimName::OnlyAnswers
            | ClaimName::Limits
            | ClaimName::KnownNames => self.general(name, self.has_answers()),
            ClaimName::OneAnswer => self.one_answer(),
            ClaimName::QuietRounds => self.scene(name, SceneName::Quiet),
            ClaimName::NewFields => self.scene(name, SceneName::NewFields),
            ClaimName::Handover => self.scene(name, SceneName::Handover),
            ClaimName::LargeWorld => self.scene(name, SceneName::Large),
            ClaimName::WithinRules => self.within_rules(),
            ClaimName::SameAgain => self.same_again(),
            ClaimName::Ends => self.ends(),
            ClaimName::LeavesNothing => self.leaves_nothing(),
        }
    }

    fn has_answers(&self) -> bool {
        self.accounts.first().is_some_and(Account::has_answers)
    }

    /// Something that is asked of every answer.
    fn general(&self, name: ClaimName, is_tried: bool) -> Claim {
        match self.general.iter().find(|finding| finding.claim == name) {
            Some(finding) => failed(name, finding.why.clone(), finding.advice.clone()),
            None if !is_tried => untried(name, self.why_not_started()),
            None if name == ClaimName::Answers => passed(name, self.how_soon()),
            None => passed(name, String::new()),
        }
    }

    fn how_soon(&self) -> String {
        let slowest = self.accounts.iter().filter_map(Account::slowest_seconds).max_by(f64::total_cmp);
        let milliseconds = 1e3 * slowest.unwrap_or_default();
        format!("the slowest answer took {milliseconds:.0} ms")
    }

    /// Of the start that a claim is about.
    fn scene(&self, name: ClaimName, scene: SceneName) -> Claim {
        let mut all = self.accounts.iter().zip(self.found);
        let Some((account, found)) = all.find(|(account, _)| account.scene == scene) else {
            return untried(name, self.why_not_started());
        };
        let is_known = |finding: &Finding| {
            let has_its_own = [ClaimName::Starts, ClaimName::Answers].contains(&finding.claim);
            !has_its_own && self.general.iter().any(|other| other.claim == finding.claim)
        };
        match found.iter().find(|finding| !is_known(finding)) {
            Some(finding) => failed(name, finding.why.clone(), finding.advice.clone()),
            None if account.is_whole() => passed(name, String::new()),
            None => untried(name, INTERRUPTED),
        }
    }

    fn why_not_started(&self) -> &'static str {
        match self.accounts.first() {
            Some(first) if !first.has_answers() && !was_interrupted(first) => "it answered no round",
            _ => INTERRUPTED,
        }
    }

    fn one_answer(&self) -> Claim {
        let name = ClaimName::OneAnswer;
        if !self.has_answers() {
            return untried(name, self.why_not_started());
        }
        for account in self.accounts {
            let (asked, answered) = (account.exchanges.len(), account.answers().count());
            // An answer that came too late is none too many.
            let passed_over = usize::try_from(account.passed_over()).unwrap_or(usize::MAX);
            let too_many = passed_over.saturating_sub(asked - answered);
            if too_many > 0 {
                let why = format!(
                    "{} too many in {}",
                    counted(too_many, "answer", "answers"),
                    counted(asked, "round", "rounds")
                );
                return failed(name, why, Some("write one line for each `observe`".to_owned()));
            }
        }
        passed(name, String::new())
    }

    fn within_rules(&self) -> Claim {
        let name = ClaimName::WithinRules;
        let Some(first) = self.accounts.first().filter(|first| first.has_answers()) else {
            return untried(name, self.why_not_started());
        };
        let asked: usize = first.answers().map(|answer| answer.actions.len()).sum();
        let refused: Vec<&Refused> =
            first.refused.iter().filter(|refused| refused.why != Refusal::Unknown).collect();
        match refused.first() {
            None if asked == 0 => passed(name, "it asked for no action at all".to_owned()),
            None => passed(name, format!("it asked for {}", counted(asked, "action", "actions"))),
            Some(one) => {
                let Refused { round, action, target, why } = one;
                let (word, advice) = refusal(*why);
                let why = format!(
                    "{} of {} refused; the first: round {round}, {action} on {target}, {word}",
                    refused.len(),
                    counted(asked, "action", "actions"),
                );
                Claim { status: Status::Warned, ..failed(name, why, Some(advice.to_owned())) }
            }
        }
    }

    fn same_again(&self) -> Claim {
        let name = ClaimName::SameAgain;
        let [first, again, ..] = self.accounts else { return untried(name, self.why_not_started()) };
        if !(first.is_whole() && again.is_whole()) {
            return untried(name, "it did not answer all rounds of both starts");
        }
        let mut rounds = first.exchanges.iter().zip(&again.exchanges);
        match rounds.find(|(one, other)| answer(one) != answer(other)) {
            None => passed(name, String::new()),
            Some((other, _)) => {
                let why = format!("it decided otherwise in round {}", other.round);
                let advice = "with a language model this is as it is, and a run cannot be repeated; else look for \
                              clocks, random numbers and unordered maps";
                Claim { status: Status::Warned, ..failed(name, why, Some(advice.to_owned())) }
            }
        }
    }

    /// How it ended each time. Of one that was in the middle of an answer when the check was interrupted nothing
    /// is to be said.
    fn endings(&self) -> impl Iterator<Item = &Ending> {
        let whole = self.accounts.iter().filter(|account| !was_interrupted(account));
        whole.filter_map(|account| account.ending.as_ref())
    }

    fn ends(&self) -> Claim {
        let name = ClaimName::Ends;
        let endings: Vec<_> = self.endings().collect();
        let grace = duration::written(END_GRACE);
        let advice = "end when reading finds no further line; who waits for others must not wait longer";
        if endings.iter().any(|ending| ending.took.is_none()) {
            let why = format!("it was still there after {grace}, and was killed");
            return failed(name, why, Some(advice.to_owned()));
        }
        match endings.iter().filter_map(|ending| ending.took).max() {
            Some(longest) => passed(name, format!("within {:.0} ms", 1e3 * longest.as_secs_f64())),
            None => untried(name, self.why_no_ending()),
        }
    }

    /// Why it never ended by itself.
    fn why_no_ending(&self) -> &'static str {
        match self.endings().next() {
            Some(_) => "it did not end by itself",
            None if self.accounts.iter().all(was_interrupted) => INTERRUPTED,
            None => "it had ended before",
        }
    }

    fn leaves_nothing(&self) -> Claim {
        let name = ClaimName::LeavesNothing;
        let left = |account: &Account| {
            let of_group = account.ending.iter().flat_map(|ending| &ending.left_behind);
            of_group.chain(&account.strays).cloned().collect::<Vec<_>>()
        };
        let whole = self.accounts.iter().filter(|account| !was_interrupted(account));
        if let Some(left) = whole.map(left).find(|left| !left.is_empty()) {
            let why = format!("it left behind, and these were killed: {}", left.join(", "));
            return failed(name, why, Some("end what it starts, and wait for that".to_owned()));
        }
        // Of one that had to be killed nobody knows what it would have done.
        if self.endings().any(|ending| ending.took.is_some()) {
            passed(name, String::new())
        } else {
            untried(name, self.why_no_ending())
        }
    }
}

fn was_interrupted(account: &Account) -> bool {
    account.exchanges.last().is_none_or(|exchange| exchange.said == Said::Over)
}

fn passed(name: ClaimName, why: String) -> Claim {
    Claim { name, claim: name.claim().to_owned(), status: Status::Passed, why, advice: None }
}

fn failed(name: ClaimName, why: String, advice: Option<String>) -> Claim {
    Claim { status: Status::Failed, advice, ..passed(name, why) }
}

fn untried(name: ClaimName, why: &str) -> Claim {
    Claim { status: Status::NotTried, ..passed(name, why.to_owned()) }
}

/// Why an action was refused, and how one knows before.
fn refusal(why: Refusal) -> (&'static str, &'static str) {
    match why {
        Refusal::Unknown => ("unknown", "names are those of the greeting"),
        Refusal::TooMany => {
            ("too_many", "`rules.actions_per_round` in the greeting says how many there may be")
        }
        Refusal::NoAlert => ("no_alert", "act on servers with an open alert that the action is for"),
        Refusal::Settling => ("settling", "leave servers alone whose `settling_rounds` is above 0"),
        Refusal::Conflict => ("conflict", "ask for one action on a server in a round"),
        Refusal::Cooldown => ("cooldown", "`cooldowns` says what cannot be asked for yet"),
        Refusal::NoStandby => ("no_standby", "fail over where there is a replica or a `backup_link`"),
    }
}

// ---- what one start shows ---------------------------------------------------------------------

/// What was found in one start, in its order.
fn findings(account: &Account, deadline: Duration) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut passed_over = 0;
    for (index, exchange) in account.exchanges.iter().enumerate() {
        let round = exchange.round;
        match &exchange.said {
            Said::Heard(Heard::Answer(_)) => findings.extend(of_answer(exchange)),
            Said::Heard(Heard::Nonsense(nonsense)) => {
                findings.push(of_nonsense(nonsense, &format!("round {round}: ")));
            }
            Said::Late => {
                let has_spoken = exchange.passed_over.earlier > passed_over;
                findings.extend(of_silence(account, exchange, index == 0, has_spoken, deadline));
            }
            Said::Dead(how) => findings.push(of_death(account, how, round, index == 0)),
            Said::Over => {}
        }
        passed_over = exchange.passed_over.earlier;
    }
    let last = account.ending.as_ref().and_then(|ending| ending.nonsense.as_ref());
    findings.extend(last.map(|nonsense| of_nonsense(nonsense, "after the last round: ")));
    findings
}

fn of_answer(exchange: &Exchange) -> impl Iterator<Item = Finding> {
    let round = exchange.round;
    let finding =
        move |claim, why: &str| Finding { claim, why: format!("round {round}: {why}"), advice: None };
    let unknown = (!exchange.wrong.is_empty()).then(|| {
        let advice = Some("all names are in the greeting".to_owned());
        Finding { advice, ..finding(ClaimName::KnownNames, &exchange.wrong.join("; ")) }
    });
    let excess = exchange.excess.as_ref().map(|why| finding(ClaimName::Limits, why));
    unknown.into_iter().chain(excess)
}

fn of_nonsense(nonsense: &Nonsense, when: &str) -> Finding {
    let (claim, advice) = match nonsense.sort {
        NonsenseSort::Foreign => {
            (ClaimName::OnlyAnswers, "write what is for people on standard error, which is kept as a log")
        }
        NonsenseSort::Malformed => (ClaimName::ValidJson, "`world schema decide` says what a decision holds"),
        NonsenseSort::LaterRound => (ClaimName::RightRound, "repeat the `round` of the line that it answers"),
        NonsenseSort::TooMuch => (ClaimName::Limits, "end each line with a line feed, and write one a round"),
    };
    Finding { claim, why: format!("{when}{}", nonsense.why), advice: Some(advice.to_owned()) }
}

/// No answer came, and the program was there.
fn of_silence(
    account: &Account,
    exchange: &Exchange,
    is_first: bool,
    has_spoken: bool,
    deadline: Duration,
) -> Vec<Finding> {
    let round = exchange.round;
    let limit = duration::written(deadline);
    let came_at_the_end = account.ending.as_ref().map_or(0, |ending| ending.decisions);
    let mut findings = Vec::new();
    let mut advice = None;
    let mut why = format!("round {round}: no answer within {limit}");
    if let (true, Some(other)) = (has_spoken, exchange.passed_over.latest) {
        findings.push(Finding {
            claim: ClaimName::RightRound,
            why: format!("round {round}: it answered on round {other}"),
            advice: Some("repeat the `round` of the line that it answers".to_owned()),
        });
    } else if is_first && exchange.unread > 0 {
        findings.push(Finding {
            claim: ClaimName::Starts,
            why: format!("it has not read {} of its standard input", bytes(exchange.unread)),
            advice: Some("read standard input line by line until it ends".to_owned()),
        });
    } else if came_at_the_end > 0 {
        why += ", and it came when its standard input ended";
        advice = Some(FLUSH.to_owned());
    } else if exchange.unread > 0 {
        why += &format!(", and {} of its standard input are not read", bytes(exchange.unread));
    } else {
        why += ", though it is there and has read all that it was told";
        advice = Some(format!("if it wrote one, {FLUSH}; if it needs longer, --deadline"));
    }
    findings.push(Finding { claim: ClaimName::Answers, why, advice });
    findings
}

fn bytes(count: u64) -> String {
    format!("{} bytes", figure::count(count))
}

fn of_death(account: &Account, how: &str, round: u32, is_first: bool) -> Finding {
    let last = account.last_log_line.as_ref();
    let last = last.map(|line| format!("; the last it wrote on standard error: {line}")).unwrap_or_default();
    if is_first {
        let advice = match how {
            "exited with code 127" => "the shell did not find it: is the path right from this directory?",
            "exited with code 126" => "the shell may not run it: chmod +x, or name the interpreter",
            "exited with code 0" => {
                "read standard input line by line until it ends, and answer each `observe`"
            }
            _ => "try it by itself, in a shell",
        };
        let (claim, advice) = (ClaimName::Starts, Some(advice.to_owned()));
        return Finding { claim, why: format!("{how} before its first answer{last}"), advice };
    }
    let advice = Some("catch what goes wrong in a round, and answer with the round alone".to_owned());
    Finding { claim: ClaimName::Answers, why: format!("round {round}: {how}{last}"), advice }
}
