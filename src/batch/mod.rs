//! A labelled file in numbers: one pass over its rows that keeps only counts and a bounded number
//! of excerpts. The excerpts are a sample; the counts cover every row.

mod codes;
mod columns;
mod dates;
mod drift;
mod excerpt;
mod scores;
mod tally;
mod top_words;
mod triage;
mod weeks;

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::codebook::Codebook;
use crate::corpus::{CoderTable, Corpus, Labels};
use crate::error::{Error, Result};
use crate::evaluate::{Agreement, Prevalence};
use crate::ingest::{Layout, Reader};
use crate::label::Routes;
use crate::model::Model;

pub use codes::{CodeReport, Contested, Given, VariableReport, WordCount};
pub use columns::ByColumn;
pub use drift::{DecisionShift, Drift, LanguageShare, UnseenWords};
pub use excerpt::{Context, Excerpt, Segment};
pub use scores::{ModelScores, ReliabilityPoint, RiskPoint, ScoreValue, VariableScores};
pub use tally::{Breakdown, BreakdownValue, Crossing};
pub use top_words::{CodeWords, TopWords, WordWeight, top_words};
pub use triage::{Case, CaseCode, Queue, Triage, Vented};
pub use weeks::{DateOrder, Spike, Week, Weeks, spikes};

use columns::{CodedRow, Columns};

/// The note of a report without a column of dates.
const NO_DATES: &str = "no column of dates is known, so the report leaves out what is over time";
/// Number of faulty rows that are described; the others are only counted.
const SHOWN_FAULTS: usize = 5;

/// Options of a report.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BatchParams {
    /// Language of the codes' names; if the codebook does not have it, its first language.
    pub language: String,
    /// Columns by whose values codes are counted; if empty, the columns of channel, source, role
    /// and speaker.
    pub by: Vec<String>,
    /// The order of day and month in a date such as `1/2/2026`.
    pub dates: DateOrder,
    /// Prefix of the columns with the model's codes.
    pub prefix: String,
    /// Number of statements shown per queue.
    pub shown: usize,
}

impl Default for BatchParams {
    fn default() -> Self {
        Self {
            language: "en".into(),
            by: Vec::new(),
            dates: DateOrder::default(),
            prefix: "konflik_".into(),
            shown: 20,
        }
    }
}

/// The inputs of a report besides the labelled rows. Only the codebook is required; without another
/// input, the part of the report that needs it is left out.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The codebook of the codes.
    pub codebook: &'a Codebook,
    /// The model that coded the rows.
    pub model: Option<&'a Model>,
    /// Rules that send statements to queues.
    pub routes: Option<&'a Routes>,
    /// A random sample that people coded, with all labels and the prevalence estimated from both.
    pub gold: Option<(&'a Corpus, &'a Labels, &'a Prevalence)>,
    /// Codes of several people for the same statements, and their agreement.
    pub coders: Option<(&'a CoderTable, &'a Agreement)>,
    /// Scores of the model on unseen statements.
    pub scores: Option<&'a ModelScores>,
    /// The input files; the labelled file is first.
    pub files: &'a [SourceFile],
}

