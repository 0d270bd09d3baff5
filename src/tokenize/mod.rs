//! Text to tokens: the wrapped `tokenizers` pipeline (normalise, pre-tokenise, sub-word model).
//!
//! The pipeline is data: every Hugging Face client can read the `tokenizer.json` of a model
//! directory and gets the same words and pieces.

mod lazy;
mod pieces;
mod scan;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::OnceLock;

use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainerBuilder};
use tokenizers::normalizers::unicode::NFKC;
use tokenizers::normalizers::utils::{Lowercase, Sequence};
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{
    AddedToken, Model as _, ModelWrapper, NormalizedString, Normalizer as _, NormalizerWrapper,
    OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer as _, PreTokenizerWrapper,
    SplitDelimiterBehavior, Tokenizer as Pipeline,
};

use lazy::LazyPipeline;
use pieces::{Description, Pieces};
use scan::is_space;
pub(crate) use scan::{Cut, Scanner};

use crate::error::{Error, Result};

/// A run of letters, marks, digits and `_` is one word; so is any other visible character.
const WORD: &str = r"[\p{L}\p{M}\p{N}_]+|[^\p{L}\p{M}\p{N}_\s]";
const UNKNOWN: &str = "[UNK]";
/// Number of characters in the alphabet; rarer characters are unknown.
const ALPHABET: usize = 400;
/// Words in fewer texts are left out when pieces are trained, so that a name or number of a single
/// statement never becomes a piece.
const MIN_TEXTS: usize = 3;

/// A word of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The word, normalised (NFKC, lower case).
    pub word: String,
    /// First byte in the original text.
    pub start: usize,
    /// The byte after the last in the original text.
    pub end: usize,
}

/// Splits text into words and words into pieces.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    pipeline: LazyPipeline,
    /// Whether the pipeline splits words like [`Scanner`].
    scannable: bool,
    /// The sub-word model, if it can run without the pipeline.
    pieces: Option<Pieces>,
}

