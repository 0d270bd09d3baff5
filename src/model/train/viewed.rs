//! The views of a corpus as input rows of the regressions, and their weights as model weights.

use ndarray::{Array1, Array2, ArrayView1, Axis, Slice};

use super::{Regressions, TrainParams};
use crate::features::{FeatureExtractor, FeatureMatrix, StatementFeatures, StaticEncoder};
use crate::model::{SemanticWeights, SentenceWeights};

/// The features of all statements of a corpus.
pub(crate) struct Viewed<'a> {
    pub(super) extractor: FeatureExtractor,
    pub(super) features: Vec<StatementFeatures>,
    encoder: Option<&'a StaticEncoder>,
    /// Shape statements × dimensions of the static encoder.
    semantic: Array2<f32>,
    sentences: Centred,
}

/// Sentence vectors, centred and scaled to a mean squared length of 1.
struct Centred {
    /// Shape statements × dimensions.
    vectors: Array2<f32>,
    mean: Array1<f32>,
    scale: f32,
}

/// The weights of a model.
pub(super) struct Weights {
    pub(super) lexical: Array2<f32>,
    pub(super) semantic: Option<SemanticWeights>,
    pub(super) sentence: Option<SentenceWeights>,
}

impl<'a> Viewed<'a> {
    pub(super) fn new(
        extractor: FeatureExtractor,
        features: Vec<StatementFeatures>,
        encoder: Option<&'a StaticEncoder>,
    ) -> Self {
        let dimensions = encoder.map_or(0, |e| e.id().dimensions);
        let mut semantic = Array2::zeros((features.len(), dimensions));
        if let Some(encoder) = encoder {
            for (mut row, statement) in semantic.rows_mut().into_iter().zip(&features) {
                let tokens = statement.tokens.concat();
                let vector = encoder.vector(&tokens, statement.semantic_norm);
                row.assign(&ArrayView1::from(&vector));
            }
        }
        Self {
            sentences: Centred::of(&features),
            extractor,
            features,
            encoder,
            semantic,
        }
    }

    /// The input rows of the regressions: the lexical features, then the dimensions of the
    /// encoders, each multiplied by the weight of its view.
    pub(super) fn rows(&self, params: &TrainParams) -> FeatureMatrix {
        let (semantic, sentences) = (&self.semantic, &self.sentences.vectors);
        let dense = semantic.ncols() + sentences.ncols();
        let mut rows = FeatureMatrix::new(self.extractor.lexical().len(), dense);
        let [by_semantic, by_sentence] =
            [params.semantic_weight, params.sentence_weight].map(|w| w as f32);
        for (i, statement) in self.features.iter().enumerate() {
            let semantic = semantic.row(i).into_iter().map(|v| v * by_semantic);
            let sentence = sentences.row(i).into_iter().map(|v| v * by_sentence);
            let dense: Vec<f32> = semantic.chain(sentence).collect();
            rows.push(&statement.lexical, &dense);
        }
        rows
    }

    /// The weights of all variables side by side, in single precision. The weights of the views are
    /// multiplied in, so labelling needs no scaling.
    pub(super) fn split_weights(
        &self,
        regressions: &[Regressions],
        params: &TrainParams,
    ) -> Weights {
        let all = beside_each_other(regressions);
        let part = |from: usize, length: usize, weight: f64| {
            let part = all.slice_axis(Axis(0), Slice::from(from..from + length));
            part.mapv(|w| w * weight as f32)
        };
        let lexical = self.extractor.lexical().len();
        let semantic = self.semantic.ncols();
        Weights {
            lexical: part(0, lexical, 1.0),
            semantic: self.encoder.map(|encoder| {
                let projection = part(lexical, semantic, params.semantic_weight);
                SemanticWeights {
                    scores: encoder.vectors().dot(&projection).into(),
                    projection,
                }
            }),
            sentence: self.extractor.sentence().map(|view| {
                let scale = f64::from(self.sentences.scale) * params.sentence_weight;
                let projection = part(lexical + semantic, view.encoder().dimensions, scale);
                SentenceWeights {
                    offset: (-self.sentences.mean.dot(&projection)).to_vec(),
                    projection,
                }
            }),
        }
    }
}

impl Centred {
    fn of(features: &[StatementFeatures]) -> Self {
        let dimensions = features.first().map_or(0, |f| f.sentence.len());
        let mut vectors = Array2::zeros((features.len(), dimensions));
        for (mut row, statement) in vectors.rows_mut().into_iter().zip(features) {
            row.iter_mut()
                .zip(&statement.sentence)
                .for_each(|(v, s)| *v = *s);
        }
        let mean = vectors
            .mean_axis(Axis(0))
            .unwrap_or_else(|| Array1::zeros(dimensions));
        vectors -= &mean;
        let square: f64 = vectors.iter().map(|v| f64::from(*v).powi(2)).sum();
        let mean_square = square / features.len().max(1) as f64;
        let scale = if mean_square > 0.0 {
            mean_square.sqrt().recip() as f32
        } else {
            1.0
        };
        vectors *= scale;
        Self {
            vectors,
            mean,
            scale,
        }
    }
}

/// The weights of each variable's full regression side by side, shape features × all codes.
fn beside_each_other(regressions: &[Regressions]) -> Array2<f32> {
    let columns = regressions.iter().map(|r| r.full.weights.ncols()).sum();
    let rows = regressions.first().map_or(0, |r| r.full.weights.nrows());
    let mut weights = Array2::zeros((rows, columns));
    let mut start = 0;
    for regression in regressions {
        let part = &regression.full.weights;
        let end = start + part.ncols();
        weights
            .slice_axis_mut(Axis(1), Slice::from(start..end))
            .assign(&part.mapv(|w| w as f32));
        start = end;
    }
    weights
}
