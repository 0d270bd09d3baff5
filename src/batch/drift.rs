//! How far a labelled file lies from what its model learned from.
//!
//! A model stores how its training was spread over languages and how often its decisions fell out
//! of fold; with these the file is compared. How many words of its training it would not have
//! known it doesn't store: of these the file's rate is given beside that of the gold sample, if
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

/// The file against the training of its model.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Drift {
    /// Id of the model.
    pub model: String,
    /// Words of the file that the model does not know.
    pub unseen: UnseenWords,
    /// The same of the gold statements.
    pub unseen_in_gold: Option<UnseenWords>,
    /// Shares of the languages, of the file as word lists tell them, of the training as its
    /// corpus named them.
    pub languages: Vec<LanguageShare>,
    /// How often decisions were taken.
    pub decisions: Vec<DecisionShift>,
}

/// Words that are no feature of a model: it met them never or too rarely.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UnseenWords {
    /// Words with a letter.
    pub words: u64,
    /// Of them those the model doesn't know as words.
    pub unseen: u64,
}

impl UnseenWords {
    /// Their share; `None` without a word.
    pub fn share(&self) -> Option<f64> {
        (self.words > 0).then(|| self.unseen as f64 / self.words as f64)
    }
}

/// How frequent a language is.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LanguageShare {
    /// The language; empty where it isn't known.
    pub language: String,
    /// Statements of the file.
    pub n: u64,
    /// Their share of the file.
    pub share: Option<f64>,
    /// Share of the training's statements.
    pub in_training: Option<f64>,
}

/// How often a variable's code may stand, or is a guess, here and out of fold in training.
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

/// Counts words that a model doesn't know.
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

    /// What was found since the last time.
    pub(super) fn take(&mut self) -> UnseenWords {
        std::mem::take(&mut self.found)
    }
}

/// The comparison, from counts of languages in the file and its codes.
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
