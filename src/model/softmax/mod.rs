//! Multinomial logistic regression on sparse rows with an L2 penalty, solved in the dual.
//!
//! Minimises ½ Σₖ |wₖ − pₖ|² + Σᵢ cᵢ [ log Σₖ exp zᵢₖ − Σₖ qᵢₖ zᵢₖ ] with z = W x, target shares q
//! (one-hot for a hard code), cost cᵢ = C × weight of statement i and prior weights p, usually 0.
//! There is no free intercept: the constant feature of every row is the intercept, and it is
//! penalised like the rest.
//!
//! The dual has one probability vector aᵢ per statement, with W = P + Σᵢ cᵢ (qᵢ − aᵢ) xᵢᵀ. The dual
//! is maximised (without a prior it is −½|W|² + Σᵢ cᵢ H(aᵢ), H the entropy). The solver visits one
//! statement at a time and solves all its K variables exactly: ln aₖ + A aₖ = bₖ − ν with A =
//! cᵢ|xᵢ|², b = W xᵢ + A aᵢ, where ν makes Σ aₖ = 1. (Yu, Huang and Lin, "Dual coordinate descent
//! methods for logistic regression and maximum entropy models", Machine Learning 85, 2011;
//! Shalev-Shwartz and Zhang, "Stochastic dual coordinate ascent", JMLR 14, 2013.) The gap between
//! primal and dual bounds the distance to the optimum, so the gap is the stopping criterion.

mod ascent;
mod block;
mod elementary;

use ascent::DualAscent;
use linfa::ParamGuard;
use linfa::dataset::{DatasetBase, Records};
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, Array2};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::softmax_in_place;
use crate::error::Error;
use crate::features::{FeatureMatrix, FeatureRow};

/// Hyperparameters, not yet checked.
#[derive(Debug, Clone, PartialEq)]
pub struct SoftmaxRegression(ValidSoftmaxRegression);

/// Checked hyperparameters.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidSoftmaxRegression {
    classes: usize,
    cost: f64,
    tolerance: f64,
    max_epochs: usize,
    seed: u64,
}

impl SoftmaxRegression {
    /// A regression with `classes` classes, cost C = 1, relative gap 10⁻³ and at most 500 epochs.
    pub fn new(classes: usize) -> Self {
        Self(ValidSoftmaxRegression {
            classes,
            cost: 1.0,
            tolerance: 1e-3,
            max_epochs: 500,
            seed: 0,
        })
    }

    /// Cost C of the loss relative to the penalty; scikit-learn's `C`.
    #[must_use]
    pub fn cost(mut self, cost: f64) -> Self {
        self.0.cost = cost;
        self
    }

    /// Stop when the duality gap is at most this share of the objective.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.0.tolerance = tolerance;
        self
    }

    /// Fail if the gap is still too large after this number of passes over the statements.
    #[must_use]
    pub fn max_epochs(mut self, max_epochs: usize) -> Self {
        self.0.max_epochs = max_epochs;
        self
    }

    /// Seed of the order in which statements are visited.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }
}

impl ParamGuard for SoftmaxRegression {
    type Checked = ValidSoftmaxRegression;
    type Error = Error;

    fn check_ref(&self) -> Result<&Self::Checked, Error> {
        let fail = |name, value: String, range| Err(Error::Parameter { name, value, range });
        let p = &self.0;
        if p.classes < 2 {
            return fail("classes", p.classes.to_string(), "at least 2");
        }
        if !(p.cost.is_finite() && p.cost > 0.0) {
            return fail("cost", p.cost.to_string(), "a number above 0");
        }
        if !(p.tolerance > 0.0 && p.tolerance < 1.0) {
            return fail("tolerance", p.tolerance.to_string(), "between 0 and 1");
        }
        if p.max_epochs == 0 {
            return fail("max_epochs", p.max_epochs.to_string(), "at least 1");
        }
        Ok(p)
    }

    fn check(self) -> Result<Self::Checked, Error> {
        self.check_ref()?;
        Ok(self.0)
    }
}

/// The targets of the fit: shares of the codes, and the weight of each statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Targets {
    /// Shape statements × classes; each row sums to one. A hard code is a one-hot row.
    pub shares: Array2<f64>,
    /// Weight of each statement's loss.
    pub weights: Array1<f64>,
}

