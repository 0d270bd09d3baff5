//! A trained model: the views, plus a sparse regression and a head for each variable.
//!
//! [`train()`] makes a model from a [`Corpus`](crate::corpus::Corpus). [`Model::save`] writes the
//! model as a directory of open formats. [`Model::load`] reads the directory and checks every byte.

mod bundle;
mod decision;
mod document;
mod head;
mod reading;
mod scores;
mod softmax;
mod train;

use std::sync::Arc;

use ndarray::{Array2, ArrayView1};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::hash::Hash;
use crate::base::tensor::Table;
use crate::codebook::Codebook;
use crate::error::{Error, Result};
use crate::features::{EncoderId, FeatureExtractor, SentenceView, StatementFeatures, TextEncoder};

pub use bundle::{FORMAT_VERSION, ModelFiles, StagedModel};
pub use decision::{Decision, Thresholds};
pub use document::{CodebookSummary, ModelDocument};
pub use head::Head;
pub(crate) use head::probabilities_in_place;
pub use reading::{Familiar, Judgement, Reading, VariableReading};
pub use scores::ScoreSummary;
pub use softmax::{FittedSoftmax, SoftmaxRegression, Start, Targets, ValidSoftmaxRegression};
pub use train::{Aids, OutOfFold, OutOfFoldRow, Step, TrainParams, Training, train, train_with};
pub(crate) use train::{Study, Unseen, Viewed};

/// The head and thresholds of one nominal variable: they turn scores into probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VariableModel {
    /// Id of the variable; `language` for the language of a statement.
    pub id: String,
    /// Ids of the codes, in the order of scores and probabilities.
    pub codes: Vec<String>,
    /// Training statements with each code.
    pub counts: Vec<usize>,
    /// Turns lexical scores, semantic scores and cues into probabilities.
    pub head: Head,
    /// When a code can be used without human review.
    pub thresholds: Thresholds,
}

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Name of the model.
    pub name: String,
    /// SHA-256 of the corpus.
    pub corpus_hash: String,
    /// Number of training statements.
    pub statements: usize,
    /// Number of groups of the training statements.
    pub groups: usize,
    /// Training statements by language.
    pub languages: Vec<(String, usize)>,
    /// Folds of the cross-fitting: the requested number, or fewer if there are fewer groups.
    pub folds: usize,
    /// Id of the model whose weights were the start.
    pub from: Option<String>,
    /// Statements that were learned with the code shares of several coders.
    pub soft: usize,
    /// Hyperparameters and seed.
    pub params: TrainParams,
}

/// Weights of the semantic view for the scores of all outputs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SemanticWeights {
    /// Shape dimensions × codes: the weights of the encoder's dimensions.
    pub(crate) projection: Array2<f32>,
    /// Shape tokens × codes: each token's vector times the projection. Labelling uses these scores.
    pub(crate) scores: Table,
}

/// Weights of the sentence view for the scores of all outputs: vector × projection + offset.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SentenceWeights {
    /// Shape dimensions × codes.
    pub(crate) projection: Array2<f32>,
    /// One per code; subtracts the mean vector of the training.
    pub(crate) offset: Vec<f32>,
}

/// A trained model.
pub struct Model {
    codebook: Codebook,
    codebook_hash: Hash,
    origin: Origin,
    extractor: FeatureExtractor,
    /// Lexical weights, shape features × codes of all variables (language last).
    weights: Table,
    semantic: Option<SemanticWeights>,
    sentence: Option<SentenceWeights>,
    variables: Vec<VariableModel>,
    language: Option<VariableModel>,
    /// How to combine the fast views with the context encoder, if that was learned.
    reading: Option<Reading>,
    /// Scores on unseen statements, from an evaluation; for people and model cards.
    scores: Option<ScoreSummary>,
    /// Sorted hashes of the training texts: an evaluation on these texts would be no test.
    seen_texts: Vec<u64>,
    id: String,
}

