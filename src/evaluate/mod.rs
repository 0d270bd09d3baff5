//! Compares gold codes with predicted codes: counts, scores derived from them, intervals.

mod ablation;
mod agreement;
mod behaviour;
mod bootstrap;
mod calibration;
mod compare;
mod counts;
mod curve;
mod doubt;
mod gate;
mod prevalence;
mod sample;
mod tuning;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::corpus::{Corpus, Statement};
use crate::error::{Error, Result};
use crate::label::Depth;
use crate::model::{Decision, Model, OutOfFold, ScoreSummary, argmax};

use bootstrap::Clusters;

pub use crate::base::statistics::{clopper_pearson, mcnemar_exact, wilson};
pub use ablation::{Ablation, AblationRow, AblationScore, ablate};
pub use agreement::{
    Agreement, Ceiling, CodeAgreement, CodeConfusion, CoderSummary, Coefficients, PairAgreement,
    VariableAgreement, agreement,
};
pub use behaviour::{
    Behaviour, BehaviourCase, BehaviourTest, BehaviourTests, CasePrediction, Expectation,
};
pub use calibration::{Calibration, Forecast, ReliabilityBin, RiskAtCoverage};
pub use compare::{
    Change, CodeComparison, Comparison, Difference, Flips, McNemar, Outcome, VariableComparison,
    compare,
};
pub use counts::Confusion;
pub use curve::{CurvePoint, LearningCurve, SIZES, learning_curve};
pub use doubt::{Doubt, doubtful};
pub use gate::{BaselineFile, Check, Gate, GateOutcome, Verdict};
pub use prevalence::{
    CodePrevalence, Prevalence, PrevalenceParams, ShareCounts, SlicePrevalence, VariablePrevalence,
    prevalence,
};
pub use sample::{Picked, SampledBy, Sampler, statement_vectors};
pub use tuning::{Trial, Tuning, tune};

const NEVER_TAKEN: &str = "the decision was never taken";

/// Version of the JSON form of an [`Evaluation`].
pub const SCHEMA_VERSION: u32 = 1;

/// Options of an evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct EvaluateParams {
    /// Number of bootstrap replicates.
    pub replicates: usize,
    /// Seed of the replicates.
    pub seed: u64,
    /// Whether the context encoder reads the statements: all of them, unless the depth is `Fast`.
    #[serde(skip)]
    pub depth: Depth,
}

impl Default for EvaluateParams {
    fn default() -> Self {
        Self {
            replicates: 1000,
            seed: 20_260_101,
            depth: Depth::Careful,
        }
    }
}

impl EvaluateParams {
    /// Refuses values outside their range.
    pub fn check(&self) -> Result<()> {
        if (1..=100_000).contains(&self.replicates) {
            return Ok(());
        }
        Err(Error::Parameter {
            name: "replicates",
            value: self.replicates.to_string(),
            range: "1 to 100000",
        })
    }
}

/// Scores of a model on coded statements.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Evaluation {
    /// Always `konflik/evaluation`.
    #[schemars(extend("const" = "konflik/evaluation"))]
    pub schema: &'static str,
    /// Version of the schema.
    #[schemars(extend("const" = 1))]
    pub schema_version: u32,
    /// Id of the model.
    pub model: String,
    /// Hash of the codebook.
    pub codebook: String,
    /// The gold file.
    pub gold: String,
    /// SHA-256 of the gold statements and codes, independent of their order.
    pub gold_sha256: String,
    /// Number of statements in the gold file.
    pub statements: usize,
    /// Number of these statements on which the model was trained; if it is more than a few, the
    /// scores say little.
    pub seen_in_training: usize,
    /// Number of these statements without content; they have no code and are not scored.
    pub saying_nothing: usize,
    /// Method of the intervals: 95 %, percentile bootstrap.
    pub bootstrap: Bootstrap,
    /// One per variable with gold codes.
    pub variables: Vec<VariableEvaluation>,
    /// The result of the gate, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Verdict")]
    pub gate: Option<Verdict>,
}

/// Method of the intervals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Bootstrap {
    /// Replicates and seed.
    #[serde(flatten)]
    pub params: EvaluateParams,
    /// The unit of the draws: `groups`, or `statements` if there are no groups.
    pub unit: &'static str,
    /// Number of these units.
    pub count: usize,
}

impl Bootstrap {
    fn of(gold: &Corpus, params: &EvaluateParams) -> Self {
        let groups = gold.statements.iter().map(|s| s.group.as_str());
        let count = groups.collect::<BTreeSet<_>>().len();
        Self::of_groups(gold.has_groups, count, params)
    }

