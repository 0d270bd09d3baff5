//! Cuts the texts of a table into statements: each row is repeated for every sentence.

use std::collections::VecDeque;

use super::record::Record;
use super::sentences::{LineBreaks, statements};
use crate::error::{Error, Result};

/// The columns that say which part of the text a row is; the last one holds the part.
const COLUMNS: [&str; 4] = ["unit", "unit_start", "unit_end", "unit_text"];

/// The column with the number of the statement, if a table with these columns is cut.
pub(super) fn number_column(columns: &[String]) -> Option<usize> {
    let first = columns.len().checked_sub(COLUMNS.len())?;
    let is_cut = columns[first..]
        .iter()
        .zip(COLUMNS)
        .all(|(c, ours)| c == ours);
    is_cut.then_some(first)
}

/// Cuts the rows of a table; the queue holds rows that are already cut.
#[derive(Default)]
pub(super) struct Units {
    waiting: VecDeque<Record>,
}

impl Units {
    /// Adds our columns to a table; fails if one of them exists already.
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

    /// Adds a row; fetch the statements it is cut into with [`Self::next`]. A row without text
    /// stays one row.
    pub(super) fn add(&mut self, record: &Record) {
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
            let mut part = record.clone();
            part.text = text.to_string();
            for (column, cell) in COLUMNS.iter().zip(&cells) {
                part.add(column, cell);
            }
            self.waiting.push_back(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ingest::{Format, ReadOptions, Reader, UnitKind};

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
            let cells = row.cells().into_iter().map(String::from).collect();
            found.push((cells, row.text));
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
