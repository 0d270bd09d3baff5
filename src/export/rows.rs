//! One row of a labelled dataset: the input's cells unchanged and in order, then the added cells.

use super::table::{Cell, Look, Row, TableFormat, TableHead, TableWriter};
use crate::error::{Error, Result, RowFault};
use crate::ingest::Layout;
use crate::label::{LabelledRow, MANY_CODES, ReadBy, VariablePrediction};
use crate::model::{Decision, Model};

/// Which columns are added to the input.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LabelledColumns {
    /// Prefix of the column names.
    pub prefix: String,
    /// Whether there are columns with the evidence words of the codes.
    pub evidence: bool,
    /// Whether there is a column `duplicate_of`: the id of the earlier row that the row copies.
    pub copies: bool,
    /// Whether there are columns `queue` and `owner`: the destination from the first matching rule.
    pub routes: bool,
}

impl Default for LabelledColumns {
    fn default() -> Self {
        Self {
            prefix: "konflik_".into(),
            evidence: true,
            copies: false,
            routes: false,
        }
    }
}

/// Writes rows followed by the model's codes.
pub struct LabelledRows<'a> {
    writer: Box<dyn TableWriter>,
    model: &'a Model,
    codebook: String,
    /// The written columns, in order.
    columns: Vec<Column>,
    /// Whether all codes, decisions and versions can be written without escaping.
    is_plain: bool,
}

/// One added column.
struct Column {
    name: String,
    kind: Kind,
}

/// The content of a column; the number is the position of a variable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code(usize),
    Probability(usize),
    Decision(usize),
    Evidence(usize),
    Probabilities(usize),
    /// The second best code, if the best is uncertain.
    Second(usize),
    ReadBy,
    Language,
    Model,
    Codebook,
    CopyOf,
    Queue,
    Owner,
}

impl<'a> LabelledRows<'a> {
    /// Writes rows of `input`, the file called `name`, in a format.
    ///
    /// Fails if the input already has one of the added columns.
    pub fn new(
        input: &Layout,
        name: &str,
        format: &TableFormat,
        model: &'a Model,
        wanted: &LabelledColumns,
    ) -> Result<Self> {
        let columns = columns(model, format, wanted);
        let mut names = columns.iter().map(|column| &column.name);
        if let Some(taken) = names.find(|name| input.columns.contains(name)) {
            return Err(Error::ColumnTaken {
                path: name.to_string(),
                name: taken.clone(),
            });
        }
        let writer = (format.open)(TableHead {
            input: Some(input.clone()),
            columns: columns.iter().map(|column| column.name.clone()).collect(),
            look: Look::of(input),
        });
        let codebook = model.codebook_hash().short();
        Ok(Self {
            is_plain: is_plain(model, &codebook, &*writer),
            writer,
            model,
            codebook,
            columns,
        })
    }

    /// Names of the added columns, in order.
    pub fn columns(&self) -> Vec<String> {
        self.columns.iter().map(|c| c.name.clone()).collect()
    }

    /// The writer of the rows.
    pub fn writer(&self) -> &dyn TableWriter {
        &*self.writer
    }

    /// Appends a row. If it fails, the appended bytes are not a complete row.
    pub fn row(&self, row: &LabelledRow<'_>, bytes: &mut Vec<u8>) -> Result<(), RowFault> {
        let cells = self.columns.iter().map(|c| self.cell(c.kind, row));
        let cells: Vec<Cell<'_>> = cells.collect();
        let row = Row {
            record: Some(row.record),
            cells: &cells,
        };
        self.writer.row(row, bytes)
    }

