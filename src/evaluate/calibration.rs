//! Whether probabilities are calibrated, and how accuracy grows if uncertain statements are
//! dropped.

use std::cmp::Ordering;

use schemars::JsonSchema;
use serde::Serialize;

use super::bootstrap::Draws;
use super::counts::NO_STATEMENT;
use super::{EvaluateParams, Score};
use crate::base::statistics::{quantile, wilson};
use crate::model::argmax;

/// Equal-width bins of the expected calibration error, as in Guo et al. 2017.
const ECE_BINS: usize = 15;
/// Equal-count bins of the reliability curve.
const RELIABILITY_BINS: usize = 10;
/// Number of coverages in the risk–coverage curve: steps of 5 % of the statements.
const COVERAGES: usize = 20;

/// Reason for a missing top-2 accuracy.
const TWO_CODES: &str = "with one or two codes the two most probable codes are all codes";

/// The prediction for a statement with a known code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast<'a> {
    /// The gold code.
    pub gold: usize,
    /// Probability of each code, summing to 1.
    pub probabilities: &'a [f64],
    /// Number of the statement's group, from 0 without gaps; the bootstrap draws groups.
    pub group: usize,
}

/// Calibration of the probabilities.
///
/// *Confidence* is the probability of the best code. *Right* means that the best code is the gold
/// code.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Calibration {
    /// Expected calibration error: Σ over 15 bins ((b−1)/15, b/15] of confidence, of the share of
    /// statements in the bin × |accuracy − mean confidence| (Guo et al., "On calibration of modern
    /// neural networks", 2017). Random differences count too, so the error is above 0 even for
    /// perfect probabilities, and larger with fewer statements.
    pub ece: Score,
    /// Number of bins in `ece`.
    pub ece_bins: usize,
    /// Brier score, from 0 to 2: mean over statements of Σ over codes (probability − 1 or 0)²
    /// (Brier 1950).
    pub brier: Score,
    /// Mean of −ln p for the gold code; p is clamped to at least 2⁻⁵².
    pub log_loss: Score,
    /// Area under the risk–coverage curve: the mean, over k = 1…n, of the error rate in the k most
    /// confident statements (Geifman and `El-Yaniv` 2017); ties count as their mean.
    pub aurc: Score,
    /// Share of statements whose gold code is one of the two most probable codes. On ties the
    /// earlier code counts as more probable.
    pub top2_accuracy: Score,
    /// Statements by deciles of confidence; ties stay together, empty bins are left out.
    pub reliability: Vec<ReliabilityBin>,
    /// Error rates in the most confident 5 %, 10 %, … 100 %.
    pub risk_coverage: Vec<RiskAtCoverage>,
}

/// Statements with similar confidence.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReliabilityBin {
    /// Number of statements.
    pub n: u64,
    /// Lowest confidence.
    pub from: f64,
    /// Highest confidence.
    pub to: f64,
    /// Mean confidence.
    pub confidence: f64,
    /// Share of right statements, with Wilson's interval.
    pub accuracy: Score,
}

/// The error rate if only the most confident statements are kept.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RiskAtCoverage {
    /// Share of the statements kept.
    pub coverage: f64,
    /// Number of statements kept.
    pub n: u64,
    /// Lowest confidence in the kept statements.
    pub confidence: f64,
    /// Share of errors in the kept statements; statements tied at the edge count as their mean.
    pub risk: f64,
}

/// The values of a statement for the sums; small, because each draw scans all rows.
struct Row {
    confidence: f64,
    brier: f64,
    log_loss: f64,
    group: u32,
    /// Bin of `ece`.
    bin: u8,
    right: bool,
    /// Whether the gold code is one of the two most probable codes.
    in_top_two: bool,
    /// Whether the next row is less confident.
    ends_tie: bool,
}

/// The scores of a sample, in the order of [`Calibration`].
type Summary = [f64; 5];

