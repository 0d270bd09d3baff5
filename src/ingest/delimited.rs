//! Delimited tables (CSV, TSV and similar), read strictly.
//!
//! The `csv` crate silently swallows the rest of the file after a stray quote. Here the quoting
//! state is tracked, so that an unclosed quote is reported where it opened. Records keep their
//! bytes: cells that are not ours are written back as they were read.

use std::io::BufRead;
use std::ops::Range;

use memchr::memchr2;

use super::quoting::{unquote_into, unquoted};
use super::record::{Cells, Record, Rejected, RowLimits};
use super::sniff::check_head;
use super::source::{checked_text, columns_once, keep_bytes, unreadable};
use crate::error::{Error, Location, Result, RowFault};

const QUOTE: u8 = b'"';
/// Delimiters that are tried if none is named.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

pub(super) struct Rows {
    lines: Records,
    columns: Vec<String>,
    delimiter: u8,
    max_cell: usize,
    bom: bool,
    crlf: bool,
    /// Buffers of rows that are no longer needed: texts and cell ranges.
    spare: Vec<(String, Vec<Range<usize>>)>,
}

impl Rows {
    pub(super) fn open(
        mut input: Box<dyn BufRead + Send>,
        name: &str,
        default: u8,
        named: Option<u8>,
        limits: RowLimits,
    ) -> Result<Self> {
        let head = input.fill_buf().map_err(|e| unreadable(name, e))?;
        let bom = check_head(head, name)?;
        input.consume(bom);
        let mut lines = Records {
            input,
            name: name.to_string(),
            delimiter: named,
            line: 1,
            offset: bom as u64,
            keep: limits.kept,
            spare: Vec::new(),
        };
        let header = lines.next()?.ok_or_else(|| Error::EmptyFile {
            path: name.to_string(),
        })?;
        let delimiter = named.unwrap_or_else(|| sniff_delimiter(&header.raw, default));
        lines.delimiter = Some(delimiter);
        let columns = header_columns(&header, delimiter, name)?;
        Ok(Self {
            lines,
            columns,
            delimiter,
            max_cell: limits.cell,
            bom: bom > 0,
            crlf: header.crlf,
            spare: Vec::new(),
        })
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    pub(super) fn bom(&self) -> bool {
        self.bom
    }

    pub(super) fn crlf(&self) -> bool {
        self.crlf
    }

    /// Keeps the buffers of a row for reuse.
    pub(super) fn reuse(&mut self, record: Record) {
        let Record {
            mut raw,
            mut text,
            cells,
            ..
        } = record;
        if let Cells::Delimited { mut places, .. } = cells
            && raw.capacity() <= SPARE_BYTES
            && self.spare.len() < SPARE
        {
            raw.clear();
            text.clear();
            places.clear();
            self.lines.spare.push(raw);
            self.spare.push((text, places));
        }
    }

    pub(super) fn next_row(&mut self, text: usize) -> Result<Option<Result<Record, Rejected>>> {
        let Some(found) = self.lines.next()? else {
            return Ok(None);
        };
        Ok(Some(match self.statement(&found, text) {
            Ok((text, places)) => Ok(Record {
                line: found.line,
                text,
                raw: found.raw,
                is_context: false,
                cells: Cells::Delimited {
                    delimiter: self.delimiter,
                    places,
                },
            }),
            Err(fault) => Err(Rejected {
                at: Location::new(&self.lines.name, found.line, fault_column(&fault, &found)),
                last_line: found.last_line,
                fault,
                raw: found.raw,
            }),
        }))
    }

    /// The text of a row and the byte ranges of its cells.
    fn statement(
        &mut self,
        found: &Found,
        text: usize,
    ) -> Result<(String, Vec<Range<usize>>), RowFault> {
        if found.length > found.raw.len() {
            return Err(RowFault::CellTooLong {
                bytes: found.length,
                limit: self.max_cell,
            });
        }
        let line = checked_text(&found.raw, found.offset)?;
        let (mut statement, mut places) = self.spare.pop().unwrap_or_default();
        split(&found.raw, self.delimiter, &mut places)?;
        if let Some(field) = places.iter().find(|f| f.len() > self.max_cell) {
            return Err(RowFault::CellTooLong {
                bytes: field.len(),
                limit: self.max_cell,
            });
        }
        if places.len() != self.columns.len() {
            return Err(RowFault::Ragged {
                expected: self.columns.len(),
                got: places.len(),
            });
        }
        unquote_into(&mut statement, &line[places[text].clone()]);
        Ok((statement, places))
    }
}

fn fault_column(fault: &RowFault, found: &Found) -> u64 {
    match fault {
        RowFault::Nul { byte } | RowFault::NotUtf8 { byte } => {
            let within = (byte - found.offset) as usize;
            let line_start = found.raw[..within]
                .iter()
                .rposition(|&b| b == b'\n')
                .map_or(0, |p| p + 1);
            (within - line_start) as u64 + 1
        }
        _ => 0,
    }
}

/// One record of the file: its bytes and position.
struct Found {
    raw: Vec<u8>,
    /// Its length in the file; more than `raw` holds if it was truncated.
    length: usize,
    line: u64,
    /// The line where it ends.
    last_line: u64,
    offset: u64,
    /// Whether it ended in CR LF.
    crlf: bool,
}

/// Splits a stream into records.
struct Records {
    input: Box<dyn BufRead + Send>,
    name: String,
    /// Unknown until the header is read; until then any candidate ends a cell.
    delimiter: Option<u8>,
    line: u64,
    offset: u64,
    keep: usize,
    /// Buffers of records that are no longer needed.
    spare: Vec<Vec<u8>>,
}

/// Number of buffers that are kept, and the largest size kept.
const SPARE: usize = 8192;
const SPARE_BYTES: usize = 4096;

impl Records {
    /// The next record that is not a blank line.
    fn next(&mut self) -> Result<Option<Found>> {
        loop {
            let Some(found) = self.record()? else {
                return Ok(None);
            };
            if !found.raw.is_empty() || found.length > 0 {
                return Ok(Some(found));
            }
        }
    }

