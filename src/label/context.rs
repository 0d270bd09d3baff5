//! The second reading: the context encoder reads whole statements; it is slow.

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;

use super::Prediction;
use super::evidence::{Evidence, WORDS, best_two};
use crate::error::{Error, Result};
use crate::features::{ContextEncoder, ContextHead, ContextWord};
use crate::ingest::clean::{Cleaned, says_nothing, statement_text};
use crate::model::Model;

/// How much of a batch the context encoder reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// No rows: only the fast views code them.
    Fast,
    /// The first `whole` rows, and later the rows of which the fast views are unsure.
    Usual {
        /// Number of first rows that are all read.
        whole: u64,
    },
    /// Every row.
    Careful,
}

impl Default for Depth {
    fn default() -> Self {
        Self::Usual { whole: 20_000 }
    }
}

/// Which parts of the model read a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadBy {
    /// Only the fast views.
    Fast,
    /// The context encoder too.
    Context,
}

impl ReadBy {
    /// The value in output files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Context => "context",
        }
    }
}

/// The result of the context encoder for one statement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ContextReading {
    /// For each variable of the model the probabilities of its codes; `None` if the encoder was not
    /// trained for the variable.
    probabilities: Vec<Option<Vec<f64>>>,
    /// Number of tokens at the end of the text that were not read because the text is too long.
    pub(crate) unread: usize,
    /// The words of the cleaned text with their contributions to the scores; empty unless
    /// requested.
    words: Vec<ContextWord>,
    /// For each variable the position of its first code in the scores of a word.
    first_scores: Vec<Option<usize>>,
}

impl ContextReading {
    /// The probabilities of the codes, for the variable at a position.
    pub(crate) fn of(&self, position: usize) -> Option<&[f64]> {
        self.probabilities.get(position)?.as_deref()
    }

    /// The words that most favoured the best code of a variable over the second best, by the
    /// encoder. `None` if words were not requested or the encoder does not know the variable.
    pub(super) fn strongest(
        &self,
        position: usize,
        p: &[f64],
        cleaned: &Cleaned<'_>,
    ) -> Option<Vec<Evidence>> {
        let first = (*self.first_scores.get(position)?)?;
        if self.words.is_empty() {
            return None;
        }
        let (best, second) = best_two(p);
        let mut found: BTreeMap<String, Found> = BTreeMap::new();
        for word in &self.words {
            let Some(range) = bare(cleaned.text(), &word.range) else {
                continue;
            };
            let key = cleaned.text()[range.clone()].to_lowercase();
            let score = |code: usize| word.scores.get(first + code).copied().unwrap_or(0.0);
            let weight = f64::from(score(best) - score(second));
            let entry = found.entry(key).or_insert(Found { range, weight: 0.0 });
            entry.weight += weight;
        }
        let mut found: Vec<Found> = found.into_values().filter(|f| f.weight > 0.0).collect();
        found.sort_by(|a, b| {
            let by_weight = b.weight.total_cmp(&a.weight);
            by_weight.then(a.range.start.cmp(&b.range.start))
        });
        found.truncate(WORDS);
        let evidence = |f: Found| Evidence::at(cleaned, f.range.start, f.range.end, f.weight);
        Some(found.into_iter().map(evidence).collect())
    }
}

/// A distinct word at its first occurrence.
struct Found {
    range: Range<usize>,
    weight: f64,
}

/// A word without the punctuation around it; `None` if nothing remains.
fn bare(text: &str, range: &Range<usize>) -> Option<Range<usize>> {
    let word = text.get(range.clone())?;
    let counts = |c: char| c.is_alphanumeric() || !c.is_ascii();
    let start = range.start + word.find(counts)?;
    let end = range.start + word.rfind(counts)?;
    let last = text[end..].chars().next()?;
    Some(start..end + last.len_utf8())
}

/// The context encoder together with the model that learned how to weigh it.
#[derive(Clone, Copy)]
pub(crate) struct Context<'m> {
    model: &'m Model,
    encoder: &'m ContextEncoder,
}

