//! Finds codes that a column or a single word predicts although it should not.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::{Finding, Kind};
use crate::corpus::{Corpus, Statement};

/// Number of words listed per code.
const WORDS: usize = 8;
/// A listed word occurs in at least this number of statements.
const MIN_STATEMENTS: usize = 10;
/// Columns with more values are identifiers, not strata.
const MAX_VALUES: usize = 30;

/// Association of a variable and a column.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Association {
    /// Id of the variable.
    pub variable: String,
    /// The column.
    pub column: String,
    /// Cramér's V without correction; `null` if the variable has only one value.
    pub cramers_v: Option<f64>,
}

/// A word that indicates a code.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TellingWord {
    /// The word.
    pub word: String,
    /// log₂ of p(word, code) / (p(word) p(code)).
    pub pmi: f64,
    /// Number of statements with the word.
    pub statements: usize,
}

/// Codes, and combinations of codes, with fewer than `least` statements in a language.
pub(super) fn thin(corpus: &Corpus, least: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (v, variable) in corpus.codebook.variables.iter().enumerate() {
        for (code, n) in variable.codes.iter().zip(corpus.code_counts(v)) {
            if n < least && corpus.languages().is_empty() {
                let message = format!("{} {}: {n} statements, want {least}", variable.id, code.id);
                findings.push(finding(Kind::ThinCode, message));
            }
        }
    }
    for language in corpus.languages() {
        let in_language: Vec<&Statement> = corpus
            .statements
            .iter()
            .filter(|s| s.language.as_ref() == Some(&language))
            .collect();
        for (v, variable) in corpus.codebook.variables.iter().enumerate() {
            for (c, code) in variable.codes.iter().enumerate() {
                let n = in_language.iter().filter(|s| s.codes[v] == Some(c)).count();
                if n < least {
                    findings.push(finding(
                        Kind::ThinCode,
                        format!(
                            "{} {} in {language}: {n} statements, want {least}",
                            variable.id, code.id
                        ),
                    ));
                }
            }
        }
        findings.extend(thin_combinations(corpus, &in_language, &language, least));
    }
    findings
}

fn thin_combinations(
    corpus: &Corpus,
    statements: &[&Statement],
    language: &str,
    least: usize,
) -> Vec<Finding> {
    let mut counts: BTreeMap<Vec<Option<usize>>, usize> = BTreeMap::new();
    if corpus.codebook.variables.len() < 2 {
        return Vec::new();
    }
    for statement in statements {
        *counts.entry(statement.codes.clone()).or_default() += 1;
    }
    let name = |codes: &[Option<usize>]| {
        let of = |(v, c): (usize, &Option<usize>)| {
            c.map_or("–", |c| corpus.codebook.variables[v].codes[c].id.as_str())
        };
        codes
            .iter()
            .enumerate()
            .map(of)
            .collect::<Vec<_>>()
            .join(" × ")
    };
    let thin = counts.into_iter().filter(|(_, n)| *n < least);
    thin.map(|(codes, n)| {
        finding(
            Kind::ThinStratum,
            format!(
                "{} in {language}: {n} statements, want {least}",
                name(&codes)
            ),
        )
    })
    .collect()
}

fn finding(kind: Kind, message: String) -> Finding {
    Finding {
        kind,
        lines: Vec::new(),
        message,
    }
}

/// Each variable against language, source, and every other column with few values.
pub(super) fn associations(corpus: &Corpus) -> Vec<Association> {
    type Value = Box<dyn Fn(&Statement) -> Option<String>>;
    let mut columns: Vec<(String, Value)> = vec![
        (
            "language".into(),
            Box::new(|s: &Statement| s.language.clone()),
        ),
        ("source".into(), Box::new(|s: &Statement| s.source.clone())),
    ];
    for (position, (name, _)) in corpus
        .statements
        .first()
        .map_or(&[][..], |s| &s.extra)
        .iter()
        .enumerate()
    {
        columns.push((
            name.clone(),
            Box::new(move |s: &Statement| s.extra.get(position).map(|(_, v)| v.clone())),
        ));
    }
    let mut found = Vec::new();
    for (v, variable) in corpus.codebook.variables.iter().enumerate() {
        for (name, value) in &columns {
            let pairs: Vec<(usize, String)> = corpus
                .statements
                .iter()
                .filter_map(|s| Some((s.codes[v]?, value(s)?)))
                .collect();
            let distinct: BTreeSet<&String> = pairs.iter().map(|(_, value)| value).collect();
            if (2..=MAX_VALUES).contains(&distinct.len()) {
                found.push(Association {
                    variable: variable.id.clone(),
                    column: name.clone(),
                    cramers_v: cramers_v(&pairs),
                });
            }
        }
    }
    found
}

