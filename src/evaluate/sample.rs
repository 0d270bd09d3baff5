//! Chooses the statements that a person should code next.

use std::collections::{BTreeMap, BTreeSet};

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::Serialize;

use crate::error::Result;
use crate::features::StaticEncoder;
use crate::model::Model;

/// The reason why a statement was picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SampledBy {
    /// At random: only these rows are valid for scores and shares.
    Random,
    /// At random within each value of a column.
    Quota,
    /// Because the model is least sure of the statement.
    Uncertain,
    /// Because the statement is unlike all known statements.
    Diverse,
}

impl SampledBy {
    /// All reasons.
    pub const ALL: [Self; 4] = [Self::Random, Self::Quota, Self::Uncertain, Self::Diverse];

    /// The value in the column `sampled_by`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Quota => "quota",
            Self::Uncertain => "uncertain",
            Self::Diverse => "diverse",
        }
    }
}

/// A picked statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picked {
    /// Position of the statement.
    pub position: usize,
    /// The reason.
    pub by: SampledBy,
}

/// Picks statements from a file; no statement is picked twice.
pub struct Sampler {
    /// Positions of the statements that may still be picked, ascending.
    open: Vec<usize>,
    picked: Vec<Picked>,
    rng: Xoshiro256PlusPlus,
}

impl Sampler {
    /// Picks only from the statements at the positions `open`.
    pub fn new(open: Vec<usize>, seed: u64) -> Self {
        Self {
            open,
            picked: Vec::new(),
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
        }
    }

    /// Positions of the statements that may still be picked, ascending.
    pub fn open(&self) -> &[usize] {
        &self.open
    }

    /// Picks `n` at random. Call this first, otherwise the picks are not random over all
    /// statements.
    pub fn random(&mut self, n: usize) {
        let chosen = self.chosen(&self.open.clone(), n);
        self.take(&chosen, SampledBy::Random);
    }

    /// Picks `n` at random for each value; statements without a value are not picked.
    pub fn quota(&mut self, n: usize, value: impl Fn(usize) -> Option<String>) {
        let mut by_value: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for &position in &self.open {
            if let Some(value) = value(position) {
                by_value.entry(value).or_default().push(position);
            }
        }
        for positions in by_value.into_values() {
            let chosen = self.chosen(&positions, n);
            self.take(&chosen, SampledBy::Quota);
        }
    }

    /// Picks the `n` statements with the lowest `probability`; on ties the earlier ones.
    pub fn uncertain(&mut self, n: usize, probability: impl Fn(usize) -> Option<f64>) {
        let with = |p: &usize| Some((probability(*p)?, *p));
        let mut order: Vec<(f64, usize)> = self.open.iter().filter_map(with).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let chosen: Vec<usize> = order.into_iter().take(n).map(|(_, p)| p).collect();
        self.take(&chosen, SampledBy::Uncertain);
    }

    /// Picks `n` one by one. Each is the one with the largest angle to its nearest known statement
    /// (k-centre greedy; Sener and Savarese 2018). Known are the picks so far and the statements at
    /// `known`; without any, the first pick is the one nearest to the mean.
    ///
    /// `vectors` has one vector per statement of the file, with length 1, or 0 without known words;
    /// statements with length 0 are not picked.
    pub fn diverse(&mut self, n: usize, vectors: &[Vec<f32>], known: &[usize]) {
        let mut nearest: Vec<(usize, f32)> = self
            .open
            .iter()
            .filter(|p| vectors[**p].iter().any(|x| *x != 0.0))
            .map(|p| (*p, f32::NEG_INFINITY))
            .collect();
        let picked = self.picked.iter().map(|p| p.position);
        for centre in known.iter().copied().chain(picked) {
            raise(&mut nearest, &vectors[centre], vectors);
        }
        let mut chosen = Vec::new();
        while chosen.len() < n && !nearest.is_empty() {
            let is_first = nearest[0].1 == f32::NEG_INFINITY;
            let at = if is_first {
                central(&nearest, vectors)
            } else {
                farthest(&nearest)
            };
            let (position, _) = nearest.remove(at);
            raise(&mut nearest, &vectors[position], vectors);
            chosen.push(position);
        }
        self.take(&chosen, SampledBy::Diverse);
    }

    /// The picks in random order: a person who stops early has still coded a random part.
    pub fn finish(mut self) -> Vec<Picked> {
        self.picked.shuffle(&mut self.rng);
        self.picked
    }

    fn chosen(&mut self, from: &[usize], n: usize) -> Vec<usize> {
        let mut left = from.to_vec();
        let n = n.min(left.len());
        for i in 0..n {
            let other = self.rng.random_range(i..left.len());
            left.swap(i, other);
        }
        left.truncate(n);
        left
    }

    fn take(&mut self, chosen: &[usize], by: SampledBy) {
        let taken: BTreeSet<usize> = chosen.iter().copied().collect();
        self.open.retain(|position| !taken.contains(position));
        let picked = chosen.iter().map(|&position| Picked { position, by });
        self.picked.extend(picked);
    }
}

