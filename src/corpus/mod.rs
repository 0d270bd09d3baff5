//! Coded statements: the data that trains and evaluates a model.

pub mod check;
mod coders;
mod codings;
mod keyed;
pub(crate) mod near;
mod split;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::base::hash::Hash;
use crate::codebook::{Codebook, Variable};
use crate::error::{ColumnHolds, Error, Location, Result, RowFault};
use crate::ingest::{Layout, ReadOptions, Reader, Record, Rejected, Role};

pub use coders::{CodedUnit, Coder, CoderOptions, CoderTable, Majority};
pub use codings::Codings;
pub use keyed::{KeyedRow, KeyedRows, Labels};
pub use split::{group_folds, holdout};

/// Reading stops after this number of faulty rows.
const MAX_FAULTS: usize = 20;

/// One statement with the codes that people gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Identifier: the `id` column, or `row N`.
    pub id: String,
    /// The statement.
    pub text: String,
    /// Language (`lang` or `language` column), if known.
    pub language: Option<String>,
    /// Origin of the statement (`source` or `source_type` column), if known.
    pub source: Option<String>,
    /// A group (`group` column) is never split between training and held-out part. Without the
    /// column each statement is a separate group.
    pub group: String,
    /// Position of the code for each variable of the codebook; `None` for a blank cell.
    pub codes: Vec<Option<usize>>,
    /// All other columns, in order.
    pub extra: Vec<(String, String)>,
    /// Line in the file.
    pub line: u64,
}

/// Coded statements with their codebook.
#[derive(Debug, Clone)]
pub struct Corpus {
    /// Defines the codes.
    pub codebook: Codebook,
    /// The statements, in the order of the file.
    pub statements: Vec<Statement>,
    /// Whether the file has a group column.
    pub has_groups: bool,
    /// The file as the user named it.
    pub name: String,
    /// The detected layout of the file, if the corpus was read from one.
    pub layout: Option<Layout>,
}

/// A row that is not a valid coded statement.
#[derive(Debug)]
pub struct LeftOut {
    /// Where the row starts.
    pub at: Location,
    /// The last line of the row.
    pub last_line: u64,
    /// What is wrong with the row.
    pub error: Error,
    /// The bytes of the row, as far as they were kept.
    pub raw: Vec<u8>,
}

impl From<Rejected> for LeftOut {
    fn from(rejected: Rejected) -> Self {
        Self {
            at: rejected.at.clone(),
            last_line: rejected.last_line,
            raw: rejected.raw.clone(),
            error: rejected.into(),
        }
    }
}

impl Corpus {
    /// Reads coded statements. Every row must be complete, have text and hold only known codes. The
    /// error lists the first twenty faulty rows.
    ///
    /// At least one variable must have a column; the codes of a variable without one are `None`.
    pub fn read(path: &Path, codebook: Codebook, options: &ReadOptions) -> Result<Self> {
        let (corpus, left_out) = Self::read_rows(path, codebook, options, MAX_FAULTS)?;
        let faults = left_out.into_iter().map(|row| row.error).collect();
        Error::several(faults).map_or_else(|| corpus.not_empty(), Err)
    }

    /// Like [`Self::read`], but leaves out faulty rows and returns them.
    pub fn read_without_bad_rows(
        path: &Path,
        codebook: Codebook,
        options: &ReadOptions,
    ) -> Result<(Self, Vec<LeftOut>)> {
        let (corpus, left_out) = Self::read_rows(path, codebook, options, usize::MAX)?;
        Ok((corpus.not_empty()?, left_out))
    }

