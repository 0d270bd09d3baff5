//! One row of a labelled dataset: the input's cells untouched and in order, then ours.

use serde_json::{Map, Value, json};

use crate::codebook::Variable;
use crate::corpus::LeftOut;
use crate::error::{Error, Location, Result, RowFault};
use crate::ingest::{Format, Layout, Record, Rejected, Role, hex, needs_quotes, write_cell};
use crate::label::{MANY_CODES, Prediction, Routed, Routes, Rule, VariablePrediction};
use crate::model::{Decision, Model};

/// Writes rows with a model's codes behind them.
pub struct LabelledRows<'a> {
    input: Layout,
    output: Format,
    prefix: String,
    model: &'a Model,
    codebook: String,
    routes: Option<&'a Routes>,
    /// Those that are written, in order.
    columns: Vec<Column>,
    /// Whether no code, decision nor version needs quotes in a table.
    is_plain: bool,
}

/// UTF-8's byte-order mark: without it Excel takes a table for another encoding.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One of our cells.
enum Cell<'p> {
    Blank,
    /// A word of ours that needs no quotes.
    Plain(&'p str),
    Text(&'p str),
    Probability(f64),
    Evidence(&'p VariablePrediction),
    /// Of all codes of a variable; in JSON only.
    Probabilities(&'p Variable, &'p VariablePrediction),
}

/// One of our columns.
struct Column {
    name: String,
    kind: Kind,
}

/// What a column holds; the position is that of a variable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code(usize),
    Probability(usize),
    Decision(usize),
    Evidence(usize),
    Probabilities(usize),
    /// The second best code, where the best is not far ahead.
    Second(usize),
    ReadBy,
    Language,
    Model,
    Codebook,
    CopyOf,
    Queue,
    Owner,
}

/// What is known of a row beside its prediction.
#[derive(Clone, Copy)]
struct Beside<'p> {
    copy_of: Option<&'p str>,
    rule: Option<&'p Rule>,
}

impl<'a> LabelledRows<'a> {
    /// Rows of `input`, written as `output` with our columns called `prefix`….
    ///
    /// Fails where the input has such a column already.
    pub fn new(
        input: &Layout,
        name: &str,
        output: Format,
        prefix: &str,
        model: &'a Model,
    ) -> Result<Self> {
        let column = |name: &str, kind| Column {
            name: format!("{prefix}{name}"),
            kind,
        };
        let mut columns = Vec::new();
        for (position, variable) in model.codebook().variables.iter().enumerate() {
            let kinds = [
                ("", Kind::Code(position)),
                ("_probability", Kind::Probability(position)),
                ("_decision", Kind::Decision(position)),
                ("_second", Kind::Second(position)),
                ("_evidence", Kind::Evidence(position)),
                ("_probabilities", Kind::Probabilities(position)),
            ];
            let has_second = variable.codes.len() >= MANY_CODES;
            let kinds = kinds
                .into_iter()
                .filter(|(_, kind)| has_second || !matches!(kind, Kind::Second(_)));
            let named =
                kinds.map(|(suffix, kind)| column(&format!("{}{suffix}", variable.id), kind));
            columns.extend(named);
        }
        columns.extend([
            column("path", Kind::ReadBy),
            column("language", Kind::Language),
            column("model", Kind::Model),
            column("codebook", Kind::Codebook),
        ]);
        if matches!(output, Format::Delimited(_)) {
            columns.retain(|c| !matches!(c.kind, Kind::Probabilities(_)));
        }
        let codebook = model.codebook_hash().short();
        let is_plain = match output {
            Format::Delimited(delimiter) => is_plain(model, &codebook, delimiter),
            _ => false,
        };
        let rows = Self {
            input: input.clone(),
            output,
            prefix: prefix.to_string(),
            model,
            codebook,
            routes: None,
            columns,
            is_plain,
        };
        rows.none_taken(name)?;
        Ok(rows)
    }

    /// The same with a column `…duplicate_of`: the id of the earlier row that a row is a copy of.
    pub fn showing_copies(mut self, name: &str) -> Result<Self> {
        self.columns.push(Column {
            name: format!("{}duplicate_of", self.prefix),
            kind: Kind::CopyOf,
        });
        self.none_taken(name)?;
        Ok(self)
    }