    fn of_groups(has_groups: bool, count: usize, params: &EvaluateParams) -> Self {
        Self {
            params: params.clone(),
            unit: if has_groups { "groups" } else { "statements" },
            count,
        }
    }
}

/// Scores of one variable.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct VariableEvaluation {
    /// Id of the variable.
    pub id: String,
    /// Ids of the codes, in the order of every list and matrix of this variable.
    pub codes: Vec<String>,
    /// Scores over all statements.
    pub overall: Scores,
    /// Scores by language.
    pub by_language: BTreeMap<String, Scores>,
    /// Scores by source.
    pub by_source: BTreeMap<String, Scores>,
    /// Scores by length: `short` (up to five words), `medium` (up to fifteen), `long`.
    pub by_length: BTreeMap<String, Scores>,
    /// Scores by gold code of each other variable.
    pub by_variable: BTreeMap<String, BTreeMap<String, Scores>>,
    /// Frequency and errors of each decision.
    pub decisions: Vec<DecisionScores>,
    /// The stated error rate of `auto`.
    pub stated_error: f64,
    /// Calibration of the probabilities.
    pub calibration: Calibration,
}

/// Scores of a set of statements.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Scores {
    /// Number of statements.
    pub n: u64,
    /// Share of statements with the right code.
    pub accuracy: Score,
    /// Mean F1 over the codes that occur in the gold.
    pub macro_f1: Score,
    /// Krippendorff's alpha (nominal) between gold and model.
    pub alpha: Score,
    /// Per code.
    pub by_code: Vec<CodeScores>,
    /// Confusion matrix: one row per gold code, one column per predicted code.
    pub confusion: Confusion,
    /// The same scores for a baseline that always gives the most frequent code of the training.
    pub baseline: BaselineScores,
}

/// Scores of one code.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CodeScores {
    /// The code.
    pub code: String,
    /// Number of statements with this gold code.
    pub support: u64,
    /// Number of statements with this predicted code.
    pub predicted: u64,
    /// Share of the predicted statements that are right.
    pub precision: Score,
    /// Share of the gold statements that are found.
    pub recall: Score,
    /// Harmonic mean of both.
    pub f1: Score,
}

/// Scores of a baseline that always gives one code.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BaselineScores {
    /// The code.
    pub code: String,
    /// See [`Scores`].
    pub accuracy: Score,
    /// See [`Scores`].
    pub macro_f1: Score,
    /// See [`Scores`].
    pub alpha: Score,
    /// Precision, recall and F1 of each code, in code order.
    pub by_code: Vec<CodeScores>,
}

/// A score, or the reason why it is missing.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Score {
    /// The value; `null` if it is undefined.
    pub value: Option<f64>,
    /// The 95 % interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "[f64; 2]")]
    pub interval: Option<[f64; 2]>,
    /// Why the value or the interval is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "&'static str")]
    pub reason: Option<&'static str>,
}

impl From<Result<f64, &'static str>> for Score {
    fn from(value: Result<f64, &'static str>) -> Self {
        Self {
            value: value.ok(),
            interval: None,
            reason: value.err(),
        }
    }
}

/// How often a decision was taken, and how often it was wrong.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DecisionScores {
    /// The decision.
    pub decision: Decision,
    /// Number of statements.
    pub n: u64,
    /// Number of statements whose best code is not the gold code.
    pub errors: u64,
    /// Share of errors, with the exact interval (Clopper–Pearson) for independent statements.
    pub error_rate: Score,
}

/// One statement as input of the scores.
struct Judged<'a> {
    statement: &'a Statement,
    gold: usize,
    predicted: usize,
    probabilities: &'a [f64],
    decision: Decision,
}

/// Evaluates a model on coded statements.
pub fn evaluate(model: &Model, gold: &Corpus, params: &EvaluateParams) -> Result<Evaluation> {
    params.check()?;
    model.require_codebook(&gold.codebook)?;
    let texts: Vec<&str> = gold.statements.iter().map(|s| s.text.as_str()).collect();
    let predictions = model.labelled(&texts, params.depth)?;
    let silent = predictions.iter().filter(|p| p.is_none()).count();
    let judged = (0..model.variables().len()).map(|v| {
        let rows = gold.statements.iter().zip(&predictions);
        rows.filter_map(|(statement, p)| {
            let found = &p.as_ref()?.variables[v];
            Some(Judged {
                statement,
                gold: statement.codes[v]?,
                predicted: found.code,
                probabilities: &found.probabilities,
                decision: found.decision,
            })
        })
        .collect()
    });
    let seen = gold
        .statements
        .iter()
        .filter(|s| model.has_seen(&s.text))
        .count();
    let counts = [seen, silent];
    evaluation(model, gold, judged.collect(), counts, params)
}

