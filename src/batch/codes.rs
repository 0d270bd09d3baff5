//! The report on each code: frequency, evidence words and example statements.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::columns::CodedRow;
use super::excerpt::{Context, Excerpt, First};
use super::triage::{in_parts, scattered};
use crate::codebook::{Code, Codebook, Role, Translations, Variable};
use crate::corpus::{CoderTable, Corpus, Labels};

/// Number of typical, of borderline and of contested statements shown per code.
const SHOWN: usize = 5;
/// Number of words listed per code, of words shown in context, and of contexts per word.
const WORDS: usize = 15;
const IN_CONTEXT: usize = 4;
const CONTEXTS: usize = 3;
/// Number of statements per code from which contexts are taken.
const POOL: usize = 300;
/// Length in words of a typical statement: shorter ones say little, longer ones mix topics.
const TYPICAL: std::ops::RangeInclusive<usize> = 4..=60;

/// One variable of a labelled file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct VariableReport {
    /// Id of the variable.
    pub id: String,
    /// Name of the variable.
    pub name: String,
    /// Number of statements with a code.
    pub coded: u64,
    /// Number of these statements by decision: `auto`, `review`, `abstain`.
    pub decisions: [u64; 3],
    /// The codes, in the order of the codebook.
    pub codes: Vec<CodeReport>,
}

/// One code of a labelled file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CodeReport {
    /// Id of the code.
    pub id: String,
    /// Name of the code.
    pub name: String,
    /// Definition of the code in one line.
    pub brief: String,
    /// What should be done with statements that have the code.
    pub role: Option<Role>,
    /// Number of statements with the code.
    pub n: u64,
    /// Share of the coded statements; `None` if no statement is coded.
    pub share: Option<f64>,
    /// By decision, as in [`VariableReport::decisions`].
    pub decisions: [u64; 3],
    /// The words that were most often evidence for the code.
    pub words: Vec<WordCount>,
    /// The most probable statements with 4 to 60 words, without near copies.
    pub typical: Vec<Excerpt>,
    /// The least probable statements with the code.
    pub borderline: Vec<Excerpt>,
    /// Statements that got this code from one coder and another code from another.
    pub contested: Vec<Contested>,
    /// The most frequent words with the text around them.
    pub contexts: Vec<Context>,
}

/// A word, and the number of statements in which it was evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WordCount {
    /// The word in lower case.
    pub word: String,
    /// Number of statements.
    pub n: u64,
}

/// A statement with several codes.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Contested {
    /// The statement.
    pub excerpt: Excerpt,
    /// The codes and who gave them.
    pub given: Vec<Given>,
}

/// A code and who gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Given {
    /// A coder; `None` for the model.
    pub by: Option<String>,
    /// Position of the code.
    pub code: usize,
}

/// The text in `language`, or in the first available language.
pub(super) fn translated(texts: &Translations, language: &str) -> String {
    let text = texts.get(language).or_else(|| texts.values().next());
    text.cloned().unwrap_or_default()
}

/// Counts of one code during the pass.
pub(super) struct CodeTally {
    n: u64,
    decisions: [u64; 3],
    words: BTreeMap<String, u64>,
    typical: First<(Reverse<u32>, u64, u64), Excerpt>,
    borderline: First<(u32, u64), Excerpt>,
    pool: First<(u64, u64), Excerpt>,
}

impl CodeTally {
    fn new() -> Self {
        Self {
            n: 0,
            decisions: [0; 3],
            words: BTreeMap::new(),
            typical: First::new(SHOWN),
            borderline: First::new(SHOWN),
            pool: First::new(POOL),
        }
    }

    fn add(&mut self, row: &CodedRow<'_>, variable: usize) {
        self.n += 1;
        if let Some(decision) = row.decisions[variable] {
            self.decisions[decision as usize] += 1;
        }
        let evidence = &row.evidence[variable];
        for word in evidence {
            *self.words.entry(word.to_lowercase()).or_default() += 1;
        }
        let excerpt = || Excerpt::new(&row.id, row.line, row.text, evidence);
        let (hash, line) = scattered(row);
        self.pool.offer((hash, line), excerpt);
        let (Some(p), true) = (row.probabilities[variable], row.copy_of.is_empty()) else {
            return;
        };
        self.borderline.offer((in_parts(p), line), excerpt);
        if TYPICAL.contains(&row.text.split_whitespace().take(TYPICAL.end() + 1).count()) {
            let key = (Reverse(in_parts(p)), hash, line);
            self.typical.offer(key, excerpt);
        }
    }

