//! Files to statements: delimited tables, JSON lines, interview transcripts.
//!
//! A [`Reader`] yields records in order without holding the file: each has the bytes as they
//! stood in the file, so that what a person wrote can be written back untouched. A row that can't
//! be read becomes a [`Rejected`] and the next row is read; only a fault of the file as a whole
//! is an error.

mod delimited;
mod jsonl;
mod sentences;
mod transcript;
mod units;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use crate::error::{ColumnHolds, Error, Location, Result, RowFault, nearest};

use units::Units;

pub(crate) use delimited::write_cell;
pub use transcript::{
    Limits, Role, Roles, Speaker, Transcript, TranscriptFormat, TranscriptOptions, Turn, Unit,
    UnitKind, clock_time, file_stem,
};

/// Column names that hold the text when none is named, most telling first.
const TEXT_COLUMNS: &[&str] = &[
    "text",
    "teks",
    "statement",
    "pernyataan",
    "complaint",
    "isi keluhan",
    "isi_keluhan",
    "keluhan",
    "isi pengaduan",
    "isi_pengaduan",
    "pengaduan",
    "isi aduan",
    "isi_aduan",
    "aduan",
    "isi_laporan",
    "isi laporan",
    "uraian",
    "laporan",
    "isi",
    "narrative",
    "consumer complaint narrative",
    "complaint_what_happened",
    "review",
    "ulasan",
    "content",
    "comment",
    "komentar",
    "message",
    "pesan",
    "tweet",
    "full_text",
    "description",
    "deskripsi",
    "body",
];

/// Bytes of a record that are kept however small the cell limit is.
const MIN_KEPT: usize = 64 * 1024;

/// Bytes that are read at once; also what a stream is sniffed by.
const BUFFER: usize = 256 * 1024;

/// A file format that statements are read from and written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Cells between delimiters, RFC 4180 quoting.
    Delimited(u8),
    /// One JSON object a line.
    Jsonl,
    /// An interview: turns by speaker, cut into statements.
    Transcript(TranscriptFormat),
}

impl Format {
    /// Comma-separated values.
    pub const CSV: Self = Self::Delimited(b',');
    /// Tab-separated values.
    pub const TSV: Self = Self::Delimited(b'\t');

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
            Some("txt" | "text") => Ok(Self::Transcript(TranscriptFormat::Text)),
            Some("md" | "markdown") => Ok(Self::Transcript(TranscriptFormat::Markdown)),
            Some("docx") => Ok(Self::Transcript(TranscriptFormat::Docx)),
            Some("vtt") => Ok(Self::Transcript(TranscriptFormat::WebVtt)),
            Some("srt") => Ok(Self::Transcript(TranscriptFormat::Srt)),
            _ => Err(Error::UnknownFormat {
                path: path.display().to_string(),
                known: ".csv, .tsv, .jsonl or, for a transcript to be read, .txt, .md, .docx, .vtt or .srt (save spreadsheets as CSV)",
            }),
        }
    }
}

/// How an input is read.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// The format; by the suffix or, for a stream, by the first byte when `None`.
    pub format: Option<Format>,
    /// The column of the text; guessed by name when `None`.
    pub text_column: Option<String>,
    /// The delimiter; by counting in the header when `None`.
    pub delimiter: Option<u8>,
    /// Longest cell in bytes; a longer one is a [`RowFault::CellTooLong`].
    pub max_cell: usize,
    /// Whether a table's texts are cut into statements; its rows stay whole when `None`.
    pub unit: Option<UnitKind>,
    /// How transcripts are cut into statements.
    pub transcript: TranscriptOptions,
}

impl ReadOptions {
    /// Bytes of a record that are kept in memory: room for some cells at the limit, and for a
    /// header however small the limit is. What is longer is read to its end, but cut.
    fn kept_bytes(&self) -> usize {
        const CELLS: usize = 4;
        self.max_cell.saturating_mul(CELLS).max(MIN_KEPT)
    }
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            format: None,
            text_column: None,
            delimiter: None,
            max_cell: 1 << 20,
            unit: None,
            transcript: TranscriptOptions::default(),
        }
    }
}

/// One row of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Line it starts in, from 1.
    pub line: u64,
    /// The row as it stands in the file, without its line end.
    pub raw: Vec<u8>,
    /// The statement.
    pub text: String,
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

