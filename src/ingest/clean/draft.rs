//! A text that is being cleaned, with the origin of each of its bytes.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use regex::{Captures, Regex};

use super::{CUT_KINDS, Cleaned, CutKind};

/// Represents one masked item until its position (inside the text or at its edge) is known. The
/// text has no other control characters at that point.
pub(super) const MARK: char = '\u{1}';

/// A range of a draft and its replacement.
pub(super) struct Edit {
    pub(super) range: Range<usize>,
    pub(super) with: Cow<'static, str>,
    pub(super) kind: CutKind,
}

impl Edit {
    pub(super) fn cut(range: Range<usize>, kind: CutKind) -> Self {
        Self::put("", range, kind)
    }

    pub(super) fn put(
        with: impl Into<Cow<'static, str>>,
        range: Range<usize>,
        kind: CutKind,
    ) -> Self {
        Self {
            range,
            with: with.into(),
            kind,
        }
    }

    pub(super) fn mark(range: Range<usize>, kind: CutKind) -> Self {
        Self::put("\u{1}", range, kind)
    }
}

/// A cell that is being cleaned.
pub(super) struct Draft<'a> {
    cell: &'a str,
    text: Cow<'a, str>,
    /// For each byte of the text: the bytes of the cell that its character comes from; empty
    /// while the text equals the cell.
    spans: Vec<(u32, u32)>,
    /// For each byte of the cell: how it was cut, as the position of the kind, from 1.
    fates: Vec<u8>,
    /// Whether it was edited since the last check.
    edited: bool,
}

impl<'a> Draft<'a> {
    pub(super) fn new(cell: &'a str) -> Self {
        Self {
            cell,
            text: Cow::Borrowed(cell),
            spans: Vec::new(),
            fates: Vec::new(),
            edited: false,
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it was edited since the last call.
    pub(super) fn take_edited(&mut self) -> bool {
        std::mem::take(&mut self.edited)
    }

    /// Applies edits, which are in order and do not overlap.
    pub(super) fn apply(&mut self, edits: &[Edit]) -> bool {
        if edits.is_empty() {
            return false;
        }
        self.edited = true;
        if self.fates.is_empty() {
            self.fates = vec![0; self.cell.len()];
            self.spans.reserve_exact(self.cell.len());
            for (start, c) in self.cell.char_indices() {
                let span = (start as u32, (start + c.len_utf8()) as u32);
                self.spans.extend(std::iter::repeat_n(span, c.len_utf8()));
            }
        }
        let mut text = String::with_capacity(self.text.len());
        let mut spans = Vec::with_capacity(self.spans.len());
        let mut copied = 0;
        for Edit { range, with, kind } in edits {
            text.push_str(&self.text[copied..range.start]);
            spans.extend_from_slice(&self.spans[copied..range.start]);
            copied = range.end;
            let of_edit = &self.spans[range.clone()];
            for &(start, end) in of_edit {
                let fates = &mut self.fates[start as usize..end as usize];
                fates.iter_mut().filter(|fate| **fate == 0).for_each(|f| {
                    *f = *kind as u8 + 1;
                });
            }
            let start = of_edit.iter().map(|s| s.0).min().unwrap_or_default();
            let end = of_edit.iter().map(|s| s.1).max().unwrap_or_default();
            text.push_str(with);
            spans.extend(std::iter::repeat_n((start, end), with.len()));
        }
        text.push_str(&self.text[copied..]);
        spans.extend_from_slice(&self.spans[copied..]);
        (self.text, self.spans) = (Cow::Owned(text), spans);
        true
    }

    /// Applies the edits that `edit` returns for the matches of a pattern.
    pub(super) fn replace(
        &mut self,
        pattern: &Pattern,
        edit: impl Fn(&Captures<'_>, &str) -> Option<Edit>,
    ) -> bool {
        let Some(regex) = pattern.regex() else {
            return false;
        };
        let text = self.text();
        if !regex.is_match(text) {
            return false;
        }
        let edits: Vec<Edit> = regex
            .captures_iter(text)
            .filter_map(|captures| edit(&captures, text))
            .collect();
        self.apply(&edits)
    }

    /// Replaces the matches of a pattern by marks.
    pub(super) fn mark(&mut self, pattern: &Pattern, kind: CutKind) -> bool {
        self.replace(pattern, |captures, _| {
            let range = captures.name("mark").or_else(|| captures.get(0))?.range();
            Some(Edit::mark(range, kind))
        })
    }

    pub(super) fn finish(self) -> Cleaned<'a> {
        let mut cut = [0; CUT_KINDS];
        if !self.fates.is_empty() {
            for (start, _) in self.cell.char_indices() {
                if let Some(kind) = self.fates[start].checked_sub(1) {
                    cut[usize::from(kind)] += 1;
                }
            }
        }
        Cleaned {
            cell: self.cell,
            text: self.text,
            shift: 0,
            spans: self.spans,
            cut,
        }
    }
}

/// A pattern that is compiled on first use.
pub(super) struct Pattern {
    text: &'static str,
    regex: OnceLock<Option<Regex>>,
}

/// Parts shared by patterns.
const PARTS: [(&str, &str); 4] = [
    ("MARK", r"\x01"),
    ("CODE", r"(?:[A-Za-z]{0,8}[-/.]?\d{2,}[\w/-]*|\x01)"),
    (
        "MONTH",
        r"(?:jan(?:uari|uary)?|feb(?:ruari|ruary)?|mar(?:et|ch)?|apr(?:il)?|mei|may|jun[ie]?|jul[iy]?|agustus|agt|agu|aug(?:ust)?|sep(?:t(?:ember)?)?|okt(?:ober)?|oct(?:ober)?|nov(?:ember)?|nop(?:ember)?|des(?:ember)?|dec(?:ember)?)",
    ),
    (
        "VOCATIVE",
        r"(?:minn?|mimin|admin\w*|kakak?|ka|kk|gan|sis|bro|bang|pak|bapak|bpk|bu|ibu|mas|mbak|mba|tim|team|cs|customer service|semua(?:nya)?|rekan(?:-rekan)?|teman-teman|all|everyone|guys|there|sir|madam|ma'am|folks|folk|support|sobat|bosku|bos|tuan|nyonya)\b",
    ),
];

/// ASCII classes. Unicode classes are several times slower (ten times for `\b` beside a non-ASCII
/// character), and all white space is plain before patterns are used.
const NARROW: [(&str, &str); 4] = [
    (r"\b", r"(?-u:\b)"),
    (r"\w", "[0-9A-Za-z_]"),
    (r"\d", "[0-9]"),
    (r"\s", r"[ \t\r\n]"),
];

impl Pattern {
    pub(super) const fn new(text: &'static str) -> Self {
        Self {
            text,
            regex: OnceLock::new(),
        }
    }

    pub(super) fn regex(&self) -> Option<&Regex> {
        let compiled = self.regex.get_or_init(|| {
            let replaced = |text: String, part: &(&str, &str)| text.replace(part.0, part.1);
            let whole = PARTS.iter().fold(self.text.to_string(), replaced);
            Regex::new(&NARROW.iter().fold(whole, replaced)).ok()
        });
        compiled.as_ref()
    }

    /// The first match in a text.
    pub(super) fn find(&self, text: &str) -> Option<Range<usize>> {
        Some(self.regex()?.find(text)?.range())
    }
}