/// A labelled file in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct BatchReport {
    /// Always `konflik/report`.
    #[schemars(extend("const" = "konflik/report"))]
    pub schema: &'static str,
    /// Version of the schema.
    #[schemars(extend("const" = 1))]
    pub schema_version: u32,
    /// Version of konflik.
    pub software: &'static str,
    /// The input files; the labelled file is first.
    pub files: Vec<SourceFile>,
    /// The codebook of the codes.
    pub codebook: CodebookName,
    /// The unit of a row.
    pub unit: ReportUnit,
    /// Rows of the labelled file.
    pub rows: RowCounts,
    /// Number of rows by the model that coded them.
    pub models: BTreeMap<String, u64>,
    /// One per variable of the codebook.
    pub variables: Vec<VariableReport>,
    /// The last variable by the first, if there are at least two.
    pub crossing: Option<Crossing>,
    /// Statements by week, if there are dates.
    pub weeks: Option<Weeks>,
    /// How dates were read that don't begin with the year, or why there are no weeks.
    #[serde(skip)]
    pub date_note: Option<String>,
    /// Codes by the values of columns.
    pub breakdowns: Vec<Breakdown>,
    /// Statements by queue.
    pub triage: Triage,
    /// The routing file, if there is one.
    pub routes: Option<SourceFile>,
    /// Shares corrected for the model's errors, if there is a gold file.
    pub prevalence: Option<Prevalence>,
    /// Number of statements that people coded in the gold file, by variable.
    pub gold_coded: Option<Vec<u64>>,
    /// Agreement of the coders, if there are coder files.
    pub agreement: Option<Agreement>,
    /// Scores of the model, if they were given.
    pub scores: Option<ModelScores>,
    /// Difference between the file and the training, if the model was given.
    pub drift: Option<Drift>,
}

/// An input file and its hash when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SourceFile {
    /// Purpose of the file: `labelled`, `gold`, `coders`, `routes`, `evaluation`.
    pub kind: &'static str,
    /// The file name as the user gave it.
    pub name: String,
    /// SHA-256 of the file; `None` for standard input.
    pub sha256: Option<String>,
}

/// Identifies a codebook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CodebookName {
    /// Id of the codebook.
    pub id: String,
    /// Version of the codebook.
    pub version: String,
    /// SHA-256 of the codebook.
    pub sha256: String,
    /// Title of the codebook.
    pub title: String,
}

/// The unit of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportUnit {
    /// A sentence or short turn that was cut from a transcript.
    Statement,
    /// A row of a table, such as a complaint.
    Row,
}

/// Rows of a labelled file. Rows read = coded + blank + left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RowCounts {
    /// Rows read.
    pub read: u64,
    /// Rows with a code.
    pub coded: u64,
    /// Rows without a code.
    pub blank: u64,
    /// Rows that can't be read, or that have a code that is not in the codebook.
    pub left_out: u64,
    /// Rows that are near copies of earlier rows; `None` if copies were not searched.
    pub copies: Option<u64>,
    /// The faults of the first rows that were left out.
    #[serde(skip)]
    pub faults: Vec<String>,
}

impl BatchReport {
    /// Reads all rows. Fails if the file was coded with another codebook or, if a model is given,
    /// by another model.
    pub fn measure(
        mut reader: Reader,
        sources: &Sources<'_>,
        params: &BatchParams,
    ) -> Result<Self> {
        let mut tally = Tally::new(&reader, sources, params)?;
        while let Some(row) = reader.next_row()? {
            tally.rows.read += 1;
            match row {
                Ok(record) => {
                    let cells = record.cells();
                    let row = tally
                        .columns
                        .row(reader.name(), &record, &cells, sources.codebook);
                    match row {
                        Ok(row) => tally.add(&row, &cells)?,
                        Err(fault) => tally.leave_out(&fault),
                    }
                }
                Err(rejected) => tally.leave_out(&rejected.into()),
            }
        }
        tally.done(reader.layout())
    }
}

/// All counts during the pass.
struct Tally<'a> {
    path: String,
    sources: &'a Sources<'a>,
    params: &'a BatchParams,
    columns: Columns,
    rows: RowCounts,
    models: BTreeMap<String, u64>,
    languages: BTreeMap<String, u64>,
    variables: codes::VariableTally,
    crossing: Vec<Vec<u64>>,
    weeks: weeks::WeekCounts,
    by: Vec<tally::ValueCounts>,
    triage: triage::TriageTally<'a>,
    words: Option<drift::WordWatch<'a>>,
}