impl Tokenizer {
    /// Trains the sub-word model (byte-pair encoding) on `texts`. The same texts give the same
    /// bytes.
    ///
    /// `vocabulary` is the number of pieces, `min_frequency` the minimum count of a merged pair.
    /// Words in fewer than three texts are left out.
    pub fn train<'a>(
        texts: impl Iterator<Item = &'a str>,
        vocabulary: usize,
        min_frequency: u64,
    ) -> Result<Self> {
        let model = BPE::builder()
            .unk_token(UNKNOWN.into())
            .build()
            .map_err(failed)?;
        let mut pipeline = Pipeline::new(ModelWrapper::BPE(model));
        let normalizer = Sequence::new(vec![
            NormalizerWrapper::NFKC(NFKC),
            NormalizerWrapper::Lowercase(Lowercase),
        ]);
        pipeline.with_normalizer(Some(normalizer)).map_err(failed)?;
        pipeline.with_pre_tokenizer(Some(PreTokenizerWrapper::Split(word_splitter()?)));
        let words = Self::from_json(json_of(&pipeline)?.as_bytes())?.frequent_words(texts)?;
        let trainer = BpeTrainerBuilder::new()
            .vocab_size(vocabulary)
            .min_frequency(min_frequency)
            .limit_alphabet(ALPHABET)
            .initial_alphabet(alphabet(&words))
            .show_progress(false)
            .special_tokens(vec![AddedToken::from(UNKNOWN, true)])
            .build();
        let mut trainer = TrainerWrapper::BpeTrainer(trainer);
        let words = words
            .iter()
            .flat_map(|(word, count)| std::iter::repeat_n(word.as_str(), *count));
        pipeline.train(&mut trainer, words).map_err(failed)?;
        Self::from_json(json_of(&pipeline)?.as_bytes())
    }

    /// The count of each word that occurs in enough texts.
    fn frequent_words<'a>(
        &self,
        texts: impl Iterator<Item = &'a str>,
    ) -> Result<BTreeMap<String, usize>> {
        let mut counts: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
        for (number, text) in texts.enumerate() {
            for token in self.words(text)? {
                let (count, texts, last) = counts.entry(token.word).or_default();
                *count += 1;
                if *last != number + 1 {
                    *texts += 1;
                    *last = number + 1;
                }
            }
        }
        let enough = counts
            .into_iter()
            .filter(|(_, (_, texts, _))| *texts >= MIN_TEXTS);
        Ok(enough.map(|(word, (count, ..))| (word, count)).collect())
    }

    /// Reads a `tokenizer.json`.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let pipeline = LazyPipeline::new(json);
        let description = Description::read(json);
        let pieces = description.as_ref().and_then(Pieces::of);
        let scannable = description.is_some_and(|d| d.cuts_as_ours());
        if pieces.is_none() || !scannable {
            // The pipeline will be needed: build it now to report errors early.
            pipeline.get()?;
        }
        Ok(Self {
            pipeline,
            scannable,
            pieces,
        })
    }

    /// The pipeline as `tokenizer.json`.
    pub fn to_json(&self) -> Result<String> {
        json_of(self.pipeline.get()?)
    }

    /// The words of a text, in order.
    pub fn words(&self, text: &str) -> Result<Vec<Token>> {
        let mut tokens = Vec::new();
        self.each_word(text, &mut Scanner::default(), |word, start, end| {
            tokens.push(Token {
                word: word.to_string(),
                start,
                end,
            });
        })?;
        Ok(tokens)
    }

    /// Calls `each` with every word of a text, its first byte and the byte after its last.
    pub(crate) fn each_word(
        &self,
        text: &str,
        scanner: &mut Scanner,
        mut each: impl FnMut(&str, usize, usize),
    ) -> Result<Cut> {
        if self.scannable {
            return each_word_as_ours(text, scanner, each);
        }
        let tokens = self.words_by_pipeline(text)?;
        tokens.iter().for_each(|t| each(&t.word, t.start, t.end));
        Ok(Cut::Rewritten)
    }

    /// The words of a text according to the pipeline.
    fn words_by_pipeline(&self, text: &str) -> Result<Vec<Token>> {
        let pipeline = self.pipeline.get()?;
        let mut normalized = NormalizedString::from(text);
        if let Some(normalizer) = pipeline.get_normalizer() {
            normalizer.normalize(&mut normalized).map_err(failed)?;
        }
        let mut split = PreTokenizedString::from(normalized);
        if let Some(pre_tokenizer) = pipeline.get_pre_tokenizer() {
            pre_tokenizer.pre_tokenize(&mut split).map_err(failed)?;
        }
        let mut tokens = Vec::new();
        each_split(&split, |word, start, end| {
            tokens.push(Token {
                word: word.to_string(),
                start,
                end,
            });
        });
        Ok(tokens)
    }

    /// The ids of the pieces of a normalised word.
    pub fn pieces(&self, word: &str) -> Result<Vec<u32>> {
        let mut ids = Vec::new();
        self.append_pieces(word, &mut ids)?;
        Ok(ids)
    }

    /// Appends the [`pieces`](Self::pieces) of a word.
    pub(crate) fn append_pieces(&self, word: &str, ids: &mut Vec<u32>) -> Result<()> {
        let by_hand = self.pieces.as_ref().map(|pieces| pieces.append(word, ids));
        if by_hand != Some(true) {
            ids.extend(self.pieces_by_pipeline(word)?);
        }
        Ok(())
    }

    fn pieces_by_pipeline(&self, word: &str) -> Result<Vec<u32>> {
        let model = self.pipeline.get()?.get_model();
        let tokens = model.tokenize(word).map_err(failed)?;
        Ok(tokens.into_iter().map(|t| t.id).collect())
    }
}

