//! One row of a labelled dataset: the input's cells untouched and in order, then ours.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::error::{Error, Result, RowFault};
use crate::ingest::{Format, Layout, Record, Rejected, write_cell};
use crate::label::{Prediction, VariablePrediction};
use crate::model::{Decision, Model};

/// Writes rows with a model's codes behind them.
pub struct LabelledRows<'a> {
    input: Layout,
    output: Format,
    prefix: String,
    model: &'a Model,
    codebook: String,
    /// Whether there is a column for the row that a row is a copy of.
    shows_copies: bool,
}

/// UTF-8's byte-order mark: without it Excel takes a table for another encoding.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One of our cells.
enum Cell {
    Text(String),
    Number(String),
    Probabilities(Map<String, Value>),
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
        let rows = Self {
            input: input.clone(),
            output,
            prefix: prefix.to_string(),
            model,
            codebook: model.codebook().hash().short(),
            shows_copies: false,
        };
        rows.none_taken(name)?;
        Ok(rows)
    }

    /// The same with a column `…duplicate_of`: the id of the earlier row that a row is a copy of.
    pub fn showing_copies(mut self, name: &str) -> Result<Self> {
        self.shows_copies = true;
        self.none_taken(name)?;
        Ok(self)
    }

    fn none_taken(&self, name: &str) -> Result<()> {
        let mut columns = self.columns().into_iter();
        match columns.find(|c| self.input.columns.contains(c)) {
            Some(column) => Err(Error::ColumnTaken {
                path: name.to_string(),
                name: column,
            }),
            None => Ok(()),
        }
    }

    /// Names of our columns, in order.
    pub fn columns(&self) -> Vec<String> {
        let blank = self.cells(None, None);
        let tabular = blank.into_iter().filter(|(_, cell)| self.is_written(cell));
        tabular.map(|(name, _)| name).collect()
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
        line.extend_from_slice(self.line_end());
        line
    }

    /// Lines end as those of the input.
    fn line_end(&self) -> &'static [u8] {
        line_end(&self.input)
    }

    /// A row with its line end; `copy_of` is the id of the row that it is a copy of.
    pub fn row(
        &self,
        record: &Record,
        prediction: Option<&Prediction>,
        copy_of: Option<&str>,
    ) -> Result<Vec<u8>, RowFault> {
        let cells = self.cells(prediction, copy_of);
        match self.output {
            Format::Delimited(delimiter) => self.delimited(record, cells, delimiter),
            _ => self.json(record, cells),
        }
    }

    fn delimited(
        &self,
        record: &Record,
        cells: Vec<(String, Cell)>,
        delimiter: u8,
    ) -> Result<Vec<u8>, RowFault> {
        let mut line = Vec::with_capacity(record.raw.len() + 160);
        if self.input.format == self.output {
            line.extend_from_slice(&record.raw);
        } else {
            if let Some(key) = self.input.stray_key(record) {
                return Err(RowFault::StrayKey { key });
            }
            write_cells(&mut line, self.input.cells(record).iter(), delimiter);
        }
        for (_, cell) in cells {
            match cell {
                Cell::Text(text) | Cell::Number(text) => {
                    line.push(delimiter);
                    write_cell(&mut line, &text, delimiter);
                }
                Cell::Probabilities(_) => {}
            }
        }
        line.extend_from_slice(self.line_end());
        Ok(line)
    }

    fn json(&self, record: &Record, cells: Vec<(String, Cell)>) -> Result<Vec<u8>, RowFault> {
        let mut line = match self.input.format {
            Format::Delimited(_) => json_object(&self.input.columns, &self.input.cells(record)),
            _ => record.raw.trim_ascii().to_vec(),
        };
        let taken = cells
            .iter()
            .find(|(name, _)| self.input.has_key(record, name));
        if let Some((name, _)) = taken {
            return Err(RowFault::TakenKey { key: name.clone() });
        }
        // The object is left as it was written; ours go in before its closing brace.
        line.pop();
        let empty = line.trim_ascii_end() == b"{";
        for (i, (name, cell)) in cells.into_iter().enumerate() {
            let value = match cell {
                Cell::Text(text) if text.is_empty() => Value::Null,
                Cell::Number(number) if number.is_empty() => Value::Null,
                Cell::Text(text) => Value::String(text),
                Cell::Number(number) => number.parse().map_or(Value::Null, Value::Number),
                Cell::Probabilities(map) if map.is_empty() => Value::Null,
                Cell::Probabilities(map) => Value::Object(map),
            };
            if i > 0 || !empty {
                line.push(b',');
            }
            line.extend_from_slice(format!("{}:{value}", Value::String(name)).as_bytes());
        }
        line.extend_from_slice(b"}\n");
        Ok(line)
    }

    fn is_written(&self, cell: &Cell) -> bool {
        !matches!(
            (cell, self.output),
            (Cell::Probabilities(_), Format::Delimited(_))
        )
    }

    /// Our cells by column; blank but for model and codebook where nothing was predicted.
    fn cells(&self, prediction: Option<&Prediction>, copy_of: Option<&str>) -> Vec<(String, Cell)> {
        let mut cells = Vec::new();
        for (position, variable) in self.model.codebook().variables.iter().enumerate() {
            let predicted = prediction.map(|p| &p.variables[position]);
            let mut add = |suffix: &str, cell| {
                cells.push((format!("{}{}{suffix}", self.prefix, variable.id), cell));
            };
            let code = predicted.map_or(String::new(), |p| variable.codes[p.code].id.clone());
            add("", Cell::Text(code));
            let probability =
                predicted.map_or(String::new(), |p| format!("{:.4}", p.probability()));
            add("_probability", Cell::Number(probability));
            let decision = predicted.map_or(Decision::Abstain, |p| p.decision);
            add("_decision", Cell::Text(decision.as_str().into()));
            add(
                "_evidence",
                Cell::Text(predicted.map_or(String::new(), evidence)),
            );
            let probabilities = predicted.map_or(Map::new(), |p| {
                let ids = variable.codes.iter().map(|c| c.id.clone());
                ids.zip(&p.probabilities)
                    .map(|(id, p)| (id, json!(rounded(*p))))
                    .collect()
            });
            add("_probabilities", Cell::Probabilities(probabilities));
        }
        let language = prediction
            .and_then(|p| p.language.clone())
            .unwrap_or_default();
        cells.push((format!("{}language", self.prefix), Cell::Text(language)));
        cells.push((
            format!("{}model", self.prefix),
            Cell::Text(self.model.id().to_string()),
        ));
        cells.push((
            format!("{}codebook", self.prefix),
            Cell::Text(self.codebook.clone()),
        ));
        if self.shows_copies {
            let copy_of = copy_of.unwrap_or_default().to_string();
            cells.push((format!("{}duplicate_of", self.prefix), Cell::Text(copy_of)));
        }
        cells
    }
}

