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
        let suffix = path.extension().and_then(OsStr::to_str).unwrap_or_default();
        let is_its = |known: &&Known| {
            known
                .suffixes
                .iter()
                .any(|s| suffix.eq_ignore_ascii_case(s))
        };
        let found = READ.iter().find(is_its).map(|known| known.format);
        found.ok_or_else(|| Error::UnknownFormat {
            path: path.display().to_string(),
            known: suffixes_in_words(),
        })
    }

    /// What people call a file of it.
    pub fn called(self) -> &'static str {
        match self {
            Self::Delimited(_) => "a table of text",
            Self::Jsonl | Self::Json => "JSON",
            Self::Workbook => "a workbook",
            Self::Parquet => "a Parquet table",
            Self::Transcript(_) => "a transcript",
        }
    }
}

/// A kind of file that is read.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Its name on the command line.
    pub name: &'static str,
    /// The suffixes of its files, without the dot; the first is the usual one.
    pub suffixes: &'static [&'static str],
    /// The format.
    pub format: Format,
    /// What the name does not say.
    pub about: &'static str,
}

const fn known(
    name: &'static str,
    suffixes: &'static [&'static str],
    format: Format,
    about: &'static str,
) -> Known {
    Known {
        name,
        suffixes,
        format,
        about,
    }
}

/// All kinds of files that are read. What is written is in [`crate::export::table`].
#[rustfmt::skip]
pub const READ: &[Known] = &[
    known("csv", &["csv"], Format::CSV, ""),
    known("tsv", &["tsv", "tab"], Format::TSV, ""),
    known("json", &["json"], Format::Json, "An array of objects"),
    known("jsonl", &["jsonl", "ndjson"], Format::Jsonl, "One object a line"),
    known("xlsx", &["xlsx", "xlsm", "xls"], Format::Workbook, "A spreadsheet"),
    known("ods", &["ods"], Format::Workbook, "A spreadsheet"),
    known("parquet", &["parquet"], Format::Parquet, "A Parquet file; needs a build with the feature `parquet`"),
    known("txt", &["txt", "text"], Format::Transcript(TranscriptFormat::Text), "A transcript"),
    known("md", &["md", "markdown"], Format::Transcript(TranscriptFormat::Markdown), "A transcript in Markdown"),
    known("docx", &["docx"], Format::Transcript(TranscriptFormat::Docx), "A transcript in Word"),
    known("vtt", &["vtt"], Format::Transcript(TranscriptFormat::WebVtt), "Subtitles of Teams, Zoom and others"),
    known("srt", &["srt"], Format::Transcript(TranscriptFormat::Srt), "Subtitles"),
];

/// The usual suffixes: `.csv, .tsv or, for a transcript to be read, .txt or .srt`.
fn suffixes_in_words() -> String {
    let is_transcript = |known: &&Known| matches!(known.format, Format::Transcript(_));
    let (transcripts, tables): (Vec<&Known>, Vec<&Known>) = READ.iter().partition(is_transcript);
    let dotted = |known: &[&Known]| -> Vec<String> {
        let usual = known.iter().filter_map(|known| known.suffixes.first());
        usual.map(|suffix| format!(".{suffix}")).collect()
    };
    let mut transcripts = dotted(&transcripts);
    let last = transcripts.pop().unwrap_or_default();
    format!(
        "{} or, for a transcript to be read, {} or {last}",
        dotted(&tables).join(", "),
        transcripts.join(", ")
    )
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