/// Evaluates the out-of-fold results of a training on its own statements. The regression, the head
/// and the decision thresholds of a statement all come from the other folds.
pub fn evaluate_out_of_fold(
    model: &Model,
    corpus: &Corpus,
    out_of_fold: &[OutOfFold],
    params: &EvaluateParams,
) -> Result<Evaluation> {
    params.check()?;
    let by_id: BTreeMap<&str, &Statement> = corpus
        .statements
        .iter()
        .map(|s| (s.id.as_str(), s))
        .collect();
    let judged = out_of_fold.iter().map(|variable| {
        let rows = variable.rows.iter();
        rows.filter_map(|row| {
            Some(Judged {
                statement: by_id.get(row.id.as_str())?,
                gold: row.code,
                predicted: argmax(&row.probabilities),
                probabilities: &row.probabilities,
                decision: row.decision,
            })
        })
        .collect()
    });
    evaluation(model, corpus, judged.collect(), [0, 0], params)
}

fn evaluation<'a>(
    model: &Model,
    gold: &'a Corpus,
    judged: Vec<Vec<Judged<'a>>>,
    [seen, silent]: [usize; 2],
    params: &EvaluateParams,
) -> Result<Evaluation> {
    let mut variables = Vec::new();
    for (variable, rows) in model.variables().iter().zip(judged) {
        if !rows.is_empty() {
            let counts: Vec<f64> = variable.counts.iter().map(|n| *n as f64).collect();
            let majority = argmax(&counts);
            let slice = |rows: &[&Judged<'_>]| scores(&variable.codes, rows, majority, params);
            let all: Vec<&Judged<'_>> = rows.iter().collect();
            let by = |property: Property<'_, 'a>| -> BTreeMap<String, Scores> {
                let slices = sliced(&all, property).into_iter();
                slices.map(|(key, rows)| (key, slice(&rows))).collect()
            };
            let others = gold.codebook.variables.iter().enumerate();
            let others = others.filter(|(_, other)| other.id != variable.id);
            let by_variable = others.map(|(v, other)| {
                let code = |s: &'a Statement| Some(other.codes[s.codes[v]?].id.as_str());
                (other.id.clone(), by(&code))
            });
            variables.push(VariableEvaluation {
                id: variable.id.clone(),
                codes: variable.codes.clone(),
                overall: slice(&all),
                by_language: by(&|s| s.language.as_deref()),
                by_source: by(&|s| s.source.as_deref()),
                by_length: by(&|s| Some(length(&s.text))),
                by_variable: by_variable
                    .filter(|(_, slices)| !slices.is_empty())
                    .collect(),
                decisions: decisions(&rows),
                stated_error: variable.thresholds.stated_error,
                calibration: calibration(&rows, params),
            });
        }
    }
    if variables.is_empty() {
        return Err(Error::NotMeasured {
            path: gold.name.clone(),
            reason: "no statement has a gold code".into(),
        });
    }
    Ok(Evaluation {
        schema: "konflik/evaluation",
        schema_version: SCHEMA_VERSION,
        model: model.id().to_string(),
        codebook: gold.codebook.hash().to_string(),
        gold: gold.name.clone(),
        gold_sha256: gold.hash().to_string(),
        statements: gold.statements.len(),
        seen_in_training: seen,
        saying_nothing: silent,
        bootstrap: Bootstrap::of(gold, params),
        variables,
        gate: None,
    })
}

/// A property that selects a slice.
type Property<'f, 'a> = &'f dyn Fn(&'a Statement) -> Option<&'a str>;

/// Groups the rows by a property of their statement; rows without the property are in no slice.
fn sliced<'r, 'a>(
    rows: &[&'r Judged<'a>],
    property: Property<'_, 'a>,
) -> BTreeMap<String, Vec<&'r Judged<'a>>> {
    let mut slices: BTreeMap<String, Vec<&Judged<'_>>> = BTreeMap::new();
    for row in rows {
        if let Some(key) = property(row.statement) {
            slices.entry(key.to_string()).or_default().push(row);
        }
    }
    slices
}

fn length(text: &str) -> &'static str {
    match text.split_whitespace().count() {
        0..=5 => "short",
        6..=15 => "medium",
        _ => "long",
    }
}

