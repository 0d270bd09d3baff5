//! Packed tables, cells as text: one sheet of a workbook (XLSX, ODS), or a Parquet file.
//!
//! A worker reads the sheet row by row, only a few rows ahead, so memory holds the shared strings
//! of a workbook but not its cells. The last message is the end or an error; if the worker exits
//! without it, the parser panicked.

mod ods;
#[cfg(feature = "parquet")]
mod parquet;
mod xlsx;

use std::collections::VecDeque;
use std::fs::File;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::archive::{self, Archive};
use super::header::{Heading, TopRow, header, named};
use super::record::{Record, Rejected, RowLimits};
use crate::error::{Error, Location, Result, RowFault};

/// Most columns of a sheet, the limit of Excel and `LibreOffice`.
const MAX_COLUMNS: usize = 16_384;
/// Rows within which the header must appear; titles and notes may come before it.
const TRIED: usize = 100;
/// Rows that the worker may be ahead.
const AHEAD: usize = 256;
/// Name of the threads that parse workbooks. A panic there is reported as [K0208](Error::code),
/// and a program may suppress the panic's own message.
pub const WORKER: &str = "konflik-workbook";

/// The sheet that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Its name.
    pub name: String,
    /// The other sheets, in order.
    pub others: Vec<String>,
    /// The row of the header, from 1; 0 if there is none.
    pub header_row: u64,
}

/// A row of a sheet with at least one cell that is not blank.
struct SheetRow {
    /// Number of the row, from 1.
    number: u64,
    cells: Vec<String>,
    /// Bytes of all cells; cells of a row above the limit are not kept.
    bytes: usize,
}

enum Message {
    Sheet { name: String, others: Vec<String> },
    Row(SheetRow),
    Failed(Error),
    End,
}

/// Receives the messages of a worker; `false` if the reader is gone.
struct Sink {
    sender: SyncSender<Message>,
    keep: usize,
}

impl Sink {
    fn send(&self, message: Message) -> bool {
        self.sender.send(message).is_ok()
    }
}

/// A row under construction.
struct Building {
    row: SheetRow,
    keep: usize,
}

impl Building {
    fn new(number: u64, keep: usize) -> Self {
        let cells = Vec::new();
        let row = SheetRow {
            number,
            cells,
            bytes: 0,
        };
        Self { row, keep }
    }

    /// Puts a text into a column; a blank text makes no cell.
    fn put(&mut self, column: usize, text: &str) {
        if text.is_empty() || column >= MAX_COLUMNS {
            return;
        }
        self.row.bytes += text.len();
        if self.row.bytes > self.keep {
            return;
        }
        if self.row.cells.len() <= column {
            self.row.cells.resize(column + 1, String::new());
        }
        self.row.cells[column] = text.to_string();
    }

    fn is_blank(&self) -> bool {
        self.row.bytes == 0
    }
}

/// Which sheet of a workbook is read, and how many bytes it may unpack to.
#[derive(Clone, Copy)]
pub(super) struct WantedSheet<'a> {
    pub(super) sheet: Option<&'a str>,
    pub(super) max_unpacked: u64,
}

pub(super) struct Rows {
    receiver: Receiver<Message>,
    name: String,
    sheet: Sheet,
    columns: Vec<String>,
    /// The first column of the table in its sheet.
    first: usize,
    max_cell: usize,
    keep: usize,
    /// What was found out about the header.
    notes: Vec<String>,
    /// Rows below the header that were read to find it.
    waiting: VecDeque<SheetRow>,
    ended: bool,
}

impl Rows {
    /// Opens a sheet of a workbook.
    pub(super) fn open(
        file: File,
        name: &str,
        wanted: WantedSheet<'_>,
        heading: Heading<'_>,
        limits: RowLimits,
    ) -> Result<Self> {
        let archive = archive::open(file, name, wanted.max_unpacked)?;
        let (of, wanted) = (name.to_string(), wanted.sheet.map(String::from));
        let mut rows = Self::sent(name, limits, move |sink| {
            read(archive, &of, wanted.as_deref(), sink)
        });
        rows.find_header(heading, TRIED)?;
        Ok(rows)
    }

