//! The normal distribution, Student's t and the beta distribution: probabilities and quantiles.
//!
//! Written here, because what `statrs` brings with it turns on `num-traits/std` for the whole build,
//! and the platform's transcendental functions with it. `tests/vectors` has what scipy says.

/// The probability that a value of Student's t with `freedom` degrees of freedom lies further from
/// 0 than `t`, on either side: I_x(v/2, 1/2) with x = v / (v + t^2) (Abramowitz and Stegun 1964,
/// 26.7.1 with 26.5.27).
pub(crate) fn student_two_sided(t: f64, freedom: f64) -> f64 {
    if t.is_infinite() {
        return 0.0;
    }
    let square = t * t;
    beta_share(freedom / (freedom + square), square / (freedom + square), freedom / 2.0, 0.5)
}

/// The value of Student's t with `freedom` degrees of freedom above which a share of `tail` lies,
/// `tail` being up to a half.
pub(crate) fn student_quantile(tail: f64, freedom: f64) -> f64 {
    /// With one degree of freedom, a tail of 1e-15 begins at 3e14.
    const FAR: f64 = 1e300;
    // Sizes that differ by hundreds of orders are halved by their logarithm.
    let logarithm = bisect([libm::log(f64::MIN_POSITIVE), libm::log(FAR)], |logarithm| {
        student_two_sided(libm::exp(logarithm), freedom) <= 2.0 * tail
    });
    if tail >= 0.5 { 0.0 } else { libm::exp(logarithm) }
}

/// The value of the normal distribution above which a share of `tail` lies, `tail` being up to a half: by
/// erfc(z / sqrt 2) / 2 (Abramowitz and Stegun 1964, 26.2.29).
pub(crate) fn normal_quantile(tail: f64) -> f64 {
    /// Beyond it a double holds no probability.
    const FAR: f64 = 40.0;
    bisect([0.0, FAR], |z| libm::erfc(z / std::f64::consts::SQRT_2) <= 2.0 * tail)
}

/// The probability that a value of the beta distribution is at most `x`.
fn beta_cdf(x: f64, a: f64, b: f64) -> f64 {
    beta_share(x, 1.0 - x, a, b)
}

/// The same with 1 - x beside x: close to 1 a double has no digits left for the difference. It is
/// the regularised incomplete beta function I_x(a, b), by its continued fraction (Press et al.,
/// *Numerical Recipes*, 3rd ed. 2007, section 6.4, evaluated by Lentz's method).
fn beta_share(x: f64, complement: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if complement <= 0.0 {
        return 1.0;
    }
    // The fraction converges fast below the mean; above it, the other tail is computed.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_tail(complement, x, b, a);
    }
    beta_tail(x, complement, a, b)
}

fn beta_tail(x: f64, complement: f64, a: f64, b: f64) -> f64 {
    let logarithm = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b)
        + a * libm::log(x)
        + b * libm::log(complement);
    libm::exp(logarithm) * beta_fraction(x, a, b) / a
}

fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    /// It takes O(sqrt(max(a, b))) terms: this many are enough up to some 10^9.
    const TERMS_MAX: u32 = 200_000;
    /// Instead of a denominator of 0.
    const TINY: f64 = 1e-300;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for m in 1..TERMS_MAX {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for coefficient in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + coefficient * d);
            c = away_from_zero(1.0 + coefficient / c);
            change = c * d;
            fraction *= change;
        }
        if (change - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    fraction
}

/// The value below which a share of `p` of the beta distribution lies.
pub(crate) fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    bisect([0.0, 1.0], |x| beta_cdf(x, a, b) >= p)
}

/// Where `reached` turns true, between two values, to the last bit that halving can tell.
fn bisect([mut low, mut high]: [f64; 2], reached: impl Fn(f64) -> bool) -> f64 {
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return high;
        }
        if reached(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
}