    fn record(&mut self) -> Result<Option<Found>> {
        let mut found = Found {
            raw: self.spare.pop().unwrap_or_default(),
            length: 0,
            line: self.line,
            last_line: self.line,
            offset: self.offset,
            crlf: false,
        };
        let mut quoting = Quoting::FieldStart;
        let mut opened = Location::new(&self.name, self.line, 1);
        let mut ended = false;
        while !ended {
            let chunk = self
                .input
                .fill_buf()
                .map_err(|e| unreadable(&self.name, e))?;
            if chunk.is_empty() {
                if quoting == Quoting::Quoted {
                    return Err(Error::OpenQuote { at: opened });
                }
                break;
            }
            let mut used = 0;
            let mut line_start = 0;
            loop {
                used += self.delimiter.map_or(0, |d| quoting.run(&chunk[used..], d));
                let Some(&byte) = chunk.get(used) else { break };
                used += 1;
                if byte == b'\n' {
                    self.line += 1;
                    if quoting != Quoting::Quoted {
                        ended = true;
                        break;
                    }
                    line_start = used;
                }
                let next = quoting.after(byte, self.delimiter.unwrap_or(byte_as_delimiter(byte)));
                if next == Quoting::Quoted && quoting == Quoting::FieldStart {
                    opened = Location::new(&self.name, self.line, (used - line_start) as u64);
                }
                quoting = next;
            }
            found.length += keep_bytes(&mut found.raw, &chunk[..used], self.keep);
            self.offset += used as u64;
            self.input.consume(used);
        }
        if found.length == 0 {
            return Ok(None);
        }
        found.last_line = self.line - u64::from(ended);
        found.crlf = found.raw.ends_with(b"\r\n");
        trim_line_end(&mut found);
        Ok(Some(found))
    }
}

fn trim_line_end(found: &mut Found) {
    if found.length > found.raw.len() {
        return;
    }
    if found.raw.last() == Some(&b'\n') {
        found.raw.pop();
    }
    while found.raw.last() == Some(&b'\r') {
        found.raw.pop();
    }
    found.length = found.raw.len();
}

/// Quoting state of the CSV scanner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quoting {
    FieldStart,
    Plain,
    Quoted,
    /// After a quote inside a quoted cell: it closes the cell or starts an escaped quote.
    QuoteInQuoted,
    /// Text after a closing quote: an error; the rest is read as plain.
    AfterQuote,
}

