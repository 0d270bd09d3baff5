//! All contributions of a single word to a statement, by the views of the model.

use super::lanes::{Adder, LANES, Rows};
use super::table::{Tongue, Word};
use crate::error::Result;
use crate::features::{squared_norm_of, squeezed_hash, steady_shapes};
use crate::language::judge;
use crate::model::Model;
use crate::tokenize::squeezed;

/// Computes words.
pub(super) struct Folder<'m> {
    model: &'m Model,
    adder: Adder,
    /// Number of needed columns, padded to a multiple of [`LANES`].
    columns: usize,
    /// The weights of the features, one row each.
    weights: Rows<'m>,
    /// The weights of the encoder's tokens; empty without the semantic view.
    scores: Rows<'m>,
    tells_language: bool,
}

/// Buffers that are reused for each word.
#[derive(Default)]
pub(super) struct Scratch {
    ids: Vec<u32>,
    /// Features or tokens, with their weights.
    weighted: Vec<(u32, f32)>,
}

impl<'m> Folder<'m> {
    /// Uses the first `columns` codes of all outputs.
    pub(super) fn new(model: &'m Model, columns: usize) -> Self {
        let (weights, width) = model.weight_rows();
        Self {
            model,
            adder: Adder::new(),
            columns: columns.next_multiple_of(LANES),
            weights: Rows {
                values: weights,
                width,
            },
            scores: Rows {
                values: model.token_rows(),
                width,
            },
            tells_language: !model.learned_other_languages(),
        }
    }

    /// The weights of a feature, one per code.
    pub(super) fn weights(&self, feature: u32) -> &'m [f32] {
        self.weights.get(feature, self.columns)
    }

    /// Adds a feature with this weight to the lexical sums.
    pub(super) fn add_feature(&self, sums: &mut [f32], feature: u32, weight: f32) {
        let sums = &mut sums[..self.columns];
        self.adder
            .add_rows(sums, self.weights, &[(feature, weight)]);
    }

    /// Adds the values of a word to sums.
    pub(super) fn add_word(&self, sums: &mut [f32], values: &[f32]) {
        self.adder.add(sums, values);
    }

    /// Number of values of a word per view.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Computes a word and appends its values: the lexical scores, then the semantic ones.
    pub(super) fn fold(
        &self,
        word: &str,
        scratch: &mut Scratch,
        values: &mut Vec<f32>,
    ) -> Result<Word> {
        let extractor = self.model.extractor();
        let squeezed = squeezed(word);
        let Scratch { ids, weighted } = scratch;
        let start = values.len();
        values.resize(start + 2 * self.columns, 0.0);
        let (lexical, semantic) = values[start..].split_at_mut(self.columns);
        ids.clear();
        weighted.clear();
        if !extractor.lexical().is_empty() {
            extractor.tokenizer().append_pieces(&squeezed, ids)?;
            extractor
                .lexical()
                .append_features(&squeezed, ids, weighted);
            self.adder.add_rows(lexical, self.weights, weighted);
        }
        let norm2 = squared_norm_of(weighted) as f32;
        let mut known = !weighted.is_empty();
        let mut semantic_norm2 = 0.0;
        if let Some(view) = extractor.semantic() {
            ids.clear();
            weighted.clear();
            view.append_tokens(&squeezed, ids)?;
            for token in ids.iter() {
                semantic_norm2 += view.squared_norms()[*token as usize];
                weighted.push((*token, 1.0));
            }
            self.adder.add_rows(semantic, self.scores, weighted);
            known |= !weighted.is_empty();
        }
        let lexicon = extractor.cues().lexicon_of(word);
        Ok(Word {
            norm2,
            semantic_norm2,
            hash: squeezed_hash(&squeezed),
            lexicon: lexicon.and_then(|l| u16::try_from(l).ok()),
            shapes: steady_shapes(word),
            known,
            visible: word.chars().any(|c| c.is_alphanumeric() || !c.is_ascii()),
            tongue: self.tongue(word),
        })
    }

    fn tongue(&self, word: &str) -> Tongue {
        match word.as_bytes() {
            _ if !self.tells_language => Tongue::Silent,
            b"www" | [b'\'' | b'@' | b'#' | b'<' | b'/'] => Tongue::Odd,
            [mark] if mark.is_ascii_punctuation() && *mark != b'_' => Tongue::Silent,
            bytes if bytes.iter().all(u8::is_ascii_lowercase) => Tongue::Speaks(judge(word)),
            _ => Tongue::Odd,
        }
    }
}
