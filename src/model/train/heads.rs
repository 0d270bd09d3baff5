//! Chooses the head of a variable.

use ndarray::{Array2, Axis};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::model::{Decision, Head, Thresholds};

/// A way to make a head.
#[derive(Debug, Clone, Copy)]
pub(super) enum Recipe<'a> {
    /// A regression on scores and cues, with this penalty.
    Weighing(f64),
    /// One factor scales the scores; if `flattens`, their spread is normalised too.
    Scaling { flattens: bool },
    /// The head of the prior model, unchanged.
    Kept(&'a Head),
}

/// A head that may be chosen.
struct Candidate {
    head: Head,
    /// For each statement, from the head that left its fold out.
    probabilities: Vec<Vec<f64>>,
    /// Log loss of the probabilities.
    loss: f64,
}

/// The training data of a variable's heads.
pub(super) struct Heads<'a> {
    /// Shape statements × inputs.
    pub(super) inputs: &'a Array2<f64>,
    pub(super) codes: &'a [usize],
    pub(super) folds: Vec<usize>,
    pub(super) classes: usize,
}

impl Heads<'_> {
    /// A head fitted on all statements outside `fold`.
    fn fit_without(&self, fold: Option<usize>, recipe: Recipe<'_>) -> Result<Head> {
        let kept: Vec<usize> = (0..self.codes.len())
            .filter(|r| Some(self.folds[*r]) != fold)
            .collect();
        let codes: Vec<usize> = kept.iter().map(|r| self.codes[*r]).collect();
        let inputs = self.inputs.select(Axis(0), &kept);
        match recipe {
            Recipe::Weighing(alpha) => Head::fit(&inputs, &codes, self.classes, alpha),
            Recipe::Scaling { flattens } => {
                Ok(Head::scaling(&inputs, &codes, self.classes, flattens))
            }
            Recipe::Kept(head) => Ok(head.clone()),
        }
    }

    /// The probabilities of each statement, from the head that left its fold out.
    fn out_of_fold(&self, recipe: Recipe<'_>) -> Result<Vec<Vec<f64>>> {
        let count = self.folds.iter().max().map_or(0, |last| last + 1);
        let by_fold = (0..count)
            .into_par_iter()
            .map(|fold| self.fit_without(Some(fold), recipe))
            .collect::<Result<Vec<_>>>()?;
        let rows = self.inputs.rows().into_iter().zip(&self.folds);
        Ok(rows
            .map(|(row, fold)| by_fold[*fold].probabilities(row.iter().copied()))
            .collect())
    }

    /// The head with the smallest log loss on unseen statements, and its probabilities.
    ///
    /// With few statements, a head with one or two numbers or the head of the prior model beats a
    /// head that is learned from them. The search over penalties starts in the middle. It goes up,
    /// or else down, as long as the loss improves. A head that does not converge is skipped.
    pub(super) fn best(
        &self,
        kept: Option<Recipe<'_>>,
        alphas: &[f64],
    ) -> Result<(Head, Vec<Vec<f64>>)> {
        let plain = Recipe::Scaling { flattens: false };
        let probabilities = self.out_of_fold(plain)?;
        let mut chosen = Candidate {
            loss: log_loss(&probabilities, self.codes),
            head: self.fit_without(None, plain)?,
            probabilities,
        };
        self.attempt(Recipe::Scaling { flattens: true }, &mut chosen)?;
        if let Some(recipe) = kept {
            self.attempt(recipe, &mut chosen)?;
        }
        let mut ladder = alphas.to_vec();
        ladder.sort_by(f64::total_cmp);
        let (below, from_middle) = ladder.split_at(ladder.len() / 2);
        let mut rose = false;
        for (step, alpha) in from_middle.iter().enumerate() {
            let better = self.attempt(Recipe::Weighing(*alpha), &mut chosen)?;
            rose |= better && step > 0;
            if !better && step > 0 {
                break;
            }
        }
        for alpha in below.iter().rev().take_while(|_| !rose) {
            if !self.attempt(Recipe::Weighing(*alpha), &mut chosen)? {
                break;
            }
        }
        Ok((chosen.head, chosen.probabilities))
    }

    /// Replaces the chosen head with this one if this one is better; returns whether it did.
    fn attempt(&self, recipe: Recipe<'_>, chosen: &mut Candidate) -> Result<bool> {
        let Some(probabilities) = converged(self.out_of_fold(recipe))? else {
            return Ok(false);
        };
        let loss = log_loss(&probabilities, self.codes);
        if loss >= chosen.loss {
            return Ok(false);
        }
        let Some(head) = converged(self.fit_without(None, recipe))? else {
            return Ok(false);
        };
        *chosen = Candidate {
            head,
            probabilities,
            loss,
        };
        Ok(true)
    }

    /// The decision for each statement, by thresholds chosen on the other folds.
    pub(super) fn decisions(&self, outcomes: &[(f64, bool)], stated_error: f64) -> Vec<Decision> {
        let count = self.folds.iter().max().map_or(0, |last| last + 1);
        let without = |fold: usize| {
            let others = outcomes
                .iter()
                .zip(&self.folds)
                .filter(|(_, f)| **f != fold);
            Thresholds::choose(&others.map(|(o, _)| *o).collect::<Vec<_>>(), stated_error)
        };
        let by_fold: Vec<Thresholds> = (0..count).map(without).collect();
        let rows = outcomes.iter().zip(&self.folds);
        rows.map(|((p, _), fold)| by_fold[*fold].decide(*p))
            .collect()
    }
}

