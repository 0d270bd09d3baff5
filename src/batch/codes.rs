//! Each code: how frequent, by which words, with which statements.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::columns::CodedRow;
use super::excerpt::{Context, Excerpt, First};
use super::triage::{in_parts, scattered};
use crate::codebook::{Code, Codebook, Role, Translations, Variable};
use crate::corpus::{CoderTable, Corpus, Labels};

/// Statements that are shown of a code: typical, borderline and contested ones each.
const SHOWN: usize = 5;
/// Words of a code that are listed, and those that are shown in context, so often.
const WORDS: usize = 15;
const IN_CONTEXT: usize = 4;
const CONTEXTS: usize = 3;
/// Statements of a code that contexts are taken from.
const POOL: usize = 300;
/// Words of a statement that can be typical: shorter ones say little, longer ones much else.
const TYPICAL: std::ops::RangeInclusive<usize> = 4..=60;

/// One variable of a labelled file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct VariableReport {
    /// Id of the variable.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Statements with a code.
    pub coded: u64,
    /// Of them those that may stand, those to be looked at and those that are guesses.
    pub decisions: [u64; 3],
    /// Its codes, in the order of the codebook.
    pub codes: Vec<CodeReport>,
}

/// One code of a labelled file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CodeReport {
    /// Id of the code.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its definition in a line.
    pub brief: String,
    /// What follows from it.
    pub role: Option<Role>,
    /// Statements with it.
    pub n: u64,
    /// Their share; `None` where no statement is coded.
    pub share: Option<f64>,
    /// By decision, as in [`VariableReport::decisions`].
    pub decisions: [u64; 3],
    /// The words that were evidence for it most often.
    pub words: Vec<WordCount>,
    /// The most probable statements that are no near copies, of 4 to 60 words.
    pub typical: Vec<Excerpt>,
    /// The least probable statements that still got it.
    pub borderline: Vec<Excerpt>,
    /// Statements that got it from one and another code from another.
    pub contested: Vec<Contested>,
    /// The most frequent words with what stands around them.
    pub contexts: Vec<Context>,
}

/// A word and in how many statements it was evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WordCount {
    /// The word in small letters.
    pub word: String,
    /// Statements.
    pub n: u64,
}

/// A statement that got several codes.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Contested {
    /// The statement.
    pub excerpt: Excerpt,
    /// Who gave which code.
    pub given: Vec<Given>,
}

/// Who gave a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Given {
    /// A coder; `None` for the model.
    pub by: Option<String>,
    /// Position of the code.
    pub code: usize,
}

/// A text in a language, else in the first that there is.
pub(super) fn translated(texts: &Translations, language: &str) -> String {
    let text = texts.get(language).or_else(|| texts.values().next());
    text.cloned().unwrap_or_default()
}

/// Codes on the way.
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
        // Where there are few statements, the least probable are the most probable too.
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

/// All variables on the way.
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

/// Adds the statements that coders, or gold and model, gave different codes.
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