impl Targets {
    /// Hard codes, all with weight one.
    pub fn from_codes(codes: &[usize], classes: usize) -> Self {
        let mut shares = Array2::zeros((codes.len(), classes));
        for (row, &code) in codes.iter().enumerate() {
            shares[[row, code]] = 1.0;
        }
        Self {
            shares,
            weights: Array1::ones(codes.len()),
        }
    }

    /// Soft codes: the given shares replace the hard codes, row by row.
    #[must_use]
    pub fn with_shares<'a>(mut self, shares: impl Iterator<Item = Option<&'a [f64]>>) -> Self {
        for (mut row, given) in self.shares.rows_mut().into_iter().zip(shares) {
            let given = given.into_iter().flatten();
            row.iter_mut().zip(given).for_each(|(q, share)| *q = *share);
        }
        self
    }

    /// Weights each code by (n / (classes × count))^`power`. Power 0 changes nothing; with power 1
    /// rare codes have the same total weight as frequent ones. The mean weight stays one.
    #[must_use]
    pub fn balanced(mut self, power: f64) -> Self {
        let counts = self.shares.sum_axis(ndarray::Axis(0));
        let n = self.weights.len() as f64;
        let present = counts.iter().filter(|c| **c > 0.0).count() as f64;
        let weight = |c: f64| {
            if c > 0.0 {
                (n / (present * c)).powf(power)
            } else {
                0.0
            }
        };
        let by_code = counts.mapv(weight);
        self.weights = self.shares.dot(&by_code);
        let mean = self.weights.sum() / n.max(1.0);
        if mean > 0.0 {
            self.weights /= mean;
        }
        self
    }
}

/// The start of a fit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Start<'a> {
    /// The penalty pulls the weights towards this prior, shape features × classes; 0 if `None`.
    pub prior: Option<&'a Array2<f64>>,
    /// Dual variables of an earlier fit on the same statements, shape statements × classes. They
    /// are valid for any cost and any feature weights. If the earlier fit is similar, they save
    /// epochs.
    pub duals: Option<&'a Array2<f64>>,
}

/// A fitted regression.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedSoftmax {
    /// Shape features × classes.
    pub weights: Array2<f64>,
    /// The dual variables, shape statements × classes: a start for another fit.
    pub duals: Array2<f64>,
    /// The objective at the end.
    pub objective: f64,
    /// The duality gap at the end: the optimum is at least `objective − gap`.
    pub gap: f64,
    /// Passes over the statements.
    pub epochs: usize,
}

impl FittedSoftmax {
    /// z = W x for one row, one value per class.
    pub fn logits(&self, row: FeatureRow<'_>) -> Vec<f64> {
        let mut z = vec![0.0; self.weights.ncols()];
        for (feature, value) in row.iter() {
            let weights = self.weights.row(feature);
            z.iter_mut()
                .zip(weights)
                .for_each(|(z, w)| *z += f64::from(value) * w);
        }
        z
    }
}

/// The trait [`Fit`] requires this conversion.
impl From<linfa::Error> for Error {
    fn from(error: linfa::Error) -> Self {
        Self::Solver {
            reason: error.to_string(),
        }
    }
}

impl Fit<FeatureMatrix, Targets, Error> for ValidSoftmaxRegression {
    type Object = FittedSoftmax;

    fn fit(&self, dataset: &DatasetBase<FeatureMatrix, Targets>) -> Result<FittedSoftmax, Error> {
        self.fit_from(dataset, Start::default())
    }
}

