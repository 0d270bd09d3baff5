//! Delimited tables (CSV, TSV and similar), read strictly.
//!
//! The `csv` crate silently swallows the rest of the file after a stray quote. Here the quoting
//! state is tracked, so that an unclosed quote is reported where it opened. Records keep their
//! bytes: cells that are not ours are written back as they were read.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::io::{BufRead, Cursor};
use std::ops::Range;

use memchr::memchr2;

use super::header::{Heading, TopRow, header, named};
use super::quoting::{unquote_into, unquoted};
use super::record::{Cells, Record, Rejected, RowLimits};
use super::sniff::check_head;
use super::source::{BUFFER, checked_text, keep_bytes, peeked, unreadable};
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
    /// Cells of the first rows of data.
    first: Vec<Vec<String>>,
    /// What was found out about the header.
    notes: Vec<String>,
    /// The first row of a table without a header, which was read to know its line end.
    waiting: Option<Found>,
    /// Buffers of rows that are no longer needed: texts and cell ranges.
    spare: Vec<(String, Vec<Range<usize>>)>,
}

impl Rows {
    pub(super) fn open(
        input: Box<dyn BufRead + Send>,
        name: &str,
        default: u8,
        named: Option<u8>,
        heading: Heading<'_>,
        limits: RowLimits,
    ) -> Result<Self> {
        let (head, mut input) = peeked(input, name)?;
        let bom = check_head(&head, name)?;
        input.consume(bom);
        let top = Top::of(&head[bom..], default, named);
        let mut lines = Records::new(input, name, top.delimiter, limits.kept);
        lines.offset = bom as u64;
        if top.has_mark {
            lines.next()?;
        }
        let mut rows = Self {
            lines,
            columns: Vec::new(),
            delimiter: top.delimiter,
            max_cell: limits.cell,
            bom: bom > 0,
            crlf: false,
            first: Vec::new(),
            notes: Vec::new(),
            waiting: None,
            spare: Vec::new(),
        };
        rows.find_header(&top, heading)?;
        Ok(rows)
    }

    /// Reads on to the first row of data, as the first rows tell it.
    fn find_header(&mut self, top: &Top, heading: Heading<'_>) -> Result<()> {
        let path = self.lines.name.clone();
        let empty = || Error::EmptyFile { path: path.clone() };
        let found = header(&top.rows, heading);
        let (row, data) = found.as_ref().map_or((Some(0), 1), |h| (h.row, h.data));
        let mut written = Vec::new();
        for at in 0..data.max(1) {
            let record = self.lines.next()?.ok_or_else(empty)?;
            if at == row.unwrap_or(0) {
                self.crlf = record.crlf;
                written = header_cells(&record, self.delimiter, &self.lines.name)?;
            }
            if data == 0 {
                self.waiting = Some(record);
            }
        }
        if written.iter().all(|c| c.trim().is_empty()) {
            return Err(empty());
        }
        let found = found.unwrap_or_default();
        // A name stays as written unless an upper header gave it.
        let names: Vec<String> = if row.is_none() {
            found.names
        } else {
            (0..written.len().max(found.names.len()))
                .map(|at| match (written.get(at), found.names.get(at)) {
                    (Some(own), _) if !own.trim().is_empty() => own.clone(),
                    (_, given) => given.cloned().unwrap_or_default(),
                })
                .collect()
        };
        let (columns, notes) = named(&names, 0);
        self.columns = columns;
        self.notes = found.notes.into_iter().chain(notes).collect();
        let rows = top.rows.iter().skip(data);
        self.first = rows.map(|row| row.cells.clone()).collect();
        Ok(())
    }

    /// The cells of the first rows of data.
    pub(super) fn first_rows(&self) -> &[Vec<String>] {
        &self.first
    }

