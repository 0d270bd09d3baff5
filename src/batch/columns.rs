//! Finds the columns of a labelled file and reads its rows.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::BatchParams;
use crate::codebook::Codebook;
use crate::corpus::code_at;
use crate::error::{ColumnHolds, Error, Location, Result};
use crate::ingest::{Layout, Record, Role};
use crate::model::Decision;

/// The content of a column by whose values codes are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ByColumn {
    /// The source of a statement.
    Source,
    /// The channel of a statement.
    Channel,
    /// The role of a person: patient, nurse, official.
    Role,
    /// The speaker.
    Speaker,
    /// A column that the user named.
    Other,
}

/// Default column names.
const CHANNEL: &[&str] = &["channel", "kanal", "submitted_via"];
const ROLE: &[&str] = &["role", "peran", "speaker_role"];

/// Positions of the columns.
pub(super) struct Columns {
    id: Option<usize>,
    pub(super) date: Option<usize>,
    source: Option<usize>,
    language: Option<usize>,
    model: Option<usize>,
    codebook: Option<usize>,
    pub(super) copy_of: Option<usize>,
    queue: Option<usize>,
    owner: Option<usize>,
    variables: Vec<OfVariable>,
    pub(super) by: Vec<(usize, ByColumn)>,
}

struct OfVariable {
    code: Option<usize>,
    probability: Option<usize>,
    decision: Option<usize>,
    evidence: Option<usize>,
}

/// One row of a labelled file.
pub(super) struct CodedRow<'a> {
    pub(super) id: String,
    pub(super) line: u64,
    pub(super) text: &'a str,
    /// These lists have one entry per variable of the codebook.
    pub(super) codes: Vec<Option<usize>>,
    pub(super) probabilities: Vec<Option<f64>>,
    pub(super) decisions: Vec<Option<Decision>>,
    pub(super) evidence: Vec<Vec<&'a str>>,
    pub(super) language: &'a str,
    pub(super) model: &'a str,
    pub(super) codebook: &'a str,
    /// Empty if the row is not a copy.
    pub(super) copy_of: &'a str,
    pub(super) queue: &'a str,
    pub(super) owner: &'a str,
    pub(super) date: &'a str,
    pub(super) source: &'a str,
}

impl Columns {
    pub(super) fn find(
        name: &str,
        layout: &Layout,
        codebook: &Codebook,
        params: &BatchParams,
    ) -> Result<Self> {
        let column = |name: &str| layout.columns.iter().position(|c| c.trim() == name);
        let ours = |suffix: &str| column(&format!("{}{suffix}", params.prefix));
        let of_role = |role: Role| {
            let mut found = layout.other_columns.iter().filter(|c| c.role == role);
            found.next().map(|c| c.position)
        };
        let variables: Vec<OfVariable> = codebook
            .variables
            .iter()
            .map(|v| OfVariable {
                code: ours(&v.id),
                probability: ours(&format!("{}_probability", v.id)),
                decision: ours(&format!("{}_decision", v.id)),
                evidence: ours(&format!("{}_evidence", v.id)),
            })
            .collect();
        let missing = |wanted: &str, holds| Error::MissingColumn {
            path: name.to_string(),
            wanted: wanted.to_string(),
            holds,
            found: layout.columns.clone(),
        };
        if variables.iter().all(|v| v.code.is_none()) {
            let wanted = format!("{}{}", params.prefix, codebook.variables[0].id);
            return Err(missing(&wanted, ColumnHolds::Probabilities));
        }
        let by = if params.by.is_empty() {
            guessed_by(layout, of_role(Role::Source), of_role(Role::Speaker))
        } else {
            let named = params.by.iter().map(|name| {
                let found = column(name).ok_or_else(|| missing(name, ColumnHolds::Slice))?;
                Ok((found, kind_of(name)))
            });
            named.collect::<Result<_>>()?
        };
        Ok(Self {
            id: of_role(Role::Id),
            date: of_role(Role::Date),
            source: of_role(Role::Source),
            language: ours("language"),
            model: ours("model"),
            codebook: ours("codebook"),
            copy_of: ours("duplicate_of"),
            queue: ours("queue"),
            owner: ours("owner"),
            variables,
            by,
        })
    }

    /// Whether the file has a column with queues.
    pub(super) fn has_queues(&self) -> bool {
        self.queue.is_some()
    }

    /// Reads a row; fails if the codebook does not have a code.
    pub(super) fn row<'a>(
        &self,
        path: &str,
        record: &'a Record,
        cells: &'a [Cow<'a, str>],
        codebook: &Codebook,
    ) -> Result<CodedRow<'a>> {
        let cell =
            |column: Option<usize>| column.and_then(|c| cells.get(c)).map_or("", |c| c.trim());
        let id = match cell(self.id) {
            "" => format!("row {}", record.line),
            id => id.to_string(),
        };
        let variables = || self.variables.iter();
        let mut codes = Vec::with_capacity(self.variables.len());
        for (columns, variable) in variables().zip(&codebook.variables) {
            let at = || Location::new(path, record.line, 0);
            codes.push(code_at(at, variable, cell(columns.code))?);
        }
        Ok(CodedRow {
            id,
            line: record.line,
            text: &record.text,
            codes,
            probabilities: variables()
                .map(|v| cell(v.probability).parse().ok())
                .collect(),
            decisions: variables().map(|v| decision(cell(v.decision))).collect(),
            evidence: variables()
                .map(|v| cell(v.evidence).split_whitespace().collect())
                .collect(),
            language: cell(self.language),
            model: cell(self.model),
            codebook: cell(self.codebook),
            copy_of: cell(self.copy_of),
            queue: cell(self.queue),
            owner: cell(self.owner),
            date: cell(self.date),
            source: cell(self.source),
        })
    }
}

fn decision(word: &str) -> Option<Decision> {
    Decision::ALL.into_iter().find(|d| d.as_str() == word)
}

fn named(layout: &Layout, names: &[&str]) -> Option<usize> {
    let is_one = |c: &String| names.iter().any(|n| c.trim().eq_ignore_ascii_case(n));
    layout.columns.iter().position(is_one)
}

fn kind_of(name: &str) -> ByColumn {
    let is_one = |names: &[&str]| names.iter().any(|n| name.trim().eq_ignore_ascii_case(n));
    match name {
        _ if is_one(CHANNEL) => ByColumn::Channel,
        _ if is_one(ROLE) => ByColumn::Role,
        _ => ByColumn::Other,
    }
}

/// Columns with source, channel, role and speaker, without repetition.
fn guessed_by(
    layout: &Layout,
    source: Option<usize>,
    speaker: Option<usize>,
) -> Vec<(usize, ByColumn)> {
    let found = [
        (named(layout, CHANNEL), ByColumn::Channel),
        (source, ByColumn::Source),
        (named(layout, ROLE), ByColumn::Role),
        (speaker, ByColumn::Speaker),
    ];
    let mut by: Vec<(usize, ByColumn)> = Vec::new();
    for (position, kind) in found {
        if let Some(position) = position
            && by.iter().all(|(taken, _)| *taken != position)
        {
            by.push((position, kind));
        }
    }
    by
}
