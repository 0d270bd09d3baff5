//! Compares two codings of the same statements with the gold: did the change help?

use schemars::JsonSchema;
use serde::Serialize;

use super::bootstrap::{Clusters, distinct};
use super::{Bootstrap, Confusion, EvaluateParams, Score, mcnemar_exact, numbered};
use crate::codebook::Variable;
use crate::corpus::{Corpus, Labels, Statement};
use crate::error::{Error, Result};

/// The differences of B from A.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Comparison {
    /// Always `konflik/comparison`.
    #[schemars(extend("const" = "konflik/comparison"))]
    pub schema: &'static str,
    /// Version of the schema.
    #[schemars(extend("const" = 1))]
    pub schema_version: u32,
    /// The gold file.
    pub gold: String,
    /// The first file.
    pub a: String,
    /// The second file.
    pub b: String,
    /// Number of gold statements.
    pub statements: usize,
    /// Number of gold statements that A doesn't have.
    pub not_in_a: usize,
    /// Number of gold statements that B doesn't have.
    pub not_in_b: usize,
    /// Method of the intervals: the same draws of groups for both files.
    pub bootstrap: Bootstrap,
    /// One per variable that all three files code.
    pub variables: Vec<VariableComparison>,
}

/// The differences of B from A in one variable.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct VariableComparison {
    /// Id of the variable.
    pub id: String,
    /// Number of statements coded in all three files.
    pub n: u64,
    /// Mean F1 over the codes that occur in the gold.
    pub macro_f1: Difference,
    /// Share of statements with the right code.
    pub accuracy: Difference,
    /// Tests whether one file is right more often than the other.
    pub mcnemar: McNemar,
    /// Number of statements by outcome.
    pub flips: Flips,
    /// By gold code.
    pub by_code: Vec<CodeComparison>,
    /// The statements that A and B code differently, in the order of the gold file.
    pub changes: Vec<Change>,
}

/// A score for both files, and B's minus A's.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    /// Score of A.
    pub a: Score,
    /// Score of B.
    pub b: Score,
    /// B − A, with the interval of the paired bootstrap.
    pub difference: Score,
}

/// The exact two-sided `McNemar` test on the statements that are right in only one file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct McNemar {
    /// Number of statements that are right only in A.
    pub only_a: u64,
    /// Number of statements that are right only in B.
    pub only_b: u64,
    /// Probability of a split at least this uneven if both files were equally good; statements
    /// count as independent.
    pub p: f64,
}

/// Number of statements by outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Flips {
    /// Right in both.
    pub right: u64,
    /// Wrong in A, right in B.
    pub fixed: u64,
    /// Right in A, wrong in B.
    pub broken: u64,
    /// Wrong in both, with different codes.
    pub still_wrong: u64,
    /// Wrong in both, with the same code.
    pub same_wrong: u64,
}

/// The differences of B from A in the statements with one gold code.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CodeComparison {
    /// The code.
    pub code: String,
    /// Number of statements with this gold code.
    pub support: u64,
    /// F1 of the code.
    pub f1: Difference,
    /// Number of these statements that are wrong in A and right in B.
    pub fixed: u64,
    /// Number of these statements that are right in A and wrong in B.
    pub broken: u64,
}

/// A statement that A and B code differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// Id of the statement.
    pub id: String,
    /// Gold code.
    pub gold: String,
    /// Code of A.
    pub a: String,
    /// Code of B.
    pub b: String,
    /// The outcome of the change.
    pub outcome: Outcome,
}

/// The change of a statement from A to B.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Right in both.
    Right,
    /// Wrong in A, right in B.
    Fixed,
    /// Right in A, wrong in B.
    Broken,
    /// Wrong in both, with different codes.
    StillWrong,
    /// Wrong in both, with the same code.
    SameWrong,
}

impl Outcome {
    /// The value in output files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Fixed => "fixed",
            Self::Broken => "broken",
            Self::StillWrong => "still wrong",
            Self::SameWrong => "same wrong",
        }
    }
}

/// A statement that all three files code.
pub(super) struct Triple<'a> {
    pub(super) statement: &'a Statement,
    pub(super) gold: usize,
    pub(super) a: usize,
    pub(super) b: usize,
}

impl Triple<'_> {
    fn outcome(&self) -> Outcome {
        match (self.a == self.gold, self.b == self.gold) {
            (true, true) => Outcome::Right,
            (false, true) => Outcome::Fixed,
            (true, false) => Outcome::Broken,
            (false, false) if self.a == self.b => Outcome::SameWrong,
            (false, false) => Outcome::StillWrong,
        }
    }
}

/// Compares two codings of the gold statements, joined by id.
pub fn compare(
    gold: &Corpus,
    a: &Labels,
    b: &Labels,
    params: &EvaluateParams,
) -> Result<Comparison> {
    params.check()?;
    let variables: Vec<VariableComparison> = gold
        .codebook
        .variables
        .iter()
        .enumerate()
        .filter_map(|(v, variable)| compare_variable(v, variable, [a, b], gold, params))
        .collect();
    if variables.is_empty() {
        return Err(Error::NotMeasured {
            path: gold.name.clone(),
            reason: "no statement is coded in all three files; they are joined by id".into(),
        });
    }
    let missing = |labels: &Labels| {
        let absent = |s: &&Statement| labels.get(&s.id).is_none();
        gold.statements.iter().filter(absent).count()
    };
    Ok(Comparison {
        schema: "konflik/comparison",
        schema_version: 1,
        gold: gold.name.clone(),
        a: a.rows.name.clone(),
        b: b.rows.name.clone(),
        statements: gold.statements.len(),
        not_in_a: missing(a),
        not_in_b: missing(b),
        bootstrap: Bootstrap::of(gold, params),
        variables,
    })
}