/// Cells by column as a JSON object of strings, in order.
pub(super) fn json_object(columns: &[String], cells: &[String]) -> Vec<u8> {
    let mut object = b"{".to_vec();
    for (i, (column, cell)) in columns.iter().zip(cells).enumerate() {
        if i > 0 {
            object.push(b',');
        }
        object.extend_from_slice(format!("{}:{}", json!(column), json!(cell)).as_bytes());
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

fn write_cells<'c>(line: &mut Vec<u8>, cells: impl Iterator<Item = &'c String>, delimiter: u8) {
    for (i, cell) in cells.enumerate() {
        if i > 0 {
            line.push(delimiter);
        }
        write_cell(line, cell, delimiter);
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
    let words: Vec<&str> = prediction
        .evidence
        .iter()
        .map(|e| e.word.as_str())
        .collect();
    words.join(" ")
}

/// A rejected row as a JSON line: where, why, and its bytes (as hex digits when they are not UTF-8).
pub fn rejected_json(rejected: &Rejected) -> Vec<u8> {
    let (key, raw) = match std::str::from_utf8(&rejected.raw) {
        Ok(text) => ("raw", text.to_string()),
        Err(_) => ("raw_hex", hex(&rejected.raw)),
    };
    let object = json!({
        "path": rejected.at.path,
        "line": rejected.at.line,
        "last_line": rejected.last_line,
        "column": rejected.at.column,
        "code": rejected.fault.code(),
        "message": rejected.fault.to_string(),
        key: raw,
    });
    format!("{object}\n").into_bytes()
}

fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string can't fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
