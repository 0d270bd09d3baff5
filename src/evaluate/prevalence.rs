//! The frequency of each code, corrected for the errors of the classifier.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::bootstrap::{Clusters, distinct};
use super::{Bootstrap, EvaluateParams, Score};
use crate::base::statistics::{Z, wilson};
use crate::codebook::Variable;
use crate::corpus::{Corpus, KeyedRow, Labels, Statement};
use crate::error::{ColumnHolds, Error, Result};

const NO_SAMPLE: &str = "no statement of the sample is here";
const NEVER_ERRS: &str = "the sample shows no variation to take an interval from";
const NO_BETTER: &str = "the model finds the code no better than chance";
const NOT_BOTH: &str = "the sample doesn't hold statements with and without the code";
/// Number of kinds of statements for a code.
const KINDS: usize = 6;
/// The normal interval is valid if the sample has at least this many statements with the code and
/// this many without it.
const ENOUGH: u64 = 10;

/// Shares of codes in a labelled file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Prevalence {
    /// Always `konflik/prevalence`.
    #[schemars(extend("const" = "konflik/prevalence"))]
    pub schema: &'static str,
    /// Version of the schema.
    #[schemars(extend("const" = 1))]
    pub schema_version: u32,
    /// The labelled file.
    pub labelled: String,
    /// The file with the sample that people coded.
    pub gold: String,
    /// Number of statements in the labelled file.
    pub statements: usize,
    /// Number of sample statements that the labelled file doesn't have.
    pub strangers: usize,
    /// The target half width of the interval for `more_rows`.
    pub margin: f64,
    /// Method of the intervals if the sample has groups; `None` if its statements are independent
    /// and the intervals are normal.
    pub bootstrap: Option<Bootstrap>,
    /// One per variable that both files code.
    pub variables: Vec<VariablePrevalence>,
}

/// Shares of the codes of one variable.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct VariablePrevalence {
    /// Id of the variable.
    pub id: String,
    /// Shares over all statements.
    pub overall: SlicePrevalence,
    /// Shares by column and value.
    pub slices: BTreeMap<String, BTreeMap<String, SlicePrevalence>>,
}

/// Shares of the codes in a set of statements.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SlicePrevalence {
    /// Number of statements that the model coded.
    pub labelled: u64,
    /// Number of these statements that people coded.
    pub sample: u64,
    /// One per code.
    pub codes: Vec<CodePrevalence>,
}

/// The frequency of a code. The sample was drawn at random from the labelled statements. The
/// intervals are for independent statements; if the statements have groups, the intervals are from
/// draws of groups.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CodePrevalence {
    /// The code.
    pub code: String,
    /// Share of statements to which the model gave the code; has the error of the model.
    pub naive: Option<f64>,
    /// The share by prediction-powered inference with power tuning (Angelopoulos, Duchi and Zrnic,
    /// "PPI++", 2023): λ × the model's share of the uncoded statements + the sample mean of code −
    /// λ × prediction.
    pub estimate: Score,
    /// Weight of the model's codes, 0 (none) to 1; minimises the variance of `estimate`.
    pub lambda: Option<f64>,
    /// The share in the sample alone, with Wilson's interval.
    pub sample: Score,
    /// The adjusted count of Rogan and Gladen (1978): (naive + specificity − 1) / (sensitivity +
    /// specificity − 1), with an interval by the delta method.
    pub adjusted: Score,
    /// Approximate number of further statements to code for the margin; `None` if unknown, or if
    /// coding all statements would not be enough.
    pub more_rows: Option<u64>,
    /// Whether the sample has too few statements with the code for a reliable interval.
    pub is_rough: bool,
}

/// The counts behind all estimates of a code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShareCounts {
    /// Sample statements with the code; the model gave it.
    pub hit: u64,
    /// Sample statements with the code; the model did not give it.
    pub missed: u64,
    /// Sample statements without the code; the model gave it.
    pub false_alarm: u64,
    /// Sample statements without the code; the model did not give it.
    pub rejected: u64,
    /// Statements that nobody coded; the model gave the code.
    pub predicted: u64,
    /// Statements that nobody coded.
    pub uncoded: u64,
}

