//! Percentile bootstrap intervals (Efron and Tibshirani 1993, ch. 13), drawn by group.
//!
//! Statements of one group are alike, so whole groups are drawn with replacement: intervals by
//! statement would be too narrow. Each replicate has a generator of its own, so the intervals
//! don't depend on the number of threads.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::{Confusion, EvaluateParams, Score, Scores};

/// Statements of a group as (gold, predicted).
type Cluster = Vec<(usize, usize)>;

const ONE_GROUP: &str = "an interval needs at least two groups";
const OFTEN_UNDEFINED: &str = "undefined in more than one in twenty replicates";
/// Share of replicates in which a score may be undefined.
const UNDEFINED_SHARE: f64 = 0.05;

/// Draws of as many groups as there are, with replacement.
pub(super) struct Draws<'a> {
    groups: usize,
    params: &'a EvaluateParams,
}

impl<'a> Draws<'a> {
    /// Draws from so many groups.
    pub(super) fn new(groups: usize, params: &'a EvaluateParams) -> Self {
        Self { groups, params }
    }

    /// What `statistic` makes of each draw, given how often it holds each group. Without two
    /// groups there is nothing to draw.
    pub(super) fn map<T: Send>(&self, statistic: impl Fn(&[u32]) -> T + Sync) -> Vec<T> {
        if self.groups < 2 {
            return Vec::new();
        }
        (0..self.params.replicates)
            .into_par_iter()
            .map(|number| statistic(&self.times(number as u64)))
            .collect()
    }

    fn times(&self, number: u64) -> Vec<u32> {
        let seed = self.params.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_add(number));
        let mut times = vec![0; self.groups];
        for _ in 0..self.groups {
            times[rng.random_range(0..self.groups)] += 1;
        }
        times
    }

    /// Adds the 95 % interval to a score that has a value, or the reason why there is none.
    pub(super) fn add_interval(
        &self,
        score: &mut Score,
        values: impl Iterator<Item = Option<f64>>,
    ) {
        if score.value.is_none() {
            return;
        }
        let mut defined: Vec<f64> = values.flatten().collect();
        if self.groups < 2 {
            score.reason = Some(ONE_GROUP);
            return;
        }
        if (defined.len() as f64) < self.params.replicates as f64 * (1.0 - UNDEFINED_SHARE) {
            score.reason = Some(OFTEN_UNDEFINED);
            return;
        }
        defined.sort_by(f64::total_cmp);
        score.interval = Some([quantile(&defined, 0.025), quantile(&defined, 0.975)]);
    }
}

/// Adds 95 % intervals to all scores.
pub(super) fn add_intervals(scores: &mut Scores, clusters: &[Cluster], params: &EvaluateParams) {
    let codes = scores.by_code.len();
    let supported: Vec<usize> = (0..codes)
        .filter(|k| scores.confusion.support(*k) > 0)
        .collect();
    let draws = Draws::new(clusters.len(), params);
    let replicates = draws.map(|times| replicate(clusters, times, codes, &supported));
    let main = [
        &mut scores.accuracy,
        &mut scores.macro_f1,
        &mut scores.alpha,
    ];
    let by_code = scores
        .by_code
        .iter_mut()
        .flat_map(|c| [&mut c.precision, &mut c.recall, &mut c.f1]);
    for (position, score) in main.into_iter().chain(by_code).enumerate() {
        draws.add_interval(score, replicates.iter().map(|r| r[position]));
    }
}

/// All scores of one draw, in the order in which intervals are added.
fn replicate(
    clusters: &[Cluster],
    times: &[u32],
    codes: usize,
    supported: &[usize],
) -> Vec<Option<f64>> {
    let mut confusion = Confusion::new(codes);
    for (cluster, times) in clusters.iter().zip(times).filter(|(_, times)| **times > 0) {
        cluster
            .iter()
            .for_each(|(gold, predicted)| confusion.add_times(*gold, *predicted, (*times).into()));
    }
    let mut all = vec![
        confusion.accuracy().ok(),
        confusion.macro_f1_over(supported),
        confusion.alpha().ok(),
    ];
    for k in 0..codes {
        all.extend([
            confusion.precision(k).ok(),
            confusion.recall(k).ok(),
            confusion.f1(k).ok(),
        ]);
    }
    all
}

/// Quantile by linear interpolation between order statistics (numpy's default); `sorted` holds
/// at least one value.
pub(super) fn quantile(sorted: &[f64], q: f64) -> f64 {
    let position = q * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (position - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::super::with_values;
    use super::*;

    fn scored(clusters: &[Cluster]) -> Scores {
        let mut confusion = Confusion::new(2);
        clusters
            .iter()
            .flatten()
            .for_each(|(g, p)| confusion.add(*g, *p));
        let mut scores = with_values(&["a".into(), "b".into()], confusion, 0);
        add_intervals(&mut scores, clusters, &EvaluateParams::default());
        scores
    }

    #[test]
    fn quantiles_interpolate() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert!((quantile(&sorted, 0.5) - 3.0).abs() < 1e-12);
        assert!((quantile(&sorted, 0.025) - 1.075).abs() < 1e-12);
        assert!((quantile(&sorted, 1.0) - 8.0).abs() < 1e-12);
    }

    /// 400 statements of 80 % accuracy: the normal interval is .8 ± 1.96 × .02.
    #[test]
    fn single_statements_give_the_binomial_interval() {
        let clusters: Vec<Cluster> = (0..400)
            .map(|i| vec![(i % 2, (i % 2) ^ usize::from(i % 5 == 0))])
            .collect();
        let [low, high] = scored(&clusters).accuracy.interval.unwrap();
        assert!(
            (low - 0.761).abs() < 0.006 && (high - 0.839).abs() < 0.006,
            "{low} {high}"
        );
    }

    /// The same statements in 40 groups that are right or wrong as a whole: √10 times wider.
    #[test]
    fn groups_widen_the_interval() {
        let clusters: Vec<Cluster> = (0..40)
            .map(|i| vec![(0, usize::from(i % 5 == 0)); 10])
            .collect();
        let [low, high] = scored(&clusters).accuracy.interval.unwrap();
        assert!((high - low) > 0.2, "{low} {high}");
    }

    #[test]
    fn what_is_undefined_has_a_reason() {
        let scores = scored(&[vec![(0, 0), (0, 0)]]);
        assert_eq!(scores.accuracy.reason, Some(ONE_GROUP));
        assert_eq!(scores.alpha.value, None);
        assert!(scores.by_code[1].recall.reason.is_some());
        let rare: Vec<Cluster> = (0..50).map(|i| vec![(usize::from(i == 0), 0)]).collect();
        assert_eq!(scored(&rare).by_code[1].f1.reason, Some(OFTEN_UNDEFINED));
    }
}
