//! Several tests at once: p-values of a family, so that the chance of even one false finding stays
//! below the level that they are held against.

/// Holm's adjusted p-values, in the order of those that were put in (Holm 1979, *A simple
/// sequentially rejective multiple test procedure*, Scandinavian Journal of Statistics 6:65-70): the
/// smallest is multiplied by the number of tests, the next by one less and so on, none is smaller
/// than that of a smaller p, and none exceeds 1.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&one, &other| p_values[one].total_cmp(&p_values[other]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (rank, &index) in order.iter().enumerate() {
        let tests_left = (p_values.len() - rank) as f64;
        largest = largest.max(tests_left * p_values[index]).min(1.0);
        adjusted[index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: 0.01*4, then 0.02*3, then 0.03*2 = 0.06 again, then 0.04 below it.
    #[test]
    fn the_smallest_p_pays_for_all_tests_and_the_order_is_kept() {
        let adjusted = holm(&[0.03, 0.01, 0.04, 0.02]);
        for (ours, by_hand) in adjusted.iter().zip([0.06, 0.04, 0.06, 0.06]) {
            assert!((ours - by_hand).abs() < 1e-15, "{adjusted:?}");
        }
    }

    #[test]
    fn no_p_exceeds_one_and_no_tests_have_none() {
        assert_eq!(holm(&[0.9, 0.6, 0.0]), [1.0, 1.0, 0.0]);
        assert!(holm(&[]).is_empty());
        assert_eq!(holm(&[0.2]), [0.2]);
    }
}
