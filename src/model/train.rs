//! From coded statements to a model.
//!
//! 1. Views (words, pieces, frequencies) are fitted on all texts; no code is looked at.
//! 2. For each variable one regression per fold is fitted on the other folds, which gives every
//!    statement scores from a regression that has not seen its group.
//! 3. The head learns from those scores; heads that leave a fold out give honest probabilities,
//!    and from these the decision thresholds are chosen.
//! 4. One regression on all statements gives the weights of the model.
//!
//! Every regression is sequential and seeded; threads only decide which is fitted when, so the
//! model's bytes don't depend on their number.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use linfa::ParamGuard;
use linfa::dataset::{DatasetBase, Records};
use ndarray::{Array2, Axis, Slice};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::head::Head;
use super::softmax::{FittedSoftmax, SoftmaxRegression, Start, Targets};
use super::{
    Decision, Model, Origin, SemanticWeights, Thresholds, VariableModel, argmax, text_key,
};
use crate::codebook::Codebook;
use crate::corpus::{Codings, Corpus, Statement, group_folds};
use crate::error::{Error, Result};
use crate::features::{
    FeatureExtractor, LexicalParams, SemanticView, SparseMatrix, StatementFeatures, StaticEncoder,
    Views,
};

/// Hyperparameters of a training; part of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainParams {
    /// Which views are used.
    pub views: Views,
    /// The lexical view.
    pub lexical: LexicalParams,
    /// Weight of the semantic view beside the lexical one, each of length about 1.
    pub semantic_weight: f64,
    /// Cost C of the loss beside the penalty.
    pub cost: f64,
    /// How far rare codes are weighted up: 0 not at all, 1 fully.
    pub balance: f64,
    /// Relative duality gap at which a regression stops.
    pub tolerance: f64,
    /// Penalties of the head to choose from, by the log loss of statements not seen.
    pub head_alphas: Vec<f64>,
    /// Folds of the cross-fitting.
    pub folds: usize,
    /// Error rate that `auto` decisions keep to.
    pub stated_error: f64,
    /// Seed of folds and of the order of statements in the solver.
    pub seed: u64,
}

impl Default for TrainParams {
    fn default() -> Self {
        Self {
            views: Views::default(),
            lexical: LexicalParams::default(),
            semantic_weight: 0.5,
            cost: 10.0,
            balance: 0.5,
            tolerance: 1e-3,
            head_alphas: vec![1.0, 10.0, 100.0, 1000.0],
            folds: 5,
            stated_error: 0.1,
            seed: 20_260_101,
        }
    }
}

impl TrainParams {
    /// Refuses values outside their range.
    pub fn check(&self) -> Result<()> {
        let fail = |name, value: String, range| Err(Error::Parameter { name, value, range });
        self.lexical.check()?;
        if !(self.views.lexical || self.views.semantic) {
            return fail("views", "cues alone".into(), "lexical, semantic or both");
        }
        if !(self.semantic_weight.is_finite() && self.semantic_weight > 0.0) {
            return fail(
                "semantic_weight",
                self.semantic_weight.to_string(),
                "a number above 0",
            );
        }
        if !(0.0..=1.0).contains(&self.balance) {
            return fail("balance", self.balance.to_string(), "0 to 1");
        }
        if self.head_alphas.is_empty() {
            return fail("head_alphas", "empty".into(), "at least one penalty");
        }
        if !(2..=50).contains(&self.folds) {
            return fail("folds", self.folds.to_string(), "2 to 50");
        }
        if !(self.stated_error > 0.0 && self.stated_error < 1.0) {
            return fail(
                "stated_error",
                self.stated_error.to_string(),
                "between 0 and 1",
            );
        }
        Ok(())
    }
}

/// Fewer statements than that can't support the stated error rate well.
const FEW_STATEMENTS: usize = 300;

/// Groups that each language must stand in for languages to be learned.
const MIN_LANGUAGE_GROUPS: usize = 5;

