//! Tail probabilities, quantiles, and intervals for a share of independent cases.

/// 97.5 % quantile of the standard normal distribution: 95 % of values lie within ±`Z` standard
/// deviations.
pub(crate) const Z: f64 = 1.959_963_984_540_054;
/// Probability of each tail outside a 95 % interval.
const TAIL: f64 = 0.025;
/// Bisection steps: enough to separate neighbouring doubles in [0, 1].
const BISECTIONS: usize = 60;

/// Wilson's 95 % score interval for `part` of `whole` > 0 (Wilson 1927): good average coverage
/// with few cases. For display, where no coverage is guaranteed.
pub fn wilson(part: u64, whole: u64) -> [f64; 2] {
    let (n, p) = (whole as f64, part as f64 / whole as f64);
    let shrink = 1.0 + Z * Z / n;
    let centre = (p + Z * Z / (2.0 * n)) / shrink;
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt() / shrink;
    [(centre - half).max(0.0), (centre + half).min(1.0)]
}

/// The exact 95 % interval for `part` of `whole` > 0 (Clopper and Pearson 1934): coverage is
/// never below 95 %. For guarantees.
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

/// The smallest share in [0, 1] from which `holds` is true.
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

/// P(X ≤ k) for X binomial with n trials of probability p.
pub(crate) fn binomial_cdf(k: u64, n: u64, p: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    let odds = p.ln() - (-p).ln_1p();
    let mut log_term = n as f64 * (-p).ln_1p();
    let mut sum = log_term.exp();
    for i in 0..k {
        log_term += ((n - i) as f64 / (i + 1) as f64).ln() + odds;
        sum += log_term.exp();
    }
    sum.min(1.0)
}

/// P(X ≥ n) for a Poisson count X with `rate` > 0.
pub fn poisson_tail(n: u64, rate: f64) -> f64 {
    if n == 0 {
        return 1.0;
    }
    let log_factorial: f64 = (1..=n).map(|i| (i as f64).ln()).sum();
    let first = (n as f64 * rate.ln() - rate - log_factorial).exp();
    if (n as f64) <= rate {
        // The terms rise up to the rate: the lower tail is the shorter sum.
        let (mut term, mut below) = (first, 0.0);
        for i in (1..=n).rev() {
            term *= i as f64 / rate;
            below += term;
        }
        return (1.0 - below).clamp(0.0, 1.0);
    }
    let (mut term, mut sum) = (first, 0.0);
    let mut i = n;
    while term > sum * f64::EPSILON {
        sum += term;
        i += 1;
        term *= rate / i as f64;
    }
    sum.min(1.0)
}

/// Quantile by linear interpolation between order statistics (numpy's default); `sorted` must
/// not be empty.
pub(crate) fn quantile(sorted: &[f64], q: f64) -> f64 {
    let position = q * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (position - below as f64) * (sorted[above] - sorted[below])
}

/// The median; 0 for no values.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
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

    /// scipy.stats.binom.cdf(3, 50, .1) = .2502939, (700, 8000, .1) = .0000799017,
    /// (0, 22, .1) = .0984771.
    #[test]
    fn binomial_cdf_agrees_with_scipy() {
        for (k, n, expected) in [
            (3, 50, 0.250_293_9),
            (700, 8000, 7.990_168e-5),
            (0, 22, 0.098_477_1),
        ] {
            let ours = binomial_cdf(k, n, 0.1);
            assert!((ours / expected - 1.0).abs() < 1e-3, "{k} of {n}: {ours}");
        }
    }

    #[test]
    fn quantiles_interpolate() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert!((quantile(&sorted, 0.5) - 3.0).abs() < 1e-12);
        assert!((quantile(&sorted, 0.025) - 1.075).abs() < 1e-12);
        assert!((quantile(&sorted, 1.0) - 8.0).abs() < 1e-12);
    }
}
