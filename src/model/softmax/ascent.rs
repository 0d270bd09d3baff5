//! Dual coordinate ascent: each epoch solves the blocks of all statements one by one.

#![expect(
    clippy::inline_always,
    reason = "only code inlined into the pass is compiled for its SIMD registers"
)]

use ndarray::{Array2, ArrayView2, CowArray, Ix2};
use pulp::{Arch, NullaryFnOnce};

use super::block::solve_block;
use super::elementary::{exp, largest, ln, sum_of};
use super::{Start, Targets, ValidSoftmaxRegression};
use crate::features::{FeatureMatrix, FeatureRow};

/// SIMD width of the code; rows of weights are padded to a multiple of this.
const LANES: usize = 4;
type Lanes = [f64; LANES];

/// Features × classes, each row padded with zeros to whole lanes.
struct Weights {
    width: usize,
    lanes: Vec<Lanes>,
}

impl Weights {
    fn zeros(features: usize, classes: usize) -> Self {
        let width = classes.div_ceil(LANES);
        Self {
            width,
            lanes: vec![[0.0; LANES]; features * width],
        }
    }

    fn assign(&mut self, values: &Array2<f64>) {
        for (row, lanes) in values.rows().into_iter().zip(self.rows_mut()) {
            let cells = lanes.as_flattened_mut();
            cells.iter_mut().zip(row).for_each(|(c, v)| *c = *v);
        }
    }

    fn rows_mut(&mut self) -> impl Iterator<Item = &mut [Lanes]> {
        self.lanes.chunks_exact_mut(self.width)
    }

    /// The rows without their padding.
    fn rows(&self, classes: usize) -> impl Iterator<Item = &[f64]> {
        let rows = self.lanes.chunks_exact(self.width);
        rows.map(move |lanes| &lanes.as_flattened()[..classes])
    }

    /// z = W x for a row x.
    #[inline(always)]
    fn product(&self, row: FeatureRow<'_>, z: &mut [Lanes]) {
        match self.width {
            1 => self.product_of::<1, 4>(row, z),
            2 => self.product_of::<2, 4>(row, z),
            3 => self.product_of::<3, 2>(row, z),
            4 => self.product_of::<4, 2>(row, z),
            _ => {
                z.fill([0.0; LANES]);
                for (feature, value) in row.iter() {
                    let start = feature * self.width;
                    add_scaled(z, &self.lanes[start..start + self.width], f64::from(value));
                }
            }
        }
    }

    /// The same with a width known at compile time, so the sums stay in registers. Every `WAYS`-th
    /// feature goes to the same one of `WAYS` sums; the sums don't wait for each other.
    #[inline(always)]
    fn product_of<const WIDTH: usize, const WAYS: usize>(
        &self,
        row: FeatureRow<'_>,
        z: &mut [Lanes],
    ) {
        let (rows, _) = self.lanes.as_chunks::<WIDTH>();
        let mut sums = [[[0.0; LANES]; WIDTH]; WAYS];
        let (whole, rest) = row.entries.as_chunks::<WAYS>();
        for entries in whole {
            for (sums, (feature, value)) in sums.iter_mut().zip(entries) {
                add_scaled(sums, &rows[*feature as usize], f64::from(*value));
            }
        }
        for (feature, value) in rest {
            add_scaled(&mut sums[0], &rows[*feature as usize], f64::from(*value));
        }
        let (values, rest) = row.dense.as_chunks::<WAYS>();
        let (weights, of_rest) = rows[row.first_dense..].as_chunks::<WAYS>();
        for (weights, values) in weights.iter().zip(values) {
            for ((sums, weights), value) in sums.iter_mut().zip(weights).zip(values) {
                add_scaled(sums, weights, f64::from(*value));
            }
        }
        for (weights, value) in of_rest.iter().zip(rest) {
            add_scaled(&mut sums[0], weights, f64::from(*value));
        }
        z.fill([0.0; LANES]);
        sums.iter().for_each(|sums| add_scaled(z, sums, 1.0));
    }

    /// W ← W + steps xᵀ for a row x.
    #[inline(always)]
    fn add_outer(&mut self, row: FeatureRow<'_>, steps: &[Lanes]) {
        match self.width {
            1 => self.add_outer_of::<1>(row, steps),
            2 => self.add_outer_of::<2>(row, steps),
            3 => self.add_outer_of::<3>(row, steps),
            4 => self.add_outer_of::<4>(row, steps),
            _ => {
                for (feature, value) in row.iter() {
                    let start = feature * self.width;
                    let weights = &mut self.lanes[start..start + self.width];
                    add_scaled(weights, steps, f64::from(value));
                }
            }
        }
    }

