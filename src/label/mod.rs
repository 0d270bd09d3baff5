//! Statements to predictions: the best code of each variable, how sure, and by which words.

mod evidence;
mod stream;

use crate::error::Result;
use crate::language::identify;
use crate::model::{Decision, Model, argmax};

pub use evidence::Evidence;
pub use stream::{LabelCounts, Labelled, Render, label_rows};

/// What a model says of one statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// One per variable, in the order of the codebook.
    pub variables: Vec<VariablePrediction>,
    /// The language: `id`, `en`, `mix` or `other`, or one that the corpus had; `None` where the
    /// words don't tell.
    pub language: Option<String>,
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

    /// Codes one statement. `None` for a text of nothing but white space, which says nothing.
    pub fn predict(&self, text: &str) -> Result<Option<Prediction>> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let features = self.extractor().extract(text)?;
        let mut probabilities = self.probabilities(&features);
        let learned = match self.language() {
            Some(language) => {
                let p = probabilities.pop().unwrap_or_default();
                let best = argmax(&p);
                let sure = language.thresholds.decide(p[best]) != Decision::Abstain
                    && features.has_content();
                sure.then(|| language.codes[best].clone())
            }
            None => None,
        };
        // The word lists know Indonesian, English and their neighbours better than a corpus can
        // teach; other languages only the corpus knows.
        let language = if self.learned_other_languages() {
            learned
        } else {
            identify(text).map(|l| l.as_str().to_string())
        };
        let contributions = evidence::Contributions::new(self, text, &features);
        let variables = probabilities.into_iter().enumerate().map(|(position, p)| {
            let code = argmax(&p);
            let thresholds = &self.variables()[position].thresholds;
            VariablePrediction {
                code,
                // Without content the codes are the prior alone.
                decision: if features.has_content() {
                    thresholds.decide(p[code])
                } else {
                    Decision::Abstain
                },
                evidence: contributions.strongest(position, &p),
                probabilities: p,
            }
        });
        Ok(Some(Prediction {
            variables: variables.collect(),
            language,
        }))
    }
}
