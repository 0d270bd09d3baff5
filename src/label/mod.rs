//! Statements to predictions: the best code of each variable, how sure, and by which words.

mod context;
mod duplicates;
mod evidence;
mod familiar;
mod fold;
mod named;
mod routes;
mod stream;

use std::borrow::Cow;

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

/// What a model says of one statement.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Prediction {
    /// One per variable, in the order of the codebook.
    pub variables: Vec<VariablePrediction>,
    /// The language: `id`, `en`, `mix` or `other`, or one that the corpus had; `None` where the
    /// words don't tell.
    pub language: Option<Cow<'static, str>>,
    /// Who read the statement.
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
    /// Whether to trust the best code.
    pub decision: Decision,
    /// The words that spoke most for the best code against the runner-up, strongest first.
    pub evidence: Vec<Evidence>,
    /// Position of the second best code, where the best is far from sure and there are many codes.
    pub second: Option<usize>,
}

/// Below it the second best code is named too: on real statements it is then right nearly as often
/// as the best.
const CLOSE: f64 = 0.6;
/// Of fewer codes a second one would say little.
pub(crate) const MANY_CODES: usize = 5;

/// The second best code of many, if the best is not far ahead.
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
    /// Takes `auto` back: a person should look.
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

    /// Codes one statement by the views as they are and, for a model that learned to, by the context
    /// encoder; [`Labeller`] says the same many times faster.
    /// `None` for a text that [says nothing](says_nothing).
    pub fn predict(&self, text: &str) -> Result<Option<Prediction>> {
        let vectors = self.extractor().sentence_vectors(&[text])?;
        let reading = self.context_readings(&[text], true)?.swap_remove(0);
        self.predict_beside(text, vectors.row(0).to_vec(), reading.as_ref())
    }

    /// Codes one statement by the views as they are, without the context encoder.
    pub fn predict_fast(&self, text: &str) -> Result<Option<Prediction>> {
        let vectors = self.extractor().sentence_vectors(&[text])?;
        self.predict_beside(text, vectors.row(0).to_vec(), None)
    }

    /// Codes one statement whose sentence vector is known (an empty one without that view).
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

/// The prediction of a text from the probabilities of all outputs by the fast views, what the
/// context encoder says and, where the model leaves that to word lists, its language by those.
/// Without content the codes are the prior alone, and those of a bare answer belong to its question.
fn predicted(
    model: &Model,
    identified: impl FnOnce() -> Option<Language>,
    mut probabilities: Vec<Vec<f64>>,
    reading: Option<&ContextReading>,
    [has_content, is_bare]: [bool; 2],
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
    // Of a language that nothing was learned of, codes are guesses.
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