impl ShareCounts {
    fn sample(&self) -> u64 {
        self.hit + self.missed + self.false_alarm + self.rejected
    }

    /// Builds the counts from the numbers of statements of each kind; see [`Row::kind`].
    fn of_kinds(kinds: &[u64]) -> Self {
        let n = |kind: usize| kinds.get(kind).copied().unwrap_or(0);
        Self {
            hit: n(0),
            missed: n(1),
            false_alarm: n(2),
            rejected: n(3),
            predicted: n(4),
            uncoded: n(4) + n(5),
        }
    }

    /// Estimate, share in the sample and adjusted count.
    fn values(&self) -> [Option<f64>; 3] {
        let powered = self.powered().ok();
        [
            powered.map(|p| p.share.clamp(0.0, 1.0)),
            super::counts::ratio(self.hit + self.missed, self.sample()),
            self.adjusted().value,
        ]
    }

    /// All estimates, with intervals from draws of groups.
    ///
    /// The number of missing rows is for statements in similar groups: the margin is narrowed by
    /// the factor by which groups widen the interval (the design effect of Kish 1965).
    fn estimates_in_groups(
        &self,
        code: &str,
        margin: f64,
        groups: &Clusters<'_>,
    ) -> CodePrevalence {
        let mut all = self.estimates(code, margin);
        let replicates = groups.map(|kinds| Self::of_kinds(kinds).values());
        let of = [&mut all.estimate, &mut all.sample, &mut all.adjusted];
        for (i, score) in of.into_iter().enumerate() {
            // A value that is constant in the sample is constant in every draw too.
            let is_constant = self.hit + self.missed == 0 || self.false_alarm + self.rejected == 0;
            if score.interval.is_some() && !is_constant {
                score.interval = None;
                groups.add_interval(score, replicates.iter().map(|r| r[i]));
            }
        }
        if let (Ok(powered), Some([low, high])) = (self.powered(), all.estimate.interval) {
            let widened = (high - low) / (2.0 * Z * powered.variance().sqrt());
            all.more_rows = powered.more_rows(self, margin / widened);
        }
        all
    }

    /// All estimates, with the number of rows that are missing for a half width of `margin`.
    pub fn estimates(&self, code: &str, margin: f64) -> CodePrevalence {
        let n = self.sample();
        let all = n + self.uncoded;
        let given = self.hit + self.false_alarm + self.predicted;
        let with_code = self.hit + self.missed;
        let powered = self.powered();
        let share = super::counts::ratio(with_code, n).ok_or(NO_SAMPLE);
        CodePrevalence {
            code: code.to_string(),
            naive: super::counts::ratio(given, all),
            lambda: powered.as_ref().ok().map(|p| p.lambda),
            more_rows: powered
                .as_ref()
                .ok()
                .and_then(|p| p.more_rows(self, margin)),
            estimate: powered.map_or_else(|reason| Err(reason).into(), |p| p.score()),
            sample: Score {
                interval: share.ok().map(|_| wilson(with_code, n)),
                ..share.into()
            },
            adjusted: self.adjusted(),
            is_rough: with_code.min(n - with_code) < ENOUGH,
        }
    }