/// What training is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Fitting the views.
    Views,
    /// Fitting regressions: so many of so many are done.
    Regressions {
        /// Fitted so far.
        done: usize,
        /// To be fitted in all.
        total: usize,
    },
    /// Fitting heads and thresholds.
    Heads,
}

/// Probabilities of statements by a model that has not seen their group.
#[derive(Debug, Clone, PartialEq)]
pub struct OutOfFold {
    /// Id of the variable.
    pub variable: String,
    /// One per coded statement.
    pub rows: Vec<OutOfFoldRow>,
}

/// What models that had not seen a statement's group say of it.
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

/// A trained model with what was seen on the way.
pub struct Training {
    /// The model.
    pub model: Model,
    /// Out-of-fold probabilities of each variable.
    pub out_of_fold: Vec<OutOfFold>,
    /// What the person should know: codes with few statements and the like.
    pub warnings: Vec<String>,
}

/// What a training may draw on beside the corpus.
#[derive(Default, Clone, Copy)]
pub struct Aids<'a> {
    /// The vectors of the semantic view; the shipped ones if none are given.
    pub encoder: Option<&'a StaticEncoder>,
    /// A model to start from: its vocabulary and, where it has the same variable and codes, its
    /// weights, which the penalty then pulls towards instead of towards 0.
    pub prior: Option<&'a Model>,
    /// Codes of several coders: a statement of theirs is learned with the shares of its codes.
    pub codings: Option<&'a Codings>,
}

impl Aids<'_> {
    fn shares(&self, id: &str, variable: usize, classes: usize) -> Option<Vec<f64>> {
        self.codings?.shares(id, variable, classes)
    }
}