impl<'a> Tally<'a> {
    fn new(reader: &Reader, sources: &'a Sources<'a>, params: &'a BatchParams) -> Result<Self> {
        let codebook = sources.codebook;
        let columns = Columns::find(reader.name(), reader.layout(), codebook, params)?;
        let knows = [columns.has_queues(), columns.copy_of.is_some()];
        let codes = |v: usize| codebook.variables.get(v).map_or(0, |v| v.codes.len());
        let across = codes(codebook.variables.len().saturating_sub(1));
        Ok(Self {
            path: reader.name().to_string(),
            sources,
            params,
            rows: RowCounts {
                copies: columns.copy_of.map(|_| 0),
                ..RowCounts::default()
            },
            models: BTreeMap::new(),
            languages: BTreeMap::new(),
            variables: codes::VariableTally::new(codebook),
            crossing: vec![vec![0; codes(0)]; across],
            weeks: weeks::WeekCounts::default(),
            by: columns
                .by
                .iter()
                .map(|_| tally::ValueCounts::default())
                .collect(),
            triage: triage::TriageTally::new(codebook, sources.routes, knows, params.shown),
            words: sources.model.map(drift::WordWatch::new),
            columns,
        })
    }

    fn leave_out(&mut self, fault: &Error) {
        self.rows.left_out += 1;
        if self.rows.faults.len() < SHOWN_FAULTS {
            self.rows.faults.push(format!("[{}] {fault}", fault.code()));
        }
    }