    fn powered(&self) -> Result<Powered, &'static str> {
        let n = self.sample() as f64;
        if n == 0.0 {
            return Err(NO_SAMPLE);
        }
        let (y, f) = (
            (self.hit + self.missed) as f64 / n,
            (self.hit + self.false_alarm) as f64 / n,
        );
        let covariance = self.hit as f64 / n - y * f;
        let uncoded = self.uncoded as f64;
        let (lambda, f_uncoded) = if self.uncoded == 0 {
            (0.0, 0.0)
        } else {
            let all = n + uncoded;
            let mean = (f * n + self.predicted as f64) / all;
            let variance = mean * (1.0 - mean) * all / (all - 1.0);
            let lambda = covariance / ((1.0 + n / uncoded) * variance);
            // 0 / 0 if the model always or never gives the code: the codes carry no information.
            let lambda = if variance > 0.0 {
                lambda.clamp(0.0, 1.0)
            } else {
                0.0
            };
            (lambda, self.predicted as f64 / uncoded)
        };
        Ok(Powered {
            lambda,
            share: lambda * f_uncoded + y - lambda * f,
            imputed: lambda * lambda * f_uncoded * (1.0 - f_uncoded),
            rectifier: y * (1.0 - y) - 2.0 * lambda * covariance + lambda * lambda * f * (1.0 - f),
            n,
            uncoded,
        })
    }

    fn adjusted(&self) -> Score {
        let (with, without) = (self.hit + self.missed, self.false_alarm + self.rejected);
        if with == 0 || without == 0 {
            return Err(NOT_BOTH).into();
        }
        let all = (with + without + self.uncoded) as f64;
        let naive = (self.hit + self.false_alarm + self.predicted) as f64 / all;
        let sensitivity = self.hit as f64 / with as f64;
        let specificity = self.rejected as f64 / without as f64;
        let gain = sensitivity + specificity - 1.0;
        if gain <= 0.0 {
            return Err(NO_BETTER).into();
        }
        let share = ((naive + specificity - 1.0) / gain).clamp(0.0, 1.0);
        let binomial = |p: f64, n: f64| p * (1.0 - p) / n;
        let variance = (binomial(naive, all)
            + share.powi(2) * binomial(sensitivity, with as f64)
            + (1.0 - share).powi(2) * binomial(specificity, without as f64))
            / gain.powi(2);
        normal(share, variance)
    }
}

/// The prediction-powered mean and the terms of its variance.
struct Powered {
    lambda: f64,
    share: f64,
    /// Variance of λ × prediction.
    imputed: f64,
    /// Variance of code − λ × prediction.
    rectifier: f64,
    n: f64,
    uncoded: f64,
}

impl Powered {
    fn variance(&self) -> f64 {
        self.of_imputed() + self.rectifier / self.n
    }

    /// The part of the variance that more coding does not reduce.
    fn of_imputed(&self) -> f64 {
        if self.uncoded > 0.0 {
            self.imputed / self.uncoded
        } else {
            0.0
        }
    }

    fn score(&self) -> Score {
        if self.rectifier <= 0.0 {
            return Score {
                value: Some(self.share.clamp(0.0, 1.0)),
                interval: None,
                reason: Some(NEVER_ERRS),
            };
        }
        normal(self.share, self.variance())
    }

    fn more_rows(&self, counts: &ShareCounts, margin: f64) -> Option<u64> {
        if self.rectifier <= 0.0 {
            return None;
        }
        let left = (margin / Z).powi(2) - self.of_imputed();
        let wanted = self.rectifier / left;
        let more = (wanted - self.n).ceil().max(0.0) as u64;
        (left > 0.0 && more <= counts.uncoded).then_some(more)
    }
}

/// A share with its normal 95 % interval, both clamped to 0…1.
fn normal(share: f64, variance: f64) -> Score {
    let half = Z * variance.max(0.0).sqrt();
    Score {
        value: Some(share.clamp(0.0, 1.0)),
        interval: Some([(share - half).max(0.0), (share + half).min(1.0)]),
        reason: None,
    }
}

/// Options of a prevalence estimate.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PrevalenceParams {
    /// The wanted half width of the interval, as a share.
    pub margin: f64,
    /// Columns of the labelled file by whose values shares are also given. `column:month` takes the
    /// first seven characters, the month of an ISO date.
    pub by: Vec<String>,
    /// The column of the labelled file with the groups of the statements; `group` if `None`.
    /// Without this column the groups of the sample are used.
    pub group: Option<String>,
    /// Draws of groups, if the statements have groups.
    pub evaluate: EvaluateParams,
}