/// Splits words like the pipelines trained here, without building one: with the scanner if
/// possible, else with normaliser and splitter of the library. Parts between ASCII white space are
/// independent, so each is processed separately.
fn each_word_as_ours(
    text: &str,
    scanner: &mut Scanner,
    mut each: impl FnMut(&str, usize, usize),
) -> Result<Cut> {
    if text.is_ascii() {
        scanner.scan_ascii(text, &mut each);
        return Ok(Cut::AsWritten);
    }
    let mut cut = Cut::AsWritten;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.bytes().position(is_space).unwrap_or(rest.len());
        let start = text.len() - rest.len();
        let part = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        let mut shifted = |word: &str, from, to| each(word, start + from, start + to);
        match scanner.scan(part, &mut shifted) {
            Some(Cut::AsWritten) => {}
            Some(Cut::Rewritten) => cut = Cut::Rewritten,
            None => {
                each_word_by_library(part, shifted)?;
                cut = Cut::Rewritten;
            }
        }
    }
    Ok(cut)
}

/// Splits words with normaliser and splitter of the library.
fn each_word_by_library(text: &str, each: impl FnMut(&str, usize, usize)) -> Result<()> {
    static SPLITTER: OnceLock<Option<Split>> = OnceLock::new();
    let Some(splitter) = SPLITTER.get_or_init(|| word_splitter().ok()) else {
        return word_splitter().map(drop);
    };
    let mut normalized = NormalizedString::from(text);
    normalized.nfkc().lowercase();
    let mut split = PreTokenizedString::from(normalized);
    splitter.pre_tokenize(&mut split).map_err(failed)?;
    each_split(&split, each);
    Ok(())
}

/// Calls `each` with every part of a split text and its byte range in the original.
fn each_split(split: &PreTokenizedString, mut each: impl FnMut(&str, usize, usize)) {
    let splits = split.get_splits(OffsetReferential::Original, OffsetType::Byte);
    for (word, (start, end), _) in splits {
        each(word, start, end);
    }
}

/// Splits a normalised text into words.
fn word_splitter() -> Result<Split> {
    let pattern = SplitPattern::Regex(WORD.into());
    Split::new(pattern, SplitDelimiterBehavior::Removed, true).map_err(failed)
}

/// The tokenizer of an encoder: maps words to ids of sub-word tokens.
#[derive(Debug, Clone)]
pub struct Subwords {
    pipeline: LazyPipeline,
    /// Ids that represent no text: unknown, padding and other special tokens.
    empty: Vec<u32>,
    /// One more than the largest id.
    id_limit: usize,
    /// The sub-word model, if it can run without the pipeline and the pipeline passes our words to
    /// it unchanged.
    direct: Option<Pieces>,
}

/// The unknown and padding tokens.
const EMPTY: [&str; 4] = ["[UNK]", "<unk>", "[PAD]", "<pad>"];

impl Subwords {
    /// Reads a `tokenizer.json`.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let pipeline = LazyPipeline::new(json);
        let description = Description::read(json);
        let is_direct = |d: &&Description<'_>| {
            d.cuts_as_ours() && d.added_tokens.is_empty() && d.post_processor.is_null()
        };
        let direct = description.as_ref().filter(is_direct);
        let direct = direct.and_then(|d| Some((d, Pieces::of(d)?)));
        let (mut empty, id_limit): (Vec<u32>, usize) = if let Some((description, _)) = &direct {
            let known = EMPTY.iter().filter_map(|token| description.id(token));
            (known.collect(), description.id_limit())
        } else {
            let pipeline = pipeline.get()?;
            let special = pipeline.get_added_tokens_decoder();
            let special = special.iter().filter(|(_, token)| token.special);
            let known = EMPTY.iter().filter_map(|token| pipeline.token_to_id(token));
            let ids = pipeline.get_vocab(true).into_values();
            (
                special.map(|(id, _)| *id).chain(known).collect(),
                ids.max().map_or(0, |last| last as usize + 1),
            )
        };
        empty.sort_unstable();
        empty.dedup();
        Ok(Self {
            empty,
            id_limit,
            direct: direct.map(|(_, pieces)| pieces),
            pipeline,
        })
    }

    /// The pipeline as `tokenizer.json`.
    pub fn to_json(&self) -> Result<String> {
        json_of(self.pipeline.get()?)
    }

    /// One more than the largest id.
    pub fn id_limit(&self) -> usize {
        self.id_limit
    }

    /// The ids of the tokens of a word, without tokens that represent no text.
    pub fn ids(&self, word: &str) -> Result<Vec<u32>> {
        let mut ids = Vec::new();
        self.append_ids(word, &mut ids)?;
        Ok(ids)
    }

    /// Appends the [`ids`](Self::ids) of a word to an empty list.
    pub(crate) fn append_ids(&self, word: &str, ids: &mut Vec<u32>) -> Result<()> {
        let by_hand = match &self.direct {
            Some(pieces) => append_by(pieces, word, ids)?,
            None => false,
        };
        if !by_hand {
            let encoding = self.pipeline.get()?.encode_fast(word, false);
            ids.clear();
            ids.extend_from_slice(encoding.map_err(failed)?.get_ids());
        }
        ids.retain(|id| !self.empty.contains(id));
        Ok(())
    }
}

