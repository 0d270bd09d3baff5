//! Trains a model on coded statements.
//!
//! 1. Views (words, pieces, frequencies) are fitted on all texts, without the codes.
//! 2. For each variable and each fold, a regression is fitted on the other folds. So every
//!    statement gets scores from a regression that has not seen its group.
//! 3. The head learns from these scores. Heads that leave a fold out give unbiased probabilities,
//!    and the decision thresholds are chosen on these probabilities.
//! 4. One regression on all statements gives the weights of the model.
//!
//! Every regression is sequential and seeded. Threads only decide when each one is fitted, so the
//! bytes of the model don't depend on the number of threads.

mod heads;
mod params;
mod prior;
mod task;
mod viewed;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use linfa::ParamGuard;
use linfa::dataset::DatasetBase;
use ndarray::Array2;
use rayon::prelude::*;

use super::softmax::{FittedSoftmax, SoftmaxRegression, Start, Targets};
use heads::{Heads, Recipe};
pub use params::TrainParams;
use prior::Prior;
use task::{Task, tasks};
pub(crate) use viewed::Viewed;

use super::{Decision, Model, Origin, Reading, Thresholds, VariableModel, argmax, text_key};
use crate::corpus::{Codings, Corpus, Statement, group_folds};
use crate::error::{Error, Result};
use crate::features::{
    EncoderViews, FeatureExtractor, FeatureMatrix, SentenceView, StatementFeatures, StaticEncoder,
    TextEncoder,
};

/// With fewer statements the stated error rate is poorly supported.
const FEW_STATEMENTS: usize = 300;

/// A step of the training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Fitting the views.
    Views,
    /// Fitting regressions: `done` of `total`.
    Regressions {
        /// Fitted so far.
        done: usize,
        /// Number of regressions in all.
        total: usize,
    },
    /// Fitting heads and thresholds.
    Heads,
}

/// Probabilities of statements by models that have not seen their group.
#[derive(Debug, Clone, PartialEq)]
pub struct OutOfFold {
    /// Id of the variable.
    pub variable: String,
    /// One per coded statement.
    pub rows: Vec<OutOfFoldRow>,
}

/// The out-of-fold result of one statement.
#[derive(Debug, Clone, PartialEq)]
pub struct OutOfFoldRow {
    /// Id of the statement.
    pub id: String,
    /// Its code.
    pub code: usize,
    /// Probability of each code.
    pub probabilities: Vec<f64>,
    /// The decision, by thresholds chosen on the other folds.
    pub decision: Decision,
}

/// A trained model with its out-of-fold results.
#[non_exhaustive]
pub struct Training {
    /// The model.
    pub model: Model,
    /// Out-of-fold probabilities of each variable.
    pub out_of_fold: Vec<OutOfFold>,
    /// Warnings for the user, for example about codes with few statements.
    pub warnings: Vec<String>,
}

/// Optional inputs of a training besides the corpus.
#[derive(Default, Clone, Copy)]
pub struct Aids<'a> {
    /// The vectors of the semantic view; the shipped ones if `None`.
    pub encoder: Option<&'a StaticEncoder>,
    /// An encoder for whole texts; adds the sentence view.
    pub sentences: Option<&'a Arc<dyn TextEncoder>>,
    /// A model to start from: its vocabulary and, for a variable with the same id and codes, its
    /// weights. The penalty then pulls towards these weights instead of towards 0.
    pub prior: Option<&'a Model>,
    /// Codings by several coders: such a statement is learned with the shares of its codes.
    pub codings: Option<&'a Codings>,
}

impl Aids<'_> {
    fn shares(&self, id: &str, variable: usize, classes: usize) -> Option<Vec<f64>> {
        self.codings?.shares(id, variable, classes)
    }
}

/// Trains a model on a corpus.
pub fn train(corpus: &Corpus, params: &TrainParams) -> Result<Training> {
    train_with(corpus, "model", params, Aids::default(), &|_| {})
}