impl Default for PrevalenceParams {
    fn default() -> Self {
        Self {
            margin: 0.02,
            by: Vec::new(),
            group: None,
            evaluate: EvaluateParams::default(),
        }
    }
}

/// Estimates the share of each code in the labelled statements from two sources: the model's codes
/// and a random sample that people coded. The two are joined by id.
pub fn prevalence(labels: &Labels, gold: &Corpus, params: &PrevalenceParams) -> Result<Prevalence> {
    if !(params.margin > 0.0 && params.margin < 0.5) {
        return Err(Error::Parameter {
            name: "margin",
            value: params.margin.to_string(),
            range: "between 0 and 0.5",
        });
    }
    let slices = params
        .by
        .iter()
        .map(|column| Ok((column.clone(), values(labels, column)?)))
        .collect::<Result<Vec<_>>>()?;
    params.evaluate.check()?;
    let coded: BTreeMap<&str, &Statement> =
        gold.statements.iter().map(|s| (s.id.as_str(), s)).collect();
    let groups = groups(labels, gold, &coded, params)?;
    let in_groups = come_in_groups(&groups, labels, &coded);
    let how = How {
        slices: &slices,
        margin: params.margin,
        draws: in_groups.then_some(&params.evaluate),
    };
    let variables: Vec<VariablePrevalence> = gold
        .codebook
        .variables
        .iter()
        .enumerate()
        .filter_map(|(v, variable)| {
            let rows = rows(labels, &coded, &groups, v);
            let has_sample = rows.iter().any(|row| row.gold.is_some());
            has_sample.then(|| how.of_variable(variable, &rows))
        })
        .collect();
    if variables.is_empty() {
        return Err(Error::NotMeasured {
            path: gold.name.clone(),
            reason:
                "no statement of the sample is coded in the labelled file; they are joined by id"
                    .into(),
        });
    }
    let strange = |s: &&Statement| labels.get(&s.id).is_none();
    Ok(Prevalence {
        schema: "konflik/prevalence",
        schema_version: 1,
        labelled: labels.rows.name.clone(),
        gold: gold.name.clone(),
        statements: labels.codes.len(),
        strangers: gold.statements.iter().filter(strange).count(),
        margin: params.margin,
        bootstrap: in_groups.then(|| {
            let count = groups.iter().max().map_or(0, |last| last + 1);
            Bootstrap::of_groups(true, count, &params.evaluate)
        }),
        variables,
    })
}

/// A labelled statement.
struct Row {
    /// Position in the labelled file.
    position: usize,
    predicted: usize,
    gold: Option<usize>,
    /// Number of the statement's group.
    group: usize,
}

impl Row {
    /// The kind of the statement for code `k`; see [`ShareCounts::of_kinds`].
    fn kind(&self, k: usize) -> usize {
        let given = self.predicted == k;
        match self.gold.map(|gold| gold == k) {
            Some(true) => usize::from(!given),
            Some(false) => 2 + usize::from(!given),
            None => 4 + usize::from(!given),
        }
    }
}

/// The group number of each labelled statement.
fn groups(
    labels: &Labels,
    gold: &Corpus,
    coded: &BTreeMap<&str, &Statement>,
    params: &PrevalenceParams,
) -> Result<Vec<usize>> {
    let by_column = match &params.group {
        Some(column) => Some(values(labels, column)?),
        None => values(labels, "group").ok(),
    };
    let of = |(position, row): (usize, &KeyedRow)| {
        let in_file = by_column.as_ref().and_then(|v| v[position].clone());
        let in_sample = || {
            let statement = coded.get(row.id.as_str()).filter(|_| gold.has_groups)?;
            Some(statement.group.clone())
        };
        // A statement without a group is its own group; the pair keeps ids and group names apart.
        match in_file.or_else(in_sample) {
            Some(group) => (group, String::new()),
            None => (String::new(), row.id.clone()),
        }
    };
    Ok(distinct(labels.rows.rows.iter().enumerate().map(of)).0)
}

