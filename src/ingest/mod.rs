//! Files to statements: delimited tables, JSON lines, interview transcripts.
//!
//! A [`Reader`] yields records in order without holding the file. Each record keeps its original
//! bytes, so that what a person wrote can be written back unchanged. A row that can't be read
//! becomes a [`Rejected`] and reading goes on with the next row; only a fault of the whole file is
//! an error.

mod archive;
mod array;
pub mod clean;
mod columns;
mod delimited;
mod encoding;
mod envelope;
mod format;
mod header;
mod jsonl;
mod layout;
mod names_file;
mod options;
mod packed;
pub mod privacy;
mod quoting;
mod reader;
mod record;
mod sentences;
mod shape;
mod sniff;
mod source;
mod transcript;
mod units;
mod workbook;
mod xml;

pub(crate) use archive::{Archive, open as open_archive};
pub use columns::{Column, ColumnMap, Preset, Role, id_column};
pub use encoding::{Charset, CharsetSource, Encoding};
pub use format::{Format, Known, READ, TranscriptFormat};
pub use layout::Layout;
pub use options::ReadOptions;
pub(crate) use quoting::{needs_quotes, write_cell};
pub use reader::Reader;
pub use record::{Record, Rejected};
pub(crate) use source::hex;
pub(crate) use transcript::CODING;
pub use transcript::{
    Limits, OtherMark, Roles, Speaker, SpeakerRole, Transcript, TranscriptOptions,
    TranscriptReading, Turn, Unit, UnitKind, clock_time, file_stem,
};
pub use workbook::{Sheet, WORKER};
pub(crate) use xml::{attribute, resolved};