/// `None` for a fit that did not converge.
fn converged<T>(fitted: Result<T>) -> Result<Option<T>> {
    match fitted {
        Ok(fitted) => Ok(Some(fitted)),
        Err(Error::NotConverged { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Mean of −ln p for the right code; p is clamped to at least 10⁻⁹.
fn log_loss(probabilities: &[Vec<f64>], codes: &[usize]) -> f64 {
    let losses = probabilities
        .iter()
        .zip(codes)
        .map(|(p, code)| -p[*code].max(1e-9).ln());
    losses.sum::<f64>() / codes.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Six statements with three codes in two folds, all scored correctly.
    fn inputs() -> Array2<f64> {
        Array2::from_shape_fn((6, 3), |(i, k)| if i % 3 == k { 2.0 } else { -1.0 })
    }

    #[test]
    fn the_head_with_the_least_loss_is_chosen_and_scaling_needs_no_other() {
        let inputs = inputs();
        let heads = Heads {
            inputs: &inputs,
            codes: &[0, 1, 2, 0, 1, 2],
            folds: vec![0, 0, 0, 1, 1, 1],
            classes: 3,
        };
        let (alone, _) = heads.best(None, &[]).unwrap();
        assert_eq!(alone.alpha, None);
        let (chosen, _) = heads.best(None, &[1000.0]).unwrap();
        assert_eq!(
            chosen, alone,
            "a head shrunk to uniform probabilities is worse"
        );
        let backwards = Head {
            coefficients: vec![vec![-1.0, 0.0, 0.0], vec![0.0; 3], vec![0.0; 3]],
            ..alone.clone()
        };
        let (chosen, _) = heads.best(Some(Recipe::Kept(&backwards)), &[]).unwrap();
        assert_eq!(chosen, alone);
        assert!(
            heads.best(None, &[0.0]).is_err(),
            "other errors are returned"
        );
    }

    #[test]
    fn only_a_fit_that_does_not_converge_is_left_out() {
        let stuck = Error::NotConverged {
            solver: "head",
            measure: "gradient",
            value: 1.0,
            wanted: 0.1,
        };
        assert_eq!(converged(Ok(1)).unwrap(), Some(1));
        assert_eq!(converged::<u8>(Err(stuck)).unwrap(), None);
        let other = Error::Solver {
            reason: "not enough samples".into(),
        };
        assert!(converged::<u8>(Err(other)).is_err());
    }
}