/// Whether a group contains two statements of the sample.
fn come_in_groups(groups: &[usize], labels: &Labels, coded: &BTreeMap<&str, &Statement>) -> bool {
    let mut seen = BTreeSet::new();
    let sample = labels.rows.rows.iter().zip(groups);
    let mut sample = sample.filter(|(row, _)| coded.contains_key(row.id.as_str()));
    sample.any(|(_, group)| !seen.insert(group))
}

fn rows(
    labels: &Labels,
    coded: &BTreeMap<&str, &Statement>,
    groups: &[usize],
    variable: usize,
) -> Vec<Row> {
    let all = labels.rows.rows.iter().zip(&labels.codes).enumerate();
    all.filter_map(|(position, (row, codes))| {
        Some(Row {
            position,
            predicted: codes[variable]?,
            gold: coded.get(row.id.as_str()).and_then(|s| s.codes[variable]),
            group: groups[position],
        })
    })
    .collect()
}

/// The value of a column in each row of the labelled file; `None` for blank cells.
fn values(labels: &Labels, column: &str) -> Result<Vec<Option<String>>> {
    let (name, is_month) = match column.strip_suffix(":month") {
        Some(name) => (name, true),
        None => (column, false),
    };
    let position = labels.rows.require(name, ColumnHolds::Slice)?;
    let value = |row: &KeyedRow| {
        let cell = row.cells[position].trim();
        if cell.is_empty() {
            return Ok(None);
        }
        let kept = if is_month { month(cell) } else { Some(cell) };
        let no_date = || Error::NoDate {
            at: labels.rows.at(row),
            cell: cell.to_string(),
        };
        Ok(Some(kept.ok_or_else(no_date)?.to_string()))
    };
    labels.rows.rows.iter().map(value).collect()
}

/// Year and month of an ISO date.
fn month(date: &str) -> Option<&str> {
    const MONTH: usize = 7;
    let month = date.get(..MONTH)?;
    let is_digit = |(i, c): (usize, char)| if i == 4 { c == '-' } else { c.is_ascii_digit() };
    let goes_on = date[MONTH..].starts_with(|c: char| c.is_ascii_digit());
    (month.chars().enumerate().all(is_digit) && !goes_on).then_some(month)
}

/// Options of the estimation.
struct How<'a> {
    /// Each column with the values of all labelled statements.
    slices: &'a [(String, Vec<Option<String>>)],
    margin: f64,
    /// Draws of groups; `None` if the statements are independent.
    draws: Option<&'a EvaluateParams>,
}

