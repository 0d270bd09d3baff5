//! How frequent each code is, corrected for the errors of the classifier.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Score;
use super::proportion::{Z, wilson};
use crate::codebook::Variable;
use crate::corpus::{Corpus, Labels, Statement};
use crate::error::{ColumnHolds, Error, Result};

const NO_SAMPLE: &str = "no statement of the sample is here";
const NEVER_ERRS: &str = "the sample shows no variation to take an interval from";
const NO_BETTER: &str = "the model finds the code no better than chance";
const NOT_BOTH: &str = "the sample doesn't hold statements with and without the code";
/// Sample statements with the code, and without it, from which on the normal interval holds.
const ENOUGH: u64 = 10;

/// Shares of codes in a labelled file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prevalence {
    /// Always `konflik/prevalence`.
    pub schema: &'static str,
    /// Version of this form.
    pub schema_version: u32,
    /// The labelled file.
    pub labelled: String,
    /// The file with the sample that people coded.
    pub gold: String,
    /// Statements in the labelled file.
    pub statements: usize,
    /// Statements of the sample that the labelled file doesn't have.
    pub strangers: usize,
    /// The half width that `more_rows` is for.
    pub margin: f64,
    /// One per variable that both code.
    pub variables: Vec<VariablePrevalence>,
}

/// Shares of the codes of one variable.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VariablePrevalence {
    /// Id of the variable.
    pub id: String,
    /// All statements.
    pub overall: SlicePrevalence,
    /// By column and by its value.
    pub slices: BTreeMap<String, BTreeMap<String, SlicePrevalence>>,
}

/// Shares of the codes in a set of statements.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SlicePrevalence {
    /// Statements that the model coded.
    pub labelled: u64,
    /// Of them, those that people coded.
    pub sample: u64,
    /// One per code.
    pub codes: Vec<CodePrevalence>,
}

/// How frequent a code is. All intervals are of independent statements, the sample drawn at
/// random from the labelled ones.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CodePrevalence {
    /// The code.
    pub code: String,
    /// Share of the statements that the model gave the code: wrong by as much as the model is.
    pub naive: Option<f64>,
    /// The share by prediction-powered inference with power tuning (Angelopoulos, Duchi and
    /// Zrnic, "PPI++", 2023): λ × the model's share of the statements that nobody coded + the
    /// mean of code − λ × prediction over the sample.
    pub estimate: Score,
    /// How much the model's codes count, 0 (not at all) to 1; least variance of `estimate`.
    pub lambda: Option<f64>,
    /// The share in the sample alone, with Wilson's interval.
    pub sample: Score,
    /// The adjusted count of Rogan and Gladen (1978): (naive + specificity − 1) / (sensitivity +
    /// specificity − 1), interval by the delta method.
    pub adjusted: Score,
    /// About how many more statements have to be coded for the margin; `None` where it can't be
    /// told or all would not do.
    pub more_rows: Option<u64>,
    /// Whether there is too little of the code in the sample for the interval to be relied on.
    pub is_rough: bool,
}

/// Counts that all estimates of a code are made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShareCounts {
    /// Sample statements with the code that the model gave it.
    pub hit: u64,
    /// Sample statements with the code that the model didn't give it.
    pub missed: u64,
    /// Sample statements without the code that the model gave it.
    pub false_alarm: u64,
    /// Sample statements without the code that the model didn't give it either.
    pub rejected: u64,
    /// Statements that nobody coded and the model gave the code.
    pub predicted: u64,
    /// Statements that nobody coded.
    pub uncoded: u64,
}

impl ShareCounts {
    fn sample(&self) -> u64 {
        self.hit + self.missed + self.false_alarm + self.rejected
    }

    /// All estimates, with the rows that are missing to a half width of `margin`.
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
            // 0 / 0 where the model always or never gives the code: it says nothing.
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

/// The prediction-powered mean and what its variance is made of.
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
    fn score(&self) -> Score {
        let imputed = if self.uncoded > 0.0 {
            self.imputed / self.uncoded
        } else {
            0.0
        };
        if self.rectifier <= 0.0 {
            return Score {
                value: Some(self.share.clamp(0.0, 1.0)),
                interval: None,
                reason: Some(NEVER_ERRS),
            };
        }
        normal(self.share, imputed + self.rectifier / self.n)
    }

    fn more_rows(&self, counts: &ShareCounts, margin: f64) -> Option<u64> {
        if self.rectifier <= 0.0 {
            return None;
        }
        let imputed = if self.uncoded > 0.0 {
            self.imputed / self.uncoded
        } else {
            0.0
        };
        let left = (margin / Z).powi(2) - imputed;
        let wanted = self.rectifier / left;
        let more = (wanted - self.n).ceil().max(0.0) as u64;
        (left > 0.0 && more <= counts.uncoded).then_some(more)
    }
}

