//! Labels of a text with ids instead of positions.

use serde::Serialize;

use super::{Labeller, Prediction};
use crate::error::Result;
use crate::model::{Decision, Model};

/// The labels of one text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LabelledText {
    /// One per variable, in the order of the codebook.
    pub labels: Vec<Label>,
    /// The language: `id`, `en`, `mix`, `other` or a language of the corpus; `None` if the words
    /// don't show it.
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
    /// Whether the code can be used without human review.
    pub decision: Decision,
    /// Id of the second best code, if the best is uncertain and there are many codes.
    pub second: Option<String>,
    /// The words that most favoured the code, strongest first.
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
    /// The labels of a text; `None` for a text without content, such as a blank cell or `-`.
    pub fn label(&self, text: &str) -> Result<Option<LabelledText>> {
        let prediction = self.predict(text)?;
        Ok(prediction.map(|prediction| LabelledText::of(self.model(), prediction)))
    }
}

impl Model {
    /// The labels of a text; `None` for a text without content, such as a blank cell or `-`.
    ///
    /// For many texts, create a [`Labeller`] once.
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
