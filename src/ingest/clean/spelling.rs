//! Short spellings of "can't" in Indonesian chat: `g bisa`, `gabs`. They are much rarer than the
//! long forms, so a model would have to learn each one separately.

use std::ops::Range;

use super::CutKind;
use super::draft::{Draft, Edit};

/// Words that may precede "can", with their common form.
const NEGATIONS: [(&str, &str); 19] = [
    ("g", "gak"),
    ("gx", "gak"),
    ("gq", "gak"),
    ("gk", "gak"),
    ("ga", "gak"),
    ("gak", "gak"),
    ("gag", "gak"),
    ("ngk", "gak"),
    ("ngga", "nggak"),
    ("nggak", "nggak"),
    ("engga", "nggak"),
    ("enggak", "nggak"),
    ("kagak", "gak"),
    ("ndak", "ndak"),
    ("tdk", "tidak"),
    ("tidak", "tidak"),
    ("tak", "tak"),
    ("blm", "belum"),
    ("belum", "belum"),
];
/// Short words that are a negation only before "can".
const LETTERS: [&str; 3] = ["g", "gx", "gq"];
/// Spellings that mean "can" only after a negation.
const SHORT: [&str; 3] = ["bs", "bsa", "bsaa"];
const LONG: [&str; 4] = ["bisa", "bisaa", "bisaaa", "bissa"];

/// Whether the text has such a spelling.
pub(super) fn may_shorten(text: &str) -> bool {
    !edits(text).is_empty()
}

/// Expands the short spellings.
pub(super) fn write_out(draft: &mut Draft<'_>) {
    let edits = edits(draft.text());
    draft.apply(&edits);
}

fn edits(text: &str) -> Vec<Edit> {
    let bytes = text.as_bytes();
    let mut edits = Vec::new();
    for at in memchr::memchr2_iter(b'b', b'B', bytes) {
        let second = bytes.get(at + 1).map(u8::to_ascii_lowercase);
        if matches!(second, Some(b's' | b'i')) {
            edits.extend(edit(text, at));
        }
    }
    edits
}

/// The edit for a "can" that may begin at `at`.
fn edit(text: &str, at: usize) -> Option<Edit> {
    let is_letter = |b: &&u8| b.is_ascii_alphanumeric() || !b.is_ascii();
    let count = text.as_bytes()[at..].iter().take_while(is_letter).count();
    let can = &text[at..at + count];
    let is_one_of = |word: &str, words: &[&str]| words.iter().any(|w| w.eq_ignore_ascii_case(word));
    let (is_short, is_long) = (is_one_of(can, &SHORT), is_one_of(can, &LONG));
    if !(is_short || is_long) {
        return None;
    }
    let before = word_that_ends(text, at);
    let (negation, joined) = if before.is_empty() {
        let gap = text[..at].trim_end_matches(' ').len();
        (word_that_ends(text, gap), false)
    } else {
        (before, true)
    };
    let word = &text[negation.clone()];
    let known = NEGATIONS.iter().find(|(w, _)| w.eq_ignore_ascii_case(word));
    let needs_it = joined || is_short || is_one_of(word, &LETTERS);
    // Three letters in capitals are more often a name.
    let is_name = joined && is_short && can.starts_with('B');
    // `g` after a digit is a gram, not a negation.
    let is_gram = text[..negation.start]
        .trim_end()
        .ends_with(|c: char| c.is_ascii_digit());
    let (_, negation_in_full) = known.filter(|_| needs_it && !is_name && !is_gram)?;
    let range = negation.start..at + count;
    Some(Edit::put(
        format!("{negation_in_full} bisa"),
        range,
        CutKind::Short,
    ))
}

/// The letters before a position.
fn word_that_ends(text: &str, end: usize) -> Range<usize> {
    let is_letter = |b: &&u8| b.is_ascii_alphanumeric() || !b.is_ascii();
    let letters = text.as_bytes()[..end].iter().rev();
    end - letters.take_while(is_letter).count()..end
}