impl ValidSoftmaxRegression {
    /// Fits from prior weights or from the dual variables of an earlier fit.
    pub fn fit_from(
        &self,
        dataset: &DatasetBase<FeatureMatrix, Targets>,
        start: Start<'_>,
    ) -> Result<FittedSoftmax, Error> {
        let (x, y) = (dataset.records(), dataset.targets());
        if x.nsamples() != y.shares.nrows() || x.nsamples() != y.weights.len() {
            return Err(linfa::Error::MismatchedShapes(x.nsamples(), y.shares.nrows()).into());
        }
        if x.nsamples() == 0 {
            return Err(linfa::Error::NotEnoughSamples.into());
        }
        let expected = [(x.nfeatures(), start.prior), (x.nsamples(), start.duals)];
        for (rows, given) in expected.into_iter().filter_map(|(n, g)| Some((n, g?))) {
            if given.dim() != (rows, self.classes) {
                return Err(linfa::Error::MismatchedShapes(rows, given.nrows()).into());
            }
        }
        let mut ascent = DualAscent::new(self, x, y, start);
        let mut order: Vec<usize> = (0..x.nsamples()).collect();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let mut reached = f64::INFINITY;
        for epoch in 1..=self.max_epochs {
            order.shuffle(&mut rng);
            let estimate = ascent.epoch(&order);
            // During an epoch W still moves, so the summed gap is only an estimate, but it is free.
            // The exact gap costs a pass, so it is computed only when the estimate looks good
            // enough.
            if estimate > 2.0 * self.tolerance * ascent.last_loss && epoch < self.max_epochs {
                continue;
            }
            let (objective, gap) = ascent.objective_and_gap();
            reached = gap / objective;
            if reached <= self.tolerance {
                return Ok(FittedSoftmax {
                    weights: ascent.weights(),
                    duals: ascent.duals,
                    objective,
                    gap,
                    epochs: epoch,
                });
            }
        }
        Err(Error::NotConverged {
            solver: "softmax regression",
            measure: "the relative duality gap",
            value: reached,
            wanted: self.tolerance,
        })
    }
}

impl PredictInplace<FeatureMatrix, Array2<f64>> for FittedSoftmax {
    /// Writes the probability of each class, shape statements × classes.
    fn predict_inplace(&self, x: &FeatureMatrix, y: &mut Array2<f64>) {
        for (row, mut out) in x.rows().zip(y.rows_mut()) {
            let mut z = self.logits(row);
            softmax_in_place(&mut z);
            out.iter_mut().zip(z).for_each(|(o, p)| *o = p);
        }
    }

