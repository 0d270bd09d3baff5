//! Text to tokens: the wrapped `tokenizers` pipeline (normalise, pre-tokenise, sub-word model).
//!
//! The pipeline is data: `tokenizer.json` in a model directory is read by every Hugging Face
//! client and gives the same words and pieces there.

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

use crate::error::{Error, Result};

/// A run of letters, marks, digits and `_` is one word; any other visible character is one.
const WORD: &str = r"[\p{L}\p{M}\p{N}_]+|[^\p{L}\p{M}\p{N}_\s]";
const UNKNOWN: &str = "[UNK]";
/// Letters that get a piece of their own; rarer ones are unknown.
const ALPHABET: usize = 400;

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
pub struct Tokenizer {
    pipeline: Pipeline,
}

impl Tokenizer {
    /// Trains the sub-word model (byte-pair encoding) on `texts`; the same texts give the same bytes.
    ///
    /// `vocabulary` is the number of pieces, `min_frequency` how often a merged pair must occur.
    pub fn train<'a>(
        texts: impl Iterator<Item = &'a str> + Send,
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
        let pattern = SplitPattern::Regex(WORD.into());
        let split = Split::new(pattern, SplitDelimiterBehavior::Removed, true).map_err(failed)?;
        pipeline.with_normalizer(Some(normalizer)).map_err(failed)?;
        pipeline.with_pre_tokenizer(Some(PreTokenizerWrapper::Split(split)));
        let trainer = BpeTrainerBuilder::new()
            .vocab_size(vocabulary)
            .min_frequency(min_frequency)
            .limit_alphabet(ALPHABET)
            .show_progress(false)
            .special_tokens(vec![AddedToken::from(UNKNOWN, true)])
            .build();
        let mut trainer = TrainerWrapper::BpeTrainer(trainer);
        pipeline.train(&mut trainer, texts).map_err(failed)?;
        Ok(Self { pipeline })
    }

    /// Reads a `tokenizer.json`.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        Ok(Self {
            pipeline: Pipeline::from_bytes(json).map_err(failed)?,
        })
    }

    /// The pipeline as `tokenizer.json`.
    pub fn to_json(&self) -> Result<String> {
        let json: serde_json::Value =
            serde_json::from_str(&self.pipeline.to_string(false).map_err(failed)?)
                .map_err(|e| failed(e.into()))?;
        serde_json::to_string(&json).map_err(|e| failed(e.into()))
    }

    /// The words of a text, in order.
    pub fn words(&self, text: &str) -> Result<Vec<Token>> {
        let mut normalized = NormalizedString::from(text);
        if let Some(normalizer) = self.pipeline.get_normalizer() {
            normalizer.normalize(&mut normalized).map_err(failed)?;
        }
        let mut split = PreTokenizedString::from(normalized);
        if let Some(pre_tokenizer) = self.pipeline.get_pre_tokenizer() {
            pre_tokenizer.pre_tokenize(&mut split).map_err(failed)?;
        }
        let splits = split.get_splits(OffsetReferential::Original, OffsetType::Byte);
        Ok(splits
            .into_iter()
            .map(|(word, (start, end), _)| Token {
                word: word.to_string(),
                start,
                end,
            })
            .collect())
    }

    /// The ids of the pieces that a normalised word is made of.
    pub fn pieces(&self, word: &str) -> Result<Vec<u32>> {
        let tokens = self.pipeline.get_model().tokenize(word).map_err(failed)?;
        Ok(tokens.into_iter().map(|t| t.id).collect())
    }
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
        "antri lama sekali",
        "lama antrian",
        "antrian lama!",
        "Klaim ditolak, ditolak lagi",
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

    proptest! {
        #[test]
        fn any_text_is_split_within_its_bounds(text in "\\PC*") {
            for token in tokenizer().words(&text).unwrap() {
                prop_assert!(text.get(token.start..token.end).is_some());
            }
        }
    }
}
