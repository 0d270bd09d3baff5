//! Formats of inputs, and the suffixes that name them.

use std::ffi::OsStr;
use std::path::Path;

use crate::error::{Error, Result};

/// A file format that statements are read from and written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Cells between delimiters, RFC 4180 quoting.
    Delimited(u8),
    /// One JSON object a line.
    Jsonl,
    /// An array of JSON objects, read one by one; never written.
    Json,
    /// A spreadsheet in XLSX or ODS, one sheet of it; never written.
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

    /// Whether the two are of one kind: JSON one object a line or in an array, cells between
    /// whatever delimiter, transcripts in whatever file.
    pub(super) fn is_like(self, other: Self) -> bool {
        let is_json = |f| matches!(f, Self::Json | Self::Jsonl);
        let is_delimited = |f| matches!(f, Self::Delimited(_));
        let is_transcript = |f| matches!(f, Self::Transcript(_));
        self == other
            || (is_json(self) && is_json(other))
            || (is_delimited(self) && is_delimited(other))
            || (is_transcript(self) && is_transcript(other))
    }

    /// Whether its reader wants the bytes as they are: of packed files, and of transcripts, whose
    /// lines may be in two encodings.
    pub(super) fn is_decoded_inside(self) -> bool {
        matches!(self, Self::Workbook | Self::Parquet | Self::Transcript(_))
    }

    /// The format that a path's suffix names.
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

/// How a transcript is written down.
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
    /// What people call it.
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