    /// Reads until `limit` rows are left out.
    fn read_rows(
        path: &Path,
        codebook: Codebook,
        options: &ReadOptions,
        limit: usize,
    ) -> Result<(Self, Vec<LeftOut>)> {
        // Codes apply to a whole row, so rows are not cut into units.
        let options = ReadOptions {
            unit: None,
            ..options.clone()
        };
        let mut reader = Reader::open(path, &options)?;
        let columns = Columns::find(&reader, &codebook)?;
        let mut statements = Vec::new();
        let mut seen = BTreeMap::new();
        let mut left_out = Vec::new();
        while left_out.len() < limit
            && let Some(row) = reader.next_row()?
        {
            let record = match row {
                Ok(record) => record,
                Err(rejected) => {
                    left_out.push(rejected.into());
                    continue;
                }
            };
            let at = Location::new(reader.name(), record.line, 0);
            let statement = columns.statement(&reader, &record, &codebook);
            let statement = statement.and_then(|statement| {
                match seen.insert(statement.id.clone(), record.line) {
                    None => Ok(statement),
                    Some(first) => Err(Error::DuplicateId {
                        at: at.clone(),
                        id: statement.id,
                        first,
                    }),
                }
            });
            match statement {
                Ok(statement) => statements.push(statement),
                Err(error) => left_out.push(LeftOut {
                    at,
                    last_line: record.line,
                    error,
                    raw: record.raw,
                }),
            }
        }
        let corpus = Self {
            codebook,
            statements,
            has_groups: columns.group.is_some(),
            name: reader.name().to_string(),
            layout: Some(reader.layout().clone()),
        };
        Ok((corpus, left_out))
    }

    fn not_empty(self) -> Result<Self> {
        if self.statements.is_empty() {
            return Err(Error::NotMeasured {
                path: self.name,
                reason: "there is no statement below the header".into(),
            });
        }
        Ok(self)
    }

    /// A new corpus of the statements at `positions`.
    #[must_use]
    pub fn subset(&self, positions: &[usize]) -> Self {
        Self {
            codebook: self.codebook.clone(),
            statements: positions
                .iter()
                .map(|&i| self.statements[i].clone())
                .collect(),
            has_groups: self.has_groups,
            name: self.name.clone(),
            layout: self.layout.clone(),
        }
    }

    /// The statements that were drawn at random: column `sampled_by` is missing, blank or `random`.
    /// The others were picked for their content, so scores and shares computed from them say
    /// nothing about the rest.
    #[must_use]
    pub fn drawn_at_random(&self) -> Self {
        let is_random = |statement: &Statement| {
            let mut sampled = statement
                .extra
                .iter()
                .filter(|(name, _)| name == "sampled_by");
            sampled.all(|(_, by)| matches!(by.trim(), "" | "random"))
        };
        let positions: Vec<usize> = (0..self.statements.len())
            .filter(|i| is_random(&self.statements[*i]))
            .collect();
        self.subset(&positions)
    }

    /// The same statements ordered by id, so that training doesn't depend on the order of the file.
    #[must_use]
    pub fn in_canonical_order(&self) -> Self {
        let mut ordered = self.clone();
        ordered
            .statements
            .sort_by(|a, b| (&a.id, &a.text).cmp(&(&b.id, &b.text)));
        ordered
    }

    /// SHA-256 over ids, texts, codes, languages and groups in canonical order.
    pub fn hash(&self) -> Hash {
        let mut bytes = Vec::new();
        for s in &self.in_canonical_order().statements {
            for part in [
                &s.id,
                &s.text,
                &s.group,
                s.language.as_ref().unwrap_or(&String::new()),
            ] {
                bytes.extend_from_slice(part.as_bytes());
                bytes.push(0);
            }
            for code in &s.codes {
                let code = code.map_or(u32::MAX, |c| c as u32);
                bytes.extend_from_slice(&code.to_le_bytes());
            }
        }
        Hash::of(&bytes)
    }

    /// Number of statements per code of the variable at position `variable`.
    pub fn code_counts(&self, variable: usize) -> Vec<usize> {
        let mut counts = vec![0; self.codebook.variables[variable].codes.len()];
        for code in self.statements.iter().filter_map(|s| s.codes[variable]) {
            counts[code] += 1;
        }
        counts
    }