    /// Opens a Parquet file, whose header is its first row.
    #[cfg(feature = "parquet")]
    pub(super) fn open_parquet(
        file: File,
        name: &str,
        max_unpacked: u64,
        limits: RowLimits,
    ) -> Result<Self> {
        let (of, limit) = (name.to_string(), max_unpacked);
        let mut rows = Self::sent(name, limits, move |sink| {
            parquet::read(file, &of, limit, sink)
        });
        rows.find_header(Heading::default(), 1)?;
        Ok(rows)
    }

    /// The rows sent by a worker. Its parser may panic on a damaged file, which ends the worker.
    fn sent(
        name: &str,
        limits: RowLimits,
        read: impl FnOnce(&Sink) -> Result<()> + Send + 'static,
    ) -> Self {
        let keep = limits.kept;
        let (sender, receiver) = sync_channel(AHEAD);
        let sink = Sink { sender, keep };
        let work = move || {
            let read = read(&sink);
            sink.send(read.map_or_else(Message::Failed, |()| Message::End));
        };
        // Without a thread nothing is sent, which is reported as an error.
        drop(thread::Builder::new().name(WORKER.into()).spawn(work));
        Self {
            receiver,
            name: name.to_string(),
            sheet: Sheet {
                name: String::new(),
                others: Vec::new(),
                header_row: 0,
            },
            columns: Vec::new(),
            first: 0,
            max_cell: limits.cell,
            keep,
            notes: Vec::new(),
            waiting: VecDeque::new(),
            ended: false,
        }
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn sheet(&self) -> Sheet {
        self.sheet.clone()
    }

    pub(super) fn next_row(&mut self, text: usize) -> Result<Option<Result<Record, Rejected>>> {
        let row = match self.waiting.pop_front() {
            Some(row) => Some(row),
            None => self.receive()?,
        };
        Ok(row.map(|row| self.record(&row, text)))
    }

    /// The next row from the worker.
    fn receive(&mut self) -> Result<Option<SheetRow>> {
        while !self.ended {
            match self.receiver.recv() {
                Ok(Message::Row(row)) => return Ok(Some(row)),
                Ok(Message::Sheet { name, others }) => {
                    (self.sheet.name, self.sheet.others) = (name, others);
                }
                Ok(Message::End) => self.ended = true,
                Ok(Message::Failed(error)) => {
                    self.ended = true;
                    return Err(error);
                }
                Err(_) => {
                    self.ended = true;
                    return Err(damaged(&self.name, &"its parser failed"));
                }
            }
        }
        Ok(None)
    }

    /// Finds the header among the first `tried` rows; a Parquet file has it in its first row.
    fn find_header(&mut self, heading: Heading<'_>, tried: usize) -> Result<()> {
        let mut rows = Vec::new();
        while rows.len() < tried
            && let Some(row) = self.receive()?
        {
            rows.push(row);
        }
        let of = |row: &SheetRow| TopRow {
            line: row.number,
            cells: row.cells.clone(),
        };
        let top: Vec<TopRow> = rows.iter().map(of).collect();
        let Some(found) = header(&top, heading) else {
            return Err(Error::EmptyFile {
                path: self.name.clone(),
            });
        };
        self.sheet.header_row = found.row.map_or(0, |row| rows[row].number);
        let below = rows.split_off(found.data);
        let mut names = found.names;
        let is_named = |name: &String| !name.is_empty();
        let begin = |row: &SheetRow| row.cells.iter().position(is_named);
        let first = below.iter().filter_map(begin).min();
        let named_first = names.iter().position(is_named);
        self.first = named_first.into_iter().chain(first).min().unwrap_or(0);
        let widths = below.iter().map(|row| row.cells.len());
        names.resize(widths.max().unwrap_or(0).max(names.len()), String::new());
        let (columns, notes) = named(&names[self.first..], self.first);
        self.columns = columns;
        self.notes = found.notes.into_iter().chain(notes).collect();
        self.waiting = below.into();
        Ok(())
    }

    /// The cells of the first rows of data.
    pub(super) fn first_rows(&self) -> Vec<Vec<String>> {
        let cells = |row: &SheetRow| row.cells.get(self.first..).map(<[String]>::to_vec);
        let rows = self.waiting.iter().map(cells);
        rows.map(Option::unwrap_or_default).collect()
    }

    /// What was found out about the header.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    fn record(&self, row: &SheetRow, text: usize) -> Result<Record, Rejected> {
        let cells = row.cells.get(self.first..).unwrap_or_default();
        let longest = row.cells.iter().map(String::len).max().unwrap_or(0);
        let fault = if row.bytes > self.keep || longest > self.max_cell {
            Some(RowFault::CellTooLong {
                bytes: if row.bytes > self.keep {
                    row.bytes
                } else {
                    longest
                },
                limit: self.max_cell,
            })
        } else if cells.len() > self.columns.len()
            || row.cells.iter().take(self.first).any(|c| !c.is_empty())
        {
            Some(RowFault::Ragged {
                expected: self.columns.len(),
                got: row.cells.len(),
            })
        } else {
            None
        };
        let cell = |column: usize| cells.get(column).map_or("", String::as_str);
        let all = (0..self.columns.len()).map(cell);
        let record = Record::of_cells(row.number, all, cell(text).to_string());
        match fault {
            Some(fault) => Err(Rejected {
                at: Location::new(&self.name, row.number, 0),
                last_line: row.number,
                fault,
                raw: record.raw,
            }),
            None => Ok(record),
        }
    }
}