/// A share with its normal 95 % interval, both kept to 0…1.
fn normal(share: f64, variance: f64) -> Score {
    let half = Z * variance.max(0.0).sqrt();
    Score {
        value: Some(share.clamp(0.0, 1.0)),
        interval: Some([(share - half).max(0.0), (share + half).min(1.0)]),
        reason: None,
    }
}

/// How prevalence is estimated.
#[derive(Debug, Clone, PartialEq)]
pub struct PrevalenceParams {
    /// Half width of the interval that is wanted, as a share.
    pub margin: f64,
    /// Columns of the labelled file by whose values shares are given too; `column:month` takes
    /// the first seven characters, the month of an ISO date.
    pub by: Vec<String>,
}

impl Default for PrevalenceParams {
    fn default() -> Self {
        Self {
            margin: 0.02,
            by: Vec::new(),
        }
    }
}

/// Estimates the share of each code among the labelled statements from the model's codes and a
/// random sample that people coded, joined by id.
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
    let coded: BTreeMap<&str, &Statement> =
        gold.statements.iter().map(|s| (s.id.as_str(), s)).collect();
    let variables: Vec<VariablePrevalence> = gold
        .codebook
        .variables
        .iter()
        .enumerate()
        .filter_map(|(v, variable)| {
            let rows = rows(labels, &coded, v);
            let has_sample = rows.iter().any(|row| row.gold.is_some());
            has_sample.then(|| of_variable(variable, &rows, &slices, params.margin))
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
        variables,
    })
}

/// A labelled statement.
struct Row {
    /// Position in the labelled file.
    position: usize,
    predicted: usize,
    gold: Option<usize>,
}

fn rows(labels: &Labels, coded: &BTreeMap<&str, &Statement>, variable: usize) -> Vec<Row> {
    let all = labels.rows.rows.iter().zip(&labels.codes).enumerate();
    all.filter_map(|(position, (row, codes))| {
        Some(Row {
            position,
            predicted: codes[variable]?,
            gold: coded.get(row.id.as_str()).and_then(|s| s.codes[variable]),
        })
    })
    .collect()
}

/// The value of a column in each row of the labelled file; blank cells have none.
fn values(labels: &Labels, column: &str) -> Result<Vec<Option<String>>> {
    const MONTH: usize = 7;
    let (name, is_month) = match column.strip_suffix(":month") {
        Some(name) => (name, true),
        None => (column, false),
    };
    let position = labels.rows.require(name, ColumnHolds::Slice)?;
    let value = |row: &crate::corpus::KeyedRow| {
        let cell = row.cells[position].trim();
        let kept = if is_month { cell.get(..MONTH)? } else { cell };
        (!kept.is_empty()).then(|| kept.to_string())
    };
    Ok(labels.rows.rows.iter().map(value).collect())
}

fn of_variable(
    variable: &Variable,
    rows: &[Row],
    slices: &[(String, Vec<Option<String>>)],
    margin: f64,
) -> VariablePrevalence {
    let of_column = |values: &[Option<String>]| {
        let keys: BTreeSet<&String> = rows
            .iter()
            .filter_map(|r| values[r.position].as_ref())
            .collect();
        keys.into_iter()
            .map(|key| {
                let here = |row: &&Row| values[row.position].as_ref() == Some(key);
                let rows: Vec<&Row> = rows.iter().filter(here).collect();
                (key.clone(), of_slice(variable, &rows, margin))
            })
            .collect()
    };
    VariablePrevalence {
        id: variable.id.clone(),
        overall: of_slice(variable, &rows.iter().collect::<Vec<_>>(), margin),
        slices: slices
            .iter()
            .map(|(column, values)| (column.clone(), of_column(values)))
            .collect(),
    }
}

fn of_slice(variable: &Variable, rows: &[&Row], margin: f64) -> SlicePrevalence {
    let of_code = |(k, code): (usize, &crate::codebook::Code)| {
        let mut counts = ShareCounts::default();
        for row in rows {
            let given = row.predicted == k;
            *match row.gold.map(|gold| gold == k) {
                Some(true) if given => &mut counts.hit,
                Some(true) => &mut counts.missed,
                Some(false) if given => &mut counts.false_alarm,
                Some(false) => &mut counts.rejected,
                None => &mut counts.uncoded,
            } += 1;
            counts.predicted += u64::from(row.gold.is_none() && given);
        }
        counts.estimates(&code.id, margin)
    };
    SlicePrevalence {
        labelled: rows.len() as u64,
        sample: rows.iter().filter(|row| row.gold.is_some()).count() as u64,
        codes: variable.codes.iter().enumerate().map(of_code).collect(),
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

    /// With every statement coded there is nothing to predict.
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
