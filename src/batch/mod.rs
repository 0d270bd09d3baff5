//! What a labelled file says, in numbers: one pass over its rows, nothing kept but counts and a
//! bounded number of excerpts. What is shown is a sample; what is counted is everything.

mod codes;
mod columns;
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

/// Faulty rows that are described; the others are counted.
const SHOWN_FAULTS: usize = 5;

/// How a report is made.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BatchParams {
    /// Language of the codes' names, as the codebook has it; its first language where it hasn't.
    pub language: String,
    /// Columns by whose values codes are counted; those of channel, source, role and speaker
    /// where none is named.
    pub by: Vec<String>,
    /// In which order a date that doesn't begin with its year is written.
    pub dates: DateOrder,
    /// What the names of the columns with the model's codes begin with.
    pub prefix: String,
    /// Statements that are shown of each queue.
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

/// What a report is made of beside the labelled rows. All but the codebook may be missing, and
/// what would come of it is then left out.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// What the codes mean.
    pub codebook: &'a Codebook,
    /// The model that coded the rows.
    pub model: Option<&'a Model>,
    /// Rules that say where a statement goes.
    pub routes: Option<&'a Routes>,
    /// Codes that people gave a random sample, with all labels and what follows from both.
    pub gold: Option<(&'a Corpus, &'a Labels, &'a Prevalence)>,
    /// Several people's codes of the same statements, and how far they agree.
    pub coders: Option<(&'a CoderTable, &'a Agreement)>,
    /// Scores of the model on statements that it had not seen.
    pub scores: Option<&'a ModelScores>,
    /// The files that were read, the labelled one first.
    pub files: &'a [SourceFile],
}

/// A labelled file in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct BatchReport {
    /// Always `konflik/report`.
    #[schemars(extend("const" = "konflik/report"))]
    pub schema: &'static str,
    /// Version of this form.
    #[schemars(extend("const" = 1))]
    pub schema_version: u32,
    /// Version of konflik.
    pub software: &'static str,
    /// The files that were read, the labelled one first.
    pub files: Vec<SourceFile>,
    /// What the codes mean.
    pub codebook: CodebookName,
    /// What one row is.
    pub unit: ReportUnit,
    /// Rows of the labelled file.
    pub rows: RowCounts,
    /// Rows by the model that coded them.
    pub models: BTreeMap<String, u64>,
    /// One per variable of the codebook.
    pub variables: Vec<VariableReport>,
    /// The last variable by the first, where there are two.
    pub crossing: Option<Crossing>,
    /// Statements by week, where there are dates.
    pub weeks: Option<Weeks>,
    /// Codes by the values of columns.
    pub breakdowns: Vec<Breakdown>,
    /// What is to be done with what.
    pub triage: Triage,
    /// The routing file, where one was given.
    pub routes: Option<SourceFile>,
    /// Shares corrected for the model's errors, where gold was given.
    pub prevalence: Option<Prevalence>,
    /// Statements that people coded in the gold file, by variable.
    pub gold_coded: Option<Vec<u64>>,
    /// How far coders agree, where their codes were given.
    pub agreement: Option<Agreement>,
    /// Scores of the model, where they were given.
    pub scores: Option<ModelScores>,
    /// How far the file lies from the training, where the model was given.
    pub drift: Option<Drift>,
}

/// A file and what it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SourceFile {
    /// What it is for: `labelled`, `gold`, `coders`, `routes`, `evaluation`.
    pub kind: &'static str,
    /// The file as the user named it.
    pub name: String,
    /// Its SHA-256; `None` for standard input.
    pub sha256: Option<String>,
}

/// Which codebook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CodebookName {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Its SHA-256.
    pub sha256: String,
    /// Its title.
    pub title: String,
}

/// What one row is.
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
    /// Rows without one.
    pub blank: u64,
    /// Rows that can't be read, or have a code that the codebook hasn't.
    pub left_out: u64,
    /// Rows that are near copies of earlier ones; `None` where that was not looked for.
    pub copies: Option<u64>,
    /// What is wrong with the first of those that were left out.
    #[serde(skip)]
    pub faults: Vec<String>,
}

impl BatchReport {
    /// Reads all rows. Fails where the file was coded by another codebook or, if one is given,
    /// another model.
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

/// Everything that is counted on the way.
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
            self.weeks.add(row.date, self.params.dates, code, codes);
        }
        for (counts, (position, _)) in self.by.iter_mut().zip(&self.columns.by) {
            let value = cells.get(*position).map_or("", Cow::as_ref);
            counts.add(value, row, self.sources.codebook);
        }
        self.triage.add(row);
        self.words.as_mut().map_or(Ok(()), |w| w.add(row.text))
    }

    /// Refuses rows that another codebook or model has coded than those whose words and scores
    /// would stand beside them.
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
            weeks: self.weeks.done(&dates, codebook.variables[0].codes.len()),
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

/// Refuses scores of another model than those that coded the rows, where they are named.
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

/// A row of a transcript that was cut has a turn and, or, the text that it was cut from.
fn unit(layout: &Layout) -> ReportUnit {
    let has = |name: &str| layout.columns.iter().any(|c| c == name);
    if has("turn") && has("speaker") || has("unit_text") {
        ReportUnit::Statement
    } else {
        ReportUnit::Row
    }
}
