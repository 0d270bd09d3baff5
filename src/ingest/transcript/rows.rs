//! Turns statements into rows of a table.

use std::io::{BufRead, Read};

use super::marks::clock_time;
use super::{Transcript, TranscriptReading, Unit};
use crate::error::{Location, Result, RowFault};
use crate::ingest::format::TranscriptFormat;
use crate::ingest::record::{Record, Rejected};
use crate::ingest::source::unreadable;

/// Longest part of a neighbouring turn that is stored with a statement, in code points.
const CONTEXT: usize = 1000;

/// The column for the codes in a document's table.
pub(crate) const CODING: &str = "coding";

/// Columns of the rows made from every transcript.
const COLUMNS: [&str; 12] = [
    "id",
    "source",
    "turn",
    "speaker",
    "start",
    "end",
    "time_start",
    "time_end",
    "context_before",
    "context_after",
    "text_raw",
    "text",
];

/// The rows of a transcript in the order of the file, with the pieces that could not be read.
pub(in crate::ingest) struct Rows {
    rows: std::vec::IntoIter<Result<Record, Rejected>>,
    transcript: Transcript,
}

impl Rows {
    /// Reads a whole transcript; fails if it is unclear who asks.
    pub(in crate::ingest) fn open(
        input: Box<dyn BufRead + Send>,
        name: &str,
        format: TranscriptFormat,
        reading: TranscriptReading<'_>,
        max_cell: usize,
    ) -> Result<Self> {
        let mut bytes = Vec::new();
        input
            .take(reading.options.limits.max_bytes.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|e| unreadable(name, e))?;
        let transcript = Transcript::read(&bytes, name, format, reading)?;
        let whole = |record: Record| match record.text.len() {
            bytes if bytes > max_cell => Err(too_long(record, name, max_cell)),
            _ => Ok(record),
        };
        let mut rows: Vec<(u64, Result<Record, Rejected>)> = records(&transcript)
            .into_iter()
            .map(|record| (record.line, whole(record)))
            .collect();
        let rejected = transcript.rejected.iter().cloned();
        rows.extend(rejected.map(|rejected| (rejected.at.line, Err(rejected))));
        rows.sort_by_key(|(line, _)| *line);
        let rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
        Ok(Self {
            rows: rows.into_iter(),
            transcript,
        })
    }

    pub(in crate::ingest) fn next_row(&mut self) -> Option<Result<Record, Rejected>> {
        self.rows.next()
    }

    /// The columns; the codes column is included if any turn has codes.
    pub(in crate::ingest) fn columns(&self) -> Vec<String> {
        let coding = is_coded(&self.transcript).then_some(CODING);
        let all = COLUMNS.into_iter().chain(coding).map(String::from);
        all.chain(header_columns(&self.transcript)).collect()
    }

    pub(in crate::ingest) fn transcript(&self) -> &Transcript {
        &self.transcript
    }
}

/// Rejects a statement that is longer than a cell may be.
fn too_long(record: Record, name: &str, limit: usize) -> Rejected {
    Rejected {
        at: Location::new(name, record.line, 0),
        last_line: record.line,
        fault: RowFault::CellTooLong {
            bytes: record.text.len(),
            limit,
        },
        raw: record.raw.into_iter().take(limit).collect(),
    }
}

/// The start of a text, up to the context limit.
fn first_part(text: &str) -> &str {
    let cut = text.char_indices().nth(CONTEXT);
    cut.map_or(text, |(end, _)| &text[..end])
}

/// The end of a text, up to the context limit.
fn last_part(text: &str) -> &str {
    let cut = text.char_indices().rev().nth(CONTEXT - 1);
    cut.map_or(text, |(start, _)| &text[start..])
}

fn records(transcript: &Transcript) -> Vec<Record> {
    let time = |millis: Option<u64>| millis.map_or(String::new(), clock_time);
    let before = |turn: usize| {
        turn.checked_sub(1)
            .map_or("", |t| last_part(&transcript.turns[t].text))
    };
    let after = |turn: usize| {
        transcript
            .turns
            .get(turn + 1)
            .map_or("", |t| first_part(&t.text))
    };
    let is_coded = is_coded(transcript);
    let header_columns = header_columns(transcript);
    let record = |unit: &Unit| {
        let turn = &transcript.turns[unit.turn];
        let numbers = [unit.turn + 1, unit.start, unit.end].map(|n| n.to_string());
        let times = [unit.time_start, unit.time_end].map(time);
        let mut cells = vec![
            unit.id.as_str(),
            &transcript.name,
            &numbers[0],
            &transcript.speakers[turn.speaker].name,
            &numbers[1],
            &numbers[2],
            &times[0],
            &times[1],
            before(unit.turn),
            after(unit.turn),
            &unit.raw,
            &unit.text,
        ];
        cells.extend(is_coded.then_some(turn.coding.as_str()));
        let header = turn.header.map(|h| &transcript.headers[h]);
        cells.extend(header_columns.iter().map(|column| {
            let value = header.and_then(|h| h.iter().find(|(c, _)| c == column));
            value.map_or("", |(_, value)| value)
        }));
        Record::of_cells(unit.line, cells, unit.text.clone())
    };
    transcript.units.iter().map(record).collect()
}

/// The columns of header data, in the order of the file.
fn header_columns(transcript: &Transcript) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    for (column, _) in transcript.headers.iter().flatten() {
        if !columns.contains(column) {
            columns.push(column.clone());
        }
    }
    columns
}

fn is_coded(transcript: &Transcript) -> bool {
    transcript.turns.iter().any(|t| !t.coding.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_is_what_stands_next_to_the_words() {
        let text = "ab".repeat(CONTEXT);
        assert_eq!(first_part(&text), &text[..CONTEXT]);
        assert_eq!(last_part(&text), &text[CONTEXT..]);
        assert_eq!((first_part("ab"), last_part("ab")), ("ab", "ab"));
    }
}
