//! Percentile bootstrap intervals (Efron and Tibshirani 1993, ch. 13), resampled by group.
//!
//! Statements of one group are similar, so whole groups are drawn with replacement; intervals by
//! statement would be too narrow. Each replicate has its own random generator, so the intervals
//! don't depend on the number of threads.
//!
//! Most scores depend only on the number of statements of each kind (for example each pair of gold
//! and predicted code). [`Clusters`] draws these numbers: groups with the same content are treated
//! as one. If many groups have the same content, one draw gives the number of times they occur.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_distr::{Binomial, Distribution};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::{Confusion, EvaluateParams, Score, Scores};
use crate::base::hash::GOLDEN;
use crate::base::statistics::quantile;

const ONE_GROUP: &str = "an interval needs at least two groups";
const OFTEN_UNDEFINED: &str = "undefined in more than one in twenty replicates";
/// A score may be undefined in at most this share of replicates.
const UNDEFINED_SHARE: f64 = 0.05;
/// Counts are drawn at once if there are at least this many groups per distinct content; below it,
/// single draws are as fast.
const ALIKE: usize = 8;

/// Bootstrap draws: each has as many groups as the data, with replacement.
pub(super) struct Draws<'a> {
    groups: usize,
    params: &'a EvaluateParams,
}

impl<'a> Draws<'a> {
    /// Draws from `groups` groups.
    pub(super) fn new(groups: usize, params: &'a EvaluateParams) -> Self {
        Self { groups, params }
    }

    /// Applies `statistic` to each draw, given the number of times each group is drawn. With fewer
    /// than two groups there are no draws.
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
        let mut rng = self.generator(number);
        let mut times = vec![0; self.groups];
        for _ in 0..self.groups {
            times[rng.random_range(0..self.groups)] += 1;
        }
        times
    }

    fn generator(&self, number: u64) -> Xoshiro256PlusPlus {
        let seed = self.params.seed.wrapping_mul(GOLDEN);
        Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_add(number))
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

/// Statements by kind and group, and draws of the groups.
pub(super) struct Clusters<'a> {
    draws: Draws<'a>,
    /// Number of kinds of statements.
    kinds: usize,
    /// The distinct contents of groups: pairs (kind, number of statements).
    contents: Vec<Vec<(usize, u64)>>,
    /// The content of each group, as a position in `contents`.
    content_of: Vec<usize>,
    /// Number of groups with each content.
    alike: Vec<u64>,
}

impl<'a> Clusters<'a> {
    /// Takes the statements as pairs (group number below `groups`, kind number below `kinds`).
    pub(super) fn new(
        statements: impl Iterator<Item = (usize, usize)>,
        groups: usize,
        kinds: usize,
        params: &'a EvaluateParams,
    ) -> Self {
        let mut held = vec![Vec::new(); groups];
        statements.for_each(|(group, kind)| held[group].push(kind));
        let (content_of, contents) = distinct(held.into_iter().map(counted));
        let mut alike = vec![0; contents.len()];
        content_of.iter().for_each(|content| alike[*content] += 1);
        Self {
            draws: Draws::new(groups, params),
            kinds,
            contents,
            content_of,
            alike,
        }
    }

    /// Number of statements of each kind.
    pub(super) fn whole(&self) -> Vec<u64> {
        self.counts(&self.alike)
    }

    /// Applies `statistic` to the numbers of statements by kind in each draw.
    pub(super) fn map<T: Send>(&self, statistic: impl Fn(&[u64]) -> T + Sync) -> Vec<T> {
        if self.content_of.len() < 2 {
            return Vec::new();
        }
        (0..self.draws.params.replicates)
            .into_par_iter()
            .map(|number| statistic(&self.counts(&self.draw(number as u64))))
            .collect()
    }

    /// See [`Draws::add_interval`].
    pub(super) fn add_interval(
        &self,
        score: &mut Score,
        values: impl Iterator<Item = Option<f64>>,
    ) {
        self.draws.add_interval(score, values);
    }

    /// How often groups of each content are drawn.
    fn draw(&self, number: u64) -> Vec<u64> {
        let mut rng = self.draws.generator(number);
        let groups = self.content_of.len();
        if self.contents.len() * ALIKE <= groups {
            return multinomial(&self.alike, &mut rng);
        }
        let mut times = vec![0; self.contents.len()];
        for _ in 0..groups {
            times[self.content_of[rng.random_range(0..groups)]] += 1;
        }
        times
    }

    fn counts(&self, times: &[u64]) -> Vec<u64> {
        let mut counts = vec![0; self.kinds];
        for (content, times) in self.contents.iter().zip(times).filter(|(_, t)| **t > 0) {
            for (kind, n) in content {
                counts[*kind] += n * times;
            }
        }
        counts
    }
}

/// A multinomial sample with as many draws as there are groups: one conditional binomial per
/// content (Davis, "The computer generation of multinomial random variates", 1993).
fn multinomial(alike: &[u64], rng: &mut impl Rng) -> Vec<u64> {
    let mut rest: u64 = alike.iter().sum();
    let mut left = rest;
    let mut times = Vec::with_capacity(alike.len());
    for n in alike {
        let drawn = if *n == rest {
            left
        } else {
            // n < rest, so this is a valid probability for the binomial.
            let binomial = Binomial::new(left, *n as f64 / rest as f64);
            binomial.map_or(0, |binomial| binomial.sample(rng))
        };
        times.push(drawn);
        left -= drawn;
        rest -= n;
    }
    times
}