    /// What was found out about the header.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
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
        let found = match self.waiting.take() {
            Some(found) => found,
            None => match self.lines.next()? {
                Some(found) => found,
                None => return Ok(None),
            },
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
        if places.len() == 1 && self.columns.len() > 1 && self.lines.is_at_end() {
            return Err(RowFault::Footer {
                expected: self.columns.len(),
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
    delimiter: u8,
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
    fn new(input: Box<dyn BufRead + Send>, name: &str, delimiter: u8, keep: usize) -> Self {
        Self {
            input,
            name: name.to_string(),
            delimiter,
            line: 1,
            offset: 0,
            keep,
            spare: Vec::new(),
        }
    }

    /// Whether nothing more is in the file than line ends.
    fn is_at_end(&mut self) -> bool {
        // The next read reports the fault.
        let rest = self.input.fill_buf().unwrap_or_default();
        rest.iter().all(|b| matches!(b, b'\n' | b'\r'))
    }

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
                used += quoting.run(&chunk[used..], self.delimiter);
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
                let next = quoting.after(byte, self.delimiter);
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

/// The first rows of a table, and what tells its cells apart.
struct Top {
    delimiter: u8,
    rows: Vec<TopRow>,
    /// Whether the first line is `sep=;`, which Excel writes and reads.
    has_mark: bool,
}

impl Top {
    /// Most rows that are examined.
    const ROWS: usize = 100;

    /// The top of a table that begins with `head`. The named delimiter is used, else the one of
    /// the first line, else the one that cuts the first rows best.
    fn of(head: &[u8], default: u8, named: Option<u8>) -> Self {
        let marked = marked_delimiter(head);
        let rest = match marked {
            Some(_) => memchr::memchr(b'\n', head).map_or(&[][..], |end| &head[end + 1..]),
            None => head,
        };
        let tried = match named.or(marked) {
            Some(delimiter) => vec![delimiter],
            None => DELIMITERS.to_vec(),
        };
        let cut = tried.into_iter().map(|d| (d, top_rows(rest, d)));
        let cut: Vec<(u8, Vec<TopRow>)> = cut.collect();
        let best = best_cut(&cut, default);
        let (delimiter, mut rows) = cut.into_iter().nth(best).unwrap_or((default, Vec::new()));
        let above = u64::from(marked.is_some());
        rows.iter_mut().for_each(|row| row.line += above);
        Self {
            delimiter,
            rows,
            has_mark: marked.is_some(),
        }
    }
}

/// The delimiter in a first line `sep=;`.
fn marked_delimiter(head: &[u8]) -> Option<u8> {
    let line = head.split(|b| *b == b'\n').next()?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let inner = line.strip_prefix(b"\"").and_then(|l| l.strip_suffix(b"\""));
    match inner.unwrap_or(line) {
        [s, e, p, b'=', delimiter] if [*s, *e, *p].eq_ignore_ascii_case(b"sep") => Some(*delimiter),
        _ => None,
    }
}

/// The first rows, cut by a delimiter; without a last one that the head may have cut off.
fn top_rows(head: &[u8], delimiter: u8) -> Vec<TopRow> {
    let is_cut = head.len() >= BUFFER / 2;
    let whole = if is_cut { head.len() } else { usize::MAX };
    let mut records = Records::new(
        Box::new(Cursor::new(head.to_vec())),
        "",
        delimiter,
        head.len(),
    );
    let mut rows = Vec::new();
    while rows.len() < Top::ROWS
        && let Ok(Some(found)) = records.next()
        && (records.offset as usize) < whole
    {
        let mut places = Vec::new();
        // The reader reports rows that cannot be split.
        let _ = split(&found.raw, delimiter, &mut places);
        let line = String::from_utf8_lossy(&found.raw);
        let is_text = matches!(line, Cow::Borrowed(_));
        let cell = |place| unquoted(&line[place]).into_owned();
        let cells = places.into_iter().filter(|_| is_text).map(cell);
        rows.push(TopRow {
            line: found.line,
            cells: cells.collect(),
        });
    }
    rows
}

/// The position of the delimiter that cuts most rows into equally many cells. A mark before a
/// space is one of prose. A tab implied by the suffix is used if it cuts any row.
fn best_cut(cut: &[(u8, Vec<TopRow>)], default: u8) -> usize {
    let score = |(delimiter, rows): &(u8, Vec<TopRow>)| {
        let (alike, width) = usual_width(rows);
        let spaced = |row: &TopRow| {
            row.cells
                .iter()
                .skip(1)
                .filter(|c| c.starts_with(' '))
                .count()
        };
        let cuts: usize = rows
            .iter()
            .map(|row| row.cells.len().saturating_sub(1))
            .sum();
        let is_prose = rows.iter().map(spaced).sum::<usize>() * 2 > cuts;
        let weight = if is_prose { 1 } else { 2 };
        let is_default = *delimiter == default;
        let is_implied = is_default && default == b'\t' && alike > 0;
        (is_implied, alike * weight, width, is_default)
    };
    let best = (0..cut.len()).max_by_key(|at| (score(&cut[*at]), Reverse(*at)));
    let fallback = cut.iter().position(|(delimiter, _)| *delimiter == default);
    match best {
        Some(best) if usual_width(&cut[best].1).0 > 0 => best,
        _ => fallback.unwrap_or(0),
    }
}

/// How many rows have the usual number of cells, which is at least two, and that number.
fn usual_width(rows: &[TopRow]) -> (usize, usize) {
    let mut widths: Vec<usize> = rows.iter().map(|row| row.cells.len()).collect();
    widths.retain(|width| *width > 1);
    widths.sort_unstable();
    let groups = widths.chunk_by(|a, b| a == b);
    groups
        .map(|group| (group.len(), group[0]))
        .max()
        .unwrap_or((0, 0))
}

/// The cells of the header as written.
fn header_cells(header: &Found, delimiter: u8, name: &str) -> Result<Vec<String>> {
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
    let cells = fields.into_iter().map(|f| unquoted(&line[f]).into_owned());
    Ok(cells.collect())
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
        let mut reader =
            Reader::from_stream(Box::new(Cursor::new(bytes.to_vec())), "in.csv", &options)?;
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
    fn a_last_line_of_one_cell_is_told_from_a_broken_row() {
        let codes = |file: &[u8]| -> Vec<&str> {
            let found = rows(file).unwrap();
            found
                .iter()
                .filter_map(|r| r.as_ref().err().map(|r| r.fault.code()))
                .collect()
        };
        assert_eq!(
            codes(b"id,text\n1,a\nx\n2,b\nTotal: 2\r\n\n"),
            ["K0301", "K0317"]
        );
        assert_eq!(codes(b"id,text\n1,a\n2,b,c\n"), ["K0301"]);
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

    /// The columns and the notes of a table.
    fn layout(file: &'static str) -> (Vec<String>, Vec<String>) {
        let reader = Reader::from_stream(Box::new(file.as_bytes()), "in", &ReadOptions::default());
        let layout = reader.unwrap().layout().clone();
        (layout.columns, layout.notes)
    }

    #[test]
    fn the_delimiter_is_judged_over_the_first_rows() {
        for file in [
            "No, kanal, tahun;tanggal (hari, bulan);keluhan, lengkap\n1;2;air, mati\n2;3;x\n",
            "id;keluhan\n1;air, mati\n2;loket, tutup\n3;obat, kosong\n",
            "sep=;\nid;keluhan\n1;a,b\n",
        ] {
            let reader =
                Reader::from_stream(Box::new(file.as_bytes()), "in", &ReadOptions::default());
            assert_eq!(
                reader.unwrap().layout().format,
                crate::ingest::Format::Delimited(b';')
            );
        }
        let (columns, _) = layout("id, text\n1, a\n2, b\n");
        assert_eq!(columns, ["id", " text"]);
    }

    #[test]
    fn lines_above_the_header_are_passed_over_and_rows_keep_their_line() {
        let file = "\"sep=,\"\r\nRekap\r\n\r\nid,text\r\n1,a\r\n2,b\r\n";
        let found = rows(file.as_bytes()).unwrap();
        assert_eq!(found[0].as_ref().unwrap().line, 5);
        assert_eq!(found.len(), 2);
        assert!(layout(file).1[0].starts_with("line 2 above"));
    }

    #[test]
    fn blank_and_repeated_names_are_columns() {
        assert_eq!(
            layout("id,text,,\n1,a,,\n").0,
            ["id", "text", "column C", "column D"]
        );
        assert_eq!(
            layout("text,id,id\na,1,2\n").0,
            ["text", "id", "id (column C)"]
        );
    }

    #[test]
    fn a_table_without_a_header_keeps_its_first_row() {
        let file = "\"T-1\",Air mati sejak Senin.\nT-2,\"Loket, katanya, tutup.\"\n";
        let options = ReadOptions {
            no_header: true,
            ..ReadOptions::default()
        };
        let mut reader = Reader::from_stream(Box::new(file.as_bytes()), "in", &options).unwrap();
        assert_eq!(reader.layout().columns, ["column A", "column B"]);
        let first = reader.next_row().unwrap().unwrap().unwrap();
        assert_eq!(
            (first.line, first.text.as_str()),
            (1, "Air mati sejak Senin.")
        );
        assert_eq!(reader.next_row().unwrap().unwrap().unwrap().line, 2);
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
