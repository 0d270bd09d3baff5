//! A model described as a document.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Model, Origin, ScoreSummary, VariableModel};

/// A model and its training data.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ModelDocument<'a> {
    /// Always `konflik/model`.
    #[schemars(extend("const" = "konflik/model"))]
    pub schema: &'static str,
    /// Version of the schema.
    #[schemars(extend("const" = 1))]
    pub schema_version: u32,
    /// Name of the model and the first digits of its hash.
    pub id: &'a str,
    /// The codebook of the model.
    pub codebook: CodebookSummary<'a>,
    /// Where the model comes from.
    pub origin: &'a Origin,
    /// Number of features of the lexical view.
    pub features: usize,
    /// Names of the cues.
    pub cues: &'a [String],
    /// The head and thresholds of each variable.
    pub variables: &'a [VariableModel],
    /// Head and thresholds for the language of a statement, if the corpus has languages.
    pub language: Option<&'a VariableModel>,
    /// Scores on statements that the model had not seen, if they were measured.
    #[schemars(with = "Option<Value>")]
    pub scores: Option<&'a ScoreSummary>,
}

/// Identifies a codebook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CodebookSummary<'a> {
    /// Id of the codebook.
    pub id: &'a str,
    /// Version of the codebook.
    pub version: &'a str,
    /// SHA-256 of the codebook.
    pub sha256: String,
}

impl<'a> ModelDocument<'a> {
    /// Describes a model.
    pub fn of(model: &'a Model) -> Self {
        let codebook = model.codebook();
        Self {
            schema: "konflik/model",
            schema_version: 1,
            id: model.id(),
            codebook: CodebookSummary {
                id: &codebook.id,
                version: &codebook.version,
                sha256: model.codebook_hash().to_string(),
            },
            origin: model.origin(),
            features: model.feature_count(),
            cues: model.extractor().cues().names(),
            variables: model.variables(),
            language: model.language(),
            scores: model.scores(),
        }
    }
}
