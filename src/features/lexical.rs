//! The lexical view: word 1–2-grams, character n-grams inside words, sub-word pieces.
//!
//! A feature is identified by a 64-bit hash (FNV-1a over a kind byte and the UTF-8 bytes), so a
//! model doesn't reveal the words of the statements, only sub-word pieces of words that occur in
//! several texts. A word w contributes φ(w), the idf weights of its features. A statement is Σ φ(w)
//! divided by the **additive norm** √Σ |φ(w)|², both sums over tokens and word pairs. Therefore
//! every score is exactly a sum over words.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::hash::{FNV64, fnv64, mixed64};
use crate::error::{Error, Result};
use crate::tokenize::{Token, Tokenizer, squeezed};

/// Hyperparameters of the lexical view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LexicalParams {
    /// Minimum document frequency of a word.
    pub word_min_df: u32,
    /// Minimum document frequency of a pair of neighbouring words.
    pub bigram_min_df: u32,
    /// Minimum document frequency of a character n-gram or piece.
    pub char_min_df: u32,
    /// Shortest character n-gram, in characters, including the two boundary marks of the word.
    pub char_min: usize,
    /// Longest character n-gram; 0 means no n-grams.
    pub char_max: usize,
    /// Weight of character n-grams and pieces relative to words.
    pub char_weight: f32,
    /// Size of the sub-word vocabulary.
    pub pieces: usize,
}

impl Default for LexicalParams {
    fn default() -> Self {
        Self {
            word_min_df: 2,
            bigram_min_df: 3,
            char_min_df: 4,
            char_min: 2,
            char_max: 5,
            char_weight: 0.5,
            pieces: 4000,
        }
    }
}

impl LexicalParams {
    /// Refuses values outside their range.
    pub fn check(&self) -> Result<()> {
        let fail = |name, value: String, range| Err(Error::Parameter { name, value, range });
        if self.char_min == 0 {
            return fail("char_min", self.char_min.to_string(), "at least 1");
        }
        if self.char_max > 8 {
            return fail("char_max", self.char_max.to_string(), "at most 8");
        }
        if !(self.char_weight.is_finite() && self.char_weight >= 0.0) {
            return fail(
                "char_weight",
                self.char_weight.to_string(),
                "a number not below 0",
            );
        }
        if !(256..=100_000).contains(&self.pieces) {
            return fail("pieces", self.pieces.to_string(), "256 to 100000");
        }
        Ok(())
    }
}

/// The kind of a feature; its value is the first byte that is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word = b'w' as isize,
    Bigram = b'b' as isize,
    Char = b'c' as isize,
    Piece = b'p' as isize,
}

/// The fitted vocabulary with its weights. Feature 0 is the constant 1.
#[derive(Debug, Clone)]
pub struct LexicalView {
    params: LexicalParams,
    /// Hash of feature i + 1, most frequent first.
    hashes: Vec<u64>,
    /// Weight of feature i + 1: its idf times the weight of its kind.
    weights: Vec<f32>,
    index: FeatureIndex,
}

/// A word of a statement with its features.
#[derive(Debug, Clone, PartialEq)]
pub struct WordFeatures {
    /// The word.
    pub token: Token,
    /// The features of the word with their weights; repeated for each occurrence.
    pub features: Vec<(u32, f32)>,
    /// The feature of the pair with the previous word.
    pub pair: Option<(u32, f32)>,
}

/// The constant feature.
pub(crate) const BIAS: u32 = 0;

impl LexicalView {
    /// Learns vocabulary and document frequencies: idf = ln((1 + n) / (1 + df)) + 1.
    pub fn fit(
        statements: &[Vec<Token>],
        tokenizer: &Tokenizer,
        params: &LexicalParams,
    ) -> Result<Self> {
        params.check()?;
        let per_statement = statements
            .par_iter()
            .map(|tokens| distinct_features(tokens, tokenizer, params))
            .collect::<Result<Vec<_>>>()?;
        // Ordered by hash, so that the order doesn't depend on the number of threads.
        let mut frequencies: BTreeMap<u64, (u32, Kind)> = BTreeMap::new();
        for (hash, kind) in per_statement.into_iter().flatten() {
            frequencies.entry(hash).or_insert((0, kind)).0 += 1;
        }
        let mut kept: Vec<(u64, u32, Kind)> = frequencies
            .into_iter()
            .filter(|(_, (df, kind))| *df >= min_df(*kind, params))
            .map(|(hash, (df, kind))| (hash, df, kind))
            .collect();
        kept.sort_by_key(|(hash, df, _)| (std::cmp::Reverse(*df), *hash));
        let n = statements.len() as f64;
        let idf = |df: u32| ((1.0 + n) / (1.0 + f64::from(df))).ln() + 1.0;
        let weights = kept
            .iter()
            .map(|(_, df, kind)| idf(*df) as f32 * kind_weight(*kind, params))
            .collect();
        let hashes = kept.into_iter().map(|(hash, _, _)| hash).collect();
        Ok(Self::from_parts(params.clone(), hashes, weights))
    }

