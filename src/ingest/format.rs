//! Input formats, and the file suffixes that name them.

use std::ffi::OsStr;
use std::path::Path;

use crate::error::{Error, Result};

/// A file format for reading and writing statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Cells between delimiters, RFC 4180 quoting.
    Delimited(u8),
    /// One JSON object per line.
    Jsonl,
    /// An array of JSON objects, read one at a time; never written.
    Json,
    /// One sheet of an XLSX or ODS workbook; never written.
    Workbook,
    /// Parquet, in a build with the feature `parquet`; never written.
    Parquet,
    /// An interview: turns by speaker, cut into statements; never written.
    Transcript(TranscriptFormat),
}

impl Format {
    /// Comma-separated values.
    pub const CSV: Self = Self::Delimited(b',');
    /// Tab-separated values.
    pub const TSV: Self = Self::Delimited(b'\t');

    /// Whether both formats are of one kind: JSON as lines or as an array, cells with any
    /// delimiter, transcripts in any file format.
    pub(super) fn is_like(self, other: Self) -> bool {
        let is_json = |f| matches!(f, Self::Json | Self::Jsonl);
        let is_delimited = |f| matches!(f, Self::Delimited(_));
        let is_transcript = |f| matches!(f, Self::Transcript(_));
        self == other
            || (is_json(self) && is_json(other))
            || (is_delimited(self) && is_delimited(other))
            || (is_transcript(self) && is_transcript(other))
    }

    /// Whether the format's reader needs the raw bytes: packed files, and transcripts, whose lines
    /// may be in two encodings.
    pub(super) fn is_decoded_inside(self) -> bool {
        matches!(self, Self::Workbook | Self::Parquet | Self::Transcript(_))
    }

    /// The format named by the suffix of a path.
    pub fn of_path(path: &Path) -> Result<Self> {
        let suffix = path
            .extension()
            .and_then(OsStr::to_str)
            .map(str::to_ascii_lowercase);
        match suffix.as_deref() {
            Some("csv") => Ok(Self::CSV),
            Some("tsv" | "tab") => Ok(Self::TSV),
            Some("jsonl" | "ndjson") => Ok(Self::Jsonl),
            Some("json") => Ok(Self::Json),
            Some("xlsx" | "xlsm" | "ods") => Ok(Self::Workbook),
            Some("parquet") => Ok(Self::Parquet),
            Some("txt" | "text") => Ok(Self::Transcript(TranscriptFormat::Text)),
            Some("md" | "markdown") => Ok(Self::Transcript(TranscriptFormat::Markdown)),
            Some("docx") => Ok(Self::Transcript(TranscriptFormat::Docx)),
            Some("vtt") => Ok(Self::Transcript(TranscriptFormat::WebVtt)),
            Some("srt") => Ok(Self::Transcript(TranscriptFormat::Srt)),
            _ => Err(Error::UnknownFormat {
                path: path.display().to_string(),
                known: ".csv, .tsv, .json, .jsonl, .xlsx, .ods, .parquet or, for a transcript to be read, .txt, .md, .docx, .vtt or .srt".into(),
            }),
        }
    }
}

/// The file format of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TranscriptFormat {
    /// Plain text.
    Text,
    /// Markdown.
    Markdown,
    /// Word (DOCX).
    Docx,
    /// `WebVTT` subtitles.
    WebVtt,
    /// `SubRip` subtitles.
    Srt,
}

impl TranscriptFormat {
    /// Its common name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "Markdown",
            Self::Docx => "Word (DOCX)",
            Self::WebVtt => "WebVTT",
            Self::Srt => "SubRip (SRT)",
        }
    }
}