    /// The same with columns `…queue` and `…owner`: where the first rule that fits sends a row.
    pub fn routed_by(mut self, routes: &'a Routes, name: &str) -> Result<Self> {
        for (column, kind) in [("queue", Kind::Queue), ("owner", Kind::Owner)] {
            self.columns.push(Column {
                name: format!("{}{column}", self.prefix),
                kind,
            });
        }
        self.routes = Some(routes);
        self.none_taken(name)?;
        Ok(self)
    }

    /// The same without the columns of evidence.
    #[must_use]
    pub fn without_evidence(mut self) -> Self {
        self.columns
            .retain(|c| !matches!(c.kind, Kind::Evidence(_)));
        self
    }

    fn none_taken(&self, name: &str) -> Result<()> {
        let mut columns = self.columns.iter().map(|c| &c.name);
        match columns.find(|c| self.input.columns.contains(c)) {
            Some(column) => Err(Error::ColumnTaken {
                path: name.to_string(),
                name: column.clone(),
            }),
            None => Ok(()),
        }
    }

    /// Names of our columns, in order.
    pub fn columns(&self) -> Vec<String> {
        self.columns.iter().map(|c| c.name.clone()).collect()
    }

    /// The header line, with its line end; nothing for JSON lines.
    pub fn header(&self) -> Vec<u8> {
        let Format::Delimited(delimiter) = self.output else {
            return Vec::new();
        };
        let mut line = head(self.input.bom);
        let columns = self.columns();
        write_cells(
            &mut line,
            self.input.columns.iter().chain(&columns),
            delimiter,
        );
        line.extend_from_slice(line_end(&self.input));
        line
    }

    /// Appends a row with its line end; `copy_of` is the id of the row that it is a copy of. Where
    /// it fails, what was appended is no row.
    pub fn row(
        &self,
        record: &Record,
        prediction: Option<&Prediction>,
        copy_of: Option<&str>,
        line: &mut Vec<u8>,
    ) -> Result<(), RowFault> {
        let beside = Beside {
            copy_of,
            rule: prediction.and_then(|p| self.rule(record, p)),
        };
        let cells = self
            .columns
            .iter()
            .map(|column| (column, self.cell(column.kind, prediction, beside)));
        match self.output {
            Format::Delimited(delimiter) => self.delimited(record, cells, delimiter, line),
            _ => self.json(record, cells, line),
        }
    }

