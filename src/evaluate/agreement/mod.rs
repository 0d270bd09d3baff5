//! Agreement between coders.

mod tally;

use schemars::JsonSchema;
use serde::Serialize;

use super::bootstrap::{Clusters, distinct};
use super::{Bootstrap, Confusion, EvaluateParams, Score};
use crate::codebook::{Codebook, Variable};
use crate::corpus::{CodedUnit, CoderTable};
use crate::error::{Error, Result};

use tally::{Counts, Tally, kappa};

const NOT_COMPLETE: &str = "no statement was coded by all";
/// A larger difference between coefficients gets an explanation.
const APART: f64 = 0.1;

/// Agreement between coders.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Agreement {
    /// Always `konflik/agreement`.
    #[schemars(extend("const" = "konflik/agreement"))]
    pub schema: &'static str,
    /// Version of the schema.
    #[schemars(extend("const" = 1))]
    pub schema_version: u32,
    /// Hash of the codebook.
    pub codebook: String,
    /// The coders.
    pub coders: Vec<CoderSummary>,
    /// Number of statements in the files.
    pub statements: usize,
    /// Method of the intervals.
    pub bootstrap: Bootstrap,
    /// One per variable for which two coders coded the same statement.
    pub variables: Vec<VariableAgreement>,
}

/// A coder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CoderSummary {
    /// Name.
    pub name: String,
    /// Whether the coder is a model.
    pub is_model: bool,
}

/// Agreement on one variable.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct VariableAgreement {
    /// Id of the variable.
    pub id: String,
    /// Statements that two or more people coded.
    pub n: u64,
    /// Statements that all people coded.
    pub complete: u64,
    /// Number of codes given by each coder, in the order of [`Agreement::coders`].
    pub coded: Vec<u64>,
    /// Between the people; between all coders if there is only one person.
    pub overall: Coefficients,
    /// Fleiss' kappa over the statements that all these coders coded.
    pub fleiss_kappa: Score,
    /// Why the coefficients differ, if they do.
    pub note: Option<String>,
    /// Each code against all other codes.
    pub by_code: Vec<CodeAgreement>,
    /// Each pair of coders.
    pub pairs: Vec<PairAgreement>,
    /// Mean agreement of people with people and of people with models, if there are both.
    pub ceiling: Option<Ceiling>,
    /// Pairs of different codes for one statement, most frequent first.
    pub confusions: Vec<CodeConfusion>,
}

/// Coefficients of agreement.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Coefficients {
    /// Share of agreeing pairs of codings: mean over statements with two or more codings.
    pub percent: Score,
    /// Krippendorff's alpha, nominal; missing codings are left out.
    pub alpha: Score,
    /// Gwet's AC1.
    pub ac1: Score,
}

/// Agreement on whether a statement has a code.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CodeAgreement {
    /// The code.
    pub code: String,
    /// Number of codings with this code.
    pub codings: u64,
    /// The coefficients.
    #[serde(flatten)]
    pub coefficients: Coefficients,
}

/// Agreement of two coders.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PairAgreement {
    /// Position of the first coder.
    pub first: usize,
    /// Position of the second coder.
    pub second: usize,
    /// Number of statements that both coded.
    pub n: u64,
    /// Share of these statements with the same code.
    pub percent: Score,
    /// Cohen's kappa.
    pub kappa: Score,
    /// Krippendorff's alpha.
    pub alpha: Score,
}

/// Agreement among people is the upper limit of what a model can be expected to reach.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Ceiling {
    /// Mean of alpha over pairs of people.
    pub people: Score,
    /// Mean of alpha over pairs of a person and a model.
    pub model: Score,
}

/// Number of statements with these two codes from two coders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CodeConfusion {
    /// The code that is first in the codebook.
    pub one: String,
    /// The other code.
    pub other: String,
    /// Number of statements.
    pub statements: u64,
}

