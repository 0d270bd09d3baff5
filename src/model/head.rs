//! The head: a small dense regression on out-of-fold lexical scores and cues.
//!
//! The lexical scores for a head come from regressions that have not seen the statement. So the
//! head learns how far to trust the scores, and its probabilities are calibrated. `linfa_logistic`
//! fits the head but does not report convergence, so the gradient is checked here.

use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use linfa_logistic::{MultiFittedLogisticRegression, MultiLogisticRegression};
use ndarray::{Array1, Array2, ArrayView1, Axis, Slice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::softmax_in_place;
use crate::error::{Error, Result};

type Fitted = MultiFittedLogisticRegression<f64, usize>;

/// Smallest penalty for which `linfa_logistic` reached its optimum in tests.
const MIN_ALPHA: f64 = 0.01;
const MAX_ITERATIONS: u64 = 2000;
/// Largest gradient entry, per statement, at which a fit counts as converged.
const GRADIENT: f64 = 1e-3;

/// Upper bound of `flattening`.
const MAX_FLATTENING: f64 = 0.9;
/// Bound of the logarithm of the factor on the scores: factors are between 1/1000 and 1000.
const MAX_LOG_FACTOR: f64 = 6.9;

/// A fitted head. With u = intercept + coefficients × inputs, the probabilities are softmax(u /
/// spread(u)^flattening). The spread is the root mean square deviation of u from its mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// One row per input (lexical scores first, then cues), one column per code. Already divided by
    /// the standard deviations of the inputs, so inputs need no scaling.
    pub coefficients: Vec<Vec<f64>>,
    /// One value per code.
    pub intercept: Vec<f64>,
    /// How strongly the spread of a statement's scores is normalised: 0 (not at all) to below 1.
    /// Long statements add up more evidence than they should.
    pub flattening: f64,
    /// The penalty of the fit; `None` for a head that only scales the scores.
    pub alpha: Option<f64>,
    /// Codes without a training statement: never predicted.
    pub absent: Vec<usize>,
}

impl Head {
    /// Fits a head on `inputs` (shape statements × inputs). `alpha` penalises standardised inputs.
    pub(crate) fn fit(
        inputs: &Array2<f64>,
        codes: &[usize],
        classes: usize,
        alpha: f64,
    ) -> Result<Self> {
        if !(alpha.is_finite() && alpha >= MIN_ALPHA) {
            return Err(Error::Parameter {
                name: "head_alphas",
                value: alpha.to_string(),
                range: "numbers of at least 0.01",
            });
        }
        let scale = Scale::fit(inputs);
        let standardised = scale.apply(inputs);
        let dataset = DatasetBase::new(standardised, Array1::from_vec(codes.to_vec()));
        let fitted = MultiLogisticRegression::default()
            .alpha(alpha)
            .max_iterations(MAX_ITERATIONS)
            .gradient_tolerance(GRADIENT * 0.01 * codes.len() as f64)
            .fit(&dataset)
            .map_err(|e| Error::Solver {
                reason: e.to_string(),
            })?;
        check_converged(dataset.records(), codes, &fitted, alpha)?;
        Ok(Self::unscaled(&fitted, &scale, classes, alpha))
    }

    /// A head that only scales the first `classes` inputs (the scores). One factor minimises the
    /// log loss; it is the inverse of the temperature in Guo et al., "On calibration of modern
    /// neural networks", ICML 2017. With `flattens`, the scores are also divided by a power of
    /// their spread. The head learns one or two numbers, so it can't overfit few statements.
    pub(crate) fn scaling(
        inputs: &Array2<f64>,
        codes: &[usize],
        classes: usize,
        flattens: bool,
    ) -> Self {
        let present: Vec<usize> = (0..classes).filter(|c| codes.contains(c)).collect();
        let (log_factor, flattening) = Tempering::new(inputs, codes, &present).fit(flattens);
        // The spread refers to the scaled scores.
        let factor = (log_factor / (1.0 - flattening)).exp();
        let mut coefficients = vec![vec![0.0; classes]; inputs.ncols()];
        for &code in &present {
            coefficients[code][code] = factor;
        }
        Self {
            coefficients,
            intercept: vec![0.0; classes],
            flattening,
            alpha: None,
            absent: (0..classes).filter(|c| !present.contains(c)).collect(),
        }
    }

