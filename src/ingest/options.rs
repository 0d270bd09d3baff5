//! Options for reading an input.

use super::columns::{ColumnMap, Naming};
use super::encoding::Charset;
use super::format::Format;
use super::header::Heading;
use super::privacy::Privacy;
use super::record::RowLimits;
use super::transcript::{TranscriptOptions, UnitKind};

/// Bytes of a record that are always kept, even if the cell limit is small.
pub(super) const MIN_KEPT: usize = 64 * 1024;

/// Options for reading an input.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReadOptions {
    /// The format; if `None`, found by the suffix or, for a stream, by the first byte.
    pub format: Option<Format>,
    /// The column of the text; guessed by its name, else by what is in it, if `None`.
    pub text_column: Option<String>,
    /// Whether the text of a JSON object may be a number or missing: when files are joined by id,
    /// the id is the text.
    pub text_of_any_kind: bool,
    /// The columns with other roles, and a preset for all columns.
    pub columns: ColumnMap,
    /// The delimiter; if `None`, found by counting in the first rows.
    pub delimiter: Option<u8>,
    /// Whether the first row of a table without a header is data; its columns are then called
    /// `column A`, `column B`.
    pub no_header: bool,
    /// The encoding; if `None`, found by a byte-order mark or from the bytes.
    pub encoding: Option<Charset>,
    /// Longest cell in bytes; a longer one is a [`CellTooLong`](crate::RowFault::CellTooLong).
    pub max_cell: usize,
    /// How the texts of a table are cut into statements; if `None`, rows stay whole.
    pub unit: Option<UnitKind>,
    /// How private data is treated.
    pub privacy: Privacy,
    /// The sheet of a workbook; if `None`, the first sheet with content.
    pub sheet: Option<String>,
    /// Most bytes that a packed file may unpack to; beyond, [`TooLarge`](crate::Error::TooLarge).
    pub max_unpacked: u64,
    /// Deepest nesting of brackets in a JSON object, its own included; deeper is a
    /// [`TooDeep`](crate::RowFault::TooDeep).
    pub max_nesting: usize,
    /// Most columns of a table; beyond, [`TooManyColumns`](crate::Error::TooManyColumns).
    pub max_columns: usize,
    /// How transcripts are cut into statements.
    pub transcript: TranscriptOptions,
}

impl ReadOptions {
    pub(super) fn naming(&self) -> Naming<'_> {
        Naming {
            text_column: self.text_column.as_deref(),
            of_any_kind: self.text_of_any_kind,
            columns: &self.columns,
        }
    }

    /// How the header is found.
    pub(super) fn heading(&self) -> Heading<'_> {
        let has_preset = self.columns.preset.is_some();
        Heading {
            wanted: self.text_column.as_deref().filter(|_| !has_preset),
            is_missing: self.no_header,
        }
    }

    /// How long rows may be. There is room for a few cells at the limit, and always for a header,
    /// even if the limit is small.
    pub(super) fn limits(&self) -> RowLimits {
        const CELLS: usize = 4;
        RowLimits {
            cell: self.max_cell,
            nesting: self.max_nesting,
            kept: self.max_cell.saturating_mul(CELLS).max(MIN_KEPT),
        }
    }
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            format: None,
            text_column: None,
            text_of_any_kind: false,
            columns: ColumnMap::default(),
            delimiter: None,
            no_header: false,
            encoding: None,
            max_cell: 1 << 20,
            unit: None,
            privacy: Privacy::default(),
            sheet: None,
            max_unpacked: 512 << 20,
            max_nesting: 64,
            max_columns: 16_384,
            transcript: TranscriptOptions::default(),
        }
    }
}