/// Measures the agreement of the coders in a table.
pub fn agreement(
    table: &CoderTable,
    codebook: &Codebook,
    params: &EvaluateParams,
) -> Result<Agreement> {
    params.check()?;
    let variables: Vec<VariableAgreement> = codebook
        .variables
        .iter()
        .enumerate()
        .filter_map(|(v, variable)| of_variable(table, v, variable, params))
        .collect();
    if variables.is_empty() {
        return Err(Error::NotMeasured {
            path: "the files".into(),
            reason: "no statement was coded by two coders; files are joined by id".into(),
        });
    }
    let coder = |c: &crate::corpus::Coder| CoderSummary {
        name: c.name.clone(),
        is_model: c.is_model,
    };
    Ok(Agreement {
        schema: "konflik/agreement",
        schema_version: 1,
        codebook: codebook.hash().to_string(),
        coders: table.coders.iter().map(coder).collect(),
        statements: table.units.len(),
        bootstrap: Bootstrap::of_groups(table.has_groups(), groups(table).1.len(), params),
        variables,
    })
}

/// The group number of each statement, and the groups. A statement without a group is its own
/// group, with a name that no group can have.
fn groups(table: &CoderTable) -> (Vec<usize>, Vec<(&str, &str)>) {
    fn name(unit: &CodedUnit) -> (&str, &str) {
        match &unit.group {
            Some(group) => (group, ""),
            None => ("", &unit.id),
        }
    }
    distinct(table.units.iter().map(name))
}

/// Statements with the same codes by all coders are one pattern; for one variable.
struct Patterns<'a> {
    /// The code of each coder; each pattern once.
    codes: Vec<&'a [Option<usize>]>,
    /// Statements of each pattern, by group.
    draws: Clusters<'a>,
    /// Number of codes of the variable.
    classes: usize,
}

impl<'a> Patterns<'a> {
    fn of(
        table: &'a CoderTable,
        position: usize,
        classes: usize,
        params: &'a EvaluateParams,
    ) -> Self {
        let units = || table.units.iter();
        let (kinds, codes) = distinct(units().map(|unit| unit.codes[position].as_slice()));
        let (groups, names) = groups(table);
        let statements = groups.into_iter().zip(kinds);
        Self {
            draws: Clusters::new(statements, names.len(), codes.len(), params),
            codes,
            classes,
        }
    }

    /// Code counts of these coders for each pattern.
    fn counts(&self, who: &[usize]) -> Vec<Counts> {
        let given =
            |codes: &&[Option<usize>]| Counts::of(who.iter().map(|c| codes[*c]), self.classes);
        self.codes.iter().map(given).collect()
    }

    /// Number of statements whose pattern `is_like` accepts.
    fn statements(&self, is_like: impl Fn(usize) -> bool) -> u64 {
        let whole = self.draws.whole();
        (0..whole.len())
            .filter(|i| is_like(*i))
            .map(|i| whole[i])
            .sum()
    }