    fn done(self, code: &Code, coded: u64, language: &str) -> CodeReport {
        let mut words: Vec<WordCount> = self
            .words
            .into_iter()
            .map(|(word, n)| WordCount {
                word: super::excerpt::clean(&word).chars().take(40).collect(),
                n,
            })
            .collect();
        words.sort_by(|a, b| (Reverse(a.n), &a.word).cmp(&(Reverse(b.n), &b.word)));
        words.truncate(WORDS);
        let pool = self.pool.into_values();
        let contexts = words.iter().take(IN_CONTEXT).flat_map(|w| {
            let found = pool.iter().filter_map(|e| Context::of(&w.word, e));
            found.take(CONTEXTS)
        });
        let typical = self.typical.into_values();
        // With few statements, the least probable are also the most probable.
        let mut borderline = self.borderline.into_values();
        borderline.retain(|b| typical.iter().all(|t| t.line != b.line));
        CodeReport {
            id: code.id.clone(),
            name: translated(&code.name, language),
            role: code.role,
            brief: translated(&code.brief, language),
            n: self.n,
            share: (coded > 0).then(|| self.n as f64 / coded as f64),
            decisions: self.decisions,
            contexts: contexts.collect(),
            words,
            typical,
            borderline,
            contested: Vec::new(),
        }
    }
}

/// Counts of all variables during the pass.
pub(super) struct VariableTally(Vec<Vec<CodeTally>>);

impl VariableTally {
    pub(super) fn new(codebook: &Codebook) -> Self {
        let tallies = |v: &Variable| v.codes.iter().map(|_| CodeTally::new()).collect();
        Self(codebook.variables.iter().map(tallies).collect())
    }

    pub(super) fn add(&mut self, row: &CodedRow<'_>) {
        for (variable, (tallies, code)) in self.0.iter_mut().zip(&row.codes).enumerate() {
            if let Some(code) = code {
                tallies[*code].add(row, variable);
            }
        }
    }

    pub(super) fn done(self, codebook: &Codebook, language: &str) -> Vec<VariableReport> {
        let variables = codebook.variables.iter().zip(self.0);
        let report = |(variable, tallies): (&Variable, Vec<CodeTally>)| {
            let all = tallies.iter().map(|t| t.n).sum();
            let codes: Vec<CodeReport> = variable
                .codes
                .iter()
                .zip(tallies)
                .map(|(code, tally)| tally.done(code, all, language))
                .collect();
            let sum = |d: usize| codes.iter().map(|c| c.decisions[d]).sum();
            VariableReport {
                id: variable.id.clone(),
                name: translated(&variable.name, language),
                coded: all,
                decisions: [sum(0), sum(1), sum(2)],
                codes,
            }
        };
        variables.map(report).collect()
    }
}

/// Adds the statements to which coders, or gold and model, gave different codes.
pub(super) fn add_contested(
    variables: &mut [VariableReport],
    coders: Option<&CoderTable>,
    gold: Option<(&Corpus, &Labels)>,
) {
    for (position, variable) in variables.iter_mut().enumerate() {
        let among_coders = coders.into_iter().flat_map(|t| of_coders(t, position));
        let with_gold = gold.into_iter().flat_map(|(g, l)| of_gold(g, l, position));
        for contested in among_coders.chain(with_gold) {
            for given in &contested.given {
                let shown = &mut variable.codes[given.code].contested;
                let is_there = shown.iter().any(|c| c.excerpt.id == contested.excerpt.id);
                if shown.len() < SHOWN && !is_there {
                    shown.push(contested.clone());
                }
            }
        }
    }
}

fn of_coders(table: &CoderTable, variable: usize) -> impl Iterator<Item = Contested> {
    table.units.iter().filter_map(move |unit| {
        let of_unit = table.coders.iter().zip(&unit.codes[variable]);
        let given: Vec<Given> = of_unit
            .filter(|(coder, _)| !coder.is_model)
            .filter_map(|(coder, code)| {
                Some(Given {
                    by: Some(coder.name.clone()),
                    code: (*code)?,
                })
            })
            .collect();
        let text = unit.text.as_deref()?;
        let differ = given.iter().any(|g| g.code != given[0].code);
        differ.then(|| Contested {
            excerpt: Excerpt::new(&unit.id, 0, text, &[]),
            given,
        })
    })
}

fn of_gold<'a>(
    gold: &'a Corpus,
    labels: &'a Labels,
    variable: usize,
) -> impl Iterator<Item = Contested> + 'a {
    gold.statements.iter().filter_map(move |statement| {
        let people = statement.codes[variable]?;
        let model = (*labels.get(&statement.id)?.get(variable)?)?;
        (people != model).then(|| Contested {
            excerpt: Excerpt::new(&statement.id, 0, &statement.text, &[]),
            given: vec![
                Given {
                    by: Some(gold.name.clone()),
                    code: people,
                },
                Given {
                    by: None,
                    code: model,
                },
            ],
        })
    })
}
