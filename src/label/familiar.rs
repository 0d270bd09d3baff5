//! Whether a batch is similar to the sources on which the thresholds were learned.

use rayon::prelude::*;

use super::Labeller;
use crate::error::Result;
use crate::ingest::clean::statement_text;
use crate::model::Familiar;

/// Batches with fewer rows are not judged.
const LEAST_ROWS: usize = 100;

/// Similarity of a batch to the training data, measured on its first rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likeness {
    /// Share of the words without a feature of their own.
    pub unseen_words: f64,
    /// Mean probability of the best code by the fast views, over rows and variables.
    pub confidence: f64,
}

impl Likeness {
    /// The likeness of rows with these texts; `None` for too few.
    pub(super) fn of(texts: &[&str], labeller: &Labeller<'_>) -> Result<Option<Self>> {
        let extractor = labeller.model().extractor();
        let row = |text: &&str| {
            let Some(prediction) = labeller.predict_fast(text)? else {
                return Ok(None);
            };
            let words = extractor.tokenizer().words(statement_text(text).text())?;
            let words = words
                .iter()
                .filter(|w| w.word.chars().any(char::is_alphabetic));
            let (unseen, all) = words.fold((0usize, 0usize), |(unseen, all), word| {
                let knows = extractor.lexical().knows(&word.word);
                (unseen + usize::from(!knows), all + 1)
            });
            let sum: f64 = prediction
                .variables
                .iter()
                .map(super::VariablePrediction::probability)
                .sum();
            Ok(Some((
                unseen,
                all,
                sum / prediction.variables.len().max(1) as f64,
            )))
        };
        let rows: Vec<Option<(usize, usize, f64)>> =
            texts.par_iter().map(row).collect::<Result<_>>()?;
        let rows: Vec<_> = rows.into_iter().flatten().collect();
        if rows.len() < LEAST_ROWS {
            return Ok(None);
        }
        let unseen: usize = rows.iter().map(|r| r.0).sum();
        let words: usize = rows.iter().map(|r| r.1).sum();
        Ok(Some(Self {
            unseen_words: unseen as f64 / words.max(1) as f64,
            confidence: rows.iter().map(|r| r.2).sum::<f64>() / rows.len() as f64,
        }))
    }

    /// Whether thresholds learned on such sources are unreliable for this batch.
    pub(super) fn is_unlike(&self, familiar: &Familiar) -> bool {
        self.unseen_words > familiar.unseen_words || self.confidence < familiar.confidence
    }
}