    /// This view, followed by the unknown features of `other`. Known features keep position and
    /// weight.
    #[must_use]
    pub fn extended(&self, other: &Self) -> Self {
        let (mut hashes, mut weights) = (self.hashes.clone(), self.weights.clone());
        let theirs = other.hashes.iter().zip(&other.weights);
        for (hash, weight) in theirs.filter(|(hash, _)| self.feature(**hash).is_none()) {
            hashes.push(*hash);
            weights.push(*weight);
        }
        Self::from_parts(self.params.clone(), hashes, weights)
    }

    /// Assembles a view from its stored parts; `hashes` and `weights` correspond by position.
    pub fn from_parts(params: LexicalParams, hashes: Vec<u64>, weights: Vec<f32>) -> Self {
        Self {
            index: FeatureIndex::new(&hashes),
            params,
            hashes,
            weights,
        }
    }

    /// Number of features, including the constant.
    pub fn len(&self) -> usize {
        self.hashes.len() + 1
    }

    /// True if the constant is the only feature.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// The hyperparameters of the fit.
    pub fn params(&self) -> &LexicalParams {
        &self.params
    }

    /// The hashes of the features after the constant.
    pub fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    /// The weights of the features after the constant.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// The features of a word with their weights, ascending; repeated for each occurrence.
    pub fn word_features(&self, word: &str, tokenizer: &Tokenizer) -> Result<Vec<(u32, f32)>> {
        let mut found = Vec::with_capacity(64);
        emit_word(word, tokenizer, &self.params, &mut |_, hash| {
            found.extend(self.weighted(hash));
        })?;
        found.sort_unstable_by_key(|(f, _)| *f);
        Ok(found)
    }

    /// Appends the features and weights of a [`squeezed`] word, unordered; repeated for each
    /// occurrence.
    pub(crate) fn append_features(&self, word: &str, pieces: &[u32], found: &mut Vec<(u32, f32)>) {
        emit_features(word, pieces, &self.params, &mut |_, hash| {
            found.extend(self.weighted(hash));
        });
    }

    /// Whether the word itself is a feature.
    pub fn knows(&self, word: &str) -> bool {
        self.feature(word_hash(word)).is_some()
    }

    /// The feature of two neighbouring words, if known.
    pub fn bigram_feature(&self, first: &str, second: &str) -> Option<(u32, f32)> {
        self.pair_feature(pair_hash(word_hash(first), word_hash(second)))
    }

    /// The feature with this [`pair_hash`], if known.
    pub(crate) fn pair_feature(&self, hash: u64) -> Option<(u32, f32)> {
        // Most pairs are not a feature; the filter rejects them quickly.
        if self.index.may_hold(hash) {
            self.weighted(hash)
        } else {
            None
        }
    }

    /// The features of each word of a statement and of its pair with the previous word.
    pub fn words(&self, tokens: Vec<Token>, tokenizer: &Tokenizer) -> Result<Vec<WordFeatures>> {
        let mut words: Vec<WordFeatures> = Vec::with_capacity(tokens.len());
        for token in tokens {
            let previous = words.last().map(|w| w.token.word.as_str());
            words.push(WordFeatures {
                features: self.word_features(&token.word, tokenizer)?,
                pair: previous.and_then(|p| self.bigram_feature(p, &token.word)),
                token,
            });
        }
        Ok(words)
    }

