//! An evaluation for display on a page, from the evaluation itself or from its JSON form.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Location, Result};
use crate::evaluate::Evaluation;

/// The schema of an evaluation that this build reads.
const SCHEMA: &str = "konflik/evaluation";

/// The displayed scores of a model on coded statements. The fields are a part of [`Evaluation`],
/// which documents them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelScores {
    /// Always `konflik/evaluation`.
    #[schemars(extend("const" = SCHEMA))]
    schema: String,
    /// Version of the schema.
    #[schemars(extend("const" = 1))]
    schema_version: u32,
    /// Id of the model.
    pub model: String,
    /// SHA-256 of the codebook.
    pub codebook: String,
    /// The gold file.
    pub gold: String,
    /// Number of statements in the gold file.
    pub statements: u64,
    /// Number of these statements that were in the training.
    pub seen_in_training: u64,
    /// Method of the intervals.
    pub bootstrap: BootstrapUnit,
    /// One per variable with gold codes.
    pub variables: Vec<VariableScores>,
}

/// Method of the intervals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BootstrapUnit {
    /// Number of draws.
    pub replicates: u64,
    /// The unit of the draws.
    pub unit: String,
}

/// Scores of a variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VariableScores {
    /// Id of the variable.
    pub id: String,
    /// Ids of the codes.
    pub codes: Vec<String>,
    /// Scores over all statements.
    pub overall: Overall,
    /// Scores by language.
    #[serde(default)]
    pub by_language: BTreeMap<String, Slice>,
    /// Scores by source.
    #[serde(default)]
    pub by_source: BTreeMap<String, Slice>,
    /// Frequency and errors of each decision.
    pub decisions: Vec<DecisionShare>,
    /// The stated error rate of `auto`.
    pub stated_error: f64,
    /// Calibration of the probabilities.
    pub calibration: CalibrationScores,
}

/// A score, or the reason why it is missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScoreValue {
    /// The value.
    pub value: Option<f64>,
    /// The 95 % interval.
    #[serde(default)]
    pub interval: Option<[f64; 2]>,
    /// Why the value or the interval is missing.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Scores of all statements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Overall {
    /// Number of statements.
    pub n: u64,
    /// Share of statements with the right code.
    pub accuracy: ScoreValue,
    /// Mean F1 over the codes.
    pub macro_f1: ScoreValue,
    /// Krippendorff's alpha between gold and model.
    pub alpha: ScoreValue,
    /// Per code.
    pub by_code: Vec<CodeScore>,
    /// One row per gold code, one column per predicted code.
    pub confusion: Vec<Vec<u64>>,
    /// Scores of a baseline that always gives the most frequent code.
    pub baseline: BaselineScore,
}

/// Scores of a baseline that always gives the most frequent code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BaselineScore {
    /// The most frequent code.
    pub code: String,
    /// Share of statements with the right code.
    pub accuracy: ScoreValue,
    /// Mean F1 over the codes.
    pub macro_f1: ScoreValue,
}

/// Scores of a code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CodeScore {
    /// The code.
    pub code: String,
    /// Number of statements with the code.
    pub support: u64,
    /// Share of the predicted statements that are right.
    pub precision: ScoreValue,
    /// Share of the gold statements that are found.
    pub recall: ScoreValue,
    /// Harmonic mean of both.
    pub f1: ScoreValue,
}

/// Scores of a part of the statements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Slice {
    /// Number of statements.
    pub n: u64,
    /// Share of statements with the right code.
    pub accuracy: ScoreValue,
    /// Mean F1 over the codes.
    pub macro_f1: ScoreValue,
}

/// How often a decision was taken, and how often it was wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionShare {
    /// `auto`, `review` or `abstain`.
    pub decision: String,
    /// Number of statements.
    pub n: u64,
    /// Share of errors.
    pub error_rate: ScoreValue,
}

/// Calibration of the probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalibrationScores {
    /// Expected calibration error.
    pub ece: ScoreValue,
    /// Brier score.
    pub brier: ScoreValue,
    /// Log loss.
    pub log_loss: ScoreValue,
    /// Area under the risk–coverage curve.
    pub aurc: ScoreValue,
    /// Statements by deciles of confidence.
    pub reliability: Vec<ReliabilityPoint>,
    /// Error rates in the most confident statements.
    pub risk_coverage: Vec<RiskPoint>,
}

/// Statements with similar confidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReliabilityPoint {
    /// Number of statements.
    pub n: u64,
    /// Lowest confidence.
    pub from: f64,
    /// Highest confidence.
    pub to: f64,
    /// Mean confidence.
    pub confidence: f64,
    /// Share of right statements.
    pub accuracy: ScoreValue,
}

/// The error rate if only the most confident statements are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RiskPoint {
    /// Share of statements kept.
    pub coverage: f64,
    /// Number of statements kept.
    pub n: u64,
    /// Lowest confidence in the kept statements.
    pub confidence: f64,
    /// Share of errors in the kept statements.
    pub risk: f64,
}

impl ModelScores {
    /// Reads the output of `konflik evaluate -o FILE.json`.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(|e| Error::read(path, e))?;
        let name = path.display().to_string();
        let scores: Self = serde_json::from_str(&text).map_err(|e| Error::Syntax {
            at: Location::new(&name, e.line() as u64, e.column() as u64),
            reason: format!("not a konflik evaluation: {e}"),
        })?;
        if scores.schema == SCHEMA {
            return Ok(scores);
        }
        Err(Error::Syntax {
            at: Location::file(name),
            reason: format!("a {:?}, not a {SCHEMA:?}", scores.schema),
        })
    }
}

impl TryFrom<&Evaluation> for ModelScores {
    type Error = Error;

    fn try_from(evaluation: &Evaluation) -> Result<Self> {
        let value = serde_json::to_value(evaluation);
        value
            .and_then(serde_json::from_value)
            .map_err(|e| Error::Syntax {
                at: Location::file(&evaluation.gold),
                reason: e.to_string(),
            })
    }
}