/// Trains a model called `name` on a corpus with optional `aids`. `watch` is called at each step,
/// from any thread.
pub fn train_with(
    corpus: &Corpus,
    name: &str,
    params: &TrainParams,
    aids: Aids<'_>,
    watch: &(dyn Fn(Step) + Sync),
) -> Result<Training> {
    params.check()?;
    let study = Study::new(corpus, params, aids)?;
    watch(Step::Views);
    let viewed = study.view(params)?;
    let rows = viewed.rows(params);
    let data = Data {
        features: &viewed.features,
        rows: &rows,
        folds: &study.folds,
        params,
    };
    let priors = study.priors(&viewed, params)?;
    let regressions = fit_regressions(&study.tasks, &priors, &data, watch)?;
    watch(Step::Heads);
    let outputs = study
        .tasks
        .iter()
        .zip(&priors)
        .zip(&regressions)
        .map(|((task, prior), regressions)| fit_output(task, prior.as_ref(), regressions, &data))
        .collect::<Result<Vec<_>>>()?;
    let out_of_fold = out_of_fold(&study.corpus, &study.tasks, &outputs);
    let warnings = study.warnings();
    let weights = viewed.split_weights(&regressions, params);
    let mut variables: Vec<VariableModel> = outputs.into_iter().map(|o| o.model).collect();
    let has_language = study.tasks.last().is_some_and(|t| t.is_language);
    let mut model = Model {
        origin: Origin {
            from: aids.prior.map(|prior| prior.id().to_string()),
            soft: study.tasks.iter().map(Task::soft).max().unwrap_or(0),
            // With a prior model its parameters are used, because they define the features.
            params: TrainParams {
                lexical: viewed.extractor.lexical().params().clone(),
                ..params.clone()
            },
            ..origin(&study.corpus, name, params, data.fold_count())
        },
        seen_texts: text_keys(&study.texts(), aids.prior),
        codebook_hash: corpus.codebook.hash(),
        codebook: corpus.codebook.clone(),
        language: if has_language { variables.pop() } else { None },
        extractor: viewed.extractor,
        weights: weights.lexical.into(),
        semantic: weights.semantic,
        sentence: weights.sentence,
        variables,
        reading: inherited_reading(aids.prior, corpus).cloned(),
        scores: None,
        id: String::new(),
    };
    model.refresh_id()?;
    Ok(Training {
        model,
        out_of_fold,
        warnings,
    })
}

/// Codes predicted by regressions that have not seen the statements.
pub(crate) struct Unseen {
    /// Number of folds.
    pub(crate) folds: usize,
    /// For each variable of the codebook and each fold, in this order: pairs (code, best code) of
    /// the statements in the fold.
    pub(crate) codes: Vec<Vec<(usize, usize)>>,
    /// The dual variables of the regression that left this fold out.
    duals: Vec<Array2<f64>>,
}

#[cfg(test)]
impl Unseen {
    /// Only codes, without dual variables.
    pub(crate) fn of(folds: usize, codes: Vec<Vec<(usize, usize)>>) -> Self {
        Self {
            folds,
            codes,
            duals: Vec::new(),
        }
    }
}

/// A corpus with its variables and folds, ready for trainings with any hyperparameters.
pub(crate) struct Study<'a> {
    /// In canonical order.
    corpus: Corpus,
    tasks: Vec<Task>,
    /// The fold of each statement.
    folds: Vec<usize>,
    aids: Aids<'a>,
    shipped: Option<StaticEncoder>,
    sentences: Option<SentenceView>,
}

impl<'a> Study<'a> {
    pub(crate) fn new(corpus: &Corpus, params: &TrainParams, aids: Aids<'a>) -> Result<Self> {
        let views = params.views;
        let sentences = match aids.sentences {
            Some(encoder) => Some(SentenceView::new(Arc::clone(encoder))),
            // If the prior model reads with the context encoder, the new model does too.
            None if params.context && inherited_reading(aids.prior, corpus).is_none() => {
                Some(SentenceView::shipped()?)
            }
            None => None,
        };
        if !(views.lexical || views.semantic || sentences.is_some()) {
            return Err(Error::Parameter {
                name: "views",
                value: "cues alone".into(),
                range: "lexical, semantic or an encoder",
            });
        }
        let corpus = corpus.in_canonical_order();
        let shipped = match aids.encoder {
            None if params.views.semantic => Some(StaticEncoder::shipped()?),
            _ => None,
        };
        Ok(Self {
            tasks: tasks(&corpus, aids)?,
            folds: folds(&corpus, params)?,
            corpus,
            aids,
            shipped,
            sentences,
        })
    }

    fn texts(&self) -> Vec<&str> {
        let statements = self.corpus.statements.iter();
        statements.map(|s| s.text.as_str()).collect()
    }