    fn default_target(&self, x: &FeatureMatrix) -> Array2<f64> {
        Array2::zeros((x.nsamples(), self.weights.ncols()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toy() -> DatasetBase<FeatureMatrix, Targets> {
        let rows: Vec<Vec<(u32, f32)>> = (0..60)
            .map(|i| vec![(0, 1.0), (1 + i % 3, 0.8), (4 + (i * 7) % 5, 0.5)])
            .collect();
        let codes: Vec<usize> = (0..60)
            .map(|i| if i % 10 == 0 { (i / 10) % 3 } else { i % 3 })
            .collect();
        let matrix = FeatureMatrix::from_sparse_rows(9, rows.iter().map(Vec::as_slice));
        DatasetBase::new(matrix, Targets::from_codes(&codes, 3))
    }

    #[test]
    fn the_gradient_vanishes_at_the_optimum() {
        let dataset = toy();
        let cost = 20.0;
        let fitted = SoftmaxRegression::new(3)
            .cost(cost)
            .tolerance(1e-10)
            .max_epochs(5000)
            .fit(&dataset)
            .unwrap();
        let mut probabilities = fitted.default_target(dataset.records());
        fitted.predict_inplace(dataset.records(), &mut probabilities);
        let mut gradient = fitted.weights.clone();
        for (i, row) in dataset.records().rows().enumerate() {
            for (f, v) in row.iter() {
                for k in 0..3 {
                    let residual = probabilities[[i, k]] - dataset.targets().shares[[i, k]];
                    gradient[[f, k]] += cost * residual * f64::from(v);
                }
            }
        }
        assert!(gradient.iter().all(|g| g.abs() < 1e-2), "{gradient}");
    }

    /// linfa-logistic does not penalise an intercept. Without an intercept and with the constant as
    /// a feature, the two objectives are equal for alpha = 1/C.
    #[test]
    fn agrees_with_linfa_logistic_on_a_small_dense_problem() {
        let dataset = toy();
        let fitted = SoftmaxRegression::new(3)
            .cost(4.0)
            .tolerance(1e-9)
            .max_epochs(5000)
            .fit(&dataset)
            .unwrap();
        let mut dense = Array2::<f64>::zeros((60, 9));
        for (i, row) in dataset.records().rows().enumerate() {
            row.iter().for_each(|(f, v)| dense[[i, f]] = f64::from(v));
        }
        let codes: Array1<usize> = dataset
            .targets()
            .shares
            .rows()
            .into_iter()
            .map(|r| r.iter().position(|q| *q > 0.5).unwrap())
            .collect();
        let peer = linfa_logistic::MultiLogisticRegression::default()
            .alpha(0.25)
            .with_intercept(false)
            .max_iterations(1000)
            .gradient_tolerance(1e-8)
            .fit(&DatasetBase::new(dense, codes))
            .unwrap();
        let difference = (&fitted.weights - peer.params()).mapv(f64::abs);
        assert!(difference.iter().all(|d| *d < 1e-3), "{difference}");
    }

    #[test]
    fn soft_targets_and_weights_move_the_fit() {
        let mut dataset = toy();
        let hard = SoftmaxRegression::new(3).fit(&dataset).unwrap().weights;
        dataset.targets.shares.mapv_inplace(|q| 0.4 * q + 0.2);
        let soft = SoftmaxRegression::new(3).fit(&dataset).unwrap().weights;
        assert!(soft.iter().map(|w| w * w).sum::<f64>() < hard.iter().map(|w| w * w).sum::<f64>());
    }

    /// With a prior, the pull back to it balances the loss at the optimum.
    #[test]
    fn the_penalty_pulls_towards_the_prior() {
        let dataset = toy();
        let fit = |cost: f64, start: Start<'_>| {
            let params = SoftmaxRegression::new(3).cost(cost).tolerance(1e-9);
            params
                .max_epochs(5000)
                .check()
                .unwrap()
                .fit_from(&dataset, start)
        };
        let prior = fit(20.0, Start::default()).unwrap().weights;
        let from = |cost| {
            let prior = Some(&prior);
            fit(cost, Start { prior, duals: None }).unwrap()
        };
        let distance = |w: &Array2<f64>| (w - &prior).mapv(|d| d * d).sum();
        let (weak, strong) = (from(1e-4), from(5.0));
        assert!(
            distance(&weak.weights) < 1e-4 && distance(&strong.weights) > distance(&weak.weights)
        );
        assert!(strong.gap / strong.objective <= 1e-9);
    }

    #[test]
    fn a_warm_start_reaches_the_same_optimum_in_fewer_passes() {
        let dataset = toy();
        let at = |cost: f64, duals: Option<&Array2<f64>>| {
            let params = SoftmaxRegression::new(3).cost(cost).tolerance(1e-8);
            let params = params.max_epochs(5000).check().unwrap();
            params
                .fit_from(&dataset, Start { prior: None, duals })
                .unwrap()
        };
        let near = at(9.0, None);
        let (cold, warm) = (at(10.0, None), at(10.0, Some(&near.duals)));
        assert!(warm.epochs < cold.epochs, "{} {}", warm.epochs, cold.epochs);
        assert!((warm.objective - cold.objective).abs() < 1e-6 * cold.objective);
    }

    #[test]
    fn too_few_epochs_are_an_error_not_a_bad_model() {
        let result = SoftmaxRegression::new(3)
            .cost(100.0)
            .tolerance(1e-9)
            .max_epochs(2)
            .fit(&toy());
        assert!(matches!(result, Err(Error::NotConverged { .. })));
    }

    #[test]
    fn bad_hyperparameters_are_named() {
        for (params, name) in [
            (SoftmaxRegression::new(1), "classes"),
            (SoftmaxRegression::new(2).cost(f64::NAN), "cost"),
            (SoftmaxRegression::new(2).tolerance(0.0), "tolerance"),
            (SoftmaxRegression::new(2).max_epochs(0), "max_epochs"),
        ] {
            assert!(
                params
                    .check_ref()
                    .unwrap_err()
                    .to_string()
                    .starts_with(name)
            );
        }
    }

    #[test]
    fn balancing_gives_each_code_the_same_sum_and_keeps_the_mean() {
        let targets = Targets::from_codes(&[0, 0, 0, 1], 3).balanced(1.0);
        assert!((targets.weights.sum() - 4.0).abs() < 1e-12);
        assert!((targets.weights[3] - 3.0 * targets.weights[0]).abs() < 1e-12);
    }
}
