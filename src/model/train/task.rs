//! The variables to be learned.

use std::collections::BTreeSet;

use super::Aids;
use crate::corpus::Corpus;
use crate::error::{Error, Result};

/// Languages are learned only if each one occurs in at least this number of groups.
const MIN_LANGUAGE_GROUPS: usize = 5;

/// A nominal variable to be learned: which statements have which code.
pub(super) struct Task {
    pub(super) id: String,
    pub(super) codes: Vec<String>,
    /// (position of the statement, its code).
    pub(super) rows: Vec<(usize, usize)>,
    /// For each row the shares of several coders, if there are several.
    pub(super) shares: Vec<Option<Vec<f64>>>,
    pub(super) is_language: bool,
}

impl Task {
    pub(super) fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.codes.len()];
        self.rows.iter().for_each(|(_, code)| counts[*code] += 1);
        counts
    }

    /// Number of rows on which the coders disagreed.
    pub(super) fn soft(&self) -> usize {
        let split = |shares: &&Vec<f64>| shares.iter().all(|s| *s < 1.0 - 1e-9);
        self.shares.iter().flatten().filter(split).count()
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        const FEW: usize = 10;
        let warn = |(code, n): (&String, usize)| match n {
            0 => Some(format!(
                "{} {code:?} has no statement: it will never be predicted",
                self.id
            )),
            1 => Some(format!(
                "{} {code:?} has one statement: too few to learn or to measure",
                self.id
            )),
            n if n < FEW => Some(format!("{} {code:?} has only {n} statements", self.id)),
            _ => None,
        };
        self.codes
            .iter()
            .zip(self.counts())
            .filter_map(warn)
            .collect()
    }
}

/// The variables of the codebook, then the language if the corpus has at least two.
pub(super) fn tasks(corpus: &Corpus, aids: Aids<'_>) -> Result<Vec<Task>> {
    let mut tasks = Vec::new();
    for (v, variable) in corpus.codebook.variables.iter().enumerate() {
        let rows = corpus.statements.iter().enumerate();
        let rows: Vec<(usize, usize)> = rows.filter_map(|(i, s)| Some((i, s.codes[v]?))).collect();
        let shares = |i: usize| aids.shares(&corpus.statements[i].id, v, variable.codes.len());
        tasks.push(Task {
            id: variable.id.clone(),
            codes: variable.code_ids(),
            shares: rows.iter().map(|(i, _)| shares(*i)).collect(),
            rows,
            is_language: false,
        });
    }
    for task in &tasks {
        let present = task.counts().iter().filter(|n| **n > 0).count();
        if present < 2 {
            let counts: Vec<String> = task
                .codes
                .iter()
                .zip(task.counts())
                .map(|(c, n)| format!("{c} {n}"))
                .collect();
            return Err(Error::Untrainable {
                reason: format!(
                    "{} needs statements of at least two codes, there are: {}",
                    task.id,
                    counts.join(", ")
                ),
            });
        }
    }
    let languages = corpus.languages();
    let groups_of = |language: &String| {
        let with = corpus
            .statements
            .iter()
            .filter(|s| s.language.as_ref() == Some(language));
        with.map(|s| s.group.as_str())
            .collect::<BTreeSet<_>>()
            .len()
    };
    // A language in few groups can't be learned in some folds. No prediction is better than a bad
    // one.
    if languages.len() >= 2
        && languages
            .iter()
            .all(|l| groups_of(l) >= MIN_LANGUAGE_GROUPS)
    {
        let rows = corpus.statements.iter().enumerate();
        let position = |l: &String| languages.iter().position(|known| known == l);
        let rows: Vec<(usize, usize)> = rows
            .filter_map(|(i, s)| Some((i, position(s.language.as_ref()?)?)))
            .collect();
        tasks.push(Task {
            id: "language".into(),
            shares: vec![None; rows.len()],
            rows,
            codes: languages.clone(),
            is_language: true,
        });
    }
    Ok(tasks)
}
