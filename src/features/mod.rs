//! The views (feature sets) of a statement. Training and labelling use the same function, on the
//! text that [`statement_text`] returns.
//!
//! - [`lexical`](LexicalView): words, word pairs, character n-grams, sub-word pieces; sparse.
//! - [`semantic`](SemanticView): the vectors of a static encoder; words with similar meaning have
//!   similar vectors.
//! - [`cues`](CueView): the codebook's lexicons and the shape of the text; few and dense.
//! - [`sentence`](SentenceView), if an encoder is given: vectors of whole texts. [`ContextEncoder`]
//!   computes them with a small network; with the feature `encoder`, `SentenceEncoder` uses a BERT
//!   or XLM-R model on disk.

mod context;
mod cues;
mod lexical;
mod matrix;
mod network;
mod semantic;
#[cfg(feature = "encoder")]
mod sentence;
mod sentences;
mod text_encoder;
mod vectors;

use std::borrow::Cow;
use std::sync::Arc;

use ndarray::Array2;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::codebook::Codebook;
use crate::error::{Error, Result};
use crate::ingest::clean::{Cleaned, statement_text};
use crate::tokenize::{Tokenizer, squeezed};

pub use context::{ContextEncoder, ContextFiles, ContextHead, ContextVectors, ContextWord};
pub use cues::CueView;
pub(crate) use cues::{SHAPE_COUNT, capital_shape, is_capital, steady_shapes};
pub(crate) use lexical::{BIAS, pair_hash, squared_norm_of, squeezed_hash, word_hash};
pub use lexical::{LexicalParams, LexicalView, WordFeatures};
pub use matrix::{FeatureMatrix, FeatureRow};
pub use semantic::{EncoderId, SemanticView, StaticEncoder};
#[cfg(feature = "encoder")]
pub use sentence::SentenceEncoder;
pub use sentences::SentenceView;
pub use text_encoder::TextEncoder;
pub use vectors::Vectors;

/// The views that a model uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Views {
    /// Words, word pairs, character n-grams, sub-word pieces.
    pub lexical: bool,
    /// The vectors of a static encoder.
    pub semantic: bool,
    /// The codebook's lexicons and the shape of the text.
    pub cues: bool,
}

impl Default for Views {
    fn default() -> Self {
        Self {
            lexical: true,
            semantic: true,
            cues: true,
        }
    }
}

/// Features of one statement.
#[derive(Debug, Clone, PartialEq)]
pub struct StatementFeatures {
    /// The words of the statement, with their features.
    pub words: Vec<WordFeatures>,
    /// Lexical features and their weights divided by the additive norm, ascending by feature.
    pub lexical: Vec<(u32, f32)>,
    /// The additive norm of `lexical`.
    pub norm: f64,
    /// The encoder's tokens of each word.
    pub tokens: Vec<Vec<u32>>,
    /// The additive norm of the token vectors.
    pub semantic_norm: f64,
    /// The vector of the whole text; empty if the sentence view isn't used.
    pub sentence: Vec<f32>,
    /// One value per cue.
    pub cues: Vec<f64>,
}

impl StatementFeatures {
    /// Whether the text has any lexical feature or encoder token.
    pub fn has_content(&self) -> bool {
        self.lexical.len() > 1 || self.tokens.iter().any(|t| !t.is_empty())
    }
}

/// Extracts the views of statements. Fitted once; extraction learns nothing.
pub struct FeatureExtractor {
    tokenizer: Tokenizer,
    lexical: LexicalView,
    semantic: Option<SemanticView>,
    sentence: Option<SentenceView>,
    cues: CueView,
}

/// The views that need encoders, if used.
#[derive(Clone, Default)]
pub struct EncoderViews {
    /// The view of a static encoder.
    pub semantic: Option<SemanticView>,
    /// The view of a sentence encoder.
    pub sentence: Option<SentenceView>,
}

impl FeatureExtractor {
    /// Learns the tokenizer, the vocabulary and the document frequencies from `texts`.
    ///
    /// With `prior`, its tokenizer, hyperparameters, features and weights are kept, and new
    /// features of `texts` are added. An unused view gives no features.
    pub fn fit(
        texts: &[&str],
        codebook: &Codebook,
        views: Views,
        params: &LexicalParams,
        encoders: EncoderViews,
        prior: Option<&Self>,
    ) -> Result<Self> {
        let texts = &cleaned(texts);
        let (tokenizer, params) = if let Some(prior) = prior {
            (prior.tokenizer.clone(), prior.lexical.params())
        } else {
            let trained = Tokenizer::train(texts.iter().map(Cow::as_ref), params.pieces, 2)?;
            (trained, params)
        };
        let lexical = if views.lexical {
            let tokens = texts
                .par_iter()
                .map(|text| tokenizer.words(text))
                .collect::<Result<Vec<_>>>()?;
            let fitted = LexicalView::fit(&tokens, &tokenizer, params)?;
            match prior {
                Some(prior) => prior.lexical.extended(&fitted),
                None => fitted,
            }
        } else {
            LexicalView::from_parts(params.clone(), Vec::new(), Vec::new())
        };
        Ok(Self {
            tokenizer,
            lexical,
            semantic: encoders.semantic.filter(|_| views.semantic),
            sentence: encoders.sentence,
            cues: CueView::of(codebook, views),
        })
    }