impl Model {
    /// The codebook of the model.
    pub fn codebook(&self) -> &Codebook {
        &self.codebook
    }

    /// The hash of the codebook.
    pub fn codebook_hash(&self) -> Hash {
        self.codebook_hash
    }

    /// Where the model comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// `name@` and the first digits of the hash: identifies the model in every output.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The variables, in the order of the codebook.
    pub fn variables(&self) -> &[VariableModel] {
        &self.variables
    }

    /// The language of a statement, if the corpus has languages.
    pub fn language(&self) -> Option<&VariableModel> {
        self.language.as_ref()
    }

    /// The views.
    pub fn extractor(&self) -> &FeatureExtractor {
        &self.extractor
    }

    /// Which sentence encoder the model needs, if it was trained with one.
    pub fn sentence_encoder(&self) -> Option<&EncoderId> {
        self.extractor.sentence().map(SentenceView::encoder)
    }

    /// Whether the sentence encoder is attached, or none is needed.
    pub fn has_encoder(&self) -> bool {
        self.extractor
            .sentence()
            .is_none_or(SentenceView::is_complete)
    }

    /// Whether the shipped context encoder gives the model a view of every statement.
    pub fn sees_context(&self) -> bool {
        self.extractor
            .sentence()
            .is_some_and(SentenceView::is_shipped)
    }

    /// Attaches the sentence encoder that the model was trained with; another encoder is refused.
    pub fn attach_encoder(&mut self, encoder: Arc<dyn TextEncoder>) -> Result<()> {
        self.extractor.attach_encoder(encoder)
    }

    /// Number of lexical features.
    pub fn feature_count(&self) -> usize {
        self.weights.nrows()
    }

    /// Scores on unseen statements, if an evaluation was stored with the model.
    pub fn scores(&self) -> Option<&ScoreSummary> {
        self.scores.as_ref()
    }

    /// Stores scores; the scores become part of the model's hash.
    pub fn set_scores(&mut self, scores: ScoreSummary) -> Result<()> {
        self.scores = Some(scores);
        self.refresh_id()
    }

    /// Whether a text was in the training, ignoring case and white space.
    pub fn has_seen(&self, text: &str) -> bool {
        self.seen_texts.binary_search(&text_key(text)).is_ok()
    }

    /// Refuses any codebook other than the codebook of the training.
    pub fn require_codebook(&self, codebook: &Codebook) -> Result<()> {
        let (trained, given) = (self.codebook_hash, codebook.hash());
        if trained == given {
            return Ok(());
        }
        Err(Error::CodebookMismatch {
            trained: trained.short(),
            given: given.short(),
        })
    }