/// The kinds of a group, ascending, with the number of statements of each.
fn counted(mut kinds: Vec<usize>) -> Vec<(usize, u64)> {
    kinds.sort_unstable();
    let runs = kinds.chunk_by(|a, b| a == b);
    runs.map(|run| (run[0], run.len() as u64)).collect()
}

/// The number of each item, and the distinct items in the order of first occurrence.
pub(super) fn distinct<T: Ord + Clone>(items: impl Iterator<Item = T>) -> (Vec<usize>, Vec<T>) {
    let mut known: BTreeMap<T, usize> = BTreeMap::new();
    let mut all = Vec::new();
    let number = |item: T| {
        *known.entry(item).or_insert_with_key(|item| {
            all.push(item.clone());
            all.len() - 1
        })
    };
    (items.map(number).collect(), all)
}

/// Adds 95 % intervals to all scores; the kinds of the statements are the cells of the confusion
/// matrix, row by row.
pub(super) fn add_intervals(scores: &mut Scores, clusters: &Clusters<'_>) {
    let codes = scores.by_code.len();
    let supported: Vec<usize> = (0..codes)
        .filter(|k| scores.confusion.support(*k) > 0)
        .collect();
    let replicates =
        clusters.map(|cells| replicate(&Confusion::of_cells(codes, cells), &supported));
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
        clusters.add_interval(score, replicates.iter().map(|r| r[position]));
    }
}

/// All scores of one draw, in the order in which intervals are added.
fn replicate(confusion: &Confusion, supported: &[usize]) -> Vec<Option<f64>> {
    let mut all = vec![
        confusion.accuracy().ok(),
        confusion.macro_f1_over(supported),
        confusion.alpha().ok(),
    ];
    for k in 0..confusion.rows().len() {
        all.extend([
            confusion.precision(k).ok(),
            confusion.recall(k).ok(),
            confusion.f1(k).ok(),
        ]);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::with_values;
    use super::*;

    /// Statements of a group as (gold, predicted).
    type Cluster = Vec<(usize, usize)>;

    fn scored(groups: &[Cluster]) -> Scores {
        let params = EvaluateParams::default();
        let rows = groups.iter().enumerate();
        let rows = rows.flat_map(|(g, rows)| rows.iter().map(move |(a, b)| (g, 2 * a + b)));
        let clusters = Clusters::new(rows, groups.len(), 4, &params);
        let confusion = Confusion::of_cells(2, &clusters.whole());
        let mut scores = with_values(&["a".into(), "b".into()], confusion, 0);
        add_intervals(&mut scores, &clusters);
        scores
    }

    /// Each count has the mean and the variance of a multinomial, and the counts add up.
    #[test]
    fn counts_drawn_at_once_are_those_of_single_draws() {
        let params = EvaluateParams {
            replicates: 4000,
            ..EvaluateParams::default()
        };
        let kinds = (0..100).map(|i| (i, usize::from(i >= 60) + usize::from(i >= 97)));
        let clusters = Clusters::new(kinds, 100, 3, &params);
        assert_eq!(clusters.whole(), [60, 37, 3]);
        assert!(clusters.contents.len() * ALIKE <= 100);
        let draws = clusters.map(<[u64]>::to_vec);
        assert!(draws.iter().all(|draw| draw.iter().sum::<u64>() == 100));
        for (kind, p) in [0.6, 0.37, 0.03].into_iter().enumerate() {
            let of: Vec<f64> = draws.iter().map(|draw| draw[kind] as f64).collect();
            let mean = of.iter().sum::<f64>() / 4000.0;
            let variance = of.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / 4000.0;
            let expected = 100.0 * p * (1.0 - p);
            assert!((mean - 100.0 * p).abs() < 4.0 * (expected / 4000.0).sqrt());
            assert!(
                (variance / expected - 1.0).abs() < 0.1,
                "{variance} {expected}"
            );
        }
    }

    /// The same statements in another order, with twice as many kinds.
    #[test]
    fn groups_that_hold_the_same_are_one() {
        let params = EvaluateParams::default();
        let rows = [(0, 2), (1, 1), (0, 1), (1, 2), (2, 1), (1, 2)];
        let clusters = Clusters::new(rows.into_iter(), 3, 3, &params);
        let contents = [vec![(1, 1), (2, 1)], vec![(1, 1), (2, 2)], vec![(1, 1)]];
        assert_eq!(clusters.contents, contents);
        assert_eq!(clusters.whole(), [0, 3, 3]);
        let same = [(0, 0), (1, 0), (0, 1), (1, 1)];
        let clusters = Clusters::new(same.into_iter(), 2, 2, &params);
        assert_eq!(
            (clusters.contents.len(), &clusters.alike[..]),
            (1, &[2][..])
        );
    }

    /// 400 statements with accuracy 80 %: the normal interval is .8 ± 1.96 × .02.
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

    /// The same statements in 40 groups, each entirely right or wrong: √10 times wider.
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
