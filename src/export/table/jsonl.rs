//! JSON lines: one object per line.

use serde_json::{Map, Value, json};

use super::{Cell, Row, TableFormat, TableHead, TableWriter};
use crate::error::{Result, RowFault};
use crate::ingest::Record;

/// One JSON object per line.
pub(super) const JSONL: TableFormat = TableFormat {
    name: "jsonl",
    suffixes: &["jsonl", "ndjson"],
    nests: true,
    open: |head| Box::new(JsonLines { head }),
};

struct JsonLines {
    head: TableHead,
}

impl JsonLines {
    /// The row of the input without its closing brace; an object keeps its original text.
    fn record(&self, record: &Record, line: &mut Vec<u8>) -> Result<(), RowFault> {
        let Some(input) = &self.head.input else {
            line.push(b'{');
            return Ok(());
        };
        if record.is_object() {
            let mut names = self.head.columns.iter();
            if let Some(name) = names.find(|name| input.has_key(record, name)) {
                return Err(RowFault::TakenKey { key: name.clone() });
            }
            line.extend_from_slice(record.raw.trim_ascii());
            line.pop();
            return Ok(());
        }
        line.push(b'{');
        for (i, (column, cell)) in input.columns.iter().zip(record.cells()).enumerate() {
            if i > 0 {
                line.push(b',');
            }
            line.extend_from_slice(format!("{}:{}", json!(column), json!(cell)).as_bytes());
        }
        Ok(())
    }
}

impl TableWriter for JsonLines {
    fn header(&self) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn row(&self, row: Row<'_>, line: &mut Vec<u8>) -> Result<(), RowFault> {
        let before = line.len();
        match row.record {
            Some(record) => self.record(record, line)?,
            None => line.push(b'{'),
        }
        let mut is_first = line[before..].trim_ascii_end() == b"{";
        for (column, cell) in self.head.columns.iter().zip(row.cells) {
            if !is_first {
                line.push(b',');
            }
            is_first = false;
            line.extend_from_slice(format!("{}:{}", json!(column), value(cell)).as_bytes());
        }
        line.extend_from_slice(b"}\n");
        Ok(())
    }
}

fn value(cell: &Cell<'_>) -> Value {
    match cell {
        Cell::Blank => Value::Null,
        Cell::Plain(text) => json!(text),
        Cell::Text(text) => json!(text),
        Cell::Share(share) => json!(rounded(*share)),
        Cell::Shares(shares) => {
            let shares = shares.iter();
            let shares: Map<String, Value> = shares
                .map(|(name, share)| ((*name).to_string(), json!(rounded(*share))))
                .collect();
            Value::Object(shares)
        }
    }
}

fn rounded(share: f64) -> f64 {
    (share * 1e4).round() / 1e4
}
