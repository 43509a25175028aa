//! Ridge regression by its normal equations (Hoerl and Kennard 1970).
//!
//! Features are centred and scaled to a variance of one first, so that one penalty fits all of them. With a
//! penalty above 0 the equations have exactly one solution, also where features say the same or nothing.

/// The penalty, for each example: small against the features' variance of one.
const PENALTY: f64 = 0.01;

/// What the features of an hour were, and what came of them.
pub(super) type Example = (Vec<f64>, f64);

/// What was fitted: `intercept + sum of coefficient * (value - centre) / scale`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fit {
    pub(super) intercept: f64,
    pub(super) coefficients: Vec<f64>,
    pub(super) centres: Vec<f64>,
    pub(super) scales: Vec<f64>,
}

/// Fits to examples, of which there is at least one.
pub(super) fn fit(examples: &[Example]) -> Fit {
    let count = examples.len() as f64;
    let features = examples.first().map_or(0, |(values, _)| values.len());
    let mean = |of: &dyn Fn(&Example) -> f64| examples.iter().map(of).sum::<f64>() / count;
    let intercept = mean(&|(_, outcome)| *outcome);
    let centres: Vec<f64> = (0..features).map(|at| mean(&|(values, _)| values[at])).collect();
    let scale = |at: usize| {
        let variance = mean(&|(values, _)| (values[at] - centres[at]) * (values[at] - centres[at]));
        // One that never changes says nothing, whatever it is divided by.
        if variance > 0.0 { libm::sqrt(variance) } else { 1.0 }
    };
    let scales: Vec<f64> = (0..features).map(scale).collect();
    let standard = |values: &[f64], at: usize| (values[at] - centres[at]) / scales[at];
    let product = |one: usize, other: usize| {
        mean(&|(values, _)| standard(values, one) * standard(values, other))
            + if one == other { PENALTY } else { 0.0 }
    };
    let matrix: Vec<Vec<f64>> =
        (0..features).map(|row| (0..=row).map(|column| product(row, column)).collect()).collect();
    let right =
        (0..features).map(|at| mean(&|(values, outcome)| standard(values, at) * (outcome - intercept)));
    let coefficients = solve(matrix, right.collect());
    Fit { intercept, coefficients, centres, scales }
}

/// Solves equations whose matrix, of which the lower half is given, is symmetric and positive definite: by
/// Cholesky's decomposition.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let size = right.len();
    for row in 0..size {
        for column in 0..=row {
            let done: f64 = (0..column).map(|at| matrix[row][at] * matrix[column][at]).sum();
            let left = matrix[row][column] - done;
            matrix[row][column] =
                if row == column { libm::sqrt(left) } else { left / matrix[column][column] };
        }
    }
    for row in 0..size {
        let done: f64 = (0..row).map(|at| matrix[row][at] * right[at]).sum();
        right[row] = (right[row] - done) / matrix[row][row];
    }
    for row in (0..size).rev() {
        let done: f64 = (row + 1..size).map(|at| matrix[at][row] * right[at]).sum();
        right[row] = (right[row] - done) / matrix[row][row];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_solved() {
        let matrix = vec![vec![4.0], vec![2.0, 5.0], vec![1.0, 3.0, 6.0]];
        // 4x + 2y + z = 11, 2x + 5y + 3z = 21, x + 3y + 6z = 25
        let solution = solve(matrix, vec![11.0, 21.0, 25.0]);
        for (found, expected) in solution.into_iter().zip([1.0, 2.0, 3.0]) {
            assert!((found - expected).abs() < 1e-12, "{found}");
        }
    }

    #[test]
    fn what_features_say_is_found_and_what_says_nothing_or_the_same_does_no_harm() {
        let example = |at: i32| {
            let (slow, fast) = (f64::from(at), f64::from(at % 7));
            (vec![slow, fast, 5.0, fast], 100.0 + 2.0 * slow + 10.0 * fast)
        };
        let examples: Vec<_> = (0..200).map(example).collect();
        let fit = fit(&examples);
        let slope = |at: usize| fit.coefficients[at] / fit.scales[at];
        assert!((slope(0) - 2.0).abs() < 0.04, "{fit:?}");
        assert!((slope(1) + slope(3) - 10.0).abs() < 0.2 && (slope(1) - slope(3)).abs() < 1e-9, "{fit:?}");
        assert_eq!(fit.coefficients[2], 0.0);
    }

    #[test]
    fn a_feature_alone_has_the_coefficient_that_the_penalty_leaves_it() {
        // The values have a mean of 0 and a variance of 1, the outcomes are three times as much.
        let fit = fit(&[(vec![-1.0], -3.0), (vec![1.0], 3.0)]);
        assert!((fit.coefficients[0] - 3.0 / (1.0 + PENALTY)).abs() < 1e-15, "{fit:?}");
    }
}
