//! One row of an input, read or rejected.

use std::borrow::Cow;
use std::ops::Range;

use super::quoting::{unquoted, write_cell};
use crate::error::{Error, Location, RowFault};

/// One row of an input with the byte ranges of its cells, so that it need not be split again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// The line where the row starts, from 1.
    pub line: u64,
    /// The row as written in the file, without its line end.
    pub raw: Vec<u8>,
    /// The statement.
    pub text: String,
    /// Whether an interviewer speaks, by the column of speakers of a table: context, never coded.
    pub is_context: bool,
    pub(super) cells: Cells,
}

/// Byte ranges of the cells of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cells {
    /// Cells of a table by column, with their quotes.
    Delimited {
        delimiter: u8,
        places: Vec<Range<usize>>,
    },
    /// Values of an object by column, with an empty range for a missing key; then the keys that
    /// are not columns.
    Object {
        places: Vec<Range<usize>>,
        strays: Vec<(String, Range<usize>)>,
    },
}

impl Default for Cells {
    fn default() -> Self {
        Self::Delimited {
            delimiter: b',',
            places: Vec::new(),
        }
    }
}

impl Record {
    /// A row of a table that is not stored as text: written with commas.
    pub(super) fn of_cells<'c>(
        line: u64,
        cells: impl IntoIterator<Item = &'c str>,
        text: String,
    ) -> Self {
        let mut record = Self {
            line,
            text,
            ..Self::default()
        };
        for cell in cells {
            record.push(cell);
        }
        record
    }

    /// Adds a cell at the end of a table row.
    pub(super) fn push(&mut self, cell: &str) {
        if let Cells::Delimited { delimiter, places } = &mut self.cells {
            if !places.is_empty() {
                self.raw.push(*delimiter);
            }
            let start = self.raw.len();
            write_cell(&mut self.raw, cell, *delimiter);
            places.push(start..self.raw.len());
        }
    }

    /// The row as a rejected one, because it can't be written.
    pub fn rejected(&self, name: &str, fault: RowFault) -> Rejected {
        Rejected {
            at: Location::new(name, self.line, 0),
            last_line: self.line,
            fault,
            raw: self.raw.clone(),
        }
    }

    /// Whether the row is a JSON object.
    pub(crate) fn is_object(&self) -> bool {
        matches!(self.cells, Cells::Object { .. })
    }

    /// Whether the row consists of cells with that delimiter.
    pub(crate) fn is_cut_by(&self, delimiter: u8) -> bool {
        matches!(self.cells, Cells::Delimited { delimiter: own, .. } if own == delimiter)
    }

    /// Adds a column of ours at the end. An object is left as written: the key is inserted before
    /// its closing brace.
    pub(super) fn add(&mut self, column: &str, cell: &str) {
        let Cells::Object { places, .. } = &mut self.cells else {
            self.push(cell);
            return;
        };
        let end = self.raw.trim_ascii_end().len().saturating_sub(1);
        self.raw.truncate(end);
        let separator = if self.raw.trim_ascii() == b"{" {
            ""
        } else {
            ","
        };
        let [key, value] = [column, cell].map(|text| serde_json::json!(text).to_string());
        self.raw
            .extend_from_slice(format!("{separator}{key}:").as_bytes());
        let start = self.raw.len();
        self.raw.extend_from_slice(value.as_bytes());
        places.push(start..self.raw.len());
        self.raw.push(b'}');
    }

    /// The content of the cell in a column. JSON values that are not strings are returned as JSON;
    /// `null` and a missing key are empty.
    pub fn cell(&self, column: usize) -> Cow<'_, str> {
        match &self.cells {
            Cells::Delimited { places, .. } => places
                .get(column)
                .map_or(Cow::Borrowed(""), |place| unquoted(self.written(place))),
            Cells::Object { places, .. } => places
                .get(column)
                .map_or(Cow::Borrowed(""), |place| said(self.written(place))),
        }
    }

    /// The contents of all cells, by column.
    pub fn cells(&self) -> Vec<Cow<'_, str>> {
        let (Cells::Delimited { places, .. } | Cells::Object { places, .. }) = &self.cells;
        (0..places.len()).map(|column| self.cell(column)).collect()
    }

    /// The keys of an object that are not columns, with their contents.
    pub(crate) fn strays(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        let strays = match &self.cells {
            Cells::Delimited { .. } => &[][..],
            Cells::Object { strays, .. } => strays.as_slice(),
        };
        strays
            .iter()
            .map(|(key, place)| (key.as_str(), said(self.written(place))))
    }

    /// Whether the row has the column at that position: objects may omit keys.
    pub(super) fn has_column(&self, column: usize) -> bool {
        match &self.cells {
            Cells::Delimited { .. } => true,
            Cells::Object { places, .. } => places.get(column).is_some_and(|p| !p.is_empty()),
        }
    }

    fn written(&self, place: &Range<usize>) -> &str {
        let bytes = self.raw.get(place.clone()).unwrap_or_default();
        // Rows are checked before they are split.
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// A place without the one within it, if a value of an object has a column of its own.
    fn own_parts(&self, place: &Range<usize>) -> Vec<Range<usize>> {
        let places = match &self.cells {
            Cells::Object { places, .. } => places.as_slice(),
            Cells::Delimited { .. } => &[],
        };
        let is_within = |p: &&Range<usize>| place.start < p.start && p.end < place.end;
        match places.last().filter(is_within) {
            Some(inner) => vec![place.start..inner.start, inner.end..place.end],
            None => vec![place.clone()],
        }
    }

    /// Replaces the cells for which `change` returns new text. `change` gets the column (or key)
    /// and the cell as written, with its quotes.
    pub(super) fn rewrite(
        &mut self,
        columns: &[String],
        mut change: impl FnMut(&str, &str) -> Option<String>,
    ) {
        let mut edits = Vec::new();
        {
            let (Cells::Delimited { places, .. } | Cells::Object { places, .. }) = &self.cells;
            let own = columns.iter().map(String::as_str).zip(places);
            let strays = match &self.cells {
                Cells::Delimited { .. } => &[][..],
                Cells::Object { strays, .. } => strays.as_slice(),
            };
            let others = strays.iter().map(|(key, place)| (key.as_str(), place));
            for (column, place) in own.chain(others) {
                for part in self.own_parts(place) {
                    if let Some(other) = change(column, self.written(&part)) {
                        edits.push((part, other));
                    }
                }
            }
        }
        if edits.is_empty() {
            return;
        }
        edits.sort_by_key(|(place, _)| place.start);
        let mut raw = Vec::with_capacity(self.raw.len());
        let mut from = 0;
        for (place, other) in &edits {
            raw.extend_from_slice(&self.raw[from..place.start]);
            raw.extend_from_slice(other.as_bytes());
            from = place.end;
        }
        raw.extend_from_slice(&self.raw[from..]);
        // The new position of a byte after the edits.
        let moved = |at: usize, is_end: bool| {
            let before = |place: &Range<usize>| {
                place.end < at || (place.end == at && (is_end || place.start < at))
            };
            let edits = edits.iter().take_while(|(place, _)| before(place));
            edits.fold(at, |to, (place, other)| to + other.len() - place.len())
        };
        let shift = |place: &mut Range<usize>| {
            *place = moved(place.start, false)..moved(place.end, true);
        };
        match &mut self.cells {
            Cells::Delimited { places, .. } => places.iter_mut().for_each(shift),
            Cells::Object { places, strays } => {
                let strays = strays.iter_mut().map(|(_, place)| place);
                places.iter_mut().chain(strays).for_each(shift);
            }
        }
        self.raw = raw;
    }
}

/// The content of a JSON value: a string unescaped, `null` empty, any other value as written.
pub(super) fn said(json: &str) -> Cow<'_, str> {
    match json.as_bytes() {
        b"null" => Cow::Borrowed(""),
        [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => {
            Cow::Borrowed(&json[1..json.len() - 1])
        }
        [b'"', ..] => serde_json::from_str(json).map_or(Cow::Borrowed(json), Cow::Owned),
        _ => Cow::Borrowed(json),
    }
}

/// Length limits of rows and cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowLimits {
    /// Most bytes of a cell.
    pub(super) cell: usize,
    /// Deepest nesting of brackets in an object.
    pub(super) nesting: usize,
    /// Bytes of a row that are kept; a longer row is read to its end but truncated.
    pub(super) kept: usize,
}

/// A row that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Where it starts.
    pub at: Location,
    /// The line where it ends: a stray quote can join many lines into one row.
    pub last_line: u64,
    /// Why it was rejected.
    pub fault: RowFault,
    /// Its bytes as written in the file, truncated to the cell limit if it is longer.
    pub raw: Vec<u8>,
}

impl From<Rejected> for Error {
    fn from(row: Rejected) -> Self {
        Self::Row {
            at: row.at,
            fault: row.fault,
        }
    }
}