impl How<'_> {
    fn of_variable(&self, variable: &Variable, rows: &[Row]) -> VariablePrevalence {
        let of_column = |values: &[Option<String>]| {
            let keys: BTreeSet<&String> = rows
                .iter()
                .filter_map(|r| values[r.position].as_ref())
                .collect();
            keys.into_iter()
                .map(|key| {
                    let here = |row: &&Row| values[row.position].as_ref() == Some(key);
                    let rows: Vec<&Row> = rows.iter().filter(here).collect();
                    (key.clone(), self.of_slice(variable, &rows))
                })
                .collect()
        };
        VariablePrevalence {
            id: variable.id.clone(),
            overall: self.of_slice(variable, &rows.iter().collect::<Vec<_>>()),
            slices: self
                .slices
                .iter()
                .map(|(column, values)| (column.clone(), of_column(values)))
                .collect(),
        }
    }

    fn of_slice(&self, variable: &Variable, rows: &[&Row]) -> SlicePrevalence {
        let (groups, names) = distinct(rows.iter().map(|row| row.group));
        let of_code = |(k, code): (usize, &crate::codebook::Code)| {
            let mut kinds = [0; KINDS];
            rows.iter().for_each(|row| kinds[row.kind(k)] += 1);
            let counts = ShareCounts::of_kinds(&kinds);
            let Some(params) = self.draws else {
                return counts.estimates(&code.id, self.margin);
            };
            let statements = groups
                .iter()
                .copied()
                .zip(rows.iter().map(|row| row.kind(k)));
            let clusters = Clusters::new(statements, names.len(), KINDS, params);
            counts.estimates_in_groups(&code.id, self.margin, &clusters)
        };
        SlicePrevalence {
            labelled: rows.len() as u64,
            sample: rows.iter().filter(|row| row.gold.is_some()).count() as u64,
            codes: variable.codes.iter().enumerate().map(of_code).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_is_always_right_adds_all_it_labelled() {
        let counts = ShareCounts {
            hit: 30,
            rejected: 70,
            predicted: 2000,
            uncoded: 5000,
            ..ShareCounts::default()
        };
        let shares = counts.estimates("a", 0.02);
        let (adjusted, naive) = (shares.adjusted.value.unwrap(), shares.naive.unwrap());
        assert!((adjusted - naive).abs() < 1e-12);
        assert!(shares.lambda.unwrap() > 0.8);
        let width = |score: &Score| score.interval.map(|[low, high]| high - low).unwrap();
        assert!(width(&shares.estimate) < width(&shares.sample) / 3.0);
    }

    #[test]
    fn a_model_that_says_nothing_leaves_the_sample() {
        let counts = ShareCounts {
            missed: 30,
            rejected: 70,
            uncoded: 5000,
            ..ShareCounts::default()
        };
        let shares = counts.estimates("a", 0.02);
        assert_eq!((shares.lambda, shares.naive), (Some(0.0), Some(0.0)));
        assert_eq!(shares.estimate.value, Some(0.3));
        assert_eq!(shares.adjusted.reason, Some(NO_BETTER));
        // 1.96² × .21 / .02² = 2016.8
        assert_eq!(shares.more_rows, Some(1917));
    }

    #[test]
    fn what_the_sample_does_not_show_has_a_reason() {
        let empty = ShareCounts {
            predicted: 3,
            uncoded: 10,
            ..ShareCounts::default()
        };
        let shares = empty.estimates("a", 0.02);
        assert_eq!(shares.naive, Some(0.3));
        assert_eq!(shares.estimate.reason, Some(NO_SAMPLE));
        assert_eq!(shares.sample.reason, Some(NO_SAMPLE));
        let never = ShareCounts {
            rejected: 50,
            uncoded: 100,
            ..ShareCounts::default()
        };
        let shares = never.estimates("a", 0.02);
        assert_eq!(
            (shares.estimate.value, shares.estimate.interval),
            (Some(0.0), None)
        );
        assert_eq!(shares.estimate.reason, Some(NEVER_ERRS));
        assert_eq!(shares.more_rows, None);
        assert!(shares.is_rough && shares.sample.interval.is_some());
        assert_eq!(ShareCounts::default().estimates("a", 0.02).naive, None);
    }

    #[test]
    fn months_are_those_of_iso_dates() {
        for date in ["2026-03", "2026-03-14", "2026-03-14T08:00:00Z"] {
            assert_eq!(month(date), Some("2026-03"));
        }
        for other in [
            "14/03/2026",
            "2026",
            "March 26",
            "2026-031",
            "２０２６-03-14",
            "",
        ] {
            assert_eq!(month(other), None, "{other}");
        }
    }

    /// If every statement is coded, there is nothing to predict.
    #[test]
    fn a_sample_of_all_is_itself() {
        let counts = ShareCounts {
            hit: 20,
            missed: 10,
            false_alarm: 5,
            rejected: 65,
            ..ShareCounts::default()
        };
        let shares = counts.estimates("a", 0.2);
        assert_eq!(
            (shares.lambda, shares.estimate.value),
            (Some(0.0), Some(0.3))
        );
        assert_eq!(shares.more_rows, Some(0));
    }
}
