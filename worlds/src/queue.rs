//! Waiting: the queue of a server, in closed form.
//!
//! A server is an M/M/c station whose queue is bounded in time: a request that would wait longer
//! than the limit is turned away on arrival (the M/M/c+D model of Baccelli and Hebuterne, 1981).
//! One formula holds below, at and above saturation. Below it, and with a generous limit, it is
//! Erlang's C formula; above it, what is turned away is what the workers cannot do, and those who
//! are served wait about as long as the limit.
//!
//! With `c` workers of rate `m`, arrivals of rate `l`, limit `t` and `d = c m - l`, the work found
//! by an arrival has density `l p e^(-d x)` up to `t` and `l p e^(-d t) e^(-c m (x - t))` beyond,
//! where `p` is the probability of exactly `c - 1` busy workers.

/// What waiting comes to, for those who were served unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Waiting {
    /// Share of arrivals that are turned away, 0 to 1.
    pub turned_away: f64,
    /// Mean wait, seconds, zero waits included.
    pub mean_seconds: f64,
    /// 99th percentile of the wait, seconds.
    pub p99_seconds: f64,
}

/// Waiting at a station of `workers` that each need `service_seconds` for a request on average,
/// with `arrivals` requests a second and at most `limit_seconds` in the queue.
///
/// # Panics
/// When there are no workers: the world file's check sees to that.
pub fn waiting(arrivals: f64, service_seconds: f64, workers: u32, limit_seconds: f64) -> Waiting {
    assert!(workers > 0, "a station has at least one worker");
    if arrivals <= 0.0 || service_seconds <= 0.0 {
        return Waiting::default();
    }
    let drain = f64::from(workers) / service_seconds;
    let slack = drain - arrivals;
    let not_waiting = idle_weight(arrivals * service_seconds, workers);
    let tail = Tail::new(slack, limit_seconds);
    let weights = Weights::new(arrivals, drain, tail, not_waiting);
    let served = weights.at_once + weights.after_waiting;
    Waiting {
        turned_away: weights.turned_away / (served + weights.turned_away),
        mean_seconds: weights.first_moment / served,
        p99_seconds: weights.quantile(0.01 * served, arrivals, tail),
    }
}

/// Probability of fewer than `workers` busy, over that of exactly one fewer; by a recursion that
/// neither overflows nor cancels.
fn idle_weight(offered: f64, workers: u32) -> f64 {
    (1..workers).fold(1.0, |weight, busy| 1.0 + weight * f64::from(busy) / offered)
}

/// How the density of waits runs up to the limit: as `near` at no wait, as `far` at the limit. The
/// larger of both is 1: above saturation everything is scaled by e^(d t), which is then the small
/// number.
#[derive(Clone, Copy)]
struct Tail {
    slack: f64,
    limit: f64,
    exponent: f64,
    near: f64,
    far: f64,
}

impl Tail {
    fn new(slack: f64, limit: f64) -> Self {
        let exponent = slack * limit;
        let small = libm::exp(-exponent.abs());
        let (near, far) = if exponent > 0.0 { (1.0, small) } else { (small, 1.0) };
        Self { slack, limit, exponent, near, far }
    }

    /// Whether the exponentials have to be replaced by their limits.
    fn is_nearly_flat(self) -> bool {
        self.exponent.abs() < NEARLY_CRITICAL
    }
}

/// Unnormalised probabilities, in units of `p` or, above saturation, of `p e^(-d t)`.
struct Weights {
    at_once: f64,
    after_waiting: f64,
    turned_away: f64,
    /// Integral of wait times density, up to the limit.
    first_moment: f64,
}

/// Below this much of `d t` the exponentials are replaced by their limits.
const NEARLY_CRITICAL: f64 = 1e-5;