    /// Fits the views and computes them for every statement.
    pub(crate) fn view(&self, params: &TrainParams) -> Result<Viewed<'_>> {
        let encoder = self.aids.encoder.or(self.shipped.as_ref());
        let encoder = encoder.filter(|_| params.views.semantic);
        let encoders = EncoderViews {
            semantic: encoder.map(StaticEncoder::view),
            sentence: self.sentences.clone(),
        };
        let texts = self.texts();
        let extractor = FeatureExtractor::fit(
            &texts,
            &self.corpus.codebook,
            params.views,
            &params.lexical,
            encoders,
            self.aids.prior.map(|prior| &prior.extractor),
        )?;
        let features = extractor.extract_all(&texts)?;
        Ok(Viewed::new(extractor, features, encoder))
    }

    /// What the prior model has for each variable.
    fn priors(&self, viewed: &Viewed<'_>, params: &TrainParams) -> Result<Vec<Option<Prior<'_>>>> {
        let of = |task: &Task| match self.aids.prior {
            Some(prior) => Prior::of(
                prior,
                task,
                &self.corpus.codebook,
                &viewed.extractor,
                params,
            ),
            None => Ok(None),
        };
        self.tasks.iter().map(of).collect()
    }

    /// Codes of unseen statements by the regressions, without a head. `before` may be from similar
    /// hyperparameters; it saves epochs.
    pub(crate) fn unseen(
        &self,
        viewed: &Viewed<'_>,
        params: &TrainParams,
        before: Option<&Unseen>,
    ) -> Result<Unseen> {
        let rows = viewed.rows(params);
        let data = Data {
            features: &viewed.features,
            rows: &rows,
            folds: &self.folds,
            params,
        };
        let priors = self.priors(viewed, params)?;
        let folds = data.fold_count();
        let tasks = self.tasks.iter().filter(|t| !t.is_language).zip(&priors);
        let jobs: Vec<_> = tasks
            .flat_map(|of| (0..folds).map(move |fold| (of, fold)))
            .collect();
        let fitted = jobs
            .par_iter()
            .enumerate()
            .with_max_len(1)
            .map(|(i, ((task, prior), fold))| {
                let duals = before.map(|b| &b.duals[i]);
                data.fit(task, prior.as_ref(), Some(*fold), duals)
            })
            .collect::<Result<Vec<_>>>()?;
        let judge = |(((task, _), fold), fitted): (&((&Task, _), usize), &FittedSoftmax)| {
            let held_out = task.rows.iter().filter(|(i, _)| self.folds[*i] == *fold);
            held_out
                .map(|(i, code)| (*code, argmax(&fitted.logits(rows.row(*i)))))
                .collect()
        };
        Ok(Unseen {
            folds,
            codes: jobs.iter().zip(&fitted).map(judge).collect(),
            duals: fitted.into_iter().map(|f| f.duals).collect(),
        })
    }

    /// Warnings for the user.
    fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<String> = self.tasks.iter().flat_map(Task::warnings).collect();
        warnings.extend(repetition_warnings(&self.corpus));
        let n = self.corpus.statements.len();
        if n < FEW_STATEMENTS {
            warnings.push(format!(
                "{n} statements are few: scores and decisions are rough; check them on new ones"
            ));
        }
        let Some(prior) = self.aids.prior else {
            return warnings;
        };
        let seen = self.texts().iter().filter(|t| prior.has_seen(t)).count();
        if seen > 0 {
            warnings.push(format!(
                "{seen} of the statements were in the training of {}: out-of-fold scores are too high",
                prior.id()
            ));
        }
        warnings
    }
}

/// The readings of the prior model; they are valid only for the same codebook.
fn inherited_reading<'a>(prior: Option<&'a Model>, corpus: &Corpus) -> Option<&'a Reading> {
    let same = prior.filter(|p| p.codebook_hash == corpus.codebook.hash())?;
    same.reading.as_ref()
}

/// The keys of all training texts (with those of the prior model), sorted and unique.
fn text_keys(texts: &[&str], prior: Option<&Model>) -> Vec<u64> {
    let mut keys: BTreeSet<u64> = texts.iter().map(|t| text_key(t)).collect();
    keys.extend(prior.into_iter().flat_map(|p| &p.seen_texts));
    keys.into_iter().collect()
}