/// Trains a model called `name` on a corpus. `watch` hears of each step, from any thread.
pub fn train(
    corpus: &Corpus,
    name: &str,
    params: &TrainParams,
    aids: Aids<'_>,
    watch: &(dyn Fn(Step) + Sync),
) -> Result<Training> {
    params.check()?;
    let corpus = corpus.in_canonical_order();
    let tasks = tasks(&corpus, aids)?;
    watch(Step::Views);
    let texts: Vec<&str> = corpus.statements.iter().map(|s| s.text.as_str()).collect();
    let shipped = match aids.encoder {
        None if params.views.semantic => Some(StaticEncoder::shipped()?),
        _ => None,
    };
    let encoder = aids
        .encoder
        .or(shipped.as_ref())
        .filter(|_| params.views.semantic);
    let view = encoder.map(StaticEncoder::view);
    let (views, codebook) = (params.views, &corpus.codebook);
    let known = aids.prior.map(|prior| &prior.extractor);
    let extractor = FeatureExtractor::fit(&texts, codebook, views, &params.lexical, view, known)?;
    let features = extractor.extract_all(&texts)?;
    let rows = rows(&features, extractor.lexical().len(), encoder, params);
    let folds = folds(&corpus, params)?;
    let data = Data {
        features: &features,
        rows: &rows,
        folds: &folds,
        params,
    };
    let priors = tasks
        .iter()
        .map(|task| match aids.prior {
            Some(prior) => Prior::of(prior, task, &corpus.codebook, &extractor, params),
            None => Ok(None),
        })
        .collect::<Result<Vec<_>>>()?;
    let regressions = fit_regressions(&tasks, &priors, &data, watch)?;
    watch(Step::Heads);
    let outputs = tasks
        .iter()
        .zip(&priors)
        .zip(&regressions)
        .map(|((task, prior), regressions)| fit_output(task, prior.as_ref(), regressions, &data))
        .collect::<Result<Vec<_>>>()?;
    let mut warnings: Vec<String> = tasks.iter().flat_map(Task::warnings).collect();
    warnings.extend(repetition_warnings(&corpus));
    if corpus.statements.len() < FEW_STATEMENTS {
        let n = corpus.statements.len();
        warnings.push(format!(
            "{n} statements are few: scores and decisions are rough; check them on new ones"
        ));
    }
    if let Some(prior) = aids.prior {
        let seen = texts.iter().filter(|t| prior.has_seen(t)).count();
        if seen > 0 {
            warnings.push(format!(
                "{seen} of the statements were in the training of {}: out-of-fold scores are too high",
                prior.id()
            ));
        }
    }
    let out_of_fold = out_of_fold(&corpus, &tasks, &outputs);
    let (weights, projection) = split_weights(
        &regressions,
        extractor.lexical().len(),
        params.semantic_weight,
    );
    let semantic = encoder.map(|encoder| SemanticWeights {
        scores: encoder.vectors().dot(&projection),
        projection,
    });
    let mut variables: Vec<VariableModel> = outputs.into_iter().map(|o| o.model).collect();
    let has_language = tasks.last().is_some_and(|t| t.is_language);
    let mut model = Model {
        origin: Origin {
            from: aids.prior.map(|prior| prior.id().to_string()),
            soft: tasks.iter().map(Task::soft).max().unwrap_or(0),
            // Those of the model it started from, where there is one: features are made by them.
            params: TrainParams {
                lexical: extractor.lexical().params().clone(),
                ..params.clone()
            },
            ..origin(&corpus, name, params, data.fold_count())
        },
        seen_texts: text_keys(&texts, aids.prior),
        codebook: corpus.codebook.clone(),
        language: if has_language { variables.pop() } else { None },
        extractor,
        weights,
        semantic,
        variables,
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

/// The keys of all texts that the weights come from, ascending, each once.
fn text_keys(texts: &[&str], prior: Option<&Model>) -> Vec<u64> {
    let mut keys: BTreeSet<u64> = texts.iter().map(|t| text_key(t)).collect();
    keys.extend(prior.into_iter().flat_map(|p| &p.seen_texts));
    keys.into_iter().collect()
}

/// What the outputs say of the statements they had not seen; the language is left out.
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

/// Texts that repeat: under other codes the model learns something between them, in other
/// groups a fold has seen what it is scored on.
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
            "texts that stand {what}: {n} (lines {a} and {b} for one); see `konflik check`"
        ))
    };
    let contradicting = warning("under different codes", &contradictions);
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

/// A nominal variable to be learned: which statements have which code.
struct Task {
    id: String,
    codes: Vec<String>,
    /// (position of the statement, its code).
    rows: Vec<(usize, usize)>,
    /// For each row what several coders said, where they did.
    shares: Vec<Option<Vec<f64>>>,
    is_language: bool,
}

impl Task {
    fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.codes.len()];
        self.rows.iter().for_each(|(_, code)| counts[*code] += 1);
        counts
    }

    /// Rows on which coders were not of one mind.
    fn soft(&self) -> usize {
        let split = |shares: &&Vec<f64>| shares.iter().all(|s| *s < 1.0 - 1e-9);
        self.shares.iter().flatten().filter(split).count()
    }

    fn warnings(&self) -> Vec<String> {
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

/// The variables of the codebook, then the language if the corpus knows at least two.
fn tasks(corpus: &Corpus, aids: Aids<'_>) -> Result<Vec<Task>> {
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
    // A language that stands in few groups can't be learned from some folds: better none than a bad guess.
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
    rows: &'a SparseMatrix,
    folds: &'a [usize],
    params: &'a TrainParams,
}

impl Data<'_> {
    fn fold_count(&self) -> usize {
        self.folds.iter().max().map_or(1, |last| last + 1)
    }

    /// Fits a variable on all statements but those of one fold (on all without one).
    fn fit(
        &self,
        task: &Task,
        prior: Option<&Prior<'_>>,
        left_out: Option<usize>,
    ) -> Result<FittedSoftmax> {
        let kept = || {
            let rows = task.rows.iter().zip(&task.shares);
            rows.filter(|((i, _), _)| Some(self.folds[*i]) != left_out)
        };
        let matrix = SparseMatrix::from_rows(
            self.rows.nfeatures(),
            kept().map(|((i, _), _)| self.rows.row(*i)),
        );
        let codes: Vec<usize> = kept().map(|((_, code), _)| *code).collect();
        if codes.is_empty() {
            return Err(Error::Untrainable {
                reason: format!(
                    "all statements coded for {} fall into one fold; code some of other groups",
                    task.id
                ),
            });
        }
        let shares = kept().map(|(_, shares)| shares.as_deref());
        let targets = Targets::from_codes(&codes, task.codes.len())
            .with_shares(shares)
            .balanced(self.params.balance);
        let start = Start {
            prior: prior.map(|p| &p.weights),
            duals: None,
        };
        SoftmaxRegression::new(task.codes.len())
            .cost(self.params.cost)
            .tolerance(self.params.tolerance)
            .seed(self.params.seed)
            .check()?
            .fit_from(&DatasetBase::new(matrix, targets), start)
    }
}