    fn add(&mut self, row: &CodedRow<'_>, cells: &[Cow<'_, str>]) -> Result<()> {
        if row.codes.iter().all(Option::is_none) {
            self.rows.blank += 1;
            return Ok(());
        }
        self.require_same(row)?;
        self.rows.coded += 1;
        if let Some(copies) = &mut self.rows.copies {
            *copies += u64::from(!row.copy_of.is_empty());
        }
        count(&mut self.models, row.model);
        count(&mut self.languages, row.language);
        self.variables.add(row);
        if let (Some(Some(column)), Some(Some(line))) = (row.codes.first(), row.codes.last()) {
            self.crossing[*line][*column] += 1;
        }
        if let (Some(_), Some(code)) = (self.columns.date, row.codes[0]) {
            let codes = self.sources.codebook.variables[0].codes.len();
            self.weeks.add(row.date, code, codes);
        }
        for (counts, (position, _)) in self.by.iter_mut().zip(&self.columns.by) {
            let value = cells.get(*position).map_or("", Cow::as_ref);
            counts.add(value, row, self.sources.codebook);
        }
        self.triage.add(row);
        self.words.as_mut().map_or(Ok(()), |w| w.add(row.text))
    }

    /// Refuses rows coded with another codebook or model: the report would show words and scores
    /// that don't belong to them.
    fn require_same(&self, row: &CodedRow<'_>) -> Result<()> {
        let differs = |what, labelled: &str, given: &str| {
            if labelled.is_empty() || labelled == given || self.models.contains_key(labelled) {
                return Ok(());
            }
            Err(Error::CodedByOther {
                path: self.path.clone(),
                what,
                labelled: labelled.to_string(),
                given: given.to_string(),
            })
        };
        if self.rows.coded == 0 || !self.models.contains_key(row.model) {
            differs(
                "codebook",
                row.codebook,
                &self.sources.codebook.hash().short(),
            )?;
            if let Some(model) = self.sources.model {
                differs("model", row.model, model.id())?;
            }
        }
        Ok(())
    }

    fn done(self, layout: &Layout) -> Result<BatchReport> {
        let sources = self.sources;
        let codebook = sources.codebook;
        let language = &self.params.language;
        if self.rows.coded == 0 {
            return Err(Error::NotMeasured {
                path: self.path,
                reason: "no row has a code".into(),
            });
        }
        if let Some(scores) = sources.scores {
            require_scored(&self.models, scores, &self.path)?;
        }
        let mut variables = self.variables.done(codebook, language);
        let gold = sources.gold.map(|(gold, labels, _)| (gold, labels));
        codes::add_contested(&mut variables, sources.coders.map(|(t, _)| t), gold);
        let (words, model) = (self.words, sources.model);
        let drift = match (words, model) {
            (Some(mut words), Some(model)) => {
                let here = words.take();
                for statement in sources.gold.iter().flat_map(|(gold, ..)| &gold.statements) {
                    words.add(&statement.text)?;
                }
                let in_gold = sources.gold.map(|_| words.take());
                Some(drift::drift(
                    model,
                    here,
                    in_gold,
                    &self.languages,
                    &variables,
                ))
            }
            _ => None,
        };
        let name = |c: &usize| layout.columns.get(*c).cloned().unwrap_or_default();
        let breakdowns = self.by.into_iter().zip(&self.columns.by);
        let breakdowns =
            breakdowns.map(|(counts, (c, kind))| counts.done(name(c), *kind, codebook));
        let dates = self.columns.date.as_ref().map(name).unwrap_or_default();
        let gold_coded = sources.gold.map(|(gold, ..)| {
            let of = |v: usize| {
                gold.statements
                    .iter()
                    .filter(|s| s.codes[v].is_some())
                    .count() as u64
            };
            (0..codebook.variables.len()).map(of).collect()
        });
        let date_note = self.weeks.said(self.params.dates);
        let date_note = date_note.map(|said| format!("dates: column {dates:?}: {said}"));
        let orders = self.params.dates;
        let weeks = self
            .weeks
            .done(&dates, orders, codebook.variables[0].codes.len());
        let no_weeks = match (&weeks, dates.as_str()) {
            (Some(_), _) => None,
            (None, "") => Some(NO_DATES.to_string()),
            (None, column) => Some(format!(
                "no dates that span up to 30 years can be read in column {column:?}, so the report leaves out what is over time"
            )),
        };
        Ok(BatchReport {
            schema: "konflik/report",
            schema_version: 1,
            software: env!("CARGO_PKG_VERSION"),
            files: sources.files.to_vec(),
            codebook: CodebookName {
                id: codebook.id.clone(),
                version: codebook.version.clone(),
                sha256: codebook.hash().to_string(),
                title: codes::translated(&codebook.title, language),
            },
            unit: unit(layout),
            rows: self.rows,
            models: self.models,
            crossing: (codebook.variables.len() > 1).then(|| Crossing {
                rows: codebook.variables.len() - 1,
                columns: 0,
                counts: self.crossing,
            }),
            weeks,
            date_note: no_weeks.or(date_note),
            breakdowns: breakdowns.collect(),
            triage: self.triage.done(),
            routes: sources.routes.map(|routes| SourceFile {
                kind: "routes",
                name: routes.name.clone(),
                sha256: Some(routes.sha256.clone()),
            }),
            prevalence: sources.gold.map(|(.., prevalence)| prevalence.clone()),
            gold_coded,
            agreement: sources.coders.map(|(_, agreement)| agreement.clone()),
            scores: sources.scores.cloned(),
            drift,
            variables,
        })
    }
}

/// Refuses scores of a model that did not code the rows, if the rows name their model.
fn require_scored(models: &BTreeMap<String, u64>, scores: &ModelScores, path: &str) -> Result<()> {
    let named: Vec<&str> = models
        .keys()
        .map(String::as_str)
        .filter(|m| !m.is_empty())
        .collect();
    if named.is_empty() || named.contains(&scores.model.as_str()) {
        return Ok(());
    }
    Err(Error::CodedByOther {
        path: path.to_string(),
        what: "model",
        labelled: named.join(", "),
        given: scores.model.clone(),
    })
}

fn count(counts: &mut BTreeMap<String, u64>, key: &str) {
    match counts.get_mut(key) {
        Some(n) => *n += 1,
        None => {
            counts.insert(key.to_string(), 1);
        }
    }
}

/// Cut transcripts have columns for the turn and the speaker, or for the original text.
fn unit(layout: &Layout) -> ReportUnit {
    let has = |name: &str| layout.columns.iter().any(|c| c == name);
    if has("turn") && has("speaker") || has("unit_text") {
        ReportUnit::Statement
    } else {
        ReportUnit::Row
    }
}