    /// Assembles an extractor from its stored parts.
    pub fn from_parts(
        tokenizer: Tokenizer,
        lexical: LexicalView,
        encoders: EncoderViews,
        cues: CueView,
    ) -> Self {
        Self {
            tokenizer,
            lexical,
            semantic: encoders.semantic,
            sentence: encoders.sentence,
            cues,
        }
    }

    /// The views of one statement.
    pub fn extract(&self, text: &str) -> Result<StatementFeatures> {
        let vectors = self.sentence_vectors(&[text])?;
        self.extract_beside(text, vectors.row(0).to_vec())
    }

    /// The vectors of whole texts; of dimension 0 without the sentence view. A batch is faster than
    /// single texts.
    pub fn sentence_vectors(&self, texts: &[&str]) -> Result<Vectors> {
        match &self.sentence {
            Some(view) => {
                let texts = cleaned(texts);
                view.encode(&texts.iter().map(Cow::as_ref).collect::<Vec<_>>())
            }
            None => Ok(Vectors::of(Array2::zeros((texts.len(), 0)))),
        }
    }

    /// The views of one statement with a known [sentence vector](Self::sentence_vectors).
    pub fn extract_beside(&self, text: &str, sentence: Vec<f32>) -> Result<StatementFeatures> {
        self.extract_cleaned(&statement_text(text), sentence)
    }

    /// Like [`Self::extract_beside`] for a cleaned text; word offsets refer to the cleaned text.
    pub(crate) fn extract_cleaned(
        &self,
        cleaned: &Cleaned<'_>,
        sentence: Vec<f32>,
    ) -> Result<StatementFeatures> {
        let text = cleaned.text();
        let words = self
            .lexical
            .words(self.tokenizer.words(text)?, &self.tokenizer)?;
        let (lexical, norm) = LexicalView::row(&words);
        let (tokens, semantic_norm) = self.semantic_tokens(&words)?;
        Ok(StatementFeatures {
            lexical,
            norm,
            tokens,
            semantic_norm,
            sentence,
            cues: self.cues.values(text, words.iter().map(|w| &w.token)),
            words,
        })
    }

    fn semantic_tokens(&self, words: &[WordFeatures]) -> Result<(Vec<Vec<u32>>, f64)> {
        let Some(semantic) = &self.semantic else {
            return Ok((Vec::new(), 1.0));
        };
        let tokens = words
            .iter()
            .map(|w| semantic.tokens(&squeezed(&w.token.word)))
            .collect::<Result<Vec<_>>>()?;
        let norm = semantic.norm(tokens.iter().flatten());
        Ok((tokens, norm))
    }

    /// The views of many statements, in order, on all cores.
    pub fn extract_all(&self, texts: &[&str]) -> Result<Vec<StatementFeatures>> {
        let vectors = self.sentence_vectors(texts)?;
        texts
            .par_iter()
            .enumerate()
            .map(|(i, text)| self.extract_beside(text, vectors.row(i).to_vec()))
            .collect()
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The lexical view.
    pub fn lexical(&self) -> &LexicalView {
        &self.lexical
    }

    /// The semantic view, if used.
    pub fn semantic(&self) -> Option<&SemanticView> {
        self.semantic.as_ref()
    }

    /// The sentence view, if used.
    pub fn sentence(&self) -> Option<&SentenceView> {
        self.sentence.as_ref()
    }

    /// Sets the encoder of the sentence view; fails without that view or if the view needs another
    /// encoder.
    pub fn attach_encoder(&mut self, encoder: Arc<dyn TextEncoder>) -> Result<()> {
        match &mut self.sentence {
            Some(view) => view.attach(encoder),
            None => Err(Error::UnusedEncoder {
                given: encoder.id().to_string(),
            }),
        }
    }

    /// The cues.
    pub fn cues(&self) -> &CueView {
        &self.cues
    }
}

/// The texts after cleaning, as models read them.
fn cleaned<'a>(texts: &[&'a str]) -> Vec<Cow<'a, str>> {
    let text = |text: &&'a str| statement_text(text).into_text();
    texts.par_iter().map(text).collect()
}
