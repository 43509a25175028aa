//! How many seeds would do.
//!
//! The width of an interval shrinks with the square root of the number of seeds. So a width W that
//! n seeds gave becomes W* with n (W / W*)^2, rounded up. It is a forecast: the spread that was seen
//! is itself an estimate, and the next seeds may bring another.

/// Seeds that would make an interval `wanted` wide, when `seeds` made it `width`. Never fewer than
/// two. `None` when no number would (a width of 0 is wanted and not reached) or none fits.
pub fn seeds_for_width(seeds: u64, width: f64, wanted: f64) -> Option<u64> {
    if width <= wanted {
        // Fewer may do: the width grows as seeds are left out.
        return scaled(seeds, width, wanted).or(Some(2));
    }
    scaled(seeds, width, wanted)
}

/// Seeds that would bring the end of an interval to the same side of `limit` as the `estimate`, when
/// `seeds` put it at `bound`, beyond the limit or not. `None` when the estimate is at the limit.
pub fn seeds_to_clear(seeds: u64, estimate: f64, bound: f64, limit: f64) -> Option<u64> {
    scaled(seeds, (estimate - bound).abs(), (estimate - limit).abs())
}

/// `seeds` times the square of `now / wanted`, rounded up, at least 2.
fn scaled(seeds: u64, now: f64, wanted: f64) -> Option<u64> {
    let ratio = now / wanted;
    let needed = (seeds as f64 * ratio * ratio).ceil();
    // The largest number of which every smaller whole one is a double.
    (needed <= 9_007_199_254_740_992.0).then_some((needed as u64).max(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_the_width_takes_four_times_the_seeds() {
        assert_eq!(seeds_for_width(50, 2.0, 1.0), Some(200));
        assert_eq!(seeds_for_width(50, 2.0, 1.9), Some(56));
        assert_eq!(seeds_for_width(50, 1.0, 2.0), Some(13));
        assert_eq!(seeds_for_width(3, 1.0, 100.0), Some(2));
    }

    #[test]
    fn no_number_of_seeds_makes_an_interval_a_point() {
        assert_eq!(seeds_for_width(50, 2.0, 0.0), None);
        assert_eq!(seeds_for_width(50, 0.0, 0.0), Some(2));
    }

    /// An estimate of 99 with a bound at 97 clears a limit of 98.5 with (2 / 0.5)^2 times the seeds.
    #[test]
    fn a_bound_clears_a_limit_that_the_estimate_is_away_from() {
        assert_eq!(seeds_to_clear(20, 99.0, 97.0, 98.5), Some(320));
        assert_eq!(seeds_to_clear(20, 98.0, 99.0, 98.5), Some(80));
        assert_eq!(seeds_to_clear(20, 99.0, 98.75, 98.5), Some(5));
    }

    #[test]
    fn an_estimate_at_the_limit_is_never_told_from_it() {
        assert_eq!(seeds_to_clear(20, 98.5, 97.0, 98.5), None);
        assert_eq!(seeds_to_clear(20, 98.5, 97.0, 98.5 + 1e-13), None);
    }
}
