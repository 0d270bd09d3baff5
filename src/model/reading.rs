//! How what the fast views say and what the context encoder says become one judgement.
//!
//! A new batch is always a new source, and on statements of a new source probabilities learned on
//! a corpus are too high. So both the correction of the fast views and the mix of the two are
//! learned on statements of *held-out sources*: of each source by regressions and encoders that
//! had seen none of its statements. Both are [`Head`]s on logarithms of probabilities (stacked
//! generalisation; Wolpert 1992), with thresholds chosen on the same statements.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Head, Model, Thresholds, VariableModel};
use crate::error::{Error, Result};

/// The smallest probability whose logarithm is taken.
const LEAST: f64 = 1e-6;

/// How two readings of a statement become probabilities and decisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Hash of the context encoder that it was learned with.
    pub encoder: String,
    /// One per variable that has it; others are left to the fast views.
    pub variables: Vec<VariableReading>,
    /// What a batch is like that the thresholds hold for.
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
    /// Of statements that the fast views alone have read.
    pub fast: Judgement,
    /// Of statements that the context encoder has read too.
    pub context: Judgement,
    /// In a large batch the encoder reads statements whose best code is less probable than this.
    pub doubt: f64,
}

/// From logarithms of probabilities to probabilities and decisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Inputs: the logarithms of the fast views' probabilities, one a code; then those of the
    /// encoder's, if it has read the statement.
    pub head: Head,
    /// When a code may stand.
    pub thresholds: Thresholds,
}

/// Bounds that the held-out sources kept to on which `auto` kept its word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Familiar {
    /// Largest share of words that the model has no feature of.
    pub unseen_words: f64,
    /// Least mean probability of the best code, over the variables.
    pub confidence: f64,
}

impl Judgement {
    /// Probabilities of the codes from those of one reading or two.
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
    /// Reads it from a JSON file.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(|e| Error::read(path, e))?;
        serde_json::from_slice(&bytes).map_err(|e| Error::Model {
            path: path.display().to_string(),
            reason: format!("is no file of readings: {e}"),
        })
    }

    /// Why it can't belong to these variables; `None` if it can.
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
    /// How the fast views and the context encoder are read together, where that was learned.
    pub fn reading(&self) -> Option<&Reading> {
        self.reading.as_ref()
    }

    /// Gives it readings learned on held-out sources; they become part of the model's hash.
    ///
    /// Fails if they are of other variables or codes.
    pub fn set_reading(&mut self, reading: Reading) -> Result<()> {
        if let Some(fault) = reading.fault(&self.variables) {
            return Err(Error::Model {
                path: self.id.clone(),
                reason: format!("these readings are not its own: {fault}"),
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

    /// What is finally said of the variable at a position: from what the fast views say and, where
    /// it has read the statement, the context encoder.
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