/// Cramér's V = √(χ² / (n (min(rows, columns) − 1))).
fn cramers_v(pairs: &[(usize, String)]) -> Option<f64> {
    let mut cells: BTreeMap<(usize, &str), f64> = BTreeMap::new();
    let mut rows: BTreeMap<usize, f64> = BTreeMap::new();
    let mut columns: BTreeMap<&str, f64> = BTreeMap::new();
    for (code, value) in pairs {
        *cells.entry((*code, value)).or_default() += 1.0;
        *rows.entry(*code).or_default() += 1.0;
        *columns.entry(value).or_default() += 1.0;
    }
    let freedom = rows
        .len()
        .min(columns.len())
        .checked_sub(1)
        .filter(|f| *f > 0)? as f64;
    let n = pairs.len() as f64;
    let mut chi2 = 0.0;
    for (code, row) in &rows {
        for (value, column) in &columns {
            let expected = row * column / n;
            let observed = cells.get(&(*code, *value)).copied().unwrap_or(0.0);
            chi2 += (observed - expected).powi(2) / expected;
        }
    }
    Some((chi2 / (n * freedom)).sqrt())
}

/// The words with the highest pointwise mutual information with each code.
pub(super) fn telling_words(corpus: &Corpus) -> BTreeMap<String, Vec<TellingWord>> {
    let words: Vec<BTreeSet<String>> = corpus.statements.iter().map(|s| words(&s.text)).collect();
    let mut total: BTreeMap<&str, usize> = BTreeMap::new();
    for word in words.iter().flatten() {
        *total.entry(word).or_default() += 1;
    }
    let n = corpus.statements.len() as f64;
    let mut found = BTreeMap::new();
    for (v, variable) in corpus.codebook.variables.iter().enumerate() {
        for (c, code) in variable.codes.iter().enumerate() {
            let mut with_code: BTreeMap<&str, usize> = BTreeMap::new();
            let mut statements = 0;
            for (words, _) in words
                .iter()
                .zip(&corpus.statements)
                .filter(|(_, s)| s.codes[v] == Some(c))
            {
                statements += 1;
                for word in words {
                    *with_code.entry(word).or_default() += 1;
                }
            }
            let pmi = |joint: usize, word: usize| {
                (joint as f64 * n / (word as f64 * f64::from(statements))).log2()
            };
            let mut telling: Vec<TellingWord> = with_code
                .into_iter()
                .filter(|(word, _)| total[word] >= MIN_STATEMENTS)
                .map(|(word, joint)| TellingWord {
                    word: word.to_string(),
                    pmi: pmi(joint, total[word]),
                    statements: total[word],
                })
                .collect();
            telling.sort_by(|a, b| {
                b.pmi
                    .total_cmp(&a.pmi)
                    .then(b.statements.cmp(&a.statements))
                    .then(a.word.cmp(&b.word))
            });
            telling.truncate(WORDS);
            found.insert(format!("{} {}", variable.id, code.id), telling);
        }
    }
    found
}

fn words(text: &str) -> BTreeSet<String> {
    let lower = text.to_lowercase();
    lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(String::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// chi² of [[10, 20], [30, 5]] is 18.7; scipy.stats.contingency.association gives .5367.
    #[test]
    fn cramers_v_of_a_known_table() {
        let mut pairs = Vec::new();
        for (code, value, n) in [(0, "a", 10), (0, "b", 20), (1, "a", 30), (1, "b", 5)] {
            pairs.extend(std::iter::repeat_n((code, value.to_string()), n));
        }
        let v = cramers_v(&pairs).unwrap();
        assert!((v - 0.5367).abs() < 5e-4, "{v}");
        assert_eq!(cramers_v(&pairs[..10]), None);
    }
}
