//! An evaluation as a page shows it, from the evaluation itself or from its JSON form.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Location, Result};
use crate::evaluate::Evaluation;

/// The form of an evaluation that this build reads.
const SCHEMA: &str = "konflik/evaluation";

/// Scores of a model on coded statements, as far as a page shows them: the fields are those of
/// [`Evaluation`], which says what they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelScores {
    /// Always `konflik/evaluation`.
    #[schemars(extend("const" = SCHEMA))]
    schema: String,
    /// Version of this form.
    #[schemars(extend("const" = 1))]
    schema_version: u32,
    /// Id of the model.
    pub model: String,
    /// SHA-256 of the codebook.
    pub codebook: String,
    /// The gold file.
    pub gold: String,
    /// Statements in it.
    pub statements: u64,
    /// Statements of it that were in the training.
    pub seen_in_training: u64,
    /// How intervals were made.
    pub bootstrap: BootstrapUnit,
    /// One per variable with gold codes.
    pub variables: Vec<VariableScores>,
}

/// How intervals were made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BootstrapUnit {
    /// Draws.
    pub replicates: u64,
    /// What is drawn.
    pub unit: String,
}

/// Scores of a variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VariableScores {
    /// Id of the variable.
    pub id: String,
    /// Its codes.
    pub codes: Vec<String>,
    /// All statements.
    pub overall: Overall,
    /// By language.
    #[serde(default)]
    pub by_language: BTreeMap<String, Slice>,
    /// By source.
    #[serde(default)]
    pub by_source: BTreeMap<String, Slice>,
    /// What became of the decisions.
    pub decisions: Vec<DecisionShare>,
    /// The stated error rate of `auto`.
    pub stated_error: f64,
    /// Whether probabilities mean what they say.
    pub calibration: CalibrationScores,
}

/// A score, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScoreValue {
    /// The value.
    pub value: Option<f64>,
    /// Its 95 % interval.
    #[serde(default)]
    pub interval: Option<[f64; 2]>,
    /// Why value or interval is missing.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Scores of all statements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Overall {
    /// Statements.
    pub n: u64,
    /// Share with the right code.
    pub accuracy: ScoreValue,
    /// Mean F1 over the codes.
    pub macro_f1: ScoreValue,
    /// Krippendorff's alpha between gold and model.
    pub alpha: ScoreValue,
    /// Per code.
    pub by_code: Vec<CodeScore>,
    /// Rows gold, columns predicted.
    pub confusion: Vec<Vec<u64>>,
    /// Always giving the most frequent code.
    pub baseline: BaselineScore,
}

/// Always giving the most frequent code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BaselineScore {
    /// That code.
    pub code: String,
    /// Share with the right code.
    pub accuracy: ScoreValue,
    /// Mean F1 over the codes.
    pub macro_f1: ScoreValue,
}

/// Scores of a code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CodeScore {
    /// The code.
    pub code: String,
    /// Statements with it.
    pub support: u64,
    /// Share of the predicted that are right.
    pub precision: ScoreValue,
    /// Share of the gold that is found.
    pub recall: ScoreValue,
    /// Harmonic mean of both.
    pub f1: ScoreValue,
}

/// Scores of some statements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Slice {
    /// Statements.
    pub n: u64,
    /// Share with the right code.
    pub accuracy: ScoreValue,
    /// Mean F1 over the codes.
    pub macro_f1: ScoreValue,
}

/// How often a decision was taken and was wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionShare {
    /// `auto`, `review` or `abstain`.
    pub decision: String,
    /// Statements.
    pub n: u64,
    /// Share of errors.
    pub error_rate: ScoreValue,
}

/// Whether probabilities mean what they say.
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
    /// Error rates among the most confident.
    pub risk_coverage: Vec<RiskPoint>,
}

/// Statements of about the same confidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReliabilityPoint {
    /// Statements.
    pub n: u64,
    /// Lowest confidence.
    pub from: f64,
    /// Highest confidence.
    pub to: f64,
    /// Mean confidence.
    pub confidence: f64,
    /// Share that is right.
    pub accuracy: ScoreValue,
}

/// The error rate if only the most confident are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RiskPoint {
    /// Share kept.
    pub coverage: f64,
    /// Statements kept.
    pub n: u64,
    /// Lowest confidence among them.
    pub confidence: f64,
    /// Share of errors among them.
    pub risk: f64,
}

impl ModelScores {
    /// Reads what `konflik evaluate -o FILE.json` wrote.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(|e| Error::read(path, e))?;
        let name = path.display().to_string();
        let scores: Self = serde_json::from_str(&text).map_err(|e| Error::Syntax {
            at: Location::new(&name, e.line() as u64, e.column() as u64),
            reason: format!("no evaluation of konflik: {e}"),
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
