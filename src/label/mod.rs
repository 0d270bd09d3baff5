//! Predictions for statements: the best code of each variable, its probability and its evidence.

mod context;
mod duplicates;
mod evidence;
mod familiar;
mod fold;
mod named;
mod routes;
mod stream;
mod wording;

use std::borrow::Cow;

use rayon::prelude::*;

use crate::error::Result;
use crate::ingest::clean::{is_bare_answer, says_nothing, statement_text};
use crate::language::{Language, identify};
use crate::model::{Decision, Model, argmax};

pub(crate) use context::ContextReading;
pub use context::{Depth, ReadBy};
pub use duplicates::DuplicateParams;
pub use evidence::Evidence;
pub use familiar::Likeness;
pub use fold::Labeller;
pub use named::{Label, LabelledText};
pub use routes::{Routed, Routes, Rule};
pub use stream::{LabelCounts, Labelled, LabelledRow, Labelling, Render, label_rows};

/// The prediction of a model for one statement.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Prediction {
    /// One per variable, in the order of the codebook.
    pub variables: Vec<VariablePrediction>,
    /// The language: `id`, `en`, `mix`, `other` or a language of the corpus; `None` if the words
    /// don't show it.
    pub language: Option<Cow<'static, str>>,
    /// Which parts of the model read the statement.
    pub read_by: ReadBy,
}

/// The prediction of one variable.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct VariablePrediction {
    /// Position of the best code.
    pub code: usize,
    /// Probability of each code.
    pub probabilities: Vec<f64>,
    /// How far to trust the best code.
    pub decision: Decision,
    /// The words that most favoured the best code over the second best, strongest first.
    pub evidence: Vec<Evidence>,
    /// Position of the second best code, if the best is uncertain and there are many codes.
    pub second: Option<usize>,
}

/// Below this probability the second best code is reported too: on real statements it is then right
/// nearly as often as the best.
const CLOSE: f64 = 0.6;
/// With fewer codes a second one says little.
pub(crate) const MANY_CODES: usize = 5;

/// The second best of many codes, if the best is uncertain.
fn second_of(p: &[f64], best: usize) -> Option<usize> {
    let close = p.len() >= MANY_CODES && p[best] < CLOSE;
    close.then(|| {
        let others = (0..p.len()).filter(|c| *c != best);
        others.fold(usize::from(best == 0), |second, c| {
            if p[c] > p[second] { c } else { second }
        })
    })
}

impl Prediction {
    /// Turns `auto` into `review`: a person should check.
    fn hold_back(&mut self) {
        for variable in &mut self.variables {
            if variable.decision == Decision::Auto {
                variable.decision = Decision::Review;
            }
        }
    }
}

impl VariablePrediction {
    /// Probability of the best code.
    pub fn probability(&self) -> f64 {
        self.probabilities[self.code]
    }
}

impl Model {
    /// Whether the corpus has languages that [`identify`] can't identify.
    fn learned_other_languages(&self) -> bool {
        let told = ["id", "en", "mix", "other"];
        let learned = self.language().map_or(&[][..], |l| &l.codes);
        learned.iter().any(|l| !told.contains(&l.as_str()))
    }

    /// Number of outputs for a prediction: the variables, and the language if word lists don't
    /// identify it.
    fn outputs_needed(&self) -> usize {
        self.variables().len() + usize::from(self.learned_other_languages())
    }

    /// The prediction for each text, without evidence; `None` for a text without content.
    pub(crate) fn labelled(&self, texts: &[&str], depth: Depth) -> Result<Vec<Option<Prediction>>> {
        let labeller = Labeller::new(self).without_evidence();
        let vectors = self.extractor().sentence_vectors(texts)?;
        let readings = match depth {
            Depth::Fast => texts.iter().map(|_| None).collect(),
            _ => self.context_readings(texts, false)?,
        };
        let rows = texts.par_iter().zip(&readings).enumerate();
        rows.map(|(i, (text, reading))| {
            let vector = vectors.row(i).to_vec();
            labeller.predict_beside(&statement_text(text), vector, reading.as_ref())
        })
        .collect()
    }

    /// Codes one statement by the views directly and, if the model learned to use it, by the
    /// context encoder. [`Labeller`] gives the same result many times faster. `None` for a text
    /// [without content](says_nothing).
    pub fn predict(&self, text: &str) -> Result<Option<Prediction>> {
        let vectors = self.extractor().sentence_vectors(&[text])?;
        let reading = self.context_readings(&[text], true)?.swap_remove(0);
        self.predict_beside(text, vectors.row(0).to_vec(), reading.as_ref())
    }

    /// Codes one statement by the views directly, without the context encoder.
    pub fn predict_fast(&self, text: &str) -> Result<Option<Prediction>> {
        let vectors = self.extractor().sentence_vectors(&[text])?;
        self.predict_beside(text, vectors.row(0).to_vec(), None)
    }

    /// Codes one statement with a known sentence vector (empty without that view).
    fn predict_beside(
        &self,
        text: &str,
        sentence: Vec<f32>,
        reading: Option<&ContextReading>,
    ) -> Result<Option<Prediction>> {
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
            reading,
            [features.has_content(), is_bare_answer(cleaned.text())],
            |position, p| {
                let by_context = reading.and_then(|r| r.strongest(position, p, &cleaned));
                by_context.unwrap_or_else(|| contributions.strongest(position, p))
            },
        )))
    }
}

/// Builds a prediction from the fast views' probabilities of all outputs, the context encoder's
/// result and, if the model leaves the language to word lists, the `identified` language. Without
/// content the codes are only the prior, and the codes of a bare answer belong to its question.
fn predicted(
    model: &Model,
    identified: impl FnOnce() -> Option<Language>,
    mut probabilities: Vec<Vec<f64>>,
    reading: Option<&ContextReading>,
    [has_content, is_bare]: [bool; 2],
    mut evidence: impl FnMut(usize, &[f64]) -> Vec<Evidence>,
) -> Prediction {
    // The word lists know Indonesian, English and related languages better than a corpus can teach.
    // Only the corpus knows other languages.
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
    // For a language that the model did not learn, codes are guesses.
    let is_foreign = !model.learned_other_languages() && language.as_deref() == Some("other");
    let variables = probabilities.into_iter().enumerate().map(|(position, p)| {
        let (p, thresholds) = model.judge(position, p, reading.and_then(|r| r.of(position)));
        let code = argmax(&p);
        VariablePrediction {
            code,
            decision: if has_content && !is_bare && !is_foreign {
                thresholds.decide(p[code])
            } else {
                Decision::Abstain
            },
            evidence: evidence(position, &p),
            second: second_of(&p, code),
            probabilities: p,
        }
    });
    Prediction {
        variables: variables.collect(),
        language,
        read_by: if reading.is_some() || model.sees_context() {
            ReadBy::Context
        } else {
            ReadBy::Fast
        },
    }
}