/// Appends the ids of a text with a sub-word model alone; `false` if the model leaves a word to the
/// pipeline.
fn append_by(pieces: &Pieces, text: &str, ids: &mut Vec<u32>) -> Result<bool> {
    if is_one_ascii_word(text) {
        return Ok(pieces.append(text, ids));
    }
    let mut whole = true;
    each_word_as_ours(text, &mut Scanner::default(), |word, _, _| {
        whole &= pieces.append(word, ids);
    })?;
    Ok(whole)
}

/// Whether the scanner would return the text as one unchanged word.
fn is_one_ascii_word(text: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    match text.as_bytes() {
        [mark] => mark.is_ascii_graphic() && !mark.is_ascii_uppercase(),
        bytes => !bytes.is_empty() && bytes.iter().all(|b| is_part(*b)),
    }
}

/// The pipeline as `tokenizer.json`, with sorted keys.
fn json_of(pipeline: &Pipeline) -> Result<String> {
    let json: serde_json::Value = serde_json::from_str(&pipeline.to_string(false).map_err(failed)?)
        .map_err(|e| failed(e.into()))?;
    serde_json::to_string(&json).map_err(|e| failed(e.into()))
}

/// Shortens runs of three or more equal letters to one: `lamaaa` becomes `lama`.
pub(crate) fn squeezed(word: &str) -> Cow<'_, str> {
    let bytes = word.as_bytes();
    // Three equal characters give three equal bytes at a distance of one character width; most
    // words have none.
    let may_run = |width: usize| {
        (2 * width..bytes.len())
            .any(|i| bytes[i] == bytes[i - width] && bytes[i] == bytes[i - 2 * width])
    };
    let may_run = may_run(1) || !word.is_ascii() && (2..=4).any(may_run);
    if !may_run {
        return Cow::Borrowed(word);
    }
    let mut out = String::with_capacity(word.len());
    let mut chars = word.chars().peekable();
    while let Some(c) = chars.next() {
        let mut run = 1;
        while chars.next_if_eq(&c).is_some() {
            run += 1;
        }
        let kept = if run >= 3 && c.is_alphabetic() {
            1
        } else {
            run
        };
        out.extend(std::iter::repeat_n(c, kept));
    }
    Cow::Owned(out)
}

/// The most frequent characters, in a fixed order; the trainer would break ties at random.
fn alphabet(words: &BTreeMap<String, usize>) -> HashSet<char> {
    let mut counts: BTreeMap<char, usize> = BTreeMap::new();
    for (word, count) in words {
        for c in word.chars() {
            *counts.entry(c).or_default() += count;
        }
    }
    let mut by_count: Vec<(char, usize)> = counts.into_iter().collect();
    by_count.sort_by_key(|(c, count)| (std::cmp::Reverse(*count), *c));
    by_count
        .into_iter()
        .take(ALPHABET)
        .map(|(c, _)| c)
        .collect()
}