    /// Applies the standardisation to the coefficients.
    fn unscaled(fitted: &Fitted, scale: &Scale, classes: usize, alpha: f64) -> Self {
        let (params, intercept, present) = (fitted.params(), fitted.intercept(), fitted.classes());
        let mut coefficients = vec![vec![0.0; classes]; params.nrows()];
        let mut intercepts = vec![0.0; classes];
        for (column, &class) in present.iter().enumerate() {
            intercepts[class] = intercept[column];
            for (row, coefficient) in coefficients.iter_mut().enumerate() {
                coefficient[class] = params[[row, column]] / scale.deviation[row];
                intercepts[class] -= coefficient[class] * scale.mean[row];
            }
        }
        Self {
            coefficients,
            intercept: intercepts,
            flattening: 0.0,
            alpha: Some(alpha),
            absent: (0..classes).filter(|c| !present.contains(c)).collect(),
        }
    }

    /// Whether each score affects only its own code, and cues affect none.
    pub(crate) fn only_scales(&self) -> bool {
        let rows = self.coefficients.iter().enumerate();
        let mut others = rows.flat_map(|(input, row)| {
            let row = row.iter().enumerate();
            row.filter(move |(code, _)| *code != input)
        });
        others.all(|(_, coefficient)| *coefficient == 0.0)
    }

    /// The scores of one statement before the softmax, one per code.
    pub fn scores(&self, inputs: impl IntoIterator<Item = f64>) -> Vec<f64> {
        let mut scores = self.intercept.clone();
        for (input, coefficients) in inputs.into_iter().zip(&self.coefficients) {
            scores
                .iter_mut()
                .zip(coefficients)
                .for_each(|(s, c)| *s += input * c);
        }
        for &absent in &self.absent {
            scores[absent] = f64::NEG_INFINITY;
        }
        scores
    }

    /// The probabilities of one statement, one per code.
    pub fn probabilities(&self, inputs: impl IntoIterator<Item = f64>) -> Vec<f64> {
        let mut scores = self.scores(inputs);
        probabilities_in_place(&mut scores, self.flattening);
        scores
    }
}

/// Turns the scores of a head into probabilities, in place; −∞ becomes 0.
pub(crate) fn probabilities_in_place(scores: &mut [f64], flattening: f64) {
    if flattening > 0.0 {
        let present = || scores.iter().copied().filter(|s| s.is_finite());
        let spread = spread(present);
        if spread > 0.0 {
            let factor = spread.powf(-flattening);
            scores.iter_mut().for_each(|s| *s *= factor);
        }
    }
    softmax_in_place(scores);
}