    /// The languages that occur, sorted.
    pub fn languages(&self) -> Vec<String> {
        let languages: BTreeSet<&String> = self
            .statements
            .iter()
            .filter_map(|s| s.language.as_ref())
            .collect();
        languages.into_iter().cloned().collect()
    }
}

/// The position of the code in a cell of `variable`; `None` if the cell says that there is none.
pub(crate) fn code_at(
    at: impl Fn() -> Location,
    variable: &Variable,
    cell: &str,
) -> Result<Option<usize>> {
    let unknown = |()| Error::UnknownCode {
        at: at(),
        variable: variable.id.clone(),
        code: cell.trim().to_string(),
        codes: variable.code_ids(),
    };
    variable.code_written(cell).map_err(unknown)
}

/// Positions of the columns of a corpus.
struct Columns {
    names: Vec<String>,
    text: usize,
    id: Option<usize>,
    language: Option<usize>,
    source: Option<usize>,
    group: Option<usize>,
    variables: Vec<Option<usize>>,
}

impl Columns {
    fn find(reader: &Reader, codebook: &Codebook) -> Result<Self> {
        let names = reader.layout().columns.clone();
        let position = |name: &str| {
            let exact = names.iter().position(|c| c == name);
            exact.or_else(|| {
                names
                    .iter()
                    .position(|c| c.trim().eq_ignore_ascii_case(name))
            })
        };
        let sure = |role| reader.layout().sure_column(role);
        let variables: Vec<Option<usize>> =
            codebook.variables.iter().map(|v| position(&v.id)).collect();
        if variables.iter().all(Option::is_none) {
            return Err(Error::MissingColumn {
                path: reader.name().to_string(),
                wanted: codebook.variables[0].id.clone(),
                holds: ColumnHolds::Codes,
                found: names,
            });
        }
        Ok(Self {
            text: reader.layout().text,
            id: sure(Role::Id),
            language: sure(Role::Lang),
            source: sure(Role::Source),
            group: sure(Role::Group),
            variables,
            names,
        })
    }

    fn statement(
        &self,
        reader: &Reader,
        record: &Record,
        codebook: &Codebook,
    ) -> Result<Statement> {
        let at = || Location::new(reader.name(), record.line, 0);
        if record.text.trim().is_empty() {
            return Err(Error::EmptyText { at: at() });
        }
        if let Some((key, _)) = record.strays().next() {
            let key = key.to_string();
            return Err(Error::Row {
                at: at(),
                fault: RowFault::StrayKey { key },
            });
        }
        let cell = |column: Option<usize>| {
            let value = record.cell(column?).trim().to_string();
            (!value.is_empty()).then_some(value)
        };
        let mut codes = Vec::with_capacity(self.variables.len());
        for (variable, column) in codebook.variables.iter().zip(&self.variables) {
            let cell = column.map(|c| record.cell(c)).unwrap_or_default();
            codes.push(code_at(at, variable, &cell)?);
        }
        let id = cell(self.id).unwrap_or_else(|| format!("row {}", record.line));
        Ok(Statement {
            group: cell(self.group).unwrap_or_else(|| id.clone()),
            id,
            text: record.text.clone(),
            language: cell(self.language),
            source: cell(self.source),
            codes,
            extra: self.extra(&record.cells()),
            line: record.line,
        })
    }

    fn extra(&self, cells: &[Cow<'_, str>]) -> Vec<(String, String)> {
        let known = [
            Some(self.text),
            self.id,
            self.language,
            self.source,
            self.group,
        ];
        let is_extra =
            |i: &usize| !known.contains(&Some(*i)) && !self.variables.contains(&Some(*i));
        let columns = (0..self.names.len()).filter(is_extra);
        columns
            .map(|i| (self.names[i].clone(), cells[i].to_string()))
            .collect()
    }
}
