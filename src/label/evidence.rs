//! Which words led to a code.
//!
//! A score is a sum over words (see [`LexicalView`](crate::features::LexicalView) and
//! [`SemanticView`](crate::features::SemanticView)), and the head is linear in scores and cues. So
//! the log-odds of the best code against the second best split into one number per word. A word
//! pair counts half for each of its words. Cues of shape (exclamation marks, capitals, length)
//! belong to no word and are left out.

use std::collections::BTreeMap;

use crate::features::StatementFeatures;
use crate::ingest::clean::Cleaned;
use crate::model::{Model, VariableModel, argmax};
use crate::tokenize::Token;

/// Maximum number of evidence words per code.
pub(super) const WORDS: usize = 4;

/// A word that favoured a code.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The word as written in the text at its first occurrence.
    pub word: String,
    /// Start of that occurrence, in code points from the start of the text.
    pub start: usize,
    /// Total effect of all its occurrences on the log-odds of the best code against the second
    /// best.
    pub weight: f64,
}

impl Evidence {
    /// Evidence for the word between two bytes of a cleaned text, as written in the original text.
    pub(super) fn at(cleaned: &Cleaned<'_>, start: usize, end: usize, weight: f64) -> Self {
        let place = cleaned.in_cell(start..end);
        let before = cleaned.cell().get(..place.start);
        Self {
            start: before.map_or(0, |before| before.chars().count()),
            word: cleaned.cell().get(place).unwrap_or_default().to_string(),
            weight,
        }
    }
}

/// The contribution of each distinct word to the lexical scores, semantic scores and cues.
pub(super) struct Contributions<'a> {
    model: &'a Model,
    text: &'a Cleaned<'a>,
    words: BTreeMap<&'a str, Contribution>,
}

struct Contribution {
    /// Start and end byte of the first occurrence.
    first: (usize, usize),
    /// Contribution to the score of each code of all outputs.
    scores: Vec<f64>,
    /// The lexicon of the word, and the contribution of the word to that cue.
    cue: Option<(usize, f64)>,
}

impl<'a> Contributions<'a> {
    pub(super) fn new(
        model: &'a Model,
        text: &'a Cleaned<'a>,
        features: &'a StatementFeatures,
    ) -> Self {
        let mut words: BTreeMap<&str, Contribution> = BTreeMap::new();
        let columns = model
            .outputs()
            .map(|(_, columns)| columns.end)
            .max()
            .unwrap_or(0);
        let mut add = |token: &'a Token, found: &[(u32, f32)], share: f64| {
            let contribution = words.entry(&token.word).or_insert_with(|| Contribution {
                first: (token.start, token.end),
                scores: vec![0.0; columns],
                cue: None,
            });
            for (feature, weight) in found {
                let weights = model.feature_weights(*feature);
                let factor = share * f64::from(*weight) / features.norm;
                let scores = contribution.scores.iter_mut();
                scores
                    .zip(weights)
                    .for_each(|(s, w)| *s += factor * f64::from(*w));
            }
        };
        let mut previous: Option<&Token> = None;
        for word in &features.words {
            add(&word.token, &word.features, 1.0);
            if let (Some(previous), Some(pair)) = (previous, word.pair) {
                add(previous, &[pair], 0.5);
                add(&word.token, &[pair], 0.5);
            }
            previous = Some(&word.token);
        }
        let mut contributions = Self { model, text, words };
        contributions.add_tokens(features);
        contributions.add_cues(features);
        contributions
    }

    fn add_tokens(&mut self, features: &StatementFeatures) {
        for (word, tokens) in features.words.iter().zip(&features.tokens) {
            let Some(contribution) = self.words.get_mut(word.token.word.as_str()) else {
                continue;
            };
            for found in tokens.iter().map(|t| self.model.token_scores(*t)) {
                let scores = contribution.scores.iter_mut();
                scores
                    .zip(found)
                    .for_each(|(s, w)| *s += f64::from(*w) / features.semantic_norm);
            }
        }
    }

    fn add_cues(&mut self, features: &StatementFeatures) {
        let cues = self.model.extractor().cues();
        for token in features.words.iter().map(|w| &w.token) {
            let (Some(cue), Some(contribution)) = (
                cues.lexicon_of(&token.word),
                self.words.get_mut(token.word.as_str()),
            ) else {
                continue;
            };
            // The n words behind ln(1 + n) share it evenly.
            let value = features.cues[cue];
            let share = value / value.exp_m1();
            let so_far = contribution.cue.map_or(0.0, |(_, v)| v);
            contribution.cue = Some((cue, so_far + share));
        }
    }

    /// The words that most favoured the best code of the variable at `position`.
    pub(super) fn strongest(&self, position: usize, probabilities: &[f64]) -> Vec<Evidence> {
        let Some((variable, columns)) = self.model.outputs().nth(position) else {
            return Vec::new();
        };
        let (best, second) = best_two(probabilities);
        let margin = |input: usize| {
            let row = &variable.head.coefficients[input];
            row[best] - row[second]
        };
        let mut found: Vec<(&Contribution, f64)> = self
            .words
            .iter()
            .filter(|(word, _)| word.chars().any(|c| c.is_alphanumeric() || !c.is_ascii()))
            .map(|(_, c)| (c, weight(variable, c, &c.scores[columns.clone()], margin)))
            .filter(|(_, weight)| *weight > 0.0)
            .collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.first.cmp(&b.0.first)));
        found.truncate(WORDS);
        found
            .into_iter()
            .map(|(c, weight)| self.evidence(c, weight))
            .collect()
    }

    fn evidence(&self, contribution: &Contribution, weight: f64) -> Evidence {
        let (start, end) = contribution.first;
        Evidence::at(self.text, start, end, weight)
    }
}

fn weight(
    variable: &VariableModel,
    c: &Contribution,
    scores: &[f64],
    margin: impl Fn(usize) -> f64,
) -> f64 {
    let lexical: f64 = scores.iter().enumerate().map(|(k, s)| s * margin(k)).sum();
    let cue = c.cue.map_or(0.0, |(cue, value)| {
        value * margin(variable.codes.len() + cue)
    });
    lexical + cue
}

/// Positions of the largest and the second largest value; the first one on ties.
pub(super) fn best_two(probabilities: &[f64]) -> (usize, usize) {
    let best = argmax(probabilities);
    let others = (0..probabilities.len()).filter(|code| *code != best);
    let better = |a: usize, b: usize| {
        if probabilities[b] > probabilities[a] {
            b
        } else {
            a
        }
    };
    (best, others.reduce(better).unwrap_or(best))
}