    /// The row of a statement (ascending by feature, weights divided by the norm) and the norm.
    ///
    /// A statement without known features has only the constant, and norm 1.
    pub fn row(words: &[WordFeatures]) -> (Vec<(u32, f32)>, f64) {
        let mut sums: HashMap<u32, f64> = HashMap::new();
        let mut norm2 = 0.0;
        for word in words {
            norm2 += squared_norm(&word.features);
            norm2 += word.pair.map_or(0.0, |(_, w)| f64::from(w) * f64::from(w));
            for (feature, weight) in word.features.iter().chain(&word.pair) {
                *sums.entry(*feature).or_default() += f64::from(*weight);
            }
        }
        let norm = if norm2 > 0.0 { norm2.sqrt() } else { 1.0 };
        let mut row: Vec<(u32, f32)> = sums
            .into_iter()
            .map(|(f, sum)| (f, (sum / norm) as f32))
            .collect();
        row.push((BIAS, 1.0));
        row.sort_unstable_by_key(|(f, _)| *f);
        (row, norm)
    }

    /// The feature with this hash, if known.
    fn feature(&self, hash: u64) -> Option<u32> {
        self.index.get(hash, &self.hashes)
    }

    fn weighted(&self, hash: u64) -> Option<(u32, f32)> {
        let feature = self.feature(hash)?;
        Some((feature, self.weights[feature as usize - 1]))
    }
}

/// |φ|² of a word; `features` is ascending and may repeat features.
pub(crate) fn squared_norm(features: &[(u32, f32)]) -> f64 {
    features
        .chunk_by(|a, b| a.0 == b.0)
        .map(|same| same.iter().map(|(_, w)| f64::from(*w)).sum::<f64>().powi(2))
        .sum()
}

/// Like [`squared_norm`] for unordered features; a feature always has the same weight.
pub(crate) fn squared_norm_of(features: &mut [(u32, f32)]) -> f64 {
    /// Longer lists are sorted.
    const FEW: usize = 128;
    if features.len() > FEW {
        features.sort_unstable_by_key(|(f, _)| *f);
        return squared_norm(features);
    }
    let mut seen = [0u64; 4];
    let mut norm2 = 0.0;
    for (i, (feature, weight)) in features.iter().enumerate() {
        let weight2 = f64::from(*weight) * f64::from(*weight);
        norm2 += weight2;
        let (part, bit) = ((feature >> 6 & 3) as usize, 1 << (feature & 63));
        if seen[part] & bit != 0 {
            let before = features[..i].iter().filter(|(f, _)| f == feature);
            norm2 += 2.0 * before.count() as f64 * weight2;
        }
        seen[part] |= bit;
    }
    norm2
}

fn min_df(kind: Kind, params: &LexicalParams) -> u32 {
    match kind {
        Kind::Word => params.word_min_df,
        Kind::Bigram => params.bigram_min_df,
        Kind::Char | Kind::Piece => params.char_min_df,
    }
}

fn kind_weight(kind: Kind, params: &LexicalParams) -> f32 {
    match kind {
        Kind::Word | Kind::Bigram => 1.0,
        Kind::Char | Kind::Piece => params.char_weight,
    }
}

fn distinct_features(
    tokens: &[Token],
    tokenizer: &Tokenizer,
    params: &LexicalParams,
) -> Result<Vec<(u64, Kind)>> {
    let mut found: Vec<(u64, Kind)> = Vec::new();
    let mut previous = None;
    for token in tokens {
        emit_word(&token.word, tokenizer, params, &mut |kind, hash| {
            found.push((hash, kind));
        })?;
        let hash = word_hash(&token.word);
        if let Some(previous) = previous.replace(hash) {
            found.push((pair_hash(previous, hash), Kind::Bigram));
        }
    }
    found.sort_unstable_by_key(|(hash, _)| *hash);
    found.dedup_by_key(|(hash, _)| *hash);
    Ok(found)
}

/// Emits every feature of a word except its pairs.
fn emit_word(
    word: &str,
    tokenizer: &Tokenizer,
    params: &LexicalParams,
    emit: &mut impl FnMut(Kind, u64),
) -> Result<()> {
    let word = squeezed(word);
    let pieces = tokenizer.pieces(&word)?;
    emit_features(&word, &pieces, params, emit);
    Ok(())
}

