//! Private data: masked or called by another name where rows are read, so that nothing behind the
//! reader sees it.

mod edits;
mod names;
mod redact;

use std::borrow::Cow;

use super::columns::Role;
use super::format::Format;
use super::layout::Layout;
use super::quoting::{unquoted, write_cell};
use super::record::{Record, Rejected};

use edits::{Moves, applied};
pub use names::Pseudonyms;
use redact::redacted_in_rounds;
pub use redact::{Counts, Kind, redacted};
pub(crate) use redact::{first_private, patterns};

/// What is done about private data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Privacy {
    /// Mask what is private by its form. Columns of ids, dates, languages and groups stay as they
    /// are.
    pub redact: bool,
    /// Replace names.
    pub names: Option<Pseudonyms>,
}

impl Privacy {
    /// The name of a file as it may be told: with the names in it replaced.
    pub(super) fn file_name(&self, name: &str) -> String {
        let replaced = self.names.as_ref().map(|names| names.replaced(name).0);
        replaced.map_or_else(|| name.to_string(), Cow::into_owned)
    }
}

/// Masks texts, and counts.
pub(super) struct Mask {
    privacy: Privacy,
    back: Option<Pseudonyms>,
    pub(super) counts: Counts,
    /// Names among the pseudonyms that stood in the input already.
    pub(super) taken: u64,
}

/// A text that was masked.
pub(super) struct Masked<'a> {
    pub(super) text: Cow<'a, str>,
    rounds: Vec<Moves>,
}

impl Masked<'_> {
    /// Where a byte of the text is now.
    pub(super) fn place(&self, byte: usize) -> usize {
        self.rounds.iter().fold(byte, |byte, m| m.place(byte))
    }
}

impl Mask {
    /// A mask; `None` where nothing is to be done.
    pub(super) fn new(privacy: &Privacy) -> Option<Self> {
        (*privacy != Privacy::default()).then(|| Self {
            back: privacy.names.as_ref().map(Pseudonyms::reversed),
            privacy: privacy.clone(),
            counts: Counts::new(),
            taken: 0,
        })
    }

    /// A text without what is private; it is counted.
    pub(super) fn all<'a>(&mut self, text: &'a str) -> Masked<'a> {
        self.counted(text, self.privacy.redact)
    }

    /// A text of which only the names are private, such as a column of ids.
    pub(super) fn names<'a>(&mut self, text: &'a str) -> Masked<'a> {
        self.counted(text, false)
    }

    /// What somebody is called who is named in the text too, where it was counted.
    pub(super) fn name(&self, name: &str) -> String {
        self.masked(name, false, &mut Counts::new())
            .text
            .into_owned()
    }

    fn counted<'a>(&mut self, text: &'a str, redacts: bool) -> Masked<'a> {
        if let Some(back) = &self.back {
            self.taken += back.replaced(text).1;
        }
        let mut found = Counts::new();
        let masked = self.masked(text, redacts, &mut found);
        for (kind, n) in found {
            *self.counts.entry(kind).or_default() += n;
        }
        masked
    }

    fn masked<'a>(&self, text: &'a str, redacts: bool, counts: &mut Counts) -> Masked<'a> {
        let mut rounds = Vec::new();
        let mut masked = Cow::Borrowed(text);
        if redacts {
            masked = redacted_in_rounds(text, counts, &mut rounds);
        }
        let names = self.privacy.names.as_ref();
        let edits = names.map_or_else(Vec::new, |names| names.edits(&masked));
        if !edits.is_empty() {
            counts.insert(Kind::Name, edits.len() as u64);
            rounds.push(Moves::of(&edits));
            masked = Cow::Owned(applied(&masked, &edits));
        }
        Masked {
            text: masked,
            rounds,
        }
    }

    /// A refused row can't be cut into cells: it is masked as one text.
    pub(super) fn rejected(&mut self, mut row: Rejected) -> Rejected {
        let text = String::from_utf8_lossy(&row.raw);
        if let Cow::Owned(masked) = self.all(&text).text {
            row.raw = masked.into_bytes();
        }
        row
    }
}

/// Masks the rows of one input.
pub(super) struct Guard {
    mask: Mask,
    /// Columns (or keys) that are not masked.
    kept: Vec<String>,
}

impl Guard {
    /// A guard; `None` where nothing is to be done.
    pub(super) fn new(privacy: &Privacy, layout: &Layout) -> Option<Self> {
        let is_kept = |role| matches!(role, Role::Id | Role::Date | Role::Lang | Role::Group);
        let kept = layout.other_columns.iter().filter(|c| is_kept(c.role));
        Mask::new(privacy).map(|mask| Self {
            mask,
            kept: kept.map(|c| layout.columns[c.position].clone()).collect(),
        })
    }

    /// How often each kind was masked so far.
    pub(super) fn counts(&self) -> &Counts {
        &self.mask.counts
    }

    /// How often a pseudonym stood in the input already.
    pub(super) fn taken(&self) -> u64 {
        self.mask.taken
    }

    pub(super) fn rejected(&mut self, row: Rejected) -> Rejected {
        self.mask.rejected(row)
    }

    pub(super) fn record(&mut self, mut record: Record, layout: &Layout) -> Record {
        // The text stands in its cell too, where it is counted.
        let text_column = &layout.columns[layout.whole_text];
        if let Cow::Owned(text) = self.cell_again(&record.text, text_column) {
            record.text = text;
        }
        let columns = &layout.columns;
        match layout.format {
            Format::Delimited(delimiter) => record.rewrite(columns, |column, written| {
                match self.cell(&unquoted(written), column) {
                    Cow::Owned(masked) => {
                        let mut cell = Vec::new();
                        write_cell(&mut cell, &masked, delimiter);
                        String::from_utf8(cell).ok()
                    }
                    Cow::Borrowed(_) => None,
                }
            }),
            _ => record.rewrite(columns, |key, json| self.json(json, key)),
        }
        record
    }

    fn is_kept(&self, column: &str) -> bool {
        self.kept.iter().any(|k| k == column)
    }

    fn cell<'a>(&mut self, cell: &'a str, column: &str) -> Cow<'a, str> {
        if self.is_kept(column) {
            self.mask.names(cell).text
        } else {
            self.mask.all(cell).text
        }
    }

    fn cell_again<'a>(&self, cell: &'a str, column: &str) -> Cow<'a, str> {
        let redacts = self.mask.privacy.redact && !self.is_kept(column);
        self.mask.masked(cell, redacts, &mut Counts::new()).text
    }

    /// Masks the strings of a value under a key, at any depth, and numbers that are private; keys
    /// stay.
    fn json(&mut self, text: &str, key: &str) -> Option<String> {
        let raw = text.as_bytes();
        let mut out = String::with_capacity(text.len());
        let (mut at, mut is_changed) = (0, false);
        while at < raw.len() {
            let end = token_end(raw, at);
            let token = &text[at..end];
            let is_key = raw[at] == b'"' && text[end..].trim_start().starts_with(':');
            let is_value = matches!(raw[at], b'"' | b'-' | b'0'..=b'9') && !is_key;
            let value = if raw[at] == b'"' {
                serde_json::from_str(token).unwrap_or_default()
            } else {
                token.to_string()
            };
            match is_value.then(|| self.cell(&value, key)) {
                Some(Cow::Owned(masked)) => {
                    out.push_str(&serde_json::Value::String(masked).to_string());
                    is_changed = true;
                }
                _ => out.push_str(token),
            }
            at = end;
        }
        is_changed.then_some(out)
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
