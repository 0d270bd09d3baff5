//! Private data: masked or called by another name where rows are read, so that nothing behind the
//! reader sees it.

mod names;
mod redact;

use std::borrow::Cow;

use super::{Format, Layout, Record, Rejected, Role, write_cell};

pub use names::Pseudonyms;
pub(crate) use redact::first_private;
pub use redact::{Counts, Kind, redacted};

/// What is done about private data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Privacy {
    /// Mask what is private by its form. Columns of ids, dates, languages and groups stay as they
    /// are.
    pub redact: bool,
    /// Replace names.
    pub names: Option<Pseudonyms>,
}

/// Masks the rows of one input.
pub(super) struct Guard {
    privacy: Privacy,
    back: Option<Pseudonyms>,
    /// Columns (or keys) that are not masked.
    kept: Vec<String>,
    pub(super) counts: Counts,
    /// Names among the pseudonyms that stood in the input already.
    pub(super) taken: u64,
}

impl Guard {
    /// A guard; `None` where nothing is to be done.
    pub(super) fn new(privacy: &Privacy, layout: &Layout) -> Option<Self> {
        let is_kept = |role| matches!(role, Role::Id | Role::Date | Role::Lang | Role::Group);
        let kept = layout.other_columns.iter().filter(|c| is_kept(c.role));
        (*privacy != Privacy::default()).then(|| Self {
            back: privacy.names.as_ref().map(Pseudonyms::reversed),
            privacy: privacy.clone(),
            kept: kept.map(|c| layout.columns[c.position].clone()).collect(),
            counts: Counts::new(),
            taken: 0,
        })
    }

    pub(super) fn record(&mut self, mut record: Record, layout: &Layout) -> Record {
        let text_column = &layout.columns[layout.whole_text];
        if let Cow::Owned(text) = self.masked(&record.text, text_column, false) {
            record.text = text;
        }
        let raw = match layout.format {
            Format::Delimited(delimiter) => self.cells(layout, &record, delimiter),
            _ => self.json(&record.raw),
        };
        record.raw = raw.unwrap_or(record.raw);
        record
    }

    /// A refused row can't be cut into cells: it is masked as one text.
    pub(super) fn rejected(&mut self, mut row: Rejected) -> Rejected {
        let text = String::from_utf8_lossy(&row.raw);
        if let Cow::Owned(masked) = self.masked(&text, "", true) {
            row.raw = masked.into_bytes();
        }
        row
    }

    fn cells(&mut self, layout: &Layout, record: &Record, delimiter: u8) -> Option<Vec<u8>> {
        let cells = layout.cells(record);
        let mut is_changed = false;
        let mut line = Vec::with_capacity(record.raw.len());
        for (i, (cell, column)) in cells.iter().zip(&layout.columns).enumerate() {
            if i > 0 {
                line.push(delimiter);
            }
            let masked = self.masked(cell, column, true);
            is_changed |= matches!(masked, Cow::Owned(_));
            write_cell(&mut line, &masked, delimiter);
        }
        is_changed.then_some(line)
    }

    /// Masks the strings of an object, at any depth, and numbers that are private; keys stay.
    fn json(&mut self, raw: &[u8]) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(raw).ok()?;
        let mut out = String::with_capacity(text.len());
        let (mut at, mut depth, mut is_changed) = (0, 0usize, false);
        let mut key = String::new();
        while at < raw.len() {
            let end = token_end(raw, at);
            let token = &text[at..end];
            let is_key = raw[at] == b'"' && text[end..].trim_start().starts_with(':');
            match raw[at] {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                b'"' if is_key && depth == 1 => {
                    key = serde_json::from_str(token).unwrap_or_default();
                }
                _ => {}
            }
            let is_value = matches!(raw[at], b'"' | b'-' | b'0'..=b'9') && !is_key;
            let value = if raw[at] == b'"' {
                serde_json::from_str(token).unwrap_or_default()
            } else {
                token.to_string()
            };
            match self.masked(&value, &key, is_value) {
                Cow::Owned(masked) if is_value => {
                    out.push_str(&serde_json::Value::String(masked).to_string());
                    is_changed = true;
                }
                _ => out.push_str(token),
            }
            at = end;
        }
        is_changed.then(|| out.into_bytes())
    }

    /// A cell without what is private; it is counted if `counts`.
    fn masked<'a>(&mut self, cell: &'a str, column: &str, counts: bool) -> Cow<'a, str> {
        let mut found = Counts::new();
        let mut text = Cow::Borrowed(cell);
        if self.privacy.redact && !self.kept.iter().any(|k| k == column) {
            text = redacted(cell, &mut found);
        }
        if let Some(names) = &self.privacy.names {
            if let Some(back) = self.back.as_ref().filter(|_| counts) {
                self.taken += back.replaced(cell).1;
            }
            let (replaced, n) = names.replaced(&text);
            if n > 0 {
                found.insert(Kind::Name, n);
                text = Cow::Owned(replaced.into_owned());
            }
        }
        if counts {
            for (kind, n) in found {
                *self.counts.entry(kind).or_default() += n;
            }
        }
        text
    }
}

/// Where the token of JSON that begins at `at` ends: a string, a number or word, or one byte.
fn token_end(json: &[u8], at: usize) -> usize {
    match json[at] {
        b'"' => {
            let mut end = at + 1;
            while end < json.len() && json[end] != b'"' {
                end += 1 + usize::from(json[end] == b'\\');
            }
            (end + 1).min(json.len())
        }
        b if b.is_ascii_alphanumeric() || b == b'-' => {
            let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-');
            at + json[at..].iter().take_while(|b| is_part(b)).count()
        }
        _ => at + 1,
    }
}

#[cfg(test)]
mod tests;