fn read(mut archive: Archive, name: &str, wanted: Option<&str>, sink: &Sink) -> Result<()> {
    if archive.by_name("content.xml").is_ok() {
        ods::read(&mut archive, name, wanted, sink)
    } else {
        xlsx::read(archive.into_inner(), name, wanted, sink)
    }
}

/// The requested sheet, else of those that hold most the first that is not hidden.
fn chosen<'a>(sheets: &'a [Candidate], name: &str, wanted: Option<&str>) -> Result<&'a Candidate> {
    let found = if let Some(wanted) = wanted {
        sheets.iter().find(|s| s.name == wanted)
    } else {
        let filled = sheets.iter().filter(|s| s.filling > Filling::Nothing);
        filled.rev().max_by_key(|s| (!s.is_hidden, s.filling))
    };
    found.ok_or_else(|| match wanted {
        Some(wanted) => Error::MissingSheet {
            path: name.to_string(),
            wanted: wanted.to_string(),
            found: sheets.iter().map(|s| s.name.clone()).collect(),
        },
        None => Error::EmptyFile {
            path: name.to_string(),
        },
    })
}

/// A sheet that may be read.
struct Candidate {
    name: String,
    is_hidden: bool,
    filling: Filling,
}

/// What a sheet holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Filling {
    Nothing,
    /// A title or a remark: fewer than three rows, of one cell each.
    Note,
    /// More than that.
    Table,
}

/// Counts the rows and cells of a sheet, as far as they tell what it holds.
#[derive(Debug, Default)]
struct Counting {
    rows: u32,
    last: Option<u32>,
    is_wide: bool,
}

impl Counting {
    const ROWS_OF_NOTE: u32 = 2;

    /// Counts a cell with content in that row; whether the sheet is known to hold a table.
    fn is_table_with(&mut self, row: u32) -> bool {
        if self.last == Some(row) {
            self.is_wide = true;
        } else {
            self.rows += 1;
            self.last = Some(row);
        }
        self.found() == Filling::Table
    }

    fn found(&self) -> Filling {
        match self.rows {
            0 => Filling::Nothing,
            rows if rows > Self::ROWS_OF_NOTE || self.is_wide => Filling::Table,
            _ => Filling::Note,
        }
    }
}

fn announcement(sheet: &str, sheets: &[Candidate]) -> Message {
    let others = sheets.iter().map(|s| s.name.clone());
    Message::Sheet {
        name: sheet.to_string(),
        others: others.filter(|other| other != sheet).collect(),
    }
}

fn damaged(name: &str, reason: &impl ToString) -> Error {
    Error::Workbook {
        path: name.to_string(),
        reason: reason.to_string(),
    }
}

/// A number as people write it: whole numbers without decimals.
fn number_text(value: f64) -> String {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        format!("{}", value as i64)
    } else {
        format!("{value}")
    }
}

#[cfg(test)]
mod tests;
