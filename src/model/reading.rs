//! Combines the probabilities of the fast views and of the context encoder.
//!
//! A new batch is always a new source, and probabilities learned on a corpus are too high for
//! statements from a new source. So two things are learned on statements of *held-out sources*: the
//! correction of the fast views and the mix with the encoder. For each source, the regressions and
//! encoders had seen none of its statements. Both are [`Head`]s on logarithms of probabilities
//! (stacked generalisation; Wolpert 1992). Their thresholds are chosen on the same statements.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Head, Model, Thresholds, VariableModel};
use crate::error::{Error, Result};

/// Probabilities are clamped to this value before the logarithm.
const LEAST: f64 = 1e-6;

/// How one or two readings of a statement become probabilities and decisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Hash of the context encoder used in the learning.
    pub encoder: String,
    /// One per variable that the encoder reads; the fast views alone code the other variables.
    pub variables: Vec<VariableReading>,
    /// Bounds of the batches for which the thresholds hold.
    pub familiar: Familiar,
}

/// The readings of one variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableReading {
    /// Id of the variable.
    pub id: String,
    /// Ids of the codes, in the order of probabilities.
    pub codes: Vec<String>,
    /// For statements that only the fast views have read.
    pub fast: Judgement,
    /// For statements that the context encoder has read too.
    pub context: Judgement,
    /// In a large batch the encoder reads statements whose best code has a lower probability.
    pub doubt: f64,
}

/// Turns logarithms of probabilities into probabilities and decisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Inputs: the logarithms of the fast views' probabilities, one per code; then the logarithms
    /// of the encoder's probabilities, if the encoder has read the statement.
    pub head: Head,
    /// When a code can be used without human review.
    pub thresholds: Thresholds,
}

/// Bounds of the held-out sources on which `auto` kept its error rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Familiar {
    /// Largest share of words without a feature in the model.
    pub unseen_words: f64,
    /// Smallest mean probability of the best code, over the variables.
    pub confidence: f64,
}

impl Judgement {
    /// Probabilities of the codes from the probabilities of one or two readings.
    pub fn probabilities<'p>(&self, readings: impl IntoIterator<Item = &'p [f64]>) -> Vec<f64> {
        let inputs = readings.into_iter().flatten();
        self.head.probabilities(inputs.map(|p| p.max(LEAST).ln()))
    }

    fn check(&self, inputs: usize, codes: usize) -> Option<String> {
        let rows = &self.head.coefficients;
        let wide = rows.iter().chain([&self.head.intercept]);
        if rows.len() != inputs || wide.clone().any(|row| row.len() != codes) {
            return Some(format!(
                "a head must have {inputs} inputs and {codes} codes"
            ));
        }
        let finite = wide.flatten().all(|value| value.is_finite());
        (!finite).then(|| "a coefficient is not a finite number".into())
    }
}

impl Reading {
    /// Reads the readings from a JSON file.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(|e| Error::read(path, e))?;
        serde_json::from_slice(&bytes).map_err(|e| Error::Model {
            path: path.display().to_string(),
            reason: format!("is not a file of readings: {e}"),
        })
    }

    /// Why the readings don't fit these variables; `None` if they fit.
    pub(super) fn fault(&self, variables: &[VariableModel]) -> Option<String> {
        let fault_of = |reading: &VariableReading| {
            let id = &reading.id;
            let Some(variable) = variables.iter().find(|v| v.id == *id) else {
                return Some(format!("there is no variable {id:?}"));
            };
            if variable.codes != reading.codes {
                return Some(format!("{id} has other codes"));
            }
            let codes = reading.codes.len();
            let fast = reading.fast.check(codes, codes);
            let fault = fast.or_else(|| reading.context.check(2 * codes, codes))?;
            Some(format!("{id}: {fault}"))
        };
        self.variables.iter().find_map(fault_of)
    }
}

impl Model {
    /// How to combine the fast views with the context encoder, if that was learned.
    pub fn reading(&self) -> Option<&Reading> {
        self.reading.as_ref()
    }

    /// Sets readings learned on held-out sources; the readings become part of the model's hash.
    ///
    /// Fails if the readings have other variables or codes.
    pub fn set_reading(&mut self, reading: Reading) -> Result<()> {
        if let Some(fault) = reading.fault(&self.variables) {
            return Err(Error::Model {
                path: self.id.clone(),
                reason: format!("these readings don't fit the model: {fault}"),
            });
        }
        self.reading = Some(reading);
        self.refresh_id()
    }

    /// The reading of the variable at a position.
    pub(crate) fn variable_reading(&self, position: usize) -> Option<&VariableReading> {
        let id = &self.variables.get(position)?.id;
        let variables = &self.reading.as_ref()?.variables;
        variables.iter().find(|v| v.id == *id)
    }

    /// The final probabilities of the variable at a position: from the fast views and, if the
    /// context encoder has read the statement, from the encoder too.
    pub(crate) fn judge(
        &self,
        position: usize,
        fast: Vec<f64>,
        context: Option<&[f64]>,
    ) -> (Vec<f64>, &Thresholds) {
        match (self.variable_reading(position), context) {
            (Some(reading), Some(context)) => {
                let p = reading.context.probabilities([&fast, context]);
                (p, &reading.context.thresholds)
            }
            (Some(reading), None) => {
                let p = reading.fast.probabilities([&*fast]);
                (p, &reading.fast.thresholds)
            }
            (None, _) => (fast, &self.variables[position].thresholds),
        }
    }
}
