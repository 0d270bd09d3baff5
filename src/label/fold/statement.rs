//! A statement while its words are added up.

use super::table::{Place, Tongue, Word};
use super::words::Folder;
use crate::features::{SHAPE_COUNT, capital_shape, is_capital};
use crate::language::Tally;

/// The sums over the words of a statement, and its words.
#[derive(Default)]
pub(super) struct Statement {
    number: u32,
    /// Sums, one per value of a word; the block is not yet included.
    sums: Vec<f64>,
    /// Sums over the latest words, in single precision.
    block: Vec<f32>,
    /// Words in the block.
    in_block: usize,
    pub(super) norm2: f64,
    pub(super) semantic_norm2: f64,
    /// How often each cue occurs.
    pub(super) counts: Vec<u32>,
    /// Whether any view knows any word of the statement.
    pub(super) known: bool,
    /// The distinct words in the order of first occurrence.
    pub(super) distinct: Vec<Distinct>,
    /// The pairs that have a feature.
    pub(super) pairs: Vec<Pair>,
    met: Met,
    /// The language counts of the words, except for the parts in `odd`.
    pub(super) tally: Tally,
    part: Part,
    /// Byte ranges that still need the language identifier (addresses, hashtags, ...).
    pub(super) odd: Vec<(usize, usize)>,
}

/// A distinct word of a statement.
pub(super) struct Distinct {
    pub(super) place: Place,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) times: u32,
}

/// Two neighbouring words that have a feature together, as positions in the distinct words.
pub(super) struct Pair {
    pub(super) words: [u32; 2],
    pub(super) feature: u32,
    pub(super) weight: f32,
}

/// For each word in the tables: the last statement that contained it, and its position there.
#[derive(Default)]
struct Met {
    shared: Vec<(u32, u32)>,
    fresh: Vec<(u32, u32)>,
}

/// A run of words without space between them.
#[derive(Clone, Copy, Default)]
struct Part {
    start: usize,
    end: usize,
    tally: Tally,
    is_odd: bool,
}

/// Number of words that can be added in single precision without loss.
const BLOCK: usize = 64;

impl Statement {
    /// Begins a statement; each word has `values` values.
    pub(super) fn begin(&mut self, values: usize, cues: usize) {
        self.number = self.number.wrapping_add(1);
        if self.number == 0 {
            self.met = Met::default();
            self.number = 1;
        }
        self.sums.clear();
        self.sums.resize(values, 0.0);
        self.block.clear();
        self.block.resize(values, 0.0);
        self.in_block = 0;
        self.counts.clear();
        self.counts.resize(cues, 0);
        (self.norm2, self.semantic_norm2) = (0.0, 0.0);
        self.known = false;
        self.distinct.clear();
        self.pairs.clear();
        self.tally = Tally::default();
        self.part = Part::default();
        self.odd.clear();
    }

    /// Adds the word at a byte range of the text.
    pub(super) fn add(
        &mut self,
        folder: &Folder<'_>,
        word: &Word,
        values: &[f32],
        text: &str,
        at: (usize, usize),
    ) {
        if self.in_block == BLOCK {
            self.flush();
        }
        self.in_block += 1;
        folder.add_word(&mut self.block, values);
        self.norm2 += f64::from(word.norm2);
        self.semantic_norm2 += f64::from(word.semantic_norm2);
        self.known |= word.known;
        self.count(word, text, at);
        self.hear(word.tongue, at);
    }

    /// Adds the feature of a pair of words.
    pub(super) fn add_pair(&mut self, folder: &Folder<'_>, feature: u32, weight: f32) {
        folder.add_feature(&mut self.block, feature, weight);
        self.norm2 += f64::from(weight) * f64::from(weight);
        self.known = true;
    }

    /// The sums over all words.
    pub(super) fn sums(&mut self) -> &[f64] {
        self.flush();
        &self.sums
    }

    fn flush(&mut self) {
        for (sum, block) in self.sums.iter_mut().zip(&mut self.block) {
            *sum += f64::from(std::mem::take(block));
        }
        self.in_block = 0;
    }

    /// Counts the cues of a word.
    fn count(&mut self, word: &Word, text: &str, (start, end): (usize, usize)) {
        let Some(shapes) = self.counts.len().checked_sub(SHAPE_COUNT) else {
            return;
        };
        if let Some(lexicon) = word.lexicon {
            self.counts[usize::from(lexicon)] += 1;
        }
        let is_small = text.as_bytes()[start].is_ascii_lowercase();
        let bits = word.shapes | capital_shape(!is_small && is_capital(&text[start..end]));
        let mut left = bits;
        while left != 0 {
            self.counts[shapes + left.trailing_zeros() as usize] += 1;
            left &= left - 1;
        }
    }

    /// Counts the language of a word.
    fn hear(&mut self, tongue: Tongue, (start, end): (usize, usize)) {
        if start != self.part.end {
            self.end_part();
            self.part.start = start;
        }
        self.part.end = end;
        match tongue {
            Tongue::Silent => {}
            Tongue::Speaks(judged) => self.part.tally.add(judged),
            Tongue::Odd => self.part.is_odd = true,
        }
    }

    /// Ends a part of the text; must be called after the last word too.
    pub(super) fn end_part(&mut self) {
        if self.part.is_odd {
            self.odd.push((self.part.start, self.part.end));
        } else {
            self.tally += self.part.tally;
        }
        self.part = Part::default();
    }

    /// The position of a word in the distinct words.
    pub(super) fn meet(&mut self, place: Place, (start, end): (usize, usize)) -> u32 {
        let (met, place_in) = match place {
            Place::Shared(place) => (&mut self.met.shared, place as usize),
            Place::Fresh(place) => (&mut self.met.fresh, place as usize),
        };
        if met.len() <= place_in {
            met.resize((place_in + 1).next_power_of_two(), (0, 0));
        }
        let (number, slot) = &mut met[place_in];
        if *number == self.number {
            self.distinct[*slot as usize].times += 1;
            return *slot;
        }
        *number = self.number;
        *slot = self.distinct.len() as u32;
        self.distinct.push(Distinct {
            place,
            start,
            end,
            times: 1,
        });
        *slot
    }
}
