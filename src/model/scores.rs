//! Scores stored with a model.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The main scores of a model on unseen statements, by variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScoreSummary(Value);

impl ScoreSummary {
    /// Scores by variable and name.
    pub(crate) fn new(scores: Value) -> Self {
        Self(scores)
    }

    /// The macro-F1 of a variable.
    pub fn macro_f1(&self, variable: &str) -> Option<f64> {
        self.0
            .get(variable)?
            .get("macro_f1")?
            .get("value")?
            .as_f64()
    }

    /// The F1 of a code.
    pub fn f1(&self, variable: &str, code: &str) -> Option<f64> {
        let by_code = self.0.get(variable)?.get("f1")?;
        by_code.get(code)?.get("value")?.as_f64()
    }
}
