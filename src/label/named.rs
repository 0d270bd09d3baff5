//! Labels of a text by name.

use serde::Serialize;

use super::{Labeller, Prediction};
use crate::error::Result;
use crate::model::{Decision, Model};

/// What a model says of one text, in words.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LabelledText {
    /// One per variable, in the order of the codebook.
    pub labels: Vec<Label>,
    /// The language: `id`, `en`, `mix` or `other`, or one that the corpus had; `None` where the
    /// words don't tell.
    pub language: Option<String>,
}

/// The label of one variable.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Label {
    /// Id of the variable.
    pub variable: String,
    /// Id of the best code.
    pub code: String,
    /// Probability of that code.
    pub probability: f64,
    /// Whether the code may stand without a person's look.
    pub decision: Decision,
    /// Id of the second best code, where the best is far from sure and there are many codes.
    pub second: Option<String>,
    /// The words that spoke most for the code, strongest first.
    pub evidence: Vec<String>,
}

impl LabelledText {
    /// The label of a variable.
    pub fn get(&self, variable: &str) -> Option<&Label> {
        self.labels.iter().find(|label| label.variable == variable)
    }

    fn of(model: &Model, prediction: Prediction) -> Self {
        let variables = model.codebook().variables.iter().zip(prediction.variables);
        let labels = variables.map(|(variable, predicted)| {
            let id = |code: usize| variable.codes[code].id.clone();
            Label {
                variable: variable.id.clone(),
                code: id(predicted.code),
                probability: predicted.probability(),
                decision: predicted.decision,
                second: predicted.second.map(id),
                evidence: predicted.evidence.into_iter().map(|e| e.word).collect(),
            }
        });
        Self {
            labels: labels.collect(),
            language: prediction.language.map(String::from),
        }
    }
}

impl Labeller<'_> {
    /// The labels of a text; `None` where it says nothing, as a blank cell or `-`.
    pub fn label(&self, text: &str) -> Result<Option<LabelledText>> {
        let prediction = self.predict(text)?;
        Ok(prediction.map(|prediction| LabelledText::of(self.model(), prediction)))
    }
}

impl Model {
    /// The labels of a text; `None` where it says nothing, as a blank cell or `-`.
    ///
    /// For many texts make a [`Labeller`] once.
    pub fn label(&self, text: &str) -> Result<Option<LabelledText>> {
        Labeller::new(self).label(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_labelled_in_words() {
        let model = Model::starter().unwrap();
        let labelled = model
            .label("Antri dari jam 6, obatnya kosong")
            .unwrap()
            .unwrap();
        let conflict = labelled.get("conflict").unwrap();
        assert_eq!(conflict.code, "realistic");
        assert!(conflict.probability > 0.5 && !conflict.evidence.is_empty());
        assert_eq!(labelled.language.as_deref(), Some("id"));
        assert_eq!(labelled.get("no such variable"), None);
        assert_eq!(model.label(" - ").unwrap(), None);
    }
}
