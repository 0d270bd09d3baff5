//! Starting from an earlier model.

use ndarray::{Array2, ArrayView2, Axis, Slice};

use super::TrainParams;
use super::task::Task;
use crate::codebook::Codebook;
use crate::error::{Error, Result};
use crate::features::{FeatureExtractor, SemanticView};
use crate::model::{Head, Model, VariableModel};

/// What an earlier model has for a variable. Weights of a sentence encoder start at 0: they depend
/// on the mean vector of their training statements.
pub(super) struct Prior<'a> {
    /// Weights in the feature order of this training, shape features × classes.
    pub(super) weights: Array2<f64>,
    /// The head of the earlier model, if it takes the same inputs.
    pub(super) head: Option<&'a Head>,
}

impl<'a> Prior<'a> {
    /// `None` if the model has no such variable with these codes.
    pub(super) fn of(
        prior: &'a Model,
        task: &Task,
        codebook: &Codebook,
        extractor: &FeatureExtractor,
        params: &TrainParams,
    ) -> Result<Option<Self>> {
        let same = |(v, _): &(&VariableModel, _)| v.id == task.id && v.codes == task.codes;
        let Some((variable, columns)) = prior.outputs().find(same) else {
            return Ok(None);
        };
        let dimensions = extractor.semantic().map(SemanticView::encoder);
        let lexical = extractor.lexical().len();
        let sentence = extractor.sentence().map_or(0, |v| v.encoder().dimensions);
        let width = dimensions.map_or(0, |encoder| encoder.dimensions) + sentence;
        let mut weights = Array2::zeros((lexical + width, task.codes.len()));
        let part = |table: ArrayView2<'_, f32>| {
            table
                .slice_axis(Axis(1), Slice::from(columns.clone()))
                .mapv(f64::from)
        };
        let mut put = |from: usize, values: &Array2<f64>| {
            weights
                .slice_axis_mut(Axis(0), Slice::from(from..from + values.nrows()))
                .assign(values);
        };
        if params.views.lexical {
            put(0, &part(prior.weights.view()));
        }
        let theirs = prior.extractor.semantic().map(SemanticView::encoder);
        if let (Some(ours), Some(theirs), Some(semantic)) = (dimensions, theirs, &prior.semantic) {
            if ours.hash != theirs.hash {
                let reason = format!(
                    "{} was trained with other vectors ({})",
                    prior.id(),
                    theirs.name
                );
                return Err(Error::Vectors {
                    name: ours.name.clone(),
                    reason,
                });
            }
            put(
                lexical,
                &(part(semantic.projection.view()) / params.semantic_weight),
            );
        }
        let same_cues =
            codebook.cues == prior.codebook.cues && params.views == prior.origin.params.views;
        Ok(Some(Self {
            weights,
            head: same_cues.then_some(&variable.head),
        }))
    }
}