    /// Scores of all statements with their intervals, and their values in each draw.
    fn measured<const N: usize>(
        &self,
        measure: impl Fn(&[u64]) -> [Result<f64, &'static str>; N] + Sync,
    ) -> ([Score; N], Vec<[Option<f64>; N]>) {
        let replicates = self.draws.map(|counts| measure(counts).map(Result::ok));
        let mut scores = measure(&self.draws.whole()).map(Score::from);
        for (i, score) in scores.iter_mut().enumerate() {
            self.draws
                .add_interval(score, replicates.iter().map(|r| r[i]));
        }
        (scores, replicates)
    }
}

fn of_variable(
    table: &CoderTable,
    position: usize,
    variable: &Variable,
    params: &EvaluateParams,
) -> Option<VariableAgreement> {
    let people: Vec<usize> = (0..table.coders.len())
        .filter(|c| !table.coders[*c].is_model)
        .collect();
    let all: Vec<usize> = (0..table.coders.len()).collect();
    let who = if people.len() > 1 { &people } else { &all };
    let patterns = Patterns::of(table, position, variable.codes.len(), params);
    let units = patterns.counts(who);
    let has_coded = |c: usize| patterns.statements(|i| patterns.codes[i][c].is_some());
    let coded: Vec<u64> = all.iter().map(|c| has_coded(*c)).collect();
    let pairs = pairs(&patterns, table.coders.len());
    if pairs.0.is_empty() {
        return None;
    }
    let active = who.iter().filter(|c| coded[**c] > 0).count() as u32;
    let (overall, fleiss_kappa) = coefficients(&patterns, &units, active);
    let given = given(&patterns, &units, variable);
    Some(VariableAgreement {
        id: variable.id.clone(),
        n: patterns.statements(|i| units[i].total > 1),
        complete: patterns.statements(|i| units[i].total == active),
        coded,
        note: note(&overall, &given, variable),
        overall,
        fleiss_kappa,
        by_code: by_code(&patterns, &units, variable, &given, active),
        ceiling: ceiling(table, &pairs.0, &pairs.1, &patterns.draws),
        pairs: pairs.0,
        confusions: confusions(&table.units, position, who, variable),
    })
}

/// Number of codings with each code.
fn given(patterns: &Patterns<'_>, units: &[Counts], variable: &Variable) -> Vec<u64> {
    let whole = patterns.draws.whole();
    let of_code = |k: usize| {
        let counts = units.iter().zip(&whole);
        counts.map(|(u, n)| u64::from(u.by_code[k]) * n).sum()
    };
    (0..variable.codes.len()).map(of_code).collect()
}

/// The coefficients, and Fleiss' kappa over the statements with `all` codings.
fn coefficients(patterns: &Patterns<'_>, units: &[Counts], all: u32) -> (Coefficients, Score) {
    let codes = units.first().map_or(2, |u| u.by_code.len());
    let measure = |counts: &[u64]| {
        let (mut tally, mut complete) = (Tally::new(codes), Tally::new(codes));
        for (unit, times) in units.iter().zip(counts) {
            tally.add(unit, *times);
            if unit.total == all {
                complete.add(unit, *times);
            }
        }
        let fleiss = complete
            .fleiss_kappa(all)
            .map_err(|reason| match complete.pairable() {
                0 => NOT_COMPLETE,
                _ => reason,
            });
        [tally.percent(), tally.alpha(), tally.ac1(), fleiss]
    };
    let ([percent, alpha, ac1, fleiss], _) = patterns.measured(measure);
    (
        Coefficients {
            percent,
            alpha,
            ac1,
        },
        fleiss,
    )
}

fn by_code(
    patterns: &Patterns<'_>,
    units: &[Counts],
    variable: &Variable,
    given: &[u64],
    all: u32,
) -> Vec<CodeAgreement> {
    let of_code = |(k, code): (usize, &crate::codebook::Code)| {
        let against: Vec<Counts> = units.iter().map(|u| u.against_rest(k)).collect();
        CodeAgreement {
            code: code.id.clone(),
            codings: given[k],
            coefficients: coefficients(patterns, &against, all).0,
        }
    };
    variable.codes.iter().enumerate().map(of_code).collect()
}

/// Alpha of each pair in each draw.
type PairDraws = Vec<Vec<Option<f64>>>;

/// Each pair of coders with a common statement, and the alpha of the pair in each draw.
fn pairs(patterns: &Patterns<'_>, coders: usize) -> (Vec<PairAgreement>, PairDraws) {
    let (mut pairs, mut alphas) = (Vec::new(), Vec::new());
    for first in 0..coders {
        for second in first + 1..coders {
            let both: Vec<(usize, usize, usize)> = patterns
                .codes
                .iter()
                .enumerate()
                .filter_map(|(i, codes)| Some((i, codes[first]?, codes[second]?)))
                .collect();
            if both.is_empty() {
                continue;
            }
            let measure = |counts: &[u64]| {
                let mut confusion = Confusion::new(patterns.classes);
                for (i, a, b) in &both {
                    confusion.add_times(*a, *b, counts[*i]);
                }
                [confusion.accuracy(), kappa(&confusion), confusion.alpha()]
            };
            let ([percent, kappa, alpha], replicates) = patterns.measured(measure);
            alphas.push(replicates.iter().map(|[_, _, alpha]| *alpha).collect());
            pairs.push(PairAgreement {
                first,
                second,
                n: patterns.statements(|i| both.iter().any(|(pattern, ..)| *pattern == i)),
                percent,
                kappa,
                alpha,
            });
        }
    }
    (pairs, alphas)
}

/// Means over pairs of people and over pairs of a person and a model; `None` without both kinds.
fn ceiling(
    table: &CoderTable,
    pairs: &[PairAgreement],
    alphas: &PairDraws,
    draws: &Clusters<'_>,
) -> Option<Ceiling> {
    let mean_of = |models: usize| {
        let is_kind = |pair: &PairAgreement| {
            let both = [pair.first, pair.second];
            both.iter().filter(|c| table.coders[**c].is_model).count() == models
        };
        let chosen: Vec<usize> = (0..pairs.len()).filter(|p| is_kind(&pairs[*p])).collect();
        let mean = |value: &dyn Fn(usize) -> Option<f64>| {
            let values: Option<Vec<f64>> = chosen.iter().map(|p| value(*p)).collect();
            values.map(|v| v.iter().sum::<f64>() / v.len() as f64)
        };
        if chosen.is_empty() {
            return None;
        }
        let whole = mean(&|p| pairs[p].alpha.value);
        let mut score = Score::from(whole.ok_or("alpha of a pair is undefined"));
        let count = alphas.first().map_or(0, Vec::len);
        draws.add_interval(&mut score, (0..count).map(|r| mean(&|p| alphas[p][r])));
        Some(score)
    };
    Some(Ceiling {
        people: mean_of(0)?,
        model: mean_of(1)?,
    })
}

/// Explains why the coefficients differ.
fn note(overall: &Coefficients, counts: &[u64], variable: &Variable) -> Option<String> {
    let (percent, alpha, ac1) = (
        overall.percent.value?,
        overall.alpha.value?,
        overall.ac1.value?,
    );
    if (ac1 - alpha).abs() < APART {
        return None;
    }
    let most = (0..counts.len()).max_by_key(|k| (counts[*k], usize::MAX - k))?;
    let share = counts[most] as f64 / counts.iter().sum::<u64>() as f64;
    Some(format!(
        "Why they differ: {:.0} % of all codings are {}, so much of the {:.0} % agreement could be chance; alpha and kappa \
         credit only what goes beyond it, AC1 takes chance to be small where one code prevails.",
        100.0 * share,
        variable.codes[most].id,
        100.0 * percent
    ))
}

/// Pairs of different codes that two coders gave to one statement.
fn confusions(
    units: &[CodedUnit],
    position: usize,
    who: &[usize],
    variable: &Variable,
) -> Vec<CodeConfusion> {
    let codes = variable.codes.len();
    let mut found = Vec::new();
    for one in 0..codes {
        for other in one + 1..codes {
            let has = |unit: &CodedUnit, k| who.iter().any(|c| unit.codes[position][*c] == Some(k));
            let both = units.iter().filter(|u| has(u, one) && has(u, other));
            let statements = both.count() as u64;
            if statements > 0 {
                found.push(CodeConfusion {
                    one: variable.codes[one].id.clone(),
                    other: variable.codes[other].id.clone(),
                    statements,
                });
            }
        }
    }
    found.sort_by_key(|c| std::cmp::Reverse(c.statements));
    found
}