/// Raises each likeness to the likeness with `centre`, if that is higher.
fn raise(nearest: &mut [(usize, f32)], centre: &[f32], vectors: &[Vec<f32>]) {
    nearest.par_iter_mut().for_each(|(position, likeness)| {
        *likeness = likeness.max(dot(&vectors[*position], centre));
    });
}

fn farthest(nearest: &[(usize, f32)]) -> usize {
    let lower = |best: usize, i: usize| {
        if nearest[i].1 < nearest[best].1 {
            i
        } else {
            best
        }
    };
    (1..nearest.len()).fold(0, lower)
}

fn central(nearest: &[(usize, f32)], vectors: &[Vec<f32>]) -> usize {
    let mut mean = vec![0.0; vectors[nearest[0].0].len()];
    for (position, _) in nearest {
        for (sum, x) in mean.iter_mut().zip(&vectors[*position]) {
            *sum += x;
        }
    }
    let likeness: Vec<f32> = nearest
        .iter()
        .map(|(p, _)| dot(&vectors[*p], &mean))
        .collect();
    let higher = |best: usize, i: usize| {
        if likeness[i] > likeness[best] {
            i
        } else {
            best
        }
    };
    (1..nearest.len()).fold(0, higher)
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// The vectors of statements by the shipped encoder, with length 1, or 0 without known words.
pub fn statement_vectors(texts: &[&str]) -> Result<Vec<Vec<f32>>> {
    let (model, encoder) = (Model::starter()?, StaticEncoder::shipped()?);
    let features = model.extractor().extract_all(texts)?;
    let vector = |f: &crate::features::StatementFeatures| {
        let tokens: Vec<u32> = f.tokens.iter().flatten().copied().collect();
        let vector = encoder.vector(&tokens, f.semantic_norm);
        let length = dot(&vector, &vector).sqrt();
        let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
        vector.iter().map(|x| x * scale).collect()
    };
    Ok(features.par_iter().map(vector).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(sampler: Sampler, by: SampledBy) -> Vec<usize> {
        let picked = sampler.finish().into_iter().filter(|p| p.by == by);
        let mut positions: Vec<usize> = picked.map(|p| p.position).collect();
        positions.sort_unstable();
        positions
    }

    #[test]
    fn no_statement_is_picked_twice() {
        let mut sampler = Sampler::new((0..40).collect(), 1);
        sampler.random(10);
        sampler.quota(5, |p| Some((p % 2).to_string()));
        sampler.uncertain(10, |p| Some(p as f64));
        sampler.diverse(100, &vec![vec![1.0, 0.0]; 40], &[]);
        let picked: BTreeSet<usize> = sampler.finish().iter().map(|p| p.position).collect();
        assert_eq!(picked.len(), 40);
    }

    /// Each of 20 statements is in a random sample of five in about a quarter of 4,000 draws.
    #[test]
    fn random_picks_each_equally_often() {
        let mut times = [0; 20];
        for seed in 0..4000 {
            let mut sampler = Sampler::new((0..20).collect(), seed);
            sampler.random(5);
            sampler.finish().iter().for_each(|p| times[p.position] += 1);
        }
        // Standard deviation √(4000 × ¼ × ¾) = 27.
        assert!(times.iter().all(|n| (890..1110).contains(n)), "{times:?}");
    }

    #[test]
    fn the_least_sure_are_picked() {
        let mut sampler = Sampler::new((0..5).collect(), 1);
        let probability = [Some(0.9), Some(0.4), None, Some(0.5), Some(0.4)];
        sampler.uncertain(3, |p| probability[p]);
        assert_eq!(positions(sampler, SampledBy::Uncertain), [1, 3, 4]);
    }

    #[test]
    fn quotas_draw_from_each_value() {
        let mut sampler = Sampler::new((0..30).collect(), 1);
        sampler.quota(2, |p| {
            (p > 2).then(|| if p < 4 { "rare" } else { "common" }.to_string())
        });
        let picked = positions(sampler, SampledBy::Quota);
        assert_eq!(picked.len(), 3);
        assert!(picked.contains(&3));
    }

    /// Two clusters and one outlier: one of each is picked before a second of a cluster.
    #[test]
    fn the_unlike_are_picked_first() {
        let vectors: Vec<Vec<f32>> = [0.0_f32, 0.05, 0.1, 1.5, 1.55, 3.0]
            .iter()
            .map(|angle| vec![angle.cos(), angle.sin()])
            .collect();
        let mut sampler = Sampler::new((0..6).collect(), 1);
        sampler.diverse(2, &vectors, &[0]);
        assert_eq!(positions(sampler, SampledBy::Diverse), [3, 5]);
        let mut sampler = Sampler::new((0..3).collect(), 1);
        sampler.diverse(1, &vectors, &[]);
        assert_eq!(positions(sampler, SampledBy::Diverse), [1]);
    }
}