impl Weights {
    fn new(arrivals: f64, drain: f64, tail: Tail, not_waiting: f64) -> Self {
        let Tail { slack, limit, exponent, near, far } = tail;
        if tail.is_nearly_flat() {
            return Self {
                at_once: not_waiting,
                after_waiting: arrivals * limit,
                turned_away: arrivals / drain,
                first_moment: arrivals * limit * limit / 2.0,
            };
        }
        Self {
            at_once: not_waiting * near,
            after_waiting: arrivals * (near - far) / slack,
            turned_away: arrivals * far / drain,
            first_moment: arrivals * (near - far * (1.0 + exponent)) / (slack * slack),
        }
    }

    /// The wait that is exceeded with this weight.
    fn quantile(&self, weight: f64, arrivals: f64, tail: Tail) -> f64 {
        let Tail { slack, limit, exponent, far, .. } = tail;
        if self.after_waiting <= weight {
            return 0.0;
        }
        if tail.is_nearly_flat() {
            return limit - weight / arrivals;
        }
        if exponent > 0.0 {
            -libm::log(far + weight * slack / arrivals) / slack
        } else {
            limit - libm::log1p(weight * slack / arrivals) / slack
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean wait by Erlang's C formula, as textbooks give it.
    fn erlang_c_wait(arrivals: f64, service: f64, workers: u32) -> f64 {
        let offered = arrivals * service;
        let c = f64::from(workers);
        let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
        let last = libm::pow(offered, c) / factorial(workers) * c / (c - offered);
        let first: f64 = (0..workers).map(|j| libm::pow(offered, f64::from(j)) / factorial(j)).sum();
        last / (first + last) / (c / service - arrivals)
    }

    #[test]
    fn with_a_generous_limit_the_wait_is_erlangs_c() {
        for workers in [1, 2, 4, 16] {
            for utilisation in [0.3, 0.6, 0.9] {
                let service = 0.03;
                let arrivals = utilisation * f64::from(workers) / service;
                let ours = waiting(arrivals, service, workers, 60.0).mean_seconds;
                let theirs = erlang_c_wait(arrivals, service, workers);
                assert!(
                    (ours - theirs).abs() < 1e-6 * theirs,
                    "{workers} workers at {utilisation}: {ours} against {theirs}"
                );
            }
        }
    }

    #[test]
    fn far_above_saturation_what_the_workers_cannot_do_is_turned_away() {
        let waiting = waiting(1000.0, 0.05, 2, 0.5);
        assert!((waiting.turned_away - (1.0 - 40.0 / 1000.0)).abs() < 1e-9, "{waiting:?}");
        assert!(waiting.mean_seconds > 0.49 && waiting.mean_seconds <= 0.5, "{waiting:?}");
    }

    #[test]
    fn nothing_jumps_where_arrivals_meet_capacity() {
        let at = |factor: f64| waiting(40.0 * factor, 0.05, 2, 0.5);
        for (below, above) in [(1.0 - 1e-7, 1.0), (1.0, 1.0 + 1e-7), (1.0 - 1e-5, 1.0 + 1e-5)] {
            let (below, above) = (at(below), at(above));
            assert!((below.turned_away - above.turned_away).abs() < 1e-4, "{below:?} {above:?}");
            assert!((below.mean_seconds - above.mean_seconds).abs() < 1e-4, "{below:?} {above:?}");
            assert!((below.p99_seconds - above.p99_seconds).abs() < 1e-4, "{below:?} {above:?}");
        }
    }

    #[test]
    fn an_enormous_flood_is_still_a_number() {
        let waiting = waiting(1e9, 10.0, 64, 0.5);
        assert!(waiting.turned_away > 0.999_999 && waiting.turned_away < 1.0);
        assert!(waiting.mean_seconds.is_finite() && waiting.p99_seconds <= 0.5);
    }

    #[test]
    fn nobody_waits_where_nobody_comes() {
        assert_eq!(waiting(0.0, 0.05, 2, 0.5), Waiting::default());
    }
}