impl Quoting {
    /// The number of bytes that neither change the state nor end a line.
    fn run(self, bytes: &[u8], delimiter: u8) -> usize {
        let end = match self {
            Self::Plain => memchr2(delimiter, b'\n', bytes),
            Self::Quoted => memchr2(QUOTE, b'\n', bytes),
            Self::FieldStart | Self::QuoteInQuoted | Self::AfterQuote => Some(0),
        };
        end.unwrap_or(bytes.len())
    }

    fn after(self, byte: u8, delimiter: u8) -> Self {
        match self {
            Self::Quoted if byte == QUOTE => Self::QuoteInQuoted,
            Self::Quoted => Self::Quoted,
            Self::FieldStart | Self::QuoteInQuoted if byte == QUOTE => Self::Quoted,
            _ if byte == delimiter => Self::FieldStart,
            Self::QuoteInQuoted if byte == b'\r' => Self::QuoteInQuoted,
            Self::QuoteInQuoted | Self::AfterQuote => Self::AfterQuote,
            Self::FieldStart | Self::Plain => Self::Plain,
        }
    }
}

/// The byte ranges of a record's cells, quotes included.
fn split(raw: &[u8], delimiter: u8, fields: &mut Vec<Range<usize>>) -> Result<(), RowFault> {
    fields.clear();
    let mut quoting = Quoting::FieldStart;
    let (mut start, mut next) = (0, 0);
    loop {
        next += quoting.run(&raw[next..], delimiter);
        let (i, Some(&byte)) = (next, raw.get(next)) else {
            break;
        };
        next += 1;
        quoting = quoting.after(byte, delimiter);
        match quoting {
            Quoting::FieldStart => {
                fields.push(start..i);
                start = i + 1;
            }
            Quoting::AfterQuote => return Err(RowFault::AfterQuote),
            _ => {}
        }
    }
    fields.push(start..raw.len());
    Ok(())
}

/// `byte` if it is a candidate delimiter, else a candidate that differs from it.
fn byte_as_delimiter(byte: u8) -> u8 {
    if DELIMITERS.contains(&byte) {
        byte
    } else {
        b','
    }
}

/// The delimiter that splits the header into most cells; the default if none does. A tab implied
/// by the suffix is used if it splits the header at all.
fn sniff_delimiter(header: &[u8], default: u8) -> u8 {
    let cells = |delimiter: u8| {
        let mut fields = Vec::new();
        split(header, delimiter, &mut fields).map_or(0, |()| fields.len())
    };
    if default == b'\t' && cells(default) > 1 {
        return default;
    }
    let best = DELIMITERS
        .into_iter()
        .max_by_key(|&d| (cells(d), d == default));
    best.filter(|&d| cells(d) > 1).unwrap_or(default)
}

