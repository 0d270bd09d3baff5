//! Cues: a few dense features that people can interpret.
//!
//! One cue per lexicon of the codebook counts its words; six more describe the shape of the text. A
//! value is ln(1 + count), so that the tenth exclamation mark adds less than the first.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::Views;
use crate::codebook::Codebook;
use crate::tokenize::Token;

/// Shape cues, in the order of their values, after the lexicons.
const SHAPES: [&str; 6] = [
    "exclamations",
    "question_marks",
    "capital_words",
    "lengthened_words",
    "numbers",
    "words",
];

/// Counts the cues of a statement.
#[derive(Debug, Clone, Default)]
pub struct CueView {
    names: Vec<String>,
    /// The words of all lexicons, keyed by their first two bytes. Exact words come before stems,
    /// otherwise in the order of the codebook; the first match wins.
    entries: HashMap<[u8; 2], Vec<Entry>, FxBuildHasher>,
}

/// A word of a lexicon, or a stem with any ending.
#[derive(Debug, Clone)]
struct Entry {
    text: String,
    is_stem: bool,
    /// Position of the cue.
    cue: usize,
}

/// The first two bytes of a word, padded with 0.
fn first_bytes(word: &str) -> [u8; 2] {
    let bytes = word.as_bytes();
    std::array::from_fn(|i| bytes.get(i).copied().unwrap_or(0))
}

impl CueView {
    /// The cues of a codebook; none if the view isn't used.
    pub fn of(codebook: &Codebook, views: Views) -> Self {
        if views.cues {
            return Self::new(codebook);
        }
        Self::default()
    }

    fn new(codebook: &Codebook) -> Self {
        let mut view = Self {
            names: codebook.cues.iter().map(|c| c.id.clone()).collect(),
            ..Self::default()
        };
        view.names.extend(SHAPES.map(String::from));
        for (cue, words) in codebook.cues.iter().map(|c| &c.words).enumerate() {
            for word in words {
                let stem = word.strip_suffix('*');
                let entry = Entry {
                    text: stem.unwrap_or(word).to_string(),
                    is_stem: stem.is_some(),
                    cue,
                };
                let entries = view.entries.entry(first_bytes(&entry.text)).or_default();
                let stems = entries.partition_point(|e| !e.is_stem);
                let end = if entry.is_stem { entries.len() } else { stems };
                entries.insert(end, entry);
            }
        }
        view
    }

    /// Names of the cues, in the order of their values.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The lexicon of a normalised word. An exact entry wins over a stem; among stems the first in
    /// the codebook wins.
    pub fn lexicon_of(&self, word: &str) -> Option<usize> {
        let first = first_bytes(word);
        let fits = |entry: &&Entry| {
            if entry.is_stem {
                word.starts_with(&entry.text)
            } else {
                word == entry.text
            }
        };
        let entries = |key| self.entries.get(&key).map_or(&[][..], Vec::as_slice);
        // Stems of one byte have their own key and are tried last.
        let lone = entries([first[0], 0]);
        let found = entries(first).iter().find(fits);
        let found = found.or_else(|| lone.iter().find(fits));
        found.map(|entry| entry.cue)
    }

    /// One value per cue: ln(1 + count).
    pub fn values<'a>(&self, text: &str, tokens: impl IntoIterator<Item = &'a Token>) -> Vec<f64> {
        let mut counts = vec![0u32; self.names.len()];
        let Some(shapes) = self.names.len().checked_sub(SHAPES.len()) else {
            return Vec::new();
        };
        for token in tokens {
            if let Some(cue) = self.lexicon_of(&token.word) {
                counts[cue] += 1;
            }
            let original = text.get(token.start..token.end).unwrap_or_default();
            for (shape, has) in token_shapes(&token.word, original).into_iter().enumerate() {
                counts[shapes + shape] += u32::from(has);
            }
        }
        counts.into_iter().map(|c| f64::from(c).ln_1p()).collect()
    }
}

/// Number of shape cues.
pub(crate) const SHAPE_COUNT: usize = SHAPES.len();
/// Position of `capital_words`.
const CAPITAL: u8 = 2;

/// Whether a word has each shape, in the order of `SHAPES`.
fn token_shapes(word: &str, original: &str) -> [bool; SHAPES.len()] {
    let bits = steady_shapes(word) | capital_shape(is_capital(original));
    std::array::from_fn(|shape| bits >> shape & 1 == 1)
}

/// The shapes of the normalised word as bits; the first shape is the lowest bit.
pub(crate) fn steady_shapes(word: &str) -> u8 {
    let shapes = [
        word == "!",
        word == "?",
        false,
        is_lengthened(word),
        word.starts_with(|c: char| c.is_ascii_digit()),
        word.starts_with(char::is_alphanumeric),
    ];
    let bits = shapes.iter().enumerate();
    bits.fold(0, |bits, (shape, has)| bits | u8::from(*has) << shape)
}

/// The shape bit of a word in capitals.
pub(crate) fn capital_shape(is_capital: bool) -> u8 {
    u8::from(is_capital) << CAPITAL
}

/// Whether a word in its original spelling has at least three letters, all capital.
pub(crate) fn is_capital(original: &str) -> bool {
    let mut count = 0;
    for c in original.chars().filter(|c| c.is_alphabetic()) {
        if !c.is_uppercase() {
            return false;
        }
        count += 1;
    }
    count >= 3
}

/// Whether a letter occurs three times in a row.
fn is_lengthened(word: &str) -> bool {
    let mut run = 0;
    let mut last = '\0';
    word.chars().any(|c| {
        run = if c == last { run + 1 } else { 1 };
        last = c;
        run == 3 && c.is_alphabetic()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codebook::tests::FRUIT;
    use crate::tokenize::Tokenizer;

    const CUES: &str =
        "[[cue]]\nid = \"ask\"\nname = { en = \"Asking\" }\nwords = [\"tolong\", \"perbaik*\"]\n";

    #[test]
    fn lexicons_and_shapes_are_counted() {
        let codebook = Codebook::from_toml(&format!("{FRUIT}{CUES}"), "f").unwrap();
        let view = CueView::new(&codebook);
        let text = "TOLONG perbaiki 2 jalan!! lamaaa";
        let tokens = Tokenizer::train([text].into_iter(), 50, 1)
            .unwrap()
            .words(text)
            .unwrap();
        let counts: Vec<u64> = view
            .values(text, &tokens)
            .iter()
            .map(|v| v.exp_m1().round() as u64)
            .collect();
        assert_eq!(view.names()[0], "ask");
        assert_eq!(counts, [2, 2, 0, 1, 1, 1, 5]);
    }
}
