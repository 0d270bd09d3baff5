//! How an input is read.

use super::columns::{ColumnMap, Naming};
use super::encoding::Charset;
use super::format::Format;
use super::privacy::Privacy;
use super::record::RowLimits;
use super::transcript::{TranscriptOptions, UnitKind};

/// Bytes of a record that are kept however small the cell limit is.
pub(super) const MIN_KEPT: usize = 64 * 1024;

/// How an input is read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReadOptions {
    /// The format; by the suffix or, for a stream, by the first byte when `None`.
    pub format: Option<Format>,
    /// The column of the text; guessed by name when `None`.
    pub text_column: Option<String>,
    /// Whether the text of a JSON object may be a number or missing: of files that are joined by
    /// their ids, the text is the id.
    pub text_of_any_kind: bool,
    /// The columns of other meanings, and a preset for all.
    pub columns: ColumnMap,
    /// The delimiter; by counting in the header when `None`.
    pub delimiter: Option<u8>,
    /// The encoding; by mark or by looking at the bytes when `None`.
    pub encoding: Option<Charset>,
    /// Longest cell in bytes; a longer one is a [`RowFault::CellTooLong`].
    pub max_cell: usize,
    /// Whether a table's texts are cut into statements; its rows stay whole when `None`.
    pub unit: Option<UnitKind>,
    /// What is done about private data.
    pub privacy: Privacy,
    /// The sheet of a workbook; the first with something in it when `None`.
    pub sheet: Option<String>,
    /// Bytes that a packed file may unpack to, else [`Error::TooLarge`].
    pub max_unpacked: u64,
    /// Brackets within brackets that a JSON object may have, itself counted; a deeper one is a
    /// [`RowFault::TooDeep`].
    pub max_nesting: usize,
    /// Columns that a table may have, else [`Error::TooManyColumns`].
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

    /// How long rows may be. Of a row is kept room for some cells at the limit, and for a header
    /// however small the limit is.
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