impl<'m> Context<'m> {
    /// `None` for a model that did not learn how to read with the encoder.
    ///
    /// Fails if the model learned with an encoder other than the one in this build.
    pub(crate) fn of(model: &'m Model) -> Result<Option<Self>> {
        let Some(reading) = model.reading() else {
            return Ok(None);
        };
        let encoder = ContextEncoder::shipped()?;
        let hash = encoder.hash().to_string();
        if hash != reading.encoder {
            return Err(Error::WrongEncoder {
                needed: format!("context@{:.8}", reading.encoder),
                given: Some(format!("context@{hash:.8}")),
            });
        }
        Ok(Some(Self { model, encoder }))
    }

    /// Reads cleaned texts on all cores.
    pub(crate) fn read(&self, texts: &[&str], explains: bool) -> Result<Vec<ContextReading>> {
        let (read, words) = if explains {
            self.encoder.explain(texts)?
        } else {
            let none = texts.iter().map(|_| Vec::new()).collect();
            (self.encoder.encode(texts)?, none)
        };
        let heads = self.model.variables().iter().map(|variable| {
            let mut heads = self.encoder.heads().iter();
            heads.find(|h| h.variable() == variable.id && h.codes() == variable.codes)
        });
        let heads: Vec<_> = heads.collect();
        let first_scores: Vec<Option<usize>> = heads.iter().map(|h| self.first_score(*h)).collect();
        let reading = |((vector, unread), words): ((&[f32], usize), _)| {
            let of_head = |head: Option<&ContextHead>| {
                let p = head?.probabilities(vector);
                Some(p.into_iter().map(f64::from).collect())
            };
            ContextReading {
                probabilities: heads.iter().copied().map(of_head).collect(),
                unread,
                words,
                first_scores: first_scores.clone(),
            }
        };
        let vectors = read.vectors.rows().zip(read.unread);
        Ok(vectors.zip(words).map(reading).collect())
    }

    /// The position of a head's first code in the scores of a word.
    fn first_score(&self, head: Option<&ContextHead>) -> Option<usize> {
        let head = head?;
        let before = self
            .encoder
            .heads()
            .iter()
            .take_while(|h| h.variable() != head.variable());
        Some(before.map(|h| h.codes().len()).sum())
    }

    /// Whether the fast views are so unsure of a statement that the encoder should read it.
    pub(crate) fn doubts(&self, prediction: &Prediction) -> bool {
        let mut variables = prediction.variables.iter().enumerate();
        variables.any(|(position, variable)| {
            let reading = self.model.variable_reading(position);
            reading.is_some_and(|r| variable.probability() < r.doubt)
        })
    }
}

impl Model {
    /// The result of the context encoder for each text; `None` if the text has no content or this
    /// model does not read with the encoder.
    pub(crate) fn context_readings(
        &self,
        texts: &[&str],
        explains: bool,
    ) -> Result<Vec<Option<ContextReading>>> {
        let Some(context) = Context::of(self)? else {
            return Ok(texts.iter().map(|_| None).collect());
        };
        let cleaned: Vec<_> = texts.par_iter().map(|t| statement_text(t)).collect();
        read_those(&context, &cleaned, explains, |i| !says_nothing(&cleaned[i]))
    }
}

/// Reads the texts at the positions for which `wanted` is true.
pub(super) fn read_those(
    context: &Context<'_>,
    cleaned: &[Cleaned<'_>],
    explains: bool,
    wanted: impl Fn(usize) -> bool,
) -> Result<Vec<Option<ContextReading>>> {
    let wanted: Vec<usize> = (0..cleaned.len()).filter(|i| wanted(*i)).collect();
    let texts: Vec<&str> = wanted.iter().map(|i| cleaned[*i].text()).collect();
    let mut readings: Vec<Option<ContextReading>> = cleaned.iter().map(|_| None).collect();
    for (i, reading) in wanted.into_iter().zip(context.read(&texts, explains)?) {
        readings[i] = Some(reading);
    }
    Ok(readings)
}
