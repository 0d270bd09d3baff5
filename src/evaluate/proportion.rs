//! Intervals of a share of independent cases.

use crate::model::binomial_cdf;

/// The normal distribution's 97.5 % point: 95 % lie within so many standard deviations.
pub(super) const Z: f64 = 1.959_963_984_540_054;
/// Half of what a 95 % interval leaves out.
const TAIL: f64 = 0.025;
/// Bisections until neighbouring doubles of [0, 1] are told apart.
const BISECTIONS: usize = 60;

/// Wilson's 95 % score interval of `part` in `whole` > 0 (Wilson 1927): good coverage with few
/// cases, where the interval only has to look right.
pub fn wilson(part: u64, whole: u64) -> [f64; 2] {
    let (n, p) = (whole as f64, part as f64 / whole as f64);
    let shrink = 1.0 + Z * Z / n;
    let centre = (p + Z * Z / (2.0 * n)) / shrink;
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt() / shrink;
    [(centre - half).max(0.0), (centre + half).min(1.0)]
}

/// The exact 95 % interval of `part` in `whole` > 0 (Clopper and Pearson 1934): never less
/// coverage than stated, for what a promise is held to.
pub fn clopper_pearson(part: u64, whole: u64) -> [f64; 2] {
    let low = match part {
        0 => 0.0,
        // P(X ≥ part) rises with p.
        _ => bisect(|p| 1.0 - binomial_cdf(part - 1, whole, p) > TAIL),
    };
    let high = if part == whole {
        1.0
    } else {
        bisect(|p| binomial_cdf(part, whole, p) < TAIL)
    };
    [low, high]
}

/// The smallest share from which on `holds`.
fn bisect(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..BISECTIONS {
        let middle = f64::midpoint(low, high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Two-sided exact `McNemar` test (Edwards 1948): the probability of a split at least as uneven as
/// `one` against `other` when both are equally likely.
pub fn mcnemar_exact(one: u64, other: u64) -> f64 {
    let both = one + other;
    (2.0 * binomial_cdf(one.min(other), both, 0.5)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_of_nothing_or_everything_reaches_the_end() {
        for interval in [wilson, clopper_pearson] {
            let [low, high] = interval(0, 10);
            assert!(low.abs() < 1e-12 && (0.2..0.4).contains(&high), "{high}");
            let [low, high] = interval(10, 10);
            assert!(
                (high - 1.0).abs() < 1e-12 && (0.6..0.8).contains(&low),
                "{low}"
            );
        }
    }

    #[test]
    fn mcnemar_of_even_and_empty_splits_is_one() {
        for (one, other) in [(0, 0), (1, 0), (7, 7)] {
            assert!((mcnemar_exact(one, other) - 1.0).abs() < 1e-12);
        }
        assert!(mcnemar_exact(0, 6) < 0.05);
    }
}
