//! Files to statements: delimited tables, JSON lines, interview transcripts.
//!
//! A [`Reader`] yields records in order without holding the file: each has the bytes as they
//! stood in the file, so that what a person wrote can be written back untouched. A row that can't
//! be read becomes a [`Rejected`] and the next row is read; only a fault of the file as a whole
//! is an error.

mod archive;
mod array;
pub mod clean;
mod columns;
mod delimited;
mod encoding;
mod jsonl;
pub mod privacy;
mod sentences;
mod sniff;
mod transcript;
mod units;
mod workbook;
mod xml;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use crate::error::{Error, Location, Result, RowFault};

pub(crate) use archive::{Archive, open as open_archive};
pub use columns::{Column, ColumnMap, Preset, Role};
use columns::{other_columns, other_texts, text_column};
pub(crate) use delimited::{needs_quotes, write_cell};
pub use encoding::{Charset, CharsetSource, Encoding};
use privacy::{Counts, Guard, Privacy};
use sniff::{by_content, check_head, json_format, sniff};
pub(crate) use transcript::CODING;
pub use transcript::{
    Limits, Roles, Speaker, SpeakerRole, Transcript, TranscriptFormat, TranscriptOptions, Turn,
    Unit, UnitKind, clock_time, file_stem,
};
use units::Units;
pub use workbook::{Sheet, WORKER};
pub(crate) use xml::{attribute, resolved};

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
    fn is_like(self, other: Self) -> bool {
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
    fn is_decoded_inside(self) -> bool {
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
                known: ".csv, .tsv, .json, .jsonl, .xlsx, .ods, .parquet or, for a transcript to be read, .txt, .md, .docx, .vtt or .srt",
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
    /// Columns of another meaning.
    pub other_columns: Vec<Column>,
    /// The encoding of the file; rows are UTF-8 whatever it is.
    pub encoding: Encoding,
    /// The format of the content, where the suffix says another.
    pub mislabelled: Option<Format>,
    /// Whether the file begins with a byte-order mark, as Excel writes and wants it, or was in
    /// another encoding than UTF-8.
    pub bom: bool,
    /// Whether lines end in CR LF.
    pub crlf: bool,
    /// The sheet of a workbook that is read.
    pub sheet: Option<Sheet>,
    /// Who speaks in a transcript, how many turns, and whether as the interviewer.
    pub speakers: Vec<Speaker>,
    /// What was found out about a transcript, where it is not what its suffix says.
    pub notes: Vec<String>,
}

impl Layout {
    /// Position of the column of that meaning, unless it was only guessed.
    pub fn sure_column(&self, role: Role) -> Option<usize> {
        let sure = self.other_columns.iter().filter(|c| !c.was_guessed);
        sure.filter(|c| c.role == role).map(|c| c.position).next()
    }

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
    source: String,
    layout: Layout,
    rows: Rows,
    units: Option<Units>,
    guard: Option<Guard>,
    /// Of a reader without a guard.
    nothing: Counts,
}

enum Rows {
    Delimited(delimited::Rows),
    Jsonl(jsonl::Rows),
    Workbook(workbook::Rows),
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
        if is_device(&metadata) {
            let reason = "it is a device or a socket, which has no end";
            return Err(Error::read(path, io::Error::other(reason)));
        }
        let by_suffix = match options.format {
            Some(format) => format,
            None => Format::of_path(path)?,
        };
        let open = || -> Result<BufReader<File>> {
            let file = File::open(path).map_err(|e| Error::read(path, e))?;
            Ok(BufReader::with_capacity(BUFFER, file))
        };
        let name = path.display().to_string();
        let (head, input) = peeked(Box::new(open()?), &name)?;
        let format = match options.format {
            Some(format) => format,
            None => by_content(&head, by_suffix, &name)?,
        };
        // A pipe can be read only once: of a pipe only the head is looked at.
        let is_text = !format.is_decoded_inside();
        let whole: Option<Box<dyn BufRead>> = if metadata.is_file() && is_text {
            Some(Box::new(open()?))
        } else {
            None
        };
        let encoding = encoding::survey(&head, whole, &name, options.encoding)?;
        let mut reader = Self::decoded(&head, input, &name, format, encoding, options)?;
        reader.layout.mislabelled = (!format.is_like(by_suffix)).then_some(format);
        Ok(reader)
    }

    /// Reads a stream; without a format in the options its first byte decides.
    pub fn from_stream(
        input: Box<dyn BufRead + Send>,
        name: &str,
        options: &ReadOptions,
    ) -> Result<Self> {
        let (head, input) = peeked(input, name)?;
        let encoding = encoding::survey(&head, None, name, options.encoding)?;
        let format = match options.format {
            Some(format) => format,
            None => sniff(&head),
        };
        Self::decoded(&head, input, name, format, encoding, options)
    }

    fn decoded(
        head: &[u8],
        input: Box<dyn BufRead + Send>,
        name: &str,
        format: Format,
        encoding: Encoding,
        options: &ReadOptions,
    ) -> Result<Self> {
        if format.is_decoded_inside() {
            return Self::new(input, name, format, options);
        }
        check_head(head, name)?;
        let mut input = encoding::decoded(input, encoding, options.kept_bytes());
        let format = match format {
            Format::Json | Format::Jsonl if options.format.is_none() || format == Format::Json => {
                json_format(input.fill_buf().map_err(|e| unreadable(name, e))?, format)
            }
            format => format,
        };
        let charset = encoding.charset;
        let mut reader = Self::new(input, name, format, options).map_err(|e| {
            if charset.is_utf8() {
                e
            } else {
                encoding::faulty_file(e, charset)
            }
        })?;
        reader.layout.encoding = encoding;
        Ok(reader)
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
            Format::Jsonl | Format::Json => {
                let is_array = format == Format::Json;
                let rows = jsonl::Rows::open(input, name, is_array, options)?;
                (Format::Jsonl, rows.columns().to_vec(), Rows::Jsonl(rows))
            }
            Format::Workbook => {
                let file = workbook::spooled(input, name)?;
                let rows = workbook::Rows::open(file, name, options)?;
                shape.sheet = Some(rows.sheet());
                (Format::CSV, rows.columns().to_vec(), Rows::Workbook(rows))
            }
            Format::Parquet => {
                let rows = parquet_rows(input, name, options)?;
                (Format::CSV, rows.columns().to_vec(), Rows::Workbook(rows))
            }
            Format::Transcript(format) => {
                let rows = transcript::Rows::open(input, name, format, options)?;
                shape.speakers.clone_from(&rows.transcript().speakers);
                shape.notes.clone_from(&rows.transcript().notes);
                (Format::CSV, rows.columns(), Rows::Transcript(rows))
            }
        };
        if columns.len() > options.max_columns {
            return Err(Error::TooManyColumns {
                path: name.to_string(),
                columns: columns.len(),
                limit: options.max_columns,
            });
        }
        // A transcript has columns of its own: which is which is no question.
        let is_transcript = matches!(rows, Rows::Transcript(_));
        let own = ReadOptions::default();
        let naming = if is_transcript { &own } else { options };
        let (whole_text, text_was_guessed) = text_column(name, &columns, naming)?;
        let other_texts = other_texts(&columns, whole_text, naming);
        let other_columns = other_columns(name, &columns, whole_text, &naming.columns)?;
        if let Rows::Jsonl(rows) = &mut rows {
            rows.set_text_key(&columns[whole_text]);
        }
        let is_cut = options.unit == Some(UnitKind::Statement) && !is_transcript;
        let text = if is_cut {
            Units::add_columns(name, &mut columns)?;
            columns.len() - 1
        } else {
            whole_text
        };
        let layout = Layout {
            format,
            other_texts,
            other_columns,
            columns,
            text,
            whole_text,
            text_was_guessed,
            encoding: Encoding::UTF8,
            mislabelled: None,
            bom: shape.bom,
            crlf: shape.crlf,
            sheet: shape.sheet,
            speakers: shape.speakers,
            notes: shape.notes,
        };
        Ok(Self {
            name: name.to_string(),
            source: options.privacy.file_name(name),
            // A transcript is masked before it is cut.
            guard: Guard::new(&options.privacy, &layout).filter(|_| !is_transcript),
            nothing: Counts::new(),
            units: is_cut.then(Units::default),
            layout,
            rows,
        })
    }

    /// How often private data of each kind was masked so far.
    pub fn masked(&self) -> &Counts {
        match (&self.guard, self.transcript()) {
            (Some(guard), _) => guard.counts(),
            (None, Some(transcript)) => &transcript.masked,
            (None, None) => &self.nothing,
        }
    }

    /// How often a pseudonym stood in the input already: replacing back will turn it too.
    pub fn taken_pseudonyms(&self) -> u64 {
        let of_transcript = self.transcript().map_or(0, |t| t.taken_pseudonyms);
        self.guard.as_ref().map_or(of_transcript, Guard::taken)
    }

    /// The input as the user named it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name as it may be written beside the rows: with the names in it replaced where that is
    /// asked for.
    pub fn source(&self) -> &str {
        &self.source
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
        let row = self.whole_row()?;
        Ok(match (row, &mut self.units) {
            (Some(Ok(record)), Some(units)) => {
                units.add(&record, self.layout.format);
                units.next().map(Ok)
            }
            (row, _) => row,
        })
    }

    /// Takes a row that is no longer needed for its memory.
    pub fn reuse(&mut self, record: Record) {
        if let Rows::Delimited(rows) = &mut self.rows {
            rows.reuse(record);
        }
    }

    /// The next row as it stands in the file but for what is masked, before it is cut: offsets
    /// are those in the masked text.
    fn whole_row(&mut self) -> Result<Option<Result<Record, Rejected>>> {
        let text = self.layout.whole_text;
        let row = match &mut self.rows {
            Rows::Delimited(rows) => rows.next_row(text)?,
            Rows::Jsonl(rows) => rows.next_row()?,
            Rows::Workbook(rows) => rows.next_row(text)?,
            Rows::Transcript(rows) => {
                rows.transcript().settled(&self.name)?;
                rows.next_row()
            }
        };
        let charset = self.layout.encoding.charset;
        let row = match row {
            Some(Err(rejected)) if !charset.is_utf8() => {
                Some(Err(encoding::faulty_row(rejected, charset)))
            }
            row => row,
        };
        let Some(guard) = &mut self.guard else {
            return Ok(row);
        };
        Ok(row.map(|row| match row {
            Ok(record) => Ok(guard.record(record, &self.layout)),
            Err(rejected) => Err(guard.rejected(rejected)),
        }))
    }

    /// The transcript that the rows are made from, where the input is one.
    pub fn transcript(&self) -> Option<&Transcript> {
        match &self.rows {
            Rows::Transcript(rows) => Some(rows.transcript()),
            _ => None,
        }
    }
}

