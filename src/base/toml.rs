//! Faults of TOML files, with their line and column.

use crate::error::{Error, Location};

/// What is wrong with a file of another version than the one that is read; `None` if nothing is.
pub(crate) fn other_version(found: u32, read: u32) -> Option<String> {
    (found != read).then(|| format!("schema_version is {found}; this build reads {read}"))
}

/// A TOML error with the line and column of its place.
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

/// The line, from 1, that a byte stands in.
pub(crate) fn line_of(text: &str, offset: usize) -> u64 {
    let before = text.get(..offset).unwrap_or_default();
    before.matches('\n').count() as u64 + 1
}
