//! One row of an input, read or refused.

use crate::error::{Error, Location, RowFault};

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
