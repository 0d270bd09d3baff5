//! Writes tables: one [`TableWriter`] per format.
//!
//! A format is one file and one line in `FORMATS`. The code that writes labelled rows,
//! statements, codings or samples does not depend on the format.

mod delimited;
mod jsonl;

use std::borrow::Cow;
use std::path::Path;

use crate::error::{Error, Result, RowFault};
use crate::ingest::{Format, Layout, Record};

/// The formats that this build writes.
const FORMATS: &[TableFormat] = &[delimited::CSV, delimited::TSV, jsonl::JSONL];

/// One added cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'c> {
    /// An empty cell, or `null`.
    Blank,
    /// A word that the writer accepts without escaping (see [`TableWriter::takes_as_it_is`]).
    Plain(&'c str),
    /// Any text.
    Text(Cow<'c, str>),
    /// A share from 0 to 1, written with four decimals.
    Share(f64),
    /// Shares by name, for formats with nested values.
    Shares(Vec<(&'c str, f64)>),
}

impl<'c> From<&'c str> for Cell<'c> {
    fn from(text: &'c str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

/// A row to write.
#[derive(Debug, Clone, Copy)]
pub struct Row<'r> {
    /// The row of the input, whose cells come first; present if the head has an input.
    pub record: Option<&'r Record>,
    /// The added cells, by column.
    pub cells: &'r [Cell<'r>],
}

/// The header of a table to write.
#[derive(Debug, Clone, Default)]
pub struct TableHead {
    /// The input, whose columns come first.
    pub input: Option<Layout>,
    /// Names of the added columns.
    pub columns: Vec<String>,
    /// The look of a text file.
    pub look: Look,
}

/// The look of a text file; an output has the look of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// The delimiter between cells; `None` for the default of the format.
    pub delimiter: Option<u8>,
    /// Whether the file starts with a byte-order mark. Without it Excel assumes another encoding.
    pub bom: bool,
    /// Whether lines end in CR LF.
    pub crlf: bool,
}

impl Look {
    /// The look of a file; JSON has none.
    pub fn of(layout: &Layout) -> Self {
        match layout.format {
            Format::Delimited(delimiter) => Self {
                delimiter: Some(delimiter),
                bom: layout.bom,
                crlf: layout.crlf,
            },
            _ => Self::default(),
        }
    }

    /// The look that all files share, if they share one.
    pub fn common<'l>(layouts: impl IntoIterator<Item = &'l Layout>) -> Self {
        let mut looks = layouts.into_iter().map(Self::of);
        let first = looks.next().unwrap_or_default();
        if looks.all(|look| look == first) {
            first
        } else {
            Self::default()
        }
    }
}

/// Encodes the rows of one table. Rows are encoded on all threads; one thread adds their bytes in
/// order. A format with state, such as an archive, needs a lock.
pub trait TableWriter: Send + Sync {
    /// The bytes before the first row.
    fn header(&self) -> Result<Vec<u8>>;

    /// Appends the bytes of a row. If it fails, the appended bytes are not a complete row.
    fn row(&self, row: Row<'_>, bytes: &mut Vec<u8>) -> Result<(), RowFault>;

    /// Converts the bytes of rows, in order, into bytes of the file.
    fn add(&self, rows: Vec<u8>) -> Result<Vec<u8>> {
        Ok(rows)
    }

    /// The bytes after the last row.
    fn finish(&self) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }

    /// Whether a word can be written without checking its characters.
    fn takes_as_it_is(&self, _word: &str) -> bool {
        false
    }
}

/// A format for writing tables.
#[derive(Debug, Clone, Copy)]
pub struct TableFormat {
    /// Name of the format on the command line.
    pub name: &'static str,
    /// File suffixes without the dot; the first is the usual one.
    pub suffixes: &'static [&'static str],
    /// Whether a cell may be [`Cell::Shares`].
    pub nests: bool,
    /// Makes a writer.
    pub open: fn(TableHead) -> Box<dyn TableWriter>,
}

