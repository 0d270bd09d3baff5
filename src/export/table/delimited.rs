//! Delimited tables: CSV, TSV and similar (RFC 4180).

use super::{Cell, Look, Row, TableFormat, TableHead, TableWriter};
use crate::error::{Result, RowFault};
use crate::ingest::{Record, needs_quotes, write_cell};

/// Comma-separated values. Uses the input's delimiter if it has one, but never a tab.
pub(super) const CSV: TableFormat = TableFormat {
    name: "csv",
    suffixes: &["csv"],
    nests: false,
    open: |head| {
        let delimiter = head.look.delimiter.filter(|d| *d != b'\t');
        Delimited::open(head, delimiter.unwrap_or(b','))
    },
};

/// Tab-separated values.
pub(super) const TSV: TableFormat = TableFormat {
    name: "tsv",
    suffixes: &["tsv", "tab"],
    nests: false,
    open: |head| Delimited::open(head, b'\t'),
};

/// The UTF-8 byte-order mark.
const BOM: &[u8] = b"\xEF\xBB\xBF";

struct Delimited {
    head: TableHead,
    delimiter: u8,
}

impl Delimited {
    fn open(head: TableHead, delimiter: u8) -> Box<dyn TableWriter> {
        Box::new(Self { head, delimiter })
    }

    fn end(&self, line: &mut Vec<u8>) {
        let Look { crlf, .. } = self.head.look;
        line.extend_from_slice(if crlf { b"\r\n" } else { b"\n" });
    }

    fn cells(&self, cells: impl Iterator<Item = impl AsRef<str>>, line: &mut Vec<u8>) {
        for (i, cell) in cells.enumerate() {
            if i > 0 {
                line.push(self.delimiter);
            }
            write_cell(line, cell.as_ref(), self.delimiter);
        }
    }

    /// The row of the input: its raw bytes if the input has the same delimiter.
    fn record(&self, record: &Record, line: &mut Vec<u8>) -> Result<(), RowFault> {
        if record.is_cut_by(self.delimiter) {
            line.extend_from_slice(&record.raw);
            return Ok(());
        }
        if let Some((key, _)) = record.strays().next() {
            let key = key.to_string();
            return Err(RowFault::StrayKey { key });
        }
        self.cells(record.cells().iter(), line);
        Ok(())
    }
}

impl TableWriter for Delimited {
    fn header(&self) -> Result<Vec<u8>> {
        let mut line = if self.head.look.bom {
            BOM.to_vec()
        } else {
            Vec::new()
        };
        let input = self.head.input.iter().flat_map(|input| &input.columns);
        self.cells(input.chain(&self.head.columns), &mut line);
        self.end(&mut line);
        Ok(line)
    }

    fn row(&self, row: Row<'_>, line: &mut Vec<u8>) -> Result<(), RowFault> {
        if let Some(record) = row.record {
            self.record(record, line)?;
        }
        for (i, cell) in row.cells.iter().enumerate() {
            if i > 0 || row.record.is_some() {
                line.push(self.delimiter);
            }
            match cell {
                Cell::Blank | Cell::Shares(_) => {}
                Cell::Plain(text) => line.extend_from_slice(text.as_bytes()),
                Cell::Text(text) => write_cell(line, text, self.delimiter),
                Cell::Share(share) => write_share(line, *share),
            }
        }
        self.end(line);
        Ok(())
    }

    fn takes_as_it_is(&self, word: &str) -> bool {
        !needs_quotes(word, self.delimiter)
    }
}

/// Writes a share with four decimals.
fn write_share(line: &mut Vec<u8>, share: f64) {
    let parts = (share * 1e4).round() as u32;
    let digit = |place: u32| b'0' + (parts / place % 10) as u8;
    line.extend_from_slice(&[digit(10_000), b'.']);
    line.extend([1000, 100, 10, 1].map(digit));
}
