//! Private data is masked or replaced when rows are read, so that nothing after the reader sees
//! it.

mod edits;
mod kinds;
mod names;
mod numbers;
mod redact;

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::columns::Role;
use super::format::Format;
use super::quoting::{unquoted, write_cell};
use super::record::{Record, Rejected};

use edits::{Moves, applied};
pub use kinds::{Counts, Kind};
pub use names::Pseudonyms;
#[cfg(test)]
pub(crate) use redact::masked_for_models;
pub use redact::redacted;
use redact::redacted_in_rounds;
pub(crate) use redact::{first_private, patterns};

/// How private data is treated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Privacy {
    /// Mask data that has a private form. Columns of ids, dates, languages and groups are
    /// unchanged.
    pub redact: bool,
    /// Replace names.
    pub names: Option<Pseudonyms>,
}

impl Privacy {
    /// The name of a file for output, with names of people replaced.
    pub(super) fn file_name(&self, name: &str) -> String {
        let replaced = self.names.as_ref().map(|names| names.replaced(name).0);
        replaced.map_or_else(|| name.to_string(), Cow::into_owned)
    }
}

/// Masks texts and counts the masked data.
pub(super) struct Mask {
    privacy: Privacy,
    back: Option<Pseudonyms>,
    pub(super) counts: Counts,
    /// How often a pseudonym was in the input already.
    pub(super) taken: u64,
}

/// A masked text.
pub(super) struct Masked<'a> {
    pub(super) text: Cow<'a, str>,
    rounds: Vec<Moves>,
}

impl Masked<'_> {
    /// The new position of a byte of the text.
    pub(super) fn place(&self, byte: usize) -> usize {
        self.rounds.iter().fold(byte, |byte, m| m.place(byte))
    }
}

impl Mask {
    /// Makes a mask; `None` if there is nothing to mask.
    pub(super) fn new(privacy: &Privacy) -> Option<Self> {
        (*privacy != Privacy::default()).then(|| Self {
            back: privacy.names.as_ref().map(Pseudonyms::reversed),
            privacy: privacy.clone(),
            counts: Counts::new(),
            taken: 0,
        })
    }

    /// Masks and counts all private data in a text.
    pub(super) fn all<'a>(&mut self, text: &'a str) -> Masked<'a> {
        self.counted(text, self.privacy.redact)
    }

    /// Replaces only the names in a text, such as a column of ids.
    pub(super) fn names<'a>(&mut self, text: &'a str) -> Masked<'a> {
        self.counted(text, false)
    }

    /// Replaces a name that is also in the text, so that it is not counted twice.
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

    /// Masks a rejected row as one text, because it can't be split into cells.
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
    /// For each other column the cells that are not blank, and those masked as a whole.
    cells: BTreeMap<String, [u64; 2]>,
}

impl Guard {
    /// Makes a guard that leaves the columns `kept` as they are; `None` if there is nothing to mask.
    pub(super) fn new(privacy: &Privacy, kept: Vec<String>) -> Option<Self> {
        Mask::new(privacy).map(|mask| Self {
            mask,
            kept,
            cells: BTreeMap::new(),
        })
    }

    /// Whether a column of that meaning is left as it is.
    pub(super) fn keeps(role: Role) -> bool {
        matches!(role, Role::Id | Role::Date | Role::Lang | Role::Group)
    }

    /// How often each kind has been masked so far.
    pub(super) fn counts(&self) -> &Counts {
        &self.mask.counts
    }

    /// How often a pseudonym was in the input already.
    pub(super) fn taken(&self) -> u64 {
        self.mask.taken
    }

    /// Columns in which every cell was masked as a whole, as ids that look like phone numbers are.
    pub(super) fn masked_columns(&self) -> Vec<String> {
        let is_masked =
            |(_, [filled, whole]): &(&String, &[u64; 2])| *filled > 1 && filled == whole;
        let masked = self.cells.iter().filter(is_masked);
        masked.map(|(column, _)| column.clone()).collect()
    }

    pub(super) fn rejected(&mut self, row: Rejected) -> Rejected {
        self.mask.rejected(row)
    }

    /// Masks a row with these columns, of which the one at `text` holds the text.
    pub(super) fn record(
        &mut self,
        mut record: Record,
        columns: &[String],
        text: usize,
        format: Format,
    ) -> Record {
        // The text is also in its cell, where it is counted.
        let text_column = &columns[text];
        if let Cow::Owned(text) = self.cell_again(&record.text, text_column) {
            record.text = text;
        }
        match format {
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
            return self.mask.names(cell).text;
        }
        let masked = self.mask.all(cell).text;
        if !cell.trim().is_empty() {
            let is_new = matches!(masked, Cow::Owned(_));
            let whole = u64::from(is_new && Kind::is_mask(masked.trim()));
            match self.cells.get_mut(column) {
                Some([filled, masked]) => {
                    *filled += 1;
                    *masked += whole;
                }
                None => {
                    self.cells.insert(column.to_string(), [1, whole]);
                }
            }
        }
        masked
    }

    fn cell_again<'a>(&self, cell: &'a str, column: &str) -> Cow<'a, str> {
        let redacts = self.mask.privacy.redact && !self.is_kept(column);
        self.mask.masked(cell, redacts, &mut Counts::new()).text
    }

    /// Masks the strings in a value of a key, at any depth, and private numbers; keys are
    /// unchanged.
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

/// The end of the JSON token that begins at `at`: a string, a number or word, or one byte.
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
