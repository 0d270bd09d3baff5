//! Reads an input of any format row by row.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;

use super::columns::{Role, TextColumn, other_columns, text_column};
use super::encoding::{self, Encoding};
use super::format::Format;
use super::layout::Layout;
use super::options::ReadOptions;
use super::packed::{self, Packing, Unpacked};
use super::privacy::{Counts, Guard};
use super::record::{Record, Rejected, RowLimits};
use super::sniff::{by_content, check_head, json_format, sniff};
use super::source::{BUFFER, is_device, peeked, unreadable};
use super::transcript::{self, OtherMark, Roles, Speaker, Transcript, TranscriptReading, UnitKind};
use super::units::Units;
use super::workbook::{self, Sheet, WantedSheet};
use super::{delimited, jsonl};
use crate::error::{Error, Result};

/// Reads an input row by row.
pub struct Reader {
    name: String,
    source: String,
    layout: Layout,
    rows: Rows,
    units: Option<Units>,
    guard: Option<Guard>,
    /// The column of speakers of a table, and who of them asks.
    speakers: Option<(usize, Roles)>,
    /// Empty counts, for a reader without a guard.
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
        let open = || -> Result<BufReader<File>> {
            let file = File::open(path).map_err(|e| Error::read(path, e))?;
            Ok(BufReader::with_capacity(BUFFER, file))
        };
        let name = path.display().to_string();
        let (head, input) = peeked(Box::new(open()?), &name)?;
        if let Some(packing) = Packing::of(path, &head) {
            let inner = packed::unpacked(input, path, packing, options.max_unpacked)?;
            return Self::open_unpacked(inner, &name, options);
        }
        let by_suffix = match options.format {
            Some(format) => format,
            None => Format::of_path(path)?,
        };
        let format = match options.format {
            Some(format) => format,
            None => by_content(&head, by_suffix, &name)?,
        };
        // A pipe can be read only once, so only its head is examined.
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

    /// Opens what was unpacked from the file called `name`.
    fn open_unpacked(inner: Unpacked, name: &str, options: &ReadOptions) -> Result<Self> {
        let by_suffix = match options.format {
            Some(format) => format,
            None => Format::of_path(&inner.inner)?,
        };
        let mut file = inner.file;
        let copy = file.try_clone().map_err(|e| unreadable(name, e))?;
        let (head, _) = peeked(Box::new(BufReader::new(copy)), name)?;
        let format = match options.format {
            Some(format) => format,
            None => by_content(&head, by_suffix, name)?,
        };
        // Copies share their place in the file: each is done before the next one begins.
        file.seek(SeekFrom::Start(0))
            .map_err(|e| unreadable(name, e))?;
        let whole: Option<Box<dyn BufRead>> = if format.is_decoded_inside() {
            None
        } else {
            let copy = file.try_clone().map_err(|e| unreadable(name, e))?;
            Some(Box::new(BufReader::with_capacity(BUFFER, copy)))
        };
        let encoding = encoding::survey(&head, whole, name, options.encoding)?;
        file.seek(SeekFrom::Start(0))
            .map_err(|e| unreadable(name, e))?;
        let input = Box::new(BufReader::with_capacity(BUFFER, file));
        let mut reader = Self::decoded(&head, input, name, format, encoding, options)?;
        reader.layout.mislabelled = (!format.is_like(by_suffix)).then_some(format);
        let unpacked = inner.inner.file_name().unwrap_or_default();
        let unpacked = format!("unpacked: {}", unpacked.display());
        reader.layout.notes.insert(0, unpacked);
        Ok(reader)
    }

