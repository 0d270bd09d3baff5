//! Statements to predictions: the best code of each variable, how sure, and by which words.

mod duplicates;
mod evidence;
mod fold;
mod routes;
mod stream;

use std::borrow::Cow;

use crate::error::Result;
use crate::ingest::clean::{is_bare_answer, says_nothing, statement_text};
use crate::language::{Language, identify};
use crate::model::{Decision, Model, argmax};

pub use duplicates::DuplicateParams;
pub use evidence::Evidence;
pub use fold::Labeller;
pub use routes::{Routed, Routes, Rule};
pub use stream::{LabelCounts, Labelled, Render, label_rows};

/// What a model says of one statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// One per variable, in the order of the codebook.
    pub variables: Vec<VariablePrediction>,
    /// The language: `id`, `en`, `mix` or `other`, or one that the corpus had; `None` where the
    /// words don't tell.
    pub language: Option<Cow<'static, str>>,
}

/// The prediction of one variable.
#[derive(Debug, Clone, PartialEq)]
pub struct VariablePrediction {
    /// Position of the best code.
    pub code: usize,
    /// Probability of each code.
    pub probabilities: Vec<f64>,
    /// Whether to trust the best code.
    pub decision: Decision,
    /// The words that spoke most for the best code against the runner-up, strongest first.
    pub evidence: Vec<Evidence>,
}

impl VariablePrediction {
    /// Probability of the best code.
    pub fn probability(&self) -> f64 {
        self.probabilities[self.code]
    }
}

impl Model {
    /// Whether the corpus had languages that [`identify`] doesn't tell.
    fn learned_other_languages(&self) -> bool {
        let told = ["id", "en", "mix", "other"];
        let learned = self.language().map_or(&[][..], |l| &l.codes);
        learned.iter().any(|l| !told.contains(&l.as_str()))
    }

    /// How many outputs a prediction is made of: the variables, and the language where it is not
    /// told by word lists.
    fn outputs_needed(&self) -> usize {
        self.variables().len() + usize::from(self.learned_other_languages())
    }

    /// Codes one statement by the views as they are; [`Labeller`] says the same many times faster.
    /// `None` for a text that [says nothing](says_nothing).
    pub fn predict(&self, text: &str) -> Result<Option<Prediction>> {
        let vectors = self.extractor().sentence_vectors(&[text])?;
        self.predict_beside(text, vectors.row(0).to_vec())
    }

    /// Codes one statement whose sentence vector is known (an empty one without that view).
    fn predict_beside(&self, text: &str, sentence: Vec<f32>) -> Result<Option<Prediction>> {
        let cleaned = statement_text(text);
        if says_nothing(&cleaned) {
            return Ok(None);
        }
        let features = self.extractor().extract_cleaned(&cleaned, sentence)?;
        let contributions = evidence::Contributions::new(self, &cleaned, &features);
        Ok(Some(predicted(
            self,
            || identify(cleaned.text()),
            self.probabilities(&features),
            features.has_content(),
            is_bare_answer(cleaned.text()),
            |position, p| contributions.strongest(position, p),
        )))
    }
}

/// The prediction of a text from the probabilities of all outputs and, where the model leaves that
/// to word lists, its language by those. Without content the codes are the prior alone, and those of a
/// bare answer belong to its question.
fn predicted(
    model: &Model,
    identified: impl FnOnce() -> Option<Language>,
    mut probabilities: Vec<Vec<f64>>,
    has_content: bool,
    is_bare: bool,
    mut evidence: impl FnMut(usize, &[f64]) -> Vec<Evidence>,
) -> Prediction {
    // The word lists know Indonesian, English and their neighbours better than a corpus can
    // teach; other languages only the corpus knows.
    let language = if model.learned_other_languages() {
        model.language().and_then(|language| {
            let p = probabilities.get(model.variables().len())?;
            let best = argmax(p);
            let sure = language.thresholds.decide(p[best]) != Decision::Abstain && has_content;
            sure.then(|| Cow::Owned(language.codes[best].clone()))
        })
    } else {
        identified().map(|l| Cow::Borrowed(l.as_str()))
    };
    probabilities.truncate(model.variables().len());
    let variables = probabilities.into_iter().enumerate().map(|(position, p)| {
        let code = argmax(&p);
        VariablePrediction {
            code,
            decision: if has_content && !is_bare {
                model.variables()[position].thresholds.decide(p[code])
            } else {
                Decision::Abstain
            },
            evidence: evidence(position, &p),
            probabilities: p,
        }
    });
    Prediction {
        variables: variables.collect(),
        language,
    }
}