/// How the rows of an input are laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The format that rows stand in; for a transcript that of the rows made from it.
    pub format: Format,
    /// The columns, in order; of JSON lines the keys of the first object.
    pub columns: Vec<String>,
    /// Position of the statement's column.
    pub text: usize,
    /// Position of the column that the text is read from: another one where the rows of a table
    /// are cut into statements.
    pub whole_text: usize,
    /// Whether that column was guessed by its name.
    pub text_was_guessed: bool,
    /// Other columns that could hold the text.
    pub other_texts: Vec<String>,
    /// Whether the file begins with a byte-order mark, as Excel writes and wants it.
    pub bom: bool,
    /// Whether lines end in CR LF.
    pub crlf: bool,
    /// Who speaks in a transcript, how many turns, and whether as the interviewer.
    pub speakers: Vec<Speaker>,
}

impl Layout {
    /// The cells of a record by column; JSON values that are no strings stand as JSON.
    pub fn cells(&self, record: &Record) -> Vec<String> {
        match self.format {
            Format::Delimited(delimiter) => delimited::cells(&record.raw, delimiter),
            _ => jsonl::cells(&record.raw, &self.columns),
        }
    }

    /// The number of a statement in its row, where rows of a table are cut.
    pub fn unit_number(&self, record: &Record) -> Option<String> {
        let column = units::number_column(&self.columns)?;
        self.cells(record).get(column).cloned()
    }

    /// Whether a record has a key or column of that name.
    pub fn has_key(&self, record: &Record, name: &str) -> bool {
        match self.format {
            Format::Delimited(_) => self.columns.iter().any(|c| c == name),
            _ => jsonl::has_key(&record.raw, name),
        }
    }

    /// The first key of a record that is no column: only JSON lines can have one.
    pub fn stray_key(&self, record: &Record) -> Option<String> {
        match self.format {
            Format::Delimited(_) => None,
            _ => jsonl::stray_key(&record.raw, &self.columns),
        }
    }
}

/// Reads an input row by row.
pub struct Reader {
    name: String,
    layout: Layout,
    rows: Rows,
    units: Option<Units>,
}

enum Rows {
    Delimited(delimited::Rows),
    Jsonl(jsonl::Rows),
    Transcript(transcript::Rows),
}