#[expect(clippy::needless_pass_by_value, reason = "passed to map_err by name")]
fn failed(error: tokenizers::Error) -> Error {
    Error::Tokenizer {
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXTS: [&str; 4] = [
        "antri lama antrian",
        "lama antrian",
        "antrian lama antri!",
        "antri: klaim ditolak, ditolak lagi",
    ];

    fn tokenizer() -> Tokenizer {
        Tokenizer::train(TEXTS.into_iter(), 60, 2).unwrap()
    }

    fn words(text: &str) -> Vec<String> {
        tokenizer()
            .words(text)
            .unwrap()
            .into_iter()
            .map(|t| t.word)
            .collect()
    }

    #[test]
    fn words_are_normalised_and_marks_stand_alone() {
        assert_eq!(
            words("ＡＮＴＲＩ lama!! 😡Rp1.500"),
            ["antri", "lama", "!", "!", "😡", "rp1", ".", "500"]
        );
    }

    #[test]
    fn lengthened_letters_are_squeezed_and_doubled_ones_kept() {
        assert_eq!(squeezed("lamaaaa"), "lama");
        assert_eq!(squeezed("good"), "good");
        assert_eq!(squeezed("1000"), "1000");
    }

    #[test]
    fn offsets_point_into_the_original() {
        let text = "İyi ANTRI…ﬁn";
        for token in tokenizer().words(text).unwrap() {
            assert!(text.get(token.start..token.end).is_some(), "{token:?}");
        }
        let tokens = tokenizer().words("Aduh  LAMA").unwrap();
        assert_eq!(&"Aduh  LAMA"[tokens[1].start..tokens[1].end], "LAMA");
    }

    #[test]
    fn two_trainings_give_the_same_bytes_and_json_reads_back() {
        let json = tokenizer().to_json().unwrap();
        assert_eq!(json, tokenizer().to_json().unwrap());
        let read = Tokenizer::from_json(json.as_bytes()).unwrap();
        assert_eq!(
            read.pieces("antrian").unwrap(),
            tokenizer().pieces("antrian").unwrap()
        );
        assert!(tokenizer().pieces("antrian").unwrap().len() < 7);
    }

    #[test]
    fn composed_and_decomposed_letters_are_the_same_words() {
        assert_eq!(words("café"), words("cafe\u{301}"));
    }

    /// Whether the scanner finds the same words as the pipeline; `None` if it leaves the text to
    /// the pipeline.
    fn scanned_as_by_the_pipeline(tokenizer: &Tokenizer, text: &str) -> Option<bool> {
        let mut found = Vec::new();
        let mut push = |word: &str, start, end| {
            found.push(Token {
                word: word.into(),
                start,
                end,
            });
        };
        let whole = Scanner::default().scan(text, &mut push);
        let expected = tokenizer.words_by_pipeline(text).unwrap();
        assert_eq!(tokenizer.words(text).unwrap(), expected, "{text:?}");
        whole.map(|_| found == expected)
    }

    /// Every character by itself and between letters.
    #[test]
    fn every_character_is_scanned_as_by_the_pipeline() {
        let tokenizer = tokenizer();
        let mut taken = 0;
        for c in '\0'..=char::MAX {
            let text = format!("a{c}B {c}");
            if let Some(same) = scanned_as_by_the_pipeline(&tokenizer, &text) {
                assert!(same, "U+{:04X}", u32::from(c));
                taken += 1;
            }
        }
        assert!(taken > 2500, "{taken}");
    }

    /// The tokens of the shipped encoder are the same with and without the pipeline.
    #[test]
    fn subwords_agree_with_the_pipeline() {
        let json = include_bytes!("../../models/encoder/tokenizer.json");
        let subwords = Subwords::from_json(json).unwrap();
        assert!(subwords.direct.is_some());
        let whole = Subwords {
            direct: None,
            ..subwords.clone()
        };
        let long = "a".repeat(200);
        for word in [
            "antri",
            "bpjs",
            "pelayanannya",
            "x1_9",
            "!",
            "_",
            "2024",
            "Antri",
            "a b",
            "é",
            "",
            &long,
        ] {
            assert_eq!(
                subwords.ids(word).unwrap(),
                whole.ids(word).unwrap(),
                "{word}"
            );
        }
    }

    fn shipped() -> (Tokenizer, Subwords) {
        let pieces = include_bytes!("../../models/starter/tokenizer.json");
        let words = include_bytes!("../../models/encoder/tokenizer.json");
        (
            Tokenizer::from_json(pieces).unwrap(),
            Subwords::from_json(words).unwrap(),
        )
    }

    #[test]
    fn nothing_that_is_shipped_needs_the_pipeline_to_be_read() {
        let (tokenizer, subwords) = shipped();
        assert!(tokenizer.pieces.is_some() && tokenizer.scannable && subwords.direct.is_some());
    }

    #[test]
    fn a_description_that_the_library_refuses_is_refused() {
        let json = tokenizer().to_json().unwrap();
        let read = |from: &str, to: &str| {
            assert!(json.contains(from));
            Tokenizer::from_json(json.replace(from, to).as_bytes())
        };
        assert!(read("\"unk_token\":\"[UNK]\"", "\"unk_token\":3").is_err());
        assert!(read("[\"a\",\"n\"]", "[\"a\",\"nowhere\"]").is_err());
        assert!(Tokenizer::from_json(b"{").is_err());
        let rare = read("\"byte_fallback\":false", "\"byte_fallback\":true").unwrap();
        assert!(rare.pieces.is_none());
    }

    #[test]
    fn a_pipeline_of_another_kind_is_not_scanned() {
        let json = tokenizer().to_json().unwrap();
        let read = |json: &str| Tokenizer::from_json(json.as_bytes()).unwrap().scannable;
        assert!(read(&json));
        assert!(!read(
            &json.replace("\"type\":\"NFKC\"", "\"type\":\"NFC\"")
        ));
        assert!(!read(&json.replace("\"invert\":true", "\"invert\":false")));
    }

    proptest! {
        #[test]
        fn any_text_is_scanned_as_by_the_pipeline(text in "([a-zA-Z0-9 _.,!?\t\u{b}]|[à-ž]|[’“”–😡🙏\u{fe0f}]|\\PC){0,40}") {
            prop_assert_ne!(scanned_as_by_the_pipeline(&tokenizer(), &text), Some(false));
        }

        #[test]
        fn own_pieces_agree_with_the_pipeline(word in "([a-z]|[a-z]{2}|an|ang|meng|kan|é|9|_|\\PC){1,20}") {
            static SHIPPED: std::sync::LazyLock<(Tokenizer, Subwords)> = std::sync::LazyLock::new(shipped);
            let (tokenizer, subwords) = &*SHIPPED;
            let by_hand = tokenizer.pieces.as_ref().unwrap().append(&word, &mut Vec::new());
            prop_assert!(by_hand || word.len() > 512);
            prop_assert_eq!(tokenizer.pieces(&word).unwrap(), tokenizer.pieces_by_pipeline(&word).unwrap());
            let whole = subwords.pipeline.get().unwrap().encode_fast(word.as_str(), false).unwrap();
            let ids: Vec<u32> = whole.get_ids().iter().copied().filter(|id| !subwords.empty.contains(id)).collect();
            prop_assert_eq!(subwords.ids(&word).unwrap(), ids);
        }

        #[test]
        fn squeezing_agrees_with_a_simple_version(word in "(a|b|é|😡|1){0,12}") {
            let mut runs: Vec<(char, usize)> = Vec::new();
            for c in word.chars() {
                match runs.last_mut() {
                    Some((last, n)) if *last == c => *n += 1,
                    _ => runs.push((c, 1)),
                }
            }
            let kept = runs.into_iter().map(|(c, n)| if n > 2 && c.is_alphabetic() { (c, 1) } else { (c, n) });
            let expected: String = kept.flat_map(|(c, n)| std::iter::repeat_n(c, n)).collect();
            prop_assert_eq!(squeezed(&word), expected);
        }

        #[test]
        fn any_text_is_split_within_its_bounds(text in "\\PC*") {
            for token in tokenizer().words(&text).unwrap() {
                prop_assert!(text.get(token.start..token.end).is_some());
            }
        }
    }
}
