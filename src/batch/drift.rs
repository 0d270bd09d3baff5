//! How much a labelled file differs from the training data of its model.
//!
//! A model stores two things about its training: the share of each language, and the out-of-fold
//! share of each decision. The file is compared with both. The model does not store the share of
//! unknown words in its training, so the share in the file is compared with the gold sample, if
//! there is one.

use std::collections::{BTreeMap, HashSet};

use rustc_hash::FxBuildHasher;
use schemars::JsonSchema;
use serde::Serialize;

use super::codes::VariableReport;
use crate::error::Result;
use crate::features::word_hash;
use crate::model::Model;
use crate::tokenize::Scanner;

/// The file compared with the training of its model.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Drift {
    /// Id of the model.
    pub model: String,
    /// Words of the file that are unknown to the model.
    pub unseen: UnseenWords,
    /// The same for the gold statements.
    pub unseen_in_gold: Option<UnseenWords>,
    /// Shares of the languages. In the file word lists identify the language; in the training the
    /// corpus names it.
    pub languages: Vec<LanguageShare>,
    /// How often each decision was taken.
    pub decisions: Vec<DecisionShift>,
}

/// Words that are not features of a model, because the training had them never or too rarely.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UnseenWords {
    /// Number of words with a letter.
    pub words: u64,
    /// Number of these words that are unknown to the model.
    pub unseen: u64,
}

impl UnseenWords {
    /// Share of unknown words; `None` without words.
    pub fn share(&self) -> Option<f64> {
        (self.words > 0).then(|| self.unseen as f64 / self.words as f64)
    }
}

/// The frequency of a language.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LanguageShare {
    /// The language; empty if unknown.
    pub language: String,
    /// Number of statements in the file.
    pub n: u64,
    /// Share of the statements in the file.
    pub share: Option<f64>,
    /// Share of the statements in the training.
    pub in_training: Option<f64>,
}

/// How often a variable was coded `auto` or `abstain`: in the file, and out of fold in training.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DecisionShift {
    /// Position of the variable.
    pub variable: usize,
    /// Share of `auto` in the file.
    pub auto: Option<f64>,
    /// Share of `auto` out of fold.
    pub auto_in_training: f64,
    /// Share of `abstain` in the file.
    pub abstain: Option<f64>,
    /// Share of `abstain` out of fold.
    pub abstain_in_training: f64,
}

/// Counts the words that a model doesn't know.
pub(super) struct WordWatch<'m> {
    model: &'m Model,
    known: HashSet<u64, FxBuildHasher>,
    scanner: Scanner,
    pub(super) found: UnseenWords,
}

impl<'m> WordWatch<'m> {
    pub(super) fn new(model: &'m Model) -> Self {
        let hashes = model.extractor().lexical().hashes();
        Self {
            model,
            known: hashes.iter().copied().collect(),
            scanner: Scanner::default(),
            found: UnseenWords::default(),
        }
    }

    pub(super) fn add(&mut self, text: &str) -> Result<()> {
        let (known, found) = (&self.known, &mut self.found);
        let tokenizer = self.model.extractor().tokenizer();
        tokenizer.each_word(text, &mut self.scanner, |word, _, _| {
            if word.chars().any(char::is_alphabetic) {
                found.words += 1;
                found.unseen += u64::from(!known.contains(&word_hash(word)));
            }
        })?;
        Ok(())
    }

    /// Returns the counts since the last call and resets them.
    pub(super) fn take(&mut self) -> UnseenWords {
        std::mem::take(&mut self.found)
    }
}

/// Compares the file with the training, from counts of its languages and codes.
pub(super) fn drift(
    model: &Model,
    unseen: UnseenWords,
    unseen_in_gold: Option<UnseenWords>,
    languages: &BTreeMap<String, u64>,
    variables: &[VariableReport],
) -> Drift {
    let here: u64 = languages.values().sum();
    let trained = &model.origin().languages;
    let in_training: usize = trained.iter().map(|(_, n)| n).sum();
    let mut names: Vec<&String> = languages
        .keys()
        .chain(trained.iter().map(|(l, _)| l))
        .collect();
    names.sort();
    names.dedup();
    let of_language = |name: &String| {
        let n = languages.get(name).copied().unwrap_or(0);
        let learned = trained
            .iter()
            .find(|(l, _)| l == name)
            .map_or(0, |(_, n)| *n);
        LanguageShare {
            language: name.clone(),
            n,
            share: (here > 0).then(|| n as f64 / here as f64),
            in_training: (in_training > 0).then(|| learned as f64 / in_training as f64),
        }
    };
    let of_variable = |(variable, report): (usize, &VariableReport)| {
        let thresholds = &model.variables().get(variable)?.thresholds;
        let all: u64 = report.decisions.iter().sum();
        let share = |d: usize| (all > 0).then(|| report.decisions[d] as f64 / all as f64);
        Some(DecisionShift {
            variable,
            auto: share(0),
            auto_in_training: thresholds.auto_coverage,
            abstain: share(2),
            abstain_in_training: thresholds.abstain_coverage,
        })
    };
    Drift {
        model: model.id().to_string(),
        unseen,
        unseen_in_gold,
        languages: names.into_iter().map(of_language).collect(),
        decisions: variables
            .iter()
            .enumerate()
            .filter_map(of_variable)
            .collect(),
    }
}