fn compare_variable(
    position: usize,
    variable: &Variable,
    labels: [&Labels; 2],
    gold: &Corpus,
    params: &EvaluateParams,
) -> Option<VariableComparison> {
    let triple = |statement| {
        let statement: &Statement = statement;
        let code = |labels: &Labels| labels.get(&statement.id)?[position];
        Some(Triple {
            statement,
            gold: statement.codes[position]?,
            a: code(labels[0])?,
            b: code(labels[1])?,
        })
    };
    let triples: Vec<Triple<'_>> = gold.statements.iter().filter_map(triple).collect();
    if triples.is_empty() {
        return None;
    }
    let mut flips = Flips::default();
    for triple in &triples {
        *flips.count(triple.outcome()) += 1;
    }
    let mut differences = differences(&triples, variable.codes.len(), params).into_iter();
    let (accuracy, macro_f1) = (differences.next()?, differences.next()?);
    let codes = variable.codes.iter().enumerate().zip(differences);
    Some(VariableComparison {
        id: variable.id.clone(),
        n: triples.len() as u64,
        macro_f1,
        accuracy,
        mcnemar: McNemar {
            only_a: flips.broken,
            only_b: flips.fixed,
            p: mcnemar_exact(flips.broken, flips.fixed),
        },
        by_code: codes
            .map(|((k, code), f1)| compare_code(k, &code.id, f1, &triples))
            .collect(),
        changes: changes(variable, &triples),
        flips,
    })
}

impl Flips {
    fn count(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Right => &mut self.right,
            Outcome::Fixed => &mut self.fixed,
            Outcome::Broken => &mut self.broken,
            Outcome::StillWrong => &mut self.still_wrong,
            Outcome::SameWrong => &mut self.same_wrong,
        }
    }
}

fn compare_code(k: usize, code: &str, f1: Difference, triples: &[Triple<'_>]) -> CodeComparison {
    let of_code = || triples.iter().filter(|t| t.gold == k);
    let count = |outcome| of_code().filter(|t| t.outcome() == outcome).count() as u64;
    CodeComparison {
        code: code.to_string(),
        support: of_code().count() as u64,
        f1,
        fixed: count(Outcome::Fixed),
        broken: count(Outcome::Broken),
    }
}

fn changes(variable: &Variable, triples: &[Triple<'_>]) -> Vec<Change> {
    let name = |k: usize| variable.codes[k].id.clone();
    let changed = triples.iter().filter(|t| t.a != t.b);
    changed
        .map(|t| Change {
            id: t.statement.id.clone(),
            gold: name(t.gold),
            a: name(t.a),
            b: name(t.b),
            outcome: t.outcome(),
        })
        .collect()
}

/// Accuracy, macro-F1 and the F1 of each code, with intervals from the same draws for A and B.
pub(super) fn differences(
    triples: &[Triple<'_>],
    codes: usize,
    params: &EvaluateParams,
) -> Vec<Difference> {
    let (groups, count) = numbered(triples.iter().map(|t| t.statement.group.as_str()));
    let (kinds, known) = distinct(triples.iter().map(|t| (t.gold, t.a, t.b)));
    let statements = groups.into_iter().zip(kinds);
    let draws = Clusters::new(statements, count, known.len(), params);
    let confusions = |counts: &[u64]| {
        let mut both = [Confusion::new(codes), Confusion::new(codes)];
        for ((gold, a, b), n) in known.iter().zip(counts) {
            both[0].add_times(*gold, *a, *n);
            both[1].add_times(*gold, *b, *n);
        }
        both
    };
    let whole = confusions(&draws.whole());
    let supported: Vec<usize> = (0..codes).filter(|k| whole[0].support(*k) > 0).collect();
    let replicates = draws.map(|counts| confusions(counts).map(|c| of_draw(&c, &supported)));
    let [of_a, of_b] = whole.map(|c| of_whole(&c));
    of_a.into_iter()
        .zip(of_b)
        .enumerate()
        .map(|(i, (a, b))| {
            let difference = a.and_then(|a| b.map(|b| b - a));
            let mut scores = [a, b, difference].map(Score::from);
            for (score, value) in scores.iter_mut().zip([0, 1, 2]) {
                let values = replicates.iter().map(|[a, b]| match value {
                    0 => a[i],
                    1 => b[i],
                    _ => a[i].and_then(|a| b[i].map(|b| b - a)),
                });
                draws.add_interval(score, values);
            }
            let [a, b, difference] = scores;
            Difference { a, b, difference }
        })
        .collect()
}

fn of_whole(confusion: &Confusion) -> Vec<Result<f64, &'static str>> {
    let main = [confusion.accuracy(), confusion.macro_f1()];
    let by_code = (0..confusion.rows().len()).map(|k| confusion.f1(k));
    main.into_iter().chain(by_code).collect()
}

fn of_draw(confusion: &Confusion, supported: &[usize]) -> Vec<Option<f64>> {
    let main = [
        confusion.accuracy().ok(),
        confusion.macro_f1_over(supported),
    ];
    let by_code = (0..confusion.rows().len()).map(|k| confusion.f1(k).ok());
    main.into_iter().chain(by_code).collect()
}
