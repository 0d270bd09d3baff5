//! The confusion matrix and the scores derived from it.

use schemars::JsonSchema;
use serde::Serialize;

/// Counts of statements by gold code (row) and predicted code (column).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Confusion {
    counts: Vec<Vec<u64>>,
}

/// A score, or why it is undefined.
type Derived = Result<f64, &'static str>;

pub(super) const NO_STATEMENT: &str = "no statement";
const NOT_IN_GOLD: &str = "the code does not occur in the gold";
const NEVER_PREDICTED: &str = "the code is never predicted";
pub(super) const ONE_VALUE: &str = "only one code occurs";

impl Confusion {
    /// An empty matrix for `codes` codes.
    pub fn new(codes: usize) -> Self {
        Self {
            counts: vec![vec![0; codes]; codes],
        }
    }

    /// Builds a matrix from its cells, row by row.
    pub(super) fn of_cells(codes: usize, cells: &[u64]) -> Self {
        Self {
            counts: cells.chunks(codes).map(<[u64]>::to_vec).collect(),
        }
    }

    /// Counts a statement.
    pub fn add(&mut self, gold: usize, predicted: usize) {
        self.add_times(gold, predicted, 1);
    }

    /// Counts a statement `times` times.
    pub(super) fn add_times(&mut self, gold: usize, predicted: usize, times: u64) {
        self.counts[gold][predicted] += times;
    }

    /// The counts, one row per gold code.
    pub fn rows(&self) -> &[Vec<u64>] {
        &self.counts
    }

    /// Number of statements.
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Number of statements with gold code `k`.
    pub fn support(&self, k: usize) -> u64 {
        self.counts[k].iter().sum()
    }

    /// Number of statements with predicted code `k`.
    pub fn predicted(&self, k: usize) -> u64 {
        self.counts.iter().map(|row| row[k]).sum()
    }

    /// The same gold codes, all predicted as `code`.
    #[must_use]
    pub fn always(&self, code: usize) -> Self {
        let mut counts = vec![vec![0; self.counts.len()]; self.counts.len()];
        for (gold, row) in counts.iter_mut().enumerate() {
            row[code] = self.support(gold);
        }
        Self { counts }
    }

    /// Share of statements with the right code.
    pub fn accuracy(&self) -> Derived {
        let right = (0..self.counts.len()).map(|k| self.counts[k][k]).sum();
        ratio(right, self.total()).ok_or(NO_STATEMENT)
    }

    /// Share of statements predicted as `k` whose gold code is `k`.
    pub fn precision(&self, k: usize) -> Derived {
        ratio(self.counts[k][k], self.predicted(k)).ok_or(NEVER_PREDICTED)
    }

    /// Share of statements with gold code `k` that are predicted as `k`.
    pub fn recall(&self, k: usize) -> Derived {
        ratio(self.counts[k][k], self.support(k)).ok_or(NOT_IN_GOLD)
    }

    /// F1 = 2 TP / (2 TP + FP + FN); undefined for a code that is not in the gold.
    pub fn f1(&self, k: usize) -> Derived {
        if self.support(k) == 0 {
            return Err(NOT_IN_GOLD);
        }
        ratio(2 * self.counts[k][k], self.support(k) + self.predicted(k)).ok_or(NOT_IN_GOLD)
    }

    /// Mean F1 over the codes that occur in the gold.
    pub fn macro_f1(&self) -> Derived {
        let scores: Vec<f64> = (0..self.counts.len())
            .filter_map(|k| self.f1(k).ok())
            .collect();
        if scores.is_empty() {
            return Err(NO_STATEMENT);
        }
        Ok(scores.iter().sum::<f64>() / scores.len() as f64)
    }

    /// Mean F1 over these codes; `None` unless all of them occur in the gold. A draw without one of
    /// them has no mean over the same codes.
    pub(super) fn macro_f1_over(&self, supported: &[usize]) -> Option<f64> {
        let all = supported.iter().all(|k| self.support(*k) > 0);
        self.macro_f1().ok().filter(|_| all)
    }

    /// Krippendorff's alpha for two coders (nominal, nothing missing): 1 − observed / expected
    /// disagreement (Krippendorff, "Content Analysis", ch. 12).
    pub fn alpha(&self) -> Derived {
        let n = self.total();
        if n == 0 {
            return Err(NO_STATEMENT);
        }
        let right: u64 = (0..self.counts.len()).map(|k| self.counts[k][k]).sum();
        let values = 2 * n;
        let same: f64 = (0..self.counts.len())
            .map(|k| (self.support(k) + self.predicted(k)) as f64)
            .map(|count| count * (count - 1.0))
            .sum();
        let expected = 1.0 - same / (values as f64 * (values as f64 - 1.0));
        if expected <= 0.0 {
            return Err(ONE_VALUE);
        }
        let observed = (n - right) as f64 / n as f64;
        Ok(1.0 - observed / expected)
    }
}

pub(super) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confusion(codes: usize, pairs: &[(usize, usize)]) -> Confusion {
        let mut confusion = Confusion::new(codes);
        pairs.iter().for_each(|(g, p)| confusion.add(*g, *p));
        confusion
    }

    /// Here scikit-learn gives macro F1 .45: it counts the unsupported fourth code as 0. The mean
    /// over the three supported codes is .60.
    #[test]
    fn macro_f1_is_over_supported_codes() {
        let c = confusion(4, &[(0, 0), (1, 1), (1, 1), (2, 1)]);
        assert!((c.macro_f1().unwrap() - 0.6).abs() < 1e-12);
        assert_eq!(c.f1(3), Err(NOT_IN_GOLD));
        assert_eq!(c.precision(2), Err(NEVER_PREDICTED));
        assert_eq!(c.f1(2), Ok(0.0));
    }

    #[test]
    fn degenerate_cases_have_a_reason_and_no_number() {
        let empty = Confusion::new(2);
        assert_eq!(
            (empty.accuracy(), empty.alpha()),
            (Err(NO_STATEMENT), Err(NO_STATEMENT))
        );
        assert_eq!(confusion(2, &[(0, 0), (0, 0)]).alpha(), Err(ONE_VALUE));
    }

    /// 95 × (0,0), 1 × (1,1), 2 × (0,1), 2 × (1,0): alpha .316 by the `krippendorff` package.
    #[test]
    fn alpha_under_skew() {
        let mut pairs = vec![(0, 0); 95];
        pairs.extend([(1, 1), (0, 1), (0, 1), (1, 0), (1, 0)]);
        assert!((confusion(2, &pairs).alpha().unwrap() - 0.316).abs() < 5e-4);
    }
}