    /// Reads a stream; if the options name no format, its first byte decides.
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
        let mut input = encoding::decoded(input, encoding, options.limits().kept);
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
        let (format, mut columns, mut rows, shape) = Self::opened(input, name, format, options)?;
        let naming = options.naming();
        check_width(name, columns.len(), options.max_columns)?;
        // A transcript has columns of its own: their roles are known.
        let is_transcript = matches!(rows, Rows::Transcript(_));
        let own = ReadOptions::default();
        let naming = if is_transcript { own.naming() } else { naming };
        let TextColumn {
            position: whole_text,
            was_guessed: text_was_guessed,
            others,
        } = match shape.nested_text {
            Some(position) => TextColumn::nested(position, naming),
            None => text_column(name, &columns, &shape.first, naming)?,
        };
        let other_texts = if is_transcript { Vec::new() } else { others };
        let other_columns = other_columns(name, &columns, whole_text, naming.columns)?;
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
            other_marks: shape.other_marks,
            notes: shape.notes,
        };
        let kept = layout.other_columns.iter().filter(|c| Guard::keeps(c.role));
        let kept = kept.map(|c| layout.columns[c.position].clone()).collect();
        let speaker = layout
            .other_columns
            .iter()
            .find(|c| c.role == Role::Speaker);
        let speaker = speaker.filter(|_| !is_transcript).map(|c| c.position);
        Ok(Self {
            speakers: speaker.map(|column| (column, options.transcript.roles.clone())),
            name: name.to_string(),
            source: options.privacy.file_name(name),
            // A transcript is masked before it is cut.
            guard: Guard::new(&options.privacy, kept).filter(|_| !is_transcript),
            nothing: Counts::new(),
            units: is_cut.then(Units::default),
            layout,
            rows,
        })
    }

    /// Opens the rows, and says how they are laid out and what was found out about them.
    fn opened(
        input: Box<dyn BufRead + Send>,
        name: &str,
        format: Format,
        options: &ReadOptions,
    ) -> Result<(Format, Vec<String>, Rows, Shape)> {
        let mut shape = Shape::default();
        let (naming, limits) = (options.naming(), options.limits());
        let wanted = WantedSheet {
            sheet: options.sheet.as_deref(),
            max_unpacked: options.max_unpacked,
        };
        let reading = TranscriptReading {
            options: &options.transcript,
            privacy: &options.privacy,
            encoding: options.encoding,
        };
        let (format, columns, rows) = match format {
            Format::Delimited(default) => {
                let named = options.delimiter;
                let heading = options.heading();
                let rows = delimited::Rows::open(input, name, default, named, heading, limits)?;
                let format = Format::Delimited(rows.delimiter());
                shape.notes.extend_from_slice(rows.notes());
                shape.first.extend_from_slice(rows.first_rows());
                (shape.bom, shape.crlf) = (rows.bom(), rows.crlf());
                (format, rows.columns().to_vec(), Rows::Delimited(rows))
            }
            Format::Jsonl | Format::Json => {
                let is_array = format == Format::Json;
                let rows = jsonl::Rows::open(input, name, is_array, naming, limits)?;
                shape.first = rows.first_rows(rows.columns());
                shape.notes.extend(rows.note().cloned());
                shape.nested_text = rows.nested_text();
                (Format::Jsonl, rows.columns().to_vec(), Rows::Jsonl(rows))
            }
            Format::Workbook => {
                let file = packed::spooled(input, name)?;
                let rows = workbook::Rows::open(file, name, wanted, options.heading(), limits)?;
                shape.sheet = Some(rows.sheet());
                shape.notes.extend_from_slice(rows.notes());
                shape.first = rows.first_rows();
                (Format::CSV, rows.columns().to_vec(), Rows::Workbook(rows))
            }
            Format::Parquet => {
                let rows = parquet_rows(input, name, options.max_unpacked, limits)?;
                shape.first = rows.first_rows();
                (Format::CSV, rows.columns().to_vec(), Rows::Workbook(rows))
            }
            Format::Transcript(format) => {
                let rows = transcript::Rows::open(input, name, format, reading, options.max_cell)?;
                shape.speakers.clone_from(&rows.transcript().speakers);
                shape.other_marks.clone_from(&rows.transcript().other_marks);
                shape.notes.clone_from(&rows.transcript().notes);
                (Format::CSV, rows.columns(), Rows::Transcript(rows))
            }
        };
        Ok((format, columns, rows, shape))
    }

    /// How often private data of each kind has been masked so far.
    pub fn masked(&self) -> &Counts {
        match (&self.guard, self.transcript()) {
            (Some(guard), _) => guard.counts(),
            (None, Some(transcript)) => &transcript.masked,
            (None, None) => &self.nothing,
        }
    }

    /// How often a pseudonym was in the input already: replacing back will change it too.
    pub fn taken_pseudonyms(&self) -> u64 {
        let of_transcript = self.transcript().map_or(0, |t| t.taken_pseudonyms);
        self.guard.as_ref().map_or(of_transcript, Guard::taken)
    }

    /// Columns of a table in which every cell was masked as a whole; they may hold ids.
    pub fn masked_columns(&self) -> Vec<String> {
        let guard = self.guard.as_ref();
        guard.map(Guard::masked_columns).unwrap_or_default()
    }

    /// The input as the user named it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the input for writing beside the rows; names of people in it are replaced if
    /// that was requested.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The layout of its rows.
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
                units.add(&record);
                units.next().map(Ok)
            }
            (row, _) => row,
        })
    }

    /// Takes back a row that is no longer needed, to reuse its memory.
    pub fn reuse(&mut self, record: Record) {
        if let Rows::Delimited(rows) = &mut self.rows {
            rows.reuse(record);
        }
    }

    /// The next row before it is cut, as in the file except for masked data; offsets refer to the
    /// masked text.
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
        // By the true names, before masking.
        let row = row.map(|row| {
            row.map(|mut record| {
                let speakers = self.speakers.as_ref();
                record.is_context =
                    speakers.is_some_and(|(column, roles)| roles.asks(&record.cell(*column)));
                record
            })
        });
        let Some(guard) = &mut self.guard else {
            return Ok(row);
        };
        let (columns, format) = (&self.layout.columns, self.layout.format);
        Ok(row.map(|row| match row {
            Ok(record) => Ok(guard.record(record, columns, text, format)),
            Err(rejected) => Err(guard.rejected(rejected)),
        }))
    }

    /// Fails if it is unclear who asks and who answers in a transcript.
    pub fn settled(&self) -> Result<()> {
        let transcript = self.transcript();
        transcript.map_or(Ok(()), |t| t.settled(&self.name))
    }

    /// The transcript that the rows are made from, if the input is one.
    pub fn transcript(&self) -> Option<&Transcript> {
        match &self.rows {
            Rows::Transcript(rows) => Some(rows.transcript()),
            _ => None,
        }
    }
}