/// Emits every feature of a squeezed word with these sub-word pieces.
fn emit_features(
    word: &str,
    pieces: &[u32],
    params: &LexicalParams,
    emit: &mut impl FnMut(Kind, u64),
) {
    emit(Kind::Word, fnv(Kind::Word, word.as_bytes()));
    if params.char_weight <= 0.0 {
        return;
    }
    if word.chars().nth(1).is_some() {
        emit_ngrams(word, params, emit);
    }
    if pieces.len() > 1 {
        for piece in pieces {
            emit(Kind::Piece, fnv(Kind::Piece, &piece.to_le_bytes()));
        }
    }
}

/// Words up to this number of bytes are marked on the stack, without allocation.
const SHORT: usize = 62;

/// Emits the character n-grams of a word between its two boundary marks.
fn emit_ngrams(word: &str, params: &LexicalParams, emit: &mut impl FnMut(Kind, u64)) {
    if !word.is_ascii() || word.len() > SHORT {
        let marked = ["<", word, ">"].concat();
        for (start, _) in marked.char_indices() {
            let mut hash = fnv(Kind::Char, &[]);
            for (length, c) in (1..=params.char_max).zip(marked[start..].chars()) {
                let mut utf8 = [0; 4];
                hash = fnv64(hash, c.encode_utf8(&mut utf8).as_bytes());
                if length >= params.char_min {
                    emit(Kind::Char, hash);
                }
            }
        }
        return;
    }
    let mut marked = [b'<'; SHORT + 2];
    marked[1..=word.len()].copy_from_slice(word.as_bytes());
    marked[word.len() + 1] = b'>';
    let marked = &marked[..word.len() + 2];
    let seed = fnv(Kind::Char, &[]);
    for start in 0..marked.len() {
        let mut hash = seed;
        for (length, byte) in (1..=params.char_max).zip(&marked[start..]) {
            hash = fnv64(hash, &[*byte]);
            if length >= params.char_min {
                emit(Kind::Char, hash);
            }
        }
    }
}

/// The feature hash of a word.
pub(crate) fn word_hash(word: &str) -> u64 {
    squeezed_hash(&squeezed(word))
}

/// The feature hash of a squeezed word.
pub(crate) fn squeezed_hash(word: &str) -> u64 {
    fnv(Kind::Word, word.as_bytes())
}

/// The feature hash of two neighbouring words. It combines the hashes of the words, so a pair needs
/// no pass over letters.
pub(crate) fn pair_hash(first: u64, second: u64) -> u64 {
    mixed64(first.rotate_left(29) ^ second ^ Kind::Bigram as u64)
}

/// The hash of a feature, over its kind and then its bytes.
fn fnv(kind: Kind, bytes: &[u8]) -> u64 {
    fnv64(fnv64(FNV64, &[kind as u8]), bytes)
}

/// Map from hash to feature: open addressing; the table size is a power of two.
#[derive(Debug, Clone)]
struct FeatureIndex {
    /// The upper half of the hash, and the feature.
    slots: Vec<(u32, u32)>,
    mask: usize,
    /// Bloom filter over the upper hash bits; small enough for the cache.
    filter: Vec<u64>,
}

/// Marks an empty slot; the constant feature has no hash.
const EMPTY: u32 = BIAS;

impl FeatureIndex {
    /// Builds the index; `hashes` belong to the features after the constant.
    fn new(hashes: &[u64]) -> Self {
        let size = (hashes.len() * 2).next_power_of_two().max(2);
        let mut index = Self {
            slots: vec![(0, EMPTY); size],
            mask: size - 1,
            filter: vec![0; (size / 16).max(1)],
        };
        for (feature, &hash) in (1..).zip(hashes) {
            let (part, bit) = index.filter_bit(hash);
            index.filter[part] |= bit;
            let slot = index.slot(hash, hashes);
            index.slots[slot] = (upper(hash), feature);
        }
        index
    }

    /// Word and bit of a hash in the filter.
    fn filter_bit(&self, hash: u64) -> (usize, u64) {
        let part = (hash >> 38) as usize & (self.filter.len() - 1);
        (part, 1 << (hash >> 32 & 63))
    }

    /// Bloom-style test: false means absent; true may be a false positive.
    fn may_hold(&self, hash: u64) -> bool {
        let (part, bit) = self.filter_bit(hash);
        self.filter[part] & bit != 0
    }

