//! Rows that were left out, as JSON lines.

use serde_json::json;

use crate::base::output::Output;
use crate::corpus::LeftOut;
use crate::error::{Error, Location, Result};
use crate::ingest::{Rejected, hex};

/// A rejected row as a JSON line: where, why, and its bytes (as hex digits when they are not UTF-8).
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

/// The same of a row that is no coded statement.
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

/// A file that could not be read as a JSON line: why, and where as far as the message says it.
pub fn refused_json(error: &Error) -> Vec<u8> {
    let object = json!({"code": error.code(), "message": error.to_string()});
    format!("{object}\n").into_bytes()
}

/// Ends a file of rejects without one: that of an earlier run in its place is removed, but nothing
/// else.
pub fn discard_rejects(output: Output) -> Result<()> {
    let is_rejects = |text: &str| {
        let first = text.lines().next().unwrap_or_default();
        first.starts_with('{') && first.contains("\"code\":\"K")
    };
    output.discard(is_rejects)
}