impl Calibration {
    /// Measures the forecasts; the intervals are from a bootstrap of their `groups` groups.
    pub fn measure(forecasts: &[Forecast<'_>], groups: usize, params: &EvaluateParams) -> Self {
        let mut rows: Vec<Row> = forecasts.iter().map(row).collect();
        // Only ties keep the order of the file. Sums over whole ties depend on this order only by
        // rounding.
        rows.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        for i in 1..rows.len() {
            rows[i - 1].ends_tie = rows[i - 1]
                .confidence
                .total_cmp(&rows[i].confidence)
                .is_ne();
        }
        let whole = summary(&rows, &vec![1; groups]);
        let draws = Draws::new(groups, params);
        let replicates = draws.map(|times| summary(&rows, times));
        let score = |position: usize| {
            let mut score: Score = whole.map(|s| s[position]).ok_or(NO_STATEMENT).into();
            let values = replicates.iter().map(|s| s.map(|s| s[position]));
            draws.add_interval(&mut score, values);
            score
        };
        let codes = forecasts.first().map_or(0, |f| f.probabilities.len());
        Self {
            ece: score(0),
            ece_bins: ECE_BINS,
            brier: score(1),
            log_loss: score(2),
            aurc: score(3),
            top2_accuracy: match codes {
                1 | 2 => Err(TWO_CODES).into(),
                _ => score(4),
            },
            reliability: reliability(&rows),
            risk_coverage: risk_coverage(&rows),
        }
    }
}

fn row(forecast: &Forecast<'_>) -> Row {
    let p = forecast.probabilities;
    let best = argmax(p);
    let off = |(k, p): (usize, &f64)| (p - f64::from(u8::from(k == forecast.gold))).powi(2);
    Row {
        confidence: p[best],
        right: best == forecast.gold,
        in_top_two: is_in_top_two(p, forecast.gold),
        brier: p.iter().enumerate().map(off).sum(),
        log_loss: -p[forecast.gold].max(f64::EPSILON).ln(),
        group: forecast.group as u32,
        bin: bin_of(p[best]) as u8,
        ends_tie: true,
    }
}

/// On ties the earlier code is more probable, as for the best code.
fn is_in_top_two(p: &[f64], code: usize) -> bool {
    let is_before = |(k, other): &(usize, &f64)| match other.total_cmp(&p[code]) {
        Ordering::Greater => true,
        Ordering::Equal => *k < code,
        Ordering::Less => false,
    };
    p.iter().enumerate().filter(is_before).count() < 2
}

#[derive(Clone, Copy, Default)]
struct Bin {
    n: f64,
    confidence: f64,
    right: f64,
}

/// The scores of the rows, each counted as often as its group was drawn; `None` without rows.
fn summary(rows: &[Row], times: &[u32]) -> Option<Summary> {
    let mut bins = [Bin::default(); ECE_BINS];
    let (mut n, mut brier, mut log_loss) = (0.0, 0.0, 0.0);
    let (mut errors, mut area, mut top_two) = (0.0, 0.0, 0.0);
    let (mut tied, mut tied_errors) = (0.0, 0.0);
    for row in rows {
        // Whether a row was drawn is random: adding zero is faster than a mispredicted branch.
        let times = f64::from(times[row.group as usize]);
        let right = if row.right { times } else { 0.0 };
        let bin = &mut bins[usize::from(row.bin)];
        bin.n += times;
        bin.confidence += times * row.confidence;
        bin.right += right;
        brier += times * row.brier;
        log_loss += times * row.log_loss;
        top_two += if row.in_top_two { times } else { 0.0 };
        tied += times;
        tied_errors += times - right;
        if row.ends_tie {
            area += tied_area(n, errors, tied, tied_errors);
            n += tied;
            errors += tied_errors;
            (tied, tied_errors) = (0.0, 0.0);
        }
    }
    let gap: f64 = bins.iter().map(|b| (b.right - b.confidence).abs()).sum();
    (n > 0.0).then(|| [gap / n, brier / n, log_loss / n, area / n, top_two / n])
}

/// Bin b is ((b−1)/15, b/15]; 0 belongs to the first bin.
fn bin_of(confidence: f64) -> usize {
    ((confidence * ECE_BINS as f64).ceil() as usize).clamp(1, ECE_BINS) - 1
}

/// Sum of the error rates while `tied` statements with `tied_errors` errors, in any order, are
/// added to `n` statements with `errors` errors.
fn tied_area(n: f64, errors: f64, tied: f64, tied_errors: f64) -> f64 {
    let rate = tied_errors / tied.max(1.0);
    let after = |j: f64| (errors + j * rate) / (n + j);
    let first = if tied > 0.0 { after(1.0) } else { 0.0 };
    (2..=tied as u64).fold(first, |area, j| area + after(j as f64))
}

/// `rows` are in descending confidence. The edges are numpy's percentiles, as in scikit-learn's
/// `calibration_curve(strategy="quantile")`.
fn reliability(rows: &[Row]) -> Vec<ReliabilityBin> {
    if rows.is_empty() {
        return Vec::new();
    }
    let rising: Vec<f64> = rows.iter().rev().map(|r| r.confidence).collect();
    let edges: Vec<f64> = (1..RELIABILITY_BINS)
        .map(|i| quantile(&rising, i as f64 / RELIABILITY_BINS as f64))
        .collect();
    let bin = |row: &Row| edges.partition_point(|edge| *edge < row.confidence);
    let mut bins: Vec<ReliabilityBin> = rows
        .chunk_by(|a, b| bin(a) == bin(b))
        .map(reliability_bin)
        .collect();
    bins.reverse();
    bins
}

fn reliability_bin(rows: &[Row]) -> ReliabilityBin {
    let n = rows.len() as u64;
    let right = rows.iter().filter(|r| r.right).count() as u64;
    ReliabilityBin {
        n,
        from: rows[rows.len() - 1].confidence,
        to: rows[0].confidence,
        confidence: rows.iter().map(|r| r.confidence).sum::<f64>() / n as f64,
        accuracy: Score {
            value: Some(right as f64 / n as f64),
            interval: Some(wilson(right, n)),
            reason: None,
        },
    }
}

fn risk_coverage(rows: &[Row]) -> Vec<RiskAtCoverage> {
    let mut curve = Vec::new();
    let (mut before, mut errors) = (0, 0.0);
    let mut step = 1;
    for tie in rows.chunk_by(|a, b| a.confidence.total_cmp(&b.confidence).is_eq()) {
        let tied_errors = tie.iter().filter(|r| !r.right).count() as f64;
        while step <= COVERAGES && kept(step, rows.len()) <= before + tie.len() {
            let n = kept(step, rows.len());
            let joined = (n - before) as f64;
            curve.push(RiskAtCoverage {
                coverage: step as f64 / COVERAGES as f64,
                n: n as u64,
                confidence: tie[0].confidence,
                risk: (errors + joined * tied_errors / tie.len() as f64) / n as f64,
            });
            step += 1;
        }
        before += tie.len();
        errors += tied_errors;
    }
    curve
}

/// Number of statements kept at a coverage of `step` twentieths, rounded up.
fn kept(step: usize, rows: usize) -> usize {
    (step * rows).div_ceil(COVERAGES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(forecasts: &[(usize, [f64; 2])]) -> Calibration {
        let forecasts: Vec<Forecast<'_>> = forecasts
            .iter()
            .enumerate()
            .map(|(group, (gold, probabilities))| Forecast {
                gold: *gold,
                probabilities,
                group,
            })
            .collect();
        Calibration::measure(&forecasts, forecasts.len(), &EvaluateParams::default())
    }

    fn is(score: &Score, expected: f64) {
        let value = score.value.unwrap();
        assert!((value - expected).abs() < 1e-12, "{value} {expected}");
    }

    #[test]
    fn sure_and_right_is_perfect() {
        let c = measure(&[(0, [1.0, 0.0]), (1, [0.0, 1.0])]);
        for score in [&c.ece, &c.brier, &c.log_loss, &c.aurc] {
            is(score, 0.0);
        }
        assert_eq!(c.reliability.len(), 1);
        assert!(c.risk_coverage.iter().all(|r| r.risk == 0.0));
    }

    #[test]
    fn sure_and_wrong_is_worst_but_finite() {
        let c = measure(&[(1, [1.0, 0.0]), (0, [0.0, 1.0])]);
        is(&c.ece, 1.0);
        is(&c.brier, 2.0);
        is(&c.log_loss, 52.0 * std::f64::consts::LN_2);
        is(&c.aurc, 1.0);
    }

    /// Nine of ten right at .9: perfectly calibrated, and no order within the tie.
    #[test]
    fn a_tie_counts_as_its_mean() {
        let mut rows = vec![(0, [0.9, 0.1]); 9];
        rows.push((1, [0.9, 0.1]));
        let forward = measure(&rows);
        rows.reverse();
        let backward = measure(&rows);
        is(&forward.ece, 0.0);
        is(&forward.aurc, 0.1);
        is(&backward.aurc, 0.1);
        assert_eq!(forward.risk_coverage, backward.risk_coverage);
        assert_eq!(forward.risk_coverage[0].n, 1);
        assert!((forward.risk_coverage[0].risk - 0.1).abs() < 1e-12);
    }

    #[test]
    fn without_a_statement_there_is_a_reason() {
        let c = measure(&[]);
        assert_eq!(c.ece.value, None);
        assert_eq!(c.brier.reason, Some(NO_STATEMENT));
        assert!(c.reliability.is_empty() && c.risk_coverage.is_empty());
    }

    #[test]
    fn one_statement_has_values_and_no_interval() {
        let c = measure(&[(0, [0.6, 0.4])]);
        is(&c.ece, 0.4);
        assert!(c.ece.interval.is_none() && c.ece.reason.is_some());
        assert_eq!(c.risk_coverage.len(), COVERAGES);
    }

    #[test]
    fn bins_hold_their_upper_edge() {
        assert_eq!(
            [0.0, 1e-9, 0.2, 0.21, 1.0].map(bin_of),
            [0, 0, 2, 3, ECE_BINS - 1]
        );
    }
}