    /// One added cell; without a prediction, only model and codebook are filled in.
    fn cell<'p>(&'p self, kind: Kind, row: &LabelledRow<'p>) -> Cell<'p> {
        let predicted = |position: usize| {
            let variable = &self.model.codebook().variables[position];
            row.prediction.map(|p| (variable, &p.variables[position]))
        };
        let text = |text: Option<&'p str>| text.map_or(Cell::Blank, Cell::from);
        let known = |text: &'p str| {
            if self.is_plain {
                Cell::Plain(text)
            } else {
                Cell::from(text)
            }
        };
        match kind {
            Kind::Code(v) => {
                let code = predicted(v).map(|(v, p)| v.codes[p.code].id.as_str());
                code.map_or(Cell::Blank, known)
            }
            Kind::Probability(v) => {
                predicted(v).map_or(Cell::Blank, |(_, p)| Cell::Share(p.probability()))
            }
            Kind::Decision(v) => {
                let decision = predicted(v).map_or(Decision::NoStatement, |(_, p)| p.decision);
                known(decision.as_str())
            }
            Kind::Second(v) => {
                let code = predicted(v).and_then(|(v, p)| Some(v.codes[p.second?].id.as_str()));
                code.map_or(Cell::Blank, known)
            }
            Kind::ReadBy => {
                let read_by = row.prediction.map(|p| p.read_by.as_str());
                read_by.map_or(Cell::Blank, known)
            }
            Kind::Evidence(v) => match predicted(v) {
                Some((_, p)) if !p.evidence.is_empty() => Cell::from(evidence(p)),
                _ => Cell::Blank,
            },
            Kind::Probabilities(v) => predicted(v).map_or(Cell::Blank, |(v, p)| {
                let codes = v.codes.iter().map(|code| code.id.as_str());
                Cell::Shares(codes.zip(p.probabilities.iter().copied()).collect())
            }),
            Kind::Language => text(row.prediction.and_then(|p| p.language.as_deref())),
            Kind::Model => known(self.model.id()),
            Kind::Codebook => known(&self.codebook),
            Kind::CopyOf => text(row.copy_of),
            Kind::Queue => text(row.rule.map(|r| r.queue.as_str())),
            Kind::Owner => text(row.rule.and_then(|r| r.owner.as_deref())),
        }
    }
}

fn columns(model: &Model, format: &TableFormat, wanted: &LabelledColumns) -> Vec<Column> {
    let column = |name: &str, kind| Column {
        name: format!("{}{name}", wanted.prefix),
        kind,
    };
    let mut columns = Vec::new();
    for (position, variable) in model.codebook().variables.iter().enumerate() {
        let has_second = variable.codes.len() >= MANY_CODES;
        let kinds = [
            ("", Kind::Code(position), true),
            ("_probability", Kind::Probability(position), true),
            ("_decision", Kind::Decision(position), true),
            ("_second", Kind::Second(position), has_second),
            ("_evidence", Kind::Evidence(position), wanted.evidence),
            (
                "_probabilities",
                Kind::Probabilities(position),
                format.nests,
            ),
        ];
        let kinds = kinds.into_iter().filter(|(.., is_wanted)| *is_wanted);
        columns.extend(
            kinds.map(|(suffix, kind, _)| column(&format!("{}{suffix}", variable.id), kind)),
        );
    }
    columns.extend([
        column("path", Kind::ReadBy),
        column("language", Kind::Language),
        column("model", Kind::Model),
        column("codebook", Kind::Codebook),
    ]);
    if wanted.copies {
        columns.push(column("duplicate_of", Kind::CopyOf));
    }
    if wanted.routes {
        columns.extend([column("queue", Kind::Queue), column("owner", Kind::Owner)]);
    }
    columns
}

/// Whether all of konflik's own words can be written without escaping.
fn is_plain(model: &Model, codebook: &str, writer: &dyn TableWriter) -> bool {
    let decisions = Decision::ALL.map(Decision::as_str);
    let read_by = [ReadBy::Fast, ReadBy::Context].map(ReadBy::as_str);
    let codes = model.codebook().variables.iter().flat_map(|v| &v.codes);
    let mut words = decisions
        .into_iter()
        .chain(read_by)
        .chain([model.id(), codebook])
        .chain(codes.map(|code| code.id.as_str()));
    words.all(|word| writer.takes_as_it_is(word))
}

fn evidence(prediction: &VariablePrediction) -> String {
    let mut words = String::new();
    for (i, evidence) in prediction.evidence.iter().enumerate() {
        if i > 0 {
            words.push(' ');
        }
        words.push_str(&evidence.word);
    }
    words
}