impl Reader {
    /// Opens a file, or standard input for `-`.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Self> {
        if path.as_os_str() == "-" {
            let input = BufReader::with_capacity(BUFFER, io::stdin());
            return Self::from_stream(Box::new(input), "<stdin>", options);
        }
        let metadata = std::fs::metadata(path).map_err(|e| Error::read(path, e))?;
        if metadata.is_dir() {
            return Err(Error::read(
                path,
                io::Error::from(io::ErrorKind::IsADirectory),
            ));
        }
        let format = match options.format {
            Some(format) => format,
            None => Format::of_path(path)?,
        };
        let file = File::open(path).map_err(|e| Error::read(path, e))?;
        let input = BufReader::with_capacity(BUFFER, file);
        let name = path.display().to_string();
        let (_, input) = peeked(Box::new(input), &name)?;
        Self::new(input, &name, format, options)
    }

    /// Reads a stream; without a format in the options its first byte decides.
    pub fn from_stream(
        input: Box<dyn BufRead + Send>,
        name: &str,
        options: &ReadOptions,
    ) -> Result<Self> {
        let (head, input) = peeked(input, name)?;
        let format = match options.format {
            Some(format) => format,
            None => sniff(&head, name)?,
        };
        Self::new(input, name, format, options)
    }

    fn new(
        input: Box<dyn BufRead + Send>,
        name: &str,
        format: Format,
        options: &ReadOptions,
    ) -> Result<Self> {
        let mut shape = Shape::default();
        let (format, mut columns, mut rows) = match format {
            Format::Delimited(default) => {
                let rows = delimited::Rows::open(input, name, default, options)?;
                let format = Format::Delimited(rows.delimiter());
                (shape.bom, shape.crlf) = (rows.bom(), rows.crlf());
                (format, rows.columns().to_vec(), Rows::Delimited(rows))
            }
            Format::Jsonl => {
                let rows = jsonl::Rows::open(input, name, options)?;
                (Format::Jsonl, rows.columns().to_vec(), Rows::Jsonl(rows))
            }
            Format::Transcript(format) => {
                let rows = transcript::Rows::open(input, name, format, &options.transcript)?;
                shape.speakers.clone_from(&rows.transcript().speakers);
                (Format::CSV, transcript::columns(), Rows::Transcript(rows))
            }
        };
        // A transcript has columns of its own: which is the text is no question.
        let wanted = options.text_column.as_deref();
        let wanted = wanted.filter(|_| !matches!(rows, Rows::Transcript(_)));
        let (mut text, text_was_guessed) = text_column(name, &columns, wanted)?;
        if let Rows::Jsonl(rows) = &mut rows {
            rows.set_text_key(&columns[text]);
        }
        let whole_text = text;
        let other_texts = other_texts(&columns, text, options.text_column.is_some());
        let is_cut = options.unit == Some(UnitKind::Statement);
        let units = (is_cut && !matches!(rows, Rows::Transcript(_))).then(Units::default);
        if units.is_some() {
            Units::add_columns(name, &mut columns)?;
            text = columns.len() - 1;
        }
        Ok(Self {
            name: name.to_string(),
            layout: Layout {
                format,
                other_texts,
                columns,
                text,
                whole_text,
                text_was_guessed,
                bom: shape.bom,
                crlf: shape.crlf,
                speakers: shape.speakers,
            },
            rows,
            units,
        })
    }

    /// The input as the user named it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How its rows are laid out.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The next row; `None` at the end.
    pub fn next_row(&mut self) -> Result<Option<Result<Record, Rejected>>> {
        if let Some(waiting) = self.units.as_mut().and_then(Units::next) {
            return Ok(Some(Ok(waiting)));
        }
        let row = match &mut self.rows {
            Rows::Delimited(rows) => rows.next_row(self.layout.whole_text)?,
            Rows::Jsonl(rows) => rows.next_row()?,
            Rows::Transcript(rows) => {
                rows.transcript().settled(&self.name)?;
                rows.next_row()
            }
        };
        Ok(match (row, &mut self.units) {
            (Some(Ok(record)), Some(units)) => {
                units.add(&record, self.layout.format);
                units.next().map(Ok)
            }
            (row, _) => row,
        })
    }

    /// The transcript that the rows are made from, where the input is one.
    pub fn transcript(&self) -> Option<&Transcript> {
        match &self.rows {
            Rows::Transcript(rows) => Some(rows.transcript()),
            _ => None,
        }
    }
}

/// What is known of a file beyond its columns.
#[derive(Default)]
struct Shape {
    bom: bool,
    crlf: bool,
    speakers: Vec<Speaker>,
}

/// Columns that are called like a text too, where none was named.
fn other_texts(columns: &[String], text: usize, was_named: bool) -> Vec<String> {
    let is_text = |c: &str| TEXT_COLUMNS.contains(&c.trim().to_lowercase().as_str());
    let others = columns
        .iter()
        .enumerate()
        .filter(|(i, c)| *i != text && is_text(c));
    if was_named {
        Vec::new()
    } else {
        others.map(|(_, c)| c.clone()).collect()
    }
}

/// A read error of the stream called `name`.
fn unreadable(name: &str, source: io::Error) -> Error {
    Error::Read {
        path: name.to_string(),
        source,
    }
}

/// The first bytes of a stream, and the stream with them. A pipe may give them one by one.
fn peeked(
    mut input: Box<dyn BufRead + Send>,
    name: &str,
) -> Result<(Vec<u8>, Box<dyn BufRead + Send>)> {
    const HEAD: u64 = 16;
    let mut head = Vec::new();
    input
        .by_ref()
        .take(HEAD)
        .read_to_end(&mut head)
        .map_err(|e| unreadable(name, e))?;
    let whole = Cursor::new(head.clone()).chain(input);
    Ok((head, Box::new(BufReader::with_capacity(BUFFER, whole))))
}

fn sniff(head: &[u8], name: &str) -> Result<Format> {
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    match text.iter().find(|b| !b.is_ascii_whitespace()) {
        Some(b'{') => Ok(Format::Jsonl),
        Some(b'[') => Err(Error::Encoding {
            path: name.to_string(),
            encoding: "a JSON array, not one object a line",
        }),
        _ => Ok(Format::CSV),
    }
}