    /// The first rule that fits a row.
    fn rule(&self, record: &Record, prediction: &Prediction) -> Option<&'a Rule> {
        let routes = self.routes?;
        let column = |c: &&crate::ingest::Column| c.role == Role::Source;
        let position = self.input.other_columns.iter().find(column);
        let cells = position.map(|c| record.cell(c.position));
        let of_variables = || prediction.variables.iter();
        let codes: Vec<_> = of_variables().map(|p| Some(p.code)).collect();
        let probabilities: Vec<_> = of_variables().map(|p| Some(p.probability())).collect();
        let decisions: Vec<_> = of_variables().map(|p| Some(p.decision)).collect();
        let position = routes.first_fit(&Routed {
            codes: &codes,
            probabilities: &probabilities,
            decisions: &decisions,
            source: cells.as_deref(),
            text: &record.text,
        })?;
        routes.rules.get(position)
    }

    fn delimited<'p>(
        &self,
        record: &Record,
        cells: impl Iterator<Item = (&'p Column, Cell<'p>)>,
        delimiter: u8,
        line: &mut Vec<u8>,
    ) -> Result<(), RowFault> {
        if self.input.format == self.output {
            line.extend_from_slice(&record.raw);
        } else {
            if let Some((key, _)) = record.strays().next() {
                let key = key.to_string();
                return Err(RowFault::StrayKey { key });
            }
            write_cells(line, record.cells().iter(), delimiter);
        }
        for (_, cell) in cells {
            line.push(delimiter);
            match cell {
                Cell::Blank | Cell::Probabilities(..) => {}
                Cell::Plain(text) => line.extend_from_slice(text.as_bytes()),
                Cell::Text(text) => write_cell(line, text, delimiter),
                Cell::Probability(p) => write_probability(line, p),
                Cell::Evidence(p) => write_cell(line, &evidence(p), delimiter),
            }
        }
        line.extend_from_slice(line_end(&self.input));
        Ok(())
    }

    fn json<'p>(
        &self,
        record: &Record,
        cells: impl Iterator<Item = (&'p Column, Cell<'p>)>,
        line: &mut Vec<u8>,
    ) -> Result<(), RowFault> {
        let before = line.len();
        match self.input.format {
            Format::Delimited(_) => {
                let cells = record.cells();
                line.extend(json_object(&self.input.columns, &cells));
            }
            _ => line.extend_from_slice(record.raw.trim_ascii()),
        }
        let mut names = self.columns.iter().map(|c| &c.name);
        if let Some(name) = names.find(|name| self.input.has_key(record, name)) {
            return Err(RowFault::TakenKey { key: name.clone() });
        }
        // The object is left as it was written; ours go in before its closing brace.
        line.pop();
        let empty = line[before..].trim_ascii_end() == b"{";
        for (i, (column, cell)) in cells.enumerate() {
            let value = match cell {
                Cell::Blank | Cell::Text("") => Value::Null,
                Cell::Plain(text) | Cell::Text(text) => json!(text),
                Cell::Probability(p) => json!(rounded(p)),
                Cell::Evidence(p) if p.evidence.is_empty() => Value::Null,
                Cell::Evidence(p) => Value::String(evidence(p)),
                Cell::Probabilities(variable, p) => {
                    let codes = variable.codes.iter().zip(&p.probabilities);
                    let map: Map<String, Value> = codes
                        .map(|(code, p)| (code.id.clone(), json!(rounded(*p))))
                        .collect();
                    Value::Object(map)
                }
            };
            if i > 0 || !empty {
                line.push(b',');
            }
            line.extend_from_slice(format!("{}:{value}", json!(column.name)).as_bytes());
        }
        line.extend_from_slice(b"}\n");
        Ok(())
    }

    /// One of our cells; blank but for model and codebook where nothing was predicted.
    fn cell<'p>(
        &'p self,
        kind: Kind,
        prediction: Option<&'p Prediction>,
        beside: Beside<'p>,
    ) -> Cell<'p> {
        let predicted = |position: usize| {
            let variable = &self.model.codebook().variables[position];
            prediction.map(|p| (variable, &p.variables[position]))
        };
        let text = |text: Option<&'p str>| text.map_or(Cell::Blank, Cell::Text);
        let known = |text: &'p str| {
            if self.is_plain {
                Cell::Plain(text)
            } else {
                Cell::Text(text)
            }
        };
        match kind {
            Kind::Code(v) => {
                let code = predicted(v).map(|(v, p)| v.codes[p.code].id.as_str());
                code.map_or(Cell::Blank, known)
            }
            Kind::Probability(v) => {
                predicted(v).map_or(Cell::Blank, |(_, p)| Cell::Probability(p.probability()))
            }
            Kind::Decision(v) => {
                let decision = predicted(v).map_or(Decision::NoStatement, |(_, p)| p.decision);
                known(decision.as_str())
            }
            Kind::Second(v) => {
                let code = predicted(v).and_then(|(v, p)| Some(v.codes[p.second?].id.as_str()));
                code.map_or(Cell::Blank, known)
            }
            Kind::ReadBy => prediction.map_or(Cell::Blank, |p| Cell::Plain(p.read_by.as_str())),
            Kind::Evidence(v) => predicted(v).map_or(Cell::Blank, |(_, p)| Cell::Evidence(p)),
            Kind::Probabilities(v) => {
                predicted(v).map_or(Cell::Blank, |(v, p)| Cell::Probabilities(v, p))
            }
            Kind::Language => text(prediction.and_then(|p| p.language.as_deref())),
            Kind::Model => known(self.model.id()),
            Kind::Codebook => known(&self.codebook),
            Kind::CopyOf => text(beside.copy_of),
            Kind::Queue => text(beside.rule.map(|r| r.queue.as_str())),
            Kind::Owner => text(beside.rule.and_then(|r| r.owner.as_deref())),
        }
    }
}

