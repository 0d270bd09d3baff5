//! Cache of words with their contributions to a statement: computed once for all threads, kept
//! while in use.

use hashbrown::HashTable;

use crate::base::hash::GOLDEN;
use crate::error::Result;
use crate::language::Judged;

/// The contribution of a word to a statement, without its scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Word {
    /// Contribution to the squared lexical norm.
    pub(super) norm2: f32,
    /// Contribution to the squared norm of the semantic view.
    pub(super) semantic_norm2: f32,
    /// Hash of the word's feature, for pairs.
    pub(super) hash: u64,
    /// The lexicon of the word.
    pub(super) lexicon: Option<u16>,
    /// The shapes that don't depend on case, one bit each.
    pub(super) shapes: u8,
    /// Whether any view knows the word.
    pub(super) known: bool,
    /// Whether the word can be evidence; punctuation can't.
    pub(super) visible: bool,
    /// What the word indicates about the language.
    pub(super) tongue: Tongue,
}

/// What a word indicates about the language of its part of the text (between spaces).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tongue {
    /// Nothing: punctuation.
    Silent,
    /// The word belongs to a language.
    Speaks(Judged),
    /// The part must be judged as a whole: it may be an address, or not a word.
    Odd,
}

/// The letters of a word, or a hash of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    /// The first and the last eight bytes; for a long word a hash and the position of its letters.
    parts: [u64; 2],
    length: u32,
}

/// Maximum length in bytes of a word that is its own key.
const SHORT: usize = 16;

impl Key {
    /// The key of a word; for a long word without the position of its letters.
    fn of(word: &str) -> Self {
        let bytes = word.as_bytes();
        let n = bytes.len();
        let length = n as u32;
        let parts = match n {
            0..4 => {
                let bytes = bytes.iter().rev();
                [bytes.fold(0, |sum, byte| sum << 8 | u64::from(*byte)), 0]
            }
            4..8 => ends::<4>(bytes).map(|four| u32::from_le_bytes(four).into()),
            8..=SHORT => ends::<8>(bytes).map(u64::from_le_bytes),
            _ => [long_hash(bytes), 0],
        };
        Self { parts, length }
    }

    fn is_long(&self) -> bool {
        self.length as usize > SHORT
    }

    fn hash(&self) -> u64 {
        let second = if self.is_long() { 0 } else { self.parts[1] };
        let mixed = (self.parts[0] ^ u64::from(self.length)).wrapping_mul(GOLDEN) ^ second;
        let mixed = u128::from(mixed) * u128::from(GOLDEN.rotate_left(31) | 1);
        (mixed >> 64) as u64 ^ mixed as u64
    }
}

/// The first and the last bytes, which may overlap; zeros if the word is shorter.
fn ends<const N: usize>(bytes: &[u8]) -> [[u8; N]; 2] {
    [bytes.first_chunk(), bytes.last_chunk()].map(|end| end.copied().unwrap_or([0; N]))
}

/// Hash of a word's bytes, eight at a time.
fn long_hash(bytes: &[u8]) -> u64 {
    use std::hash::Hasher;
    let mut hasher = rustc_hash::FxHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

/// A list of words with their values.
#[derive(Default)]
struct Words {
    places: HashTable<u32>,
    entries: Vec<(Key, Word)>,
    values: Vec<f32>,
    /// The letters of all long words, concatenated.
    letters: String,
}

impl Words {
    fn len(&self) -> usize {
        self.entries.len()
    }

    fn clear(&mut self) {
        self.places.clear();
        self.entries.clear();
        self.values.clear();
        self.letters.clear();
    }

    /// The letters of a long word.
    fn letters(&self, key: &Key) -> &str {
        let start = key.parts[1] as usize;
        &self.letters[start..start + key.length as usize]
    }

    /// The position of a word; `letters` is called only for a long word.
    fn find<'w>(&self, key: &Key, hash: u64, letters: impl Fn() -> &'w str) -> Option<u32> {
        let same = |place: &u32| {
            let other = &self.entries[*place as usize].0;
            if key.is_long() {
                let alike = (other.parts[0], other.length) == (key.parts[0], key.length);
                alike && self.letters(other) == letters()
            } else {
                other == key
            }
        };
        self.places.find(hash, same).copied()
    }

    /// Adds a word that is not in the list; its values must already be there.
    fn push<'w>(
        &mut self,
        mut key: Key,
        hash: u64,
        word: Word,
        letters: impl Fn() -> &'w str,
    ) -> u32 {
        if key.is_long() {
            key.parts[1] = self.letters.len() as u64;
            self.letters.push_str(letters());
        }
        let place = self.entries.len() as u32;
        self.entries.push((key, word));
        let entries = &self.entries;
        let hash_of = |place: &u32| entries[*place as usize].0.hash();
        self.places.insert_unique(hash, place, hash_of);
        place
    }

    /// Copies a word from another list if it is not in this one.
    fn copy(&mut self, other: &Self, place: u32, width: usize) -> u32 {
        let (key, word) = other.entries[place as usize];
        let hash = key.hash();
        let letters = || other.letters(&key);
        if let Some(place) = self.find(&key, hash, letters) {
            return place;
        }
        let start = place as usize * width;
        let values = &other.values[start..start + width];
        self.values.extend_from_slice(values);
        self.push(key, hash, word, letters)
    }

    fn get(&self, place: u32, width: usize) -> (&Word, &[f32]) {
        let start = place as usize * width;
        let values = &self.values[start..start + width];
        (&self.entries[place as usize].1, values)
    }
}

/// The words that all threads share, in two generations. A word that is not used while one
/// generation fills is dropped with the old one.
pub(super) struct Shared {
    young: Words,
    old: Words,
    /// Maximum number of words per generation.
    capacity: usize,
    /// Number of values per word.
    width: usize,
}