fn decisions(rows: &[Judged<'_>]) -> Vec<DecisionScores> {
    let count = |decision| {
        let taken = || rows.iter().filter(move |r| r.decision == decision);
        let n = taken().count() as u64;
        let errors = taken().filter(|r| r.gold != r.predicted).count() as u64;
        DecisionScores {
            decision,
            n,
            errors,
            error_rate: exact_share(errors, n),
        }
    };
    [Decision::Auto, Decision::Review, Decision::Abstain]
        .map(count)
        .to_vec()
}

fn exact_share(part: u64, whole: u64) -> Score {
    let share = counts::ratio(part, whole).ok_or(NEVER_TAKEN);
    Score {
        interval: share.ok().map(|_| clopper_pearson(part, whole)),
        ..share.into()
    }
}

fn calibration(rows: &[Judged<'_>], params: &EvaluateParams) -> Calibration {
    let (numbers, groups) = numbered(rows.iter().map(|r| r.statement.group.as_str()));
    let forecasts: Vec<Forecast<'_>> = rows
        .iter()
        .zip(numbers)
        .map(|(row, group)| Forecast {
            gold: row.gold,
            probabilities: row.probabilities,
            group,
        })
        .collect();
    Calibration::measure(&forecasts, groups, params)
}

/// The number of each group, in the order of their names, and the number of groups.
fn numbered<'a>(groups: impl Iterator<Item = &'a str> + Clone) -> (Vec<usize>, usize) {
    let names: BTreeSet<&str> = groups.clone().collect();
    let numbers: BTreeMap<&str, usize> = names.into_iter().zip(0..).collect();
    (groups.map(|name| numbers[name]).collect(), numbers.len())
}

fn scores(
    codes: &[String],
    rows: &[&Judged<'_>],
    majority: usize,
    params: &EvaluateParams,
) -> Scores {
    let (groups, count) = numbered(rows.iter().map(|r| r.statement.group.as_str()));
    let cells = rows.iter().map(|r| r.gold * codes.len() + r.predicted);
    let cells = groups.into_iter().zip(cells);
    let clusters = Clusters::new(cells, count, codes.len().pow(2), params);
    let confusion = Confusion::of_cells(codes.len(), &clusters.whole());
    let mut all = with_values(codes, confusion, majority);
    bootstrap::add_intervals(&mut all, &clusters);
    all
}

fn with_values(codes: &[String], confusion: Confusion, majority: usize) -> Scores {
    let baseline = confusion.always(majority);
    Scores {
        n: confusion.total(),
        accuracy: confusion.accuracy().into(),
        macro_f1: confusion.macro_f1().into(),
        alpha: confusion.alpha().into(),
        by_code: code_scores(codes, &confusion),
        baseline: BaselineScores {
            code: codes[majority].clone(),
            accuracy: baseline.accuracy().into(),
            macro_f1: baseline.macro_f1().into(),
            alpha: baseline.alpha().into(),
            by_code: code_scores(codes, &baseline),
        },
        confusion,
    }
}

fn code_scores(codes: &[String], confusion: &Confusion) -> Vec<CodeScores> {
    let score = |(k, code): (usize, &String)| CodeScores {
        code: code.clone(),
        support: confusion.support(k),
        predicted: confusion.predicted(k),
        precision: confusion.precision(k).into(),
        recall: confusion.recall(k).into(),
        f1: confusion.f1(k).into(),
    };
    codes.iter().enumerate().map(score).collect()
}

impl Evaluation {
    /// The main scores by variable with their intervals, for a manifest or a card: `n`, accuracy,
    /// macro-F1, alpha, calibration error and Brier score.
    pub fn summary(&self) -> ScoreSummary {
        let of = |v: &VariableEvaluation| {
            let o = &v.overall;
            let by_code: BTreeMap<&str, _> =
                o.by_code.iter().map(|c| (c.code.as_str(), &c.f1)).collect();
            serde_json::json!({ "n": o.n, "accuracy": o.accuracy, "macro_f1": o.macro_f1, "alpha": o.alpha,
                "f1": by_code, "baseline_macro_f1": o.baseline.macro_f1,
                "ece": v.calibration.ece, "brier": v.calibration.brier })
        };
        let by_variable = self.variables.iter().map(|v| (v.id.clone(), of(v)));
        let by_variable: serde_json::Map<String, serde_json::Value> = by_variable.collect();
        ScoreSummary::new(by_variable.into())
    }
}