/// Whether no word of ours needs quotes in a table.
fn is_plain(model: &Model, codebook: &str, delimiter: u8) -> bool {
    let decisions = Decision::ALL.map(Decision::as_str);
    let codes = model.codebook().variables.iter().flat_map(|v| &v.codes);
    let codes = codes.map(|code| code.id.as_str());
    let mut words = decisions
        .into_iter()
        .chain([model.id(), codebook])
        .chain(codes);
    words.all(|word| !needs_quotes(word, delimiter))
}

/// With four decimals.
fn write_probability(line: &mut Vec<u8>, probability: f64) {
    let parts = (probability * 1e4).round() as u32;
    let digit = |place: u32| b'0' + (parts / place % 10) as u8;
    line.extend_from_slice(&[digit(10_000), b'.']);
    line.extend([1000, 100, 10, 1].map(digit));
}

/// Cells by column as a JSON object of strings, in order.
pub(super) fn json_object(columns: &[String], cells: &[impl AsRef<str>]) -> Vec<u8> {
    let mut object = b"{".to_vec();
    for (i, (column, cell)) in columns.iter().zip(cells).enumerate() {
        if i > 0 {
            object.push(b',');
        }
        object.extend_from_slice(format!("{}:{}", json!(column), json!(cell.as_ref())).as_bytes());
    }
    object.push(b'}');
    object
}

fn head(bom: bool) -> Vec<u8> {
    if bom { BOM.to_vec() } else { Vec::new() }
}

fn line_end(layout: &Layout) -> &'static [u8] {
    if layout.crlf { b"\r\n" } else { b"\n" }
}

fn write_cells(line: &mut Vec<u8>, cells: impl Iterator<Item = impl AsRef<str>>, delimiter: u8) {
    for (i, cell) in cells.enumerate() {
        if i > 0 {
            line.push(delimiter);
        }
        write_cell(line, cell.as_ref(), delimiter);
    }
}

/// The header line of an input that is written as it is; nothing for JSON lines.
pub fn plain_header(layout: &Layout) -> Vec<u8> {
    let Format::Delimited(delimiter) = layout.format else {
        return Vec::new();
    };
    let mut line = head(layout.bom);
    write_cells(&mut line, layout.columns.iter(), delimiter);
    line.extend_from_slice(line_end(layout));
    line
}

/// A row as it is, with its line end.
pub fn plain_row(layout: &Layout, record: &Record) -> Vec<u8> {
    [&record.raw, line_end(layout)].concat()
}

fn rounded(probability: f64) -> f64 {
    (probability * 1e4).round() / 1e4
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

/// A rejected row as a JSON line: where, why, and its bytes (as hex digits when they are not UTF-8).
pub fn rejected_json(rejected: &Rejected) -> Vec<u8> {
    let Rejected { at, last_line, .. } = rejected;
    let fault = &rejected.fault;
    row_json(
        at,
        *last_line,
        fault.code(),
        &fault.to_string(),
        &rejected.raw,
    )
}

/// The same of a row that is no coded statement.
pub fn left_out_json(row: &LeftOut) -> Vec<u8> {
    let message = row.error.to_string();
    row_json(&row.at, row.last_line, row.error.code(), &message, &row.raw)
}

fn row_json(at: &Location, last_line: u64, code: &str, message: &str, raw: &[u8]) -> Vec<u8> {
    let (key, raw) = match std::str::from_utf8(raw) {
        Ok(text) => ("raw", text.to_string()),
        Err(_) => ("raw_hex", hex(raw)),
    };
    let object = json!({
        "path": at.path,
        "line": at.line,
        "last_line": last_line,
        "column": at.column,
        "code": code,
        "message": message,
        key: raw,
    });
    format!("{object}\n").into_bytes()
}

/// A file that could not be read as a JSON line: why, and where as far as the message says it.
pub fn refused_json(error: &Error) -> Vec<u8> {
    let object = json!({"code": error.code(), "message": error.to_string()});
    format!("{object}\n").into_bytes()
}