/// The out-of-fold results of the variables; the language is left out.
fn out_of_fold(corpus: &Corpus, tasks: &[Task], outputs: &[Output]) -> Vec<OutOfFold> {
    let of_variables = tasks.iter().zip(outputs).filter(|(t, _)| !t.is_language);
    let rows = |task: &Task, output: &Output| {
        let rows = task
            .rows
            .iter()
            .zip(&output.probabilities)
            .zip(&output.decisions);
        rows.map(|((&(i, code), p), decision)| OutOfFoldRow {
            id: corpus.statements[i].id.clone(),
            code,
            probabilities: p.clone(),
            decision: *decision,
        })
        .collect()
    };
    of_variables
        .map(|(task, output)| OutOfFold {
            variable: task.id.clone(),
            rows: rows(task, output),
        })
        .collect()
}

/// Warnings about repeated texts. With different codes the model learns a compromise. In different
/// groups, a fold has seen the texts on which it is scored.
fn repetition_warnings(corpus: &Corpus) -> Vec<String> {
    let mut first: BTreeMap<u64, &Statement> = BTreeMap::new();
    let mut contradictions: Vec<[u64; 2]> = Vec::new();
    let mut across_groups: Vec<[u64; 2]> = Vec::new();
    for statement in &corpus.statements {
        let earlier = *first.entry(text_key(&statement.text)).or_insert(statement);
        let mut lines = [earlier.line, statement.line];
        lines.sort_unstable();
        if earlier.codes != statement.codes {
            contradictions.push(lines);
        }
        if earlier.group != statement.group {
            across_groups.push(lines);
        }
    }
    let warning = |what: &str, found: &[[u64; 2]]| {
        let [a, b] = found.iter().min()?;
        let n = found.len();
        Some(format!(
            "texts {what}: {n} (for example lines {a} and {b}); see `konflik check`"
        ))
    };
    let contradicting = warning("with different codes", &contradictions);
    let leaking = warning("in different groups", &across_groups).filter(|_| corpus.has_groups);
    contradicting.into_iter().chain(leaking).collect()
}

fn origin(corpus: &Corpus, name: &str, params: &TrainParams, folds: usize) -> Origin {
    let mut languages: BTreeMap<&str, usize> = BTreeMap::new();
    for statement in &corpus.statements {
        *languages
            .entry(statement.language.as_deref().unwrap_or("unknown"))
            .or_default() += 1;
    }
    let groups: BTreeSet<&str> = corpus.statements.iter().map(|s| s.group.as_str()).collect();
    Origin {
        name: name.to_string(),
        corpus_hash: corpus.hash().to_string(),
        statements: corpus.statements.len(),
        groups: groups.len(),
        languages: languages
            .into_iter()
            .map(|(l, n)| (l.to_string(), n))
            .collect(),
        folds,
        from: None,
        soft: 0,
        params: params.clone(),
    }
}

fn folds(corpus: &Corpus, params: &TrainParams) -> Result<Vec<usize>> {
    let groups: BTreeSet<&str> = corpus.statements.iter().map(|s| s.group.as_str()).collect();
    if groups.len() < 2 {
        return Err(Error::Untrainable {
            reason: "all statements are of one group; at least two are needed to hold one out"
                .into(),
        });
    }
    let count = params.folds.min(groups.len());
    Ok(group_folds(
        corpus.statements.iter().map(|s| s.group.as_str()),
        count,
        params.seed,
    ))
}

struct Data<'a> {
    features: &'a [StatementFeatures],
    /// The rows of the regressions.
    rows: &'a FeatureMatrix,
    folds: &'a [usize],
    params: &'a TrainParams,
}

impl Data<'_> {
    fn fold_count(&self) -> usize {
        self.folds.iter().max().map_or(1, |last| last + 1)
    }

    /// Fits a variable on all statements outside one fold (on all statements for `None`).
    fn fit(
        &self,
        task: &Task,
        prior: Option<&Prior<'_>>,
        left_out: Option<usize>,
        duals: Option<&Array2<f64>>,
    ) -> Result<FittedSoftmax> {
        let kept: Vec<usize> = (0..task.rows.len())
            .filter(|r| Some(self.folds[task.rows[*r].0]) != left_out)
            .collect();
        let matrix = self.rows.select(kept.iter().map(|r| task.rows[*r].0));
        let codes: Vec<usize> = kept.iter().map(|r| task.rows[*r].1).collect();
        if codes.is_empty() {
            return Err(Error::Untrainable {
                reason: format!(
                    "all statements coded for {} fall into one fold; code some of other groups",
                    task.id
                ),
            });
        }
        let shares = kept.iter().map(|r| task.shares[*r].as_deref());
        let targets = Targets::from_codes(&codes, task.codes.len())
            .with_shares(shares)
            .balanced(self.params.balance);
        let start = Start {
            prior: prior.map(|p| &p.weights),
            duals,
        };
        SoftmaxRegression::new(task.codes.len())
            .cost(self.params.cost)
            .tolerance(self.params.tolerance)
            .seed(self.params.seed)
            .check()?
            .fit_from(&DatasetBase::new(matrix, targets), start)
    }
}

