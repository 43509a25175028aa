//! Worlds of any size: a multi-tier shop of so many servers in so many zones, as a world file.
//!
//! A pure function of its [`Request`]: the same request gives the same bytes. Three steps: the
//! `fleet` (how many servers of what, in which zone), the `load` (who calls whom, and how much
//! work a request is, so that calm servers sit at the same CPU in any size), the `text`. What
//! comes out is an ordinary world file, to be read, checked and edited like one written by hand.

mod fleet;
mod load;
mod text;

use super::limits;
use crate::chance::{Key, Seed};
use thiserror::Error;

/// Zones at most: they go by a letter.
pub const ZONES_MAX: usize = 26;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Servers in all.
    pub servers: usize,
    /// Zones that they are spread over.
    pub zones: usize,
    /// What the rest follows from: names, who calls whom, the weight of each part.
    pub seed: Seed,
}

impl Request {
    /// The fewest servers that fill so many zones: a web, an application and a database server in
    /// each, and a cache.
    pub fn servers_min(zones: usize) -> usize {
        3 * zones + 1
    }
}

/// Why there is no such world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum GenerateError {
    /// A zone has a letter.
    #[error("there is no world of {zones} zones")]
    Zones {
        /// What was asked for.
        zones: usize,
    },
    /// The tiers do not fill the zones.
    #[error("{servers} servers are too few for {}", counted(*.zones))]
    TooFew {
        /// What was asked for.
        servers: usize,
        /// How many zones they were for.
        zones: usize,
    },
    /// More than a world may have.
    #[error("{servers} servers are too many")]
    TooMany {
        /// What was asked for.
        servers: usize,
    },
}

impl GenerateError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Zones { .. } => format!("1 to {ZONES_MAX} zones are possible"),
            Self::TooFew { zones, .. } => format!(
                "{} are the least for {}: web, application and database in each, and a cache",
                Request::servers_min(*zones),
                counted(*zones),
            ),
            Self::TooMany { .. } => format!("a world has at most {} servers", limits::SERVERS_MAX),
        }
    }
}

/// `one zone`, `3 zones`.
fn counted(zones: usize) -> String {
    if zones == 1 { "one zone".to_owned() } else { format!("{zones} zones") }
}

/// Writes the world file.
///
/// # Errors
/// When so many servers and zones make no world.
pub fn generate(request: Request) -> Result<String, GenerateError> {
    let Request { servers, zones, seed } = request;
    if zones == 0 || zones > ZONES_MAX {
        return Err(GenerateError::Zones { zones });
    }
    if servers < Request::servers_min(zones) {
        return Err(GenerateError::TooFew { servers, zones });
    }
    if servers > limits::SERVERS_MAX {
        return Err(GenerateError::TooMany { servers });
    }
    let dice = Dice(Key::derive(seed, "generate", ""));
    let graph = load::Graph::draw(fleet::domains(servers, zones), &dice);
    let fleet = fleet::Fleet::of(request, &graph);
    let load = load::Load::of(&fleet, &graph);
    Ok(text::of(request, &graph, &fleet, &load))
}

/// The dice, by what they decide.
struct Dice(Key);

/// What a draw decides, for one domain.
#[derive(Clone, Copy, Debug)]
enum Draw {
    Name,
    Caller,
    WhichCaller,
    Class,
    SecondCaller,
    Cached,
    HitRatio,
    Weight,
}

impl Dice {
    /// A uniform draw from 0 to 1.
    fn unit(&self, domain: usize, what: Draw) -> f64 {
        self.0.draws(domain as u64, 0).unit(what as usize)
    }

    /// A uniform draw from a range.
    fn between(&self, domain: usize, what: Draw, range: [f64; 2]) -> f64 {
        self.0.draws(domain as u64, 0).between(what as usize, range)
    }

    /// A uniform draw of one of `count` things.
    fn pick(&self, domain: usize, what: Draw, count: usize) -> usize {
        self.0.draws(domain as u64, 0).pick(what as usize, count)
    }
}

/// Splits a count in proportion to weights, each part at least `least`, by largest remainder; of
/// equals the first.
fn split(count: usize, weights: &[f64], least: usize) -> Vec<usize> {
    let total: f64 = weights.iter().sum();
    let spare = count.saturating_sub(least * weights.len());
    let fair = |weight: &f64| if total > 0.0 { spare as f64 * weight / total } else { 0.0 };
    let mut parts: Vec<usize> = weights.iter().map(|weight| least + fair(weight) as usize).collect();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    let remainder = |index: &usize| fair(&weights[*index]).fract();
    by_remainder.sort_by(|one, other| remainder(other).total_cmp(&remainder(one)));
    let left = count.saturating_sub(parts.iter().sum());
    for index in by_remainder.into_iter().cycle().take(left) {
        parts[index] += 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_whole_fair_and_leaves_nobody_with_nothing() {
        assert_eq!(split(10, &[1.0, 1.0, 2.0], 1), [3, 3, 4]);
        assert_eq!(split(3, &[5.0, 0.0, 0.0], 1), [1, 1, 1]);
        for count in 6..60 {
            let parts = split(count, &[0.7, 1.3, 1.0], 2);
            assert_eq!(parts.iter().sum::<usize>(), count);
            assert!(parts.iter().all(|part| *part >= 2), "{parts:?}");
        }
    }

    #[test]
    fn what_makes_no_world_is_refused_with_what_would() {
        let refused = |servers, zones| {
            let error = generate(Request { servers, zones, seed: 0 }).expect_err("it is no world");
            format!("{error}: {}", error.hint())
        };
        assert_eq!(refused(10, 0), "there is no world of 0 zones: 1 to 26 zones are possible");
        assert_eq!(refused(99, 27), "there is no world of 27 zones: 1 to 26 zones are possible");
        assert_eq!(
            refused(3, 1),
            "3 servers are too few for one zone: 4 are the least for one zone: \
             web, application and database in each, and a cache"
        );
        assert!(refused(9, 3).starts_with("9 servers are too few for 3 zones: 10 are the least"));
        assert_eq!(refused(10_001, 3), "10001 servers are too many: a world has at most 10000 servers");
    }
}
