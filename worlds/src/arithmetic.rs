//! Arithmetic on figures, where the standard library's takes a detour.
//!
//! All of it is done many times for each server and round. Rounding goes to whole numbers, halves
//! away from zero, as `libm::round` does; which of two figures is larger is asked of figures alone,
//! and not of what is none.

/// The nearest whole number.
pub(crate) fn round(figure: f64) -> f64 {
    /// From here on every double is a whole number, and the sum with anything smaller is one.
    const WHOLE: f64 = (1_u64 << 52) as f64;
    let size = figure.abs();
    if size < WHOLE {
        // Halves went to the even neighbour.
        let even = (size + WHOLE) - WHOLE;
        let up = if size - even == 0.5 { 1.0 } else { 0.0 };
        // A zero has no sign: nobody wants to read of -0.
        (even + up).copysign(figure) + 0.0
    } else {
        figure
    }
}

/// The nearest count: 0 for what is below, the largest for what is above.
pub(crate) fn nearest(figure: f64) -> u32 {
    let below = figure as u32;
    below.saturating_add(u32::from(figure - f64::from(below) >= 0.5))
}

/// ln 100: the 99th percentile of an exponential time, in means.
pub(crate) const LN_100: f64 = 4.605_170_185_988_091;

/// The larger of two figures, neither of which is NaN.
pub(crate) fn larger(one: f64, other: f64) -> f64 {
    debug_assert!(!one.is_nan() && !other.is_nan(), "{one}, {other}");
    if one > other { one } else { other }
}

/// The smaller of two figures, neither of which is NaN.
pub(crate) fn smaller(one: f64, other: f64) -> f64 {
    debug_assert!(!one.is_nan() && !other.is_nan(), "{one}, {other}");
    if one < other { one } else { other }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIGURES: [f64; 11] =
        [0.0, 0.5, 1.5, 2.5, 0.499_999_999_999_999_94, 0.1, 1e6 + 0.5, 1e9 + 0.5, 4e15 + 0.5, 1e16, 1e300];

    #[test]
    fn rounding_is_that_of_libm() {
        for figure in FIGURES.into_iter().flat_map(|figure| [figure, -figure]) {
            assert_eq!(round(figure), libm::round(figure), "{figure}");
        }
        assert!(round(f64::NAN).is_nan());
        assert_eq!(round(f64::INFINITY), f64::INFINITY);
        assert!(round(-0.3).is_sign_positive());
    }

    #[test]
    fn counts_are_rounded_alike_and_none_is_below_zero() {
        for figure in FIGURES.into_iter().flat_map(|figure| [figure, -figure]) {
            assert_eq!(nearest(figure), libm::round(figure) as u32, "{figure}");
        }
    }
}
