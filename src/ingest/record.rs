//! One row of an input, read or refused.

use std::borrow::Cow;
use std::ops::Range;

use super::quoting::{unquoted, write_cell};
use crate::error::{Error, Location, RowFault};

/// One row of an input, with the places of its cells: nobody has to cut it again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// Line it starts in, from 1.
    pub line: u64,
    /// The row as it stands in the file, without its line end.
    pub raw: Vec<u8>,
    /// The statement.
    pub text: String,
    pub(super) cells: Cells,
}

/// Where the cells of a row are in its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cells {
    /// Cells of a table by column, with their quotes.
    Delimited {
        delimiter: u8,
        places: Vec<Range<usize>>,
    },
    /// Values of an object by column, an empty place for a missing key; then the keys that are no
    /// column.
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
    /// A row of a table that is not text in its file: written with commas.
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

    /// Adds a cell behind the others of a table's row.
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

    /// The row as one that can't be written.
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

    /// Whether the row is cells between that delimiter.
    pub(crate) fn is_cut_by(&self, delimiter: u8) -> bool {
        matches!(self.cells, Cells::Delimited { delimiter: own, .. } if own == delimiter)
    }

    /// Adds a column of ours behind the others: an object is left as it was written, the key goes
    /// in before its closing brace.
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

    /// What the cell of a column says; JSON values that are no strings stand as JSON, `null` and
    /// a missing key as nothing.
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

    /// What all cells say, by column.
    pub fn cells(&self) -> Vec<Cow<'_, str>> {
        let (Cells::Delimited { places, .. } | Cells::Object { places, .. }) = &self.cells;
        (0..places.len()).map(|column| self.cell(column)).collect()
    }

    /// Keys of an object that are no column, with what they say.
    pub(crate) fn strays(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        let strays = match &self.cells {
            Cells::Delimited { .. } => &[][..],
            Cells::Object { strays, .. } => strays.as_slice(),
        };
        strays
            .iter()
            .map(|(key, place)| (key.as_str(), said(self.written(place))))
    }

    /// Whether the row has the column at that position: objects may leave keys out.
    pub(super) fn has_column(&self, column: usize) -> bool {
        match &self.cells {
            Cells::Delimited { .. } => true,
            Cells::Object { places, .. } => places.get(column).is_some_and(|p| !p.is_empty()),
        }
    }

    fn written(&self, place: &Range<usize>) -> &str {
        let bytes = self.raw.get(place.clone()).unwrap_or_default();
        // Rows are checked before they are cut.
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// Replaces what stands in cells where `change` says something else. It is given the column (or
    /// key) and what is written there, quotes included.
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
                if let Some(other) = change(column, self.written(place)) {
                    edits.push((place.clone(), other));
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
        // How far a byte behind the edits has moved.
        let moved = |at: usize, is_end: bool| {
            let before = |place: &Range<usize>| place.end < at || (is_end && place.end == at);
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

/// What a JSON value says: a string without its escapes, another value as it is, `null` nothing.
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

/// How long rows and their cells may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowLimits {
    /// Bytes of a cell.
    pub(super) cell: usize,
    /// Brackets within brackets of an object.
    pub(super) nesting: usize,
    /// Bytes of a row that are kept; what is longer is read to its end, but cut.
    pub(super) kept: usize,
}

/// A row that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Where it starts.
    pub at: Location,
    /// The line it ends in: a stray quote makes one row of many lines.
    pub last_line: u64,
    /// Why.
    pub fault: RowFault,
    /// Its bytes as they stand in the file (cut to the cell limit when it is longer).
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
