//! Statements prepared for display: shortened, made safe for a page, with evidence marked.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

/// Maximum number of code points shown per statement.
const LONGEST: usize = 500;

/// A statement prepared for display.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Excerpt {
    /// Id of the statement.
    pub id: String,
    /// Line in the labelled file.
    pub line: u64,
    /// The segments of the shown text, in order.
    pub segments: Vec<Segment>,
    /// Length of the whole text in code points, if it was shortened.
    pub cut_from: Option<usize>,
}

/// A segment of text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Segment {
    /// The text of the segment.
    pub text: String,
    /// Whether the segment is evidence for the code.
    pub is_evidence: bool,
}

impl Excerpt {
    /// The beginning of a text, with each occurrence of the `evidence` words marked.
    pub fn new(id: &str, line: u64, text: &str, evidence: &[&str]) -> Self {
        let text = text.trim();
        let shown: String = match text.char_indices().nth(LONGEST) {
            Some((end, _)) => clean(&text[..end]),
            None => clean(text),
        };
        let is_cut = text.chars().nth(LONGEST).is_some();
        Self {
            id: clean(id),
            line,
            segments: segments(&shown, evidence),
            cut_from: is_cut.then(|| text.chars().count()),
        }
    }

    /// The shown text without marks.
    pub fn text(&self) -> String {
        self.segments.iter().map(|s| s.text.as_str()).collect()
    }
}

/// Replaces the characters that are invisible but change the display of other text: controls become
/// U+FFFD, white space becomes a space. Direction marks are harmless, because the page isolates
/// each text. A direction override would still reorder letters, so overrides and their ends become
/// U+FFFD too.
pub(crate) fn clean(text: &str) -> String {
    let one = |c: char| match c {
        '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => ' ',
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => '\u{FFFD}',
        c if c.is_control() => '\u{FFFD}',
        c => c,
    };
    text.chars().map(one).collect()
}

fn segments(text: &str, evidence: &[&str]) -> Vec<Segment> {
    let mut found: BTreeMap<usize, usize> = BTreeMap::new();
    for word in evidence.iter().filter(|w| !w.is_empty()) {
        for (start, _) in text.match_indices(word) {
            let end = start + word.len();
            if is_whole(text, start, end) {
                let longest = found.entry(start).or_insert(end);
                *longest = end.max(*longest);
            }
        }
    }
    let mut segments = Vec::new();
    let mut push = |piece: &str, is_evidence| {
        if !piece.is_empty() {
            segments.push(Segment {
                text: piece.to_string(),
                is_evidence,
            });
        }
    };
    let mut at = 0;
    for (start, end) in found {
        if start >= at {
            push(&text[at..start], false);
            push(&text[start..end], true);
            at = end;
        }
    }
    push(&text[at..], false);
    segments
}

/// Whether no letter or digit is directly before or after.
fn is_whole(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].chars().next_back();
    let after = text[end..].chars().next();
    let joins = |edge: Option<char>, next: Option<char>| {
        edge.is_some_and(char::is_alphanumeric) && next.is_some_and(char::is_alphanumeric)
    };
    let word = &text[start..end];
    !joins(word.chars().next(), before) && !joins(word.chars().next_back(), after)
}

/// A word with the text around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Context {
    /// Id of the statement.
    pub id: String,
    /// The text before the word.
    pub before: String,
    /// The word as written in the text.
    pub word: String,
    /// The text after the word.
    pub after: String,
}

impl Context {
    /// The context of the first whole occurrence of a lower-case word.
    pub(super) fn of(word: &str, excerpt: &Excerpt) -> Option<Self> {
        const AROUND: usize = 48;
        let mut before = String::new();
        let mut rest = excerpt.segments.iter();
        let hit = rest.by_ref().find(|segment| {
            let is_it = segment.is_evidence && segment.text.to_lowercase() == word;
            if !is_it {
                before.push_str(&segment.text);
            }
            is_it
        })?;
        let after: String = rest.map(|s| s.text.as_str()).collect();
        let skipped = before.chars().count().saturating_sub(AROUND);
        Some(Self {
            id: excerpt.id.clone(),
            before: before.chars().skip(skipped).collect(),
            word: hit.text.clone(),
            after: after.chars().take(AROUND).collect(),
        })
    }
}

/// Keeps the `capacity` values with the smallest keys.
#[derive(Debug, Clone)]
pub(super) struct First<K, V> {
    capacity: usize,
    kept: BTreeMap<K, V>,
}

impl<K: Ord, V> First<K, V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            kept: BTreeMap::new(),
        }
    }

    /// Keeps the value if its key is small enough; only then the value is computed.
    pub(super) fn offer(&mut self, key: K, value: impl FnOnce() -> V) {
        if self.kept.len() >= self.capacity {
            if self
                .kept
                .last_key_value()
                .is_none_or(|(last, _)| key > *last)
            {
                return;
            }
            self.kept.pop_last();
        }
        self.kept.insert(key, value());
    }

    pub(super) fn into_values(self) -> Vec<V> {
        self.kept.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str, evidence: &[&str]) -> String {
        let excerpt = Excerpt::new("1", 2, text, evidence);
        let piece = |s: &Segment| {
            if s.is_evidence {
                format!("[{}]", s.text)
            } else {
                s.text.clone()
            }
        };
        excerpt.segments.iter().map(piece).collect()
    }

    #[test]
    fn whole_words_are_marked_wherever_they_stand() {
        assert_eq!(
            marked("Air mati, air-nya mati; matikan", &["mati", "Air"]),
            "[Air] [mati], air-nya [mati]; matikan"
        );
        assert_eq!(
            marked("buruk!!! 🙏🙏", &["🙏", "!!!"]),
            "buruk[!!!] [🙏][🙏]"
        );
        assert_eq!(marked("nothing", &["", "x"]), "nothing");
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let long = Excerpt::new("1", 2, &"é".repeat(100_000), &[]);
        assert_eq!(long.cut_from, Some(100_000));
        assert_eq!(long.text().chars().count(), LONGEST);
        assert_eq!(
            Excerpt::new("1", 2, &"é".repeat(LONGEST), &[]).cut_from,
            None
        );
    }

    #[test]
    fn nothing_turns_the_text_around_or_hides_it() {
        assert_eq!(
            clean("a\u{202E}b\u{2066}c\u{0}\n\u{1b}[1m"),
            "a\u{FFFD}b\u{FFFD}c\u{FFFD} \u{FFFD}[1m"
        );
        assert_eq!(clean("שלום 🇮🇩 e\u{301}"), "שלום 🇮🇩 e\u{301}");
    }

    #[test]
    fn a_word_is_shown_with_what_stands_around_it() {
        let excerpt = Excerpt::new("1", 2, "Sudah lama Antri di loket", &["Antri"]);
        let context = Context::of("antri", &excerpt).unwrap();
        assert_eq!(
            [&*context.before, &*context.word, &*context.after],
            ["Sudah lama ", "Antri", " di loket"]
        );
        assert_eq!(Context::of("loket", &excerpt), None);
    }

    #[test]
    fn the_first_are_kept_whatever_the_order() {
        for keys in [[5, 1, 4, 2, 3], [1, 2, 3, 4, 5], [5, 4, 3, 2, 1]] {
            let mut first = First::new(2);
            keys.into_iter().for_each(|k| first.offer(k, || k));
            assert_eq!(first.into_values(), [1, 2]);
        }
    }
}
