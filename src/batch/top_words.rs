//! The words with the strongest effect on a model's codes, over a set of statements.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

use crate::corpus::Corpus;
use crate::error::Result;
use crate::label::{Labeller, Prediction};
use crate::model::Model;

/// Maximum number of words per code.
const WORDS: usize = 15;

/// Words by the codes of a variable.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TopWords {
    /// Id of the variable.
    pub id: String,
    /// The codes of the variable.
    pub codes: Vec<CodeWords>,
}

/// Words of a code.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CodeWords {
    /// The code.
    pub code: String,
    /// The words, largest weight first.
    pub words: Vec<WordWeight>,
}

/// A word with its effect.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WordWeight {
    /// The word in lower case.
    pub word: String,
    /// Number of statements in which the word was evidence for the code.
    pub n: u64,
    /// Sum over these statements of the change in the log-odds of the code against the second best.
    pub weight: f64,
}

/// For each code the strongest evidence words, over the statements that got this code from the
/// model. Models store only hashes, so words are recovered from the statements.
pub fn top_words(model: &Model, corpus: &Corpus) -> Result<Vec<TopWords>> {
    let labeller = Labeller::new(model);
    let predictions: Vec<Option<Prediction>> = corpus
        .statements
        .par_iter()
        .map(|s| labeller.predict_fast(&s.text))
        .collect::<Result<_>>()?;
    let of_variable = |(v, variable): (usize, &crate::model::VariableModel)| {
        let mut sums: Vec<BTreeMap<String, (u64, f64)>> =
            vec![BTreeMap::new(); variable.codes.len()];
        for prediction in predictions.iter().flatten() {
            let found = &prediction.variables[v];
            for evidence in &found.evidence {
                let sum = sums[found.code]
                    .entry(evidence.word.to_lowercase())
                    .or_default();
                sum.0 += 1;
                sum.1 += evidence.weight;
            }
        }
        let codes = variable.codes.iter().zip(sums);
        TopWords {
            id: variable.id.clone(),
            codes: codes.map(|(code, words)| heaviest(code, words)).collect(),
        }
    };
    Ok(model
        .variables()
        .iter()
        .enumerate()
        .map(of_variable)
        .collect())
}

fn heaviest(code: &str, sums: BTreeMap<String, (u64, f64)>) -> CodeWords {
    let mut words: Vec<WordWeight> = sums
        .into_iter()
        .map(|(word, (n, weight))| WordWeight { word, n, weight })
        .collect();
    words.sort_by(|a, b| {
        let by_weight = b.weight.total_cmp(&a.weight);
        by_weight.then_with(|| (Reverse(a.n), &a.word).cmp(&(Reverse(b.n), &b.word)))
    });
    words.truncate(WORDS);
    CodeWords {
        code: code.to_string(),
        words,
    }
}
