//! How far a prediction was from what came.

/// How far one was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Requests by which it missed, either way.
    pub absolute_error: f64,
    /// The same as a share of what came; `None` where nothing did.
    pub error_share: Option<f64>,
}

impl Score {
    /// Of a prediction, now that it is known how many requests the day had.
    pub fn of(prediction: f64, actual: u64) -> Self {
        let absolute_error = (prediction - actual as f64).abs();
        Self { absolute_error, error_share: (actual > 0).then(|| absolute_error / actual as f64) }
    }
}

/// The mean absolute error as a share (MAPE) of days that had requests; `None` where none had.
pub fn mean_error_share(scores: &[Score]) -> Option<f64> {
    let shares: Vec<f64> = scores.iter().filter_map(|score| score.error_share).collect();
    (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictions_are_scored_by_how_far_they_missed() {
        let scores = [Score::of(3_600.0, 4_000), Score::of(4_200.0, 4_000), Score::of(50.0, 0)];
        assert_eq!(scores.map(|score| score.absolute_error), [400.0, 200.0, 50.0]);
        assert_eq!(scores[2].error_share, None);
        let share = mean_error_share(&scores).expect("two days had requests");
        assert!((share - 0.075).abs() < 1e-15, "{share}");
        assert_eq!(mean_error_share(&scores[2..]), None);
    }
}
