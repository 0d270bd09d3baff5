//! Rejected rows as JSON lines.

use serde_json::json;

use crate::base::output::Output;
use crate::corpus::LeftOut;
use crate::error::{Error, Location, Result};
use crate::ingest::{Rejected, hex};

/// A rejected row as a JSON line: position, reason and bytes (as hex digits if they are not UTF-8).
pub fn rejected_json(rejected: &Rejected) -> Vec<u8> {
    let Rejected { at, last_line, .. } = rejected;
    let fault = &rejected.fault;
    row_json(
        at,
        *last_line,
        fault.code(),
        &fault.to_string(),
        &rejected.raw,
    )
}

/// The same for a row that is not a coded statement.
pub fn left_out_json(row: &LeftOut) -> Vec<u8> {
    let message = row.error.to_string();
    row_json(&row.at, row.last_line, row.error.code(), &message, &row.raw)
}

fn row_json(at: &Location, last_line: u64, code: &str, message: &str, raw: &[u8]) -> Vec<u8> {
    let (key, raw) = match std::str::from_utf8(raw) {
        Ok(text) => ("raw", text.to_string()),
        Err(_) => ("raw_hex", hex(raw)),
    };
    let object = json!({
        "path": at.path,
        "line": at.line,
        "last_line": last_line,
        "column": at.column,
        "code": code,
        "message": message,
        key: raw,
    });
    format!("{object}\n").into_bytes()
}

/// A file that could not be read, as a JSON line: the reason, and the position if the message has
/// it.
pub fn refused_json(error: &Error) -> Vec<u8> {
    let object = json!({"code": error.code(), "message": error.to_string()});
    format!("{object}\n").into_bytes()
}

/// Ends without a file of rejects. A rejects file from an earlier run is removed; any other file is
/// kept.
pub fn discard_rejects(output: Output) -> Result<()> {
    let is_rejects = |text: &str| {
        let first = text.lines().next().unwrap_or_default();
        first.starts_with('{') && first.contains("\"code\":\"K")
    };
    output.discard(is_rejects)
}