/// Bytes that are no text, as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string can't fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// Whether it is no file that has an end; pipes have one.
fn is_device(metadata: &std::fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = metadata.file_type();
        kind.is_block_device() || kind.is_char_device() || kind.is_socket()
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        false
    }
}

#[cfg(feature = "parquet")]
fn parquet_rows(
    input: Box<dyn BufRead + Send>,
    name: &str,
    options: &ReadOptions,
) -> Result<workbook::Rows> {
    workbook::Rows::open_parquet(workbook::spooled(input, name)?, name, options)
}

#[cfg(not(feature = "parquet"))]
fn parquet_rows(_: Box<dyn BufRead + Send>, name: &str, _: &ReadOptions) -> Result<workbook::Rows> {
    Err(Error::NotInBuild {
        path: name.to_string(),
        format: "Parquet",
        feature: "parquet",
    })
}

/// What is known of a file beyond its columns.
#[derive(Default)]
struct Shape {
    bom: bool,
    crlf: bool,
    sheet: Option<Sheet>,
    speakers: Vec<Speaker>,
    notes: Vec<String>,
}

/// Refuses two columns of one name.
fn columns_once(columns: &[String], name: &str) -> Result<()> {
    let mut seen = BTreeMap::new();
    for (second, column) in columns.iter().enumerate() {
        if let Some(first) = seen.insert(column, second) {
            return Err(Error::DuplicateColumn {
                path: name.to_string(),
                name: column.clone(),
                first,
                second,
            });
        }
    }
    Ok(())
}

/// A read error of the stream called `name`.
fn unreadable(name: &str, source: io::Error) -> Error {
    Error::Read {
        path: name.to_string(),
        source,
    }
}

/// The first [`BUFFER`] bytes of a stream, and the stream with them. A pipe may give them one by
/// one.
fn peeked(
    mut input: Box<dyn BufRead + Send>,
    name: &str,
) -> Result<(Vec<u8>, Box<dyn BufRead + Send>)> {
    let mut head = Vec::new();
    input
        .by_ref()
        .take(BUFFER as u64)
        .read_to_end(&mut head)
        .map_err(|e| unreadable(name, e))?;
    let whole = Cursor::new(head.clone()).chain(input);
    Ok((head, Box::new(BufReader::with_capacity(BUFFER, whole))))
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