    #[inline(always)]
    fn add_outer_of<const WIDTH: usize>(&mut self, row: FeatureRow<'_>, steps: &[Lanes]) {
        let (rows, _) = self.lanes.as_chunks_mut::<WIDTH>();
        let mut fixed = [[0.0; LANES]; WIDTH];
        fixed.copy_from_slice(steps);
        for (feature, value) in row.entries {
            add_scaled(&mut rows[*feature as usize], &fixed, f64::from(*value));
        }
        for (weights, value) in rows[row.first_dense..].iter_mut().zip(row.dense) {
            add_scaled(weights, &fixed, f64::from(*value));
        }
    }
}

#[inline(always)]
fn add_scaled(sums: &mut [Lanes], values: &[Lanes], factor: f64) {
    for i in 0..sums.len().min(values.len()) {
        for lane in 0..LANES {
            sums[i][lane] += factor * values[i][lane];
        }
    }
}

/// The state of a fit.
pub(super) struct DualAscent<'a> {
    x: &'a FeatureMatrix,
    shares: CowArray<'a, f64, Ix2>,
    costs: Vec<f64>,
    squared_norms: Vec<f64>,
    /// The dual variables: shape statements × classes, each row a probability vector.
    pub(super) duals: Array2<f64>,
    weights: Weights,
    prior: Option<&'a Array2<f64>>,
    /// Loss and penalty during the last epoch.
    pub(super) last_loss: f64,
    z: Vec<Lanes>,
    steps: Vec<Lanes>,
    solved: Vec<f64>,
    /// Buffer: the terms of a statement's gap, one per class.
    terms: Vec<f64>,
}

impl<'a> DualAscent<'a> {
    pub(super) fn new(
        params: &ValidSoftmaxRegression,
        x: &'a FeatureMatrix,
        y: &'a Targets,
        start: Start<'a>,
    ) -> Self {
        let classes = params.classes;
        let square = |row: FeatureRow<'_>| row.iter().map(|(_, v)| f64::from(v).powi(2)).sum();
        let lanes = vec![[0.0; LANES]; classes.div_ceil(LANES)];
        let mut ascent = Self {
            x,
            shares: y.shares.as_standard_layout(),
            costs: y.weights.iter().map(|w| w * params.cost).collect(),
            squared_norms: x.rows().map(square).collect(),
            duals: start.duals.map_or_else(
                || near_targets(&y.shares),
                |duals| duals.as_standard_layout().into_owned(),
            ),
            weights: Weights::zeros(linfa::dataset::Records::nfeatures(x), classes),
            prior: start.prior,
            last_loss: 0.0,
            z: lanes.clone(),
            steps: lanes,
            solved: vec![0.0; classes],
            terms: vec![0.0; classes],
        };
        if let Some(prior) = start.prior {
            ascent.weights.assign(prior);
        }
        ascent.add_duals_to_weights();
        ascent
    }

    /// The weights, shape features × classes.
    pub(super) fn weights(&self) -> Array2<f64> {
        let classes = self.solved.len();
        let rows = self.weights.lanes.len() / self.weights.width;
        let mut weights = Array2::zeros((rows, classes));
        for (mut row, cells) in weights
            .rows_mut()
            .into_iter()
            .zip(self.weights.rows(classes))
        {
            row.iter_mut().zip(cells).for_each(|(w, c)| *w = *c);
        }
        weights
    }

    /// W = P + Σᵢ cᵢ (qᵢ − aᵢ) xᵢᵀ for the current dual variables.
    fn add_duals_to_weights(&mut self) {
        for i in 0..self.costs.len() {
            let (shares, duals) = (self.shares.row(i), self.duals.row(i));
            let steps = self.steps.as_flattened_mut();
            for (step, (q, a)) in steps.iter_mut().zip(shares.iter().zip(duals)) {
                *step = self.costs[i] * (q - a);
            }
            self.weights.add_outer(self.x.row(i), &self.steps);
        }
    }

    /// Solves the block of every statement once in the given order; returns an estimate of the gap.
    pub(super) fn epoch(&mut self, order: &[usize]) -> f64 {
        // Same operations in the same order, with the widest SIMD registers of the machine.
        Arch::new().dispatch(Epoch(self, order))
    }

    /// The primal objective at W, and the exact gap to the dual objective.
    pub(super) fn objective_and_gap(&mut self) -> (f64, f64) {
        Arch::new().dispatch(Measure(self))
    }

