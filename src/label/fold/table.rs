//! Words that were met, with all that they add to a statement: computed once, kept while used.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use crate::error::Result;

/// What a word adds to a statement beside its scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Word {
    /// Hash of its feature, for pairs.
    pub(super) hash: u64,
    /// What it adds to the squared lexical norm.
    pub(super) norm2: f64,
    /// What it adds to the squared norm of the semantic view.
    pub(super) semantic_norm2: f64,
    /// The lexicon that it belongs to.
    pub(super) lexicon: Option<u16>,
    /// The shapes that don't depend on its case, one bit each.
    pub(super) shapes: u8,
    /// Whether any view knows it.
    pub(super) known: bool,
    /// Whether it can be evidence: a sign of punctuation can't.
    pub(super) visible: bool,
    /// The statement it was last met in, and its place among the words of that statement.
    pub(super) last: (u64, u32),
}

/// Words in two generations: what is not met while a generation fills falls out with it.
pub(super) struct WordTable {
    young: Generation,
    old: Generation,
    /// Words of a generation.
    capacity: usize,
    /// Values of a word.
    width: usize,
}

#[derive(Default)]
struct Generation {
    places: HashMap<Box<str>, u32, FxBuildHasher>,
    words: Vec<Word>,
    values: Vec<f32>,
}

impl WordTable {
    /// A table of at most twice `capacity` words and those of one statement, of `width` values.
    pub(super) fn new(capacity: usize, width: usize) -> Self {
        Self {
            young: Generation::default(),
            old: Generation::default(),
            capacity,
            width,
        }
    }

    /// To be called before each statement; places of words are valid until the next call.
    pub(super) fn begin(&mut self) {
        if self.young.words.len() >= self.capacity {
            self.old = std::mem::take(&mut self.young);
        }
    }

    /// The place of a word; a new one is `fold`ed: its values are appended to the list given.
    pub(super) fn place(
        &mut self,
        word: &str,
        fold: impl FnOnce(&mut Vec<f32>) -> Result<Word>,
    ) -> Result<usize> {
        if let Some(place) = self.young.places.get(word) {
            return Ok(*place as usize);
        }
        let place = self.young.words.len();
        let found = match self.old.places.get(word) {
            Some(old) => {
                let old = *old as usize;
                let values = &self.old.values[old * self.width..(old + 1) * self.width];
                self.young.values.extend_from_slice(values);
                self.old.words[old]
            }
            None => fold(&mut self.young.values)?,
        };
        debug_assert_eq!(self.young.values.len(), (place + 1) * self.width);
        self.young.words.push(found);
        self.young.places.insert(word.into(), place as u32);
        Ok(place)
    }

    pub(super) fn word(&self, place: usize) -> &Word {
        &self.young.words[place]
    }

    pub(super) fn word_mut(&mut self, place: usize) -> &mut Word {
        &mut self.young.words[place]
    }

    pub(super) fn values(&self, place: usize) -> &[f32] {
        &self.young.values[place * self.width..(place + 1) * self.width]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(hash: u64) -> Word {
        Word {
            hash,
            norm2: 1.0,
            semantic_norm2: 0.0,
            lexicon: None,
            shapes: 0,
            known: true,
            visible: true,
            last: (0, 0),
        }
    }

    #[test]
    fn words_in_use_stay_and_others_fall_out() {
        let mut table = WordTable::new(2, 1);
        let mut folded = Vec::new();
        let mut meet = |table: &mut WordTable, name: &str, value: u8| {
            table.begin();
            let place = table
                .place(name, |values| {
                    folded.push(name.to_string());
                    values.push(f32::from(value));
                    Ok(word(value.into()))
                })
                .unwrap();
            assert_eq!(table.values(place), [f32::from(value)]);
            assert_eq!(table.word(place).hash, u64::from(value));
        };
        for (name, value) in [
            ("a", 1),
            ("b", 2),
            ("a", 1),
            ("c", 3),
            ("a", 1),
            ("d", 4),
            ("b", 2),
        ] {
            meet(&mut table, name, value);
        }
        assert_eq!(folded, ["a", "b", "c", "d", "b"]);
    }
}