/// What an earlier model knows of a variable.
struct Prior<'a> {
    /// In the place of the features of this training, shape features × classes.
    weights: Array2<f64>,
    /// Its head, where it takes the same inputs.
    head: Option<&'a Head>,
}

impl<'a> Prior<'a> {
    /// `None` if the model has no such variable with these codes.
    fn of(
        prior: &'a Model,
        task: &Task,
        codebook: &Codebook,
        extractor: &FeatureExtractor,
        params: &TrainParams,
    ) -> Result<Option<Self>> {
        let same = |(v, _): &(&VariableModel, _)| v.id == task.id && v.codes == task.codes;
        let Some((variable, columns)) = prior.outputs().find(same) else {
            return Ok(None);
        };
        let dimensions = extractor.semantic().map(SemanticView::encoder);
        let lexical = extractor.lexical().len();
        let width = dimensions.map_or(0, |encoder| encoder.dimensions);
        let mut weights = Array2::zeros((lexical + width, task.codes.len()));
        let part = |table: &Array2<f32>| {
            table
                .slice_axis(Axis(1), Slice::from(columns.clone()))
                .mapv(f64::from)
        };
        let mut put = |from: usize, values: &Array2<f64>| {
            weights
                .slice_axis_mut(Axis(0), Slice::from(from..from + values.nrows()))
                .assign(values);
        };
        if params.views.lexical {
            put(0, &part(&prior.weights));
        }
        let theirs = prior.extractor.semantic().map(SemanticView::encoder);
        if let (Some(ours), Some(theirs), Some(semantic)) = (dimensions, theirs, &prior.semantic) {
            if ours.hash != theirs.hash {
                let reason = format!(
                    "{} was trained with other vectors ({})",
                    prior.id(),
                    theirs.name
                );
                return Err(Error::Vectors {
                    name: ours.name.clone(),
                    reason,
                });
            }
            put(
                lexical,
                &(part(&semantic.projection) / params.semantic_weight),
            );
        }
        let same_cues =
            codebook.cues == prior.codebook.cues && params.views == prior.origin.params.views;
        Ok(Some(Self {
            weights,
            head: same_cues.then_some(&variable.head),
        }))
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
            let fitted = data.fit(task, *prior, *left_out);
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

/// A fitted variable, with what is known of the statements from models that had not seen them.
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

/// A way to make a head.
#[derive(Debug, Clone, Copy)]
enum Recipe<'a> {
    /// Scores and cues are weighed, with this penalty.
    Weighing(f64),
    /// The scores are scaled by one factor.
    Scaling,
    /// The head of the model it started from, as it is.
    Kept(&'a Head),
}

/// What the heads of a variable are fitted on.
struct Heads<'a> {
    /// Shape statements × inputs.
    inputs: &'a Array2<f64>,
    codes: &'a [usize],
    folds: Vec<usize>,
    classes: usize,
}

impl Heads<'_> {
    /// A head of all statements but those of a fold.
    fn fit_without(&self, fold: Option<usize>, recipe: Recipe<'_>) -> Result<Head> {
        let kept: Vec<usize> = (0..self.codes.len())
            .filter(|r| Some(self.folds[*r]) != fold)
            .collect();
        let codes: Vec<usize> = kept.iter().map(|r| self.codes[*r]).collect();
        let inputs = self.inputs.select(Axis(0), &kept);
        match recipe {
            Recipe::Weighing(alpha) => Head::fit(&inputs, &codes, self.classes, alpha),
            Recipe::Scaling => Ok(Head::scaling(&inputs, &codes, self.classes)),
            Recipe::Kept(head) => Ok(head.clone()),
        }
    }

