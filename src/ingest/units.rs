//! Statements of a table's texts: each row as often as its text has sentences.

use std::collections::VecDeque;

use super::delimited::write_cell;
use super::format::Format;
use super::record::Record;
use super::sentences::{LineBreaks, statements};
use crate::error::{Error, Result};

/// The columns that say which part of the text a row is; the last holds it.
const COLUMNS: [&str; 4] = ["unit", "unit_start", "unit_end", "unit_text"];

/// The column of the statement's number, if a table with these columns is cut.
pub(super) fn number_column(columns: &[String]) -> Option<usize> {
    let first = columns.len().checked_sub(COLUMNS.len())?;
    let is_cut = columns[first..]
        .iter()
        .zip(COLUMNS)
        .all(|(c, ours)| c == ours);
    is_cut.then_some(first)
}

/// Cuts the rows of a table; those that are cut already wait here.
#[derive(Default)]
pub(super) struct Units {
    waiting: VecDeque<Record>,
}

impl Units {
    /// Adds our columns to those of a table; fails where one is there already.
    pub(super) fn add_columns(name: &str, columns: &mut Vec<String>) -> Result<()> {
        if let Some(taken) = columns.iter().find(|c| COLUMNS.contains(&c.as_str())) {
            return Err(Error::ColumnTaken {
                path: name.to_string(),
                name: taken.clone(),
            });
        }
        columns.extend(COLUMNS.map(String::from));
        Ok(())
    }

    pub(super) fn next(&mut self) -> Option<Record> {
        self.waiting.pop_front()
    }

    /// Takes a row in; what comes of it is had by [`Self::next`]. A row without text stays one.
    pub(super) fn add(&mut self, record: &Record, format: Format) {
        let mut ranges = statements(&record.text, LineBreaks::End);
        if ranges.is_empty() {
            ranges.push(0..record.text.len());
        }
        let (mut byte, mut chars) = (0, 0);
        for (i, range) in ranges.into_iter().enumerate() {
            let text = &record.text[range.clone()];
            chars += record.text[byte..range.start].chars().count();
            let start = chars;
            chars += text.chars().count();
            byte = range.end;
            let cells = [
                (i + 1).to_string(),
                start.to_string(),
                chars.to_string(),
                text.to_string(),
            ];
            self.waiting.push_back(Record {
                line: record.line,
                raw: extended(&record.raw, &cells, format),
                text: text.to_string(),
            });
        }
    }
}

/// A row with our cells behind its own.
fn extended(raw: &[u8], cells: &[String; 4], format: Format) -> Vec<u8> {
    let mut row = raw.to_vec();
    if let Format::Delimited(delimiter) = format {
        for cell in cells {
            row.push(delimiter);
            write_cell(&mut row, cell, delimiter);
        }
        return row;
    }
    // The object is left as it was written; ours go in before its closing brace.
    row.truncate(row.trim_ascii_end().len().saturating_sub(1));
    for (column, cell) in COLUMNS.iter().zip(cells) {
        let separator = if row.trim_ascii() == b"{" { "" } else { "," };
        let value = serde_json::Value::String(cell.clone());
        row.extend_from_slice(format!("{separator}\"{column}\":{value}").as_bytes());
    }
    row.push(b'}');
    row
}

#[cfg(test)]
mod tests {
    use super::super::{ReadOptions, Reader, UnitKind};
    use super::*;

    fn cut(text: &'static str, format: Format) -> Vec<(Vec<String>, String)> {
        let options = ReadOptions {
            format: Some(format),
            unit: Some(UnitKind::Statement),
            ..ReadOptions::default()
        };
        let mut reader = Reader::from_stream(Box::new(text.as_bytes()), "f", &options).unwrap();
        let mut found = Vec::new();
        while let Some(row) = reader.next_row().unwrap() {
            let row = row.unwrap();
            found.push((reader.layout().cells(&row), row.text));
        }
        found
    }

    #[test]
    fn a_row_is_repeated_for_each_statement_of_its_text() {
        let rows = cut(
            "id,text,n\n7,\"😡 Air mati. Sudah lapor!\",1\n8,,2\n",
            Format::CSV,
        );
        let cells: Vec<String> = rows.iter().map(|(cells, _)| cells.join("|")).collect();
        assert_eq!(
            cells,
            [
                "7|😡 Air mati. Sudah lapor!|1|1|0|11|😡 Air mati.",
                "7|😡 Air mati. Sudah lapor!|1|2|12|24|Sudah lapor!",
                "8||2|1|0|0|",
            ]
        );
        assert_eq!(rows[1].1, "Sudah lapor!");
    }

    #[test]
    fn objects_get_keys() {
        let rows = cut("{\"text\":\"Air mati. \\\"Ya\\\".\"} \n", Format::Jsonl);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1].0[4], "\"Ya\".");
    }

    #[test]
    fn a_column_of_ours_is_not_written_over() {
        let options = ReadOptions {
            unit: Some(UnitKind::Statement),
            ..ReadOptions::default()
        };
        let reader = Reader::from_stream(Box::new(&b"unit,text\n1,a\n"[..]), "f", &options);
        assert_eq!(reader.err().unwrap().code(), "K0206");
    }
}