fn header_columns(header: &Found, delimiter: u8, name: &str) -> Result<Vec<String>> {
    let fault = |fault| Error::Row {
        at: Location::new(name, header.line, 0),
        fault,
    };
    if header.length > header.raw.len() {
        let bytes = header.length;
        return Err(fault(RowFault::CellTooLong {
            bytes,
            limit: header.raw.len(),
        }));
    }
    if header.raw.contains(&b'\r') && !header.raw.contains(&QUOTE) {
        return Err(fault(RowFault::LoneCarriageReturn));
    }
    let line = checked_text(&header.raw, header.offset).map_err(fault)?;
    let mut fields = Vec::new();
    split(&header.raw, delimiter, &mut fields).map_err(fault)?;
    let columns: Vec<String> = fields
        .into_iter()
        .map(|f| unquoted(&line[f]).into_owned())
        .collect();
    if columns.iter().all(|c| c.trim().is_empty()) {
        return Err(Error::EmptyFile {
            path: name.to_string(),
        });
    }
    columns_once(&columns, name)?;
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ingest::options::MIN_KEPT;
    use crate::ingest::{ReadOptions, Reader};

    fn rows(bytes: &[u8]) -> Result<Vec<Result<Record, Rejected>>> {
        let options = ReadOptions {
            max_cell: 1000,
            text_column: Some("text".into()),
            format: Some(crate::ingest::Format::CSV),
            encoding: crate::ingest::Charset::named("utf-8"),
            ..ReadOptions::default()
        };
        let mut reader = Reader::from_stream(
            Box::new(std::io::Cursor::new(bytes.to_vec())),
            "in.csv",
            &options,
        )?;
        let mut all = Vec::new();
        while let Some(row) = reader.next_row()? {
            all.push(row);
        }
        Ok(all)
    }

    fn texts(bytes: &[u8]) -> Vec<String> {
        rows(bytes)
            .unwrap()
            .into_iter()
            .map(|r| r.unwrap().text)
            .collect()
    }

    #[test]
    fn quoted_cells_hold_delimiters_quotes_and_line_breaks() {
        assert_eq!(
            texts(b"id,text\n1,\"a, \"\"b\"\"\nc\"\r\n2,d\n"),
            ["a, \"b\"\nc", "d"]
        );
    }

    #[test]
    fn lines_are_counted_through_quoted_line_breaks() {
        let found = rows(b"id,text\n1,\"a\nb\"\n\n2,c\n").unwrap();
        assert_eq!(found[1].as_ref().unwrap().line, 5);
    }

    #[test]
    fn semicolons_tabs_and_bars_are_found_by_the_header() {
        for file in [
            &b"id;text\n1;a, b\n"[..],
            b"id\ttext\n1\ta, b\n",
            b"id|text\n1|a, b\n",
        ] {
            assert_eq!(texts(file), ["a, b"]);
        }
    }

    #[test]
    fn a_header_may_hold_quoted_line_breaks_under_any_delimiter() {
        assert_eq!(texts(b"id;\"cat\natan\";text\n1;x;a, b\n"), ["a, b"]);
    }

    #[test]
    fn old_mac_line_ends_are_refused_rather_than_read_as_nothing() {
        let error = rows(b"text,id\rJalan rusak,1\r").unwrap_err().to_string();
        assert!(error.contains("carriage return"), "{error}");
    }

    #[test]
    fn a_quote_that_never_closes_is_named_where_it_opened() {
        let error = rows(b"id,text\n1,a\n2,\"b\n3,c\n").unwrap_err();
        assert!(
            matches!(&error, Error::OpenQuote { at } if (at.line, at.column) == (3, 3)),
            "{error}"
        );
    }

    #[test]
    fn a_bad_row_is_rejected_and_the_next_is_read() {
        let found = rows(b"id,text\n1\n2,\"a\"b\n3,x\0\n4,\xFF\n5,ok\n").unwrap();
        let faults: Vec<_> = found
            .iter()
            .filter_map(|r| r.as_ref().err().map(|r| r.fault.code()))
            .collect();
        assert_eq!(faults, ["K0301", "K0305", "K0303", "K0302"]);
        assert_eq!(found.last().unwrap().as_ref().unwrap().text, "ok");
    }

    #[test]
    fn a_cell_beyond_the_limit_is_rejected_without_being_held() {
        let mut file = b"id,text\n1,".to_vec();
        file.extend(std::iter::repeat_n(b'x', 3_000_000));
        file.extend_from_slice(b"\n2,ok\n");
        let found = rows(&file).unwrap();
        let rejected = found[0].as_ref().unwrap_err();
        assert!(
            matches!(
                rejected.fault,
                RowFault::CellTooLong {
                    bytes: 3_000_003,
                    ..
                }
            ),
            "{}",
            rejected.fault
        );
        assert!(rejected.raw.len() <= MIN_KEPT);
        assert_eq!(found[1].as_ref().unwrap().text, "ok");
    }

    proptest! {
        /// Reads back cell by cell what the csv crate writes.
        #[test]
        fn reads_what_the_csv_crate_writes(table in prop::collection::vec(("[a-z0-9]{1,4}", "\\PC*[,\"\n]?\\PC*"), 1..8)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["id", "text"]).unwrap();
            for (id, text) in &table {
                writer.write_record([id, text]).unwrap();
            }
            let file = writer.into_inner().unwrap();
            prop_assert_eq!(texts(&file), table.into_iter().map(|(_, t)| t).collect::<Vec<_>>());
        }

        /// No bytes cause a panic or a wrong position in the file.
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut file = b"id,text\n".to_vec();
            file.extend(bytes);
            let _ = rows(&file);
        }
    }
}