impl TableFormat {
    /// A whole table that has only added columns.
    pub(crate) fn table<'c, R: AsRef<[Cell<'c>]>>(
        &self,
        head: TableHead,
        rows: impl IntoIterator<Item = R>,
    ) -> Result<Vec<u8>> {
        let path = format!("a {} table", self.name);
        let writer = (self.open)(head);
        let mut out = writer.header()?;
        let mut bytes = Vec::new();
        for row in rows {
            let row = Row {
                record: None,
                cells: row.as_ref(),
            };
            writer.row(row, &mut bytes).map_err(|fault| Error::Row {
                at: crate::error::Location::file(path.as_str()),
                fault,
            })?;
        }
        out.extend(writer.add(bytes)?);
        out.extend(writer.finish()?);
        Ok(out)
    }
}

/// The formats that a program writes: the formats of this build, and others that a caller adds.
#[derive(Debug, Clone)]
pub struct TableFormats(Vec<TableFormat>);

impl Default for TableFormats {
    fn default() -> Self {
        Self(FORMATS.to_vec())
    }
}

impl TableFormats {
    /// Adds a format; its suffixes take priority over the existing ones.
    #[must_use]
    pub fn with(mut self, format: TableFormat) -> Self {
        self.0.insert(0, format);
        self
    }

    /// All formats.
    pub fn iter(&self) -> impl Iterator<Item = &TableFormat> {
        self.0.iter()
    }

    /// The format of that name.
    pub fn named(&self, name: &str) -> Option<TableFormat> {
        self.iter().find(|format| format.name == name).copied()
    }

    /// The format for the suffix of a path.
    pub fn of_path(&self, path: &Path) -> Result<TableFormat> {
        let suffix = path.extension().map(|s| s.to_string_lossy().to_lowercase());
        let is_its = |format: &&TableFormat| {
            let suffix = suffix.as_deref();
            suffix.is_some_and(|suffix| format.suffixes.contains(&suffix))
        };
        let found = self.iter().find(is_its);
        found.copied().ok_or_else(|| Error::UnknownFormat {
            path: path.display().to_string(),
            known: self.suffixes(),
        })
    }

    /// The default format for rows of an input.
    pub fn like(&self, layout: &Layout) -> Result<TableFormat> {
        let name = match layout.format {
            Format::Jsonl | Format::Json => jsonl::JSONL.name,
            Format::TSV => delimited::TSV.name,
            _ => delimited::CSV.name,
        };
        self.named(name).ok_or_else(|| Error::UnknownFormat {
            path: name.to_string(),
            known: self.suffixes(),
        })
    }

    /// The usual suffixes as a list in words: `.csv, .tsv or .jsonl`.
    fn suffixes(&self) -> String {
        let usual = self.iter().filter_map(|format| format.suffixes.first());
        let mut list: Vec<String> = usual.map(|suffix| format!(".{suffix}")).collect();
        match list.pop() {
            Some(end) if !list.is_empty() => format!("{} or {end}", list.join(", ")),
            only => only.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_known_by_its_suffix() {
        let formats = TableFormats::default();
        for (path, name) in [
            ("a.csv", "csv"),
            ("a.TSV", "tsv"),
            ("a.tab", "tsv"),
            ("b/c.ndjson", "jsonl"),
        ] {
            assert_eq!(formats.of_path(Path::new(path)).unwrap().name, name);
        }
        for path in ["a.xlsx", "a", ".csv"] {
            let error = formats.of_path(Path::new(path)).unwrap_err();
            assert_eq!(error.code(), "K0201", "{path}");
        }
        assert_eq!(formats.suffixes(), ".csv, .tsv or .jsonl");
    }

    #[test]
    fn our_own_tables_look_as_they_are_told() {
        let head = TableHead {
            columns: vec!["id".into(), "text".into()],
            look: Look {
                delimiter: Some(b';'),
                bom: true,
                crlf: true,
            },
            ..TableHead::default()
        };
        let rows = [[Cell::from("1"), Cell::from("a;b")]];
        let table = |name: &str| {
            let format = TableFormats::default().named(name).unwrap();
            String::from_utf8(format.table(head.clone(), &rows).unwrap()).unwrap()
        };
        assert_eq!(table("csv"), "\u{feff}id;text\r\n1;\"a;b\"\r\n");
        assert_eq!(table("tsv"), "\u{feff}id\ttext\r\n1\ta;b\r\n");
        assert_eq!(table("jsonl"), "{\"id\":\"1\",\"text\":\"a;b\"}\n");
    }
}
