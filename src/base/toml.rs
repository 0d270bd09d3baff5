//! Errors in TOML files, with line and column.

use crate::error::{Error, Location};

/// The error text if the `schema_version` `found` is not the one that is `read`, else `None`.
pub(crate) fn other_version(found: u32, read: u32) -> Option<String> {
    (found != read).then(|| format!("schema_version is {found}; this build reads {read}"))
}

/// Converts a TOML error into one with line and column.
pub fn syntax_error(text: &str, path: &str, error: &toml::de::Error) -> Error {
    let offset = error.span().map_or(0, |s| s.start).min(text.len());
    let before = text.get(..offset).unwrap_or_default();
    let line = line_of(text, offset);
    let column = before.rsplit('\n').next().map_or(0, str::len) as u64 + 1;
    Error::Syntax {
        at: Location::new(path, line, column),
        reason: error.message().to_string(),
    }
}

/// The line of a byte offset, from 1.
pub(crate) fn line_of(text: &str, offset: usize) -> u64 {
    let before = text.get(..offset).unwrap_or_default();
    before.matches('\n').count() as u64 + 1
}