    /// The probabilities of each statement by the head that left its fold out.
    fn out_of_fold(&self, recipe: Recipe<'_>) -> Result<Vec<Vec<f64>>> {
        let count = self.folds.iter().max().map_or(0, |last| last + 1);
        let by_fold = (0..count)
            .map(|fold| self.fit_without(Some(fold), recipe))
            .collect::<Result<Vec<_>>>()?;
        let rows = self.inputs.rows().into_iter().zip(&self.folds);
        Ok(rows
            .map(|(row, fold)| by_fold[*fold].probabilities(row.iter().copied()))
            .collect())
    }

    /// The head with the least log loss on statements not seen, and its probabilities of them.
    ///
    /// With few statements one factor, or the head of the model it started from, beats what can
    /// be learned from them. A head that does not converge is out of the choice.
    fn best(&self, kept: Option<Recipe<'_>>, alphas: &[f64]) -> Result<(Head, Vec<Vec<f64>>)> {
        let weighing = alphas.iter().map(|alpha| Recipe::Weighing(*alpha));
        let recipes: Vec<Recipe<'_>> = kept.into_iter().chain(weighing).collect();
        let candidates = recipes
            .par_iter()
            .map(|recipe| converged(self.out_of_fold(*recipe)))
            .collect::<Result<Vec<_>>>()?;
        let mut probabilities = self.out_of_fold(Recipe::Scaling)?;
        let mut head = self.fit_without(None, Recipe::Scaling)?;
        let mut least = log_loss(&probabilities, self.codes);
        for (recipe, candidate) in recipes.into_iter().zip(candidates) {
            let Some(candidate) = candidate else { continue };
            let loss = log_loss(&candidate, self.codes);
            if loss < least
                && let Some(fitted) = converged(self.fit_without(None, recipe))?
            {
                (head, probabilities, least) = (fitted, candidate, loss);
            }
        }
        Ok((head, probabilities))
    }

    /// The decision on each statement by thresholds chosen on the other folds.
    fn decisions(&self, outcomes: &[(f64, bool)], stated_error: f64) -> Vec<Decision> {
        let count = self.folds.iter().max().map_or(0, |last| last + 1);
        let without = |fold: usize| {
            let others = outcomes
                .iter()
                .zip(&self.folds)
                .filter(|(_, f)| **f != fold);
            Thresholds::choose(&others.map(|(o, _)| *o).collect::<Vec<_>>(), stated_error)
        };
        let by_fold: Vec<Thresholds> = (0..count).map(without).collect();
        let rows = outcomes.iter().zip(&self.folds);
        rows.map(|((p, _), fold)| by_fold[*fold].decide(*p))
            .collect()
    }
}