/// Number of new words at which a thread shares them with all threads.
const HANDED_OVER: usize = 256;
/// Average bytes of long words that are allowed per word.
const LETTERS: usize = 16;

impl Shared {
    /// Holds at most twice `capacity` words with `width` values each.
    pub(super) fn new(capacity: usize, width: usize) -> Self {
        Self {
            young: Words::default(),
            old: Words::default(),
            capacity,
            width,
        }
    }

    /// Takes over the new words of a thread.
    pub(super) fn take(&mut self, fresh: &mut Fresh) {
        for place in 0..fresh.0.len() as u32 {
            self.young.copy(&fresh.0, place, self.width);
        }
        fresh.0.clear();
        if self.young.is_full(self.capacity) {
            self.old = std::mem::take(&mut self.young);
        }
    }
}

/// Words that only this thread knows so far.
#[derive(Default)]
pub(super) struct Fresh(Words);

impl Fresh {
    /// Whether there are enough words to share.
    pub(super) fn is_full(&self) -> bool {
        self.0.is_full(HANDED_OVER)
    }
}

impl Words {
    fn is_full(&self, capacity: usize) -> bool {
        self.len() >= capacity || self.letters.len() >= capacity * LETTERS
    }
}

/// The position of a word; valid until the fresh words are shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Shared(u32),
    Fresh(u32),
}

/// All words that a thread knows while it codes a statement.
pub(super) struct Known<'t> {
    pub(super) shared: &'t Shared,
    pub(super) fresh: &'t mut Fresh,
}

/// The key and hash for the lookup of a word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sought {
    key: Key,
    hash: u64,
}

impl Sought {
    pub(super) fn new(word: &str) -> Self {
        let key = Key::of(word);
        Self {
            key,
            hash: key.hash(),
        }
    }
}

impl Known<'_> {
    /// The position of a word that all threads know.
    pub(super) fn find(&self, Sought { key, hash }: &Sought, word: &str) -> Option<Place> {
        let place = self.shared.young.find(key, *hash, || word);
        place.map(Place::Shared)
    }

    /// The position of a word that is not in the young generation. `fold` computes a new word and
    /// appends its values to the list.
    pub(super) fn place(
        &mut self,
        Sought { key, hash }: &Sought,
        word: &str,
        fold: impl FnOnce(&mut Vec<f32>) -> Result<Word>,
    ) -> Result<Place> {
        let letters = || word;
        let fresh = &mut self.fresh.0;
        if let Some(place) = fresh.find(key, *hash, letters) {
            return Ok(Place::Fresh(place));
        }
        let width = self.shared.width;
        if let Some(place) = self.shared.old.find(key, *hash, letters) {
            return Ok(Place::Fresh(fresh.copy(&self.shared.old, place, width)));
        }
        let folded = fold(&mut fresh.values);
        let word = folded.inspect_err(|_| fresh.values.truncate(fresh.entries.len() * width))?;
        debug_assert_eq!(fresh.values.len(), (fresh.len() + 1) * width);
        Ok(Place::Fresh(fresh.push(*key, *hash, word, letters)))
    }

    /// A word and its values.
    pub(super) fn get(&self, place: Place) -> (&Word, &[f32]) {
        let (words, place) = match place {
            Place::Shared(place) => (&self.shared.young, place),
            Place::Fresh(place) => (&self.fresh.0, place),
        };
        words.get(place, self.shared.width)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word(hash: u64) -> Word {
        Word {
            norm2: 1.0,
            semantic_norm2: 0.0,
            hash,
            lexicon: None,
            shapes: 0,
            known: true,
            visible: true,
            tongue: Tongue::Silent,
        }
    }

    /// The words that were computed, in order, for these lookups and this capacity.
    fn folded<'w>(words: &[&'w str], capacity: usize) -> Vec<&'w str> {
        let mut shared = Shared::new(capacity, 1);
        let mut fresh = Fresh::default();
        let mut folded = Vec::new();
        for name in words {
            let value = name
                .bytes()
                .fold(7, |h: u64, b| (h * 31 + u64::from(b)) % 65_521);
            let mut known = Known {
                shared: &shared,
                fresh: &mut fresh,
            };
            let fold = |values: &mut Vec<f32>| {
                folded.push(*name);
                values.push(value as f32);
                Ok(word(value))
            };
            let sought = Sought::new(name);
            let place = known.find(&sought, name);
            let place = place.unwrap_or_else(|| known.place(&sought, name, fold).unwrap());
            let (found, values) = known.get(place);
            assert_eq!((found.hash, values), (value, &[value as f32][..]), "{name}");
            shared.take(&mut fresh);
        }
        folded
    }

    #[test]
    fn words_in_use_stay_and_others_fall_out() {
        let words = ["a", "b", "a", "c", "a", "d", "b"];
        assert_eq!(folded(&words, 2), ["a", "b", "c", "d", "b"]);
        assert_eq!(folded(&words, 9), ["a", "b", "c", "d"]);
    }

    #[test]
    fn long_words_fill_a_table_too() {
        let long = "x".repeat(40);
        assert_eq!(
            folded(&[&long, "a", "b", &long], 2),
            [&long, "a", "b", &long]
        );
        assert_eq!(folded(&[&long, "a", "b", &long], 9), [&long, "a", "b"]);
    }

    proptest! {
        #[test]
        fn different_words_have_different_places(words in prop::collection::vec("[ab]{0,6}|[ab]{7,20}|é{0,9}", 0..60)) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let different: std::collections::BTreeSet<&str> = words.iter().copied().collect();
            prop_assert_eq!(folded(&words, 1000).len(), different.len());
        }
    }
}
