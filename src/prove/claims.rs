//! What a scenario claims by what is in it, and whether that holds.

use super::player::{Cast, Player};
use super::{avoided, gain};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Points of availability that the faults cost at least when nobody acts: five times what the default
/// promise leaves, so that it is more than a bad minute.
const LEAST_HARM: f64 = 0.5;

/// Points of availability that the oracle wins back at least.
const LEAST_GAIN: f64 = 0.25;

/// What was shown of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Proof {
    /// Its name.
    pub scenario: String,
    /// Its hash.
    pub hash: String,
    /// Seeds on which it was played.
    pub seeds: u32,
    /// What it claims, and whether that holds.
    pub claims: Vec<Claim>,
    /// The share of the harm that reference SREs avoid, by skill, and the oracle; `null` where there is no
    /// harm to avoid.
    pub difficulty: Option<BTreeMap<String, Difficulty>>,
}

impl Proof {
    /// Whether everything holds.
    pub(crate) fn holds(&self) -> bool {
        self.claims.iter().all(|claim| claim.holds)
    }
}

/// One claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Claim {
    /// What is claimed.
    pub claim: String,
    /// Whether it holds.
    pub holds: bool,
    /// What was seen.
    pub seen: String,
}

/// The share of the harm that an SRE avoids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Difficulty {
    /// 0: as if nobody had acted; 1: as if nothing had happened. Below 0 for whoever does harm.
    pub share: Option<f64>,
    /// The lower end of its 95 % interval.
    pub low: Option<f64>,
    /// The upper end of its 95 % interval.
    pub high: Option<f64>,
}

/// Plays what it takes, and tells; `None` when that was broken off.
pub(super) fn of(player: &mut Player<'_>) -> Option<Proof> {
    let mut claims = vec![healthy(player)?];
    if !player.scenario.noise.is_empty() {
        claims.push(noise(player)?);
    }
    let difficulty = if player.has_faults() {
        claims.push(hurt(player)?);
        if player.hits_servers() {
            claims.push(oracle(player)?);
        }
        if player.hits_sres() {
            claims.push(responder(player)?);
        }
        claims.extend(answer(player)?);
        difficulty(player)?
    } else {
        claims.push(control(player)?);
        None
    };
    Some(Proof {
        scenario: player.scenario.name.clone(),
        hash: player.scenario.hash.clone(),
        seeds: player.seeds.len() as u32,
        claims,
        difficulty,
    })
}

fn claim(text: &str, holds: bool, seen: String) -> Claim {
    Claim { claim: text.to_owned(), holds, seen }
}

/// The steady state holds before the first fault.
fn healthy(player: &mut Player<'_>) -> Option<Claim> {
    let of = player.seeds.len();
    let outcomes = player.outcomes(Cast::Nobody)?;
    let held = outcomes.iter().filter(|outcome| outcome.steady_state.is_some_and(|seen| seen.held)).count();
    let seen = format!("the steady state held on {held} of {of} seeds");
    Some(claim("the world is in order before the first fault", held == of, seen))
}

/// The disturbances alone keep the promise.
fn noise(player: &mut Player<'_>) -> Option<Claim> {
    let target = player.scenario.world.definition.sla_target;
    let served = player.availability(Cast::NoiseAlone)?;
    let lowest = served.into_iter().fold(100.0, f64::min);
    let seen = format!("with the noise alone at least {lowest:.2} % are served (target {target} %)");
    Some(claim("the noise alone is harmless to users", lowest >= target, seen))
}

/// Users are hurt when nobody acts.
fn hurt(player: &mut Player<'_>) -> Option<Claim> {
    let text = "the faults hurt users when nobody acts";
    if !player.hits_servers() {
        let seen = "only SREs are hit, and nobody acts anyway".to_owned();
        return Some(claim(text, false, seen));
    }
    let (calm, none) = (player.availability(Cast::Calm)?, player.availability(Cast::Nobody)?);
    let lost = gain(&calm, &none);
    Some(claim(text, lost.reaches(LEAST_HARM), format!("they cost {}", lost.told())))
}

/// The oracle does better.
fn oracle(player: &mut Player<'_>) -> Option<Claim> {
    let (oracle, none) = (player.availability(Cast::Oracle)?, player.availability(Cast::Nobody)?);
    let won = gain(&oracle, &none);
    let seen = format!("the oracle is at {}", won.told());
    Some(claim("something can be done about it", won.reaches(LEAST_GAIN), seen))
}

/// Where SREs are hit: their absence costs.
fn responder(player: &mut Player<'_>) -> Option<Claim> {
    let unharmed = player.availability(Cast::SeniorUnharmed)?;
    let lost = gain(&unharmed, &player.availability(Cast::Senior)?);
    let seen = format!("a senior who is never hit is at {}", lost.told());
    Some(claim("that SREs are hit costs users", lost.reaches(0.0), seen))
}

/// The answer key's remedies help, and its traps help less.
fn answer(player: &mut Player<'_>) -> Option<Vec<Claim>> {
    let Some(answer) = &player.scenario.answer else { return Some(Vec::new()) };
    let mut claims = Vec::new();
    if !answer.remedies.is_empty() {
        let remedied = player.availability(Cast::Remedies)?;
        let won = gain(&remedied, &player.availability(Cast::Nobody)?);
        let seen = format!("whoever takes them and nothing else is at {}", won.told());
        claims.push(claim("the answer key's remedies help", won.reaches(LEAST_GAIN), seen));
        if !answer.traps.is_empty() {
            let lost = gain(&remedied, &player.availability(Cast::Traps)?);
            let seen = format!("the remedies are at {} of the traps", lost.told());
            claims.push(claim("the answer key's traps help less", lost.reaches(0.0), seen));
        }
    }
    Some(claims)
}

/// Without faults nobody is hurt, and no SRE is worth more than none.
fn control(player: &mut Player<'_>) -> Option<Claim> {
    let target = player.scenario.world.definition.sla_target;
    let lowest = player.availability(Cast::Nobody)?.into_iter().fold(100.0, f64::min);
    let none = player.utility(Cast::Nobody)?;
    let mut most = f64::MIN;
    for sre in [Cast::Junior, Cast::Mid, Cast::Senior, Cast::Oracle] {
        let utility = player.utility(sre)?;
        most = utility.iter().zip(&none).map(|(own, none)| own - none).fold(most, f64::max);
    }
    let seen = format!(
        "at least {lowest:.2} % are served (target {target} %), and an SRE is worth at most {most:+.2} points more"
    );
    Some(claim("nobody is hurt, and nothing can be won", lowest >= target && most <= 0.0, seen))
}

fn difficulty(player: &mut Player<'_>) -> Option<Option<BTreeMap<String, Difficulty>>> {
    let mut of = BTreeMap::new();
    let casts = [Cast::Junior, Cast::Mid, Cast::Senior, Cast::Oracle];
    for (skill, cast) in ["junior", "mid", "senior", "oracle"].into_iter().zip(casts) {
        of.insert(skill.to_owned(), avoided(cast, player)?);
    }
    Some(Some(of).filter(|of| of.values().any(|difficulty| difficulty.share.is_some())))
}
