//! Counts of codes by the values of columns.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::columns::{ByColumn, CodedRow};
use super::excerpt::clean;
use crate::codebook::Codebook;

/// Number of values of a column that are named; the others are counted together.
const NAMED: usize = 12;

/// A table of two variables.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Crossing {
    /// Position of the variable whose codes are the rows.
    pub rows: usize,
    /// Position of the variable whose codes are the columns.
    pub columns: usize,
    /// Number of statements by row and column.
    pub counts: Vec<Vec<u64>>,
}

/// Codes by the values of a column.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Breakdown {
    /// The column.
    pub column: String,
    /// The content of the column.
    pub kind: ByColumn,
    /// The most frequent values of the column.
    pub values: Vec<BreakdownValue>,
    /// All other values together, if there are any.
    pub others: Option<BreakdownValue>,
    /// Number of other values.
    pub other_values: usize,
}

/// Counts for one value.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BreakdownValue {
    /// The value; empty for blank cells.
    pub value: String,
    /// Number of statements.
    pub n: u64,
    /// Number of statements by variable and code.
    pub codes: Vec<Vec<u64>>,
}

/// Counts of one column during the pass.
#[derive(Debug, Default)]
pub(super) struct ValueCounts(BTreeMap<String, BreakdownValue>);

impl ValueCounts {
    pub(super) fn add(&mut self, value: &str, row: &CodedRow<'_>, codebook: &Codebook) {
        let value = value.trim();
        if !self.0.contains_key(value) {
            self.0.insert(value.to_string(), none_yet(value, codebook));
        }
        if let Some(counts) = self.0.get_mut(value) {
            counts.n += 1;
            for (of_variable, code) in counts.codes.iter_mut().zip(&row.codes) {
                if let Some(code) = code {
                    of_variable[*code] += 1;
                }
            }
        }
    }

    pub(super) fn done(self, column: String, kind: ByColumn, codebook: &Codebook) -> Breakdown {
        let mut values: Vec<BreakdownValue> = self.0.into_values().collect();
        values.sort_by(|a, b| (Reverse(a.n), &a.value).cmp(&(Reverse(b.n), &b.value)));
        let rest = values.split_off(NAMED.min(values.len()));
        let mut others = none_yet("", codebook);
        for value in &rest {
            others.n += value.n;
            for (sums, counts) in others.codes.iter_mut().zip(&value.codes) {
                sums.iter_mut().zip(counts).for_each(|(s, n)| *s += n);
            }
        }
        Breakdown {
            column,
            kind,
            values,
            other_values: rest.len(),
            others: (!rest.is_empty()).then_some(others),
        }
    }
}

fn none_yet(value: &str, codebook: &Codebook) -> BreakdownValue {
    let zeros = codebook.variables.iter().map(|v| vec![0; v.codes.len()]);
    // Values can be arbitrarily long.
    let shown: String = clean(value).chars().take(80).collect();
    BreakdownValue {
        value: shown,
        n: 0,
        codes: zeros.collect(),
    }
}