/// Position of the text's column, and whether it was guessed.
fn text_column(name: &str, columns: &[String], wanted: Option<&str>) -> Result<(usize, bool)> {
    let position = |wanted: &str| {
        columns
            .iter()
            .position(|c| c.trim().eq_ignore_ascii_case(wanted))
    };
    let missing = |wanted: &str| Error::MissingColumn {
        path: name.to_string(),
        wanted: wanted.to_string(),
        holds: ColumnHolds::Text,
        found: columns.to_vec(),
    };
    if let Some(wanted) = wanted {
        let exact = columns.iter().position(|c| c == wanted);
        return exact.map(|i| (i, false)).ok_or_else(|| missing(wanted));
    }
    // A near miss of `text` is more likely a slip than a wish for another column.
    let slip = nearest("text", columns)
        .is_some_and(|near| !TEXT_COLUMNS.contains(&near.to_lowercase().as_str()));
    TEXT_COLUMNS
        .iter()
        .take(if slip { 1 } else { TEXT_COLUMNS.len() })
        .find_map(|candidate| position(candidate).map(|i| (i, *candidate != "text")))
        .ok_or_else(|| missing("text"))
}

/// Refuses bytes that can't be UTF-8 text at the head of a file; returns the length of a BOM.
fn check_head(head: &[u8], name: &str) -> Result<usize> {
    let encoding = match head {
        [0xFF, 0xFE, ..] => Some("UTF-16 (little-endian)"),
        [0xFE, 0xFF, ..] => Some("UTF-16 (big-endian)"),
        [b'P', b'K', 3, 4, ..] => Some("a ZIP file (XLSX, DOCX or ODS)"),
        [0xD0, 0xCF, 0x11, 0xE0, ..] => Some("an old Excel or Word file"),
        [0x1F, 0x8B, ..] => Some("a gzip file"),
        [0, c, ..] if *c != 0 => Some("UTF-16 (big-endian, no byte-order mark)"),
        [c, 0, ..] if *c != 0 => Some("UTF-16 (little-endian, no byte-order mark)"),
        _ => None,
    };
    match encoding {
        Some(encoding) => Err(Error::Encoding {
            path: name.to_string(),
            encoding,
        }),
        None if head.starts_with(&[0xEF, 0xBB, 0xBF]) => Ok(3),
        None => Ok(0),
    }
}

/// A row's bytes as UTF-8 text without NUL; `offset` is where the row starts in the file.
fn checked_text(raw: &[u8], offset: u64) -> Result<&str, RowFault> {
    if let Some(position) = memchr::memchr(0, raw) {
        return Err(RowFault::Nul {
            byte: offset + position as u64,
        });
    }
    std::str::from_utf8(raw).map_err(|e| RowFault::NotUtf8 {
        byte: offset + e.valid_up_to() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(bytes: &'static [u8]) -> Result<Reader> {
        Reader::from_stream(Box::new(bytes), "in", &ReadOptions::default())
    }

    #[test]
    fn a_stream_is_known_by_its_first_byte() {
        assert_eq!(reader(b"id,text\n").unwrap().layout().format, Format::CSV);
        assert_eq!(
            reader(b"{\"text\":\"a\"}\n").unwrap().layout().format,
            Format::Jsonl
        );
    }

    #[test]
    fn what_is_no_text_is_named() {
        for (bytes, said) in [
            (&b"\xFF\xFEt\0e\0"[..], "UTF-16"),
            (b"t\0e\0x\0", "no byte-order mark"),
            (b"PK\x03\x04zzzz", "ZIP"),
        ] {
            let error = reader(bytes).err().unwrap().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn the_text_column_is_named_guessed_or_missed() {
        let columns = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            text_column("f", &columns(&["id", "Text"]), None).unwrap(),
            (1, false)
        );
        assert_eq!(
            text_column("f", &columns(&["id", "keluhan"]), None).unwrap(),
            (1, true)
        );
        assert_eq!(
            text_column("f", &columns(&["a", "b"]), Some("b")).unwrap(),
            (1, false)
        );
        assert!(text_column("f", &columns(&["id", "tekst"]), None).is_err());
    }
}
