//! What a model is, as a document.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Model, Origin, ScoreSummary, VariableModel};

/// A model and what it learned from.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ModelDocument<'a> {
    /// Always `konflik/model`.
    #[schemars(extend("const" = "konflik/model"))]
    pub schema: &'static str,
    /// Version of this form.
    #[schemars(extend("const" = 1))]
    pub schema_version: u32,
    /// Name of the model and the first digits of its hash.
    pub id: &'a str,
    /// The codebook that it codes by.
    pub codebook: CodebookSummary<'a>,
    /// Where it comes from.
    pub origin: &'a Origin,
    /// Features of the lexical view.
    pub features: usize,
    /// Cues.
    pub cues: &'a [String],
    /// What it knows of each variable.
    pub variables: &'a [VariableModel],
    /// What it knows of the language of a statement, where the corpus gave languages.
    pub language: Option<&'a VariableModel>,
    /// Scores on statements it had not seen, where they were measured.
    #[schemars(with = "Option<Value>")]
    pub scores: Option<&'a ScoreSummary>,
}

/// Which codebook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CodebookSummary<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its version.
    pub version: &'a str,
    /// SHA-256 of it.
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