    /// Writes the logits of statement i to `z`; returns its shares of the gap and of the loss.
    #[inline(always)]
    fn measure(&mut self, i: usize) -> (f64, f64) {
        self.weights.product(self.x.row(i), &mut self.z);
        let z = &self.z.as_flattened()[..self.solved.len()];
        let log_sum = log_sum_exp(z);
        let [shares, duals] = [self.shares.view(), self.duals.view()].map(|t| values_of(t, i));
        // KL(aᵢ ‖ softmax zᵢ); 0 ln 0 is 0.
        let terms = self.terms.iter_mut().zip(duals.iter().zip(z));
        terms.for_each(|(term, (a, z))| *term = a * (ln(*a) - z));
        let divergence = log_sum + sum_of(&self.terms, |term| term);
        let terms = self.terms.iter_mut().zip(shares.iter().zip(z));
        terms.for_each(|(term, (q, z))| *term = q * z);
        let along = sum_of(&self.terms, |term| term);
        (
            self.costs[i] * divergence,
            self.costs[i] * (log_sum - along),
        )
    }

    /// Solves the block of statement i, whose logits are in `z`.
    #[inline(always)]
    fn solve(&mut self, i: usize) {
        let cost = self.costs[i];
        let a = cost * self.squared_norms[i];
        let duals = self.duals.row_mut(i).into_slice().unwrap_or_default();
        let b = &mut self.z.as_flattened_mut()[..self.solved.len()];
        b.iter_mut().zip(&*duals).for_each(|(z, d)| *z += a * d);
        solve_block(b, a, &mut self.solved);
        let steps = self.steps.as_flattened_mut();
        for ((step, dual), solved) in steps.iter_mut().zip(duals).zip(&self.solved) {
            *step = cost * (*dual - solved);
            *dual = *solved;
        }
        self.weights.add_outer(self.x.row(i), &self.steps);
    }

    fn penalty(&self) -> f64 {
        let squares = match self.prior {
            None => self
                .weights
                .lanes
                .as_flattened()
                .iter()
                .map(|w| w * w)
                .sum(),
            Some(prior) => {
                let rows = self.weights.rows(self.solved.len()).zip(prior.rows());
                let square = |(w, p): (&f64, &f64)| (w - p).powi(2);
                rows.map(|(w, p)| w.iter().zip(p).map(square).sum::<f64>())
                    .sum::<f64>()
            }
        };
        0.5 * squares
    }
}

/// One epoch that solves.
struct Epoch<'s, 'a>(&'s mut DualAscent<'a>, &'s [usize]);

impl NullaryFnOnce for Epoch<'_, '_> {
    type Output = f64;

    #[inline(always)]
    fn call(self) -> f64 {
        let Self(ascent, order) = self;
        let (mut gap, mut loss) = (0.0, 0.0);
        for &i in order {
            if ascent.costs[i] > 0.0 {
                let (of_gap, of_loss) = ascent.measure(i);
                gap += of_gap;
                loss += of_loss;
                ascent.solve(i);
            }
        }
        ascent.last_loss = loss + ascent.penalty();
        gap
    }
}

/// One pass that only measures.
struct Measure<'s, 'a>(&'s mut DualAscent<'a>);

impl NullaryFnOnce for Measure<'_, '_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn call(self) -> (f64, f64) {
        let Self(ascent) = self;
        let (mut objective, mut gap) = (ascent.penalty(), 0.0);
        for i in 0..ascent.costs.len() {
            let (of_gap, of_loss) = ascent.measure(i);
            gap += of_gap;
            objective += of_loss;
        }
        (objective, gap.max(0.0))
    }
}

/// Nine tenths of the way from uniform shares to the targets; needs fewer epochs than a uniform
/// start.
fn near_targets(shares: &Array2<f64>) -> Array2<f64> {
    const WAY: f64 = 0.9;
    let even = 1.0 / shares.ncols() as f64;
    shares.mapv(|target| WAY * target + (1.0 - WAY) * even)
}

/// A row of a row-major table.
#[inline(always)]
fn values_of(table: ArrayView2<'_, f64>, row: usize) -> &[f64] {
    let width = table.ncols();
    let values = table.to_slice().unwrap_or_default();
    &values[row * width..(row + 1) * width]
}

#[inline(always)]
fn log_sum_exp(z: &[f64]) -> f64 {
    let max = largest(z);
    max + ln(sum_of(z, |v| exp(v - max)))
}