#[cfg(feature = "parquet")]
fn parquet_rows(
    input: Box<dyn BufRead + Send>,
    name: &str,
    max_unpacked: u64,
    limits: RowLimits,
) -> Result<workbook::Rows> {
    let file = packed::spooled(input, name)?;
    workbook::Rows::open_parquet(file, name, max_unpacked, limits)
}

#[cfg(not(feature = "parquet"))]
fn parquet_rows(
    _: Box<dyn BufRead + Send>,
    name: &str,
    _: u64,
    _: RowLimits,
) -> Result<workbook::Rows> {
    Err(Error::NotInBuild {
        path: name.to_string(),
        format: "Parquet",
        feature: "parquet",
    })
}

fn check_width(name: &str, columns: usize, limit: usize) -> Result<()> {
    if columns <= limit {
        return Ok(());
    }
    let path = name.to_string();
    Err(Error::TooManyColumns {
        path,
        columns,
        limit,
    })
}

/// What is known about a file besides its columns.
#[derive(Default)]
struct Shape {
    bom: bool,
    crlf: bool,
    sheet: Option<Sheet>,
    speakers: Vec<Speaker>,
    other_marks: Vec<OtherMark>,
    notes: Vec<String>,
    /// Cells of the first rows.
    first: Vec<Vec<String>>,
    /// The column of a text within objects, if there is one.
    nested_text: Option<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contexts(text: &'static str, options: &ReadOptions) -> Vec<bool> {
        let mut reader = Reader::from_stream(Box::new(text.as_bytes()), "f", options).unwrap();
        let mut found = Vec::new();
        while let Some(row) = reader.next_row().unwrap() {
            found.push(row.unwrap().is_context);
        }
        found
    }

    #[test]
    fn rows_of_an_interviewer_are_context() {
        let options = ReadOptions {
            format: Some(Format::CSV),
            ..ReadOptions::default()
        };
        let table = "speaker,text\nModerator,Apa?\nWati,Air mati.\nPewawancara 2:,Lalu?\n,Ya.\n";
        assert_eq!(contexts(table, &options), [true, false, true, false]);
        let table = "pelaku,text\nPeneliti,Apa?\nInforman,Air mati.\n";
        assert_eq!(contexts(table, &options), [true, false]);
        assert_eq!(contexts("text,kota\nApa?,Peneliti\n", &options), [false]);
        let mut named = options.clone();
        named.transcript.roles = Roles::with(&["Tono".into()], &[]);
        assert_eq!(
            contexts("speaker,text\nTono,Apa?\nModerator,Ya.\n", &named),
            [true, false]
        );
        let lines = ReadOptions::default();
        assert_eq!(
            contexts("{\"speaker\":\"Moderator\",\"text\":\"Apa?\"}\n", &lines),
            [true]
        );
    }
}