    /// The variables with their column ranges in the weights; the language is last.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = (&VariableModel, std::ops::Range<usize>)> {
        let mut start = 0;
        self.variables
            .iter()
            .chain(&self.language)
            .map(move |variable| {
                let columns = start..start + variable.codes.len();
                start = columns.end;
                (variable, columns)
            })
    }

    /// The lexical weights of a feature, one per code of all outputs.
    pub(crate) fn feature_weights(&self, feature: u32) -> &[f32] {
        row_of(&self.weights, feature)
    }

    /// The contribution of an encoder token to the scores, before normalisation; one value per code
    /// of all outputs, empty without the semantic view.
    pub(crate) fn token_scores(&self, token: u32) -> &[f32] {
        let semantic = self.semantic.as_ref();
        semantic.map_or(&[], |semantic| row_of(&semantic.scores, token))
    }

    /// Whether the tables are views into the program's memory, without a copy.
    #[cfg(test)]
    pub(crate) fn lends_its_tables(&self) -> bool {
        let semantic = self.semantic.iter().map(|s| &s.scores);
        semantic.chain([&self.weights]).all(Table::is_view)
    }

    /// The lexical weights of all features in row-major order, and the row length.
    pub(crate) fn weight_rows(&self) -> (&[f32], usize) {
        let rows = self.weights.as_slice().unwrap_or_default();
        (rows, self.weights.ncols())
    }

    /// The contributions of all encoder tokens to the scores, in row-major order with rows as long
    /// as those of the weights; empty without the semantic view.
    pub(crate) fn token_rows(&self) -> &[f32] {
        let scores = self.semantic.as_ref().map(|s| &s.scores);
        scores.and_then(Table::as_slice).unwrap_or_default()
    }

    /// Scores of a statement by the views that have weights, one per code of all outputs.
    pub(crate) fn scores_of(&self, features: &StatementFeatures) -> Vec<f64> {
        let mut scores = vec![0.0; self.weights.ncols()];
        for &(feature, value) in &features.lexical {
            let weights = self.feature_weights(feature);
            scores
                .iter_mut()
                .zip(weights)
                .for_each(|(s, w)| *s += f64::from(value) * f64::from(*w));
        }
        for &token in features.tokens.iter().flatten() {
            for (score, s) in scores.iter_mut().zip(self.token_scores(token)) {
                *score += f64::from(*s) / features.semantic_norm;
            }
        }
        self.add_sentence_scores(ArrayView1::from(&features.sentence), &mut scores);
        scores
    }

    /// Adds the scores of a whole-text vector, if the model has the sentence view.
    pub(crate) fn add_sentence_scores(&self, vector: ArrayView1<'_, f32>, scores: &mut [f64]) {
        let Some(sentence) = &self.sentence else {
            return;
        };
        let added = vector.dot(&sentence.projection);
        for (score, (a, offset)) in scores.iter_mut().zip(added.iter().zip(&sentence.offset)) {
            *score += f64::from(a + offset);
        }
    }

    /// The probabilities of a statement: one vector per variable, then the language.
    pub fn probabilities(&self, features: &StatementFeatures) -> Vec<Vec<f64>> {
        let scores = self.scores_of(features);
        self.outputs()
            .map(|(variable, columns)| {
                let inputs = scores[columns].iter().chain(&features.cues).copied();
                variable.head.probabilities(inputs)
            })
            .collect()
    }
}

/// A row of a row-major matrix; all matrices of a model are row-major.
fn row_of(matrix: &Table, row: u32) -> &[f32] {
    let start = row as usize * matrix.ncols();
    let values = matrix.as_slice().unwrap_or_default();
    &values[start..start + matrix.ncols()]
}

/// Softmax in place; −∞ becomes 0.
pub(crate) fn softmax_in_place(scores: &mut [f64]) {
    let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    scores.iter_mut().for_each(|s| *s = (*s - max).exp());
    let sum: f64 = scores.iter().sum();
    scores.iter_mut().for_each(|s| *s /= sum);
}

/// Position of the largest value; the first one on ties.
pub(crate) fn argmax(values: &[f64]) -> usize {
    let better = |best: usize, i: usize| if values[i] > values[best] { i } else { best };
    (1..values.len()).fold(0, better)
}

/// A key of a text that ignores case and white space.
fn text_key(text: &str) -> u64 {
    let normal: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    Hash::of(normal.join(" ").as_bytes()).first_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_survives_large_and_infinite_scores() {
        let mut scores = [1000.0, 999.0, f64::NEG_INFINITY];
        softmax_in_place(&mut scores);
        assert!((scores[0] + scores[1] - 1.0).abs() < 1e-12 && scores[2].abs() < f64::EPSILON);
        assert!((scores[0] / scores[1] - 1f64.exp()).abs() < 1e-9);
    }

    #[test]
    fn the_first_of_equals_is_the_best() {
        assert_eq!(argmax(&[0.2, 0.4, 0.4]), 1);
    }

    #[test]
    fn model_types_can_be_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Model>();
        shared::<Codebook>();
        shared::<crate::corpus::Corpus>();
    }
}