/// `None` for a fit that did not converge.
fn converged<T>(fitted: Result<T>) -> Result<Option<T>> {
    match fitted {
        Ok(fitted) => Ok(Some(fitted)),
        Err(Error::NotConverged { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Mean −ln of the probability of the right code, which counts as at least 10⁻⁹.
fn log_loss(probabilities: &[Vec<f64>], codes: &[usize]) -> f64 {
    let losses = probabilities
        .iter()
        .zip(codes)
        .map(|(p, code)| -p[*code].max(1e-9).ln());
    losses.sum::<f64>() / codes.len().max(1) as f64
}

/// What a head learns from: out-of-fold scores, then the cues; shape statements × inputs.
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

/// What the regressions learn from: the lexical features, then the dimensions of the encoder.
fn rows(
    features: &[StatementFeatures],
    lexical: usize,
    encoder: Option<&StaticEncoder>,
    params: &TrainParams,
) -> SparseMatrix {
    let dimensions = encoder.map_or(0, |e| e.id().dimensions);
    let mut rows = SparseMatrix::new(lexical + dimensions);
    for statement in features {
        let mut row = statement.lexical.clone();
        if let Some(encoder) = encoder {
            let tokens = statement.tokens.concat();
            let vector = encoder.vector(&tokens, statement.semantic_norm);
            let weight = params.semantic_weight as f32;
            let entries = vector.into_iter().enumerate();
            row.extend(entries.map(|(d, v)| ((lexical + d) as u32, weight * v)));
        }
        rows.push(&row);
    }
    rows
}

/// The weights of all variables beside each other in single precision: those of the lexical
/// features, and those of the encoder's dimensions with the weight of the view multiplied in.
fn split_weights(
    regressions: &[Regressions],
    lexical: usize,
    semantic_weight: f64,
) -> (Array2<f32>, Array2<f32>) {
    let columns = regressions.iter().map(|r| r.full.weights.ncols()).sum();
    let rows = regressions.first().map_or(0, |r| r.full.weights.nrows());
    let mut weights = Array2::zeros((rows, columns));
    let mut start = 0;
    for regression in regressions {
        let part = &regression.full.weights;
        let end = start + part.ncols();
        weights
            .slice_axis_mut(Axis(1), Slice::from(start..end))
            .assign(&part.mapv(|w| w as f32));
        start = end;
    }
    let projection = weights.slice_axis(Axis(0), Slice::from(lexical..));
    let projection = projection.mapv(|w| w * semantic_weight as f32);
    let lexical = weights.slice_axis(Axis(0), Slice::from(..lexical));
    (lexical.to_owned(), projection)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Six statements of three codes in two folds, scored well.
    fn inputs() -> Array2<f64> {
        Array2::from_shape_fn((6, 3), |(i, k)| if i % 3 == k { 2.0 } else { -1.0 })
    }

    #[test]
    fn the_head_with_the_least_loss_is_chosen_and_scaling_needs_no_other() {
        let inputs = inputs();
        let heads = Heads {
            inputs: &inputs,
            codes: &[0, 1, 2, 0, 1, 2],
            folds: vec![0, 0, 0, 1, 1, 1],
            classes: 3,
        };
        let (alone, _) = heads.best(None, &[]).unwrap();
        assert_eq!(alone.alpha, None);
        let (chosen, _) = heads.best(None, &[1000.0]).unwrap();
        assert_eq!(chosen, alone, "a head pulled to even chances is worse");
        let backwards = Head {
            coefficients: vec![vec![-1.0, 0.0, 0.0], vec![0.0; 3], vec![0.0; 3]],
            ..alone.clone()
        };
        let (chosen, _) = heads.best(Some(Recipe::Kept(&backwards)), &[]).unwrap();
        assert_eq!(chosen, alone);
        assert!(heads.best(None, &[0.0]).is_err(), "other errors are told");
    }

    #[test]
    fn only_a_fit_that_does_not_converge_is_left_out() {
        let stuck = Error::NotConverged {
            solver: "head",
            measure: "gradient",
            value: 1.0,
            wanted: 0.1,
        };
        assert_eq!(converged(Ok(1)).unwrap(), Some(1));
        assert_eq!(converged::<u8>(Err(stuck)).unwrap(), None);
        assert!(converged::<u8>(Err(Error::Linfa(linfa::Error::NotEnoughSamples))).is_err());
    }
}