/// Root mean square deviation of the values from their mean; 0 without values.
fn spread<I: Iterator<Item = f64>>(values: impl Fn() -> I) -> f64 {
    let n = values().count().max(1) as f64;
    let mean = values().sum::<f64>() / n;
    (values().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt()
}

/// The log loss of softmax(eᵇ · spread⁻ᵍ · scores) over statements, as a function of (b, g).
struct Tempering {
    /// Shape statements × present codes.
    scores: Array2<f64>,
    log_spread: Vec<f64>,
    /// The column of each statement's code.
    right: Vec<usize>,
}

/// The loss at a point, its slope in (b, g) and its expected curvature (bb, bg, gg).
struct Loss {
    value: f64,
    slope: [f64; 2],
    curvature: [f64; 3],
}

impl Tempering {
    fn new(inputs: &Array2<f64>, codes: &[usize], present: &[usize]) -> Self {
        let scores = inputs.select(Axis(1), present);
        let log_spread = |row: ArrayView1<'_, f64>| spread(|| row.iter().copied()).max(1e-9).ln();
        let column = |code: &usize| present.iter().position(|p| p == code);
        Self {
            log_spread: scores.rows().into_iter().map(log_spread).collect(),
            right: codes.iter().filter_map(column).collect(),
            scores,
        }
    }

    fn loss(&self, [b, g]: [f64; 2]) -> Loss {
        let mut loss = Loss {
            value: 0.0,
            slope: [0.0; 2],
            curvature: [0.0; 3],
        };
        let mut p = vec![0.0; self.scores.ncols()];
        let rows = self.scores.rows().into_iter();
        for ((row, log_spread), right) in rows.zip(&self.log_spread).zip(&self.right) {
            let factor = (b - g * log_spread).exp();
            p.iter_mut().zip(row).for_each(|(p, z)| *p = factor * z);
            softmax_in_place(&mut p);
            let mean: f64 = row.iter().zip(&p).map(|(z, p)| z * p).sum();
            let square: f64 = row.iter().zip(&p).map(|(z, p)| z * z * p).sum();
            let slope = factor * (mean - row[*right]);
            let curvature = factor * factor * (square - mean * mean);
            loss.value -= p[*right].max(f64::MIN_POSITIVE).ln();
            loss.slope[0] += slope;
            loss.slope[1] -= slope * log_spread;
            loss.curvature[0] += curvature;
            loss.curvature[1] -= curvature * log_spread;
            loss.curvature[2] += curvature * log_spread * log_spread;
        }
        loss
    }

    /// Minimises the loss over (b, g) by Fisher scoring with step halving; without `flattens`, g
    /// stays 0.
    fn fit(&self, flattens: bool) -> (f64, f64) {
        let mut at = [0.0; 2];
        let mut loss = self.loss(at);
        for _ in 0..100 {
            let Some((next, lower)) = self.step(at, &loss, flattens) else {
                break;
            };
            let gain = loss.value - lower.value;
            (at, loss) = (next, lower);
            if gain <= 1e-12 * loss.value {
                break;
            }
        }
        (at[0], at[1])
    }

    /// The next point, if its loss is lower.
    fn step(&self, at: [f64; 2], loss: &Loss, flattens: bool) -> Option<([f64; 2], Loss)> {
        let ([s, t], [ss, st, tt]) = (loss.slope, loss.curvature);
        let determinant = ss * tt - st * st;
        let outwards = (at[1] <= 0.0 && t > 0.0) || (at[1] >= MAX_FLATTENING && t < 0.0);
        let both = flattens && determinant > 1e-9 * ss * tt;
        let alone = [s / ss.max(f64::MIN_POSITIVE), 0.0];
        let together = [
            (tt * s - st * t) / determinant,
            (ss * t - st * s) / determinant,
        ];
        let directions = [(both && !outwards).then_some(together), Some(alone)];
        let tries = directions
            .into_iter()
            .flatten()
            .flat_map(|direction| (0..30).map(move |halvings| (direction, 0.5f64.powi(halvings))));
        let mut points = tries.map(|(direction, part)| {
            let b = at[0] - part * direction[0];
            let g = at[1] - part * direction[1];
            [
                b.clamp(-MAX_LOG_FACTOR, MAX_LOG_FACTOR),
                g.clamp(0.0, MAX_FLATTENING),
            ]
        });
        points.find_map(|point| {
            let there = self.loss(point);
            (there.value < loss.value).then_some((point, there))
        })
    }
}

struct Scale {
    mean: Array1<f64>,
    deviation: Array1<f64>,
}

impl Scale {
    fn fit(inputs: &Array2<f64>) -> Self {
        let n = inputs.nrows().max(1) as f64;
        let mean = inputs.sum_axis(Axis(0)) / n;
        let variance = (inputs - &mean).mapv(|d| d * d).sum_axis(Axis(0)) / n;
        // A constant input has no effect, so any scale works.
        let deviation = variance.mapv(|v| if v > 1e-12 { v.sqrt() } else { 1.0 });
        Self { mean, deviation }
    }

    fn apply(&self, inputs: &Array2<f64>) -> Array2<f64> {
        (inputs - &self.mean) / &self.deviation
    }
}

/// Refuses a fit whose gradient is not small.
fn check_converged(x: &Array2<f64>, codes: &[usize], fitted: &Fitted, alpha: f64) -> Result<()> {
    let (params, intercept, present) = (fitted.params(), fitted.intercept(), fitted.classes());
    let mut residuals = x.dot(params) + intercept;
    for (mut row, code) in residuals.rows_mut().into_iter().zip(codes) {
        let mut p = row.to_vec();
        softmax_in_place(&mut p);
        row.assign(&Array1::from_vec(p));
        if let Some(column) = present.iter().position(|c| c == code) {
            row[column] -= 1.0;
        }
    }
    let mut gradient = Array2::zeros((params.nrows() + 1, params.ncols()));
    let of_inputs = Slice::from(..params.nrows());
    gradient
        .slice_axis_mut(Axis(0), of_inputs)
        .assign(&(x.t().dot(&residuals) + params * alpha));
    gradient
        .row_mut(params.nrows())
        .assign(&residuals.sum_axis(Axis(0)));
    let largest = gradient.iter().fold(0.0f64, |m, g| m.max(g.abs())) / codes.len() as f64;
    if largest <= GRADIENT {
        return Ok(());
    }
    Err(Error::NotConverged {
        solver: "head regression",
        measure: "the largest gradient entry per statement",
        value: largest,
        wanted: GRADIENT,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs() -> (Array2<f64>, Vec<usize>) {
        let x = Array2::from_shape_fn((90, 3), |(i, j)| {
            ((i * 31 + j * 17) % 23) as f64 * 0.1 + if i % 3 == j { 2.0 } else { 0.0 }
        });
        (x, (0..90).map(|i| i % 3).collect())
    }

    #[test]
    fn probabilities_sum_to_one_and_follow_the_scores() {
        let (x, codes) = inputs();
        let head = Head::fit(&x, &codes, 4, 1.0).unwrap();
        let right = x.rows().into_iter().zip(&codes).filter(|(row, code)| {
            let p = head.probabilities(row.iter().copied());
            assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            assert!(
                p[3].abs() < f64::EPSILON,
                "an absent code is never predicted"
            );
            p.iter()
                .enumerate()
                .max_by(|a, b| a.1.total_cmp(b.1))
                .unwrap()
                .0
                == **code
        });
        assert!(right.count() > 80);
    }

    #[test]
    fn a_shift_and_scale_of_the_inputs_changes_nothing() {
        let (x, codes) = inputs();
        let plain = Head::fit(&x, &codes, 3, 1.0).unwrap();
        let moved = Head::fit(&x.mapv(|v| 100.0 * v - 7.0), &codes, 3, 1.0).unwrap();
        for row in x.rows() {
            let a = plain.probabilities(row.iter().copied());
            let b = moved.probabilities(row.iter().map(|v| 100.0 * v - 7.0));
            assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5));
        }
    }

    #[test]
    fn weak_penalties_are_refused() {
        let (x, codes) = inputs();
        assert!(matches!(
            Head::fit(&x, &codes, 3, 0.001),
            Err(Error::Parameter { .. })
        ));
    }

    #[derive(Deserialize)]
    struct Fixture {
        cases: Vec<Tempered>,
    }

    #[derive(Deserialize)]
    struct Tempered {
        scores: Vec<Vec<f64>>,
        codes: Vec<usize>,
        fits: Vec<Temper>,
    }

    #[derive(Deserialize)]
    struct Temper {
        flattens: bool,
        loss: f64,
        factor: f64,
        flattening: f64,
    }

    #[test]
    fn a_head_that_scales_finds_the_least_loss_that_scipy_finds() {
        let fixture: Fixture =
            serde_json::from_str(include_str!("../../tests/oracle/tempering.json")).unwrap();
        for case in &fixture.cases {
            let (n, classes) = (case.codes.len(), case.scores[0].len());
            let inputs = Array2::from_shape_vec((n, classes), case.scores.concat()).unwrap();
            for fit in &case.fits {
                let head = Head::scaling(&inputs, &case.codes, classes, fit.flattens);
                let rows = inputs.rows().into_iter().zip(&case.codes);
                let losses =
                    rows.map(|(row, code)| -head.probabilities(row.iter().copied())[*code].ln());
                let loss = losses.sum::<f64>() / n as f64;
                assert!((loss - fit.loss).abs() < 1e-9, "{loss} {}", fit.loss);
                assert!((head.coefficients[0][0] - fit.factor).abs() < 1e-4 * fit.factor);
                assert!((head.flattening - fit.flattening).abs() < 1e-4);
            }
        }
    }
}