    /// The slot of the hash, or the empty slot for it.
    fn slot(&self, hash: u64, hashes: &[u64]) -> usize {
        // The low bits of FNV are weak; mix in the high bits.
        let mut slot = (hash ^ (hash >> 32)) as usize & self.mask;
        loop {
            let (half, feature) = self.slots[slot];
            let is_it = || half == upper(hash) && hashes[feature as usize - 1] == hash;
            if feature == EMPTY || is_it() {
                return slot;
            }
            slot = (slot + 1) & self.mask;
        }
    }

    fn get(&self, hash: u64, hashes: &[u64]) -> Option<u32> {
        let (_, feature) = self.slots[self.slot(hash, hashes)];
        (feature != EMPTY).then_some(feature)
    }
}

fn upper(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(texts: &[&str]) -> (Tokenizer, LexicalView) {
        let tokenizer = Tokenizer::train(texts.iter().copied(), 300, 2).unwrap();
        let tokens: Vec<_> = texts.iter().map(|t| tokenizer.words(t).unwrap()).collect();
        let params = LexicalParams {
            word_min_df: 1,
            bigram_min_df: 1,
            char_min_df: 1,
            ..LexicalParams::default()
        };
        let view = LexicalView::fit(&tokens, &tokenizer, &params).unwrap();
        (tokenizer, view)
    }

    #[test]
    fn a_statement_is_the_sum_of_its_words_and_pairs_over_the_additive_norm() {
        let (tokenizer, view) = fitted(&["antri lama lama", "klaim lama", "antri klaim"]);
        let tokens = tokenizer.words("antri lama lama").unwrap();
        let (row, norm) = LexicalView::row(&view.words(tokens.clone(), &tokenizer).unwrap());
        let mut expected = vec![0.0; view.len()];
        let mut norm2 = 0.0;
        for token in &tokens {
            let features = view.word_features(&token.word, &tokenizer).unwrap();
            norm2 += squared_norm(&features);
            features
                .iter()
                .for_each(|(f, w)| expected[*f as usize] += f64::from(*w));
        }
        for pair in tokens.windows(2) {
            let (f, w) = view.bigram_feature(&pair[0].word, &pair[1].word).unwrap();
            norm2 += f64::from(w).powi(2);
            expected[f as usize] += f64::from(w);
        }
        assert!((norm - norm2.sqrt()).abs() < 1e-12);
        assert_eq!(row[0], (BIAS, 1.0));
        for (f, value) in &row[1..] {
            assert!((f64::from(*value) - expected[*f as usize] / norm).abs() < 1e-6);
        }
    }

    #[test]
    fn a_text_without_known_features_has_the_constant_alone() {
        let (tokenizer, view) = fitted(&["antri lama"]);
        let tokens = tokenizer.words("𝟘").unwrap();
        for words in [Vec::new(), tokens] {
            let row = LexicalView::row(&view.words(words, &tokenizer).unwrap());
            assert_eq!(row, (vec![(BIAS, 1.0)], 1.0));
        }
    }

    #[test]
    fn an_extended_view_keeps_its_features_and_adds_the_new_ones() {
        let (tokenizer, old) = fitted(&["antri lama", "klaim lama"]);
        let tokens = vec![tokenizer.words("obat lama").unwrap()];
        let new = LexicalView::fit(&tokens, &tokenizer, &old.params).unwrap();
        let both = old.extended(&new);
        assert_eq!(both.hashes()[..old.hashes().len()], *old.hashes());
        let known =
            |view: &LexicalView, word| !view.word_features(word, &tokenizer).unwrap().is_empty();
        assert!(known(&both, "obat") && both.len() > old.len());
        assert_eq!(
            both.word_features("lama", &tokenizer).unwrap(),
            old.word_features("lama", &tokenizer).unwrap()
        );
    }

    #[test]
    fn rare_features_are_left_out() {
        let texts = ["rahasia bocor", "antri lama", "antri lama"];
        let tokenizer = Tokenizer::train(texts.into_iter(), 300, 2).unwrap();
        let tokens: Vec<_> = texts.iter().map(|t| tokenizer.words(t).unwrap()).collect();
        let params = LexicalParams {
            char_min_df: 2,
            bigram_min_df: 2,
            ..LexicalParams::default()
        };
        let view = LexicalView::fit(&tokens, &tokenizer, &params).unwrap();
        let known = |word: &str| view.feature(fnv(Kind::Word, word.as_bytes())).is_some();
        assert!(known("antri") && !known("rahasia"));
    }
}
