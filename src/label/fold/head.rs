//! Heads with their coefficients in one flat list.

use std::ops::Range;

use crate::model::{VariableModel, probabilities_in_place};

/// A head prepared for many statements.
pub(super) struct FlatHead {
    /// The columns of the head in the scores.
    pub(super) columns: Range<usize>,
    /// Inputs × codes.
    coefficients: Vec<f64>,
    /// Whether each score affects only its own code, and cues affect none.
    only_scales: bool,
    intercept: Vec<f64>,
    flattening: f64,
    absent: Vec<usize>,
}

impl FlatHead {
    pub(super) fn new(variable: &VariableModel, columns: Range<usize>) -> Self {
        Self {
            columns,
            only_scales: variable.head.only_scales(),
            coefficients: variable.head.coefficients.concat(),
            intercept: variable.head.intercept.clone(),
            flattening: variable.head.flattening,
            absent: variable.head.absent.clone(),
        }
    }

    /// The probabilities of the codes, from the scores of all outputs and the cues.
    pub(super) fn probabilities(&self, logits: &[f64], cues: &[f64]) -> Vec<f64> {
        let mut scores = self.intercept.clone();
        let logits = &logits[self.columns.clone()];
        if self.only_scales {
            let factors = self.coefficients.iter().step_by(scores.len() + 1);
            for ((score, logit), factor) in scores.iter_mut().zip(logits).zip(factors) {
                *score += logit * factor;
            }
        } else {
            let inputs = logits.iter().chain(cues);
            let rows = self.coefficients.chunks_exact(scores.len());
            for (input, row) in inputs.zip(rows).filter(|(input, _)| **input != 0.0) {
                for (score, coefficient) in scores.iter_mut().zip(row) {
                    *score += input * coefficient;
                }
            }
        }
        for &absent in &self.absent {
            scores[absent] = f64::NEG_INFINITY;
        }
        probabilities_in_place(&mut scores, self.flattening);
        scores
    }

    /// How much one unit of each input changes the log-odds of one code against another: scores by
    /// column (only those with an effect), cues by position.
    pub(super) fn margins(&self, best: usize, second: usize, margins: &mut Margins) {
        let codes = self.intercept.len();
        let margin = |row: &[f64]| row[best] - row[second];
        let rows = || self.coefficients.chunks_exact(codes);
        margins.scores.clear();
        margins.cues.clear();
        if self.only_scales {
            for code in [best, second] {
                let row = &self.coefficients[code * codes..][..codes];
                margins
                    .scores
                    .push((self.columns.start + code, margin(row)));
            }
            return;
        }
        let scores = rows().take(codes).map(margin);
        margins.scores.extend(self.columns.clone().zip(scores));
        margins.cues.extend(rows().skip(codes).map(margin));
    }
}

/// The inputs that change the log-odds of one code against another.
#[derive(Default)]
pub(super) struct Margins {
    /// Columns of the scores with their factors.
    scores: Vec<(usize, f64)>,
    /// Factors of the cues; empty if cues have no effect.
    cues: Vec<f64>,
}

impl Margins {
    /// The change of the log-odds by these scores.
    pub(super) fn along(&self, scores: &[f32]) -> f64 {
        let moved = self.scores.iter();
        moved
            .map(|(column, factor)| f64::from(scores[*column]) * factor)
            .sum()
    }

    /// The factor of a cue.
    pub(super) fn of_cue(&self, cue: usize) -> f64 {
        self.cues.get(cue).copied().unwrap_or(0.0)
    }
}