/// The regressions of a variable: one per fold left out, and one on all.
struct Regressions {
    by_fold: Vec<FittedSoftmax>,
    full: FittedSoftmax,
}

fn fit_regressions(
    tasks: &[Task],
    priors: &[Option<Prior<'_>>],
    data: &Data<'_>,
    watch: &(dyn Fn(Step) + Sync),
) -> Result<Vec<Regressions>> {
    let folds = data.fold_count();
    let jobs: Vec<(&Task, Option<&Prior<'_>>, Option<usize>)> = tasks
        .iter()
        .zip(priors)
        .flat_map(|(task, prior)| {
            let left_out = (0..folds).map(Some).chain([None]);
            left_out.map(move |fold| (task, prior.as_ref(), fold))
        })
        .collect();
    let done = AtomicUsize::new(0);
    let fitted = jobs
        .par_iter()
        .with_max_len(1)
        .map(|(task, prior, left_out)| {
            let fitted = data.fit(task, *prior, *left_out, None);
            watch(Step::Regressions {
                done: done.fetch_add(1, Ordering::Relaxed) + 1,
                total: jobs.len(),
            });
            fitted
        })
        .collect::<Result<Vec<_>>>()?;
    let mut fitted = fitted.into_iter();
    let mut regressions = Vec::new();
    while let Some(first) = fitted.next() {
        let mut by_fold = vec![first];
        by_fold.extend(fitted.by_ref().take(folds - 1));
        if let Some(full) = fitted.next() {
            regressions.push(Regressions { by_fold, full });
        }
    }
    Ok(regressions)
}

/// A fitted variable, with its results on unseen statements.
struct Output {
    model: VariableModel,
    probabilities: Vec<Vec<f64>>,
    decisions: Vec<Decision>,
}

/// The head and thresholds of a variable.
fn fit_output(
    task: &Task,
    prior: Option<&Prior<'_>>,
    regressions: &Regressions,
    data: &Data<'_>,
) -> Result<Output> {
    let inputs = head_inputs(task, regressions, data);
    let codes: Vec<usize> = task.rows.iter().map(|(_, code)| *code).collect();
    let heads = Heads {
        inputs: &inputs,
        codes: &codes,
        folds: task.rows.iter().map(|(i, _)| data.folds[*i]).collect(),
        classes: task.codes.len(),
    };
    let kept = prior.and_then(|p| p.head).map(Recipe::Kept);
    let (head, probabilities) = heads.best(kept, &data.params.head_alphas)?;
    let outcome = |(p, code): (&Vec<f64>, &usize)| {
        let best = argmax(p);
        (p[best], best == *code)
    };
    let outcomes: Vec<(f64, bool)> = probabilities.iter().zip(&codes).map(outcome).collect();
    let stated_error = data.params.stated_error;
    Ok(Output {
        model: VariableModel {
            id: task.id.clone(),
            codes: task.codes.clone(),
            counts: task.counts(),
            head,
            thresholds: Thresholds::choose(&outcomes, stated_error),
        },
        decisions: heads.decisions(&outcomes, stated_error),
        probabilities,
    })
}

/// The inputs of a head: out-of-fold scores, then the cues; shape statements × inputs.
fn head_inputs(task: &Task, regressions: &Regressions, data: &Data<'_>) -> Array2<f64> {
    let cues = data.features.first().map_or(0, |f| f.cues.len());
    let classes = task.codes.len();
    let mut inputs = Array2::zeros((task.rows.len(), classes + cues));
    for (mut row, (i, _)) in inputs.rows_mut().into_iter().zip(&task.rows) {
        let features = &data.features[*i];
        let scores = regressions.by_fold[data.folds[*i]].logits(data.rows.row(*i));
        row.iter_mut()
            .zip(scores.iter().chain(&features.cues))
            .for_each(|(r, v)| *r = *v);
    }
    inputs
}
